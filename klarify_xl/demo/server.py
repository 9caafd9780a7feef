"""An HTTP server that is honest to the documented Integration API, or faulty on demand."""

import contextlib
import hmac
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qs, urlsplit

from klarify_xl.demo.faults import Fault, FaultScript
from klarify_xl.demo.organisation import Organisation, Row

PATH: Final = "/api/procedures"

MISSING_KEY: Final = {
    "error": "missing required access_key",
    "message": "The access_key parameter is required for API authentication",
}
INVALID_KEY: Final = {
    "error": "invalid access_key",
    "message": "The provided access key does not exist or has been disabled",
}

_STATUS_ORDER: Final = {"published": 2, "draft": 1, "archived": 0}


@dataclass(frozen=True)
class Behaviour:
    """How the server acts where the documentation leaves it open.

    Attributes:
        after_inclusive: ``last_updated_at`` includes the given moment.
        total_is_filtered: ``totalCount`` counts what the filter lets through.
        past_end: What a page behind the last one gets.
        page_size_cap: Largest page size, kept to silently.
        cap_moves_offsets: Whether page p begins at p times the cap, or times the size asked for.
        hidden_statuses: Statuses that are not listed.
        hidden_counted: Whether ``totalCount`` counts them all the same.
        null_for_empty: Empty fields are null.
        omit_empty: Empty fields are absent.
        fractional_stamps: Stamps carry fractions of a second.
    """

    after_inclusive: bool = False
    total_is_filtered: bool = True
    past_end: Literal["empty", "error", "fault", "last"] = "empty"
    page_size_cap: int | None = None
    cap_moves_offsets: bool = True
    hidden_statuses: frozenset[str] = frozenset()
    hidden_counted: bool = False
    null_for_empty: bool = False
    omit_empty: bool = False
    fractional_stamps: bool = False


