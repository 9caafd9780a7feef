"""Where the cells of a refreshed table have gone, and references that follow them there."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from klarify_xl.headless.cells import split_address
from klarify_xl.headless.references import Corner, Reference, letter_of, number_of, replaced
from klarify_xl.limits import EXCEL_COLUMNS, EXCEL_ROWS

_RANGE: Final = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]+)(?::\$?([A-Z]{1,3})\$?([0-9]+))?")


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
        under: First and last column of the cells under the table that moved down.
    """

    sheet: str
    old: Region
    new: Region
    rows: Mapping[int, int] = field(default_factory=dict)
    below: int = 0
    reach: int = 0
    under: tuple[int, int] = (0, 0)

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
        if old.first <= row <= old.last and old.left <= column <= self.right:
            new_row = self.rows.get(row)
            return None if new_row is None else (new_row, column)
        return self._after(row, column), column

    def is_under(self, column: int) -> bool:
        """Tell whether cells of a column that stand under the table move down with it."""
        return self.under[0] <= column <= self.under[1]

    def _after(self, row: int, column: int) -> int:
        """Return the row of a cell that is in none of the data rows."""
        old = self.old
        if old.totals and row == old.bottom and old.left <= column <= self.right:
            return self.new.bottom
        return row + self.below if row > old.bottom and self.is_under(column) else row

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
        if bottom < old.first:
            return [reference]
        if top > old.last:
            start = self._after(top, left)
            return [_area_text(left, start, right, max(start, self._after(bottom, left)))]
        if right < old.left or left > self.right:
            return [reference]
        if top <= old.first and bottom >= old.last:
            end = max(new.last, self._after(bottom, old.left)) if bottom > old.last else new.last
            return [_area_text(left, top, right, min(end, EXCEL_ROWS))]
        inside = range(max(top, old.first), min(bottom, old.last) + 1)
        rows = sorted(self.rows[row] for row in inside if row in self.rows)
        rows = sorted({*rows, *range(top, min(bottom + 1, old.first))})
        rows += [self._after(row, old.left) for row in range(old.last + 1, bottom + 1)]
        return [_area_text(left, first, right, last) for first, last in runs(rows)]

    def formula(
        self, formula: str, home: str = "", here: int = 0, there: int = 0, *, grows: bool = True
    ) -> str:
        """Return a formula whose references follow the cells that they are about.

        References to whole columns of the table cover it as it is now, and those to cells under
        it move down with them. Those of a row to itself and its neighbours move along with the
        row. All others are to cells that stay where they are.

        Args:
            formula: With or without the equals sign.
            home: Name of the sheet that references without a name mean.
            here: Row in which the formula stood, if it is one of the table's data rows.
            there: Its row now.
            grows: Whether references to whole columns are to grow.
        """
        sheet, old = self.sheet.casefold(), self.old
        if not old.first <= here <= old.last:
            here = 0

        def corner(one: Corner) -> Corner:
            near = old.first <= one.row <= old.last or one.row == here - 1
            within = not one.column or old.left <= one.column <= self.right
            if here and near and within:
                row = one.row if one.fixed_row else one.row + there - here
                return one if row < old.top else replace(one, row=row)
            return replace(one, row=self._after(one.row, one.column)) if one.row else one

        def moved(reference: Reference) -> Reference:
            if reference.sheet(home).casefold() != sheet:
                return reference
            if self._is_whole(reference, here):
                return self._grown(reference) if grows else reference
            return reference.put(corner)

        return replaced(formula, moved)

    def _is_whole(self, reference: Reference, here: int) -> bool:
        """Tell whether a reference is to all rows of columns of the table."""
        first, last, old = reference.first, reference.last, self.old
        if last is None or (first.fixed_row and last.row == here and not last.fixed_row):
            # The second is what a sum up to each row reads like in the last one.
            return False
        return (
            first.row in {old.top, old.first}
            and last.row in {old.last, old.bottom}
            and old.left <= first.column <= last.column <= self.right
        )

    def _grown(self, reference: Reference) -> Reference:
        last = reference.last
        if last is None:
            return reference
        row = self.new.last if last.row == self.old.last else self.new.bottom
        return replace(reference, last=replace(last, row=row))

    def followed(self, formula: str, references: str) -> str:
        """Return a rule's formula, relative to its first cell, as it reads at the new one.

        Args:
            formula: The formula of a conditional format or validation.
            references: The cells that it is for, as they were.
        """
        new = self.areas(references)
        if not new:
            return formula
        here, there = _top(references), _top(new)
        if here is None or there is None:
            return self.formula(formula, self.sheet)
        return self.formula(formula, self.sheet, here, there)


def _top(references: str) -> int | None:
    """Return the first row of references: what relative formulas in a rule are about."""
    addresses = [one.replace("$", "").split(":")[0] for one in references.split()]
    try:
        return min(split_address(address)[0] for address in addresses)
    except ValueError:
        return None


def _area_text(left: int, top: int, right: int, bottom: int) -> str:
    first = f"{letter_of(left)}{top}"
    if (left, top) == (right, bottom):
        return first
    return f"{first}:{letter_of(min(right, EXCEL_COLUMNS))}{bottom}"


def runs(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and last of rows that follow each other."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and runs[-1][1] == row - 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
