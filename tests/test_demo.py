"""The demo server's honesty to the API reference, without which the other tests prove nothing."""

import http.client
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
import requests

from klarify_xl.demo import DemoServer, Fault, Organisation

MakeServer = Callable[..., DemoServer]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIELDS = {
    "id",
    "name",
    "status",
    "owner",
    "performer",
    "updated_at",
    "url",
    "lanes",
    "called_within",
    "called_from",
}


def fetch(server: DemoServer, path: str, method: str = "GET") -> tuple[int, Any, str]:
    """Send a request and return status, JSON body and Date header."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        body = reply.read()
        document = json.loads(body) if body.startswith(b"{") else body
        return reply.status, document, reply.headers["Date"] or ""
    finally:
        connection.close()


def ask(server: DemoServer, **parameters: object) -> Any:
    """Return the document for some parameters, sent with the right key."""
    query = urlencode({"access_key": server.access_key, **parameters}, quote_via=quote)
    status, document, _ = fetch(server, f"/api/procedures?{query}")
    assert status == 200, document
    return document


def ids(document: Any) -> list[str]:
    return [row["id"] for row in document["data"]]


def test_a_missing_key_gets_the_documented_500(server: DemoServer) -> None:
    status, document, _ = fetch(server, "/api/procedures?page=0")

    assert status == 500
    assert document == {
        "error": "missing required access_key",
        "message": "The access_key parameter is required for API authentication",
    }


@pytest.mark.parametrize("key", ["wrong", "demo key/", "DEMO KEY/+&=Ü%", "%ff"])
def test_a_wrong_key_gets_the_documented_404(server: DemoServer, key: str) -> None:
    status, document, _ = fetch(server, f"/api/procedures?access_key={quote(key, safe='%')}")

    assert status == 404
    assert document == {
        "error": "invalid access_key",
        "message": "The provided access key does not exist or has been disabled",
    }


def test_an_unencoded_special_key_is_refused_like_a_wrong_one(make_server: MakeServer) -> None:
    server = make_server(access_key="a+b&c")

    assert fetch(server, "/api/procedures?access_key=a+b&c")[0] == 404
    assert fetch(server, "/api/procedures?access_key=a%2Bb%26c")[0] == 200


def test_another_path_gets_a_404_that_is_not_about_the_key(server: DemoServer) -> None:
    status, document, _ = fetch(server, "/api/processes")

    assert (status, document) == (404, {"error": "not found"})


def test_the_api_is_read_only(server: DemoServer) -> None:
    assert fetch(server, "/api/procedures", "POST")[0] == 405


def test_page_and_page_size_default_to_the_first_hundred(server: DemoServer) -> None:
    document = ask(server)

    assert document.keys() == {"data", "hasNext", "totalCount"}
    assert ids(document) == [row["id"] for row in server.organisation.rows[:100]]
    assert (document["hasNext"], document["totalCount"]) == (True, 250)


@pytest.mark.parametrize(
    ("page", "size", "expected"),
    [
        (0, 50, slice(0, 50)),
        (1, 100, slice(100, 200)),
        (2, 100, slice(200, 250)),
        (5, 50, slice(0)),
    ],
)
def test_page_p_holds_the_items_from_p_times_the_size(
    server: DemoServer, page: int, size: int, expected: slice
) -> None:
    document = ask(server, page=page, pageSize=size)

    assert ids(document) == [row["id"] for row in server.organisation.rows[expected]]
    assert document["hasNext"] is ((page + 1) * size < 250)


def test_rows_have_exactly_the_documented_fields(server: DemoServer) -> None:
    for row in ask(server)["data"]:
        assert row.keys() == FIELDS
        assert row["status"] in {"published", "draft", "archived"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["updated_at"])
        assert all(isinstance(row[name], list) for name in ("lanes", "called_within"))


@pytest.mark.parametrize("name", ["updated_at", "name"])
def test_a_sort_by_text_orders_both_ways(server: DemoServer, name: str) -> None:
    up = [row[name] for row in ask(server, sort=f"{name},asc", pageSize=250)["data"]]
    down = [row[name] for row in ask(server, sort=f"{name},desc", pageSize=250)["data"]]

    assert up == sorted(up)
    assert down == sorted(up, reverse=True)
    assert len(set(up)) > 200


def test_a_descending_sort_by_status_puts_published_first(server: DemoServer) -> None:
    found = [row["status"] for row in ask(server, sort="status,desc", pageSize=250)["data"]]

    assert list(dict.fromkeys(found)) == ["published", "draft", "archived"]


def test_creation_order_is_that_of_addition_and_its_reverse(server: DemoServer) -> None:
    added = server.organisation.add()

    assert ids(ask(server, sort="created_at,asc", pageSize=300))[-1] == added
    assert ids(ask(server, sort="created_at,desc", pageSize=300))[0] == added


def test_the_filter_keeps_what_was_modified_after_a_moment(server: DemoServer) -> None:
    rows = server.organisation.rows
    stamp = sorted(row["updated_at"] for row in rows)[200]
    document = ask(server, last_updated_at=stamp, pageSize=250)

    assert set(ids(document)) == {row["id"] for row in rows if row["updated_at"] > stamp}
    assert 0 < document["totalCount"] == len(document["data"]) < 250


@pytest.mark.parametrize(
    "parameters",
    [
        {"page": "-1"},
        {"page": "²"},
        {"page": "9" * 5000},
        {"pageSize": "0"},
        {"sort": "owner,asc"},
        {"sort": "name"},
        {"last_updated_at": "yesterday"},
        {"last_updated_at": "2026-01-01T00:00:00+00:00"},
    ],
)
def test_bad_parameters_are_refused(server: DemoServer, parameters: dict[str, str]) -> None:
    query = urlencode({"access_key": server.access_key, **parameters}, quote_via=quote)

    assert fetch(server, f"/api/procedures?{query}")[0] == 400


def test_the_date_header_is_never_behind_the_organisation(server: DemoServer) -> None:
    server.organisation.evolve(NOW + timedelta(days=40_000))
    date = fetch(server, "/api/procedures")[2]

    assert parsedate_to_datetime(date) == server.organisation.now


def test_the_same_seed_gives_the_same_organisation_and_life() -> None:
    def life(seed: int) -> list[dict[str, Any]]:
        organisation = Organisation(procedures=200, seed=seed, now=NOW)
        organisation.evolve()
        organisation.evolve(NOW + timedelta(days=3))
        return organisation.rows

    assert life(3) == life(3)
    assert life(3) != life(4)


def test_evolving_edits_adds_and_removes_as_many_as_asked() -> None:
    organisation = Organisation(procedures=100, seed=1, now=NOW)
    before = {row["id"]: row for row in organisation.rows}
    step = organisation.evolve(edits=7, additions=4, removals=3)
    after = {row["id"]: row for row in organisation.rows}

    assert (len(step.edited), len(step.added), len(step.removed)) == (7, 4, 3)
    assert after.keys() - before.keys() == set(step.added)
    assert before.keys() - after.keys() == set(step.removed)
    assert {one for one in before.keys() & after.keys() if before[one] != after[one]} == set(
        step.edited
    )
    assert {after[one]["updated_at"] for one in step.edited} == {"2026-03-01T13:00:00Z"}


def test_a_sample_organisation_has_the_oddities_of_a_real_one() -> None:
    rows = Organisation(procedures=1247, seed=1, now=NOW).rows
    names = [row["name"] for row in rows]
    references = [name for row in rows for name in (*row["called_within"], *row["called_from"])]

    assert len({row["id"] for row in rows}) == 1247
    assert 10 < len(names) - len(set(names)) < 60
    assert 1000 < len(references) < 3000
    assert 20 < sum(name not in names for name in references) < 120
    assert any(row["owner"] == "" for row in rows)


def test_a_fault_befalls_the_requests_it_was_told_to_and_no_others(server: DemoServer) -> None:
    server.script(Fault.reply(503).on(page=1, after=1, times=2))
    path = f"/api/procedures?access_key={quote(server.access_key, safe='')}&page="
    statuses = [fetch(server, path + page)[0] for page in ("1", "0", "1", "1", "1")]

    assert statuses == [200, 200, 503, 503, 200]


def test_requests_are_recorded_without_the_key(server: DemoServer) -> None:
    ask(server, page=1)

    (request,) = server.requests
    assert request.query == {"page": "1"}
    assert request.key_accepted
    assert server.access_key not in repr(request)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_anything_but_reading_is_refused(server: DemoServer, method: str) -> None:
    reply = requests.request(method, f"{server.url}/api/procedures", data=b"{}", timeout=5)
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET")
    assert reply.json() == {"error": "method not allowed"}
