"""The packs command: a workbook for each owner or lane."""

from typing import Annotated

import typer

from klarify_xl.commands.options import (
    ConfigOption,
    FolderOption,
    JsonOption,
    PackGrouping,
    QuietOption,
    StoreOption,
)
from klarify_xl.commands.reporting import reported
from klarify_xl.console import Screen, show_packs
from klarify_xl.errors import TargetLockedError
from klarify_xl.exit_codes import exit_code
from klarify_xl.options_file import load_options
from klarify_xl.packs import write_packs
from klarify_xl.settings import load_settings
from klarify_xl.store import Store


def packs(
    out: FolderOption,
    by: Annotated[PackGrouping, typer.Option("--by", help="What makes a pack: owner or lane.")],
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Make the packs anew; those with work in them are kept beside."
        ),
    ] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a workbook for each owner or lane from the store, ready to send."""
    screen = Screen(quiet=quiet, as_json=as_json)
    with reported(screen):
        options = load_options(config)
        with (
            Store(load_settings(store=store).store, read_only=True) as opened,
            screen.progress() as on_progress,
        ):
            result = write_packs(
                opened,
                out,
                by=by.value,
                options=options,
                overwrite=overwrite,
                on_progress=on_progress,
            )
        show_packs(screen, result)
    if result.refused:
        raise typer.Exit(exit_code(TargetLockedError("")))
