"""The workbook's file as a package of parts: repeatable, valid, and marked as ours.

What openpyxl saves is corrected where the schema or Excel would object, and zipped so that equal
content gives equal bytes. Two custom document properties mark the file: a checksum of the data it
was made from, and one of its own parts, which tells whether anybody has saved it since.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lxml import etree
from openpyxl import Workbook
from openpyxl.packaging.custom import StringProperty

DATA_MARK: Final = "klarify-xl data"
CONTENT_MARK: Final = "klarify-xl content"
ORGANISATION_MARK: Final = "klarify-xl organisation"

_CONTENT_TYPES: Final = "[Content_Types].xml"
_CORE: Final = "docProps/core.xml"
_CUSTOM: Final = "docProps/custom.xml"
_STYLES: Final = "xl/styles.xml"
_SHEET: Final = re.compile(r"xl/worksheets/sheet\d+\.xml")

_ROW_HEIGHT: Final = re.compile(rb'(<row [^>]*?) customHeight="1"')
"""openpyxl calls every height custom, so that Excel would never fit the row again."""

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_TERMS: Final = "{http://purl.org/dc/terms/}"
_VARIANT: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes}"

_FONT_ORDER: Final = (
    *("b", "i", "strike", "condense", "extend", "outline", "shadow", "u"),
    *("vertAlign", "sz", "color", "name", "family", "charset", "scheme"),
)
"""Order of a font's children (ECMA-376 part 1, 18.8.22, as Excel writes it)."""

_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
_LARGEST_MARKS: Final = 2**20

_UNREADABLE: Final = (
    # Not there, no archive, damaged, encrypted or packed in a way that Python doesn't know.
    *(KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError),
    etree.XMLSyntaxError,
)


@dataclass(frozen=True)
class Marks:
    """What a file says about itself.

    Attributes:
        data: Checksum of the data it was made from, "" if it is not ours.
        untouched: Whether it is as klarify-xl wrote it.
        organisation: Whose procedures it shows, "" if that is not known.
    """

    data: str
    untouched: bool
    organisation: str = ""


def save(workbook: Workbook, *, data_mark: str, organisation: str, made_at: datetime) -> bytes:
    """Return the workbook as the bytes of a file; equal input gives equal bytes.

    Args:
        workbook: openpyxl's workbook.
        data_mark: Checksum of what it was made from.
        organisation: Whose procedures it shows.
        made_at: Time stamp of the document (UTC).
    """
    # The published stubs don't know the property.
    properties: Any = workbook.custom_doc_props  # type: ignore[attr-defined]
    properties.append(StringProperty(name=DATA_MARK, value=data_mark))
    properties.append(StringProperty(name=ORGANISATION_MARK, value=organisation or "-"))
    properties.append(StringProperty(name=CONTENT_MARK, value="-"))
    saved = io.BytesIO()
    workbook.save(saved)
    with zipfile.ZipFile(saved) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[_CORE] = _with_modified(parts[_CORE], made_at)
    parts[_STYLES] = _with_ordered_fonts(parts[_STYLES])
    for name in filter(_SHEET.fullmatch, list(parts)):
        parts[name] = _ROW_HEIGHT.sub(rb"\1", _without_number_warnings(parts[name]))
    mark = _content_mark({name: zlib.crc32(part) for name, part in parts.items()})
    parts[_CUSTOM] = _with_property(parts[_CUSTOM], CONTENT_MARK, mark)
    return _zip(parts)


def read_marks(file: Path) -> Marks:
    """Return what a file says about itself; nothing is unpacked but its properties."""
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            custom = archive.getinfo(_CUSTOM)
            if custom.file_size > _LARGEST_MARKS:
                return Marks("", untouched=False)
            root = etree.fromstring(archive.read(custom), _parser())
    except _UNREADABLE:
        return Marks("", untouched=False)
    content = _content_mark({info.filename: info.CRC for info in infos})
    return Marks(
        _property(root, DATA_MARK),
        untouched=_property(root, CONTENT_MARK) == content,
        organisation=_property(root, ORGANISATION_MARK).strip("-"),
    )


def _content_mark(checksums: Mapping[str, int]) -> str:
    lines = (f"{name} {value:08x}" for name, value in sorted(checksums.items()) if name != _CUSTOM)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)


def _serialised(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _with_modified(core: bytes, made_at: datetime) -> bytes:
    root = etree.fromstring(core, _parser())
    for element in root.iter(f"{_TERMS}modified"):
        element.text = f"{made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
    return _serialised(root)


def _with_ordered_fonts(styles: bytes) -> bytes:
    root = etree.fromstring(styles, _parser())
    for font in root.iter(f"{_MAIN}font"):
        font[:] = sorted(font, key=lambda child: _FONT_ORDER.index(etree.QName(child).localname))
    return _serialised(root)


def _without_number_warnings(sheet: bytes) -> bytes:
    """Ask Excel not to flag ids as "number stored as text".

    The element goes before the table parts, or else to the end (ECMA-376 part 1, 18.3.1.99).
    Angle brackets in cell texts are escaped, so the first tag found is the real one.
    """
    dimension = re.search(rb'<dimension ref="([A-Z0-9:]+)"', sheet)
    if dimension is None:
        return sheet
    warning = b'<ignoredError sqref="%b" numberStoredAsText="1"/>' % dimension.group(1)
    element = b"<ignoredErrors>%b</ignoredErrors>" % warning
    position = sheet.find(b"<tableParts")
    if position < 0:
        position = sheet.rindex(b"</worksheet>")
    return sheet[:position] + element + sheet[position:]


def _with_property(custom: bytes, name: str, value: str) -> bytes:
    root = etree.fromstring(custom, _parser())
    for element in root:
        if element.get("name") == name:
            element[0].text = value
    return _serialised(root)


def _property(root: etree._Element, name: str) -> str:
    for element in root:
        if element.get("name") == name:
            return element.findtext(f"{_VARIANT}lpwstr") or ""
    return ""


def _zip(parts: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(parts, key=lambda name: (name != _CONTENT_TYPES, name)):
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Fixed, since it would differ between systems otherwise.
            entry.create_system = 3
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, parts[name])
    return file.getvalue()
