"""The highlights of a table in an open workbook: rules that colour cells by their text."""

import re
from typing import Any, Final

from xlwings.constants import FormatConditionOperator, FormatConditionType

from klarify_xl.headless.references import letter_of
from klarify_xl.headless.styles import plain
from klarify_xl.live.addresses import Box
from klarify_xl.live.styles import colour_number
from klarify_xl.live.tables import LiveTable
from klarify_xl.plan import Colours

_MOST_RULES: Final = 64


def cover_highlights(table: LiveTable, colours: Colours) -> None:
    """Let the planned rules cover all rows of a table; those that are missing are added.

    Args:
        table: The table, with its rows in place.
        colours: The workbook's colours.
    """
    columns = {
        one.name: column for one, column in zip(table.sheet.columns, table.columns, strict=True)
    }
    for highlight in table.sheet.highlights:
        column = columns[highlight.column]
        cells = table.worksheet.Range(Box(table.box.top, column, table.box.bottom, column).address)
        rule = _find(cells.FormatConditions, letter_of(column), highlight.text)
        if rule is not None:
            rule.ModifyAppliesToRange(cells)
            continue
        text = highlight.text.replace('"', '""')
        rule = cells.FormatConditions.Add(
            Type=FormatConditionType.xlCellValue,
            Operator=FormatConditionOperator.xlEqual,
            Formula1=f'="{text}"',
        )
        colour, background = plain(colours.of(highlight.tone))
        rule.Font.Color = colour_number(colour)
        rule.Font.Bold = highlight.tone == "warning"
        rule.Interior.Color = colour_number(background)


def _find(rules: Any, letter: str, text: str) -> Any:  # noqa: ANN401
    """Return the rule for a text, as a file or as we make it, or None."""
    quoted = re.escape(text.replace('"', '""'))
    wanted = re.compile(rf'=(?:\$?{letter}\$?\d+=)?"{quoted}"', re.IGNORECASE)
    for number in range(1, min(int(rules.Count), _MOST_RULES) + 1):
        rule = rules(number)
        kind = int(rule.Type)
        if kind in {FormatConditionType.xlCellValue, FormatConditionType.xlExpression} and (
            wanted.fullmatch(str(rule.Formula1))
        ):
            return rule
    return None
