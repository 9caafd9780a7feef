"""Fleets for the tests: a folder with a ``fleet.toml``, keys in files, and readers of outcomes."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from klarify_xl.fleet.file import Fleet, load_fleet

from .fleet_server import FleetServer

RUN = "2026-03-01"


def write_fleet(folder: Path, server: FleetServer, names: Iterable[str], **conduct: Any) -> Fleet:
    """Write a fleet of a server's organisations, with all its files in one folder."""
    keys = folder / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    rows = ["name,key"]
    for name in names:
        (keys / name).write_text(server.demos[name].access_key, encoding="utf-8")
        rows.append(f"{name},file:keys/{name}")
    (folder / "organisations.csv").write_text("\n".join(rows), encoding="utf-8")
    settings = {"workers": 2, "deadline": 30, **conduct}
    lines = [f"{name} = {value}" for name, value in settings.items()]
    (folder / "fleet.toml").write_text(
        'organisations = "organisations.csv"\n[fleet]\nstore = "stores"\n'
        + "\n".join(lines)
        + f'\n[defaults]\nbase_url = "{server.url}"\nout = "out/{{name}}.xlsx"\n',
        encoding="utf-8",
    )
    return load_fleet(folder / "fleet.toml")


def reported(file: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a report by organisation."""
    header, *rows = load_workbook(file)["Organisations"].iter_rows(values_only=True)
    found = [dict(zip(map(str, header), row, strict=True)) for row in rows]
    return {str(row["Organisation"]): row for row in found}


def ids_in(file: Path) -> set[str]:
    """Return the ids that a workbook lists."""
    rows = CalamineWorkbook.from_path(file).get_sheet_by_name("Procedures").to_python()
    return {str(row[0]).removesuffix(".0") for row in rows[1:]}


def client_of(port: int) -> psutil.Process:
    """Return the process below this one that holds the client's end of a connection."""
    for process in psutil.Process().children(recursive=True):
        try:
            if any(one.laddr and one.laddr.port == port for one in process.net_connections()):
                return process
        except psutil.Error:
            continue
    raise LookupError(f"nobody holds port {port}")


@contextmanager
def dask_cluster(
    port: int,
    *,
    protocol: str = "tcp",
    env: Mapping[str, str] = os.environ,
    log: Path = Path(os.devnull),
    dashboard: tuple[str, ...] = ("--no-dashboard",),
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run a scheduler and a worker as an administrator does, as programs of their own.

    Args:
        port: Where the scheduler listens.
        protocol: ``tcp`` or ``tls``.
        env: Their environment.
        log: Where they log to.
        dashboard: The scheduler's options about its web pages.
    """
    dask = [sys.executable, "-m", "dask"]
    listening = ("--host", "127.0.0.1", "--port", str(port), "--protocol", protocol)
    address = f"{protocol}://127.0.0.1:{port}"
    commands = (
        ("scheduler", *listening, *dashboard),
        ("worker", address, "--nthreads", "2", "--no-dashboard", "--death-timeout", "20"),
    )
    with log.open("ab") as file:
        running = [
            subprocess.Popen([*dask, *command], stdout=file, stderr=file, env=env)
            for command in commands
        ]
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def start_scheduler(port: int) -> subprocess.Popen[bytes]:
    """Start a scheduler again, as a service that died is."""
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--no-dashboard"]
    none = subprocess.DEVNULL
    return subprocess.Popen([*command, "--port", str(port)], stdout=none, stderr=none)


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])
