"""Schedules as tasks of Windows' Task Scheduler, in its XML (Task Scheduler Schema, 1.2)."""

import csv
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from lxml import etree

from klarify_xl.errors import ConfigurationError, ScheduleError
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

NAMESPACE: Final = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_ENCODING: Final = "utf-16"
"""What schtasks reads for certain, and what the Task Scheduler itself exports."""

_WORKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_TIME_LIMIT: Final = "PT2H"


class Windows:
    """The Task Scheduler, in a folder of our own."""

    kind: Kind = "windows"
    notes: tuple[str, ...] = (
        "It runs while you are logged in.",
        "A run that was missed is caught up.",
    )

    def is_here(self) -> bool:
        """Tell whether this is Windows."""
        return sys.platform == "win32"

    def names(self) -> list[str]:
        """Return the names of all tasks in our folder."""
        rows = csv.reader(_told("/Query", "/FO", "CSV", "/NH").splitlines())
        start = _path("")
        found = {row[0].removeprefix(start) for row in rows if row and row[0].startswith(start)}
        return sorted(name for name in found if self.shown(name))

    def shown(self, name: str) -> str:
        """Return the task's XML, "" if there is none of ours."""
        told = _told("/Query", "/TN", _path(name), "/XML")
        return told if f"{MARKER} {name}" in told else ""

    def installing(self, schedule: Schedule) -> Sequence[Step]:
        """Return the steps that hand the XML over."""
        told = _told("/Query", "/TN", _path(schedule.name), "/XML")
        if told and f"{MARKER} {schedule.name}" not in told:
            raise ScheduleError(
                f"The task {_path(schedule.name)} is not a schedule of klarify-xl.",
                hint="Rename it, and try again.",
            )
        file = Path(tempfile.gettempdir()) / f"{PROGRAM}-{schedule.name}.xml"
        create = ("schtasks", "/Create", "/TN", _path(schedule.name), "/XML", str(file), "/F")
        today = datetime.now().astimezone().date()
        return (WriteFile(file, task(schedule, today), _ENCODING), Run(create), DeleteFile(file))

    def removing(self, name: str) -> Sequence[Step]:
        """Return the step that deletes the task."""
        delete = ("schtasks", "/Delete", "/TN", _path(name), "/F")
        return (Run(delete),) if self.shown(name) else ()


def task(schedule: Schedule, today: date) -> bytes:
    """Return the XML of a task; the schema prescribes the order of the elements.

    Args:
        schedule: What and when.
        today: The first day.

    Raises:
        ConfigurationError: A path holds a percent sign, which Windows would take for a variable.
    """
    for text in (schedule.folder, *schedule.command):
        if "%" in text:
            raise ConfigurationError(
                f"The Task Scheduler can't run {text!r}: it takes % for a variable.",
                hint="Rename the file or folder.",
            )
    root = etree.Element(_tag("Task"), nsmap={None: NAMESPACE}, version="1.2")  # type: ignore[dict-item]
    registration = etree.SubElement(root, _tag("RegistrationInfo"))
    _add(registration, "Source", f"{MARKER} {schedule.name}")
    _add(registration, "Description", schedule.title)
    _add_trigger(etree.SubElement(root, _tag("Triggers")), schedule, today)
    principal = etree.SubElement(etree.SubElement(root, _tag("Principals")), _tag("Principal"))
    principal.set("id", "Author")
    if schedule.user:
        _add(principal, "UserId", schedule.user)
    # As whoever is logged in: no password is kept, and the keyring can be read.
    _add(principal, "LogonType", "InteractiveToken")
    _add(principal, "RunLevel", "LeastPrivilege")
    _add_settings(etree.SubElement(root, _tag("Settings")))
    actions = etree.SubElement(root, _tag("Actions"), Context="Author")
    run = etree.SubElement(actions, _tag("Exec"))
    _add(run, "Command", schedule.command[0])
    _add(run, "Arguments", subprocess.list2cmdline(schedule.command[1:]))
    _add(run, "WorkingDirectory", schedule.folder)
    etree.indent(root)
    declaration = '<?xml version="1.0" encoding="UTF-16"?>\n'
    return (declaration + etree.tostring(root, encoding="unicode") + "\n").encode(_ENCODING)


def _add_trigger(triggers: etree._Element, schedule: Schedule, today: date) -> None:
    trigger = etree.SubElement(triggers, _tag("CalendarTrigger"))
    moment = schedule.at.replace(hour=0) if schedule.every == "hour" else schedule.at
    _add(trigger, "Enabled", "true")
    _add(trigger, "StartBoundary", f"{today:%Y-%m-%d}T{moment:%H:%M}:00")
    if schedule.every == "hour":
        repetition = etree.SubElement(trigger, _tag("Repetition"))
        _add(repetition, "Interval", "PT1H")
        _add(repetition, "Duration", "P1D")
        _add(repetition, "StopAtDurationEnd", "false")
    _add(trigger, "RandomDelay", f"PT{DELAY_MINUTES}M")
    if schedule.every == "weekday":
        weekly = etree.SubElement(trigger, _tag("ScheduleByWeek"))
        _add(weekly, "WeeksInterval", "1")
        days = etree.SubElement(weekly, _tag("DaysOfWeek"))
        for day in _WORKDAYS:
            etree.SubElement(days, _tag(day))
    else:
        _add(etree.SubElement(trigger, _tag("ScheduleByDay")), "DaysInterval", "1")


def _add_settings(settings: etree._Element) -> None:
    for name, value in (
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("StartWhenAvailable", "true"),
        ("ExecutionTimeLimit", _TIME_LIMIT),
    ):
        _add(settings, name, value)


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _tag(name)).text = text


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _path(name: str) -> str:
    """Return the path of a task in our folder."""
    return f"\\{PROGRAM}\\{name}"


def _told(*arguments: str) -> str:
    """Return what schtasks tells, "" if it fails, as it does for a task that is not there."""
    program = shutil.which("schtasks")
    if program is None:
        return ""
    done = subprocess.run([program, *arguments], capture_output=True, check=False)  # noqa: S603 -- Windows' own
    if done.returncode:
        return ""
    is_wide = done.stdout[:2] in {b"\xff\xfe", b"\xfe\xff"}
    return done.stdout.decode(_ENCODING if is_wide else "utf-8", "replace")
