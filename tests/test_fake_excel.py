"""The stand-in for Excel behaves as Excel is documented to behave."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .fake_excel.session import FakeExcel, excel_with

ROOT = Path(__file__).parent.parent


@pytest.fixture
def excel() -> Iterator[FakeExcel]:
    """The template, opened in the fake."""
    with excel_with(ROOT / "workbook_template.xlsm") as opened:
        yield opened


def test_the_caller_is_the_open_workbook_found_by_xlwings_itself(excel: FakeExcel) -> None:
    book = excel.xlwings.Book.caller()
    assert book.name == "workbook_template.xlsm"
    assert type(book.api).__name__ == "COMRetryObjectWrapper"
    assert book.sheets["Procedures"].range("A1:B1").value == ["ID", "Name"]
