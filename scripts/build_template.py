"""Builds workbook_template.xlsm from text sources: python scripts/build_template.py.

Equal sources give equal bytes. The sheets come from the workbook's plan, the ribbon and its VBA
from `klarify_xl.ribbon`, the rest of the VBA from `scripts/template` and the installed xlwings.
"""

import importlib.util
import io
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from pyopenvba import ExcelFile
from pyopenvba.cfb import CFB
from pyopenvba.vba import VBAModuleKind
from udf_descriptions import MODULE_NAME as DESCRIPTIONS
from udf_descriptions import descriptions_module
from udf_errors import with_errors

from klarify_xl.headless.macros import Macros
from klarify_xl.headless.workbook import write_workbook
from klarify_xl.ribbon import TAB
from klarify_xl.ribbon.markup import ribbon_xml
from klarify_xl.ribbon.module import MODULE_NAME, ribbon_module
from klarify_xl.sheets import empty_plan
from klarify_xl.template import TEMPLATE_NAME

ROOT: Final = Path(__file__).resolve().parent.parent
TEMPLATE: Final = ROOT / TEMPLATE_NAME
SOURCES: Final = ROOT / "scripts" / "template"

UDF_MODULE: Final = "klarify_xl.udfs"
UDF_WRAPPERS: Final = "xlwings_udfs"

MADE_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Time stamp of the template; it shows no data, so it is not the time of any."""

SETTINGS: Final[tuple[tuple[str, str | bool], ...]] = (
    ("UDF MODULES", UDF_MODULE),
    ("ADD_WORKBOOK_TO_PYTHONPATH", False),
    ("USE UDF SERVER", False),
)
"""Settings of xlwings that are the same for everybody; they win over those of user and folder."""

_NO_CACHE: Final = bytes.fromhex("CC61FFFF000000")
"""Tells readers to compile the VBA from its source (MS-OVBA 2.3.4.1)."""


def build_template() -> bytes:
    """Return the template's bytes."""
    # There is no data yet, so no time of it either.
    plan = replace(empty_plan(), made_at=MADE_AT, page_header="")
    macros = Macros(vba_project(modules()), ribbon_xml(TAB), settings_sheet())
    file = io.BytesIO()
    write_workbook(plan, file, data_mark="template", macros=macros)
    return file.getvalue()


def modules() -> dict[str, str]:
    """Return the sources of the VBA modules by name, ours first; classes begin with VERSION."""
    return {
        MODULE_NAME: ribbon_module(TAB),
        DESCRIPTIONS: descriptions_module(),
        UDF_WRAPPERS: with_errors(udf_wrappers()),
        "xlwings": _of_xlwings("xlwings.bas"),
        "Dictionary": _licensed(_of_xlwings("addin/Dictionary.cls")),
    }


def udf_wrappers() -> str:
    """Return the VBA module of the worksheet functions as xlwings makes it."""
    command = [sys.executable, str(ROOT / "scripts" / "udf_wrappers.py"), UDF_MODULE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        sys.exit(f"The wrappers of {UDF_MODULE} could not be made:\n{done.stderr}")
    return done.stdout


def _of_xlwings(name: str) -> str:
    """Return a source that the installed xlwings brings, with its notice."""
    spec = importlib.util.find_spec("xlwings")
    if spec is None or spec.origin is None:
        sys.exit("xlwings is not installed: pip install '.[test]'")
    return (Path(spec.origin).parent / name).read_text(encoding="cp1252")


def _licensed(source: str) -> str:
    """Return a class with the text of its licence, which it only names, as a comment at its end."""
    licence = (SOURCES / "Dictionary.licence.txt").read_text(encoding="ascii")
    return (
        source.rstrip("\n")
        + "\n\n"
        + "".join(f"' {line}".rstrip() + "\n" for line in licence.splitlines())
    )


def vba_project(sources: dict[str, str]) -> bytes:
    """Return the VBA project with some modules and the workbook's own one."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / TEMPLATE_NAME
        with ExcelFile.create_new(file) as workbook:
            project = workbook.vba_project()
            # Sheets need no module, and there may be any number of them.
            for name in ("Module1", "Sheet1"):
                project.delete_module(name)
            own = (SOURCES / "ThisWorkbook.cls").read_text(encoding="ascii")
            workbook.set_module("ThisWorkbook", _as_vba(own))
            for name, source in sources.items():
                is_class = source.startswith("VERSION")
                kind = VBAModuleKind.other if is_class else VBAModuleKind.standard
                project.add_module(name, _as_vba(source), kind=kind)
            workbook.save()
        with ExcelFile(file) as workbook:
            faults = workbook.validate()
        if faults:
            sys.exit("The VBA project is faulty:\n" + "\n".join(faults))
        with zipfile.ZipFile(file) as archive:
            compound = CFB.from_bytes(archive.read("xl/vbaProject.bin"))
    compound.write_stream_in_storage("VBA", "_VBA_PROJECT", _NO_CACHE)
    return compound.to_bytes()


def _as_vba(source: str) -> str:
    """Return a source with the line ends of VBA."""
    return source.replace("\r\n", "\n").replace("\n", "\r\n")


def settings_sheet() -> bytes:
    """Return the XML of the sheet with settings of xlwings: names in column A, values in B."""
    rows = "".join(
        f'<row r="{row}">{_cell(f"A{row}", value=name)}{_cell(f"B{row}", value=value)}</row>'
        for row, (name, value) in enumerate(SETTINGS, start=1)
    )
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData></worksheet>'
    ).encode()


def _cell(address: str, *, value: str | bool) -> str:
    if isinstance(value, bool):
        return f'<c r="{address}" t="b"><v>{int(value)}</v></c>'
    return f'<c r="{address}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def main() -> None:
    """Build the template, and say whether it has changed."""
    built = build_template()
    changed = not TEMPLATE.exists() or TEMPLATE.read_bytes() != built
    TEMPLATE.write_bytes(built)
    print(f"{TEMPLATE.name}: {len(built):,} bytes, {'written' if changed else 'as it was'}.")


if __name__ == "__main__":
    main()
