"""Refresh in an open workbook when something is in the way: one message, the workbook as it was."""

import re
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from klarify_xl.demo import DemoServer, Fault

from .conftest import Know
from .fake_excel.session import FakeExcel
from .live import (
    assert_shows_the_same,
    column,
    column_number,
    edit,
    headless,
    open_in_excel,
    press,
    refreshed,
    shown,
)

SETTINGS = ("ScreenUpdating", "EnableEvents", "DisplayAlerts", "Calculation", "StatusBar")


def everything(excel: FakeExcel) -> dict[str, Any]:
    """Return all that a workbook's sheets hold."""
    return {sheet.name: shown(sheet) for sheet in excel.book.sheets}


def settings(excel: FakeExcel) -> list[Any]:
    return [getattr(excel.application, name) for name in SETTINGS]


def assert_refused(excel: FakeExcel, *words: str) -> None:
    """Press Refresh, and see one message and nothing changed."""
    before, set_before, saved = everything(excel), settings(excel), excel.workbook.Saved
    press("refresh")
    assert len(excel.messages) == 1
    message = excel.messages.pop()
    assert message.title == "Klarify"
    for word in words:
        assert word in message.text
    assert everything(excel) == before
    assert settings(excel) == set_before
    assert excel.workbook.Saved == saved


def result(excel: FakeExcel) -> str:
    return next(str(one.value) for one in excel.book.properties if one.name == "klarify-xl result")


