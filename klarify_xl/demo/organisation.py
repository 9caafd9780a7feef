"""A sample organisation whose procedures live: seedable, repeatable, changing on demand."""

import random
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from klarify_xl.demo import vocabulary as words

_HOST: Final = "https://demo.klarify.me/process"
_OLDEST: Final = timedelta(days=4 * 365)
_DUPLICATE_SHARE: Final = 0.025
_UNRESOLVED_SHARE: Final = 0.03

Row = dict[str, Any]


@dataclass(frozen=True)
class Evolution:
    """What a step of the organisation's life did, by id."""

    edited: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


class Organisation:
    """An organisation with procedures, processes, subprocesses and tasks.

    The same arguments and the same calls give the same rows. Any thread may read and change it.

    Args:
        procedures: How many there are at first.
        seed: Chooses another organisation.
        now: The organisation's clock at the start (UTC); by default the present second.
    """

    def __init__(
        self, *, procedures: int = 1247, seed: int = 1, now: datetime | None = None
    ) -> None:
        self.lock = threading.RLock()
        self.version = 0
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self._random = random.Random(seed)
        self._rows: dict[str, Row] = {}
        self._next_number = 10_000
        self._owners = self._make_owners()
        for index in range(procedures):
            self._insert(self._new_row(self._past_stamp(index, procedures)))
        self._relate_all()

    @property
    def rows(self) -> list[Row]:
        """All rows in order of creation, as the API returns them."""
        with self.lock:
            return list(self._rows.values())

    def row(self, procedure_id: str) -> Row:
        """Return the row of an id."""
        with self.lock:
            return self._rows[procedure_id]

    def add(self, **fields: object) -> str:
        """Add a procedure, stamped now unless `fields` say otherwise, and return its id."""
        with self.lock:
            row = self._new_row(self.now)
            row.update(fields)
            self._insert(row)
            return str(row["id"])

    def edit(self, procedure_id: str, *, stamp: bool | datetime = True, **fields: object) -> None:
        """Change fields of a procedure.

        Args:
            procedure_id: Which one.
            stamp: True sets ``updated_at`` to the organisation's clock, False leaves it, a
                moment sets that.
            fields: New values.
        """
        with self.lock:
            row = dict(self._rows[procedure_id])
            row.update(fields)
            if stamp is not False:
                row["updated_at"] = format_stamp(self.now if stamp is True else stamp)
            self._rows[procedure_id] = row
            self.version += 1

    def remove(self, procedure_id: str) -> None:
        """Remove a procedure."""
        with self.lock:
            del self._rows[procedure_id]
            self.version += 1

    def evolve(
        self,
        now: datetime | None = None,
        *,
        edits: int = 9,
        additions: int = 4,
        removals: int = 3,
    ) -> Evolution:
        """Let some time pass: people edit, add and remove procedures.

        Args:
            now: The organisation's clock from now on (UTC); by default an hour later.
            edits: Procedures to edit, as far as there are that many.
            additions: Procedures to add.
            removals: Procedures to remove, as far as there are that many.
        """
        with self.lock:
            self.now = (now or self.now + timedelta(hours=1)).replace(microsecond=0)
            ids = list(self._rows)
            chosen = self._random.sample(ids, min(len(ids), edits + removals))
            removed, edited = chosen[:removals], chosen[removals:]
            for procedure_id in edited:
                self._edit_somehow(procedure_id)
            for procedure_id in removed:
                self.remove(procedure_id)
            added = [self.add() for _ in range(additions)]
            return Evolution(tuple(edited), tuple(added), tuple(removed))

    def _edit_somehow(self, procedure_id: str) -> None:
        row = self._rows[procedure_id]
        choice = self._random.randrange(4)
        if choice == 0:
            self.edit(procedure_id, owner=self._random.choice(self._owners))
        elif choice == 1:
            self.edit(procedure_id, name=f"{row['name']} (revised {self.now:%d %b %Y})")
        elif choice == 2 and row["status"] != "published":
            self.edit(procedure_id, status="published")
        else:
            lane = self._random.choice(words.DEPARTMENTS)
            lanes = [one for one in row["lanes"] if one != lane]
            self.edit(procedure_id, lanes=[*lanes, lane])

    def _insert(self, row: Row) -> None:
        self._rows[str(row["id"])] = row
        self.version += 1

    def _make_owners(self) -> list[str]:
        owners = [
            f"{self._random.choice(words.FIRST_NAMES)} {self._random.choice(words.LAST_NAMES)}"
            for _ in range(40)
        ]
        # As in real organisations: addresses among the names, and near-duplicates of some.
        addresses = [f"{owner.split()[0].lower()}@example.com" for owner in owners[:5]]
        return [*owners, *addresses, owners[0].upper(), owners[1].replace(" ", "  "), ""]

    def _past_stamp(self, index: int, procedures: int) -> datetime:
        """Return a stamp before now; older procedures tend to have older stamps."""
        share = self._random.random() * (1 - 0.6 * index / max(1, procedures))
        return self.now - timedelta(seconds=int(3600 + share**2 * _OLDEST.total_seconds()))

    def _new_row(self, stamp: datetime) -> Row:
        procedure_id = self._new_id()
        chance = self._random
        return {
            "id": procedure_id,
            "name": self._new_name(),
            "status": chance.choices(("published", "draft", "archived"), (80, 15, 5))[0],
            "owner": chance.choice(self._owners),
            "performer": chance.choice((*words.ROLES, *words.ROLES, "")),
            "updated_at": format_stamp(stamp),
            "url": f"{_HOST}/{procedure_id}",
            "lanes": chance.sample(words.DEPARTMENTS, chance.choice((0, 1, 1, 2, 2, 3, 4))),
            "called_within": [],
            "called_from": [],
        }

    def _new_id(self) -> str:
        self._next_number += 1
        if self._random.random() < 0.5:
            return str(self._next_number)
        return f"proc_{self._random.getrandbits(20):05x}{self._next_number:x}"

    def _new_name(self) -> str:
        chance = self._random
        if self._rows and chance.random() < _DUPLICATE_SHARE:
            # The newest ones suffice: choosing among all would take time for each row.
            return str(next(reversed(self._rows.values()))["name"])
        subject, scope = chance.choice(words.SUBJECTS), chance.choice(words.SCOPES)
        level = chance.randrange(4)
        if level == 0:
            name = f"{subject} Process"
        elif level == 1:
            name = f"{subject} Subprocess"
        elif level == 2:
            name = f"{chance.choice(words.VERBS)} {subject.lower()}"
        else:
            name = f"{subject} – {chance.choice(words.DEPARTMENTS)}"
        suffix = f" – {scope}" if scope else ""
        return f"{name}{suffix} {self._next_number - 10_000:03d}"

    def _relate_all(self) -> None:
        """Give procedures about 1.4 references each, by name as the API has them."""
        rows = list(self._rows.values())
        names = [row["name"] for row in rows]
        duplicated = [name for name, count in _counts(names).items() if count > 1]
        chance = self._random
        for index, row in enumerate(rows):
            for key, most in (("called_within", 2), ("called_from", 3)):
                count = chance.choices(range(most + 1), (45, 40, 10, 5)[: most + 1])[0]
                row[key] = [self._reference(index, names, duplicated) for _ in range(count)]

    def _reference(self, index: int, names: list[str], duplicated: list[str]) -> str:
        chance = self._random
        draw = chance.random()
        if draw < _UNRESOLVED_SHARE:
            return f"{chance.choice(words.SUBJECTS)} (retired)"
        if duplicated and draw < 2 * _UNRESOLVED_SHARE:
            return chance.choice(duplicated)
        # Mostly an earlier one among the first, so that hubs form; seldom itself or a later one.
        if draw > 0.97:
            return chance.choice(names)
        return names[int(chance.random() ** 2 * index)]


def format_stamp(moment: datetime) -> str:
    """Return a moment as the API writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _counts(names: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts
