"""A fleet's report as people read it, on screen and on paper."""

import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from klarify_xl.fleet.manifest import Record
from klarify_xl.fleet.report import write_report

SENTENCE = "See whether the place of the workbook answers, and who may write there. "
KEY_FILE = "file:/srv/klarify/keys/of-all-organisations-of-the-north/Acme-Industrial-Holding.txt"
POINTS = 15.0


@pytest.mark.parametrize("hint", [SENTENCE * 2, SENTENCE * 3, f"{KEY_FILE}. " + SENTENCE * 2])
def test_a_row_has_room_for_what_went_wrong_and_what_to_do(tmp_path: Path, hint: str) -> None:
    record = Record(
        organisation="Acme",
        mark="",
        state="failed",
        out="/srv/klarify/reports/Acme.xlsx",
        error="TargetError",
        message=hint[::-1],
        hint=hint,
        finished_at=datetime.now(UTC),
    )
    write_report(str(tmp_path / "fleet.xlsx"), "2026-03-01", [record])
    sheet = load_workbook(tmp_path / "fleet.xlsx")["Organisations"]
    titles = {cell.value: get_column_letter(cell.column or 0) for cell in sheet[1]}
    room = (sheet.row_dimensions[2].height or POINTS) / POINTS
    for title in ("What went wrong", "What to do"):
        letter = titles[title]
        text = sheet[f"{letter}2"].value
        assert isinstance(text, str)
        # Letters are a little narrower than the digits that a width counts.
        width = int(1.1 * sheet.column_dimensions[letter].width)
        assert len(textwrap.wrap(text, width, break_on_hyphens=False)) <= room
