"""What the writers of an open workbook's sheets share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from klarify_xl.live.styles import Styles
from klarify_xl.live.values import Shown
from klarify_xl.plan import Place, Plan


@dataclass(frozen=True)
class Note:
    """A person's cell whose row or place has gone.

    Attributes:
        table: Key of the sheet that it was in.
        row: What its row was about, or its address on a board.
        column: Title of its column, "" on a board.
        value: What ``Formula`` gave: a formula with its equals sign, or a value.
        is_formula: Whether it was a formula.
    """

    table: str
    row: str
    column: str
    value: Any
    is_formula: bool = False


@dataclass
class Context:
    """An open workbook that is being refreshed.

    Attributes:
        workbook: The workbook, as Excel's object model has it.
        plan: What to show.
        styles: Its cell styles.
        shown: Gives a moment in the time zone in which it is shown.
        location: Gives where a planned row is, as a link says it: ``'Lanes'!A57``.
        title: Gives the title that a column has in the workbook, by the name of the table and
            the column's key; None if there is no such column.
        archived: A person's cells that had to go, for the archive.
    """

    workbook: Any
    plan: Plan
    styles: Styles
    shown: Shown
    location: Callable[[Place], str]
    title: Callable[[str, str], str | None]
    archived: list[Note] = field(default_factory=list)
