"""How a refresh's outcome is noted: status file, metrics file, log events and webhook."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from klarify_xl.commands.options import NotifyOn
from klarify_xl.console import Screen, summary
from klarify_xl.errors import CancelledError, ConfigurationError, KlarifyError
from klarify_xl.exit_codes import EXIT_UNEXPECTED, exit_code
from klarify_xl.headless.marks import read_marks
from klarify_xl.json_log import about
from klarify_xl.metrics import check_metrics_file, write_metrics
from klarify_xl.outcome import RefreshResult
from klarify_xl.settings import WEBHOOK_VARIABLE, find_store
from klarify_xl.status import (
    Failure,
    Status,
    Success,
    read_status,
    status_file,
    whole_path,
    write_status,
)
from klarify_xl.webhook import Webhook, change_document, failure_document, find_webhook

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Places:
    """Where the outcome of a refresh is noted.

    Attributes:
        out: The workbook or folder.
        store: The store, None for the usual one.
        status: The status file, None for the one beside the store.
        metrics: The metrics file, None for none.
        notify_on: What the webhook is told of.
    """

    out: str
    store: Path | None
    status: Path | None
    metrics: Path | None
    notify_on: Sequence[NotifyOn]


Note = Callable[[RefreshResult], None]
"""Notes a refresh that succeeded."""


@contextmanager
def noted(places: Places, screen: Screen) -> Iterator[Note]:
    """Note how the refresh inside goes: success when told, failure when an error passes through.

    What can't be noted is told, but does not make the refresh fail. A refresh that somebody
    stopped is no failure.

    Raises:
        ConfigurationError: An option for this is wrong; the refresh does not begin.
    """
    if places.metrics:
        check_metrics_file(places.metrics)
    webhook = _usable_webhook(screen)
    if NotifyOn.CHANGE in places.notify_on and webhook is None:
        raise ConfigurationError(
            "--notify-on change has nobody to tell: there is no webhook.",
            hint=f"Set {WEBHOOK_VARIABLE} in the environment or a .env file.",
        )
    book = _Book(places, screen, webhook)
    _LOG.info("Refreshing %s", book.out, extra=about("refresh_started", workbook=book.out))
    try:
        yield book.succeeded
    except CancelledError:
        raise
    except KlarifyError as error:
        book.failed(error, exit_code(error))
        raise
    except Exception as error:
        unexpected = KlarifyError(f"Something unexpected happened: {type(error).__name__}.")
        book.failed(unexpected, EXIT_UNEXPECTED)
        raise


def _usable_webhook(screen: Screen) -> Webhook | None:
    """Return the webhook; a wrong address is told, but must not keep the workbook from going on."""
    try:
        return find_webhook()
    except ConfigurationError as error:
        screen.problem(f"Mind: {error} {error.hint}")
        return None


class _Book:
    """Keeps the notes of one workbook."""

    def __init__(self, places: Places, screen: Screen, webhook: Webhook | None) -> None:
        self.out = whole_path(places.out)
        self._places = places
        self._screen = screen
        self._webhook = webhook
        self._file = places.status or status_file(find_store(places.store), places.out)
        screen.lines.organisation = self._before().organisation

    def _before(self) -> Status:
        """Return the status as it was noted last, or one that knows only what the file says."""
        try:
            known = read_status(self._file)
        except KlarifyError:
            known = Status(self.out)
        marks = read_marks(Path(self.out))
        return Status(
            out=self.out,
            organisation=marks.organisation or known.organisation,
            last_success=known.last_success,
            last_failure=known.last_failure,
            failures=known.failures,
        )

    def succeeded(self, result: RefreshResult) -> None:
        success = Success.of(result, datetime.now(UTC))
        status = self._before().succeeded(success)
        self._screen.lines.organisation = status.organisation
        details = {"workbook": self.out, **result.as_json()}
        _LOG.info("Refreshed %s", self.out, extra=about("refresh_finished", **details))
        self._keep(status)
        if success.found_changes and NotifyOn.CHANGE in self._places.notify_on:
            self._tell(lambda: change_document(status, success, summary(result)))

    def failed(self, error: KlarifyError, code: int) -> None:
        failure = Failure.of(error, datetime.now(UTC), code)
        status = self._before().failed(failure)
        self._keep(status)
        if NotifyOn.FAILURE in self._places.notify_on:
            self._tell(lambda: failure_document(status, error, failure))

    def _keep(self, status: Status) -> None:
        metrics = self._places.metrics
        self._attempt(lambda: write_status(self._file, status))
        if metrics:
            self._attempt(lambda: write_metrics(metrics, status))

    def _tell(self, document: Callable[[], dict[str, object]]) -> None:
        webhook = self._webhook
        if webhook:
            self._attempt(lambda: webhook.send(document()))

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except KlarifyError as error:
            self._screen.problem(f"Mind: {error} {error.hint}")
