"""What each sheet shows: from the store's rows to a plan of the workbook."""

from contextlib import nullcontext
from typing import Final

from klarify_xl import __version__
from klarify_xl.plan import Plan, Sheet
from klarify_xl.sheets.about import about_sheet
from klarify_xl.sheets.changes import changes_sheet
from klarify_xl.sheets.contents import Contents, read_contents
from klarify_xl.sheets.health import health_sheet
from klarify_xl.sheets.inventory import Adjustments, Inventory, shown
from klarify_xl.sheets.procedures import lane_totals_sheet, lanes_sheet, procedures_sheet
from klarify_xl.sheets.relationships import relationships_sheet
from klarify_xl.store import Store
from klarify_xl.text import whole_texts

__all__ = ["build_plan", "plan_contents", "read_contents"]

_TITLE_CHARACTERS: Final = 100
"""Characters of a part's name in the document's title, of which Excel shows 255 at most."""


def build_plan(store: Store, *, limited: bool = True) -> Plan:
    """Return the workbook for what the store holds.

    Everything in it comes from the store, so that the same store gives the same plan.

    Args:
        store: What to show.
        limited: Whether to keep within Excel's limits for texts, links and rows.
    """
    contents = read_contents(store)
    with nullcontext() if limited else whole_texts():
        return plan_contents(contents, limited=limited)


def plan_contents(contents: Contents, *, limited: bool = True) -> Plan:
    """Return the workbook for what was read, be it all of an organisation or a part.

    Args:
        contents: What to show.
        limited: Whether to keep within Excel's limits for links and rows.
    """
    inventory = Inventory(
        contents.procedures,
        contents.relationships,
        Adjustments(),
        {procedure.id: row for row, procedure in enumerate(contents.procedures)},
    )
    sheets: tuple[Sheet, ...] = (
        procedures_sheet(inventory),
        lanes_sheet(inventory),
        lane_totals_sheet(inventory),
        relationships_sheet(inventory),
        changes_sheet(inventory, contents.changes),
        health_sheet(inventory, contents.findings),
    )
    if limited:
        sheets = tuple(inventory.adjustments.limit(sheet) for sheet in sheets)
    about = about_sheet(inventory, contents, sheets)
    whose = f"Klarify procedures of {contents.organisation or 'an organisation'}"
    part = " ".join(shown(contents.part).split())[:_TITLE_CHARACTERS]
    return Plan(
        organisation=contents.organisation,
        title=f"{whose}: {part}" if part else whose,
        subject="Inventory of procedures, processes, subprocesses and tasks",
        made_at=contents.as_of,
        made_by=f"klarify-xl {__version__}",
        sheets=(*sheets, about),
    )
