"""The command line: the only place that asks, exits or starts the demo server."""

import getpass
import logging
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from klarify_xl import __version__
from klarify_xl.check import run_checks
from klarify_xl.console import Screen, show_changes, show_findings, show_result
from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.errors import CancelledError, ConfigurationError, KlarifyError
from klarify_xl.exit_codes import EXIT_STOPPED, EXIT_UNCHANGED, EXIT_UNEXPECTED, exit_code
from klarify_xl.options_file import load_options
from klarify_xl.options_sample import sample
from klarify_xl.pipeline import RefreshResult, refresh
from klarify_xl.secret import AccessKey
from klarify_xl.settings import (
    find_access_key,
    find_safe_keyring,
    forget_in_keyring,
    keep_in_keyring,
    load_settings,
)
from klarify_xl.store import Store

_USAGE_ERROR: Final[Any] = typer.BadParameter.__base__
"""What Typer raises for a wrong option; the class itself has no public name there."""

_SETTLED: Final = timedelta(minutes=1)
"""How long ago the demo's people have stopped editing when a refresh begins."""

app = typer.Typer(
    help="Klarify's procedures in Excel.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
key_app = typer.Typer(help="Keep the access key in the OS keyring.", no_args_is_help=True)
app.add_typer(key_app, name="key")

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
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
LogFileOption = Annotated[
    Path | None, typer.Option(help="Append a detailed log to this file.", show_default=False)
]


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
        Screen(as_json="--json" in sys.argv).failure(wrong, exit_code(wrong))
        sys.exit(exit_code(wrong))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(EXIT_STOPPED)


@contextmanager
def _reported(screen: Screen) -> Iterator[None]:
    """Turn errors into text and exit codes."""
    try:
        yield
    except KlarifyError as error:
        screen.failure(error, exit_code(error))
        raise typer.Exit(exit_code(error)) from None
    except KeyboardInterrupt:
        stopped = CancelledError("Stopped.")
        screen.failure(stopped, exit_code(stopped))
        raise typer.Exit(exit_code(stopped)) from None
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 -- until exit
        raise typer.Exit from None
    except typer.Exit:
        raise
    except Exception as error:
        logging.getLogger("klarify_xl").exception("Unexpected error")
        unexpected = KlarifyError(
            f"Something unexpected happened: {type(error).__name__}.",
            hint="Please report it, with the file of --log-file if you can.",
        )
        screen.failure(unexpected, EXIT_UNEXPECTED)
        raise typer.Exit(EXIT_UNEXPECTED) from None


@contextmanager
def _logged(file: Path | None) -> Iterator[None]:
    """Append what the package and its HTTP library log to a file, in UTC."""
    if file is None:
        yield
        return
    try:
        handler = logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The log file {file} can't be written ({error.strerror}).",
            hint="Choose another --log-file.",
        ) from None
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s")
    formatter.converter = lambda seconds: datetime.fromtimestamp(seconds or 0, UTC).timetuple()
    handler.setFormatter(formatter)
    loggers = [logging.getLogger(name) for name in ("klarify_xl", "urllib3")]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()


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
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    log_file: LogFileOption = None,
) -> None:
    """Read what is new from Klarify, and bring the workbook up to date."""
    screen = Screen(quiet=quiet, as_json=as_json)
    with _reported(screen), _logged(log_file):
        settings = load_settings(base_url=base_url, store=store)
        options = replace(load_options(config), map_centre=map_centre or "")
        with screen.progress() as on_progress:
            result = refresh(
                out,
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
        show_result(screen, result)
    if exit_unchanged and result.outcome == "unchanged":
        raise typer.Exit(EXIT_UNCHANGED)


@app.command("check")
def _check(
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="The workbook to be written.")
    ] = None,
    store: StoreOption = None,
    base_url: BaseUrlOption = None,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether key, address, proxy, TLS, service, clock, store and workbook are fine."""
    screen = Screen(as_json=as_json)
    with _reported(screen):
        settings = load_settings(base_url=base_url, store=store)
        findings = run_checks(settings, out, key_file)
    show_findings(screen, findings)
    errors = [finding.error for finding in findings if finding.error]
    if errors:
        raise typer.Exit(exit_code(errors[0]))
    odd = sum(finding.state != "fine" for finding in findings)
    screen.line(f"A refresh can run; worth a look: {odd}." if odd else "All is fine.")


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
    with _reported(screen):
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
    with _reported(screen):
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
    with _reported(screen):
        address = load_settings(base_url=base_url).base_url
        screen.line(f"The key comes from: {find_access_key(address, key_file=key_file).source}")


@key_app.command("remove")
def _key_remove(base_url: BaseUrlOption = None) -> None:
    """Remove the access key from the OS keyring."""
    screen = Screen()
    with _reported(screen):
        was_there = forget_in_keyring(load_settings(base_url=base_url).base_url)
    screen.line("The key was removed." if was_there else "The keyring held no key.")


@app.command("demo")
def _demo(
    out: OutOption = Path("klarify.xlsx"),
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
    with _reported(screen):
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
    organisation = Organisation(procedures=procedures, seed=seed, now=moments[0])
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
