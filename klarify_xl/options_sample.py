"""Writes a complete ``klarify.toml``: every setting with what it means and its default."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from klarify_xl.options import DEFAULT_OPTIONS, Options
from klarify_xl.options_file import SETTINGS
from klarify_xl.plan import Sheet
from klarify_xl.sheets import empty_plan

_PREFACE: Final = """\
# How klarify-xl's workbooks look. Put this file as klarify.toml into the folder in which you run
# klarify-xl, or name it with --config.
#
# Each line that begins with # and a name is a setting with its default: remove the # to change it.
# Sheets and columns go by their English names here, whatever language and titles you choose.
"""


def sample() -> str:
    """Return the text of the file, in which every setting is commented out."""
    return "\n".join([_PREFACE, *_workbook(), *_colours(), *_sheets()])


def _workbook() -> Iterator[str]:
    usual = DEFAULT_OPTIONS
    defaults: dict[str, str | int | list[str]] = {
        "sheets": [sheet.key for sheet in empty_plan().sheets],
        "language": usual.language,
        "time_zone": usual.time_zone,
        "date_format": usual.date_format,
        "stale_days": usual.stale_days,
    }
    yield "[workbook]"
    for name, meaning in SETTINGS["workbook"].items():
        yield f"# {meaning}"
        yield f"#{name} = {_value(defaults[name])}"
    yield ""


def _colours() -> Iterator[str]:
    yield "[colours]"
    for name, pair in asdict(DEFAULT_OPTIONS.colours).items():
        parts = ", ".join(f"{part} = {_value(colour)}" for part, colour in pair.items())
        yield f"# {SETTINGS['colours'][name]}"
        yield f"#{name} = {{ {parts} }}"
    yield ""


def _sheets() -> Iterator[str]:
    for name, meaning in SETTINGS["sheets.NAME"].items():
        yield f"# {name}: {meaning}"
    yield ""
    # A zone that has its sign in titles, so that it can be told from them.
    plan = empty_plan(Options(time_zone="Etc/UTC"))
    for sheet in (*plan.sheets, *([plan.archive] if plan.archive else [])):
        table = f"[sheets.{_name(sheet.key)}"
        yield f"{table}]"
        yield f"#title = {_value(sheet.name)}"
        if isinstance(sheet, Sheet):
            yield f"#columns = {_value([column.name for column in sheet.columns])}"
            yield f"{table}.titles]"
            for column in sheet.columns:
                title = column.title.replace("Etc/UTC", "{zone}")
                yield f"#{_name(column.name)} = {_value(title)}"
        yield ""


def _value(value: str | int | list[str]) -> str:
    """Return a value as TOML, which writes these kinds as JSON does."""
    return json.dumps(value, ensure_ascii=False)


def _name(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else json.dumps(name)
