"""Shapes of a sheet: boxes, connectors, pictures and the frames of charts; all in points.

Sources: Microsoft Learn, «Shapes.AddShape», «Shapes.AddConnector», «Shapes.AddChart2»,
«ConnectorFormat.BeginConnect» (sites count from 1), «Shape.AlternativeText», «TextFrame2 object».
"""

from typing import Any, Final

from .areas import Rect
from .chart_model import ChartModel
from .com import MISSING, Collection, ComObject, lookup, method, prop
from .errors import ComError, gone, refused
from .geometry import cell_at
from .model import ShapeModel, SheetModel
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
