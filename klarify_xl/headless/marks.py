"""What a workbook says about itself, in custom document properties.

Two of the marks are checksums: one of the data that it was made from, and one of its own parts,
which tells whether anybody has saved it since.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from lxml import etree

from klarify_xl.headless.package import Package, parser, serialised

DATA_MARK: Final = "klarify-xl data"
CONTENT_MARK: Final = "klarify-xl content"
ORGANISATION_MARK: Final = "klarify-xl organisation"
ORDER_MARK: Final = "klarify-xl order"
PLAIN_MARK: Final = "klarify-xl plain"

REFRESHED_MARK: Final = "klarify-xl refreshed"
"""When the data was last compared with its source (UTC), such as 2026-03-01T12:00:00Z."""

RESULT_MARK: Final = "klarify-xl result"
"""How that went: the number of things listed, or what went wrong."""

CUSTOM: Final = "docProps/custom.xml"
_CUSTOM_TYPE: Final = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_PROPERTIES: Final = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VARIANT: Final = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_USER_DEFINED: Final = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
"""Format id of all custom properties (ECMA-376 part 1, 22.3.2.2)."""

LONGEST_RESULT: Final = 255
"""Characters of a text that Excel's object model takes for a property."""

_LARGEST: Final = 2**20
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
        is_plain: Whether nobody but klarify-xl has ever saved it.
    """

    data: str
    untouched: bool
    organisation: str = ""
    is_plain: bool = False


def read_marks(file: Path | BinaryIO) -> Marks:
    """Return what a file says about itself; nothing is unpacked but its properties."""
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            custom = archive.getinfo(CUSTOM)
            if custom.file_size > _LARGEST:
                return Marks("", untouched=False)
            root = etree.fromstring(archive.read(custom), parser())
    except _UNREADABLE:
        return Marks("", untouched=False)
    values = _values(root)
    content = content_mark({info.filename: info.CRC for info in infos})
    untouched = values.get(CONTENT_MARK) == content
    return Marks(
        values.get(DATA_MARK, ""),
        untouched=untouched,
        organisation=values.get(ORGANISATION_MARK, "").strip("-"),
        is_plain=untouched and values.get(PLAIN_MARK) == "yes",
    )


def read_properties(package: Package) -> dict[str, str]:
    """Return the custom properties of a package that are texts."""
    return _values(package.tree(CUSTOM)) if CUSTOM in package else {}


def prepare_properties(package: Package) -> etree._Element:
    """Return the custom properties' XML, after making its part where it is missing."""
    if CUSTOM in package:
        return package.tree(CUSTOM)
    package.set_content_type(CUSTOM, _CUSTOM_TYPE)
    package.relate("", "custom-properties", CUSTOM)
    nsmap = {None: _PROPERTIES, "vt": _VARIANT}
    root = etree.Element(f"{{{_PROPERTIES}}}Properties", nsmap=nsmap)  # type: ignore[arg-type]
    package.put_tree(CUSTOM, root)
    return root


def with_properties(root: etree._Element, values: Mapping[str, str]) -> bytes:
    """Return the custom properties' part with some texts added or replaced."""
    present = {one.get("name"): one for one in root}
    for name, value in values.items():
        if name not in present:
            pid = 1 + max((int(one.get("pid", "1")) for one in root), default=1)
            one = etree.SubElement(
                root,
                f"{{{_PROPERTIES}}}property",
                {"fmtid": _USER_DEFINED, "pid": str(pid), "name": name},
            )
            present[name] = one
        one = present[name]
        for child in list(one):
            one.remove(child)
        etree.SubElement(one, f"{{{_VARIANT}}}lpwstr").text = value
    return serialised(root)


def refreshed(at: datetime | None, listed: int) -> dict[str, str]:
    """Return the marks that tell when data was compared, and that all went well.

    Args:
        at: When the data was compared, or None.
        listed: How many things there are.
    """
    if at is None:
        return {REFRESHED_MARK: "-", RESULT_MARK: "-"}
    stamp = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {REFRESHED_MARK: stamp, RESULT_MARK: str(listed)}


def content_mark(checksums: Mapping[str, int]) -> str:
    """Return the checksum of a package from those of its parts (CRC-32, by name)."""
    lines = (f"{name} {value:08x}" for name, value in sorted(checksums.items()) if name != CUSTOM)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _values(root: etree._Element) -> dict[str, str]:
    return {
        one.get("name", ""): one.findtext(f"{{{_VARIANT}}}lpwstr") or ""
        for one in root
        if one.find(f"{{{_VARIANT}}}lpwstr") is not None
    }
