"""Measures klarify_xl against what one would otherwise do: python3 scripts/bench.py [--quick]."""

import subprocess
import sys

from environment import ROOT, python_with_package

if __name__ == "__main__":
    python = python_with_package(".venv-bench", ".[bench]", editable=True)
    command = [str(python), "-m", "benchmark", *sys.argv[1:]]
    sys.exit(subprocess.call(command, cwd=ROOT / "scripts"))
