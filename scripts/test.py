"""Sets up everything and runs all checks and tests: python3 scripts/test.py [pytest options]."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from environment import ROOT, python_with_package

PACKAGES = ("libreoffice-calc", "fonts-dejavu-core")


def main() -> int:
    """Run linters, type checker and tests, and return the exit code."""
    install_libreoffice()
    python = str(python_with_package(".venv-test", ".[test]", editable=True))
    steps = (
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-m", "pytest", *sys.argv[1:]],
    )
    for step in steps:
        print("$", " ".join(step[1:]), flush=True)
        code = subprocess.call(step, cwd=ROOT)
        if code:
            return code
    return 0


def install_libreoffice() -> None:
    """Install LibreOffice, one of the real readers of our workbooks, where that is possible."""
    if shutil.which("soffice") or not shutil.which("apt-get") or not _is_root():
        return
    print("Installing LibreOffice (once) ...", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
    with Path(os.devnull).open("wb") as nowhere:
        for command in (["apt-get", "update", "-qq"], install):
            subprocess.run(command, check=False, env=quiet, stdout=nowhere)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


if __name__ == "__main__":
    sys.exit(main())
