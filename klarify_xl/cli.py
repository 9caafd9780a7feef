"""The command line: with its commands the only place that asks, exits or starts the demo."""

import getpass
import sys
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from klarify_xl import __version__
from klarify_xl.commands.check import check
from klarify_xl.commands.demo import demo
from klarify_xl.commands.export import export
from klarify_xl.commands.fleet import fleet
from klarify_xl.commands.install import install, uninstall
from klarify_xl.commands.noting import Places, noted
from klarify_xl.commands.options import (
    BaseUrlOption,
    ConfigOption,
    JsonOption,
    KeyFileOption,
    LogFileOption,
    LogJsonOption,
    MapOption,
    NotifyOn,
    OutOption,
    QuietOption,
    RefreshFormat,
    StatusFileOption,
    StoreOption,
)
from klarify_xl.commands.packs import packs
from klarify_xl.commands.reporting import logged, reported
from klarify_xl.commands.schedule import schedule_app
from klarify_xl.commands.status import status
from klarify_xl.console import Screen, show_changes, show_result
from klarify_xl.errors import ConfigurationError
from klarify_xl.exit_codes import EXIT_STOPPED, EXIT_UNCHANGED, exit_code
from klarify_xl.options_file import load_options
from klarify_xl.options_sample import sample
from klarify_xl.os_keyring import find_safe_keyring, forget_in_keyring, keep_in_keyring
from klarify_xl.pipeline import WORKBOOK_NAME, refresh
from klarify_xl.secret import AccessKey
from klarify_xl.settings import (
    find_access_key,
    load_settings,
)
from klarify_xl.store import Store
from klarify_xl.telling import telling_failure

_USAGE_ERROR: Final[Any] = typer.BadParameter.__base__
"""What Typer raises for a wrong option; the class itself has no public name there."""

