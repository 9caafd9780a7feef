"""Reads ``fleet.toml``: the organisations, what counts for all of them, and how the fleet runs."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from klarify_xl.errors import ConfigurationError
from klarify_xl.fleet.organisations import (
    Entry,
    Organisation,
    csv_entries,
    read_organisations,
    refuse_unknown,
)
from klarify_xl.fleet.places import resolved
from klarify_xl.options import option_error, suggestion
from klarify_xl.toml_lines import TomlText

FLEET_SETTINGS: Final[Mapping[str, str]] = {
    "manifest": "Folder or address in which is noted what is done, reachable by every worker "
    "(default klarify-fleet beside the file).",
    "report": "The report's workbook (default fleet.xlsx in the manifest's place).",
    "store": "Folder of the organisations' stores, on each worker's own disk (default: the user's "
    "data folder there).",
    "workers": "Processes of the local cluster (default: one for each core).",
    "requests_per_host": "Requests in flight to one API host, by all workers together "
    "(default 16).",
    "deadline": "Seconds that reading one organisation may take (default 900).",
    "standstill": "Seconds in which nothing of an organisation may move, as when a share hangs, "
    "until it is given up (default 300).",
    "retries": "Further tries after a failure that may pass (default 2).",
}
"""What the table [fleet] sets."""

_TABLES: Final = ("organisations", "fleet", "defaults")
_NUMBERS: Final = ("workers", "requests_per_host", "deadline", "standstill", "retries")
_MANIFEST_NAME: Final = "klarify-fleet"
_REPORT_NAME: Final = "fleet.xlsx"


@dataclass(frozen=True)
class Conduct:
    """How a fleet runs.

    Attributes:
        manifest: Place in which is noted what is done.
        report: The report's workbook.
        store: Folder of the stores on each worker, "" for the user's data folder there.
        workers: Processes of a local cluster, 0 for one for each core.
        requests_per_host: Requests in flight to one API host at most, by all workers.
        deadline: Seconds that reading one organisation may take.
        standstill: Seconds in which nothing of an organisation may move.
        retries: Further tries after a failure that may pass.
    """

    manifest: str
    report: str
    store: str = ""
    workers: int = 0
    requests_per_host: int = 16
    deadline: int = 900
    standstill: int = 300
    retries: int = 2


@dataclass(frozen=True)
class Fleet:
    """What a ``fleet.toml`` says.

    Attributes:
        organisations: In its order.
        conduct: How the fleet runs.
    """

    organisations: tuple[Organisation, ...]
    conduct: Conduct


def load_fleet(file: str | os.PathLike[str]) -> Fleet:
    """Return the fleet of a file.

    Args:
        file: The file; relative paths in it start at its folder.

    Raises:
        ConfigurationError: It, or a file that it names, can't be read, or something in it is
            wrong. No value is repeated that may be a key.
    """
    path = Path(file).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(
            f"The file {path} can't be read: {error.strerror}.",
            hint="Name the file that lists the organisations; the README shows one.",
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"The file {path} is no UTF-8 text.", hint="Save it as UTF-8."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{path}: this is no TOML: {error}.",
            hint='Lines look like name = "text" or name = 12, below a [table] or, for each '
            "organisation, [[organisations]].",
        ) from None
    # Without the organisations, which may be thousands, as each line is looked for by parsing.
    start = _ORGANISATION.search(text)
    source = TomlText(str(path), text[: start.start()] if start else text)
    for name in values:
        if name not in _TABLES:
            raise option_error(
                source, (name,), "there is no such setting", suggestion(name, _TABLES)
            )
    folder = path.absolute().parent
    conduct = _conduct(source, values.get("fleet", {}), folder)
    defaults = _texts(source.place(("defaults",)), values.get("defaults", {}))
    refuse_unknown(defaults.place, defaults.values, of_all=True)
    entries = list(_entries(path, text, values.get("organisations"), folder))
    organisations = read_organisations(entries, defaults, folder)
    if not organisations:
        raise ConfigurationError(
            f"{path} names no organisation.",
            hint="List them in tables [[organisations]], or name a CSV file above the first table: "
            'organisations = "organisations.csv".',
        )
    return Fleet(organisations, conduct)


_ORGANISATION: Final = re.compile(r"^[ \t]*\[\[[ \t]*organisations[ \t]*\]\]", re.MULTILINE)


def _entries(path: Path, text: str, value: object, folder: Path) -> Iterator[Entry]:
    """Return what is said of each organisation, in the file itself or in a CSV file."""
    if isinstance(value, str):
        yield from csv_entries(Path(resolved(value, folder)))
        return
    if value is None:
        return
    if not isinstance(value, list):
        raise ConfigurationError(
            f"{path}: organisations is neither a CSV file's name nor tables.",
            hint='Write organisations = "organisations.csv" or [[organisations]] tables.',
        )
    starts = [1 + text.count("\n", 0, found.start()) for found in _ORGANISATION.finditer(text)]
    for number, table in enumerate(value):
        place = f"{path}, organisation {number + 1}"
        if len(starts) == len(value):
            place = f"{path}, line {starts[number]}"
        entry = _texts(place, table)
        refuse_unknown(entry.place, entry.values)
        yield entry


def _texts(place: str, table: object) -> Entry:
    """Return a table's texts; a list of texts counts as one with spaces."""
    if not isinstance(table, dict):
        raise ConfigurationError(f"{place}: no table stands there.", hint="Write name = value.")
    values = {}
    for name, value in table.items():
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, str) for part in parts):
            raise ConfigurationError(
                f"{place}: {name} is no text.", hint=f'It takes a text: {name} = "…".'
            )
        values[name] = " ".join(part.strip() for part in parts)
    return Entry(place, values)


def _conduct(source: TomlText, table: object, folder: Path) -> Conduct:
    if not isinstance(table, dict):
        raise option_error(source, ("fleet",), "no table stands there", "Write [fleet].")
    known = [field.name for field in fields(Conduct)]
    given: dict[str, Any] = {}
    for name, value in table.items():
        path = ("fleet", name)
        if name not in known:
            raise option_error(source, path, "there is no such setting", suggestion(name, known))
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        least = 0 if name == "retries" else 1
        if name in _NUMBERS and not (is_whole and value >= least):
            raise option_error(
                source, path, "that is no such number", f"It takes a whole number from {least}."
            )
        if name not in _NUMBERS and not (isinstance(value, str) and value.strip()):
            raise option_error(source, path, "that is no text", f'It takes a text: {name} = "…".')
        given[name] = value if name in _NUMBERS else resolved(value.strip(), folder)
    manifest = given.setdefault("manifest", resolved(_MANIFEST_NAME, folder))
    given.setdefault("report", f"{manifest}/{_REPORT_NAME}")
    return Conduct(**given)
