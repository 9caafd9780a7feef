"""The drawing part of a board's sheet: its charts, boxes and arrows as DrawingML.

Everything of ours bears a name that begins with `OWN_NAME`, by which a later refresh finds it
among what a person has drawn there.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from lxml import etree

from klarify_xl.headless.connectors import routes
from klarify_xl.headless.shapes import (
    DRAWING,
    MAIN,
    OWN_NAME,
    RELATED,
    arrow_anchors,
    box_anchor,
    chart_anchor,
    empty_drawing,
)
from klarify_xl.plan import Board, Colours, Place, Shape

LINK_RELATIONSHIP: Final = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
)

PlaceLocation = Callable[[Place], str]


@dataclass(frozen=True)
class DrawingPart:
    """A drawing part, and what it needs.

    Attributes:
        content: The part's XML.
        links: Targets of its relationships of the type `LINK_RELATIONSHIP` for our objects, by
            id. They lead into the same workbook, so they have no target mode: as Excel has it.
        dropped: Ids of relationships that nothing in the part uses any more.
    """

    content: bytes
    links: Mapping[str, str]
    dropped: frozenset[str] = field(default_factory=frozenset)


def drawing_part(
    board: Board, colours: Colours, *, chart_ids: Sequence[str], place_location: PlaceLocation
) -> DrawingPart:
    """Return the drawing of a board.

    Args:
        board: What to draw.
        colours: The workbook's colours.
        chart_ids: Ids of the relationships to the parts of its charts.
        place_location: Gives the cell of a place as a formula has it, with the sheet's name.
    """
    root = empty_drawing()
    ids = count(1)
    for number, (chart, chart_id) in enumerate(zip(board.charts, chart_ids, strict=True), start=1):
        root.append(chart_anchor(chart, number, next(ids), chart_id))
    objects = _objects(board, colours, ids, set(chart_ids), place_location)
    root.extend(objects.anchors)
    return DrawingPart(_serialised(root), objects.links)


def with_our_shapes(
    existing: bytes,
    board: Board,
    colours: Colours,
    *,
    taken: Collection[str],
    place_location: PlaceLocation,
) -> DrawingPart:
    """Return a drawing with our boxes and arrows replaced, and all else as it was.

    A person's connector that holds on to a box of ours holds on to the box that stands for the
    same afterwards; if there is none, it stays where it is.

    Args:
        existing: The drawing part.
        board: What to draw.
        colours: The workbook's colours.
        taken: Ids of all relationships of the part.
        place_location: Gives the cell of a place as a formula has it, with the sheet's name.
    """
    root = etree.fromstring(existing, etree.XMLParser(resolve_entities=False, no_network=True))
    referred = _references(root)
    position, old_boxes = 0, dict[str, str]()
    for anchor in reversed([one for one in root if _is_ours(one)]):
        position = root.index(anchor)
        old_boxes |= {p.get("id", ""): p.get("descr", "") for p in _properties(anchor)}
        root.remove(anchor)
    used = {int(p.get("id", "0")) for p in _properties(root)}
    ids = (number for number in count(1) if number not in used)
    dropped = frozenset(referred - _references(root))
    objects = _objects(board, colours, ids, set(taken) - dropped, place_location)
    new_boxes = {shape.description: number for shape, number in objects.boxes}
    for end in root.iter(f"{{{MAIN}}}stCxn", f"{{{MAIN}}}endCxn"):
        if end.get("id") in old_boxes:
            _hold_on(end, new_boxes.get(old_boxes[end.get("id", "")]))
    root[position:position] = objects.anchors
    return DrawingPart(_serialised(root), objects.links, dropped - objects.links.keys())


def _hold_on(end: etree._Element, box: int | None) -> None:
    """Let the end of a connector hold on to another box, or to none."""
    if box is not None:
        end.set("id", str(box))
        return
    parent = end.getparent()
    if parent is not None:
        parent.remove(end)


def _is_ours(anchor: etree._Element) -> bool:
    return any(
        child.tag in {f"{{{DRAWING}}}sp", f"{{{DRAWING}}}cxnSp"}
        and any(p.get("name", "").startswith(OWN_NAME) for p in _properties(child))
        for child in anchor
    )


def _properties(element: etree._Element) -> list[etree._Element]:
    return list(element.iter(f"{{{DRAWING}}}cNvPr"))


def _references(root: etree._Element) -> set[str]:
    """Return the ids of relationships that a drawing uses, whatever for."""
    prefix = f"{{{RELATED}}}"
    return {
        str(value)
        for element in root.iter(etree.Element)
        for name, value in element.attrib.items()
        if str(name).startswith(prefix)
    }


@dataclass
class _Objects:
    """Our boxes and arrows: their anchors, their links, and the ids that the boxes got."""

    anchors: list[etree._Element]
    links: dict[str, str]
    boxes: list[tuple[Shape, int]]


def _objects(
    board: Board,
    colours: Colours,
    ids: Iterator[int],
    taken: set[str],
    place_location: PlaceLocation,
) -> _Objects:
    # Boxes go first: the order of the parts is the order in which the Tab key goes through them.
    made = _Objects([], {}, [])
    free = (link for link in map("rId{}".format, count(1)) if link not in taken)
    for number, shape in enumerate(board.shapes, start=1):
        link = None
        if shape.target:
            link = next(free)
            made.links[link] = f"#{place_location(shape.target)}"
        made.boxes.append((shape, next(ids)))
        made.anchors.append(box_anchor(shape, number, made.boxes[-1][1], link, colours))
    ways = routes(board.shapes, [(one.start, one.end) for one in board.connectors])
    for number, (arrow, way) in enumerate(zip(board.connectors, ways, strict=True), start=1):
        ends = made.boxes[arrow.start][1], made.boxes[arrow.end][1]
        made.anchors.extend(arrow_anchors(arrow, number, ids, ends, way))
    return made


def _serialised(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
