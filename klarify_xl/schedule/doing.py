"""Chooses the scheduler of this system, and does the steps that set a schedule up or remove it."""

import shlex
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from klarify_xl.errors import ConfigurationError, ScheduleError
from klarify_xl.schedule import (
    DeleteFile,
    Kind,
    Run,
    Schedule,
    Scheduler,
    Step,
    WriteFile,
)
from klarify_xl.schedule.cron import Cron
from klarify_xl.schedule.launchd import Launchd
from klarify_xl.schedule.systemd import Systemd
from klarify_xl.schedule.windows import Windows
from klarify_xl.small_files import replace_small_file

SCHEDULERS: Final[tuple[Scheduler, ...]] = (Windows(), Launchd(), Systemd(), Cron())
"""All kinds; of those that a system has, the first one is its usual one."""

_TIME_LIMIT: Final = 60.0


def scheduler(kind: Kind | None) -> Scheduler:
    """Return a scheduler, by default the usual one of this system.

    Raises:
        ConfigurationError: There is none.
    """
    for one in SCHEDULERS:
        if one.kind == kind or (kind is None and one.is_here()):
            return one
    raise ConfigurationError(
        "This system has no scheduler that klarify-xl knows.",
        hint="In a container use that of its platform; scripts/deploy has templates. Else "
        "install cron.",
    )


def usable(kind: Kind | None) -> list[Scheduler]:
    """Return the schedulers to look at: one by its name, or all that this system has."""
    return [scheduler(kind)] if kind else [one for one in SCHEDULERS if one.is_here()]


def installing(chosen: Scheduler, schedule: Schedule) -> list[Step]:
    """Return the steps that set a schedule up, and remove the same one of another kind."""
    others = [one for one in SCHEDULERS if one is not chosen and one.is_here()]
    removed = [step for one in others for step in one.removing(schedule.name)]
    return [*chosen.installing(schedule), *removed]


def described(steps: Iterable[Step]) -> Iterator[str]:
    """Yield the lines that tell a person what will be done, and of the texts every line."""
    for step in steps:
        if isinstance(step, WriteFile):
            yield f"Write {step.path}:"
            yield from _indented(step.text)
        elif isinstance(step, DeleteFile):
            yield f"Delete {step.path}"
        else:
            yield f"Run {shlex.join(step.command)}{', which changes:' if step.shown else ''}"
            yield from _indented(step.shown)


def _indented(text: str) -> Iterator[str]:
    yield from (f"    {line}".rstrip() for line in text.expandtabs(2).splitlines())


def carry_out(steps: Sequence[Step]) -> None:
    """Do steps, one after the other.

    Raises:
        ScheduleError: A program could not be run, or refused.
        TargetError: A file can't be written.
    """
    for step in steps:
        if isinstance(step, WriteFile):
            replace_small_file(step.path, step.content)
        elif isinstance(step, DeleteFile):
            _delete(step.path)
        else:
            _run(step)


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ScheduleError(
            f"{path} can't be deleted: {error.strerror}.", hint="Delete it by hand."
        ) from None


def _run(step: Run) -> None:
    try:
        done = subprocess.run(  # noqa: S603 -- the scheduler's own program, no shell
            step.command,
            # Lines of others in any encoding go through unharmed.
            input=step.given.encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
            timeout=_TIME_LIMIT,
        )
        problem = done.stderr.decode("utf-8", "replace") if done.returncode else ""
        code = done.returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        problem, code = type(error).__name__, -1
    if code and not step.may_fail:
        raise ScheduleError(
            f"`{shlex.join(step.command)}` failed: {' '.join(problem.split()) or code}.",
            hint="Correct that and try again, choose another --kind, or undo it with "
            "`klarify-xl schedule remove`.",
        )
