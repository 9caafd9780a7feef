"""Packs show a part as the whole shows it, in files that no name can lead astray."""

import csv
import io
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.table import TableColumn

from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.errors import TargetLockedError
from klarify_xl.exports.escaping import unescape
from klarify_xl.file_names import MOST_CHARACTERS, file_names, safe_stem
from klarify_xl.packs import Grouping, PacksResult, write_packs
from klarify_xl.pipeline import RENEWED_DAYS
from klarify_xl.plan import Board, Formula, Link, Place
from klarify_xl.sheets import plan_contents, read_contents
from klarify_xl.store import Store

from .lint import lint
from .test_command_line import call
from .workbooks import (
    NOW,
    about,
    cell_at,
    hostile_organisation,
    links,
    opened,
    records,
    sheet_names,
    unescaped,
    write,
)

RESERVED = {"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(10))}
ODD = st.text(
    alphabet='aA äÄ\u0301./\\:~$-_*?"<>|\n\t\0\u202e\u01c5\u017f\u00df\u0130\u0131CONcon1()',
    max_size=10,
)
TEXTS = st.lists(st.text(max_size=300) | ODD | st.sampled_from(sorted(RESERVED)), unique=True)


def named(texts: Iterable[str]) -> dict[str, str]:
    return file_names(texts, ".xlsx", lambda _name, _text: True)


def file_system_sees(name: str) -> set[str]:
    """What file systems may take a name for that ignore case, or form, or both."""
    return {
        fold(unicodedata.normalize(form, name))
        for form in ("NFC", "NFD")
        for fold in (str.upper, str.lower, str.casefold)
    }


@given(TEXTS)
@example(["../../etc/passwd", "..", ".", "/", "\\\\server\\share", "C:\\x", "a/b", "~$x", "-rf"])
@example(["CON", "con.txt", "COM1", "com¹", "Nul ", "LPT9.", "CONIN$", "NUL .a"])
@example(["", " ", "\0", "\ud800", "é", "e\u0301", "e\u0301".upper()])
@example(["x" * 500, "x" * 501, "\N{ELEPHANT}" * 100, "ä" * 119])
@example(["Ann", "ANN", "Ann ", "Ann.", " Ann"])
def test_every_text_gets_a_file_of_its_own_in_the_folder(texts: list[str]) -> None:
    names = named(texts)
    assert set(names) == set(texts)
    seen: Counter[str] = Counter()
    for name in names.values():
        seen.update(file_system_sees(name))
        assert Path(name).name == name
        assert not re.search(r'[<>:"/\\|?*\x00-\x1f\x7f]', name)
        assert name.isprintable()
        assert len(name.encode("utf-16-le")) <= 2 * MOST_CHARACTERS == 240
        assert len(name.encode()) <= 200
        stem = name.removesuffix(".xlsx")
        assert stem == stem.strip(" .~")
        assert stem.split(".")[0].strip().casefold() not in RESERVED
        assert unicodedata.is_normalized("NFC", name)
    assert all(count == 1 for count in seen.values()) or not seen


@given(TEXTS, st.text(max_size=20))
def test_a_name_does_not_depend_on_texts_that_have_nothing_in_common_with_it(
    texts: list[str], other: str
) -> None:
    before = named(texts)
    after = named([*texts, *({other} - set(texts))])
    changed = {text for text in texts if before[text] != after[text]}
    stem = safe_stem(other).casefold()
    for text in changed:
        assert unicodedata.normalize("NFKD", safe_stem(text)).casefold()[:4].upper() == (
            unicodedata.normalize("NFKD", stem).casefold()[:4].upper()
        )


def test_plain_names_stay_plain_and_like_ones_get_a_mark() -> None:
    assert named(["Ann Lee"]) == {"Ann Lee": "Ann Lee.xlsx"}
    names = named(["Ann", "ANN", "Ann ", "Bo"])
    assert names["Bo"] == "Bo.xlsx"
    assert all(
        re.fullmatch(r"(Ann|ANN) \([0-9a-f]{8}\)\.xlsx", names[text])
        for text in ("Ann", "ANN", "Ann ")
    )
    assert names == {**named(["Ann ", "Bo", "ANN", "Ann"])}


def test_nobody_can_take_the_marked_name_of_another() -> None:
    marked = named(["Ann", "ANN"])["Ann"].removesuffix(".xlsx")
    names = named(["Ann", "ANN", marked])
    assert len({name.casefold() for name in names.values()}) == 3


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook of the whole, with its store beside and two refreshes in it."""
    file = tmp_path_factory.mktemp("whole") / "p.xlsx"
    sample = Organisation(procedures=300, seed=7, now=NOW)
    write(sample, file)
    sample.evolve()
    write(sample, file)
    return file


Owners = tuple[PacksResult, dict[str, dict[str, Any]]]


def packed(whole: Path, out: Path, by: Grouping = "owner", **options: Any) -> PacksResult:
    with Store(whole.with_suffix(".db"), read_only=True) as store:
        return write_packs(store, out, by=by, **options)


@pytest.fixture(scope="module")
def owners(organisation: Path, tmp_path_factory: pytest.TempPathFactory) -> Owners:
    """The packs by owner, as written and as openpyxl reads them."""
    out = tmp_path_factory.mktemp("owners")
    result = packed(organisation, out)
    return result, {pack.name: opened(out / pack.file) for pack in result.packs}


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    """Return a sheet's rows by the titles in its header, without the one of an empty table."""
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows if row != (None,) * len(header)]


