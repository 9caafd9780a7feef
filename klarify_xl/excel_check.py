"""Drives a real Excel through what a person does with the workbook, and tells what was seen."""

import platform
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import xlwings
from openpyxl import load_workbook

from klarify_xl import udfs
from klarify_xl.check import Finding
from klarify_xl.errors import ConfigurationError, KlarifyError
from klarify_xl.headless.cells import serial
from klarify_xl.headless.target import Target, Treatment
from klarify_xl.live.buttons import add_notes
from klarify_xl.live.excel import Excel, Patient, com_text
from klarify_xl.live.refresh_button import refresh_workbook
from klarify_xl.options import DEFAULT_OPTIONS
from klarify_xl.pipeline import write_plan
from klarify_xl.plan import Plan
from klarify_xl.sheets import build_plan
from klarify_xl.store import Store
from klarify_xl.template import TEMPLATE_NAME, workbook_template
from klarify_xl.workbook_names import STORE_NAME
from klarify_xl.worksheet_values import ERROR_CODES

_SCRATCH: Final = "Functions"
_RIBBON_PART: Final = "customUI/customUI14.xml"
_NOTE: Final = "note on {}"
_SPILL_COLUMNS: Final = 30
"""Columns that are left to each function's results."""
_TOMORROW: Final = datetime.now(UTC) + timedelta(days=1)


class _NotAsExpectedError(Exception):
    """What was seen is not what was expected."""


@dataclass(frozen=True)
class Trial:
    """What Excel is tried with.

    Attributes:
        program: Excel, as its object model has it.
        folder: Where files of the trial go.
        store: The store that the workbook is refreshed through.
        edit: Lets people in Klarify rename, add and remove procedures.
    """

    program: Any
    folder: Path
    store: Path
    edit: Callable[[], None]


def start_excel() -> Any:  # noqa: ANN401 -- an object of xlwings
    """Start an Excel of our own, and return it as xlwings has it.

    Raises:
        ConfigurationError: There is none here.
    """
    try:
        return xlwings.App(visible=True, add_book=False)
    except Exception as error:  # noqa: BLE001 -- whatever Excel raises
        raise ConfigurationError(
            f"Excel can't be started ({com_text(error) or type(error).__name__}).",
            hint="Open Excel once by hand, answer what it asks, and try again.",
        ) from None


def check_excel(trial: Trial) -> Iterator[Finding]:
    """Yield what was seen of each step; a step that fails doesn't stop the next ones.

    Args:
        trial: What Excel is tried with.
    """
    yield Finding("Versions", "fine", _versions(trial.program))
    steps = _Steps(trial)
    for subject, step in (
        ("Open", steps.open),
        ("Refresh", steps.refresh),
        ("Same as file", steps.compare),
        ("Texts", steps.texts),
        ("Notes", steps.notes),
        ("Refusal", steps.refusal),
        ("Functions", steps.functions),
        ("Save", steps.save),
        ("Server", steps.refresh_without_excel),
    ):
        began = time.monotonic()
        try:
            seen = step()
        except Exception as error:  # noqa: BLE001 -- whatever Excel raises is what is looked for
            reason = str(error) if isinstance(error, KlarifyError | _NotAsExpectedError) else ""
            reason = reason or com_text(error) or f"{type(error).__name__}: {error}"
            yield Finding(subject, "broken", reason, getattr(error, "hint", ""))
            if subject == "Open":
                return
        else:
            yield Finding(subject, "fine", f"{seen} ({time.monotonic() - began:.1f} s)")


def _versions(program: Any) -> str:  # noqa: ANN401
    try:
        known = f"xlwings {version('xlwings')}"
    except PackageNotFoundError:
        known = "no xlwings"
    return (
        f"Excel {program.Version} build {program.Build}, {program.OperatingSystem}; "
        f"Python {platform.python_version()}, {known}, klarify-xl {version('klarify-xl')}"
    )


