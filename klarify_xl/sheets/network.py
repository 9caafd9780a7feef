"""The network of calls between procedures, and which part of it is worth a picture."""

import heapq
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from klarify_xl.errors import ConfigurationError
from klarify_xl.graph import Kind, Relationship
from klarify_xl.model import Procedure
from klarify_xl.text import safe_text

_SUGGESTIONS: Final = 3
_CANDIDATES: Final = 5


@dataclass(frozen=True)
class Network:
    """Who calls whom, by id, as far as names tell it without doubt.

    In the API a procedure is called within, or from, another: so that other one is the caller.

    Attributes:
        kinds: The kinds of each call, by (caller, called), in the order of the relationships.
        called: Whom each procedure calls, itself left out.
        callers: Who calls each procedure, itself left out.
    """

    kinds: Mapping[tuple[str, str], Sequence[Kind]]
    called: Mapping[str, Sequence[str]]
    callers: Mapping[str, Sequence[str]]

    def connected(self) -> set[str]:
        """Return the procedures that call another one or are called by one."""
        return self.called.keys() | self.callers.keys()

    def neighbours(self, procedure_id: str) -> set[str]:
        """Return whom a procedure calls and who calls it."""
        return {*self.called.get(procedure_id, ()), *self.callers.get(procedure_id, ())}


def network_of(relationships: Iterable[Relationship]) -> Network:
    """Return the network of the resolved relationships."""
    kinds: dict[tuple[str, str], list[Kind]] = {}
    called: dict[str, list[str]] = {}
    callers: dict[str, list[str]] = {}
    for one in relationships:
        if one.match != "resolved":
            continue
        caller, callee = one.targets[0].id, one.source.id
        known = kinds.setdefault((caller, callee), [])
        if not known and caller != callee:
            called.setdefault(caller, []).append(callee)
            callers.setdefault(callee, []).append(caller)
        if one.kind not in known:
            known.append(one.kind)
    return Network(kinds, called, callers)


def most_connected(network: Network, ids: Sequence[str], most: int) -> list[str]:
    """Return the most connected procedures that hang together.

    The most connected one comes first, then always the most connected one of those that are
    related to one before. Once none is left, the same begins with the rest.

    Args:
        network: Who calls whom.
        ids: All procedures; of equally connected ones the first here is taken.
        most: How many to return at most.
    """
    order = {procedure_id: number for number, procedure_id in enumerate(ids)}
    ranks = {one: (-len(network.neighbours(one)), order[one]) for one in network.connected()}
    starts = heapq.nsmallest(most, ranks, key=ranks.__getitem__)
    chosen: dict[str, None] = {}
    for start in starts:
        waiting = [(ranks[start], start)]
        while waiting and len(chosen) < most:
            _rank, one = heapq.heappop(waiting)
            if one not in chosen:
                chosen[one] = None
                for neighbour in network.neighbours(one) - chosen.keys():
                    heapq.heappush(waiting, (ranks[neighbour], neighbour))
    return list(chosen)


def surroundings(
    network: Network, ids: Sequence[str], centre: str, *, depth: int, most: int
) -> dict[str, int]:
    """Return a procedure's callers and those it calls, and theirs in turn.

    Args:
        network: Who calls whom.
        ids: All procedures; of equally connected ones the first here is taken.
        centre: The procedure's id.
        depth: How many calls away.
        most: How many to return at most of those equally far away on the same side.

    Returns:
        How many calls away each one is, by id: callers below 0, the centre at 0.
    """
    order = {procedure_id: number for number, procedure_id in enumerate(ids)}
    found = {centre: 0}
    for distance in range(1, depth + 1):
        for sign, following in ((-1, network.callers), (1, network.called)):
            edge = [one for one, away in found.items() if away == sign * (distance - 1)]
            next_ones = {other for one in edge for other in following.get(one, ())} - found.keys()
            ranked = sorted(next_ones, key=lambda one: (-len(network.neighbours(one)), order[one]))
            found |= dict.fromkeys(ranked[:most], sign * distance)
    return found


def find_procedure(procedures: Sequence[Procedure], wanted: str) -> Procedure:
    """Return the procedure with an id, or else the only one with a name.

    Raises:
        ConfigurationError: There is none, or several have that name.
    """
    for one in procedures:
        if one.id == wanted:
            return one
    name = _comparable(wanted)
    found = [one for one in procedures if _comparable(one.name) == name]
    if len(found) == 1:
        return found[0]
    told = safe_text(wanted).text
    if found:
        ids = ", ".join(safe_text(one.id).text for one in found[:_CANDIDATES])
        more = ", …" if len(found) > _CANDIDATES else ""
        raise ConfigurationError(
            f"{len(found)} procedures have the name {told}, so it doesn't tell the map's centre.",
            hint=f"Give an id instead: {ids}{more}.",
        )
    raise ConfigurationError(
        f"The map can't be centred on {told}: no procedure has this id or name.",
        hint=_suggestion(procedures, name),
    )


def _suggestion(procedures: Sequence[Procedure], wanted: str) -> str:
    texts = {text.casefold(): text for one in procedures for text in (one.name, one.id)}
    near = get_close_matches(wanted.casefold(), texts, _SUGGESTIONS)
    if not near:
        return "The ids stand in the first column of the Procedures sheet."
    return f"Did you mean {' or '.join(safe_text(texts[one]).text for one in near)}?"


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()
