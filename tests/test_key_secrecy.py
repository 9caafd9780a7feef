"""Traps C24 to C26: the access key goes to the API, in the query string, and nowhere else."""

import contextlib
import copy
import json
import logging
import pickle
import re
import socket
import ssl
import threading
import traceback
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import pytest
import trustme
import typer

import klarify_xl
from klarify_xl.cli import app
from klarify_xl.client import Client
from klarify_xl.demo import DemoServer, Fault
from klarify_xl.errors import (
    ConfigurationError,
    KlarifyError,
    NetworkError,
    ReplyError,
    WrongAddressError,
)
from klarify_xl.secret import AccessKey
from klarify_xl.settings import Settings, find_access_key
from klarify_xl.store import Store
from klarify_xl.sync import sync

MakeServer = Callable[..., DemoServer]
MakeClient = Callable[..., Client]

PACKAGE = Path(str(klarify_xl.__file__)).parent
KEY = "a/+&=ü% b"
KEYS = pytest.mark.parametrize(
    "key",
    [KEY, "0123456789abcdef0123456789abcd", "per%20cent%2Fed", "日本語の鍵", "#?;,'\"<>\\{}|^`"],
)


def spellings(key: str) -> set[str]:
    """Return the forms in which a key could show itself."""
    once = {quote(key, safe=""), quote(key), quote_plus(key), quote(key, safe="/+&=")}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), text) for text in once}
    twice = {quote(text, safe="") for text in once}
    written = {repr(key)[1:-1], json.dumps(key)[1:-1], ascii(key)[1:-1]}
    return {key} | once | lower | twice | written


def assert_secret(text: str, key: str) -> None:
    found = [one for one in spellings(key) if one in text]
    assert not found, f"{found} in {text}"


def everything_about(error: BaseException) -> str:
    """Return all that a log, a debugger's report or an error tracker could show of an error."""
    parts: list[str] = []
    pending: list[BaseException] = [error]
    while pending:
        one = pending.pop()
        parts += [str(one), repr(one), repr(one.args), repr(vars(one))]
        pending += [other for other in (one.__cause__, one.__context__) if other is not None]
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The test's own frames know the key, of course.
    for frame in report.stack:
        if Path(frame.filename).is_relative_to(PACKAGE):
            parts += [str(frame.line), repr(frame.locals)]
    return "\n".join([*parts, *traceback.format_exception(error)])


FAULTS: dict[str, Callable[[], Fault]] = {
    "reset": Fault.reset,
    "cut": lambda: Fault.cut(100),
    "no HTTP": lambda: Fault.raw(b"nonsense\r\n\r\n"),
    "closed": lambda: Fault.raw(b""),
    "cut chunk": lambda: Fault.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"),
    "damaged gzip": lambda: Fault.reply(200, b"{}", {"Content-Encoding": "gzip"}),
    "server fault": lambda: Fault.reply(500),
    "too many requests": lambda: Fault.reply(429, headers={"Retry-After": "1"}),
    "other refusal": lambda: Fault.reply(400),
    "other 404": lambda: Fault.reply(404),
    "web page": lambda: Fault.reply(200, "<html>"),
    "broken contract": lambda: Fault.reply(200, "[]"),
    "redirect": lambda: Fault.redirect("/elsewhere?{query}"),
    "redirect to nowhere": lambda: Fault.redirect("http://[::bad?{query}"),
    "silence": lambda: Fault.slow(20),
    "drip": lambda: Fault.drip(0.05),
    "header drip": lambda: Fault.drip(0.05, headers=True),
    "endless": Fault.endless,
}


# What goes wrong does not show it (C24)


