"""Native tables of history.duckdb: their columns, and what fills them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from wftui.errors import StoreError
from wftui.model.event import Event
from wftui.model.series import parse
from wftui.store import aside, database, manifest
from wftui.store.derived_views import part, scan
from wftui.store.manifest import Manifest, Segment, StoredColumn
from wftui.store.sql import name as quoted
from wftui.units import NS_PER_S

STEP_S: Final = 300
KEPT_TICKS: Final = 30 * 86_400
"""Recorded seconds of ``metrics_5m``."""
MOST_ROWS: Final = 5_000_000
_AT_ONCE: Final = 200
"""Series whose lists are in memory at once: 400 needed more than 96 MB."""

COLUMNS: Final = {
    "meta": "schema_version INTEGER, wftop_version VARCHAR, duckdb_version VARCHAR, made_at TIMESTAMP,"
    " sealed_until TIMESTAMP, sealed_seq BIGINT, sealed_event_seq BIGINT, files BIGINT",
    "series": "id INTEGER, series VARCHAR, column_name VARCHAR, name VARCHAR, labels MAP(VARCHAR, VARCHAR),"
    " unit VARCHAR, kind VARCHAR, group_name VARCHAR, quality VARCHAR, source VARCHAR, call VARCHAR,"
    " first_time TIMESTAMP, last_time TIMESTAMP",
    "events": "seq BIGINT, event_id VARCHAR, time TIMESTAMP, type VARCHAR, aggregate_type VARCHAR,"
    " aggregate_id VARCHAR, trace_id VARCHAR, span_id VARCHAR, payload JSON, metadata JSON",
    "alert_history": "seq BIGINT, event_id VARCHAR, time TIMESTAMP, alert VARCHAR, state VARCHAR, payload JSON",
    "sessions": "id INTEGER, boot INTEGER, boot_id VARCHAR, program VARCHAR, mode VARCHAR, pid INTEGER,"
    " started TIMESTAMP, ended TIMESTAMP, how VARCHAR",
    "metrics_5m": "time TIMESTAMP, seq BIGINT, series_id INTEGER, min DOUBLE, mean FLOAT, max DOUBLE, sum DOUBLE,"
    " count INTEGER",
}
"""Table to its columns as SQL."""

EVENT_COLUMNS: Final = (
    "seq, event_id, make_timestamp(time_ns // 1000) AS time, type, aggregate_type, aggregate_id, trace_id,"
    " span_id, payload::JSON AS payload, metadata::JSON AS metadata"
)
ALERTS: Final = (
    "SELECT seq, event_id, time, aggregate_id AS alert, substr(type, 7) AS state, payload"
    " FROM events WHERE starts_with(type, 'alert.')"
)


def create(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Make tables empty, in the database in use."""
    for name in names:
        connection.execute(f"CREATE OR REPLACE TABLE {name} ({COLUMNS[name]})")


def spans(made: Manifest) -> dict[int, tuple[int, int]]:
    """Series number to the first UTC second and the one behind the last, over all levels."""
    by_columns: dict[str, tuple[int, int]] = {}
    for item in made.segments:
        if item.columns:
            low, high = by_columns.get(item.columns, (item.since_s, item.until_s))
            by_columns[item.columns] = min(low, item.since_s), max(high, item.until_s)
    found: dict[int, tuple[int, int]] = {}
    for columns, (since_s, until_s) in by_columns.items():
        for number in manifest.numbers(columns):
            low, high = found.get(number, (since_s, until_s))
            found[number] = min(low, since_s), max(high, until_s)
    return found


