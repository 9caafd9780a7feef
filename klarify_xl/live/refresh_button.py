"""The button Refresh: store first, then the open workbook, which stays as it was if that fails."""

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from klarify_xl.errors import KlarifyError, TargetError
from klarify_xl.headless import marks
from klarify_xl.live.excel import Excel, com_text
from klarify_xl.live.placing import Sheets
from klarify_xl.live.preferences import preferences_of
from klarify_xl.live.properties import write_properties
from klarify_xl.live.workbook import refuse_other, write_open_workbook
from klarify_xl.pipeline import stopped, update_store
from klarify_xl.plan import Plan
from klarify_xl.progress import OnProgress, Progress
from klarify_xl.sheets import build_plan, empty_plan
from klarify_xl.store import Store

_log = logging.getLogger(__name__)

_ESCAPE: Final = 0x1B
"""``VK_ESCAPE``"""
_IS_OR_WAS_DOWN: Final = 0x8001
"""Bits of ``GetAsyncKeyState``: the key is down now, or was since it was last asked."""


def refresh_workbook(excel: Excel, *, everything: bool = False) -> list[str]:
    """Bring the open workbook up to date with the API.

    Args:
        excel: Excel and the workbook.
        everything: Read everything again, whether or not it is due.

    Returns:
        What could not be kept as it was, in sentences.

    Raises:
        KlarifyError: One of the errors of `klarify_xl.errors`; until all is read the workbook is
            as it was.
    """
    preferences = preferences_of(excel.workbook)
    options = preferences.options()
    Sheets(excel.workbook).check(empty_plan(options))
    found = preferences.access_key()
    settings = preferences.settings
    with Store(settings.store) as store, store.exclusive():
        known = store.last_refresh()
        try:
            # What was pressed earlier doesn't count.
            is_escape_pressed(excel)
            update_store(store, settings, found, full=everything, on_progress=_reading(excel))
        except KeyboardInterrupt:
            raise stopped(stored=store.last_refresh() != known) from None
        excel.show_status("Klarify: planning …")
        plan = build_plan(store, options)
    refuse_other(excel.workbook, plan.organisation)
    return _write(excel, plan, everything=everything)


def _write(excel: Excel, plan: Plan, *, everything: bool) -> list[str]:
    """Write a plan, with a copy of the workbook beside in case Excel fails on the way."""
    with excel.quiet(), _copy_kept(excel.workbook) as copy:
        try:
            lost = write_open_workbook(
                plan, excel.workbook, everything=everything, on_progress=_writing(excel)
            )
        except Exception as error:
            _log.exception("The workbook could not be written")
            reason = str(error) if isinstance(error, KlarifyError) else com_text(error)
            reason = reason or type(error).__name__
            raise TargetError(
                f"Excel stopped the refresh while it was written: {reason}",
                hint=f"Refresh again, or close the workbook without saving. As it was before, it "
                f"stands in {copy}."
                if copy
                else "Refresh again, or close the workbook without saving.",
            ) from error
    # Worksheet functions are not volatile, and have no precedents that Excel knows of.
    excel.application.CalculateFull()
    return lost


@contextlib.contextmanager
def _copy_kept(workbook: Any) -> Iterator[Path | None]:  # noqa: ANN401
    """Give a copy of the open workbook that is removed unless something fails."""
    name = str(workbook.Name)
    suffix = Path(name).suffix or ".xlsx"
    copy = Path(tempfile.mkdtemp(prefix="klarify-xl-")) / f"{Path(name).stem}{suffix}"
    # Without a copy the refresh is still worth it.
    with contextlib.suppress(Exception):
        workbook.SaveCopyAs(str(copy))
    yield copy if copy.exists() else None
    shutil.rmtree(copy.parent, ignore_errors=True)


def note_failure(excel: Excel, message: str) -> None:
    """Let the ribbon say that the last refresh failed, and why; nothing else is touched.

    Args:
        excel: Excel and the workbook.
        message: What went wrong.
    """
    with contextlib.suppress(Exception):
        was_saved = excel.workbook.Saved
        write_properties(excel.workbook, {marks.RESULT_MARK: message})
        # A person who changed nothing is not to be asked whether to save.
        excel.workbook.Saved = was_saved


def _reading(excel: Excel) -> OnProgress:
    def tell(progress: Progress) -> None:
        if is_escape_pressed(excel):
            raise KeyboardInterrupt
        total = f" of {progress.total:,}" if progress.total else ""
        excel.show_status(
            f"Klarify: {progress.stage.lower()}, {progress.done:,}{total} (Esc stops)"
        )

    return tell


def _writing(excel: Excel) -> OnProgress:
    def tell(progress: Progress) -> None:
        share = f" ({progress.done / progress.total:.0%})" if progress.total else ""
        excel.show_status(f"Klarify: {progress.stage.lower()}{share}")

    return tell


def is_escape_pressed(excel: Excel) -> bool:
    """Tell whether Esc was pressed in Excel since this was last asked.

    Excel can't tell: it waits for us, and hands no keys on.

    Args:
        excel: Excel.
    """
    try:
        import win32api  # type: ignore[import-untyped]  # noqa: PLC0415 -- only there on Windows
        import win32gui  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        return False
    is_pressed = bool(win32api.GetAsyncKeyState(_ESCAPE) & _IS_OR_WAS_DOWN)
    return is_pressed and win32gui.GetForegroundWindow() == excel.application.Hwnd
