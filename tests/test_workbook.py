"""The workbook that a refresh writes, opened again: what it shows and where it leads."""

import io
import re
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

import klarify_xl
from klarify_xl import __version__
from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.headless.workbook import write_workbook
from klarify_xl.outcome import RefreshResult
from klarify_xl.plan import Column, Plan, Sheet
from klarify_xl.sheets import changes
from klarify_xl.store import Store

from .workbooks import NOW, about, cell_at, links, opened, plan_of, records, sheet_names, write

SHEETS = [
    *("Procedures", "Lanes", "Lane totals", "Relationships", "Changes", "Health", "About"),
]


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    return Organisation(procedures=250, seed=7, now=NOW)


@pytest.fixture(scope="module")
def written(
    organisation: Organisation, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, RefreshResult]:
    file = tmp_path_factory.mktemp("written") / "procedures.xlsx"
    # Not the present time, so that the system's clock shows where it gets in.
    return file, write(organisation, file, now=lambda: NOW + timedelta(hours=1))


@pytest.fixture(scope="module")
def workbook(written: tuple[Path, RefreshResult]) -> Path:
    return written[0]


def empty_organisation() -> Organisation:
    return Organisation(procedures=0, now=NOW)


def test_the_sheets_stand_in_the_order_in_which_people_read_them(workbook: Path) -> None:
    assert sheet_names(workbook) == [
        *("Overview", "Procedures", "Lanes", "Lane totals", "Role matrix", "Relationships"),
        *("Map", "Changes", "Health", "About"),
    ]


def test_every_sheet_is_a_table_over_all_its_rows(workbook: Path) -> None:
    names = {}
    for title, sheet in opened(workbook).items():
        for table in sheet.tables.values():
            names[title] = table.name
            assert table.displayName == table.name
            # A table has a row even where there is nothing to tell.
            assert (
                table.ref == f"A1:{sheet.cell(max(2, sheet.max_row), sheet.max_column).coordinate}"
            )
            assert table.autoFilter.ref == table.ref
            header = [cell.value for cell in sheet[1]]
            assert [column.name for column in table.tableColumns] == header
            assert len(set(header)) == len(header)
            assert all(isinstance(title, str) for title in header)
    assert names == {
        "Procedures": "Procedures",
        "Lanes": "Lanes",
        "Lane totals": "LaneTotals",
        "Relationships": "Relationships",
        "Changes": "Changes",
        "Health": "Health",
        "About": "About",
    }


def test_the_result_tells_the_rows_of_each_sheet(written: tuple[Path, RefreshResult]) -> None:
    file, result = written
    assert result.outcome == "written"
    assert result.procedures == result.rows["Procedures"] == 250
    rows = {name: sheet.max_row - 1 for name, sheet in opened(file).items()}
    assert result.rows == rows


def test_every_procedure_has_its_row_with_all_its_fields(
    workbook: Path, organisation: Organisation
) -> None:
    shown = {row["ID"]: row for row in records(workbook, "Procedures")}
    assert len(shown) == 250
    for row in organisation.rows:
        assert shown[row["id"]] == {
            "ID": row["id"],
            "Name": row["name"],
            "Status": row["status"],
            "Owner": row["owner"] or None,
            "Performer": row["performer"] or None,
            "Updated (UTC)": datetime.strptime(row["updated_at"], "%Y-%m-%dT%H:%M:%SZ"),  # noqa: DTZ007 -- Excel knows no zones
            "Lanes": "; ".join(row["lanes"]) or None,
            "Called within": "; ".join(row["called_within"]) or None,
            "Called from": "; ".join(row["called_from"]) or None,
            "Relationships": len(row["called_within"]) + len(row["called_from"]),
            "Link": row["url"],
            "Remarks": None,
            "Changed": None,
        }


def test_procedures_are_sorted_by_name(workbook: Path) -> None:
    names = [row["Name"].casefold() for row in records(workbook, "Procedures")]
    assert names == sorted(names)


