"""A workbook's file as a package of parts: opened with care, edited part by part, zipped.

Whatever is not edited comes out as it went in, byte for byte (ECMA-376 part 2 describes packages).
"""

import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from lxml import etree

from klarify_xl.errors import TargetError
from klarify_xl.headless.markup import attribute_text
from klarify_xl.headless.pieces import write_pieces

CONTENT_TYPES: Final = "[Content_Types].xml"
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

_TYPES: Final = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_RELATIONSHIPS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_DECLARATION: Final = "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"
_STRICT: Final = "http://purl.oclc.org/ooxml/"
_WORKBOOK_TYPES: Final = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
}

_COMPOUND_FILE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
"""First bytes of encrypted workbooks and of the format before 2007 (MS-CFB 2.2)."""

_MOST_BYTES: Final = 2 * 2**30
_SUSPICIOUS_BYTES: Final = 2**26
_SUSPICIOUS_RATIO: Final = 300
"""XML of workbooks shrinks to a tenth or a fortieth; a part that shrinks far more is a bomb."""

_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)

Content = bytes | Callable[[], Iterable[bytes]]
"""A part, or what yields it piece by piece when it is written."""


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relationship of a part to another, or to an address outside."""

    id: str
    type: str
    target: str
    external: bool = False


class Package:
    """A package of parts.

    Args:
        path: Its file, as a person calls it.
        archive: The open archive.

    Raises:
        TargetError: It is encrypted, damaged, no workbook, or would unpack to an absurd size.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        self._stored = {info.filename: info for info in archive.infolist()}
        self._edited: dict[str, Content] = {}
        self._related: dict[str, Sequence[Relationship]] = {}
        self._refuse_dangerous()
        self._types = self.tree(CONTENT_TYPES)
        self.workbook = self._find_workbook()

    def refused(self, why: str, hint: str = "") -> TargetError:
        """Return the error for a file that can't be worked on."""
        return TargetError(
            f"The workbook {self.path} {why}.",
            hint=hint or "It was left as it is. Restore it from a backup, or choose another --out.",
        )

    @contextmanager
    def sound(self, part: str) -> Iterator[None]:
        """Refuse the file if a part that is read meanwhile says what can't be.

        Raises:
            TargetError: A number or an address in the part is none.
        """
        try:
            yield
        except ValueError as error:
            raise self.refused(f"is damaged ({part}: {error})") from None

    def _refuse_dangerous(self) -> None:
        infos = self._archive.infolist()
        if any(info.flag_bits & 1 for info in infos):
            raise self.refused(
                "is encrypted", "Save it without a password; nothing was changed in it."
            )
        if len({info.filename.casefold() for info in infos}) != len(infos):
            raise self.refused("is damaged (it holds a part twice)")
        size = sum(info.file_size for info in infos)
        bombs = (
            info.file_size > _SUSPICIOUS_BYTES
            and info.file_size > _SUSPICIOUS_RATIO * info.compress_size
            for info in infos
        )
        if size > _MOST_BYTES or any(bombs):
            raise self.refused(f"would unpack to {size / 2**20:,.0f} MiB and was not opened")

    def _find_workbook(self) -> str:
        for one in self.relationships(""):
            if one.type.startswith(_STRICT):
                raise self.refused(
                    "is saved as Strict Open XML", 'Save it as a plain "Excel Workbook" instead.'
                )
            if one.type == f"{OFFICE}/officeDocument":
                part = resolve("", one.target)
                if part in self and self.content_type(part) in _WORKBOOK_TYPES:
                    return part
        raise self.refused("is no .xlsx or .xlsm workbook inside, or is damaged")

    def __contains__(self, part: str) -> bool:
        return part in self._stored or part in self._edited

    @property
    def parts(self) -> list[str]:
        """Names of all parts."""
        return sorted({*self._stored, *self._edited})

    def read(self, part: str) -> bytes:
        """Return a part's bytes.

        Raises:
            TargetError: The part is missing or damaged.
        """
        edited = self._edited.get(part)
        if isinstance(edited, bytes):
            return edited
        if edited is not None:
            return b"".join(edited())
        try:
            return self._archive.read(self._stored[part])
        except KeyError:
            raise self.refused(f"is damaged ({part} is missing)") from None
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            raise self.refused(f"is damaged ({part}: {error})") from None

    def tree(self, part: str) -> etree._Element:
        """Return a part's XML.

        Raises:
            TargetError: The part is missing or damaged.
        """
        try:
            root = etree.fromstring(self.read(part), parser())
        except etree.XMLSyntaxError as error:
            raise self.refused(f"is damaged ({part}: {error.msg})") from None
        # Packages hold no document type definitions (ECMA-376 part 2, 8.1.4).
        if has_document_type(root):
            raise self.refused(f"is damaged ({part} declares a document type)")
        return root

    def put(self, part: str, content: Content) -> None:
        """Add or replace a part."""
        self._related.pop(part, None)
        self._edited.pop(part, None)
        self._edited[part] = content

    def put_tree(self, part: str, root: etree._Element) -> None:
        """Add or replace a part by its XML."""
        self.put(part, serialised(root))

    def remove(self, part: str) -> None:
        """Remove a part, its relationships and its content type."""
        for name in (part, relationships_part(part)):
            self._related.pop(name, None)
            self._edited.pop(name, None)
            self._stored.pop(name, None)
        self._forget_content_type(part)

    def _forget_content_type(self, part: str) -> None:
        for override in self._types.findall(f"{_TYPES}Override"):
            if override.get("PartName", "").lstrip("/").casefold() == part.casefold():
                self._types.remove(override)
                self.put_tree(CONTENT_TYPES, self._types)

    def free_name(self, pattern: str) -> str:
        """Return the first name that no part has, such as ``xl/tables/table3.xml``.

        Args:
            pattern: With ``{}`` where the number goes.
        """
        taken = {name.casefold() for name in self.parts}
        number = 1
        while pattern.format(number).casefold() in taken:
            number += 1
        return pattern.format(number)

    def content_type(self, part: str) -> str:
        """Return a part's content type, its own or that of its extension; "" if it has none."""
        for override in self._types.iter(f"{_TYPES}Override"):
            if override.get("PartName", "").lstrip("/").casefold() == part.casefold():
                return override.get("ContentType", "")
        # The Open XML SDK declares the workbook's type for all that end in .xml.
        extension = posixpath.splitext(part)[1].lstrip(".").casefold()
        for default in self._types.iter(f"{_TYPES}Default"):
            if default.get("Extension", "").casefold() == extension:
                return default.get("ContentType", "")
        return ""

    def set_content_type(self, part: str, content_type: str) -> None:
        """Declare a part's content type."""
        if self.content_type(part) != content_type:
            self._forget_content_type(part)
            etree.SubElement(
                self._types, f"{_TYPES}Override", PartName=f"/{part}", ContentType=content_type
            )
            self.put_tree(CONTENT_TYPES, self._types)

    def relationships(self, part: str) -> list[Relationship]:
        """Return a part's relationships; those of the package itself for ""."""
        return list(self._relationships(part))

    def _relationships(self, part: str) -> Sequence[Relationship]:
        name = relationships_part(part)
        if name not in self._related and name in self:
            # Kept, since a sheet may have tens of thousands, its links.
            self._related[name] = [
                Relationship(
                    one.get("Id", ""),
                    one.get("Type", ""),
                    one.get("Target", ""),
                    one.get("TargetMode") == "External",
                )
                for one in self.tree(name).iter(f"{{{_RELATIONSHIPS}}}Relationship")
            ]
        return self._related.get(name, ())

    def set_relationships(self, part: str, relationships: Iterable[Relationship]) -> None:
        """Replace a part's relationships."""
        # As a text, for the same reason.
        elements = "".join(map(_relationship_text, relationships))
        if elements or relationships_part(part) in self:
            text = (
                f'{_DECLARATION}<Relationships xmlns="{_RELATIONSHIPS}">{elements}</Relationships>'
            )
            self.put(relationships_part(part), text.encode())

    def related(self, part: str, kind: str) -> list[str]:
        """Return the parts that a part is related to, by the end of the relationship's type."""
        return [
            resolve(part, one.target)
            for one in self._relationships(part)
            if one.type.endswith(f"/{kind}") and not one.external
        ]

    def relate(self, part: str, kind: str, target: str) -> str:
        """Relate a part to another, and return the relationship's id.

        Args:
            part: The part, "" for the package itself.
            kind: Type of the relationship: a whole one, or the end of one of Office's own.
            target: The part that it is related to.
        """
        present = self.relationships(part)
        kind = kind if "/" in kind else f"{OFFICE}/{kind}"
        for one in present:
            if not one.external and one.type == kind and resolve(part, one.target) == target:
                return one.id
        new_id = free_id(one.id for one in present)
        # From the root, so that it holds whatever folder the part is in.
        self.set_relationships(part, [*present, Relationship(new_id, kind, f"/{target}")])
        return new_id

    def unrelate(self, part: str, target: str) -> None:
        """Remove a part's relationships to another."""
        self.set_relationships(
            part,
            (
                one
                for one in self.relationships(part)
                if one.external or resolve(part, one.target) != target
            ),
        )

    def save(self, file: BinaryIO, seal: Callable[[Mapping[str, int]], tuple[str, bytes]]) -> None:
        """Write the package; equal parts give equal bytes.

        Parts that are made piece by piece come last, in the order in which they were put.

        Args:
            file: Where to.
            seal: Given the checksums (CRC-32) of all parts, returns the name and content of the
                part that is written last in the place of the one that is there.
        """
        sealed = seal({})[0]
        streamed = [name for name, content in self._edited.items() if callable(content)]
        apart = {CONTENT_TYPES, sealed, *streamed}
        names = [*(name for name in self.parts if name not in apart), *streamed]
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name in (CONTENT_TYPES, *names):
                self._write(archive, name)
            checksums = {info.filename: info.CRC for info in archive.infolist()}
            archive.writestr(_entry(sealed), seal(checksums)[1])

    def _write(self, archive: zipfile.ZipFile, name: str) -> None:
        edited = self._edited.get(name)
        if edited is None or isinstance(edited, bytes):
            archive.writestr(_entry(name), self.read(name))
            return
        with archive.open(_entry(name), "w") as part:
            write_pieces(edited(), part)


