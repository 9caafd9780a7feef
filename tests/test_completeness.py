"""Traps C1 to C10: whatever the API and its users do, the list is complete or there is none."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import klarify_xl
from klarify_xl import walk as walking
from klarify_xl.client import Client, Query
from klarify_xl.demo import Behaviour, DemoServer, Fault, Organisation
from klarify_xl.errors import KlarifyError, NetworkError, ReplyError, UnstableError
from klarify_xl.settings import Settings
from klarify_xl.store import Store
from klarify_xl.sync import sync
from klarify_xl.walk import read_all, walk

MakeServer = Callable[..., DemoServer]
MakeClient = Callable[..., Client]
Document = dict[str, Any]


def ids(server: DemoServer) -> list[str]:
    return [row["id"] for row in server.organisation.rows]


def walk_requests(server: DemoServer) -> list[tuple[int, int]]:
    """Return page and page size of the requests that belong to walks."""
    return [
        (int(request.query["page"]), int(request.query["pageSize"]))
        for request in server.requests
        if request.query["sort"] == "created_at,asc"
    ]


def walks(server: DemoServer) -> int:
    return sum(page == 0 for page, _ in walk_requests(server))


def swap_first(organisation: Organisation) -> None:
    """Remove the oldest procedure and add one: the count stays, everything else moves up."""
    organisation.now += timedelta(seconds=1)
    organisation.remove(organisation.rows[0]["id"])
    organisation.add()


def forget(name: str) -> Callable[[Document], Document]:
    return lambda document: {key: document[key] for key in document if key != name}


# Errors in the middle (C1)


@pytest.mark.parametrize("page", [0, 1, 2])
def test_one_error_in_the_middle_does_not_shorten_the_list(
    server: DemoServer, make_client: MakeClient, page: int
) -> None:
    server.script(Fault.reply(503).on(page=page, walk=True))

    assert list(read_all(make_client(server)).procedures) == ids(server)


FAILURES: dict[str, Callable[[], Fault]] = {
    "a server fault": lambda: Fault.reply(503),
    "an error document with status 200": lambda: Fault.reply(200, {"error": "oops"}),
    "a refused parameter": lambda: Fault.reply(400, {"error": "bad"}),
    "a reset": Fault.reset,
    "a cut body": lambda: Fault.cut(1000),
    "a web page": lambda: Fault.reply(200, "<html>"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_walk_publishes_nothing(
    server: DemoServer, make_client: MakeClient, store: Store, failure: str
) -> None:
    client = make_client(server)
    sync(client, store)
    before = (store.procedures(), store.state(), store.changes(), store.digest())
    server.organisation.evolve(edits=20, additions=5, removals=5)
    server.script(FAILURES[failure]().on(page=2, walk=True, times=None))

    with pytest.raises(KlarifyError):
        sync(client, store, full=True)

    assert (store.procedures(), store.state(), store.changes(), store.digest()) == before
    assert [line.outcome for line in store.refreshes()] == ["changed", "failed"]


def test_a_failed_walk_leaves_the_workbook_alone(server: DemoServer, tmp_path: Path) -> None:
    out = tmp_path / "procedures.xlsx"
    settings = Settings(base_url=server.url, store=tmp_path / "klarify.db", deadline=10)
    klarify_xl.refresh(out, access_key=server.access_key, settings=settings)
    before = out.read_bytes()
    server.organisation.evolve(edits=20)
    server.script(Fault.reply(400).on(page=2, walk=True, times=None))

    with pytest.raises(ReplyError):
        klarify_xl.refresh(out, access_key=server.access_key, settings=settings, full=True)

    assert out.read_bytes() == before


# How the order is asked for, and which of two duplicates is kept (C2)


def test_every_request_names_its_order(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)
    server.organisation.evolve(removals=0, additions=0)
    sync(client, store)

    assert {request.query["sort"] for request in server.requests} == {
        "created_at,asc",
        "updated_at,desc",
    }


def test_of_duplicates_the_newest_wins_wherever_it_stands(
    server: DemoServer, make_client: MakeClient
) -> None:
    first, second, third = server.organisation.rows[:3]
    older = {"updated_at": "2001-01-01T00:00:00Z", "name": "older"}
    newer = {"updated_at": "2026-03-01T11:59:59.5+00:00", "name": "newer"}
    no_stamp = {"updated_at": None, "name": "unstamped"}

    def repeat(document: Document) -> Document:
        copies = [{**first, **older}, {**second, **newer}, {**third, **no_stamp}]
        return {**document, "data": [*copies, *document["data"]]}

    server.script(Fault.edited(repeat).on(page=1, walk=True))
    server.script(Fault.edited(repeat).on(page=0, walk=True))
    found = read_all(make_client(server)).procedures

    assert sorted(found) == sorted(ids(server))
    assert [found[row["id"]].name for row in (first, second, third)] == [
        first["name"],
        "newer",
        third["name"],
    ]


# Page sizes (C3)


def test_a_smaller_page_size_starts_the_walk_again(
    server: DemoServer, make_client: MakeClient
) -> None:
    server.script(Fault.reply(504).on(page=2, walk=True, times=2))
    listing = read_all(make_client(server, concurrency=1))

    assert list(listing.procedures) == ids(server)
    assert listing.page_size == 50
    assert walk_requests(server) == [
        *[(0, 100), (1, 100), (2, 100), (2, 100)],
        *[(page, 50) for page in range(5)],
    ]


# Edits during the walk (C4)


@pytest.mark.parametrize("page", [0, 1, 2])
def test_an_edit_during_the_walk_hides_no_item(
    server: DemoServer, make_client: MakeClient, store: Store, page: int
) -> None:
    edited = [row["id"] for row in server.organisation.rows[::40]]

    def edit(organisation: Organisation) -> None:
        for one in edited:
            organisation.edit(one, name="edited meanwhile")

    server.script(Fault.mutation(edit).on(page=page, walk=True))
    sync(make_client(server, concurrency=1), store)

    assert sorted(store.listed_ids()) == sorted(ids(server))
    assert {one.id for one in store.procedures() if one.name == "edited meanwhile"} == set(edited)


def test_people_who_edit_all_the_time_do_not_stop_a_walk(
    server: DemoServer, make_client: MakeClient
) -> None:
    # Edits move nothing in order of creation, so two walks with the same ids are proof enough.
    moment = server.organisation.now

    def edit(organisation: Organisation) -> None:
        nonlocal moment
        moment += timedelta(seconds=1)
        organisation.edit(organisation.rows[7]["id"], stamp=moment)

    server.script(Fault.mutation(edit).on(page=1, walk=True, times=None))
    listing = read_all(make_client(server))

    assert list(listing.procedures) == ids(server)
    assert listing.walks == 2


# Removals during the walk (C5)


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize("stamp", ["ordinary", "far future", "nonsense"])
def test_a_removal_and_an_addition_during_the_walk_hide_no_item(
    server: DemoServer, make_client: MakeClient, page: int, stamp: str
) -> None:
    # Count and distinct ids stay right while an untouched item slips to a page already read. A
    # newest stamp that never changes must not make the probes blind for it.
    if stamp != "ordinary":
        odd = "9999-12-31T23:59:59Z" if stamp == "far future" else "soon"
        server.organisation.edit(server.organisation.rows[5]["id"], stamp=False, updated_at=odd)
    server.script(Fault.mutation(swap_first).on(page=page, walk=True))
    listing = read_all(make_client(server, concurrency=1))

    assert list(listing.procedures) == ids(server)
    assert listing.walks >= 2
    assert listing.shortfall == 0


def test_a_change_in_the_second_of_the_newest_stamp_is_noticed(
    server: DemoServer, make_client: MakeClient
) -> None:
    # Both probes show the same stamp, since stamps have no finer grain than a second.
    organisation = server.organisation
    organisation.now = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    organisation.edit(organisation.rows[9]["id"])

    def swap(one: Organisation) -> None:
        one.remove(one.rows[0]["id"])
        one.add()

    server.script(Fault.mutation(swap).on(page=1, walk=True))

    assert list(read_all(make_client(server, concurrency=1)).procedures) == ids(server)


@pytest.mark.parametrize("seed", range(6))
def test_life_going_on_during_the_first_walk_hides_no_item(
    server: DemoServer, make_client: MakeClient, store: Store, seed: int
) -> None:
    server.script(
        Fault.mutation(lambda one: one.evolve(edits=9, additions=seed, removals=5)).on(
            page=1 + seed % 2, walk=True
        )
    )
    sync(make_client(server), store)

    assert sorted(store.listed_ids()) == sorted(ids(server))
    assert store.state().shortfall == 0


def test_a_removal_without_an_addition_is_noticed_too(
    server: DemoServer, make_client: MakeClient
) -> None:
    server.script(Fault.mutation(lambda one: one.remove(one.rows[0]["id"])).on(page=1, walk=True))

    assert list(read_all(make_client(server)).procedures) == ids(server)


def test_data_that_never_holds_still_is_reported_as_unstable(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    server.script(Fault.mutation(swap_first).on(page=1, walk=True, times=None))

    with pytest.raises(UnstableError, match="kept changing"):
        sync(make_client(server), store)

    assert walks(server) == walking.MOST_WALKS
    assert store.procedures() == []


# Pages that promise more (C6)


def test_one_empty_page_behind_the_last_is_tolerated(
    server: DemoServer, make_client: MakeClient
) -> None:
    server.script(
        Fault.edited(lambda document: {**document, "hasNext": True}).on(page=2, walk=True)
    )
    listing = read_all(make_client(server))

    assert list(listing.procedures) == ids(server)
    assert listing.walks == 1


@pytest.mark.parametrize(
    "rows",
    [[], [{"id": "1", "name": "the same"}], [{"name": "no id"}], [None, 3]],
    ids=["empty", "repeated", "without ids", "no rows at all"],
)
def test_pages_that_promise_more_and_bring_nothing_end_the_walk(
    server: DemoServer, make_client: MakeClient, rows: list[Any]
) -> None:
    server.script(
        Fault.edited(lambda document: {**document, "data": rows, "hasNext": True}).on(
            walk=True, times=None
        )
    )

    with pytest.raises(ReplyError, match="nothing new"):
        walk(make_client(server), Query(), deadline_at=time.monotonic() + 10)

    assert len(server.requests) <= 8


def test_pages_without_end_are_given_up(
    server: DemoServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "MOST_PAGES", 20)
    numbers = iter(range(10**6))

    def invent(document: Document) -> Document:
        return {**document, "data": [{"id": f"n{next(numbers)}"}], "hasNext": True}

    server.script(Fault.edited(invent).on(walk=True, times=None))

    with pytest.raises(ReplyError, match="endless"):
        read_all(make_client(server))

    assert len(server.requests) <= 22


# What the API says about the end of the list (C7)


@pytest.mark.parametrize("value", ["missing", "false", None, 0, 1, [], {}])
def test_a_has_next_that_is_no_boolean_is_an_error(
    server: DemoServer, make_client: MakeClient, store: Store, value: object
) -> None:
    edit = forget("hasNext") if value == "missing" else lambda one: {**one, "hasNext": value}
    server.script(Fault.edited(edit).on(page=1, walk=True, times=None))

    with pytest.raises(ReplyError, match="hasNext"):
        sync(make_client(server), store)

    assert store.procedures() == []


@pytest.mark.parametrize("value", ["missing", "250", None, -1, 250.0, True])
def test_a_total_count_that_is_no_count_is_an_error(
    server: DemoServer, make_client: MakeClient, value: object
) -> None:
    edit = forget("totalCount") if value == "missing" else lambda one: {**one, "totalCount": value}
    server.script(Fault.edited(edit).on(times=None))

    with pytest.raises(ReplyError, match="totalCount"):
        read_all(make_client(server))


@pytest.mark.parametrize("page", [0, 1])
def test_a_has_next_that_is_false_too_soon_is_found_out(
    server: DemoServer, make_client: MakeClient, page: int
) -> None:
    server.script(
        Fault.edited(lambda document: {**document, "hasNext": False}).on(
            page=page, walk=True, times=None
        )
    )
    listing = read_all(make_client(server))

    assert list(listing.procedures) == ids(server)
    assert listing.walks == 1


def test_short_pages_do_not_end_the_walk(make_server: MakeServer, make_client: MakeClient) -> None:
    server = make_server(behaviour=Behaviour(page_size_cap=30))

    assert list(read_all(make_client(server)).procedures) == ids(server)


def test_rows_that_are_counted_but_not_listed_are_reported(
    server: DemoServer, make_client: MakeClient
) -> None:
    # Twice the same list: then the count is what is wrong, and the difference is told.
    server.script(Fault.edited(lambda document: {**document, "totalCount": 257}).on(times=None))
    listing = read_all(make_client(server))

    assert (len(listing.procedures), listing.shortfall, listing.walks) == (250, 7, 2)


# How many pages are in flight at a time (C8)


def test_page_0_comes_first_and_then_four_pages_are_in_flight_at_most(
    make_server: MakeServer, make_client: MakeClient
) -> None:
    server = make_server(1200)
    lock = threading.Lock()
    flying: set[int] = set()
    most = 0
    pages: list[int] = []

    def watch(document: Document) -> Document:
        nonlocal most
        with lock:
            number = len(pages)
            pages.append(number)
            flying.add(number)
            most = max(most, len(flying))
            assert number or len(flying) == 1
        time.sleep(0.03)
        with lock:
            flying.discard(number)
        return document

    server.script(Fault.edited(watch).on(walk=True, times=None))
    listing = read_all(make_client(server))

    assert list(listing.procedures) == ids(server)
    assert most == 4
    first, second = server.requests[1:3]
    assert first.query["page"] == "0"
    assert second.at - first.at >= 0.03


def test_pages_left_over_from_a_walk_that_starts_again_count_as_in_flight(
    make_server: MakeServer, make_client: MakeClient
) -> None:
    server = make_server(1200)
    lock = threading.Lock()
    first = ids(server)[0]
    flying = 0
    most = 0

    def hold(document: Document) -> Document:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        is_left_over = len(document["data"]) == 100 and document["data"][0]["id"] != first
        time.sleep(0.5 if is_left_over else 0.05)
        with lock:
            flying -= 1
        return document

    server.script(Fault.reply(504).on(page=1, walk=True, times=2))
    server.script(Fault.edited(hold).on(walk=True, times=None))
    listing = read_all(make_client(server))

    assert list(listing.procedures) == ids(server)
    assert listing.page_size == 50
    assert most == 4


@pytest.mark.parametrize("count", [0, 1, 100, 10_000])
def test_a_wrong_total_count_neither_shortens_nor_prolongs_the_walk(
    server: DemoServer, make_client: MakeClient, count: int
) -> None:
    server.script(
        Fault.edited(lambda document: {**document, "totalCount": count}).on(walk=True, times=None)
    )
    listing = read_all(make_client(server))

    assert list(listing.procedures) == ids(server)
    assert max(page for page, _ in walk_requests(server)) < 10


# What the first and the later walks ask for (C9, C10)


def test_the_first_refresh_has_no_filter_and_finds_the_oldest(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    oldest = server.organisation.add(updated_at="1998-02-03T04:05:06Z")
    sync(make_client(server), store)

    assert oldest in store.listed_ids()
    assert not any("last_updated_at" in request.query for request in server.requests)


def test_missed_runs_lose_nothing(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server, full_every=timedelta(days=90))
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    sync(client, store, now=lambda: begin)
    changed = [row["id"] for row in server.organisation.rows[:230]]
    for day, one in enumerate(changed):
        server.organisation.now += timedelta(hours=6)
        server.organisation.edit(one, owner=f"owner of day {day // 4}")
    server.requests.clear()
    log = sync(client, store, now=lambda: begin + timedelta(days=60))

    assert (log.mode, log.changed) == ("incremental", 230)
    assert {page for page, _ in walk_requests(server)} == {0, 1, 2}
    assert len({one.owner for one in store.procedures() if one.id in changed}) == 58


def test_a_failure_names_host_and_page(server: DemoServer, make_client: MakeClient) -> None:
    server.script(Fault.reply(502).on(page=1, walk=True, times=None))

    with pytest.raises(NetworkError, match=r"127\.0\.0\.1:\d+ answered .* 502.*page 1, 5 attempts"):
        read_all(make_client(server))
