"""Charts as plain data."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class SeriesModel:
    """A chart's series; name, categories and values are formulas or literal values."""

    name: Any = ""
    categories: Any = ""
    values: Any = ""
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass
class ChartModel:
    """A chart; `kept` has everything but its type and series, by property."""

    kind: int
    series: list[SeriesModel] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
