"""The worksheet functions as Excel sees them, through xlwings: names, arguments and their help.

Light to import, since Excel waits for it. xlwings is used where it is already loaded, as in the
process that it runs for Excel, and on Windows; elsewhere these are plain functions.

pywin32 can't send error values: it makes one and the same of every ``VT_ERROR`` (oleargs.cpp,
``MakeObjToVariant``). So they leave Python as texts that begin with `ERROR_MARK`, which no text
from Klarify holds, and the workbook's VBA turns these into errors (see ``scripts/udf_errors.py``).
"""

import functools
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

from klarify_xl import functions
from klarify_xl.answers import Answers, Library
from klarify_xl.errors import KlarifyError
from klarify_xl.settings import find_store
from klarify_xl.workbook_names import named_store
from klarify_xl.worksheet_values import CellError, ExcelError, Table, shown

CATEGORY: Final = "Klarify"
ERROR_MARK: Final = "\x01"
"""Stands before the name of an error value. `klarify_xl.text.safe_text` lets none through."""

_ASK_AGAIN: Final = 2.0
"""Seconds after which it is looked again where a workbook's store is."""

_log = logging.getLogger(__name__)
_library: Final = Library()
_places: Final[dict[str, tuple[float, Path]]] = {}

_xlwings: Any = None
if "xlwings" in sys.modules or sys.platform == "win32":
    import xlwings as _xlwings


def _argument(text: str) -> dict[str, str]:
    """Return what xlwings is to know of an argument: its help, and to leave it as it comes."""
    return {"doc": text, "convert": "raw"}


_One = Annotated[
    object,
    _argument(
        "An id, or a name that only one procedure holds; #VALUE! if several hold it. Ids go before "
        "names, and exact names before those that differ in case."
    ),
]
_Many = Annotated[
    object,
    _argument(
        "An id, a name that only one procedure holds (#VALUE! if several do), or a range of them. "
        "Ids go before names, and exact names before those that differ in case."
    ),
]
_FieldName = Annotated[
    object,
    _argument(
        "A column title such as Owner or Verantwortlich, an API name such as updated_at, or a "
        "range of them. Times are UTC; Updated (Europe/Berlin) gives another zone."
    ),
]
_Status = Annotated[
    object, _argument("Only these: published, draft, archived. Like the next ones: text or range.")
]
_Owner = Annotated[
    object, _argument("Only these owners. Wildcards * and ?; <>text is not, = empty, <> not empty.")
]
_Performer = Annotated[object, _argument("Only these performers, with wildcards as for owners.")]
_Lane = Annotated[object, _argument("Only with one of these lanes, with wildcards as for owners.")]
_Text = Annotated[
    object,
    _argument(
        "Only where all of these words occur in id, name, owner, performer or lanes; case and "
        "accents don't matter."
    ),
]
_Columns = Annotated[
    object,
    _argument(
        "Fields to show, in a text with commas or in a range. If left out: ID, Name, Status, "
        "Owner, Performer, Updated."
    ),
]
_Depth = Annotated[object, _argument("How many levels of callers to follow. If left out: 1.")]
_Depths = Annotated[object, _argument("How many levels of callers to follow. If left out: all.")]


def _worksheet_function(function: Callable[..., Table]) -> Callable[..., Table]:
    """Make a function one of Excel's, that answers whatever happens."""

    @functools.wraps(function)
    def answer(*arguments: object) -> Table:
        try:
            table = function(*arguments)
        except CellError as stop:
            table = [[stop.error]]
        except KlarifyError as error:
            _log.warning("%s: %s", function.__name__, error)
            table = [[ExcelError.REFERENCE]]
        except Exception:  # noqa: BLE001 -- a cell is no place for a traceback
            _log.exception("%s failed", function.__name__)
            table = [[ExcelError.VALUE]]
        return [
            [ERROR_MARK + cell.value if isinstance(cell, ExcelError) else cell for cell in row]
            for row in table
        ]

    return answer if _xlwings is None else _xlwings.func(category=CATEGORY)(answer)


def _answers() -> Answers:
    """Return the answers of the store that belongs to the workbook that asks."""
    return _library.answers(_store_of(_calling_workbook()))


def _calling_workbook() -> Any:  # noqa: ANN401 -- a COM object, or None
    backend = getattr(_xlwings, "_xlwindows", None)
    return getattr(backend, "BOOK_CALLER", None)


