"""Applies a table's filter to rows as Excel would when it is asked to apply it again."""

from collections.abc import Callable
from datetime import datetime

from lxml import etree

from klarify_xl.headless.cells import OwnCell, plain_text
from klarify_xl.headless.merge import Line
from klarify_xl.headless.stylesheet import q
from klarify_xl.plan import Cell, bare

Value = Cell | OwnCell


def row_filter(
    table: etree._Element, left: int, values: Callable[[Line, int], Value]
) -> Callable[[Line], bool | None]:
    """Return what tells whether a table's filter hides a row.

    Lists of values are applied. For other filters (by colour, date, rank or condition) the answer
    is None: rows that were hidden stay so, and new ones are shown until the filter is applied
    again in Excel.

    Args:
        table: The table's XML.
        left: Its first column, from 1.
        values: Gives a row's value in a column of the sheet, from 1.
    """
    wanted: list[tuple[int, frozenset[str], bool]] = []
    for column in table.iter(q("filterColumn")):
        filters = column.find(q("filters"))
        if filters is None or any(child.tag != q("filter") for child in filters):
            return lambda _line: None
        texts = frozenset(plain_text(one.get("val", "")).casefold() for one in filters)
        blanks = filters.get("blank") in {"1", "true"}
        wanted.append((left + int(column.get("colId", "0")), texts, blanks))
    if not wanted:
        return lambda _line: None

    def is_hidden(line: Line) -> bool:
        for column, texts, blanks in wanted:
            shown = _texts(values(line, column))
            if not (texts & shown if shown else blanks):
                return True
        return False

    return is_hidden


def _texts(value: Value) -> frozenset[str]:
    """Return what a value may read like, none for an empty one."""
    value = value.text if isinstance(value, OwnCell) else bare(value)
    if value is None or value == "":
        return frozenset()
    if isinstance(value, datetime):
        return frozenset({value.isoformat()})
    if isinstance(value, str):
        return frozenset({value.strip().casefold()})
    return frozenset({f"{value:g}", f"{value:,g}", str(value)})
