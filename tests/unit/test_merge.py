"""Merges, and a manifest made anew: the same rows in fewer files, and nothing believed that is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import msgspec
import pytest

from tests.recording import START_S, S
from tests.sealing import Given, Journaled, Row, joined, made, rows, sealed
from wftui.errors import StoreError
from wftui.store import duck, manifest, merge, rebuild, seal, segments
from wftui.store.manifest import Manifest, Segment

DAY_S = START_S - START_S % 86_400 + 86_400
COLUMNS = (made("a"), made("b", "counter", "By"), made("c", group="custom"))


def merged(folder: Path) -> int:
    """Merge under the lock."""
    with seal.lock(folder):
        return merge.run(folder)


def rolled(folder: Path) -> list[dict[int, Row]]:
    """All rows of rollups."""
    return [
        joined(folder, kind, stat) for kind in (manifest.R10, manifest.R300) for stat in ("min", "mean", "max")
    ]


def ticks(first_seq: int, times: Iterator[int] | range) -> list[Given]:
    """Ticks at these seconds, one boottime second each."""
    return [
        Given(seq, time_s, seq * S, 1, COLUMNS, (float(seq % 7), 10.0 * seq, 0.5))
        for seq, time_s in enumerate(times, first_seq)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The last two hours of a month's last day and the first two of the next, 20 s each."""
    month_s = 1_790_812_800  # 2026-10-01T00:00:00Z
    with Journaled(tmp_path / "d") as journaled:
        seq = 1
        for hour in (-2, -1, 0, 1, 2):
            start = month_s + hour * 3600
            journaled.write(ticks(seq, range(start, start + 20)))
            seq += 20
            sealed(tmp_path / "d")
    return tmp_path / "d"


def test_days_and_months_become_one_file(folder: Path) -> None:
    before, raw = rolled(folder), joined(folder, manifest.RAW)
    assert len(manifest.load(folder).of(manifest.R10, "system", "max")) == 4
    assert merged(folder) > 0
    seen = manifest.load(folder)
    # The day that is over is one file; the hours of the new one wait for its end. Coarse rows are merged at once.
    assert [(item.first_seq, item.last_seq) for item in seen.of(manifest.R10, "system", "max")] == [
        (1, 40), (41, 60), (61, 80)
    ]  # fmt: skip
    assert [(item.first_seq, item.last_seq) for item in seen.of(manifest.R300, "custom", "mean")] == [
        (1, 40), (41, 80)
    ]  # fmt: skip
    assert rolled(folder) == before
    assert joined(folder, manifest.RAW) == raw
    assert segments.leftovers(folder, seen) == []
    assert merged(folder) == 0


class Narrow:
    """A database without room."""

    def execute(self, sql: str) -> None:
        raise duckdb.OutOfMemoryException(f"Out of Memory Error: {len(sql)} B")

    def close(self) -> None:
        """Nothing to close."""


