"""Where an open workbook is refreshed from, with which key, and how it is to look."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from klarify_xl.options import Options
from klarify_xl.options_file import OPTIONS_FILE, load_options
from klarify_xl.settings import (
    FoundKey,
    Settings,
    default_store,
    find_access_key,
    find_kept_key,
    load_settings,
    normalise_base_url,
)
from klarify_xl.workbook_names import BASE_URL_NAME, named_store, named_text

DEADLINE: Final = 600.0
"""Seconds that reading may take while a person waits before Excel."""


@dataclass(frozen=True)
class Preferences:
    """What holds for an open workbook.

    Attributes:
        settings: Address, store and time limits.
        names_address: Whether the workbook itself names an address other than the usual one.
    """

    settings: Settings
    names_address: bool

    def options(self) -> Options:
        """Return how the workbook is to look.

        Raises:
            ConfigurationError: Something in the file of options is wrong.
        """
        file = options_path()
        return load_options(file) if file.is_file() else Options()

    def access_key(self) -> FoundKey:
        """Return the access key, and where it came from.

        Raises:
            ConfigurationError: There is none.
        """
        address = self.settings.base_url
        return find_kept_key(address) if self.names_address else find_access_key(address)


def preferences_of(workbook: Any) -> Preferences:  # noqa: ANN401
    """Return what holds for an open workbook.

    Args:
        workbook: The workbook, as Excel's object model has it.

    Raises:
        ConfigurationError: What it says of itself is not usable.
    """
    usual = load_settings(store=named_store(workbook))
    named = named_text(workbook, BASE_URL_NAME)
    address = normalise_base_url(named) if named else usual.base_url
    settings = replace(usual, base_url=address, deadline=DEADLINE)
    return Preferences(settings, names_address=address != usual.base_url)


def options_path() -> Path:
    """Return the file of options for all workbooks that a person refreshes in Excel."""
    return default_store().parent / OPTIONS_FILE