def test_all_packs_together_show_what_the_whole_shows(organisation: Path, owners: Owners) -> None:
    """But for the changes of what is no longer listed, and so is nobody's."""
    whole = opened(organisation)
    listed = {row["ID"] for row in rows_of(whole["Procedures"])}
    for name in ("Procedures", "Lanes", "Relationships", "Changes", "Health"):
        together: Counter[tuple[Any, ...]] = Counter()
        for sheets in owners[1].values():
            together.update(tuple(row.values()) for row in rows_of(sheets[name]))
        expected = rows_of(whole[name])
        if name == "Changes":
            expected = [row for row in expected if row["ID"] in listed]
        assert together == Counter(tuple(row.values()) for row in expected), name
        assert together


def test_a_pack_holds_the_procedures_of_its_owner_only(owners: Owners) -> None:
    result, packs = owners
    for pack in result.packs:
        sheets = packs[pack.name]
        rows = rows_of(sheets["Procedures"])
        assert {row["Owner"] or "" for row in rows} == {pack.name}
        assert len(rows) == pack.procedures
        receipt = {row["Item"]: row["Value"] for row in rows_of(sheets["About"])}
        assert receipt["Procedures written"] == pack.procedures
        ids = {row["ID"] for row in rows}
        for name, title in (("Relationships", "Source ID"), ("Changes", "ID"), ("Health", "ID")):
            assert {row[title] for row in rows_of(sheets[name])} <= ids
    assert (result.packs[-1].name, result.packs[-1].file) == ("", "Without owner.xlsx")


def test_references_keep_their_meaning_and_links_lead_within_the_pack(owners: Owners) -> None:
    outside = 0
    for sheets in owners[1].values():
        ids = {row["ID"] for row in rows_of(sheets["Procedures"])}
        for name, title in (("Relationships", "Target ID"), ("Health", "ID"), ("Changes", "ID")):
            column = [cell.value for cell in sheets[name][1]].index(title)
            targets = links(sheets[name])
            for row in sheets[name].iter_rows(min_row=2):
                cell = row[column]
                link = targets.get(cell.coordinate)
                assert (link is not None) == (cell.value in ids and cell.value is not None)
                outside += cell.value is not None and link is None
                if link:
                    assert cell_at(sheets, link).value == cell.value
    assert outside > 50


def test_a_procedure_in_several_lanes_is_in_the_pack_of_each(
    organisation: Path, tmp_path: Path
) -> None:
    expected: defaultdict[str, set[str]] = defaultdict(set)
    for row in records(organisation, "Lanes"):
        expected[row["Lane"]].add(row["ID"])
    in_lanes = set().union(*expected.values())
    expected[""] = {row["ID"] for row in records(organisation, "Procedures")} - in_lanes
    result = packed(organisation, tmp_path, "lane")
    found = {
        pack.name: {row["ID"] for row in records(tmp_path / pack.file, "Procedures")}
        for pack in result.packs
    }
    assert found == {name: ids for name, ids in expected.items() if ids}
    assert "Without lane.xlsx" in {pack.file for pack in result.packs}


def test_a_pack_says_what_it_is_a_part_of(organisation: Path, owners: Owners) -> None:
    result, packs = owners
    name = result.packs[0].name
    receipt = {row["Item"]: row for row in rows_of(packs[name]["About"])}
    assert receipt["Shows only"]["Value"] == f"Owner: {name}"
    assert "all 301 procedures" in receipt["Shows only"]["Explanation"]
    assert "Shows only" not in about(organisation)
    title = load_workbook(Path(result.out) / result.packs[0].file).properties.title
    assert title == f"Klarify procedures of demo.klarify.me: Owner: {name}"


