"""Relationships between procedures: the names in the reference lists, resolved to ids.

The API gives names, which are neither unique nor kept up to date. A name is matched after Unicode
NFC and trimming; where several procedures hold it, or none does, that is said and never guessed.
"""

import unicodedata
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
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
        by_name[comparable(procedure.name)].append(procedure)
    by_name.pop("", None)
    found = []
    for source in procedures:
        lists: tuple[tuple[Kind, tuple[str, ...]], ...] = (
            ("called within", source.called_within),
            ("called from", source.called_from),
        )
        for kind, names in lists:
            for name in names:
                targets = tuple(by_name.get(comparable(name), ()))
                found.append(Relationship(source, kind, name, targets))
    return found


def comparable(name: str) -> str:
    """Return a name as names are matched: in Unicode's NFC, and trimmed."""
    return unicodedata.normalize("NFC", name).strip()


@dataclass(frozen=True, slots=True)
class Caller:
    """What a change of a procedure may touch: one that calls it, maybe by way of others.

    Attributes:
        level: Length of the shortest way: 1 for direct callers.
        name: Its name, or the name given where it is not known which procedure is meant.
        procedure: The caller, or None where the name is ambiguous or unresolved.
        match: How well the name tells which procedure is meant.
    """

    level: int
    name: str
    procedure: Procedure | None
    match: Match


def by_source(references: Iterable[Relationship]) -> dict[str, list[Relationship]]:
    """Return the references of each procedure by its id."""
    found: defaultdict[str, list[Relationship]] = defaultdict(list)
    for one in references:
        found[one.source.id].append(one)
    return dict(found)


def callers(
    references: Mapping[str, Sequence[Relationship]], start: str, depth: int | None = None
) -> list[Caller]:
    """Return who calls a procedure, nearest first, each once; cycles end where they began.

    A procedure is called within, or from, those that its lists name. Names that are ambiguous or
    that none holds are told, but lead no further.

    Args:
        references: As `by_source` gives them.
        start: Id of the procedure that is called.
        depth: Levels to follow at most; None for all.
    """
    found: list[Caller] = []
    seen = {start}
    unclear: set[str] = set()
    level, edge = 0, [start]
    while edge and (depth is None or level < depth):
        level += 1
        following = []
        for one in (reference for id_ in edge for reference in references.get(id_, ())):
            if one.match != "resolved":
                if comparable(one.target_name) not in unclear:
                    unclear.add(comparable(one.target_name))
                    found.append(Caller(level, one.target_name, None, one.match))
            elif one.targets[0].id not in seen:
                seen.add(one.targets[0].id)
                following.append(one.targets[0].id)
                found.append(Caller(level, one.targets[0].name, one.targets[0], "resolved"))
        edge = following
    return found


def cycles(references: Iterable[Relationship]) -> list[tuple[Procedure, ...]]:
    """Return one cycle for each knot of procedures that lead back to themselves.

    Followed are resolved references only, from source to target. Of each knot (a strongly
    connected component) the shortest cycle through its first procedure is given, in the order in
    which the references lead; a procedure that refers to itself is a cycle of one.

    Args:
        references: Relationships of one kind.
    """
    procedures: dict[str, Procedure] = {}
    graph: dict[str, list[str]] = {}
    for one in references:
        if one.match == "resolved":
            procedures[one.source.id] = one.source
            procedures[one.targets[0].id] = one.targets[0]
            graph.setdefault(one.source.id, []).append(one.targets[0].id)
    found = []
    for knot in _knots(graph):
        start = min(knot, key=lambda one: (procedures[one].name, one))
        path = _way_back(graph, start, knot)
        if path:
            found.append(tuple(procedures[one] for one in path))
    return sorted(found, key=lambda path: (path[0].name, path[0].id))


def _knots(graph: dict[str, list[str]]) -> list[set[str]]:
    """Return the strongly connected components (Tarjan's algorithm, without recursion)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    # In the order of its keys, a dictionary is a stack that knows what it holds.
    stack: dict[str, None] = {}
    knots = []
    for root in list(graph):
        work = [] if root in order else [(root, iter((root,)))]
        while work:
            node, followers = work[-1]
            follower = next(followers, None)
            if follower is None:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[node])
                if lowest[node] == order[node] and node in stack:
                    knot: set[str] = set()
                    while node not in knot:
                        knot.add(stack.popitem()[0])
                    knots.append(knot)
            elif follower not in order:
                order[follower] = lowest[follower] = len(order)
                stack[follower] = None
                work.append((follower, iter(graph.get(follower, ()))))
            elif follower in stack:
                lowest[node] = min(lowest[node], order[follower])
    return knots


def _way_back(graph: dict[str, list[str]], start: str, knot: set[str]) -> list[str]:
    """Return the shortest way from a procedure back to itself within its knot, or none."""
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for follower in graph.get(node, ()):
            if follower == start:
                path = [node]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if follower in knot and follower not in came_from:
                came_from[follower] = node
                waiting.append(follower)
    return []
