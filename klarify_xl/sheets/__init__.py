"""What each sheet shows: from the store's rows to a plan of the workbook."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from klarify_xl import __version__, graph
from klarify_xl.model import Procedure
from klarify_xl.plan import Board, Plan, Sheet
from klarify_xl.records import Change
from klarify_xl.sheets.about import about_sheet
from klarify_xl.sheets.changes import changes_sheet
from klarify_xl.sheets.health import health_sheet
from klarify_xl.sheets.inventory import RELATIONSHIPS, Adjustments, Inventory
from klarify_xl.sheets.map import map_board
from klarify_xl.sheets.procedures import lane_totals_sheet, lanes_sheet, procedures_sheet
from klarify_xl.sheets.relationships import relationships_sheet
from klarify_xl.store import Store
from klarify_xl.text import link_target

__all__ = ["build_plan"]


def build_plan(store: Store, *, map_centre: str | None = None) -> Plan:
    """Return the workbook for what the store holds.

    Everything in it comes from the store, so that the same store gives the same plan.

    Args:
        store: The data.
        map_centre: Id or name of the procedure in the middle of the map.

    Raises:
        ConfigurationError: It isn't clear which procedure `map_centre` means.
    """
    procedures = sorted(store.procedures(), key=lambda one: (one.name.casefold(), one.name, one.id))
    inventory = Inventory(
        procedures,
        graph.relationships(procedures),
        Adjustments(),
        {procedure.id: row for row, procedure in enumerate(procedures)},
    )
    receipt = store.receipt()
    as_of = receipt.finished_at if receipt else datetime.min.replace(tzinfo=UTC)
    sheets = (
        procedures_sheet(inventory),
        lanes_sheet(inventory),
        lane_totals_sheet(inventory),
        relationships_sheet(inventory),
        changes_sheet(inventory, _history(store)),
        health_sheet(inventory, store.verified_at() or as_of),
    )
    limited = tuple(inventory.adjustments.limit(sheet) for sheet in sheets)
    organisation = _organisation(procedures)
    about = about_sheet(inventory, receipt, organisation, store.state().base_url, limited)
    return Plan(
        organisation=organisation,
        title=f"Klarify procedures of {organisation or 'an organisation'}",
        subject="Inventory of procedures, processes, subprocesses and tasks",
        made_at=as_of,
        made_by=f"klarify-xl {__version__}",
        sheets=_with_board(limited, map_board(inventory, map_centre), about),
    )


def _with_board(sheets: Sequence[Sheet], board: Board, about: Sheet) -> tuple[Sheet | Board, ...]:
    """Return all sheets in their order: the map stands beside what it is a picture of."""
    place = 1 + [sheet.name for sheet in sheets].index(RELATIONSHIPS)
    return (*sheets[:place], board, *sheets[place:], about)


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
