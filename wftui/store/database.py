"""A connection to a journal for questions, and SQLite's errors as ours."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from wftui.errors import StoreError
from wftui.store import schema

Value = int | float | str | bytes | None


class StoreUnavailableError(StoreError):
    """The disk does not take it now (full, read-only, I/O error): keep the data, try again."""


class StoreFullError(StoreUnavailableError):
    """The disk, or the share of it that we may have, is full."""


class StoreDamagedError(StoreError):
    """The file is damaged: it is renamed aside, and a new one begun."""


class StoreNewerError(StoreError):
    """A newer wftop wrote the file: it is left untouched."""


_DAMAGED: Final = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        # What we write and ask is right, so it is the file that is not: lengths, types and rows that cannot be.
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
    }
)
_SAID: Final = ("no such table", "no such column", "no such index", "malformed", "Could not decode")
"""Of errors with no code of their own: tables of ours that are not there, text that is none."""


class Database:
    """A connection to a journal, for questions."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self.path = path
        """None: in memory."""

    def rows(self, sql: str, parameters: Sequence[Value] = ()) -> Iterator[tuple[Any, ...]]:  # Any: SQLite's cells
        """Rows of a question, as they come.

        Raises:
            StoreDamagedError, StoreUnavailableError: As the names say.
        """
        try:
            yield from self._connection.execute(sql, parameters)
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def copy_to(self, target: Path) -> None:
        """Write all of it, as it is at one moment, into a new file; a recorder may go on writing.

        Raises:
            StoreDamagedError, StoreUnavailableError: As the names say.
        """
        try:
            copy = sqlite3.connect(target)
            try:
                self._connection.backup(copy)
                # A file that stands alone: nothing beside it, readable from a read-only folder.
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def check(self) -> str:
        """What SQLite finds wrong with the file; empty: nothing. Ticks have checksums of their own.

        Raises:
            StoreDamagedError, StoreUnavailableError: It cannot even look.
        """
        (found,) = next(self.rows("PRAGMA quick_check(1)"))
        return "" if found == "ok" else str(found)

    def close(self) -> None:
        """Close the connection. Twice is harmless, and a damaged file is no reason to fail: nothing is written."""
        with suppress(sqlite3.Error):
            self._connection.close()


def translate(error: sqlite3.Error, path: Path | None) -> StoreError:
    """SQLite's error as one of ours; ``path`` None: in memory."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in _DAMAGED or (primary in (None, sqlite3.SQLITE_ERROR) and any(w in str(error) for w in _SAID)):
        return StoreDamagedError(f"{path}: {error}")
    if primary == sqlite3.SQLITE_FULL:
        return StoreFullError(f"{path or 'memory'}: {error}")
    return StoreUnavailableError(f"{path or 'memory'}: {error}")


def open_reader(path: Path) -> Database:
    """A read-only connection, whether a recorder writes the file or not.

    Raises:
        StoreError: There is no journal, it is damaged, or a newer wftop wrote it.
    """
    if not path.exists():
        raise StoreUnavailableError(f"{path}: there is no journal")
    uri = path.absolute().as_uri()
    try:
        connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=5, check_same_thread=False)
        try:
            check_version(connection, path)
        except sqlite3.OperationalError:
            # A read-only folder without -shm: nobody writes there, so the file cannot change under us.
            connection.close()
            connection = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, check_same_thread=False)
            check_version(connection, path)
    except sqlite3.Error as error:
        raise translate(error, path) from error
    return Database(connection, path)


def open_immutable(path: Path) -> Database:
    """A connection to a file that nobody writes, as it is without its WAL.

    Raises:
        StoreError: As ``open_reader``.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        check_version(connection, path)
    except sqlite3.Error as error:
        raise translate(error, path) from error
    return Database(connection, path)


def check_version(connection: sqlite3.Connection, path: Path | None) -> int:
    """Version of the journal's tables; 0: there are none.

    Raises:
        StoreNewerError: A newer wftop wrote it.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > schema.VERSION:
        raise StoreNewerError(
            f"{path}: written by a newer wftop (schema {version}, this one knows {schema.VERSION}); left untouched"
        )
    return int(version)
