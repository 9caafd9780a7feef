"""Our workbook after a person has worked in it with Excel, part by part as Excel saves it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lxml import etree
from openpyxl.utils import get_column_letter

from . import excel_parts as parts
from .grid import Grid, SharedStrings, area, bounds
from .package import WORKBOOK, Package, fragment, main, place, with_namespaces

LANES_RENAMED: Final = "Bahnen & Teams"
PRIORITY: Final = "Priority"
NOTE: Final = "Reviewer note"
NAME_LENGTH: Final = "Name length"
OWNER_LENGTH: Final = "Owner length"
TREND: Final = "Trend"
CHECKED: Final = "Checked on"
BESIDE: Final = "Beside"
"""Header of the column next to the table, which belongs to its rows."""
FAR: Final = {3: "Legend", 4: "red: ask the owner", 12: "as agreed in spring"}
"""Cells beyond some empty columns, which belong to no row, by the row in which they stand."""
FAR_COLUMNS: Final = 4
"""How far they stand from the table's last column."""
PLANNED: Final = "Planned: supplier audit"
"""Name of a row without an ID that the person has typed in."""
UNDER: Final = "Signed off by the quality board"
"""Text in the third row under Procedures."""

_EXCEL_SPACES: Final = {
    "x14ac": "http://schemas.microsoft.com/office/spreadsheetml/2009/9/ac",
    "xr": "http://schemas.microsoft.com/office/spreadsheetml/2014/revision",
    "xr2": "http://schemas.microsoft.com/office/spreadsheetml/2015/revision2",
    "xr3": "http://schemas.microsoft.com/office/spreadsheetml/2016/revision3",
}


class Table:
    """A table of ours, on its sheet.

    Args:
        package: The workbook.
        name: The table's displayName.
        strings: The workbook's shared strings.
    """

    def __init__(self, package: Package, name: str, strings: SharedStrings) -> None:
        sheet, self.part = package.tables()[name]
        self.sheet_part = package.sheets()[sheet]
        self.root = package.xml(self.part)
        self.name = name
        self.grid = Grid(package, self.sheet_part, strings)

    @property
    def titles(self) -> list[str]:
        return [one.get("name", "") for one in self.root.iter(main("tableColumn"))]

    @property
    def last(self) -> int:
        """The last row that is no totals row."""
        _, _, _, bottom = bounds(self.root.get("ref", ""))
        return bottom - int(self.root.get("totalsRowCount", "0"))

    def letter(self, title: str) -> str:
        return get_column_letter(self.titles.index(title) + 1)

    def column_area(self, title: str) -> str:
        return f"{self.letter(title)}2:{self.letter(title)}{self.last}"

    def row_of(self, **wanted: str) -> int:
        """Return the first row that holds certain texts; spaces in titles are underscores."""
        for number in range(2, self.last + 1):
            if all(
                self.grid.value(f"{self.letter(title.replace('_', ' '))}{number}") == text
                for title, text in wanted.items()
            ):
                return number
        raise LookupError(wanted)

    def add_column(self, title: str, *, formula: str = "", format_number: str = "") -> None:
        """Append a column, as typing beside the table does."""
        header = self.grid.cell("A1").get("s")
        columns = self.root.find(main("tableColumns"))
        assert columns is not None
        attributes = {"id": str(1 + max(int(one.get("id", "0")) for one in columns)), "name": title}
        column = etree.SubElement(columns, main("tableColumn"), attributes)
        if format_number:
            column.set("dataDxfId", format_number)
        if formula:
            etree.SubElement(column, main("calculatedColumnFormula")).text = formula
        columns.set("count", str(len(columns)))
        self.grid.put(f"{self.letter(title)}1", title, style=int(header or 0))
        self.resize(self.last)

    def resize(self, last: int) -> None:
        """Let the table end at a row, totals excluded."""
        totals = int(self.root.get("totalsRowCount", "0"))
        self.root.set("ref", area(1, 1, len(self.titles), last + totals))
        for found in self.root.iter(main("autoFilter")):
            found.set("ref", area(1, 1, len(self.titles), last))

    def rearrange(self, titles: Sequence[str]) -> None:
        """Put the columns into another order, as dragging them does."""
        old = self.titles
        columns = self.root.find(main("tableColumns"))
        assert columns is not None
        by_title = {one.get("name", ""): one for one in columns}
        self.grid.rearrange([old.index(title) + 1 for title in titles])
        columns[:] = [by_title[title] for title in titles]


