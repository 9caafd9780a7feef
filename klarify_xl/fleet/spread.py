"""Spreads organisations over a cluster's workers, and brings in what became of each.

An organisation that ends its worker's process, by lack of memory or a crash, is tried by Dask
with another worker, and given up after a few. Whatever ran or waited beside it then is suspected,
too; so each suspect is tried once more, alone. A worker that is stuck with an organisation that
stands still is started anew, once it is noted what became of that: so nothing is written late.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final

from klarify_xl.errors import FleetError
from klarify_xl.fleet.claim import Claim
from klarify_xl.fleet.manifest import Manifest, Record
from klarify_xl.fleet.organisations import Organisation
from klarify_xl.fleet.pulse import Pulse, StandstillError, watched
from klarify_xl.fleet.work import Outcome, Terms, UnfinishedError, failed, refresh_organisation

OnRecord = Callable[[Organisation, Record], None]

_SILENCE: Final = 600.0
"""Seconds in which some worker must show that it is at work."""

_RESTART: Final = 60.0
"""Seconds to wait for a worker that is started anew."""

_GLANCE: Final = 1.0
"""Seconds after which a waiting driver looks whether the scheduler is still there."""


class Spread:
    """Organisations spread over a cluster.

    Args:
        client: Dask's client of the cluster.
        terms: What holds for all organisations.
        retries: Further tries after a failure that may pass.
        on_record: Told of each organisation that is finished.
        claim: What tells that no other start has taken over.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 -- Dask's client
        terms: Terms,
        retries: int,
        on_record: OnRecord,
        claim: Claim,
    ) -> None:
        self._client = client
        self._terms = terms
        self._retries = retries
        self._on_record = on_record
        self._manifest = Manifest(terms.manifest, terms.run)
        self._claim = claim
        self._heard = time.monotonic()
        self._rounds = 0

    def run(self, organisations: Sequence[Organisation]) -> None:
        """Have all organisations refreshed.

        Raises:
            FleetError: The cluster was lost, or its workers answer no more.
        """
        self._hear()
        self._client.subscribe_topic(self._terms.signs, self._hear)
        suspects = self._round(organisations)
        for suspect in suspects:
            if self._round([suspect]):
                self._note(suspect, _killed(suspect))

    def _round(self, organisations: Sequence[Organisation]) -> list[Organisation]:
        """Have organisations refreshed side by side; return those whose workers were ended."""
        self._rounds += 1
        group = f"klarify-fleet-{self._terms.session}-{self._rounds}"
        # One group, which Dask hands out one by one as workers become free.
        keys = [(group, one.stem) for one in organisations]
        futures = self._client.map(
            refresh_organisation,
            organisations,
            key=keys,
            pure=False,
            retries=self._retries,
            terms=self._terms,
        )
        arrived: SimpleQueue[Any] = SimpleQueue()
        for future in futures:
            future.add_done_callback(arrived.put)
        waiting = dict(zip(keys, organisations, strict=True))
        del futures[:]
        suspects = []
        try:
            while waiting:
                future = self._next(arrived)
                organisation = waiting.pop(future.key)
                record = self._record(organisation, future)
                if record is None:
                    suspects.append(organisation)
                else:
                    self._on_record(organisation, record)
        finally:
            if waiting and self._client.status == "running":
                self._client.cancel(list(waiting))
        return suspects

    def _next(self, arrived: "SimpleQueue[Any]") -> Any:  # noqa: ANN401 -- Dask's future
        """Wait for the next future that is done."""
        while time.monotonic() - self._heard < _SILENCE:
            self._claim.refuse_lost()
            try:
                future = arrived.get(timeout=_GLANCE)
            except Empty:
                if self._client.status != "running":
                    raise _lost() from None
            else:
                if future.status in {"cancelled", "lost"}:
                    raise _lost()
                self._hear()
                return future
        raise FleetError(
            f"No worker has been at work for {_SILENCE / 60:.0f} minutes.",
            hint="See whether there are workers, and what holds them up. What is done is noted: "
            "the same command goes on from there.",
        )

    def _record(self, organisation: Organisation, future: Any) -> Record | None:  # noqa: ANN401
        """Return what became of an organisation, or None if its workers were ended."""
        from distributed import KilledWorker  # noqa: PLC0415 -- an extra, and slow to load

        error = future.exception()
        if error is None:
            outcome: Outcome = future.result()
            if outcome.stuck_at:
                self._write(organisation, outcome.record)
                # Else the scheduler would have it done again, as the outcome is in that worker.
                future.release()
                # Where the scheduler can't do that, it stays stuck, and others do the work.
                with suppress(Exception):
                    self._client.restart_workers(
                        [outcome.stuck_at], timeout=_RESTART, raise_for_error=False
                    )
            return outcome.record
        if isinstance(error, KilledWorker):
            return None
        record = (
            error.record
            if isinstance(error, UnfinishedError)
            else failed(
                organisation,
                type(error).__name__,
                f"The worker could not do it ({type(error).__name__}).",
                "See the worker's own log.",
            )
        )
        self._write(organisation, record)
        return record

    def _note(self, organisation: Organisation, record: Record) -> None:
        self._write(organisation, record)
        self._on_record(organisation, record)

    def _write(self, organisation: Organisation, record: Record) -> None:
        """Note a record in the manifest, which may be what does not answer."""

        def write() -> None:
            # Another start may have done what this one could not.
            self._claim.check()
            self._manifest.write(organisation, record)

        try:
            watched(write, Pulse(self._terms.standstill))
        except StandstillError:
            raise FleetError(
                f"The manifest {self._manifest.place} has not answered for "
                f"{self._terms.standstill} seconds.",
                hint="See what is wrong with that place. What is done is noted: the same command "
                "goes on from there.",
            ) from None

    def _hear(self, _event: object = None) -> None:
        self._heard = time.monotonic()


def _killed(organisation: Organisation) -> Record:
    return failed(
        organisation,
        "KilledWorker",
        "Each process that refreshed it was ended, also alone: by lack of memory or a crash.",
        "Try it by itself with `klarify-xl refresh`, and give the workers more memory if it "
        "succeeds there.",
    )


def _lost() -> FleetError:
    return FleetError(
        "The connection to the Dask scheduler was lost.",
        hint="What is done is noted: start the scheduler if it is gone, and run the same command "
        "again, which goes on from there.",
    )
