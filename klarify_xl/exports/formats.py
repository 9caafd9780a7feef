"""Tables as the bytes of CSV, JSON and Parquet files; equal tables give equal bytes.

CSV is for spreadsheets: with a byte order mark, without which Excel takes UTF-8 for an old code
page (Power BI, pandas and DuckDB read it, too), with the line ends and quotes of RFC 4180, and
escaped against formulas. JSON is one list with an object for each row, which is what BI programs
read without being told how. Parquet holds the types.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, Final

from klarify_xl.errors import ConfigurationError
from klarify_xl.exports.escaping import escape
from klarify_xl.exports.tables import Field, Table, Value, as_text


@dataclass(frozen=True)
class Encoded:
    """A file's content.

    Attributes:
        content: Its bytes.
        escaped: How many texts were escaped, by column.
    """

    content: bytes
    escaped: dict[str, int]


def as_csv(table: Table) -> Encoded:
    """Return a table as CSV, with escaped texts."""
    escaped: Counter[str] = Counter()

    def shown(field: Field, value: Value) -> Value:
        if isinstance(value, datetime):
            return as_text(value)
        if not isinstance(value, str):
            return value
        safe = escape(value)
        escaped[field.name] += safe != value
        return safe

    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(escape(field.name) for field in table.fields)
    for row in table.rows:
        writer.writerow(map(shown, table.fields, row))
    return Encoded(file.getvalue().encode("utf-8-sig"), {k: n for k, n in escaped.items() if n})


def as_json(table: Table) -> Encoded:
    """Return a table as one JSON list, with a line for each row."""
    names = [field.name for field in table.fields]
    lines = (
        json.dumps(
            dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False, default=as_text
        )
        for row in table.rows
    )
    body = ",\n".join(lines)
    return Encoded(f"[\n{body}\n]\n".encode() if body else b"[]\n", {})


def as_parquet(table: Table) -> Encoded:
    """Return a table as Parquet; mixed columns become texts."""
    pa, parquet = _arrow()
    types = {
        "text": pa.string(),
        "mixed": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "moment": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(field.name, types[field.type]) for field in table.fields])
    columns = [
        pa.array(
            [as_text(row[index]) if field.type == "mixed" else row[index] for row in table.rows],
            type=types[field.type],
        )
        for index, field in enumerate(table.fields)
    ]
    file = io.BytesIO()
    parquet.write_table(pa.table(columns, schema=schema), file, compression="snappy")
    return Encoded(file.getvalue(), {})


def _arrow() -> tuple[Any, ModuleType]:
    try:
        import pyarrow as pa  # noqa: PLC0415 -- an extra, and slow to load
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "Parquet files need the package pyarrow, which is not installed.",
            hint="Run: pip install 'klarify-xl[parquet]' (or pip install pyarrow).",
        ) from None
    return pa, parquet


def check_format(name: str) -> None:
    """Find out, before any work is done, whether files of a format can be made.

    Raises:
        ConfigurationError: There is no such format, or a package is missing.
    """
    if name not in FORMATS:
        raise ConfigurationError(
            f"There is no format {name!r}.", hint=f"Formats are: {', '.join(FORMATS)}."
        )
    if name == "parquet":
        _arrow()


FORMATS: Final[dict[str, Callable[[Table], Encoded]]] = {
    "csv": as_csv,
    "json": as_json,
    "parquet": as_parquet,
}
"""What makes a file of each format; the names are the files' endings."""
