"""The organisations of a fleet: what is said of each, its defaults, and that no two collide."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from klarify_xl.errors import ConfigurationError
from klarify_xl.exports.formats import FORMATS
from klarify_xl.file_names import file_names, safe_stem
from klarify_xl.fleet.places import resolved
from klarify_xl.key_reference import KeyReference
from klarify_xl.limits import API_BASE_URL
from klarify_xl.options import DEFAULT_OPTIONS, Options, suggestion
from klarify_xl.options_file import load_options
from klarify_xl.pipeline import WORKBOOK_FORMAT, WORKBOOK_NAME
from klarify_xl.settings import normalise_base_url
from klarify_xl.sheets import empty_plan

ORGANISATION_SETTINGS: Final[Mapping[str, str]] = {
    "name": "What you call it, another one for each organisation.",
    "key": "Where its access key is kept: `env:NAME`, `file:PATH`, `keyring:ACCOUNT` or "
    "`aws:SECRET`. Never the key itself.",
    "out": "Its workbook, or with other formats its folder: a path or an address such as s3://….",
    "base_url": f"Address of the Integration API (default {API_BASE_URL}).",
    "formats": f"What to write: {', '.join([WORKBOOK_FORMAT, *FORMATS])} (default xlsx).",
    "config": "The klarify.toml that says how its workbook looks.",
    "link": "The https address under which people find its workbook, for the report.",
}
"""What is said of an organisation; all but the name may stand under [defaults], too."""

NAME_PLACEHOLDER: Final = "{name}"
"""Stands for the organisation's name, as a file can be called, in key, out and link."""


@dataclass(frozen=True)
class Organisation:
    """An organisation of a fleet; it travels to workers, and so holds no secret.

    Attributes:
        name: What people call it.
        stem: The name as a file can be called, unlike any other organisation's.
        key: Where its access key is kept.
        out: Its workbook or folder, a local path or an address.
        base_url: Address of the API.
        formats: What to write.
        options: How its workbook is to look.
        link: Where people find the workbook, "" if that is not told.
    """

    name: str
    stem: str
    key: KeyReference
    out: str
    base_url: str
    formats: tuple[str, ...]
    options: Options
    link: str

    @property
    def mark(self) -> str:
        """A checksum of all that is asked for; what was done for another one is not done."""
        asked = (self.name, str(self.key), self.out, self.base_url, self.formats, self.link)
        told = repr((asked, self.options))
        return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:16]

    @property
    def workbook(self) -> str:
        """Where its workbook is, "" if none is asked for."""
        if WORKBOOK_FORMAT not in self.formats:
            return ""
        is_folder = len(self.formats) > 1
        return f"{self.out}/{WORKBOOK_NAME}" if is_folder else self.out


@dataclass(frozen=True)
class Entry:
    """What a file says of one organisation, or of all by default.

    Attributes:
        place: Where it says so, for messages.
        values: Texts by setting; blank ones don't count.
    """

    place: str
    values: Mapping[str, str]

    def error(self, message: str, hint: str) -> ConfigurationError:
        """Return an error that names the place."""
        return ConfigurationError(f"{self.place}: {message}", hint=hint)


