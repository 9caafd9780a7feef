"""The rows of a sheet that is a table, as XML: ours from the plan, a person's as they stand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import repeat
from typing import Final

from klarify_xl.headless.cells import OwnCell, text_cell
from klarify_xl.headless.columns import ColumnCells
from klarify_xl.headless.formats import Formats
from klarify_xl.headless.markup import xml_text_plain
from klarify_xl.headless.merge import Line
from klarify_xl.headless.references import letter_of
from klarify_xl.headless.styles import LINE_HEIGHT, MOST_LINES, header_height
from klarify_xl.headless.tables import TableSheet, column_titles
from klarify_xl.plan import Cell, Link

_ROWS_AT_ONCE: Final = 1000
_START: Final = '<row r="'
_END: Final = "</row>"
_HEIGHTS: Final = (
    *("", ""),
    *(f' ht="{height * LINE_HEIGHT:g}"' for height in range(2, MOST_LINES + 1)),
)
"""What the elements of rows say by the lines of text in them."""


class RowWriter:
    """Writes the rows of a table's sheet.

    Args:
        table: The sheet.
        formats: Formats of our cells.
        shown: Gives a moment in the time zone in which it is shown.
    """

    def __init__(
        self, table: TableSheet, formats: Formats, shown: Callable[[datetime], datetime]
    ) -> None:
        self._table = table
        self._sheet = table.sheet
        self._formats = formats
        self._marked = table.sheet.marked
        self._region = table.moves.new
        self._marked_rows = {row for row, _column in self._marked}
        # Cells of a row are written from the left.
        places = sorted((column, index) for index, column in enumerate(table.columns))
        self._numbers = [column for column, _index in places]
        self._indexes = [index for _column, index in places]
        starts = [f'<c r="{letter_of(column)}' for column in self._numbers]
        self._first = starts[0]
        self._columns = []
        for column, index, after in zip(
            self._numbers, self._indexes, [*starts[1:], _END], strict=True
        ):
            planned = table.sheet.columns[index]
            width = table.widths.get(column, planned.width)
            self._columns.append(ColumnCells(planned.kind, width, after, formats, shown))

    def rows(
        self, hidden: Callable[[Line], bool | None], on_rows: Callable[[int], None]
    ) -> Iterator[bytes]:
        """Yield the elements of all rows, some at a time.

        Args:
            hidden: Tells whether the table's filter hides a row, or None if that is not known.
            on_rows: Called after data rows, with their number.
        """
        moves, old = self._table.moves, self._table.old
        region = moves.new
        below = sorted(number for number in old.outside if number > moves.old.bottom)
        moved_below = {number + moves.below: number for number in below}
        above = {number for number in (*old.outside, *old.attributes) if number < region.top}
        for number in sorted(above):
            yield self._outside_row(number, old.outside.get(number, {}), old.attributes)
        if region.header:
            yield self._header_row(region.header)
        lines = self._table.merged.lines
        for start in range(0, len(lines), _ROWS_AT_ONCE):
            some = lines[start : start + _ROWS_AT_ONCE]
            yield _bytes("".join(self._data_rows(region.first + start, some, hidden)))
            on_rows(len(some))
        if region.totals:
            yield self._totals_row(region.bottom)
        rest = {*moved_below, *(n for n in old.outside if n > region.bottom)}
        rest |= {n for n in old.attributes if n > region.bottom}
        for number in sorted(n for n in rest if n > region.bottom):
            beside = old.outside.get(number, {})
            cells = {at: cell for at, cell in beside.items() if not moves.is_under(at)}
            if number in moved_below:
                source = old.outside[moved_below[number]]
                cells |= {at: cell for at, cell in source.items() if moves.is_under(at)}
            yield self._outside_row(number, cells, old.attributes)

    def _data_rows(
        self, first: int, lines: Sequence[Line], hidden: Callable[[Line], bool | None]
    ) -> Iterator[str]:
        """Yield data rows.

        Args:
            first: Number of the first one.
            lines: The rows.
            hidden: Tells whether the table's filter hides a row, or None if that is not known.
        """
        rows = [self._sheet.rows[line.planned] for line in lines if line.planned is not None]
        columns = list(zip(*rows, strict=True)) or [()] * len(self._columns)
        made = [
            column.cells(columns[index])
            for index, column in zip(self._indexes, self._columns, strict=True)
        ]
        all_heights = [heights for _cells, heights in made if heights]
        heights = iter(map(max, zip(*all_heights, strict=True)) if all_heights else repeat(1))
        planned = zip(*(cells for cells, _heights in made), strict=True)
        outside = self._table.old.outside
        has_notes = any(column.has_notes for column in self._columns)
        for number, line in enumerate(lines, start=first):
            cells: Sequence[str] = ()
            height = 1
            if line.planned is not None:
                cells, height = next(planned), next(heights)
                formats = line.old.formats if line.old else {}
                if formats or has_notes or line.planned in self._marked_rows:
                    cells = self._chosen_cells(cells, number, line.planned, formats)
            said = self._said(line, hidden(line), height)
            if cells and not line.own and number not in outside:
                yield str(number).join((_START, f'"{said}>{self._first}', *cells))
            else:
                yield self._mixed_row(number, said, cells, self._own_cells(number, line))

    def _said(self, line: Line, hidden: bool | None, height: int) -> str:  # noqa: FBT001
        """Return what a data row's element says besides its number."""
        if hidden is None and not (line.old and line.old.attributes):
            return _HEIGHTS[height]
        attributes = dict(line.old.attributes) if line.old else {}
        if hidden is not None:
            attributes.pop("hidden", None)
            if hidden:
                attributes["hidden"] = "1"
        if height > 1:
            # Programs that open the file don't all fit the rows to wrapped texts.
            attributes.setdefault("ht", f"{height * LINE_HEIGHT:g}")
        return _attributes(attributes)

    def _chosen_cells(
        self, cells: Sequence[str], number: int, planned: int, formats: Mapping[int, int]
    ) -> list[str]:
        """Return the planned cells of a row, some of which are not as usual in their columns.

        They are in formats that a person has chosen, set off since they changed, or a person's.

        Args:
            cells: As they would usually be.
            number: The row, from 1.
            planned: The row in the plan, from 0.
            formats: A person's formats, by column from 1.
        """
        changed = list(cells)
        row = self._sheet.rows[planned]
        for at, (index, column) in enumerate(zip(self._indexes, self._columns, strict=True)):
            value: Cell | OwnCell = row[index]
            chosen = formats.get(self._numbers[at])
            marked = (planned, index) in self._marked
            if isinstance(value, OwnCell):
                address = f"{letter_of(self._numbers[at])}{number}"
                note = self._formats.note(address, value)
                changed[at] = note.removeprefix(f'<c r="{address}') + column.after
            elif marked or chosen is not None:
                linked = type(value) is Link
                bare = value.value if isinstance(value, Link) else value
                changed[at] = column.cell(bare, linked=linked, marked=marked, chosen=chosen)
        return changed

    def _own_cells(self, number: int, line: Line) -> dict[int, OwnCell]:
        """Return a person's cells in a data row, in the table and beside it."""
        own = {column: cell.at(number, column) for column, cell in line.own.items()}
        return own | self._beside(number) if number in self._table.old.outside else own

    def _beside(self, number: int) -> dict[int, OwnCell]:
        """Return a person's cells beside the table in one of its rows."""
        # What stood under the table has moved down.
        moves = self._table.moves
        moved = number > moves.old.bottom
        return {
            column: cell
            for column, cell in self._table.old.outside.get(number, {}).items()
            if not self._region.left <= column <= self._region.right
            and not (moved and moves.is_under(column))
        }

    def _mixed_row(
        self, number: int, said: str, cells: Sequence[str], own: Mapping[int, OwnCell]
    ) -> str:
        """Return a row with cells of a person's.

        Args:
            number: The row, from 1.
            said: What its element says.
            cells: The planned ones, none in a row that is all a person's.
            own: A person's, by column from 1.
        """
        found = {column: cell.xml() for column, cell in own.items()}
        for at, cell in enumerate(cells):
            column = self._numbers[at]
            start = f'<c r="{letter_of(column)}{number}'
            found[column] = start + cell.removesuffix(self._columns[at].after)
        return _row(number, said, found)

    def _header_row(self, number: int) -> bytes:
        """Return the header; titles that stand there already stay as they look."""
        old = self._table.old.header
        titles = column_titles(self._table.table)
        planned = zip(self._table.columns, self._sheet.columns, strict=True)
        kinds = {column: one.kind for column, one in planned}
        cells = {}
        for column, title in enumerate(titles, start=self._region.left):
            present = old.get(column)
            if present is not None and present.says(title):
                cells[column] = present.xml()
            else:
                style = self._formats.header(kinds.get(column, "text"))
                style = present.style if present is not None and present.style else style
                cells[column] = text_cell(f"{letter_of(column)}{number}", style, title)
        attributes = dict(self._table.old.attributes.get(number, {}))
        attributes.setdefault("ht", f"{header_height(self._sheet.columns):g}")
        cells |= {column: cell.xml() for column, cell in self._beside(number).items()}
        return _bytes(_row(number, _attributes(attributes), cells))

    def _totals_row(self, number: int) -> bytes:
        """Return the totals row."""
        cells = {
            column: cell.moved_to(number).xml() for column, cell in self._table.old.totals.items()
        }
        cells |= {column: cell.xml() for column, cell in self._beside(number).items()}
        return _bytes(_row(number, _attributes(self._table.old.totals_attributes), cells))

    def _outside_row(
        self,
        number: int,
        cells: Mapping[int, OwnCell],
        attributes: Mapping[int, Mapping[str, str]],
    ) -> bytes:
        """Return a row outside the table."""
        found = {column: cell.moved_to(number).xml() for column, cell in cells.items()}
        return _bytes(_row(number, _attributes(attributes.get(number, {})), found))


def _attributes(attributes: Mapping[str, str]) -> str:
    """Return attributes as they stand in an element."""
    return "".join(f' {name}="{xml_text_plain(value)}"' for name, value in attributes.items())


def _row(number: int, said: str, cells: Mapping[int, str]) -> str:
    """Return a row's element.

    Args:
        number: The row, from 1.
        said: What the element says besides.
        cells: Its cells, by column from 1.
    """
    body = "".join(cells[column] for column in sorted(cells))
    return f'{_START}{number}"{said}>{body}{_END}'


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