def test_ids_stay_the_texts_that_they_are(tmp_path: Path) -> None:
    ids = [
        "007",
        "1e5",
        "12345678901234567890",
        "=1+1",
        "-1",
        "1/2",
        "TRUE",
        "../CON",
        "Ab",
        "ab",
    ]
    organisation = empty_organisation()
    for procedure_id in ids:
        organisation.add(id=procedure_id, lanes=["One"], called_from=[])
    write(organisation, tmp_path / "ids.xlsx")
    for name in ("Procedures", "Lanes"):
        column = [row["ID"] for row in records(tmp_path / "ids.xlsx", name)]
        assert sorted(column) == sorted(ids)
    for cell in opened(tmp_path / "ids.xlsx")["Procedures"]["A"][1:]:
        assert cell.data_type == "s"
        assert cell.number_format == "@"


def test_times_are_real_dates_in_utc(tmp_path: Path) -> None:
    stamps: dict[str, tuple[str, object]] = {
        "a": ("2024-01-15T14:30:00Z", datetime(2024, 1, 15, 14, 30)),  # noqa: DTZ001 -- as in Excel
        "b": ("2024-01-15T14:30:00+05:30", datetime(2024, 1, 15, 9, 0)),  # noqa: DTZ001
        "c": ("2024-07-01T00:30:00.750+02:00", datetime(2024, 6, 30, 22, 30)),  # noqa: DTZ001
        "d": ("1900-03-01T00:00:00Z", datetime(1900, 3, 1)),  # noqa: DTZ001
        "e": ("1900-02-28T23:59:59Z", "1900-02-28T23:59:59+00:00"),
        "f": ("soon", None),
    }
    organisation = empty_organisation()
    for name, (stamp, _shown) in stamps.items():
        organisation.add(id=name, updated_at=stamp)
    write(organisation, tmp_path / "times.xlsx")
    rows = records(tmp_path / "times.xlsx", "Procedures")
    assert {row["ID"]: row["Updated (UTC)"] for row in rows} == {
        name: shown for name, (_stamp, shown) in stamps.items()
    }
    assert {row["ID"]: row["Remarks"] for row in rows}["f"] == "updated_at is no date: 'soon'"
    for cell in opened(tmp_path / "times.xlsx")["Procedures"]["F"][1:]:
        assert cell.number_format == "yyyy-mm-dd hh:mm"


def test_times_of_other_zones_are_shown_in_utc() -> None:
    moment = datetime(2026, 3, 1, 1, 30, 15, 999_999, tzinfo=timezone(timedelta(hours=2)))
    sheet = Sheet("Times", (Column("Time", "moment"),), ((moment,),), "Times", ("Time",))
    saved = io.BytesIO()
    write_workbook(Plan("", "", "", NOW, "", (sheet,)), saved, data_mark="")
    shown = load_workbook(saved)["Times"]["A2"]
    assert shown.value == datetime(2026, 2, 28, 23, 30, 15)  # noqa: DTZ001
    assert shown.data_type == "d"


def test_statuses_and_matches_are_set_off_in_their_own_columns(workbook: Path) -> None:
    found = {}
    for name, sheet in opened(workbook).items():
        for area in sheet.conditional_formatting:
            rules = [(rule.formula[0], rule.dxf.fill.bgColor.rgb) for rule in area.rules]
            found[f"{name}!{area.sqref}"] = [formula for formula, _colour in rules]
            assert len({colour for _formula, colour in rules}) == len(rules)
    lanes, related, health = (
        opened(workbook)[name].max_row for name in ("Lanes", "Relationships", "Health")
    )
    changes = ("added", "changed", "no longer listed", "listed again")
    statuses = ("published", "draft", "archived")
    assert found == {
        "Procedures!C2:C251": [f'$C2="{status}"' for status in statuses],
        f"Lanes!D2:D{lanes}": [f'$D2="{status}"' for status in statuses],
        f"Relationships!F2:F{related}": ['$F2="ambiguous"', '$F2="unresolved"'],
        "Changes!B2": [f'$B2="{change}"' for change in changes],
        f"Health!A2:A{health}": [f'$A2="{severity}"' for severity in ("high", "medium", "low")],
    }


