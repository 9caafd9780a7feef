"""Boards of an open workbook show what headless ones do, and leave alone what is a person's."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import as_file
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange

from klarify_xl.demo import Organisation
from klarify_xl.headless.connectors import routes
from klarify_xl.headless.workbook import write_workbook
from klarify_xl.live.areas import areas_of, cells_of, groups
from klarify_xl.live.boards import write_board
from klarify_xl.live.context import Context, Note
from klarify_xl.live.styles import Styles
from klarify_xl.plan import Area, Board, Cell, Chart, Formula, Link, Look, Place, Plan
from klarify_xl.template import workbook_template

from .fake_excel.session import FakeExcel, excel_with, opened
from .workbooks import NOW, hostile_organisation, plan_of, unescaped, write

DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 -- Excel's days have no time zone
BOARDS = ("Overview", "Role matrix", "Map")
Cells = dict[tuple[int, int], tuple[str, Any, str, str]]
Planned = dict[tuple[int, int], tuple[Cell, Look]]


def boards(plan: Plan) -> dict[str, Board]:
    return {one.key: one for one in plan.sheets if isinstance(one, Board)}


class PlainContext(Context):
    """A workbook whose tables stand as in a new one.

    Attributes:
        renamed: Titles that columns have in the workbook, by table and key.
    """

    renamed: Mapping[tuple[str, str], str] = MappingProxyType({})

    def location(self, place: Place) -> str:
        names = {one.key: one.name for one in self.plan.sheets}
        row = place.row + 1 + (place.sheet in {one.key for one in self.plan.tables})
        return "'{}'!A{}".format(names[place.sheet].replace("'", "''"), row)

    def title(self, table: str, key: str) -> str | None:
        titles = {
            (one.table, column.name): column.title
            for one in self.plan.tables
            for column in one.columns
        }
        return self.renamed.get((table, key)) or titles.get((table, key))


def context_of(workbook: Any, plan: Plan) -> PlainContext:
    """Return what boards need of a workbook whose tables stand as in a new one."""
    return PlainContext(
        workbook,
        plan,
        Styles(workbook, plan.date_format, plan.colours),
        shown=lambda moment: moment.astimezone(plan.time_zone),
    )


def bring_up_to_date(workbook: Any, plan: Plan, *, is_new: bool = False) -> Context:
    context = context_of(workbook, plan)
    for board in boards(plan).values():
        write_board(board, workbook.Worksheets(board.name), context, is_new=is_new)
    return context


def headless(plan: Plan, file: Path) -> Path:
    with file.open("w+b") as written:
        write_workbook(plan, written, data_mark="")
    return file


def live_cells(sheet: Any) -> Cells:
    """Return a sheet's cells by place: kind and content, number format and style."""
    used = sheet.UsedRange
    found: Cells = {}
    for row in range(used.Row, used.Row + used.Rows.Count):
        for column in range(used.Column, used.Column + used.Columns.Count):
            cell = sheet.Cells(row, column)
            style = str(cell.Style.Name)
            if cell.Formula == "" and style == "Normal":
                continue
            content = ("formula", cell.Formula) if cell.HasFormula else ("value", cell.Value2)
            found[row, column] = (*content, cell.NumberFormat, style)
    return found


def headless_cells(sheet: Any) -> Cells:
    found: Cells = {}
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value is None and not cell.has_style:
                continue
            kind, content = "formula" if cell.data_type == "f" else "value", cell.value
            if isinstance(content, datetime):
                content = round((content - DAY_ZERO) / timedelta(days=1), 10)
            elif isinstance(content, str) and kind == "value":
                content = unescaped(content)
            found[cell.row, cell.column] = (kind, content, cell.number_format, cell.style)
    return found


def live_links(sheet: Any) -> dict[str, tuple[str, str, str]]:
    found = {}
    for link in sheet.Hyperlinks:
        if link.Type == 0:
            address = str(link.Range.Address).replace("$", "")
            found[address] = (link.Address, link.SubAddress, link.ScreenTip)
    return found


def headless_links(sheet: Any) -> dict[str, tuple[str, str, str]]:
    return {
        cell.coordinate: (
            cell.hyperlink.target or "",
            cell.hyperlink.location or "",
            cell.hyperlink.tooltip or "",
        )
        for row in sheet.iter_rows()
        for cell in row
        if cell.hyperlink
    }


