"""An SQLite file as a store: whose it is, its schema, its transactions, and errors in our words."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from klarify_xl.errors import BusyError, StoreError
from klarify_xl.schema import APPLICATION_ID, MIGRATIONS


class Database:
    """An SQLite file of ours; a context manager.

    Args:
        path: The file; it and its folder are made if missing.
        read_only: Open for reading only; the file must exist.

    Raises:
        StoreError: The file is damaged, is something else, or was made by a newer version.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self.path = Path(path)
        if read_only and not self.path.is_file():
            raise StoreError(
                f"There is no store at {self.path}.", hint="Run `klarify-xl refresh` first."
            )
        with self._explained():
            if not read_only:
                self._create_privately()
            # A reader that may not write leaves SQLite's side files behind when it closes.
            mode = "ro" if read_only and not os.access(self.path, os.W_OK) else "rw"
            address = f"{self.path.absolute().as_uri()}?mode={mode}"
            self._connection = sqlite3.connect(address, uri=True, timeout=10, isolation_level=None)
        try:
            with self._explained():
                self._prepare(read_only=read_only)
        except BaseException:
            self._connection.close()
            raise

    def _create_privately(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Owner only, as with other applications' data: the inventory is not for everybody.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))

    def _prepare(self, *, read_only: bool) -> None:
        application = self._value("PRAGMA application_id")
        version = self._value("PRAGMA user_version")
        is_new = version == 0 and not self._value("SELECT count(*) FROM sqlite_master")
        if not is_new and application != APPLICATION_ID:
            raise StoreError(
                f"{self.path} is a database of another program.", hint="Choose another --store."
            )
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{self.path} was made by a newer version of klarify-xl.",
                hint="Update klarify-xl, or choose another --store.",
            )
        if read_only:
            self._connection.execute("PRAGMA query_only = ON")
            return
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        if version < len(MIGRATIONS):
            self._migrate()

    def _migrate(self) -> None:
        with self._transaction():
            # Read again: another process may have been faster.
            version = self._value("PRAGMA user_version")
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's and the file system's errors into ours, naming the file."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise BusyError(
                    f"The store {self.path} is in use by another program.", hint="Try again soon."
                ) from None
            raise StoreError(
                f"The store {self.path} can't be used: {error}.",
                hint="Check the folder's permissions and free space. If the file is damaged, "
                "restore it from a backup, or move it away: the next refresh builds a new one, "
                "without the history.",
            ) from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that is read within be of one moment, whatever a refresh does meanwhile."""
        with self._explained():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with self._explained():
                self._connection.execute("COMMIT")

    def _value(self, statement: str, *values: object) -> Any:  # noqa: ANN401
        row = self._connection.execute(statement, values).fetchone()
        return row[0] if row else None

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let one refresh at a time use the store; readers go on.

        The lock is an SQLite lock on a file beside the store, which the system releases when the
        process ends, however it ends.

        Raises:
            BusyError: Another refresh holds it.
        """
        beside = self.path.with_name(self.path.name + ".lock")
        with self._explained():
            connection = sqlite3.connect(beside, timeout=0, isolation_level=None)
        with closing(connection):
            try:
                with self._explained():
                    connection.execute("BEGIN EXCLUSIVE")
            except BusyError:
                raise BusyError(
                    f"Another refresh is using the store {self.path}.",
                    hint="Wait until it has finished; nothing was changed.",
                ) from None
            yield

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
