"""Reads what stands on a sheet: what is ours by column and identity, and what is a person's."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

from klarify_xl.headless.cells import (
    CellReader,
    OwnCell,
    numbered_cells,
    plain_text,
    serial,
)
from klarify_xl.headless.known_rows import KnownRows, identity_text, kept_attributes
from klarify_xl.headless.moves import Region
from klarify_xl.headless.package import Package
from klarify_xl.headless.references import boundaries
from klarify_xl.headless.scanning import Cell as ReadCell
from klarify_xl.headless.scanning import PlainRow, Row, Rows
from klarify_xl.headless.stylesheet import q
from klarify_xl.plan import Cell, Link, bare

Identity = tuple[str, ...]
"""What tells a row's thing: texts of its identifying columns, and its number among equals."""


@dataclass(slots=True)
class OldRow:
    """A data row that stands on a sheet.

    Attributes:
        number: Its row, from 1.
        identity: What it is about.
        attributes: What its element says, besides its number.
        own: A person's cells in it, by column from 1.
        formats: Formats of our cells that a person chose, by column.
    """

    number: int
    identity: Identity
    attributes: Mapping[str, str]
    own: dict[int, OwnCell] = field(default_factory=dict)
    formats: dict[int, int] = field(default_factory=dict)

    @property
    def is_nameless(self) -> bool:
        """Whether nothing stands in its identifying columns."""
        return not any(self.identity[:-1])


@dataclass
class OldSheet:
    """A sheet as it stands in the file.

    Attributes:
        root: Its XML without rows.
        rows: The data rows of its table.
        header: Cells of the table's header.
        totals: Cells of the table's totals row.
        totals_attributes: What the totals row's element says.
        outside: Cells outside the table, by row and column.
        attributes: What the elements of rows outside the table say.
    """

    root: etree._Element
    rows: list[OldRow] = field(default_factory=list)
    header: dict[int, OwnCell] = field(default_factory=dict)
    totals: dict[int, OwnCell] = field(default_factory=dict)
    totals_attributes: dict[str, str] = field(default_factory=dict)
    outside: dict[int, dict[int, OwnCell]] = field(default_factory=dict)
    attributes: dict[int, dict[str, str]] = field(default_factory=dict)


def table_region(table: etree._Element) -> Region:
    """Return where a table is (ECMA-376 part 1, 18.5.1.2)."""
    left, top, right, bottom = boundaries(table.get("ref", "A1"))
    has_header = table.get("headerRowCount", "1") != "0"
    totals = table.get("totalsRowCount", "0") != "0"
    first = int(top or 1) + has_header
    last = max(first, int(bottom or 1) - totals)
    return Region(
        int(left or 1), int(right or 1), int(top or 1) if has_header else 0, first, last, totals
    )


@dataclass(frozen=True)
class Columns:
    """What the columns of a table that stands on a sheet are.

    Attributes:
        ours: Columns of the plan, by column of the sheet from 1.
        identity: Columns of the sheet that tell what a row is about, or fewer if some are gone.
        written: On a sheet without a table, the cells that we wrote, as row and column from 1, if
            that is known.
    """

    ours: Collection[int]
    identity: Sequence[int]
    written: Collection[tuple[int, int]] | None = None


def read_sheet(
    package: Package,
    part: str,
    reader: CellReader,
    region: Region | None,
    columns: Columns,
    *,
    is_known: Callable[[Identity], bool],
    is_our_format: Callable[[int], bool],
    is_our_link: Callable[[int, int], bool],
) -> OldSheet:
    """Return what stands on a sheet.

    Args:
        package: The package.
        part: The sheet's part.
        reader: Reads its cells.
        region: Where our table is, or None if there is none.
        columns: What the table's columns are.
        is_known: Tells whether an identity is of a row that is still to be shown, so that our
            cells in it needn't be kept.
        is_our_format: Tells whether a format is ours, without a person's touch.
        is_our_link: Tells whether a cell's link is ours, by row and column from 1.

    Raises:
        TargetError: The part is damaged.
    """
    reader.start_sheet()
    sheet = OldSheet(etree.Element("none"))
    known_rows = KnownRows(columns.ours, columns.identity, reader, is_our_format)
    table = None
    if region is not None:
        table = _TableReader(sheet, reader, region, columns, is_known, known_rows)
    rows = Rows(package, part, is_our_link)
    number = 0
    for row in rows:
        number = int(row.get("r") or number + 1)
        if table is not None and table.holds(number):
            table.read(number, row)
        elif table is None and _is_all_ours(number, row, known_rows, columns.written):
            _keep_outside(sheet, reader, number, row, [])
        else:
            cells = list(numbered_cells(row))
            if table is None:
                cells = [
                    (at, cell)
                    for at, cell in cells
                    if not _is_ours(cell, reader, is_our_format)
                    or (columns.written is not None and (number, at) not in columns.written)
                ]
            _keep_outside(sheet, reader, number, row, cells)
    sheet.root = rows.root
    return sheet


