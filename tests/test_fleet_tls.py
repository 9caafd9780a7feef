"""A fleet on a cluster that lets in only who has its certificate, as the README sets it up."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fleet_server import FleetServer
from .fleets import dask_cluster, free_port, write_fleet

README = Path(__file__).parent.parent / "README.md"
OPENSSL = shutil.which("openssl")

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificates")


@pytest.fixture
def server() -> Iterator[FleetServer]:
    with FleetServer() as running:
        running.add("Acme", 5)
        running.add("Bolt", 5)
        yield running


def with_certificate(folder: Path) -> dict[str, str]:
    """Make a certificate and Dask's configuration by the README; return the environment."""
    folder.mkdir()
    section = README.read_text(encoding="utf-8").split("**On several machines**")[1]
    (command,) = re.findall(r"^    openssl (.*)$", section, re.MULTILINE)
    subprocess.run(
        [str(OPENSSL), *command.split()], cwd=folder, check=True, stderr=subprocess.DEVNULL
    )
    (settings,) = re.findall(r"^    distributed:\n(?:^     .*\n)+", section, re.MULTILINE)
    text = textwrap.dedent(settings).replace("/etc/klarify", folder.as_posix())
    (folder / "fleet.yaml").write_text(text, encoding="utf-8")
    return {**os.environ, "DASK_CONFIG": str(folder)}


def run(folder: Path, port: int, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    scheduler = ("--scheduler", f"tls://127.0.0.1:{port}")
    command = [sys.executable, "-m", "klarify_xl", "fleet", "fleet.toml", *scheduler]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, encoding="utf-8", check=False, timeout=90
    )


def told(port: int, certificate: Path | None) -> bytes:
    """Return what a scheduler tells first, nothing if it ends the connection."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    if certificate:
        anyone.load_cert_chain(certificate / "fleet.crt", certificate / "fleet.key")
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
            anyone.wrap_socket(plain) as secure,
        ):
            return secure.recv(1)
    except (ssl.SSLError, ConnectionError):
        return b""


def test_only_who_has_the_certificate_may_use_the_cluster(
    server: FleetServer, tmp_path: Path
) -> None:
    write_fleet(tmp_path, server, server.demos)
    ours, others = (with_certificate(tmp_path / name) for name in ("ours", "others"))
    port = free_port()
    with dask_cluster(port, protocol="tls", env=ours):
        for stranger in (others, dict(os.environ)):
            refused = run(tmp_path, port, stranger)
            assert refused.returncode == 9
            assert f"no Dask scheduler to be reached at tls://127.0.0.1:{port}" in refused.stderr
            assert "certificate" in refused.stderr
            assert "Traceback" not in refused.stderr
        # Nor does the scheduler trust who trusts it, but has no certificate, or another one.
        assert not told(port, None)
        assert not told(port, tmp_path / "others")
        assert told(port, tmp_path / "ours")
        assert not any(demo.requests for demo in server.demos.values())

        done = run(tmp_path, port, ours)
        assert done.returncode == 0, done.stderr
        assert "2 written" in done.stdout
