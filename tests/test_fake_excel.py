"""The stand-in for Excel behaves as Excel is documented to behave."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from .fake_excel.areas import Rect, parsed
from .fake_excel.errors import ERROR_1004, RPC_E_CALL_REJECTED, VBA_E_IGNORE, ComError
from .fake_excel.formulas import copied, from_r1c1, to_r1c1
from .fake_excel.hyperlinks import LINKS_PER_SHEET
from .fake_excel.model import Link
from .fake_excel.session import FakeExcel, excel_with, opened

ROOT = Path(__file__).parent.parent
DOWN, UP, RIGHT, LEFT = -4121, -4162, -4161, -4159


@pytest.fixture
def blank(tmp_path: Path) -> FakeExcel:
    """A workbook of two empty sheets."""
    file = tmp_path / "blank.xlsx"
    workbook: Any = Workbook()
    workbook.active.title = "One"
    workbook.create_sheet("Other sheet")
    workbook.save(file)
    return opened(file)


@pytest.fixture
def sheet(blank: FakeExcel) -> Any:
    """The first sheet of a workbook, as a COM object."""
    return blank.worksheet("One")


@pytest.fixture
def table(sheet: Any) -> Any:
    """A table of three rows at B2, with a note below it and one beside it."""
    sheet.Range("B2:D5").Value = (
        ("Name", "Figure", "Twice"),
        ("pear", 3, None),
        ("apple", 1, None),
        ("fig", 2, None),
    )
    sheet.Range("B8").Value = "below"
    sheet.Range("H4").Value = "beside"
    made = sheet.ListObjects.Add(1, sheet.Range("B2:D5"), None, 1)
    made.Name = "Fruit"
    return made


def refused(error: pytest.ExceptionInfo[ComError]) -> int | None:
    """Return the number of Excel's error."""
    return error.value.excepinfo[5] if error.value.excepinfo else None


@pytest.fixture
def template() -> Iterator[FakeExcel]:
    """The template, opened with xlwings above it."""
    with excel_with(ROOT / "workbook_template.xlsm") as found:
        yield found


def test_the_caller_is_the_open_workbook_found_by_xlwings_itself(template: FakeExcel) -> None:
    book = template.xlwings.Book.caller()
    assert book.name == "workbook_template.xlsm"
    assert type(book.api).__name__ == "COMRetryObjectWrapper"
    assert book.sheets["Procedures"].range("A1:B1").value == ["ID", "Name"]
    template.answers.append(7)
    assert book.app.alert("Sure?", "Klarify", buttons="yes_no") == "no"
    assert template.messages == [("Sure?", "Klarify", 4)]


def test_xlwings_writes_through_its_own_windows_code(template: FakeExcel) -> None:
    book = template.xlwings.Book.caller()
    added = book.sheets.add("Mine", after=book.sheets[-1])
    added.range("A1").value = [["Name", "When"], ["x", datetime(2026, 3, 1, 12, 30)]]  # noqa: DTZ001 -- as cells have it
    made = added.tables.add(added.range("A1:B2"), name="Things")
    assert made.data_body_range.value == ["x", datetime(2026, 3, 1, 12, 30)]  # noqa: DTZ001 -- as cells have it
    assert template.sheet("Mine").cells[2, 2].format.number_format == "m/d/yyyy h:mm"
    assert [one.name for one in book.sheets][-1] == "Mine"


