"""The formulas of sheets, tables and names, wherever they stand in a part: changed by a rule."""

import html
import re
from collections.abc import Callable
from typing import Final

from lxml import etree

from klarify_xl.headless.cells import OwnCell
from klarify_xl.headless.markup import xml_text_plain
from klarify_xl.headless.package import Package
from klarify_xl.headless.stylesheet import q

Change = Callable[[str], str]
"""Gives a formula as it is to read."""

_FORMULA: Final = re.compile(
    rb"(<(?:\w+:)?(?:f|formula|formula1|formula2|calculatedColumnFormula|totalsRowFormula)"
    rb"(?:\s[^>]*)?>)([^<]+)(</)"
)
_TAGS: Final = (
    *("formula", "formula1", "formula2", "definedName"),
    *("calculatedColumnFormula", "totalsRowFormula"),
)


def change_cells(cells: dict[int, OwnCell], change: Change) -> None:
    """Change the formulas of a person's cells.

    Args:
        cells: The cells of a row, by column.
        change: The rule.
    """
    for column, cell in cells.items():
        if cell.formula is not None:
            cells[column] = cell.with_formula(change(cell.formula))


def change_tree(root: etree._Element, change: Change) -> None:
    """Change the formulas of an XML tree: of rules, names and columns of tables."""
    for element in root.iter(*map(q, _TAGS)):
        if element.text:
            element.text = change(element.text)


def change_parts(package: Package, skipped: set[str], change: Change) -> None:
    """Change the formulas of sheets and tables.

    Args:
        package: The package.
        skipped: Parts that are written anew.
        change: The rule.
    """

    def changed(found: re.Match[bytes]) -> bytes:
        old = html.unescape(found[2].decode("utf-8", "surrogateescape"))
        new = change(old)
        if new == old:
            return found[0]
        return found[1] + xml_text_plain(new).encode("utf-8", "surrogateescape") + found[3]

    for part in package.parts:
        if not re.match(r"xl/(worksheets|tables)/[^/]+\.xml$", part) or part in skipped:
            continue
        content = package.read(part)
        renewed = _FORMULA.sub(changed, content)
        if renewed != content:
            package.put(part, renewed)
