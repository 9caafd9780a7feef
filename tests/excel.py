"""The real Windows code of xlwings, on any system: what it needs of Windows is stood in for.

xlwings decides by ``sys.platform`` at import time what it is. So it is imported here as if on
Windows, with empty modules in place of pywin32's, and taken out again afterwards. What stands in
for Excel are a workbook and ranges that only know what a call asks them.
"""

import asyncio
import concurrent.futures
import ctypes
import importlib
import io
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Any
from unittest import mock

MISSING = -2147352572
"""What COM passes for an argument that was left out (``DISP_E_PARAMNOTFOUND``)."""

RANGE_ID = "{00020846-0000-0000-C000-000000000046}"
PYWIN32 = (
    "pythoncom",
    "pywintypes",
    "win32api",
    "win32con",
    "win32gui",
    "win32process",
    "win32event",
    "win32timezone",
    "win32com",
    "win32com.client",
    "win32com.client.dynamic",
    "win32com.server",
    "win32com.server.dispatcher",
    "win32com.server.policy",
    "win32com.server.util",
)


class Named(types.ModuleType):
    """A module in which every name is there, as an empty class."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (Exception,), {})
        setattr(self, name, made)
        return made


class Utc:
    """The one thing that is asked of pywin32's time zones."""

    @staticmethod
    def utc() -> tzinfo:
        return UTC


class Oleobj:
    def GetTypeInfo(self) -> "Oleobj":  # noqa: N802 -- a name of COM
        return self

    def GetTypeAttr(self) -> types.SimpleNamespace:  # noqa: N802 -- a name of COM
        return types.SimpleNamespace(iid=RANGE_ID)


class Cells:
    """A range as COM hands it to a function: its value is one cell's, or rows of cells."""

    _oleobj_ = Oleobj()
    Row = Column = 1
    # xlwings asks sheet, workbook and program in turn, of which nothing is needed then.
    Worksheet = mock.MagicMock()

    def __init__(self, value: object) -> None:
        self.Value = value
        rows = value if isinstance(value, tuple) else ((value,),)
        self.Rows = types.SimpleNamespace(Count=len(rows))
        self.Columns = types.SimpleNamespace(Count=len(rows[0]))
        self.Count = len(rows) * len(rows[0])


class Workbook:
    """A workbook as COM hands it over, which may have the name KLARIFY_STORE defined.

    Args:
        full_name: Its path.
        names: What names evaluate to: a range, a text, or an error's code if not defined.
    """

    def __init__(self, full_name: str, names: dict[str, object] | None = None) -> None:
        self.FullName = full_name
        self.Name = full_name.rpartition("\\")[2]
        self.names = names or {}
        self.evaluated = 0
        self.Sheets: list[object] = []

    def Worksheets(self, _number: int) -> "Workbook":  # noqa: N802 -- a name of COM
        return self

    def Evaluate(self, name: str) -> object:  # noqa: N802 -- a name of COM
        self.evaluated += 1
        return self.names.get(name, -2146826259)


class Excel:
    """Calls the functions as Excel does, through xlwings' own server.

    Attributes:
        functions: The module klarify_xl.udfs as xlwings has loaded it.
    """

    def __init__(self, com_server: Any, udfs: Any, functions: Any) -> None:
        self._server = com_server.XLPython()
        self._udfs = udfs
        self.functions = functions
        self.workbook = Workbook("C:\\procedures.xlsm")

    def call(self, name: str, *arguments: object, workbook: Workbook | None = None) -> Any:
        """Return what a cell gets: a value, a row, or rows of values."""
        # A call brings all arguments; those left out as missing.
        known = getattr(self.functions, name).__xlfunc__["args"]
        given = [*arguments, *[MISSING] * (len(known) - len(arguments))]
        book = workbook or self.workbook
        return self._server.CallUDF("klarify_xl.udfs", name, tuple(given), book, Cells(None))

    def wrappers(self) -> str:
        """Return the VBA that xlwings makes for the functions."""
        text = io.StringIO()
        book = types.SimpleNamespace(Name="workbook.xlsm")
        self._udfs.generate_vba_wrapper("klarify_xl.udfs", self.functions, text, book)
        return text.getvalue()


