"""The export command: the store's tables as files for BI programs."""

from dataclasses import replace
from typing import Annotated

import typer

from klarify_xl.commands.options import (
    ConfigOption,
    ExportFormat,
    FolderOption,
    JsonOption,
    QuietOption,
    StoreOption,
)
from klarify_xl.commands.reporting import reported
from klarify_xl.console import Screen, show_export
from klarify_xl.exports import Export, export_files
from klarify_xl.options_file import load_options
from klarify_xl.remote import open_destination
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
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the store's tables for BI programs, without asking Klarify."""
    screen = Screen(quiet=quiet, as_json=as_json)
    with reported(screen):
        options = load_options(config)
        with Store(load_settings(store=store).store, read_only=True) as opened:
            plan = build_plan(opened, options, limited=False)
        names = [one.value for one in formats]
        with (
            open_destination(out, export_files(plan, names).__contains__) as place,
            screen.progress() as on_progress,
        ):
            writer = Export(place.path, names, tables=sheets or (), overwrite=overwrite)
            result = writer.write(plan, on_progress)
            place.publish()
        show_export(screen, replace(result, out=place.shown))
