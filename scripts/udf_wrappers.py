"""Prints the VBA module of worksheet functions that xlwings makes: python scripts/udf_wrappers.py.

xlwings makes it on Windows only, and what it needs of that for the purpose are names. They are
stood in for here, so that its own code runs elsewhere, too; hence the process of its own.
"""

import importlib
import io
import sys
import types
from typing import Any

MODULE = "klarify_xl.udfs"


class _Named(types.ModuleType):
    """A module of Windows in which every name is there and does nothing."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- it stands for anything
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


def udfs_of_xlwings() -> Any:  # noqa: ANN401 -- a module without types
    """Return the module of xlwings that knows worksheet functions, with its decorators in force."""
    for name in ("pythoncom", "pywintypes", "win32com", "win32com.client"):
        sys.modules.setdefault(name, _Named(name))
    xlwings: Any = importlib.import_module("xlwings")
    udfs: Any = importlib.import_module("xlwings.udfs")
    # Elsewhere than on Windows these do nothing.
    xlwings.func, xlwings.arg, xlwings.ret = udfs.xlfunc, udfs.xlarg, udfs.xlret
    return udfs


def wrappers(name: str) -> str:
    """Return the VBA module with a wrapper for each worksheet function of a Python module."""
    udfs = udfs_of_xlwings()
    module = importlib.import_module(name)
    text = io.StringIO()
    text.write('Attribute VB_Name = "xlwings_udfs"\n')
    text.write(f"' Written by scripts/build_template.py from {name}. Changes here are lost.\n")
    text.write('#Const App = "Microsoft Excel"\n')
    book = types.SimpleNamespace(Name="workbook_template.xlsm")
    udfs.generate_vba_wrapper(name, module, text, book)
    return text.getvalue()


if __name__ == "__main__":
    sys.stdout.write(wrappers(sys.argv[1] if len(sys.argv) > 1 else MODULE))
