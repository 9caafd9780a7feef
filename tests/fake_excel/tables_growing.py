"""What tables do by themselves when something is entered in or beside them."""

from typing import Any

from .areas import Rect
from .entry import shown
from .formulas import copied, with_column_renamed
from .model import SheetModel, TableModel


def after_entry(core: Any, sheet: SheetModel, area: Rect) -> None:
    """Let the tables of a sheet follow what was entered in an area."""
    for table in sheet.tables:
        reach = table.rect._replace(bottom=table.rect.bottom + 1, right=table.rect.right + 1)
        if not area.meets(reach):
            continue
        if table.insert_row and not sheet.is_blank(table.all_rows):
            table.insert_row = False
        if core.kept.get("AutoExpandListRange", True):
            _expand(sheet, table, area)
        _take_headers(sheet, table, area)
        if core.kept.get("AutoFillFormulasInLists", True):
            _fill_down(core, sheet, table, area)


def _expand(sheet: SheetModel, table: TableModel, area: Rect) -> None:
    """Take in rows just below, or columns just beside, what was entered."""
    rect = table.rect
    others = [one.rect for one in sheet.tables if one is not table]
    below = area.common(
        rect._replace(top=rect.bottom + 1, bottom=max(rect.bottom + 1, area.bottom))
    )
    if below and area.top <= rect.bottom + 1 and not table.totals and not sheet.is_blank(below):
        wider = rect._replace(bottom=area.bottom)
        if not any(one.meets(wider) for one in others):
            table.rect = rect = wider
            _extend_formulas(sheet, table, below.top)
    beside = area.common(rect._replace(left=rect.right + 1, right=rect.right + 1))
    if beside and area.left <= rect.right + 1 and not sheet.is_blank(beside):
        wider = rect._replace(right=area.right)
        if not any(one.meets(wider) for one in others):
            table.rect = wider
            add_columns(sheet, table, rect.right + 1, area.right)


def add_columns(sheet: SheetModel, table: TableModel, first: int, last: int) -> None:
    """Name the columns of a table that are new, in its header, too."""
    for column in range(first, last + 1):
        index = column - table.rect.left
        cell = sheet.cell(table.rect.top, column)
        wanted = shown(cell.value) if table.header else ""
        name = unique_name(table.columns, wanted or f"Column{index + 1}", bare=not wanted)
        table.columns.insert(index, name)
        if table.header:
            cell.value, cell.formula = name, ""


def unique_name(names: list[str], wanted: str, *, bare: bool = False) -> str:
    """Return a name that no other column has: Excel counts on."""
    taken = {one.casefold() for one in names}
    stem = "Column" if bare else wanted
    name, number = wanted, 2 if not bare else 1
    while name.casefold() in taken:
        name = f"{stem}{number}"
        number += 1
    return name


def rename_column(sheet: SheetModel, table: TableModel, index: int, wanted: str) -> str:
    """Give a column another name, and let all formulas follow."""
    old = table.columns[index]
    others = table.columns[:index] + table.columns[index + 1 :]
    name = unique_name(others, wanted)
    if name == old:
        return name
    table.columns[index] = name
    if old in table.calculated:
        table.calculated[name] = table.calculated.pop(old)
    book = sheet.book
    for other, place, cell in book.formula_cells():
        own = other.table_at(*place)
        cell.formula = with_column_renamed(
            cell.formula, table.name, own.name if own else "", old, name
        )
    for one in book.names:
        one.refers_to = with_column_renamed(one.refers_to, table.name, "", old, name)
    for other_table in book.tables():
        for column, formula in other_table.calculated.items():
            other_table.calculated[column] = with_column_renamed(
                formula, table.name, other_table.name, old, name
            )
    return name


def _take_headers(sheet: SheetModel, table: TableModel, area: Rect) -> None:
    """Name columns as was entered in the header; its cells are always texts."""
    header = table.header_rect
    common = area.common(header) if header else None
    if not common:
        return
    for column in range(common.left, common.right + 1):
        index = column - table.rect.left
        cell = sheet.cell(table.rect.top, column)
        text = shown(cell.value)
        wanted = text or unique_name(
            table.columns[:index] + table.columns[index + 1 :], "Column1", bare=True
        )
        cell.value = rename_column(sheet, table, index, wanted)
        cell.formula, cell.prefix = "", ""


def _fill_down(core: Any, sheet: SheetModel, table: TableModel, area: Rect) -> None:
    """Make a calculated column of a column that holds nothing but the formula just entered."""
    body = table.body
    common = area.common(body) if body else None
    if not common or not body:
        return
    for column in range(common.left, common.right + 1):
        entered = sheet.cells.get((common.top, column))
        name = table.columns[column - table.rect.left]
        if not entered or not entered.formula:
            continue
        rest = [
            sheet.cells.get((row, column))
            for row in range(body.top, body.bottom + 1)
            if not common.top <= row <= common.bottom
        ]
        if any(one and not one.is_empty for one in rest):
            continue
        table.calculated[name] = entered.formula
        _fill(core, sheet, body, (common.top, column), common)


def _fill(core: Any, sheet: SheetModel, body: Rect, place: tuple[int, int], kept: Rect) -> None:
    """Copy a cell's formula to the rows of its column outside what was entered."""
    row, column = place
    formula = sheet.cells[place].formula
    for other in range(body.top, body.bottom + 1):
        if not kept.top <= other <= kept.bottom:
            cell = sheet.cell(other, column)
            cell.formula = copied(formula, other - row, 0)
            cell.value = core.calculate(cell.formula, sheet)


def _extend_formulas(sheet: SheetModel, table: TableModel, first: int) -> None:
    """Give new rows at the end the formulas of calculated columns, and formats from above."""
    body = table.all_rows
    above = first - 1
    if above < body.top:
        return
    for column in range(body.left, body.right + 1):
        model = sheet.cells.get((above, column))
        formula = table.calculated.get(table.columns[column - body.left], "")
        for row in range(first, body.bottom + 1):
            cell = sheet.cell(row, column)
            if model:
                cell.format = model.format
            if formula and cell.is_empty and model and model.formula:
                cell.formula = copied(model.formula, row - above, 0)
                cell.value = 0.0
