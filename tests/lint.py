"""Finds in a workbook what makes Excel offer a repair although the schema allows it.

Workbooks may be anybody's: what is wanted only of our own tables goes by their names.
"""

import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

from lxml import etree
from openpyxl.utils import get_column_letter, range_boundaries

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
IGNORABLE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Ignorable"

LINKS = 65_530
CELL = re.compile(r"\$?([A-Z]{1,3})\$?([1-9]\d*)")
AREA = re.compile(rf"{CELL.pattern}(?::{CELL.pattern})?")
OURS = {
    *("Procedures", "Lanes", "LaneTotals", "Relationships", "Changes", "Health", "About"),
    "ArchivedNotes",
}
"""Tables that end with their last row, and have one even where there is nothing to tell."""

KINDS = {
    "worksheet": "worksheet+xml",
    "chartsheet": "chartsheet+xml",
    "table": "table+xml",
    "styles": "styles+xml",
    "sharedStrings": "sharedStrings+xml",
    "calcChain": "calcChain+xml",
    "drawing": "drawing+xml",
    "chart": "chart+xml",
    "comments": "comments+xml",
    "vmlDrawing": "vmlDrawing",
    "threadedComment": "threadedcomments+xml",
    "person": "person+xml",
    "pivotTable": "pivotTable+xml",
    "pivotCacheDefinition": "pivotCacheDefinition+xml",
    "pivotCacheRecords": "pivotCacheRecords+xml",
    "slicer": "slicer+xml",
    "slicerCache": "slicerCache+xml",
    "sheetMetadata": "sheetMetadata+xml",
    "connections": "connections+xml",
    "queryTable": "queryTable+xml",
    "vbaProject": "vbaProject",
    "printerSettings": "printerSettings",
}
"""How the content type ends of what a relationship of a kind leads to."""

Box = tuple[int, int, int, int]


def lint(file: Path) -> list[str]:
    """Return what is wrong with a workbook, in words."""
    return list(_Package(file).faults())


def box_of(ref: str) -> Box | None:
    """Return the left, upper, right and lower end of an area of cells, if it is one."""
    if not AREA.fullmatch(ref):
        return None
    left, top, right, bottom = range_boundaries(ref)
    if left is None or top is None or right is None or bottom is None:
        return None
    return left, top, right, bottom


def overlap(one: Box, other: Box) -> bool:
    return not (one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1])


