"""One board in an open workbook: its cells, links and heights; charts and shapes join in."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby
from typing import Any, Final

from klarify_xl.headless.boards import translated
from klarify_xl.headless.references import letter_of
from klarify_xl.headless.styles import board_style
from klarify_xl.limits import EXCEL_LINKS_PER_SHEET
from klarify_xl.live.addresses import Box, runs
from klarify_xl.live.areas import Spot, areas_of, cells_of, joined, ranges, styles_of
from klarify_xl.live.charts import write_charts
from klarify_xl.live.context import Context
from klarify_xl.live.shapes import write_shapes
from klarify_xl.live.standing import Standing
from klarify_xl.live.styles import is_ours
from klarify_xl.live.values import LONGEST_IN_BLOCK, TEXT_FORMAT, Block, entered
from klarify_xl.plan import Board, Cell, Formula, Link, Look, Place

_NO_STYLE: Final = "Normal"
"""Name of the built-in style, in every language (Microsoft, "Style.Name property")."""


def write_board(board: Board, sheet: Any, context: Context, *, is_new: bool) -> None:  # noqa: ANN401 -- COM
    """Bring a board's sheet up to date.

    A person's cells, charts and drawings stay where nothing of ours is planned; a person's cell
    in a planned place goes to the archive. The colours and fonts that a person gave our cells
    stay, but where these are links, which Excel formats when they are added. Frozen panes, grid
    lines and page setup are not set: the first two belong to a window.

    Args:
        board: What is planned.
        sheet: Its sheet, as Excel's object model has it.
        context: The workbook.
        is_new: Whether the sheet was added for it; then it gets its widths and heights.
    """
    _Writer(board, sheet, context, is_new=is_new).write()
    write_charts(board, sheet)
    write_shapes(board, sheet, context)


@dataclass(frozen=True)
class _Planned:
    """A planned cell: what it holds, the style that it gets, and whether that is one of texts."""

    value: Cell
    style: str
    as_text: bool

    @property
    def formula(self) -> Formula | None:
        value = self.value.value if isinstance(self.value, Link) else self.value
        return value if isinstance(value, Formula) else None


class _Writer:
    """Writes a board's cells.

    What is entered into a cell counts as typed, so that the format of texts always goes before.

    Args:
        board: What is planned.
        sheet: Its sheet, as Excel's object model has it.
        context: The workbook.
        is_new: Whether the sheet was added for it.
    """

    def __init__(self, board: Board, sheet: Any, context: Context, *, is_new: bool) -> None:  # noqa: ANN401 -- COM
        self._board = board
        self._sheet = sheet
        self._context = context
        self._is_new = is_new
        self._is_text = cache(self._asks_for_text)
        self._planned = {
            (row + 1, column + 1): self._as_planned(value, look)
            for (row, column), (value, look) in board.cells.items()
        }
        values = {spot: one.value for spot, one in self._planned.items()}
        self._standing = Standing(sheet, values, context.shown)

    def _as_planned(self, value: Cell, look: Look) -> _Planned:
        linked = isinstance(value, Link)
        computed = isinstance(value.value if isinstance(value, Link) else value, Formula)
        style = self._context.styles.board(look, linked, computed)
        return _Planned(value, style, as_text=not computed and self._is_text(look))

    def _asks_for_text(self, look: Look) -> bool:
        plan = self._context.plan
        style = board_style(look, plan.date_format, plan.colours)
        return str(style.number_format) == TEXT_FORMAT

    def write(self) -> None:
        """Write the cells, after putting a person's that are in the way into the archive."""
        self._context.archived.extend(self._standing.overwritten(self._board.key))
        if self._is_new:
            self._set_widths()
        self._clear_leftover()
        self._drop_links()
        self._set_styles()
        texts = (spot for spot, one in self._planned.items() if one.as_text)
        for cells in ranges(self._sheet, texts):
            cells.NumberFormat = TEXT_FORMAT
        self._enter_values()
        self._enter_formulas()
        self._add_links()
        self._set_heights()

    def _set_widths(self) -> None:
        column = 1
        for width, same in groupby(self._board.widths):
            last = column + len(list(same)) - 1
            columns = self._sheet.Range(f"{letter_of(column)}:{letter_of(last)}")
            columns.ColumnWidth = width
            column = last + 1

    def _clear_leftover(self) -> None:
        """Empty cells of ours that are no longer planned, and take their styles."""
        leftover = self._standing.leftover
        for cells in ranges(self._sheet, leftover):
            cells.ClearContents()
            cells.ClearHyperlinks()
            cells.Style = _NO_STYLE
        for areas, style in styles_of(self._sheet, self._standing.blank):
            if is_ours(style):
                joined(self._sheet, areas).Style = _NO_STYLE

    def _drop_links(self) -> None:
        if int(self._sheet.Hyperlinks.Count):
            for cells in ranges(self._sheet, self._planned):
                # Unlike Hyperlinks.Delete, it leaves formats alone.
                cells.ClearHyperlinks()

    def _set_styles(self) -> None:
        """Give cells their styles, but where a person chose another one for what stands there."""
        wanted: defaultdict[tuple[str, str], list[Spot]] = defaultdict(list)
        for spot, one in self._planned.items():
            wanted[one.style, self._standing.state(spot)].append(spot)
        for (style, state), spots in wanted.items():
            if self._is_new:
                self._set_style(spots, style)
                continue
            for areas, present in list(styles_of(self._sheet, spots)):
                if present != style and (state != "same" or is_ours(present)):
                    joined(self._sheet, areas).Style = style

    def _set_style(self, spots: Iterable[Spot], style: str) -> None:
        for cells in ranges(self._sheet, spots):
            cells.Style = style

    def _enter_values(self) -> None:
        for block in self._blocks():
            rows = tuple(
                tuple(self._value(row, column) for column in range(block.left, block.right + 1))
                for row in range(block.top, block.bottom + 1)
            )
            self._sheet.Range(block.address).Value2 = _without_longest(rows)
            for row, values in enumerate(rows, start=block.top):
                for column, value in enumerate(values, start=block.left):
                    if _is_longest(value):
                        self._sheet.Cells(row, column).Value2 = value

    def _value(self, row: int, column: int) -> str | float | None:
        one = self._planned.get((row, column))
        if one is None:
            return None
        return entered(one.value, self._context.shown, as_text=one.as_text)

    def _blocks(self) -> list[Box]:
        """Return large rectangles with all planned values; in between they hold empty cells."""
        rows = {row for row, _column in self._planned}
        last = max((column for _row, column in self._planned), default=0)
        formulas = self._formulas.keys()
        barred = self._standing.kept | formulas
        free = (
            (row, column)
            for row in rows
            for column in range(1, last + 1)
            if (row, column) not in barred
        )
        values = self._planned.keys() - formulas
        return [box for box in areas_of(free) if any(spot in values for spot in cells_of(box))]

    @cached_property
    def _formulas(self) -> dict[Spot, str]:
        title = self._context.title
        return {
            spot: f"={translated(one.formula.text, title)}"
            for spot, one in self._planned.items()
            if one.formula is not None
        }

    def _enter_formulas(self) -> None:
        for area in areas_of(self._formulas):
            self._sheet.Range(area.address).Formula = tuple(
                tuple(self._formulas[row, column] for column in range(area.left, area.right + 1))
                for row in range(area.top, area.bottom + 1)
            )

    def _add_links(self) -> None:
        links = [
            (spot, one.value)
            for spot, one in sorted(self._planned.items())
            # A link in an empty cell would show its target.
            if isinstance(one.value, Link) and one.value.value != ""
        ]
        room = max(0, EXCEL_LINKS_PER_SHEET - int(self._sheet.Hyperlinks.Count))
        for (row, column), link in links[:room]:
            hint = (link.hint,) if link.hint else ()
            if isinstance(link.target, Place):
                target = ("", self._context.location(link.target))
            else:
                target = (link.target, "")
            self._sheet.Hyperlinks.Add(self._sheet.Cells(row, column), *target, *hint)
        # Excel has just given these cells its own style of links.
        restyled: defaultdict[str, list[Spot]] = defaultdict(list)
        for spot, _link in links[:room]:
            restyled[self._planned[spot].style].append(spot)
        for style, spots in restyled.items():
            self._set_style(spots, style)

    def _set_heights(self) -> None:
        """Set the heights of new rows; those of others may be a person's."""
        known = 0 if self._is_new else self._standing.last_row
        by_height: defaultdict[float, list[int]] = defaultdict(list)
        for row, height in sorted(self._board.heights.items()):
            if row + 1 > known:
                by_height[height].append(row + 1)
        for height, rows in by_height.items():
            for first, last in runs(rows):
                self._sheet.Range(f"{first}:{last}").RowHeight = height


def _is_longest(value: object) -> bool:
    return isinstance(value, str) and len(value) > LONGEST_IN_BLOCK


def _without_longest(rows: Block) -> Block:
    """Return a block without texts that can't go into one."""
    return tuple(tuple(None if _is_longest(value) else value for value in row) for row in rows)
