"""Shapes of a sheet: boxes, connectors, pictures and the frames of charts; all in points.

Sources: Microsoft Learn, «Shapes.AddShape», «Shapes.AddConnector», «Shapes.AddChart2»,
«ConnectorFormat.BeginConnect» (sites count from 1), «Shape.AlternativeText», «TextFrame2 object».
"""

from typing import Any, Final

from .areas import Rect
from .com import MISSING, Collection, ComObject, Keeper, lookup, method, part, prop, stored
from .errors import ComError, gone, refused
from .geometry import cell_at
from .model import ChartModel, ShapeModel, SheetModel
from .painting import FALSE, TRUE

AUTOSHAPE, CHART, CONNECTOR, TEXT_BOX = 1, 3, 1, 17
"""MsoShapeType; connectors are autoshapes, too."""
_NAMES: Final = {1: "Rectangle", 5: "Rectangle: Rounded Corners", 9: "Oval"}


class Shape(ComObject):
    """A shape."""

    _default = "Name"

    def __init__(self, core: Any, sheet: SheetModel, shape: ShapeModel) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._shape = shape

    @property
    def _path(self) -> str:
        return f"Worksheets({self._sheet.name!r}).Shapes({self._shape.name!r})"

    @property
    def _model(self) -> ShapeModel:
        if self._shape.deleted or self._sheet.deleted:
            raise gone()
        return self._shape

    def _changing(self) -> ShapeModel:
        model = self._model
        self._sheet.writable()
        self._sheet.book.saved = False
        return model

    def _within(self, name: str, kind: str) -> Any:
        kept = self._model.kept.setdefault(name, {})
        return self._make(kind, kept, f"{self._path}.{name}", self._sheet.writable)

    @prop
    def Type(self) -> int:
        return self._model.kind

    @prop
    def ID(self) -> int:
        return self._sheet.shapes.index(self._model) + 1

    @prop
    def Connector(self) -> int:
        return TRUE if self._model.connector else FALSE

    @prop
    def ConnectorFormat(self) -> Any:
        if not self._model.connector:
            raise refused("The specified value is out of range.")
        return self._make("ConnectorFormat", self._sheet, self._model)

    @prop
    def HasChart(self) -> int:
        return TRUE if self._model.chart else FALSE

    @prop
    def Chart(self) -> Any:
        if self._model.chart is None:
            raise refused("The specified value is out of range.")
        return self._make("Chart", self._sheet, self._model)

    @prop
    def TextFrame2(self) -> Any:
        return self._make("TextFrame2", self._sheet, self._model)

    @prop
    def TextFrame(self) -> Any:
        return self._make("TextFrame", self._sheet, self._model)

    @prop
    def Fill(self) -> Any:
        return self._within("Fill", "FillFormat")

    @prop
    def Line(self) -> Any:
        return self._within("Line", "LineFormat")

    @prop
    def Shadow(self) -> Any:
        return self._within("Shadow", "ShadowFormat")

    @prop
    def Adjustments(self) -> Any:
        return self._make("Adjustments", self._sheet, self._model)

    @prop
    def Hyperlink(self) -> Any:
        if self._model.link is None:
            raise refused("Application-defined or object-defined error")
        return self._make("Hyperlink", self._sheet, self._model.link)

    @prop
    def TopLeftCell(self) -> Any:
        place = cell_at(self._sheet, self._model.left, self._model.top)
        return self._make("Range", self._sheet, Rect(*place, *place))

    @prop
    def BottomRightCell(self) -> Any:
        model = self._model
        place = cell_at(self._sheet, model.left + model.width, model.top + model.height)
        return self._make("Range", self._sheet, Rect(*place, *place))

    @prop
    def Parent(self) -> Any:
        return self._make("Worksheet", self._sheet)

    @prop
    def ZOrderPosition(self) -> int:
        return self._sheet.shapes.index(self._model) + 1

    @method
    def ZOrder(self, ZOrderCmd: Any) -> None:
        """Bring to the front (0) or send to the back (1)."""
        model = self._changing()
        self._sheet.shapes.remove(model)
        self._sheet.shapes.insert(0 if int(ZOrderCmd) == 1 else len(self._sheet.shapes), model)

    @method
    def Select(self, Replace: Any = MISSING) -> None:
        if self._sheet.book.active is not self._sheet:
            raise refused("Select method of Shape class failed")

    @method
    def Delete(self) -> None:
        model = self._changing()
        self._sheet.shapes.remove(model)
        model.deleted = True
        for other in self._sheet.shapes:
            if other.start and other.start[0] == model.name:
                other.start = None
            if other.end and other.end[0] == model.name:
                other.end = None


