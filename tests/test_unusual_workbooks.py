"""Workbooks as other programs than Excel write them are refreshed like all others."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from openpyxl import load_workbook

from klarify_xl.demo import Organisation

from .lint import lint
from .rich.package import (
    CONTENT_TYPES,
    TYPES,
    WORKBOOK,
    Package,
    fragment,
    main,
    parsed,
    relations_of,
)
from .test_around_tables import Book
from .validator import objections
from .workbooks import NOW, write

OPEN_XML_SDK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


@pytest.fixture
def book(tmp_path: Path, validator: Path) -> Book:
    return Book(tmp_path, validator)


def table_of(package: Package) -> etree._Element:
    return package.xml(package.tables()["Procedures"][1])


def test_the_type_of_the_workbook_may_be_that_of_all_xml(book: Book) -> None:
    package = Package.read(book.file)
    types = package.xml(CONTENT_TYPES)
    for one in list(types):
        if one.get("PartName") == f"/{WORKBOOK}":
            types.remove(one)
        elif one.get("Extension") == "xml":
            one.set("ContentType", OPEN_XML_SDK)
    assert types.findall(f"{{{TYPES}}}Default[@ContentType='{OPEN_XML_SDK}']")
    package.save(book.file)
    book.refresh(("AAA",))
    assert "AAA" in [cell.value for cell in book.sheet["B"]]


def prefixed(root: etree._Element) -> etree._Element:
    """Return XML with a prefix for the main namespace, as the Open XML SDK writes it."""
    text = re.sub(rb"<(/?)(\w+)(?=[\s/>])", rb"<\1x:\2", etree.tostring(root))
    return parsed(text.replace(b'xmlns="', b'xmlns:x="'))


def test_an_archived_rich_text_of_a_prefixed_sheet_is_valid_in_ours(book: Book) -> None:
    def note(_book: object, sheet: dict[str, object]) -> None:
        sheet["D1"], sheet["D5"] = "Note", "hello"

    book.edit(note)
    gone = book.ids()[3]
    package = Package.read(book.file)
    part = package.sheets()["Procedures"]
    root = package.xml(part)
    [cell] = [one for one in root.iter(main("c")) if one.get("r") == "D5"]
    cell.set("t", "inlineStr")
    cell[:] = [fragment("<is><r><rPr><b/></rPr><t>hel</t></r><r><t>lo &amp; you</t></r></is>")]
    package.put(part, prefixed(root))
    package.save(book.file)
    book.refresh(remove=(gone,))
    archive = load_workbook(book.file, rich_text=True)["Archived notes"]
    assert str(archive["E2"].value) == "hello & you"
    assert archive["E2"].value[0].font.b


def test_dates_are_counted_as_the_workbook_counts_them(book: Book) -> None:
    package = Package.read(book.file)
    properties = package.xml(WORKBOOK).find(main("workbookPr"))
    assert properties is not None
    properties.set("date1904", "1")
    package.save(book.file)
    book.refresh(("AAA",))
    about = {row[0]: row[1] for row in load_workbook(book.file)["About"].values}
    assert isinstance(about["Watermark"], datetime)
    assert NOW.replace(tzinfo=None) - timedelta(days=1) < about["Watermark"]
    assert about["Watermark"] < NOW.replace(tzinfo=None) + timedelta(days=2)
    content = book.file.read_bytes()
    book.refresh()
    assert book.file.read_bytes() == content


def test_a_table_that_was_sorted_before_it_grew_stays_sorted_as_a_whole(book: Book) -> None:
    package = Package.read(book.file)
    table = table_of(package)
    state = '<sortState ref="A2:C10"><sortCondition ref="C2:C10"/></sortState>'
    table.insert(1, fragment(state))
    package.save(book.file)
    book.refresh(("AAA", "BBB"))
    found = [one.get("ref") for one in table_of(Package.read(book.file)).iter() if "r" in one.tag]
    assert {"A2:C15", "C2:C15"} <= set(found)


def test_a_table_that_was_emptied_does_not_go_on_as_an_empty_one(book: Book) -> None:
    package = Package.read(book.file)
    table = table_of(package)
    table.set("insertRow", "1")
    table.set("ref", "A1:C2")
    filters = table.find(main("autoFilter"))
    assert filters is not None
    filters.set("ref", "A1:C2")
    rows = package.xml(package.sheets()["Procedures"]).find(main("sheetData"))
    assert rows is not None
    del rows[1:]
    package.save(book.file)
    book.refresh(("AAA",))
    table = table_of(Package.read(book.file))
    assert (table.get("ref"), table.get("insertRow")) == ("A1:C14", None)


def least(file: Path, styles: str) -> Path:
    """Write a workbook with what must be in one only, and some styles or none."""
    file_with_all = file.with_name("all.xlsx")
    write(Organisation(procedures=1, seed=7, now=NOW), file_with_all)
    package = Package.read(file_with_all)
    kept = {CONTENT_TYPES, "_rels/.rels", WORKBOOK, relations_of(WORKBOOK)}
    first = next(iter(package.sheets().values()))
    types = package.xml(CONTENT_TYPES)
    for one in list(types):
        if one.get("PartName", "").lstrip("/") not in {"", WORKBOOK, first}:
            types.remove(one)
    main_space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    related = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    rows = '<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>'
    sheet = f"<worksheet {main_space}>{rows}</worksheet>"
    sheets = '<sheets><sheet name="Mine" sheetId="1" r:id="rId1"/></sheets>'
    package.put(WORKBOOK, parsed(f"<workbook {main_space} {related}>{sheets}</workbook>".encode()))
    for name in (WORKBOOK, ""):
        for one in list(package.xml(relations_of(name))):
            package.xml(relations_of(name)).remove(one)
    package.relate("", "officeDocument", WORKBOOK)
    package.relate(WORKBOOK, "worksheet", first)
    package.put(first, parsed(sheet.encode()))
    if styles:
        package.add("xl/styles.xml", f"<styleSheet {main_space}>{styles}</styleSheet>", STYLES)
        package.relate(WORKBOOK, "styles", "xl/styles.xml")
        kept.add("xl/styles.xml")
    kept.add(first)
    package.save(file)
    whole = Package.read(file)
    Package({name: content for name, content in whole.parts.items() if name in kept}).save(file)
    return file


STYLES = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
BOLD = (
    '<fonts count="1"><font><b/><sz val="20"/><name val="Arial"/></font></fonts>'
    '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellXfs>'
)


@pytest.mark.parametrize("styles", ["", BOLD], ids=["none", "few"])
def test_a_workbook_with_few_styles_or_none_keeps_its_looks(
    styles: str, tmp_path: Path, validator: Path
) -> None:
    file = least(tmp_path / "least.xlsx", styles)
    assert not objections(validator, file)
    write(Organisation(procedures=9, seed=7, now=NOW), file, into=True)
    assert not lint(file)
    assert not objections(validator, file)
    new = load_workbook(file)["Mine"]
    assert new["A1"].font.b is bool(styles)
    assert new["A1"].style == "Normal"
    assert new["A1"].number_format == "General"
    fills = Package.read(file).xml("xl/styles.xml")
    patterns = [one.get("patternType") for one in fills.iter(main("patternFill"))]
    assert patterns[:2] == ["none", "gray125"]
