"""Workbooks from files: openpyxl reads them, and lxml what it leaves out."""

import re
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from lxml import etree
from openpyxl import load_workbook
from openpyxl.worksheet.formula import ArrayFormula

from .areas import column_of, parsed
from .entry import serial
from .formats import Format
from .geometry import width_from_file
from .loading_drawings import read_drawings
from .loading_formats import format_of, named_styles
from .model import (
    ERRORS,
    BookModel,
    Cell,
    Condition,
    Criterion,
    FilterModel,
    Link,
    NameModel,
    PropertyModel,
    Scalar,
    SheetModel,
    TableModel,
    View,
)

MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATED: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_VISIBLE: Final = {"visible": -1, "hidden": 0, "veryHidden": 2}
_OPERATORS: Final = (
    "",
    "between",
    "notBetween",
    "equal",
    "notEqual",
    "greaterThan",
    "lessThan",
    "greaterThanOrEqual",
    "lessThanOrEqual",
)
"""XlFormatConditionOperator from 1."""
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def loaded(file: Path, *, path: str | None = None) -> BookModel:
    """Return a workbook as Excel opens it.

    Args:
        file: The file.
        path: The folder that Excel names; None for the file's own.
    """
    source: Any = load_workbook(file, keep_vba=file.suffix == ".xlsm", rich_text=False)
    book = BookModel(file.name, str(file.parent) if path is None else path)
    book.styles = named_styles(source)
    formats: dict[int, Format] = {}
    for one in source.worksheets:
        book.sheets.append(_sheet(one, book, formats))
    book.active = book.sheet(source.active.title) or book.sheets[0]
    book.structure_protected = bool(source.security and source.security.lockStructure)
    _names(source, book)
    for item in source.custom_doc_props.props:
        kind = {"StringProperty": 4, "IntProperty": 1, "FloatProperty": 5, "BoolProperty": 2}
        book.properties.append(
            PropertyModel(item.name, kind.get(type(item).__name__, 3), item.value)
        )
    core = source.properties
    book.builtin_properties = {
        "Title": core.title or "",
        "Subject": core.subject or "",
        "Author": core.creator or "",
        "Keywords": core.keywords or "",
        "Comments": core.description or "",
    }
    with ZipFile(file) as package:
        for sheet, part in _parts(package, book):
            _results(package.read(part), sheet)
            read_drawings(package, part, sheet)
    return book


def _sheet(one: Any, book: BookModel, formats: dict[int, Format]) -> SheetModel:
    sheet = SheetModel(one.title, book, visible=_VISIBLE[one.sheet_state])
    sheet.code_name = one.sheet_properties.codeName or ""
    sheet.protected = bool(one.protection.sheet)
    if one.sheet_format.defaultRowHeight:
        sheet.default_height = float(one.sheet_format.defaultRowHeight)
    if one.sheet_format.defaultColWidth:
        sheet.default_width = width_from_file(one.sheet_format.defaultColWidth)

    def looks(styled: Any) -> Format:
        found = formats.get(styled.style_id)
        if found is None:
            found = formats[styled.style_id] = format_of(styled, book.styles)
        return found

    _lines(one, sheet, looks)
    _cells(one, sheet, looks)
    _tables(one, sheet)
    _conditions(one, sheet)
    sheet.merged = [rect for text in one.merged_cells.ranges if (rect := parsed(str(text)))]
    _view(one, sheet)
    _page(one, sheet)
    return sheet


def _cells(one: Any, sheet: SheetModel, looks: Any) -> None:
    normal = sheet.book.styles["normal"].format
    for place, cell in one._cells.items():
        value, formula = _entry(cell)
        if cell.hyperlink:
            _link(cell.hyperlink, sheet)
        if cell.comment:
            sheet.comments[place] = cell.comment.text
        if value is None and not formula and not cell.has_style:
            continue
        prefix = "'" if cell.quotePrefix and not formula else ""
        style = looks(cell) if cell.has_style else normal
        sheet.cells[place] = Cell(value, formula, prefix, style)


def _entry(cell: Any) -> tuple[Scalar, str]:
    """Return a cell's value and formula."""
    value = cell.value
    if type(value) is not str:
        return _value(value) if value is not None else (None, "")
    if cell.data_type == "f":
        return None, value
    if cell.data_type == "e":
        return ERRORS.get(value, ERRORS["#VALUE!"]), ""
    if "_x" in value:
        return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value), ""
    return value, ""


