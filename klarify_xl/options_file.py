"""Reads ``klarify.toml``, and says where a mistake stands in it, what is allowed and what to do."""

import codecs
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from klarify_xl.errors import ConfigurationError
from klarify_xl.options import (
    DEFAULT_OPTIONS,
    Options,
    SheetOptions,
    option_error,
    suggestion,
)
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

_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}


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
        text = _text(path.read_bytes())
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


def _text(content: bytes) -> str:
    """Return a file's text; Windows PowerShell writes UTF-16 where ``>`` is used."""
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf16 else "utf-8-sig")


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
                raise option_error(
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
            raise option_error(
                self._source, path, "nothing is named", "Name some, or leave the setting out."
            )
        for name in value:
            if value.count(name) > 1:
                raise option_error(
                    self._source, path, f"{name!r} is named twice", "Name it once.", item=name
                )
        return tuple(value)

    def _wrong_type(self, path: tuple[str, ...], value: object, wanted: str) -> ConfigurationError:
        found = _TYPE_NAMES.get(type(value), "a date or time") if value != "" else "an empty text"
        return option_error(self._source, path, f"{found} stands there", f"It takes {wanted}.")
