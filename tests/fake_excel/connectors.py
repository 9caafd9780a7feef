"""What connectors connect.

Source: Microsoft Learn, «ConnectorFormat.BeginConnect»: sites count from 1.
"""

from typing import Any

from .com import ComObject, method, prop
from .errors import refused
from .model import ShapeModel, SheetModel
from .painting import FALSE, TRUE


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
