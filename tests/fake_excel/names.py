"""Defined names.

Source: Microsoft Learn, «Names.Add method (Excel)»; Microsoft Support, «Names in formulas» for what
a name may be.
"""

import re
from typing import Any

from .com import MISSING, Collection, ComObject, lookup, method, prop
from .errors import ComError, refused
from .formulas import quoted_sheet
from .model import BookModel, NameModel, SheetModel
from .references import resolved


class Name(ComObject):
    """A defined name."""

    _default = "Value"

    def __init__(self, core: Any, book: BookModel, model: NameModel) -> None:
        super().__init__(core)
        self._book = book
        self._model = model

    @property
    def _path(self) -> str:
        return f"Names({self._model.name!r})"

    @prop
    def Name(self) -> str:
        scope = self._model.sheet
        return f"{scope.name}!{self._model.name}" if scope else self._model.name

    @prop
    def NameLocal(self) -> str:
        return self._model.name

    @prop
    def RefersTo(self) -> str:
        return self._model.refers_to

    def _set_RefersTo(self, value: Any) -> None:
        self._model.refers_to = reference(value)
        self._book.saved = False

    @prop
    def RefersToLocal(self) -> str:
        return self._model.refers_to

    @prop
    def Value(self) -> str:
        return self._model.refers_to

    def _set_Value(self, value: Any) -> None:
        self._model.refers_to = reference(value)

    @prop
    def RefersToRange(self) -> Any:
        sheet, rect = resolved(self._book, self._model.sheet, self._model.refers_to)
        if rect is None or sheet is None:
            raise refused("Application-defined or object-defined error")
        return self._make("Range", sheet, rect)

    @prop
    def Visible(self) -> bool:
        return self._model.visible

    def _set_Visible(self, value: Any) -> None:
        self._model.visible = bool(value)

    @prop
    def Comment(self) -> str:
        return self._model.comment

    def _set_Comment(self, value: Any) -> None:
        self._model.comment = str(value)

    @prop
    def Parent(self) -> Any:
        scope = self._model.sheet
        if scope:
            return self._make("Worksheet", scope)
        return self._make("Workbook", self._book)

    @method
    def Delete(self) -> None:
        self._book.names.remove(self._model)
        self._book.saved = False


def reference(value: Any) -> str:
    """Return what a name refers to, as a formula."""
    if hasattr(value, "_rect"):
        return f"={quoted_sheet(value._sheet.name)}!{value._rect.address()}"
    text = str(value)
    return text if text.startswith("=") else f'="{text}"'


class Names(Collection):
    """The names of a workbook, or those of a sheet's own."""

    def __init__(self, core: Any, book: BookModel, sheet: SheetModel | None) -> None:
        super().__init__(core)
        self._book = book
        self._sheet = sheet

    def _all(self) -> list[Any]:
        return [
            Name(self._core, self._book, one)
            for one in self._book.names
            if self._sheet is None or one.sheet is self._sheet
        ]

    def _name_of(self, one: Any) -> str:
        model = one._model
        return f"{model.sheet.name}!{model.name}" if model.sheet and not self._sheet else model.name

    @lookup
    def Item(self, Index: Any = MISSING, IndexLocal: Any = MISSING, RefersTo: Any = MISSING) -> Any:
        try:
            return self._found(Index if Index is not None else IndexLocal)
        except ComError:
            # Excel gives 1004 here, not the error of other collections.
            raise refused("Application-defined or object-defined error") from None

    @method
    def Add(
        self,
        Name: Any,
        RefersTo: Any = MISSING,
        Visible: Any = True,
        *_more: Any,
        RefersToLocal: Any = MISSING,
    ) -> Any:
        text = str(Name)
        scope = self._sheet
        if "!" in text:
            sheet, _, text = text.rpartition("!")
            scope = self._book.sheet(sheet.strip("'"))
        if (
            not re.fullmatch(r"[^\W\d][\w.\\?]*|\\[\w.]*", text)
            or len(text) > 255
            or (re.fullmatch(r"[A-Za-z]{1,3}[0-9]{1,7}|[rRcC]", text))
        ):
            raise refused("The syntax of this name isn't correct.")
        refers_to = reference(RefersTo if RefersTo is not None else RefersToLocal)
        for one in self._book.names:
            if one.name.casefold() == text.casefold() and one.sheet is scope:
                one.refers_to, one.visible = refers_to, Visible is None or bool(Visible)
                break
        else:
            one = NameModel(text, refers_to, Visible is None or bool(Visible), scope)
            self._book.names.append(one)
        self._book.saved = False
        return self._make("Name", self._book, one)
