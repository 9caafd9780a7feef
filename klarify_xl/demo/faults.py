"""Faults that the demo server can be told to commit, each for certain requests."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from klarify_xl.demo.organisation import Organisation

Kind = Literal[
    "reply", "raw", "slow", "drip", "drip headers", "endless", "cut", "reset", "edit", "mutate"
]


@dataclass
class Fault:
    """One fault, and which requests it befalls.

    Made by the class methods below; the matching can be narrowed by `on`.

    Attributes:
        kind: What happens.
        status: HTTP status of a scripted reply.
        headers: Headers of a scripted reply.
        body: Body of a scripted reply, or all bytes of a raw one.
        seconds: Delay, or time per byte of a drip.
        size: Bytes sent before the connection is cut.
        edit: Changes the JSON document of a regular reply.
        mutate: Changes the organisation; then the request is answered as usual.
        page: Only requests for this page.
        walk: True for walks in order of creation only, False for others only.
        after: Matching requests to leave alone first.
        times: How often it happens; None for ever.
    """

    kind: Kind
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    size: int = 0
    edit: Callable[[dict[str, Any]], Any] | None = None
    mutate: Callable[[Organisation], object] | None = None
    page: int | None = None
    walk: bool | None = None
    after: int = 0
    times: int | None = 1

    def on(
        self,
        *,
        page: int | None = None,
        walk: bool | None = None,
        after: int = 0,
        times: int | None = 1,
    ) -> "Fault":
        """Narrow or widen the requests that it befalls, and return it."""
        self.page, self.walk, self.after, self.times = page, walk, after, times
        return self

    @classmethod
    def reply(
        cls,
        status: int,
        body: bytes | str | dict[str, Any] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> "Fault":
        """Answer with a status, headers and a body (JSON for a dict)."""
        if isinstance(body, dict):
            body = json.dumps(body)
        data = body.encode() if isinstance(body, str) else body
        return cls("reply", status=status, body=data, headers=headers or {})

    @classmethod
    def raw(cls, data: bytes) -> "Fault":
        """Send bytes just as they are instead of an HTTP reply, and close the connection."""
        return cls("raw", body=data)

    @classmethod
    def redirect(cls, location: str, status: int = 302) -> "Fault":
        """Send the client elsewhere; ``{query}`` in the location echoes the query string."""
        return cls("reply", status=status, headers={"Location": location})

    @classmethod
    def slow(cls, seconds: float) -> "Fault":
        """Wait before answering as usual."""
        return cls("slow", seconds=seconds)

    @classmethod
    def drip(cls, seconds_per_byte: float, *, headers: bool = False) -> "Fault":
        """Send the reply (or its header) byte by byte."""
        return cls("drip headers" if headers else "drip", seconds=seconds_per_byte)

    @classmethod
    def endless(cls) -> "Fault":
        """Send a body that never ends."""
        return cls("endless")

    @classmethod
    def cut(cls, size: int) -> "Fault":
        """Close the connection after some bytes of the promised body."""
        return cls("cut", size=size)

    @classmethod
    def reset(cls) -> "Fault":
        """Reset the connection instead of answering."""
        return cls("reset")

    @classmethod
    def edited(cls, edit: Callable[[dict[str, Any]], Any]) -> "Fault":
        """Answer as usual, with the JSON document changed."""
        return cls("edit", edit=edit)

    @classmethod
    def mutation(cls, mutate: Callable[[Organisation], object]) -> "Fault":
        """Change the organisation just before a request is answered as usual."""
        return cls("mutate", mutate=mutate)


class FaultScript:
    """The faults still to come; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Script faults, in addition to those still to come."""
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def next_for(self, page: int | None, *, walk: bool) -> Fault | None:
        """Return the fault that befalls a request now, if any, counting it."""
        with self._lock:
            for fault in self._faults:
                if fault.page not in (None, page) or fault.walk not in (None, walk):
                    continue
                if fault.times == 0:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
