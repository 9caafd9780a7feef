"""Workbooks of the fake as .xlsx, for independent readers; without shapes and charts."""

import re
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule, FormulaRule
from openpyxl.packaging.custom import (
    BoolProperty,
    DateTimeProperty,
    FloatProperty,
    IntProperty,
    StringProperty,
)
from openpyxl.styles import (
    Alignment,
    Border,
    Font,
    NamedStyle,
    PatternFill,
    Protection,
    Side,
)
from openpyxl.utils.cell import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.table import Table, TableColumn, TableFormula, TableStyleInfo

from .entry import shown
from .formats import EDGES, HORIZONTAL, LINES, VERTICAL, XL_HORIZONTAL, Format
from .geometry import width_to_file
from .model import BookModel, CellError, SheetModel, TableModel

_LINES: Final[dict[tuple[int, int], Any]] = {
    numbers: name for name, numbers in reversed(LINES.items())
}
_HORIZONTAL: Final = {number: name for name, number in HORIZONTAL.items()}
_VERTICAL: Final = {number: name for name, number in VERTICAL.items()}
_STATES: Final = {-1: "visible", 0: "hidden", 2: "veryHidden"}
_UNDERLINES: Final[dict[int, Any]] = {2: "single", -4119: "double"}
_OPERATORS: Final = {
    1: "between",
    2: "notBetween",
    3: "equal",
    4: "notEqual",
    5: "greaterThan",
    6: "lessThan",
    7: "greaterThanOrEqual",
    8: "lessThanOrEqual",
}
_PROPERTIES: Final[dict[int, Any]] = {
    1: IntProperty,
    2: BoolProperty,
    3: DateTimeProperty,
    4: StringProperty,
    5: FloatProperty,
}
_formula_rule: Any = FormulaRule
_cell_rule: Any = CellIsRule
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")


def export(book: BookModel, file: Path) -> None:
    """Write a workbook."""
    target: Any = Workbook()
    target.remove(target.active)
    normal = book.styles["normal"].format
    target._fonts[0] = _font(normal)
    for style in book.styles.values():
        if style.name != "Normal":
            target.add_named_style(NamedStyle(name=style.name, **_parts(style.format)))
    for sheet in book.sheets:
        _sheet(target.create_sheet(sheet.name), sheet)
    target.active = book.sheets.index(book.active) if book.active else 0
    for name in book.names:
        made = DefinedName(
            name.name, attr_text=name.refers_to.removeprefix("="), hidden=not name.visible
        )
        scope = target[name.sheet.name] if name.sheet else target
        scope.defined_names[name.name] = made
    for one in book.properties:
        target.custom_doc_props.append(_PROPERTIES[one.kind](name=one.name, value=one.value))
    target.properties.title = str(book.builtin_properties.get("Title", ""))
    target.save(file)


def _sheet(target: Any, sheet: SheetModel) -> None:
    target.sheet_state = _STATES[sheet.visible]
    target.protection.sheet = sheet.protected
    _lines(target, sheet)
    _cells(target, sheet)
    for (row, column), text in sheet.comments.items():
        target.cell(row, column).comment = Comment(text, "")
    _links(target, sheet)
    for rect in sheet.merged:
        target.merge_cells(rect.address(rows=False, columns=False))
    for table in sheet.tables:
        target.add_table(_table(table))
    _conditions(target, sheet)
    _view(target, sheet)


def _cells(target: Any, sheet: SheetModel) -> None:
    patterns: dict[Format, Any] = {}
    for (row, column), cell in sheet.cells.items():
        to = target.cell(row, column)
        if cell.format not in patterns:
            _dress(to, cell.format)
            patterns[cell.format] = to._style
        to._style = patterns[cell.format]
        if cell.formula:
            to.value = cell.formula
        elif isinstance(cell.value, CellError):
            to.value, to.data_type = shown(cell.value), "e"
        elif isinstance(cell.value, str):
            to.value, to.data_type = _escaped(cell.value), "s"
        else:
            to.value = cell.value
        to._style.quotePrefix = int(bool(cell.prefix))


def _links(target: Any, sheet: SheetModel) -> None:
    for link in sheet.links.values():
        if link.rect is None:
            continue
        to = target.cell(link.rect.top, link.rect.left)
        made = Hyperlink(ref=link.rect.address(rows=False, columns=False))
        made.target, made.location = link.address or None, link.sub_address or None
        made.tooltip = link.tip or None
        style, value, kind = to._style, to.value, to.data_type
        to.hyperlink = made
        to._style, to._value, to.data_type = style, value, kind


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _lines(target: Any, sheet: SheetModel) -> None:
    for column, width in sheet.widths.items():
        target.column_dimensions[get_column_letter(column)].width = width_to_file(width)
    for column in sheet.hidden_columns:
        target.column_dimensions[get_column_letter(column)].hidden = True
    for column, looks in sheet.column_formats.items():
        _dress(target.column_dimensions[get_column_letter(column)], looks)
    for row, height in sheet.heights.items():
        target.row_dimensions[row].height = height
    for row in sheet.hidden_rows:
        target.row_dimensions[row].hidden = True


