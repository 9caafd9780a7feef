"""Traps C17 to C23: which failures are worth another try, and how long anything may take."""

import gzip
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from klarify_xl import retry
from klarify_xl.client import Client, Query
from klarify_xl.demo import DemoServer, Fault, Organisation
from klarify_xl.demo.server import INVALID_KEY, MISSING_KEY
from klarify_xl.errors import (
    CancelledError,
    ConfigurationError,
    DeadlineError,
    KeyRefusedError,
    NetworkError,
    ReplyError,
    ReplyTimeoutError,
    WrongAddressError,
)
from klarify_xl.secret import AccessKey
from klarify_xl.settings import Settings
from klarify_xl.store import Store
from klarify_xl.sync import sync
from klarify_xl.walk import read_all

MakeServer = Callable[..., DemoServer]
MakeClient = Callable[..., Client]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PAGE = {"data": [{"id": "1"}], "hasNext": False, "totalCount": 1}


def reply(head: str, body: bytes) -> Fault:
    """Return a reply whose header and body need not agree."""
    return Fault.raw(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)


# Which status and which body mean what (C17)


@pytest.mark.parametrize(
    ("status", "document"), [(500, MISSING_KEY), (404, INVALID_KEY), (503, INVALID_KEY)]
)
def test_the_documented_refusals_are_final_whatever_the_status(
    server: DemoServer, make_client: MakeClient, status: int, document: dict[str, str]
) -> None:
    server.script(Fault.reply(status, dict(document)).on(times=None))

    with pytest.raises(KeyRefusedError):
        make_client(server).page()

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"error": "internal"}),
        (500, "<html>missing required access_key</html>"),
        (500, ""),
        (500, "[]"),
        (502, "<html>Bad Gateway</html>"),
        (503, {"error": ["invalid access_key"]}),
        (599, "?"),
        (429, {"error": "slow down"}),
        (408, ""),
        (425, ""),
    ],
)
def test_other_server_faults_are_tried_again(
    server: DemoServer, make_client: MakeClient, status: int, body: Any
) -> None:
    server.script(Fault.reply(status, body))

    assert len(make_client(server).page().rows) == 100
    assert len(server.requests) == 2


@pytest.mark.parametrize("body", [{"error": "not found"}, "<html>404</html>", "", "[1]"])
def test_another_404_is_a_wrong_address_and_says_nothing_about_the_key(
    server: DemoServer, make_client: MakeClient, body: Any
) -> None:
    server.script(Fault.reply(404, body).on(times=None))

    with pytest.raises(WrongAddressError) as caught:
        make_client(server).page()

    assert len(server.requests) == 1
    assert "key" not in str(caught.value)
    assert "base URL" in caught.value.hint


@pytest.mark.parametrize("status", [400, 401, 403, 405, 410, 414, 418, 422, 431])
def test_other_refusals_are_final(server: DemoServer, make_client: MakeClient, status: int) -> None:
    server.script(Fault.reply(status, {"error": "no"}).on(times=None))

    with pytest.raises(ReplyError, match=str(status)):
        make_client(server).page()

    assert len(server.requests) == 1


# How often, and how long in between (C18)


@pytest.mark.parametrize(
    ("attempt", "retry_after", "random", "expected"),
    [
        (1, None, 0.0, 0.0),
        (1, None, 0.5, 0.5),
        (1, None, 1.0, 1.0),
        (2, None, 1.0, 2.0),
        (4, None, 0.25, 2.0),
        (10, None, 1.0, 30.0),
        (10**6, None, 1.0, 30.0),
        (1, 7.0, 0.0, 7.0),
        (1, 7.0, 1.0, 8.0),
        (1, 0.0, 1.0, 1.0),
        (1, 1e8, 0.0, 120.0),
    ],
)
def test_the_pause_grows_is_capped_and_never_undercuts_the_server(
    attempt: int, retry_after: float | None, random: float, expected: float
) -> None:
    assert retry.pause(attempt, retry_after, lambda: random) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("120", 120.0),
        ("9" * 400, 1e8),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30.0),
        ("Sun Mar  1 12:00:30 2026", 30.0),
        ("Sun, 01 Mar 2026 14:00:30 +0200", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    header: str | None, expected: float | None
) -> None:
    assert retry.retry_after_seconds(header, NOW) == expected


@pytest.mark.parametrize("status", [408, 421, 425, 429, 500, 501, 502, 503, 504, 507, 599])
def test_these_statuses_may_pass(status: int) -> None:
    assert retry.is_transient(status)


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 405, 409, 410, 422, 600])
def test_these_statuses_will_stay(status: int) -> None:
    assert not retry.is_transient(status)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_every_retry_waits_longer_and_the_fifth_failure_is_final(
    server: DemoServer, make_client: MakeClient, status: int
) -> None:
    waits: list[float] = []
    server.script(Fault.reply(status).on(times=None))
    client = make_client(server, sleep=waits.append, random_source=lambda: 0.5)

    with pytest.raises(NetworkError, match="5 attempts"):
        client.page()

    assert waits == [0.5, 1.0, 2.0, 4.0]
    assert len(server.requests) == 5


