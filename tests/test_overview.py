"""The overview's figures: right now, and right when a program works them out anew."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl.formula import Tokenizer

from klarify_xl.demo import Organisation
from klarify_xl.health import KINDS
from klarify_xl.language import LANGUAGES, Language
from klarify_xl.model import STATUSES
from klarify_xl.options import Options
from klarify_xl.plan import Board, Link, Place, Plan
from klarify_xl.records import CHANGE_WORDS
from klarify_xl.sheets.overview import overview_board
from klarify_xl.text import safe_text

from .boards import (
    COLUMN,
    formulas,
    inventory_of,
    panel,
    recalculated,
    shown_value,
    with_board,
)
from .workbooks import NOW, hostile_organisation, plan_of, write

AGE_CELL = (2, 5)
LABELS = {"published": "Published", "draft": "Draft", "archived": "Archived"}

TRAPS = ["*", "a?", "~", ">5", "=x", "JOHN", "john", "007", "Z" * 300, "<>"]
"""Owners that a criterion of COUNTIFS would misread, or take for others."""

CONFUSED = ["anything", "ab", "~~", "6", "x", "John", "john ", "7", "Z" * 299, "A?"]
"""Owners that it would take for them."""


def overview_of(plan: Plan, **options: Any) -> Board:
    """Return the overview of a planned workbook."""
    options = {"organisation": plan.organisation, "as_of": plan.made_at, **options}
    return overview_board(inventory_of([]), plan.tables, **options)


def trapped_organisation() -> Organisation:
    """Return an organisation whose owners and lanes are traps, beside what they'd be taken for."""
    organisation = Organisation(procedures=0, now=NOW)
    for text in TRAPS:
        organisation.add(owner=text, lanes=[text], status="PUBLISHED")
        organisation.add(owner=text, lanes=[text, "another"], status="published")
    for text in CONFUSED:
        organisation.add(owner=text, lanes=[text], status="draft ")
    organisation.add(owner=None, lanes=[])
    organisation.add(owner="   ", lanes=[])
    return organisation


ORGANISATIONS: dict[str, Callable[[], Organisation]] = {
    "demo": lambda: Organisation(procedures=250, seed=7, now=NOW),
    "empty": lambda: Organisation(procedures=0, now=NOW),
    "one": lambda: Organisation(procedures=1, seed=7, now=NOW),
    "hostile": hostile_organisation,
    "traps": trapped_organisation,
}