app = typer.Typer(
    help="Klarify's procedures in Excel.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
key_app = typer.Typer(help="Keep the access key in the OS keyring.", no_args_is_help=True)
app.add_typer(key_app, name="key")
app.add_typer(schedule_app, name="schedule")


def run() -> None:
    """Run the command line, and exit."""
    try:
        sys.exit(app(prog_name="klarify-xl", standalone_mode=False))
    except _USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            Screen().line(error.format_message())
            sys.exit(exit_code(ConfigurationError("")))
        wrong = ConfigurationError(
            error.format_message(), hint="See `klarify-xl --help`, or a command's own --help."
        )
        screen = Screen(as_json="--json" in sys.argv, log_json="--log-json" in sys.argv)
        with screen.logging_lines():
            screen.failure(wrong, exit_code(wrong))
        sys.exit(exit_code(wrong))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(EXIT_STOPPED)


def _show_version(wanted: bool) -> None:
    if wanted:
        Screen().line(f"klarify-xl {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Klarify's procedures in Excel."""


@app.command("refresh")
def _refresh(
    out: OutOption,
    formats: Annotated[
        list[RefreshFormat],
        typer.Option(
            "--format",
            help="What to write; repeat it for several. With csv, json or parquet, --out is a "
            f"folder for all files, and the workbook's name is {WORKBOOK_NAME}.",
        ),
    ] = [RefreshFormat.XLSX],  # noqa: B006 -- Typer's form of a default
    store: StoreOption = None,
    base_url: BaseUrlOption = None,
    key_file: KeyFileOption = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again.")] = False,
    accept_removals: Annotated[
        bool,
        typer.Option("--accept-removals", help="Believe it when very many procedures vanish."),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Make the workbook anew; one with work in it is kept beside."
        ),
    ] = False,
    into: Annotated[
        bool, typer.Option("--into", help="Add the sheets to a workbook that isn't from here.")
    ] = False,
    backup: Annotated[
        bool, typer.Option("--backup", help="Keep the file before as NAME.previous.xlsx.")
    ] = False,
    map_centre: MapOption = None,
    exit_unchanged: Annotated[
        bool,
        typer.Option("--exit-unchanged", help=f"Exit with {EXIT_UNCHANGED} if nothing changed."),
    ] = False,
    tell_failure: Annotated[
        bool,
        typer.Option("--tell-failure", help="If it fails, let a workbook that is there say so."),
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    log_file: LogFileOption = None,
    log_json: LogJsonOption = False,
    status_file: StatusFileOption = None,
    metrics_file: Annotated[
        Path | None,
        typer.Option(help="The outcome for Prometheus (node_exporter's textfiles, *.prom)."),
    ] = None,
    notify_on: Annotated[
        list[NotifyOn],
        typer.Option(help="What the webhook in KLARIFY_WEBHOOK is told of; repeat it for both."),
    ] = [NotifyOn.FAILURE],  # noqa: B006 -- Typer's form of a default
) -> None:
    """Read what is new from Klarify, and bring the workbook up to date."""
    screen = Screen(quiet=quiet, as_json=as_json, log_json=log_json)
    places = Places(out, store, status_file, metrics_file, notify_on)
    with (
        screen.logging_lines(),
        reported(screen),
        logged(log_file),
        noted(places, screen) as note,
        telling_failure(out, formats, config) if tell_failure else nullcontext(),
    ):
        settings = load_settings(base_url=base_url, store=store)
        options = replace(load_options(config), map_centre=map_centre or "")
        with screen.progress() as on_progress:
            result = refresh(
                out,
                formats=[one.value for one in formats],
                key_file=key_file,
                settings=settings,
                options=options,
                full=full,
                accept_removals=accept_removals,
                overwrite=overwrite,
                into=into,
                backup=backup,
                on_progress=on_progress,
            )
        note(result)
        show_result(screen, result)
    if exit_unchanged and result.outcome == "unchanged":
        raise typer.Exit(EXIT_UNCHANGED)


app.command("check")(check)


@app.command("changes")
def _changes(
    store: StoreOption = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="From then on (UTC)."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole history.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Lines to show; --json always gives all.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show what changed: at the last refresh that found something, or since a day."""
    screen = Screen(as_json=as_json)
    with reported(screen):
        settings = load_settings(store=store)
        with Store(settings.store, read_only=True) as opened:
            log = [one for one in opened.refreshes() if one.outcome == "changed"]
            first = log[0].id if log and not everything else 0
            if since is not None:
                moment = since.replace(tzinfo=UTC)
                log = [one for one in log if one.started_at >= moment]
            elif not everything:
                log = log[-1:]
            changes = opened.changes(since=log[0].id) if log else []
    if not changes:
        screen.line("Nothing changed.")
    show_changes(screen, changes, most=limit, first=first)


@app.command("options")
def _options() -> None:
    """Print a complete klarify.toml, every setting with its default, to start from."""
    Screen().line(sample().rstrip())


@key_app.command("set")
def _key_set(base_url: BaseUrlOption = None) -> None:
    """Ask for the access key, without showing it, and keep it in the OS keyring."""
    screen = Screen()
    with reported(screen):
        address = load_settings(base_url=base_url).base_url
        find_safe_keyring()
        try:
            interactive = sys.stdin.isatty()
            typed = getpass.getpass("Access key: ") if interactive else sys.stdin.readline()
        except EOFError:
            typed = ""
        place = keep_in_keyring(address, AccessKey(typed))
    screen.line(f"The key is kept in {place}. Now run `klarify-xl check`.")


@key_app.command("show")
def _key_show(base_url: BaseUrlOption = None, key_file: KeyFileOption = None) -> None:
    """Tell which source the access key comes from; the key itself is never shown."""
    screen = Screen()
    with reported(screen):
        address = load_settings(base_url=base_url).base_url
        screen.line(f"The key comes from: {find_access_key(address, key_file=key_file).source}")


@key_app.command("remove")
def _key_remove(base_url: BaseUrlOption = None) -> None:
    """Remove the access key from the OS keyring."""
    screen = Screen()
    with reported(screen):
        was_there = forget_in_keyring(load_settings(base_url=base_url).base_url)
    screen.line("The key was removed." if was_there else "The keyring held no key.")


app.command("export")(export)
app.command("packs")(packs)
app.command("fleet")(fleet)
app.command("status")(status)
app.command("demo")(demo)
app.command("install")(install)
app.command("uninstall")(uninstall)
