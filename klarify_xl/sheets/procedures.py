"""The sheets that list procedures: Procedures, Lanes and Lane totals."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

from klarify_xl.model import STATUSES, Procedure
from klarify_xl.plan import Cell, Sheet
from klarify_xl.sheets.changes import News
from klarify_xl.sheets.inventory import (
    LANE_TOTALS,
    LANES,
    PROCEDURES,
    RELATIONSHIPS,
    STATUS_HIGHLIGHTS,
    Inventory,
    distinct,
    first_rows,
)

_TEXTS: Final = (
    *("ID", "Name", "Status", "Owner", "Performer"),
    *("Lanes", "Called within", "Called from", "Link"),
)
"""Columns of Procedures with texts that may have to be adjusted."""


def procedures_sheet(inventory: Inventory, noticed: Mapping[str, News]) -> Sheet:
    """Return the sheet with a row for each procedure.

    Args:
        inventory: What to show.
        noticed: What the last refresh noticed, by the procedures' ids.
    """
    adjust, say = inventory.adjustments, inventory.say
    lane_rows = first_rows(p.id for p in inventory.procedures for _ in distinct(p.lanes))
    relationship_rows = first_rows(one.source.id for one in inventory.relationships)
    counts = Counter(one.source.id for one in inventory.relationships)
    titles = {key: inventory.title(key) for key in _TEXTS}
    rows = []
    for one in inventory.procedures:
        adjust.take_remarks()
        cells: tuple[Cell, ...] = (
            adjust.text(one.id, titles["ID"]),
            adjust.text(one.name, titles["Name"]),
            adjust.text(one.status, titles["Status"]) or None,
            adjust.text(one.owner, titles["Owner"]) or None,
            adjust.text(one.performer, titles["Performer"]) or None,
            one.updated_at,
            _lanes_cell(inventory, one, lane_rows.get(one.id), titles["Lanes"]),
            adjust.text("; ".join(one.called_within), titles["Called within"]) or None,
            adjust.text("; ".join(one.called_from), titles["Called from"]) or None,
            inventory.link_to(counts[one.id], RELATIONSHIPS, relationship_rows.get(one.id)),
            adjust.url(one.url, titles["Link"]),
        )
        # What was done to the cells goes first: remarks may quote texts of any length.
        remarks = [*adjust.take_remarks(), *(say(remark) for remark in one.remarks)]
        adjust.remarked += bool(remarks)
        changed = noticed[one.id].words if one.id in noticed else None
        rows.append((*cells, inventory.shown("; ".join(remarks)) or None, changed))
    columns = (
        inventory.column("ID", width=16),
        inventory.column("Name", width=42),
        inventory.column("Status", width=11),
        inventory.column("Owner", width=22),
        inventory.column("Performer", width=22),
        inventory.column("Updated", "moment", width=17),
        inventory.column("Lanes", width=30, link_rank=1),
        inventory.column("Called within", width=30),
        inventory.column("Called from", width=30),
        inventory.column("Relationships", "number", width=17, link_rank=2),
        inventory.column("Link", width=50, printed=False, web=True),
        inventory.column("Remarks", width=34, printed=False),
        inventory.column("Changed", width=24, printed=False),
    )
    return Sheet(
        name=PROCEDURES,
        table="Procedures",
        identity=("ID",),
        origin="ID",
        columns=columns,
        rows=tuple(rows),
        frozen_columns=2,
        highlights=STATUS_HIGHLIGHTS,
        marked=frozenset(
            (inventory.rows[id_], index)
            for id_, one in noticed.items()
            for index, column in enumerate(columns)
            if column.name in {*one.columns, "Changed"}
        ),
        description=say("One row for each procedure, process, subprocess and task."),
    )


def _lanes_cell(inventory: Inventory, one: Procedure, row: int | None, title: str) -> Cell:
    lanes = inventory.adjustments.text("; ".join(one.lanes), title)
    return inventory.link_to(lanes, LANES, row) if lanes else None


def lanes_sheet(inventory: Inventory) -> Sheet:
    """Return the sheet with a row for each procedure and lane."""
    rows: list[tuple[Cell, ...]] = []
    for one in inventory.procedures:
        if one.lanes:
            about = (
                inventory.link(one.id),
                inventory.shown(one.name),
                inventory.shown(one.status) or None,
                inventory.shown(one.owner) or None,
                inventory.shown(one.performer) or None,
            )
            rows += [(inventory.shown(lane), *about) for lane in distinct(one.lanes)]
    return Sheet(
        name=LANES,
        table="Lanes",
        identity=("ID", "Lane"),
        origin="ID",
        columns=(
            inventory.column("Lane", width=30),
            inventory.column("ID", width=16),
            inventory.column("Procedure", width=44),
            inventory.column("Status", width=12),
            inventory.column("Owner", width=24),
            inventory.column("Performer", width=24),
        ),
        rows=tuple(rows),
        highlights=STATUS_HIGHLIGHTS,
        description=inventory.say("One row for each procedure and lane."),
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
                inventory.link_to(inventory.shown(lane), LANES, lane_rows[lane]),
                len(members[lane]),
                *known,
                len(members[lane]) - sum(known),
                len({one.owner for one in members[lane] if one.owner}),
            )
        )
    return Sheet(
        name=LANE_TOTALS,
        table="LaneTotals",
        identity=("Lane",),
        columns=(
            inventory.column("Lane", width=30),
            inventory.column("Procedures", "number", 16),
            inventory.column("Published", "number", 16),
            inventory.column("Draft", "number", 16),
            inventory.column("Archived", "number", 16),
            inventory.column("Other status", "number", 16),
            inventory.column("Owners", "number", 16),
        ),
        rows=tuple(rows),
        description=inventory.say(
            "One row for each lane, with its procedures by status and its owners."
        ),
    )
