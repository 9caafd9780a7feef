"""A refresh of a workbook in place changes what is ours, and nothing that anybody has added."""

import re
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.styles import PatternFill
from python_calamine import CalamineWorkbook

from klarify_xl.demo import Organisation
from klarify_xl.outcome import RefreshResult
from klarify_xl.plan import Formula, Link

from .lint import lint
from .rich import excel
from .rich.builders import OURS
from .rich.excel_parts import BAR_ID
from .rich.grid import bounds, split
from .rich.libreoffice import converted
from .rich.package import (
    CONTENT_TYPES,
    WORKBOOK,
    X14,
    X15,
    XM,
    Package,
    main,
    relations_of,
    unpacked,
)
from .rich.view import Row, View, viewed
from .validator import installed_validator, objections
from .workbooks import NOW, plan_of, unescaped, write

pytestmark = pytest.mark.timeout(300)


LATER = NOW + timedelta(hours=3)
"""When workbooks are refreshed."""


@dataclass
class Case:
    """A workbook before and after a refresh, of an organisation that has changed in between.

    Attributes:
        before: The workbook as a person has left it.
        after: The same after the refresh.
        organisation: What it shows now.
        result: What the refresh told.
        gone: Id of a procedure that is no longer listed, which has notes.
    """

    before: Path
    after: Path
    organisation: Organisation
    result: RefreshResult
    gone: str

    def views(self) -> tuple[dict[str, View], dict[str, View]]:
        return viewed(self.before), viewed(self.after)


def new_organisation() -> Organisation:
    return Organisation(procedures=30, seed=7, now=NOW)


def live_on(organisation: Organisation) -> str:
    """Change the organisation so that rows come, go and move; return an id that has gone."""
    organisation.now = NOW + timedelta(hours=1)
    by_name = sorted(organisation.rows, key=lambda row: (row["name"].casefold(), row["name"]))
    gone = str(by_name[6]["id"])
    organisation.remove(gone)
    organisation.edit(by_name[0]["id"], name="Zoning Process renamed")
    organisation.edit(by_name[4]["id"], owner="Someone Else", lanes=["Legal", "New lane"])
    organisation.edit(by_name[9]["id"], called_from=[], status="draft")
    organisation.add(name="Aardvark handling", lanes=["Legal"], called_within=["Payroll"])
    organisation.add(name="Middle management", status="draft")
    return gone


@cache
def built(builder: Callable[[Path, Path], Path], name: str) -> tuple[bytes, bytes]:
    """Return a workbook of ours that somebody has worked in, and its store."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base.xlsx"
        write(new_organisation(), base)
        file = builder(base, Path(folder) / name)
        return file.read_bytes(), base.with_suffix(".db").read_bytes()


def prepared(builder: Callable[[Path, Path], Path], folder: Path, name: str) -> Path:
    """Put such a workbook into a folder; the store stands beside it."""
    file = folder / name
    content, store = built(builder, name)
    file.write_bytes(content)
    file.with_suffix(".db").write_bytes(store)
    return file


def refreshed(
    builder: Callable[[Path, Path], Path],
    folder: Path,
    name: str,
    change: Callable[[Organisation], str] = live_on,
) -> Case:
    file = prepared(builder, folder, name)
    organisation = new_organisation()
    gone = change(organisation)
    before = folder / f"before {name}"
    shutil.copyfile(file, before)
    result = write(organisation, file, now=lambda: LATER)
    return Case(before, file, organisation, result, gone)


@pytest.fixture(scope="module", params=OURS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Each of the workbooks that other programs have left, refreshed."""
    folder = tmp_path_factory.mktemp("in-place")
    return refreshed(OURS[request.param], folder, request.param)


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The workbook in which somebody has used nearly everything that Excel has."""
    return refreshed(excel.as_excel_saves, tmp_path_factory.mktemp("rich"), "rich.xlsx")


# Of every workbook


def test_every_row_shows_what_is_listed_now(case: Case) -> None:
    views = viewed(case.after)
    for sheet in plan_of(case.after).tables:
        titles = [column.title for column in sheet.columns]
        view = views[sheet.table]
        wanted = sorted((repr(shown(row)) for row in sheet.rows), key=str)
        found = [
            tuple(readable(row.values[title]) for title in titles)
            for row in view.rows
            if view.identity[0] not in row.values or any(view.key(row))
        ]
        # An empty table keeps one empty row.
        assert sorted((repr(row) for row in found if any(row)), key=str) == wanted, sheet.name


def shown(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a planned row as a workbook shows it."""
    cells = []
    for cell in row:
        value = cell.value if isinstance(cell, Link) else cell
        value = value.value if isinstance(value, Formula) else value
        if isinstance(value, datetime):
            value = value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        cells.append(None if value == "" else value)
    return tuple(cells)


