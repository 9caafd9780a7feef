"""A refresh that the operating system runs by itself: when, what, and what is done to set it up.

Each kind of scheduler is a module that turns a `Schedule` into steps. Steps are plain data, so
that they can be shown before they are done.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Final, Literal, Protocol

from klarify_xl.errors import ConfigurationError
from klarify_xl.file_names import mark_of
from klarify_xl.status import whole_path

Every = Literal["hour", "day", "weekday"]
Kind = Literal["systemd", "cron", "launchd", "windows"]

PROGRAM: Final = "klarify-xl"
MARKER: Final = "klarify-xl schedule"
"""How a schedule of ours is recognised: these words, and its name."""

DELAY_MINUTES: Final = 10
"""Minutes over which the runs of many machines are spread, so as not to ask all at once."""

_SLUG_CHARACTERS: Final = 30
_MARK_CHARACTERS: Final = 8
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True)
class Schedule:
    """A refresh and its times.

    Attributes:
        out: The workbook or folder, with its whole path.
        command: Program and arguments, with whole paths.
        folder: The folder to run in, with its whole path.
        every: How often.
        at: The local time; of an hourly one only the minutes count.
        machine: Name of this machine, which moves runs apart where the system does not.
        user: Who runs it, as Windows names users, "" where that does not matter.
    """

    out: str
    command: tuple[str, ...]
    folder: str
    every: Every
    at: time
    machine: str = ""
    user: str = ""

    def __post_init__(self) -> None:
        for text in (self.out, self.folder, *self.command):
            if any(unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} for one in text):
                raise ConfigurationError(
                    f"A schedule can't hold {text!r}: it has a line break, a control character "
                    "or half a character.",
                    hint="Rename the file or folder.",
                )

    @property
    def name(self) -> str:
        """What tells it from the schedules of other workbooks."""
        return name_of(self.out)

    @property
    def title(self) -> str:
        """What people are shown."""
        return f"Refresh of {Path(self.out).name} from Klarify"

    @property
    def moved(self) -> time:
        """The time, moved by up to `DELAY_MINUTES`, and always equally for a machine and workbook.

        For schedulers that know no random delay. It stays within the day, or the hour.
        """
        by = int(mark_of(f"{self.machine} {self.out}"), 16) % DELAY_MINUTES
        minutes = self.at.hour * 60 + self.at.minute + by
        if self.every == "hour":
            return time(0, minutes % 60)
        minutes = min(minutes, _DAY_MINUTES - 1)
        return time(minutes // 60, minutes % 60)


@dataclass(frozen=True)
class WriteFile:
    """A step that writes a file."""

    path: Path
    content: bytes
    encoding: str = "utf-8"

    @property
    def text(self) -> str:
        """The content as people read it."""
        return self.content.decode(self.encoding)


@dataclass(frozen=True)
class DeleteFile:
    """A step that deletes a file, if it is there."""

    path: Path


@dataclass(frozen=True)
class Run:
    """A step that runs a program.

    Attributes:
        command: Program and arguments.
        given: What it reads from its standard input.
        shown: What of that is new or gone, for people.
        may_fail: Whether it does not matter if it fails.
    """

    command: tuple[str, ...]
    given: str = field(default="", repr=False)
    shown: str = ""
    may_fail: bool = False


Step = WriteFile | DeleteFile | Run


class Scheduler(Protocol):
    """A kind of scheduler.

    Attributes:
        kind: Its name.
        notes: What people should know about it.
    """

    kind: Kind
    notes: tuple[str, ...]

    def is_here(self) -> bool:
        """Tell whether this system has it."""

    def names(self) -> list[str]:
        """Return the names of all schedules of ours."""

    def shown(self, name: str) -> str:
        """Return a schedule of ours as the system keeps it, "" if there is none."""

    def installing(self, schedule: Schedule) -> Sequence[Step]:
        """Return the steps that set a schedule up, in the place of one of that name.

        Raises:
            ScheduleError: Something that is not ours is in its place.
            ConfigurationError: This scheduler can't run such a command.
        """

    def removing(self, name: str) -> Sequence[Step]:
        """Return the steps that remove a schedule of ours, none if there is none."""


def name_of(out: str) -> str:
    """Return what tells the schedule of a workbook from others: letters, digits and hyphens.

    Args:
        out: The workbook or folder; its whole path counts.
    """
    whole = whole_path(out)
    plain = unicodedata.normalize("NFKD", Path(whole).stem).encode("ascii", "ignore").decode()
    slug = re.sub("[^a-z0-9]+", "-", plain.lower())[:_SLUG_CHARACTERS].strip("-") or "workbook"
    return f"{slug}-{mark_of(whole)[:_MARK_CHARACTERS]}"


def parse_time(text: str) -> time:
    """Return a time of day such as 06:30.

    Raises:
        ConfigurationError: It is none.
    """
    match = re.fullmatch("([0-9]{1,2}):([0-9]{2})", text.strip())
    try:
        return time(int(match[1]), int(match[2])) if match else _no_time(text)
    except ValueError:
        return _no_time(text)


def _no_time(text: str) -> time:
    raise ConfigurationError(
        f"--at {text} is not a time of day.", hint="Give hours and minutes, such as 06:30."
    )
