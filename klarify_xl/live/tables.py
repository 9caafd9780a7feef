"""One planned table in an open workbook: its rows, and where they are."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from klarify_xl.headless.cells import OwnCell
from klarify_xl.headless.merge import Line, Merged
from klarify_xl.headless.references import letter_of
from klarify_xl.live.addresses import Box
from klarify_xl.live.filters import Condition, put_on_filter, take_off_filter
from klarify_xl.live.reading import OldTable, identities_of
from klarify_xl.live.rows import TableRows
from klarify_xl.live.values import rows_of
from klarify_xl.plan import Cell, Sheet


@dataclass
class LiveTable:
    """A planned sheet that is a table, and its place in the workbook.

    Attributes:
        sheet: What is planned.
        worksheet: The sheet, as Excel's object model has it.
        table: The table.
        columns: Columns of the sheet, from 1, of the planned ones.
        old: What stood there.
        merged: Its rows as they are to be.
        box: Its data rows as they stand.
        lines: Its rows in the order in which they stand.
        moved: Numbers of rows whose links may be another row's, or are still missing.
        lost_filters: Titles of columns whose filter could not be put on again.
    """

    sheet: Sheet
    worksheet: Any
    table: Any
    columns: list[int]
    old: OldTable
    merged: Merged
    box: Box = field(default_factory=lambda: Box(1, 1, 1, 1))
    lines: list[Line] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    lost_filters: list[str] = field(default_factory=list)
    _conditions: list[Condition] = field(default_factory=list)
    _planned_rows: dict[int, int] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        """Name of the sheet in the workbook."""
        return str(self.worksheet.Name)

    @property
    def is_sorted_by_person(self) -> bool:
        """Whether the table is sorted by columns, as a person asked for."""
        return int(self.table.Sort.SortFields.Count) > 0

    def title(self, key: str) -> str | None:
        """Return the title that a column has in the workbook."""
        for column, one in zip(self.columns, self.sheet.columns, strict=True):
            if one.name == key:
                return self.old.titles[column - self.old.box.left]
        return None

    def location(self, row: int) -> str:
        """Return where a planned row is, as a link says it."""
        # An empty table can be gone to as well.
        return self._location(self._planned_rows.get(row, self.old.header))

    @property
    def own_columns(self) -> list[int]:
        """Columns of the table, from 1 of the sheet, that are a person's."""
        columns = range(self.old.box.left, self.old.box.right + 1)
        return [column for column in columns if column not in self.columns]

    @property
    def planned_numbers(self) -> list[int]:
        """Numbers of the rows that are planned, from the top."""
        return [n for n, line in enumerate(self.lines, self.box.top) if line.planned is not None]

    def planned(self, number: int, index: int) -> tuple[int, Cell]:
        """Return the planned row, from 0, and value of a cell.

        Args:
            number: Its row of the sheet, which is a planned one.
            index: Its column in the plan, from 0.
        """
        row = self.lines[number - self.box.top].planned
        assert row is not None  # noqa: S101 -- for the type only
        return row, self.sheet.rows[row][index]

    @property
    def is_where_it_was(self) -> bool:
        """Whether the same rows stand in the same places as before."""
        return len(self.lines) == len(self.old.sheet.rows) and all(
            line.old is not None and line.old.number == number
            for number, line in enumerate(self.lines, start=self.box.top)
        )

    def _location(self, number: int) -> str:
        quoted = self.name.replace("'", "''")
        return f"'{quoted}'!{letter_of(self.columns[0])}{number}"

    def arrange(self) -> None:
        """Give the table its rows, with nothing new written into them yet."""
        self._conditions = take_off_filter(self.table, self.old.titles)
        identity = {one.name: at for one, at in zip(self.sheet.columns, self.columns, strict=True)}
        kept = {identity[key] for key in self.sheet.identity}
        for line in self.merged.lines:
            kept |= line.own.keys() if line.planned is None else set()
        # One whose formats are set anew for what comes, if there is one.
        free = [
            (one.kind != "text", column)
            for one, column in zip(self.sheet.columns, self.columns, strict=True)
            if column not in kept
        ]
        helper = min(free)[1] if free else None
        rows = TableRows(self.worksheet, self.table, self.old.box, helper)
        self.lines, self.moved = rows.arrange(
            self.merged.lines, sorted_by_person=self.is_sorted_by_person
        )
        self.box = rows.box
        self._count()

    def _count(self) -> None:
        """Note where the planned rows are."""
        self._planned_rows = {
            line.planned: number
            for number, line in enumerate(self.lines, start=self.box.top)
            if line.planned is not None
        }

    def sort_again(self) -> None:
        """Sort the table as a person has sorted it, and find its rows again."""
        if not self.is_sorted_by_person:
            return
        self.table.Sort.Apply()
        names = [column.name for column in self.sheet.columns]
        columns = [self.columns[names.index(key)] for key in self.sheet.identity]
        values = rows_of(
            self.worksheet.Range(self.box.address).Value2, self.box.rows, self.box.columns
        )
        found = identities_of(values, [column - self.box.left for column in columns])
        by_identity = {line.identity: line for line in self.lines}
        if len(found) == len(self.lines) and set(found) == set(by_identity):
            sorted_lines = [by_identity[one] for one in found]
            self.moved |= {
                number
                for number, (line, before) in enumerate(
                    zip(sorted_lines, self.lines, strict=True), start=self.box.top
                )
                if line is not before
            }
            self.lines = sorted_lines
        self._count()

    def write_own(self) -> None:
        """Write a person's cells that rows have got: filled down, or back from the archive."""
        got = [
            (number, column, cell)
            for number, line in enumerate(self.lines, start=self.box.top)
            for column, cell in line.own.items()
            if column not in self.columns and (line.old is None or column not in line.old.own)
        ]
        if not got:
            return
        # Excel would fill a column with a formula that is the first one in it.
        corrections = self.worksheet.Application.AutoCorrect
        fills = corrections.AutoFillFormulasInLists
        corrections.AutoFillFormulasInLists = False
        try:
            for number, column, cell in got:
                _enter(self.worksheet.Cells(number, column), cell)
        finally:
            corrections.AutoFillFormulasInLists = fills

    def filter_again(self) -> None:
        """Filter the table as it was filtered, and note what could not be."""
        if self._conditions:
            self.lost_filters = put_on_filter(self.table, self._conditions, self.old.titles)


def _enter(cell: Any, own: OwnCell) -> None:  # noqa: ANN401
    """Put a person's value or formula into a cell."""
    if own.formula is not None:
        cell.Formula = f"={own.formula}"
    elif isinstance(own.value, str):
        cell.Value2 = own.value if cell.NumberFormat == "@" else f"'{own.value}"
    else:
        cell.Value2 = own.value
