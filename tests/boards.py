"""Boards for the tests: written into workbooks, worked out anew, and drawn."""

import re
import subprocess
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from klarify_xl import graph
from klarify_xl.headless.charts import chart_part
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

FORMATS = {"share": "0 %", "moment": "yyyy-mm-dd hh:mm", "figure": "#,##0", "rotated": "@"}

DRAWING = "application/vnd.openxmlformats-officedocument.drawing+xml"
CHART = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


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


def translated(formula: str, sheets: Sequence[Sheet]) -> str:
    """Return a formula with the titles of columns for their keys."""
    titles = {
        (sheet.table, column.name): column.title for sheet in sheets for column in sheet.columns
    }
    return COLUMN.sub(lambda found: f"{found[1]}[{titles[found[1], found[2]]}]", formula)


def add_board(workbook: Workbook, board: Board, sheets: Sequence[Sheet], index: int = 0) -> None:
    """Write a board into a workbook, its formulas without their values."""
    if board.name in workbook.sheetnames:
        workbook.remove(workbook[board.name])
    sheet: Any = workbook.create_sheet(board.name, index)
    for number, width in enumerate(board.widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    for row, height in board.heights.items():
        sheet.row_dimensions[row + 1].height = height
    for (row, column), (value, look) in board.cells.items():
        cell = sheet.cell(row + 1, column + 1)
        if isinstance(value, Link):
            assert not isinstance(value.target, str)
            cell.hyperlink = f"#'{value.target.sheet}'!A{value.target.row + 2}"
            value = value.value  # noqa: PLW2901
        if isinstance(value, Formula):
            cell.value = f"={translated(value.text, sheets)}"
        elif isinstance(value, str):
            cell._value = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", value)
            cell.data_type = "s"
        elif isinstance(value, datetime):
            cell.value = value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        else:
            cell.value = value
        cell.number_format = FORMATS.get(look, "General")
        _dress(cell, look)
    sheet.freeze_panes = sheet.cell(board.frozen[0] + 1, board.frozen[1] + 1)
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.fitToHeight = 1 if board.charts else 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.orientation = "portrait" if board.charts else "landscape"
    if board.headings:
        sheet.print_title_rows = f"1:{board.headings}"


def _dress(cell: Any, look: str) -> None:
    sizes = {"title": 18, "note": 9}
    cell.font = Font(name="Calibri", size=sizes.get(look, 11), bold=look in {"title", "heading"})
    if look == "rotated":
        cell.alignment = Alignment(text_rotation=90, horizontal="center")
    elif look in {"role", "moment"}:
        cell.alignment = Alignment(horizontal="center" if look == "role" else "left")


def with_board(file: Path, board: Board, sheets: Sequence[Sheet] = ()) -> Path:
    """Return a copy of a written workbook with a board as its first sheet, charts included."""
    workbook = load_workbook(file)
    add_board(workbook, board, sheets or plan_of(file).tables)
    copy = file.with_name(f"{file.stem} with board.xlsx")
    workbook.save(copy)
    add_charts(copy, [chart_part(chart, board, board.name) for chart in board.charts], board)
    return copy


def add_charts(file: Path, charts: Sequence[bytes], board: Board) -> None:
    """Put charts on the first sheet of a workbook, at the places that the board gives them."""
    if not charts:
        return
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    types = [f'<Override PartName="/xl/drawings/drawing1.xml" ContentType="{DRAWING}"/>']
    anchors, links = [], []
    for number, content in enumerate(charts, start=1):
        parts[f"xl/charts/chart{number}.xml"] = content
        types.append(f'<Override PartName="/xl/charts/chart{number}.xml" ContentType="{CHART}"/>')
        links.append(_link(number, "chart", f"/xl/charts/chart{number}.xml"))
        chart = board.charts[number - 1]
        anchors.append(
            f"<xdr:oneCellAnchor><xdr:from><xdr:col>{chart.column}</xdr:col><xdr:colOff>0"
            f"</xdr:colOff><xdr:row>{chart.row}</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from>"
            f'<xdr:ext cx="{chart.width * 9525}" cy="{chart.height * 9525}"/>'
            f'<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="{number + 1}" '
            f'name="Chart {number}"/><xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm>'
            '<a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm><a:graphic><a:graphicData '
            'uri="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart '
            'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
            f'r:id="rId{number}"/></a:graphicData></a:graphic></xdr:graphicFrame>'
            "<xdr:clientData/></xdr:oneCellAnchor>"
        )
    parts["xl/drawings/drawing1.xml"] = (
        '<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{RELATED}">'
        f"{''.join(anchors)}</xdr:wsDr>"
    ).encode()
    parts["xl/drawings/_rels/drawing1.xml.rels"] = _links(links)
    _add_drawing(parts)
    kinds = parts["[Content_Types].xml"]
    parts["[Content_Types].xml"] = kinds.replace(b"</Types>", "".join(types).encode() + b"</Types>")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _add_drawing(parts: dict[str, bytes]) -> None:
    """Relate the first sheet to its drawing."""
    rels = "xl/worksheets/_rels/sheet1.xml.rels"
    link = _link(900, "drawing", "/xl/drawings/drawing1.xml")
    if rels in parts:
        parts[rels] = parts[rels].replace(b"</Relationships>", f"{link}</Relationships>".encode())
    else:
        parts[rels] = _links([link])
    drawing = f'<drawing xmlns:r="{RELATED}" r:id="rId900"/></worksheet>'
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"</worksheet>", drawing.encode())


def _link(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{RELATED}/{kind}" Target="{target}"/>'


def _links(links: Sequence[str]) -> bytes:
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{namespace}">{"".join(links)}</Relationships>'.encode()


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
