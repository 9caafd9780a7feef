"""The sheet of findings: what to look at, why it matters, and where it stands."""

from collections.abc import Sequence
from typing import Final

from klarify_xl.health import KINDS, Finding
from klarify_xl.language import Phrase
from klarify_xl.plan import Highlight, Sheet, Tone
from klarify_xl.sheets.inventory import HEALTH, Inventory

_SEVERITIES: Final[dict[str, tuple[Phrase, Tone]]] = {
    "high": (Phrase("high"), "warning"),
    "medium": (Phrase("medium"), "pending"),
    "low": (Phrase("low"), "retired"),
}


def health_sheet(inventory: Inventory, findings: Sequence[Finding]) -> Sheet:
    """Return the sheet with a row for each finding.

    Args:
        inventory: What the other sheets show.
        findings: What there is to look at.
    """
    say = inventory.say
    rows = tuple(
        (
            say(_SEVERITIES[KINDS[one.kind].severity][0]),
            say(KINDS[one.kind].title),
            inventory.link(one.procedure.id),
            inventory.shown(one.procedure.name),
            inventory.shown(one.procedure.owner) or None,
            inventory.shown(" ".join(say(one.detail).split())),
            say(KINDS[one.kind].why),
        )
        for one in findings
    )
    return Sheet(
        name=HEALTH,
        table="Health",
        identity=("Finding", "ID", "Detail"),
        columns=(
            inventory.column("Severity", width=12),
            inventory.column("Finding", width=26),
            inventory.column("ID", width=16),
            inventory.column("Procedure", width=42),
            inventory.column("Owner", width=22),
            inventory.column("Detail", width=52),
            inventory.column("Why it matters", width=58),
        ),
        rows=rows,
        highlights=tuple(
            Highlight("Severity", say(word), tone) for word, tone in _SEVERITIES.values()
        ),
        description=say("One row for each thing to look at: gaps, doubts and contradictions."),
    )
