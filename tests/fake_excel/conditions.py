"""Conditional formats.

Source: Microsoft Learn, «FormatConditions.Add» (XlFormatConditionType: 1 a cell's value, 2 a
formula; XlFormatConditionOperator: 1 between, 3 equal and so on).
"""

from typing import Any

from .com import MISSING, Collection, Keeper, method, part, prop, stored
from .errors import refused
from .grammar import checked
from .model import Condition, SheetModel

CELL_VALUE, EXPRESSION = 1, 2


class ConditionFont(Keeper):
    """A conditional format's font."""

    Bold = stored("Bold")
    Italic = stored("Italic")
    Underline = stored("Underline")
    Strikethrough = stored("Strikethrough")
    Color = stored("Color")


class ConditionInterior(Keeper):
    """A conditional format's fill."""

    Color = stored("Color")
    Pattern = stored("Pattern")
    ColorIndex = stored("ColorIndex")


class ConditionBorders(Keeper):
    """A conditional format's lines."""

    LineStyle = stored("LineStyle")
    Weight = stored("Weight")
    Color = stored("Color")


class FormatCondition(Keeper):
    """A conditional format."""

    def __init__(self, core: Any, sheet: SheetModel, model: Condition, path: str) -> None:
        super().__init__(core, model.kept, path, sheet.writable)
        self._sheet = sheet
        self._condition = model

    Font = part("Font", "ConditionFont")
    Interior = part("Interior", "ConditionInterior")
    Borders = part("Borders", "ConditionBorders")
    NumberFormat = stored("NumberFormat")
    StopIfTrue = stored("StopIfTrue", True)

    @prop
    def Type(self) -> int:
        return self._condition.kind

    @prop
    def Operator(self) -> int:
        return self._condition.operator

    @prop
    def Formula1(self) -> str:
        return self._formula(0)

    @prop
    def Formula2(self) -> str:
        return self._formula(1)

    def _formula(self, number: int) -> str:
        if number >= len(self._condition.formulas):
            raise refused("Application-defined or object-defined error")
        return self._condition.formulas[number]

    @prop
    def AppliesTo(self) -> Any:
        return self._make("Range", self._sheet, self._condition.rects)

    @prop
    def Priority(self) -> int:
        return self._sheet.conditions.index(self._condition) + 1

    def _set_Priority(self, value: Any) -> None:
        self._sheet.conditions.remove(self._condition)
        self._sheet.conditions.insert(int(value) - 1, self._condition)

    @method
    def SetFirstPriority(self) -> None:
        self._set_Priority(1)

    @method
    def ModifyAppliesToRange(self, Range: Any) -> None:
        self._sheet.writable()
        self._condition.rects = Range._areas

    @method
    def Modify(
        self, Type: Any, Operator: Any = MISSING, Formula1: Any = MISSING, Formula2: Any = MISSING
    ) -> None:
        self._sheet.writable()
        self._condition.kind, self._condition.operator = int(Type), int(Operator or 0)
        self._condition.formulas = tuple(
            str(one) for one in (Formula1, Formula2) if one is not None
        )

    @method
    def Delete(self) -> None:
        self._sheet.writable()
        self._sheet.conditions.remove(self._condition)


class FormatConditions(Collection):
    """The conditional formats of a range's cells."""

    def __init__(self, core: Any, cells: Any) -> None:
        super().__init__(core)
        self._cells = cells

    @property
    def _path(self) -> str:
        return f"{self._cells._path}.FormatConditions"

    def _models(self) -> list[Condition]:
        areas = self._cells._areas
        return [
            one
            for one in self._cells._sheet.conditions
            if any(rect.meets(area) for rect in one.rects for area in areas)
        ]

    def _all(self) -> list[Any]:
        return [
            FormatCondition(self._core, self._cells._sheet, one, f"{self._path}({number})")
            for number, one in enumerate(self._models(), 1)
        ]

    @method
    def Add(
        self,
        Type: Any,
        Operator: Any = MISSING,
        Formula1: Any = MISSING,
        Formula2: Any = MISSING,
        String: Any = MISSING,
        TextOperator: Any = MISSING,
    ) -> Any:
        sheet: SheetModel = self._cells._sheet
        sheet.writable()
        rect = self._cells._rect
        formulas = []
        for one in (Formula1, Formula2):
            if one is None:
                continue
            text = str(one)
            if text.startswith("="):
                checked(text, sheet, rect.top, rect.left)
                if "[" in text:
                    # Conditional formats take no structured references.
                    raise refused()
            formulas.append(text)
        if Type == EXPRESSION and not formulas:
            raise refused()
        model = Condition(tuple(self._cells._areas), int(Type), int(Operator or 0), tuple(formulas))
        if String is not None:
            model.kept["Text"] = String
            model.kept["TextOperator"] = TextOperator
        sheet.conditions.append(model)
        sheet.book.saved = False
        return self._all()[-1]

    @method
    def Delete(self) -> None:
        self._cells._change()
        self._cells._drop_conditions()