class Workbook:
    """A workbook in Excel, from opening to saving.

    Args:
        file: Our workbook.
    """

    def __init__(self, file: Path) -> None:
        self.package = Package.read(file)
        self.package.relate_relatively()
        self.strings = SharedStrings(self.package)
        for part in self.package.sheets().values():
            Grid(self.package, part, self.strings).share_strings()
            root = self.package.xml(part)
            self.package.put(part, with_namespaces(root, _EXCEL_SPACES))

    def table(self, name: str) -> Table:
        return Table(self.package, name, self.strings)

    def save(self, out: Path) -> Path:
        for part in self.package.sheets().values():
            Grid(self.package, part, self.strings).finish()
        parts.add_calc_chain(self.package)
        parts.set_titles(self.package)
        return self.package.save(out)

    def add_style(self, like: int, **changes: str) -> int:
        """Return a format like another one but for a fill, a font colour or a number format."""
        root = self.package.xml("xl/styles.xml")
        formats = root.find(main("cellXfs"))
        assert formats is not None
        new = fragment(etree.tostring(formats[like]).decode())
        if "fill" in changes:
            fills = root.find(main("fills"))
            assert fills is not None
            colour = f'<fgColor rgb="FF{changes["fill"]}"/><bgColor indexed="64"/>'
            fills.append(
                fragment(f'<fill><patternFill patternType="solid">{colour}</patternFill></fill>')
            )
            fills.set("count", str(len(fills)))
            new.set("fillId", str(len(fills) - 1))
            new.set("applyFill", "1")
        if "number" in changes:
            new.set("numFmtId", changes["number"])
            new.set("applyNumberFormat", "1")
        formats.append(new)
        formats.set("count", str(len(formats)))
        return len(formats) - 1

    def define(self, name: str, formula: str, **attributes: str) -> None:
        """Define a name; Excel keeps them sorted."""
        root = self.package.xml(WORKBOOK)
        names = root.find(main("definedNames"))
        if names is None:
            names = place(root, etree.Element(main("definedNames")))
        element = etree.SubElement(names, main("definedName"), {"name": name, **attributes})
        element.text = formula
        names[:] = sorted(
            names, key=lambda one: (one.get("name", "").casefold(), one.get("localSheetId", ""))
        )

    def rename_sheet(self, old: str, new: str) -> None:
        """Rename a sheet, and what refers to it, but not the links: Excel leaves those alone."""
        root = self.package.xml(WORKBOOK)
        for sheet in root.iter(main("sheet")):
            if sheet.get("name") == old:
                sheet.set("name", new)
        for name in root.iter(main("definedName")):
            name.text = (name.text or "").replace(f"'{old}'!", f"'{new}'!")

    def move_sheet(self, name: str, position: int) -> None:
        """Move a tab; the local names follow."""
        root = self.package.xml(WORKBOOK)
        sheets = root.find(main("sheets"))
        assert sheets is not None
        before = list(sheets)
        moved = next(sheet for sheet in before if sheet.get("name") == name)
        sheets.remove(moved)
        sheets.insert(position, moved)
        after = list(sheets)
        for one in root.iter(main("definedName")):
            local = one.get("localSheetId")
            if local is not None:
                one.set("localSheetId", str(after.index(before[int(local)])))

    def add_sheet(self, name: str, data: str, **around: str) -> str:
        """Add a sheet of the person's own, and return its part.

        Args:
            name: Its name.
            data: Its rows in XML.
            around: What stands ``before`` and ``after`` them.
        """
        number = next(
            n for n in range(1, 99) if f"xl/worksheets/sheet{n}.xml" not in self.package.parts
        )
        part = f"xl/worksheets/sheet{number}.xml"
        self.package.add(
            part,
            parts.worksheet(
                f"{around.get('before', '')}<sheetData>{data}</sheetData>{around.get('after', '')}"
            ),
            parts.WORKSHEET_TYPE,
        )
        related = self.package.relate(WORKBOOK, "worksheet", part)
        sheets = self.package.xml(WORKBOOK).find(main("sheets"))
        assert sheets is not None
        taken = [int(sheet.get("sheetId", "0")) for sheet in sheets]
        sheet = etree.SubElement(
            sheets, main("sheet"), {"name": name, "sheetId": str(max(taken) + 1)}
        )
        sheet.set(f"{{{parts.R}}}id", related)
        return part