def test_headers_stay_in_sight(workbook: Path) -> None:
    panes = {name: sheet.freeze_panes for name, sheet in opened(workbook).items()}
    assert panes == {**dict.fromkeys(SHEETS, "A2"), "Procedures": "C2"}


def test_every_sheet_prints_landscape_on_pages_as_wide_as_it_is(workbook: Path) -> None:
    for name, sheet in opened(workbook).items():
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == 9
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.oddHeader.left.text == "&A"
        assert sheet.oddFooter.right.text == "&P / &N"
        columns = 10 if name == "Procedures" else sheet.max_column
        last = sheet.cell(max(2, sheet.max_row), columns)
        assert sheet.print_area == f"'{name}'!$A$1:${last.column_letter}${last.row}"


def test_headers_of_numbers_stand_above_their_numbers(workbook: Path) -> None:
    for sheet in opened(workbook).values():
        for header, cell in zip(sheet[1], sheet[2] if sheet.max_row > 1 else (), strict=False):
            assert header.alignment.horizontal == cell.alignment.horizontal


def test_the_document_tells_what_it_is_and_when_its_data_is_from(workbook: Path) -> None:
    properties = load_workbook(workbook).properties
    with Store(workbook.with_suffix(".db"), read_only=True) as store:
        receipt = store.receipt()
    assert receipt is not None
    finished = receipt.finished_at.replace(tzinfo=None, microsecond=0)
    assert properties.title == "Klarify procedures of demo.klarify.me"
    assert properties.creator == properties.lastModifiedBy == f"klarify-xl {__version__}"
    assert properties.created == properties.modified == finished
    assert all(f"{name}: " in str(properties.description) for name in SHEETS)


def test_lanes_lead_to_their_first_row_and_back(workbook: Path) -> None:
    sheets = opened(workbook)
    found = links(sheets["Procedures"])
    led = 0
    for row in sheets["Procedures"].iter_rows(min_row=2):
        procedure_id, lanes = row[0].value, row[6]
        assert (lanes.coordinate in found) == bool(lanes.value)
        if lanes.value:
            led += 1
            there = cell_at(sheets, found[lanes.coordinate])
            assert there.parent.title == "Lanes"
            assert there.value == lanes.value.split("; ")[0]
            assert there.offset(0, 1).value == procedure_id
            above = there.offset(-1, 1)
            assert above.value != procedure_id
            back = cell_at(sheets, links(sheets["Lanes"])[there.offset(0, 1).coordinate])
            assert back.coordinate == row[0].coordinate
    assert led > 150


def test_relationship_counts_lead_to_the_first_relationship_and_back(workbook: Path) -> None:
    sheets = opened(workbook)
    found, back_links = links(sheets["Procedures"]), links(sheets["Relationships"])
    led = 0
    for row in sheets["Procedures"].iter_rows(min_row=2):
        count = row[9]
        assert (count.coordinate in found) == bool(count.value)
        if count.value:
            led += 1
            there = cell_at(sheets, found[count.coordinate])
            for offset in range(count.value):
                assert there.offset(offset, 0).value == row[0].value
            assert there.offset(count.value, 0).value != row[0].value
            assert there.offset(-1, 0).value != row[0].value
            assert cell_at(sheets, back_links[there.coordinate]).coordinate == row[0].coordinate
    assert led > 100


def test_resolved_targets_lead_to_the_procedure_of_that_name(workbook: Path) -> None:
    sheets = opened(workbook)
    found = links(sheets["Relationships"])
    led = 0
    for row in sheets["Relationships"].iter_rows(min_row=2):
        name, target = row[3], row[4]
        assert (target.coordinate in found) == (row[5].value == "resolved")
        if target.value:
            led += 1
            there = cell_at(sheets, found[target.coordinate])
            assert there.parent.title == "Procedures"
            assert (there.value, there.offset(0, 1).value) == (target.value, name.value)
    assert led > 200


