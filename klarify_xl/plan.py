"""The workbook as plain data: sheets, columns, cells and links, for any writer to obey.

A plan knows nothing of openpyxl or Excel's object model, and a writer nothing of Klarify. What a
plan calls by a key (a column's, a sheet's) may bear another title in a person's own workbook; the
writer finds it there and translates.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from operator import itemgetter
from typing import Final, Literal, NamedTuple

from klarify_xl.limits import EXCEL_LINKS_PER_SHEET, EXCEL_ROWS

HEADER_ROWS: Final = 1
"""Rows above the first data row of every sheet that is a table."""

ColumnKind = Literal["text", "mixed", "moment", "number"]
"""How a column's cells are formatted; a mixed one follows each value."""
Tone = Literal["good", "pending", "retired", "warning"]
Look = Literal[
    "title",
    "heading",
    "figure heading",
    "label",
    "figure",
    "share",
    "moment",
    "note",
    "role",
    "rotated",
]
"""How a cell of a board looks: a share is a fraction shown in percent; a role is centred."""
ChartKind = Literal["bar", "column", "doughnut"]


@dataclass(frozen=True, slots=True)
class ColourPair:
    """A text colour and its background, as ``#RRGGBB``."""

    text: str
    background: str


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a workbook's header and of its four tones."""

    header: ColourPair = ColourPair("#FFFFFF", "#1F4E5F")
    good: ColourPair = ColourPair("#0B5D1E", "#DDF3E1")
    pending: ColourPair = ColourPair("#7A4B00", "#FFF1CC")
    retired: ColourPair = ColourPair("#4A4A4A", "#E4E4E4")
    warning: ColourPair = ColourPair("#9C1C1C", "#FBE0DE")

    def of(self, tone: Tone) -> ColourPair:
        """Return the colours of a tone."""
        return {
            "good": self.good,
            "pending": self.pending,
            "retired": self.retired,
            "warning": self.warning,
        }[tone]


class Place(NamedTuple):
    """A row of a sheet of the same workbook, by the sheet's key; data rows count from 0."""

    sheet: str
    row: int


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that Excel works out.

    Attributes:
        text: The formula without its equals sign. A column of a table is written with the keys
            of both, in braces: ``COUNTIFS({Procedures[Status]},"draft")``.
        value: What it gives now, for programs that don't calculate.
    """

    text: str
    value: str | float


class Link(NamedTuple):
    """A cell that leads somewhere: to a web address, or to a row of the workbook.

    Like `Place` a tuple, since there may be hundreds of thousands.
    """

    value: str | float | Formula
    target: str | Place
    hint: str = ""


Cell = str | int | float | datetime | Formula | Link | None
"""A string is always shown as text; datetimes are aware."""


def bare(cell: Cell) -> str | float | datetime | None:
    """Return what a cell shows, without where it leads or how it is worked out."""
    if isinstance(cell, Link):
        cell = cell.value
    return cell.value if isinstance(cell, Formula) else cell


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Attributes:
        title: Header, unique in its sheet.
        kind: How its cells are formatted.
        width: In characters of the default font.
        link_rank: Which column's links go first when there are too many; 0 is the last to lose.
        printed: Whether it is printed; columns that aren't stand at the right.
        key: What plans call it whatever its title; "" for the title itself.
        web: Whether its cells may lead to web addresses.
        aliases: What it may be called in a workbook that stands there; a moment's zone, in
            brackets behind it, is not part of these.
    """

    title: str
    kind: ColumnKind = "text"
    width: float = 20.0
    link_rank: int = 0
    printed: bool = True
    key: str = ""
    web: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The column's key, or its title if that is the same."""
        return self.key or self.title

    def is_called(self, title: str) -> bool:
        """Tell whether a title in a workbook that stands there is this column's."""
        if self.kind == "moment":
            title = title.rpartition(" (")[0] or title
        return title in {*self.aliases, self.title}


@dataclass(frozen=True)
class Highlight:
    """Cells of a column that are set off where they hold a certain text."""

    column: str
    text: str
    tone: Tone


