"""The workbook as plain data: sheets, columns, cells and links, for any writer to obey.

A plan knows nothing of openpyxl or Excel's object model, and a writer nothing of Klarify.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from klarify_xl.limits import EXCEL_LINKS_PER_SHEET, EXCEL_ROWS

HEADER_ROWS: Final = 1
"""Rows above the first data row of every sheet."""

ColumnKind = Literal["text", "mixed", "moment", "number"]
"""How a column's cells are formatted; a mixed one follows each value."""
Tone = Literal["good", "pending", "retired", "warning"]


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a sheet of the same workbook; data rows count from 0."""

    sheet: str
    row: int


@dataclass(frozen=True, slots=True)
class Link:
    """A cell that leads somewhere: to a web address, or to a row of the workbook."""

    value: str | int
    target: str | Place
    hint: str = ""


Cell = str | int | datetime | Link | None
"""A string is always shown as text; datetimes are aware and shown in UTC."""


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Attributes:
        title: Header, unique in its sheet.
        kind: How its cells are formatted.
        width: In characters of the default font.
        link_rank: Which column's links go first when there are too many; 0 is the last to lose.
        printed: Whether it is printed; columns that aren't stand at the right.
    """

    title: str
    kind: ColumnKind = "text"
    width: float = 20.0
    link_rank: int = 0
    printed: bool = True


@dataclass(frozen=True)
class Highlight:
    """Cells of a column that are set off where they hold a certain text."""

    column: str
    text: str
    tone: Tone


@dataclass(frozen=True)
class Sheet:
    """A sheet whose first row is the header.

    Attributes:
        name: Name of the sheet, at most 31 characters.
        columns: Its columns, from the left.
        rows: Its data rows.
        table: Name of the Excel table over header and rows, or None.
        frozen_columns: Columns at the left that stay in sight.
        highlights: Cells to set off.
        description: What the sheet shows, in a sentence.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    table: str | None = None
    frozen_columns: int = 0
    highlights: tuple[Highlight, ...] = ()
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
    """

    organisation: str
    title: str
    subject: str
    made_at: datetime
    made_by: str
    sheets: tuple[Sheet, ...]


def limit_rows(sheet: Sheet) -> tuple[Sheet, int]:
    """Return the sheet with as many rows as Excel holds, and how many had to go."""
    room = EXCEL_ROWS - HEADER_ROWS
    return replace(sheet, rows=sheet.rows[:room]), max(0, len(sheet.rows) - room)


def limit_links(sheet: Sheet) -> tuple[Sheet, int]:
    """Return the sheet with as many links as Excel holds, and how many became plain values.

    Columns keep their links in the order of their `link_rank`; within a column the upper rows do.
    """
    counts = [0] * len(sheet.columns)
    for row in sheet.rows:
        for index, cell in enumerate(row):
            counts[index] += isinstance(cell, Link)
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
