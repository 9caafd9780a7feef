"""What Excel makes of something that is entered in a cell, in the United States' settings.

Sources: Microsoft Learn, «Range.Value property (Excel)» and «Range.Formula property (Excel)» (a
string is entered as if typed); Microsoft Support, «Stop automatically changing numbers to dates»
and «Format numbers as text» (cells with the format Text keep what is entered as it is, numbers,
too: KB 141765); «Excel specifications and limits» (32,767 characters in a cell, numbers of 15
digits). That a formula may begin with +, - or @ comes from «Overview of formulas in Excel».
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from .errors import refused, wrong_type
from .formats import GENERAL
from .model import ERRORS, CellError, Scalar

TEXT: Final = "@"
CELL_TEXT: Final = 32_767
ARRAY_TEXT: Final = 8_203
"""Characters that older versions take in one string of an assigned array."""
EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 -- serial numbers know no zone
CURRENCY: Final = "$#,##0.00"


class Entered(NamedTuple):
    """What a cell gets: a value or a formula, an apostrophe, and a number format if any."""

    value: Scalar = None
    formula: str = ""
    prefix: str = ""
    number_format: str = ""


_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH: Final = "|".join(f"{name[:3]}(?:{name[3:]})?" if name[3:] else name for name in _MONTHS)
_SPECIAL = re.compile(rf"[\s'=+\-@#$(.0-9]|(?:true|false)$|(?:{_MONTH})[ \-/.,]", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?P<open>\()?(?P<sign>[+-])?(?P<dollar>\$)?(?P<sign2>[+-])?"
    r"(?P<digits>[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)?(?P<part>\.[0-9]*)?"
    r"(?P<power>[eE][+-]?[0-9]+)?(?P<percent>\s?%)?(?P<close>\))?"
)
_FRACTION = re.compile(r"(-?)([0-9]+) ([0-9]{1,5})/([0-9]{1,5})")
_TIME = re.compile(
    r"([0-9]{1,4}):([0-9]{1,2})(?::([0-9]{1,2}(?:\.[0-9]+)?))?(?:\s*([ap])m?)?", re.IGNORECASE
)
_HOUR = re.compile(r"([0-9]{1,2})\s+([ap])m?", re.IGNORECASE)
_YEAR: Final = "(?P<y>[0-9]{4})"
_ANY_YEAR: Final = "(?P<y>[0-9]{4}|[0-9]{2})"
_DAY: Final = "(?P<d>[0-9]{1,2})"
_NUMBERED: Final = "(?P<m>[0-9]{1,2})"
_NAMED: Final = rf"(?P<n>{_MONTH})\.?"
_DATES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), number_format)
    for pattern, number_format in (
        (rf"{_YEAR}[-/]{_NUMBERED}[-/]{_DAY}", "m/d/yyyy"),
        (rf"{_NUMBERED}[-/]{_DAY}[-/]{_ANY_YEAR}", "m/d/yyyy"),
        (rf"{_NUMBERED}[-/]{_DAY}", "d-mmm"),
        (rf"{_NUMBERED}[-/]{_YEAR}", "mmm-yy"),
        (rf"{_DAY}[- ]{_NAMED}[- ,]+{_ANY_YEAR}", "d-mmm-yy"),
        (rf"{_NAMED}[- ]{_DAY},?[- ]+{_YEAR}", "d-mmm-yy"),
        (rf"{_DAY}[- ]?{_NAMED}", "d-mmm"),
        (rf"{_NAMED}[- ]{_DAY}", "d-mmm"),
        (rf"{_NAMED}[- ,]+{_YEAR}", "mmm-yy"),
    )
)
"""Dates as they are typed, and the number formats that they get."""


def serial(moment: datetime) -> float:
    """Return a moment, without its zone, as the number of days since Excel's day 0."""
    return (moment.replace(tzinfo=None) - EPOCH) / timedelta(days=1)


def moment_of(number: float) -> datetime:
    """Return a serial number as pywin32 gives it: with UTC as a zone that says nothing."""
    microseconds = round(number * 86_400_000) * 1000
    return (EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=UTC)


def sent(value: Any) -> Any:
    """Return a value as pywin32 sends it: datetimes in UTC, and nothing that COM can't carry."""
    kind = type(value)
    if kind is str or kind is float or value is None or kind is bool:
        return value
    if isinstance(value, CellError):
        return value
    if isinstance(value, int):
        if not -(2**31) <= value < 2**31:
            # VT_I8, of which Excel's cells know nothing; see «Integers over 32 bits» in EXCEL.md.
            raise wrong_type()
        return float(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, Decimal | str):
        return value
    raise TypeError("The Python instance can not be converted to a COM object")


def entered(
    value: Any, number_format: str, formula: Callable[[str], str], *, as_value2: bool = False
) -> Entered:
    """Return what a cell gets.

    Args:
        value: What is assigned, as `sent`.
        number_format: The cell's.
        formula: Returns a formula in order, or raises.
        as_value2: Whether dates and currencies stay plain numbers.
    """
    if value is None:
        return Entered()
    kind = type(value)
    if kind is str:
        if len(value) > CELL_TEXT:
            raise refused()
        if number_format == TEXT:
            return Entered(value or None)
        if not _SPECIAL.match(value):
            return Entered(value or None)
        return _typed(value, number_format, formula)
    if kind is CellError:
        return Entered(value)
    if kind is int or (kind is float and not math.isfinite(value)):
        return Entered(ERRORS["#NUM!"])
    found = _from_number(value, as_value2=as_value2)
    if number_format == TEXT:
        return Entered(shown(found.value))
    return found if number_format == GENERAL else found._replace(number_format="")


