"""What an open workbook says of itself in its custom document properties."""

from collections.abc import Mapping
from typing import Any, Final

LONGEST: Final = 255
"""Characters that Excel's object model takes for a property's text."""

_IS_NOT_LINKED: Final = False
_TEXT: Final = 4
"""``msoPropertyTypeString``"""


def read_property(workbook: Any, name: str) -> str:  # noqa: ANN401
    """Return a property's text, or "" if there is none.

    Args:
        workbook: The workbook, as Excel's object model has it.
        name: Name of the property.
    """
    found = _find(workbook.CustomDocumentProperties, name)
    return "" if found is None else str(found.Value)


def write_properties(workbook: Any, values: Mapping[str, str]) -> None:  # noqa: ANN401
    """Set properties, adding those that are missing.

    Args:
        workbook: The workbook, as Excel's object model has it.
        values: Texts by name; what is too long is cut.
    """
    properties = workbook.CustomDocumentProperties
    for name, value in values.items():
        found = _find(properties, name)
        if found is not None:
            found.Value = value[:LONGEST]
        else:
            # By position: this object tells no names of arguments.
            properties.Add(name, _IS_NOT_LINKED, _TEXT, value[:LONGEST])


def _find(properties: Any, name: str) -> Any:  # noqa: ANN401
    for number in range(1, int(properties.Count) + 1):
        one = properties.Item(number)
        if str(one.Name) == name:
            return one
    return None
