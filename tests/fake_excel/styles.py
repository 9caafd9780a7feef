"""A workbook's named cell styles."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from .com import MISSING, Collection, method, prop
from .errors import refused
from .formats import GROUPS, Format, StyleModel, hyperlink_style
from .looks import FormatMembers
from .model import BookModel


def style_of(book: BookModel, name: str) -> StyleModel:
    """Return a style by its name in any case; Hyperlink is built in, and made when first used."""
    found = book.styles.get(name.casefold())
    if found is None and name.casefold() == "hyperlink":
        found = hyperlink_style(book.styles["normal"].format)
        book.styles["hyperlink"] = found
    if found is None:
        raise refused(f"Style '{name}' not found.")
    return found


class Style(FormatMembers):
    """A style; what changes in it changes in cells that have not changed it themselves."""

    _default = "Name"

    def __init__(self, core: Any, book: BookModel, name: str) -> None:
        super().__init__(core)
        self._book = book
        self._key = name.casefold()

    @property
    def _path(self) -> str:
        return f"Styles({self._model.name!r})"

    @property
    def _model(self) -> StyleModel:
        return style_of(self._book, self._key)

    def _same(self, pick: Callable[[Format], Any]) -> Any:
        return pick(self._model.format)

    def _reformat(self, change: Callable[[Format], Format]) -> None:
        model = self._model
        before = model.format
        after = change(before)
        model.format = after
        changed = {
            one.name: getattr(after, one.name)
            for one in fields(Format)
            if getattr(before, one.name) != getattr(after, one.name)
        }
        self._book.saved = False
        done: dict[Format, Format] = {}
        for sheet in self._book.sheets:
            for cell in sheet.cells.values():
                if cell.format.style == model.name:
                    cell.format = done.setdefault(
                        cell.format, _followed(cell.format, before, changed)
                    )

    @prop
    def Name(self) -> str:
        return self._model.name

    @prop
    def NameLocal(self) -> str:
        return self._model.name

    @prop
    def Value(self) -> str:
        return self._model.name

    @prop
    def BuiltIn(self) -> bool:
        return self._model.builtin

    @prop
    def Parent(self) -> Any:
        return self._make("Workbook", self._book)

    @method
    def Delete(self) -> bool:
        model = self._model
        if model.name == "Normal":
            raise refused("Delete method of Style class failed")
        normal = self._book.styles["normal"]
        for sheet in self._book.sheets:
            for cell in sheet.cells.values():
                if cell.format.style == model.name:
                    cell.format = normal.applied(cell.format)
        del self._book.styles[self._key]
        return True


def _followed(cell: Format, before: Format, changed: dict[str, Any]) -> Format:
    same = {
        name: value
        for name, value in changed.items()
        if getattr(cell, name) == getattr(before, name)
    }
    return replace(cell, **same)


def _include(group: str) -> None:
    def getter(self: Style) -> bool:
        return self._model.includes[group]

    def setter(self: Style, value: Any) -> None:
        self._model.includes[group] = bool(value)

    Style._add_property(group, getter, setter)


for _group in GROUPS:
    _include(_group)


class Styles(Collection):
    """All styles."""

    def __init__(self, core: Any, book: BookModel) -> None:
        super().__init__(core)
        self._book = book

    def _all(self) -> list[Any]:
        return [Style(self._core, self._book, name) for name in self._book.styles]

    def _name_of(self, one: Any) -> str:
        return str(one._model.name)

    def _found(self, index: Any) -> Any:
        if isinstance(index, str):
            return Style(self._core, self._book, style_of(self._book, index).name)
        return super()._found(index)

    @method
    def Add(self, Name: Any, BasedOn: Any = MISSING) -> Any:
        name = str(Name)
        if name.casefold() in self._book.styles or not name or len(name) > 255:
            raise refused("Add method of Styles class failed")
        base = self._book.styles["normal"].format
        if BasedOn is not None:
            base = self._core_format(BasedOn)
        self._book.styles[name.casefold()] = StyleModel(name, replace(base, style=name))
        self._book.saved = False
        return Style(self._core, self._book, name)

    def _core_format(self, cells: Any) -> Format:
        found: Format = cells._sheet.format_at(cells._rect.top, cells._rect.left)
        return found
