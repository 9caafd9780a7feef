"""What a workbook says in names that a person can define in it: its store, address and options."""

import os
from pathlib import Path
from typing import Any, Final

from klarify_xl.errors import ConfigurationError
from klarify_xl.settings import BASE_URL_VARIABLE, STORE_VARIABLE

STORE_NAME: Final = STORE_VARIABLE
"""Name of a cell or a text with the path of the workbook's store."""

BASE_URL_NAME: Final = BASE_URL_VARIABLE
"""Name of a cell or a text with the address of the API that the workbook is refreshed from."""


def named_text(book: Any, name: str) -> str | None:  # noqa: ANN401 -- a COM object
    """Return the text that a workbook has under a name, or None if it has none.

    Evaluating a name that isn't defined gives an error value, which COM hands over as a number.

    Args:
        book: The workbook, as Excel's object model has it.
        name: The name.
    """
    found = book.Worksheets(1).Evaluate(name)
    if isinstance(found, int):
        return None
    value = getattr(found, "Value", found)
    if value is None or value == "":
        return None
    return str(value)


def named_store(book: Any) -> str | None:  # noqa: ANN401 -- a COM object
    """Return the path that a workbook names by `STORE_NAME`, or None if it names none.

    Args:
        book: The workbook, as Excel's object model has it.

    Raises:
        ConfigurationError: What it names is no path, or a relative one.
    """
    text = named_text(book, STORE_NAME)
    if text is None:
        return None
    path = os.path.expandvars(text)
    if not Path(path).expanduser().is_absolute():
        raise ConfigurationError(
            f"The name {STORE_NAME} in the workbook holds no whole path.",
            hint=r"Give one like C:\data\klarify.db or %LOCALAPPDATA%\klarify-xl\klarify.db.",
        )
    return path
