"""Traps C27 to C29 and C31: whatever stands in a row is kept, flagged, and never guessed at."""

import json
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klarify_xl.client import Client
from klarify_xl.demo import Behaviour, DemoServer, Fault, Organisation
from klarify_xl.graph import relationships
from klarify_xl.model import (
    Procedure,
    UnusableRowError,
    differences,
    parse_raw,
    parse_row,
    readable,
)
from klarify_xl.records import State, Update
from klarify_xl.store import Store
from klarify_xl.sync import sync
from klarify_xl.text import link_target
from klarify_xl.walk import read_all

MakeServer = Callable[..., DemoServer]
MakeClient = Callable[..., Client]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

ROW = {
    "id": "12345",
    "name": "Customer Onboarding Process",
    "status": "published",
    "owner": "John Smith",
    "performer": "Customer Service Team",
    "updated_at": "2024-01-15T14:30:00Z",
    "url": "https://yourorg.klarify.me/process/12345",
    "lanes": ["Customer Service", "Account Management"],
    "called_within": [],
    "called_from": ["Sales Pipeline Process"],
}


def procedure(procedure_id: str, name: str, **fields: Any) -> Procedure:
    return parse_row({**ROW, "called_from": [], "id": procedure_id, "name": name, **fields})


def stored(path: Path, *rows: object) -> list[Procedure]:
    """Return the procedures of some rows after a round through the store."""
    read = {one.id: one for one in map(parse_row, rows)}
    update = Update("full", "test", State(), read, frozenset(), 1, len(read), NOW, NOW)
    with Store(path) as store:
        store.apply(update)
        return store.procedures()


def hostile(*rows: object, counted: int | None = None) -> Fault:
    """Return a fault that puts rows at the end of the last page, and counts them."""
    more = len(rows) if counted is None else counted
    return Fault.edited(
        lambda document: {
            **document,
            "data": [*document["data"], *([] if document["hasNext"] else rows)],
            "totalCount": document["totalCount"] + more,
        }
    ).on(times=None)


# References are names (C27)


def matches(*procedures: Procedure) -> list[tuple[str, str, list[str]]]:
    return [
        (one.target_name, one.match, [target.id for target in one.targets])
        for one in relationships(procedures)
    ]


def test_a_name_that_one_procedure_holds_is_resolved() -> None:
    assert matches(procedure("1", "A"), procedure("2", "B", called_within=["A"])) == [
        ("A", "resolved", ["1"])
    ]


def test_a_name_that_several_hold_is_ambiguous_and_not_guessed() -> None:
    procedures = [
        procedure("1", "A"),
        procedure("2", "A", status="archived"),
        procedure("3", "B", called_from=["A"]),
    ]

    assert matches(*procedures) == [("A", "ambiguous", ["1", "2"])]


@pytest.mark.parametrize("name", ["Retired", "a", "A ​", "A.", "", "null"])  # noqa: PLE2515
def test_a_name_that_none_holds_is_unresolved_and_kept(name: str) -> None:
    found = matches(procedure("1", "A"), procedure("2", "", called_within=[name, "A"]))

    assert found[-1] == ("A", "resolved", ["1"])
    assert found[:-1] == ([(name, "unresolved", [])] if name else [])


def test_a_nameless_procedure_is_nobodys_target() -> None:
    assert matches(procedure("1", " "), procedure("2", "B", called_within=[" "])) == [
        (" ", "unresolved", [])
    ]


def test_names_are_matched_composed_and_trimmed_and_kept_as_they_are() -> None:
    decomposed = unicodedata.normalize("NFD", "Prüfung ändern")
    source = procedure("2", "B", called_within=[f" {decomposed}\n"])
    (found,) = relationships([procedure("1", "Prüfung ändern "), source])

    assert (found.match, found.targets[0].id) == ("resolved", "1")
    assert found.target_name == f" {decomposed}\n"


