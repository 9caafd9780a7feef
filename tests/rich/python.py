"""Workbooks that XlsxWriter and openpyxl have made, and ours after openpyxl's hands."""

import io
import shutil
import struct
import tempfile
import warnings
import zlib
from importlib.util import find_spec
from pathlib import Path

import xlsxwriter
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo

from .excel_parts import vba_project
from .libreoffice import libreoffice_pivot


def picture() -> io.BytesIO:
    """Return a PNG picture of two by two pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    rows = zlib.compress(b"\0\xff\0\0\0\xff\0" * 2)
    header = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + content)


def xlsxwriter_made(out: Path) -> Path:
    """Make a workbook with what XlsxWriter knows; one with macros if it ends in ``.xlsm``."""
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("Report")
        sheet.write_row(0, 0, ["Team", "Sum", "Trend"])
        for row, (team, figure) in enumerate((("Finance", 3), ("Quality", 5)), start=1):
            sheet.write_row(row, 0, [team, figure])
        sheet.write_formula("B4", "=SUM(B2:B3)", None, 8)
        sheet.write_dynamic_array_formula("E1", "=_xlfn._xlws.SORT(A2:A3)", None, "Finance")
        sheet.add_sparkline("C2", {"range": "Report!B2:B3"})
        sheet.conditional_format("B2:B3", {"type": "data_bar", "data_bar_2010": True})
        sheet.conditional_format(
            "A2:A3", {"type": "duplicate", "format": book.add_format({"bold": True})}
        )
        sheet.data_validation("B2:B3", {"validate": "integer", "criteria": ">", "value": 0})
        sheet.write_comment("A2", "a note")
        sheet.insert_textbox("G2", "Read me first")
        sheet.insert_image("G10", "dot.png", {"image_data": picture()})
        sheet.add_table(
            "J1:K3", {"name": "Targets", "columns": [{"header": "Team"}, {"header": "Target"}]}
        )
        sheet.write_rich_string("A6", "a ", book.add_format({"bold": True}), "bold", " word")
        sheet.write_url("A7", "https://example.com/", string="a link")
        sheet.protect("secret")
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "=Report!$B$2:$B$3", "categories": "=Report!$A$2:$A$3"})
        book.add_chartsheet("Diagram").set_chart(chart)
        book.define_name("Figures", "=Report!$B$2:$B$3")
        book.set_custom_property("Department", "Quality")
        if out.suffix == ".xlsm":
            book.add_vba_project(io.BytesIO(vba_project()), is_stream=True)
            sheet.insert_button("G20", {"macro": "run", "caption": "Run"})
    return out


def openpyxl_made(out: Path) -> Path:
    """Make a workbook with a chart by openpyxl."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Plan"
    for row in (["Team", "Sum"], ["Finance", 3], ["Quality", 5]):
        sheet.append(row)
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    sheet.add_chart(chart, "D2")
    book.save(out)
    return out


def excel_made(out: Path) -> Path:
    """Return a workbook with macros that Excel itself has saved; xlwings brings it."""
    spec = find_spec("xlwings")
    assert spec is not None
    assert spec.origin is not None
    shutil.copyfile(Path(spec.origin).with_name("quickstart.xlsm"), out)
    return out


def openpyxl_edited(workbook: Path, out: Path) -> Path:
    """Add a column to Procedures, and a sheet, a chart, a rule and a comment, by openpyxl."""
    book = load_workbook(workbook)
    sheet = book["Procedures"]
    last = sheet.max_row
    table = sheet.tables["Procedures"]
    number = len(table.tableColumns) + 1
    table.tableColumns.append(TableColumn(id=number, name="Python note"))
    letter = get_column_letter(number)
    table.ref = table.autoFilter.ref = f"A1:{letter}{last}"
    sheet[f"{letter}1"] = "Python note"
    for row in range(2, last + 1, 2):
        sheet[f"{letter}{row}"] = f"python {sheet[f'A{row}'].value}"
    sheet["B5"].fill = PatternFill("solid", fgColor="FFFF00")
    sheet["B6"].comment = Comment("Ask before changing", "Quality", height=80, width=200)
    rule = DataValidation(type="list", formula1='"a,b"')
    rule.add(f"{letter}2:{letter}{last}")
    sheet.add_data_validation(rule)
    sheet.row_dimensions[8].hidden = True
    own = book.create_sheet("Own")
    own.append(["Team", "Sum"])
    own.append(["Finance", 3])
    own.append(["=COUNTA(Procedures!A2:A31)", None])
    own.add_table(
        Table(
            displayName="OwnTable",
            ref="A1:B2",
            tableStyleInfo=TableStyleInfo(name="TableStyleLight2"),
        )
    )
    chart = BarChart()
    chart.add_data(
        Reference(book["Lane totals"], min_col=2, min_row=2, max_row=book["Lane totals"].max_row)
    )
    own.add_chart(chart, "D2")
    book.save(out)
    return out


def openpyxl_with_pivot(workbook: Path, out: Path) -> Path:
    """Add a pivot table in LibreOffice, and save the workbook by openpyxl."""
    with tempfile.TemporaryDirectory() as folder:
        file = libreoffice_pivot(workbook, Path(folder) / "pivot.xlsx")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(file)
            book.save(out)
    return out
