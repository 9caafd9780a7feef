"""Rectangles of cells and their addresses."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

LAST_ROW: Final = 1_048_576
LAST_COLUMN: Final = 16_384


@lru_cache(maxsize=20_000)
def letters(column: int) -> str:
    """Return a column's letters."""
    found = ""
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found


@lru_cache(maxsize=20_000)
def column_of(text: str) -> int:
    """Return the number of a column from its letters."""
    number = 0
    for letter in text.upper():
        number = number * 26 + ord(letter) - 64
    return number


class Rect(NamedTuple):
    """A rectangle of cells, rows and columns from 1 and including the last."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top + 1

    @property
    def width(self) -> int:
        return self.right - self.left + 1

    @property
    def area(self) -> int:
        return self.height * self.width

    @property
    def is_rows(self) -> bool:
        return self.left == 1 and self.right == LAST_COLUMN

    @property
    def is_columns(self) -> bool:
        return self.top == 1 and self.bottom == LAST_ROW

    def has(self, row: int, column: int) -> bool:
        return self.top <= row <= self.bottom and self.left <= column <= self.right

    def covers(self, other: "Rect") -> bool:
        return self.has(other.top, other.left) and self.has(other.bottom, other.right)

    def meets(self, other: "Rect") -> bool:
        return self.common(other) is not None

    def common(self, other: "Rect") -> "Rect | None":
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return Rect(top, left, bottom, right) if top <= bottom and left <= right else None

    def moved(self, rows: int, columns: int) -> "Rect":
        return Rect(self.top + rows, self.left + columns, self.bottom + rows, self.right + columns)

    def cells(self) -> Iterator[tuple[int, int]]:
        return (
            (row, column)
            for row in range(self.top, self.bottom + 1)
            for column in range(self.left, self.right + 1)
        )

    @property
    def fits(self) -> bool:
        return (
            self.top >= 1
            and self.left >= 1
            and self.bottom <= LAST_ROW
            and (self.right <= LAST_COLUMN)
        )

    def address(self, *, rows: bool = True, columns: bool = True) -> str:
        """Return the address, with absolute rows and columns or not."""
        row, column = "$" * rows, "$" * columns
        if self.is_columns and self.height > 1:
            return f"{column}{letters(self.left)}:{column}{letters(self.right)}"
        if self.is_rows:
            return f"{row}{self.top}:{row}{self.bottom}"
        first = f"{column}{letters(self.left)}{row}{self.top}"
        if self.area == 1:
            return first
        return f"{first}:{column}{letters(self.right)}{row}{self.bottom}"


_CELL = r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})"
_CELLS = re.compile(rf"{_CELL}(?::{_CELL})?")
_COLUMNS = re.compile(r"\$?([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})")
_ROWS = re.compile(r"\$?([0-9]{1,7}):\$?([0-9]{1,7})")


def parsed(text: str) -> Rect | None:
    """Return the rectangle of an address without a sheet, or None if it is none."""
    text = text.strip()
    if found := _CELLS.fullmatch(text):
        first, row, last, end = found.groups()
        corners = (int(row), column_of(first))
        others = (int(end), column_of(last)) if last else corners
    elif found := _COLUMNS.fullmatch(text):
        corners = (1, column_of(found[1]))
        others = (LAST_ROW, column_of(found[2]))
    elif found := _ROWS.fullmatch(text):
        corners, others = (int(found[1]), 1), (int(found[2]), LAST_COLUMN)
    else:
        return None
    rect = Rect(
        min(corners[0], others[0]),
        min(corners[1], others[1]),
        max(corners[0], others[0]),
        max(corners[1], others[1]),
    )
    return rect if rect.fits else None
