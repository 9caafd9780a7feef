"""Makes remote text safe to show: characters, length and links, with a count of what was done.

Nothing is repaired silently: what Excel can't hold is replaced by a visible sign or cut with a
visible note, and counted. The store keeps the original.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit

from klarify_xl.limits import EXCEL_CELL_CHARACTERS, EXCEL_LINK_CHARACTERS

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

CUT_NOTE: Final = "… [cut here: the whole text has {count} characters]"
"""What stands at the end of a text that was cut."""

_UNSHOWABLE: Final = re.compile(
    # Not allowed in XML 1.0, section 2.2: most control characters, half characters, two others.
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
    # Allowed, but controls of terminals and of old standards, which show as nothing.
    "\x7f-\x84\x86-\x9f"
    # Reorder what follows, so that a text reads as another one (Unicode TR 36, 2.1).
    "\u202a-\u202e\u2066-\u2069"
    # Show as nothing, so that two texts look the same, or change the direction. The joiners
    # U+200C and U+200D stay: some scripts and emoji need them.
    "\u061c\u200b\u200e\u200f\u2060\ufeff"
    # Invisible tag characters, which hide text.
    "\U000e0000-\U000e007f]"
)
_SURELY_SHORT: Final = EXCEL_CELL_CHARACTERS // 2
_room: ContextVar[int] = ContextVar("room", default=EXCEL_CELL_CHARACTERS)
_LINE_ENDS: Final = re.compile("\r\n?|\x85|\u2028|\u2029")
_PLAIN_HOST: Final = re.compile(r"(?!.*xn--)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_USUAL_LINK: Final = re.compile(
    r"https://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?:/[A-Za-z0-9/._~-]*)?"
)
"""Addresses that are linked to as they are."""

_URL_RESERVED: Final = "%/:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class SafeText:
    """A text that a cell can hold.

    Attributes:
        text: What to show.
        replaced: Characters shown as a replacement sign.
        cut: Characters left out at the end.
    """

    text: str
    replaced: int = 0
    cut: int = 0


def safe_text(text: str, cut_note: str = CUT_NOTE) -> SafeText:
    """Return `text` as a cell can hold it.

    Line ends become line feeds. Characters that XML can't hold or that deceive readers become
    replacement signs. Beyond Excel's limit the text is cut, with a note at its end, except within
    `whole_texts`.

    Args:
        text: The text.
        cut_note: The note, with ``{count}`` for the number of characters.
    """
    return SafeText(text) if is_safe(text) else _safe_text(text, cut_note, _room.get())


def is_safe(text: str) -> bool:
    """Tell at once of most texts that a cell can hold them as they are.

    Neither line ends nor any of the characters that are replaced are printable in Python's sense
    ("Other" and "Separator" in Unicode's database), and a character has two code units at most.
    """
    return text.isprintable() and len(text) <= _SURELY_SHORT


@lru_cache(maxsize=2**12)
def _safe_text(text: str, cut_note: str, most: int) -> SafeText:
    """Return `text` as a cell with room for `most` UTF-16 code units can hold it."""
    text = _LINE_ENDS.sub("\n", text)
    shown, replaced = _UNSHOWABLE.subn(REPLACEMENT, text)
    if utf16_length(shown) <= most:
        return SafeText(shown, replaced)
    note = cut_note.format(count=len(text))
    room = most - utf16_length(note)
    kept = shown.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
    replaced = len(_UNSHOWABLE.findall(text, 0, len(kept)))
    return SafeText(kept + note, replaced, len(text) - len(kept))


@contextmanager
def whole_texts() -> Iterator[None]:
    """Let `safe_text` cut nothing in what runs within, for files without Excel's limit."""
    token = _room.set(sys.maxsize)
    try:
        yield
    finally:
        _room.reset(token)


def utf16_length(text: str) -> int:
    """Return the number of UTF-16 code units, in which Excel counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def folded(text: str) -> str:
    """Return a text without case and the accents of Latin and Greek letters, to compare by.

    In other scripts marks are letters of their own, and leaving them out would mix words up.
    """
    if text.isascii():
        return text.casefold()
    kept = []
    base = ""
    for letter in unicodedata.normalize("NFKD", text.casefold()):
        if not unicodedata.combining(letter):
            base = letter
        elif unicodedata.name(base, "").startswith(("LATIN", "GREEK")):
            continue
        kept.append(letter)
    return "".join(kept)


def link_target(url: str) -> str | None:
    """Return the address to link to, or None where `url` is only to be shown.

    Linked are https addresses with a plain ASCII host name: no user name, no port, no look-alike
    letters, no control characters, and short enough for Excel.
    """
    is_short = len(url) <= EXCEL_LINK_CHARACTERS
    if is_short and _USUAL_LINK.fullmatch(url) and "xn--" not in url:
        return url
    if not url.isprintable() or any(character in url for character in ' \\"<>^`{|}'):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    is_plain = parts.scheme == "https" and parts.netloc.lower() == host
    if not is_plain or port is not None or not _PLAIN_HOST.fullmatch(host):
        return None
    target = quote(url, safe=_URL_RESERVED)
    return target if len(target) <= EXCEL_LINK_CHARACTERS else None
