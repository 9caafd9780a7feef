"""Traps C11 to C16: a later refresh sees every change, and its memory survives every accident."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import klarify_xl
from klarify_xl.client import Client, Query
from klarify_xl.demo import Behaviour, DemoServer, Fault, Organisation
from klarify_xl.errors import (
    BusyError,
    NetworkError,
    RemovalsError,
    StoreError,
)
from klarify_xl.model import parse_stamp
from klarify_xl.records import Update
from klarify_xl.settings import Settings
from klarify_xl.store import Store
from klarify_xl.sync import sync

MakeServer = Callable[..., DemoServer]
MakeClient = Callable[..., Client]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

INCLUSIVE = pytest.mark.parametrize("inclusive", [False, True], ids=["after", "since"])


def names(store: Store) -> dict[str, str]:
    return {one.id: one.name for one in store.procedures()}


def actual_names(server: DemoServer) -> dict[str, str]:
    return {row["id"]: row["name"] for row in server.organisation.rows}


def filters(server: DemoServer) -> set[str]:
    return {
        request.query["last_updated_at"]
        for request in server.requests
        if "last_updated_at" in request.query
    }


# Many changes in one second (C11, C12)


@INCLUSIVE
def test_250_changes_with_one_stamp_all_arrive(
    make_server: MakeServer, make_client: MakeClient, store: Store, *, inclusive: bool
) -> None:
    server = make_server(400, behaviour=Behaviour(after_inclusive=inclusive))
    client = make_client(server)
    sync(client, store)
    for row in server.organisation.rows[50:300]:
        server.organisation.edit(row["id"], name=f"{row['name']} again")
    log = sync(client, store)

    assert (log.mode, log.changed) == ("incremental", 250)
    assert names(store) == actual_names(server)


@INCLUSIVE
def test_refreshes_go_on_after_250_equal_stamps(
    make_server: MakeServer, make_client: MakeClient, store: Store, *, inclusive: bool
) -> None:
    server = make_server(400, behaviour=Behaviour(after_inclusive=inclusive))
    client = make_client(server)
    for row in server.organisation.rows[50:300]:
        server.organisation.edit(row["id"], name=f"{row['name']} again")
    sync(client, store)
    server.organisation.now += timedelta(seconds=1)
    server.organisation.edit(server.organisation.rows[399]["id"], name="one more")
    log = sync(client, store)

    assert (log.mode, log.changed, log.watermark) == ("incremental", 1, server.organisation.now)
    assert names(store) == actual_names(server)


@INCLUSIVE
def test_a_second_edit_in_the_second_of_the_watermark_is_seen(
    make_server: MakeServer, make_client: MakeClient, store: Store, *, inclusive: bool
) -> None:
    server = make_server(behaviour=Behaviour(after_inclusive=inclusive))
    client = make_client(server)
    first, second = (row["id"] for row in server.organisation.rows[:2])
    server.organisation.edit(first, name="once")
    sync(client, store)
    server.organisation.edit(first, name="twice")
    server.organisation.edit(second, name="in the same second")
    log = sync(client, store)

    assert (log.mode, log.changed) == ("incremental", 2)
    assert names(store) == actual_names(server)


def test_content_is_compared_and_not_stamps(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    server.organisation.edit("10001", name="stamped")
    sync(client, store)
    # Within the overlap, without another stamp.
    server.organisation.edit("10001", stamp=False, owner="somebody else")

    assert sync(client, store).changed == 1
    assert sync(client, store).changed == 0
    (change,) = store.changes(since=2)
    assert (change.field, change.new) == ("owner", '"somebody else"')


# The watermark (C13)


def test_the_watermark_is_the_newest_stamp_from_before_the_walk(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server, overlap=timedelta(0))
    edited = server.organisation.rows[7]["id"]

    def edit(organisation: Organisation) -> None:
        # The walk has passed the row already.
        organisation.now += timedelta(seconds=1)
        organisation.edit(edited, name=f"edited at {organisation.now:%H:%M:%S}")

    server.script(Fault.mutation(edit).on(page=1, walk=True, times=2))
    first = sync(client, store)
    assert first.watermark == NOW + timedelta(seconds=1)
    assert names(store)[edited] == "edited at 12:00:01"

    second = sync(client, store)
    assert (second.mode, second.watermark) == ("incremental", NOW + timedelta(seconds=2))
    assert names(store)[edited] == "edited at 12:00:02"


@pytest.mark.parametrize("years", [-40, 40])
def test_a_wrong_local_clock_hides_no_change(
    server: DemoServer, make_client: MakeClient, store: Store, years: int
) -> None:
    wrong = NOW + timedelta(days=365 * years)
    client = make_client(server)
    sync(client, store, now=lambda: wrong)
    server.organisation.evolve(additions=0, removals=0)
    log = sync(client, store, now=lambda: wrong + timedelta(minutes=1))

    assert (log.mode, log.changed) == ("incremental", 9)
    assert names(store) == actual_names(server)


def test_the_watermark_never_goes_back(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    server.organisation.edit("10001")
    sync(client, store)
    for row in server.organisation.rows:
        server.organisation.edit(row["id"], stamp=NOW - timedelta(days=900))
    sync(client, store, full=True)

    assert store.state().watermark == NOW


def test_a_failed_refresh_does_not_move_the_watermark(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)
    before = store.state()
    server.organisation.evolve(additions=0, removals=0)
    server.script(Fault.reply(500).on(walk=True, times=5))

    with pytest.raises(NetworkError):
        sync(client, store)

    assert store.state() == before
    assert sync(client, store).changed == 9


def test_changes_that_are_committed_late_are_within_the_overlap(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    server.organisation.edit("10001")
    sync(client, store)
    late = server.organisation.rows[3]["id"]
    server.organisation.edit(late, stamp=NOW - timedelta(minutes=4), name="committed late")
    sync(client, store)

    assert names(store)[late] == "committed late"
    assert filters(server) == {"2026-03-01T11:55:00Z"}


def test_a_stamp_of_the_year_9999_does_not_blind_the_watermark(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    server.organisation.now = datetime.now(UTC).replace(microsecond=0)
    server.organisation.add(updated_at="9999-12-31T23:59:59Z")
    sync(client, store)
    watermark = store.state().watermark
    server.organisation.evolve(additions=0, removals=0)
    log = sync(client, store)

    assert watermark is not None
    assert abs(watermark - datetime.now(UTC)) < timedelta(minutes=1)
    assert (log.mode, log.changed) == ("incremental", 9)
    assert names(store) == actual_names(server)


@pytest.mark.parametrize("stamp", ["ordinary", "far future"])
def test_a_removal_between_two_pages_of_changes_hides_no_change(
    server: DemoServer, make_client: MakeClient, store: Store, stamp: str
) -> None:
    client = make_client(server, concurrency=1)
    sync(client, store)
    server.organisation.evolve(edits=250, additions=0, removals=0)
    first, second = (row["id"] for row in server.organisation.rows[:2])
    if stamp == "far future":
        server.organisation.edit(second, stamp=False, updated_at="9999-12-31T23:59:59Z")

    def add(organisation: Organisation) -> None:
        organisation.now += timedelta(seconds=1)
        organisation.add()

    # What follows moves to the page already read. The addition comes too late to be read.
    server.script(Fault.mutation(lambda one: one.remove(first)).on(page=1, walk=True))
    server.script(Fault.mutation(add).on(walk=False, after=1))
    log = sync(client, store)

    assert log.mode == "full"
    assert names(store) == actual_names(server)


def test_an_end_that_is_in_doubt_is_not_trusted_with_changes(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)
    server.organisation.evolve(edits=150, additions=0, removals=0)
    # Page 0 calls itself the last one; page 1, which tells better, keeps failing.
    server.script(Fault.edited(lambda one: {**one, "hasNext": False}).on(page=0, walk=True))
    server.script(Fault.reply(500).on(page=1, walk=True, times=5))
    log = sync(client, store)

    assert (log.mode, log.changed) == ("full", 150)
    assert names(store) == actual_names(server)


def test_stamps_of_the_year_1_are_asked_for_as_four_digits(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    for row in server.organisation.rows:
        server.organisation.edit(row["id"], stamp=False, updated_at="0001-01-01T00:00:00Z")
    client = make_client(server)
    sync(client, store)
    server.organisation.edit("10001", name="changed")

    assert sync(client, store).changed == 1
    assert filters(server) == {"0001-01-01T00:00:00Z"}


# What no filter reports (C14)


def test_a_removal_is_noticed_by_the_count_at_once(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)
    step = server.organisation.evolve(removals=3)
    log = sync(client, store)

    assert (log.mode, log.removed) == ("full", 3)
    assert log.reason == "an incremental one found 3 fewer procedures than expected"
    assert names(store) == actual_names(server)
    removed = [one.id for one in store.changes(since=2) if one.kind == "removed"]
    assert removed == sorted(step.removed)


@pytest.mark.parametrize("hours", [24, 100])
def test_silent_changes_are_found_by_the_daily_full_refresh(
    server: DemoServer, make_client: MakeClient, store: Store, hours: int
) -> None:
    organisation = server.organisation
    client = make_client(server)
    moment = NOW
    sync(client, store, now=lambda: moment)
    renamed = organisation.rows[100]
    organisation.edit(renamed["id"], stamp=False, called_from=["Renamed elsewhere"])
    organisation.remove(organisation.rows[0]["id"])
    restored = organisation.add(updated_at="2020-01-01T00:00:00Z")
    moment = NOW + timedelta(hours=23)
    early = sync(client, store, now=lambda: moment)
    moment = NOW + timedelta(hours=hours)
    late = sync(client, store, now=lambda: moment)

    assert (early.mode, early.outcome) == ("incremental", "unchanged")
    assert (late.mode, late.reason) == ("full", "due every 24 hours")
    assert (late.added, late.changed, late.removed) == (1, 1, 1)
    assert restored in store.listed_ids()
    assert names(store) == actual_names(server)


def test_a_procedure_that_returns_keeps_its_history(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    row = server.organisation.rows[7]
    sync(client, store)
    server.organisation.remove(row["id"])
    sync(client, store)
    server.organisation.add(**row)
    log = sync(client, store)

    assert (log.added, log.returned) == (0, 1)
    assert [(one.id, one.kind) for one in store.changes(since=2)] == [
        (row["id"], "returned"),
        (row["id"], "removed"),
    ]


@pytest.mark.parametrize(
    ("procedures", "bearable"), [(250, 50), (254, 50), (255, 51), (40, 10), (20, 10), (12, 10)]
)
def test_the_mass_removal_guard_stands_at_20_percent_or_10(
    make_server: MakeServer,
    make_client: MakeClient,
    store: Store,
    procedures: int,
    bearable: int,
) -> None:
    server = make_server(procedures)
    organisation = server.organisation
    client = make_client(server)
    sync(client, store)
    saved = organisation.rows
    for row in saved[: bearable + 1]:
        organisation.remove(row["id"])

    with pytest.raises(RemovalsError, match=f"{bearable + 1} of {procedures} "):
        sync(client, store)
    assert len(store.listed_ids()) == procedures

    organisation.add(**saved[0])
    assert sync(client, store).removed == bearable
    assert names(store) == actual_names(server)


def test_a_mass_removal_is_believed_when_somebody_says_so(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)
    for row in server.organisation.rows[:249]:
        server.organisation.remove(row["id"])
    log = sync(client, store, accept_removals=True)

    assert (log.removed, log.listed) == (249, 1)


def test_an_organisation_that_seems_empty_removes_nothing(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)
    for row in server.organisation.rows:
        server.organisation.remove(row["id"])

    with pytest.raises(RemovalsError):
        sync(client, store)

    assert len(store.listed_ids()) == 250


def test_an_unverified_walk_removes_nothing(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)

    def lose(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "data": document["data"][60:]}

    # A page always lacks sixty rows that the API still counts.
    server.script(Fault.edited(lose).on(page=1, walk=True, times=None))

    with pytest.raises(RemovalsError, match="counts 250 procedures but lists only 190"):
        sync(client, store, full=True)

    assert len(store.listed_ids()) == 250


# What no accident may break (C15)


def test_a_retry_after_a_failure_delivers_everything(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    server.script(Fault.reply(500).on(page=2, walk=True, times=5))

    with pytest.raises(NetworkError):
        sync(client, store)

    assert sync(client, store).added == 250


DYING = """
import os, sys
from klarify_xl.client import Client
from klarify_xl.settings import Settings
from klarify_xl.store import Store
from klarify_xl.sync import sync