def _rename(shape: ShapeModel, sheet: SheetModel, name: str) -> None:
    old, shape.name = shape.name, name
    for other in sheet.shapes:
        if other.start and other.start[0] == old:
            other.start = (name, other.start[1])
        if other.end and other.end[0] == old:
            other.end = (name, other.end[1])
    if shape.link:
        shape.link.shape = name


def _plain(name: str, field: str, kind: Any) -> None:
    def getter(self: Shape) -> Any:
        return getattr(self._model, field)

    def setter(self: Shape, value: Any) -> None:
        if field == "name":
            _rename(self._changing(), self._sheet, str(value))
        elif field in {"width", "height"} and float(value) < 0:
            raise refused("The specified value is out of range.")
        else:
            setattr(self._changing(), field, kind(value))

    Shape._add_property(name, getter, setter)


def _kept(name: str, first: Any) -> None:
    def getter(self: Shape) -> Any:
        return self._model.kept.get(name, first)

    def setter(self: Shape, value: Any) -> None:
        self._changing().kept[name] = value

    Shape._add_property(name, getter, setter)


for _name, _field, _kind in (
    ("Name", "name", str),
    ("Left", "left", float),
    ("Top", "top", float),
    ("Width", "width", float),
    ("Height", "height", float),
    ("AlternativeText", "description", str),
):
    _plain(_name, _field, _kind)

for _name, _first in {
    "Title": "",
    "Visible": TRUE,
    "Placement": 1,
    "AutoShapeType": 1,
    "LockAspectRatio": FALSE,
    "Locked": True,
    "OnAction": "",
    "Rotation": 0.0,
    "Decorative": FALSE,
    "HorizontalFlip": FALSE,
    "VerticalFlip": FALSE,
}.items():
    _kept(_name, _first)


class Adjustments(ComObject):
    """The handles of a shape, by number; pywin32 sets them through SetItem."""

    def __init__(self, core: Any, sheet: SheetModel, shape: ShapeModel) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._kept: dict[int, float] = shape.kept.setdefault("Adjustments", {})

    @prop
    def Count(self) -> int:
        return max(1, len(self._kept))

    @lookup
    def Item(self, Index: Any) -> float:
        return self._kept.get(int(Index), 0.16667)

    @method
    def SetItem(self, Index: Any, Value: Any) -> None:
        self._sheet.writable()
        self._kept[int(Index)] = float(Value)

    def __setitem__(self, index: int, value: float) -> None:
        self.SetItem(index, value)


class ConnectorFormat(ComObject):
    """What a connector connects."""

    def __init__(self, core: Any, sheet: SheetModel, shape: ShapeModel) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._shape = shape

    @property
    def _path(self) -> str:
        return f"Worksheets({self._sheet.name!r}).Shapes({self._shape.name!r}).ConnectorFormat"

    def _site(self, shape: Any, site: Any) -> tuple[str, int]:
        self._sheet.writable()
        model = getattr(shape, "_shape", None)
        if model not in self._sheet.shapes or model.connector or not 1 <= int(site) <= 8:
            raise refused("The specified value is out of range.")
        return model.name, int(site)

    def _shape_of(self, end: tuple[str, int] | None) -> Any:
        if end is None:
            raise refused("The specified value is out of range.")
        return self._make("Shapes", self._sheet)._found(end[0])

    @method
    def BeginConnect(self, ConnectedShape: Any, ConnectionSite: Any) -> None:
        self._shape.start = self._site(ConnectedShape, ConnectionSite)

    @method
    def EndConnect(self, ConnectedShape: Any, ConnectionSite: Any) -> None:
        self._shape.end = self._site(ConnectedShape, ConnectionSite)

    @method
    def BeginDisconnect(self) -> None:
        self._shape.start = None

    @method
    def EndDisconnect(self) -> None:
        self._shape.end = None

    @prop
    def BeginConnected(self) -> int:
        return TRUE if self._shape.start else FALSE

    @prop
    def EndConnected(self) -> int:
        return TRUE if self._shape.end else FALSE

    @prop
    def BeginConnectedShape(self) -> Any:
        return self._shape_of(self._shape.start)

    @prop
    def EndConnectedShape(self) -> Any:
        return self._shape_of(self._shape.end)

    @prop
    def BeginConnectionSite(self) -> int:
        return self._shape.start[1] if self._shape.start else 0

    @prop
    def EndConnectionSite(self) -> int:
        return self._shape.end[1] if self._shape.end else 0

    @prop
    def Type(self) -> int:
        return int(self._shape.kept.get("ConnectorType", 1))

    def _set_Type(self, value: Any) -> None:
        self._shape.kept["ConnectorType"] = int(value)


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


