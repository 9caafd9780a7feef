"""The workbook part: its sheets, their tables, and defined names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lxml import etree

from klarify_xl.headless.formulas import Change, change_tree
from klarify_xl.headless.moves import Moves
from klarify_xl.headless.package import Package, resolve
from klarify_xl.headless.reading import table_region
from klarify_xl.headless.stylesheet import main_element, q
from klarify_xl.headless.worksheet import R_ID, SHEET_TYPE

_BEFORE_CALCULATION: Final = (
    *("fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews", "sheets"),
    *("functionGroups", "externalReferences", "definedNames"),
)
"""What comes before the calculation's properties (ECMA-376 part 1, 18.2.27)."""


@dataclass(frozen=True)
class FoundTable:
    """A table that stands in the workbook.

    Attributes:
        sheet: Name of its sheet.
        sheet_part: The sheet's part.
        part: Its own part.
        root: Its XML.
    """

    sheet: str
    sheet_part: str
    part: str
    root: etree._Element


class SheetList:
    """The sheets of a workbook.

    Args:
        package: The workbook's package.
    """

    def __init__(self, package: Package) -> None:
        self._package = package
        self._root = package.tree(package.workbook)
        targets = {
            one.id: (resolve(package.workbook, one.target), one.type)
            for one in package.relationships(package.workbook)
        }
        self.parts: dict[str, str] = {}
        for element in self._root.iter(q("sheet")):
            part, kind = targets.get(element.get(R_ID, ""), ("", ""))
            # Sheets that are charts, dialogs or old macros hold no cells.
            self.parts[element.get("name", "")] = part if kind.endswith("/worksheet") else ""
        self.tables = {one.root.get("displayName", "").casefold(): one for one in self._tables()}
        self._largest_table = max(
            (int(one.root.get("id", "0")) for one in self.tables.values()), default=0
        )

    def _tables(self) -> Iterable[FoundTable]:
        for name, part in self.parts.items():
            for table in self._package.related(part, "table") if part else ():
                root = self._package.tree(table)
                with self._package.sound(table):
                    table_region(root)
                yield FoundTable(name, part, table, root)

    @property
    def counts_from_1904(self) -> bool:
        """Whether dates are days since 1904 instead of 1900 (ECMA-376 part 1, 18.17.4.1)."""
        properties = self._root.find(q("workbookPr"))
        return properties is not None and properties.get("date1904") in {"1", "true"}

    def next_table_number(self) -> int:
        """Return a number that no table has."""
        self._largest_table += 1
        return self._largest_table

    def holds(self, sheet: str) -> bool:
        """Tell whether there is a sheet of that name; Excel doesn't tell capitals apart."""
        return sheet.casefold() in {name.casefold() for name in self.parts}

    def defines(self, name: str) -> bool:
        """Tell whether a name is defined for the whole workbook."""
        return name.casefold() in {one.casefold() for one in self._names()}

    def _names(self) -> dict[str, etree._Element]:
        return {
            one.get("name", ""): one
            for one in self._root.iter(q("definedName"))
            if one.get("localSheetId") is None
        }

    def add(self, name: str, *, hidden: bool = False) -> str:
        """Add a sheet at the end, and return its part, which is still to be written.

        Args:
            name: Its name.
            hidden: Whether people see it neither as a tab nor among the hidden sheets.
        """
        part = self._package.free_name("xl/worksheets/sheet{}.xml")
        self._package.put(part, b"")
        self._package.set_content_type(part, SHEET_TYPE)
        sheets = self._group("sheets")
        number = 1 + max((int(one.get("sheetId", "0")) for one in sheets), default=0)
        relationship = self._package.relate(self._package.workbook, "worksheet", part)
        # ECMA-376 part 1, 18.18.68
        state = {"state": "veryHidden"} if hidden else {}
        sheets.append(
            main_element(
                "sheet", {"name": name, "sheetId": str(number), **state, R_ID: relationship}
            )
        )
        self.parts[name] = part
        return part

    def remove(self, name: str) -> None:
        """Remove a sheet that nothing refers to."""
        for element in list(self._root.iter(q("sheet"))):
            if element.get("name") == name:
                self._group("sheets").remove(element)
        part = self.parts.pop(name)
        self._package.unrelate(self._package.workbook, part)
        self._package.remove(part)

    def index(self, name: str) -> int:
        """Return a sheet's place, from 0."""
        return list(self.parts).index(name)

    def define(self, name: str, formula: str, sheet: str | None = None) -> None:
        """Define a name or redefine it, hidden unless it is one of Excel's own for a sheet.

        Args:
            name: The name.
            formula: What it stands for.
            sheet: The sheet that it is for, or None for the whole workbook.
        """
        present = self._names().get(name) if sheet is None else None
        if present is not None:
            present.text = formula
            return
        attributes = {"name": name}
        attributes |= {"hidden": "1"} if sheet is None else {"localSheetId": str(self.index(sheet))}
        element = main_element("definedName", attributes)
        element.text = formula
        self._group("definedNames").append(element)

    def meaning(self, name: str) -> str | None:
        """Return what a name that is defined for the whole workbook stands for, if it is."""
        element = self._names().get(name)
        return None if element is None else element.text or ""

    def sheet_named_by(self, name: str) -> str | None:
        """Return the sheet that a defined name leads to, if there are both."""
        element = self._names().get(name)
        if element is None:
            return None
        sheet = (element.text or "").rpartition("!")[0].strip("'").replace("''", "'")
        return sheet if self.parts.get(sheet) else None

    def grow(self, moves: Iterable[Moves]) -> None:
        """Let defined names follow the cells of tables, and of what is under them."""
        names = list(self.parts)
        for element in self._root.iter(q("definedName")):
            local = element.get("localSheetId", "")
            home = names[int(local)] if local.isdigit() and int(local) < len(names) else ""
            for one in moves:
                element.text = one.formula(element.text or "", home)

    def change_formulas(self, change: Change) -> None:
        """Change the formulas of defined names by a rule."""
        change_tree(self._root, change)

    def recalculate_on_open(self) -> None:
        """Ask Excel to work out all formulas when it opens the workbook."""
        calculation = self._group("calcPr")
        calculation.set("fullCalcOnLoad", "1")

    def _group(self, tag: str) -> etree._Element:
        found = self._root.find(q(tag))
        if found is None:
            found = main_element(tag)
            before = _BEFORE_CALCULATION[: _rank(tag)]
            # Excel puts elements of later versions among them.
            places = [
                place
                for place, child in enumerate(self._root, start=1)
                if isinstance(child.tag, str) and etree.QName(child).localname in before
            ]
            self._root.insert(max(places, default=0), found)
        return found

    def name_in_code(self, name: str) -> None:
        """Tell by which name the VBA project calls the workbook."""
        self._group("workbookPr").set("codeName", name)

    def save(self) -> None:
        """Put the workbook part back."""
        self._package.put_tree(self._package.workbook, self._root)


def _rank(tag: str) -> int:
    ranks = _BEFORE_CALCULATION
    return ranks.index(tag) if tag in ranks else len(ranks)
