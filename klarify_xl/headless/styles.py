"""How the workbook looks: fonts, fills, number formats and highlights, as openpyxl describes them.

Header and cells carry real formats beside the Excel table's style, since other programs don't
draw table styles. All text colours have a contrast of at least 4.5:1 on their background.
"""

from datetime import datetime
from typing import Final, Literal

from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.styles.differential import DifferentialStyle

from klarify_xl.plan import ColourPair, ColumnKind, Tone

CellKind = Literal["text", "moment", "number", "left number"]

FONT: Final = "Calibri"
TABLE_STYLE: Final = "TableStyleLight1"
HEADER_HEIGHT: Final = 24.0
LINE_HEIGHT: Final = 15.0
MOST_LINES: Final = 3
"""Lines of a text beyond which its row grows no taller."""

LINK_COLOUR: Final = "0B5394"

_BORDER = Border(bottom=Side(style="hair", color="BFC8CC"))
_NUMBER_FORMATS: Final[dict[CellKind, str]] = {
    "text": "@",
    "number": "#,##0",
    "left number": "#,##0",
}
_LONGEST_TEXT_FORMAT: Final = 255


def header_style(kind: ColumnKind, colours: ColourPair) -> NamedStyle:
    """Return the cell style of the header of a kind of column."""
    colour, background = _argb(colours)
    is_number = kind == "number"
    return NamedStyle(
        name=f"Klarify {'number ' if is_number else ''}header",
        font=Font(name=FONT, size=11, bold=True, color=colour),
        fill=PatternFill("solid", fgColor=background),
        # Above its numbers, and left of the filter button, which Excel draws over the text.
        alignment=Alignment(
            horizontal="right" if is_number else "left",
            indent=2 if is_number else 0,
            vertical="center",
            wrap_text=True,
        ),
        border=Border(bottom=Side(style="thin", color=background)),
    )


def cell_kind(kind: ColumnKind, value: object) -> CellKind:
    """Return the format of a value in a kind of column."""
    if kind != "mixed":
        return kind
    if isinstance(value, datetime):
        return "moment"
    return "left number" if isinstance(value, int) else "text"


def cell_style(kind: CellKind, *, linked: bool, date_format: str) -> NamedStyle:
    """Return the cell style of a kind of cell; linked cells look like links."""
    underline: Literal["single"] | None = "single" if linked else None
    colour = LINK_COLOUR if linked else "000000"
    is_number = kind == "number"
    return NamedStyle(
        name=f"Klarify {kind}{' link' if linked else ''}",
        font=Font(name=FONT, size=11, color=colour, underline=underline),
        number_format=_NUMBER_FORMATS.get(kind, date_format),
        # Unwrapped texts would run over the empty cells beside them.
        alignment=Alignment(
            horizontal="right" if is_number else "left",
            indent=1 if is_number else 0,
            vertical="top",
            wrap_text=kind == "text",
        ),
        border=_BORDER,
    )


def highlight_style(tone: Tone, colours: ColourPair) -> DifferentialStyle:
    """Return what a highlight changes about a cell."""
    colour, background = _argb(colours)
    return DifferentialStyle(
        font=Font(color=colour, bold=tone == "warning"),
        fill=PatternFill(bgColor=background, fill_type="solid"),
    )


def _argb(colours: ColourPair) -> tuple[str, str]:
    """Return text and background as openpyxl takes them."""
    return colours.text.removeprefix("#"), colours.background.removeprefix("#")


def lines(text: str, width: float) -> int:
    """Return an estimate of the lines that a text takes in a column.

    Args:
        text: The cell's text.
        width: The column's width in characters.
    """
    if is_long(text):
        return 1
    # Letters are narrower on average than the digits that a width counts.
    room = max(1, int(1.15 * width))
    return min(MOST_LINES, sum(max(1, -(-len(line) // room)) for line in text.split("\n")))


def is_long(text: str) -> bool:
    """Tell whether a text needs a format of its own.

    Beyond 255 characters older versions of Excel show hashes in a cell formatted as text. Such a
    cell gets the general format, the quote prefix, which keeps it a text when it is edited, and no
    wrapping, so that its row stays as low as the others.
    """
    return len(text) > _LONGEST_TEXT_FORMAT
