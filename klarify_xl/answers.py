"""What worksheet functions ask again and again, read from a store once and kept until it changes.

One connection serves all calls. Each call asks SQLite for the file's change counter; only when
another process has written, what was kept is let go, and read again when it is needed.
"""

import functools
import operator
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from klarify_xl import graph
from klarify_xl.criteria import Criterion
from klarify_xl.errors import KlarifyError
from klarify_xl.graph import Relationship, comparable
from klarify_xl.health import Finding, findings
from klarify_xl.model import Procedure
from klarify_xl.records import Change, Refresh, worth_showing
from klarify_xl.search import SearchIndex
from klarify_xl.store import Store
from klarify_xl.text import folded
from klarify_xl.worksheet_values import CellError, ExcelError

_LOOK_AGAIN: Final = 1.0
"""Seconds after which it is checked that the file is still the one that was opened."""


class Answers:
    """What one state of a store answers; every part is read when it is first needed.

    Args:
        store: The store.
        known: Procedures by their raw texts, of an earlier state.
    """

    def __init__(self, store: Store, known: Mapping[str, Procedure]) -> None:
        self._store = store
        self._known = known
        self._histories: dict[str, list[Change]] = {}
        self._changes: dict[int, list[Change]] = {}
        self._selected: dict[tuple[str, str], frozenset[int]] = {}

    def known(self) -> Mapping[str, Procedure]:
        """Return the procedures that a later state need not parse again, by their raw texts."""
        if "procedures" not in self.__dict__:
            return self._known
        return {one.raw: one for one in self.procedures}

    @cached_property
    def procedures(self) -> list[Procedure]:
        """All procedures listed now, by name."""
        return sorted(
            self._store.procedures(self._known),
            key=lambda one: (one.name.casefold(), one.name, one.id),
        )

    @cached_property
    def by_id(self) -> dict[str, Procedure]:
        """Procedures by id."""
        return {one.id: one for one in self.procedures}

    @cached_property
    def _by_name(self) -> dict[str, list[Procedure]]:
        return _grouped((comparable(one.name), one) for one in self.procedures)

    @cached_property
    def _by_name_without_case(self) -> dict[str, list[Procedure]]:
        return _grouped((comparable(one.name).casefold(), one) for one in self.procedures)

    @cached_property
    def extra_fields(self) -> frozenset[str]:
        """Fields that the documentation does not know, but procedures have."""
        return frozenset(name for one in self.procedures for name, _ in one.extra)

    @cached_property
    def references(self) -> dict[str, list[Relationship]]:
        """The references of each procedure by its id."""
        return graph.by_source(graph.relationships(self.procedures))

    @cached_property
    def search(self) -> SearchIndex:
        """The forgiving search."""
        return SearchIndex(self.procedures)

    @cached_property
    def verified_at(self) -> datetime | None:
        """When the data was last compared with Klarify."""
        return self._store.verified_at()

    @cached_property
    def findings(self) -> list[Finding]:
        """What to look at, by the ages at the last comparison with Klarify."""
        references = [one for group in self.references.values() for one in group]
        as_of = self.verified_at or datetime.min.replace(tzinfo=UTC)
        return findings(self.procedures, references, as_of=as_of)

    @cached_property
    def refreshes(self) -> list[Refresh]:
        """Refreshes that found something, oldest first."""
        return [one for one in self._store.refreshes() if one.outcome == "changed"]

    def find(self, text: str) -> Procedure:
        """Return the procedure of an id, or of a name that only one procedure holds.

        Raises:
            CellError: ``#N/A`` if there is none, ``#VALUE!`` if several hold the name.
        """
        exact = self.by_id.get(text) or self.by_id.get(text.strip())
        if exact:
            return exact
        name = comparable(text)
        named = self._by_name.get(name) or self._by_name_without_case.get(name.casefold(), [])
        if not name or not named:
            raise CellError(ExcelError.NOT_AVAILABLE)
        if len(named) > 1:
            raise CellError(ExcelError.VALUE)
        return named[0]

    def changes(self, refresh: int) -> list[Change]:
        """Return what was noticed from a refresh on, newest first, but for the very first one."""
        first = self.refreshes[0].id if self.refreshes else 0
        since = max(refresh, first + 1)
        if since not in self._changes:
            self._changes[since] = list(worth_showing(self._store.changes(since=since)))
        return self._changes[since]

    def history(self, procedure_id: str) -> list[Change]:
        """Return all that was ever noticed about a procedure, oldest first."""
        if procedure_id not in self._histories:
            newest_first = self._store.changes(of=procedure_id)
            # Within a refresh the rows come in their order, of which only the kind matters.
            self._histories[procedure_id] = newest_first[::-1]
        return self._histories[procedure_id]

    def last_seen(self, procedure_id: str) -> Procedure | None:
        """Return a procedure as it is, or was when it was last listed."""
        return self.by_id.get(procedure_id) or self._store.last_seen(procedure_id)

    def select(self, criteria: Mapping[str, Sequence[str]], words: str) -> list[Procedure]:
        """Return the procedures that meet criteria, in their order.

        Args:
            criteria: Texts as for `Criterion` by field, of which one must be met; none for all.
            words: What must occur in ids, names, owners, performers or lanes; "" for all.
        """
        places = self._meeting_all(criteria, words)
        if places is None:
            return self.procedures
        return [self.procedures[place] for place in sorted(places)]

    def count(self, criteria: Mapping[str, Sequence[str]], words: str) -> int:
        """Return how many procedures meet criteria (as for `select`)."""
        places = self._meeting_all(criteria, words)
        return len(self.procedures if places is None else places)

    def _meeting_all(
        self, criteria: Mapping[str, Sequence[str]], words: str
    ) -> frozenset[int] | None:
        """Return the places of procedures that meet criteria, None if there are no criteria."""
        met = [
            self._meeting(name, texts[0])
            if len(texts) == 1
            else frozenset[int]().union(*(self._meeting(name, text) for text in texts))
            for name, texts in criteria.items()
            if texts
        ]
        if words.strip():
            met.append(self._containing(words))
        # From the smallest one on, so that nothing large is built.
        met.sort(key=len)
        return functools.reduce(operator.and_, met) if met else None

    @cached_property
    def _values(self) -> dict[str, dict[str, list[int]]]:
        """Where each value of the fields that are asked for stands."""
        values: dict[str, defaultdict[str, list[int]]] = {
            name: defaultdict(list) for name in ("status", "owner", "performer", "lanes")
        }
        for place, one in enumerate(self.procedures):
            for name in ("status", "owner", "performer"):
                values[name][getattr(one, name)].append(place)
            for lane in dict.fromkeys(one.lanes) or ("",):
                values["lanes"][lane].append(place)
        return {name: dict(places) for name, places in values.items()}

    def _meeting(self, name: str, text: str) -> frozenset[int]:
        """Return the places of procedures of which a field meets a criterion."""
        key = (name, text)
        if key not in self._selected:
            criterion = Criterion(text)
            met = {
                place
                for value, places in self._values[name].items()
                if criterion.fits(value)
                for place in places
            }
            if criterion.negated:
                # Who is in two lanes is in another than the one excluded, and yet in that one.
                met = set(range(len(self.procedures))) - met
            self._selected[key] = frozenset(met)
        return self._selected[key]

    @cached_property
    def _texts(self) -> list[str]:
        return [
            folded("\n".join((one.id, one.name, one.owner, one.performer, *one.lanes)))
            for one in self.procedures
        ]

    def _containing(self, words: str) -> frozenset[int]:
        """Return the places of procedures in which all words occur."""
        key = ("", words)
        if key not in self._selected:
            asked = folded(words).split()
            self._selected[key] = frozenset(
                place
                for place, text in enumerate(self._texts)
                if all(word in text for word in asked)
            )
        return self._selected[key]


