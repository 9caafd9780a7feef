"""Worksheets and the collection of them."""

import re
from collections.abc import Iterator
from typing import Any

from .areas import Rect
from .com import MISSING, Collection, ComObject, lookup, method, prop
from .errors import bad_index, gone, refused, wrong_type
from .model import WHOLE_SHEET, BookModel, SheetModel
from .range_base import CELLS, COLUMNS, ROWS
from .references import forget_sheet, rename_sheet, resolved

_FORBIDDEN = re.compile(r"[\\/?*\[\]:]")


class Worksheet(ComObject):
    """A worksheet."""

    _default = "Name"

    def __init__(self, core: Any, sheet: SheetModel) -> None:
        super().__init__(core)
        self._sheet = sheet

    @property
    def _path(self) -> str:
        return f"Worksheets({self._sheet.name!r})"

    @property
    def _model(self) -> SheetModel:
        if self._sheet.deleted:
            raise gone()
        return self._sheet

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Worksheet) and other._sheet is self._sheet

    def __hash__(self) -> int:
        return id(self._sheet)

    def _areas_of(self, text: str) -> list[Rect]:
        """Return what an address, a table's or a name's reference stands for; 1004 if nothing."""
        if len(text) > 255:
            raise refused("Method 'Range' of object '_Worksheet' failed")
        found = []
        for piece in re.split(r",(?![^\[]*\])", text):
            sheet, rect = self._resolve(piece.strip())
            if rect is None or sheet is not self._sheet:
                raise refused("Method 'Range' of object '_Worksheet' failed")
            found.append(rect)
        return found

    def _resolve(self, text: str) -> tuple[SheetModel | None, Rect | None]:
        return resolved(self._model.book, self._model, text)

    def _range(self, first: Any, last: Any = MISSING) -> Any:
        if isinstance(first, str):
            areas = self._areas_of(first)
        elif hasattr(first, "_areas"):
            areas = list(first._areas)
            if first._sheet is not self._sheet:
                raise refused("Method 'Range' of object '_Worksheet' failed")
        else:
            raise wrong_type()
        if last is not None:
            ends = self._areas_of(last) if isinstance(last, str) else list(last._areas)
            both = [*areas, *ends]
            areas = [
                Rect(
                    min(one.top for one in both),
                    min(one.left for one in both),
                    max(one.bottom for one in both),
                    max(one.right for one in both),
                )
            ]
        return self._make("Range", self._model, areas)

    @lookup
    def Range(self, Cell1: Any, Cell2: Any = MISSING) -> Any:
        return self._range(Cell1, Cell2)

    @prop
    def Cells(self) -> Any:
        return self._make("Range", self._model, WHOLE_SHEET, CELLS)

    @prop
    def Rows(self) -> Any:
        return self._make("Range", self._model, WHOLE_SHEET, ROWS)

    @prop
    def Columns(self) -> Any:
        return self._make("Range", self._model, WHOLE_SHEET, COLUMNS)

    @prop
    def UsedRange(self) -> Any:
        return self._make("Range", self._model, self._sheet.used())

    @prop
    def Name(self) -> str:
        return self._model.name

    def _set_Name(self, value: Any) -> None:
        name, book = str(value), self._model.book
        other = book.sheet(name)
        if book.structure_protected:
            raise refused("The workbook is protected and cannot be changed.")
        if (
            not 1 <= len(name) <= 31
            or _FORBIDDEN.search(name)
            or name.startswith("'")
            or (name.endswith("'") or name.casefold() == "history")
        ):
            raise refused("You typed an invalid name for a sheet or chart.")
        if other and other is not self._sheet:
            raise refused("That name is already taken. Try a different one.")
        rename_sheet(self._sheet, name)

    @prop
    def CodeName(self) -> str:
        return self._model.code_name

    @prop
    def Index(self) -> int:
        return self._model.book.sheets.index(self._sheet) + 1

    @prop
    def Type(self) -> int:
        return -4167

    @prop
    def Parent(self) -> Any:
        return self._make("Workbook", self._model.book)

    @prop
    def Visible(self) -> int:
        return self._model.visible

    def _set_Visible(self, value: Any) -> None:
        book = self._model.book
        if book.structure_protected:
            raise refused("Unable to set the Visible property of the Worksheet class")
        wanted = -1 if value in {-1, 1} else int(value)
        others = [one for one in book.sheets if one.visible == -1 and one is not self._sheet]
        if wanted != -1 and not others:
            raise refused("Unable to set the Visible property of the Worksheet class")
        self._sheet.visible = wanted
        if wanted != -1 and book.active is self._sheet:
            book.active = others[0]

    @prop
    def ProtectContents(self) -> bool:
        return self._model.protected

    @prop
    def ProtectDrawingObjects(self) -> bool:
        return self._model.protected

    @method
    def Protect(self, *_arguments: Any, **_options: Any) -> None:
        self._model.protected = True

    @method
    def Unprotect(self, Password: Any = MISSING) -> None:
        self._model.protected = False

    @prop
    def ListObjects(self) -> Any:
        return self._make("ListObjects", self._model)

    @prop
    def Hyperlinks(self) -> Any:
        return self._make("Hyperlinks", self._model, None)

    @prop
    def Shapes(self) -> Any:
        return self._make("Shapes", self._model)

    @lookup
    def ChartObjects(self, Index: Any = MISSING) -> Any:
        found = self._make("ChartObjects", self._model)
        return found if Index is None else found._found(Index)

    @prop
    def Comments(self) -> Any:
        return self._make("Comments", self._model)

    @prop
    def Names(self) -> Any:
        return self._make("Names", self._model.book, self._sheet)

    @prop
    def PageSetup(self) -> Any:
        return self._make("PageSetup", self._model.page, f"{self._path}.PageSetup")

    @prop
    def Tab(self) -> Any:
        return self._make("Tab", self._model.tab, f"{self._path}.Tab")

    @prop
    def Sort(self) -> Any:
        return self._make("Sort", self._model, None)

    @prop
    def AutoFilter(self) -> Any:
        return self._make("AutoFilter", self._model, None) if self._model.filter else None

    @prop
    def AutoFilterMode(self) -> bool:
        return self._model.filter is not None

    def _set_AutoFilterMode(self, value: Any) -> None:
        self._model.writable()
        if value:
            raise refused("Unable to set the AutoFilterMode property of the Worksheet class")
        if self._model.filter:
            rect = self._model.filter.rect
            self._model.hidden_rows -= set(range(rect.top, rect.bottom + 1))
            self._model.filter = None

    @prop
    def FilterMode(self) -> bool:
        tables = any(one.criteria for one in self._model.tables)
        return tables or bool(self._model.filter and self._model.filter.criteria)

    @method
    def ShowAllData(self) -> None:
        if not self._model.filter or not self._model.filter.criteria:
            raise refused("ShowAllData method of Worksheet class failed")
        self._make("AutoFilter", self._model, None)._show_all()

    @prop
    def StandardWidth(self) -> float:
        return self._model.default_width

    @prop
    def StandardHeight(self) -> float:
        return self._model.default_height

    @method
    def Activate(self) -> None:
        if self._model.visible != -1:
            raise refused("Activate method of Worksheet class failed")
        self._sheet.book.active = self._sheet

    @method
    def Select(self, Replace: Any = MISSING) -> None:
        if self._model.visible != -1:
            raise refused("Select method of Worksheet class failed")
        self._sheet.book.active = self._sheet

    @method
    def Calculate(self) -> None:
        pass

    @method
    def Delete(self) -> bool:
        book = self._model.book
        if book.structure_protected or len([one for one in book.sheets if one.visible == -1]) < 2:
            raise refused("A workbook must contain at least one visible worksheet.")
        index = book.sheets.index(self._sheet)
        book.sheets.remove(self._sheet)
        self._sheet.deleted = True
        forget_sheet(book, self._sheet.name)
        if book.active is self._sheet:
            visible = [one for one in book.sheets if one.visible == -1]
            book.active = visible[min(index, len(visible) - 1)]
        return True

    @method
    def Move(self, Before: Any = MISSING, After: Any = MISSING) -> None:
        book = self._model.book
        if book.structure_protected:
            raise refused("Move method of Worksheet class failed")
        if Before is None and After is None:
            raise NotImplementedError("the fake Excel does not move sheets to a new workbook")
        book.sheets.remove(self._sheet)
        other = (Before or After)._sheet
        book.sheets.insert(book.sheets.index(other) + (Before is None), self._sheet)
        book.active = self._sheet

    @lookup
    def Evaluate(self, Name: Any) -> Any:
        for one in self._model.book.names:
            if one.name.casefold() == str(Name).casefold() and one.refers_to.startswith('="'):
                return one.refers_to[2:-1].replace('""', '"')
        sheet, rect = self._resolve(str(Name))
        return self._make("Range", sheet, rect) if rect else -2146826259


