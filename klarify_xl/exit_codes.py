"""Exit codes of the command line, declared once for the program and its documentation."""

from typing import Final

from klarify_xl.errors import (
    BusyError,
    CancelledError,
    ConfigurationError,
    FleetError,
    KeyRefusedError,
    KlarifyError,
    NetworkError,
    ReplyError,
    ScheduleError,
    StoreError,
    TargetError,
    UnstableError,
)

EXIT_CODES: Final[tuple[tuple[int, str, tuple[type[KlarifyError], ...]], ...]] = (
    (2, "a setting or option is missing or wrong", (ConfigurationError,)),
    (3, "the access key was refused", (KeyRefusedError,)),
    (4, "the API could not be reached, or broke its contract", (NetworkError, ReplyError)),
    (5, "the data was unstable, or suspiciously many procedures vanished", (UnstableError,)),
    (6, "a file is open, holds somebody's work, or can't be written", (TargetError,)),
    (7, "another refresh is using the store", (BusyError,)),
    (8, "the store is missing, damaged, or belongs to something else", (StoreError,)),
    (9, "some organisations of a fleet failed, or its cluster was lost", (FleetError,)),
    (12, "the operating system's scheduler refused", (ScheduleError,)),
    (130, "stopped with Ctrl-C", (CancelledError,)),
)
"""Exit codes besides 0 (done), 1 (unexpected), and 10 and 11, which tell of no error."""

EXIT_UNEXPECTED: Final = 1
EXIT_UNCHANGED: Final = 10
EXIT_STALE: Final = 11
EXIT_STOPPED: Final = 130


def exit_code(error: KlarifyError) -> int:
    """Return the exit code of an error."""
    return next(
        (code for code, _, kinds in EXIT_CODES if isinstance(error, kinds)), EXIT_UNEXPECTED
    )
