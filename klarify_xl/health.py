"""What is wrong with an inventory, or looks wrong, and why it matters: findings by kind.

Everything here is judged from the API's fields alone. A finding is an invitation to look, not a
verdict: "called from" may loop on purpose, and a procedure that nothing calls may be a start.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from klarify_xl.graph import Relationship, cycles
from klarify_xl.language import Phrase
from klarify_xl.model import Procedure
from klarify_xl.text import folded, link_target

Severity = Literal["high", "medium", "low"]

STALE_AFTER: Final = timedelta(days=365)
"""Age of the last change from which a procedure counts as stale, unless told otherwise."""


@dataclass(frozen=True)
class FindingKind:
    """A kind of finding: what it is called, how much it matters, and why."""

    title: Phrase
    severity: Severity
    why: Phrase


KINDS: Final[Mapping[str, FindingKind]] = {
    "no owner": FindingKind(
        Phrase("No owner"), "high", Phrase("Nobody is named who keeps it up to date.")
    ),
    "containment cycle": FindingKind(
        Phrase("Contains itself"),
        "high",
        Phrase("It is called within itself, maybe by way of others: there is no order."),
    ),
    "unresolved reference": FindingKind(
        Phrase("Unresolved reference"),
        "medium",
        Phrase("It names what is not listed: renamed, or gone."),
    ),
    "ambiguous reference": FindingKind(
        Phrase("Ambiguous reference"),
        "medium",
        Phrase("Several procedures hold the name: which one is meant?"),
    ),
    "duplicate name": FindingKind(
        Phrase("Duplicate name"),
        "medium",
        Phrase("References by name can't tell the procedures apart."),
    ),
    "no performer": FindingKind(
        Phrase("No performer"),
        "medium",
        Phrase("It does not say which role or team carries it out."),
    ),
    "stale": FindingKind(
        Phrase("Not changed for long"),
        "medium",
        Phrase("It may no longer describe what people do."),
    ),
    "opposite references": FindingKind(
        Phrase("Opposite references"),
        "medium",
        Phrase("It contains what it comes after; one of both is wrong."),
    ),
    "call cycle": FindingKind(
        Phrase("Leads back to itself"),
        "low",
        Phrase("Following its callers ends where it began; maybe a loop."),
    ),
    "odd link": FindingKind(
        Phrase("Odd link"),
        "low",
        Phrase("Its address is missing or no plain web address, so it is not linked."),
    ),
    "near-duplicate owner": FindingKind(
        Phrase("Owner spelled differently"),
        "low",
        Phrase("Counts by owner split one person into several."),
    ),
    "near-duplicate lane": FindingKind(
        Phrase("Lane spelled differently"),
        "low",
        Phrase("Counts by lane split one lane into several."),
    ),
    "not called": FindingKind(
        Phrase("Stands alone"),
        "low",
        Phrase("No reference leads to it or away from it; maybe a leftover."),
    ),
}
"""Kinds of findings, the ones that matter most first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at.

    Attributes:
        kind: A key of `KINDS`.
        procedure: Where it shows.
        detail: What was found there.
    """

    kind: str
    procedure: Procedure
    detail: Phrase


def findings(
    procedures: Sequence[Procedure],
    relationships: Sequence[Relationship],
    *,
    as_of: datetime,
    stale_after: timedelta = STALE_AFTER,
    local: Callable[[datetime], datetime] = lambda moment: moment,
) -> list[Finding]:
    """Return all findings, by kind as in `KINDS`, then in the order of the procedures.

    Args:
        procedures: The inventory.
        relationships: Its references.
        as_of: The moment that ages are counted to (UTC).
        stale_after: Age from which a procedure counts as stale.
        local: Gives a moment in the time zone in which days are told; by default UTC.
    """
    found: list[Finding] = []
    for one in procedures:
        found += _of_one(one, as_of, stale_after, local)
    found += _references(relationships)
    found += _cycles(relationships)
    found += _opposite(relationships)
    found += _duplicate_names(procedures)
    found += _spellings(procedures, "near-duplicate owner", lambda one: (one.owner,))
    found += _spellings(procedures, "near-duplicate lane", lambda one: one.lanes)
    found += _isolated(procedures, relationships)
    kinds = {kind: rank for rank, kind in enumerate(KINDS)}
    places = {one.id: place for place, one in enumerate(procedures)}
    # By what is shown, since comparing whole procedures takes long.
    distinct: dict[tuple[str, str, str], Finding] = {}
    for finding in found:
        distinct.setdefault((finding.kind, finding.procedure.id, finding.detail), finding)
    return sorted(
        distinct.values(),
        key=lambda finding: (kinds[finding.kind], places[finding.procedure.id]),
    )


def _of_one(
    one: Procedure,
    as_of: datetime,
    stale_after: timedelta,
    local: Callable[[datetime], datetime],
) -> Iterator[Finding]:
    """Yield what a procedure's own fields tell."""
    if not one.owner.strip():
        yield Finding("no owner", one, Phrase("The owner is empty"))
    if not one.performer.strip():
        yield Finding("no performer", one, Phrase("The performer is empty"))
    if one.updated_at is not None and as_of - one.updated_at >= stale_after:
        # No number of days, which would be another one tomorrow.
        day = f"{local(one.updated_at):%Y-%m-%d}"
        yield Finding("stale", one, Phrase("Last changed on {day}", day=day))
    if link_target(one.url) is None:
        empty = Phrase("The link is empty")
        yield Finding("odd link", one, Phrase("Link: {url}", url=one.url) if one.url else empty)