@dataclass(frozen=True)
class Sheet:
    """A sheet that is one table, with its header in the first row.

    Attributes:
        name: Name of the sheet, at most 31 characters.
        columns: Its columns, from the left.
        rows: Its data rows.
        table: Name of the Excel table over header and rows.
        identity: Keys of the columns that tell which thing a row is about, so that a person's
            own cells can follow it; rows with the same are told apart by their order.
        origin: Key of the column with the id of the thing that a row comes from; "" if there is
            none.
        frozen_columns: Columns at the left that stay in sight.
        highlights: Cells to set off.
        marked: Cells to set off since they changed, as (row, column) from 0.
        description: What the sheet shows, in a sentence.
        key: What plans call it whatever its name; "" for the name itself.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    table: str
    identity: tuple[str, ...]
    origin: str = ""
    frozen_columns: int = 0
    highlights: tuple[Highlight, ...] = ()
    marked: frozenset[tuple[int, int]] = frozenset()
    description: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.key or self.name)

    @cached_property
    def linked(self) -> tuple[int, ...]:
        """Numbers of the columns in which there are links, from 0."""
        columns = range(len(self.columns))
        return tuple(at for at in columns if Link in map(type, map(itemgetter(at), self.rows)))


@dataclass(frozen=True, slots=True)
class Area:
    """Cells of one column of a board; rows and columns count from 0, the last row included."""

    column: int
    first_row: int
    last_row: int


@dataclass(frozen=True)
class Chart:
    """A chart of a board's own cells.

    Attributes:
        kind: Its kind.
        title: Its title.
        description: What it shows, for people who don't see it.
        categories: Cells with the names.
        values: Cells with the figures.
        row: Row of its upper left corner, from 0.
        column: Column of its upper left corner, from 0.
        width: In pixels at 96 per inch.
        height: In pixels at 96 per inch.
    """

    kind: ChartKind
    title: str
    description: str
    categories: Area
    values: Area
    row: int
    column: int
    width: int = 480
    height: int = 288


@dataclass(frozen=True)
class Shape:
    """A box with a text on a board.

    Attributes:
        text: What stands in it.
        description: What it stands for, for people who don't see it.
        x: Left edge, in pixels at 96 per inch from the sheet's left edge.
        y: Upper edge, in pixels from the sheet's upper edge.
        width: In pixels.
        height: In pixels.
        tone: Its colours; None for the plain ones.
        target: Where a click leads, if anywhere.
        strong: Whether it is set off by a thick outline.
    """

    text: str
    description: str
    x: int
    y: int
    width: int
    height: int
    tone: Tone | None = None
    target: Place | None = None
    strong: bool = False


@dataclass(frozen=True)
class Connector:
    """An arrow between two shapes of a board, given by their numbers from 0."""

    start: int
    end: int
    description: str
    dashed: bool = False


@dataclass(frozen=True)
class Board:
    """A sheet of cells in free places, with charts and shapes.

    Attributes:
        name: Name of the sheet, at most 31 characters.
        key: What plans call it whatever its name.
        widths: Widths of its columns in characters.
        cells: Values and looks, by (row, column) from 0.
        heights: Heights of rows that differ from the usual, in points.
        charts: Its charts.
        shapes: Its boxes.
        connectors: Its arrows.
        frozen: Rows and columns that stay in sight.
        headings: Rows at the top that are repeated on each printed page.
        fits_page: Whether it is printed on one page, upright.
        gridlines: Whether lines are shown between all cells.
        description: What the sheet shows, in a sentence.
    """

    name: str
    key: str
    widths: tuple[float, ...]
    cells: Mapping[tuple[int, int], tuple[Cell, Look]]
    heights: Mapping[int, float] = field(default_factory=dict)
    charts: tuple[Chart, ...] = ()
    shapes: tuple[Shape, ...] = ()
    connectors: tuple[Connector, ...] = ()
    frozen: tuple[int, int] = (0, 0)
    headings: int = 0
    fits_page: bool = False
    gridlines: bool = False
    description: str = ""


@dataclass(frozen=True)
class Plan:
    """A workbook.

    Attributes:
        organisation: Whose procedures it shows, "" if that is not known.
        title: Title of the document.
        subject: Subject of the document.
        made_at: Time stamp of the document (UTC).
        made_by: Program and version.
        sheets: Its sheets, from the left.
        time_zone: In which moments are shown.
        date_format: Excel's number format of moments.
        colours: Of header and tones.
        page_header: What stands at the upper right of each printed page.
        ids: Ids of everything that was ever listed; a row with another one is a person's.
        compared_at: When the data was last compared with its source, or None if it never was.
        listed: How many things there are now.
        archive: The sheet, without rows, for a person's cells whose row has gone. The writer
            fills the columns with the keys Archived, Sheet, Row, Column and Note.
    """

    organisation: str
    title: str
    subject: str
    made_at: datetime
    made_by: str
    sheets: tuple[Sheet | Board, ...]
    time_zone: tzinfo = UTC
    date_format: str = "yyyy-mm-dd hh:mm"
    colours: Colours = Colours()
    page_header: str = ""
    ids: frozenset[str] = frozenset()
    archive: Sheet | None = None
    compared_at: datetime | None = None
    listed: int = 0

    @property
    def tables(self) -> tuple[Sheet, ...]:
        """The sheets that are tables."""
        return tuple(sheet for sheet in self.sheets if isinstance(sheet, Sheet))


def limit_rows(sheet: Sheet) -> tuple[Sheet, int]:
    """Return the sheet with as many rows as Excel holds, and how many had to go."""
    room = EXCEL_ROWS - HEADER_ROWS
    return replace(sheet, rows=sheet.rows[:room]), max(0, len(sheet.rows) - room)


def limit_links(sheet: Sheet) -> tuple[Sheet, int]:
    """Return the sheet with as many links as Excel holds, and how many became plain values.

    Columns keep their links in the order of their `link_rank`; within a column the upper rows do.
    """
    counts = [0] * len(sheet.columns)
    for index in sheet.linked:
        counts[index] = sum(type(row[index]) is Link for row in sheet.rows)
    surplus = sum(counts) - EXCEL_LINKS_PER_SHEET
    if surplus <= 0:
        return sheet, 0
    room = EXCEL_LINKS_PER_SHEET
    allowed = [0] * len(counts)
    for index in sorted(range(len(counts)), key=lambda index: sheet.columns[index].link_rank):
        allowed[index] = min(counts[index], room)
        room -= allowed[index]
    return replace(sheet, rows=tuple(_demote(sheet.rows, allowed))), surplus


def _demote(rows: Iterable[tuple[Cell, ...]], allowed: list[int]) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        cells = list(row)
        for index, cell in enumerate(row):
            if isinstance(cell, Link):
                allowed[index] -= 1
                if allowed[index] < 0:
                    cells[index] = cell.value
        yield tuple(cells)
