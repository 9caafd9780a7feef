"""The receipt: where the data is from, and what of it could not be shown as it came."""

from collections import Counter
from collections.abc import Sequence

from klarify_xl import __version__
from klarify_xl.plan import Cell, Column, Sheet
from klarify_xl.records import Refresh
from klarify_xl.sheets.contents import Contents
from klarify_xl.sheets.inventory import (
    ABOUT,
    CHANGES,
    HEALTH,
    LANE_TOTALS,
    LANES,
    PROCEDURES,
    RELATIONSHIPS,
    Inventory,
    shown,
)


def about_sheet(inventory: Inventory, contents: Contents, sheets: Sequence[Sheet]) -> Sheet:
    """Return the receipt.

    Args:
        inventory: What the other sheets show.
        contents: Where that is from.
        sheets: The other sheets, as they are written.
    """
    written = {sheet.name: len(sheet.rows) for sheet in sheets}
    matches = Counter(str(one.match) for one in inventory.relationships)
    adjust = inventory.adjustments
    rows: list[tuple[str, Cell, str | None]] = [
        (
            "Organisation",
            contents.organisation or None,
            "The host at which most procedures are shown",
        ),
        ("API", contents.base_url, None),
    ]
    if contents.part:
        whole = f"References and findings are judged on all {contents.listed:,} procedures"
        rows.append(("Shows only", shown(contents.part), whole))
    if contents.receipt:
        rows += _receipt_rows(contents.receipt)
    rows += [
        ("Procedures written", written[PROCEDURES], None),
        ("Lane rows written", written[LANES], None),
        ("Lanes", written[LANE_TOTALS], None),
        (
            "Relationship rows written",
            written[RELATIONSHIPS],
            "The source is called within, or from, the target: the target is the caller",
        ),
        ("… resolved", matches["resolved"], "Exactly one procedure holds the name"),
        ("… ambiguous", matches["ambiguous"], "Several procedures hold the name"),
        ("… unresolved", matches["unresolved"], "No listed procedure holds the name"),
        ("Changes", written[CHANGES], "Since the first refresh; the newest 10,000 are shown"),
        ("Findings", written[HEALTH], "See Health: gaps, doubts and contradictions"),
        ("Procedures with remarks", adjust.remarked, "See the last column of Procedures"),
        ("Characters replaced", adjust.replaced, "Excel can't hold them, or they deceive readers"),
        ("Texts cut", adjust.cut, "Longer than the 32,767 characters of a cell"),
        ("Links shown as text", adjust.unsafe_links, "Not a plain web address"),
        ("Links beyond Excel's limit", adjust.surplus_links, "65,530 on a sheet"),
        ("Rows beyond Excel's limit", adjust.surplus_rows, "1,048,576 on a sheet"),
        ("Time zone", "UTC", "All times in this workbook"),
        ("Made by", f"klarify-xl {__version__}", "Text from Klarify is never a formula here"),
    ]
    return Sheet(
        name=ABOUT,
        table=ABOUT,
        identity=("Item",),
        columns=(
            Column("Item", width=30),
            Column("Value", "mixed", 44),
            Column("Explanation", "mixed", 62),
        ),
        rows=tuple(rows),
        description="The receipt of the refresh that this workbook shows.",
    )


def _receipt_rows(receipt: Refresh) -> list[tuple[str, Cell, str | None]]:
    return [
        (
            "Data as of",
            receipt.finished_at,
            "The last refresh that found something new; `klarify-xl check` tells of the last one",
        ),
        ("Refresh number", receipt.id, f"A {receipt.mode} one, with {receipt.requests} requests"),
        ("Watermark", receipt.watermark, "The newest change in Klarify that the data covers"),
        ("Counted by the API", receipt.total_count, None),
        ("Listed by the API", receipt.listed - receipt.kept, None),
        ("Is the list complete?", _completeness(receipt), "As far as the API lets anyone tell"),
        ("Added", receipt.added, "Since the refresh before"),
        ("Changed", receipt.changed, "Since the refresh before"),
        ("No longer listed", receipt.removed, "Deleted, hidden from the key, or unpublished"),
        ("Listed again", receipt.returned, "Since the refresh before"),
    ]


def _completeness(receipt: Refresh) -> str:
    """Say what is known to be missing or in doubt."""
    gaps = [
        (receipt.shortfall, "counted but not listed, twice the same"),
        (receipt.quarantined, "left out, without a usable id"),
        (receipt.kept, "not listed, but not proven gone, and kept"),
    ]
    told = [f"{number:,} {what}" for number, what in gaps if number]
    return f"NO: {'; '.join(told)}" if told else "Yes: counted and listed are the same"
