"""Answers from the journal: ranges, moments, their limits, and askers that go away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from threading import Event as Flag

import pytest

from tests.records import COUNTER, GAUGE, LAYOUT, SCHEMA, fact, many_columns, rows, tick
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError, StoreError
from wftui.model.table import keyframe
from wftui.model.tick import Layout, unpack
from wftui.recorder.answers import Answers
from wftui.store import answers, journal
from wftui.store.answers import TooLargeError
from wftui.store.journal import Journal, StoredChange
from wftui.store.read import Reader
from wftui.wire import messages as m

T0 = 1_700_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / journal.NAME


@pytest.fixture
def reader(path: Path) -> Iterator[Reader]:
    """Ten minutes; a counter that grows by 3 a second; the seconds 300..359 are missing."""
    made = Journal(path)
    made.begin("boot", "0.1", "record", 1, 5, 6)
    ticks = [(tick(n + 1, T0 + n, (float(n), n * 3.0)), LAYOUT) for n in range(600) if not 300 <= n < 360]
    made.write(
        ticks,
        [
            StoredChange(n + 1, SCHEMA, keyframe(SCHEMA, (T0 + n) * NS_PER_S, rows(1, n)))
            for n in range(0, 600, 60)
        ],
        [fact(n, (T0 + n) * NS_PER_S) for n in range(1, 21)],
    )
    made.close()
    with Reader(journal.open_reader(path)) as opened:
        yield opened


def ask(since: int, until: int, points: int, *selectors: str) -> m.Range:
    return m.Range(list(selectors) or ["*"], (T0 + since) * NS_PER_S, (T0 + until) * NS_PER_S, points)


def test_a_range_has_means_extremes_and_gaps(reader: Reader) -> None:
    reply = answers.answer_range(reader, ask(0, 600, 10))
    assert (reply.start_ns, reply.step_ns, reply.points) == (T0 * NS_PER_S, 60 * NS_PER_S, 10)
    assert reply.counts == [60] * 5 + [0] + [60] * 4
    gauge, counter = reply.series
    assert gauge.column == GAUGE
    assert counter.column == COUNTER
    assert list(unpack(gauge.minimum))[:2] == [0.0, 60.0]
    assert list(unpack(gauge.maximum))[:2] == [59.0, 119.0]
    assert list(unpack(gauge.mean))[:2] == [29.5, 89.5]
    assert list(unpack(counter.mean))[6:] == [3.0] * 4
    assert list(unpack(counter.maximum))[6] == 3.0, "no spike after the gap"
    for part in (gauge.mean, gauge.minimum, counter.maximum):
        assert [math.isnan(value) for value in unpack(part)] == [False] * 5 + [True] + [False] * 4


def test_the_first_bucket_has_a_rate_from_the_tick_before_it(reader: Reader) -> None:
    reply = answers.answer_range(reader, ask(100, 103, 3, COUNTER.series.name))
    assert list(unpack(reply.series[0].mean)) == [3.0, 3.0, 3.0]


@pytest.mark.parametrize("points", [1, 7, 599, 600, 5_000])
def test_never_more_points_than_asked_for(reader: Reader, points: int) -> None:
    reply = answers.answer_range(reader, ask(0, 600, points, GAUGE.series.name))
    assert reply.points <= points
    assert len(reply.counts) == reply.points
    assert reply.step_ns % NS_PER_S == 0
    assert sum(reply.counts) == 540
    end = reply.start_ns + reply.points * reply.step_ns
    assert end >= (T0 + 600) * NS_PER_S


def test_a_range_in_parts_of_a_second(reader: Reader) -> None:
    reply = answers.answer_range(reader, m.Range(["*"], T0 * NS_PER_S + 1, T0 * NS_PER_S + 2, 10))
    assert reply.counts == [1]


def test_limits_of_a_range(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    for question in (ask(10, 10, 5), ask(10, 5, 5), ask(0, 10, 0), ask(0, 10, 10_001)):
        with pytest.raises(ProtocolError, match="expected"):
            answers.answer_range(reader, question)
    monkeypatch.setattr(answers, "MAX_CELLS", 1_000)
    with pytest.raises(TooLargeError, match="name fewer"):
        answers.answer_range(reader, ask(0, 600, 600))
    assert answers.answer_range(reader, ask(0, 600, 600, GAUGE.series.name)).series
    monkeypatch.setattr(answers, "DEADLINE_S", -1.0)
    with pytest.raises(TooLargeError, match="less time"):
        answers.answer_range(reader, ask(0, 600, 10))
    with pytest.raises(TooLargeError, match="less time"):
        answers.answer_tables(reader, m.Tables("things", T0 * NS_PER_S, (T0 + 600) * NS_PER_S))


def test_a_refused_question_does_not_hide_what_is_recorded_after_it(
    path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked may keep the error, and with it all that its frames hold."""
    kept = []
    monkeypatch.setattr(answers, "MAX_CELLS", 1_000)
    with pytest.raises(TooLargeError) as refused:
        answers.answer_range(reader, ask(0, 600, 600))
    kept.append(refused)
    monkeypatch.setattr(answers, "MAX_ROWS", 2)
    with pytest.raises(TooLargeError) as refused:
        answers.answer_tables(reader, m.Tables("things", T0 * NS_PER_S, (T0 + 600) * NS_PER_S))
    kept.append(refused)
    again = Journal(path)
    again.write([(tick(601, T0 + 600, (1.0, 2.0)), LAYOUT)], [], [])
    again.close()
    assert answers.answer_at(reader, m.At((T0 + 600) * NS_PER_S)).tick is not None, kept


