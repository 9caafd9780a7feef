"""Formats and named styles from what openpyxl has read."""

from dataclasses import replace
from typing import Any, Final

from .formats import (
    EDGES,
    GROUPS,
    HORIZONTAL,
    LINES,
    VERTICAL,
    XL_HORIZONTAL,
    XL_NONE,
    XL_SOLID,
    XL_UNDERLINE_DOUBLE,
    XL_UNDERLINE_SINGLE,
    Edge,
    Format,
    StyleModel,
)

_THEME: Final = (
    0xFFFFFF,
    0x000000,
    0xE6E6E7,
    0x6A5444,
    0xC47244,
    0x317DED,
    0xA5A5A5,
    0x00C0FF,
    0xD59B5B,
    0x47AD70,
    0xC16305,
    0x724F95,
)
"""Office's theme colours as BGR, in the order in which files number them."""
_UNDERLINES: Final = {"single": XL_UNDERLINE_SINGLE, "double": XL_UNDERLINE_DOUBLE}
_APPLIES: Final = {
    "IncludeNumber": "applyNumberFormat",
    "IncludeFont": "applyFont",
    "IncludeAlignment": "applyAlignment",
    "IncludePatterns": "applyFill",
    "IncludeBorder": "applyBorder",
    "IncludeProtection": "applyProtection",
}


def bgr(colour: Any, otherwise: int) -> int:
    """Return a colour as COM has it; theme colours without their tint."""
    if colour is None:
        return otherwise
    if colour.type == "theme" and colour.theme < len(_THEME):
        return _THEME[colour.theme]
    if colour.type == "rgb" and isinstance(colour.rgb, str):
        red, green, blue = (int(colour.rgb[at : at + 2], 16) for at in (2, 4, 6))
        return red | green << 8 | blue << 16
    return otherwise


def format_of(source: Any, styles: dict[str, StyleModel]) -> Format:
    """Return how something looks that openpyxl has given a style: a cell, row or column."""
    return looks(
        source.font,
        source.fill,
        source.border,
        source.alignment,
        source.protection,
        source.number_format,
        _known(str(getattr(source, "style", "Normal") or "Normal"), styles),
    )


def _known(name: str, styles: dict[str, StyleModel]) -> str:
    found = styles.get(name.casefold())
    return found.name if found else "Normal"


def looks(
    font: Any,
    fill: Any,
    border: Any,
    alignment: Any,
    protection: Any,
    number_format: str,
    style: str,
) -> Format:
    """Return a format from openpyxl's parts of one."""
    solid = fill.fill_type == "solid"
    edges = []
    for side, index in EDGES.items():
        line = getattr(border, side)
        if line is not None and line.style:
            kind, weight = LINES[line.style]
            edges.append((index, Edge(kind, weight, bgr(line.color, 0))))
    turned = int(alignment.textRotation or 0)
    return Format(
        style=style,
        number_format=number_format,
        font_name=font.name or "Calibri",
        font_size=float(font.sz or 11),
        bold=bool(font.b),
        italic=bool(font.i),
        underline=_UNDERLINES.get(font.u, XL_NONE),
        strikethrough=bool(font.strike),
        font_color=bgr(font.color, 0),
        fill=bgr(fill.fgColor, 0xFFFFFF) if solid else None,
        pattern=XL_SOLID if solid else XL_NONE,
        horizontal=HORIZONTAL[alignment.horizontal or "general"],
        vertical=VERTICAL[alignment.vertical or "bottom"],
        wrap=bool(alignment.wrapText),
        indent=int(alignment.indent or 0),
        orientation=XL_HORIZONTAL if not turned else turned if turned <= 90 else 90 - turned,
        shrink=bool(alignment.shrinkToFit),
        edges=tuple(sorted(edges)),
        locked=protection.locked is not False,
        formula_hidden=bool(protection.hidden),
    )


def named_styles(source: Any) -> dict[str, StyleModel]:
    """Return a workbook's cell styles by their names without case."""
    found: dict[str, StyleModel] = {}
    for one in source._named_styles:
        format_ = looks(
            one.font,
            one.fill,
            one.border,
            one.alignment,
            one.protection,
            one.number_format,
            one.name,
        )
        model = StyleModel(one.name, format_, builtin=one.builtinId is not None)
        xf = one.as_xf()
        for group, attribute in _APPLIES.items():
            if getattr(xf, attribute, None) is False:
                model.includes[group] = False
        found[one.name.casefold()] = model
    found.setdefault("normal", StyleModel("Normal", Format(), builtin=True))
    normal = found["normal"]
    normal.includes = dict.fromkeys(GROUPS, True)
    normal.format = replace(normal.format, style="Normal")
    return found
