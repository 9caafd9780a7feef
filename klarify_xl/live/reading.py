"""Reads what stands in a table of an open workbook: which row is about what, and a person's cells.

The outcome is of the same kind as what is read from a file, so that both are merged alike.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from klarify_xl.headless.cells import OwnCell
from klarify_xl.headless.reading import Identity, OldRow, OldSheet
from klarify_xl.live.addresses import Box, box_of
from klarify_xl.live.values import SORT_MARK, Block, rows_of

_ERRORS: Final = {
    -2146826288: "#NULL!",
    -2146826281: "#DIV/0!",
    -2146826273: "#VALUE!",
    -2146826265: "#REF!",
    -2146826259: "#NAME?",
    -2146826252: "#NUM!",
    -2146826246: "#N/A",
    -2146826245: "#GETTING_DATA",
    -2146826243: "#SPILL!",
}
"""What Excel's object model gives for error values (xlCVError plus 0x800A0000)."""


@dataclass
class OldTable:
    """A table as it stands.

    Attributes:
        sheet: Its rows as merging takes them.
        box: Its data rows.
        header: Row of its titles.
        titles: Its titles, from the left.
        shown: What our cells and a person's show, row by row.
    """

    sheet: OldSheet
    box: Box
    header: int
    titles: list[str]
    shown: Block = field(default_factory=tuple)

    def value(self, row: int, column: int) -> Any:  # noqa: ANN401 -- whatever stands there
        """Return what a cell showed, by its row and column of the sheet as they were."""
        return self.shown[row - self.box.top][column - self.box.left]


def titles_of(table: Any) -> list[str]:  # noqa: ANN401
    """Return the titles of a table's columns.

    Args:
        table: The table, as Excel's object model has it.
    """
    header = table.HeaderRowRange
    (titles,) = rows_of(header.Value2, 1, int(header.Columns.Count))
    return ["" if title is None else str(title) for title in titles]


def read_table(
    worksheet: Any,  # noqa: ANN401
    table: Any,  # noqa: ANN401
    ours: Sequence[int],
    identity: Sequence[int],
    is_known: Callable[[Identity], bool],
) -> OldTable:
    """Return what stands in a table.

    Args:
        worksheet: Its sheet, as Excel's object model has it.
        table: The table.
        ours: Columns of the sheet, from 1, that are planned.
        identity: Columns of the sheet that tell what a row is about; 0 for one that is gone.
        is_known: Tells whether an identity is of a row that is still to be shown, so that our
            cells in it needn't be kept.
    """
    whole = box_of(table.Range)
    last = whole.bottom - bool(table.ShowTotals)
    box = Box(whole.top + 1, whole.left, max(whole.top + 1, last), whole.right)
    cells = worksheet.Range(box.address)
    values = rows_of(cells.Value2, box.rows, box.columns)
    formulas = rows_of(cells.Formula, box.rows, box.columns)
    places = [at - box.left if at else -1 for at in identity]
    found = identities_of(values, places)
    sheet = OldSheet(etree.Element("none"))
    for number, (shown, entered, about) in enumerate(
        zip(values, formulas, found, strict=True), start=box.top
    ):
        row = OldRow(number, about, {})
        keep = not is_known(row.identity)
        for column, (value, formula) in enumerate(zip(shown, entered, strict=True), box.left):
            if keep or column not in ours:
                cell = _own_cell(number, column, value, formula)
                if cell is not None:
                    row.own[column] = cell
        sheet.rows.append(row)
    return OldTable(sheet, box, whole.top, titles_of(table), values)


def identities_of(values: Block, places: Sequence[int]) -> list[Identity]:
    """Return what each row is about.

    Args:
        values: What the rows show.
        places: Places in a row, from 0, of what tells what it is about; -1 for one that is gone.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for row in values:
        texts = tuple("" if at < 0 else _identity_text(row[at]) for at in places)
        seen[texts] += 1
        found.append((*texts, str(seen[texts])))
    return found


def _identity_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip()
    return f"{float(value):.5f}" if isinstance(value, int | float) else str(value)


def _own_cell(row: int, column: int, value: object, formula: object) -> OwnCell | None:
    """Return a person's cell, or None if nothing stands in it."""
    written = str(formula) if isinstance(formula, str) else ""
    # A text may begin like a formula, but then it shows what is written.
    is_formula = written.startswith("=") and value != written
    if (value is None and not is_formula) or written.startswith(SORT_MARK):
        return None
    if isinstance(value, bool):
        kind, text = "b", str(int(value))
    elif isinstance(value, int) and value in _ERRORS:
        kind, text = "e", _ERRORS[value]
    elif isinstance(value, int | float):
        kind, text = "n", repr(value)
    else:
        kind, text = "str", "" if value is None else str(value)
    inside = written[1:] if is_formula else None
    return OwnCell(row, column, (("t", kind),), inside, (), "<v/>", text)
