"""What klarify_xl sets out to reach, each goal with the figure that was measured."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmark.processes import Run

IN_FLIGHT: Final = 4
"""Requests that are under way at once by default."""

SIZE: Final = 20_000
"""Procedures for which most goals are set."""

LARGE: Final = 100_000
"""Procedures of the largest organisation that is thought of."""

_KIBI: Final = 1024.0

Key = tuple[str, int]
"""What was measured, and at how many procedures."""


class Results:
    """All runs, by what they measured and the number of procedures."""

    def __init__(self) -> None:
        self.runs: dict[Key, list[Run]] = {}

    def add(self, name: str, size: int, run: Run) -> None:
        """Keep a run."""
        self.runs.setdefault((name, size), []).append(run)

    def middle(self, name: str, size: int, value: Callable[[Run], float]) -> float | None:
        """Return the median of a value, or None where there is none."""
        runs = [run for run in self.runs.get((name, size), []) if not run.missing]
        return median(map(value, runs)) if runs else None

    def wall(self, name: str, size: int) -> float | None:
        """Return the median of the seconds of whole processes."""
        return self.middle(name, size, lambda run: run.wall)

    def seconds(self, name: str, size: int) -> float | None:
        """Return the median of the seconds of the work alone."""
        return self.middle(name, size, lambda run: run.seconds)

    def peak(self, name: str, size: int) -> float | None:
        """Return the median of the peak memory in MiB."""
        return self.middle(name, size, lambda run: run.peak)

    def told(self, name: str, size: int, key: str) -> float | None:
        """Return the median of a number that the processes told."""
        return self.middle(name, size, lambda run: float(run.said[key]))


@dataclass(frozen=True)
class Goal:
    """A goal, and how far it is met.

    Attributes:
        text: What it is about.
        figure: What was measured, or None if that was not.
        limit: What it may be at most, or at least.
        unit: Of both.
        at_least: Whether the limit is a least one.
    """

    text: str
    figure: float | None
    limit: float
    unit: str
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Whether it is met, in a word or two."""
        if self.figure is None:
            return "not measured"
        met = self.figure >= self.limit if self.at_least else self.figure <= self.limit
        return "met" if met else "NOT MET"


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _less(one: float | None, *others: float | None) -> float | None:
    known = [other for other in others if other is not None]
    return None if one is None or len(known) < len(others) else one - sum(known)


def _per_second(results: Results, name: str) -> float | None:
    return _ratio(results.told("prepare", SIZE, "cells"), results.seconds(name, SIZE))


def goals(results: Results, latency: float) -> Iterator[Goal]:
    """Yield all goals.

    Args:
        results: What was measured.
        latency: Seconds that the API took for each reply.
    """
    first = results.wall("klarify-xl refresh", SIZE)
    sample = results.wall("sample loop + pandas (openpyxl)", SIZE)
    yield Goal("first full refresh ÷ sample loop + pandas", _ratio(first, sample), 0.30, "times")
    requests = results.told("fetch", SIZE, "requests")
    ideal = None if requests is None else requests / IN_FLIGHT * latency
    fetched = _ratio(results.seconds("fetch", SIZE), ideal)
    yield Goal("fetching ÷ (requests ÷ 4 · latency)", fetched, 1.15, "times")
    yield from _writing(results)
    yield from _large(results)
    yield from _refreshing(results, latency, first)
    yield from _light(results)


def _writing(results: Results) -> Iterator[Goal]:
    ours = _per_second(results, "klarify_xl")
    peaks: Mapping[str, str] = {
        "openpyxl write-only": "openpyxl, write-only",
        "XlsxWriter": "XlsxWriter",
    }
    for (label, name), least in zip(peaks.items(), (4.0, 2.0), strict=True):
        ratio = _ratio(ours, _per_second(results, name))
        yield Goal(f"cells per second ÷ {label}", ratio, least, "times", at_least=True)
        peak = _ratio(results.peak("klarify_xl", SIZE), results.peak(name, SIZE))
        yield Goal(f"peak memory ÷ {label}", peak, 1.0, "times")


def _large(results: Results) -> Iterator[Goal]:
    yield Goal(
        "whole workbook of 100,000, peak memory",
        results.peak("workbook", LARGE),
        _KIBI,
        "MiB",
    )
    small, large = results.seconds("workbook", SIZE), results.seconds("workbook", LARGE)
    linear = _ratio(large, None if small is None else small * LARGE / SIZE)
    yield Goal("whole workbook of 100,000 ÷ 5 · that of 20,000", linear, 1.10, "times")


def _refreshing(results: Results, latency: float, first: float | None) -> Iterator[Goal]:
    name = "nothing changed"
    requests = results.told(name, SIZE, "requests")
    yield Goal("nothing changed, requests", requests, 3, "")
    yield Goal("nothing changed, files touched", results.told(name, SIZE, "touched"), 0, "")
    waited = None if requests is None else requests * latency
    spent = _less(results.wall(name, SIZE), waited, results.wall("python", 0))
    yield Goal("nothing changed, besides latency and interpreter", spent, 0.5, "s")
    for name in ("10 changes, in place", "10 changes, untouched file"):
        yield Goal(
            f"{name} ÷ first refresh", _ratio(results.wall(name, SIZE), first), 0.35, "times"
        )


def _light(results: Results) -> Iterator[Goal]:
    bare = results.wall("python", 0)
    for name in ("klarify-xl --version", "import klarify_xl.udfs"):
        yield Goal(f"{name}, above the interpreter", _less(results.wall(name, 0), bare), 0.15, "s")
    calls = results.seconds("worksheet functions", SIZE)
    yield Goal("10,000 worksheet function calls after the first", calls, 1.0, "s")
    impact = results.told("worksheet functions", SIZE, "impact")
    yield Goal("impact of a hub", None if impact is None else 1000 * impact, 50, "ms")
