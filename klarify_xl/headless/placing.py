"""Finds the planned sheets in a workbook or gives them a place, and works out their rows."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from klarify_xl.errors import TargetError, TargetLockedError
from klarify_xl.headless import marks, worksheet
from klarify_xl.headless.archive import Archive, text_notes
from klarify_xl.headless.boards import (
    BoardSheet,
    cells_name,
    defined_name,
    written_areas,
    written_cells,
)
from klarify_xl.headless.cells import CellReader
from klarify_xl.headless.comments import follow_comments
from klarify_xl.headless.formats import Formats
from klarify_xl.headless.merge import (
    Line,
    archived,
    fill_down,
    follow_cells,
    identities,
    merge,
    moves_of,
    sort_key,
)
from klarify_xl.headless.moves import Moves, Region
from klarify_xl.headless.neighbours import (
    follow_formulas,
    follow_neighbours,
    limit_beside,
    neighbours,
)
from klarify_xl.headless.package import Package
from klarify_xl.headless.reading import (
    Columns,
    Identity,
    OldRow,
    OldSheet,
    read_sheet,
    restore_header,
    table_region,
    take_beside,
)
from klarify_xl.headless.references import letter_of, quoted_sheet
from klarify_xl.headless.sheetlist import FoundTable, SheetList
from klarify_xl.headless.tables import (
    TABLE_TYPE,
    TableSheet,
    add_column,
    adopt_columns,
    column_titles,
    matched_titles,
    new_table,
    own_formulas,
    planned_value,
    rename_columns,
    titles_by_column,
)
from klarify_xl.plan import Board, Plan, Sheet

_MAIN_TABLE: Final = "Procedures"
_NONE: Final = Columns((), ())


def refuse_foreign(package: Package, *, into: bool) -> None:
    """Refuse a workbook that holds none of our sheets, unless they are to be added to it.

    Args:
        package: The workbook's package.
        into: Whether our sheets are to be added.

    Raises:
        TargetError: It is not ours.
    """
    if not into and _MAIN_TABLE.casefold() not in SheetList(package).tables:
        raise TargetLockedError(
            f"The workbook {package.path} is not from klarify-xl, so it was left alone.",
            hint="Choose another --out, use --into to add the Klarify sheets to it, or --overwrite "
            "to replace it, which keeps the present file beside.",
        )


class Placing:
    """Gives a plan's sheets their places in a workbook.

    Args:
        plan: The plan.
        package: The workbook's package.
        formats: Formats of our cells.
        shown: Gives a moment in the time zone in which it is shown.
        is_new: Whether the workbook is empty.
        into: Whether our sheets may be added to a workbook that we did not make.

    Raises:
        TargetError: It is not ours, and our sheets may not be added.
    """

    def __init__(
        self,
        plan: Plan,
        package: Package,
        formats: Formats,
        shown: Callable[[datetime], datetime],
        *,
        is_new: bool,
        into: bool,
    ) -> None:
        self._plan = plan
        self._package = package
        self._formats = formats
        self._shown = shown
        self._reader = CellReader(package)
        self.sheets = SheetList(package)
        self.tables: list[TableSheet] = []
        self.names: list[tuple[str, str, str | None]] = []
        self.renamed: dict[str, dict[str, str]] = {}
        properties = marks.read_properties(package)
        self._orders = dict(
            one.partition("=")[::2] for one in properties.get(marks.ORDER_MARK, "").split()
        )
        self._is_ours = is_new or self._holds_ours(properties)
        if not is_new:
            refuse_foreign(package, into=into)

    def _holds_ours(self, properties: dict[str, str]) -> bool:
        """Tell whether a table by the name of our main one is ours."""
        found = self.sheets.tables.get(_MAIN_TABLE.casefold())
        if found is None:
            return False
        if properties.get(marks.DATA_MARK):
            return True
        # Some programs drop the marks: then the columns tell.
        planned = next(one for one in self._plan.tables if one.table == _MAIN_TABLE)
        return len(matched_titles(planned, column_titles(found.root))) == len(planned.columns)

    def place(self, archive: Archive) -> tuple[list[TableSheet], list[BoardSheet]]:
        """Return all sheets in their places.

        Args:
            archive: Takes in a person's cells whose rows have gone.
        """
        self._refuse_clashes()
        if self._plan.archive is not None:
            self._read_archive(archive, self._plan.archive)
        boards = []
        for sheet in self._plan.sheets:
            if isinstance(sheet, Board):
                boards.append(self._place_board(sheet, archive))
            else:
                self.tables.append(self._place_table(sheet, archive))
        model = self._plan.archive
        if model is not None and (archive.entries or self._found(model)):
            self.tables.append(self._place_table(archive.sheet(model), None))
        return self.tables, boards

    def _found(self, sheet: Sheet) -> FoundTable | None:
        return self.sheets.tables.get(sheet.table.casefold()) if self._is_ours else None

    def _refuse_clashes(self) -> None:
        """Refuse, before anything is worked out, what would need a name that is taken."""
        archive = [self._plan.archive] if self._plan.archive else []
        for sheet in (*self._plan.sheets, *archive):
            if isinstance(sheet, Board):
                if (
                    self.sheets.sheet_named_by(defined_name(sheet.key)) is not None
                    and self._is_ours
                ):
                    continue
                taken = self.sheets.defines(defined_name(sheet.key))
                clash = f"the name {defined_name(sheet.key)}" if taken else ""
            else:
                if self._found(sheet) is not None:
                    continue
                if sheet.table.casefold() in self.sheets.tables:
                    clash = f"a table named {sheet.table}"
                else:
                    taken = self.sheets.defines(sheet.table)
                    clash = f"the name {sheet.table}" if taken else ""
            if not clash and self.sheets.holds(sheet.name):
                clash = f"a sheet named {sheet.name}"
            if clash:
                raise TargetError(
                    f"The workbook {self._package.path} has {clash} of its own.",
                    hint="Rename it there, and try again. Nothing was changed.",
                )

    def _read(
        self,
        part: str,
        region: Region | None,
        columns: Columns,
        is_known: Callable[[Identity], bool] = lambda _identity: False,
        is_our_link: Callable[[int, int], bool] = lambda _row, _column: False,
    ) -> OldSheet:
        with self._package.sound(part):
            return read_sheet(
                self._package, part, self._reader, region, columns,
                is_known=is_known, is_our_format=self._formats.is_ours,
                is_our_link=is_our_link,
            )  # fmt: skip

    def _read_archive(self, archive: Archive, model: Sheet) -> None:
        found = self._found(model)
        if found is None:
            return
        region = table_region(found.root)
        titles = column_titles(found.root)
        columns = {
            key: region.left + titles.index(title)
            for key, title in matched_titles(model, titles).items()
        }
        if set(columns) != {column.name for column in model.columns}:
            raise TargetError(
                f"The sheet {found.sheet} of {self._package.path} lacks columns.",
                hint="Give its columns their titles back: "
                + ", ".join(column.title for column in model.columns),
            )
        old = self._read(found.sheet_part, region, _NONE)
        archive.read(old, columns, self._formats.is_formula_note)

    def _place_board(self, board: Board, archive: Archive) -> BoardSheet:
        present = self.sheets.sheet_named_by(defined_name(board.key)) if self._is_ours else None
        areas = written_areas(board, quoted_sheet(present or board.name))
        written = written_cells(self.sheets.meaning(cells_name(board)))
        if areas or written is not None:
            self.names.append((cells_name(board), areas or "#N/A", None))
        if present is None:
            root = worksheet.new_sheet(
                board.widths,
                frozen=board.frozen,
                stamp=self._plan.page_header,
                gridlines=board.gridlines,
                fits_page=board.fits_page,
            )
            part = self.sheets.add(board.name)
            self.names.append((defined_name(board.key), f"{quoted_sheet(board.name)}!$A$1", None))
            if board.headings:
                titles = f"{quoted_sheet(board.name)}!$1:${board.headings}"
                self.names.append(("_xlnm.Print_Titles", titles, board.name))
            return BoardSheet(board, board.name, part, root, OldSheet(root))
        part = self.sheets.parts[present]
        old = self._read(part, None, Columns((), (), written))
        placed = BoardSheet(board, present, part, old.root, old)
        placed.sort_out(self._formats.is_ours, written)
        archive.add(board.key, placed.overwritten, self._plan.made_at)
        worksheet.drop_links(old.root, lambda row, column: (row, column) not in placed.own_places)
        return placed

    def _place_table(self, sheet: Sheet, archive: Archive | None) -> TableSheet:
        found = self._found(sheet)
        planned = identities(sheet, self._shown)
        if found is None:
            return self._new_table(sheet, planned)
        table = found.root
        restore_header(self._package, found.sheet_part, self._reader, table)
        region = table_region(table)
        titles = column_titles(table)
        found_titles = matched_titles(sheet, titles)
        present = {name: region.left + titles.index(title) for name, title in found_titles.items()}
        columns = Columns(
            # A column that is missing tells nothing of a row.
            frozenset(present.values()),
            [present.get(key, 0) for key in sheet.identity],
        )
        linked = {present.get(sheet.columns[index].name, 0) for index in sheet.linked}
        is_our_link = partial(_is_within, region, linked)
        is_known = set(planned).__contains__
        old = self._read(found.sheet_part, region, columns, is_known, is_our_link)
        areas = neighbours(self._package, found.sheet_part, found.part, old)
        reach = take_beside(old, region, limit_beside(areas, region))
        missing = [column for column in sheet.columns if column.name not in present]
        width = region.right
        if missing:
            # Excel, too, makes what stands beside a table its columns.
            adopt_columns(table, old, region, reach, [column.title for column in sheet.columns])
            width = reach + len(missing)
            self._make_room(found, old, region, (reach, width))
            present |= {column.name: reach + at for at, column in enumerate(missing, start=1)}
        places = [present[column.name] for column in sheet.columns]
        renamed = {
            found_titles[column.name]: column.title
            for column in sheet.columns
            if found_titles.get(column.name, column.title) != column.title
        }
        self.renamed[sheet.table] = renamed
        rename_columns(table, renamed)
        for column in missing:
            add_column(table, column.title)
        titles = column_titles(table)
        key = sort_key(table, lambda line, column: planned_value(sheet, places, line, column))
        merged = merge(planned, old, self._orders.get(sheet.table, ""), key)
        moves = moves_of(found.sheet, region, old, merged.lines, (width, reach), areas)
        self._let_follow(found, merged.lines, old, moves)
        worksheet.drop_links(old.root, is_our_link)
        vanished_links = self._vanished_links(found.sheet_part, old, moves)
        comments = follow_comments(self._package, found.sheet_part, moves.place)
        beside = range(width + 1, reach + 1)
        by_column = titles_by_column(titles, region, beside, old.outside)
        by_title = {by_column[at]: at for at in reversed(by_column) if at not in places}
        formulas = own_formulas(table, region, places) | dict.fromkeys(beside, "")
        if archive is not None:
            archive.give_back(sheet.table, merged.lines, by_title)
            notes = archived(merged, self._kept(sheet, set(places)), by_column, formulas)
            notes += text_notes(comments, "comment", old, by_column)
            notes += text_notes(vanished_links, "link", old, by_column)
            archive.add(sheet.table, notes, self._plan.made_at)
        fill_down(merged.lines, formulas, moves.new.first)
        worksheet.follow(old.root, moves)
        return TableSheet(
            sheet, found.sheet, found.sheet_part, found.part, old.root, table, places, old,
            merged, moves, worksheet.column_widths(old.root),
        )  # fmt: skip

    def _vanished_links(self, part: str, old: OldSheet, moves: Moves) -> dict[tuple[int, int], str]:
        addresses = {one.id: one.target for one in self._package.relationships(part)}
        return worksheet.vanished_links(old.root, addresses, moves)

    def _let_follow(
        self, found: FoundTable, lines: Sequence[Line], old: OldSheet, moves: Moves
    ) -> None:
        """Let formulas, other tables and pivot tables on a table's sheet follow their cells."""
        if moves.any:
            follow_cells(lines, old, moves)
            follow_formulas(found.root, moves)
            follow_neighbours(self._package, found.sheet_part, found.part, moves)

    def _kept(self, sheet: Sheet, ours: set[int]) -> Callable[[OldRow, int], bool]:
        """Return what tells whether a vanished row's cell is to be kept: a person's is.

        In a row with an id that was never listed all cells are a person's.
        """
        place = sheet.identity.index(sheet.origin) if sheet.origin else -1

        def is_kept(row: OldRow, column: int) -> bool:
            if column not in ours:
                return True
            return place >= 0 and row.identity[place] not in self._plan.ids

        return is_kept

    def _make_room(
        self, found: FoundTable, old: OldSheet, region: Region, ends: tuple[int, int]
    ) -> None:
        """Refuse to write new columns over a person's cells right of the table.

        Args:
            found: The table.
            old: What stands on its sheet.
            region: Where it is.
            ends: The last column that is taken, and the last one that is needed.
        """
        reach, width = ends
        for row, cells in old.outside.items():
            for column, cell in cells.items():
                if reach < column <= width and row >= region.top and not cell.is_empty:
                    raise TargetError(
                        f"New columns of the sheet {found.sheet} of {self._package.path} have no "
                        f"room: {letter_of(column)}{row} is in use.",
                        hint=f"Move what stands right of the table {width - reach} columns to the "
                        "right. Nothing was changed.",
                    )

    def _new_table(self, sheet: Sheet, planned: Sequence[tuple[str, ...]]) -> TableSheet:
        widths = [column.width for column in sheet.columns]
        root = worksheet.new_sheet(
            widths, table=True, frozen=(1, sheet.frozen_columns), stamp=self._plan.page_header
        )
        part = self.sheets.add(sheet.name)
        table_part = self._package.free_name("xl/tables/table{}.xml")
        self._package.put(table_part, b"")
        self._package.set_content_type(table_part, TABLE_TYPE)
        table = new_table(sheet, self.sheets.next_table_number())
        worksheet.add_table_part(root, self._package.relate(part, "table", table_part))
        merged = merge(planned, None, "", None)
        width = len(sheet.columns)
        old_region = Region(1, width, 1, 2, 2)
        new_region = Region(1, width, 1, 2, max(2, 1 + len(sheet.rows)))
        worksheet.ignore_number_warnings(root, new_region.ref)
        printed = sum(column.printed for column in sheet.columns)
        quoted = quoted_sheet(sheet.name)
        area = f"{quoted}!$A$1:${letter_of(printed)}${new_region.last}"
        self.names.append(("_xlnm.Print_Area", area, sheet.name))
        self.names.append(("_xlnm.Print_Titles", f"{quoted}!$1:$1", sheet.name))
        return TableSheet(
            sheet, sheet.name, part, table_part, root, table, list(range(1, width + 1)),
            OldSheet(root), merged, Moves(sheet.name, old_region, new_region),
        )  # fmt: skip


def _is_within(region: Region, columns: Collection[int], row: int, column: int) -> bool:
    return region.first <= row <= region.last and column in columns
