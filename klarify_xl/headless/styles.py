"""How the workbook looks: fonts, fills, number formats and highlights, as openpyxl describes them.

Header and cells carry real formats beside the Excel table's style, since other programs don't
draw table styles. All text colours have a contrast of at least 4.5:1 on their background.
"""

from typing import Final

from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.styles.differential import DifferentialStyle

from klarify_xl.plan import ColumnKind, Tone

FONT: Final = "Calibri"
TABLE_STYLE: Final = "TableStyleLight1"
ROW_HEIGHT: Final = 15.0
HEADER_HEIGHT: Final = 24.0

HEADER_COLOURS: Final = ("FFFFFF", "1F4E5F")
"""Text and background of the header."""

TONES: Final[dict[Tone, tuple[str, str]]] = {
    "good": ("0B5D1E", "DDF3E1"),
    "pending": ("7A4B00", "FFF1CC"),
    "retired": ("4A4A4A", "E4E4E4"),
    "warning": ("9C1C1C", "FBE0DE"),
}
"""Text and background of each tone."""

LINK_COLOUR: Final = "0B5394"

_BORDER = Border(bottom=Side(style="hair", color="BFC8CC"))
_NUMBER_FORMATS: Final[dict[ColumnKind, str]] = {
    "text": "@",
    "long text": "@",
    "moment": "yyyy-mm-dd hh:mm",
    "number": "#,##0",
}
_LONGEST_TEXT_FORMAT: Final = 255


def header_style() -> NamedStyle:
    """Return the cell style of headers."""
    colour, background = HEADER_COLOURS
    return NamedStyle(
        name="Klarify header",
        font=Font(name=FONT, size=11, bold=True, color=colour),
        fill=PatternFill("solid", fgColor=background),
        alignment=Alignment(vertical="center", wrap_text=True),
        border=Border(bottom=Side(style="thin", color=background)),
    )


def cell_style(kind: ColumnKind, *, linked: bool) -> NamedStyle:
    """Return the cell style of a kind of column; linked cells look like links."""
    underline, colour = ("single", LINK_COLOUR) if linked else (None, "000000")
    horizontal = "right" if kind == "number" else "left"
    return NamedStyle(
        name=f"Klarify {kind}{' link' if linked else ''}",
        font=Font(name=FONT, size=11, color=colour, underline=underline),
        number_format=_NUMBER_FORMATS[kind],
        alignment=Alignment(
            horizontal=horizontal, vertical="top", wrap_text=kind == "long text" or None
        ),
        border=_BORDER,
    )


def highlight_style(tone: Tone) -> DifferentialStyle:
    """Return what a highlight changes about a cell."""
    colour, background = TONES[tone]
    return DifferentialStyle(
        font=Font(color=colour, bold=tone == "warning"),
        fill=PatternFill(bgColor=background, fill_type="solid"),
    )


def needs_general_format(text: str) -> bool:
    """Tell whether Excel would show hashes for a text in a cell formatted as text.

    Older versions do so beyond 255 characters; such a cell gets the general format and the quote
    prefix, which keeps it a text when it is edited.
    """
    return len(text) > _LONGEST_TEXT_FORMAT
