"""Where the cells of a refreshed table have gone, and references that follow them there."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from klarify_xl.headless.cells import letter_of, moved_formula, number_of, split_address
from klarify_xl.limits import EXCEL_COLUMNS, EXCEL_ROWS

_RANGE: Final = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]+)(?::\$?([A-Z]{1,3})\$?([0-9]+))?")
_QUALIFIED: Final = re.compile(
    r"((?:'(?:[^']|'')+'|[A-Za-z_\u0080-\uffff][\w.\u0080-\uffff]*)!)?"
    r"(\$?)([A-Z]{1,3})(\$?)([0-9]+):(\$?)([A-Z]{1,3})(\$?)([0-9]+)(?![\w(])"
)
_QUOTED: Final = re.compile(r'("(?:[^"]|"")*")')


@dataclass(frozen=True)
class Region:
    """The cells of a table, counted from 1, first and last ones included.

    Attributes:
        left: First column.
        right: Last column.
        header: Row of the header, or 0 if the table shows none.
        first: First data row.
        last: Last data row.
        totals: Whether a totals row follows.
    """

    left: int
    right: int
    header: int
    first: int
    last: int
    totals: bool = False

    @property
    def top(self) -> int:
        """First row."""
        return self.header or self.first

    @property
    def bottom(self) -> int:
        """Last row."""
        return self.last + self.totals

    @property
    def ref(self) -> str:
        """The whole table as a reference."""
        return f"{letter_of(self.left)}{self.top}:{letter_of(self.right)}{self.bottom}"

    @property
    def filtered(self) -> str:
        """Header and data as a reference."""
        return f"{letter_of(self.left)}{self.top}:{letter_of(self.right)}{self.last}"


@dataclass(frozen=True)
class Moves:
    """How the cells of a sheet moved when its table was refreshed.

    Attributes:
        sheet: Name of the sheet.
        old: Where the table was.
        new: Where it is.
        rows: New rows of the old data rows that are still there.
        below: How far cells under the table moved down.
        reach: Last column whose cells move with the rows; 0 for the table's own.
    """

    sheet: str
    old: Region
    new: Region
    rows: Mapping[int, int] = field(default_factory=dict)
    below: int = 0
    reach: int = 0

    @property
    def right(self) -> int:
        """Last column whose cells move with the rows."""
        return max(self.old.right, self.reach)

    @property
    def any(self) -> bool:
        """Whether anything moved, grew or vanished."""
        old = self.old
        return (
            old != self.new
            or bool(self.below)
            or any(self.rows.get(row) != row for row in range(old.first, old.last + 1))
        )

    def place(self, row: int, column: int) -> tuple[int, int] | None:
        """Return where a cell is now, or None if its row has vanished."""
        old = self.old
        if not old.left <= column <= self.right or row < old.first:
            return row, column
        if row <= old.last:
            new_row = self.rows.get(row)
            return None if new_row is None else (new_row, column)
        if row == old.bottom and old.totals:
            return self.new.bottom, column
        return row + self.below, column

    def areas(self, references: str) -> str:
        """Return references, separated by blanks, as they read now; "" if nothing is left."""
        return " ".join(new for reference in references.split() for new in self._area(reference))

    def _area(self, reference: str) -> Iterable[str]:
        found = _RANGE.fullmatch(reference)
        if found is None:
            return [reference]
        left, top = number_of(found[1]), int(found[2])
        right = number_of(found[3]) if found[3] else left
        bottom = int(found[4]) if found[4] else top
        old, new = self.old, self.new
        if right < old.left or left > self.right or bottom < old.first:
            return [reference]
        if top > old.last:
            return [_area_text(left, top + self.below, right, bottom + self.below)]
        if top <= old.first and bottom >= old.last:
            grown = bottom if bottom >= EXCEL_ROWS else new.last + bottom - old.last
            return [_area_text(left, top, right, min(grown, EXCEL_ROWS))]
        inside = range(max(top, old.first), min(bottom, old.last) + 1)
        rows = sorted(self.rows[row] for row in inside if row in self.rows)
        rows = sorted({*rows, *range(top, min(bottom + 1, old.first))})
        rows += [row + self.below for row in range(old.last + 1, bottom + 1)]
        return [_area_text(left, first, right, last) for first, last in _runs(rows)]

    def grown(self, formula: str, home: str = "") -> str:
        """Return a formula whose references to whole columns of the table cover it as it is now.

        Args:
            formula: With or without the equals sign.
            home: Name of the sheet that references without a name mean.
        """
        if self.old.last == self.new.last or ":" not in formula:
            return formula
        pieces = _QUOTED.split(formula)
        pieces[::2] = (
            _QUALIFIED.sub(lambda found: self._grown(found, home), piece) for piece in pieces[::2]
        )
        return "".join(pieces)

    def _grown(self, found: re.Match[str], home: str) -> str:
        sheet, old = found[1], self.old
        name = sheet[:-1].strip("'").replace("''", "'") if sheet else home
        first, last = int(found[5]), int(found[9])
        within = old.left <= number_of(found[3]) <= number_of(found[7]) <= self.right
        if (
            name.casefold() != self.sheet.casefold()
            or not within
            or first not in {old.top, old.first}
            or last not in {old.last, old.bottom}
        ):
            return found[0]
        new_last = self.new.last if last == old.last else self.new.bottom
        return (
            f"{sheet or ''}{found[2]}{found[3]}{found[4]}{first}"
            f":{found[6]}{found[7]}{found[8]}{new_last}"
        )

    def followed(self, formula: str, references: str) -> str:
        """Return a rule's formula, relative to its first cell, as it reads at the new one.

        Args:
            formula: The formula of a conditional format or validation.
            references: The cells that it is for, as they were.
        """
        new = self.areas(references)
        if not new:
            return formula
        here, there = _corner(references), _corner(new)
        if here is None or there is None or here == there:
            return self.grown(formula, self.sheet)
        return moved_formula(formula, *here, *there)


def _corner(references: str) -> tuple[int, int] | None:
    """Return the upper left cell of references: what relative formulas in a rule are about."""
    places = []
    for reference in references.split():
        address = reference.replace("$", "").split(":")[0]
        try:
            places.append(split_address(address))
        except ValueError:
            return None
    return (min(row for row, _ in places), min(column for _, column in places))


def _area_text(left: int, top: int, right: int, bottom: int) -> str:
    first = f"{letter_of(left)}{top}"
    if (left, top) == (right, bottom):
        return first
    return f"{first}:{letter_of(min(right, EXCEL_COLUMNS))}{bottom}"


def _runs(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and last of rows that follow each other."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and runs[-1][1] == row - 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
