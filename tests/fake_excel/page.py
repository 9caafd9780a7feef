"""How sheets are printed, and the colours of their tabs: kept, not interpreted."""

from typing import Final

from .com import Keeper, stored

DEFAULTS: Final[dict[str, object]] = {
    "PrintTitleRows": "",
    "PrintTitleColumns": "",
    "PrintArea": "",
    "Orientation": 1,
    "PaperSize": 9,
    "Zoom": 100,
    "FitToPagesWide": 1,
    "FitToPagesTall": 1,
    "LeftHeader": "",
    "CenterHeader": "",
    "RightHeader": "",
    "LeftFooter": "",
    "CenterFooter": "",
    "RightFooter": "",
    "LeftMargin": 50.4,
    "RightMargin": 50.4,
    "TopMargin": 54.0,
    "BottomMargin": 54.0,
    "HeaderMargin": 21.6,
    "FooterMargin": 21.6,
    "CenterHorizontally": False,
    "CenterVertically": False,
    "PrintGridlines": False,
    "PrintHeadings": False,
    "BlackAndWhite": False,
    "Order": 1,
}


class PageSetup(Keeper):
    """How a sheet is printed."""


for _name, _value in DEFAULTS.items():
    _made = stored(_name, _value)
    setattr(PageSetup, _name, _made)
    PageSetup._members[_name.lower()] = _made


class Tab(Keeper):
    """A sheet's tab."""

    Color = stored("Color", False)
    ColorIndex = stored("ColorIndex", -4142)
    ThemeColor = stored("ThemeColor")
    TintAndShade = stored("TintAndShade", 0.0)
