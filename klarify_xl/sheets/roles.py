"""The role matrix: who answers for each procedure, and who carries it out.

Of the letters that such a matrix (RACI) knows, the API's fields give two: A and R.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Final

from klarify_xl.limits import EXCEL_LINKS_PER_SHEET, EXCEL_ROWS
from klarify_xl.model import Procedure
from klarify_xl.plan import Board, Cell, Look
from klarify_xl.sheets.inventory import Inventory
from klarify_xl.text import safe_text

ROLE_MATRIX: Final = "Role matrix"

MOST_ROLES: Final = 40
"""Roles that get a column."""

_ACCOUNTABLE, _RESPONSIBLE, _BOTH = "A", "R", "A R"

_HEADER_ROW: Final = 3
_FIXED_COLUMNS: Final = 2
_NAME_WIDTH: Final = 46.0
_LONGEST_NAME: Final = 52
"""Letters, which are narrower on average than the digits that a width counts."""
_HEADER_POINTS: Final = 150.0
_LONGEST_ROLE: Final = 255
_TITLE_POINTS: Final = 30.0


def role_matrix_board(inventory: Inventory, most_roles: int = MOST_ROLES) -> Board:
    """Return the sheet with a row for each procedure and a column for each role.

    Args:
        inventory: What the other sheets show.
        most_roles: How many roles get a column; the most frequent ones do.
    """
    say = inventory.say
    listed = inventory.procedures[: EXCEL_ROWS - _HEADER_ROW - 1]
    one_line = cache(_one_line)
    parts = [_parts(one, one_line) for one in listed]
    counts = Counter(role for roles in parts for role in roles)
    ranked = sorted(counts, key=lambda role: (-counts[role], role.casefold(), role))
    columns = {role: _FIXED_COLUMNS + rank for rank, role in enumerate(ranked[:most_roles])}
    cells: dict[tuple[int, int], tuple[Cell, Look]] = {
        (0, 0): (say("Who answers for a procedure, and who carries it out"), "title"),
        (1, 0): (
            say(
                "A: accountable, its owner. R: responsible, its performer and the roles in its "
                "lanes. Consulted (C) and informed (I) can't be known from Klarify's API."
            ),
            "note",
        ),
        (2, 0): (_coverage(inventory, len(columns), len(ranked)), "note"),
        (_HEADER_ROW, 0): (say("ID"), "heading"),
        (_HEADER_ROW, 1): (say("Procedure"), "heading"),
    }
    for role, column in columns.items():
        cells[_HEADER_ROW, column] = (_brief(role, _LONGEST_ROLE), "rotated")
    for index, (one, roles) in enumerate(zip(listed, parts, strict=True)):
        row = _HEADER_ROW + 1 + index
        has_link = index < EXCEL_LINKS_PER_SHEET
        cells[row, 0] = (inventory.link(one.id) if has_link else inventory.shown(one.id), "label")
        name = " ".join(inventory.shown(one.name).split())
        cells[row, 1] = (_brief(name, _LONGEST_NAME), "label")
        for role, letters in roles.items():
            if role in columns:
                cells[row, columns[role]] = (letters, "role")
    return Board(
        name=say("Role matrix"),
        key=ROLE_MATRIX,
        widths=(16.0, _NAME_WIDTH, *[4.5] * len(columns)),
        cells=cells,
        heights={0: _TITLE_POINTS, _HEADER_ROW: _HEADER_POINTS},
        frozen=(_HEADER_ROW + 1, _FIXED_COLUMNS),
        headings=_HEADER_ROW + 1,
        gridlines=True,
        description=say("One row for each procedure and one column for each frequent role."),
    )


def _parts(one: Procedure, one_line: Callable[[str], str]) -> dict[str, str]:
    """Return the letters of each role that takes part in a procedure.

    Roles are the same whatever spaces and line ends stand around and between their words.
    """
    accountable = one_line(one.owner)
    letters = {accountable: _ACCOUNTABLE} if accountable else {}
    for role in map(one_line, (one.performer, *one.lanes)):
        if role:
            letters[role] = _BOTH if role == accountable else _RESPONSIBLE
    return letters


def _one_line(text: str) -> str:
    return " ".join(safe_text(text).text.split())


def _brief(text: str, longest: int) -> str:
    """Cut a text that would run into the cells beside it; the ID leads to the whole."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _coverage(inventory: Inventory, columns: int, roles: int) -> str:
    """Say which roles have a column."""
    if columns == roles:
        told = inventory.say("All {roles} owners, performers and lanes have a column.")
    else:
        told = inventory.say(
            "Only the {columns} most frequent of {roles} owners, performers and lanes have a "
            "column; {left_out} are left out."
        )
    return told.format(columns=columns, roles=roles, left_out=roles - columns)
