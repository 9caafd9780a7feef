"""klarify.toml: what it changes in the workbook, and what it says about mistakes."""

import re
import struct
import tomllib
import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.styles.numbers import is_date_format

from klarify_xl.contrast import contrast
from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.errors import ConfigurationError
from klarify_xl.language import Language
from klarify_xl.options import Options, SheetOptions
from klarify_xl.options_file import load_options
from klarify_xl.options_sample import sample
from klarify_xl.plan import (
    Board,
    Cell,
    ColourPair,
    Colours,
    Formula,
    Link,
    Place,
    Shape,
    Sheet,
)
from klarify_xl.sheets import build_plan, empty_plan
from klarify_xl.sheets.arrangement import Arrangement
from klarify_xl.store import Store
from klarify_xl.toml_lines import TomlText

from .test_command_line import call
from .workbooks import NOW, about, cell_at, links, opened, records, write


def options(text: str) -> Options:
    """Return the options of a klarify.toml in the current folder, checked as a refresh does."""
    Path("klarify.toml").write_text(text, encoding="utf-8")
    found = load_options()
    empty_plan(found)
    return found


def refusal(text: str) -> tuple[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        options(text)
    return str(caught.value), caught.value.hint


@pytest.fixture
def organisation() -> Organisation:
    return Organisation(procedures=60, seed=7, now=NOW)


def written(organisation: Organisation, text: str) -> dict[str, Any]:
    """Return the sheets of a workbook that a klarify.toml shaped."""
    Path("klarify.toml").write_text(text, encoding="utf-8")
    write(organisation, Path("p.xlsx"))
    return opened(Path("p.xlsx"))


# What it changes


def test_without_a_file_all_is_as_usual() -> None:
    assert load_options() == Options()


def test_a_file_of_a_folder_above_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("klarify.toml").write_text('[workbook]\nlanguage = "de"', encoding="utf-8")
    Path("below").mkdir()
    monkeypatch.chdir("below")
    assert load_options().language == "en"
    assert load_options("../klarify.toml").language == "de"


def test_sheets_appear_in_the_order_asked_for_and_others_not(organisation: Organisation) -> None:
    sheets = written(organisation, '[workbook]\nsheets = ["About", "Lanes", "Procedures"]')
    assert list(sheets) == ["About", "Lanes", "Procedures"]
    # The count of relationships led to a sheet that isn't there; the lanes still lead to theirs.
    leading = {re.sub(r"\d+", "", cell) for cell in links(sheets["Procedures"])}
    assert leading == {"G", "K"}
    assert any(row["Relationships"] for row in records(Path("p.xlsx"), "Procedures"))
    items = about(Path("p.xlsx"))
    assert items["Lane rows written"] == sheets["Lanes"].max_row - 1
    assert not {"Relationship rows written", "… resolved", "Findings", "Changes"} & items.keys()


def test_columns_appear_in_the_order_and_under_the_titles_asked_for(
    organisation: Organisation,
) -> None:
    sheets = written(
        organisation,
        """
        [sheets.Procedures]
        title = "O'Brien & Sons"
        columns = ["Name", "ID", "Link", "Owner", "Status", "Lanes", "Updated"]
        titles = { Owner = "Process owner", Updated = "As of {zone}", Name = "=1+1" }

        [sheets.Lanes.titles]
        ID = "Procedure ID"
        """,
    )
    sheet = sheets["O'Brien & Sons"]
    header = [cell.value for cell in sheet[1]]
    assert header == ["=1+1", "ID", "Link", "Process owner", "Status", "Lanes", "As of UTC"]
    assert {cell.data_type for cell in sheet[1]} == {"s"}
    (table,) = sheet.tables.values()
    assert (table.name, [one.name for one in table.tableColumns]) == ("Procedures", header)
    shown = {row[1].value: [cell.value for cell in row] for row in sheet.iter_rows(min_row=2)}
    for row in organisation.rows:
        cells = shown[row["id"]]
        assert cells[:4] == [row["name"], row["id"], row["url"], row["owner"] or None]
        assert cells[4:6] == [row["status"], "; ".join(row["lanes"]) or None]
    # Highlights, frozen columns and the printed area follow their columns.
    (area,) = sheet.conditional_formatting
    assert str(area.sqref) == "E2:E61"
    assert area.rules[0].formula == ['$E2="published"']
    assert sheet.freeze_panes == "C2"
    assert sheet.print_area == "'O''Brien & Sons'!$A$1:$G$61"
    # Links lead there and back, and hints name the sheet as it is called.
    back = links(sheets["Lanes"])["B2"]
    assert back.startswith("#'O''Brien & Sons'!A")
    assert sheets["Lanes"]["B2"].hyperlink.tooltip == "Go to O'Brien & Sons"
    number = int(back.rpartition("A")[2])
    assert sheet.cell(number, 2).value == sheets["Lanes"]["B2"].value
    assert cell_at(sheets, links(sheet)[f"F{number}"]).value == sheets["Lanes"]["A2"].value


def test_remarks_and_changes_call_columns_as_the_person_does(server: DemoServer) -> None:
    Path("klarify.toml").write_text(
        '[sheets.Procedures]\ntitles = { Owner = "Chief", Name = "What" }', encoding="utf-8"
    )
    organisation = server.organisation
    file = Path("p.xlsx")
    write(organisation, file)
    organisation.now += timedelta(hours=1)
    organisation.edit(organisation.rows[0]["id"], owner="Somebody", name="a\0b")
    write(organisation, file)
    assert {row["Field"] for row in records(file, "Changes")} == {"Chief", "What"}
    remarks = {row["Remarks"] for row in records(file, "Procedures")}
    assert "What: unshowable characters replaced (1)" in remarks


@pytest.mark.parametrize(
    ("zone", "stamp", "shown"),
    [
        ("Europe/Berlin", "2026-01-31T23:30:00Z", datetime(2026, 2, 1, 0, 30)),  # noqa: DTZ001 -- as in Excel
        ("Europe/Berlin", "2026-07-31T22:30:00Z", datetime(2026, 8, 1, 0, 30)),  # noqa: DTZ001
        ("Asia/Kolkata", "2026-01-01T00:00:00Z", datetime(2026, 1, 1, 5, 30)),  # noqa: DTZ001
        ("America/New_York", "1900-03-01T00:00:00Z", "1900-03-01T00:00:00+00:00"),
        ("America/New_York", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("Pacific/Auckland", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
    ],
)
def test_times_are_shown_in_the_time_zone(
    zone: str, stamp: str, shown: object, organisation: Organisation
) -> None:
    odd = organisation.add(updated_at=stamp, name="First")
    written(organisation, f'[workbook]\ntime_zone = "{zone}"')
    rows = {row["ID"]: row for row in records(Path("p.xlsx"), "Procedures")}
    assert rows[odd][f"Updated ({zone})"] == shown
    assert about(Path("p.xlsx"))["Time zone"] == zone
    assert f"Noticed ({zone})" in [cell.value for cell in opened(Path("p.xlsx"))["Changes"][1]]


def test_days_in_findings_and_stamps_in_changes_follow_the_time_zone(
    organisation: Organisation,
) -> None:
    file = Path("p.xlsx")
    Path("klarify.toml").write_text('[workbook]\ntime_zone = "Europe/Berlin"', encoding="utf-8")
    old = organisation.add(updated_at="2020-12-31T23:30:00Z")
    write(organisation, file)
    details = {row["ID"]: row["Detail"] for row in records(file, "Health") if row["ID"] == old}
    stale = {
        row["Detail"] for row in records(file, "Health") if row["Finding"] == "Not changed for long"
    }
    assert details.keys() == {old}
    assert "Last changed on 2021-01-01" in stale
    organisation.edit(old)
    write(organisation, file, full=True)
    (change,) = records(file, "Changes")
    assert change["Before"] == "2021-01-01T00:30:00+01:00"
    assert change["Field"] == "Updated"


def test_dates_have_the_format_asked_for(organisation: Organisation) -> None:
    sheets = written(organisation, '[workbook]\ndate_format = "dd.mm.yyyy hh:mm"')
    assert sheets["Procedures"]["F2"].number_format == "dd.mm.yyyy hh:mm"
    assert sheets["About"]["B4"].number_format == "dd.mm.yyyy hh:mm"


def test_stale_days_decide_what_is_stale() -> None:
    organisation = Organisation(procedures=0, now=NOW)
    organisation.add(updated_at="2026-02-01T12:00:00Z")
    noon = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)

    def stale(days: int, moment: datetime) -> int:
        Path("klarify.toml").write_text(f"[workbook]\nstale_days = {days}", encoding="utf-8")
        write(organisation, Path("p.xlsx"), now=lambda: moment)
        titles = [row["Finding"] for row in records(Path("p.xlsx"), "Health")]
        return titles.count("Not changed for long")

    assert stale(30, noon - timedelta(minutes=1)) == 0
    # By time alone, with the options and the data of before.
    assert stale(30, noon) == 1
    assert stale(31, noon) == 0


def test_colours_are_those_asked_for(organisation: Organisation) -> None:
    sheets = written(
        organisation,
        """
        [colours]
        header = { background = "#5b2a86" }
        pending = { text = "#000000", background = "#ABCDEF" }
        """,
    )
    cell = sheets["Procedures"]["A1"]
    assert (cell.font.color.rgb, cell.fill.fgColor.rgb) == ("00FFFFFF", "005b2a86")
    (area,) = sheets["Procedures"].conditional_formatting
    looks = {
        rule.formula[0]: (rule.dxf.font.color.rgb, rule.dxf.fill.bgColor.rgb) for rule in area.rules
    }
    assert looks['$C2="draft"'] == ("00000000", "00ABCDEF")
    assert looks['$C2="published"'] == ("000B5D1E", "00DDF3E1")


def test_a_changed_klarify_toml_rewrites_the_workbook_and_only_then(
    organisation: Organisation,
) -> None:
    file = Path("p.xlsx")
    outcomes = []
    for text in ("", "", "# only a remark", '[workbook]\nlanguage = "de"', "", ""):
        Path("klarify.toml").write_text(text, encoding="utf-8")
        outcomes.append(write(organisation, file).outcome)
    assert outcomes == ["written", "unchanged", "unchanged", "written", "written", "unchanged"]


def test_options_of_a_program_win_over_the_file(organisation: Organisation) -> None:
    Path("klarify.toml").write_text('[workbook]\nlanguage = "de"', encoding="utf-8")
    write(organisation, Path("p.xlsx"), options=Options(shown=("Procedures",)))
    assert list(opened(Path("p.xlsx"))) == ["Procedures"]


def test_notes_are_archived_on_a_sheet_that_is_planned_but_not_shown() -> None:
    made = empty_plan(
        options(
            '[workbook]\nlanguage = "de"\ntime_zone = "Europe/Berlin"\n'
            '[sheets."Archived notes"]\ntitles = { Note = "Vermerk" }'
        )
    )
    assert made.archive is not None
    assert (made.archive.name, made.archive.table) == ("Archivierte Notizen", "ArchivedNotes")
    assert [(column.name, column.title) for column in made.archive.columns] == [
        ("Archived", "Archiviert (Europe/Berlin)"),
        ("Sheet", "Blatt"),
        ("Row", "Zeile"),
        ("Column", "Spalte"),
        ("Note", "Vermerk"),
    ]
    assert made.archive.columns[0].kind == "moment"
    assert made.archive.identity == ("Sheet", "Row", "Column")
    assert made.archive.key not in {sheet.key for sheet in made.sheets}


# What it says about mistakes

MISTAKES = {
    "no table": ("language = 'de'", 1, "language", "[workbook]"),
    "unknown table": ("[workbok]", 1, "workbok", "'workbook'"),
    "unknown setting": ("[workbook]\n\nlangauge = 'de'", 3, "workbook.langauge", "'language'"),
    "setting elsewhere": ("[colours]\ntime_zone = 'UTC'", 2, "colours.time_zone", "[workbook]"),
    "wrong type": ("[workbook]\nlanguage = 3", 2, "a whole number stands there", "a text"),
    "empty text": ("[workbook]\nlanguage = ''", 2, "an empty text stands there", "a text"),
    "date": ("[workbook]\nlanguage = 2026-01-01", 2, "a date or time stands there", "a text"),
    "table": ("workbook = 3", 1, "a whole number stands there", "a table"),
    "no list": ("[workbook]\nsheets = 'Procedures'", 2, "a text stands there", "a list"),
    "mixed list": ("[workbook]\nsheets = ['Procedures', 1]", 2, "a list stands there", "of texts"),
    "empty list": ("[workbook]\nsheets = []", 2, "nothing is named", "leave the setting out"),
    "true": ("[workbook]\nstale_days = true", 2, "true or false stands there", "whole number"),
    "no days": ("[workbook]\nstale_days = 0", 2, "0 is no number of days", "from 1 to 36500"),
    "language": ("[workbook]\nlanguage = 'fr'", 2, "no language 'fr'", "Allowed are: en, de."),
    "near zone": (
        *("[workbook]\ntime_zone = 'europe/berln'", 2, "no time zone 'europe/berln'"),
        "Did you mean 'Europe/Berlin'",
    ),
    "far zone": ("[workbook]\ntime_zone = 'xyz'", 2, "no time zone 'xyz'", "Europe/Berlin"),
    "local zone": ("[workbook]\ntime_zone = '/etc/localtime'", 2, "no time zone", "IANA"),
    "folder": ("[workbook]\ntime_zone = 'Europe'", 2, "no time zone 'Europe'", "Europe/"),
    "German format": (
        *("[workbook]\ndate_format = 'TT.MM.JJJJ'", 2, "'TT.MM.JJJJ' is no number format"),
        "dd.mm.yyyy",
    ),
    "no date format": ("[workbook]\ndate_format = '#,##0'", 2, "no number format", "y, m, d"),
    "two formats": ("[workbook]\ndate_format = 'yyyy;@'", 2, "no number format", "y, m, d"),
    "only text": ("""[workbook]\ndate_format = '"d"'""", 2, "no number format", "y, m, d"),
    "only a time": ("[workbook]\ndate_format = 'hh:mm'", 2, "no number format", "y, m, d"),
    "colour": ("[colours]\ngood = { text = 'red' }", 2, "colours.good.text: 'red'", "#1F4E5F"),
    "part": ("[colours]\ngood = { txt = '#000000' }", 2, "colours.good.txt", "'text'"),
    "contrast": (
        *("[colours]\nheader = { text = '#777777', background = '#FFFFFF' }", 2),
        *("#777777 on #FFFFFF has a contrast of 4.4:1", "at least 4.5:1"),
    ),
    "unknown sheet": (
        *("[workbook]\nsheets = [\n  'Procedures',\n  'Helth',\n]", 4, "no sheet 'Helth'"),
        "'Health'",
    ),
    "sheet twice": (
        *("[workbook]\nsheets = ['Procedures', 'Lanes', 'Lanes']", 2, "'Lanes' is named twice"),
        "once",
    ),
    "German sheet": (
        *("[workbook]\nlanguage = 'de'\nsheets = ['Procedures', 'Befunde']", 3, "'Befunde'"),
        "Write 'Health'",
    ),
    "without procedures": (
        *("[workbook]\nsheets = ['Lanes']", 2, "Procedures can't be left out"),
        "Add 'Procedures'",
    ),
    "archive": (
        *("[workbook]\nsheets = ['Procedures', 'Archived notes']", 2, "no sheet 'Archived notes'"),
        "by itself",
    ),
    "unknown sheet's table": ("\n\n[sheets.Lane]\n", 3, "no sheet 'Lane'", "'Lanes'"),
    "unknown in sheet": ("[sheets.Lanes]\ncolums = []", 2, "sheets.Lanes.colums", "'columns'"),
    "unknown column": (
        *("[sheets.Procedures]\ncolumns = ['ID',\n'Nmae']", 3, "Procedures has no column 'Nmae'"),
        "'Name'",
    ),
    "title of unknown column": (
        *("[sheets.Procedures]\ntitles = {Ownr = 'x'}", 2, "no column 'Ownr'", "'Owner'"),
    ),
    "German column": (
        *("[workbook]\nlanguage = 'de'\n[sheets.Health.titles]\nBefund = 'x'", 4, "'Befund'"),
        "Write 'Finding'",
    ),
    "column twice": (
        *("[sheets.Lanes]\ncolumns = ['ID', 'Lane', 'ID']", 2, "'ID' is named twice", "once"),
    ),
    "needed column": (
        *("[sheets.Health]\ncolumns = ['ID', 'Finding']", 2, "Detail can't be left out of Health"),
        "Add 'Detail'",
    ),
    "needed for notes": (
        *('[sheets."Archived notes"]\ncolumns = ["Sheet", "Row", "Column", "Note"]', 2),
        *("the column Archived can't be left out", "Add 'Archived'"),
    ),
    "two titles": (
        *("[sheets.Lanes]\n[sheets.Lanes.titles]\nLane = 'x'\nID = 'X'", 4),
        *("the columns Lane and ID would both be called 'X'", "another title"),
    ),
    "title of another": (
        *("[sheets.Lanes.titles]\nLane = 'status'", 2, "Lane and Status would both be called"),
        "another title",
    ),
    "long title": (f"[sheets.Lanes.titles]\nLane = '{'x' * 256}'", 2, "no title", "255"),
    "line break": ('[sheets.Lanes.titles]\nLane = "a\\nb"', 2, "no title", "no line break"),
    "deceiving title": ('[sheets.Lanes.titles]\nLane = "a\\u202Eb"', 2, "no title", "invisible"),
    "long sheet": (f"[sheets.Lanes]\ntitle = '{'x' * 32}'", 2, "no name for a sheet", "31"),
    "wide sheet": (f"[sheets.Lanes]\ntitle = '{'😀' * 16}'", 2, "no name for a sheet", "31"),
    "two sheets": (
        *("[sheets.Lanes]\ntitle = 'HEALTH'", 2, "Lanes and Health would both be called"),
        "another title",
    ),
    "syntax": ("[workbook]\nlanguage = de", 2, "no TOML", 'name = "text"'),
    "table twice": ("[workbook]\n[workbook]", 2, "no TOML", "once"),
    "unfinished": ("[workbook]\nsheets = [\n'Lanes'", 3, "no TOML", "once"),
} | {
    f"sheet with {sign}": (f"[sheets.Lanes]\ntitle = '''a{sign}b'''", 2, "no name", "31")
    for sign in "[]:*?/\\"
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_what_to_do(name: str) -> None:
    text, line, told, advice = MISTAKES[name]
    message, hint = refusal(text)
    assert message.startswith(f"klarify.toml, line {line}: ")
    assert told in message
    assert advice in hint


@pytest.mark.parametrize("name", ["language", "needed column"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_line_ends_and_marks_of_windows_change_nothing(name: str, encoding: str) -> None:
    text, line, told, _advice = MISTAKES[name]
    Path("w.toml").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    with pytest.raises(ConfigurationError) as caught:
        empty_plan(load_options("w.toml"))
    assert str(caught.value).startswith(f"w.toml, line {line}: ")
    assert told in str(caught.value)


def test_options_made_by_a_program_are_checked_alike() -> None:
    with pytest.raises(ConfigurationError, match="there is no time zone 'Mars'"):
        Options(time_zone="Mars")
    with pytest.raises(ConfigurationError, match=r"contrast of 1\.0:1"):
        Options(colours=Colours(good=ColourPair("#FFFFFF", "#FEFEFE")))
    with pytest.raises(ConfigurationError, match="no column 'Nmae'"):
        empty_plan(Options(sheets={"Procedures": SheetOptions(columns=("ID", "Nmae"))}))


def test_files_beside_the_time_zones_are_none(tmp_path: Path) -> None:
    # An empty zone (RFC 9636, section 3): no transitions, one type, its designation.
    zone = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"
    for name in ("Etc/Fine", "right/Etc/Fine", "posix/Etc/Fine", "localtime", "Factory"):
        (tmp_path / "zones" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "zones" / name).write_bytes(zone)
    zoneinfo.reset_tzpath([str(tmp_path / "zones")])
    try:
        assert Options(time_zone="Etc/Fine").time_zone == "Etc/Fine"
        for name in ("right/Etc/Fine", "posix/Etc/Fine", "localtime", "Factory"):
            with pytest.raises(ConfigurationError, match="there is no time zone"):
                Options(time_zone=name)
    finally:
        zoneinfo.reset_tzpath()


def test_a_file_that_is_no_text_or_not_there_is_told() -> None:
    Path("b.toml").write_bytes(b"\xe4")
    for file, told in (("b.toml", "no UTF-8"), ("gone.toml", "can't be read"), (".", "can't be")):
        with pytest.raises(ConfigurationError, match=told) as caught:
            load_options(file)
        assert file in str(caught.value)
        assert caught.value.hint


@given(
    st.lists(
        st.sampled_from(["# a = 1", "", "x = [1,\n2]", "t = '''\n[b]\na = 1\n'''"]), max_size=6
    ),
    st.sampled_from(["[b]\na = 'here'", "b.a = 'here'", "b = { a = 'here' }", "[b]\n'a' = 'here'"]),
)
def test_a_line_is_found_whatever_stands_before(before: list[str], setting: str) -> None:
    lines = [one.replace("x", f"x{n}").replace("t =", f"t{n} =") for n, one in enumerate(before)]
    text = "\n".join([*lines, setting, "[c]", "a = 'there'"])
    assert tomllib.loads(text)["b"]["a"] == "here"
    line = 1 + next(n for n, one in enumerate(text.split("\n")) if "'here'" in one)
    assert TomlText("f", text).place(("b", "a")) == f"f, line {line}"


def test_formats_that_are_accepted_are_dates_to_others() -> None:
    for text in ("dd.mm.yyyy hh:mm", "d mmm yyyy", "yyyy-mm-dd", 'd. mmmm yyyy, h:mm "Uhr"',
                 "[$-407]d. mmmm yyyy", "m/d/yy h:mm AM/PM", r"yyyy\-mm"):  # fmt: skip
        assert is_date_format(Options(date_format=text).date_format)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    # As other tools tell them.
    [("#000000", "#FFFFFF", 21.0), ("#767676", "#FFFFFF", 4.54), ("#0000FF", "#FFFFFF", 8.59)],
)
def test_contrast_is_what_others_work_out(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


# What depends on what


def arranged(asked: Options, board: Board) -> tuple[Any, ...]:
    """Return a board and sheets as `build_plan` arranges them."""
    sheets: tuple[Sheet | Board, ...] = (board, *empty_plan().tables)
    arrangement = Arrangement(asked, Language(), sheets)
    return arrangement.in_order(arrangement.of(sheet) for sheet in sheets)


def board_with(cell: Cell) -> Board:
    shape = Shape("a", "b", 0, 0, 9, 9, target=Place("Lanes", 0))
    return Board("Overview", "Overview", (9.0,), {(0, 0): (cell, "figure")}, shapes=(shape,))


COUNT = Formula('COUNTIFS({Procedures[Status]},"draft",{Lanes[Owner]},"x")', 5)


def test_a_column_that_a_formula_counts_by_cannot_be_left_out() -> None:
    asked = Options(sheets={"Procedures": SheetOptions(columns=("ID", "Name"))})
    with pytest.raises(ConfigurationError) as caught:
        arranged(asked, board_with(COUNT))
    assert "the column Status can't be left out of Procedures" in str(caught.value)
    assert "formulas of Overview count by it" in str(caught.value)
    with pytest.raises(ConfigurationError):
        arranged(asked, board_with(Link(COUNT, Place("Procedures", 0))))
    # Without the Overview nothing counts.
    hidden = replace(asked, shown=("Procedures", "Lanes"))
    (procedures, _lanes) = arranged(hidden, board_with(COUNT))
    assert [column.name for column in procedures.columns] == ["ID", "Name"]


def test_figures_of_a_sheet_that_does_not_appear_stay_as_they_are_now() -> None:
    asked = Options(shown=("Procedures", "Overview"))
    board = arranged(asked, board_with(COUNT))[1]
    assert board.cells == {(0, 0): (5, "figure")}
    assert board.shapes[0].target is None
    board = arranged(Options(), board_with(COUNT))[0]
    assert board.cells == {(0, 0): (COUNT, "figure")}
    assert board.shapes[0].target == Place("Lanes", 0)


def test_a_board_takes_a_title_and_has_no_columns() -> None:
    title = Options(sheets={"Overview": SheetOptions(title="At a glance")})
    assert arranged(title, board_with(COUNT))[0].name == "At a glance"
    columns = Options(sheets={"Overview": SheetOptions(columns=("ID",))})
    with pytest.raises(ConfigurationError, match="Overview is no table"):
        arranged(columns, board_with(COUNT))


def test_marked_cells_follow_their_columns() -> None:
    sheet = empty_plan().tables[0]
    width = len(sheet.columns)
    marked = replace(
        sheet, rows=(tuple(str(n) for n in range(width)),), marked=frozenset({(0, 1), (0, 3)})
    )
    asked = Options(sheets={"Procedures": SheetOptions(columns=("Owner", "ID"))})
    arrangement = Arrangement(asked, Language(), (marked,))
    made = arrangement.table(marked)
    assert made.rows == (("3", "0"),)
    assert made.marked == {(0, 0)}
    assert made.frozen_columns == 0


# The sample


def uncommented(text: str) -> str:
    return re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE)


def test_the_sample_changes_nothing_as_it_is() -> None:
    assert replace(options(sample()), sheets={}) == Options()


def test_the_sample_names_every_setting_and_uncommented_gives_the_defaults(
    organisation: Organisation,
) -> None:
    write(organisation, Path("p.xlsx"))
    values = tomllib.loads(uncommented(sample()))
    usual = empty_plan()
    assert values["workbook"].keys() == {
        *("sheets", "language", "time_zone", "date_format", "stale_days")
    }
    assert set(values["colours"]) == {"header", "good", "pending", "retired", "warning"}
    assert list(values["sheets"]) == [*(sheet.key for sheet in usual.sheets), "Archived notes"]
    for table in usual.tables:
        assert set(values["sheets"][table.key]) == {"title", "columns", "titles"}
    asked = options(uncommented(sample()))
    with Store(Path("p.db"), read_only=True) as store:
        assert build_plan(store, asked) == build_plan(store)


def test_titles_of_the_sample_follow_the_time_zone() -> None:
    text = uncommented(sample()).replace('"UTC"', '"Asia/Tokyo"')
    titles = {
        column.title for sheet in empty_plan(options(text)).tables for column in sheet.columns
    }
    assert {"Updated (Asia/Tokyo)", "Noticed (Asia/Tokyo)"} <= titles


# The command line


def test_commands_take_another_file_and_tell_mistakes_before_anything_is_read(
    server: DemoServer,
) -> None:
    Path("klarify.toml").write_text("[workbook]\nlanguage = 'de'", encoding="utf-8")
    Path("other.toml").write_text("[workbook]\nlanguage = 'xx'", encoding="utf-8")
    wrong = call("refresh", "--out", "p.xlsx", "--config", "other.toml", server=server)
    assert wrong.returncode == 2
    assert "other.toml, line 2: workbook.language: there is no language 'xx'." in wrong.stderr
    assert "Allowed are: en, de." in wrong.stderr
    assert not Path("klarify.db").exists()
    assert call("refresh", "--out", "p.xlsx", server=server).returncode == 0
    assert load_workbook("p.xlsx").sheetnames[0] == "Prozesse"
    done = call("demo", "--procedures", "5", "--out", "d.xlsx", "--config", "other.toml")
    assert done.returncode == 2
    assert not Path("d.xlsx").exists()
    assert call("demo", "--procedures", "5", "--out", "d.xlsx").returncode == 0
    assert load_workbook("d.xlsx").sheetnames[0] == "Prozesse"


def test_the_sample_is_printed_whole() -> None:
    done = call("options")
    assert done.returncode == 0
    assert done.stdout == sample().rstrip() + "\n"


def test_wrong_names_are_told_before_anything_is_read(server: DemoServer) -> None:
    Path("klarify.toml").write_text("[sheets.Helth]", encoding="utf-8")
    done = call("refresh", "--out", "p.xlsx", server=server)
    assert done.returncode == 2
    assert "klarify.toml, line 1" in done.stderr
    assert server.requests == []
