"""Excel opens the files without an offer to repair them, as far as that shows without Excel.

Judges are the Open XML SDK, and a small lint for what it lets pass.
"""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from klarify_xl.demo import Organisation

from .lint import lint
from .rich.excel import as_excel_saves, with_macros
from .validator import objections
from .workbooks import NOW, hostile_organisation, write

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


def test_the_open_xml_sdk_accepts_the_workbook(validator: Path, workbook: Path) -> None:
    assert objections(validator, workbook) == []


def test_the_lint_finds_nothing_in_the_workbook(workbook: Path) -> None:
    assert lint(workbook) == []


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook to damage copies of."""
    file = tmp_path_factory.mktemp("sample") / "sample.xlsx"
    write(Organisation(procedures=20, seed=7, now=NOW), file)
    return file


@pytest.fixture(scope="module")
def rich(sample: Path) -> Path:
    """A workbook in which somebody has used much of Excel, to damage copies of."""
    return as_excel_saves(sample, sample.with_name("rich.xlsx"))


@pytest.fixture(scope="module")
def macros(sample: Path) -> Path:
    """A workbook with macros, to damage copies of."""
    return with_macros(sample, sample.with_name("macros.xlsm"))


def test_the_open_xml_sdk_accepts_what_the_tests_make_of_the_workbook(
    validator: Path, rich: Path, macros: Path
) -> None:
    assert objections(validator, rich) == objections(validator, macros) == []


def test_the_lint_finds_only_links_to_a_renamed_sheet_in_it(rich: Path, macros: Path) -> None:
    found = lint(rich)
    assert found
    assert all(re.search(r"leads to 'Lanes'!A\d+, which isn't there", one) for one in found)
    assert lint(macros) == []


def damaged(workbook: Path, part: str, old: str, new: str) -> Path:
    """Return a copy of a workbook with a piece of a part replaced."""
    copy = workbook.with_name(f"damaged{workbook.suffix}")
    with zipfile.ZipFile(workbook) as archive, zipfile.ZipFile(copy, "w") as target:
        for name in archive.namelist():
            content = archive.read(name)
            if name == part:
                assert old.encode() in content
                content = content.replace(old.encode(), new.encode(), 1)
            target.writestr(name, content)
    return copy


def test_the_open_xml_sdk_objects_to_a_font_in_another_order(validator: Path, sample: Path) -> None:
    copy = damaged(
        sample, "xl/styles.xml", '<b val="1"/><sz val="11"/>', '<sz val="11"/><b val="1"/>'
    )
    assert any("unexpected child element" in error for error in objections(validator, copy))


SHEET = "xl/worksheets/sheet2.xml"
RELATED = "xl/worksheets/_rels/sheet2.xml.rels"
TABLE = "xl/tables/table1.xml"


@pytest.mark.parametrize(
    ("part", "old", "new", "fault"),
    [
        (TABLE, '21" ', '20" ', "Procedures covers A1:"),
        (TABLE, '21" ', '22" ', "Procedures covers A1:"),
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
        (TABLE, '<tableColumns count="', '<tableColumns count="9', "are counted otherwise"),
        (TABLE, '<tableColumn id="2"', '<tableColumn id="1"', "columns of Procedures share an id"),
        (SHEET, "<v>1</v>", "<v>one</v>", "holds 'one' as a number"),
        (SHEET, 'sqref="C2:C21"', 'sqref="C2:C"', "is for 'C2:C', which is no area"),
        (SHEET, 'dxfId="0"', 'dxfId="99"', "a rule has the format 99"),
        (SHEET, '<col min="2"', '<col min="1"', "twice"),
        ("xl/workbook.xml", "'Lanes'!$1:$1", "'Lames'!$1:$1", "is on Lames, which isn't there"),
        ("xl/workbook.xml", 'sheetId="2"', 'sheetId="1"', "two sheets share an id"),
        ("xl/workbook.xml", 'name="Lanes"', 'name="PROCEDURES"', "two sheets share a name"),
        ("xl/workbook.xml", 'name="Lanes"', 'name="Lanes?"', "is no name for a sheet"),
        ("[Content_Types].xml", "table1.xml", "table9.xml", "has a content type but isn't there"),
    ],
)
def test_the_lint_finds_what_was_damaged(
    sample: Path, part: str, old: str, new: str, fault: str
) -> None:
    assert any(fault in found for found in lint(damaged(sample, part, old, new)))


WORKBOOK = "xl/workbook.xml"


@pytest.mark.parametrize(
    ("part", "old", "new", "fault"),
    [
        ("xl/tables/table4.xml", 'totalsRowLabel="Total"', 'totalsRowLabel="Sum"', "lack their"),
        ("xl/tables/table4.xml", 'totalsRowCount="1"', 'totalsRowCount="0"', "with 0 totals"),
        (
            "xl/tables/table4.xml",
            '<sortCondition descending="1" ref="D2',
            '<sortCondition ref="D1',
            "sorts D1",
        ),
        ("xl/tables/table2.xml", 'colId="3"', 'colId="33"', "filters a column that isn't there"),
        ("xl/comments1.xml", '8" authorId', '9" authorId', "has a comment without a box, or a box"),
        ("xl/comments1.xml", 'authorId="0"', 'authorId="9"', "has no author"),
        ("xl/threadedComments/threadedComment1.xml", 'ref="C6"', 'ref="C7"', "thread on C7"),
        ("xl/calcChain.xml", '<c r="A1"', '<c r="A9"', "is calculated without a formula"),
        (SHEET, 't="shared" si="0"', 't="shared" si="7"', "shares a formula that isn't there"),
        (SHEET, "LEN(Procedures", "=LEN(Procedures", "begins with an equals sign"),
        (SHEET, 'C6&amp;"!"', "#REF!", "refers to nothing"),
        (SHEET, 't="s"><v>', 't="s"><v>99999', "has a text that isn't there"),
        (SHEET, 'Ignorable="x14ac', 'Ignorable="x14ad', "ignores x14ad, which it doesn't declare"),
        (SHEET, 'dataValidations count="2"', 'dataValidations count="3"', "are counted as 3"),
        (WORKBOOK, 'name="TopThree"', 'name="AllNames"', "two defined names are AllNames"),
        (WORKBOOK, 'localSheetId="2"', 'localSheetId="91"', "belongs to sheet 91"),
        ("xl/_rels/workbook.xml.rels", "sharedStrings.xml", "styles.xml", "which it isn't"),
        ("[Content_Types].xml", "pivotTable+xml", "table+xml", "as a pivotTable, which it isn't"),
        ("customUI/customUI14.xml", "</tabs>", '<tab id="ours"/></tabs>', "has ours 2 times"),
    ],
)
def test_the_lint_finds_what_was_damaged_in_a_rich_workbook(
    rich: Path, part: str, old: str, new: str, fault: str
) -> None:
    found = set(lint(damaged(rich, part, old, new))) - set(lint(rich))
    assert any(fault in one for one in found)


@pytest.mark.parametrize(
    ("part", "old", "new", "fault"),
    [
        ("[Content_Types].xml", "ms-excel.sheet.macroEnabled", "x", "the file ends in .xlsm"),
        (WORKBOOK, 'codeName="ThisWorkbook"', 'codeName="DieseMappe"', "no module DieseMappe"),
        ("xl/vbaProject.bin", "R", "RR", "the VBA project is damaged"),
    ],
)
def test_the_lint_finds_what_was_damaged_about_macros(
    macros: Path, part: str, old: str, new: str, fault: str
) -> None:
    assert any(fault in one for one in lint(damaged(macros, part, old, new)))
