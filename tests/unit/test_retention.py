"""Retention: what goes by age, what goes under the cap and in which order, and what never goes."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from tests.records import many_columns
from wftui.errors import StoreError
from wftui.store import manifest, retention
from wftui.store.manifest import BURST, EVENT, FOLDER, R10, R300, RAW, TABLE, Manifest, Segment
from wftui.store.retention import DAY_S, HOUR_S, Caps, plan

MB = 10**6
START_S = 1_790_000_000
YEAR_2106_S = 4_294_967_000


def segment(
    kind: str, first_seq: int, last_seq: int, size: int = 1, since_s: int | None = None, group: str = "g"
) -> Segment:
    """A segment; its seconds follow the ticks' numbers unless said otherwise."""
    since = START_S + first_seq if since_s is None else since_s
    until = since + last_seq - first_seq + 1
    file = f"{kind}/{group}-{first_seq}-{last_seq}.parquet"
    return Segment(file, kind, group, "", first_seq, last_seq, since, until, 1, size, "", 0)


def hours(kind: str, count: int, size: int, step_s: int = HOUR_S) -> list[Segment]:
    """Consecutive segments, the oldest first."""
    return [segment(kind, n * step_s + 1, (n + 1) * step_s, size) for n in range(count)]


def files(items: Iterable[Segment]) -> list[str]:
    return [item.file for item in items]


def of(*segments: Segment) -> Manifest:
    return Manifest(segments=segments)


@pytest.mark.parametrize(
    ("kind", "keeps_s"),
    [
        (RAW, 48 * HOUR_S), (R10, 14 * DAY_S), (R300, 400 * DAY_S), (TABLE, 14 * DAY_S), (BURST, 14 * DAY_S),
    ],
)  # fmt: skip
@pytest.mark.parametrize("since_s", [START_S, 0, YEAR_2106_S], ids=["now", "1970", "2106"])
def test_age_is_counted_in_ticks(kind: str, keeps_s: int, since_s: int) -> None:
    item = segment(kind, 1, 3600, since_s=since_s)
    assert plan(of(item), Caps(), 3600 + keeps_s - 1, 0) == []
    assert plan(of(item), Caps(), 3600 + keeps_s, 0) == [item]


@pytest.mark.parametrize("kind", [RAW, R10, R300, TABLE, BURST])
def test_the_newest_hour_never_goes(kind: str) -> None:
    item = segment(kind, 1, 3600, size=1 << 40)
    nothing = Caps(0, 0, 0, 0, 0.0, 0)
    assert plan(of(item), nothing, 3600 + HOUR_S - 1, 1 << 40) == []
    assert plan(of(item), nothing, 3600 + HOUR_S, 1 << 40) == [item]


def test_a_clock_that_jumps_to_2106_and_back_deletes_nothing() -> None:
    """Ticks of three hours: one as it was, one in 2106, one as it was again; and their events."""
    kept: list[Segment] = []
    for number, since_s in enumerate((START_S, YEAR_2106_S, START_S + 2 * HOUR_S)):
        first, last = number * HOUR_S + 1, (number + 1) * HOUR_S
        kept += [segment(kind, first, last, since_s=since_s) for kind in (RAW, R10, R300, TABLE)]
        kept.append(
            msgspec.structs.replace(
                segment(EVENT, number * 10 + 1, number * 10 + 10, since_s=since_s), until_s=since_s + HOUR_S
            )
        )
    assert plan(of(*kept), Caps(), 3 * HOUR_S, 0) == []
    assert plan(of(*kept), Caps(), 40 * HOUR_S, 0) == []


def test_events_go_with_the_ticks_of_their_time() -> None:
    ticks = segment(R300, 1_000_000, 1_086_399, since_s=START_S)
    during = segment(EVENT, 5, 9, since_s=START_S + 100)
    before = segment(EVENT, 1, 4, since_s=START_S - 390 * DAY_S)
    found = of(ticks, during, before)
    assert plan(found, Caps(), 1_086_399 + 9 * DAY_S, 0) == []
    assert plan(found, Caps(), 1_086_399 + 10 * DAY_S, 0) == [before], "older than all ticks by what clocks say"
    assert plan(found, Caps(), 1_086_399 + 400 * DAY_S, 0) == [before, during, ticks]


def test_events_without_ticks_stay() -> None:
    assert plan(of(segment(EVENT, 1, 2)), Caps(), 10**9, 0) == []


def test_the_order_under_the_cap() -> None:
    """Raw, 10 s, tables, 5 min down to what each keeps, the oldest first; then again down to the newest hour."""
    day = DAY_S
    found = of(
        *hours(RAW, 40, 10 * MB),
        *hours(R10, 10, 10 * MB, day),
        *hours(TABLE, 40, 1 * MB),
        *hours(R300, 40, 10 * MB, day),
    )
    newest = 40 * day
    ages = Caps(10**9, 10**9, 10**9, 10**9, 1e9)
    gone = plan(found, msgspec.structs.replace(ages, max_bytes=1), newest, 0)
    raw, r10, table, r300 = ([item for item in gone if item.kind == kind] for kind in (RAW, R10, TABLE, R300))
    for items in (raw, r10, table):
        assert [item.first_seq for item in items] == sorted(item.first_seq for item in items)
    old = [item for item in found.of(R300) if newest - item.last_seq >= 30 * day]
    assert files(gone) == files(
        [*found.of(RAW), *found.of(R10), *found.of(TABLE), *old, *(item for item in r300 if item not in old)]
    )
    assert [item for item in found.segments if item not in gone] == [found.of(R300)[-1]], "the newest hour"


