"""That no key of a fleet shows anywhere on a cluster: its pages, logs, tasks and processes."""

import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil
import pytest
import requests

from klarify_xl.demo import Fault
from klarify_xl.fleet.run import run_fleet
from klarify_xl.progress import Progress

from .fleet_server import SECRET, FleetServer
from .fleets import RUN, dask_cluster, free_port, write_fleet

PAGES = ("info/main/workers.html", "info/main/exceptions.html", "info/main/logs.html", "metrics")

DASK_PAGES = 8787
"""The port at which Dask usually offers its pages."""


@pytest.fixture
def server() -> Iterator[FleetServer]:
    with FleetServer() as running:
        yield running


def crawled(address: str) -> dict[str, str]:
    """Return the pages of a scheduler, with those that they lead to."""
    waiting = [f"{address}/{page}" for page in PAGES]
    found: dict[str, str] = {}
    while waiting:
        page = waiting.pop()
        if page not in found:
            found[page] = requests.get(page, timeout=30).text
            links = re.findall(r'href="\.\./([a-z-]+/[^"#]+)"', found[page])
            waiting += [f"{address}/info/{link}" for link in links if "statics" not in link]
    return found


def told_by_processes() -> str:
    """Return what the list of processes shows of ours: arguments and environment."""
    told = []
    for process in psutil.Process().children(recursive=True):
        try:
            told += [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            continue
    return "\n".join(told)


def test_no_key_shows_on_pages_logs_and_processes(server: FleetServer, tmp_path: Path) -> None:
    names = ["Refused", "Reset", "Echo", *(f"Org {number}" for number in range(5))]
    for name in names:
        server.add(name, 5)
        server.demos[name].script(Fault.slow(0.2).on(times=1))
    fleet = write_fleet(tmp_path, server, names, retries=0)
    (tmp_path / "keys" / "Refused").write_text(f"{SECRET} of long ago", encoding="utf-8")
    # A key is in the address that is asked for, so errors about addresses may show it.
    server.demos["Reset"].script(Fault.reset().on(times=None))
    server.demos["Echo"].script(Fault.redirect("http://127.0.0.1:9/?{query}").on(times=None))
    port, pages_port = free_port(), free_port()
    log = tmp_path / "dask.log"
    # As talkative as can be.
    talk = {f"DASK_LOGGING__{name}": "debug" for name in ("DISTRIBUTED", "URLLIB3", "KLARIFY_XL")}
    seen: dict[str, str] = {}
    with dask_cluster(
        port,
        env={**os.environ, **talk},
        log=log,
        dashboard=("--dashboard-address", f"127.0.0.1:{pages_port}"),
    ):

        def look(_step: Progress) -> None:
            seen.update(crawled(f"http://127.0.0.1:{pages_port}"))
            seen["processes"] = seen.get("processes", "") + told_by_processes()

        result = run_fleet(fleet, scheduler=f"tcp://127.0.0.1:{port}", run=RUN, on_progress=look)
        look(Progress("", 0, 0))
    assert {one.organisation for one in result.failures} == {"Refused", "Reset", "Echo"}
    seen["log"] = log.read_text(encoding="utf-8", errors="replace")
    # All of this was really there to be seen.
    assert {"worker", "task", "logs", "call-stacks"} <= {
        page.split("/info/")[1].split("/")[0] for page in seen if "/info/" in page
    }
    assert "access_key=***" in seen["log"]
    assert "UnfinishedError" in seen["log"]
    assert sys.executable in seen["processes"]
    for place, text in seen.items():
        for spelling in (SECRET, quote(SECRET)):
            assert spelling not in text, place


def test_a_cluster_of_its_own_tells_nobody_anything(server: FleetServer, tmp_path: Path) -> None:
    names = ["Acme", "Bolt"]
    for name in names:
        server.add(name, 5)
        server.demos[name].script(Fault.slow(0.5).on(times=1))
    asked: dict[int, str] = {}

    def ask(name: str, _port: int) -> None:
        ours = psutil.Process()
        ports = {
            one.laddr.port
            for process in (ours, *ours.children(recursive=True))
            for one in process.net_connections()
            if one.status == psutil.CONN_LISTEN
        }
        for port in ports - {urlsplit(server.url).port, DASK_PAGES} if name == "Acme" else ():
            try:
                page = requests.get(f"http://127.0.0.1:{port}/{PAGES[0]}", timeout=5)
                asked[port] = f"{page.status_code}"
            except requests.RequestException as error:
                asked[port] = type(error).__name__

    server.on_request = ask
    with socket.socket() as dashboard:
        # Where Dask's pages usually are, there may be another cluster's.
        with suppress(OSError):
            dashboard.bind(("127.0.0.1", DASK_PAGES))
            dashboard.listen()
        assert run_fleet(write_fleet(tmp_path, server, names), run=RUN).written == 2
    # The scheduler, and for each worker itself and its nanny.
    assert len(asked) >= 5
    assert not {"200", "302"} & set(asked.values())