def test_lane_totals_lead_to_the_lane(workbook: Path) -> None:
    sheets = opened(workbook)
    found = links(sheets["Lane totals"])
    assert len(found) == sheets["Lane totals"].max_row - 1 == 14
    for address, link in found.items():
        there = cell_at(sheets, link)
        assert there.parent.title == "Lanes"
        assert there.value == sheets["Lane totals"][address].value


def test_every_link_within_the_workbook_has_a_hint(workbook: Path) -> None:
    hints = Counter(
        cell.hyperlink.tooltip
        for sheet in opened(workbook).values()
        for row in sheet.iter_rows()
        for cell in row
        if cell.hyperlink
    )
    assert set(hints) == {
        "Go to Lanes",
        "Go to Relationships",
        "Go to Procedures",
        "Open in Klarify",
    }


def test_links_to_klarify_are_made_only_where_they_are_safe(tmp_path: Path) -> None:
    organisation = empty_organisation()
    safe = organisation.add(name="a", url="https://demo.klarify.me/process/1?a=b&c=d")
    encoded = organisation.add(name="b", url="https://demo.klarify.me/Prüfung")
    unsafe = [
        organisation.add(name=f"c{number}", url=url)
        for number, url in enumerate(
            ("javascript:alert(1)", "file:///etc/passwd", r"\\server\share", "https://a@b.com/")
        )
    ]
    without = organisation.add(name="d", url="")
    write(organisation, tmp_path / "links.xlsx")
    sheet = opened(tmp_path / "links.xlsx")["Procedures"]
    found = links(sheet)
    by_id = {row[0].value: found.get(row[10].coordinate) for row in sheet.iter_rows(min_row=2)}
    assert by_id == {
        safe: "https://demo.klarify.me/process/1?a=b&c=d",
        encoded: "https://demo.klarify.me/Pr%C3%BCfung",
        **dict.fromkeys([*unsafe, without]),
    }
    shown = {row["ID"]: row for row in records(tmp_path / "links.xlsx", "Procedures")}
    assert shown[encoded]["Link"] == "https://demo.klarify.me/Prüfung"
    assert shown[unsafe[0]]["Link"] == "javascript:alert(1)"
    assert shown[unsafe[0]]["Remarks"] == "Link: shown as text, not a plain web address"
    assert shown[without]["Link"] is None
    assert shown[without]["Remarks"] is None
    assert about(tmp_path / "links.xlsx")["Links shown as text"] == 4


def test_references_are_resolved_or_said_to_be_ambiguous_or_unresolved(tmp_path: Path) -> None:
    organisation = empty_organisation()
    organisation.add(id="1", name="Caf\N{LATIN SMALL LETTER E WITH ACUTE}", called_from=[])
    organisation.add(id="2", name="Twin", called_from=["Twin"])
    organisation.add(id="3", name="Twin", called_from=["Nobody"])
    organisation.add(
        id="4", name="Last", called_within=["Cafe\N{COMBINING ACUTE ACCENT} "], called_from=["Last"]
    )
    write(organisation, tmp_path / "related.xlsx")
    rows = [tuple(row.values()) for row in records(tmp_path / "related.xlsx", "Relationships")]
    assert rows == [
        ("4", "Last", "called within", "Cafe\N{COMBINING ACUTE ACCENT} ", "1", "resolved", None),
        ("4", "Last", "called from", "Last", "4", "resolved", None),
        ("2", "Twin", "called from", "Twin", None, "ambiguous", "2; 3"),
        ("3", "Twin", "called from", "Nobody", None, "unresolved", None),
    ]
    receipt = about(tmp_path / "related.xlsx")
    assert [receipt[f"… {match}"] for match in ("resolved", "ambiguous", "unresolved")] == [2, 1, 1]


