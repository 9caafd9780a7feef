"""The columns and rows of tables.

Sources: Microsoft Learn, «ListRows.Add» (what stands below is shifted unless AlwaysInsert is
False), «ListRow.Delete» (cells below are shifted up), «ListColumns.Add».
"""

from typing import Any

from .areas import Rect
from .com import MISSING, Collection, ComObject, lookup, method, prop
from .errors import bad_index, gone
from .model import SheetModel, TableModel
from .shifting import DOWN, LEFT, RIGHT, UP, delete_cells, insert_cells
from .tables_growing import add_columns, rename_column


class ListColumn(ComObject):
    """A column of a table; known by its name, since numbers change."""

    _default = "Name"

    def __init__(self, core: Any, table: TableModel, name: str) -> None:
        super().__init__(core)
        self._table = table
        self._column = name

    @property
    def _path(self) -> str:
        table = self._table
        owner = f"Worksheets({table.sheet.name!r}).ListObjects({table.name!r})"
        return f"{owner}.ListColumns({self._column!r})"

    @property
    def _number(self) -> int:
        found = self._table.number_of(self._column)
        if found is None or self._table.deleted:
            raise gone()
        return found

    def _cells(self, rect: Rect | None) -> Any:
        if rect is None:
            return None
        at = rect.left + self._number
        return self._make("Range", self._table.sheet, rect._replace(left=at, right=at))

    @prop
    def Name(self) -> str:
        return self._table.columns[self._number]

    def _set_Name(self, value: Any) -> None:
        table, number = self._table, self._number
        table.sheet.writable()
        table.sheet.book.saved = False
        self._column = rename_column(table.sheet, table, number, str(value))
        if table.header:
            cell = table.sheet.cell(table.rect.top, table.rect.left + number)
            cell.value, cell.formula = self._column, ""

    @prop
    def Index(self) -> int:
        return self._number + 1

    @prop
    def Range(self) -> Any:
        return self._cells(self._table.rect)

    @prop
    def DataBodyRange(self) -> Any:
        return self._cells(self._table.body)

    @prop
    def Total(self) -> Any:
        rect = self._table.rect
        return self._cells(rect._replace(top=rect.bottom)) if self._table.totals else None

    @prop
    def TotalsCalculation(self) -> int:
        return int(self._table.kept.get(f"TotalsCalculation {self._column}", 0))

    def _set_TotalsCalculation(self, value: Any) -> None:
        self._table.kept[f"TotalsCalculation {self._column}"] = int(value)

    @prop
    def Parent(self) -> Any:
        return self._make("ListObject", self._table)

    @method
    def Delete(self) -> None:
        table, number = self._table, self._number
        table.sheet.writable()
        at = table.rect.left + number
        delete_cells(table.sheet, table.rect._replace(left=at, right=at), LEFT, inside=table)


class ListColumns(Collection):
    """The columns of a table."""

    def __init__(self, core: Any, table: TableModel) -> None:
        super().__init__(core)
        self._table = table

    @property
    def _path(self) -> str:
        return (
            f"Worksheets({self._table.sheet.name!r}).ListObjects({self._table.name!r}).ListColumns"
        )

    def _all(self) -> list[Any]:
        return [ListColumn(self._core, self._table, one) for one in self._table.columns]

    def _name_of(self, one: Any) -> str:
        return str(one._column)

    @method
    def Add(self, Position: Any = MISSING) -> Any:
        table = self._table
        table.sheet.writable()
        count = len(table.columns)
        position = count + 1 if Position is None else int(Position)
        if not 1 <= position <= count + 1:
            raise bad_index()
        rect = table.rect
        at = rect.left + position - 1
        place = rect._replace(left=at, right=at)
        if position <= count:
            insert_cells(table.sheet, place, RIGHT, inside=table)
        else:
            if not table.sheet.is_blank(place) or any(
                one.rect.meets(place) for one in table.sheet.tables if one is not table
            ):
                insert_cells(table.sheet, place, RIGHT, beside=table)
            table.rect = rect._replace(right=at)
            _formats_from_left(table.sheet, place)
            add_columns(table.sheet, table, at, at)
        return ListColumn(self._core, table, table.columns[position - 1])


def _formats_from_left(sheet: SheetModel, place: Rect) -> None:
    if place.left > 1:
        for row in range(place.top, place.bottom + 1):
            if left := sheet.cells.get((row, place.left - 1)):
                sheet.cell(row, place.left).format = left.format


class ListRow(ComObject):
    """A data row of a table."""

    def __init__(self, core: Any, table: TableModel, number: int) -> None:
        super().__init__(core)
        self._table = table
        self._number = number

    @property
    def _path(self) -> str:
        table = self._table
        return (
            f"Worksheets({table.sheet.name!r}).ListObjects({table.name!r}).ListRows({self._number})"
        )

    @property
    def _rect(self) -> Rect:
        body = self._table.body
        if body is None or self._number > body.height:
            raise gone()
        row = body.top + self._number - 1
        return body._replace(top=row, bottom=row)

    @prop
    def Index(self) -> int:
        return self._number

    @prop
    def Range(self) -> Any:
        return self._make("Range", self._table.sheet, self._rect)

    @prop
    def Parent(self) -> Any:
        return self._make("ListObject", self._table)

    @method
    def Delete(self) -> None:
        self._table.sheet.writable()
        delete_cells(self._table.sheet, self._rect, UP, inside=self._table)


class ListRows(Collection):
    """The data rows of a table."""

    def __init__(self, core: Any, table: TableModel) -> None:
        super().__init__(core)
        self._table = table

    @property
    def _path(self) -> str:
        return f"Worksheets({self._table.sheet.name!r}).ListObjects({self._table.name!r}).ListRows"

    def _all(self) -> list[Any]:
        body = self._table.body
        count = body.height if body else 0
        return [ListRow(self._core, self._table, one) for one in range(1, count + 1)]

    @prop
    def Count(self) -> int:
        body = self._table.body
        return body.height if body else 0

    @lookup
    def Item(self, Index: Any) -> Any:
        body = self._table.body
        if body is None or not 1 <= int(Index) <= body.height:
            raise bad_index()
        return ListRow(self._core, self._table, int(Index))

    @method
    def Add(self, Position: Any = MISSING, AlwaysInsert: Any = True) -> Any:
        table = self._table
        table.sheet.writable()
        table.sheet.book.saved = False
        if table.insert_row:
            table.insert_row = False
            return ListRow(self._core, table, 1)
        body = table.all_rows
        position = body.height + 1 if Position is None else int(Position)
        if not 1 <= position <= body.height + 1:
            raise bad_index()
        row = body.top + position - 1
        place = body._replace(top=row, bottom=row)
        always = AlwaysInsert is None or bool(AlwaysInsert)
        if position <= body.height or table.totals or always or not table.sheet.is_blank(place):
            insert_cells(table.sheet, place, DOWN, inside=table)
        else:
            table.rect = table.rect._replace(bottom=row)
        return ListRow(self._core, table, position)
