"""The sheet for a first look: what there is, who keeps it, how old it is, what needs care.

Every figure is a formula on the workbook's tables, and names lead to the rows they stand for.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from itertools import pairwise
from typing import Final

from klarify_xl.language import Language
from klarify_xl.model import STATUSES
from klarify_xl.plan import Board, Chart, Formula, Sheet
from klarify_xl.records import CHANGE_WORDS
from klarify_xl.sheets.figures import Table, quoted, serial_day, serial_days
from klarify_xl.sheets.inventory import Inventory
from klarify_xl.sheets.panels import PANEL_WIDTHS, ROW_POINTS, Cells, Panel, address, number

OVERVIEW: Final = "Overview"

MOST_NAMES: Final = 10
"""Owners and lanes listed by name."""

OLD_AFTER: Final = 7
"""Days from which the sheet warns of the age of its data."""

_UPDATED: Final = "Updated"
_NOTICED: Final = "Noticed"
_MATCHES: Final = ("resolved", "ambiguous", "unresolved")
_AGE_ENDS: Final = (30, 90, 180, 365)
"""Days since the last change with which one age ends and the next begins."""

_MARGIN: Final = 2.0
_GAP: Final = 3.0
_TITLE_POINTS: Final = 30.0
_LEFT, _MIDDLE, _RIGHT = 1, 5, 9
"""Columns in which the panels that stand side by side begin."""

_DATE_ROW, _TOTALS_ROW, _UPPER_ROW, _LOWER_ROW = 2, 5, 7, 28
FAILURE_PLACE: Final = (_DATE_ROW + 1, _MIDDLE)
"""Row and column, from 0, of what the sheet says when its refresh has failed."""

_UPPER_CHART: Final = (15, 12)
_SMALL_CHART: Final = (20, 7)
_LOWER_CHART: Final = (43, 15)
"""First row and number of rows of the charts below the panels."""


def overview_board(
    inventory: Inventory,
    sheets: Sequence[Sheet],
    *,
    organisation: str,
    as_of: datetime | None,
    part: str = "",
    time_zone: tzinfo = UTC,
    old_after: int = OLD_AFTER,
) -> Board:
    """Return the sheet for a first look.

    Args:
        inventory: What the other sheets show.
        sheets: The sheets that are tables, as they are written.
        organisation: Whose procedures these are, "" if that is not known.
        as_of: The moment that the data is from, None if there is none yet.
        part: Which part of the organisation this is, in words; "" for all of it.
        time_zone: In which moments are shown.
        old_after: Days from which the sheet warns of the age of its data.
    """
    return _Overview(inventory, sheets, as_of, time_zone).board(organisation, part, old_after)


def failure_told(failed_at: datetime, say: Language, time_zone: tzinfo) -> str:
    """Return what the sheet says in `FAILURE_PLACE` when its refresh has failed.

    Args:
        failed_at: When.
        say: Gives an English text in the workbook's language.
        time_zone: In which moments are shown.
    """
    moment = f"{failed_at.astimezone(time_zone):%Y-%m-%d %H:%M}"
    text = say("The refresh of {moment} failed: this is what was read before.")
    return text.replace("{moment}", moment)


class _Overview:
    """Fills the board, panel by panel."""

    def __init__(
        self,
        inventory: Inventory,
        sheets: Sequence[Sheet],
        as_of: datetime | None,
        time_zone: tzinfo,
    ) -> None:
        self._say = inventory.say
        tables = {sheet.table: Table(sheet, inventory) for sheet in sheets}
        self._procedures = tables["Procedures"]
        self._lanes = tables["Lanes"]
        self._relationships = tables["Relationships"]
        self._changes = tables["Changes"]
        self._health = tables["Health"]
        self._as_of = as_of
        self._time_zone = time_zone
        self._cells: Cells = {}
        self._charts: list[Chart] = []
        self._all = Formula(address(_TOTALS_ROW, _LEFT + 1), self._procedures.size.value)

    def board(self, organisation: str, part: str, old_after: int) -> Board:
        say = self._say
        self._head(organisation, part, old_after)
        self._totals()
        self._statuses()
        self._ages()
        self._last_changes()
        self._matches()
        self._owners()
        self._lanes_of_most()
        self._findings()
        last_row = sum(_LOWER_CHART)
        return Board(
            name=say("Overview"),
            key=OVERVIEW,
            widths=(_MARGIN, *PANEL_WIDTHS, _GAP, *PANEL_WIDTHS, _GAP, *PANEL_WIDTHS),
            cells=self._cells,
            # Charts stand beside rows: a name of several lines must not push these down.
            heights={0: _TITLE_POINTS, **dict.fromkeys(range(1, last_row), ROW_POINTS)},
            charts=tuple(self._charts),
            fits_page=True,
            description=say("What there is, who keeps it, how old it is and what needs care."),
        )

    def _panel(self, row: int, column: int) -> Panel:
        return Panel(self._cells, row, column)

    def _head(self, organisation: str, part: str, old_after: int) -> None:
        say = self._say
        title = say("Procedures of {organisation}") if organisation else say("Procedures")
        title = title.replace("{organisation}", organisation)
        self._cells[0, _LEFT] = (f"{title}: {part}" if part else title, "title")
        self._cells[_DATE_ROW - 1, _LEFT] = (say("Data as of"), "label")
        self._cells[_DATE_ROW, _LEFT] = (self._as_of or say("no refresh yet"), "moment")
        if self._as_of:
            self._cells[_DATE_ROW - 1, _MIDDLE] = (say("Age of the data"), "label")
            self._cells[_DATE_ROW, _MIDDLE] = (self._data_age(self._as_of, old_after), "label")
        note = say("This is when the data was last compared with Klarify.")
        self._cells[_DATE_ROW + 1, _LEFT] = (note, "note")
        # Kept free for what is to be said when a refresh fails.
        self._cells[FAILURE_PLACE] = (None, "note")

    def _data_age(self, as_of: datetime, old_after: int) -> Formula:
        """Return the age of the data in words; where nothing calculates, the day it is from."""
        say = self._say
        days = f"(TODAY()-{self._day})"

        def told(sentence: str) -> str:
            before, _days, after = sentence.partition("{days}")
            return f"{quoted(before)}&{days}&{quoted(after)}"

        text = (
            f"IF({days}>={old_after},"
            f"{told(say('Data is {days} days old: refresh it before relying on it.'))},"
            f"IF({days}>1,{told(say('Data is {days} days old.'))},"
            f"IF({days}=1,{quoted(say('Data is 1 day old.'))},"
            f"{quoted(say('Data is from today.'))})))"
        )
        day = f"{as_of.astimezone(self._time_zone):%Y-%m-%d}"
        return Formula(text, say("Data is from {day}.").replace("{day}", day))

    @property
    def _day(self) -> str:
        """The day that the data is from, as a formula; 0 where its cell holds a text."""
        return f"INT(N({address(_DATE_ROW, _LEFT)}))"

    def _totals(self) -> None:
        say = self._say
        for column, label, table in (
            (_LEFT, say("Procedures"), self._procedures),
            (_MIDDLE, say("Relationships"), self._relationships),
            (_RIGHT, say("Findings"), self._health),
        ):
            first = 0 if table.sheet.rows else None
            self._panel(_TOTALS_ROW, column).add(table.link_to_row(label, first), table.size)

    def _statuses(self) -> None:
        say = self._say
        panel = self._panel(_UPPER_ROW, _LEFT)
        panel.head(say("Status"), say("Number"), say("Share"))
        labels = (say("Published"), say("Draft"), say("Archived"))
        for label, status in zip(labels, STATUSES, strict=True):
            figure = self._procedures.exactly("Status", status, quoted(status))
            panel.add(self._procedures.link(label, "Status", status), figure, self._all)
        known = panel.total
        others = Formula(f"{self._all.text}-{known.text}", number(self._all) - number(known))
        panel.add(say("Other status"), others, self._all)
        title = say("Procedures by status")
        description = say("Bars: how many procedures are published, draft, archived or other.")
        self._draw(panel.chart("bar", title, description, *_UPPER_CHART), panel)

    def _ages(self) -> None:
        say = self._say
        panel = self._panel(_UPPER_ROW, _MIDDLE)
        panel.head(say("Last change"), say("Number"), say("Share"))
        labels = (
            say("up to 30 days ago"),
            say("31–90 days"),
            say("91–180 days"),
            say("181–365 days"),
            say("over 365 days"),
        )
        for label, (over, end) in zip(labels, pairwise((None, *_AGE_ENDS, None)), strict=True):
            panel.add(label, self._changed_between(over, end), self._all)
        dated = Formula(f"COUNT({self._procedures.column(_UPDATED)})", len(self._updated))
        unknown = number(self._all) - number(dated)
        panel.add(say("unknown"), Formula(f"{self._all.text}-{dated.text}", unknown), self._all)
        title = say("Time since the last change")
        description = say("Columns: how many procedures were last changed how long ago.")
        self._draw(panel.chart("column", title, description, *_UPPER_CHART), panel)

    @cached_property
    def _updated(self) -> list[float]:
        """Return when procedures were last changed, in days as Excel counts them."""
        days = serial_days(self._procedures.values(_UPDATED), self._time_zone)
        return [day for day in days if day is not None]

    def _changed_between(self, over: int | None, end: int | None) -> Formula:
        """Return how many procedures were last changed more than, and up to, so many days ago."""
        column = self._procedures.column(_UPDATED)
        # Whole days: on its way into a criterion, a fraction would be rounded.
        criteria = [f'{column},"<"&({self._day}-{over})'] if over else []
        criteria += [f'{column},">="&({self._day}-{end})'] if end else []
        today = int(serial_day(self._as_of, self._time_zone) or 0) if self._as_of else 0
        found = sum(
            (over is None or day < today - over) and (end is None or day >= today - end)
            for day in self._updated
        )
        return Formula(f"COUNTIFS({','.join(criteria)})", found)

    def _last_changes(self) -> None:
        say, changes = self._say, self._changes
        panel = self._panel(_UPPER_ROW, _RIGHT)
        panel.head(say("Changes noticed last"), say("Number"))
        days = serial_days(changes.values(_NOTICED), self._time_zone)
        noticed = changes.column(_NOTICED)
        last = max((day for day in days if day is not None), default=None)
        never = say("none since the first refresh")
        text = f"IF(COUNT({noticed})=0,{quoted(never)},MAX({noticed}))"
        panel.write(Formula(text, never if last is None else last), "moment")
        panel.row += 1
        told = changes.texts("Change")
        for word in map(say, CHANGE_WORDS.values()):
            rows = [row for row, day in enumerate(days) if day == last and told[row] == word]
            same = f"EXACT({changes.column('Change')},{panel.label_cell})"
            figure = Formula(f"SUMPRODUCT(({noticed}=MAX({noticed}))*{same})", len(rows))
            panel.add(changes.link_to_row(word, rows[0] if rows else None), figure)
        panel.write(say("Rows of Changes: one for each field."), "note")

    def _matches(self) -> None:
        say, table = self._say, self._relationships
        panel = self._panel(_UPPER_CHART[0], _RIGHT)
        panel.head(say("Relationships"), say("Number"), say("Share"))
        whole = Formula(address(_TOTALS_ROW, _MIDDLE + 1), table.size.value)
        for word in map(say, _MATCHES):
            figure = table.exactly("Match", word, panel.label_cell)
            panel.add(table.link(word, "Match", word), figure, whole)
        title = say("Relationships by match")
        description = say("Bars: how many references lead to one procedure, several or none.")
        self._draw(panel.chart("bar", title, description, *_SMALL_CHART), panel)

    def _owners(self) -> None:
        say, table = self._say, self._procedures
        panel = self._panel(_LOWER_ROW, _LEFT)
        panel.head(say("Owner"), say("Number"), say("Share"))
        self._add_most_frequent(panel, table, "Owner")
        title = say("Owners of most procedures")
        description = say("Bars: how many procedures each of the most frequent owners has.")
        self._draw(panel.chart("bar", title, description, *_LOWER_CHART), panel)
        named, nobody = panel.total, table.empty("Owner")
        none_cell = address(panel.row + 1, _LEFT + 1)
        text = f"{self._all.text}-{named.text}-{none_cell}"
        others = number(self._all) - number(named) - number(nobody)
        panel.add(say("All other owners"), Formula(text, others), self._all)
        panel.add(table.link_to_first_empty(say("No owner"), "Owner"), nobody, self._all)

    def _lanes_of_most(self) -> None:
        say, table = self._say, self._lanes
        panel = self._panel(_LOWER_ROW, _MIDDLE)
        panel.head(say("Lane"), say("Number"), say("Share"))
        self._add_most_frequent(panel, table, "Lane")
        title = say("Lanes of most procedures")
        description = say("Bars: how many procedures have each of the most frequent lanes.")
        self._draw(panel.chart("bar", title, description, *_LOWER_CHART), panel)
        named, rows = panel.total, table.size
        # A procedure has several lanes, so that these are no share of the procedures.
        others = Formula(f"{rows.text}-{named.text}", number(rows) - number(named))
        panel.add(say("All other lanes"), others)
        label = self._procedures.link_to_first_empty(say("No lane"), "Lanes")
        panel.add(label, self._procedures.empty("Lanes"), self._all)

    def _add_most_frequent(self, panel: Panel, table: Table, key: str) -> None:
        for text in table.most_frequent(key, MOST_NAMES):
            figure = table.exactly(key, text, panel.label_cell)
            panel.add(table.link(text, key, text), figure, self._all)

    def _findings(self) -> None:
        say, table = self._say, self._health
        panel = self._panel(_LOWER_ROW, _RIGHT)
        panel.head(say("Finding"), say("Number"), say("Severity"))
        kinds = dict(zip(table.texts("Finding"), table.texts("Severity"), strict=True))
        for kind, severity in kinds.items():
            panel.write(severity, "role", 2)
            figure = table.exactly("Finding", kind, panel.label_cell)
            panel.add(table.link(kind, "Finding", kind), figure)
        if not kinds:
            panel.write(say("nothing found"), "note")
        title = say("Findings by kind")
        description = say("Bars: how many findings of each kind Health lists.")
        self._draw(panel.chart("bar", title, description, *_LOWER_CHART), panel)

    def _draw(self, chart: Chart, panel: Panel) -> None:
        """Add a chart, unless it would show nothing."""
        if not panel.is_blank:
            self._charts.append(chart)
