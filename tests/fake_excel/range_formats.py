"""How a range looks: styles, sizes, hidden rows, conditional formats and merged cells."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from .areas import Rect, without
from .com import MISSING, method, prop
from .errors import refused
from .geometry import column_pixels, column_points, left_of, row_points, top_of, width_from_pixels
from .looks import FormatMembers
from .range_base import RangeBase
from .styles import Style, style_of

LINES_OF_RANGES: Final[dict[int, Callable[[Rect], tuple[tuple[Rect, tuple[int, ...]], ...]]]] = {
    7: lambda one: ((one._replace(right=one.left), (7,)),),
    8: lambda one: ((one._replace(bottom=one.top), (8,)),),
    9: lambda one: ((one._replace(top=one.bottom), (9,)),),
    10: lambda one: ((one._replace(left=one.right), (10,)),),
    11: lambda one: (
        (one._replace(right=one.right - 1), (10,)),
        (one._replace(left=one.left + 1), (7,)),
    ),
    12: lambda one: (
        (one._replace(bottom=one.bottom - 1), (9,)),
        (one._replace(top=one.top + 1), (8,)),
    ),
}
"""The cells of a rectangle, and their edges, that have a line at each XlBordersIndex."""


class RangeFormats(FormatMembers, RangeBase):
    """The part of a range that is about its looks."""

    _same = RangeBase._same
    _reformat = RangeBase._reformat

    def _edge_cells(self, index: int, *, whole: bool) -> Iterator[tuple[Any, tuple[int, ...]]]:
        if whole or index not in LINES_OF_RANGES:
            yield self, (index,)
            return
        for area in (self._rect, *self._areas[1:]):
            for rect, edges in LINES_OF_RANGES[index](area):
                if rect.top <= rect.bottom and rect.left <= rect.right:
                    yield self._of(rect), edges

    @prop
    def Style(self) -> Any:
        name = RangeBase._same(self, lambda one: one.style)
        return Style(self._core, self._sheet.book, name) if name else None

    def _set_Style(self, value: Any) -> None:
        name = value._model.name if isinstance(value, Style) else value
        if not isinstance(name, str):
            raise refused("Unable to set the Style property of the Range class")
        self._reformat(style_of(self._sheet.book, name).applied)

    def _columns(self) -> list[int]:
        _ = self._rect
        return [one for area in self._areas for one in range(area.left, area.right + 1)]

    def _row_numbers(self) -> list[int]:
        _ = self._rect
        return [one for area in self._areas for one in range(area.top, self._last_row(area) + 1)]

    def _last_row(self, area: Rect) -> int:
        return self._sheet.used().bottom if area.is_columns else area.bottom

    @prop
    def ColumnWidth(self) -> float | None:
        found = {
            0.0
            if one in self._sheet.hidden_columns
            else self._sheet.widths.get(one, self._sheet.default_width)
            for one in self._columns()
        }
        return found.pop() if len(found) == 1 else None

    def _set_ColumnWidth(self, value: Any) -> None:
        self._change()
        width = float(value)
        if not 0 <= width <= 255:
            raise refused("Unable to set the ColumnWidth property of the Range class")
        # Excel rounds to whole pixels.
        rounded = width_from_pixels(column_pixels(width))
        for one in self._columns():
            if width:
                self._sheet.widths[one] = rounded
                self._sheet.hidden_columns.discard(one)
            else:
                self._sheet.hidden_columns.add(one)

    @prop
    def RowHeight(self) -> float | None:
        found = {row_points(self._sheet, one) for one in self._row_numbers()}
        return found.pop() if len(found) == 1 else None

    def _set_RowHeight(self, value: Any) -> None:
        self._change()
        height = float(value)
        if not 0 <= height <= 409.5:
            raise refused("Unable to set the RowHeight property of the Range class")
        for one in self._row_numbers():
            if height:
                self._sheet.heights[one] = round(height / 0.75) * 0.75
                self._sheet.hidden_rows.discard(one)
            else:
                self._sheet.hidden_rows.add(one)

    @prop
    def Hidden(self) -> bool | None:
        rect = self._rect
        if rect.is_rows:
            found = {one in self._sheet.hidden_rows for one in self._row_numbers()}
        elif rect.is_columns:
            found = {one in self._sheet.hidden_columns for one in self._columns()}
        else:
            raise refused("Unable to get the Hidden property of the Range class")
        return found.pop() if len(found) == 1 else None

    def _set_Hidden(self, value: Any) -> None:
        self._change()
        rect = self._rect
        if rect.is_rows:
            hidden, numbers = self._sheet.hidden_rows, self._row_numbers()
        elif rect.is_columns:
            hidden, numbers = self._sheet.hidden_columns, self._columns()
        else:
            raise refused("Unable to set the Hidden property of the Range class")
        if value:
            hidden.update(numbers)
        else:
            hidden.difference_update(numbers)

    @prop
    def Left(self) -> float:
        return left_of(self._sheet, self._rect.left)

    @prop
    def Top(self) -> float:
        return top_of(self._sheet, self._rect.top)

    @prop
    def Width(self) -> float:
        return sum(column_points(self._sheet, one) for one in self._columns())

    @prop
    def Height(self) -> float:
        rect = self._rect
        return top_of(self._sheet, rect.bottom + 1) - top_of(self._sheet, rect.top)

    @method
    def AutoFit(self) -> bool:
        """Set widths by the longest text, at a digit's width for each character."""
        self._change()
        rect = self._rect
        if rect.is_rows or self._kind == "rows":
            for one in self._row_numbers():
                self._sheet.heights.pop(one, None)
            return True
        for column in self._columns():
            longest = max(
                (
                    len(str(cell.value))
                    for (_row, at), cell in self._each()
                    if at == column and cell.value is not None
                ),
                default=0,
            )
            if longest:
                self._sheet.widths[column] = float(min(longest, 255))
        return True

    @method
    def ClearFormats(self) -> bool:
        self._clear_formats()
        return True

    def _clear_formats(self) -> None:
        normal = self._sheet.book.styles["normal"].format
        self._reformat(lambda _before: normal)
        self._drop_conditions()

    @method
    def Clear(self) -> bool:
        self._clear_formats()
        for (row, column), cell in self._each():
            table = self._sheet.table_at(row, column)
            if not (table and table.header and row == table.rect.top):
                cell.value, cell.formula, cell.prefix = None, "", ""
        for places in (self._sheet.comments, self._sheet.links):
            for place in [one for one in places if self._holds(one)]:
                del places[place]
        return True

    def _holds(self, place: tuple[int, int]) -> bool:
        return any(one.has(*place) for one in self._areas)

    def _drop_conditions(self) -> None:
        for one in self._sheet.conditions:
            one.rects = tuple(left for rect in one.rects for left in without(rect, self._areas))
        self._sheet.conditions = [one for one in self._sheet.conditions if one.rects]

    @prop
    def FormatConditions(self) -> Any:
        return self._make("FormatConditions", self)

    @prop
    def MergeCells(self) -> bool | None:
        rect = self._rect
        if any(one.covers(rect) for one in self._sheet.merged):
            return True
        return None if any(one.meets(rect) for one in self._sheet.merged) else False

    def _set_MergeCells(self, value: Any) -> None:
        if value:
            self._merge()
        else:
            self._unmerge()

    @prop
    def MergeArea(self) -> Any:
        rect = self._rect
        return self._of(next((one for one in self._sheet.merged if one.meets(rect)), rect))

    @method
    def Merge(self, Across: Any = MISSING) -> None:
        self._merge()

    @method
    def UnMerge(self) -> None:
        self._unmerge()

    def _merge(self) -> None:
        self._change()
        rect = self._rect
        if any(one.rect.meets(rect) for one in self._sheet.tables):
            raise refused("Cells of a table can't be merged.")
        self._unmerge()
        self._sheet.merged.append(rect)
        for place, cell in self._each():
            if place != (rect.top, rect.left):
                cell.value, cell.formula = None, ""

    def _unmerge(self) -> None:
        self._change()
        self._sheet.merged = [
            one for one in self._sheet.merged if not any(one.meets(area) for area in self._areas)
        ]
