"""Many demo organisations at one address, told apart by their keys, as at Klarify's own."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.demo.server import _Handler, _HttpServer

from .workbooks import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "s3cr3tkey"
"""How all keys begin, to be looked for."""


class FleetServer:
    """Serves organisations on loopback; a context manager.

    Attributes:
        demos: The organisations' servers by name, to script faults for and read requests from;
            they don't listen themselves.
        most_in_flight: How many requests were answered at the same time at most.
        on_request: Told the name of the organisation and the client's port at each request.
    """

    def __init__(self, *, latency: float = 0.0, port: int = 0) -> None:
        self.demos: dict[str, DemoServer] = {}
        self.latency = latency
        self.most_in_flight = 0
        self.on_request: Callable[[str, int], None] = lambda _name, _port: None
        self._in_flight = 0
        self._lock = threading.Lock()
        self._by_key: dict[str, tuple[str, DemoServer]] = {}
        self._stranger = self._silent(Organisation(procedures=1), "the key of nobody")
        self._http = _FleetHttpServer(("127.0.0.1", port), _FleetHandler)
        self._http.fleet = self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def _silent(self, organisation: Organisation, key: str) -> DemoServer:
        demo = DemoServer(organisation, access_key=key, latency=self.latency)
        demo._http.server_close()
        return demo

    def add(self, name: str, procedures: int, *, key: str = "", seed: int = 1) -> DemoServer:
        """Add an organisation; its key begins with `SECRET` unless another one is given."""
        key = key or f"{SECRET} {name}/+&=ü%"
        organisation = Organisation(procedures=procedures, seed=seed, now=NOW)
        demo = self._silent(organisation, key)
        self.demos[name] = demo
        self._by_key[key] = (name, demo)
        return demo

    def demo_of(self, key: str) -> tuple[str, DemoServer]:
        return self._by_key.get(key, ("", self._stranger))

    def enter(self) -> None:
        with self._lock:
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)

    def leave(self) -> None:
        with self._lock:
            self._in_flight -= 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        for demo in self.demos.values():
            demo.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _FleetHttpServer(_HttpServer):
    fleet: FleetServer


class _FleetHandler(_Handler):
    server: Any

    def do_GET(self) -> None:  # noqa: N802 -- http.server asks so
        fleet: FleetServer = self.server.fleet
        keys = parse_qs(urlsplit(self.path).query, keep_blank_values=True).get("access_key", [""])
        name, demo = fleet.demo_of(keys[-1])
        # All that a handler asks of its server is whose organisation it is.
        self.server = SimpleNamespace(demo=demo, fleet=fleet)
        fleet.on_request(name, self.client_address[1])
        fleet.enter()
        try:
            super().do_GET()
        finally:
            fleet.leave()
