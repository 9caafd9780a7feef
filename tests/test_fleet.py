"""Fleets as they run: real workers, real servers, and what goes wrong at night."""

import json
import logging
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import dask
import pytest
from distributed import LocalCluster
from moto.server import ThreadedMotoServer
from python_calamine import CalamineWorkbook

from klarify_xl.demo import Fault
from klarify_xl.errors import FleetError
from klarify_xl.fleet.file import load_fleet
from klarify_xl.fleet.run import run_fleet
from klarify_xl.progress import Progress
from klarify_xl.store import Store

from .fleet_server import SECRET, FleetServer
from .fleets import (
    RUN,
    client_of,
    dask_cluster,
    free_port,
    ids_in,
    reported,
    start_scheduler,
    write_fleet,
)

SOON = {"lease-timeout": "2s", "lease-validation-interval": "500ms"}
"""When places of the dead come free: sooner than after the usual 30 seconds."""


@pytest.fixture
def server() -> Iterator[FleetServer]:
    with FleetServer() as running:
        yield running


def assert_secret(folder: Path) -> None:
    """Assert that no file of a fleet but the keys' own holds a key."""
    for file in folder.rglob("*"):
        if not file.is_file() or file.parent.name == "keys":
            continue
        contents = [file.read_bytes()]
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                contents += [archive.read(name) for name in archive.namelist()]
        assert not any(SECRET.encode() in content for content in contents), file


@pytest.mark.timeout(300)
def test_a_night_of_three_hundred_organisations(
    server: FleetServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """A worker dies; one organisation is refused, others never end, one ends its workers."""
    caplog.set_level(logging.DEBUG)
    names = [f"Org {number:03d}" for number in range(300)]
    for number, name in enumerate(names):
        server.add(name, 5 + number % 8, seed=number)
    refused, endless, flooding, slow, poison, victim = (names[at] for at in range(20, 80, 10))
    fleet = write_fleet(tmp_path, server, names, deadline=8, standstill=30)
    (tmp_path / "keys" / refused).write_text(f"{SECRET} of long ago", encoding="utf-8")
    server.demos[endless].script(Fault.drip(0.2).on(times=None))
    server.demos[flooding].script(Fault.endless().on(times=None))
    server.demos[slow].script(Fault.slow(0.5).on(times=None))
    kills = []

    def kill(name: str, port: int) -> None:
        if name == poison or (name == victim and victim not in kills):
            kills.append(name)
            client_of(port).kill()

    server.on_request = kill
    told: list[str] = []

    with dask.config.set({"distributed.scheduler.locks": SOON}):
        result = run_fleet(fleet, run=RUN, on_failure=lambda one: told.append(one.organisation))

    assert (result.written, result.unchanged, result.failed) == (296, 0, 4)
    problems = {record.organisation: record.error for record in result.failures}
    assert problems == {
        refused: "KeyRefusedError",
        endless: "DeadlineError",
        flooding: "ReplyError",
        poison: "KilledWorker",
    }
    assert set(told) == set(problems)
    # Nothing is lost, and all is where it belongs.
    good = [name for name in names if name not in problems]
    for name in good:
        expected = {str(row["id"]) for row in server.demos[name].organisation.rows}
        assert ids_in(tmp_path / "out" / f"{name}.xlsx") == expected
    # Nothing is done twice, but what a killed worker had just stored and could not note.
    twice = [name for name in good if refreshes(tmp_path, name) != 1]
    assert len(twice) <= len(kills)
    assert kills.count(victim) == 1
    assert 2 <= kills.count(poison) <= 8
    # The report tells it.
    rows = reported(tmp_path / "klarify-fleet" / "fleet.xlsx")
    assert set(rows) == set(names)
    assert {name for name, row in rows.items() if row["State"] == "failed"} == set(problems)
    assert rows[refused]["Problem"] == "key refused"
    assert rows[endless]["Problem"] == "took too long"
    assert rows[poison]["Problem"] == "ended its worker"
    assert f"The key came from: file:{tmp_path / 'keys' / refused}." in rows[refused]["What to do"]
    for name in good[:20]:
        assert rows[name]["Procedures"] == len(server.demos[name].organisation.rows)
        assert_findings(rows[name], tmp_path / "out" / f"{name}.xlsx")
    assert_secret(tmp_path)
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())

    # The same night again: only what failed is asked for.
    for demo in server.demos.values():
        demo.requests.clear()
        demo.faults.clear()
    server.on_request = lambda _name, _port: None
    (tmp_path / "keys" / refused).write_text(server.demos[refused].access_key, encoding="utf-8")
    again = run_fleet(fleet, run=RUN)
    assert (again.earlier, again.written, again.failed) == (296, 300, 0)
    assert {name for name, demo in server.demos.items() if demo.requests} == set(problems)