class Shapes(Collection):
    """A sheet's shapes."""

    def __init__(self, core: Any, sheet: SheetModel) -> None:
        super().__init__(core)
        self._sheet = sheet

    @property
    def _path(self) -> str:
        return f"Worksheets({self._sheet.name!r}).Shapes"

    def _all(self) -> list[Any]:
        return [Shape(self._core, self._sheet, one) for one in self._sheet.shapes]

    def _name_of(self, one: Any) -> str:
        return str(one._shape.name)

    @lookup
    def Item(self, Index: Any) -> Any:
        try:
            return self._found(Index)
        except ComError:
            raise ComError(
                -2147352567,
                "Exception occurred.",
                (0, None, "The item with the specified name wasn't found.", None, 0, -2147024809),
            ) from None

    def _added(self, shape: ShapeModel) -> Any:
        self._sheet.writable()
        self._sheet.book.saved = False
        number = len(self._sheet.shapes) + 1
        taken = {one.name for one in self._sheet.shapes}
        while f"{shape.name} {number}" in taken:
            number += 1
        shape.name = f"{shape.name} {number}"
        self._sheet.shapes.append(shape)
        return Shape(self._core, self._sheet, shape)

    @method
    def AddShape(self, Type: Any, Left: Any, Top: Any, Width: Any, Height: Any) -> Any:
        name = _NAMES.get(int(Type), "Shape")
        shape = ShapeModel(name, AUTOSHAPE, float(Left), float(Top), float(Width), float(Height))
        shape.kept["AutoShapeType"] = int(Type)
        return self._added(shape)

    @method
    def AddTextbox(self, Orientation: Any, Left: Any, Top: Any, Width: Any, Height: Any) -> Any:
        return self._added(
            ShapeModel("TextBox", TEXT_BOX, float(Left), float(Top), float(Width), float(Height))
        )

    @method
    def AddConnector(self, Type: Any, BeginX: Any, BeginY: Any, EndX: Any, EndY: Any) -> Any:
        left, top, right, bottom = float(BeginX), float(BeginY), float(EndX), float(EndY)
        shape = ShapeModel(
            "Straight Connector" if int(Type) == 1 else "Connector",
            CONNECTOR,
            min(left, right),
            min(top, bottom),
            abs(right - left),
            abs(bottom - top),
            connector=True,
        )
        shape.kept["ConnectorType"] = int(Type)
        shape.kept["HorizontalFlip"] = TRUE if right < left else FALSE
        shape.kept["VerticalFlip"] = TRUE if bottom < top else FALSE
        return self._added(shape)

    @method
    def AddChart2(
        self,
        Style: Any = -1,
        XlChartType: Any = 51,
        Left: Any = 0,
        Top: Any = 0,
        Width: Any = 360,
        Height: Any = 216,
        NewLayout: Any = MISSING,
    ) -> Any:
        kind = 51 if XlChartType in {None, -1} else int(XlChartType)
        shape = self._chart(kind, Left or 0, Top or 0, Width or 360, Height or 216)
        shape._shape.chart.kept["HasLegend"] = bool(NewLayout)
        return shape

    def _chart(self, kind: int, left: Any, top: Any, width: Any, height: Any) -> Any:
        shape = ShapeModel("Chart", CHART, float(left), float(top), float(width), float(height))
        shape.chart = ChartModel(kind)
        return self._added(shape)

    @method
    def SelectAll(self) -> None:
        pass
