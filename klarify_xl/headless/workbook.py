"""From a plan to a workbook: a new one, or one that stands there, refreshed in place.

A new workbook is an empty one refreshed, so that there is one way only. In a workbook that stands
there, only what is ours is touched: our sheets' rows, our tables' extent, our formats.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final

from klarify_xl.headless import marks, outside, worksheet
from klarify_xl.headless.archive import Archive
from klarify_xl.headless.boards import BoardSheet
from klarify_xl.headless.drawings import put_drawing
from klarify_xl.headless.filters import row_filter
from klarify_xl.headless.formats import Formats
from klarify_xl.headless.formulas import change_parts
from klarify_xl.headless.macros import Macros, add_macros
from klarify_xl.headless.markup import attribute_text
from klarify_xl.headless.package import (
    OFFICE,
    Package,
    Relationship,
    open_package,
    serialised,
)
from klarify_xl.headless.placing import Placing
from klarify_xl.headless.retitling import Retitling
from klarify_xl.headless.rows import RowWriter
from klarify_xl.headless.stylesheet import Stylesheet, styles_part
from klarify_xl.headless.tables import TableSheet, set_region
from klarify_xl.limits import EXCEL_DAYS_TO_1904, EXCEL_LINKS_PER_SHEET
from klarify_xl.plan import Link, Place, Plan
from klarify_xl.progress import OnProgress, Progress, ignore

_NO_DAY: Final = datetime.min.replace(tzinfo=UTC)
_BLANK_SHEET: Final = "Blank"
_CORE: Final = "docProps/core.xml"


def write_workbook(
    plan: Plan,
    file: BinaryIO,
    *,
    data_mark: str,
    present: BinaryIO | None = None,
    path: Path = Path(),
    into: bool = False,
    macros: Macros | None = None,
    on_progress: OnProgress = ignore,
) -> None:
    """Write the workbook that a plan describes; equal input gives equal bytes.

    Args:
        plan: What to show.
        file: Where to.
        data_mark: Checksum of what the plan was made from.
        present: The workbook to be refreshed in place, or None for a new one. One that no person
            has ever saved holds nothing of theirs, and is made anew.
        path: The workbook, as a person calls it.
        into: Whether our sheets may be added to a workbook that we did not make.
        macros: What a new workbook gets; one that stands there keeps its own.
        on_progress: Told after each thousand rows.

    Raises:
        TargetError: The present workbook can't be worked on, or our sheets have no place in it.
    """
    is_new = present is None or marks.read_marks(present).is_plain
    package = open_package(path, _blank(plan) if present is None or is_new else present)
    writer = _Writer(plan, package, is_new=is_new, into=into, on_progress=on_progress)
    writer.write()
    if is_new and macros is not None:
        add_macros(package, macros)
    values = {
        marks.DATA_MARK: data_mark,
        marks.ORGANISATION_MARK: plan.organisation or "-",
        marks.ORDER_MARK: writer.order,
        marks.PLAIN_MARK: "yes" if is_new else "no",
        **marks.refreshed(plan.compared_at, plan.listed),
    }
    properties = marks.prepare_properties(package)
    package.save(
        file,
        lambda checksums: (
            marks.CUSTOM,
            marks.with_properties(
                properties, {**values, marks.CONTENT_MARK: marks.content_mark(checksums)}
            ),
        ),
    )
    on_progress(Progress("Writing rows", writer.total, writer.total))


def _blank(plan: Plan) -> BinaryIO:
    """Return a workbook with one empty sheet, which is to be removed."""
    from openpyxl import Workbook  # noqa: PLC0415 -- takes long to load, and only writing needs it

    workbook = Workbook()
    workbook.worksheets[0].title = _BLANK_SHEET
    properties = workbook.properties
    properties.title = plan.title
    properties.subject = plan.subject
    properties.creator = plan.made_by
    properties.lastModifiedBy = plan.made_by
    properties.created = plan.made_at.replace(tzinfo=None, microsecond=0)
    properties.description = "\n".join(
        f"{sheet.name}: {sheet.description}" for sheet in plan.sheets
    )
    saved = io.BytesIO()
    workbook.save(saved)
    return saved


class _Writer:
    """Writes a plan into a package.

    Args:
        plan: The plan.
        package: The package.
        is_new: Whether it is the empty one that new workbooks are made from.
        into: Whether our sheets may be added to a workbook that we did not make.
        on_progress: Told after each thousand rows.
    """

    def __init__(
        self,
        plan: Plan,
        package: Package,
        *,
        is_new: bool,
        into: bool,
        on_progress: OnProgress,
    ) -> None:
        self._plan = plan
        self._package = package
        self._is_new = is_new
        self._on_progress = on_progress
        self._styles_part = styles_part(package)
        self._stylesheet = Stylesheet(package.tree(self._styles_part))
        self._formats = Formats(self._stylesheet, plan.date_format, plan.colours)
        self._later = timedelta()
        self._placing = Placing(plan, package, self._formats, self._shown, is_new=is_new, into=into)
        self._tables: dict[str, TableSheet] = {}
        if self._placing.sheets.counts_from_1904:
            self._later = timedelta(days=EXCEL_DAYS_TO_1904)
        self._boards: list[BoardSheet] = []
        self._done = 0
        self.total = 0
        self.order = ""

    def _shown(self, moment: datetime) -> datetime:
        try:
            return moment.astimezone(self._plan.time_zone) - self._later
        except OverflowError:
            # In the last hours of the year 9999: shown as a text.
            return _NO_DAY

    def write(self) -> None:
        """Place all sheets, and tell the other parts; the rows come when the package is saved."""
        if self._is_new:
            self._placing.sheets.remove(_BLANK_SHEET)
            self._stylesheet.order_fonts()
        archive = Archive()
        tables, self._boards = self._placing.place(archive)
        self._tables = {table.sheet.key: table for table in tables}
        retitling = Retitling(self._placing.renamed)
        if retitling.any:
            self._placing.sheets.change_formulas(retitling.formula)
            for one in self._our_sheets():
                one.change_formulas(retitling.formula)
            change_parts(self._package, self._our_parts(), retitling.formula)
            outside.retitle_pivots(self._package, tables, retitling)
        for table in () if self._is_new else tables:
            if table.moves.any:
                self._let_follow(table)
        self.order = " ".join(
            f"{one.sheet.table}={one.merged.order}" for one in tables if one.merged.order
        )
        self.total = sum(len(one.merged.lines) for one in tables)
        for table in tables:
            self._write_table(table)
        for board in self._boards:
            self._write_board(board)
        self._tell_others([table for table in tables if table.moves.any])

    def _our_sheets(self) -> list[TableSheet | BoardSheet]:
        return [*self._placing.tables, *self._boards]

    def _our_parts(self) -> set[str]:
        """Return the parts that are written anew."""
        tables = {one.table_part for one in self._placing.tables}
        return tables | {one.part for one in self._our_sheets()}

    def _let_follow(self, table: TableSheet) -> None:
        """Let a person's formulas on all other sheets follow the cells of one."""
        moves = table.moves
        for one in self._our_sheets():
            if one is not table:
                one.change_formulas(partial(moves.formula, home=one.name))
        if moves.below or moves.old.totals:
            done = self._our_parts().union(self._package.related(table.part, "table"))
            # Other sheets are left alone, but for references to cells that have moved.
            change_parts(self._package, done, partial(moves.formula, grows=False))

    def _tell_others(self, moved: Sequence[TableSheet]) -> None:
        """Let the parts that are not ours know of the new rows."""
        moves = [table.moves for table in moved]
        sheets = self._placing.sheets
        if self._is_new:
            self._package.put(_CORE, _dated(self._package, self._plan.made_at))
        else:
            sheets.grow(moves)
            outside.drop_calculation_chain(self._package)
            outside.grow_charts(self._package, moves)
            outside.refresh_pivots(
                self._package, [table.sheet.table for table in self._placing.tables], moves
            )
        for name, formula, sheet in self._placing.names:
            sheets.define(name, formula, sheet)
        sheets.recalculate_on_open()
        sheets.save()
        # Last, since all sheets add their formats to it while their rows are written.
        self._package.put(self._styles_part, lambda: (self._stylesheet.content(),))

    def _location(self, place: Place) -> str:
        """Return where a planned row is, as a link says it."""
        table = self._tables.get(place.sheet)
        if table is not None:
            return table.location(place.row)
        for board in self._boards:
            if board.board.key == place.sheet:
                quoted = board.name.replace("'", "''")
                return f"'{quoted}'!A{place.row + 1}"
        raise KeyError(place.sheet)

    def _titles(self, table_name: str, key: str) -> str | None:
        """Return the title that a column has in the workbook."""
        for table in self._placing.tables:
            if table.sheet.table == table_name:
                return table.title(key)
        return None

    def _write_table(self, table: TableSheet) -> None:
        links = self._links(table.part, table.root, table.links())
        set_region(table.table, table.moves)
        self._package.put_tree(table.table_part, table.table)
        table.furnish(self._formats, self._plan.page_header)
        hidden = row_filter(table.table, table.moves.new.left, table.value)
        self._put_sheet(table.part, table.root, links, lambda: self._table_rows(table, hidden))

    def _table_rows(self, table: TableSheet, hidden: Any) -> Iterator[bytes]:  # noqa: ANN401
        return RowWriter(table, self._formats, self._shown).rows(hidden, self._rows_done)

    def _rows_done(self, rows: int) -> None:
        self._done += rows
        self._on_progress(Progress("Writing rows", self._done, self.total))

    def _write_board(self, board: BoardSheet) -> None:
        links = self._links(board.part, board.root, board.links())
        put_drawing(self._package, board, self._plan.colours, self._location)
        worksheet.set_stamp(board.root, self._plan.page_header)
        self._put_sheet(
            board.part,
            board.root,
            links,
            lambda: board.rows(self._formats, self._shown, self._titles),
        )

    def _put_sheet(
        self,
        part: str,
        root: Any,  # noqa: ANN401
        links: Callable[[], Iterable[str]],
        rows: Callable[[], Iterable[bytes]],
    ) -> None:
        def pieces() -> Iterator[bytes]:
            remaining = iter(links())
            first = next(remaining, None)
            head, before, after = worksheet.split_at_rows(root, linked=first is not None)
            yield head
            yield from rows()
            yield before
            if first is not None:
                yield first.encode("utf-8", "surrogatepass")
                for link in remaining:
                    yield link.encode("utf-8", "surrogatepass")
            yield after

        self._package.put(part, pieces)

    def _links(
        self,
        part: str,
        root: Any,  # noqa: ANN401
        links: Sequence[tuple[str, Link]],
    ) -> Callable[[], Iterable[str]]:
        """Return what gives the elements of our links, to stand beside those that are a person's.

        Where they lead outside is told to the package at once.
        """
        present = list(worksheet.links_of(root))
        links = links[: max(0, EXCEL_LINKS_PER_SHEET - len(present))]
        used = {one.get(worksheet.R_ID) for one in present}
        kept = [
            one
            for one in self._package.relationships(part)
            if not (one.type == f"{OFFICE}/hyperlink" and one.external and one.id not in used)
        ]
        taken = {one.id for one in kept}
        free = (f"rId{number}" for number in count(1) if f"rId{number}" not in taken)
        added = [
            Relationship(next(free), f"{OFFICE}/hyperlink", link.target, external=True)
            for _address, link in links
            if not isinstance(link.target, Place)
        ]
        self._package.set_relationships(part, [*kept, *added])
        return partial(self._link_elements, links, [one.id for one in added])

    def _link_elements(
        self, links: Sequence[tuple[str, Link]], outside: Sequence[str]
    ) -> Iterator[str]:
        """Yield the elements of links.

        Args:
            links: The links with the addresses of their cells.
            outside: The ids of relationships, for those that lead outside.
        """
        ids = iter(outside)
        hints: dict[str, str] = {}
        for address, link in links:
            if isinstance(link.target, Place):
                where = f'location="{attribute_text(self._location(link.target))}"'
            else:
                where = f'r:id="{next(ids)}"'
            if link.hint not in hints:
                told = f' tooltip="{attribute_text(link.hint)}"' if link.hint else ""
                hints[link.hint] = told
            yield f'<hyperlink ref="{address}" {where}{hints[link.hint]}/>'


def _dated(package: Package, made_at: datetime) -> bytes:
    """Return the core properties with the time stamp of the document."""
    root = package.tree(_CORE)
    for element in root.iter("{http://purl.org/dc/terms/}modified"):
        element.text = f"{made_at:%Y-%m-%dT%H:%M:%S}Z"
    return serialised(root)