def organisation_of(procedures: int) -> Organisation:
    return Organisation(procedures=procedures, seed=7, now=NOW)


def refreshed_twice(organisation: Organisation, file: Path) -> Plan:
    """Return the plan after a refresh that noticed changes."""
    write(organisation, file)
    for row in organisation.rows[:3]:
        organisation.edit(row["id"], owner="Somebody else", performer="Another")
    organisation.remove(organisation.rows[4]["id"])
    write(organisation, file, full=True)
    return plan_of(file)


@pytest.fixture(scope="module", params=["demo", "hostile"])
def plan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    organisation = organisation_of(60) if request.param == "demo" else hostile_organisation()
    return refreshed_twice(organisation, tmp_path_factory.mktemp("plan") / "plan.xlsx")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return refreshed_twice(organisation_of(60), tmp_path_factory.mktemp("demo") / "demo.xlsx")


def from_template() -> FakeExcel:
    with as_file(workbook_template()) as file:
        return opened(file)


def assert_equal(excel: FakeExcel, plan: Plan, file: Path) -> None:
    """Assert that the boards of an open workbook are those of a headless one."""
    wanted = load_workbook(headless(plan, file))
    for board in boards(plan).values():
        sheet = excel.worksheet(board.name)
        assert live_cells(sheet) == headless_cells(wanted[board.name])
        assert live_links(sheet) == headless_links(wanted[board.name])


def test_boards_written_into_the_template_equal_headless_ones(plan: Plan, tmp_path: Path) -> None:
    excel = from_template()
    bring_up_to_date(excel.workbook, plan)
    assert_equal(excel, plan, tmp_path / "headless.xlsx")


def test_boards_of_other_data_equal_headless_ones_afterwards(demo: Plan, tmp_path: Path) -> None:
    excel = opened(headless(demo, tmp_path / "before.xlsx"))
    for number, organisation in enumerate(
        (organisation_of(25), hostile_organisation(), organisation_of(90))
    ):
        plan = refreshed_twice(organisation, tmp_path / f"{number}.xlsx")
        context = bring_up_to_date(excel.workbook, plan)
        assert_equal(excel, plan, tmp_path / f"wanted {number}.xlsx")
        assert context.archived == []


def test_boards_on_new_sheets_equal_headless_ones(demo: Plan, tmp_path: Path) -> None:
    excel = from_template()
    for board in boards(demo).values():
        excel.workbook.Worksheets(board.name).Delete()
        excel.workbook.Worksheets.Add().Name = board.name
    bring_up_to_date(excel.workbook, demo, is_new=True)
    assert_equal(excel, demo, tmp_path / "headless.xlsx")
    for board in boards(demo).values():
        sheet = excel.worksheet(board.name)
        widths = [sheet.Cells(1, at).ColumnWidth for at in range(1, len(board.widths) + 1)]
        assert widths == pytest.approx(board.widths, abs=0.1)
        for row, height in board.heights.items():
            assert sheet.Cells(row + 1, 1).RowHeight == pytest.approx(height, abs=0.5)


def test_new_rows_get_their_heights_and_others_keep_them(demo: Plan) -> None:
    excel = from_template()
    sheet = excel.worksheet("Map")
    sheet.Range("2:2").RowHeight = 60
    bring_up_to_date(excel.workbook, demo)
    heights = boards(demo)["Map"].heights
    assert heights[1] != 60
    assert sheet.Cells(2, 1).RowHeight == 60
    assert sheet.Cells(4, 1).RowHeight == heights[3] != sheet.StandardHeight


def test_texts_of_strangers_are_never_formulas(tmp_path: Path) -> None:
    plan = refreshed_twice(hostile_organisation(), tmp_path / "hostile.xlsx")
    excel = from_template()
    bring_up_to_date(excel.workbook, plan)
    texts = 0
    for board in boards(plan).values():
        sheet = excel.worksheet(board.name)
        for (row, column), (value, _look) in board.cells.items():
            shown = value.value if isinstance(value, Link) else value
            cell = sheet.Cells(row + 1, column + 1)
            assert cell.HasFormula == isinstance(shown, Formula)
            if isinstance(shown, str) and shown:
                assert cell.Value2 == shown
                texts += 1
    assert texts > 200


