"""Ticks to rows: rates that are never invented, columns over changing layouts, order, steps."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.recording import BYTES, CPU, PEAK, START_S, Recording, mount
from wftui.store.read import Reader, open_reader
from wftui.store.rows import Rows

ROOT = mount("/")


def table(
    reader: Reader, patterns: tuple[str, ...] = (), *, since: int = 0, until: int = 2**40, step_s: int = 1,
    raw: bool = False, size: int = 64,
) -> dict[str, list[float | None]]:  # fmt: skip
    """All rows by column, NaN as None; the columns ``seq`` and ``time`` too."""
    span = reader.span(since, until)
    assert span is not None
    rows = Rows(reader, span, since, until, patterns, step_s=step_s, raw=raw)
    found: dict[str, list[float | None]] = {"seq": [], "time": []}
    for batch in rows.batches(size):
        assert len(batch.seq) <= size
        found["seq"] += batch.seq
        found["time"] += [time_s - START_S for time_s in batch.time_s]
        for field, column in zip(rows.fields, batch.columns, strict=True):
            values = [None if math.isnan(value) else value for value in column]
            found.setdefault(f"{field.column.series.text} {field.unit}", []).extend(values)
    return found


RATE = f"{BYTES.series.text} By/s"


@pytest.mark.parametrize("size", [1, 3, 64])
def test_counters_become_rates_by_elapsed_time(tmp_path: Path, size: int) -> None:
    with Recording(tmp_path / "data") as recording:
        for second, (read, boottime) in enumerate([(100, 10.0), (300, 11.0), (300, 12.25), (400, 12.75)]):
            recording.tick(START_S + second, {BYTES: read}, boottime)
    with open_reader(tmp_path / "data") as reader:
        assert table(reader, size=size)[RATE] == [None, 200.0, 0.0, 200.0]
        assert table(reader, size=size, raw=True)[f"{BYTES.series.text} By"] == [100, 300, 300, 400]
        # The tick before the range gives the first row its rate.
        assert table(reader, since=START_S + 1, size=size)[RATE] == [200.0, 0.0, 200.0]


def test_no_rate_over_a_reset_a_gap_a_lost_tick_or_a_boot(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        recording.tick(START_S, {BYTES: 1000}, 10)
        recording.tick(START_S + 1, {BYTES: 5}, 11)  # reset
        recording.tick(START_S + 2, {BYTES: 6}, 12)
        recording.tick(START_S + 9, {BYTES: 900}, 19)  # gap
        recording.tick(START_S + 10, {BYTES: 901}, 20)
        recording.tick(START_S + 11, {BYTES: 990}, 21, skip=1)  # a tick is missing, whatever its time was
        recording.tick(START_S + 12, {BYTES: 991}, 22)
        recording.reboot()
        recording.tick(START_S + 13, {BYTES: 2000}, 23)
        recording.tick(START_S + 14, {BYTES: math.nan}, 24)
        recording.tick(START_S + 15, {BYTES: 2001}, 25)
        recording.tick(START_S + 16, {BYTES: 2003}, 26)
    with open_reader(tmp_path / "data") as reader:
        rates = table(reader)[RATE]
    assert rates == [None, None, 1.0, None, 1.0, None, 1.0, None, None, None, 2.0]


def test_columns_come_and_go(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        recording.tick(START_S, {CPU: 0.5})
        recording.tick(START_S + 1, {BYTES: 10, CPU: 0.25})
        recording.tick(START_S + 2, {ROOT: 7, BYTES: 30})
    with open_reader(tmp_path / "data") as reader:
        found = table(reader)
        assert list(found)[2:] == [f"{CPU.series.text} 1", RATE, f"{ROOT.series.text} By"]
        assert found[f"{CPU.series.text} 1"] == [0.5, 0.25, None]
        assert found[RATE] == [None, None, 20.0]
        assert found[f"{ROOT.series.text} By"] == [None, None, 7]
        only = table(reader, ("system.disk.*", 'system.filesystem.limit{mount="/"}'))
        assert list(only)[2:] == [RATE, f"{ROOT.series.text} By"]
        assert only[RATE] == [None, None, 20.0]


def test_both_passes_of_a_repeated_hour_stay_in_order(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        for seq, second in enumerate([0, 1, 2, 1, 2, 3, 500, 4]):
            recording.tick(START_S + second, {BYTES: 10.0 * seq}, 100 + seq)
    with open_reader(tmp_path / "data") as reader:
        found = table(reader)
        assert found["time"] == [0, 1, 2, 1, 2, 3, 500, 4]
        assert found["seq"] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert found[RATE] == [None, *[10.0] * 7]
        # A tick in the middle that lies outside the range is no row, but its reading still counts.
        part = table(reader, since=START_S + 1, until=START_S + 10)
        assert part["time"] == [1, 2, 1, 2, 3, 4]
        assert part[RATE] == [10.0] * 6


@pytest.mark.parametrize("size", [1, 2, 64])
def test_steps(tmp_path: Path, size: int) -> None:
    first = START_S + 5
    with Recording(tmp_path / "data") as recording:
        for second in range(40):
            if 15 <= second < 25:
                continue  # no tick at all: no row
            known = second < 30
            recording.tick(
                first + second,
                {CPU: second / 100 if known else math.nan, PEAK: second / 50, BYTES: 100.0 * second},
            )
    with open_reader(tmp_path / "data") as reader:
        found = table(reader, step_s=10, size=size)
        raw = table(reader, step_s=10, raw=True, size=size)
    assert found["time"] == [0, 10, 30, 40]
    assert found[f"{CPU.series.text} 1"] == [pytest.approx(0.02), pytest.approx(0.095), pytest.approx(0.27), None]
    assert found[f"{PEAK.series.text} 1"] == [4 / 50, 14 / 50, 34 / 50, 39 / 50]
    assert found[RATE] == [100.0, 100.0, 100.0, 100.0]
    assert raw[f"{BYTES.series.text} By"] == [400, 1400, 3400, 3900]


def test_a_damaged_tick_is_left_out_and_counted(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        for second in range(4):
            recording.tick(START_S + second, {BYTES: 10.0 * second})
    path = tmp_path / "data" / "journal.db"
    content = path.read_bytes()
    import struct

    spoiled = content.replace(struct.pack("<d", 10.0), struct.pack("<d", 11.0))
    assert spoiled != content
    path.write_bytes(spoiled)
    with open_reader(tmp_path / "data") as reader:
        found = table(reader)
        assert found["time"] == [0, 2, 3]
        assert found[RATE] == [None, None, 10.0]
        assert reader.damaged == 1
