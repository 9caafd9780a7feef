"""Charts: valid by the schema, readable for others, and true to the cells they show."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.chart.bar_chart import BarChart
from openpyxl.chart.chartspace import ChartSpace
from openpyxl.chart.pie_chart import DoughnutChart
from openpyxl.chart.reader import read_chart

from klarify_xl.headless.charts import COLOURS, chart_part
from klarify_xl.headless.workbook import write_workbook
from klarify_xl.plan import Area, Board, Cell, Chart, ChartKind, Formula, Link, Look, Place, Plan
from klarify_xl.text import safe_text

from .boards import converted, root_of
from .test_validity import damaged
from .validator import objections
from .workbooks import HOSTILE_TEXTS, NOW, unescaped

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
KINDS: tuple[ChartKind, ...] = get_args(ChartKind)
SHEET = "It's the Overview"


def board_of(names: list[Cell], figures: list[Cell], kinds: tuple[ChartKind, ...]) -> Board:
    """Return a board of names and figures below each other, with a chart of each kind."""
    cells: dict[tuple[int, int], tuple[Cell, Look]] = {}
    for row, (name, figure) in enumerate(zip(names, figures, strict=True), start=1):
        cells[row, 1] = (name, "label")
        cells[row, 2] = (figure, "figure")
    last = len(names)
    charts = tuple(
        Chart(kind, f"A {kind} <&> chart", "", Area(1, 1, last), Area(2, 1, last), 16 * index, 4)
        for index, kind in enumerate(kinds)
    )
    return Board(SHEET, "Board", (2.0, 20.0, 10.0), cells, charts=charts)


@pytest.fixture
def board() -> Board:
    """A board with a chart of each kind."""
    names: list[Cell] = [Link("Published", Place("T", 0)), "Draft", "_x0041_", "Z" * 400, None]
    return board_of(names, [Formula("1+1", 240), 90, 0, 0.5, Formula("A1", "text")], KINDS)


def cached(part: bytes, kind: str) -> list[tuple[str, str]]:
    """Return a cache's points as (index, value)."""
    return [
        (str(point.get("idx")), str(point.findtext(f"{C}v")))
        for cache in root_of(part).iter(f"{C}{kind}")
        for point in cache.iter(f"{C}pt")
    ]


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_a_chart_has_the_figures_of_its_cells_with_it(board: Board, number: int) -> None:
    part = chart_part(board.charts[number], board, SHEET)
    assert cached(part, "strCache") == [
        ("0", "Published"),
        ("1", "Draft"),
        ("2", "_x005F_x0041_"),
        ("3", "Z" * 254 + "…"),
        ("4", ""),
    ]
    assert cached(part, "numCache") == [("0", "240"), ("1", "90"), ("2", "0"), ("3", "0.5")]
    counts = [one.get("val") for one in root_of(part).iter(f"{C}ptCount")]
    assert counts == ["5", "5"]


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_a_chart_refers_to_its_cells_whatever_the_sheet_is_called(
    board: Board, number: int
) -> None:
    root = root_of(chart_part(board.charts[number], board, SHEET))
    assert [one.text for one in root.iter(f"{C}f")] == [
        "'It''s the Overview'!$B$2:$B$6",
        "'It''s the Overview'!$C$2:$C$6",
    ]


def test_columns_beyond_z_are_called_by_two_letters(board: Board) -> None:
    chart = replace(board.charts[0], values=Area(27, 0, 9))
    root = root_of(chart_part(chart, board, "S"))
    assert [one.text for one in root.iter(f"{C}f")] == ["'S'!$B$2:$B$6", "'S'!$AB$1:$AB$10"]


def test_equal_charts_give_equal_bytes(board: Board) -> None:
    parts = [[chart_part(chart, board, SHEET) for chart in board.charts] for _ in range(2)]
    assert parts[0] == parts[1]
    assert len(set(parts[0])) == len(KINDS)


