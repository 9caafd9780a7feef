"""An organisation whose every text is hostile: shown as it came, never obeyed."""

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from openpyxl import load_workbook

from klarify_xl.demo import Organisation
from klarify_xl.text import REPLACEMENT, safe_text

from .workbooks import (
    HOSTILE_TEXTS,
    NO_IDS,
    about,
    cell_at,
    hostile_organisation,
    links,
    opened,
    records,
    unescaped,
    write,
)

NAMESPACES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
CUT = "… [cut here: the whole text has "
FIELDS = {"Name": "name", "Status": "status", "Owner": "owner", "Performer": "performer"}
LISTS = {"Lanes": "lanes", "Called within": "called_within", "Called from": "called_from"}


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    return hostile_organisation()


@pytest.fixture(scope="module")
def workbook(organisation: Organisation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("hostile") / "hostile.xlsx"
    assert write(organisation, file).procedures == len(organisation.rows)
    return file


@pytest.fixture(scope="module")
def parts(workbook: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(workbook) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def shown_by_id(workbook: Path) -> dict[str, dict[str, Any]]:
    rows = [
        {title: unescaped(v) if isinstance(v, str) else v for title, v in row.items()}
        for row in records(workbook, "Procedures")
    ]
    return {row["ID"]: row for row in rows}


def texts_by_sheet(workbook: Path) -> dict[str, list[str]]:
    """Return all texts but remarks, which quote what they are about."""
    found = {}
    for name in opened(workbook):
        rows = records(workbook, name)
        found[name] = [
            value
            for row in rows
            for title, value in row.items()
            if title != "Remarks" and isinstance(value, str)
        ]
    return found


def test_every_part_is_valid_xml(parts: dict[str, bytes]) -> None:
    for name, part in parts.items():
        assert etree.fromstring(part).tag, name


def test_no_cell_of_any_table_holds_a_formula(parts: dict[str, bytes]) -> None:
    sheets = [etree.fromstring(part) for name, part in parts.items() if "ets/sheet" in name]
    assert len(sheets) == 10
    tables = [sheet for sheet in sheets if sheet.find("m:tableParts", NAMESPACES) is not None]
    assert len(tables) == 7
    for sheet in tables:
        cells = sheet.findall(".//m:c", NAMESPACES)
        assert {cell.get("t") for cell in cells} <= {"inlineStr", None}
        assert sheet.find(".//m:c/m:f", NAMESPACES) is None
        for cell in cells:
            value = cell.find("m:v", NAMESPACES)
            if value is not None:
                assert float(value.text or "") >= 0


def test_there_are_no_parts_that_run_or_fetch_anything(parts: dict[str, bytes]) -> None:
    names = {re.sub(r"\d+", "1", name) for name in parts}
    assert names == {
        "[Content_Types].xml",
        "_rels/.rels",
        "docProps/app.xml",
        "docProps/core.xml",
        "docProps/custom.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/charts/chart1.xml",
        "xl/drawings/_rels/drawing1.xml.rels",
        "xl/drawings/drawing1.xml",
        "xl/styles.xml",
        "xl/tables/table1.xml",
        "xl/theme/theme1.xml",
        "xl/workbook.xml",
        "xl/worksheets/_rels/sheet1.xml.rels",
        "xl/worksheets/sheet1.xml",
    }


def test_names_and_properties_hold_nothing_hostile(workbook: Path) -> None:
    document = load_workbook(workbook)
    assert document.properties.title == "Klarify procedures of demo.klarify.me"
    assert set(document.defined_names) == {
        *("Klarify_Overview", "Klarify_Role_matrix", "Klarify_Map"),
        *("Klarify_Overview_cells", "Klarify_Role_matrix_cells", "Klarify_Map_cells"),
    }
    for sheet in document.worksheets:
        assert set(sheet.defined_names) <= {"_xlnm.Print_Area", "_xlnm.Print_Titles"}


def test_every_field_reads_back_as_its_safe_text(
    workbook: Path, organisation: Organisation
) -> None:
    shown = shown_by_id(workbook)
    assert len(shown) == len(organisation.rows) == 2 * len(HOSTILE_TEXTS) - len(NO_IDS) + 3
    for row in organisation.rows:
        cells = shown[safe_text(row["id"]).text]
        for title, field in FIELDS.items():
            assert (cells[title] or "") == safe_text(row[field]).text
        for title, field in LISTS.items():
            assert (cells[title] or "") == safe_text("; ".join(row[field])).text
        assert (cells["Link"] or "") == safe_text(row["url"]).text


def test_lanes_and_targets_read_back_as_their_safe_texts(
    workbook: Path, organisation: Organisation
) -> None:
    def read(sheet: str, title: str) -> set[str]:
        return {unescaped(row[title]) for row in records(workbook, sheet) if row[title]}

    lanes = {safe_text(lane).text for row in organisation.rows for lane in row["lanes"]}
    assert read("Lanes", "Lane") == lanes == read("Lane totals", "Lane")
    named = {
        safe_text(name).text
        for row in organisation.rows
        for name in (*row["called_within"], *row["called_from"])
    }
    assert read("Relationships", "Target") == named


def test_what_could_not_be_shown_is_counted_once_where_its_procedure_stands(
    workbook: Path,
) -> None:
    columns = ("ID", "Name", "Status", "Owner", "Performer", "Lanes", "Called within")
    shown = [
        str(row[title] or "")
        for row in records(workbook, "Procedures")
        for title in (*columns, "Called from", "Link")
    ]
    candidates = [str(row["Candidates"] or "") for row in records(workbook, "Relationships")]
    texts = [*shown, *candidates]
    receipt = about(workbook)
    assert receipt["Characters replaced"] == sum(text.count(REPLACEMENT) for text in texts) > 0
    assert receipt["Texts cut"] == sum(CUT in text for text in texts) > 0


def test_unsafe_links_and_remarks_are_counted(workbook: Path, organisation: Organisation) -> None:
    receipt = about(workbook)
    hostile = len(organisation.rows) - 2
    assert receipt["Links shown as text"] == hostile
    remarks = [row["Remarks"] for row in records(workbook, "Procedures") if row["Remarks"]]
    assert receipt["Procedures with remarks"] == len(remarks) == hostile
    sheet = opened(workbook)["Procedures"]
    outside = [link for link in links(sheet).values() if not link.startswith("#")]
    assert len(outside) == 2
    assert all(link.startswith("https://demo.klarify.me/process/") for link in outside)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("formula", ["unknown status '=1+1'", "Link: shown as text, not a plain web address"]),
        ("null", ["Name: unshowable characters replaced (1)", r"unknown status 'a\x00b'"]),
        (
            "half a character",
            [
                "Owner: unshowable characters replaced (1)",
                "Lanes: unshowable characters replaced (2)",
                r"unknown status 'a\ud800b'",
            ],
        ),
        ("reversed", ["Performer: unshowable characters replaced (1)", r"a\u202egpj.exe"]),
        ("much", ["Name: characters cut at the end (7282)", "Lanes: characters cut at the end ("]),
    ],
)
def test_what_was_done_is_remarked_at_the_row(
    workbook: Path, organisation: Organisation, name: str, expected: list[str]
) -> None:
    shown = shown_by_id(workbook)
    ids = [row["id"] for row in organisation.rows if row["name"] == HOSTILE_TEXTS[name]]
    assert ids
    for procedure_id in ids:
        for remark in expected:
            assert remark in shown[safe_text(procedure_id).text]["Remarks"]