@pytest.fixture(scope="module", params=ORGANISATIONS)
def workbook(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook of each organisation, after a refresh that noticed changes."""
    file = tmp_path_factory.mktemp("overview") / f"{request.param}.xlsx"
    organisation = ORGANISATIONS[request.param]()
    write(organisation, file)
    if len(organisation.rows) > 1:
        for row in organisation.rows[:3]:
            organisation.edit(row["id"], owner="Somebody else", performer="Another")
        organisation.add(name="Brand new")
        organisation.remove(organisation.rows[4]["id"])
        write(organisation, file, full=True)
    return file


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of a sample organisation's workbook."""
    file = tmp_path_factory.mktemp("demo") / "demo.xlsx"
    write(Organisation(procedures=250, seed=7, now=NOW), file)
    return plan_of(file)


def planned(organisation: Organisation, file: Path) -> Plan:
    write(organisation, file)
    return plan_of(file)


def column(plan: Plan, table: str, title: str) -> list[Any]:
    sheet = next(sheet for sheet in plan.tables if sheet.table == table)
    index = [one.title for one in sheet.columns].index(title)
    return [shown_value(row[index]) for row in sheet.rows]


def test_libreoffice_works_out_the_same_figures(workbook: Path) -> None:
    board = overview_of(plan_of(workbook))
    found = recalculated(with_board(workbook, board), board.name)
    wanted = formulas(board)
    del wanted[AGE_CELL]
    assert len(wanted) > 30
    for place, formula in wanted.items():
        value = found.get(place)
        if isinstance(value, datetime):
            value = (value - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001 -- Excel's
        assert value == pytest.approx(formula.value, abs=1e-9), formula.text


def test_the_counts_are_those_of_the_procedures(demo: Plan) -> None:
    board = overview_of(demo)
    statuses = Counter(column(demo, "Procedures", "Status"))
    figures = panel(board, "Status")
    assert figures == {
        **{LABELS[status]: statuses[status] for status in STATUSES},
        "Other status": 250 - sum(statuses[status] for status in STATUSES),
    }
    assert figures["Published"] > figures["Draft"] > 0
    shares = panel(board, "Status", offset=2)
    assert shares["Published"] == pytest.approx(statuses["published"] / 250)


@pytest.mark.parametrize(("table", "title"), [("Procedures", "Owner"), ("Lanes", "Lane")])
def test_owners_and_lanes_are_the_most_frequent_with_all_others(
    demo: Plan, table: str, title: str
) -> None:
    *named, others, none = panel(overview_of(demo), title).items()
    counts = Counter(column(demo, table, title))
    without = counts.pop(None, 0) if title == "Owner" else column(demo, "Procedures", "Lanes")
    assert dict(named) == {name: counts[name] for name, _number in named}
    assert [number for _name, number in named] == [number for _, number in counts.most_common(10)]
    assert others == (
        f"All other {title.lower()}s",
        sum(counts.values()) - sum(dict(named).values()),
    )
    missing = without if isinstance(without, int) else without.count(None)
    assert none == (f"No {title.lower()}", missing)
    assert missing > 0


def test_names_that_criteria_misread_are_counted_exactly(tmp_path: Path) -> None:
    board = overview_of(planned(trapped_organisation(), tmp_path / "traps.xlsx"))
    for title in ("Owner", "Lane"):
        figures = panel(board, title)
        trapped = dict.fromkeys(TRAPS, 2)
        wanted = trapped if title == "Owner" else {**trapped, "another": 10}
        named = {label: figures[label] for label in list(figures)[:10]}
        assert named.items() <= wanted.items()
    assert panel(board, "Owner")["No owner"] == 2
    assert panel(board, "Lane")["No lane"] == 2
    assert panel(board, "Status") == {
        "Published": len(TRAPS) + 2,
        "Draft": 0,
        "Archived": 0,
        "Other status": len(TRAPS) + len(CONFUSED),
    }


@pytest.mark.parametrize(
    ("days", "label"),
    [
        (0, "up to 30 days ago"),
        (30, "up to 30 days ago"),
        (31, "31–90 days"),
        (90, "31–90 days"),
        (91, "91–180 days"),
        (180, "91–180 days"),
        (181, "181–365 days"),
        (365, "181–365 days"),
        (366, "over 365 days"),
        (-3, "up to 30 days ago"),
    ],
)
def test_ages_are_counted_in_whole_days(tmp_path: Path, days: int, label: str) -> None:
    organisation = Organisation(procedures=0, now=NOW)
    for hour in ("00:00:00", "23:59:59"):
        day = NOW.date() - timedelta(days=days)
        organisation.add(updated_at=f"{day}T{hour}Z")
    figures = panel(
        overview_of(planned(organisation, tmp_path / "a.xlsx"), as_of=NOW), "Last change"
    )
    assert {name: number for name, number in figures.items() if number} == {label: 2}


@pytest.mark.parametrize("stamp", ["", "yesterday", None, "1890-01-01T00:00:00Z"])
def test_an_age_that_excel_can_not_count_is_unknown(tmp_path: Path, stamp: str | None) -> None:
    organisation = Organisation(procedures=0, now=NOW)
    organisation.add(updated_at=stamp)
    figures = panel(overview_of(planned(organisation, tmp_path / "a.xlsx")), "Last change")
    assert {name: number for name, number in figures.items() if number} == {"unknown": 1}


def test_ages_are_counted_in_the_time_zone_of_the_workbook(tmp_path: Path) -> None:
    organisation = Organisation(procedures=0, now=NOW)
    organisation.add(updated_at="2026-01-29T23:30:00Z")
    organisation.add(updated_at="9999-12-31T23:59:59Z")
    plan = planned(organisation, tmp_path / "zone.xlsx")
    here = panel(overview_of(plan, as_of=NOW), "Last change")
    berlin = overview_of(plan, as_of=NOW, time_zone=ZoneInfo("Europe/Berlin"))
    assert here["31–90 days"] == 1
    assert panel(berlin, "Last change")["31–90 days"] == 0
    assert panel(berlin, "Last change")["up to 30 days ago"] == 2


def test_the_last_changes_are_counted_by_kind(tmp_path: Path) -> None:
    organisation = Organisation(procedures=30, seed=7, now=NOW)
    file = tmp_path / "changes.xlsx"
    write(organisation, file, now=lambda: NOW)
    # Moments in the workbook are whole seconds.
    heading = "Changes noticed last"
    assert set(panel(overview_of(plan_of(file)), heading).values()) == {0}
    organisation.edit(organisation.rows[0]["id"], owner="Once")
    write(organisation, file, now=lambda: NOW)
    organisation.edit(organisation.rows[1]["id"], owner="Somebody", performer="Another")
    organisation.edit(organisation.rows[2]["id"], owner="Somebody")
    organisation.add(name="Brand new")
    organisation.remove(organisation.rows[5]["id"])
    write(organisation, file, full=True, now=lambda: NOW + timedelta(hours=1))
    figures = panel(overview_of(plan_of(file)), heading)
    assert figures == {"added": 1, "changed": 3, "no longer listed": 1, "listed again": 0}


def test_findings_are_counted_by_kind_with_their_severity(demo: Plan) -> None:
    board = overview_of(demo)
    figures = panel(board, "Finding")
    assert figures == Counter(column(demo, "Health", "Finding"))
    titles = [str(kind.title) for kind in KINDS.values()]
    assert list(figures) == sorted(figures, key=lambda title: titles.index(str(title)))
    severities = {str(kind.title): kind.severity for kind in KINDS.values()}
    beside = panel(board, "Finding", offset=2)
    assert beside == {title: severities[str(title)] for title in figures}


def test_relationships_are_counted_by_match(demo: Plan) -> None:
    figures = panel(overview_of(demo), "Relationships")
    assert figures == Counter(column(demo, "Relationships", "Match"))
    assert list(figures) == ["resolved", "ambiguous", "unresolved"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_parts_add_up_to_the_whole_in_each_language(workbook: Path, language: str) -> None:
    plan, say = plan_of(workbook, Options(language=language)), Language(language)
    board = plan.sheets[0]
    assert isinstance(board, Board)
    sizes = {sheet.table: len(sheet.rows) for sheet in plan.tables}
    for heading, table in (
        ("Status", "Procedures"),
        ("Last change", "Procedures"),
        ("Owner", "Procedures"),
        ("Relationships", "Relationships"),
        ("Finding", "Health"),
    ):
        assert sum(panel(board, say(heading)).values()) == sizes[table], heading
    lanes = panel(board, say("Lane"))
    assert sum(lanes.values()) - lanes[say("No lane")] == sizes["Lanes"]
    noticed = column(plan, "Changes", f"{say('Noticed')} (UTC)")
    last = [moment for moment in noticed if moment == max(noticed)]
    assert sum(panel(board, say("Changes noticed last")).values()) == len(last)
    assert set(map(say, CHANGE_WORDS.values())) == panel(board, say("Changes noticed last")).keys()


FUNCTIONS = {"COUNTA", "COUNT", "COUNTIFS", "SUMPRODUCT", "EXACT", "SUM", "MAX", "LEN", "TRIM"}
FUNCTIONS |= {"IF", "INT", "N"}
"""What formulas may use: all of it known to Excel 2010, LibreOffice and Gnumeric."""


def test_formulas_hold_no_text_from_klarify_and_only_plain_functions(workbook: Path) -> None:
    texts: set[str] = set()
    for place, formula in formulas(overview_of(plan_of(workbook))).items():
        tokens = Tokenizer(f"={COLUMN.sub('A1', formula.text)}").items
        functions = {token.value.rstrip("(") for token in tokens if token.subtype == "OPEN"} - {""}
        assert functions <= FUNCTIONS | ({"TODAY"} if place == AGE_CELL else set())
        if place != AGE_CELL:
            texts |= {token.value for token in tokens if token.subtype == "TEXT"}
    assert texts == {
        *(f'"{status}"' for status in STATUSES),
        *('">="', '"<"', '"none since the first refresh"'),
    }


def test_formulas_refer_to_columns_and_cells_that_are_there(workbook: Path) -> None:
    plan = plan_of(workbook)
    known = {(sheet.table, one.name) for sheet in plan.tables for one in sheet.columns}
    board = overview_of(plan)
    addresses = set()
    for formula in formulas(board).values():
        assert set(COLUMN.findall(formula.text)) <= known
        addresses |= set(re.findall(r"\$([A-Z])\$(\d+)", COLUMN.sub("", formula.text)))
    assert addresses
    for letter, row in addresses:
        value, look = board.cells[int(row) - 1, ord(letter) - ord("A")]
        assert value is not None
        assert look in {"label", "figure", "moment"}


def test_labels_lead_to_the_first_row_that_they_stand_for(workbook: Path) -> None:
    plan = plan_of(workbook)
    sheets = {sheet.name: sheet for sheet in plan.tables}
    board = overview_of(plan)
    for value, look in board.cells.values():
        if isinstance(value, Link):
            assert look == "label"
            assert isinstance(value.target, Place)
            row = [
                str(shown_value(cell) or "")
                for cell in sheets[value.target.sheet].rows[value.target.row]
            ]
            label = str(value.value)
            assert (
                label in row
                or label.lower() in row
                or label in sheets
                or (label in {"No owner", "No lane"} and not all(text.strip() for text in row))
                or label == "Findings"
            )
    for heading, table in (("Owner", "Procedures"), ("Lane", "Lanes"), ("Finding", "Health")):
        texts = column(plan, table, heading)
        for place, (value, _look) in board.cells.items():
            if isinstance(value, Link) and place[0] > 28 and value.value in texts:
                assert isinstance(value.target, Place)
                if value.target.sheet == table:
                    assert texts.index(value.value) == value.target.row


def test_what_is_not_there_leads_nowhere(tmp_path: Path) -> None:
    board = overview_of(planned(Organisation(procedures=0, now=NOW), tmp_path / "empty.xlsx"))
    assert not any(isinstance(value, Link) for value, _look in board.cells.values())
    assert board.charts == ()
    assert all(
        formula.value == 0 for formula in formulas(board).values() if formula.value != ""
    ) or {formula.value for formula in formulas(board).values() if isinstance(formula.value, str)}


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (-1, "Data is from today."),
        (0, "Data is from today."),
        (1, "Data is 1 day old."),
        (6, "Data is 6 days old."),
        (7, "Data is 7 days old: refresh it before relying on it."),
        (400, "Data is 400 days old: refresh it before relying on it."),
    ],
)
def test_old_data_never_looks_fresh(tmp_path: Path, demo: Plan, days: int, told: str) -> None:
    day = date.today() - timedelta(days=days)  # noqa: DTZ011 -- as TODAY() counts
    as_of = datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)
    file = tmp_path / "age.xlsx"
    write(Organisation(procedures=1, seed=7, now=NOW), file)
    board = overview_of(demo, as_of=as_of)
    assert recalculated(with_board(file, board), board.name)[AGE_CELL] == told
    assert shown_value(board.cells[AGE_CELL][0]) == f"Data is from {day}."