def assert_findings(row: dict[str, Any], file: Path) -> None:
    """Assert that a row of the report counts what the organisation's workbook lists."""
    health = CalamineWorkbook.from_path(file).get_sheet_by_name("Health").to_python()
    severities = [line[0] for line in health[1:]]
    for severity in ("high", "medium", "low"):
        assert row[severity.capitalize()] == severities.count(severity)


def refreshes(folder: Path, name: str) -> int:
    with Store(folder / "stores" / f"{name}.db", read_only=True) as store:
        return len(list(store.refreshes()))


def test_all_workers_together_keep_to_the_requests_that_a_host_is_to_bear(
    tmp_path: Path,
) -> None:
    most = {}
    for cap in (2, 16):
        with FleetServer(latency=0.05) as server:
            names = [f"Org {number}" for number in range(6)]
            for name in names:
                server.add(name, 250)
            folder = tmp_path / str(cap)
            fleet = write_fleet(folder, server, names, workers=3, requests_per_host=cap)
            assert run_fleet(fleet, run=RUN).written == 6
            most[cap] = server.most_in_flight
    assert most[2] == 2
    # Else there would have been nothing to keep down.
    assert most[16] > 4


def test_the_places_of_a_worker_that_dies_come_free(server: FleetServer, tmp_path: Path) -> None:
    names = [f"Org {number}" for number in range(4)]
    for name in names:
        server.add(name, 5)
    kills: list[str] = []

    def kill(name: str, port: int) -> None:
        if not kills:
            # It holds the only place.
            kills.append(name)
            client_of(port).kill()

    server.on_request = kill
    fleet = write_fleet(tmp_path, server, names, requests_per_host=1)
    with dask.config.set({"distributed.scheduler.locks": SOON}):
        result = run_fleet(fleet, run=RUN)
    assert (len(kills), result.written) == (1, 4)
    assert server.most_in_flight == 1


def test_no_key_is_known_to_the_scheduler(server: FleetServer, tmp_path: Path) -> None:
    names = [f"Org {number}" for number in range(6)]
    for name in names:
        server.add(name, 5)
    fleet = write_fleet(tmp_path, server, names, retries=0)
    (tmp_path / "keys" / names[0]).write_text(f"{SECRET} of long ago", encoding="utf-8")
    server.demos[names[1]].script(Fault.reset().on(times=None))
    seen: list[bytes] = []
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as cluster:

        def look(_step: object) -> None:
            for task in list(cluster.scheduler.tasks.values()):
                texts = (task.exception_text, task.traceback_text, task.exception)
                seen.append(pickle.dumps((task.run_spec, *map(repr, texts))))
            seen.append(repr(cluster.scheduler.get_events()).encode())

        result = run_fleet(fleet, scheduler=cluster.scheduler_address, run=RUN, on_progress=look)
    assert result.failed == 2
    assert any(b"file" in one and names[3].encode() in one for one in seen)
    assert not any(SECRET.encode() in one for one in seen)


