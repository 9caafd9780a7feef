"""What a person sees of a workbook: kept, and following the selected row, while rows move."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from klarify_xl.live.addresses import Box, box_of
from klarify_xl.live.tables import LiveTable


@dataclass(frozen=True)
class View:
    """The active sheet, what is selected there, and how far it is scrolled.

    Attributes:
        window: The window, as Excel's object model has it; None if the workbook has none.
        sheet: The active sheet.
        selection: The selected cells; None if something else is selected.
        scrolled: The first row that is shown.
    """

    window: Any
    sheet: Any
    selection: Box | None
    scrolled: int

    def restore(self, tables: Sequence[LiveTable]) -> None:
        """Show the same again: a selected row is followed to where it is now.

        Args:
            tables: The tables, with their rows as they stand now.
        """
        if self.window is None:
            return
        self.sheet.Activate()
        if self.selection is None:
            return
        down = _moved(self.selection.top, str(self.sheet.Name), tables)
        if down:
            one = self.selection
            box = Box(one.top + down, one.left, one.bottom + down, one.right)
            self.sheet.Range(box.address).Select()
            self.window.ScrollRow = max(1, self.scrolled + down)


def _moved(number: int, sheet: str, tables: Sequence[LiveTable]) -> int:
    """Return how many rows down the thing is now that was in a row."""
    for table in tables:
        if table.name == sheet:
            for at, line in enumerate(table.lines, start=table.box.top):
                if line.old is not None and line.old.number == number:
                    return at - number
    return 0


def current_view(workbook: Any) -> View:  # noqa: ANN401
    """Return what is shown of a workbook.

    Args:
        workbook: The workbook, as Excel's object model has it.
    """
    if int(workbook.Windows.Count) == 0:
        return View(None, None, None, 1)
    window = workbook.Windows(1)
    try:
        selection = box_of(window.RangeSelection)
        scrolled = int(window.ScrollRow)
    except Exception:  # noqa: BLE001 -- a sheet of charts has neither
        return View(window, workbook.ActiveSheet, None, 1)
    return View(window, workbook.ActiveSheet, selection, scrolled)
