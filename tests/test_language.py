"""The languages: every text has its translation, and a workbook speaks one language only."""

import ast
import re
import string
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import klarify_xl
from klarify_xl.demo import Organisation
from klarify_xl.language import LANGUAGES, Language, Phrase, catalogue
from klarify_xl.options import Options
from klarify_xl.plan import Board, Cell, Formula, Link, Plan, Sheet
from klarify_xl.sheets import build_plan
from klarify_xl.store import Store

from .workbooks import NOW, hostile_organisation, opened, write

PACKAGE = Path(klarify_xl.__file__).parent

sys.path.insert(0, str(PACKAGE.parent / "scripts"))
from udf_descriptions import worksheet_functions  # noqa: E402 -- a script beside the package

GERMAN = catalogue("de")
IN_GERMAN = Options(language="de")


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
    for function in worksheet_functions():
        said |= {function.description, *(one.help for one in function.arguments)}
    missing = sorted(said - GERMAN.keys())
    orphans = sorted(GERMAN.keys() - said)
    assert not missing, "german.toml lacks:\n" + "\n".join(f'"{text}" = ""' for text in missing)
    assert not orphans, "nobody says, remove from german.toml:\n" + "\n".join(orphans)


def test_placeholders_are_the_same_in_german() -> None:
    for english, german in GERMAN.items():
        assert placeholders(english) == placeholders(german), english


def test_no_german_text_is_empty_or_has_spaces_around() -> None:
    for german in GERMAN.values():
        assert german == german.strip() != ""


@pytest.mark.parametrize("code", LANGUAGES)
def test_names_and_titles_are_distinct_and_fit(filled: Path, code: str) -> None:
    made = plan(filled, Options(language=code))
    assert made.archive is not None
    names = [sheet.name.casefold() for sheet in (*made.sheets, made.archive)]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 31 for name in names)
    for sheet in (*made.tables, made.archive):
        titles = [column.title.casefold() for column in sheet.columns]
        assert len(set(titles)) == len(titles), sheet.key
        # A bold word beside a filter button is not broken.
        widths = [
            column.width - len(max(column.title.split(), key=len)) for column in sheet.columns
        ]
        assert min(widths) >= 4, sheet.key


def test_every_sheet_and_column_has_a_german_name(filled: Path) -> None:
    made = plan(filled, IN_GERMAN)
    assert made.archive is not None
    missing = []
    for sheet in (*made.sheets, made.archive):
        if sheet.name != GERMAN.get(sheet.key) or sheet.description not in GERMAN.values():
            missing.append(f"{sheet.key}: {sheet.name}: {sheet.description}")
        for column in sheet.columns if isinstance(sheet, Sheet) else ():
            zone = " (UTC)" if column.kind == "moment" else ""
            if column.title != f"{GERMAN.get(column.name)}{zone}":
                missing.append(f"{sheet.key}, column {column.name}: {column.title}")
    assert not missing, "not said in German:\n" + "\n".join(missing)


def test_keys_are_the_same_in_each_language(filled: Path) -> None:
    english, german = plan(filled, Options()), plan(filled, IN_GERMAN)
    assert [sheet.key for sheet in german.sheets] == [sheet.name for sheet in english.sheets]
    for one, other in zip(english.tables, german.tables, strict=True):
        assert [column.name for column in one.columns] == [column.name for column in other.columns]
        assert (one.table, one.identity) == (other.table, other.identity)
        names = {column.name for column in one.columns}
        assert names >= {*one.identity, *(highlight.column for highlight in other.highlights)}


def test_a_german_workbook_holds_nothing_english(filled: Path) -> None:
    made = plan(filled, IN_GERMAN)
    assert made.archive is not None
    shown = {made.title, made.subject, made.page_header}.union(
        *(words(sheet) for sheet in (*made.sheets, made.archive))
    )
    for english, german in GERMAN.items():
        if english != german:
            parts = re.split(r"\{\w+\}", english)
            pattern = re.compile(".+".join(re.escape(part) for part in parts))
            assert not [text for text in shown if pattern.fullmatch(text)], english