def test_who_ran_beside_one_that_ends_its_worker_is_tried_alone(
    server: FleetServer, tmp_path: Path
) -> None:
    names = ["Bystander 1", "Bystander 2", "Poison"]
    for name in names:
        server.add(name, 5)
        # Long enough for all to be under way.
        server.demos[name].script(Fault.slow(0.5).on(times=None))
    seen: set[str] = set()

    def kill(name: str, port: int) -> None:
        seen.add(name)
        if name == "Poison" and seen == set(names):
            client_of(port).kill()

    server.on_request = kill
    # Places enough, so that nobody waits until those of the dead expire.
    fleet = write_fleet(tmp_path, server, names, requests_per_host=64)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=1, threads_per_worker=3, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
    ):
        result = run_fleet(fleet, scheduler=cluster.scheduler_address, run=RUN)
    assert result.written == 2
    assert [one.organisation for one in result.failures] == ["Poison"]


def test_a_failure_that_passes_is_tried_again(server: FleetServer, tmp_path: Path) -> None:
    server.add("Shaky", 5)
    fleet = write_fleet(tmp_path, server, ["Shaky"], workers=1)
    # As many as a client tries by itself.
    server.demos["Shaky"].script(Fault.reply(503).on(times=5))
    assert run_fleet(fleet, run=RUN).written == 1


def test_two_runs_are_two_nights(server: FleetServer, tmp_path: Path) -> None:
    server.add("Org", 5)
    fleet = write_fleet(tmp_path, server, ["Org"], workers=1)
    assert run_fleet(fleet, run="first").written == 1
    second = run_fleet(fleet, run="second")
    assert (second.earlier, second.unchanged) == (0, 1)


def test_a_damaged_record_counts_as_missing(server: FleetServer, tmp_path: Path) -> None:
    server.add("Org", 5)
    fleet = write_fleet(tmp_path, server, ["Org"], workers=1)
    run_fleet(fleet, run=RUN)
    (record,) = (tmp_path / "klarify-fleet" / RUN).glob("Org.json")
    record.write_bytes(record.read_bytes()[:40])
    assert run_fleet(fleet, run=RUN).unchanged == 1


