"""What the worksheet functions answer, cell by cell, from a real store."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klarify_xl import functions
from klarify_xl.answers import Answers, Library
from klarify_xl.demo import DemoServer
from klarify_xl.errors import StoreError
from klarify_xl.fields import FIELD_TITLES
from klarify_xl.options import Options
from klarify_xl.sheets import empty_plan
from klarify_xl.store import Store
from klarify_xl.sync import sync
from klarify_xl.worksheet_values import CellError, ExcelError, Table

from .conftest import NOW, MakeClient
from .inventories import refresh, row

NA, VALUE = ExcelError.NOT_AVAILABLE, ExcelError.VALUE
DAY = timedelta(days=1)


@pytest.fixture
def library() -> Iterator[Library]:
    """Stores as worksheet functions open them."""
    opened = Library()
    yield opened
    opened.close()


@pytest.fixture
def answers(store: Store, library: Library) -> Answers:
    """A small inventory."""
    refresh(
        store,
        [
            row("1", name="Order", owner="Änne", lanes=["Sales", "Stock"], department="North"),
            row("2", name="Order", status="draft", owner="", performer="Temp*"),
            row("3", name="Deliver goods", called_within=["Ship"], called_from=["Order"]),
            row("4", name="Ship", called_from=["deliver Goods", "Gone", "Pay"], lanes=["Stock"]),
            row("5", name="Pay", called_within=["Ship"], owner="Bob", lanes=["Sales"]),
            row("6", name="pay", owner="BOB", updated_at=None),
            row("007", name="5", updated_at="2025-11-01T23:30:00Z"),
        ],
    )
    return library.answers(store.path)


def result(function: Callable[..., Table], *arguments: Any) -> Any:
    """Return the value of a single cell, or the rows of a larger table."""
    try:
        table = function(*arguments)
    except CellError as stop:
        return stop.error
    assert len({len(line) for line in table}) == 1
    return table[0][0] if len(table) == 1 and len(table[0]) == 1 else table


# Fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "1"),
        ("name", "Order"),
        ("OWNER", "Änne"),
        ("verantwortlich", "Änne"),
        ("Updated", datetime(2026, 2, 1, 8, 30)),  # noqa: DTZ001 -- cells know no zones
        ("updated_at", datetime(2026, 2, 1, 8, 30)),  # noqa: DTZ001
        ("Zuletzt geandert", datetime(2026, 2, 1, 8, 30)),  # noqa: DTZ001
        ("Updated (UTC)", datetime(2026, 2, 1, 8, 30)),  # noqa: DTZ001
        ("Zuletzt geändert (Europe/Berlin)", datetime(2026, 2, 1, 9, 30)),  # noqa: DTZ001
        ("Updated (Mars/Olympus)", VALUE),
        ("Owner (UTC)", VALUE),
        ("lanes", "Sales; Stock"),
        ("called-within", ""),
        ("Link", "https://demo.klarify.me/process/1"),
        ("url", "https://demo.klarify.me/process/1"),
        ("Remarks", ""),
        ("department", "North"),
        ("Department", VALUE),
        ("no such field", VALUE),
        ("", ""),
        (None, ""),
    ],
)
def test_a_field_goes_by_its_api_name_and_its_titles(
    answers: Answers, field: object, value: object
) -> None:
    assert result(functions.get, answers, "1", field) == value


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_title_of_the_procedures_sheet_is_a_field(answers: Answers, language: str) -> None:
    options = Options(language=language, time_zone="Europe/Berlin")
    (sheet,) = (one for one in empty_plan(options).tables if one.table == "Procedures")
    titles = {column.name: column.title for column in sheet.columns}
    # A count and news, which are about other sheets.
    del titles["Relationships"], titles["Changed"]
    assert set(titles) == set(FIELD_TITLES.values())
    for name, title in titles.items():
        assert result(functions.get, answers, "4", title) != VALUE, name


def test_a_moment_that_excel_can_not_show_as_a_date_is_a_text(
    store: Store, library: Library
) -> None:
    refresh(store, [row("a", updated_at="1812-05-07T00:00:00Z"), row("b", updated_at="soon")])
    answers = library.answers(store.path)
    assert result(functions.get, answers, "a", "updated") == "1812-05-07 00:00:00"
    assert result(functions.get, answers, "b", "updated") == ""


# Which procedure is meant


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("4", "4"),
        (" 4 ", "4"),
        (4.0, "4"),
        (4, "4"),
        ("Ship", "4"),
        ("SHIP", "4"),
        ("Ship ", "4"),
        # An id goes before a name, an exact name before one that differs in case.
        ("5", "5"),
        ("Pay", "5"),
        ("pay", "6"),
        # Two that differ in case only, and two that don't differ.
        ("PAY", VALUE),
        ("Order", VALUE),
        ("order", VALUE),
        ("007", "007"),
        (7.0, NA),
        ("Shi", NA),
        ("", ""),
        (None, ""),
        (True, VALUE),
        (datetime(2026, 1, 1, tzinfo=UTC), VALUE),
        (-2146826246, NA),
        (-2146826281, ExcelError.DIVISION),
    ],
)
def test_an_id_or_a_name_means_one_procedure_or_none(
    answers: Answers, asked: object, found: object
) -> None:
    assert result(functions.get, answers, asked, "id") == found


def test_functions_of_one_procedure_want_one_cell(answers: Answers) -> None:
    for function in (functions.lanes, functions.callers, functions.impact):
        assert result(function, answers, (("1",), ("2",))) == VALUE
        assert result(function, answers, None) == VALUE
        assert result(function, answers, (("nobody",),)) == NA


IDS = st.sampled_from(["1", "2", "Ship", 3.0, None, "", "nobody", "Order"])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_range_gives_a_range_of_the_same_shape(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("functions") / "klarify.db"
    with Store(path) as store:
        refresh(
            store, [row("1"), row("2", name="Order"), row("3", name="Order"), row("4", name="Ship")]
        )
    width = data.draw(st.integers(1, 4))
    cells = data.draw(st.lists(st.tuples(*[IDS] * width), min_size=1, max_size=6))
    library = Library()
    answers = library.answers(path)
    table = functions.get(answers, tuple(cells), "name")
    assert table == [
        [functions.get(answers, cell, "name")[0][0] for cell in line] for line in cells
    ]
    library.close()


def test_a_column_of_ids_and_a_row_of_fields_give_a_table(answers: Answers) -> None:
    ids = (("1",), (None,), ("5",))
    assert functions.get(answers, ids, (("name", "owner"),)) == [
        ["Order", "Änne"],
        ["", ""],
        ["Pay", "Bob"],
    ]
    assert functions.get(answers, ("1", "5"), "name") == [["Order", "Pay"]]
    # As in Excel, what has no counterpart is not available.
    assert functions.get(answers, ids, (("name",), ("owner",))) == [["Order"], [""], [NA]]


# Text


def test_text_comes_out_as_text_whatever_it_looks_like(store: Store, library: Library) -> None:
    evil = ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-1", "#N/A", "\x01#N/A", "2026-01-01", "007"]
    refresh(store, [row(str(number), owner=text) for number, text in enumerate(evil)])
    answers = library.answers(store.path)
    for number, text in enumerate(evil):
        value = functions.get(answers, str(number), "owner")[0][0]
        # A function's text is a value to Excel: it is not parsed, as typed text would be.
        assert type(value) is str
        assert value == text.replace("\x01", "\N{REPLACEMENT CHARACTER}")


def test_text_beyond_a_cell_is_cut_with_a_note(store: Store, library: Library) -> None:
    refresh(store, [row("a", name="x" * 40_000, owner="😀" * 20_000, lanes=["y" * 40_000])])
    answers = library.answers(store.path)
    shown = [functions.get(answers, "a", one)[0][0] for one in ("name", "owner", "lanes")]
    for text in (*shown, functions.lanes(answers, "a")[0][0]):
        assert isinstance(text, str)
        assert len(text.encode("utf-16-le")) // 2 == 32_767
        assert "cut here" in text


# Lists and counts

SELECTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, "1 2 3 4 5 6 007"),
    ({"status": "published"}, "1 3 4 5 6 007"),
    ({"status": "PUBLISHED", "lane": "stock"}, "1 4"),
    ({"status": "<>published"}, "2"),
    ({"owner": "bob"}, "5 6"),
    ({"owner": "="}, "2"),
    ({"owner": "<>"}, "1 3 4 5 6 007"),
    ({"owner": (("Bob", None), ("Änne", ""))}, "1 5 6"),
    ({"owner": "B*"}, "5 6"),
    ({"owner": "?NNE"}, "1"),
    ({"performer": "temp~*"}, "2"),
    ({"performer": "~*"}, ""),
    ({"lane": "Stock"}, "1 4"),
    ({"lane": "<>Stock"}, "2 3 5 6 007"),
    ({"lane": "="}, "2 3 6 007"),
    ({"owner": None, "lane": ""}, "1 2 3 4 5 6 007"),
    ({"text": "goods DELIVER"}, "3"),
    ({"text": "anne"}, "1"),
    ({"text": "sales stock"}, "1"),
    ({"text": "order", "status": "draft"}, "2"),
    ({"owner": "Nobody"}, ""),
]


@pytest.mark.parametrize(("criteria", "ids"), SELECTIONS)
def test_lists_and_counts_follow_criteria_as_in_countifs(
    answers: Answers, criteria: dict[str, Any], ids: str
) -> None:
    four = [criteria.get(name) for name in ("status", "owner", "performer", "lane")]
    listed = result(functions.list_procedures, answers, four, criteria.get("text"), "id")
    found = (
        [listed] if isinstance(listed, str) else [line[0] for line in listed or ()] if ids else []
    )
    assert sorted(found) == sorted(ids.split())
    assert listed != NA or not ids
    assert functions.count(answers, four, criteria.get("text")) == [[len(ids.split())]]


def test_a_list_is_in_the_order_of_names_with_the_columns_asked_for(answers: Answers) -> None:
    nothing = [None] * 4
    assert functions.list_procedures(answers, nothing, None, "ID, Verantwortlich")[:3] == [
        ["007", "Maria"],
        ["3", "Maria"],
        ["1", "Änne"],
    ]
    columns = (("owner", None, "Zuletzt geändert"),)
    assert len(functions.list_procedures(answers, nothing, None, columns)[0]) == 2
    assert len(functions.list_procedures(answers, nothing)[0]) == 6
    assert result(functions.list_procedures, answers, nothing, None, "ID, nonsense") == VALUE
    assert result(functions.count, answers, [-2146826265, None, None, None]) == ExcelError.REFERENCE


# Search


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("Onboarding of customers", "a"),
        ("custmer onbording", "a"),
        ("onboarding customer", "a"),
        ("prufung", "b"),
        ("Pruefung der Rechnung", "b"),
        ("invoice", "c"),
        ("INVOICE aproval", "d"),
        ("proc_77", "proc_77"),
        ("zzzz", None),
        ("?!", None),
    ],
)
def test_a_search_forgives_slips(
    store: Store, library: Library, asked: str, first: str | None
) -> None:
    names = {
        "a": "Customer Onboarding",
        "b": "Prüfung der Rechnung",
        "c": "Invoice",
        "d": "Approval of an invoice",
        "proc_77": "Something else",
        "e": "Order processing",
    }
    refresh(store, [row(id_, name=name) for id_, name in names.items()])
    found = result(functions.find, library.answers(store.path), asked)
    assert found == NA if first is None else found[0] == [first, names[first]]


def test_every_name_finds_itself(
    server: DemoServer, make_client: MakeClient, store: Store, library: Library
) -> None:
    sync(make_client(server), store)
    answers = library.answers(store.path)
    for one in answers.procedures:
        assert functions.find(answers, one.name, 1)[0][1] == one.name
        assert functions.find(answers, one.id, 1)[0][0] == one.id
    assert len(functions.find(answers, "process", 3.0)) == 3
    assert len(functions.find(answers, "process")) == functions.MOST_FOUND
    for most in (0, -1, 1.5, "many", True):
        assert result(functions.find, answers, "process", most) == VALUE
    assert result(functions.find, answers, " ") == VALUE


# Relationships


def test_what_a_procedure_is_called_within_and_from_is_told_with_doubts(answers: Answers) -> None:
    assert functions.called(answers, "3", "called within") == [["4", "Ship", "resolved"]]
    assert functions.called(answers, "3", "called from") == [["", "Order", "ambiguous"]]
    # Names are matched to the letter here, as everywhere in the workbook.
    assert functions.called(answers, "4", "called from") == [
        ["", "deliver Goods", "unresolved"],
        ["", "Gone", "unresolved"],
        ["5", "Pay", "resolved"],
    ]
    assert functions.called(answers, "1", "called from") == [[""]]
    assert functions.lanes(answers, "1") == [["Sales"], ["Stock"]]
    assert functions.lanes(answers, "2") == [[""]]


def test_callers_are_followed_to_the_depth_asked_for(answers: Answers) -> None:
    assert functions.callers(answers, "3") == [
        ["4", "Ship", 1, "resolved"],
        ["", "Order", 1, "ambiguous"],
    ]
    deeper = functions.callers(answers, "3", 2)
    assert deeper[2:] == [
        ["", "deliver Goods", 2, "unresolved"],
        ["", "Gone", 2, "unresolved"],
        ["5", "Pay", 2, "resolved"],
    ]
    # Pay is called within Ship, which is known by then: the circle ends.
    assert functions.callers(answers, "3", 99) == deeper
    assert functions.callers(answers, "1") == [[""]]
    assert result(functions.callers, answers, "3", 0) == VALUE


def test_impact_tells_all_callers_with_their_owners_and_lanes(answers: Answers) -> None:
    assert functions.impact(answers, "3") == [
        ["4", "Ship", 1, "Maria", "Stock", "resolved"],
        ["", "Order", 1, "", "", "ambiguous"],
        ["", "deliver Goods", 2, "", "", "unresolved"],
        ["", "Gone", 2, "", "", "unresolved"],
        ["5", "Pay", 2, "Bob", "Sales", "resolved"],
    ]
    assert len(functions.impact(answers, "3", 1)) == 2


def test_an_unclear_name_is_told_once(store: Store, library: Library) -> None:
    refresh(
        store,
        [
            row("a", called_from=["Gone", "Name of b"], called_within=["Gone "]),
            row("b", called_from=["Gone"]),
        ],
    )
    assert functions.callers(library.answers(store.path), "a", 9) == [
        ["", "Gone ", 1, "unresolved"],
        ["b", "Name of b", 1, "resolved"],
    ]


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20), st.integers(1, 8))
def test_callers_are_those_that_a_way_leads_to(
    tmp_path_factory: pytest.TempPathFactory, edges: set[tuple[int, int]], depth: int
) -> None:
    path = tmp_path_factory.mktemp("functions") / "klarify.db"
    with Store(path) as store:
        refresh(
            store,
            [
                row(str(source), called_from=[f"Name of {t}" for s, t in edges if s == source])
                for source in range(8)
            ],
        )
    library = Library()
    told = functions.callers(library.answers(path), "0", depth)
    # By brute force: the end of every walk of each length, at the least length.
    expected: dict[str, int] = {}
    ends = {0}
    for level in range(1, depth + 1):
        ends = {target for source, target in edges if source in ends}
        for end in ends - {0}:
            expected.setdefault(str(end), level)
    assert {line[0]: line[2] for line in told if line != [""]} == expected
    library.close()


# History


def test_changes_are_those_of_the_last_refresh_or_since_a_day(
    store: Store, library: Library
) -> None:
    refresh(store, [row("a"), row("b")], at=NOW)
    assert functions.changes(library.answers(store.path)) == [[""]]
    refresh(store, [row("a", owner="Bob"), row("b")], at=NOW + DAY)
    refresh(store, [row("a", owner="Bob"), row("c")], at=NOW + 2 * DAY, removed=["b"])
    refresh(store, [row("a", owner="Bob"), row("c")], at=NOW + 3 * DAY)
    answers = library.answers(store.path)
    second = (NOW + 2 * DAY).replace(tzinfo=None)
    last = [
        [second, "added", "c", "Name of c", "", "", ""],
        [second, "no longer listed", "b", "Name of b", "", "", ""],
    ]
    assert functions.changes(answers) == last
    assert functions.changes(answers, "2026-03-03") == last
    all_ = functions.changes(answers, datetime(2026, 1, 1, tzinfo=UTC))
    first = (NOW + DAY).replace(tzinfo=None)
    assert all_ == [*last, [first, "changed", "a", "Name of a", "Owner", "Maria", "Bob"]]
    assert functions.changes(answers, 46082.0) == all_  # 2026-03-01, with what was new at first
    assert functions.changes(answers, "01.06.2030") == [[""]]
    for nonsense in ("yesterday", "03/01/2026", -5.0, 1e9, True, float("nan")):
        assert result(functions.changes, answers, nonsense) == VALUE


def test_a_field_is_as_it_was_on_a_day(store: Store, library: Library) -> None:
    refresh(store, [row("a", owner="Ann", note="x"), row("b")], at=NOW)
    later = row("a", owner="Bob", name="New name", lanes=["Sales"], updated_at="2026-03-02T07:00Z")
    refresh(store, [later, row("b")], at=NOW + DAY)
    refresh(store, [row("b")], at=NOW + 2 * DAY, removed=["a"])
    refresh(store, [{**later, "owner": "Cid"}, row("b")], at=NOW + 4 * DAY)
    answers = library.answers(store.path)

    def owner(date: object, field: str = "owner") -> Any:
        return result(functions.as_of, answers, date, "a", field)

    assert owner("2026-02-28") == NA
    assert owner("2026-03-01") == "Ann"
    assert owner("2026-03-01 11:59") == NA
    assert owner("2026-03-02") == owner(46083.0) == owner(46083) == owner("02.03.2026") == "Bob"
    assert owner("02.03.2026 9:00") == owner("2026-03-02T10:00:00+02:00") == "Ann"
    assert owner("2026-03-03") == NA
    assert owner("2026-03-04") == NA
    assert owner("2026-03-05") == owner("2030-01-01") == owner("9999-12-31") == "Cid"
    assert owner("2026-03-01", "name") == "Name of a"
    assert owner("2026-03-02", "Lanes") == "Sales"
    assert owner("2026-03-01", "note") == "x"
    assert owner("2026-03-02", "note") == ""
    assert owner("2026-03-01", "updated") == datetime(2026, 2, 1, 8, 30)  # noqa: DTZ001
    assert owner("2026-03-02", "updated") == datetime(2026, 3, 2, 7, 0)  # noqa: DTZ001
    assert owner("2026-03-02", "id") == "a"
    assert owner("2026-03-02", "remarks") == owner("never") == owner("2026-03-02", "?") == VALUE
    assert owner(None) == owner("2026-03-02", "") == ""
    dates = (("2026-03-01",), ("2026-03-02",))
    assert functions.as_of(answers, dates, "a", (("owner", "name"),)) == [
        ["Ann", "Name of a"],
        ["Bob", "New name"],
    ]
    assert result(functions.as_of, answers, "2026-03-02", "nobody", "name") == NA


def test_what_is_no_longer_listed_is_known_by_its_id(store: Store, library: Library) -> None:
    refresh(store, [row("a"), row("b")], at=NOW)
    refresh(store, [row("b")], at=NOW + DAY, removed=["a"])
    answers = library.answers(store.path)
    assert result(functions.get, answers, "a", "owner") == NA
    assert result(functions.as_of, answers, "2026-03-01", "a", "owner") == "Maria"
    assert result(functions.as_of, answers, "2026-03-02", "a", "owner") == NA


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["Ann", "Bob", "", None]), min_size=1, max_size=8))
def test_the_history_gives_each_day_back(
    tmp_path_factory: pytest.TempPathFactory, owners: list[str | None]
) -> None:
    """None stands for a day on which the procedure is not listed."""
    path = tmp_path_factory.mktemp("functions") / "klarify.db"
    listed = False
    with Store(path) as store:
        for day, owner in enumerate(owners):
            rows = [row("b")] if owner is None else [row("b"), row("a", owner=owner)]
            gone = ["a"] if owner is None and listed else []
            refresh(store, rows, at=NOW + day * DAY, removed=gone)
            listed = owner is not None
    library = Library()
    answers = library.answers(path)
    for day, owner in enumerate(owners):
        told = result(functions.as_of, answers, f"{NOW + day * DAY:%Y-%m-%d}", "a", "owner")
        assert told == (NA if owner is None else owner)
    library.close()


def test_age_counts_to_the_last_refresh(answers: Answers) -> None:
    # From 2026-02-01 08:30 to 2026-03-01 12:00:30, and from 2025-11-01 23:30.
    assert functions.age(answers, (("1",), ("007",), (None,), ("6",), ("x",))) == [
        [28],
        [119],
        [""],
        [""],
        [NA],
    ]
    assert functions.refreshed(answers) == [[datetime(2026, 3, 1, 12, 0, 30)]]  # noqa: DTZ001


def test_a_store_that_was_never_refreshed_has_nothing(store: Store, library: Library) -> None:
    answers = library.answers(store.path)
    assert result(functions.refreshed, answers) == NA
    assert result(functions.get, answers, "1", "name") == NA
    assert functions.count(answers, [None] * 4) == [[0]]
    assert result(functions.find, answers, "order") == NA
    assert functions.health(answers) == functions.changes(answers) == [[""]]


# Health


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [
        ("No owner", {"No owner"}),
        ("Niemand verantwortlich", {"No owner"}),
        ("duplicate name", {"Duplicate name"}),
        ((("no owner",), ("Doppelter Name",)), {"No owner", "Duplicate name"}),
        ("no such kind", VALUE),
    ],
)
def test_findings_are_told_by_kind(answers: Answers, kind: object, kinds: object) -> None:
    found = result(functions.health, answers, kind)
    assert (found if found == VALUE else {line[1] for line in found}) == kinds


def test_findings_are_told_by_severity_and_all_together(answers: Answers) -> None:
    every = functions.health(answers)
    assert ["high", "No owner", "2", "Order", "", "The owner is empty"] in every
    for word, german in (("high", "hoch"), ("medium", "mittel"), ("low", "niedrig")):
        of_it = [line for line in every if line[0] == word]
        assert functions.health(answers, word) == functions.health(answers, german) == of_it != []


# One connection, one cache


def statements(answers: Answers) -> list[str]:
    """Return a list to which all further SQL is added."""
    said: list[str] = []
    answers._store._connection.set_trace_callback(said.append)
    return said


def test_a_call_costs_one_look_at_the_change_counter(store: Store, library: Library) -> None:
    refresh(store, [row(str(number)) for number in range(300)])
    said = statements(library.answers(store.path))
    ids = itertools.cycle(map(str, range(300)))
    for _ in range(1000):
        answers = library.answers(store.path)
        which = next(ids)
        functions.get(answers, which, "owner")
        functions.callers(answers, which)
        functions.count(answers, ["published", None, None, None])
        functions.impact(answers, which)
        functions.age(answers, which)
        functions.find(answers, "Name", 1)
    assert said.count("PRAGMA data_version") == 1000
    # The procedures, and when they were compared.
    assert len(said) == 1002


def test_the_history_of_a_procedure_is_read_once(store: Store, library: Library) -> None:
    refresh(store, [row("a"), row("b")])
    said = statements(library.answers(store.path))
    for _ in range(100):
        for which in "ab":
            functions.as_of(library.answers(store.path), "2026-03-01", which, "owner")
    assert len([one for one in said if "FROM changes" in one]) == 2
    refresh(store, [row("a", owner="Bob")], at=NOW + DAY)
    said.clear()
    for _ in range(100):
        assert len(functions.changes(library.answers(store.path))) == 1
    assert len([one for one in said if "FROM changes" in one]) == 1


def test_what_another_process_writes_is_seen_and_only_what_changed_is_read_anew(
    store: Store, library: Library
) -> None:
    refresh(store, [row("a"), row("b")])
    before = library.answers(store.path)
    kept, changed = before.find("a"), before.find("b")
    code = (
        "from tests.inventories import *\n"
        f"with Store({str(store.path)!r}) as store:\n"
        "    refresh(store, [row('a'), row('b', owner='Bob')])\n"
    )
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
    after = library.answers(store.path)
    assert after is not before
    assert after.find("a") is kept
    assert changed.owner == "Maria"
    assert after.find("b").owner == "Bob"
    assert library.answers(store.path) is after


def test_a_refresh_without_news_keeps_all_procedures(store: Store, library: Library) -> None:
    refresh(store, [row("a")])
    one = library.answers(store.path).find("a")
    for hour in range(3):
        refresh(store, [row("a")], at=NOW + timedelta(hours=hour))
        assert library.answers(store.path).find("a") is one
        library.answers(store.path)
    assert library.answers(store.path).verified_at == NOW + timedelta(hours=2, seconds=30)


def test_a_file_put_in_the_place_of_the_store_is_noticed(tmp_path: Path) -> None:
    now = [0.0]
    library = Library(clock=lambda: now[0])
    paths = [tmp_path / "klarify.db", tmp_path / "other.db"]
    for path, owner in zip(paths, ("Ann", "Bob"), strict=True):
        with Store(path) as store:
            refresh(store, [row("a", owner=owner)])
    assert library.answers(paths[0]).find("a").owner == "Ann"
    paths[1].replace(paths[0])
    now[0] += 2
    assert library.answers(paths[0]).find("a").owner == "Bob"
    paths[0].unlink()
    now[0] += 2
    with pytest.raises(StoreError, match="no store"):
        library.answers(paths[0])
    library.close()
