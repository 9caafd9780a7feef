"""What the buttons do besides refreshing: go to a sheet, open a page, add a column, settings."""

import subprocess
import sys
import tempfile
import webbrowser
from importlib.metadata import metadata
from pathlib import Path
from typing import Any, Final

from markdown_it import MarkdownIt

from klarify_xl.errors import ConfigurationError, TargetError
from klarify_xl.headless import marks
from klarify_xl.headless.tables import matched_titles
from klarify_xl.language import Language, Phrase
from klarify_xl.live.addresses import box_of
from klarify_xl.live.dialogs import ask
from klarify_xl.live.excel import TITLE, Excel
from klarify_xl.live.placing import Sheets
from klarify_xl.live.preferences import options_path, preferences_of
from klarify_xl.live.properties import read_property
from klarify_xl.live.reading import titles_of
from klarify_xl.options_sample import sample
from klarify_xl.os_keyring import keep_in_keyring
from klarify_xl.plan import Sheet
from klarify_xl.ribbon import NOTES_TABLES
from klarify_xl.secret import AccessKey
from klarify_xl.settings import default_store, load_settings, normalise_base_url
from klarify_xl.sheets import empty_plan
from klarify_xl.store import Store
from klarify_xl.text import link_target
from klarify_xl.workbook_names import BASE_URL_NAME, STORE_NAME

NOTES: Final = Phrase("Notes")
_NOTES_WIDTH: Final = 40
_ID: Final = "ID"
"""Key of the column with the id of what a row is about, where nothing else is said."""


def show_table(excel: Excel, name: str) -> None:
    """Go to the sheet with a table of ours.

    Args:
        excel: Excel and the workbook.
        name: Name of the table.

    Raises:
        TargetError: The workbook has no such table.
    """
    found = next((one for one in empty_plan().tables if one.table == name), None)
    placed = Sheets(excel.workbook).table(found) if found else None
    if placed is None:
        raise TargetError(
            f"This workbook has no table {name}: it was renamed or deleted.",
            hint="Refresh adds it again, unless klarify.toml leaves it out.",
        )
    worksheet, table = placed
    worksheet.Activate()
    box = box_of(table.Range)
    worksheet.Cells(box.top, box.left).Select()


def open_selected(excel: Excel) -> None:
    """Open the page of the procedure whose row is selected.

    Raises:
        TargetError: No row of a procedure is selected.
        StoreError: The store is missing or damaged.
    """
    address = _address_of(excel, _selected_id(excel))
    if address is None:
        raise TargetError(
            "The selected procedure has no page that is safe to open.",
            hint="Look for it in Klarify by its name.",
        )
    webbrowser.open(address)


def _selected_id(excel: Excel) -> str:
    """Return the id that the selected row belongs to."""
    cell = excel.application.ActiveCell
    worksheet = excel.application.ActiveSheet
    for sheet, table in _tables_on(worksheet):
        box = box_of(table.Range)
        matched = matched_titles(sheet, titles := titles_of(table))
        key = sheet.origin or _ID
        if key in matched and box.top < int(cell.Row) <= box.bottom:
            column = box.left + titles.index(matched[key])
            value = worksheet.Cells(int(cell.Row), column).Value2
            if value is not None:
                return str(value)
    raise TargetError(
        "No row of a procedure is selected.",
        hint="Select a row on the sheet Procedures, for example, and try again.",
    )


def _address_of(excel: Excel, procedure_id: str) -> str | None:
    settings = preferences_of(excel.workbook).settings
    with Store(settings.store, read_only=True) as store:
        found = store.last_seen(procedure_id)
    return link_target(found.url) if found is not None else None


def _tables_on(worksheet: Any) -> list[tuple[Sheet, Any]]:  # noqa: ANN401
    """Return the tables of ours on a sheet, with what is planned for them."""
    planned = {one.table.casefold(): one for one in empty_plan().tables}
    tables = worksheet.ListObjects
    present = [tables(number) for number in range(1, int(tables.Count) + 1)]
    return [
        (planned[str(one.Name).casefold()], one)
        for one in present
        if str(one.Name).casefold() in planned
    ]


