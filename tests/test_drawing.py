"""The drawing of a board is valid, holds together, and leaves a person's own drawings alone."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from lxml import etree
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference

from klarify_xl.headless.connectors import crosses, routes, site
from klarify_xl.headless.drawing import (
    LINK_RELATIONSHIP,
    DrawingPart,
    drawing_part,
    with_our_shapes,
)
from klarify_xl.headless.stylesheet import Stylesheet
from klarify_xl.plan import Area, Board, Chart, Colours, Connector, Place, Shape
from klarify_xl.sheets.layout import lay_out
from klarify_xl.sheets.map import map_board

from .test_map import graphs, sample
from .test_validity import validator  # noqa: F401 -- a fixture
from .validator import objections

X = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PIXEL = 9525


def location(place: Place) -> str:
    return f"'Lane totals & Übersicht'!A{place.row + 2}"


def board_of(
    shapes: tuple[Shape, ...], *arrows: Connector, charts: tuple[Chart, ...] = ()
) -> Board:
    return Board("Map", "Map", (20.0,), {}, shapes=shapes, connectors=arrows, charts=charts)


def box(name: str, x: int, y: int, **fields: Any) -> Shape:
    return Shape(name, f"About {name}", x, y, 100, 40, **fields)


A_BOX = box("a", 20, 100, tone="good", target=Place("Procedures", 3))
BLOCK = box("block", 220, 100, tone="pending", target=Place("Procedures", 4))
B_BOX = box("b", 420, 100, strong=True)
ROW = board_of((A_BOX, BLOCK, B_BOX), Connector(0, 2, "a calls b", dashed=True))
CHART = Chart(
    "bar", "A title", "What it shows", Area(0, 0, 2), Area(1, 0, 2), row=4, column=2, width=300
)


def drawn(board: Board, *chart_ids: str) -> DrawingPart:
    return drawing_part(board, Colours(), chart_ids=chart_ids, place_location=location)


def tree(part: DrawingPart | bytes) -> etree._Element:
    return etree.fromstring(part if isinstance(part, bytes) else part.content)


def properties(root: etree._Element) -> list[etree._Element]:
    return list(root.iter(f"{X}cNvPr"))


def by_name(root: etree._Element) -> dict[str, etree._Element]:
    """Return a drawing's objects, as shapes, connectors and so on, by their names."""
    found = {}
    for one in properties(root):
        parent = one.getparent()
        assert parent is not None
        drawn_object = parent.getparent()
        assert drawn_object is not None
        found[one.get("name", "")] = drawn_object
    return found


def extent(drawn_object: etree._Element) -> tuple[int, int, int, int]:
    """Return an object's place and size as the file has them."""
    off, ext = drawn_object.find(f".//{A}off"), drawn_object.find(f".//{A}xfrm/{A}ext")
    assert off is not None
    assert ext is not None
    values = (off.get("x"), off.get("y"), ext.get("cx"), ext.get("cy"))
    x, y, width, height = (int(value or "") for value in values)
    return x, y, width, height


