"""The objects of a drawing as DrawingML: charts, boxes, and arrows of straight pieces."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from lxml import etree

from klarify_xl.headless import connectors
from klarify_xl.headless.connectors import Piece, Point, Route
from klarify_xl.headless.styles import FONT, plain
from klarify_xl.plan import Chart, Colours, Connector, Shape

OWN_NAME: Final = "Klarify "
"""How the names of our objects begin."""

EMU_PER_PIXEL: Final = 9525
"""English metric units (ECMA-376 part 1, 20.1.2.1) in a pixel at 96 per inch."""

DRAWING: Final = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
MAIN: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
_CHART: Final = "http://schemas.openxmlformats.org/drawingml/2006/chart"
RELATED: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DECORATIVE: Final = "http://schemas.microsoft.com/office/drawing/2017/decorative"
_DECORATIVE_EXTENSION: Final = "{C183D7F6-B498-43B3-948B-1728B52AA6E4}"
"""Id of the extension by which Office marks an object as decorative."""
_REFERENCE: Final = f"{{{RELATED}}}id"

_PREFIXES: Final = {"xdr": DRAWING, "a": MAIN, "r": RELATED, "c": _CHART, "adec": _DECORATIVE}

PLAIN: Final = ("1F2933", "F1F4F5")
ARROW_COLOUR: Final = "56646C"
THIN: Final = 9525
ARROW_WIDTH: Final = 15875
THICK: Final = 38100
TEXT_SIZE: Final = 1000
"""In hundredths of a point."""
BEND: Final = 2
"""Pixels across the dot at which the pieces of an arrow meet."""

Joint = tuple[int, int]
"""What a connector holds on to: an object's id and its connection site."""


def empty_drawing() -> etree._Element:
    """Return the root of a drawing without objects."""
    return _x("wsDr")


def chart_anchor(chart: Chart, number: int, object_id: int, chart_id: str) -> etree._Element:
    """Return a chart at its cell.

    Args:
        chart: The chart.
        number: Its number on the board, from 1.
        object_id: Its id in the drawing.
        chart_id: Id of the relationship to its part.
    """
    reference = _element(_CHART, "chart")
    reference.set(_REFERENCE, chart_id)
    return _x(
        "oneCellAnchor",
        _x(
            "from",
            _x("col", str(chart.column)),
            _x("colOff", "0"),
            _x("row", str(chart.row)),
            _x("rowOff", "0"),
        ),
        _x("ext", cx=_emu(chart.width), cy=_emu(chart.height)),
        _x(
            "graphicFrame",
            _x(
                "nvGraphicFramePr",
                _named(f"chart {number}", object_id, chart.description),
                _x("cNvGraphicFramePr"),
            ),
            _x("xfrm", _a("off", x="0", y="0"), _a("ext", cx="0", cy="0")),
            _a("graphic", _a("graphicData", reference, uri=_CHART)),
            macro="",
        ),
        _x("clientData"),
    )


def box_anchor(
    shape: Shape, number: int, object_id: int, link: str | None, colours: Colours
) -> etree._Element:
    """Return a box with its text.

    Args:
        shape: The box.
        number: Its number on the board, from 1.
        object_id: Its id in the drawing.
        link: Id of the relationship to where a click leads, if anywhere.
        colours: The workbook's colours.
    """
    colour, background = plain(colours.of(shape.tone)) if shape.tone else PLAIN
    named = _named(f"box {number}", object_id, shape.description)
    if link:
        click = _a("hlinkClick")
        click.set(_REFERENCE, link)
        named.append(click)
    outline = plain(colours.header)[1] if shape.strong else colour
    properties = _x(
        "spPr",
        _placed(shape.x, shape.y, _emu(shape.width), _emu(shape.height)),
        _a("prstGeom", _a("avLst", _a("gd", name="adj", fmla="val 12000")), prst="roundRect"),
        _fill(background),
        _a("ln", _fill(outline), w=str(THICK if shape.strong else THIN)),
    )
    return _anchor(
        (shape.x, shape.y),
        (_emu(shape.width), _emu(shape.height)),
        _x(
            "sp",
            _x("nvSpPr", named, _x("cNvSpPr")),
            properties,
            _text(shape.text, colour, strong=shape.strong),
            macro="",
            textlink="",
        ),
    )


def _text(text: str, colour: str, *, strong: bool) -> etree._Element:
    side, edge = _emu(6), _emu(3)
    body = _a(
        "bodyPr",
        _a("noAutofit"),
        vertOverflow="clip",
        horzOverflow="clip",
        wrap="square",
        lIns=side,
        tIns=edge,
        rIns=side,
        bIns=edge,
        rtlCol="0",
        anchor="ctr",
    )
    paragraphs = [
        _a(
            "p",
            _a("pPr", algn="ctr"),
            _a(
                "r",
                _a(
                    "rPr",
                    _fill(colour),
                    _a("latin", typeface=FONT),
                    sz=str(TEXT_SIZE),
                    b=str(int(strong)),
                ),
                _a("t", line),
            ),
        )
        for line in text.split("\n")
    ]
    return _x("txBody", body, _a("lstStyle"), *paragraphs)


