"""Makes a virtual environment with the package in it; needs nothing but Python."""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)


def python_with_package(name: str, requirement: str, *, editable: bool = False) -> Path:
    """Return the Python of a virtual environment that has the package.

    It is made at the first call, and the package installed again when its sources have changed.

    Args:
        name: Folder of the environment, within the repository.
        requirement: What to install: ``.`` or ``.[extra]``.
        editable: Whether the environment uses the sources in place.
    """
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    folder = ROOT / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = folder / "installed"
    wanted = f"{sys.version} {requirement} {_fingerprint(editable=editable)}"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Setting up {folder.name} (once) ...", flush=True)
    _make(folder)
    _pip(python, "--upgrade", "pip")
    _pip(python, *(["-e"] if editable else []), requirement)
    mark.write_text(wanted, encoding="utf-8")
    return python


def _make(folder: Path) -> None:
    try:
        venv.EnvBuilder(with_pip=True, clear=True).create(folder)
    except subprocess.CalledProcessError:
        sys.exit(
            "This Python can't make virtual environments. On Debian and Ubuntu: "
            "apt install python3-venv"
        )


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    result = subprocess.run([*command, *arguments], cwd=ROOT, check=False)
    if result.returncode:
        sys.exit("pip could not install what is needed; see above. Is there a network?")


def _fingerprint(*, editable: bool) -> str:
    """Return a checksum of what the installation was made from."""
    files = [ROOT / "pyproject.toml"]
    if not editable:
        files += sorted((ROOT / "klarify_xl").rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
