"""The ribbon's other buttons, pressed in an open workbook."""

import sys
import types
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend

from klarify_xl import ribbon
from klarify_xl.demo import DemoServer
from klarify_xl.options_file import load_options
from klarify_xl.settings import default_store

from .conftest import MakeServer
from .fake_excel.session import FakeExcel
from .live import column, column_number, open_in_excel, press, refreshed, row_of

pytestmark = pytest.mark.usefixtures("known")

Typed = Callable[[str | None], None]


class MemoryKeyring(KeyringBackend):
    """A keyring that forgets all when the test ends."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # of keyring
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def kept_keys() -> Iterator[dict[tuple[str, str], str]]:
    before = keyring.get_keyring()
    mine = MemoryKeyring()
    keyring.set_keyring(mine)
    yield mine.kept
    keyring.set_keyring(before)


@pytest.fixture
def asked() -> list[dict[str, Any]]:
    """Windows that were shown: all that tkinter was told."""
    return []


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]) -> Typed:
    """Let a person type something into the next window, or close it."""

    def type_next(text: str | None) -> None:
        def askstring(title: str, prompt: str, **options: Any) -> str | None:
            asked.append({"title": title, "prompt": prompt, **options})
            return text

        root = types.SimpleNamespace(
            attributes=lambda *_: None,
            eval=lambda _script: None,
            update=lambda: None,
            destroy=lambda: None,
        )
        tk = types.ModuleType("tkinter")
        dialogs = types.ModuleType("tkinter.simpledialog")
        vars(tk).update(Tk=lambda: root, TclError=RuntimeError, simpledialog=dialogs)
        vars(dialogs).update(askstring=askstring)
        monkeypatch.setitem(sys.modules, "tkinter", tk)
        monkeypatch.setitem(sys.modules, "tkinter.simpledialog", dialogs)

    return type_next


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that were opened in the browser."""
    found: list[str] = []
    monkeypatch.setattr("webbrowser.open", found.append)
    return found


def active(excel: FakeExcel) -> tuple[str, int, int]:
    cell = excel.application.ActiveCell
    return str(excel.application.ActiveSheet.Name), int(cell.Row), int(cell.Column)


def test_every_button_has_its_function() -> None:
    module = import_module(ribbon.MODULE)
    assert all(callable(getattr(module, entry)) for entry in ribbon.ENTRIES)


def test_what_changed_and_health_go_to_their_sheets(template: Path) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        excel.worksheet("Changes").Name = "Was ist neu"
        press("show_changes")
        assert active(excel) == ("Was ist neu", 1, 1)
        press("show_health")
        assert active(excel) == ("Health", 1, 1)
        assert excel.messages == []


def test_a_sheet_that_is_gone_is_told(template: Path) -> None:
    with open_in_excel(template) as excel:
        excel.worksheet("Health").Delete()
        press("show_health")
        (message,) = excel.messages
        assert "no table Health" in message.text


@pytest.mark.parametrize("sheet_name", ["Procedures", "Lanes", "Relationships", "Health"])
def test_the_selected_procedure_is_opened(
    template: Path, pages: list[str], known: DemoServer, sheet_name: str
) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        sheet = excel.worksheet(sheet_name)
        sheet.Activate()
        table = excel.book.table(sheet_name)
        assert table is not None
        title = "ID" if "ID" in table.columns else "Source ID"
        ids = column_number(excel, sheet_name, title)
        row_number = next(row for row in range(9, 99) if sheet.Cells(row, ids).Value2)
        sheet.Range(f"C{row_number}").Select()
        press("open_in_klarify")
        assert excel.messages == []
        thing = sheet.Cells(row_number, ids).Value2
        row = next(one for one in known.organisation.rows if str(one["id"]) == thing)
        assert pages == [row["url"]]


def test_no_row_of_a_procedure_is_selected(template: Path, pages: list[str]) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        for sheet_name, address in (
            ("Overview", "B9"),
            ("Procedures", "A1"),
            ("Procedures", "A500"),
        ):
            excel.worksheet(sheet_name).Activate()
            excel.worksheet(sheet_name).Range(address).Select()
            press("open_in_klarify")
            assert "No row of a procedure is selected." in excel.messages.pop().text
        assert pages == []


def test_no_page_is_opened_that_is_not_safe(
    template: Path, pages: list[str], known: DemoServer
) -> None:
    thing = str(known.organisation.rows[0]["id"])
    known.organisation.edit(thing, url="https://klarify.example@evil.example/")
    with open_in_excel(template) as excel:
        refreshed(excel)
        excel.worksheet("Procedures").Activate()
        row = row_of(excel, "Procedures", thing)
        excel.worksheet("Procedures").Range(f"A{row}").Select()
        press("open_in_klarify")
        assert "no page that is safe to open" in excel.messages.pop().text
        assert pages == []


def test_a_notes_column_is_added_where_a_person_can_write(template: Path) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        for sheet_name in ("Procedures", "Health"):
            excel.worksheet(sheet_name).Activate()
            press("add_notes_column")
            press("add_notes_column")
            table = excel.book.table(sheet_name)
            assert table is not None
            assert table.columns[-2:] == ["Notes", "Notes 2"]
            assert active(excel) == (sheet_name, 2, table.rect.right)
            cell = excel.worksheet(sheet_name).Cells(2, table.rect.right)
            cell.Value2 = "=1+1"
            assert cell.HasFormula
        refreshed(excel)
        assert column(excel, "Procedures", "Notes 2")


