"""The plan keeps within Excel's limits, on made-up sheets."""

from pathlib import Path

import pytest

from klarify_xl import plan
from klarify_xl.demo import Organisation
from klarify_xl.limits import EXCEL_LINKS_PER_SHEET, EXCEL_ROWS
from klarify_xl.plan import Cell, Column, Link, Place, Sheet, limit_links, limit_rows
from klarify_xl.sheets import inventory
from klarify_xl.sheets.inventory import Adjustments

from .workbooks import NOW, about, links, opened, plan_of, write

LINK = Link("shown", "https://example.com/", "a hint")


def sheet_of(rows: tuple[tuple[Cell, ...], ...], *ranks: int) -> Sheet:
    columns = tuple(Column(f"Column {index}", link_rank=rank) for index, rank in enumerate(ranks))
    return Sheet("Sheet", columns, rows, "Table", ("Column 0",))


def links_by_column(sheet: Sheet) -> list[int]:
    return [
        sum(isinstance(row[index], Link) for row in sheet.rows)
        for index in range(len(sheet.columns))
    ]


def test_the_limits_are_those_of_excel() -> None:
    assert (EXCEL_LINKS_PER_SHEET, EXCEL_ROWS) == (65_530, 1_048_576)


def test_as_many_links_as_excel_allows_stay() -> None:
    sheet = sheet_of(((LINK, LINK),) * (EXCEL_LINKS_PER_SHEET // 2), 0, 0)
    assert limit_links(sheet) == (sheet, 0)


def test_one_link_too_many_becomes_its_value_in_the_last_row() -> None:
    sheet = sheet_of(((LINK,),) * (EXCEL_LINKS_PER_SHEET + 1), 0)
    limited, surplus = limit_links(sheet)
    assert surplus == 1
    assert limited.rows[-2:] == ((LINK,), ("shown",))
    assert links_by_column(limited) == [EXCEL_LINKS_PER_SHEET]


def test_the_column_with_the_highest_rank_loses_its_links_first() -> None:
    rows: tuple[tuple[Cell, ...], ...] = ((Link(3, Place("Sheet", 0)), LINK, LINK),) * 30_000
    limited, surplus = limit_links(sheet_of(rows, 2, 0, 1))
    assert surplus == 90_000 - EXCEL_LINKS_PER_SHEET
    assert links_by_column(limited) == [5_530, 30_000, 30_000]
    assert limited.rows[5_529] == rows[0]
    assert limited.rows[5_530] == (3, LINK, LINK)


def test_several_columns_lose_their_links_when_one_does_not_suffice() -> None:
    rows: tuple[tuple[Cell, ...], ...] = ((LINK, LINK, LINK),) * 70_000
    limited, surplus = limit_links(sheet_of(rows, 0, 1, 2))
    assert surplus == 210_000 - EXCEL_LINKS_PER_SHEET
    assert links_by_column(limited) == [EXCEL_LINKS_PER_SHEET, 0, 0]
    assert limited.rows[-1] == ("shown", "shown", "shown")


def test_columns_of_equal_rank_keep_their_links_from_the_left() -> None:
    limited, _surplus = limit_links(sheet_of(((LINK, LINK),) * 40_000, 1, 1))
    assert links_by_column(limited) == [40_000, 25_530]


def test_other_cells_take_no_room_from_links() -> None:
    rows: tuple[tuple[Cell, ...], ...] = (("text", None), (1, LINK)) * 65_530
    sheet = sheet_of(rows, 0, 0)
    assert limit_links(sheet) == (sheet, 0)


def test_as_many_rows_as_excel_allows_stay_beside_the_header() -> None:
    sheet = sheet_of((("a",),) * 1_048_575, 0)
    assert limit_rows(sheet) == (sheet, 0)


def test_rows_beyond_excels_limit_go_from_the_end() -> None:
    rows = (*(("a",),) * 1_048_575, ("b",), ("c",))
    limited, surplus = limit_rows(sheet_of(rows, 0))
    assert surplus == 2
    assert limited.rows == rows[:-2]


def test_a_limited_sheet_keeps_all_else() -> None:
    sheet = Sheet(
        "Sheet",
        (Column("A"),),
        ((LINK,),) * 70_000,
        "Table",
        ("A",),
        frozen_columns=1,
        description="A sentence.",
    )
    limited, _surplus = limit_links(limit_rows(sheet)[0])
    assert (limited.name, limited.columns, limited.table) == ("Sheet", sheet.columns, "Table")
    assert (limited.frozen_columns, limited.description) == (1, "A sentence.")


def test_what_had_to_go_is_added_up_over_the_sheets() -> None:
    adjustments = Adjustments()
    links = sheet_of(((LINK,),) * (EXCEL_LINKS_PER_SHEET + 5), 0)
    adjustments.limit(links)
    adjustments.limit(links)
    adjustments.limit(sheet_of((("a",),) * (EXCEL_ROWS + 1), 0))
    assert (adjustments.surplus_links, adjustments.surplus_rows) == (10, 2)


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    file = tmp_path / "procedures.xlsx"
    write(Organisation(procedures=60, seed=7, now=NOW), file)
    return file


def test_links_beyond_the_limit_are_counted_in_about(
    workbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {name: len(links(sheet)) for name, sheet in opened(workbook).items()}
    assert about(workbook)["Links beyond Excel's limit"] == 0
    monkeypatch.setattr(plan, "EXCEL_LINKS_PER_SHEET", 70)
    limited = plan_of(workbook)
    receipt = {row[0]: row[1] for row in limited.tables[-1].rows}
    assert receipt["Links beyond Excel's limit"] == sum(max(0, n - 70) for n in every.values()) > 0
    kept = {sheet.name: sum(links_by_column(sheet)) for sheet in limited.tables}
    assert kept == {name: min(count, 70) for name, count in every.items()}
    procedures = limited.tables[0]
    by_title = dict(
        zip((c.title for c in procedures.columns), links_by_column(procedures), strict=True)
    )
    assert by_title["Link"] == 60
    assert by_title["Lanes"] == 10
    assert by_title["Relationships"] == 0


def test_rows_beyond_the_limit_are_counted_in_about_and_nothing_leads_to_them(
    workbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {sheet.name: len(sheet.rows) for sheet in plan_of(workbook).tables[:-1]}
    monkeypatch.setattr(plan, "EXCEL_ROWS", 41)
    monkeypatch.setattr(inventory, "EXCEL_ROWS", 41)
    limited = plan_of(workbook)
    receipt = {row[0]: row[1] for row in limited.tables[-1].rows}
    rows = {sheet.name: len(sheet.rows) for sheet in limited.tables[:-1]}
    assert rows == {name: min(count, 40) for name, count in every.items()}
    assert receipt["Procedures written"] == 40
    assert receipt["Rows beyond Excel's limit"] == sum(max(0, n - 40) for n in every.values()) > 0
    places = [
        cell.target
        for sheet in limited.tables
        for row in sheet.rows
        for cell in row
        if isinstance(cell, Link) and isinstance(cell.target, Place)
    ]
    assert len(places) > 40
    assert all(place.row < rows[place.sheet] for place in places)