@pytest.mark.parametrize("name", ["template", "sample"])
def test_every_cell_of_a_file_is_there(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = ROOT / "workbook_template.xlsm"
    if name == "sample":
        file = tmp_path / "sample.xlsx"
        request.getfixturevalue("write_sample")(file)
    excel, expected = opened(file), load_workbook(file)
    assert [one.Name for one in excel.workbook.Worksheets] == expected.sheetnames
    for source in expected.worksheets:
        found = excel.worksheet(source.title)
        for row in source.iter_rows():
            for cell in row:
                got = found.Cells(cell.row, cell.column)
                if cell.data_type == "f":
                    assert got.Formula == cell.value
                elif isinstance(cell.value, datetime):
                    moment = got.Value.replace(tzinfo=None)
                    assert abs((moment - cell.value).total_seconds()) < 0.01
                else:
                    assert got.Value == cell.value, cell.coordinate
                assert got.Style.Name == cell.style
                assert got.NumberFormat == cell.number_format
        assert [one.Name for one in found.ListObjects] == list(source.tables)
        assert found.Hyperlinks.Count >= len(source._hyperlinks)  # type: ignore[attr-defined]  # of openpyxl
    properties = expected.custom_doc_props.props  # type: ignore[attr-defined]  # of openpyxl
    assert {one.Name: one.Value for one in excel.workbook.CustomDocumentProperties} == {
        one.name: one.value for one in properties
    }


@pytest.fixture
def write_sample() -> Any:
    """Write a workbook of a sample organisation."""
    from klarify_xl.demo import Organisation  # noqa: PLC0415 -- for one test

    from .workbooks import NOW, write  # noqa: PLC0415 -- for one test

    def written(file: Path) -> None:
        write(Organisation(procedures=40, seed=7, now=NOW), file)

    return written


def test_what_openpyxl_leaves_out_of_a_drawing_is_there(tmp_path: Path, write_sample: Any) -> None:
    write_sample(tmp_path / "sample.xlsx")
    excel = opened(tmp_path / "sample.xlsx")
    shapes = excel.worksheet("Map").Shapes
    boxes = [one for one in shapes if not one.Connector]
    arrows = [one for one in shapes if one.Connector and one.ConnectorFormat.BeginConnected]
    assert boxes
    assert boxes[0].TextFrame2.TextRange.Text
    assert boxes[0].Hyperlink.SubAddress.startswith("'Procedures'!A")
    assert arrows
    assert arrows[0].ConnectorFormat.BeginConnectedShape.Name in {one.Name for one in boxes}
    chart = excel.worksheet("Overview").ChartObjects(1).Chart
    assert chart.SeriesCollection(1).XValues[0] == "Published"
    assert chart.SeriesCollection(1).Values == tuple(
        row[0] for row in excel.worksheet("Overview").Range("C9:C12").Value2
    )


@pytest.mark.parametrize(
    ("text", "value", "number_format"),
    [
        ("12", 12.0, "General"),
        ("1e5", 100_000.0, "0.00E+00"),
        ("12%", 0.12, "0%"),
        ("-1,234.5", -1234.5, "#,##0.00"),
        ("(5)", -5.0, "General"),
        ("12345678901234567890", 1.23456789012346e19, "General"),
        ("TRUE", True, "General"),
        ("#N/A", -2146826246, "General"),
        ("3 1/2", 3.5, "# ?/?"),
        ("2024-01-15", 45306.0, "m/d/yyyy"),
        ("Jan 2024", 45292.0, "mmm-yy"),
        ("1:30 PM", 0.5625, "h:mm AM/PM"),
        ("26:00:00", 26 / 24, "h:mm:ss"),
        ("2/30/2024", "2/30/2024", "General"),
        ("may be", "may be", "General"),
        ("\t=1+1", "\t=1+1", "General"),
        ("1 2", "1 2", "General"),
        ("=", "=", "General"),
        ("", None, "General"),
    ],
)
def test_text_is_entered_as_if_typed(
    sheet: Any, text: str, value: object, number_format: str
) -> None:
    sheet.Range("A1").Value = text
    assert sheet.Range("A1").Value2 == value
    assert type(sheet.Range("A1").Value2) is type(value)
    assert sheet.Range("A1").NumberFormat == number_format


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("=1+1", "=1+1"),
        ("+A1", "=+A1"),
        ("-foo", "=-foo"),
        ("@SUM(1,2)", "=SUM(1,2)"),
        ("+cmd|'/c calc'!A0", "=+cmd|'/c calc'!A0"),
        ("='Other sheet'!A1", "='Other sheet'!A1"),
        ('=IF(A1>0,,"it\'s")', '=IF(A1>0,,"it\'s")'),
        ("=SUM(A1:B2 B1:C3)%", "=SUM(A1:B2 B1:C3)%"),
        ("={1,2;3,4}", "={1,2;3,4}"),
        ("=A1:INDEX(A:A,3)", "=A1:INDEX(A:A,3)"),
    ],
)
def test_formulas_are_taken_from_text(sheet: Any, text: str, formula: str) -> None:
    sheet.Range("C3").Value = text
    assert sheet.Range("C3").Formula == formula
    assert sheet.Range("C3").HasFormula is True


@pytest.mark.parametrize(
    "text",
    [
        "=SUM(",
        "=1 2",
        "=)",
        "=A1+",
        "=Nowhere!A1",
        "=Nothing[Name]",
        "=Fruit[Nothing]",
        '="' + "x" * 256 + '"',
        "=" + "1+" * 4100 + "1",
        "=[@Name]",
    ],
)
@pytest.mark.usefixtures("table")
def test_what_excel_can_not_read_is_refused_and_nothing_is_written(sheet: Any, text: str) -> None:
    with pytest.raises(ComError) as error:
        sheet.Range("J1:J2").Value = (("before",), (text,))
    assert refused(error) == ERROR_1004
    assert sheet.Range("J1:J2").Value == ((None,), (None,))