def test_the_format_of_texts_goes_before_what_is_entered(demo: Plan, tmp_path: Path) -> None:
    excel = opened(headless(demo, tmp_path / "workbook.xlsx"))
    board = boards(demo)["Role matrix"]
    sheet = excel.worksheet(board.name)
    # What a person may do: a text would be read as if typed.
    sheet.Range("A1:AZ500").NumberFormat = "General"
    start = len(excel.calls)
    bring_up_to_date(excel.workbook, demo)
    formatted: set[tuple[int, int]] = set()
    entered = 0
    for call in excel.calls[start:]:
        if f"Worksheets({board.name!r}).Range(" not in call.path or not call.is_set:
            continue
        cells = set(places(call.path))
        if call.member == "NumberFormat":
            assert call.arguments == ("@",)
            formatted |= cells
        elif call.member == "Value2":
            block = call.arguments[0]
            texts = {
                place
                for place, value in zip(sorted(cells), flat(block), strict=True)
                if isinstance(value, str)
            }
            assert texts <= formatted
            assert not any(value[:1] == "'" for value in flat(block) if isinstance(value, str))
            entered += len(texts)
    assert entered > 200


def places(path: str) -> Iterator[tuple[int, int]]:
    """Yield the cells of a call's range."""
    for area in path.partition(".Range('")[2].rpartition("')")[0].split(","):
        for row in CellRange(area).rows:
            yield from row


def flat(block: Any) -> list[Any]:
    if not isinstance(block, tuple):
        return [block]
    return [value for row in block for value in row]


def test_a_text_in_a_cell_of_dates_stays_a_text(demo: Plan) -> None:
    cells: Planned = {
        (0, 0): ("2024-01-15", "moment"),
        (0, 1): ("=1+1", "figure"),
        (1, 0): ("1/2", "share"),
    }
    board = replace(boards(demo)["Overview"], cells=cells, charts=())
    excel = from_template()
    sheet = excel.worksheet("Overview")
    write_board(board, sheet, context_of(excel.workbook, demo), is_new=False)
    assert [sheet.Cells(*place).Value2 for place in ((1, 1), (1, 2), (2, 1))] == [
        "2024-01-15",
        "=1+1",
        "1/2",
    ]
    assert not sheet.Range("A1:B2").HasFormula


def test_texts_too_long_for_a_block_are_entered_singly(demo: Plan) -> None:
    cells: Planned = {
        (0, 0): ("a" * 9000, "label"),
        (0, 1): ("b", "label"),
        (1, 0): ("=" * 8203, "label"),
    }
    board = replace(boards(demo)["Map"], cells=cells, shapes=(), connectors=())
    excel = from_template()
    sheet = excel.worksheet("Map")
    write_board(board, sheet, context_of(excel.workbook, demo), is_new=False)
    values = [sheet.Cells(*place).Value2 for place in ((1, 1), (1, 2), (2, 1))]
    assert values == ["a" * 9000, "b", "=" * 8203]


def test_what_a_person_wrote_and_formatted_stays(demo: Plan, tmp_path: Path) -> None:
    excel = opened(headless(demo, tmp_path / "workbook.xlsx"))
    overview, matrix = excel.worksheet("Overview"), excel.worksheet("Role matrix")
    overview.Range("N3").Value2 = "My note"
    overview.Range("D20").Formula = "=B3+1"
    overview.Range("B70:C71").Interior.Color = 255
    matrix.Range("XFD5000").Value2 = "far"
    matrix.Range("B6").Font.Color = 255
    matrix.Range("A600").Value2 = "below"
    free = next(
        (row, column)
        for row in range(6, 20)
        for column in range(4, 10)
        if (row - 1, column - 1) not in boards(demo)["Role matrix"].cells
    )
    matrix.Cells(*free).Value2 = "C"
    matrix.Hyperlinks.Add(matrix.Range("A600"), "https://example.com/")
    context = bring_up_to_date(excel.workbook, demo)
    assert overview.Range("N3").Value2 == "My note"
    assert overview.Range("D20").Formula == "=B3+1"
    assert overview.Range("B70:C71").Interior.Color == 255
    assert matrix.Range("XFD5000").Value2 == "far"
    assert matrix.Range("B6").Font.Color == 255
    assert matrix.Cells(*free).Value2 == "C"
    assert matrix.Range("A600").Value2 == "below"
    assert live_links(matrix)["A600"][0] == "https://example.com/"
    assert context.archived == []


