"""Small files that others watch or run: replaced in one step, so that nobody sees half of one."""

import contextlib
import os
import tempfile
from pathlib import Path

from klarify_xl.errors import TargetError


def replace_small_file(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put a file in place at once or not at all; its folder is made if missing.

    Args:
        file: The file; a link is followed, so that the link itself stays.
        content: All that it is to hold.
        mode: Its permissions, where the system has such.

    Raises:
        TargetError: It can't be written; a file that was there is as it was.
    """
    place = Path(os.path.realpath(file))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{place.name}-", suffix=".tmp", dir=place.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            temporary.chmod(mode)
            temporary.replace(place)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise TargetError(
            f"The file {file} can't be written: {error.strerror}.",
            hint="Check its folder and the disk's free space, or choose another place.",
        ) from None