def fill_series(connection: duckdb.DuckDBPyConnection, columns: Sequence[StoredColumn], made: Manifest) -> None:
    """``series``: every stored series that still has a segment; ``columns`` may be more than the manifest's."""
    known = spans(made)
    fields: dict[str, list[Any]] = {}  # Any: a list per column

    def put(name: str, values: Iterator[Any]) -> None:  # Any: as above
        fields[name] = list(values)

    items = [item for item in columns if item.id in known or item.id >= made.next_id]
    parsed = [parse(item.series) for item in items]
    times = [known.get(item.id, (None, None)) for item in items]
    put("id", (item.id for item in items))
    put("series", (item.series for item in items))
    put("column", (item.name for item in items))
    put("name", (item.name for item in parsed))
    put("keys", ([key for key, _ in item.labels] for item in parsed))
    put("values", ([value for _, value in item.labels] for item in parsed))
    for field in ("unit", "kind", "group", "quality", "source", "call"):
        put(field, (getattr(item, field) for item in items))
    put("first", (low for low, _ in times))
    put("last", (high for _, high in times))
    # One row of lists: a parameter per cell would cost 100 us a row.
    connection.execute(
        "INSERT INTO series SELECT id, series, column_name, name, map(k::VARCHAR[], v::VARCHAR[]), unit, kind,"
        " group_name, quality, source, call, make_timestamp(first_s * 1000000), make_timestamp(last_s * 1000000)"
        " FROM (SELECT unnest(?::INTEGER[]) AS id, unnest(?::VARCHAR[]) AS series,"
        " unnest(?::VARCHAR[]) AS column_name, unnest(?::VARCHAR[]) AS name, unnest(?::VARCHAR[][]) AS k,"
        " unnest(?::VARCHAR[][]) AS v, unnest(?::VARCHAR[]) AS unit, unnest(?::VARCHAR[]) AS kind,"
        " unnest(?::VARCHAR[]) AS group_name, unnest(?::VARCHAR[]) AS quality, unnest(?::VARCHAR[]) AS source,"
        " unnest(?::VARCHAR[]) AS call, unnest(?::BIGINT[]) AS first_s, unnest(?::BIGINT[]) AS last_s)",
        list(fields.values()),
    )


def fill_events(
    connection: duckdb.DuckDBPyConnection, folder: Path, made: Manifest, after: int = 0, live: Sequence[Event] = ()
) -> None:
    """``events`` behind a sequence number, from segments and from those that are in the journal only."""
    files = [item for item in made.of(manifest.EVENT) if item.last_seq > after]
    if files:
        connection.execute(
            f"INSERT INTO events SELECT {EVENT_COLUMNS} FROM {scan(folder, files)} WHERE seq > ? ORDER BY seq",  # noqa: S608  made of quoted names
            [after],
        )
    if live:
        import msgspec

        cells = [
            [getattr(item, field) for item in live]
            for field in (
                "seq",
                "event_id",
                "time_ns",
                "type",
                "aggregate_type",
                "aggregate_id",
                "trace_id",
                "span_id",
            )
        ]
        cells += [
            [msgspec.json.encode(getattr(item, field)).decode() for item in live]
            for field in ("payload", "metadata")
        ]
        lists = ", ".join(
            f"unnest(?::{'BIGINT' if field in ('seq', 'time_ns') else 'VARCHAR'}[]) AS {field}"
            for field in ("seq", "event_id", "time_ns", "type", "aggregate_type", "aggregate_id", "trace_id",
                          "span_id", "payload", "metadata")
        )  # fmt: skip
        connection.execute(f"INSERT INTO events SELECT {EVENT_COLUMNS} FROM (SELECT {lists})", cells)  # noqa: S608  fixed words only


def fill_alerts(connection: duckdb.DuckDBPyConnection) -> None:
    """``alert_history`` from ``events``."""
    create(connection, ["alert_history"])
    connection.execute(f"INSERT INTO alert_history {ALERTS}")


def sessions(data_dir: Path) -> list[tuple[Any, ...]] | None:  # Any: SQLite's cells
    """Sessions that the journal knows; None: there is none that can be read."""
    try:
        journal = database.open_reader(data_dir / aside.NAME)
    except StoreError:
        return None
    try:
        return list(
            journal.rows(
                "SELECT s.id, s.boot, b.boot_id, s.program, s.mode, s.pid, s.started_ns, s.ended_ns, s.ended"
                " FROM session s JOIN boot b ON b.id = s.boot ORDER BY s.id"
            )
        )
    except StoreError:
        return None
    finally:
        journal.close()


def fill_sessions(connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[Any, ...]]) -> None:  # Any: as above
    """``sessions``, all of them."""
    create(connection, ["sessions"])
    if rows:
        kinds = ("INTEGER", "INTEGER", "VARCHAR", "VARCHAR", "VARCHAR", "INTEGER", "BIGINT", "BIGINT", "VARCHAR")
        lists = ", ".join(f"unnest(?::{kind}[]) AS c{place}" for place, kind in enumerate(kinds))
        connection.execute(
            "INSERT INTO sessions SELECT c0, c1, c2, c3, c4, c5, make_timestamp(c6 // 1000),"  # noqa: S608  fixed words only
            f" make_timestamp(c7 // 1000), c8 FROM (SELECT {lists})",
            [list(cells) for cells in zip(*rows, strict=True)],
        )


