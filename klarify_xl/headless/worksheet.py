"""The XML of a sheet around its rows: new ones, and what follows cells that have moved."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import product
from typing import Any, Final

from lxml import etree

from klarify_xl.headless.cells import split_address
from klarify_xl.headless.markup import xml_text_plain
from klarify_xl.headless.moves import Moves
from klarify_xl.headless.package import OFFICE
from klarify_xl.headless.references import boundaries, letter_of
from klarify_xl.headless.stylesheet import MAIN, main_element, q

SHEET_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
R_ID: Final = f"{{{OFFICE}}}id"
_FORMULAS: Final = "http://schemas.microsoft.com/office/excel/2006/main"

_ORDER: Final = (
    *("sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr"),
    *("sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState"),
    *("dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting"),
    *("dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter"),
    *("rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags"),
    *("drawing", "legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects"),
    *("controls", "webPublishItems", "tableParts", "extLst"),
)
"""Order of a sheet's elements (ECMA-376 part 1, 18.3.1.99)."""

_ROWS: Final = "rows"
_LINKS: Final = "links"


def new_sheet(
    widths: Sequence[float],
    *,
    frozen: tuple[int, int],
    stamp: str,
    table: bool = False,
    gridlines: bool = True,
    fits_page: bool = False,
) -> etree._Element:
    """Return the XML of a sheet without rows.

    Args:
        widths: Of its columns, in characters.
        frozen: Rows and columns that stay in sight.
        stamp: Printed at the head of each page, at the right.
        table: Whether it is a table.
        gridlines: Whether lines are shown between all cells.
        fits_page: Whether it is printed on one page, upright.
    """
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width:g}" customWidth="1"/>'
        for number, width in enumerate(widths, start=1)
    )
    grid = "" if gridlines else ' showGridLines="0"'
    # A table's cells have borders of their own.
    printed_grid = '<printOptions gridLines="1"/>' if gridlines and not table else ""
    header = xml_text_plain(f"&L&A&R{stamp.replace('&', '&&')}")
    text = (
        f'<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><dimension ref="A1"/>'
        f'<sheetViews><sheetView{grid} zoomScale="100" workbookViewId="0">{_pane(*frozen)}'
        '</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>'
        f"<cols>{columns}</cols><sheetData/>{printed_grid}"
        '<pageMargins left="0.5" right="0.5" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>'
        # A4, ECMA-376 part 1, 18.3.1.63
        f'<pageSetup paperSize="9" fitToWidth="1" fitToHeight="{int(fits_page)}" '
        f'orientation="{"portrait" if fits_page else "landscape"}"/>'
        f"<headerFooter><oddHeader>{header}</oddHeader>"
        "<oddFooter>&amp;L&amp;F&amp;R&amp;P / &amp;N</oddFooter></headerFooter></worksheet>"
    )
    return etree.fromstring(text)


def _pane(rows: int, columns: int) -> str:
    if not rows and not columns:
        return ""
    side = "bottomRight" if rows and columns else "bottomLeft" if rows else "topRight"
    splits = (f' xSplit="{columns}"' if columns else "") + (f' ySplit="{rows}"' if rows else "")
    corner = f"{letter_of(columns + 1)}{rows + 1}"
    return (
        f'<pane{splits} topLeftCell="{corner}" activePane="{side}" state="frozen"/>'
        f'<selection pane="{side}" activeCell="{corner}" sqref="{corner}"/>'
    )


def put_in_order(root: etree._Element, element: etree._Element) -> etree._Element:
    """Insert an element where the schema wants it among a sheet's elements, and return it."""
    rank = _ORDER.index(etree.QName(element).localname)
    for index, child in enumerate(root):
        if isinstance(child.tag, str):
            name = etree.QName(child).localname
            if name in _ORDER and _ORDER.index(name) > rank:
                root.insert(index, element)
                return element
    root.append(element)
    return element


def group(root: etree._Element, tag: str) -> etree._Element:
    """Return a sheet's element with a tag, added where it is missing."""
    found = root.find(q(tag))
    return put_in_order(root, main_element(tag)) if found is None else found


def split_at_rows(root: etree._Element, *, linked: bool = False) -> tuple[bytes, bytes, bytes]:
    """Return a sheet's XML before its rows, behind them, and behind links that are to be added.

    Rows and links stand between, as texts: there may be so many that they would take more room as
    XML than all the rest.

    Args:
        root: The sheet's XML, without rows.
        linked: Whether there are links to be added; nothing is behind them otherwise.
    """
    root = _with_our_namespaces(root, linked=linked)
    data = root.find(q("sheetData"))
    if data is None:
        raise ValueError(_ROWS)
    data.append(etree.Comment(_ROWS))
    if linked:
        group(root, "hyperlinks").append(etree.Comment(_LINKS))
    text = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    data.clear()
    head, tail = text.split(f"<!--{_ROWS}-->".encode(), 1)
    if not linked:
        return head, tail, b""
    before, after = tail.rsplit(f"<!--{_LINKS}-->".encode(), 1)
    return head, before, after


