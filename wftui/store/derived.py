"""history.duckdb: what was recorded as one file that any DuckDB client opens, made from the segments.

It holds nothing of its own: losing it costs nothing. It is built beside and renamed over, so that a client that
has it open keeps what it has, and no client ever keeps a sealer waiting. ``docs/history.md`` describes it.
"""

import os
import shutil
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import msgspec

from wftui import __version__
from wftui.errors import StoreError
from wftui.store import derived_tables as tables
from wftui.store import derived_views as views
from wftui.store import manifest
from wftui.store.duck import VERSION as DUCKDB_VERSION
from wftui.store.duck import connect
from wftui.store.manifest import Manifest, Segment
from wftui.store.sql import name as quoted
from wftui.store.sql import text

NAME: Final = "history.duckdb"
VERSION: Final = 1
"""Of its tables; a file of an older one is made anew, one of a newer left untouched."""
STORAGE: Final = "v1.0.0"
"""Storage format: DuckDB 1.0 opens it, too."""
BOUND: Final = 20_000
"""Columns of all files that ``metrics_timeseries`` and ``samples()`` read: 48 h of 400 series, 10 h of 2,000.
DuckDB looks at each when a view is made: 48 h of 2,000 series took 1 s and 270 MB of the sealer."""
_BLOCK: Final = 1 << 20


class Reach(NamedTuple):
    """What a history.duckdb says of itself."""

    schema_version: int
    program: str
    """wftop's version that made it."""
    made_ns: int
    sealed_ns: int
    """Behind the last second in it; 0: none."""
    sealed_seq: int
    files: int
    """``fingerprint`` of the segments that it was made from."""


def fingerprint(made: Manifest) -> int:
    """Changes whenever segments come, go, are merged or written anew."""
    return zlib.crc32("\n".join(sorted(f"{item.file} {item.crc32}" for item in made.segments)).encode())


def reach(data_dir: Path) -> Reach | None:
    """What the file in a data dir says; None: there is none.

    Raises:
        StoreError: It cannot be opened, or is no file of ours.
    """
    path = data_dir / NAME
    if not path.exists():
        return None
    connection = connect([], files=[path, wal(path)])
    try:
        connection.execute(f"ATTACH {text(str(path))} AS history (READ_ONLY)")
        return _reach(connection)
    except duckdb.Error as error:
        raise StoreError(f"{path}: {first_line(error)}") from error
    finally:
        connection.close()


def _reach(connection: duckdb.DuckDBPyConnection) -> Reach:
    row = connection.execute(
        "SELECT schema_version, wftop_version, epoch_ns(made_at), epoch_ns(sealed_until), sealed_seq, files"
        " FROM history.meta"
    ).fetchone()
    if row is None:
        raise StoreError(f"{NAME}: says nothing of itself")
    return Reach(row[0], row[1], row[2], row[3] or 0, row[4], row[5])


def wal(path: Path) -> Path:
    """Where DuckDB keeps a log beside a database."""
    return path.with_name(f"{path.name}.wal")


def first_line(error: duckdb.Error) -> str:
    """DuckDB's message without the lines that show where."""
    return str(error).partition("\n")[0]


def refresh(data_dir: Path, now_ns: int) -> None:
    """Bring history.duckdb up to the manifest; made anew when it is missing, damaged or of an older version.

    Args:
        data_dir: Of the recording; the seal lock is the caller's.
        now_ns: UTC.

    Raises:
        StoreError, OSError: It could not be made, or a newer wftop made it; the old one stays.
    """
    made = manifest.load(data_dir)
    try:
        old = reach(data_dir)
    except StoreError:
        old = None
    if old is not None and old.schema_version > VERSION:
        raise StoreError(
            f"{data_dir / NAME}: written by a newer wftop (schema {old.schema_version}, this one knows {VERSION});"
            " left untouched; wftop doctor --rebuild makes it anew"
        )
    usable = old is not None and old.schema_version == VERSION and old.program == __version__
    if usable and old is not None and (old.sealed_seq, old.files) == (made.sealed_seq, fingerprint(made)):
        return
    if usable:
        # A copy that turns out to be of no use costs a moment: it is made anew.
        with suppress(StoreError):
            _replace(data_dir, _present(data_dir, made), now_ns, made, anew=False)
            return
    rebuild(data_dir, now_ns)


