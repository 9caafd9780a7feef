"""One sheet that is a table: where it stands in a workbook, what becomes of it, and its XML."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

from klarify_xl.headless.cells import (
    OwnCell,
    formula_cell,
    letter_of,
    plain_text,
    serial,
    text_cell,
    xml_text_plain,
)
from klarify_xl.headless.formats import Formats
from klarify_xl.headless.merge import Line, Merged
from klarify_xl.headless.moves import Moves, Region
from klarify_xl.headless.reading import OldSheet
from klarify_xl.headless.styles import LINE_HEIGHT, TABLE_STYLE, cell_kind, is_long, lines
from klarify_xl.headless.stylesheet import main_element, q
from klarify_xl.headless.worksheet import (
    add_width,
    set_dimension,
    set_highlights,
    set_stamp,
)
from klarify_xl.plan import Cell, Formula, Link, Sheet

TABLE_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.table+xml"

Links = list[tuple[str, Link]]
"""Links to be written, with the addresses of their cells."""


def new_table(sheet: Sheet, number: int) -> etree._Element:
    """Return the XML of a sheet's table, with its header and no rows yet.

    Args:
        sheet: The sheet.
        number: A number that no other table of the workbook has.
    """
    region = Region(1, len(sheet.columns), 1, 2, 2)
    table = main_element(
        "table",
        {
            "id": str(number),
            "name": sheet.table,
            "displayName": sheet.table,
            "ref": region.ref,
            "totalsRowShown": "0",
        },
    )
    table.append(main_element("autoFilter", {"ref": region.filtered}))
    columns = main_element("tableColumns", {"count": str(len(sheet.columns))})
    for index, column in enumerate(sheet.columns, start=1):
        columns.append(main_element("tableColumn", {"id": str(index), "name": column.title}))
    table.append(columns)
    table.append(
        main_element(
            "tableStyleInfo",
            {
                "name": TABLE_STYLE,
                "showFirstColumn": "0",
                "showLastColumn": "0",
                "showRowStripes": "1",
                "showColumnStripes": "0",
            },
        )
    )
    return table


def column_titles(table: etree._Element) -> list[str]:
    """Return the titles of a table's columns."""
    return [plain_text(one.get("name", "")) for one in table.iter(q("tableColumn"))]


def add_column(table: etree._Element, title: str) -> None:
    """Add a column at the right of a table; its reference is not touched."""
    columns = table.find(q("tableColumns"))
    if columns is None:
        return
    number = 1 + max(int(one.get("id", "0")) for one in columns)
    columns.append(main_element("tableColumn", {"id": str(number), "name": title}))
    columns.set("count", str(len(columns)))


def set_region(table: etree._Element, moves: Moves) -> None:
    """Let a table and its filter and sorting cover its rows as they are now."""
    table.set("ref", moves.new.ref)
    for element in table.iter(q("autoFilter")):
        element.set("ref", moves.new.filtered)
    for element in table.iter(q("sortState"), q("sortCondition")):
        element.set("ref", moves.areas(element.get("ref", "")) or moves.new.filtered)


def own_formulas(table: etree._Element, region: Region, ours: Mapping[int, int]) -> dict[int, str]:
    """Return a person's columns, with the formula that the table says is worked out in them.

    Args:
        table: The table's XML.
        region: Where it is.
        ours: Planned columns by column of the sheet.
    """
    return {
        column: plain_text(one.findtext(q("calculatedColumnFormula")) or "")
        for column, one in enumerate(table.iter(q("tableColumn")), start=region.left)
        if column not in ours
    }


def planned_value(sheet: Sheet, columns: Sequence[int], line: Line, column: int) -> Cell | OwnCell:
    """Return what a row shows in a column.

    Args:
        sheet: The planned sheet.
        columns: Columns of the workbook's sheet, from 1, of the planned ones.
        line: The row.
        column: The column, from 1.
    """
    if line.planned is not None and column in columns:
        return sheet.rows[line.planned][columns.index(column)]
    return line.own.get(column)


