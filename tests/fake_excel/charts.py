"""Charts, their series and axes.

Sources: Microsoft Learn, «Chart object», «SeriesCollection.NewSeries», «Series.Formula» (the SERIES
function), «Series.Values» and «Series.XValues» (a range or an array), «Chart.Axes».
"""

from typing import Any

from .areas import Rect
from .chart_model import ChartModel, SeriesModel
from .com import MISSING, Collection, ComObject, Keeper, lookup, method, part, prop, stored
from .errors import gone, refused
from .formulas import quoted_sheet
from .model import ShapeModel, SheetModel

CATEGORY, VALUE = 1, 2
"""XlAxisType."""


class Chart(Keeper):
    """A chart."""

    _default = "Name"

    def __init__(self, core: Any, sheet: SheetModel, shape: ShapeModel) -> None:
        assert shape.chart is not None
        path = f"Worksheets({sheet.name!r}).ChartObjects({shape.name!r}).Chart"
        super().__init__(core, shape.chart.kept, path, sheet.writable)
        self._sheet = sheet
        self._shape = shape

    @property
    def _model(self) -> ChartModel:
        if self._shape.deleted or self._shape.chart is None:
            raise gone()
        return self._shape.chart

    HasTitle = stored("HasTitle", False, bool)
    HasLegend = stored("HasLegend", False, bool)
    ChartStyle = stored("ChartStyle", 201)
    ChartColor = stored("ChartColor", 10)
    DisplayBlanksAs = stored("DisplayBlanksAs", 1)
    PlotVisibleOnly = stored("PlotVisibleOnly", True)
    ShowAllFieldButtons = stored("ShowAllFieldButtons", False)
    ChartArea = part("ChartArea", "ChartPart")
    PlotArea = part("PlotArea", "ChartPart")

    @prop
    def Name(self) -> str:
        return f"{self._sheet.name} {self._shape.name}"

    @prop
    def ChartType(self) -> int:
        return self._model.kind

    def _set_ChartType(self, value: Any) -> None:
        self._changing()
        self._model.kind = int(value)

    @prop
    def ChartTitle(self) -> Any:
        if not self._model.kept.get("HasTitle"):
            raise refused("This object has no title.")
        return self._part("ChartTitle", "ChartTitle")

    @prop
    def Legend(self) -> Any:
        if not self._model.kept.get("HasLegend"):
            raise refused("Unable to get the Legend property of the Chart class")
        return self._part("Legend", "ChartLegend")

    @prop
    def Parent(self) -> Any:
        return self._make("ChartObject", self._sheet, self._shape)

    @lookup
    def SeriesCollection(self, Index: Any = MISSING) -> Any:
        found = self._make("SeriesCollection", self._sheet, self._model, self._path)
        return found if Index is None else found._found(Index)

    @lookup
    def FullSeriesCollection(self, Index: Any = MISSING) -> Any:
        found = self._make("SeriesCollection", self._sheet, self._model, self._path)
        return found if Index is None else found._found(Index)

    @lookup
    def Axes(self, Type: Any = MISSING, AxisGroup: Any = 1) -> Any:
        if Type is None:
            raise NotImplementedError("the fake Excel gives axes by their type only")
        if self._model.kind in {5, -4120, -4102, 69, 70, 80}:
            raise refused("Method 'Axes' of object '_Chart' failed")
        name = {CATEGORY: "Category", VALUE: "Value"}.get(int(Type))
        if name is None or not self._model.kept.get(f"Has{name}Axis", True):
            raise refused("Method 'Axes' of object '_Chart' failed")
        kept = self._model.kept.setdefault(f"{name}Axis", {})
        return self._make("Axis", kept, f"{self._path}.Axes({int(Type)})", self._changing)

    @lookup
    def HasAxis(self, Index1: Any = MISSING, Index2: Any = MISSING) -> bool:
        name = {CATEGORY: "Category", VALUE: "Value"}[int(Index1)]
        return bool(self._model.kept.get(f"Has{name}Axis", True))

    @method
    def SetHasAxis(self, Index1: Any, Index2: Any = MISSING, Value: Any = MISSING) -> None:
        self._changing()
        name = {CATEGORY: "Category", VALUE: "Value"}[int(Index1)]
        self._model.kept[f"Has{name}Axis"] = bool(Value if Value is not None else Index2)

    @lookup
    def ChartGroups(self, Index: Any = 1) -> Any:
        return self._part("ChartGroup", "ChartGroup")

    @method
    def SetSourceData(self, Source: Any, PlotBy: Any = MISSING) -> None:
        """Make a series of each column after the first, whose header is its name."""
        self._changing()
        rect: Rect = Source._rect
        sheet = quoted_sheet(Source._sheet.name)

        def at(top: int, bottom: int, column: int) -> str:
            return f"={sheet}!{Rect(top, column, bottom, column).address()}"

        self._model.series = [
            SeriesModel(
                at(rect.top, rect.top, column),
                at(rect.top + 1, rect.bottom, rect.left),
                at(rect.top + 1, rect.bottom, column),
            )
            for column in range(rect.left + (rect.width > 1), rect.right + 1)
        ]

    @method
    def SetElement(self, Element: Any) -> None:
        self._changing()
        changes = {0: ("HasTitle", False), 2: ("HasTitle", True), 100: ("HasLegend", False)}
        if int(Element) in changes:
            name, value = changes[int(Element)]
            self._model.kept[name] = value

    @method
    def ApplyDataLabels(self, *_arguments: Any, **_named: Any) -> None:
        self._changing()
        for one in self._model.series:
            one.kept["HasDataLabels"] = True

    @method
    def ClearToMatchStyle(self) -> None:
        pass

    @method
    def Refresh(self) -> None:
        pass


