"""Clocks that step, sleep and flip, after sealing: the answers of the journal, and few files."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recording import START_S, S
from tests.sealing import NOW_NS
from wftui import when
from wftui.errors import UsageError
from wftui.model.sample import Column, column
from wftui.model.table import TableColumn, TableSchema, keyframe
from wftui.model.tick import Layout, Tick, pack, unpack
from wftui.store import derived, journal, manifest, merge, retention, seal
from wftui.store.archive import Archive
from wftui.store.journal import Journal, StoredChange
from wftui.store.query import range_
from wftui.wire import messages as m

HOUR_S = 3600
BUSY = column("cpu", "system.cpu.utilization", call="test")
BYTES = column("disks", "system.disk.io", {"device": "sda", "direction": "read"}, call="test")
COLUMNS: tuple[Column, ...] = (BUSY, BYTES)
THINGS = TableSchema("things", (TableColumn("name", "", "text"), TableColumn("size", "By", "gauge")))
Moment = tuple[int, float, int]
"""UTC second, CLOCK_BOOTTIME in seconds, boot."""
Y1970, Y2106 = 1_000, 4_291_747_200


def seconds(begin_s: int, count: int, boottime_s: float, boot: int = 1) -> list[Moment]:
    """Seconds in which nothing happens."""
    return [(begin_s + n, boottime_s + n, boot) for n in range(count)]


def stepped(by_s: int, after: int = 4000, count: int = 4400) -> list[Moment]:
    """The wall clock jumps once."""
    return seconds(START_S, after, 100) + seconds(START_S + after + by_s, count, 100 + after)


def slewed() -> list[Moment]:
    """NTP makes the wall clock 500 ppm slow: some seconds of it last longer."""
    return [(START_S + n, 100 + n * 1.0005, 1) for n in range(8000)]


def smeared() -> list[Moment]:
    """A leap second spread over an hour."""
    return [(START_S + n, 100 + n + min(1.0, n / 3600), 1) for n in range(8000)]


def leap() -> list[Moment]:
    """A leap second that UTC lives through twice."""
    last = START_S // HOUR_S * HOUR_S + HOUR_S - 1
    return seconds(START_S, last + 1 - START_S, 100) + seconds(last, 6000, 100 + last + 1 - START_S)


CASES: dict[str, Callable[[], list[Moment]]] = {
    "nothing": lambda: seconds(START_S, 8000, 100),
    "-1h": lambda: stepped(-HOUR_S),
    "+1h": lambda: stepped(HOUR_S),
    "to 1970": lambda: stepped(Y1970 - START_S - 4000),
    "to 2106": lambda: stepped(Y2106 - START_S - 4000),
    "suspend 8h": lambda: seconds(START_S, 4000, 100) + seconds(START_S + 32_800, 4400, 32_900),
    "slew": slewed,
    "leap smear": smeared,
    "leap twice": leap,
    "boot": lambda: seconds(START_S, 4000, 10_000) + seconds(START_S + 4060, 4400, 20, 2),
    "boot, clock back": lambda: seconds(START_S, 4000, 10_000) + seconds(START_S + 1000, 4400, 20, 2),
}


def counter(place: int, moment: Moment) -> float:
    """A counter of the boot: 100 a second, and zero when the machine boots."""
    del place
    return round(moment[1] * 100.0)


def write(folder: Path, moments: Sequence[Moment]) -> None:
    """A journal of these seconds, with a table each 30 s that says which tick it is of."""
    folder.mkdir(mode=0o700, exist_ok=True)
    made = Journal(folder / journal.NAME)
    for number in (1, 2):
        made.begin(f"boot-{number}", "test", "record", 1, START_S * S, 0)
    layout = Layout(1, COLUMNS)
    ticks = []
    changes = []
    for place, moment in enumerate(moments):
        values = array("d", (place % 50 / 50, counter(place, moment)))
        ticks.append((Tick(place + 1, moment[0], round(moment[1] * S), moment[2], 1, pack(values)), layout))
        if place % 30 == 0:
            row = {f"k{place // 30 % 4}": (f"tick {place + 1}", float(place))}
            changes.append(StoredChange(place + 1, THINGS, keyframe(THINGS, moment[0] * S, row)))
    made.write(ticks, changes)
    made.close()


def trimmed(folder: Path) -> None:
    """Take what is sealed out of the journal, but the last tick."""
    made = Journal(folder / journal.NAME)
    made.trim(1, 1 << 40)
    made.close()


def sealed(folder: Path) -> None:
    """Seal all, merge, derive, and forget the journal."""
    with seal.lock(folder):
        seal.run(folder, NOW_NS, everything=True)
        merge.run(folder)
        derived.refresh(folder, NOW_NS)
    trimmed(folder)


def ask(folder: Path, since_s: int, until_s: int, points: int) -> m.RangeReply:
    """Both series over [since, until)."""
    with Archive(folder) as archive:
        archive.refresh()
        return range_(archive, m.Range(["*"], since_s * S, until_s * S, points))


def islands(moments: Sequence[Moment]) -> list[tuple[int, int]]:
    """Stretches of wall time with ticks, [since, until), none of them apart by less than a day."""
    found: list[list[int]] = []
    for second in sorted({moment[0] for moment in moments}):
        if found and second - found[-1][1] < 86_400:
            found[-1][1] = second + 1
        else:
            found.append([second, second + 1])
    return [(low, high) for low, high in found]


def no_false_rate(reply: m.RangeReply) -> None:
    """Rates are 100 a second, or unknown."""
    for item in reply.series:
        if item.column == BYTES:
            for part in (item.minimum, item.mean, item.maximum):
                known = [value for value in unpack(part) if not math.isnan(value)]
                assert all(99 <= value <= 101 for value in known), (min(known), max(known))


@pytest.fixture(params=CASES, scope="module")
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Moment]]:
    """A data dir in which all is sealed and merged."""
    moments = CASES[request.param]()
    folder = tmp_path_factory.mktemp("clock") / "data"
    write(folder, moments)
    before = {span: ask(folder, *span, 200) for span in islands(moments)}
    sealed(folder)
    for span, wanted in before.items():
        found = ask(folder, *span, 200)
        no_false_rate(wanted)
        if found.level_s == 1:
            assert (found.start_ns, found.step_ns, found.counts) == (
                wanted.start_ns,
                wanted.step_ns,
                wanted.counts,
            )
    return folder, moments


def test_the_order_is_kept(case: tuple[Path, list[Moment]]) -> None:
    folder, moments = case
    with Archive(folder) as archive:
        archive.refresh()
        found = list(archive.sequence(1, len(moments)))
    assert [tick.seq for tick in found] == list(range(1, len(moments) + 1))
    assert [(tick.time_s, tick.boottime_ns, tick.boot) for tick in found] == [
        (time_s, round(boottime_s * S), boot) for time_s, boottime_s, boot in moments
    ]


@pytest.mark.parametrize("points", [5, 100, 900, 9_000])
def test_no_level_has_a_false_rate(case: tuple[Path, list[Moment]], points: int) -> None:
    folder, moments = case
    counted = 0
    for since_s, until_s in islands(moments):
        reply = ask(folder, since_s, until_s, points)
        no_false_rate(reply)
        counted += sum(reply.counts)
    assert counted == len(moments), "each tick counts once"
    low, high = min(moments)[0], max(moments)[0] + 1
    no_false_rate(ask(folder, low, high, points))


def test_coarse_levels_know_no_negative_rate(case: tuple[Path, list[Moment]]) -> None:
    """The files themselves: 10 s, 5 min, and what other DuckDB clients see."""
    folder, moments = case
    made = manifest.load(folder)
    name = next(item.name for item in made.columns if item.series == BYTES.series.text)
    for kind in (manifest.R10, manifest.R300):
        for stat in (manifest.MIN, manifest.MEAN, manifest.MAX):
            ticks = 0
            for item in made.of(kind, stat=stat):
                rows = duckdb.read_parquet(str(folder / manifest.FOLDER / item.file))
                cells = rows.select("seq", "count", duckdb.ColumnExpression(name)).fetchall()
                assert [row[0] for row in cells] == sorted({row[0] for row in cells})
                assert all(row[2] is None or 99 <= row[2] <= 101 for row in cells)
                ticks += sum(row[1] for row in cells)
            assert ticks == len(moments)
    connection = duckdb.connect(str(folder / derived.NAME), read_only=True)
    try:
        found = connection.execute(
            'SELECT min("min"), max("max") FROM metrics_5m JOIN series ON id = series_id WHERE kind = \'counter\''
        ).fetchone()
        assert found is not None
        assert 99 <= found[0] <= found[1] <= 101
    finally:
        connection.close()


def test_gaps_are_gaps(case: tuple[Path, list[Moment]]) -> None:
    folder, moments = case
    there = {moment[0] for moment in moments}
    for (_, end), (begin, _) in pairwise(islands(moments)):
        middle = (end + begin) // 2
        reply = ask(folder, middle, middle + 60, 60)
        assert sum(reply.counts) == 0
        assert all(math.isnan(value) for item in reply.series for value in unpack(item.mean))
    with Archive(folder) as archive:
        archive.refresh()
        for second in range(min(there), min(there) + 12_000, 97):
            assert (archive.at(second) is not None) == (second in there)


def test_both_passes_are_reachable(case: tuple[Path, list[Moment]]) -> None:
    folder, moments = case
    passes: dict[int, list[int]] = {}
    for place, (time_s, _, _) in enumerate(moments):
        passes.setdefault(time_s, []).append(place + 1)
    with Archive(folder) as archive:
        archive.refresh()
        for time_s, numbers in list(passes.items())[:: max(1, len(passes) // 40)]:
            last = archive.at(time_s)
            assert last is not None
            assert last.seq == numbers[-1]
            assert [tick.seq for tick in archive.ticks(time_s, time_s + 1)] == numbers
            for number in numbers:
                (tick,) = archive.sequence(number, number)
                assert unpack(tick.values)[
                    archive.layout(tick.layout).places()[BUSY.series.text]
                ] == pytest.approx((number - 1) % 50 / 50)
                table = archive.table_of("things", number)
                assert table is not None
                frame = (number - 1) // 30 * 30
                assert list(table.rows.values()) == [(f"tick {frame + 1}", float(frame))]


def test_a_jump_deletes_nothing(case: tuple[Path, list[Moment]]) -> None:
    folder, moments = case
    before = manifest.load(folder)
    assert retention.plan(before, retention.Caps(), len(moments), 0) == []


def flips(count: int, apart_s: int) -> list[Moment]:
    """A clock that is an hour (or so) off in every other second."""
    return [(START_S + n + (n % 2) * apart_s, 100.0 + n, 1) for n in range(count)]


@pytest.mark.parametrize("apart_s", [HOUR_S, -HOUR_S, Y2106 - START_S])
def test_a_clock_that_flips_each_second_makes_few_files(tmp_path: Path, apart_s: int) -> None:
    moments = flips(600, apart_s)
    moments += seconds(START_S + 600, 3 * HOUR_S, 700)
    write(tmp_path / "data", moments)
    with seal.lock(tmp_path / "data"):
        outcome = seal.run(tmp_path / "data", NOW_NS)
    assert outcome.pieces <= 16
    assert outcome.files <= 200
    # Sealed again and again while it flips, as a recorder does each minute.
    assert seal_often(tmp_path / "often", flips(900, apart_s)) <= 12
    sealed(tmp_path / "data")
    with Archive(tmp_path / "data") as archive:
        archive.refresh()
        assert [tick.seq for tick in archive.sequence(1, len(moments))] == list(range(1, len(moments) + 1))
        for place in (0, 1, 300, 301, 599):
            second = moments[place][0]
            wanted = max(n + 1 for n, item in enumerate(moments) if item[0] == second)
            tick = archive.at(second)
            assert tick is not None
            assert tick.seq == wanted


def seal_often(folder: Path, moments: Sequence[Moment]) -> int:
    """Seal after each 60 ticks; how many pieces there are."""
    pieces = 0
    for end in range(60, len(moments) + 1, 60):
        write(folder, moments[:end])
        with seal.lock(folder):
            pieces += seal.run(folder, NOW_NS).pieces
    return pieces


JUMPS = st.lists(
    st.tuples(
        st.integers(1, 700),
        st.sampled_from(["step", "sleep", "boot"]),
        st.one_of(st.integers(-2 * HOUR_S, 2 * HOUR_S), st.integers(-5, 5), st.just(Y2106 - START_S)),
    ),
    min_size=1,
    max_size=12,
)


LATEST_S = 2**33
"""2242: nanoseconds in 64 bits end in 2262."""
LONGEST_SLEEP_S = 60 * 24 * HOUR_S
"""The clock may claim to be in any century; time that really passes may not."""


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(JUMPS)
def test_any_jumps_answer_alike_before_and_after_sealing(
    tmp_path_factory: pytest.TempPathFactory, jumps: list[tuple[int, str, int]]
) -> None:
    moments: list[Moment] = []
    wall_s, boottime_s, boot = START_S, 100.0, 1
    for count, what, by_s in jumps:
        moments += seconds(wall_s, count, boottime_s, boot)
        wall_s, boottime_s = wall_s + count, boottime_s + count
        if what == "step":
            wall_s = min(max(0, wall_s + by_s), LATEST_S)
        elif what == "sleep":
            asleep_s = min(abs(by_s), LONGEST_SLEEP_S)
            wall_s, boottime_s = min(wall_s + asleep_s, LATEST_S), boottime_s + asleep_s
        elif boot == 1:
            wall_s, boottime_s, boot = wall_s + 30, 20.0, 2
    moments += seconds(wall_s, 100, boottime_s, boot)
    folder = tmp_path_factory.mktemp("jumps") / "data"
    write(folder, moments)
    spans = [(low, min(high, low + 9_000)) for low, high in islands(moments)]
    before = [ask(folder, *span, 9_000) for span in spans]
    with seal.lock(folder):
        seal.run(folder, NOW_NS, everything=True)
    trimmed(folder)
    for span, wanted in zip(spans, before, strict=True):
        found = ask(folder, *span, 9_000)
        assert (found.start_ns, found.step_ns, found.counts) == (wanted.start_ns, wanted.step_ns, wanted.counts)
        for one, other in zip(found.series, wanted.series, strict=True):
            assert one.column.series == other.column.series
            for field in ("minimum", "mean", "maximum"):
                assert unpack(getattr(one, field)) == pytest.approx(unpack(getattr(other, field)), nan_ok=True)
        no_false_rate(found)
    with Archive(folder) as archive:
        archive.refresh()
        assert [tick.time_s for tick in archive.sequence(1, len(moments))] == [item[0] for item in moments]


BERLIN = ZoneInfo("Europe/Berlin")


def test_both_passes_of_a_local_hour_can_be_named() -> None:
    """The end of summer time repeats a local hour, not a UTC one: nothing of it is a step."""
    noon_ns = int(datetime(2026, 10, 25, 12, tzinfo=BERLIN).timestamp()) * S
    first = when.moment("2026-10-25T02:30:00+02:00", noon_ns, tz=BERLIN)
    second = when.moment("2026-10-25T02:30:00+01:00", noon_ns, tz=BERLIN)
    assert second - first == HOUR_S * S
    assert when.moment("02:30", noon_ns, tz=BERLIN) == first
    shown = [datetime.fromtimestamp(at // S, BERLIN) for at in (first, second)]
    assert [f"{at:%H:%M%z}" for at in shown] == ["02:30+0200", "02:30+0100"]
    assert shown[1].astimezone(UTC) - shown[0].astimezone(UTC) == timedelta(hours=1)


def test_a_local_hour_that_summer_time_skips_is_moved_on() -> None:
    noon_ns = int(datetime(2026, 3, 29, 12, tzinfo=BERLIN).timestamp()) * S
    found = datetime.fromtimestamp(when.moment("02:30", noon_ns, tz=BERLIN) // S, BERLIN)
    assert f"{found:%H:%M%z}" == "03:30+0200"
    with pytest.raises(UsageError, match="no such time"):
        when.moment("25:30", noon_ns, tz=BERLIN)


def test_a_day_of_25_hours_is_recorded_hour_by_hour(tmp_path: Path) -> None:
    begin_s = int(datetime(2026, 10, 25, 0, tzinfo=BERLIN).timestamp())
    moments = seconds(begin_s, 5 * HOUR_S, 100)
    write(tmp_path / "data", moments)
    sealed(tmp_path / "data")
    with Archive(tmp_path / "data") as archive:
        archive.refresh()
        for hour in ("+02:00", "+01:00"):
            at_s = when.moment(f"2026-10-25T02:30:00{hour}", 0) // S
            tick = archive.at(at_s)
            assert tick is not None
            assert tick.seq == at_s - begin_s + 1
    assert sum(ask(tmp_path / "data", begin_s, begin_s + 5 * HOUR_S, 300).counts) == len(moments)