def test_from_when_on_data_is_old_can_be_chosen(demo: Plan) -> None:
    texts = {old: formulas(overview_of(demo, old_after=old))[AGE_CELL].text for old in (7, 30)}
    assert ">=30," in texts[30]
    assert texts[30].replace(">=30,", ">=7,") == texts[7]


def test_without_a_refresh_the_sheet_says_so(demo: Plan) -> None:
    board = overview_of(demo, as_of=None)
    assert board.cells[2, 1] == ("no refresh yet", "moment")
    assert AGE_CELL not in board.cells


def right_and_bottom(board: Board) -> list[tuple[int, int, int, int]]:
    """Return the places of charts in pixels: left, top, right and bottom."""
    places = []
    for chart in board.charts:
        left = sum(int(7 * width + 5) for width in board.widths[: chart.column])
        top = sum(round(board.heights[row] * 4 / 3) for row in range(chart.row))
        places.append((left, top, left + chart.width, top + chart.height))
    return places


def test_charts_cover_neither_cells_nor_each_other(workbook: Path) -> None:
    board = overview_of(plan_of(workbook))
    boxes = right_and_bottom(board)
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    for row, column_ in board.cells:
        left = sum(int(7 * width + 5) for width in board.widths[:column_])
        top = sum(round(board.heights[above] * 4 / 3) for above in range(row))
        for box in boxes:
            assert not (box[0] <= left < box[2] and box[1] <= top < box[3])


