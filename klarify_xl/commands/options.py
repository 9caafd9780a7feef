"""Options that several commands have in common."""

from pathlib import Path
from typing import Annotated

import typer

OutOption = Annotated[
    Path, typer.Option("--out", "-o", help="The workbook (.xlsx) to make or bring up to date.")
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
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
LogFileOption = Annotated[
    Path | None, typer.Option(help="Append a detailed log to this file.", show_default=False)
]
