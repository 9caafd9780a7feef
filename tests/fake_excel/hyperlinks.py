"""Hyperlinks of sheets, ranges and shapes.

Sources: Microsoft Learn, «Hyperlinks.Add method (Excel)»; Microsoft Support, «Excel
specifications and limits» (65,530 hyperlinks in a worksheet, 2,079 characters in an address taken
by Excel's dialog). That a cell gets the style Hyperlink, and Normal when its link is deleted, is
what Excel does; the worst of it is assumed: all formats of the cell are gone then.
"""

from typing import Any, Final

from .areas import Rect
from .com import MISSING, Collection, ComObject, method, prop
from .entry import entered, shown
from .errors import gone, refused, wrong_type
from .grammar import checked
from .model import Link, SheetModel
from .styles import style_of

LINKS_PER_SHEET: Final = 65_530
ADDRESS_LENGTH: Final = 2_079


class Hyperlink(ComObject):
    """A hyperlink."""

    _default = "Name"

    def __init__(self, core: Any, sheet: SheetModel, link: Link) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._link = link

    @property
    def _path(self) -> str:
        rect = self._link.rect
        where = rect.address(rows=False, columns=False) if rect else self._link.shape
        return f"Worksheets({self._sheet.name!r}).Range({where!r}).Hyperlinks(1)"

    def _cells(self) -> Any:
        if self._link.rect is None:
            raise gone()
        return self._make("Range", self._sheet, self._link.rect)

    @prop
    def Address(self) -> str:
        return self._link.address

    def _set_Address(self, value: Any) -> None:
        self._sheet.writable()
        self._link.address = str(value or "")

    @prop
    def SubAddress(self) -> str:
        return self._link.sub_address

    def _set_SubAddress(self, value: Any) -> None:
        self._sheet.writable()
        self._link.sub_address = str(value or "")

    @prop
    def ScreenTip(self) -> str:
        return self._link.tip

    def _set_ScreenTip(self, value: Any) -> None:
        self._sheet.writable()
        self._link.tip = checked_tip(value)

    @prop
    def TextToDisplay(self) -> str:
        rect = self._link.rect
        cell = self._sheet.cells.get((rect.top, rect.left)) if rect else None
        return shown(cell.value) if cell else ""

    def _set_TextToDisplay(self, value: Any) -> None:
        show_text(self._core, self._sheet, self._link, value)

    @prop
    def Range(self) -> Any:
        return self._cells()

    @prop
    def Type(self) -> int:
        return 0 if self._link.rect else 1

    @prop
    def Name(self) -> str:
        return self._link.address or self._link.sub_address

    @method
    def Follow(self, *_options: Any) -> None:
        self._sheet.book.followed.append((self._link.address, self._link.sub_address))

    @method
    def Delete(self) -> None:
        self._sheet.writable()
        delete(self._sheet, self._link)


def delete(sheet: SheetModel, link: Link) -> None:
    """Remove a link, and give its cells the style Normal."""
    if link.rect is None:
        for shape in sheet.shapes:
            if shape.link is link:
                shape.link = None
        return
    sheet.links.pop((link.rect.top, link.rect.left), None)
    normal = sheet.book.styles["normal"]
    for place in link.rect.cells():
        cell = sheet.cell(*place)
        cell.format = normal.applied(cell.format)


def show_text(core: Any, sheet: SheetModel, link: Link, value: Any) -> None:
    """Enter the text that a link's cells show."""
    if link.rect is None:
        return
    cell = sheet.cell(link.rect.top, link.rect.left)
    entry = entered(
        str(value),
        cell.format.number_format,
        lambda text: checked(text, sheet, link.rect.top, link.rect.left) if link.rect else text,
    )
    cell.formula, cell.prefix = entry.formula, entry.prefix
    cell.value = core.calculate(entry.formula, sheet) if entry.formula else entry.value


def checked_tip(value: Any) -> str:
    """Return a screen tip, of at most 255 characters."""
    text = str(value or "")
    if len(text) > 255:
        raise refused()
    return text


class Hyperlinks(Collection):
    """The hyperlinks of a sheet, or of a range's cells."""

    def __init__(self, core: Any, sheet: SheetModel, areas: tuple[Rect, ...] | None) -> None:
        super().__init__(core)
        self._sheet = sheet
        self._within = areas

    @property
    def _path(self) -> str:
        path = f"Worksheets({self._sheet.name!r})"
        if self._within:
            where = ",".join(one.address(rows=False, columns=False) for one in self._within)
            path += f".Range({where!r})"
        return f"{path}.Hyperlinks"

    def _links(self) -> list[Link]:
        links = self._sheet.links
        if self._within is None:
            return [*links.values(), *(one.link for one in self._sheet.shapes if one.link)]
        if len(self._within) == 1 and self._within[0].area == 1:
            rect = self._within[0]
            if found := links.get((rect.top, rect.left)):
                return [found]
            return [
                one
                for one in links.values()
                if one.rect and one.rect.area > 1 and one.rect.meets(rect)
            ]
        return [
            one
            for one in links.values()
            if one.rect and any(one.rect.meets(area) for area in self._within)
        ]

    def _all(self) -> list[Any]:
        return [Hyperlink(self._core, self._sheet, one) for one in self._links()]

    def _name_of(self, one: Any) -> str:
        return str(one._link.address or one._link.sub_address)

    @prop
    def Count(self) -> int:
        return len(self._links())

    @method
    def Add(
        self,
        Anchor: Any,
        Address: Any,
        SubAddress: Any = MISSING,
        ScreenTip: Any = MISSING,
        TextToDisplay: Any = MISSING,
    ) -> Any:
        if not isinstance(Address, str):
            raise wrong_type(2)
        sheet: SheetModel = Anchor._sheet
        sheet.writable()
        sheet.book.saved = False
        if len(Address) > ADDRESS_LENGTH:
            raise refused()
        link = Link(None, Address, str(SubAddress or ""), checked_tip(ScreenTip))
        if hasattr(Anchor, "_shape"):
            link.shape = Anchor._shape.name
            Anchor._shape.link = link
            return Hyperlink(self._core, sheet, link)
        link.rect = Anchor._rect
        place = (link.rect.top, link.rect.left)
        if place not in sheet.links and len(sheet.links) >= LINKS_PER_SHEET:
            raise refused()
        sheet.links[place] = link
        style = style_of(sheet.book, "Hyperlink")
        for one in link.rect.cells():
            cell = sheet.cell(*one)
            cell.format = style.applied(cell.format)
        if TextToDisplay is not None:
            show_text(self._core, sheet, link, TextToDisplay)
        elif sheet.cell(*place).is_empty:
            sheet.cell(*place).value = Address or link.sub_address
        return Hyperlink(self._core, sheet, link)

    @method
    def Delete(self) -> None:
        self._sheet.writable()
        for one in self._links():
            delete(self._sheet, one)
