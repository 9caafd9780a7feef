"""Which way an arrow takes from one box to another: straight if it can, else around the boxes.

Only straight pieces are used: LibreOffice draws the bent connectors of DrawingML without regard
to where they should bend, so that they would lead over boxes there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from klarify_xl.plan import Shape

Point = tuple[int, int]
Piece = tuple[Point, Point]

# Connection sites of a rectangle, round or not (ECMA-376 part 1, 20.1.9.1, presetShapeDefinitions).
TOP: Final = 0
LEFT: Final = 1
BOTTOM: Final = 2
RIGHT: Final = 3

_CLEARANCE: Final = 3
"""Pixels that an arrow keeps from boxes that it isn't about."""
_LANES: Final = (13, 8, 18)
"""Pixels above and below boxes at which arrows run past them."""
_BENDS: Final = (84, 72, 60, 48, 36, 24)
"""Pixels beside a box at which arrows bend that run past others."""
_BOWS: Final = (24, 36, 48, 60, 72)
"""Pixels beside a box to which arrows bow that lead past others to the same side."""


@dataclass(frozen=True)
class Route:
    """The way of an arrow.

    Attributes:
        start_site: Connection site at the box where it starts.
        end_site: Connection site at the box where it ends.
        points: Its start, its bends and its end, in pixels.
    """

    start_site: int
    end_site: int
    points: tuple[Point, ...]

    @property
    def pieces(self) -> list[Piece]:
        """The straight lines that it consists of."""
        return list(pairwise(self.points))

    @property
    def length(self) -> int:
        """A measure of its length."""
        return sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in self.pieces)


def routes(shapes: Sequence[Shape], pairs: Sequence[tuple[int, int]]) -> list[Route]:
    """Return the way of each arrow.

    An arrow goes straight between the sides that face each other. Where it would lead over
    another box, or along another arrow, it bends around if there is a way.

    Args:
        shapes: The boxes.
        pairs: The numbers of the boxes where each arrow starts and ends.
    """
    found: list[Route] = []
    taken: list[Piece] = []
    for start, end in pairs:
        others = [shape for number, shape in enumerate(shapes) if number not in {start, end}]
        way = _best(shapes[start], shapes[end], others, taken)
        found.append(way)
        taken += way.pieces
    return found


def _best(start: Shape, end: Shape, others: Sequence[Shape], taken: Sequence[Piece]) -> Route:
    straight = _straight(start, end)
    if not _touches(straight, others) and not _runs_along(straight, taken):
        return straight
    ways = sorted(_detours(start, end, others), key=lambda way: way.length)
    past_boxes = [way for way in (straight, *ways) if not _touches(way, others)]
    alone = (way for way in past_boxes if not _runs_along(way, taken))
    return next(alone, past_boxes[0] if past_boxes else straight)


def _straight(start: Shape, end: Shape) -> Route:
    start_site, end_site = _facing(start, end)
    return Route(start_site, end_site, (site(start, start_site), site(end, end_site)))


def _facing(start: Shape, end: Shape) -> tuple[int, int]:
    """Return the sites of the sides at which two boxes face each other."""
    if start.x + start.width <= end.x:
        return RIGHT, LEFT
    if end.x + end.width <= start.x:
        return LEFT, RIGHT
    return (BOTTOM, TOP) if start.y <= end.y else (TOP, BOTTOM)


def _detours(start: Shape, end: Shape, others: Sequence[Shape]) -> Iterator[Route]:
    """Yield ways with one bend between boxes in a column, with two between others."""
    start_site, end_site = _facing(start, end)
    if start_site in {TOP, BOTTOM}:
        for bow in _BOWS:
            yield _bow(start, end, RIGHT, bow)
            yield _bow(start, end, LEFT, bow)
        return
    first, last = site(start, start_site), site(end, end_site)
    ahead = 1 if start_site == RIGHT else -1
    lanes = sorted(
        {y for box in others for lane in _LANES for y in (box.y - lane, box.y + box.height + lane)}
    )
    for bend in _BENDS:
        out, back = first[0] + ahead * bend, last[0] - ahead * bend
        if (back - out) * ahead > 0:
            for lane in lanes:
                yield Route(start_site, end_site, (first, (out, lane), (back, lane), last))


def _bow(start: Shape, end: Shape, side: int, bow: int) -> Route:
    first, last = site(start, side), site(end, side)
    x = max(first[0], last[0]) + bow if side == RIGHT else min(first[0], last[0]) - bow
    return Route(side, side, (first, (x, (first[1] + last[1]) // 2), last))


def site(shape: Shape, number: int) -> Point:
    """Return where a connection site of a box is."""
    x, y = shape.x + shape.width // 2, shape.y + shape.height // 2
    return {
        TOP: (x, shape.y),
        LEFT: (shape.x, y),
        BOTTOM: (x, shape.y + shape.height),
        RIGHT: (shape.x + shape.width, y),
    }[number]


def _touches(way: Route, boxes: Sequence[Shape]) -> bool:
    return any(crosses(piece, box) for piece in way.pieces for box in boxes)


def crosses(piece: Piece, box: Shape) -> bool:
    """Tell whether a straight line touches a box or comes very near to it."""
    (x, y), (end_x, end_y) = piece
    # Most boxes are far off.
    left, right = box.x - _CLEARANCE, box.x + box.width + _CLEARANCE
    top, bottom = box.y - _CLEARANCE, box.y + box.height + _CLEARANCE
    if (x <= left and end_x <= left) or (x >= right and end_x >= right):
        return False
    if (y <= top and end_y <= top) or (y >= bottom and end_y >= bottom):
        return False
    first, last = 0.0, 1.0
    for low, size, begin, change in (
        (left, right - left, x, end_x - x),
        (top, bottom - top, y, end_y - y),
    ):
        if change == 0:
            if not low < begin < low + size:
                return False
            continue
        enter, leave = sorted(((low - begin) / change, (low + size - begin) / change))
        first, last = max(first, enter), min(last, leave)
    return first < last


def _runs_along(way: Route, taken: Sequence[Piece]) -> bool:
    return any(_run_together(piece, other) for piece in way.pieces for other in taken)


def _run_together(one: Piece, other: Piece) -> bool:
    """Tell whether two lines lie on top of each other for more than a point."""
    a, b = one
    along = b[0] - a[0], b[1] - a[1]
    if any(along[0] * (p[1] - a[1]) != along[1] * (p[0] - a[0]) for p in other):
        return False
    axis = 0 if along[0] else 1
    low, high = sorted((a[axis], b[axis]))
    low_too, high_too = sorted(point[axis] for point in other)
    return min(high, high_too) > max(low, low_too)
