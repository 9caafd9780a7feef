"""Where output goes: a path of this machine, or files elsewhere, brought here and put back.

What is elsewhere is brought into a temporary folder, treated there as any local file, and put back
if it has changed. So everything that holds for local files holds for it, too: people's work in it
stays, what isn't ours is refused, and what is up to date is left alone. Local paths need none of
this, and no package besides.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from klarify_xl.errors import KlarifyError
from klarify_xl.remote.address import Address, find_address, local_path

if TYPE_CHECKING:
    from klarify_xl.remote.folder import RemoteFolder

_ABSENT: Final = ""
_OURS: Final = ".klarify-"
_LAST: Final = ("export.json", "index.csv")
"""Files that tell of the others beside them."""


class Destination:
    """Where a command writes to.

    Attributes:
        path: The workbook or folder on this machine.
        shown: How it is called in results.
    """

    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        self.shown = shown

    def renew(self) -> None:
        """Bring what has changed there since it was brought; to be called right before writing.

        Raises:
            TargetError: It can't be read.
        """

    def publish(self) -> None:
        """Put back what has changed here.

        Raises:
            TargetLockedError: Somebody has changed it there meanwhile.
            TargetError: It can't be written; what was there is there still.
        """

    def named(self, text: str) -> str:
        """Return a text in which files are called by where they really are."""
        return text


@contextlib.contextmanager
def open_destination(
    out: str | os.PathLike[str], brought: Callable[[str], bool] | None = None
) -> Iterator[Destination]:
    """Give the place to write to, which is a local one in any case.

    Args:
        out: A path, or an address such as ``s3://bucket/folder/klarify.xlsx``.
        brought: For a folder, which of its files are read or replaced, by name; None for a
            workbook.

    Raises:
        ConfigurationError: It is a wrong address, or a package for it is missing.
        TargetError: It can't be read.
    """
    address = find_address(out)
    if address is None:
        path = local_path(out)
        yield Destination(path, str(path))
        return
    from klarify_xl.remote.folder import RemoteFolder  # noqa: PLC0415 -- not for local paths

    place = Address(address.parent, address.protocol) if brought is None else address
    with (
        contextlib.closing(RemoteFolder(place)) as folder,
        tempfile.TemporaryDirectory(prefix="klarify-xl-", ignore_cleanup_errors=True) as temporary,
    ):
        kind = _Workbook if brought is None else _Folder
        base = Path(temporary).resolve()
        destination = kind(address, folder, base, brought or address.name.__eq__)
        try:
            destination.renew()
            yield destination
        except KlarifyError as error:
            error.args = (destination.named(str(error)),)
            error.hint = destination.named(error.hint)
            raise


class _Copy(Destination):
    """The local copy of files elsewhere.

    Args:
        address: The workbook or folder.
        folder: Where the files are.
        base: An empty folder for temporary files.
        brought: Which files are read or replaced.
    """

    _unknown: str | None
    """The version of files that nothing is known of: none, or any."""

    def __init__(
        self, address: Address, folder: "RemoteFolder", base: Path, brought: Callable[[str], bool]
    ) -> None:
        self._root = base / "files"
        self._root.mkdir()
        self._originals = base / "originals"
        self._originals.mkdir()
        super().__init__(self._root / address.name, address.text)
        self._address = address
        self._folder = folder
        self._brought = brought
        self._versions: dict[str, str] = {}
        self._checksums: dict[str, str] = {}

    @property
    def _place(self) -> Path:
        """The local folder that holds the copies."""
        raise NotImplementedError

    def _look(self) -> dict[str, str]:
        """Return the versions of the files there that matter, `_ABSENT` for those that don't."""
        raise NotImplementedError

    def named(self, text: str) -> str:
        """Return a text in which files are called by where they really are."""
        text = text.replace(f"{self._root}{os.sep}", f"{self._address.parent}/")
        return text.replace(str(self._root), self._address.parent)

    def renew(self) -> None:
        """Bring what is new there, and forget what is gone.

        Files that are not needed themselves are shown by empty ones, so that their names are
        not taken for free.
        """
        present = self._look()
        for name, version in present.items():
            if self._versions.get(name) == version:
                continue
            file = self._place / name
            file.unlink(missing_ok=True)
            self._versions[name] = version
            if version == _ABSENT:
                self._checksums.pop(name, None)
                continue
            self._place.mkdir(exist_ok=True)
            if self._brought(name):
                self._versions[name] = self._folder.fetch(name, self._originals / name)
                shutil.copyfile(self._originals / name, file)
            else:
                file.touch()
            self._checksums[name] = _checksum(file)

    def publish(self) -> None:
        """Put back the files that have changed here, all or none; those that tell of others last.

        No store replaces several files at once. Should one of them fail, the earlier ones are
        taken back; only a process that is killed, or a network that stays away, can leave a
        mixture.
        """
        changed = self._changed()
        if not changed:
            return
        self._folder.make()
        done: list[str] = []
        try:
            for name in changed:
                version = self._versions.get(name, self._unknown)
                self._folder.put(name, self._place / name, version)
                done.append(name)
        except BaseException:
            for name in reversed(done):
                with contextlib.suppress(KlarifyError):
                    self._take_back(name)
            raise

    def _changed(self) -> list[str]:
        """Return the files to be put back, in this order: new ones, others, those that tell."""
        names = [
            file.name
            for file in (self._place.iterdir() if self._place.is_dir() else ())
            if not file.name.startswith(_OURS) and _checksum(file) != self._checksums.get(file.name)
        ]
        return sorted(names, key=lambda name: (name in _LAST, bool(self._versions.get(name)), name))

    def _take_back(self, name: str) -> None:
        version = self._versions.get(name, self._unknown)
        if version == _ABSENT:
            self._folder.remove(name)
        elif version is not None:
            self._folder.put(name, self._originals / name, None)


class _Workbook(_Copy):
    """The copy of a workbook, and of the names beside it that matter for it."""

    # A copy of the file before may replace an older one.
    _unknown = None

    @property
    def _place(self) -> Path:
        return self._root

    def _look(self) -> dict[str, str]:
        name = self._address.name
        if self._folder.is_on_server and self._folder.kind() != "directory":
            self._root = self._root.parent / "missing"
            self.path = self._root / name
            return {}
        versions = {name: self._folder.version(name)}
        beside = [f"~${name}", f".~lock.{name}#"] if self._folder.is_on_server else []
        versions |= {one: self._folder.version(one) for one in beside}
        if versions[name] != _ABSENT:
            versions |= self._kept()
        return versions

    def _kept(self) -> dict[str, str]:
        """Return the versions of the copies that are beside, up to the first name that is free."""
        versions = {}
        for number in count(1):
            mark = ".before" if number == 1 else f".before-{number}"
            kept = Path(self._address.name)
            one = kept.with_suffix(mark + kept.suffix).name
            versions[one] = self._folder.version(one)
            if versions[one] == _ABSENT:
                break
        return versions


class _Folder(_Copy):
    """The copy of a folder."""

    # All that is there is listed.
    _unknown = _ABSENT

    @property
    def _place(self) -> Path:
        return self.path

    def _look(self) -> dict[str, str]:
        if self._folder.is_on_server and self._folder.kind() == "file":
            self.path.touch()
            return {}
        gone = dict.fromkeys(self._versions, _ABSENT)
        return gone | self._folder.versions()


def _checksum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
