"""How the workbook is to look, and which values can be asked for.

Sheets and columns are called by their English names here, whatever their titles; whether they
exist is known to `klarify_xl.sheets` alone.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from klarify_xl.contrast import LEAST_CONTRAST, contrast
from klarify_xl.errors import ConfigurationError
from klarify_xl.language import LANGUAGES
from klarify_xl.plan import ColourPair, Colours
from klarify_xl.toml_lines import TomlText

MOST_STALE_DAYS: Final = 36_500

_NO_ZONES: Final = frozenset({"localtime", "posixrules", "Factory"})
"""Files of the time zone database that are no zones, or another one on each machine."""

_COLOUR: Final = re.compile("#[0-9A-Fa-f]{6}")
_DATE_FORMAT: Final = re.compile(
    r"(?:y{4}|y{2}|m{1,5}|d{1,4}|h{1,2}|s{1,2}|AM/PM|A/P|[ \-/.,:()]"
    r'|"[^"]*"|\\.|\[\$-[0-9A-F]+\])+',
    re.IGNORECASE,
)
_LITERALS: Final = re.compile(r'"[^"]*"|\\.|\[\$-[0-9A-F]+\]|AM/PM|A/P', re.IGNORECASE)
_LONGEST_FORMAT: Final = 255


@dataclass(frozen=True)
class SheetOptions:
    """How one sheet is to look.

    Attributes:
        title: Its name in Excel, "" for the usual one.
        columns: Names of the columns to show, from the left; empty for the usual ones.
        titles: Titles of columns by their names; ``{zone}`` stands for the time zone.
    """

    title: str = ""
    columns: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)


_USUAL: Final = SheetOptions()


@dataclass(frozen=True)
class Options:
    """How the workbook is to look.

    Attributes:
        language: One of `klarify_xl.language.LANGUAGES`.
        time_zone: In which moments are shown, by its IANA name.
        date_format: Excel's number format of moments.
        stale_days: Days without a change from which a procedure counts as stale.
        colours: Of header and tones.
        shown: Names of the sheets to show, from the left; empty for all.
        sheets: How sheets are to look, by their names.
        map_centre: Id or name of the procedure in the middle of the map; "" for the most
            connected one.
        source: Text that the options were read from, if they were.

    Raises:
        ConfigurationError: A value is not usable.
    """

    language: str = "en"
    time_zone: str = "UTC"
    date_format: str = "yyyy-mm-dd hh:mm"
    stale_days: int = 365
    colours: Colours = field(default_factory=Colours)
    shown: tuple[str, ...] = ()
    sheets: Mapping[str, SheetOptions] = field(default_factory=dict)
    map_centre: str = ""
    source: TomlText | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise self.error(
                ("workbook", "language"),
                f"there is no language {self.language!r}",
                suggestion(self.language, LANGUAGES),
            )
        if not 1 <= self.stale_days <= MOST_STALE_DAYS:
            raise self.error(
                ("workbook", "stale_days"),
                f"{self.stale_days} is no number of days to wait",
                f"Give a whole number from 1 to {MOST_STALE_DAYS}.",
            )
        self._check_time_zone()
        self._check_date_format()
        for one in fields(Colours):
            self._check_colours(one.name, getattr(self.colours, one.name))

    @property
    def zone(self) -> tzinfo:
        """The time zone in which moments are shown."""
        return UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the time zone, or in UTC where the calendar ends there."""
        try:
            return moment.astimezone(self.zone)
        except OverflowError:
            return moment.astimezone(UTC)

    def of(self, sheet: str) -> SheetOptions:
        """Return how a sheet is to look."""
        return self.sheets.get(sheet, _USUAL)

    def error(
        self, path: tuple[str, ...], message: str, hint: str, *, item: str = ""
    ) -> ConfigurationError:
        """Return an error that names the file, the line and the setting.

        Args:
            path: The names that lead to the setting.
            message: What is wrong with it.
            hint: What is allowed, and what to do.
            item: The text in the setting's array that is wrong.
        """
        return option_error(self.source, path, message, hint, item=item)

    def _check_time_zone(self) -> None:
        if not _is_time_zone(self.time_zone):
            zones = sorted(available_timezones() - _NO_ZONES)
            otherwise = (
                "Give UTC or an IANA name such as Europe/Berlin."
                if zones
                else "This system knows no time zones; `pip install tzdata` brings them."
            )
            raise self.error(
                ("workbook", "time_zone"),
                f"there is no time zone {self.time_zone!r}",
                suggestion(self.time_zone, zones, otherwise=otherwise),
            )

    def _check_date_format(self) -> None:
        text = self.date_format
        letters = _LITERALS.sub("", text).lower()
        is_usable = (
            _DATE_FORMAT.fullmatch(text)
            and text.isprintable()
            and len(text) <= _LONGEST_FORMAT
            and ("d" in letters or "y" in letters)
        )
        if not is_usable:
            raise self.error(
                ("workbook", "date_format"),
                f"{text!r} is no number format of dates",
                "Files use Excel's English letters: y, m, d, h, s, AM/PM; texts go in double "
                "quotes. For example yyyy-mm-dd hh:mm, dd.mm.yyyy hh:mm or d mmm yyyy.",
            )

    def _check_colours(self, name: str, pair: ColourPair) -> None:
        for part in fields(ColourPair):
            colour = getattr(pair, part.name)
            if not _COLOUR.fullmatch(colour):
                raise self.error(
                    ("colours", name, part.name),
                    f"{colour!r} is no colour",
                    "Give it as # and six hexadecimal digits, for example #1F4E5F.",
                )
        ratio = contrast(pair.text, pair.background)
        if ratio < LEAST_CONTRAST:
            # Rounded down, lest 4.49 be told as the 4.5 that would do.
            raise self.error(
                ("colours", name),
                f"{pair.text} on {pair.background} has a contrast of "
                f"{int(ratio * 10) / 10}:1, and is hard to read",
                f"Text needs at least {LEAST_CONTRAST}:1: choose a darker colour on a light "
                "background, or a lighter one on a dark background.",
            )


def suggestion(given: str, allowed: Iterable[str], *, otherwise: str = "") -> str:
    """Return what to write instead of something unknown: the nearest ones, or all.

    Args:
        given: What somebody wrote.
        allowed: What could have been meant.
        otherwise: What to say where nothing is near, instead of a list of all.
    """
    by_key = {one.casefold(): one for one in allowed}
    near = difflib.get_close_matches(given.casefold(), by_key, n=3)
    meant = f"Did you mean {' or '.join(repr(by_key[one]) for one in near)}? " if near else ""
    if otherwise:
        return meant + ("" if near else otherwise)
    return f"{meant}Allowed are: {', '.join(by_key.values())}."


def _is_time_zone(name: str) -> bool:
    # Much faster than a look into the set of all, which reads hundreds of files.
    if name == "UTC":
        return True
    try:
        _ = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return name not in _NO_ZONES and name.partition("/")[0] not in {"posix", "right"}


def option_error(
    source: TomlText | None, path: tuple[str, ...], message: str, hint: str, *, item: str = ""
) -> ConfigurationError:
    """Return an error that names the place of a setting (see `Options.error`)."""
    place = source.place(path, item) if source else "Options"
    name = ".".join(one if one.isidentifier() else f'"{one}"' for one in path)
    return ConfigurationError(f"{place}: {name}: {message}.", hint=hint)


DEFAULT_OPTIONS: Final = Options()
