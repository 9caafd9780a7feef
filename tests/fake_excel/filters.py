"""Filters of sheets and tables: which rows they hide.

Sources: Microsoft Learn, «Range.AutoFilter» (criteria, XlAutoFilterOperator), «AutoFilter object»,
«AutoFilter.ApplyFilter» (rows are hidden again only then), «Worksheet.ShowAllData».
"""

import fnmatch
import re
from typing import Any

from .areas import Rect
from .com import Collection, ComObject, method, prop
from .entry import recognised, shown
from .errors import refused
from .model import Criterion, FilterModel, Scalar, SheetModel, TableModel

AND, OR, VALUES = 1, 2, 7
_COMPARISON = re.compile(r"(<=|>=|<>|=|<|>)?(.*)", re.DOTALL)


def _range_of(sheet: SheetModel, table: TableModel | None) -> tuple[Rect, dict[int, Criterion]]:
    """Return a filter's cells with their header, and its criteria."""
    if table:
        rect = table.rect._replace(bottom=table.rect.bottom - table.totals)
        return rect, table.criteria
    assert sheet.filter is not None
    return sheet.filter.rect, sheet.filter.criteria


def apply_filter(sheet: SheetModel, table: TableModel | None) -> None:
    """Hide the rows that don't meet all criteria, and show the others."""
    rect, criteria = _range_of(sheet, table)
    for row in range(rect.top + 1, rect.bottom + 1):
        met = all(
            meets(criterion, _value(sheet, row, rect.left + field - 1))
            for field, criterion in criteria.items()
        )
        if met:
            sheet.hidden_rows.discard(row)
        else:
            sheet.hidden_rows.add(row)


def _value(sheet: SheetModel, row: int, column: int) -> Scalar:
    cell = sheet.cells.get((row, column))
    return cell.value if cell else None


def meets(criterion: Criterion, value: Scalar) -> bool:
    """Tell whether a cell's value meets a criterion."""
    if isinstance(criterion.first, tuple | list):
        wanted = {str(one).removeprefix("=").casefold() for one in criterion.first}
        return shown(value).casefold() in wanted
    if criterion.operator not in {0, AND, OR, VALUES}:
        raise NotImplementedError("the fake Excel filters by values and comparisons only")
    found = [
        _compared(one, value) for one in (criterion.first, criterion.second) if one is not None
    ]
    return any(found) if criterion.operator == OR else all(found)


def _compared(criterion: Any, value: Scalar) -> bool:
    found = _COMPARISON.fullmatch(str(criterion))
    assert found
    sign, text = found[1] or "=", found[2]
    number = recognised(text)
    if sign in {"=", "<>"}:
        if text == "":
            equal = value is None or value == ""
        elif number and isinstance(number.value, float) and isinstance(value, float):
            equal = number.value == value
        else:
            pattern = fnmatch.translate(text.casefold().replace("[", "[[]"))
            equal = re.match(pattern, shown(value).casefold()) is not None
        return equal == (sign == "=")
    if not (number and isinstance(number.value, float) and isinstance(value, float)):
        return False
    return {
        "<": value < number.value,
        ">": value > number.value,
        "<=": value <= number.value,
        ">=": value >= number.value,
    }[sign]


def filter_range(
    sheet: SheetModel, rect: Rect, field: Any, first: Any, operator: Any, second: Any
) -> None:
    """Do what Range.AutoFilter does: filter a column, or switch the buttons on or off."""
    table = next((one for one in sheet.tables if one.rect.meets(rect)), None)
    if table is None:
        if sheet.filter is None:
            sheet.filter = FilterModel(rect)
        elif field is None:
            hidden = sheet.filter.rect
            sheet.hidden_rows -= set(range(hidden.top, hidden.bottom + 1))
            sheet.filter = None
            return
    elif field is None:
        table.arrows = not table.arrows
        return
    if field is None:
        return
    whole, criteria = _range_of(sheet, table)
    number = int(field)
    if not 1 <= number <= whole.width:
        raise refused("AutoFilter method of Range class failed")
    if first is None:
        criteria.pop(number, None)
    else:
        criteria[number] = Criterion(first, int(operator or 0), second)
    if table:
        table.arrows = True
    apply_filter(sheet, table)


class AutoFilter(ComObject):
    """A sheet's or table's filter."""

    def __init__(self, core: Any, sheet: SheetModel, table: TableModel | None) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._table = table

    @property
    def _path(self) -> str:
        owner = f"Worksheets({self._sheet.name!r})"
        owner += f".ListObjects({self._table.name!r})" if self._table else ""
        return f"{owner}.AutoFilter"

    @prop
    def Range(self) -> Any:
        return self._make("Range", self._sheet, _range_of(self._sheet, self._table)[0])

    @prop
    def FilterMode(self) -> bool:
        return bool(_range_of(self._sheet, self._table)[1])

    @prop
    def Filters(self) -> Any:
        return self._make("Filters", *_range_of(self._sheet, self._table))

    @prop
    def Sort(self) -> Any:
        return self._make("Sort", self._sheet, self._table)

    @method
    def ApplyFilter(self) -> None:
        self._sheet.writable()
        apply_filter(self._sheet, self._table)

    @method
    def ShowAllData(self) -> None:
        self._sheet.writable()
        if not _range_of(self._sheet, self._table)[1]:
            raise refused("ShowAllData method of AutoFilter class failed")
        self._show_all()

    def _show_all(self) -> None:
        rect, criteria = _range_of(self._sheet, self._table)
        criteria.clear()
        self._sheet.hidden_rows -= set(range(rect.top + 1, rect.bottom + 1))


class Filters(Collection):
    """The filters of all columns."""

    def __init__(self, core: Any, rect: Rect, criteria: dict[int, Criterion]) -> None:
        super().__init__(core)
        self._rect = rect
        self._criteria = criteria

    def _all(self) -> list[Any]:
        return [
            Filter(self._core, self._criteria.get(one)) for one in range(1, self._rect.width + 1)
        ]


class Filter(ComObject):
    """A column's filter."""

    def __init__(self, core: Any, criterion: Criterion | None) -> None:
        super().__init__(core)
        self._criterion = criterion

    def _known(self) -> Criterion:
        if self._criterion is None:
            raise refused("Application-defined or object-defined error")
        return self._criterion

    @prop
    def On(self) -> bool:
        return self._criterion is not None

    @prop
    def Criteria1(self) -> Any:
        return self._known().first

    @prop
    def Criteria2(self) -> Any:
        if self._known().second is None:
            raise refused("Application-defined or object-defined error")
        return self._known().second

    @prop
    def Operator(self) -> int:
        return self._known().operator

    @prop
    def Count(self) -> int:
        first = self._known().first
        if isinstance(first, tuple | list):
            return len(first)
        return 1 if self._known().second is None else 2
