"""The sheets that list procedures: Procedures, Lanes and Lane totals."""

from collections import Counter, defaultdict

from klarify_xl.model import STATUSES, Procedure
from klarify_xl.plan import Cell, Column, Sheet
from klarify_xl.sheets.inventory import (
    LANE_TOTALS,
    LANES,
    PROCEDURES,
    RELATIONSHIPS,
    STATUS_HIGHLIGHTS,
    Inventory,
    distinct,
    first_rows,
    link_to,
    shown,
)
from klarify_xl.text import safe_text


def procedures_sheet(inventory: Inventory) -> Sheet:
    """Return the sheet with a row for each procedure."""
    adjust = inventory.adjustments
    lane_rows = first_rows(p.id for p in inventory.procedures for _ in distinct(p.lanes))
    relationship_rows = first_rows(one.source.id for one in inventory.relationships)
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
            _lanes_cell(adjust.text("; ".join(one.lanes), "Lanes"), lane_rows.get(one.id)),
            adjust.text("; ".join(one.called_within), "Called within") or None,
            adjust.text("; ".join(one.called_from), "Called from") or None,
            link_to(counts[one.id], RELATIONSHIPS, relationship_rows.get(one.id)),
            adjust.url(one.url),
        )
        # What was done to the cells goes first: remarks may quote texts of any length.
        remarks = [*adjust.take_remarks(), *one.remarks]
        adjust.remarked += bool(remarks)
        rows.append((*cells, safe_text("; ".join(remarks)).text or None))
    return Sheet(
        name=PROCEDURES,
        table=PROCEDURES,
        identity=("ID",),
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
            Column("Link", width=50, printed=False, web=True),
            Column("Remarks", width=34, printed=False),
        ),
        rows=tuple(rows),
        frozen_columns=2,
        highlights=STATUS_HIGHLIGHTS,
        description="One row for each procedure, process, subprocess and task.",
    )


def _lanes_cell(lanes: str, row: int | None) -> Cell:
    return link_to(lanes, LANES, row) if lanes else None


def lanes_sheet(inventory: Inventory) -> Sheet:
    """Return the sheet with a row for each procedure and lane."""
    rows = tuple(
        (
            shown(lane),
            inventory.link(one.id),
            shown(one.name),
            shown(one.status) or None,
            shown(one.owner) or None,
            shown(one.performer) or None,
        )
        for one in inventory.procedures
        for lane in distinct(one.lanes)
    )
    return Sheet(
        name=LANES,
        table=LANES,
        identity=("ID", "Lane"),
        columns=(
            Column("Lane", width=30),
            Column("ID", width=16),
            Column("Procedure", width=44),
            Column("Status", width=12),
            Column("Owner", width=24),
            Column("Performer", width=24),
        ),
        rows=rows,
        highlights=STATUS_HIGHLIGHTS,
        description="One row for each procedure and lane.",
    )


def lane_totals_sheet(inventory: Inventory) -> Sheet:
    """Return the sheet with a row for each lane."""
    members: defaultdict[str, list[Procedure]] = defaultdict(list)
    for one in inventory.procedures:
        for lane in distinct(one.lanes):
            members[lane].append(one)
    lane_rows = first_rows(lane for p in inventory.procedures for lane in distinct(p.lanes))
    rows = []
    for lane in sorted(members, key=lambda lane: (lane.casefold(), lane)):
        statuses = Counter(one.status for one in members[lane])
        known = [statuses[status] for status in STATUSES]
        rows.append(
            (
                link_to(shown(lane), LANES, lane_rows[lane]),
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
        identity=("Lane",),
        columns=(Column("Lane", width=30), *(Column(title, "number", 16) for title in titles)),
        rows=tuple(rows),
        description="One row for each lane, with its procedures by status and its owners.",
    )
