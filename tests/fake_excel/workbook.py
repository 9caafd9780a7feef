"""Workbooks."""

from pathlib import Path
from typing import Any

from .com import MISSING, Collection, ComObject, lookup, method, prop
from .errors import refused
from .loading import loaded
from .model import BookModel
from .references import resolved
from .worksheet import Worksheet


class Workbook(ComObject):
    """A workbook."""

    _default = "Name"

    def __init__(self, core: Any, book: BookModel) -> None:
        super().__init__(core)
        self._book = book

    @property
    def _path(self) -> str:
        return f"Workbooks({self._book.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workbook) and other._book is self._book

    def __hash__(self) -> int:
        return id(self._book)

    @prop
    def Name(self) -> str:
        return self._book.name

    @prop
    def FullName(self) -> str:
        return self._book.full_name

    @prop
    def FullNameURLEncoded(self) -> str:
        return self._book.full_name

    @prop
    def Path(self) -> str:
        return self._book.path

    @prop
    def ReadOnly(self) -> bool:
        return self._book.read_only

    @prop
    def ProtectStructure(self) -> bool:
        return self._book.structure_protected

    @prop
    def HasVBProject(self) -> bool:
        return self._book.name.lower().endswith(("m", "b"))

    @prop
    def MultiUserEditing(self) -> bool:
        return False

    @prop
    def Date1904(self) -> bool:
        return bool(self._book.kept.get("Date1904", False))

    @prop
    def FileFormat(self) -> int:
        return 52 if self._book.name.lower().endswith(".xlsm") else 51

    @prop
    def Saved(self) -> bool:
        return self._book.saved

    def _set_Saved(self, value: Any) -> None:
        self._book.saved = bool(value)

    @prop
    def AutoSaveOn(self) -> bool:
        return bool(self._book.kept.get("AutoSaveOn", False))

    def _set_AutoSaveOn(self, value: Any) -> None:
        self._book.kept["AutoSaveOn"] = bool(value)

    @prop
    def Worksheets(self) -> Any:
        return self._make("Worksheets", self._book)

    @prop
    def Sheets(self) -> Any:
        return self._make("Sheets", self._book)

    @prop
    def ActiveSheet(self) -> Any:
        return Worksheet(self._core, self._book.active) if self._book.active else None

    @prop
    def Names(self) -> Any:
        return self._make("Names", self._book, None)

    @prop
    def Styles(self) -> Any:
        return self._make("Styles", self._book)

    @prop
    def Windows(self) -> Any:
        return self._make("Windows", self._book)

    @prop
    def CustomDocumentProperties(self) -> Any:
        return self._make("DocumentProperties", self._book)

    @prop
    def BuiltinDocumentProperties(self) -> Any:
        return self._make("BuiltinProperties", self._book)

    @prop
    def Parent(self) -> Any:
        return self._core.application

    @prop
    def TableStyles(self) -> Any:
        raise NotImplementedError("the fake Excel does not model TableStyles")

    @method
    def Activate(self) -> None:
        self._core.active = self._book

    @method
    def FollowHyperlink(
        self, Address: Any, SubAddress: Any = MISSING, NewWindow: Any = MISSING, *_more: Any
    ) -> None:
        self._book.followed.append((Address, SubAddress or ""))

    @method
    def Save(self) -> None:
        if self._book.read_only:
            raise refused(f"Cannot access read-only document '{self._book.name}'.")
        self._book.saved = True

    @method
    def Protect(
        self, Password: Any = MISSING, Structure: Any = True, Windows: Any = MISSING
    ) -> None:
        self._book.structure_protected = bool(Structure)

    @method
    def Unprotect(self, Password: Any = MISSING) -> None:
        self._book.structure_protected = False

    @method
    def Close(self, SaveChanges: Any = MISSING, *_more: Any) -> None:
        self._core.books.remove(self._book)
        self._book.closed = True
        if self._core.active is self._book:
            self._core.active = self._core.books[0] if self._core.books else None

    @lookup
    def Evaluate(self, Name: Any) -> Any:
        sheet, rect = resolved(self._book, self._book.active, str(Name))
        return self._make("Range", sheet, rect) if rect else -2146826259


class Workbooks(Collection):
    """The open workbooks; those in Protected View are not among them."""

    def _all(self) -> list[Any]:
        return [Workbook(self._core, one) for one in self._core.books]

    def _name_of(self, one: Any) -> str:
        return str(one._book.name)

    @lookup
    def Open(self, Filename: Any, *_more: Any, **_named: Any) -> Any:
        book = loaded(Path(str(Filename)))
        self._core.books.append(book)
        self._core.active = book
        return Workbook(self._core, book)
