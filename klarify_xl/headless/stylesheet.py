"""The stylesheet part of a workbook: formats are found in it or added, none is ever changed.

openpyxl describes the formats (see `styles`); here they become numbers that cells refer to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from klarify_xl.headless.package import Package, serialised
from klarify_xl.headless.styles import STYLE_PREFIX

if TYPE_CHECKING:
    from openpyxl.styles import NamedStyle
    from openpyxl.styles.differential import DifferentialStyle

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STYLES_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_FIRST_OWN_FORMAT: Final = 164
"""Number formats below are built in (ECMA-376 part 1, 18.8.30)."""

_FONT_ORDER: Final = (
    *("b", "i", "strike", "condense", "extend", "outline", "shadow", "u"),
    *("vertAlign", "sz", "color", "name", "family", "charset", "scheme"),
)
"""Order of a font's children (ECMA-376 part 1, 18.8.22, as Excel writes it)."""

_ORDER: Final = (
    *("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs"),
    *("tableStyles", "colors", "extLst"),
)
_DEFAULTS: Final = {
    *(("horizontal", "general"), ("vertical", "bottom"), ("textRotation", "0"), ("indent", "0")),
    *(("wrapText", "0"), ("shrinkToFit", "0"), ("readingOrder", "0"), ("justifyLastLine", "0")),
    *(("relativeIndent", "0"), ("locked", "1"), ("hidden", "0"), ("diagonalUp", "0")),
    *(("diagonalDown", "0"), ("outline", "0"), ("outline", "1"), ("indexed", "64")),
    *(("val", "none"), ("val", "single"), ("val", "1")),
}
_FIRST: Final = {
    "fonts": ('<font><sz val="11"/><name val="Calibri"/><family val="2"/></font>',),
    # Excel takes these two for granted, whatever stands there.
    "fills": (
        '<fill><patternFill patternType="none"/></fill>',
        '<fill><patternFill patternType="gray125"/></fill>',
    ),
    "borders": ("<border><left/><right/><top/><bottom/><diagonal/></border>",),
    "cellStyleXfs": ('<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>',),
    "cellXfs": ('<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>',),
    "cellStyles": ('<cellStyle name="Normal" xfId="0" builtinId="0"/>',),
}
"""What comes first in a stylesheet: the looks of cells that say none (ECMA-376 part 1, 18.8)."""
_IGNORED: Final = {"family", "charset", "scheme", "extLst", "protection", "diagonal", "vertical"}
"""Children that programs add on their own, and that change nothing of what we describe."""

_WORDS: Final = {"true": "1", "false": "0"}


def styles_part(package: Package) -> str:
    """Return the part with a workbook's formats, made where a program has left it out."""
    present = package.related(package.workbook, "styles")
    if present:
        return present[0]
    part = "xl/styles.xml"
    if part in package:
        part = package.free_name("xl/styles{}.xml")
    package.put_tree(part, main_element("styleSheet"))
    package.set_content_type(part, _STYLES_TYPE)
    package.relate(package.workbook, "styles", part)
    return part


@cache
def q(name: str) -> str:
    """Return a name in the main namespace of spreadsheets."""
    return f"{{{MAIN}}}{name}"


def main_element(tag: str, attributes: dict[str, str] | None = None) -> etree._Element:
    """Return a new element in the main namespace of spreadsheets."""
    return etree.Element(q(tag), attributes or {}, nsmap={None: MAIN})  # type: ignore[dict-item]


def as_element(tree: Any, tag: str | None = None) -> etree._Element:  # noqa: ANN401 -- openpyxl's
    """Return an element of openpyxl as one in the main namespace."""
    text = etree.tostring(tree) if isinstance(tree, etree._Element) else _xml_text(tree)  # noqa: SLF001 -- lxml has no other name for it
    source = etree.fromstring(text)
    return _in_main(source, tag)


def _xml_text(tree: Any) -> bytes:  # noqa: ANN401
    from xml.etree import ElementTree as ET  # noqa: PLC0415 -- serialises only

    return bytes(ET.tostring(tree))


def _in_main(source: etree._Element, tag: str | None = None) -> etree._Element:
    attributes = {str(name): str(value) for name, value in source.attrib.items()}
    element = main_element(tag or etree.QName(source).localname, attributes)
    element.text = source.text
    element.extend([_in_main(child) for child in source])
    return element