def _references(relationships: Iterable[Relationship]) -> Iterator[Finding]:
    for one in relationships:
        kind = Phrase(one.kind)
        if one.match == "unresolved":
            detail = Phrase("{kind}: {name}", kind=kind, name=one.target_name)
            yield Finding("unresolved reference", one.source, detail)
        elif one.match == "ambiguous":
            ids = ", ".join(target.id for target in one.targets)
            detail = Phrase(
                "{kind}: {name} (could be {ids})", kind=kind, name=one.target_name, ids=ids
            )
            yield Finding("ambiguous reference", one.source, detail)


def _cycles(relationships: Sequence[Relationship]) -> Iterator[Finding]:
    for kind, finding in (("called within", "containment cycle"), ("called from", "call cycle")):
        for path in cycles(one for one in relationships if one.kind == kind):
            names = " → ".join(f"{one.name} [{one.id}]" for one in (*path, path[0]))
            yield Finding(finding, path[0], Phrase("{path}", path=names))


def _opposite(relationships: Iterable[Relationship]) -> Iterator[Finding]:
    """Yield pairs in which one contains the other and yet comes after it."""
    within = {
        (one.source.id, one.targets[0].id): one
        for one in relationships
        if one.kind == "called within" and one.match == "resolved"
    }
    for one in relationships:
        if one.kind == "called from" and one.match == "resolved":
            target = one.targets[0]
            if (target.id, one.source.id) in within and target.id != one.source.id:
                detail = Phrase(
                    "Called from {name} [{id}], which is called within it",
                    name=target.name,
                    id=target.id,
                )
                yield Finding("opposite references", one.source, detail)


def _duplicate_names(procedures: Iterable[Procedure]) -> Iterator[Finding]:
    groups: defaultdict[str, list[Procedure]] = defaultdict(list)
    for one in procedures:
        groups[unicodedata.normalize("NFC", one.name).strip()].append(one)
    for name, group in groups.items():
        if name and len(group) > 1:
            for one in group:
                others = ", ".join(other.id for other in group if other is not one)
                yield Finding("duplicate name", one, Phrase("Also held by {ids}", ids=others))


def _spellings(
    procedures: Sequence[Procedure],
    kind: str,
    texts_of: Callable[[Procedure], Iterable[str]],
) -> Iterator[Finding]:
    """Yield texts that differ from a more frequent one by case, spacing or accents only."""
    counts = Counter(text for one in procedures for text in texts_of(one) if text.strip())
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for text in counts:
        groups[_skeleton(text)].append(text)
    usual = {
        text: best
        for group in groups.values()
        for best in [min(group, key=lambda text: (-counts[text], text))]
        for text in group
        if text != best
    }
    for one in procedures:
        for text in dict.fromkeys(texts_of(one)):
            if text in usual:
                detail = Phrase("{text} beside {usual}", text=repr(text), usual=repr(usual[text]))
                yield Finding(kind, one, detail)


def _skeleton(text: str) -> str:
    """Return a text without case, spacing and accents."""
    return "".join(folded(text).split())


def _isolated(
    procedures: Iterable[Procedure], relationships: Iterable[Relationship]
) -> Iterator[Finding]:
    """Yield procedures that nothing refers to and that refer to nothing."""
    connected = set()
    for one in relationships:
        connected.add(one.source.id)
        connected.update(target.id for target in one.targets)
    for procedure in procedures:
        if procedure.id not in connected:
            detail = Phrase("No reference leads to it or away from it")
            yield Finding("not called", procedure, detail)
