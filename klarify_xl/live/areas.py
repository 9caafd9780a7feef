"""Cells in free places, as few rectangles as hold just them, many of which go into one call."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from klarify_xl.headless.references import letter_of
from klarify_xl.live.addresses import Box, runs
from klarify_xl.live.styles import style_runs

Spot = tuple[int, int]
"""Row and column of a cell, from 1."""

_LONGEST_ADDRESS: Final = 255
"""Characters that ``Range`` takes (Microsoft, "Range property: application-defined error 1004")."""


def areas_of(cells: Iterable[Spot]) -> list[Box]:
    """Return rectangles that hold just these cells, from above."""
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for row, column in cells:
        rows[row].append(column)
    closed: list[Box] = []
    growing: dict[tuple[int, int], Box] = {}
    for row in sorted(rows):
        spans = list(runs(sorted(rows[row])))
        before = {span: box for span, box in growing.items() if box.bottom == row - 1}
        closed += [box for span, box in growing.items() if span not in before or span not in spans]
        growing = {
            span: Box(before[span].top if span in before else row, span[0], row, span[1])
            for span in spans
        }
    return sorted([*closed, *growing.values()], key=lambda box: (box.top, box.left))


def cells_of(box: Box) -> Iterator[Spot]:
    """Yield the cells of a rectangle, row by row."""
    for row in range(box.top, box.bottom + 1):
        for column in range(box.left, box.right + 1):
            yield row, column


def groups(areas: Iterable[Box]) -> Iterator[list[Box]]:
    """Yield rectangles in groups whose address is short enough for one call."""
    group: list[Box] = []
    length = 0
    for area in areas:
        needed = len(_address(area)) + 1
        if group and length + needed > _LONGEST_ADDRESS:
            yield group
            group, length = [], 0
        group.append(area)
        length += needed
    if group:
        yield group


def ranges(sheet: Any, cells: Iterable[Spot]) -> Iterator[Any]:  # noqa: ANN401 -- COM
    """Yield ranges that together hold just these cells.

    Args:
        sheet: The sheet, as Excel's object model has it.
        cells: The cells.
    """
    for group in groups(areas_of(cells)):
        yield joined(sheet, group)


def joined(sheet: Any, group: Sequence[Box]) -> Any:  # noqa: ANN401 -- COM
    """Return one range of several rectangles."""
    return sheet.Range(",".join(map(_address, group)))


def styles_of(sheet: Any, cells: Iterable[Spot]) -> Iterator[tuple[list[Box], str]]:  # noqa: ANN401 -- COM
    """Yield which styles cells have, as rectangles that together hold just them.

    It takes few calls where most of the cells have the same: a group with several styles is
    halved until each part has one.

    Args:
        sheet: The sheet, as Excel's object model has it.
        cells: The cells.
    """
    for group in groups(areas_of(cells)):
        yield from _halved(sheet, group)


def _halved(sheet: Any, group: list[Box]) -> Iterator[tuple[list[Box], str]]:  # noqa: ANN401 -- COM
    if len(group) == 1:
        yield from (([box], style) for box, style in style_runs(sheet, group[0]))
        return
    style = joined(sheet, group).Style
    if style is not None:
        yield group, str(style.Name)
        return
    middle = len(group) // 2
    yield from _halved(sheet, group[:middle])
    yield from _halved(sheet, group[middle:])


def _address(box: Box) -> str:
    if box.rows == 1 and box.columns == 1:
        return f"{letter_of(box.left)}{box.top}"
    return box.address
