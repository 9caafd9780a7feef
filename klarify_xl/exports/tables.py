"""Sheets of a plan as tables for other programs: typed columns and plain values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from klarify_xl.plan import Cell, Column, Formula, Link, Sheet

Value = str | int | float | datetime | None
FieldType = Literal["text", "integer", "number", "moment", "mixed"]

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table; a mixed one holds texts, numbers and moments."""

    name: str
    type: FieldType


@dataclass(frozen=True)
class Table:
    """A table for other programs.

    Attributes:
        name: The stable name of the sheet's Excel table.
        description: What it shows, in a sentence.
        fields: Its columns.
        rows: Its rows, with a value for each column.
    """

    name: str
    description: str
    fields: tuple[Field, ...]
    rows: tuple[tuple[Value, ...], ...]

    @property
    def stem(self) -> str:
        """The name of the table's file without its ending: ``lane_totals`` for LaneTotals."""
        return _WORD_START.sub("_", self.name).lower()


def table_of(sheet: Sheet) -> Table:
    """Return a sheet as a table.

    Columns are named by their keys, and links are what they show. After a column that leads to
    web addresses follows one with the addresses, empty where a text is not linked.
    """
    fields: list[Field] = []
    columns: list[tuple[Value, ...]] = []
    for index, column in enumerate(sheet.columns):
        cells = [row[index] for row in sheet.rows]
        field, values = _typed(column, [_shown(cell) for cell in cells])
        fields.append(field)
        columns.append(values)
        if column.web:
            fields.append(Field(f"{column.name} address", "text"))
            columns.append(tuple(_address(cell) for cell in cells))
    rows = tuple(zip(*columns, strict=True))
    return Table(sheet.table, sheet.description, tuple(fields), rows)


def _shown(cell: Cell) -> Value:
    if isinstance(cell, Link):
        cell = cell.value
    return cell.value if isinstance(cell, Formula) else cell


def _address(cell: Cell) -> str | None:
    return cell.target if isinstance(cell, Link) and isinstance(cell.target, str) else None


def _typed(column: Column, values: list[Value]) -> tuple[Field, tuple[Value, ...]]:
    """Return a column's type, which its kind tells, and its values as that type."""
    if column.kind == "text":
        return Field(column.name, "text"), tuple(as_text(value) for value in values)
    kinds = {type(value) for value in values if value is not None}
    if column.kind == "moment" and kinds <= {datetime}:
        return Field(column.name, "moment"), tuple(values)
    if column.kind == "number" and kinds <= {int, float}:
        return Field(column.name, "number" if float in kinds else "integer"), tuple(values)
    return Field(column.name, "mixed"), tuple(values)


def as_text(value: Value) -> str | None:
    """Return a value as text; moments in ISO 8601 and UTC, all with the same number of digits."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value if value is None or isinstance(value, str) else str(value)


def select(tables: Iterable[Table], names: Iterable[str]) -> list[Table]:
    """Return the tables of these names, whatever their case and spaces; all if there are none.

    Raises:
        KeyError: There is no table of some name; it is the error's argument.
    """
    every = {_comparable(table.name): table for table in tables}
    if not (wanted := list(names)):
        return list(every.values())
    for name in wanted:
        if _comparable(name) not in every:
            raise KeyError(name)
    chosen = {_comparable(name) for name in wanted}
    return [table for name, table in every.items() if name in chosen]


def _comparable(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
