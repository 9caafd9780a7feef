"""Options that several commands have in common."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class RefreshFormat(StrEnum):
    """What a refresh can write."""

    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class ExportFormat(StrEnum):
    """What an export can write."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class PackGrouping(StrEnum):
    """What makes a pack."""

    OWNER = "owner"
    LANE = "lane"


class NotifyOn(StrEnum):
    """What a webhook is told of."""

    FAILURE = "failure"
    CHANGE = "change"


# Not a path, which would make s3:/bucket of s3://bucket.
OutOption = Annotated[
    str,
    typer.Option("--out", "-o", help="The workbook (.xlsx or .xlsm) to make or bring up to date."),
]
FolderOption = Annotated[
    str, typer.Option("--out", "-o", help="The folder to write into; made if missing.")
]
StoreOption = Annotated[
    Path | None, typer.Option(help="The local store. [env KLARIFY_STORE]", show_default=False)
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(help="Address of the API. [env KLARIFY_BASE_URL]", show_default=False),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(help="File that holds the access key and nothing else.", show_default=False),
]
ConfigOption = Annotated[
    Path | None, typer.Option(help="Options; by default ./klarify.toml.", show_default=False)
]
MapOption = Annotated[
    str | None,
    typer.Option(
        "--map", help="Id or name of the procedure that the map is about.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing on success.")]
LogFileOption = Annotated[
    Path | None, typer.Option(help="Append a detailed log to this file.", show_default=False)
]
LogJsonOption = Annotated[
    bool, typer.Option("--log-json", help="Log to standard error, one JSON object on each line.")
]
StatusFileOption = Annotated[
    Path | None,
    typer.Option(help="Where the outcome is noted; by default beside the store."),
]
