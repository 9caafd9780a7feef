"""Klarify's procedures in Excel.

Five lines from a notebook or a scheduled task::

    import klarify_xl

    result = klarify_xl.refresh("procedures.xlsx", store="klarify.db")
    print(result.outcome, result.procedures, result.added, result.changed, result.removed)
    with klarify_xl.Store("klarify.db") as store:
        names = [procedure.name for procedure in store.procedures()]

The names below are the public interface; they are loaded when first used, so that
``import klarify_xl`` costs nothing.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klarify_xl.client import Client
    from klarify_xl.errors import KlarifyError
    from klarify_xl.model import Procedure
    from klarify_xl.options import Options
    from klarify_xl.options_file import load_options
    from klarify_xl.outcome import RefreshResult
    from klarify_xl.pipeline import refresh
    from klarify_xl.secret import AccessKey
    from klarify_xl.settings import Settings
    from klarify_xl.store import Store
    from klarify_xl.telling import telling_failure
    from klarify_xl.walk import Listing, read_all

__version__ = "0.1.0"

__all__ = [
    "AccessKey",
    "Client",
    "KlarifyError",
    "Listing",
    "Options",
    "Procedure",
    "RefreshResult",
    "Settings",
    "Store",
    "__version__",
    "load_options",
    "read_all",
    "refresh",
    "telling_failure",
]

_HOMES = {
    "AccessKey": "secret",
    "Client": "client",
    "KlarifyError": "errors",
    "Listing": "walk",
    "Options": "options",
    "Procedure": "model",
    "RefreshResult": "outcome",
    "Settings": "settings",
    "Store": "store",
    "load_options": "options_file",
    "read_all": "walk",
    "refresh": "pipeline",
    "telling_failure": "telling",
}


# Whoever uses the package decides where its log goes; nothing is printed by itself.
logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Load a public name from the module where it lives (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
