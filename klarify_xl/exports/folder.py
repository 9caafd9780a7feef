"""A folder whose files are replaced together: all of them, or none."""

import contextlib
import os
import shutil
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Final

from klarify_xl.errors import TargetError, TargetLockedError

_STALE_SECONDS: Final = 3600.0
"""Age from which a temporary file is one that a killed process left behind."""


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder to write into, made if it is missing.

    Raises:
        TargetError: It can't be made or written to.
    """
    folder = Path(path).expanduser()
    if folder.exists() and not folder.is_dir():
        raise TargetError(f"{folder} is a file, not a folder.", hint="Give --out a folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TargetError(
            f"The folder {folder} can't be made: {error.strerror}.", hint="Choose another --out."
        ) from None
    if not os.access(folder, os.W_OK):
        raise TargetError(f"The folder {folder} is not writable.", hint="Choose another --out.")
    return folder


def replace_files(
    folder: Path, contents: Mapping[str, bytes], *, keep_beside: frozenset[str] = frozenset()
) -> list[str]:
    """Put files in place, all or none; files that hold the same already are left alone.

    Everything is written beside first. Should one of the renamings fail, the earlier ones are
    taken back. Only a process that is killed between two renamings can leave a mixture.

    Args:
        folder: Where.
        contents: The files by name, in the order in which they are to appear.
        keep_beside: Files whose present content is copied beside first, as NAME.before.EXT.

    Returns:
        The names of the files that were written.

    Raises:
        TargetLockedError: A file is open in another program.
        TargetError: A file can't be written.
    """
    before = {name: _content(folder / name) for name in contents}
    changed = [name for name, content in contents.items() if before[name] != content]
    done: list[str] = []
    try:
        try:
            for name in changed:
                _stage(folder / name, contents[name])
            for name in keep_beside.intersection(changed):
                _keep_beside(folder / name)
            for name in changed:
                _staged(folder / name).replace(folder / name)
                done.append(name)
        except BaseException:
            _take_back(folder, {name: before[name] for name in done})
            raise
        finally:
            for name in changed:
                _staged(folder / name).unlink(missing_ok=True)
    except PermissionError as error:
        raise TargetLockedError(
            f"{_named(error, folder)} can't be replaced; it is probably open in another program.",
            hint="Close it and try again. Nothing was changed.",
        ) from None
    except OSError as error:
        raise TargetError(
            f"{_named(error, folder)} can't be written: {error.strerror}.",
            hint="Check the disk's free space. The old files are as they were.",
        ) from None
    _sync(folder)
    return changed


def _named(error: OSError, folder: Path) -> str:
    """Return which file an error is about; a renaming names its new place second."""
    return str(error.filename2 or error.filename or folder)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TargetError(
            f"{file} can't be read: {error.strerror}.", hint="Move it, or choose another --out."
        ) from None


def _staged(file: Path) -> Path:
    return file.with_name(f".klarify-{os.getpid()}-{file.name}.tmp")


def _stage(file: Path, content: bytes) -> None:
    """Write a file's new content beside it, with the permissions of the present one."""
    for left in file.parent.glob(".klarify-*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                left.unlink()
    staged = _staged(file)
    with staged.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    if file.exists():
        shutil.copymode(file, staged)


def _keep_beside(file: Path) -> None:
    """Copy a file to a name that is free."""
    for number in count(1):
        mark = "before" if number == 1 else f"before-{number}"
        kept = file.with_suffix(f".{mark}{file.suffix}")
        with contextlib.suppress(FileExistsError), kept.open("xb"):
            shutil.copy2(file, kept)
            return


def _take_back(folder: Path, before: Mapping[str, bytes | None]) -> None:
    for name, content in before.items():
        with contextlib.suppress(OSError):
            if content is None:
                (folder / name).unlink()
            else:
                _stage(folder / name, content)
                _staged(folder / name).replace(folder / name)


def _sync(folder: Path) -> None:
    """Make the renamings themselves durable, where the system lets folders be synced."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
