"""TRAPS.md keeps its word: every trap stands in it, and every test that it names exists."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = (TESTS / "TRAPS.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| (.+) \|$", TABLE, re.MULTILINE)


def names_in(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_trap_stands_in_the_table_once_and_in_order() -> None:
    assert [int(trap) for trap, _ in ROWS] == list(range(1, 32))


@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[trap for trap, _ in ROWS])
def test_the_tests_named_for_a_trap_exist(row: str) -> None:
    names = re.findall(r"`(test_\w+(?:\.py)?)`", row.rpartition(" | ")[2])
    files = [name for name in names if name.endswith(".py")]
    tests = {name for name in names if not name.endswith(".py")}

    assert files
    assert tests
    assert all((TESTS / file).is_file() for file in files)
    assert tests - set().union(*map(names_in, files)) == set()
