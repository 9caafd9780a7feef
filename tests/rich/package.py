"""A workbook's file as parts that can be looked at and changed, whoever made it."""

import copy
import posixpath
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lxml import etree

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES: Final = "http://schemas.openxmlformats.org/package/2006/content-types"
X14: Final = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
X15: Final = "http://schemas.microsoft.com/office/spreadsheetml/2010/11/main"
XM: Final = "http://schemas.microsoft.com/office/excel/2006/main"
MC: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006"

CONTENT_TYPES: Final = "[Content_Types].xml"
WORKBOOK: Final = "xl/workbook.xml"
OFFICE: Final = "application/vnd.openxmlformats-officedocument"
SPREADSHEET: Final = f"{OFFICE}.spreadsheetml"

WORKSHEET_ORDER: Final = (
    *("sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr"),
    *("sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState"),
    *("dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting"),
    *("dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter"),
    *("rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags"),
    *("drawing", "legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects"),
    *("controls", "webPublishItems", "tableParts", "extLst"),
)
"""Order of a worksheet's children (ECMA-376 part 1, 18.3.1.99)."""
WORKBOOK_ORDER: Final = (
    *("fileVersion", "fileSharing", "workbookPr", "AlternateContent", "revisionPtr"),
    *("workbookProtection", "bookViews", "sheets", "functionGroups", "externalReferences"),
    *("definedNames", "calcPr", "oleSize", "customWorkbookViews", "pivotCaches", "extLst"),
)
"""Order of a workbook's children (ECMA-376 part 1, 18.2.27)."""


def main(name: str) -> str:
    """Return the full name of an element of the spreadsheet's main namespace."""
    return f"{{{MAIN}}}{name}"


def unpacked(file: Path) -> dict[str, bytes]:
    """Return the parts of a file, unpacked."""
    with zipfile.ZipFile(file) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def parsed(content: bytes) -> etree._Element:
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, huge_tree=True))


def fragment(xml: str) -> etree._Element:
    """Return an element from a text without namespace declarations."""
    spaces = {"": MAIN, "r": R, "x14": X14, "x15": X15, "xm": XM, "mc": MC}
    declared = " ".join(
        f'xmlns{":" if prefix else ""}{prefix}="{uri}"' for prefix, uri in spaces.items()
    )
    element = parsed(f"<top {declared}>{xml}</top>".encode())[0]
    return copy.deepcopy(element)


