"""The sheet of what changed from refresh to refresh, field by field, newest first."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from klarify_xl.model import parse_stamp, readable
from klarify_xl.plan import Highlight, Sheet, Tone
from klarify_xl.records import CHANGE_WORDS, Change, ChangeKind, worth_showing
from klarify_xl.sheets.inventory import CHANGES, Inventory

MOST_CHANGES: Final = 10_000
"""Rows on the sheet, besides those of what is gone; the store keeps the whole history."""

_TONES: Final[Mapping[ChangeKind, Tone]] = {
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


@dataclass(frozen=True)
class News:
    """What the last refresh noticed about a procedure.

    Attributes:
        words: In words, for a cell.
        columns: Keys of the columns of Procedures that changed; all of them if it is new there.
    """

    words: str
    columns: frozenset[str]


def news(inventory: Inventory, changes: Sequence[Change], refresh: int) -> dict[str, News]:
    """Return what a refresh noticed, by the procedures' ids.

    Args:
        inventory: What is listed now.
        changes: The history, without the first refresh.
        refresh: Number of the refresh.
    """
    told: defaultdict[str, dict[str, None]] = defaultdict(dict)
    columns: defaultdict[str, set[str]] = defaultdict(set)
    for one in worth_showing([change for change in changes if change.refresh == refresh]):
        if one.kind == "changed" and one.field:
            told[one.id][_field(inventory, one.field)] = None
            columns[one.id].add(_COLUMNS.get(one.field, ""))
        elif one.kind in {"added", "returned"}:
            told[one.id] = {inventory.say(CHANGE_WORDS[one.kind]): None}
            columns[one.id] = set(_COLUMNS.values())
    return {
        id_: News("; ".join(words), frozenset(columns[id_]))
        for id_, words in told.items()
        if id_ in inventory.rows
    }


def _kept(inventory: Inventory, changes: Sequence[Change]) -> Iterator[Change]:
    """Yield the newest changes, and older ones of procedures that are no longer listed.

    So each of these has a line that tells when it went, however long ago that was.
    """
    for number, one in enumerate(changes):
        if number < MOST_CHANGES or (one.kind == "removed" and one.id not in inventory.rows):
            yield one


def changes_sheet(inventory: Inventory, changes: Sequence[Change]) -> Sheet:
    """Return the sheet with a row for each change.

    Args:
        inventory: What is listed now; what is no longer listed has no row to lead to.
        changes: The history, newest refresh first, without the first refresh.
    """
    rows = tuple(
        (
            one.at,
            inventory.say(CHANGE_WORDS[one.kind]),
            inventory.link(one.id),
            inventory.shown(one.name),
            _field(inventory, one.field) if one.field else None,
            _value(inventory, one.field, one.old) or None,
            _value(inventory, one.field, one.new) or None,
        )
        for one in _kept(inventory, list(worth_showing(changes)))
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
        rows=rows,
        highlights=tuple(
            Highlight("Change", inventory.say(CHANGE_WORDS[kind]), tone)
            for kind, tone in _TONES.items()
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
