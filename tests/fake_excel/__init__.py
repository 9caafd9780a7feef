"""Excel's object model, as far as it is needed to write workbooks, for tests without Excel.

The fake stands below the real Windows code of xlwings and behaves as Microsoft documents Excel,
or worse where that is unclear. Start with `fake_excel.session.excel_with`.
"""

from . import (
    application,
    chart_series,
    charts,
    conditions,
    connectors,
    names,
    page,
    painting,
    properties,
    ranges,
    shape_texts,
    shapes,
    table_parts,
    tables,
    windows,
)

__all__ = [
    "application",
    "chart_series",
    "charts",
    "conditions",
    "connectors",
    "names",
    "page",
    "painting",
    "properties",
    "ranges",
    "shape_texts",
    "shapes",
    "table_parts",
    "tables",
    "windows",
]
