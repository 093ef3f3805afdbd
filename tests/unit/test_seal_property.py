"""Any journal: what segments hold is what it held, exactly; rollups are those of a slow reference."""

from __future__ import annotations

import math
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recording import START_S, S
from tests.sealing import Given, Journaled, Key, joined, key, made, sealed
from wftui.model.sample import Column
from wftui.model.series import parse
from wftui.model.tick import Tick, pack
from wftui.store import manifest, merge, seal
from wftui.windows.buckets import Rates

HOUR_S = START_S - START_S % 3600
COLUMNS = (
    made("a"),
    made("A"),  # DuckDB takes it for the one before
    made("b", "counter", "By"),
    made("b", "counter", "s"),  # another unit: another series
    made("b"),  # another kind, too
    made("c", "counter", "By", group="custom"),
    made("d", "distribution", stat="p99", group="custom"),
    made("d", "distribution", stat="sum", group="custom"),
    made("e", stat="max"),
    made("e", stat="min"),
    made("e", quality="estimated"),
)
JUMPS = (0, -1, -3600, 3600, -HOUR_S, 2**32 - HOUR_S, 2, 9, 300, 86_400)
NUMBERS = st.one_of(
    st.integers(0, 40).map(float),
    st.floats(-1e6, 1e6, width=32),
    st.sampled_from((math.nan, math.nan, 0.1, 2.0**53 + 2, 2.0**63, -(2.0**63), 1e300, -0.0, 1e-9)),
)