@pytest.mark.parametrize("at_once", [False, True], ids=["later", "at once"])
def test_a_run_goes_on_after_its_scheduler_died(
    server: FleetServer,
    tmp_path: Path,
    at_once: bool,  # noqa: FBT001 -- a case
) -> None:
    """Whether the scheduler is started again later or, as services are, at once."""
    names = [f"Org {number:02d}" for number in range(30)]
    for name in names:
        server.add(name, 5)
    fleet = write_fleet(tmp_path, server, names)
    port = free_port()
    with dask_cluster(port) as running:

        def kill(step: Progress) -> None:
            if step.done == 8:
                running[0].kill()
                running[0].wait()
                if at_once:
                    running.append(start_scheduler(port))

        with pytest.raises(FleetError, match="connection to the Dask scheduler was lost"):
            run_fleet(fleet, scheduler=f"tcp://127.0.0.1:{port}", run=RUN, on_progress=kill)
    rows = reported(tmp_path / "klarify-fleet" / "fleet.xlsx")
    assert sum(row["State"] == "written" for row in rows.values()) >= 8
    assert any(row["Problem"] == "run ended before" for row in rows.values())
    noted = {}
    for file in (tmp_path / "klarify-fleet" / RUN).glob("Org*.json"):
        noted[file.stem] = json.loads(file.read_text(encoding="utf-8"))["message"]
    assert set(noted.values()) == {""}
    for demo in server.demos.values():
        demo.requests.clear()

    with dask_cluster(port):
        result = run_fleet(fleet, scheduler=f"tcp://127.0.0.1:{port}", run=RUN)

    assert (result.earlier, result.failed) == (len(noted), 0)
    assert result.written + result.unchanged == 30
    assert {name for name, demo in server.demos.items() if demo.requests} == set(names) - set(noted)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket as moto serves it, on loopback."""
    aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    aws.start()
    _, port = aws.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = boto3.client("s3")
    client.create_bucket(Bucket="fleet")
    yield client
    client.close()
    aws.stop()


def test_keys_manifest_and_report_may_be_in_the_cloud(
    server: FleetServer, tmp_path: Path, bucket: Any
) -> None:
    secrets = boto3.client("secretsmanager")
    names = ["Acme", "Bolt & Nut"]
    for name in names:
        key = server.add(name, 5).access_key
        secrets.create_secret(Name=f"klarify/{name}", SecretString=key)
    secrets.close()
    (tmp_path / "fleet.toml").write_text(
        '[fleet]\nmanifest = "s3://fleet/nights"\nworkers = 1\nstore = "stores"\n[defaults]\n'
        f'base_url = "{server.url}"\nkey = "aws:klarify/{{name}}"\nout = "{{name}}.xlsx"\n'
        + "\n".join(f'[[organisations]]\nname = "{name}"' for name in names),
        encoding="utf-8",
    )
    fleet = load_fleet(tmp_path / "fleet.toml")
    assert run_fleet(fleet, run=RUN).written == 2
    assert run_fleet(fleet, run=RUN).earlier == 2
    keys = {one["Key"] for one in bucket.list_objects_v2(Bucket="fleet")["Contents"]}
    assert keys == {
        "nights/fleet.xlsx",
        *(f"nights/{RUN}/{name}.json" for name in ("_run", *names)),
    }
    bucket.download_file("fleet", "nights/fleet.xlsx", str(tmp_path / "report.xlsx"))
    assert set(reported(tmp_path / "report.xlsx")) == set(names)
    assert_secret(tmp_path)


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "klarify_xl", "fleet", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_the_command_shows_progress_and_failures_and_goes_on_later(
    server: FleetServer, tmp_path: Path
) -> None:
    names = ["Acme", "Bolt", "Cog"]
    for name in names:
        server.add(name, 5)
    write_fleet(tmp_path, server, names)
    (tmp_path / "keys" / "Bolt").write_text(f"{SECRET} of long ago", encoding="utf-8")

    first = call("fleet.toml", "--run", RUN, "--log-file", "fleet.log")
    assert first.returncode == 9
    assert "Refreshing organisations: 3 of 3" in first.stderr
    assert "Failed: Bolt: The API does not accept the access key" in first.stderr
    assert "Done:    2 written, 0 up to date" in first.stdout
    assert "Failed:  1; the report says why" in first.stdout
    assert len(first.stderr.splitlines()) <= 3

    (tmp_path / "keys" / "Bolt").write_text(server.demos["Bolt"].access_key, encoding="utf-8")
    second = call("fleet.toml", "--run", RUN, "--json")
    assert second.returncode == 0
    result = json.loads(second.stdout)
    assert (result["outcome"], result["earlier"], result["written"]) == ("complete", 2, 3)
    assert second.stderr == ""
    assert SECRET not in first.stdout + first.stderr + second.stdout
    assert_secret(tmp_path)

    third = call("fleet.toml", "--run", RUN)
    assert third.returncode == 0
    assert "3 organisations, 3 of them done before" in third.stdout


def test_a_mistake_in_the_file_ends_the_command_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(f'[defaults]\nkey = "{SECRET}"\n', encoding="utf-8")
    done = call("fleet.toml", "--json")
    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr
    assert json.loads(done.stdout)["exit_code"] == 2


def test_a_cluster_that_is_not_there_is_told(server: FleetServer, tmp_path: Path) -> None:
    server.add("Org", 5)
    fleet = write_fleet(tmp_path, server, ["Org"])
    with pytest.raises(FleetError, match="no Dask scheduler"):
        run_fleet(fleet, scheduler="nonsense", run=RUN)
