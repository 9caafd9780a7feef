"""Schedules as systemd user timers, which catch up on missed runs and spread them by themselves.

The syntax is that of systemd.unit(5), systemd.service(5), systemd.timer(5) and systemd.time(7).
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from klarify_xl.errors import ScheduleError
from klarify_xl.schedule import (
    DELAY_MINUTES,
    MARKER,
    PROGRAM,
    DeleteFile,
    Kind,
    Run,
    Schedule,
    Step,
    WriteFile,
)

_RUNNING: Final = Path("/run/systemd/system")
"""The folder that is there if and only if systemd runs the machine (sd_booted(3))."""

_DAYS: Final = {"day": "", "weekday": "Mon..Fri "}


class Systemd:
    """systemd's user instance."""

    kind: Kind = "systemd"
    notes: tuple[str, ...] = (
        "It runs while you are logged in; `loginctl enable-linger` lets it run always.",
        "A run that was missed is caught up.",
    )

    def is_here(self) -> bool:
        """Tell whether systemd runs this machine and this session."""
        session = "XDG_RUNTIME_DIR" in os.environ
        return _RUNNING.is_dir() and session and shutil.which("systemctl") is not None

    def names(self) -> list[str]:
        """Return the names of all timers of ours."""
        files = sorted(_folder().glob(f"{PROGRAM}-*.timer"))
        return [one.stem.removeprefix(f"{PROGRAM}-") for one in files if _is_ours(one)]

    def shown(self, name: str) -> str:
        """Return timer and service, "" if they are not ours."""
        files = [one for one in _files(name) if _is_ours(one)]
        return "\n".join(f"# {one}\n{one.read_text(encoding='utf-8')}" for one in files)

    def installing(self, schedule: Schedule) -> Sequence[Step]:
        """Return the steps that write both units and start the timer."""
        service, timer = _files(schedule.name)
        for file in (service, timer):
            if file.exists() and not _is_ours(file):
                raise ScheduleError(
                    f"{file} is not a schedule of klarify-xl.", hint="Move it away, and try again."
                )
        return (
            WriteFile(service, service_unit(schedule).encode()),
            WriteFile(timer, timer_unit(schedule).encode()),
            _systemctl("daemon-reload"),
            _systemctl("enable", timer.name),
            # A timer that runs already would keep its times.
            _systemctl("restart", timer.name),
        )

    def removing(self, name: str) -> Sequence[Step]:
        """Return the steps that stop the timer and delete both units."""
        files = [one for one in _files(name) if _is_ours(one)]
        if not files:
            return ()
        return (
            _systemctl("disable", "--now", f"{PROGRAM}-{name}.timer", may_fail=True),
            *map(DeleteFile, files),
            _systemctl("daemon-reload", may_fail=True),
        )


def service_unit(schedule: Schedule) -> str:
    """Return the unit that says what is run."""
    program, *arguments = schedule.command
    words = [_quoted(program, is_program=True), *map(_quoted, arguments)]
    return f"""# {MARKER} {schedule.name}
[Unit]
Description={_without_specifiers(schedule.title)}

[Service]
Type=oneshot
WorkingDirectory={_without_specifiers(schedule.folder)}
ExecStart={" ".join(words)}
"""


def timer_unit(schedule: Schedule) -> str:
    """Return the unit that says when."""
    return f"""# {MARKER} {schedule.name}
[Unit]
Description={_without_specifiers(schedule.title)}

[Timer]
OnCalendar={calendar(schedule)}
Persistent=true
RandomizedDelaySec={DELAY_MINUTES}min

[Install]
WantedBy=timers.target
"""


def calendar(schedule: Schedule) -> str:
    """Return when it runs, as systemd.time(7) writes calendar events."""
    if schedule.every == "hour":
        return f"*-*-* *:{schedule.at:%M}:00"
    return f"{_DAYS[schedule.every]}*-*-* {schedule.at:%H:%M}:00"


def _systemctl(*arguments: str, may_fail: bool = False) -> Run:
    return Run(("systemctl", "--user", *arguments), may_fail=may_fail)


def _folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "systemd" / "user"


def _files(name: str) -> tuple[Path, Path]:
    """Return the places of service and timer."""
    base = _folder() / f"{PROGRAM}-{name}"
    return base.with_name(f"{base.name}.service"), base.with_name(f"{base.name}.timer")


def _is_ours(file: Path) -> bool:
    try:
        first = file.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except OSError:
        return False
    return first == f"# {MARKER} {file.stem.removeprefix(f'{PROGRAM}-')}"


def _without_specifiers(text: str) -> str:
    """Return a text in which % means itself (systemd.unit(5), Specifiers)."""
    return text.replace("%", "%%")


def _quoted(text: str, *, is_program: bool = False) -> str:
    """Return a word of a command line (systemd.service(5), Command lines).

    Args:
        text: The word.
        is_program: Whether it is the program, in which a dollar sign means itself.
    """
    escaped = _without_specifiers(text.replace("\\", "\\\\").replace('"', '\\"'))
    return f'"{escaped if is_program else escaped.replace("$", "$$")}"'
