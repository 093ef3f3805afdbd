"""Parquet through DuckDB: values, types, batches, errors, and a database that can reach nothing else."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.recording import BYTES, CPU, START_S, Recording, mount
from wftui.errors import StoreError
from wftui.store import arrow, parquet
from wftui.store.duck import connect
from wftui.store.read import Reader, open_reader
from wftui.store.rows import Batch, Rows

NAMES = ["cpu", "bytes", "mount"]


def read(path: Path, sql: str = "SELECT * FROM '{}' ORDER BY seq") -> list[tuple[Any, ...]]:  # Any: cells
    """Ask the file with a database of its own."""
    with duckdb.connect() as connection:
        return connection.execute(sql.format(path)).fetchall()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Recording(tmp_path / "data") as recording:
        for second in range(50):
            cpu = math.nan if second == 7 else second / 10
            values = {CPU: cpu, BYTES: 2.0**40 + second}
            recording.tick(START_S + second, values | {mount("/"): 5.0} if second != 9 else values)
    with open_reader(tmp_path / "data") as opened:
        yield opened


def rows_of(reader: Reader, *, raw: bool = True) -> Rows:
    span = reader.span(0, 2**40)
    assert span is not None
    return Rows(reader, span, 0, 2**40, raw=raw)


@pytest.mark.parametrize("cells", [48, 2_000_000])  # several batches of 16 rows, and all at once
def test_values_types_and_gaps(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    monkeypatch.setattr(parquet, "_CELLS", cells)
    told: list[int] = []
    path = tmp_path / "out.parquet"
    parquet.write(
        path, NAMES, rows_of(reader), {"wftop.series": "it's"}, lambda batch: told.append(len(batch.seq))
    )
    assert sum(told) == 50
    assert max(told) == (16 if cells == 48 else 40)  # a change of the layout ends a batch
    rows = read(path)
    assert [row[0] for row in rows] == list(range(1, 51))
    assert rows[3] == (4, (START_S + 3) * 10**9, 0.3, 2**40 + 3, 5)
    assert rows[7][2] is None
    assert rows[9][4] is None
    kinds = {name: kind for name, kind, *_ in read(path, "DESCRIBE SELECT * FROM '{}'")}
    assert kinds == {
        "seq": "BIGINT", "time_ns": "BIGINT", "cpu": "DOUBLE", "bytes": "BIGINT", "mount": "BIGINT"
    }  # fmt: skip
    pairs = read(path, "SELECT decode(key), decode(value) FROM parquet_kv_metadata('{}')")
    assert ("wftop.series", "it's") in pairs
    assert {row[0] for row in read(path, "SELECT DISTINCT compression FROM parquet_metadata('{}')")} == {"ZSTD"}


def test_whole_numbers_that_int64_cannot_hold_stay_doubles(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        recording.tick(START_S, {CPU: 1e300, BYTES: -(2.0**63)})
    with open_reader(tmp_path / "data") as reader:
        parquet.write(tmp_path / "o.parquet", ["cpu", "bytes"], rows_of(reader), {}, lambda _: None)
    assert read(tmp_path / "o.parquet")[0][2:] == (1e300, -(2**63))


def test_an_error_while_rows_are_made_comes_out_as_it_is(tmp_path: Path, reader: Reader) -> None:
    class Broken(Rows):
        passes = 0

        def batches(self, size: int) -> Iterator[Batch]:
            self.passes += 1
            yield from super().batches(min(size, 16))
            if self.passes > 1:
                raise StoreError("the journal went away")

    span = reader.span(0, 2**40)
    assert span is not None
    with pytest.raises(StoreError, match="went away"):
        parquet.write(tmp_path / "o.parquet", NAMES, Broken(reader, span, 0, 2**40), {}, lambda _: None)


def test_a_folder_that_is_not_there_is_our_error(tmp_path: Path, reader: Reader) -> None:
    with pytest.raises(StoreError):
        parquet.write(tmp_path / "no" / "o.parquet", NAMES, rows_of(reader), {}, lambda _: None)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '{elsewhere}/x.csv'",
        "ATTACH '{elsewhere}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '1TB'",
        "SELECT * FROM 'https://localhost/x.parquet'",
    ],
)
def test_the_database_is_locked_down(tmp_path: Path, sql: str) -> None:
    elsewhere, inside = tmp_path / "elsewhere", tmp_path / "inside"
    elsewhere.mkdir()
    inside.mkdir()
    with connect([inside]) as connection, pytest.raises(duckdb.Error):
        connection.execute(sql.format(elsewhere=elsewhere))
    assert list(elsewhere.iterdir()) == []


def test_batches_stay_while_any_of_duckdbs_threads_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One thread may still read the first batch when the other has asked for the fourth.
    monkeypatch.setattr(parquet, "_CELLS", 48)

    class Source:
        def batches(self, size: int) -> Iterator[Batch]:
            for low in range(0, 160, size):
                cells = [array("d", [float(low + n) for n in range(size)]) for _ in range(3)]
                yield Batch(list(range(low, low + size)), list(range(low, low + size)), cells)

    path = tmp_path / "out.parquet"
    for _ in range(40):
        parquet.write(path, ["a", "b", "c"], Source(), {}, lambda _: None)
        found = duckdb.read_parquet(str(path), file_row_number=True).order("file_row_number").fetchall()
        assert [row[0] for row in found] == [row[2] for row in found] == list(range(160))
    assert not arrow._held, "everything was released"