def arranged(ours: Sequence[str]) -> list[str]:
    """Return the columns of Procedures as the person puts them: own ones between and after ours."""
    titles = [title for title in ours if title != "Owner"]
    titles.insert(titles.index("ID") + 1, PRIORITY)
    titles.insert(titles.index("Status"), "Owner")
    return [*titles, NOTE, NAME_LENGTH, OWNER_LENGTH, TREND, CHECKED]


def extend(root: etree._Element, uri: str, xml: str) -> None:
    """Add an extension to a worksheet or workbook."""
    found = root.find(main("extLst"))
    if found is None:
        found = place(root, etree.Element(main("extLst")))
    found.append(fragment(f'<ext uri="{uri}">{xml}</ext>'))


def add_columns(book: Workbook) -> None:
    """Add the person's own columns to Procedures, and put all into an order of the person's own."""
    table = book.table("Procedures")
    grid = table.grid
    fill = {"Link": "FFF2CC", "Name": "FFFF00"}
    last = table.last
    order = arranged(table.titles)
    beside = get_column_letter(len(order) + 1)
    far = get_column_letter(len(order) + FAR_COLUMNS)
    plain = int(grid.cell("B2").get("s", "0"))
    date = book.add_style(plain, number="14")
    number = book.add_style(plain, number="0")
    table.add_column(NOTE)
    table.add_column(NAME_LENGTH, formula="LEN(Procedures[[#This Row],[Name]])")
    # A reference to a cell in another column, as people type it; Excel then shares the formula.
    table.add_column(OWNER_LENGTH, formula="LEN(D2)")
    table.add_column(TREND)
    table.add_column(CHECKED)
    table.add_column(PRIORITY)
    table.rearrange(order)
    letter = table.letter(OWNER_LENGTH)
    for row in range(2, last + 1):
        name, owner = grid.value(f"C{row}"), grid.value(f"D{row}")
        identity = grid.value(f"A{row}")
        if row % 3 != 0:
            grid.put(f"{table.letter(NOTE)}{row}", f"note on {identity}", style=plain)
        if row % 4 == 0:
            grid.put(f"{table.letter(PRIORITY)}{row}", "high", style=plain)
        if row % 5 == 0:
            grid.put(f"{table.letter(CHECKED)}{row}", 46000 + row, style=date)
        grid.put(
            f"{table.letter(NAME_LENGTH)}{row}",
            len(name),
            formula="LEN(Procedures[[#This Row],[Name]])",
            style=number,
        )
        first = {"t": "shared", "ref": f"{letter}2:{letter}{last}", "si": "0"}
        grid.put(
            f"{table.letter(OWNER_LENGTH)}{row}",
            len(owner),
            formula="LEN(D2)" if row == 2 else "",
            shared=first if row == 2 else {"t": "shared", "si": "0"},
            style=number,
        )
        grid.put(f"{beside}{row}", f"beside {identity}")
    # A formula of a single row, which refers to its own row and to a fixed cell.
    grid.put(f"{table.letter(NOTE)}6", f"{grid.value('C6')}!", formula='C6&"!"')
    grid.put(f"{beside}1", BESIDE)
    for row, text in FAR.items():
        grid.put(f"{far}{row}", text)
    for row, title in ((4, "Link"), (7, "Name")):
        address = f"{table.letter(title)}{row}"
        style = int(grid.cell(address).get("s", "0"))
        grid.cell(address).set("s", str(book.add_style(style, fill=fill[title])))