def test_no_more_goes_than_has_to() -> None:
    found = of(*hours(RAW, 100, 10 * MB))
    caps = Caps(raw_s=10**9, max_bytes=1_000 * MB)
    assert plan(found, caps, 100 * HOUR_S, 0) == found.of(RAW)[:5], "a twentieth is for the hour to come"
    assert plan(of(*found.segments[5:]), caps, 100 * HOUR_S, 0) == []
    assert plan(of(*found.segments[5:]), caps, 100 * HOUR_S, 1) == found.of(RAW)[5:6]


def test_raw_keeps_a_day_while_5_minutes_of_long_ago_are_there() -> None:
    found = of(*hours(RAW, 48, 10 * MB), *hours(R300, 400, 2 * MB, DAY_S))
    newest = 400 * DAY_S
    moved = tuple(
        msgspec.structs.replace(
            item, first_seq=item.first_seq + newest - 48 * HOUR_S, last_seq=item.last_seq + newest - 48 * HOUR_S
        )
        if item.kind == RAW
        else item
        for item in found.segments
    )
    caps = Caps(max_bytes=900 * MB)
    gone = plan(of(*moved), caps, newest, 0)
    assert sum(item.kind == RAW for item in gone) == 24
    assert gone[-1].kind == R300


def test_tables_take_their_share_at_most() -> None:
    found = of(*hours(TABLE, 50, 5 * MB), *hours(BURST, 50, 5 * MB), *hours(RAW, 10, MB))
    gone = plan(found, Caps(raw_s=10**9, tables_share=0.3, max_bytes=1_000 * MB), 50 * HOUR_S, 0)
    left = [item for item in found.segments if item not in gone and item.kind in (TABLE, BURST)]
    assert sum(item.size for item in left) == 300 * MB
    assert min(item.first_seq for item in left) == 20 * HOUR_S + 1, "the oldest went"
    assert not [item for item in gone if item.kind == RAW]


def test_months_of_5_minutes_do_not_go_for_what_passes() -> None:
    old = hours(R300, 20, MB, DAY_S)
    newest = 20 * DAY_S
    caps = Caps(max_bytes=40 * MB)
    assert len(plan(of(*old), caps, newest, other_bytes=30 * MB)) > 5
    assert plan(of(*old), caps, newest, other_bytes=30 * MB, passing_bytes=14 * MB) == []
    # Seconds and 10 s steps do, and so does what is over without it.
    raw = hours(RAW, 10, MB)
    shifted = [msgspec.structs.replace(item, last_seq=newest - HOUR_S - 1) for item in raw]
    gone = plan(of(*old, *shifted), caps, newest, other_bytes=30 * MB, passing_bytes=14 * MB)
    assert {item.kind for item in gone} == {RAW}
    assert {item.kind for item in plan(of(*old), caps, newest, 30 * MB, 2 * MB)} == {R300}


def test_files_that_are_no_segments_count() -> None:
    found = of(*hours(RAW, 10, 10 * MB))
    assert plan(found, Caps(max_bytes=110 * MB), 10 * HOUR_S, 0) == []
    gone = plan(found, Caps(max_bytes=110 * MB), 10 * HOUR_S, 50 * MB)
    assert len(gone) == 5


def test_any_history_ends_under_the_cap_with_its_newest_hour() -> None:
    dice = random.Random(3)  # noqa: S311  test data, the same each run
    for _ in range(200):
        newest = dice.randrange(2 * HOUR_S, 500 * DAY_S)
        found: list[Segment] = []
        for number in range(dice.randrange(60)):
            last = dice.randrange(1, newest)
            kind = dice.choice((RAW, R10, R300, TABLE, BURST, EVENT))
            first = max(1, last - dice.randrange(DAY_S))
            found.append(segment(kind, first, last, dice.randrange(50 * MB), group=f"g{number}"))
        caps = Caps(max_bytes=dice.randrange(1, 1_000) * MB)
        gone = plan(of(*found), caps, newest, 10 * MB)
        assert len(set(files(gone))) == len(gone)
        left = [item for item in found if item not in gone]
        recent = [item for item in found if item.kind != EVENT and newest - item.last_seq < HOUR_S]
        assert all(item in left for item in recent)
        free = [item for item in left if item.kind != EVENT and item not in recent]
        assert sum(item.size for item in left) + 10 * MB <= caps.usable or not free


