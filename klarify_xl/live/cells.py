"""Writes the planned cells of a table's rows: formats first, then values in blocks."""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final

from klarify_xl.headless.styles import CellKind, cell_kind, is_long
from klarify_xl.limits import EXCEL_CELL_CHARACTERS
from klarify_xl.live.addresses import Box, runs
from klarify_xl.live.context import Context
from klarify_xl.live.styles import is_ours, looks, style_runs
from klarify_xl.live.tables import LiveTable
from klarify_xl.live.values import GENERAL_FORMAT, LONGEST_IN_BLOCK, TEXT_FORMAT, entered, is_read
from klarify_xl.plan import Cell, Formula, Link, bare

_BLOCK_ROWS: Final = 5000
"""Rows that are handed to Excel at once."""


class CellWriter:
    """Writes the planned cells of a table.

    Args:
        table: The table, with its rows in place.
        context: The workbook.
    """

    def __init__(self, table: LiveTable, context: Context) -> None:
        self._table = table
        self._context = context
        self._neutral = context.styles.neutral

    def write(self, on_rows: Callable[[int], None]) -> None:
        """Write all planned cells; rows of a person's stay as they are.

        Args:
            on_rows: Told how many rows were written.
        """
        for first, last in runs(self._table.planned_numbers):
            for index in range(len(self._table.columns)):
                self._format(index, first, last)
            for start in range(first, last + 1, _BLOCK_ROWS):
                end = min(last, start + _BLOCK_ROWS - 1)
                self._write_rows(start, end)
                on_rows(end - start + 1)

    def style(self, index: int, number: int) -> str:
        """Return the style that a planned cell is to have.

        Args:
            index: Its column in the plan, from 0.
            number: Its row of the sheet.
        """
        planned, value = self._table.planned(number, index)
        shown = bare(value)
        return self._context.styles.cell(
            self._kind(index, value),
            isinstance(value, Link),
            (planned, index) in self._table.sheet.marked,
            isinstance(shown, str) and is_long(shown),
        )

    def _number_format(self, index: int, number: int) -> str:
        """Return the number format with which a planned cell's value is entered as it is."""
        value = self._table.planned(number, index)[1]
        shown, kind = bare(value), self._kind(index, value)
        if kind not in {"text", "formula"}:
            return self._context.styles.number_format(kind)
        if shown is None:
            return TEXT_FORMAT
        if not isinstance(shown, str):
            return GENERAL_FORMAT
        # There is no room for an apostrophe before the longest of all.
        is_full = len(shown) >= EXCEL_CELL_CHARACTERS and is_read(shown)
        return TEXT_FORMAT if is_full or not is_long(shown) else GENERAL_FORMAT

    def _kind(self, index: int, value: Cell) -> CellKind:
        # A table holds formulas as texts only: those of a person's that are kept in the archive.
        if isinstance(value, Formula):
            return "formula"
        return cell_kind(self._table.sheet.columns[index].kind, bare(value))

    def _format(self, index: int, first: int, last: int) -> None:
        """Give the cells of a column their styles and number formats.

        A person's own styles and other formats stay; but where a text is to come, the format is
        that of texts, in which Excel reads no formulas.
        """
        column = self._table.columns[index]
        for box, name in style_runs(self._table.worksheet, Box(first, column, last, column)):
            if is_ours(name) or name in self._neutral:
                for start, end, style in _equal(box.top, box.bottom, index, self.style):
                    if style != name:
                        self._restyle(index, (start, end), name, style)
        for start, end, wanted in _equal(first, last, index, self._number_format):
            if wanted in {TEXT_FORMAT, GENERAL_FORMAT}:
                self._cells(index, start, end).NumberFormat = wanted
            else:
                self._untext(index, (start, end), wanted)

    def _untext(self, index: int, rows: tuple[int, int], wanted: str) -> None:
        """Give cells for numbers another format where they have that of texts."""
        first, last = rows
        cells = self._cells(index, first, last)
        present = cells.NumberFormat
        if present == TEXT_FORMAT:
            cells.NumberFormat = wanted
        elif present is None and last > first:
            middle = (first + last) // 2
            self._untext(index, (first, middle), wanted)
            self._untext(index, (middle + 1, last), wanted)

    def _restyle(self, index: int, rows: tuple[int, int], present: str, wanted: str) -> None:
        """Give cells another style, but for those that a person has formatted."""
        first, last = rows
        cells = self._cells(index, first, last)
        is_new = all(
            self._table.lines[number - self._table.box.top].old is None
            for number in range(first, last + 1)
        )
        if is_new or looks(cells) == self._context.styles.looks(present):
            cells.Style = wanted
        elif last > first:
            middle = (first + last) // 2
            self._restyle(index, (first, middle), present, wanted)
            self._restyle(index, (middle + 1, last), present, wanted)

    def _cells(self, index: int, first: int, last: int) -> Any:  # noqa: ANN401
        column = self._table.columns[index]
        return self._table.worksheet.Range(Box(first, column, last, column).address)

    def _write_rows(self, first: int, last: int) -> None:
        """Write the values of some rows, the columns that stand side by side at once."""
        by_column = {column: index for index, column in enumerate(self._table.columns)}
        for left, right in runs(sorted(by_column)):
            indexes = [by_column[column] for column in range(left, right + 1)]
            block = [
                [self._entered(index, number) for index in indexes]
                for number in range(first, last + 1)
            ]
            singly = []
            for number, row in enumerate(block, start=first):
                for at, value in enumerate(row):
                    if isinstance(value, str) and len(value) > LONGEST_IN_BLOCK:
                        singly.append((number, left + at, value))
                        row[at] = None
            cells = self._table.worksheet.Range(Box(first, left, last, right).address)
            cells.Value2 = tuple(tuple(row) for row in block)
            for number, column, value in singly:
                self._table.worksheet.Cells(number, column).Value2 = value

    def _entered(self, index: int, number: int) -> str | float | None:
        value = self._table.planned(number, index)[1]
        as_text = self._number_format(index, number) == TEXT_FORMAT
        return entered(value, self._context.shown, as_text=as_text)


def _equal(
    first: int, last: int, index: int, of: Callable[[int, int], str]
) -> Iterator[tuple[int, int, str]]:
    """Yield the first and last row of each run of rows where a column has the same."""
    for found, group in groupby(range(first, last + 1), key=lambda number: of(index, number)):
        numbers = list(group)
        yield numbers[0], numbers[-1], found
