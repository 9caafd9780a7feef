"""The rows of a sheet's part; those that hold plain cells only are scanned instead of parsed.

Nearly all rows are such, and this takes a fraction of the time. Whatever is written in another way
than Excel and we write plain cells is left to the parser.
"""

import io
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from lxml import etree

from klarify_xl.headless.package import Package, has_document_type, parser
from klarify_xl.headless.stylesheet import MAIN, q

_ROW: Final = re.compile(rb'(?: [A-Za-z:0-9]+="[^"<>&]*")*')
_ATTRIBUTE: Final = re.compile(r' ([A-Za-z:0-9]+)="([^"]*)"')
_CELL: Final = re.compile(
    rb'(<c r="([A-Z]{1,3})[0-9]+"(?: s="([0-9]+)")?(?: t="([A-Za-z]+)")?'
    rb'(?:/>|>(?:<v>(%(text)s)</v>|<is><t(?: xml:space="preserve")?>(%(text)s)</t></is>)</c>))'
    % {b"text": rb"[^<\x00-\x08\x0b\x0c\x0e-\x1f]*"}
)
_START: Final = b"<row"
_END: Final = b"</row>"
_DATA: Final = (b"<sheetData>", b"</sheetData>")
_ODD: Final = (b"<!", b"<?")
"""What may hide the beginning of a row in a text."""


class PlainCell(NamedTuple):
    """A cell with a value or a text and nothing else, to be asked like an element.

    Attributes:
        element: All of it.
        letters: Its column.
        style: Number of its format, empty for none.
        kind: Its type, empty for none.
        value: The text of the value that it holds, empty for none.
        inline: The text that it holds itself, empty for none.
    """

    element: bytes
    letters: bytes
    style: bytes
    kind: bytes
    value: bytes
    inline: bytes

    def get(self, name: str, default: str) -> str:
        """Return its format (``s``) or its type (``t``)."""
        value = self.style if name == "s" else self.kind
        return value.decode() if value else default

    @property
    def is_literal(self) -> bool:
        """Whether its text reads as it is written."""
        return b"&" not in self.element and b"\r" not in self.element

    @property
    def text(self) -> str:
        """Its text as it is written, where its type says."""
        return (self.inline if self.kind == b"inlineStr" else self.value).decode()

    @property
    def content(self) -> str:
        """The element within it as it is written, "" for none."""
        return self.element[self.element.find(b">") + 1 : -len(b"</c>")].decode()

    def parsed(self) -> etree._Element:
        """Return it as an element.

        Raises:
            ValueError: It is no XML.
        """
        row = f'<row xmlns="{MAIN}">'.encode() + self.element + b"</row>"
        try:
            return etree.fromstring(row, parser())[0]
        except etree.XMLSyntaxError as error:
            raise ValueError(error.msg) from None


class PlainRow(NamedTuple):
    """A row of plain cells, to be asked like an element.

    Attributes:
        attrib: What its element says.
        cells: Its cells.
    """

    attrib: dict[str, str]
    cells: list[PlainCell]

    def get(self, name: str) -> str | None:
        """Return what its element says under a name."""
        return self.attrib.get(name)


Cell = etree._Element | PlainCell  # noqa: SLF001 -- lxml's own name of the type
Row = etree._Element | PlainRow  # noqa: SLF001 -- as above


def plain_row(element: bytes) -> PlainRow | None:
    """Return a row's cells, or None if it has others than plain ones."""
    start = element.find(b">")
    said = _ROW.fullmatch(element, len(_START), start)
    if said is None or not element.endswith(_END):
        return None
    end = len(element) - len(_END)
    cells = _CELL.findall(element, start + 1, end)
    if sum([len(cell[0]) for cell in cells]) != end - start - 1:
        return None
    return PlainRow(dict(_ATTRIBUTE.findall(said[0].decode())), list(map(PlainCell._make, cells)))


class Rows:
    """The rows of a sheet's part, one after the other.

    Args:
        package: The package.
        part: The sheet's part.
    """

    def __init__(self, package: Package, part: str) -> None:
        self._package = package
        self._part = part
        self.root = etree.Element("none")
        """The sheet's XML without rows, once these have been read."""

    def __iter__(self) -> Iterator[Row]:
        content = self._package.read(self._part)
        start, end = content.find(_DATA[0]), content.rfind(_DATA[1])
        if start < 0 or end < 0 or any(content.find(odd, start, end) >= 0 for odd in _ODD):
            return self._parsed(content)
        start += len(_DATA[0])
        root = self._checked(self._tree(content[:start] + content[end:]))
        encoding = root.getroottree().docinfo.encoding or "UTF-8"
        if root.nsmap.get(None) != MAIN or encoding.upper() != "UTF-8":
            return self._parsed(content)
        self.root = root
        return self._scanned(content, start, end)

    def _scanned(self, content: bytes, start: int, end: int) -> Iterator[Row]:
        """Yield the rows between two places in a part."""
        names = self.root.nsmap.items()
        said = "".join(f' xmlns{":" if name else ""}{name or ""}="{uri}"' for name, uri in names)
        opening, closing = f"<worksheet{said}>".encode(), b"</worksheet>"
        here = content.find(_START, start, end)
        while here >= 0:
            there = content.find(_START, here + len(_START), end)
            element = content[here : end if there < 0 else there].rstrip()
            plain = plain_row(element)
            if plain is not None:
                yield plain
            else:
                yield from self._tree(opening + element + closing).iterchildren(q("row"))
            here = there

    def _tree(self, content: bytes) -> etree._Element:
        try:
            return etree.fromstring(content, parser())
        except etree.XMLSyntaxError as error:
            raise self._package.refused(f"is damaged ({self._part}: {error.msg})") from None

    def _parsed(self, content: bytes) -> Iterator[etree._Element]:
        """Yield the rows of a part, each forgotten when the next is read."""
        events = etree.iterparse(
            io.BytesIO(content),
            events=("end",),
            tag=q("row"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
        )
        try:
            for _event, row in events:
                yield row
                row.clear()
                parent = row.getparent()
                while parent is not None and row.getprevious() is not None:
                    del parent[0]
        except etree.XMLSyntaxError as error:
            raise self._package.refused(f"is damaged ({self._part}: {error.msg})") from None
        self.root = self._checked(events.root)

    def _checked(self, root: etree._Element) -> etree._Element:
        """Return a sheet's XML without its rows, if it may hold any."""
        if has_document_type(root):
            raise self._package.refused(f"is damaged ({self._part} declares a document type)")
        data = root.find(q("sheetData"))
        if data is None:
            raise self._package.refused(f"is damaged ({self._part} holds no rows)")
        data.clear()
        return root