class _Package:
    def __init__(self, file: Path) -> None:
        self.file = file
        with zipfile.ZipFile(file) as archive:
            # Folders may be listed, too; they are no parts.
            self.names = [name for name in archive.namelist() if not name.endswith("/")]
            self.contents = {name: archive.read(name) for name in self.names}
        parser = etree.XMLParser(resolve_entities=False, huge_tree=True)
        self.parts = {
            name: etree.fromstring(content, parser)
            for name, content in self.contents.items()
            if name.endswith((".xml", ".rels"))
        }
        workbook = self.parts["xl/workbook.xml"]
        related = self.related("xl/workbook.xml")
        self.tabs = [
            (sheet.get("name", ""), related.get(sheet.get(f"{RELATED}id", ""), ""))
            for sheet in workbook.iter(f"{MAIN}sheet")
        ]
        self.sheets = {
            name: part for name, part in self.tabs if "worksheets/" in part and part in self.parts
        }
        self.defined = {
            name.get("name", "").casefold() for name in workbook.iter(f"{MAIN}definedName")
        }
        shared = self.parts.get("xl/sharedStrings.xml")
        self.strings = [] if shared is None else shared.findall(f"{MAIN}si")
        self.tables: dict[str, list[str]] = {"id": [], "name": [], "displayName": []}

    def related(self, part: str) -> dict[str, str]:
        """Return the targets of a part's relationships, by their ids; "" for outside ones."""
        return {related: target for related, _kind, target in self.relations(part)}

    def relations(self, part: str) -> Iterator[tuple[str, str, str]]:
        """Yield id, kind and target of a part's relationships; the target is "" if outside."""
        folder, name = posixpath.split(part)
        root = self.parts.get(f"{folder}/_rels/{name}.rels".lstrip("/"))
        for one in () if root is None else root.iter(f"{PACKAGE}Relationship"):
            target = posixpath.normpath(posixpath.join("/", folder, one.get("Target", "")))
            # A drawing's links to places in the workbook look like inner ones.
            inside = one.get("Target", "").startswith("#")
            outside = inside or one.get("TargetMode") == "External"
            kind = one.get("Type", "").rpartition("/")[2]
            yield one.get("Id", ""), kind, "" if outside else target.lstrip("/")

    def faults(self) -> Iterator[str]:
        yield from self.package_faults()
        yield from self.relation_faults()
        yield from self.workbook_faults()
        yield from self.macro_faults()
        for name, part in self.sheets.items():
            for fault in (
                *self.cell_faults(part),
                *self.formula_faults(part),
                *self.shared_formula_faults(part),
                *self.link_faults(part),
                *self.area_faults(part),
                *self.holder_faults(part),
                *self.rule_faults(part),
                *self.comment_faults(part),
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
        if len(set(overrides)) != len(overrides):
            yield "a part has two content types"
        for missing in sorted(set(overrides) - set(self.names)):
            yield f"{missing} has a content type but isn't there"
        for name in self.names:
            if not self.content_type(name) and name != "[Content_Types].xml":
                yield f"{name} has no content type"
        for name, root in self.parts.items():
            for prefix in root.get(IGNORABLE, "").split():
                if prefix not in root.nsmap:
                    yield f"{name} ignores {prefix}, which it doesn't declare"

    def content_type(self, name: str) -> str:
        types = self.parts["[Content_Types].xml"]
        for one in types.iter(f"{TYPES}Override"):
            if one.get("PartName", "").lstrip("/") == name:
                return one.get("ContentType", "")
        extension = name.rpartition(".")[2].casefold()
        for one in types.iter(f"{TYPES}Default"):
            if one.get("Extension", "").casefold() == extension:
                return one.get("ContentType", "")
        return ""

    def relation_faults(self) -> Iterator[str]:
        for name in ("", *self.names):
            found = list(self.relations(name))
            if len({related for related, _, _ in found}) != len(found):
                yield f"two relationships of {name} share an id"
            for _, kind, target in found:
                if target and target not in self.names:
                    yield f"{name} is related to {target}, which isn't there"
                elif target and not self.content_type(target).endswith(KINDS.get(kind, "")):
                    yield f"{name} is related to {target} as a {kind}, which it isn't"

    def workbook_faults(self) -> Iterator[str]:
        names = [name for name, _part in self.tabs]
        if len({name.casefold() for name in names}) != len(names):
            yield "two sheets share a name"
        for name, part in self.tabs:
            if not 1 <= len(name) <= 31 or re.search(r"[\[\]:*?/\\]|^'|'$", name):
                yield f"{name!r} is no name for a sheet"
            if part not in self.names:
                yield f"the sheet {name} isn't there"
        ids = [one.get("sheetId") for one in self.parts["xl/workbook.xml"].iter(f"{MAIN}sheet")]
        if len(set(ids)) != len(ids):
            yield "two sheets share an id"
        yield from self.name_faults()
        yield from self.chain_faults()

    def name_faults(self) -> Iterator[str]:
        seen = set()
        for one in self.parts["xl/workbook.xml"].iter(f"{MAIN}definedName"):
            name, local = one.get("name", ""), one.get("localSheetId")
            if (name.casefold(), local) in seen:
                yield f"two defined names are {name}"
            seen.add((name.casefold(), local))
            if local is not None and int(local) >= len(self.tabs):
                yield f"the defined name {name} belongs to sheet {local}, which isn't there"
            for sheet in re.findall(r"'((?:[^']|'')+)'!|([^\W\d]\w*)!", one.text or ""):
                title = (sheet[0] or sheet[1]).replace("''", "'")
                if title.casefold() not in {tab.casefold() for tab, _ in self.tabs}:
                    yield f"the defined name {name} is on {title}, which isn't there"

    def chain_faults(self) -> Iterator[str]:
        chain = self.parts.get("xl/calcChain.xml")
        if chain is None:
            return
        ids = {
            one.get("sheetId"): one.get("name", "")
            for one in self.parts["xl/workbook.xml"].iter(f"{MAIN}sheet")
        }
        calculated = {
            (name, cell.get("r"))
            for name, part in self.sheets.items()
            for cell in self.parts[part].iter(f"{MAIN}c")
            if cell.find(f"{MAIN}f") is not None
        }
        sheet = "0"
        for one in chain:
            sheet = one.get("i") or sheet
            if (ids.get(sheet), one.get("r")) not in calculated:
                yield f"{one.get('r')} of sheet {sheet} is calculated without a formula"

    def macro_faults(self) -> Iterator[str]:
        """Check what belongs to macros: type and name of the file, the project, and the ribbon."""
        kind = self.content_type("xl/workbook.xml")
        if ("macroEnabled" in kind) != (self.file.suffix.lower() == ".xlsm"):
            yield f"the file ends in {self.file.suffix} and is of the type {kind}"
        project = self.contents.get("xl/vbaProject.bin")
        if project is not None:
            if "macroEnabled" not in kind:
                yield "there are macros in a file without"
            # MS-CFB 2.2: a compound file has a signature, and sectors of 512 bytes.
            if not project.startswith(bytes.fromhex("D0CF11E0A1B11AE1")) or len(project) % 512:
                yield "the VBA project is damaged"
            for name in self.code_names():
                if name.encode("utf-16-le") not in project:
                    yield f"the VBA project has no module {name}"
        ids = Counter(
            one.get("id")
            for name, root in self.parts.items()
            if name.startswith("customUI/customUI14")
            for one in root.iter()
            if one.get("id")
        )
        for identity, count in ids.items():
            if count > 1:
                yield f"the ribbon has {identity} {count} times"

    def code_names(self) -> Iterator[str]:
        for part in ("xl/workbook.xml", *self.sheets.values()):
            for kind in ("workbookPr", "sheetPr"):
                for one in self.parts[part].iter(f"{MAIN}{kind}"):
                    if one.get("codeName"):
                        yield str(one.get("codeName"))

    def text(self, cell: etree._Element) -> str:
        if cell.get("t") == "s":
            number = int(cell.findtext(f"{MAIN}v", "-1"))
            cell = self.strings[number] if 0 <= number < len(self.strings) else cell
        # A reading aid's text is none of the cell's (ECMA-376 part 1, 18.4.6).
        found = cell.xpath(".//*[local-name()='t' and not(parent::*[local-name()='rPh'])]/text()")
        return "".join(str(text) for text in found) if isinstance(found, list) else ""

    def cell_faults(self, part: str) -> Iterator[str]:
        formats = self.parts["xl/styles.xml"].find(f"{MAIN}cellXfs")
        known = 0 if formats is None else len(formats)
        before = 0
        for row in self.parts[part].iter(f"{MAIN}row"):
            number = int(row.get("r", "0"))
            if number <= before:
                yield f"row {number} does not follow row {before}"
            before, column_before = number, 0
            for cell in row.findall(f"{MAIN}c"):
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
                yield from self.value_faults(cell)

    def value_faults(self, cell: etree._Element) -> Iterator[str]:
        address, kind, value = cell.get("r"), cell.get("t", "n"), cell.findtext(f"{MAIN}v")
        if kind == "s" and not 0 <= int(value or "-1") < len(self.strings):
            yield f"cell {address} has a text that isn't there"
        if kind == "n" and value:
            try:
                float(value)
            except ValueError:
                yield f"cell {address} holds {value!r} as a number"
        if cell.get("cm") and "xl/metadata.xml" not in self.parts:
            yield f"cell {address} has metadata that isn't there"

    def formula_faults(self, part: str) -> Iterator[str]:
        """Check formulas, and that cells of arrays have one array."""
        arrays: list[Box] = []
        for cell in self.parts[part].iter(f"{MAIN}c"):
            formula = cell.find(f"{MAIN}f")
            if formula is None:
                continue
            if (formula.text or "").startswith("="):
                yield f"the formula in {cell.get('r')} begins with an equals sign"
            if "#REF!" in (formula.text or ""):
                yield f"the formula in {cell.get('r')} refers to nothing"
            area = box_of(formula.get("ref", ""))
            if formula.get("t") == "array" and area:
                arrays.append(area)
        if any(overlap(one, other) for one, other in combinations(arrays, 2)):
            yield "two array formulas overlap"

    def shared_formula_faults(self, part: str) -> Iterator[str]:
        """Check that every cell that shares a formula finds the one that has it."""
        masters: dict[str, Box] = {}
        for cell in self.parts[part].iter(f"{MAIN}c"):
            formula, box = cell.find(f"{MAIN}f"), box_of(cell.get("r", ""))
            if formula is None or box is None or formula.get("t") != "shared":
                continue
            number, area = formula.get("si", ""), box_of(formula.get("ref", ""))
            if formula.text and area:
                if number in masters:
                    yield f"two formulas are shared as {number}"
                masters[number] = area
            elif number not in masters or not overlap(masters[number], box):
                yield f"{cell.get('r')} shares a formula that isn't there"

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
            if target is None and location is not None and not self.is_place(location):
                yield f"the link in {ref} leads to {location}, which isn't there"

    def is_place(self, location: str) -> bool:
        if location.casefold() in self.defined:
            return True
        sheet, _mark, address = location.rpartition("!")
        part = self.sheets.get(sheet.removeprefix("'").removesuffix("'").replace("''", "'"))
        found = AREA.fullmatch(address)
        if part is None or found is None:
            return False
        return self.parts[part].find(f".//{MAIN}row[@r='{found[2]}']") is not None

    def area_faults(self, part: str) -> Iterator[str]:
        """Check merged cells, columns, and areas given in words."""
        root = self.parts[part]
        merged = [box_of(one.get("ref", "")) for one in root.iter(f"{MAIN}mergeCell")]
        if any(overlap(one, other) for one, other in combinations([b for b in merged if b], 2)):
            yield "two merged areas overlap"
        columns = [
            (int(one.get("min", "0")), int(one.get("max", "0"))) for one in root.iter(f"{MAIN}col")
        ]
        for (_, last), (first, _) in pairwise(columns):
            if first <= last:
                yield f"column {first} is described twice"
        for name in ("conditionalFormatting", "dataValidation", "ignoredError"):
            for element in root.iter(f"{MAIN}{name}"):
                for area in element.get("sqref", "").split() or [""]:
                    if not AREA.fullmatch(area) and not re.fullmatch(r"[A-Z]+:[A-Z]+", area):
                        yield f"a {name} is for {area!r}, which is no area"

    def holder_faults(self, part: str) -> Iterator[str]:
        """Check that what holds others holds some, and as many as it says."""
        for name in ("hyperlinks", "tableParts", "mergeCells", "cols", "dataValidations"):
            for holder in self.parts[part].iter(f"{MAIN}{name}"):
                if not len(holder):
                    yield f"there are {name} without any"
                if holder.get("count") not in {None, str(len(holder))}:
                    yield f"{len(holder)} {name} are counted as {holder.get('count')}"

    def rule_faults(self, part: str) -> Iterator[str]:
        formats = self.parts["xl/styles.xml"].find(f"{MAIN}dxfs")
        known = 0 if formats is None else len(formats)
        for rule in self.parts[part].iter(f"{MAIN}cfRule"):
            if int(rule.get("dxfId", "-1")) >= known:
                yield f"a rule has the format {rule.get('dxfId')}, which isn't there"
            if int(rule.get("priority", "0")) < 1:
                yield "a rule has no priority"

    def comment_faults(self, part: str) -> Iterator[str]:
        """Check that each comment has its cell to itself, and a box in the drawing."""
        related = {kind: target for _, kind, target in self.relations(part)}
        comments = self.parts.get(related.get("comments", ""))
        if comments is None:
            return
        cells = [one.get("ref", "") for one in comments.iter(f"{MAIN}comment")]
        if len(set(cells)) != len(cells):
            yield "two comments share a cell"
        authors = len(list(comments.iter(f"{MAIN}author")))
        for one in comments.iter(f"{MAIN}comment"):
            if int(one.get("authorId", "0")) >= authors:
                yield f"the comment on {one.get('ref')} has no author"
        drawing = self.contents.get(related.get("vmlDrawing", ""), b"").decode()
        boxes = {
            f"{get_column_letter(int(column) + 1)}{int(row) + 1}"
            for row, column in re.findall(r"Row>(\d+)<[^>]+>\s*<[^>]*Column>(\d+)<", drawing)
        }
        for cell in sorted(set(cells) ^ boxes):
            yield f"{cell} has a comment without a box, or a box without a comment"
        threads = self.parts.get(related.get("threadedComment", ""))
        for one in () if threads is None else threads:
            if one.get("ref") not in cells:
                yield f"the thread on {one.get('ref')} has no comment for older versions"

    def table_part_faults(self, part: str) -> Iterator[str]:
        related = self.related(part)
        listed = [one.get(f"{RELATED}id", "") for one in self.parts[part].iter(f"{MAIN}tablePart")]
        counts = [one.get("count") for one in self.parts[part].iter(f"{MAIN}tableParts")]
        if listed and counts not in ([str(len(listed))], [None]):
            yield f"{len(listed)} tables are counted as {counts}"
        boxes = []
        for table_id in listed:
            if related.get(table_id) not in self.parts:
                yield f"the table {table_id} isn't there"
            else:
                table = self.parts[related[table_id]]
                yield from self.table_faults(part, table)
                boxes.append(box_of(table.get("ref", "")))
        for one, other in combinations([box for box in boxes if box], 2):
            if overlap(one, other):
                yield "two tables overlap"

    def table_faults(self, part: str, table: etree._Element) -> Iterator[str]:
        name, ref = table.get("displayName", ""), table.get("ref", "")
        for attribute, values in self.tables.items():
            values.append(table.get(attribute, ""))
        if CELL.fullmatch(name.upper()) or not re.fullmatch(r"[^\W\d][\w.]*|_\w*", name):
            yield f"{name!r} is no name for a table"
        if name.casefold() in self.defined:
            yield f"the table {name} and a defined name are the same"
        columns = [one.get("name", "") for one in table.iter(f"{MAIN}tableColumn")]
        if len({one.casefold() for one in columns}) != len(columns):
            yield f"two columns of {name} share a title"
        ids = {one.get("id") for one in table.iter(f"{MAIN}tableColumn")}
        if len(ids) != len(columns):
            yield f"two columns of {name} share an id"
        if [one.get("count") for one in table.iter(f"{MAIN}tableColumns")] != [str(len(columns))]:
            yield f"{len(columns)} columns of {name} are counted otherwise"
        box = box_of(ref)
        if box is None or box[2] - box[0] + 1 != len(columns):
            yield f"{name} covers {ref} and has {len(columns)} columns"
            return
        yield from self.table_row_faults(part, table, box, columns)

    def table_row_faults(
        self, part: str, table: etree._Element, box: Box, columns: list[str]
    ) -> Iterator[str]:
        left, top, right, bottom = box
        name, ref = table.get("displayName", ""), table.get("ref", "")
        rows = {int(row.get("r", "0")): row for row in self.parts[part].iter(f"{MAIN}row")}
        cells = {cell.get("r"): cell for row in rows.values() for cell in row}

        def texts(row: int) -> list[str]:
            found = (cells.get(f"{get_column_letter(c)}{row}") for c in range(left, right + 1))
            return ["" if cell is None else self.text(cell) for cell in found]

        # A line break in a title is an escape in the table (ECMA-376 part 1, 18.5.1.3).
        header = [column.replace("_x000a_", "\n") for column in columns]
        if table.get("headerRowCount") != "0" and header != texts(top):
            yield f"the columns of {name} are not those of its header"
        totals = int(table.get("totalsRowCount", "0"))
        last = bottom - totals
        filtered = f"{get_column_letter(left)}{top}:{get_column_letter(right)}{last}"
        filters = [one.get("ref") for one in table.findall(f"{MAIN}autoFilter")]
        short = name in OURS and any(texts(bottom + 1))
        long = name in OURS and last > top + 1 and bottom not in rows
        if last <= top or filters not in ([], [filtered]) or short or long:
            yield f"{name} covers {ref} and filters {filters} with {totals} totals"
        labels = [one.get("totalsRowLabel") for one in table.iter(f"{MAIN}tableColumn")]
        for label, text in zip(labels, texts(bottom), strict=True):
            if totals and label and label != text:
                yield f"the totals of {name} lack their label {label}"
        yield from self.sort_faults(table, (left, top + 1, right, last))

    def sort_faults(self, table: etree._Element, data: Box) -> Iterator[str]:
        name = table.get("displayName", "")
        for one in table.iter(f"{MAIN}filterColumn"):
            if int(one.get("colId", "0")) > data[2] - data[0]:
                yield f"{name} filters a column that isn't there"
        for one in table.iter(f"{MAIN}sortState", f"{MAIN}sortCondition"):
            box = box_of(one.get("ref", ""))
            inside = box is not None and (
                data[0] <= box[0] and data[1] <= box[1] and box[2] <= data[2] and box[3] <= data[3]
            )
            if not inside:
                yield f"{name} sorts {one.get('ref')}, which isn't all its own"