def _grouped(pairs: Iterable[tuple[str, Procedure]]) -> dict[str, list[Procedure]]:
    groups: defaultdict[str, list[Procedure]] = defaultdict(list)
    for key, one in pairs:
        groups[key].append(one)
    return dict(groups)


class Library:
    """The stores that are asked, each with one connection and the answers of its present state.

    For one thread, as Excel calls functions one after the other.

    Args:
        clock: Gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._shelf: dict[Path, _Opened] = {}
        self._clock = clock

    def answers(self, path: Path) -> Answers:
        """Return what a store answers now.

        Raises:
            KlarifyError: There is no store, or it can't be read.
        """
        opened = self._shelf.get(path)
        if opened and self._clock() - opened.looked_at > _LOOK_AGAIN:
            opened.looked_at = self._clock()
            if opened.mark != _mark(path):
                self._close(path)
                opened = None
        if opened is None:
            store = Store(path, read_only=True)
            opened = self._shelf[path] = _Opened(store, _mark(path), self._clock())
        try:
            return opened.answers()
        except KlarifyError:
            self._close(path)
            raise

    def close(self) -> None:
        """Close all stores."""
        for path in list(self._shelf):
            self._close(path)

    def _close(self, path: Path) -> None:
        self._shelf.pop(path).store.close()


def _mark(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one that takes its place."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class _Opened:
    """An open store."""

    def __init__(self, store: Store, mark: tuple[int, int] | None, looked_at: float) -> None:
        self.store = store
        self.mark = mark
        self.looked_at = looked_at
        self._version = 0
        self._answers = Answers(store, {})

    def answers(self) -> Answers:
        """Return the answers, new ones if somebody has written to the file."""
        version = self.store.version()
        if version != self._version:
            self._answers = Answers(self.store, self._answers.known())
            self._version = version
        return self._answers
