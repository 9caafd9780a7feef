"""One workbook, five independent readers, one content.

They are openpyxl, calamine, LibreOffice, Gnumeric and SheetJS.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from python_calamine import CalamineWorkbook

from klarify_xl.demo import Organisation

from .node import SHEETJS, run
from .workbooks import (
    NOW,
    Rows,
    Value,
    hostile_organisation,
    opened,
    plan_of,
    planned,
    program,
    unescaped,
    write,
)

ORGANISATIONS = ["demo", "empty", "hostile"]

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


@pytest.fixture(scope="module")
def workbooks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A workbook for each organisation."""
    folder = tmp_path_factory.mktemp("workbooks")
    organisations = {
        "demo": Organisation(procedures=250, seed=7, now=NOW),
        "empty": Organisation(procedures=0, now=NOW),
        "hostile": hostile_organisation(),
    }
    files = {name: folder / f"{name}.xlsx" for name in ORGANISATIONS}
    for name, file in files.items():
        write(organisations[name], file)
    return files


@pytest.fixture(scope="module")
def converted(
    workbooks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """What LibreOffice reads in each workbook, as flat OpenDocument files."""
    office = program("soffice")
    folder = tmp_path_factory.mktemp("converted")
    profile = tmp_path_factory.mktemp("profile").as_uri()
    command = [office, f"-env:UserInstallation={profile}", "--headless", "--convert-to", "fods"]
    subprocess.run(
        [*command, "--outdir", str(folder), *map(str, workbooks.values())],
        check=True,
        capture_output=True,
        timeout=100,
    )
    return {name: folder / f"{name}.fods" for name in workbooks}


BOARDS = {"Overview", "Role matrix", "Map"}
"""Sheets that are no tables; tests of their own look at them."""


def expected(workbook: Path) -> dict[str, Rows]:
    """Return what a workbook's plan shows; an empty text is an empty cell."""
    return {
        name: [tuple(value if value != "" else None for value in row) for row in rows]
        for name, rows in planned(plan_of(workbook)).items()
    }


def plain(value: Any) -> Value:
    """Return a reader's value with whole numbers as such and nothing for an empty cell."""
    if value == "" and isinstance(value, str):
        return None
    if isinstance(value, float):
        assert value.is_integer()
        return int(value)
    assert value is None or isinstance(value, str | int | datetime)
    return value


def trimmed(rows: list[list[Any]], like: Rows) -> Rows:
    """Return a reader's rows without what it made up around them, all of it empty."""
    width, height = len(like[0]), len(like)
    values = [[plain(value) for value in row] for row in rows]
    assert all(value is None for row in values for value in row[width:])
    assert all(value is None for row in values[height:] for value in row)
    return [tuple([*row, *[None] * width][:width]) for row in values[:height]]


def assert_equal(found: dict[str, list[list[Any]]], wanted: dict[str, Rows]) -> None:
    assert list(found) == list(wanted)
    for name, rows in wanted.items():
        assert len(rows) > 1 or name != "Procedures" or len(wanted["Lanes"]) == 1
        for read, row in zip(trimmed(found[name], rows), rows, strict=True):
            assert read == row, name


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_openpyxl_reads_what_was_planned(workbooks: dict[str, Path], organisation: str) -> None:
    file = workbooks[organisation]
    found = {
        name: [
            [unescaped(value) if isinstance(value, str) else value for value in row]
            for row in sheet.iter_rows(values_only=True)
        ]
        for name, sheet in opened(file).items()
    }
    assert_equal(found, expected(file))


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_calamine_reads_what_was_planned(workbooks: dict[str, Path], organisation: str) -> None:
    file = workbooks[organisation]
    workbook = CalamineWorkbook.from_path(str(file))
    found = {
        name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in workbook.sheet_names
        if name not in BOARDS
    }
    assert_equal(found, expected(file))


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_libreoffice_reads_what_was_planned(
    workbooks: dict[str, Path], converted: dict[str, Path], organisation: str
) -> None:
    wanted = expected(workbooks[organisation])
    for rows in wanted.values():
        rows[:] = [tuple(as_libreoffice_keeps(value) for value in row) for row in rows]
    assert_equal(tables(converted[organisation]), wanted)


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_libreoffice_finds_no_error_and_formulas_on_the_overview_only(
    converted: dict[str, Path], organisation: str
) -> None:
    content = converted[organisation].read_text(encoding="utf-8")
    assert "<table:table-cell" in content
    assert 'calcext:value-type="error"' not in content
    with_formulas = {
        table.get(f"{TABLE}name")
        for table in parsed(converted[organisation]).iter(f"{TABLE}table")
        if any(cell.get(f"{TABLE}formula") for cell in table.iter(f"{TABLE}table-cell"))
    }
    assert with_formulas == {"Overview"}


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_libreoffice_finds_the_tables_over_all_rows(
    workbooks: dict[str, Path], converted: dict[str, Path], organisation: str
) -> None:
    root = parsed(converted[organisation])
    found = {
        area.get(f"{TABLE}target-range-address", "").replace("'", "")
        for area in root.iter(f"{TABLE}database-range")
    }
    for name, sheet in list(opened(workbooks[organisation]).items())[:-1]:
        first, last = next(iter(sheet.tables.values())).ref.split(":")
        assert f"{name}.{first}:{name}.{last}" in found


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_gnumeric_reads_what_was_planned(
    workbooks: dict[str, Path], gnumeric: dict[str, Path], organisation: str
) -> None:
    wanted = expected(workbooks[organisation])
    found = {
        name: [
            [unescaped(value) if isinstance(value, str) else value for value in row]
            for row in dated(rows, wanted[name])
        ]
        for name, rows in gnumeric_sheets(gnumeric[organisation]).items()
        if name not in BOARDS
    }
    assert_equal(found, wanted)


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_sheetjs_reads_what_was_planned(workbooks: dict[str, Path], organisation: str) -> None:
    file = workbooks[organisation]
    wanted = expected(file)
    sheets: dict[str, list[list[Any]]] = json.loads(run(SHEETJS, SHEETJS_READER, file))
    found = {name: dated(rows, wanted[name]) for name, rows in sheets.items() if name not in BOARDS}
    assert_equal(found, wanted)


SHEETJS_READER = """
const XLSX = require('xlsx');
const book = XLSX.readFile(process.argv[1]);
const found = {};
for (const name of book.SheetNames) {
  const sheet = book.Sheets[name];
  const {s, e} = XLSX.utils.decode_range(sheet['!ref']);
  found[name] = [];
  for (let r = 0; r <= e.r; r++) {
    const row = [];
    for (let c = 0; c <= e.c; c++) {
      const cell = sheet[XLSX.utils.encode_cell({r, c})];
      if (cell && cell.t === 'e') throw new Error(`${name}!${r},${c} is an error`);
      row.push(cell && cell.v !== undefined ? cell.v : null);
    }
    found[name].push(row);
  }
}
process.stdout.write(JSON.stringify(found));
"""

GNUMERIC = "{http://www.gnumeric.org/v10.dtd}"
GNUMERIC_NUMBER, GNUMERIC_TEXT = "40", "60"


@pytest.fixture(scope="module")
def gnumeric(
    workbooks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """What Gnumeric reads in each workbook, as its own XML."""
    convert = program("ssconvert")
    folder = tmp_path_factory.mktemp("gnumeric")
    files = {name: folder / f"{name}.xml" for name in workbooks}
    for name, file in workbooks.items():
        command = [convert, "--export-type=Gnumeric_XmlIO:sax:0", str(file), str(files[name])]
        subprocess.run(command, check=True, capture_output=True, timeout=100)
    return files


def gnumeric_sheets(file: Path) -> dict[str, list[list[Any]]]:
    """Return the values in a workbook of Gnumeric's, by sheet."""
    found: dict[str, list[list[Any]]] = {}
    for sheet in parsed(file).iter(f"{GNUMERIC}Sheet"):
        width = int(sheet.findtext(f"{GNUMERIC}MaxCol", "0")) + 1
        height = int(sheet.findtext(f"{GNUMERIC}MaxRow", "0")) + 1
        rows: list[list[Any]] = [[None] * width for _ in range(height)]
        for cell in sheet.iter(f"{GNUMERIC}Cell"):
            kind = cell.get("ValueType")
            if kind not in {None, GNUMERIC_NUMBER, GNUMERIC_TEXT}:
                assert sheet.findtext(f"{GNUMERIC}Name") in BOARDS
            value: Any = cell.text
            if kind == GNUMERIC_NUMBER:
                value = float(value)
            rows[int(cell.get("Row", "0"))][int(cell.get("Col", "0"))] = value
        found[sheet.findtext(f"{GNUMERIC}Name", "")] = rows
    return found


def dated(rows: list[list[Any]], like: Rows) -> list[list[Any]]:
    """Return a reader's rows with moments for Excel's numbers of days, where those are wanted."""
    found = [list(row) for row in rows]
    for row, wanted in zip(found, like, strict=False):
        for column, (value, one) in enumerate(zip(row, wanted, strict=False)):
            if isinstance(one, datetime) and isinstance(value, float):
                seconds = timedelta(seconds=round(value * 86_400))
                row[column] = datetime(1899, 12, 30) + seconds  # noqa: DTZ001 -- as in Excel
    return found


def as_libreoffice_keeps(value: Value) -> Value:
    """Return a text as LibreOffice keeps it: without a tab before a text of several lines."""
    if isinstance(value, str) and "\n" in value:
        return value.removeprefix("\t")
    return value


def parsed(file: Path) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, huge_tree=True)
    return etree.parse(file, parser).getroot()


def tables(file: Path) -> dict[str, list[list[Any]]]:
    """Return the values in a flat OpenDocument file, by sheet."""
    found: dict[str, list[list[Any]]] = {}
    for table in parsed(file).iter(f"{TABLE}table"):
        # Charts hold a table of their own.
        if table.get(f"{TABLE}name") in {*BOARDS, "local-table"}:
            continue
        rows: list[list[Any]] = found.setdefault(table.get(f"{TABLE}name", ""), [])
        for row in table.iter(f"{TABLE}table-row"):
            values = [value for cell in row for value in cell_values(cell)]
            # Only empty rows at the end are many; they are no rows of the sheet.
            repeated = int(row.get(f"{TABLE}number-rows-repeated", "1"))
            rows += [values] * min(repeated, 1_000)
    return found


def cell_values(cell: etree._Element) -> Iterator[Any]:
    value = cell_value(cell)
    repeated = int(cell.get(f"{TABLE}number-columns-repeated", "1"))
    # Only the empty cells at the right are many.
    yield from [value] * min(repeated, 100)


def cell_value(cell: etree._Element) -> Any:
    kind = cell.get(f"{OFFICE}value-type")
    if kind is None:
        return None
    if kind == "float":
        return float(cell.get(f"{OFFICE}value", ""))
    if kind == "date":
        return datetime.fromisoformat(cell.get(f"{OFFICE}date-value", ""))
    assert kind == "string", f"a cell holds a {kind}"
    return "\n".join(paragraph_text(paragraph) for paragraph in cell.findall(f"{TEXT}p"))


def paragraph_text(element: etree._Element) -> str:
    """Return the text of a paragraph (OpenDocument 1.2 part 1, 6.1)."""
    text = element.text or ""
    for child in element:
        name = re.sub("{.*}", "", str(child.tag))
        if name == "s":
            text += " " * int(child.get(f"{TEXT}c", "1"))
        elif name == "tab":
            text += "\t"
        elif name == "line-break":
            text += "\n"
        else:
            text += paragraph_text(child)
        text += child.tail or ""
    return text