class _TableReader:
    """Reads the rows of our table on a sheet.

    Args:
        sheet: Takes them in.
        reader: Reads their cells.
        region: Where the table is.
        columns: What its columns are.
        is_known: Tells whether an identity is of a row that is still to be shown.
        known_rows: Reads rows that hold nothing of a person's.
    """

    def __init__(
        self,
        sheet: OldSheet,
        reader: CellReader,
        region: Region,
        columns: Columns,
        is_known: Callable[[Identity], bool],
        known_rows: KnownRows,
    ) -> None:
        self._sheet = sheet
        self._reader = reader
        self._region = region
        self._columns = columns
        self._is_known = is_known
        self._known_rows = known_rows
        self._seen: Counter[Identity] = Counter()

    def holds(self, number: int) -> bool:
        """Tell whether a row is one of the table, its header and totals included."""
        return self._region.top <= number <= self._region.bottom

    def read(self, number: int, row: Row) -> None:
        """Take in a row."""
        region, reader = self._region, self._reader
        is_data = number != region.header and number <= region.last
        if is_data and self._is_read_at_a_glance(number, row):
            return
        cells = list(numbered_cells(row))
        for at, cell in cells:
            # Before any is read: others share the formulas of those that are not kept, too.
            reader.note_shared(cell, number, at)
        inside = [(at, cell) for at, cell in cells if region.left <= at <= region.right]
        if len(inside) < len(cells):
            beside = [(at, cell) for at, cell in cells if not region.left <= at <= region.right]
            self._sheet.outside[number] = {at: reader.own(cell, number, at) for at, cell in beside}
        if is_data:
            self._read_data(number, row, inside)
        elif number == region.header:
            self._sheet.header = {at: reader.own(cell, number, at) for at, cell in inside}
            self._sheet.attributes[number] = kept_attributes(row)
        else:
            self._sheet.totals = {at: reader.own(cell, number, at) for at, cell in inside}
            self._sheet.totals_attributes = kept_attributes(row)

    def _is_read_at_a_glance(self, number: int, row: Row) -> bool:
        """Take in a data row if it holds nothing of a person's, and tell whether it does."""
        if type(row) is not PlainRow or not row.found:
            return False
        texts = self._known_rows.texts(row)
        if texts is None:
            return False
        identity = (*texts, str(self._seen[texts] + 1))
        if not self._is_known(identity):
            return False
        self._seen[texts] += 1
        attributes = self._known_rows.attributes(row)
        if attributes or any(texts):
            self._sheet.rows.append(OldRow(number, identity, attributes))
        return True

    def _read_data(self, number: int, row: Row, cells: list[tuple[int, ReadCell]]) -> None:
        """Take in a data row.

        Args:
            number: The row, from 1.
            row: It.
            cells: Its cells in the table, by column from 1.
        """
        by_column = dict(cells)
        texts = tuple(
            identity_text(by_column.get(at), self._reader) for at in self._columns.identity
        )
        self._seen[texts] += 1
        identity = (*texts, str(self._seen[texts]))
        old = OldRow(number, identity, kept_attributes(row))
        keep = not self._is_known(identity)
        _sort_cells(old, cells, self._reader, self._columns, keep=keep)
        old.formats = {
            at: style
            for at, style in old.formats.items()
            if not self._known_rows.is_our_format(style)
        }
        if old.own or old.formats or any(texts) or old.attributes:
            self._sheet.rows.append(old)