def test_a_persons_cell_in_the_way_goes_to_the_archive(demo: Plan, tmp_path: Path) -> None:
    excel = opened(headless(demo, tmp_path / "workbook.xlsx"))
    sheet = excel.worksheet("Role matrix")
    last = max(row for row, _column in boards(demo)["Role matrix"].cells) + 1
    sheet.Range(f"B{last + 2}").Value2 = "A note"
    sheet.Range(f"B{last + 3}").Formula = "=1+1"
    sheet.Range(f"B{last + 4}").NumberFormat = "@"
    sheet.Range(f"B{last + 4}").Value2 = "=1+1"
    more = refreshed_twice(organisation_of(90), tmp_path / "more.xlsx")
    context = bring_up_to_date(excel.workbook, more)
    assert context.archived == [
        Note("Role matrix", f"B{last + 2}", "", "A note"),
        Note("Role matrix", f"B{last + 3}", "", "=1+1", is_formula=True),
        Note("Role matrix", f"B{last + 4}", "", "=1+1"),
    ]
    assert_equal(excel, more, tmp_path / "wanted.xlsx")


def test_empty_cells_of_ours_lose_their_style_when_they_are_no_longer_planned(demo: Plan) -> None:
    cells: Planned = {(0, 0): ("a", "label"), (0, 3): ("d", "label"), (4, 0): ("e", "label")}
    board = replace(boards(demo)["Map"], cells=cells, shapes=(), connectors=())
    excel = from_template()
    context = context_of(excel.workbook, demo)
    sheet = excel.worksheet("Map")
    blank: Planned = {(row, column): (None, "heading") for row in (1, 2) for column in (0, 1, 2)}
    write_board(replace(board, cells=cells | blank), sheet, context, is_new=False)
    assert sheet.Range("A2:C3").Style.Name == "Klarify board heading"
    write_board(board, sheet, context, is_new=False)
    assert live_cells(sheet) == {
        (row + 1, column + 1): ("value", value, "@", "Klarify board label")
        for (row, column), (value, _look) in cells.items()
    }


def test_boards_are_written_through_xlwings(demo: Plan, tmp_path: Path) -> None:
    with as_file(workbook_template()) as file, excel_with(file) as excel:
        bring_up_to_date(excel.xlwings.Book.caller().api, demo)
    assert_equal(excel, demo, tmp_path / "headless.xlsx")
    assert live_shapes(excel) == headless_shapes(tmp_path / "headless.xlsx")


def test_a_style_that_a_person_chose_for_our_figure_stays(demo: Plan, tmp_path: Path) -> None:
    excel = opened(headless(demo, tmp_path / "workbook.xlsx"))
    sheet = excel.worksheet("Overview")
    excel.workbook.Styles.Add("Mine").Font.Bold = True
    place = next(at for at, (_, look) in boards(demo)["Overview"].cells.items() if look == "figure")
    cell = sheet.Cells(place[0] + 1, place[1] + 1)
    formula = cell.Formula
    cell.Style = "Mine"
    bring_up_to_date(excel.workbook, demo)
    assert cell.Style.Name == "Mine"
    assert cell.Formula == formula


def test_columns_are_called_by_their_titles_in_the_workbook(demo: Plan) -> None:
    excel = from_template()
    context = context_of(excel.workbook, demo)
    context.renamed = {("Procedures", "ID"): "My [ID]"}
    excel.worksheet("Procedures").Range("A1").Value2 = "My [ID]"
    sheet = excel.worksheet("Overview")
    write_board(boards(demo)["Overview"], sheet, context, is_new=False)
    assert sheet.Range("C6").Formula == "=COUNTA(Procedures[My '[ID']])"


