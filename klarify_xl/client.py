"""One page of the API at a time: HTTP, time limits, retries, and the key kept out of sight.

The API and its traps are described in Klarify's Integration API reference. The key travels in the
query string, as documented, so every exception of the HTTP libraries holds it. None of them leaves
this module: errors are described in our own words and raised outside the handler, so that no
traceback or chained cause carries a URL.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from urllib.parse import urlsplit

import requests
import urllib3

from klarify_xl import retry
from klarify_xl.errors import (
    CancelledError,
    DeadlineError,
    KlarifyError,
    ReplyError,
    ReplyTimeoutError,
)
from klarify_xl.limits import API_PATH
from klarify_xl.reply import Failure, judge
from klarify_xl.secret import AccessKey, LogRedaction, encode_for_query
from klarify_xl.settings import Settings, normalise_base_url
from klarify_xl.transport import describe, new_session, timed_out

_LOG = logging.getLogger(__name__)

LARGEST_REPLY: Final = 64 * 2**20
"""Bytes that one reply may have; a page of 100 procedures has some 60 thousand."""

_READ_BLOCK: Final = 2**16
_WAKE_UP: Final = 0.1
"""Seconds after which a waiting thread looks for Ctrl-C and cancellation."""


@dataclass(frozen=True)
class Query:
    """One request for a page.

    Attributes:
        page: Number of the page, from 0.
        page_size: Procedures per page.
        sort: Field and direction.
        updated_after: Only procedures modified after it (UTC, whole seconds).
    """

    page: int = 0
    page_size: int = 100
    sort: str = "created_at,asc"
    updated_after: datetime | None = None

    def parameters(self) -> dict[str, str]:
        """Return the query parameters as the API reference names them, without the key."""
        parameters = {
            "page": str(self.page),
            "pageSize": str(self.page_size),
            "sort": self.sort,
        }
        if self.updated_after is not None:
            # Rounded down and with "Z": "+00:00" would reach the server as a space.
            # Not by strftime: it writes a year before 1000 with fewer than four digits.
            moment = self.updated_after.astimezone(UTC).replace(tzinfo=None)
            parameters["last_updated_at"] = f"{moment.isoformat(timespec='seconds')}Z"
        return parameters


@dataclass(frozen=True)
class Page:
    """One page as the API sent it.

    Attributes:
        query: The request.
        rows: Items, unparsed.
        has_next: Whether the API says that more pages follow.
        total_count: How many procedures the API says there are.
        server_time: The server's clock, if it sent one (UTC).
    """

    query: Query
    rows: tuple[object, ...]
    has_next: bool
    total_count: int
    server_time: datetime | None


Flight = Future[Page]
"""A page under way."""


class Client:
    """Fetches pages of one organisation's procedures.

    Usable as a context manager. Requests run on daemon threads, so that neither Ctrl-C nor a
    deadline waits for a server that drips.

    Args:
        access_key: The organisation's key.
        base_url: Address of the API; https, or http on loopback.
        settings: Time limits and concurrency; its address is overridden by `base_url`.
        largest_reply: Bytes that one reply may have.
        clock: Monotonic seconds.
        random_source: Numbers in [0, 1) for the jitter of the back-off.
        sleep: Waits for so many seconds, or less if cancelled.

    Raises:
        ConfigurationError: Key or address is not usable.
    """

    def __init__(
        self,
        access_key: AccessKey | str | None,
        base_url: str | None = None,
        *,
        settings: Settings | None = None,
        largest_reply: int = LARGEST_REPLY,
        clock: Callable[[], float] = time.monotonic,
        random_source: Callable[[], float] = random.random,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.base_url = normalise_base_url(base_url or self.settings.base_url)
        self.host = urlsplit(self.base_url).netloc
        self.clock = clock
        self._key = access_key if isinstance(access_key, AccessKey) else AccessKey(access_key)
        self._largest_reply = largest_reply
        self._random = random_source
        self._cancelled = threading.Event()
        self._sleep = sleep or self._cancelled.wait
        self._count_lock = threading.Lock()
        self._places = threading.BoundedSemaphore(self.settings.concurrency)
        self._requests = 0
        self._is_closed = False
        self._log_redaction = LogRedaction(self._key)
        self._log_redaction.hold()
        self._session = new_session(
            self.settings.concurrency, direct=urlsplit(self.base_url).scheme == "http"
        )

    @property
    def key(self) -> AccessKey:
        """The access key, which shows itself as ``***``."""
        return self._key

    @property
    def request_count(self) -> int:
        """Requests sent so far, retries included."""
        return self._requests

    def deadline_at(self) -> float:
        """Return the moment on the client's clock at which a walk that starts now must end."""
        return self.clock() + self.settings.deadline

    def page(self, query: Query | None = None, *, deadline_at: float | None = None) -> Page:
        """Fetch one page and wait for it.

        Args:
            query: What to ask for; by default the first page in order of creation.
            deadline_at: Moment on the client's clock to give up at.

        Raises:
            KeyRefusedError: The API does not accept the key.
            WrongAddressError: Something else than the API answers.
            NetworkError: No answer, or only failures, through all attempts.
            ReplyError: The reply breaks the API's contract.
            CancelledError: `cancel` was called.
        """
        deadline_at = self.deadline_at() if deadline_at is None else deadline_at
        return self.wait(self.submit(query or Query(), deadline_at), deadline_at)

    def submit(self, query: Query, deadline_at: float) -> Flight:
        """Start to fetch a page and return at once; `wait` gives the page."""
        future: Flight = Future()
        # A request may outlive the client, and must not be logged with its URL even then.
        self._log_redaction.hold()

        def fetch() -> None:
            try:
                page = self._fetch(query, deadline_at)
            except KlarifyError as error:
                future.set_exception(error)
            except BaseException as error:  # noqa: BLE001 -- its text may hold the key
                # Only the kind of the surprise goes on: its frames and text may hold the URL.
                future.set_exception(ReplyError(f"Unexpected {type(error).__name__} in a request."))
            else:
                future.set_result(page)
            finally:
                self._log_redaction.release()

        threading.Thread(target=fetch, name=f"klarify-page-{query.page}", daemon=True).start()
        return future

    def wait(self, future: Flight, deadline_at: float) -> Page:
        """Return the page of a future, or raise what went wrong.

        Raises:
            DeadlineError: The moment `deadline_at` has passed.
            CancelledError: `cancel` was called.
        """
        while not wait([future], timeout=_WAKE_UP).done:
            self._stop_if_cancelled()
            if self.clock() > deadline_at:
                raise self._too_late()
        return future.result()

    def cancel(self) -> None:
        """Make every waiting and future request end with `CancelledError`; any thread may call."""
        self._cancelled.set()

    def close(self) -> None:
        """Stop requests that still run and give the connections back."""
        if self._is_closed:
            return
        self._is_closed = True
        self._cancelled.set()
        self._session.close()
        self._log_redaction.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _fetch(self, query: Query, deadline_at: float) -> Page:
        attempt = 0
        while True:
            attempt += 1
            started = self.clock()
            outcome = self._attempt(query, deadline_at)
            result = outcome.error if isinstance(outcome, Failure) else f"{len(outcome.rows)} rows"
            seconds = self.clock() - started
            _LOG.debug("%s, attempt %d, %.2f s: %s", query.parameters(), attempt, seconds, result)
            if isinstance(outcome, Page):
                return outcome
            tries = retry.TIMEOUT_ATTEMPTS if outcome.timed_out else retry.ATTEMPTS
            if not outcome.transient or attempt >= tries:
                raise _final(outcome, attempt, query)
            pause = retry.pause(attempt, outcome.retry_after, self._random)
            if self.clock() + pause > deadline_at:
                raise self._too_late()
            _LOG.warning("%s Trying again in %.1f s.", outcome.error, pause)
            self._sleep(pause)

    def _attempt(self, query: Query, deadline_at: float) -> Page | Failure:
        # A walk that starts again leaves pages behind, which still count as in flight.
        while not self._places.acquire(timeout=_WAKE_UP):
            if self.clock() > deadline_at:
                return Failure(self._too_late())
        try:
            self._stop_if_cancelled()
            with self._count_lock:
                self._requests += 1
            return self._exchange(query, deadline_at)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = describe(error, self.host, self._key)
        finally:
            self._places.release()
        return failure

    def _exchange(self, query: Query, deadline_at: float) -> Page | Failure:
        parameters = {"access_key": self._key.reveal(), **query.parameters()}
        encoded = "&".join(f"{name}={encode_for_query(text)}" for name, text in parameters.items())
        limits = (self.settings.connect_timeout, self.settings.read_timeout)
        with self._session.get(
            f"{self.base_url}{API_PATH}?{encoded}",
            stream=True,
            timeout=limits,
            allow_redirects=False,
        ) as response:
            body = self._read_body(response, deadline_at)
            if isinstance(body, Failure):
                return body
            now = datetime.now(UTC)
            server_time = retry.http_date(response.headers.get("Date"))
            wait = retry.retry_after_seconds(response.headers.get("Retry-After"), now)
        outcome = judge(response.status_code, body, host=self.host)
        if isinstance(outcome, Failure):
            return Failure(outcome.error, outcome.transient, outcome.timed_out, wait)
        return Page(query, outcome.rows, outcome.has_next, outcome.total_count, server_time)

    def _read_body(self, response: requests.Response, deadline_at: float) -> bytes | Failure:
        """Read the body in blocks as they come, so that neither a drip nor a flood lasts."""
        started = self.clock()
        blocks = []
        size = 0
        while block := response.raw.read1(_READ_BLOCK, decode_content=True):
            blocks.append(block)
            size += len(block)
            if size > self._largest_reply:
                limit = self._largest_reply // 2**20
                return Failure(ReplyError(f"{self.host} sent a reply of more than {limit} MiB."))
            now = self.clock()
            if now > deadline_at:
                # Not raised: as an OSError it would be taken for one of the connection, and its
                # traceback would keep frames that know the URL.
                return Failure(self._too_late())
            if now - started > self.settings.read_timeout or self._cancelled.is_set():
                return timed_out(self.host)
        return b"".join(blocks)

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError("The refresh was cancelled. Nothing was changed.")

    def _too_late(self) -> DeadlineError:
        return DeadlineError(
            f"Reading from {self.host} took longer than {self.settings.deadline:.0f} seconds.",
            hint="Nothing was changed. Try again when the service or the network is faster.",
        )


def _final(failure: Failure, attempts: int, query: Query) -> KlarifyError:
    """Return the error to raise when no further attempt is made."""
    error = failure.error
    if failure.timed_out:
        return ReplyTimeoutError(
            f"{error} (page {query.page} of size {query.page_size}, {attempts} attempts)",
            hint=error.hint,
        )
    if failure.transient:
        text = f"{error} (page {query.page}, {attempts} attempts)"
        return type(error)(text, hint=error.hint)
    return error
