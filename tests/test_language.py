"""The languages: every text has its translation, and a workbook speaks one language only."""

import ast
import string
from datetime import timedelta
from pathlib import Path

import pytest

import klarify_xl
from klarify_xl.demo import Organisation
from klarify_xl.language import Language, Phrase, catalogue
from klarify_xl.options import Options
from klarify_xl.plan import Board, Cell, Formula, Link, Plan, Sheet
from klarify_xl.sheets import build_plan
from klarify_xl.store import Store

from .workbooks import NOW, hostile_organisation, write

PACKAGE = Path(klarify_xl.__file__).parent
GERMAN = catalogue("de")
IN_GERMAN = Options(language="de")
BEFORE = "[language]"


def literals(source: str) -> set[str]:
    """Return the texts that a module says, or keeps in order to say them later."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            text = node.args[0].value
            if name in {"say", "Phrase", "column"} and isinstance(text, str):
                found.add(text)
    return found


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of all that a workbook can speak of: findings, changes, remarks and gaps."""
    file = tmp_path_factory.mktemp("language") / "p.xlsx"
    organisation = hostile_organisation()
    for row in Organisation(procedures=150, seed=7, now=NOW).rows:
        organisation.add(**{**row, "id": f"more {row['id']}"})
    organisation.add(id=7, owner=5, lanes={"a": 1}, performer=True, updated_at="soon")
    organisation.add(called_from=[1, "Last"], name="Last", url=[], status=None, updated_at=None)
    organisation.add(name="First", called_from=["Second"], url="")
    organisation.add(name="Second", called_within=["First"], updated_at="2020-12-31T23:30:00Z")
    removed = organisation.add(name="Removed")
    write(organisation, file)
    for gone in (removed, organisation.rows[5]["id"]):
        organisation.now += timedelta(hours=1)
        organisation.remove(gone)
    for number, row in enumerate(organisation.rows[6:12]):
        organisation.edit(row["id"], owner=f"Owner {number}", lanes=["Legal"], name=f"New {number}")
    organisation.add(name="Brand new")
    write(organisation, file, full=True)
    return file.with_suffix(".db")


def plan(filled: Path, options: Options) -> Plan:
    with Store(filled, read_only=True) as store:
        return build_plan(store, options)


def texts(cells: object) -> set[str]:
    """Return every text in cells."""
    if isinstance(cells, str):
        return {cells}
    if isinstance(cells, Link):
        return {cells.hint} | texts(cells.value)
    if isinstance(cells, Formula):
        return texts(cells.value)
    if isinstance(cells, tuple | list | set | frozenset):
        return set[str]().union(*(texts(cell) for cell in cells))
    return set()


def words(sheet: Sheet | Board) -> set[str]:
    """Return every text of a sheet, wherever it stands."""
    around = {sheet.name, sheet.description}
    if isinstance(sheet, Sheet):
        return around | {one.title for one in sheet.columns} | texts(sheet.rows)
    cells: list[Cell] = [cell for cell, _look in sheet.cells.values()]
    drawn = (*sheet.charts, *sheet.shapes, *sheet.connectors)
    titles = {getattr(one, name, "") for one in drawn for name in ("title", "text", "description")}
    return around | titles | texts(cells)


def test_every_text_that_is_said_has_a_german_one(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: set[str] = set()
    say = Language.__call__

    def listening(self: Language, text: str) -> str:
        said.add(text.english if isinstance(text, Phrase) else text)
        return say(self, text)

    monkeypatch.setattr(Language, "__call__", listening)
    plan(filled, IN_GERMAN)
    for file in PACKAGE.rglob("*.py"):
        said |= literals(file.read_text(encoding="utf-8"))
    missing = sorted(said - GERMAN.keys())
    orphans = sorted(GERMAN.keys() - said)
    assert not missing, "german.toml lacks:\n" + "\n".join(f'"{text}" = ""' for text in missing)
    assert not orphans, "nobody says, remove from german.toml:\n" + "\n".join(orphans)
