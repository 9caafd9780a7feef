"""Command line of the benchmark: measures, and prints tables of medians, ratios and goals."""

import argparse
import platform
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmark.goals import LARGE, SIZE, Results, goals
from benchmark.processes import Run, Server, run, served, task

SIZES: Final = (1_247, 20_000, 100_000)
LATENCY: Final = 0.05
DENSITY: Final = 2.5
"""References per procedure of the organisations for whole workbooks: 100,000 have 250,000."""

CHANGES: Final = 10

LIBRARIES: Final = (
    *("klarify-xl", "requests", "lxml", "openpyxl", "pandas", "XlsxWriter", "PyExcelerate"),
    "rustpy-xlsxwriter",
)
WRITERS: Final = {
    "klarify_xl": ("klarify_xl",),
    "openpyxl": ("openpyxl",),
    "openpyxl, write-only": ("openpyxl", "write-only"),
    "XlsxWriter": ("xlsxwriter",),
    "PyExcelerate": ("pyexcelerate",),
    "rustpy-xlsxwriter": ("rustpy_xlsxwriter",),
}
"""Task and options of each writer of the sheet Procedures; ours makes the whole sheet of it."""

STAGED: Final = ("first refresh", "10 changes in place")
STAGES: Final = ("loading", "reading", "planning", "writing")
"""What a refresh does; reading is from the API, and writing in place is reading the file, too."""


class Bench:
    """Measures everything, and keeps the results.

    Args:
        folder: For files that come and go.
        rounds: How often each measurement is made.
        latency: Seconds that the API takes for each reply.
    """

    def __init__(self, folder: Path, rounds: int, latency: float) -> None:
        self.results = Results()
        self._folder = folder
        self._rounds = rounds
        self._latency = latency

    def light(self) -> None:
        """Measure what is to be light: the interpreter, and what loads little."""
        for _round in range(max(5, self._rounds)):
            for name, arguments in (
                ("python", ("-c", "pass")),
                ("klarify-xl --version", ("-m", "klarify_xl", "--version")),
                ("import klarify_xl.udfs", ("-c", "import klarify_xl.udfs")),
            ):
                self.results.add(name, 0, run(*arguments))

    def size(self, procedures: int) -> None:
        """Measure everything at a number of procedures."""
        print(f"{procedures:,} procedures ...", flush=True)
        with served(procedures, self._latency) as server:
            for number in range(self._rounds):
                self._fetch(server, procedures)
                self._refreshes(server, procedures, number)
        for _round in range(self._rounds):
            self._writers(procedures)
            store = self._folder / f"{procedures}.db"
            self.results.add("worksheet functions", procedures, task("worksheet_functions", store))

    def _fetch(self, server: Server, size: int) -> None:
        for engine in ("openpyxl", "xlsxwriter"):
            done = task("sample_loop", server.url, engine, self._folder / "sample.xlsx")
            self.results.add(f"sample loop + pandas ({engine})", size, done)
        self.results.add("fetch", size, task("fetch", server.url))

    def _refreshes(self, server: Server, size: int, number: int) -> None:
        """Measure a first refresh, one without news, and two with some."""
        store, out = self._folder / f"{size}.db", self._folder / f"{size}.xlsx"
        for file in (store, out):
            file.unlink(missing_ok=True)
        self.results.add("klarify-xl refresh", size, _refresh(server, out, store))
        before = (out.stat().st_mtime_ns, out.read_bytes())
        same = _refresh(server, out, store)
        same.said["touched"] = int(before != (out.stat().st_mtime_ns, out.read_bytes()))
        self.results.add("nothing changed", size, same)
        server.edit(CHANGES)
        self.results.add("10 changes, untouched file", size, _refresh(server, out, store))
        task("add_note", out)
        server.edit(CHANGES)
        self.results.add("10 changes, in place", size, _refresh(server, out, store))
        self._stages(server, size)
        if number == 0:
            prepared = task("prepare", store, self._plan(size), self._rows(size))
            self.results.add("prepare", size, prepared)

    def _stages(self, server: Server, size: int) -> None:
        """Measure where the time of a first refresh goes, and that of one in place."""
        store, out = self._folder / "stages.db", self._folder / "stages.xlsx"
        for file in (store, out):
            file.unlink(missing_ok=True)
        for name in STAGED:
            self.results.add(name, size, task("stages", server.url, store, out))
            task("add_note", out)
            server.edit(CHANGES)

    def _plan(self, size: int) -> Path:
        return self._folder / f"{size}-plan.pickle"

    def _rows(self, size: int) -> Path:
        return self._folder / f"{size}-rows.pickle"

    def _writers(self, size: int) -> None:
        for name, (function, *options) in WRITERS.items():
            source = self._plan(size) if function == "klarify_xl" else self._rows(size)
            out = self._folder / "written.xlsx"
            out.unlink(missing_ok=True)
            self.results.add(name, size, task(function, source, out, *options))

    def workbook(self, procedures: int) -> None:
        """Measure a whole workbook of an organisation with many references, from the store."""
        print(f"{procedures:,} procedures, {DENSITY * procedures:,.0f} references ...", flush=True)
        store = self._folder / f"{procedures}-dense.db"
        with served(procedures, self._latency, DENSITY) as server:
            _refresh(server, self._folder / "dense.xlsx", store)
            for _round in range(self._rounds):
                out = self._folder / "dense.xlsx"
                out.unlink()
                done = _refresh(server, out, store)
                done.said["seconds"] -= done.said["requests"] * self._latency
                self.results.add("workbook", procedures, done)


