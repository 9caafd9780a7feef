"""What people type on our boards stays, wherever it stands and whatever it looks like."""

from copy import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from klarify_xl.demo import Organisation

from .lint import lint
from .workbooks import NOW, write


def test_what_is_typed_under_a_list_of_a_board_stays_though_it_looks_like_ours(
    tmp_path: Path,
) -> None:
    file = tmp_path / "procedures.xlsx"
    organisation = Organisation(procedures=30, seed=7, now=NOW)
    write(organisation, file)
    workbook: Any = load_workbook(file)
    sheet = workbook["Overview"]
    free = next(row for row in range(30, 60) if sheet.cell(row, 2).value is None)
    ours = {cell.coordinate: cell.value for row in sheet.iter_rows() for cell in row if cell.value}
    sheet.cell(free, 2).value = "my remark"
    # As Excel does it when something is typed under cells that look the same.
    sheet.cell(free, 2)._style = copy(sheet.cell(free - 1, 2)._style)
    workbook.save(file)
    for minutes in (1, 2):
        organisation.now = NOW + timedelta(minutes=minutes)
        organisation.add(name=f"AAA {minutes}")
        write(organisation, file)
    found = load_workbook(file)
    sheet = found["Overview"]
    assert sheet.cell(free, 2).value == "my remark"
    now = {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.value}
    assert now == {*ours, f"B{free}"}
    assert "Archived notes" not in found.sheetnames
    for row in organisation.rows[2:]:
        organisation.remove(row["id"])
    organisation.now = NOW + timedelta(minutes=3)
    write(organisation, file, accept_removals=True)
    left = {cell.value for [cell] in load_workbook(file)["Overview"]["B30:B60"] if cell.value}
    assert "my remark" in left
    assert len(left) < free - 30
    assert lint(file) == []
