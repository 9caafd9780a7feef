"""The open workbook in Excel: what the ribbon's buttons run, each without arguments.

Here errors become messages that a person sees; nothing else does that while Excel is open.
"""

import logging
from collections.abc import Callable
from functools import partial

from klarify_xl.errors import CancelledError, KlarifyError
from klarify_xl.language import Language, Phrase
from klarify_xl.live import buttons
from klarify_xl.live.excel import TITLE, Excel, com_text, connect, warn
from klarify_xl.live.refresh_button import note_failure, refresh_workbook

_log = logging.getLogger(__name__)


def refresh() -> None:
    """Bring the open workbook up to date."""
    _run(_refresh)


def refresh_everything() -> None:
    """Bring the open workbook up to date after reading everything again."""
    _run(partial(_refresh, everything=True))


def show_changes() -> None:
    """Go to the sheet with all changes."""
    _run(partial(buttons.show_table, name="Changes"))


def show_health() -> None:
    """Go to the sheet with gaps and contradictions."""
    _run(partial(buttons.show_table, name="Health"))


def open_in_klarify() -> None:
    """Open the page of the procedure whose row is selected."""
    _run(buttons.open_selected)


def add_notes_column() -> None:
    """Add a column for notes to the table of the active sheet."""
    _run(buttons.add_notes)


def set_access_key() -> None:
    """Ask for the access key, and keep it in the keyring."""
    _run(buttons.enter_key)


def choose_organisation() -> None:
    """Tell whose procedures the workbook shows, and take another address."""
    _run(buttons.choose_organisation)


def edit_options() -> None:
    """Open the file that says how workbooks are to look."""
    _run(lambda _excel: buttons.edit_options())


def show_help() -> None:
    """Show the manual."""
    _run(lambda _excel: buttons.show_manual())


def _refresh(excel: Excel, *, everything: bool = False) -> None:
    try:
        lost = refresh_workbook(excel, everything=everything)
    except CancelledError:
        raise
    except KlarifyError as error:
        note_failure(excel, str(error))
        raise
    if lost:
        excel.alert("\n".join(lost), TITLE, "ok", "info")


def _run(work: Callable[[Excel], object]) -> None:
    """Do a button's work; what goes wrong is told in a message.

    A workbook's VBA would show what leaves here with its traceback.
    """
    try:
        excel = connect()
    except KlarifyError as error:
        if not warn(f"{error}\n\n{error.hint}"):
            raise
        return
    try:
        work(excel)
    except KlarifyError as error:
        _tell(excel, str(error), error.hint)
    except Exception as error:  # noqa: BLE001 -- a ribbon is no place for a traceback
        _log.exception("Unexpected error")
        reason = com_text(error) or type(error).__name__
        say = Language(excel.language)
        text = say(Phrase("Something unexpected happened: {reason}", reason=reason))
        _tell(excel, text, say(Phrase("Please report it, with what you did before.")))
    finally:
        excel.show_status(None)


def _tell(excel: Excel, message: str, hint: str) -> None:
    excel.alert(f"{message}\n\n{hint}".strip(), TITLE, "ok", "critical")