@dataclass
class TableSheet:
    """A planned sheet and its place in the workbook.

    Attributes:
        sheet: What is planned.
        name: Name of the sheet in the workbook.
        part: The sheet's part.
        table_part: The table's part.
        root: The sheet's XML without rows.
        table: The table's XML.
        columns: Columns of the sheet, from 1, of the planned ones.
        old: What stands there.
        merged: Its rows.
        moves: How its cells move.
        widths: Widths of the columns in characters.
    """

    sheet: Sheet
    name: str
    part: str
    table_part: str
    root: etree._Element
    table: etree._Element
    columns: list[int]
    old: OldSheet
    merged: Merged
    moves: Moves
    widths: dict[int, float] = field(default_factory=dict)
    planned_rows: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.planned_rows = [0] * len(self.sheet.rows)
        for number, line in enumerate(self.merged.lines, start=self.moves.new.first):
            if line.planned is not None:
                self.planned_rows[line.planned] = number

    def title(self, key: str) -> str | None:
        """Return the title that a column has in the workbook."""
        for column, one in zip(self.columns, self.sheet.columns, strict=True):
            if one.name == key:
                return column_titles(self.table)[column - self.moves.new.left]
        return None

    def value(self, line: Line, column: int) -> Cell | OwnCell:
        """Return what a row shows in a column, counted from 1."""
        return planned_value(self.sheet, self.columns, line, column)

    def furnish(self, formats: Formats, stamp: str) -> None:
        """Bring highlights, page header and extent up to date.

        Args:
            formats: Formats of our cells.
            stamp: What is printed at the head of each page.
        """
        region = self.moves.new
        columns = {
            one.name: column for column, one in zip(self.columns, self.sheet.columns, strict=True)
        }
        rules = []
        for highlight in self.sheet.highlights:
            letter = letter_of(columns[highlight.column])
            text = highlight.text.replace('"', '""')
            rules.append(
                (
                    f"{letter}{region.first}:{letter}{region.last}",
                    f'${letter}{region.first}="{text}"',
                    formats.highlight(highlight),
                )
            )
        set_highlights(self.root, rules)
        set_stamp(self.root, stamp)
        widths = self.root.find(q("cols"))
        for column, one in zip(self.columns, self.sheet.columns, strict=True):
            if column not in self.widths and widths is not None and self.old.rows:
                add_width(widths, column, one.width)
        outside = [
            (number + self.moves.below, max(cells)) for number, cells in self.old.outside.items()
        ]
        set_dimension(
            self.root,
            max([region.bottom, *(row for row, _column in outside)]),
            max([region.right, *(column for _row, column in outside)]),
        )

    def location(self, row: int) -> str:
        """Return where a planned row is, as a link says it."""
        column = letter_of(self.columns[0])
        name = self.name.replace("'", "''")
        return f"'{name}'!{column}{self.planned_rows[row]}"

    def links(self) -> Links:
        """Return the planned links with the addresses of their cells."""
        letters = [letter_of(column) for column in self.columns]
        return [
            (f"{letters[index]}{number}", cell)
            for row, number in zip(self.sheet.rows, self.planned_rows, strict=True)
            for index, cell in enumerate(row)
            if type(cell) is Link
        ]

    def rows(
        self,
        formats: Formats,
        shown: Callable[[datetime], datetime],
        hidden: Callable[[Line], bool | None],
        on_row: Callable[[], None],
    ) -> Iterator[bytes]:
        """Yield the elements of all rows.

        Args:
            formats: Formats of our cells.
            shown: Gives a moment in the time zone in which it is shown.
            hidden: Tells whether the table's filter hides a row, or None if that is not known.
            on_row: Called after each data row.
        """
        writer = _RowWriter(self, formats, shown)
        region, old = self.moves.new, self.old
        below = sorted(number for number in old.outside if number > self.moves.old.bottom)
        moved_below = {self._below(number): number for number in below}
        above = {number for number in (*old.outside, *old.attributes) if number < region.top}
        for number in sorted(above):
            yield writer.outside_row(number, old.outside.get(number, {}), old.attributes)
        if region.header:
            yield writer.header_row(region.header)
        for number, line in enumerate(self.merged.lines, start=region.first):
            yield writer.data_row(number, line, hidden(line))
            on_row()
        if not self.merged.lines:
            yield writer.empty_row(region.first)
        if region.totals:
            yield writer.totals_row(region.bottom)
        rest = {*moved_below, *(n for n in old.outside if n > region.bottom)}
        rest |= {n for n in old.attributes if n > region.bottom}
        for number in sorted(n for n in rest if n > region.bottom):
            cells = dict(self._beside(old.outside.get(number, {})))
            if number in moved_below:
                source = old.outside[moved_below[number]]
                cells |= {at: cell for at, cell in source.items() if self._is_under(at)}
            yield writer.outside_row(number, cells, old.attributes)

    def _is_under(self, column: int) -> bool:
        return self.moves.old.left <= column <= self.moves.old.right

    def _below(self, number: int) -> int:
        return number + self.moves.below

    def _beside(self, cells: Mapping[int, OwnCell]) -> Iterator[tuple[int, OwnCell]]:
        """Yield the cells of a row that don't stand under the table, and so stay in it."""
        for column, cell in cells.items():
            if not self._is_under(column):
                yield column, cell


