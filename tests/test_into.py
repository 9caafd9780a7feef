"""Our sheets go into a workbook of somebody else's only when asked, and harm nothing there."""

import re
import shutil
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.table import Table
from python_calamine import CalamineWorkbook

from klarify_xl.demo import Organisation
from klarify_xl.errors import TargetError
from klarify_xl.exit_codes import exit_code

from .lint import lint
from .rich.builders import FOREIGN, TABLELESS
from .rich.package import CONTENT_TYPES, WORKBOOK, Package, main, unpacked
from .rich.view import viewed
from .test_in_place import load_workbook_quietly
from .validator import installed_validator, objections
from .workbooks import NOW, plan_of, write

pytestmark = pytest.mark.timeout(300)

MAY_CHANGE = {
    *(CONTENT_TYPES, WORKBOOK, "_rels/.rels", "xl/_rels/workbook.xml.rels", "xl/styles.xml"),
    *("xl/sharedStrings.xml", "docProps/custom.xml", "docProps/core.xml", "docProps/app.xml"),
}
"""Parts that count or list the others."""


def organisation() -> Organisation:
    return Organisation(procedures=30, seed=7, now=NOW)


@pytest.fixture(params=FOREIGN)
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each of the workbooks that aren't ours."""
    return FOREIGN[request.param](tmp_path / request.param)


def refused(file: Path, **options: bool) -> TargetError:
    """Return the error with which a refresh leaves a file alone."""
    content, folder = file.read_bytes(), set(file.parent.iterdir())
    with pytest.raises(TargetError) as caught:
        write(organisation(), file, **options)
    assert file.read_bytes() == content
    new = {path.name for path in set(file.parent.iterdir()) - folder}
    assert {name for name in new if not name.startswith(f"{file.stem}.db")} == set()
    assert exit_code(caught.value) == 6
    assert caught.value.hint
    return caught.value


def test_a_workbook_of_somebody_else_s_is_left_alone_unless_told_otherwise(foreign: Path) -> None:
    error = refused(foreign)
    assert foreign.name in str(error)
    assert "--into" in error.hint


def test_our_sheets_go_into_it_when_told_to(foreign: Path) -> None:
    before = unpacked(foreign)
    tabs = list(Package(before).sheets())
    shutil.copyfile(foreign, foreign.with_name(f"before {foreign.name}"))
    assert write(organisation(), foreign, into=True).outcome == "written"
    after = unpacked(foreign)
    package = Package(after)
    assert list(package.sheets())[: len(tabs)] == tabs
    lost = set(before) - set(after)
    assert lost <= {"xl/calcChain.xml"}
    parts = {name for name in before if not name.endswith("/")} - MAY_CHANGE - lost
    assert {name for name in parts if before[name] != after[name]} == set()
    views = viewed(foreign)
    for sheet in plan_of(foreign).tables:
        assert views[sheet.table].titles == [column.title for column in sheet.columns]
        rows = [row for row in views[sheet.table].rows if any(row.values.values())]
        assert len(rows) == len(sheet.rows)
    assert views["Procedures"].column("ID") == [
        row["ID"] for row in (row.values for row in views["Procedures"].rows)
    ]
    assert len(set(views["Procedures"].column("ID"))) == 30
    assert set(lint(foreign)) <= set(lint(foreign.with_name(f"before {foreign.name}")))


def test_its_own_sheets_still_read_and_look_the_same(foreign: Path) -> None:
    before = everything(foreign)
    write(organisation(), foreign, into=True)
    after = everything(foreign)
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)
    calamine = CalamineWorkbook.from_path(str(foreign))
    assert set(after) <= set(calamine.sheet_names)


