"""A forgiving search for procedures: by pieces of words, so that slips of the pen still match.

Each name is taken apart into pieces of three letters, word by word; names that share many pieces
with what was asked for are near. Done this way because it needs nothing installed, and a question
costs milliseconds among tens of thousands of names.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from klarify_xl.model import Procedure
from klarify_xl.text import folded

NEAR: Final = 0.45
"""Share of the pieces asked for which a name must have at least."""

_WORD: Final = re.compile(r"\w+")


class SearchIndex:
    """Procedures by the pieces of their names and ids.

    Args:
        procedures: What to search in; among equally near ones their order decides.
    """

    def __init__(self, procedures: Sequence[Procedure]) -> None:
        self._procedures = procedures
        self._names = [folded(one.name) for one in procedures]
        self._sizes: list[int] = []
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for place, (one, name) in enumerate(zip(procedures, self._names, strict=True)):
            pieces = _pieces(name)
            self._sizes.append(len(pieces))
            for piece in pieces | _pieces(folded(one.id)):
                self._places[piece].append(place)

    def best(self, text: str, most: int) -> list[Procedure]:
        """Return the procedures nearest to a text, the nearest first.

        Args:
            text: Words of a name in any order, case and accents aside, or an id.
            most: How many to return at most.
        """
        asked = folded(text).strip()
        pieces = _pieces(asked)
        shared: Counter[int] = Counter()
        for piece in pieces:
            shared.update(self._places.get(piece, ()))
        least = max(1.0, NEAR * len(pieces))
        near = [place for place, count in shared.items() if count >= least]

        def rank(place: int) -> tuple[bool, bool, bool, float, int]:
            name, count = self._names[place], shared[place]
            likeness = 2 * count / (len(pieces) + max(self._sizes[place], count))
            return (
                self._procedures[place].id != text.strip(),
                name.strip() != asked,
                asked not in name,
                -(count / len(pieces)) - likeness / 2,
                place,
            )

        return [self._procedures[place] for place in sorted(near, key=rank)[:most]]


def _pieces(text: str) -> set[str]:
    """Return what a folded text consists of: three letters each, with the ends of words."""
    padded = (f" {word} " for word in _WORD.findall(text))
    return {word[at : at + 3] for word in padded for at in range(len(word) - 2)}
