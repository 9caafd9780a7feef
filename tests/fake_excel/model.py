"""Workbooks as plain data: what the COM objects of the fake show and change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakSet

from .areas import LAST_COLUMN, LAST_ROW, Rect
from .chart_model import ChartModel
from .errors import protected
from .formats import Format, StyleModel


class CellError(int):
    """An error in a cell, as the number that COM gives for it."""


ERRORS: Final = {
    "#NULL!": CellError(-2146826288),
    "#DIV/0!": CellError(-2146826281),
    "#VALUE!": CellError(-2146826273),
    "#REF!": CellError(-2146826265),
    "#NAME?": CellError(-2146826259),
    "#NUM!": CellError(-2146826252),
    "#N/A": CellError(-2146826246),
    "#GETTING_DATA": CellError(-2146826245),
    "#SPILL!": CellError(-2146826243),
    "#CALC!": CellError(-2146826238),
}
"""Errors by what cells show (Microsoft Learn, «Cell error values»: 2000 and so on + 0x800A0000)."""
ERROR_TEXTS: Final = {number: text for text, number in ERRORS.items()}

Scalar = str | float | bool | CellError | None


@dataclass(slots=True)
class Cell:
    """A cell.

    Attributes:
        value: What it holds, or what its formula gave last.
        formula: The formula with its equals sign, "" if it has none.
        prefix: An apostrophe if its text was entered with one.
        format: How it looks.
    """

    value: Scalar = None
    formula: str = ""
    prefix: str = ""
    format: Format = field(default_factory=Format)

    @property
    def is_empty(self) -> bool:
        return self.value is None and not self.formula


@dataclass(eq=False)
class Link:
    """A hyperlink of cells; of a shape's the rectangle is None."""

    rect: Rect | None
    address: str = ""
    sub_address: str = ""
    tip: str = ""
    shape: str = ""


@dataclass
class Criterion:
    """A filter of one column, with AutoFilter's arguments."""

    first: Any = None
    operator: int = 0
    second: Any = None


@dataclass
class FilterModel:
    """A sheet's or a table's filter; fields count from 1."""

    rect: Rect
    criteria: dict[int, Criterion] = field(default_factory=dict)


@dataclass(eq=False)
class SortKey:
    """A sort field: its cells, XlSortOrder, and what it sorts on."""

    rect: Rect
    order: int = 1
    sort_on: int = 0
    custom: str = ""
    option: int = 0


@dataclass
class SortModel:
    """How a sheet or table is sorted; `kept` has Header, MatchCase, Orientation and so on."""

    keys: list[SortKey] = field(default_factory=list)
    rect: Rect | None = None
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class TableModel:
    """A table.

    Attributes:
        name: Its name.
        rect: Its cells with header, data, and totals.
        columns: Names of its columns.
        calculated: Formulas of calculated columns by the column's name.
        header: Whether it has a header row.
        totals: Whether it has a totals row.
        insert_row: Whether it has no data, but the blank row in which data may be entered.
        kept: TableStyle, ShowTableStyleRowStripes and so on.
        arrows: Whether its header has filter buttons.
    """

    name: str
    rect: Rect
    columns: list[str]
    sheet: "SheetModel"
    calculated: dict[str, str] = field(default_factory=dict)
    header: bool = True
    totals: bool = False
    insert_row: bool = False
    kept: dict[str, Any] = field(default_factory=dict)
    arrows: bool = True
    criteria: dict[int, Criterion] = field(default_factory=dict)
    sort: SortModel = field(default_factory=SortModel)
    deleted: bool = False

    @property
    def body(self) -> Rect | None:
        """Its data rows, or None if it has none."""
        if self.insert_row:
            return None
        rect = self.all_rows
        return rect if rect.height > 0 else None

    @property
    def all_rows(self) -> Rect:
        """Its data rows, or the row in which data may be entered."""
        return self.rect._replace(
            top=self.rect.top + self.header, bottom=self.rect.bottom - self.totals
        )

    @property
    def header_rect(self) -> Rect | None:
        return self.rect._replace(bottom=self.rect.top) if self.header else None

    def number_of(self, column: str) -> int | None:
        """Return a column's number from 0, by its name in any case."""
        for index, name in enumerate(self.columns):
            if name.casefold() == column.casefold():
                return index
        return None


@dataclass(eq=False)
class Condition:
    """A conditional format: its cells, XlFormatConditionType, operator, formulas and looks."""

    rects: tuple[Rect, ...]
    kind: int
    operator: int = 0
    formulas: tuple[str, ...] = ()
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class ShapeModel:
    """A shape; positions and sizes in points.

    Attributes:
        kind: MsoShapeType: 1 a shape, 3 a chart, 13 a picture.
        kept: Everything else, by property.
        chart: The chart within.
        start: Name of the shape at which a connector begins, and at which of its sites.
        end: The same for its end.
    """

    name: str
    kind: int
    left: float
    top: float
    width: float
    height: float
    text: str = ""
    description: str = ""
    kept: dict[str, Any] = field(default_factory=dict)
    chart: ChartModel | None = None
    connector: bool = False
    start: tuple[str, int] | None = None
    end: tuple[str, int] | None = None
    link: Link | None = None
    deleted: bool = False


@dataclass
class View:
    """How a window shows a sheet."""

    scroll_row: int = 1
    scroll_column: int = 1
    split_row: int = 0
    split_column: int = 0
    frozen: bool = False
    gridlines: bool = True
    headings: bool = True
    zoom: int = 100
    selection: tuple[Rect, ...] = (Rect(1, 1, 1, 1),)
    active: tuple[int, int] = (1, 1)