def _value(value: Any) -> tuple[Scalar, str]:
    if isinstance(value, bool):
        return value, ""
    if isinstance(value, int | float):
        return float(value), ""
    if isinstance(value, ArrayFormula):
        return None, str(value.text)
    if hasattr(value, "hour") and hasattr(value, "year"):
        return serial(value), ""
    if hasattr(value, "total_seconds"):
        return value.total_seconds() / 86_400, ""
    if hasattr(value, "hour"):
        return (value.hour * 3600 + value.minute * 60 + value.second) / 86_400, ""
    return str(value), ""


def _lines(one: Any, sheet: SheetModel, looks: Any) -> None:
    for key, column in one.column_dimensions.items():
        first = column.min or column_of(key)
        for number in range(first, (column.max or first) + 1):
            if column.width and column.customWidth:
                sheet.widths[number] = width_from_file(column.width)
            if column.hidden:
                sheet.hidden_columns.add(number)
            if column.has_style:
                sheet.column_formats[number] = looks(column)
    for number, row in one.row_dimensions.items():
        if row.height is not None:
            sheet.heights[number] = float(row.height)
        if row.hidden:
            sheet.hidden_rows.add(number)
        if row.has_style:
            sheet.row_formats[number] = looks(row)


def _link(source: Any, sheet: SheetModel) -> None:
    rect = parsed(source.ref)
    assert rect
    sheet.links[rect.top, rect.left] = Link(
        rect, source.target or "", source.location or "", source.tooltip or ""
    )


def _tables(one: Any, sheet: SheetModel) -> None:
    for source in one.tables.values():
        rect = parsed(source.ref)
        assert rect
        table = TableModel(source.displayName, rect, [], sheet)
        table.header = source.headerRowCount != 0
        table.totals = bool(source.totalsRowCount)
        table.insert_row = bool(source.insertRow)
        for column in source.tableColumns:
            name = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), column.name)
            table.columns.append(name)
            if column.calculatedColumnFormula and column.calculatedColumnFormula.attr_text:
                table.calculated[name] = f"={column.calculatedColumnFormula.attr_text}"
        if style := source.tableStyleInfo:
            table.kept = {
                "TableStyle": style.name or "",
                "ShowTableStyleRowStripes": bool(style.showRowStripes),
                "ShowTableStyleColumnStripes": bool(style.showColumnStripes),
                "ShowTableStyleFirstColumn": bool(style.showFirstColumn),
                "ShowTableStyleLastColumn": bool(style.showLastColumn),
            }
        table.arrows = source.autoFilter is not None
        if source.autoFilter:
            table.criteria = _criteria(source.autoFilter)
        sheet.tables.append(table)
    if one.auto_filter.ref and (rect := parsed(one.auto_filter.ref)):
        sheet.filter = FilterModel(rect, _criteria(one.auto_filter))


def _criteria(source: Any) -> dict[int, Criterion]:
    signs = {"notEqual": "<>", "greaterThan": ">", "lessThan": "<", "equal": "="}
    signs |= {"greaterThanOrEqual": ">=", "lessThanOrEqual": "<="}
    found = {}
    for column in source.filterColumn:
        criterion = Criterion()
        if column.filters:
            criterion = Criterion(tuple(f"={one}" for one in column.filters.filter), 7)
            if column.filters.blank:
                criterion.first = (*criterion.first, "=")
        elif column.customFilters:
            texts = [
                signs.get(one.operator or "equal", "=") + str(one.val)
                for one in column.customFilters.customFilter
            ]
            operator = 0 if len(texts) < 2 else 1 if column.customFilters._and else 2
            criterion = Criterion(texts[0], operator, texts[1] if len(texts) > 1 else None)
        found[column.colId + 1] = criterion
    return found


def _conditions(one: Any, sheet: SheetModel) -> None:
    found: list[tuple[int, Condition]] = []
    for area in one.conditional_formatting:
        rects = tuple(rect for text in str(area.sqref).split() if (rect := parsed(text)))
        for rule in area.rules:
            kind = {"cellIs": 1, "expression": 2}.get(rule.type, 0)
            operator = _OPERATORS.index(rule.operator) if rule.operator in _OPERATORS else 0
            formulas = tuple(f"={text}" for text in rule.formula)
            kept: dict[str, Any] = {"kind": rule.type, "StopIfTrue": bool(rule.stopIfTrue)}
            if rule.dxf:
                if rule.dxf.font:
                    kept["Font"] = {"Color": _bgr(rule.dxf.font.color), "Bold": rule.dxf.font.b}
                if rule.dxf.fill:
                    kept["Interior"] = {"Color": _bgr(rule.dxf.fill.bgColor)}
            found.append((rule.priority or 0, Condition(rects, kind, operator, formulas, kept)))
    sheet.conditions = [condition for _, condition in sorted(found, key=lambda one: one[0])]


