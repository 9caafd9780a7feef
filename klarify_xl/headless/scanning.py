"""The rows of a sheet's part; those that hold plain cells only are scanned instead of parsed.

Nearly all rows are such, and this takes a fraction of the time. Whatever is written in another way
than Excel and we write plain cells is left to the parser.
"""

import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from operator import itemgetter
from typing import Final, NamedTuple

from lxml import etree

from klarify_xl.headless.package import Package, has_document_type, parser
from klarify_xl.headless.references import number_of
from klarify_xl.headless.stylesheet import MAIN, q

_ROW: Final = re.compile(rb'(?: r="([1-9][0-9]*)")?((?: [A-Za-z:0-9]+="[^"<>&]*")*)')
_ATTRIBUTE: Final = re.compile(r' ([A-Za-z:0-9]+)="([^"]*)"')
_CELL: Final = re.compile(
    rb'(<c r="([A-Z]{1,3})[0-9]+"(?: s="([0-9]+)")?(?: t="([A-Za-z]+)")?'
    rb'(?: ?/>|>(?:<v>(%(text)s)</v>|<is><t(?: xml:space="preserve")?>(%(text)s)</t></is>)?</c>))'
    % {b"text": rb"[^<\x00-\x08\x0b\x0c\x0e-\x1f]*"}
)
_ELEMENT: Final = itemgetter(0)
_START: Final = b"<row"
_END: Final = b"</row>"
_DATA: Final = (b"<sheetData>", b"</sheetData>")
_LINKS: Final = (b"<hyperlinks>", b"</hyperlinks>")
_LINK: Final = re.compile(rb'<hyperlink ref="([A-Z]{1,3})([1-9][0-9]{0,6})"[^<>]*/>')
_ODD: Final = (b"<!", b"<?")
"""What may hide the beginning of a row in a text."""


@cache
def column_number(letters: bytes) -> int:
    """Return a column's number, from 1."""
    return number_of(letters.decode())


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
        number: Its number if its element says that first, empty otherwise.
        said: What its element says besides.
        found: The fields of its cells.
    """

    number: bytes
    said: bytes
    found: list[tuple[bytes, ...]]

    @property
    def attrib(self) -> dict[str, str]:
        """What its element says."""
        said = dict(_ATTRIBUTE.findall(self.said.decode()))
        return {"r": self.number.decode(), **said} if self.number else said

    @property
    def cells(self) -> list[PlainCell]:
        """Its cells."""
        return list(map(PlainCell._make, self.found))

    def get(self, name: str) -> str | None:
        """Return what its element says under a name."""
        if name == "r" and self.number:
            return self.number.decode()
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
    found = _CELL.findall(element, start + 1, end)
    if sum(map(len, map(_ELEMENT, found))) != end - start - 1:
        return None
    return PlainRow(said[1] or b"", said[2], found)


class Rows:
    """The rows of a sheet's part, one after the other.

    Args:
        package: The package.
        part: The sheet's part.
        is_our_link: Tells whether a cell's link is ours, which needn't be read, by row and column
            from 1.
    """

    def __init__(
        self,
        package: Package,
        part: str,
        is_our_link: Callable[[int, int], bool] = lambda _row, _column: False,
    ) -> None:
        self._package = package
        self._part = part
        self._is_our_link = is_our_link
        self.root = etree.Element("none")
        """The sheet's XML without rows, once these have been read."""

    def __iter__(self) -> Iterator[Row]:
        content = self._package.read(self._part)
        start, end = content.find(_DATA[0]), content.rfind(_DATA[1])
        if start < 0 or end < 0 or any(content.find(odd, start, end) >= 0 for odd in _ODD):
            return self._parsed(content)
        start += len(_DATA[0])
        root = self._checked(self._tree(content[:start] + self._without_our_links(content[end:])))
        encoding = root.getroottree().docinfo.encoding or "UTF-8"
        if root.nsmap.get(None) != MAIN or encoding.upper() != "UTF-8":
            return self._parsed(content)
        self.root = root
        return self._scanned(content, start, end)

    def _without_our_links(self, content: bytes) -> bytes:
        """Return what follows a sheet's rows; there may be tens of thousands of our links."""

        def kept(link: re.Match[bytes]) -> bytes:
            return b"" if self._is_our_link(int(link[2]), column_number(link[1])) else link[0]

        before, start, rest = content.partition(_LINKS[0])
        links, end, after = rest.partition(_LINKS[1])
        return b"".join((before, start, _LINK.sub(kept, links), end, after)) if end else content

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
