"""Files that can't be refreshed are refused in plain words, quickly, and left byte for byte."""

import io
import re
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from klarify_xl.demo import Organisation
from klarify_xl.errors import TargetError

from .rich.excel import as_excel_saves
from .rich.package import CONTENT_TYPES, WORKBOOK, unpacked
from .test_into import refused
from .workbooks import NOW, write

SHEET = "xl/worksheets/sheet1.xml"

Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook in which somebody has worked."""
    folder = tmp_path_factory.mktemp("damaged")
    write(Organisation(procedures=30, seed=7, now=NOW), folder / "base.xlsx")
    return as_excel_saves(folder / "base.xlsx", folder / "rich.xlsx")


@pytest.fixture
def file(rich: Path, tmp_path: Path) -> Path:
    """Our workbook, to be damaged."""
    copy = tmp_path / "procedures.xlsx"
    copy.write_bytes(rich.read_bytes())
    return copy


def packed(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


# Files that are no packages, or can't be unpacked


def encrypted(_: bytes) -> bytes:
    # MS-OFFCRYPTO 2.3: an encrypted workbook is a compound file with such streams.
    names = "EncryptionInfo".encode("utf-16-le") + "EncryptedPackage".encode("utf-16-le")
    return bytes.fromhex("D0CF11E0A1B11AE1") + bytes(504) + names.ljust(4096, b"\0")


def older(_: bytes) -> bytes:
    return bytes.fromhex("D0CF11E0A1B11AE1") + bytes(504) + "Workbook".encode("utf-16-le") * 64


def empty(_: bytes) -> bytes:
    return b""


def text(_: bytes) -> bytes:
    return b"ID,Name\n1,Onboarding\n"


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """Flip a bit in the packed data of the first sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo(SHEET)
    position = info.header_offset + 30 + len(SHEET) + info.compress_size // 2
    return content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :]


def flipped_elsewhere(content: bytes) -> bytes:
    """Flip a bit in a part that needs no reading, only carrying over."""
    name = "xl/printerSettings/printerSettings1.bin"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo(name)
    position = info.header_offset + 30 + len(name) + info.compress_size // 2
    return content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :]


def locked_zip(content: bytes) -> bytes:
    """Mark every entry as encrypted by the archive's own means."""
    content = re.sub(rb"(PK\x03\x04..)(..)", lambda m: m[1] + b"\x01\x00", content, flags=re.DOTALL)
    return re.sub(rb"(PK\x01\x02....)(..)", lambda m: m[1] + b"\x01\x00", content, flags=re.DOTALL)


def doubled(content: bytes) -> bytes:
    """Put in a part twice, under the same name."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(SHEET, archive.read(SHEET))
    return file.getvalue()


def declared_huge(content: bytes) -> bytes:
    """Declare that a small part unpacks to nearly four gigabytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo(SHEET).file_size
    old, new = struct.pack("<I", size), struct.pack("<I", 0xF0000000)
    assert content.count(old) >= 2
    return content.replace(old, new)


@pytest.mark.parametrize(
    "damage",
    [
        *(encrypted, older, empty, text, cut, flipped, flipped_elsewhere, locked_zip, doubled),
        declared_huge,
    ],
)
def test_what_can_t_be_unpacked_is_refused(file: Path, damage: Callable[[bytes], bytes]) -> None:
    file.write_bytes(damage(file.read_bytes()))
    assert file.name in str(refused_quickly(file))


@pytest.mark.parametrize("damage", [encrypted, cut, flipped, declared_huge])
def test_nor_does_anything_go_into_it(file: Path, damage: Callable[[bytes], bytes]) -> None:
    file.write_bytes(damage(file.read_bytes()))
    assert file.name in str(refused_quickly(file, into=True))


