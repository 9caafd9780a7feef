"""Cell styles of an open workbook: found by name, or made from what `headless.styles` describes."""

import contextlib
from functools import cache, cached_property
from typing import Any, Final

from openpyxl.styles import NamedStyle, PatternFill
from xlwings.constants import (
    BorderWeight,
    Constants,
    HAlign,
    LineStyle,
    Pattern,
    UnderlineStyle,
    VAlign,
)

from klarify_xl.headless import styles
from klarify_xl.headless.styles import CellKind
from klarify_xl.live.addresses import Box
from klarify_xl.plan import Colours, ColumnKind, Look

_NEUTRAL: Final = ("Normal", "Hyperlink", "Followed Hyperlink")
"""Styles that Excel gives to cells by itself; it finds them by these names in all languages."""

_SIDES: Final = {
    "left": HAlign.xlHAlignLeft,
    "right": HAlign.xlHAlignRight,
    "center": HAlign.xlHAlignCenter,
}
_LEVELS: Final = {
    "top": VAlign.xlVAlignTop,
    "center": VAlign.xlVAlignCenter,
    "bottom": VAlign.xlVAlignBottom,
}
_WEIGHTS: Final = {"hair": BorderWeight.xlHairline, "thin": BorderWeight.xlThin}


class Styles:
    """The cell styles that a plan's cells get in an open workbook.

    Args:
        workbook: The workbook, as Excel's object model has it.
        date_format: Number format of moments.
        colours: The workbook's colours.
    """

    def __init__(self, workbook: Any, date_format: str, colours: Colours) -> None:  # noqa: ANN401
        self._styles = workbook.Styles
        self._date_format = date_format
        self._colours = colours
        self._present: set[str] | None = None
        self.cell = cache(self._cell)
        self.board = cache(self._board)
        self.header = cache(self._header)

    @cache  # noqa: B019 -- lives as long as the workbook is written
    def looks(self, name: str) -> tuple[Any, ...]:
        """Return what cells of a style look like, of which nobody has changed anything."""
        return looks(self._styles(name))

    @cached_property
    def neutral(self) -> frozenset[str]:
        """Names of the styles that nobody has chosen: Excel gives them by itself."""
        names = set()
        for name in _NEUTRAL:
            # Not all of them are there before they are needed.
            with contextlib.suppress(Exception):
                names.add(str(self._styles(name).Name))
        return frozenset({*names, ""})

    def _cell(self, kind: CellKind, linked: bool, marked: bool, long: bool) -> str:  # noqa: FBT001
        return self._named(
            styles.cell_style(
                kind, self._date_format, self._colours, linked=linked, changed=marked, long=long
            )
        )

    @cache  # noqa: B019 -- lives as long as the workbook is written
    def number_format(self, kind: CellKind) -> str:
        """Return the number format of a kind of cell."""
        return str(styles.cell_style(kind, self._date_format, self._colours).number_format)

    def _board(self, look: Look, linked: bool, computed: bool) -> str:  # noqa: FBT001
        return self._named(
            styles.board_style(
                look, self._date_format, self._colours, linked=linked, computed=computed
            )
        )

    def _header(self, kind: ColumnKind) -> str:
        return self._named(styles.header_style(kind, self._colours.header))

    def _named(self, described: NamedStyle) -> str:
        """Return the name of a style, after making it where it is missing."""
        name = str(described.name)
        if self._present is None:
            count = int(self._styles.Count)
            self._present = {str(self._styles(at).Name) for at in range(1, count + 1)}
        if name not in self._present:
            _make(self._styles.Add(name), described)
            self._present.add(name)
        return name


def looks(formatted: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Return what a person is likely to change about cells; None for what is mixed.

    Args:
        formatted: A style, or cells, as Excel's object model has them.
    """
    font = formatted.Font
    return (
        formatted.NumberFormat,
        formatted.Interior.Color,
        font.Color,
        font.Bold,
        font.Size,
        formatted.HorizontalAlignment,
    )


def is_ours(name: str | None) -> bool:
    """Tell whether a cell style is one of ours."""
    return name is not None and name.startswith(styles.STYLE_PREFIX)


def style_runs(sheet: Any, box: Box) -> list[tuple[Box, str]]:  # noqa: ANN401
    """Return which styles cells have, as rectangles that fill the box.

    Excel tells the style of many cells at once if they have the same, so that the box is halved
    until each part has one.

    Args:
        sheet: The sheet, as Excel's object model has it.
        box: Its cells.
    """
    style = sheet.Range(box.address).Style
    if style is not None or (box.rows == 1 and box.columns == 1):
        return [(box, "" if style is None else str(style.Name))]
    if box.rows > 1:
        middle = (box.top + box.bottom) // 2
        parts = (
            Box(box.top, box.left, middle, box.right),
            Box(middle + 1, box.left, box.bottom, box.right),
        )
    else:
        middle = (box.left + box.right) // 2
        parts = (
            Box(box.top, box.left, box.bottom, middle),
            Box(box.top, middle + 1, box.bottom, box.right),
        )
    return [run for part in parts for run in style_runs(sheet, part)]


def colour_number(colour: str) -> int:
    """Return a colour such as ``0B5394`` as Excel's object model counts it: blue first."""
    red, green, blue = (int(colour[-6:][at : at + 2], 16) for at in (0, 2, 4))
    return red + 256 * green + 65536 * blue


def _make(style: Any, described: NamedStyle) -> None:  # noqa: ANN401
    """Let a new style look as described."""
    font, fill, alignment = described.font, described.fill, described.alignment
    style.NumberFormat = described.number_format
    style.Font.Name = font.name
    style.Font.Size = font.sz
    style.Font.Bold = bool(font.b)
    if font.u:
        style.Font.Underline = UnderlineStyle.xlUnderlineStyleSingle
    if font.color is not None:
        style.Font.Color = colour_number(str(font.color.rgb))
    if isinstance(fill, PatternFill) and fill.fill_type == "solid":
        style.Interior.Pattern = Pattern.xlPatternSolid
        style.Interior.Color = colour_number(str(fill.fgColor.rgb))
    if alignment.horizontal:
        style.HorizontalAlignment = _SIDES[alignment.horizontal]
    if alignment.vertical:
        style.VerticalAlignment = _LEVELS[alignment.vertical]
    if alignment.indent:
        style.IndentLevel = int(alignment.indent)
    if alignment.textRotation:
        style.Orientation = int(alignment.textRotation)
    style.WrapText = bool(alignment.wrap_text)
    side = described.border.bottom
    if side is not None and side.style:
        # A style has this number for the lower border, not that of ranges.
        border = style.Borders(Constants.xlBottom)
        border.LineStyle = LineStyle.xlContinuous
        border.Weight = _WEIGHTS[side.style]
        if side.color is not None:
            border.Color = colour_number(str(side.color.rgb))
