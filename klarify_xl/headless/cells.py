"""Cells as XML: ours from values, a person's own as they stand in the file."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from klarify_xl.headless.markup import attribute_text, xml_text_plain
from klarify_xl.headless.package import Package
from klarify_xl.headless.references import copied, in_row, letter_of, number_of
from klarify_xl.headless.scanning import Cell, PlainCell, PlainRow, Row, column_number
from klarify_xl.headless.stylesheet import q
from klarify_xl.limits import EXCEL_FIRST_DAY

_ESCAPE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ADDRESS: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]*)")
_SHARED_TAG: Final = q("f")
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 -- days are counted on the wall
_FIRST: Final = datetime(*EXCEL_FIRST_DAY) - _EPOCH  # noqa: DTZ001 -- as above


def split_address(address: str) -> tuple[int, int]:
    """Return row and column of a cell's address, counted from 1."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(address)
    return int(found[2]), number_of(found[1])


def xml_text(text: str) -> str:
    """Return a text as it stands in a part.

    Excel reads ``_x0041_`` as the character A, so that one needs escaping, too (ECMA-376 part 1,
    22.9.2.19).
    """
    # Faster than a pattern, which would be tried at each letter.
    if not ("&" in text or "<" in text or ">" in text or "\r" in text or "_x" in text):
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ESCAPE.sub("_x005F_", text).replace("\r", "&#13;")


def plain_text(text: str) -> str:
    """Return a text from a part as people see it."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return text.replace("\r\n", "\n")


def text_cell(address: str, style: int | str, text: str) -> str:
    """Return a cell that holds a text, whatever it looks like."""
    return f'<c r="{address}" s="{style}"{inline_text(text)}'


def inline_text(text: str) -> str:
    """Return what follows the format in a cell that holds a text."""
    keep = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
    return f' t="inlineStr"><is><t{keep}>{xml_text(text)}</t></is></c>'


def worked_out(formula: str, value: str | float | None) -> str:
    """Return what follows the format in a cell that Excel works out.

    Args:
        formula: The formula, without the equals sign.
        value: What it gives now, if that is known.
    """
    kind = ' t="str"' if isinstance(value, str) else ""
    known = "" if value is None else f"<v>{xml_text(str(value))}</v>"
    return f"{kind}><f>{xml_text(formula)}</f>{known}</c>"


def serial(moment: datetime) -> float | None:
    """Return a moment as Excel's count of days, or None where programs don't agree on it.

    Args:
        moment: In the time zone in which it is shown.
    """
    since = moment.replace(tzinfo=None) - _EPOCH
    if since < _FIRST:
        return None
    return round(since.days + since.seconds / 86400, 10)


def typed(value: str | float | datetime | None, shown: Callable[[datetime], datetime]) -> str:
    """Return what follows the format in a cell with a value.

    Args:
        value: What it holds.
        shown: Gives a moment in the time zone in which it is shown.
    """
    if value is None or value == "":
        return "/>"
    if isinstance(value, str):
        return inline_text(value)
    if not isinstance(value, datetime):
        return f"><v>{value!r}</v></c>"
    days = serial(shown(value))
    if days is None:
        return inline_text(value.astimezone(UTC).isoformat())
    return f"><v>{days!r}</v></c>"


@dataclass(frozen=True, slots=True)
class OwnCell:
    """A cell of a person's, as it stands in the file.

    Attributes:
        row: Its row there, from 1.
        column: Its column there, from 1.
        attributes: What its element says besides its address.
        formula: Its formula without the equals sign, or None.
        formula_attributes: What its formula's element says.
        content: The elements beside the formula.
        text: What it shows, "" for an empty one.
    """

    row: int
    column: int
    attributes: tuple[tuple[str, str], ...]
    formula: str | None
    formula_attributes: tuple[tuple[str, str], ...]
    content: str
    text: str

    @property
    def style(self) -> int:
        """Number of its format."""
        return int(dict(self.attributes).get("s", "0"))

    @property
    def value(self) -> str | float:
        """What it holds, a number as such."""
        if dict(self.attributes).get("t", "n") == "n" and self.text:
            return float(self.text)
        return self.text

    def says(self, text: str) -> bool:
        """Tell whether it holds a text, typed as such and not worked out."""
        is_text = dict(self.attributes).get("t") in {"s", "str", "inlineStr"}
        return is_text and self.formula is None and self.text == text

    @property
    def is_empty(self) -> bool:
        """Whether nothing but a format is in it."""
        return self.formula is None and not self.content

    def at(self, row: int, column: int) -> "OwnCell":
        """Return the cell in another place, where its formula takes from its row what it did."""
        if (row, column) == (self.row, self.column):
            return self
        formula = self.formula
        if formula is not None:
            formula = in_row(formula, self.row, row)
        return replace(self.moved_to(row, column), formula=formula)

    def copied_to(self, row: int, column: int) -> "OwnCell":
        """Return a copy for another place; relative references move along, as in Excel."""
        formula = self.formula
        if formula is not None:
            formula = copied(formula, row - self.row, column - self.column)
        return replace(self.moved_to(row, column), formula=formula)

    def moved_to(self, row: int, column: int | None = None) -> "OwnCell":
        """Return the cell in another place, where its formula reads the same."""
        column = column or self.column
        if (row, column) == (self.row, self.column):
            return self
        by = (row - self.row, column - self.column)
        # What an array's formula or a data table fills moves along with it.
        attributes = tuple(
            (name, copied(value, *by) if name == "ref" else value)
            for name, value in self.formula_attributes
        )
        return replace(self, row=row, column=column, formula_attributes=attributes)

    def with_formula(self, formula: str) -> "OwnCell":
        """Return the cell with another formula."""
        return self if formula == self.formula else replace(self, formula=formula)

    def xml(self) -> str:
        """Return the cell's element."""
        attributes = "".join(
            f' {name}="{attribute_text(value)}"' for name, value in self.attributes
        )
        formula = ""
        if self.formula is not None:
            said = "".join(
                f' {name}="{attribute_text(value)}"' for name, value in self.formula_attributes
            )
            formula = f"<f{said}>{xml_text_plain(self.formula)}</f>"
        return f'<c r="{letter_of(self.column)}{self.row}"{attributes}>{formula}{self.content}</c>'


