"""The desk of streams: what is recorded, what is told to who follows, rows and events."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.unit.streams.running import ENERGY, LLAMA, RATE, TOKENS, UNITS, Desked, looped
from wftui.energy import stream as energy
from wftui.energy.sink import Key
from wftui.energy.stream import USUAL, Stream
from wftui.model import health, streams
from wftui.model.sample import Occurrence
from wftui.recorder.streams.desk import GONE_S, MOST, SILENT_S


def spoken(seconds: float = 3.0, hz: float = 20.0) -> Desked:
    """A prompt at 1000.53, tokens from 1001.03 on."""
    made = Desked()
    made.to(1000.53)
    made.desk.prompt(LLAMA, 1000.53)
    made.to(1001.03)
    made.speak(seconds, hz)
    return made


def test_the_first_token_of_an_answer_is_not_the_last_one_of_the_answer_before() -> None:
    made = Desked()
    for _ in range(4):
        made.speak(1.3, 20.0)
        made.desk.end(LLAMA, made.clock.s)
        made.to(made.clock.s + 0.55)
    made.to(made.clock.s + 3)
    told = [event.payload for event in ends(made)]
    assert sum(int(str(item["tokens"])) for item in told) == made.last(TOKENS) == 104
    assert sum(float(str(item["units"])) for item in told) == pytest.approx(made.last(UNITS), abs=1e-4)


def ends(made: Desked) -> list[Occurrence]:
    """Events of answers that are over."""
    return [event for event in made.events if event.kind != "stream.stalled"]


def test_nobody_tells_of_tokens_and_the_source_says_what_to_do() -> None:
    made = Desked()
    found = made.collect()
    assert found.samples == []
    assert found.tables == ()
    assert found.note is not None
    assert (found.note.state, "wftop proxy" in found.note.fix) == (health.ABSENT, True)


def test_energy_is_recorded_ten_times_a_second_as_a_stream_on_its_own_has_it() -> None:
    made = spoken(3.0, 7.0)
    end_s = made.clock.s
    made.to(1006.0)
    alone = Stream()
    alone.prompt(1000.53)
    tokens = [1001.03 + number / 7.0 for number in range(1, 22)]
    assert end_s == pytest.approx(tokens[-1])
    for at_s, value in made.recorded[ENERGY]:
        while tokens and tokens[0] <= at_s:
            alone.token(tokens.pop(0))
        assert value == pytest.approx(alone.look(at_s).energy, abs=1e-6), at_s
    times = [at_s for at_s, _ in made.recorded[ENERGY]]
    assert times[-1] == pytest.approx(1005.9)  # what comes 50 ms late is in time
    assert {round(after - before, 6) for before, after in pairwise(times)} == {0.1}
    assert made.last(TOKENS) == 21
    assert made.last(UNITS) == pytest.approx(alone.units)


def test_what_comes_late_counts_as_of_its_time_and_later_moments_know_it() -> None:
    made = Desked()
    made.desk.tokens(LLAMA, 1000.01, 1)
    for number in range(1, 60):
        made.to(1000.01 + number / 20 + 0.2)
        made.desk.tokens(LLAMA, 1000.01 + number / 20, 1)
    made.to(1004.0)
    alone = Stream()
    for number in range(60):
        alone.token(1000.01 + number / 20)
    assert made.last(UNITS) == pytest.approx(alone.units)
    # From the second second on it is known that these come late: nothing is recorded before its time.
    alone = Stream()
    tokens = [1000.01 + number / 20 for number in range(60)]
    for at_s, value in made.recorded[ENERGY]:
        while tokens and tokens[0] <= at_s:
            alone.token(tokens.pop(0))
        if at_s > 1001.3:
            assert value == pytest.approx(alone.look(at_s).energy, abs=1e-6), at_s


def test_states_stand_in_the_table_with_their_times() -> None:
    made = spoken(0.5, 10.0)
    made.to(1002.0)
    row = made.rows["streams"]["app||llama3"]
    assert row[streams.STATE] == energy.FLOWING
    assert row[streams.FIRST_TOKEN] == pytest.approx(0.6)
    assert row[streams.GAP] == pytest.approx(0.1)
    assert row[streams.TOLD_BY] == streams.TOKENS
    assert row[streams.WEIGHT] == "plain"
    assert row[streams.ANSWERS] == 1
    made.to(1004.0)
    row = made.rows["streams"]["app||llama3"]
    assert row[streams.STATE] == energy.STALLING
    assert row[streams.SINCE] == pytest.approx((1_790_000_000 + 1003.03) * 1e9, abs=1e6)  # 1.5 s after the last
    made.desk.end(LLAMA, 1004.0)
    made.to(1005.0)
    assert made.rows["streams"]["app||llama3"][streams.STATE] == energy.DRAINED
    tables = made.tables
    made.to(1010.0)
    assert made.tables == tables  # nothing changes, nothing is told


def test_an_end_is_told_with_what_the_answer_came_to() -> None:
    made = spoken(2.0, 20.0)
    made.desk.end(LLAMA, made.clock.s)
    made.to(1005.0)
    [event] = made.events
    assert (event.kind, event.about) == ("stream.ended", ("stream", "app||llama3"))
    told = event.payload
    assert told["tokens"] == 40
    assert told["units"] == pytest.approx(made.last(UNITS), abs=1e-5)
    assert told["duration_s"] == pytest.approx(2.5)
    assert told["first_token_s"] == pytest.approx(0.55)
    assert told["rate"] == pytest.approx(20.0)
    assert told["energy_mean"] == pytest.approx(made.last(UNITS) / 40, abs=1e-5)
    assert 0.9 < float(str(told["energy_peak"])) <= 1.0
    assert (told["stalls"], told["answers"], told["model"], told["source"]) == (0, 1, "llama3", "app")
    assert (told["ends"], told["why"]) == ({"finished": 1}, "")


def test_an_answer_whose_teller_is_gone_is_abandoned_and_its_lane_leaves() -> None:
    made = spoken(2.0, 20.0)
    gone_s = made.clock.s
    made.desk.left(LLAMA, gone_s, 1)
    made.to(gone_s + 0.9 * GONE_S)
    assert not ends(made)
    made.to(gone_s + GONE_S + 1.5)
    [event] = ends(made)
    assert event.kind == "stream.abandoned"
    told = event.payload
    assert (told["ends"], told["why"], told["answers"], told["tokens"]) == ({"abandoned": 1}, "gone", 1, 40)
    assert told["duration_s"] is None  # nobody knows when it ended
    assert GONE_S <= float(str(told["silent_s"])) <= GONE_S + 1.1
    assert told["first_token_s"] == pytest.approx(0.55)
    assert made.rows["streams"]["app||llama3"][streams.STATE] == energy.DRAINED
    assert made.last(UNITS) == pytest.approx(float(str(told["units"])), abs=1e-5)


def test_a_prompt_whose_teller_is_gone_is_abandoned_too() -> None:
    made = Desked()
    made.desk.prompt(LLAMA, 1000.0)
    made.desk.left(LLAMA, 1000.1, 1)
    made.to(1004.0)
    [event] = made.events
    assert (event.kind, event.payload["tokens"], event.payload["energy_peak"]) == ("stream.abandoned", 0, None)


def test_somebody_who_goes_on_with_an_answer_keeps_it() -> None:
    made = spoken(2.0, 20.0)
    made.desk.left(LLAMA, made.clock.s, 1)
    made.speak(5.0, 20.0)
    made.desk.end(LLAMA, made.clock.s, "aborted")
    made.to(made.clock.s + 3)
    [event] = made.events
    assert (event.kind, event.payload["ends"]) == ("stream.ended", {"aborted": 1})
    assert event.payload["tokens"] == 140


def test_of_two_answers_under_way_only_that_of_who_is_gone_is_abandoned() -> None:
    made = spoken(2.0, 20.0)
    made.desk.prompt(LLAMA, made.clock.s)
    made.desk.left(LLAMA, made.clock.s, 1)
    made.to(made.clock.s + GONE_S + 1)
    assert not ends(made)
    made.desk.end(LLAMA, made.clock.s)
    made.to(made.clock.s + 2)
    [event] = ends(made)
    assert (event.kind, event.payload["answers"]) == ("stream.ended", 2)
    assert event.payload["ends"] == {"abandoned": 1, "finished": 1}


def test_silence_abandons_an_answer_that_was_announced() -> None:
    made = spoken(2.0, 20.0)
    last_s = made.clock.s
    made.to(last_s + SILENT_S - 2)
    assert made.rows["streams"]["app||llama3"][streams.STATE] == energy.STALLING
    made.to(last_s + SILENT_S + 3)
    assert [(event.kind, event.payload["why"]) for event in ends(made)] == [("stream.abandoned", "silence")]
    assert made.rows["streams"]["app||llama3"][streams.STATE] == energy.DRAINED


def test_what_nobody_announced_ends_by_silence_and_nobody_says_how() -> None:
    made = Desked()
    made.speak(2.0, 20.0)
    made.to(made.clock.s + 35)
    [ended] = ends(made)
    assert (ended.kind, ended.payload["ends"], ended.payload["why"]) == ("stream.ended", {"unknown": 1}, "silence")
    assert ended.payload["duration_s"] is None
    assert float(str(ended.payload["since_s"])) == pytest.approx(31.95, abs=0.1)


def test_answers_close_to_each_other_end_in_one_event_and_nothing_of_them_is_lost() -> None:
    made = Desked()
    for number in range(50):
        at_s = 1000.0 + number / 10
        made.to(at_s)
        made.desk.prompt(LLAMA, at_s)
        made.desk.tokens(LLAMA, at_s + 0.01, 1)
        made.desk.tokens(LLAMA, at_s + 0.02, 1)
        made.desk.end(LLAMA, at_s + 0.03)
    made.to(1008.0)
    assert len(made.events) <= 6
    assert sum(int(str(event.payload["tokens"])) for event in made.events) == 100
    assert sum(int(str(event.payload["answers"])) for event in made.events) == 50
    assert sum(float(str(event.payload["units"])) for event in made.events) == pytest.approx(
        made.last(UNITS), abs=1e-4
    )


def test_stalls_are_told_once_in_ten_seconds() -> None:
    made = Desked()
    made.desk.prompt(LLAMA, 1000.0)
    for number in range(12):
        made.to(1000.0 + 2 * number + 0.1)
        made.desk.tokens(LLAMA, made.clock.s, 1)
        made.to(made.clock.s + 0.1)
        made.desk.tokens(LLAMA, made.clock.s, 1)
    made.to(1024.0)
    stalled = [event for event in made.events if event.kind == "stream.stalled"]
    assert 2 <= len(stalled) <= 3
    assert stalled[1].payload["more"] >= 1  # type: ignore[operator]  # a number
    assert made.last('ux.stream.stalls{model="llama3",source="app"}') == 12


def test_the_ensemble_is_the_mean_of_the_streams_under_way_and_unknown_without() -> None:
    made = spoken(2.0, 20.0)
    other = Key("core", "", "phi")
    made.desk.tokens(other, made.clock.s, 1)
    made.to(1004.0)
    at_s = made.clock.s
    both = [made.desk._entries[key].stream.look(at_s).energy for key in (LLAMA, other)]
    assert made.last("ux.ensemble.energy") == pytest.approx(sum(both) / 2)
    made.desk.end(LLAMA, 1004.0)
    made.desk.end(other, 1004.0)
    made.to(1005.0)
    assert "ux.ensemble.energy" not in {
        sample.column.series.text for sample in made.scrape.samples if sample.value == sample.value
    }


def test_disagreement_goes_by_the_top_k_where_both_told_it_else_by_timing() -> None:
    made = Desked()
    phi = Key("app", "", "phi")
    one, other = {b"a": 0.9, b"b": 0.1}, {b"c": 1.0}
    for number in range(20):
        made.to(1000.0 + number / 20)
        made.desk.tokens(LLAMA, made.clock.s, 1, top=one)
        made.desk.tokens(phi, made.clock.s, 1, top=other)
    made.to(1001.0)
    assert made.last('ux.ensemble.disagreement{mode="top_k"}') == pytest.approx(1.0)
    row = made.rows["streams"]["app||llama3"]
    assert (row[streams.APART], row[streams.AGAINST], row[streams.APART_BY]) == (1.0, "app||phi", "top_k")
    assert 'ux.ensemble.disagreement{mode="timing"}' not in made.recorded
    made.speak(3.0, 10.0)
    made.desk.tokens(phi, made.clock.s, 1)
    made.to(1004.1)
    made.collect()
    assert made.last('ux.ensemble.disagreement{mode="timing"}') > 0
    assert made.rows["streams"]["app||phi"][streams.APART_BY] == "timing"


def test_who_follows_is_told_each_token_as_it_comes_and_what_passes_between() -> None:
    async def follow() -> None:
        made = Desked()
        made.desk.follow(60.0)
        made.desk.prompt(LLAMA, 1000.0)
        for number in range(1, 31):
            made.to(1000.0 + number / 30)
            made.desk.tokens(LLAMA, made.clock.s, 1)
            await made.flushed()
        told = [(at_s, value) for at_s, text, value in made.told if text == TOKENS]
        assert [value for _, value in told if value] == [float(number) for number in range(1, 31)]
        for at_s, value in told:
            assert at_s == pytest.approx(1000.0 + value / 30, abs=1e-3)
        assert {text for _, text, _ in made.told} >= {ENERGY, UNITS, RATE}
        count = len(made.told)
        made.desk.follow(0.0)
        made.to(1003.0)
        made.desk.tokens(LLAMA, 1003.0, 1)
        assert made.desk._timer is None  # nothing waits to be told
        assert len(made.told) == count

    looped(follow)


def test_within_a_second_a_collection_is_due_only_when_a_state_changed() -> None:
    async def follow() -> None:
        made = Desked()
        made.desk.follow(60.0)
        made.to(1000.1)
        made.desk.tokens(LLAMA, made.clock.s, 1)
        await made.flushed()
        assert made.desk.pass_by(made.clock.now())  # nobody heard of the stream yet
        made.collect()
        made.to(1000.2)
        assert not made.desk.pass_by(made.clock.now())
        made.to(1001.45)
        told = len(made.told)
        assert not made.desk.pass_by(made.clock.now())
        assert {text for _, text, _ in made.told[told:]} >= {ENERGY, RATE}  # it fell meanwhile
        made.to(1001.7)  # 1.5 s after the only token
        assert made.desk.pass_by(made.clock.now())
        made.collect()
        assert made.rows["streams"]["app||llama3"][streams.STATE] == energy.STALLING
        assert not made.desk.pass_by(made.clock.now())
        made.desk.close()
        assert not made.desk.pass_by(made.clock.now())

    looped(follow)


def test_ten_thousand_a_second_are_told_sixty_times_a_second_at_most() -> None:
    async def flood() -> None:
        made = Desked()
        made.desk.follow(60.0)
        for number in range(10_000):
            made.to(1000.0 + number / 10_000)
            made.desk.tokens(LLAMA, made.clock.s, 1)
            if not number % 160:
                await made.flushed()
        assert len([1 for _, text, _ in made.told if text == TOKENS]) <= 130
        await made.flushed()
        assert max(value for _, text, value in made.told if text == TOKENS) == 10_000

    looped(flood)


def test_counters_make_no_stream_where_tokens_are_told_and_the_row_says_so() -> None:
    made = Desked()
    counters = Key("", "127.0.0.1:8000", "llama3")
    made.to(1000.9)
    made.desk.counted(counters, 999.9, 1000.9, 10)
    made.to(1002.0)
    row = made.rows["streams"]["|127.0.0.1:8000|llama3"]
    assert row[streams.TOLD_BY] == streams.COUNTERS
    made.desk.tokens(LLAMA, 1002.0, 1)
    made.desk.counted(counters, 1000.9, 1002.0, 10)
    made.to(1003.0)
    assert set(made.rows["streams"]) == {"app||llama3"}
    assert made.rows["streams"]["app||llama3"][streams.INSTEAD_OF] == "127.0.0.1:8000"
    elsewhere = Key("", "127.0.0.1:8000", "phi")
    made.desk.counted(elsewhere, 1002.0, 1003.0, 10)
    made.to(1004.0)
    assert "|127.0.0.1:8000|phi" in made.rows["streams"]


def test_requests_at_work_open_and_end_what_counters_tell() -> None:
    made = Desked()
    key = Key("", "127.0.0.1:8000", "llama3")
    made.desk.running(key, 1000.0, 2)
    made.desk.counted(key, 1000.0, 1001.0, 8)
    made.to(1002.0)
    assert made.rows["streams"]["|127.0.0.1:8000|llama3"][streams.STATE] == energy.FLOWING
    assert made.last('ux.stream.open{model="llama3",server="127.0.0.1:8000"}') == 2
    made.desk.running(key, 1002.0, 0)
    made.to(1003.0)
    assert made.rows["streams"]["|127.0.0.1:8000|llama3"][streams.STATE] == energy.DRAINED
    [event] = made.events
    assert (event.payload["tokens"], event.payload["told_by"]) == (8, "counters")


def test_there_are_sixty_four_streams_and_the_quietest_gives_way() -> None:
    made = Desked()
    for number in range(MOST):
        made.desk.tokens(Key("app", "", f"m{number}"), 1000.0 + number / 1000, 1)
    made.desk.tokens(Key("app", "", "more"), 1000.5, 1)
    assert made.desk.refused == 1
    made.to(1001.0)
    assert made.scrape.note is not None
    assert "64 streams" in made.scrape.note.reason
    made.desk.end(Key("app", "", "m5"), 1001.0)
    made.desk.tokens(Key("app", "", "more"), 1001.0, 1)
    made.to(1002.0)
    assert "app||more" in made.rows["streams"]
    assert "app||m5" not in made.rows["streams"]


def test_after_five_minutes_at_rest_nothing_is_recorded_and_after_an_hour_nothing_is_known() -> None:
    made = spoken(1.0)
    made.desk.end(LLAMA, made.clock.s)
    made.to(1310.0)
    assert made.recorded[ENERGY][-1][0] < 1310.0 - 6.0
    assert "app||llama3" in made.rows["streams"]
    made.to(1310.0 + 3600.0)
    assert made.rows["streams"] == {}
    assert made.collect().samples == []


def test_switched_off_nothing_is_known_and_switched_on_it_begins_anew() -> None:
    made = spoken(1.0)
    made.desk.close()
    made.desk.tokens(LLAMA, made.clock.s, 1)
    made.desk.prompt(Key("app", "", "phi"), made.clock.s)
    assert made.collect().samples == []
    made.desk.tokens(LLAMA, made.clock.s, 1)
    made.to(1004.0)
    assert made.last(TOKENS) == 1


@pytest.mark.parametrize("count", [1, 3, 64, 65, 10_000])
def test_tokens_that_come_together_are_worth_what_they_are_one_by_one(count: int) -> None:
    made = Desked()
    made.desk.tokens(LLAMA, 1000.0, 1)
    made.desk.tokens(LLAMA, 1000.2, count)
    made.to(1001.0)
    alone = Stream()
    alone.token(1000.0)
    for _ in range(count):
        alone.token(1000.2)
    assert made.last(TOKENS) == count + 1
    assert made.last(UNITS) == pytest.approx(alone.units, rel=0.01)


def test_how_fast_is_fast_is_told_at_the_start() -> None:
    """At half of the full rate the velocity is a half, at any rate that is full."""
    velocity = 'ux.stream.velocity{model="llama3",source="app"}'
    for full_rate in (20.0, 200.0):
        made = Desked(USUAL._replace(rate_max=full_rate))
        every_s = 2.0 / full_rate
        for number in range(int(3 / every_s)):
            made.to(1000.0 + number * every_s)
            made.desk.tokens(LLAMA, 1000.0 + number * every_s, 1)
        made.to(1003.0)
        assert made.last(velocity) == pytest.approx(0.5, abs=0.06), full_rate
