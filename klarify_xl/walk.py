"""All pages of one query: in order, complete, or an error.

A walk sorts by ``created_at,asc``, which edits can't reorder, and keeps its page size to the end.
Page 0 comes first, then a bounded number of pages in flight; they are looked at in page order.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from klarify_xl.client import Client, Flight, Page, Query
from klarify_xl.errors import (
    NetworkError,
    RemovalsError,
    ReplyError,
    ReplyTimeoutError,
    UnstableError,
    WrongAddressError,
)
from klarify_xl.model import Procedure, UnusableRowError, parse_row, parse_stamp
from klarify_xl.progress import OnProgress, Progress, ignore

SMALLEST_PAGE: Final = 25
"""Procedures per page below which time-outs are no longer answered by smaller pages."""

MOST_PAGES: Final = 100_000
"""Pages of a walk, beyond which a server is taken to be endless."""

MOST_WALKS: Final = 4
"""Full walks within one refresh before the data counts as unstable."""

STALE_PAGES: Final = 2
"""Pages in a row without a new procedure, while more are promised, which end a walk."""

LEAST_CAP: Final = 10
"""Smallest page size that a short page is taken to be the server's cap for."""

SETTLING: Final = timedelta(seconds=5)
"""Age below which a stamp may equal or exceed those of changes still to come."""


@dataclass
class Walk:
    """What the pages of one walk held.

    Attributes:
        page_size: Procedures asked for per page.
        procedures: By id, in order of creation; of duplicates the newest.
        quarantined: Items without a usable id.
        total_count: How many the API said there are, at the end.
        page_lengths: How many rows each page held.
        last_rows: The rows of the last page, as they came.
        doubtful_end: The page behind the last one, asked for to make sure, kept failing.
    """

    page_size: int
    procedures: dict[str, Procedure] = field(default_factory=dict)
    quarantined: int = 0
    total_count: int = 0
    page_lengths: list[int] = field(default_factory=list)
    last_rows: tuple[object, ...] = ()
    doubtful_end: bool = False

    @property
    def pages(self) -> int:
        """Pages read."""
        return len(self.page_lengths)

    @property
    def seen(self) -> int:
        """Distinct items read."""
        return len(self.procedures) + self.quarantined

    def add(self, page: Page) -> int:
        """Take a page in and return how many of its items were new.

        Items without an id count as new unless the page before held the very same, and as long as
        the API counts at least that many.
        """
        known_before, unusable_before = len(self.procedures), self.quarantined
        for row in page.rows:
            try:
                procedure = parse_row(row)
            except UnusableRowError:
                self.quarantined += 1
                continue
            known = self.procedures.get(procedure.id)
            if known is None or not _is_older(procedure, known):
                self.procedures[procedure.id] = procedure
        self.total_count = page.total_count
        self.page_lengths.append(len(page.rows))
        unusable = self.quarantined - unusable_before
        is_believable = self.quarantined <= page.total_count and page.rows != self.last_rows
        self.last_rows = page.rows
        return len(self.procedures) - known_before + (unusable if is_believable else 0)


@dataclass(frozen=True)
class Probe:
    """The newest stamp and the number of procedures, by a request for a single one.

    Attributes:
        stamp: ``updated_at`` of the procedure changed last, as sent.
        total_count: Procedures in all.
        server_time: The server's clock (UTC), if sent.
    """

    stamp: object
    total_count: int
    server_time: datetime | None = field(compare=False)

    @property
    def moment(self) -> datetime | None:
        """The newest stamp in UTC, or None where it makes no sense."""
        return parse_stamp(self.stamp)

    @property
    def is_blind(self) -> bool:
        """Whether a change could hide behind the newest stamp, which is none, new or to come."""
        now = self.server_time or datetime.now(UTC)
        return self.total_count > 0 and (self.moment is None or now - self.moment < SETTLING)


@dataclass(frozen=True)
class Listing:
    """A complete list of procedures, proven as far as the API allows.

    Attributes:
        procedures: By id, in order of creation.
        probe: Taken before the walk; its stamp is the next watermark.
        quarantined: Items without a usable id.
        shortfall: How many more the API counts than it lists, the same in two walks.
        walks: Walks it took.
        page_size: Page size at the end.
    """

    procedures: dict[str, Procedure]
    probe: Probe
    quarantined: int
    shortfall: int
    walks: int
    page_size: int


def _is_older(one: Procedure, other: Procedure) -> bool:
    if one.updated_at is None or other.updated_at is None:
        return one.updated_at is None and other.updated_at is not None
    return one.updated_at < other.updated_at


def probe(client: Client, deadline_at: float) -> Probe:
    """Ask for the procedure changed last, and the count."""
    page = client.page(Query(page_size=1, sort="updated_at,desc"), deadline_at=deadline_at)
    first = page.rows[0] if page.rows else None
    stamp = first.get("updated_at") if isinstance(first, dict) else None
    return Probe(stamp, page.total_count, page.server_time)


def walk(
    client: Client, query: Query, *, deadline_at: float, on_progress: OnProgress = ignore
) -> Walk:
    """Read all pages of a query.

    When a page keeps timing out, the walk starts again with pages of half the size: pages of
    another size cut the list elsewhere, so going on in the middle could skip or repeat.

    Args:
        client: Whom to ask.
        query: Filter, order and page size.
        deadline_at: Moment on the client's clock to give up at.
        on_progress: Told after each page.

    Raises:
        ReplyError: The server promises more pages and keeps repeating itself, or never ends.
        KlarifyError: Whatever a page raises.
    """
    size = query.page_size
    while True:
        try:
            return _walk(client, replace(query, page_size=size), deadline_at, on_progress)
        except ReplyTimeoutError:
            if size // 2 < SMALLEST_PAGE:
                raise
            size //= 2


