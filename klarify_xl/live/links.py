"""Puts a table's planned links onto its cells, where they aren't already."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from klarify_xl.limits import EXCEL_LINKS_PER_SHEET
from klarify_xl.live.addresses import Box, runs
from klarify_xl.live.cells import CellWriter
from klarify_xl.live.context import Context
from klarify_xl.live.tables import LiveTable
from klarify_xl.live.values import entered
from klarify_xl.plan import Link, Place, bare


class LinkWriter:
    """Writes the links of a table.

    Each takes Excel a call of its own, so only those are written that are new, that lead elsewhere
    now, or whose row was moved.

    Args:
        table: The table, with all that it shows written.
        context: The workbook.
        everything: Whether all links are written, whatever stands there.
    """

    def __init__(self, table: LiveTable, context: Context, *, everything: bool) -> None:
        self._table = table
        self._context = context
        self._everything = everything
        self._cells = CellWriter(table, context)
        # Asked for once: each question to Excel takes its time.
        self._hyperlinks = table.worksheet.Hyperlinks
        self._cell = table.worksheet.Cells
        self._resting = {one.sheet.key for one in context.tables if one.is_where_it_was}

    def write(self) -> None:
        """Write the links that need it, as many as Excel holds beside a person's own."""
        needed = {}
        for index, column in enumerate(self._table.sheet.columns):
            if column.web or any(isinstance(row[index], Link) for row in self._table.sheet.rows):
                numbers = [n for n in self._table.planned_numbers if self._is_needed(index, n)]
                needed[index] = numbers
                for first, last in runs(numbers):
                    # Not Hyperlinks.Delete, which would take the formats with it.
                    self._cells_of(index, first, last).ClearHyperlinks()
        room = EXCEL_LINKS_PER_SHEET - int(self._hyperlinks.Count)
        for index, numbers in needed.items():
            linked = [n for n in numbers if self._is_linked(index, n)][: max(0, room)]
            room -= len(linked)
            for number in linked:
                self._add(index, number)
            self._style(index, linked)

    def _cells_of(self, index: int, first: int, last: int) -> Any:  # noqa: ANN401
        column = self._table.columns[index]
        return self._table.worksheet.Range(Box(first, column, last, column).address)

    def _style(self, index: int, linked: Sequence[int]) -> None:
        """Give linked cells their style back, since Excel has given them one of its own."""
        for first, last in runs(linked):
            for style, group in groupby(
                range(first, last + 1), key=lambda number: self._cells.style(index, number)
            ):
                numbers = list(group)
                self._cells_of(index, numbers[0], numbers[-1]).Style = style

    def _is_needed(self, index: int, number: int) -> bool:
        table = self._table
        line = table.lines[number - table.box.top]
        value = table.planned(number, index)[1]
        if self._everything or number in table.moved or line.old is None:
            return True
        if isinstance(value, Link) and isinstance(value.target, Place):
            is_resting = value.target.sheet in self._resting
        else:
            is_resting = True
        if not is_resting:
            # It is not known which row the link led to.
            return True
        old = table.old.value(line.old.number, table.columns[index])
        # An apostrophe only says that a text is one.
        new = entered(value, self._context.shown, as_text=True)
        return new != (float(old) if isinstance(old, int) else old)

    def _is_linked(self, index: int, number: int) -> bool:
        """Tell whether a cell gets a link: Excel would write the address into an empty one."""
        value = self._table.planned(number, index)[1]
        return isinstance(value, Link) and bare(value) not in {None, ""}

    def _add(self, index: int, number: int) -> None:
        """Put a planned link onto its cell."""
        link = self._table.planned(number, index)[1]
        if not isinstance(link, Link):
            return
        said = {"ScreenTip": link.hint} if link.hint else {}
        if isinstance(link.target, Place):
            said |= {"Address": "", "SubAddress": self._context.location(link.target)}
        else:
            said["Address"] = link.target
        cell = self._cell(number, self._table.columns[index])
        self._hyperlinks.Add(Anchor=cell, **said)
