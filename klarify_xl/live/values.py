"""What is entered into a cell of an open workbook, so that Excel takes it for what it is."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from klarify_xl.headless.cells import serial
from klarify_xl.headless.styles import is_long
from klarify_xl.plan import Cell, bare

Block = tuple[tuple[Any, ...], ...]
"""Rows of cells as Excel's object model takes and gives them."""

TEXT_FORMAT: Final = "@"
GENERAL_FORMAT: Final = "General"
SORT_MARK: Final = "klarify-xl row "
"""Begins what stands in a column while its table is sorted, should Excel fail meanwhile."""

LONGEST_IN_BLOCK: Final = 8203
"""Characters beyond which older versions of Excel refuse a text within a block."""

_READ: Final = frozenset("=+-@'")
"""What a formula begins with, and what says that a text follows."""

Shown = Callable[[datetime], datetime]
"""Gives a moment in the time zone in which it is shown."""


def entered(value: Cell, shown: Shown, *, as_text: bool) -> str | float | None:
    """Return what to assign to ``Value2`` for a planned value.

    Excel reads what is assigned as if a person had typed it: ``=1+1`` becomes a formula, ``1/2``
    a date. In a cell with the format of texts nothing is read; elsewhere an apostrophe before it
    says that it is a text.

    Args:
        value: What is planned; not a formula.
        shown: Gives a moment in the time zone in which it is shown.
        as_text: Whether the cell has the format of texts.
    """
    value = bare(value)
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        days = serial(shown(value))
        value = value.astimezone(UTC).isoformat() if days is None else days
    if isinstance(value, str):
        return f"'{value}" if not as_text and is_read(value) else value
    return float(value)


def is_read(text: str) -> bool:
    """Tell whether Excel might take a text for something else, outside the format of texts.

    What is too long for a number or a date may still begin like a formula.
    """
    return not is_long(text) or text.lstrip()[:1] in _READ


def rows_of(block: Any, rows: int, columns: int) -> Block:  # noqa: ANN401 -- what COM gives
    """Return what a range gives as rows of cells, also where it is a single cell.

    Args:
        block: What ``Value2`` or ``Formula`` gave.
        rows: Rows of the range.
        columns: Its columns.
    """
    if rows == 1 and columns == 1 and not isinstance(block, tuple):
        return ((block,),)
    return tuple(tuple(row) for row in block)
