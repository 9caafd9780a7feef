"""What all sheets show parts of: the inventory, and the record of what could not be shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from klarify_xl.graph import Relationship
from klarify_xl.language import Language
from klarify_xl.limits import EXCEL_ROWS
from klarify_xl.model import Procedure
from klarify_xl.plan import Cell, Highlight, Link, Place, Sheet, limit_links, limit_rows
from klarify_xl.text import link_target, safe_text

PROCEDURES: Final = "Procedures"
LANES: Final = "Lanes"
LANE_TOTALS: Final = "Lane totals"
RELATIONSHIPS: Final = "Relationships"
CHANGES: Final = "Changes"
HEALTH: Final = "Health"
ABOUT: Final = "About"

STATUS_HIGHLIGHTS: Final = (
    Highlight("Status", "published", "good"),
    Highlight("Status", "draft", "pending"),
    Highlight("Status", "archived", "retired"),
)


@dataclass
class Adjustments:
    """What could not be shown as it came, counted for the receipt.

    Attributes:
        replaced: Characters shown as a replacement sign.
        cut: Texts cut at Excel's limit.
        unsafe_links: Addresses shown as text only.
        surplus_links: Links beyond Excel's limit for a sheet.
        surplus_rows: Rows beyond Excel's limit for a sheet.
        remarked: Procedures with a remark.
    """

    replaced: int = 0
    cut: int = 0
    unsafe_links: int = 0
    surplus_links: int = 0
    surplus_rows: int = 0
    remarked: int = 0
    _row: list[str] = field(default_factory=list, repr=False)

    def text(self, value: str, title: str) -> str:
        """Return a text as a cell can hold it, and note what was done."""
        safe = safe_text(value)
        if safe.replaced:
            self.replaced += safe.replaced
            self._row.append(f"{title}: unshowable characters replaced ({safe.replaced})")
        if safe.cut:
            self.cut += 1
            self._row.append(f"{title}: characters cut at the end ({safe.cut})")
        return safe.text

    def url(self, value: str) -> Cell:
        """Return a link to a web address, or its text where it is not safe to link."""
        target = link_target(value)
        shown = self.text(value, "Link")
        if target is None:
            if value:
                self.unsafe_links += 1
                self._row.append("Link: shown as text, not a plain web address")
            return shown or None
        return Link(shown, target, "Open in Klarify")

    def take_remarks(self) -> list[str]:
        """Return what was noted since the last call."""
        noted, self._row = self._row, []
        return noted

    def limit(self, sheet: Sheet) -> Sheet:
        """Return the sheet within Excel's limits, counting what had to go."""
        sheet, rows = limit_rows(sheet)
        sheet, links = limit_links(sheet)
        self.surplus_rows += rows
        self.surplus_links += links
        return sheet


@dataclass(frozen=True)
class Inventory:
    """The procedures in the order shown, with what the sheets have in common.

    Attributes:
        procedures: In the order of the Procedures sheet.
        relationships: In the order of the Relationships sheet.
        adjustments: What could not be shown as it came.
        rows: Each procedure's row on the Procedures sheet, by id, from 0.
        say: Gives an English title or word in the workbook's language.
    """

    procedures: Sequence[Procedure]
    relationships: Sequence[Relationship]
    adjustments: Adjustments
    rows: dict[str, int]
    say: Language = field(default_factory=Language)

    def link(self, procedure_id: str) -> Cell:
        """Return an id that leads to its procedure's row on the Procedures sheet."""
        return link_to(shown(procedure_id), PROCEDURES, self.rows.get(procedure_id))


def link_to(value: str | int, sheet: str, row: int | None) -> Cell:
    """Return a cell that leads to a row of a sheet, or just its value if there is no such row."""
    if row is None or row >= EXCEL_ROWS - 1:
        return value
    return Link(value, Place(sheet, row), f"Go to {sheet}")


def shown(text: str) -> str:
    """Return a text as a cell can hold it, uncounted, since Procedures shows and counts it too."""
    return safe_text(text).text


def first_rows(keys: Iterable[str]) -> dict[str, int]:
    """Return for each key the first row that holds it, from 0."""
    rows: dict[str, int] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, row)
    return rows


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts without repetitions, in their order."""
    return tuple(dict.fromkeys(texts))
