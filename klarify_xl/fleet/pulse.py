"""Whether work still moves; what stands still can't be interrupted, and so is left behind.

A write to a share that hangs does not return, and Python can't end the thread that waits for it.
So work is done in a thread of its own, and whoever asked for it goes on when it has stood still
for too long.
"""

import contextvars
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from threading import Thread
from typing import Final, TypeVar

_GLANCE: Final = 1.0
"""Seconds after which one looks whether work has moved."""

_Result = TypeVar("_Result")


class Pulse:
    """The time since work has moved.

    Args:
        standstill: Seconds without a step after which it counts as standing still.
    """

    def __init__(self, standstill: float) -> None:
        self._standstill = standstill
        self._spare = 0.0
        self._last = time.monotonic()
        self.is_waiting = False
        """Whether it is not its turn yet."""
        self.stage = "was prepared"
        """What is being done, to end a sentence such as "Nothing moved while it …"."""

    def step(self, _what: object = None) -> None:
        """Note that it has moved."""
        self._last = time.monotonic()

    @property
    def stands_still(self) -> bool:
        """Whether it has not moved for too long."""
        quiet = time.monotonic() - self._last
        return quiet > self._standstill + self._spare

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for its turn, for any time; each look whether it is that is a step."""
        self.is_waiting = True
        try:
            yield
        finally:
            self.step()
            self.is_waiting = False

    @contextmanager
    def timed(self, seconds: float, stage: str, afterwards: str) -> Iterator[None]:
        """Do what has a time limit of its own, within which it may stand still.

        Args:
            seconds: The limit.
            stage: What is being done.
            afterwards: What is done after that.
        """
        self.stage, self._spare = stage, seconds
        self.step()
        try:
            yield
        finally:
            self.step()
            self.stage, self._spare = afterwards, 0.0


class StandstillError(Exception):
    """Work stands still; its thread is still at it."""


def watched(
    work: Callable[[], _Result], pulse: Pulse, sign: Callable[[], None] = lambda: None
) -> _Result:
    """Return what work returns, or leave it behind when it stands still.

    Args:
        work: What to do, in a thread of its own.
        pulse: What it notes its steps in.
        sign: Called about each second in which it may be moving.

    Raises:
        StandstillError: It stands still.
    """
    done: Future[_Result] = Future()

    def do() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
            done.set_exception(error)

    context = contextvars.copy_context()
    Thread(target=context.run, args=(do,), name="klarify-xl", daemon=True).start()
    while not wait([done], timeout=_GLANCE).done:
        if pulse.stands_still:
            raise StandstillError
        if not pulse.is_waiting:
            sign()
    return done.result()
