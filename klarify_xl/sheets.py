"""What each sheet shows: from the store's rows to a plan of the workbook."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from klarify_xl import __version__
from klarify_xl.graph import Match, Relationship, relationships
from klarify_xl.limits import EXCEL_ROWS
from klarify_xl.model import STATUSES, Procedure
from klarify_xl.plan import (
    Cell,
    Column,
    Highlight,
    Link,
    Place,
    Plan,
    Sheet,
    limit_links,
    limit_rows,
)
from klarify_xl.records import Refresh
from klarify_xl.store import Store
from klarify_xl.text import link_target, safe_text

PROCEDURES: Final = "Procedures"
LANES: Final = "Lanes"
LANE_TOTALS: Final = "Lane totals"
RELATIONSHIPS: Final = "Relationships"
ABOUT: Final = "About"

_STATUS_HIGHLIGHTS: Final = (
    Highlight("Status", "published", "good"),
    Highlight("Status", "draft", "pending"),
    Highlight("Status", "archived", "retired"),
)
_MATCH_HIGHLIGHTS: Final = (
    Highlight("Match", "ambiguous", "pending"),
    Highlight("Match", "unresolved", "warning"),
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
class _Inventory:
    """The procedures in the order shown, with what the sheets have in common."""

    procedures: Sequence[Procedure]
    relationships: Sequence[Relationship]
    adjustments: Adjustments
    rows: dict[str, int]

    def link(self, procedure: Procedure, value: str) -> Cell:
        """Return a cell that leads to the procedure's row on the Procedures sheet."""
        row = self.rows[procedure.id]
        if row >= EXCEL_ROWS - 1:
            return value
        return Link(value, Place(PROCEDURES, row), "Go to the procedure")


def build_plan(store: Store) -> Plan:
    """Return the workbook for what the store holds.

    Everything in it comes from the store, so that the same store gives the same plan.
    """
    procedures = sorted(store.procedures(), key=lambda one: (one.name.casefold(), one.name, one.id))
    inventory = _Inventory(
        procedures,
        relationships(procedures),
        Adjustments(),
        {procedure.id: row for row, procedure in enumerate(procedures)},
    )
    lanes = _lanes(inventory)
    related = _relationships(inventory)
    sheets = (_procedures(inventory), lanes, _lane_totals(inventory), related)
    limited = tuple(inventory.adjustments.limit(sheet) for sheet in sheets)
    receipt = store.receipt()
    organisation = _organisation(procedures)
    about = _about(inventory, receipt, organisation, store.state().base_url, limited)
    return Plan(
        title=f"Klarify procedures of {organisation}",
        subject="Inventory of procedures, processes, subprocesses and tasks",
        made_at=receipt.finished_at if receipt else datetime.min.replace(tzinfo=UTC),
        made_by=f"klarify-xl {__version__}",
        sheets=(*limited, about),
    )


def _organisation(procedures: Iterable[Procedure]) -> str:
    """Return the host that most procedures are shown at: the API names no organisation."""
    hosts = Counter(
        urlsplit(procedure.url).netloc for procedure in procedures if link_target(procedure.url)
    )
    return min(hosts, key=lambda host: (-hosts[host], host)) if hosts else "an organisation"