def test_unchanged_packs_are_not_touched_and_changed_ones_are(tmp_path: Path) -> None:
    whole, out = tmp_path / "p.xlsx", tmp_path / "packs"
    sample = Organisation(procedures=120, seed=5, now=NOW)
    write(sample, whole)
    assert {pack.outcome for pack in packed(whole, out).packs} == {"written"}
    before = {file.name: file.stat().st_mtime_ns for file in out.iterdir()}
    again = packed(whole, out)
    assert again.outcome == "unchanged"
    assert {pack.outcome for pack in again.packs} == {"unchanged"}
    assert {file.name: file.stat().st_mtime_ns for file in out.iterdir()} == before

    sample.now = sample.now.replace(hour=15)
    called = {name for r in sample.rows for name in (*r["called_within"], *r["called_from"])}
    edited = next(r for r in sample.rows if r["name"] not in called and r["owner"])
    sample.edit(edited["id"], performer="Somebody else")
    write(sample, whole)
    result = packed(whole, out)
    assert [p.name for p in result.packs if p.outcome == "written"] == [edited["owner"]]
    assert result.outcome == "written"


def test_the_same_store_gives_the_same_bytes(organisation: Path, tmp_path: Path) -> None:
    packed(organisation, tmp_path / "one")
    packed(organisation, tmp_path / "two")
    files = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert files == sorted(file.name for file in (tmp_path / "two").iterdir())
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_packs_of_owners_who_have_gone_stay_and_are_told(tmp_path: Path) -> None:
    whole, out = tmp_path / "p.xlsx", tmp_path / "packs"
    sample = Organisation(procedures=6, seed=5, now=NOW)
    for index, row in enumerate(sample.rows):
        sample.edit(row["id"], owner=("Ann", "Bo", "Cy")[index % 3])
    write(sample, whole)
    assert packed(whole, out).gone == ()
    for row in sample.rows:
        sample.edit(row["id"], owner=row["owner"].replace("Ann", "ann").replace("Bo", "Cy"))
    write(sample, whole, full=True)
    result = packed(whole, out)
    # "ann" must not take the file of "Ann", whom a file system may call the same.
    assert set(result.gone) >= {"Bo.xlsx"}
    assert (out / "Ann.xlsx").exists()
    assert {row["Owner"] for row in records(out / "Ann.xlsx", "Procedures")} == {"Ann"}
    assert {"File": "Bo.xlsx", "State": "gone"}.items() <= index_rows(out)[-1].items()
    (out / "Bo.xlsx").unlink()
    assert "Bo.xlsx" not in packed(whole, out).gone


def index_rows(out: Path) -> list[dict[str, str]]:
    text = (out / "index.csv").read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_the_index_tells_which_file_shows_which_procedures(owners: Owners) -> None:
    result, packs = owners
    files: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in index_rows(Path(result.out)):
        assert row["State"] == "current"
        files[row["File"]].add((unescape(row["Owner"]), row["ID"]))
    assert {file.name for file in Path(result.out).glob("*.xlsx")} == set(files)
    for pack in result.packs:
        rows = rows_of(packs[pack.name]["Procedures"])
        assert files[pack.file] == {(row["Owner"] or "", row["ID"]) for row in rows}


def test_files_that_are_not_packs_of_ours_are_left_alone(
    organisation: Path, owners: Owners, tmp_path: Path
) -> None:
    files = [pack.file for pack in owners[0].packs]
    names = [name for name in files if " (" not in name][:3]
    out = tmp_path / "packs"
    out.mkdir()
    (out / names[0]).write_bytes(b"somebody's")
    whole = organisation.read_bytes()
    (out / names[1]).write_bytes(whole)
    result = packed(organisation, out)
    assert (out / names[0]).read_bytes() == b"somebody's"
    assert (out / names[1]).read_bytes() == whole
    assert not result.refused
    written = [pack.file for pack in result.packs]
    assert re.fullmatch(r".* \([0-9a-f]{8}\)\.xlsx", written[files.index(names[0])])
    assert re.fullmatch(r".* \([0-9a-f]{8}\)\.xlsx", written[files.index(names[1])])
    assert names[2] in written


