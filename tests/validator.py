"""The Open XML SDK as a judge of workbooks: the nearest thing to Excel's offer to repair."""

import json
import subprocess
from pathlib import Path
from typing import Any

from .node import VALIDATOR, installed
from .workbooks import program


def installed_validator() -> Path:
    """Return the validator's script, or skip the test where it can't be had."""
    return installed(VALIDATOR) / VALIDATOR[0] / "dist" / "src" / "cli.js"


def objections(validator: Path, workbook: Path) -> list[str]:
    """Return what the Open XML SDK objects to."""
    command = [program("node"), str(validator), str(workbook)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    verdict: dict[str, Any] = json.loads(done.stdout)
    assert verdict["ok"] == (not verdict["errors"])
    return [f"{error.get('path')}: {error.get('description')}" for error in verdict["errors"]]
