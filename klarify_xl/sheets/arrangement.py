"""Arranges sheets as the options ask: which appear, with which columns, under which titles."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from klarify_xl.errors import ConfigurationError
from klarify_xl.language import Language
from klarify_xl.options import Options, suggestion
from klarify_xl.plan import Board, Cell, Column, Formula, Link, Place, Sheet
from klarify_xl.sheets.inventory import ARCHIVE, PROCEDURES
from klarify_xl.text import utf16_length

LONGEST_SHEET_NAME: Final = 31
"""Characters of a sheet's name (Microsoft, "Rename a worksheet")."""

LONGEST_TITLE: Final = 255
"""Characters of a table's column title (Excel cuts longer ones)."""

_NO_SHEET_NAME: Final = re.compile(r"[\[\]:*?/\\]|^'|'$|^history$", re.IGNORECASE)
"""Microsoft, "Rename a worksheet": these signs, outer apostrophes, and a reserved word."""

_REFERENCE: Final = re.compile(r"\{([^\[\]{}]+)\[([^\[\]{}]+)\]\}")
"""A column of a table in a formula, by the keys of both (see `klarify_xl.plan.Formula`)."""


class Arrangement:
    """What the options make of a workbook's sheets.

    Args:
        options: What is asked for.
        say: Gives a sheet's usual name in the workbook's language.
        sheets: All sheets that there could be, in their usual order.

    Raises:
        ConfigurationError: The options name a sheet that there isn't, leave out Procedures, or
            give a sheet an impossible name.
    """

    def __init__(self, options: Options, say: Language, sheets: Sequence[Sheet | Board]) -> None:
        self._options = options
        self._say = say
        keys = [sheet.key for sheet in sheets]
        self._keys = {sheet.table: sheet.key for sheet in sheets if isinstance(sheet, Sheet)}
        for name in options.shown:
            if name not in keys:
                raise self._unknown_sheet(("workbook", "sheets"), name, keys)
        for name in options.sheets:
            if name not in (*keys, ARCHIVE):
                raise self._unknown_sheet(("sheets", name), name, (*keys, ARCHIVE))
        self._order = options.shown or tuple(keys)
        if PROCEDURES not in self._order:
            raise options.error(
                ("workbook", "sheets"),
                f"{PROCEDURES} can't be left out, since the other sheets lead to it",
                f"Add {PROCEDURES!r} to the list.",
            )
        self._titles = {key: options.of(key).title or say(key) for key in (*keys, ARCHIVE)}
        self._check_sheet_titles()

    def of(self, sheet: Sheet | Board) -> Sheet | Board:
        """Return a sheet as it is asked for (see `table` and `board`)."""
        return self.table(sheet) if isinstance(sheet, Sheet) else self.board(sheet)

    def table(self, sheet: Sheet) -> Sheet:
        """Return a sheet with the columns and titles asked for.

        Raises:
            ConfigurationError: The options name a column that there isn't, leave out one that is
                needed, or give an impossible title.
        """
        columns = {column.name: column for column in sheet.columns}
        chosen = self._chosen(sheet, columns)
        places = {name: place for place, name in enumerate(columns)}
        picks = [places[name] for name in chosen]
        return replace(
            sheet,
            name=self._titles[sheet.key],
            columns=tuple(_printed(self._titled(sheet, [columns[name] for name in chosen]))),
            rows=sheet.rows if self._is_usual else tuple(self._rows(sheet, picks)),
            frozen_columns=_frozen(picks, sheet.frozen_columns),
            highlights=tuple(one for one in sheet.highlights if one.column in chosen),
            marked=frozenset(
                (row, picks.index(column)) for row, column in sheet.marked if column in picks
            ),
        )

    def board(self, board: Board) -> Board:
        """Return a board under the name asked for, leading only to sheets that are there.

        Raises:
            ConfigurationError: The options choose columns, which a board has none of.
        """
        asked = self._options.of(board.key)
        for name, value in (("columns", asked.columns), ("titles", asked.titles)):
            if value:
                raise self._options.error(
                    ("sheets", board.key, name),
                    f"{board.key} is no table and has no columns to choose",
                    "Only its title can be set.",
                )
        return replace(
            board,
            name=self._titles[board.key],
            cells=board.cells
            if self._is_usual
            else {
                place: (self._cell(cell, board.key), look)
                for place, (cell, look) in board.cells.items()
            },
            shapes=tuple(
                replace(shape, target=None)
                if shape.target and not self.shows(shape.target.sheet)
                else shape
                for shape in board.shapes
            ),
        )

    def shows(self, key: str) -> bool:
        """Tell whether a sheet appears."""
        return key in self._order

    def in_order(self, sheets: Iterable[Sheet | Board]) -> tuple[Sheet | Board, ...]:
        """Return the sheets that appear, from the left."""
        shown = [sheet for sheet in sheets if self.shows(sheet.key)]
        return tuple(sorted(shown, key=lambda sheet: self._order.index(sheet.key)))

    def _unknown_sheet(
        self, path: tuple[str, ...], name: str, keys: Iterable[str]
    ) -> ConfigurationError:
        keys = tuple(keys)
        if name == ARCHIVE:
            hint = "It appears by itself when it is needed; leave it out of the list."
        else:
            said = {self._say(key).casefold(): key for key in keys}
            own = said.get(name.casefold())
            hint = f"Write {own!r}: " if own else suggestion(name, keys) + " "
            hint += "Sheets go by their English names here, whatever the language."
        return self._options.error(path, f"there is no sheet {name!r} to choose", hint, item=name)

    def _check_sheet_titles(self) -> None:
        held: dict[str, str] = {}
        for key, title in self._titles.items():
            path = ("sheets", key, "title")
            if (
                utf16_length(title) > LONGEST_SHEET_NAME
                or _NO_SHEET_NAME.search(title)
                or not _is_plain(title)
            ):
                raise self._options.error(
                    path,
                    f"{title!r} is no name for a sheet in Excel",
                    f"It has at most {LONGEST_SHEET_NAME} characters, none of them [ ] : * ? / \\ "
                    "or invisible, no space or apostrophe at its ends, and isn't History.",
                )
            other = held.setdefault(title.casefold(), key)
            if other != key:
                mine = key if self._options.of(key).title else other
                raise self._options.error(
                    ("sheets", mine, "title"),
                    f"the sheets {other} and {key} would both be called {title!r}",
                    "Give one of them another title; upper and lower case count as the same.",
                )

    def _chosen(self, sheet: Sheet, columns: dict[str, Column]) -> tuple[str, ...]:
        """Return the names of the columns to show."""
        asked = self._options.of(sheet.key)
        for path, names in (
            (("sheets", sheet.key, "columns"), asked.columns),
            (("sheets", sheet.key, "titles"), tuple(asked.titles)),
        ):
            for name in names:
                if name not in columns:
                    one_path = (*path, name) if path[-1] == "titles" else path
                    raise self._unknown_column(one_path, name, sheet)
        needed = tuple(columns) if sheet.key == ARCHIVE else sheet.identity
        for name in needed:
            if asked.columns and name not in asked.columns:
                why = "it is needed to tell the rows apart, so that notes beside them can follow"
                raise self._needed(sheet.key, name, why)
        return asked.columns or tuple(columns)

    def _unknown_column(self, path: tuple[str, ...], name: str, sheet: Sheet) -> ConfigurationError:
        titles = {column.title.casefold(): column.name for column in sheet.columns}
        own = titles.get(name.casefold())
        names = [column.name for column in sheet.columns]
        hint = f"Write {own!r}: " if own else suggestion(name, names) + " "
        return self._options.error(
            path,
            f"{sheet.key} has no column {name!r}",
            f"{hint}Columns go by their English names here, whatever their titles.",
            item=name,
        )

    def _needed(self, sheet: str, column: str, why: str) -> ConfigurationError:
        return self._options.error(
            ("sheets", sheet, "columns"),
            f"the column {column} can't be left out of {sheet}: {why}",
            f"Add {column!r} to the list; the order is yours.",
        )

    def _titled(self, sheet: Sheet, columns: Iterable[Column]) -> list[Column]:
        """Return columns under the titles asked for."""
        titled, held = [], dict[str, str]()
        for column in columns:
            custom = self._options.of(sheet.key).titles.get(column.name, "")
            title = custom.replace("{zone}", self._options.time_zone) or column.title
            path = ("sheets", sheet.key, "titles", column.name)
            if utf16_length(title) > LONGEST_TITLE or not _is_plain(title):
                raise self._options.error(
                    path,
                    f"{title[:40]!r} is no title for a column",
                    f"It has at most {LONGEST_TITLE} characters, no line break, nothing "
                    "invisible, and no space at its ends.",
                )
            other = held.setdefault(title.casefold(), column.name)
            if other != column.name:
                mine = path if custom else (*path[:-1], other)
                raise self._options.error(
                    mine,
                    f"the columns {other} and {column.name} would both be called {title!r}",
                    "Give one of them another title; upper and lower case count as the same.",
                )
            width = _fitting(title, column.width)
            titled.append(replace(column, title=title, key=column.name, width=width))
        return titled

    @property
    def _is_usual(self) -> bool:
        """Whether all sheets appear with all their columns, so that rows need no change."""
        chosen = any(one.columns for one in self._options.sheets.values())
        return not chosen and all(map(self.shows, self._keys.values()))

    def _rows(self, sheet: Sheet, picks: Sequence[int]) -> Iterator[tuple[Cell, ...]]:
        for row in sheet.rows:
            # Most cells are plain: asked first, since there are so many.
            yield tuple(
                cell if type(cell) is str or cell is None else self._cell(cell, sheet.key)
                for cell in map(row.__getitem__, picks)
            )

    def _cell(self, cell: Cell, sheet: str) -> Cell:
        """Return a cell without what leads to, or counts on, what isn't there."""
        if isinstance(cell, Link):
            value = cell.value
            if isinstance(value, Formula):
                value = self._formula(value, sheet)
            if isinstance(cell.target, Place) and not self.shows(cell.target.sheet):
                return value
            return cell if value is cell.value else cell._replace(value=value)
        return self._formula(cell, sheet) if isinstance(cell, Formula) else cell

    def _formula(self, formula: Formula, sheet: str) -> Formula | str | float:
        """Return a formula, or what it gives now if it counts a sheet that doesn't appear."""
        for table, column in _REFERENCE.findall(formula.text):
            key = self._keys.get(table, table)
            if not self.shows(key):
                return formula.value
            chosen = self._options.of(key).columns
            if chosen and column not in chosen and self.shows(sheet):
                raise self._needed(key, column, f"formulas of {sheet} count by it")
        return formula


def _is_plain(title: str) -> bool:
    return title.isprintable() and title == title.strip() != ""


def _fitting(title: str, width: float) -> float:
    """Return a column's width such that no word of its title is broken.

    Args:
        title: The title, bold and beside a filter button, together worth four characters.
        width: The width that its cells need.
    """
    return max(width, 4 + max(len(word) for word in title.split()))


def _frozen(picks: Sequence[int], usual: int) -> int:
    """Return how many columns at the left are ones that usually stay in sight."""
    leading = 0
    while leading < len(picks) and picks[leading] < usual:
        leading += 1
    return leading


def _printed(columns: Sequence[Column]) -> list[Column]:
    """Return columns of which those left of a printed one are printed, too."""
    last = max((at for at, column in enumerate(columns) if column.printed), default=-1)
    return [replace(column, printed=at <= last) for at, column in enumerate(columns)]