def _view(target: Any, sheet: SheetModel) -> None:
    view = sheet.view
    target.sheet_view.showGridLines = view.gridlines
    target.sheet_view.zoomScale = view.zoom
    if view.frozen:
        target.freeze_panes = target.cell(view.split_row + 1, view.split_column + 1)
    if isinstance(colour := sheet.tab.get("Color"), int) and colour is not False:
        target.sheet_properties.tabColor = _rgb(colour)


def _table(table: TableModel) -> Table:
    made: Any = Table(
        displayName=table.name,
        name=table.name,
        ref=table.rect.address(rows=False, columns=False),
        headerRowCount=int(table.header),
        totalsRowCount=int(table.totals) or None,
        insertRow=table.insert_row or None,
    )
    made.tableStyleInfo = TableStyleInfo(
        name=str(table.kept.get("TableStyle", "")) or None,
        showRowStripes=bool(table.kept.get("ShowTableStyleRowStripes", True)),
        showColumnStripes=bool(table.kept.get("ShowTableStyleColumnStripes", False)),
        showFirstColumn=bool(table.kept.get("ShowTableStyleFirstColumn", False)),
        showLastColumn=bool(table.kept.get("ShowTableStyleLastColumn", False)),
    )
    made._initialise_columns()
    columns: list[TableColumn] = made.tableColumns
    for column, name in zip(columns, table.columns, strict=True):
        column.name = _escaped(name)
        if name in table.calculated:
            text = table.calculated[name].removeprefix("=")
            column.calculatedColumnFormula = TableFormula(attr_text=text)
    if not table.arrows:
        made.autoFilter = None
    return made  # type: ignore[no-any-return]  # of openpyxl


def _conditions(target: Any, sheet: SheetModel) -> None:
    for one in sheet.conditions:
        where = " ".join(rect.address(rows=False, columns=False) for rect in one.rects)
        fill, font = one.kept.get("Interior", {}), one.kept.get("Font", {})
        looks: dict[str, Any] = {"stopIfTrue": bool(one.kept.get("StopIfTrue", True))}
        if fill.get("Color") is not None:
            looks["fill"] = PatternFill(bgColor=_rgb(fill["Color"]))
        if font.get("Color") is not None:
            looks["font"] = Font(color=_rgb(font["Color"]), bold=font.get("Bold"))
        formulas = [text.removeprefix("=") for text in one.formulas]
        if one.kind == 1:
            rule = _cell_rule(operator=_OPERATORS[one.operator], formula=formulas, **looks)
        elif one.kind == 2:
            rule = _formula_rule(formula=formulas, **looks)
        else:
            continue
        target.conditional_formatting.add(where, rule)


def _rgb(bgr: int) -> str:
    return f"FF{bgr & 255:02X}{bgr >> 8 & 255:02X}{bgr >> 16 & 255:02X}"


def _font(looks: Format) -> Font:
    return Font(
        name=looks.font_name,
        sz=looks.font_size,
        b=looks.bold,
        i=looks.italic,
        u=_UNDERLINES.get(looks.underline),
        strike=looks.strikethrough,
        color=_rgb(looks.font_color),
    )


def _parts(looks: Format) -> dict[str, Any]:
    """Return a format's parts as openpyxl has them."""
    sides: dict[str, Any] = {}
    for side, index in EDGES.items():
        edge = looks.edge(index)
        if name := _LINES.get((edge.line, edge.weight)):
            sides[side] = Side(style=name, color=_rgb(edge.color))
    turned = looks.orientation
    return {
        "font": _font(looks),
        "fill": PatternFill() if looks.fill is None else PatternFill("solid", _rgb(looks.fill)),
        "border": Border(**sides),
        "alignment": Alignment(
            horizontal=_HORIZONTAL[looks.horizontal],
            vertical=_VERTICAL[looks.vertical],
            wrapText=looks.wrap,
            indent=looks.indent,
            shrinkToFit=looks.shrink,
            textRotation=0 if turned == XL_HORIZONTAL else turned if turned >= 0 else 90 - turned,
        ),
        "protection": Protection(locked=looks.locked, hidden=looks.formula_hidden),
        "number_format": looks.number_format,
    }


def _dress(target: Any, looks: Format) -> None:
    """Give a cell, row or column a format."""
    if looks.style != "Normal":
        target.style = looks.style
    for name, value in _parts(looks).items():
        setattr(target, name, value)