def test_what_people_add_to_a_pack_stays_when_it_is_renewed(tmp_path: Path) -> None:
    whole, out = tmp_path / "p.xlsx", tmp_path / "packs"
    sample = Organisation(procedures=40, seed=5, now=NOW)
    write(sample, whole)
    pack = max(packed(whole, out).packs, key=lambda one: one.procedures)
    file = out / pack.file
    book = load_workbook(file)
    sheet, table = book["Procedures"], book["Procedures"].tables["Procedures"]
    kept = sheet["A2"].value
    table.tableColumns.append(TableColumn(id=99, name="Note"))
    note = sheet.cell(1, sheet.max_column + 1, "Note").column_letter
    sheet[f"{note}2"] = "mine"
    table.ref = table.autoFilter.ref = f"A1:{note}{sheet.max_row}"
    book.create_sheet("My sheet")["A1"] = "mine, too"
    book.save(file)
    sample.now = sample.now.replace(hour=15)
    sample.add(name=" first", owner=pack.name)
    write(sample, whole)
    result = packed(whole, out)
    assert (result.refused, result.gone) == ((), ())
    sheets = opened(file)
    assert load_workbook(file)["My sheet"]["A1"].value == "mine, too"
    notes = {row["ID"]: row["Note"] for row in rows_of(sheets["Procedures"])}
    assert len(notes) == pack.procedures + 1
    assert {one: note for one, note in notes.items() if note} == {kept: "mine"}
    assert packed(whole, out).outcome == "unchanged"
    load_workbook(file).save(file)
    packed(whole, out, overwrite=True)
    assert "My sheet" not in sheet_names(file)
    assert "My sheet" in sheet_names(file.with_suffix(".before.xlsx"))


def test_a_pack_that_cant_be_written_is_refused_and_the_others_go_on(
    organisation: Path, tmp_path: Path
) -> None:
    first, second = [pack.file for pack in packed(organisation, tmp_path).packs][:2]
    before = (tmp_path / first).read_bytes()
    (tmp_path / f"~${first}").write_bytes(b"")
    (tmp_path / second).unlink()
    result = packed(organisation, tmp_path)
    assert [pack.file for pack in result.refused] == [first]
    assert "is open in another program" in result.refused[0].reason
    assert (tmp_path / first).read_bytes() == before
    assert (tmp_path / second).exists()
    assert {row["State"] for row in index_rows(tmp_path) if row["File"] == first} == {"refused"}
    (tmp_path / f"~${first}").unlink()
    assert not packed(organisation, tmp_path).refused


def test_boards_of_a_pack_show_its_own_procedures(organisation: Path) -> None:
    """Counted by the pack's tables, drawn without the rest, and leading nowhere outside."""
    with Store(organisation.with_suffix(".db"), read_only=True) as store:
        contents = read_contents(store)
    owner = Counter(one.owner for one in contents.procedures if one.owner).most_common(1)[0][0]
    ids = {one.id for one in contents.procedures if one.owner == owner}
    rest = {one.id for one in contents.procedures} - ids
    made = plan_contents(contents.of(frozenset(ids), f"Owner: {owner}"))
    overview, matrix, picture = (
        next(one for one in made.sheets if one.key == key)
        for key in ("Overview", "Role matrix", "Map")
    )
    assert isinstance(overview, Board)
    assert isinstance(matrix, Board)
    assert isinstance(picture, Board)
    assert overview.cells[0, 1][0] == f"Procedures of demo.klarify.me: Owner: {owner}"
    figure = overview.cells[5, 2][0]
    assert isinstance(figure, Formula)
    assert figure.value == len(ids)
    drawn = {shape.description.rpartition("; ")[2] for shape in picture.shapes}
    assert len(drawn) > 3
    assert drawn <= ids
    assert not rest & {
        shown
        for (_, column), (cell, _) in matrix.cells.items()
        if not column
        for shown in [cell.value if isinstance(cell, Link) else cell]
    }
    rows = {table.key: len(table.rows) for table in made.tables}
    linked = [cell for board in (overview, matrix, picture) for cell, _ in board.cells.values()]
    targets = [one.target for one in linked if isinstance(one, Link)]
    targets += [shape.target for shape in picture.shapes if shape.target]
    assert len(targets) > len(ids)
    for target in targets:
        assert isinstance(target, Place)
        assert target.row < rows[target.sheet]


def test_packs_are_renewed_every_few_days_though_nothing_has_changed(tmp_path: Path) -> None:
    whole, out = tmp_path / "p.xlsx", tmp_path / "packs"
    sample = Organisation(procedures=12, seed=5, now=NOW)
    outcomes = []
    for day in range(2 * RENEWED_DAYS + 1):
        write(sample, whole, now=lambda day=day: NOW + timedelta(days=day))
        outcomes.append({pack.outcome for pack in packed(whole, out).packs})
    assert outcomes[0] == {"written"}
    assert outcomes[1:].count({"written"}) == 2
    assert outcomes[1:].count({"unchanged"}) == 2 * RENEWED_DAYS - 2


