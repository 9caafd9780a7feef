"""How much a refresh does, in counts that are the same on every machine: no times are measured."""

import gc
import re
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from klarify_xl.collector import collector_paused
from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.errors import ConfigurationError
from klarify_xl.options import Options
from klarify_xl.sheets import build_plan
from klarify_xl.store import Store
from klarify_xl.sync import sync

from .conftest import NOW, MakeClient, MakeServer
from .workbooks import write

PAGE = 100
EDITS = 10
PARTS_OF_EVERY_REFRESH = {
    *("xl/workbook.xml", "xl/styles.xml", "docProps/custom.xml"),
    *("xl/drawings/drawing1.xml", "xl/drawings/drawing2.xml"),
}
"""Parts that may be written anew although no row of theirs is another one."""


def statements(store: Store) -> list[str]:
    """Return the list to which all SQL that the store runs from now on is added."""
    said: list[str] = []
    store._connection.set_trace_callback(said.append)
    return said


def evolved(organisation: Organisation, edits: int = EDITS) -> tuple[str, ...]:
    return organisation.evolve(edits=edits, additions=0, removals=0).edited


@pytest.mark.parametrize("procedures", [1, 100, 101, 730])
def test_a_first_refresh_sends_a_request_for_each_page_and_two_to_prove_it(
    procedures: int, make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(procedures)
    log = sync(make_client(server), store)
    assert log.requests == len(server.requests) == -(-procedures // PAGE) + 2


@pytest.mark.parametrize("edits", [0, 1, EDITS])
def test_a_later_refresh_sends_two_requests_however_many_procedures_there_are(
    edits: int, make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(730)
    sync(make_client(server), store)
    evolved(server.organisation, edits)
    log = sync(make_client(server), store)
    assert (log.mode, log.requests, log.changed) == ("incremental", 2, edits)


def touched(store: Store, make_client: MakeClient, server: DemoServer) -> tuple[int, list[str]]:
    """Refresh, and return the rows of the store that were written, and its statements."""
    client = make_client(server)
    said = statements(store)
    before = store._connection.total_changes
    sync(client, store)
    return store._connection.total_changes - before, said


@pytest.mark.parametrize("edits", [0, EDITS])
def test_what_a_refresh_does_to_the_store_depends_on_what_changed_only(
    edits: int, make_server: MakeServer, make_client: MakeClient, tmp_path: Path
) -> None:
    efforts = []
    for procedures in (150, 730):
        server = make_server(procedures)
        with Store(tmp_path / f"{procedures}.db") as store:
            sync(make_client(server), store)
            evolved(server.organisation, edits)
            rows, said = touched(store, make_client, server)
            fetched = store.refreshes()[-1].fetched
            changes = len(store.changes(since=2))
            state = sum("INTO state" in one for one in said)
            assert rows <= edits + changes + state + 1
            # One question for each procedure that was read.
            efforts.append(len(said) - fetched - changes - state)
    assert efforts[0] == efforts[1]


def test_a_plan_takes_as_many_statements_for_many_procedures_as_for_few(
    make_server: MakeServer, make_client: MakeClient, tmp_path: Path
) -> None:
    counts = []
    for procedures in (150, 730):
        with Store(tmp_path / f"{procedures}.db") as store:
            sync(make_client(make_server(procedures)), store)
            said = statements(store)
            build_plan(store)
            counts.append(len(said))
    assert counts[0] == counts[1] <= 20


def test_the_history_asks_for_the_name_of_each_procedure_once(
    make_server: MakeServer, make_client: MakeClient, store: Store
) -> None:
    server = make_server(150)
    sync(make_client(server), store)
    changed = server.organisation.rows[0]["id"]
    for number in range(5):
        server.organisation.now += timedelta(hours=1)
        server.organisation.edit(changed, owner=f"Owner {number}")
        sync(make_client(server), store)
    said = statements(store)
    changes = store.changes(since=2)
    assert len({one.refresh for one in changes}) == 5
    assert len(said) == 2


def parts(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def rows(part: bytes) -> dict[bytes, bytes]:
    """Return the rows of a sheet's part by their numbers."""
    found = re.finditer(rb'<row r="([0-9]+)".*?(?:</row>|/>(?=<row|</sheetData>))', part, re.DOTALL)
    return {one[1]: one[0] for one in found}


def beside(file: Path, part: str, row: int, cell: bytes) -> None:
    """Add a cell to a row, as a person would."""
    found = parts(file)
    start, end = found[part].split(b'<row r="%d"' % row, 1)
    found[part] = start + b'<row r="%d"' % row + end.replace(b"</row>", cell + b"</row>", 1)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in found.items():
            archive.writestr(name, content)


def test_a_refresh_in_place_rewrites_the_rows_of_what_changed_and_no_others(
    tmp_path: Path,
) -> None:
    organisation, file = Organisation(procedures=150, seed=7, now=NOW), tmp_path / "k.xlsx"
    write(organisation, file)
    sheet = "xl/worksheets/sheet2.xml"
    beside(file, sheet, 3, b'<c r="N3" t="inlineStr"><is><t>ask Ann</t></is></c>')
    before = parts(file)
    organisation.now += timedelta(hours=1)
    edited = [organisation.rows[number]["id"] for number in (5, 70)]
    for one in edited:
        organisation.edit(one, status="withdrawn")
    result = write(organisation, file)
    after = parts(file)
    assert (result.outcome, result.requests) == ("written", 2)
    # No part comes or goes, and what shows nothing of the procedures is the same.
    assert before.keys() == after.keys()
    changed = {name for name in after if before[name] != after[name]}
    assert sheet in changed
    for name in changed - PARTS_OF_EVERY_REFRESH:
        assert re.match(r"xl/(worksheets|tables|charts)/", name), name
    old, new = rows(before[sheet]), rows(after[sheet])
    differing = {number for number in new if old.get(number) != new[number]}
    assert old.keys() == new.keys()
    assert len(differing) == len(edited)
    assert all(any(f">{one}<".encode() in new[number] for one in edited) for number in differing)


def test_the_collector_works_again_afterwards_whatever_happened(
    store: Store, make_server: MakeServer, make_client: MakeClient
) -> None:
    sync(make_client(make_server(3)), store)
    build_plan(store)
    assert gc.isenabled()
    with pytest.raises(ConfigurationError):
        build_plan(store, Options(shown=("Nothing",)))
    assert gc.isenabled()
    with collector_paused():
        assert not gc.isenabled()
        build_plan(store)
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_refresh_without_news_loads_nothing_that_only_writing_needs(tmp_path: Path) -> None:
    organisation = Organisation(procedures=20, seed=7, now=NOW)
    write(organisation, tmp_path / "k.xlsx", now=lambda: NOW)
    code = """
import sys
import klarify_xl
import klarify_xl.cli
from datetime import UTC, datetime
from klarify_xl.demo import DemoServer, Organisation

now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
with DemoServer(Organisation(procedures=20, seed=7, now=now)) as server:
    result = klarify_xl.refresh(
        "k.xlsx",
        access_key=server.access_key,
        base_url=server.url,
        store="k.db",
        now=lambda: now,
    )
print(result.outcome, sorted({"openpyxl", "pyarrow", "boto3", "xlwings"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split(maxsplit=1) == ["unchanged", "[]\n"]
