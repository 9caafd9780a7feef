"""A person before Excel: a workbook open, buttons pressed, cells typed."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from klarify_xl.demo import DemoServer
from klarify_xl.headless.target import Target
from klarify_xl.options import DEFAULT_OPTIONS, Options
from klarify_xl.pipeline import write_plan
from klarify_xl.settings import default_store
from klarify_xl.sheets import build_plan
from klarify_xl.store import Store

from .fake_excel.session import FakeExcel, excel_with, opened

ESCAPE = 0x1B


@contextmanager
def open_in_excel(file: Path, pressed: Callable[[], bool] = lambda: False) -> Iterator[FakeExcel]:
    """Open a workbook in Excel.

    Args:
        file: The workbook.
        pressed: Tells whether Esc was pressed since it was last asked.
    """
    with excel_with(file) as excel:
        keys: Any = sys.modules["win32api"]
        keys.GetAsyncKeyState = lambda key: int(key == ESCAPE and pressed())
        windows: Any = sys.modules["win32gui"]
        windows.GetForegroundWindow = lambda: excel.application.Hwnd
        yield excel


def press(name: str) -> None:
    """Press a button, as its VBA does: import the module and call the function."""
    getattr(import_module("klarify_xl.live"), name)()


def refreshed(excel: FakeExcel) -> None:
    """Press Refresh, and see it succeed without a word."""
    press("refresh")
    assert excel.messages == []


def headless(file: Path, options: Options = DEFAULT_OPTIONS) -> Path:
    """Write the workbook of the usual store without Excel, and return its file."""
    with Store(default_store(), read_only=True) as store:
        plan = build_plan(store, options)
    write_plan(plan, Target(file), mark="test")
    return file


def shown(sheet: Any) -> dict[tuple[int, int], tuple[object, ...]]:
    """Return what a sheet's cells hold, look like and lead to, by row and column from 1."""
    found: dict[tuple[int, int], tuple[object, ...]] = {}
    for place, cell in sheet.cells.items():
        link = sheet.links.get(place)
        target = (link.address, link.sub_address, link.tip) if link else None
        if cell.value is None and not cell.formula and target is None:
            continue
        value = cell.formula or cell.value
        # Excel itself keeps 15 digits.
        value = round(value, 8) if isinstance(value, float) else value
        found[place] = (value, cell.format.number_format, cell.format.style, target)
    return found


def assert_shows_the_same(excel: FakeExcel, file: Path, own_columns: int = 0) -> None:
    """Assert that an open workbook shows what a file shows, cell by cell on all of its sheets.

    Args:
        excel: Excel with the workbook.
        file: The other one.
        own_columns: Columns right of the table Procedures that only the open one has.
    """
    other = opened(file).book
    names = [sheet.name for sheet in other.sheets]
    assert [sheet.name for sheet in excel.book.sheets if sheet.name in names] == names
    for sheet in other.sheets:
        theirs, ours = shown(sheet), shown(excel.sheet(sheet.name))
        if sheet.name == "Procedures" and own_columns:
            right = sheet.tables[0].rect.right
            ours = {place: one for place, one in ours.items() if place[1] <= right}
        for place, expected in theirs.items():
            assert ours.get(place) == expected, (sheet.name, place)
        assert ours.keys() == theirs.keys(), sheet.name
        for theirs_table in sheet.tables:
            ours_table = excel.book.table(theirs_table.name)
            assert ours_table is not None
            assert ours_table.rect.bottom == theirs_table.rect.bottom, theirs_table.name


def column(excel: FakeExcel, table_name: str, title: str) -> dict[str, Any]:
    """Return what a column of a table shows, by the id in its first column."""
    table = excel.book.table(table_name)
    assert table is not None
    at = table.rect.left + table.columns.index(title)
    cells = table.sheet.cells
    rows = range(table.all_rows.top, table.all_rows.bottom + 1)
    found = {}
    for row in rows:
        name, cell = cells.get((row, table.rect.left)), cells.get((row, at))
        if name is not None and name.value is not None:
            found[str(name.value)] = cell.formula or cell.value if cell else None
    return found


def row_of(excel: FakeExcel, table_name: str, thing: str) -> int:
    """Return the row in which a table has an id in its first column."""
    table = excel.book.table(table_name)
    assert table is not None
    for row in range(table.all_rows.top, table.all_rows.bottom + 1):
        cell = table.sheet.cells.get((row, table.rect.left))
        if cell is not None and cell.value == thing:
            return row
    raise AssertionError(thing)


def column_number(excel: FakeExcel, table_name: str, title: str) -> int:
    """Return the number of a table's column on its sheet, from 1."""
    table = excel.book.table(table_name)
    assert table is not None
    return int(table.rect.left + table.columns.index(title))


def edit(server: DemoServer) -> dict[str, str]:
    """Let people work in Klarify: rename, edit, remove and add; return what became of whom."""
    organisation = server.organisation
    organisation.now += timedelta(hours=1)
    by_name = sorted(organisation.rows, key=lambda row: (row["name"].casefold(), row["name"]))
    ids = [str(row["id"]) for row in by_name]
    organisation.remove(ids[2])
    organisation.edit(ids[0], name="Zoning Process renamed")
    organisation.edit(ids[4], owner="Someone Else", lanes=["Legal", "New lane"])
    organisation.edit(ids[9], called_from=[], status="draft")
    added = organisation.add(name="Aardvark handling", lanes=["Legal"], called_within=["Payroll"])
    organisation.add(name="Middle management", status="draft")
    return {"gone": ids[2], "renamed": ids[0], "edited": ids[4], "first": added, "still": ids[30]}
