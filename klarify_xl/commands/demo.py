"""The demo command: a sample organisation, its server, and a refresh from it."""

import platform
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from klarify_xl.commands.options import (
    ConfigOption,
    JsonOption,
    MapOption,
    OutOption,
    QuietOption,
)
from klarify_xl.commands.reporting import reported
from klarify_xl.console import Screen, show_changes, show_result
from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.errors import ConfigurationError
from klarify_xl.options_file import load_options
from klarify_xl.outcome import RefreshResult
from klarify_xl.pipeline import refresh
from klarify_xl.store import Store

_SETTLED: Final = timedelta(minutes=1)
"""How long ago the demo's people have stopped editing when a refresh begins."""


def demo(
    out: OutOption = "klarify.xlsx",
    store: Annotated[
        Path | None,
        typer.Option(
            help="The demo's store; by default klarify-demo-PROCEDURES-SEED.db.",
            show_default=False,
        ),
    ] = None,
    procedures: Annotated[int, typer.Option(min=0, help="Size of the organisation.")] = 1247,
    seed: Annotated[int, typer.Option(help="Another organisation.")] = 1,
    serve: Annotated[bool, typer.Option("--serve", help="Keep serving the demo API.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve at; 0 for any.")] = 0,
    latency: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds that a reply takes.")
    ] = 0.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make the workbook anew.")] = False,
    config: ConfigOption = None,
    map_centre: MapOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Try it without a key: a sample organisation that lives on from run to run."""
    screen = Screen(quiet=quiet, as_json=as_json)
    with reported(screen):
        if serve:
            organisation = Organisation(procedures=procedures, seed=seed)
            _serve(screen, _listening(organisation, port, latency))
            return
        store = store or Path(f"klarify-demo-{procedures}-{seed}.db")
        organisation = _grown_organisation(store, procedures, seed)
        with (
            _listening(organisation, port, latency) as running,
            screen.progress() as on_progress,
        ):
            result = refresh(
                out,
                access_key=running.access_key,
                base_url=running.url,
                store=store,
                options=replace(load_options(config), map_centre=map_centre or ""),
                overwrite=overwrite,
                on_progress=on_progress,
            )
    show_result(screen, result)
    if not as_json:
        _show_demo_changes(screen, result)


def _listening(organisation: Organisation, port: int, latency: float) -> DemoServer:
    try:
        return DemoServer(organisation, port=port, latency=latency)
    except OSError as error:
        raise ConfigurationError(
            f"The demo server can't listen ({error.strerror}).", hint="Choose another --port."
        ) from None


def _serve(screen: Screen, running: DemoServer) -> None:
    with running:
        screen.document({"base_url": running.url, "access_key": running.access_key})
        set_variable = "set" if platform.system() == "Windows" else "export"
        quote = "" if platform.system() == "Windows" else "'"
        screen.line(
            f"The demo API serves {len(running.organisation.rows):,} procedures; Ctrl-C stops it."
        )
        screen.line(f"{set_variable} KLARIFY_BASE_URL={running.url}")
        screen.line(f"{set_variable} KLARIFY_API_KEY={quote}{running.access_key}{quote}")
        try:
            running.wait()
        except KeyboardInterrupt:
            screen.line("Stopped.")


def _grown_organisation(store: Path, procedures: int, seed: int) -> Organisation:
    """Return the demo organisation, aged by a step for each earlier refresh in the store."""
    moments = []
    if store.exists():
        with Store(store, read_only=True) as opened:
            moments = [one.started_at for one in opened.refreshes() if one.outcome != "failed"]
    moments.append(datetime.now(UTC))
    # The day rather than the moment, which is not known yet when the first refresh begins.
    day = moments[0].replace(hour=0, minute=0, second=0, microsecond=0)
    organisation = Organisation(procedures=procedures, seed=seed, now=day)
    for moment in moments[1:]:
        organisation.evolve(moment - _SETTLED)
    return organisation


def _show_demo_changes(screen: Screen, result: RefreshResult) -> None:
    screen.line()
    if result.refresh == 1:
        screen.line("Run it again: meanwhile people edit, add and remove procedures.")
        return
    with Store(result.store, read_only=True) as opened:
        show_changes(screen, opened.changes(since=result.refresh), most=1000)
