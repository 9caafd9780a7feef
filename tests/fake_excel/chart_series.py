"""The series of charts and their points.

Sources: Microsoft Learn, «SeriesCollection.NewSeries», «Series.Formula» (the SERIES function),
«Series.Values» and «Series.XValues» (a range or an array).
"""

import re
from typing import Any

from .chart_model import ChartModel, SeriesModel
from .com import MISSING, Collection, Keeper, lookup, method, part, prop, stored
from .errors import bad_index, refused
from .formulas import quoted_sheet
from .model import SheetModel
from .references import resolved

_ARGUMENT = r"((?:\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|[^,\"'])*)"
_SERIES = re.compile(rf"=SERIES\({_ARGUMENT},{_ARGUMENT},{_ARGUMENT},\d+\)")


class Series(Keeper):
    """A series of a chart."""

    def __init__(
        self, core: Any, sheet: SheetModel, chart: ChartModel, series: SeriesModel, path: str
    ) -> None:
        number = chart.series.index(series) + 1
        super().__init__(core, series.kept, f"{path}({number})", sheet.writable)
        self._sheet = sheet
        self._chart = chart
        self._series = series

    HasDataLabels = stored("HasDataLabels", False, bool)
    InvertIfNegative = stored("InvertIfNegative", False)
    Smooth = stored("Smooth", False)
    MarkerStyle = stored("MarkerStyle", -4105)
    PlotOrder = stored("PlotOrder", 1)
    Format = part("Format", "ChartFormat")
    Interior = part("Interior", "PlainInterior")
    Border = part("Border", "PlainBorder")

    def _source(self, value: Any) -> Any:
        """Return what a series is given: a range as a formula, or literal values."""
        self._changing()
        if hasattr(value, "_rect"):
            return f"={quoted_sheet(value._sheet.name)}!{value._rect.address()}"
        if isinstance(value, str) and value.startswith("="):
            sheet, rect = resolved(self._sheet.book, self._sheet, value)
            if rect is None or sheet is None:
                raise refused("Unable to set the Values property of the Series class")
        return value

    def _shown(self, source: Any) -> tuple[Any, ...]:
        if isinstance(source, str) and source.startswith("="):
            sheet, rect = resolved(self._sheet.book, self._sheet, source)
            if rect is None or sheet is None:
                return ()
            found = (sheet.cells.get(place) for place in rect.cells())
            return tuple(cell.value if cell else None for cell in found)
        return tuple(source) if isinstance(source, tuple | list) else ()

    @prop
    def Name(self) -> str:
        name = self._series.name
        if isinstance(name, str) and name.startswith("="):
            values = self._shown(name)
            return str(values[0]) if values else ""
        return str(name)

    def _set_Name(self, value: Any) -> None:
        self._series.name = self._source(value)

    @prop
    def Values(self) -> Any:
        return self._shown(self._series.values)

    def _set_Values(self, value: Any) -> None:
        self._series.values = self._source(value)

    @prop
    def XValues(self) -> Any:
        return self._shown(self._series.categories)

    def _set_XValues(self, value: Any) -> None:
        self._series.categories = self._source(value)

    @prop
    def Formula(self) -> str:
        one = self._series
        parts = [_argument(source) for source in (one.name, one.categories, one.values)]
        return f"=SERIES({','.join(parts)},{self._chart.series.index(one) + 1})"

    def _set_Formula(self, value: Any) -> None:
        found = _SERIES.fullmatch(str(value))
        if not found:
            raise refused("Unable to set the Formula property of the Series class")
        name, categories, values = found[1], found[2], found[3]
        if name.startswith('"'):
            self._series.name = name[1:-1].replace('""', '"')
        else:
            self._series.name = self._source(f"={name}") if name else ""
        self._series.categories = self._source(f"={categories}") if categories else ""
        self._series.values = self._source(f"={values}")

    @prop
    def ChartType(self) -> int:
        return self._chart.kind

    def _set_ChartType(self, value: Any) -> None:
        self._changing()
        self._chart.kind = int(value)

    @lookup
    def DataLabels(self, Index: Any = MISSING) -> Any:
        if not self._series.kept.get("HasDataLabels"):
            raise refused("Unable to get the DataLabels property of the Series class")
        return self._part("DataLabels", "LabelSet")

    @method
    def ApplyDataLabels(self, *_arguments: Any, **_named: Any) -> None:
        self._changing()
        self._series.kept["HasDataLabels"] = True

    @lookup
    def Points(self, Index: Any = MISSING) -> Any:
        if Index is None:
            return self._make("Points", self)
        return Points(self._core, self)._found(Index)

    @method
    def Delete(self) -> None:
        self._changing()
        self._chart.series.remove(self._series)


def _argument(source: Any) -> str:
    if isinstance(source, str):
        if source.startswith("="):
            return source[1:]
        return '"' + source.replace('"', '""') + '"' if source else ""
    if isinstance(source, tuple | list):
        return "{" + ",".join(str(one) for one in source) + "}"
    return ""


class Points(Collection):
    """The points of a series."""

    def __init__(self, core: Any, series: Series) -> None:
        super().__init__(core)
        self._series = series

    def _all(self) -> list[Any]:
        count = len(self._series._shown(self._series._series.values))
        return [self._point(number) for number in range(1, count + 1)]

    def _point(self, number: int) -> Any:
        points = self._series._kept.setdefault("Points", {})
        kept = points.setdefault(number, {})
        path = f"{self._series._path}.Points({number})"
        return self._make("SeriesPoint", kept, path, self._series._changing)

    def _found(self, index: Any) -> Any:
        if not 1 <= int(index) <= len(self._series._shown(self._series._series.values)):
            raise bad_index()
        return self._point(int(index))


class SeriesCollection(Collection):
    """The series of a chart."""

    def __init__(self, core: Any, sheet: SheetModel, chart: ChartModel, path: str) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._chart = chart
        self._own_path = f"{path}.SeriesCollection"

    @property
    def _path(self) -> str:
        return self._own_path

    def _all(self) -> list[Any]:
        return [
            Series(self._core, self._sheet, self._chart, one, self._own_path)
            for one in self._chart.series
        ]

    def _name_of(self, one: Any) -> str:
        return str(one._series.name)

    @method
    def NewSeries(self) -> Any:
        self._sheet.writable()
        self._chart.series.append(SeriesModel(f"Series{len(self._chart.series) + 1}"))
        return self._all()[-1]
