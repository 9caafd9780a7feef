"""Names of files for texts of any kind: safe on every system, and never two texts in one file."""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

MOST_CHARACTERS: Final = 120
"""Characters of a file's name, its ending included, counted as Windows does (UTF-16)."""

_MOST_BYTES: Final = 200
"""Bytes of a file's name in UTF-8: most file systems allow 255, and temporary names are longer."""

_MARK_LENGTH: Final = 8
"""Characters of a mark that tell texts apart, as long as nobody tries to make them alike."""

_RESERVED: Final = re.compile(
    # Microsoft, "Naming Files, Paths, and Namespaces"; whatever follows a dot does not help.
    "(con|prn|aux|nul|conin\\$|conout\\$|(com|lpt)[0-9\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}"
    "\N{SUPERSCRIPT THREE}])\\s*(\\..*)?",
    re.IGNORECASE | re.DOTALL,
)
_ILLEGAL: Final = frozenset('<>:"/\\|?*')
_EDGES: Final = " .~-"
"""At the edges: Windows drops dots and spaces, dots hide a file, and Office's own begin with ~$."""


def mark_of(text: str) -> str:
    """Return a mark that differs for texts that differ in anything."""
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()


def safe_stem(text: str, most: int = MOST_CHARACTERS, most_bytes: int = _MOST_BYTES) -> str:
    """Return a text as the name of a file without its ending.

    Args:
        text: Any text.
        most: UTF-16 units of the name.
        most_bytes: Bytes of the name in UTF-8.
    """
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    name = "".join("_" if _is_illegal(one) else one for one in spaced).strip(_EDGES)
    name = name[:most]
    while len(name.encode("utf-16-le")) > 2 * most or len(name.encode()) > most_bytes:
        name = name[:-1]
    name = name.rstrip(_EDGES) or "unnamed"
    return f"_{name[: most - 1]}" if _RESERVED.fullmatch(name) else name


def _is_illegal(character: str) -> bool:
    # Controls, formats such as direction marks, half characters, and what has no character.
    return character in _ILLEGAL or unicodedata.category(character).startswith("C")


def file_names(
    texts: Iterable[str], ending: str, is_free: Callable[[str, str], bool]
) -> dict[str, str]:
    """Return a name of a file for each text, all different on every system.

    A text whose name is no other's, whatever the case and the form of its letters, gets it
    plainly; the others get a part of their mark as well. Names depend on nothing but the texts
    that share them, so that no text takes the place of another when texts come and go.

    Args:
        texts: The texts, all different.
        ending: The files' ending, with its dot.
        is_free: Tells of a name and a text whether the file may be that text's.
    """
    names = {text: _name(text, ending, 0) for text in texts}
    length = _MARK_LENGTH
    marked: set[str] = set()
    wanting = {text for text, name in names.items() if not is_free(name, text)}
    while wanting := wanting | _clashing(names):
        if wanting <= marked:
            # Marks that begin alike: somebody has been trying. Whole ones never are.
            length = len(mark_of(""))
        marked |= wanting
        names |= {text: _name(text, ending, length) for text in marked}
        wanting = set()
    return names


def _name(text: str, ending: str, length: int) -> str:
    addition = f" ({mark_of(text)[:length]}){ending}" if length else ending
    stem = safe_stem(text, MOST_CHARACTERS - len(addition), _MOST_BYTES - len(addition))
    return f"{stem}{addition}"


def _clashing(names: Mapping[str, str]) -> set[str]:
    counts = Counter(_folded(name) for name in names.values())
    return {text for text, name in names.items() if counts[_folded(name)] > 1}


def _folded(name: str) -> str:
    """Return what file systems that ignore case and form compare."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", folded).upper().casefold())
