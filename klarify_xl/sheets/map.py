"""The picture of the network around the most connected procedures, and the same in words."""

import textwrap
import unicodedata
from collections.abc import Mapping
from math import ceil
from typing import Final

from klarify_xl.model import Procedure
from klarify_xl.plan import Board, Cell, Connector, Link, Look, Place, Shape, Tone
from klarify_xl.sheets.inventory import PROCEDURES, STATUS_HIGHLIGHTS, Inventory
from klarify_xl.sheets.layout import Spot, lay_out
from klarify_xl.sheets.network import (
    Network,
    find_procedure,
    most_connected,
    network_of,
    surroundings,
)
from klarify_xl.text import safe_text

MAP: Final = "Map"

_MOST_BOXES: Final = 36
_COLUMNS: Final = 6
_ROWS: Final = 8
_DEPTH: Final = 2

# In pixels. A whole picture fits on a landscape page of A4 with letters of 7 points.
_BOX_WIDTH: Final = 176
_BOX_HEIGHT: Final = 58
_COLUMN_STEP: Final = 272
_ROW_STEP: Final = 84
_MARGIN: Final = 20

_TITLE_HEIGHT: Final = 28.5
_NOTE_HEIGHT: Final = 30.0
_LINE_HEIGHT: Final = 15.0
_PIXELS_PER_POINT: Final = 96 / 72

_LINES: Final = 2
_CELL_LINES: Final = 3
_LETTERS: Final = 25
_CAPITALS: Final = 18
_WIDE_LETTERS: Final = 12
"""Letters on a line of a box: usual ones, capitals, and those of Chinese and the like."""

_MOST_LETTERS: Final = 250
"""Letters of a name in what is read to people who don't see the picture."""

_WIDTHS: Final = (76.0, 76.0, 46.0)
_TONES: Final[dict[str, Tone]] = {one.text: one.tone for one in STATUS_HIGHLIGHTS}


def map_board(inventory: Inventory, centre: str | None = None) -> Board:
    """Return the sheet with a picture of who calls whom.

    Without a centre it shows the most connected procedures that hang together; with one, that
    procedure with its callers and those it calls, and theirs. Arrows lead from the caller to the
    called; only relationships whose name one procedure holds are drawn.

    Args:
        inventory: What to show.
        centre: The id or the name of the procedure in the middle.

    Raises:
        ConfigurationError: No procedure, or more than one, is meant by `centre`.
    """
    # A part of an organisation refers to others, too, which are not its own to draw.
    network = network_of(
        one
        for one in inventory.relationships
        if all(target.id in inventory.rows for target in one.targets)
    )
    ids = [one.id for one in inventory.procedures]
    middle = find_procedure(inventory.procedures, centre) if centre is not None else None
    columns: list[int] | None = None
    if middle:
        near = surroundings(network, ids, middle.id, depth=_DEPTH, most=_ROWS)
        chosen, columns = list(near), list(near.values())
    else:
        chosen = most_connected(network, ids, _MOST_BOXES)
    numbers = {procedure_id: number for number, procedure_id in enumerate(chosen)}
    arrows = [
        (numbers[caller], numbers[called])
        for caller, called in network.kinds
        if caller in numbers and called in numbers and caller != called
    ]
    spots = lay_out(len(chosen), arrows, columns=_COLUMNS, rows=_ROWS, fixed=columns)
    return _Picture(inventory, network, middle, dict(zip(chosen, spots, strict=True))).board()


