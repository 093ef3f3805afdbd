"""Ranges over sealed data: the same as over the journal where seconds are left, rollups where they are not."""

from __future__ import annotations

import math
import tempfile
from array import array
from pathlib import Path

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.records import tick
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.model.sample import Column, column
from wftui.model.tick import Layout, Tick, unpack
from wftui.store import journal, manifest, seal
from wftui.store.answers import TooLargeError, answer_range
from wftui.store.archive import open_archive
from wftui.store.journal import Journal
from wftui.store.query import range_
from wftui.store.read import open_reader
from wftui.wire import messages as m

HOUR = 1_700_002_800
GAUGE = column("test", "system.memory.usage", call="test")
COUNTER = column("test", "system.network.io", {"device": "eth0", "direction": "receive"}, call="test")
LATE = column("test", "system.network.io", {"device": "eth1", "direction": "receive"}, call="test")
WORST = column("test", "system.cpu.utilization", call="test", stat="max")
SENSOR = column("test", "hw.temperature", {"sensor": "s"}, call="test")
LAYOUTS = (Layout(1, (GAUGE, COUNTER)), Layout(2, (COUNTER, LATE, GAUGE, WORST)), Layout(3, (SENSOR, COUNTER)))


def write(folder: Path, ticks: list[tuple[Tick, Layout]]) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    made = Journal(folder / journal.NAME)
    made.begin("boot", "0.1", "record", 1, 5, 6)
    made.begin("boot 2", "0.1", "record", 1, 5, 6)
    made.write(ticks)
    made.close()


def seal_all(folder: Path, *, everything: bool) -> None:
    with seal.lock(folder):
        seal.run(folder, 9, everything=everything)


def trim(folder: Path, first: int) -> None:
    """Leave the journal with the ticks from ``first`` on."""
    made = Journal(folder / journal.NAME)
    last = made._connection.execute("SELECT max(seq) FROM tick").fetchone()[0]
    made.trim(max(1, last - first + 1), 1 << 40)
    made.close()


def numbers(reply: m.RangeReply) -> dict[str, list[array[float]]]:
    return {
        item.column.series.text: [unpack(item.minimum), unpack(item.mean), unpack(item.maximum)]
        for item in reply.series
    }


def assert_same(mine: m.RangeReply, other: m.RangeReply) -> None:
    assert (mine.start_ns, mine.step_ns, mine.points) == (other.start_ns, other.step_ns, other.points)
    assert mine.counts == other.counts
    found, expected = numbers(mine), numbers(other)
    # A series that has no value there may be named or not: a segment also holds what came before a step.
    nothing = [array("d", [math.nan]) * mine.points] * 3
    for text in found.keys() | expected.keys():
        for have, want in zip(found.get(text, nothing), expected.get(text, nothing), strict=True):
            assert list(have) == pytest.approx(list(want), nan_ok=True, rel=1e-12), text


