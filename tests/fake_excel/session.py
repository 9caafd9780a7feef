"""A test's Excel: a workbook opened in the fake, and xlwings' real Windows code above it."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest import mock

from tests.excel import as_on_windows

from .application import Application
from .com import Call, ComObject
from .core import Core
from .errors import ComError, refused
from .export import export
from .loading import loaded
from .model import BookModel, SheetModel
from .windows import Window
from .workbook import Workbook
from .worksheet import Worksheet

FOLDER = "C:\\Users\\somebody\\Documents"
OK = 1


class Message(NamedTuple):
    """A message box, as win32api.MessageBox was asked to show it."""

    text: str
    title: str
    style: int


class FakeExcel:
    """What a test sees of the fake.

    Attributes:
        core: The state below all objects.
        book: The workbook as plain data; change it for what a person does meanwhile.
        application: Excel's Application object.
        workbook: The Workbook object.
        messages: Message boxes that were shown.
        answers: What is pressed in the next ones: 1 OK, 2 Cancel, 6 Yes, 7 No; then OK.
        xlwings: The module, as on Windows.
    """

    def __init__(self, core: Core, book: BookModel) -> None:
        self.core = core
        self.book = book
        self.application: Any = core.application
        self.workbook: Any = Workbook(core, book)
        self.messages: list[Message] = []
        self.answers: list[int] = []
        self.xlwings: Any = None

    @property
    def calls(self) -> list[Call]:
        """All calls of methods and settings of properties, in order."""
        return self.core.recorder.calls

    def sheet(self, name: str) -> SheetModel:
        """Return a sheet as plain data."""
        found = self.book.sheet(name)
        assert found, name
        return found

    def worksheet(self, name: str) -> Any:
        """Return a Worksheet object."""
        return Worksheet(self.core, self.sheet(name))

    def values(self, name: str) -> list[tuple[Any, ...]]:
        """Return a sheet's cells from A1 on, as Value2 has them."""
        used = self.sheet(name).used()
        rows = range(1, used.bottom + 1)
        cells = self.sheet(name).cells
        return [
            tuple(
                cell.value if (cell := cells.get((row, column))) else None
                for column in range(1, used.right + 1)
            )
            for row in rows
        ]

    def first(self, wanted: Callable[[Call], bool] | str) -> int:
        """Return the number of the first call that is wanted, by its member's name if a text."""
        for number, call in enumerate(self.calls):
            if call.member == wanted if isinstance(wanted, str) else wanted(call):
                return number
        raise AssertionError(f"nothing like {wanted} was called")

    def busy(self, calls: int = -1, *, as_unknown_member: bool = False) -> None:
        """Reject the next calls, or all until 0 is given, as Excel does in a dialog."""
        self.core.recorder.busy = calls
        self.core.recorder.lost_names = as_unknown_member

    def edit_a_cell(self, *, edited: bool = True) -> None:
        """Refuse settings of properties, as Excel does while a cell is being edited."""
        self.core.recorder.editing = edited

    def fail_at(self, number: int, error: BaseException | None = None) -> None:
        """Let a call fail, by its number in `calls` from 0."""
        self.core.recorder.failures[number] = error or refused("It just failed.")

    def save(self, file: Path) -> Path:
        """Write the workbook as .xlsx for other readers."""
        export(self.book, file)
        return file

    def _message_box(
        self, _window: Any, text: str, title: str = "", style: int = 0, *_more: Any
    ) -> int:
        self.messages.append(Message(text, title, style))
        return self.answers.pop(0) if self.answers else OK


class _AsWindows(ModuleType):
    """The module sys, but for what system it is; only xlwings sees it."""

    platform = "win32"

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


def opened(file: Path, *, name: str | None = None, path: str = FOLDER) -> FakeExcel:
    """Return an Excel that has opened a file, without xlwings."""
    core = Core()
    book = loaded(file, path=path)
    book.name = name or file.name
    core.books.append(book)
    core.active = book
    core.application = Application(core)
    return FakeExcel(core, book)


@contextmanager
def excel_with(
    file: Path, *, touched: tuple[str, ...] = ("klarify_xl.live", "klarify_xl.udfs"), **options: Any
) -> Iterator[FakeExcel]:
    """Open a workbook in an Excel in which RunPython runs.

    Within, ``xlwings.Book.caller()`` is the workbook, found as RunPython has it found: by the
    command line's ``--hwnd`` and ``--wb``, below xlwings' wrapper that retries.

    Args:
        file: The workbook.
        touched: Modules that import xlwings or pywin32 and are imported anew.
        options: `name` and `path` of the workbook, if they are to differ from the file's.
    """
    excel = opened(file, **options)
    window = Window(excel.core, excel.book)
    with as_on_windows(*touched, arrange=lambda modules: _stand_in(modules, excel)):
        excel.xlwings = sys.modules["xlwings"]
        windows: Any = sys.modules["xlwings._xlwindows"]
        windows._PyCom_PyObjectFromIUnknown = lambda *_arguments: window
        windows.windll.user32.GetWindow.return_value = 0
        for known, module in list(sys.modules.items()):
            if known.partition(".")[0] == "xlwings" and getattr(module, "sys", None) is sys:
                module.sys = _AsWindows("sys")  # type: ignore[attr-defined]  # any module may have it
        handle = excel.application.Hwnd
        line = [sys.argv[0], "--from_xl=1", "--app=", f"--wb={excel.book.name}", f"--hwnd={handle}"]
        with mock.patch.object(sys, "argv", line), _spared():
            yield excel


@contextmanager
def _spared() -> Iterator[None]:
    """Keep the garbage collector from going through all cells again and again."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _stand_in(modules: dict[str, Any], excel: FakeExcel) -> None:
    """Give pywin32's modules the fake's classes."""
    client = modules["win32com.client"]
    client.CDispatch = ComObject
    modules["win32com.client.dynamic"].CDispatch = ComObject
    modules["pywintypes"].com_error = ComError
    modules["pythoncom"].com_error = ComError
    modules["pythoncom"].ole_error = ComError
    modules["win32api"].MessageBox = excel._message_box
    modules["win32gui"].FindWindowEx = lambda *_arguments: 1
    modules["win32gui"].MessageBox = excel._message_box
    for name in ("ABORTRETRYIGNORE", "OK", "OKCANCEL", "RETRYCANCEL", "YESNO", "YESNOCANCEL"):
        values = {"OK": 0, "OKCANCEL": 1, "ABORTRETRYIGNORE": 2, "YESNOCANCEL": 3, "YESNO": 4}
        setattr(modules["win32con"], f"MB_{name}", values.get(name, 5))
    for name, value in {"ICONERROR": 16, "ICONQUESTION": 32, "ICONWARNING": 48}.items():
        setattr(modules["win32con"], f"MB_{name}", value)
    modules["win32con"].MB_ICONINFORMATION = 64
    for number, name in enumerate(
        ("IDOK", "IDCANCEL", "IDABORT", "IDRETRY", "IDIGNORE", "IDYES", "IDNO"), 1
    ):
        setattr(modules["win32con"], name, number)
    client.Dispatch = lambda found, *_arguments, **_named: found
    client.GetActiveObject = lambda _name: excel.application