class _Picture:
    """Draws procedures whose places are known, and tells the same in cells."""

    def __init__(
        self,
        inventory: Inventory,
        network: Network,
        middle: Procedure | None,
        spots: Mapping[str, Spot],
    ) -> None:
        self._inventory = inventory
        self._network = network
        self._middle = middle
        # Who reads box by box goes down the columns, from the left.
        self._spots = dict(sorted(spots.items(), key=lambda item: (item[1].column, item[1].row)))
        by_id = {one.id: one for one in inventory.procedures}
        self._shown = {procedure_id: by_id[procedure_id] for procedure_id in self._spots}
        numbers = {procedure_id: number for number, procedure_id in enumerate(self._shown)}
        self._calls = sorted(
            (call for call in network.kinds if call[0] in numbers and call[1] in numbers),
            key=lambda call: (numbers[call[0]], numbers[call[1]]),
        )

    def board(self) -> Board:
        """Return the sheet."""
        say = self._inventory.say
        texts: list[tuple[Cell, Look, float]] = [
            (self._title(), "title", _TITLE_HEIGHT),
            *((text, "note", _NOTE_HEIGHT) for text in self._notes()),
        ]
        top = round(_PIXELS_PER_POINT * sum(height for _text, _look, height in texts)) + _MARGIN
        bottom = max((spot.row + 1 for spot in self._spots.values()), default=0) * _ROW_STEP + top
        picture_rows = ceil((bottom - top + _MARGIN) / (_LINE_HEIGHT * _PIXELS_PER_POINT))
        first = len(texts) + picture_rows if self._spots else len(texts)
        cells: dict[tuple[int, int], tuple[Cell, Look]] = {
            (row, 0): (text, look) for row, (text, look, _height) in enumerate(texts)
        }
        cells |= self._words(first)
        heights = {row: height for row, (_text, _look, height) in enumerate(texts)}
        # Said although usual, since the picture doesn't move with the rows below it.
        heights |= dict.fromkeys(range(len(texts), first), _LINE_HEIGHT)
        return Board(
            name=say("Map"),
            key=MAP,
            widths=_WIDTHS,
            cells=cells,
            heights=heights,
            shapes=tuple(self._box(one, top) for one in self._shown.values()),
            connectors=tuple(self._arrow(*call) for call in self._calls if call[0] != call[1]),
            description=say("A picture of which procedures call which, and the same in words."),
        )

    def _title(self) -> str:
        if self._middle is None:
            return self._inventory.say("Map of the most connected procedures")
        title = self._inventory.say("Map of the procedures around {name}")
        return title.format(name=_name(self._middle))

    def _notes(self) -> list[str]:
        """Return what is shown, what is left out, and how to read it."""
        say = self._inventory.say
        if not self._spots:
            return [
                say(
                    "There is nothing to draw: no procedure calls another one, as far as names "
                    "tell it without doubt."
                )
            ]
        if self._middle:
            rule = say(
                "Shown are the procedure's callers (to its left) and those it calls (to its "
                "right), and theirs in turn: of each the {rows} most connected."
            ).format(rows=_ROWS)
        else:
            rule = say(
                "Shown are the most connected procedure and then, always, the most connected one "
                "of those related to one shown, up to {boxes}."
            ).format(boxes=_MOST_BOXES)
        left_out = say(
            "Boxes: {boxes}; {others} other procedures call or are called and are left out. "
            "References that match no procedure or several are not drawn; see Relationships."
        ).format(boxes=len(self._spots), others=len(self._network.connected() - self._spots.keys()))
        legend = say(
            "An arrow leads from the caller to the called. Solid: called within. Dashed: called "
            "from. The colour of a box is that of the status which stands in it."
        )
        return [rule, left_out, legend]

    def _box(self, one: Procedure, top: int) -> Shape:
        say = self._inventory.say
        status = _line(one.status) or say("no status")
        calls_itself = (one.id, one.id) in self._network.kinds
        state = f"{status}, {say('calls itself')}" if calls_itself else status
        spot = self._spots[one.id]
        return Shape(
            text=f"{_shortened(_name(one), _LINES)}\n{_shortened(state, 1)}",
            description=f"{_name(one)}; {state}; {_line(one.id)}",
            x=_MARGIN + spot.column * _COLUMN_STEP,
            y=top + spot.row * _ROW_STEP,
            width=_BOX_WIDTH,
            height=_BOX_HEIGHT,
            tone=_TONES.get(one.status),
            target=self._place(one),
            strong=one is self._middle,
        )

    def _place(self, one: Procedure) -> Place | None:
        link = self._inventory.link(one.id)
        return link.target if isinstance(link, Link) and isinstance(link.target, Place) else None

    def _arrow(self, caller: str, called: str) -> Connector:
        say = self._inventory.say
        kinds = self._network.kinds[caller, called]
        numbers = list(self._shown)
        told = say("{caller} calls {called} ({kind})").format(
            caller=_name(self._shown[caller]),
            called=_name(self._shown[called]),
            kind=self._kind(caller, called),
        )
        return Connector(
            numbers.index(caller), numbers.index(called), told, dashed="called within" not in kinds
        )

    def _kind(self, caller: str, called: str) -> str:
        say = self._inventory.say
        kinds = self._network.kinds[caller, called]
        words = {"called within": say("called within"), "called from": say("called from")}
        return "; ".join(word for kind, word in words.items() if kind in kinds)

    def _words(self, first: int) -> dict[tuple[int, int], tuple[Cell, Look]]:
        """Return the arrows as rows of cells, from a row on."""
        say = self._inventory.say
        if not self._calls:
            return {}
        rows: list[tuple[tuple[Cell, ...], Look]] = [
            ((say("From"), say("Calls"), say("Kind")), "heading")
        ]
        rows += [
            ((self._named(caller), self._named(called), self._kind(caller, called)), "label")
            for caller, called in self._calls
        ]
        return {
            (first + number, column): (cell, look)
            for number, (cells, look) in enumerate(rows)
            for column, cell in enumerate(cells)
        }

    def _named(self, procedure_id: str) -> Cell:
        one = self._shown[procedure_id]
        status = _shortened(_line(one.status) or self._inventory.say("no status"), 1)
        name = _shortened(_name(one), _CELL_LINES)
        row = self._inventory.rows.get(one.id)
        return self._inventory.link_to(f"{name} ({status})", PROCEDURES, row)


def _line(text: str) -> str:
    """Return a text as a cell can hold it, on one line, cut if it is very long."""
    line = " ".join(safe_text(text).text.split())
    return line if len(line) <= _MOST_LETTERS else f"{line[:_MOST_LETTERS]}…"


def _name(one: Procedure) -> str:
    return _line(one.name) or _line(one.id)


def _shortened(text: str, lines: int) -> str:
    """Return a text that takes at most so many lines of a box, with an ellipsis if it is cut."""
    if any(unicodedata.east_asian_width(letter) in "WF" for letter in text):
        letters = _WIDE_LETTERS
    else:
        is_loud = sum(map(str.isupper, text)) > len(text) / 2
        letters = _CAPITALS if is_loud else _LETTERS
    fitting, room = text, lines * letters
    while len(fitting) > lines * letters or len(textwrap.wrap(fitting, letters)) > lines:
        room -= 1
        fitting = f"{text[:room].rstrip()}…"
    return fitting
