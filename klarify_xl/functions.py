"""The worksheet functions, apart from Excel: arguments as cells or ranges in, rows of values out.

They never reach for the network, nor for the clock: an age is counted to the last refresh, so that
a workbook shows the same until its data changes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from klarify_xl import graph
from klarify_xl.answers import Answers
from klarify_xl.fields import FIELD_TITLES, Field, find_field, value_of, value_then
from klarify_xl.graph import Caller
from klarify_xl.health import KINDS
from klarify_xl.language import LANGUAGES, Language
from klarify_xl.model import FIELDS, Procedure
from klarify_xl.records import CHANGE_WORDS, Change
from klarify_xl.text import folded
from klarify_xl.worksheet_values import (
    CellError,
    ExcelError,
    Result,
    Table,
    each,
    moment_of,
    number_of,
    shown,
    shown_moment,
    single,
    text_of,
    texts_of,
)

LIST_COLUMNS: Final = ("id", "name", "status", "owner", "performer", "updated_at")
"""Fields that a list shows unless told otherwise."""

MOST_FOUND: Final = 10
"""Procedures that a search finds unless told otherwise."""

_NOTHING: Final[Table] = [[""]]
"""What there is to show where a procedure was found, but has none of what was asked for."""


def get(answers: Answers, id_or_name: object, field: object) -> Table:
    """Return fields of procedures, cell by cell; an empty id or field gives an empty cell."""

    def value(which: object, what: object) -> Result:
        wanted, name = text_of(which), text_of(what)
        if not wanted.strip() or not name.strip():
            return ""
        return value_of(answers.find(wanted), find_field(name, answers.extra_fields))

    return each(value, id_or_name, field)


def list_procedures(
    answers: Answers,
    criteria: Sequence[object],
    text: object = None,
    columns: object = None,
) -> Table:
    """Return a row for each procedure that meets the criteria; ``#N/A`` if none does.

    Args:
        answers: What the store holds.
        criteria: For status, owner, performer and lane; None or empty cells for any.
        text: Words that must occur.
        columns: Fields to show.
    """
    names = [part for one in texts_of(columns) for part in one.split(",")] or LIST_COLUMNS
    fields = [find_field(name.strip(), answers.extra_fields) for name in names]
    selected = answers.select(_wanted(criteria), text_of(single(text)))
    return _or_error([[value_of(one, field) for field in fields] for one in selected])


def count(answers: Answers, criteria: Sequence[object], text: object = None) -> Table:
    """Return how many procedures meet the criteria (as for `list_procedures`)."""
    return [[answers.count(_wanted(criteria), text_of(single(text)))]]


def _wanted(criteria: Sequence[object]) -> dict[str, list[str]]:
    names = ("status", "owner", "performer", "lanes")
    return {name: texts_of(one) for name, one in zip(names, criteria, strict=True)}


def find(answers: Answers, find_text: object, most: object = None) -> Table:
    """Return id and name of the procedures nearest to a text; ``#N/A`` if none is near."""
    wanted = text_of(single(find_text))
    if not wanted.strip():
        raise CellError(ExcelError.VALUE)
    found = answers.search.best(wanted, number_of(single(most), otherwise=MOST_FOUND) or 0)
    return _or_error([[shown(one.id), shown(one.name)] for one in found])


def lanes(answers: Answers, id_or_name: object) -> Table:
    """Return a row for each lane of a procedure."""
    procedure = _procedure(answers, id_or_name)
    return [[shown(lane)] for lane in dict.fromkeys(procedure.lanes)] or _NOTHING


def called(answers: Answers, id_or_name: object, kind: graph.Kind) -> Table:
    """Return id, name and match of what a procedure is called within, or from."""
    procedure = _procedure(answers, id_or_name)
    rows: Table = []
    for one in answers.references.get(procedure.id, ()):
        if one.kind == kind:
            id_ = one.targets[0].id if one.match == "resolved" else ""
            rows.append([shown(id_), shown(one.target_name), one.match])
    return rows or _NOTHING


def callers(answers: Answers, id_or_name: object, depth: object = None) -> Table:
    """Return id, name, level and match of those who call a procedure; by default directly."""
    found = _callers(answers, id_or_name, number_of(single(depth), otherwise=1))
    return [[*_told(one), one.match] for one in found] or _NOTHING


def impact(answers: Answers, id_or_name: object, depth: object = None) -> Table:
    """Return what changes of a procedure touch: all callers, with owner, lanes and match."""
    found = _callers(answers, id_or_name, number_of(single(depth)))
    rows: Table = []
    for one in found:
        owner = shown(one.procedure.owner) if one.procedure else ""
        theirs = shown("; ".join(one.procedure.lanes)) if one.procedure else ""
        rows.append([*_told(one), owner, theirs, one.match])
    return rows or _NOTHING


def _callers(answers: Answers, id_or_name: object, depth: int | None) -> list[Caller]:
    return graph.callers(answers.references, _procedure(answers, id_or_name).id, depth)


