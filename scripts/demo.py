"""Shows klarify_xl at work, without a key: python3 scripts/demo.py [options of klarify-xl demo]."""

import subprocess
import sys

from environment import python_with_package

if __name__ == "__main__":
    python = python_with_package(".venv", ".")
    sys.exit(subprocess.call([str(python), "-m", "klarify_xl", "demo", *sys.argv[1:]]))