class _RowWriter:
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
        self._columns = [
            (index, letter_of(column), column, one.kind, table.widths.get(column, one.width))
            for index, (column, one) in enumerate(
                zip(table.columns, table.sheet.columns, strict=True)
            )
        ]
        # Cells of a row are written from the left.
        self._columns.sort(key=lambda one: one[2])
        self._own = [
            column
            for column in range(self._region.left, self._region.right + 1)
            if column not in table.columns
        ]

    def data_row(self, number: int, line: Line, hidden: bool | None) -> bytes:  # noqa: FBT001
        """Return a data row."""
        cells: dict[int, str] = {}
        height = 1
        formats = line.old.formats if line.old else {}
        if line.planned is not None:
            row = self._sheet.rows[line.planned]
            marked = self._marked
            for index, letter, column, kind, width in self._columns:
                value = row[index]
                is_marked = bool(marked) and (line.planned, index) in marked
                cells[column] = self._cell(
                    f"{letter}{number}", kind, value, formats.get(column), marked=is_marked
                )
                text = value.value if type(value) is Link else value
                if type(text) is str and (len(text) > width or "\n" in text):
                    height = max(height, lines(text, width))
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
        if type(value) is str:
            if value or linked:
                return text_cell(address, style, value)
            return f'<c r="{address}" s="{style}"/>'
        if value is None:
            return f'<c r="{address}" s="{style}"/>'
        if isinstance(value, datetime):
            days = serial(self._shown(value))
            if days is None:
                return text_cell(address, style, value.isoformat())
            return f'<c r="{address}" s="{style}"><v>{days!r}</v></c>'
        if isinstance(value, Formula):
            return formula_cell(address, style, value.text, value.value)
        return f'<c r="{address}" s="{style}"><v>{value!r}</v></c>'

    def header_row(self, number: int) -> bytes:
        """Return the header; titles that stand there already stay as they look."""
        old = self._table.old.header
        titles = column_titles(self._table.table)
        kinds = {column: kind for _i, _letter, column, kind, _width in self._columns}
        cells = {}
        for column, title in enumerate(titles, start=self._region.left):
            present = old.get(column)
            if present is not None and present.text == title and present.is_text:
                cells[column] = present.xml()
            else:
                style = self._formats.header(kinds.get(column, "text"))
                style = present.style if present is not None and present.style else style
                cells[column] = text_cell(f"{letter_of(column)}{number}", style, title)
        attributes = self._table.old.attributes.get(number)
        if attributes is None and not old:
            attributes = {"ht": f"{self._formats.header_height:g}"}
        return self._row(number, attributes or {}, cells)

    def empty_row(self, number: int) -> bytes:
        """Return the row of a table in which there is nothing to tell."""
        cells = {
            column: self._cell(f"{letter}{number}", kind, None, None, marked=False)
            for _index, letter, column, kind, _width in self._columns
        }
        return self._row(number, {}, cells)

    def totals_row(self, number: int) -> bytes:
        """Return the totals row."""
        cells = {
            column: cell.moved_to(number).xml() for column, cell in self._table.old.totals.items()
        }
        return self._row(number, self._table.old.totals_attributes, cells)

    def outside_row(
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
            for column, cell in outside.items():
                if not self._region.left <= column <= self._region.right:
                    cells[column] = cell.xml()
        said = "".join(f' {name}="{xml_text_plain(value)}"' for name, value in attributes.items())
        if self._own or outside:
            body = "".join(cells[column] for column in sorted(cells))
        else:
            body = "".join(cells.values())
        return f'<row r="{number}"{said}>{body}</row>'.encode("utf-8", "surrogatepass")
