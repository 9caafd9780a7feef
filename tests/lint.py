"""Finds in a workbook what makes Excel offer a repair although the schema allows it."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree
from openpyxl.utils import get_column_letter, range_boundaries

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"

LINKS = 65_530
CELL = re.compile(r"([A-Z]{1,3})([1-9]\d*)")


def lint(file: Path) -> list[str]:
    """Return what is wrong with a workbook, in words."""
    return list(_Package(file).faults())


class _Package:
    def __init__(self, file: Path) -> None:
        with zipfile.ZipFile(file) as archive:
            self.names = archive.namelist()
            self.parts = {
                name: etree.fromstring(archive.read(name), etree.XMLParser(resolve_entities=False))
                for name in self.names
            }
        workbook = self.parts["xl/workbook.xml"]
        related = self.related("xl/workbook.xml")
        self.sheets = {
            sheet.get("name", ""): related[sheet.get(f"{RELATED}id", "")]
            for sheet in workbook.iter(f"{MAIN}sheet")
        }
        self.defined = {
            name.get("name", "").casefold() for name in workbook.iter(f"{MAIN}definedName")
        }
        self.tables: dict[str, list[str]] = {"id": [], "name": [], "displayName": []}

    def related(self, part: str) -> dict[str, str]:
        """Return the targets of a part's relationships, by their ids; "" for outside ones."""
        folder, name = posixpath.split(part)
        root = self.parts.get(f"{folder}/_rels/{name}.rels".lstrip("/"))
        if root is None:
            return {}
        return {
            one.get("Id", ""): ""
            if one.get("TargetMode") == "External"
            else posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/")
            for one in root.iter(f"{PACKAGE}Relationship")
        }

    def faults(self) -> Iterator[str]:
        yield from self.package_faults()
        yield from self.sheet_name_faults()
        for name, part in self.sheets.items():
            for fault in (
                *self.cell_faults(part),
                *self.link_faults(part),
                *self.table_part_faults(part),
            ):
                yield f"{name}: {fault}"
        for attribute, values in self.tables.items():
            if len({value.casefold() for value in values}) != len(values):
                yield f"two tables share a {attribute}"

    def package_faults(self) -> Iterator[str]:
        if len({name.casefold() for name in self.names}) != len(self.names):
            yield "two parts share a name"
        types = self.parts["[Content_Types].xml"]
        overrides = [one.get("PartName", "").lstrip("/") for one in types.iter(f"{TYPES}Override")]
        defaults = {one.get("Extension") for one in types.iter(f"{TYPES}Default")}
        for missing in sorted(set(overrides) - set(self.names)):
            yield f"{missing} has a content type but isn't there"
        for name in self.names:
            if name not in overrides and name.rpartition(".")[2] not in defaults:
                yield f"{name} has no content type"
            for target in self.related(name).values():
                if target and target not in self.parts:
                    yield f"{name} is related to {target}, which isn't there"

    def sheet_name_faults(self) -> Iterator[str]:
        names = [
            sheet.get("name", "") for sheet in self.parts["xl/workbook.xml"].iter(f"{MAIN}sheet")
        ]
        if len({name.casefold() for name in names}) != len(names):
            yield "two sheets share a name"
        for name in names:
            if not 1 <= len(name) <= 31 or re.search(r"[\[\]:*?/\\]|^'|'$", name):
                yield f"{name!r} is no name for a sheet"

    def cell_faults(self, part: str) -> Iterator[str]:
        formats = self.parts["xl/styles.xml"].find(f"{MAIN}cellXfs")
        known = 0 if formats is None else len(formats)
        before = 0
        for row in self.parts[part].iter(f"{MAIN}row"):
            number = int(row.get("r", "0"))
            if number <= before:
                yield f"row {number} does not follow row {before}"
            before, column_before = number, 0
            for cell in row:
                address = cell.get("r", "")
                (column, _top, _right, _bottom) = range_boundaries(address)
                if (
                    address != f"{get_column_letter(column or 0)}{number}"
                    or (column or 0) <= column_before
                ):
                    yield f"cell {address} stands in a wrong place"
                column_before = column or 0
                if int(cell.get("s", "0")) >= known:
                    yield f"cell {address} has a format that isn't there"

    def link_faults(self, part: str) -> Iterator[str]:
        related = self.related(part)
        found = list(self.parts[part].iter(f"{MAIN}hyperlink"))
        if len(found) > LINKS:
            yield f"{len(found)} links"
        if len({link.get("ref") for link in found}) != len(found):
            yield "two links share a cell"
        for link in found:
            ref, target = link.get("ref"), link.get(f"{RELATED}id")
            if target is not None and related.get(target) != "":
                yield f"the link in {ref} leads to {target}, which is no address"
            location = link.get("location")
            if (target is None) == (location is None):
                yield f"the link in {ref} leads nowhere"
            if location is not None and not self.is_place(location):
                yield f"the link in {ref} leads to {location}, which isn't there"

    def is_place(self, location: str) -> bool:
        sheet, _mark, address = location.rpartition("!")
        part = self.sheets.get(sheet.removeprefix("'").removesuffix("'").replace("''", "'"))
        found = CELL.fullmatch(address)
        if part is None or found is None:
            return False
        return self.parts[part].find(f".//{MAIN}row[@r='{found[2]}']") is not None

    def table_part_faults(self, part: str) -> Iterator[str]:
        related = self.related(part)
        listed = [one.get(f"{RELATED}id", "") for one in self.parts[part].iter(f"{MAIN}tablePart")]
        counts = [one.get("count") for one in self.parts[part].iter(f"{MAIN}tableParts")]
        if counts != ([str(len(listed))] if listed else []):
            yield f"{len(listed)} tables are counted as {counts}"
        for table_id in listed:
            if related.get(table_id) not in self.parts:
                yield f"the table {table_id} isn't there"
            else:
                yield from self.table_faults(part, self.parts[related[table_id]])

    def table_faults(self, part: str, table: etree._Element) -> Iterator[str]:
        name, ref = table.get("displayName", ""), table.get("ref", "")
        for attribute, values in self.tables.items():
            values.append(table.get(attribute, ""))
        if CELL.fullmatch(name.upper()) or not re.fullmatch(r"[A-Za-z_]\w*", name):
            yield f"{name!r} is no name for a table"
        if name.casefold() in self.defined:
            yield f"the table {name} and a defined name are the same"
        columns = [one.get("name", "") for one in table.iter(f"{MAIN}tableColumn")]
        if len({one.casefold() for one in columns}) != len(columns):
            yield f"two columns of {name} share a title"
        rows = {int(row.get("r", "0")): row for row in self.parts[part].iter(f"{MAIN}row")}
        header = [str(cell.xpath("string()")) for cell in rows.get(1, ())]
        if columns != header:
            yield f"the columns of {name} are not those of its header"
        wanted = f"A1:{get_column_letter(len(columns))}{max(2, *rows)}"
        filters = [one.get("ref") for one in table.iter(f"{MAIN}autoFilter")]
        if ref != wanted or filters not in ([], [ref]):
            yield f"{name} covers {ref} and filters {filters} instead of {wanted}"
