"""What parts that are not ours must be told: that formulas, pivots and charts have new rows."""

import html
import re
from collections.abc import Iterable
from typing import Final

from klarify_xl.headless.cells import xml_text_plain
from klarify_xl.headless.moves import Moves
from klarify_xl.headless.package import Package

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
        is_ours = said.get("name", "").casefold() in names
        for one in moves:
            if said.get("sheet", "").casefold() == one.sheet.casefold() and said.get("ref"):
                is_ours = True
                grown = one.formula(said["ref"], one.sheet)
                tag = tag.replace(f'ref="{said["ref"]}"'.encode(), f'ref="{grown}"'.encode())
        if is_ours:
            content = content.replace(source[0], tag, 1)
            package.put(part, _ROOT.sub(_with_refresh, content, count=1))


def _with_refresh(found: re.Match[bytes]) -> bytes:
    tag = _REFRESH.sub(b"", found[0])
    end = -2 if tag.endswith(b"/>") else -1
    return tag[:end] + b' refreshOnLoad="1"' + tag[end:]
