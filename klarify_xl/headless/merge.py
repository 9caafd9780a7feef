"""Brings planned rows and those that stand on a sheet together: order, own cells, fill-down."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import Any, Final

from lxml import etree

from klarify_xl.headless.cells import OwnCell
from klarify_xl.headless.moves import Moves, Region
from klarify_xl.headless.neighbours import Neighbour, columns_under
from klarify_xl.headless.reading import Identity, OldRow, OldSheet, identity_texts
from klarify_xl.headless.references import boundaries, copied
from klarify_xl.headless.stylesheet import q
from klarify_xl.plan import Cell, Sheet, bare

_SAMPLE: Final = 100
"""Rows whose formulas are compared to tell whether a column is worked out in all its rows."""


@dataclass(slots=True)
class Line:
    """A data row to be written.

    Attributes:
        planned: Its row in the plan, from 0; None for one of a person's.
        identity: What it is about.
        old: The row that it was, or None if it is new.
        own: A person's cells in it, by column from 1.
    """

    planned: int | None
    identity: Identity
    old: OldRow | None = None
    own: dict[int, OwnCell] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """A person's cell whose row has gone.

    Attributes:
        row: What the row was about.
        column: Title of its column.
        cell: The cell.
    """

    row: str
    column: str
    cell: OwnCell


@dataclass
class Merged:
    """The rows of a refreshed sheet.

    Attributes:
        lines: From the top.
        vanished: Rows that stood there and are gone.
        order: Mark of the order, "" if it is a person's.
    """

    lines: list[Line]
    vanished: list[OldRow]
    order: str


def identities(sheet: Sheet, shown: Callable[[datetime], datetime]) -> list[Identity]:
    """Return what each planned row is about.

    Args:
        sheet: The sheet.
        shown: Gives a moment in the time zone in which it is shown.
    """
    names = [column.name for column in sheet.columns]
    columns = [
        identity_texts([row[place] for row in sheet.rows], shown)
        for place in map(names.index, sheet.identity)
    ]
    seen: dict[Identity, int] = {}
    found = []
    for texts in zip(*columns, strict=True):
        number = seen[texts] = seen.get(texts, 0) + 1
        found.append((*texts, str(number)))
    return found


def merge(
    planned: Sequence[Identity],
    old: OldSheet | None,
    mark: str,
    sort: Callable[[Line], Any] | None,
) -> Merged:
    """Bring planned rows and those that stand on a sheet together.

    Rows that stand in our own order go where the plan has them. If a person has put them in
    another order, they stay where they are, and new ones come after them. A table that is sorted
    by a column is sorted anew.

    Args:
        planned: What each planned row is about.
        old: What stands on the sheet, if anything does.
        mark: Mark of the order that was last written.
        sort: Gives a line's key, if the table is sorted by columns.
    """
    if old is None:
        lines = [Line(index, identity) for index, identity in enumerate(planned)]
        return Merged(lines, [], order_mark(planned))
    places = {identity: index for index, identity in enumerate(planned)}
    present: dict[Identity, OldRow] = {}
    nameless, vanished = [], []
    for row in old.rows:
        if row.is_nameless and row.identity not in places:
            nameless.append(row)
        elif row.identity in places:
            present[row.identity] = row
        else:
            vanished.append(row)
    standing = [row.identity for row in old.rows if not row.is_nameless]
    is_ours = list(present) == [
        identity for identity in planned if identity in present
    ] or mark == order_mark(standing)
    own_rows = [Line(None, row.identity, row, dict(row.own)) for row in nameless if row.own]
    if is_ours:
        lines = [Line(index, one, present.get(one)) for index, one in enumerate(planned)]
        lines += own_rows
    else:
        kept = {line.identity: line for line in own_rows}
        lines = [
            Line(places[row.identity], row.identity, row)
            if row.identity in present
            else kept[row.identity]
            for row in old.rows
            if row.identity in present or row.identity in kept
        ]
        lines += [Line(index, one) for index, one in enumerate(planned) if one not in present]
    for line in lines:
        if line.old is not None and line.old.own:
            line.own = dict(line.old.own)
    if sort is not None:
        lines.sort(key=sort)
    in_order = is_ours and sort is None
    return Merged(lines, vanished, order_mark(planned) if in_order else "")


def moves_of(
    name: str,
    region: Region,
    old: OldSheet,
    lines: Sequence[Line],
    ends: tuple[int, int],
    areas: Sequence[Neighbour],
) -> Moves:
    """Return how the cells of a sheet move when its table gets these rows.

    Args:
        name: Name of the sheet.
        region: Where the table was.
        old: What stood on the sheet.
        lines: Its rows now.
        ends: The table's last column now, and the last one whose cells moved with the old rows.
        areas: What can't be taken apart on the sheet.
    """
    right, reach = ends
    last = region.first + max(1, len(lines)) - 1
    new = Region(region.left, right, region.header, region.first, last, region.totals)
    rows = {
        line.old.number: number
        for number, line in enumerate(lines, start=region.first)
        if line.old is not None
    }
    first_column, last_column, under = columns_under(areas, region, reach)
    under += [
        number
        for number, cells in old.outside.items()
        if number > region.bottom and any(region.left <= column <= reach for column in cells)
    ]
    grown = new.bottom - region.bottom
    if grown <= 0 or not under or min(under) > new.bottom + 1:
        return Moves(name, region, new, rows, 0, reach)
    return Moves(name, region, new, rows, grown, reach, (first_column, last_column))


def follow_cells(lines: Sequence[Line], old: OldSheet, moves: Moves) -> None:
    """Let a person's formulas follow the cells that they are about.

    Args:
        lines: The rows of the table.
        old: What stood on the sheet.
        moves: How its cells move.
    """
    for number, line in enumerate(lines, start=moves.new.first):
        for column, cell in line.own.items() if line.old is not None else ():
            line.own[column] = _followed(cell, moves, number).moved_to(number)
    for cells in (*old.outside.values(), old.totals):
        for column, cell in cells.items():
            cells[column] = _followed(cell, moves)


def _followed(cell: OwnCell, moves: Moves, there: int = 0) -> OwnCell:
    if cell.formula is None:
        return cell
    formula = moves.formula(cell.formula, moves.sheet, cell.row if there else 0, there)
    attributes = tuple(
        (name, moves.formula(value, moves.sheet) if name in {"r1", "r2"} else value)
        for name, value in cell.formula_attributes
    )
    return replace(cell, formula=formula, formula_attributes=attributes)


def order_mark(found: Iterable[Identity]) -> str:
    """Return a short checksum of rows in their order."""
    digest = hashlib.sha256()
    for identity in found:
        # As JSON, without the time that it takes to prepare an encoder for each.
        digest.update(f"[{', '.join(map(encode_basestring_ascii, identity))}]".encode())
    return digest.hexdigest()[:16]


def archived(
    merged: Merged,
    kept: Callable[[OldRow, int], bool],
    titles: Mapping[int, str],
    formulas: Mapping[int, str],
) -> list[Note]:
    """Return the cells whose rows have gone, to be kept elsewhere.

    What is worked out in a whole column is not kept: a row that returns gets it like a new one.

    Args:
        merged: The sheet's rows now.
        kept: Tells whether a row's cell in a column is to be kept.
        titles: Titles of the columns of the sheet, from 1.
        formulas: A person's columns, from 1, with the formula that the table says is worked out in
            them, or "".
    """
    rows = [*merged.vanished, *(line.old for line in merged.lines if line.old is not None)]
    samples: dict[int, OwnCell | None] = {}
    for column, calculated in formulas.items() if merged.vanished else ():
        cells = [row.own[column] for row in rows if column in row.own]
        samples[column] = _common(cells, len(rows), calculated)
    return [
        Note(row_name(row.identity), titles.get(column, ""), cell)
        for row in merged.vanished
        for column, cell in sorted(row.own.items())
        if not cell.is_empty and kept(row, column) and not _is_worked_out(cell, samples.get(column))
    ]


def _is_worked_out(cell: OwnCell, sample: OwnCell | None) -> bool:
    """Tell whether a cell's formula is that of its column."""
    if cell.formula is None or sample is None or sample.formula is None:
        return False
    return sample.copied_to(cell.row, cell.column).formula == cell.formula


