"""Workbooks for the tests, and readers of them that know nothing of their writer."""

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

import klarify_xl
from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.options import DEFAULT_OPTIONS, Options
from klarify_xl.outcome import RefreshResult
from klarify_xl.plan import Link, Plan
from klarify_xl.sheets import build_plan
from klarify_xl.store import Store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Value = str | int | datetime | None
Rows = list[tuple[Value, ...]]

HOSTILE_TEXTS = {
    "formula": "=1+1",
    "command": "+cmd|'/c calc'!A0",
    "function": "@SUM(1)",
    "negative": "-1",
    "tab before": "\t=1+1",
    "return before": "\r=1+1",
    "fullwidth": "\N{FULLWIDTH EQUALS SIGN}1+1",
    "quote before": "'=1+1",
    "escape": "_x0041_",
    "escaped escape": "_x005F_x0041_",
    "error": "#N/A",
    "boolean": "TRUE",
    "number": "1e5",
    "long number": "12345678901234567890",
    "leading zeros": "007",
    "date": "2024-01-15",
    "much": "Z" * 40_000,
    "much beyond the basic plane": "Z" * 31_999 + "\N{ELEPHANT}" * 2_000,
    "half a character": "a\ud800b",
    "null": "a\0b",
    "terminal": "a\x1b[31mb",
    "reversed": "a\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "tags": "a\N{TAG LATIN SMALL LETTER A}b",
    "end of CDATA": "]]>",
    "tables": "<tableParts",
    "end of the sheet": "</worksheet>",
    "height": ' customHeight="1"',
    "markup": "&lt;b&gt;<b>&amp;\"'",
    "spaces around": "  two  spaces  ",
    "only spaces": "   ",
    "lines": "one\ntwo\r\nthree\rfour\N{LINE SEPARATOR}five",
    "line before": "\nfirst",
    "emoji": "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
    "separators": "one; two; three",
}
"""Texts that programs misread, by what is wrong with them."""

NO_IDS = {"half a character", "null", "only spaces", "much", "much beyond the basic plane"}
"""Hostile texts that are not tried as ids: the API's ids are texts, and not as long as that."""


def hostile_organisation() -> Organisation:
    """Return an organisation with each of the hostile texts in each of its text fields."""
    organisation = Organisation(procedures=3, seed=3, now=NOW)
    for text in HOSTILE_TEXTS.values():
        organisation.add(**_filled(text))
    for name, text in HOSTILE_TEXTS.items():
        if name not in NO_IDS:
            organisation.add(**_filled(text), id=text)
    first = organisation.rows[0]["id"]
    organisation.edit(first, **_filled("=1+1"))
    return organisation


def _filled(text: str) -> dict[str, Any]:
    lists = {name: [text, f"{text}!"] for name in ("lanes", "called_within", "called_from")}
    return dict.fromkeys(("name", "status", "owner", "performer", "url"), text) | lists


def write(organisation: Organisation, file: Path, **options: Any) -> RefreshResult:
    """Refresh a workbook from an organisation; the store stands beside it."""
    with DemoServer(organisation) as server:
        return klarify_xl.refresh(
            file,
            access_key=server.access_key,
            base_url=server.url,
            store=file.with_suffix(".db"),
            **options,
        )


def plan_of(file: Path, options: Options = DEFAULT_OPTIONS) -> Plan:
    """Return the plan that a workbook was written from."""
    with Store(file.with_suffix(".db"), read_only=True) as store:
        return build_plan(store, options)


def planned(plan: Plan) -> dict[str, Rows]:
    """Return what a plan shows, header and rows by sheet, with times as Excel keeps them."""
    return {
        sheet.name: [
            tuple(column.title for column in sheet.columns),
            *(tuple(_shown(cell) for cell in row) for row in sheet.rows),
        ]
        for sheet in plan.tables
    }


def _shown(cell: object) -> Value:
    if isinstance(cell, Link):
        cell = cell.value
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    assert cell is None or isinstance(cell, str | int)
    return cell


def opened(file: Path) -> dict[str, Any]:
    """Return a workbook's sheets that are tables by name, as openpyxl reads them."""
    return {sheet.title: sheet for sheet in load_workbook(file).worksheets if sheet.tables}


def sheet_names(file: Path) -> list[str]:
    """Return the names of all sheets of a workbook, from the left."""
    return list(load_workbook(file, read_only=True).sheetnames)


def records(file: Path, name: str) -> list[dict[str, Any]]:
    """Return a sheet's rows by the titles in its header."""
    header, *rows = opened(file)[name].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def about(file: Path) -> dict[str, Any]:
    """Return the receipt by its items."""
    return {row["Item"]: row["Value"] for row in records(file, "About")}


def links(sheet: Any) -> dict[str, str]:
    """Return where a sheet's cells lead, by address: ``#'Sheet'!A1`` within the workbook."""
    found = {}
    for row in sheet.iter_rows():
        for cell in row:
            if cell.hyperlink:
                location = cell.hyperlink.location
                found[cell.coordinate] = cell.hyperlink.target or f"#{location}"
    return found


def cell_at(sheets: dict[str, Any], link: str) -> Any:
    """Return the cell that a link within the workbook leads to."""
    sheet, address = link.removeprefix("#").replace("'", "").split("!")
    return sheets[sheet][address]


def unescaped(text: str) -> str:
    """Return a text with its escapes undone, as Excel does; openpyxl leaves them."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def program(name: str) -> str:
    """Return the path of a program, or skip the test; automated runs must have it."""
    found = shutil.which(name)
    if not found:
        unavailable(f"{name} is not installed")
    return str(found)


def unavailable(reason: str) -> None:
    """Skip the test, saying why; in automated runs fail instead, lest nobody notice."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