@pytest.mark.parametrize(("number", "kind"), [*enumerate(KINDS)])
def test_openpyxl_reads_the_chart(board: Board, number: int, kind: str) -> None:
    part = chart_part(board.charts[number], board, SHEET)
    # Untyped, like the published stubs of the reader.
    tree, read_any = root_of(part), cast("Any", read_chart)
    read = read_any(cast("Any", ChartSpace).from_tree(tree))
    title = "".join(run.t for run in read.title.tx.rich.p[0].r)
    assert title == f"A {kind} <&> chart"
    (series,) = read.series
    assert series.cat.strRef.f.endswith("$B$2:$B$6")
    assert series.val.numRef.f.endswith("$C$2:$C$6")
    if kind == "doughnut":
        assert isinstance(read, DoughnutChart)
        assert read.legend is not None
        assert series.dLbls.showCatName
        assert series.dLbls.dLblPos is None
        return
    assert isinstance(read, BarChart)
    assert read.type == {"bar": "bar", "column": "col"}[kind]
    assert read.legend is None
    assert read.x_axis.scaling.orientation == {"bar": "maxMin", "column": "minMax"}[kind]
    assert read.y_axis.scaling.min == 0
    assert read.y_axis.majorGridlines is None
    assert series.dLbls.showVal
    assert (series.dLbls.showCatName, series.dLbls.dLblPos) == (False, "outEnd")


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_stand_out_against_white(colour: str) -> None:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    luminance = sum(
        share * one for share, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )
    # Bars need 3:1; the white names on slices need 4.5:1 (WCAG 2.2, 1.4.3 and 1.4.11).
    assert 1.05 / (luminance + 0.05) >= 4.5


def test_texts_are_dark_on_white_or_white_on_a_slice(board: Board) -> None:
    for chart in board.charts:
        root = root_of(chart_part(chart, board, SHEET))
        texts = {str(one.get("val")) for one in root.iterfind(f".//{A}defRPr//{A}srgbClr")}
        assert texts == ({"404040", "FFFFFF"} if chart.kind == "doughnut" else {"404040"})
        assert {one.get("typeface") for one in root.iter(f"{A}latin")} == {"Calibri"}


def test_slices_too_narrow_for_a_name_are_left_to_the_legend() -> None:
    board = board_of(["a", "b", "c", "d"], [100, 5, 0, 30], ("doughnut",))
    root = root_of(chart_part(board.charts[0], board, SHEET))
    hidden = [
        label.find(f"{C}idx").get("val")  # type: ignore[union-attr]
        for label in root.iter(f"{C}dLbl")
    ]
    assert hidden == ["1", "2"]
    assert len(list(root.iter(f"{C}dPt"))) == 4


def test_a_doughnut_of_nothing_is_drawn_all_the_same() -> None:
    board = board_of(["a", "b"], [0, 0], ("doughnut",))
    assert cached(chart_part(board.charts[0], board, SHEET), "numCache") == [("0", "0"), ("1", "0")]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_any_names_can_be_shown(names: list[str]) -> None:
    shown: list[Cell] = [safe_text(name).text for name in names]
    board = board_of(shown, [1] * len(names), ("bar",))
    found = cached(chart_part(board.charts[0], board, SHEET), "strCache")
    assert [unescaped(value) for _index, value in found] == shown


def written(board: Board, file: Path) -> Path:
    """Write a workbook of a board and its charts."""
    plan = Plan("", "", "", NOW, "", (board, Board("T", "T", (8.0,), {})))
    with file.open("w+b") as made:
        write_workbook(plan, made, data_mark="")
    return file


@pytest.mark.parametrize("names", ["plain", "hostile"])
def test_the_open_xml_sdk_accepts_the_charts(
    validator: Path, board: Board, names: str, tmp_path: Path
) -> None:
    if names == "hostile":
        texts: list[Cell] = [safe_text(text).text for text in HOSTILE_TEXTS.values()]
        board = board_of(texts, list(range(len(texts))), KINDS)
    assert objections(validator, written(board, tmp_path / "charts.xlsx")) == []


def test_the_open_xml_sdk_objects_to_a_chart_in_another_order(
    validator: Path, board: Board, tmp_path: Path
) -> None:
    file = written(board, tmp_path / "charts.xlsx")
    old, new = '<c:barDir val="bar"/><c:grouping', '<c:grouping val="clustered"/><c:barDir'
    copy = damaged(file, "xl/charts/chart1.xml", old, new)
    assert objections(validator, copy)


def test_libreoffice_reads_the_charts(board: Board, tmp_path: Path) -> None:
    file = written(board, tmp_path / "charts.xlsx")
    sheet: Any = load_workbook(converted(file, "xlsx"))[SHEET]
    charts = sheet._charts
    assert [type(chart) for chart in charts] == [BarChart, BarChart, DoughnutChart]
    for chart in charts:
        (series,) = chart.series
        assert re.sub(r"[$']", "", series.val.numRef.f) == "Its the Overview!C2:C6"
        values = [float(point.v) for point in series.val.numRef.numCache.pt]
        assert values[:2] == [2, 90]
