"""The status command: how the refreshes of a workbook went, for a person or a monitor."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from klarify_xl.commands.options import JsonOption, StoreOption
from klarify_xl.commands.reporting import reported
from klarify_xl.console import Screen, show_statuses
from klarify_xl.errors import ConfigurationError, StoreError
from klarify_xl.exit_codes import EXIT_STALE
from klarify_xl.settings import find_store
from klarify_xl.status import Status, read_status, status_file, status_files

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_DURATION: Final = re.compile("([0-9]{1,5})([mhd])")


def status(
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="The workbook; by default all made from the store."),
    ] = None,
    store: StoreOption = None,
    file: Annotated[
        Path | None, typer.Option("--status-file", help="The file that --status-file wrote.")
    ] = None,
    max_age: Annotated[
        str | None,
        typer.Option(
            help="Greatest age of the last success, such as 26h, 90m or 3d, whatever has failed "
            f"since. If it is older, or without this the last refresh failed, exit with "
            f"{EXIT_STALE}."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell when workbooks were last refreshed, or why not, without asking Klarify."""
    screen = Screen(as_json=as_json)
    with reported(screen):
        limit = _duration(max_age) if max_age is not None else None
        statuses = _statuses(out, store, file)
        now = datetime.now(UTC)
        show_statuses(screen, statuses, now, limit)
        if not all(one.is_good(now, limit) for one in statuses):
            raise typer.Exit(EXIT_STALE)


def _statuses(out: str | None, store: Path | None, file: Path | None) -> list[Status]:
    if file is not None:
        return [read_status(file)]
    place = find_store(store)
    if out is not None:
        return [read_status(status_file(place, out))]
    found = status_files(place)
    if not found:
        raise StoreError(
            f"No refresh has been noted beside the store {place}.",
            hint="Run `klarify-xl refresh` first, or name the right --store or --status-file.",
        )
    return [read_status(one) for one in found]


def _duration(text: str) -> timedelta:
    """Return a duration such as 26h.

    Raises:
        ConfigurationError: It is none.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if not match:
        raise ConfigurationError(
            f"--max-age {text} is not a duration.",
            hint="Give minutes, hours or days, such as 90m, 26h or 3d.",
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