def open_package(path: Path, file: BinaryIO) -> Package:
    """Return the package in an open file.

    Args:
        path: The file as a person calls it.
        file: The file.

    Raises:
        TargetError: It is encrypted, damaged, no workbook, or would unpack to an absurd size.
    """
    start = file.read(len(_COMPOUND_FILE))
    file.seek(0)
    if start == _COMPOUND_FILE:
        raise TargetError(
            f"The workbook {path} is encrypted, or in the format of Excel before 2007.",
            hint="Save it as .xlsx without a password; nothing was changed in it.",
        )
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, ValueError):
        raise TargetError(
            f"The workbook {path} is damaged: it can't be unpacked.",
            hint="It was left as it is. Restore it from a backup, or choose another --out.",
        ) from None
    return Package(path, archive)


def parser() -> etree.XMLParser:
    """Return a parser that reads nothing but the document itself."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def has_document_type(root: Any) -> bool:  # noqa: ANN401 -- the stubs don't know the property
    """Tell whether XML declares a document type."""
    return bool(root.getroottree().docinfo.doctype)


def serialised(root: etree._Element) -> bytes:
    """Return XML as the bytes of a part."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _relationship_text(one: Relationship) -> str:
    mode = ' TargetMode="External"' if one.external else ""
    said = (attribute_text(text) for text in (one.id, one.type, one.target))
    return '<Relationship Id="{}" Type="{}" Target="{}"{}/>'.format(*said, mode)


def relationships_part(part: str) -> str:
    """Return the name of the part that holds a part's relationships."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def resolve(part: str, target: str) -> str:
    """Return the name of the part that a relationship of another leads to."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(part), target)).lstrip("/")


def free_id(taken: Iterable[str]) -> str:
    """Return the first relationship id that is not taken."""
    ids = set(taken)
    number = 1
    while f"rId{number}" in ids:
        number += 1
    return f"rId{number}"


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _ZIP_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    # Fixed, since it would differ between systems otherwise.
    entry.create_system = 3
    entry.external_attr = 0o600 << 16
    return entry