@dataclass
class _Steps:
    """The steps of a trial, each of which says what was seen."""

    trial: Trial
    file: Path = Path()
    messages: list[str] = field(default_factory=list)
    _excel: Excel | None = None

    @property
    def excel(self) -> Excel:
        """Excel and the workbook of the trial."""
        if self._excel is None:
            raise _NotAsExpectedError("The workbook is not open.")
        return self._excel

    def open(self) -> str:
        """Open the template."""
        self.file = self.trial.folder / TEMPLATE_NAME
        self.file.write_bytes(workbook_template().read_bytes())
        book = Patient(self.trial.program.Workbooks.Open(str(self.file)))

        def alert(text: str, *_more: str) -> str:
            self.messages.append(text)
            return "ok"

        self._excel = Excel(Patient(self.trial.program), book, alert)
        book.Names.Add(Name=STORE_NAME, RefersTo=f'="{self.trial.store}"')
        tables = sum(int(book.Worksheets(n).ListObjects.Count) for n in _numbers(book.Worksheets))
        _expect("tables", tables, len(self._plan_of_nothing().tables))
        return f"{book.Name} with {tables} tables"

    def refresh(self) -> str:
        """Refresh, and count the rows."""
        refresh_workbook(self.excel)
        plan = self._plan()
        for sheet in plan.tables:
            _expect(f"rows of {sheet.name}", self._rows(sheet.table), max(1, len(sheet.rows)))
        return f"{plan.listed:,} procedures"

    def compare(self) -> str:
        """Compare what Excel saved with what is written without Excel."""
        live = self._saved_copy("live.xlsm")
        without = self.trial.folder / "headless.xlsx"
        write_plan(self._plan(), Target(without), mark="-", treatment=Treatment(overwrite=True))
        cells = 0
        one, other = load_workbook(live), load_workbook(without)
        for sheet in self._plan().tables:
            for row in other[sheet.name].iter_rows():
                for wanted in row:
                    cells += 1
                    seen = one[sheet.name][wanted.coordinate]
                    where = f"{sheet.name}!{wanted.coordinate}"
                    _expect(where, _shown(seen.value), _shown(wanted.value))
                    _expect(f"format of {where}", seen.number_format, wanted.number_format)
        return f"{cells:,} cells with values and number formats"

    def texts(self) -> str:
        """Look for formulas where texts from Klarify stand."""
        for sheet in self._plan().tables:
            body = self._table(sheet.table).DataBodyRange
            if body is not None and body.HasFormula is not False:
                raise _NotAsExpectedError(f"The table {sheet.table} holds formulas.")
        return "no formula in any table"

    def notes(self) -> str:
        """Write notes, let people change things in Klarify, refresh, and look for the notes."""
        self._worksheet("Procedures").Activate()
        add_notes(self.excel)
        table = self._table("Procedures")
        ids = table.ListColumns("ID").DataBodyRange
        notes = table.ListColumns(int(table.ListColumns.Count)).DataBodyRange
        notes.Value2 = tuple((_NOTE.format(row[0]),) for row in ids.Value2)
        self.trial.edit()
        refresh_workbook(self.excel)
        ids = table.ListColumns("ID").DataBodyRange.Value2
        found = table.ListColumns(int(table.ListColumns.Count)).DataBodyRange.Value2
        wrong = [
            (row[0], note[0])
            for row, note in zip(ids, found, strict=True)
            if note[0] not in {None, _NOTE.format(row[0])}
        ]
        _expect("notes at wrong rows", wrong, [])
        kept = sum(note[0] is not None for note in found)
        return f"{kept:,} notes at their procedures"

    def refusal(self) -> str:
        """Protect a sheet, and see that nothing changes."""
        sheet = self._worksheet("Lanes")
        before = sheet.UsedRange.Value2
        sheet.Protect()
        try:
            refresh_workbook(self.excel)
        except KlarifyError as error:
            seen = str(error)
        else:
            raise _NotAsExpectedError("A protected sheet was refreshed.")
        finally:
            sheet.Unprotect()
        _expect("the sheet Lanes", sheet.UsedRange.Value2, before)
        return seen

    def functions(self) -> str:
        """Enter each worksheet function, and compare what its cell shows."""
        workbook = self.excel.workbook
        scratch = workbook.Worksheets.Add()
        scratch.Name = _SCRATCH
        first = self._table("Procedures").ListColumns("ID").DataBodyRange.Value2[0][0]
        one = f'"{first}"'
        calls: tuple[tuple[str, str, tuple[object, ...]], ...] = (
            ("KLARIFY_GET", f'{one},"Name"', (first, "Name")),
            ("KLARIFY_GET", '"no such procedure","Name"', ("no such procedure", "Name")),
            ("KLARIFY_LIST", '"draft"', ("draft",)),
            ("KLARIFY_FIND", '"process"', ("process",)),
            ("KLARIFY_COUNT", "", ()),
            ("KLARIFY_LANES", one, (first,)),
            ("KLARIFY_CALLED_WITHIN", one, (first,)),
            ("KLARIFY_CALLED_FROM", one, (first,)),
            ("KLARIFY_CALLERS", one, (first,)),
            ("KLARIFY_IMPACT", one, (first,)),
            ("KLARIFY_CHANGES", "", ()),
            ("KLARIFY_HEALTH", "", ()),
            ("KLARIFY_AGE", one, (first,)),
            ("KLARIFY_REFRESHED", "", ()),
            ("KLARIFY_AS_OF", f'TODAY()+1,{one},"Name"', (_TOMORROW, first, "Name")),
        )
        for number, (name, said, arguments) in enumerate(calls):
            cell = scratch.Cells(1, 1 + _SPILL_COLUMNS * number)
            cell.Formula2 = f"={name}({said})"
            (expected, *_row), *_rows = getattr(udfs, name)(*arguments)
            _expect(f"{name}({said})", _shown(cell.Value2), _shown(_as_cell(expected)))
        return f"{len(calls)} calls"

    def save(self) -> str:
        """Save, and look for the ribbon in the file."""
        copy = self._saved_copy("saved.xlsm")
        with zipfile.ZipFile(copy) as archive:
            if _RIBBON_PART not in archive.namelist():
                raise _NotAsExpectedError("Excel saved the workbook without its ribbon.")
        return f"{copy.stat().st_size:,} bytes with the ribbon"

    def refresh_without_excel(self) -> str:
        """Refresh what Excel saved as a server does, and open it again."""
        copy = self.trial.folder / "saved.xlsm"
        write_plan(self._plan(), Target(copy), mark="-")
        book = Patient(self.trial.program.Workbooks.Open(str(copy)))
        rows = int(book.Worksheets("Procedures").ListObjects("Procedures").ListRows.Count)
        book.Close(SaveChanges=False)
        _expect("rows of Procedures", rows, self._rows("Procedures"))
        return f"{rows:,} rows opened again"

    def _plan(self) -> Plan:
        with Store(self.trial.store, read_only=True) as store:
            return build_plan(store, DEFAULT_OPTIONS)

    def _plan_of_nothing(self) -> Plan:
        with Store(self.trial.folder / "empty.db") as store:
            return build_plan(store, DEFAULT_OPTIONS)

    def _worksheet(self, name: str) -> Any:  # noqa: ANN401
        return self.excel.workbook.Worksheets(name)

    def _table(self, name: str) -> Any:  # noqa: ANN401
        sheets = self.excel.workbook.Worksheets
        for number in _numbers(sheets):
            tables = sheets(number).ListObjects
            for at in _numbers(tables):
                if tables(at).Name == name:
                    return tables(at)
        raise _NotAsExpectedError(f"The workbook has no table {name}.")

    def _rows(self, table: str) -> int:
        return max(1, int(self._table(table).ListRows.Count))

    def _saved_copy(self, name: str) -> Path:
        copy = self.trial.folder / name
        copy.unlink(missing_ok=True)
        self.excel.workbook.SaveCopyAs(str(copy))
        return copy


def _as_cell(value: object) -> object:
    """Return what a cell holds for what a function gave."""
    if isinstance(value, str) and value.startswith(udfs.ERROR_MARK):
        codes = {error.value: code for code, error in ERROR_CODES.items()}
        return codes[value.removeprefix(udfs.ERROR_MARK)]
    if isinstance(value, datetime):
        return serial(value)
    return value


def _numbers(collection: Any) -> range:  # noqa: ANN401
    return range(1, int(collection.Count) + 1)


def _expect(what: str, seen: object, expected: object) -> None:
    if seen != expected:
        raise _NotAsExpectedError(f"{what}: {seen!r} was seen, {expected!r} was expected.")


def _shown(value: object) -> object:
    """Return a value to be compared, whoever read it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(float(value), 6)
    return "" if value is None else value
