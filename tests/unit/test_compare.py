"""Two ranges side by side: statistics against numpy, the noise band against what it promises."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from tests.records import COUNTER, GAUGE, LAYOUT, tick
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.history import compare as module
from wftui.history.compare import compare
from wftui.store import journal, manifest, seal
from wftui.store.answers import TooLargeError
from wftui.store.archive import open_archive
from wftui.store.journal import Journal
from wftui.windows.noise import band, student
from wftui.wire import messages as m

T0 = 1_700_002_800


def write(folder: Path, gauge: npt.NDArray[np.float64], gap: range = range(0)) -> None:
    folder.mkdir(mode=0o700)
    made = Journal(folder / journal.NAME)
    made.begin("boot", "0.1", "record", 1, 5, 6)
    made.write(
        [(tick(n + 1, T0 + n, (value, n * 3.0)), LAYOUT) for n, value in enumerate(gauge.tolist()) if n not in gap]
    )
    made.close()


def ask(a: tuple[int, int], b: tuple[int, int], *selectors: str) -> m.Compare:
    times = [(T0 + second) * NS_PER_S for second in (*a, *b)]
    return m.Compare(list(selectors or ("*",)), *times)


@pytest.mark.parametrize("sealed", [False, True])
def test_statistics_of_seconds(tmp_path: Path, sealed: bool) -> None:
    gauge = np.random.default_rng(3).normal(50.0, 5.0, 1200)
    gauge[100] = math.nan
    write(tmp_path / "d", gauge, range(700, 720))
    if sealed:
        with seal.lock(tmp_path / "d"):
            seal.run(tmp_path / "d", 9, everything=True)
    with open_archive(tmp_path / "d") as archive:
        reply = compare(archive, ask((0, 600), (600, 1200)), 5.0)
    assert (reply.a_level_s, reply.b_level_s) == (1, 1)
    found = {item.column.series.text: item for item in reply.series}
    difference = found[GAUGE.series.text]
    for stats, values in ((difference.a, gauge[:600]), (difference.b, np.delete(gauge[600:], range(100, 120)))):
        assert stats is not None
        known = values[~np.isnan(values)]
        assert stats.count == len(known)
        assert stats.mean == pytest.approx(known.mean())
        assert (stats.minimum, stats.maximum) == (known.min(), known.max())
        assert (stats.p50, stats.p95) == pytest.approx(tuple(np.percentile(known, [50, 95])))
        assert stats.deviation == pytest.approx(known.std(ddof=1))
    assert 0.3 < difference.noise < 1.5
    rate = found[COUNTER.series.text]
    assert rate.a is not None
    assert rate.b is not None
    assert (rate.a.count, rate.a.mean, rate.a.deviation) == (599, 3.0, 0.0), "no rate in the first second of all"
    assert rate.b.count == 579, "and none across the gap"
    assert rate.noise == 0.0


def test_nineteen_bands_in_twenty_hold_the_true_difference() -> None:
    """Neighbours that resemble each other (AR(1), 0.8): a band from single seconds would hold 50 % only."""
    chance = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        values = np.empty(1200)
        state = 0.0
        for place, step in enumerate(chance.normal(0.0, 1.0, 1200)):
            values[place] = state = 0.8 * state + step
        parts = values[:600].reshape(-1, 1), values[600:].reshape(-1, 1)
        bands = [module._batch_means(["series"], part)["series"] for part in parts]
        off = abs(values[600:].mean() - values[:600].mean())
        held += off <= band(bands[0], bands[1])
    assert 0.88 <= held / 200 <= 0.99


def test_a_long_or_rolled_up_range_is_compared_by_buckets(tmp_path: Path) -> None:
    write(tmp_path / "d", (np.arange(7200) % 10).astype(np.float64))
    with seal.lock(tmp_path / "d"):
        seal.run(tmp_path / "d", 9, everything=True)
    for path in (tmp_path / "d").glob("journal.*"):
        path.unlink()
    made = manifest.load(tmp_path / "d")
    kept = tuple(one for one in made.segments if one.kind != manifest.RAW or one.first_seq > 1)
    manifest.save(tmp_path / "d", msgspec.structs.replace(made, segments=kept))
    with open_archive(tmp_path / "d") as archive:
        reply = compare(archive, ask((0, 600), (4000, 4600), GAUGE.series.text), 5.0)
        (item,) = reply.series
        assert (reply.a_level_s, reply.b_level_s) == (10, 1)
        assert item.a is not None
        assert (item.a.count, item.a.minimum, item.a.maximum) == (60, 0.0, 9.0)
        assert item.a.mean == pytest.approx(4.5, rel=2e-4)


def test_little_or_nothing(tmp_path: Path) -> None:
    write(tmp_path / "d", np.arange(100.0))
    with open_archive(tmp_path / "d") as archive:
        (item,) = compare(archive, ask((0, 10), (50, 100), GAUGE.series.text), 5.0).series
        assert math.isnan(item.noise), "ten values are no four batches"
        (item,) = compare(archive, ask((5000, 5010), (50, 51), GAUGE.series.text), 5.0).series
        assert item.a is None
        assert item.b is not None
        assert math.isnan(item.b.deviation)
        assert compare(archive, ask((0, 10), (50, 100), "nothing"), 5.0).series == []
        with pytest.raises(ProtocolError, match="since < until"):
            compare(archive, ask((10, 10), (50, 100)), 5.0)
        with pytest.raises(TooLargeError, match="deadline"):
            compare(archive, ask((0, 10), (50, 100)), -1.0)


@pytest.mark.parametrize(("freedom", "expected"), [(3, 3.182), (5, 2.571), (10, 2.228), (38, 2.024), (1e9, 1.960)])
def test_student(freedom: float, expected: float) -> None:
    assert student(freedom) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize(("freedom", "among", "expected"), [(10, 400, 6.042), (20, 1000, 5.139)])
def test_student_of_many_bands(freedom: float, among: int, expected: float) -> None:
    """Expected: the distribution's tail, integrated numerically."""
    assert student(freedom, among) == pytest.approx(expected, rel=5e-3)
