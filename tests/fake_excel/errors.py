"""The errors that COM and Excel give, as pywin32 raises them."""

from typing import Final

DISP_E_EXCEPTION: Final = -2147352567
DISP_E_UNKNOWNNAME: Final = -2147352570
DISP_E_TYPEMISMATCH: Final = -2147352571
DISP_E_BADINDEX: Final = -2147352565
DISP_E_BADPARAMCOUNT: Final = -2147352562
RPC_E_CALL_REJECTED: Final = -2147418111
"""Excel is busy: a dialog is open, or a cell is being edited."""
VBA_E_IGNORE: Final = -2146777998
"""What a property's setting gives as scode while a cell is being edited."""
ERROR_1004: Final = -2146827284
"""Excel's «application-defined or object-defined error»."""

Details = tuple[int, str | None, str | None, str | None, int, int]


class ComError(Exception):
    """pywin32's ``pywintypes.com_error``, which is also ``pythoncom.com_error``.

    Args:
        hresult: The error's number.
        strerror: What Windows says of it.
        excepinfo: What Excel says: code, source, text, help file, help topic and scode.
        argerror: Which argument was wrong.
    """

    def __init__(
        self,
        hresult: int,
        strerror: str,
        excepinfo: Details | None = None,
        argerror: int | None = None,
    ) -> None:
        super().__init__(hresult, strerror, excepinfo, argerror)
        self.hresult = hresult
        self.strerror = strerror
        self.excepinfo = excepinfo
        self.argerror = argerror


def refused(text: str = "") -> ComError:
    """Return error 1004 with what Excel says."""
    details = (0, "Microsoft Excel", text or None, "xlmain11.chm", 0, ERROR_1004)
    return ComError(DISP_E_EXCEPTION, "Exception occurred.", details)


def call_rejected() -> ComError:
    """Return what calls give while Excel is busy."""
    return ComError(RPC_E_CALL_REJECTED, "Call was rejected by callee.")


def cell_is_edited() -> ComError:
    """Return what setting a property gives while a cell is being edited."""
    details: Details = (0, None, None, None, 0, VBA_E_IGNORE)
    return ComError(DISP_E_EXCEPTION, "Exception occurred.", details)


def unknown_name() -> ComError:
    """Return what asking for the number of an unknown member gives."""
    return ComError(DISP_E_UNKNOWNNAME, "Unknown name.")


def bad_index() -> ComError:
    """Return what a collection gives for something that is not in it."""
    details = (0, None, None, None, 0, DISP_E_BADINDEX)
    return ComError(DISP_E_EXCEPTION, "Exception occurred.", details)


def bad_arguments() -> ComError:
    """Return what too many or too few arguments give."""
    return ComError(DISP_E_BADPARAMCOUNT, "Invalid number of parameters.")


def wrong_type(argument: int = 1) -> ComError:
    """Return what an argument of another type gives."""
    return ComError(DISP_E_TYPEMISMATCH, "Type mismatch.", None, argument)


def gone() -> ComError:
    """Return what an object gives whose cells, sheet or table were deleted."""
    details = (0, None, None, None, 0, -2146827864)
    return ComError(DISP_E_EXCEPTION, "Exception occurred.", details)


def protected() -> ComError:
    """Return what changing a protected sheet gives."""
    return refused("The cell or chart you're trying to change is on a protected sheet.")


def no_shift() -> ComError:
    """Return what moving a part of a table's cells gives."""
    return refused(
        "This operation is not allowed. "
        "The operation is attempting to shift cells in a table on your worksheet."
    )
