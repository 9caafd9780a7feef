"""Where an organisation's key is kept: a name that may be seen, resolved where the key is used."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from klarify_xl.errors import ConfigurationError
from klarify_xl.os_keyring import KEYRING_SERVICE, read_keyring
from klarify_xl.secret import AccessKey
from klarify_xl.settings import (
    FoundKey,
    find_variable,
    key_of,
    read_aws,
    read_key_file,
)

KEY_SOURCES: Final[Mapping[str, str]] = {
    "env:NAME": "An environment variable, or a line of the `.env` file in the current folder.",
    "file:PATH": "A file that holds the key and nothing else.",
    "keyring:ACCOUNT": f"An account of the service {KEYRING_SERVICE} in the OS keyring.",
    "aws:SECRET": "Name or ARN of a secret in AWS Secrets Manager (the extra aws).",
}
"""What a reference can lead to."""

_SOURCES: Final = frozenset(one.partition(":")[0] for one in KEY_SOURCES)
_VARIABLE: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class KeyReference:
    """A secret's place; it holds no secret itself, and so may be printed, stored and sent.

    Attributes:
        source: ``env``, ``file``, ``keyring`` or ``aws``.
        name: Of the variable, file, account or secret.
    """

    source: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the reference that a text such as ``env:ACME_KEY`` means.

        Raises:
            ConfigurationError: It means none. The message does not repeat the text, which may be
                a key that somebody wrote there.
        """
        source, colon, name = text.strip().partition(":")
        is_known = bool(colon) and source in _SOURCES and bool(name.strip())
        if is_known and source == "env":
            is_known = bool(_VARIABLE.fullmatch(name))
        del text
        if not is_known:
            # Nor may a traceback that shows variables.
            del source, name
            raise ConfigurationError(
                "The key is given by something that leads to no source of secrets.",
                hint=f"Name the place where it is kept: {', '.join(KEY_SOURCES)}. The key itself "
                "never stands in a file of settings.",
            )
        return cls(source, name)

    def __str__(self) -> str:
        return f"{self.source}:{self.name}"

    def resolve(self) -> AccessKey:
        """Return the key.

        Raises:
            ConfigurationError: It is not there, can't be read, or is no key.
        """
        found = self._look_up()
        if isinstance(found, ConfigurationError):
            raise found
        return found.key

    def _look_up(self) -> FoundKey | ConfigurationError:
        """Return the key or what is wrong, as a value: raising would keep its text in a frame."""
        if self.source == "file":
            return read_key_file(Path(self.name).expanduser())
        value, note = _READERS[self.source](self.name)
        if value is None:
            return ConfigurationError(
                f"There is no key at {self}." + (f" {note}" if note else ""),
                hint="Put it there, on the machine and for the user that refreshes.",
            )
        return key_of(value, note)


_READERS: Final[Mapping[str, Callable[[str], tuple[str | None, str]]]] = {
    "env": find_variable,
    "keyring": read_keyring,
    "aws": read_aws,
}
