"""Inserting and deleting cells, and everything that follows: references, tables, links, formats.

Sources: Microsoft Learn, «Range.Insert» and «Range.Delete» (new cells take the format from the left
or above); Excel's message that cells of a table can't be shifted in part. References follow cells
whose whole width (or height) moves, grow when cells are inserted within them, and become #REF!
when all their cells are deleted. Texts in hyperlinks (SubAddress) do not follow.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from .areas import LAST_COLUMN, LAST_ROW, Rect
from .errors import no_shift, refused
from .formulas import copied, remapped
from .geometry import left_of, top_of
from .model import BookModel, SheetModel, TableModel
from .references import each_reference
from .tables_growing import unique_name

DOWN: Final = -4121
RIGHT: Final = -4161
UP: Final = -4162
LEFT: Final = -4159
"""XlInsertShiftDirection and XlDeleteShiftDirection."""

Mapping = Callable[[Rect], Rect | None]
Line = TypeVar("Line")
FREE: Final = 3
"""XlPlacement of shapes that stay where they are."""


def insert_cells(
    sheet: SheetModel,
    rect: Rect,
    shift: int,
    *,
    inside: TableModel | None = None,
    beside: TableModel | None = None,
    format_below: bool = False,
) -> None:
    """Insert empty cells.

    Args:
        sheet: Where.
        rect: The cells.
        shift: In which direction the others go.
        inside: The table that grows by them, even at its end.
        beside: A table that stays as it is.
        format_below: Whether new cells take formats from below or right, not above or left.
    """
    down = shift == DOWN
    count = rect.height if down else rect.width
    zone = rect._replace(bottom=LAST_ROW) if down else rect._replace(right=LAST_COLUMN)
    last = (
        zone._replace(top=LAST_ROW - count + 1)
        if down
        else zone._replace(left=LAST_COLUMN - count + 1)
    )
    if not sheet.is_blank(last):
        raise refused("Excel can't insert new cells because it would push non-empty cells off.")
    growing = _checked_tables(sheet, rect, zone, down=down, inside=inside, beside=beside)
    rows, columns = (count, 0) if down else (0, count)
    before = {table: table.rect for table in growing}
    _move_shapes(sheet, rect, rows, columns)
    _move_cells(sheet, zone, None, rows, columns)
    _move_lines(sheet, rect, rows, columns)
    _map_everything(sheet, _insertion(rect, down=down))
    for table, was in before.items():
        _grow(sheet, table, was, rect, down=down)
    _new_formats(sheet, rect, down=down, below=format_below)
    for table in before:
        if down:
            _new_rows(sheet, table, rect)


def _turned(rect: Rect) -> Rect:
    """Return a rectangle with rows for columns, to treat both directions alike."""
    return Rect(rect.left, rect.top, rect.right, rect.bottom)


def _insertion(rect: Rect, *, down: bool) -> Mapping:
    """Return what becomes of references when cells are inserted."""
    place = rect if down else _turned(rect)
    last = LAST_ROW if down else LAST_COLUMN
    count = place.height

    def mapping(given: Rect) -> Rect | None:
        one = given if down else _turned(given)
        if not (place.left <= one.left and one.right <= place.right) or one.height == last:
            return given
        if one.top >= place.top:
            one = one.moved(count, 0)
        elif one.bottom >= place.top:
            one = one._replace(bottom=one.bottom + count)
        if one.bottom > last:
            return None
        return one if down else _turned(one)

    return mapping


def delete_cells(
    sheet: SheetModel, rect: Rect, shift: int, *, inside: TableModel | None = None
) -> None:
    """Delete cells; `shift` tells from where others come, `inside` which table shrinks."""
    up = shift == UP
    count = rect.height if up else rect.width
    zone = rect._replace(bottom=LAST_ROW) if up else rect._replace(right=LAST_COLUMN)
    shrinking = _checked_tables(sheet, rect, zone, down=up, inside=inside, deleting=True)
    lost = [table for table in shrinking if rect.covers(table.rect)]
    was = {table: table.rect for table in shrinking if table not in lost}
    if up and _empties(sheet, rect, list(was)):
        return
    for table in lost:
        sheet.tables.remove(table)
        table.deleted = True
    rows, columns = (-count, 0) if up else (0, -count)
    _move_shapes(sheet, rect, rows, columns)
    _move_cells(sheet, zone, rect, rows, columns)
    _move_lines(sheet, rect, rows, columns)
    _map_everything(sheet, _deletion(rect, up=up))
    for table, before in was.items():
        if up:
            fewer = min(rect.bottom, before.bottom) - max(rect.top, before.top) + 1
            table.rect = before._replace(bottom=before.bottom - fewer)
        else:
            _drop_columns(table, before, rect)


def _empties(sheet: SheetModel, rect: Rect, tables: list[TableModel]) -> bool:
    """Tell whether all rows of a table are deleted, and do it; raise if its header is."""
    for table in tables:
        body = table.all_rows
        if table.header and rect.top <= table.rect.top:
            raise refused("Delete method of Range class failed")
        if table.body and rect.top <= body.top and rect.bottom >= body.bottom:
            _empty_body(sheet, table, rect)
            return True
    return False


def _deletion(rect: Rect, *, up: bool) -> Mapping:
    """Return what becomes of references when cells are deleted."""
    place = rect if up else _turned(rect)
    last = LAST_ROW if up else LAST_COLUMN

    def mapping(given: Rect) -> Rect | None:
        one = given if up else _turned(given)
        if not (place.left <= one.left and one.right <= place.right) or one.height == last:
            return given
        kept = _after_deleting(one.top, one.bottom, place.top, place.height)
        if kept is None:
            return None
        one = one._replace(top=kept[0], bottom=kept[1])
        return one if up else _turned(one)

    return mapping


def _move_shapes(sheet: SheetModel, rect: Rect, rows: int, columns: int) -> None:
    """Move shapes with the whole rows or columns that they stand on."""
    if rows and rect.is_rows:
        edge, height = top_of(sheet, rect.top), top_of(sheet, rect.bottom + 1)
        for shape in sheet.shapes:
            if shape.top >= edge and shape.kept.get("Placement", 1) != FREE:
                shape.top += (height - edge) if rows > 0 else -min(height, shape.top) + edge
    elif columns and rect.is_columns:
        edge, width = left_of(sheet, rect.left), left_of(sheet, rect.right + 1)
        for shape in sheet.shapes:
            if shape.left >= edge and shape.kept.get("Placement", 1) != FREE:
                shape.left += (width - edge) if columns > 0 else -min(width, shape.left) + edge


def _after_deleting(first: int, last: int, start: int, count: int) -> tuple[int, int] | None:
    """Return where a span is after another one was taken out, None if nothing is left."""
    end = start + count - 1
    if start <= first and last <= end:
        return None
    new_first = first if first < start else max(start, first - count)
    new_last = last if last < start else start - 1 if last <= end else last - count
    return new_first, new_last


def _checked_tables(
    sheet: SheetModel,
    rect: Rect,
    zone: Rect,
    *,
    down: bool,
    inside: TableModel | None = None,
    beside: TableModel | None = None,
    deleting: bool = False,
) -> list[TableModel]:
    """Return the tables that grow or shrink; raise if a table would be torn apart."""
    changing = []
    place = rect if down else _turned(rect)
    for table in sheet.tables:
        if table is beside or not (table.rect.meets(zone) or table is inside):
            continue
        one = table.rect if down else _turned(table.rect)
        if not (place.left <= one.left and one.right <= place.right):
            raise no_shift()
        shifted = one.top > place.bottom if deleting else one.top >= place.top
        if table is inside or not shifted:
            changing.append(table)
    return changing


def _move_cells(
    sheet: SheetModel, zone: Rect, deleted: Rect | None, rows: int, columns: int
) -> None:
    """Move all that lies in a zone, after dropping what is deleted."""

    top, left, bottom, right = zone
    moving = [one for one in sheet.cells if top <= one[0] <= bottom and left <= one[1] <= right]
    taken = [sheet.cells.pop(one) for one in moving]
    for (row, column), cell in zip(moving, taken, strict=True):
        if deleted is None or not deleted.has(row, column):
            sheet.cells[row + rows, column + columns] = cell
    sheet.extent = None

    def place(one: tuple[int, int]) -> tuple[int, int] | None:
        if not zone.has(*one):
            return one
        if deleted and deleted.has(*one):
            return None
        return one[0] + rows, one[1] + columns

    sheet.comments = {
        after: text for before, text in sheet.comments.items() if (after := place(before))
    }
    links = {}
    for before, link in sheet.links.items():
        after = place(before)
        if after and link.rect:
            if after != before:
                link.rect = link.rect.moved(rows, columns)
            links[after] = link
    sheet.links = links


def _move_lines(sheet: SheetModel, rect: Rect, rows: int, columns: int) -> None:
    """Move heights, widths and the like, if whole rows or columns are inserted or deleted."""
    if rows and rect.is_rows:
        first = rect.top
        sheet.heights = _shifted(sheet.heights, first, rows)
        sheet.row_formats = _shifted(sheet.row_formats, first, rows)
        sheet.hidden_rows = set(_shifted(dict.fromkeys(sheet.hidden_rows), first, rows))
    elif columns and rect.is_columns:
        first = rect.left
        sheet.widths = _shifted(sheet.widths, first, columns)
        sheet.column_formats = _shifted(sheet.column_formats, first, columns)
        sheet.hidden_columns = set(_shifted(dict.fromkeys(sheet.hidden_columns), first, columns))


def _shifted(lines: dict[int, Line], first: int, by: int) -> dict[int, Line]:
    moved = {}
    for number, value in lines.items():
        if number < first:
            moved[number] = value
        elif by > 0 or number >= first - by:
            moved[number + by] = value
    return moved


def _map_everything(sheet: SheetModel, mapping: Mapping) -> None:
    """Let references, tables, merged cells, conditional formats and ranges follow."""
    book: BookModel = sheet.book
    for other, _place, cell in book.formula_cells():
        cell.formula = remapped(cell.formula, other.name, sheet.name, mapping)
    each_reference(book, lambda text, own: remapped(text, own, sheet.name, mapping))
    for table in sheet.tables:
        table.rect = mapping(table.rect) or table.rect
        for key in table.sort.keys:
            key.rect = mapping(key.rect) or key.rect
    if sheet.filter:
        sheet.filter.rect = mapping(sheet.filter.rect) or sheet.filter.rect
    sheet.merged = [after for one in sheet.merged if (after := mapping(one))]
    for condition in sheet.conditions:
        condition.rects = tuple(after for one in condition.rects if (after := mapping(one)))
    sheet.conditions = [one for one in sheet.conditions if one.rects]
    for one in list(sheet.live):
        one._areas = tuple(after for area in one._areas if (after := mapping(area)))


def _grow(sheet: SheetModel, table: TableModel, was: Rect, rect: Rect, *, down: bool) -> None:
    if down:
        table.rect = was._replace(bottom=was.bottom + rect.height)
        return
    table.rect = was._replace(right=was.right + rect.width)
    for column in range(rect.left, rect.right + 1):
        index = column - was.left
        name = unique_name(table.columns, f"Column{len(table.columns) + 1}", bare=True)
        table.columns.insert(index, name)
        if table.header:
            sheet.cell(was.top, column).value = name


def _new_formats(sheet: SheetModel, rect: Rect, *, down: bool, below: bool) -> None:
    """Give new cells the formats of their neighbours."""
    for table in sheet.tables:
        # A table's first data row takes no format from the header.
        if down and table.header and rect.top == table.rect.top + 1 and rect.meets(table.rect):
            below = True
    if down:
        source = rect.bottom + 1 if below else rect.top - 1
        for column in range(rect.left, min(rect.right, sheet.used().right) + 1):
            if model := sheet.cells.get((source, column)):
                for row in range(rect.top, rect.bottom + 1):
                    sheet.cell(row, column).format = model.format
    else:
        source = rect.right + 1 if below else rect.left - 1
        for row in range(rect.top, min(rect.bottom, sheet.used().bottom) + 1):
            if model := sheet.cells.get((row, source)):
                for column in range(rect.left, rect.right + 1):
                    sheet.cell(row, column).format = model.format


def _new_rows(sheet: SheetModel, table: TableModel, rect: Rect) -> None:
    """Give a table's new rows the formulas of calculated columns."""
    for name, formula in table.calculated.items():
        number = table.number_of(name)
        if number is None:
            continue
        column = table.rect.left + number
        body = table.all_rows
        model = next(
            (
                (row, cell.formula)
                for row in range(body.top, body.bottom + 1)
                if (cell := sheet.cells.get((row, column))) and cell.formula
            ),
            (rect.top, formula),
        )
        for row in range(rect.top, rect.bottom + 1):
            cell = sheet.cell(row, column)
            cell.formula = copied(model[1], row - model[0], 0)
            cell.value = 0.0


def _empty_body(sheet: SheetModel, table: TableModel, rect: Rect) -> None:
    """Leave one blank row of a table whose rows are all deleted."""
    body = table.all_rows
    if body.height > 1:
        rest = rect._replace(top=body.top + 1, bottom=body.bottom)
        delete_cells(sheet, rest, UP, inside=table)
    for place in [one for one, _ in sheet.existing(table.all_rows)]:
        cell = sheet.cells[place]
        cell.value, cell.formula, cell.prefix = None, "", ""
        sheet.links.pop(place, None)
        sheet.comments.pop(place, None)
    table.insert_row = True


def _drop_columns(table: TableModel, before: Rect, rect: Rect) -> None:
    first, last = max(rect.left, before.left), min(rect.right, before.right)
    gone = table.columns[first - before.left : last - before.left + 1]
    table.columns = [one for one in table.columns if one not in gone]
    for name in gone:
        table.calculated.pop(name, None)
    table.rect = before._replace(right=before.right - (last - first + 1))