@dataclass(frozen=True)
class _Format:
    """A cell format by what it means rather than by numbers."""

    number: str
    font: str
    fill: str
    border: str
    alignment: str


class Stylesheet:
    """The formats of a workbook.

    Args:
        root: The part's XML.
    """

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._known: dict[str, int] = {}
        self._differentials: dict[str, int] = {}
        for tag in ("fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs"):
            self._group(tag)
        self._add_defaults()
        self._numbers = {
            int(one.get("numFmtId", "0")): one.get("formatCode", "")
            for one in root.iter(q("numFmt"))
            if one.getparent() is self._root.find(q("numFmts"))
        }
        self._shared = {tag: self._indexed(tag) for tag in ("fonts", "fills", "borders")}
        self._ours = frozenset(self._find_ours())

    def _group(self, tag: str) -> etree._Element:
        found = self._root.find(q(tag))
        if found is None:
            found = main_element(tag)
            rank = _ORDER.index(tag)
            before = sum(
                1
                for child in self._root
                if isinstance(child.tag, str) and _ORDER.index(etree.QName(child).localname) < rank
            )
            self._root.insert(before, found)
        return found

    def _add_defaults(self) -> None:
        """Add what cells without a format look like, where a program has left it to Excel.

        Formats go by their numbers: ours must not get those of the defaults.
        """
        for tag, defaults in _FIRST.items():
            group = self._group(tag)
            for text in defaults[len(group) :]:
                group.append(_in_main(etree.fromstring(text)))

    def _indexed(self, tag: str) -> dict[str, int]:
        indexed: dict[str, int] = {}
        for index, element in enumerate(self._group(tag)):
            indexed.setdefault(_meaning(element), index)
        return indexed

    @cached_property
    def _style_names(self) -> dict[int, str]:
        """Names of the cell styles, by the number of their format."""
        return {int(one.get("xfId", "0")): one.get("name", "") for one in self._group("cellStyles")}

    def _find_ours(self) -> Iterable[int]:
        """Yield the formats that are just what a style of ours says, whatever it says there."""
        parents = [self._format_of(one) for one in self._group("cellStyleXfs")]
        for index, xf in enumerate(self._group("cellXfs")):
            parent = int(xf.get("xfId", "0"))
            name = self._style_names.get(parent, "")
            if name.startswith(STYLE_PREFIX) and self._format_of(xf) == parents[parent]:
                yield index

    def is_ours(self, index: int) -> bool:
        """Tell whether a cell with this format looks as we made it, without a person's touch."""
        return index in self._ours

    def _format_of(self, xf: etree._Element) -> _Format:
        number = int(xf.get("numFmtId", "0"))
        return _Format(
            number=self._numbers.get(number) or _builtin_formats().get(number, str(number)),
            font=self._meaning_at("fonts", int(xf.get("fontId", "0"))),
            fill=self._meaning_at("fills", int(xf.get("fillId", "0"))),
            border=self._meaning_at("borders", int(xf.get("borderId", "0"))),
            alignment=_meaning(xf.find(q("alignment"))),
        )

    def _meaning_at(self, tag: str, index: int) -> str:
        group = self._group(tag)
        return _meaning(group[index]) if index < len(group) else ""

    def cell_format(self, style: "NamedStyle") -> int:
        """Return the number of the cell format that shows a style, added where it is missing."""
        name = str(style.name)
        if name not in self._known:
            self._known[name] = self._register(style, name)
        return self._known[name]

    def _register(self, style: "NamedStyle", name: str) -> int:
        attributes = {
            "numFmtId": str(self._number_id(str(style.number_format))),
            "fontId": str(
                self._shared_id("fonts", _ordered(as_element(style.font.to_tree("font"))))
            ),
            "fillId": str(self._shared_id("fills", as_element(style.fill.to_tree("fill")))),
            "borderId": str(self._shared_id("borders", as_element(style.border.to_tree("border")))),
        }
        applied = {
            "applyNumberFormat": "1",
            "applyFont": "1",
            "applyFill": "1",
            "applyBorder": "1",
            "applyAlignment": "1",
        }
        alignment = as_element(style.alignment.to_tree("alignment"))
        parent = self._style_id(name, {**attributes, **applied}, alignment)
        quoted = {"quotePrefix": "1"} if "long" in name else {}
        xf = main_element("xf", {**attributes, "xfId": str(parent), **quoted, **applied})
        xf.append(_in_main(alignment))
        formats = self._group("cellXfs")
        wanted = self._format_of(xf)
        for index, present in enumerate(formats):
            if (
                present.get("xfId") == str(parent)
                and present.get("quotePrefix", "0") == xf.get("quotePrefix", "0")
                and self._format_of(present) == wanted
            ):
                return index
        formats.append(xf)
        return len(formats) - 1

    def _style_id(self, name: str, attributes: dict[str, str], alignment: etree._Element) -> int:
        """Return the number of a named style's format, brought up to date or added."""
        formats = self._group("cellStyleXfs")
        xf = main_element("xf", attributes)
        xf.append(alignment)
        for number, present in self._style_names.items():
            if present == name and number < len(formats):
                if self._format_of(formats[number]) != self._format_of(xf):
                    formats[number] = xf
                return number
        formats.append(xf)
        number = len(formats) - 1
        self._group("cellStyles").append(
            main_element("cellStyle", {"name": name, "xfId": str(number)})
        )
        self._style_names[number] = name
        return number

    def _number_id(self, code: str) -> int:
        for number, present in (*_builtin_formats().items(), *self._numbers.items()):
            if present == code:
                return number
        number = max([_FIRST_OWN_FORMAT - 1, *self._numbers]) + 1
        self._numbers[number] = code
        self._group("numFmts").append(
            main_element("numFmt", {"numFmtId": str(number), "formatCode": code})
        )
        return number

    def _shared_id(self, tag: str, element: etree._Element) -> int:
        meaning = _meaning(element)
        if meaning not in self._shared[tag]:
            group = self._group(tag)
            group.append(element)
            self._shared[tag][meaning] = len(group) - 1
        return self._shared[tag][meaning]

    def differential(self, style: "DifferentialStyle") -> int:
        """Return the number of a differential format, added where it is missing."""
        element = as_element(style.to_tree("dxf"))
        for font in element.iter(q("font")):
            _ordered(font)
        group = self._group("dxfs")
        if not self._differentials:
            for index, present in enumerate(group):
                self._differentials.setdefault(_meaning(present), index)
        meaning = _meaning(element)
        if meaning not in self._differentials:
            group.append(element)
            self._differentials[meaning] = len(group) - 1
        return self._differentials[meaning]

    def order_fonts(self) -> None:
        """Put what openpyxl says of its own fonts into the order that the schema wants."""
        for font in self._root.iter(q("font")):
            _ordered(font)

    def content(self) -> bytes:
        """Return the part."""
        for child in list(self._root):
            if isinstance(child.tag, str) and etree.QName(child).localname in _ORDER[:8]:
                if len(child):
                    child.set("count", str(len(child)))
                else:
                    self._root.remove(child)
        return serialised(self._root)


@cache
def _builtin_formats() -> dict[int, str]:
    """Return the number formats that need not be declared, by their numbers."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS  # noqa: PLC0415 -- takes long to load, and only writing needs it

    return dict(BUILTIN_FORMATS)


def _ordered(font: etree._Element) -> etree._Element:
    font[:] = sorted(font, key=lambda child: _FONT_ORDER.index(etree.QName(child).localname))
    return font


def _meaning(element: etree._Element | None) -> str:
    """Return what an element says, whatever defaults a program writes out and in what order."""
    if element is None:
        return ""
    attributes = (
        (etree.QName(str(name)).localname, _WORDS.get(str(value), str(value)))
        for name, value in element.attrib.items()
    )
    said = sorted(
        (name, value[-6:].upper() if name == "rgb" else value)
        for name, value in attributes
        if (name, value) not in _DEFAULTS
    )
    children = sorted(
        _meaning(child)
        for child in element
        if isinstance(child.tag, str) and etree.QName(child).localname not in _IGNORED
    )
    name = etree.QName(element).localname
    kept = [child for child in children if child]
    if not said and not kept and name not in {"b", "i", "u", "strike"}:
        return ""
    return f"{name}({' '.join(f'{key}={value}' for key, value in said)}|{''.join(kept)})"
