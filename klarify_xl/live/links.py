"""Puts a table's planned links onto its cells, where they aren't already."""

from itertools import groupby
from typing import Any

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
        self._resting = {one.sheet.key for one in context.tables if one.is_where_it_was}

    def write(self) -> None:
        """Write the links that need it."""
        for index, column in enumerate(self._table.sheet.columns):
            is_linked = any(isinstance(row[index], Link) for row in self._table.sheet.rows)
            if is_linked or column.web:
                self._write_column(index)

    def _write_column(self, index: int) -> None:
        table = self._table
        column = table.columns[index]
        needed = [n for n in table.planned_numbers if self._is_needed(index, n)]
        for first, last in runs(needed):
            cells = table.worksheet.Range(Box(first, column, last, column).address)
            # Not Hyperlinks.Delete, which would take the formats with it.
            cells.ClearHyperlinks()
        linked = [n for n in needed if self._add(index, n)]
        # Excel has given them a style of its own.
        for first, last in runs(linked):
            for style, group in groupby(
                range(first, last + 1), key=lambda number: self._cells.style(index, number)
            ):
                numbers = list(group)
                box = Box(numbers[0], column, numbers[-1], column)
                table.worksheet.Range(box.address).Style = style

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

    def _add(self, index: int, number: int) -> bool:
        """Put a planned link onto its cell, and tell whether there is one."""
        value = self._table.planned(number, index)[1]
        # Excel would write the address into an empty cell.
        if not isinstance(value, Link) or bare(value) in {None, ""}:
            return False
        worksheet = self._table.worksheet
        add_link(
            worksheet, worksheet.Cells(number, self._table.columns[index]), value, self._context
        )
        return True


def add_link(worksheet: Any, anchor: Any, link: Link, context: Context) -> None:  # noqa: ANN401
    """Let a cell or a shape lead somewhere.

    Args:
        worksheet: Its sheet, as Excel's object model has it.
        anchor: The cell, with its text in it, or the shape.
        link: Where it leads.
        context: The workbook.
    """
    said = {"ScreenTip": link.hint} if link.hint else {}
    if isinstance(link.target, Place):
        said |= {"Address": "", "SubAddress": context.location(link.target)}
    else:
        said["Address"] = link.target
    worksheet.Hyperlinks.Add(Anchor=anchor, **said)