def test_no_notes_column_where_there_is_no_table(template: Path) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        excel.worksheet("Overview").Activate()
        press("add_notes_column")
        assert "has no table of Klarify's" in excel.messages.pop().text
        excel.worksheet("Lanes").Activate()
        excel.sheet("Lanes").protected = True
        press("add_notes_column")
        assert "The sheet Lanes is protected." in excel.messages.pop().text


def test_notes_are_called_so_in_office_language(template: Path) -> None:
    with open_in_excel(template) as excel:
        excel.core.language = 1031
        excel.worksheet("Procedures").Activate()
        press("add_notes_column")
        table = excel.book.table("Procedures")
        assert table is not None
        assert table.columns[-1] == "Notizen"


def test_a_key_goes_unseen_to_the_keyring(
    template: Path,
    typed: Typed,
    asked: list[dict[str, Any]],
    kept_keys: dict[tuple[str, str], str],
    known: DemoServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KLARIFY_API_KEY")
    typed(f"  {known.access_key}\n")
    with open_in_excel(template) as excel:
        press("set_access_key")
        (shown,) = asked
        assert shown["show"] == "•"
        assert known.url in shown["prompt"]
        assert list(kept_keys.values()) == [known.access_key]
        assert known.access_key not in excel.messages.pop().text
        refreshed(excel)
        texts = [
            str(cell.value) for sheet in excel.book.sheets for cell in sheet.cells.values()
        ] + [str(one.value) for one in excel.book.properties]
        assert not any(known.access_key in text for text in texts)


def test_who_closes_the_window_keeps_the_old_key(
    template: Path, typed: Typed, kept_keys: dict[tuple[str, str], str]
) -> None:
    typed(None)
    with open_in_excel(template) as excel:
        press("set_access_key")
        assert excel.messages == []
        assert kept_keys == {}


def test_a_key_that_is_none_is_told(
    template: Path, typed: Typed, kept_keys: dict[tuple[str, str], str]
) -> None:
    typed("   ")
    with open_in_excel(template) as excel:
        press("set_access_key")
        assert "The access key is blank." in excel.messages.pop().text
        assert kept_keys == {}


@pytest.mark.usefixtures("kept_keys")
def test_a_workbook_can_belong_to_another_organisation(
    template: Path,
    typed: Typed,
    asked: list[dict[str, Any]],
    make_server: MakeServer,
) -> None:
    other = make_server(5)
    with open_in_excel(template) as excel:
        typed(f"{other.url}/")
        press("choose_organisation")
        # The key of the usual address is not for one that a workbook names.
        press("refresh")
        assert "No access key is kept for 127.0.0.1" in excel.messages.pop().text
        assert other.requests == []
        typed(other.access_key)
        press("set_access_key")
        excel.messages.clear()
        refreshed(excel)
        assert len(excel.values("Procedures")) == 6
        assert not default_store().exists()
        typed(None)
        press("choose_organisation")
        assert asked[-1]["initialvalue"] == other.url


def test_an_address_that_is_none_is_told(template: Path, typed: Typed) -> None:
    with open_in_excel(template) as excel:
        typed("http://klarify.example")
        press("choose_organisation")
        assert "uses http" in excel.messages.pop().text
        assert not any("KLARIFY" in name.name for name in excel.book.names)


def test_back_to_the_usual_address(
    template: Path, typed: Typed, known: DemoServer, make_server: MakeServer
) -> None:
    with open_in_excel(template) as excel:
        typed(make_server(1).url)
        press("choose_organisation")
        assert any(name.name == "KLARIFY_STORE" for name in excel.book.names)
        typed(known.url)
        press("choose_organisation")
        assert not any("KLARIFY_" in name.name for name in excel.book.names)
        refreshed(excel)


def test_options_are_made_and_opened(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("subprocess.Popen", started.append)
    with open_in_excel(template) as excel:
        press("edit_options")
        assert excel.messages == []
        ((_editor, file),) = started
        assert load_options(file)
        text = Path(file).read_text(encoding="utf-8")
        Path(file).write_text(text.replace('#language = "en"', 'language = "de"'), "utf-8")
        press("edit_options")
        assert 'language = "de"' in Path(file).read_text(encoding="utf-8")
        refreshed(excel)
        table = excel.book.table("Procedures")
        assert table is not None
        assert "Verantwortlich" in table.columns


def test_wrong_options_are_told(template: Path) -> None:
    with open_in_excel(template) as excel:
        file = default_store().with_name("klarify.toml")
        file.parent.mkdir(parents=True)
        file.write_text('[workbook]\nlanguage = "fr"\n', encoding="utf-8")
        press("refresh")
        text = excel.messages.pop().text
        assert "klarify.toml" in text
        assert "language" in text


def test_help_shows_the_manual(template: Path, pages: list[str]) -> None:
    with open_in_excel(template) as excel:
        press("show_help")
        assert excel.messages == []
        (page,) = pages
        text = Path(page.removeprefix("file://")).read_text(encoding="utf-8")
        assert "<h1>" in text
        assert "<table>" in text


def test_what_nobody_expects_is_told_without_a_traceback(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_in_excel(template) as excel:
        monkeypatch.setattr("webbrowser.open", lambda _page: 1 // 0)
        press("show_help")
        text = excel.messages.pop().text
        assert "ZeroDivisionError" in text
        assert "Traceback" not in text
        assert excel.application.StatusBar is False
