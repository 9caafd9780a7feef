"""Output to real servers of files: OpenSSH over SFTP, and Azure's storage as Azurite serves it."""

import base64
import getpass
import io
import os
import socket
import socketserver
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from azure.storage.blob import BlobServiceClient

import klarify_xl
from klarify_xl.demo import DemoServer
from klarify_xl.errors import TargetError, TargetLockedError
from klarify_xl.progress import Progress
from klarify_xl.remote.address import Address
from klarify_xl.remote.folder import RemoteFolder

from .node import AZURITE, installed
from .test_command_line import call
from .workbooks import program, records, unavailable


def write(server: DemoServer, out: str, **options: Any) -> klarify_xl.RefreshResult:
    return klarify_xl.refresh(
        out, access_key=server.access_key, base_url=server.url, store="klarify.db", **options
    )


def add(server: DemoServer, name: str) -> None:
    server.organisation.now += timedelta(hours=1)
    server.organisation.add(name=name)


def noted(workbook: bytes) -> tuple[bytes, Any]:
    """Return a workbook with a person's note in it, and the id of the row that it is beside."""
    opened: Any = openpyxl.load_workbook(io.BytesIO(workbook))
    sheet = opened["Procedures"]
    column = sheet.max_column + 1
    sheet.cell(1, column, "Notes")
    sheet.cell(9, column, "Ask Ann")
    saved = io.BytesIO()
    opened.save(saved)
    return saved.getvalue(), sheet.cell(9, 1).value


def notes(file: Path) -> dict[Any, Any]:
    found = {row["ID"]: row["Notes"] for row in records(file, "Procedures")}
    return {one: note for one, note in found.items() if note}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            pytest.fail("the server has ended")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not listen")


