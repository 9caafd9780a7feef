"""The sheet of findings: what to look at, why it matters, and where it stands."""

from collections.abc import Sequence
from typing import Final

from klarify_xl.health import KINDS, Finding
from klarify_xl.plan import Column, Highlight, Sheet
from klarify_xl.sheets.inventory import HEALTH, Inventory, shown

_SEVERITY_HIGHLIGHTS: Final = (
    Highlight("Severity", "high", "warning"),
    Highlight("Severity", "medium", "pending"),
    Highlight("Severity", "low", "retired"),
)


def health_sheet(inventory: Inventory, findings: Sequence[Finding]) -> Sheet:
    """Return the sheet with a row for each finding.

    Args:
        inventory: What the other sheets show.
        findings: What there is to look at.
    """
    rows = tuple(
        (
            KINDS[one.kind].severity,
            KINDS[one.kind].title,
            inventory.link(one.procedure.id),
            shown(one.procedure.name),
            shown(one.procedure.owner) or None,
            shown(one.line),
            KINDS[one.kind].why,
        )
        for one in findings
    )
    return Sheet(
        name=HEALTH,
        table=HEALTH,
        identity=("Finding", "ID", "Detail"),
        columns=(
            Column("Severity", width=12),
            Column("Finding", width=26),
            Column("ID", width=16),
            Column("Procedure", width=42),
            Column("Owner", width=22),
            Column("Detail", width=52),
            Column("Why it matters", width=58),
        ),
        rows=rows,
        highlights=_SEVERITY_HIGHLIGHTS,
        description="One row for each thing to look at: gaps, doubts and contradictions.",
    )
