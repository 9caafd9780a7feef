"""The operating system's keyring: where a person's access key is kept, read and forgotten."""

import os
from typing import Any, Final
from urllib.parse import urlsplit

from klarify_xl.errors import ConfigurationError
from klarify_xl.secret import AccessKey

KEYRING_SERVICE: Final = "klarify-xl"
KEY_VARIABLE: Final = "KLARIFY_API_KEY"
"""Environment variable that holds a key where there is no keyring."""


def keyring_account(base_url: str) -> str:
    """Return the account name under which the keyring keeps the key for an address."""
    return urlsplit(base_url).netloc.lower()


def read_keyring(account: str) -> tuple[str | None, str]:
    """Return the text of an account in the OS keyring and its source, or None and a reason."""
    try:
        import keyring  # noqa: PLC0415 -- costs start-up time, and is seldom needed
        from keyring.errors import NoKeyringError  # noqa: PLC0415

        value = keyring.get_password(KEYRING_SERVICE, account)
    except Exception as error:  # noqa: BLE001 -- backends raise what they like
        if isinstance(error, NoKeyringError):
            return None, ""
        return None, f"The OS keyring could not be read ({type(error).__name__})."
    return value, f"OS keyring, account {account}" if value else ""


def keep_in_keyring(base_url: str, key: AccessKey) -> str:
    """Store the key in the operating system's keyring, and return where it went.

    Raises:
        ConfigurationError: There is no keyring here, or it refuses.
    """
    account = keyring_account(base_url)
    backend = find_safe_keyring()
    try:
        backend.set_password(KEYRING_SERVICE, account, key.reveal())
        kept = backend.get_password(KEYRING_SERVICE, account) == key.reveal()
    except Exception as error:  # noqa: BLE001 -- backends raise what they like
        raise _no_keyring(type(error).__name__) from None
    if not kept:
        raise _no_keyring("it keeps nothing")
    return f"{backend.name}, account {account}"


def find_safe_keyring() -> Any:  # noqa: ANN401 -- a keyring backend
    """Return the operating system's keyring.

    keyring falls back to plain text files; its own mark for a safe place is a priority of 1. Who
    names a backend in PYTHON_KEYRING_BACKEND gets that one.

    Raises:
        ConfigurationError: There is none.
    """
    try:
        import keyring  # noqa: PLC0415 -- costs start-up time

        backend = keyring.get_keyring()
        is_safe = backend.priority >= 1 or "PYTHON_KEYRING_BACKEND" in os.environ
    except Exception as error:  # noqa: BLE001 -- backends raise what they like
        raise _no_keyring(type(error).__name__) from None
    if not is_safe or backend.name.startswith("fail "):
        raise _no_keyring("none is set up")
    return backend


def forget_in_keyring(base_url: str) -> bool:
    """Remove the key from the operating system's keyring, and tell whether there was one.

    Raises:
        ConfigurationError: There is no keyring here, or it refuses.
    """
    try:
        import keyring  # noqa: PLC0415 -- costs start-up time
        from keyring.errors import PasswordDeleteError  # noqa: PLC0415

        keyring.delete_password(KEYRING_SERVICE, keyring_account(base_url))
    except Exception as error:  # noqa: BLE001 -- backends raise what they like
        if isinstance(error, PasswordDeleteError):
            return False
        raise _no_keyring(type(error).__name__) from None
    return True


def _no_keyring(reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no safe OS keyring that can be used here ({reason}).",
        hint=f"On a machine without one, set {KEY_VARIABLE} in the environment or a .env file, or "
        "put the key into a file of its own and name it with --key-file.",
    )
