"""Fleets in trouble: what hangs."""

import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from klarify_xl.demo import Fault
from klarify_xl.fleet.run import run_fleet

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
    server.demos["Slow"].script(Fault.slow(1.5).on(times=None))
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
