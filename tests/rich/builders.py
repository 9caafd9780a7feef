"""All builders of rich workbooks, by who has the last hand in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from .excel import as_excel_saves, lightly_edited, with_macros
from .javascript import exceljs_edited, exceljs_made, sheetjs_made, sheetjs_saved
from .libreoffice import (
    libreoffice_edited,
    libreoffice_made,
    libreoffice_pivot,
    libreoffice_saved,
)
from .python import (
    excel_made,
    openpyxl_edited,
    openpyxl_made,
    openpyxl_with_pivot,
    xlsxwriter_made,
)

OURS: Final[dict[str, Callable[[Path, Path], Path]]] = {
    "excel.xlsx": as_excel_saves,
    "excel only saved.xlsx": lightly_edited,
    "excel with macros.xlsm": with_macros,
    "openpyxl.xlsx": openpyxl_edited,
    "openpyxl after LibreOffice's pivot.xlsx": openpyxl_with_pivot,
    "exceljs.xlsx": exceljs_edited,
    "libreoffice only saved.xlsx": libreoffice_saved,
    "libreoffice.xlsx": libreoffice_edited,
    "libreoffice's pivot.xlsx": libreoffice_pivot,
}
"""What other programs make of our workbook; our tables are still there."""

TABLELESS: Final = sheetjs_saved
"""What a program that knows no tables makes of our workbook."""

FOREIGN: Final[dict[str, Callable[[Path], Path]]] = {
    "excel.xlsm": excel_made,
    "xlsxwriter.xlsx": xlsxwriter_made,
    "xlsxwriter.xlsm": xlsxwriter_made,
    "openpyxl.xlsx": openpyxl_made,
    "exceljs.xlsx": exceljs_made,
    "sheetjs.xlsx": sheetjs_made,
    "libreoffice.xlsx": libreoffice_made,
}
"""Workbooks that aren't ours."""
