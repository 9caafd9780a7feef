"""From a plan to openpyxl's workbook."""

import re
from copy import copy
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, NamedStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableStyleInfo

from klarify_xl.headless import styles
from klarify_xl.limits import EXCEL_FIRST_DAY
from klarify_xl.plan import HEADER_ROWS, Cell, Formula, Link, Place, Plan, Sheet
from klarify_xl.progress import OnProgress, Progress, ignore

_PROGRESS_STEP: Final = 1000
_ESCAPE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_FIRST_MOMENT: Final = datetime(*EXCEL_FIRST_DAY)  # noqa: DTZ001 -- Excel knows no zones


def build_workbook(plan: Plan, on_progress: OnProgress = ignore) -> Workbook:
    """Return the workbook that a plan describes.

    Args:
        plan: What to show.
        on_progress: Told after each thousand rows.
    """
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    total = sum(len(sheet.rows) for sheet in plan.tables)
    done = 0
    for sheet in plan.tables:
        writer = _SheetWriter(workbook, plan, sheet)
        for index, row in enumerate(sheet.rows):
            writer.write_row(HEADER_ROWS + 1 + index, row)
            done += 1
            if done % _PROGRESS_STEP == 0:
                on_progress(Progress("Writing rows", done, total))
        writer.furnish()
    on_progress(Progress("Writing rows", total, total))
    _describe(workbook, plan)
    return workbook