class Package:
    """The parts of a workbook.

    Args:
        parts: Their contents by name.
    """

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        self.parts = dict(parts)
        self._trees: dict[str, etree._Element] = {}

    @classmethod
    def read(cls, file: Path) -> "Package":
        return cls(unpacked(file))

    def save(self, file: Path) -> Path:
        """Write the file, packed as Excel does: content types first."""
        for name, root in self._trees.items():
            self.parts[name] = etree.tostring(
                root, xml_declaration=True, encoding="UTF-8", standalone=True
            )
        names = sorted(self.parts, key=lambda name: name != CONTENT_TYPES)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), self.parts[name])
        return file

    def xml(self, name: str) -> etree._Element:
        """Return the tree of a part; changes to it are saved."""
        if name not in self._trees:
            self._trees[name] = parsed(self.parts[name])
        return self._trees[name]

    def put(self, name: str, root: etree._Element) -> etree._Element:
        """Set the tree of a part."""
        self.parts.setdefault(name, b"")
        self._trees[name] = root
        return root

    def add(self, name: str, content: str | bytes, content_type: str = "") -> str:
        """Add a part; without a content type it goes by its extension."""
        self.parts[name] = content.encode() if isinstance(content, str) else content
        types = self.xml(CONTENT_TYPES)
        if content_type:
            override = etree.SubElement(types, f"{{{TYPES}}}Override")
            override.set("PartName", f"/{name}")
            override.set("ContentType", content_type)
        return name

    def default_type(self, extension: str, content_type: str) -> None:
        """Give an extension a content type, unless it has one."""
        types = self.xml(CONTENT_TYPES)
        if not types.findall(f"{{{TYPES}}}Default[@Extension='{extension}']"):
            default = etree.Element(f"{{{TYPES}}}Default")
            default.set("Extension", extension)
            default.set("ContentType", content_type)
            types.insert(0, default)

    def retype(self, name: str, content_type: str) -> None:
        """Change the content type of a part."""
        for override in self.xml(CONTENT_TYPES).iter(f"{{{TYPES}}}Override"):
            if override.get("PartName") == f"/{name}":
                override.set("ContentType", content_type)

    def relate(self, part: str, kind: str, target: str, *, external: bool = False) -> str:
        """Relate a part ("" for the package) to another, and return the relationship's id."""
        name = relations_of(part)
        if name not in self.parts:
            self.put(name, parsed(f'<Relationships xmlns="{PACKAGE}"/>'.encode()))
        root = self.xml(name)
        taken = {one.get("Id") for one in root}
        new = next(f"rId{number}" for number in range(1, 10_000) if f"rId{number}" not in taken)
        relation = etree.SubElement(root, f"{{{PACKAGE}}}Relationship")
        relation.set("Id", new)
        relation.set("Type", kind if "//" in kind else f"{R}/{kind}")
        folder = posixpath.dirname(part)
        relation.set("Target", target if external else posixpath.relpath(target, folder or "."))
        if external:
            relation.set("TargetMode", "External")
        return new

    def relate_relatively(self) -> None:
        """Give every relationship a target relative to its part, as Excel does."""
        for part in ("", *self.parts):
            folder = posixpath.dirname(part)
            for related, (_, target) in self.related(part).items():
                for one in self.xml(relations_of(part)):
                    if one.get("Id") == related:
                        one.set("Target", posixpath.relpath(target, folder or "."))

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Return the kind and target of a part's inner relationships, by their ids."""
        name = relations_of(part)
        if name not in self.parts:
            return {}
        folder = posixpath.dirname(part)
        return {
            one.get("Id", ""): (
                one.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/"),
            )
            for one in self.xml(name)
            # A drawing's links to places in the workbook look like inner ones.
            if one.get("TargetMode") != "External" and not one.get("Target", "").startswith("#")
        }

    def sheets(self) -> dict[str, str]:
        """Return the part of each sheet, by its name, in the order of their tabs."""
        related = self.related(WORKBOOK)
        return {
            sheet.get("name", ""): related[sheet.get(f"{{{R}}}id", "")][1]
            for sheet in self.xml(WORKBOOK).iter(main("sheet"))
        }

    def tables(self) -> dict[str, tuple[str, str]]:
        """Return the sheet's name and the table's part of each table, by its displayName."""
        found = {}
        for sheet, part in self.sheets().items():
            for kind, target in self.related(part).values():
                if kind == "table":
                    found[self.xml(target).get("displayName", "")] = (sheet, target)
        return found

    def reader_of(self, part: str) -> Iterator[str]:
        """Yield the parts that are related to a part."""
        for name in self.parts:
            if any(target == part for _, target in self.related(name).values()):
                yield name


def relations_of(part: str) -> str:
    """Return the name of the part with the relationships of another."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def place(root: etree._Element, element: etree._Element) -> etree._Element:
    """Put a child into a worksheet or workbook where its schema wants it."""
    order = WORKBOOK_ORDER if etree.QName(root).localname == "workbook" else WORKSHEET_ORDER
    rank = order.index(etree.QName(element).localname)
    position = 0
    for index, child in enumerate(root):
        if order.index(etree.QName(child).localname) <= rank:
            position = index + 1
    root.insert(position, element)
    return element


def with_namespaces(root: etree._Element, spaces: Mapping[str, str]) -> etree._Element:
    """Return the root with more prefixes declared, all of them ignorable, as Excel has it."""
    wanted: dict[Any, Any] = {**root.nsmap, "mc": MC, **spaces}
    new = etree.Element(root.tag, nsmap=wanted)
    for name, value in root.attrib.items():
        new.set(name, value)
    new.set(f"{{{MC}}}Ignorable", " ".join(spaces))
    new.text = root.text
    new.extend(list(root))
    return new
