"""The boxes and arrows of a board in an open workbook: ours are drawn anew, a person's stay."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from xlwings.constants import OartHorizontalOverflow, OartVerticalOverflow, Placement

from klarify_xl.headless.connectors import TOP, Piece, Point, Route, routes
from klarify_xl.headless.shapes import (
    ARROW_COLOUR,
    ARROW_WIDTH,
    BEND,
    OWN_NAME,
    PLAIN,
    TEXT_SIZE,
    THICK,
    THIN,
)
from klarify_xl.headless.styles import FONT, plain
from klarify_xl.live.charts import POINTS_PER_PIXEL
from klarify_xl.live.context import Context
from klarify_xl.live.styles import colour_number
from klarify_xl.plan import Board, Colours, Connector, Shape

# Numbers of Office's own enumerations, which xlwings lacks (Microsoft, "Office enumerations").
_ROUNDED_RECTANGLE: Final = 5
"""``msoShapeRoundedRectangle`` of MsoAutoShapeType."""
_OVAL: Final = 9
"""``msoShapeOval`` of MsoAutoShapeType."""
_STRAIGHT: Final = 1
"""``msoConnectorStraight`` of MsoConnectorType."""
_ANCHOR_MIDDLE: Final = 3
"""``msoAnchorMiddle`` of MsoVerticalAnchor."""
_CENTRED: Final = 2
"""``msoAlignCenter`` of MsoParagraphAlignment."""
_NO_AUTO_SIZE: Final = 0
"""``msoAutoSizeNone`` of MsoAutoSize."""
_DASHED: Final = 4
"""``msoLineDash`` of MsoLineDashStyle."""
_TRIANGLE: Final = 2
"""``msoArrowheadTriangle`` of MsoArrowheadStyle."""
_TO_FRONT: Final = 0
"""``msoBringToFront`` of MsoZOrderCmd."""
_COMMENT: Final = 4
"""``msoComment`` of MsoShapeType."""

_EMU_PER_POINT: Final = 12700
"""English metric units in a point (ECMA-376 part 1, 20.1.2.1)."""

_SIDE, _EDGE = 6 * POINTS_PER_PIXEL, 3 * POINTS_PER_PIXEL
"""Room between a box's outline and its text, at the sides and above and below."""


@dataclass(frozen=True)
class _Hold:
    """An end of a person's connector that holds on to a box of ours."""

    connect: Callable[[Any, int], Any]
    description: str
    site: int


def write_shapes(board: Board, sheet: Any, context: Context) -> None:  # noqa: ANN401 -- COM
    """Draw a board's boxes and arrows in the place of those drawn earlier.

    Ours are known by their names. What a person drew stays, above ours or below as it was; a
    person's connector that held on to a box of ours holds on to the one that stands for the same
    afterwards.

    Args:
        board: What is planned.
        sheet: Its sheet, as Excel's object model has it.
        context: The workbook.
    """
    present = _drawn(sheet)
    ours = [number for number, shape in enumerate(present) if _is_ours(shape)]
    if not ours and not board.shapes:
        return
    others = [shape for number, shape in enumerate(present) if number not in ours]
    above = [
        shape
        for number, shape in enumerate(present)
        if ours and number > ours[0] and number not in ours
    ]
    holds = [hold for shape in others for hold in _holds(shape)]
    for number in reversed(ours):
        present[number].Delete()
    boxes = _draw(board, sheet, context)
    for hold in holds:
        if hold.description in boxes:
            hold.connect(boxes[hold.description], hold.site)
    for shape in above:
        if int(shape.Type) != _COMMENT:
            shape.ZOrder(_TO_FRONT)


def _drawn(sheet: Any) -> list[Any]:  # noqa: ANN401 -- COM
    shapes = sheet.Shapes
    return [shapes.Item(number) for number in range(1, int(shapes.Count) + 1)]


def _is_ours(shape: Any) -> bool:  # noqa: ANN401 -- COM
    return str(shape.Name).startswith(OWN_NAME) and not shape.HasChart


def _holds(shape: Any) -> Iterable[_Hold]:  # noqa: ANN401 -- COM
    if not shape.Connector:
        return
    ends = shape.ConnectorFormat
    if ends.BeginConnected and _is_ours(box := ends.BeginConnectedShape):
        yield _Hold(ends.BeginConnect, str(box.AlternativeText), int(ends.BeginConnectionSite))
    if ends.EndConnected and _is_ours(box := ends.EndConnectedShape):
        yield _Hold(ends.EndConnect, str(box.AlternativeText), int(ends.EndConnectionSite))


