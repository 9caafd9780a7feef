"""Excel itself: its settings, windows and selection."""

from typing import Any

from .areas import Rect
from .com import MISSING, Collection, ComObject, lookup, method, prop
from .errors import refused
from .references import resolved
from .workbook import Workbook
from .worksheet import Worksheet

SETTINGS: dict[str, Any] = {
    "ScreenUpdating": True,
    "EnableEvents": True,
    "Calculation": -4105,
    "DisplayAlerts": True,
    "Interactive": True,
    "EnableCancelKey": 1,
    "Cursor": -4143,
    "Visible": True,
    "CutCopyMode": False,
    "AskToUpdateLinks": True,
    "PrintCommunication": True,
    "AutomationSecurity": 1,
    "CalculateBeforeSave": True,
    "Iteration": False,
    "DisplayStatusBar": True,
    "UserName": "Somebody",
    "ReferenceStyle": 1,
}
"""Settings that are kept as they are set, and what they are at first."""


class Application(ComObject):
    """Excel."""

    _default = "Name"

    @property
    def _path(self) -> str:
        return "Application"

    @prop
    def Name(self) -> str:
        return "Microsoft Excel"

    @prop
    def Version(self) -> str:
        return "16.0"

    @prop
    def Build(self) -> str:
        return "17928"

    @prop
    def Hwnd(self) -> int:
        return 4711

    @prop
    def Ready(self) -> bool:
        return not self._recorder.editing

    @prop
    def PathSeparator(self) -> str:
        return "\\"

    @prop
    def OperatingSystem(self) -> str:
        return "Windows (64-bit) NT 10.00"

    @prop
    def Workbooks(self) -> Any:
        return self._make("Workbooks")

    @prop
    def ActiveWorkbook(self) -> Any:
        return Workbook(self._core, self._core.active) if self._core.active else None

    @prop
    def ThisWorkbook(self) -> Any:
        raise refused("Method 'ThisWorkbook' of object '_Application' failed")

    @prop
    def ActiveSheet(self) -> Any:
        book = self._core.active
        return Worksheet(self._core, book.active) if book else None

    @prop
    def Worksheets(self) -> Any:
        return self._make("Worksheets", self._core.active)

    @prop
    def Sheets(self) -> Any:
        return self._make("Sheets", self._core.active)

    @prop
    def ActiveWindow(self) -> Any:
        return self._make("Window", self._core.active) if self._core.active else None

    @prop
    def Windows(self) -> Any:
        return self._make("Windows", self._core.active)

    @prop
    def ProtectedViewWindows(self) -> Any:
        return self._make("ProtectedViewWindows")

    @prop
    def Selection(self) -> Any:
        sheet = self._core.active.active
        return self._make("Range", sheet, sheet.view.selection)

    @prop
    def ActiveCell(self) -> Any:
        sheet = self._core.active.active
        return self._make("Range", sheet, Rect(*sheet.view.active, *sheet.view.active))

    @prop
    def StatusBar(self) -> Any:
        return self._core.kept.get("StatusBar", False)

    def _set_StatusBar(self, value: Any) -> None:
        self._core.kept["StatusBar"] = False if value is False else str(value)

    @prop
    def LanguageSettings(self) -> Any:
        return self._make("LanguageSettings")

    @prop
    def AutoCorrect(self) -> Any:
        return self._make("AutoCorrect")

    @prop
    def International(self) -> Any:
        return self._make("International")

    @lookup
    def Range(self, Cell1: Any, Cell2: Any = MISSING) -> Any:
        if isinstance(Cell1, str):
            sheet, rect = resolved(self._core.active, self._core.active.active, Cell1)
            if sheet and rect and Cell2 is None:
                return self._make("Range", sheet, rect)
        return Worksheet(self._core, self._core.active.active)._range(Cell1, Cell2)

    @prop
    def Cells(self) -> Any:
        return Worksheet(self._core, self._core.active.active).Cells

    @method
    def CalculateFull(self) -> None:
        pass

    @method
    def Calculate(self) -> None:
        pass

    @method
    def CalculateFullRebuild(self) -> None:
        pass

    @prop
    def CalculationState(self) -> int:
        return 0

    @method
    def DoEvents(self) -> None:
        pass

    @method
    def Goto(self, Reference: Any = MISSING, Scroll: Any = False) -> None:
        cells = Reference
        if isinstance(Reference, str):
            sheet, rect = resolved(self._core.active, self._core.active.active, Reference)
            if rect is None:
                raise refused("Reference isn't valid.")
            cells = self._make("Range", sheet, rect)
        sheet = cells._sheet
        if sheet.visible != -1:
            raise refused("Method 'Goto' of object '_Application' failed")
        self._core.active = sheet.book
        sheet.book.active = sheet
        sheet.view.selection = cells._areas
        sheet.view.active = (cells._rect.top, cells._rect.left)
        if Scroll:
            sheet.view.scroll_row, sheet.view.scroll_column = sheet.view.active

    @method
    def MacroOptions(
        self, Macro: Any = MISSING, Description: Any = MISSING, *more: Any, **named: Any
    ) -> None:
        if Description is not None and len(str(Description)) > 255:
            raise refused("Method 'MacroOptions' of object '_Application' failed")
        self._core.descriptions.append((Macro, Description, *more, *named.items()))

    @method
    def Run(self, Macro: Any, *arguments: Any) -> Any:
        return None

    @lookup
    def Union(self, Arg1: Any, Arg2: Any, *more: Any) -> Any:
        ranges = [Arg1, Arg2, *more]
        areas = list(dict.fromkeys(area for one in ranges for area in one._areas))
        if any(one._sheet is not Arg1._sheet for one in ranges):
            raise refused("Method 'Union' of object '_Global' failed")
        return self._make("Range", Arg1._sheet, areas)

    @lookup
    def Intersect(self, Arg1: Any, Arg2: Any, *more: Any) -> Any:
        areas = list(Arg1._areas)
        for other in (Arg2, *more):
            areas = [both for one in areas for two in other._areas if (both := one.common(two))]
        return self._make("Range", Arg1._sheet, areas) if areas else None

    @method
    def OnTime(self, *_arguments: Any, **_named: Any) -> None:
        pass

    @method
    def Undo(self) -> None:
        raise refused("Method 'Undo' of object '_Application' failed")

    @method
    def Quit(self) -> None:
        pass


