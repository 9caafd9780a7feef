"""Addresses of files elsewhere: which texts are some, and how one is shown without a secret."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from klarify_xl.errors import ConfigurationError

EXTRAS: Final = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("abfs", "abfss", "az"), "azure"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("sftp", "ssh"), "sftp"),
    **dict.fromkeys(("sharepoint", "onedrive", "msgd"), "sharepoint"),
}
"""Which extra of this package brings what a protocol needs."""

# A single letter is a drive of Windows.
_PROTOCOL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_LOST_SLASH: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):[/\\](?![/\\])")
_PORT: Final = re.compile(r"\d*")


@dataclass(frozen=True)
class Address:
    """Where a file or folder is, apart from this machine's own files.

    Attributes:
        text: The whole address; it holds no password, so it may be shown.
        protocol: Its beginning in small letters, such as ``s3``.
    """

    text: str
    protocol: str

    @property
    def name(self) -> str:
        """The last part: the name of the file or folder."""
        return self.text.rpartition("/")[2]

    @property
    def parent(self) -> str:
        """What comes before the name and its slash."""
        return self.text.rpartition("/")[0]


def find_address(out: str | os.PathLike[str]) -> Address | None:
    """Return the address that a text is, or None if it is a path of this machine.

    Raises:
        ConfigurationError: It is an address, but one with a password in it, or of no use here.
    """
    text = os.fspath(out)
    begins = _PROTOCOL.match(text)
    if not begins:
        _refuse_collapsed(out, text)
        return None
    protocol = begins[1].lower()
    if protocol in {"file", "local"}:
        return None
    rest = text[begins.end() :].rstrip("/")
    _refuse_secrets(protocol, rest)
    if protocol in {"http", "https"}:
        raise ConfigurationError(
            f"A file can't be written to a web address ({protocol}://...).",
            hint="For SharePoint write sharepoint://SITE/LIBRARY/FOLDER/FILE.xlsx, for stores "
            "s3://, abfs:// or gs://.",
        )
    address = Address(f"{protocol}://{rest}", protocol)
    is_odd = "::" in text or "\\" in rest or any(ord(letter) < ord(" ") for letter in rest)
    if is_odd or not rest or {"", ".", ".."} & set(rest.strip("/").split("/")):
        raise ConfigurationError(
            f"{text!r} is no address of a file or folder.",
            hint="One looks like s3://bucket/folder/klarify.xlsx.",
        )
    return address


def local_path(out: str | os.PathLike[str]) -> Path:
    """Return the path of this machine that a text is, be it written as ``file://`` or plainly."""
    text = os.fspath(out)
    if text.lower().startswith(("file://", "local://")):
        return Path(url2pathname(urlsplit(text).path))
    return Path(text).expanduser()


def _refuse_collapsed(out: str | os.PathLike[str], text: str) -> None:
    """Refuse an address that was made a path, which swallows one of its slashes."""
    begins = _LOST_SLASH.match(text)
    if isinstance(out, PurePath) and begins and begins[1] in {*EXTRAS, "memory"}:
        raise ConfigurationError(
            f"An address that begins with {begins[1]}:// can't be given as a path.",
            hint="Give it as a text.",
        )


def _refuse_secrets(protocol: str, rest: str) -> None:
    """Refuse an address with a password or a signature, and show neither of them."""
    first = rest.partition("/")[0]
    login, at, host = first.rpartition("@")
    # A password with a slash in it would look like a port, and go on in the path.
    is_cut = not at and "@" in rest and not _PORT.fullmatch(first.partition(":")[2])
    if ":" in login or is_cut:
        user = first.partition(":")[0]
        shown = f"{protocol}://{user}:***@{host if at else '...'}"
        raise ConfigurationError(
            f"The address {shown} holds a password, which others could read there.",
            hint="Take it out. Each store has a safer place for it; the README names them.",
        )
    if "?" in rest:
        raise ConfigurationError(
            f"The address {protocol}://{rest.partition('?')[0]}?*** holds a query, which may be "
            "a secret.",
            hint="Leave out the question mark and what follows it. Each store has a safer place "
            "for its credentials; the README names them.",
        )