def row_name(identity: Identity) -> str:
    """Return what a row is about, in a line."""
    name = " | ".join(identity[:-1])
    return name if identity[-1] == "1" else f"{name} ({identity[-1]})"


def fill_down(lines: Sequence[Line], columns: Mapping[int, str], first_row: int) -> None:
    """Give new rows what a person's columns hold in all the others: formulas and formats.

    Args:
        lines: The rows, of which new ones are completed.
        columns: A person's columns, from 1, with the formula that the table says is worked out in
            them, or "".
        first_row: Row of the first line.
    """
    if all(line.old is not None for line in lines):
        return
    for column, calculated in columns.items():
        cells = [line.own[column] for line in lines if line.old and column in line.own]
        sample = _common(cells, sum(line.old is not None for line in lines), calculated)
        if sample is None:
            continue
        for row, line in enumerate(lines, start=first_row):
            if line.old is None and column not in line.own:
                # The second tells Excel's dynamic arrays from older ones (18.3.1.4).
                look = tuple(one for one in sample.attributes if one[0] in {"s", "cm"})
                line.own[column] = replace(
                    sample.copied_to(row, column), attributes=look, content="", text=""
                )


def _common(cells: Sequence[OwnCell], rows: int, calculated: str) -> OwnCell | None:
    """Return a cell that stands for those of all rows, or None if they have nothing in common."""
    with_formula = [cell for cell in cells if cell.formula is not None]
    if calculated and with_formula:
        typical = [cell for cell in with_formula if cell.formula == calculated]
        return (typical or with_formula)[0]
    if calculated:
        return OwnCell(1, 1, (), calculated, (), "", "")
    if with_formula and len(with_formula) == rows and _is_uniform(with_formula):
        return with_formula[0]
    styles = Counter(cell.style for cell in cells)
    if not styles:
        return None
    style, number = styles.most_common(1)[0]
    if not style or number * 2 <= rows:
        return None
    model = next(cell for cell in cells if cell.style == style)
    return replace(model, formula=None, formula_attributes=(), attributes=(("s", str(style)),))


