"""The Dask cluster that a fleet runs on: one on this machine, or any that is there."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

from klarify_xl import __version__
from klarify_xl.errors import FleetError
from klarify_xl.fleet.places import missing_extra

_PATIENCE: Final = 60
"""Seconds to wait for a scheduler, and for its first worker."""

_LOCAL_CONFIG: Final = {
    # Who ends two processes is tried once more, alone (see `klarify_xl.fleet.spread`).
    "distributed.scheduler.allowed-failures": 1,
    # No organisation waits at a worker, where it would be suspected with the one that runs.
    "distributed.scheduler.worker-saturation": 1.0,
    # Web pages about tasks and logs, which anybody on this machine could read.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


@contextmanager
def connected(scheduler: str, workers: int) -> Iterator[Any]:
    """Give a Dask client of a cluster with workers that can refresh.

    Args:
        scheduler: Address of an existing cluster, such as ``tcp://host:8786``; certificates of a
            ``tls://`` one come from Dask's own configuration. "" for a cluster on this machine,
            which lasts as long as the context.
        workers: Processes of a local cluster, 0 for one for each core.

    Raises:
        ConfigurationError: Dask is not installed.
        FleetError: The cluster can't be used.
    """
    if find_spec("distributed") is None:
        raise missing_extra()
    if scheduler:
        with _existing(scheduler) as client:
            yield client
    else:
        with _local(workers) as client:
            yield client


@contextmanager
def _local(workers: int) -> Iterator[Any]:
    import dask  # noqa: PLC0415 -- an extra, and slow to load
    from dask.system import CPU_COUNT  # noqa: PLC0415
    from distributed import Client, LocalCluster  # noqa: PLC0415
    from distributed.system import MEMORY_LIMIT  # noqa: PLC0415

    _quieten()
    count = workers or CPU_COUNT
    with (
        dask.config.set(_LOCAL_CONFIG),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=MEMORY_LIMIT // count,
            # Whoever reaches a scheduler can run code as its user, so that even on loopback
            # nobody is let in without this run's own certificate.
            security=True,
            dashboard_address=None,
            # Even without pages it listens, by default where another cluster may listen, too.
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _existing(scheduler: str) -> Iterator[Any]:
    from distributed import Client  # noqa: PLC0415 -- an extra, and slow to load

    _quieten()
    try:
        client = Client(scheduler, timeout=_PATIENCE)
    except (OSError, ValueError, TypeError) as error:
        raise FleetError(
            f"There is no Dask scheduler to be reached at {scheduler} ({type(error).__name__}).",
            hint="Start it with `dask scheduler`, and name the address that it prints. A tls:// "
            "address takes its certificates from Dask's configuration (distributed.comm.tls).",
        ) from None
    with client:
        _check_workers(client, scheduler)
        yield client


def _quieten() -> None:
    """Keep Dask's own log from the terminal: what becomes of a run is told in our words."""
    for name in [*logging.root.manager.loggerDict]:
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _check_workers(client: Any, scheduler: str) -> None:  # noqa: ANN401 -- Dask's client
    """Refuse a cluster without workers, or with some that have another version of ours, or none."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
        found = client.run(installed_version)
    except TimeoutError:
        raise FleetError(
            f"The Dask scheduler at {scheduler} has no workers.",
            hint="Start some with `dask worker`, or see why they don't reach the scheduler.",
        ) from None
    except Exception as error:  # noqa: BLE001 -- whatever fails in a worker is raised here
        raise FleetError(
            f"The workers of {scheduler} can't refresh ({type(error).__name__}).",
            hint=f"Install klarify-xl {__version__} with the extra fleet on each of them.",
        ) from None
    for worker, version in found.items():
        if version != __version__:
            raise FleetError(
                f"The worker {worker} has klarify-xl {version}, and here it is {__version__}.",
                hint="Install the same version everywhere.",
            )


def installed_version() -> str:
    """Return the version of klarify-xl that a worker has."""
    return __version__