def restore_header(package: Package, part: str, reader: CellReader, table: etree._Element) -> None:
    """Let a table whose first row holds its titles show them as its header.

    ExcelJS 4.4 writes that a table has no header wherever Excel has left that to the default.

    Args:
        package: The package.
        part: The part of the table's sheet.
        reader: Reads its cells.
        table: The table's XML.
    """
    if table.get("headerRowCount") != "0":
        return
    region = table_region(table)
    titles = [plain_text(one.get("name", "")) for one in table.iter(q("tableColumn"))]
    for row in Rows(package, part):
        if row.get("r") == str(region.first):
            texts = {at: reader.text(cell) for at, cell in numbered_cells(row)}
            if [texts.get(region.left + at, "") for at in range(len(titles))] == titles:
                table.set("headerRowCount", "1")
            return


def take_beside(sheet: OldSheet, region: Region, limit: int | None = None) -> int:
    """Let the cells right of a table that touch it belong to its rows, up to an empty column.

    Args:
        sheet: What stands on the sheet.
        region: Where the table is.
        limit: The first column whose cells can't belong to its rows, if there is one.

    Returns:
        The last column that belongs to the rows.
    """
    within = {n: cells for n, cells in sheet.outside.items() if region.top <= n <= region.bottom}
    filled = {at for cells in within.values() for at, cell in cells.items() if not cell.is_empty}
    reach = right = region.right
    while reach + 1 in filled and reach + 1 != limit:
        reach += 1
    rows = {row.number: row for row in sheet.rows}
    for number, cells in within.items():
        taken = {at: cell for at, cell in cells.items() if right < at <= reach}
        if number < region.first or not taken:
            continue
        sheet.outside[number] = {at: cell for at, cell in cells.items() if at not in taken}
        if not sheet.outside[number]:
            del sheet.outside[number]
        if number > region.last:
            sheet.totals.update(taken)
        else:
            # Nothing else stands in a row that was not kept.
            row = rows.setdefault(number, OldRow(number, ("", f"row {number}"), {}))
            row.own.update(taken)
    sheet.rows = sorted(rows.values(), key=lambda row: row.number)
    return reach


def _keep_outside(
    sheet: OldSheet,
    reader: CellReader,
    number: int,
    row: Row,
    cells: list[tuple[int, ReadCell]],
) -> None:
    if cells:
        sheet.outside[number] = {at: reader.own(cell, number, at) for at, cell in cells}
    attributes = kept_attributes(row)
    if attributes:
        sheet.attributes[number] = attributes


def _sort_cells(
    old: OldRow,
    cells: list[tuple[int, ReadCell]],
    reader: CellReader,
    columns: Columns,
    *,
    keep: bool,
) -> None:
    """Put a row's cells where they belong: formats of ours, whole cells of a person's."""
    for at, cell in cells:
        if at in columns.ours:
            old.formats[at] = _style(cell)
            if not keep:
                continue
        own = reader.own(cell, old.number, at)
        if not own.is_empty or at not in columns.ours:
            old.own[at] = own


def _is_all_ours(
    number: int, row: Row, known_rows: KnownRows, written: Collection[tuple[int, int]] | None
) -> bool:
    """Tell whether all cells of a row on a sheet without a table are ours."""
    if type(row) is not PlainRow or not row.found:
        return False
    known_rows.refuse_missing_texts(row)
    numbers = known_rows.columns(row)
    if written is None:
        return bool(numbers)
    return bool(numbers) and all((number, at) in written for at in numbers)


def _is_ours(cell: ReadCell, reader: CellReader, is_our_format: Callable[[int], bool]) -> bool:
    """Tell whether a cell on a sheet without a table is ours, and so is written anew."""
    if not is_our_format(_style(cell)):
        return False
    # Read all the same: a damaged file is refused wherever it is damaged.
    reader.text(cell)
    return True


def _style(cell: ReadCell) -> int:
    return int(cell.get("s", "0"))


def identity_texts(values: Sequence[Cell], shown: Callable[[datetime], datetime]) -> list[str]:
    """Return what planned cells tell of their rows' identities, as it will read in the file.

    Args:
        values: The cells.
        shown: Gives a moment in the time zone in which it is shown.
    """
    values = [value.value if type(value) is Link else value for value in values]
    return [
        value.strip() if type(value) is str and "\r" not in value else _planned_text(value, shown)
        for value in values
    ]


def _planned_text(value: Cell, shown: Callable[[datetime], datetime]) -> str:
    value = bare(value)
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip()
    if isinstance(value, datetime):
        number = serial(shown(value))
        return value.astimezone(UTC).isoformat() if number is None else f"{number:.5f}"
    if value is None:
        return ""
    return f"{float(value):.5f}"