def add_own_row(book: Workbook) -> None:
    """Type a row without an ID into Procedures, and a text under it."""
    table = book.table("Procedures")
    row = table.last + 1
    style = int(table.grid.cell("C2").get("s", "0"))
    table.grid.put(f"C{row}", PLANNED, style=style)
    table.grid.put(f"{table.letter(NOTE)}{row}", "starts in May", style=style)
    table.resize(row)
    table.grid.put(
        f"{table.letter(NAME_LENGTH)}{row}",
        len(PLANNED),
        formula="LEN(Procedures[[#This Row],[Name]])",
    )
    table.grid.put(f"{table.letter(OWNER_LENGTH)}{row}", 0, formula=f"LEN(D{row})")
    table.grid.put(f"C{row + 3}", UNDER, style=style)
    total = "SUM(Procedures[Relationships])"
    table.grid.put(f"D{row + 3}", 0, formula=total)


def arrange_view(book: Workbook) -> None:
    """Hide columns and rows, set widths and heights, and zoom, on Procedures."""
    table = book.table("Procedures")
    grid, order = table.grid, table.titles
    columns = [grid.column_attributes(number) for number in range(1, len(order) + 1)]
    hidden = order.index("Called within")
    columns[hidden] = {**columns[hidden], "hidden": "1"}
    note = order.index(NOTE)
    columns[note] = {"width": "61.7109375", "customWidth": "1"}
    columns[order.index("Name")] = {"width": "27.28515625", "customWidth": "1"}
    grid.set_columns(columns)
    grid.row(5).set("ht", "72.5")
    grid.row(5).set("customHeight", "1")
    grid.row(9).set("hidden", "1")
    for view in grid.root.iter(main("sheetView")):
        view.set("zoomScale", "85")
        view.set("zoomScaleNormal", "85")
        pane = view.find(main("pane"))
        if pane is not None:
            pane.set("xSplit", "3")
            pane.set("topLeftCell", "D2")


def add_rules(book: Workbook) -> None:
    """Add validations, conditional formats and sparklines to Procedures, Excel's extensions too."""
    table = book.table("Procedures")
    root = table.grid.root
    note, counts = (table.letter(title) for title in (NOTE, "Relationships"))
    last = table.last
    dxf = parts.add_dxf(book.package)
    for sqref, formula, rank in (
        (table.column_area(NOTE), f'LEFT({note}2,4)="note"', "91"),
        (f"{note}8", f"LEN({note}8)&gt;3", "92"),
    ):
        kind = f'type="expression" dxfId="{dxf}" priority="{rank}"'
        rule = f"<cfRule {kind}><formula>{formula}</formula></cfRule>"
        place(
            root, fragment(f'<conditionalFormatting sqref="{sqref}">{rule}</conditionalFormatting>')
        )
    place(root, fragment(parts.data_bar(f"{counts}2:{counts}{last}")))
    single = f"{table.letter(CHECKED)}10"
    place(
        root,
        fragment(
            '<dataValidations count="2">'
            '<dataValidation type="list" allowBlank="1" showInputMessage="1" '
            'showErrorMessage="1" '
            f'sqref="{table.column_area(PRIORITY)}"><formula1>"high,medium,low"</formula1></dataValidation>'
            '<dataValidation type="whole" allowBlank="1" showErrorMessage="1" '
            f'errorTitle="Only this row" '
            f'sqref="{single}"><formula1>1</formula1><formula2>60000</formula2></dataValidation>'
            "</dataValidations>"
        ),
    )
    extend(root, parts.X14_FORMATS, parts.data_bar_extension(f"{counts}2:{counts}{last}"))
    extend(root, parts.X14_VALIDATIONS, parts.validation_extension(table.column_area(CHECKED)))
    lines = [(f"Procedures!{counts}{row}", f"{table.letter(TREND)}{row}") for row in (3, 4, 11, 12)]
    extend(root, parts.X14_SPARKLINES, parts.sparklines(lines))


