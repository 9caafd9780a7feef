"""Tables, their rows and columns.

Sources: Microsoft Learn, «ListObject.Resize» (the header must stay in its row, the new range
overlap the old one), «ListObject.DataBodyRange», «ListRows.Add» (what stands below is shifted
unless AlwaysInsert is False), «ListColumns.Add», «ListObjects.Add».
"""

import re
from typing import Any

from .areas import Rect
from .com import MISSING, Collection, ComObject, method, prop
from .entry import shown
from .errors import gone, refused, wrong_type
from .formulas import with_name_replaced
from .model import SheetModel, TableModel
from .shifting import DOWN, insert_cells
from .tables_growing import add_columns, unique_name

NAME = re.compile(r"[^\W\d][\w.\\]*|\\[\w.]*")


KEPT = {
    "TableStyle": "TableStyleMedium2",
    "ShowTableStyleRowStripes": True,
    "ShowTableStyleColumnStripes": False,
    "ShowTableStyleFirstColumn": False,
    "ShowTableStyleLastColumn": False,
    "ShowAutoFilterDropDown": True,
    "AlternativeText": "",
    "Summary": "",
    "Comment": "",
}
"""Properties of tables that are kept as they are set."""


class ListObject(ComObject):
    """A table."""

    _default = "Name"

    def __init__(self, core: Any, table: TableModel) -> None:
        super().__init__(core)
        self._table = table

    @property
    def _path(self) -> str:
        return f"Worksheets({self._table.sheet.name!r}).ListObjects({self._table.name!r})"

    @property
    def _model(self) -> TableModel:
        if self._table.deleted or self._table.sheet.deleted:
            raise gone()
        return self._table

    def _cells(self, rect: Rect | None) -> Any:
        return self._make("Range", self._table.sheet, rect) if rect else None

    def _changing(self) -> TableModel:
        model = self._model
        model.sheet.writable()
        model.sheet.book.saved = False
        return model

    @prop
    def Name(self) -> str:
        return self._model.name

    def _set_Name(self, value: Any) -> None:
        model, name = self._changing(), str(value)
        other = model.sheet.book.table(name)
        if not NAME.fullmatch(name) or len(name) > 255 or (other and other is not model):
            raise refused()
        old, model.name = model.name, name
        for _sheet, _place, cell in model.sheet.book.formula_cells():
            cell.formula = with_name_replaced(cell.formula, old, name)
        for one in model.sheet.book.names:
            one.refers_to = with_name_replaced(one.refers_to, old, name)

    @prop
    def DisplayName(self) -> str:
        return self._model.name

    def _set_DisplayName(self, value: Any) -> None:
        self._set_Name(value)

    @prop
    def Active(self) -> bool:
        sheet = self._model.sheet
        return sheet.book.active is sheet and self._table.rect.has(*sheet.view.active)

    @prop
    def Range(self) -> Any:
        return self._cells(self._model.rect)

    @prop
    def HeaderRowRange(self) -> Any:
        return self._cells(self._model.header_rect)

    @prop
    def DataBodyRange(self) -> Any:
        return self._cells(self._model.body)

    @prop
    def InsertRowRange(self) -> Any:
        return self._cells(self._model.all_rows if self._model.insert_row else None)

    @prop
    def TotalsRowRange(self) -> Any:
        rect = self._model.rect
        return self._cells(rect._replace(top=rect.bottom)) if self._model.totals else None

    @prop
    def ShowHeaders(self) -> bool:
        return self._model.header

    @prop
    def ShowTotals(self) -> bool:
        return self._model.totals

    def _set_ShowTotals(self, value: Any) -> None:
        model = self._changing()
        if bool(value) == model.totals:
            return
        rect = model.rect
        if value:
            below = rect._replace(top=rect.bottom + 1, bottom=rect.bottom + 1)
            if not model.sheet.is_blank(below):
                insert_cells(model.sheet, below, DOWN)
            model.rect = rect._replace(bottom=rect.bottom + 1)
            model.sheet.cell(model.rect.bottom, rect.left).value = "Total"
        else:
            for _place, cell in model.sheet.existing(rect._replace(top=rect.bottom)):
                cell.value, cell.formula = None, ""
            model.rect = rect._replace(bottom=rect.bottom - 1)
        model.totals = bool(value)

    @prop
    def ListColumns(self) -> Any:
        return self._make("ListColumns", self._model)

    @prop
    def ListRows(self) -> Any:
        return self._make("ListRows", self._model)

    @prop
    def Sort(self) -> Any:
        return self._make("Sort", self._model.sheet, self._model)

    @prop
    def AutoFilter(self) -> Any:
        return (
            self._make("AutoFilter", self._model.sheet, self._model) if self._model.arrows else None
        )

    @prop
    def ShowAutoFilter(self) -> bool:
        return self._model.arrows

    def _set_ShowAutoFilter(self, value: Any) -> None:
        model = self._changing()
        if not value and model.criteria:
            self._make("AutoFilter", model.sheet, model)._show_all()
        model.arrows = bool(value)

    @prop
    def Parent(self) -> Any:
        return self._make("Worksheet", self._model.sheet)

    @prop
    def SourceType(self) -> int:
        return 1

    @method
    def Resize(self, Range: Any) -> None:
        model = self._changing()
        rect = Range._rect
        others = [one.rect for one in model.sheet.tables if one is not model]
        if (
            Range._sheet is not model.sheet
            or rect.top != model.rect.top
            or not rect.meets(model.rect)
            or rect.height < 1 + model.header + model.totals
        ):
            raise refused(
                "The table headers must remain in the same row, and the resulting table range "
                "must overlap the original table range."
            )
        if any(one.meets(rect) for one in others):
            raise refused("A table can't overlap another table.")
        if model.totals and rect.bottom != model.rect.bottom:
            self._move_totals(rect)
        before = model.rect
        model.rect = rect
        kept = [
            model.columns[column - before.left]
            for column in range(max(rect.left, before.left), min(rect.right, before.right) + 1)
        ]
        dropped = [one for one in model.columns if one not in kept]
        model.columns = kept
        for name in dropped:
            model.calculated.pop(name, None)
        if rect.left < before.left:
            add_columns(model.sheet, model, rect.left, before.left - 1)
        if rect.right > before.right:
            add_columns(model.sheet, model, max(before.right + 1, rect.left), rect.right)
        if model.insert_row and (
            rect.height > before.height or not model.sheet.is_blank(model.all_rows)
        ):
            model.insert_row = False

    def _move_totals(self, rect: Rect) -> None:
        sheet, before = self._table.sheet, self._table.rect
        sheet.extent = None
        for column in range(before.left, before.right + 1):
            moved = sheet.cells.pop((before.bottom, column), None)
            if moved:
                sheet.cells[rect.bottom, column] = moved

    @method
    def Delete(self) -> None:
        model = self._changing()
        rect = model.rect
        self._forget()
        for place, _cell in list(model.sheet.existing(rect)):
            del model.sheet.cells[place]
        for place in [one for one in model.sheet.links if rect.has(*one)]:
            del model.sheet.links[place]

    @method
    def Unlist(self) -> None:
        self._changing()
        self._forget()

    def _forget(self) -> None:
        self._table.sheet.tables.remove(self._table)
        self._table.deleted = True


