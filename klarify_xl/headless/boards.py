"""One sheet that is a board: where it stands in a workbook, and its XML."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Final

from lxml import etree

from klarify_xl.headless.cells import OwnCell, typed, worked_out
from klarify_xl.headless.formats import Formats
from klarify_xl.headless.formulas import Change, change_cells, change_tree
from klarify_xl.headless.markup import xml_text_plain
from klarify_xl.headless.merge import Note
from klarify_xl.headless.moves import runs
from klarify_xl.headless.reading import OldSheet
from klarify_xl.headless.references import letter_of, number_of
from klarify_xl.headless.retitling import quoted
from klarify_xl.limits import EXCEL_FORMULA
from klarify_xl.plan import Board, Cell, Formula, Link, Look

_AREA: Final = re.compile(r"\$([A-Z]{1,3})\$(\d{1,7})(?::\$([A-Z]{1,3})\$(\d{1,7}))?")
_COLUMN: Final = re.compile(r"\{([^{}\[\]]+)\[([^{}]+)\]\}")


def defined_name(key: str) -> str:
    """Return the hidden name by which a board's sheet is found again, whatever it is called."""
    return f"Klarify_{key.replace(' ', '_')}"


def cells_name(board: Board) -> str:
    """Return the hidden name that tells which cells of a board's sheet we have written."""
    return f"{defined_name(board.key)}_cells"


def written_areas(board: Board, sheet: str) -> str:
    """Return a board's cells as a formula; "" if it would be longer than Excel takes.

    Args:
        board: The board.
        sheet: Its sheet, quoted.
    """
    columns = defaultdict(set)
    for row, column in board.cells:
        columns[column + 1].add(row + 1)
    areas = [
        f"{sheet}!${letter_of(column)}${first}"
        + (f":${letter_of(column)}${last}" if last > first else "")
        for column, rows in sorted(columns.items())
        for first, last in runs(sorted(rows))
    ]
    formula = ",".join(areas)
    return formula if len(formula) <= EXCEL_FORMULA else ""


def written_cells(formula: str | None) -> set[tuple[int, int]] | None:
    """Return the cells that we have written, as row and column from 1; None if nothing tells.

    Args:
        formula: What the name for them stands for, or None if there is none.
    """
    if formula is None:
        return None
    found = set()
    for left, top, right, bottom in _AREA.findall(formula):
        # Excel writes an area of one cell as a cell.
        columns = range(number_of(left), number_of(right or left) + 1)
        found |= set(product(range(int(top), int(bottom or top) + 1), columns))
    return found or None


def translated(formula: str, titles: Callable[[str, str], str | None]) -> str:
    """Return a planned formula with the titles that columns have in the workbook.

    Args:
        formula: The formula, with columns as ``{Table[Key]}``.
        titles: Gives a column's title by the keys of table and column.
    """

    def reference(found: re.Match[str]) -> str:
        title = titles(found[1], found[2]) or found[2]
        return f"{found[1]}[{quoted(title)}]"

    return _COLUMN.sub(reference, formula)