@st.composite
def recordings(draw: st.DrawFn) -> list[tuple[Tick, Layout]]:
    """Ticks around the turn of an hour: lost ones, clock steps, reboots, suspends, resets, holes, new series."""
    found: list[tuple[Tick, Layout]] = []
    seq, boottime_ns, boot, reading, second = 1, 0, 1, 2.0**40, 5.0
    time_s = HOUR - draw(st.integers(0, 40))
    for _ in range(draw(st.integers(2, 60))):
        moved = draw(st.sampled_from(["on"] * 12 + ["lost", "back", "hour back", "slept", "booted", "short"]))
        seq += 3 if moved == "lost" else 1
        time_s += {"lost": 3, "back": -4, "hour back": -3600, "slept": 9, "short": 0}.get(moved, 1)
        boottime_ns += {"lost": 3 * NS_PER_S, "slept": 9 * NS_PER_S, "short": NS_PER_S // 10}.get(moved, NS_PER_S)
        boot += moved == "booted"
        grown = draw(st.sampled_from([0.0, 1.0, 2.5, 2.5, 1e6, math.nan, math.nan, -math.inf]))
        reading = 1.0 if grown == -math.inf else reading + (grown if grown == grown else 0.0)
        second += 7.0
        values = {
            GAUGE.series.text: draw(st.sampled_from([0.1, 0.1, 7.0, -3.0, math.nan])),
            COUNTER.series.text: reading if grown == grown else math.nan,
            LATE.series.text: second,
            WORST.series.text: 0.5,
            SENSOR.series.text: 40.0 + second,
        }
        layout = LAYOUTS[0] if len(found) < 15 else LAYOUTS[1] if len(found) < 40 else LAYOUTS[2]
        found.append(
            (
                tick(
                    seq,
                    time_s,
                    [values[item.series.text] for item in layout.columns],
                    boottime_ns=boottime_ns,
                    boot=min(boot, 2),
                    layout=layout.id,
                ),
                layout,
            )
        )
    return found


@settings(max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    recordings(),
    st.integers(-50, 40),
    st.integers(1, 90),
    st.integers(1, 40),
    st.sampled_from([0, 1, 2]),
    st.booleans(),
)
def test_sealed_seconds_tell_what_the_journal_told(
    ticks: list[tuple[Tick, Layout]], since: int, length: int, points: int, kept: int, whole: bool
) -> None:
    question = m.Range(["*"], (HOUR + since) * NS_PER_S, (HOUR + since + length) * NS_PER_S, points)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "d")
        write(folder, ticks)
        with open_reader(folder) as reader:
            other = answer_range(reader, question)
        seal_all(folder, everything=whole)
        if kept:
            sealed = manifest.load(folder).sealed_seq
            trim(folder, max(1, sealed + 1 - (0 if kept == 1 else 5)))
        with open_archive(folder) as archive:
            assert_same(range_(archive, question), other)


def steady(count: int, start: int) -> list[tuple[Tick, Layout]]:
    """A gauge that repeats 0..9, a counter of 5 a second, a worst second."""
    layout = Layout(1, (GAUGE, COUNTER, WORST))
    return [(tick(n, start + n - 1, (float(n % 10), 5.0 * n, (n % 7) / 8)), layout) for n in range(1, count + 1)]


def drop(folder: Path, *kinds: str) -> None:
    """Retention of some levels."""
    made = manifest.load(folder)
    kept = tuple(item for item in made.segments if item.kind not in kinds)
    manifest.save(folder, msgspec.structs.replace(made, segments=kept))


@pytest.mark.parametrize(("dropped", "level_s"), [((), 1), (("raw",), 10), (("raw", "r10"), 300)])
def test_coarser_levels_tell_where_seconds_are_gone(
    tmp_path: Path, dropped: tuple[str, ...], level_s: int
) -> None:
    folder = tmp_path / "d"
    write(folder, steady(7200 + 600, HOUR))
    seal_all(folder, everything=False)
    trim(folder, 7200 - 60)
    drop(folder, *dropped)
    with open_archive(folder) as archive:
        reply = range_(archive, m.Range(["*"], HOUR * NS_PER_S, (HOUR + 7800) * NS_PER_S, 26))
        assert (reply.level_s, reply.step_ns, reply.points) == (level_s, 300 * NS_PER_S, 26)
        assert reply.counts == [300] * 26, "sealed and live, each tick once"
        found = numbers(reply)
        low, mean, high = found[GAUGE.series.text]
        assert (set(low), set(high)) == ({0.0}, {9.0})
        assert list(mean) == pytest.approx([4.5] * 26, rel=2e-4)
        for values in found[COUNTER.series.text]:
            assert list(values) == [5.0] * 26, "a flat line is flat, across hours and the end of what is sealed"
        assert set(found[WORST.series.text][2]) == {0.75}
        fine = range_(archive, m.Range([GAUGE.series.text], (HOUR + 20) * NS_PER_S, (HOUR + 80) * NS_PER_S, 60))
        assert fine.step_ns == level_s * NS_PER_S
        assert fine.start_ns <= (HOUR + 20) * NS_PER_S
        assert fine.points <= 60
        assert fine.start_ns + fine.points * fine.step_ns >= (HOUR + 80) * NS_PER_S


