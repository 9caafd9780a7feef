"""What all sheets show parts of: the inventory, and the record of what could not be shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from klarify_xl.graph import Relationship
from klarify_xl.language import LANGUAGES, Language, Phrase
from klarify_xl.limits import EXCEL_ROWS
from klarify_xl.model import Procedure
from klarify_xl.options import Options
from klarify_xl.plan import (
    Cell,
    Column,
    ColumnKind,
    Highlight,
    Link,
    Place,
    Sheet,
    limit_links,
    limit_rows,
)
from klarify_xl.text import CUT_NOTE, SafeText, is_safe, link_target, safe_text

PROCEDURES: Final = Phrase("Procedures")
LANES: Final = Phrase("Lanes")
LANE_TOTALS: Final = Phrase("Lane totals")
RELATIONSHIPS: Final = Phrase("Relationships")
CHANGES: Final = Phrase("Changes")
HEALTH: Final = Phrase("Health")
ABOUT: Final = Phrase("About")
ARCHIVE: Final = Phrase("Archived notes")

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
        say: Gives an English text in the workbook's language.
    """

    replaced: int = 0
    cut: int = 0
    unsafe_links: int = 0
    surplus_links: int = 0
    surplus_rows: int = 0
    remarked: int = 0
    say: Language = field(default_factory=Language)
    _row: list[str] = field(default_factory=list, repr=False)

    @cached_property
    def _open(self) -> str:
        return self.say("Open in Klarify")

    def text(self, value: str, title: str) -> str:
        """Return a text as a cell can hold it, and note what was done."""
        if is_safe(value):
            return value
        safe = self.safe(value)
        if safe.replaced:
            self.replaced += safe.replaced
            done = self.say("{column}: unshowable characters replaced ({count})")
            self._row.append(done.format(column=title, count=safe.replaced))
        if safe.cut:
            self.cut += 1
            done = self.say("{column}: characters cut at the end ({count})")
            self._row.append(done.format(column=title, count=safe.cut))
        return safe.text

    def safe(self, value: str) -> SafeText:
        """Return a text as a cell can hold it, uncounted."""
        return safe_text(value, self._cut_note)

    @cached_property
    def _cut_note(self) -> str:
        return self.say(Phrase(CUT_NOTE))

    def url(self, value: str, title: str) -> Cell:
        """Return a link to a web address, or its text where it is not safe to link."""
        target = link_target(value)
        shown = self.text(value, title)
        if target is None:
            if value:
                self.unsafe_links += 1
                done = self.say("{column}: shown as text, not a plain web address")
                self._row.append(done.format(column=title))
            return shown or None
        return Link(shown, target, self._open)

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
        options: How the workbook is to look.
    """

    procedures: Sequence[Procedure]
    relationships: Sequence[Relationship]
    adjustments: Adjustments
    rows: dict[str, int]
    say: Language = field(default_factory=Language)
    options: Options = field(default_factory=Options)
    _links: dict[str, Cell] = field(default_factory=dict, repr=False)
    _hints: dict[str, str] = field(default_factory=dict, repr=False)

    def column(
        self,
        key: str,
        kind: ColumnKind = "text",
        width: float = 20.0,
        *,
        link_rank: int = 0,
        printed: bool = True,
        web: bool = False,
    ) -> Column:
        """Return a column under its title in the workbook's language; moments tell the zone."""
        zone = f" ({self.options.time_zone})" if kind == "moment" else ""
        title = f"{self.say(key)}{zone}"
        aliases = distinct(Language(code)(key) for code in LANGUAGES)
        return Column(title, kind, width, link_rank, printed, key, web, aliases)

    def title(self, key: str) -> str:
        """Return what a column of the Procedures sheet is called, its zone aside."""
        custom = self.options.of(PROCEDURES).titles.get(key, "")
        return custom.replace("{zone}", self.options.time_zone) or self.say(key)

    def sheet_title(self, key: str) -> str:
        """Return what a sheet is called."""
        return self.options.of(key).title or self.say(key)

    def _hint(self, sheet: str) -> str:
        """Return what people are told of links to a sheet."""
        if sheet not in self._hints:
            said = self.say("Go to {sheet}").format(sheet=self.sheet_title(sheet))
            self._hints[sheet] = said
        return self._hints[sheet]

    def shown(self, text: str) -> str:
        """Return a text as a cell can hold it, uncounted: Procedures shows and counts it too."""
        return text if is_safe(text) else self.adjustments.safe(text).text

    def link(self, procedure_id: str) -> Cell:
        """Return an id that leads to its procedure's row on the Procedures sheet."""
        # Most ids stand on several sheets.
        link = self._links.get(procedure_id)
        if link is None:
            row = self.rows.get(procedure_id)
            link = self.link_to(self.shown(procedure_id), PROCEDURES, row)
            self._links[procedure_id] = link
        return link

    def link_to(self, value: str | int, sheet: str, row: int | None) -> Cell:
        """Return a cell that leads to a row of a sheet, or its value if there is no such row."""
        if row is None or row >= EXCEL_ROWS - 1:
            return value
        return Link(value, Place(sheet, row), self._hint(sheet))


def first_rows(keys: Iterable[str]) -> dict[str, int]:
    """Return for each key the first row that holds it, from 0."""
    rows: dict[str, int] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, row)
    return rows


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts without repetitions, in their order."""
    return tuple(dict.fromkeys(texts))
