"""Cells of a worksheet's XML: found, typed into, moved and sorted, as Excel saves them."""

import re
from collections.abc import Callable, Mapping, Sequence

from lxml import etree
from openpyxl.formula.translate import Translator
from openpyxl.utils import column_index_from_string, get_column_letter, range_boundaries

from .package import MAIN, SPREADSHEET, WORKBOOK, Package, main, parsed, place

CELL = re.compile(r"([A-Z]{1,3})(\d+)")
SHARED_STRINGS = "xl/sharedStrings.xml"


def bounds(ref: str) -> tuple[int, int, int, int]:
    """Return the left, upper, right and lower end of an area."""
    left, top, right, bottom = range_boundaries(ref)
    assert left is not None
    assert top is not None
    assert right is not None
    assert bottom is not None
    return left, top, right, bottom


def area(left: int, top: int, right: int, bottom: int) -> str:
    first = f"{get_column_letter(left)}{top}"
    last = f"{get_column_letter(right)}{bottom}"
    return first if first == last else f"{first}:{last}"


def split(address: str) -> tuple[int, int]:
    """Return the column and row of a cell."""
    found = CELL.fullmatch(address)
    assert found is not None
    return column_index_from_string(found[1]), int(found[2])


class SharedStrings:
    """The workbook's shared strings, made where there are none yet."""

    def __init__(self, package: Package) -> None:
        if SHARED_STRINGS not in package.parts:
            package.put(SHARED_STRINGS, parsed(f'<sst xmlns="{MAIN}"/>'.encode()))
            package.add(SHARED_STRINGS, b"", f"{SPREADSHEET}.sharedStrings+xml")
            package.relate(WORKBOOK, "sharedStrings", SHARED_STRINGS)
        self._root = package.xml(SHARED_STRINGS)
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text, adding it if it is new."""
        if text not in self._numbers:
            item = etree.SubElement(self._root, main("si"))
            element = etree.SubElement(item, main("t"))
            element.text = text
            if text != text.strip() or "\n" in text:
                element.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
            self._numbers[text] = len(self._root) - 1
            self._root.set("uniqueCount", str(len(self._root)))
        self._root.set("count", str(int(self._root.get("count", "0")) + 1))
        return self._numbers[text]

    def text(self, number: int) -> str:
        return "".join(element.text or "" for element in self._root[number].iter(main("t")))


class Grid:
    """The cells of a sheet."""

    def __init__(self, package: Package, part: str, strings: SharedStrings) -> None:
        self.root = package.xml(part)
        self._strings = strings
        data = self.root.find(main("sheetData"))
        assert data is not None
        self._data = data

    def rows(self) -> list[etree._Element]:
        return list(self._data)

    def row(self, number: int) -> etree._Element:
        """Return a row, made if it isn't there."""
        position = 0
        for index, row in enumerate(self._data):
            if int(row.get("r", "0")) == number:
                return row
            if int(row.get("r", "0")) < number:
                position = index + 1
        new = etree.Element(main("row"), {"r": str(number)})
        self._data.insert(position, new)
        return new

    def cell(self, address: str) -> etree._Element:
        """Return a cell, made if it isn't there."""
        column, number = split(address)
        row = self.row(number)
        position = 0
        for index, cell in enumerate(row):
            here = split(cell.get("r", ""))[0]
            if here == column:
                return cell
            if here < column:
                position = index + 1
        new = etree.Element(main("c"), {"r": address})
        row.insert(position, new)
        return new

    def value(self, address: str) -> str:
        """Return a cell's text or number."""
        cell = self.cell(address)
        if cell.get("t") == "s":
            return self._strings.text(int(cell.findtext(main("v"), "0")))
        return str(cell.xpath("string()"))

    def put(
        self,
        address: str,
        value: str | float | None,
        *,
        formula: str = "",
        style: int | None = None,
        shared: Mapping[str, str] | None = None,
    ) -> etree._Element:
        """Set a cell: a text, a number, or a formula with the value that it gives.

        Args:
            address: Which cell.
            value: Text or number.
            formula: Formula without its equals sign.
            style: Number of the cell's format.
            shared: Attributes of a shared or array formula.
        """
        cell = self.cell(address)
        cell[:] = []
        cell.attrib.pop("t", "")
        if style is not None:
            cell.set("s", str(style))
        if formula or shared:
            element = etree.SubElement(cell, main("f"), dict(shared or {}))
            element.text = formula or None
        if isinstance(value, str):
            cell.set("t", "str" if formula or shared else "s")
            text = value if formula or shared else str(self._strings.number(value))
            etree.SubElement(cell, main("v")).text = text
        elif value is not None:
            etree.SubElement(cell, main("v")).text = repr(value)
        return cell

    def share_strings(self) -> None:
        """Keep every text among the shared strings."""
        for cell in self._data.iter(main("c")):
            if cell.get("t") == "inlineStr":
                text = "".join(element.text or "" for element in cell.iter(main("t")))
                self.put(cell.get("r", ""), text)
            elif cell.get("t") == "n" and not len(cell):
                del cell.attrib["t"]

    def sort_rows(
        self, first: int, last: int, key: Callable[[int], str], *, descending: bool = False
    ) -> dict[int, int]:
        """Sort rows as Excel does, formulas and links with them; return the new number of each."""
        order = sorted(range(first, last + 1), key=key, reverse=descending)
        new = {old: first + index for index, old in enumerate(order)}
        rows = {number: self.row(number) for number in range(first, last + 1)}
        for old, row in rows.items():
            row.set("r", str(new[old]))
            for cell in row:
                origin = cell.get("r", "")
                column, _ = split(origin)
                target = f"{get_column_letter(column)}{new[old]}"
                cell.set("r", target)
                formula = cell.find(main("f"))
                if formula is not None and formula.text:
                    moved = Translator(f"={formula.text}", origin=origin).translate_formula(target)
                    formula.text = moved.removeprefix("=")
        self._data[:] = sorted(self._data, key=lambda row: int(row.get("r", "0")))
        self._move_links(lambda column, row: (column, new.get(row, row)))
        return new

    def rearrange(self, order: Sequence[int]) -> None:
        """Put columns into another order, given by their old numbers, from column A on."""
        new = {old: index for index, old in enumerate(order, start=1)}
        for row in self._data:
            for cell in row:
                column, number = split(cell.get("r", ""))
                cell.set("r", f"{get_column_letter(new.get(column, column))}{number}")
            row[:] = sorted(row, key=lambda cell: split(cell.get("r", ""))[0])
        self._move_links(lambda column, row: (new.get(column, column), row))
        for highlight in self.root.iter(main("conditionalFormatting")):
            left, top, _, bottom = bounds(highlight.get("sqref", ""))
            highlight.set("sqref", area(new[left], top, new[left], bottom))
            for formula in highlight.iter(main("formula")):
                formula.text = re.sub(
                    r"\$([A-Z]+)(\d+)",
                    lambda found: (
                        f"${get_column_letter(new[column_index_from_string(found[1])])}{found[2]}"
                    ),
                    formula.text or "",
                )
        self.set_columns(
            [self.column_attributes(old) for old in order],
        )

    def _move_links(self, moved: Callable[[int, int], tuple[int, int]]) -> None:
        links = self.root.find(main("hyperlinks"))
        if links is None:
            return
        for link in links:
            column, row = moved(*split(link.get("ref", "")))
            link.set("ref", f"{get_column_letter(column)}{row}")
        links[:] = sorted(links, key=lambda link: split(link.get("ref", ""))[::-1])

    def column_attributes(self, number: int) -> dict[str, str]:
        """Return what is said of a column: its width and the like."""
        for column in self.root.iter(main("col")):
            if int(column.get("min", "0")) <= number <= int(column.get("max", "0")):
                return {
                    str(name): str(value)
                    for name, value in column.attrib.items()
                    if name not in {"min", "max"}
                }
        return {}

    def set_columns(self, columns: Sequence[Mapping[str, str]]) -> None:
        """Say something of the columns from A on; equal neighbours are written as one."""
        found = self.root.find(main("cols"))
        if found is None:
            found = place(self.root, etree.Element(main("cols")))
        found[:] = []
        for number, attributes in enumerate(columns, start=1):
            if not attributes:
                continue
            last = found[-1] if len(found) else None
            same = last is not None and all(
                last.get(name) == value for name, value in attributes.items()
            )
            if same and last is not None and last.get("max") == str(number - 1):
                last.set("max", str(number))
            else:
                ends = {"min": str(number), "max": str(number)}
                etree.SubElement(found, main("col"), {**ends, **attributes})

    def finish(self) -> None:
        """Add what Excel says of itself: spans and the used area."""
        last_row, last_column = 1, 1
        for row in self._data:
            columns = [split(cell.get("r", ""))[0] for cell in row]
            row.set(
                "{http://schemas.microsoft.com/office/spreadsheetml/2009/9/ac}dyDescent", "0.25"
            )
            if columns:
                row.set("spans", f"{columns[0]}:{columns[-1]}")
                last_column = max(last_column, columns[-1])
            last_row = int(row.get("r", "0"))
        dimension = self.root.find(main("dimension"))
        if dimension is not None:
            dimension.set("ref", area(1, 1, last_column, last_row))
