"""The map shows who calls whom, in a picture that can be read and in the same words."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klarify_xl.cli import run
from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.errors import ConfigurationError
from klarify_xl.graph import relationships
from klarify_xl.language import Language
from klarify_xl.model import Procedure, parse_row
from klarify_xl.options import Options
from klarify_xl.plan import Board, Cell, Link, Place, Shape
from klarify_xl.sheets import build_plan
from klarify_xl.sheets.inventory import Adjustments, Inventory
from klarify_xl.sheets.layout import lay_out
from klarify_xl.sheets.map import map_board
from klarify_xl.store import Store

from .conftest import NOW
from .workbooks import HOSTILE_TEXTS, write

COLUMNS, ROWS = 6, 8


def procedure(id_: str, **fields: Any) -> Procedure:
    return parse_row({"id": id_, "name": id_.upper(), "status": "published", **fields})


def inventory_of(*procedures: Procedure, say: Language | None = None) -> Inventory:
    rows = {one.id: row for row, one in enumerate(procedures)}
    return Inventory(procedures, relationships(procedures), Adjustments(), rows, say or Language())


def sample(count: int) -> Inventory:
    rows = Organisation(procedures=count, seed=7, now=NOW).rows
    return inventory_of(*map(parse_row, rows))


def text(cell: Cell) -> str:
    return str(cell.value if isinstance(cell, Link) else cell)


def told(board: Board) -> list[tuple[str, str, str]]:
    """Return the arrows as the cells below the picture tell them."""
    headings = [row for (row, _), (_, look) in board.cells.items() if look == "heading"]
    if not headings:
        return []
    last = max(row for row, _ in board.cells)
    texts = {place: text(cell) for place, (cell, _) in board.cells.items()}
    return [
        (texts[row, 0], texts[row, 1], texts[row, 2]) for row in range(headings[0] + 1, last + 1)
    ]


def notes(board: Board) -> str:
    return " ".join(text(cell) for cell, look in board.cells.values() if look == "note")


def drawn(board: Board) -> list[tuple[str, str, bool]]:
    """Return the arrows of the picture: names of the boxes, and whether it is dashed."""
    names = [shape.text.split("\n")[0] for shape in board.shapes]
    return [(names[one.start], names[one.end], one.dashed) for one in board.connectors]


def box(board: Board, name: str) -> Shape:
    (found,) = (shape for shape in board.shapes if shape.text.split("\n")[0] == name)
    return found


def overlap(one: Shape, other: Shape) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def test_an_arrow_leads_from_the_caller_to_the_called() -> None:
    board = map_board(
        inventory_of(
            procedure("a"),
            procedure("b", called_within=["A"]),
            procedure("c", called_from=["B"]),
        )
    )
    assert sorted(drawn(board)) == [("A", "B", False), ("B", "C", True)]
    assert box(board, "A").x < box(board, "B").x < box(board, "C").x
    assert told(board) == [
        ("A (published)", "B (published)", "called within"),
        ("B (published)", "C (published)", "called from"),
    ]
    assert "from the caller to the called. Solid: called within. Dashed: called from" in notes(
        board
    )
    assert board.connectors[0].description == "A calls B (called within)"


def test_a_call_of_both_kinds_is_one_solid_arrow_and_both_are_told() -> None:
    board = map_board(
        inventory_of(procedure("a"), procedure("b", called_within=["A"], called_from=["A"]))
    )
    assert drawn(board) == [("A", "B", False)]
    assert told(board) == [("A (published)", "B (published)", "called within; called from")]


def test_a_procedure_that_calls_itself_says_so_in_its_box() -> None:
    board = map_board(
        inventory_of(procedure("a", called_within=["A"], called_from=["B"]), procedure("b"))
    )
    assert box(board, "A").text == "A\npublished, calls itself"
    assert drawn(board) == [("B", "A", True)]
    assert ("A (published)", "A (published)", "called within") in told(board)


def test_what_no_procedure_or_several_may_mean_is_not_drawn() -> None:
    board = map_board(
        inventory_of(
            procedure("a", name="Same"),
            procedure("b", name="Same"),
            procedure("c", called_within=["Same", "Nowhere"], called_from=["D"]),
            procedure("d"),
        )
    )
    assert drawn(board) == [("D", "C", True)]


def test_a_box_tells_name_and_status_and_leads_to_its_row() -> None:
    long = "A procedure with a name that has far too many words for a box of this size"
    board = map_board(
        inventory_of(
            procedure("x"),
            procedure("a", name=long, status="draft", called_within=["B"]),
            procedure("b", status=""),
        )
    )
    shape = board.shapes[1]
    name, status = shape.text.split("\n")
    assert name.endswith("…")
    assert len(name) <= 50
    assert long.startswith(name[:-1])
    assert (status, shape.tone, shape.target) == ("draft", "pending", Place("Procedures", 1))
    assert shape.description == f"{long}; draft; a"
    assert box(board, "B").text == "B\nno status"
    assert box(board, "B").tone is None


def test_where_nothing_is_connected_the_sheet_says_so() -> None:
    board = map_board(inventory_of(procedure("a"), procedure("b", called_within=["B"])))
    assert not board.shapes
    assert "There is nothing to draw" in notes(board)
    assert map_board(inventory_of()).shapes == ()


def test_the_most_connected_procedures_are_shown_and_the_others_counted() -> None:
    board = map_board(sample(1247))
    assert len(board.shapes) == 36
    assert "Boxes: 36" in notes(board)
    inventory = sample(1247)
    connected = {
        one.id
        for relation in inventory.relationships
        if relation.match == "resolved" and relation.source.id != relation.targets[0].id
        for one in (relation.source, relation.targets[0])
    }
    assert f"{len(connected) - 36} other procedures" in notes(board)
    # It hangs together: from any box, arrows lead to all others, whichever way they point.
    reached = {0}
    for _ in board.shapes:
        for one in board.connectors:
            if {one.start, one.end} & reached:
                reached |= {one.start, one.end}
    assert len(reached) == 36


def test_a_second_network_is_shown_where_there_is_room() -> None:
    board = map_board(
        inventory_of(
            procedure("a"),
            procedure("b", called_within=["A"]),
            procedure("c", called_within=["D"]),
            procedure("d"),
        )
    )
    assert sorted(drawn(board)) == [("A", "B", False), ("D", "C", False)]


FAMILY = (
    procedure("grandparent"),
    procedure("parent", called_within=["GRANDPARENT"]),
    procedure("me", name="The Middle", called_from=["PARENT"]),
    procedure("child", called_within=["The Middle"]),
    procedure("grandchild", called_from=["CHILD"]),
    procedure("further", called_from=["GRANDCHILD"]),
    procedure("stranger", called_from=["FURTHER"]),
    procedure("sibling", called_within=["PARENT"]),
)


@pytest.mark.parametrize("centre", ["me", "The Middle", " The Middle "])
def test_around_a_centre_callers_stand_left_and_called_ones_right(centre: str) -> None:
    board = map_board(inventory_of(*FAMILY), centre)
    names = ("GRANDPARENT", "PARENT", "The Middle", "CHILD", "GRANDCHILD")
    assert [shape.text.split("\n")[0] for shape in board.shapes] == [*names]
    assert len({shape.x for shape in board.shapes}) == 5
    assert [shape.text.split("\n")[0] for shape in board.shapes if shape.strong] == ["The Middle"]
    assert "The Middle" in text(board.cells[0, 0][0])


def test_a_centre_without_connections_stands_alone() -> None:
    board = map_board(
        inventory_of(procedure("a"), procedure("b", called_from=["C"]), procedure("c")), "a"
    )
    assert [shape.text for shape in board.shapes] == ["A\npublished"]
    assert "2 other procedures" in notes(board)


def test_a_centre_with_very_many_neighbours_keeps_the_most_connected() -> None:
    many = [procedure(f"p{number:03}", called_from=["HUB"]) for number in range(100)]
    known = procedure("known", called_from=["HUB", "P050"])
    board = map_board(inventory_of(procedure("hub"), *many, known), "hub")
    assert len(board.shapes) == 1 + ROWS
    assert box(board, "KNOWN")
    assert box(board, "P050")


@pytest.mark.parametrize(
    ("centre", "message", "hint"),
    [
        ("Grandchilt", "no procedure has this id or name", "Did you mean grandchild"),
        ("zzzzzzzz", "no procedure has this id or name", "first column of the Procedures sheet"),
        ("Twice", "2 procedures have the name Twice", "Give an id instead: t1, t2."),
        ("", "no procedure has this id or name", "Procedures sheet"),
    ],
)
def test_a_centre_that_is_not_clear_is_refused_with_a_way_on(
    centre: str, message: str, hint: str
) -> None:
    twins = (procedure("t1", name="Twice"), procedure("t2", name="Twice"))
    with pytest.raises(ConfigurationError, match=message) as caught:
        map_board(inventory_of(*FAMILY, *twins), centre)
    assert hint.casefold() in caught.value.hint.casefold()


@dataclass(frozen=True)
class Marked(Language):
    """A language that shows which texts went through it."""

    def __call__(self, text: str) -> str:
        return f"§{text}"


def test_every_word_of_ours_is_said_in_the_workbooks_language() -> None:
    board = map_board(inventory_of(*FAMILY, say=Marked()), "me")
    ours = [text(cell) for cell, look in board.cells.values() if look != "label"]
    assert all(word.startswith("§") for word in (*ours, board.name, board.description))
    assert {kind for _, _, kind in told(board)} == {"§called within", "§called from"}
    assert board.key == "Map"


def test_hostile_names_are_shown_harmlessly() -> None:
    for name in HOSTILE_TEXTS.values():
        hostile = procedure("a", name=name, status=name, called_from=["B"])
        board = map_board(inventory_of(hostile, procedure("b")), "b")
        for shape in board.shapes:
            for shown in (shape.text, shape.description):
                assert "\x00" not in shown
                assert "\ud800" not in shown
                assert len(shown) < 1000
        assert len(board.shapes[1].text.split("\n")) == 2


graphs = st.integers(1, COLUMNS * ROWS).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)),
            unique=True,
            max_size=2 * count,
        ),
    )
)


@given(graphs)
@settings(deadline=None, max_examples=60)
def test_every_box_has_a_spot_of_its_own_on_the_page(
    graph: tuple[int, list[tuple[int, int]]],
) -> None:
    count, pairs = graph
    arrows = [pair for pair in pairs if pair[0] != pair[1]]
    spots = lay_out(count, arrows, columns=COLUMNS, rows=ROWS)
    assert len(set(spots)) == count
    assert all(0 <= spot.column < COLUMNS and 0 <= spot.row < ROWS for spot in spots)
    assert lay_out(count, arrows, columns=COLUMNS, rows=ROWS) == spots


@given(graphs)
@settings(deadline=None, max_examples=60)
def test_boxes_never_overlap_and_nothing_is_lost_whatever_the_network(
    graph: tuple[int, list[tuple[int, int]]],
) -> None:
    count, pairs = graph
    procedures = [
        procedure(f"p{number}", called_within=[f"P{a}" for a, b in pairs if b == number])
        for number in range(count)
    ]
    for centre in (None, "p0"):
        board = map_board(inventory_of(*procedures), centre)
        boxes = board.shapes
        assert not any(overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
        first_row = min((row for row, _ in board.cells if row > 3), default=None)
        if first_row is not None:
            above = sum(board.heights.get(row, 15) for row in range(first_row)) * 96 / 72
            assert max(shape.y + shape.height for shape in boxes) < above
        names = [shape.text.split("\n")[0] for shape in boxes]
        inside = {(a, b) for a, b in pairs if f"P{a}" in names and f"P{b}" in names}
        assert len(told(board)) == len(inside)
        assert len(board.connectors) == sum(a != b for a, b in inside)


def test_a_chain_reads_from_left_to_right() -> None:
    spots = lay_out(4, [(2, 0), (0, 3), (3, 1)], columns=COLUMNS, rows=ROWS)
    assert [spots[box].column for box in (2, 0, 3, 1)] == [0, 1, 2, 3]
    assert {spot.row for spot in spots} == {0}


def test_arrows_do_not_cross_where_they_need_not() -> None:
    arrows = [(0, 5), (1, 4), (2, 3)]
    spots = lay_out(6, arrows, columns=2, rows=3, fixed=[0, 0, 0, 1, 1, 1])
    assert all(spots[start].row == spots[end].row for start, end in arrows)


def test_boxes_change_places_where_that_spares_a_crossing() -> None:
    arrows = [(0, 5), (1, 6), (2, 5), (2, 7)]
    spots = lay_out(8, arrows, columns=2, rows=4, fixed=[0, 0, 0, 0, 1, 1, 1, 1])
    ordered = sorted((spots[start].row, spots[end].row) for start, end in arrows)
    assert [end for _, end in ordered] == sorted(end for _, end in ordered)


def test_the_map_is_the_same_in_every_run() -> None:
    code = (
        "from tests.test_map import sample, map_board; import hashlib;"
        "print(hashlib.sha256(repr(map_board(sample(400))).encode()).hexdigest())"
    )
    root = Path(__file__).parents[1]
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(made) == 1


def test_the_map_stands_beside_the_relationships_around_the_centre_asked_for(
    tmp_path: Path,
) -> None:
    file = tmp_path / "procedures.xlsx"
    organisation = Organisation(procedures=60, seed=7, now=NOW)
    centre, other = (organisation.rows[number]["id"] for number in (1, 2))
    first = write(organisation, file, options=Options(map_centre=centre))
    with Store(file.with_suffix(".db"), read_only=True) as store:
        names = [sheet.name for sheet in build_plan(store).sheets]
        board = build_plan(store, Options(map_centre=centre)).sheets[names.index("Map")]
    assert names[names.index("Map") - 1] == "Relationships"
    assert isinstance(board, Board)
    assert [shape.description.split("; ")[-1] for shape in board.shapes if shape.strong] == [centre]
    again = write(organisation, file, options=Options(map_centre=centre))
    assert (first.outcome, again.outcome) == ("written", "unchanged")
    assert write(organisation, file, options=Options(map_centre=other)).outcome == "written"
    assert write(organisation, file).outcome == "written"


def test_an_unknown_centre_leaves_the_workbook_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "procedures.xlsx"
    organisation = Organisation(procedures=20, seed=7, now=NOW)
    write(organisation, file)
    before = file.read_bytes()
    with pytest.raises(ConfigurationError):
        write(organisation, file, options=Options(map_centre="nobody"))
    assert file.read_bytes() == before


@pytest.mark.parametrize("command", ["refresh", "demo"])
def test_the_command_line_takes_the_centre(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with DemoServer(Organisation(procedures=20, seed=1, now=NOW)) as server:
        monkeypatch.setenv("KLARIFY_BASE_URL", server.url)
        monkeypatch.setenv("KLARIFY_API_KEY", server.access_key)
        size = ["--procedures", "20"] if command == "demo" else []
        for centre, code in (("nobody", 2), (server.organisation.rows[0]["id"], 0)):
            arguments = [command, "--out", "x.xlsx", "--quiet", *size, "--map", centre]
            monkeypatch.setattr(sys, "argv", ["klarify-xl", *arguments])
            with pytest.raises(SystemExit) as caught:
                run()
            assert (caught.value.code or 0) == code
    told = capsys.readouterr()
    assert "The map can't be centred on nobody" in told.err
    assert Path("x.xlsx").is_file()
