"""Our cells of a table's columns as XML, many rows at once.

A cell is written from behind the number of its row up to that of the next cell's, so that equal
cells of a column are made once only, and a row is its cells joined by its number.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from klarify_xl.headless.cells import OwnCell, inline_text, typed, worked_out
from klarify_xl.headless.formats import Formats
from klarify_xl.headless.styles import LONGEST_TEXT_FORMAT, cell_kind, is_long, lines
from klarify_xl.plan import Cell, ColumnKind, Formula, Link


class ColumnCells:
    """The cells of one planned column.

    Args:
        kind: Kind of the column.
        width: Its width in characters.
        after: What stands between its cells and the number of the next cell's row.
        formats: Formats of our cells.
        shown: Gives a moment in the time zone in which it is shown.
    """

    def __init__(
        self,
        kind: ColumnKind,
        width: float,
        after: str,
        formats: Formats,
        shown: Callable[[datetime], datetime],
    ) -> None:
        self.width = width
        self.after = after
        self.heights: dict[Cell, int] = {}
        """How many lines the texts have of which some may have more than one."""
        self.has_notes = False
        """Whether some of the cells asked for last are a person's, which depend on their row."""
        self._kind = kind
        self._formats = formats
        self._shown = shown
        self._plain = _Cells(self, linked=False)
        self._linked = _Cells(self, linked=True)

    def cells(self, values: Sequence[Cell]) -> tuple[Sequence[str], Sequence[int]]:
        """Return cells in the formats of the column.

        Args:
            values: What they hold, from row to row.

        Returns:
            The cells, and how many lines of text each has; none if all have one.
        """
        # What was written long ago seldom comes again, and would take room.
        for made in (self._plain, self._linked, self.heights):
            made.clear()
        kinds = set(map(type, values))
        self.has_notes = OwnCell in kinds
        if Link not in kinds:
            cells = list(map(self._plain.__getitem__, values))
        else:
            plain, linked = self._plain, self._linked
            cells = [
                linked[value.value] if type(value) is Link else plain[value] for value in values
            ]
            values = [value.value if type(value) is Link else value for value in values]
        height = self.heights.get
        return cells, [height(value, 1) for value in values] if self.heights else ()

    def cell(
        self,
        value: Cell,
        *,
        linked: bool = False,
        marked: bool = False,
        chosen: int | None = None,
    ) -> str:
        """Return a cell, from behind the number of its row up to that of the next cell's.

        Args:
            value: What it holds, without where it leads.
            linked: Whether it leads somewhere.
            marked: Whether it is set off since it changed.
            chosen: A person's format for it, if there is one.
        """
        style = self.style(value, linked=linked, marked=marked) if chosen is None else chosen
        if type(value) is str:
            # A link needs a cell with something in it, be it an empty text.
            content = inline_text(value) if value or linked else "/>"
        elif isinstance(value, Formula):
            content = worked_out(value.text, value.value)
        else:
            content = typed(value, self._shown)  # type: ignore[arg-type]
        return f'" s="{style}"{content}{self.after}'

    def style(self, value: Cell, *, linked: bool, marked: bool = False) -> int:
        """Return the format of a cell.

        Args:
            value: What it holds, without where it leads.
            linked: Whether it leads somewhere.
            marked: Whether it is set off since it changed.
        """
        long = type(value) is str and is_long(value)
        return self._formats.cell(cell_kind(self._kind, value), linked, marked, long)


class _Cells(dict[Cell, str]):
    """Cells of a column by their values, each made when it is first asked for.

    Args:
        column: The column.
        linked: Whether they lead somewhere.
    """

    def __init__(self, column: ColumnCells, *, linked: bool) -> None:
        super().__init__()
        self._column = column
        self._linked = linked
        self._style = ""

    def __missing__(self, value: Cell) -> str:
        column = self._column
        if type(value) is str and 0 < len(value) <= LONGEST_TEXT_FORMAT:
            # Most are such, and they all have the same format.
            if not self._style:
                self._style = f'" s="{column.style(value, linked=self._linked)}"'
            made = f"{self._style}{inline_text(value)}{column.after}"
            if len(value) > column.width or "\n" in value:
                column.heights[value] = lines(value, column.width)
        else:
            made = column.cell(value, linked=self._linked)
        self[value] = made
        return made