@given(st.text(st.characters(codec="utf-8"), max_size=30))
@settings(max_examples=300)
def test_a_cell_of_texts_keeps_every_text(text: str) -> None:
    excel = PLAIN["excel"]
    cell = excel.worksheet("One").Range("A1")
    cell.Clear()
    cell.NumberFormat = "@"
    cell.Value = text
    assert cell.Value == (text or None)
    assert cell.HasFormula is False
    cell.Clear()
    # An apostrophe has the same effect in other cells, and does not show.
    cell.Value = f"'{text}"
    assert (cell.Value or "") == text
    assert cell.PrefixCharacter == "'"


PLAIN: dict[str, FakeExcel] = {}


@pytest.fixture(autouse=True)
def _plain(tmp_path: Path) -> None:
    """Keep one workbook for the property tests, which can't have fixtures of a function."""
    if not PLAIN:
        workbook: Any = Workbook()
        workbook.active.title = "One"
        workbook.save(tmp_path / "plain.xlsx")
        PLAIN["excel"] = opened(tmp_path / "plain.xlsx")


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_are_the_same_typed_or_given(number: float) -> None:
    cell = PLAIN["excel"].worksheet("One").Range("A2")
    cell.Clear()
    cell.Value = number
    assert cell.Value2 == number
    cell.Clear()
    cell.Value = f"{number:.15g}"
    assert cell.Value2 == float(f"{number:.15g}")


def test_values_have_the_types_of_com(sheet: Any) -> None:
    sheet.Range("A1:F1").Value = (("x", 1, True, datetime(2026, 3, 1, 6, tzinfo=UTC), None, "$5"),)
    text, number, logical, moment, nothing, money = sheet.Range("A1:F1").Value[0]
    assert (text, number, logical, nothing) == ("x", 1.0, True, None)
    assert moment == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert money == Decimal(5)
    assert sheet.Range("A1:F1").Value2[0][3:] == (46082.25, None, 5.0)
    with pytest.raises(ComError):
        sheet.Range("A1").Value = 2**31
    sheet.Range("A1").NumberFormat = "@"
    sheet.Range("A1").Value = 7
    assert sheet.Range("A1").Value == "7"


def test_blocks_fill_a_range_as_excel_has_it(sheet: Any) -> None:
    sheet.Range("A1:C3").Value = ((1, 2), (3, 4))
    missing = -2146826246
    assert sheet.Range("A1:C3").Value == ((1, 2, missing), (3, 4, missing), (missing,) * 3)
    sheet.Range("A1:B2").Value = "all"
    assert sheet.Range("A1:B2").Value == (("all", "all"), ("all", "all"))
    sheet.Range("A1:B2").Value = ("row", "by row")
    assert sheet.Range("A1:B2").Value == (("row", "by row"), ("row", "by row"))
    with pytest.raises(ValueError, match="same length"):
        sheet.Range("A1:B2").Value = ((1, 2), (3,))


def test_long_texts_are_refused_in_arrays_and_beyond_a_cell(sheet: Any) -> None:
    sheet.Range("A1").Value = "x" * 32_767
    with pytest.raises(ComError):
        sheet.Range("A1").Value = "x" * 32_768
    sheet.Range("A1:A2").Value = (("x" * 8_203,), ("",))
    with pytest.raises(ComError):
        sheet.Range("A1:A2").Value = (("x" * 8_204,), ("",))


def test_a_formula_in_an_empty_table_column_fills_it(sheet: Any, table: Any) -> None:
    sheet.Range("D3").Value = "=C3*2"
    assert table.ListColumns("Twice").DataBodyRange.Formula == (("=C3*2",), ("=C4*2",), ("=C5*2",))
    row = table.ListRows.Add()
    assert row.Range.Formula == (("", "", "=C6*2"),)
    assert sheet.Range("B9").Value == "below"
    sheet.Range("D3").Value = "=1"
    assert sheet.Range("D4").Formula == "=C4*2"


def test_tables_take_in_what_is_written_beside_them(sheet: Any, table: Any) -> None:
    sheet.Range("B6").Value = "plum"
    assert table.Range.Address == "$B$2:$D$6"
    sheet.Range("E2").Value = "Name"
    assert [one.Name for one in table.ListColumns] == ["Name", "Figure", "Twice", "Name2"]
    assert sheet.Range("E2").Value == "Name2"
    sheet.Range("B7").Value = "no gap to what is below"
    sheet.Range("C8").Value = "a row that is not empty"
    assert table.Range.Address == "$B$2:$E$7"


