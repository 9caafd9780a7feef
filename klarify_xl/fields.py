"""The fields of a procedure by all the names that people call them, and their values for a cell."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from klarify_xl.language import LANGUAGES, Language
from klarify_xl.model import Procedure, parse_stamp, readable
from klarify_xl.text import folded
from klarify_xl.worksheet_values import CellError, ExcelError, Result, shown, shown_moment

FIELD_TITLES: Final = {
    "id": "ID",
    "name": "Name",
    "status": "Status",
    "owner": "Owner",
    "performer": "Performer",
    "updated_at": "Updated",
    "lanes": "Lanes",
    "called_within": "Called within",
    "called_from": "Called from",
    "url": "Link",
    "remarks": "Remarks",
}
"""Each field's title in the workbook, by its name in the API; remarks are ours."""

_ZONE: Final = re.compile(r"(.*?)\s*\(([^()]+)\)\s*", re.DOTALL)
_GAP: Final = re.compile(r"[\s_-]+")


class Field(NamedTuple):
    """A field, and for `updated_at` the time zone to show it in.

    Attributes:
        name: Name in the API, or ``remarks``.
        zone: Time zone of moments.
    """

    name: str
    zone: tzinfo = UTC


def find_field(text: str, extra: Collection[str] = ()) -> Field:
    """Return the field that a name or title means.

    Known are the API's names and the workbook's titles in every language; case, accents and the
    choice of space, hyphen or underscore don't matter. "Updated (Europe/Berlin)", the title of
    a workbook with another time zone, gives moments in that one.

    Args:
        text: What somebody calls the field.
        extra: Fields that the documentation does not know, which go by their exact names.

    Raises:
        CellError: There is no such field.
    """
    if text in extra:
        return Field(text)
    return _documented(text)


@lru_cache(maxsize=10_000)
def _documented(text: str) -> Field:
    names = _names()
    if _comparable(text) in names:
        return Field(names[_comparable(text)])
    with_zone = _ZONE.fullmatch(text)
    if with_zone and names.get(_comparable(with_zone[1])) == "updated_at":
        return Field("updated_at", _time_zone(with_zone[2]))
    raise CellError(ExcelError.VALUE)


@cache
def _names() -> dict[str, str]:
    """Return the fields by all of their names, made comparable."""
    names = {_comparable(name): name for name in FIELD_TITLES}
    for code in LANGUAGES:
        say = Language(code)
        names |= {_comparable(say(title)): name for name, title in FIELD_TITLES.items()}
    return names


def _comparable(text: str) -> str:
    return _GAP.sub(" ", folded(text)).strip()


def _time_zone(name: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CellError(ExcelError.VALUE) from None


def value_of(procedure: Procedure, field: Field) -> Result:
    """Return a field's value for a cell; "" where there is none."""
    name = field.name
    if name == "updated_at":
        return _local(procedure.updated_at, field.zone)
    if name not in FIELD_TITLES:
        return shown(readable(dict(procedure.extra).get(name)))
    value = getattr(procedure, name)
    return shown(value if isinstance(value, str) else "; ".join(value))


def value_then(value: str | None, field: Field) -> Result:
    """Return a field's value of the history, a JSON text, for a cell."""
    text = readable(value)
    return _local(parse_stamp(text), field.zone) if field.name == "updated_at" else shown(text)


def _local(moment: datetime | None, zone: tzinfo) -> Result:
    try:
        return shown_moment(moment.astimezone(zone) if moment else None)
    except OverflowError:
        # The calendar ends there.
        return shown_moment(moment)
