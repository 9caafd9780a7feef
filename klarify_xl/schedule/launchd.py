"""Schedules as launchd agents of macOS (launchd.plist(5)), which catch up after sleep."""

import os
import plistlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from klarify_xl.errors import ScheduleError
from klarify_xl.schedule import DeleteFile, Kind, Run, Schedule, Step, WriteFile

_LABEL: Final = "biz.klarify.klarify-xl."
_WORKDAYS: Final = range(1, 6)
"""Monday to Friday; Sunday is 0 and 7."""


class Launchd:
    """The user's launchd agents."""

    kind: Kind = "launchd"
    notes: tuple[str, ...] = (
        "It runs while you are logged in.",
        "A run that was missed during sleep is caught up, one while the Mac was off is not.",
    )

    def is_here(self) -> bool:
        """Tell whether this is a Mac."""
        return sys.platform == "darwin"

    def names(self) -> list[str]:
        """Return the names of all agents of ours."""
        files = sorted(_folder().glob(f"{_LABEL}*.plist"))
        return [one.stem.removeprefix(_LABEL) for one in files if _is_ours(one)]

    def shown(self, name: str) -> str:
        """Return the agent, "" if there is none."""
        file = _file(name)
        return f"# {file}\n{file.read_text(encoding='utf-8')}" if _is_ours(file) else ""

    def installing(self, schedule: Schedule) -> Sequence[Step]:
        """Return the steps that write the agent and load it."""
        file = _file(schedule.name)
        if file.exists() and not _is_ours(file):
            raise ScheduleError(
                f"{file} is not a schedule of klarify-xl.", hint="Move it away, and try again."
            )
        return (
            WriteFile(file, agent(schedule)),
            _unloading(schedule.name),
            Run(("launchctl", "bootstrap", _domain(), str(file))),
        )

    def removing(self, name: str) -> Sequence[Step]:
        """Return the steps that unload the agent and delete its file."""
        file = _file(name)
        return (_unloading(name), DeleteFile(file)) if _is_ours(file) else ()


def agent(schedule: Schedule) -> bytes:
    """Return the property list of an agent."""
    log = Path.home() / "Library" / "Logs" / f"{_LABEL}{schedule.name}.log"
    keys = {
        "Label": _LABEL + schedule.name,
        "ProgramArguments": list(schedule.command),
        "WorkingDirectory": schedule.folder,
        "StartCalendarInterval": intervals(schedule),
        "ProcessType": "Background",
        "StandardOutPath": str(log),
        "StandardErrorPath": str(log),
    }
    return plistlib.dumps(keys, sort_keys=False)


def intervals(schedule: Schedule) -> list[dict[str, int]]:
    """Return when it runs; what is left out of an interval means any."""
    moment = schedule.moved
    if schedule.every == "hour":
        return [{"Minute": moment.minute}]
    daily = {"Hour": moment.hour, "Minute": moment.minute}
    if schedule.every == "day":
        return [daily]
    return [{"Weekday": day, **daily} for day in _WORKDAYS]


def _unloading(name: str) -> Run:
    return Run(("launchctl", "bootout", f"{_domain()}/{_LABEL}{name}"), may_fail=True)


def _domain() -> str:
    """Return the domain of this user's session (launchctl(1))."""
    return f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"


def _folder() -> Path:
    return Path.home() / "Library" / "LaunchAgents"


def _file(name: str) -> Path:
    return _folder() / f"{_LABEL}{name}.plist"


def _is_ours(file: Path) -> bool:
    try:
        content: Any = plistlib.loads(file.read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException):
        return False
    return isinstance(content, dict) and content.get("Label") == file.stem