def is_plain(value: Any, number_format: str) -> bool:
    """Tell whether a value is a text that is taken as it is, most are."""
    return (
        type(value) is str
        and 0 < len(value) <= CELL_TEXT
        and (number_format == TEXT or not _SPECIAL.match(value))
    )


def _from_number(value: Any, *, as_value2: bool) -> Entered:
    if isinstance(value, datetime):
        number = serial(value)
        if as_value2:
            return Entered(number)
        return Entered(number, number_format="m/d/yyyy h:mm" if number % 1 else "m/d/yyyy")
    if isinstance(value, Decimal):
        return Entered(float(value), number_format="" if as_value2 else CURRENCY)
    return Entered(value)


def shown(value: Scalar) -> str:
    """Return a value as Excel shows it with the format General."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, CellError):
        return next(text for text, number in ERRORS.items() if number == value)
    if isinstance(value, float):
        return f"{value:.15g}".replace("e+", "E+").replace("e-", "E-")
    return str(value)


def _typed(text: str, number_format: str, formula: Callable[[str], str]) -> Entered:
    if text[0] == "'":
        return Entered(text[1:], prefix="'")
    if text[0] == "=" and len(text) > 1:
        return Entered(formula=formula(text))
    found = recognised(text)
    if found is None and text[0] in "+-@" and len(text) > 1:
        inner = text.removeprefix("@") if text[0] == "@" else text
        return Entered(formula=formula(f"={inner}"))
    if found is None:
        return Entered(text)
    return found if number_format == GENERAL else found._replace(number_format="")


@lru_cache(maxsize=10_000)
def recognised(text: str) -> Entered | None:
    """Return what a typed text is if it is no text: number, date, time, logical, or error."""
    text = text.strip(" ")
    upper = text.upper()
    if upper in {"TRUE", "FALSE"}:
        return Entered(upper == "TRUE")
    if upper in ERRORS:
        return Entered(ERRORS[upper])
    return _number(text) or _fraction(text) or _moment(text)


def _number(text: str) -> Entered | None:
    found = _NUMBER.fullmatch(text)
    if not found or not (found["digits"] or (found["part"] or "").strip(".")):
        return None
    if bool(found["open"]) != bool(found["close"]) or (found["sign"] and found["sign2"]):
        return None
    digits = (found["digits"] or "0").replace(",", "")
    value = float(f"{float(digits + (found['part'] or '') + (found['power'] or '')):.15g}")
    if not math.isfinite(value):
        return None
    if found["open"] or "-" in (found["sign"] or "") + (found["sign2"] or ""):
        value = -value
    decimals = bool((found["part"] or "").strip("."))
    if found["percent"]:
        return Entered(value / 100, number_format="0.00%" if decimals else "0%")
    if found["dollar"]:
        return Entered(value, number_format="$#,##0.00" if decimals else "$#,##0")
    if "," in (found["digits"] or ""):
        return Entered(value, number_format="#,##0.00" if decimals else "#,##0")
    return Entered(value, number_format="0.00E+00" if found["power"] else "")


def _fraction(text: str) -> Entered | None:
    found = _FRACTION.fullmatch(text)
    if not found or int(found[4]) == 0:
        return None
    value = int(found[2]) + int(found[3]) / int(found[4])
    return Entered(-value if found[1] else value, number_format="# ?/?")


def _moment(text: str) -> Entered | None:
    if clock := _clock(text):
        return clock
    day, _, rest = text.rpartition(" ")
    if rest.lower() in {"am", "pm", "a", "p"}:
        day, _, hour = day.rpartition(" ")
        rest = f"{hour} {rest}"
    if day and (clock := _clock(rest)) and (start := _date(day.strip())):
        assert isinstance(start.value, float)
        assert isinstance(clock.value, float)
        return Entered(start.value + clock.value, number_format="m/d/yyyy h:mm")
    return _date(text)


def _clock(text: str) -> Entered | None:
    if found := _HOUR.fullmatch(text):
        hours, minutes, seconds, half = int(found[1]), 0, 0.0, found[2]
        looks = "h:mm AM/PM"
    elif found := _TIME.fullmatch(text):
        hours, minutes, seconds, half = int(found[1]), int(found[2]), float(found[3] or 0), found[4]
        looks = ("h:mm:ss" if found[3] else "h:mm") + (" AM/PM" if half else "")
    else:
        return None
    if minutes > 59 or seconds >= 60 or (half and not 1 <= hours <= 12) or hours > 9999:
        return None
    if half:
        hours = hours % 12 + 12 * (half.lower() == "p")
    return Entered((hours * 3600 + minutes * 60 + seconds) / 86_400, number_format=looks)


def _date(text: str) -> Entered | None:
    for pattern, looks in _DATES:
        found = pattern.fullmatch(text)
        if not found:
            continue
        parts = found.groupdict()
        year = int(parts.get("y") or datetime.now(tz=UTC).year)
        if year < 100:
            year += 2000 if year < 30 else 1900
        month = _month(parts["n"]) if parts.get("n") else int(parts["m"])
        try:
            return Entered(serial(datetime(year, month, int(parts.get("d") or 1))), "", "", looks)  # noqa: DTZ001 -- serial numbers know no zone
        except ValueError:
            continue
    return None


def _month(name: str) -> int:
    return next(number for number, one in enumerate(_MONTHS, 1) if one.startswith(name.lower()[:3]))