def _refresh(server: Server, out: Path, store: Path) -> Run:
    places = ("--out", out, "--store", store, "--base-url", server.url)
    return run("-m", "klarify_xl", "refresh", "--quiet", "--json", *places)


def show(results: Results, latency: float) -> None:
    """Print all that was measured."""
    print(f"\nPython {platform.python_version()}, {platform.system()} {platform.machine()}")
    print(", ".join(f"{name} {_version(name)}" for name in LIBRARIES))
    for size in sorted({size for _name, size in results.runs if size}):
        print(f"\n{size:,} procedures, {1000 * latency:.0f} ms per reply (medians)")
        _show_whole(results, size)
        _show_writers(results, size)
        _show_stages(results, size)
    print(f"\nGoals, at {SIZE:,} procedures where nothing else is said")
    for goal in goals(results, latency):
        figure = "–" if goal.figure is None else f"{goal.figure:.2f}"
        sign = "≥" if goal.at_least else "≤"
        limit = f"{sign} {goal.limit:g} {goal.unit}"
        print(f"  {goal.text:<52}{figure:>9}   {limit:<14}{goal.verdict}")


def _show_whole(results: Results, size: int) -> None:
    names = (
        "sample loop + pandas (openpyxl)",
        "sample loop + pandas (xlsxwriter)",
        "klarify-xl refresh",
        "nothing changed",
        "10 changes, untouched file",
        "10 changes, in place",
        "fetch",
        "workbook",
    )
    reference = results.wall(names[0], size)
    print(f"  {'whole process':<36}{'s':>9}{'ratio':>9}{'MiB':>9}")
    for name in names:
        _show_line(results, size, name, results.wall(name, size), reference)


def _show_writers(results: Results, size: int) -> None:
    reference = results.seconds("klarify_xl", size)
    print(f"  {'writing the sheet Procedures':<36}{'s':>9}{'ratio':>9}{'MiB':>9}{'cells/s':>12}")
    for name in WRITERS:
        seconds = results.seconds(name, size)
        cells = results.told("prepare", size, "cells")
        speed = f"{cells / seconds:>12,.0f}" if seconds and cells else ""
        _show_line(results, size, name, seconds, reference, speed)


def _show_stages(results: Results, size: int) -> None:
    """Print where the time goes, which tells what holds a goal that is not met."""
    print(f"  {'seconds of each step':<36}" + "".join(f"{stage:>9}" for stage in STAGES))
    for name in STAGED:
        if (name, size) in results.runs:
            told = [results.told(name, size, stage) or 0.0 for stage in STAGES]
            print(f"  {name:<36}" + "".join(f"{seconds:>9.2f}" for seconds in told))


def _show_line(
    results: Results,
    size: int,
    name: str,
    seconds: float | None,
    reference: float | None,
    more: str = "",
) -> None:
    runs = results.runs.get((name, size), [])
    if runs and runs[0].missing:
        print(f"  {name:<36}  not measured: {runs[0].missing} is not installed")
    elif seconds is not None:
        ratio = f"{seconds / reference:>9.2f}" if reference else f"{'–':>9}"
        peak = results.peak(name, size) or 0.0
        print(f"  {name:<36}{seconds:>9.2f}{ratio}{peak:>9.0f}{more}")


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "(not installed)"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.py", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="procedures")
    parser.add_argument("--quick", action="store_true", help=f"only {SIZES[0]:,} procedures")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each measurement")
    parser.add_argument("--latency", type=float, default=LATENCY, help="seconds per reply")
    options = parser.parse_args(arguments)
    sizes = SIZES[:1] if options.quick else tuple(options.sizes)
    folder = Path(tempfile.mkdtemp(prefix="klarify-bench-"))
    try:
        bench = Bench(folder, options.rounds, options.latency)
        bench.light()
        for size in sizes:
            bench.size(size)
        for size in (SIZE, LARGE):
            if size in sizes:
                bench.workbook(size)
    finally:
        shutil.rmtree(folder)
    show(bench.results, options.latency)


if __name__ == "__main__":
    main()