def test_cycles_and_self_references_end() -> None:
    procedures = [
        procedure("1", "A", called_within=["B"], called_from=["A"]),
        procedure("2", "B", called_within=["A"]),
    ]

    assert matches(*procedures) == [
        ("B", "resolved", ["2"]),
        ("A", "resolved", ["1"]),
        ("A", "resolved", ["1"]),
    ]


def test_a_renamed_target_is_unresolved_until_the_references_follow(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    organisation = server.organisation
    target = organisation.add(name="The only one of its name")
    source = organisation.add(name="Source", called_within=["The only one of its name"])
    sync(client, store)

    def found() -> tuple[str, list[str]]:
        (only,) = [one for one in relationships(store.procedures()) if one.source.id == source]
        return only.match, [one.id for one in only.targets]

    assert found() == ("resolved", [target])
    organisation.edit(target, name="Renamed")
    sync(client, store)
    assert found() == ("unresolved", [])
    organisation.edit(source, stamp=False, called_within=["Renamed"])
    sync(client, store, full=True)
    assert found() == ("resolved", [target])


def test_a_realistic_organisation_has_references_of_all_three_kinds() -> None:
    rows = Organisation(procedures=1247, seed=1, now=NOW).rows
    found = relationships([parse_row(row) for row in rows])
    kinds = {kind: sum(one.match == kind for one in found) for kind in ("resolved", "ambiguous")}

    assert len(found) == sum(len(row["called_within"]) + len(row["called_from"]) for row in rows)
    assert kinds["resolved"] > 1000
    assert 50 < kinds["ambiguous"] < 250
    assert 20 < sum(one.match == "unresolved" for one in found) < 120
    assert all(len(one.targets) > 1 for one in found if one.match == "ambiguous")


# Fields are missing, null, unknown or of another type (C28)


def test_the_documented_row_is_read_without_a_remark() -> None:
    parsed = parse_row(ROW)

    assert parsed.remarks == ()
    assert parsed.lanes == ("Customer Service", "Account Management")
    assert parsed.updated_at == datetime(2024, 1, 15, 14, 30, tzinfo=UTC)


def test_a_row_with_an_id_alone_is_a_procedure() -> None:
    parsed = parse_row({"id": "1"})

    assert (parsed.name, parsed.owner, parsed.lanes, parsed.updated_at) == ("", "", (), None)
    assert parsed.remarks == ("no status", "no updated_at")


@pytest.mark.parametrize("name", ["name", "owner", "performer", "url"])
@pytest.mark.parametrize("empty", [None, ""])
def test_null_missing_and_empty_texts_are_the_same(name: str, empty: object) -> None:
    without = parse_row({key: ROW[key] for key in ROW if key != name})
    parsed = parse_row({**ROW, name: empty})

    assert getattr(parsed, name) == ""
    assert parsed.remarks == ()
    assert differences(parsed, without) == []


@pytest.mark.parametrize("name", ["lanes", "called_within", "called_from"])
@pytest.mark.parametrize("empty", [None, "", []])
def test_null_missing_and_empty_lists_are_the_same(name: str, empty: object) -> None:
    without = parse_row({key: ROW[key] for key in ROW if key != name})
    parsed = parse_row({**ROW, name: empty})

    assert getattr(parsed, name) == ()
    assert parsed.remarks == ()
    assert differences(parsed, without) == []


@pytest.mark.parametrize(
    ("name", "value", "kept", "remark"),
    [
        ("name", 42, "42", "name is a number, not a text"),
        ("owner", {"name": "X"}, '{"name": "X"}', "owner is an object, not a text"),
        ("performer", ["a"], '["a"]', "performer is a list, not a text"),
        ("url", True, "true", "url is true or false, not a text"),
        ("lanes", "Sales", ("Sales",), "lanes is a text, not a list"),
        ("lanes", 1.5, ("1.5",), "lanes is a number, not a list"),
        ("lanes", {"a": 1}, ('{"a": 1}',), "lanes is an object, not a list"),
        ("called_from", ["A", None, 3], ("A", "3"), "called_from holds something else than texts"),
        ("status", "retired", "retired", "unknown status 'retired'"),
        ("status", "Published", "Published", "unknown status 'Published'"),
        ("updated_at", 1705329000, None, "updated_at is no date: 1705329000"),
        ("updated_at", "15/01/2024", None, "updated_at is no date: '15/01/2024'"),
    ],
)
def test_a_value_of_another_type_is_kept_and_remarked_on(
    name: str, value: object, kept: object, remark: str
) -> None:
    parsed = parse_row({**ROW, name: value})

    assert getattr(parsed, name) == kept
    assert parsed.remarks == (remark,)
    assert json.loads(parsed.raw)[name] == value


def test_a_number_too_large_for_a_float_is_no_obstacle(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    body = b'{"data": [{"id": "1", "cost": 1e999}], "hasNext": false, "totalCount": 1}'
    server.script(Fault.reply(200, body).on(times=None))
    client = make_client(server)
    sync(client, store)

    assert sync(client, store, full=True).changed == 0
    assert [dict(one.extra) for one in store.procedures()] == [{"cost": '"1e999"'}]


def test_unknown_fields_are_kept_and_their_changes_noticed(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    extra = {"risk": {"level": 3}, "folder": "Ä/B", "\ud800": [1]}
    one = server.organisation.add(**extra)
    sync(client, store)
    server.organisation.edit(one, stamp=False, risk={"level": 4})
    sync(client, store)

    (kept,) = [found for found in store.procedures() if found.id == one]
    assert json.loads(kept.raw).items() >= {**extra, "risk": {"level": 4}}.items()
    assert dict(kept.extra) == {"risk": '{"level": 4}', "folder": '"\\u00c4/B"', "\\ud800": "[1]"}
    (change,) = store.changes(since=2)
    assert (change.field, change.old, change.new) == ("risk", '{"level": 3}', '{"level": 4}')


def test_the_name_and_the_address_of_an_owner_are_never_merged() -> None:
    owners = ["John Smith", "john.smith@example.com", "JOHN SMITH", "John  Smith", " John Smith"]

    assert [parse_row({**ROW, "owner": owner}).owner for owner in owners] == owners


QUARANTINED: list[Any] = [
    {key: ROW[key] for key in ROW if key != "id"},
    {**ROW, "id": None},
    {**ROW, "id": ""},
    {**ROW, "id": " \t"},
    {**ROW, "id": 1.5},
    {**ROW, "id": True},
    {**ROW, "id": ["1"]},
    {**ROW, "id": {"id": "1"}},
    {**ROW, "id": "a\0b"},
    {**ROW, "id": "\udfff"},
    None,
    "12345",
    7,
    [],
    {},
]


@pytest.mark.parametrize("row", QUARANTINED, ids=repr)
def test_only_a_row_without_a_usable_id_is_quarantined(
    server: DemoServer, make_client: MakeClient, row: object
) -> None:
    with pytest.raises(UnusableRowError):
        parse_row(row)
    server.script(hostile(row))
    listing = read_all(make_client(server))

    assert (len(listing.procedures), listing.quarantined, listing.shortfall) == (250, 1, 0)


def test_a_last_page_that_is_sent_again_does_not_count_its_quarantined_rows_twice(
    make_server: MakeServer, make_client: MakeClient
) -> None:
    server = make_server(behaviour=Behaviour(past_end="last"))
    # One more is counted than is listed, so the walk looks behind the end.
    server.script(hostile(None, counted=2))
    listing = read_all(make_client(server))

    assert (listing.quarantined, listing.shortfall) == (1, 1)


def test_a_walk_with_a_quarantined_row_removes_nothing(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    sync(client, store)
    lost = server.organisation.rows[3]["id"]
    server.organisation.remove(lost)
    server.script(hostile({"name": "no id"}))
    log = sync(client, store)

    assert (log.mode, log.removed, log.quarantined) == ("full", 0, 1)
    assert lost in store.listed_ids()

    server.faults.clear()
    assert sync(client, store).removed == 1
    assert lost not in store.listed_ids()


def test_a_lasting_quarantined_row_does_not_force_full_refreshes(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    server.script(hostile(None).on(walk=True, times=1, page=2))
    server.script(
        Fault.edited(lambda one: {**one, "totalCount": one["totalCount"] + 1}).on(times=None)
    )
    sync(client, store)
    server.organisation.evolve(edits=5, additions=0, removals=0)
    log = sync(client, store)

    assert (log.mode, log.changed, log.quarantined) == ("incremental", 5, 1)


# Ids are opaque (C29)


ODD_IDS = [
    "007",
    "7",
    "1e5",
    "100000",
    "12345678901234567890",
    "../../etc/passwd",
    "CON",
    "con",
    "NaN",
    "-1",
    " 7",
    "=1+1",
    "'; DROP TABLE procedures; --",
    "é",
    "e\u0301",
    "proc_abc123def",
    "PROC_ABC123DEF",
    "👩\u200d🏭",
    "x" * 5000,
    "a\nb",
]


def test_odd_ids_come_through_untouched_and_distinct(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    for one in ODD_IDS:
        server.organisation.add(id=one, name=f"name of {one[:20]}")
    sync(make_client(server), store)
    found = {one.id: one.name for one in store.procedures()}

    assert {one: found.get(one) for one in ODD_IDS} == {
        one: f"name of {one[:20]}" for one in ODD_IDS
    }
    assert len(found) == 250 + len(ODD_IDS)


def test_odd_ids_are_never_file_names(
    server: DemoServer, make_client: MakeClient, tmp_path: Path
) -> None:
    for one in ODD_IDS:
        server.organisation.add(id=one)
    with Store(tmp_path / "stores" / "klarify.db") as store:
        sync(make_client(server), store)

    assert {file.name for file in tmp_path.rglob("*")} <= {
        "stores",
        "klarify.db",
        "klarify.db-wal",
        "klarify.db-shm",
    }


@pytest.mark.parametrize("number", [0, 7, 12345678901234567890123, -1])
def test_an_id_that_comes_as_a_whole_number_is_kept_to_the_last_digit(number: int) -> None:
    assert parse_row({**ROW, "id": number}).id == str(number)


def test_a_removed_odd_id_is_only_no_longer_listed(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    client = make_client(server)
    server.organisation.add(id="1e5")
    server.organisation.add(id="100000")
    sync(client, store)
    server.organisation.remove("1e5")
    sync(client, store)

    assert "100000" in store.listed_ids()
    assert "1e5" not in store.listed_ids()
    assert [(one.id, one.kind) for one in store.changes(since=2)] == [("1e5", "removed")]


# Texts that other formats can't hold are stored unaltered (C30's other half)


TEXTS = [
    "=cmd|' /C calc'!A0",
    "\t@SUM(1)",
    "half \ud83d a pair",
    "\udc00",
    "nul \0 inside",
    "escape \x1b[2J",
    "bidi \u202e and zero\u200bwidth",
    "x" * 200_000,
    "\ufeff",
    "line\r\nbreak\u2028s",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_hostile_texts_survive_the_store_unaltered(
    server: DemoServer, make_client: MakeClient, store: Store, text: str
) -> None:
    one = server.organisation.add(name=text, lanes=[text, "plain"], called_within=[text])
    client = make_client(server)
    sync(client, store)
    server.organisation.edit(one, owner=text)
    sync(client, store)

    (kept,) = [found for found in store.procedures() if found.id == one]
    assert (kept.name, kept.lanes, kept.owner) == (text, (text, "plain"), text)
    (owner,) = [change for change in store.changes(since=2) if change.field == "owner"]
    assert readable(owner.new) == text


# Addresses are not trusted (C31)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "file:///etc/passwd",
        r"\\server\share",
        "//server/share",
        "https://user@klarify.me/process/1",
        "https://klarify.me@evil.example/process/1",
        "https://kl\u0430rify.me/process/1",
        "https://xn--klrify-4ve.me/process/1",
        "https://klarify.me:8443/x",
        "https://127.1/x",
        "https://localhost/x",
        "https://klarify.me\\@evil.example/",
        "https://klarify.me/\u202egpj.exe",
        "https://klarify.me/a\nb",
        "https://[::1",
        "data:text/html,x",
        "ms-excel:ofe|u|https://x",
        "",
    ],
)
def test_a_doubtful_address_is_kept_as_text_and_never_linked_or_fetched(
    server: DemoServer, make_client: MakeClient, store: Store, url: str
) -> None:
    one = server.organisation.add(url=url)
    sync(make_client(server), store)

    (kept,) = [found for found in store.procedures() if found.id == one]
    assert kept.url == url
    assert link_target(kept.url) is None
    assert {request.path for request in server.requests} == {"/api/procedures"}


def test_a_plain_https_address_is_linked() -> None:
    assert link_target(str(ROW["url"])) == ROW["url"]


# Anything that JSON can hold


# As a JSON parser gives them: two halves side by side are one character.
texts = st.text(st.characters(codec=None), max_size=12).map(
    lambda text: str(json.loads(json.dumps(text)))
)
values = st.recursive(
    # Infinity is not JSON, though Python would write it.
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
odd_rows = values | st.dictionaries(
    st.sampled_from(sorted(ROW)) | texts, values | st.just("x"), max_size=12
)
rows_with_ids = st.builds(
    lambda row, one: {**row, "id": one},
    st.dictionaries(st.sampled_from(sorted(ROW)) | texts, values, max_size=12),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
        str.strip
    ),
)


@given(odd_rows)
def test_any_row_is_a_procedure_or_unusable(row: Any) -> None:
    try:
        parsed = parse_row(row)
    except UnusableRowError:
        return
    again = parse_raw(parsed.raw)
    assert again == parsed
    assert again.remarks == parsed.remarks
    assert json.loads(parsed.raw) == row
    assert parsed.raw.isascii()
    assert differences(parsed, parse_row(dict(reversed(row.items())))) == []
    list(relationships([parsed, again]))


@given(row=rows_with_ids, other=rows_with_ids)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_row_survives_the_store(
    tmp_path_factory: pytest.TempPathFactory, row: Any, other: Any
) -> None:
    path = tmp_path_factory.mktemp("any") / "klarify.db"
    (first,) = stored(path, row)
    assert json.loads(first.raw) == row

    changed = {**other, "id": row["id"]}
    (second,) = stored(path, changed)
    # The same in another spelling, null for absent for example, is no news.
    expected = changed if differences(first, parse_row(changed)) else row
    assert second == parse_row(changed)
    if first.remarks == parse_row(changed).remarks:
        assert json.loads(second.raw) == expected
    with Store(path, read_only=True) as store:
        store.digest()
        changes = store.changes(since=2)
    assert [(one.field, one.old, one.new) for one in changes] == [
        (one.field, one.old, one.new) for one in differences(first, second)
    ]
    assert all(isinstance(readable(one.new), str) for one in changes)


@given(rows=st.lists(odd_rows, max_size=8))
@settings(max_examples=15, deadline=None)
def test_any_reply_of_rows_is_synced(rows: list[Any]) -> None:
    organisation = Organisation(procedures=3, seed=1, now=NOW)
    usable: dict[str, Any] = {row["id"]: row for row in organisation.rows}
    for row in rows:
        try:
            usable.setdefault(parse_row(row).id, row)
        except UnusableRowError:
            continue
    with DemoServer(organisation) as server:
        server.script(hostile(*rows).on(page=0, times=None))
        with (
            TemporaryDirectory() as folder,
            Client(server.access_key, server.url, sleep=lambda _seconds: None) as client,
            Store(Path(folder) / "klarify.db") as store,
        ):
            log = sync(client, store)
            assert store.listed_ids() == usable.keys()
            assert log.listed == len(usable)
            # Without ids, items of a page that comes twice can't be told from others.
            unusable = sum(not _is_usable(row) for row in rows)
            assert log.quarantined >= unusable
            assert bool(log.quarantined) == bool(unusable)


def _is_usable(row: object) -> bool:
    try:
        parse_row(row)
    except UnusableRowError:
        return False
    return True
