"""Looks at everything a refresh depends on, and says what to do about what isn't fine."""

import os
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from klarify_xl.client import Client, Page, Query
from klarify_xl.errors import ConfigurationError, KeyRefusedError, KlarifyError
from klarify_xl.headless.target import Target
from klarify_xl.remote import open_destination
from klarify_xl.settings import FoundKey, Settings, find_access_key
from klarify_xl.store import Store

CLOCK_TOLERANCE: Final = 300.0
"""Seconds by which the local clock may differ from the server's unremarked."""

_PATIENCE: Final = 30.0


@dataclass(frozen=True)
class Finding:
    """One line of the check.

    Attributes:
        subject: What was looked at.
        state: Whether it is fine, worth a look, or stops a refresh.
        detail: What was found.
        advice: What to do, if anything.
        error: The error that a refresh would end with, if it would.
    """

    subject: str
    state: Literal["fine", "look", "broken"]
    detail: str
    advice: str = ""
    error: KlarifyError | None = None


def run_checks(settings: Settings, out: str | None, key_file: Path | None = None) -> list[Finding]:
    """Look at key, address, proxy, TLS, service, clock, store and target, in that order.

    Args:
        settings: Address and store to look at.
        out: The workbook to be written, or None to leave it out.
        key_file: File that holds the key, or None to look for the key as usual.
    """
    return list(_checks(settings, out, key_file))


def _checks(settings: Settings, out: str | None, key_file: Path | None) -> Iterator[Finding]:
    found: FoundKey | None = None
    try:
        found = find_access_key(settings.base_url, key_file=key_file)
        yield Finding("Key source", "fine", found.source)
    except KlarifyError as error:
        yield _broken("Key source", error)
    yield Finding("Address", "fine", settings.base_url)
    yield _proxy(settings.base_url)
    yield _tls(settings.base_url)
    if found is None:
        yield Finding("Service", "look", "not asked, since there is no key")
    else:
        yield from _service(settings, found)
    yield _guarded("Store", lambda: _store(settings))
    if out is not None:
        yield _guarded("Workbook", lambda: _target(out))


def _broken(subject: str, error: KlarifyError) -> Finding:
    return Finding(subject, "broken", str(error), error.hint, error)


def _guarded(subject: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except KlarifyError as error:
        return _broken(subject, error)


def _proxy(base_url: str) -> Finding:
    parts = urlsplit(base_url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy:
        return Finding("Proxy", "fine", "none")
    try:
        shown = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        # Without a login that may stand in it.
        name = f"{shown.hostname}:{shown.port}" if shown.port else str(shown.hostname)
    except ValueError:
        error = ConfigurationError(
            f"{parts.scheme.upper()}_PROXY is not an address that can be read.",
            hint="It looks like http://proxy.example:3128; in a login, percent-encode / # ? and @.",
        )
        return _broken("Proxy", error)
    # As the client does: plain http is for this machine itself, and goes through no proxy.
    if parts.scheme == "http" or urllib.request.proxy_bypass(parts.hostname or ""):
        return Finding("Proxy", "fine", f"{name}, not used for {parts.hostname}")
    return Finding("Proxy", "fine", name)


def _tls(base_url: str) -> Finding:
    if urlsplit(base_url).scheme == "http":
        return Finding("TLS", "fine", "not used: the address is this machine itself")
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if bundle and not os.path.exists(bundle):  # noqa: PTH110 -- a file or a folder
        error = ConfigurationError(
            f"REQUESTS_CA_BUNDLE names {bundle}, which does not exist.",
            hint="Correct it, or remove it from the environment.",
        )
        return _broken("TLS", error)
    addition = f", and {bundle}" if bundle else ""
    return Finding("TLS", "fine", f"verified with the operating system's certificates{addition}")


def _service(settings: Settings, found: FoundKey) -> Iterator[Finding]:
    patient = min(_PATIENCE, settings.deadline)
    try:
        with Client(found.key, settings=replace(settings, deadline=patient)) as client:
            page = client.page(Query(page_size=1, sort="updated_at,desc"))
    except KlarifyError as error:
        subject = "Key" if isinstance(error, KeyRefusedError) else "Service"
        yield _broken(subject, error)
        return
    yield Finding("Service", "fine", f"accepts the key and counts {page.total_count} procedures")
    yield _clock(page)


def _clock(page: Page) -> Finding:
    if page.server_time is None:
        return Finding("Clock", "look", "not compared: the service sends no time")
    ahead = (datetime.now(UTC) - page.server_time).total_seconds()
    if abs(ahead) <= CLOCK_TOLERANCE:
        return Finding("Clock", "fine", f"within {CLOCK_TOLERANCE / 60:.0f} minutes of the service")
    direction = "ahead of" if ahead > 0 else "behind"
    return Finding(
        "Clock",
        "look",
        f"{abs(ahead) / 60:.0f} minutes {direction} the service",
        "Set this machine's clock; refreshes work meanwhile, but show wrong ages.",
    )


def _store(settings: Settings) -> Finding:
    path = settings.store
    if not path.exists():
        return Finding("Store", "fine", f"{path}, made at the first refresh")
    with Store(path) as store, store.exclusive():
        log = store.refreshes()
        count = len(store.listed_ids())
    last = f"last refresh {log[-1].finished_at:%Y-%m-%d %H:%M} UTC" if log else "no refresh yet"
    if log and log[-1].outcome == "failed":
        return Finding(
            "Store", "look", f"{path}, {count} procedures; the {last} failed", log[-1].error or ""
        )
    return Finding("Store", "fine", f"{path}, {count} procedures, {last}")


def _target(out: str) -> Finding:
    with open_destination(out) as place:
        target = Target(place.path)
        target.check()
        state = "will be updated" if target.marks() else "will be made"
        return Finding("Workbook", "fine", f"{place.shown} {state}")