def test_a_protected_sheet(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        edit(known)
        excel.sheet("Lanes").protected = True
        assert_refused(excel, "The sheet Lanes is protected.", "Unprotect Sheet")
        assert "protected" in result(excel)
        excel.sheet("Lanes").protected = False
        refreshed(excel)
        assert result(excel).isdigit()


@pytest.mark.usefixtures("known")
def test_a_protected_structure_matters_only_if_a_sheet_is_missing(template: Path) -> None:
    with open_in_excel(template) as excel:
        excel.book.structure_protected = True
        refreshed(excel)
        excel.book.sheets.remove(excel.sheet("Health"))
        assert_refused(excel, "structure", "Health", "Protect Workbook")
        excel.book.structure_protected = False
        refreshed(excel)
        assert len(excel.values("Health")) > 1


@pytest.mark.usefixtures("known")
def test_a_read_only_workbook(template: Path) -> None:
    with open_in_excel(template) as excel:
        excel.book.read_only = True
        assert_refused(excel, "read-only", "Save it under another name")


@pytest.mark.usefixtures("known")
def test_a_table_that_was_renamed(template: Path) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        table = excel.book.table("Lanes")
        assert table is not None
        table.name = "MyLanes"
        assert_refused(excel, "On the sheet Lanes there is no table Lanes", "Table Design")


@pytest.mark.usefixtures("known")
def test_the_main_sheet_was_deleted(template: Path) -> None:
    with open_in_excel(template) as excel:
        excel.book.sheets.remove(excel.sheet("Procedures"))
        assert_refused(excel, "no table Procedures", "renamed or deleted")


@pytest.mark.usefixtures("known")
def test_no_key(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KLARIFY_API_KEY")
    with open_in_excel(template) as excel:
        assert_refused(excel, "No access key was found.")


@pytest.mark.usefixtures("known")
def test_a_refused_key(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLARIFY_API_KEY", "an old secret")
    with open_in_excel(template) as excel:
        press("refresh")
        (message,) = excel.messages
        assert "KLARIFY_API_KEY" in message.text
        assert "an old secret" not in message.text + result(excel)
        assert len(excel.values("Procedures")) <= 2


def test_no_network(template: Path, know: Know, server: DemoServer) -> None:
    know(server)
    with open_in_excel(template) as excel:
        refreshed(excel)
        server.stop()
        assert_refused(excel, "Connection refused", "Check the network")


def test_esc_between_pages_stops(template: Path, server: DemoServer, know: Know) -> None:
    know(server)
    asked = iter([True, False, True])
    with open_in_excel(template, lambda: next(asked)) as excel:
        # What was pressed before Refresh doesn't count, and neither does another window's.
        assert_refused(excel, "Stopped. The workbook and the stored data are as they were.")
        assert result(excel) == "-"


@pytest.mark.usefixtures("known")
def test_esc_in_another_window_does_not_stop(template: Path) -> None:
    with open_in_excel(template, lambda: True) as excel:
        windows: Any = sys.modules["win32gui"]
        windows.GetForegroundWindow = lambda: 1
        refreshed(excel)


@pytest.mark.usefixtures("known")
def test_excel_is_busy_for_a_moment(template: Path) -> None:
    with open_in_excel(template) as excel:
        excel.busy(5)
        refreshed(excel)
        assert len(excel.values("Procedures")) == 61


@pytest.mark.usefixtures("known")
def test_excel_stays_busy(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_in_excel(template) as excel:
        monkeypatch.setattr(import_module("klarify_xl.live.excel"), "PATIENCE", 0.2)
        before = everything(excel)
        excel.busy()
        press("refresh")
        excel.busy(0)
        (message,) = excel.messages
        assert "Excel is busy" in message.text
        assert everything(excel) == before


@pytest.mark.usefixtures("known")
def test_a_cell_is_being_edited(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_in_excel(template) as excel:
        monkeypatch.setattr(import_module("klarify_xl.live.excel"), "PATIENCE", 0.2)
        before = everything(excel)
        excel.edit_a_cell()
        press("refresh")
        excel.edit_a_cell(edited=False)
        (message,) = excel.messages
        assert "Excel is busy: a cell is being edited" in message.text
        assert everything(excel) == before


@pytest.mark.parametrize("share", [0.02, 0.05, 0.08, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_excel_fails_on_the_way(
    template: Path, known: DemoServer, share: float, tmp_path: Path
) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        excel.worksheet("Procedures").Activate()
        press("add_notes_column")
        sheet, notes = excel.worksheet("Procedures"), column_number(excel, "Procedures", "Notes")
        for row in range(2, 62):
            sheet.Cells(row, notes).Value2 = f"note on {sheet.Cells(row, 1).Value2}"
        edit(known)
        first = len(excel.calls)
        refreshed(excel)
        calls = len(excel.calls) - first
        gone = edit(known)["gone"]
        set_before = settings(excel)
        excel.fail_at(len(excel.calls) + int(calls * share))
        press("refresh")
        (message,) = excel.messages
        excel.messages.clear()
        assert "It just failed" in message.text
        assert "Refresh again" in message.text
        assert settings(excel) == set_before
        refreshed(excel)
        assert_shows_the_same(excel, headless(tmp_path / "headless.xlsx"), own_columns=1)
        for thing, note in column(excel, "Procedures", "Notes").items():
            assert note in {f"note on {thing}", None}
        assert f"note on {gone}" in [row[4] for row in excel.values("Archived notes")]


def test_reading_takes_too_long(
    template: Path, known: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        monkeypatch.setattr(import_module("klarify_xl.live.preferences"), "DEADLINE", 0.5)
        known.script(*[Fault.slow(0.3).on() for _ in range(9)])
        assert_refused(excel, "longer than")


def test_the_status_bar_tells_how_far_it_is(template: Path, server: DemoServer, know: Know) -> None:
    know(server)
    with open_in_excel(template) as excel:
        refreshed(excel)
        told = [str(call.arguments[0]) for call in excel.calls if call.member == "StatusBar"]
        assert any(re.fullmatch(r"Klarify: reading.*, \d+ of 250 \(Esc stops\)", t) for t in told)
        assert any(re.fullmatch(r"Klarify: writing procedures.*%\)", text) for text in told)
        assert told[-1] == "False"


@pytest.mark.usefixtures("known")
def test_the_workbook_says_when_it_was_refreshed(template: Path) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        said = {one.name: one.value for one in excel.book.properties}
        stamp = datetime.fromisoformat(str(said["klarify-xl refreshed"]))
        assert abs(datetime.now(UTC) - stamp) < timedelta(minutes=2)
        assert said["klarify-xl result"] == "60"


def test_another_organisation(template: Path, know: Know, server: DemoServer) -> None:
    know(server)
    with open_in_excel(template) as excel:
        refreshed(excel)
        for one in excel.book.properties:
            if one.name == "klarify-xl organisation":
                one.value = "Somebody else"
        assert_refused(excel, "shows Somebody else")
