"""Finds the planned sheets in an open workbook, or adds them."""

from typing import Any, Final

from xlwings.constants import ListObjectSourceType, YesNoGuess

from klarify_xl.errors import TargetError, TargetLockedError
from klarify_xl.headless.boards import defined_name
from klarify_xl.headless.styles import TABLE_STYLE, header_height
from klarify_xl.headless.tables import matched_titles
from klarify_xl.live.addresses import Box, box_of
from klarify_xl.live.reading import titles_of
from klarify_xl.live.styles import Styles
from klarify_xl.live.values import TEXT_FORMAT
from klarify_xl.plan import Board, Plan, Sheet

MAIN_TABLE: Final = "Procedures"


class Sheets:
    """The sheets, tables and names of an open workbook.

    Args:
        workbook: The workbook, as Excel's object model has it.
    """

    def __init__(self, workbook: Any) -> None:  # noqa: ANN401
        self._workbook = workbook
        self._sheets = {}
        self._tables = {}
        worksheets = workbook.Worksheets
        for number in range(1, int(worksheets.Count) + 1):
            sheet = worksheets(number)
            self._sheets[str(sheet.Name).casefold()] = sheet
            tables = sheet.ListObjects
            for at in range(1, int(tables.Count) + 1):
                table = tables(at)
                self._tables[str(table.Name).casefold()] = (sheet, table)

    def table(self, sheet: Sheet) -> tuple[Any, Any] | None:
        """Return the sheet and the table of a planned sheet, if it is there."""
        return self._tables.get(sheet.table.casefold())

    def board(self, board: Board) -> Any:  # noqa: ANN401
        """Return the sheet of a planned board, or None."""
        names = self._workbook.Names
        wanted = defined_name(board.key).casefold()
        for number in range(1, int(names.Count) + 1):
            name = names(number)
            if str(name.Name).casefold() == wanted:
                found = str(name.RefersTo).lstrip("=").rpartition("!")[0]
                return self._sheets.get(found.strip("'").replace("''", "'").casefold())
        return None

    def check(self, plan: Plan) -> None:
        """Find out, before any work is done, whether a plan can be written into the workbook.

        Raises:
            TargetError: A table is gone, or something is in the way.
            TargetLockedError: Workbook or sheet are protected or read-only.
        """
        name = str(self._workbook.Name)
        if self._workbook.ReadOnly:
            raise TargetLockedError(
                f"The workbook {name} is open read-only.",
                hint="Save it under another name, or open it for editing, and refresh again.",
            )
        missing = []
        for sheet in plan.sheets:
            is_board = isinstance(sheet, Board)
            found = self.board(sheet) if isinstance(sheet, Board) else self.table(sheet)
            if found is not None:
                self._refuse_protected(found if is_board else found[0])
                continue
            missing.append(sheet.name)
            self._refuse_missing(sheet, name)
        if plan.archive is not None and self.table(plan.archive) is not None:
            self._refuse_protected(self._tables[plan.archive.table.casefold()][0])
        if missing and self._workbook.ProtectStructure:
            raise TargetLockedError(
                f"The structure of the workbook {name} is protected, so that the sheet "
                f"{missing[0]} can't be added.",
                hint="Take off the protection under Review > Protect Workbook, and refresh again.",
            )

    def _refuse_protected(self, sheet: Any) -> None:  # noqa: ANN401
        if sheet.ProtectContents:
            raise TargetLockedError(
                f"The sheet {sheet.Name} is protected.",
                hint="Take off the protection under Review > Unprotect Sheet, and refresh again.",
            )

    def _refuse_missing(self, sheet: Sheet | Board, workbook: str) -> None:
        taken = sheet.name.casefold() in self._sheets
        if isinstance(sheet, Board):
            if taken:
                raise TargetError(
                    f"The workbook {workbook} has a sheet {sheet.name} of its own.",
                    hint="Rename it, and refresh again.",
                )
        elif taken or sheet.table == MAIN_TABLE:
            where = f"On the sheet {sheet.name}" if taken else f"In the workbook {workbook}"
            raise TargetError(
                f"{where} there is no table {sheet.table}: it was renamed or deleted.",
                hint="Give it its name back under Table Design > Table Name, or undo, and refresh "
                "again.",
            )

    def place_board(self, board: Board) -> tuple[Any, bool]:
        """Return the sheet of a board, and whether it was added just now."""
        found = self.board(board)
        if found is not None:
            return found, False
        sheet = self._add(board.name)
        self._freeze(*board.frozen)
        self._workbook.Windows(1).DisplayGridlines = board.gridlines
        quoted = board.name.replace("'", "''")
        self._workbook.Names.Add(
            Name=defined_name(board.key), RefersTo=f"='{quoted}'!$A$1", Visible=False
        )
        return sheet, True

    def place_table(self, sheet: Sheet, styles: Styles) -> tuple[Any, Any, dict[str, int]]:
        """Return sheet, table and columns of a planned sheet, with nothing missing.

        The columns are those of the worksheet, from 1, by key.

        Args:
            sheet: What is planned.
            styles: The workbook's cell styles.

        Raises:
            TargetError: The table has no header.
        """
        found = self.table(sheet)
        if found is None:
            found = self._add_table(sheet, styles)
        worksheet, table = found
        if table.HeaderRowRange is None:
            raise TargetError(
                f"The table {sheet.table} has no header row.",
                hint="Show it with Table Design > Header Row, and refresh again.",
            )
        self._adopt(worksheet, table)
        titles = titles_of(table)
        matched = matched_titles(sheet, titles)
        left = box_of(table.Range).left
        columns = {}
        for column in sheet.columns:
            title = matched.get(column.name)
            if title is None:
                added = table.ListColumns.Add()
                added.Name = column.title
                at = left + int(added.Index) - 1
                header = worksheet.Cells(box_of(table.Range).top, at)
                header.Style = styles.header(column.kind)
                worksheet.Columns(at).ColumnWidth = column.width
                columns[column.name] = at
                continue
            number = titles.index(title) + 1
            if title != column.title:
                table.ListColumns(number).Name = column.title
            columns[column.name] = left + number - 1
        return worksheet, table, columns

    def _adopt(self, worksheet: Any, table: Any) -> None:  # noqa: ANN401
        """Make what stands beside a table and touches it its columns, as Excel does."""
        box = box_of(table.Range)
        reach = box.right
        while self._is_filled(worksheet, Box(box.top, reach + 1, box.bottom, reach + 1)):
            reach += 1
        if reach > box.right:
            table.Resize(worksheet.Range(Box(box.top, box.left, box.bottom, reach).address))

    def _is_filled(self, worksheet: Any, box: Box) -> bool:  # noqa: ANN401
        cells = worksheet.Range(box.address)
        return cells.ListObject is None and any(
            cell not in {None, ""} for row in cells.Formula for cell in row
        )

    def _add(self, name: str) -> Any:  # noqa: ANN401
        worksheets = self._workbook.Worksheets
        sheet = worksheets.Add(After=worksheets(int(worksheets.Count)))
        sheet.Name = name
        self._sheets[name.casefold()] = sheet
        return sheet

    def _freeze(self, rows: int, columns: int) -> None:
        """Keep rows and columns of the sheet that was added last, the active one, in sight."""
        if rows or columns:
            window = self._workbook.Windows(1)
            window.SplitRow, window.SplitColumn = rows, columns
            window.FreezePanes = True

    def _add_table(self, sheet: Sheet, styles: Styles) -> tuple[Any, Any]:
        worksheet = self._add(sheet.name)
        box = Box(1, 1, 2, len(sheet.columns))
        for number, column in enumerate(sheet.columns, start=1):
            header = worksheet.Cells(1, number)
            header.Style = styles.header(column.kind)
            header.NumberFormat = TEXT_FORMAT
            header.Value2 = column.title
            worksheet.Columns(number).ColumnWidth = column.width
        self._freeze(1, sheet.frozen_columns)
        worksheet.Rows(1).RowHeight = header_height(sheet.columns)
        table = worksheet.ListObjects.Add(
            SourceType=ListObjectSourceType.xlSrcRange,
            Source=worksheet.Range(box.address),
            XlListObjectHasHeaders=YesNoGuess.xlYes,
        )
        table.Name = sheet.table
        table.TableStyle = TABLE_STYLE
        self._tables[sheet.table.casefold()] = (worksheet, table)
        return worksheet, table
