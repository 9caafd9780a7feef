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
        (?:
            '(?:[^']|'')+'!
          | [A-Za-z_\\][\w.]*\|'(?:[^']|'')+'!
          | (?:\[[^\[\]]+\])?[A-Za-z_\\][\w.]*!
        )?
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


class _Reader:
    """Reads a formula's tokens one by one, and tells whether each may stand where it does."""

    def __init__(self) -> None:
        self.wants_operand = True
        self.before = ""
        self.open: list[str] = []

    def takes(self, kind: str, token: str) -> bool:
        """Take a token, or return False if it must not stand here."""
        if kind == "space":
            return True
        took = self._takes(kind, token)
        self.before = kind
        return took

    def _takes(self, kind: str, token: str) -> bool:
        if kind in _OPERANDS:
            return self._operand(kind, token)
        if kind in {"open", "function"}:
            self.open.append(kind)
            return self.wants_operand
        if kind == "close":
            return self._closes()
        if kind == "comma":
            inside = bool(self.open) and (self.open[-1] == "function" or not self.wants_operand)
            self.wants_operand = True
            return inside
        if kind == "postfix":
            return not self.wants_operand
        if kind == "prefix":
            return self.wants_operand
        fits = not self.wants_operand or token in {"+", "-"}
        self.wants_operand = True
        return fits

    def _operand(self, kind: str, token: str) -> bool:
        # Two names beside each other are the cells that both have.
        fits = self.wants_operand or (kind == "name" and self.before in {"name", "close"})
        self.wants_operand = False
        return fits and (kind != "text" or len(token) - 2 <= TEXT_LENGTH)

    def _closes(self) -> bool:
        if not self.open:
            return False
        may_be_empty = self.open.pop() == "function" and self.before in {"function", "comma"}
        fits = not self.wants_operand or may_be_empty
        self.wants_operand = False
        return fits


def _reads(text: str) -> bool:
    """Tell whether a formula without its equals sign follows the grammar."""
    at, reader = 0, _Reader()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found or not reader.takes(str(found.lastgroup), found[0]):
            return False
        at = found.end()
    return not reader.open and not reader.wants_operand