def _with_our_namespaces(root: etree._Element, *, linked: bool) -> etree._Element:
    """Return a sheet's XML with the namespaces that our rows, and links, are written in."""
    if root.nsmap.get(None) == MAIN and (root.nsmap.get("r") == OFFICE or not linked):
        return root
    prefixes = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    nsmap: Any = {None: MAIN, **prefixes, **({"r": OFFICE} if linked else {})}
    renewed = etree.Element(root.tag, nsmap=nsmap)
    for name, value in root.attrib.items():
        renewed.set(str(name), str(value))
    renewed.extend(list(root))
    return renewed


def set_stamp(root: etree._Element, stamp: str) -> None:
    """Bring the stamp in a page header up to date, if a person has left it there.

    Args:
        root: The sheet's XML.
        stamp: What is printed; what was printed before differs in its digits only.
    """
    pattern = re.sub(r"\d+", r"\\d+", re.escape(stamp))
    for header in root.iter(q("oddHeader")):
        header.text = re.sub(pattern, lambda _: stamp, header.text or "")


def column_widths(root: etree._Element) -> dict[int, float]:
    """Return the widths of columns that have one of their own, in characters, by number."""
    widths = {}
    for one in root.iter(q("col")):
        first, last = int(one.get("min", "1")), int(one.get("max", "1"))
        if one.get("width") and last - first < 1000:  # noqa: PLR2004 -- a format for all the rest
            widths.update(dict.fromkeys(range(first, last + 1), float(one.get("width", "8"))))
    return widths


def add_width(columns: etree._Element, number: int, width: float) -> None:
    """Give a new column its width.

    Args:
        columns: The sheet's ``cols`` element.
        number: The column, from 1, which has no width yet.
        width: In characters.
    """
    new = main_element(
        "col",
        {"min": str(number), "max": str(number), "width": f"{width:g}", "customWidth": "1"},
    )
    for index, one in enumerate(columns):
        if int(one.get("min", "1")) <= number <= int(one.get("max", "1")):
            return
        if int(one.get("min", "1")) > number:
            columns.insert(index, new)
            return
    columns.append(new)


def set_dimension(root: etree._Element, last_row: int, last_column: int) -> None:
    """Say how far a sheet's cells reach."""
    for element in root.iter(q("dimension")):
        element.set("ref", f"A1:{letter_of(last_column)}{last_row}")


def follow(root: etree._Element, moves: Moves) -> None:
    """Let everything on a sheet that is about certain cells follow them.

    These are merged cells, conditional formats, validations, protected ranges, links, ignored
    errors, cell watches, and the same in newer versions' extensions, sparklines among them.
    """
    for element in list(root.iter(q("conditionalFormatting"), q("dataValidation"))):
        references = element.get("sqref", "")
        for formula in element.iter(q("formula"), q("formula1"), q("formula2")):
            formula.text = moves.followed(formula.text or "", references)
        _set_or_drop(element, "sqref", moves.areas(references))
    for element in list(root.iter(q("protectedRange"), q("ignoredError"))):
        _set_or_drop(element, "sqref", moves.areas(element.get("sqref", "")))
    for element in root.iter(q("autoFilter"), q("sortState"), q("sortCondition")):
        now = moves.areas(element.get("ref", ""))
        if len(now.split()) == 1:
            element.set("ref", now)
    for element in list(root.iter(q("mergeCell"), q("hyperlink"))):
        _follow_single(element, moves)
    for element in list(root.iter(q("cellWatch"))):
        _set_or_drop(element, "r", moves.areas(element.get("r", "")))
    for references_element in list(root.iter(f"{{{_FORMULAS}}}sqref")):
        _follow_extension(references_element, moves)
    for element in root.iter(q("dataValidations"), q("mergeCells")):
        element.set("count", str(len(element)))


def _follow_single(element: etree._Element, moves: Moves) -> None:
    """Let an element follow its cells that is for one area only, as often as there are areas."""
    first, *others = moves.areas(element.get("ref", "")).split() or [""]
    for area in others:
        another = deepcopy(element)
        another.set("ref", area)
        element.addnext(another)
    _set_or_drop(element, "ref", first)


