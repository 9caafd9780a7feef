"""The architecture holds: imports go down only, and every module says what it is for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import klarify_xl

PACKAGE = Path(klarify_xl.__file__).parent

LAYERS: tuple[tuple[str, ...], ...] = (
    ("__init__", "errors", "limits", "progress", "language", "collector", "demo"),
    (
        "secret",
        "os_keyring",
        "settings",
        "key_reference",
        "model",
        "retry",
        "reply",
        "text",
        "plan",
        "records",
        "schema",
        "file_names",
        "contrast",
        "worksheet_values",
        "criteria",
        "fields",
        "template",
        "workbook_names",
    ),
    ("toml_lines", "options", "options_file", "small_files", "json_log"),
    ("database",),
    ("transport", "client", "store", "graph", "search", "exit_codes"),
    ("walk", "health"),
    ("sheets", "answers", "functions"),
    (
        *("sync", "headless", "exports", "options_sample", "remote", "ribbon", "udfs"),
        "excel_setup",
    ),
    ("outcome",),
    ("pipeline",),
    ("packs", "fleet", "status", "schedule", "telling"),
    ("metrics", "webhook", "live"),
    ("check",),
    ("excel_check",),
    ("console",),
    ("commands", "cli", "__main__"),
)
"""Modules of each layer; a module may use those below, and its neighbours without a cycle."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def layer_of(part: str) -> int:
    return next(index for index, parts in enumerate(LAYERS) if part in parts)


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(file: Path) -> set[str]:
    """Return the parts of our package that a file imports when it is loaded."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("klarify_xl"):
            below = (node.module or "").split(".")[1:]
            names |= {below[0]} if below else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found = (alias.name.split(".") for alias in node.names)
            names |= {parts[1] for parts in found if parts[0] == "klarify_xl" and len(parts) > 1}
    return {name for name in names if name != "__version__"}


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_own_layer_and_those_below(file: Path) -> None:
    own = part_of(file)
    for other in imported_parts(file) - {own}:
        assert layer_of(other) <= layer_of(own), f"{own} must not import {other}"


def test_no_two_modules_import_each_other() -> None:
    uses: dict[str, set[str]] = {}
    for file in MODULES:
        uses.setdefault(part_of(file), set()).update(imported_parts(file) - {part_of(file)})
    for start, others in uses.items():
        seen: set[str] = set()
        waiting = set(others)
        while waiting:
            part = waiting.pop()
            assert part != start, f"{start} imports itself in the end"
            seen.add(part)
            waiting |= uses.get(part, set()) - seen


def test_the_demo_imports_nothing_of_ours_and_nothing_installed() -> None:
    for file in (PACKAGE / "demo").rglob("*.py"):
        assert imported_parts(file) <= {"demo"}
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= STANDARD
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] in STANDARD | {"klarify_xl"}


STANDARD = set(sys.stdlib_module_names)


def test_only_the_command_line_exits_or_starts_the_demo_server() -> None:
    command_line = set(LAYERS[-1])
    for file in MODULES:
        if part_of(file) not in command_line:
            assert "demo" not in imported_parts(file) - {part_of(file)}
            assert "sys.exit(" not in file.read_text(encoding="utf-8")


def test_the_plan_knows_no_writer_and_the_writer_knows_nothing_of_klarify() -> None:
    for file in (PACKAGE / "plan.py", *(PACKAGE / "sheets").rglob("*.py")):
        source = file.read_text(encoding="utf-8").replace("knows nothing of openpyxl", "")
        assert "openpyxl" not in source
    for file in (PACKAGE / "headless").rglob("*.py"):
        assert imported_parts(file) <= {"headless", "plan", "limits", "errors", "progress"}


def test_only_the_store_and_its_schema_hold_sql() -> None:
    for file in MODULES:
        if file.name not in {"store.py", "database.py", "schema.py"}:
            assert "sqlite3" not in file.read_text(encoding="utf-8"), file


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_every_module_states_its_responsibility_and_keeps_to_a_readable_size(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":"))
    assert len(source.splitlines()) <= 400


def test_importing_the_package_loads_none_of_its_parts() -> None:
    code = "import sys, klarify_xl; print([m for m in sys.modules if m.startswith('klarify_xl.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_imported() -> None:
    for name in klarify_xl.__all__:
        assert getattr(klarify_xl, name) is not None
    with pytest.raises(AttributeError):
        _ = klarify_xl.no_such_name