def _is_uniform(cells: Sequence[OwnCell]) -> bool:
    """Tell whether formulas are the same but for the row that they stand in."""
    first = cells[0]
    step = max(1, len(cells) // _SAMPLE)
    return all(
        copied(first.formula or "", cell.row - first.row, cell.column - first.column)
        == cell.formula
        for cell in cells[::step]
    )


def sort_key(
    table: etree._Element, values: Callable[[Line, int], Cell | OwnCell]
) -> Callable[[Line], tuple[object, ...]] | None:
    """Return the key by which a table is sorted, or None if it isn't, or not by plain values.

    Args:
        table: The table's XML.
        values: Gives a line's value in a column of the sheet, from 1.
    """
    state = table.find(q("sortState"))
    if state is None or state.get("columnSort") in {"1", "true"}:
        return None
    keys = []
    for condition in state.findall(q("sortCondition")):
        if condition.get("sortBy", "value") != "value" or condition.get("customList"):
            return None
        column = boundaries(condition.get("ref", "A1"))[0]
        keys.append((int(column or 1), condition.get("descending") in {"1", "true"}))
    if not keys:
        return None
    return lambda line: tuple(
        _sortable(values(line, column), descending=descending) for column, descending in keys
    )


class _Descending:
    """A sort key that goes the other way."""

    def __init__(self, key: tuple[int, float, str]) -> None:
        self.key = key

    def __lt__(self, other: "_Descending") -> bool:
        return other.key < self.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _sortable(value: Cell | OwnCell, *, descending: bool) -> tuple[int, object]:
    """Return what Excel sorts by: numbers before texts, case aside; empty cells always last."""
    value = value.value if isinstance(value, OwnCell) else bare(value)
    if value is None or value == "":
        return (1, 0)
    if isinstance(value, datetime):
        value = value.timestamp()
    key = (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, value.casefold())
    return (0, _Descending(key) if descending else key)
