"""An Excel in memory that runs our VBA: the workbook and macros of pyOpenVBA, not Excel itself."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyopenvba.apps.excel import Application, ExcelApplication, Workbook
from pyopenvba.apps.excel._bridge import ExcelBridge
from pyopenvba.interpreter import VBADate, VBAObject, member
from pyopenvba.interpreter._objects import MemberSpec
from pyopenvba.interpreter._values import error

ENGLISH, GERMAN, AUSTRIAN, FRENCH = 1033, 1031, 3079, 1036
"""Languages of Office's windows, as numbers of Windows."""

AHEAD = timedelta(hours=2)
"""By which the computer's clock is ahead of UTC."""

PROBE = """
Private Log As String

Function RunPython(command As String)
    If InStr(command, "show_help") > 0 Then Err.Raise 53, , "no Python"
    Log = Log & command & vbLf
End Function

Function Asked(callback As String, id As String)
    Dim control As New AnyControl
    Dim answer
    control.ID = id
    Select Case callback
        Case "KlarifyLabel": KlarifyLabel control, answer
        Case "KlarifyScreentip": KlarifyScreentip control, answer
        Case "KlarifySupertip": KlarifySupertip control, answer
        Case "KlarifyEnabled": KlarifyEnabled control, answer
    End Select
    Asked = answer
End Function

Function Pressed(id As String) As String
    Dim control As New AnyControl
    control.ID = id
    Log = ""
    Select Case id
{presses}
    End Select
    Pressed = Log
End Function

Function Redrawn(selected As String) As Long
    Dim ribbonUI As New AnyRibbon
    KlarifyLoad ribbonUI
    KlarifyActivated ActiveSheet
    ribbonUI.Count = 0
    Range(selected).Select
    KlarifySelected ActiveSheet
    Redrawn = ribbonUI.Count
End Function

Sub Choose(sheet As String, cell As String)
    Worksheets(sheet).Activate
    Range(cell).Select
End Sub
"""

RIBBON_UI = """
Public Count As Long
Sub Invalidate()
    Count = Count + 1
End Sub
"""


class _Languages(VBAObject):
    def __init__(self, language: int) -> None:
        self.language = language

    @member
    def LanguageID(self, ID: object) -> int:  # noqa: N802, N803 -- VBA's names
        # msoLanguageIDUI
        assert int(str(ID)) == 2
        return self.language


class _Property(VBAObject):
    def __init__(self, value: str) -> None:
        self._value = value

    @member
    def Value(self) -> str:  # noqa: N802 -- VBA's name
        return self._value


class _WindowsTime(VBAObject):
    """An SWbemDateTime of a computer whose clock is two hours ahead of UTC."""

    def __init__(self) -> None:
        self._local = 0.0

    @member
    def SetVarDate(self, date: Any, local: object) -> None:  # noqa: N802 -- VBA's name
        assert local is True or int(str(local)) == -1
        self._local = date.serial

    @member
    def GetVarDate(self, local: object) -> VBADate:  # noqa: N802 -- VBA's name
        assert local is False or int(str(local)) == 0
        return VBADate(self._local - AHEAD / timedelta(days=1))


class Excel:
    """A workbook in Excel's place, with the ribbon's module and what Office gives it.

    Args:
        workbook: The file.
        module: Source of the ribbon's module.
        clicks: The procedures that buttons call, by the buttons' ids.
        monkeypatch: Adds what the engine lacks of Office.
        language: Of Office's windows.
        properties: The workbook's custom properties.
        on_windows: Whether objects of Windows are there.
    """

    def __init__(
        self,
        workbook: Path,
        module: str,
        clicks: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        *,
        language: int = ENGLISH,
        properties: dict[str, str] | None = None,
        on_windows: bool = True,
    ) -> None:
        def languages(_application: Any) -> _Languages:
            return _Languages(language)

        def custom_property(_book: Any, name: object) -> _Property:
            if str(name) not in (properties or {}):
                # Invalid procedure call or argument
                raise error(5)
            return _Property((properties or {})[str(name)])

        def create(_bridge: Any, name: str) -> _WindowsTime:
            if not on_windows or name != "WbemScripting.SWbemDateTime":
                # ActiveX component can't create object
                raise error(429)
            return _WindowsTime()

        monkeypatch.setattr(ExcelBridge, "create", create)

        for owner, name, getter, parameters in (
            (Application, "LanguageSettings", languages, ()),
            (Workbook, "CustomDocumentProperties", custom_property, ("Index",)),
        ):
            spec = MemberSpec(name=name, kind="property", getter=getter, parameters=parameters)
            monkeypatch.setitem(owner._vba_members, name.lower(), spec)
        self._excel: Any = ExcelApplication.open(workbook, with_vba=False)
        self._excel.add_module(module, name="RibbonKlarify")
        self._excel.add_module("Public ID As String\n", name="AnyControl", kind="class")
        self._excel.add_module(RIBBON_UI, name="AnyRibbon", kind="class")
        presses = "\n".join(f'        Case "{key}": {name} control' for key, name in clicks.items())
        self._excel.add_module(PROBE.replace("{presses}", presses), name="Probe")

    def add(self, name: str, module: str) -> None:
        """Add a module."""
        self._excel.add_module(module, name=name)

    def at(self, moment: datetime) -> "Excel":
        """Stop the clock."""
        self._excel.freeze_clock(moment)
        return self

    def select(self, sheet: str, cell: str) -> "Excel":
        """Select a cell."""
        self.run("Probe.Choose", sheet, cell)
        return self

    def asked(self, callback: str, control: str) -> Any:
        """Return what a callback answers for a control."""
        return self.run("Probe.Asked", callback, control)

    def pressed(self, control: str) -> list[str]:
        """Press a button, and return the Python that it runs."""
        return str(self.run("Probe.Pressed", control)).splitlines()

    def run(self, name: str, *arguments: object) -> Any:
        """Run a procedure."""
        return self._excel.run(name, *arguments)

    @property
    def messages(self) -> list[str]:
        """What message boxes have said."""
        return [str(one) for one in self._excel.dialogs]
