"""The sheet of what changed from refresh to refresh, field by field, newest first."""

from collections.abc import Sequence
from typing import Final

from klarify_xl.model import readable
from klarify_xl.plan import Column, Highlight, Sheet
from klarify_xl.records import Change, worth_showing
from klarify_xl.sheets.inventory import CHANGES, Inventory, shown

MOST_CHANGES: Final = 10_000
"""Rows on the sheet; the store keeps the whole history."""

WORDS: Final = {
    "added": "added",
    "changed": "changed",
    "removed": "no longer listed",
    "returned": "listed again",
}
"""What the sheet calls each kind of change."""

_TITLES: Final = {
    "name": "Name",
    "status": "Status",
    "owner": "Owner",
    "performer": "Performer",
    "url": "Link",
    "lanes": "Lanes",
    "called_within": "Called within",
    "called_from": "Called from",
    "updated_at": "Updated (UTC)",
}
_CHANGE_HIGHLIGHTS: Final = (
    Highlight("Change", "added", "good"),
    Highlight("Change", "changed", "pending"),
    Highlight("Change", "no longer listed", "warning"),
    Highlight("Change", "listed again", "retired"),
)


def changes_sheet(inventory: Inventory, changes: Sequence[Change]) -> Sheet:
    """Return the sheet with a row for each change.

    Args:
        inventory: What is listed now; what is no longer listed has no row to lead to.
        changes: The history, newest refresh first, without the first refresh.
    """
    rows = tuple(
        (
            one.at,
            WORDS[one.kind],
            inventory.link(one.id),
            shown(one.name),
            shown(_TITLES.get(one.field, one.field)) if one.field else None,
            shown(readable(one.old)) or None,
            shown(readable(one.new)) or None,
        )
        for one in worth_showing(changes)
    )
    return Sheet(
        name=CHANGES,
        table=CHANGES,
        identity=("Noticed (UTC)", "Change", "ID", "Field"),
        columns=(
            Column("Noticed (UTC)", "moment", width=17),
            Column("Change", width=16),
            Column("ID", width=16),
            Column("Procedure", width=42),
            Column("Field", width=16),
            Column("Before", width=40),
            Column("After", width=40),
        ),
        rows=rows[:MOST_CHANGES],
        highlights=_CHANGE_HIGHLIGHTS,
        description="One row for each change that a refresh noticed, the newest first.",
    )
