"""What a person sees in a workbook's tables, row by row, told by which thing a row is about."""

import re
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.formula.tokenizer import Token, Tokenizer
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.formula import ArrayFormula

from klarify_xl.demo import Organisation

from ..workbooks import NOW, write  # noqa: TID252 -- tests are no package of their own
from .grid import bounds, split
from .package import X14, XM, Package, main

IDENTITY: dict[str, tuple[str, ...]] = {
    "Procedures": ("ID",),
    "Lanes": ("ID", "Lane"),
    "LaneTotals": ("Lane",),
    "Relationships": ("Source ID", "Kind", "Target"),
    "Changes": ("Noticed (UTC)", "Change", "ID", "Field"),
    "Health": ("Finding", "ID", "Detail"),
    "About": ("Item",),
}
"""Columns that tell which thing a row is about, by table."""


@cache
def our_titles() -> dict[str, tuple[str, ...]]:
    """Return the titles in a workbook that nobody has touched, by table."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "new.xlsx"
        write(Organisation(procedures=1, now=NOW), file)
        package = Package.read(file)
    return {
        name: tuple(one.get("name", "") for one in package.xml(part).iter(main("tableColumn")))
        for name, (_, part) in package.tables().items()
    }


Key = tuple[Any, ...]


@dataclass
class Row:
    """A row of a table.

    Attributes:
        number: Its number on the sheet.
        values: Values by title; formulas as they would read in row 1000.
        beside: Cells right of the table up to the first empty column, by letter.
        marks: What is attached to its cells, by title: comments, threads, validations of it alone,
            rules of it alone, sparklines, fills.
        height: Its height if somebody set it.
        hidden: Whether it is hidden.
    """

    number: int
    values: dict[str, Any]
    beside: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, set[str]] = field(default_factory=dict)
    height: float | None = None
    hidden: bool = False


@dataclass
class View:
    """A table as a person sees it.

    Attributes:
        sheet: The sheet's name.
        ref: The area that it covers.
        titles: Titles of its columns, from the left.
        rows: Its rows from the top, without header and totals.
        totals: The totals row's values by title, if there is one.
        identity: Titles that tell which thing a row is about.
        ours: Titles of our own columns.
    """

    sheet: str
    ref: str
    titles: list[str]
    rows: list[Row]
    totals: dict[str, Any] | None
    identity: tuple[str, ...]
    ours: tuple[str, ...]

    def key(self, row: Row) -> Key:
        return tuple(row.values[title] for title in self.identity)

    def keyed(self) -> dict[Key, Row]:
        """Return the rows by identity; repeated ones are told apart by their order."""
        found: dict[Key, Row] = {}
        for row in self.rows:
            key = (*self.key(row), 0)
            while key in found:
                key = (*key[:-1], key[-1] + 1)
            found[key] = row
        return found

    def column(self, title: str) -> list[Any]:
        return [row.values[title] for row in self.rows]

    def own(self, row: Row) -> dict[str, Any]:
        """Return a row's cells in the person's own columns."""
        return {
            title: value
            for title, value in row.values.items()
            if title not in self.ours and value is not None
        }


def viewed(file: Path) -> dict[str, View]:
    """Return our tables in a workbook, by displayName."""
    package = Package.read(file)
    with warnings.catch_warnings():
        # openpyxl tells of every extension that it would lose; nothing is saved here.
        warnings.simplefilter("ignore")
        book = load_workbook(file)
    return {
        name: _view(package, book[sheet], name, sheet)
        for name, (sheet, _) in package.tables().items()
        if name in IDENTITY
    }


def _view(package: Package, sheet: Any, name: str, title: str) -> View:
    table = sheet.tables[name]
    left, top, right, bottom = bounds(table.ref)
    titles = [str(sheet.cell(top, column).value) for column in range(left, right + 1)]
    bottom_totals = table.totalsRowCount or 0
    marks = _marks(package, package.sheets()[title], sheet)
    attributes: dict[int, Any] = {
        int(row.get("r", "0")): row.attrib
        for row in package.xml(package.sheets()[title]).iter(main("row"))
    }
    rows = []
    for number in range(top + 1, bottom + 1 - bottom_totals):
        said = attributes.get(number, {})
        row = Row(number, _values(sheet, titles, left, number))
        row.beside = dict(_beside(sheet, number, right, top))
        for index, column in enumerate(titles):
            found = marks.get((left + index, number))
            if found:
                row.marks[column] = found
        # openpyxl takes every height for one that somebody has set.
        if said.get("customHeight") in {"1", "true"}:
            row.height = float(said["ht"])
        row.hidden = said.get("hidden") in {"1", "true"}
        rows.append(row)
    totals = _values(sheet, titles, left, bottom) if bottom_totals else None
    return View(title, table.ref, titles, rows, totals, IDENTITY[name], our_titles()[name])


def _values(sheet: Any, titles: list[str], left: int, number: int) -> dict[str, Any]:
    return {title: relative(sheet.cell(number, left + index)) for index, title in enumerate(titles)}


def _beside(sheet: Any, number: int, right: int, top: int) -> Iterator[tuple[str, Any]]:
    """Yield the cells of the columns that touch the table."""
    column = right + 1
    while any(sheet.cell(row, column).value is not None for row in range(top, sheet.max_row + 1)):
        cell = sheet.cell(number, column)
        if cell.value is not None:
            yield get_column_letter(column), relative(cell)
        column += 1


def relative(cell: Any) -> Any:
    """Return a cell's value; in a formula, rows are told by their distance from the cell."""
    value = cell.value
    if isinstance(value, ArrayFormula):
        value = f"{value.text} over {value.ref}"
    if cell.data_type != "f":
        return value
    tokens = Tokenizer(str(value))
    for token in tokens.items:
        if token.type == Token.OPERAND and token.subtype == Token.RANGE and "[" not in token.value:
            token.value = re.sub(
                r"(?<=[A-Z$])(\$?)(\d+)",
                lambda found: found[0] if found[1] else f"<{int(found[2]) - cell.row:+d}>",
                token.value,
            )
    return tokens.render()  # type: ignore[no-untyped-call]  # the stubs lack it


