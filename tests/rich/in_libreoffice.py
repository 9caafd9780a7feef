"""Works in a workbook with LibreOffice: python in_libreoffice.py FILE OUT WHAT PROFILE.

WHAT is done to it, and it is saved as OUT; for ``macros`` OUT lists the macros to call as JSON, for
``cells`` formulas with the rows and columns that they fill, and is replaced by what they give.

Run by a Python that has LibreOffice's own `uno`, seldom the one that runs the tests.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import uno  # type: ignore[import-not-found]  # comes with LibreOffice
from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]  # so does this
from com.sun.star.table import CellRangeAddress  # type: ignore[import-not-found]

TEXT, ERROR = 2, 4
"""com.sun.star.sheet.FormulaResult"""


def option(name: str, value: Any) -> Any:
    made = PropertyValue()
    made.Name, made.Value = name, value
    return made


def connected(pipe: str) -> Any:
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", local
    )
    for _ in range(300):
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except Exception:  # noqa: BLE001 -- its classes exist only after connecting
            time.sleep(0.1)
    sys.exit("LibreOffice did not start")


def width(sheet: Any) -> int:
    """Return the number of titles in a sheet's first row."""
    return next(at for at in range(100) if not sheet.getCellByPosition(at, 0).getString())


def edit(document: Any) -> None:
    """Type notes beside Procedures, hide a row, and add a sheet."""
    sheet = document.Sheets.getByName("Procedures")
    beside = width(sheet)
    sheet.getCellByPosition(beside, 0).setString("Office note")
    for row in range(1, 31, 2):
        identity = sheet.getCellByPosition(0, row).getString()
        sheet.getCellByPosition(beside, row).setString(f"office {identity}")
    sheet.Rows.getByIndex(6).IsVisible = False
    document.Sheets.insertNewByName("Office", document.Sheets.Count)
    own = document.Sheets.getByName("Office")
    own.getCellRangeByName("A1").setString("typed in LibreOffice")
    own.getCellRangeByName("A2").setFormula("=COUNTA($Procedures.A2:A31)")


def pivot(document: Any) -> None:
    """Count procedures by status in a pivot table on a sheet of its own."""
    document.Sheets.insertNewByName("Pivot", document.Sheets.Count)
    own = document.Sheets.getByName("Pivot")
    tables = own.DataPilotTables
    descriptor = tables.createDataPilotDescriptor()
    source = CellRangeAddress()
    source.Sheet = document.Sheets.ElementNames.index("Procedures")
    source.EndColumn = width(document.Sheets.getByName("Procedures")) - 1
    source.EndRow = 30
    descriptor.setSourceRange(source)
    fields = descriptor.DataPilotFields
    fields.getByName("Status").Orientation = uno.Enum(
        "com.sun.star.sheet.DataPilotFieldOrientation", "ROW"
    )
    count = fields.getByName("ID")
    count.Orientation = uno.Enum("com.sun.star.sheet.DataPilotFieldOrientation", "DATA")
    count.Function = uno.Enum("com.sun.star.sheet.GeneralFunction", "COUNT")
    tables.insertNewByName("ByStatus", own.getCellByPosition(0, 2).CellAddress, descriptor)


def macros(document: Any, calls: Path) -> None:
    """Call macros, which are given by module, name and arguments."""
    provider = document.getScriptProvider()
    results = []
    for name, arguments in json.loads(calls.read_text(encoding="utf-8")):
        address = f"vnd.sun.star.script:VBAProject.{name}?language=Basic&location=document"
        results.append(provider.getScript(address).invoke(tuple(arguments), (), ())[0])
    calls.write_text(json.dumps(results), encoding="utf-8")


def cells(document: Any, formulas: Path) -> None:
    """Enter formulas on a sheet of their own, one after the other, as array formulas."""
    document.Sheets.insertNewByName("Asked", document.Sheets.Count)
    sheet = document.Sheets.getByName("Asked")
    results = []
    top = 0
    for formula, rows, columns in json.loads(formulas.read_text(encoding="utf-8")):
        area = sheet.getCellRangeByPosition(0, top, columns - 1, top + rows - 1)
        area.setArrayFormula(formula)
        document.calculateAll()
        results.append(
            [[shown(area, row, column) for column in range(columns)] for row in range(rows)]
        )
        top += rows + 1
    formulas.write_text(json.dumps(results), encoding="utf-8")


def shown(area: Any, row: int, column: int) -> Any:
    """Return a cell's value; an error as a list with the text that is shown."""
    cell = area.getCellByPosition(column, row)
    if cell.FormulaResultType2 == ERROR:
        return [cell.getString()]
    return cell.getString() if cell.FormulaResultType2 == TEXT else cell.getValue()


def main() -> None:
    file, out, what, profile = sys.argv[1:5]
    pipe = f"klarify{time.time_ns()}"
    command = ["soffice", f"-env:UserInstallation={Path(profile).as_uri()}", "--headless"]
    office = subprocess.Popen(
        [*command, "--norestore", "--invisible", f"--accept=pipe,name={pipe};urp;"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        desktop = connected(pipe).ServiceManager.createInstance("com.sun.star.frame.Desktop")
        # com.sun.star.document.MacroExecMode: never, or always without asking
        trust = option("MacroExecutionMode", 4 if what in {"macros", "cells"} else 0)
        hidden = (option("Hidden", True), trust)
        document = desktop.loadComponentFromURL(Path(file).as_uri(), "_blank", 0, hidden)
        if what in {"macros", "cells"}:
            {"macros": macros, "cells": cells}[what](document, Path(out))
        else:
            {"edit": edit, "pivot": pivot}[what](document)
            saved = (option("FilterName", "Calc MS Excel 2007 XML"),)
            document.storeToURL(Path(out).as_uri(), saved)
        document.close(True)
        # The connection ends with the office.
        with contextlib.suppress(Exception):
            desktop.terminate()
        office.wait(30)
    finally:
        if office.poll() is None:
            # The program that was started is only the one that starts LibreOffice itself.
            os.killpg(office.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
