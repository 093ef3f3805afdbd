"""The journal's tables, version 2.

Ticks carry a checksum each; a layout names columns by number, so that a new interface costs one column row and
one list of numbers, not a copy of every name.
"""

from typing import Final

VERSION: Final = 2
"""``PRAGMA user_version``: a newer journal is refused untouched, an older one migrated."""

APPLICATION_ID: Final = 0x7766746F
"""``PRAGMA application_id``: "wfto", so that file(1) and we can tell a journal from any other SQLite file."""

TABLES: Final = """
CREATE TABLE boot(
    id INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL UNIQUE              -- /proc/sys/kernel/random/boot_id
);
CREATE TABLE session(
    id INTEGER PRIMARY KEY,
    boot INTEGER NOT NULL REFERENCES boot(id),
    program TEXT NOT NULL,                    -- wftop's version
    mode TEXT NOT NULL,                       -- record | view
    pid INTEGER NOT NULL,
    started_ns INTEGER NOT NULL,
    started_boottime_ns INTEGER NOT NULL,
    ended_ns INTEGER,                         -- NULL: running, or ended without a word
    ended TEXT                                -- stopped | handover | idle | time | failed
);
CREATE TABLE series_column(
    id INTEGER PRIMARY KEY,
    series TEXT NOT NULL,                     -- canonical text
    unit TEXT NOT NULL,
    kind TEXT NOT NULL,
    grp TEXT NOT NULL,
    quality TEXT NOT NULL,
    source TEXT NOT NULL,
    call TEXT NOT NULL,
    UNIQUE(series, unit, kind, grp, quality, source, call)
);
CREATE TABLE layout(
    id INTEGER PRIMARY KEY,
    columns BLOB NOT NULL,                    -- series_column ids, uint32 little-endian, in order
    crc32 INTEGER NOT NULL                    -- over columns
);
CREATE TABLE tick(
    seq INTEGER PRIMARY KEY,                  -- the order
    time_s INTEGER NOT NULL,                  -- UTC second [t, t+1); not unique, clocks step back
    boottime_ns INTEGER NOT NULL,             -- CLOCK_BOOTTIME at its end
    boot INTEGER NOT NULL REFERENCES boot(id),
    layout INTEGER NOT NULL REFERENCES layout(id),
    crc32 INTEGER NOT NULL,                   -- over the five fields as <qqqqq, then the values
    "values" BLOB NOT NULL                    -- float64 little-endian, one per column, NaN = no value
);
CREATE INDEX tick_time ON tick(time_s, seq);
CREATE TABLE table_schema(
    id INTEGER PRIMARY KEY,
    schema TEXT NOT NULL UNIQUE               -- JSON of model.table.TableSchema
);
CREATE TABLE table_change(
    id INTEGER PRIMARY KEY,
    tick INTEGER NOT NULL,                    -- seq of the tick that was open when it came
    time_ns INTEGER NOT NULL,
    name TEXT NOT NULL,
    schema INTEGER NOT NULL REFERENCES table_schema(id),
    keyframe INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,                   -- over body
    body BLOB NOT NULL                        -- msgpack of model.table.TableChange
);
CREATE INDEX table_change_time ON table_change(name, time_ns);
CREATE INDEX table_change_tick ON table_change(tick);
CREATE TABLE event(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    time_ns INTEGER NOT NULL,
    type TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    trace_id TEXT,
    span_id TEXT,
    payload TEXT NOT NULL,                    -- JSON object
    metadata TEXT NOT NULL                    -- JSON object
);
CREATE INDEX event_time ON event(time_ns);
"""
"""Version 1; what came later is in ``MIGRATIONS``, so that a new journal and a migrated one are the same."""

MIGRATIONS: Final = {
    2: """
CREATE TABLE burst(
    id INTEGER PRIMARY KEY,
    tick INTEGER NOT NULL,                    -- seq of the tick that was open when it was stored
    event TEXT NOT NULL,                      -- event_id of the mark or alert
    series_column INTEGER NOT NULL REFERENCES series_column(id),
    time_ns BLOB NOT NULL,                    -- int64 little-endian, UTC, ascending
    "values" BLOB NOT NULL,                   -- float64 little-endian, one per time
    crc32 INTEGER NOT NULL                    -- over time_ns, then the values
);
CREATE INDEX burst_tick ON burst(tick);
""",
}
"""Version to the statements that lead to it from the one before; each in a transaction of its own."""