class Axis(Keeper):
    """An axis."""

    HasTitle = stored("HasTitle", False, bool)
    HasMajorGridlines = stored("HasMajorGridlines", False, bool)
    HasMinorGridlines = stored("HasMinorGridlines", False, bool)
    ReversePlotOrder = stored("ReversePlotOrder", False, bool)
    MinimumScale = stored("MinimumScale", 0.0)
    MaximumScale = stored("MaximumScale", 1.0)
    MinimumScaleIsAuto = stored("MinimumScaleIsAuto", True)
    MaximumScaleIsAuto = stored("MaximumScaleIsAuto", True)
    MajorUnit = stored("MajorUnit", 1.0)
    MajorTickMark = stored("MajorTickMark", -4142)
    MinorTickMark = stored("MinorTickMark", -4142)
    TickLabelPosition = stored("TickLabelPosition", 4)
    TickLabelSpacing = stored("TickLabelSpacing", 1)
    CategoryType = stored("CategoryType", -4105)
    Crosses = stored("Crosses", -4105)
    TickLabels = part("TickLabels", "AxisTickLabels")
    MajorGridlines = part("MajorGridlines", "Gridlines")
    Format = part("Format", "ChartFormat")
    Border = part("Border", "PlainBorder")

    @prop
    def AxisTitle(self) -> Any:
        if not self._kept.get("HasTitle"):
            raise refused("This object has no title.")
        return self._part("AxisTitle", "ChartTitle")

    @method
    def Delete(self) -> None:
        self._changing()
        self._kept["Deleted"] = True


class ChartObject(ComObject):
    """The frame of a chart."""

    _default = "Name"

    def __init__(self, core: Any, sheet: SheetModel, shape: ShapeModel) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._shape = shape

    @property
    def _path(self) -> str:
        return f"Worksheets({self._sheet.name!r}).ChartObjects({self._shape.name!r})"

    @prop
    def Chart(self) -> Any:
        return Chart(self._core, self._sheet, self._shape)

    @prop
    def Index(self) -> int:
        return [one for one in self._sheet.shapes if one.chart].index(self._shape) + 1

    @prop
    def Parent(self) -> Any:
        return self._make("Worksheet", self._sheet)

    @prop
    def ShapeRange(self) -> Any:
        return self._make("Shape", self._sheet, self._shape)

    @prop
    def TopLeftCell(self) -> Any:
        return self._make("Shape", self._sheet, self._shape).TopLeftCell

    @prop
    def BottomRightCell(self) -> Any:
        return self._make("Shape", self._sheet, self._shape).BottomRightCell

    @method
    def Activate(self) -> None:
        if self._sheet.book.active is not self._sheet:
            raise refused("Activate method of ChartObject class failed")

    @method
    def Delete(self) -> None:
        self._sheet.writable()
        self._sheet.shapes.remove(self._shape)
        self._shape.deleted = True


def _of_frame(name: str) -> None:
    def getter(self: ChartObject) -> Any:
        return getattr(self._make("Shape", self._sheet, self._shape), name)

    def setter(self: ChartObject, value: Any) -> None:
        shape = self._make("Shape", self._sheet, self._shape)
        getattr(type(shape), f"_set_{name}")(shape, value)

    ChartObject._add_property(name, getter, setter)


for _name in ("Name", "Left", "Top", "Width", "Height", "Placement", "Visible", "Locked"):
    _of_frame(_name)


class ChartObjects(Collection):
    """The charts of a sheet."""

    def __init__(self, core: Any, sheet: SheetModel) -> None:
        super().__init__(core)
        self._sheet = sheet

    @property
    def _path(self) -> str:
        return f"Worksheets({self._sheet.name!r}).ChartObjects"

    def _all(self) -> list[Any]:
        return [
            ChartObject(self._core, self._sheet, one) for one in self._sheet.shapes if one.chart
        ]

    def _name_of(self, one: Any) -> str:
        return str(one._shape.name)

    @method
    def Add(self, Left: Any, Top: Any, Width: Any, Height: Any) -> Any:
        shapes = self._make("Shapes", self._sheet)
        shape = shapes._chart(51, Left, Top, Width, Height)
        return ChartObject(self._core, self._sheet, shape._shape)
