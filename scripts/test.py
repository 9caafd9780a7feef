"""Sets up everything and runs all checks and tests: python3 scripts/test.py [pytest options]."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from environment import ROOT, python_with_package

TOOLS = (
    ("soffice", ("libreoffice-calc", "fonts-dejavu-core")),
    ("/usr/lib/python3/dist-packages/uno.py", ("python3-uno",)),
    ("ssconvert", ("gnumeric",)),
    ("npm", ("nodejs", "npm")),
    ("systemd-analyze", ("systemd",)),
    ("crontab", ("cron",)),
    ("faketime", ("faketime",)),
)
"""Programs or files that tests use, and Debian's packages that bring them."""

SERVERS = (("/usr/sbin/sshd", ("openssh-server",)),)
"""Those that would go on serving; a machine of one's own is not to begin that for the tests."""


def main() -> int:
    """Run linters, type checker and tests, and return the exit code."""
    install_tools()
    python = str(python_with_package(".venv-test", ".[test]", editable=True))
    steps = (
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-m", "pytest", "--numprocesses=auto", "--dist=loadfile", *sys.argv[1:]],
    )
    for step in steps:
        print("$", " ".join(step[1:]), flush=True)
        code = subprocess.call(step, cwd=ROOT)
        if code:
            return code
    return 0


def install_tools() -> None:
    """Install the real readers and editors of our workbooks, where that is possible."""
    missing = [
        package
        for tool, packages in (*TOOLS, *(SERVERS if os.environ.get("CI") == "true" else ()))
        if not (shutil.which(tool) or Path(tool).exists())
        for package in packages
    ]
    if not missing or not shutil.which("apt-get") or not _is_root():
        return
    print(f"Installing {', '.join(missing)} (once) ...", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    with Path(os.devnull).open("wb") as nowhere:
        for command in (["apt-get", "update", "-qq"], install):
            subprocess.run(command, check=False, env=quiet, stdout=nowhere)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


if __name__ == "__main__":
    sys.exit(main())