def test_matches_add_up_to_the_relationships(workbook: Path) -> None:
    rows = records(workbook, "Relationships")
    counts, receipt = Counter(row["Match"] for row in rows), about(workbook)
    for match in ("resolved", "ambiguous", "unresolved"):
        assert receipt[f"… {match}"] == counts[match] > 0
    assert receipt["Relationship rows written"] == len(rows) == counts.total()
    related = Counter(row["Source ID"] for row in rows)
    for row in records(workbook, "Procedures"):
        assert row["Relationships"] == related[row["ID"]]


def test_lane_totals_add_up(workbook: Path) -> None:
    lanes = records(workbook, "Lanes")
    totals = records(workbook, "Lane totals")
    assert [row["Lane"] for row in totals] == sorted({row["Lane"] for row in lanes})
    for total in totals:
        members = [row for row in lanes if row["Lane"] == total["Lane"]]
        statuses = Counter(row["Status"] for row in members)
        assert total == {
            "Lane": total["Lane"],
            "Procedures": len(members),
            "Published": statuses["published"],
            "Draft": statuses["draft"],
            "Archived": statuses["archived"],
            "Other status": 0,
            "Owners": len({row["Owner"] for row in members if row["Owner"]}),
        }


def test_a_lane_that_stands_twice_in_a_procedure_counts_once(tmp_path: Path) -> None:
    organisation = empty_organisation()
    organisation.add(id="1", lanes=["Sales", "Legal", "Sales"], status="reviewed", owner="A")
    write(organisation, tmp_path / "lanes.xlsx")
    assert [row["Lane"] for row in records(tmp_path / "lanes.xlsx", "Lanes")] == ["Sales", "Legal"]
    assert [tuple(row.values()) for row in records(tmp_path / "lanes.xlsx", "Lane totals")] == [
        ("Legal", 1, 0, 0, 0, 1, 1),
        ("Sales", 1, 0, 0, 0, 1, 1),
    ]


def test_a_lane_that_stands_twice_moves_no_link(tmp_path: Path) -> None:
    organisation = empty_organisation()
    organisation.add(id="1", name="a", lanes=["Sales", "Sales", "Sales"])
    organisation.add(id="2", name="b", lanes=["Legal"])
    write(organisation, tmp_path / "lanes.xlsx")
    sheets = opened(tmp_path / "lanes.xlsx")
    there = cell_at(sheets, links(sheets["Procedures"])["G3"])
    assert (there.value, there.offset(0, 1).value) == ("Legal", "2")


def test_the_receipt_tells_what_the_store_counted(
    written: tuple[Path, RefreshResult],
) -> None:
    file, result = written
    with Store(file.with_suffix(".db"), read_only=True) as store:
        log, state = store.receipt(), store.state()
    assert log is not None
    assert log.watermark is not None
    receipt = about(file)
    assert receipt["Organisation"] == "demo.klarify.me"
    assert receipt["API"] == state.base_url
    assert receipt["Refresh number"] == log.id == result.refresh
    assert receipt["Data as of"] == log.finished_at.replace(tzinfo=None, microsecond=0)
    assert receipt["Watermark"] == log.watermark.replace(tzinfo=None)
    counts = {
        "Counted by the API": log.total_count,
        "Listed by the API": log.listed,
        "Is the list complete?": "Yes: counted and listed are the same",
        "Added": log.added,
        "Changed": log.changed,
        "No longer listed": log.removed,
        "Listed again": log.returned,
    }
    assert {item: receipt[item] for item in counts} == counts
    assert log.listed == log.added == receipt["Procedures written"] == 250
    assert receipt["Lane rows written"] == len(records(file, "Lanes"))
    assert receipt["Lanes"] == len(records(file, "Lane totals"))


def test_a_later_receipt_tells_what_changed(tmp_path: Path) -> None:
    organisation = Organisation(procedures=40, seed=7, now=NOW)
    file = tmp_path / "procedures.xlsx"
    write(organisation, file)
    lived = organisation.evolve(edits=5, additions=3, removals=2)
    result = write(organisation, file)
    assert (result.outcome, result.procedures) == ("written", 41)
    receipt = about(file)
    assert (receipt["Added"], receipt["Changed"], receipt["No longer listed"]) == (3, 5, 2)
    shown = {row["ID"] for row in records(file, "Procedures")}
    assert set(lived.added) <= shown
    assert not set(lived.removed) & shown


