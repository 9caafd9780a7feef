"""What parts that are not ours must be told: that formulas, pivots and charts have new rows."""

import html
import re
from collections.abc import Iterable
from typing import Final

from klarify_xl.headless.markup import xml_text_plain
from klarify_xl.headless.moves import Moves
from klarify_xl.headless.package import Package, resolve
from klarify_xl.headless.retitling import Retitling
from klarify_xl.headless.stylesheet import q
from klarify_xl.headless.tables import TableSheet
from klarify_xl.headless.worksheet import R_ID

_CHART: Final = re.compile(r"xl/(charts|chartex)/[^/]+\.xml", re.IGNORECASE)
_CHART_FORMULA: Final = re.compile(rb"(<(?:\w+:)?f(?:\s[^>]*)?>)([^<]+)(</(?:\w+:)?f>)")
_ROOT: Final = re.compile(rb"<(?:\w+:)?pivotCacheDefinition\b[^>]*>")
_REFRESH: Final = re.compile(rb'\srefreshOnLoad="[^"]*"')
_SOURCE: Final = re.compile(rb"<(?:\w+:)?worksheetSource\b[^>]*>")
_ATTRIBUTE: Final = re.compile(rb'\s(ref|name|sheet)="([^"]*)"')


def drop_calculation_chain(package: Package) -> None:
    """Remove the order of calculation, which Excel makes anew."""
    for part in package.related(package.workbook, "calcChain"):
        package.unrelate(package.workbook, part)
        package.remove(part)


def grow_charts(package: Package, moves: Iterable[Moves]) -> None:
    """Let charts over whole columns of tables show them as they are now."""
    moves = list(moves)
    for part in filter(_CHART.fullmatch, package.parts):
        content = package.read(part)
        grown = _CHART_FORMULA.sub(lambda found: _grown(found, moves), content)
        if grown != content:
            package.put(part, grown)


def _grown(found: re.Match[bytes], moves: Iterable[Moves]) -> bytes:
    old = html.unescape(found[2].decode("utf-8", "surrogateescape"))
    new = old
    for one in moves:
        new = one.formula(new)
    if new == old:
        return found[0]
    return found[1] + xml_text_plain(new).encode("utf-8", "surrogateescape") + found[3]


def refresh_pivots(package: Package, tables: Iterable[str], moves: Iterable[Moves]) -> None:
    """Let pivot tables over our tables refresh themselves when the workbook is opened.

    Args:
        package: The package.
        tables: Names of our tables.
        moves: How their cells move.
    """
    names = {name.casefold() for name in tables}
    for part in package.related(package.workbook, "pivotCacheDefinition"):
        content = package.read(part)
        source = _SOURCE.search(content)
        if source is None:
            continue
        said = {
            name.decode(): html.unescape(value.decode("utf-8", "replace"))
            for name, value in _ATTRIBUTE.findall(source[0])
        }
        tag = source[0]
        if b":id=" in source[0]:
            # It is in another workbook, whatever its sheet is called.
            continue
        is_ours = said.get("name", "").casefold() in names
        for one in moves:
            if said.get("sheet", "").casefold() == one.sheet.casefold() and said.get("ref"):
                is_ours = True
                grown = one.formula(said["ref"], one.sheet)
                tag = tag.replace(f'ref="{said["ref"]}"'.encode(), f'ref="{grown}"'.encode())
        if is_ours:
            content = content.replace(source[0], tag, 1)
            package.put(part, _ROOT.sub(_with_refresh, content, count=1))


def retitle_pivots(package: Package, tables: Iterable[TableSheet], retitling: Retitling) -> None:
    """Let pivot tables and slicers over our tables call the columns by their new titles.

    A pivot table drops a field whose title it doesn't find when it refreshes itself.

    Args:
        package: The package.
        tables: Our tables.
        retitling: Their new titles.
    """
    by_name = {one.sheet.table.casefold(): one.sheet.table for one in tables}
    by_sheet = {one.name.casefold(): one.sheet.table for one in tables}
    by_id = {one.table.get("id", ""): one.sheet.table for one in tables}
    parts = {one.id: one.target for one in package.relationships(package.workbook)}
    caches = {
        one.get("cacheId", ""): resolve(package.workbook, parts.get(one.get(R_ID, ""), ""))
        for one in package.tree(package.workbook).iter(q("pivotCache"))
    }
    of_cache: dict[str, str] = {}
    for part in package.related(package.workbook, "pivotCacheDefinition"):
        root = package.tree(part)
        for source in root.iter(q("worksheetSource")):
            table = by_name.get(source.get("name", "").casefold())
            table = table or by_sheet.get(source.get("sheet", "").casefold())
            if table is None or source.get(R_ID):
                continue
            of_cache |= {number: table for number, name in caches.items() if name == part}
            for field in root.iter(q("cacheField")):
                field.set("name", retitling.title(table, field.get("name", "")))
            package.put_tree(part, root)
    for part in package.related(package.workbook, "slicerCache"):
        root = package.tree(part)
        for one in root.iter("{*}tableSlicerCache", "{*}tabular"):
            table = by_id.get(one.get("tableId", "")) or of_cache.get(one.get("pivotCacheId", ""))
            if table is not None:
                root.set("sourceName", retitling.title(table, root.get("sourceName", "")))
                package.put_tree(part, root)


def _with_refresh(found: re.Match[bytes]) -> bytes:
    tag = _REFRESH.sub(b"", found[0])
    end = -2 if tag.endswith(b"/>") else -1
    return tag[:end] + b' refreshOnLoad="1"' + tag[end:]
