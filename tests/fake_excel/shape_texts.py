"""The texts of shapes.

Source: Microsoft Learn, «TextFrame2 object», «TextRange2 object» and «TextFrame.Characters».
"""

from typing import Any

from .com import MISSING, Keeper, lookup, part, prop, stored
from .model import ShapeModel, SheetModel
from .painting import FALSE, TRUE


class _Frame(Keeper):
    """A text frame of a shape."""

    def __init__(self, core: Any, sheet: SheetModel, shape: ShapeModel) -> None:
        path = f"Worksheets({sheet.name!r}).Shapes({shape.name!r}).{type(self).__name__}"
        super().__init__(core, shape.kept.setdefault("Frame", {}), path, sheet.writable)
        self._sheet = sheet
        self._shape = shape

    AutoSize = stored("AutoSize", 0)
    MarginLeft = stored("MarginLeft", 7.2)
    MarginRight = stored("MarginRight", 7.2)
    MarginTop = stored("MarginTop", 3.6)
    MarginBottom = stored("MarginBottom", 3.6)


class TextFrame2(_Frame):
    """The text frame of a shape."""

    WordWrap = stored("WordWrap", TRUE)
    VerticalAnchor = stored("VerticalAnchor", 1)
    HorizontalAnchor = stored("HorizontalAnchor", 1)
    Orientation = stored("Orientation", 1)

    @prop
    def HasText(self) -> int:
        return TRUE if self._shape.text else FALSE

    @prop
    def TextRange(self) -> Any:
        return self._make("TextRange2", self._sheet, self._shape, self._path)


class TextFrame(_Frame):
    """The older text frame of a shape."""

    HorizontalAlignment = stored("HorizontalAlignment", -4131)
    VerticalAlignment = stored("VerticalAlignment", -4160)
    HorizontalOverflow = stored("HorizontalOverflow", 0)
    VerticalOverflow = stored("VerticalOverflow", 0)

    @lookup
    def Characters(self, Start: Any = MISSING, Length: Any = MISSING) -> Any:
        return self._make("TextRange2", self._sheet, self._shape, self._path)


class TextRange2(Keeper):
    """The text of a shape."""

    _default = "Text"

    def __init__(self, core: Any, sheet: SheetModel, shape: ShapeModel, path: str) -> None:
        super().__init__(core, shape.kept, f"{path}.TextRange", sheet.writable)
        self._shape = shape

    @prop
    def Text(self) -> str:
        return self._shape.text

    def _set_Text(self, value: Any) -> None:
        self._changing()
        # Excel keeps lines of a shape as paragraphs, which end in a carriage return.
        self._shape.text = str(value).replace("\r\n", "\r").replace("\n", "\r")

    @prop
    def Length(self) -> int:
        return len(self._shape.text)

    Font = part("Font", "Font2")
    ParagraphFormat = part("ParagraphFormat", "ParagraphFormat2")
