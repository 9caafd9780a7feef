"""What each sheet shows: from the store's rows to a plan of the workbook."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from klarify_xl import __version__, graph
from klarify_xl.language import Language
from klarify_xl.model import Procedure
from klarify_xl.options import DEFAULT_OPTIONS, Options
from klarify_xl.plan import Board, Plan, Sheet, limit_rows
from klarify_xl.records import Change, Refresh
from klarify_xl.sheets.about import about_sheet
from klarify_xl.sheets.archive import archive_sheet
from klarify_xl.sheets.arrangement import Arrangement
from klarify_xl.sheets.changes import changes_sheet
from klarify_xl.sheets.health import health_sheet
from klarify_xl.sheets.inventory import Adjustments, Inventory, shown
from klarify_xl.sheets.map import map_board
from klarify_xl.sheets.overview import overview_board
from klarify_xl.sheets.procedures import lane_totals_sheet, lanes_sheet, procedures_sheet
from klarify_xl.sheets.relationships import relationships_sheet
from klarify_xl.sheets.roles import role_matrix_board
from klarify_xl.store import Store
from klarify_xl.text import link_target

__all__ = ["build_plan", "empty_plan"]


@dataclass(frozen=True)
class _Data:
    """What a workbook is made from."""

    procedures: list[Procedure]
    changes: list[Change]
    receipt: Refresh | None
    base_url: str
    verified_at: datetime | None
    ids: frozenset[str]


def build_plan(store: Store, options: Options = DEFAULT_OPTIONS) -> Plan:
    """Return the workbook for what the store holds.

    Everything in it comes from store and options, so that the same ones give the same plan.

    Raises:
        ConfigurationError: The options ask for sheets or columns that there aren't, leave out
            what is needed, or give impossible titles.
    """
    procedures = sorted(store.procedures(), key=lambda one: (one.name.casefold(), one.name, one.id))
    data = _Data(
        procedures,
        _history(store),
        store.receipt(),
        store.state().base_url,
        store.verified_at(),
        frozenset(shown(one) for one in store.ids()),
    )
    return _planned(data, options)


def empty_plan(options: Options = DEFAULT_OPTIONS) -> Plan:
    """Return the workbook of an organisation without procedures, to see what it is made of.

    Raises:
        ConfigurationError: As for `build_plan`.
    """
    nothing = _Data([], [], None, "", None, frozenset())
    return _planned(nothing, replace(options, map_centre=""))


def _planned(data: _Data, options: Options) -> Plan:
    say = Language(options.language)
    inventory = Inventory(
        data.procedures,
        graph.relationships(data.procedures),
        Adjustments(say=say),
        {procedure.id: row for row, procedure in enumerate(data.procedures)},
        say,
        options,
    )
    as_of = data.receipt.finished_at if data.receipt else datetime.min.replace(tzinfo=UTC)
    organisation = _organisation(data.procedures)
    tables = (
        procedures_sheet(inventory),
        lanes_sheet(inventory),
        lane_totals_sheet(inventory),
        relationships_sheet(inventory),
        changes_sheet(inventory, data.changes),
        health_sheet(inventory, data.verified_at or as_of),
    )
    overview = overview_board(
        inventory,
        [limit_rows(table)[0] for table in tables],
        organisation=organisation,
        as_of=data.verified_at,
        time_zone=options.zone,
    )
    sheets: tuple[Sheet | Board, ...] = (
        overview,
        *tables[:3],
        role_matrix_board(inventory),
        tables[3],
        map_board(inventory, options.map_centre or None),
        *tables[4:],
    )
    usual = (*sheets, about_sheet(inventory, None, "", "", ()))
    arrangement = Arrangement(options, say, usual)
    arranged = arrangement.in_order(arrangement.of(sheet) for sheet in sheets)
    limit = inventory.adjustments.limit
    limited = tuple(limit(one) if isinstance(one, Sheet) else one for one in arranged)
    about = about_sheet(inventory, data.receipt, organisation, data.base_url, limited)
    title = say("Klarify procedures of {organisation}")
    return Plan(
        organisation=organisation,
        title=title.format(organisation=organisation or say("an organisation")),
        subject=say("Inventory of procedures, processes, subprocesses and tasks"),
        made_at=as_of,
        made_by=f"klarify-xl {__version__}",
        sheets=arrangement.in_order((*limited, arrangement.of(about))),
        time_zone=options.zone,
        date_format=options.date_format,
        colours=options.colours,
        page_header=say("Data as of {moment}").format(moment=_moment(as_of, options)),
        ids=data.ids,
        archive=arrangement.table(archive_sheet(inventory)),
    )


def _moment(moment: datetime, options: Options) -> str:
    return f"{options.local(moment):%Y-%m-%d %H:%M} {options.time_zone}"


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