def add_comments(book: Workbook) -> None:
    """Discuss a procedure in a thread, and put an old-style note on another."""
    table = book.table("Procedures")
    sheet = table.sheet_part
    cells = {f"C{6}": "thread", f"{table.letter(NOTE)}8": "note"}
    parts.add_comments(book.package, sheet, cells)


def work_in_other_tables(book: Workbook) -> None:
    """Filter Lanes, total and sort Relationships, calculate in Lane totals, decide in Health."""
    lanes = book.table("Lanes")
    lanes.add_column("Lane note")
    for row in range(2, lanes.last + 1):
        if row % 2:
            identity = f"{lanes.grid.value(f'B{row}')} in {lanes.grid.value(f'A{row}')}"
            lanes.grid.put(f"{lanes.letter('Lane note')}{row}", identity)
        if lanes.grid.value(f"D{row}") != "draft":
            lanes.grid.row(row).set("hidden", "1")
    chosen = '<filterColumn colId="3"><filters><filter val="draft"/></filters></filterColumn>'
    for one in lanes.root.iter(main("autoFilter")):
        one.append(fragment(chosen))
    related = book.table("Relationships")
    related.add_column("Agreed")
    for row in range(2, related.last + 1, 2):
        source, kind, target = (related.grid.value(f"{letter}{row}") for letter in "ACD")
        related.grid.put(f"H{row}", f"{source} {kind} {target}")
    last = related.last
    targets = {row: related.grid.value(f"D{row}").casefold() for row in range(2, last + 1)}
    related.grid.sort_rows(2, last, targets.__getitem__, descending=True)
    condition = f'<sortCondition descending="1" ref="D2:D{last}"/>'
    sort_state = fragment(f'<sortState ref="A2:H{last}">{condition}</sortState>')
    position = next(i for i, one in enumerate(related.root) if one.tag == main("autoFilter"))
    related.root.insert(position + 1, sort_state)
    related.root.set("totalsRowCount", "1")
    related.resize(last)
    columns = list(related.root.iter(main("tableColumn")))
    columns[0].set("totalsRowLabel", "Total")
    columns[3].set("totalsRowFunction", "count")
    related.grid.put(f"A{last + 1}", "Total")
    related.grid.put(f"D{last + 1}", last - 1, formula="SUBTOTAL(103,Relationships[Target])")
    related.grid.put(f"B{last + 3}", "counted on Monday")
    totals = book.table("LaneTotals")
    share = "LaneTotals[[#This Row],[Procedures]]/SUM(LaneTotals[Procedures])"
    totals.add_column("Share", formula=share)
    for row in range(2, totals.last + 1):
        totals.grid.put(f"H{row}", 0.1, formula=share)
    health = book.table("Health")
    health.add_column("Decision")
    for row in range(2, health.last + 1):
        finding, identity, detail = (health.grid.value(f"{letter}{row}") for letter in "BCF")
        health.grid.put(f"H{row}", f"{finding} | {identity} | {detail}")
    # Sorted by hand: nothing in the file says so.
    procedures = {row: health.grid.value(f"C{row}") for row in range(2, health.last + 1)}
    health.grid.sort_rows(2, health.last, procedures.__getitem__)