def test_an_empty_organisation_gives_sheets_with_headers_only(tmp_path: Path) -> None:
    file = tmp_path / "empty.xlsx"
    result = write(empty_organisation(), file)
    assert result.outcome == "written"
    assert about(file)["Procedures written"] == 0
    for name, sheet in list(opened(file).items())[:-1]:
        assert [table.ref for table in sheet.tables.values()] == [
            f"A1:{sheet.cell(1, sheet.max_column).column_letter}2"
        ]
        assert all(cell.value for cell in sheet[1]), name
        assert not any(cell.value for cell in sheet[2]), name


def test_what_is_shown_is_what_was_planned(workbook: Path) -> None:
    made = {sheet.name: (len(sheet.columns), len(sheet.rows)) for sheet in plan_of(workbook).tables}
    shown = {name: (s.max_column, s.max_row - 1) for name, s in opened(workbook).items()}
    assert shown == made


def test_long_texts_keep_their_rows_low_and_others_are_wrapped(tmp_path: Path) -> None:
    organisation = empty_organisation()
    organisation.add(name="a", owner="word " * 10, lanes=[])
    organisation.add(name="b", owner="word " * 100, lanes=[])
    organisation.add(name="c", owner="one\ntwo", lanes=[])
    organisation.add(name="d", owner="x", lanes=[])
    write(organisation, tmp_path / "heights.xlsx")
    sheet = opened(tmp_path / "heights.xlsx")["Procedures"]
    assert [sheet.row_dimensions[row].height for row in range(2, 6)] == [30, None, 30, None]
    assert [bool(cell.alignment.wrap_text) for cell in sheet["D"][1:]] == [True, False, True, True]
    assert sheet["D3"].quotePrefix
    assert sheet["D3"].number_format == "General"


def test_heights_are_not_fixed_so_that_excel_may_fit_rows_again(workbook: Path) -> None:
    with zipfile.ZipFile(workbook) as archive:
        sheets: list[Any] = [
            archive.read(name).decode() for name in archive.namelist() if "/sheet" in name
        ]
    sheets = [sheet for sheet in sheets if "<tablePart " in sheet]
    assert any(re.search(r'<row [^>]*ht="30"', sheet) for sheet in sheets)
    assert not any("customHeight" in sheet for sheet in sheets)


def test_excel_is_asked_not_to_flag_ids_as_numbers(workbook: Path) -> None:
    with zipfile.ZipFile(workbook) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
    assert '<ignoredError sqref="A1:M251" numberStoredAsText="1"/>' in sheet


def test_times_are_taken_from_the_refresh_and_not_from_the_clock(workbook: Path) -> None:
    with zipfile.ZipFile(workbook) as archive:
        dates = {info.date_time for info in archive.infolist()}
        core = archive.read("docProps/core.xml").decode()
    assert dates == {(1980, 1, 1, 0, 0, 0)}
    with Store(workbook.with_suffix(".db"), read_only=True) as store:
        receipt = store.receipt()
    assert receipt is not None
    stamp = f"{receipt.finished_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert re.findall(r">([^<]*Z)</dcterms:\w+>", core) == [stamp, stamp]


