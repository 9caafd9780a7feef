"""A range: what can be done with it, on top of where it is, what it holds and how it looks."""

from typing import Any

from .areas import Rect
from .com import MISSING, Collection, ComObject, method, prop
from .errors import refused
from .filters import filter_range
from .formulas import copied
from .hyperlinks import Hyperlinks
from .model import Cell, SheetModel
from .range_formats import RangeFormats
from .range_values import RangeValues
from .shifting import DOWN, LEFT, RIGHT, UP, delete_cells, insert_cells
from .sorting import sort_range


class Range(RangeValues, RangeFormats):
    """A range."""

    _default = "Item"

    @property
    def _table(self) -> Any:
        rect = self._rect
        return next((one for one in self._sheet.tables if one.rect.meets(rect)), None)

    @method
    def Insert(self, Shift: Any = MISSING, CopyOrigin: Any = 0) -> bool:
        self._change()
        rect = self._rect
        shift = self._direction(Shift, DOWN, RIGHT)
        if self._core.kept.get("CutCopyMode"):
            # In copy mode Excel inserts what was copied, and there is no telling how much that is.
            raise refused("What is on the clipboard would be inserted.")
        insert_cells(self._sheet, rect, shift, format_below=CopyOrigin == 1)
        return True

    @method
    def Delete(self, Shift: Any = MISSING) -> bool:
        self._change()
        _ = self._rect
        shift = self._direction(Shift, UP, LEFT)
        order = sorted(self._areas, key=lambda one: (one.top, one.left), reverse=True)
        for area in order:
            delete_cells(self._sheet, area, shift)
        return True

    def _direction(self, given: Any, vertical: int, horizontal: int) -> int:
        rect = self._rect
        if rect.is_rows:
            return vertical
        if rect.is_columns:
            return horizontal
        if given is None:
            return vertical if rect.width >= rect.height else horizontal
        shift = int(given)
        known = {1: vertical, 2: horizontal}.get(shift, shift)
        if known not in {vertical, horizontal}:
            raise refused("Application-defined or object-defined error")
        return known

    @method
    def Sort(
        self,
        Key1: Any = MISSING,
        Order1: Any = 1,
        Key2: Any = MISSING,
        Type: Any = MISSING,
        Order2: Any = 1,
        Key3: Any = MISSING,
        Order3: Any = 1,
        Header: Any = 2,
        OrderCustom: Any = MISSING,
        MatchCase: Any = False,
        Orientation: Any = 1,
        *_more: Any,
        **_named: Any,
    ) -> bool:
        self._change()
        rect = self._sheet.trim(self._rect)
        keys = [
            (one._rect if hasattr(one, "_rect") else self._sheet_range(str(one)), int(order or 1))
            for one, order in ((Key1, Order1), (Key2, Order2), (Key3, Order3))
            if one is not None
        ]
        if Orientation not in {1, None}:
            raise NotImplementedError("the fake Excel does not sort from left to right")
        if rect.area == 1:
            rect = self.CurrentRegion._rect
        if Header == 1:
            rect = rect._replace(top=rect.top + 1)
        sort_range(
            self._sheet,
            rect,
            [(key.left, order, None) for key, order in keys],
            match_case=bool(MatchCase),
        )
        return True

    @method
    def AutoFilter(
        self,
        Field: Any = MISSING,
        Criteria1: Any = MISSING,
        Operator: Any = MISSING,
        Criteria2: Any = MISSING,
        VisibleDropDown: Any = MISSING,
        *_more: Any,
    ) -> Any:
        self._change()
        filter_range(self._sheet, self._rect, Field, Criteria1, Operator, Criteria2)
        return True

    @prop
    def Hyperlinks(self) -> Any:
        _ = self._rect
        return Hyperlinks(self._core, self._sheet, self._areas)

    @method
    def ClearHyperlinks(self) -> None:
        self._change()
        for place in [one for one in self._sheet.links if self._holds(one)]:
            del self._sheet.links[place]

    @prop
    def Comment(self) -> Any:
        rect = self._rect
        place = (rect.top, rect.left)
        return Comment(self._core, self._sheet, place) if place in self._sheet.comments else None

    @method
    def AddComment(self, Text: Any = MISSING) -> Any:
        self._change()
        rect = self._rect
        place = (rect.top, rect.left)
        if place in self._sheet.comments or rect.area > 1:
            raise refused("Application-defined or object-defined error")
        self._sheet.comments[place] = str(Text or "")
        return Comment(self._core, self._sheet, place)

    @method
    def ClearComments(self) -> None:
        self._change()
        for place in [one for one in self._sheet.comments if self._holds(one)]:
            del self._sheet.comments[place]

    @method
    def ClearNotes(self) -> None:
        self._change()

    @method
    def Copy(self, Destination: Any = MISSING) -> bool:
        """Copy everything to another place; without one, to the clipboard, which isn't there."""
        if Destination is None:
            return True
        Destination._change()
        rect, to = self._rect, Destination._rect
        Destination._sheet.extent = None
        target: SheetModel = Destination._sheet
        picked = {place: _twin(cell) for place, cell in self._sheet.existing(rect)}
        repeats = (
            [(0, 0)]
            if to.area == 1 or to.height % rect.height or to.width % rect.width
            else [
                (row, column)
                for row in range(0, to.height, rect.height)
                for column in range(0, to.width, rect.width)
            ]
        )
        for ahead, beside in repeats:
            rows, columns = to.top - rect.top + ahead, to.left - rect.left + beside
            for row, column in rect.cells():
                cell = picked.get((row, column))
                place = (row + rows, column + columns)
                if cell is None:
                    target.cells.pop(place, None)
                    continue
                twin = _twin(cell)
                twin.formula = copied(cell.formula, rows, columns)
                target.cells[place] = twin
                if link := self._sheet.links.get((row, column)):
                    target.links[place] = type(link)(
                        Rect(*place, *place), link.address, link.sub_address, link.tip
                    )
        return True

    @method
    def FillDown(self) -> bool:
        self._change()
        rect = self._rect
        for row in range(rect.top + 1, rect.bottom + 1):
            for column in range(rect.left, rect.right + 1):
                model = self._sheet.cells.get((rect.top, column))
                if model:
                    twin = _twin(model)
                    twin.formula = copied(model.formula, row - rect.top, 0)
                    self._sheet.cells[row, column] = twin
        return True

    @method
    def Replace(self, What: Any, Replacement: Any, *_more: Any, **_named: Any) -> bool:
        raise NotImplementedError("the fake Excel does not model Range.Replace")


