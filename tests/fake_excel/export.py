"""Workbooks of the fake as .xlsx, for independent readers."""

from pathlib import Path

from .model import BookModel


def export(book: BookModel, file: Path) -> None:
    """Write a workbook."""
    raise NotImplementedError(f"{book.name} can't be written to {file} yet")
