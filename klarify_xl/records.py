"""What sync, store and readers hand to each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from klarify_xl.language import Phrase
from klarify_xl.model import Procedure

Mode = Literal["full", "incremental"]
ChangeKind = Literal["added", "changed", "removed", "returned"]

CHANGE_WORDS: Final[Mapping[ChangeKind, Phrase]] = {
    "added": Phrase("added"),
    "changed": Phrase("changed"),
    "removed": Phrase("no longer listed"),
    "returned": Phrase("listed again"),
}
"""What people are told of each kind of change."""


@dataclass(frozen=True)
class State:
    """Where the last successful refresh left off.

    Attributes:
        base_url: Address that the rows came from, "" for an empty store.
        watermark: Newest stamp that a finished refresh has covered (UTC).
        last_full_at: When the last full walk began, by the local clock (UTC).
        shortfall: How many more the API counted than it listed at the last full walk.
        quarantined: Items without a usable id at the last full walk.
        kept: Procedures that the last full walk did not list, but could not prove gone either.
        key_mark: Mark of the access key that was used.
        page_size: Page size at the end of the last full walk, 0 for none.
    """

    base_url: str = ""
    watermark: datetime | None = None
    last_full_at: datetime | None = None
    shortfall: int = 0
    quarantined: int = 0
    kept: int = 0
    key_mark: str = ""
    page_size: int = 0


@dataclass(frozen=True)
class Update:
    """What a walk brought, to be stored in one transaction.

    Attributes:
        mode: Kind of the walk.
        reason: Why it is a full one, "" otherwise.
        state: The state to go on from next time.
        read: Procedures read, by id.
        removed: Ids that are no longer listed.
        requests: Requests sent.
        total_count: Procedures that the API counts.
        started_at: Begin, by the local clock (UTC).
        finished_at: End, by the local clock (UTC).
    """

    mode: Mode
    reason: str
    state: State
    read: Mapping[str, Procedure]
    removed: frozenset[str]
    requests: int
    total_count: int
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True)
class Refresh:
    """A line of the refresh log.

    Attributes:
        id: Number of the refresh, from 1.
        started_at: Begin (UTC).
        finished_at: End (UTC).
        mode: ``full`` or ``incremental``.
        reason: Why it was a full one, "" otherwise.
        outcome: ``changed``, ``unchanged`` or ``failed``.
        requests: Requests sent.
        listed: Procedures listed afterwards.
        fetched: Procedures read.
        total_count: Procedures that the API counts.
        quarantined: Items without a usable id.
        shortfall: How many more the API counts than it lists.
        kept: Procedures that it did not list, but that could not be proven gone either.
        added: Procedures seen for the first time.
        changed: Procedures with another content.
        removed: Procedures no longer listed.
        returned: Procedures listed again.
        watermark: Newest stamp covered (UTC), or None.
        error: Why it failed, or None.
    """

    id: int
    started_at: datetime
    finished_at: datetime
    mode: str
    reason: str
    outcome: str
    requests: int
    listed: int
    fetched: int = 0
    total_count: int = 0
    quarantined: int = 0
    shortfall: int = 0
    kept: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    returned: int = 0
    watermark: datetime | None = None
    error: str | None = None


@dataclass(frozen=True)
class Change:
    """A line of the change history.

    Attributes:
        refresh: Number of the refresh that noticed it.
        at: When that refresh began (UTC).
        id: The procedure's id.
        name: Its name now, or when last seen.
        kind: What happened.
        field: The field, for ``changed`` and ``returned``.
        old: Its value before, as a JSON text.
        new: Its value after, as a JSON text.
    """

    refresh: int
    at: datetime
    id: str
    name: str
    kind: ChangeKind
    field: str | None
    old: str | None
    new: str | None


def worth_showing(changes: Sequence[Change]) -> Iterator[Change]:
    """Leave out a procedure's stamp where another field tells what has changed."""
    told = {(one.refresh, one.id) for one in changes if one.field not in {None, "updated_at"}}
    for one in changes:
        if one.field != "updated_at" or (one.refresh, one.id) not in told:
            yield one