def test_a_merge_that_needs_more_memory_than_most(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, connect, roomy = rolled(folder), duck.connect, [True]

    def connected(folders: list[Path], *, memory_mb: int, ordered: bool) -> object:
        if memory_mb < 512 or not roomy[0]:
            return Narrow()
        return connect(folders, memory_mb=memory_mb, ordered=ordered)

    monkeypatch.setattr(segments, "connect", connected)
    assert merged(folder) > 0
    assert rolled(folder) == before
    roomy[0] = False
    with pytest.raises(StoreError, match="Out of Memory"):
        segments.Shelf(folder).put(segments.Label("r10", "g", "max", 1, 2, 0, 1), "SELECT 1")


def test_days_of_a_month_that_is_over(tmp_path: Path) -> None:
    month_s = 1_790_812_800
    folder = tmp_path / "d"
    with Journaled(folder) as journaled:
        for number, day in enumerate((0, 1, 2, 31)):
            journaled.write(ticks(1 + 10 * number, range(month_s + day * 86_400, month_s + day * 86_400 + 10)))
        journaled.write(ticks(41, range(month_s + 31 * 86_400 + 3600, month_s + 31 * 86_400 + 3601)))
        sealed(folder)
        before = rolled(folder)
        merged(folder)
    seen = manifest.load(folder)
    assert [(item.first_seq, item.last_seq) for item in seen.of(manifest.R300, "system", "max")] == [
        (1, 30),
        (31, 40),
    ]
    assert rolled(folder) == before


def test_a_clock_that_goes_back_keeps_the_order(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    times = [DAY_S + 10, DAY_S + 3700, DAY_S - 50, DAY_S + 20, 5, 2**32, DAY_S + 7300, DAY_S + 90_000]
    with Journaled(folder) as journaled:
        journaled.write(ticks(1, iter(times)))
        sealed(folder, everything=True)
        before = rolled(folder)
        merged(folder)
    assert rolled(folder) == before
    seqs = [
        row["seq"]
        for item in manifest.load(folder).of(manifest.R300, "system", "max")
        for row in rows(folder, item)
    ]
    assert seqs == list(range(1, 9))


def test_a_damaged_file_is_set_aside_and_not_merged(folder: Path) -> None:
    bad = manifest.load(folder).of(manifest.R300, "system", "max")[1]
    path = folder / manifest.FOLDER / bad.file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    merged(folder)
    seen = manifest.load(folder)
    assert seen.damaged == 1
    assert path.with_name(path.name + ".damaged").exists()
    assert sorted(joined(folder, manifest.R300, "max")) == [1, 21, 41, 61]  # of the other group, too
    names = {item.name for item in seen.columns if item.group == "system"}
    found = [row for item in seen.of(manifest.R300, "system", "max") for row in rows(folder, item)]
    assert [row["seq"] for row in found] == [1, 41, 61]
    assert names <= set(found[0])


@pytest.mark.parametrize("merge_first", [False, True])
def test_a_manifest_made_anew(folder: Path, merge_first: bool) -> None:
    if merge_first:
        merged(folder)
    before = manifest.load(folder)
    (folder / manifest.FOLDER / manifest.NAME).unlink()
    made_anew = rebuild.manifest_from_segments(folder)
    assert made_anew == manifest.load(folder)
    assert _plain(made_anew) == _plain(before)
    assert sealed(folder, everything=True).ticks == 20


def _plain(seen: Manifest) -> Manifest:
    ordered = tuple(sorted(seen.segments, key=lambda item: item.file))
    return msgspec.structs.replace(seen, segments=ordered, sealed_ns=0)


def test_a_manifest_made_anew_from_what_a_killed_merge_and_a_flipped_byte_left(folder: Path) -> None:
    before = manifest.load(folder)
    kept = {item.file: (folder / manifest.FOLDER / item.file).read_bytes() for item in before.segments}
    merged(folder)
    expected = manifest.load(folder)
    for name, content in kept.items():  # as if nothing had been removed after the merge
        (folder / manifest.FOLDER / name).write_bytes(content)
    raw = next(item for item in before.of(manifest.RAW, "custom") if item.first_seq == 21)
    _truncate(folder, raw)
    (folder / manifest.FOLDER / manifest.NAME).write_text("{")
    seen = rebuild.manifest_from_segments(folder)
    assert seen.damaged == 1
    files = {item.file for item in expected.segments} - {raw.file}
    assert {item.file for item in seen.segments} == files
    assert seen.sealed_seq == expected.sealed_seq
    with seal.lock(folder):
        assert seal.run(folder, 1).removed == len(kept.keys() - files - {raw.file})


def _truncate(folder: Path, item: Segment) -> None:
    path = folder / manifest.FOLDER / item.file
    path.write_bytes(path.read_bytes()[: item.size // 2])


def test_a_newer_segment_is_left_untouched(folder: Path) -> None:
    path = folder / manifest.FOLDER / manifest.RAW / "system-900-901.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 1 AS seq) TO '{path}' (FORMAT parquet, KV_METADATA {{'wftop.schema_version': '99'}})"
        )
    with pytest.raises(manifest.SegmentsNewerError, match="schema 99"):
        rebuild.manifest_from_segments(folder)
    assert path.exists()