@pytest.mark.parametrize("status", [429, 503, 500])
def test_a_retry_after_in_seconds_is_followed(
    server: DemoServer, make_client: MakeClient, status: int
) -> None:
    waits: list[float] = []
    server.script(Fault.reply(status, headers={"Retry-After": "17"}))
    make_client(server, sleep=waits.append, random_source=lambda: 0.0).page()

    assert waits == [17.0]


def test_a_retry_after_as_a_date_is_followed(server: DemoServer, make_client: MakeClient) -> None:
    waits: list[float] = []
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    server.script(Fault.reply(503, headers={"Retry-After": date}))
    make_client(server, sleep=waits.append, random_source=lambda: 0.0).page()

    assert 15 < waits[0] <= 20


def test_a_retry_after_of_a_year_is_capped(server: DemoServer, make_client: MakeClient) -> None:
    waits: list[float] = []
    server.script(Fault.reply(429, headers={"Retry-After": "31536000"}))
    make_client(server, sleep=waits.append, random_source=lambda: 0.0, deadline=300).page()

    assert waits == [120.0]


def test_a_wait_that_would_pass_the_deadline_is_not_begun(
    server: DemoServer, make_client: MakeClient
) -> None:
    waits: list[float] = []
    server.script(Fault.reply(503, headers={"Retry-After": "60"}))

    with pytest.raises(DeadlineError):
        make_client(server, sleep=waits.append).page()

    assert waits == []
    assert len(server.requests) == 1


# Replies that break on the way (C19)


BODY = json.dumps(PAGE).encode()
BREAKAGES: dict[str, Callable[[], Fault]] = {
    "reset before the answer": Fault.reset,
    "closed before the answer": lambda: Fault.raw(b""),
    "no HTTP": lambda: Fault.raw(b"SSH-2.0-OpenSSH\r\n"),
    "cut header": lambda: Fault.raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cut before the body": lambda: Fault.cut(0),
    "cut after a byte": lambda: Fault.cut(1),
    "cut within the body": lambda: Fault.cut(20_000),
    "cut within a chunk": lambda: reply("Transfer-Encoding: chunked", b"40\r\n" + BODY[:20]),
    "cut between two chunks": lambda: reply(
        "Transfer-Encoding: chunked", b"%x\r\n%s\r\n" % (len(BODY), BODY)
    ),
    "nonsense for a chunk": lambda: reply("Transfer-Encoding: chunked", b"zz\r\n" + BODY),
    "cut within gzip": lambda: reply(
        "Content-Encoding: gzip\r\nConnection: close", gzip.compress(BODY)[:30]
    ),
    "gzip that is none": lambda: Fault.reply(200, BODY, {"Content-Encoding": "gzip"}),
    "cut JSON": lambda: Fault.reply(200, BODY[:-1]),
    "no body": lambda: Fault.reply(200),
    "no UTF-8": lambda: Fault.reply(200, b'{"data": ["\xff"]}'),
    "a web page": lambda: Fault.reply(200, "<!doctype html>", {"Content-Type": "text/html"}),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_reply_that_breaks_is_tried_again(
    server: DemoServer, make_client: MakeClient, breakage: str
) -> None:
    server.script(BREAKAGES[breakage]())

    assert len(make_client(server).page().rows) == 100
    assert len(server.requests) == 2


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_replies_that_keep_breaking_are_no_page_and_no_fault_of_the_key(
    server: DemoServer, make_client: MakeClient, breakage: str
) -> None:
    server.script(BREAKAGES[breakage]().on(times=None))

    with pytest.raises((NetworkError, ReplyError, WrongAddressError), match="5 attempts") as caught:
        make_client(server).page()

    assert not isinstance(caught.value, KeyRefusedError)
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    "whole",
    [
        lambda body: reply(
            "Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        ),
        lambda body: Fault.reply(200, gzip.compress(body), {"Content-Encoding": "gzip"}),
        lambda body: Fault.reply(200, b"\xef\xbb\xbf" + body),
        lambda body: reply("Connection: close", body),
    ],
    ids=["chunked", "gzip", "byte order mark", "without a length"],
)
def test_the_forms_in_which_a_reply_may_come_are_read(
    server: DemoServer, make_client: MakeClient, whole: Callable[[bytes], Fault]
) -> None:
    server.script(whole(BODY))
    page = make_client(server).page()

    assert (page.rows, page.has_next, page.total_count) == (({"id": "1"},), False, 1)


def test_a_host_that_nobody_answers_at_is_described(make_client: MakeClient) -> None:
    server = DemoServer(Organisation(procedures=0))
    client = make_client(server)
    server._http.server_close()

    with pytest.raises(NetworkError, match="Connection refused"):
        client.page()


# Replies outside the contract (C20)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        ('"text"', "no JSON object"),
        ("{}", "`data` is no list"),
        ({**PAGE, "data": None}, "`data` is no list"),
        ({**PAGE, "data": {"0": {"id": "1"}}}, "`data` is no list"),
        ({**PAGE, "hasNext": None}, "`hasNext`"),
        ({**PAGE, "totalCount": "1"}, "`totalCount`"),
        ('{"data": [NaN], "hasNext": false, "totalCount": 1}', "number that JSON does not allow"),
        ('{"data": [-Infinity], "hasNext": false}', "number that JSON does not allow"),
        ('{"data": [' + "9" * 5000 + "]}", "number that JSON does not allow"),
        ("[" * 100_000, "nested too deeply"),
        ('{"data": [' + "[" * 500 + "]" * 500 + "]}", "nested too deeply"),
        ('{"data": [{"id": "1", "x": ' + '{"y":' * 120 + "1" + "}" * 121 + "]}", "too deeply"),
    ],
)
def test_a_reply_outside_the_contract_is_a_clear_error(
    server: DemoServer, make_client: MakeClient, body: Any, problem: str
) -> None:
    server.script(Fault.reply(200, body).on(times=None))

    with pytest.raises(ReplyError, match=problem) as caught:
        make_client(server).page()

    assert len(str(caught.value)) < 200


