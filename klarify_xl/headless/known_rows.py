"""Rows of our tables that hold nothing of a person's: nearly all, so they are read at a glance."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from klarify_xl.headless.cells import CellReader
from klarify_xl.headless.scanning import Cell, PlainCell, PlainRow, Row, column_number

_KEPT_HEIGHT: Final = "customHeight"
_SPECIAL: Final = (b"&", b"_", b"\r")
"""What does not read as it is written."""


class KnownRows:
    """Reads rows of a table whose cells are all in its planned columns and in our formats.

    If such a row is still planned, all that is to be known of it is what it is about, and what its
    element says.

    Args:
        columns: The planned columns, by number from 1.
        identity: Columns that tell what a row is about, in order.
        reader: Reads cells.
        is_our_format: Tells whether a format is ours, without a person's touch.
    """

    def __init__(
        self,
        columns: Collection[int],
        identity: Sequence[int],
        reader: CellReader,
        is_our_format: Callable[[int], bool],
    ) -> None:
        self._columns = columns
        self._identity = identity
        self._reader = reader
        self.is_our_format = is_our_format
        # Nearly all rows have their cells in the same columns and formats.
        self._numbers: dict[tuple[tuple[bytes, ...], ...], Sequence[int]] = {}
        self._places: dict[Sequence[int], Sequence[int] | None] = {}
        self._attributes: dict[bytes, Mapping[str, str]] = {}

    def columns(self, row: PlainRow) -> Sequence[int]:
        """Return the columns of a row's cells, from 1; none unless all are in formats of ours."""
        _elements, letters, styles, *_others = zip(*row.found, strict=True)
        try:
            return self._numbers[letters, styles]
        except KeyError:
            is_ours = all(self.is_our_format(int(style or b"0")) for style in styles)
            numbers = tuple(map(column_number, letters)) if is_ours else ()
            self._numbers[letters, styles] = numbers
            return numbers

    def refuse_missing_texts(self, row: PlainRow) -> None:
        """Refuse a row with a text that the file lacks: damage is told wherever it is.

        Raises:
            TargetError: There is one.
        """
        for _element, _letters, _style, kind, value, _inline in row.found:
            if kind == b"s" and value.isdigit():
                self._reader.shared_text(int(value))

    def texts(self, row: PlainRow) -> tuple[str, ...] | None:
        """Return what tells what a row is about, or None for a row that is to be read in full."""
        numbers = self.columns(row)
        try:
            places = self._places[numbers]
        except KeyError:
            places = self._places[numbers] = self._found(numbers)
        if places is None:
            return None
        return tuple(["" if at < 0 else self._text(row.found[at]) for at in places])

    def _found(self, numbers: Sequence[int]) -> Sequence[int] | None:
        """Return which cells of a row tell what it is about, -1 for those that are missing."""
        if not numbers or not set(numbers) <= set(self._columns):
            return None
        # Of cells that a damaged file holds twice, the last counts.
        places = {number: place for place, number in enumerate(numbers)}
        return [places.get(column, -1) for column in self._identity]

    def _text(self, found: tuple[bytes, ...]) -> str:
        """Return what a cell tells of what its row is about."""
        _element, _letters, _style, kind, value, inline = found
        if kind == b"s" and value.isdigit():
            return self._reader.shared_text(int(value)).strip()
        if kind == b"inlineStr" and not any(special in inline for special in _SPECIAL):
            return inline.decode().strip()
        return identity_text(PlainCell._make(found), self._reader)

    def attributes(self, row: PlainRow) -> Mapping[str, str]:
        """Return what a row's element says that is a person's choice."""
        try:
            return self._attributes[row.said]
        except KeyError:
            found = self._attributes[row.said] = kept_attributes(row)
            return found


def kept_attributes(row: Row) -> dict[str, str]:
    """Return what a row's element says that is a person's choice."""
    attributes = {str(name): str(value) for name, value in row.attrib.items()}
    for name in ("r", "spans"):
        attributes.pop(name, None)
    if attributes.get(_KEPT_HEIGHT) not in {"1", "true"}:
        for name in ("ht", _KEPT_HEIGHT):
            attributes.pop(name, None)
    # Attributes of extensions, such as the descent of letters, are worked out anew by Excel.
    return {name: value for name, value in attributes.items() if name[0] != "{" and ":" not in name}


def identity_text(cell: Cell | None, reader: CellReader) -> str:
    """Return what a cell tells of what its row is about."""
    if cell is None:
        return ""
    text = reader.text(cell)
    if cell.get("t", "n") in {"n", "d"} and text:
        try:
            return f"{float(text):.5f}"
        except ValueError:
            return text
    return text.strip()
