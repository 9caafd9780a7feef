"""New titles of our columns, in a workbook whose formulas call them by the old ones.

As when a person renames a column in Excel, every formula of the workbook follows.
"""

import re
from collections.abc import Mapping
from typing import Final

_SPECIAL: Final = re.compile(r"(['\[\]#@])")
_QUOTED: Final = re.compile(r"'(['\[\]#@])")


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

    def title(self, table: str, title: str) -> str:
        """Return what a column of a table is called now."""
        new = self._titles.get(table.casefold(), {}).get(f"[{quoted(title)}]".casefold())
        return title if new is None else _QUOTED.sub(r"\1", new[1:-1])

    def _renamed(self, found: re.Match[str]) -> str:
        titles = self._titles[found[1].casefold()]
        columns = self._column.sub(lambda one: titles.get(one[0].casefold(), one[0]), found[2])
        return found[1] + columns
