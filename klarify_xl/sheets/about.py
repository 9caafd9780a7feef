"""The receipt: where the data is from, and what of it could not be shown as it came."""

from collections import Counter
from collections.abc import Sequence

from klarify_xl import __version__
from klarify_xl.language import Language
from klarify_xl.limits import EXCEL_CELL_CHARACTERS, EXCEL_LINKS_PER_SHEET, EXCEL_ROWS
from klarify_xl.plan import Board, Cell, Sheet
from klarify_xl.records import Refresh
from klarify_xl.sheets.changes import MOST_CHANGES
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
)


def about_sheet(inventory: Inventory, contents: Contents, sheets: Sequence[Sheet | Board]) -> Sheet:
    """Return the receipt.

    Args:
        inventory: What the other sheets show.
        contents: Where that is from.
        sheets: The other sheets, as they are written.
    """
    say, title = inventory.say, inventory.sheet_title
    written = {sheet.key: len(sheet.rows) for sheet in sheets if isinstance(sheet, Sheet)}
    matches = Counter(str(one.match) for one in inventory.relationships)
    adjust = inventory.adjustments
    rows: list[tuple[str, Cell, str | None]] = [
        (
            say("Organisation"),
            contents.organisation or None,
            say("The host at which most procedures are shown"),
        ),
        (say("API"), contents.base_url, None),
    ]
    if contents.part:
        whole = say("References and findings are judged on all {count} procedures")
        told = whole.format(count=say.number(contents.listed))
        rows.append((say("Shows only"), inventory.shown(say(contents.part)), told))
    if contents.receipt:
        rows += _receipt_rows(say, contents.receipt)
    counted = [
        (PROCEDURES, say("Procedures written"), None),
        (LANES, say("Lane rows written"), None),
        (LANE_TOTALS, say("Lanes"), None),
        (
            RELATIONSHIPS,
            say("Relationship rows written"),
            say("The source is called within, or from, the target: the target is the caller"),
        ),
    ]
    rows += [(item, written[key], note) for key, item, note in counted if key in written]
    if RELATIONSHIPS in written:
        rows += [
            (say("… resolved"), matches["resolved"], say("Exactly one procedure holds the name")),
            (say("… ambiguous"), matches["ambiguous"], say("Several procedures hold the name")),
            (
                say("… unresolved"),
                matches["unresolved"],
                say("No listed procedure holds the name"),
            ),
        ]
    newest = say("Since the first refresh; the newest {count} are shown")
    see = say("See {sheet}: gaps, doubts and contradictions")
    counted = [
        (CHANGES, say("Changes"), newest.format(count=say.number(MOST_CHANGES))),
        (HEALTH, say("Findings"), see.format(sheet=title(HEALTH))),
    ]
    rows += [(item, written[key], note) for key, item, note in counted if key in written]
    in_remarks = say("See the column {column} of {sheet}")
    rows += [
        (
            say("Procedures with remarks"),
            adjust.remarked,
            in_remarks.format(column=inventory.title("Remarks"), sheet=title(PROCEDURES)),
        ),
        (
            say("Characters replaced"),
            adjust.replaced,
            say("Excel can't hold them, or they deceive readers"),
        ),
        (
            say("Texts cut"),
            adjust.cut,
            say("Longer than the {count} characters of a cell").format(
                count=say.number(EXCEL_CELL_CHARACTERS)
            ),
        ),
        (say("Links shown as text"), adjust.unsafe_links, say("Not a plain web address")),
        (
            say("Links beyond Excel's limit"),
            adjust.surplus_links,
            say("{count} on a sheet").format(count=say.number(EXCEL_LINKS_PER_SHEET)),
        ),
        (
            say("Rows beyond Excel's limit"),
            adjust.surplus_rows,
            say("{count} on a sheet").format(count=say.number(EXCEL_ROWS)),
        ),
        (say("Time zone"), inventory.options.time_zone, say("All times in this workbook")),
        (
            say("Made by"),
            f"klarify-xl {__version__}",
            say("Text from Klarify is never a formula here"),
        ),
    ]
    return Sheet(
        name=ABOUT,
        table="About",
        identity=("Item",),
        columns=(
            inventory.column("Item", width=30),
            inventory.column("Value", "mixed", 44),
            inventory.column("Explanation", "mixed", 62),
        ),
        rows=tuple(rows),
        description=say("The receipt of the refresh that this workbook shows."),
    )


def _receipt_rows(say: Language, receipt: Refresh) -> list[tuple[str, Cell, str | None]]:
    return [
        (
            say("Data as of"),
            receipt.finished_at,
            say(
                "The last refresh that found something new; "
                "`klarify-xl check` tells of the last one"
            ),
        ),
        (say("Refresh number"), receipt.id, _kind(say, receipt)),
        (
            say("Watermark"),
            receipt.watermark,
            say("The newest change in Klarify that the data covers"),
        ),
        (say("Counted by the API"), receipt.total_count, None),
        (say("Listed by the API"), receipt.listed - receipt.kept, None),
        (
            say("Is the list complete?"),
            _completeness(say, receipt),
            say("As far as the API lets anyone tell"),
        ),
        (say("Added"), receipt.added, say("Since the refresh before")),
        (say("Changed"), receipt.changed, say("Since the refresh before")),
        (
            say("No longer listed"),
            receipt.removed,
            say("Deleted, hidden from the key, or unpublished"),
        ),
        (say("Listed again"), receipt.returned, say("Since the refresh before")),
    ]


def _kind(say: Language, receipt: Refresh) -> str:
    words = (
        say("A full one, with {count} requests")
        if receipt.mode == "full"
        else say("An incremental one, with {count} requests")
    )
    return words.format(count=say.number(receipt.requests))


def _completeness(say: Language, receipt: Refresh) -> str:
    """Say what is known to be missing or in doubt."""
    gaps = [
        (receipt.shortfall, say("{count} counted but not listed, twice the same")),
        (receipt.quarantined, say("{count} left out, without a usable id")),
        (receipt.kept, say("{count} not listed, but not proven gone, and kept")),
    ]
    told = [words.format(count=say.number(number)) for number, words in gaps if number]
    if not told:
        return say("Yes: counted and listed are the same")
    return say("NO: {gaps}").format(gaps="; ".join(told))
