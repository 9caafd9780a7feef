"""SFTP as the user's own ``ssh`` would connect: its configuration, its keys and its known hosts."""

from pathlib import Path
from typing import Any, Final

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from klarify_xl.errors import TargetError

_PATIENCE: Final = 20.0
"""Seconds to wait for the server."""


class SshFiles(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files of a server that ``~/.ssh/known_hosts`` knows.

    fsspec itself would trust any server, and read no configuration.
    """

    def _connect(self) -> None:
        """Connect as ``~/.ssh/config`` says.

        Raises:
            TargetError: The server is not known, or not the one that is.
        """
        config = _configuration(self.host)
        names = {"hostname": "hostname", "user": "username", "port": "port"}
        wanted: dict[str, Any] = {
            ours: config[theirs] for theirs, ours in names.items() if theirs in config
        }
        wanted["key_filename"] = config.get("identityfile")
        wanted |= {"timeout": _PATIENCE, "banner_timeout": _PATIENCE, "auth_timeout": _PATIENCE}
        wanted |= self.ssh_kwargs
        host = wanted.pop("hostname", self.host)
        wanted["port"] = int(wanted.get("port", 22))
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(_Refusal())
        try:
            self.client.connect(host, **wanted)
            self.ftp = self.client.open_sftp()
        except paramiko.BadHostKeyException:
            self.client.close()
            raise TargetError(
                f"The server {host} is not the one in ~/.ssh/known_hosts: its key is another one.",
                hint="Ask who runs it whether its key was changed. If so, remove the old one: "
                f"ssh-keygen -R {host}",
            ) from None
        except BaseException:
            self.client.close()
            raise

    def close(self) -> None:
        """End the connection."""
        self.client.close()


class _Refusal(paramiko.MissingHostKeyPolicy):
    """Refuses a server that is not among the known ones."""

    def missing_host_key(
        self, _client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        raise TargetError(
            f"The server {hostname} is not known to this user ({key.get_name()}, "
            f"{key.fingerprint}).",
            hint="Connect once with `ssh`, which compares the key with you and keeps it in "
            "~/.ssh/known_hosts.",
        )


def _configuration(host: str) -> paramiko.SSHConfigDict:
    """Return what ``~/.ssh/config`` says of a host."""
    try:
        config = paramiko.SSHConfig.from_path(str(Path("~/.ssh/config").expanduser()))
    except FileNotFoundError:
        return paramiko.SSHConfigDict()
    return config.lookup(host)