@st.composite
def journals(draw: st.DrawFn) -> list[Given]:
    """Ticks in order: mostly one a second, with all that clocks, disks and collectors do."""
    columns = tuple(draw(st.permutations(COLUMNS))[: draw(st.integers(1, len(COLUMNS)))])
    seq, time_s, at_ns, boot = draw(st.integers(0, 3)), HOUR_S + draw(st.sampled_from((3580, 3595, 290, 0))), 0, 1
    found: list[Given] = []
    for _ in range(draw(st.integers(1, 40))):
        seq += 1
        odd = draw(st.integers(0, 24))
        elapsed_ns = S
        if odd == 0:
            time_s += draw(st.sampled_from(JUMPS))
        elif odd == 1:
            seq += draw(st.integers(1, 3))
        elif odd == 2:
            boot = 3 - boot
        elif odd == 3:
            elapsed_ns = draw(st.sampled_from((S // 10, 2 * S, 8 * 3600 * S)))
        elif odd == 4:
            columns = tuple(draw(st.permutations(COLUMNS))[: draw(st.integers(1, len(COLUMNS)))])
        elif odd == 5:
            columns = tuple(_otherwise(item) for item in columns)
        damaged = draw(st.sampled_from(("values", "time"))) if odd == 6 else ""
        time_s += 1
        at_ns += elapsed_ns
        values = tuple(draw(NUMBERS) for _ in columns)
        found.append(Given(seq, time_s, at_ns, boot, columns, values, damaged))
    return found


def _otherwise(column: Column) -> Column:
    quality = "stale" if column.quality != "stale" else "measured"
    return Column(column.series, column.unit, column.kind, column.group, quality, column.source, "other")


def _pieces(ticks: Sequence[Given]) -> Iterator[list[Given]]:
    """Runs within an hour as the journal shows them, damaged ticks with them."""
    run: list[Given] = []
    before: int | None = None
    for item in ticks:
        hour = (item.time_s + 7200 * (item.damaged == "time")) // 3600
        if run and hour != before:
            yield run
            run = []
        run.append(item)
        before = hour
    yield run


def _steps(piece: Sequence[Given], step_s: int) -> Iterator[list[Given]]:
    """Rows of a rollup: a step, until it is over or the clock goes back."""
    run: list[Given] = []
    for item in piece:
        if item.damaged:
            continue
        if run and (item.time_s // step_s != run[-1].time_s // step_s or item.time_s < run[-1].time_s):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _readings(ticks: Sequence[Given]) -> dict[int, dict[Key, float]]:
    """What rollups are made of, by seq: gauges as they are, counters as rates."""
    rates, found = Rates(), {}
    for item in ticks:
        if item.damaged:
            continue
        known = item.known()
        plain = {name: value for name, value in known.items() if name[2] != "counter"}
        counters = {"|".join(name): value for name, value in known.items() if name[2] == "counter"}
        row = Tick(item.seq, item.time_s, item.boottime_ns, item.boot, 1, pack(array("d", item.values)))
        grown = rates.step(row, list(counters.items()))
        found[item.seq] = plain | {_split(name): value for name, value in grown.items()}
    return found


def _split(name: str) -> Key:
    series, unit, kind = name.split("|")
    return series, unit, kind


def _stats(name: Key) -> tuple[str, ...]:
    stat = parse(name[0]).stat
    if name[2] == "counter" or not stat:
        return "min", "mean", "max"
    if name[2] == "distribution" and stat == "sum":
        return ("sum",)
    return ("min",) if stat == "min" else ("max",)


def _close(got: float, expected: float, low: float, high: float) -> bool:
    got = min(max(got, low), high)
    return math.isclose(got, expected, rel_tol=1.3e-4, abs_tol=1e-30) or abs(expected) > 1e38


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(journals(), st.data())
def test_segments_hold_what_the_journal_held(ticks: list[Given], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cut = data.draw(st.integers(0, len(ticks)), label="sealed after")
        with Journaled(folder, boots=2) as journaled:
            journaled.write(ticks[:cut])
            sealed(folder)
            journaled.write(ticks[cut:])
            sealed(folder)
            sealed(folder, everything=True)
            assert sealed(folder, everything=True).files == 0
            if data.draw(st.booleans(), label="merged"):
                with seal.lock(folder):
                    merge.run(folder)
        _check_raw(folder, ticks)
        _check_rollups(folder, ticks)


def _check_raw(folder: Path, ticks: Sequence[Given]) -> None:
    found = joined(folder, manifest.RAW)
    good = [item for item in ticks if not item.damaged]
    # A tick without any value is only in the file when its group has a series in the piece.
    assert [item.seq for item in good] == sorted(found)
    for item in good:
        row = found[item.seq]
        assert (row["time_s"], row["boottime_ns"], row["boot"]) == (item.time_s, item.boottime_ns, item.boot)
        assert {name: value for name, value in row.items() if isinstance(name, tuple)} == item.known()


def _check_rollups(folder: Path, ticks: Sequence[Given]) -> None:
    readings = _readings(ticks)
    for kind, step_s in ((manifest.R10, 10), (manifest.R300, 300)):
        rows = {stat: joined(folder, kind, stat) for stat in manifest.STATISTICS}
        seen = {seq for found in rows.values() for seq in found}
        expected = [step for piece in _pieces(ticks) for step in _steps(piece, step_s)]
        assert seen == {step[0].seq for step in expected}
        for step in expected:
            values: dict[Key, list[float]] = {}
            for item in step:
                for name, value in readings[item.seq].items():
                    values.setdefault(name, []).append(value)
            for stat, found in rows.items():
                row = found.get(step[0].seq, {})
                wanted = {name for name in values if stat in _stats(name)}
                assert {name for name in row if isinstance(name, tuple)} == wanted
                if row:
                    assert (row["time_s"], row["count"]) == (step[0].time_s // step_s * step_s, len(step))
                for name in wanted:
                    known = values[name]
                    got = row[name]
                    low, high = min(known), max(known)
                    mean = sum(known) / len(known)
                    if stat in ("min", "max"):
                        assert got == (low if stat == "min" else high)
                    elif stat == "sum":
                        assert math.isclose(got, sum(known), rel_tol=1e-9, abs_tol=1e-6 * max(map(abs, known)))
                    else:
                        spread = max(abs(low), abs(high))
                        assert _close(got, mean, low, high) or abs(got - mean) <= 1.3e-4 * spread


def test_key_is_of_series_unit_and_kind() -> None:
    assert len({key(item) for item in COLUMNS}) == len(COLUMNS)
