"""What all objects of one Excel share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .com import Recorder
from .entry import ARRAY_TEXT
from .model import BookModel, Scalar, SheetModel


def not_calculated(formula: str, _sheet: SheetModel) -> Scalar:
    """Return what a newly entered formula gives: its text or number if it is that, or 0."""
    text = formula[1:]
    if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1].replace('""', ""):
        return text[1:-1].replace('""', '"')
    if text.upper() in {"TRUE", "FALSE"}:
        return text.upper() == "TRUE"
    try:
        return float(text)
    except ValueError:
        return 0.0


@dataclass
class Core:
    """One running Excel.

    Attributes:
        books: The open workbooks.
        active: The one in front.
        kept: The application's own settings, by property.
        language: Of the windows, as Windows numbers them.
        array_text: How long a text may be in an assigned array; older versions took 8,203.
        calculate: Gives a formula's value, since nothing is calculated here.
        macros: What Application.Run was asked.
        application: The object at the top.
    """

    recorder: Recorder = field(default_factory=Recorder)
    books: list[BookModel] = field(default_factory=list)
    active: BookModel | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    language: int = 1033
    array_text: int = ARRAY_TEXT
    calculate: Callable[[str, SheetModel], Scalar] = not_calculated
    application: Any = None
    descriptions: list[tuple[Any, ...]] = field(default_factory=list)
    protected_views: list[str] = field(default_factory=list)
