"""How a cell looks, as plain data, and Excel's numbers for it."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

GENERAL: Final = "General"
XL_NONE: Final = -4142
XL_SOLID: Final = 1
XL_AUTOMATIC: Final = -4105
XL_UNDERLINE_SINGLE: Final = 2
XL_UNDERLINE_DOUBLE: Final = -4119
XL_HORIZONTAL: Final = -4128

HORIZONTAL: Final = {
    "general": 1,
    "left": -4131,
    "center": -4108,
    "right": -4152,
    "fill": 5,
    "justify": -4130,
    "centerContinuous": 7,
    "distributed": -4117,
}
VERTICAL: Final = {
    "top": -4160,
    "center": -4108,
    "bottom": -4107,
    "justify": -4130,
    "distributed": -4117,
}
EDGES: Final = {"left": 7, "top": 8, "bottom": 9, "right": 10}
"""XlBordersIndex of the edges of one cell; 11 and 12 are the lines between a range's cells."""

LINES: Final = {
    "hair": (1, 1),
    "thin": (1, 2),
    "medium": (1, -4138),
    "thick": (1, 4),
    "dashed": (-4115, 2),
    "dotted": (-4118, 2),
    "double": (-4119, 4),
    "dashDot": (4, 2),
    "dashDotDot": (5, 2),
    "mediumDashed": (-4115, -4138),
    "mediumDashDot": (4, -4138),
    "mediumDashDotDot": (5, -4138),
    "slantDashDot": (13, -4138),
}
"""Line styles of a file, as XlLineStyle and XlBorderWeight."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A border line: XlLineStyle, XlBorderWeight, and its colour as BGR."""

    line: int = XL_NONE
    weight: int = 2
    color: int = 0


@dataclass(frozen=True, slots=True)
class Format:
    """How a cell looks; colours are BGR numbers as COM has them, sizes points."""

    style: str = "Normal"
    number_format: str = GENERAL
    font_name: str = "Calibri"
    font_size: float = 11.0
    bold: bool = False
    italic: bool = False
    underline: int = XL_NONE
    strikethrough: bool = False
    font_color: int = 0
    fill: int | None = None
    pattern: int = XL_NONE
    horizontal: int = 1
    vertical: int = -4107
    wrap: bool = False
    indent: int = 0
    orientation: int = XL_HORIZONTAL
    shrink: bool = False
    edges: tuple[tuple[int, Edge], ...] = ()
    locked: bool = True
    formula_hidden: bool = False

    def edge(self, index: int) -> Edge:
        """Return the line at an edge."""
        return dict(self.edges).get(index, Edge())

    def with_edge(self, index: int, **changes: Any) -> "Format":
        """Return the format with another line at an edge."""
        edges = dict(self.edges)
        edges[index] = replace(edges.get(index, Edge()), **changes)
        return replace(self, edges=tuple(sorted(edges.items())))


GROUPS: Final = {
    "IncludeNumber": ("number_format",),
    "IncludeFont": (
        "font_name",
        "font_size",
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "font_color",
    ),
    "IncludeAlignment": ("horizontal", "vertical", "wrap", "indent", "orientation", "shrink"),
    "IncludePatterns": ("fill", "pattern"),
    "IncludeBorder": ("edges",),
    "IncludeProtection": ("locked", "formula_hidden"),
}
"""What of a format each part of a style stands for."""


@dataclass
class StyleModel:
    """A named cell style; `format.style` is its name."""

    name: str
    format: Format
    builtin: bool = False
    includes: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(GROUPS, True))

    def applied(self, before: Format) -> Format:
        """Return a cell's format after the style was given to it."""
        changes: dict[str, Any] = {"style": self.name}
        for group, names in GROUPS.items():
            if self.includes[group]:
                changes.update({name: getattr(self.format, name) for name in names})
        return replace(before, **changes)


def hyperlink_style(normal: Format) -> StyleModel:
    """Return Excel's built-in style Hyperlink, which is a font's colour and line only."""
    looks = replace(normal, style="Hyperlink", underline=XL_UNDERLINE_SINGLE, font_color=0xC16305)
    includes = dict.fromkeys(GROUPS, False) | {"IncludeFont": True}
    return StyleModel("Hyperlink", looks, builtin=True, includes=includes)