def test_a_header_renames_its_column_everywhere(blank: FakeExcel, sheet: Any, table: Any) -> None:
    other = blank.worksheet("Other sheet")
    other.Range("A1").Formula = '=SUM(Fruit[Figure])&"Fruit[Figure]"'
    table.ListColumns("Figure").Name = "It's [new]"
    assert other.Range("A1").Formula == "=SUM(Fruit[It''s '[new']])&\"Fruit[Figure]\""
    assert sheet.Range("C2").Value == "It's [new]"
    sheet.Range("C2").Value = 5
    assert table.ListColumns(2).Name == "5"
    table.ListColumns(2).Name = "Name"
    assert table.HeaderRowRange.Value == (("Name", "Name2", "Twice"),)
    table.Name = "Fruits"
    assert other.Range("A1").Formula == '=SUM(Fruits[Name2])&"Fruit[Figure]"'


def test_rows_of_tables_come_and_go(blank: FakeExcel, sheet: Any, table: Any) -> None:
    other = blank.worksheet("Other sheet")
    other.Range("A1:A3").Formula = (("=One!C4",), ("=SUM(One!C3:C5)",), ("=One!H4",))
    blank.workbook.Names.Add("There", "=One!$C$5", True)
    rule = sheet.Range("C3:C5").FormatConditions.Add(1, 3, '="x"')
    held = sheet.Range("C5")
    sheet.Range("B5").AddComment("a fig")
    table.ListRows(1).Delete()
    assert table.Range.Address == "$B$2:$D$4"
    assert other.Range("A1:A3").Formula == (("=One!C3",), ("=SUM(One!C3:C4)",), ("=One!H4",))
    assert blank.workbook.Names("There").RefersTo == "=One!$C$4"
    assert rule.AppliesTo.Address == "$C$3:$C$4"
    assert held.Address == "$C$4"
    assert sheet.Range("B4").Comment.Text() == "a fig"
    assert (sheet.Range("B7").Value, sheet.Range("H4").Value) == ("below", "beside")
    table.ListRows(1).Delete()
    assert other.Range("A1").Formula == "=One!#REF!"
    table.ListRows(1).Delete()
    assert table.DataBodyRange is None
    assert table.ListRows.Count == 0
    assert table.Range.Address == "$B$2:$D$3"
    sheet.Range("B3").Value = "new"
    assert table.ListRows.Count == 1


def test_tables_are_not_torn_apart(sheet: Any, table: Any) -> None:
    for action in (
        lambda: sheet.Range("B4").Insert(DOWN),
        lambda: sheet.Range("C1").Insert(DOWN),
        lambda: sheet.Range("B4").Delete(UP),
        lambda: sheet.Range("A3").Insert(RIGHT),
        sheet.Range("B2").EntireRow.Delete,
    ):
        with pytest.raises(ComError) as error:
            action()
        assert refused(error) == ERROR_1004
    assert table.Range.Address == "$B$2:$D$5"
    sheet.Range("B4:D4").Insert(DOWN)
    assert table.Range.Address == "$B$2:$D$6"
    sheet.Rows(1).Insert()
    assert table.Range.Address == "$B$3:$D$7"
    assert sheet.Range("H5").Value == "beside"
    sheet.Columns(1).Delete()
    assert table.Range.Address == "$A$3:$C$7"


def test_a_table_is_resized_within_limits(sheet: Any, table: Any) -> None:
    table.Resize(sheet.Range("B2:E4"))
    assert [one.Name for one in table.ListColumns] == ["Name", "Figure", "Twice", "Column4"]
    assert sheet.Range("E2").Value == "Column4"
    second = sheet.ListObjects.Add(1, sheet.Range("B10:C11"), None, 1)
    for address in ("B3:D5", "B2:D2", "B20:D25", "B2:D10"):
        with pytest.raises(ComError):
            table.Resize(sheet.Range(address))
    assert [one.Name for one in second.ListColumns] == ["Column1", "Column2"]


def test_columns_are_added_within_and_at_the_end(sheet: Any, table: Any) -> None:
    table.ListColumns.Add(2).Name = "Inner"
    table.ListColumns.Add().Name = "Last"
    assert table.HeaderRowRange.Value == (("Name", "Inner", "Figure", "Twice", "Last"),)
    assert sheet.Range("I4").Value == "beside"
    table.ListColumns("Inner").Delete()
    assert table.Range.Address == "$B$2:$E$5"
    assert sheet.Range("H4").Value == "beside"