Marks = dict[tuple[int, int], set[str]]


def _marks(package: Package, part: str, sheet: Any) -> Marks:
    """Return what is attached to single cells of a sheet, by column and row."""
    found: Marks = {}
    root = package.xml(part)
    for cell in (cell for row in sheet.iter_rows() for cell in row):
        if cell.comment:
            _mark(found, cell.coordinate, f"comment {cell.comment.text}")
        if cell.fill.fill_type == "solid":
            _mark(found, cell.coordinate, f"fill {cell.fill.fgColor.rgb}")
    for rule in root.iter(main("dataValidation")):
        _mark(found, rule.get("sqref", ""), f"validation {rule.get('type')} {_title(rule)}")
    for rules in root.iter(main("conditionalFormatting")):
        for rule in rules:
            formula = rule.findtext(main("formula"), "")
            _mark(found, rules.get("sqref", ""), "rule {}", formula)
    for line in root.iter(f"{{{X14}}}sparkline"):
        source = line.findtext(f"{{{XM}}}f", "")
        _mark(found, line.findtext(f"{{{XM}}}sqref", ""), "sparkline {}", source)
    _mark_comments(found, package, part)
    return found


def _mark_comments(found: Marks, package: Package, part: str) -> None:
    """Note what Excel keeps of comments besides their texts: threads, and boxes to show them."""
    for kind, target in package.related(part).values():
        if kind == "threadedComment":
            for comment in package.xml(target):
                _mark(found, comment.get("ref", ""), f"thread {comment.get('id')}")
        if kind == "vmlDrawing":
            text = package.parts[target].decode()
            for box in re.findall(r"<x:Row>(\d+)</x:Row>\s*<x:Column>(\d+)", text):
                found.setdefault((int(box[1]) + 1, int(box[0]) + 1), set()).add("box")


def _title(rule: Any) -> str:
    return str(rule.get("errorTitle", ""))


def _mark(found: Marks, sqref: str, mark: str, formula: str = "") -> None:
    """Note a mark for each single cell; rows in its formula are told by their distance."""
    for one in sqref.split():
        first, _, last = one.partition(":")
        address = first if last in {"", first} else one
        if re.fullmatch(r"[A-Z]+\d+", address):
            here = split(address)[1]
            shown = re.sub(r"(?<=[A-Z])\d+", lambda row: f"<{int(row[0]) - here:+d}>", formula)  # noqa: B023 -- called at once
            found.setdefault(split(address), set()).add(mark.replace("{}", shown))
