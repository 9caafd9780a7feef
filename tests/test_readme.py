"""The README says what the program does."""

import re
import sys
from dataclasses import fields
from pathlib import Path

from typer.main import get_command

from klarify_xl.cli import app
from klarify_xl.options_file import load_options
from klarify_xl.outcome import RefreshResult
from klarify_xl.sheets import empty_plan

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

sys.path.insert(0, str(ROOT / "scripts"))
import reference  # noqa: E402 -- a script beside the package


def test_the_reference_is_what_the_program_says() -> None:
    assert reference.with_reference(README) == README, "run: python scripts/reference.py"


def test_every_command_is_in_the_reference() -> None:
    commands = getattr(get_command(app), "commands", {})
    names: set[tuple[str, ...]] = set()
    for name, command in commands.items():
        below = getattr(command, "commands", {})
        names |= {(name, inner) for inner in below} if below else {(name,)}
    assert names == set(reference.COMMANDS)


def test_every_option_that_the_readme_mentions_exists() -> None:
    told, shown = README.split(reference.BEGIN)
    # Dask's commands have options of their own.
    ours = re.sub(r"`dask [^`]*`", "", told)
    mentioned = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", ours))
    assert {"--out", "--json", "--accept-removals", "--overwrite"} <= mentioned
    for option in mentioned:
        assert option in shown, option


def test_every_function_that_the_readme_mentions_exists() -> None:
    told, shown = README.split(reference.BEGIN)
    functions = {f"| `{name}(" for name in re.findall(r"(KLARIFY_\w+)\(", told)}
    assert {"| `KLARIFY_GET(", "| `KLARIFY_REFRESHED("} <= functions
    assert all(function in shown for function in functions)


def test_pictures_and_files_that_the_readme_names_exist() -> None:
    for name in re.findall(r"\]\(([^)h#][^)]*)\)", README) + re.findall(r"scripts/\w+\.py", README):
        assert (ROOT / name).is_file(), name


def test_every_value_of_the_json_result_is_in_the_reference() -> None:
    for column in fields(RefreshResult):
        assert f"| `{column.name}` |" in README


def test_the_klarify_toml_that_the_readme_shows_is_a_working_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "klarify.toml"
    file.write_text(shown, encoding="utf-8")
    plan = empty_plan(load_options(file))
    assert [sheet.name for sheet in plan.sheets] == ["Prozesse", "Lanes", "Befunde", "Info"]
    titles = [column.title for column in plan.tables[0].columns]
    assert "Prozessverantwortung" in titles