def _draw(board: Board, sheet: Any, context: Context) -> dict[str, Any]:  # noqa: ANN401 -- COM
    """Draw boxes and arrows, and return the boxes by their descriptions."""
    # Boxes go first: the order of the shapes is the order in which the Tab key goes through them.
    boxes = [
        _box(shape, number, sheet, context.plan.colours)
        for number, shape in enumerate(board.shapes, start=1)
    ]
    for shape, box in zip(board.shapes, boxes, strict=True):
        if shape.target:
            sheet.Hyperlinks.Add(box, "", context.location(shape.target))
    ways = routes(board.shapes, [(one.start, one.end) for one in board.connectors])
    for number, (arrow, way) in enumerate(zip(board.connectors, ways, strict=True), start=1):
        _arrow(arrow, number, sheet, (boxes[arrow.start], boxes[arrow.end]), way)
    return dict(zip((shape.description for shape in board.shapes), boxes, strict=True))


def _box(shape: Shape, number: int, sheet: Any, colours: Colours) -> Any:  # noqa: ANN401 -- COM
    colour, background = plain(colours.of(shape.tone)) if shape.tone else PLAIN
    places = (shape.x, shape.y, shape.width, shape.height)
    box = sheet.Shapes.AddShape(_ROUNDED_RECTANGLE, *map(_points, places))
    _name(box, f"box {number}", shape.description)
    box.Fill.ForeColor.RGB = colour_number(background)
    outline = plain(colours.header)[1] if shape.strong else colour
    box.Line.ForeColor.RGB = colour_number(outline)
    box.Line.Weight = (THICK if shape.strong else THIN) / _EMU_PER_POINT
    _write(box, shape.text, colour, strong=shape.strong)
    return box


def _write(box: Any, text: str, colour: str, *, strong: bool) -> None:  # noqa: ANN401 -- COM
    box.TextFrame.HorizontalOverflow = OartHorizontalOverflow.xlOartHorizontalOverflowClip
    box.TextFrame.VerticalOverflow = OartVerticalOverflow.xlOartVerticalOverflowClip
    frame = box.TextFrame2
    frame.AutoSize = _NO_AUTO_SIZE
    frame.WordWrap = True
    frame.VerticalAnchor = _ANCHOR_MIDDLE
    frame.MarginLeft = frame.MarginRight = _SIDE
    frame.MarginTop = frame.MarginBottom = _EDGE
    written = frame.TextRange
    written.Text = text
    written.ParagraphFormat.Alignment = _CENTRED
    font = written.Font
    font.Name = FONT
    font.Size = TEXT_SIZE / 100
    font.Bold = strong
    font.Fill.ForeColor.RGB = colour_number(colour)


def _arrow(arrow: Connector, number: int, sheet: Any, ends: Sequence[Any], way: Route) -> None:  # noqa: ANN401 -- COM
    """Draw an arrow of straight pieces, which hold on to the boxes and to dots at its bends."""
    joints = [(ends[0], way.start_site)]
    for bend, point in enumerate(way.points[1:-1], start=1):
        joints.append((_bend(f"bend {number}.{bend}", sheet, point), TOP))
    joints.append((ends[1], way.end_site))
    for piece, (line, held) in enumerate(zip(way.pieces, pairwise(joints), strict=True), start=1):
        is_last = piece == len(way.pieces)
        drawn = _piece(sheet, line, dashed=arrow.dashed)
        name = f"arrow {number}" if is_last else f"arrow {number}.{piece}"
        _name(drawn, name, arrow.description if is_last else "")
        (start, start_site), (end, end_site) = held
        # Sites count from 1 here, and from 0 in files.
        drawn.ConnectorFormat.BeginConnect(start, start_site + 1)
        drawn.ConnectorFormat.EndConnect(end, end_site + 1)
        if is_last:
            drawn.Line.EndArrowheadStyle = _TRIANGLE


def _bend(name: str, sheet: Any, point: Point) -> Any:  # noqa: ANN401 -- COM
    corner = (point[0] - BEND // 2, point[1] - BEND // 2)
    dot = sheet.Shapes.AddShape(_OVAL, *map(_points, (*corner, BEND, BEND)))
    _name(dot, name, "")
    dot.Fill.ForeColor.RGB = colour_number(ARROW_COLOUR)
    dot.Line.Visible = False
    return dot


def _piece(sheet: Any, line: Piece, *, dashed: bool) -> Any:  # noqa: ANN401 -- COM
    drawn = sheet.Shapes.AddConnector(_STRAIGHT, *(_points(one) for end in line for one in end))
    drawn.Line.ForeColor.RGB = colour_number(ARROW_COLOUR)
    drawn.Line.Weight = ARROW_WIDTH / _EMU_PER_POINT
    if dashed:
        drawn.Line.DashStyle = _DASHED
    return drawn


def _name(shape: Any, name: str, description: str) -> None:  # noqa: ANN401 -- COM
    shape.Name = f"{OWN_NAME}{name}"
    shape.AlternativeText = description
    # The picture stays where it is, whatever becomes of rows and columns.
    shape.Placement = Placement.xlFreeFloating


def _points(pixels: int) -> float:
    return pixels * POINTS_PER_PIXEL