def readable(value: Any) -> Any:
    if isinstance(value, datetime):
        # Excel's numbers of days are a little off the second.
        return (value + timedelta(milliseconds=500)).replace(microsecond=0)
    return unescaped(value) if isinstance(value, str) else value


def test_the_person_s_cells_stay_with_their_rows(case: Case) -> None:
    before, after = case.views()
    assert set(before) == set(after)
    followed = 0
    for name, view in before.items():
        kept = after[name].keyed()
        for key, row in view.keyed().items():
            if key in kept:
                assert after[name].own(kept[key]) == view.own(row), (name, key)
                assert kept[key].beside == row.beside, (name, key)
                followed += len(row.beside) + len(view.own(row))
    assert followed > 10 or "only saved" in case.after.name or "pivot" in case.after.name


def test_what_is_attached_to_a_cell_stays_with_it(case: Case) -> None:
    before, after = case.views()
    for name, view in before.items():
        kept = after[name].keyed()
        for key, row in view.keyed().items():
            if key in kept:
                assert attached(kept[key], row, view) == row.marks, (name, key)


def attached(after: Row, before: Row, view: View) -> dict[str, set[str]]:
    """Return what is attached to a row's cells, but for our own fills of what has changed."""
    found = {}
    for title, marks in after.marks.items():
        ours = {mark for mark in marks if mark.startswith("fill ") and title in view.ours}
        found[title] = marks - (ours - before.marks.get(title, set()))
    return {title: marks for title, marks in found.items() if marks}


@pytest.mark.parametrize("name", ["excel only saved.xlsx", "libreoffice only saved.xlsx"])
def test_our_own_marks_of_what_has_changed_go_at_the_next_refresh(
    name: str, tmp_path: Path
) -> None:
    case = refreshed(OURS[name], tmp_path, name)
    changed = filled(viewed(case.after)["Procedures"])
    assert len(changed) == 5
    OURS[name](case.after, again := tmp_path / "again.xlsx")
    shutil.copyfile(case.after.with_suffix(".db"), again.with_suffix(".db"))
    case.organisation.now = NOW + timedelta(hours=4)
    edited = next(str(r["id"]) for r in case.organisation.rows if r["id"] not in changed)
    case.organisation.edit(edited, performer="Somebody new")
    write(case.organisation, again)
    assert filled(viewed(again)["Procedures"]) == {edited}


def filled(view: View) -> set[str]:
    """Return the ids of rows in which cells have a fill."""
    return {
        str(row.values["ID"])
        for row in view.rows
        if any(mark.startswith("fill ") for marks in row.marks.values() for mark in marks)
    }


def test_heights_and_hidden_rows_stay_with_their_rows(case: Case) -> None:
    before, after = case.views()
    for name in set(before) - {"Lanes"}:
        kept = after[name].keyed()
        for key, row in before[name].keyed().items():
            if key in kept:
                assert kept[key].hidden == row.hidden, (name, key)
                if row.height != 15 and not is_machine_made(case):
                    assert kept[key].height == row.height, (name, key)


def test_a_colour_that_somebody_gave_one_of_our_cells_goes_with_its_row(tmp_path: Path) -> None:
    organisation, file = new_organisation(), tmp_path / "k.xlsx"
    write(organisation, file)
    book = load_workbook(file)
    number, last = 12, book["Procedures"].max_row
    coloured = book["Procedures"][f"A{number}"].value
    book["Procedures"][f"D{number}"].fill = PatternFill("solid", fgColor="FF7AC142")
    book.save(file)
    gone = live_on(organisation)
    write(organisation, file)
    sheet = load_workbook_quietly(file)["Procedures"]
    filled = [
        (sheet[f"A{row}"].value, cell.column_letter)
        for row in range(2, sheet.max_row + 1)
        for cell in sheet[row]
        if cell.fill.fgColor.rgb == "FF7AC142"
    ]
    assert coloured != gone
    assert (filled, sheet[f"A{number}"].value != coloured) == ([(coloured, "D")], True)
    assert sheet.max_row != last


