"""New titles of our columns, in a workbook whose formulas call them by the old ones.

As when a person renames a column in Excel, every formula of the workbook follows.
"""

import html
import re
from collections.abc import Mapping
from typing import Final

from lxml import etree

from klarify_xl.headless.markup import xml_text_plain
from klarify_xl.headless.package import Package
from klarify_xl.headless.stylesheet import q

_FORMULA: Final = re.compile(
    rb"(<(?:\w+:)?(?:f|formula|formula1|formula2|calculatedColumnFormula|totalsRowFormula)"
    rb"(?:\s[^>]*)?>)([^<]+)(</)"
)
_SPECIAL: Final = re.compile(r"(['\[\]#@])")


def quoted(title: str) -> str:
    """Return a column's title as formulas write it (ECMA-376 part 1, 18.17.2.7)."""
    return _SPECIAL.sub(r"'\1", title)


class Retitling:
    """Gives columns new titles in formulas.

    Args:
        titles: New titles by old ones, by table.
    """

    def __init__(self, titles: Mapping[str, Mapping[str, str]]) -> None:
        self._titles = {
            table.casefold(): {
                f"[{quoted(old)}]".casefold(): f"[{quoted(new)}]" for old, new in pairs.items()
            }
            for table, pairs in titles.items()
            if pairs
        }
        names = "|".join(re.escape(table) for table in self._titles)
        inner = r"\[(?:[^\[\]']|'.|\[(?:[^\[\]']|'.)*\])*\]"
        self._reference = re.compile(rf"(?<![\w.])({names})({inner})", re.IGNORECASE)
        self._column = re.compile(r"\[(?:[^\[\]']|'.)*\]")

    @property
    def any(self) -> bool:
        """Whether any title is new."""
        return bool(self._titles)

    def formula(self, formula: str) -> str:
        """Return a formula that calls our columns by their new titles."""
        if not self._titles or "[" not in formula:
            return formula
        return self._reference.sub(self._renamed, formula)

    def _renamed(self, found: re.Match[str]) -> str:
        titles = self._titles[found[1].casefold()]
        columns = self._column.sub(lambda one: titles.get(one[0].casefold(), one[0]), found[2])
        return found[1] + columns

    def tree(self, root: etree._Element) -> None:
        """Let the formulas of an XML tree call our columns by their new titles."""
        tags = ("formula", "formula1", "formula2", "definedName", "calculatedColumnFormula")
        for element in root.iter(*(q(tag) for tag in (*tags, "totalsRowFormula"))):
            if element.text:
                element.text = self.formula(element.text)

    def parts(self, package: Package, skipped: set[str]) -> None:
        """Let the formulas of sheets and tables call our columns by their new titles.

        Args:
            package: The package.
            skipped: Parts that are written anew.
        """
        for part in package.parts:
            if not re.match(r"xl/(worksheets|tables)/[^/]+\.xml$", part) or part in skipped:
                continue
            content = package.read(part)
            renamed = _FORMULA.sub(self._in_part, content)
            if renamed != content:
                package.put(part, renamed)

    def _in_part(self, found: re.Match[bytes]) -> bytes:
        old = html.unescape(found[2].decode("utf-8", "surrogateescape"))
        new = self.formula(old)
        if new == old:
            return found[0]
        return found[1] + xml_text_plain(new).encode("utf-8", "surrogateescape") + found[3]
