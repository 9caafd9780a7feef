"""Fleets in trouble: what hangs, who runs at the same time, and crashes at the worst moment."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import psutil
import pytest

from klarify_xl.demo import Fault
from klarify_xl.errors import FleetError, StoreError, TargetError
from klarify_xl.fleet import claim, spread
from klarify_xl.fleet.run import run_fleet
from klarify_xl.progress import Progress
from klarify_xl.records import Refresh
from klarify_xl.store import Store

from .fleet_server import FleetServer
from .fleets import RUN, dask_cluster, free_port, ids_in, reported, write_fleet

needs_pipes = pytest.mark.skipif(sys.platform == "win32", reason="a named pipe stands for a hang")


@pytest.fixture
def server() -> Iterator[FleetServer]:
    with FleetServer() as running:
        yield running


@needs_pipes
def test_a_write_that_hangs_is_given_up_and_holds_up_nobody(
    server: FleetServer, tmp_path: Path
) -> None:
    names = ["Acme", "Bolt", "Hung", "Slow"]
    for name in names:
        server.add(name, 5)
    # Slower than the others may stand still, but it moves.
    server.demos["Slow"].script(Fault.slow(1.5).on(times=2))
    place = tmp_path / "out" / "Hung.xlsx"

    def hang(name: str, _port: int) -> None:
        if name == "Hung" and not place.exists():
            # Whoever opens a pipe that nobody writes to waits, as with a share that is gone.
            os.mkfifo(place)

    server.on_request = hang
    fleet = write_fleet(tmp_path, server, names, standstill=2)
    port = free_port()
    with dask_cluster(port):
        begun = time.monotonic()
        result = run_fleet(fleet, scheduler=f"tcp://127.0.0.1:{port}", run=RUN)
        assert time.monotonic() - begun < 30
        # What hung is no longer at it, and can write nothing later.
        with pytest.raises(OSError, match=os.strerror(errno.ENXIO)):
            os.open(place, os.O_WRONLY | os.O_NONBLOCK)
    assert (result.written, result.failed) == (3, 1)
    (failure,) = result.failures
    assert (failure.organisation, failure.error) == ("Hung", "StandstillError")
    assert failure.message == "Nothing moved for 2 seconds while it was written."
    assert str(place) in failure.hint
    rows = reported(tmp_path / "klarify-fleet" / "fleet.xlsx")
    assert rows["Hung"]["Problem"] == "stood still"

    place.unlink()
    server.on_request = lambda _name, _port: None
    again = run_fleet(fleet, run=RUN)
    assert (again.earlier, again.failed) == (3, 0)
    assert len(ids_in(place)) == 5


def test_a_cluster_without_workers_is_told(
    server: FleetServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "_SILENCE", 4.0)
    names = [f"Org {number}" for number in range(6)]
    for name in names:
        server.add(name, 5)
        server.demos[name].script(Fault.slow(0.5).on(times=None))
    # Nobody finishes anything for longer, but there is somebody at work.
    for name in names[:2]:
        server.demos[name].faults.clear()
        server.demos[name].script(Fault.slow(6).on(times=1))
    fleet = write_fleet(tmp_path, server, names)
    port = free_port()
    with dask_cluster(port) as running:

        def end_worker(step: Progress) -> None:
            if step.done == 2:
                running[1].terminate()

        with pytest.raises(FleetError, match="No worker has been at work for") as caught:
            run_fleet(fleet, scheduler=f"tcp://127.0.0.1:{port}", run=RUN, on_progress=end_worker)
    assert "See whether there are workers" in caught.value.hint
    rows = reported(tmp_path / "klarify-fleet" / "fleet.xlsx")
    assert {row["State"] for row in rows.values()} == {"written", "not done"}


@needs_pipes
def test_a_manifest_that_is_lost_ends_the_run_with_a_report(
    server: FleetServer, tmp_path: Path
) -> None:
    names = ["Acme", "Bolt"]
    for name in names:
        server.add(name, 5)
    fleet = write_fleet(tmp_path, server, names, workers=1, standstill=2, retries=0)
    report = tmp_path / "klarify-fleet" / "fleet.xlsx"
    records = tmp_path / "klarify-fleet" / RUN

    def lose(name: str, _port: int) -> None:
        if name == "Bolt" and records.is_dir():
            shutil.rmtree(records)
            records.touch()

    server.on_request = lose
    with pytest.raises(TargetError, match=r"The manifest .* can't be written"):
        run_fleet(fleet, run=RUN)
    rows = reported(report)
    assert (rows["Acme"]["State"], rows["Bolt"]["State"]) == ("written", "not done")


@needs_pipes
@pytest.mark.parametrize("hanging", ["record", "report"])
def test_a_manifest_that_hangs_ends_the_run(
    server: FleetServer, tmp_path: Path, hanging: str
) -> None:
    server.add("Org", 5)
    fleet = write_fleet(tmp_path, server, ["Org"], workers=1, standstill=2)
    (tmp_path / "keys" / "Org").write_text("of long ago", encoding="utf-8")
    place = Path(fleet.conduct.manifest)
    file = place / RUN / "Org.json" if hanging == "record" else place / "fleet.xlsx"

    def hang(_name: str, _port: int) -> None:
        if not file.exists():
            os.mkfifo(file)

    server.on_request = hang
    begun = time.monotonic()
    with pytest.raises(FleetError, match=f"{place}.* has not answered for 2 seconds") as caught:
        run_fleet(fleet, run=RUN)
    assert "the same command" in caught.value.hint
    assert time.monotonic() - begun < 40


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    """Start a run as people do, in a process of its own."""
    command = [sys.executable, "-m", "klarify_xl", "fleet", "fleet.toml", "--run", RUN, *more]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def test_two_starts_at_once_do_nothing_twice(
    server: FleetServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "_WATCH", 15.0)
    names = ["Acme", "Bolt"]
    for name in names:
        server.add(name, 5)
        server.demos[name].script(Fault.slow(8).on(times=1))
    fleet = write_fleet(tmp_path, server, names)
    asked = Event()
    server.on_request = lambda _name, _port: asked.set()
    first = start(tmp_path)
    assert asked.wait(60)
    with pytest.raises(FleetError, match=f"Another start works .*: the run {RUN}, on ") as caught:
        run_fleet(fleet, run="other")
    assert "need a manifest each" in caught.value.hint
    shown, _ = first.communicate(timeout=60)
    assert first.returncode == 0
    assert "2 written" in shown
    assert all(len(refreshes(tmp_path, name)) == 1 for name in names)
    # Who comes after it neither waits nor does anything again.
    monkeypatch.setattr(claim, "_WATCH", 600.0)
    begun = time.monotonic()
    assert run_fleet(fleet, run="other").unchanged == 2
    assert time.monotonic() - begun < 60


@needs_pipes
def test_a_crash_after_writing_and_before_noting_it_writes_nothing_twice(
    server: FleetServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "_WATCH", 2.0)
    server.add("Org", 5)
    fleet = write_fleet(tmp_path, server, ["Org"], workers=1)
    record = tmp_path / "klarify-fleet" / RUN / "Org.json"
    workbook = tmp_path / "out" / "Org.xlsx"

    def hang(_name: str, _port: int) -> None:
        if not record.exists():
            # Whoever notes something there waits for ever.
            os.mkfifo(record)

    server.on_request = hang
    crashing = start(tmp_path)
    await_true(workbook.exists)
    children = psutil.Process(crashing.pid).children(recursive=True)
    crashing.kill()
    crashing.communicate()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    record.unlink()
    server.on_request = lambda _name, _port: None
    before = workbook.stat()

    again = run_fleet(fleet, run=RUN)
    assert (again.earlier, again.unchanged) == (0, 1)
    after = workbook.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_a_start_left_behind_writes_nothing_after_it(
    server: FleetServer, tmp_path: Path
) -> None:
    server.add("Org", 5)
    fleet = write_fleet(tmp_path, server, ["Org"])
    port = free_port()
    asked = Event()
    server.on_request = lambda _name, _port: asked.set()
    server.demos["Org"].script(Fault.slow(4).on(times=1))
    with dask_cluster(port):
        started = start(tmp_path, "--scheduler", f"tcp://127.0.0.1:{port}")
        assert asked.wait(60)
        started.send_signal(signal.SIGINT)
        _, told = started.communicate(timeout=60)
        assert "Stopped after 0 of 1 organisations" in told
        # It still reads, as nobody can stop it.
        await_true(lambda: refreshes(tmp_path, "Org"))
        time.sleep(2)
        assert not (tmp_path / "out" / "Org.xlsx").exists()
        # The same command does it, although it comes in between.
        assert run_fleet(fleet, scheduler=f"tcp://127.0.0.1:{port}", run=RUN).written == 1


def await_true(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def refreshes(folder: Path, name: str) -> list[Refresh]:
    """Return what a store's log holds, nothing if there is no store yet."""
    try:
        with Store(folder / "stores" / f"{name}.db", read_only=True) as store:
            return store.refreshes()
    except StoreError:
        return []
