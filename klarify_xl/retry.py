"""Whether a failed request is worth another try, and how long to wait before it."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

ATTEMPTS: Final = 5
"""Tries of one request in all."""

TIMEOUT_ATTEMPTS: Final = 2
"""Tries of a request that times out; after them a walk goes on with smaller pages."""

LONGEST_PAUSE: Final = 30.0
"""Seconds that our own back-off waits at most."""

LONGEST_RETRY_AFTER: Final = 120.0
"""Seconds that a server's Retry-After is followed at most."""

_FIRST_PAUSE: Final = 0.5
_TRANSIENT_STATUSES: Final = frozenset({408, 421, 425, 429})
_SERVER_FAULTS: Final = range(500, 600)
_TIMEOUT_STATUSES: Final = frozenset({408, 504})


def is_transient(status: int) -> bool:
    """Tell whether an HTTP status may be different at the next try."""
    return status in _TRANSIENT_STATUSES or status in _SERVER_FAULTS


def is_timeout(status: int) -> bool:
    """Tell whether an HTTP status says that the page took the server too long."""
    return status in _TIMEOUT_STATUSES


def pause(attempt: int, retry_after: float | None, random: Callable[[], float]) -> float:
    """Return the seconds to wait after a failed attempt.

    Capped exponential back-off with full jitter; a server's Retry-After is never undercut, only
    capped.

    Args:
        attempt: Number of the attempt that failed, from 1.
        retry_after: Seconds that the server asked for, if it did.
        random: Source of numbers in [0, 1).
    """
    backoff = random() * min(LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempt, 16))
    if retry_after is None:
        return backoff
    return min(LONGEST_RETRY_AFTER, retry_after) + backoff


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3).

    Args:
        header: The header's value: seconds, or an HTTP date.
        now: The time to count a date from, UTC.

    Returns:
        Seconds, at least 0, or None where the header is missing or makes no sense.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 10**8))
    moment = http_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def http_date(text: str | None) -> datetime | None:
    """Return an HTTP date in UTC, or None where it is none."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
