"""The part of a file that describes a chart of a board: `xl/charts/chartN.xml`.

Written as plain elements in the order of the schema (ECMA-376 part 1, 21.2): a chart has the
figures of its cells with it, so that programs that don't calculate show it too.
"""

import re
from collections.abc import Iterable
from typing import Final, TypeGuard

from lxml import etree

from klarify_xl.headless.references import letter_of
from klarify_xl.plan import Area, Board, Chart, Formula, Link

_CHART: Final = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_DRAWING: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"

FONT: Final = "Calibri"
TITLE_SIZE: Final = "1200"
TEXT_SIZE: Final = "900"
"""Hundredths of a point (ECMA-376 part 1, 20.1.10.72)."""

TEXT: Final = "404040"
LINE: Final = "BFC8CC"
COLOURS: Final = ("1F4E5F", "7A4B00", "5E6B70", "9C1C1C", "0B5D1E", "5B3A8C", "0B5394", "8A2C5D")
"""Of bars, and of the slices of a doughnut in turn; contrast to white at least 4.5:1."""

GAP: Final = "45"
"""Between bars, in percent of a bar."""

_NARROW: Final = 0.08
"""Share of a doughnut below which a slice has no room for its name; the legend tells it."""

COUNT: Final = "#,##0"

COLUMN_PLOT: Final = (0.02, 0.24, 0.96, 0.58)
"""Where columns stand, below the title, which the tallest would touch: left edge, upper edge, width
and height as shares of the chart's."""

_CATEGORY_AXIS: Final = "1001"
_VALUE_AXIS: Final = "1002"

_LONGEST_CATEGORY: Final = 255
_ESCAPE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def chart_part(chart: Chart, board: Board, sheet_name: str) -> bytes:
    """Return the part that describes a chart.

    Args:
        chart: One of the board's charts.
        board: Whose cells it shows.
        sheet_name: What the board's sheet is called in the workbook.
    """
    if chart.kind == "doughnut":
        plot = _doughnut(chart, board, sheet_name)
        legend = [_legend()]
    else:
        plot = _bars(chart, board, sheet_name)
        # One series, which the title names.
        legend = []
    root = _c(
        "chartSpace",
        _c("roundedCorners", val="0"),
        _c(
            "chart",
            _title(chart.title),
            _c("autoTitleDeleted", val="0"),
            _c("plotArea", _layout(chart), *plot),
            *legend,
            _c("plotVisOnly", val="1"),
            _c("dispBlanksAs", val="gap"),
        ),
        _c("spPr", _fill("FFFFFF"), _a("ln", _a("noFill"))),
        _text(TEXT_SIZE, TEXT),
    )
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _title(text: str) -> etree._Element:
    look = {"lang": "en", "sz": TITLE_SIZE, "b": "1"}
    run = _a("r", _a("rPr", *_letters(TEXT), **look), _a("t", text))
    return _c(
        "title",
        _c("tx", _c("rich", _a("bodyPr"), _a("lstStyle"), _a("p", _a("pPr", _a("defRPr")), run))),
        _c("overlay", val="0"),
    )


def _layout(chart: Chart) -> etree._Element:
    """Return where the plot stands."""
    if chart.kind != "column":
        return _c("layout")
    return _c(
        "layout",
        _c(
            "manualLayout",
            _c("layoutTarget", val="inner"),
            _c("xMode", val="edge"),
            _c("yMode", val="edge"),
            *(_c(name, val=f"{share:g}") for name, share in zip("xywh", COLUMN_PLOT, strict=True)),
        ),
    )


def _legend() -> etree._Element:
    return _c(
        "legend",
        _c("legendPos", val="r"),
        _c("overlay", val="0"),
        _text(TEXT_SIZE, TEXT),
    )