def work_elsewhere(book: Workbook) -> None:
    """Add the person's own sheets: a board with charts, a pivot, a query, and a locked one."""
    package = book.package
    ranges = {name: book.package.tables()[name][0] for name in ("Procedures", "LaneTotals")}
    own = book.add_sheet(
        "My board",
        '<row r="1"><c r="A1" t="str"><f>"Board of "&amp;Locked!A1</f><v>Board of me</v></c></row>'
        '<row r="2"><c r="A2"><f>SUM(Procedures!K2:K31)</f><v>41</v></c>'
        '<c r="B2"><v>1</v></c></row><row r="3"><c r="B3"><v>2</v></c></row>'
        '<row r="10"><c r="A10" t="str" cm="1">'
        '<f t="array" ref="A10:A11">_xlfn._xlws.SORT(Procedures[Name])</f><v>A</v></c></row>'
        '<row r="11"><c r="A11" t="str"><v>B</v></c></row>',
    )
    parts.add_metadata(package)
    last = book.table("LaneTotals").last
    sheet = ranges["LaneTotals"]
    parts.add_charts(
        package,
        own,
        [
            (f"'{sheet}'!$A$2:$A${last}", f"'{sheet}'!$B$2:$B${last}"),
            ("'My board'!$B$2:$B$3", "'My board'!$B$2:$B$3"),
        ],
    )
    parts.add_comments(package, own, {"B2": "note"})
    book.add_sheet(
        "Locked",
        '<row r="1"><c r="A1" t="str"><f>"me"</f><v>me</v></c></row>',
        after='<sheetProtection algorithmName="SHA-512" hashValue="bmFtZQ==" saltValue="c2FsdA==" '
        'spinCount="100000" sheet="1" objects="1" scenarios="1"/>',
    )
    procedures = book.table("Procedures")
    pivot = book.add_sheet("Pivot", parts.PIVOT_ROWS)
    parts.add_pivot(package, pivot, procedures.titles, procedures.last - 1)
    query = book.add_sheet(
        "Query",
        parts.query_rows(book.strings.number),
        after=parts.MARGINS,
    )
    parts.add_query(package, query)
    book.define("AllNames", f"Procedures!$C$2:$C${procedures.last}")
    book.define("TopThree", "Procedures!$A$2:$A$4")
    book.define("Rate", "0.19")
    book.define("Board", "'My board'!$A$1")


def add_drawings(book: Workbook) -> None:
    """Put a text box and a slicer onto Procedures, and printer settings under it."""
    table = book.table("Procedures")
    columns = {one.get("name"): one.get("id", "") for one in table.root.iter(main("tableColumn"))}
    parts.add_drawing_with_slicer(
        book.package, table.sheet_part, table.root.get("id", ""), columns["Status"]
    )
    parts.add_printer_settings(book.package, table.sheet_part)


def as_excel_saves(workbook: Path, out: Path) -> Path:
    """Make of our workbook what a person has made of it in Excel, all at once."""
    book = Workbook(workbook)
    add_columns(book)
    add_own_row(book)
    arrange_view(book)
    add_rules(book)
    add_comments(book)
    work_in_other_tables(book)
    add_drawings(book)
    work_elsewhere(book)
    book.rename_sheet("Lanes", LANES_RENAMED)
    book.move_sheet("About", 0)
    book.move_sheet("Lane totals", 5)
    parts.add_ribbon(book.package)
    parts.add_property(book.package, "Department", "Quality")
    return book.save(out)


def with_macros(workbook: Path, out: Path) -> Path:
    """Make of our workbook one with macros, as Excel's "save as" does."""
    book = Workbook(workbook)
    add_columns(book)
    parts.add_macros(book.package)
    return book.save(out)


def lightly_edited(workbook: Path, out: Path) -> Path:
    """Only save our workbook in Excel, without changing anything."""
    return Workbook(workbook).save(out)
