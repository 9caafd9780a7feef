"""Puts the drawings of boards into a package: a new one, or ours into the one that is there."""

from collections.abc import Callable
from typing import Final

from klarify_xl.headless import worksheet
from klarify_xl.headless.boards import BoardSheet
from klarify_xl.headless.charts import chart_part
from klarify_xl.headless.drawing import (
    LINK_RELATIONSHIP,
    DrawingPart,
    drawing_part,
    with_our_shapes,
)
from klarify_xl.headless.package import Package, Relationship
from klarify_xl.headless.stylesheet import main_element
from klarify_xl.plan import Colours, Place

_DRAWING_TYPE: Final = "application/vnd.openxmlformats-officedocument.drawing+xml"
_CHART_TYPE: Final = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"


def put_drawing(
    package: Package, placed: BoardSheet, colours: Colours, location: Callable[[Place], str]
) -> None:
    """Draw what a board has beside its cells.

    Charts in a drawing that is there are left as they are: their figures are cells, and a person
    may have moved or changed them. Boxes and arrows are drawn anew.

    Args:
        package: The workbook's package.
        placed: The board and its sheet.
        colours: The workbook's colours.
        location: Gives the cell of a place as a formula has it.
    """
    board = placed.board
    present = package.related(placed.part, "drawing")
    if present:
        part = present[0]
        related = package.relationships(part)
        drawn = with_our_shapes(
            package.read(part),
            board,
            colours,
            taken=[one.id for one in related],
            place_location=location,
        )
        # New links take the ids of those that they replace.
        gone = drawn.dropped | drawn.links.keys()
        _put(package, part, drawn, [one for one in related if one.id not in gone])
    elif board.charts or board.shapes:
        part = package.free_name("xl/drawings/drawing{}.xml")
        package.put(part, b"")
        package.set_content_type(part, _DRAWING_TYPE)
        chart_ids = []
        for chart in board.charts:
            chart_name = package.free_name("xl/charts/chart{}.xml")
            package.put(chart_name, chart_part(chart, board, placed.name))
            package.set_content_type(chart_name, _CHART_TYPE)
            chart_ids.append(package.relate(part, "chart", chart_name))
        drawn = drawing_part(board, colours, chart_ids=chart_ids, place_location=location)
        _put(package, part, drawn, package.relationships(part))
        element = main_element("drawing")
        element.set(worksheet.R_ID, package.relate(placed.part, "drawing", part))
        worksheet.put_in_order(placed.root, element)


def _put(package: Package, part: str, drawn: DrawingPart, related: list[Relationship]) -> None:
    package.put(part, drawn.content)
    links = (Relationship(one, LINK_RELATIONSHIP, target) for one, target in drawn.links.items())
    package.set_relationships(part, [*related, *links])