def ends(connector: etree._Element) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return where a connector starts and ends, with its flips."""
    x, y, width, height = extent(connector)
    placed = connector.find(f".//{A}xfrm")
    assert placed is not None
    xs, ys = [x, x + width], [y, y + height]
    if placed.get("flipH") == "1":
        xs.reverse()
    if placed.get("flipV") == "1":
        ys.reverse()
    return (xs[0], ys[0]), (xs[1], ys[1])


def check_that_it_holds_together(part: DrawingPart) -> None:
    root = tree(part)
    ids = [one.get("id") for one in properties(root)]
    names = [one.get("name", "") for one in properties(root)]
    assert len(set(ids)) == len(ids)
    assert len(set(names)) == len(names)
    references = [element.get(f"{R}id") for element in root.iter(f"{A}hlinkClick")]
    assert sorted(filter(None, references)) == sorted(part.links)
    by_id = {one.get("id"): by_name(root)[one.get("name", "")] for one in properties(root)}
    for connector in root.iter(f"{X}cxnSp"):
        for tag, point in zip(("stCxn", "endCxn"), ends(connector), strict=True):
            held = connector.find(f".//{A}{tag}")
            assert held is not None
            x, y, width, height = extent(by_id[held.get("id")])
            sites = (
                (x + width // 2, y),
                (x, y + height // 2),
                (x + width // 2, y + height),
                (x + width, y + height // 2),
            )
            where = sites[int(held.get("idx", ""))]
            assert abs(where[0] - point[0]) + abs(where[1] - point[1]) <= 2 * PIXEL


def test_each_arrow_holds_on_to_the_boxes_at_its_ends() -> None:
    shapes = tuple(box(str(n), 20 + 200 * (n % 3), 20 + 100 * (n // 3)) for n in range(9))
    pairs = [(a, b) for a in range(9) for b in range(9) if a != b]
    board = board_of(shapes, *(Connector(a, b, f"{a} {b}") for a, b in pairs))
    check_that_it_holds_together(drawn(board))
    check_that_it_holds_together(drawn(map_board(sample(1247))))


def test_boxes_stand_where_the_board_says_whatever_the_columns_are() -> None:
    anchors = list(tree(drawn(ROW)))
    assert {anchor.tag for anchor in anchors} == {f"{X}absoluteAnchor"}
    first = anchors[0].find(f"{X}pos")
    assert first is not None
    assert (first.get("x"), first.get("y")) == (str(20 * PIXEL), str(100 * PIXEL))
    assert extent(by_name(tree(drawn(ROW)))["Klarify box 1"]) == tuple(
        PIXEL * value for value in (20, 100, 100, 40)
    )


def test_a_box_shows_its_text_and_says_what_it_stands_for() -> None:
    shape = replace(A_BOX, text="first\nsecond & <third>", description='"quoted" & <b>')
    found = by_name(tree(drawn(board_of((shape,)))))["Klarify box 1"]
    assert [one.text for one in found.iter(f"{A}t")] == ["first", "second & <third>"]
    (named,) = properties(found)
    assert named.get("descr") == '"quoted" & <b>'
    colours = [one.get("val") for one in found.iter(f"{A}srgbClr")]
    assert colours == ["DDF3E1", "0B5D1E", "0B5D1E", "0B5D1E"]


def test_a_strong_box_has_a_thick_outline() -> None:
    boxes = by_name(tree(drawn(ROW)))
    widths = [boxes[f"Klarify box {n}"].find(f".//{A}ln") for n in (1, 2, 3)]
    assert [int(one.get("w", "")) for one in widths if one is not None] == [9525, 9525, 38100]


def test_a_click_leads_to_the_place_and_to_nowhere_without_one() -> None:
    part = drawn(ROW, *())
    assert list(part.links.values()) == [
        "#'Lane totals & Übersicht'!A5",
        "#'Lane totals & Übersicht'!A6",
    ]
    assert by_name(tree(part))["Klarify box 3"].find(f".//{A}hlinkClick") is None


def test_an_arrow_bends_around_a_box_with_one_head_and_one_description() -> None:
    root = tree(drawn(ROW))
    pieces = list(root.iter(f"{X}cxnSp"))
    assert len(pieces) == 3
    assert [piece.find(f".//{A}tailEnd") is not None for piece in pieces] == [False, False, True]
    assert all(piece.find(f".//{A}prstDash") is not None for piece in pieces)
    described = [one.get("descr") for one in properties(root) if one.get("descr")]
    assert described == ["About a", "About block", "About b", "a calls b"]
    decoration = [one for one in root.iter() if str(one.tag).endswith("}decorative")]
    assert len(decoration) == 4


def test_a_free_arrow_is_straight_between_the_sides_that_face_each_other() -> None:
    below = box("below", 30, 300)
    pairs = [(0, 1), (1, 0), (0, 2), (2, 0)]
    ways = routes((A_BOX, BLOCK, below), pairs[:1] + pairs[2:3])
    assert [(way.start_site, way.end_site) for way in ways] == [(3, 1), (2, 0)]
    assert ways[0].points == (site(A_BOX, 3), site(BLOCK, 1)) == ((120, 120), (220, 120))
    assert [len(way.points) for way in ways] == [2, 2]


def test_an_arrow_back_has_a_line_of_its_own_where_there_is_room() -> None:
    tall = (box("a", 20, 100), box("b", 420, 100), box("c", 220, 300))
    there, back = routes(tall, [(0, 1), (1, 0)])
    assert len(there.points) == 2
    assert len(back.points) == 4


@given(graphs)
@settings(deadline=None, max_examples=40)
def test_no_arrow_leads_over_a_box_on_any_map(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = graph
    arrows = [pair for pair in pairs if pair[0] != pair[1]]
    spots = lay_out(count, arrows, columns=6, rows=8)
    shapes = [Shape("", "", 20 + 272 * spot.column, 100 + 84 * spot.row, 176, 58) for spot in spots]
    for arrow, way in zip(arrows, routes(shapes, arrows), strict=True):
        for number, shape in enumerate(shapes):
            if number not in arrow:
                assert not any(crosses(piece, shape) for piece in way.pieces)


@pytest.mark.parametrize(
    ("piece", "is_touched"),
    [
        (((0, 0), (100, 100)), True),
        (((0, 50), (100, 50)), True),
        (((50, 0), (50, 100)), True),
        (((45, 45), (55, 55)), True),
        (((0, 0), (30, 30)), False),
        (((0, 35), (100, 35)), False),
        (((0, 38), (100, 38)), True),
        (((35, 0), (35, 100)), False),
        (((0, 60), (60, 120)), False),
    ],
)
def test_lines_and_boxes_touch_as_geometry_has_it(
    piece: tuple[tuple[int, int], tuple[int, int]], *, is_touched: bool
) -> None:
    square = Shape("", "", 40, 40, 20, 20)
    assert crosses(piece, square) == is_touched
    assert crosses((piece[1], piece[0]), square) == is_touched


def packaged(file: Path, part: DrawingPart, others: Mapping[str, str]) -> Path:
    """Write a workbook with a chart and a picture's sheet whose drawing is the one given."""
    workbook = Workbook()
    sheet: Any = workbook.active
    for row in (("a", 1), ("b", 2), ("c", 3)):
        sheet.append(row)
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3))
    sheet.add_chart(chart, "D5")
    workbook.create_sheet("Lane totals & Übersicht")
    saved = io.BytesIO()
    workbook.save(saved)
    relationships = "".join(
        f'<Relationship Id="{key}" Type="{LINK_RELATIONSHIP}" Target="{escaped(target)}"/>'
        for key, target in part.links.items()
    ) + "".join(
        f'<Relationship Id="{key}" Target="{target}" Type="{LINK_RELATIONSHIP}"'
        ' TargetMode="External"/>'
        for key, target in others.items()
    )
    rels = "xl/drawings/_rels/drawing1.xml.rels"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/drawings/drawing1.xml":
                content = part.content
            elif name == rels:
                content = content.replace(
                    b"</Relationships>", relationships.encode() + b"</Relationships>"
                )
            elif name == "xl/styles.xml":
                # openpyxl's own order of a font's elements is not the schema's.
                stylesheet = Stylesheet(etree.fromstring(content))
                stylesheet.order_fonts()
                content = stylesheet.content()
            target.writestr(name, content)
    return file