def rebuild(data_dir: Path, now_ns: int) -> None:
    """Make history.duckdb anew from the segments.

    Raises:
        StoreError, OSError: It could not be made; the old one stays.
    """
    made = manifest.load(data_dir)
    try:
        _replace(data_dir, _present(data_dir, made), now_ns, made, anew=True)
    except StoreError:
        # One file that cannot be read must not take the others with it.
        whole = [item for item in made.segments if is_whole(data_dir, item)]
        if len(whole) == len(made.segments):
            raise
        _replace(data_dir, msgspec.structs.replace(made, segments=tuple(whole)), now_ns, made, anew=True)


def _present(data_dir: Path, made: Manifest) -> Manifest:
    """Without segments whose files are gone, and without rollups that are not what was written."""
    folder = data_dir / manifest.FOLDER
    there = tuple(item for item in made.segments if (folder / item.file).exists())
    return msgspec.structs.replace(made, segments=there)


def is_whole(data_dir: Path, item: Segment) -> bool:
    """Whether a segment is what was written."""
    crc = 0
    try:
        with (data_dir / manifest.FOLDER / item.file).open("rb") as file:
            while block := file.read(_BLOCK):
                crc = zlib.crc32(block, crc)
    except OSError:
        return False
    return crc == item.crc32


def _replace(data_dir: Path, made: Manifest, now_ns: int, whole: Manifest, *, anew: bool) -> None:
    target = data_dir / NAME
    beside = data_dir / f"{NAME}.tmp"
    try:
        _remove(beside)
        if not anew:
            shutil.copyfile(target, beside)
            beside.chmod(0o600)
        write(beside, data_dir, made, now_ns, whole, anew=anew)
        beside.chmod(0o600)
        # A client that opened the old one for writing may have left its log: it is not the new one's.
        wal(target).unlink(missing_ok=True)
        os.replace(beside, target)  # noqa: PTH105  one name for what tests make fail
        manifest.sync_folder(data_dir)
    finally:
        _remove(beside)


def tidy(data_dir: Path) -> None:
    """Remove what a sealer that was killed had begun; the seal lock is the caller's.

    Raises:
        OSError: It cannot be removed.
    """
    _remove(data_dir / f"{NAME}.tmp")


def _remove(path: Path) -> None:
    for item in (path, wal(path)):
        item.unlink(missing_ok=True)


def write(
    path: Path, data_dir: Path, made: Manifest, now_ns: int, whole: Manifest | None = None, *, anew: bool
) -> None:
    """Fill a database file.

    Args:
        path: New, or a copy of an older one.
        data_dir: Of the recording.
        made: What it is made from.
        now_ns: UTC.
        whole: What it stands for: with the segments that could not be read.
        anew: The file does not exist.

    Raises:
        StoreError: It could not be written, or the copy is of no use.
    """
    folder = data_dir / manifest.FOLDER
    # The folder, not the file: DuckDB puts its log, and a log of the log, beside it.
    connection = connect([folder, path.parent], keep_footers=True)
    try:
        form = f" (STORAGE_VERSION {text(STORAGE)})" if anew else ""
        connection.execute(f"ATTACH {text(str(path))} AS history{form}")
        connection.execute("USE history")
        if anew:
            tables.create(connection, tables.COLUMNS)
        connection.execute("BEGIN")
        _series(connection, made)
        _steps(connection, data_dir, made)
        _events(connection, folder, made)
        rows = tables.sessions(data_dir)
        if rows is not None:
            tables.fill_sessions(connection, rows)
        for statement in catalogue(connection, folder, made):
            connection.execute(statement)
        tables.create(connection, ["meta"])
        connection.execute(
            f"INSERT INTO meta VALUES (?, ?, ?, {tables.timestamp(now_ns)},"  # noqa: S608  a number
            " make_timestamp(nullif(?, 0) // 1000), ?, ?, ?)",
            [VERSION, __version__, DUCKDB_VERSION, tables.sealed_until_ns(made), made.sealed_seq,
             made.sealed_event_seq, fingerprint(whole or made)],
        )  # fmt: skip
        connection.execute("COMMIT")
        connection.execute("USE memory")
        connection.execute("DETACH history")
    except duckdb.Error as error:
        raise StoreError(f"{path}: {first_line(error)}") from error
    finally:
        connection.close()


