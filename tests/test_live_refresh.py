"""The ribbon's Refresh in an open workbook, by xlwings' Windows code over a fake of Excel."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from klarify_xl.demo import DemoServer

from .conftest import Know
from .fake_excel.com import Call
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
from .workbooks import hostile_organisation


@pytest.mark.usefixtures("known")
def test_a_new_workbook_shows_what_a_file_shows(template: Path, tmp_path: Path) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        assert len(excel.values("Procedures")) == 61
        assert_shows_the_same(excel, headless(tmp_path / "headless.xlsx"))


def test_a_refreshed_workbook_shows_what_a_file_shows(
    template: Path, known: DemoServer, tmp_path: Path
) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        for _ in range(3):
            edit(known)
            refreshed(excel)
            assert_shows_the_same(excel, headless(tmp_path / "headless.xlsx"))


def test_a_headless_workbook_refreshed_in_excel_shows_what_a_file_shows(
    template: Path, tmp_path: Path, known: DemoServer
) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
    with open_in_excel(headless(tmp_path / "made.xlsm")) as excel:
        edit(known)
        refreshed(excel)
        assert_shows_the_same(excel, headless(tmp_path / "headless.xlsx"))


def is_block(call: Call) -> bool:
    """Tell whether a call enters the values of all rows of the main table."""
    return call.member == "Value2" and "Procedures" in call.path and "61" in call.path


def is_made_text(address: str, call: Call) -> bool:
    """Tell whether a call gives cells the format of texts."""
    is_there = address in call.path.replace("$", "")
    return is_there and call.member == "NumberFormat" and call.arguments == ("@",)


@pytest.mark.usefixtures("known")
def test_the_format_of_texts_comes_before_texts(template: Path) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        table = excel.book.table("Procedures")
        assert table is not None
        written = excel.first(is_block)
        for title in ("Name", "Owner", "Status"):
            letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[column_number(excel, "Procedures", title) - 1]
            formatted = excel.first(partial(is_made_text, f"{letter}2:{letter}61"))
            assert formatted < written, title


def test_no_text_from_the_api_becomes_a_formula(template: Path, know: Know, tmp_path: Path) -> None:
    with DemoServer(hostile_organisation()) as server, open_in_excel(template) as excel:
        know(server)
        refreshed(excel)
        for sheet in excel.book.sheets:
            for table in sheet.tables:
                for _place, cell in sheet.existing(table.rect):
                    assert not cell.formula
            for link in sheet.links.values():
                assert link.address == "" or link.address.startswith("https://")
        assert_shows_the_same(excel, headless(tmp_path / "headless.xlsx"))


def test_notes_columns_and_formats_follow_their_rows(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        sheet = excel.worksheet("Procedures")
        sheet.Activate()
        press("add_notes_column")
        table = sheet.ListObjects("Procedures")
        table.ListColumns.Add().Name = "Length"
        notes = column_number(excel, "Procedures", "Notes")
        for row in range(2, 62):
            sheet.Cells(row, notes).Value2 = f"note on {sheet.Cells(row, 1).Value2}"
        sheet.Cells(2, notes + 1).Formula = "=LEN([@Name])"
        coloured = sheet.Cells(7, 1).Value2
        sheet.Cells(7, notes).Interior.Color = 65535
        sheet.Cells(9, 2).AddComment("Ask Ann")
        commented = sheet.Cells(9, 1).Value2
        what = edit(known)
        refreshed(excel)
        for thing, note in column(excel, "Procedures", "Notes").items():
            assert note in {f"note on {thing}", None}
        assert column(excel, "Procedures", "Notes")[what["first"]] is None
        assert set(column(excel, "Procedures", "Length").values()) == {"=LEN([@Name])"}
        row = row_of(excel, "Procedures", coloured)
        assert sheet.Cells(row, notes).Interior.Color == 65535
        row = row_of(excel, "Procedures", commented)
        assert excel.sheet("Procedures").comments == {(row, 2): "Ask Ann"}


def test_notes_of_what_vanishes_are_archived_and_return(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        excel.worksheet("Procedures").Activate()
        press("add_notes_column")
        notes = column_number(excel, "Procedures", "Notes")
        what = edit(known)
        sheet = excel.worksheet("Procedures")
        row = row_of(excel, "Procedures", what["gone"])
        gone = what["gone"]
        sheet.Cells(row, notes).Value2 = "Call the auditor"
        refreshed(excel)
        assert gone not in column(excel, "Procedures", "Notes")
        archive = excel.values("Archived notes")
        assert [line[1:] for line in archive[1:]] == [
            ("Procedures", gone, "Notes", "Call the auditor")
        ]
        known.organisation.now += timedelta(hours=1)
        known.organisation.add(id=gone, name="Back again")
        refreshed(excel)
        assert column(excel, "Procedures", "Notes")[gone] == "Call the auditor"
        assert excel.values("Archived notes")[1:] in ([], [(None,) * 5])


def test_comments_and_links_of_what_vanishes_are_archived(
    template: Path, known: DemoServer
) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        excel.worksheet("Procedures").Activate()
        press("add_notes_column")
        notes = column_number(excel, "Procedures", "Notes")
        sheet, gone = excel.worksheet("Procedures"), edit(known)["gone"]
        row = row_of(excel, "Procedures", gone)
        sheet.Cells(row, 2).AddComment("Ask Bob")
        cell = sheet.Cells(row, notes)
        cell.Value2 = "See there"
        sheet.Hyperlinks.Add(cell, "https://example.com/", "part")
        refreshed(excel)
        archive = [line[2:] for line in excel.values("Archived notes")[1:]]
        assert sorted(archive) == [
            (gone, "Name (comment)", "Ask Bob"),
            (gone, "Notes", "See there"),
            (gone, "Notes (link)", "https://example.com/#part"),
        ]


def test_a_formula_that_returns_does_not_fill_its_column(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        excel.worksheet("Procedures").Activate()
        press("add_notes_column")
        notes = column_number(excel, "Procedures", "Notes")
        gone = edit(known)["gone"]
        corrections = excel.application.AutoCorrect
        corrections.AutoFillFormulasInLists = False
        row = row_of(excel, "Procedures", gone)
        excel.worksheet("Procedures").Cells(row, notes).Formula = "=1+1"
        corrections.AutoFillFormulasInLists = True
        refreshed(excel)
        known.organisation.now += timedelta(hours=1)
        known.organisation.add(id=gone, name="Back again")
        refreshed(excel)
        sheet, last = excel.worksheet("Procedures"), len(excel.values("Procedures"))
        formulas = [str(sheet.Cells(number, notes).Formula) for number in range(2, last + 1)]
        assert [one for one in formulas if one] == ["=1+1"]
        assert corrections.AutoFillFormulasInLists


def test_what_a_person_has_just_copied_is_not_inserted(template: Path, known: DemoServer) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        edit(known)
        excel.application.CutCopyMode = True
        refreshed(excel)
        assert not excel.application.CutCopyMode


@pytest.mark.usefixtures("known")
def test_days_are_counted_as_the_workbook_counts_them(template: Path) -> None:
    with open_in_excel(template) as excel:
        refreshed(excel)
        usual = column(excel, "Procedures", "Updated (UTC)")
        excel.book.kept["Date1904"] = True
        refreshed(excel)
        later = column(excel, "Procedures", "Updated (UTC)")
        assert later == {thing: pytest.approx(day - 1462) for thing, day in usual.items()}
