"""The charts of a board in an open workbook: ours follow the plan, a person's changes stay."""

from collections.abc import Sequence
from typing import Any, Final

from xlwings.constants import (
    AxisType,
    CategoryType,
    ChartType,
    DataLabelPosition,
    LegendPosition,
    Placement,
    TickLabelOrientation,
    TickMark,
)

from klarify_xl.headless.charts import (
    COLOURS,
    COLUMN_PLOT,
    COUNT,
    FONT,
    GAP,
    LINE,
    TEXT,
    TEXT_SIZE,
    TITLE_SIZE,
    narrow_slices,
    reference,
)
from klarify_xl.headless.shapes import OWN_NAME
from klarify_xl.live.styles import colour_number
from klarify_xl.plan import Board, Chart

POINTS_PER_PIXEL: Final = 72 / 96
"""Excel's object model measures in points; pixels are those of 96 per inch."""

_NO_STYLE: Final = -1
"""Chart style by which ``AddChart2`` takes the usual one of a chart's type (Microsoft,
"Shapes.AddChart2 method")."""

_NAME: Final = f"{OWN_NAME}chart "
_TYPES: Final = {
    "bar": ChartType.xlBarClustered,
    "column": ChartType.xlColumnClustered,
    "doughnut": ChartType.xlDoughnut,
}
_WHITE: Final = colour_number("FFFFFF")
_SLICE_BORDER: Final = 1.5
_HOLE: Final = 50
"""Of a doughnut, in percent of its size."""


def write_charts(board: Board, sheet: Any) -> None:  # noqa: ANN401 -- COM
    """Bring our charts on a board's sheet up to date.

    Ours are known by their names. One that is there gets the planned cells, title and description;
    where it stands and how it looks is a person's to change. Missing ones are added, and those
    that are no longer planned are deleted.

    Args:
        board: What is planned.
        sheet: Its sheet, as Excel's object model has it.
    """
    present = [shape for shape in _shapes(sheet) if shape.HasChart and _is_ours(shape)]
    if not present and not board.charts:
        return
    found = _paired(board.charts, present)
    for number, shape in enumerate(present):
        if number not in found.values():
            shape.Delete()
    taken = {str(present[number].Name) for number in found.values()}
    for number, chart in enumerate(board.charts):
        if number in found:
            _show(chart, present[found[number]], sheet)
        else:
            shape = _added(chart, sheet)
            shape.Name = _free_name(number + 1, taken)
            taken.add(str(shape.Name))
            _show(chart, shape, sheet)
            _dress(chart, board, shape.Chart)


def _shapes(sheet: Any) -> list[Any]:  # noqa: ANN401 -- COM
    shapes = sheet.Shapes
    return [shapes.Item(number) for number in range(1, int(shapes.Count) + 1)]


def _is_ours(shape: Any) -> bool:  # noqa: ANN401 -- COM
    return str(shape.Name).startswith(_NAME)


def _paired(charts: Sequence[Chart], present: Sequence[Any]) -> dict[int, int]:
    """Return which chart on the sheet is which planned one; both are numbered from 0.

    A chart that would show nothing is not planned, which changes the numbers of others. So it is
    the name of their series that tells, and only else the number, as when titles are translated.
    """
    titles = [_series_name(shape.Chart) for shape in present]
    names = [str(shape.Name) for shape in present]
    found: dict[int, int] = {}
    for wanted, have in (
        ([chart.title for chart in charts], titles),
        ([f"{_NAME}{number}" for number in range(1, len(charts) + 1)], names),
    ):
        for number, name in enumerate(wanted):
            free = (at for at, one in enumerate(have) if one == name and at not in found.values())
            if number not in found and (match := next(free, None)) is not None:
                found[number] = match
    return found


def _series_name(chart: Any) -> str:  # noqa: ANN401 -- COM
    return str(chart.SeriesCollection(1).Name) if int(chart.SeriesCollection().Count) else ""


def _free_name(number: int, taken: set[str]) -> str:
    while f"{_NAME}{number}" in taken:
        number += 1
    return f"{_NAME}{number}"


def _added(chart: Chart, sheet: Any) -> Any:  # noqa: ANN401 -- COM
    """Return a new chart at its cell, which moves it along."""
    corner = sheet.Cells(chart.row + 1, chart.column + 1)
    shape = sheet.Shapes.AddChart2(
        _NO_STYLE,
        _TYPES[chart.kind],
        corner.Left,
        corner.Top,
        chart.width * POINTS_PER_PIXEL,
        chart.height * POINTS_PER_PIXEL,
    )
    shape.Placement = Placement.xlMove
    # Excel fills a new chart with what is selected.
    while int(shape.Chart.SeriesCollection().Count):
        shape.Chart.SeriesCollection(1).Delete()
    return shape