def csv_entries(file: Path) -> Iterator[Entry]:
    """Return the rows of a CSV file, whose first line names the settings.

    Raises:
        ConfigurationError: It can't be read, or names other settings.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The list of organisations {file} can't be read ({type(error).__name__}).",
            hint="Save it as CSV in UTF-8, readable by you.",
        ) from None
    header = text.partition("\n")[0]
    # Excel writes semicolons in much of Europe.
    separator = ";" if header.count(";") > header.count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    names = [name.strip().lower() for name in next(rows, [])]
    unknown = [number for number, name in enumerate(names, 1) if name not in ORGANISATION_SETTINGS]
    if unknown:
        # Not by its title: where a title line is missing, that may be a key.
        raise ConfigurationError(
            f"{file}, line 1: the title of column {unknown[0]} is no setting of organisations.",
            hint=f"The first line holds titles: {', '.join(ORGANISATION_SETTINGS)}.",
        )
    for row in rows:
        place = f"{file}, line {rows.line_num}"
        if len(row) > len(names):
            raise ConfigurationError(
                f"{place}: there are {len(row)} values for {len(names)} columns.",
                hint="Put a value with commas into double quotes.",
            )
        values = {name: text.strip() for name, text in zip(names, row, strict=False)}
        if any(values.values()):
            yield Entry(place, values)


def refuse_unknown(place: str, names: Iterable[str], *, of_all: bool = False) -> None:
    """Refuse settings that an organisation does not have.

    Args:
        place: Where they stand.
        names: Their names; no value is ever repeated.
        of_all: Whether they are meant for all organisations.

    Raises:
        ConfigurationError: One is unknown.
    """
    known = [name for name in ORGANISATION_SETTINGS if not (of_all and name == "name")]
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"{place}: there is no setting {name!r} of organisations.",
                hint=suggestion(name, known),
            )


def read_organisations(
    entries: Iterable[Entry], defaults: Entry, folder: Path
) -> tuple[Organisation, ...]:
    """Return the organisations that entries describe.

    Args:
        entries: What is said of each.
        defaults: What counts where an entry says nothing.
        folder: Where relative paths start.

    Raises:
        ConfigurationError: Something is missing or wrong, or two organisations collide.
    """
    if defaults.values.get("key"):
        # Even if each organisation has its own: no key may stand there.
        _reference(defaults)
    reader = _Reader(defaults, folder)
    entries = list(entries)
    found = [reader.organisation(entry) for entry in entries]
    _refuse_same(entries, found, "name", lambda one: one.stem)
    _refuse_same(entries, found, "out", lambda one: one.out)
    # Names that some file system takes for the same get a mark.
    names = file_names((one.stem for one in found), "", lambda _name, _text: True)
    for entry, one in zip(entries, found, strict=True):
        if names[one.stem] != one.stem:
            raise entry.error(
                f"the name {one.name!r} is too much like another one.",
                "Names must differ in more than case, accents' spelling and signs, since files "
                "are called after them.",
            )
    return tuple(found)


def _refuse_same(
    entries: list[Entry],
    found: list[Organisation],
    setting: str,
    value: Callable[[Organisation], str],
) -> None:
    seen: dict[str, Entry] = {}
    for entry, one in zip(entries, found, strict=True):
        before = seen.setdefault(value(one).casefold(), entry)
        if before is not entry:
            raise entry.error(
                f"{setting} is the same as in {before.place}.",
                f"Each organisation has its own; {NAME_PLACEHOLDER} in the default of out stands "
                "for its name.",
            )


def _reference(entry: Entry) -> KeyReference:
    """Return where an entry says that a key is kept."""
    try:
        return KeyReference.parse(entry.values["key"])
    except ConfigurationError as error:
        wrong = entry.error(str(error), error.hint)
    # Raised here, where no error before it is chained.
    raise wrong


class _Reader:
    """Makes organisations from entries, reading each file of options once.

    Args:
        defaults: What counts where an entry says nothing.
        folder: Where relative paths start.
    """

    def __init__(self, defaults: Entry, folder: Path) -> None:
        self._defaults = defaults
        self._folder = folder
        self._options: dict[str, Options] = {"": DEFAULT_OPTIONS}

    def organisation(self, entry: Entry) -> Organisation:
        """Return the organisation that an entry describes."""
        name = entry.values.get("name", "")
        if not name:
            raise entry.error("an organisation has no name.", "Give it a name of its own.")
        stem = safe_stem(name)
        return Organisation(
            name=name,
            stem=stem,
            key=self._key(entry, stem),
            out=resolved(self._needed(entry, "out").replace(NAME_PLACEHOLDER, stem), self._folder),
            base_url=self._base_url(entry),
            formats=self._formats(entry),
            options=self._options_of(entry),
            link=self._link(entry, stem),
        )

    def _value(self, entry: Entry, setting: str) -> tuple[str, Entry]:
        """Return a setting, and the entry that says so."""
        own = entry.values.get(setting, "")
        return (own, entry) if own else (self._defaults.values.get(setting, ""), self._defaults)

    def _needed(self, entry: Entry, setting: str) -> str:
        value, _ = self._value(entry, setting)
        if not value:
            raise entry.error(
                f"{setting} of the organisation is missing.",
                f"Give it there, or for all under [defaults]. {ORGANISATION_SETTINGS[setting]}",
            )
        return value

    def _key(self, entry: Entry, stem: str) -> KeyReference:
        self._needed(entry, "key")
        found = _reference(self._value(entry, "key")[1])
        name = found.name.replace(NAME_PLACEHOLDER, stem)
        is_file = found.source == "file"
        return KeyReference(found.source, resolved(name, self._folder) if is_file else name)

    def _base_url(self, entry: Entry) -> str:
        value, place = self._value(entry, "base_url")
        try:
            return normalise_base_url(value or API_BASE_URL)
        except ConfigurationError as error:
            raise place.error(str(error), error.hint) from None

    def _formats(self, entry: Entry) -> tuple[str, ...]:
        value, place = self._value(entry, "formats")
        formats = tuple(dict.fromkeys(value.replace(",", " ").split())) or (WORKBOOK_FORMAT,)
        known = (WORKBOOK_FORMAT, *FORMATS)
        for name in formats:
            if name not in known:
                raise place.error(f"there is no format {name!r}.", suggestion(name, known))
        return formats

    def _options_of(self, entry: Entry) -> Options:
        value, _ = self._value(entry, "config")
        if value not in self._options:
            options = load_options(resolved(value, self._folder))
            # At once, so that wrong options are told before anything is read.
            empty_plan(options)
            self._options[value] = options
        return self._options[value]

    def _link(self, entry: Entry, stem: str) -> str:
        value, place = self._value(entry, "link")
        if value and not value.startswith("https://"):
            raise place.error("link is no https address.", ORGANISATION_SETTINGS["link"])
        return value.replace(NAME_PLACEHOLDER, quote(stem))
