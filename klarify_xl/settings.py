"""Where each setting comes from: option, environment, ``.env``, OS keyring, AWS.

The first source that has a value wins, in that order. The key comes out as an `AccessKey`
together with the name of its source, so that a person can be told which one won.
"""

import importlib.util
import ipaddress
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from dotenv import dotenv_values

from klarify_xl.errors import ConfigurationError
from klarify_xl.limits import API_BASE_URL, API_PAGE_SIZE, API_PATH, AWS_SECRET_ID
from klarify_xl.os_keyring import KEY_VARIABLE, keyring_account, read_keyring
from klarify_xl.secret import AccessKey

BASE_URL_VARIABLE: Final = "KLARIFY_BASE_URL"
STORE_VARIABLE: Final = "KLARIFY_STORE"
AWS_SECRET_VARIABLE: Final = "KLARIFY_AWS_SECRET_ID"  # noqa: S105 -- a variable's name
WEBHOOK_VARIABLE: Final = "KLARIFY_WEBHOOK"

VARIABLES: Final[Mapping[str, str]] = {
    KEY_VARIABLE: "the access key",
    BASE_URL_VARIABLE: f"address of the Integration API (default {API_BASE_URL})",
    STORE_VARIABLE: "file of the local store (default: the user's data folder)",
    AWS_SECRET_VARIABLE: f"AWS Secrets Manager secret with the key (default {AWS_SECRET_ID})",
    WEBHOOK_VARIABLE: "address that is told of failed refreshes (Slack, Teams or your own)",
}
"""Environment variables, which a ``.env`` file may hold too."""

EXPLICIT_SOURCE: Final = "explicit option"

_USUAL_PORTS: Final = {"https": 443, "http": 80}
_AWS_REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")


def default_store() -> Path:
    """Return the store's place in the user's data folder, by the conventions of the system."""
    home = Path.home()
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return folder / "klarify-xl" / "klarify.db"


@dataclass(frozen=True)
class Settings:
    """Everything a refresh needs to know besides its target.

    Attributes:
        base_url: Scheme and host (and prefix) of the API, without a trailing slash.
        store: File of the local store.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for the next bytes of a reply.
        deadline: Seconds that a whole walk may take.
        page_size: Procedures per page at the start of a walk.
        concurrency: Pages in flight at most.
        overlap: How far an incremental refresh reaches back before the watermark.
        full_every: Age of the last full walk at which the next refresh is a full one.
    """

    base_url: str = API_BASE_URL
    store: Path = field(default_factory=default_store)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    deadline: float = 3600.0
    page_size: int = API_PAGE_SIZE
    concurrency: int = 4
    overlap: timedelta = timedelta(minutes=5)
    full_every: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class FoundKey:
    """The access key and the name of the source that it came from."""

    key: AccessKey
    source: str


def load_settings(
    *, base_url: str | None = None, store: str | os.PathLike[str] | None = None
) -> Settings:
    """Return the settings, explicit options first, then environment, ``.env`` and defaults.

    Args:
        base_url: Explicit address of the API.
        store: Explicit file of the local store.

    Raises:
        ConfigurationError: A value is not usable.
    """
    address = base_url or find_variable(BASE_URL_VARIABLE)[0] or API_BASE_URL
    return Settings(base_url=normalise_base_url(address), store=find_store(store))


def find_store(store: str | os.PathLike[str] | None = None) -> Path:
    """Return the file of the local store, an explicit one first, as in `load_settings`.

    Raises:
        ConfigurationError: The ``.env`` file can't be read.
    """
    file = store or find_variable(STORE_VARIABLE)[0]
    return Path(file).expanduser() if file else default_store()


def find_variable(name: str) -> tuple[str | None, str]:
    """Return a variable's value and source, from the environment or else a ``.env`` file.

    The ``.env`` file is looked for in the current folder only: one of a folder above may be
    somebody else's, and name an address that collects keys.
    """
    if name in os.environ:
        return os.environ[name], f"environment variable {name}"
    file = Path.cwd() / ".env"
    if not file.is_file():
        return None, ""
    try:
        # Without interpolation: a "$" in a key is a "$".
        values = dotenv_values(file, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The file {file} can't be read ({type(error).__name__}).",
            hint="Save it as UTF-8 text with lines like NAME=value, readable by you.",
        ) from None
    return values.get(name), f"{name} in {file}"