def is_machine_made(case: Case) -> bool:
    """ExcelJS takes every height for one that somebody has set."""
    return case.after.name.startswith("exceljs")


def test_columns_keep_their_order_widths_and_whether_they_are_hidden(case: Case) -> None:
    before, after = case.views()
    for name, view in before.items():
        assert after[name].titles == view.titles
        assert after[name].sheet == view.sheet
        assert columns_of(case.after, after[name]) == columns_of(case.before, view)


def columns_of(file: Path, view: View) -> dict[str, dict[str, str]]:
    """Return width and whether it is hidden of each column, by title."""
    package = Package.read(file)
    left, *_ = bounds(view.ref)
    found: dict[str, dict[str, str]] = {}
    for column in package.xml(package.sheets()[view.sheet]).iter(main("col")):
        for number in range(int(column.get("min", "0")), int(column.get("max", "0")) + 1):
            if number - left < len(view.titles):
                said = {
                    "width": str(float(column.get("width", "0"))),
                    "hidden": str(column.get("hidden") in {"1", "true"}),
                }
                found[view.titles[number - left]] = said
    return found


def test_panes_and_zoom_stay(case: Case) -> None:
    before, after = case.views()
    for name, view in before.items():
        assert view_of(case.after, after[name].sheet) == view_of(case.before, view.sheet)


def view_of(file: Path, sheet: str) -> list[dict[str, str]]:
    package = Package.read(file)
    root = package.xml(package.sheets()[sheet])
    return [
        {str(name): str(value) for name, value in element.attrib.items()}
        for kind in ("sheetView", "pane")
        for element in root.iter(main(kind))
    ]


def test_all_other_parts_are_the_same_byte_for_byte(case: Case) -> None:
    before, after = unpacked(case.before), unpacked(case.after)
    may_change = changeable(Package(before))
    lost = set(before) - set(after)
    assert lost <= {"xl/calcChain.xml"}
    others = set(before) - may_change - lost
    assert {name for name in others if before[name] != after[name]} == set()
    assert len(others) >= 1
    new = set(after) - set(before)
    assert {name for name in new if not NEW_PARTS.fullmatch(name)} == set()


NEW_PARTS = re.compile(
    r"xl/(worksheets|tables|drawings|charts)/(_rels/)?[\w.]+"
    r"|xl/sharedStrings\.xml|docProps/custom\.xml"
)
PACKAGE_WIDE = {
    *(CONTENT_TYPES, WORKBOOK, "xl/_rels/workbook.xml.rels", "xl/styles.xml"),
    *("xl/sharedStrings.xml", "docProps/custom.xml", "docProps/core.xml", "docProps/app.xml"),
}


def changeable(package: Package) -> set[str]:
    """Return the parts that a refresh may change: what is ours, and what counts or points to it."""
    parts = set(PACKAGE_WIDE)
    if "docProps/custom.xml" not in package.parts:
        parts.add("_rels/.rels")
    tables = {part for name, (_, part) in package.tables().items() if name in OUR_TABLES}
    ours = {sheet for name, (sheet, _) in package.tables().items() if name in OUR_TABLES}
    parts |= tables
    boards = {
        (name.text or "").partition("!")[0].strip("'")
        for name in package.xml(WORKBOOK).iter(main("definedName"))
        if name.get("name", "").startswith("Klarify_")
    }
    for sheet in ours | boards:
        part = package.sheets()[sheet]
        parts |= {part, part.replace("worksheets/", "worksheets/_rels/") + ".rels"}
        kinds = {"comments", "threadedComment", "vmlDrawing"}
        if sheet in boards:
            kinds.add("drawing")
        related = {target for kind, target in package.related(part).values() if kind in kinds}
        parts |= related | {relations_of(target) for target in related}
    for name, content in package.parts.items():
        if name.startswith("xl/charts/") and any(points_to(content, sheet) for sheet in ours):
            parts.add(name)
        if name.startswith("xl/pivotCache/pivotCacheDefinition"):
            parts.add(name)
    return parts


OUR_TABLES = {
    *("Procedures", "Lanes", "LaneTotals", "Relationships", "Changes", "Health", "About"),
}


