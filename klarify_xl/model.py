"""A procedure as the API describes it, parsed without losing or repairing anything.

"Procedure" stands for procedures, processes, subprocesses and tasks alike: the API has no field
that tells them apart.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from klarify_xl.language import Phrase

TEXT_FIELDS: Final = ("name", "status", "owner", "performer", "url")
LIST_FIELDS: Final = ("lanes", "called_within", "called_from")
FIELDS: Final = (*TEXT_FIELDS, *LIST_FIELDS, "updated_at")
"""Documented fields besides the id, in the order in which changes are listed."""

_KNOWN: Final = frozenset({"id", *FIELDS})
_NO_TEXT: Final = re.compile("[\ud800-\udfff\0]")
"""Half characters, which UTF-8 can't hold, and the null character."""

STATUSES: Final = ("published", "draft", "archived")
"""Documented statuses, in the order in which people read them."""

_TYPE_NAMES: Final[Mapping[type, Phrase]] = {
    bool: Phrase("true or false"),
    int: Phrase("a number"),
    float: Phrase("a number"),
    list: Phrase("a list"),
    dict: Phrase("an object"),
    str: Phrase("a text"),
}


class UnusableRowError(ValueError):
    """An item without a usable id, which can't be kept."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """One item of the inventory.

    Attributes:
        id: Opaque, case-sensitive text.
        name: Name, not unique.
        status: ``published``, ``draft``, ``archived`` or something unknown.
        owner: Name or email address; never known which.
        performer: Role or team.
        url: Where Klarify shows it; not trusted.
        lanes: Lanes in the order of the diagram.
        called_within: Names of procedures that include this one.
        called_from: Names of related or preceding procedures.
        updated_at: Last change in UTC, or None where the stamp makes no sense.
        extra: Fields that the documentation does not know, as JSON texts by name.
        remarks: What was odd about the row, in words.
        raw: The row as JSON (ASCII).
    """

    id: str
    name: str
    status: str
    owner: str
    performer: str
    url: str
    lanes: tuple[str, ...]
    called_within: tuple[str, ...]
    called_from: tuple[str, ...]
    updated_at: datetime | None
    extra: tuple[tuple[str, str], ...]
    remarks: tuple[Phrase, ...] = field(compare=False)
    raw: str = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs between two states; values are JSON texts, None for no value."""

    field: str
    old: str | None
    new: str | None


def parse_row(row: object) -> Procedure:
    """Return an item of the API's ``data`` list as a procedure.

    Null, missing, unknown and wrongly typed fields are accepted and remarked on.

    Raises:
        UnusableRowError: It is no object, or its id is missing, blank or no text.
    """
    if not isinstance(row, dict):
        raise UnusableRowError("not an object")
    return _parse(row, json.dumps(row, separators=(",", ":")))


def parse_raw(raw: str) -> Procedure:
    """Return the procedure of a raw JSON text that `parse_row` made."""
    return _parse(json.loads(raw), raw)


def _parse(row: Mapping[str, object], raw: str) -> Procedure:
    remarks: list[Phrase] = []
    # Without a function's call for each of the usual texts: there are very many.
    name, status, owner, performer, url = [
        value if type(value := row.get(field)) is str else _text(value, field, remarks)
        for field in TEXT_FIELDS
    ]
    lanes, called_within, called_from = [
        _texts(row.get(field), field, remarks) for field in LIST_FIELDS
    ]
    if status not in STATUSES:
        unknown = Phrase("unknown status {status}", status=f"{status!r:.60}")
        remarks.append(unknown if status else Phrase("no status"))
    if not isinstance(row.get("id"), str):
        remarks.append(Phrase("the id is a number, not a text"))
    stamp = row.get("updated_at")
    updated_at = parse_stamp(stamp)
    if updated_at is None:
        no_date = Phrase("updated_at is no date: {value}", value=f"{stamp!r:.60}")
        remarks.append(no_date if stamp else Phrase("no updated_at"))
    extra = tuple(
        (_storable(field), json.dumps(row[field], sort_keys=True))
        for field in sorted(row.keys() - _KNOWN)
    )
    return Procedure(
        id=_usable_id(row.get("id")),
        name=name,
        status=status,
        owner=owner,
        performer=performer,
        url=url,
        lanes=lanes,
        called_within=called_within,
        called_from=called_from,
        updated_at=updated_at,
        extra=extra,
        remarks=tuple(remarks),
        raw=raw,
    )


def _usable_id(value: object) -> str:
    if type(value) is int:
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise UnusableRowError("the id is missing, blank or no text")
    if _NO_TEXT.search(value):
        raise UnusableRowError("the id is no valid text")
    return value


def _storable(name: str) -> str:
    """Return the name of an unknown field with half characters spelled out."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _text(value: object, name: str, remarks: list[Phrase]) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    remarks.append(Phrase("{field} is {kind}, not a text", field=name, kind=_kind(value)))
    return json.dumps(value)


def _texts(value: object, name: str, remarks: list[Phrase]) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if not isinstance(value, list):
        remarks.append(Phrase("{field} is {kind}, not a list", field=name, kind=_kind(value)))
        return (value if isinstance(value, str) else json.dumps(value),)
    if all(value) and set(map(type, value)) <= {str}:
        return tuple(value)
    remarks.append(Phrase("{field} holds something else than texts", field=name))
    items = (item if isinstance(item, str) else json.dumps(item) for item in value if item)
    return tuple(item for item in items if item)


def _kind(value: object) -> Phrase:
    return _TYPE_NAMES.get(type(value), Phrase("odd"))


def parse_stamp(value: object) -> datetime | None:
    """Return an ISO 8601 stamp in UTC, or None where it is none.

    A stamp without an offset is read as UTC, as all documented stamps are. Stamps are compared
    as moments, never as texts ("…00.500Z" sorts before "…00Z").
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip().replace("z", "Z"))
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def differences(old: Procedure, new: Procedure) -> list[FieldChange]:
    """Return the fields in which two states of a procedure differ.

    Null, absent and empty count as equal. The order within a list counts for lanes (a diagram has
    an order) and not for references. Stamps are compared as moments.
    """
    if old.raw == new.raw:
        return []
    before, after = field_values(old), field_values(new)
    names = [*FIELDS, *sorted((before.keys() | after.keys()) - set(FIELDS))]
    return [
        FieldChange(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def field_values(procedure: Procedure) -> dict[str, str]:
    """Return the comparable value of each field as a JSON text."""
    values = {name: json.dumps(getattr(procedure, name)) for name in TEXT_FIELDS}
    values["lanes"] = json.dumps(procedure.lanes)
    values["called_within"] = json.dumps(sorted(procedure.called_within))
    values["called_from"] = json.dumps(sorted(procedure.called_from))
    stamp = procedure.updated_at
    values["updated_at"] = json.dumps(stamp.isoformat() if stamp else "")
    values.update(procedure.extra)
    return values


def readable(value: str | None) -> str:
    """Return the JSON text of a field's value as a person reads it."""
    if value is None:
        return ""
    parsed = json.loads(value)
    if isinstance(parsed, list) and all(isinstance(item, str) for item in parsed):
        return "; ".join(parsed)
    return parsed if isinstance(parsed, str) else value
