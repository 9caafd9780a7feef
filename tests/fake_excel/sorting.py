"""Sorting: what moves with a row, and what stays.

Sources: Microsoft Support, «Sort data in a range or table» (numbers, text, FALSE, TRUE, errors,
blanks always last; upper and lower case alike; hidden rows are not moved), Microsoft Learn, «Sort
object» and «SortFields.Add2». Formulas are adjusted as by copying. Hyperlinks are left where they
were, and so are row heights: that is the worst that Excel does.
"""

import re
from collections.abc import Iterator
from typing import Any

from .areas import Rect
from .com import MISSING, Collection, ComObject, method, prop, stored
from .errors import refused
from .formulas import copied
from .model import CellError, Scalar, SheetModel, SortKey, SortModel, TableModel

DESCENDING = 2
Key = tuple[int, int, list[str] | None]
"""A column, XlSortOrder, and a person's own order."""


def sort_range(sheet: SheetModel, rect: Rect, keys: list[Key], *, match_case: bool = False) -> None:
    """Sort the visible rows of a rectangle."""
    rows = [row for row in range(rect.top, rect.bottom + 1) if row not in sheet.hidden_rows]
    order = list(rows)
    for column, direction, custom in reversed(keys):
        blank: list[tuple[int, Scalar]] = []
        held: list[tuple[int, Scalar]] = []
        for row in order:
            cell = sheet.cells.get((row, column))
            value = cell.value if cell else None
            (blank if value is None else held).append((row, value))
        held.sort(
            key=lambda one: rank(one[1], custom, match_case=match_case),
            reverse=direction == DESCENDING,
        )
        order = [row for row, _ in held] + [row for row, _ in blank]
    _reorder(sheet, rect, rows, order)


def rank(value: Scalar, custom: list[str] | None = None, *, match_case: bool = False) -> Any:
    """Return what Excel sorts by."""
    if isinstance(value, CellError):
        return (4, 0)
    if isinstance(value, bool):
        return (3, int(value))
    if isinstance(value, float | int):
        return (1, float(value))
    text = str(value)
    if custom:
        known = [one.casefold() for one in custom]
        if text.casefold() in known:
            return (0, known.index(text.casefold()))
    # Hyphens and apostrophes count only where everything else is equal.
    letters = re.sub(r"['\-]", "", text)
    folded = letters.casefold()
    return (2, folded, text.swapcase() if match_case else text.casefold())


def _reorder(sheet: SheetModel, rect: Rect, rows: list[int], order: list[int]) -> None:
    sheet.extent = None
    columns = range(rect.left, rect.right + 1)
    for column in columns:
        cells = {row: sheet.cells.pop((row, column), None) for row in order}
        notes = {row: sheet.comments.pop((row, column), None) for row in order}
        for to, source in zip(rows, order, strict=True):
            cell = cells[source]
            if cell:
                cell.formula = copied(cell.formula, to - source, 0)
                sheet.cells[to, column] = cell
            note = notes[source]
            if note is not None:
                sheet.comments[to, column] = note


class Sort(ComObject):
    """How a sheet or table is sorted."""

    def __init__(self, core: Any, sheet: SheetModel, table: TableModel | None) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._table = table
        self._kept = self._model.kept

    @property
    def _path(self) -> str:
        sheet = f"Worksheets({self._sheet.name!r})"
        return f"{sheet}.ListObjects({self._table.name!r}).Sort" if self._table else f"{sheet}.Sort"

    @property
    def _model(self) -> SortModel:
        return self._table.sort if self._table else self._sheet.sort

    def _changing(self) -> None:
        self._sheet.writable()

    Header = stored("Header", 1)
    MatchCase = stored("MatchCase", False)
    Orientation = stored("Orientation", 1)
    SortMethod = stored("SortMethod", 1)

    @prop
    def SortFields(self) -> Any:
        return SortFields(self._core, self._sheet, self._model, self._path)

    @prop
    def Rng(self) -> Any:
        rect = self._table.all_rows if self._table else self._model.rect
        return self._make("Range", self._sheet, rect) if rect else None

    @method
    def SetRange(self, Rng: Any) -> None:
        if self._table:
            raise refused()
        self._model.rect = Rng._rect

    @method
    def Apply(self) -> None:
        self._sheet.writable()
        self._sheet.book.saved = False
        model = self._model
        rect = self._table.body if self._table else model.rect
        if rect is None:
            if self._table:
                return
            raise refused("The sort reference is not valid.")
        if not self._table and self._kept.get("Header", 2) == 1:
            rect = rect._replace(top=rect.top + 1)
        keys: list[Key] = [
            (key.rect.left, key.order, key.custom.split(",") if key.custom else None)
            for key in model.keys
        ]
        if any(not rect.left <= column <= rect.right for column, _, _ in keys):
            raise refused("The sort reference is not valid.")
        sort_range(self._sheet, rect, keys, match_case=bool(self._kept.get("MatchCase", False)))


class SortField(ComObject):
    """One of the columns by which is sorted."""

    def __init__(
        self, core: Any, sheet: SheetModel, model: SortModel, key: SortKey, path: str
    ) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._model = model
        self._field = key
        self._own_path = path

    @property
    def _path(self) -> str:
        return self._own_path

    @prop
    def Key(self) -> Any:
        return self._make("Range", self._sheet, self._field.rect)

    @prop
    def Order(self) -> int:
        return self._field.order

    def _set_Order(self, value: Any) -> None:
        self._field.order = int(value)

    @prop
    def SortOn(self) -> int:
        return self._field.sort_on

    @prop
    def CustomOrder(self) -> Any:
        return self._field.custom or None

    @prop
    def DataOption(self) -> int:
        return self._field.option

    @prop
    def Priority(self) -> int:
        return self._model.keys.index(self._field) + 1

    @method
    def Delete(self) -> None:
        self._model.keys.remove(self._field)


class SortFields(Collection):
    """The columns by which is sorted."""

    def __init__(self, core: Any, sheet: SheetModel, model: SortModel, path: str) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._model = model
        self._own_path = f"{path}.SortFields"

    @property
    def _path(self) -> str:
        return self._own_path

    def _all(self) -> list[Any]:
        return [
            SortField(self._core, self._sheet, self._model, key, f"{self._own_path}({number})")
            for number, key in enumerate(self._model.keys, 1)
        ]

    def __iter__(self) -> Iterator[Any]:
        return super().__iter__()

    @method
    def Clear(self) -> None:
        self._model.keys.clear()

    @method
    def Add(
        self,
        Key: Any,
        SortOn: Any = 0,
        Order: Any = 1,
        CustomOrder: Any = MISSING,
        DataOption: Any = 0,
    ) -> Any:
        return self._add(Key, SortOn, Order, CustomOrder, DataOption)

    @method
    def Add2(
        self,
        Key: Any,
        SortOn: Any = 0,
        Order: Any = 1,
        CustomOrder: Any = MISSING,
        DataOption: Any = 0,
        SubField: Any = MISSING,
    ) -> Any:
        return self._add(Key, SortOn, Order, CustomOrder, DataOption)

    def _add(self, key: Any, sort_on: Any, order: Any, custom: Any, option: Any) -> Any:
        if len(self._model.keys) >= 64:
            raise refused()
        field = SortKey(
            key._rect, int(order or 1), int(sort_on or 0), str(custom or ""), int(option or 0)
        )
        self._model.keys.append(field)
        return self._all()[-1]