def normalise_base_url(address: str) -> str:
    """Return the API's address without trailing slash or endpoint path.

    Raises:
        ConfigurationError: It is no https address (http is allowed on loopback only), or it holds
            a user name, a query or a fragment.
    """
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in {"https", "http"}:
        raise ConfigurationError(
            "The base URL is not a web address.",
            hint=f"It looks like {API_BASE_URL}; set --base-url or {BASE_URL_VARIABLE}.",
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            f"The base URL for {host} holds a user name, a query or a fragment.",
            hint="Give scheme and host only; the key is never part of the address.",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"The base URL for {host} uses http, which would send the key unencrypted.",
            hint="Use https://; http is accepted for this machine itself only.",
        )
    path = parts.path.rstrip("/").removesuffix(API_PATH)
    name = f"[{host}]" if ":" in host else host
    place = name if port in {None, _USUAL_PORTS[parts.scheme]} else f"{name}:{port}"
    return f"{parts.scheme}://{place}{path}"


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_access_key(
    base_url: str,
    *,
    explicit: AccessKey | str | None = None,
    key_file: str | os.PathLike[str] | None = None,
) -> FoundKey:
    """Return the access key from the first source that has one.

    Args:
        base_url: Address of the API; the keyring holds one key for each host.
        explicit: A key that the caller gave, which wins.
        key_file: A file that the caller named, which holds nothing but the key.

    Raises:
        ConfigurationError: No source has a key, or the one that has it holds a blank.
    """
    if isinstance(explicit, AccessKey):
        return FoundKey(explicit, EXPLICIT_SOURCE)
    found = _look_up(base_url, explicit, key_file)
    # Raised here, where no variable holds the text of a malformed key.
    explicit = None
    if isinstance(found, ConfigurationError):
        raise found
    return found


def find_kept_key(base_url: str) -> FoundKey:
    """Return the access key that the OS keyring keeps for the very host of an address.

    For addresses that a workbook names: it may be anybody's, and other keys are not for it.

    Raises:
        ConfigurationError: It keeps none.
    """
    value, note = _from_keyring(base_url)
    found = None if value is None else key_of(value, note)
    value = None
    if isinstance(found, FoundKey):
        return found
    raise found or ConfigurationError(
        " ".join([f"No access key is kept for {keyring_account(base_url)}.", note]).strip(),
        hint=f"Run `klarify-xl key set --base-url {base_url}`.",
    )


def _look_up(
    base_url: str, explicit: str | None, key_file: str | os.PathLike[str] | None
) -> FoundKey | ConfigurationError:
    if explicit is not None:
        return key_of(explicit, EXPLICIT_SOURCE)
    if key_file is not None:
        return read_key_file(Path(key_file))
    value, source = find_variable(KEY_VARIABLE)
    if value is not None:
        return key_of(value, source)
    problems = []
    sources: tuple[Callable[[str], tuple[str | None, str]], ...] = (_from_keyring, _from_aws)
    for look_up in sources:
        value, note = look_up(base_url)
        if value is not None:
            return key_of(value, note)
        if note:
            problems.append(note)
    return ConfigurationError(
        " ".join(["No access key was found.", *problems]),
        hint=f"Run `klarify-xl key set`, or set {KEY_VARIABLE} in the environment or a .env file. "
        "Administrators find the key in Klarify under Settings > Integrations.",
    )


def read_key_file(file: Path) -> FoundKey | ConfigurationError:
    """Return the key of a file that holds nothing else, or what is wrong with it, as a value."""
    try:
        value = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return ConfigurationError(
            f"The key file {file} can't be read ({type(error).__name__}).",
            hint="It must hold the key alone, as UTF-8 text, readable by you.",
        )
    return key_of(value, f"file {file}")


def key_of(value: str, source: str) -> FoundKey | ConfigurationError:
    """Return the key, or what is wrong with it, as a value: raising would keep it in a frame."""
    try:
        return FoundKey(AccessKey(value), source)
    except ConfigurationError as error:
        message, hint = str(error), error.hint
    return ConfigurationError(f"{message} (source: {source})", hint=hint)


def _from_keyring(base_url: str) -> tuple[str | None, str]:
    return read_keyring(keyring_account(base_url))


def _from_aws(_base_url: str) -> tuple[str | None, str]:
    name = find_variable(AWS_SECRET_VARIABLE)[0]
    if not name and not any(os.environ.get(variable) for variable in _AWS_REGION_VARIABLES):
        return None, ""
    if not name and importlib.util.find_spec("boto3") is None:
        return None, ""
    return read_aws(name or AWS_SECRET_ID)


def read_aws(secret_id: str) -> tuple[str | None, str]:
    """Return the key from a secret in AWS and its source, or None and a reason."""
    try:
        import boto3  # noqa: PLC0415 -- an extra
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        return None, "AWS Secrets Manager needs the extra: pip install 'klarify-xl[aws]'."
    patience = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    try:
        client = boto3.client("secretsmanager", config=patience)
        reply = client.get_secret_value(SecretId=secret_id)
    except (BotoCoreError, ClientError) as error:
        return None, f"AWS secret {secret_id!r} could not be read ({_aws_reason(error)})."
    value = reply.get("SecretString")
    if not isinstance(value, str):
        return None, f"AWS secret {secret_id!r} holds no text."
    return _plain_secret(value), f"AWS Secrets Manager, secret {secret_id!r}"


def _aws_reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(code or type(error).__name__)


def _plain_secret(value: str) -> str:
    """Return the key from a secret, which AWS's own console wraps as one JSON name and value."""
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    if isinstance(parsed, dict) and len(parsed) == 1:
        (only,) = parsed.values()
        return only if isinstance(only, str) else value
    return value
