"""Writes a part that is made piece by piece; some are compressed while the next are made."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Final

_CHUNK: Final = 2**20


def write_pieces(pieces: Iterable[bytes], part: IO[bytes]) -> None:
    """Write pieces to a part of an archive.

    No more than two chunks of them are kept in memory.

    Args:
        pieces: The pieces.
        part: Where to.
    """
    # The compressor's own code runs beside Python's.
    with ThreadPoolExecutor(1) as compressor:
        writing: Future[int] | None = None
        for chunk in _gathered(pieces):
            if writing is not None:
                writing.result()
            writing = compressor.submit(part.write, chunk)
        if writing is not None:
            writing.result()


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces again, in a good size for an archive."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    yield b"".join(waiting)
