"""What Excel hands to a worksheet function, and what it takes back.

Arguments come as COM gives them: a single cell as its value, a range as rows of values, numbers as
floats, dates as datetimes or serial numbers, an empty cell as None, an error as its code.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from klarify_xl.limits import EXCEL_FIRST_DAY
from klarify_xl.text import safe_text


class ExcelError(Enum):
    """Excel's own error values."""

    NULL = "#NULL!"
    DIVISION = "#DIV/0!"
    VALUE = "#VALUE!"
    REFERENCE = "#REF!"
    NAME = "#NAME?"
    NUMBER = "#NUM!"
    NOT_AVAILABLE = "#N/A"


Result = str | int | float | datetime | ExcelError
Table = list[list[Result]]

ERROR_CODES: Final[Mapping[int, ExcelError]] = {
    0x800A0000 + number - 0x1_0000_0000: error
    for number, error in (
        (2000, ExcelError.NULL),
        (2007, ExcelError.DIVISION),
        (2015, ExcelError.VALUE),
        (2023, ExcelError.REFERENCE),
        (2029, ExcelError.NAME),
        (2036, ExcelError.NUMBER),
        (2042, ExcelError.NOT_AVAILABLE),
    )
}
"""Errors by the codes in which cells hold them (Microsoft, "XlCVError enumeration")."""

_EPOCH: Final = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 0 of Excel's calendar, seen from March 1900 on."""

_LAST_SERIAL: Final = 2_958_466
"""First serial number beyond the year 9999."""

_GERMAN_DATE: Final = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,?\s+(\d{1,2}:\d{2}(?::\d{2})?))?"
)
_OUTSIDE: Final = ExcelError.NOT_AVAILABLE
"""Stands for a cell beyond the end of a range."""

_LAST_DAY: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""Last day whose end is a moment that Python knows."""

_DAY: Final = timedelta(days=1)


class CellError(Exception):
    """Ends a function with one of Excel's error values in place of an answer.

    Args:
        error: The error value.
    """

    def __init__(self, error: ExcelError) -> None:
        super().__init__(error.value)
        self.error = error


def rows_of(argument: object) -> list[list[object]]:
    """Return an argument as rows of cells, whatever shape it came in."""
    if not isinstance(argument, (tuple, list)):
        return [[argument]]
    if all(isinstance(row, (tuple, list)) for row in argument):
        return [list(row) for row in argument]
    return [list(argument)]


def each(function: Callable[..., Result], *arguments: object) -> Table:
    """Return a function's results for arguments cell by cell, in the shape that Excel would give.

    A single cell, row or column counts for all rows or columns of the other arguments. Where one
    has cells and another none, the result is ``#N/A``, as in Excel; where a cell is empty, "".

    Args:
        function: Called with one cell of each argument; may raise `CellError`.
        arguments: Cells or ranges.
    """

    def result(cells: list[object]) -> Result:
        if None in cells:
            return ""
        try:
            return ExcelError.NOT_AVAILABLE if _OUTSIDE in cells else function(*cells)
        except CellError as stop:
            return stop.error

    grids = [rows_of(argument) for argument in arguments]
    width = max(len(grid[0]) for grid in grids)
    table = []
    for row in range(max(len(grid) for grid in grids)):
        lines = [_place(grid, row, ()) for grid in grids]
        table.append(
            [result([_place(line, at, _OUTSIDE) for line in lines]) for at in range(width)]
        )
    return table


def _place(items: Sequence[Any], at: int, otherwise: object) -> Any:  # noqa: ANN401 -- a row or a cell
    """Return an item, the only one for all places, and `otherwise` beyond the end."""
    if len(items) == 1:
        return items[0]
    return items[at] if at < len(items) else otherwise


def single(argument: object) -> object:
    """Return the only cell of an argument.

    Raises:
        CellError: It has several.
    """
    rows = rows_of(argument)
    if len(rows) != 1 or len(rows[0]) != 1:
        raise CellError(ExcelError.VALUE)
    return rows[0][0]


def text_of(cell: object) -> str:
    """Return a cell as text: a number as Excel shows it, an empty cell as "".

    Raises:
        CellError: It holds an error, which is passed on, or a date, TRUE or FALSE.
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) and cell in ERROR_CODES:
        raise CellError(ERROR_CODES[cell])
    if isinstance(cell, bool) or not isinstance(cell, (int, float, Decimal)):
        raise CellError(ExcelError.VALUE)
    if not math.isfinite(cell):
        raise CellError(ExcelError.VALUE)
    # Excel keeps and shows 15 digits at most.
    return str(int(cell)) if cell == int(cell) else f"{float(cell):.15g}"


def texts_of(argument: object) -> list[str]:
    """Return the texts in an argument's cells, those that aren't empty.

    Raises:
        CellError: As `text_of`.
    """
    texts = (text_of(cell) for row in rows_of(argument) for cell in row)
    return [text for text in texts if text.strip()]


def number_of(cell: object, *, otherwise: int | None = None) -> int | None:
    """Return a cell as a whole number from 1, or `otherwise` where it is empty.

    Raises:
        CellError: It holds something else.
    """
    text = text_of(cell).strip()
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise CellError(ExcelError.VALUE)
    return int(text)


def moment_of(cell: object, *, end_of_day: bool = False) -> datetime:
    """Return a cell's date or time as a moment in UTC.

    Texts are read as ISO 8601 (2026-03-31, 2026-03-31 14:30) or as German dates (31.03.2026).
    Dates with slashes are not: nobody can tell day and month apart.

    Args:
        cell: A serial number, a datetime or a text.
        end_of_day: Whether a date without a time means its end instead of its begin.

    Raises:
        CellError: It is no date, or an error, which is passed on.
    """
    moment = _moment(cell)
    at_midnight = moment == moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if not end_of_day or not at_midnight:
        return moment
    return min(moment, _LAST_DAY) + _DAY


def _moment(cell: object) -> datetime:
    if isinstance(cell, datetime):
        # COM hands dates over with a time zone that means nothing.
        return cell.replace(tzinfo=UTC)
    if isinstance(cell, str):
        return _written_moment(cell.strip())
    serial = float(text_of(cell) or "nan")
    first = (datetime(*EXCEL_FIRST_DAY, tzinfo=UTC) - _EPOCH).days
    if not first <= serial < _LAST_SERIAL:
        raise CellError(ExcelError.VALUE)
    seconds = round((serial - int(serial)) * 86_400)
    return _EPOCH + timedelta(days=int(serial), seconds=seconds)


def _written_moment(text: str) -> datetime:
    german = _GERMAN_DATE.fullmatch(text)
    if german:
        day, month, year, time = german.groups()
        text = f"{year}-{month:0>2}-{day:0>2}" + (f" {time:0>5}" if time else "")
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise CellError(ExcelError.VALUE) from None


def shown(text: str) -> str:
    """Return a text as a cell can hold it, cut with a note where it is too long."""
    return safe_text(text).text


def shown_moment(moment: datetime | None) -> str | datetime:
    """Return a moment as Excel takes dates, without a time zone.

    None is shown as "", and what lies before Excel's calendar as a text.
    """
    if moment is None:
        return ""
    plain = moment.replace(tzinfo=None)
    return plain.isoformat(" ", "seconds") if plain < datetime(*EXCEL_FIRST_DAY) else plain  # noqa: DTZ001 -- cells know no time zones
