"""The ribbon: its XML and VBA agree, and the VBA does what is declared."""

import importlib
import importlib.util
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from klarify_xl.demo import Organisation
from klarify_xl.headless.marks import REFRESHED_MARK, RESULT_MARK
from klarify_xl.language import Language
from klarify_xl.options import Options
from klarify_xl.ribbon import (
    ENTRIES,
    MODULE,
    NOTES_TABLES,
    ROW_TABLES,
    TAB,
    Button,
    Menu,
    Status,
)
from klarify_xl.ribbon.markup import NAMESPACE, on_action, ribbon_xml
from klarify_xl.ribbon.module import literal, ribbon_module, ribbon_texts
from klarify_xl.sheets import empty_plan

from .excel_engine import AHEAD, AUSTRIAN, ENGLISH, FRENCH, GERMAN, Excel
from .workbooks import NOW, write

TEMPLATE = Path(__file__).parent.parent / "workbook_template.xlsm"
IMAGES = Path(__file__).with_name("office_images.txt")
XML = etree.fromstring(ribbon_xml(TAB))
VBA = ribbon_module(TAB)
SAY = Language("de")

GETTER = r"control As IRibbonControl, ByRef returnedVal"
SIGNATURES = {
    "onLoad": r"\w+ As IRibbonUI",
    "onAction": r"control As IRibbonControl",
    "getLabel": GETTER,
    "getScreentip": GETTER,
    "getSupertip": GETTER,
    "getEnabled": GETTER,
}
"""What Office passes to a callback, by the attribute that names it (MS-CUSTOMUI2 2.2)."""

MakeExcel = Callable[..., Excel]


def elements(tag: str = "*") -> list[Any]:
    return list(XML.iter(f"{{{NAMESPACE}}}{tag}"))