@dataclass(frozen=True)
class SshServer:
    """An SSH server on loopback, as its user knows it.

    Attributes:
        folder: What it serves to this user, and anything else.
        home: The user's home folder, with all that ``ssh`` would need.
        port: Where it listens.
    """

    folder: Path
    home: Path
    port: int

    @property
    def url(self) -> str:
        return f"sftp://files{self.folder}/klarify.xlsx"

    @property
    def file(self) -> Path:
        return self.folder / "klarify.xlsx"

    @property
    def known_hosts(self) -> Path:
        return self.home / ".ssh" / "known_hosts"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """OpenSSH's own server: a folder with its keys and the user's, and its port."""
    server = Path("/usr/sbin/sshd")
    if not server.exists():
        unavailable("sshd is not installed")
    keygen = program("ssh-keygen")
    base = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user"):
        command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(base / name)]
        subprocess.run(command, check=True)
    (base / "authorized_keys").write_bytes((base / "user.pub").read_bytes())
    port = free_port()
    (base / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {base}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {base}/authorized_keys\nStrictModes no\n"
        "PasswordAuthentication no\nSubsystem sftp internal-sftp\n",
        encoding="utf-8",
    )
    if os.geteuid() == 0:
        # OpenSSH's own folder for what must not have rights; a package makes it at start only.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = [str(server), "-D", "-f", str(base / "config"), "-E", str(base / "log")]
    process = subprocess.Popen(command)
    await_port(port, process)
    yield base, port
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def ssh(sshd: tuple[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SshServer:
    """The server, with a home folder from which ``ssh files`` would reach it."""
    base, port = sshd
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    key = home / ".ssh" / "key"
    key.write_bytes((base / "user").read_bytes())
    key.chmod(0o600)
    (home / ".ssh" / "config").write_text(
        f"Host files\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n"
        f"  IdentityFile {key}\n",
        encoding="utf-8",
    )
    host = " ".join((base / "host.pub").read_text(encoding="utf-8").split()[:2])
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {host}\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    folder = tmp_path / "shared folder"
    folder.mkdir()
    return SshServer(folder, home, port)


def names(server: SshServer) -> set[str]:
    return {file.name for file in server.folder.iterdir()}


def test_sftp_is_as_a_file_here(server: DemoServer, ssh: SshServer) -> None:
    assert write(server, ssh.url).outcome == "written"
    content, thing = noted(ssh.file.read_bytes())
    ssh.file.write_bytes(content)
    ssh.file.chmod(0o660)
    for name in ("AAA 1", "AAA 2"):
        add(server, name)
        result = write(server, ssh.url, backup=True)
        assert (result.outcome, result.out) == ("written", ssh.url)
    assert notes(ssh.file) == {thing: "Ask Ann"}
    assert len(records(ssh.file, "Procedures")) == 252
    assert stat.S_IMODE(ssh.file.stat().st_mode) == 0o660
    before = ssh.file.stat().st_ino, ssh.file.stat().st_mtime_ns
    assert write(server, ssh.url).outcome == "unchanged"
    assert (ssh.file.stat().st_ino, ssh.file.stat().st_mtime_ns) == before
    assert names(ssh) == {"klarify.xlsx", "klarify.previous.xlsx"}


def test_sftp_notices_a_change_meanwhile(server: DemoServer, ssh: SshServer) -> None:
    write(server, ssh.url)
    add(server, "New")

    def somebody_saves(progress: Progress) -> None:
        if progress.stage == "Writing rows":
            ssh.file.write_bytes(b"theirs")

    with pytest.raises(TargetLockedError, match="changed meanwhile, and nothing was written"):
        write(server, ssh.url, on_progress=somebody_saves)
    assert ssh.file.read_bytes() == b"theirs"
    assert names(ssh) == {"klarify.xlsx"}


def test_sftp_leaves_a_workbook_alone_that_somebody_has_open(
    server: DemoServer, ssh: SshServer
) -> None:
    write(server, ssh.url)
    add(server, "New")
    (ssh.folder / "~$klarify.xlsx").touch()
    before = ssh.file.read_bytes()
    with pytest.raises(TargetLockedError, match="is open in another program") as caught:
        write(server, ssh.url)
    assert ssh.url in str(caught.value)
    assert ssh.file.read_bytes() == before


def test_sftp_follows_a_link(server: DemoServer, ssh: SshServer) -> None:
    write(server, ssh.url)
    real = ssh.folder / "real.xlsx"
    ssh.file.rename(real)
    ssh.file.symlink_to(real)
    before = real.read_bytes()
    add(server, "New")
    write(server, ssh.url)
    assert ssh.file.is_symlink()
    assert real.read_bytes() != before


def test_sftp_keeps_what_is_overwritten(server: DemoServer, ssh: SshServer) -> None:
    (ssh.folder / "klarify.before.xlsx").write_bytes(b"kept earlier")
    theirs = io.BytesIO()
    openpyxl.Workbook().save(theirs)
    ssh.file.write_bytes(theirs.getvalue())
    with pytest.raises(TargetLockedError):
        write(server, ssh.url)
    write(server, ssh.url, overwrite=True)
    assert (ssh.folder / "klarify.before.xlsx").read_bytes() == b"kept earlier"
    assert (ssh.folder / "klarify.before-2.xlsx").read_bytes() == theirs.getvalue()


def test_sftp_takes_a_folder_of_formats(server: DemoServer, ssh: SshServer) -> None:
    out = f"sftp://files{ssh.folder}/new/bi"
    assert write(server, out, formats=("xlsx", "csv")).outcome == "written"
    folder = ssh.folder / "new" / "bi"
    present = {file.name for file in folder.iterdir()}
    assert {"klarify.xlsx", "export.json", "procedures.csv"} <= present
    assert not [name for name in present if name.startswith(".")]
    assert write(server, out, formats=("xlsx", "csv")).outcome == "unchanged"


def test_sftp_tells_of_missing_rights(
    server: DemoServer, ssh: SshServer, sshd: tuple[Path, int]
) -> None:
    write(server, ssh.url)
    before = ssh.file.read_bytes()
    add(server, "New")
    keys = sshd[0] / "authorized_keys"
    allowed = keys.read_text(encoding="utf-8")
    keys.write_text(f'command="internal-sftp -R" {allowed}', encoding="utf-8")
    try:
        with pytest.raises(TargetError, match="access was denied") as caught:
            write(server, ssh.url)
    finally:
        keys.write_text(allowed, encoding="utf-8")
    assert "What was read is stored" in caught.value.hint
    assert ssh.file.read_bytes() == before
    assert write(server, ssh.url).outcome == "written"


def test_sftp_tells_of_a_folder_that_is_not_there(server: DemoServer, ssh: SshServer) -> None:
    ssh.folder.rmdir()
    with pytest.raises(TargetError) as caught:
        write(server, ssh.url)
    assert f"The folder sftp://files{ssh.folder} does not exist" in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize(
    ("known", "told"),
    [("", "is not known to this user"), ("another", "is not the one in ~/.ssh/known_hosts")],
)
def test_sftp_trusts_no_server_that_is_not_known(
    server: DemoServer, ssh: SshServer, sshd: tuple[Path, int], known: str, told: str
) -> None:
    if known:
        other = (sshd[0] / "user.pub").read_text(encoding="utf-8").split()[:2]
        known = f"[127.0.0.1]:{ssh.port} {' '.join(other)}\n"
    ssh.known_hosts.write_text(known, encoding="utf-8")
    with pytest.raises(TargetError, match=told):
        write(server, ssh.url)
    assert server.requests == []
    assert names(ssh) == set()


def test_sftp_tells_of_a_key_that_is_refused(
    server: DemoServer, ssh: SshServer, sshd: tuple[Path, int]
) -> None:
    (ssh.home / ".ssh" / "key").write_bytes((sshd[0] / "host").read_bytes())
    with pytest.raises(TargetError, match="access was denied") as caught:
        write(server, ssh.url)
    assert "as `ssh` would use them" in caught.value.hint


def test_sftp_tells_of_a_server_that_is_away(server: DemoServer, ssh: SshServer) -> None:
    config = ssh.home / ".ssh" / "config"
    told = config.read_text(encoding="utf-8").replace(f"Port {ssh.port}", f"Port {free_port()}")
    config.write_text(told, encoding="utf-8")
    with pytest.raises(TargetError, match="could not be reached"):
        write(server, ssh.url)


def test_sftp_clears_away_what_a_killed_refresh_has_left(
    server: DemoServer, ssh: SshServer
) -> None:
    write(server, ssh.url)
    add(server, "New")
    left, recent, other = (
        ssh.folder / name
        for name in (
            ".klarify-0-klarify.xlsx.tmp",
            ".klarify-1-klarify.xlsx.tmp",
            ".klarify-0-other.xlsx.tmp",
        )
    )
    for file in (left, recent, other):
        file.touch()
    for file in (left, other):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    write(server, ssh.url)
    assert names(ssh) == {"klarify.xlsx", recent.name, other.name}


def test_what_is_no_ssh_server_is_told_in_two_lines(server: DemoServer, ssh: SshServer) -> None:
    class Web(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Web) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        config = ssh.home / ".ssh" / "config"
        port = web.server_address[1]
        told = config.read_text(encoding="utf-8").replace(f"Port {ssh.port}", f"Port {port}")
        config.write_text(told, encoding="utf-8")
        done = call("refresh", "--out", ssh.url, server=server)
        web.shutdown()
    assert done.returncode == 6
    error, hint = done.stderr.splitlines()
    assert (
        error
        == f"Error: {ssh.url.rpartition('/')[0]} can't be read: its store answers SSHException."
    )
    assert hint.startswith("What to do: Check the address, and the user, the key or agent")


AZURE = "abfs://reports/finance/klarify.xlsx"
AZURE_KEY = base64.b64encode(b"a made-up key of a storage account").decode()


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Azure's storage as Microsoft's own emulator serves it; how to reach it."""
    port = free_port()
    main = installed(AZURITE) / "azurite" / "dist" / "src" / "blob" / "main.js"
    options = ("--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck")
    process = subprocess.Popen(
        [program("node"), str(main), *options, "--blobPort", str(port)],
        cwd=tmp_path_factory.mktemp("azurite"),
        env={**os.environ, "AZURITE_ACCOUNTS": f"klarify:{AZURE_KEY}"},
    )
    await_port(port, process)
    yield (
        f"DefaultEndpointsProtocol=http;AccountName=klarify;AccountKey={AZURE_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/klarify;"
    )
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def container(azurite: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty container."""
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite)
    with BlobServiceClient.from_connection_string(azurite) as service:
        client = service.create_container("reports")
        yield client
        client.delete_container()


def blob(container: Any, name: str = "finance/klarify.xlsx") -> bytes:
    return bytes(container.download_blob(name).readall())


def test_azure_is_as_a_file_here(server: DemoServer, container: Any, tmp_path: Path) -> None:
    assert write(server, AZURE).outcome == "written"
    content, thing = noted(blob(container))
    container.upload_blob("finance/klarify.xlsx", content, overwrite=True)
    for name in ("AAA 1", "AAA 2"):
        add(server, name)
        result = write(server, AZURE, backup=True)
        assert (result.outcome, result.out) == ("written", AZURE)
    file = tmp_path / "brought.xlsx"
    file.write_bytes(blob(container))
    assert notes(file) == {thing: "Ask Ann"}
    before = container.get_blob_client("finance/klarify.xlsx").get_blob_properties().etag
    assert write(server, AZURE).outcome == "unchanged"
    after = container.get_blob_client("finance/klarify.xlsx").get_blob_properties().etag
    assert after == before
    present = set(container.list_blob_names())
    assert present == {"finance/klarify.xlsx", "finance/klarify.previous.xlsx"}


def test_azure_notices_a_change_meanwhile(server: DemoServer, container: Any) -> None:
    write(server, AZURE)
    add(server, "New")

    def somebody_saves(progress: Progress) -> None:
        if progress.stage == "Writing rows":
            container.upload_blob("finance/klarify.xlsx", b"theirs", overwrite=True)

    with pytest.raises(TargetLockedError, match="changed meanwhile, and nothing was written"):
        write(server, AZURE, on_progress=somebody_saves)
    assert blob(container) == b"theirs"


@pytest.mark.parametrize("is_there", [True, False])
def test_azure_itself_refuses_what_was_changed_at_the_last_moment(
    container: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    folder = RemoteFolder(Address("abfs://reports", "abfs"))
    if is_there:
        container.upload_blob("one.xlsx", b"before")
    version = folder.version("one.xlsx")
    file = tmp_path / "one.xlsx"
    file.write_bytes(b"ours")
    container.upload_blob("one.xlsx", b"theirs", overwrite=True)
    monkeypatch.setattr(folder, "version", lambda _name: version)
    with pytest.raises(TargetLockedError, match="changed meanwhile"):
        folder.put("one.xlsx", file, version)
    assert blob(container, "one.xlsx") == b"theirs"


def test_azure_takes_a_folder_of_formats(server: DemoServer, container: Any) -> None:
    out = "abfs://reports/bi"
    assert write(server, out, formats=("xlsx", "csv")).outcome == "written"
    present = set(container.list_blob_names())
    assert {"bi/klarify.xlsx", "bi/export.json", "bi/procedures.csv"} <= present
    assert write(server, out, formats=("xlsx", "csv")).outcome == "unchanged"


def test_azure_tells_of_a_container_that_is_not_there(server: DemoServer, container: Any) -> None:
    del container
    with pytest.raises(TargetError, match=r"nowhere, where .* belongs, does not exist"):
        write(server, "abfs://nowhere/klarify.xlsx")


def test_azure_tells_of_a_key_that_is_refused(
    server: DemoServer, container: Any, azurite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del container
    secret = base64.b64encode(b"another key").decode()
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.replace(AZURE_KEY, secret))
    with pytest.raises(TargetError, match="access was denied") as caught:
        write(server, AZURE)
    assert "AZURE_STORAGE_ACCOUNT_NAME" in caught.value.hint
    assert secret not in str(caught.value) + caught.value.hint


def test_azure_tells_that_no_account_is_named(
    server: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    with pytest.raises(TargetError) as caught:
        write(server, AZURE)
    assert "AZURE_STORAGE_ACCOUNT_NAME" in caught.value.hint
    assert server.requests == []
