"""Exports hold the workbook's tables, whole and typed, and no text that a spreadsheet runs."""

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook

from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.errors import ConfigurationError, TargetError, TargetLockedError
from klarify_xl.exports import MANIFEST, Export, ExportResult
from klarify_xl.exports.escaping import UNDO, escape, unescape
from klarify_xl.exports.tables import table_of
from klarify_xl.plan import Column, Formula, Link, Place, Plan, Sheet
from klarify_xl.sheets import build_plan
from klarify_xl.store import Store

from .test_command_line import call
from .workbooks import HOSTILE_TEXTS, NOW, hostile_organisation, program, write

FORMATS = ("csv", "json", "parquet")
DANGEROUS = re.compile(
    r"""[\s"]*[=+\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"""
    r"""\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}]|[\t\r\n]"""
)
ESCAPED = st.text(alphabet="='+-@;,\t\n\r \" \N{FULLWIDTH EQUALS SIGN}ab1", max_size=12)
RAW_FORMULA = "=1+1"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the hostile organisation, with a change in it."""
    folder = tmp_path_factory.mktemp("hostile")
    organisation = hostile_organisation()
    write(organisation, folder / "p.xlsx")
    organisation.now = organisation.now.replace(hour=14)
    organisation.edit(organisation.rows[1]["id"], owner="=HYPERLINK(1)")
    write(organisation, folder / "p.xlsx")
    return folder / "p.db"


def plan_of(store: Path) -> Plan:
    with Store(store, read_only=True) as opened:
        return build_plan(opened, limited=False)


def exported(store: Path, out: Path, *formats: str, **options: Any) -> ExportResult:
    return Export(out, formats or FORMATS, **options).write(plan_of(store))


def csv_rows(file: Path) -> list[dict[str, str]]:
    """Read a file as a strict program does: every line as long as the header."""
    text = file.read_bytes().decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def small(*rows: tuple[Any, ...], columns: tuple[Column, ...] = (Column("A"),)) -> Plan:
    sheet = Sheet("Sheet One", columns, rows, "SheetOne", ("A",), description="One.")
    return Plan("demo.klarify.me", "Title", "Subject", NOW, "klarify-xl 0", (sheet,))


@given(st.text() | ESCAPED)
@example("'")
@example("'=1")
@example("a;=1;'b")
@example("\n\n=1")
def test_an_escaped_text_gives_the_text_back(text: str) -> None:
    assert unescape(escape(text)) == text


@given(st.text() | ESCAPED)
def test_no_part_of_an_escaped_text_could_be_evaluated(text: str) -> None:
    safe = escape(text)
    assert not DANGEROUS.match(safe)
    for part in re.split(r"[;\t\n\r]", safe):
        assert not re.match(DANGEROUS.pattern.split("|")[0], part)


@given(st.text() | ESCAPED, st.text() | ESCAPED)
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("  =1+1", "'  =1+1"),
        ("\t1", "'\t1"),
        ("\r1", "'\r1"),
        ("'=1+1", "''=1+1"),
        ("a; =1", "a;' =1"),
        ("a=1-2+3@4", "a=1-2+3@4"),
        ("one; two, -three", "one; two, -three"),
        ("", ""),
    ],
)
def test_only_what_could_be_a_formula_is_escaped(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.lists(st.tuples(st.text() | ESCAPED, ESCAPED), max_size=4))
def test_no_cell_is_a_formula_whichever_separator_the_spreadsheet_takes(
    rows: list[tuple[str, str]],
) -> None:
    """With semicolons for separators, as in much of Europe, cells begin where we began none."""
    from klarify_xl.exports.formats import as_csv  # noqa: PLC0415

    rows = [tuple(re.sub("[\ud800-\udfff\0]", "?", text) for text in row) for row in rows]  # type: ignore[misc]
    plan = small(*rows, columns=(Column("A"), Column("B")))
    content = as_csv(table_of(plan.tables[0])).content.decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(content, newline=""), strict=True))
    assert [tuple(map(unescape, row)) for row in read[1:]] == rows
    pieces = [cell for row in read for cell in row]
    for separator in ";\t":
        for row in csv.reader(io.StringIO(content, newline=""), delimiter=separator):
            pieces += row
        pieces += re.split(rf"[{separator}\r\n]", content)
    for piece in pieces:
        assert not re.match(DANGEROUS.pattern.split("|")[0], piece), piece


def test_all_formats_hold_the_same_and_the_same_as_the_plan(hostile: Path, tmp_path: Path) -> None:
    result = exported(hostile, tmp_path / "out")
    plan = plan_of(hostile)
    assert len(result.files) == 3 * len(plan.tables) + 1
    for table in map(table_of, plan.tables):
        names = [field.name for field in table.fields]
        file = tmp_path / "out" / table.stem
        in_json = json.loads(file.with_suffix(".json").read_bytes())
        in_csv = csv_rows(file.with_suffix(".csv"))
        in_parquet = pq.read_table(file.with_suffix(".parquet")).to_pylist()
        assert len(in_json) == len(in_csv) == len(in_parquet) == len(table.rows)
        for row, one, two, three in zip(table.rows, in_json, in_csv, in_parquet, strict=True):
            assert list(one) == list(two) == list(three) == names
            for field, value in zip(table.fields, row, strict=True):
                if isinstance(value, datetime):
                    assert datetime.fromisoformat(one[field.name]) == value
                    assert one[field.name].endswith("Z")
                    assert one[field.name] == two[field.name]
                    if field.type == "moment":
                        assert three[field.name] == value
                        assert three[field.name].utcoffset().total_seconds() == 0
                    continue
                assert one[field.name] == value
                assert unescape(two[field.name]) == ("" if value is None else str(value))
                assert three[field.name] == (
                    value if field.type != "mixed" or value is None else str(value)
                )


def test_every_hostile_text_arrives(hostile: Path, tmp_path: Path) -> None:
    exported(hostile, tmp_path, "csv", "json")
    from_csv = {unescape(row["Owner"]) for row in csv_rows(tmp_path / "procedures.csv")}
    from_json = {row["Owner"] for row in json.loads((tmp_path / "procedures.json").read_bytes())}
    assert from_csv == {owner or "" for owner in from_json}
    shown = {"formula", "tab before", "quote before", "much", "escape", "leading zeros", "markup"}
    assert {HOSTILE_TEXTS[name] for name in shown} <= from_csv


def test_texts_are_whole_where_the_workbook_cuts_them(hostile: Path, tmp_path: Path) -> None:
    exported(hostile, tmp_path)
    longest = max(len(row["Name"]) for row in csv_rows(tmp_path / "procedures.csv"))
    assert longest == 40_000
    with Store(hostile, read_only=True) as store:
        assert max(len(str(row[1])) for row in build_plan(store).tables[0].rows) == 32_767


def test_tables_are_not_limited_by_excels_rows_and_links(
    hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {table.name: len(table.rows) for table in map(table_of, plan_of(hostile).tables)}
    monkeypatch.setattr("klarify_xl.plan.EXCEL_ROWS", 11)
    monkeypatch.setattr("klarify_xl.plan.EXCEL_LINKS_PER_SHEET", 1)
    assert exported(hostile, tmp_path).rows == every
    addresses = [row["Link address"] for row in csv_rows(tmp_path / "procedures.csv")]
    assert sum(map(bool, addresses)) == 2


def test_types_are_kept(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 500, tzinfo=UTC)
    web = "https://example.com/%C3%A4"
    columns = (
        Column("Text", key="text"),
        Column("When", "moment"),
        Column("Count", "number"),
        Column("Share", "number"),
        Column("Any", "mixed"),
        Column("Web", web=True),
    )
    plan = small(
        (Link("7", Place("X", 0)), moment, 3, 0.5, 5, Link("https://example.com/ä", web)),
        (None, None, Formula("1+1", 2), 1, moment, "javascript:1"),
        columns=columns,
    )
    Export(tmp_path, FORMATS).write(plan)
    schema = pq.read_schema(tmp_path / "sheet_one.parquet")
    assert {field.name: str(field.type) for field in schema} == {
        "text": "string",
        "When": "timestamp[us, tz=UTC]",
        "Count": "int64",
        "Share": "double",
        "Any": "string",
        "Web": "string",
        "Web address": "string",
    }
    rows = json.loads((tmp_path / "sheet_one.json").read_bytes())
    assert rows[0] == {
        "text": "7",
        "When": "2026-03-01T12:00:00.000500Z",
        "Count": 3,
        "Share": 0.5,
        "Any": 5,
        "Web": "https://example.com/ä",
        "Web address": web,
    }
    assert (rows[1]["Count"], rows[1]["Web"], rows[1]["Web address"]) == (2, "javascript:1", None)


def test_every_web_link_of_the_plan_has_a_column_for_its_address(hostile: Path) -> None:
    for sheet in plan_of(hostile).tables:
        for row in sheet.rows:
            for column, cell in zip(sheet.columns, row, strict=True):
                if isinstance(cell, Link) and isinstance(cell.target, str):
                    assert column.web


def test_a_csv_file_is_what_spreadsheets_and_standards_expect(tmp_path: Path) -> None:
    Export(tmp_path, ["csv"]).write(small(("ä",), ('say "hi", you\ntwo',), (None,)))
    content = (tmp_path / "sheet_one.csv").read_bytes()
    assert content == '\ufeffA\r\nä\r\n"say ""hi"", you\ntwo"\r\n""\r\n'.encode()


def test_numbers_are_not_escaped(tmp_path: Path) -> None:
    Export(tmp_path, ["csv"]).write(small((-5,), columns=(Column("A", "number"),)))
    assert csv_rows(tmp_path / "sheet_one.csv") == [{"A": "-5"}]


def test_the_manifest_tells_what_the_files_hold(hostile: Path, tmp_path: Path) -> None:
    result = exported(hostile, tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_bytes())
    plan = plan_of(hostile)
    assert manifest["organisation"] == plan.organisation
    assert datetime.fromisoformat(manifest["data_as_of"]) == plan.made_at
    escaped = 0
    for table in manifest["tables"]:
        for file in table["files"]:
            content = (tmp_path / file["name"]).read_bytes()
            assert file["sha256"] == hashlib.sha256(content).hexdigest()
            assert file["bytes"] == len(content)
        rows = csv_rows(tmp_path / table["files"][0]["name"])
        assert len(rows) == table["rows"]
        for column in table["columns"]:
            count = sum(
                row[column["name"]].startswith("'") or ";'" in row[column["name"]] for row in rows
            )
            assert table["files"][0]["escaped"].get(column["name"], 0) >= count
        escaped += sum(table["files"][0]["escaped"].values())
    assert result.escaped == escaped > 100
    assert UNDO in manifest["formats"]["csv"]["unescaping"]


def test_the_regular_expression_of_the_manifest_undoes_the_escape() -> None:
    for text in HOSTILE_TEXTS.values():
        assert re.sub(UNDO, r"\1", escape(text)) == text


def test_a_second_export_touches_nothing(hostile: Path, tmp_path: Path) -> None:
    assert exported(hostile, tmp_path).outcome == "written"
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    second = exported(hostile, tmp_path)
    assert (second.outcome, second.written) == ("unchanged", ())
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before


def test_equal_stores_give_equal_bytes_in_any_folder(hostile: Path, tmp_path: Path) -> None:
    exported(hostile, tmp_path / "one")
    exported(hostile, tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


@pytest.mark.parametrize("broken", [1, 3])
def test_a_failure_half_way_leaves_the_old_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    out = tmp_path / "out"
    Export(out, ["csv", "json"]).write(small(("old",)))
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    rename = Path.replace
    calls = []

    def failing(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == broken:
            raise PermissionError(13, "in use", str(self), None, str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(TargetLockedError, match=calls[-1].name if calls else "out"):
        Export(out, ["csv", "json"]).write(small(("new",), ("newer",)))
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_a_full_disk_leaves_the_old_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Export(tmp_path, ["csv"]).write(small(("old",)))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TargetError, match="No space left"):
        Export(tmp_path, ["csv"]).write(small(("new",)))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_files_of_somebody_else_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "sheet_one.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(TargetLockedError, match=r"sheet_one\.csv is not from klarify-xl"):
        Export(tmp_path, ["csv"]).write(small(("a",)))
    assert [file.name for file in tmp_path.iterdir()] == ["sheet_one.csv"]
    Export(tmp_path, ["csv"], overwrite=True).write(small(("a",)))
    assert (tmp_path / "sheet_one.before.csv").read_text(encoding="utf-8") == "mine"
    (tmp_path / "sheet_one.csv").write_text("changed", encoding="utf-8")
    with pytest.raises(TargetLockedError, match="was changed after klarify-xl wrote it"):
        Export(tmp_path, ["csv"]).write(small(("b",)))
    Export(tmp_path, ["csv"], overwrite=True).write(small(("b",)))
    assert (tmp_path / "sheet_one.before-2.csv").read_text(encoding="utf-8") == "changed"


def test_a_foreign_manifest_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"files": []}', encoding="utf-8")
    with pytest.raises(TargetLockedError, match=r"export\.json is not from"):
        Export(tmp_path, ["csv"]).write(small(("a",)))


def test_what_an_export_no_longer_renews_is_told_and_stays(hostile: Path, tmp_path: Path) -> None:
    exported(hostile, tmp_path, "csv", tables=["Procedures", "lane totals"])
    result = exported(hostile, tmp_path, "json", tables=["health"])
    assert result.left_over == ("lane_totals.csv", "procedures.csv")
    assert (tmp_path / "procedures.csv").exists()
    (tmp_path / "procedures.csv").unlink()
    assert exported(hostile, tmp_path, "json").left_over == ("lane_totals.csv",)
    assert exported(hostile, tmp_path, "csv", "json").left_over == ()


def test_one_organisation_does_not_take_the_place_of_another(tmp_path: Path) -> None:
    plan = small(("a",))
    Export(tmp_path, ["csv"]).write(plan)
    other = Plan("other.klarify.me", "", "", NOW, "klarify-xl 0", plan.sheets)
    with pytest.raises(TargetLockedError, match=r"shows demo\.klarify\.me"):
        Export(tmp_path, ["csv"]).write(other)
    Export(tmp_path, ["csv"], overwrite=True).write(other)


def test_without_pyarrow_people_are_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match="pyarrow") as caught:
        Export(tmp_path / "out", ["parquet"])
    assert "pip install" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_libreoffice_opens_the_files_without_a_formula(hostile: Path, tmp_path: Path) -> None:
    """With formulas evaluated, as a spreadsheet does; the raw text beside shows that it does."""
    soffice = program("soffice")
    exported(hostile, tmp_path / "out", "csv")
    names = ["procedures", "relationships", "changes", "raw"]
    (tmp_path / "out" / "raw.csv").write_text(f"A\r\n{RAW_FORMULA}\r\n", encoding="utf-8")
    for separator in (44, 59):
        done = subprocess.run(
            [
                *(soffice, "--headless", f"-env:UserInstallation={(tmp_path / 'lo').as_uri()}"),
                # Tokens of the filter: separator, quote, UTF-8, first line, columns, language,
                # quoted cells as text, detect numbers, ..., evaluate formulas.
                f"--infilter=CSV:{separator},34,76,1,,1033,false,true,false,false,false,-1,true",
                *("--convert-to", "xlsx", "--outdir", str(tmp_path / "read")),
                *(str(tmp_path / "out" / f"{name}.csv") for name in names),
            ],
            capture_output=True,
            timeout=110,
            check=True,
        )
        assert done.returncode == 0
        formulas = {}
        for file in (tmp_path / "read").glob("*.xlsx"):
            sheet = load_workbook(file).worksheets[0]
            cells = [cell for row in sheet.iter_rows() for cell in row]
            formulas[file.stem.split("-")[0]] = [c.value for c in cells if c.data_type == "f"]
        assert len(formulas.pop("raw")) == 1
        assert formulas == {"procedures": [], "relationships": [], "changes": []}


def test_an_export_from_the_command_line_asks_no_network(server: DemoServer) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    server.stop()
    done = call("export", "--out", "bi", "--format", "csv", "--format", "parquet", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["outcome"] == "written"
    assert result["rows"]["Procedures"] == 250
    assert Path("bi/procedures.parquet").is_file()
    again = call("export", "--out", "bi", "--format", "csv", "--format", "parquet")
    assert "is up to date and was not touched" in again.stdout


def test_an_export_without_a_store_or_table_says_what_to_do(server: DemoServer) -> None:
    done = call("export", "--out", "bi")
    assert done.returncode == 8
    assert "klarify-xl refresh" in done.stderr
    call("refresh", "--out", "p.xlsx", server=server)
    done = call("export", "--out", "bi", "--sheet", "nope")
    assert done.returncode == 2
    assert "There is no table 'nope'" in done.stderr
    assert "LaneTotals" in done.stderr
    Path("file").write_text("", encoding="utf-8")
    assert call("export", "--out", "file").returncode == 6


def test_exports_speak_the_language_asked_for_under_names_that_stay(server: DemoServer) -> None:
    Path("german.toml").write_text(
        '[workbook]\nlanguage = "de"\nsheets = ["Relationships", "Procedures"]\n'
        '[sheets.Procedures]\ncolumns = ["ID", "Name", "Link"]\ntitles = { Name = "Titel" }\n',
        encoding="utf-8",
    )
    call("refresh", "--out", "p.xlsx", server=server)
    done = call("export", "--out", "bi", "--config", "german.toml", "--json")
    assert list(json.loads(done.stdout)["rows"]) == ["Relationships", "Procedures"]
    assert list(csv_rows(Path("bi/procedures.csv"))[0]) == ["ID", "Name", "Link", "Link address"]
    assert {row["Match"] for row in csv_rows(Path("bi/relationships.csv"))} >= {"eindeutig"}
    both = ("refresh", "--out", "both", "--format", "csv", "--config", "german.toml")
    call(*both, server=server)
    names = ("procedures.csv", "relationships.csv")
    assert all(Path("both", name).read_bytes() == Path("bi", name).read_bytes() for name in names)
    Path("german.toml").write_text("[sheets.Helth]", encoding="utf-8")
    wrong = call("export", "--out", "other", "--config", "german.toml")
    assert (wrong.returncode, Path("other").exists()) == (2, False)
    assert "german.toml, line 1" in wrong.stderr


def test_a_refresh_writes_tables_without_a_workbook(server: DemoServer) -> None:
    done = call("refresh", "--out", "bi", "--format", "csv", "--json", server=server)
    result = json.loads(done.stdout)
    assert (result["outcome"], result["rows"], result["out"]) == ("written", {}, "bi")
    assert "procedures.csv" in result["files"]
    assert len(csv_rows(Path("bi/procedures.csv"))) == 250
    assert not list(Path("bi").glob("*.xlsx"))
    again = call("refresh", "--out", "bi", "--format", "csv", "--exit-unchanged", server=server)
    assert again.returncode == 10


def test_a_refresh_writes_tables_beside_the_workbook(server: DemoServer) -> None:
    arguments = ("refresh", "--out", "bi", "--format", "xlsx", "--format", "json")
    done = call(*arguments, server=server)
    assert "rows: Procedures 250" in done.stdout
    assert "procedures.json" in done.stdout
    assert "Procedures" in load_workbook("bi/klarify.xlsx").sheetnames
    assert len(json.loads(Path("bi/procedures.json").read_bytes())) == 250


def test_a_workbooks_name_is_no_folder(server: DemoServer) -> None:
    done = call("refresh", "--out", "p.xlsx", "--format", "csv", server=server)
    assert done.returncode == 2
    assert "needs a folder" in done.stderr
    assert not Path("p.xlsx").exists()


def test_an_empty_organisation_exports_empty_tables(tmp_path: Path) -> None:
    write(Organisation(procedures=0, seed=1, now=NOW), tmp_path / "p.xlsx")
    exported(tmp_path / "p.db", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "procedures.json").read_bytes()) == []
    assert csv_rows(tmp_path / "out" / "procedures.csv") == []
    table = pq.read_table(tmp_path / "out" / "procedures.parquet")
    assert (table.num_rows, str(table.schema.field("Relationships").type)) == (0, "int64")
