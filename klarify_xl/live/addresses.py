"""Addresses of cells and rows, as Excel's object model takes them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from klarify_xl.headless.references import letter_of


@dataclass(frozen=True)
class Box:
    """A rectangle of cells; rows and columns count from 1, the last ones included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.bottom - self.top + 1

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return self.right - self.left + 1

    @property
    def address(self) -> str:
        """Its address, such as ``A2:C9``."""
        return f"{letter_of(self.left)}{self.top}:{letter_of(self.right)}{self.bottom}"

    def column(self, column: int) -> "Box":
        """Return the part of it in one column."""
        return Box(self.top, column, self.bottom, column)


def box_of(cells: object) -> Box:
    """Return where a range of Excel's object model is, of which only the first area counts."""
    row, column = int(cells.Row), int(cells.Column)  # type: ignore[attr-defined]
    rows, columns = int(cells.Rows.Count), int(cells.Columns.Count)  # type: ignore[attr-defined]
    return Box(row, column, row + rows - 1, column + columns - 1)


def runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each unbroken run of ascending numbers."""
    first = last = None
    for number in numbers:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last
