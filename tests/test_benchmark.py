"""The benchmark's machinery runs, at a tiny size; what it measures is no matter of tests."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"

MEASURED = (
    "sample loop + pandas (openpyxl)",
    "sample loop + pandas (xlsxwriter)",
    "klarify-xl refresh",
    "nothing changed",
    "10 changes, untouched file",
    "10 changes, in place",
    "fetch",
    "klarify_xl",
    "openpyxl",
    "openpyxl, write-only",
    "XlsxWriter",
    "PyExcelerate",
    "rustpy-xlsxwriter",
)


@pytest.fixture(scope="module")
def printed() -> str:
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return subprocess.run(
        [sys.executable, "-m", "benchmark", "--sizes", "40", "--rounds", "1", "--latency", "0"],
        cwd=SCRIPTS,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("name", MEASURED)
def test_everything_is_measured_or_said_to_be_missing(printed: str, name: str) -> None:
    lines = [line for line in printed.splitlines() if line.startswith(f"  {name}  ")]
    assert len(lines) == 1
    told = lines[0].removeprefix(f"  {name}").split()
    if told[:2] == ["not", "measured:"]:
        assert importlib.util.find_spec(told[2]) is None
    else:
        seconds, ratio, memory = told[:3]
        assert float(seconds) >= 0
        assert float(memory) > 0
        # What it is compared with may be missing.
        assert ratio == "–" or float(ratio) >= 0


@pytest.mark.parametrize("name", ["first refresh", "10 changes in place"])
def test_where_the_time_goes_is_told(printed: str, name: str) -> None:
    (line,) = (line for line in printed.splitlines() if line.startswith(f"  {name}  "))
    steps = [float(seconds) for seconds in line.removeprefix(f"  {name}").split()]
    assert len(steps) == 4
    assert max(steps) > 0


def test_a_goal_for_another_size_is_said_not_to_be_measured(printed: str) -> None:
    goals = printed.split("Goals, at 20,000 procedures")[1].splitlines()[1:]
    assert len(goals) == 17
    light = [line for line in goals if "above the interpreter" in line]
    assert len(light) == 2
    for line in goals:
        assert line.endswith("not measured") == (line not in light)


def test_versions_are_told(printed: str) -> None:
    assert f"Python {sys.version.split()[0]}" in printed
    assert "openpyxl 3.1" in printed
