"""What a person does in an open workbook, and finds again after Refresh."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from klarify_xl.demo import DemoServer

from .fake_excel.session import FakeExcel
from .live import (
    assert_shows_the_same,
    column,
    column_number,
    edit,
    headless,
    open_in_excel,
    press,
    refreshed,
    row_of,
)

ASCENDING, DESCENDING = 1, 2


def noted(excel: FakeExcel) -> Any:
    """Refresh a workbook, write a note beside each procedure, and return the sheet."""
    refreshed(excel)
    sheet = excel.worksheet("Procedures")
    sheet.Activate()
    press("add_notes_column")
    notes = column_number(excel, "Procedures", "Notes")
    table = sheet.ListObjects("Procedures")
    for row in range(2, table.ListRows.Count + 2):
        sheet.Cells(row, notes).Value2 = f"note on {sheet.Cells(row, 1).Value2}"
    return sheet


def assert_notes_stand_right(excel: FakeExcel, *new: str) -> None:
    found = column(excel, "Procedures", "Notes")
    assert {thing for thing, note in found.items() if note is None} == set(new)
    assert all(note == f"note on {thing}" for thing, note in found.items() if note is not None)


def sort_by(excel: FakeExcel, title: str, order: int) -> None:
    table = excel.worksheet("Procedures").ListObjects("Procedures")
    table.Sort.SortFields.Clear()
    table.Sort.SortFields.Add(Key=table.ListColumns(title).DataBodyRange, SortOn=0, Order=order)
    table.Sort.Header = 1
    table.Sort.Apply()


def test_a_sorted_table_is_sorted_again(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        sheet = noted(excel)
        sort_by(excel, "Owner", DESCENDING)
        edit(known)
        refreshed(excel)
        table = sheet.ListObjects("Procedures")
        assert table.Sort.SortFields.Count == 1
        owners = [one for one in column(excel, "Procedures", "Owner").values() if one]
        # Excel passes over apostrophes and hyphens.
        sortable = [one.casefold().replace("'", "").replace("-", "") for one in owners]
        assert sortable == sorted(sortable, reverse=True)
        added = {str(row["id"]) for row in known.organisation.rows[-2:]}
        assert_notes_stand_right(excel, *added)
        links = excel.sheet("Lanes").links
        for (row, at), link in links.items():
            shown = excel.sheet("Lanes").cells[row, at].value
            target = int(link.sub_address.rpartition("!A")[2])
            if "Procedures" in link.sub_address and at == 2:
                assert excel.sheet("Procedures").cells[target, 1].value == shown


def test_rows_in_a_persons_order_stay_in_it(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        noted(excel)
        sort_by(excel, "Owner", ASCENDING)
        excel.worksheet("Procedures").ListObjects("Procedures").Sort.SortFields.Clear()
        before = list(column(excel, "Procedures", "Name"))
        what = edit(known)
        refreshed(excel)
        after = list(column(excel, "Procedures", "Name"))
        kept = [thing for thing in before if thing != what["gone"]]
        assert after[: len(kept)] == kept
        assert_notes_stand_right(excel, *after[len(kept) :])


def test_a_filter_is_put_on_again(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        sheet = noted(excel)
        table = sheet.ListObjects("Procedures")
        status = table.ListColumns("Status").Index
        owner = table.ListColumns("Owner").Index
        table.Range.AutoFilter(Field=status, Criteria1=("=draft", "=archived"), Operator=7)
        table.Range.AutoFilter(Field=owner, Criteria1="<>Someone Else")
        edit(known)
        refreshed(excel)
        assert table.AutoFilter.FilterMode
        shown_rows = [
            row
            for row in range(2, table.ListRows.Count + 2)
            if row not in excel.sheet("Procedures").hidden_rows
        ]
        statuses = {sheet.Cells(row, status).Value2 for row in shown_rows}
        assert statuses == {"draft", "archived"}
        assert "Someone Else" not in {sheet.Cells(row, owner).Value2 for row in shown_rows}
        assert_notes_stand_right(excel, *(str(row["id"]) for row in known.organisation.rows[-2:]))


def test_rows_hidden_by_hand_stay_hidden(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        sheet = noted(excel)
        hidden = [sheet.Cells(row, 1).Value2 for row in (5, 6, 20)]
        for row in (5, 6, 20):
            sheet.Range(f"{row}:{row}").EntireRow.Hidden = True
        edit(known)
        refreshed(excel)
        rows = {row_of(excel, "Procedures", thing) for thing in hidden}
        assert excel.sheet("Procedures").hidden_rows == rows
        assert_notes_stand_right(excel, *(str(row["id"]) for row in known.organisation.rows[-2:]))


def test_the_selected_row_and_the_scrolling_follow(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        sheet = noted(excel)
        sheet.Range("B40:C40").Select()
        window = excel.application.ActiveWindow
        window.ScrollRow = 30
        thing = sheet.Cells(40, 1).Value2
        edit(known)
        for number in range(3):
            known.organisation.add(name=f"AAA {number}")
        refreshed(excel)
        row = row_of(excel, "Procedures", thing)
        assert row != 40
        selection = window.RangeSelection
        assert (selection.Row, selection.Column, selection.Columns.Count) == (row, 2, 2)
        assert window.ScrollRow == 30 + row - 40


def test_another_sheet_stays_active(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        for one in ("Health", "Changes"):
            excel.worksheet(one).Delete()
        excel.worksheet("Overview").Activate()
        excel.worksheet("Overview").Range("D9").Select()
        edit(known)
        refreshed(excel)
        assert excel.application.ActiveSheet.Name == "Overview"
        assert excel.application.ActiveCell.Row == 9


def test_sheets_that_a_person_deleted_return(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        for name in ("Health", "Overview", "Relationships"):
            excel.worksheet(name).Delete()
        edit(known)
        refreshed(excel)
        for name, table in (("Health", "Health"), ("Relationships", "Relationships")):
            placed = excel.book.table(table)
            assert placed is not None
            assert placed.sheet.name == name
            assert excel.sheet(name).view.frozen
        assert excel.sheet("Overview").shapes
        names = [sheet.name for sheet in excel.book.sheets]
        assert set(names[-3:]) == {"Health", "Overview", "Relationships"}


def test_formulas_and_texts_beside_and_under_the_table_stay(
    template: Path, known: DemoServer
) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        sheet = excel.worksheet("Procedures")
        table = sheet.ListObjects("Procedures")
        right = table.Range.Columns.Count + 3
        sheet.Cells(3, right).Value2 = "a remark in a corner"
        below = table.Range.Rows.Count + 3
        sheet.Cells(below, 2).Formula = "=COUNTA(Procedures[Name])"
        own = excel.workbook.Worksheets.Add()
        own.Name = "Mine"
        own.Range("A1").Formula = "=SUM(Procedures!F2:F61)"
        own.Range("A2").Formula = "=ROWS(Procedures[Name])"
        edit(known)
        refreshed(excel)
        assert sheet.Cells(3, right).Value2 == "a remark in a corner"
        grown = table.Range.Rows.Count + 3 - below
        assert grown == 1
        assert sheet.Cells(below + grown, 2).Formula == "=COUNTA(Procedures[Name])"
        assert own.Range("A1").Formula == "=SUM(Procedures!F2:F62)"
        assert own.Range("A2").Formula == "=ROWS(Procedures[Name])"


def test_a_row_of_a_persons_own_stays(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        sheet = noted(excel)
        table = sheet.ListObjects("Procedures")
        row = table.ListRows.Add().Range.Row
        name = column_number(excel, "Procedures", "Name")
        sheet.Cells(row, name).Value2 = "We should write this one"
        edit(known)
        refreshed(excel)
        last = table.ListRows.Count + 1
        assert sheet.Cells(last, name).Value2 == "We should write this one"
        assert sheet.Cells(last, 1).Value2 is None


def test_a_persons_formats_stay(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        sheet = noted(excel)
        name = column_number(excel, "Procedures", "Name")
        updated = column_number(excel, "Procedures", "Updated (UTC)")
        things = [sheet.Cells(row, 1).Value2 for row in (10, 12)]
        sheet.Cells(10, name).Interior.Color = 255
        sheet.Cells(12, updated).NumberFormat = "dd.mm.yyyy"
        sheet.Columns(name).ColumnWidth = 77
        edit(known)
        refreshed(excel)
        first, second = (row_of(excel, "Procedures", thing) for thing in things)
        assert sheet.Cells(first, name).Interior.Color == 255
        assert sheet.Cells(second, updated).NumberFormat == "dd.mm.yyyy"
        assert sheet.Columns(name).ColumnWidth == 77


@pytest.mark.parametrize("number_format", ["General", "0.00", "dd.mm.yyyy"])
def test_a_persons_number_format_makes_no_formula_of_a_text(
    template: Path, known: DemoServer, number_format: str
) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        sheet = excel.worksheet("Procedures")
        name = column_number(excel, "Procedures", "Name")
        table = sheet.ListObjects("Procedures")
        table.ListColumns("Name").DataBodyRange.NumberFormat = number_format
        known.organisation.now += timedelta(hours=1)
        thing = str(known.organisation.rows[0]["id"])
        known.organisation.edit(thing, name='=HYPERLINK("https://evil.example","click")')
        refreshed(excel)
        cell = sheet.Cells(row_of(excel, "Procedures", thing), name)
        assert not cell.HasFormula
        assert cell.Value2 == '=HYPERLINK("https://evil.example","click")'


def test_columns_and_titles_that_are_missing_come_back(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        table = excel.worksheet("Procedures").ListObjects("Procedures")
        table.ListColumns("Owner").Delete()
        edit(known)
        refreshed(excel)
        owners = {str(row["id"]): row["owner"] for row in known.organisation.rows}
        found = column(excel, "Procedures", "Owner")
        assert {thing: owner or None for thing, owner in owners.items()} == found


def test_a_refreshed_workbook_can_be_refreshed_without_excel(
    template: Path, known: DemoServer, tmp_path: Path
) -> None:
    with open_in_excel(template) as excel:
        noted(excel)
        what = edit(known)
        refreshed(excel)
        file = excel.save(tmp_path / "saved.xlsx")
    edit(known)
    with open_in_excel(file) as excel:
        refreshed(excel)
        assert_notes_stand_right(
            excel, what["first"], *(str(row["id"]) for row in known.organisation.rows[-3:])
        )
        assert_shows_the_same(excel, headless(tmp_path / "headless.xlsx"), own_columns=1)