@KEYS
@pytest.mark.parametrize("fault", FAULTS)
def test_no_failure_shows_the_key(
    make_server: MakeServer,
    make_client: MakeClient,
    caplog: pytest.LogCaptureFixture,
    key: str,
    fault: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = make_server(5, access_key=key)
    server.script(FAULTS[fault]().on(times=None))
    client = make_client(
        server, read_timeout=0.1, deadline=0.4 if fault == "header drip" else 5, largest_reply=2**20
    )

    with pytest.raises(KlarifyError) as caught:
        client.page()

    assert_secret(everything_about(caught.value) + caught.value.hint, key)
    assert_secret(caplog.text, key)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@KEYS
def test_a_body_that_drips_past_the_deadline_does_not_show_the_key(
    make_server: MakeServer, make_client: MakeClient, key: str
) -> None:
    # The deadline may be noticed by the thread that reads, whose frames know the URL.
    server = make_server(5, access_key=key)
    server.script(Fault.drip(0.02).on(times=None))
    client = make_client(server, read_timeout=5, deadline=0.3)

    with pytest.raises(KlarifyError) as caught:
        client.submit(klarify_xl.client.Query(), client.deadline_at()).result()

    assert_secret(everything_about(caught.value), key)


@KEYS
def test_a_refused_key_is_not_shown(server: DemoServer, make_client: MakeClient, key: str) -> None:
    with pytest.raises(klarify_xl.KlarifyError) as caught:
        make_client(server, key=key).page()

    assert_secret(everything_about(caught.value) + caught.value.hint, key)


@KEYS
def test_a_surprise_inside_the_libraries_does_not_show_the_key(
    server: DemoServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def fail(url: str, **_options: object) -> None:
        raise RuntimeError(f"what is {url}?")

    client = make_client(server, key=key)
    monkeypatch.setattr(client._session, "get", fail)

    with pytest.raises(ReplyError, match="Unexpected RuntimeError") as caught:
        client.page()

    assert_secret(everything_about(caught.value), key)


@KEYS
def test_debug_logs_of_the_http_libraries_show_requests_without_the_key(
    make_server: MakeServer, make_client: MakeClient, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    caplog.set_level(logging.DEBUG)
    server = make_server(5, access_key=key)
    # urllib3 warns of such a header, with the URL and a traceback.
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nbad header line\r\n\r\n{}"
    server.script(Fault.raw(head))
    client = make_client(server)
    with contextlib.suppress(KlarifyError):
        client.page()
    client.page()

    logged = [record for record in caplog.records if record.name.startswith("urllib3")]
    assert any("access_key=***" in record.getMessage() for record in logged)
    assert any("Failed to parse headers" in record.getMessage() for record in logged)
    assert_secret(caplog.text, key)


@KEYS
@pytest.mark.parametrize("spelled", range(4))
def test_redaction_finds_every_spelling(key: str, spelled: int) -> None:
    for spelling in sorted(spellings(key)):
        text = (f"GET /?x={spelling}&y", f"[{spelling}]", f"{spelling}{spelling}", spelling)[
            spelled
        ]
        redacted = AccessKey(key).redact(text)
        assert "***" in redacted
        assert_secret(redacted, key)


def test_redaction_leaves_other_text_alone() -> None:
    text = "GET /api/procedures?page=1&pageSize=100 HTTP/1.1"

    assert AccessKey(KEY).redact(text) == text


def test_whatever_stands_as_an_access_key_is_redacted() -> None:
    text = AccessKey("another").redact("/p?ACCESS_KEY=first&page=1 access_key%3Dsecond, end")

    assert text == "/p?ACCESS_KEY=***&page=1 access_key%3D*** end"


def test_the_log_redaction_ends_with_the_client(server: DemoServer) -> None:
    loggers = [logging.getLogger(name) for name in ("urllib3", "urllib3.connectionpool")]
    before = [list(logger.filters) for logger in loggers]
    with Client(server.access_key, server.url):
        assert all(logger.filters for logger in loggers)

    assert [logger.filters for logger in loggers] == before


# Where it travels (C25)


def test_the_key_travels_percent_encoded_in_the_query_and_nowhere_else(
    make_server: MakeServer, make_client: MakeClient
) -> None:
    server = make_server(5, access_key=KEY)
    make_client(server).page()

    (request,) = server.requests
    assert request.key_accepted
    assert_secret(repr(request.headers) + request.path + repr(request.query), KEY)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
def test_a_redirect_is_never_followed(
    make_server: MakeServer, make_client: MakeClient, status: int
) -> None:
    server, other = make_server(5), make_server(5)
    server.script(Fault.redirect(f"{other.url}/api/procedures?{{query}}", status).on(times=None))

    with pytest.raises(WrongAddressError, match="redirects elsewhere"):
        make_client(server).page()

    assert len(server.requests) == 1
    assert other.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "http://integration.klarify.biz",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        f"https://integration.klarify.biz/?access_key={quote(KEY)}",
        f"https://user:{quote(KEY, safe='')}@integration.klarify.biz",
        "https://integration.klarify.biz/#x",
    ],
)
def test_an_address_that_could_give_the_key_away_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client(KEY, address)

    assert_secret(f"{caught.value!r} {caught.value.hint}", KEY)
    assert caught.value.__cause__ is None


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that no system trusts."""
    return trustme.CA()


@pytest.fixture
def make_tls_server(make_server: MakeServer, authority: trustme.CA) -> MakeServer:
    """Start servers that speak TLS."""

    def make(name: str = "127.0.0.1") -> DemoServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return make_server(5, access_key=KEY, tls=context)

    return make


@pytest.fixture
def trust(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the authority in the environment."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))


def test_an_untrusted_certificate_is_refused_before_the_key_is_sent(
    make_tls_server: MakeServer, make_client: MakeClient
) -> None:
    server = make_tls_server()
    client = make_client(server)

    with pytest.raises(NetworkError, match=r"certificate of .* is not trusted: ") as caught:
        client.page()

    assert server.requests == []
    assert client.request_count == 1
    assert_secret(everything_about(caught.value), KEY)


@pytest.mark.usefixtures("trust")
def test_a_bundle_named_in_the_environment_is_trusted(
    make_tls_server: MakeServer, make_client: MakeClient
) -> None:
    assert make_client(make_tls_server()).page().total_count == 5


@pytest.mark.usefixtures("trust")
def test_a_login_in_netrc_is_not_sent(
    make_tls_server: MakeServer,
    make_client: MakeClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(file))
    server = make_tls_server()
    make_client(server).page()

    assert "Authorization" not in server.requests[0].headers


@pytest.mark.usefixtures("trust")
def test_a_certificate_of_another_host_is_refused(
    make_tls_server: MakeServer, make_client: MakeClient
) -> None:
    server = make_tls_server("other.example.com")

    with pytest.raises(NetworkError, match="is not trusted"):
        make_client(server).page()

    assert server.requests == []


@dataclass
class Proxy:
    """A forward proxy that tunnels, or answers every request with one reply."""

    answer: bytes = b""
    heads: list[str] = field(default_factory=list)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._tunnel, args=(connection,), daemon=True).start()

    def _tunnel(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (block := connection.recv(65536)):
                head += block
            self.heads.append(head.decode())
            if self.answer or not head.startswith(b"CONNECT "):
                connection.sendall(self.answer or b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            host, _, port = head.split()[1].decode().partition(":")
            with socket.create_connection((host, int(port))) as other:
                connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=_pump, args=(other, connection), daemon=True)
                back.start()
                _pump(connection, other)
                back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy named in the environment."""
    running = Proxy()
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", running.url)
    monkeypatch.setenv("HTTP_PROXY", running.url)
    monkeypatch.setenv("http_proxy", running.url)
    yield running
    # Closing alone would not wake the thread that accepts.
    with contextlib.suppress(OSError):
        running.listener.shutdown(socket.SHUT_RDWR)
    running.listener.close()
    thread.join(5)


@pytest.mark.usefixtures("trust")
def test_a_proxy_of_the_environment_is_used_and_never_sees_the_key(
    make_tls_server: MakeServer, make_client: MakeClient, proxy: Proxy
) -> None:
    server = make_tls_server()

    assert make_client(server).page().total_count == 5
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT {urlsplit(server.url).netloc} ")
    assert_secret(head, KEY)


def test_plain_http_on_this_machine_goes_past_the_proxy(
    server: DemoServer, make_client: MakeClient, proxy: Proxy
) -> None:
    assert make_client(server).page().total_count == 250
    assert proxy.heads == []


@pytest.mark.parametrize(
    ("answer", "message", "attempts"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy asks for a login", 1),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "The proxy for .* 502 Bad Gateway", 5),
        (b"nonsense\r\n\r\n", "The proxy for |The connection to ", 5),
    ],
)
def test_a_proxy_that_refuses_is_described_without_the_key(
    make_tls_server: MakeServer,
    make_client: MakeClient,
    proxy: Proxy,
    answer: bytes,
    message: str,
    attempts: int,
) -> None:
    proxy.answer = answer
    client = make_client(make_tls_server())

    with pytest.raises(NetworkError, match=message) as caught:
        client.page()

    assert client.request_count == attempts
    assert_secret(everything_about(caught.value), KEY)


def test_a_proxy_that_is_down_is_described_without_key_or_login(
    make_tls_server: MakeServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:proxypassword@127.0.0.1:{port}")

    with pytest.raises(NetworkError, match=r"The proxy for .* Connection refused") as caught:
        make_client(make_tls_server()).page()

    assert_secret(everything_about(caught.value), KEY)
    assert "proxypassword" not in everything_about(caught.value)


@pytest.mark.parametrize("proxy", ["socks9://127.0.0.1:1", "http://[::bad", "http://:::"])
def test_a_nonsensical_proxy_is_a_configuration_error(
    make_tls_server: MakeServer,
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    proxy: str,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    client = make_client(make_tls_server())

    with pytest.raises(ConfigurationError) as caught:
        client.page()

    assert client.request_count == 1
    assert_secret(everything_about(caught.value), KEY)


# Where it is kept (C26)


def test_a_key_never_shows_itself() -> None:
    key = AccessKey(KEY)
    shown = [str(key), repr(key), f"{key}", f"{key:>20}", format(key), f"{[key]} { ({'k': key}) }"]

    assert [text.count("***") for text in shown] == [1, 1, 1, 1, 1, 2]
    assert_secret(" ".join(shown), KEY)
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize(
    "copying",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars],
    ids=lambda one: one.__name__,
)
def test_a_key_is_never_copied_out(copying: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as caught:
        copying(AccessKey(KEY))

    assert_secret(str(caught.value), KEY)


def test_a_client_is_never_pickled_and_never_shows_the_key(server: DemoServer) -> None:
    with Client(KEY, server.url) as client:
        assert_secret(repr(client) + repr(vars(client)) + repr(client.settings), KEY)
        with pytest.raises(TypeError):
            pickle.dumps(client)


def test_errors_are_pickled_without_the_key(server: DemoServer, make_client: MakeClient) -> None:
    with pytest.raises(KlarifyError) as caught:
        make_client(server, key=KEY).page()

    pickled = pickle.dumps(caught.value)
    assert_secret(pickled.decode("latin-1"), KEY)
    assert_secret(pickled.decode("utf-8", "replace"), KEY)
    assert str(pickle.loads(pickled)) == str(caught.value)


@KEYS
def test_no_file_holds_the_key(make_server: MakeServer, tmp_path: Path, key: str) -> None:
    server = make_server(30, access_key=key)
    settings = Settings(base_url=server.url, store=tmp_path / "klarify.db", deadline=5)
    out = tmp_path / "procedures.xlsx"
    klarify_xl.refresh(out, access_key=key, settings=settings)
    server.organisation.evolve()
    klarify_xl.refresh(out, access_key=key, settings=settings)
    server.access_key = "another"
    with pytest.raises(KlarifyError):
        klarify_xl.refresh(out, access_key=key, settings=settings)

    contents: dict[str, bytes] = {}
    for file in (one for one in tmp_path.rglob("*") if one.is_file()):
        contents[file.name] = file.read_bytes()
    with zipfile.ZipFile(out) as workbook:
        contents |= {name: workbook.read(name) for name in workbook.namelist()}
    assert {"klarify.db", "procedures.xlsx", "xl/workbook.xml"} <= contents.keys()
    for name, content in contents.items():
        for spelling in spellings(key):
            assert spelling.encode() not in content, name
            assert spelling.encode("utf-16-le") not in content, name


@KEYS
def test_the_failure_log_of_the_store_does_not_hold_the_key(
    make_server: MakeServer, make_client: MakeClient, store: Store, key: str
) -> None:
    server = make_server(5, access_key=key)
    server.script(Fault.reset().on(times=None))

    with pytest.raises(NetworkError):
        sync(make_client(server), store)

    (line,) = store.refreshes()
    assert line.outcome == "failed"
    assert_secret(repr(line), key)


def test_the_stored_mark_of_a_key_is_too_short_to_test_guesses_against(
    server: DemoServer, make_client: MakeClient, store: Store
) -> None:
    sync(make_client(server), store)
    mark = store.state().key_mark

    assert re.fullmatch("[0-9a-f]{8}", mark)
    assert mark == AccessKey(server.access_key).mark(store.salt())
    assert mark != AccessKey(server.access_key).mark(b"another salt")


def options(command: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every option and argument of a command and those below it."""
    for parameter in command.params:
        for spelling in (*parameter.opts, *parameter.secondary_opts):
            yield name, spelling
    for below, inner in getattr(command, "commands", {}).items():
        yield from options(inner, f"{name} {below}".strip())


def test_no_command_takes_the_key_as_an_argument() -> None:
    command = typer.main.get_command(app)
    found = sorted({spelling for _, spelling in options(command) if "key" in spelling.lower()})
    positional = [one for one in options(command) if not one[1].startswith("-")]

    assert found == ["--key-file"]
    assert positional == [("fleet", "file")]
    assert ("refresh", "--out") in options(command)


@pytest.mark.parametrize("place", ["environment", "file", "argument"])
def test_a_malformed_key_stands_in_no_variable_of_the_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    secret = "first half\nsecond half"
    monkeypatch.setenv("KLARIFY_API_KEY", secret)
    (tmp_path / "key").write_text(secret, encoding="utf-8")
    every: dict[str, dict[str, Any]] = {
        "environment": {},
        "file": {"key_file": tmp_path / "key"},
        "argument": {"explicit": secret},
    }
    options = every[place]
    try:
        find_access_key("https://integration.klarify.biz", **options)
    except ConfigurationError as error:
        told: BaseException | None = error
    else:
        pytest.fail("a key of two lines was accepted")
    while told is not None:
        frame = told.__traceback__.tb_next if told.__traceback__ else None
        while frame is not None:
            assert "second half" not in repr(frame.tb_frame.f_locals)
            frame = frame.tb_next
        told = told.__context__
