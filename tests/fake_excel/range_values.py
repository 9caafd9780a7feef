"""What a range holds: values and formulas, read and written.

Sources: Microsoft Learn, «Range.Value», «Range.Value2» (no Currency and Date), «Range.Formula»,
«Range.HasFormula» (Null when mixed), «Range.PrefixCharacter»; for calculated columns and for
tables that grow, Microsoft Support, «Use calculated columns in an Excel table» and
«AutoCorrect.AutoExpandListRange», «AutoCorrect.AutoFillFormulasInLists».
"""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, cast

from openpyxl.styles.numbers import is_date_format

from .areas import Rect
from .com import MISSING, lookup, method, prop
from .entry import Entered, entered, is_plain, moment_of, sent, shown
from .errors import refused
from .formulas import from_r1c1, to_r1c1
from .grammar import checked
from .model import ERRORS, Cell, CellError, Scalar
from .range_base import RangeBase
from .tables_growing import after_entry

_NOTHING: Final = Entered()
_CURRENCY = re.compile(r"[$€£¥]")
_LOOKS: dict[str, str] = {}


def looks(number_format: str) -> str:
    """Return whether a number format shows a date, a currency, or something else ("")."""
    found = _LOOKS.get(number_format)
    if found is None:
        without = re.sub(r"\[\$-[0-9A-Fa-f]+\]", "", number_format)
        plain = re.sub(r'"[^"]*"|\\.', "", without)
        found = "date" if is_date_format(without) else "money" if _CURRENCY.search(plain) else ""
        _LOOKS[number_format] = found
    return found


def as_value(cell: Cell) -> Any:
    """Return a cell's value as `Range.Value` has it."""
    value = cell.value
    if type(value) is float and (kind := looks(cell.format.number_format)):
        if kind == "date":
            return moment_of(value) if 0 <= value < 2_958_466 else value
        return Decimal(f"{value:.4f}")
    return as_value2(cell)


def as_value2(cell: Cell) -> Any:
    """Return a cell's value as `Range.Value2` has it."""
    return int(cell.value) if isinstance(cell.value, CellError) else cell.value


def as_formula(cell: Cell) -> Any:
    """Return a cell's formula, or what would be typed for its value."""
    return cell.formula or shown(cell.value)