def test_each_highlight_sets_off_the_german_words_that_stand_there(filled: Path) -> None:
    expected = {
        ("Relationships", "Match"): {"mehrdeutig": "pending", "nicht gefunden": "warning"},
        ("Changes", "Change"): {
            "hinzugefügt": "good",
            "geändert": "pending",
            "nicht mehr gelistet": "warning",
        },
        ("Health", "Severity"): {"hoch": "warning", "mittel": "pending", "niedrig": "retired"},
        ("Procedures", "Status"): {"published": "good", "draft": "pending", "archived": "retired"},
    }
    sheets = {sheet.key: sheet for sheet in plan(filled, IN_GERMAN).tables}
    for (key, column), tones in expected.items():
        sheet = sheets[key]
        found = {one.text: one.tone for one in sheet.highlights if one.column == column}
        place = [one.name for one in sheet.columns].index(column)
        standing = {str(row[place]) for row in sheet.rows}
        assert {text: tone for text, tone in found.items() if text in standing} == tones


def test_a_written_workbook_speaks_german_and_leaves_klarifys_own_texts(tmp_path: Path) -> None:
    file = tmp_path / "p.xlsx"
    result = write(Organisation(procedures=60, seed=7, now=NOW), file, options=IN_GERMAN)
    assert result.rows["Procedures"] == 60
    sheets = opened(file)
    assert list(sheets)[:2] == ["Prozesse", "Lanes"]
    header = [cell.value for cell in sheets["Prozesse"][1]]
    assert header[:6] == [
        *("ID", "Name", "Status", "Verantwortlich", "Ausführend", "Zuletzt geändert (UTC)")
    ]
    assert {cell.value for cell in sheets["Prozesse"]["C"][1:]} >= {"published", "draft"}
    assert isinstance(sheets["Prozesse"]["F2"].value, datetime)
    tips = {cell.hyperlink.tooltip for cell in sheets["Lanes"]["B"][1:]}
    assert tips == {"Zum Blatt Prozesse"}
    assert sheets["Lanes"]["B2"].hyperlink.location.startswith("'Prozesse'!A")
    assert [table.name for table in sheets["Prozesse"].tables.values()] == ["Procedures"]
    assert sheets["Info"].oddHeader.right.text.startswith("Datenstand: ")
    about = {row[0]: row[2] for row in sheets["Info"].iter_rows(min_row=2, values_only=True)}
    assert about["Gekürzte Texte"] == "Länger als die 32.767 Zeichen einer Zelle"


def test_remarks_and_findings_are_said_with_what_they_are_about(filled: Path) -> None:
    sheets = {sheet.key: sheet for sheet in plan(filled, IN_GERMAN).tables}
    place = [column.name for column in sheets["Procedures"].columns].index("Remarks")
    remarks = "\n".join(str(row[place]) for row in sheets["Procedures"].rows)
    for remark in (
        "owner ist eine Zahl, kein Text",
        "lanes ist ein Objekt, keine Liste",
        "performer ist Wahr oder Falsch, kein Text",
        "updated_at ist kein Datum: 'soon'",
        "unbekannter Status '=1+1'",
        "Verantwortlich: Zeichen am Ende abgeschnitten (",
        "Link: als Text gezeigt, keine einfache Webadresse",
    ):
        assert remark in remarks
    details = {row[5] for row in sheets["Health"].rows}
    assert {"Zuletzt geändert am 2020-12-31", "Der Link ist leer"} <= details
    assert any(str(one).startswith("aufgerufen von: ") for one in details)


def test_a_phrase_is_its_english_text_until_it_is_said() -> None:
    phrase = Phrase(
        "{kind}: {name} (could be {ids})", kind=Phrase("called from"), name="{x}", ids="1"
    )
    assert phrase == "called from: {x} (could be 1)"
    assert Language("en")(phrase) == "called from: {x} (could be 1)"
    assert Language("de")(phrase) == "aufgerufen von: {x} (möglich: 1)"


def test_a_text_without_translation_stays_english() -> None:
    assert Language("de")("Something new") == "Something new"
    assert Language("de")(Phrase("Something {what}", what="new")) == "Something new"


def test_numbers_have_the_separator_of_their_language() -> None:
    assert Language("en").number(1_048_576) == "1,048,576"
    assert Language("de").number(1_048_576) == "1.048.576"
