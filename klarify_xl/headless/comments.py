"""Comments on a sheet's cells, which follow them when they move.

A comment is an entry of the comments' part, a thread of entries of the threaded comments' part, or
both, and a shape of the legacy drawing (ECMA-376 part 1, 18.7; MS-XLSX 2.1.18).
"""

import re
from collections.abc import Callable
from typing import Final

from lxml import etree

from klarify_xl.headless.cells import split_address
from klarify_xl.headless.package import Package
from klarify_xl.headless.references import letter_of

# Programs choose the prefixes of the namespaces as they like.
_SHAPE: Final = re.compile(rb"<((?:\w+:)?shape)\b.*?</\1\s*>", re.DOTALL)
_NOTE: Final = re.compile(rb"<(?:\w+:)?ClientData\s[^>]*ObjectType=[\"']Note[\"']")
_ROW: Final = re.compile(rb"(<(?:\w+:)?Row>\s*)(\d+)(\s*</(?:\w+:)?Row>)")
_COLUMN: Final = re.compile(rb"<(?:\w+:)?Column>\s*(\d+)\s*</(?:\w+:)?Column>")
_ANCHOR: Final = re.compile(rb"(<(?:\w+:)?Anchor>)([^<]*)(</(?:\w+:)?Anchor>)")
_ANCHOR_ROWS: Final = (2, 6)
"""Which of an anchor's eight numbers are rows (ECMA-376 part 4, 14.4.2.2)."""

Moved = Callable[[int, int], tuple[int, int] | None]
"""Gives a cell's row and column now, or None if its row has vanished."""


def follow_comments(package: Package, sheet_part: str, moved: Moved) -> dict[tuple[int, int], str]:
    """Let a sheet's comments follow their cells.

    Args:
        package: The package.
        sheet_part: The sheet's part.
        moved: Where cells went.

    Returns:
        The texts of comments whose cells have vanished, by row and column from 1.
    """
    texts: dict[tuple[int, int], str] = {}
    for kind in ("comments", "threadedComment"):
        for part in package.related(sheet_part, kind):
            texts |= _follow_entries(package, part, moved)
    for part in package.related(sheet_part, "vmlDrawing"):
        drawing = package.read(part)
        changed = _SHAPE.sub(lambda found: _follow_shape(found[0], moved), drawing)
        if changed != drawing:
            package.put(part, changed)
    return texts


def _follow_entries(package: Package, part: str, moved: Moved) -> dict[tuple[int, int], str]:
    root = package.tree(part)
    texts: dict[tuple[int, int], str] = {}
    changed = False
    for entry in list(root.iter(etree.Element)):
        reference = entry.get("ref")
        if etree.QName(entry).localname not in {"comment", "threadedComment"} or not reference:
            continue
        place = split_address(reference)
        now = moved(*place)
        if now == place:
            continue
        changed = True
        if now is None:
            text = "".join(str(one) for one in entry.itertext() if one.strip())
            texts[place] = f"{texts[place]}\n{text}" if place in texts else text
            parent = entry.getparent()
            if parent is not None:
                parent.remove(entry)
        else:
            entry.set("ref", f"{letter_of(now[1])}{now[0]}")
    if changed:
        package.put_tree(part, root)
    return texts


def _follow_shape(shape: bytes, moved: Moved) -> bytes:
    row, column = _ROW.search(shape), _COLUMN.search(shape)
    if _NOTE.search(shape) is None or row is None or column is None:
        return shape
    # Rows and columns count from 0 here.
    place = (int(row[2]) + 1, int(column[1]) + 1)
    now = moved(*place)
    if now == place:
        return shape
    if now is None:
        return b""
    by = now[0] - place[0]
    shape = _ROW.sub(lambda found: found[1] + b"%d" % (now[0] - 1) + found[3], shape)
    return _ANCHOR.sub(lambda found: found[1] + _anchor(found[2], by) + found[3], shape)


def _anchor(numbers: bytes, by: int) -> bytes:
    parts = numbers.split(b",")
    for index in _ANCHOR_ROWS:
        if index < len(parts):
            parts[index] = b" %d" % max(0, int(parts[index]) + by)
    return b",".join(parts)