def test_charts_show_the_panels_and_tell_what_they_show(demo: Plan) -> None:
    board = overview_of(demo)
    assert len(board.charts) == 6
    assert len({chart.description for chart in board.charts}) == 6
    for chart in board.charts:
        assert chart.title
        assert chart.description.endswith(".")
        assert chart.categories.first_row == chart.values.first_row
        assert chart.categories.last_row == chart.values.last_row
        for row in range(chart.values.first_row, chart.values.last_row + 1):
            assert board.cells[row, chart.categories.column][1] == "label"
            assert board.cells[row, chart.values.column][1] == "figure"


def test_a_name_of_several_lines_leaves_the_rows_as_high(tmp_path: Path) -> None:
    organisation = Organisation(procedures=0, now=NOW)
    organisation.add(owner="one\ntwo\nthree")
    board = overview_of(planned(organisation, tmp_path / "lines.xlsx"))
    assert panel(board, "Owner")["one\ntwo\nthree"] == 1
    assert {board.heights[row] for row, _column in board.cells if row} == {15.0}


def test_all_texts_can_be_shown(workbook: Path) -> None:
    for value, _look in overview_of(plan_of(workbook)).cells.values():
        text = shown_value(value)
        if isinstance(text, str):
            assert safe_text(text).text == text