@dataclass
class BoardSheet:
    """A planned board and its place in the workbook.

    Attributes:
        board: What is planned.
        name: Name of the sheet in the workbook.
        part: The sheet's part.
        root: The sheet's XML without rows.
        old: What stands there.
        overwritten: A person's cells that had to make room.
        kept: A person's cells that stay, by row and column from 1.
        chosen: Formats that a person chose for our cells, by row and column from 1.
    """

    board: Board
    name: str
    part: str
    root: etree._Element
    old: OldSheet
    overwritten: list[Note] = field(default_factory=list)
    kept: dict[int, dict[int, OwnCell]] = field(default_factory=dict)
    chosen: dict[tuple[int, int], int] = field(default_factory=dict)

    def sort_out(
        self, is_our_format: Callable[[int], bool], written: set[tuple[int, int]] | None
    ) -> None:
        """Tell a person's cells from ours, which bear our formats.

        What a person types under a list of ours gets the format of the list in Excel.

        Args:
            is_our_format: Tells whether a format is ours, without a person's touch.
            written: The cells that we wrote, as row and column from 1, if that is known.
        """
        planned = {(row + 1, column + 1): one for (row, column), one in self.board.cells.items()}
        for row, cells in self.old.outside.items():
            for column, cell in cells.items():
                is_ours = is_our_format(cell.style)
                if is_ours and (cell.is_empty or written is None or (row, column) in written):
                    continue
                value = planned.get((row, column))
                if value is None:
                    self.kept.setdefault(row, {})[column] = cell
                    continue
                if not is_ours:
                    self.chosen[row, column] = cell.style
                if not cell.is_empty and not _same(cell, value[0]):
                    place = f"{letter_of(column)}{row}"
                    self.overwritten.append(Note(place, "", cell))

    def change_formulas(self, change: Change) -> None:
        """Change a person's formulas on the sheet by a rule."""
        for cells in self.kept.values():
            change_cells(cells, change)
        change_tree(self.root, change)

    @property
    def own_places(self) -> set[tuple[int, int]]:
        """Where a person's cells are, as row and column from 1."""
        return {(row, column) for row, cells in self.kept.items() for column in cells}

    def links(self) -> list[tuple[str, Link]]:
        """Return the planned links with the addresses of their cells."""
        return [
            (f"{letter_of(column + 1)}{row + 1}", value)
            for (row, column), (value, _look) in sorted(self.board.cells.items())
            if isinstance(value, Link)
        ]

    def rows(
        self,
        formats: Formats,
        shown: Callable[[datetime], datetime],
        titles: Callable[[str, str], str | None],
    ) -> Iterator[bytes]:
        """Yield the elements of all rows.

        Args:
            formats: Formats of our cells.
            shown: Gives a moment in the time zone in which it is shown.
            titles: Gives a column's title by the keys of table and column.
        """
        planned: defaultdict[int, list[tuple[int, Cell, Look]]] = defaultdict(list)
        for (row, column), (value, look) in self.board.cells.items():
            planned[row + 1].append((column + 1, value, look))
        contents = _Contents(formats, shown, titles)
        # Here already, so that formats are numbered in the order of the plan.
        for looks in dict.fromkeys(map(_looks, self.board.cells.values())):
            formats.board(*looks)
        letters = {column + 1: letter_of(column + 1) for _row, column in self.board.cells}
        attributes: dict[int, Mapping[str, str]] = {
            row + 1: {"ht": f"{height:g}", "customHeight": "1"}
            for row, height in self.board.heights.items()
        }
        attributes |= self.old.attributes
        for number in sorted({*planned, *self.kept, *attributes}):
            said = "".join(
                f' {name}="{xml_text_plain(value)}"'
                for name, value in attributes.get(number, {}).items()
            )
            own = self.kept.get(number, {})
            cells = {column: cell.xml() for column, cell in own.items()}
            for column, value, look in planned.get(number, ()):
                chosen = self.chosen.get((number, column)) if self.chosen else None
                content = contents[value, look] if chosen is None else contents.cell(value, chosen)
                cells[column] = f'<c r="{letters[column]}{number}{content}'
            body = "".join(cells[column] for column in sorted(cells))
            yield f'<row r="{number}"{said}>{body}</row>'.encode("utf-8", "surrogatepass")


class _Contents(dict[tuple[Cell, Look], str]):
    """Our cells of a board by value and look, from behind the number of their row to their end.

    Args:
        formats: Formats of our cells.
        shown: Gives a moment in the time zone in which it is shown.
        titles: Gives a column's title by the keys of table and column.
    """

    def __init__(
        self,
        formats: Formats,
        shown: Callable[[datetime], datetime],
        titles: Callable[[str, str], str | None],
    ) -> None:
        super().__init__()
        self._formats = formats
        self._shown = shown
        self._titles = titles

    def __missing__(self, planned: tuple[Cell, Look]) -> str:
        content = self.cell(planned[0], self._formats.board(*_looks(planned)))
        if type(planned[0]) is str:
            self[planned] = content
        return content

    def cell(self, value: Cell, style: int) -> str:
        """Return a cell in a certain format."""
        if isinstance(value, Link):
            value = value.value
        if isinstance(value, Formula):
            content = worked_out(translated(value.text, self._titles), value.value)
        else:
            content = typed(value, self._shown)
        return f'" s="{style}"{content}'


def _looks(planned: tuple[Cell, Look]) -> tuple[Look, bool, bool]:
    """Return on what a cell's format depends: look, whether it is linked, and worked out."""
    value, look = planned
    is_linked = type(value) is Link
    return look, is_linked, type(value.value if is_linked else value) is Formula  # type: ignore[union-attr]


def _same(cell: OwnCell, value: Cell) -> bool:
    """Tell whether a cell in another format is ours nevertheless."""
    if isinstance(value, Link):
        value = value.value
    if isinstance(value, Formula):
        return cell.formula is not None
    return value is not None and cell.text == str(value)