def test_sorting_moves_what_it_moves(sheet: Any, table: Any) -> None:
    sheet.Range("D3").Value = "=C3*2"
    sheet.Range("B3").AddComment("a pear")
    sheet.Range("B3").Font.Bold = True
    sheet.Hyperlinks.Add(sheet.Range("C3"), "https://example.com/pear")
    sheet.Rows(3).RowHeight = 30
    table.Sort.SortFields.Clear()
    table.Sort.SortFields.Add2(table.ListColumns("Name").DataBodyRange, 0, 1)
    table.Sort.Apply()
    assert table.DataBodyRange.Formula == (
        ("apple", "1", "=C3*2"),
        ("fig", "2", "=C4*2"),
        ("pear", "3", "=C5*2"),
    )
    assert sheet.Range("B5").Comment.Text() == "a pear"
    assert sheet.Range("B5").Font.Bold is True
    assert sheet.Range("C3").Hyperlinks.Count == 1
    assert sheet.Rows(3).RowHeight == 30


def test_sorting_adjusts_references_as_the_knowledge_base_has_it(sheet: Any) -> None:
    sheet.Range("A1:C3").Value = ((3, "=A3", "=$A$3"), (2, "=A2", "=$A$2"), (1, "=A1", "=$A$1"))
    sheet.Range("A1:C3").Sort(sheet.Range("A1"), 1)
    assert sheet.Range("A1:C3").Formula == (
        ("1", "=#REF!", "=$A$1"),
        ("2", "=A2", "=$A$2"),
        ("3", "=A5", "=$A$3"),
    )


def test_excels_order_is_numbers_texts_logicals_errors_and_blanks(sheet: Any) -> None:
    values = ("b", None, True, "#N/A", 2, "A", False, -1)
    sheet.Range("A1:A8").Value = tuple((one,) for one in values)
    sheet.Range("A1:A8").Sort(sheet.Range("A1"), 1)
    order = [-1, 2, "A", "b", False, True, -2146826246, None]
    assert [row[0] for row in sheet.Range("A1:A8").Value] == order
    sheet.Range("A1:A8").Sort(sheet.Range("A1"), 2)
    assert [row[0] for row in sheet.Range("A1:A8").Value] == [*order[6::-1], None]


def test_filtered_rows_are_hidden_and_not_sorted(sheet: Any, table: Any) -> None:
    table.Range.AutoFilter(2, ">1")
    assert [sheet.Rows(row).Hidden for row in (3, 4, 5)] == [False, True, False]
    assert table.AutoFilter.Filters(2).Criteria1 == ">1"
    assert (table.AutoFilter.FilterMode, table.AutoFilter.Filters(1).On) == (True, False)
    table.Sort.SortFields.Add(table.ListColumns(1).DataBodyRange)
    table.Sort.Apply()
    names = [row[0] for row in table.ListColumns(1).DataBodyRange.Value]
    assert names == ["fig", "apple", "pear"]
    visible = table.DataBodyRange.SpecialCells(12)
    assert [one.Address for one in visible.Areas] == ["$B$3:$D$3", "$B$5:$D$5"]
    table.AutoFilter.ShowAllData()
    assert sheet.Range("3:5").Hidden is False
    table.Range.AutoFilter(1, ("fig", "pear"), 7)
    assert [sheet.Rows(row).Hidden for row in (3, 4, 5)] == [False, True, False]


def test_hyperlinks_change_the_looks_of_their_cells(sheet: Any) -> None:
    cell = sheet.Range("A1")
    cell.NumberFormat = "@"
    sheet.Hyperlinks.Add(cell, "https://example.com", "", "a tip", "=shown")
    assert (cell.Value, cell.Style.Name, cell.NumberFormat) == ("=shown", "Hyperlink", "@")
    sheet.Hyperlinks.Add(cell, "", "'One'!A5")
    link = cell.Hyperlinks(1)
    assert (sheet.Hyperlinks.Count, link.Address, link.SubAddress) == (1, "", "'One'!A5")
    sheet.Rows(1).Insert()
    assert (link.Range.Address, link.SubAddress) == ("$A$2", "'One'!A5")
    sheet.Range("A2").Hyperlinks.Delete()
    assert (cell.Address, cell.Style.Name, cell.NumberFormat) == ("$A$2", "Normal", "General")
    assert (sheet.Hyperlinks.Count, cell.Value) == (0, "=shown")


def test_a_sheet_holds_so_many_hyperlinks(blank: FakeExcel, sheet: Any) -> None:
    model = blank.sheet("One")
    for row in range(1, LINKS_PER_SHEET + 1):
        model.links[row, 1] = Link(Rect(row, 1, row, 1), "https://example.com")
    with pytest.raises(ComError):
        sheet.Hyperlinks.Add(sheet.Range("B1"), "https://example.com")
    sheet.Hyperlinks.Add(sheet.Range("A1"), "https://example.com/other")