def _kept(name: str, default: Any) -> None:
    def getter(self: ListObject) -> Any:
        return self._model.kept.get(name, default)

    def setter(self: ListObject, value: Any) -> None:
        self._changing().kept[name] = getattr(value, "Name", value)

    ListObject._add_property(name, getter, setter)


for _name, _default in KEPT.items():
    _kept(_name, _default)


class ListObjects(Collection):
    """A sheet's tables."""

    def __init__(self, core: Any, sheet: SheetModel) -> None:
        super().__init__(core)
        self._sheet = sheet

    @property
    def _path(self) -> str:
        return f"Worksheets({self._sheet.name!r}).ListObjects"

    def _all(self) -> list[Any]:
        return [ListObject(self._core, one) for one in self._sheet.tables]

    def _name_of(self, one: Any) -> str:
        return str(one._table.name)

    @method
    def Add(
        self,
        SourceType: Any = 1,
        Source: Any = MISSING,
        LinkSource: Any = MISSING,
        XlListObjectHasHeaders: Any = 0,
        Destination: Any = MISSING,
        TableStyleName: Any = MISSING,
    ) -> Any:
        sheet = self._sheet
        sheet.writable()
        if SourceType not in {1, None} or not hasattr(Source, "_rect"):
            raise wrong_type(2)
        rect = Source._rect
        if any(one.rect.meets(rect) for one in sheet.tables):
            raise refused("A table cannot overlap another table.")
        if any(one.meets(rect) for one in sheet.merged):
            sheet.merged = [one for one in sheet.merged if not one.meets(rect)]
        if int(XlListObjectHasHeaders or 0) == 2:
            insert_cells(sheet, rect._replace(bottom=rect.top), DOWN)
            rect = rect._replace(bottom=rect.bottom + 1)
        number = 1
        while sheet.book.table(f"Table{number}"):
            number += 1
        table = TableModel(f"Table{number}", rect, [], sheet)
        if rect.height == 1:
            below = rect._replace(top=rect.top + 1, bottom=rect.top + 1)
            if not sheet.is_blank(below):
                insert_cells(sheet, below, DOWN)
            table.rect = rect._replace(bottom=rect.top + 1)
            table.insert_row = True
        for column in range(rect.left, rect.right + 1):
            cell = sheet.cell(rect.top, column)
            text = shown(cell.value)
            name = unique_name(
                table.columns, text or f"Column{column - rect.left + 1}", bare=not text
            )
            cell.value, cell.formula = name, ""
            table.columns.append(name)
        if TableStyleName is not None:
            table.kept["TableStyle"] = str(TableStyleName)
        sheet.tables.append(table)
        sheet.book.saved = False
        return ListObject(self._core, table)
