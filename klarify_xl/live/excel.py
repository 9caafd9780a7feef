"""Excel at work: how it is reached, waited for while it is busy, and kept quiet while we write."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from klarify_xl.errors import ConfigurationError, TargetLockedError
from klarify_xl.excel_setup import check_xlwings

TITLE: Final = "Klarify"
"""Title of all windows of ours."""

PATIENCE: Final = 15.0
"""Seconds that Excel may go on rejecting a call before a person is told."""

_PATIENCE_FOR_NAMES: Final = 2.0
"""Seconds that a member of an object may stay unknown."""

_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5
_BUSY: Final = {-2147418111, -2147417846}
"""RPC_E_CALL_REJECTED and RPC_E_SERVERCALL_RETRYLATER (MS-ERREF 2.1)."""

_IGNORED: Final = -2146777998
"""VBA_E_IGNORE, which Excel gives while a cell is being edited."""

_MANUAL: Final = -4135
"""``xlCalculationManual``"""

_QUIET: Final[tuple[tuple[str, Any], ...]] = (
    ("ScreenUpdating", False),
    ("EnableEvents", False),
    ("DisplayAlerts", False),
    ("Calculation", _MANUAL),
)


class Patient:
    """An object of Excel's that is asked again for a while when Excel is busy.

    xlwings asks again at once and, unless told otherwise, for ever.

    Args:
        inner: The object, as xlwings gives it.
    """

    __slots__ = ("_inner",)

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 -- an object of Excel's
        object.__setattr__(self, "_inner", inner)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return _wrapped(_tried(lambda: getattr(self._inner, name)))

    def __setattr__(self, name: str, value: object) -> None:
        _tried(lambda: setattr(self._inner, name, _bare(value)))

    def __call__(self, *arguments: object, **named: object) -> Any:  # noqa: ANN401
        """Call a method."""
        given = [_bare(one) for one in arguments]
        known = {name: _bare(one) for name, one in named.items()}
        return _wrapped(_tried(lambda: self._inner(*given, **known)))


def _wrapped(value: Any) -> Any:  # noqa: ANN401
    """Return a value as it is, an object or a method of Excel's in our wrapping."""
    if value is None or isinstance(value, bool | int | float | str | tuple | list | Patient):
        return value
    return Patient(value) if callable(value) or hasattr(value, "_oleobj_") else value


def _bare(value: Any) -> Any:  # noqa: ANN401
    return object.__getattribute__(value, "_inner") if isinstance(value, Patient) else value


def _tried(call: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Return what a call gives, after asking again for as long as Excel is busy.

    Raises:
        TargetLockedError: It stays busy.
    """
    began = time.monotonic()
    pause = _FIRST_PAUSE
    while True:
        try:
            return call()
        except Exception as error:
            waited = time.monotonic() - began
            if isinstance(error, AttributeError) and waited < _PATIENCE_FOR_NAMES:
                # pywin32 knows no names while it can't ask Excel for them.
                pass
            elif not is_busy(error):
                raise
            elif waited > PATIENCE:
                raise TargetLockedError(
                    "Excel is busy: a cell is being edited, or a dialog is open.",
                    hint="Finish it with Enter or Esc, and try again.",
                ) from None
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def is_busy(error: Exception) -> bool:
    """Tell whether an error says that Excel has no time now."""
    code, _text, details = _parts(error)
    return code in _BUSY or bool(details and details[-1] == _IGNORED)


def com_text(error: Exception) -> str:
    """Return what Excel says of a call that failed, or "" if it is no such error."""
    _code, text, details = _parts(error)
    source_and_text = 3
    said = details[2] if details and len(details) >= source_and_text else ""
    return str(said or text or "").strip()


def _parts(error: Exception) -> tuple[Any, Any, Any]:
    """Return number, text and details of a call that failed, or nothing in their place."""
    try:
        import pywintypes  # type: ignore[import-untyped]  # noqa: PLC0415 -- only on Windows
    except ImportError:
        return None, None, None
    if not isinstance(error, pywintypes.com_error):
        return None, None, None
    # Then comes which argument was wrong.
    code, text, details = (*error.args, None, None, None)[:3]
    return code, text, details


_WARNING_IN_FRONT: Final = 0x30 | 0x10000
"""``MB_ICONWARNING`` and ``MB_SETFOREGROUND``"""


@dataclass(frozen=True)
class Excel:
    """The running Excel and the workbook whose button was pressed.

    Attributes:
        application: Excel.
        workbook: The workbook.
        alert: Shows a message box: text, title, buttons (``ok``, ``ok_cancel`` or ``yes_no``) and
            icon (``info`` or ``critical``) in, the button that was pressed out.
    """

    application: Any
    workbook: Any
    alert: Callable[[str, str, str, str], str]

    @property
    def language(self) -> str:
        """Office's language, as far as we speak it: ``de`` or ``en``."""
        # 2 is msoLanguageIDUI; the lower ten bits tell the language in whatever country.
        try:
            number = int(self.application.LanguageSettings.LanguageID(2))
        except Exception:  # noqa: BLE001 -- an Excel without these settings speaks English to us
            return "en"
        return "de" if number & 0x3FF == 7 else "en"  # noqa: PLR2004 -- LANG_GERMAN (MS-LCID)

    def show_status(self, text: str | None) -> None:
        """Show a text in the status bar; None gives the bar back to Excel."""
        # What fails here must not stop what matters.
        with contextlib.suppress(Exception):
            self.application.StatusBar = False if text is None else text

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Let Excel neither draw nor calculate nor run macros, and give all that back after."""
        # Else inserted rows would be those that a person has just copied or cut.
        self.application.CutCopyMode = False
        before = [(name, getattr(self.application, name)) for name, _value in _QUIET]
        try:
            for name, value in _QUIET:
                setattr(self.application, name, value)
            yield
        finally:
            for name, value in reversed(before):
                with contextlib.suppress(Exception):
                    setattr(self.application, name, value)


def connect() -> Excel:
    """Return the Excel that runs us, once it has time.

    Raises:
        TargetLockedError: It stays busy.
        ConfigurationError: This is a Mac, or xlwings is of another version than the workbook's.
    """
    if sys.platform == "darwin":
        raise ConfigurationError(
            "Buttons work in Excel for Windows only.",
            hint="On a Mac close the workbook, run `klarify-xl refresh --out FILE` in a terminal, "
            "and open it again.",
        )
    check_xlwings()
    import xlwings  # noqa: PLC0415 -- only there where Excel is

    # It would ask again without a pause, and without an end.
    sys.modules["xlwings._xlwindows"].N_COM_ATTEMPTS = 1  # type: ignore[attr-defined]
    book = _tried(xlwings.Book.caller)

    def alert(text: str, title: str, buttons: str, icon: str) -> str:
        return str(book.app.alert(text, title, buttons, icon))

    workbook = Patient(book.api)
    return Excel(workbook.Application, workbook, alert)


def warn(text: str) -> bool:
    """Show a message without Excel's help, since it has no time.

    Returns:
        Whether that is possible here.
    """
    try:
        import win32api  # type: ignore[import-untyped]  # noqa: PLC0415 -- only there on Windows
    except ImportError:
        return False
    win32api.MessageBox(0, text, TITLE, _WARNING_IN_FRONT)
    return True