url, key, path, method = sys.argv[1:]
setattr(Store, method, lambda *_: os._exit(9))
with Store(path) as store, store.exclusive(), Client(key, settings=Settings(url)) as client:
    sync(client, store)
"""


@pytest.mark.parametrize("method", ["apply", "_log", "_insert_refresh"])
def test_a_process_that_dies_before_the_commit_leaves_the_state_before(
    server: DemoServer, make_client: MakeClient, tmp_path: Path, method: str
) -> None:
    path = tmp_path / "klarify.db"
    client = make_client(server)
    with Store(path) as store:
        sync(client, store)
        before = (store.digest(), store.state(), store.refreshes(), store.changes())
    server.organisation.evolve()
    arguments = [server.url, server.access_key, str(path), method]
    died = subprocess.run(
        [sys.executable, "-c", DYING, *arguments], check=False, timeout=30, capture_output=True
    )

    assert died.returncode == 9, died.stderr
    with Store(path) as store, store.exclusive():
        assert (store.digest(), store.state(), store.refreshes(), store.changes()) == before
        log = sync(client, store)
        assert (log.added, log.changed, log.removed) == (4, 9, 3)
        assert names(store) == actual_names(server)


def test_data_and_watermark_are_stored_together_or_not_at_all(
    server: DemoServer, make_client: MakeClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(server)
    sync(client, store)
    before = (store.digest(), store.state())
    server.organisation.evolve()
    original = Store.apply

    def refuse_the_state(self: Store, update: Update) -> Any:
        self._connection.execute(
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.state "
            "WHEN NEW.name = 'watermark' BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        return original(self, update)

    monkeypatch.setattr(Store, "apply", refuse_the_state)
    with pytest.raises(StoreError, match="disk full"):
        sync(client, store)

    assert (store.digest(), store.state()) == before


def test_one_of_two_refreshes_at_once_is_refused_while_readers_go_on(
    server: DemoServer, tmp_path: Path
) -> None:
    out = tmp_path / "procedures.xlsx"
    settings = Settings(base_url=server.url, store=tmp_path / "klarify.db", deadline=20)

    def refresh() -> klarify_xl.RefreshResult:
        return klarify_xl.refresh(out, access_key=server.access_key, settings=settings, full=True)

    refresh()
    server.organisation.evolve()
    reached, released = threading.Event(), threading.Event()

    def hold(_: Organisation) -> None:
        reached.set()
        released.wait(20)

    server.script(Fault.mutation(hold).on(page=1, walk=True))
    results: list[klarify_xl.RefreshResult] = []
    first = threading.Thread(target=lambda: results.append(refresh()))
    first.start()
    try:
        assert reached.wait(10)
        with pytest.raises(BusyError, match="Another refresh"):
            refresh()
        with Store(settings.store, read_only=True) as reader:
            assert len(reader.procedures()) == 250
            assert [line.outcome for line in reader.refreshes()] == ["changed"]
    finally:
        released.set()
        first.join(20)

    (result,) = results
    assert (result.added, result.changed, result.removed) == (4, 9, 3)
    with Store(settings.store, read_only=True) as reader:
        assert names(reader) == actual_names(server)


def test_readers_see_the_state_before_until_the_commit(
    server: DemoServer, make_client: MakeClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(server)
    sync(client, store)
    server.organisation.evolve()
    original = Store._insert_refresh
    seen: list[int] = []

    def look(self: Store, refresh: Any) -> None:
        original(self, refresh)
        with Store(store.path, read_only=True) as reader:
            seen.append(len(reader.listed_ids()))

    monkeypatch.setattr(Store, "_insert_refresh", look)
    sync(client, store)

    assert seen == [250]
    assert len(store.listed_ids()) == 251


def test_another_organisations_key_changes_nothing(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    sync(make_client(server), store)
    before = (store.digest(), store.state())
    other = Organisation(procedures=240, seed=99, now=NOW)
    with DemoServer(other, access_key="the other key") as elsewhere:
        # The same numbers may occur in two organisations; these do not.
        for row in other.rows:
            other.remove(row["id"])
            other.add(**{**row, "id": f"other {row['id']}"})
        with pytest.raises(StoreError, match="another organisation's key"):
            sync(make_client(elsewhere), store)

    assert (store.digest(), store.state()) == before


def test_an_organisation_may_replace_its_only_procedure(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(1)
    client = make_client(server)
    sync(client, store)
    server.organisation.evolve(edits=0, additions=1, removals=1)
    log = sync(client, store)

    assert (log.added, log.removed) == (1, 1)
    assert names(store) == actual_names(server)


def test_a_new_key_of_the_same_organisation_leads_to_a_full_refresh(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    sync(make_client(server), store)
    server.access_key = "regenerated"
    log = sync(make_client(server), store)

    assert (log.mode, log.reason, log.outcome) == ("full", "another access key", "unchanged")
    assert sync(make_client(server), store).mode == "incremental"


def test_a_store_is_bound_to_its_address(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    sync(make_client(server), store)
    elsewhere = make_client(server, base_url="https://integration.example.com")

    with pytest.raises(StoreError, match=r"not from https://integration\.example\.com"):
        sync(elsewhere, store)


@pytest.mark.parametrize("damage", ["text", "truncated", "foreign", "newer"])
def test_a_damaged_or_foreign_store_is_explained_and_left_alone(
    server: DemoServer, make_client: MakeClient, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "klarify.db"
    with Store(path) as store:
        sync(make_client(server), store)
        if damage == "foreign":
            store._connection.execute("PRAGMA application_id = 1")
        elif damage == "newer":
            store._connection.execute("PRAGMA user_version = 99")
    if damage == "text":
        path.write_text('{"last_sync": "2024-01-01"}' * 100)
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    before = path.read_bytes()

    with pytest.raises(StoreError) as caught, Store(path) as store:
        store.procedures()

    assert str(path) in str(caught.value)
    assert caught.value.hint
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_locked_is_not_taken_for_a_busy_store(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    sync(make_client(server), store)
    store.path.with_name("klarify.db.lock").mkdir()

    with pytest.raises(StoreError), store.exclusive():
        pass


# How stamps are compared and sent (C16)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500Z"),
        ("2026-01-01T01:30:00+02:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00", "2026-01-01T00:00:01Z"),
        ("2026-01-01T00:00:00-05:00", "2026-01-01T05:00:00.000001Z"),
    ],
)
def test_stamps_are_compared_as_moments(earlier: str, later: str) -> None:
    first, second = parse_stamp(earlier), parse_stamp(later)

    assert first is not None
    assert second is not None
    assert first < second
    assert first.tzinfo is UTC


@pytest.mark.parametrize(
    "stamp", ["", "yesterday", "2026-13-01T00:00:00Z", "0", None, 1767225600, [], "\ud800", "NaN"]
)
def test_a_bad_stamp_never_enters_the_watermark(
    server: DemoServer, make_client: MakeClient, store: Store, stamp: object
) -> None:
    organisation = server.organisation
    client = make_client(server)
    organisation.edit("10001", name="newest")
    sync(client, store)
    organisation.edit(organisation.rows[1]["id"], stamp=False, updated_at=stamp, name="odd")
    # Whatever the server's order makes of it, the odd stamp is what the probe gets to see.
    odd = [row for row in organisation.rows if row["name"] == "odd"]
    server.script(
        Fault.edited(lambda document: {**document, "data": odd}).on(walk=False, times=None)
    )
    sync(client, store, full=True)

    assert store.state().watermark == NOW
    assert names(store) == actual_names(server)


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        (datetime(2026, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        (
            datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))),
            "2025-12-31T22:30:00Z",
        ),
    ],
)
def test_the_filter_is_sent_in_whole_seconds_rounded_down_with_z(
    server: DemoServer, make_client: MakeClient, moment: datetime, sent: str
) -> None:
    make_client(server).page(Query(updated_after=moment))

    assert filters(server) == {sent}


def test_fractions_of_a_second_lose_no_change(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(behaviour=Behaviour(fractional_stamps=True))
    client = make_client(server)
    server.organisation.edit("10001", name="once")
    sync(client, store)
    server.organisation.edit("10001", name="twice")

    assert store.state().watermark == NOW + timedelta(milliseconds=250)
    assert sync(client, store).changed == 1
    assert names(store)["10001"] == "twice"
