"""Says in a workbook that its refresh failed, and changes nothing else in it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from lxml import etree

from klarify_xl.headless import marks
from klarify_xl.headless.boards import defined_name
from klarify_xl.headless.cells import inline_text, split_address
from klarify_xl.headless.formats import Formats
from klarify_xl.headless.package import Package, open_package
from klarify_xl.headless.references import letter_of
from klarify_xl.headless.sheetlist import SheetList
from klarify_xl.headless.stylesheet import MAIN, Stylesheet, main_element, q, styles_part
from klarify_xl.plan import Colours

_FAILED: Final = "failed"
"""Stands for the checksum of a workbook's data, so that the next refresh writes it anew."""


def tells_failure(file: Path, reason: str) -> bool:
    """Tell whether a workbook says already that its refresh failed for a reason.

    Args:
        file: The workbook.
        reason: Why it failed.

    Raises:
        TargetError: The file can't be worked on.
    """
    with file.open("rb") as present:
        properties = marks.read_properties(open_package(file, present))
    told = properties.get(marks.DATA_MARK), properties.get(marks.RESULT_MARK)
    return told == (_FAILED, reason[: marks.LONGEST_RESULT])


def note_failure(
    file: BinaryIO,
    present: BinaryIO,
    *,
    path: Path,
    board: str,
    place: tuple[int, int],
    sentence: str,
    reason: str,
) -> None:
    """Write a workbook again with the note that its refresh failed.

    Args:
        file: Where to.
        present: The workbook.
        path: The workbook, as a person calls it.
        board: Key of the board that says so.
        place: Row and column there, from 1. What a person has put there stays.
        sentence: What it says.
        reason: Why the refresh failed, for the document's properties.

    Raises:
        TargetError: The workbook can't be worked on.
    """
    before = marks.read_marks(present)
    package = open_package(path, present)
    sheets = SheetList(package)
    sheet = sheets.sheet_named_by(defined_name(board))
    if sheet is not None:
        with package.sound(sheets.parts[sheet]):
            _write(package, sheets.parts[sheet], place, sentence)
    values = {
        marks.DATA_MARK: _FAILED,
        marks.RESULT_MARK: reason[: marks.LONGEST_RESULT],
    }
    properties = marks.prepare_properties(package)

    def seal(checksums: Mapping[str, int]) -> tuple[str, bytes]:
        # Only what was as we wrote it is so now.
        if before.untouched:
            values[marks.CONTENT_MARK] = marks.content_mark(checksums)
        return marks.CUSTOM, marks.with_properties(properties, values)

    package.save(file, seal)


def _write(package: Package, part: str, place: tuple[int, int], sentence: str) -> None:
    """Write a sentence into a cell of a sheet, unless a person has made it theirs."""
    stylesheet = Stylesheet(package.tree(styles_part(package)))
    root = package.tree(part)
    data = root.find(q("sheetData"))
    if data is None:
        return
    number, column = place
    address = f"{letter_of(column)}{number}"
    row = _child(data, "row", str(number), int)
    cell = _child(row, "c", address, lambda reference: split_address(reference)[1])
    if len(cell) and not stylesheet.is_ours(int(cell.get("s", "0"))):
        return
    label = Formats(stylesheet, "", Colours()).board("label", False, False)
    text = f'<c xmlns="{MAIN}" r="{address}" s="{label}"{inline_text(sentence)}'
    row.replace(cell, etree.fromstring(text))
    package.put_tree(part, root)
    package.put(styles_part(package), stylesheet.content())


def _child(
    parent: etree._Element, tag: str, reference: str, number: Callable[[str], int]
) -> etree._Element:
    """Return a row or a cell, added in its place where it is missing.

    Args:
        parent: What holds it.
        tag: Tag of such elements.
        reference: What it says of its place.
        number: Gives a place's number.
    """
    wanted = number(reference)
    before = 0
    for one in parent:
        found = number(one.get("r", ""))
        if found == wanted:
            return one
        before += found < wanted
    new = main_element(tag, {"r": reference})
    parent.insert(before, new)
    return new
