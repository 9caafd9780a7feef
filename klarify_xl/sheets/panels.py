"""Lists of figures that stand side by side on a board, each with its chart below."""

from string import ascii_uppercase
from typing import Final

from klarify_xl.plan import Area, Cell, Chart, ChartKind, Formula, Look

PANEL_WIDTHS: Final = (34.0, 10.0, 12.0)
"""Widths of a panel's columns: label, figure, and share or another text."""

ROW_POINTS: Final = 15.0
_ROW_PIXELS: Final = 20
_PANEL_PIXELS: Final = sum(int(7 * width + 5) for width in PANEL_WIDTHS)
"""A width counts digits of 7 pixels, with 5 more for margins (ECMA-376 part 1, 18.3.1.13)."""

Cells = dict[tuple[int, int], tuple[Cell, Look]]


class Panel:
    """A list of figures in three columns: label, figure, and share or another text.

    Args:
        cells: The board's cells, to be filled.
        row: Row of the heading, or of the first figure where there is none.
        column: Column of the labels.
    """

    def __init__(self, cells: Cells, row: int, column: int) -> None:
        self._cells = cells
        self._column = column
        self._figures: list[float] = []
        self.row = row
        """The next free row."""

    def head(self, *titles: str) -> None:
        """Add a row of headings, at most one for each column."""
        for offset in range(len(PANEL_WIDTHS)):
            title = titles[offset] if offset < len(titles) else None
            self.write(title, "figure heading" if offset else "heading", offset)
        self.row += 1

    def add(self, label: Cell, figure: Formula, whole: Formula | None = None) -> None:
        """Add a figure.

        Args:
            label: What it counts.
            figure: The count.
            whole: What to give its share of: a cell and its value.
        """
        self.write(label, "label")
        self.write(figure, "figure", 1)
        if whole is not None:
            text = f"IF({whole.text}=0,0,{self.figure_cell}/{whole.text})"
            share = number(figure) / number(whole) if whole.value else 0
            self.write(Formula(text, share), "share", 2)
        self._figures.append(number(figure))
        self.row += 1

    def write(self, value: Cell, look: Look, offset: int = 0) -> None:
        """Fill a cell of the next free row."""
        self._cells[self.row, self._column + offset] = (value, look)

    @property
    def label_cell(self) -> str:
        """Address of the next figure's label."""
        return address(self.row, self._column)

    @property
    def figure_cell(self) -> str:
        """Address of the next figure."""
        return address(self.row, self._column + 1)

    @property
    def total(self) -> Formula:
        """The sum of the figures so far."""
        if not self._figures:
            return Formula("0", 0)
        column = self._column + 1
        first = address(self.row - len(self._figures), column)
        return Formula(f"SUM({first}:{address(self.row - 1, column)})", sum(self._figures))

    def chart(self, kind: ChartKind, title: str, description: str, row: int, rows: int) -> Chart:
        """Return a chart of the figures so far, as wide as the panel.

        Args:
            kind: Its kind.
            title: Its title.
            description: What it shows, for people who don't see it.
            row: Its uppermost row.
            rows: Its height in rows.
        """
        first, last = self.row - len(self._figures), self.row - 1
        return Chart(
            kind,
            title,
            description,
            categories=Area(self._column, first, last),
            values=Area(self._column + 1, first, last),
            row=row,
            column=self._column,
            width=_PANEL_PIXELS,
            height=rows * _ROW_PIXELS,
        )

    @property
    def is_blank(self) -> bool:
        """Whether all figures so far are zero, or there are none."""
        return not any(self._figures)


def number(figure: Formula) -> float:
    """Return a figure's value.

    Raises:
        TypeError: It is a text.
    """
    if isinstance(figure.value, str):
        raise TypeError(figure.value)
    return figure.value


def address(row: int, column: int) -> str:
    """Return the fixed address of a cell in the first 26 columns; both count from 0."""
    return f"${ascii_uppercase[column]}${row + 1}"