def test_styles_change_the_cells_that_have_them(blank: FakeExcel, sheet: Any) -> None:
    style = blank.workbook.Styles.Add("Ours")
    style.Font.Bold = True
    style.NumberFormat = "@"
    style.Borders(-4107).LineStyle = 1
    sheet.Range("A1:A2").Style = "Ours"
    sheet.Range("A2").Font.Italic = True
    sheet.Range("A2").Font.Size = 9
    style.Interior.Color = 0x0000FF
    style.Font.Size = 20
    cells = sheet.Range("A1:A3")
    assert (cells.Style, cells.Font.Bold, cells.NumberFormat) == (None, None, None)
    assert sheet.Range("A1:A2").Interior.Color == 0x0000FF
    assert sheet.Range("A2").Font.Italic is True
    assert [sheet.Range(one).Font.Size for one in ("A1", "A2")] == [20, 9]
    assert sheet.Range("A1").Borders(9).LineStyle == 1
    with pytest.raises(ComError):
        sheet.Range("A1").Style = "Not there"
    sheet.Columns(3).NumberFormat = "@"
    sheet.Range("C500").Value = "=1+1"
    assert (sheet.Range("C500").Value, sheet.Range("C1").NumberFormat) == ("=1+1", "@")


def test_lines_are_drawn_round_a_range_and_within_it(sheet: Any) -> None:
    cells = sheet.Range("B2:C3")
    cells.Borders(8).LineStyle = 1
    cells.Borders(11).Weight = 4
    assert [sheet.Range(one).Borders(8).LineStyle for one in ("B2", "C2", "B3")] == [1, 1, -4142]
    assert [sheet.Range(one).Borders(10).Weight for one in ("B2", "B3")] == [4, 4]
    assert (sheet.Range("C2").Borders(10).LineStyle, cells.Borders(8).LineStyle) == (-4142, 1)
    assert cells.Borders.LineStyle is None
    cells.Borders.LineStyle = 1
    assert (cells.Borders.LineStyle, sheet.Range("C2").Borders(10).LineStyle) == (1, 1)


def test_protection_refuses_changes(blank: FakeExcel, sheet: Any) -> None:
    sheet.Protect()
    for action in (
        lambda: setattr(sheet.Range("A1"), "Value", 1),
        sheet.Rows(1).Insert,
        lambda: sheet.Hyperlinks.Add(sheet.Range("A1"), "https://example.com"),
        lambda: sheet.Shapes.AddShape(1, 0, 0, 5, 5),
    ):
        with pytest.raises(ComError) as error:
            action()
        assert refused(error) == ERROR_1004
    blank.workbook.Protect(None, True)
    for action in (blank.workbook.Worksheets.Add, lambda: setattr(sheet, "Name", "Two")):
        with pytest.raises(ComError) as error:
            action()
    assert blank.workbook.ProtectStructure is True
    blank.book.read_only = True
    with pytest.raises(ComError):
        blank.workbook.Save()


def test_sheets_have_names_that_excel_takes(blank: FakeExcel, sheet: Any) -> None:
    other = blank.worksheet("Other sheet")
    sheet.Range("A1").Formula = "='Other sheet'!A1"
    for name in ("", "x" * 32, "a/b", "'a", "ONE", "History"):
        with pytest.raises(ComError):
            other.Name = name
    other.Name = "Renamed"
    assert sheet.Range("A1").Formula == "=Renamed!A1"
    added = blank.workbook.Worksheets.Add(Before=sheet)
    assert (added.Index, added.Name, blank.application.ActiveSheet.Name) == (1, "Sheet1", "Sheet1")
    other.Delete()
    assert sheet.Range("A1").Formula == "=#REF!"
    assert [one.Name for one in blank.workbook.Sheets] == ["Sheet1", "One"]


def test_names_and_properties_are_kept_by_excels_rules(blank: FakeExcel, sheet: Any) -> None:
    names = blank.workbook.Names
    names.Add("Klarify_Map", sheet.Range("B2"), False)
    assert names("klarify_map").RefersToRange.Address == "$B$2"
    sheet.Columns(1).Insert()
    assert names("Klarify_Map").RefersTo == "=One!$C$2"
    with pytest.raises(ComError):
        names.Add("A1", "=One!A1")
    with pytest.raises(ComError):
        names("Not there")
    properties = blank.workbook.CustomDocumentProperties
    properties.Add("klarify", False, 4, "x" * 255)
    with pytest.raises(ComError):
        properties("klarify").Value = "x" * 256
    with pytest.raises(ComError):
        properties.Add("klarify", False, 4, "again")
    with pytest.raises(ComError):
        properties("other")
    assert properties("klarify").Value == "x" * 255


