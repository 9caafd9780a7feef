"""The workbook template: the file with ribbon and functions that new .xlsm workbooks start from."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from klarify_xl.errors import ConfigurationError

TEMPLATE_NAME: Final = "workbook_template.xlsm"

XLWINGS_VERSION: Final = "0.37.8"
"""The xlwings whose VBA the template holds; its native library's name carries the version."""


def workbook_template() -> Traversable:
    """Return the template: within the installed package, or at the top level of a clone.

    Raises:
        ConfigurationError: The installation lacks it.
    """
    for place in (files(__package__) / TEMPLATE_NAME, Path(__file__).parents[1] / TEMPLATE_NAME):
        if place.is_file():
            return place
    raise ConfigurationError(
        f"The installation lacks {TEMPLATE_NAME}, so no new .xlsm workbook can be made.",
        hint="Install klarify-xl again, or give --out a name that ends in .xlsx.",
    )
