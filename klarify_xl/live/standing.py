"""What stands on a board's sheet of an open workbook: a person's cells told from ours."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from klarify_xl.headless.references import letter_of
from klarify_xl.live.addresses import Box, box_of
from klarify_xl.live.areas import Spot, areas_of, cells_of
from klarify_xl.live.context import Note
from klarify_xl.live.styles import is_ours, style_runs
from klarify_xl.live.values import Shown, entered, rows_of
from klarify_xl.plan import Cell, Formula, Link

_MOST_COLUMNS: Final = 256
"""More than any board has. What a person has further to the right is none of ours, and is not
read, lest a single cell in the last column make a block of millions."""

_CELLS_AT_ONCE: Final = 1_000_000
"""Cells that are read with one call, lest one in the last row take the memory of all above it."""

_ROUNDED: Final = 1e-6
"""Days within which two moments are the same; Excel shows 15 digits."""


class Standing:
    """What stands on a board's sheet.

    Cells whose style is ours are ours, others are a person's, but those with the very value that
    is planned there.

    Args:
        sheet: The sheet, as Excel's object model has it.
        planned: What is planned, by cell.
        shown: Gives a moment in the time zone in which it is shown.

    Attributes:
        last_row: The last row with anything in it.
    """

    def __init__(self, sheet: Any, planned: Mapping[Spot, Cell], shown: Shown) -> None:  # noqa: ANN401 -- COM
        self._sheet = sheet
        self._planned = planned
        used = box_of(sheet.UsedRange)
        self.last_row = used.bottom
        self._box = Box(used.top, used.left, used.bottom, min(used.right, _MOST_COLUMNS))
        self._contents = dict(self._read()) if used.left <= _MOST_COLUMNS else {}
        self._same = {
            spot
            for spot, content in self._contents.items()
            if spot in planned and _is_same(content, planned[spot], shown)
        }
        self._foreign = set(self._find_foreign())

    def _read(self) -> Iterator[tuple[Spot, Any]]:
        box = self._box
        step = max(1, _CELLS_AT_ONCE // box.columns)
        for top in range(box.top, box.bottom + 1, step):
            part = Box(top, box.left, min(top + step - 1, box.bottom), box.right)
            formulas = self._sheet.Range(part.address).Formula
            rows = rows_of(formulas, part.rows, part.columns)
            for row, contents in enumerate(rows, start=top):
                for column, content in enumerate(contents, start=box.left):
                    if content is not None and content != "":
                        yield (row, column), content

    def _find_foreign(self) -> Iterator[Spot]:
        # Only these can be lost, so that each of their rectangles is looked at by itself.
        doubtful = self._contents.keys() - self._same
        for area in areas_of(doubtful):
            for part, style in style_runs(self._sheet, area):
                if not is_ours(style):
                    yield from cells_of(part)

    @property
    def kept(self) -> set[Spot]:
        """A person's cells in places where nothing is planned."""
        return self._foreign - self._planned.keys()

    @property
    def leftover(self) -> set[Spot]:
        """Cells of ours that are no longer planned."""
        return self._contents.keys() - self._planned.keys() - self._foreign

    @property
    def blank(self) -> set[Spot]:
        """Cells among ours in which nothing stands and nothing is planned."""
        ours = [row for row, _column in self._contents.keys() - self._foreign]
        if not ours:
            return set()
        box = replace(self._box, bottom=max(ours))
        return set(cells_of(box)) - self._contents.keys() - self._planned.keys()

    def state(self, spot: Spot) -> str:
        """Return how a planned cell stands: ``same`` as planned, ``empty`` or ``other``."""
        if spot in self._same:
            return "same"
        return "other" if spot in self._contents else "empty"

    def overwritten(self, board: str) -> list[Note]:
        """Return a person's cells that have to make room.

        Args:
            board: Key of the board.
        """
        return [
            Note(
                board,
                f"{letter_of(column)}{row}",
                "",
                self._contents[row, column],
                is_formula=self._is_formula(row, column),
            )
            for row, column in sorted(self._foreign & self._planned.keys())
        ]

    def _is_formula(self, row: int, column: int) -> bool:
        content = self._contents[row, column]
        if not isinstance(content, str) or not content.startswith("="):
            return False
        # A text may begin so, too.
        return bool(self._sheet.Cells(row, column).HasFormula)


def _is_same(content: Any, planned: Cell, shown: Shown) -> bool:  # noqa: ANN401 -- COM
    """Tell whether a cell holds what is planned there, whatever it looks like."""
    if isinstance(planned, Link):
        planned = planned.value
    if isinstance(planned, Formula):
        return str(content).startswith("=")
    value = entered(planned, shown, as_text=True)
    if value is None or isinstance(value, str):
        return str(content) == value
    try:
        return abs(float(content) - value) < _ROUNDED
    except ValueError:
        return False
