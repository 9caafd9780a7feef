"""Shapes and charts from a file's drawings, which openpyxl leaves out or makes new.

Positions are ECMA-376 part 1, 20.5 (SpreadsheetML drawing): 12,700 units make a point.
"""

import posixpath
from typing import Any, Final
from zipfile import ZipFile

from lxml import etree

from .geometry import left_of, top_of
from .loading_charts import chart_of
from .model import Link, ShapeModel, SheetModel

XDR: Final = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
C: Final = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
UNITS: Final = 12_700
_GEOMETRY: Final = {"rect": 1, "roundRect": 5, "ellipse": 9, "straightConnector1": -2}
"""MsoAutoShapeType of a few preset geometries."""


def related(package: ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Return the targets of a part's relationships by id, with the last word of their kinds."""
    folder, name = posixpath.split(part)
    path = f"{folder}/_rels/{name}.rels"
    if path not in package.NameToInfo:
        return {}
    found = {}
    for one in etree.fromstring(package.read(path)):
        target = str(one.get("Target"))
        if one.get("TargetMode") != "External" and not target.startswith("#"):
            target = (
                target[1:]
                if target.startswith("/")
                else posixpath.normpath(posixpath.join(folder, target))
            )
        found[str(one.get("Id"))] = (target, str(one.get("Type")).rpartition("/")[2])
    return found


def read_drawings(package: ZipFile, part: str, sheet: SheetModel) -> None:
    """Read the shapes of a sheet, given the sheet's part in the package."""
    for target, kind in related(package, part).values():
        if kind != "drawing":
            continue
        links = related(package, target)
        numbers: dict[str, str] = {}
        for anchor in etree.fromstring(package.read(target)):
            for source in anchor:
                if source.tag in {XDR + "sp", XDR + "cxnSp", XDR + "graphicFrame", XDR + "pic"}:
                    shape = _shape(source, anchor, sheet, links)
                    numbers[str(_named(source).get("id"))] = shape.name
                    _attach_chart(package, source, links, shape)
                    sheet.shapes.append(shape)
        _connect(package, target, sheet, numbers)


def _named(source: Any) -> Any:
    return source.find(f"*/{XDR}cNvPr")


def _shape(
    source: Any, anchor: Any, sheet: SheetModel, links: dict[str, tuple[str, str]]
) -> ShapeModel:
    named = _named(source)
    left, top, width, height = _position(anchor, sheet)
    kind = {"graphicFrame": 3, "pic": 13}.get(etree.QName(source).localname, 1)
    shape = ShapeModel(str(named.get("name")), kind, left, top, width, height)
    shape.description = named.get("descr") or ""
    shape.connector = source.tag == XDR + "cxnSp"
    paragraphs = source.findall(f"{XDR}txBody/{A}p")
    shape.text = "\r".join("".join(one.itertext(f"{A}t")) for one in paragraphs)
    geometry = source.find(f"{XDR}spPr/{A}prstGeom")
    if geometry is not None:
        shape.kept["AutoShapeType"] = _GEOMETRY.get(str(geometry.get("prst")), 1)
    _paint(source, shape)
    click = named.find(f"{A}hlinkClick")
    if click is not None and click.get(R + "id") in links:
        target = links[click.get(R + "id")][0]
        address, _, inside = target.partition("#")
        shape.link = Link(None, address, inside, click.get("tooltip") or "", shape.name)
    return shape


def _paint(source: Any, shape: ShapeModel) -> None:
    fill = source.find(f"{XDR}spPr/{A}solidFill/{A}srgbClr")
    if fill is not None:
        shape.kept["Fill"] = {"Visible": -1, "ForeColor": {"RGB": _bgr(fill.get("val"))}}
    line = source.find(f"{XDR}spPr/{A}ln")
    if line is not None:
        colour = line.find(f"{A}solidFill/{A}srgbClr")
        shape.kept["Line"] = {"Weight": int(line.get("w") or 9525) / UNITS}
        if colour is not None:
            shape.kept["Line"]["ForeColor"] = {"RGB": _bgr(colour.get("val"))}
    run = source.find(f".//{A}rPr")
    if run is not None:
        font: dict[str, Any] = {"Size": int(run.get("sz") or 1100) / 100}
        font["Bold"] = -1 if run.get("b") == "1" else 0
        colour = run.find(f"{A}solidFill/{A}srgbClr")
        if colour is not None:
            font["Fill"] = {"ForeColor": {"RGB": _bgr(colour.get("val"))}}
        shape.kept["Font"] = font


def _bgr(text: str) -> int:
    red, green, blue = (int(text[at : at + 2], 16) for at in (0, 2, 4))
    return red | green << 8 | blue << 16


def _position(anchor: Any, sheet: SheetModel) -> tuple[float, float, float, float]:
    def corner(name: str) -> tuple[float, float]:
        place = anchor.find(XDR + name)
        column, row = int(place.findtext(XDR + "col")), int(place.findtext(XDR + "row"))
        return (
            left_of(sheet, column + 1) + int(place.findtext(XDR + "colOff")) / UNITS,
            top_of(sheet, row + 1) + int(place.findtext(XDR + "rowOff")) / UNITS,
        )

    extent = anchor.find(XDR + "ext")
    if anchor.tag == XDR + "absoluteAnchor":
        place = anchor.find(XDR + "pos")
        left, top = int(place.get("x")) / UNITS, int(place.get("y")) / UNITS
    else:
        left, top = corner("from")
    if extent is not None:
        return left, top, int(extent.get("cx")) / UNITS, int(extent.get("cy")) / UNITS
    right, bottom = corner("to")
    return left, top, right - left, bottom - top


def _attach_chart(
    package: ZipFile, source: Any, links: dict[str, tuple[str, str]], shape: ShapeModel
) -> None:
    chart = source.find(f".//{C}chart")
    if chart is None:
        return
    target = links[chart.get(R + "id")][0]
    shape.chart = chart_of(package.read(target))


def _connect(package: ZipFile, target: str, sheet: SheetModel, numbers: dict[str, str]) -> None:
    for source in etree.fromstring(package.read(target)).iter(XDR + "cxnSp"):
        name = _named(source).get("name")
        shape = next(one for one in sheet.shapes if one.name == name)
        for tag, field in (("stCxn", "start"), ("endCxn", "end")):
            end = source.find(f".//{A}{tag}")
            if end is not None and str(end.get("id")) in numbers:
                # Sites count from 0 in files, from 1 in COM.
                site = int(end.get("idx") or 0) + 1
                setattr(shape, field, (numbers[str(end.get("id"))], site))