def test_a_web_page_with_status_200_is_a_wrong_address(
    server: DemoServer, make_client: MakeClient
) -> None:
    server.script(Fault.reply(200, " \n<html>Log in, please: confidential").on(times=None))

    with pytest.raises(WrongAddressError, match="web page") as caught:
        make_client(server).page()

    assert "confidential" not in f"{caught.value} {caught.value.hint}"


def test_an_error_never_dumps_the_body(server: DemoServer, make_client: MakeClient) -> None:
    for status in (200, 400, 404, 500):
        server.faults.clear()
        server.script(Fault.reply(status, '{"data": "confidential').on(times=None))
        with pytest.raises((ReplyError, NetworkError, WrongAddressError)) as caught:
            make_client(server).page()
        assert "confidential" not in f"{caught.value!r} {caught.value.hint}"


# How long anything may take (C21)


def test_a_body_that_drips_is_given_up_after_the_read_timeout(
    server: DemoServer, make_client: MakeClient
) -> None:
    server.script(Fault.drip(0.05).on(times=None))
    started = time.monotonic()

    with pytest.raises(ReplyTimeoutError):
        make_client(server, read_timeout=0.3).page()

    assert time.monotonic() - started < 1.5
    assert len(server.requests) == retry.TIMEOUT_ATTEMPTS


@pytest.mark.parametrize("headers", [False, True], ids=["body", "header"])
def test_nothing_that_drips_outlasts_the_deadline(
    server: DemoServer, make_client: MakeClient, *, headers: bool
) -> None:
    server.script(Fault.drip(0.05, headers=headers).on(times=None))
    started = time.monotonic()

    with pytest.raises(DeadlineError):
        make_client(server, read_timeout=30, deadline=0.5).page()

    assert 0.4 < time.monotonic() - started < 1.5


def test_a_server_that_says_nothing_is_given_up(
    server: DemoServer, make_client: MakeClient
) -> None:
    server.script(Fault.slow(20).on(times=None))
    started = time.monotonic()

    with pytest.raises(ReplyTimeoutError, match="did not answer in time"):
        make_client(server, read_timeout=0.2).page()

    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    "fault",
    [
        Fault.endless,
        lambda: Fault.reply(200, gzip.compress(b" " * 20_000_000), {"Content-Encoding": "gzip"}),
        lambda: Fault.reply(200, b" " * 1_100_000),
    ],
    ids=["endless", "gzip bomb", "large"],
)
def test_a_reply_has_a_greatest_size(
    server: DemoServer, make_client: MakeClient, fault: Callable[[], Fault]
) -> None:
    server.script(fault().on(times=None))

    with pytest.raises(ReplyError, match="more than 1 MiB"):
        make_client(server, largest_reply=2**20, read_timeout=10).page()

    assert len(server.requests) == 1