def _store_of(book: Any) -> Path:  # noqa: ANN401 -- a COM object, or None
    """Return the file of a workbook's store, asked for at most every few seconds."""
    name = str(book.FullName) if book is not None else ""
    asked_at, place = _places.get(name, (0.0, Path()))
    now = time.monotonic()
    if name not in _places or now - asked_at > _ASK_AGAIN:
        place = find_store(named_store(book) if book is not None else None)
        _places[name] = (now, place)
    return place


@_worksheet_function
def KLARIFY_GET(id_or_name: _Many, field: _FieldName) -> Table:
    """Gives a field of a procedure; ranges in either argument give as many at once."""
    return functions.get(_answers(), id_or_name, field)


@_worksheet_function
def KLARIFY_LIST(
    status: _Status = None,
    owner: _Owner = None,
    performer: _Performer = None,
    lane: _Lane = None,
    text: _Text = None,
    columns: _Columns = None,
) -> Table:
    """Lists the procedures that meet all criteria, by name; #N/A if none does."""
    criteria = (status, owner, performer, lane)
    return functions.list_procedures(_answers(), criteria, text, columns)


@_worksheet_function
def KLARIFY_COUNT(
    status: _Status = None,
    owner: _Owner = None,
    performer: _Performer = None,
    lane: _Lane = None,
    text: _Text = None,
) -> Table:
    """Counts the procedures that meet all criteria, as KLARIFY_LIST lists them."""
    return functions.count(_answers(), (status, owner, performer, lane), text)


@_worksheet_function
def KLARIFY_FIND(
    find_text: Annotated[
        object, _argument("Words of a name, spelled roughly and in any order, or an id.")
    ],
    most: Annotated[object, _argument("How many to give at most. If left out: 10.")] = None,
) -> Table:
    """Gives ID and name of the procedures with the most similar names; #N/A if none is near."""
    return functions.find(_answers(), find_text, most)


@_worksheet_function
def KLARIFY_LANES(id_or_name: _One) -> Table:
    """Lists the lanes of a procedure, one below the other; an empty text if it has none."""
    return functions.lanes(_answers(), id_or_name)


@_worksheet_function
def KLARIFY_CALLED_WITHIN(id_or_name: _One) -> Table:
    """Lists the procedures that include this one: ID, name, and whether the name is unique."""
    return functions.called(_answers(), id_or_name, "called within")


@_worksheet_function
def KLARIFY_CALLED_FROM(id_or_name: _One) -> Table:
    """Lists the procedures that this one is called from: ID, name, and whether it is unique."""
    return functions.called(_answers(), id_or_name, "called from")


@_worksheet_function
def KLARIFY_CALLERS(id_or_name: _One, depth: _Depth = None) -> Table:
    """Lists who calls a procedure, within or from, nearest first: ID, name, level, match."""
    return functions.callers(_answers(), id_or_name, depth)


@_worksheet_function
def KLARIFY_IMPACT(id_or_name: _One, depth: _Depths = None) -> Table:
    """Lists what a change may touch, all callers: ID, name, level, owner, lanes, match."""
    return functions.impact(_answers(), id_or_name, depth)


@_worksheet_function
def KLARIFY_CHANGES(
    since: Annotated[
        object,
        _argument(
            "A date or time (UTC) from which on. If left out: the last refresh that found "
            "something."
        ),
    ] = None,
) -> Table:
    """Lists changes, newest first: noticed (UTC), change, ID, name, field, before, after."""
    return functions.changes(_answers(), since)


@_worksheet_function
def KLARIFY_HEALTH(
    kind: Annotated[
        object,
        _argument(
            "Only these: findings such as No owner, or high, medium, low; text or range. If left "
            "out: all."
        ),
    ] = None,
) -> Table:
    """Lists what to look at: severity, finding, ID, name, owner, detail; empty if all is well."""
    return functions.health(_answers(), kind)


@_worksheet_function
def KLARIFY_AGE(id_or_name: _Many) -> Table:
    """Gives the whole days from a procedure's last change to the last refresh."""
    return functions.age(_answers(), id_or_name)


@_worksheet_function
def KLARIFY_REFRESHED() -> Table:
    """Tells when the data was last compared with Klarify (UTC), or why there is no data."""
    try:
        return functions.refreshed(_answers())
    except KlarifyError as error:
        return [[shown(f"{error} {error.hint}".strip())]]


@_worksheet_function
def KLARIFY_AS_OF(
    as_of_date: Annotated[
        object,
        _argument("A date, which means its end (UTC), or a date with a time; or a range of them."),
    ],
    id_or_name: _Many,
    field: _FieldName,
) -> Table:
    """Gives a field as it was on a date, as far as refreshes know; #N/A if not listed then."""
    return functions.as_of(_answers(), as_of_date, id_or_name, field)
