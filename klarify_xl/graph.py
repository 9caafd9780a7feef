"""Relationships between procedures: the names in the reference lists, resolved to ids.

The API gives names, which are neither unique nor kept up to date. A name is matched after Unicode
NFC and trimming; where several procedures hold it, or none does, that is said and never guessed.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from klarify_xl.model import Procedure

Kind = Literal["called within", "called from"]
Match = Literal["resolved", "ambiguous", "unresolved"]


@dataclass(frozen=True, slots=True)
class Relationship:
    """One reference of a procedure to others.

    Attributes:
        source: The procedure that holds the reference.
        kind: Which list it stands in: the source is called within the target, or from it.
        target_name: The name as it stands there.
        targets: The procedures that hold that name.
    """

    source: Procedure
    kind: Kind
    target_name: str
    targets: tuple[Procedure, ...]

    @property
    def match(self) -> Match:
        """Return how well the name tells which procedure is meant."""
        if not self.targets:
            return "unresolved"
        return "resolved" if len(self.targets) == 1 else "ambiguous"


def relationships(procedures: Iterable[Procedure]) -> list[Relationship]:
    """Return all references, in the order of the procedures and of their lists."""
    procedures = list(procedures)
    by_name: defaultdict[str, list[Procedure]] = defaultdict(list)
    for procedure in procedures:
        by_name[_comparable(procedure.name)].append(procedure)
    by_name.pop("", None)
    found = []
    for source in procedures:
        lists: tuple[tuple[Kind, tuple[str, ...]], ...] = (
            ("called within", source.called_within),
            ("called from", source.called_from),
        )
        for kind, names in lists:
            for name in names:
                targets = tuple(by_name.get(_comparable(name), ()))
                found.append(Relationship(source, kind, name, targets))
    return found


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()
