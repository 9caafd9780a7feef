"""Constants of the outside world: what Excel and the Klarify API allow.

Excel's figures: Microsoft, "Excel specifications and limits", unless another source is named.
"""

from typing import Final

EXCEL_ROWS: Final = 1_048_576
"""Rows on a worksheet, the header included."""

EXCEL_COLUMNS: Final = 16_384
"""Columns on a worksheet."""

EXCEL_CELL_CHARACTERS: Final = 32_767
"""Characters in a cell, counted in UTF-16 code units."""

EXCEL_FORMULA: Final = 8_192
"""Characters in a formula."""

EXCEL_LINKS_PER_SHEET: Final = 65_530
"""Hyperlinks on a worksheet; beyond it Excel offers to repair the file."""

EXCEL_LINK_CHARACTERS: Final = 2_079
"""Characters in a hyperlink's target."""

EXCEL_FIRST_DAY: Final = (1900, 3, 1)
"""First day whose serial number all programs agree on (Excel knows a 29 February 1900)."""

EXCEL_DAYS_TO_1904: Final = 1_462
"""How much later days are counted from in workbooks of the first Excel for the Mac."""

API_PAGE_SIZE: Final = 100
"""Largest page size that the API reference recommends ("Pagination"); above it time-outs."""

API_BASE_URL: Final = "https://integration.klarify.biz"
"""Host of the Integration API (API reference, "Base URL")."""

API_PATH: Final = "/api/procedures"
"""The one endpoint (API reference, "Endpoint")."""

AWS_SECRET_ID: Final = "klarify-api-key"  # noqa: S105 -- a secret's name, not a secret
"""Name of the secret in the API reference's AWS Secrets Manager sample."""