class RangeValues(RangeBase):
    """The part of a range that is about its contents."""

    def _read(self, show: Callable[[Cell], Any], *, empty: Any = None) -> Any:
        """Return one cell's value, or a tuple of rows."""
        rect = self._rect
        cells = self._sheet.cells
        if rect.area == 1:
            one = cells.get((rect.top, rect.left))
            return show(one) if one else empty
        if rect.area > 20_000_000:
            raise refused("Not enough memory")
        columns = range(rect.left, rect.right + 1)
        rows = []
        for row in range(rect.top, rect.bottom + 1):
            found = [cells.get((row, column)) for column in columns]
            rows.append(tuple([show(one) if one else empty for one in found]))
        return tuple(rows)

    def _write(self, value: Any, *, as_value2: bool = False, r1c1: bool = False) -> None:
        """Enter a value in all cells, or a block of values."""
        self._change()
        _ = self._rect
        for area in self._areas:
            rows = self._block(value, self._sheet.trim(area))
            self._enter(self._sheet.trim(area), rows, as_value2=as_value2, r1c1=r1c1)

    def _block(self, value: Any, area: Rect) -> list[list[Any]]:
        """Return the values for each cell of an area."""
        if not isinstance(value, tuple | list):
            return [[sent(value)] * area.width] * area.height
        rows = [row if isinstance(row, tuple | list) else None for row in value]
        if None in rows:
            rows = [value]
        if len({len(row) for row in rows if row is not None}) > 1:
            raise ValueError("All the sub-sequences must have the same length")
        block = [[sent(one) for one in row] for row in rows if row is not None]
        limit = self._core.array_text
        if any(type(one) is str and len(one) > limit for row in block for one in row):
            raise refused()
        missing = ERRORS["#N/A"]
        if len(block) == 1:
            block *= area.height
        filled = []
        for row in block[: area.height]:
            whole = row * area.width if len(row) == 1 else row[: area.width]
            filled.append(whole + [missing] * (area.width - len(whole)))
        filled += [[missing] * area.width] * (area.height - len(filled))
        return filled

    def _enter(self, area: Rect, rows: list[list[Any]], *, as_value2: bool, r1c1: bool) -> None:
        sheet = self._sheet
        cells = sheet.cells
        place = (0, 0)

        def formula(text: str) -> str:
            if r1c1:
                text = from_r1c1(text, *place)
            return checked(text, sheet, *place)

        # Everything is read before anything is written: a bad formula leaves all as it was.
        found: list[Entered | str] = []
        for row, values in enumerate(rows, area.top):
            for column, value in enumerate(values, area.left):
                place = (row, column)
                cell = cells.get(place)
                known = cell.format if cell else sheet.default_format(row, column)
                if is_plain(value, known.number_format):
                    found.append(value)
                else:
                    looks = known.number_format
                    found.append(entered(value, looks, formula, as_value2=as_value2))
        for place, entry in zip(area.cells(), found, strict=True):
            cell = cells.get(place)
            if cell is None:
                if entry == _NOTHING:
                    continue
                cell = cells[place] = Cell(format=sheet.default_format(*place))
            if type(entry) is str:
                cell.value, cell.formula, cell.prefix = entry, "", ""
            else:
                self._put(cell, cast("Entered", entry))
        after_entry(self._core, sheet, area)

    def _put(self, cell: Cell, entry: Entered) -> None:
        cell.formula, cell.prefix = entry.formula, entry.prefix
        cell.value = entry.value
        if entry.formula:
            cell.value = self._core.calculate(entry.formula, self._sheet)
        if entry.number_format:
            cell.format = replace(cell.format, number_format=entry.number_format)

    @prop
    def Value(self) -> Any:
        return self._read(as_value)

    def _set_Value(self, value: Any) -> None:
        self._write(value)

    @lookup
    def GetValue(self, RangeValueDataType: Any = MISSING) -> Any:
        return self._read(as_value)

    @prop
    def Value2(self) -> Any:
        return self._read(as_value2)

    def _set_Value2(self, value: Any) -> None:
        self._write(value, as_value2=True)

    @prop
    def Formula(self) -> Any:
        return self._read(as_formula, empty="")

    def _set_Formula(self, value: Any) -> None:
        self._write(value)

    @prop
    def Formula2(self) -> Any:
        return self._read(as_formula, empty="")

    def _set_Formula2(self, value: Any) -> None:
        self._write(value)

    @prop
    def FormulaR1C1(self) -> Any:
        places = {id(cell): place for place, cell in self._each()}

        def show(cell: Cell) -> Any:
            if cell.formula:
                return to_r1c1(cell.formula, *places[id(cell)])
            return as_formula(cell)

        return self._read(show, empty="")

    def _set_FormulaR1C1(self, value: Any) -> None:
        self._write(value, r1c1=True)

    @prop
    def HasFormula(self) -> bool | None:
        rect = self._rect
        count = sum(bool(cell.formula) for _, cell in self._each())
        if count == 0:
            return False
        return True if count == rect.area else None

    @prop
    def PrefixCharacter(self) -> str | None:
        found = {cell.prefix for _, cell in self._each()} or {""}
        return found.pop() if len(found) == 1 else None

    @prop
    def Text(self) -> str | None:
        """What is shown; dates and numbers are not laid out as their formats have it."""
        found = {shown(cell.value) for _, cell in self._each()} or {""}
        return found.pop() if len(found) == 1 else None

    @method
    def ClearContents(self) -> bool:
        self._change()
        for (row, column), cell in self._each():
            table = self._sheet.table_at(row, column)
            if table and table.header and row == table.rect.top:
                continue
            cell.value, cell.formula, cell.prefix = None, "", ""
        return True

    @method
    def Calculate(self) -> bool:
        for _place, cell in self._each():
            if cell.formula and cell.value is None:
                cell.value = self._core.calculate(cell.formula, self._sheet)
        return True

    @method
    def Find(
        self,
        What: Any,
        After: Any = MISSING,
        LookIn: Any = -4163,
        LookAt: Any = 2,
        SearchOrder: Any = 1,
        SearchDirection: Any = 1,
        MatchCase: Any = False,
        MatchByte: Any = MISSING,
        SearchFormat: Any = MISSING,
    ) -> Any:
        """The first cell after another one that holds a text: xlWhole is 1, xlPart 2."""
        wanted = shown(sent(What))
        by_columns, backwards = SearchOrder == 2, SearchDirection == 2
        in_formulas = LookIn == -4123

        def order(place: tuple[int, int]) -> tuple[int, int]:
            return place[::-1] if by_columns else place

        def holds(cell: Cell) -> bool:
            text = as_formula(cell) if in_formulas else shown(cell.value)
            given = wanted
            if not MatchCase:
                text, given = text.casefold(), given.casefold()
            pattern = re.escape(given).replace(r"\*", ".*").replace(r"\?", ".")
            matching = re.fullmatch if LookAt == 1 else re.search
            return bool(text and matching(pattern, text, re.DOTALL))

        places = sorted((place for place, cell in self._each() if holds(cell)), key=order)
        if not places:
            return None
        rect = self._rect
        start = (After._rect.top, After._rect.left) if After is not None else (rect.top, rect.left)
        if backwards:
            places = places[::-1]
            later = [one for one in places if order(one) < order(start)]
        else:
            later = [one for one in places if order(one) > order(start)]
        first = (later or places)[0]
        return self._of(Rect(*first, *first))

    @method
    def SpecialCells(self, Type: Any, Value: Any = MISSING) -> Any:
        """Blanks 4, constants 2, formulas -4123, visible 12, last cell 11 (XlCellType)."""
        sheet = self._sheet
        used = sheet.used()
        if Type == 11:
            return self._of(Rect(used.bottom, used.right, used.bottom, used.right))
        scope = [one for area in self._areas if (one := area.common(used))]
        if self._rect.area == 1:
            scope = [used]
        if Type == 12:
            scope = list(self._areas)
        places = [place for one in scope for place in sheet.trim(one).cells()]
        wanted = [place for place in places if _is_special(self, place, int(Type), Value)]
        if not wanted:
            raise refused("No cells were found.")
        return self._of(joined(wanted))