def add_notes(excel: Excel) -> None:
    """Add a column for a person's notes at the right of the active sheet's table.

    Raises:
        TargetError: No table of ours is there, or the sheet is protected.
    """
    worksheet = excel.application.ActiveSheet
    found = [table for sheet, table in _tables_on(worksheet) if sheet.table in NOTES_TABLES]
    if not found:
        raise TargetError(
            "The active sheet has no table of Klarify's.",
            hint="Go to the sheet Procedures, for example, and try again.",
        )
    if worksheet.ProtectContents:
        raise TargetError(
            f"The sheet {worksheet.Name} is protected.",
            hint="Take off the protection under Review > Unprotect Sheet, and try again.",
        )
    table = found[0]
    taken = {title.casefold() for title in titles_of(table)}
    title = wanted = Language(excel.language)(NOTES)
    number = 1
    while title.casefold() in taken:
        number += 1
        title = f"{wanted} {number}"
    column = table.ListColumns.Add()
    column.Name = title
    box = box_of(table.Range)
    cells = worksheet.Columns(box.right)
    cells.ColumnWidth = _NOTES_WIDTH
    body = table.DataBodyRange
    if body is not None:
        rows = box_of(body)
        notes = worksheet.Range(rows.column(box.right).address)
        # New columns look like their neighbour, which may be numbers.
        notes.NumberFormat = "General"
        notes.WrapText = True
    worksheet.Cells(box.top + 1, box.right).Select()


def enter_key(excel: Excel) -> None:
    """Ask for the access key, unseen, and keep it in the operating system's keyring.

    Raises:
        ConfigurationError: There is no keyring, or the key is not usable.
    """
    say = Language(excel.language)
    address = preferences_of(excel.workbook).settings.base_url
    question = say(Phrase("Access key for {address}:", address=address))
    typed = ask(TITLE, question, hidden=True)
    if typed is None:
        return
    place = keep_in_keyring(address, AccessKey(typed))
    excel.alert(say(Phrase("The key is kept in {place}.", place=place)), TITLE, "ok", "info")


def choose_organisation(excel: Excel) -> None:
    """Tell whose procedures the workbook shows, and take another address for it.

    Raises:
        ConfigurationError: What was typed is no address.
    """
    say = Language(excel.language)
    preferences = preferences_of(excel.workbook)
    shown = read_property(excel.workbook, marks.ORGANISATION_MARK).strip("-")
    whose = say(Phrase("This workbook shows {organisation}.", organisation=shown)) if shown else ""
    question = f"{whose}\n{say(Phrase('Address of its API:'))}".strip()
    typed = ask(TITLE, question, present=preferences.settings.base_url)
    if typed is None:
        return
    address = normalise_base_url(typed)
    names = excel.workbook.Names
    usual = load_settings().base_url
    values: dict[str, str | None] = {BASE_URL_NAME: None, STORE_NAME: None}
    if address != usual:
        host = "".join(c if c.isalnum() else "-" for c in address.partition("://")[2])
        values = {
            BASE_URL_NAME: address,
            STORE_NAME: str(default_store().with_name(f"klarify-{host}.db")),
        }
    for name, value in values.items():
        _define(names, name, value)


def _define(names: Any, name: str, value: str | None) -> None:  # noqa: ANN401
    """Let a workbook hold a text under a name, or under no such name."""
    for number in range(int(names.Count), 0, -1):
        if str(names(number).Name).casefold() == name.casefold():
            names(number).Delete()
    if value is not None:
        quoted = value.replace('"', '""')
        names.Add(Name=name, RefersTo=f'="{quoted}"')


def edit_options() -> None:
    """Open the file of options in an editor, after making it where it is missing.

    Raises:
        ConfigurationError: It can't be written.
    """
    file = options_path()
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(sample(), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The file {file} can't be written ({error.strerror}).",
            hint="Allow writing to its folder, and try again.",
        ) from None
    editor = {"win32": ["notepad.exe"], "darwin": ["open", "-t"]}.get(sys.platform, ["xdg-open"])
    subprocess.Popen([*editor, str(file)])  # noqa: S603 -- an editor and a file of ours


def show_manual() -> None:
    """Show the manual, which comes with the installed package, in the browser."""
    text = metadata("klarify-xl")["Description"]
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    page = Path(tempfile.gettempdir()) / "klarify-xl-manual.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><title>klarify-xl</title>{body}', "utf-8"
    )
    webbrowser.open(page.as_uri())
