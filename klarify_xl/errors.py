"""The error tree: what can go wrong, and what a person can do about it.

::

    KlarifyError
    ├── ConfigurationError (ValueError)      a setting is missing or wrong
    │   └── WrongAddressError                something answers there, but not the Klarify API
    ├── KeyRefusedError (PermissionError)    the API does not accept the access key
    ├── NetworkError (ConnectionError)       the API could not be reached, or kept failing
    │   ├── ReplyTimeoutError (TimeoutError) a page took the API too long, repeatedly
    │   └── DeadlineError (TimeoutError)     the whole walk took longer than it may
    ├── ReplyError (ValueError)              the API answered something outside its contract
    ├── UnstableError                        the data kept changing while it was read
    │   └── RemovalsError                    suspiciously many procedures vanished
    ├── BusyError                            another refresh is using the same store
    ├── StoreError                           the local store is damaged, foreign or from the future
    ├── TargetError (OSError)                a file can't be written there
    │   └── TargetLockedError                the file is open, or not ours to replace
    ├── FleetError                           a fleet's cluster can't be used, or was lost
    ├── ScheduleError (OSError)              the system's scheduler does not do as it is asked
    └── CancelledError                       somebody asked to stop

Each error also is the builtin exception that a caller would catch. No message and no hint ever
contains the access key.
"""


class KlarifyError(Exception):
    """Root of all errors that klarify_xl raises on purpose.

    Args:
        message: What went wrong, naming the sheet, page, file or setting.
        hint: What a person can do next.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigurationError(KlarifyError, ValueError):
    """A setting is missing or wrong."""


class WrongAddressError(ConfigurationError):
    """Something answers at the base URL, but it is not the Klarify API."""


class KeyRefusedError(KlarifyError, PermissionError):
    """The API does not accept the access key."""


class NetworkError(KlarifyError, ConnectionError):
    """The API could not be reached, or kept failing through all attempts."""


class ReplyTimeoutError(NetworkError, TimeoutError):
    """A page took the API too long, repeatedly."""


class DeadlineError(NetworkError, TimeoutError):
    """The whole walk took longer than it may."""


class ReplyError(KlarifyError, ValueError):
    """The API answered something outside its documented contract."""


class UnstableError(KlarifyError):
    """The data kept changing while it was read, so no complete list could be proven."""


class RemovalsError(UnstableError):
    """Suspiciously many procedures vanished at once."""


class BusyError(KlarifyError):
    """Another refresh is using the same store."""


class StoreError(KlarifyError):
    """The local store is damaged, belongs to something else, or is from a newer version."""


class TargetError(KlarifyError, OSError):
    """A workbook or another file can't be written at the place asked for."""


class TargetLockedError(TargetError):
    """The file is open in another program, or holds somebody's work."""


class FleetError(KlarifyError):
    """The cluster that refreshes a fleet can't be used, or was lost."""


class ScheduleError(KlarifyError, OSError):
    """The operating system's scheduler does not do what it is asked for."""


class CancelledError(KlarifyError):
    """Somebody asked to stop; nothing was changed."""
