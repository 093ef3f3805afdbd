"""The time grammar: what people type, clock changes, and text that is no time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.errors import UsageError
from wftui.when import duration, moment

S = 1_000_000_000
NOW = int(datetime(2026, 11, 20, 15, 4, 5, tzinfo=UTC).timestamp()) * S + 123
BERLIN = ZoneInfo("Europe/Berlin")
SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def ns(*parts: int, tz: timezone | ZoneInfo = UTC) -> int:
    """Nanoseconds of a date and time."""
    year, month, day, hour, minute, second = (*parts, 0, 0, 0)[:6]
    return int(datetime(year, month, day, hour, minute, second, tzinfo=tz).timestamp()) * S


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h", 3600),
        ("3d2h", 266_400),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("2w", 1_209_600),
        ("250ms", 0.25),
        ("0s", 0),
        (" 5M ", 300),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "30", "m", "-5s", "1s1h", "1h1h", "5x", "1e3s", "٣s", "nan", "101y", "9999999d"]
)
def test_what_is_no_duration_is_quoted(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        duration(text)
    assert repr(text) in str(caught.value)
    assert "'90s'" in str(caught.value)


@given(st.dictionaries(st.sampled_from(list(SECONDS)), st.integers(0, 999), min_size=1))
def test_durations_round_trip(parts: dict[str, int]) -> None:
    text = "".join(f"{parts[unit]}{unit}" for unit in SECONDS if unit in parts)
    assert duration(text) == sum(SECONDS[unit] * number for unit, number in parts.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("1h", NOW - 3600 * S),
        ("3m ago", NOW - 180 * S),
        ("14:32", ns(2026, 11, 20, 14, 32)),
        ("9:05:07", ns(2026, 11, 20, 9, 5, 7)),
        ("14:32:05.25", ns(2026, 11, 20, 14, 32, 5) + 250_000_000),
        ("today", ns(2026, 11, 20)),
        ("today 9:00", ns(2026, 11, 20, 9)),
        ("Yesterday", ns(2026, 11, 19)),
        ("yesterday 14:00", ns(2026, 11, 19, 14)),
        ("2026-11-20", ns(2026, 11, 20)),
        ("2026-11-20 14:32", ns(2026, 11, 20, 14, 32)),
        ("2026-11-20T14:32:05+09:00", ns(2026, 11, 20, 5, 32, 5)),
        ("2026-11-20T14:32:05-0330", ns(2026, 11, 20, 18, 2, 5)),
        ("2026-11-20t14:32:05.000000001z", ns(2026, 11, 20, 14, 32, 5) + 1),
        ("1700000000", 1_700_000_000 * S),
        ("@1700000000.5", 1_700_000_000 * S + S // 2),
        ("1700000000123", 1_700_000_000_123_000_000),
        ("1700000000123456", 1_700_000_000_123_456_000),
        ("1700000000123456789", 1_700_000_000_123_456_789),
    ],
)
def test_moments(text: str, expected: int) -> None:
    assert moment(text, NOW, tz=UTC) == expected


def test_a_clock_time_is_on_the_day_in_view_and_words_are_on_todays() -> None:
    day_ns = ns(2026, 3, 1, 23, 59)
    assert moment("14:32", NOW, day_ns, UTC) == ns(2026, 3, 1, 14, 32)
    assert moment("yesterday 14:32", NOW, day_ns, UTC) == ns(2026, 11, 19, 14, 32)
    # The day in view is a local day: this moment is already the 2nd in Berlin.
    assert moment("14:32", NOW, day_ns, BERLIN) == ns(2026, 3, 2, 14, 32, tz=BERLIN)


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "30", "12345678", "25:00", "14:60", "9:5", "2026-02-30", "2026-13-01", "0000-01-01",
        "0001-01-01", "20261120", "2026-11-20T14", "2026-11-20x14:00", "2026-11-20T14:00+25:00",
        "2026-11-20T14:00+01:99", "yesterday ago", "ago", "1h later", "99999999999999999999", "\x1b[2J",
        "14:32\n15:00",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_quoted(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        moment(text, NOW, tz=BERLIN)
    assert repr(text) in str(caught.value)
    assert "'yesterday 14:00'" in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_our_error(text: str) -> None:
    try:
        found = moment(text, NOW, tz=UTC)
    except UsageError:
        return
    assert isinstance(found, int)


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001  hypothesis adds the zone
    st.integers(-14 * 60, 14 * 60),
)
def test_iso_times_with_an_offset_round_trip(at: datetime, minutes: int) -> None:
    there = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    since = there - datetime(1970, 1, 1, tzinfo=UTC)
    expected = since // timedelta(microseconds=1) * 1000
    assert moment(there.isoformat(), NOW, tz=BERLIN) == expected


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=st.just(BERLIN)))  # noqa: DTZ001  as above
def test_local_times_round_trip_through_the_zone(at: datetime) -> None:
    at = at.replace(microsecond=0)
    text = at.strftime("%Y-%m-%d %H:%M:%S")
    back = datetime.fromtimestamp(moment(text, NOW, tz=BERLIN) // S, BERLIN)
    # A time that the clock change skips is moved on by an hour; every other comes back as typed.
    assert back.strftime("%Y-%m-%d %H:%M:%S") in (text, (at + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S"))


def test_clock_changes() -> None:
    # 25 October 2026, 03:00 becomes 02:00: the first pass, and the offset names the second.
    assert moment("2026-10-25 02:30", NOW, tz=BERLIN) == ns(2026, 10, 25, 0, 30)
    assert moment("2026-10-25 02:30+01:00", NOW, tz=BERLIN) == ns(2026, 10, 25, 1, 30)
    # 29 March 2026, 02:00 becomes 03:00: there is no 02:30.
    assert moment("2026-03-29 02:30", NOW, tz=BERLIN) == ns(2026, 3, 29, 1, 30)
    # "yesterday" is the calendar's: that day had 25 hours.
    monday = ns(2026, 10, 26, 11, 0)
    assert moment("yesterday", monday, tz=BERLIN) == ns(2026, 10, 24, 22, 0)
    # A duration is elapsed time.
    assert moment("1d", monday, tz=BERLIN) == monday - 86_400 * S


def test_without_a_zone_the_machines_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    assert moment("2026-11-20 09:00", NOW) == ns(2026, 11, 20, 0)
    assert moment("9:00", NOW) == ns(2026, 11, 21, 0)  # NOW is already the 21st in Tokyo