def _procedures(inventory: _Inventory) -> Sheet:
    adjust = inventory.adjustments
    first_lane_rows = _first_rows(p.id for p in inventory.procedures for _ in _distinct(p.lanes))
    first_relationship_rows = _first_rows(one.source.id for one in inventory.relationships)
    counts = Counter(one.source.id for one in inventory.relationships)
    rows = []
    for one in inventory.procedures:
        adjust.take_remarks()
        cells: tuple[Cell, ...] = (
            adjust.text(one.id, "ID"),
            adjust.text(one.name, "Name"),
            adjust.text(one.status, "Status") or None,
            adjust.text(one.owner, "Owner") or None,
            adjust.text(one.performer, "Performer") or None,
            one.updated_at,
            _counted(adjust, one.lanes, "Lanes", first_lane_rows.get(one.id), LANES),
            adjust.text("; ".join(one.called_within), "Called within") or None,
            adjust.text("; ".join(one.called_from), "Called from") or None,
            _relationship_count(counts[one.id], first_relationship_rows.get(one.id)),
            adjust.url(one.url),
        )
        # What was done to the cells goes first: remarks may quote texts of any length.
        remarks = [*adjust.take_remarks(), *one.remarks]
        adjust.remarked += bool(remarks)
        rows.append((*cells, safe_text("; ".join(remarks)).text or None))
    return Sheet(
        name=PROCEDURES,
        table=PROCEDURES,
        columns=(
            Column("ID", width=16),
            Column("Name", width=42),
            Column("Status", width=11),
            Column("Owner", width=22),
            Column("Performer", width=22),
            Column("Updated (UTC)", "moment", width=17),
            Column("Lanes", width=30, link_rank=1),
            Column("Called within", width=30),
            Column("Called from", width=30),
            Column("Relationships", "number", width=17, link_rank=2),
            Column("Link", width=50, printed=False),
            Column("Remarks", width=34, printed=False),
        ),
        rows=tuple(rows),
        frozen_columns=2,
        highlights=_STATUS_HIGHLIGHTS,
        description="One row for each procedure, process, subprocess and task.",
    )


def _first_rows(ids: Iterable[str]) -> dict[str, int]:
    rows: dict[str, int] = {}
    for row, procedure_id in enumerate(ids):
        rows.setdefault(procedure_id, row)
    return rows


def _counted(
    adjust: Adjustments, texts: Sequence[str], title: str, row: int | None, sheet: str
) -> Cell:
    """Return the joined texts, leading to their first row on their own sheet."""
    joined = adjust.text("; ".join(texts), title)
    if row is None or row >= EXCEL_ROWS - 1:
        return joined or None
    return Link(joined, Place(sheet, row), f"Go to {sheet}")


def _relationship_count(count: int, row: int | None) -> Cell:
    if row is None or row >= EXCEL_ROWS - 1:
        return count
    return Link(count, Place(RELATIONSHIPS, row), f"Go to {RELATIONSHIPS}")


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _lanes(inventory: _Inventory) -> Sheet:
    shown = inventory.adjustments.text
    rows = tuple(
        (
            shown(lane, "Lane"),
            inventory.link(one, shown(one.id, "ID")),
            shown(one.name, "Procedure"),
            shown(one.status, "Status") or None,
            shown(one.owner, "Owner") or None,
            shown(one.performer, "Performer") or None,
        )
        for one in inventory.procedures
        for lane in _distinct(one.lanes)
    )
    return Sheet(
        name=LANES,
        table=LANES,
        columns=(
            Column("Lane", width=30),
            Column("ID", width=16),
            Column("Procedure", width=44),
            Column("Status", width=12),
            Column("Owner", width=24),
            Column("Performer", width=24),
        ),
        rows=rows,
        highlights=_STATUS_HIGHLIGHTS,
        description="One row for each procedure and lane.",
    )


def _lane_totals(inventory: _Inventory) -> Sheet:
    members: defaultdict[str, list[Procedure]] = defaultdict(list)
    for one in inventory.procedures:
        for lane in _distinct(one.lanes):
            members[lane].append(one)
    first_rows = _first_rows(lane for p in inventory.procedures for lane in _distinct(p.lanes))
    rows = []
    for lane in sorted(members, key=lambda lane: (lane.casefold(), lane)):
        statuses = Counter(one.status for one in members[lane])
        known = [statuses[status] for status in STATUSES]
        name = inventory.adjustments.text(lane, "Lane")
        row = first_rows[lane]
        rows.append(
            (
                Link(name, Place(LANES, row), "Go to its first row")
                if row < EXCEL_ROWS - 1
                else name,
                len(members[lane]),
                *known,
                len(members[lane]) - sum(known),
                len({one.owner for one in members[lane] if one.owner}),
            )
        )
    titles = ("Procedures", *(status.capitalize() for status in STATUSES), "Other status", "Owners")
    return Sheet(
        name=LANE_TOTALS,
        table="LaneTotals",
        columns=(Column("Lane", width=30), *(Column(title, "number", 16) for title in titles)),
        rows=tuple(rows),
        description="One row for each lane, with its procedures by status and its owners.",
    )


