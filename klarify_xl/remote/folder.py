"""A folder of a store of files: what is there, brought here, and put there if it is unchanged."""

import contextlib
import importlib
import logging
import stat
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from klarify_xl.errors import ConfigurationError, TargetError
from klarify_xl.remote.address import EXTRAS, Address
from klarify_xl.remote.failures import changed_meanwhile, is_missing_bucket, missing_bucket, told

ABSENT: Final = ""
"""The version of a file that is not there."""

_VERSIONS: Final = ("ETag", "etag", "generation", "cTag")
_MOMENTS: Final = ("mtime", "last_modified", "LastModified", "created")
_STAGED: Final = ".klarify-"
"""How the names of our temporary files begin."""

_STALE: Final = timedelta(days=1)
"""Age from which a temporary file belongs to nobody; clocks differ, and lines are slow."""

_SILENCE: Final = logging.NullHandler()
_LOGGERS: Final = ("adlfs", "aiohttp", "asyncio", "azure", "fsspec", "gcsfs", "paramiko", "s3fs")
_ONE_REQUEST: Final = 5 * 2**30
"""Largest object that S3 takes in one request (5 GiB), and conditions are for one request only."""


class RemoteFolder:
    """A folder of a store that fsspec reaches.

    Args:
        address: The folder.

    Raises:
        ConfigurationError: There is no such kind of store, or its package is not installed.
        TargetError: The store can't be reached.

    Attributes:
        is_on_server: Whether it is a folder of a file server, which is there or not and where
            people open files in place; in other stores folders are but parts of names.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._extra = EXTRAS.get(address.protocol, "")
        self.is_on_server = self._extra == "sftp"
        with self._told(address):
            self._files, self._path = _opened(address)

    def close(self) -> None:
        """End the connection, where there is a lasting one."""
        if self.is_on_server:
            self._files.close()

    def address(self, name: str) -> Address:
        """Return the address of a file in the folder."""
        return Address(f"{self._address.text}/{name}", self._address.protocol)

    def kind(self) -> str:
        """Return what stands at the folder's place: ``directory``, ``file``, or "" for nothing."""
        info = self._info(self._address, self._path)
        return str(info["type"]) if info else ""

    def versions(self) -> dict[str, str]:
        """Return the version of each file by name; nothing if there is no such folder."""
        with self._told(self._address):
            self._files.invalidate_cache()
            try:
                infos = self._files.ls(self._path, detail=True)
            except FileNotFoundError as error:
                if is_missing_bucket(error):
                    raise missing_bucket(self._address) from None
                return {}
        own = self._path.strip("/")
        files = {
            one["name"].rpartition("/")[2]: one
            for one in infos
            # A file of the folder's own name is listed in its place.
            if one["type"] != "directory" and one["name"].strip("/") != own
        }
        # A store may call a file what would lead out of a folder here.
        is_plain = {name: bool(name) and Path(name).name == name for name in files}
        return {name: _version(one) for name, one in files.items() if is_plain[name]}

    def version(self, name: str) -> str:
        """Return what tells a file from what it was before, or `ABSENT`.

        Raises:
            TargetError: It can't be told, or it is a folder.
        """
        info = self._info(self.address(name), f"{self._path}/{name}")
        if info is None:
            return ABSENT
        if info["type"] == "directory":
            raise TargetError(
                f"{self.address(name).text} is a folder.", hint="Give --out the name of a file."
            )
        return _version(info)

    def fetch(self, name: str, file: Path) -> str:
        """Bring a file here.

        Returns:
            The version that was brought.

        Raises:
            TargetError: It can't be read.
            TargetLockedError: It was changed while it was read.
        """
        before = self.version(name)
        with self._told(self.address(name)):
            try:
                self._files.get_file(f"{self._path}/{name}", str(file))
            except FileNotFoundError:
                raise changed_meanwhile(self.address(name)) from None
        if self.version(name) != before:
            raise changed_meanwhile(self.address(name))
        return before

    def put(self, name: str, file: Path, version: str | None) -> None:
        """Put a file there, at once or not at all.

        S3 and Azure are told which version may be replaced. For other stores it is looked at right
        before, which leaves them a moment in which a change by somebody else is not noticed.

        Args:
            name: Its name.
            file: What to put there.
            version: The version that may be replaced, `ABSENT` for none, or None for any.

        Raises:
            TargetError: It can't be written; what was there is there still.
            TargetLockedError: Another version is there.
        """
        address, path = self.address(name), f"{self._path}/{name}"
        if version is not None and self.version(name) != version:
            raise changed_meanwhile(address)
        with self._told(address, writing=True):
            if self.is_on_server:
                self._put_on_server(path, file)
            else:
                self._files.put_file(str(file), path, **_conditions(self._extra, version))

    def _put_on_server(self, path: str, file: Path) -> None:
        """Write a file beside and rename it, which file servers do at once."""
        # A link stays one, and leads to the new file.
        path = self._files.ftp.normalize(path)
        folder, _, name = path.rpartition("/")
        staged = f"{folder}/{_STAGED}{uuid.uuid4().hex}-{name}.tmp"
        self._clear(folder, name)
        try:
            self._files.put_file(str(file), staged)
            with contextlib.suppress(OSError):
                mode = self._files.ftp.stat(path).st_mode
                self._files.ftp.chmod(staged, stat.S_IMODE(mode))
            self._files.mv(staged, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self._files.rm_file(staged)
            raise

    def _clear(self, folder: str, name: str) -> None:
        """Remove what a killed process has left; somebody else may be writing just now."""
        with contextlib.suppress(OSError):
            for one in self._files.ls(folder, detail=True):
                left = one["name"].rpartition("/")[2]
                is_ours = left.startswith(_STAGED) and left.endswith(f"-{name}.tmp")
                if is_ours and datetime.now(UTC) - one["mtime"] > _STALE:
                    self._files.rm_file(one["name"])

    def remove(self, name: str) -> None:
        """Remove a file that was put there."""
        with self._told(self.address(name), writing=True):
            self._files.rm_file(f"{self._path}/{name}")

    def make(self) -> None:
        """Make the folder where folders are more than parts of names."""
        if self.is_on_server:
            with self._told(self._address, writing=True):
                self._files.makedirs(self._path, exist_ok=True)

    def _info(self, address: Address, path: str) -> Mapping[str, Any] | None:
        """Return what the store says of a place, or None if nothing is there."""
        with self._told(address):
            self._files.invalidate_cache()
            try:
                return dict(self._files.info(path))
            except FileNotFoundError as error:
                if is_missing_bucket(error):
                    raise missing_bucket(address) from None
                return None

    @contextlib.contextmanager
    def _told(self, address: Address, *, writing: bool = False) -> Iterator[None]:
        with told(address, self._extra, writing=writing):
            yield


def _opened(address: Address) -> tuple[Any, str]:
    """Return the store's files, as fsspec gives them, and the folder's path among them."""
    extra = EXTRAS.get(address.protocol, "")
    for name in _LOGGERS:
        # Else Python shows their warnings, of what is told in our words anyway.
        logging.getLogger(name).addHandler(_SILENCE)
    try:
        core = importlib.import_module("fsspec.core")
        if extra == "sftp":
            ssh = importlib.import_module("klarify_xl.remote.ssh")
            kind = ssh.SshFiles
            options = kind._get_kwargs_from_urls(address.text)  # noqa: SLF001 -- fsspec's protocol
            files = kind(skip_instance_cache=True, **options)
            return files, kind._strip_protocol(address.text)  # noqa: SLF001 -- as above
        # A connection of our own: what others have seen through a shared one may be outdated.
        files, path = core.url_to_fs(address.text, skip_instance_cache=True)
    except ImportError:
        package = f"klarify-xl[{extra}]" if extra else "fsspec"
        raise ConfigurationError(
            f"{address.protocol}:// needs a package that is not installed.",
            hint=f"Run: pip install '{package}'"
            + ("" if extra else f", and what fsspec needs for {address.protocol}://."),
        ) from None
    except ValueError as error:
        if "Protocol not known" not in str(error):
            raise
        known = ", ".join(f"{name}://" for name in EXTRAS)
        raise ConfigurationError(
            f"There is no kind of store that is called {address.protocol}://.",
            hint=f"Among those that work are {known}.",
        ) from None
    return files, path.rstrip("/")


def _version(info: Mapping[str, Any]) -> str:
    """Return a file's version: the store's own mark of it, or else its time and size."""
    marks = {**info.get("item_info", {}), **info}
    for name in _VERSIONS:
        if marks.get(name):
            return str(marks[name]).strip('"')
    moment = next((info[name] for name in _MOMENTS if info.get(name)), "")
    return f"{moment} {info.get('size')}"


def _conditions(extra: str, version: str | None) -> dict[str, Any]:
    """Return the arguments by which a store is told which version may be replaced."""
    given: dict[str, Any] = {"chunksize": _ONE_REQUEST} if extra == "s3" else {}
    if version == ABSENT and extra in {"s3", "gcs"}:
        return {**given, "mode": "create"}
    if version == ABSENT and extra == "azure":
        return {"overwrite": False}
    if version and extra == "s3":
        return {**given, "IfMatch": f'"{version}"'}
    if version and extra == "azure":
        unchanged = importlib.import_module("azure.core").MatchConditions.IfNotModified
        return {**given, "etag": f'"{version}"', "match_condition": unchanged}
    return given
