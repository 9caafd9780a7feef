"""Lets a workbook say that its refresh has failed."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import BinaryIO, Final

from klarify_xl.errors import BusyError, CancelledError, KlarifyError, TargetError
from klarify_xl.headless.failure_note import note_failure, tells_failure
from klarify_xl.headless.target import Target
from klarify_xl.language import Language
from klarify_xl.options import DEFAULT_OPTIONS
from klarify_xl.options_file import load_options
from klarify_xl.pipeline import WORKBOOK_FORMAT, WORKBOOK_NAME
from klarify_xl.remote import open_destination
from klarify_xl.sheets.overview import FAILURE_PLACE, OVERVIEW, failure_told

_NOT_TOLD: Final = (CancelledError, BusyError, TargetError)
"""Who stopped it knows; whoever is at work on the same store will tell; and what can't be written,
or is another organisation's, can't be told anything."""


@contextmanager
def telling_failure(
    out: str | os.PathLike[str],
    formats: Sequence[str] = (WORKBOOK_FORMAT,),
    config: str | os.PathLike[str] | None = None,
) -> Iterator[None]:
    """Let a workbook that is there say so if the refresh that runs within fails, for any reason.

    On its Overview, and in the document's properties, which its ribbon shows. Nothing else in it
    changes, and the next refresh that succeeds takes it back. The error is raised all the same.

    Args:
        out: As for `klarify_xl.refresh`.
        formats: As for `klarify_xl.refresh`.
        config: The file of options, for language and time zone; by default ``klarify.toml``.

    Raises:
        KlarifyError: What the refresh raises.
    """
    try:
        yield
    except _NOT_TOLD:
        raise
    except Exception as error:
        is_ours = isinstance(error, KlarifyError)
        reason = str(error) if is_ours else f"Unexpected {type(error).__name__}."
        # What is to be raised matters more.
        with suppress(KlarifyError, OSError):
            _tell(out, formats, config, reason)
        raise


def _tell(
    out: str | os.PathLike[str],
    formats: Sequence[str],
    config: str | os.PathLike[str] | None,
    reason: str,
) -> None:
    if WORKBOOK_FORMAT not in formats:
        return
    is_folder = set(formats) != {WORKBOOK_FORMAT}
    with open_destination(out, {WORKBOOK_NAME}.__contains__ if is_folder else None) as place:
        target = Target(place.path / WORKBOOK_NAME if is_folder else place.path)
        marks = target.marks()
        if marks is None or not marks.data or tells_failure(target.path, reason):
            return
        options = DEFAULT_OPTIONS
        with suppress(KlarifyError):
            options = load_options(config)
        sentence = failure_told(datetime.now(UTC), Language(options.language), options.zone)
        row, column = FAILURE_PLACE

        def write(file: BinaryIO, present: BinaryIO | None) -> None:
            if present is not None:
                note_failure(
                    file,
                    present,
                    path=target.path,
                    board=OVERVIEW,
                    place=(row + 1, column + 1),
                    sentence=sentence,
                    reason=reason,
                )

        target.replace(write)
        place.publish()