def _series(connection: duckdb.DuckDBPyConnection, made: Manifest) -> None:
    before = {row[0] for row in connection.execute("SELECT id FROM series").fetchall()}
    tables.create(connection, ["series"])
    tables.fill_series(connection, made.columns, made)
    gone = before - {row[0] for row in connection.execute("SELECT id FROM series").fetchall()}
    if gone:
        connection.execute(
            "DELETE FROM metrics_5m WHERE series_id IN (SELECT unnest(?::INTEGER[]))", [sorted(gone)]
        )


def _steps(connection: duckdb.DuckDBPyConnection, data_dir: Path, made: Manifest) -> None:
    low = tables.begin(made)
    (last,) = _one(connection, "SELECT coalesce(max(seq), -1) + 1 FROM metrics_5m")
    (cut,) = _one(
        connection,
        f"SELECT coalesce(max(epoch(sealed_until)::BIGINT % {tables.STEP_S} <> 0), false) FROM meta",  # noqa: S608  a number
    )
    if cut:
        # A seal of everything ended inside a step, which has grown since: it is read once more.
        last -= 1
        connection.execute("DELETE FROM metrics_5m WHERE seq >= ?", [last])
    connection.execute("DELETE FROM metrics_5m WHERE seq < ?", [low])
    after = max(low, last)
    sound = [item for item in made.of(manifest.R300) if item.last_seq >= after and is_whole(data_dir, item)]
    there = msgspec.structs.replace(made, segments=tuple(sound))
    for query in tables.steps(data_dir / manifest.FOLDER, there, after):
        connection.execute(f"INSERT INTO metrics_5m {query}")


def _events(connection: duckdb.DuckDBPyConnection, folder: Path, made: Manifest) -> None:
    first = min((item.first_seq for item in made.of(manifest.EVENT)), default=made.sealed_event_seq + 1)
    connection.execute("DELETE FROM events WHERE seq < ?", [first])
    (last,) = _one(connection, "SELECT coalesce(max(seq), 0) FROM events")
    tables.fill_events(connection, folder, made, last)
    tables.fill_alerts(connection)


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:  # Any: SQL's cells
    row = connection.execute(sql).fetchone()
    assert row is not None  # noqa: S101  an aggregate always has a row
    return row


def catalogue(connection: duckdb.DuckDBPyConnection, folder: Path, made: Manifest) -> list[str]:
    """Statements that make the views and macros."""
    raw = views.raw_sources(folder, views.recent(made, BOUND))
    last = views.last_sources(folder, made)
    found = [
        f"CREATE OR REPLACE VIEW metrics_timeseries AS {views.timeseries(raw)}",
        f"CREATE OR REPLACE MACRO samples(pattern) AS TABLE {views.samples(raw)}",
        f"CREATE OR REPLACE VIEW metrics_snapshots AS {views.snapshots(last, 'series')}",
    ]
    sources = dict(views.table_sources(folder, made))
    for name in views.KNOWN:
        sources.setdefault(name, views.NO_ROWS)
    for name, source in sources.items():
        found += table_views(connection, name, source)
    return found


def table_views(connection: duckdb.DuckDBPyConnection, name: str, source: str) -> list[str]:
    """Statements that make a table's view and its ``…_at(moment)``."""
    known = columns_of(connection, source)
    schema = views.schema_of(name)
    return [
        f"CREATE OR REPLACE VIEW {quoted(name)} AS {views.table(source, known, schema)}",
        f"CREATE OR REPLACE MACRO {quoted(f'{name}_at')}(moment) AS TABLE {views.table_at(source, known, schema)}",
    ]


def columns_of(connection: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    """Names of a relation's columns."""
    return [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]  # noqa: S608  made of quoted names
