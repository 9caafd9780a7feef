"""One sheet that is a table: where it stands in a workbook, what becomes of it, and its XML."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from lxml import etree

from klarify_xl.headless.cells import OwnCell, plain_text
from klarify_xl.headless.formats import Formats
from klarify_xl.headless.formulas import Change, change_cells, change_tree
from klarify_xl.headless.merge import Line, Merged
from klarify_xl.headless.moves import Moves, Region
from klarify_xl.headless.reading import OldSheet
from klarify_xl.headless.references import letter_of
from klarify_xl.headless.styles import (
    TABLE_STYLE,
)
from klarify_xl.headless.stylesheet import main_element, q
from klarify_xl.headless.worksheet import (
    add_width,
    set_dimension,
    set_highlights,
    set_stamp,
)
from klarify_xl.plan import Cell, Link, Sheet

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
            # The default, but ExcelJS misreads a table that leaves it out.
            "headerRowCount": "1",
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


def matched_titles(sheet: Sheet, titles: Sequence[str]) -> dict[str, str]:
    """Return the titles under which planned columns stand in a table, by key.

    Args:
        sheet: What is planned.
        titles: Titles of the table's columns.
    """
    matched = {one.name: one.title for one in sheet.columns if one.title in titles}
    for title in titles:
        if title not in matched.values():
            for column in sheet.columns:
                if column.name not in matched and column.is_called(title):
                    matched[column.name] = title
                    break
    return matched


def add_column(table: etree._Element, title: str) -> None:
    """Add a column at the right of a table; its reference is not touched."""
    columns = table.find(q("tableColumns"))
    if columns is None:
        return
    number = 1 + max(int(one.get("id", "0")) for one in columns)
    columns.append(main_element("tableColumn", {"id": str(number), "name": title}))
    columns.set("count", str(len(columns)))


def adopt_columns(
    table: etree._Element, old: OldSheet, region: Region, reach: int, reserved: Sequence[str]
) -> None:
    """Make cells beside a table its columns; its reference is not touched.

    Args:
        table: The table's XML.
        old: What stands on its sheet.
        region: Where it is.
        reach: The last column to make one of its own.
        reserved: Titles that they must not get.
    """
    header = old.outside.get(region.header, {})
    for column in range(region.right + 1, reach + 1):
        cell = header.pop(column, None)
        if cell is not None:
            old.header[column] = cell
        taken = {title.casefold() for title in (*column_titles(table), *reserved)}
        wanted = cell.text.strip() if cell is not None and cell.text.strip() else "Column"
        title, number = wanted, 1
        while title.casefold() in taken:
            number += 1
            title = f"{wanted}{number}"
        add_column(table, title)


def rename_columns(table: etree._Element, titles: Mapping[str, str]) -> None:
    """Give columns of a table new titles.

    Args:
        table: The table's XML.
        titles: New titles by old ones.
    """
    for one in table.iter(q("tableColumn")):
        old = plain_text(one.get("name", ""))
        one.set("name", titles.get(old, one.get("name", "")))


def set_region(table: etree._Element, moves: Moves) -> None:
    """Let a table and its filter and sorting cover its rows as they are now."""
    table.set("ref", moves.new.ref)
    # Said of a table without rows, of which there are some now (ECMA-376 part 1, 18.5.1.2).
    table.attrib.pop("insertRow", "")
    for element in table.iter(q("autoFilter")):
        element.set("ref", moves.new.filtered)
    for element in table.iter(q("sortState"), q("sortCondition")):
        columns = re.findall(r"[A-Z]+", element.get("ref", ""))
        if columns:
            first, last = f"{columns[0]}{moves.new.first}", f"{columns[-1]}{moves.new.last}"
            element.set("ref", f"{first}:{last}")


def titles_by_column(
    titles: Sequence[str],
    region: Region,
    beside: Iterable[int],
    outside: Mapping[int, Mapping[int, OwnCell]],
) -> dict[int, str]:
    """Return the titles of a table's columns, and of those that belong to its rows beside it.

    Args:
        titles: Titles of the table's columns.
        region: Where the table is.
        beside: Columns beside it that belong to its rows, from 1.
        outside: The cells outside the table, by row and column.
    """
    found = dict(enumerate(titles, start=region.left))
    for column in beside:
        header = outside.get(region.header, {}).get(column)
        found[column] = header.text if header and header.text else letter_of(column)
    return found


def own_formulas(table: etree._Element, region: Region, ours: Collection[int]) -> dict[int, str]:
    """Return a person's columns, with the formula that the table says is worked out in them.

    Args:
        table: The table's XML.
        region: Where it is.
        ours: Columns of the sheet, from 1, of the planned ones.
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
            (number + self.moves.below, max(cells))
            for number, cells in self.old.outside.items()
            if cells
        ]
        set_dimension(
            self.root,
            max([region.bottom, *(row for row, _column in outside)]),
            max([region.right, self.moves.right, *(column for _row, column in outside)]),
        )

    def location(self, row: int) -> str:
        """Return where a planned row is, as a link says it."""
        # An empty table can be gone to as well.
        number = self.planned_rows[row] if row < len(self.planned_rows) else self.moves.new.top
        return f"{self._first_column}{number}"

    @cached_property
    def _first_column(self) -> str:
        """The first of our columns, as links begin that lead there."""
        name = self.name.replace("'", "''")
        return f"'{name}'!{letter_of(self.columns[0])}"

    def links(self) -> Links:
        """Return the planned links with the addresses of their cells."""
        letters = [(index, letter_of(self.columns[index])) for index in self.sheet.linked]
        return [
            (f"{letter}{number}", cell)
            for row, number in zip(self.sheet.rows, self.planned_rows, strict=True)
            for index, letter in letters
            if type(cell := row[index]) is Link
        ]

    def change_formulas(self, change: Change) -> None:
        """Change a person's formulas on the sheet by a rule."""
        for cells in (
            *(line.own for line in self.merged.lines if line.own),
            *self.old.outside.values(),
            self.old.totals,
        ):
            change_cells(cells, change)
        change_tree(self.root, change)
        change_tree(self.table, change)
