"""Where cells stand on a sheet, in points.

A column's width is counted in digits of the default font, which are 7 pixels wide in Calibri 11,
and 5 pixels of padding (ECMA-376 part 1, 18.3.1.13, whose `width` includes the padding); a pixel
at 96 per inch is 0.75 points.
"""

from typing import Final

from .model import SheetModel

DIGIT: Final = 7
PADDING: Final = 5
POINTS: Final = 0.75


def width_from_file(width: float) -> float:
    """Return Range.ColumnWidth from a file's `width`."""
    return width_from_pixels(int(width * DIGIT + 0.5))


def width_from_pixels(pixels: float) -> float:
    """Return Range.ColumnWidth from pixels."""
    if pixels <= DIGIT + PADDING:
        return round(pixels / (DIGIT + PADDING), 2)
    return round((pixels - PADDING) / DIGIT, 2)


def column_pixels(width: float) -> int:
    """Return pixels from Range.ColumnWidth."""
    if width < 1:
        return int(width * (DIGIT + PADDING) + 0.5)
    return int(width * DIGIT + PADDING + 0.5)


def width_to_file(width: float) -> float:
    """Return a file's `width` from Range.ColumnWidth."""
    return round(column_pixels(width) / DIGIT, 8)


def column_points(sheet: SheetModel, column: int) -> float:
    """Return a column's width in points, 0 if it is hidden."""
    if column in sheet.hidden_columns:
        return 0.0
    return column_pixels(sheet.widths.get(column, sheet.default_width)) * POINTS


def row_points(sheet: SheetModel, row: int) -> float:
    """Return a row's height in points, 0 if it is hidden."""
    return 0.0 if row in sheet.hidden_rows else sheet.heights.get(row, sheet.default_height)


def left_of(sheet: SheetModel, column: int) -> float:
    """Return the distance of a column from the sheet's left edge."""
    return sum(column_points(sheet, one) for one in range(1, column))


def top_of(sheet: SheetModel, row: int) -> float:
    """Return the distance of a row from the sheet's upper edge."""
    top = (row - 1) * sheet.default_height
    for one, height in sheet.heights.items():
        if one < row:
            top += height - sheet.default_height
    for one in sheet.hidden_rows:
        if one < row:
            top -= sheet.heights.get(one, sheet.default_height)
    return top


def cell_at(sheet: SheetModel, left: float, top: float) -> tuple[int, int]:
    """Return the row and column at a place."""
    column = 1
    while left >= column_points(sheet, column) and column < 16_384:
        left -= column_points(sheet, column)
        column += 1
    row = 1
    while top >= row_points(sheet, row) and row < 1_048_576:
        top -= row_points(sheet, row)
        row += 1
    return row, column
