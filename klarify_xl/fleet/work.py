"""What a worker does for one organisation: resolve its key, refresh, count, and note the outcome.

Only here, in the worker's own process, is a reference to a key followed. What goes back to the
scheduler is a record in our own words, with the key taken out of them once more. An organisation
that stands still, as when the place of its workbook does not answer, is given up.
"""

import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from klarify_xl.errors import (
    BusyError,
    DeadlineError,
    FleetError,
    KlarifyError,
    NetworkError,
    RemovalsError,
    TargetError,
    TargetLockedError,
    UnstableError,
)
from klarify_xl.fleet.claim import Claim
from klarify_xl.fleet.manifest import Manifest, Record
from klarify_xl.fleet.organisations import Organisation
from klarify_xl.fleet.places import is_address
from klarify_xl.fleet.pulse import Pulse, StandstillError, watched
from klarify_xl.health import KINDS, Severity
from klarify_xl.outcome import RefreshResult
from klarify_xl.pipeline import refresh
from klarify_xl.secret import AccessKey
from klarify_xl.settings import EXPLICIT_SOURCE, Settings, default_store
from klarify_xl.sheets import read_contents
from klarify_xl.store import Store

_STORE_FOLDER: Final = "fleet"
_PASSING: Final = (NetworkError, UnstableError, BusyError, TargetError, FleetError)
_SIGN: Final = 2.0
"""Seconds after which a worker shows again that it is at work."""

_TURN: Final = 5.0
"""Seconds after which one asks again whether it is one's turn."""

_BUSY_PAUSE: Final = 1.0
"""Seconds after which one looks whether a store is free now."""

_LASTING: Final = (DeadlineError, RemovalsError, TargetLockedError)
"""Errors that another try meets again, among kinds that may pass."""


STANDSTILL: Final = StandstillError.__name__
"""The kind of error of an organisation that was given up since nothing moved."""