def _bgr(colour: Any) -> int | None:
    if colour is None or not isinstance(colour.rgb, str):
        return None
    red, green, blue = (int(colour.rgb[at : at + 2], 16) for at in (2, 4, 6))
    return red | green << 8 | blue << 16


def _view(one: Any, sheet: SheetModel) -> None:
    source = one.sheet_view
    view = View(gridlines=source.showGridLines is not False, zoom=int(source.zoomScale or 100))
    if source.pane and source.pane.state in {"frozen", "frozenSplit"}:
        view.split_row = int(source.pane.ySplit or 0)
        view.split_column = int(source.pane.xSplit or 0)
        view.frozen = True
    first = source.pane.topLeftCell if source.pane else source.topLeftCell
    if first and (rect := parsed(first)):
        view.scroll_row, view.scroll_column = rect.top, rect.left
    if source.selection:
        chosen = source.selection[-1]
        rects = [rect for text in str(chosen.sqref or "A1").split() if (rect := parsed(text))]
        view.selection = tuple(rects) or view.selection
        if rect := parsed(chosen.activeCell or "A1"):
            view.active = (rect.top, rect.left)
    sheet.view = view
    colour = _bgr(one.sheet_properties.tabColor)
    if colour is not None:
        sheet.tab["Color"] = colour


def _page(one: Any, sheet: SheetModel) -> None:
    setup = one.page_setup
    sheet.page = {
        "Orientation": 2 if setup.orientation == "landscape" else 1,
        "PaperSize": int(setup.paperSize or 1),
        "PrintTitleRows": f"${one.print_title_rows.replace('$', '').replace(':', ':$')}"
        if one.print_title_rows
        else "",
        "PrintArea": str(one.print_area or ""),
        "LeftHeader": one.oddHeader.left.text or "",
        "CenterHeader": one.oddHeader.center.text or "",
        "RightHeader": one.oddHeader.right.text or "",
        "LeftFooter": one.oddFooter.left.text or "",
        "CenterFooter": one.oddFooter.center.text or "",
        "RightFooter": one.oddFooter.right.text or "",
    }
    if one.sheet_properties.pageSetUpPr and one.sheet_properties.pageSetUpPr.fitToPage:
        sheet.page["Zoom"] = False
        sheet.page["FitToPagesWide"] = setup.fitToWidth or False
        sheet.page["FitToPagesTall"] = setup.fitToHeight or False


def _names(source: Any, book: BookModel) -> None:
    for name, one in source.defined_names.items():
        book.names.append(NameModel(name, f"={one.attr_text}", not one.hidden))
    for sheet in source.worksheets:
        for name, one in sheet.defined_names.items():
            scope = book.sheet(sheet.title)
            book.names.append(NameModel(name, f"={one.attr_text}", not one.hidden, scope))


def _parts(package: ZipFile, book: BookModel) -> list[tuple[SheetModel, str]]:
    """Return the sheets with the names of their parts in the package."""
    related = etree.fromstring(package.read("xl/_rels/workbook.xml.rels"))
    targets = {one.get("Id"): str(one.get("Target")) for one in related}
    listed = etree.fromstring(package.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
    found = []
    for one in listed:
        sheet = book.sheet(str(one.get("name")))
        target = targets[one.get(f"{RELATED}id")]
        part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if sheet:
            found.append((sheet, part))
    return found


def _results(xml: bytes, sheet: SheetModel) -> None:
    """Read what formulas gave when the file was saved."""
    if b"<f" not in xml:
        return
    for formula in etree.fromstring(xml).iter(f"{MAIN}f"):
        source = formula.getparent()
        assert source is not None
        rect = parsed(str(source.get("r")))
        assert rect
        cell = sheet.cells.get((rect.top, rect.left))
        text = source.findtext(f"{MAIN}v")
        if cell is None or not text:
            continue
        kind = source.get("t", "n")
        if kind == "n":
            cell.value = float(text)
        elif kind == "b":
            cell.value = text == "1"
        elif kind == "e":
            cell.value = ERRORS.get(text)
        else:
            cell.value = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
