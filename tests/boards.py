"""Boards for the tests: written into workbooks, worked out anew, and drawn."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lxml import etree
from openpyxl import load_workbook

from klarify_xl import graph
from klarify_xl.headless.workbook import write_workbook
from klarify_xl.model import Procedure
from klarify_xl.plan import Board, Formula, Link, Sheet
from klarify_xl.sheets.inventory import Adjustments, Inventory

from .workbooks import plan_of, program

COLUMN = re.compile(r"\{(\w+)\[([^]]*)\]\}")

RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>"""
"""LibreOffice's settings in which it always works out all formulas of a file that it opens."""


def inventory_of(procedures: Sequence[Procedure]) -> Inventory:
    """Return the inventory of procedures in the order given."""
    rows = {one.id: row for row, one in enumerate(procedures)}
    return Inventory(procedures, graph.relationships(procedures), Adjustments(), rows)


def shown_value(value: object) -> object:
    """Return what a planned cell shows now."""
    value = value.value if isinstance(value, Link) else value
    return value.value if isinstance(value, Formula) else value


def panel(board: Board, heading: str, offset: int = 1) -> dict[object, Any]:
    """Return a panel's figures, or what stands beside them, by their labels."""
    row, column = next(
        place
        for place, (value, look) in board.cells.items()
        if look == "heading" and value == heading
    )
    found = {}
    for below in range(row + 1, row + 20):
        value, look = board.cells.get((below, column), (None, ""))
        if look not in {"label", "moment"}:
            break
        if look == "label":
            beside, _look = board.cells.get((below, column + offset), (None, ""))
            found[shown_value(value)] = shown_value(beside)
    return found


def formulas(board: Board) -> dict[tuple[int, int], Formula]:
    """Return a board's formulas by their places."""
    return {
        place: value for place, (value, _look) in board.cells.items() if isinstance(value, Formula)
    }


def with_board(file: Path, board: Board, sheets: Sequence[Sheet] = ()) -> Path:
    """Return a workbook like a written one, with a board as its first sheet."""
    plan = plan_of(file)
    tables = tuple(sheets) or plan.tables
    copy = file.with_name(f"{file.stem} with board.xlsx")
    with copy.open("w+b") as written:
        write_workbook(replace(plan, sheets=(board, *tables)), written, data_mark="")
    return copy


def converted(file: Path, kind: str) -> Path:
    """Return a workbook as LibreOffice converts it after working out all formulas."""
    profile = file.parent / "profile"
    settings = profile / "user" / "registrymodifications.xcu"
    if not settings.exists():
        settings.parent.mkdir(parents=True)
        settings.write_text(RECALCULATE, encoding="utf-8")
    folder = file.parent / "recalculated"
    command = [program("soffice"), f"-env:UserInstallation={profile.as_uri()}", "--headless"]
    command += ["--convert-to", kind, "--outdir", str(folder), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=110)
    return folder / f"{file.stem}.{kind}"


def recalculated(file: Path, name: str) -> dict[tuple[int, int], Any]:
    """Return a sheet's values as LibreOffice works them out, by (row, column) from 0."""
    sheet: Any = load_workbook(converted(file, "xlsx"), data_only=True)[name]
    return {
        (cell.row - 1, cell.column - 1): cell.value
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


def root_of(part: bytes) -> etree._Element:
    """Return a part's outermost element."""
    return etree.fromstring(part, etree.XMLParser(resolve_entities=False))
