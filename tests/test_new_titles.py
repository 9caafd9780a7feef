"""What people have built on our columns follows when these get other titles."""

import re
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.styles import Font

from klarify_xl.demo import Organisation
from klarify_xl.options import Options, SheetOptions

from .lint import lint
from .rich import excel
from .rich.package import Package, main, unpacked
from .test_in_place import load_workbook_quietly, new_organisation, prepared
from .validator import objections
from .workbooks import NOW, write

NEW = Options(sheets={"Procedures": SheetOptions(titles={"Status": "State [it's #1]"})})


def test_pivot_tables_and_slicers_find_their_column(tmp_path: Path, validator: Path) -> None:
    file = prepared(excel.as_excel_saves, tmp_path, "rich.xlsx")
    before = {*lint(file), *objections(validator, file)}
    write(new_organisation(), file, options=NEW, full=True)
    assert {*lint(file), *objections(validator, file)} <= before
    assert "State [it's #1]" in [
        cell.value for cell in load_workbook_quietly(file)["Procedures"][1]
    ]
    package = Package.read(file)
    [cache] = [
        name for name in package.parts if "pivotCacheDefinition" in name and "rels" not in name
    ]
    fields = [one.get("name") for one in package.xml(cache).iter(main("cacheField"))]
    assert "State [it's #1]" in fields
    assert "Status" not in fields
    slicer = package.xml("xl/slicerCaches/slicerCache1.xml")
    assert (slicer.get("name"), slicer.get("sourceName")) == ("Slicer_Status", "State [it's #1]")


def test_formulas_on_boards_call_the_column_by_its_new_title(tmp_path: Path) -> None:
    file = tmp_path / "procedures.xlsx"
    organisation = Organisation(procedures=9, seed=7, now=NOW)
    write(organisation, file)
    workbook: Any = load_workbook(file)
    cell = workbook["Overview"]["T4"]
    cell.value, cell.font = "=COUNTA(Procedures[Status])", Font(italic=True)
    workbook.save(file)
    write(organisation, file, options=NEW, full=True)
    found = load_workbook(file)["Overview"]["T4"].value
    assert found == "=COUNTA(Procedures[State '[it''s '#1']])"
    formulas = b"".join(unpacked(file).values())
    assert not re.search(rb"Procedures\[Status\]", formulas)
    assert lint(file) == []