def points_to(content: bytes, sheet: str) -> bool:
    return f"{sheet}'!".encode() in content or f">{sheet}!".encode() in content


def test_the_lint_finds_nothing_new(case: Case) -> None:
    assert set(lint(case.after)) <= set(lint(case.before))


def test_the_open_xml_sdk_objects_to_nothing_new(case: Case) -> None:
    validator = installed_validator()
    assert set(objections(validator, case.after)) <= set(objections(validator, case.before))


def test_openpyxl_calamine_and_libreoffice_read_the_same(case: Case, tmp_path: Path) -> None:
    view = viewed(case.after)["Procedures"]
    wanted = [row.values["Name"] for row in view.rows]
    assert "Zoning Process renamed" in wanted
    saved = converted(case.after, tmp_path / "saved.xlsx")
    for file in (case.after, saved):
        sheet = CalamineWorkbook.from_path(str(file)).get_sheet_by_name(view.sheet)
        header, *rows = sheet.to_python(skip_empty_area=False)
        names = [row[header.index("Name")] for row in rows]
        assert names[: len(wanted)] == wanted


def test_a_second_refresh_leaves_the_file_untouched(case: Case, tmp_path: Path) -> None:
    file = tmp_path / case.after.name
    shutil.copyfile(case.after, file)
    shutil.copyfile(case.after.with_suffix(".db"), file.with_suffix(".db"))
    content = file.read_bytes()
    for full in (False, True):
        result = write(case.organisation, file, full=full)
        assert (result.outcome, result.rows) == ("unchanged", {})
        assert file.read_bytes() == content


def test_a_refresh_is_repeatable(case: Case, tmp_path: Path) -> None:
    file = tmp_path / case.after.name
    shutil.copyfile(case.before, file)
    shutil.copyfile(case.after.with_suffix(".db"), file.with_suffix(".db"))
    assert write(case.organisation, file, now=lambda: LATER).outcome == "written"
    assert file.read_bytes() == case.after.read_bytes()


@pytest.mark.parametrize("name", OURS)
def test_without_any_change_nobody_s_cells_move(name: str, tmp_path: Path) -> None:
    case = refreshed(OURS[name], tmp_path, name, change=lambda _: "")
    before, after = case.views()
    for table, view in before.items():
        assert [view.own(row) for row in view.rows] == [
            after[table].own(row) for row in after[table].rows
        ]
        assert [row.marks for row in view.rows] == [row.marks for row in after[table].rows]
    content = case.after.read_bytes()
    assert write(case.organisation, case.after).outcome == "unchanged"
    assert case.after.read_bytes() == content


# Of the workbook that somebody has used nearly everything in


def test_new_rows_get_the_formulas_of_their_columns(rich: Case) -> None:
    before, after = rich.views()
    known = set(before["Procedures"].column("ID"))
    new = [row for row in after["Procedures"].rows if row.values["ID"] not in known]
    assert len(new) == 2
    for row in new:
        assert row.values[excel.NAME_LENGTH] == "=LEN(Procedures[[#This Row],[Name]])"
        assert row.values[excel.OWNER_LENGTH] == "=LEN(D<+0>)"
        assert row.values[excel.NOTE] is None
        assert row.values[excel.PRIORITY] is None
    lanes = [row for row in after["LaneTotals"].rows if row.values["Lane"] == "New lane"]
    share = "=LaneTotals[[#This Row],[Procedures]]/SUM(LaneTotals[Procedures])"
    assert [row.values["Share"] for row in lanes] == [share]


def test_every_formula_refers_to_its_own_row_after_new_ones_were_calculated(
    rich: Case, tmp_path: Path
) -> None:
    # LibreOffice believes the values in a file that Excel has saved.
    package = Package.read(rich.after)
    for cell in package.xml(package.sheets()["Procedures"]).iter(main("c")):
        value = cell.find(main("v"))
        if cell.find(main("f")) is not None and value is not None:
            cell.remove(value)
    bare = package.save(tmp_path / "bare.xlsx")
    saved = converted(bare, tmp_path / "calculated.xlsx")
    sheet = load_workbook_quietly(saved, data_only=True)["Procedures"]
    header, *rows = sheet.iter_rows(values_only=True)
    records = [dict(zip(header, row, strict=True)) for row in rows]
    told = [row for row in records if row["Name"] and row["ID"]]
    assert len(told) == 31
    for row in told:
        assert row[excel.NAME_LENGTH] == len(row["Name"])
        assert row[excel.OWNER_LENGTH] == len(row["Owner"] or "")
    [noted] = [row[excel.NOTE] for row in told if str(row[excel.NOTE]).endswith("!")]
    assert noted.removesuffix("!") in {row["Name"] for row in told}