def _setting(name: str, first: Any) -> None:
    def getter(self: Application) -> Any:
        return self._core.kept.get(name, first)

    def setter(self: Application, value: Any) -> None:
        self._core.kept[name] = bool(value) if isinstance(first, bool) else value

    Application._add_property(name, getter, setter)


for _name, _first in SETTINGS.items():
    _setting(_name, _first)


class LanguageSettings(ComObject):
    """Office's languages."""

    @lookup
    def LanguageID(self, Id: Any) -> int:
        found: int = self._core.language
        return found


class International(ComObject):
    """Settings of the country, by XlApplicationInternational: 3 is the decimal separator."""

    @lookup
    def Item(self, Index: Any) -> Any:
        return {1: 1, 2: 1, 3: ".", 4: ",", 5: ",", 32: 0}.get(int(Index), "")


class AutoCorrect(ComObject):
    """What Excel does by itself."""

    @prop
    def AutoExpandListRange(self) -> bool:
        return bool(self._core.kept.get("AutoExpandListRange", True))

    def _set_AutoExpandListRange(self, value: Any) -> None:
        self._core.kept["AutoExpandListRange"] = bool(value)

    @prop
    def AutoFillFormulasInLists(self) -> bool:
        return bool(self._core.kept.get("AutoFillFormulasInLists", True))

    def _set_AutoFillFormulasInLists(self, value: Any) -> None:
        self._core.kept["AutoFillFormulasInLists"] = bool(value)


class ProtectedViewWindows(Collection):
    """Windows of files that came from elsewhere and are shown only."""

    def _all(self) -> list[Any]:
        return list(self._core.protected_views)
