"""The formats that a plan's cells get in a certain workbook."""

from functools import cache

from klarify_xl.headless import styles
from klarify_xl.headless.cells import OwnCell, split_address, text_cell
from klarify_xl.headless.styles import CellKind
from klarify_xl.headless.stylesheet import Stylesheet
from klarify_xl.plan import Colours, ColumnKind, Highlight, Look


class Formats:
    """Numbers of formats, added to a workbook's stylesheet when they are first needed.

    Args:
        stylesheet: The workbook's stylesheet.
        date_format: Number format of moments.
        colours: The workbook's colours.
    """

    def __init__(self, stylesheet: Stylesheet, date_format: str, colours: Colours) -> None:
        self._stylesheet = stylesheet
        self._date_format = date_format
        self._colours = colours
        # Asked for every cell: remembered per workbook.
        self.cell = cache(self._cell)
        self.board = cache(self._board)

    def _cell(self, kind: CellKind, linked: bool, marked: bool, long: bool) -> int:  # noqa: FBT001
        style = styles.cell_style(
            kind, self._date_format, self._colours, linked=linked, changed=marked, long=long
        )
        return self._stylesheet.cell_format(style)

    def _board(self, look: Look, linked: bool, computed: bool) -> int:  # noqa: FBT001
        style = styles.board_style(
            look, self._date_format, self._colours, linked=linked, computed=computed
        )
        return self._stylesheet.cell_format(style)

    def header(self, kind: ColumnKind) -> int:
        """Return the format of the header of a kind of column."""
        return self._stylesheet.cell_format(styles.header_style(kind, self._colours.header))

    def highlight(self, highlight: Highlight) -> int:
        """Return the differential format of a highlight."""
        return self._stylesheet.differential(styles.highlight_style(highlight.tone, self._colours))

    def note(self, address: str, note: OwnCell) -> str:
        """Return an archived cell of a person's; its formula is kept as a text.

        The text reads as the formula would in this row, so that it can be put back from there.
        """
        row, column = split_address(address)
        if note.formula is not None:
            style = self.cell("formula", False, False, False)
            return text_cell(address, style, f"={note.at(row, note.column).formula}")
        return note.moved_to(row, column).xml()

    def is_formula_note(self, note: OwnCell) -> bool:
        """Tell whether an archived cell is a formula, kept as a text."""
        return note.style == self.cell("formula", False, False, False)

    def is_ours(self, number: int) -> bool:
        """Tell whether a format is ours, without a person's touch."""
        return self._stylesheet.is_ours(number)
