"""Organisations that are odd for long: what refresh after refresh makes of them."""

import logging
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from openpyxl import load_workbook

import klarify_xl
from klarify_xl.demo import Behaviour, DemoServer, Fault
from klarify_xl.errors import KeyRefusedError, StoreError
from klarify_xl.store import Store
from klarify_xl.sync import sync

from .conftest import NOW, MakeClient, MakeServer


def test_a_stamp_that_is_none_does_not_end_incremental_refreshes(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    odd = server.organisation.rows[5]["id"]
    server.organisation.edit(odd, stamp=False, updated_at="not a date")
    assert sync(make_client(server), store).mode == "full"

    server.organisation.now += timedelta(hours=1)
    server.organisation.edit(server.organisation.rows[9]["id"], owner="Somebody else")
    second = sync(make_client(server), store)
    assert (second.mode, second.changed) == ("incremental", 1)
    assert second.watermark == server.organisation.now

    third = sync(make_client(server), store)
    assert (third.mode, third.requests, third.changed) == ("incremental", 2, 0)


def test_an_item_without_an_id_does_not_make_every_refresh_a_full_one(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    server.organisation.now += timedelta(hours=1)
    server.organisation.add(id="")
    first = sync(make_client(server), store)
    assert (first.quarantined, first.listed, first.shortfall) == (1, 250, 0)

    server.organisation.now += timedelta(hours=1)
    server.organisation.edit(server.organisation.rows[9]["id"], owner="Somebody else")
    second = sync(make_client(server), store)
    assert (second.mode, second.changed, second.quarantined) == ("incremental", 1, 1)


def test_what_is_kept_because_of_an_item_without_an_id_is_said_and_removed_later(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    sync(make_client(server), store)
    server.organisation.now += timedelta(hours=1)
    server.organisation.add(id=" ")
    for row in server.organisation.rows[:2]:
        server.organisation.remove(row["id"])
    kept = sync(make_client(server), store)
    assert (kept.listed, kept.removed, kept.shortfall, kept.kept) == (250, 0, 0, 2)
    assert sync(make_client(server), store).mode == "incremental"

    result = klarify_xl.refresh(
        "p.xlsx", store=store.path, access_key=server.access_key, base_url=server.url
    )
    assert (result.procedures, result.kept) == (250, 2)
    receipt = {row[0]: row[1] for row in load_workbook("p.xlsx")["About"].values}
    assert receipt["Is the list complete?"] == (
        "NO: 1 left out, without a usable id; 2 not listed, but not proven gone, and kept"
    )
    server.organisation.remove(" ")
    mended = sync(make_client(server), store)
    assert (mended.listed, mended.removed, mended.kept) == (248, 2, 0)


def test_what_is_still_counted_is_kept_until_a_later_walk_finds_the_same(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(100)
    sync(make_client(server), store)
    drafts = sum(row["status"] == "draft" for row in server.organisation.rows)
    assert 0 < drafts <= 20
    server.behaviour = Behaviour(hidden_statuses=frozenset({"draft"}), hidden_counted=True)

    kept = sync(make_client(server), store, full=True)
    assert (kept.removed, kept.listed, kept.shortfall, kept.kept) == (0, 100, drafts, drafts)
    assert sync(make_client(server), store).mode == "incremental"
    gone = sync(make_client(server), store, full=True)
    assert (gone.removed, gone.shortfall, gone.kept) == (drafts, drafts, 0)
    assert sync(make_client(server), store).mode == "incremental"


def test_the_only_procedure_may_be_replaced_by_another(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(1)
    sync(make_client(server), store)
    server.organisation.now += timedelta(hours=1)
    server.organisation.remove(server.organisation.rows[0]["id"])
    server.organisation.add()
    log = sync(make_client(server), store)
    assert (log.added, log.removed, log.listed) == (1, 1, 1)


def test_a_tiny_organisation_behind_another_key_is_taken_over_only_when_told_so(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(3)
    sync(make_client(server), store)
    for row in server.organisation.rows:
        server.organisation.remove(row["id"])
        server.organisation.add()
    server.access_key = "another key"
    with pytest.raises(StoreError, match="another organisation's key"):
        sync(make_client(server), store)
    assert sync(make_client(server), store, accept_removals=True).removed == 3


def test_another_order_of_names_is_no_news(server: DemoServer) -> None:
    refresh = partial(
        klarify_xl.refresh, store="p.db", access_key=server.access_key, base_url=server.url
    )
    refresh("p.xlsx")
    for row in server.organisation.rows:
        reordered = dict(reversed(row.items()))
        server.organisation._rows[row["id"]] = {**reordered, "owner": row["owner"] or None}
    server.organisation.version += 1
    result = refresh("p.xlsx", full=True)
    assert (result.outcome, result.changed) == ("unchanged", 0)


def test_a_list_that_gets_shorter_than_the_page_asked_for_is_read_again(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(201, behaviour=Behaviour(past_end="error"))
    gone = server.organisation.rows[0]["id"]
    server.script(
        Fault.mutation(lambda organisation: organisation.remove(gone)).on(page=1, walk=True)
    )
    log = sync(make_client(server, concurrency=1), store)
    assert log.listed == 200


def test_a_first_refresh_after_a_failed_one_of_an_empty_organisation_has_a_receipt(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(0)
    server.script(Fault.reply(403))
    with pytest.raises(klarify_xl.KlarifyError):
        sync(make_client(server), store)
    log = sync(make_client(server), store)
    assert log.outcome == "changed"
    assert store.receipt() == log


def test_a_request_that_outlives_its_refresh_is_not_logged_with_the_key(
    make_server: MakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = make_server(500)
    refusal = {"error": "invalid access_key", "message": "gone"}
    server.script(
        Fault.reply(404, refusal).on(page=1), Fault.slow(0.4).on(page=2), Fault.slow(0.4).on(page=3)
    )
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(KeyRefusedError):
            klarify_xl.refresh(
                "p.xlsx", store="p.db", access_key=server.access_key, base_url=server.url
            )
        for _ in range(100):
            if caplog.text.count("page=") >= 5:
                break
            server.stopping.wait(0.02)
    assert "page=2" in caplog.text
    assert "demo%20key" not in caplog.text
    assert server.access_key not in caplog.text
    assert not Path("p.xlsx").exists()


def test_a_count_of_the_whole_organisation_and_an_odd_stamp_leave_refreshes_incremental(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(300, behaviour=Behaviour(total_is_filtered=False, past_end="fault"))
    odd = server.organisation.rows[5]["id"]
    server.organisation.edit(odd, stamp=False, updated_at="zzz")
    sync(make_client(server), store)
    for _ in range(3):
        server.organisation.now += timedelta(hours=1)
        server.organisation.edit(server.organisation.rows[9]["id"], owner=str(_))
        log = sync(make_client(server), store)
        assert (log.mode, log.requests, log.changed) == ("incremental", 2, 1)


def test_many_items_without_an_id_in_a_row_are_left_out(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    for number in range(60):
        blank = {**server.organisation.rows[0], "id": "", "name": f"Blank {number}"}
        server.organisation._rows[f"blank {number}"] = blank
    server.organisation.version += 1
    server.organisation.add()
    log = sync(make_client(server, page_size=25), store)
    assert (log.quarantined, log.listed) == (60, 251)


def test_what_becomes_stale_by_time_alone_is_found_by_a_refresh_that_finds_nothing_else(
    server: DemoServer,
) -> None:
    refresh = partial(
        klarify_xl.refresh, store="p.db", access_key=server.access_key, base_url=server.url
    )
    refresh("p.xlsx", now=lambda: NOW)
    days = [NOW + timedelta(days=number) for number in (1, 400)]
    next_day = refresh("p.xlsx", now=lambda: days[0])
    much_later = refresh("p.xlsx", now=lambda: days[1])
    assert (next_day.changed, much_later.changed) == (0, 0)
    assert much_later.outcome == "written"
    rows = list(load_workbook("p.xlsx")["Health"].values)
    assert sum(row[1] == "Not changed for long" for row in rows) == 250
    assert refresh("p.xlsx", now=lambda: days[1]).outcome == "unchanged"
