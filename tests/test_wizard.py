"""The worksheet functions in the workbook: as Excel's wizard shows them, and in cells."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyopenvba.apps.excel import Application
from pyopenvba.interpreter._objects import MemberSpec
from pyopenvba.interpreter._values import MISSING, VBAArray, error

from klarify_xl import udfs
from klarify_xl.headless.macros import Macros
from klarify_xl.headless.workbook import write_workbook
from klarify_xl.language import Language
from klarify_xl.ribbon import TAB
from klarify_xl.ribbon.markup import on_action, ribbon_xml
from klarify_xl.ribbon.module import ribbon_module
from klarify_xl.sheets import empty_plan

from .excel_engine import ENGLISH, FRENCH, GERMAN, Excel
from .rich.libreoffice import libreoffice_cells

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "workbook_template.xlsm"

sys.path.insert(0, str(ROOT / "scripts"))
import build_template  # noqa: E402 -- a script beside the package
from udf_descriptions import (  # noqa: E402 -- so is this
    LONGEST,
    MODULE_NAME,
    descriptions_module,
    worksheet_functions,
)

FUNCTIONS = worksheet_functions()
LANGUAGES = pytest.mark.parametrize("say", [Language("en"), Language("de")], ids=["en", "de"])

OPENED = """
Function Opened(savedBefore As Boolean) As Boolean
    ThisWorkbook.Saved = savedBefore
    KlarifyDescribeFunctions ThisWorkbook
    Opened = ThisWorkbook.Saved
End Function
"""


class Wizard:
    """What Excel is told of functions by ``Application.MacroOptions``, as it checks it.

    Attributes:
        told: Description, category and arguments' descriptions, by function.
        refuses: Whether Excel does so, as it does while the workbook is hidden.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: dict[str, tuple[str, str, list[str]]] = {}
        self.refuses = False
        # The parameters that are given by name; Excel has more.
        parameters = ("Macro", "Description", "Category", "ArgumentDescriptions")
        spec = MemberSpec(
            name="MacroOptions", kind="method", getter=self._tell, parameters=parameters
        )
        monkeypatch.setitem(Application._vba_members, "macrooptions", spec)

    def _tell(
        self,
        _application: Any,
        macro: Any = MISSING,
        description: Any = MISSING,
        category: Any = MISSING,
        arguments: Any = MISSING,
    ) -> None:
        if self.refuses:
            # Cannot edit a macro on a hidden workbook.
            raise error(1004)
        book, _, name = str(macro).rpartition("!")
        assert book == f"'{TEMPLATE.name}'"
        listed = [] if arguments is MISSING else [str(one) for one in items(arguments)]
        self.told[name] = (str(description), str(category), listed)


def items(array: Any) -> list[Any]:
    assert isinstance(array, VBAArray)
    return list(array.items)


def excel_with(monkeypatch: pytest.MonkeyPatch, language: int) -> Excel:
    clicks = {one.id: on_action(one) for one in TAB.buttons}
    excel = Excel(TEMPLATE, ribbon_module(TAB), clicks, monkeypatch, language=language)
    excel.add(MODULE_NAME, descriptions_module())
    excel.add("Opening", OPENED)
    return excel


@pytest.mark.parametrize(
    ("language", "say"),
    [(ENGLISH, Language("en")), (FRENCH, Language("en")), (GERMAN, Language("de"))],
)
def test_excel_is_told_of_every_function_in_the_language_of_office(
    monkeypatch: pytest.MonkeyPatch, language: int, say: Language
) -> None:
    wizard = Wizard(monkeypatch)
    excel = excel_with(monkeypatch, language)
    # Nobody is asked to save a workbook for it, and what is not saved stays so.
    assert excel.run("Opening.Opened", True) is True
    assert excel.run("Opening.Opened", False) is False
    assert wizard.told == {
        one.name: (
            say(one.description),
            "Klarify",
            [say(argument.help) for argument in one.arguments],
        )
        for one in FUNCTIONS
    }
    assert len(wizard.told) == 14


def test_nothing_fails_where_excel_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    wizard = Wizard(monkeypatch)
    wizard.refuses = True
    excel = excel_with(monkeypatch, ENGLISH)
    assert excel.run("Opening.Opened", True) is True
    assert excel.messages == []
    assert wizard.told == {}