def test_unsorted_rows_stand_in_the_usual_order(rich: Case) -> None:
    view = viewed(rich.after)["Procedures"]
    names = [row.values["Name"].casefold() for row in view.rows if row.values["ID"]]
    assert names == sorted(names)


def test_rows_that_somebody_put_in_order_keep_it_and_new_ones_follow(rich: Case) -> None:
    before, after = rich.views()
    old, new = list(before["Health"].keyed()), list(after["Health"].keyed())
    kept = [key for key in old if key in new]
    assert kept != sorted(kept, key=str)
    assert new[: len(kept)] == kept
    assert len(new) > len(kept) > 20


def test_a_table_that_somebody_sorted_stays_sorted(rich: Case) -> None:
    before, after = rich.views()
    targets = [str(target).casefold() for target in after["Relationships"].column("Target")]
    assert targets == sorted(targets, reverse=True)
    old, new = list(before["Relationships"].keyed()), list(after["Relationships"].keyed())
    kept = [key for key in old if key in new]
    assert [key for key in new if key in old] == kept
    assert len(new) > len(kept) > 20


def test_the_row_that_somebody_added_stays_at_the_end(rich: Case) -> None:
    last = viewed(rich.after)["Procedures"].rows[-1]
    assert (last.values["ID"], last.values["Name"]) == (None, excel.PLANNED)
    assert last.values[excel.NOTE] == "starts in May"
    assert last.values[excel.OWNER_LENGTH] == "=LEN(D<+0>)"


def test_rows_in_the_usual_order_follow_it_again_and_again(rich: Case, tmp_path: Path) -> None:
    file = tmp_path / "again.xlsx"
    shutil.copyfile(rich.after, file)
    shutil.copyfile(rich.after.with_suffix(".db"), file.with_suffix(".db"))
    organisation = new_organisation()
    live_on(organisation)
    for hour, name in enumerate(("Zz last", "Aa first", "Mm middle"), start=2):
        organisation.now = NOW + timedelta(hours=hour)
        organisation.edit(organisation.rows[3]["id"], name=name)
        write(organisation, file)
        view = viewed(file)["Procedures"]
        names = [row.values["Name"].casefold() for row in view.rows if row.values["ID"]]
        assert names == sorted(names)
        assert view.rows[-1].values["Name"] == excel.PLANNED


def test_the_notes_of_a_row_that_has_gone_are_archived(rich: Case) -> None:
    notes = archived(rich.after)
    found = {row["Column"]: row for row in notes if rich.gone in str(row["Row"])}
    assert found[excel.NOTE]["Note"] == f"note on {rich.gone}"
    assert found[excel.PRIORITY]["Note"] == "high"
    assert found[excel.NOTE]["Sheet"] == "Procedures"
    assert isinstance(found[excel.NOTE]["Archived (UTC)"], datetime)
    told = " | ".join(str(row["Note"]) for row in notes)
    assert f"beside {rich.gone}" in told
    assert "Ask before changing" in told
    assert "LEN(" not in told
    before, after = rich.views()
    for name in ("Lanes", "Relationships", "Health"):
        lost = set(before[name].keyed()) - set(after[name].keyed())
        assert lost
        for key in lost:
            for note in before[name].own(before[name].keyed()[key]).values():
                assert note in told


def archived(file: Path) -> list[dict[str, Any]]:
    """Return the archived notes; none if there is no such sheet."""
    found = Package.read(file).tables().get("ArchivedNotes")
    if found is None:
        return []
    sheet = load_workbook_quietly(file)[found[0]]
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=False)) for row in rows]


