"""The store across versions, killed processes and strange places."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from klarify_xl import database
from klarify_xl.demo import DemoServer
from klarify_xl.errors import StoreError
from klarify_xl.schema import MIGRATIONS
from klarify_xl.store import Store
from klarify_xl.sync import sync

from .conftest import MakeClient, MakeServer


def test_an_older_store_is_led_to_the_present_schema_with_its_data(
    server: DemoServer,
    make_client: MakeClient,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sync(make_client(server), store)
    store.close()
    step = ("ALTER TABLE procedures ADD COLUMN note TEXT", "CREATE TABLE later (id TEXT)")
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, step))
    with Store(store.path) as newer:
        assert newer._value("PRAGMA user_version") == len(MIGRATIONS) + 1
        assert newer._value("SELECT count(*) FROM later") == 0
        assert len(newer.procedures()) == 250


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    step = ("CREATE TABLE later (id TEXT)", "CREATE TABLE procedures (id TEXT)")
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", (*MIGRATIONS, step))
        with pytest.raises(StoreError, match="already exists"):
            Store(store.path)
    with Store(store.path) as same:
        assert same._value("PRAGMA user_version") == len(MIGRATIONS)
        assert same._value("SELECT count(*) FROM sqlite_master WHERE name = 'later'") == 0


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "x#y.db", "was?.db", "Prüfung.db", "a'b.db"])
@pytest.mark.skipif(os.name == "nt", reason="Windows forbids some of these names")
def test_a_store_may_have_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "some folder" / name
    with Store(path) as store:
        store.salt()
    assert path.stat().st_size > 0
    assert path.stat().st_mode & 0o777 == 0o600
    with Store(path, read_only=True) as store:
        assert store.procedures() == []


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
@pytest.mark.parametrize("moment", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_process_killed_at_any_moment_leaves_a_whole_state(
    make_server: MakeServer, moment: float
) -> None:
    server = make_server(1200)
    environment = {
        **os.environ,
        "KLARIFY_API_KEY": server.access_key,
        "KLARIFY_BASE_URL": server.url,
        "KLARIFY_STORE": "klarify.db",
    }
    command = [sys.executable, "-m", "klarify_xl", "refresh", "--full", "--out", "p.xlsx"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    with Store("klarify.db", read_only=True) as store:
        before = store.digest()
    workbook = Path("p.xlsx").read_bytes()
    server.organisation.evolve(edits=400, additions=50, removals=20)
    asked = len(server.requests)
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while len(server.requests) < asked + 14:
        time.sleep(0.005)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()

    with Store("klarify.db") as store:
        assert store._value("PRAGMA integrity_check") == "ok"
        ids = store.listed_ids()
        is_old = store.digest() == before
    assert is_old or ids == {row["id"] for row in server.organisation.rows}
    assert Path("p.xlsx").read_bytes() == workbook or not is_old
    subprocess.run(command, env=environment, check=True, capture_output=True)
    with Store("klarify.db", read_only=True) as store:
        assert store.listed_ids() == {row["id"] for row in server.organisation.rows}
    assert not list(Path().glob(".klarify-*.tmp"))