def test_panes_are_frozen_at_the_active_cell(blank: FakeExcel, sheet: Any) -> None:
    window = blank.application.ActiveWindow
    sheet.Range("C2").Select()
    window.FreezePanes = True
    assert (window.SplitRow, window.SplitColumn) == (1, 2)
    with pytest.raises(ComError):
        blank.worksheet("Other sheet").Range("A1").Select()
    blank.application.Goto(blank.worksheet("Other sheet").Range("D9"), True)
    assert (window.ScrollRow, window.ScrollColumn, window.FreezePanes) == (9, 4, False)
    assert blank.application.Selection.Address == "$D$9"


def test_members_are_those_of_late_binding(sheet: Any) -> None:
    # As with pywin32, what has only optional arguments is read at once, then called.
    assert sheet.Range("B2").Offset(1, 1).Address == "$B$2"
    assert sheet.Range("B2").GetOffset(1, 1).Address == "$C$3"
    assert sheet.range("B2").getresize(2, 3).ADDRESS == "$B$2:$D$3"
    with pytest.raises(AttributeError):
        _ = sheet.NoSuchMember
    with pytest.raises(AttributeError):
        sheet.Index = 3
    with pytest.raises(AttributeError):
        sheet.NoSuchMember = 3
    with pytest.raises(ComError):
        sheet.Range("A1").Insert(1, 2, 3, 4)
    with pytest.raises(ComError):
        sheet.Range("not an address!")


def test_calls_are_recorded_in_order(blank: FakeExcel, sheet: Any) -> None:
    sheet.Range("A1:B2").NumberFormat = "@"
    sheet.Range("A1").Value = "x"
    blank.application.ScreenUpdating = True
    sheet.Range("A1").ClearContents()
    assert [(one.path, one.member, one.arguments) for one in blank.calls] == [
        ("Worksheets('One').Range('A1:B2')", "NumberFormat", ("@",)),
        ("Worksheets('One').Range('A1')", "Value", ("x",)),
        ("Application", "ScreenUpdating", (True,)),
        ("Worksheets('One').Range('A1')", "ClearContents", ()),
    ]
    assert blank.first("NumberFormat") < blank.first("Value")
    with pytest.raises(AssertionError):
        blank.first("Sort")


def test_a_busy_excel_rejects_calls(template: FakeExcel) -> None:
    book = template.xlwings.Book.caller()
    windows = template.xlwings._xlwindows
    windows.N_COM_ATTEMPTS = 2
    api = book.api.Worksheets("Procedures")
    template.busy(1)
    assert api.Name == "Procedures"
    template.busy()
    with pytest.raises(ComError) as error:
        _ = api.Name
    assert error.value.hresult == RPC_E_CALL_REJECTED
    template.busy(as_unknown_member=True)
    with pytest.raises((ComError, windows.ExcelBusyError)):
        _ = api.Name
    template.busy(0)
    template.edit_a_cell()
    with pytest.raises(ComError) as error:
        api.Range("A1").Value = "x"
    assert refused(error) == VBA_E_IGNORE
    assert api.Range("A1").Value == "ID"


def test_any_call_can_be_made_to_fail(blank: FakeExcel, sheet: Any) -> None:
    blank.fail_at(1)
    with suppress(ComError):
        for row in range(1, 5):
            sheet.Cells(row, 1).Value = row
    assert sheet.Range("A1:A3").Value == ((1.0,), (None,), (None,))


def test_shapes_and_charts_are_made_and_read(sheet: Any) -> None:
    box = sheet.Shapes.AddShape(5, 10, 20, 100, 40)
    box.Name = "Klarify box 1"
    box.TextFrame2.TextRange.Text = "one\ntwo"
    box.Fill.ForeColor.RGB = 0x00FF00
    other = sheet.Shapes.AddShape(5, 10, 120, 100, 40)
    arrow = sheet.Shapes.AddConnector(1, 0, 0, 5, 5)
    arrow.ConnectorFormat.BeginConnect(box, 3)
    arrow.ConnectorFormat.EndConnect(other, 1)
    sheet.Hyperlinks.Add(box, "", "One!A5", "tip")
    box.Name = "Klarify box 9"
    assert arrow.ConnectorFormat.BeginConnectedShape.Name == "Klarify box 9"
    assert box.TextFrame2.TextRange.Text == "one\rtwo"
    assert sheet.Shapes("klarify BOX 9").Hyperlink.SubAddress == "One!A5"
    sheet.Rows("1:2").Insert()
    assert (box.Top, other.Top) == (50, 150)
    box.Delete()
    assert arrow.ConnectorFormat.BeginConnected == 0
    with pytest.raises(ComError):
        sheet.Shapes("Klarify box 9")
    sheet.Range("A3:B4").Value = (("a", 1), ("b", 2))
    chart = sheet.Shapes.AddChart2(-1, 57, 10, 10, 300, 200).Chart
    series = chart.SeriesCollection().NewSeries()
    series.Name = 'Say "so", please'
    series.XValues = "='One'!$A$3:$A$4"
    series.Values = sheet.Range("B3:B4")
    with pytest.raises(ComError):
        _ = chart.ChartTitle
    chart.HasTitle = True
    chart.ChartTitle.Text = "Title"
    formula = '=SERIES("Say ""so"", please",\'One\'!$A$3:$A$4,One!$B$3:$B$4,1)'
    assert series.Formula == formula
    series.Formula = formula
    assert (series.Name, series.XValues, series.Values) == ('Say "so", please', ("a", "b"), (1, 2))
    sheet.Rows(1).Insert()
    assert "$B$4:$B$5" in series.Formula
    with pytest.raises(ComError):
        series.Values = "=Nowhere!A1:A3"


