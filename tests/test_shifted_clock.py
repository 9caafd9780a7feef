"""A workbook that is opened later tells its age by itself, though nothing has refreshed it."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from klarify_xl.demo import Organisation
from klarify_xl.options import Options

from .workbooks import NOW, program, write


def age_when_opened_after(days: int, file: Path) -> str:
    """Return what the first sheet says of the data's age, opened days later in LibreOffice.

    With LibreOffice's own settings, in which it works out anew only what it must.
    """
    folder = file.parent
    moment = f"{NOW + timedelta(days=days):%Y-%m-%d %H:%M:%S}"
    command = [
        *(program("faketime"), "-f", f"@{moment}", program("soffice")),
        *(f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"),
        *("--convert-to", "xlsx", "--outdir", str(folder / "opened"), str(file)),
    ]
    # In the workbook's own time zone; in another one the day could be another, too.
    zone = {**os.environ, "TZ": "UTC"}
    subprocess.run(command, check=True, capture_output=True, timeout=110, env=zone)
    opened: Any = load_workbook(folder / "opened" / file.name, data_only=True)
    return str(opened.worksheets[0]["F3"].value)


@pytest.mark.parametrize(
    ("days", "language", "told"),
    [
        (0, "en", "Data is from today."),
        (3, "en", "Data is 3 days old."),
        (8, "en", "Data is 8 days old: refresh it before relying on it."),
        (400, "de", "Die Daten sind 400 Tage alt: Vor der Verwendung bitte aktualisieren."),
    ],
)
def test_a_workbook_that_no_refresh_touches_tells_how_old_it_is(
    tmp_path: Path, days: int, language: str, told: str
) -> None:
    file = tmp_path / "p.xlsx"
    organisation = Organisation(procedures=20, seed=7, now=NOW)
    write(organisation, file, options=Options(language=language), now=lambda: NOW)
    before = file.read_bytes()
    assert age_when_opened_after(days, file) == told
    assert file.read_bytes() == before