class Worksheets(Collection):
    """All worksheets of a workbook."""

    def __init__(self, core: Any, book: BookModel) -> None:
        super().__init__(core)
        self._book = book

    def _all(self) -> list[Any]:
        return [Worksheet(self._core, one) for one in self._book.sheets]

    def _name_of(self, one: Any) -> str:
        return str(one._sheet.name)

    @prop
    def Parent(self) -> Any:
        return self._make("Workbook", self._book)

    @method
    def Add(
        self,
        Before: Any = MISSING,
        After: Any = MISSING,
        Count: Any = MISSING,
        Type: Any = MISSING,
    ) -> Any:
        book = self._book
        if book.structure_protected:
            raise refused("The workbook is protected and cannot be changed.")
        number = 1
        while book.sheet(f"Sheet{number}"):
            number += 1
        sheet = SheetModel(f"Sheet{number}", book)
        assert book.active is not None
        at = book.sheets.index(book.active)
        if Before is not None:
            at = book.sheets.index(Before._sheet)
        elif After is not None:
            at = book.sheets.index(After._sheet) + 1
        book.sheets.insert(at, sheet)
        book.active = sheet
        book.saved = False
        return Worksheet(self._core, sheet)

    def _found(self, index: Any) -> Any:
        if isinstance(index, str):
            sheet = self._book.sheet(index)
            if sheet is None:
                raise bad_index()
            return Worksheet(self._core, sheet)
        return super()._found(index)

    def __iter__(self) -> Iterator[Any]:
        return super().__iter__()


class Sheets(Worksheets):
    """All sheets; the fake has worksheets only."""
