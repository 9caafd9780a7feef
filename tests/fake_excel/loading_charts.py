"""Charts from a file's chart parts (ECMA-376 part 1, 21.2)."""

from typing import Any, Final

from lxml import etree

from .chart_model import ChartModel, SeriesModel

C: Final = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_KINDS: Final = {
    "barChart": 57,
    "lineChart": 4,
    "pieChart": 5,
    "doughnutChart": -4120,
    "areaChart": 1,
    "scatterChart": -4169,
}
"""XlChartType of simple charts; columns are 51."""


def chart_of(xml: bytes) -> ChartModel:
    """Return a chart from its part."""
    root = etree.fromstring(xml)
    area = root.find(f"{C}chart/{C}plotArea")
    assert area is not None
    chart = ChartModel(51)
    for group in area:
        name = etree.QName(group).localname
        if name not in _KINDS:
            continue
        chart.kind = _KINDS[name]
        direction = group.find(f"{C}barDir")
        if direction is not None and direction.get("val") == "col":
            chart.kind = 51
        chart.series += [_series(one) for one in group.findall(f"{C}ser")]
    title = root.find(f"{C}chart/{C}title")
    chart.kept["HasTitle"] = title is not None
    if title is not None:
        chart.kept["ChartTitle"] = {
            "Text": "".join(str(one) for one in title.itertext(f"{A}t", f"{C}v"))
        }
    chart.kept["HasLegend"] = root.find(f"{C}chart/{C}legend") is not None
    return chart


def _series(source: Any) -> SeriesModel:
    def formula(*tags: str) -> str:
        for tag in tags:
            found = source.find(f"{C}{tag}")
            if found is not None:
                text = found.findtext(f".//{C}f")
                return f"={text}" if text else (found.findtext(f".//{C}v") or "")
        return ""

    return SeriesModel(formula("tx"), formula("cat", "xVal"), formula("val", "yVal"))
