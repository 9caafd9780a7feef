"""Document properties.

Source: Microsoft Learn, Office's «DocumentProperties.Add» and «DocumentProperty.Value»; a text
holds 255 characters, as in Office's dialog. What is missing gives E_INVALIDARG.
"""

from datetime import datetime
from typing import Any, Final

from .com import MISSING, Collection, ComObject, lookup, method, prop
from .errors import ComError, wrong_type
from .model import BookModel, PropertyModel

PROPERTY_TEXT: Final = 255
NUMBER, BOOLEAN, DATE, STRING, FLOAT = 1, 2, 3, 4, 5
"""MsoDocProperties."""


class DocumentProperty(ComObject):
    """A document property."""

    _default = "Value"

    def __init__(self, core: Any, book: BookModel, model: PropertyModel) -> None:
        super().__init__(core)
        self._book = book
        self._model = model

    @property
    def _path(self) -> str:
        return f"CustomDocumentProperties({self._model.name!r})"

    @prop
    def Name(self) -> str:
        return self._model.name

    @prop
    def Type(self) -> int:
        return self._model.kind

    @prop
    def LinkToContent(self) -> bool:
        return False

    @prop
    def Value(self) -> Any:
        return self._model.value

    def _set_Value(self, value: Any) -> None:
        self._model.value = property_value(self._model.kind, value)
        # Excel does not notice that a property was changed (Workbook.Saved stays True).

    @method
    def Delete(self) -> None:
        self._book.properties.remove(self._model)


def property_value(kind: int, value: Any) -> Any:
    """Return a property's value, or raise if it is not of its kind or too long."""
    known: dict[int, tuple[type, ...]] = {BOOLEAN: (bool,), DATE: (datetime,), STRING: (str,)}
    fits = isinstance(value, known.get(kind, (int, float)))
    if not fits or not NUMBER <= kind <= FLOAT:
        raise wrong_type(4)
    if kind == STRING and len(value) > PROPERTY_TEXT:
        raise wrong_type(4)
    return int(value) if kind == NUMBER else value


class DocumentProperties(Collection):
    """A workbook's own document properties."""

    def __init__(self, core: Any, book: BookModel) -> None:
        super().__init__(core)
        self._book = book

    @property
    def _path(self) -> str:
        return "CustomDocumentProperties"

    def _all(self) -> list[Any]:
        return [DocumentProperty(self._core, self._book, one) for one in self._book.properties]

    def _name_of(self, one: Any) -> str:
        return str(one._model.name)

    @lookup
    def Item(self, Index: Any) -> Any:
        try:
            return self._found(Index)
        except ComError:
            # Invalid procedure call or argument (E_INVALIDARG)
            raise ComError(-2147024809, "The parameter is incorrect.") from None

    @method
    def Add(
        self,
        Name: Any,
        LinkToContent: Any,
        Type: Any = MISSING,
        Value: Any = MISSING,
        LinkSource: Any = MISSING,
    ) -> Any:
        if any(one.name.casefold() == str(Name).casefold() for one in self._book.properties):
            raise ComError(-2147467259, "Unspecified error")
        if not isinstance(Name, str) or not 1 <= len(Name) <= PROPERTY_TEXT or Type is None:
            raise wrong_type(1)
        model = PropertyModel(Name, int(Type), property_value(int(Type), Value))
        self._book.properties.append(model)
        return DocumentProperty(self._core, self._book, model)


class BuiltinProperty(ComObject):
    """Title, Subject, Author and so on."""

    _default = "Value"

    def __init__(self, core: Any, book: BookModel, name: str) -> None:
        super().__init__(core)
        self._book = book
        self._key = name

    @property
    def _path(self) -> str:
        return f"BuiltinDocumentProperties({self._key!r})"

    @prop
    def Name(self) -> str:
        return self._key

    @prop
    def Value(self) -> Any:
        return self._book.builtin_properties.get(self._key, "")

    def _set_Value(self, value: Any) -> None:
        self._book.builtin_properties[self._key] = value


class BuiltinProperties(Collection):
    """The document properties that every workbook has."""

    _names = ("Title", "Subject", "Author", "Keywords", "Comments", "Last Author", "Category")

    def __init__(self, core: Any, book: BookModel) -> None:
        super().__init__(core)
        self._book = book

    def _all(self) -> list[Any]:
        return [BuiltinProperty(self._core, self._book, one) for one in self._names]

    def _name_of(self, one: Any) -> str:
        return str(one._key)
