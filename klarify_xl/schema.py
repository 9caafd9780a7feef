"""The tables of the store, and the steps that lead an older file to them."""

from typing import Final

APPLICATION_ID: Final = 0x4B4C5846
"""Marks an SQLite file as ours ("KLXF")."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT) STRICT, WITHOUT ROWID""",
        """CREATE TABLE procedures (
            id TEXT PRIMARY KEY,
            raw TEXT NOT NULL,
            updated_at TEXT,
            listed INTEGER NOT NULL,
            first_refresh INTEGER NOT NULL,
            last_refresh INTEGER NOT NULL
        ) STRICT""",
        """CREATE TABLE refreshes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            started_at TEXT NOT NULL,
            finished_at TEXT NOT NULL,
            mode TEXT NOT NULL,
            reason TEXT NOT NULL,
            outcome TEXT NOT NULL,
            requests INTEGER NOT NULL,
            listed INTEGER NOT NULL,
            fetched INTEGER NOT NULL,
            total_count INTEGER NOT NULL,
            quarantined INTEGER NOT NULL,
            shortfall INTEGER NOT NULL,
            kept INTEGER NOT NULL,
            added INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            removed INTEGER NOT NULL,
            returned INTEGER NOT NULL,
            watermark TEXT,
            error TEXT
        ) STRICT""",
        """CREATE TABLE changes (
            refresh INTEGER NOT NULL REFERENCES refreshes (id),
            procedure TEXT NOT NULL,
            kind TEXT NOT NULL,
            field TEXT,
            old TEXT,
            new TEXT
        ) STRICT""",
        "CREATE INDEX changes_by_refresh ON changes (refresh)",
        "CREATE INDEX changes_by_procedure ON changes (procedure)",
    ),
)
"""Statements that lead from each schema version to the next; never edited once released."""
