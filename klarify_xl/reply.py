"""What a reply of the API means: a page of rows, or a failure that is or isn't worth a retry."""

import json
import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, NoReturn

from klarify_xl.errors import (
    KeyRefusedError,
    KlarifyError,
    NetworkError,
    ReplyError,
    WrongAddressError,
)
from klarify_xl.retry import is_timeout, is_transient

_MISSING_KEY: Final = "missing required access_key"
_INVALID_KEY: Final = "invalid access_key"
_TOO_DEEP: Final = "its JSON is nested too deeply"
_REDIRECTIONS: Final = range(300, 400)

_DEEPEST: Final = 100
"""Levels of nesting; a page has four. Far more could be read here, and nowhere else again."""


@dataclass(frozen=True)
class Envelope:
    """A valid reply: rows as they came, whether more follow, and how many there are in all."""

    rows: tuple[object, ...]
    has_next: bool
    total_count: int


@dataclass(frozen=True)
class Failure:
    """A request that did not bring a page.

    Attributes:
        error: What to raise if it stays so.
        transient: Whether another try may succeed.
        timed_out: Whether the page took too long, so that a smaller page may succeed.
        retry_after: Seconds that the server asked to wait, if it did.
    """

    error: KlarifyError
    transient: bool = False
    timed_out: bool = False
    retry_after: float | None = None


def judge(  # noqa: PLR0911 -- one decision after the other
    status: int, body: bytes, *, host: str
) -> Envelope | Failure:
    """Decide what a complete reply means.

    The JSON ``error`` decides before the status does: the API answers 500 for a missing key and
    404 for a wrong one, and a proxy or a wrong path may answer the same (API reference, "Error
    Handling").

    Args:
        status: HTTP status.
        body: The decoded body.
        host: The API's host, for messages.
    """
    document, problem = _decode(body)
    refused = _key_refusal(document)
    if refused is not None:
        return Failure(refused)
    if status in _REDIRECTIONS:
        return Failure(_redirected(host))
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return Failure(proxy_login())
    if is_transient(status):
        message = f"{host} answered with HTTP status {status}."
        hint = "The service may be overloaded or down; try again later."
        return Failure(
            NetworkError(message, hint=hint), transient=True, timed_out=is_timeout(status)
        )
    if status == HTTPStatus.NOT_FOUND:
        return Failure(_wrong_address(host, "it does not know the path"))
    if status != HTTPStatus.OK:
        return Failure(ReplyError(f"{host} refused the request with HTTP status {status}."))
    if problem:
        looks_like_page = body.lstrip()[:1] == b"<"
        error = (
            _wrong_address(host, "it answers with a web page")
            if looks_like_page
            else ReplyError(f"{host} sent a reply that can't be read: {problem}.")
        )
        return Failure(error, transient=True)
    return _envelope(document, host)


def _decode(body: bytes) -> tuple[Any, str]:
    """Return the JSON document, or None and what is wrong with it, without quoting it."""
    try:
        document = json.loads(
            body.decode("utf-8-sig"), parse_constant=_reject_constant, parse_float=_number
        )
    except UnicodeDecodeError:
        return None, "it is not UTF-8 text"
    except json.JSONDecodeError as error:
        return None, f"its JSON breaks off or is invalid at character {error.pos}"
    except ValueError:
        return None, "it holds a number that JSON does not allow"
    except RecursionError:
        return None, _TOO_DEEP
    return (None, _TOO_DEEP) if _is_deeper(document, _DEEPEST) else (document, "")


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(
        _is_deeper(item, levels - 1) for item in value if isinstance(item, dict | list)
    )


def _number(text: str) -> float | str:
    """Return a number, or its text where it is beyond what a number can hold here."""
    number = float(text)
    return number if math.isfinite(number) else text


def _reject_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _key_refusal(document: object) -> KeyRefusedError | None:
    error = document.get("error") if isinstance(document, dict) else None
    if error == _INVALID_KEY:
        return KeyRefusedError(
            "The API does not accept the access key: it does not exist or was disabled.",
            hint="Correct it there if it was mistyped. If somebody has regenerated it, ask an "
            "administrator for the new one. Don't regenerate it yourself to get past this: that "
            "breaks every other integration at once.",
        )
    if error == _MISSING_KEY:
        return KeyRefusedError(
            "The API says that no access key arrived, though one was sent.",
            hint="Something between here and the API removes the query string; ask whoever runs "
            "the proxy.",
        )
    return None


def _envelope(document: object, host: str) -> Envelope | Failure:
    problem = ""
    if not isinstance(document, dict):
        problem = "the reply is no JSON object"
    elif not isinstance(document.get("data"), list):
        problem = "`data` is no list"
    elif not isinstance(document.get("hasNext"), bool):
        problem = "`hasNext` is not true or false"
    elif type(document.get("totalCount")) is not int or document["totalCount"] < 0:
        problem = "`totalCount` is no count"
    if problem or not isinstance(document, dict):
        hint = "Check the base URL; if it is right, report this to Klarify."
        return Failure(ReplyError(f"{host} broke the API's contract: {problem}.", hint=hint))
    return Envelope(tuple(document["data"]), document["hasNext"], document["totalCount"])


def _wrong_address(host: str, reason: str) -> WrongAddressError:
    return WrongAddressError(
        f"{host} is not the Klarify Integration API: {reason}.",
        hint="Check the base URL (--base-url or KLARIFY_BASE_URL) and whether a proxy or a login "
        "page stands in between.",
    )


def _redirected(host: str) -> WrongAddressError:
    return WrongAddressError(
        f"{host} redirects elsewhere, which is refused because it could carry the key away.",
        hint="Set the base URL to the address that Klarify documents.",
    )


def proxy_login() -> NetworkError:
    """Return the error of a proxy that asks for a login."""
    return NetworkError(
        "The proxy asks for a login.",
        hint="Put the user name and password into HTTPS_PROXY, or ask whoever runs the proxy.",
    )