def test_the_deadline_holds_for_the_whole_walk(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(2000, latency=0.1)
    started = time.monotonic()

    with pytest.raises(DeadlineError, match="longer than 0 seconds"):
        sync(make_client(server, deadline=0.4, concurrency=1), store)

    assert time.monotonic() - started < 1.5
    assert store.procedures() == []


@pytest.mark.parametrize(
    ("faults", "sizes"),
    [
        (0, [100]),
        (2, [100, 50]),
        (4, [100, 50, 25]),
    ],
)
def test_pages_that_time_out_are_halved_down_to_25(
    server: DemoServer, make_client: MakeClient, faults: int, sizes: list[int]
) -> None:
    server.script(Fault.reply(504).on(page=1, walk=True, times=faults))
    listing = read_all(make_client(server, concurrency=1))
    asked = [int(request.query["pageSize"]) for request in server.requests]

    assert len(listing.procedures) == 250
    assert listing.page_size == sizes[-1]
    assert list(dict.fromkeys(size for size in asked if size > 1)) == sizes


def test_pages_of_25_that_time_out_are_an_error(
    server: DemoServer, make_client: MakeClient
) -> None:
    server.script(Fault.slow(20).on(page=1, walk=True, times=None))

    with pytest.raises(ReplyTimeoutError, match=r"page 1 of size 25, 2 attempts"):
        read_all(make_client(server, read_timeout=0.1, concurrency=1))


def test_a_smaller_page_size_stays_for_the_incremental_refreshes(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    server.script(Fault.reply(504).on(page=1, walk=True, times=2))
    sync(client, store)
    server.requests.clear()
    server.organisation.evolve(additions=0, removals=0)
    sync(client, store)

    assert [request.query["pageSize"] for request in server.requests] == ["1", "50"]


def test_a_walk_can_be_cancelled_from_another_thread(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    server.script(Fault.mutation(lambda _: client.cancel()).on(page=1, walk=True))

    with pytest.raises(CancelledError, match="Nothing was changed"):
        sync(client, store)

    assert store.procedures() == []
    assert store.refreshes() == []


@pytest.mark.parametrize("fault", [lambda: Fault.slow(20), lambda: Fault.drip(0.05, headers=True)])
def test_cancelling_does_not_wait_for_a_slow_server(
    server: DemoServer, make_client: MakeClient, fault: Callable[[], Fault]
) -> None:
    client = make_client(server, read_timeout=20)
    server.script(fault().on(times=None))
    timer = threading.Timer(0.2, client.cancel)
    timer.start()
    started = time.monotonic()

    with pytest.raises(CancelledError):
        client.page()

    assert time.monotonic() - started < 1
    timer.join()


def test_cancelling_ends_a_wait_between_two_attempts(server: DemoServer) -> None:
    server.script(Fault.reply(503, headers={"Retry-After": "100"}).on(times=None))
    settings = Settings(base_url=server.url, deadline=1000)
    with Client(server.access_key, settings=settings) as client:
        timer = threading.Timer(0.2, client.cancel)
        timer.start()
        started = time.monotonic()
        with pytest.raises(CancelledError):
            client.page()
        timer.join()

    assert time.monotonic() - started < 1


# What is wrong with the key (C22, C23)


@pytest.mark.parametrize("key", [None, "", "  \t\n", "\ufeff"])
def test_a_blank_key_is_a_configuration_error_before_any_request(key: str | None) -> None:
    with pytest.raises(ConfigurationError, match="blank"):
        Client(key, "https://localhost:1")


@pytest.mark.parametrize("key", ["two\nlines", "half \ud800 a character", "nul\0"])
def test_a_key_that_cannot_be_sent_is_a_configuration_error(key: str) -> None:
    with pytest.raises(ConfigurationError):
        AccessKey(key)


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\ufeff", "\t"])
def test_white_space_around_a_key_is_removed(
    server: DemoServer, make_client: MakeClient, around: str
) -> None:
    make_client(server, key=f"{around}{server.access_key}{around}").page()

    assert server.requests[0].key_accepted


@pytest.mark.parametrize("key", ["x", "k" * 30, "k" * 5000, "12345"])
def test_the_length_of_a_key_is_never_judged(
    make_server: MakeServer, make_client: MakeClient, key: str
) -> None:
    server = make_server(access_key=key)

    assert make_client(server).page().total_count == 250


def test_a_key_regenerated_during_the_walk_stops_it_and_keeps_the_old_data(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)
    before = (store.digest(), store.state())
    server.organisation.evolve()
    server.requests.clear()
    server.script(
        Fault.mutation(lambda _: setattr(server, "access_key", "another")).on(page=0, walk=True)
    )

    with pytest.raises(KeyRefusedError) as caught:
        sync(client, store, full=True)

    assert (store.digest(), store.state()) == before
    assert len(server.requests) <= 6
    assert "Don't regenerate" in caught.value.hint


def test_the_default_query_is_the_first_page_of_a_hundred_in_order_of_creation() -> None:
    assert Query().parameters() == {"page": "0", "pageSize": "100", "sort": "created_at,asc"}
