"""The rows of a sheet that is a table, as XML: ours from the plan, a person's as they stand."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from klarify_xl.headless.cells import (
    OwnCell,
    formula_cell,
    inline_text,
    serial,
    text_cell,
    value_cell,
)
from klarify_xl.headless.formats import Formats
from klarify_xl.headless.markup import xml_text_plain
from klarify_xl.headless.merge import Line
from klarify_xl.headless.references import letter_of
from klarify_xl.headless.styles import (
    LINE_HEIGHT,
    LONGEST_TEXT_FORMAT,
    cell_kind,
    header_height,
    is_long,
    lines,
)
from klarify_xl.headless.tables import TableSheet, column_titles
from klarify_xl.plan import Cell, ColumnKind, Formula, Link


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
        self._shown = shown
        self._marked = table.sheet.marked
        self._region = table.moves.new
        self._marked_rows = {row for row, _column in self._marked}
        columns = [
            (index, letter_of(column), column, one.kind, table.widths.get(column, one.width))
            for index, (column, one) in enumerate(
                zip(table.columns, table.sheet.columns, strict=True)
            )
        ]
        # Cells of a row are written from the left.
        self._columns = sorted(columns, key=lambda one: one[2])
        self._numbers = [column for _i, _letter, column, _kind, _width in self._columns]
        self._styles = ([""] * len(columns), [""] * len(columns))
        self._own = [
            column
            for column in range(self._region.left, max(self._region.right, table.moves.right) + 1)
            if column not in table.columns
        ]

    def rows(
        self, hidden: Callable[[Line], bool | None], on_row: Callable[[], None]
    ) -> Iterator[bytes]:
        """Yield the elements of all rows.

        Args:
            hidden: Tells whether the table's filter hides a row, or None if that is not known.
            on_row: Called after each data row.
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
        for number, line in enumerate(self._table.merged.lines, start=region.first):
            yield self._data_row(number, line, hidden(line))
            on_row()
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

    def _data_row(self, number: int, line: Line, hidden: bool | None) -> bytes:  # noqa: FBT001
        """Return a data row."""
        cells: dict[int, str] = {}
        height = 1
        formats = line.old.formats if line.old else {}
        if line.planned is not None:
            row = self._sheet.rows[line.planned]
            written: Iterable[str]
            if formats or line.planned in self._marked_rows:
                written = self._chosen_cells(number, line.planned, formats)
                height = self._height(row)
            else:
                written, height = self._usual_cells(number, row)
            cells = dict(zip(self._numbers, written, strict=True))
        for column, cell in line.own.items():
            cells[column] = cell.at(number, column).xml()
        attributes = dict(line.old.attributes) if line.old else {}
        if hidden is not None:
            attributes.pop("hidden", None)
            if hidden:
                attributes["hidden"] = "1"
        if height > 1 and "ht" not in attributes:
            # Programs that open the file don't all fit the rows to wrapped texts.
            attributes["ht"] = f"{height * LINE_HEIGHT:g}"
        return self._row(number, attributes, cells)

    def _usual_cells(self, number: int, row: Sequence[Cell]) -> tuple[list[str], int]:
        """Return the planned cells of a row in the formats of their columns, and its height."""
        cells = []
        is_tall = False
        for index, letter, _column, kind, width in self._columns:
            value = row[index]
            linked = type(value) is Link
            if linked:
                value = value.value  # type: ignore[union-attr]
            # The most frequent ones first: there are many, and each test takes time.
            if type(value) is str and (value or linked) and len(value) <= LONGEST_TEXT_FORMAT:
                rest = inline_text(value)
                is_tall = is_tall or len(value) > width or "\n" in value
            elif value is None or value == "":
                rest = "/>"
            elif type(value) is int:
                rest = f"><v>{value}</v></c>"
            elif type(value) is datetime and (days := serial(self._shown(value))) is not None:
                rest = f"><v>{days!r}</v></c>"
            else:
                cell = self._cell(f"{letter}{number}", kind, row[index], None, marked=False)
                cells.append(cell)
                continue
            style = self._styles[linked][index]
            if not style:
                style = self._style(index, kind, value, linked=linked)
            cells.append(f'<c r="{letter}{number}{style}{rest}')
        return cells, self._height(row) if is_tall else 1

    def _style(self, index: int, kind: ColumnKind, value: object, *, linked: bool) -> str:
        """Return the format of a column's cells as it is written, and keep it if all have it."""
        format_ = self._formats.cell(cell_kind(kind, value), linked, False, False)
        style = f'" s="{format_}"'
        if kind != "mixed":
            self._styles[linked][index] = style
        return style

    def _chosen_cells(self, number: int, planned: int, formats: Mapping[int, int]) -> Iterator[str]:
        """Yield the planned cells of a row in which a person has chosen formats, or changed ones.

        Args:
            number: The row, from 1.
            planned: The row in the plan, from 0.
            formats: A person's formats, by column from 1.
        """
        row = self._sheet.rows[planned]
        for index, letter, column, kind, _width in self._columns:
            marked = (planned, index) in self._marked
            address = f"{letter}{number}"
            yield self._cell(address, kind, row[index], formats.get(column), marked=marked)

    def _height(self, row: Sequence[Cell]) -> int:
        """Return how many lines of text a row is to have room for."""
        height = 1
        for index, _letter, _column, _kind, width in self._columns:
            value = row[index]
            text = value.value if type(value) is Link else value
            if type(text) is str and (len(text) > width or "\n" in text):
                height = max(height, lines(text, width))
        return height

    def _cell(
        self,
        address: str,
        kind: str,
        value: Cell | OwnCell,
        chosen: int | None,
        *,
        marked: bool,
    ) -> str:
        """Return one of our cells.

        Args:
            address: Where it stands.
            kind: Kind of its column.
            value: What it shows.
            chosen: A person's format for it, if there is one.
            marked: Whether it is set off since it changed.
        """
        linked = type(value) is Link
        if linked:
            value = value.value  # type: ignore[union-attr]
        if isinstance(value, OwnCell):
            return self._formats.note(address, value)
        long = type(value) is str and is_long(value)
        style: int = (
            self._formats.cell(cell_kind(kind, value), linked, marked, long)  # type: ignore[arg-type]
            if chosen is None
            else chosen
        )
        if isinstance(value, Formula):
            return formula_cell(address, style, value.text, value.value)
        if type(value) is str and linked:
            # A link needs a cell with something in it, be it an empty text.
            return text_cell(address, style, value)
        return value_cell(address, style, value, self._shown)  # type: ignore[arg-type]

    def _header_row(self, number: int) -> bytes:
        """Return the header; titles that stand there already stay as they look."""
        old = self._table.old.header
        titles = column_titles(self._table.table)
        kinds = {column: kind for _i, _letter, column, kind, _width in self._columns}
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
        return self._row(number, attributes, cells)

    def _totals_row(self, number: int) -> bytes:
        """Return the totals row."""
        cells = {
            column: cell.moved_to(number).xml() for column, cell in self._table.old.totals.items()
        }
        return self._row(number, self._table.old.totals_attributes, cells)

    def _outside_row(
        self,
        number: int,
        cells: Mapping[int, OwnCell],
        attributes: Mapping[int, Mapping[str, str]],
    ) -> bytes:
        """Return a row outside the table."""
        found = {column: cell.moved_to(number).xml() for column, cell in cells.items()}
        return self._row(number, attributes.get(number, {}), found)

    def _row(self, number: int, attributes: Mapping[str, str], cells: dict[int, str]) -> bytes:
        outside = self._table.old.outside.get(number)
        if outside and self._region.top <= number <= self._region.bottom:
            # What stood under the table has moved down.
            moves = self._table.moves
            moved = number > moves.old.bottom
            for column, cell in outside.items():
                in_table = self._region.left <= column <= self._region.right
                if not in_table and not (moved and moves.is_under(column)):
                    cells[column] = cell.xml()
        said = "".join(f' {name}="{xml_text_plain(value)}"' for name, value in attributes.items())
        if self._own or outside:
            body = "".join(cells[column] for column in sorted(cells))
        else:
            body = "".join(cells.values())
        return f'<row r="{number}"{said}>{body}</row>'.encode("utf-8", "surrogatepass")