def test_cut_texts_fill_their_cells_and_say_how_long_they_were(workbook: Path) -> None:
    names = [row["Name"] for row in records(workbook, "Procedures") if CUT in (row["Name"] or "")]
    # A character of two units is not cut into halves.
    assert sorted(len(name.encode("utf-16-le")) // 2 for name in names) == [32_766, 32_767]
    assert sorted(name.partition(CUT)[2] for name in names) == [
        "33999 characters]",
        "40000 characters]",
    ]


def test_links_within_the_workbook_lead_to_the_row_of_their_id(workbook: Path) -> None:
    sheets = opened(workbook)
    for name, letter in (("Lanes", "B"), ("Relationships", "A"), ("Relationships", "E")):
        found = links(sheets[name])
        led = [cell for cell in sheets[name][letter][1:] if cell.value]
        assert len(led) > 5
        for cell in led:
            there = cell_at(sheets, found[cell.coordinate])
            assert (there.parent.title, there.column_letter) == ("Procedures", "A")
            assert there.value == cell.value


def test_long_texts_stay_texts_when_somebody_edits_them(workbook: Path) -> None:
    long = [
        cell
        for sheet in opened(workbook).values()
        for row in sheet.iter_rows(min_row=2)
        for cell in row
        if isinstance(cell.value, str) and len(cell.value) > 300
    ]
    assert len(long) > 20
    assert all(cell.quotePrefix and cell.number_format == "General" for cell in long)


def test_tables_keep_to_their_rows(workbook: Path) -> None:
    for name, sheet in list(opened(workbook).items())[:-1]:
        last = sheet.cell(max(2, sheet.max_row), sheet.max_column).coordinate
        assert [table.ref for table in sheet.tables.values()] == [f"A1:{last}"], name
