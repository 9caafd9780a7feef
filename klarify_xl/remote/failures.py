"""What goes wrong with a store of files, in words for people and without its own words.

Each store's library raises errors of its own, so they are told apart by their names. Their texts
are never passed on, since they may hold addresses with signatures.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

from klarify_xl.errors import KlarifyError, TargetError, TargetLockedError
from klarify_xl.remote.address import Address

STORED: Final = "What was read is stored; the next refresh writes it."

_NETWORK: Final = {
    *("ConnectionError", "TimeoutError", "FSTimeoutError", "gaierror", "HTTPClientError"),
    *("ReadTimeoutError", "ServiceRequestError", "ServiceResponseError", "ClientConnectionError"),
    *("TransportError", "NoValidConnectionsError"),
}
_ACCESS: Final = {
    *("PermissionError", "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"),
    *("CredentialRetrievalError", "SSOError", "TokenRetrievalError", "ClientAuthenticationError"),
    *("GoogleAuthError", "OAuthError", "AuthenticationException", "PasswordRequiredException"),
    *("401", "403"),
}
_CHANGED: Final = {
    *("FileExistsError", "ResourceModifiedError", "ResourceExistsError"),
    *("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412"),
}
_LOCKED: Final = {"423"}
"""HTTP's status for what somebody holds (RFC 4918, 11.3), as SharePoint gives it."""

_CREDENTIALS: Final = {
    "s3": "AWS_PROFILE, AWS_ACCESS_KEY_ID or the machine's role, and that it may list the bucket "
    "and read and write there",
    "azure": "AZURE_STORAGE_ACCOUNT_NAME and `az login` or its relatives, and the role Storage "
    "Blob Data Contributor",
    "gcs": "`gcloud auth application-default login` or GOOGLE_APPLICATION_CREDENTIALS, and the "
    "role Storage Object User",
    "sftp": "the user, the key or agent, as `ssh` would use them, and the rights in the folder",
    "sharepoint": "MSGRAPHFS_CLIENT_ID, MSGRAPHFS_TENANT_ID and MSGRAPHFS_CLIENT_SECRET, and the "
    "application's rights to the site",
}


@contextlib.contextmanager
def told(address: Address, extra: str, *, writing: bool = False) -> Iterator[None]:
    """Turn a store's errors into ours.

    Args:
        address: What is being read or written.
        extra: The extra that its store belongs to, "" if none.
        writing: Whether it is being written, after everything has been read.

    Raises:
        TargetLockedError: The file was changed by somebody meanwhile.
        TargetError: Anything else; the text says what to do.
    """
    try:
        yield
    except KlarifyError:
        raise
    except Exception as error:  # noqa: BLE001 -- every store's library has errors of its own
        raise _in_words(error, address, extra, writing=writing) from None


def changed_meanwhile(address: Address) -> TargetLockedError:
    """Return the error for a file that somebody has changed since it was read."""
    return TargetLockedError(
        f"{address.text} was changed meanwhile, and nothing was written.", hint="Try again."
    )


def missing_bucket(address: Address) -> TargetError:
    """Return the error for a store that has no such bucket, container or library."""
    bucket = address.text.partition("://")[2].partition("/")[0]
    return TargetError(
        f"{bucket}, where {address.text} belongs, does not exist.",
        hint="Check the spelling, or create it; only folders within it are made by themselves.",
    )


def _missing_folder(address: Address, after: str) -> TargetError:
    return TargetError(f"The folder of {address.text} does not exist.", hint=f"Create it.{after}")


def is_missing_bucket(error: BaseException) -> bool:
    """Tell whether it is the whole bucket that a store has not found."""
    return "NoSuchBucket" in _names(error)


def _in_words(
    error: Exception, address: Address, extra: str, *, writing: bool
) -> TargetError | KlarifyError:
    names = _names(error)
    what = "written" if writing else "read"
    after = f" {STORED}" if writing else ""
    where = _CREDENTIALS.get(extra, "the store's own settings")
    if _CHANGED & names:
        return changed_meanwhile(address)
    if _LOCKED & names:
        return TargetLockedError(
            f"{address.text} is open in another program.", hint=f"Close it and try again.{after}"
        )
    if isinstance(error, FileNotFoundError):
        return _missing_folder(address, after) if extra == "sftp" else missing_bucket(address)
    if _ACCESS & names:
        return TargetError(
            f"{address.text} can't be {what}: access was denied.", hint=f"Check {where}.{after}"
        )
    if _NETWORK & names:
        return TargetError(
            f"{address.text} can't be {what}: its store could not be reached.",
            hint=f"Check the network and the address, and try again.{after}",
        )
    reason = _code(error) or type(error).__name__
    return TargetError(
        f"{address.text} can't be {what}: its store answers {reason}.",
        hint=f"Check the address, and {where}.{after}",
    )


def _names(error: BaseException | None) -> set[str]:
    """Return the names of an error's classes and codes, and of those that led to it."""
    names: set[str] = set()
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        names |= {kind.__name__ for kind in type(error).__mro__}
        names |= {_code(error), _status(error)}
        error = error.__cause__ or error.__context__
    return names


def _code(error: BaseException) -> str:
    """Return the code that a store gives for what is wrong, "" if there is none."""
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        if getattr(one, "error_code", None):
            return str(getattr(one, "error_code", ""))
    return ""


def _status(error: BaseException) -> str:
    """Return the HTTP status that an error tells of, "" if there is none."""
    response = getattr(error, "response", None)
    told = [getattr(error, "status_code", None), getattr(error, "code", None)]
    told.append(getattr(response, "status_code", None))
    return next((str(one) for one in told if isinstance(one, int)), "")
