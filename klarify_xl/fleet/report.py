"""The fleet's report: a workbook with a row for each organisation, made like all our workbooks."""

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from klarify_xl import __version__
from klarify_xl.errors import TargetError
from klarify_xl.fleet.manifest import Record, State
from klarify_xl.fleet.places import file_system, is_address
from klarify_xl.headless.target import Target, Treatment
from klarify_xl.pipeline import write_plan
from klarify_xl.plan import Board, Cell, Column, Formula, Highlight, Link, Plan, Sheet, Tone
from klarify_xl.sheets.figures import Table
from klarify_xl.sheets.panels import PANEL_WIDTHS, ROW_POINTS, Cells, Panel, address
from klarify_xl.text import link_target, safe_text

_OVERVIEW: Final = "Overview"
_ORGANISATIONS: Final = "Organisations"
_TONES: Final[dict[State, Tone]] = {
    "failed": "warning",
    "not done": "pending",
    "written": "good",
    "unchanged": "retired",
}
"""States, the ones to look at first."""

_PROBLEMS: Final[dict[str, str]] = {
    "KeyRefusedError": "key refused",
    "ConfigurationError": "key or setting missing",
    "WrongAddressError": "not the Klarify API",
    "DeadlineError": "took too long",
    "ReplyTimeoutError": "no answer",
    "NetworkError": "no answer",
    "ReplyError": "answer not understood",
    "UnstableError": "list kept changing",
    "RemovalsError": "very many vanished",
    "BusyError": "store in use",
    "StoreError": "store unusable",
    "TargetLockedError": "workbook open or not ours",
    "TargetError": "file can't be written",
    "StandstillError": "stood still",
    "KilledWorker": "ended its worker",
}
"""What people call each kind of error."""

_LEFT, _MIDDLE, _RIGHT = 1, 5, 9
_DATE_ROW, _FIRST_ROW, _CHART_ROW, _CHART_ROWS = 2, 4, 18, 14
_TITLE_POINTS: Final = 30.0
_MARGIN: Final = 2.0
_GAP: Final = 3.0


def write_report(place: str, run: str, records: Sequence[Record]) -> None:
    """Write the report, in place of one of an earlier run.

    One that somebody has worked in, and any other workbook, is kept beside it.

    Args:
        place: A local path, or an address.
        run: Name of the run.
        records: What became of each organisation.

    Raises:
        TargetError: It can't be written.
        ConfigurationError: The place is no workbook's.
    """
    if not is_address(place):
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        _write(Path(place), report_plan(run, records, datetime.now(UTC), Path(place).parent))
        return
    files, path = file_system(place)
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / path.rpartition("/")[2]
        _write(local, report_plan(run, records, datetime.now(UTC)))
        try:
            files.put_file(str(local), path)
        except Exception as error:  # noqa: BLE001 -- file systems raise what they like
            raise TargetError(
                f"The report {place} can't be written ({type(error).__name__}).",
                hint="Check the setting report of the fleet, and the rights of whoever runs it.",
            ) from None


def _write(file: Path, plan: Plan) -> None:
    mark = hashlib.sha256(repr(plan).encode("utf-8", "backslashreplace")).hexdigest()
    target, treatment = Target(file), Treatment(overwrite=True)
    target.check(treatment)
    write_plan(plan, target, mark=f"fleet {mark}", treatment=treatment)


def report_plan(
    run: str, records: Sequence[Record], at: datetime, folder: Path | None = None
) -> Plan:
    """Return the report as data.

    Args:
        run: Name of the run.
        records: What became of each organisation.
        at: The moment that ages count to (UTC).
        folder: Where the report stands, for links to workbooks beside it; None for elsewhere.
    """
    order = list(_TONES)
    sorted_records = sorted(
        records, key=lambda one: (order.index(one.state), one.organisation.casefold())
    )
    sheet = _sheet(sorted_records, at, folder)
    return Plan(
        organisation="",
        title=f"Klarify fleet, run {run}",
        subject="What became of each organisation",
        made_at=at,
        made_by=f"klarify-xl {__version__}",
        sheets=(_board(run, Table(sheet), sorted_records, at), sheet),
        page_header=f"Run {run}",
        compared_at=at,
        listed=len(records),
    )


def _sheet(records: Sequence[Record], at: datetime, folder: Path | None) -> Sheet:
    return Sheet(
        name=_ORGANISATIONS,
        table=_ORGANISATIONS,
        identity=("Organisation",),
        columns=(
            Column("Organisation", width=30),
            Column("State", width=12),
            Column("Problem", width=26),
            Column("Procedures", "number", width=13),
            Column("Added", "number", width=10),
            Column("Changed", "number", width=11),
            Column("No longer listed", "number", width=17),
            Column("Listed again", "number", width=14),
            Column("High", "number", width=9),
            Column("Medium", "number", width=11),
            Column("Low", "number", width=9),
            Column("Compared (UTC)", "moment", width=18, key="Compared"),
            Column("Age (days)", "number", width=13, key="Age"),
            # So wide that the longest text which is wrapped takes no more lines than a row has.
            Column("What went wrong", width=80),
            Column("What to do", width=80),
            Column("Workbook", width=44, web=True, printed=False),
            Column("Read", width=13, printed=False),
            Column("Requests", "number", width=12, printed=False),
            Column("Seconds", "number", width=11, printed=False),
        ),
        rows=tuple(_row(one, at, folder) for one in records),
        frozen_columns=1,
        highlights=tuple(Highlight("State", state, tone) for state, tone in _TONES.items()),
        description="One row for each organisation, the ones with problems first.",
    )