def test_archived_notes_return_with_their_row(rich: Case, tmp_path: Path) -> None:
    file = tmp_path / "returned.xlsx"
    shutil.copyfile(rich.after, file)
    shutil.copyfile(rich.after.with_suffix(".db"), file.with_suffix(".db"))
    organisation = new_organisation()
    live_on(organisation)
    [row] = [row for row in new_organisation().rows if row["id"] == rich.gone]
    organisation.now = NOW + timedelta(hours=2)
    organisation.add(**{**row, "updated_at": "2026-03-01T14:00:00Z"})
    write(organisation, file)
    view = viewed(file)["Procedures"]
    [back] = [row for row in view.rows if row.values["ID"] == rich.gone]
    assert back.values[excel.NOTE] == f"note on {rich.gone}"
    assert back.values[excel.PRIORITY] == "high"
    assert back.values[excel.OWNER_LENGTH] == "=LEN(D<+0>)"


def test_a_filter_of_values_is_applied_again(rich: Case) -> None:
    view = viewed(rich.after)["Lanes"]
    assert view.sheet == excel.LANES_RENAMED
    assert {row.hidden for row in view.rows} == {True, False}
    for row in view.rows:
        assert row.hidden == (row.values["Status"] != "draft")
    package = Package.read(rich.after)
    root = package.xml(package.tables()["Lanes"][1])
    assert [one.get("val") for one in root.iter(main("filter"))] == ["draft"]


def test_the_sort_that_somebody_chose_stays_and_covers_all_rows(rich: Case) -> None:
    package = Package.read(rich.after)
    root = package.xml(package.tables()["Relationships"][1])
    [state] = root.iter(main("sortState"))
    last = bounds(root.get("ref", ""))[3] - 1
    assert state.get("ref") == f"A2:H{last}"
    [condition] = state
    assert (condition.get("ref"), condition.get("descending")) == (f"D2:D{last}", "1")


def test_the_totals_stay_the_last_row(rich: Case) -> None:
    before, after = rich.views()
    assert after["Relationships"].totals == before["Relationships"].totals
    assert after["Relationships"].totals is not None
    sheet = load_workbook_quietly(rich.after)["Relationships"]
    last = bounds(after["Relationships"].ref)[3]
    assert sheet.cell(last, 1).value == "Total"
    below = [sheet.cell(row, 2).value for row in range(last + 1, last + 9)]
    assert below.count("counted on Monday") == 1
    column = [cell.value for cell in sheet["A"]]
    assert column.count("Total") == 1


