"""What people put around our tables and into their columns is never torn, and never misled."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from openpyxl import load_workbook
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula
from openpyxl.worksheet.table import Table, TableFormula

from klarify_xl.demo import Organisation
from klarify_xl.options import Options, SheetOptions

from .lint import lint
from .rich.excel_parts import add_metadata
from .rich.package import XM, Package, fragment, main, place
from .validator import objections
from .workbooks import NOW, write

NARROW = Options(
    shown=("Procedures", "About"),
    sheets={"Procedures": SheetOptions(columns=("ID", "Name", "Owner"))},
)
"""A table from A1 to C13, so that there is much room around it."""

GROWN = tuple(f"New {number}" for number in range(10))
"""Names of procedures that make the table need the room down to row 23."""


class Book:
    """A workbook that a person works in, of an organisation that lives on.

    Args:
        folder: Where it is.
        validator: Judges it after each refresh.
    """

    def __init__(self, folder: Path, validator: Path) -> None:
        self.file = folder / "procedures.xlsx"
        self._validator = validator
        self.organisation = Organisation(procedures=12, seed=7, now=NOW)
        write(self.organisation, self.file, options=NARROW)

    def edit(self, change: Callable[[Any, Any], None]) -> None:
        """Let a person change the workbook, given it and the sheet of the table."""
        workbook: Any = load_workbook(self.file)
        change(workbook, workbook["Procedures"])
        workbook.save(self.file)

    def put(self, *elements: str) -> None:
        """Put elements into the sheet of the table."""
        package = Package.read(self.file)
        for element in elements:
            place(package.xml(package.sheets()["Procedures"]), fragment(element))
        package.save(self.file)

    def refresh(self, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
        """Refresh it with procedures that came and went; no new fault may come of it."""
        before = {*lint(self.file), *objections(self._validator, self.file)}
        self.organisation.now += timedelta(minutes=1)
        for name in add:
            self.organisation.add(name=name)
        for id_ in remove:
            self.organisation.remove(id_)
        write(self.organisation, self.file, options=NARROW, accept_removals=True)
        assert {*lint(self.file), *objections(self._validator, self.file)} <= before

    @property
    def sheet(self) -> Any:
        return load_workbook(self.file)["Procedures"]

    @property
    def xml(self) -> etree._Element:
        package = Package.read(self.file)
        return package.xml(package.sheets()["Procedures"])

    def ids(self) -> list[str]:
        return [cell.value for cell in self.sheet["A"][1:] if cell.value]

    def formulas(self) -> dict[str, str]:
        """Return all formulas of the sheet by address."""
        return {
            cell.coordinate: getattr(cell.value, "text", cell.value)
            for row in self.sheet.iter_rows()
            for cell in row
            if cell.data_type == "f"
        }


@pytest.fixture
def book(tmp_path: Path, validator: Path) -> Book:
    return Book(tmp_path, validator)


def own_table(sheet: Any, left: str, right: str, top: int) -> None:
    """Give the sheet another table, of four rows."""
    ref = f"{left}{top}:{right}{top + 3}"
    for row in sheet[ref]:
        for cell in row:
            cell.value = f"mine {cell.coordinate}"
    sheet.add_table(Table(displayName="Mine", ref=ref))


def cells_of(sheet: Any, ref: str) -> list[list[object]]:
    return [[cell.value for cell in row] for row in sheet[ref]]


# Other tables, and what else is one piece


@pytest.mark.parametrize("right", ["B", "F"])
def test_a_table_under_ours_moves_down_in_one_piece(book: Book, right: str) -> None:
    book.edit(lambda _book, sheet: own_table(sheet, "A", right, 16))
    before = cells_of(book.sheet, f"A16:{right}19")
    book.refresh(GROWN)
    ref = book.sheet.tables["Mine"].ref
    assert ref == f"A26:{right}29"
    assert cells_of(book.sheet, ref) == before
    book.refresh(remove=tuple(book.ids()[:3]))
    assert cells_of(book.sheet, book.sheet.tables["Mine"].ref) == before


def test_a_table_that_touches_ours_at_the_right_stays_one(book: Book) -> None:
    book.edit(lambda _book, sheet: own_table(sheet, "D", "E", 1))
    before = cells_of(book.sheet, "D1:E4")
    book.refresh(("AAA", "BBB"))
    assert book.sheet.tables["Mine"].ref == "D1:E4"
    assert cells_of(book.sheet, "D1:E4") == before


def test_merged_cells_and_arrays_beside_the_table_stay_in_one_piece(book: Book) -> None:
    def change(_book: Any, sheet: Any) -> None:
        sheet["D1"], sheet["D4"] = "Merged", "one"
        sheet.merge_cells("D4:D6")

    book.edit(change)
    book.refresh(("AAA", book.sheet["B5"].value + " too"))
    assert [str(one) for one in book.sheet.merged_cells.ranges] == ["D4:D6"]
    assert book.sheet["D4"].value == "one"


def test_what_an_array_fills_stays_all_it_fills(book: Book) -> None:
    def change(_book: Any, sheet: Any) -> None:
        sheet["D1"] = "Loud"
        sheet["D2"] = ArrayFormula("D2:D13", "=UPPER(B2:B13)")
        sheet["A18"] = ArrayFormula("A18:B20", "=ROW(1:3)")
        sheet["C18"] = DataTableFormula("C18:C20", r1="B16", dt2D=False, dtr=False)
        for row in range(3, 14):
            sheet.cell(row, 4).value = "filled"
        for row in range(19, 21):
            sheet.cell(row, 1).value = row

    book.edit(change)
    book.refresh(("AAA", *GROWN))
    found = {
        cell.get("r"): (one.get("ref"), one.text, one.get("r1"))
        for cell in book.xml.iter(main("c"))
        for one in cell.findall(main("f"))
        if one.get("t")
    }
    assert found == {
        "D2": ("D2:D13", "UPPER(B2:B24)", None),
        "A29": ("A29:B31", "ROW(1:3)", None),
        "C29": ("C29:C31", None, "B27"),
    }


# Formulas


def test_a_formula_keeps_what_it_takes_from_elsewhere_when_its_row_moves(book: Book) -> None:
    def change(workbook: Any, sheet: Any) -> None:
        workbook.create_sheet("Rates")["B1"] = 3
        sheet["D1"], sheet["H1"] = "Cost", 5
        sheet["D6"] = "=Rates!B1*H1+LEN(B6)+SUM(C5:C6)+COUNTA(A2:A13)"

    book.edit(change)
    ids = book.ids()
    book.refresh(("AAA",))
    assert book.formulas() == {"D7": "=Rates!B1*H1+LEN(B7)+SUM(C6:C7)+COUNTA(A2:A14)"}
    book.refresh(remove=tuple(ids[:3]))
    assert book.formulas() == {"D4": "=Rates!B1*H1+LEN(B4)+SUM(C3:C4)+COUNTA(A2:A11)"}


def test_an_archived_formula_keeps_what_it_takes_from_elsewhere(book: Book) -> None:
    def change(workbook: Any, sheet: Any) -> None:
        workbook.create_sheet("Rates")["B1"] = 3
        sheet["D1"] = "Cost"
        sheet["D9"] = "=Rates!B1*H1+LEN(B9)"

    book.edit(change)
    id_ = book.ids()[7]
    [row] = [one for one in book.organisation.rows if one["id"] == id_]
    book.refresh(remove=(id_,))
    assert not book.formulas()
    archive: Any = load_workbook(book.file)["Archived notes"]
    assert archive["E2"].value == "=Rates!B1*H1+LEN(B2)"
    assert archive["E2"].data_type == "s"
    book.organisation.add(**row)
    book.refresh()
    assert book.formulas() == {"D9": "=Rates!B1*H1+LEN(B9)"}


def test_sums_up_to_each_row_stay_such_sums(book: Book) -> None:
    def change(_book: Any, sheet: Any) -> None:
        sheet["D1"] = "So far"
        for row in range(2, 14):
            sheet.cell(row, 4).value = f"=COUNTA(A$2:A{row})"

    book.edit(change)
    book.refresh(("AAA", "zzz"))
    assert book.formulas() == {f"D{row}": f"=COUNTA(A$2:A{row})" for row in range(2, 16)}


def test_formulas_under_and_beside_the_table_follow_what_they_are_about(book: Book) -> None:
    def change(workbook: Any, sheet: Any) -> None:
        sheet["A16"], sheet["A17"], sheet["B18"] = 5, 6, "=SUM(A16:A17)+$A$16"
        sheet["H1"], sheet["H2"] = "=COUNTA(A2:A13)", "=B18+'[1]Procedures'!B18+[1]Procedures!B18"
        workbook.defined_names["Sum"] = DefinedName("Sum", attr_text="Procedures!$B$18")
        workbook.defined_names["Past"] = DefinedName("Past", attr_text="[1]Procedures!$A$2:$A$13")

    book.edit(change)
    book.refresh(GROWN)
    assert book.formulas() == {
        "B28": "=SUM(A26:A27)+$A$26",
        "H1": "=COUNTA(A2:A23)",
        "H2": "=B28+'[1]Procedures'!B18+[1]Procedures!B18",
    }
    names = load_workbook(book.file).defined_names
    assert names["Sum"].attr_text == "Procedures!$B$28"
    assert names["Past"].attr_text == "[1]Procedures!$A$2:$A$13"


def test_formulas_on_other_sheets_find_the_cells_that_moved_down(book: Book) -> None:
    def change(workbook: Any, sheet: Any) -> None:
        sheet["A16"] = 5
        workbook.create_sheet("Mine")["A1"] = "=Procedures!A16+SUM(Procedures!$A$2:$A$13)+A16"
        workbook["About"]["F3"] = "=Procedures!A16+A16"
        workbook["About"]["G3"] = "=SUM(Procedures!A2:A13)"

    book.edit(change)
    book.refresh(GROWN)
    found = load_workbook(book.file)
    # Plain ranges grow on our sheets only.
    assert found["Mine"]["A1"].value == "=Procedures!A26+SUM(Procedures!$A$2:$A$13)+A16"
    assert found["About"]["F3"].value == "=Procedures!A26+A16"
    assert found["About"]["G3"].value == "=SUM(Procedures!A2:A23)"


def test_shared_formulas_over_whole_rows_and_columns_become_what_each_cell_shows(
    book: Book,
) -> None:
    def change(_book: Any, sheet: Any) -> None:
        for address in ("D1", "D2", "D3", "A15", "B15"):
            sheet[address] = "?"

    book.edit(change)
    package = Package.read(book.file)
    cells = {one.get("r"): one for one in package.xml(package.sheets()["Procedures"]).iter()}
    for address, formula in {
        "D2": '<f t="shared" si="0" ref="D2:D3">COUNTA(2:2)</f>',
        "D3": '<f t="shared" si="0"/>',
        "A15": '<f t="shared" si="1" ref="A15:B15">COUNTA(A:A)</f>',
        "B15": '<f t="shared" si="1"/>',
    }.items():
        del cells[address].attrib["t"]
        cells[address][:] = [fragment(formula)]
    package.save(book.file)
    book.refresh(("AAA",))
    assert book.formulas() == {
        "D3": "=COUNTA(3:3)",
        "D4": "=COUNTA(4:4)",
        "A16": "=COUNTA(A:A)",
        "B16": "=COUNTA(B:B)",
    }


def test_a_formula_shared_from_a_cell_of_ours_is_kept(book: Book) -> None:
    def change(_book: Any, sheet: Any) -> None:
        sheet["D1"], sheet["C4"], sheet["D4"] = "Mine", "?", "?"

    book.edit(change)
    package = Package.read(book.file)
    cells = {one.get("r"): one for one in package.xml(package.sheets()["Procedures"]).iter()}
    for address, formula in {
        "C4": '<f t="shared" si="0" ref="C4:D4">LEN(A4)</f>',
        "D4": '<f t="shared" si="0"/>',
    }.items():
        del cells[address].attrib["t"]
        cells[address][:] = [fragment(formula)]
    package.save(book.file)
    book.refresh(("AAA",))
    assert book.formulas() == {"D5": "=LEN(B5)"}


def test_a_dynamic_array_is_filled_down_as_one(book: Book) -> None:
    def change(_book: Any, sheet: Any) -> None:
        sheet["D1"] = "Loud"
        for row in range(2, 14):
            sheet.cell(row, 4).value = ArrayFormula(f"D{row}", f"=SUM(LEN(A{row}:B{row}))")

    book.edit(change)
    package = Package.read(book.file)
    add_metadata(package)
    for cell in package.xml(package.sheets()["Procedures"]).iter(main("c")):
        if cell.find(main("f")) is not None:
            cell.set("cm", "1")
    package.save(book.file)
    book.refresh(("AAA",))
    cells = [one for one in book.xml.iter(main("c")) if one.find(main("f")) is not None]
    assert [(one.get("r"), one.get("cm")) for one in cells] == [
        (f"D{row}", "1") for row in range(2, 15)
    ]
    assert {one.get("ref") for cell in cells for one in cell.findall(main("f"))} == {
        f"D{row}" for row in range(2, 15)
    }


def test_totals_of_a_person_s_own_cover_all_rows(book: Book) -> None:
    def change(_book: Any, sheet: Any) -> None:
        table = sheet.tables["Procedures"]
        table.ref, table.totalsRowCount = "A1:C14", 1
        table.tableColumns[2].totalsRowFunction = "custom"
        table.tableColumns[2].totalsRowFormula = TableFormula(attr_text="COUNTA(C2:C13)")
        sheet["C14"] = "=COUNTA(C2:C13)"
        pick = DataValidation("list", '"a,b"')
        pick.add("A14")
        sheet.add_data_validation(pick)

    book.edit(change)
    book.refresh(("AAA", "BBB"))
    table = book.sheet.tables["Procedures"]
    assert book.formulas() == {"C16": "=COUNTA(C2:C15)"}
    assert table.tableColumns[2].totalsRowFormula.attr_text == "COUNTA(C2:C15)"
    assert [str(one.sqref) for one in book.sheet.data_validations.dataValidation] == ["A16"]


# Rules, links and sparklines


def test_a_list_to_pick_from_stays_the_same_list_when_its_row_moves(book: Book) -> None:
    def change(workbook: Any, sheet: Any) -> None:
        workbook.create_sheet("Lists")["A1"] = "a"
        sheet["D1"] = "Pick"
        pick = DataValidation("list", "Lists!A1:A5")
        pick.add("D6")
        sheet.add_data_validation(pick)

    book.edit(change)
    ids = book.ids()
    for removed, added, place_now in (((), ("AAA",), "D7"), (tuple(ids[:3]), (), "D4")):
        book.refresh(added, removed)
        [rule] = book.sheet.data_validations.dataValidation
        assert (str(rule.sqref), rule.formula1) == (place_now, "Lists!A1:A5")


def test_a_link_over_several_cells_is_one_for_each_when_they_part(book: Book) -> None:
    book.edit(lambda _book, sheet: sheet.__setitem__("D1", "Ticket"))
    book.put('<hyperlinks><hyperlink ref="D4:D6" location="About!A1"/></hyperlinks>')
    book.refresh((book.sheet["B5"].value + " too",))
    found = [(one.get("ref"), one.get("location")) for one in book.xml.iter(main("hyperlink"))]
    assert sorted(found) == [("D4:D5", "About!A1"), ("D7", "About!A1")]


def test_where_a_link_led_is_archived_with_its_row(book: Book) -> None:
    def change(_book: Any, sheet: Any) -> None:
        sheet["D1"], sheet["D5"] = "Ticket", "T-1"
        sheet["D5"].hyperlink = "https://tickets.example/1?a=1&b=2"

    book.edit(change)
    book.refresh(remove=(book.ids()[3],))
    archive = load_workbook(book.file)["Archived notes"]
    found = [tuple(cell.value for cell in row[3:]) for row in archive.iter_rows(min_row=2)]
    assert found == [("Ticket", "T-1"), ("Ticket (link)", "https://tickets.example/1?a=1&b=2")]


SPARKLINES = "".join(
    '<x14:sparklineGroup displayEmptyCellsAs="gap"><x14:colorSeries rgb="FF376092"/>'
    f"<x14:sparklines><x14:sparkline><xm:f>{formula}</xm:f><xm:sqref>D{row}</xm:sqref>"
    "</x14:sparkline></x14:sparklines></x14:sparklineGroup>"
    for row, formula in ((5, "Data!A5:D5"), (7, "Data!A7:D7"), (8, "Procedures!A8:C8"))
)


def test_sparklines_go_with_their_row_and_show_the_same_figures(book: Book) -> None:
    def change(workbook: Any, sheet: Any) -> None:
        workbook.create_sheet("Data")
        sheet["D1"] = "Trend"

    book.edit(change)
    gone = book.ids()[3]
    book.put(
        '<extLst><ext uri="{05C60535-1F16-4fd2-B633-F4F36F0B64E0}"><x14:sparklineGroups>'
        f"{SPARKLINES}</x14:sparklineGroups></ext></extLst>"
    )
    book.refresh(remove=(gone,))
    found = [[one.text for one in book.xml.iter(f"{{{XM}}}{tag}")] for tag in ("sqref", "f")]
    assert found == [["D6", "D7"], ["Data!A7:D7", "Procedures!A7:C7"]]


def test_comments_and_their_boxes_follow_whoever_wrote_the_file(book: Book) -> None:
    def change(_book: Any, sheet: Any) -> None:
        sheet["D1"], sheet["D5"], sheet["A16"] = "Note", "x", "under"
        for address in ("B3", "D5", "A16"):
            sheet[address].comment = Comment(f"on {address}", "me")

    book.edit(change)
    # openpyxl declares prefixes of its own for each shape.
    assert b"<v:shape" not in b"".join(Package.read(book.file).parts.values())
    gone = book.ids()[1]
    book.refresh(("AAA", *GROWN), remove=(gone,))
    found = {
        cell.coordinate: cell.comment.text
        for row in book.sheet.iter_rows()
        for cell in row
        if cell.comment
    }
    assert found == {"D5": "on D5", "A26": "on A16"}


def test_a_filter_of_cells_under_the_table_moves_with_them(book: Book) -> None:
    def change(_book: Any, sheet: Any) -> None:
        for row in range(16, 20):
            sheet.cell(row, 1).value = row
        sheet.auto_filter.ref = "A16:B19"

    book.edit(change)
    book.refresh(GROWN)
    assert book.sheet.auto_filter.ref == "A26:B29"
    assert book.sheet["A26"].value == 16
