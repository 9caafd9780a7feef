"""What each sheet shows: from the store's rows to a plan of the workbook."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Final

from klarify_xl import __version__
from klarify_xl.collector import collector_paused
from klarify_xl.language import Language
from klarify_xl.options import DEFAULT_OPTIONS, Options
from klarify_xl.plan import Board, Plan, Sheet, limit_rows
from klarify_xl.sheets.about import about_sheet
from klarify_xl.sheets.archive import archive_sheet
from klarify_xl.sheets.arrangement import Arrangement
from klarify_xl.sheets.changes import changes_sheet, news
from klarify_xl.sheets.contents import Contents, read_contents
from klarify_xl.sheets.health import health_sheet
from klarify_xl.sheets.inventory import Adjustments, Inventory
from klarify_xl.sheets.map import map_board
from klarify_xl.sheets.overview import overview_board
from klarify_xl.sheets.procedures import lane_totals_sheet, lanes_sheet, procedures_sheet
from klarify_xl.sheets.relationships import relationships_sheet
from klarify_xl.sheets.roles import role_matrix_board
from klarify_xl.store import Store
from klarify_xl.text import whole_texts

__all__ = ["build_plan", "empty_plan", "plan_contents", "read_contents"]

_TITLE_CHARACTERS: Final = 100
"""Characters of a part's name in titles; Excel shows 255 of a document's title at most."""


@collector_paused()
def build_plan(store: Store, options: Options = DEFAULT_OPTIONS, *, limited: bool = True) -> Plan:
    """Return the workbook for what the store holds.

    Everything in it comes from store and options, so that the same ones give the same plan.

    Args:
        store: What to show.
        options: How it is to look.
        limited: Whether to keep within Excel's limits for texts, links and rows.

    Raises:
        ConfigurationError: The options ask for sheets or columns that there aren't, leave out
            what is needed, or give impossible titles.
    """
    contents = read_contents(store, options)
    with nullcontext() if limited else whole_texts():
        return plan_contents(contents, options, limited=limited)


def empty_plan(options: Options = DEFAULT_OPTIONS) -> Plan:
    """Return the workbook of an organisation without procedures, to see what it is made of.

    Raises:
        ConfigurationError: As for `build_plan`.
    """
    # The centre of the map is sought among procedures, of which there are none here.
    return plan_contents(Contents(), replace(options, map_centre=""))


def plan_contents(
    contents: Contents, options: Options = DEFAULT_OPTIONS, *, limited: bool = True
) -> Plan:
    """Return the workbook for what was read, be it all of an organisation or a part.

    Args:
        contents: What to show.
        options: How it is to look.
        limited: Whether to keep within Excel's limits for links and rows.

    Raises:
        ConfigurationError: As for `build_plan`.
    """
    say = Language(options.language)
    inventory = Inventory(
        contents.procedures,
        contents.relationships,
        Adjustments(say=say),
        {procedure.id: row for row, procedure in enumerate(contents.procedures)},
        say,
        options,
    )
    part = inventory.shown(say(contents.part)) if contents.part else ""
    part = " ".join(part.split())[:_TITLE_CHARACTERS]
    sheets = _sheets(inventory, contents, part)
    usual = (*sheets, about_sheet(inventory, Contents(), ()))
    arrangement = Arrangement(options, say, usual)
    # Tables first: that there is no such column is worth more than that a board lacks another.
    by_kind = sorted(sheets, key=lambda sheet: isinstance(sheet, Board))
    arranged = arrangement.in_order(arrangement.of(sheet) for sheet in by_kind)
    if limited:
        limit = inventory.adjustments.limit
        arranged = tuple(limit(one) if isinstance(one, Sheet) else one for one in arranged)
    about = arrangement.of(about_sheet(inventory, contents, arranged))
    whose = say("Klarify procedures of {organisation}").format(
        organisation=contents.organisation or say("an organisation")
    )
    return Plan(
        organisation=contents.organisation,
        title=f"{whose}: {part}" if part else whose,
        subject=say("Inventory of procedures, processes, subprocesses and tasks"),
        made_at=contents.as_of,
        made_by=f"klarify-xl {__version__}",
        sheets=arrangement.in_order((*arranged, about)),
        time_zone=options.zone,
        date_format=options.date_format,
        colours=options.colours,
        page_header=say("Data as of {moment}").format(moment=_moment(contents.as_of, options)),
        ids=frozenset(inventory.shown(one) for one in contents.ids),
        archive=arrangement.table(archive_sheet(inventory)),
        compared_at=contents.verified_at,
        listed=len(contents.procedures),
    )


def _sheets(inventory: Inventory, contents: Contents, part: str) -> tuple[Sheet | Board, ...]:
    """Return all sheets but the receipt, in their usual order."""
    refresh = contents.receipt.id if contents.receipt else 0
    tables = (
        procedures_sheet(inventory, news(inventory, contents.changes, refresh)),
        lanes_sheet(inventory),
        lane_totals_sheet(inventory),
        relationships_sheet(inventory),
        changes_sheet(inventory, contents.changes),
        health_sheet(inventory, contents.findings),
    )
    overview = overview_board(
        inventory,
        [limit_rows(table)[0] for table in tables],
        organisation=contents.organisation,
        part=part,
        as_of=contents.verified_at,
        time_zone=inventory.options.zone,
    )
    return (
        overview,
        *tables[:3],
        role_matrix_board(inventory),
        tables[3],
        map_board(inventory, inventory.options.map_centre or None),
        *tables[4:],
    )


def _moment(moment: datetime, options: Options) -> str:
    return f"{options.local(moment):%Y-%m-%d %H:%M} {options.time_zone}"
