"""Formulas as text: the references in them, and what becomes of them when cells move.

Formulas are in English with A1 references, as `Range.Formula` has them. Nothing is calculated
here. Structured references follow Microsoft Support, «Using structured references with Excel
tables»: special characters of column names stand behind an apostrophe.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from .areas import LAST_COLUMN, LAST_ROW, Rect, column_of, letters, parsed

_BRACKETS: Final = r"\[(?:'.|[^\[\]']|\[(?:'.|[^\[\]'])*\])*\]"
_PIECE = re.compile(
    rf"""
      (?P<text>"(?:[^"]|"")*")
    | (?P<structured>(?:[A-Za-z_\\][\w.\\]*)?{_BRACKETS})(?![\w'!])
    | (?P<sheet>(?:'(?:[^']|'')+'|[A-Za-z_\\][\w.]*)!)?
      (?<![\w.\]])
      (?P<ref>
          \$?[A-Za-z]{{1,3}}\$?[0-9]{{1,7}}(?::\$?[A-Za-z]{{1,3}}\$?[0-9]{{1,7}})?
        | \$?[A-Za-z]{{1,3}}:\$?[A-Za-z]{{1,3}}
        | \$?[0-9]{{1,7}}:\$?[0-9]{{1,7}}
      )(?![\w(.!\[])
    """,
    re.VERBOSE,
)
_SHEET_NAME = re.compile(r"(?<!\|)(?:'((?:[^']|'')+)'|([A-Za-z_\\][\w.]*))!")
_CORNER = re.compile(r"(\$?)([A-Za-z]{0,3})(\$?)([0-9]{0,7})")

Mapping = Callable[[Rect], Rect | None]
"""What becomes of a rectangle: another one, or None if it is gone."""


def plain_sheet(prefix: str) -> str:
    """Return a sheet's name from ``'Its name'!``."""
    return prefix.removesuffix("!").removeprefix("'").removesuffix("'").replace("''", "'")


def quoted_sheet(name: str) -> str:
    """Return a sheet's name as formulas have it before an exclamation mark."""
    if re.fullmatch(r"[A-Za-z_][\w.]*", name) and not parsed(name):
        return name
    return "'" + name.replace("'", "''") + "'"


def remapped(formula: str, own_sheet: str, changed_sheet: str, mapping: Mapping) -> str:
    """Return a formula after cells of a sheet moved.

    Args:
        formula: The formula.
        own_sheet: The sheet on which it stands.
        changed_sheet: The sheet whose cells moved.
        mapping: What becomes of references to that sheet.
    """

    def replaced(found: re.Match[str]) -> str:
        ref = found["ref"]
        if not ref:
            return found[0]
        sheet = found["sheet"] or ""
        named = plain_sheet(sheet) if sheet else own_sheet
        rect = parsed(ref)
        if rect is None or named.casefold() != changed_sheet.casefold():
            return found[0]
        after = mapping(rect)
        if after == rect:
            return found[0]
        return sheet + (_written(ref, after) if after else "#REF!")

    return _PIECE.sub(replaced, formula)


def copied(formula: str, rows: int, columns: int) -> str:
    """Return a formula as copying it to other rows and columns makes it."""
    if not rows and not columns:
        return formula

    def replaced(found: re.Match[str]) -> str:
        ref = found["ref"]
        if not ref or not parsed(ref):
            return found[0]
        ends = [_moved_corner(end, rows, columns) for end in ref.split(":")]
        if not all(ends):
            return (found["sheet"] or "") + "#REF!"
        return (found["sheet"] or "") + ":".join(ends)

    return _PIECE.sub(replaced, formula)


def _moved_corner(corner: str, rows: int, columns: int) -> str:
    found = _CORNER.fullmatch(corner)
    assert found
    column_mark, column, row_mark, row = found.groups()
    if column and not column_mark:
        number = column_of(column) + columns
        column = letters(number) if 1 <= number <= LAST_COLUMN else ""
        if not column:
            return ""
    if row and not row_mark:
        number = int(row) + rows
        row = str(number) if 1 <= number <= LAST_ROW else ""
        if not row:
            return ""
    return f"{column_mark}{column}{row_mark}{row}"


def _written(before: str, rect: Rect) -> str:
    """Return a rectangle's address with the dollar signs that another address has."""
    ends = before.split(":")
    places = [(rect.top, rect.left), (rect.bottom, rect.right)]
    if len(ends) == 1 and rect.area > 1:
        ends = [before, before]
    written = []
    for end, (row, column) in zip(ends, places, strict=False):
        found = _CORNER.fullmatch(end)
        assert found
        column_mark, named, row_mark, numbered = found.groups()
        written.append(
            (column_mark + letters(column) if named else "")
            + (row_mark + str(row) if numbered else "")
        )
    return ":".join(written)


def references(formula: str) -> list[tuple[str, Rect]]:
    """Return the sheets, "" for the own one, and rectangles that a formula refers to."""
    return [
        (plain_sheet(one["sheet"]) if one["sheet"] else "", rect)
        for one in _PIECE.finditer(formula)
        if one["ref"] and (rect := parsed(one["ref"]))
    ]


def structured(formula: str) -> list[str]:
    """Return the structured references of a formula."""
    return [one["structured"] for one in _PIECE.finditer(formula) if one["structured"]]


def sheets_of(formula: str) -> set[str]:
    """Return the names of all sheets that a formula mentions."""
    without = re.sub(r'"(?:[^"]|"")*"', '""', formula)
    return {
        (one[1] or one[2]).replace("''", "'")
        for one in _SHEET_NAME.finditer(without)
        if not (one[1] or "").startswith("[")
    }


def escaped_column(name: str) -> str:
    """Return a column's name as structured references have it."""
    return re.sub(r"(['\[\]#@])", r"'\1", name)


def columns_of(reference: str) -> tuple[str, list[str]]:
    """Return a structured reference's table, "" for the own one, and the columns in it."""
    table, _, inner = reference.partition("[")
    inner = inner.removesuffix("]").removeprefix("@")
    parts = (
        re.findall(r"\[((?:'.|[^\[\]'])*)\]", inner) if "[" in inner.replace("'[", "") else [inner]
    )
    names = [re.sub(r"'(.)", r"\1", part) for part in parts if part and not part.startswith("#")]
    return table, names


def with_column_renamed(formula: str, table: str, own_table: str, old: str, new: str) -> str:
    """Return a formula after a table's column got another name.

    Args:
        formula: The formula.
        table: The table.
        own_table: The table in which the formula stands, "" for none.
        old: The column's name before.
        new: Its name now.
    """
    if "[" not in formula:
        return formula
    before, after = escaped_column(old), escaped_column(new)

    def replaced(found: re.Match[str]) -> str:
        reference = found["structured"]
        if not reference:
            return found[0]
        named = reference.partition("[")[0] or own_table
        if named.casefold() != table.casefold():
            return found[0]
        pattern = rf"(\[@?){re.escape(before)}(?=\])"
        return re.sub(pattern, lambda one: one[1] + after, reference, flags=re.IGNORECASE)

    return _PIECE.sub(replaced, formula)


def with_name_replaced(formula: str, old: str, new: str) -> str:
    """Return a formula after a table got another name."""

    def replaced(found: re.Match[str]) -> str:
        reference = found["structured"]
        if reference and reference.partition("[")[0].casefold() == old.casefold():
            return new + reference[len(old) :]
        return found[0]

    return _PIECE.sub(replaced, formula)


def with_sheet_renamed(formula: str, old: str, new: str) -> str:
    """Return a formula after a sheet got another name."""

    def replaced(found: re.Match[str]) -> str:
        sheet = found["sheet"]
        if found["ref"] and sheet and plain_sheet(sheet).casefold() == old.casefold():
            return f"{quoted_sheet(new)}!{found['ref']}"
        return found[0]

    return _PIECE.sub(replaced, formula)


@lru_cache(maxsize=10_000)
def to_r1c1(formula: str, row: int, column: int) -> str:
    """Return a formula with R1C1 references, as it stands in a cell."""

    def corner(text: str) -> str:
        found = _CORNER.fullmatch(text)
        assert found
        column_mark, named, row_mark, numbered = found.groups()
        written = ""
        if numbered:
            ahead = int(numbered) - row
            written += f"R{numbered}" if row_mark else "R" + (f"[{ahead}]" if ahead else "")
        if named:
            number = column_of(named)
            ahead = number - column
            written += f"C{number}" if column_mark else "C" + (f"[{ahead}]" if ahead else "")
        return written

    def replaced(found: re.Match[str]) -> str:
        if not found["ref"]:
            return found[0]
        ends = [corner(end) for end in found["ref"].split(":")]
        return (found["sheet"] or "") + ":".join(dict.fromkeys(ends))

    return _PIECE.sub(replaced, formula)


_R1C1 = re.compile(
    r'("(?:[^"]|"")*")|(?<![\w.\]\[])(R(\[-?\d+\]|\d+)?)?(C(\[-?\d+\]|\d+)?)?(?![\w(\[.])',
    re.IGNORECASE,
)


def from_r1c1(formula: str, row: int, column: int) -> str:
    """Return a formula with A1 references from one with R1C1 references."""

    def place(given: str | None, own: int) -> tuple[str, int]:
        if not given:
            return "", own
        if given.startswith("["):
            return "", own + int(given[1:-1])
        return "$", int(given)

    def replaced(found: re.Match[str]) -> str:
        if found[1] or not (found[2] or found[4]):
            return found[0]
        row_mark, at = place(found[3], row)
        column_mark, beside = place(found[5], column)
        if not found[4]:
            return f"{row_mark}{at}:{row_mark}{at}"
        if not found[2]:
            return f"{column_mark}{letters(beside)}:{column_mark}{letters(beside)}"
        return f"{column_mark}{letters(beside)}{row_mark}{at}"

    return _R1C1.sub(replaced, formula)
