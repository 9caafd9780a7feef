"""Small inventories in a real store, refresh by refresh, for tests of what is read from it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from klarify_xl.model import parse_row
from klarify_xl.records import State, Update
from klarify_xl.store import Store

from .conftest import NOW


def row(id_: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "name": f"Name of {id_}",
        "status": "published",
        "owner": "Maria",
        "performer": "Clerk",
        "lanes": [],
        "updated_at": "2026-02-01T08:30:00Z",
        "url": f"https://demo.klarify.me/process/{id_}",
        "called_within": [],
        "called_from": [],
        **fields,
    }


def refresh(
    store: Store,
    rows: Iterable[Mapping[str, Any]],
    *,
    at: datetime = NOW,
    removed: Iterable[str] = (),
) -> None:
    """Store what a refresh at a moment would have read."""
    read = {one.id: one for one in map(parse_row, rows)}
    store.apply(
        Update(
            mode="full",
            reason="",
            state=State(base_url="https://demo.klarify.biz", watermark=at),
            read=read,
            removed=frozenset(removed),
            requests=1,
            total_count=len(read),
            started_at=at,
            finished_at=at + timedelta(seconds=30),
        )
    )
