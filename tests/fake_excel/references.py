"""What addresses stand for in a workbook, and all the formulas in it outside cells."""

import re
from collections.abc import Callable

from .areas import Rect, parsed
from .formulas import plain_sheet, quoted_sheet, with_sheet_renamed
from .model import BookModel, SheetModel

_WITH_SHEET = re.compile(r"((?:'(?:[^']|'')+'|[\w.]+)!)?(.+)", re.DOTALL)


def resolved(
    book: BookModel, own: SheetModel | None, text: str
) -> tuple[SheetModel | None, Rect | None]:
    """Return the sheet and cells that an address, name or structured reference stands for."""
    text = text.removeprefix("=")
    found = _WITH_SHEET.fullmatch(text)
    if not found:
        return None, None
    sheet = own
    if found[1]:
        sheet = book.sheet(plain_sheet(found[1]))
    if sheet is None and found[1]:
        return None, None
    if rect := parsed(found[2]):
        return sheet, rect
    if table := re.fullmatch(r"([\w.\\]+)(?:\[(.*)\])?", found[2], re.DOTALL):
        rect = _of_table(book, table[1], table[2] or "")
        if rect:
            owner = book.table(table[1])
            return (owner.sheet if owner else None), rect
    for one in book.names:
        if one.name.casefold() == found[2].casefold() and one.sheet in {None, sheet}:
            if one.refers_to.removeprefix("=") == text:
                return None, None
            return resolved(book, sheet, one.refers_to)
    return None, None


def _of_table(book: BookModel, name: str, inner: str) -> Rect | None:
    table = book.table(name)
    if table is None:
        return None
    if inner.casefold() == "#all":
        return table.rect
    if inner.casefold() == "#headers":
        return table.header_rect
    rect = table.all_rows
    if inner in {"", "#Data"}:
        return rect
    parts = re.findall(r"\[([^\]]*)\]", inner) or [inner]
    if parts[0].casefold() == "#all":
        rect, parts = table.rect, parts[1:]
    elif parts[0].casefold() == "#headers":
        rect, parts = table.rect._replace(bottom=table.rect.top), parts[1:]
    numbers = [table.number_of(re.sub(r"'(.)", r"\1", one)) for one in parts]
    if not numbers or None in numbers:
        return None
    known = [one for one in numbers if one is not None]
    return rect._replace(left=rect.left + min(known), right=rect.left + max(known))


def rename_sheet(sheet: SheetModel, name: str) -> None:
    """Give a sheet another name, and let formulas and names follow; links' texts don't."""
    old, book = sheet.name, sheet.book
    sheet.name = name
    book.saved = False
    for _sheet, _place, cell in book.formula_cells():
        cell.formula = with_sheet_renamed(cell.formula, old, name)
    each_reference(book, lambda text, _own: with_sheet_renamed(text, old, name))


def forget_sheet(book: BookModel, name: str) -> None:
    """Turn references to a sheet that was deleted into errors."""
    pattern = re.compile(re.escape(quoted_sheet(name)) + r"!\$?[A-Z0-9:$]+", re.IGNORECASE)
    for _sheet, _place, cell in book.formula_cells():
        cell.formula = pattern.sub("#REF!", cell.formula)
    each_reference(book, lambda text, _own: pattern.sub("#REF!", text))


def each_reference(book: BookModel, change: Callable[[str, str], str]) -> None:
    """Change the texts of all formulas outside cells: names, charts, conditional formats."""
    for one in book.names:
        one.refers_to = change(one.refers_to, one.sheet.name if one.sheet else "")
    for sheet in book.sheets:
        for condition in sheet.conditions:
            condition.formulas = tuple(change(text, sheet.name) for text in condition.formulas)
        for shape in sheet.shapes:
            for series in shape.chart.series if shape.chart else ():
                for field in ("name", "categories", "values"):
                    text = getattr(series, field)
                    if isinstance(text, str) and text.startswith("="):
                        setattr(series, field, change(text, sheet.name))
        for table in sheet.tables:
            for column, text in table.calculated.items():
                table.calculated[column] = change(text, sheet.name)
