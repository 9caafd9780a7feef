"""Refreshes a fleet: what this run has not done yet is spread over the cluster, and reported."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from klarify_xl.errors import CancelledError, FleetError, KlarifyError, TargetError
from klarify_xl.fleet.claim import Claim
from klarify_xl.fleet.cluster import connected
from klarify_xl.fleet.file import Fleet
from klarify_xl.fleet.manifest import Manifest, Record
from klarify_xl.fleet.organisations import Organisation
from klarify_xl.fleet.pulse import Pulse, StandstillError, watched
from klarify_xl.fleet.report import write_report
from klarify_xl.fleet.spread import Spread
from klarify_xl.fleet.work import Terms
from klarify_xl.progress import OnProgress, Progress, ignore

_STAGE: Final = "Refreshing organisations"


@dataclass(frozen=True)
class FleetResult:
    """What a run did.

    Attributes:
        outcome: ``complete``, or ``incomplete`` where organisations failed.
        run: Name of the run.
        organisations: How many there are.
        earlier: Done when the run was started before.
        written: Whose files were written in this run.
        unchanged: Whose files were up to date and left alone.
        failed: What could not be refreshed.
        procedures: Procedures listed in all.
        requests: Requests sent in all.
        failures: What went wrong where.
        report: The report's workbook.
        manifest: Where it is noted what is done.
        seconds: Time it took.
    """

    outcome: Literal["complete", "incomplete"]
    run: str
    organisations: int
    earlier: int
    written: int
    unchanged: int
    failed: int
    procedures: int
    requests: int
    failures: tuple[Record, ...]
    report: str
    manifest: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        names = ("organisation", "error", "message", "hint")
        failures = [{name: getattr(one, name) for name in names} for one in self.failures]
        return {**vars(self), "failures": failures, "seconds": round(self.seconds, 3)}


def night_of(now: datetime) -> str:
    """Return the night that a moment belongs to, by the date of its evening.

    Nights end at noon, so that a run that is resumed after midnight is the same one.

    Args:
        now: A local time.
    """
    return f"{now - timedelta(hours=12):%Y-%m-%d}"


def run_fleet(
    fleet: Fleet,
    *,
    scheduler: str = "",
    workers: int = 0,
    run: str = "",
    on_progress: OnProgress = ignore,
    on_failure: Callable[[Record], None] = lambda _record: None,
) -> FleetResult:
    """Refresh the organisations that this run has not done yet.

    One that fails does not stop the others. Whatever happens, what is done stays noted, and the
    report tells how far the run has come.

    Args:
        fleet: What `klarify_xl.fleet.file.load_fleet` gives.
        scheduler: Address of an existing Dask cluster; "" for one on this machine.
        workers: Processes of the local cluster; 0 for what the file says.
        run: Name of the run; by default the night's date.
        on_progress: Told after each organisation.
        on_failure: Told of each organisation that failed.

    Raises:
        ConfigurationError: Dask is missing, or the run's name can't be one.
        TargetError: Manifest or report can't be written.
        FleetError: The cluster can't be used, or was lost.
        CancelledError: Somebody pressed Ctrl-C.
    """
    started = time.monotonic()
    conduct, organisations = fleet.conduct, fleet.organisations
    run = run or night_of(datetime.now().astimezone())
    manifest = Manifest(conduct.manifest, run)
    manifest.prepare()
    known = manifest.records(organisations)
    records = {stem: record for stem, record in known.items() if record.is_done}
    earlier = len(records)
    waiting = [one for one in organisations if one.stem not in records]

    def note(organisation: Organisation, record: Record) -> None:
        records[organisation.stem] = record
        on_progress(Progress(_STAGE, len(records), len(organisations)))
        if not record.is_done:
            on_failure(record)

    stopped: KlarifyError | None = None
    if waiting:
        terms = Terms(
            run=run,
            session=uuid.uuid4().hex[:8],
            manifest=conduct.manifest,
            store=conduct.store,
            deadline=conduct.deadline,
            standstill=conduct.standstill,
            requests_per_host=conduct.requests_per_host,
        )
        try:
            claim = Claim(conduct.manifest, terms.session, run)
            with (
                claim.held(),
                connected(scheduler, workers or conduct.workers) as client,
            ):
                on_progress(Progress(_STAGE, earlier, len(organisations)))
                Spread(client, terms, conduct.retries, note, claim).run(waiting)
        except (FleetError, TargetError) as error:
            if len(records) == earlier:
                raise
            stopped = error
        except KeyboardInterrupt:
            stopped = CancelledError(
                f"Stopped after {len(records)} of {len(organisations)} organisations.",
                hint="What is done is noted: the same command goes on from there.",
            )
    told = [records.get(one.stem) or Record.of(one, "not done") for one in organisations]
    try:
        watched(lambda: write_report(conduct.report, run, told), Pulse(conduct.standstill))
    except StandstillError:
        stopped = stopped or FleetError(
            f"The report's place {conduct.report} has not answered for {conduct.standstill} "
            "seconds.",
            hint="What is done is noted: the same command writes the report once more.",
        )
    except KlarifyError as error:
        stopped = stopped or error
    if stopped:
        raise stopped
    return _result(run, told, earlier, conduct.report, manifest.place, time.monotonic() - started)


def _result(
    run: str, records: Sequence[Record], earlier: int, report: str, manifest: str, seconds: float
) -> FleetResult:
    states = Counter(record.state for record in records)
    failures = tuple(record for record in records if not record.is_done)
    return FleetResult(
        outcome="incomplete" if failures else "complete",
        run=run,
        organisations=len(records),
        earlier=earlier,
        written=states["written"],
        unchanged=states["unchanged"],
        failed=len(failures),
        procedures=sum(record.procedures for record in records),
        requests=sum(record.requests for record in records),
        failures=failures,
        report=report,
        manifest=manifest,
        seconds=seconds,
    )