def _relationships(inventory: _Inventory) -> Sheet:
    shown = inventory.adjustments.text
    rows = []
    for one in inventory.relationships:
        only = one.targets[0] if one.match == "resolved" else None
        rows.append(
            (
                inventory.link(one.source, shown(one.source.id, "Source ID")),
                shown(one.source.name, "Source"),
                one.kind,
                shown(one.target_name, "Target"),
                inventory.link(only, shown(only.id, "Target ID")) if only else None,
                one.match,
                None if only else shown("; ".join(t.id for t in one.targets), "Candidates") or None,
            )
        )
    return Sheet(
        name=RELATIONSHIPS,
        table=RELATIONSHIPS,
        columns=(
            Column("Source ID", width=16),
            Column("Source", width=44),
            Column("Kind", width=15),
            Column("Target", width=44),
            Column("Target ID", width=16),
            Column("Match", width=13),
            Column("Candidates", width=36),
        ),
        rows=tuple(rows),
        highlights=_MATCH_HIGHLIGHTS,
        description="One row for each reference from a procedure to another by name.",
    )


def _about(
    inventory: _Inventory,
    receipt: Refresh | None,
    organisation: str,
    base_url: str,
    sheets: Sequence[Sheet],
) -> Sheet:
    written = {sheet.name: len(sheet.rows) for sheet in sheets}
    matches: Counter[Match] = Counter(one.match for one in inventory.relationships)
    adjust = inventory.adjustments
    rows: list[tuple[str, Cell, str | None]] = [
        ("Organisation", organisation, "The host at which most procedures are shown"),
        ("API", base_url, None),
    ]
    if receipt:
        rows += _receipt_rows(receipt)
    rows += [
        ("Procedures written", written[PROCEDURES], None),
        ("Lane rows written", written[LANES], None),
        ("Lanes", written[LANE_TOTALS], None),
        ("Relationship rows written", written[RELATIONSHIPS], None),
        ("… resolved", matches["resolved"], "Exactly one procedure holds the name"),
        ("… ambiguous", matches["ambiguous"], "Several procedures hold the name"),
        ("… unresolved", matches["unresolved"], "No listed procedure holds the name"),
        ("Procedures with remarks", adjust.remarked, "See the last column of Procedures"),
        ("Characters replaced", adjust.replaced, "Excel can't hold them, or they deceive readers"),
        ("Texts cut", adjust.cut, "Longer than the 32,767 characters of a cell"),
        ("Links shown as text", adjust.unsafe_links, "Not a plain web address"),
        ("Links beyond Excel's limit", adjust.surplus_links, "65,530 on a sheet"),
        ("Rows beyond Excel's limit", adjust.surplus_rows, "1,048,576 on a sheet"),
        ("Time zone", "UTC", "All times in this workbook"),
        ("Made by", f"klarify-xl {__version__}", "Text from Klarify is never a formula here"),
    ]
    return Sheet(
        name=ABOUT,
        columns=(
            Column("Item", width=30),
            Column("Value", "mixed", 44),
            Column("Explanation", "mixed", 62),
        ),
        rows=tuple(rows),
        description="The receipt of the refresh that this workbook shows.",
    )


def _receipt_rows(receipt: Refresh) -> list[tuple[str, Cell, str | None]]:
    return [
        (
            "Data as of",
            receipt.finished_at,
            "The last refresh that found something new; later ones leave the file untouched",
        ),
        ("Refresh", receipt.id, f"A {receipt.mode} one, with {receipt.requests} requests"),
        ("Watermark", receipt.watermark, "The newest change in Klarify that it covered"),
        ("Counted by the API", receipt.total_count, None),
        ("Listed by the API", receipt.listed, None),
        ("Without a usable id", receipt.quarantined, "Left out; nothing was removed meanwhile"),
        ("Counted but not listed", max(0, receipt.shortfall), "The same in two walks"),
        (
            "Kept though not listed",
            max(0, -receipt.shortfall),
            "One of the items without a usable id may be one of them",
        ),
        ("Added", receipt.added, None),
        ("Changed", receipt.changed, None),
        ("No longer listed", receipt.removed, "Deleted, hidden from the key, or unpublished"),
        ("Listed again", receipt.returned, None),
    ]
