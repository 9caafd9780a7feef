"""Tells a chat or a program how a refresh went, by one HTTP POST of a small JSON document.

The address may itself be a secret, as Slack's and Teams' are: no message, log or exception names
it. urllib is used for this instead of the HTTP library of the API, which logs what it requests.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import truststore

from klarify_xl import __version__
from klarify_xl.errors import ConfigurationError, KlarifyError, NetworkError
from klarify_xl.settings import WEBHOOK_VARIABLE, find_variable, is_loopback
from klarify_xl.status import Failure, Status, Success

_PATIENCE: Final = 5.0
"""Seconds to wait for a connection, and for each part of the reply."""

_MOST_CHARACTERS: Final = 2000
"""Length of a text; Slack cuts at 40,000, and nobody reads that much."""


@dataclass(frozen=True)
class Webhook:
    """Where to tell how a refresh went.

    Attributes:
        address: Its address, which is never shown.
    """

    address: str = field(repr=False)

    def send(self, document: Mapping[str, Any]) -> None:
        """Post a JSON document.

        Raises:
            NetworkError: It was not accepted; the message does not name the address.
        """
        problem = self._posted(json.dumps(document).encode("ascii"))
        if problem:
            raise NetworkError(
                f"The webhook was not reached: {problem}.",
                hint=f"Check the address in {WEBHOOK_VARIABLE}; the refresh itself is not "
                "affected.",
            )

    def _posted(self, content: bytes) -> str:
        """Post, and return what went wrong, as a value: raised, it would carry the address."""
        headers = {"Content-Type": "application/json", "User-Agent": f"klarify-xl/{__version__}"}
        request = urllib.request.Request(self.address, content, headers)  # noqa: S310 -- checked in find_webhook
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
            _NoRedirects(),
            # Plain http is for this machine itself, and goes through no proxy.
            *([] if self.address.startswith("https:") else [urllib.request.ProxyHandler({})]),
        )
        try:
            with opener.open(request, timeout=_PATIENCE):
                return ""
        except urllib.error.HTTPError as error:
            return f"it answered with status {error.code}"
        except Exception as error:  # noqa: BLE001 -- whatever it is, the refresh goes on
            reason = getattr(error, "reason", error)
            return type(reason if isinstance(reason, Exception) else error).__name__


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: the POST would become a GET elsewhere."""

    def redirect_request(self, *_args: Any) -> None:  # noqa: ANN401
        """Take the answer as an error."""
        return


def find_webhook() -> Webhook | None:
    """Return the webhook from the environment or the ``.env`` file, if there is one.

    Raises:
        ConfigurationError: Its address can't be used.
    """
    address = (find_variable(WEBHOOK_VARIABLE)[0] or "").strip()
    if not address:
        return None
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        usable = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
        usable = usable and bool(host) and address.isascii() and address.isprintable()
        _ = parts.port
    except ValueError:
        usable = False
    if not usable or " " in address:
        # Raised elsewhere, so that no traceback shows it among this function's variables.
        del address
        _refuse()
    return Webhook(address)


def _refuse() -> NoReturn:
    raise ConfigurationError(
        f"The address in {WEBHOOK_VARIABLE} is not an https address.",
        hint="Copy it once more from where it was made; it is not shown here, as it may be secret.",
    )


def failure_document(status: Status, error: KlarifyError, failure: Failure) -> dict[str, Any]:
    """Return what is told of a refresh that failed.

    Args:
        status: How things stand after it.
        error: What went wrong.
        failure: The same, as it is kept.
    """
    last = status.last_success
    since = f"Last success: {last.at:%Y-%m-%d %H:%M} UTC." if last else "It never succeeded."
    text = f"{status.out} could not be refreshed: {error} {error.hint} {since}"
    return {
        "text": _plain(text),
        "event": "failure",
        "workbook": status.out,
        "organisation": status.organisation,
        "at": failure.at.isoformat(timespec="seconds"),
        "error": failure.error,
        "exit_code": failure.exit_code,
        "failures_in_a_row": status.failures,
        "last_success": last.at.isoformat(timespec="seconds") if last else None,
    }


def change_document(status: Status, success: Success, found: str) -> dict[str, Any]:
    """Return what is told of a refresh that found changes.

    Args:
        status: How things stand after it.
        success: The refresh.
        found: The changes in a few words.
    """
    return {
        "text": _plain(f"{status.out} was refreshed: {found}."),
        "event": "change",
        "workbook": status.out,
        "organisation": status.organisation,
        "at": success.at.isoformat(timespec="seconds"),
        "procedures": success.procedures,
        "added": success.added,
        "changed": success.changed,
        "removed": success.removed,
        "returned": success.returned,
    }


def _plain(text: str) -> str:
    """Return a text that a chat shows as it is: Slack takes <!channel> for a call to everybody."""
    told = " ".join(text.split())[:_MOST_CHARACTERS]
    return told.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