def charts_of(file: Path) -> list[Any]:
    sheet: Any = load_workbook(file).worksheets[0]
    return list(sheet._charts)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


@pytest.mark.parametrize("which", ["row", "map", "centre"])
def test_the_open_xml_sdk_and_openpyxl_accept_the_drawing(
    validator: Path,  # noqa: F811 -- a fixture
    tmp_path: Path,
    which: str,
) -> None:
    inventory = sample(250)
    board = {
        "row": lambda: ROW,
        "map": lambda: map_board(inventory),
        "centre": lambda: map_board(inventory, inventory.procedures[0].id),
    }[which]()
    part = drawn(replace(board, charts=(CHART,)), "rId1")
    file = packaged(tmp_path / "drawing.xlsx", part, {})
    assert objections(validator, file) == []
    (chart,) = charts_of(file)
    anchored = chart.anchor._from
    assert (anchored.row, anchored.col) == (4, 2)
    assert chart.anchor.ext.width == 300 * PIXEL


def test_the_open_xml_sdk_objects_to_a_wrong_drawing(
    validator: Path,  # noqa: F811 -- a fixture
    tmp_path: Path,
) -> None:
    part = drawn(replace(ROW, charts=(CHART,)), "rId1")
    wrong = replace(part, content=part.content.replace(b'prst="roundRect"', b'prst="roundish"'))
    assert objections(validator, packaged(tmp_path / "wrong.xlsx", wrong, {}))


