"""Workbooks that ExcelJS and SheetJS have saved, ours and their own."""

from pathlib import Path

from ..node import EXCELJS, SHEETJS, run  # noqa: TID252 -- tests are no package of their own
from .excel import lightly_edited

_EXCELJS_EDIT = """
const [file, out] = process.argv.slice(1);
const {Workbook} = require('exceljs');
(async () => {
  const workbook = new Workbook();
  await workbook.xlsx.readFile(file);
  const sheet = workbook.getWorksheet('Procedures');
  const beside = sheet.columnCount + 1;
  sheet.getCell(1, beside).value = 'Script note';
  for (let row = 2; row <= 31; row += 2)
    sheet.getCell(row, beside).value = `script ${sheet.getCell(`A${row}`).value}`;
  sheet.getRow(7).hidden = true;
  const own = workbook.addWorksheet('Script');
  own.getCell('A1').value = {formula: 'COUNTA(Procedures!A2:A31)', result: 30};
  own.getCell('A2').note = 'a note';
  await workbook.xlsx.writeFile(out);
})();
"""
_EXCELJS_MAKE = """
const [out] = process.argv.slice(1);
const {Workbook} = require('exceljs');
(async () => {
  const workbook = new Workbook();
  const sheet = workbook.addWorksheet('Budget', {views: [{state: 'frozen', ySplit: 1}]});
  sheet.addTable({name: 'Budget', ref: 'A1', headerRow: true, totalsRow: true,
    columns: [{name: 'Team', totalsRowLabel: 'Sum'}, {name: 'Sum', totalsRowFunction: 'sum'}],
    rows: [['Finance', 3], ['Quality', 5]]});
  sheet.getCell('E1').value = {richText: [{font: {bold: true}, text: 'rich'}, {text: ' text'}]};
  sheet.getCell('E2').value = {text: 'link', hyperlink: 'https://example.com/'};
  sheet.getCell('E3').note = 'a note';
  sheet.getCell('E4').dataValidation = {type: 'list', formulae: ['"a,b"']};
  sheet.addConditionalFormatting({ref: 'B2:B3', rules: [{type: 'dataBar', priority: 1,
    cfvo: [{type: 'min'}, {type: 'max'}], color: {argb: 'FF638EC6'}}]});
  const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAA'
    + 'ABJRU5ErkJggg==';
  sheet.addImage(workbook.addImage({base64: png, extension: 'png'}), 'G1:H4');
  await workbook.xlsx.writeFile(out);
})();
"""
_SHEETJS_SAVE = """
const [file, out] = process.argv.slice(1);
const XLSX = require('xlsx');
XLSX.writeFile(XLSX.readFile(file, {cellStyles: true}), out, {bookType: 'xlsx'});
"""
_SHEETJS_MAKE = """
const [out] = process.argv.slice(1);
const XLSX = require('xlsx');
const book = XLSX.utils.book_new();
const sheet = XLSX.utils.aoa_to_sheet([['Team', 'Sum'], ['Finance', 3], ['Quality', 5]]);
sheet.B4 = {t: 'n', f: 'SUM(B2:B3)', v: 8};
sheet['!ref'] = 'A1:B4';
XLSX.utils.book_append_sheet(book, sheet, 'Data');
XLSX.writeFile(book, out, {bookType: 'xlsx'});
"""


def exceljs_edited(workbook: Path, out: Path) -> Path:
    """Write notes beside Procedures, hide a row and add a sheet by ExcelJS."""
    # ExcelJS finds only tables that are related the way Excel does it.
    run(EXCELJS, _EXCELJS_EDIT, lightly_edited(workbook, out), out)
    return out


def exceljs_made(out: Path) -> Path:
    """Make a workbook with a table, an image and a data bar by ExcelJS."""
    run(EXCELJS, _EXCELJS_MAKE, out)
    return out


def sheetjs_saved(workbook: Path, out: Path) -> Path:
    """Only read our workbook and write it by SheetJS, which knows no tables."""
    run(SHEETJS, _SHEETJS_SAVE, workbook, out)
    return out


def sheetjs_made(out: Path) -> Path:
    """Make a workbook with a formula by SheetJS."""
    run(SHEETJS, _SHEETJS_MAKE, out)
    return out