def callbacks() -> dict[str, str]:
    """Return the signature that each callback of the XML must have in VBA."""
    found: dict[str, str] = {}
    for element in elements():
        for name, value in element.attrib.items():
            if name in SIGNATURES:
                assert found.setdefault(value, SIGNATURES[name]) == SIGNATURES[name]
    return found


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook with ribbon, and with rows."""
    file = tmp_path_factory.mktemp("ribbon") / "p.xlsm"
    write(Organisation(procedures=12, seed=7, now=NOW), file)
    return file


@pytest.fixture
def make_excel(monkeypatch: pytest.MonkeyPatch) -> MakeExcel:
    def make(workbook: Path = TEMPLATE, **options: Any) -> Excel:
        clicks = {one.id: on_action(one) for one in TAB.buttons}
        return Excel(workbook, VBA, clicks, monkeypatch, **options)

    return make


def test_all_nine_parts_of_the_ribbon_are_there() -> None:
    tabs = [(one.get("id"), one.get("label")) for one in elements("tab")]
    assert tabs == [("KlarifyTab", "Klarify")]
    said = [str(one.label) for one in TAB.controls if not isinstance(one, Status)]
    assert said == [
        *("Refresh", "Refresh everything", "What changed", "Health", "Open in Klarify"),
        *("Notes column", "Settings", "Access key …", "Organisation …", "Options …", "Help"),
    ]
    assert [one.get("id") for one in elements("labelControl")] == ["KlarifyAge", "KlarifyResult"]


def test_ids_are_unique_and_the_same_in_the_declaration() -> None:
    ids = [one.get("id") for one in elements() if one.get("id")]
    assert len(set(ids)) == len(ids)
    declared = {TAB.id, *(one.id for one in TAB.groups), *(one.id for one in TAB.controls)}
    assert set(ids) == declared
    assert all(re.fullmatch(r"Klarify\w+", one) for one in ids)


def test_every_callback_of_the_xml_is_in_the_vba_with_its_signature_and_no_other() -> None:
    wanted = callbacks()
    found = {
        name: arguments
        for name, arguments in re.findall(r"^Sub (\w+)\((.*)\)$", VBA, re.MULTILINE)
        if "IRibbon" in arguments
    }
    assert set(found) == set(wanted)
    assert len(wanted) == len(TAB.buttons) + 5
    for name, arguments in found.items():
        assert re.fullmatch(wanted[name], arguments), name


def test_every_control_has_what_people_and_excel_need() -> None:
    for one in elements("button") + elements("menu"):
        needed = {"getLabel", "getScreentip", "getSupertip", "keytip", "imageMso"}
        if one.tag.endswith("button"):
            needed |= {"getEnabled", "onAction"}
        assert needed <= set(one.attrib), one.get("id")
    for one in elements("labelControl"):
        assert {"getLabel", "getScreentip", "getSupertip"} <= set(one.attrib)


def test_every_image_is_one_that_office_has() -> None:
    lines = IMAGES.read_text(encoding="ascii").splitlines()
    known = [line for line in lines if not line.startswith("#")]
    assert known == sorted(known)
    used = [one.get("imageMso") for one in elements() if one.get("imageMso")]
    assert set(used) <= set(known)
    assert len(set(used)) == len(used)


def test_keytips_are_short_and_none_begins_another() -> None:
    on_tab = [one for group in TAB.groups for one in group.controls if not isinstance(one, Status)]
    (menu,) = [one for one in on_tab if isinstance(one, Menu)]
    for controls in (on_tab, menu.buttons):
        tips = [one.keytip for one in controls]
        assert all(re.fullmatch(r"[A-Z0-9]{1,3}", tip) for tip in tips)
        for tip in tips:
            assert [other for other in tips if other.startswith(tip)] == [tip]


def test_both_languages_are_complete_and_fit() -> None:
    texts = dict(ribbon_texts(TAB))
    names = {group.id for group in TAB.groups}
    for one in TAB.controls:
        kinds = ("screentip", "supertip") if isinstance(one, Status) else ("label", "screentip")
        names |= {one.id}
        assert {f"{one.id}.{kind}" for kind in (*kinds, "supertip")} <= set(texts)
    same_word = {"Organisation …"}
    for name, text in texts.items():
        for said in (str(text), SAY(text)):
            assert said == said.strip() != ""
            # A label must not widen the ribbon; the schema allows 1,024 characters.
            most = {"label": 24, "screentip": 60, "supertip": 240}
            assert len(said) <= most.get(name.rpartition(".")[2], 60), said
        assert SAY(text) != text or text in same_word, f"{text!r} has no German"


def test_the_vba_is_plain_ascii_in_lines_that_the_editor_takes() -> None:
    assert VBA.isascii()
    # Limits of the VBA editor: 1,023 characters in a line, 64 KiB in a procedure.
    assert max(len(line) for line in VBA.splitlines()) <= 1023
    procedures = re.split(r"^End (?:Sub|Function)$", VBA, flags=re.MULTILINE)
    assert max(map(len, procedures)) < 64 * 1024
    assert "{" not in VBA.replace("{n}", "")
    assert "Option Explicit" in VBA


@pytest.mark.parametrize("text", ["", 'a "quoted" one', "Übersicht … schön", "ä", 'ö"'])
def test_a_text_becomes_an_expression_that_gives_it_again(text: str) -> None:
    expression = literal(text)
    assert expression.isascii()
    parts = re.findall(r'"((?:[^"]|"")*)"|ChrW\((\d+)\)', expression)
    assert "".join(chr(int(n)) if n else s.replace('""', '"') for s, n in parts) == text


def test_the_tables_of_the_ribbon_are_those_of_the_workbook() -> None:
    tables = {one.table: {column.name for column in one.columns} for one in empty_plan().tables}
    with_ids = [name for name, columns in tables.items() if columns & {"ID", "Source ID"}]
    assert sorted(ROW_TABLES) == sorted(with_ids)
    assert sorted(NOTES_TABLES) == sorted(set(tables) - {"About"})
    for one in TAB.buttons:
        assert {one.usable.table} - {""} <= set(tables)


def test_every_entry_is_a_function_of_the_live_module() -> None:
    assert all(entry.isidentifier() for entry in ENTRIES)
    assert len(ENTRIES) == len(TAB.buttons)
    if importlib.util.find_spec(MODULE) is None:
        pytest.skip(f"{MODULE} is not there yet")
    live = importlib.import_module(MODULE)
    for entry in ENTRIES:
        assert callable(getattr(live, entry))


@pytest.mark.parametrize(
    ("language", "speaks_german"),
    [(ENGLISH, False), (GERMAN, True), (AUSTRIAN, True), (FRENCH, False)],
)
def test_the_running_vba_says_every_text_in_the_language_of_office(
    make_excel: MakeExcel, language: int, *, speaks_german: bool
) -> None:
    excel = make_excel(language=language)
    callback = {
        "label": "KlarifyLabel",
        "screentip": "KlarifyScreentip",
        "supertip": "KlarifySupertip",
    }
    said = 0
    for name, text in ribbon_texts(TAB):
        control, _, kind = name.partition(".")
        if kind:
            expected = SAY(text) if speaks_german else str(text)
            assert excel.asked(callback[kind], control) == expected
            said += 1
    assert said > 30


@pytest.mark.parametrize("button", TAB.buttons, ids=lambda one: one.id)
def test_each_button_runs_its_python(make_excel: MakeExcel, button: Button) -> None:
    excel = make_excel()
    if button.entry == "show_help":
        # Here Python can't be started: people are told, in words.
        assert excel.pressed(button.id) == []
        assert "no Python" in excel.messages[0]
        assert "This could not be done" in excel.messages[0]
    else:
        assert excel.pressed(button.id) == [f"import {MODULE}; {MODULE}.{button.entry}()"]
        assert not excel.messages


@pytest.mark.parametrize(
    ("passed", "english", "german"),
    [
        (timedelta(minutes=-60), "Refreshed just now", "Soeben aktualisiert"),
        (timedelta(minutes=1), "Refreshed just now", "Soeben aktualisiert"),
        (timedelta(minutes=119.5), "Refreshed 119 minutes ago", "Vor 119 Minuten aktualisiert"),
        (timedelta(minutes=120.5), "Refreshed 2 hours ago", "Vor 2 Stunden aktualisiert"),
        (timedelta(hours=47.9), "Refreshed 47 hours ago", "Vor 47 Stunden aktualisiert"),
        (timedelta(hours=48.1), "Refreshed 2 days ago", "Vor 2 Tagen aktualisiert"),
        (timedelta(days=365.1), "Refreshed 365 days ago", "Vor 365 Tagen aktualisiert"),
    ],
)
def test_the_label_tells_how_old_the_data_is_wherever_the_computer_is(
    make_excel: MakeExcel, passed: timedelta, english: str, german: str
) -> None:
    refreshed = datetime(2025, 12, 31, 23, 59, 59)  # noqa: DTZ001 -- VBA knows no time zones
    properties = {REFRESHED_MARK: f"{refreshed.isoformat()}Z"}
    for language, expected in ((ENGLISH, english), (GERMAN, german)):
        excel = make_excel(language=language, properties=properties).at(refreshed + passed + AHEAD)
        assert excel.asked("KlarifyLabel", "KlarifyAge") == expected


def test_where_the_system_does_not_tell_the_time_zone_the_label_tells_the_moment(
    make_excel: MakeExcel,
) -> None:
    excel = make_excel(properties={REFRESHED_MARK: "2026-03-01T12:05:00Z"}, on_windows=False)
    assert excel.asked("KlarifyLabel", "KlarifyAge") == "Refreshed on 2026-03-01 12:05 UTC"


@pytest.mark.parametrize("mark", ["-", "", "yesterday", "2026-03-01", None])
def test_without_a_refresh_the_label_says_so(make_excel: MakeExcel, mark: str | None) -> None:
    excel = make_excel(properties={} if mark is None else {REFRESHED_MARK: mark})
    assert excel.asked("KlarifyLabel", "KlarifyAge") == "Not refreshed yet"


@pytest.mark.parametrize(
    ("result", "english", "german"),
    [
        ("-", "", ""),
        ("", "", ""),
        ("0", "Procedures: 0", "Prozesse: 0"),
        ("1247", "Procedures: 1,247", "Prozesse: 1,247"),
        (
            "2 files are open.",
            "The last refresh failed",
            "Die letzte Aktualisierung ist misslungen",
        ),
        (
            "The access key was refused.",
            "The last refresh failed",
            "Die letzte Aktualisierung ist misslungen",
        ),
    ],
)
def test_the_label_tells_how_the_last_refresh_went(
    make_excel: MakeExcel, result: str, english: str, german: str
) -> None:
    for language, expected in ((ENGLISH, english), (GERMAN, german)):
        excel = make_excel(language=language, properties={RESULT_MARK: result})
        assert excel.asked("KlarifyLabel", "KlarifyResult") == expected


def test_after_a_failure_the_label_tells_why(make_excel: MakeExcel) -> None:
    why = "The access key was refused."
    usual = "After a failure the workbook is as it was before; Refresh tries again."
    for result, expected in ((why, f"{why}\r\n{usual}"), ("12", usual), ("-", usual)):
        excel = make_excel(properties={RESULT_MARK: result})
        assert excel.asked("KlarifySupertip", "KlarifyResult") == expected
        assert why not in excel.asked("KlarifySupertip", "KlarifyAge")


def enabled(excel: Excel) -> set[str]:
    return {one.id for one in TAB.buttons if excel.asked("KlarifyEnabled", one.id)}


ALWAYS = {
    *("KlarifyRefresh", "KlarifyRefreshEverything", "KlarifyChanges", "KlarifyHealth"),
    *("KlarifyKey", "KlarifyOrganisation", "KlarifyOptions", "KlarifyHelp"),
}


@pytest.mark.parametrize(
    ("sheet", "cell", "also"),
    [
        ("Overview", "A1", set()),
        ("About", "A3", set()),
        ("Procedures", "C2", {"KlarifyOpen", "KlarifyNotes"}),
        ("Procedures", "A1", {"KlarifyNotes"}),
        ("Procedures", "C400", {"KlarifyNotes"}),
        ("Procedures", "ZZ3", {"KlarifyOpen", "KlarifyNotes"}),
        ("Relationships", "B2", {"KlarifyOpen", "KlarifyNotes"}),
        ("Lane totals", "B2", {"KlarifyNotes"}),
    ],
)
def test_buttons_can_be_pressed_where_they_make_sense(
    make_excel: MakeExcel, workbook: Path, sheet: str, cell: str, also: set[str]
) -> None:
    assert enabled(make_excel(workbook).select(sheet, cell)) == ALWAYS | also


def test_an_empty_template_has_no_row_to_open(make_excel: MakeExcel) -> None:
    excel = make_excel().select("Procedures", "A2")
    assert enabled(excel) == ALWAYS | {"KlarifyNotes"}


def test_buttons_for_sheets_that_are_left_out_are_off(
    make_excel: MakeExcel, tmp_path: Path
) -> None:
    file = tmp_path / "small.xlsm"
    options = Options(shown=("Procedures", "About"), language="de")
    write(Organisation(procedures=3, seed=7, now=NOW), file, options=options)
    excel = make_excel(file).select("Prozesse", "A2")
    expected = ALWAYS - {"KlarifyChanges", "KlarifyHealth"} | {"KlarifyOpen", "KlarifyNotes"}
    assert enabled(excel) == expected


def test_the_ribbon_is_asked_again_only_if_the_selection_matters(
    make_excel: MakeExcel, workbook: Path
) -> None:
    excel = make_excel(workbook).select("Procedures", "B3")
    assert excel.run("Probe.Redrawn", "C4") == 0
    assert excel.run("Probe.Redrawn", "A1") == 1
