"""What the API reference leaves open: the list is complete and up to date either way."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from klarify_xl.client import Client
from klarify_xl.demo import Behaviour, DemoServer, Fault, Organisation
from klarify_xl.errors import RemovalsError
from klarify_xl.model import Procedure
from klarify_xl.store import Store
from klarify_xl.sync import sync
from klarify_xl.walk import read_all

MakeServer = Callable[..., DemoServer]
MakeClient = Callable[..., Client]

DRAFTS = frozenset({"draft", "archived"})
BEHAVIOURS = {
    "as documented": Behaviour(),
    "modified since instead of after": Behaviour(after_inclusive=True),
    "count of the whole organisation": Behaviour(total_is_filtered=False),
    "count of all, error past the end": Behaviour(total_is_filtered=False, past_end="error"),
    "count of all, fault past the end": Behaviour(total_is_filtered=False, past_end="fault"),
    "count of all, last page past the end": Behaviour(total_is_filtered=False, past_end="last"),
    "error past the end": Behaviour(past_end="error"),
    "last page past the end": Behaviour(past_end="last"),
    "pages capped to 50": Behaviour(page_size_cap=50),
    "pages capped to 7": Behaviour(page_size_cap=7),
    "pages capped to 50, counted by the size asked for": Behaviour(
        page_size_cap=50, cap_moves_offsets=False
    ),
    "the same, and count of all": Behaviour(
        page_size_cap=50, cap_moves_offsets=False, total_is_filtered=False
    ),
    "the same, and error past the end": Behaviour(
        page_size_cap=50, cap_moves_offsets=False, total_is_filtered=False, past_end="error"
    ),
    "the same, and last page past the end": Behaviour(
        page_size_cap=50, cap_moves_offsets=False, past_end="last"
    ),
    "drafts hidden": Behaviour(hidden_statuses=DRAFTS),
    "drafts hidden but counted": Behaviour(hidden_statuses=DRAFTS, hidden_counted=True),
    "drafts hidden, count of all": Behaviour(hidden_statuses=DRAFTS, total_is_filtered=False),
    "drafts hidden but counted, last page past the end": Behaviour(
        hidden_statuses=DRAFTS, hidden_counted=True, past_end="last"
    ),
    "drafts hidden but counted, error past the end": Behaviour(
        hidden_statuses=DRAFTS, hidden_counted=True, past_end="error"
    ),
    "null for empty": Behaviour(null_for_empty=True),
    "absent for empty": Behaviour(omit_empty=True),
    "fractions of a second": Behaviour(fractional_stamps=True),
    "all at once": Behaviour(
        after_inclusive=True,
        total_is_filtered=False,
        past_end="error",
        page_size_cap=60,
        cap_moves_offsets=False,
        hidden_statuses=DRAFTS,
        hidden_counted=True,
        null_for_empty=True,
        fractional_stamps=True,
    ),
}
EVERY = pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS.keys())


def expected(server: DemoServer) -> dict[str, dict[str, Any]]:
    """Return the visible rows without their stamps, whose form is open."""
    return {
        row["id"]: {**row, "updated_at": ""}
        for row in server.organisation.rows
        if row["status"] not in server.behaviour.hidden_statuses
    }


def contents(procedures: list[Procedure]) -> dict[str, dict[str, Any]]:
    fields = ("id", "name", "status", "owner", "performer", "url")
    lists = ("lanes", "called_within", "called_from")
    return {
        one.id: {
            **{name: getattr(one, name) for name in fields},
            **{name: list(getattr(one, name)) for name in lists},
            "updated_at": "",
        }
        for one in procedures
    }


@EVERY
@pytest.mark.parametrize("procedures", [0, 1, 101, 250])
def test_the_list_is_complete(
    make_server: MakeServer, make_client: MakeClient, behaviour: Behaviour, procedures: int
) -> None:
    server = make_server(procedures, behaviour=behaviour)
    listing = read_all(make_client(server))
    hidden = procedures - len(expected(server))

    assert contents(list(listing.procedures.values())) == expected(server)
    assert listing.shortfall == (hidden if behaviour.hidden_counted else 0)


@EVERY
@pytest.mark.parametrize("edits", [1, 60, 130])
def test_refreshes_follow_every_change(
    make_server: MakeServer,
    make_client: MakeClient,
    store: Store,
    behaviour: Behaviour,
    edits: int,
) -> None:
    server = make_server(300, behaviour=behaviour)
    client = make_client(server)
    sync(client, store, accept_removals=True)
    assert contents(store.procedures()) == expected(server)

    server.organisation.evolve(edits=edits, additions=0, removals=0)
    log = sync(client, store)
    assert contents(store.procedures()) == expected(server)
    if not behaviour.hidden_statuses and behaviour.past_end != "fault":
        assert log.mode == "incremental"

    server.organisation.evolve(edits=edits, additions=4, removals=3)
    sync(client, store)
    assert contents(store.procedures()) == expected(server)

    server.requests.clear()
    log = sync(client, store)
    assert log.outcome == "unchanged"
    if edits == 1 and behaviour.past_end != "fault":
        assert log.mode == "incremental"
        assert len(server.requests) <= 4


def test_hidden_drafts_are_accepted_once_and_then_taken_as_known(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    # More are hidden than the guard bears, so somebody has to say once that it is right.
    behaviour = Behaviour(hidden_statuses=frozenset({"published"}), hidden_counted=True)
    server = make_server(behaviour=behaviour)
    client = make_client(server)
    listed = expected(server)

    with pytest.raises(RemovalsError, match=f"counts 250 procedures but lists only {len(listed)}"):
        sync(client, store)

    first = sync(client, store, accept_removals=True)
    assert first.shortfall == 250 - len(listed) > len(listed)
    assert sync(client, store).mode == "incremental"
    second = sync(client, store, full=True)
    assert (second.outcome, second.shortfall) == ("unchanged", first.shortfall)


@pytest.mark.parametrize("counted", [False, True])
def test_publishing_and_unpublishing_moves_procedures_in_and_out(
    make_server: MakeServer, make_client: MakeClient, store: Store, *, counted: bool
) -> None:
    server = make_server(behaviour=Behaviour(hidden_statuses=DRAFTS, hidden_counted=counted))
    organisation = server.organisation
    client = make_client(server)
    sync(client, store, accept_removals=True)
    draft = next(row["id"] for row in organisation.rows if row["status"] == "draft")
    public = next(row["id"] for row in organisation.rows if row["status"] == "published")
    organisation.now += timedelta(hours=1)
    organisation.edit(draft, status="published")
    sync(client, store)
    assert contents(store.procedures()) == expected(server)

    organisation.now += timedelta(hours=1)
    organisation.edit(public, status="draft")
    sync(client, store, full=counted)
    assert contents(store.procedures()) == expected(server)
    assert public not in store.listed_ids()


def test_references_that_follow_a_rename_with_a_stamp_are_refreshed_at_once(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)
    one = server.organisation.rows[5]["id"]
    server.organisation.edit(one, called_from=["The new name"])

    assert sync(client, store).changed == 1
    assert {found.called_from for found in store.procedures() if found.id == one} == {
        ("The new name",)
    }


def test_the_order_within_reference_lists_is_no_change_and_within_lanes_is_one(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    lists = {"called_within": ["A", "B"], "called_from": ["C", "D"], "lanes": ["E", "F"]}
    one = server.organisation.add(**lists)
    client = make_client(server)
    sync(client, store)
    for name, items in lists.items():
        server.organisation.edit(one, stamp=False, **{name: items[::-1]})
    sync(client, store)

    assert [change.field for change in store.changes(since=2)] == ["lanes"]


def test_the_order_that_the_server_falls_back_to_does_not_matter(
    make_server: MakeServer, make_client: MakeClient
) -> None:
    # A server that ignores the order asked for, but keeps to one of its own.
    server = make_server()
    answer = server.answer
    server.answer = lambda query: answer({**query, "sort": "name,desc"})  # type: ignore[method-assign]

    assert contents(list(read_all(make_client(server)).procedures.values())) == expected(server)


def test_a_server_that_shuffles_every_page_is_caught(
    make_server: MakeServer, make_client: MakeClient
) -> None:
    # Without a stable order pages overlap; the count tells that some are missing.
    server = make_server()
    seed = 0

    def shuffled(organisation: Organisation) -> None:
        nonlocal seed
        seed += 1
        rows = organisation.rows
        organisation._rows = {row["id"]: row for row in rows[seed * 70 :] + rows[: seed * 70]}
        organisation.version += 1

    server.script(Fault.mutation(shuffled).on(walk=True, times=3))
    listing = read_all(make_client(server, concurrency=1))

    assert listing.walks == 2
    assert contents(list(listing.procedures.values())) == expected(server)


def test_a_server_without_a_date_header_is_no_obstacle(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    def undated(query: dict[str, str]) -> Fault:
        body = json.dumps(server.answer(query)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        return Fault.raw(head + body)

    sort = "updated_at,desc"
    server.script(undated({"sort": sort, "pageSize": "1"}).on(walk=False, times=None))
    sync(make_client(server), store)

    assert contents(store.procedures()) == expected(server)
    assert store.state().watermark is not None
