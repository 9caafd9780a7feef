"""Schedules as lines of the user's crontab (crontab(5)), one line each, the others left alone."""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from klarify_xl.errors import ConfigurationError, ScheduleError
from klarify_xl.schedule import MARKER, Kind, Run, Schedule, Step

_MOST_CHARACTERS: Final = 999
"""Length of a command: Debian's cron reads no more (MAX_COMMAND in cron.h)."""

_DAYS: Final = {"hour": "*", "day": "*", "weekday": "1-5"}


class Cron:
    """The user's crontab."""

    kind: Kind = "cron"
    notes: tuple[str, ...] = ("A run that was missed while the machine was off is not caught up.",)

    def is_here(self) -> bool:
        """Tell whether there is a crontab program."""
        return shutil.which("crontab") is not None

    def names(self) -> list[str]:
        """Return the names of all lines of ours."""
        start = f" # {MARKER} "
        lines = [line for line in _crontab().splitlines() if start in line]
        return [line.rpartition(start)[2] for line in lines if _is_active(line)]

    def shown(self, name: str) -> str:
        """Return the line, "" if there is none."""
        lines = _crontab().splitlines(keepends=True)
        return "".join(line for line in lines if _is_ours(line, name))

    def installing(self, schedule: Schedule) -> Sequence[Step]:
        """Return the step that replaces the crontab by one with the line."""
        present = _crontab()
        return (_replacing(present, with_line(present, schedule)),)

    def removing(self, name: str) -> Sequence[Step]:
        """Return the step that replaces the crontab by one without the line."""
        present = _crontab()
        left = without_line(present, name)
        return () if left == present else (_replacing(present, left),)


def with_line(crontab: str, schedule: Schedule) -> str:
    """Return a crontab with a schedule, at the end, in the place of one of that name."""
    others = without_line(crontab, schedule.name)
    # cron ignores a last line without an end.
    end = "\n" if others and not others.endswith("\n") else ""
    return f"{others}{end}{line_of(schedule)}\n"


def without_line(crontab: str, name: str) -> str:
    """Return a crontab without the schedule of a name; all other lines stay as they are."""
    lines = crontab.splitlines(keepends=True)
    return "".join(line for line in lines if not _is_ours(line, name))


def line_of(schedule: Schedule) -> str:
    """Return the line: times, command, and the marker as a comment of the shell.

    Raises:
        ConfigurationError: cron would cut it.
    """
    moment = schedule.moved
    hour = "*" if schedule.every == "hour" else str(moment.hour)
    words = shlex.join(schedule.command)
    command = f"cd {shlex.quote(schedule.folder)} && exec {words} # {MARKER} {schedule.name}"
    # crontab(5): the first % that is not escaped ends the command.
    escaped = command.replace("%", "\\%")
    if len(escaped.encode()) > _MOST_CHARACTERS:
        raise ConfigurationError(
            f"The command has {len(escaped.encode())} characters, and cron reads only "
            f"{_MOST_CHARACTERS}.",
            hint="Use shorter paths, or call it from a script of your own.",
        )
    return f"{moment.minute} {hour} * * {_DAYS[schedule.every]} {escaped}"


def _is_ours(line: str, name: str) -> bool:
    return _is_active(line) and line.rstrip("\r\n").endswith(f" # {MARKER} {name}")


def _is_active(line: str) -> bool:
    """Tell whether a line is none that somebody has made a comment."""
    return not line.lstrip().startswith("#")


def _crontab() -> str:
    """Return the user's crontab, "" if there is none.

    Raises:
        ScheduleError: It can't be read, so that it must not be replaced either.
    """
    try:
        done = subprocess.run(["crontab", "-l"], capture_output=True, check=False)  # noqa: S607 -- the user's own
    except OSError as error:
        raise ScheduleError(
            f"crontab can't be run ({error.strerror}).", hint="Install cron, or use another --kind."
        ) from None
    if done.returncode == 0:
        # Lines of others in any encoding go through unharmed.
        return done.stdout.decode("utf-8", "surrogateescape")
    told = done.stderr.decode("utf-8", "replace").strip()
    if "no crontab for" in told.lower():
        return ""
    raise ScheduleError(
        f"The crontab can't be read: {told or done.returncode}.",
        hint="Ask whoever runs this machine whether you may use cron.",
    )


def _replacing(present: str, wanted: str) -> Run:
    """Return the step that replaces the crontab, which shows the lines that come and go only."""
    before, after = present.splitlines(), wanted.splitlines()
    shown = [f"- {line}" for line in before if line not in after]
    shown += [f"+ {line}" for line in after if line not in before]
    return Run(("crontab", "-"), given=wanted, shown="\n".join(shown))
