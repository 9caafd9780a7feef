"""The sheet of references between procedures."""

from typing import Final

from klarify_xl.plan import Column, Highlight, Sheet
from klarify_xl.sheets.inventory import RELATIONSHIPS, Inventory, shown

_MATCH_HIGHLIGHTS: Final = (
    Highlight("Match", "ambiguous", "pending"),
    Highlight("Match", "unresolved", "warning"),
)


def relationships_sheet(inventory: Inventory) -> Sheet:
    """Return the sheet with a row for each reference."""
    rows = []
    for one in inventory.relationships:
        only = one.targets[0] if one.match == "resolved" else None
        ids = "" if only else "; ".join(target.id for target in one.targets)
        rows.append(
            (
                inventory.link(one.source.id),
                shown(one.source.name),
                one.kind,
                shown(one.target_name),
                inventory.link(only.id) if only else None,
                one.match,
                inventory.adjustments.text(ids, "Candidates") or None,
            )
        )
    return Sheet(
        name=RELATIONSHIPS,
        table=RELATIONSHIPS,
        identity=("Source ID", "Kind", "Target"),
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