def test_a_moment_and_a_gap(reader: Reader) -> None:
    found = answers.answer_at(reader, m.At((T0 + 130) * NS_PER_S + 5))
    assert found.tick is not None
    assert found.tick.time_s == T0 + 130
    assert found.layout is not None
    assert found.layout.columns == list(LAYOUT.columns)
    (table,) = found.tables
    assert table.change.keyframe
    assert table.change.rows == rows(1, 120)
    assert found.before is not None
    assert (found.before.seq, found.before.time_s) == (found.tick.seq - 1, T0 + 129), "for the rates of counters"
    assert answers.answer_at(reader, m.At((T0 + 360) * NS_PER_S)).before is None, "a gap lies between"
    assert answers.answer_at(reader, m.At(T0 * NS_PER_S)).before is None, "the first tick of all"
    assert answers.answer_at(reader, m.At(0, seq=131)) == found, "by its number, whatever the clock said"
    assert answers.answer_at(reader, m.At((T0 + 10) * NS_PER_S, seq=331)).tick is None
    gap = answers.answer_at(reader, m.At((T0 + 330) * NS_PER_S))
    assert (gap.tick, gap.layout, gap.tables) == (None, None, []), "nothing in a gap, not the rows from before it"
    assert (gap.previous_s, gap.next_s) == (T0 + 299, T0 + 360)


def test_events_and_tables(reader: Reader) -> None:
    found = answers.answer_events(reader, m.Events(limit=5, newest=True))
    assert [item.seq for item in found.events] == [16, 17, 18, 19, 20]
    assert found.more
    assert len(answers.answer_events(reader, m.Events(limit=-5)).events) == 1
    tables = answers.answer_tables(reader, m.Tables("things", (T0 + 70) * NS_PER_S, (T0 + 200) * NS_PER_S))
    assert [change.rows["k0"][1] for change in tables.changes] == [60, 120, 180]
    assert tables.schema == SCHEMA
    one = answers.answer_tables(reader, m.Tables("things", (T0 + 70) * NS_PER_S, (T0 + 200) * NS_PER_S, ["k0"]))
    assert [change.rows for change in one.changes] == [{"k0": change.rows["k0"]} for change in tables.changes]
    assert [change.time_ns for change in one.changes] == [change.time_ns for change in tables.changes]
    none = answers.answer_tables(reader, m.Tables("things", (T0 + 70) * NS_PER_S, (T0 + 200) * NS_PER_S, ["no"]))
    assert [change.rows for change in none.changes] == [{}, {}, {}], "when there were scans is told all the same"
    assert answers.answer_tables(reader, m.Tables("other", 0, 9)) == m.TablesReply(None, [])


def test_the_catalogue(reader: Reader) -> None:
    found = answers.answer_catalogue(reader)
    assert [item.series for item in found.columns] == sorted(
        (item.series for item in LAYOUT.columns), key=lambda item: item.text
    )
    assert (found.tables, found.first_ns, found.last_ns) == (
        [SCHEMA],
        T0 * NS_PER_S,
        (T0 + 600) * NS_PER_S,
    )


def test_two_hundred_series_over_an_hour_fit_a_frame(path: Path) -> None:
    from wftui.wire import codec

    layout = Layout(1, tuple(many_columns(200)))
    made = Journal(path)
    made.begin("boot", "0.1", "record", 1, 5, 6)
    made.write([(tick(n + 1, T0 + n, [float(n)] * 200), layout) for n in range(1200)])
    made.close()
    with Reader(journal.open_reader(path)) as reader:
        reply = answers.answer_range(reader, ask(0, 1200, 1200))
    assert len(codec.encode(reply)) < m.MAX_FRAME


def test_the_thread_outlives_askers_that_go_away(path: Path, reader: Reader) -> None:
    assert reader
    made = Answers(lambda: Reader(journal.open_reader(path)), None)
    gate, entered = Flag(), Flag()

    def slow(_: Reader) -> m.Message:
        entered.set()
        gate.wait(10)
        return m.Ok()

    first = made.submit(slow)
    second = made.submit(lambda _: m.Ok())
    assert entered.wait(10)
    assert second.cancel()
    gate.set()
    assert first.result(10) == m.Ok()
    with pytest.raises(CancelledError):
        second.result(0)
    assert made.submit(lambda _: m.Ok()).result(10) == m.Ok()

    def bug(_: Reader) -> m.Message:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        made.submit(bug).result(10)

    def huge(opened: Reader) -> m.Message:
        list(opened.ticks(2**70, 2**71))
        return m.Ok()

    with pytest.raises(ProtocolError, match="out of range"):
        made.submit(huge).result(10)
    assert made.submit(lambda _: m.Ok()).result(10) == m.Ok()
    made.stop()


def test_a_journal_that_is_not_there_yet_is_asked_again(path: Path) -> None:
    made = Answers(lambda: Reader(journal.open_reader(path)), None)
    with pytest.raises(StoreError):
        made.submit(lambda _: m.Ok()).result(10)
    opened = Journal(path)
    assert made.submit(lambda _: m.Ok()).result(10) == m.Ok()
    opened.close()
    made.stop()


def test_after_a_damaged_journal_the_new_one_is_read(path: Path, reader: Reader) -> None:
    assert reader
    made = Answers(lambda: Reader(journal.open_reader(path)), None)

    def bounds(opened: Reader) -> m.Message:
        found = opened.bounds()
        return m.Error("bounds", str(found))

    assert str(T0) in str(made.submit(bounds).result(10))
    journal.set_aside(path, 5)
    new = Journal(path)
    made.renew()
    assert "None" in str(made.submit(bounds).result(10))
    new.close()
    made.stop()
