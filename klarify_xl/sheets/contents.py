"""What a store holds, read and judged once, for a workbook of all of it or of parts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from klarify_xl import graph
from klarify_xl.graph import Relationship
from klarify_xl.health import Finding, findings
from klarify_xl.model import Procedure
from klarify_xl.options import DEFAULT_OPTIONS, Options
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
        receipt: The refresh that brought the data, if there was one.
        verified_at: When the data was last compared with Klarify, if it was.
        organisation: Whose procedures these are, "" if that is not known.
        base_url: Address of the API.
        listed: How many procedures the organisation has.
        ids: Ids of all procedures that the organisation ever had.
        part: Which part of the organisation this is, in words; "" for all of it.
    """

    procedures: Sequence[Procedure] = ()
    relationships: Sequence[Relationship] = ()
    findings: Sequence[Finding] = ()
    changes: Sequence[Change] = ()
    receipt: Refresh | None = None
    verified_at: datetime | None = None
    organisation: str = ""
    base_url: str = ""
    listed: int = 0
    ids: Sequence[str] = ()
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


def read_contents(store: Store, options: Options = DEFAULT_OPTIONS) -> Contents:
    """Return all that a store holds, as of one moment.

    Args:
        store: What to read.
        options: From when on a procedure is stale, and in which time zone days are told.
    """
    with store.snapshot():
        procedures = sorted(
            store.procedures(), key=lambda one: (one.name.casefold(), one.name, one.id)
        )
        relationships = graph.relationships(procedures)
        contents = Contents(
            procedures=procedures,
            relationships=relationships,
            changes=_history(store),
            receipt=store.receipt(),
            verified_at=store.verified_at(),
            organisation=_organisation(procedures),
            base_url=store.state().base_url,
            listed=len(procedures),
            ids=store.ids(),
        )
    found = findings(
        procedures,
        relationships,
        as_of=contents.verified_at or contents.as_of,
        stale_after=timedelta(days=options.stale_days),
        local=options.local,
    )
    return replace(contents, findings=found)


def _history(store: Store) -> list[Change]:
    """Return what changed since the first refresh, which found everything new."""
    first = next((one.id for one in store.refreshes() if one.outcome == "changed"), 0)
    return store.changes(since=first + 1)


def _organisation(procedures: Iterable[Procedure]) -> str:
    """Return the host that most procedures are shown at: the API names no organisation."""
    # Nearly all addresses begin alike, and to take one apart takes time.
    starts = Counter(
        "/".join(one.url.split("/", 3)[:3]) for one in procedures if link_target(one.url)
    )
    hosts: Counter[str] = Counter()
    for start, number in starts.items():
        hosts[urlsplit(start).netloc] += number
    return min(hosts, key=lambda host: (-hosts[host], host)) if hosts else ""
