"""Where the boxes of a network stand on a page: columns that arrows lead through to the right.

A layered layout after Sugiyama, bounded to a page: libraries for it make a layer as wide, and as
many layers, as the network has, which nobody could print. Whole numbers and sums only, so that it
is the same on every machine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

_SWEEPS: Final = 12
_CROSSING: Final = 4
_COVERED_BOX: Final = 6
_BOX_REACH: Final = 0.4
"""Distance from a box's middle within which a line touches it, in rows."""

Arrow = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a box stands; columns and rows count from 0."""

    column: int
    row: int


def lay_out(
    count: int,
    arrows: Sequence[Arrow],
    *,
    columns: int,
    rows: int,
    fixed: Sequence[int] | None = None,
) -> list[Spot]:
    """Return a spot of its own for each box.

    Args:
        count: Number of boxes, at most `columns` times `rows`.
        arrows: Start and end of each arrow, as numbers of different boxes.
        columns: Most columns.
        rows: Most rows.
        fixed: Each box's column, if that is decided.
    """
    chosen = list(fixed) if fixed is not None else _Columns(count, arrows, columns, rows).settle()
    first = min(chosen, default=0)
    return _Rows([column - first for column in chosen], arrows).settle()


class _Columns:
    """Chooses columns such that most arrows lead one column to the right.

    Cycles and long chains need no care of their own: where no place is perfect, the arrows that
    lead too far or back are as few as possible.

    Args:
        count: Number of boxes.
        arrows: Start and end of each arrow.
        columns: Most columns.
        rows: Most boxes in a column.
    """

    def __init__(self, count: int, arrows: Sequence[Arrow], columns: int, rows: int) -> None:
        self._room = rows
        self._load = [0] * columns
        self._placed: dict[int, int] = {}
        self._count = count
        self._links: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for start, end in arrows:
            self._links[start].append((end, 1))
            self._links[end].append((start, -1))

    def settle(self) -> list[int]:
        """Return each box's column."""
        for box in range(self._count):
            # Where its arrows to those before it fit best, and then where there is most room.
            self._put(box, min(self._free(), key=lambda column: self._rank(box, column)))
        for _sweep in range(_SWEEPS):
            moved = sum(self._move(box) for box in range(self._count))
            swapped = sum(self._swap(*pair) for pair in combinations(range(self._count), 2))
            if moved + swapped == 0:
                break
        return [self._placed[box] for box in range(self._count)]

    def _free(self) -> list[int]:
        return [column for column, load in enumerate(self._load) if load < self._room]

    def _put(self, box: int, column: int) -> None:
        if box in self._placed:
            self._load[self._placed[box]] -= 1
        self._placed[box] = column
        self._load[column] += 1

    def _rank(self, box: int, column: int) -> tuple[int, int, int]:
        middle = len(self._load) // 2
        return self._strain(box, column), self._load[column], abs(column - middle)

    def _strain(self, box: int, column: int) -> int:
        return sum(
            _strain(sign * (self._placed[other] - column))
            for other, sign in self._links[box]
            if other in self._placed
        )

    def _move(self, box: int) -> bool:
        """Move a box to another column if that is better."""
        best = min(self._free(), key=lambda column: self._rank(box, column), default=None)
        if best is None or self._strain(box, best) >= self._strain(box, self._placed[box]):
            return False
        self._put(box, best)
        return True

    def _swap(self, one: int, other: int) -> bool:
        """Let two boxes change columns if that is better."""
        column, column_too = self._placed[one], self._placed[other]
        if column == column_too:
            return False
        before = self._strain(one, column) + self._strain(other, column_too)
        self._put(one, column_too)
        self._put(other, column)
        if self._strain(one, column_too) + self._strain(other, column) < before:
            return True
        self._put(one, column)
        self._put(other, column_too)
        return False


def _strain(span: int) -> int:
    """Return how badly an arrow reads that leads so many columns to the right."""
    if span > 0:
        return 4 * (span - 1)
    return 5 if span == 0 else 3 - 4 * (span + 1)