def _bars(chart: Chart, board: Board, sheet_name: str) -> list[etree._Element]:
    """Return bars or columns in one colour, with a figure at the end of each, and their axes."""
    lying = chart.kind == "bar"
    bars = _c(
        "barChart",
        _c("barDir", val="bar" if lying else "col"),
        _c("grouping", val="clustered"),
        _c("varyColors", val="0"),
        _series(
            chart,
            board,
            sheet_name,
            _c("spPr", _fill(COLOURS[0])),
            _c("invertIfNegative", val="0"),
            _labels(TEXT, position="outEnd"),
        ),
        _c("gapWidth", val=GAP),
        _c("axId", val=_CATEGORY_AXIS),
        _c("axId", val=_VALUE_AXIS),
    )
    names = _c(
        "catAx",
        _c("axId", val=_CATEGORY_AXIS),
        # Bars are counted from below; the first is to stand at the top, as in its table.
        _c("scaling", _c("orientation", val="maxMin" if lying else "minMax")),
        _c("delete", val="0"),
        _c("axPos", val="l" if lying else "b"),
        _c("numFmt", formatCode="General", sourceLinked="0"),
        _c("majorTickMark", val="none"),
        _c("minorTickMark", val="none"),
        _c("tickLblPos", val="low"),
        _c("spPr", _a("ln", _fill(LINE), w="9525")),
        _text(TEXT_SIZE, TEXT),
        _c("crossAx", val=_VALUE_AXIS),
        _c("crosses", val="autoZero"),
        _c("auto", val="0"),
        _c("lblAlgn", val="ctr"),
        _c("lblOffset", val="100"),
        # Every bar has its name, however close they stand.
        _c("tickLblSkip", val="1"),
        _c("noMultiLvlLbl", val="1"),
    )
    figures = _c(
        "valAx",
        _c("axId", val=_VALUE_AXIS),
        _c("scaling", _c("orientation", val="minMax"), _c("min", val="0")),
        # Each bar tells its figure, which makes scale and grid lines idle.
        _c("delete", val="1"),
        _c("axPos", val="t" if lying else "l"),
        _c("numFmt", formatCode=COUNT, sourceLinked="0"),
        _c("majorTickMark", val="none"),
        _c("minorTickMark", val="none"),
        _c("tickLblPos", val="nextTo"),
        _c("crossAx", val=_CATEGORY_AXIS),
        _c("crosses", val="autoZero"),
        _c("crossBetween", val="between"),
    )
    return [bars, names, figures]


def _doughnut(chart: Chart, board: Board, sheet_name: str) -> list[etree._Element]:
    """Return a doughnut whose slices bear their names, as far as there is room for them."""
    slices = []
    for index in range(_size(chart.values)):
        look = _c(
            "spPr", _fill(COLOURS[index % len(COLOURS)]), _a("ln", _fill("FFFFFF"), w="19050")
        )
        slices.append(_c("dPt", _c("idx", val=str(index)), _c("bubble3D", val="0"), look))
    narrow = [
        _c("dLbl", _c("idx", val=str(index)), _c("delete", val="1"))
        for index in narrow_slices(chart, board)
    ]
    labels = _labels("FFFFFF", *narrow, named=True)
    return [
        _c(
            "doughnutChart",
            _c("varyColors", val="1"),
            _series(chart, board, sheet_name, *slices, labels),
            _c("firstSliceAng", val="0"),
            _c("holeSize", val="50"),
        )
    ]


def narrow_slices(chart: Chart, board: Board) -> list[int]:
    """Return the numbers, from 0, of a doughnut's slices that have no room for their names."""
    figures = [value if _is_number(value) else 0 for value in _values(chart.values, board)]
    return [index for index, figure in enumerate(figures) if figure < _NARROW * sum(figures)]


def _series(chart: Chart, board: Board, sheet_name: str, *looks: etree._Element) -> etree._Element:
    return _c(
        "ser",
        _c("idx", val="0"),
        _c("order", val="0"),
        _c("tx", _c("v", chart.title)),
        *looks,
        _c(
            "cat",
            _c("strRef", _c("f", reference(chart.categories, sheet_name)), _names(chart, board)),
        ),
        _c(
            "val",
            _c("numRef", _c("f", reference(chart.values, sheet_name)), _figures(chart, board)),
        ),
    )