@dataclass(frozen=True)
class Terms:
    """What holds for all organisations of a run.

    Attributes:
        run: Name of the run.
        session: A mark of this start of the program, unlike any other.
        manifest: Place of the manifests of all runs.
        store: Folder of the stores on the worker, "" for the user's data folder there.
        deadline: Seconds that reading one organisation may take.
        standstill: Seconds in which nothing of an organisation may move.
        requests_per_host: Requests in flight to one API host at most, by all workers.
    """

    run: str
    session: str
    manifest: str
    store: str
    deadline: int
    standstill: int
    requests_per_host: int

    @property
    def signs(self) -> str:
        """Name under which workers show the scheduler that they are at work."""
        return f"klarify-fleet {self.session}"

    @property
    def requests_at_once(self) -> int:
        """Requests in flight for one organisation at most."""
        return min(Settings.concurrency, self.requests_per_host)

    @property
    def readers_per_host(self) -> int:
        """Organisations that are read from one API host at the same time."""
        return max(1, self.requests_per_host // self.requests_at_once)


@dataclass(frozen=True)
class Outcome:
    """What a worker hands back.

    Attributes:
        record: What became of the organisation.
        stuck_at: Address of the worker, if its process must be ended since it is still at it.
    """

    record: Record
    stuck_at: str = ""


class UnfinishedError(Exception):
    """Something failed that may pass, for the scheduler to try again.

    Args:
        record: What is to be noted if that was the last try.
    """

    def __init__(self, record: Record) -> None:
        super().__init__(record)
        self.record = record

    def __str__(self) -> str:
        return f"{self.record.organisation}: {self.record.message}"


def refresh_organisation(organisation: Organisation, terms: Terms) -> Outcome:
    """Refresh an organisation, and note what became of it in the manifest.

    An organisation that this run has done is left alone, also where the scheduler, having lost a
    worker, asks for it again.

    Args:
        organisation: Which one.
        terms: What holds for all.

    Raises:
        UnfinishedError: It failed, in a way that may pass; nothing is noted.
    """
    started = time.monotonic()
    manifest = Manifest(terms.manifest, terms.run)
    pulse = Pulse(terms.standstill)
    try:
        record, may_pass = watched(
            lambda: _attempt(organisation, terms, manifest, pulse), pulse, _Signs(terms)
        )
    except StandstillError:
        record = _standing(organisation, terms, pulse)
        return Outcome(replace(record, seconds=time.monotonic() - started), _restartable())
    if may_pass:
        raise UnfinishedError(record)
    return Outcome(record)


class _Signs:
    """Shows the scheduler now and then that this worker is at work."""

    def __init__(self, terms: Terms) -> None:
        self._name = terms.signs
        self._next = time.monotonic()

    def __call__(self) -> None:
        from distributed import get_worker  # noqa: PLC0415 -- an extra, and slow to load

        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SIGN
            get_worker().log_event(self._name, "at work")


def _restartable() -> str:
    """Return this worker's address, "" if nobody would start its process again."""
    from distributed import get_worker  # noqa: PLC0415 -- an extra, and slow to load

    worker = get_worker()
    return str(worker.address) if worker.nanny else ""


def _attempt(
    organisation: Organisation, terms: Terms, manifest: Manifest, pulse: Pulse
) -> tuple[Record, bool]:
    """Return what became of an organisation, and whether another try may do better.

    Errors come as values, lest a traceback of ours travel with frames that have seen the key.
    """
    started = time.monotonic()
    store = _store_of(organisation, terms)
    key = None
    try:
        done = manifest.read(organisation)
        if done and done.is_done:
            return done, False
        key = organisation.key.resolve()
        if not is_address(organisation.out):
            Path(organisation.out).parent.mkdir(parents=True, exist_ok=True)
        result = _refresh(organisation, terms, store, key, pulse)
        record = _done(organisation, result, time.monotonic() - started)
        manifest.write(organisation, record)
    except KlarifyError as error:
        may_pass = isinstance(error, _PASSING) and not isinstance(error, _LASTING)
        # A refresh knows only that it was given the key, not from where.
        hint = error.hint.replace(EXPLICIT_SOURCE, str(organisation.key))
        message, hint = _redacted(str(error), key), _redacted(hint, key)
        record = failed(organisation, type(error).__name__, message, hint)
    except Exception as error:  # noqa: BLE001 -- one organisation must not end the others
        may_pass = isinstance(error, OSError)
        record = _unexpected(organisation, error)
    else:
        return record, False
    record = _aged(record, store, time.monotonic() - started)
    if not may_pass:
        # Else the next try would hide it; and if it can't be written, the driver notes it.
        with suppress(TargetError):
            manifest.write(organisation, record)
    return record, may_pass


def _store_of(organisation: Organisation, terms: Terms) -> Path:
    folder = Path(terms.store) if terms.store else default_store().parent / _STORE_FOLDER
    return folder / f"{organisation.stem}.db"


def _refresh(
    organisation: Organisation, terms: Terms, store: Path, key: AccessKey, pulse: Pulse
) -> RefreshResult:
    """Refresh an organisation, after whoever is at its store."""
    until = time.monotonic() + terms.standstill / 2
    while True:
        try:
            return _refresh_now(organisation, terms, store, key, pulse)
        except BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(_BUSY_PAUSE)


def _refresh_now(
    organisation: Organisation, terms: Terms, store: Path, key: AccessKey, pulse: Pulse
) -> RefreshResult:
    settings = Settings(
        base_url=organisation.base_url,
        store=store,
        deadline=terms.deadline,
        concurrency=terms.requests_at_once,
    )
    host = urlsplit(organisation.base_url).netloc
    return refresh(
        organisation.out,
        formats=organisation.formats,
        access_key=key,
        settings=settings,
        options=organisation.options,
        on_progress=pulse.step,
        reading=_leave(host, terms, pulse),
    )


@contextmanager
def _leave(host: str, terms: Terms, pulse: Pulse) -> Iterator[None]:
    """Hold the scheduler's leave to read from a host.

    Raises:
        FleetError: The scheduler does not answer, or the start that asked for it is over.
        TargetError: The manifest can't be read.
    """
    gate = _gate(host, terms.readers_per_host, terms.session)
    try:
        with pulse.waiting():
            # Asked for again and again, so that no answer that is lost can hold it up for ever.
            while not gate.acquire(timeout=_TURN):
                pulse.step()
    except Exception as error:  # noqa: BLE001 -- a lost connection shows in many ways
        raise FleetError(
            f"The Dask scheduler gives no leave to read ({type(error).__name__})."
        ) from None
    try:
        with pulse.timed(terms.deadline, "was read", "was written"):
            yield
    finally:
        # Else it expires by itself.
        with suppress(Exception):
            gate.release()
    # The scheduler can't take back what runs: if that start was ended, another may be at it.
    Claim(terms.manifest, terms.session).check()


@lru_cache(maxsize=64)
def _gate(host: str, readers: int, _session: str) -> Any:  # noqa: ANN401 -- Dask's semaphore
    """Return what lets only so many organisations of a host be read at once, by all workers.

    One object for each process and session: each keeps its leases alive by itself, and knows the
    scheduler that it was made with. Its name is that of host and number alone, so that two runs
    on one scheduler share it.
    """
    from distributed import Semaphore  # noqa: PLC0415 -- an extra, and slow to load

    return Semaphore(max_leases=readers, name=f"klarify-xl {host} {readers}")


def _done(organisation: Organisation, result: RefreshResult, seconds: float) -> Record:
    with Store(result.store, read_only=True) as store:
        contents = read_contents(store, organisation.options)
    severities: Counter[Severity] = Counter(KINDS[one.kind].severity for one in contents.findings)
    return Record.of(
        organisation,
        result.outcome,
        mode=result.mode,
        procedures=result.procedures,
        added=result.added,
        changed=result.changed,
        removed=result.removed,
        returned=result.returned,
        high=severities["high"],
        medium=severities["medium"],
        low=severities["low"],
        requests=result.requests,
        compared_at=contents.verified_at,
        finished_at=datetime.now(UTC),
        seconds=round(seconds, 3),
    )


def failed(organisation: Organisation, error: str, message: str, hint: str = "") -> Record:
    """Return the record of an organisation that failed."""
    return Record.of(
        organisation,
        "failed",
        error=error,
        message=message,
        hint=hint,
        finished_at=datetime.now(UTC),
    )


def _standing(organisation: Organisation, terms: Terms, pulse: Pulse) -> Record:
    return failed(
        organisation,
        STANDSTILL,
        f"Nothing moved for {terms.standstill} seconds while it {pulse.stage}.",
        f"See whether {organisation.out} answers, and its store, its key and the manifest. If it "
        "is only slow, raise standstill in [fleet]. The same command tries it again.",
    )


def _unexpected(organisation: Organisation, error: Exception) -> Record:
    """Return a record that tells where something unexpected happened, but not its text."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "klarify_xl" in Path(frame.filename).parts]
    place = f" in {Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else ""
    return failed(
        organisation,
        type(error).__name__,
        f"Something unexpected happened: {type(error).__name__}{place}.",
        "Please report it.",
    )


def _aged(record: Record, store: Path, seconds: float) -> Record:
    """Return a record with the age of the data that is still there, and the time it took."""
    compared_at = None
    with suppress(KlarifyError), Store(store, read_only=True) as opened:
        compared_at = opened.verified_at()
    return replace(record, compared_at=compared_at, seconds=round(seconds, 3))


def _redacted(text: str, key: AccessKey | None) -> str:
    return key.redact(text) if key else text
