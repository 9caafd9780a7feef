"""Gives a table of an open workbook its rows by Excel's own means, so that all in them moves along.

Rows are deleted, inserted and sorted by Excel: a person's cells, formats, comments and what refers
to them follow as they do when a person does it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from xlwings.constants import (
    DeleteShiftDirection,
    InsertShiftDirection,
    SortOn,
    SortOrder,
    YesNoGuess,
)

from klarify_xl.errors import TargetError
from klarify_xl.headless.merge import Line
from klarify_xl.live.addresses import Box, runs
from klarify_xl.live.values import SORT_MARK, TEXT_FORMAT, rows_of

_TOP_TO_BOTTOM: Final = 1
"""``xlTopToBottom``"""


class TableRows:
    """The data rows of a table.

    Args:
        worksheet: Its sheet, as Excel's object model has it.
        table: The table.
        box: Its data rows.
        helper: A column of the sheet that may be overwritten meanwhile: one of ours, in which no
            row of a person's holds anything; None if there is none.
    """

    def __init__(self, worksheet: Any, table: Any, box: Box, helper: int | None) -> None:  # noqa: ANN401
        self._worksheet = worksheet
        self._table = table
        self._helper = helper
        self.box = box

    def arrange(
        self, lines: Sequence[Line], *, sorted_by_person: bool
    ) -> tuple[list[Line], set[int]]:
        """Give the table these rows; what is to stand in new ones is still to be written.

        Args:
            lines: The rows.
            sorted_by_person: Whether the table is sorted by a person, and so will be sorted anew
                when all is written.

        Returns:
            The rows in the order in which they stand now, and the numbers of those that are new
            or were sorted to another place: hyperlinks don't follow a sort for sure.

        Raises:
            TargetError: Excel did not move the rows as it was asked to.
        """
        hidden = self._unhide()
        present = {line.old.number: line for line in lines if line.old is not None}
        physical = self._delete_and_insert(present, [one for one in lines if one.old is None])
        wanted = physical if sorted_by_person else list(lines)
        if any(one is not other for one, other in zip(physical, wanted, strict=True)):
            self._sort({id(line): at for at, line in enumerate(wanted)}, physical)
        self._hide(
            at
            for at, line in enumerate(wanted, start=self.box.top)
            if line.old is not None and line.old.number in hidden
        )
        moved = {
            at
            for at, (line, before) in enumerate(zip(wanted, physical, strict=True), self.box.top)
            if line.old is None or line is not before
        }
        return wanted, moved

    def _delete_and_insert(self, present: dict[int, Line], new: list[Line]) -> list[Line]:
        """Delete the rows that have gone, make room for new ones, and return the rows' order."""
        top, left, right = self.box.top, self.box.left, self.box.right
        gone = [number for number in range(top, self.box.bottom + 1) if number not in present]
        # Excel keeps at least one row.
        spare = [] if present else gone[:1]
        for first, last in reversed(list(runs(gone[len(spare) :]))):
            self._worksheet.Range(Box(first, left, last, right).address).Delete(
                Shift=DeleteShiftDirection.xlShiftUp
            )
        kept = [present[number] for number in sorted(present)]
        for number in spare:
            row = self._worksheet.Range(Box(number, left, number, right).address)
            row.ClearContents()
            row.ClearComments()
            row.ClearHyperlinks()
        # Between the table's rows, so that all that covers them grows.
        last = top + max(len(kept), 1) - 1
        added = len(new) if kept else max(0, len(new) - 1)
        if added:
            self._worksheet.Range(Box(last, left, last + added - 1, right).address).Insert(
                Shift=InsertShiftDirection.xlShiftDown
            )
        self.box = Box(top, left, last + added, right)
        return [*kept[:-1], *new, *kept[-1:]]

    def _sort(self, places: dict[int, int], physical: Sequence[Line]) -> None:
        """Let Excel bring the rows into another order.

        Args:
            places: Where each row goes, from 0, by its ``id``.
            physical: The rows as they stand.
        """
        numbers = tuple((f"{SORT_MARK}{places[id(line)]:07}",) for line in physical)
        added = self._table.ListColumns.Add() if self._helper is None else None
        column = self._helper or self.box.right + 1
        helper = self._worksheet.Range(self.box.column(column).address)
        present = helper.NumberFormat
        try:
            helper.NumberFormat = TEXT_FORMAT
            helper.Value2 = numbers
            self._sort_by(helper)
            found = rows_of(helper.Value2, self.box.rows, 1)
            if present is not None:
                helper.NumberFormat = present
        finally:
            if added is not None:
                added.Delete()
        if list(found) != sorted(numbers):
            raise TargetError(
                f"Excel did not sort the table {self._table.Name} as it was asked to."
            )

    def _sort_by(self, helper: Any) -> None:  # noqa: ANN401
        sort = self._table.Sort
        sort.SortFields.Clear()
        try:
            sort.SortFields.Add(
                Key=helper, SortOn=SortOn.xlSortOnValues, Order=SortOrder.xlAscending
            )
            sort.Header = YesNoGuess.xlYes
            sort.Orientation = _TOP_TO_BOTTOM
            sort.Apply()
        finally:
            # What stays here would count as a person's wish.
            sort.SortFields.Clear()

    def _unhide(self) -> set[int]:
        """Show all rows, since Excel sorts visible ones only, and return which were hidden."""
        hidden = set(self._hidden(self.box.top, self.box.bottom))
        for first, last in runs(sorted(hidden)):
            self._entire_rows(first, last).Hidden = False
        return hidden

    def _hidden(self, first: int, last: int) -> Iterable[int]:
        state = self._entire_rows(first, last).Hidden
        if state is not None:
            return range(first, last + 1) if state else ()
        middle = (first + last) // 2
        return (*self._hidden(first, middle), *self._hidden(middle + 1, last))

    def _hide(self, rows: Iterable[int]) -> None:
        for first, last in runs(rows):
            self._entire_rows(first, last).Hidden = True

    def _entire_rows(self, first: int, last: int) -> Any:  # noqa: ANN401
        return self._worksheet.Range(f"{first}:{last}").EntireRow
