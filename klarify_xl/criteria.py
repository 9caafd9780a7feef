"""Criteria as Excel's COUNTIFS knows them: texts with wildcards, not and empty."""

import re
from typing import Final

_WILDCARD: Final = re.compile(r"~([~*?])|([*?])", re.DOTALL)


class Criterion:
    """What a value must be, case aside.

    ``*`` stands for any text and ``?`` for one character, ``~*`` and ``~?`` for themselves;
    ``<>`` in front means not; ``=`` alone means empty and ``<>`` alone not empty.

    Args:
        text: The criterion.

    Attributes:
        negated: Whether the values that fit are those to leave out.
    """

    def __init__(self, text: str) -> None:
        self.negated = text.startswith("<>")
        wanted = text.removeprefix("<>") if self.negated else text.removeprefix("=")
        self._plain = wanted.strip().casefold()
        self._pattern = _pattern(self._plain) if _WILDCARD.search(self._plain) else None

    def fits(self, value: str) -> bool:
        """Tell whether a value is the text of the criterion, whatever stands in front of that."""
        compared = value.strip().casefold()
        if self._pattern:
            return bool(self._pattern.fullmatch(compared))
        return compared == self._plain


def _pattern(text: str) -> re.Pattern[str]:
    parts = []
    at = 0
    for found in _WILDCARD.finditer(text):
        parts.append(re.escape(text[at : found.start()]))
        literal, wildcard = found.groups()
        parts.append(re.escape(literal) if literal else ".*" if wildcard == "*" else ".")
        at = found.end()
    return re.compile("".join([*parts, re.escape(text[at:])]), re.DOTALL)
