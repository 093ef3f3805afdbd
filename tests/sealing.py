"""What tests of sealing share: a journal of any shape, and segments read by another DuckDB."""

from __future__ import annotations

import math
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tests.recording import START_S, S
from wftui.model.sample import Column
from wftui.model.series import series
from wftui.model.tick import Layout, Tick, pack
from wftui.store import manifest, seal, segments
from wftui.store.journal import NAME, Journal
from wftui.store.manifest import Manifest, Segment

_other = duckdb.connect(config={"threads": 1})
NOW_NS = (START_S + 100_000) * S
Key = tuple[str, str, str]
"""Series, unit and kind."""
Row = dict[str | Key, Any]  # Any: cells of any column


def made(
    text: str,
    kind: str = "gauge",
    unit: str = "1",
    stat: str = "",
    group: str = "system",
    quality: str = "measured",
) -> Column:
    """A column of a device."""
    return Column(series("system.disk.io", {"device": text}, stat), unit, kind, group, quality, "test", "test")


def key(column: Column) -> Key:
    """What makes two columns the same series."""
    return column.series.text, column.unit, column.kind


class Given(NamedTuple):
    """A tick as a test writes it."""

    seq: int
    time_s: int
    boottime_ns: int
    boot: int
    columns: tuple[Column, ...]
    values: tuple[float, ...]
    damaged: str = ""
    """``values`` or ``time``: what is overwritten behind the checksum's back."""

    def known(self) -> dict[Key, float]:
        """Values by series, without gaps."""
        pairs = zip(self.columns, self.values, strict=True)
        return {key(column): value for column, value in pairs if not math.isnan(value)}


class Journaled:
    """A journal in a folder; a context manager."""

    def __init__(self, folder: Path, boots: int = 1) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.folder = folder
        self.journal = Journal(folder / NAME)
        for number in range(boots):
            self.journal.begin(f"boot-{number}", "test", "record", 1, START_S * S, 0)
        self._layouts: dict[tuple[tuple[object, ...], ...], Layout] = {}

    def __enter__(self) -> Journaled:
        return self

    def __exit__(self, *_: object) -> None:
        self.journal.close()

    def write(self, ticks: Sequence[Given]) -> None:
        """Write ticks, then damage those that shall be."""
        found = []
        for item in ticks:
            fields = tuple((*key(column), column.group, column.quality) for column in item.columns)
            layout = self._layouts.setdefault(fields, Layout(len(self._layouts) + 1, item.columns))
            blob = pack(array("d", item.values))
            found.append((Tick(item.seq, item.time_s, item.boottime_ns, item.boot, layout.id, blob), layout))
        self.journal.write(found)
        with sqlite3.connect(self.folder / NAME) as connection:
            for item in ticks:
                if item.damaged:
                    change = '"values" = zeroblob(8)' if item.damaged == "values" else "time_s = time_s + 7200"
                    connection.execute(f"UPDATE tick SET {change} WHERE seq = ?", (item.seq,))  # noqa: S608  fixed words
        connection.close()


def sealed(folder: Path, *, everything: bool = False) -> seal.Outcome:
    """Seal under the lock."""
    with seal.lock(folder):
        return seal.run(folder, NOW_NS, everything=everything)


def rows(folder: Path, item: Segment) -> list[Row]:
    """A segment's rows as they are stored."""
    found = _other.read_parquet(str(folder / manifest.FOLDER / item.file))
    names = found.columns
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def metadata(folder: Path, item: Segment) -> dict[str, str]:
    """A segment's key-value metadata."""
    return segments.metadata(_other, folder / manifest.FOLDER / item.file)


def joined(folder: Path, kind: str, stat: str = "") -> dict[int, Row]:
    """Rows of all wide segments of a kind by seq: leading columns by name, series by key.

    A row that comes twice from one group, or a leading column on which groups do not agree, fails.
    """
    found: dict[int, Row] = {}
    said: set[tuple[int, str]] = set()
    for item, row in _rows(folder, manifest.load(folder), kind, stat):
        values = {name: value for name, value in row.items() if value is not None}
        assert not (said & {(row["seq"], str(name)) for name in values if not isinstance(name, str)})
        said |= {(row["seq"], str(name)) for name in values if not isinstance(name, str)}
        old = found.setdefault(row["seq"], {})
        for name in old.keys() & values.keys():
            assert old[name] == values[name], (item.file, name)
        old |= values
    return found


def _rows(folder: Path, seen: Manifest, kind: str, stat: str) -> Iterator[tuple[Segment, Row]]:
    names = {item.name: (item.series, item.unit, item.kind) for item in seen.columns}
    for item in seen.of(kind, stat=stat):
        assert not segments.verify(folder, item)
        for row in rows(folder, item):
            yield item, {names.get(str(name), name): value for name, value in row.items()}
