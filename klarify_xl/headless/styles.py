"""How the workbook looks: fonts, fills, number formats and highlights, as openpyxl describes them.

Header and cells carry real formats beside the Excel table's style, since other programs don't
draw table styles. All text colours have a contrast of at least 4.5:1 on their background.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from klarify_xl.plan import ColourPair, Colours, Column, ColumnKind, Look, Tone

if TYPE_CHECKING:
    from openpyxl.styles import Border, NamedStyle
    from openpyxl.styles.differential import DifferentialStyle

CellKind = Literal["text", "moment", "number", "left number", "formula"]

STYLE_PREFIX: Final = "Klarify "
"""How the names of all our cell styles begin."""

FONT: Final = "Calibri"
TABLE_STYLE: Final = "TableStyleLight1"
HEADER_HEIGHT: Final = 24.0
LINE_HEIGHT: Final = 15.0
MOST_LINES: Final = 3
"""Lines of a text beyond which its row grows no taller."""

LINK_COLOUR: Final = "0B5394"

_NUMBER_FORMATS: Final[dict[CellKind, str]] = {
    "text": "@",
    "formula": "@",
    "number": "#,##0",
    "left number": "#,##0",
}
_BOARD_FONTS: Final[dict[Look, tuple[int, bool, str]]] = {
    "title": (18, True, "000000"),
    "heading": (11, True, "000000"),
    "figure heading": (11, True, "000000"),
    "rotated": (10, True, "000000"),
    "note": (10, False, "4A4A4A"),
    "role": (10, True, "000000"),
}
_BOARD_SIDES: Final[dict[Look, Literal["right", "center"]]] = {
    "figure": "right",
    "figure heading": "right",
    "share": "right",
    "role": "center",
    "rotated": "center",
}
LONGEST_TEXT_FORMAT: Final = 255
"""Characters beyond which a text gets a format of its own (see `is_long`)."""


def header_style(kind: ColumnKind, colours: ColourPair) -> "NamedStyle":
    """Return the cell style of the header of a kind of column."""
    from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side  # noqa: PLC0415 -- takes long to load, and only writing needs it

    colour, background = plain(colours)
    is_number = kind == "number"
    return NamedStyle(
        name=f"{STYLE_PREFIX}{'number ' if is_number else ''}header",
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


def cell_style(
    kind: CellKind,
    date_format: str,
    colours: Colours,
    *,
    linked: bool = False,
    changed: bool = False,
    long: bool = False,
) -> "NamedStyle":
    """Return the cell style of a kind of cell.

    Args:
        kind: What stands in it.
        date_format: Number format of moments.
        colours: The workbook's colours.
        linked: Whether it looks like a link.
        changed: Whether it is set off since it changed: filled, and bold for those who don't
            see the colour.
        long: Whether it holds a long text (see `is_long`).
    """
    from openpyxl.styles import Alignment, Font, NamedStyle, PatternFill  # noqa: PLC0415 -- takes long to load, and only writing needs it

    words = [kind, *(["link"] if linked else []), *(["changed"] if changed else [])]
    is_number = kind == "number"
    colour, background = plain(colours.pending) if changed else ("000000", "FFFFFF")
    underline: Literal["single"] | None = "single" if linked else None
    number_format = date_format if kind == "moment" else _NUMBER_FORMATS[kind]
    return NamedStyle(
        name=STYLE_PREFIX + " ".join(["long", *words] if long else words),
        font=Font(
            name=FONT,
            size=11,
            bold=changed or None,
            color=LINK_COLOUR if linked else colour,
            underline=underline,
        ),
        fill=PatternFill("solid", fgColor=background) if changed else PatternFill(),
        number_format="General" if long else number_format,
        # Unwrapped texts would run over the empty cells beside them.
        alignment=Alignment(
            horizontal="right" if is_number else "left",
            indent=1 if is_number else 0,
            vertical="top",
            wrap_text=kind == "text" and not long,
        ),
        border=_cell_border(),
    )


def board_style(
    look: Look,
    date_format: str,
    colours: Colours,
    *,
    linked: bool = False,
    computed: bool = False,
) -> "NamedStyle":
    """Return the cell style of a look of a board's cell.

    Args:
        look: The look.
        date_format: Number format of moments.
        colours: The workbook's colours.
        linked: Whether it looks like a link.
        computed: Whether it holds a formula, which a text format would keep from being edited.
    """
    from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill  # noqa: PLC0415 -- takes long to load, and only writing needs it

    size, bold, colour = _BOARD_FONTS.get(look, (11, False, "000000"))
    on_header, header = plain(colours.header)
    rotated = look == "rotated"
    is_heading = look in {"heading", "figure heading"} or rotated
    if is_heading:
        colour = on_header
    elif look == "title":
        colour = header
    words = [look, *(["link"] if linked else []), *(["formula"] if computed else [])]
    usual = "General" if computed else "@"
    return NamedStyle(
        name=f"{STYLE_PREFIX}board {' '.join(words)}",
        font=Font(
            name=FONT,
            size=size,
            bold=bold or None,
            color=LINK_COLOUR if linked and not is_heading else colour,
            underline="single" if linked else None,
        ),
        fill=PatternFill("solid", fgColor=header) if is_heading else PatternFill(),
        number_format={"share": "0%", "figure": "#,##0", "moment": date_format}.get(look, usual),
        alignment=Alignment(
            horizontal=_BOARD_SIDES.get(look, "left"),
            vertical="bottom" if rotated else "center",
            text_rotation=90 if rotated else None,
        ),
        border=_cell_border() if look in {"label", "figure", "share", "role"} else Border(),
    )


def highlight_style(tone: Tone, colours: Colours) -> "DifferentialStyle":
    """Return what a highlight changes about a cell."""
    from openpyxl.styles import Font, PatternFill  # noqa: PLC0415 -- takes long to load, and only writing needs it
    from openpyxl.styles.differential import DifferentialStyle  # noqa: PLC0415 -- as above

    colour, background = plain(colours.of(tone))
    return DifferentialStyle(
        font=Font(color=colour, bold=tone == "warning"),
        fill=PatternFill(bgColor=background, fill_type="solid"),
    )


def _cell_border() -> "Border":
    from openpyxl.styles import Border, Side  # noqa: PLC0415 -- as above

    return Border(bottom=Side(style="hair", color="BFC8CC"))


def plain(colours: ColourPair) -> tuple[str, str]:
    """Return text and background without the sign that openpyxl doesn't want."""
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
    if "\n" not in text:
        return min(MOST_LINES, max(1, -(-len(text) // room)))
    return min(MOST_LINES, sum(max(1, -(-len(line) // room)) for line in text.split("\n")))


def header_height(columns: Iterable[Column]) -> float:
    """Return the height of a table's header, in points, so that its titles can be read."""
    # The filter button takes the room of some characters.
    needed = max(lines(column.title, column.width - 4) for column in columns)
    return max(HEADER_HEIGHT, needed * LINE_HEIGHT + 4)


def is_long(text: str) -> bool:
    """Tell whether a text needs a format of its own.

    Beyond 255 characters older versions of Excel show hashes in a cell formatted as text. Such a
    cell gets the general format, the quote prefix, which keeps it a text when it is edited, and no
    wrapping, so that its row stays as low as the others.
    """
    return len(text) > LONGEST_TEXT_FORMAT
