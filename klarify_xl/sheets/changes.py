"""The sheet of what changed from refresh to refresh, field by field, newest first."""

from collections.abc import Sequence
from typing import Final

from klarify_xl.language import Phrase
from klarify_xl.model import parse_stamp, readable
from klarify_xl.plan import Highlight, Sheet, Tone
from klarify_xl.records import Change, worth_showing
from klarify_xl.sheets.inventory import CHANGES, Inventory

MOST_CHANGES: Final = 10_000
"""Rows on the sheet; the store keeps the whole history."""

WORDS: Final = {
    "added": Phrase("added"),
    "changed": Phrase("changed"),
    "removed": Phrase("no longer listed"),
    "returned": Phrase("listed again"),
}
"""What the sheet calls each kind of change."""

_TONES: Final[dict[str, Tone]] = {
    "added": "good",
    "changed": "pending",
    "removed": "warning",
    "returned": "retired",
}
_COLUMNS: Final = {
    "name": "Name",
    "status": "Status",
    "owner": "Owner",
    "performer": "Performer",
    "url": "Link",
    "lanes": "Lanes",
    "called_within": "Called within",
    "called_from": "Called from",
    "updated_at": "Updated",
}


def changes_sheet(inventory: Inventory, changes: Sequence[Change]) -> Sheet:
    """Return the sheet with a row for each change.

    Args:
        inventory: What is listed now; what is no longer listed has no row to lead to.
        changes: The history, newest refresh first, without the first refresh.
    """
    rows = tuple(
        (
            one.at,
            inventory.say(WORDS[one.kind]),
            inventory.link(one.id),
            inventory.shown(one.name),
            _field(inventory, one.field) if one.field else None,
            _value(inventory, one.field, one.old) or None,
            _value(inventory, one.field, one.new) or None,
        )
        for one in worth_showing(changes)
    )
    return Sheet(
        name=CHANGES,
        table="Changes",
        identity=("Noticed", "Change", "ID", "Field"),
        columns=(
            inventory.column("Noticed", "moment", width=17),
            inventory.column("Change", width=19),
            inventory.column("ID", width=16),
            inventory.column("Procedure", width=42),
            inventory.column("Field", width=16),
            inventory.column("Before", width=40),
            inventory.column("After", width=40),
        ),
        rows=rows[:MOST_CHANGES],
        highlights=tuple(
            Highlight("Change", inventory.say(WORDS[kind]), tone) for kind, tone in _TONES.items()
        ),
        description=inventory.say(
            "One row for each change that a refresh noticed, the newest first."
        ),
    )


def _field(inventory: Inventory, name: str) -> str:
    """Return what the column of a field is called, or the name of an unknown field."""
    return inventory.title(_COLUMNS[name]) if name in _COLUMNS else inventory.shown(name)


def _value(inventory: Inventory, name: str | None, value: str | None) -> str:
    """Return a field's value as a person reads it, stamps in the workbook's time zone."""
    text = readable(value)
    moment = parse_stamp(text) if name == "updated_at" else None
    return inventory.options.local(moment).isoformat() if moment else inventory.shown(text)