def test_30_days_of_5_minutes_survive_the_cap_at_2000_series() -> None:
    """What a day of 2,000 series takes, from measured bytes a sample: 1.05 raw; 10 s and 5 min by statistic."""
    series = 2_000
    raw_hour = round(series * 3600 * 1.05)
    r10_day = round(12.2 * MB / 400 * series)
    r300_day = round(0.65 * MB / 400 * series)
    table_hour = 2 * MB
    found: list[Segment] = []
    newest = 0
    for hour in range(120 * 24):
        found.append(segment(RAW, newest + 1, newest + HOUR_S, raw_hour))
        found.append(segment(TABLE, newest + 1, newest + HOUR_S, table_hour))
        newest += HOUR_S
        if hour % 24 == 23:
            first = newest - DAY_S + 1
            found.append(segment(R10, first, newest, r10_day))
            found.append(segment(R300, first, newest, r300_day))
            gone = set(files(plan(of(*found), Caps(), newest, 130 * MB)))
            found = [item for item in found if item.file not in gone]
            assert sum(item.size for item in found) + 130 * MB <= 1 << 30
    left = {kind: [item for item in found if item.kind == kind] for kind in (RAW, R10, R300)}
    assert len(left[R300]) == 120, "all of 5 min is there, and more than 30 days of it"
    assert len(left[RAW]) >= 24
    assert len(left[R10]) >= 3


# ---- apply


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / FOLDER / RAW).mkdir(parents=True)
    return tmp_path


def put(data_dir: Path, *segments: Segment) -> None:
    for item in segments:
        (data_dir / FOLDER / item.file).parent.mkdir(exist_ok=True)
        (data_dir / FOLDER / item.file).write_bytes(bytes(item.size))
    manifest.save(data_dir, of(*segments))


def test_apply_unlinks_and_the_manifest_says_so(data_dir: Path) -> None:
    items = hours(RAW, 50, 100)
    named, columns = manifest.with_columns(Manifest(), many_columns(4))
    items = [
        msgspec.structs.replace(item, columns="0-1" if number < 3 else "1-2") for number, item in enumerate(items)
    ]
    put(data_dir, *items)
    manifest.save(data_dir, msgspec.structs.replace(named, segments=tuple(items)))
    removed = retention.apply(data_dir, Caps(), 51 * HOUR_S)
    assert removed == retention.Removed(3, 0, 300)
    found = manifest.load(data_dir)
    assert files(found.segments) == files(items[3:])
    assert [item.id for item in found.columns] == [1, 2], "nobody holds the others any more"
    assert found.next_id == 4, "a number never means another series"
    assert found.columns == tuple(columns[1:3])
    on_disk = sorted(path.name for path in (data_dir / FOLDER / RAW).iterdir())
    assert on_disk == sorted(Path(item.file).name for item in items[3:])
    assert retention.apply(data_dir, Caps(), 51 * HOUR_S) == retention.Removed()


def test_files_set_aside_go_first_and_the_oldest_of_them(data_dir: Path) -> None:
    put(data_dir, *hours(RAW, 10, 1_000))
    for number, name in enumerate(
        ("journal.db.damaged-5", "segments/raw/x.parquet.damaged-6", "journal.db.damaged-7")
    ):
        (data_dir / name).write_bytes(bytes(10_000))
        os.utime(data_dir / name, (number, number))
    (data_dir / "journal.db").write_bytes(bytes(5_000))
    (data_dir / "other.txt").write_bytes(bytes(100_000))
    manifest_bytes = (data_dir / FOLDER / manifest.NAME).stat().st_size
    caps = Caps(max_bytes=int((26_000 + manifest_bytes) / (1 - retention.HEADROOM)))
    assert retention.apply(data_dir, caps, 10 * HOUR_S) == retention.Removed(0, 2, 20_000)
    assert [path.name for path in retention.aside_files(data_dir)] == ["journal.db.damaged-7"]
    assert (data_dir / "other.txt").exists(), "not ours"
    caps = Caps(max_bytes=int((13_500 + manifest_bytes) / (1 - retention.HEADROOM)))
    assert retention.apply(data_dir, caps, 10 * HOUR_S) == retention.Removed(2, 1, 12_000)
    assert (data_dir / "journal.db").exists()


def test_a_file_that_is_gone_already_is_no_error(data_dir: Path) -> None:
    items = hours(RAW, 50, 100)
    put(data_dir, *items)
    (data_dir / FOLDER / items[0].file).unlink()
    assert retention.apply(data_dir, Caps(), 51 * HOUR_S) == retention.Removed(3, 0, 200)


def test_a_damaged_manifest_removes_nothing(data_dir: Path) -> None:
    items = hours(RAW, 50, 100)
    put(data_dir, *items)
    (data_dir / FOLDER / manifest.NAME).write_bytes(b"garbage")
    with pytest.raises(StoreError):
        retention.apply(data_dir, Caps(), 51 * HOUR_S)
    assert len(list((data_dir / FOLDER / RAW).iterdir())) == 50


def test_nothing_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert retention.apply(tmp_path, Caps(), 0) == retention.Removed()
