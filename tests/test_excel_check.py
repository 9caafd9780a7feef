"""``klarify-xl check --excel``, over a fake of Excel."""

import platform
import types
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from klarify_xl.check import Finding
from klarify_xl.cli import app

from .fake_excel.export import export
from .fake_excel.session import FakeExcel
from .live import open_in_excel


@pytest.fixture
def findings(template: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Finding]:
    """What the check says of the fake."""
    with open_in_excel(template) as excel:
        _can_save_copies(excel, monkeypatch)
        module = import_module("klarify_xl.excel_check")
        program = types.SimpleNamespace(api=excel.application, quit=lambda: None)
        monkeypatch.setattr(module, "start_excel", lambda: program)
        tried = import_module("klarify_xl.commands.check").tried_in_excel
        return {one.subject: one for one in tried()}


def _can_save_copies(excel: FakeExcel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fake save: without macros, which it does not know."""

    def save_copy(self: Any, file: str) -> None:
        export(self._book, Path(file))

    monkeypatch.setattr(type(excel.workbook), "SaveCopyAs", save_copy, raising=False)


def test_what_the_fake_can_do_is_found_fine(findings: dict[str, Finding]) -> None:
    for subject in ("Versions", "Open", "Refresh", "Same as file", "Texts", "Notes", "Refusal"):
        assert findings[subject].state == "fine", findings[subject]
    assert "250 procedures" in findings["Refresh"].detail
    assert "The sheet Lanes is protected." in findings["Refusal"].detail


def test_what_it_can_not_do_is_found_broken(findings: dict[str, Finding]) -> None:
    functions, save = findings["Functions"], findings["Save"]
    assert functions.state == save.state == "broken"
    assert 'KLARIFY_GET("' in functions.detail
    assert "without its ribbon" in save.detail


def test_without_windows_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    result = CliRunner().invoke(app, ["check", "--excel"])
    assert result.exit_code == 2
    assert "on Windows only" in result.output