def _twin(cell: Cell) -> Cell:
    return Cell(cell.value, cell.formula, cell.prefix, cell.format)


class Areas(Collection):
    """The rectangles of a range."""

    def __init__(self, core: Any, cells: Range) -> None:
        super().__init__(core)
        self._cells = cells

    def _all(self) -> list[Any]:
        return [
            Range(self._core, self._cells._sheet, one, self._cells._kind)
            for one in self._cells._areas
        ]


class Comment(ComObject):
    """A note on a cell."""

    def __init__(self, core: Any, sheet: SheetModel, place: tuple[int, int]) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._place = place

    @property
    def _path(self) -> str:
        where = Rect(*self._place, *self._place).address(rows=False, columns=False)
        return f"Worksheets({self._sheet.name!r}).Range({where!r}).Comment"

    @method
    def Text(self, Text: Any = MISSING, Start: Any = MISSING, Overwrite: Any = MISSING) -> str:
        if Text is not None:
            self._sheet.writable()
            self._sheet.comments[self._place] = str(Text)
        return self._sheet.comments[self._place]

    @prop
    def Author(self) -> str:
        return ""

    @prop
    def Visible(self) -> bool:
        return False

    @prop
    def Parent(self) -> Any:
        return Range(self._core, self._sheet, Rect(*self._place, *self._place))

    @method
    def Delete(self) -> None:
        self._sheet.writable()
        self._sheet.comments.pop(self._place, None)


class Comments(Collection):
    """A sheet's notes."""

    def __init__(self, core: Any, sheet: SheetModel) -> None:
        super().__init__(core)
        self._sheet = sheet

    def _all(self) -> list[Any]:
        return [Comment(self._core, self._sheet, one) for one in sorted(self._sheet.comments)]
