"""The sheet of references between procedures."""

from typing import Final

from klarify_xl.language import Phrase
from klarify_xl.plan import Highlight, Sheet
from klarify_xl.sheets.inventory import RELATIONSHIPS, Inventory

KIND_WORDS: Final = {
    "called within": Phrase("called within"),
    "called from": Phrase("called from"),
}
MATCH_WORDS: Final = {
    "resolved": Phrase("resolved"),
    "ambiguous": Phrase("ambiguous"),
    "unresolved": Phrase("unresolved"),
}


def relationships_sheet(inventory: Inventory) -> Sheet:
    """Return the sheet with a row for each reference."""
    say = inventory.say
    rows = []
    for one in inventory.relationships:
        only = one.targets[0] if one.match == "resolved" else None
        ids = "" if only else "; ".join(target.id for target in one.targets)
        rows.append(
            (
                inventory.link(one.source.id),
                inventory.shown(one.source.name),
                say(KIND_WORDS[one.kind]),
                inventory.shown(one.target_name),
                inventory.link(only.id) if only else None,
                say(MATCH_WORDS[one.match]),
                inventory.adjustments.text(ids, say("Candidates")) or None,
            )
        )
    return Sheet(
        name=RELATIONSHIPS,
        table="Relationships",
        identity=("Source ID", "Kind", "Target"),
        origin="Source ID",
        columns=(
            inventory.column("Source ID", width=16),
            inventory.column("Source", width=44),
            inventory.column("Kind", width=15),
            inventory.column("Target", width=44),
            inventory.column("Target ID", width=16),
            inventory.column("Match", width=15),
            inventory.column("Candidates", width=36),
        ),
        rows=tuple(rows),
        highlights=(
            Highlight("Match", say("ambiguous"), "pending"),
            Highlight("Match", say("unresolved"), "warning"),
        ),
        description=say("One row for each reference from a procedure to another by name."),
    )
