"""Where a range is: its cells, rows, columns, areas and address."""

from collections.abc import Callable, Iterator
from typing import Any

from .areas import LAST_COLUMN, LAST_ROW, Rect, column_of
from .com import MISSING, ComObject, lookup, method, prop
from .errors import ComError, gone, refused, wrong_type
from .formats import Format
from .model import Cell, SheetModel

CELLS, ROWS, COLUMNS = "cells", "rows", "columns"


class RangeBase(ComObject):
    """A range, without what it holds.

    Args:
        core: What all objects share.
        sheet: The worksheet.
        areas: Its rectangles.
        kind: Whether it counts cells, rows or columns.
    """

    _iid = "{00020846-0000-0000-C000-000000000046}"

    def __init__(self, core: Any, sheet: SheetModel, areas: Any, kind: str = CELLS) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._areas: tuple[Rect, ...] = (areas,) if isinstance(areas, Rect) else tuple(areas)
        self._kind = kind
        sheet.live.add(self)

    @property
    def _path(self) -> str:
        address = ",".join(one.address(rows=False, columns=False) for one in self._areas)
        return f"Worksheets({self._sheet.name!r}).Range({address!r})"

    @property
    def _rect(self) -> Rect:
        """The first area; raises if the cells were deleted."""
        if not self._areas or self._sheet.deleted:
            raise gone()
        return self._areas[0]

    def _of(self, areas: Any, kind: str = CELLS) -> Any:
        """Return another range of the sheet."""
        return self._make("Range", self._sheet, areas, kind)

    def _each(self) -> Iterator[tuple[tuple[int, int], Cell]]:
        """Yield the cells that exist, by position."""
        _ = self._rect
        for area in self._areas:
            yield from self._sheet.existing(area)

    def _every(self) -> Iterator[tuple[int, int]]:
        """Yield all positions, of whole rows and columns those in use."""
        _ = self._rect
        for area in self._areas:
            yield from self._sheet.trim(area).cells()

    def _change(self) -> None:
        """Raise if the sheet must not be changed, and remember that the workbook was."""
        self._sheet.writable()
        self._sheet.book.saved = False

    def _reformat(self, change: Callable[[Format], Format]) -> None:
        """Change the format of all cells, and of whole rows and columns for cells to come."""
        self._change()
        _ = self._rect
        sheet = self._sheet
        done: dict[Format, Format] = {}

        def changed(before: Format) -> Format:
            after = done.get(before)
            if after is None:
                after = done[before] = change(before)
            return after

        for area in self._areas:
            if area.is_columns:
                for column in range(area.left, area.right + 1):
                    sheet.column_formats[column] = changed(sheet.default_format(0, column))
            elif area.is_rows:
                for row in range(area.top, area.bottom + 1):
                    sheet.row_formats[row] = changed(sheet.default_format(row, 0))
            else:
                for place in area.cells():
                    sheet.cell(*place)
            for _place, cell in sheet.existing(area):
                cell.format = changed(cell.format)

    def _formats(self) -> set[Format]:
        """Return all the formats that its cells have."""
        found: set[Format] = set()
        for area in self._areas or [self._rect]:
            count = 0
            for _place, cell in self._sheet.existing(area):
                found.add(cell.format)
                count += 1
            if count == area.area:
                continue
            if area.area <= 100_000:
                found |= {self._sheet.format_at(*place) for place in area.cells()}
            else:
                found |= {
                    self._sheet.default_format(area.top if area.is_rows else 0, column)
                    for column in range(area.left, area.right + 1)
                }
        return found

    def _same(self, pick: Callable[[Format], Any]) -> Any:
        """Return what all formats have in common, or None if they differ."""
        found = {pick(one) for one in self._formats()}
        return found.pop() if len(found) == 1 else None

    @prop
    def Row(self) -> int:
        return self._rect.top

    @prop
    def Column(self) -> int:
        return self._rect.left

    @prop
    def Rows(self) -> Any:
        return self._of(self._areas, ROWS)

    @prop
    def Columns(self) -> Any:
        return self._of(self._areas, COLUMNS)

    @prop
    def Cells(self) -> Any:
        return self._of(self._areas)

    @prop
    def Areas(self) -> Any:
        _ = self._rect
        return self._make("Areas", self)

    @prop
    def EntireRow(self) -> Any:
        areas = [
            area._replace(left=1, right=LAST_COLUMN) for area in (self._rect, *self._areas[1:])
        ]
        return self._of(areas, ROWS)

    @prop
    def EntireColumn(self) -> Any:
        areas = [area._replace(top=1, bottom=LAST_ROW) for area in (self._rect, *self._areas[1:])]
        return self._of(areas, COLUMNS)

    def _size(self) -> int:
        rect = self._rect
        if self._kind == ROWS:
            return rect.height
        return rect.width if self._kind == COLUMNS else sum(one.area for one in self._areas)

    @prop
    def Count(self) -> int:
        size = self._size()
        if size >= 2**31:
            raise ComError(-2147352566, "Out of present range.")
        return size

    @prop
    def CountLarge(self) -> int:
        return self._size()

    @lookup
    def Item(self, RowIndex: Any, ColumnIndex: Any = MISSING) -> Any:
        rect = self._rect
        if isinstance(RowIndex, str) and ColumnIndex is None:
            if self._kind == COLUMNS and RowIndex.isalpha():
                left = rect.left + column_of(RowIndex) - 1
                return self._placed(rect._replace(left=left, right=left), COLUMNS)
            inner = self._sheet_range(RowIndex)
            if self._kind != CELLS:
                return self._of(inner, self._kind)
            return self._placed(inner.moved(rect.top - 1, rect.left - 1))
        if not isinstance(RowIndex, int | float) or isinstance(RowIndex, bool):
            raise wrong_type()
        index = int(RowIndex)
        if ColumnIndex is None:
            return self._found(index)
        column = column_of(ColumnIndex) if isinstance(ColumnIndex, str) else int(ColumnIndex)
        place = (rect.top + index - 1, rect.left + column - 1)
        return self._placed(Rect(*place, *place))

    def _found(self, index: int) -> Any:
        """Return a row, a column, or a cell, by its number from 1."""
        rect = self._rect
        if self._kind == ROWS:
            top = rect.top + index - 1
            return self._placed(rect._replace(top=top, bottom=top), ROWS)
        if self._kind == COLUMNS:
            left = rect.left + index - 1
            return self._placed(rect._replace(left=left, right=left), COLUMNS)
        row, rest = divmod(index - 1, rect.width)
        place = (rect.top + row, rect.left + rest)
        return self._placed(Rect(*place, *place))

    def _placed(self, rect: Rect, kind: str = CELLS) -> Any:
        if not rect.fits:
            raise refused("Application-defined or object-defined error")
        return self._of(rect, kind)

    def _sheet_range(self, text: str) -> Rect:
        found: Rect = self._make("Worksheet", self._sheet)._areas_of(text)[0]
        return found

    @lookup
    def Range(self, Cell1: Any, Cell2: Any = MISSING) -> Any:
        found = self._make("Worksheet", self._sheet)._range(Cell1, Cell2)
        if isinstance(Cell1, str):
            rect = self._rect
            return self._of([one.moved(rect.top - 1, rect.left - 1) for one in found._areas])
        return found

    @prop
    def Offset(self) -> Any:
        return self._of(self._areas)

    @lookup
    def GetOffset(self, RowOffset: Any = 0, ColumnOffset: Any = 0) -> Any:
        _ = self._rect
        areas = [one.moved(int(RowOffset or 0), int(ColumnOffset or 0)) for one in self._areas]
        if not all(one.fits for one in areas):
            raise refused("Application-defined or object-defined error")
        return self._of(areas)

    @prop
    def Resize(self) -> Any:
        return self._of(self._areas)

    @lookup
    def GetResize(self, RowSize: Any = MISSING, ColumnSize: Any = MISSING) -> Any:
        rect = self._rect
        height, width = int(RowSize or rect.height), int(ColumnSize or rect.width)
        if height < 1 or width < 1:
            raise refused("Application-defined or object-defined error")
        return self._placed(
            rect._replace(bottom=rect.top + height - 1, right=rect.left + width - 1)
        )

    @prop
    def Address(self) -> str:
        _ = self._rect
        return ",".join(one.address() for one in self._areas)

    @lookup
    def GetAddress(
        self,
        RowAbsolute: Any = True,
        ColumnAbsolute: Any = True,
        ReferenceStyle: Any = 1,
        External: Any = False,
        RelativeTo: Any = MISSING,
    ) -> str:
        _ = self._rect
        rows = RowAbsolute is None or bool(RowAbsolute)
        columns = ColumnAbsolute is None or bool(ColumnAbsolute)
        text = ",".join(one.address(rows=rows, columns=columns) for one in self._areas)
        if not External:
            return text
        return f"'[{self._sheet.book.name}]{self._sheet.name}'!{text}"

    @prop
    def Worksheet(self) -> Any:
        return self._make("Worksheet", self._sheet)

    @prop
    def Parent(self) -> Any:
        return self._make("Worksheet", self._sheet)

    @prop
    def ListObject(self) -> Any:
        rect = self._rect
        for one in self._sheet.tables:
            if one.rect.meets(rect):
                return self._make("ListObject", one)
        return None

    @prop
    def CurrentRegion(self) -> Any:
        rect = self._rect
        while True:
            wider = Rect(
                max(rect.top - 1, 1),
                max(rect.left - 1, 1),
                min(rect.bottom + 1, LAST_ROW),
                min(rect.right + 1, LAST_COLUMN),
            )
            held = [place for place, cell in self._sheet.existing(wider) if not cell.is_empty]
            grown = Rect(
                min([rect.top, *(row for row, _ in held)]),
                min([rect.left, *(column for _, column in held)]),
                max([rect.bottom, *(row for row, _ in held)]),
                max([rect.right, *(column for _, column in held)]),
            )
            if grown == rect:
                return self._of(rect)
            rect = grown

    @lookup
    def End(self, Direction: Any) -> Any:
        """The last filled cell in a direction: xlUp, xlDown, xlToLeft, xlToRight."""
        rect = self._rect
        row, column = rect.top, rect.left
        step = {-4162: (-1, 0), -4121: (1, 0), -4159: (0, -1), -4161: (0, 1)}[int(Direction)]
        same = [
            place
            for place, cell in self._sheet.cells.items()
            if not cell.is_empty and (place[1] == column if step[0] else place[0] == row)
        ]
        along = 0 if step[0] else 1
        forward = step[along] > 0
        last = (LAST_ROW if step[0] else LAST_COLUMN) if forward else 1
        filled = {place[along] for place in same}
        at = (row, column)[along]
        if at in filled and at + step[along] in filled:
            while at + step[along] in filled:
                at += step[along]
        else:
            ahead = [one for one in filled if (one > at if forward else one < at)]
            at = (min(ahead) if forward else max(ahead)) if ahead else last
        place = (at, column) if step[0] else (row, at)
        return self._of(Rect(*place, *place))

    @method
    def Select(self) -> bool:
        if self._sheet.book.active is not self._sheet or self._core.active is not self._sheet.book:
            raise refused("Select method of Range class failed")
        _ = self._rect
        self._sheet.view.selection = self._areas
        self._sheet.view.active = (self._rect.top, self._rect.left)
        return True

    @method
    def Activate(self) -> bool:
        if self._sheet.book.active is not self._sheet:
            raise refused("Activate method of Range class failed")
        self._sheet.view.active = (self._rect.top, self._rect.left)
        if not any(one.has(*self._sheet.view.active) for one in self._sheet.view.selection):
            self._sheet.view.selection = (self._rect,)
        return True

    def __iter__(self) -> Iterator[Any]:
        self._recorder.pass_or_refuse()
        if self._kind != CELLS:
            return (self._found(index) for index in range(1, self._size() + 1))
        return (self._of(Rect(*place, *place)) for area in self._areas for place in area.cells())