def test_a_chart_has_a_name_of_ours_and_a_description() -> None:
    root = tree(drawn(replace(ROW, charts=(CHART,)), "rId7"))
    (named,) = properties(by_name(root)["Klarify chart 1"])
    assert named.get("descr") == "What it shows"
    assert next(one.get(f"{R}id") for one in root.iter() if one.get(f"{R}id")) == "rId7"


OWN_DRAWINGS = f"""
<xdr:twoCellAnchor xmlns:xdr="{X[1:-1]}" xmlns:a="{A[1:-1]}" xmlns:r="{R[1:-1]}" editAs="oneCell">
  <xdr:from><xdr:col>1</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row>
    <xdr:rowOff>0</xdr:rowOff></xdr:from>
  <xdr:to><xdr:col>3</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>4</xdr:row>
    <xdr:rowOff>0</xdr:rowOff></xdr:to>
  <xdr:sp macro="" textlink=""><xdr:nvSpPr>
    <xdr:cNvPr id="90" name="My Klarify note"><a:hlinkClick r:id="rId2"/></xdr:cNvPr>
    <xdr:cNvSpPr/></xdr:nvSpPr>
    <xdr:spPr><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr></xdr:sp>
  <xdr:clientData/></xdr:twoCellAnchor>
"""


def own_arrow(number: int, start: str, end: str) -> str:
    return f"""
<xdr:absoluteAnchor xmlns:xdr="{X[1:-1]}" xmlns:a="{A[1:-1]}">
  <xdr:pos x="9525" y="9525"/><xdr:ext cx="9525" cy="9525"/>
  <xdr:cxnSp macro=""><xdr:nvCxnSpPr><xdr:cNvPr id="{number}" name="My arrow {number}"/>
    <xdr:cNvCxnSpPr><a:stCxn id="{start}" idx="2"/><a:endCxn id="{end}" idx="0"/>
    </xdr:cNvCxnSpPr></xdr:nvCxnSpPr>
    <xdr:spPr><a:xfrm><a:off x="9525" y="9525"/><a:ext cx="9525" cy="9525"/></a:xfrm>
    <a:prstGeom prst="line"><a:avLst/></a:prstGeom></xdr:spPr></xdr:cxnSp>
  <xdr:clientData/></xdr:absoluteAnchor>
"""


@pytest.fixture
def touched() -> bytes:
    """Our drawing after a person has added a shape and two arrows to it."""
    root = tree(drawn(replace(ROW, charts=(CHART,)), "rId1"))
    ids = {one.get("descr"): one.get("id", "") for one in properties(root)}
    root.insert(0, etree.fromstring(OWN_DRAWINGS.replace('r:id="rId2"', 'r:id="rId9"')))
    root.append(etree.fromstring(own_arrow(91, "90", ids["About b"])))
    root.append(etree.fromstring(own_arrow(92, ids["About a"], "90")))
    return etree.tostring(root)


TAKEN = ("rId1", "rId2", "rId3", "rId9")
NEXT = board_of(
    (box("new", 20, 20, target=Place("Procedures", 0)), B_BOX, BLOCK), Connector(0, 1, "new arrow")
)