def _is_special(one: RangeValues, place: tuple[int, int], kind: int, values: Any) -> bool:
    sheet = one._sheet
    if kind == 12:
        return place[0] not in sheet.hidden_rows and place[1] not in sheet.hidden_columns
    cell = sheet.cells.get(place)
    if kind == 4:
        return cell is None or cell.is_empty
    if cell is None or cell.is_empty or bool(cell.formula) != (kind == -4123):
        return False
    return values is None or bool(int(values) & _value_kind(cell.value))


def _value_kind(value: Scalar) -> int:
    """Return XlSpecialCellsValue of a value."""
    if isinstance(value, CellError):
        return 16
    if isinstance(value, bool):
        return 4
    return 1 if isinstance(value, float) else 2


def joined(places: list[tuple[int, int]]) -> list[Rect]:
    """Return few rectangles that make up cells: runs within rows, equal ones below each other."""
    runs: list[Rect] = []
    for row, column in places:
        last = runs[-1] if runs else None
        if last and last.top == row and last.right == column - 1:
            runs[-1] = last._replace(right=column)
        else:
            runs.append(Rect(row, column, row, column))
    areas: list[Rect] = []
    open_runs: dict[tuple[int, int], int] = {}
    for run in runs:
        index = open_runs.get((run.left, run.right))
        if index is not None and areas[index].bottom == run.top - 1:
            areas[index] = areas[index]._replace(bottom=run.top)
        else:
            open_runs[run.left, run.right] = len(areas)
            areas.append(run)
    return areas