def arrow_anchors(
    arrow: Connector, number: int, ids: Iterator[int], ends: tuple[int, int], way: Route
) -> Iterator[etree._Element]:
    """Yield the bends of an arrow, and its straight pieces, which hold on to them.

    The last piece has the head and the description; the others are decoration to who can't see.

    Args:
        arrow: The arrow.
        number: Its number on the board, from 1.
        ids: Ids for its objects in the drawing.
        ends: Ids of the boxes where it starts and ends.
        way: The way that it takes.
    """
    joints = [(ends[0], way.start_site)]
    for bend, point in enumerate(way.points[1:-1], start=1):
        joints.append((next(ids), connectors.TOP))
        yield _bend(f"bend {number}.{bend}", joints[-1][0], point)
    joints.append((ends[1], way.end_site))
    for piece, (line, holds) in enumerate(zip(way.pieces, pairwise(joints), strict=True), start=1):
        is_last = piece == len(way.pieces)
        name = f"arrow {number}" if is_last else f"arrow {number}.{piece}"
        named = (
            _named(name, next(ids), arrow.description) if is_last else _decoration(name, next(ids))
        )
        yield _piece(named, line, holds, _line(dashed=arrow.dashed, headed=is_last))


def _bend(name: str, object_id: int, point: Point) -> etree._Element:
    corner, size = (point[0] - BEND // 2, point[1] - BEND // 2), (_emu(BEND), _emu(BEND))
    properties = _x(
        "spPr",
        _placed(*corner, *size),
        _a("prstGeom", _a("avLst"), prst="ellipse"),
        _fill(ARROW_COLOUR),
        _a("ln", _a("noFill")),
    )
    drawn = _x("sp", _x("nvSpPr", _decoration(name, object_id), _x("cNvSpPr")), properties)
    return _anchor(corner, size, drawn)


def _piece(
    named: etree._Element, line: Piece, holds: tuple[Joint, Joint], look: etree._Element
) -> etree._Element:
    (x, y), (end_x, end_y) = line
    corner = min(x, end_x), min(y, end_y)
    size = _emu(abs(end_x - x)), _emu(abs(end_y - y))
    placed = _placed(*corner, *size)
    if end_x < x:
        placed.set("flipH", "1")
    if end_y < y:
        placed.set("flipV", "1")
    start, end = (
        _a(tag, id=str(object_id), idx=str(site))
        for tag, (object_id, site) in zip(("stCxn", "endCxn"), holds, strict=True)
    )
    geometry = _a("prstGeom", _a("avLst"), prst="straightConnector1")
    drawn = _x(
        "cxnSp",
        _x("nvCxnSpPr", named, _x("cNvCxnSpPr", start, end)),
        _x("spPr", placed, geometry, look),
        macro="",
    )
    return _anchor(corner, size, drawn)


def _line(*, dashed: bool, headed: bool) -> etree._Element:
    line = _a("ln", _fill(ARROW_COLOUR), w=str(ARROW_WIDTH))
    if dashed:
        line.append(_a("prstDash", val="dash"))
    if headed:
        line.append(_a("tailEnd", type="triangle", w="med", len="med"))
    return line


def _anchor(
    corner: tuple[int, int], size: tuple[str, str], drawn: etree._Element
) -> etree._Element:
    """Return an anchor that no change of rows and columns moves."""
    return _x(
        "absoluteAnchor",
        _x("pos", x=_emu(corner[0]), y=_emu(corner[1])),
        _x("ext", cx=size[0], cy=size[1]),
        drawn,
        _x("clientData"),
    )


def _placed(x: int, y: int, width: str, height: str) -> etree._Element:
    return _a("xfrm", _a("off", x=_emu(x), y=_emu(y)), _a("ext", cx=width, cy=height))


def _named(name: str, object_id: int, description: str) -> etree._Element:
    return _x("cNvPr", id=str(object_id), name=f"{OWN_NAME}{name}", descr=description)


def _decoration(name: str, object_id: int) -> etree._Element:
    """Return the name of an object that means nothing to who can't see it."""
    named = _named(name, object_id, "")
    mark = _element(_DECORATIVE, "decorative", val="1")
    named.append(_a("extLst", _a("ext", mark, uri=_DECORATIVE_EXTENSION)))
    return named


def _fill(colour: str) -> etree._Element:
    return _a("solidFill", _a("srgbClr", val=colour))


def _emu(pixels: int) -> str:
    return str(pixels * EMU_PER_PIXEL)


def _x(tag: str, *content: etree._Element | str, **attributes: str) -> etree._Element:
    """Return an element of the drawing's own namespace."""
    return _element(DRAWING, tag, *content, **attributes)


def _a(tag: str, *content: etree._Element | str, **attributes: str) -> etree._Element:
    """Return an element of DrawingML's main namespace."""
    return _element(MAIN, tag, *content, **attributes)


def _element(
    namespace: str, tag: str, *content: etree._Element | str, **attributes: str
) -> etree._Element:
    """Return an element that holds a text, or elements."""
    made = etree.Element(f"{{{namespace}}}{tag}", attributes, nsmap=_PREFIXES)
    for one in content:
        if isinstance(one, str):
            made.text = one
        else:
            made.append(one)
    return made