def _walk(client: Client, query: Query, deadline_at: float, on_progress: OnProgress) -> Walk:
    result = Walk(query.page_size)
    stale = 0
    ended = False
    for page_of in _pages(client, query, deadline_at):
        try:
            page = page_of()
        except (ReplyError, WrongAddressError, NetworkError) as error:
            # Some servers answer an error behind the last page.
            if not ended or isinstance(error, TimeoutError):
                raise
            result.doubtful_end = isinstance(error, NetworkError)
            return result
        if ended and page.rows == result.last_rows:
            # Others answer the last page once more; its unusable items don't count twice.
            return result
        new = result.add(page)
        known = max(result.total_count, result.seen)
        on_progress(Progress("Reading procedures", result.seen, known))
        # With a filter the count may be that of the whole organisation; a page that is said to be
        # the last and has room left needs no other witness then.
        has_room = query.updated_after is not None and len(page.rows) < query.page_size
        if not page.has_next and (ended or has_room or result.seen >= page.total_count):
            return result
        if ended and not new:
            return result
        # `hasNext` may be false too soon; the page behind it tells.
        ended = not page.has_next
        stale = 0 if new or ended else stale + 1
        if stale >= STALE_PAGES:
            raise ReplyError(
                f"{client.host} keeps promising more pages but brings nothing new "
                f"(page {result.pages - 1}).",
                hint="Nothing was changed. Try again later; if it stays so, report it to Klarify.",
            )
    raise ReplyError(f"{client.host} sends more than {MOST_PAGES} pages; it seems to be endless.")


def _pages(client: Client, query: Query, deadline_at: float) -> Iterator[Callable[[], Page]]:
    """Yield, in page order, calls that wait for a page; a bounded number is in flight ahead."""
    first = client.page(query, deadline_at=deadline_at)
    yield lambda: first
    planned = -(-first.total_count // query.page_size) if first.has_next else 1
    flying: deque[Flight] = deque()
    following = 1
    for number in range(1, MOST_PAGES):
        while following <= number or (
            following < planned and len(flying) < client.settings.concurrency
        ):
            flying.append(client.submit(replace(query, page=following), deadline_at))
            following += 1
        yield partial(client.wait, flying.popleft(), deadline_at)


def read_all(
    client: Client,
    *,
    page_size: int | None = None,
    most_missing: int | None = None,
    deadline_at: float | None = None,
    on_progress: OnProgress = ignore,
) -> Listing:
    """Read the complete list, proven by probes before and after.

    A walk counts when both probes agree and as many distinct items were read as the API counts.
    Otherwise the list is read again, until two walks in a row agree on the ids: what hides an
    item is the removal of one already read, which the next walk then lacks.

    Args:
        client: Whom to ask.
        page_size: Procedures per page at the start.
        most_missing: How many more the API may count than it lists; None for any number.
        deadline_at: Moment on the client's clock to give up at.
        on_progress: Told after each page.

    Raises:
        UnstableError: The data kept changing.
        RemovalsError: The API steadily counts many more than it lists.
        KlarifyError: Whatever a page raises.
    """
    deadline_at = client.deadline_at() if deadline_at is None else deadline_at
    query = Query(page_size=page_size or client.settings.page_size)
    before = probe(client, deadline_at)
    previous: Walk | None = None
    for number in range(1, MOST_WALKS + 1):
        try:
            current = walk(client, query, deadline_at=deadline_at, on_progress=on_progress)
        except (ReplyError, WrongAddressError):
            after = probe(client, deadline_at)
            if after.total_count == before.total_count:
                raise
            # The list may have become shorter than the page that was asked for.
            previous, before = None, after
            continue
        after = probe(client, deadline_at)
        steady = before == after and not before.is_blind
        listing = Listing(
            procedures=current.procedures,
            probe=before,
            quarantined=current.quarantined,
            shortfall=after.total_count - current.seen,
            walks=number,
            page_size=current.page_size,
        )
        if steady and listing.shortfall == 0:
            return listing
        if (
            previous is not None
            and before.total_count == after.total_count
            and previous.procedures.keys() == current.procedures.keys()
        ):
            _refuse_large_shortfall(listing, most_missing)
            return listing
        query = replace(query, page_size=_capped_page_size(current))
        previous, before = current, after
    raise UnstableError(
        f"The procedures kept changing while they were read ({MOST_WALKS} times).",
        hint="Nothing was changed. Try again when fewer people are editing in Klarify.",
    )


def _capped_page_size(walked: Walk) -> int:
    """Return the page size that the server seems to keep to, if it quietly caps it.

    If pages are cut to a cap but counted by the size asked for, items between are never listed;
    with the cap as page size nothing is cut.
    """
    full_pages = set(walked.page_lengths[:-2] or walked.page_lengths[:1])
    if walked.seen < walked.total_count and len(full_pages) == 1:
        (length,) = full_pages
        if LEAST_CAP <= length < walked.page_size:
            return length
    return walked.page_size


def _refuse_large_shortfall(listing: Listing, most_missing: int | None) -> None:
    if most_missing is not None and listing.shortfall > most_missing:
        counted = listing.probe.total_count
        raise RemovalsError(
            f"The API counts {counted} procedures but lists only {counted - listing.shortfall}, "
            "twice the same.",
            hint="Nothing was changed. If that is right (drafts hidden from the key, for "
            "example), run once more with --accept-removals.",
        )