@dataclass(eq=False)
class SheetModel:
    """A worksheet; rows and columns count from 1, widths are in characters, heights in points."""

    name: str
    book: "BookModel"
    code_name: str = ""
    visible: int = -1
    protected: bool = False
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)
    heights: dict[int, float] = field(default_factory=dict)
    default_width: float = 8.43
    default_height: float = 15.0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    row_formats: dict[int, Format] = field(default_factory=dict)
    column_formats: dict[int, Format] = field(default_factory=dict)
    links: dict[tuple[int, int], Link] = field(default_factory=dict)
    comments: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[Rect] = field(default_factory=list)
    tables: list[TableModel] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    shapes: list[ShapeModel] = field(default_factory=list)
    filter: FilterModel | None = None
    sort: SortModel = field(default_factory=SortModel)
    page: dict[str, Any] = field(default_factory=dict)
    tab: dict[str, Any] = field(default_factory=dict)
    view: View = field(default_factory=View)
    deleted: bool = False
    extent: tuple[dict[tuple[int, int], Cell], int, Rect] | None = None
    live: "WeakSet[Any]" = field(default_factory=WeakSet)

    def default_format(self, row: int, column: int) -> Format:
        """Return how a cell looks that was never written."""
        return (
            self.row_formats.get(row)
            or self.column_formats.get(column)
            or self.book.styles["normal"].format
        )

    def cell(self, row: int, column: int) -> Cell:
        """Return a cell, making it if need be."""
        found = self.cells.get((row, column))
        if found is None:
            found = Cell(format=self.default_format(row, column))
            self.cells[row, column] = found
        return found

    def format_at(self, row: int, column: int) -> Format:
        """Return how a cell looks."""
        found = self.cells.get((row, column))
        return found.format if found else self.default_format(row, column)

    def existing(self, rect: Rect) -> Iterator[tuple[tuple[int, int], Cell]]:
        """Yield the cells of a rectangle that were ever written, by position."""
        within = rect if rect.area == 1 else rect.common(self.used())
        if within is None:
            return
        if within.area <= len(self.cells):
            for place in within.cells():
                if found := self.cells.get(place):
                    yield place, found
        else:
            for place, found in sorted(self.cells.items(), key=lambda one: one[0]):
                if rect.has(*place):
                    yield place, found

    def used(self) -> Rect:
        """Return the rectangle round everything written or formatted."""
        if not self.cells:
            return Rect(1, 1, 1, 1)
        known = self.extent
        if known and known[0] is self.cells and known[1] == len(self.cells):
            return known[2]
        rows = [row for row, _ in self.cells]
        columns = [column for _, column in self.cells]
        rect = Rect(min(rows), min(columns), max(rows), max(columns))
        self.extent = (self.cells, len(self.cells), rect)
        return rect

    def is_blank(self, rect: Rect) -> bool:
        """Tell whether no cell of a rectangle holds anything."""
        return all(cell.is_empty for _, cell in self.existing(rect))

    def table_at(self, row: int, column: int) -> TableModel | None:
        """Return the table that a cell belongs to."""
        return next((one for one in self.tables if one.rect.has(row, column)), None)

    def writable(self) -> None:
        """Raise if the sheet is protected."""
        if self.protected:
            raise protected()

    def trim(self, rect: Rect) -> Rect:
        """Return the part of whole rows or columns that is in use, for going through it."""
        if rect.area <= 2_000_000 and not (rect.is_rows or rect.is_columns):
            return rect
        used = self.used()
        return rect.common(used) or Rect(rect.top, rect.left, rect.top, rect.left)


@dataclass(eq=False)
class NameModel:
    """A defined name; `sheet` is its scope, None for the workbook."""

    name: str
    refers_to: str
    visible: bool = True
    sheet: SheetModel | None = None
    comment: str = ""


@dataclass(eq=False)
class PropertyModel:
    """A document property: its name, MsoDocProperties and value."""

    name: str
    kind: int
    value: Any


@dataclass(eq=False)
class BookModel:
    """A workbook."""

    name: str
    path: str
    read_only: bool = False
    structure_protected: bool = False
    saved: bool = True
    sheets: list[SheetModel] = field(default_factory=list)
    names: list[NameModel] = field(default_factory=list)
    styles: dict[str, StyleModel] = field(default_factory=dict)
    properties: list[PropertyModel] = field(default_factory=list)
    builtin_properties: dict[str, Any] = field(default_factory=dict)
    active: SheetModel | None = None
    followed: list[tuple[Any, ...]] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    closed: bool = False

    @property
    def full_name(self) -> str:
        separator = "/" if "/" in self.path else "\\"
        return f"{self.path}{separator}{self.name}" if self.path else self.name

    def sheet(self, name: str) -> SheetModel | None:
        """Return a sheet by its name in any case."""
        return next((one for one in self.sheets if one.name.casefold() == name.casefold()), None)

    def table(self, name: str) -> TableModel | None:
        """Return a table by its name in any case."""
        for one in self.tables():
            if one.name.casefold() == name.casefold():
                return one
        return None

    def tables(self) -> Iterable[TableModel]:
        """Return all tables."""
        return (one for sheet in self.sheets for one in sheet.tables)

    def formula_cells(self) -> Iterator[tuple[SheetModel, tuple[int, int], Cell]]:
        """Yield all cells that have a formula."""
        for sheet in self.sheets:
            for place, cell in sheet.cells.items():
                if cell.formula:
                    yield sheet, place, cell


WHOLE_SHEET: Final = Rect(1, 1, LAST_ROW, LAST_COLUMN)
