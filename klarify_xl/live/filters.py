"""A table's filter: taken off while rows are moved, and put on again as it was."""

from dataclasses import dataclass
from typing import Any, Final

from xlwings.constants import AutoFilterOperator

_PLAIN: Final = 0
_BOTH: Final = {AutoFilterOperator.xlAnd, AutoFilterOperator.xlOr}
_COLOURS: Final = {AutoFilterOperator.xlFilterCellColor, AutoFilterOperator.xlFilterFontColor}


@dataclass(frozen=True)
class Condition:
    """What a column is filtered by.

    Attributes:
        title: The column's title.
        arguments: What ``Range.AutoFilter`` takes besides the column; None if Excel doesn't tell
            it, as for groups of dates and icons.
    """

    title: str
    arguments: dict[str, Any] | None


def take_off_filter(table: Any, titles: list[str]) -> list[Condition]:  # noqa: ANN401
    """Show all rows of a table, and return what they were filtered by.

    Excel sorts and deletes visible rows only.

    Args:
        table: The table, as Excel's object model has it.
        titles: The titles of its columns.
    """
    if not table.ShowAutoFilter or table.AutoFilter is None or not table.AutoFilter.FilterMode:
        return []
    found = []
    filters = table.AutoFilter.Filters
    for number, title in enumerate(titles, start=1):
        if filters(number).On:
            found.append(Condition(title, _arguments(filters(number))))
    table.AutoFilter.ShowAllData()
    return found


def _arguments(one: Any) -> dict[str, Any] | None:  # noqa: ANN401
    try:
        operator = int(one.Operator or _PLAIN)
        if operator in _COLOURS:
            return {"Criteria1": one.Criteria1.Color, "Operator": operator}
        if operator == AutoFilterOperator.xlFilterIcon:
            return None
        found: dict[str, Any] = {"Criteria1": one.Criteria1}
        if operator != _PLAIN:
            found["Operator"] = operator
        if operator in _BOTH:
            found["Criteria2"] = one.Criteria2
    except Exception:  # noqa: BLE001 -- Excel raises for conditions that it doesn't tell
        return None
    return found


def put_on_filter(table: Any, conditions: list[Condition], titles: list[str]) -> list[str]:  # noqa: ANN401
    """Filter a table again, and return the titles of the columns where that was not possible.

    Args:
        table: The table, as Excel's object model has it.
        conditions: What it was filtered by.
        titles: The titles of its columns now.
    """
    lost = []
    for condition in conditions:
        if condition.arguments is None or condition.title not in titles:
            lost.append(condition.title)
            continue
        field = titles.index(condition.title) + 1
        try:
            table.Range.AutoFilter(Field=field, **condition.arguments)
        except Exception:  # noqa: BLE001 -- a filter that can't be put on is told, not fatal
            lost.append(condition.title)
    return lost