def refreshed(existing: bytes, board: Board = NEXT) -> DrawingPart:
    return with_our_shapes(existing, board, Colours(), taken=TAKEN, place_location=location)


def foreign(root: etree._Element) -> Iterator[bytes]:
    for anchor in root:
        (named, *_) = properties(anchor)
        if not named.get("name", "").startswith("Klarify ") or anchor.tag == f"{X}oneCellAnchor":
            yield etree.tostring(anchor, method="c14n", exclusive=True)


def test_our_boxes_and_arrows_are_replaced_and_a_persons_stay(touched: bytes) -> None:
    before, part = tree(touched), refreshed(touched)
    after = tree(part)
    texts = [one.text for one in after.iter(f"{A}t")]
    assert texts == ["new", "b", "block"]
    kept = list(foreign(after))
    assert len(kept) == 4
    # The shape and the chart to the letter; what the arrows hold on to has got other ids.
    assert [one for one in foreign(before) if b"Cxn" not in one] == [
        one for one in kept if b"Cxn" not in one
    ]
    ids = [one.get("id") for one in properties(after)]
    assert len(set(ids)) == len(ids)


def test_links_of_our_boxes_get_ids_that_are_free(touched: bytes) -> None:
    part = refreshed(touched)
    assert part.links == {
        "rId2": "#'Lane totals & Übersicht'!A2",
        "rId3": "#'Lane totals & Übersicht'!A6",
    }
    assert part.dropped == frozenset()
    unlinked = replace(NEXT, shapes=tuple(replace(one, target=None) for one in NEXT.shapes))
    assert refreshed(touched, unlinked).dropped == {"rId2", "rId3"}


def test_a_persons_arrow_follows_its_box_or_lets_go(touched: bytes) -> None:
    after = tree(refreshed(touched))
    ids = {one.get("descr"): one.get("id") for one in properties(after)}
    arrows = by_name(after)
    held = [
        [
            (str(end.tag).partition("}")[2], end.get("id"))
            for end in arrows[name].iter()
            if str(end.tag).endswith("Cxn")
        ]
        for name in ("My arrow 91", "My arrow 92")
    ]
    assert held == [[("stCxn", "90"), ("endCxn", ids["About b"])], [("endCxn", "90")]]


def test_a_refresh_with_the_same_board_changes_nothing(touched: bytes) -> None:
    once = refreshed(touched)
    twice = with_our_shapes(
        once.content, NEXT, Colours(), taken=(*TAKEN, *once.links), place_location=location
    )
    assert twice == once


def test_what_a_person_drew_over_our_boxes_stays_over_them(touched: bytes) -> None:
    names = [properties(anchor)[0].get("name", "") for anchor in tree(refreshed(touched))]
    assert names[0] == "My Klarify note"
    assert names[-2:] == ["My arrow 91", "My arrow 92"]
    only_own = etree.fromstring(touched)
    for anchor in list(only_own):
        if properties(anchor)[0].get("name", "").startswith("Klarify "):
            only_own.remove(anchor)
    names = [
        properties(anchor)[0].get("name", "")
        for anchor in tree(refreshed(etree.tostring(only_own)))
    ]
    assert names[0] == "Klarify box 1"


def test_the_open_xml_sdk_accepts_the_refreshed_drawing(
    validator: Path,  # noqa: F811 -- a fixture
    tmp_path: Path,
    touched: bytes,
) -> None:
    file = packaged(
        tmp_path / "refreshed.xlsx", refreshed(touched), {"rId9": "https://example.com/"}
    )
    assert objections(validator, file) == []
    assert len(charts_of(file)) == 1


def test_a_drawing_cannot_make_the_reader_fetch_anything(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    hostile = (
        f'<!DOCTYPE a [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
        f'<xdr:wsDr xmlns:xdr="{X[1:-1]}">&e;</xdr:wsDr>'
    )
    assert b"secret<" not in refreshed(hostile.encode()).content
