"""Workbooks' windows.

Source: Microsoft Learn, «Window.FreezePanes», «Window.SplitRow», «Window.ScrollRow»; what a window
says is of the sheet that it shows.
"""

from collections.abc import Callable
from typing import Any

from .areas import Rect
from .com import Collection, ComObject, method, prop
from .model import BookModel, View
from .workbook import Workbook
from .worksheet import Worksheet


class Window(ComObject):
    """A workbook's window; what it says is of the sheet that it shows."""

    _default = "Caption"

    def __init__(self, core: Any, book: BookModel) -> None:
        super().__init__(core)
        self._book = book

    @property
    def _path(self) -> str:
        return f"Workbooks({self._book.name!r}).Windows(1)"

    @property
    def _view(self) -> View:
        assert self._book.active is not None
        return self._book.active.view

    @prop
    def Caption(self) -> str:
        return self._book.name

    @prop
    def Parent(self) -> Any:
        return Workbook(self._core, self._book)

    @prop
    def Index(self) -> int:
        return 1

    @prop
    def Visible(self) -> bool:
        return True

    @prop
    def ActiveSheet(self) -> Any:
        return Worksheet(self._core, self._book.active) if self._book.active else None

    @prop
    def RangeSelection(self) -> Any:
        return self._make("Range", self._book.active, self._view.selection)

    @prop
    def Selection(self) -> Any:
        return self._make("Range", self._book.active, self._view.selection)

    @prop
    def ActiveCell(self) -> Any:
        return self._make("Range", self._book.active, Rect(*self._view.active, *self._view.active))

    @method
    def Activate(self) -> None:
        self._core.active = self._book

    @prop
    def FreezePanes(self) -> bool:
        return self._view.frozen

    def _set_FreezePanes(self, value: Any) -> None:
        view = self._view
        if value and not view.split_row and not view.split_column:
            # Panes are split at the active cell, counted from what is in sight.
            view.split_row = max(view.active[0] - view.scroll_row, 0)
            view.split_column = max(view.active[1] - view.scroll_column, 0)
        if not value:
            view.split_row = view.split_column = 0
        view.frozen = bool(value)


class Windows(Collection):
    """A workbook's windows: one."""

    def __init__(self, core: Any, book: BookModel) -> None:
        super().__init__(core)
        self._book = book

    def _all(self) -> list[Any]:
        return [Window(self._core, self._book)]


def _of_view(name: str, field: str, kind: Callable[[Any], Any]) -> None:
    def getter(self: Window) -> Any:
        return getattr(self._view, field)

    def setter(self: Window, value: Any) -> None:
        setattr(self._view, field, kind(value))

    Window._add_property(name, getter, setter)


for _name, _field, _kind in (
    ("ScrollRow", "scroll_row", int),
    ("ScrollColumn", "scroll_column", int),
    ("SplitRow", "split_row", int),
    ("SplitColumn", "split_column", int),
    ("DisplayGridlines", "gridlines", bool),
    ("DisplayHeadings", "headings", bool),
    ("Zoom", "zoom", int),
):
    _of_view(_name, _field, _kind)