def test_the_workbook_is_saved_for_other_readers(
    blank: FakeExcel, sheet: Any, table: Any, tmp_path: Path
) -> None:
    sheet.Range("B3").Value = "'=1+1"
    sheet.Range("D3").Value = "=C3*2"
    sheet.Range("B3").Interior.Color = 0x0000FF
    sheet.Hyperlinks.Add(sheet.Range("B4"), "https://example.com", "", "tip")
    table.Range.AutoFilter(2, ">1")
    blank.workbook.CustomDocumentProperties.Add("klarify", False, 4, "x")
    blank.workbook.Names.Add("There", "=One!$C$5", False)
    found = load_workbook(blank.save(tmp_path / "saved.xlsx"))
    one: Any = found["One"]
    assert (one["B3"].value, one["B3"].data_type, one["D4"].value) == ("=1+1", "s", "=C4*2")
    assert one["B3"].fill.fgColor.rgb == "FFFF0000"
    assert one["B4"].hyperlink.target == "https://example.com"
    assert one["B4"].style == "Hyperlink"
    assert one.tables["Fruit"].ref == "B2:D5"
    assert one.row_dimensions[4].hidden is True
    assert found.defined_names["There"].attr_text == "One!$C$5"
    properties = found.custom_doc_props  # type: ignore[attr-defined]  # of openpyxl
    assert properties["klarify"].value == "x"


ROWS = st.integers(1, 40)
COLUMNS = st.integers(1, 12)


@given(
    st.builds(
        lambda a, b, c, d: Rect(min(a, c), min(b, d), max(a, c), max(b, d)),
        ROWS,
        COLUMNS,
        ROWS,
        COLUMNS,
    )
)
def test_addresses_are_read_as_they_are_written(rect: Rect) -> None:
    assert parsed(rect.address()) == rect
    assert parsed(rect.address(rows=False, columns=False)) == rect
    assert rect.common(rect.moved(rect.height, 0)) is None


@given(ROWS, COLUMNS, ROWS, COLUMNS, st.sampled_from(["A1", "$B3", "C$4", "Sheet1!D5:E$6"]))
def test_references_survive_copying_there_and_back(
    row: int, column: int, rows: int, columns: int, reference: str
) -> None:
    formula = f'=SUM({reference})&"A1"'
    assert copied(copied(formula, rows, columns), -rows, -columns) == formula
    assert from_r1c1(to_r1c1(formula, row, column), row, column) == formula


@given(first=st.integers(1, 12), count=st.integers(1, 4), wide=st.booleans())
@settings(max_examples=60)
def test_inserting_and_deleting_rows_leaves_all_as_it_was(
    *, first: int, count: int, wide: bool
) -> None:
    sheet = PLAIN["excel"].worksheet("One")
    sheet.Cells.Clear()
    block = tuple((f"row {row}", f"=A{row}", f"=SUM(A$1:A{row})") for row in range(1, 11))
    sheet.Range("A1:C10").Value = block
    before = sheet.Range("A1:C10").Formula
    cells = sheet.Range("A1:C1").GetOffset(first - 1).GetResize(count)
    cells = cells.EntireRow if wide else cells
    cells.Insert(DOWN)
    place = sheet.Range("A1:C1").GetOffset(first - 1).GetResize(count)
    assert set(place.Value[0]) == {None}
    (place.EntireRow if wide else place).Delete(UP)
    assert sheet.Range("A1:C10").Formula == before


def test_large_blocks_are_written_and_read(sheet: Any) -> None:
    block = tuple(tuple(f"text {row} {column}" for column in range(25)) for row in range(1_247))
    cells = sheet.Range("A1").GetResize(1_247, 25)
    cells.Value = block
    assert cells.Value == block