def test_changes_tell_what_a_refresh_noticed_and_lead_to_what_is_still_listed(
    server: DemoServer,
) -> None:
    refresh = partial(klarify_xl.refresh, "p.xlsx", store="p.db", access_key=server.access_key)
    refresh(base_url=server.url)
    organisation = server.organisation
    edited, gone = organisation.rows[3], organisation.rows[4]
    organisation.now += timedelta(hours=1)
    organisation.edit(edited["id"], owner="Somebody else", lanes=["Legal", "Sales"])
    organisation.remove(gone["id"])
    added = organisation.add(name="Brand new")
    refresh(base_url=server.url)

    sheet = opened(Path("p.xlsx"))["Changes"]
    rows = [tuple(cell.value for cell in row[1:]) for row in sheet.iter_rows(min_row=2)]
    lanes = "; ".join(edited["lanes"]) or None
    assert sorted(rows, key=str) == sorted(
        [
            ("added", added, "Brand new", None, None, None),
            ("changed", edited["id"], edited["name"], "Owner", edited["owner"], "Somebody else"),
            ("changed", edited["id"], edited["name"], "Lanes", lanes, "Legal; Sales"),
            ("no longer listed", gone["id"], gone["name"], None, None, None),
        ],
        key=str,
    )
    linked = {row[2].value: row[2].hyperlink is not None for row in sheet.iter_rows(min_row=2)}
    assert linked == {added: True, edited["id"]: True, gone["id"]: False}


def test_health_leads_to_the_row_that_it_is_about(workbook: Path) -> None:
    sheets = opened(workbook)
    owners = {row[0].value: row[3].value for row in sheets["Procedures"].iter_rows(min_row=2)}
    unowned = {
        row[2].value for row in sheets["Health"].iter_rows(min_row=2) if row[1].value == "No owner"
    }
    assert unowned == {procedure for procedure, owner in owners.items() if not owner} != set()
    found = links(sheets["Health"])
    for row in sheets["Health"].iter_rows(min_row=2):
        target = found[row[2].coordinate].removeprefix("#'Procedures'!")
        assert sheets["Procedures"][target].value == row[2].value


def changed_cells(file: Path) -> dict[str, set[str]]:
    """Return the columns of Procedures that are set off as changed, by id."""
    sheet = opened(file)["Procedures"]
    header, *rows = sheet.iter_rows()
    return {
        row[0].value: columns
        for row in rows
        if (
            columns := {
                str(title.value)
                for title, cell in zip(header, row, strict=True)
                if cell.style.endswith(" changed")
            }
        )
    }


def test_changed_cells_are_set_off_until_the_next_refresh(tmp_path: Path) -> None:
    file = tmp_path / "procedures.xlsx"
    organisation = Organisation(procedures=30, seed=7, now=NOW)
    write(organisation, file)
    assert changed_cells(file) == {}
    first, second = (row["id"] for row in organisation.rows[:2])
    organisation.now = NOW + timedelta(minutes=1)
    organisation.edit(first, name="Renamed", owner="Somebody")
    organisation.edit(second, lanes=["Elsewhere"])
    added = organisation.add(name="Brand new")
    write(organisation, file)
    found = changed_cells(file)
    assert found[first] == {"Name", "Owner", "Changed"}
    assert found[second] == {"Lanes", "Changed"}
    assert {"Name", "Status", "Owner", "Updated (UTC)", "Link", "Changed"} <= found[added]
    assert found.keys() == {first, second, added}
    told = {row["ID"]: row["Changed"] for row in records(file, "Procedures") if row["Changed"]}
    assert told == {first: "Name; Owner", second: "Lanes", added: "added"}
    # Not by colour alone.
    cell = next(cell for cell in opened(file)["Procedures"]["B"] if cell.value == "Renamed")
    assert cell.font.bold
    organisation.now = NOW + timedelta(minutes=20)
    organisation.edit(second, status="archived")
    write(organisation, file)
    assert changed_cells(file) == {second: {"Status", "Changed"}}


def test_what_is_no_longer_listed_keeps_its_line_however_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_CHANGES", 3)
    file = tmp_path / "procedures.xlsx"
    organisation = Organisation(procedures=30, seed=7, now=NOW)
    write(organisation, file)
    gone = organisation.rows[0]["id"]
    organisation.remove(gone)
    write(organisation, file, full=True)
    for number in range(5):
        organisation.now = NOW + timedelta(minutes=10 * (number + 1))
        organisation.edit(organisation.rows[number]["id"], name=f"Renamed {number}")
        write(organisation, file)
    rows = [(row["Change"], row["ID"]) for row in records(file, "Changes")]
    assert len(rows) == 4
    assert rows[-1] == ("no longer listed", gone)