class _SheetWriter:
    """Writes one sheet of a plan."""

    def __init__(self, workbook: Workbook, plan: Plan, sheet: Sheet) -> None:
        self._workbook = workbook
        self._plan = plan
        self._sheet = sheet
        self._names = {one.key: one.name for one in plan.sheets}
        # Untyped: the published stubs lack what is needed of cells, headers and footers.
        self._worksheet: Any = workbook.create_sheet(sheet.name)
        self._formats: dict[tuple[styles.CellKind, bool], Any] = {}
        for number, column in enumerate(sheet.columns, start=1):
            cell = self._worksheet.cell(1, number)
            cell.style = _registered(
                workbook, styles.header_style(column.kind, plan.colours.header)
            )
            self._fill(cell, column.title)
        needed = max(styles.lines(column.title, column.width - 4) for column in sheet.columns)
        height = max(styles.HEADER_HEIGHT, styles.LINE_HEIGHT * needed + 4)
        self._worksheet.row_dimensions[1].height = height

    def write_row(self, row: int, values: tuple[Cell, ...]) -> None:
        """Write the cells of a row, counted from 1 as Excel does."""
        lines = 1
        for number, (column, value) in enumerate(
            zip(self._sheet.columns, values, strict=True), start=1
        ):
            cell = self._worksheet.cell(row, number)
            is_link = isinstance(value, Link)
            # Formats are shared objects: to set them one by one would take longer than the rest.
            cell._style = self._format(styles.cell_kind(column.kind, value), linked=is_link)  # noqa: SLF001
            if isinstance(value, Link):
                cell.hyperlink = self._hyperlink(value)
                value = value.value  # noqa: PLW2901
            if isinstance(value, Formula):
                value = value.value  # noqa: PLW2901
            if value is not None and (value != "" or is_link):
                self._fill(cell, value)
            if isinstance(value, str) and (len(value) > column.width or "\n" in value):
                lines = max(lines, styles.lines(value, column.width))
        if lines > 1:
            # Programs that open the file don't all fit the rows to wrapped texts.
            self._worksheet.row_dimensions[row].height = lines * styles.LINE_HEIGHT

    def _format(self, kind: styles.CellKind, *, linked: bool) -> Any:  # noqa: ANN401
        key = (kind, linked)
        if key not in self._formats:
            sample: Any = SheetCell(self._worksheet, row=1, column=1)
            style = styles.cell_style(kind, linked=linked, date_format=self._plan.date_format)
            sample.style = _registered(self._workbook, style)
            self._formats[key] = sample._style  # noqa: SLF001
        return self._formats[key]

    def _fill(self, cell: Any, value: str | float | datetime) -> None:  # noqa: ANN401
        """Set a cell's value, typed: a string stays a string whatever it looks like."""
        if isinstance(value, datetime):
            local = _shown_moment(value, self._plan.time_zone)
            if local is not None:
                cell.value = local
                return
            value = value.astimezone(UTC).isoformat()
        if not isinstance(value, str):
            cell.value = value
            return
        # Past openpyxl's guess of a type, and past its own cut at Excel's limit, which would count
        # the escapes. Excel reads _x0041_ as the character A (ECMA-376 part 1, 22.9.2.19).
        cell._value = _ESCAPE.sub("_x005F_", value)  # noqa: SLF001
        cell.data_type = "s"
        if styles.is_long(value):
            cell._style = copy(cell._style)  # noqa: SLF001 -- the format is shared with other cells
            cell.number_format = "General"
            cell.alignment = Alignment(horizontal="left", vertical="top", wrap_text=False)
            cell.quotePrefix = True

    def _hyperlink(self, link: Link) -> Hyperlink:
        if isinstance(link.target, Place):
            name = self._names[link.target.sheet].replace("'", "''")
            row = link.target.row + HEADER_ROWS + 1
            return Hyperlink(ref="", location=f"'{name}'!A{row}", tooltip=link.hint or None)
        return Hyperlink(ref="", target=link.target, tooltip=link.hint or None)

    def furnish(self) -> None:
        """Add what goes around the rows: table, highlights, widths, view and print set-up."""
        sheet, worksheet = self._sheet, self._worksheet
        last_row = HEADER_ROWS + max(1, len(sheet.rows))
        whole = f"A1:{get_column_letter(len(sheet.columns))}{last_row}"
        if sheet.table:
            table = Table(displayName=sheet.table, name=sheet.table, ref=whole)
            table.tableStyleInfo = TableStyleInfo(name=styles.TABLE_STYLE, showRowStripes=True)
            worksheet.add_table(table)
        for number, column in enumerate(sheet.columns, start=1):
            worksheet.column_dimensions[get_column_letter(number)].width = column.width
        self._add_highlights(last_row)
        worksheet.freeze_panes = f"{get_column_letter(sheet.frozen_columns + 1)}{HEADER_ROWS + 1}"
        worksheet.sheet_view.zoomScale = 100
        printed = sum(column.printed for column in sheet.columns)
        self._worksheet.oddHeader.right.text = self._plan.page_header.replace("&", "&&")
        self._set_up_print(f"A1:{get_column_letter(printed)}{last_row}")

    def _add_highlights(self, last_row: int) -> None:
        names = [column.name for column in self._sheet.columns]
        for highlight in self._sheet.highlights:
            letter = get_column_letter(1 + names.index(highlight.column))
            first = HEADER_ROWS + 1
            rule = Rule(
                type="expression",
                formula=[f'${letter}{first}="{highlight.text}"'],
                dxf=styles.highlight_style(highlight.tone, self._plan.colours.of(highlight.tone)),
            )
            self._worksheet.conditional_formatting.add(f"{letter}{first}:{letter}{last_row}", rule)

    def _set_up_print(self, area: str) -> None:
        worksheet = self._worksheet
        worksheet.page_setup.orientation = "landscape"
        worksheet.page_setup.paperSize = 9  # A4, ECMA-376 part 1, 18.3.1.63
        worksheet.page_setup.fitToWidth = 1
        worksheet.page_setup.fitToHeight = 0
        worksheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        worksheet.print_title_rows = f"1:{HEADER_ROWS}"
        worksheet.print_area = area
        worksheet.oddHeader.left.text = "&A"
        worksheet.oddFooter.left.text = "&F"
        worksheet.oddFooter.right.text = "&P / &N"


def _shown_moment(moment: datetime, zone: tzinfo) -> datetime | None:
    """Return a moment as a clock in the zone tells it, or None where Excel has no number for it."""
    try:
        local = moment.astimezone(zone).replace(tzinfo=None, microsecond=0)
    except OverflowError:
        return None
    return local if local >= _FIRST_MOMENT else None


def _registered(workbook: Workbook, style: NamedStyle) -> str:
    """Return the name of a cell style, after adding it to the workbook where it is missing."""
    if style.name not in workbook.named_styles:
        workbook.add_named_style(style)
    return str(style.name)


def _describe(workbook: Workbook, plan: Plan) -> None:
    """Set the document's properties."""
    properties = workbook.properties
    properties.title = plan.title
    properties.subject = plan.subject
    properties.creator = plan.made_by
    properties.lastModifiedBy = plan.made_by
    properties.created = plan.made_at.replace(tzinfo=None, microsecond=0)
    properties.description = "\n".join(
        f"{sheet.name}: {sheet.description}" for sheet in plan.sheets
    )
