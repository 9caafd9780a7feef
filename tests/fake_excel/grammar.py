"""Whether Excel takes a formula: its grammar, and the tables, columns and sheets that it names.

What can't be read gives error 1004, as `Range.Formula` does; what reads well but means nothing
(an unknown function or name) is taken, and shows #NAME?. Limits are those of Microsoft Support,
«Excel specifications and limits»: 8,192 characters in a formula, 255 in a text within.
"""

import re
from typing import Final

from .errors import refused
from .formulas import columns_of, sheets_of, structured
from .model import BookModel, SheetModel

FORMULA_LENGTH: Final = 8_192
TEXT_LENGTH: Final = 255

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<text>"(?:[^"]|"")*")
    | (?P<error>\#(?:NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A|SPILL!|CALC!|GETTING_DATA))
    | (?P<array>\{[^{}"]*(?:"(?:[^"]|"")*"[^{}"]*)*\})
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w:!]))
    | (?P<function>(?:_xlfn\.|_xlws\.)*[A-Za-z_\\][\w.]*\()
    | (?P<name>
        (?:'(?:[^']|'')+'!|[A-Za-z_\\][\w.]*\|'(?:[^']|'')+'!|(?:\[[^\[\]]+\])?[A-Za-z_\\][\w. ]*?!)?
        (?:\$?[A-Za-z_\\][\w.$?\\]*(?::\$?[A-Za-z][\w.$]*(?![\w.(]))?|\$?[0-9]+:\$?[0-9]+|\#REF!)
        (?:\[(?:'.|[^\[\]']|\[(?:'.|[^\[\]'])*\])*\])?
      )
    | (?P<structured>\[(?:'.|[^\[\]']|\[(?:'.|[^\[\]'])*\])*\])
    | (?P<open>\()
    | (?P<close>\))
    | (?P<comma>[,;])
    | (?P<postfix>%|\#)
    | (?P<prefix>[@])
    | (?P<operator><=|>=|<>|[-+*/^&=<>:])
    """,
    re.VERBOSE,
)
_OPERANDS: Final = {"text", "error", "array", "number", "name", "structured"}


def checked(formula: str, sheet: SheetModel, row: int, column: int) -> str:
    """Return a formula that was entered in a cell, or raise error 1004."""
    if len(formula) > FORMULA_LENGTH or not _reads(formula[1:]):
        raise refused()
    if "[" in formula:
        _check_tables(formula, sheet, row, column)
    if "!" in formula:
        for name in sheets_of(formula):
            if not sheet.book.sheet(name):
                # Excel asks for a file, and fails where it can't ask.
                raise refused()
    return formula


def _check_tables(formula: str, sheet: SheetModel, row: int, column: int) -> None:
    book: BookModel = sheet.book
    for reference in structured(formula):
        name, columns = columns_of(reference)
        if not name and re.search(r"\.xls[xmb]?\]?$", reference, re.IGNORECASE):
            continue
        table = book.table(name) if name else sheet.table_at(row, column)
        if table is None:
            raise refused()
        if any(table.number_of(one) is None for one in columns):
            raise refused()


def _reads(text: str) -> bool:
    """Tell whether a formula without its equals sign follows the grammar."""
    at, wants_operand, depth = 0, True, 0
    before = ""
    functions: list[bool] = []
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            return False
        kind = str(found.lastgroup)
        at = found.end()
        if kind == "space":
            continue
        if kind == "text" and len(found[0]) - 2 > TEXT_LENGTH:
            return False
        if kind in _OPERANDS:
            # Two names beside each other are the cells that both have.
            if not wants_operand and not (kind == "name" and before in {"name", "close"}):
                return False
            wants_operand = False
        elif kind in {"open", "function"}:
            if not wants_operand:
                return False
            functions.append(kind == "function")
            depth += 1
        elif kind == "close":
            empty = wants_operand and not (
                functions and functions[-1] and before in {"function", "comma"}
            )
            if not functions or empty:
                return False
            functions.pop()
            depth -= 1
            wants_operand = False
        elif kind == "comma":
            if not functions or (wants_operand and not functions[-1]):
                return False
            wants_operand = True
        elif kind == "postfix":
            if wants_operand:
                return False
        elif kind == "prefix":
            if not wants_operand:
                return False
        elif wants_operand and found[0] not in {"+", "-"}:
            return False
        else:
            wants_operand = True
        before = kind
    return depth == 0 and not wants_operand
