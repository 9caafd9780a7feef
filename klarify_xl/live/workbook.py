"""From a plan to the open workbook: all its sheets, and what it says of itself.

The same plan as for files, written through Excel's object model, in which Excel itself moves rows
and all that belongs to them.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from klarify_xl.errors import TargetLockedError
from klarify_xl.headless import marks
from klarify_xl.headless.archive import Archive, Entry, text_notes
from klarify_xl.headless.cells import OwnCell
from klarify_xl.headless.merge import Note as OwnNote
from klarify_xl.headless.merge import archived, fill_down, identities, merge
from klarify_xl.headless.reading import OldRow
from klarify_xl.limits import EXCEL_DAYS_TO_1904
from klarify_xl.live.attached import comments_of, links_of
from klarify_xl.live.boards import write_board
from klarify_xl.live.cells import CellWriter
from klarify_xl.live.context import Context
from klarify_xl.live.highlights import cover_highlights
from klarify_xl.live.links import LinkWriter
from klarify_xl.live.placing import Sheets
from klarify_xl.live.properties import LONGEST, read_property, write_properties
from klarify_xl.live.reading import read_table
from klarify_xl.live.styles import Styles
from klarify_xl.live.tables import LiveTable
from klarify_xl.live.view import current_view
from klarify_xl.plan import Board, Cell, Formula, Plan, Sheet
from klarify_xl.progress import OnProgress, Progress, ignore

_NO_DAY: Final = datetime.min.replace(tzinfo=UTC)
_INTERRUPTED: Final = "The refresh was interrupted while it was written."
_FORMULA_STYLE: Final = "Klarify formula"


def _archived_cell(value: Any) -> Cell:  # noqa: ANN401 -- what the archive holds
    """Return a cell of the archive; a person's formula is shown as a text."""
    if not isinstance(value, OwnCell):
        return value  # type: ignore[no-any-return]
    if value.formula is not None:
        return Formula(value.formula, f"={value.formula}")
    return value.value


def refuse_other(workbook: Any, organisation: str) -> None:  # noqa: ANN401
    """Refuse to put one organisation's procedures into the workbook of another.

    Args:
        workbook: The workbook, as Excel's object model has it.
        organisation: Whose procedures are to be written, "" if that is not known.

    Raises:
        TargetLockedError: The workbook shows another organisation.
    """
    present = read_property(workbook, marks.ORGANISATION_MARK).strip("-")
    if present and organisation not in {"", present}:
        raise TargetLockedError(
            f"This workbook shows {present}, not {organisation}.",
            hint="Refresh a workbook of its own for each organisation: Settings > Organisation "
            "tells which one this is.",
        )


def write_open_workbook(
    plan: Plan,
    workbook: Any,  # noqa: ANN401
    *,
    everything: bool = False,
    on_progress: OnProgress = ignore,
) -> list[str]:
    """Write a plan into an open workbook.

    Args:
        plan: What to show.
        workbook: The workbook, as Excel's object model has it, checked by `Sheets.check`.
        everything: Whether all links are written again, whatever stands there.
        on_progress: Told after each sheet and each block of rows.

    Returns:
        What could not be kept as it was, in sentences.
    """
    return _Writer(plan, workbook, everything=everything, on_progress=on_progress).write()


