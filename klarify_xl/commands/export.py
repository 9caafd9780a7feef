"""The export command: the store's tables as files for BI programs."""

from typing import Annotated

import typer

from klarify_xl.commands.options import (
    ExportFormat,
    FolderOption,
    JsonOption,
    QuietOption,
    StoreOption,
)
from klarify_xl.commands.reporting import reported
from klarify_xl.console import Screen, show_export
from klarify_xl.exports import Export
from klarify_xl.settings import load_settings
from klarify_xl.sheets import build_plan
from klarify_xl.store import Store


def export(
    out: FolderOption,
    formats: Annotated[
        list[ExportFormat], typer.Option("--format", help="What to write; repeat it for several.")
    ] = [ExportFormat.CSV],  # noqa: B006 -- Typer's form of a default
    sheets: Annotated[
        list[str] | None,
        typer.Option("--sheet", help="This table only; repeat it for several.", show_default=False),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace files that somebody changed; they are kept."),
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the store's tables for BI programs, without asking Klarify."""
    screen = Screen(quiet=quiet, as_json=as_json)
    with reported(screen):
        settings = load_settings(store=store)
        with Store(settings.store, read_only=True) as opened:
            writer = Export(
                out, [one.value for one in formats], tables=sheets or (), overwrite=overwrite
            )
            plan = build_plan(opened, limited=False)
        with screen.progress() as on_progress:
            result = writer.write(plan, on_progress)
        show_export(screen, result)