def _told(caller: Caller) -> list[Result]:
    id_ = shown(caller.procedure.id) if caller.procedure else ""
    return [id_, shown(caller.name), caller.level]


def changes(answers: Answers, since: object = None) -> Table:
    """Return a row for each change noticed since a moment, by default at the last refresh.

    Columns: noticed (UTC), change, id, name, field, before, after.
    """
    cell = single(since)
    log = answers.refreshes
    if not has_content(cell):
        log = log[-1:]
    else:
        moment = moment_of(cell)
        log = [one for one in log if one.started_at >= moment]
    found = answers.changes(log[0].id) if log else []
    return [_change(one) for one in found] or _NOTHING


def has_content(cell: object) -> bool:
    """Tell whether a cell, which may be a date, holds anything."""
    return isinstance(cell, datetime) or bool(text_of(cell).strip())


def _change(one: Change) -> list[Result]:
    field = Field(one.field) if one.field else None
    return [
        shown_moment(one.at.replace(microsecond=0)),
        str(CHANGE_WORDS[one.kind]),
        shown(one.id),
        shown(one.name),
        FIELD_TITLES.get(field.name) or shown(field.name) if field else "",
        value_then(one.old, field) if field else "",
        value_then(one.new, field) if field else "",
    ]


def health(answers: Answers, kind: object = None) -> Table:
    """Return a row for each finding: severity, finding, id, name, owner, detail.

    Args:
        answers: What the store holds.
        kind: Kinds of findings or severities, in any language of workbooks; None for all.
    """
    wanted = [_kinds(text) for text in texts_of(kind)]
    kinds = frozenset[str]().union(*wanted) if wanted else KINDS.keys()
    rows: Table = [
        [
            KINDS[one.kind].severity,
            str(KINDS[one.kind].title),
            shown(one.procedure.id),
            shown(one.procedure.name),
            shown(one.procedure.owner),
            shown(" ".join(one.detail.split())),
        ]
        for one in answers.findings
        if one.kind in kinds
    ]
    return rows or _NOTHING


def _kinds(text: str) -> frozenset[str]:
    """Return the kinds of findings that a text means: one, or all of a severity."""
    wanted = folded(text).strip()
    found = frozenset(
        name
        for name, kind in KINDS.items()
        for say in map(Language, LANGUAGES)
        if wanted in {folded(name), folded(say(kind.title)), folded(say(kind.severity))}
    )
    if not found:
        raise CellError(ExcelError.VALUE)
    return found


def age(answers: Answers, id_or_name: object) -> Table:
    """Return the days from procedures' last changes to the last refresh; "" where unknown."""

    def days(which: object) -> Result:
        wanted = text_of(which)
        if not wanted.strip():
            return ""
        changed, until = answers.find(wanted).updated_at, answers.verified_at
        # A clock that is a little ahead makes nothing younger than new.
        return max(0, (until - changed).days) if changed and until else ""

    return each(days, id_or_name)


def refreshed(answers: Answers) -> Table:
    """Return when the data was last compared with Klarify (UTC); ``#N/A`` if never."""
    if answers.verified_at is None:
        raise CellError(ExcelError.NOT_AVAILABLE)
    return [[shown_moment(answers.verified_at.replace(microsecond=0))]]


def as_of(answers: Answers, as_of_date: object, id_or_name: object, field: object) -> Table:
    """Return fields as they were on a day, as far as refreshes had noticed by then.

    ``#N/A`` where a procedure was not listed then. A procedure that is gone goes by its id.
    """
    return each(partial(_as_of, answers), as_of_date, id_or_name, field)


def _as_of(answers: Answers, date: object, which: object, what: object) -> Result:
    wanted, name = text_of(which), text_of(what)
    if not has_content(date) or not wanted.strip() or not name.strip():
        return ""
    moment = moment_of(date, end_of_day=True)
    procedure = answers.last_seen(wanted.strip()) or answers.find(wanted)
    history = answers.history(procedure.id)
    # A field that nobody has any more still had its values.
    fields = answers.extra_fields.union(one.field for one in history if one.field)
    field = find_field(name, fields | dict(procedure.extra).keys())
    if field.name in FIELD_TITLES and field.name not in {"id", *FIELDS}:
        # Remarks have no history.
        raise CellError(ExcelError.VALUE)
    before = [one for one in history if one.at < moment]
    if not before or before[-1].kind == "removed":
        raise CellError(ExcelError.NOT_AVAILABLE)
    later = (one for one in history if one.at >= moment and one.field == field.name)
    change = next(later, None)
    return value_then(change.old, field) if change else value_of(procedure, field)


def _procedure(answers: Answers, id_or_name: object) -> Procedure:
    wanted = text_of(single(id_or_name))
    if not wanted.strip():
        raise CellError(ExcelError.VALUE)
    return answers.find(wanted)


def _or_error(rows: Iterable[Sequence[Result]]) -> Table:
    table = [list(row) for row in rows]
    if not table:
        raise CellError(ExcelError.NOT_AVAILABLE)
    return table
