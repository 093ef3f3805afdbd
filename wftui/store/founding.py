"""How a journal comes into being, and how an older one becomes one of today."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from wftui.store import schema
from wftui.store.database import StoreDamagedError
from wftui.store.manifest import sync_folder

BESIDE: Final = ".new"
"""What the name of a journal ends with until its tables are made."""


def put_new(path: Path) -> None:
    """Make an empty journal beside its place and move it there: a reader finds none or a whole one, no half.

    Raises:
        sqlite3.Error, OSError: There is none, and nothing of it is left.
    """
    beside = path.with_name(path.name + BESIDE)
    _remove(beside, "", "-wal", "-shm")  # what a killed start left
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        connection = sqlite3.connect(beside, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = OFF")  # made to last at once, below
            make_tables(connection, 0, path)
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        os.fsync(descriptor)
        _remove(path, "-wal", "-shm")  # a WAL whose journal is gone would be read into the new one
        beside.rename(path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            _remove(beside, "", "-wal", "-shm")
        raise
    finally:
        os.close(descriptor)


def _remove(path: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def make_tables(connection: sqlite3.Connection, version: int, path: Path | None) -> None:
    """Lead the tables from a version to ours; 0: from nothing.

    Raises:
        StoreDamagedError: There are tables, but they have no version of ours.
        sqlite3.Error: They stay as they were.
    """
    if version == 0:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables:
            raise StoreDamagedError(f"{path}: an SQLite file, but not a journal of wftop")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.executescript(
            f"BEGIN; {schema.TABLES} PRAGMA application_id = {schema.APPLICATION_ID};"
            "PRAGMA user_version = 1; COMMIT;"
        )
        version = 1
    for number in range(version + 1, schema.VERSION + 1):
        connection.executescript(f"BEGIN; {schema.MIGRATIONS[number]} PRAGMA user_version = {number}; COMMIT;")
