"""Fonts, fills and borders of ranges and styles."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from .com import ComObject, lookup, prop
from .errors import refused, wrong_type
from .formats import (
    XL_AUTOMATIC,
    XL_NONE,
    XL_SOLID,
    XL_UNDERLINE_SINGLE,
    Edge,
    Format,
)


def colour(value: Any) -> int:
    """Return a colour as BGR, or raise."""
    number = int(value)
    if not 0 <= number <= 0xFFFFFF:
        raise refused("Unable to set the Color property")
    return number


class Look(ComObject):
    """A part of how a range or style looks.

    Args:
        core: What all objects share.
        target: The range or style.
        name: Which part it is.
    """

    def __init__(self, core: Any, target: Any, name: str = "") -> None:
        super().__init__(core)
        self._target = target
        self._part_name = name or type(self).__name__

    @property
    def _path(self) -> str:
        return f"{self._target._path}.{self._part_name}"


class Font(Look):
    """A font."""

    @prop
    def ColorIndex(self) -> int | None:
        black = self._target._same(lambda one: one.font_color == 0)
        return XL_AUTOMATIC if black else None

    def _set_ColorIndex(self, value: Any) -> None:
        if int(value) != XL_AUTOMATIC:
            raise NotImplementedError("the fake Excel does not model palettes of colours")
        self._target._reformat(lambda one: replace(one, font_color=0))


class Interior(Look):
    """A fill."""

    @prop
    def Color(self) -> int | None:
        found: int | None = self._target._same(
            lambda one: 0xFFFFFF if one.fill is None else one.fill
        )
        return found

    def _set_Color(self, value: Any) -> None:
        wanted = colour(value)
        self._target._reformat(lambda one: replace(one, fill=wanted, pattern=XL_SOLID))

    @prop
    def Pattern(self) -> int | None:
        found: int | None = self._target._same(lambda one: one.pattern)
        return found

    def _set_Pattern(self, value: Any) -> None:
        wanted = int(value)
        self._target._reformat(
            lambda one: replace(
                one,
                pattern=wanted,
                fill=None if wanted in {XL_NONE, XL_AUTOMATIC} else one.fill,
            )
        )

    @prop
    def ColorIndex(self) -> int | None:
        empty = self._target._same(lambda one: one.fill is None)
        return XL_NONE if empty else None

    def _set_ColorIndex(self, value: Any) -> None:
        if int(value) not in {XL_NONE, XL_AUTOMATIC}:
            raise NotImplementedError("the fake Excel does not model palettes of colours")
        self._target._reformat(lambda one: replace(one, fill=None, pattern=XL_NONE))


OUTER = (7, 8, 9, 10)
INNER_VERTICAL, INNER_HORIZONTAL = 11, 12
STYLE_EDGES = {-4131: 7, -4160: 8, -4107: 9, -4152: 10}
"""XlConstants that styles take for their edges: xlLeft, xlTop, xlBottom, xlRight."""


class Border(Look):
    """A line at an edge, or between cells.

    Args:
        core: What all objects share.
        target: The range or style.
        edges: XlBordersIndex of the edges.
        name: What it is called in the record.
    """

    def __init__(self, core: Any, target: Any, edges: tuple[int, ...], name: str) -> None:
        super().__init__(core, target, name)
        self._edges = edges

    def _change(self, **changes: Any) -> None:
        for index in self._edges:
            for part, edges in self._target._edge_cells(index, whole=len(self._edges) > 1):
                part._reformat(partial(_with_edges, edges=edges, changes=changes))

    def _common(self, field: str) -> Any:
        found = {
            value
            for index in self._edges
            for part, edges in self._target._edge_cells(index, whole=len(self._edges) > 1)
            for edge in edges
            for value in (part._same(partial(_of_edge, edge=edge, field=field)),)
        }
        return found.pop() if len(found) == 1 else None

    @prop
    def LineStyle(self) -> Any:
        return self._common("line")

    def _set_LineStyle(self, value: Any) -> None:
        self._change(line=int(value))

    @prop
    def Weight(self) -> Any:
        return self._common("weight")

    def _set_Weight(self, value: Any) -> None:
        self._change(weight=int(value), line=1)

    @prop
    def Color(self) -> Any:
        return self._common("color")

    def _set_Color(self, value: Any) -> None:
        edge = Edge()
        self._change(
            color=colour(value), **({"line": 1} if self._common("line") == edge.line else {})
        )


def _of_edge(looks: Format, edge: int, field: str) -> Any:
    return getattr(looks.edge(edge), field)


def _with_edges(looks: Format, edges: tuple[int, ...], changes: dict[str, Any]) -> Format:
    for edge in edges:
        looks = looks.with_edge(edge, **changes)
    return looks


class Borders(Border):
    """All edges at once, or one of them by XlBordersIndex."""

    def __init__(self, core: Any, target: Any) -> None:
        super().__init__(core, target, OUTER, "Borders")

    @lookup
    def Item(self, Index: Any) -> Any:
        index = STYLE_EDGES.get(int(Index), int(Index))
        if not 5 <= index <= 12:
            raise refused("Unable to get the Item property of the Borders class")
        return Border(self._core, self._target, (index,), f"Borders({int(Index)})")

    @prop
    def Count(self) -> int:
        return 6

    def __iter__(self) -> Iterator[Any]:
        return (self.Item(index) for index in (*OUTER, INNER_VERTICAL, INNER_HORIZONTAL))


class FormatMembers(ComObject):
    """What ranges and styles have in common: they give `_same` and `_reformat`."""

    def _same(self, pick: Callable[[Format], Any]) -> Any:
        raise NotImplementedError

    def _reformat(self, change: Callable[[Format], Format]) -> None:
        raise NotImplementedError

    @property
    def _target(self) -> Any:
        return self

    def _edge_cells(self, index: int, *, whole: bool) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield what has a line at an edge, and at which edges of its cells.

        Args:
            index: XlBordersIndex.
            whole: Whether the lines of all cells are meant, not those round all together.
        """
        _ = whole
        yield self, (index,)

    @prop
    def Font(self) -> Any:
        return Font(self._core, self)

    @prop
    def Interior(self) -> Any:
        return Interior(self._core, self)

    @prop
    def Borders(self) -> Any:
        return Borders(self._core, self)

    @prop
    def NumberFormat(self) -> Any:
        return self._same(lambda one: one.number_format)

    def _set_NumberFormat(self, value: Any) -> None:
        text = str(value)
        if not text or len(text) > 255 or text.count('"') % 2 or text.count(";") > 3:
            raise refused("Unable to set the NumberFormat property")
        self._reformat(lambda one: replace(one, number_format=text))

    @prop
    def IndentLevel(self) -> Any:
        return self._same(lambda one: one.indent)

    def _set_IndentLevel(self, value: Any) -> None:
        if not 0 <= int(value) <= 15:
            raise refused("Unable to set the IndentLevel property")
        self._reformat(lambda one: replace(one, indent=int(value)))


