"""Workbooks that LibreOffice has saved, ours and its own."""

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from ..workbooks import program, unavailable  # noqa: TID252 -- tests are no package of their own

_SCRIPT = Path(__file__).with_name("in_libreoffice.py")


def converted(file: Path, out: Path, kind: str = "xlsx") -> Path:
    """Let LibreOffice open a file and save it as another."""
    with tempfile.TemporaryDirectory() as folder:
        profile = (Path(folder) / "profile").as_uri()
        command = [program("soffice"), f"-env:UserInstallation={profile}", "--headless"]
        subprocess.run(
            [*command, "--convert-to", kind, "--outdir", folder, str(file)],
            check=True,
            capture_output=True,
            timeout=100,
        )
        out.write_bytes((Path(folder) / f"{file.stem}.{kind.partition(':')[0]}").read_bytes())
    return out


def libreoffice_saved(workbook: Path, out: Path) -> Path:
    """Only open our workbook in LibreOffice and save it."""
    return converted(workbook, out)


def libreoffice_edited(workbook: Path, out: Path) -> Path:
    """Type notes beside Procedures, hide a row and add a sheet in LibreOffice."""
    return _worked(workbook, out, "edit")


def libreoffice_pivot(workbook: Path, out: Path) -> Path:
    """Add a pivot table of Procedures in LibreOffice."""
    return _worked(workbook, out, "pivot")


def libreoffice_macros(workbook: Path, calls: list[tuple[str, list[Any]]]) -> list[Any]:
    """Return what macros of a workbook return in LibreOffice.

    Args:
        workbook: The file.
        calls: Module and name of each, such as ``Module.Name``, and its arguments.
    """
    out = workbook.with_suffix(".json")
    out.write_text(json.dumps(calls), encoding="utf-8")
    results: list[Any] = json.loads(_worked(workbook, out, "macros").read_text(encoding="utf-8"))
    return results


def libreoffice_cells(workbook: Path, formulas: list[tuple[str, int, int]]) -> list[Any]:
    """Return what cells of a workbook show in LibreOffice, by rows; an error as a list of its text.

    Args:
        workbook: The file.
        formulas: Formulas, and how many rows and columns each fills.
    """
    out = workbook.with_suffix(".json")
    out.write_text(json.dumps(formulas), encoding="utf-8")
    results: list[Any] = json.loads(_worked(workbook, out, "cells").read_text(encoding="utf-8"))
    return results


def libreoffice_made(out: Path) -> Path:
    """Make a workbook in LibreOffice, from a text file."""
    text = out.with_suffix(".csv")
    text.write_text("Team,Target\nFinance,3\nQuality,5\n", encoding="utf-8")
    return converted(text, out)


@cache
def _python() -> str | None:
    """Return a Python that has LibreOffice's `uno`."""
    for python in ("/usr/bin/python3", sys.executable):
        done = subprocess.run([python, "-c", "import uno"], check=False, capture_output=True)
        if done.returncode == 0:
            return python
    return None


def _worked(workbook: Path, out: Path, what: str) -> Path:
    program("soffice")
    python = _python()
    if python is None:
        unavailable("LibreOffice's uno for Python (python3-uno) is not installed")
    with tempfile.TemporaryDirectory() as profile:
        command = [str(python), str(_SCRIPT), str(workbook), str(out), what, profile]
        done = subprocess.run(command, check=False, capture_output=True, timeout=100)
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    return out
