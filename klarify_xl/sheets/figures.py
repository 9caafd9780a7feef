"""Counts of a table's rows: formulas that Excel works out, each with what it gives now.

The values are counted in the planned cells, so that formula and value speak of the same rows.
Names from Klarify are compared with `EXACT` and a reference to the cell that shows the name:
`COUNTIFS` would read ``*``, ``~`` and ``>5`` as patterns, ignore case, and fail beyond 255
characters (Microsoft, "COUNTIFS function"); and a name never becomes part of a formula.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Final

from klarify_xl.limits import EXCEL_FIRST_DAY
from klarify_xl.plan import Cell, Formula, Link, Place, Sheet
from klarify_xl.sheets.inventory import Inventory

_DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 -- Excel's days have no time zone


@dataclass(frozen=True)
class Table:
    """A planned table, to count in.

    Attributes:
        sheet: The table.
        inventory: Leads to its rows, and says where to; None for no such words.
    """

    sheet: Sheet
    inventory: Inventory | None = None
    _values: dict[str, list[Cell]] = field(default_factory=dict, repr=False)
    _texts: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def column(self, key: str) -> str:
        """Return how formulas of a plan name a column.

        Raises:
            KeyError: There is no such column.
        """
        return f"{{{self.sheet.table}[{self.sheet.columns[self._indices[key]].name}]}}"

    def values(self, key: str) -> list[Cell]:
        """Return a column's values from above, without their links."""
        if key not in self._values:
            index = self._indices[key]
            self._values[key] = [
                cell.value if type(cell) is Link else cell
                for cell in (row[index] for row in self.sheet.rows)
            ]
        return self._values[key]

    def texts(self, key: str) -> list[str]:
        """Return a column's texts from above, "" for other cells."""
        if key not in self._texts:
            self._texts[key] = [value if type(value) is str else "" for value in self.values(key)]
        return self._texts[key]

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {column.name: index for index, column in enumerate(self.sheet.columns)}

    @property
    def _identity(self) -> str:
        """A column that no row leaves empty."""
        return self.column(self.sheet.identity[0])

    @property
    def size(self) -> Formula:
        """How many rows there are; a table without rows still has an empty one in Excel."""
        return Formula(f"COUNTA({self._identity})", len(self.sheet.rows))

    def exactly(self, key: str, text: str, cell: str) -> Formula:
        """Return in how many rows a column holds a text.

        Args:
            key: The column.
            text: The text.
            cell: Address of the cell that shows the text.
        """
        return Formula(
            f"SUMPRODUCT(--EXACT({self.column(key)},{cell}))", self.texts(key).count(text)
        )

    def empty(self, key: str) -> Formula:
        """Return in how many rows a column holds nothing, or only spaces."""
        return Formula(
            f"SUMPRODUCT((LEN({self._identity})>0)*(LEN(TRIM({self.column(key)}))=0))",
            sum(not text.strip(" ") for text in self.texts(key)),
        )

    def most_frequent(self, key: str, most: int) -> list[str]:
        """Return the texts that stand in most rows of a column, at most `most` of them."""
        counts = Counter(text for text in self.texts(key) if text.strip(" "))
        return sorted(counts, key=lambda text: (-counts[text], text.casefold(), text))[:most]

    def link(self, label: str, key: str, text: str) -> Cell:
        """Return a label that leads to the first row in which a column holds a text."""
        texts = self.texts(key)
        return self.link_to_row(label, texts.index(text) if text in texts else None)

    def link_to_first_empty(self, label: str, key: str) -> Cell:
        """Return a label that leads to the first row in which a column holds nothing."""
        empty = (row for row, text in enumerate(self.texts(key)) if not text.strip(" "))
        return self.link_to_row(label, next(empty, None))

    def link_to_row(self, label: str, row: int | None) -> Cell:
        """Return a label that leads to a row of the table, if there is such a row."""
        if row is None:
            return label
        if self.inventory is None:
            return Link(label, Place(self.sheet.key, row))
        return self.inventory.link_to(label, self.sheet.key, row)


def quoted(text: str) -> str:
    """Return one of our own words as a text within a formula."""
    return '"' + text.replace('"', '""') + '"'


def serial_days(moments: Sequence[Cell], zone: tzinfo) -> list[float | None]:
    """Return moments as Excel counts them, in days; None where a cell holds none that it can.

    Args:
        moments: Cells of a column of moments.
        zone: The time zone in which they are shown.
    """
    return [
        serial_day(moment, zone) if isinstance(moment, datetime) else None for moment in moments
    ]


def serial_day(moment: datetime, zone: tzinfo) -> float | None:
    """Return a moment as Excel counts it, in days, or None where it is before Excel's first."""
    try:
        shown = moment.astimezone(zone)
    except OverflowError:
        # On the last or first day that there is, another zone would show another year.
        shown = moment.astimezone(UTC)
    clock = shown.replace(tzinfo=None, microsecond=0)
    if clock < datetime(*EXCEL_FIRST_DAY):  # noqa: DTZ001 -- compared as shown
        return None
    return (clock - _DAY_ZERO) / timedelta(days=1)
