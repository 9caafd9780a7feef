"""The local store of one organisation: all SQL stands here.

One SQLite file in WAL mode holds the current rows, their history field by field, the log of
refreshes and the watermark. A refresh is one transaction; readers never wait for it. A procedure
that is no longer listed keeps its row, so that its history and notes find it when it returns.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from klarify_xl.database import Database
from klarify_xl.model import Procedure, differences, parse_raw
from klarify_xl.records import Change, ChangeKind, Mode, Refresh, State, Update

_ROWS_AT_ONCE: Final = 1000


class Store(Database):
    """The local store of one organisation; a context manager.

    Args:
        path: The file; it and its folder are made if missing.
        read_only: Open for reading only; the file must exist.

    Raises:
        StoreError: The file is damaged, is something else, or was made by a newer version.
    """

    _applied: Mapping[str, Procedure] = MappingProxyType({})
    """What was stored last, by raw text."""

    def state(self) -> State:
        """Return where the last successful refresh left off."""
        with self._explained():
            rows = dict(self._connection.execute("SELECT name, value FROM state"))
        return State(
            base_url=rows.get("base_url") or "",
            watermark=_moment(rows.get("watermark")),
            last_full_at=_moment(rows.get("last_full_at")),
            shortfall=int(rows.get("shortfall") or 0),
            quarantined=int(rows.get("quarantined") or 0),
            kept=int(rows.get("kept") or 0),
            key_mark=rows.get("key_mark") or "",
            page_size=int(rows.get("page_size") or 0),
        )

    def salt(self) -> bytes:
        """Return the store's own random salt for key marks, made at the first call."""
        with self._explained():
            insert = "INSERT OR IGNORE INTO state VALUES ('salt', ?)"
            self._connection.execute(insert, (secrets.token_hex(16),))
            return bytes.fromhex(self._value("SELECT value FROM state WHERE name = 'salt'"))

    def listed_ids(self) -> set[str]:
        """Return the ids of all procedures listed now."""
        with self._explained():
            rows = self._connection.execute("SELECT id FROM procedures WHERE listed")
            return {row[0] for row in rows}

    def procedures(self, known: Mapping[str, Procedure] = MappingProxyType({})) -> list[Procedure]:
        """Return all procedures listed now, in the order of their ids.

        Args:
            known: Procedures by their raw texts, which need not be parsed again.
        """
        known = known or self._applied
        with self._explained():
            rows = self._connection.execute("SELECT raw FROM procedures WHERE listed ORDER BY id")
            return [known.get(row[0]) or parse_raw(row[0]) for row in rows]

    def last_seen(self, procedure_id: str) -> Procedure | None:
        """Return a procedure as it is, or as it was when it was last listed, if it ever was."""
        if any("\ud800" <= character <= "\udfff" for character in procedure_id):
            # SQLite knows no half characters, and ids have none.
            return None
        with self._explained():
            raw = self._value("SELECT raw FROM procedures WHERE id = ?", procedure_id)
        return parse_raw(raw) if raw else None

    def version(self) -> int:
        """Return a number that is another one after anybody else has written to the file.

        SQLite compares it with the file's own counter, which costs microseconds.
        """
        with self._explained():
            return int(self._value("PRAGMA data_version"))

    def ids(self) -> list[str]:
        """Return the ids of all procedures that were ever listed."""
        with self._explained():
            return [row[0] for row in self._connection.execute("SELECT id FROM procedures")]

    def apply(self, update: Update) -> Refresh:
        """Store what a walk brought, with its history, log line and watermark, or nothing.

        Raises:
            StoreError: The file can't be written; it is as it was.
        """
        with self._explained(), self._transaction():
            number = 1 + self.last_refresh()
            changes = self._store_rows(update, number)
            refresh = self._log(update, number, changes)
            self._connection.executemany(
                "INSERT INTO changes (refresh, procedure, kind, field, old, new) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                ((number, *change) for change in changes),
            )
            self._connection.executemany(
                "INSERT OR REPLACE INTO state VALUES (?, ?)", _state_rows(update.state)
            )
        # They are likely to be asked for next.
        self._applied = {one.raw: one for one in update.read.values()}
        return refresh

    def _store_rows(self, update: Update, number: int) -> list[tuple[str | None, ...]]:
        """Write the rows that differ; return (procedure, kind, field, old, new) for each change."""
        changes: list[tuple[str | None, ...]] = []
        written = []
        known = self._known if update.mode == "incremental" else self._all_known()
        for procedure_id, new in update.read.items():
            raw, listed = known(procedure_id)
            if raw == new.raw and listed:
                continue
            if not raw:
                written.append(_row(new, number))
                changes.append((procedure_id, "added", None, None, None))
                continue
            old = parse_raw(raw)
            kind = "changed" if listed else "returned"
            rows: list[tuple[str | None, ...]] = [
                (procedure_id, kind, change.field, change.old, change.new)
                for change in differences(old, new)
            ]
            if not rows and listed and old.remarks == new.remarks:
                # The same in another spelling, such as another order of names.
                continue
            written.append(_row(new, number))
            if not rows and not listed:
                rows = [(procedure_id, kind, None, None, None)]
            changes += rows
        changes += [(lost, "removed", None, None, None) for lost in sorted(update.removed)]
        self._connection.executemany(
            "INSERT INTO procedures VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET raw = excluded.raw, updated_at = excluded.updated_at, listed = 1, "
            "last_refresh = excluded.last_refresh",
            written,
        )
        self._connection.executemany(
            "UPDATE procedures SET listed = 0, last_refresh = ? WHERE id = ?",
            ((number, lost) for lost in update.removed),
        )
        return changes

    def _known(self, procedure_id: str) -> tuple[str, bool]:
        """Return a procedure's raw text and whether it is listed; "" if it was never seen."""
        row = self._connection.execute(
            "SELECT raw, listed FROM procedures WHERE id = ?", (procedure_id,)
        ).fetchone()
        return (row[0], bool(row[1])) if row else ("", False)

    def _all_known(self) -> Callable[[str], tuple[str, bool]]:
        """Return what tells the same of any procedure, asking the file only once."""
        rows = self._connection.execute("SELECT id, raw, listed FROM procedures")
        known = {row[0]: (row[1], bool(row[2])) for row in rows}
        return lambda procedure_id: known.get(procedure_id, ("", False))

    def _log(self, update: Update, number: int, changes: list[tuple[str | None, ...]]) -> Refresh:
        def count(kind: ChangeKind) -> int:
            return len({change[0] for change in changes if change[1] == kind})

        before, after = self.state(), update.state
        is_first = self.receipt() is None
        is_odd = (before.shortfall, before.quarantined, before.kept) != (
            after.shortfall,
            after.quarantined,
            after.kept,
        )
        news = bool(changes) or is_first or is_odd
        refresh = Refresh(
            id=number,
            started_at=update.started_at,
            finished_at=update.finished_at,
            mode=update.mode,
            reason=update.reason,
            outcome="changed" if news else "unchanged",
            requests=update.requests,
            fetched=len(update.read),
            listed=self._value("SELECT count(*) FROM procedures WHERE listed"),
            total_count=update.total_count,
            quarantined=after.quarantined,
            shortfall=after.shortfall,
            kept=after.kept,
            watermark=after.watermark,
            added=count("added"),
            changed=count("changed"),
            removed=count("removed"),
            returned=count("returned"),
        )
        self._insert_refresh(refresh)
        return refresh

    def _insert_refresh(self, refresh: Refresh) -> None:
        values = [getattr(refresh, column.name) for column in fields(refresh)]
        marks = ", ".join("?" * len(values))
        self._connection.execute(
            f"INSERT INTO refreshes VALUES ({marks})",  # noqa: S608 -- question marks only
            [value.isoformat() if isinstance(value, datetime) else value for value in values],
        )

    def record_failure(
        self, mode: Mode, started_at: datetime, finished_at: datetime, requests: int, error: str
    ) -> None:
        """Add a failed refresh to the log; nothing else changes.

        Args:
            mode: Kind of the walk.
            started_at: Begin (UTC).
            finished_at: End (UTC).
            requests: Requests sent.
            error: What went wrong, without the key.
        """
        with self._explained(), self._transaction():
            self._insert_refresh(
                Refresh(
                    id=1 + self.last_refresh(),
                    started_at=started_at,
                    finished_at=finished_at,
                    mode=mode,
                    reason="",
                    outcome="failed",
                    requests=requests,
                    listed=self._value("SELECT count(*) FROM procedures WHERE listed"),
                    error=error,
                )
            )

    def refreshes(self) -> list[Refresh]:
        """Return the refresh log, oldest first."""
        with self._explained():
            rows = self._connection.execute("SELECT * FROM refreshes ORDER BY id")
            return [_refresh(row) for row in rows]

    def last_refresh(self) -> int:
        """Return the number of the last refresh in the log, 0 before the first."""
        with self._explained():
            return int(self._value("SELECT max(id) FROM refreshes") or 0)

    def receipt(self) -> Refresh | None:
        """Return the last refresh that found something new, which the data is from."""
        with self._explained():
            row = self._connection.execute(
                "SELECT * FROM refreshes WHERE outcome = 'changed' ORDER BY id DESC LIMIT 1"
            ).fetchone()
        return _refresh(row) if row else None

    def changes(self, *, since: int = 1, of: str | None = None) -> list[Change]:
        """Return the history from a refresh on, newest refresh first.

        Args:
            since: Number of the first refresh to include.
            of: Id of the only procedure to include.
        """
        with self._explained():
            one = "" if of is None else "AND procedure = ?"
            rows = self._connection.execute(
                "SELECT refresh, started_at, procedure, kind, field, old, new "  # noqa: S608 -- a question mark only
                "FROM changes JOIN refreshes ON refreshes.id = refresh "
                f"WHERE refresh >= ? {one} ORDER BY refresh DESC, changes.rowid",
                (since,) if of is None else (since, of),
            )
            # A procedure may have any number of changes, and its row takes time to parse.
            name = cache(lambda procedure_id: parse_raw(self._known(procedure_id)[0]).name)
            moment = cache(datetime.fromisoformat)
            return [
                Change(number, moment(at), id_, name(id_), *what) for number, at, id_, *what in rows
            ]

    def verified_at(self) -> datetime | None:
        """Return when the data was last compared with the API, whether or not it had changed."""
        with self._explained():
            return _moment(
                self._value("SELECT max(finished_at) FROM refreshes WHERE outcome <> 'failed'")
            )

    def unchanged_since(self, moment: datetime) -> int:
        """Return how many listed procedures last changed at or before a moment."""
        with self._explained():
            return int(
                self._value(
                    "SELECT count(*) FROM procedures WHERE listed AND updated_at <= ?",
                    moment.isoformat(),
                )
            )

    def digest(self) -> str:
        """Return a checksum of all that a workbook is made from: rows and receipt."""
        checksum = hashlib.sha256()
        with self._explained():
            rows = self._connection.execute("SELECT raw FROM procedures WHERE listed ORDER BY id")
            while some := rows.fetchmany(_ROWS_AT_ONCE):
                # In one piece: each call takes longer than what it does.
                checksum.update("\n".join([row[0] for row in some]).encode())
                checksum.update(b"\n")
        checksum.update(repr(self.receipt()).encode("utf-8", "backslashreplace"))
        return checksum.hexdigest()


def _row(procedure: Procedure, number: int) -> tuple[str, str, str | None, int, int]:
    stamp = procedure.updated_at.isoformat() if procedure.updated_at else None
    return procedure.id, procedure.raw, stamp, number, number


def _state_rows(state: State) -> list[tuple[str, str | None]]:
    values = ((column.name, getattr(state, column.name)) for column in fields(state))
    return [
        (name, value.isoformat() if isinstance(value, datetime) else str(value or ""))
        for name, value in values
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _refresh(row: tuple[Any, ...]) -> Refresh:
    names = [column.name for column in fields(Refresh)]
    values = dict(zip(names, row, strict=True))
    for name in ("started_at", "finished_at", "watermark"):
        values[name] = _moment(values[name])
    return Refresh(**values)