@dataclass(frozen=True)
class Request:
    """A request that arrived; the access key is left out."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    key_accepted: bool
    at: float


class _RefusedError(Exception):
    """A request that gets an error document."""

    def __init__(self, status: int, document: dict[str, str]) -> None:
        super().__init__(status)
        self.status, self.document = status, document


class DemoServer:
    """Serves an organisation on loopback; a context manager.

    Args:
        organisation: What to serve.
        access_key: The key that is accepted.
        host: Address to listen at.
        port: Port to listen at; 0 for any free one.
        latency: Seconds that each reply takes at least.
        behaviour: What to do where the documentation leaves it open.
        tls: Context for https.
    """

    def __init__(
        self,
        organisation: Organisation,
        *,
        access_key: str = "demo key/+&=ü%",
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        behaviour: Behaviour | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.organisation = organisation
        self.access_key = access_key
        self.latency = latency
        self.behaviour = behaviour or Behaviour()
        self.faults = FaultScript()
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._sorted: dict[str, tuple[int, list[Row]]] = {}
        self._http = _HttpServer((host, port), _Handler)
        self._http.demo = self
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{host}:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def script(self, *faults: Fault) -> None:
        """Script faults for the requests to come."""
        self.faults.add(*faults)

    def start(self) -> None:
        """Begin to serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and end replies that still go on."""
        self.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def wait(self) -> None:
        """Wait until the server is stopped, interruptibly."""
        while not self.stopping.wait(0.5):
            pass

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def answer(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the document for a query with an accepted key."""
        page, size = _number(query, "page", 0, 0), _number(query, "pageSize", 100, 1)
        rows = self._in_order(query.get("sort", "created_at,asc"))
        counted = len(rows)
        visible = [row for row in rows if row["status"] not in self.behaviour.hidden_statuses]
        if not self.behaviour.hidden_counted:
            counted = len(visible)
        listed = self._filtered(visible, query.get("last_updated_at"))
        if self.behaviour.total_is_filtered and "last_updated_at" in query:
            counted = len(listed)
        cap = min(size, self.behaviour.page_size_cap or size)
        step = cap if self.behaviour.cap_moves_offsets else size
        start = page * step
        if start >= len(listed) and page > 0:
            if self.behaviour.past_end == "error":
                raise _RefusedError(400, {"error": "page out of range"})
            if self.behaviour.past_end == "fault":
                raise _RefusedError(500, {"error": "internal error"})
            if self.behaviour.past_end == "last":
                start = max(0, len(listed) - 1) // step * step
        return {
            "data": [self._shown(row) for row in listed[start : start + cap]],
            "hasNext": start + step < len(listed),
            "totalCount": counted,
        }

    def _in_order(self, sort: str) -> list[Row]:
        name, _, direction = sort.partition(",")
        if name not in {"updated_at", "name", "created_at", "status"} or direction not in {
            "asc",
            "desc",
        }:
            raise _RefusedError(400, {"error": "invalid sort"})
        with self.organisation.lock:
            version, rows = self._sorted.get(sort, (-1, []))
            if version != self.organisation.version:
                rows = self.organisation.rows
                if name != "created_at":
                    rows.sort(key=lambda row: _rank(row, name), reverse=direction == "desc")
                elif direction == "desc":
                    rows.reverse()
                self._sorted[sort] = (self.organisation.version, rows)
            return rows

    def _filtered(self, rows: list[Row], after: str | None) -> list[Row]:
        if after is None:
            return rows
        try:
            moment = datetime.strptime(after, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise _RefusedError(400, {"error": "invalid last_updated_at"}) from None
        least = f"{moment:%Y-%m-%dT%H:%M:%S}"
        if self.behaviour.after_inclusive:
            return [row for row in rows if str(row["updated_at"])[:19] >= least]
        return [row for row in rows if str(row["updated_at"])[:19] > least]

    def _shown(self, row: Row) -> Row:
        if self.behaviour.omit_empty:
            row = {name: value for name, value in row.items() if value not in ("", [])}
        elif self.behaviour.null_for_empty:
            row = {name: None if value in ("", []) else value for name, value in row.items()}
        if self.behaviour.fractional_stamps:
            row = {**row, "updated_at": str(row["updated_at"]).replace("Z", ".250Z")}
        return row


def _number(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name, str(default))
    if not _is_number(text) or int(text) < least:
        raise _RefusedError(400, {"error": f"invalid {name}"})
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _rank(row: Row, name: str) -> Any:  # noqa: ANN401
    value = row.get(name)
    return _STATUS_ORDER.get(str(value), -1) if name == "status" else str(value)


@dataclass(frozen=True)
class _Arrived:
    """What a request asked for."""

    path: str
    key: str | None
    accepted: bool
    query: Mapping[str, str]
    raw_query: str


def _admit(arrived: _Arrived) -> None:
    """Refuse what the API refuses, as it does (API reference, "Error Handling")."""
    if arrived.path != PATH:
        raise _RefusedError(404, {"error": "not found"})
    if not arrived.key:
        raise _RefusedError(500, MISSING_KEY)
    if not arrived.accepted:
        raise _RefusedError(404, INVALID_KEY)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    demo: DemoServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet when a client goes away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer
    disable_nagle_algorithm = True
    # With a buffer, header and body of a reply leave in one piece.
    wbufsize = -1

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time for the Date header, which no stamp of the organisation is ahead of."""
        now = self.server.demo.organisation.now.timestamp()
        return super().date_time_string(max(now, timestamp or time.time()))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay quiet."""

    def do_GET(self) -> None:
        """Answer a request, or commit the fault that is scripted for it."""
        demo = self.server.demo
        parts = urlsplit(self.path)
        query = {
            name: texts[-1] for name, texts in parse_qs(parts.query, keep_blank_values=True).items()
        }
        key = query.pop("access_key", None)
        accepted = key is not None and hmac.compare_digest(key.encode(), demo.access_key.encode())
        headers = dict(self.headers.items())
        demo.requests.append(Request(parts.path, query, headers, accepted, time.monotonic()))
        page = query.get("page", "0")
        is_walk = query.get("sort", "").startswith("created_at")
        fault = demo.faults.next_for(int(page) if _is_number(page) else None, walk=is_walk)
        arrived = _Arrived(parts.path, key, accepted, query, parts.query)
        due = time.monotonic() + demo.latency
        # Made within the time that it takes, so that many at once take no longer than one.
        regular = self._regular(arrived) if fault is None else None
        demo.stopping.wait(max(0.0, due - time.monotonic()))
        if regular is not None:
            self._send(*regular)
        elif fault is not None:
            self._commit(fault, arrived)

    def refuse_method(self) -> None:
        """Answer anything but GET: the API only reads."""
        self.close_connection = True
        self._send(405, json.dumps({"error": "method not allowed"}).encode(), {"Allow": "GET"})

    do_POST = do_PUT = do_PATCH = do_DELETE = refuse_method  # noqa: N815 -- http.server asks so

    def _commit(self, fault: Fault, arrived: _Arrived) -> None:
        demo = self.server.demo
        if fault.kind == "reply":
            headers = {n: v.replace("{query}", arrived.raw_query) for n, v in fault.headers.items()}
            self._send(fault.status, fault.body, headers)
        elif fault.kind in {"raw", "reset", "endless"}:
            self._break_off(fault)
        else:
            if fault.kind == "mutate" and fault.mutate:
                fault.mutate(demo.organisation)
            if fault.kind == "slow":
                demo.stopping.wait(fault.seconds)
            status, body = self._regular(arrived)
            if fault.kind == "edit" and fault.edit:
                body = json.dumps(fault.edit(json.loads(body))).encode()
            if fault.kind == "cut":
                self._cut(status, body, fault.size)
            elif fault.kind.startswith("drip"):
                self._drip(status, body, fault.seconds, headers=fault.kind == "drip headers")
            else:
                self._send(status, body)

    def _break_off(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.kind == "raw":
            self._write_now(fault.body)
        elif fault.kind == "reset":
            self._reset()
        else:
            self._endless()

    def _regular(self, arrived: _Arrived) -> tuple[int, bytes]:
        try:
            _admit(arrived)
            return 200, json.dumps(self.server.demo.answer(arrived.query)).encode()
        except _RefusedError as refused:
            return refused.status, json.dumps(refused.document).encode()

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        headers = headers or {}
        if "Date" in headers:
            self.send_response_only(status)
        else:
            self.send_response(status)
        if not any(name.lower() == "content-type" for name in headers):
            self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _cut(self, status: int, body: bytes, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:size])
        self.close_connection = True

    def _drip(self, status: int, body: bytes, seconds: float, *, headers: bool) -> None:
        head = (
            f"HTTP/1.1 {status} Slowly\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        if not headers:
            self._write_now(head)
        for position in range(len(head + body) if headers else len(body)):
            if self.server.demo.stopping.wait(seconds):
                break
            self._write_now((head + body if headers else body)[position : position + 1])
        self.close_connection = True

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.demo.stopping.is_set():
                self._write_now(b" " * 65536)

    def _write_now(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def _reset(self) -> None:
        # Lingering for no time makes the system send a reset instead of a regular end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