def _show(chart: Chart, shape: Any, sheet: Any) -> None:  # noqa: ANN401 -- COM
    """Let a chart show the planned cells."""
    drawn = shape.Chart
    if int(drawn.SeriesCollection().Count):
        series = drawn.SeriesCollection(1)
    else:
        series = drawn.SeriesCollection().NewSeries()
        drawn.HasTitle = True
    series.Name = chart.title
    series.Values = f"={reference(chart.values, sheet.Name)}"
    series.XValues = f"={reference(chart.categories, sheet.Name)}"
    if drawn.HasTitle and str(drawn.ChartTitle.Text) != chart.title:
        drawn.ChartTitle.Text = chart.title
    shape.AlternativeText = chart.description


def _dress(chart: Chart, board: Board, drawn: Any) -> None:  # noqa: ANN401 -- COM
    """Let a new chart look like those of new workbooks."""
    drawn.ChartArea.Format.Fill.ForeColor.RGB = _WHITE
    drawn.ChartArea.Format.Line.Visible = False
    _letter(drawn.ChartTitle.Font, TITLE_SIZE, TEXT, bold=True)
    series = drawn.SeriesCollection(1)
    drawn.HasLegend = chart.kind == "doughnut"
    if chart.kind == "doughnut":
        drawn.Legend.Position = LegendPosition.xlLegendPositionRight
        _letter(drawn.Legend.Font, TEXT_SIZE, TEXT)
        _label(series, "FFFFFF", named=True)
        _slice(chart, board, drawn, series)
        return
    drawn.ChartGroups(1).GapWidth = int(GAP)
    series.Format.Fill.ForeColor.RGB = colour_number(COLOURS[0])
    series.InvertIfNegative = False
    _label(series, TEXT, named=False)
    series.DataLabels().Position = DataLabelPosition.xlLabelPositionOutsideEnd
    _set_axes(drawn, lying=chart.kind == "bar")
    if chart.kind == "column":
        left, top, width, height = COLUMN_PLOT
        area = drawn.PlotArea
        area.InsideLeft = left * chart.width * POINTS_PER_PIXEL
        area.InsideTop = top * chart.height * POINTS_PER_PIXEL
        area.InsideWidth = width * chart.width * POINTS_PER_PIXEL
        area.InsideHeight = height * chart.height * POINTS_PER_PIXEL


def _label(series: Any, colour: str, *, named: bool) -> None:  # noqa: ANN401 -- COM
    series.HasDataLabels = True
    labels = series.DataLabels()
    labels.ShowValue = True
    labels.ShowCategoryName = named
    if named:
        labels.Separator = "\n"
    labels.NumberFormat = COUNT
    _letter(labels.Font, TEXT_SIZE, colour)


def _slice(chart: Chart, board: Board, drawn: Any, series: Any) -> None:  # noqa: ANN401 -- COM
    """Colour a doughnut's slices, and take the labels of those that have no room for them."""
    drawn.ChartGroups(1).DoughnutHoleSize = _HOLE
    narrow = narrow_slices(chart, board)
    for index in range(chart.values.last_row + 1 - chart.values.first_row):
        point = series.Points(index + 1)
        point.Format.Fill.ForeColor.RGB = colour_number(COLOURS[index % len(COLOURS)])
        point.Format.Line.ForeColor.RGB = _WHITE
        point.Format.Line.Weight = _SLICE_BORDER
        if index in narrow:
            point.HasDataLabel = False


def _set_axes(drawn: Any, *, lying: bool) -> None:  # noqa: ANN401 -- COM
    """Name every bar on the one axis; on the other, only say that it begins with zero."""
    names = drawn.Axes(AxisType.xlCategory)
    # Bars are counted from below; the first is to stand at the top, as in its table.
    names.ReversePlotOrder = lying
    names.CategoryType = CategoryType.xlCategoryScale
    names.MajorTickMark = TickMark.xlTickMarkNone
    names.MinorTickMark = TickMark.xlTickMarkNone
    names.TickLabelPosition = TickLabelOrientation.xlTickLabelPositionLow
    names.TickLabelSpacing = 1
    names.Format.Line.ForeColor.RGB = colour_number(LINE)
    names.HasMajorGridlines = False
    _letter(names.TickLabels.Font, TEXT_SIZE, TEXT)
    figures = drawn.Axes(AxisType.xlValue)
    figures.MinimumScale = 0
    figures.HasMajorGridlines = False
    figures.Delete()


def _letter(font: Any, size: str, colour: str, *, bold: bool = False) -> None:  # noqa: ANN401 -- COM
    font.Name = FONT
    font.Size = int(size) / 100
    font.Bold = bold
    font.Color = colour_number(colour)
