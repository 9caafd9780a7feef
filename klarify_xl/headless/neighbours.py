"""What stands on a sheet beside or under our table and can't be taken apart: areas of a person's.

These are other tables, pivot tables, merged cells, and what a formula of several cells fills.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

from klarify_xl.headless.moves import Moves, Region
from klarify_xl.headless.package import Package
from klarify_xl.headless.reading import OldSheet
from klarify_xl.headless.references import boundaries
from klarify_xl.headless.stylesheet import q


@dataclass(frozen=True)
class Neighbour:
    """An area of a person's.

    Attributes:
        left: Its first column, from 1.
        top: Its first row, from 1.
        right: Its last column.
        bottom: Its last row.
    """

    left: int
    top: int
    right: int
    bottom: int

    def shares_columns(self, left: int, right: int) -> bool:
        """Tell whether it has cells in one of the columns."""
        return self.left <= right and self.right >= left


def neighbours(package: Package, part: str, table_part: str, old: OldSheet) -> list[Neighbour]:
    """Return the areas on a sheet that can't be taken apart.

    Args:
        package: The package.
        part: The sheet's part.
        table_part: The part of our table, which is none of them.
        old: What stands on the sheet.
    """
    references = [one.get("ref", "") for one in old.root.iter(q("mergeCell"))]
    references += [
        dict(cell.formula_attributes).get("ref", "")
        for cells in old.outside.values()
        for cell in cells.values()
        if cell.formula_attributes
    ]
    for other in package.related(part, "table"):
        if other != table_part:
            references.append(package.tree(other).get("ref", ""))
    for pivot in package.related(part, "pivotTable"):
        references += [one.get("ref", "") for one in package.tree(pivot).iter(q("location"))]
    return list(_areas(references))


def _areas(references: Iterable[str]) -> Iterator[Neighbour]:
    for reference in references:
        try:
            left, top, right, bottom = boundaries(reference)
        except ValueError:
            continue
        if left and top and right and bottom:
            yield Neighbour(left, top, right, bottom)


def limit_beside(areas: Iterable[Neighbour], region: Region) -> int | None:
    """Return the first column right of a table whose cells can't belong to its rows, if any.

    Args:
        areas: What can't be taken apart.
        region: Where the table is.
    """
    return min(
        (
            one.left
            for one in areas
            if one.left > region.right
            and one.top < one.bottom
            and one.top <= region.bottom
            and one.bottom >= region.top
        ),
        default=None,
    )


def columns_under(
    areas: Iterable[Neighbour], region: Region, reach: int
) -> tuple[int, int, list[int]]:
    """Return the columns whose cells move together when a table needs the room under it.

    Args:
        areas: What can't be taken apart.
        region: Where the table is.
        reach: The last column whose cells move with the table's rows.

    Returns:
        The first and last column, and the first rows of the areas that move.
    """
    under = [one for one in areas if one.top > region.bottom]
    left, right = region.left, reach
    moved: set[Neighbour] = set()
    while more := {one for one in under if one.shares_columns(left, right)} - moved:
        moved |= more
        left = min(left, *(one.left for one in more))
        right = max(right, *(one.right for one in more))
    return left, right, [one.top for one in moved]


def follow_neighbours(package: Package, part: str, table_part: str, moves: Moves) -> None:
    """Let the other tables and the pivot tables on a sheet follow their cells.

    Args:
        package: The package.
        part: The sheet's part.
        table_part: The part of our table.
        moves: How the sheet's cells move.
    """
    parts = [one for one in package.related(part, "table") if one != table_part]
    for other in (*parts, *package.related(part, "pivotTable")):
        root = package.tree(other)
        before = etree.tostring(root)
        tags = ("autoFilter", "sortState", "sortCondition", "location")
        for element in (root, *root.iter(*(q(tag) for tag in tags))):
            if element.get("ref"):
                element.set("ref", moves.areas(element.get("ref", "")))
        follow_formulas(root, moves)
        if etree.tostring(root) != before:
            package.put_tree(other, root)


def follow_formulas(table: etree._Element, moves: Moves) -> None:
    """Let the formulas that a table says of its columns follow their cells."""
    for element in table.iter(q("calculatedColumnFormula"), q("totalsRowFormula")):
        element.text = moves.formula(element.text or "", moves.sheet)
