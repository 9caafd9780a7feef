"""What counts as standing still, with work in real threads."""

import functools
import threading
import time
from collections.abc import Callable

import pytest

from klarify_xl.fleet import pulse as pulse_module
from klarify_xl.fleet.pulse import Pulse, StandstillError, watched

STANDSTILL = 0.6


@pytest.fixture(autouse=True)
def _quick_glances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse_module, "_GLANCE", 0.1)


def slowly(pulse: Pulse) -> str:
    for _ in range(4):
        time.sleep(STANDSTILL / 2)
        pulse.step()
    return "done"


def waiting(pulse: Pulse) -> str:
    with pulse.waiting():
        return slowly(pulse)


def timed(pulse: Pulse) -> str:
    with pulse.timed(2 * STANDSTILL, "was read", "was written"):
        time.sleep(2 * STANDSTILL)
    return "done"


@pytest.mark.parametrize("work", [slowly, waiting, timed])
def test_what_is_slow_waits_or_has_its_own_time_limit_is_awaited(
    work: Callable[[Pulse], str],
) -> None:
    pulse = Pulse(STANDSTILL)
    assert watched(lambda: work(pulse), pulse) == "done"


@pytest.mark.parametrize("before", [slowly, waiting, timed])
def test_what_no_longer_moves_is_left(before: Callable[[Pulse], str]) -> None:
    pulse = Pulse(STANDSTILL)
    end = threading.Event()

    def work() -> None:
        before(pulse)
        moved.append(time.monotonic())
        end.wait(60)

    moved: list[float] = []
    with pytest.raises(StandstillError):
        watched(work, pulse)
    assert STANDSTILL <= time.monotonic() - moved[0] < STANDSTILL + 2
    end.set()


def test_only_who_does_not_wait_shows_that_it_is_at_work() -> None:
    for work, shown in ((slowly, True), (waiting, False)):
        signs: list[None] = []
        pulse = Pulse(STANDSTILL)
        watched(functools.partial(work, pulse), pulse, functools.partial(signs.append, None))
        assert bool(signs) == shown


def test_what_goes_wrong_is_raised_where_it_is_awaited() -> None:
    def work() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        watched(work, Pulse(STANDSTILL))