def test_a_damaged_raw_file_is_told_by_the_next_level(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    write(folder, steady(7200, HOUR))
    seal_all(folder, everything=True)
    for item in folder.glob("journal.*"):
        item.unlink()
    segments = manifest.load(folder).of(manifest.RAW)
    broken = next(item for item in segments if item.first_seq == 1 and item.group == GAUGE.group)
    file = folder / manifest.FOLDER / broken.file
    file.write_bytes(file.read_bytes()[:-9] + b"012345678")
    with open_archive(folder) as archive:
        reply = range_(archive, m.Range([GAUGE.series.text], HOUR * NS_PER_S, (HOUR + 7200) * NS_PER_S, 24))
        assert archive.damaged_files == [broken.file]
        assert reply.level_s == 10
        assert reply.counts == [300] * 24
        assert list(numbers(reply)[GAUGE.series.text][1]) == pytest.approx([4.5] * 24, rel=2e-4)


def test_limits_are_clear_errors(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    write(folder, steady(200, HOUR))
    seal_all(folder, everything=True)
    trim(folder, 200)
    span = HOUR * NS_PER_S, (HOUR + 200) * NS_PER_S
    with open_archive(folder) as archive:
        with pytest.raises(ProtocolError, match="since < until"):
            range_(archive, m.Range(["*"], 5, 5, 10))
        with pytest.raises(TooLargeError, match="deadline"):
            range_(archive, m.Range(["*"], *span, 10), deadline_s=-1.0)
        assert range_(archive, m.Range(["*"], *span, 10)).counts == [20] * 10, "the next question is answered"
        assert range_(archive, m.Range(["nothing"], *span, 10)).counts == [20] * 10
        assert range_(archive, m.Range(["*"], 0, NS_PER_S, 10)).series == []


def test_only_files_of_the_range_are_opened(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    write(folder, steady(7200, HOUR))
    seal_all(folder, everything=True)
    trim(folder, 7200)
    made = manifest.load(folder)
    for item in made.segments:
        if item.first_seq == 1 and item.kind in (manifest.RAW, manifest.R10):
            (folder / manifest.FOLDER / item.file).unlink()
    with open_archive(folder) as archive:
        reply = range_(archive, m.Range(["*"], (HOUR + 4000) * NS_PER_S, (HOUR + 4100) * NS_PER_S, 10))
        assert (reply.level_s, reply.counts) == (1, [10] * 10)
        assert archive.damaged_files == []


def stale(item: Column) -> Column:
    return msgspec.structs.replace(item, quality="stale")


def test_provenance_is_that_of_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    write(
        folder,
        [
            (
                tick(n, HOUR + n, (1.0,), layout=1 + (n > 50)),
                Layout(1 + (n > 50), (stale(GAUGE) if n > 50 else GAUGE,)),
            )
            for n in range(1, 101)
        ],
    )
    seal_all(folder, everything=True)
    trim(folder, 100)
    with open_archive(folder) as archive:
        (series,) = range_(archive, m.Range(["*"], HOUR * NS_PER_S, (HOUR + 200) * NS_PER_S, 10)).series
        assert series.column.quality == "stale"


def test_more_series_than_fit_into_a_file(tmp_path: Path) -> None:
    gauges = [column("test", "hw.temperature", {"sensor": str(n)}, call="test") for n in range(manifest.PART)]
    layout = Layout(1, (*gauges, COUNTER))
    made = [
        (
            tick(seq, HOUR + 3590 + seq, [1.0] * len(gauges) + [2.0 * seq], boottime_ns=seq * NS_PER_S, layout=1),
            layout,
        )
        for seq in range(1, 20)
    ]
    folder = tmp_path / "d"
    write(folder, made)
    question = m.Range(["*"], (HOUR + 3590) * NS_PER_S, (HOUR + 3612) * NS_PER_S, 11)
    with open_reader(folder) as reader:
        other = answer_range(reader, question)
    seal_all(folder, everything=True)
    trim(folder, 20)
    with open_archive(folder) as archive:
        assert len({item.file for item in archive.sealed.manifest.of(manifest.RAW)}) > 2
        assert_same(range_(archive, question), other)
