"""Excel's object model, as far as it is needed to write workbooks, for tests without Excel.

The fake stands below the real Windows code of xlwings and behaves as Microsoft documents Excel,
or worse where that is unclear. Start with `fake_excel.session.excel_with`.
"""

from . import (
    application,
    charts,
    conditions,
    names,
    page,
    painting,
    properties,
    ranges,
    shapes,
    table_parts,
    tables,
    windows,
)

__all__ = [
    "application",
    "charts",
    "conditions",
    "names",
    "page",
    "painting",
    "properties",
    "ranges",
    "shapes",
    "table_parts",
    "tables",
    "windows",
]
