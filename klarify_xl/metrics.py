"""The status of a workbook for Prometheus, as a file of node_exporter's textfile collector.

The form is Prometheus' text exposition format 0.0.4. The collector reads files whose names end in
``.prom``, and takes no time stamps, so that moments are values.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from klarify_xl.errors import ConfigurationError
from klarify_xl.small_files import replace_small_file
from klarify_xl.status import Status

ENDING: Final = ".prom"

_CHANGES: Final = ("added", "changed", "removed", "returned")


def check_metrics_file(file: Path) -> None:
    """Refuse a file that the collector would not read.

    Raises:
        ConfigurationError: Its name does not end in ``.prom``.
    """
    if file.suffix != ENDING:
        raise ConfigurationError(
            f"The metrics file {file.name} must end in {ENDING}.",
            hint="node_exporter reads only such files in its textfile directory.",
        )


def write_metrics(file: Path, status: Status) -> None:
    """Replace a metrics file in one step.

    Raises:
        TargetError: It can't be written.
    """
    replace_small_file(file, metrics(status).encode())


def metrics(status: Status) -> str:
    """Return a status in Prometheus' text format."""
    labels = f'workbook="{_escaped(status.out)}"'
    if status.organisation:
        labels += f',organisation="{_escaped(status.organisation)}"'
    lines: list[str] = []
    for name, meaning, samples in _gauges(status):
        full = f"klarify_xl_{name}"
        lines += [f"# HELP {full} {meaning}", f"# TYPE {full} gauge"]
        lines += [f"{full}{{{labels}{more}}} {value}" for more, value in samples]
    return "\n".join(lines) + "\n"


def _gauges(status: Status) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Yield name, meaning and samples (further labels and value); moments in seconds since 1970."""
    good = int(status.failures == 0 and status.last_success is not None)
    yield "up", "Whether the last refresh succeeded.", [("", str(good))]
    failures = [("", str(status.failures))]
    yield "failures_in_a_row", "Refreshes that failed since the last that succeeded.", failures
    failure, success = status.last_failure, status.last_success
    if failure:
        at = [("", _seconds(failure.at))]
        yield "last_failure_timestamp_seconds", "When a refresh failed last.", at
        code = [("", str(failure.exit_code))]
        yield "last_failure_exit_code", "Exit code of the refresh that failed last.", code
    if success:
        at = [("", _seconds(success.at))]
        yield "last_success_timestamp_seconds", "When a refresh succeeded last.", at
        took = [("", f"{success.seconds:.3f}")]
        yield "last_success_duration_seconds", "Time that it took.", took
        listed = [("", str(success.procedures))]
        yield "procedures", "Procedures listed then.", listed
        changes = [(f',kind="{kind}"', str(getattr(success, kind))) for kind in _CHANGES]
        yield "changes", "Procedures that it found to have come, gone or changed.", changes


def _seconds(moment: datetime) -> str:
    # As the status file keeps it: the second that had begun.
    return str(int(moment.timestamp()))


def _escaped(text: str) -> str:
    """Return a label's value: backslash, quotation mark and line end are escaped."""
    safe = text.encode("utf-8", "replace").decode()
    return safe.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
