"""References to cells in formulas: found where they stand, and written as they read elsewhere.

ECMA-376 part 1, 18.17.2.3 says how they are written.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from klarify_xl.limits import EXCEL_COLUMNS, EXCEL_ROWS

_TEXT: Final = r'"(?:[^"]|"")*"'
_IN_BRACKETS: Final = r"\[(?:[^\[\]']|'.|\[(?:[^\[\]']|'.)*\])*\]"
_NAME: Final = r"[^\W\d](?:[\w.]|[^\x00-\x7f])*"
_SHEET: Final = rf"(?:'(?:[^']|'')+'|(?:\[[^\[\]]+\])?{_NAME}(?::{_NAME})?)!"
_CELL: Final = r"(\$?)([A-Z]{1,3})(\$?)([1-9][0-9]{0,6})"
_COLUMN: Final = r"(\$?)([A-Z]{1,3})"
_ROW: Final = r"(\$?)([1-9][0-9]{0,6})"
_REFERENCE: Final = re.compile(
    rf"(?<![\w.$!#\]\\])({_SHEET})?"
    rf"(?:{_CELL}(?::{_CELL})?|{_COLUMN}:{_COLUMN}|{_ROW}:{_ROW})(?![\w.(!\[])"
    rf"|{_TEXT}|{_IN_BRACKETS}",
    re.IGNORECASE,
)

_MAY_REFER: Final = re.compile(r"[A-Za-z]\$?[1-9]|:")
"""What every reference holds: most formulas of tables hold none, and this is found out fast."""

_LETTERS: Final = re.compile("[A-Za-z]{1,3}")
_AREA: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]*)(?::([A-Z]{1,3})([1-9][0-9]*))?")


@cache
def letter_of(number: int) -> str:
    """Return the letters of a column, counted from 1.

    Not by openpyxl, which takes long to load: each refresh looks where its tables are.
    """
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@cache
def number_of(letters: str) -> int:
    """Return the number of a column, from 1.

    Raises:
        ValueError: There is no such column.
    """
    if _LETTERS.fullmatch(letters) is None:
        raise ValueError(letters)
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def boundaries(reference: str) -> tuple[int | None, ...]:
    """Return first column and row, and last column and row, of an area, counted from 1.

    Raises:
        ValueError: It is no area.
    """
    found = _AREA.fullmatch(reference)
    if found is not None:
        left, top, right, bottom = found.groups()
        last = (number_of(right), int(bottom)) if right else (number_of(left), int(top))
        return number_of(left), int(top), *last
    from openpyxl.utils import range_boundaries  # noqa: PLC0415 -- for odd ones only

    return tuple(range_boundaries(reference))


def quoted_sheet(name: str) -> str:
    """Return a sheet's name as formulas write it."""
    escaped = name.replace("'", "''")
    return f"'{escaped}'"


@dataclass(frozen=True, slots=True)
class Corner:
    """A cell, or the end of an area.

    Attributes:
        column: Its column, from 1; 0 if whole rows are meant.
        row: Its row, from 1; 0 if whole columns are meant.
        fixed_column: A dollar sign, if the column stays when the formula is copied, or "".
        fixed_row: The same of the row.
    """

    column: int
    row: int
    fixed_column: str = ""
    fixed_row: str = ""

    def __str__(self) -> str:
        column = f"{self.fixed_column}{letter_of(self.column)}" if self.column else ""
        return column + (f"{self.fixed_row}{self.row}" if self.row else "")

    @property
    def is_on_sheet(self) -> bool:
        """Whether there is such a cell."""
        return 0 <= self.column <= EXCEL_COLUMNS and 0 <= self.row <= EXCEL_ROWS


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a cell or an area.

    Attributes:
        prefix: Its sheet as it is written, with the exclamation mark; "" if there is none.
        first: The cell, or the upper left end.
        last: The lower right end, or None if it is a cell.
    """

    prefix: str
    first: Corner
    last: Corner | None

    def sheet(self, home: str) -> str:
        """Return the name of its sheet; one of another workbook bears that in brackets.

        Args:
            home: The sheet that is meant where none is written.
        """
        return self.prefix[:-1].strip("'").replace("''", "'") if self.prefix else home

    def __str__(self) -> str:
        return f"{self.prefix}{self.first}" + (f":{self.last}" if self.last else "")

    def put(self, corner: Callable[[Corner], Corner]) -> "Reference":
        """Return the reference with its ends put elsewhere."""
        last = None if self.last is None else corner(self.last)
        return replace(self, first=corner(self.first), last=last)

    @property
    def is_on_sheet(self) -> bool:
        """Whether there are such cells."""
        return self.first.is_on_sheet and (self.last is None or self.last.is_on_sheet)


def replaced(formula: str, change: Callable[[Reference], Reference]) -> str:
    """Return a formula with its references changed; texts and names of columns are none.

    Args:
        formula: With or without the equals sign.
        change: Gives what is to stand in the place of a reference.
    """

    def new(found: re.Match[str]) -> str:
        reference = _read(found)
        if reference is None:
            return found[0]
        changed = change(reference)
        if changed == reference:
            return found[0]
        return str(changed) if changed.is_on_sheet else "#REF!"

    return _REFERENCE.sub(new, formula) if _MAY_REFER.search(formula) else formula


def _read(found: re.Match[str]) -> Reference | None:
    prefix, *parts = (part or "" for part in found.groups())
    if parts[1]:
        last = _corner(*parts[4:8]) if parts[5] else None
        reference = Reference(prefix, _corner(*parts[:4]), last)
    elif parts[9]:
        reference = Reference(prefix, _corner(*parts[8:10]), _corner(*parts[10:12]))
    elif parts[13]:
        corners = (_corner("", "", *parts[at : at + 2]) for at in (12, 14))
        reference = Reference(prefix, *corners)
    else:
        return None
    # What is beyond the last column or row is a name, such as ZZZ1.
    return reference if reference.is_on_sheet else None


def _corner(fixed_column: str, column: str, fixed_row: str = "", row: str = "") -> Corner:
    number = number_of(column.upper()) if column else 0
    return Corner(number, int(row or "0"), fixed_column, fixed_row)


def copied(formula: str, rows: int, columns: int) -> str:
    """Return a formula as it reads when it is copied so many rows down and columns right."""

    def corner(one: Corner) -> Corner:
        row = one.row + rows if one.row and not one.fixed_row else one.row
        column = one.column + columns if one.column and not one.fixed_column else one.column
        # Not 0, which stands for a whole row or column.
        return replace(one, row=row or -bool(one.row), column=column or -bool(one.column))

    return replaced(formula, lambda reference: reference.put(corner))


def in_row(formula: str, row: int, to_row: int) -> str:
    """Return a row's formula as it reads in another: what it takes from its own row moves along."""

    def corner(one: Corner) -> Corner:
        return replace(one, row=to_row) if one.row == row and not one.fixed_row else one

    return replaced(formula, lambda one: one if one.prefix else one.put(corner))
