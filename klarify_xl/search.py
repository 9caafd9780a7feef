"""A forgiving search for procedures: by pieces of words, so that slips of the pen still match.

Each name is taken apart into pieces of three letters, word by word; names that share many pieces
with what was asked for are near. Done this way because it needs nothing installed, and a question
costs milliseconds among tens of thousands of names.
"""

import difflib
import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from klarify_xl.model import Procedure
from klarify_xl.text import folded

NEAR: Final = 1 / 3
"""Share of the pieces asked for which a name must have at least."""

_CLOSELY: Final = 50
"""How many more than asked for are compared word by word."""

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

        def likeness(place: int) -> float:
            count = shared[place]
            return count / len(pieces) + count / (len(pieces) + self._sizes[place])

        def rank(place: int) -> tuple[bool, bool, float, float, int]:
            name = self._names[place]
            return (
                self._procedures[place].id != text.strip(),
                asked not in name,
                -_closeness(asked, name),
                -likeness(place),
                place,
            )

        # Comparing word by word tells more, but takes too long for all of them.
        shortlist = heapq.nlargest(most + _CLOSELY, near, key=likeness)
        return [self._procedures[place] for place in sorted(shortlist, key=rank)[:most]]


def _closeness(asked: str, name: str) -> float:
    """Return how well the words asked for are met by the nearest words of a name."""
    found = _WORD.findall(name)
    matcher = difflib.SequenceMatcher(autojunk=False)
    total = 0.0
    for word in _WORD.findall(asked):
        matcher.set_seq2(word)
        best = 0.0
        for other in found:
            matcher.set_seq1(other)
            if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
                best = max(best, matcher.ratio())
        total += best
    return total


def _pieces(text: str) -> set[str]:
    """Return what a folded text consists of: three letters each, with the ends of words."""
    padded = (f" {word} " for word in _WORD.findall(text))
    return {word[at : at + 3] for word in padded for at in range(len(word) - 2)}
