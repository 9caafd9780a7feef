"""The role matrix: letters where the API's fields support them, and nowhere else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from klarify_xl.demo import Organisation
from klarify_xl.model import Procedure, parse_row
from klarify_xl.plan import Board, Link, Place
from klarify_xl.sheets import roles
from klarify_xl.sheets.roles import role_matrix_board
from klarify_xl.store import Store

from .boards import inventory_of, shown_value
from .workbooks import NOW, hostile_organisation, plan_of, write

HEADER = 3


def procedure(id_: str, **fields: Any) -> Procedure:
    return parse_row({"id": id_, "name": f"Name of {id_}", "status": "published", **fields})


def board_of(procedures: Sequence[Procedure], **options: Any) -> Board:
    return role_matrix_board(inventory_of(procedures), **options)


def titles(board: Board) -> list[object]:
    """Return the roles that have a column, from the left."""
    found = {column: value for (row, column), (value, _) in board.cells.items() if row == HEADER}
    return [shown_value(found[column]) for column in sorted(found)][2:]


def letters(board: Board, row: int = 0) -> dict[object, object]:
    """Return the letters of a procedure by role."""
    return {
        title: board.cells[HEADER + 1 + row, 2 + index][0]
        for index, title in enumerate(titles(board))
        if (HEADER + 1 + row, 2 + index) in board.cells
    }


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, {}),
        ({"owner": "Maria"}, {"Maria": "A"}),
        ({"performer": "Clerk"}, {"Clerk": "R"}),
        ({"lanes": ["Sales", "Legal"]}, {"Sales": "R", "Legal": "R"}),
        ({"owner": "Clerk", "performer": "Clerk"}, {"Clerk": "A R"}),
        ({"owner": "Sales", "lanes": ["Sales", "Legal"]}, {"Sales": "A R", "Legal": "R"}),
        ({"performer": "Sales", "lanes": ["Sales"]}, {"Sales": "R"}),
        ({"owner": "sales", "lanes": ["Sales"]}, {"sales": "A", "Sales": "R"}),
        ({"owner": " Team  Lead\n", "lanes": ["Team Lead"]}, {"Team Lead": "A R"}),
        ({"owner": " ", "performer": None, "lanes": ["\t"]}, {}),
    ],
)
def test_letters_follow_from_owner_performer_and_lanes(
    fields: dict[str, Any], wanted: dict[str, str]
) -> None:
    assert letters(board_of([procedure("a", **fields)])) == wanted


def test_each_row_has_the_letters_of_its_own_procedure() -> None:
    board = board_of(
        [
            procedure("a", owner="Maria", lanes=["Sales"]),
            procedure("b"),
            procedure("c", owner="Sales", performer="Maria"),
        ]
    )
    assert [letters(board, row) for row in range(3)] == [
        {"Maria": "A", "Sales": "R"},
        {},
        {"Maria": "R", "Sales": "A"},
    ]


def test_the_most_frequent_roles_have_a_column_and_the_others_are_counted() -> None:
    inventory = [
        procedure(str(number), lanes=[f"Role {rank}" for rank in range(number, 50)])
        for number in range(50)
    ]
    board = board_of(inventory)
    assert titles(board) == [f"Role {rank}" for rank in range(49, 9, -1)]
    note, look = board.cells[2, 0]
    assert look == "note"
    assert note == (
        "Only the 40 most frequent of 50 owners, performers and lanes have a column; "
        "10 are left out."
    )
    assert letters(board, 0).keys() == set(titles(board))
    assert len(titles(board_of(inventory, most_roles=3))) == 3


def test_a_role_counts_once_for_each_procedure() -> None:
    board = board_of(
        [
            procedure("a", owner="Twice", performer="Twice", lanes=["Twice"]),
            procedure("b", lanes=["Two procedures"]),
            procedure("c", lanes=["Two procedures"]),
        ]
    )
    assert titles(board) == ["Two procedures", "Twice"]
    assert board.cells[2, 0][0] == "All 2 owners, performers and lanes have a column."


def test_the_sheet_says_what_it_can_not_know() -> None:
    note, _look = board_of([]).cells[1, 0]
    assert "A: accountable, its owner" in str(note)
    assert "Consulted (C) and informed (I) can't be known" in str(note)


@pytest.fixture(scope="module", params=["demo", "empty", "hostile"])
def workbook(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook of each organisation."""
    file = tmp_path_factory.mktemp("roles") / f"{request.param}.xlsx"
    write(
        {
            "demo": Organisation(procedures=250, seed=7, now=NOW),
            "empty": Organisation(procedures=0, now=NOW),
            "hostile": hostile_organisation(),
        }[request.param],
        file,
    )
    return file


def matrix_of(file: Path) -> Board:
    """Return the role matrix of what a workbook shows."""
    ids = [shown_value(row[0]) for row in plan_of(file).tables[0].rows]
    with Store(file.with_suffix(".db"), read_only=True) as store:
        listed = sorted(store.procedures(), key=lambda one: (one.name.casefold(), one.name, one.id))
    assert [one.id for one in listed][:3] == ids[:3]
    return board_of(listed)


def test_rows_are_those_of_procedures_and_lead_to_them(workbook: Path) -> None:
    board, procedures = matrix_of(workbook), plan_of(workbook).tables[0]
    rows = {row for row, _column in board.cells if row > HEADER}
    assert rows == set(range(HEADER + 1, HEADER + 1 + len(procedures.rows)))
    for row, cells in enumerate(procedures.rows):
        link, _look = board.cells[HEADER + 1 + row, 0]
        assert isinstance(link, Link)
        assert link.value == shown_value(cells[0])
        assert link.target == Place("Procedures", row)


def test_cells_hold_nothing_but_the_letters_and_keep_to_their_columns(workbook: Path) -> None:
    board = matrix_of(workbook)
    marks = {value for value, look in board.cells.values() if look == "role"}
    assert marks <= {"A", "R", "A R"}
    names = [str(board.cells[place][0]) for place in board.cells if place[1] == 1]
    assert all(len(name) <= 52 and "\n" not in name for name in names)
    assert all(column < len(board.widths) for _row, column in board.cells)
    assert all(isinstance(title, str) and len(title) <= 255 for title in titles(board))


def test_heads_stay_in_sight_and_are_repeated_in_print(workbook: Path) -> None:
    board = matrix_of(workbook)
    assert board.frozen == (HEADER + 1, 2)
    assert board.headings == HEADER + 1
    assert {look for (row, col), (_, look) in board.cells.items() if row == HEADER and col > 1} <= {
        "rotated"
    }


def test_the_matrix_keeps_within_excels_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = [procedure(str(number), owner="Maria") for number in range(30)]
    monkeypatch.setattr(roles, "EXCEL_ROWS", 24)
    monkeypatch.setattr(roles, "EXCEL_LINKS_PER_SHEET", 5)
    board = board_of(inventory)
    assert max(row for row, _column in board.cells) == 23
    linked = [place for place, (value, _) in board.cells.items() if isinstance(value, Link)]
    assert linked == [(row, 0) for row in range(HEADER + 1, HEADER + 6)]
    assert board.cells[HEADER + 6, 0] == ("5", "label")
