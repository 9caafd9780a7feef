"""The access key: a value that never shows itself, and its removal from texts and logs."""

import hashlib
import json
import logging
import re
import threading
import traceback
from typing import Final, NoReturn
from urllib.parse import quote

from klarify_xl.errors import ConfigurationError

MASK: Final = "***"

_PARAMETER = re.compile(r"(?i)(access_key(?:=|%3d)\s*)[^&\s\"'<>]+")
_LOGGER_NAMES: Final = ("urllib3", "requests", "http", "klarify_xl")
_SHORTEST_REDACTED: Final = 4
_MARK_ROUNDS: Final = 100_000


class AccessKey:
    """An organisation's secret for the Integration API.

    Surrounding white space is removed; nothing else is checked, since the key is opaque (the API
    reference's own "32-character" sample has 30). It can't be printed, formatted or pickled by
    accident: only `reveal` gives the text.

    Args:
        value: The key as the administrator's page shows it; None, which an unset variable gives,
            counts as blank.

    Raises:
        ConfigurationError: The key is blank, or holds a control character or half a character.
    """

    __slots__ = ("_pattern", "_value")

    def __init__(self, value: str | None) -> None:
        text = (value or "").strip().strip("\ufeff").strip()
        problem = _problem(text)
        if problem:
            # A traceback that shows variables must not show a key, not even a malformed one.
            del text, value
            raise ConfigurationError(problem[0], hint=problem[1])
        self._value = text
        self._pattern = re.compile("".join(map(_any_spelling, text)))

    def reveal(self) -> str:
        """Return the secret itself, for the request and the keyring only."""
        return self._value

    def mark(self, salt: bytes) -> str:
        """Return a mark that tells this key from another one, and gives nothing away.

        Four bytes are enough to notice that the key was replaced, and far too few to test guesses
        against: one guess in four thousand million fits by chance.
        """
        derived = hashlib.pbkdf2_hmac("sha256", self._value.encode(), salt, _MARK_ROUNDS, dklen=4)
        return derived.hex()

    def redact(self, text: str) -> str:
        """Return `text` with every spelling of the key replaced by ``***``.

        Raw, percent-encoded (either case, once or more), plus-for-space, literal (as Python or
        JSON quotes it) and mixed spellings are found, and whatever else stands as the value of an
        ``access_key`` parameter.
        """
        if len(self._value) >= _SHORTEST_REDACTED:
            text = self._pattern.sub(MASK, text)
        return _PARAMETER.sub(rf"\1{MASK}", text)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("an access key is never pickled: pass a reference to its source instead")


def _problem(text: str) -> tuple[str, str] | None:
    """Return what is wrong with a key and what to do, without the key."""
    if not text:
        return (
            "The access key is blank.",
            "Run `klarify-xl key set`, or set KLARIFY_API_KEY to the key.",
        )
    if any(ord(character) < ord(" ") or character == "\x7f" for character in text):
        return (
            "The access key holds a line break or another control character.",
            "Copy the key once more; it is a single line.",
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "The access key is not valid text.", "Save it as UTF-8, or type it again."
    return None


def _any_spelling(character: str) -> str:
    """Return a pattern for one character of a key: raw, percent-encoded or as a literal."""
    codes = [f"{byte:02X}" for byte in character.encode()]
    encoded = "".join(
        "%(?:25)*" + "".join(f"[{digit}{digit.lower()}]" for digit in code) for code in codes
    )
    spellings = [re.escape(character), encoded]
    if character == " ":
        spellings += [r"\+", "%(?:25)*2[Bb]"]
    # As Python and JSON write it within quotation marks.
    literals = {character.encode("unicode_escape").decode("ascii"), json.dumps(character)[1:-1]}
    if character == "'":
        literals.add("\\'")
    spellings += [re.escape(literal) for literal in sorted(literals - {character})]
    return f"(?:{'|'.join(spellings)})"


def encode_for_query(text: str) -> str:
    """Percent-encode `text` for a query string, leaving only unreserved characters (RFC 3986)."""
    return quote(text, safe="")


class LogRedaction(logging.Filter):
    """Keeps the key out of the log records of the HTTP libraries while anybody holds it.

    urllib3 logs each request with its query string at DEBUG level. A filter on a logger only sees
    what is logged to that very logger, so it is put on each logger of these libraries.

    Args:
        key: The key to remove.
    """

    def __init__(self, key: AccessKey) -> None:
        super().__init__()
        self._key = key
        self._loggers: list[logging.Logger] = []
        self._holders = 0
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record's message and traceback in place; never drop it."""
        record.msg = self._key.redact(record.getMessage())
        record.args = ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = self._key.redact(
                "".join(traceback.format_exception(*record.exc_info))
            )
            record.exc_info = None
        return True

    def hold(self) -> None:
        """Begin to redact, or go on for one holder more; any thread may call."""
        with self._lock:
            self._holders += 1
            if self._holders > 1:
                return
            known = list(logging.root.manager.loggerDict)
            names = {name for name in known if name.split(".")[0] in _LOGGER_NAMES}
            self._loggers = [logging.getLogger(name) for name in sorted(names | set(_LOGGER_NAMES))]
            for logger in self._loggers:
                logger.addFilter(self)

    def release(self) -> None:
        """End for one holder; the last one ends the redaction."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                for logger in self._loggers:
                    logger.removeFilter(self)