@LANGUAGES
def test_descriptions_say_something_and_fit(say: Language) -> None:
    for function in FUNCTIONS:
        for text in (function.description, *(one.help for one in function.arguments)):
            said = say(text)
            assert 10 < len(said) <= LONGEST, said
            assert said.isprintable()
            assert said.endswith(".")
            # Beyond the basic plane ChrW of VBA has no letter.
            assert max(said) < "\ud800"


def test_no_function_of_the_vba_lacks_its_description() -> None:
    declared = dict(
        re.findall(r"^Function (KLARIFY_\w+)\((.*)\)$", build_template.udf_wrappers(), re.MULTILINE)
    )
    assert len(declared) == 14
    described = {
        one.name: ", ".join(
            f"Optional {argument.name}" if argument.is_optional else argument.name
            for argument in one.arguments
        )
        for one in FUNCTIONS
    }
    assert described == declared


def test_the_vba_editor_takes_the_module() -> None:
    module = descriptions_module()
    assert module.isascii()
    # Limits of the VBA editor: 1,023 characters in a line, 24 continuations of a statement.
    assert max(len(line) for line in module.splitlines()) <= 1023
    runs = re.findall(r"(?:^.* _\n)+", module, re.MULTILINE)
    assert max(run.count("\n") for run in runs) <= 24


PYTHON = """
Function CallUDF(module As String, name As String, arguments, Optional book, Optional caller)
    Dim table(0 To 1, 0 To 1) As Variant
    Select Case name
        Case "KLARIFY_GET": CallUDF = module & ": " & arguments(0) & ", " & arguments(1)
        Case "KLARIFY_AGE": CallUDF = 29
        Case "KLARIFY_LANES": CallUDF = ChrW$(1) & "#N/A"
        Case "KLARIFY_CALLERS"
            table(0, 0) = "1": table(0, 1) = ChrW$(1) & "#VALUE!"
            table(1, 0) = 5: table(1, 1) = "#N/A"
            CallUDF = table
        Case Else: Err.Raise 1, , "no library"
    End Select
End Function
"""
"""Stands in for the Python that xlwings starts for worksheet functions."""


def test_cells_get_values_arrays_and_errors(tmp_path: Path) -> None:
    """LibreOffice stands in for Excel; it shows an error of VBA by its number.

    It runs nothing of a project with the real modules of xlwings, and knows no ``TypeOf``.
    """
    sources = build_template.modules()
    del sources["Dictionary"]
    caller = "If TypeOf Application.Caller Is Range Then On Error GoTo failed"
    assert sources["xlwings_udfs"].count(caller) == len(FUNCTIONS)
    sources |= {
        "xlwings": "Function XLPy() As Object\n    Set XLPy = New Python\nEnd Function\n"
        "Sub RunPython(command As String)\nEnd Sub\n",
        "Python": "VERSION 1.0 CLASS\nBEGIN\n  MultiUse = -1\nEND\n"
        f'Attribute VB_Name = "Python"\n{PYTHON}',
        "xlwings_udfs": sources["xlwings_udfs"].replace(caller, "On Error GoTo failed"),
    }
    macros = Macros(
        build_template.vba_project(sources), ribbon_xml(TAB), build_template.settings_sheet()
    )
    file = tmp_path / "cells.xlsm"
    with file.open("wb") as out:
        plan = replace(empty_plan(), made_at=build_template.MADE_AT)
        write_workbook(plan, out, data_mark="cells", macros=macros)
    asked: list[tuple[str, int, int, Any]] = [
        ('=KLARIFY_GET("1";"Owner")', 1, 1, [["klarify_xl.udfs: 1, Owner"]]),
        ('=KLARIFY_AGE("1")+1', 1, 1, [[30.0]]),
        ('=KLARIFY_LANES("1")', 1, 1, [["Error 2042"]]),
        ('=KLARIFY_CALLERS("1")', 2, 2, [["1", "Error 2015"], [5.0, "#N/A"]]),
        ("=KLARIFY_COUNT()", 1, 1, [["no library"]]),
    ]
    given = libreoffice_cells(
        file, [(formula, rows, columns) for formula, rows, columns, _ in asked]
    )
    assert given == [expected for *_, expected in asked]
    # The real thing never sends an error's name unmarked.
    assert udfs.ERROR_MARK == "\x01"