def steps(folder: Path, made: Manifest, after: int) -> Iterator[str]:
    """Queries that give the rows of ``metrics_5m`` from a tick on, oldest first.

    Args:
        folder: Of segments.
        made: What there is.
        after: Rows of steps that began at this tick or later are given.
    """
    names = made.catalogue()
    runs: dict[tuple[int, int, str, int], dict[str, Segment]] = {}
    for item in made.of(manifest.R300):
        if item.last_seq >= after and item.columns:
            runs.setdefault((item.first_seq, item.last_seq, item.group, part(item)), {})[item.stat] = item
    for _, stats in sorted(runs.items()):
        held = {stat: set(manifest.numbers(item.columns)) for stat, item in stats.items()}
        numbers = sorted(set().union(*held.values()))
        for place in range(0, len(numbers), _AT_ONCE):
            yield _steps(folder, stats, held, numbers[place : place + _AT_ONCE], names, after)


def _steps(
    folder: Path,
    stats: Mapping[str, Segment],
    held: Mapping[str, set[int]],
    numbers: Sequence[int],
    names: Mapping[int, StoredColumn],
    after: int,
) -> str:
    # Lists beside each other that become rows together: half the time of a pivot for each statistic.
    base = next(stat for stat in (manifest.MEAN, manifest.MAX, manifest.SUM, manifest.MIN) if stat in stats)
    joined = scan(folder, [stats[base]]) + f" AS {quoted(base)}"
    for stat, item in stats.items():
        if stat != base:
            joined += (
                f" LEFT JOIN {scan(folder, [item])} AS {quoted(stat)} ON {quoted(stat)}.seq = {quoted(base)}.seq"
            )
    lists = ""
    for stat in (manifest.MIN, manifest.MEAN, manifest.MAX, manifest.SUM):
        cells = ", ".join(
            f"{quoted(stat)}.{quoted(names[number].name)}" if number in held.get(stat, ()) else "NULL"
            for number in numbers
        )
        lists += f", unnest([{cells}]::DOUBLE[]) AS {stat}_"
    return (
        "SELECT make_timestamp(time_s * 1000000), tick, id, min_, mean_, max_, sum_, ticks FROM"  # noqa: S608  made of quoted names
        f" (SELECT {quoted(base)}.seq AS tick, {quoted(base)}.time_s, {quoted(base)}.count AS ticks,"
        f" unnest({numbers}::INTEGER[]) AS id{lists} FROM {joined} WHERE {quoted(base)}.seq >= {after:d})"
        " WHERE coalesce(min_, mean_, max_, sum_) IS NOT NULL ORDER BY id, tick"
    )


def begin(made: Manifest) -> int:
    """The first tick of which ``metrics_5m`` may hold a row: 30 days of ticks, at most ``MOST_ROWS`` rows.

    What a cap has taken from the segments goes here, too: the file would take the room that they gave.
    """
    low = made.sealed_seq - KEPT_TICKS
    low = max(low, min((item.first_seq for item in made.of(manifest.R300)), default=low))
    rows = 0
    by_run: dict[tuple[int, int], int] = {}
    for item in made.of(manifest.R300, stat=manifest.MAX):
        by_run[item.first_seq, item.last_seq] = by_run.get(
            (item.first_seq, item.last_seq), 0
        ) + item.rows * _count(item.columns)
    for (first, last), count in sorted(by_run.items(), reverse=True):
        if last < low:
            break
        if rows + count > MOST_ROWS:
            # Part of a run: its rows are spread evenly over its ticks.
            share = (MOST_ROWS - rows) / count
            return max(low, round(last - (last - first) * share))
        rows += count
    return max(low, 0)


def _count(columns: str) -> int:
    return sum(
        int(high or low) - int(low) + 1
        for low, _, high in (part.partition("-") for part in columns.split(",") if part)
    )


def timestamp(time_ns: int) -> str:
    """UTC as SQL."""
    return f"make_timestamp({time_ns // 1000:d})"


def sealed_until_ns(made: Manifest) -> int:
    """UTC behind the last sealed tick; 0: nothing is sealed."""
    newest = [
        item.until_s for item in made.segments if item.kind == manifest.RAW and item.last_seq == made.sealed_seq
    ]
    return max(newest, default=0) * NS_PER_S
