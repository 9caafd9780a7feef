"""What a store holds, read and judged once, for a workbook of all of it or of parts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from klarify_xl import graph
from klarify_xl.graph import Relationship
from klarify_xl.health import Finding, findings
from klarify_xl.model import Procedure
from klarify_xl.records import Change, Refresh
from klarify_xl.store import Store
from klarify_xl.text import link_target


@dataclass(frozen=True)
class Contents:
    """What the sheets show, as it comes from the store.

    Attributes:
        procedures: In the order of the Procedures sheet.
        relationships: Their references, resolved among all procedures of the organisation.
        findings: What to look at in them, judged on all procedures of the organisation.
        changes: Their history since the first refresh, newest first.
        receipt: The refresh that the data is from, if there was one.
        organisation: Whose procedures these are, "" if that is not known.
        base_url: Address of the API.
        listed: How many procedures the organisation has.
        part: Which part of the organisation this is, in words; "" for all of it.
    """

    procedures: Sequence[Procedure]
    relationships: Sequence[Relationship]
    findings: Sequence[Finding]
    changes: Sequence[Change]
    receipt: Refresh | None
    organisation: str
    base_url: str
    listed: int
    part: str = ""

    @property
    def as_of(self) -> datetime:
        """When the data was read (UTC)."""
        return self.receipt.finished_at if self.receipt else datetime.min.replace(tzinfo=UTC)

    def of(self, selected: frozenset[str], part: str) -> "Contents":
        """Return what concerns some procedures only; names stay resolved among all.

        Args:
            selected: Their ids.
            part: Which part that is, in words.
        """
        return replace(
            self,
            procedures=[one for one in self.procedures if one.id in selected],
            relationships=[one for one in self.relationships if one.source.id in selected],
            findings=[one for one in self.findings if one.procedure.id in selected],
            changes=[one for one in self.changes if one.id in selected],
            part=part,
        )


def read_contents(store: Store) -> Contents:
    """Return all that a store holds, as of one moment."""
    with store.snapshot():
        procedures = sorted(
            store.procedures(), key=lambda one: (one.name.casefold(), one.name, one.id)
        )
        receipt = store.receipt()
        verified_at = store.verified_at()
        changes = _history(store)
        base_url = store.state().base_url
    relationships = graph.relationships(procedures)
    contents = Contents(
        procedures=procedures,
        relationships=relationships,
        findings=(),
        changes=changes,
        receipt=receipt,
        organisation=_organisation(procedures),
        base_url=base_url,
        listed=len(procedures),
    )
    found = findings(procedures, relationships, as_of=verified_at or contents.as_of)
    return replace(contents, findings=found)


def _history(store: Store) -> list[Change]:
    """Return what changed since the first refresh, which found everything new."""
    first = next((one.id for one in store.refreshes() if one.outcome == "changed"), 0)
    return store.changes(since=first + 1)


def _organisation(procedures: Iterable[Procedure]) -> str:
    """Return the host that most procedures are shown at: the API names no organisation."""
    hosts = Counter(
        urlsplit(procedure.url).netloc for procedure in procedures if link_target(procedure.url)
    )
    return min(hosts, key=lambda host: (-hosts[host], host)) if hosts else ""
