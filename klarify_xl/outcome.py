"""What a refresh did, for people and programs."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from klarify_xl.records import Refresh
from klarify_xl.settings import Settings


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh did.

    Attributes:
        outcome: ``written``, or ``unchanged`` where the file was left alone.
        mode: ``full`` or ``incremental``, the walk that the result rests on.
        reason: Why it was a full one, "" otherwise.
        requests: Requests sent.
        procedures: Procedures listed now.
        added: Procedures seen for the first time.
        changed: Procedures with another content.
        removed: Procedures no longer listed.
        returned: Procedures listed again.
        quarantined: Items without a usable id, left out.
        shortfall: How many more the API counts than it lists.
        kept: Procedures that it did not list, but that could not be proven gone either.
        refresh: Number of the refresh in the store's log.
        watermark: Newest change covered (UTC), or None.
        seconds: Time it took.
        rows: Data rows written, by a sheet's English name; empty if the workbook was left alone.
        files: Tables written in other formats; empty if they were left alone.
        out: The workbook, or the folder.
        store: The store.
    """

    outcome: Literal["written", "unchanged"]
    mode: str
    reason: str
    requests: int
    procedures: int
    added: int
    changed: int
    removed: int
    returned: int
    quarantined: int
    shortfall: int
    kept: int
    refresh: int
    watermark: datetime | None
    seconds: float
    rows: dict[str, int]
    files: tuple[str, ...]
    out: str
    store: str

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        stamp = self.watermark.isoformat() if self.watermark else None
        return {**asdict(self), "watermark": stamp, "seconds": round(self.seconds, 3)}


def result_of(
    log: Refresh,
    settings: Settings,
    rows: dict[str, int],
    files: tuple[str, ...],
    out: str,
    seconds: float,
) -> RefreshResult:
    """Return what a refresh did.

    Args:
        log: Its line in the log.
        settings: Where it read from, and its store.
        rows: Data rows written, by sheet.
        files: Tables written in other formats.
        out: The workbook or the folder, as it is called.
        seconds: Time it took.
    """
    return RefreshResult(
        outcome="written" if rows or files else "unchanged",
        mode=log.mode,
        reason=log.reason,
        requests=log.requests,
        procedures=log.listed,
        added=log.added,
        changed=log.changed,
        removed=log.removed,
        returned=log.returned,
        quarantined=log.quarantined,
        shortfall=log.shortfall,
        kept=log.kept,
        refresh=log.id,
        watermark=log.watermark,
        seconds=seconds,
        rows=rows,
        files=files,
        out=out,
        store=str(settings.store),
    )
