"""How shapes and charts are painted: objects whose properties are kept as they are set.

Their members are those that Microsoft Learn lists for FillFormat, LineFormat, TextFrame2, Font2,
TickLabels and so on, as far as boards need them; others are unknown.
"""

from typing import Any, Final

from .com import Keeper, method, part, stored

TRUE, FALSE = -1, 0
"""MsoTriState."""

_FONT: Final[dict[str, Any]] = {
    "Name": "Calibri",
    "Size": 11.0,
    "Bold": FALSE,
    "Italic": FALSE,
    "Underline": -4142,
    "Color": 0,
    "ColorIndex": -4105,
}

PROPERTIES: Final[dict[str, dict[str, Any]]] = {
    "ColorFormat": {"RGB": 0, "ObjectThemeColor": 0, "TintAndShade": 0.0, "Brightness": 0.0},
    "FillFormat": {"Visible": TRUE, "Transparency": 0.0},
    "LineFormat": {
        "Visible": TRUE,
        "Weight": 0.75,
        "DashStyle": 1,
        "Style": 1,
        "Transparency": 0.0,
        "BeginArrowheadStyle": 1,
        "BeginArrowheadLength": 2,
        "BeginArrowheadWidth": 2,
        "EndArrowheadStyle": 1,
        "EndArrowheadLength": 2,
        "EndArrowheadWidth": 2,
    },
    "ShadowFormat": {"Visible": FALSE},
    "Font2": {
        "Name": "Calibri",
        "NameComplexScript": "Calibri",
        "Size": 11.0,
        "Bold": FALSE,
        "Italic": FALSE,
        "UnderlineStyle": 0,
    },
    "ParagraphFormat2": {"Alignment": 1, "SpaceAfter": 0.0, "SpaceBefore": 0.0},
    "ChartFont": _FONT,
    "ChartFormat": {},
    "AxisTickLabels": {
        "NumberFormat": "General",
        "NumberFormatLinked": True,
        "Offset": 100,
        "Orientation": -4105,
    },
    "Gridlines": {},
    "ChartLegend": {"Position": -4152, "IncludeInLayout": True},
    "ChartPart": {"InsideLeft": 0.0, "InsideTop": 0.0, "InsideWidth": 0.0, "InsideHeight": 0.0},
    "PlainBorder": {"LineStyle": 1, "Weight": 2, "Color": 0},
    "PlainInterior": {"Color": 0xFFFFFF, "Pattern": 1, "ColorIndex": -4105},
    "LabelSet": {
        "ShowValue": True,
        "ShowCategoryName": False,
        "ShowSeriesName": False,
        "ShowPercentage": False,
        "ShowLegendKey": False,
        "Position": 2,
        "NumberFormat": "General",
        "NumberFormatLinked": True,
        "Separator": ", ",
    },
    "ChartGroup": {
        "GapWidth": 150,
        "Overlap": 0,
        "DoughnutHoleSize": 75,
        "FirstSliceAngle": 0,
        "VaryByCategories": False,
    },
    "SeriesPoint": {"InvertIfNegative": False, "HasDataLabel": True},
}
"""Properties of each class, and what they are at first."""

PARTS: Final[dict[str, dict[str, str]]] = {
    "FillFormat": {"ForeColor": "ColorFormat", "BackColor": "ColorFormat"},
    "LineFormat": {"ForeColor": "ColorFormat", "BackColor": "ColorFormat"},
    "Font2": {"Fill": "FillFormat"},
    "ChartFormat": {"Fill": "FillFormat", "Line": "LineFormat", "TextFrame2": "ChartText"},
    "AxisTickLabels": {"Font": "ChartFont", "Format": "ChartFormat"},
    "Gridlines": {"Format": "ChartFormat", "Border": "PlainBorder"},
    "ChartLegend": {"Font": "ChartFont", "Format": "ChartFormat"},
    "ChartPart": {
        "Format": "ChartFormat",
        "Font": "ChartFont",
        "Border": "PlainBorder",
        "Interior": "PlainInterior",
    },
    "LabelSet": {"Font": "ChartFont", "Format": "ChartFormat"},
    "SeriesPoint": {"Format": "ChartFormat", "Interior": "PlainInterior"},
}
"""Objects within each class."""

ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    "FillFormat": ("Solid",),
    "ChartLegend": ("Delete",),
    "Gridlines": ("Delete",),
    "LabelSet": ("Delete",),
}
"""Methods that are recorded and do nothing."""


def _class(name: str) -> type[Keeper]:
    members: dict[str, Any] = {"__doc__": f"Excel's {name}."}
    for one, first in PROPERTIES[name].items():
        members[one] = stored(one, first)
    for one, kind in PARTS.get(name, {}).items():
        members[one] = part(one, kind)
    for one in ACTIONS.get(name, ()):
        members[one] = _action(one)
    return type(name, (Keeper,), members)


def _action(name: str) -> Any:
    def nothing(self: Any) -> None:
        pass

    nothing.__name__ = name
    return method(nothing)


CLASSES: Final = {name: _class(name) for name in PROPERTIES}


class ChartText(Keeper):
    """The text frame of a chart's part, of which only the font is asked."""

    TextRange = part("TextRange", "ChartTextRange")


class ChartTextRange(Keeper):
    """The text of a chart's part."""

    Font = part("Font", "Font2")


class ChartTitle(Keeper):
    """A chart's or an axis' title."""

    _default = "Text"

    Text = stored("Text", "Chart Title", str)
    Caption = stored("Text", "Chart Title", str)
    IncludeInLayout = stored("IncludeInLayout", True)
    Position = stored("Position", -4105)
    HorizontalAlignment = stored("HorizontalAlignment", -4108)
    Left = stored("Left", 0.0)
    Top = stored("Top", 0.0)
    Font = part("Font", "ChartFont")
    Format = part("Format", "ChartFormat")