def _names(chart: Chart, board: Board) -> etree._Element:
    points = []
    for index, value in enumerate(_values(chart.categories, board)):
        text = "" if value is None else str(value)
        if len(text) > _LONGEST_CATEGORY:
            text = f"{text[: _LONGEST_CATEGORY - 1]}…"
        # Excel reads _x0041_ as the character A (ECMA-376 part 1, 22.9.2.19).
        points.append(_c("pt", _c("v", _ESCAPE.sub("_x005F_", text)), idx=str(index)))
    return _c("strCache", _c("ptCount", val=str(len(points))), *points)


def _figures(chart: Chart, board: Board) -> etree._Element:
    points = [
        _c("pt", _c("v", repr(value)), idx=str(index))
        for index, value in enumerate(_values(chart.values, board))
        if _is_number(value)
    ]
    count = _c("ptCount", val=str(_size(chart.values)))
    return _c("numCache", _c("formatCode", COUNT), count, *points)


def _values(area: Area, board: Board) -> list[object]:
    """Return what the cells of an area show."""
    found: list[object] = []
    for row in range(area.first_row, area.last_row + 1):
        value, _look = board.cells.get((row, area.column), (None, ""))
        if isinstance(value, Link):
            value = value.value
        found.append(value.value if isinstance(value, Formula) else value)
    return found


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float)


def _size(area: Area) -> int:
    return area.last_row + 1 - area.first_row


def reference(area: Area, sheet_name: str) -> str:
    """Return the fixed address of an area, with the name of its sheet."""
    sheet = sheet_name.replace("'", "''")
    letter = letter_of(area.column + 1)
    return f"'{sheet}'!${letter}${area.first_row + 1}:${letter}${area.last_row + 1}"


def _labels(
    colour: str, *single: etree._Element, position: str = "", named: bool = False
) -> etree._Element:
    # A doughnut's labels have no choice of a position: Excel refuses a file that gives one.
    where = [_c("dLblPos", val=position)] if position else []
    return _c(
        "dLbls",
        *single,
        _c("numFmt", formatCode=COUNT, sourceLinked="0"),
        _c("spPr", _a("noFill"), _a("ln", _a("noFill"))),
        _text(TEXT_SIZE, colour),
        *where,
        _c("showLegendKey", val="0"),
        _c("showVal", val="1"),
        _c("showCatName", val=str(int(named))),
        _c("showSerName", val="0"),
        _c("showPercent", val="0"),
        _c("showBubbleSize", val="0"),
        *([_c("separator", "\n")] if named else []),
    )


def _text(size: str, colour: str) -> etree._Element:
    look = _a("defRPr", *_letters(colour), sz=size, b="0")
    end = _a("endParaRPr", lang="en")
    return _c("txPr", _a("bodyPr"), _a("lstStyle"), _a("p", _a("pPr", look), end))


def _letters(colour: str) -> list[etree._Element]:
    return [_fill(colour), _a("latin", typeface=FONT), _a("cs", typeface=FONT)]


def _fill(colour: str) -> etree._Element:
    return _a("solidFill", _a("srgbClr", val=colour))


def _c(name: str, *content: etree._Element | str, **attributes: str) -> etree._Element:
    """Return an element of the chart's own vocabulary."""
    return _element(_CHART, name, content, attributes)


def _a(name: str, *content: etree._Element | str, **attributes: str) -> etree._Element:
    """Return an element of the vocabulary that all drawings share."""
    return _element(_DRAWING, name, content, attributes)


def _element(
    namespace: str,
    name: str,
    content: Iterable[etree._Element | str],
    attributes: dict[str, str],
) -> etree._Element:
    element = etree.Element(
        f"{{{namespace}}}{name}", attributes, nsmap={"c": _CHART, "a": _DRAWING}
    )
    for part in content:
        if isinstance(part, str):
            element.text = part
        else:
            element.append(part)
    return element
