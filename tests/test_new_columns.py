"""Columns that come with a newer version find their place in a workbook that people work in."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from klarify_xl.demo import Organisation
from klarify_xl.errors import TargetError
from klarify_xl.options import Options, SheetOptions

from .lint import lint
from .workbooks import NOW, opened, records, write

OLDER = Options(
    shown=("Procedures", "About"),
    sheets={"Procedures": SheetOptions(columns=("ID", "Name", "Owner"))},
)
"""As if Procedures had had three columns only."""


@pytest.fixture
def organisation() -> Organisation:
    return Organisation(procedures=12, seed=7, now=NOW)


@pytest.fixture
def file(organisation: Organisation, tmp_path: Path) -> Path:
    file = tmp_path / "procedures.xlsx"
    write(organisation, file, options=OLDER)
    return file


def typed(file: Path, cells: dict[str, object]) -> dict[str, str]:
    """Type cells into Procedures, and return the ids of their rows by what was typed."""
    workbook: Any = load_workbook(file)
    sheet = workbook["Procedures"]
    for address, value in cells.items():
        sheet[address] = value
    workbook.save(file)
    rows = {str(value): int(address.lstrip("ABCDEFGH")) for address, value in cells.items()}
    return {value: str(sheet.cell(row, 1).value) for value, row in rows.items() if row > 1}


def test_new_columns_come_after_what_stands_beside_the_table(
    file: Path, organisation: Organisation
) -> None:
    ids = typed(file, {"D1": "Note", "D3": "ask Maria", "E5": "no title", "D9": "done"})
    organisation.now = NOW + timedelta(minutes=1)
    organisation.add(name="AAA goes first")
    write(organisation, file)
    sheet = opened(file)["Procedures"]
    header = [cell.value for cell in sheet[1]]
    assert header[:5] == ["ID", "Name", "Owner", "Note", "Column"]
    assert {"Status", "Performer", "Updated (UTC)", "Changed"} <= set(header[5:])
    rows = {row["ID"]: row for row in records(file, "Procedures")}
    assert rows[ids["ask Maria"]]["Note"] == "ask Maria"
    assert rows[ids["done"]]["Note"] == "done"
    assert rows[ids["no title"]]["Column"] == "no title"
    assert all(row["Status"] for row in rows.values())
    assert lint(file) == []


def test_a_title_beside_the_table_that_is_ours_gets_a_number(
    file: Path, organisation: Organisation
) -> None:
    ids = typed(file, {"D1": "Status", "D3": "mine"})
    write(organisation, file, full=True)
    rows = {row["ID"]: row for row in records(file, "Procedures")}
    assert rows[ids["mine"]]["Status2"] == "mine"
    assert {row["Status"] for row in rows.values()} <= {"published", "draft", "archived"}
    assert lint(file) == []


def test_cells_further_right_that_are_in_the_way_are_told(
    file: Path, organisation: Organisation
) -> None:
    typed(file, {"H4": "Legend"})
    before = file.read_bytes()
    with pytest.raises(TargetError, match=r"Procedures of .*procedures\.xlsx .* H4 is in use"):
        write(organisation, file)
    assert file.read_bytes() == before


def test_a_row_under_the_table_keeps_its_cells_beside_it(
    organisation: Organisation, tmp_path: Path
) -> None:
    file = tmp_path / "procedures.xlsx"
    write(organisation, file)
    workbook: Any = load_workbook(file)
    sheet = workbook["Procedures"]
    sheet["N1"], sheet["O1"] = "Note", "Length"
    for row in range(2, 14):
        sheet.cell(row, 14).value = f"about {sheet.cell(row, 1).value}"
        sheet.cell(row, 15).value = f"=LEN(B{row})"
    sheet["B14"], sheet["N14"] = "mine", "my note"
    workbook.save(file)
    organisation.now = NOW + timedelta(minutes=1)
    for name in ("AAA goes first", "zzz goes last"):
        organisation.add(name=name)
    write(organisation, file)
    rows = list(opened(file)["Procedures"].iter_rows(min_row=2, values_only=True))
    notes = {row[0]: row[13] for row in rows if row[0]}
    assert len(notes) == 14
    assert {note for id_, note in notes.items() if note != f"about {id_}"} == {None}
    assert [row[1] for row in rows if row[13] == "my note"] == ["mine"]
    # The new rows, too.
    lengths = [row[14] for row in rows if row[0]]
    assert lengths == [f"=LEN(B{number})" for number in range(2, 16)]
