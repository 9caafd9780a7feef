"""Lets the VBA around worksheet functions give Excel's own error values.

Python can't send them through COM (see `klarify_xl.udfs`), so they come as marked texts, and the
workbook's VBA turns those into errors, in single cells and in arrays.
"""

import re

from klarify_xl.udfs import ERROR_MARK
from klarify_xl.worksheet_values import ERROR_CODES

_CALL = re.compile(r"^(\s*\w+ = )(XLPy\.CallUDF\(.*\))$", re.MULTILINE)
_CASES = "\n".join(
    f'        Case "{error.value}": ErrorOf = CVErr({code & 0xFFFF})'
    for code, error in ERROR_CODES.items()
)
_FUNCTIONS = f"""
' Returns a result with Excel's errors where Python has sent their names, each after a mark.
Private Function WithErrors(ByVal result As Variant) As Variant
    Dim row As Long, column As Long, last As Long
    If Not IsArray(result) Then
        WithErrors = ErrorOf(result)
        Exit Function
    End If
    last = LastColumn(result)
    For row = LBound(result) To UBound(result)
        If last < 0 Then
            result(row) = ErrorOf(result(row))
        Else
            For column = LBound(result, 2) To last
                result(row, column) = ErrorOf(result(row, column))
            Next column
        End If
    Next row
    WithErrors = result
End Function

' Returns the last column of an array, or -1 if it is a single row.
Private Function LastColumn(ByRef result As Variant) As Long
    LastColumn = -1
    On Error Resume Next
    LastColumn = UBound(result, 2)
End Function

Private Function ErrorOf(ByVal value As Variant) As Variant
    ErrorOf = value
    If VarType(value) <> vbString Then Exit Function
    If Left$(value, 1) <> ChrW$({ord(ERROR_MARK)}) Then Exit Function
    Select Case Mid$(value, 2)
{_CASES}
    End Select
End Function
"""


def with_errors(wrappers: str) -> str:
    """Return the VBA that xlwings makes for the functions, with errors in place of marked texts.

    Args:
        wrappers: What ``xlwings.udfs.generate_vba_wrapper`` has written.

    Raises:
        ValueError: It calls Python in another way than expected.
    """
    changed, calls = _CALL.subn(r"\1WithErrors(\2)", wrappers)
    if calls == 0 or calls != wrappers.count("XLPy.CallUDF("):
        raise ValueError(
            "The wrappers of xlwings have changed: not every call is a line of its own."
        )
    return changed + _FUNCTIONS