def everything(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return value, number format, font and fill of every cell, by sheet."""
    return {
        sheet.title: [
            (
                cell.coordinate,
                getattr(cell.value, "text", str(cell.value)),
                cell.number_format,
                (cell.font.name, cell.font.size, cell.font.bold),
                (cell.fill.fill_type, str(cell.fill.fgColor.rgb)),
            )
            for row in sheet.iter_rows()
            for cell in row
        ]
        for sheet in load_workbook_quietly(file).worksheets
    }


def test_the_open_xml_sdk_objects_to_nothing_new(foreign: Path) -> None:
    validator = installed_validator()
    before = set(objections(validator, foreign))
    write(organisation(), foreign, into=True)
    assert set(objections(validator, foreign)) <= before


def test_afterwards_it_is_refreshed_like_our_own(foreign: Path) -> None:
    ours = organisation()
    write(ours, foreign, into=True)
    content = foreign.read_bytes()
    assert write(ours, foreign).outcome == "unchanged"
    assert write(ours, foreign, into=True).outcome == "unchanged"
    assert foreign.read_bytes() == content
    tabs = list(Package.read(foreign).sheets())
    ours.evolve(NOW + timedelta(hours=1))
    assert write(ours, foreign).outcome == "written"
    assert list(Package.read(foreign).sheets()) == tabs
    assert set(viewed(foreign)["Procedures"].column("ID")) == {row["id"] for row in ours.rows}


def test_macros_and_buttons_survive(tmp_path: Path) -> None:
    file = FOREIGN["xlsxwriter.xlsm"](tmp_path / "macros.xlsm")
    before = unpacked(file)
    write(organisation(), file, into=True)
    after = unpacked(file)
    assert after["xl/vbaProject.bin"] == before["xl/vbaProject.bin"]
    drawings = [name for name in before if name.endswith(".vml")]
    assert drawings
    assert [after[name] for name in drawings] == [before[name] for name in drawings]
    assert b"sheet.macroEnabled.main+xml" in after[CONTENT_TYPES]


def with_sheet(book: Workbook) -> None:
    book.create_sheet("relationships")


def with_table(book: Workbook) -> None:
    sheet = book.worksheets[0]
    sheet.append(["Team"])
    sheet.append(["Finance"])
    sheet.add_table(Table(displayName="LANETOTALS", ref="A1:A2"))


def with_name(book: Workbook) -> None:
    book.defined_names["health"] = DefinedName("health", attr_text="Mine!$A$1")


@pytest.mark.parametrize(
    ("add", "named"),
    [(with_sheet, "relationships"), (with_table, "LaneTotals"), (with_name, "health")],
)
def test_what_bears_one_of_our_names_is_named_and_nothing_is_written(
    add: object, named: str, tmp_path: Path
) -> None:
    book = Workbook()
    book.worksheets[0].title = "Mine"
    assert callable(add)
    add(book)
    file = tmp_path / "mine.xlsx"
    book.save(file)
    assert named.casefold() in str(refused(file, into=True)).casefold()


def test_what_a_program_without_tables_left_of_ours_is_not_overwritten(tmp_path: Path) -> None:
    base = tmp_path / "base.xlsx"
    write(organisation(), base)
    file = TABLELESS(base, tmp_path / "tableless.xlsx")
    assert not Package.read(file).tables()
    assert "--into" in refused(file).hint or "table" in str(refused(file))
    assert re.search("has .*(Klarify|Procedures).* of its own", str(refused(file, into=True)))


def test_into_and_a_file_that_isn_t_there_just_makes_it(tmp_path: Path) -> None:
    file = tmp_path / "new.xlsx"
    assert write(organisation(), file, into=True).outcome == "written"
    assert zipfile.is_zipfile(file)
    assert len(list(Package.read(file).xml(WORKBOOK).iter(main("sheet")))) >= 7


def test_another_organisation_s_workbook_stays_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "procedures.xlsx"
    write(organisation(), file)
    content = file.read_bytes()
    other = organisation()
    for row in other.rows:
        other.edit(row["id"], url=f"https://other.klarify.me/process/{row['id']}")
    file.with_suffix(".db").unlink()
    with pytest.raises(TargetError, match=r"demo\.klarify\.me, not other\.klarify\.me"):
        write(other, file)
    assert file.read_bytes() == content
