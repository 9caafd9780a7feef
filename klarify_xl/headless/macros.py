"""What a workbook with macros has and others lack: VBA project, ribbon, and settings of xlwings."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from klarify_xl.headless.package import Package, open_package
from klarify_xl.headless.sheetlist import SheetList

SETTINGS_SHEET: Final = "xlwings.conf"
"""Where the VBA of xlwings looks for settings of a workbook."""

_WORKBOOK_TYPE: Final = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
_PROJECT: Final = "xl/vbaProject.bin"
_PROJECT_TYPE: Final = "application/vnd.ms-office.vbaProject"
_PROJECT_RELATIONSHIP: Final = (
    "http://schemas.microsoft.com/office/2006/relationships/vbaProject"  # MS-OFFMACRO 2.1.1
)
_RIBBON: Final = "customUI/customUI14.xml"
_RIBBON_TYPE: Final = "application/xml"
_RIBBON_RELATIONSHIP: Final = (
    "http://schemas.microsoft.com/office/2007/relationships/ui/extensibility"  # MS-CUSTOMUI2 2.1
)
_CODE_NAME: Final = "ThisWorkbook"
"""Name of the workbook's own module. Sheets have none: Excel makes theirs when it needs them."""


@dataclass(frozen=True)
class Macros:
    """The parts of a workbook with macros.

    Attributes:
        project: The VBA project, a compound file.
        ribbon: The ribbon's XML.
        settings: XML of the hidden sheet with settings of xlwings.
    """

    project: bytes
    ribbon: bytes
    settings: bytes


def add_macros(package: Package, macros: Macros) -> None:
    """Make a workbook without macros one with them.

    Args:
        package: The workbook.
        macros: What it gets.
    """
    sheets = SheetList(package)
    package.put(sheets.add(SETTINGS_SHEET, hidden=True), macros.settings)
    sheets.name_in_code(_CODE_NAME)
    sheets.save()
    package.set_content_type(package.workbook, _WORKBOOK_TYPE)
    for part, content, content_type, owner, relationship in (
        (_PROJECT, macros.project, _PROJECT_TYPE, package.workbook, _PROJECT_RELATIONSHIP),
        (_RIBBON, macros.ribbon, _RIBBON_TYPE, "", _RIBBON_RELATIONSHIP),
    ):
        package.put(part, content)
        package.set_content_type(part, content_type)
        package.relate(owner, relationship, part)


def read_macros(path: Path, file: BinaryIO) -> Macros:
    """Return the macros that a workbook has.

    Args:
        path: The workbook, as a person calls it.
        file: The workbook.

    Raises:
        TargetError: It is damaged, or lacks macros.
    """
    package = open_package(path, file)
    settings = SheetList(package).parts.get(SETTINGS_SHEET, "")
    return Macros(package.read(_PROJECT), package.read(_RIBBON), package.read(settings))
