"""The fleet command: many organisations at once, on a Dask cluster."""

from pathlib import Path
from typing import Annotated

import typer

from klarify_xl.commands.options import JsonOption, LogFileOption, QuietOption
from klarify_xl.commands.reporting import logged, reported
from klarify_xl.console import Screen, fleet_failure, show_fleet
from klarify_xl.errors import FleetError
from klarify_xl.exit_codes import exit_code
from klarify_xl.fleet.file import load_fleet
from klarify_xl.fleet.manifest import Record
from klarify_xl.fleet.run import run_fleet


def fleet(
    file: Annotated[Path, typer.Argument(help="The fleet.toml that lists the organisations.")],
    scheduler: Annotated[
        str,
        typer.Option(
            help="Address of a Dask cluster, such as tcp://host:8786; by default one is started "
            "on this machine.",
            show_default=False,
        ),
    ] = "",
    workers: Annotated[
        int,
        typer.Option(min=0, help="Processes of the cluster on this machine.", show_default=False),
    ] = 0,
    run: Annotated[
        str,
        typer.Option(
            help="Name of the run; what it has done is not done again. By default the date on "
            "which the night began, which ends at noon.",
            show_default=False,
        ),
    ] = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    log_file: LogFileOption = None,
) -> None:
    """Refresh many organisations side by side, and go on where a run was broken off."""
    screen = Screen(quiet=quiet, as_json=as_json)

    def tell(record: Record) -> None:
        screen.note(fleet_failure(record.organisation, record.message))

    with reported(screen), logged(log_file):
        found = load_fleet(file)
        with screen.progress() as on_progress:
            result = run_fleet(
                found,
                scheduler=scheduler,
                workers=workers,
                run=run,
                on_progress=on_progress,
                on_failure=tell,
            )
        show_fleet(screen, result)
    if result.failed:
        raise typer.Exit(exit_code(FleetError("")))