def underline(value: Any) -> int:
    """Return XlUnderlineStyle; True is a single line."""
    if isinstance(value, bool):
        return XL_UNDERLINE_SINGLE if value else XL_NONE
    return int(value)


def _looks_like(owner: type[ComObject], name: str, field: str, kind: Callable[[Any], Any]) -> None:
    """Give a class a property for a field of the format."""

    def getter(self: Any) -> Any:
        return self._target._same(lambda one: getattr(one, field))

    def setter(self: Any, value: Any) -> None:
        try:
            wanted = kind(value)
        except (TypeError, ValueError):
            raise wrong_type() from None
        self._target._reformat(lambda one: replace(one, **{field: wanted}))

    owner._add_property(name, getter, setter)


for _owner, _name, _field, _kind in (
    (Font, "Name", "font_name", str),
    (Font, "Size", "font_size", float),
    (Font, "Bold", "bold", bool),
    (Font, "Italic", "italic", bool),
    (Font, "Strikethrough", "strikethrough", bool),
    (Font, "Color", "font_color", colour),
    (Font, "Underline", "underline", underline),
    (FormatMembers, "HorizontalAlignment", "horizontal", int),
    (FormatMembers, "VerticalAlignment", "vertical", int),
    (FormatMembers, "WrapText", "wrap", bool),
    (FormatMembers, "Orientation", "orientation", int),
    (FormatMembers, "ShrinkToFit", "shrink", bool),
    (FormatMembers, "Locked", "locked", bool),
    (FormatMembers, "FormulaHidden", "formula_hidden", bool),
):
    _looks_like(_owner, _name, _field, _kind)