class CellReader:
    """Reads the cells of a package's sheets.

    Args:
        package: The package.
    """

    def __init__(self, package: Package) -> None:
        self._package = package
        self._shared: list[str] | None = None
        self._masters: dict[str, tuple[str, int, int]] = {}

    def start_sheet(self) -> None:
        """Forget the shared formulas of the sheet before."""
        self._masters.clear()

    def shared_text(self, index: int) -> str:
        """Return a text that many cells share.

        Raises:
            TargetError: There is none with that index.
        """
        if self._shared is None:
            self._shared = []
            for part in self._package.related(self._package.workbook, "sharedStrings"):
                for item in self._package.tree(part).iter(q("si")):
                    self._shared.append(_string(item))
        if index >= len(self._shared):
            raise self._package.refused(f"is damaged (it has no shared text {index})")
        return self._shared[index]

    def text(self, cell: Cell) -> str:
        """Return what a cell holds: its text, or its number as the file writes it."""
        kind = cell.get("t", "n")
        if isinstance(cell, PlainCell):
            if cell.is_literal:
                return self._literal(kind, cell.text)
            cell = cell.parsed()
        if kind == "inlineStr":
            inline = cell.find(q("is"))
            return "" if inline is None else _string(inline)
        return self._literal(kind, cell.findtext(q("v")) or "")

    def _literal(self, kind: str, value: str) -> str:
        """Return what a cell of a kind holds, as it is written."""
        if kind == "s":
            return self.shared_text(int(value)) if value.isdigit() else ""
        return plain_text(value) if kind in {"inlineStr", "str"} else value

    def own(self, cell: Cell, row: int, column: int) -> OwnCell:
        """Return a cell as it is to be kept; shared formulas become formulas of their own."""
        if isinstance(cell, PlainCell):
            if cell.is_literal:
                return self._plain(cell, row, column)
            cell = cell.parsed()
        formula = None
        formula_attributes: tuple[tuple[str, str], ...] = ()
        content = []
        for child in cell:
            if child.tag == q("f"):
                formula, formula_attributes = self._formula(child, row, column)
            elif child.tag == q("v"):
                content.append(f"<v>{xml_text_plain(child.text or '')}</v>")
            elif isinstance(child.tag, str):
                content.append(_inner_xml(child))
        said = ((str(name), str(value)) for name, value in cell.attrib.items())
        return OwnCell(
            row,
            column,
            tuple((name, value) for name, value in said if name != "r" and name[0] != "{"),
            formula,
            formula_attributes,
            "".join(content),
            self.text(cell),
        )

    def _plain(self, cell: PlainCell, row: int, column: int) -> OwnCell:
        said = ((name, cell.get(name, "")) for name in ("s", "t"))
        attributes = tuple((name, value) for name, value in said if value)
        return OwnCell(row, column, attributes, None, (), cell.content, self.text(cell))

    def note_shared(self, cell: Cell, row: int, column: int) -> None:
        """Remember the formula of a cell if others share it."""
        if not isinstance(cell, PlainCell) and len(cell) and cell[0].tag == _SHARED_TAG:
            self._formula(cell[0], row, column)

    def _formula(
        self, element: etree._Element, row: int, column: int
    ) -> tuple[str, tuple[tuple[str, str], ...]]:
        text = element.text or ""
        if element.get("t") == "shared":
            group = element.get("si", "")
            if text:
                self._masters[group] = (text, row, column)
            else:
                master, from_row, from_column = self._masters.get(group, ("", row, column))
                text = copied(master, row - from_row, column - from_column)
            return text, ()
        return text, tuple((str(name), str(value)) for name, value in element.attrib.items())


def _string(item: etree._Element) -> str:
    """Return the text of a string item, its runs joined, without phonetic hints."""
    if len(item) == 1 and item[0].tag == q("t"):
        return plain_text(item[0].text or "")
    return plain_text(
        "".join(
            text.text or ""
            for text in item.iter(q("t"))
            if etree.QName(text.getparent()).localname != "rPh"
        )
    )


def _inner_xml(element: etree._Element) -> str:
    """Return an element as it reads in any sheet, whose default namespace is the main one."""
    if any(one.prefix for one in element.iter(etree.Element)):
        # Other sheets needn't declare the prefixes.
        element = deepcopy(element)
        etree.cleanup_namespaces(element)
        return etree.tostring(element, encoding="unicode", with_tail=False)
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    start, end, rest = text.partition(">")
    parent = element.getparent()
    for prefix, uri in (parent.nsmap if parent is not None else {}).items():
        name = f"xmlns:{prefix}" if prefix else "xmlns"
        start = start.replace(f' {name}="{uri}"', "")
    return start + end + rest


def numbered_cells(row: Row) -> Iterator[tuple[int, Cell]]:
    """Yield the cells of a row with their columns from 1; addresses may be left out."""
    if isinstance(row, PlainRow):
        for plain in row.cells:
            yield column_number(plain.letters), plain
        return
    before = 0
    for cell in row:
        if cell.tag == q("c"):
            address = cell.get("r")
            before = number_of(address.rstrip("0123456789")) if address else before + 1
            yield before, cell
