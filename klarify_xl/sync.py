"""Brings the store up to date with the API: which walk is due, and what its result means.

An incremental walk asks for what changed since the watermark, less an overlap. The count of all
procedures, which the probe before it brings anyway, tells when one has vanished or appeared
without a stamp; then, and at least once a day, everything is read. Only a verified full walk says
that a procedure is no longer listed.
"""

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from klarify_xl.client import Client, Query
from klarify_xl.errors import BusyError, CancelledError, KlarifyError, RemovalsError, StoreError
from klarify_xl.model import Procedure
from klarify_xl.progress import OnProgress, ignore
from klarify_xl.records import Mode, Refresh, State, Update
from klarify_xl.settings import is_loopback
from klarify_xl.store import Store
from klarify_xl.walk import Listing, Probe, probe, read_all, walk

_LOG = logging.getLogger(__name__)

REMOVALS_SHARE: Final = 0.20
"""Share of the listed procedures that may vanish at once without being questioned."""

_NAMED: Final = 5

REMOVALS_FREE: Final = 10
"""Number of procedures that may vanish at once whatever their share."""


def utc_now() -> datetime:
    """Return the local clock's time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class _Sync:
    """One refresh under way, with what all its steps need."""

    client: Client
    store: Store
    state: State
    listed: frozenset[str]
    started_at: datetime
    deadline_at: float
    accept_removals: bool
    now: Callable[[], datetime]
    on_progress: OnProgress

    def incremental(self, watermark: datetime) -> Update | str:
        """Read what changed, or return why only a full walk can tell what happened."""
        settings = self.client.settings
        before = probe(self.client, self.deadline_at)
        query = Query(
            page_size=min(self.state.page_size or settings.page_size, settings.page_size),
            updated_after=_earlier(watermark, settings.overlap),
        )
        result = walk(
            self.client, query, deadline_at=self.deadline_at, on_progress=self.on_progress
        )
        if result.quarantined > self.state.quarantined:
            return "an item without a usable id"
        # A removal between two pages shifts the later ones; a single page can't be shifted.
        if result.pages > 1 and before.is_blind:
            return "no stamp to tell whether something changed between two pages"
        if result.pages > 1 and probe(self.client, self.deadline_at) != before:
            return "that procedures changed between two pages"
        if result.doubtful_end:
            return "the last page in doubt"
        listed = len(self.listed | result.procedures.keys())
        expected = listed - self.state.kept + self.state.shortfall + self.state.quarantined
        if before.total_count != expected:
            surplus = before.total_count - expected
            return f"{abs(surplus)} {'more' if surplus > 0 else 'fewer'} procedures than expected"
        state = replace(self.state, watermark=self._watermark(before, result.procedures))
        return self._update("", state, result.procedures, before, frozenset())

    def full(self, key_mark: str, reason: str) -> Update:
        """Read everything, and work out what is no longer listed."""
        listing = read_all(
            self.client,
            # A gap that was accepted once is no news; that it has grown may be.
            most_missing=None
            if self.accept_removals
            else max(0, self.state.shortfall) + self._bearable(),
            deadline_at=self.deadline_at,
            on_progress=self.on_progress,
        )
        vanished = self.listed - listing.procedures.keys()
        removed = self._removed(vanished, listing, key_mark)
        state = State(
            base_url=self.state.base_url or self.client.base_url,
            watermark=self._watermark(listing.probe, listing.procedures),
            last_full_at=self.started_at,
            shortfall=listing.shortfall,
            quarantined=listing.quarantined,
            kept=len(vanished - removed),
            key_mark=key_mark,
            page_size=listing.page_size,
        )
        return self._update(reason, state, listing.procedures, listing.probe, removed)

    def _removed(self, vanished: frozenset[str], listing: Listing, key_mark: str) -> frozenset[str]:
        """Return which of the vanished are proven to be no longer listed."""
        # One of the items without an id may be one of the missing ones. And where counted and
        # listed have always been the same, what is still counted is not gone yet; if a later full
        # walk finds the same gap, the API is one that counts what it does not list.
        is_first_gap = listing.shortfall > 0 >= self.state.shortfall
        if not vanished or listing.quarantined or (is_first_gap and not self.accept_removals):
            return frozenset()
        is_replaced = len(vanished) == len(self.listed) and bool(listing.procedures)
        is_other_key = key_mark != self.state.key_mark
        believed = self.accept_removals and len(vanished) <= REMOVALS_FREE
        if is_replaced and is_other_key and not believed:
            raise StoreError(
                f"None of the {len(self.listed)} procedures in {self.store.path} is listed any "
                f"more, but {len(listing.procedures)} others are: this looks like another "
                "organisation's key.",
                hint="Use one --store for each organisation. Nothing was changed.",
            )
        if len(vanished) > self._bearable() and not self.accept_removals:
            raise RemovalsError(
                f"{len(vanished)} of {len(self.listed)} procedures are no longer listed, "
                f"such as {self._some_names(vanished)}.",
                hint="Nothing was changed. If they really are gone, run once more with "
                "--accept-removals.",
            )
        return vanished

    def _some_names(self, ids: frozenset[str]) -> str:
        names = [f"{one.name} [{one.id}]" for one in self.store.procedures() if one.id in ids]
        _LOG.info("No longer listed: %s", "; ".join(names))
        return "; ".join(names[:_NAMED])

    def _bearable(self) -> int:
        return max(REMOVALS_FREE, int(REMOVALS_SHARE * len(self.listed)))

    def _watermark(self, before: Probe, read: Mapping[str, Procedure]) -> datetime | None:
        """Return the newest stamp of the server's own, never in its future and never backwards.

        Where the newest stamp is none, since some server sorts what has none to the top, the
        newest of those read will do: what was stamped after the probe lies in its future.
        """
        stamps = (one.updated_at for one in read.values() if one.updated_at is not None)
        newest = before.moment or max(stamps, default=None)
        if newest is None:
            return self.state.watermark
        newest = min(newest, before.server_time or self.started_at)
        return max(newest, self.state.watermark) if self.state.watermark else newest

    def _update(
        self,
        reason: str,
        state: State,
        read: dict[str, Procedure],
        before: Probe,
        removed: frozenset[str],
    ) -> Update:
        return Update(
            mode="full" if reason else "incremental",
            reason=reason,
            state=state,
            read=read,
            removed=removed,
            requests=self.client.request_count,
            total_count=before.total_count,
            started_at=self.started_at,
            finished_at=self.now(),
        )


def _earlier(moment: datetime, overlap: timedelta) -> datetime:
    try:
        return moment - overlap
    except OverflowError:
        return moment


def sync(
    client: Client,
    store: Store,
    *,
    full: bool = False,
    accept_removals: bool = False,
    now: Callable[[], datetime] = utc_now,
    on_progress: OnProgress = ignore,
) -> Refresh:
    """Read from the API what is due, and store it in one transaction.

    The caller holds `Store.exclusive`.

    Args:
        client: The organisation's API.
        store: The organisation's store.
        full: Read everything, whether or not it is due.
        accept_removals: Believe it when suspiciously many procedures vanish.
        now: The local clock (UTC).
        on_progress: Told after each page.

    Returns:
        The line of the refresh log.

    Raises:
        StoreError: The store belongs to another organisation, or can't be written.
        RemovalsError: Suspiciously many procedures vanished.
        UnstableError: The data kept changing.
        KlarifyError: Whatever the API raises; the store is as it was.
    """
    started_at = now()
    state = store.state()
    _refuse_other_address(client, store, state)
    key_mark = client.key.mark(store.salt())
    run = _Sync(
        client=client,
        store=store,
        state=state,
        listed=frozenset(store.listed_ids()),
        started_at=started_at,
        deadline_at=client.deadline_at(),
        accept_removals=accept_removals,
        now=now,
        on_progress=on_progress,
    )
    reason = _reason_for_full(client, state, key_mark, started_at, asked=full)
    try:
        update: Update | str = reason
        if not reason and state.watermark is not None:
            update = run.incremental(state.watermark)
            if isinstance(update, str):
                reason = f"an incremental one found {update}"
        if isinstance(update, str):
            _LOG.info("Reading everything: %s", reason)
            update = run.full(key_mark, reason)
    except CancelledError:
        raise
    except KlarifyError as error:
        _LOG.error("Refresh failed: %s", error)
        mode: Mode = "full" if reason else "incremental"
        with contextlib.suppress(StoreError, BusyError):
            # The log must not hide the error.
            store.record_failure(mode, started_at, now(), client.request_count, str(error))
        raise
    log = store.apply(update)
    _LOG.info(
        "Refresh %d (%s) %s: %d listed, %d added, %d changed, %d removed, %d returned",
        log.id,
        log.mode,
        log.outcome,
        log.listed,
        log.added,
        log.changed,
        log.removed,
        log.returned,
    )
    return log


def _refuse_other_address(client: Client, store: Store, state: State) -> None:
    if state.base_url and _place(state.base_url) != _place(client.base_url):
        raise StoreError(
            f"The store {store.path} holds procedures from {state.base_url}, not from "
            f"{client.base_url}.",
            hint="Use one --store for each organisation and address.",
        )


def _place(base_url: str) -> str:
    """Return what tells addresses apart: on loopback a port means nothing lasting."""
    parts = urlsplit(base_url)
    return f"loopback{parts.path}" if is_loopback(parts.hostname or "") else base_url


def _reason_for_full(
    client: Client, state: State, key_mark: str, now: datetime, *, asked: bool
) -> str:
    """Return why a full walk is due, or "" if an incremental one will do."""
    if asked:
        return "asked for"
    if state.last_full_at is None:
        return "first refresh"
    if state.watermark is None:
        return "no stamp to go on from"
    if state.key_mark != key_mark:
        return "another access key"
    if not timedelta(0) <= now - state.last_full_at < client.settings.full_every:
        return f"due every {client.settings.full_every.total_seconds() / 3600:.0f} hours"
    return ""
