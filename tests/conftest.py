"""What the tests share: a server, fast settings, and a store."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from klarify_xl.client import Client
from klarify_xl.demo import Behaviour, DemoServer, Organisation
from klarify_xl.settings import Settings
from klarify_xl.store import Store
from klarify_xl.template import workbook_template

from .validator import installed_validator

pytest.register_assert_rewrite(f"{__package__}.live")

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

MakeServer = Callable[..., DemoServer]
MakeClient = Callable[..., Client]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's own key, store, proxies and .env away from the tests."""
    for name in (
        "KLARIFY_API_KEY",
        "KLARIFY_BASE_URL",
        "KLARIFY_STORE",
        "KLARIFY_AWS_SECRET_ID",
        "KLARIFY_WEBHOOK",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _cheap_key_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare each refresh the time that makes guessing keys expensive."""
    monkeypatch.setattr("klarify_xl.secret._MARK_ROUNDS", 10)


@pytest.fixture
def make_server() -> Iterator[MakeServer]:
    """Start servers of sample organisations, and stop them after the test."""
    running: list[DemoServer] = []

    def make(
        procedures: int = 250, *, behaviour: Behaviour | None = None, **options: Any
    ) -> DemoServer:
        organisation = Organisation(procedures=procedures, seed=7, now=NOW)
        server = DemoServer(organisation, behaviour=behaviour, **options)
        server.start()
        running.append(server)
        return server

    yield make
    for server in running:
        server.stop()


@pytest.fixture
def server(make_server: MakeServer) -> DemoServer:
    """A server of 250 procedures, which are three pages."""
    return make_server()


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Make clients that retry without waiting, and close them after the test."""
    opened: list[Client] = []

    def make(server: DemoServer, *, key: str | None = None, **options: Any) -> Client:
        settings = replace(
            Settings(base_url=server.url, connect_timeout=2, read_timeout=2, deadline=30),
            **{name: options.pop(name) for name in list(options) if hasattr(Settings, name)},
        )
        options.setdefault("sleep", lambda _seconds: None)
        client = Client(key or server.access_key, settings=settings, **options)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store(tmp_path / "klarify.db") as opened:
        yield opened


@pytest.fixture(scope="session")
def validator() -> Path:
    """The Open XML SDK's validator."""
    return installed_validator()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The workbook that people start from in Excel, as a file of their own."""
    file = tmp_path / "klarify.xlsm"
    file.write_bytes(workbook_template().read_bytes())
    return file


Know = Callable[[DemoServer], None]


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch) -> Know:
    """Let a person's settings lead to a server."""

    def set_up(server: DemoServer) -> None:
        monkeypatch.setenv("KLARIFY_BASE_URL", server.url)
        monkeypatch.setenv("KLARIFY_API_KEY", server.access_key)

    return set_up


@pytest.fixture
def known(make_server: MakeServer, know: Know) -> DemoServer:
    """A server of 60 procedures, to which a person's settings lead."""
    server = make_server(60)
    know(server)
    return server