def _row(record: Record, at: datetime, folder: Path | None) -> tuple[Cell, ...]:
    def counted(number: int) -> int | None:
        # A failed refresh has found nothing, which is not the same as none.
        return number if record.is_done else None

    age = (at - record.compared_at).total_seconds() / 86_400 if record.compared_at else None
    return (
        safe_text(record.organisation).text,
        record.state,
        _problem(record),
        counted(record.procedures),
        counted(record.added),
        counted(record.changed),
        counted(record.removed),
        counted(record.returned),
        counted(record.high),
        counted(record.medium),
        counted(record.low),
        record.compared_at,
        None if age is None else max(0, int(age)),
        safe_text(record.message).text or None,
        safe_text(record.hint).text or None,
        _workbook(record, folder),
        record.mode or None,
        counted(record.requests),
        None if record.state == "not done" else max(1, round(record.seconds)),
    )


def _problem(record: Record) -> str | None:
    if record.state == "not done":
        return "run ended before"
    return _PROBLEMS.get(record.error, "unexpected") if record.error else None


def _workbook(record: Record, folder: Path | None) -> Cell:
    """Return the workbook's place, as a link where people can follow it."""
    shown = safe_text(record.workbook or record.out).text
    if record.compared_at is None:
        # There has never been one, or nobody knows.
        return shown
    target = link_target(record.link) if record.link else None
    if target is None and not record.link and folder and not is_address(record.out):
        try:
            beside = os.path.relpath(record.workbook or record.out, folder)
        except ValueError:
            # On another drive of Windows.
            return shown
        target = quote(beside.replace(os.sep, "/"))
    return Link(shown, target) if target else shown


def _board(run: str, table: Table, records: Sequence[Record], at: datetime) -> Board:
    cells: Cells = {
        (0, _LEFT): (f"Klarify fleet, run {run}", "title"),
        (_DATE_ROW, _LEFT): (f"Report of {at:%Y-%m-%d %H:%M} UTC", "note"),
    }
    states = Panel(cells, _FIRST_ROW, _LEFT)
    states.head("Organisations", "Number", "Share")
    whole = Formula(address(_FIRST_ROW + 1 + len(_TONES), _LEFT + 1), len(records))
    for state in _TONES:
        states.add(state, table.exactly("State", state, states.label_cell), whole)
    chart = states.chart(
        "bar",
        "Organisations by state",
        "Bars: how many organisations were written, left unchanged, failed, or not reached.",
        _CHART_ROW,
        _CHART_ROWS,
    )
    states.add("all", table.size)
    problems = Panel(cells, _FIRST_ROW, _MIDDLE)
    problems.head("Problem", "Number")
    for problem, _ in Counter(filter(None, map(_problem, records))).most_common():
        problems.add(problem, table.exactly("Problem", problem, problems.label_cell))
    if problems.is_blank:
        problems.write("none", "note")
    found = Panel(cells, _FIRST_ROW, _RIGHT)
    found.head("Found", "Number")
    for label, key in (
        ("Procedures", "Procedures"),
        ("Added", "Added"),
        ("Changed", "Changed"),
        ("No longer listed", "No longer listed"),
        ("Listed again", "Listed again"),
        ("Findings of high severity", "High"),
        ("Findings of medium severity", "Medium"),
        ("Findings of low severity", "Low"),
        ("Requests", "Requests"),
    ):
        found.add(label, _sum(table, key))
    oldest = max((value for value in table.values("Age") if isinstance(value, int)), default=0)
    found.add("Oldest data, in days", Formula(f"MAX({table.column('Age')})", oldest))
    return Board(
        name=_OVERVIEW,
        key=_OVERVIEW,
        widths=(_MARGIN, *PANEL_WIDTHS, _GAP, *PANEL_WIDTHS, _GAP, *PANEL_WIDTHS),
        cells=cells,
        heights={
            0: _TITLE_POINTS,
            **dict.fromkeys(range(1, _CHART_ROW + _CHART_ROWS), ROW_POINTS),
        },
        charts=() if states.is_blank else (chart,),
        fits_page=True,
        description="How the run went: states, problems and sums.",
    )


def _sum(table: Table, key: str) -> Formula:
    numbers = [value for value in table.values(key) if isinstance(value, int)]
    return Formula(f"SUM({table.column(key)})", sum(numbers))
