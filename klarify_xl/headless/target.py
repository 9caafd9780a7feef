"""The file that a workbook goes to: may it be replaced, and the replacement in one step."""

import contextlib
import glob
import os
import shutil
import stat
import tempfile
from itertools import count
from pathlib import Path

from klarify_xl.errors import ConfigurationError, TargetError, TargetLockedError
from klarify_xl.headless.package import Marks, read_marks


class Target:
    """The place of a workbook.

    Args:
        path: The file; a link is followed, so that the link itself stays.

    Raises:
        ConfigurationError: It is no ``.xlsx`` file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        if self.path.suffix.lower() != ".xlsx":
            raise ConfigurationError(
                f"The workbook {self.path.name} must be an .xlsx file.",
                hint="Give --out a name that ends in .xlsx.",
            )
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

    def check(self, *, overwrite: bool = False) -> None:
        """Find out, before any work is done, whether the workbook can be written.

        Args:
            overwrite: Whether a file that somebody has worked in may be replaced.

        Raises:
            TargetError: The folder is missing or not writable, or the file is read-only.
            TargetLockedError: The workbook is open in Excel or LibreOffice, or somebody has
                worked in it.
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
        if marks and not marks.untouched and not overwrite:
            raise self._worked_in(marks)

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

    def replace(self, content: bytes, *, overwrite: bool = False) -> bool:
        """Put `content` in the file's place, at once or not at all.

        Args:
            content: The new file.
            overwrite: Replace a file that somebody has worked in; it is kept beside, as
                ``NAME.before.xlsx``, or ``NAME.before-2.xlsx`` if there is one already.

        Returns:
            Whether the file was touched: equal bytes are left alone.

        Raises:
            TargetLockedError: The file is open, or somebody has worked in it.
            TargetError: It can't be written; the old file is as it was.
        """
        marks = self.marks()
        try:
            if marks and self._file.read_bytes() == content:
                return False
            if marks and not marks.untouched:
                if not overwrite:
                    raise self._worked_in(marks)
                self._keep_beside()
            self._refuse_open()
            self._swap(content)
        except PermissionError as error:
            if isinstance(error, TargetError):
                raise
            raise TargetLockedError(
                f"The workbook {self.path} can't be replaced; it is probably open in Excel.",
                hint="Close it and try again. Nothing was changed.",
            ) from None
        except OSError as error:
            if isinstance(error, TargetError):
                raise
            raise TargetError(
                f"The workbook {self.path} can't be written: {error.strerror}.",
                hint="Check the disk's free space. The old file is as it was.",
            ) from None
        return True

    def _worked_in(self, marks: Marks) -> TargetLockedError:
        what = "was changed after klarify-xl wrote it" if marks.data else "is not from klarify-xl"
        return TargetLockedError(
            f"The workbook {self.path} {what}, so it was left alone.",
            hint="Choose another --out, or use --overwrite, which keeps the present file as "
            f"{self._file.with_suffix('.before.xlsx').name} or the like.",
        )

    def _keep_beside(self) -> None:
        """Copy the present file to a name that is free."""
        for number in count(1):
            suffix = ".before.xlsx" if number == 1 else f".before-{number}.xlsx"
            kept = self._file.with_suffix(suffix)
            with contextlib.suppress(FileExistsError), kept.open("xb"):
                shutil.copy2(self._file, kept)
                return

    def _swap(self, content: bytes) -> None:
        mode = stat.S_IMODE(self._file.stat().st_mode) if self._file.exists() else _usual_mode()
        # What a killed process left behind; nobody else writes here now.
        prefix = f".klarify-{self._file.stem}-"
        for stale in self._file.parent.glob(f"{glob.escape(prefix)}*.tmp"):
            stale.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=self._file.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(mode)
            temporary.replace(self._file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(self._file.parent)


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