class _Rows:
    """Chooses rows for boxes in given columns: short arrows, few crossings, none over a box.

    Args:
        columns: Each box's column, from 0.
        arrows: Start and end of each arrow.
    """

    def __init__(self, columns: Sequence[int], arrows: Sequence[Arrow]) -> None:
        self._columns = columns
        self._arrows = arrows
        self._boxes: list[list[int]] = [[] for _ in range(max(columns, default=0) + 1)]
        for box, column in enumerate(columns):
            self._boxes[column].append(box)
        self._room = max(map(len, self._boxes), default=0)
        self._links: list[list[int]] = [[] for _ in columns]
        for start, end in arrows:
            self._links[start].append(end)
            self._links[end].append(start)
        self._rows = [0] * len(columns)
        self._rivals = {
            one: [other for other in arrows if self._meet(one, other)] for one in arrows
        }

    def _meet(self, one: Arrow, other: Arrow) -> bool:
        """Tell whether two arrows may cross, depending on their rows."""
        (left, right), (left_too, right_too) = (
            sorted(self._columns[box] for box in arrow) for arrow in (one, other)
        )
        return not {*one} & {*other} and left < right_too and left_too < right

    def settle(self) -> list[Spot]:
        """Return where each box stands."""
        for boxes in self._boxes:
            self._place(boxes, lambda _box: (self._room - 1) / 2)
        best, least = list(self._rows), self._cost(self._arrows)
        for sweep in range(_SWEEPS):
            for boxes in self._boxes if sweep % 2 == 0 else reversed(self._boxes):
                self._place(boxes, self._middle)
            cost = self._cost(self._arrows)
            if cost < least:
                best, least = list(self._rows), cost
        self._rows = best
        self._exchange()
        return [Spot(c, r) for c, r in zip(self._columns, self._rows, strict=True)]

    def _middle(self, box: int) -> float:
        """Return the mean row of those that a box is linked to in other columns."""
        linked = [
            self._rows[other]
            for other in self._links[box]
            if self._columns[other] != self._columns[box]
        ]
        return sum(linked) / len(linked) if linked else float(self._rows[box])

    def _place(self, boxes: list[int], wish: Callable[[int], float]) -> None:
        """Put a column's boxes in the order of the rows wished for, as near to them as possible."""
        wishes = sorted((wish(box), self._rows[box], box) for box in boxes)
        # The least total distance for the first boxes within the first rows, and whether the
        # last of these boxes takes the last of these rows.
        least = [[(0.0, False)] * (self._room + 1)]
        for number, (wished, _row, _box) in enumerate(wishes, start=1):
            line = [(float("inf"), False)] * (self._room + 1)
            for rows in range(number, self._room + 1):
                taken = least[-1][rows - 1][0] + abs(rows - 1 - wished)
                line[rows] = (
                    (taken, True) if taken < line[rows - 1][0] else (line[rows - 1][0], False)
                )
            least.append(line)
        rows = self._room
        for number in range(len(wishes), 0, -1):
            while not least[number][rows][1]:
                rows -= 1
            rows -= 1
            self._rows[wishes[number - 1][2]] = rows

    def _exchange(self) -> None:
        """Let boxes change places within their columns as long as that is better."""
        for _sweep in range(_SWEEPS):
            if sum(self._improve(boxes) for boxes in self._boxes) == 0:
                return

    def _improve(self, boxes: list[int]) -> bool:
        improved = False
        holders: dict[int, int | None] = dict.fromkeys(range(self._room))
        holders |= {self._rows[box]: box for box in boxes}
        for one, other in combinations(range(self._room), 2):
            pair = [box for box in (holders[one], holders[other]) if box is not None]
            concerned = [arrow for arrow in self._arrows if arrow[0] in pair or arrow[1] in pair]
            if not concerned:
                continue
            before = self._cost(concerned) + self._covered()
            self._swap(pair, one, other)
            if self._cost(concerned) + self._covered() < before:
                holders[one], holders[other] = holders[other], holders[one]
                improved = True
            else:
                self._swap(pair, one, other)
        return improved

    def _swap(self, pair: list[int], one: int, other: int) -> None:
        for box in pair:
            self._rows[box] = other if self._rows[box] == one else one

    def _cost(self, arrows: Sequence[Arrow]) -> int:
        """Return how long some arrows are, and how often they cross any."""
        counted = set(arrows)
        crossings = sum(
            self._cross(one, other)
            for one in counted
            for other in self._rivals[one]
            if other not in counted or one < other
        )
        return _CROSSING * crossings + sum(self._length(arrow) for arrow in counted)

    def _length(self, arrow: Arrow) -> int:
        return abs(self._rows[arrow[0]] - self._rows[arrow[1]])

    def _cross(self, one: Arrow, other: Arrow) -> bool:
        a, b, c, d = ((self._columns[box], self._rows[box]) for box in (*one, *other))
        return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0

    def _covered(self) -> int:
        """Return the cost of the boxes that straight arrows would lead over."""
        return _COVERED_BOX * sum(
            self._covered_by(start, end)
            for start, end in self._arrows
            if abs(self._columns[start] - self._columns[end]) != 1
        )

    def _covered_by(self, start: int, end: int) -> int:
        (left, top), (right, bottom) = sorted(
            (self._columns[box], self._rows[box]) for box in (start, end)
        )
        if left == right:
            return sum(top < self._rows[box] < bottom for box in self._boxes[left])
        return sum(
            abs(self._rows[box] - top - (bottom - top) * (column - left) / (right - left))
            < _BOX_REACH
            for column in range(left + 1, right)
            for box in self._boxes[column]
        )


def _side(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    """Return on which side of the line from `a` to `b` a point lies, as the sign."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