@pytest.mark.parametrize("written_before", [0, 1], ids=["first", "again"])
def test_a_large_role_matrix_takes_few_calls(
    demo: Plan,
    written_before: int,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    rows, columns = 200, 50
    cells: Planned = {
        (row, 0): (Link(f"id {row}", Place("Procedures", row)), "label") for row in range(rows)
    }
    cells |= {
        (row, column): ("R", "role")
        for row in range(rows)
        for column in range(1, columns)
        if (row * 7 + column * column) % 11 == 0
    }
    board = replace(boards(demo)["Role matrix"], cells=cells)
    excel = from_template()
    sheet = excel.worksheet(board.name)
    context = context_of(excel.workbook, demo)
    if written_before:
        write_board(board, sheet, context, is_new=False)
        moved = {(row + (row > 3), column): value for (row, column), value in cells.items()}
        board = replace(board, cells=moved)
    count = 0
    recorder = type(excel.core.recorder)
    usual = recorder.pass_or_refuse

    def counted(self: Any) -> None:
        nonlocal count
        count += 1
        usual(self)

    monkeypatch.setattr(recorder, "pass_or_refuse", counted)
    before = len(excel.calls)
    write_board(board, sheet, context, is_new=False)
    entries = [call for call in excel.calls[before:] if call.member == "Value2"]
    assert len(entries) < 10
    record_property("accesses", count)
    assert count < rows * columns / 2


spots = st.sets(st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(spots)
def test_areas_hold_just_the_given_cells(cells: set[tuple[int, int]]) -> None:
    held = [spot for area in areas_of(cells) for spot in cells_of(area)]
    assert sorted(held) == sorted(cells)


@given(spots)
def test_groups_hold_all_areas_within_the_longest_address(cells: set[tuple[int, int]]) -> None:
    areas = areas_of({(row * 99_999, column * 999) for row, column in cells})
    found = list(groups(areas))
    assert [area for group in found for area in group] == areas
    for group in found:
        assert len(",".join(area.address for area in group)) < 2 * 255


XDR = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
EMU = 12700


@dataclass(frozen=True)
class Drawn:
    """A box or a piece of an arrow; places in points, colours as numbers of Excel."""

    description: str
    text: str
    place: tuple[float, ...]
    link: str
    line: tuple[int | None, float]
    fill: int | None
    ends: tuple[tuple[str, int], ...]


def colour(element: Any) -> int | None:
    found = element.find(f"{A}solidFill/{A}srgbClr") if element is not None else None
    return None if found is None else int.from_bytes(bytes.fromhex(found.get("val")), "little")


def headless_shapes(file: Path, part: str = "xl/drawings/drawing2.xml") -> dict[str, Drawn]:
    """Return the shapes of a drawing as its XML has them."""
    with zipfile.ZipFile(file) as package:
        root: Any = etree.fromstring(package.read(part))
        relations: Any = etree.fromstring(
            package.read(part.replace("drawings/", "drawings/_rels/") + ".rels")
        )
    targets = {one.get("Id"): one.get("Target", "") for one in relations}
    names = {one.get("id"): one.get("name", "") for one in root.iter(f"{XDR}cNvPr")}
    found = {}
    for anchor in root:
        corner, size, shape = anchor.find(f"{XDR}pos"), anchor.find(f"{XDR}ext"), anchor[2]
        named, looks = shape.find(f"*/{XDR}cNvPr"), shape.find(f"{XDR}spPr")
        click, line = named.find(f"{A}hlinkClick"), looks.find(f"{A}ln")
        place = (corner.get("x"), corner.get("y"), size.get("cx"), size.get("cy"))
        lines = ["".join(one.itertext(f"{A}t")) for one in shape.iter(f"{A}p")]
        found[named.get("name")] = Drawn(
            named.get("descr", ""),
            "\n".join(lines),
            tuple(int(one) / EMU for one in place),
            "" if click is None else targets[click.get(f"{R}id")].removeprefix("#"),
            (colour(line), int(line.get("w", "0")) / EMU if colour(line) is not None else 0),
            colour(looks),
            tuple(
                (names[end.get("id")], int(end.get("idx")))
                for end in (*shape.iter(f"{A}stCxn"), *shape.iter(f"{A}endCxn"))
            ),
        )
    return found


def live_shapes(excel: FakeExcel, name: str = "Map") -> dict[str, Drawn]:
    found = {}
    for shape in excel.sheet(name).shapes:
        line, fill = shape.kept.get("Line", {}), shape.kept.get("Fill", {})
        is_drawn = bool(line.get("Visible", True))
        usual = {"RGB": -1}
        found[shape.name] = Drawn(
            shape.description,
            shape.text.replace("\r", "\n"),
            (shape.left, shape.top, shape.width, shape.height),
            shape.link.sub_address if shape.link else "",
            (line.get("ForeColor", usual)["RGB"], line.get("Weight", 0)) if is_drawn else (None, 0),
            fill.get("ForeColor", {}).get("RGB"),
            tuple((end[0], end[1] - 1) for end in (shape.start, shape.end) if end),
        )
    return found


def test_boxes_and_arrows_equal_headless_ones(plan: Plan, tmp_path: Path) -> None:
    excel = from_template()
    board = boards(plan)["Map"]
    strong = replace(board, shapes=(replace(board.shapes[0], strong=True), *board.shapes[1:]))
    sheets = (strong if one is board else one for one in plan.sheets)
    plan = replace(plan, sheets=tuple(sheets))
    bring_up_to_date(excel.workbook, plan)
    wanted = headless_shapes(headless(plan, tmp_path / "headless.xlsx"))
    assert live_shapes(excel) == wanted
    # In the same order, which is that of the Tab key.
    assert list(live_shapes(excel)) == list(wanted)


def test_arrows_bend_have_one_head_and_are_dashed_as_planned(demo: Plan) -> None:
    excel = from_template()
    bring_up_to_date(excel.workbook, demo)
    board = boards(demo)["Map"]
    ways = routes(board.shapes, [(one.start, one.end) for one in board.connectors])
    assert any(len(way.pieces) > 1 for way in ways)
    sheet = excel.worksheet("Map")
    for number, (arrow, way) in enumerate(zip(board.connectors, ways, strict=True), start=1):
        pieces = [f"Klarify arrow {number}.{at}" for at in range(1, len(way.pieces))]
        for name in (*pieces, last := f"Klarify arrow {number}"):
            line = sheet.Shapes.Item(name).Line
            assert line.EndArrowheadStyle == (2 if name == last else 1)
            assert line.DashStyle == (4 if arrow.dashed else 1)


def test_a_person_s_drawings_stay_above_and_below_ours(demo: Plan, tmp_path: Path) -> None:
    excel = from_template()
    sheet = excel.worksheet("Map")
    sheet.Shapes.AddShape(1, 10, 20, 30, 40).Name = "Below"
    bring_up_to_date(excel.workbook, demo)
    sheet.Shapes.AddShape(1, 50, 60, 70, 80).Name = "Above"
    arrow = sheet.Shapes.AddConnector(1, 0, 0, 10, 10)
    arrow.Name = "Mine"
    arrow.ConnectorFormat.BeginConnect(sheet.Shapes.Item("Klarify box 2"), 3)
    arrow.ConnectorFormat.EndConnect(sheet.Shapes.Item("Above"), 1)
    described = sheet.Shapes.Item("Klarify box 2").AlternativeText
    before = live_shapes(excel)
    bring_up_to_date(excel.workbook, demo)
    assert live_shapes(excel) == before
    assert list(live_shapes(excel)) == list(before)
    other = refreshed_twice(organisation_of(30), tmp_path / "other.xlsx")
    bring_up_to_date(excel.workbook, other)
    after = live_shapes(excel)
    assert next(iter(after)) == "Below"
    assert list(after)[-2:] == ["Above", "Mine"]
    assert after["Above"] == before["Above"]
    ends = [(after[name].description, site) for name, site in after["Mine"].ends]
    assert set(ends) <= {(described, 2), ("", 0)}
    ours = {name: one for name, one in after.items() if name.startswith("Klarify ")}
    assert ours == headless_shapes(headless(other, tmp_path / "headless.xlsx"))


def live_charts(excel: FakeExcel, name: str = "Overview") -> dict[str, tuple[Any, ...]]:
    """Return kind, title, series, description and place of charts by name."""
    found = {}
    for shape in excel.sheet(name).shapes:
        if chart := shape.chart:
            series = [(one.name, one.categories, one.values) for one in chart.series]
            place = (shape.left, shape.top, shape.width, shape.height)
            title = chart.kept.get("ChartTitle", {}).get("Text")
            found[shape.name] = (chart.kind, title, series, shape.description, place)
    return found


def test_charts_equal_headless_ones(demo: Plan, tmp_path: Path) -> None:
    excel = from_template()
    wanted = live_charts(opened(headless(demo, tmp_path / "headless.xlsx")))
    assert len(wanted) == len(boards(demo)["Overview"].charts) > 4
    bring_up_to_date(excel.workbook, demo)
    assert live_charts(excel) == wanted


def test_charts_follow_the_plan_and_keep_a_persons_looks(demo: Plan, tmp_path: Path) -> None:
    board = boards(demo)["Overview"]
    excel = opened(headless(demo, tmp_path / "workbook.xlsx"))
    sheet = excel.worksheet("Overview")
    sheet.Shapes.AddChart2(-1, 4, 5, 6, 70, 80).Name = "Mine"
    moved = sheet.Shapes.Item("Klarify chart 2")
    moved.Left, moved.Width = 700, 100
    moved.Chart.ChartType = 4
    before = live_charts(excel)
    # The first one would show nothing, the others' figures stand elsewhere, and one is new.
    charts = [lower(chart) for chart in board.charts[1:]]
    added = replace(charts[0], title="New", kind="doughnut", row=80)
    context = context_of(excel.workbook, demo)
    write_board(replace(board, charts=(*charts, added)), sheet, context, is_new=False)
    after = live_charts(excel)
    assert after["Mine"] == before["Mine"]
    assert after.keys() == before.keys() - {"Klarify chart 1"} | {"Klarify chart 7"}
    assert after["Klarify chart 2"][0] == 4
    assert after["Klarify chart 2"][4] == before["Klarify chart 2"][4]
    by_title = {one[1]: one[2] for one in after.values() if one[2]}
    for chart in (*charts, added):
        assert by_title[chart.title] == [(chart.title, *areas(chart))]


def test_charts_whose_titles_are_translated_are_known_by_their_numbers(
    demo: Plan, tmp_path: Path
) -> None:
    board = boards(demo)["Overview"]
    excel = opened(headless(demo, tmp_path / "workbook.xlsx"))
    sheet = excel.worksheet("Overview")
    sheet.Shapes.Item("Klarify chart 2").Left = 700
    before = live_charts(excel)
    charts = tuple(replace(chart, title=f"de {chart.title}") for chart in board.charts)
    context = context_of(excel.workbook, demo)
    write_board(replace(board, charts=charts), sheet, context, is_new=False)
    after = live_charts(excel)
    assert list(after) == list(before)
    for name, (kind, title, series, description, place) in before.items():
        renamed = [(f"de {title}", *references) for _name, *references in series]
        assert after[name] == (kind, f"de {title}", renamed, description, place)


def lower(chart: Chart) -> Chart:
    """Return a chart whose cells stand a row lower."""

    def moved(area: Area) -> Area:
        return replace(area, first_row=area.first_row + 1, last_row=area.last_row + 1)

    return replace(chart, categories=moved(chart.categories), values=moved(chart.values))


def areas(chart: Chart) -> tuple[str, ...]:
    return tuple(
        f"='Overview'!${letter}${area.first_row + 1}:${letter}${area.last_row + 1}"
        for area in (chart.categories, chart.values)
        for letter in [get_column_letter(area.column + 1)]
    )


def test_a_sheet_without_figures_loses_our_charts_only(demo: Plan, tmp_path: Path) -> None:
    excel = opened(headless(demo, tmp_path / "workbook.xlsx"))
    sheet = excel.worksheet("Overview")
    sheet.Shapes.AddChart2(-1, 4, 5, 6, 70, 80).Name = "Mine"
    write_board(
        replace(boards(demo)["Overview"], charts=()),
        sheet,
        context_of(excel.workbook, demo),
        is_new=False,
    )
    assert list(live_charts(excel)) == ["Mine"]