def nothing_more(_modules: dict[str, Named]) -> None:
    """Leave what stands in for pywin32 as it is."""


@contextmanager
def as_on_windows(
    *names: str, arrange: Callable[[dict[str, Named]], None] = nothing_more
) -> Iterator[dict[str, Named]]:
    """Import xlwings as on Windows, and leave no trace of it.

    Args:
        names: Modules of ours that import xlwings, and so have to be imported anew as well.
        arrange: Adds to what stands in for pywin32's modules, before xlwings is imported.

    Yields:
        What stands in for pywin32's modules, by name.
    """
    _ = asyncio, concurrent.futures  # loaded before the system changes its name
    touched = ("xlwings", *names)
    kept = _taken_out(touched)
    modules = {name: Named(name) for name in PYWIN32}
    _arrange(modules)
    arrange(modules)
    try:
        with mock.patch.dict(sys.modules, modules):
            with (
                mock.patch.object(sys, "platform", "win32"),
                mock.patch.object(ctypes, "PyDLL", mock.MagicMock()),
                mock.patch.object(ctypes, "windll", mock.MagicMock(), create=True),
                mock.patch.object(ctypes, "oledll", mock.MagicMock(), create=True),
            ):
                importlib.import_module("xlwings")
                importlib.import_module("xlwings.com_server")
            try:
                yield modules
            finally:
                server: Any = sys.modules["xlwings.com_server"]
                udfs: Any = sys.modules["xlwings.udfs"]
                server.loop.close()
                udfs.com_executor.shutdown()
    finally:
        _taken_out(touched)
        for name, module in kept.items():
            sys.modules[name] = module
            above, _, last = name.rpartition(".")
            if above in sys.modules:
                setattr(sys.modules[above], last, module)


def _taken_out(touched: tuple[str, ...]) -> dict[str, types.ModuleType]:
    """Return the modules of some packages, and forget that they were imported."""
    found = [
        name
        for name in sys.modules
        if any(name == one or name.startswith(f"{one}.") for one in touched)
    ]
    for name in found:
        above, _, last = name.rpartition(".")
        if above and hasattr(sys.modules.get(above), last):
            delattr(sys.modules[above], last)
    return {name: sys.modules.pop(name) for name in found}


@contextmanager
def windows_xlwings() -> Iterator[Excel]:
    """Give the functions as Excel would call them, and leave no trace of it."""
    with as_on_windows("klarify_xl.udfs"):
        server = sys.modules["xlwings.com_server"]
        udfs: Any = sys.modules["xlwings.udfs"]
        functions = udfs.get_udf_module("klarify_xl.udfs", None)
        yield Excel(server, udfs, functions)
        functions._library.close()


def _arrange(modules: dict[str, Named]) -> None:
    """Give the empty modules the little that is called."""
    for name, module in modules.items():
        above, _, last = name.rpartition(".")
        if above:
            setattr(modules[above], last, module)
    set_on: Any = modules["pythoncom"]
    set_on.__file__ = "pythoncom.dll"
    set_on.IID_IDispatch = "dispatch"
    set_on.TypeIIDs = {"dispatch": type("PyIDispatch", (), {})}
    set_on.CoInitialize = lambda: None
    set_on = modules["pywintypes"]
    set_on.IID = str
    set_on.TimeType = datetime
    set_on.com_error = type("com_error", (Exception,), {})
    modules["win32timezone"].TimeZoneInfo = Utc  # type: ignore[attr-defined]
    set_on = modules["win32process"]
    set_on.GetWindowThreadProcessId = lambda _window: (1, 1)
    client: Any = modules["win32com.client"]
    client.Dispatch = lambda found, *_arguments, **_options: found
