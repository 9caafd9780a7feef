"""Runs commands and tells their time and peak memory; starts and leads the API server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

SCRIPTS: Final = Path(__file__).resolve().parent.parent
ACCESS_KEY: Final = "bench"
_MEBIBYTE: Final = 2**20


@dataclass(frozen=True)
class Run:
    """What a process took.

    Attributes:
        wall: Seconds from its start to its end.
        peak: Its peak memory (resident set) in MiB.
        said: The JSON document that it printed.
    """

    wall: float
    peak: float
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> str:
        """The library that is not installed, or ""."""
        return str(self.said.get("missing", ""))

    @property
    def seconds(self) -> float:
        """Seconds of the work alone, as the process measured it itself."""
        return float(self.said.get("seconds", self.wall))


def run(*arguments: str | Path) -> Run:
    """Run Python with arguments in a process of its own, and measure it from outside.

    Raises:
        RuntimeError: It failed; its last lines tell why.
    """
    environment = {
        **os.environ,
        "KLARIFY_API_KEY": ACCESS_KEY,
        "PYTHONPATH": os.pathsep.join([str(SCRIPTS.parent), str(SCRIPTS)]),
    }
    command = [sys.executable, *map(str, arguments)]
    started = time.perf_counter()
    # Files, since a pipe that nobody reads would stop a process that warns very often.
    with TemporaryFile() as output, TemporaryFile() as complaints:
        with subprocess.Popen(
            command, stdout=output, stderr=complaints, env=environment
        ) as process:
            _pid, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        complaints.seek(0)
        printed = output.read()
        if process.returncode:
            told = complaints.read().decode()[-2000:]
            raise RuntimeError(f"{' '.join(command)}\n{told}")
    unit = 1 if sys.platform == "darwin" else 1024
    said = json.loads(printed) if printed.startswith(b"{") else {}
    return Run(wall, usage.ru_maxrss * unit / _MEBIBYTE, said)


def task(name: str, *arguments: str | Path | float) -> Run:
    """Run one of the functions of `benchmark.tasks`."""
    return run("-m", "benchmark.tasks", name, *map(str, arguments))


class Server:
    """The API in a process of its own.

    Args:
        process: The process.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._answer()

    def _answer(self) -> str:
        return self._process.stdout.readline().strip() if self._process.stdout else ""

    def edit(self, procedures: int) -> None:
        """Let people edit some procedures."""
        if self._process.stdin:
            print(procedures, file=self._process.stdin, flush=True)
        self._answer()


@contextmanager
def served(procedures: int, latency: float, references: float = 0.0) -> Iterator[Server]:
    """Serve a sample organisation.

    Args:
        procedures: Its size.
        latency: Seconds that each reply takes.
        references: How many each procedure has on average; 0 for those of the sample.
    """
    arguments = (str(procedures), str(latency), str(references))
    with subprocess.Popen(
        [sys.executable, "-m", "benchmark.server", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPTS.parent), str(SCRIPTS)])},
    ) as process:
        try:
            yield Server(process)
        finally:
            process.kill()
