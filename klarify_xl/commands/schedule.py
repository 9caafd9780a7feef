"""The schedule commands: let the operating system run a refresh, show that, and remove it."""

import inspect
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_type_hints

import typer

from klarify_xl.commands.options import OutOption
from klarify_xl.commands.reporting import reported
from klarify_xl.console import Screen
from klarify_xl.errors import ConfigurationError
from klarify_xl.os_keyring import KEY_VARIABLE
from klarify_xl.schedule import Schedule, Step, name_of, parse_time
from klarify_xl.schedule.doing import carry_out, described, installing, scheduler, usable
from klarify_xl.settings import (
    BASE_URL_VARIABLE,
    VARIABLES,
    find_access_key,
    load_settings,
)
from klarify_xl.status import whole_path


class ScheduleKind(StrEnum):
    """What runs the refresh."""

    SYSTEMD = "systemd"
    CRON = "cron"
    LAUNCHD = "launchd"
    WINDOWS = "windows"


class ScheduleEvery(StrEnum):
    """How often the refresh runs."""

    HOUR = "hour"
    DAY = "day"
    WEEKDAY = "weekday"


KindOption = Annotated[
    ScheduleKind | None,
    typer.Option(help="The scheduler; by default the one that this system has."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
]

_PASSED_ON: Final = {"allow_extra_args": True, "ignore_unknown_options": True}
_REFUSED: Final = {
    "accept_removals": "believing that very many procedures vanished is a decision for one time",
    "exit_unchanged": "schedulers take every exit code but 0 for a failure",
}
_OUTSIDE: Final = (
    *(name for name in VARIABLES if name not in {BASE_URL_VARIABLE, "KLARIFY_STORE"}),
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"),
)
"""Variables of this session that a refresh uses and a scheduled one would miss."""

schedule_app = typer.Typer(
    help="Let the operating system run a refresh at certain times.", no_args_is_help=True
)


@schedule_app.command("install", context_settings=_PASSED_ON)
def install(
    context: typer.Context,
    out: OutOption,
    every: Annotated[ScheduleEvery, typer.Option(help="How often.")] = ScheduleEvery.WEEKDAY,
    at: Annotated[
        str, typer.Option(help="Local time; with --every hour only the minutes count.")
    ] = "06:30",
    kind: KindOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Set up a refresh at certain times; all options of `refresh` can be given, too."""
    screen = Screen()
    # Told as a wrong option of this command would be.
    parsed = _parsed(context, out)
    with reported(screen):
        moment = parse_time(at)
        chosen = scheduler(kind.value if kind else None)
        given = _refresh_options(parsed)
        schedule = Schedule(
            out=whole_path(out),
            command=(sys.executable, "-P", "-m", "klarify_xl", "refresh", *given),
            folder=str(Path.cwd()),
            every=every.value,
            at=moment,
            machine=platform.node(),
            user="\\".join(filter(None, map(os.environ.get, ("USERDOMAIN", "USERNAME")))),
        )
        source = _check_key(parsed.params)
        steps = installing(chosen, schedule)
        when = f"at minute {at[-2:]}" if every is ScheduleEvery.HOUR else f"at {at}"
        screen.line(f"With {chosen.kind}, every {every.value} {when}, in {schedule.folder}:")
        _show(screen, steps)
        for note in (*chosen.notes, *_cautions(source)):
            screen.line(f"Mind: {note}")
        if _is_agreed("Set this up?", dry_run=dry_run, yes=yes):
            carry_out(steps)
            screen.line("Set up. `klarify-xl status` tells how it went.")


@schedule_app.command("show")
def show(
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="The workbook; by default all.")
    ] = None,
    kind: KindOption = None,
) -> None:
    """Show schedules of ours as the system keeps them."""
    screen = Screen()
    with reported(screen):
        found = False
        for one in usable(kind.value if kind else None):
            for name in one.names() if out is None else [name_of(os.fspath(out))]:
                text = one.shown(name)
                if text:
                    found = True
                    screen.line(f"{one.kind}, {name}:")
                    screen.line(text.rstrip())
        if not found:
            screen.line("There is no schedule.")


@schedule_app.command("remove")
def remove(
    out: OutOption,
    kind: KindOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Remove the schedule of a workbook, and nothing else."""
    screen = Screen()
    with reported(screen):
        name = name_of(os.fspath(out))
        chosen = usable(kind.value if kind else None)
        steps = [step for one in chosen for step in one.removing(name)]
        if not steps:
            screen.line("There is no schedule.")
            return
        _show(screen, steps)
        if _is_agreed("Remove it?", dry_run=dry_run, yes=yes):
            carry_out(steps)
            screen.line("Removed.")


def _show(screen: Screen, steps: Sequence[Step]) -> None:
    for line in described(steps):
        screen.line(f"  {line}")


def _is_agreed(question: str, *, dry_run: bool, yes: bool) -> bool:
    """Ask, unless that is answered already.

    Raises:
        ConfigurationError: Nobody is there to answer.
    """
    if dry_run or yes:
        return yes and not dry_run
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "Nobody is there to agree to this.", hint="Add --yes to do it, or --dry-run to look."
        )
    return typer.confirm(question)


def _parsed(context: typer.Context, out: str) -> Any:  # noqa: ANN401 -- Typer's own context
    """Return the options of the refresh as its own command understands them."""
    root: Any = context.find_root().command
    return root.commands["refresh"].make_context("refresh", ["--out", out, *context.args])


def _refresh_options(given: Any) -> list[str]:  # noqa: ANN401 -- Typer's own context
    """Return the options of the refresh with whole paths, and what the environment adds.

    Raises:
        ConfigurationError: An option makes no sense on a schedule.
    """
    hints = get_type_hints(inspect.unwrap(given.command.callback))
    arguments: list[str] = []
    for option in given.command.params:
        source = given.get_parameter_source(option.name)
        if source is None or source.name != "COMMANDLINE":
            continue
        if option.name in _REFUSED:
            raise ConfigurationError(
                f"{option.opts[0]} is not for schedules: {_REFUSED[option.name]}.",
                hint="Leave it out.",
            )
        is_path = option.name == "out" or Path in {
            hints[option.name],
            *get_args(hints[option.name]),
        }
        arguments += _words(option.opts[0], given.params[option.name], is_path=is_path)
    return [*arguments, *_fixed(given.params)]


def _words(option: str, value: object, *, is_path: bool) -> Iterator[str]:
    """Yield an option and its value as words of a command line."""
    if isinstance(value, bool):
        yield option
        return
    for one in value if isinstance(value, list | tuple) else [value]:
        text = whole_path(str(one)) if is_path else str(getattr(one, "value", one))
        if text.startswith("-"):
            yield f"{option}={text}"
        else:
            yield from (option, text)


def _fixed(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield what this session's environment says, and silence, where they are not given."""
    if given["store"] is None:
        yield from ("--store", whole_path(load_settings().store))
    if given["base_url"] is None and os.environ.get(BASE_URL_VARIABLE):
        yield from ("--base-url", load_settings().base_url)
    if not given["tell_failure"]:
        yield "--tell-failure"
    if not (given["quiet"] or given["as_json"] or given["log_json"]):
        yield "--quiet"


def _check_key(given: Mapping[str, Any]) -> str:
    """Return where a scheduled refresh will find the key.

    Raises:
        ConfigurationError: It would find none.
    """
    address = load_settings(base_url=given["base_url"]).base_url
    source = find_access_key(address, key_file=given["key_file"]).source
    if source.startswith("environment variable"):
        raise ConfigurationError(
            f"The key comes from {KEY_VARIABLE} in this session's environment, which a schedule "
            "does not see.",
            hint=f"Run `klarify-xl key set`, or put it into a file for --key-file, or into "
            f"{Path.cwd() / '.env'}.",
        )
    return source


def _cautions(source: str) -> Iterator[str]:
    """Yield what may keep a scheduled refresh from working although it works here and now."""
    yield f"The key will come from: {source}."
    if "keyring" in source.lower() and sys.platform == "linux":
        yield (
            "A keyring can be read only while it is unlocked, usually while you are logged in; on "
            "a server use --key-file."
        )
    missed = [name for name in _OUTSIDE if os.environ.get(name)]
    if missed:
        yield (
            f"{', '.join(missed)} stand in this session's environment, which a schedule does not "
            f"see. KLARIFY_… may stand in {Path.cwd() / '.env'}."
        )
