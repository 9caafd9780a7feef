"""The file that a workbook goes to: may it be written, and the replacement in one step."""

import contextlib
import filecmp
import glob
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from klarify_xl.errors import ConfigurationError, TargetError, TargetLockedError
from klarify_xl.headless.marks import Marks, read_marks
from klarify_xl.headless.package import open_package
from klarify_xl.headless.placing import refuse_foreign

Write = Callable[[BinaryIO, BinaryIO | None], None]
"""Writes a workbook, given the present one if there is one to be refreshed."""


@dataclass(frozen=True)
class Treatment:
    """What is to happen to a file that is there.

    Attributes:
        overwrite: It is replaced by a new one instead of refreshed. If anybody but us has ever
            saved it, it is kept beside, as ``NAME.before.xlsx``, or ``NAME.before-2.xlsx`` and
            so on.
        into: Our sheets may be added to it if we did not make it.
        backup: It is kept beside as ``NAME.previous.xlsx``.
    """

    overwrite: bool = False
    into: bool = False
    backup: bool = False


class Target:
    """The place of a workbook.

    Args:
        path: The file; a link is followed, so that the link itself stays.

    Raises:
        ConfigurationError: It is no ``.xlsx`` or ``.xlsm`` file.

    Attributes:
        has_macros: Whether it is a file that holds macros, as its name says.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        suffix = self.path.suffix.lower()
        if suffix not in {".xlsx", ".xlsm"}:
            raise ConfigurationError(
                f"The workbook {self.path.name} must be an .xlsx or .xlsm file.",
                hint="Give --out a name that ends in .xlsx, or in .xlsm for one with the ribbon.",
            )
        self.has_macros = suffix == ".xlsm"
        try:
            self._file = self.path.resolve()
            is_loop = self._file.is_symlink()
        except (OSError, RuntimeError):
            # Python 3.11 and 3.12 raise; later versions return the link itself.
            is_loop = True
        if is_loop:
            raise ConfigurationError(
                f"The workbook {self.path} is a link that leads back to itself.",
                hint="Remove the link, or choose another --out.",
            )

    def check(self, treatment: Treatment = Treatment()) -> None:
        """Find out, before any work is done, whether the workbook can be written.

        Args:
            treatment: What is to happen to a file that is there.

        Raises:
            TargetError: The folder is missing or not writable, or the file is read-only,
                encrypted, damaged or not ours.
            TargetLockedError: The workbook is open in Excel or LibreOffice.
        """
        folder = self._file.parent
        if not folder.is_dir():
            raise TargetError(
                f"The folder {folder} does not exist.", hint="Create it, or choose another --out."
            )
        if self._file.is_dir():
            raise TargetError(f"{self.path} is a folder.", hint="Give --out the name of a file.")
        if not os.access(folder, os.W_OK):
            raise TargetError(f"The folder {folder} is not writable.", hint="Choose another --out.")
        if self._file.exists() and not os.access(self._file, os.W_OK):
            raise TargetError(
                f"The workbook {self.path} is read-only.",
                hint="Allow writing, or choose another --out.",
            )
        self._refuse_open()
        marks = self.marks()
        # What is as we wrote it needs no look inside, which takes a while.
        if marks is not None and not marks.untouched and not treatment.overwrite:
            with self._file.open("rb") as file:
                refuse_foreign(open_package(self.path, file), into=treatment.into)

    def _refuse_open(self) -> None:
        """Look for the files that Excel and LibreOffice put beside an open workbook."""
        for name in (f"~${self._file.name}", f".~lock.{self._file.name}#"):
            if (self._file.parent / name).exists():
                raise TargetLockedError(
                    f"The workbook {self.path} is open in another program.",
                    hint=f"Close it and try again. If it isn't open anywhere, delete {name!r} "
                    "beside it.",
                )

    def refuse_other(self, organisation: str) -> None:
        """Refuse to put one organisation's workbook in the place of another's.

        Raises:
            TargetLockedError: The file there shows another organisation.
        """
        marks = self.marks()
        if marks and marks.organisation and organisation not in {"", marks.organisation}:
            raise TargetLockedError(
                f"The workbook {self.path} shows {marks.organisation}, not {organisation}.",
                hint="Choose another --out, or use --overwrite if it is to be replaced.",
            )

    def marks(self) -> Marks | None:
        """Return what the file there says about itself, or None if there is none."""
        return read_marks(self._file) if self._file.exists() else None

    def replace(self, write: Write, treatment: Treatment = Treatment()) -> bool:
        """Put a new file in the place of the present one, at once or not at all.

        Args:
            write: Writes the new file, given the present one, or None if there is none or it is
                to be replaced.
            treatment: What is to happen to a file that is there.

        Returns:
            Whether the file was touched: equal bytes are left alone.

        Raises:
            TargetLockedError: The file is open, or was saved while the new one was made.
            TargetError: It can't be written; the old file is as it was.
        """
        try:
            return self._replace(write, treatment)
        except TargetError:
            raise
        except PermissionError:
            raise TargetLockedError(
                f"The workbook {self.path} can't be replaced; it is probably open in Excel.",
                hint="Close it and try again. Nothing was changed.",
            ) from None
        except OSError as error:
            raise TargetError(
                f"The workbook {self.path} can't be written: {error.strerror}.",
                hint="Check the disk's free space. The old file is as it was.",
            ) from None

    def _replace(self, write: Write, treatment: Treatment) -> bool:
        # What a killed process left behind; nobody else writes here now.
        for stale in self._file.parent.glob(f"{glob.escape(self._prefix)}*.tmp"):
            stale.unlink(missing_ok=True)
        before = self._state()
        with self._temporary() as temporary:
            with temporary.open("r+b") as file:
                if before is None or treatment.overwrite:
                    write(file, None)
                else:
                    with self._file.open("rb") as present:
                        write(file, present)
                file.flush()
                os.fsync(file.fileno())
            if before is not None and filecmp.cmp(temporary, self._file, shallow=False):
                return False
            self._refuse_open()
            if self._state() != before:
                raise TargetLockedError(
                    f"The workbook {self.path} was saved by somebody meanwhile.",
                    hint="Try again. Nothing was changed.",
                )
            marks = self.marks()
            if treatment.overwrite and marks is not None and not marks.is_plain:
                self._keep_beside()
            if treatment.backup and marks is not None:
                self._keep_previous()
            mode = stat.S_IMODE(self._file.stat().st_mode) if before else _usual_mode()
            temporary.chmod(mode)
            temporary.replace(self._file)
        _sync_folder(self._file.parent)
        return True

    def _state(self) -> tuple[int, int] | None:
        """Return what tells whether somebody has saved the file, or None if there is none."""
        if not self._file.exists():
            return None
        state = self._file.stat()
        return state.st_mtime_ns, state.st_size

    @property
    def _prefix(self) -> str:
        """How the names of our temporary files begin."""
        return f".klarify-{self._file.stem}-"

    @contextlib.contextmanager
    def _temporary(self) -> Iterator[Path]:
        """Give a file in the same folder, which is gone afterwards unless it was moved away."""
        handle, name = tempfile.mkstemp(prefix=self._prefix, suffix=".tmp", dir=self._file.parent)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _keep_previous(self) -> None:
        """Copy the present file beside, over an older copy."""
        with self._temporary() as temporary:
            shutil.copy2(self._file, temporary)
            temporary.replace(self._file.with_suffix(f".previous{self._file.suffix}"))

    def _keep_beside(self) -> None:
        """Copy the present file to a name that is free."""
        for number in count(1):
            name = ".before" if number == 1 else f".before-{number}"
            kept = self._file.with_suffix(name + self._file.suffix)
            with contextlib.suppress(FileExistsError), kept.open("xb"):
                shutil.copy2(self._file, kept)
                return


def _usual_mode() -> int:
    """Return the permissions that a new file gets from the user's mask."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself durable, where the system lets folders be synced."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
