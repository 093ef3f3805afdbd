"""Questions in SQL: the tables of history.duckdb and the journal's live hour in one locked-down connection.

It reads segments and history.duckdb, writes nothing but the answer's file, and runs one statement that only
reads. What a question does not name is not made, so that a question about sessions opens no segment.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import msgspec

from wftui import __version__
from wftui.errors import StoreError, UsageError, WftopError
from wftui.model.event import Event
from wftui.store import aside, database, derived, derived_tables, manifest
from wftui.store import derived_live as live
from wftui.store import derived_views as views
from wftui.store.database import Database
from wftui.store.duck import connect
from wftui.store.manifest import Manifest
from wftui.store.read import Reader
from wftui.store.sql import text

MEMORY_MB: Final = 256
DEADLINE_S: Final = 30.0
_EVERYTHING: Final = re.compile(r"\b(show|information_schema|duckdb_\w+|pragma_\w+|sqlite_master|pg_\w+)\b", re.I)
_EXPLAIN: Final = re.compile(r"\s*explain(\s+analyze)?\s", re.I)
_READS: Final = duckdb.StatementType.SELECT
_EVENTS: Final = 1_000_000
_ROWS: Final = 2000
"""Fetched at once."""
_MEMORY: Final = "the answer needs more memory than --memory allows; ask for less, or allow more"


class TooLargeQuestionError(WftopError):
    """The answer took too long or too much memory; the person recovers by asking for less."""


class Asking:
    """A connection that answers one question; a context manager."""

    def __init__(
        self, data_dir: Path, question: str, now_ns: int, *, memory_mb: int = MEMORY_MB, output: Path | None = None
    ) -> None:
        """Check the question and make what it names.

        Args:
            data_dir: Of the recording.
            question: SQL, one statement.
            now_ns: UTC.
            memory_mb: MB that DuckDB may take.
            output: The only file that may be written.

        Raises:
            UsageError: It is no single statement that only reads.
            StoreError: The recording cannot be read.
        """
        self._data_dir = data_dir
        self._folder = data_dir / manifest.FOLDER
        self._now_ns = now_ns
        self._journal: Database | None = None
        self.notes: list[str] = []
        """What a person has to know about the answer."""
        history = data_dir / derived.NAME
        files = [history, derived.wal(history), *([output] if output else [])]
        self.connection = connect([self._folder], files=files, memory_mb=memory_mb, threads=2, ordered=True)
        try:
            self.explained = False
            self.question = self._checked(question)
            self._manifest = manifest.load(data_dir)
            self._open_journal()
            self.connection.execute(f"CREATE SCHEMA {live.SCHEMA}")
            self._make(question)
        except duckdb.OutOfMemoryException as error:
            self.close()
            raise TooLargeQuestionError(_MEMORY) from error
        except duckdb.Error as error:
            self.close()
            raise StoreError(f"{data_dir}: {derived.first_line(error)}") from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close everything. Twice is harmless."""
        self.connection.close()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def answer(self) -> tuple[list[str], Iterator[tuple[Any, ...]]]:  # Any: SQL's cells
        """Names of the columns, and rows as they are fetched; inside ``deadline``."""
        result = self.connection.execute(self.question)
        names = [item[0] for item in result.description or ()]

        def rows() -> Iterator[tuple[Any, ...]]:  # Any: as above
            while batch := result.fetchmany(_ROWS):
                yield from batch

        return names, rows()

    def write_parquet(self, path: Path) -> None:
        """Write the answer; inside ``deadline``.

        Raises:
            UsageError: The question has no rows that a file could hold.
        """
        if self.explained:
            raise UsageError("a plan is text: --format table")
        # It was found to be one statement that reads, so no bracket in it ends ours; a comment ends with its line.
        rows = self.question.rstrip().removesuffix(";")
        form = "FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false"
        self.connection.execute(f"COPY ({rows}\n) TO {text(str(path))} ({form})")

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Interrupt what runs inside after so long, and turn DuckDB's errors into one line.

        Raises:
            TooLargeQuestionError: It took too long, or too much memory.
            UsageError: The question cannot be answered.
        """
        timer = Timer(seconds, self.connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException as error:
            raise TooLargeQuestionError(
                f"no answer within {seconds:g} s; ask for less, or give it more time: --deadline"
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise TooLargeQuestionError(_MEMORY) from error
        except duckdb.Error as error:
            raise UsageError(one_line(error)) from error
        finally:
            timer.cancel()

    def _checked(self, question: str) -> str:
        try:
            statements = self.connection.extract_statements(question)
        except duckdb.Error as error:
            raise UsageError(one_line(error)) from error
        if len(statements) != 1:
            raise UsageError(f"expected one statement, got {len(statements)}")
        (statement,) = statements
        if statement.type == duckdb.StatementType.EXPLAIN:
            # EXPLAIN ANALYZE runs what it explains, a COPY too.
            self._checked(_EXPLAIN.sub("", statement.query, count=1))
            self.explained = True
        elif statement.type != _READS:
            kind = statement.type.name.lower().replace("_", " ")
            raise UsageError(f"only questions are answered (SELECT, WITH, FROM, DESCRIBE, EXPLAIN), not {kind}")
        return statement.query

    def _open_journal(self) -> None:
        try:
            self._journal = database.open_reader(self._data_dir / aside.NAME)
        except StoreError as error:
            if not self._manifest.segments:
                raise
            self.notes.append(f"without what the journal holds: {error}")

    def _make(self, question: str) -> None:
        lowered = question.lower()
        everything = _EVERYTHING.search(lowered) is not None

        def named(*names: str) -> bool:
            return everything or any(name in lowered for name in names)

        makers: list[tuple[tuple[str, ...], Callable[[], None]]] = [
            (("meta",), self._meta),
            (("metrics_timeseries", "samples", "metrics_snapshots"), self._ticks),
            (("series", "metrics_5m", "metrics_snapshots"), self._series),
            (("metrics_timeseries", "samples", "metrics_snapshots"), self._samples),
            (("events", "alert_history"), self._events),
            (("sessions",), self._sessions),
            (("metrics_5m",), self._five_minutes),
        ]
        for names, make in makers:
            if named(*names):
                make()
        for name in self._tables():
            if named(name):
                self._table(name)

    # ---- what is made

    def _meta(self) -> None:
        made = self._manifest
        derived_tables.create(self.connection, ["meta"])
        self.connection.execute(
            f"INSERT INTO meta VALUES (?, ?, ?, {derived_tables.timestamp(self._now_ns)},"  # noqa: S608  a number
            " make_timestamp(nullif(?, 0) // 1000), ?, ?, ?)",
            [derived.VERSION, __version__, duckdb.__version__, derived_tables.sealed_until_ns(made),
             made.sealed_seq, made.sealed_event_seq, derived.fingerprint(made)],
        )  # fmt: skip

    def _ticks(self) -> None:
        self._live: list[str] = []
        if self._journal is None:
            return
        loaded = live.load_ticks(self.connection, self._journal, self._manifest)
        self._manifest = msgspec.structs.replace(loaded.manifest, next_id=self._manifest.next_id)
        if loaded.ticks:
            self._live = [live.TICKS]
        if loaded.skipped:
            self.notes.append(f"left out: {loaded.skipped} ticks that are not sealed yet and too many to load")

    def _series(self) -> None:
        made = self._manifest
        if self._journal is not None:
            made, _ = manifest.with_columns(made, live.columns(self._journal, made))
            made = msgspec.structs.replace(made, next_id=self._manifest.next_id)
        derived_tables.create(self.connection, ["series"])
        derived_tables.fill_series(self.connection, made.columns, made)

    def _samples(self) -> None:
        there = self._present()
        raw = [*views.raw_sources(self._folder, there), *self._live]
        last = views.last_sources(self._folder, there)
        last += [views.timeseries([item]) for item in self._live]
        run = self.connection.execute
        run(f"CREATE VIEW metrics_timeseries AS {views.timeseries(raw)}")
        run(f"CREATE MACRO samples(pattern) AS TABLE {views.samples(raw)}")
        if self._has("series"):
            run(f"CREATE VIEW metrics_snapshots AS {views.snapshots(last, 'series')}")

    def _has(self, name: str) -> bool:
        found = self.connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [name]).fetchall()
        return bool(found)

    def _present(self) -> Manifest:
        there = tuple(item for item in self._manifest.segments if (self._folder / item.file).exists())
        return msgspec.structs.replace(self._manifest, segments=there)

    def _events(self) -> None:
        derived_tables.create(self.connection, ["events"])
        newer: list[Event] = []
        if self._journal is not None:
            newer, _ = Reader(self._journal).events(after_seq=self._manifest.sealed_event_seq, limit=_EVENTS)
        derived_tables.fill_events(self.connection, self._folder, self._present(), live=newer)
        derived_tables.fill_alerts(self.connection)

    def _sessions(self) -> None:
        derived_tables.fill_sessions(self.connection, derived_tables.sessions(self._data_dir) or [])

    def _five_minutes(self) -> None:
        """Rows that history.duckdb has, and those that it does not have yet; all of them when there is none."""
        low = derived_tables.begin(self._manifest)
        rows = self._attached()
        after = low
        if rows is not None:
            ((after,),) = self.connection.execute(f"SELECT coalesce(max(seq), -1) FROM {rows}").fetchall()  # noqa: S608  a name of ours
        newer = f"{live.SCHEMA}.metrics_5m"
        self.connection.execute(f"CREATE TABLE {newer} ({derived_tables.COLUMNS['metrics_5m']})")
        for query in derived_tables.steps(self._folder, self._present(), max(low, after)):
            self.connection.execute(f"INSERT INTO {newer} {query}")
        view = f"SELECT * FROM {newer}"  # noqa: S608  a name of ours
        if rows is not None:
            # The last step of the file may have been cut short: the segments have all of it.
            older = f"SELECT * FROM {rows} WHERE seq >= {low:d} AND seq < {after:d}"  # noqa: S608  numbers, a name of ours
            view = f"{older} UNION ALL {view}"
        self.connection.execute(f"CREATE VIEW metrics_5m AS {view}")

    def _attached(self) -> str | None:
        path = self._data_dir / derived.NAME
        if not path.exists():
            return None
        try:
            self.connection.execute(f"ATTACH {text(str(path))} AS history (READ_ONLY)")
            ((version, seq),) = self.connection.execute(
                "SELECT schema_version, sealed_seq FROM history.meta"
            ).fetchall()
        except (duckdb.Error, ValueError):
            return None
        return "history.metrics_5m" if version == derived.VERSION and seq <= self._manifest.sealed_seq else None

    def _tables(self) -> list[str]:
        names = {*views.KNOWN, *(item.group for item in self._manifest.of(manifest.TABLE))}
        if self._journal is not None:
            names |= {name for (name,) in self._journal.rows("SELECT DISTINCT name FROM table_change")}
        return sorted(names)

    def _table(self, name: str) -> None:
        sources = []
        stored = views.table_sources(self._folder, self._present()).get(name)
        if stored is not None:
            sources.append(f"SELECT * FROM {stored}")  # noqa: S608  made of quoted names
        newer = live.load_table(self.connection, self._journal, self._manifest, name) if self._journal else None
        if newer is not None:
            sources.append(f"SELECT * FROM {newer}")  # noqa: S608  a quoted name
        source = f"({' UNION ALL BY NAME '.join(sources)})" if sources else views.NO_ROWS
        for statement in derived.table_views(self.connection, name, source):
            self.connection.execute(statement)


def one_line(error: duckdb.Error) -> str:
    """DuckDB's message as one line: what is wrong, and the place."""
    message, _, rest = str(error).partition("\n\n")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    place = re.search(r"^LINE (\d+): (.*)$", f"{message}\n{rest}", re.M)
    if place is None:
        return " ".join(lines)
    said = " ".join(line for line in lines if not line.startswith(("LINE ", "^")))
    return f"{said} (line {place[1]}: {place[2].strip()})"