def load_workbook_quietly(file: Path, **options: bool) -> Any:
    """Open with openpyxl, which warns of what it would lose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_workbook(file, **options)


def test_cells_beyond_an_empty_column_stay_where_they_are(rich: Case) -> None:
    width = len(viewed(rich.after)["Procedures"].titles)
    sheet = load_workbook_quietly(rich.after)["Procedures"]
    assert far_cells(rich.before) == far_cells(rich.after) == excel.FAR
    assert sheet.cell(1, width + 1).value == excel.BESIDE


def far_cells(file: Path) -> dict[int, Any]:
    """Return the cells that stand far from the table, by row."""
    column = len(viewed(file)["Procedures"].titles) + excel.FAR_COLUMNS
    rows = load_workbook_quietly(file)["Procedures"].iter_rows(min_col=column, max_col=column)
    return {cell.row: cell.value for [cell] in rows if cell.value is not None}


def test_cells_under_the_table_stay_while_it_has_room(rich: Case) -> None:
    assert places(rich.before, excel.UNDER) == places(rich.after, excel.UNDER) == ["C35"]
    sheet = load_workbook_quietly(rich.after)["Procedures"]
    assert sheet["D35"].value == "=SUM(Procedures[Relationships])"


def places(file: Path, text: str) -> list[str]:
    sheet = load_workbook_quietly(file)["Procedures"]
    return [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.value == text]


def test_cells_under_the_table_move_down_where_it_needs_the_room(tmp_path: Path) -> None:
    def grow(organisation: Organisation) -> str:
        organisation.now = NOW + timedelta(hours=1)
        for number in range(20):
            organisation.add(name=f"New {number}")
        return ""

    case = refreshed(excel.as_excel_saves, tmp_path, "grown.xlsx", grow)
    view = viewed(case.after)["Procedures"]
    last = bounds(view.ref)[3]
    assert last == 1 + 30 + 20 + 1
    [place] = places(case.after, excel.UNDER)
    column, row = split(place)
    assert column == 3
    assert last < row <= last + 4
    sheet = load_workbook_quietly(case.after)["Procedures"]
    assert sheet.cell(row, 4).value == "=SUM(Procedures[Relationships])"
    assert far_cells(case.after) == excel.FAR
    assert set(lint(case.after)) <= set(lint(case.before))


def test_a_shrunken_table_leaves_nothing_behind(tmp_path: Path) -> None:
    def shrink(organisation: Organisation) -> str:
        organisation.now = NOW + timedelta(hours=1)
        for row in organisation.rows[:5]:
            organisation.remove(row["id"])
        return ""

    case = refreshed(excel.as_excel_saves, tmp_path, "shrunken.xlsx", shrink)
    view = viewed(case.after)["Procedures"]
    last = bounds(view.ref)[3]
    assert last == 1 + 25 + 1
    sheet = load_workbook_quietly(case.after)["Procedures"]
    left = [
        cell.value
        for row in sheet.iter_rows(min_row=last + 1, max_col=len(view.titles) + 1)
        for cell in row
        if cell.value is not None
    ]
    assert left == [excel.UNDER, "=SUM(Procedures[Relationships])"]
    notes = " | ".join(str(row["Note"]) for row in archived(case.after))
    before = viewed(case.before)["Procedures"]
    gone = set(before.keyed()) - set(view.keyed())
    assert len(gone) == 5
    for key in gone:
        note = before.keyed()[key].values[excel.NOTE]
        assert note is None or str(note) in notes


def test_rules_for_whole_columns_cover_all_rows(rich: Case) -> None:
    package = Package.read(rich.after)
    view = viewed(rich.after)["Procedures"]
    root = package.xml(package.sheets()["Procedures"])
    last = bounds(view.ref)[3]

    def area(title: str) -> str:
        letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[view.titles.index(title)]
        return f"{letter}2:{letter}{last}"

    validations = {one.get("sqref") for one in root.iter(main("dataValidation"))}
    assert area(excel.PRIORITY) in validations
    rules = {one.get("sqref") for one in root.iter(main("conditionalFormatting"))}
    assert {area(excel.NOTE), area("Relationships"), area("Status")} <= rules
    extended = {one.text for one in root.iter(f"{{{XM}}}sqref")}
    assert {area("Relationships"), area(excel.CHECKED)} <= extended
    bars = [one for one in root.iter(f"{{{X14}}}cfRule") if one.get("type") == "dataBar"]
    assert [bar.get("id") for bar in bars] == [BAR_ID]


def test_links_lead_to_the_right_row_of_renamed_sheets(rich: Case) -> None:
    book = load_workbook_quietly(rich.after)
    view = viewed(rich.after)["Procedures"]
    lanes = view.titles.index("Lanes") + 1
    led = 0
    for row in view.rows:
        link = book["Procedures"].cell(row.number, lanes).hyperlink
        if link is None:
            assert not row.values["Lanes"]
            continue
        led += 1
        sheet, _, address = link.location.rpartition("!")
        assert sheet.strip("'") == excel.LANES_RENAMED
        there = book[excel.LANES_RENAMED][address]
        assert there.value == row.values["Lanes"].split("; ")[0]
        assert there.offset(0, 1).value == row.values["ID"]
    assert led > 15


def test_charts_and_names_over_our_columns_grow_with_them(rich: Case) -> None:
    parts = unpacked(rich.after)
    views = viewed(rich.after)
    last = bounds(views["LaneTotals"].ref)[3]
    assert last > bounds(viewed(rich.before)["LaneTotals"].ref)[3]
    before = Package.read(rich.before)
    drawings = before.related(before.sheets()["My board"]).values()
    [drawing] = [part for kind, part in drawings if kind == "drawing"]
    first, second = sorted(part for kind, part in before.related(drawing).values())
    assert parts[second] == before.parts[second]
    chart = parts[first].decode()
    assert f"<c:f>'Lane totals'!$A$2:$A${last}</c:f>" in chart
    assert f"<c:f>'Lane totals'!$B$2:$B${last}</c:f>" in chart
    names = {
        name.get("name"): name.text
        for name in Package(parts).xml(WORKBOOK).iter(main("definedName"))
        if name.get("localSheetId") is None and not name.get("name", "").startswith("Klarify_")
    }
    end = bounds(views["Procedures"].ref)[3]
    assert end > bounds(viewed(rich.before)["Procedures"].ref)[3]
    assert names == {
        "AllNames": f"Procedures!$C$2:$C${end}",
        "TopThree": "Procedures!$A$2:$A$4",
        "Rate": "0.19",
        "Board": "'My board'!$A$1",
        "Slicer_Status": "#N/A",
    }


def test_excel_calculates_everything_again(rich: Case) -> None:
    package = Package.read(rich.after)
    assert "xl/calcChain.xml" not in package.parts
    assert b"calcChain" not in package.parts[CONTENT_TYPES]
    assert b"calcChain" not in package.parts["xl/_rels/workbook.xml.rels"]
    [calculation] = package.xml(WORKBOOK).iter(main("calcPr"))
    assert calculation.get("fullCalcOnLoad") in {"1", "true"}


def test_pivot_tables_are_refreshed_when_excel_opens_the_file(rich: Case) -> None:
    name = "xl/pivotCache/pivotCacheDefinition1.xml"
    before, after = (Package.read(file).xml(name) for file in (rich.before, rich.after))
    assert after.get("refreshOnLoad") == "1"
    assert {*after.attrib.items()} == {*before.attrib.items(), ("refreshOnLoad", "1")}
    assert [one.get("name") for one in after.iter(main("cacheField"))] == [
        one.get("name") for one in before.iter(main("cacheField"))
    ]


def test_a_pivot_table_over_our_cells_grows_with_them(tmp_path: Path) -> None:
    case = refreshed(OURS["libreoffice's pivot.xlsx"], tmp_path, "pivot.xlsx")
    name = "xl/pivotCache/pivotCacheDefinition1.xml"
    [source] = Package.read(case.after).xml(name).iter(main("worksheetSource"))
    assert source.get("ref") == viewed(case.after)["Procedures"].ref
    [before] = Package.read(case.before).xml(name).iter(main("worksheetSource"))
    assert source.get("ref") != before.get("ref")


def test_a_slicer_still_finds_its_column(rich: Case) -> None:
    package = Package.read(rich.after)
    [slicer] = package.xml("xl/slicerCaches/slicerCache1.xml").iter(f"{{{X15}}}tableSlicerCache")
    table = package.xml(package.tables()["Procedures"][1])
    assert table.get("id") == slicer.get("tableId")
    columns = {one.get("id"): one.get("name") for one in table.iter(main("tableColumn"))}
    assert columns[slicer.get("column")] == "Status"


def test_tabs_keep_their_order_and_new_ones_come_last(rich: Case) -> None:
    old, new = (list(Package.read(file).sheets()) for file in (rich.before, rich.after))
    assert new[: len(old)] == old
    assert len(new) == len(old) + 1


def test_the_document_s_own_properties_stay(rich: Case) -> None:
    custom = unpacked(rich.after)["docProps/custom.xml"].decode()
    assert 'name="Department"' in custom
    assert "<vt:lpwstr>Quality</vt:lpwstr>" in custom
    assert unpacked(rich.after)["docProps/app.xml"] == unpacked(rich.before)["docProps/app.xml"]


def test_macros_stay_and_the_file_still_is_one_with_macros(tmp_path: Path) -> None:
    case = refreshed(excel.with_macros, tmp_path, "macros.xlsm")
    before, after = unpacked(case.before), unpacked(case.after)
    assert after["xl/vbaProject.bin"] == before["xl/vbaProject.bin"]
    assert b"sheet.macroEnabled.main+xml" in after[CONTENT_TYPES]
    assert b"vbaProject" in after["xl/_rels/workbook.xml.rels"]


def test_a_backup_keeps_the_workbook_as_it_was(tmp_path: Path) -> None:
    file = prepared(excel.as_excel_saves, tmp_path, "rich.xlsx")
    content = file.read_bytes()
    organisation = new_organisation()
    live_on(organisation)
    assert write(organisation, file, backup=True).outcome == "written"
    kept = tmp_path / "rich.previous.xlsx"
    assert kept.read_bytes() == content
    assert file.read_bytes() != content
    second = file.read_bytes()
    assert write(organisation, file, backup=True).outcome == "unchanged"
    assert kept.read_bytes() == content
    organisation.evolve()
    assert write(organisation, file, backup=True).outcome == "written"
    assert kept.read_bytes() == second