class _Writer:
    """Writes a plan into an open workbook; arguments as of `write_open_workbook`."""

    def __init__(
        self,
        plan: Plan,
        workbook: Any,  # noqa: ANN401
        *,
        everything: bool,
        on_progress: OnProgress,
    ) -> None:
        self._plan = plan
        self._workbook = workbook
        # After a failure links may be missing, or be another row's.
        failed = not read_property(workbook, marks.RESULT_MARK).isdigit()
        self._everything = everything or failed
        self._on_progress = on_progress
        self._sheets = Sheets(workbook)
        self._later = timedelta(days=EXCEL_DAYS_TO_1904 if workbook.Date1904 else 0)
        styles = Styles(workbook, plan.date_format, plan.colours)
        self._context = Context(workbook, plan, styles, self._shown)
        self._archive = Archive()
        self._in_archive: list[Entry] = []
        self._orders = dict(
            one.partition("=")[::2] for one in read_property(workbook, marks.ORDER_MARK).split()
        )
        self._total = sum(len(one.rows) for one in plan.tables)
        self._done = 0

    def _shown(self, moment: datetime) -> datetime:
        try:
            return moment.astimezone(self._plan.time_zone) - self._later
        except OverflowError:
            # In the last hours of the year 9999: shown as a text.
            return _NO_DAY

    def write(self) -> list[str]:
        """Place all sheets, write them, and put marks on the workbook."""
        context, view = self._context, current_view(self._workbook)
        write_properties(self._workbook, {marks.RESULT_MARK: _INTERRUPTED})
        boards = []
        self._read_archive()
        for sheet in self._plan.sheets:
            if isinstance(sheet, Board):
                worksheet, is_new = self._sheets.place_board(sheet)
                context.board_names[sheet.key] = str(worksheet.Name)
                boards.append((sheet, worksheet, is_new))
            else:
                context.tables.append(self._place(sheet))
        for table in context.tables:
            self._archive_vanished(table)
        # Before any row is deleted.
        self._write_archive()
        for table in context.tables:
            self._give_back(table)
        self._write_tables(context.tables)
        for board, worksheet, is_new in boards:
            self._tell(str(worksheet.Name))
            write_board(board, worksheet, context, is_new=is_new)
        self._write_archive()
        for table in context.tables:
            table.filter_again()
        view.restore(context.tables)
        self._mark()
        return [
            f"The filter of the column {title} on the sheet {table.name} could not be put on again."
            for table in context.tables
            for title in table.lost_filters
        ]

    def _tell(self, sheet: str) -> None:
        self._on_progress(Progress(f"Writing {sheet}", self._done, self._total))

    def _write_tables(self, tables: list[LiveTable]) -> None:
        """Write tables: rows first in all of them, since links lead from one to another."""
        for table in tables:
            self._tell(table.name)
            table.arrange()
            CellWriter(table, self._context).write(partial(self._count, table.name))
            table.write_own()
            table.sort_again()
            cover_highlights(table, self._plan.colours)
        for table in tables:
            self._tell(table.name)
            LinkWriter(table, self._context, everything=self._everything).write()

    def _count(self, sheet: str, rows: int) -> None:
        self._done += rows
        self._tell(sheet)

    def _place(self, sheet: Sheet) -> LiveTable:
        """Return a planned table in its place, with its rows worked out but not yet moved."""
        worksheet, table, places = self._sheets.place_table(sheet, self._context.styles)
        planned = identities(sheet, self._shown)
        columns = [places[column.name] for column in sheet.columns]
        old = read_table(
            worksheet,
            table,
            columns,
            [places[key] for key in sheet.identity],
            set(planned).__contains__,
        )
        merged = merge(planned, old.sheet, self._orders.get(sheet.table, ""), None)
        return LiveTable(sheet, worksheet, table, columns, old, merged)

    def _archive_vanished(self, table: LiveTable) -> None:
        """Take into the archive what is a person's in rows that are to go."""
        old, sheet = table.old, table.sheet
        ours = set(table.columns)
        place = sheet.identity.index(sheet.origin) if sheet.origin else -1

        def is_kept(row: OldRow, column: int) -> bool:
            # In a row with an id that was never listed all cells are a person's.
            return column not in ours or (place >= 0 and row.identity[place] not in self._plan.ids)

        titles = dict(enumerate(old.titles, start=old.box.left))
        notes = archived(table.merged, is_kept, titles, dict.fromkeys(table.own_columns, ""))
        vanished = table.merged.vanished
        comments = comments_of(table.worksheet, vanished, old.box)
        notes += text_notes(comments, "comment", old.sheet, titles)
        links = links_of(table.worksheet, vanished, table.own_columns)
        notes += text_notes(links, "link", old.sheet, titles)
        self._archive.add(sheet.table, notes, self._plan.made_at)

    def _give_back(self, table: LiveTable) -> None:
        """Give rows that come what belongs to them: from the archive, or what fills a column."""
        titles = {table.old.titles[at - table.old.box.left]: at for at in table.own_columns}
        self._archive.give_back(table.sheet.table, table.merged.lines, titles)
        own = dict.fromkeys(table.own_columns, "")
        fill_down(table.merged.lines, own, table.old.box.top)

    def _read_archive(self) -> None:
        model = self._plan.archive
        if model is None or self._sheets.table(model) is None:
            return
        worksheet, table, places = self._sheets.place_table(model, self._context.styles)
        old = read_table(worksheet, table, (), (), lambda _identity: False)

        def is_formula(note: OwnCell) -> bool:
            is_like_one = note.text.startswith("=")
            return (
                is_like_one and worksheet.Cells(note.row, note.column).Style.Name == _FORMULA_STYLE
            )

        self._archive.read(old.sheet, places, is_formula)
        self._in_archive = list(self._archive.entries)

    def _write_archive(self) -> None:
        """Write the archive, if it is to hold anything else than it does."""
        model = self._plan.archive
        for note in self._context.archived:
            text = str(note.value)
            cell = OwnCell(
                1, 1, (("t", "str"),), text[1:] if note.is_formula else None, (), "<v/>", text
            )
            self._archive.add(
                note.table, [OwnNote(note.row, note.column, cell)], self._plan.made_at
            )
        self._context.archived.clear()
        if model is None or self._archive.entries == self._in_archive:
            return
        self._in_archive = list(self._archive.entries)
        rows = tuple(tuple(map(_archived_cell, row)) for row in self._archive.sheet(model).rows)
        table = self._place(replace(model, rows=rows))
        self._write_tables([table])
        table.filter_again()

    def _mark(self) -> None:
        """Let the workbook say what it shows, and how the refresh went."""
        orders = ""
        for table in self._context.tables:
            if table.merged.order:
                added = f"{orders} {table.sheet.table}={table.merged.order}".strip()
                orders = added if len(added) <= LONGEST else orders
        write_properties(
            self._workbook,
            {
                marks.ORGANISATION_MARK: self._plan.organisation or "-",
                marks.ORDER_MARK: orders,
                **marks.refreshed(self._plan.compared_at, self._plan.listed),
            },
        )
