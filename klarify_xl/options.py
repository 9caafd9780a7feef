"""How the workbook is to look: the options, read from a ``klarify.toml``, and what they allow.

Sheets and columns are called by their English names here, whatever their titles; whether they
exist is known to `klarify_xl.sheets` alone.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from klarify_xl.contrast import LEAST_CONTRAST, contrast
from klarify_xl.errors import ConfigurationError
from klarify_xl.language import LANGUAGES
from klarify_xl.plan import ColourPair, Colours
from klarify_xl.toml_lines import TomlText

OPTIONS_FILE: Final = "klarify.toml"

SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "workbook": {
        "sheets": "Sheets that appear, from the left. Procedures is always one of them.",
        "language": "Of titles and words: en or de. What comes from Klarify stays as it is.",
        "time_zone": "In which times are shown: UTC, or a name such as Europe/Berlin.",
        "date_format": "Excel's number format of times, with its English letters.",
        "stale_days": "Days without a change from which Health calls a procedure stale.",
    },
    "colours": {
        "header": "Text and background of the headers, as #RRGGBB.",
        "good": "Of cells such as published and added.",
        "pending": "Of cells such as draft, changed, ambiguous and medium.",
        "retired": "Of cells such as archived, listed again and low.",
        "warning": "Of cells such as no longer listed, unresolved and high.",
    },
    "sheets.NAME": {
        "title": "The sheet's name in Excel, at most 31 characters.",
        "columns": "Columns that appear, from the left. What tells rows apart stays.",
        "titles": "Titles by column; {zone} stands for the time zone.",
    },
}
"""Every setting by its table, with what it means."""

MOST_STALE_DAYS: Final = 36_500

_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}
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
        return _error(self.source, path, message, hint, item=item)

    def _check_time_zone(self) -> None:
        try:
            # A file that isn't one of these, such as the system's own "localtime", may be
            # another zone on each machine, or count leap seconds.
            known = self.time_zone == "UTC" or self.time_zone in available_timezones()
            _ = self.zone if known else None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            known = False
        if not known:
            raise self.error(
                ("workbook", "time_zone"),
                f"there is no time zone {self.time_zone!r}",
                suggestion(
                    self.time_zone,
                    sorted(available_timezones()),
                    otherwise="Give UTC or an IANA name such as Europe/Berlin.",
                ),
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


DEFAULT_OPTIONS: Final = Options()


def load_options(file: str | os.PathLike[str] | None = None) -> Options:
    """Return the options of a file.

    Args:
        file: The file; by default the ``klarify.toml`` of the current folder, if there is one.
            Like a ``.env`` file it is never taken from a folder above.

    Raises:
        ConfigurationError: The file can't be read, or something in it is wrong.
    """
    if file is None and not Path(OPTIONS_FILE).is_file():
        return DEFAULT_OPTIONS
    path = Path(file or OPTIONS_FILE).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(
            f"The file {path} can't be read: {error.strerror}.",
            hint="Name a file of options that is there, or make one with `klarify-xl options`.",
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"The file {path} is no UTF-8 text.", hint="Save it as UTF-8."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, text, str(error)) from None
    return _Reader(TomlText(str(path), text)).options(values)


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


def _error(
    source: TomlText | None, path: tuple[str, ...], message: str, hint: str, *, item: str = ""
) -> ConfigurationError:
    place = source.place(path, item) if source else "Options"
    name = ".".join(one if one.isidentifier() else f'"{one}"' for one in path)
    return ConfigurationError(f"{place}: {name}: {message}.", hint=hint)


def _syntax_error(path: Path, text: str, told: str) -> ConfigurationError:
    """Return an error for a text that is no TOML; the parser tells the line in its message."""
    found = re.search(r"\(at line (\d+), column \d+\)", told)
    line = found[1] if found else str(text.rstrip().count("\n") + 1)
    reason = told.partition(" (at ")[0]
    return ConfigurationError(
        f"{path}, line {line}: this is no TOML: {reason}.",
        hint='Lines look like name = "text", name = 12 or name = ["one", "two"], below a '
        "[table]; each table and each name stands once. `klarify-xl options` prints a sample.",
    )


class _Reader:
    """Reads the values of one file, saying where a wrong one stands."""

    def __init__(self, source: TomlText) -> None:
        self._source = source

    def options(self, values: dict[str, Any]) -> Options:
        """Return the options that a parsed file holds."""
        self._refuse_unknown((), values, ("workbook", "colours", "sheets"))
        workbook = self._table(("workbook",), values, SETTINGS["workbook"])
        given: dict[str, Any] = {}
        for name in ("language", "time_zone", "date_format"):
            if name in workbook:
                given[name] = self._text(("workbook", name), workbook[name])
        if "stale_days" in workbook:
            given["stale_days"] = self._number(("workbook", "stale_days"), workbook["stale_days"])
        if "sheets" in workbook:
            given["shown"] = self._names(("workbook", "sheets"), workbook["sheets"])
        sheets = self._table(("sheets",), values)
        return Options(
            **given,
            colours=self._colours(self._table(("colours",), values, SETTINGS["colours"])),
            sheets={name: self._sheet(name, sheets) for name in sheets},
            source=self._source,
        )

    def _colours(self, values: Mapping[str, Any]) -> Colours:
        usual, pairs = Colours(), {}
        for name in values:
            path = ("colours", name)
            pair = self._table(path, values, [part.name for part in fields(ColourPair)])
            texts = {part: self._text((*path, part), value) for part, value in pair.items()}
            default: ColourPair = getattr(usual, name)
            pairs[name] = ColourPair(
                texts.get("text", default.text), texts.get("background", default.background)
            )
        return Colours(**pairs)

    def _sheet(self, name: str, sheets: Mapping[str, Any]) -> SheetOptions:
        path = ("sheets", name)
        values = self._table(path, sheets, SETTINGS["sheets.NAME"])
        titles = self._table((*path, "titles"), values)
        return SheetOptions(
            title=self._text((*path, "title"), values["title"]) if "title" in values else "",
            columns=self._names((*path, "columns"), values["columns"])
            if "columns" in values
            else (),
            titles={
                column: self._text((*path, "titles", column), title)
                for column, title in titles.items()
            },
        )

    def _table(
        self, path: tuple[str, ...], parent: Mapping[str, Any], known: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """Return a table of the file, empty if it isn't there; `known` are its names."""
        value = parent.get(path[-1], {})
        if not isinstance(value, dict):
            raise self._wrong_type(path, value, "a table, such as { name = … } or [name]")
        if known is not None:
            self._refuse_unknown(path, value, known)
        return value

    def _refuse_unknown(
        self, path: tuple[str, ...], values: Mapping[str, Any], known: Iterable[str]
    ) -> None:
        known = list(known)
        for name in values:
            if name not in known:
                homes = [table for table, names in SETTINGS.items() if name in names]
                belongs = f"{name} belongs into the table [{homes[0]}]. " if homes else ""
                raise _error(
                    self._source,
                    (*path, name),
                    "there is no such setting",
                    belongs + suggestion(name, known),
                )

    def _text(self, path: tuple[str, ...], value: object) -> str:
        if isinstance(value, str) and value.strip():
            return value
        raise self._wrong_type(path, value, 'a text, such as "…"')

    def _number(self, path: tuple[str, ...], value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self._wrong_type(path, value, "a whole number, such as 365")

    def _names(self, path: tuple[str, ...], value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong_type(path, value, 'a list of texts, such as ["one", "two"]')
        if not value:
            raise _error(
                self._source, path, "nothing is named", "Name some, or leave the setting out."
            )
        for name in value:
            if value.count(name) > 1:
                raise _error(
                    self._source, path, f"{name!r} is named twice", "Name it once.", item=name
                )
        return tuple(value)

    def _wrong_type(self, path: tuple[str, ...], value: object, wanted: str) -> ConfigurationError:
        found = _TYPE_NAMES.get(type(value), "a date or time") if value != "" else "an empty text"
        return _error(self._source, path, f"{found} stands there", f"It takes {wanted}.")
