"""Findings: each kind where it belongs, and none where all is well."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klarify_xl.graph import cycles, relationships
from klarify_xl.health import KINDS, findings
from klarify_xl.model import Procedure, parse_row

from .conftest import NOW


def procedure(id_: str, **fields: Any) -> Procedure:
    row = {
        "id": id_,
        "name": f"Name of {id_}",
        "status": "published",
        "owner": "Maria",
        "performer": "Clerk",
        "lanes": [],
        "updated_at": "2026-02-01T00:00:00Z",
        "url": f"https://demo.klarify.me/process/{id_}",
        "called_within": [],
        "called_from": [],
        **fields,
    }
    return parse_row(row)


def found(procedures: Sequence[Procedure], **options: Any) -> list[tuple[str, str, str]]:
    result = findings(procedures, relationships(procedures), as_of=NOW, **options)
    return [(one.kind, one.procedure.id, one.detail) for one in result]


def test_a_sound_inventory_has_no_findings() -> None:
    assert found([procedure("a"), procedure("b", called_within=["Name of a"])]) == []


@pytest.mark.parametrize(
    ("fields", "kind", "detail"),
    [
        ({"owner": " "}, "no owner", "empty"),
        ({"performer": None}, "no performer", "empty"),
        ({"updated_at": "2025-03-01T12:00:00Z"}, "stale", "Last changed on 2025-03-01"),
        ({"url": "javascript:alert(1)"}, "odd link", "javascript:alert(1)"),
        ({"url": ""}, "odd link", "empty"),
        ({"called_from": ["Nowhere"]}, "unresolved reference", "called from: Nowhere"),
        ({"called_within": ["Name of b"]}, "containment cycle", "Name of b [b]"),
    ],
)
def test_each_gap_is_found_where_it_stands(fields: dict[str, Any], kind: str, detail: str) -> None:
    own = fields.get("called_within") or ["Name of a"]
    others = [procedure("a"), procedure("b", **{**fields, "called_within": own})]
    assert [(k, i) for k, i, _ in found(others) if k != "not called"] == [(kind, "b")]
    assert any(detail in told for _, _, told in found(others))


def test_a_procedure_is_stale_from_the_day_asked_for() -> None:
    inventory = [
        procedure("a", called_within=["Name of b"]),
        procedure("b", updated_at="2026-02-20T12:00:00Z"),
    ]
    assert found(inventory, stale_after=timedelta(days=30)) == []
    kinds = found(inventory, stale_after=timedelta(days=9))
    assert [(kind, id_) for kind, id_, _ in kinds] == [("stale", "a"), ("stale", "b")]


def test_a_name_held_twice_is_found_with_those_who_refer_to_it() -> None:
    inventory = [
        procedure("a", name="Same"),
        procedure("b", name=" Same", called_from=["Name of c"]),
        procedure("c", called_within=["Same"]),
    ]
    assert found(inventory) == [
        ("ambiguous reference", "c", "called within: Same (could be a, b)"),
        ("duplicate name", "a", "Also held by b"),
        ("duplicate name", "b", "Also held by a"),
    ]


def test_a_cycle_is_told_with_its_whole_path_once() -> None:
    inventory = [
        procedure("a", called_from=["Name of b"]),
        procedure("b", called_from=["Name of c"]),
        procedure("c", called_from=["Name of a"]),
        procedure("d", called_from=["Name of a"]),
    ]
    assert found(inventory) == [
        ("call cycle", "a", "Name of a [a] → Name of b [b] → Name of c [c] → Name of a [a]")
    ]


def test_a_procedure_that_contains_what_it_follows_is_found() -> None:
    inventory = [
        procedure("a", called_from=["Name of b"]),
        procedure("b", called_within=["Name of a"]),
    ]
    assert [kind for kind, _, _ in found(inventory)] == ["opposite references"]


def test_another_spelling_of_an_owner_or_lane_is_found_beside_the_usual_one() -> None:
    linked = {"called_within": ["Name of a"]}
    inventory = [
        procedure("a", owner="Zoë Müller", lanes=["Quality"]),
        procedure("b", owner="Zoë Müller", lanes=["Quality"], **linked),
        procedure("c", owner="zoe  muller", lanes=["QUALITY "], **linked),
        procedure("d", owner="Zoe Mueller", lanes=["Quantity"], **linked),
    ]
    assert found(inventory) == [
        ("near-duplicate owner", "c", "'zoe  muller' beside 'Zoë Müller'"),
        ("near-duplicate lane", "c", "'QUALITY ' beside 'Quality'"),
    ]


def test_what_nothing_refers_to_and_refers_to_nothing_is_found() -> None:
    inventory = [procedure("a"), procedure("b", called_within=["Name of a"]), procedure("c")]
    assert [(kind, id_) for kind, id_, _ in found(inventory)] == [("not called", "c")]


def test_every_kind_says_why_it_matters() -> None:
    assert all(kind.title and kind.why[-1] in ".?" for kind in KINDS.values())


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_every_cycle_told_is_one_and_every_knot_is_told(pairs: list[tuple[int, int]]) -> None:
    targets: dict[int, list[str]] = {number: [] for number in range(8)}
    for source, target in pairs:
        targets[source].append(f"Name of {target}")
    inventory = [procedure(str(n), called_from=names) for n, names in targets.items()]
    told = cycles(relationships(inventory))
    edges = {(str(source), str(target)) for source, target in pairs}
    for path in told:
        ids = [one.id for one in path]
        assert len(set(ids)) == len(ids)
        assert all(edge in edges for edge in zip(ids, [*ids[1:], ids[0]], strict=True))
    # By brute force: a procedure is in a knot if a way leads from it back to it.
    reached = {node: {target for source, target in edges if source == node} for node in "01234567"}
    for _ in range(8):
        for node, known in reached.items():
            reached[node] = known.union(*(reached[other] for other in known))
    knots = {
        frozenset(other for other in known if node in reached[other])
        for node, known in reached.items()
        if node in known
    }
    assert len(told) == len(knots)
    assert {next(knot for knot in knots if path[0].id in knot) for path in told} == knots


@pytest.mark.parametrize(
    ("one", "other"),
    [("C++", "C#"), ("R&D", "RD"), ("11", "1.1"), ("राम", "रमी"), ("Й", "И"), ("??", "-")],
)
def test_different_texts_are_no_spellings_of_each_other(one: str, other: str) -> None:
    linked = {"called_within": ["Name of a"]}
    inventory = [procedure("a", owner=one), procedure("b", owner=other, **linked)]
    assert found(inventory) == []