def refused_quickly(file: Path, **options: bool) -> TargetError:
    """Return the error; neither much time nor much memory may go into finding it."""
    started = time.monotonic()
    tracemalloc.start()
    try:
        error = refused(file, **options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < 20
    assert peak < 300 * 2**20
    return error


def test_an_encrypted_workbook_is_told_from_a_damaged_one(file: Path) -> None:
    file.write_bytes(encrypted(b""))
    assert "password" in f"{(error := refused(file))} {error.hint}"


# Packages whose parts can't be read


def without_types(parts: dict[str, bytes]) -> None:
    del parts[CONTENT_TYPES]


def without_workbook(parts: dict[str, bytes]) -> None:
    del parts[WORKBOOK]


def without_sheet(parts: dict[str, bytes]) -> None:
    del parts[SHEET]


def cut_sheet(parts: dict[str, bytes]) -> None:
    parts[SHEET] = parts[SHEET][:-40]


def cut_table(parts: dict[str, bytes]) -> None:
    parts["xl/tables/table1.xml"] = parts["xl/tables/table1.xml"][:-20]


def cut_styles(parts: dict[str, bytes]) -> None:
    parts["xl/styles.xml"] = b"<styleSheet"


def wrong_numbers(parts: dict[str, bytes]) -> None:
    assert b'<row r="3"' in parts[SHEET]
    parts[SHEET] = parts[SHEET].replace(b'<row r="3"', b'<row r="three"')


def wrong_text(parts: dict[str, bytes]) -> None:
    assert b't="s"><v>0</v>' in parts[SHEET]
    parts[SHEET] = parts[SHEET].replace(b't="s"><v>0</v>', b't="s"><v>987654</v>')


def wrong_area(parts: dict[str, bytes]) -> None:
    table = parts["xl/tables/table1.xml"]
    assert b'ref="A1:' in table
    parts["xl/tables/table1.xml"] = table.replace(b'ref="A1:', b'ref="A1:FFFF9999999')


def nested_entities(parts: dict[str, bytes]) -> None:
    """A billion laughs in the first shared string."""
    entities = "".join(
        f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 10)
    )
    declared = f'<!DOCTYPE sst [<!ENTITY l0 "ha">{entities}]>'.encode()
    shared = parts["xl/sharedStrings.xml"]
    head, tag, rest = shared.partition(b"<sst")
    parts["xl/sharedStrings.xml"] = head + declared + tag + rest.replace(b"<t>", b"<t>&l9;", 1)


def outside_entity(parts: dict[str, bytes]) -> None:
    head, tag, rest = parts[SHEET].partition(b"<worksheet")
    declared = b'<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    parts[SHEET] = head + declared + tag + rest


def full_of_nothing(parts: dict[str, bytes]) -> None:
    """A sheet that unpacks to a thousand times its size."""
    parts[SHEET] = parts[SHEET].replace(b"<sheetData>", b"<sheetData>" + b" " * 150_000_000)


def full_of_nothing_elsewhere(parts: dict[str, bytes]) -> None:
    parts["xl/media/image1.png"] = bytes(150_000_000)
    parts[CONTENT_TYPES] = parts[CONTENT_TYPES].replace(
        b"<Default ", b'<Default Extension="png" ContentType="image/png"/><Default ', 1
    )


def strict(parts: dict[str, bytes]) -> None:
    """As Excel's "Strict Open XML Spreadsheet" has it (ECMA-376 part 1, annex A)."""
    for name, content in parts.items():
        if name.endswith((".xml", ".rels")):
            for old, new in (
                (
                    b"schemas.openxmlformats.org/spreadsheetml/2006",
                    b"purl.oclc.org/ooxml/spreadsheetml",
                ),
                (
                    b"schemas.openxmlformats.org/officeDocument/2006",
                    b"purl.oclc.org/ooxml/officeDocument",
                ),
            ):
                content = content.replace(old, new)  # noqa: PLW2901
            parts[name] = content


def doubled_in_other_letters(parts: dict[str, bytes]) -> None:
    parts["xl/Worksheets/Sheet1.xml"] = parts[SHEET]


@pytest.mark.parametrize(
    "change",
    [
        *(without_types, without_workbook, without_sheet, cut_sheet, cut_table, cut_styles),
        *(wrong_numbers, wrong_text, wrong_area, nested_entities, outside_entity),
        *(full_of_nothing, full_of_nothing_elsewhere, strict, doubled_in_other_letters),
    ],
)
def test_what_can_t_be_read_is_refused(file: Path, change: Change) -> None:
    parts = unpacked(file)
    change(parts)
    file.write_bytes(packed(parts))
    del parts
    error = refused_quickly(file)
    assert file.name in str(error)


def test_a_strict_workbook_is_told_from_a_damaged_one(file: Path) -> None:
    parts = unpacked(file)
    strict(parts)
    file.write_bytes(packed(parts))
    assert "Strict" in str(refused(file))


# Files that are in use


@pytest.mark.parametrize("name", ["~$procedures.xlsx", ".~lock.procedures.xlsx#"])
@pytest.mark.parametrize("into", [False, True])
def test_a_workbook_that_is_open_elsewhere_is_left_alone(
    file: Path,
    name: str,
    into: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    (file.parent / name).write_bytes(b"somebody")
    assert "open" in str(refused(file, into=into))


def test_a_binary_workbook_is_not_even_tried(tmp_path: Path, file: Path) -> None:
    binary = tmp_path / "procedures.xlsb"
    binary.write_bytes(file.read_bytes())
    with pytest.raises(ValueError, match="xlsb"):
        write(Organisation(procedures=3, now=NOW), binary)
    assert binary.read_bytes() == file.read_bytes()