def _follow_extension(element: etree._Element, moves: Moves) -> None:
    references = element.text or ""
    owner = element.getparent()
    if owner is None:
        return
    new = moves.areas(references)
    for formula in owner.iter(f"{{{_FORMULAS}}}f"):
        if etree.QName(owner).localname == "sparkline":
            # Unlike a rule's, its references are not relative; they stand beside it in its row.
            formula.text = _beside(formula.text or "", references, new, moves)
        else:
            formula.text = moves.followed(formula.text or "", references)
    element.text = new
    if not new:
        above = list(owner.iterancestors())
        _drop(owner)
        if etree.QName(owner).localname == "sparkline" and not len(above[0]):
            # A group says more than its sparklines, and is none without them.
            _drop(above[1])


def _beside(formula: str, old: str, new: str, moves: Moves) -> str:
    try:
        here, there = split_address(old)[0], split_address(new)[0]
    except ValueError:
        return moves.formula(formula, moves.sheet)
    return moves.formula(formula, moves.sheet, here, there)


def _set_or_drop(element: etree._Element, attribute: str, value: str) -> None:
    if value:
        element.set(attribute, value)
    else:
        _drop(element)


def _drop(element: etree._Element) -> None:
    """Remove an element, and what is empty without it."""
    parent = element.getparent()
    if parent is None:
        return
    parent.remove(element)
    if next(iter(parent), None) is None and parent.getparent() is not None:
        _drop(parent)


def links_of(root: etree._Element) -> Iterator[etree._Element]:
    """Yield a sheet's links."""
    found = root.find(q("hyperlinks"))
    return iter(()) if found is None else iter(list(found))


def vanished_links(
    root: etree._Element, addresses: Mapping[str, str], moves: Moves
) -> dict[tuple[int, int], str]:
    """Return where links lead whose cells have gone, by row and column from 1.

    Args:
        root: The sheet's XML.
        addresses: Where links lead outside, by the ids of their relationships.
        moves: How the cells move.
    """
    found = {}
    for link in links_of(root):
        try:
            left, top, right, bottom = boundaries(link.get("ref", ""))
        except ValueError:
            continue
        place = link.get("location", "")
        target = addresses.get(link.get(R_ID, ""), "") + (f"#{place}" if place else "")
        rows = range(max(int(top or 1), moves.old.first), min(int(bottom or 0), moves.old.last) + 1)
        columns = range(max(int(left or 1), moves.old.left), min(int(right or 0), moves.right) + 1)
        for cell in product(rows, columns):
            if target and moves.place(*cell) is None:
                found[cell] = target
    return found


def drop_links(root: etree._Element, is_ours: Callable[[int, int], bool]) -> None:
    """Remove links that are ours, which are written anew.

    Args:
        root: The sheet's XML.
        is_ours: Tells whether a link in a cell is ours, by row and column from 1.
    """

    def is_kept(link: etree._Element) -> bool:
        try:
            return not is_ours(*split_address(link.get("ref", "").split(":")[0]))
        except ValueError:
            return True

    found = root.find(q("hyperlinks"))
    if found is not None:
        # At once: to take tens of thousands out one by one would take minutes.
        found[:] = [link for link in found if is_kept(link)]
        if next(iter(found), None) is None:
            root.remove(found)


def add_table_part(root: etree._Element, relationship: str) -> None:
    """Tell a sheet of its table."""
    parts = group(root, "tableParts")
    parts.append(main_element("tablePart", {R_ID: relationship}))
    parts.set("count", str(len(parts)))


def ignore_number_warnings(root: etree._Element, reference: str) -> None:
    """Ask Excel not to flag ids as "number stored as text"."""
    warning = main_element("ignoredError", {"sqref": reference, "numberStoredAsText": "1"})
    group(root, "ignoredErrors").append(warning)


def set_highlights(root: etree._Element, rules: Sequence[tuple[str, str, int]]) -> None:
    """Put our highlights in the place of those that we put there earlier.

    Args:
        root: The sheet's XML.
        rules: Of each highlight, the cells, the formula and the number of its format.
    """
    formulas = {formula for _reference, formula, _format in rules}
    priority = 0
    for rule in list(root.iter(q("cfRule"))):
        if [one.text for one in rule.iter(q("formula"))] in [[formula] for formula in formulas]:
            _drop(rule)
        else:
            priority = max(priority, int(rule.get("priority", "0")))
    for reference, formula, number in rules:
        priority += 1
        rule = main_element(
            "cfRule", {"type": "expression", "dxfId": str(number), "priority": str(priority)}
        )
        text = main_element("formula")
        text.text = formula
        rule.append(text)
        format_ = main_element("conditionalFormatting", {"sqref": reference})
        format_.append(rule)
        put_in_order(root, format_)
