"""The checklist for a person with Excel names what there is, as it is called."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from klarify_xl import udfs
from klarify_xl.cli import app
from klarify_xl.ribbon import TAB, Menu

TEXT = (Path(__file__).parents[1] / "scripts" / "excel_checklist.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("button", TAB.buttons, ids=lambda one: one.id)
def test_every_button_is_looked_at(button: object) -> None:
    assert str(getattr(button, "label", "")) in TEXT


def test_every_menu_is_looked_at() -> None:
    assert all(one.label in TEXT for one in TAB.controls if isinstance(one, Menu))


def test_every_function_is_looked_for_and_no_other() -> None:
    there = {name for name in vars(udfs) if name.startswith("KLARIFY_")}
    assert set(re.findall(r"KLARIFY_[A-Z_]+", TEXT)) == there


def test_every_command_in_it_exists() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group
    for line in re.findall(r"klarify-xl ([a-z][^`|\n]*)", TEXT):
        words = line.split()
        command = commands[words[0]]
        known = {option for one in command.params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_lines_are_numbered() -> None:
    numbers = [int(found) for found in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