def test_an_index_of_somebody_else_is_not_replaced(organisation: Path, tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(TargetLockedError, match="is not the index"):
        packed(organisation, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["index.csv"]


def test_packs_by_owner_and_by_lane_do_not_mix(organisation: Path, tmp_path: Path) -> None:
    packed(organisation, tmp_path, "owner")
    with pytest.raises(TargetLockedError, match="not the index of packs by lane"):
        packed(organisation, tmp_path, "lane")


@pytest.mark.parametrize("by", ["owner", "lane"])
def test_hostile_names_make_valid_workbooks_within_the_folder(tmp_path: Path, by: Grouping) -> None:
    sample = hostile_organisation()
    for name in (
        "../../out",
        "/etc/x",
        "..\\..\\out",
        "CON",
        "Ann",
        "ANN",
        "Ann ",
        "Without owner",
    ):
        sample.add(owner=name, lanes=[name])
    sample.add(owner=" ", lanes=[" "])
    write(sample, tmp_path / "p.xlsx")
    before = set(tmp_path.iterdir())
    result = packed(tmp_path / "p.xlsx", tmp_path / "packs", by)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "packs"}
    files = {pack.file for pack in result.packs}
    assert {file.name for file in (tmp_path / "packs").iterdir()} == {*files, "index.csv"}
    assert len(files) == len(result.packs) > 30
    for pack in result.packs:
        assert lint(tmp_path / "packs" / pack.file) == []
        rows = records(tmp_path / "packs" / pack.file, "Procedures")
        assert len(rows) == pack.procedures
    if by == "owner":
        by_name = {pack.name: pack for pack in result.packs}
        assert {"Ann", "ANN", "Ann ", "Without owner", "", "=1+1"} <= set(by_name)
        shown = records(tmp_path / "packs" / by_name["=1+1"].file, "Procedures")
        assert {unescaped(row["Owner"]) for row in shown} == {"=1+1"}


def test_packs_come_from_the_command_line_without_the_network(server: DemoServer) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    server.stop()
    done = call("packs", "--by", "owner", "--out", "packs", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["outcome"] == "written"
    assert len(list(Path("packs").glob("*.xlsx"))) == len(result["packs"]) > 10
    shown = call("packs", "--by", "owner", "--out", "packs")
    assert "unchanged, 0 refused" in shown.stdout
    assert "Writing packs" in shown.stderr
    (Path("packs") / result["packs"][0]["file"]).write_bytes(b"changed")
    third = call("packs", "--by", "owner", "--out", "packs")
    assert third.returncode == 0


def test_a_refused_pack_gives_an_exit_code(server: DemoServer) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    call("packs", "--by", "lane", "--out", "packs")
    file = next(Path("packs").glob("*.xlsx"))
    file.with_name(f"~${file.name}").write_bytes(b"")
    done = call("packs", "--by", "lane", "--out", "packs")
    assert done.returncode == 6
    assert "Refused:" in done.stdout


def test_packs_take_options_and_tell_mistakes_before_anything_is_written(
    server: DemoServer,
) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    Path("german.toml").write_text('[workbook]\nlanguage = "de"', encoding="utf-8")
    done = call("packs", "--by", "owner", "--out", "packs", "--config", "german.toml", "--json")
    packs = json.loads(done.stdout)["packs"]
    assert packs[-1]["file"] == "Ohne Verantwortliche.xlsx"
    file = Path("packs", packs[0]["file"])
    assert sheet_names(file)[:2] == ["Übersicht", "Prozesse"]
    items = {row[0]: row[1:] for row in opened(file)["Info"].iter_rows(values_only=True)}
    assert items["Zeigt nur"][0] == f"Verantwortlich: {packs[0]['name']}"
    assert "allen 250 Prozessen" in str(items["Zeigt nur"][1])
    Path("german.toml").write_text("[sheets.Helth]", encoding="utf-8")
    wrong = call("packs", "--by", "owner", "--out", "other", "--config", "german.toml")
    assert (wrong.returncode, Path("other").exists()) == (2, False)
    assert "german.toml, line 1" in wrong.stderr


def test_packs_without_a_store_or_grouping_say_what_to_do() -> None:
    assert call("packs", "--by", "owner", "--out", "packs").returncode == 8
    assert call("packs", "--by", "colour", "--out", "packs").returncode == 2
    assert call("packs", "--out", "packs").returncode == 2
