"""What the writers of an open workbook's sheets share."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klarify_xl.live.styles import Styles
from klarify_xl.live.values import Shown
from klarify_xl.plan import Place, Plan

if TYPE_CHECKING:
    from klarify_xl.live.tables import LiveTable


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
        tables: Its planned tables.
        board_names: Names of the sheets of its planned boards, by key.
        archived: A person's cells on boards that had to go, for the archive.
    """

    workbook: Any
    plan: Plan
    styles: Styles
    shown: Shown
    tables: list["LiveTable"] = field(default_factory=list)
    board_names: dict[str, str] = field(default_factory=dict)
    archived: list[Note] = field(default_factory=list)

    def table(self, key: str) -> "LiveTable | None":
        """Return the planned table whose sheet has a key."""
        return next((one for one in self.tables if one.sheet.key == key), None)

    def location(self, place: Place) -> str:
        """Return where a planned row is, as a link says it: ``'Lanes'!A57``."""
        table = self.table(place.sheet)
        if table is not None:
            return table.location(place.row)
        quoted = self.board_names[place.sheet].replace("'", "''")
        return f"'{quoted}'!A{place.row + 1}"

    def title(self, table: str, key: str) -> str | None:
        """Return the title that a column has in the workbook.

        Args:
            table: Name of its table.
            key: The column's key.
        """
        found = next((one for one in self.tables if one.sheet.table == table), None)
        return None if found is None else found.title(key)
