"""Pushed samples: what they are called, how a second of them is told, limits, and that nothing breaks it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_push_lines import anything, nearly, numbers, sample, say
from wftui import names
from wftui.clock import NS_PER_S, Instant
from wftui.model import health
from wftui.model.health import Health
from wftui.model.tick import unpack
from wftui.recorder.accumulator import MAX_PER_SOURCE, MAX_SERIES, RESERVED, Accumulator
from wftui.recorder.push import intake as pushes
from wftui.recorder.push import places as gathering
from wftui.recorder.push.intake import Counting, Intake
from wftui.recorder.push.known import FIELDS

START_S = 1_790_000_000


class Pushed:
    """An intake with its accumulator, and a second that goes on."""

    def __init__(self) -> None:
        self.accumulator = Accumulator()
        self.intake = Intake(self.accumulator.admit, lambda: self.accumulator.rejected)
        self.second = START_S
        self.collect()

    @property
    def at(self) -> Instant:
        return Instant(self.second * NS_PER_S, (self.second - START_S + 1000) * NS_PER_S)

    def line(self, line: bytes) -> dict[str, Any]:
        counting = self.intake.begin(line, self.at)
        if isinstance(counting, Counting):
            assert counting.go_on(1 << 62)
            counting = counting.finish(self.at.boottime_ns)
        assert counting.endswith(b"\n")
        assert counting.count(b"\n") == 1
        found: dict[str, Any] = json.loads(counting)
        return found

    def say(self, **fields: Any) -> dict[str, Any]:
        return self.line(say(**fields))

    def native(self, *samples: dict[str, Any], source: str = "t") -> dict[str, Any]:
        return self.say(source=source, samples=list(samples))

    def collect(self) -> None:
        scrape = self.intake.collect(self.at)
        for reading in scrape.readings:
            self.accumulator.add(reading.samples, reading.at, reading.interval_s)
        self.accumulator.add(scrape.samples, self.at, 1.0)

    def tick(self, seconds: int = 1) -> dict[str, float]:
        """End seconds; the last tick without wftop's own."""
        values: dict[str, float] = {}
        for _ in range(seconds):
            self.second += 1
            self.collect()
            tick = self.accumulator.close(1, self.second - 1, self.at.boottime_ns, 1)
            found = zip(self.accumulator.layout.columns, unpack(tick.values), strict=True)
            values = {item.series.text: value for item, value in found if value == value}
        return {text: value for text, value in values.items() if not text.startswith("wftop.")}

    def health(self, name: str = "t") -> Health:
        [found] = [item for item in self.intake.health(self.at) if item.source == f"push:{name}"]
        return found


# ---- what a second is


def test_a_gauge_is_the_mean_of_its_second_and_unknown_after_its_hold() -> None:
    pushed = Pushed()
    assert pushed.native({"name": "x", "value": 1}, {"name": "x", "value": 4}) == {"accepted": 2, "rejected": []}
    text = 'custom.t.x{source="t"}'
    assert pushed.tick() == {text: 2.5}
    assert pushed.tick() == {text: 2.5}
    assert pushed.tick() == {}


def test_a_gauge_that_comes_every_ten_seconds_is_held_until_the_next() -> None:
    pushed, seen = Pushed(), []
    for value in (1, 2, 3):
        pushed.native({"name": "x", "value": value})
        seen = [pushed.tick().get('custom.t.x{source="t"}') for _ in range(10)]
    assert seen == [3.0] * 10
    assert [pushed.tick().get('custom.t.x{source="t"}') for _ in range(8)][-2:] == [None, None]
    pushed.native({"name": "x", "value": 5})
    pushed.native({"name": "x", "value": 5})
    pushed.tick()
    pushed.native({"name": "x", "value": 6})  # each second again: held as that
    assert [pushed.tick().get('custom.t.x{source="t"}') for _ in range(3)] == [6.0, 6.0, None]


def test_a_counter_is_pushed_as_what_it_grew_by_and_stands_between_two_pushes() -> None:
    pushed = Pushed()
    text = 'custom.t.done{source="t"}'
    pushed.native({"name": "done", "value": 2, "kind": "counter"}, {"name": "done", "value": 3})
    assert pushed.tick() == {text: 5.0}
    assert pushed.tick(5) == {text: 5.0}
    reply = pushed.native({"name": "done", "value": -1}, {"name": "done", "value": 1})
    assert reply["accepted"] == 1
    assert "expected 0 or more" in reply["rejected"][0]["reason"]
    assert pushed.tick() == {text: 6.0}


def test_a_distribution_is_what_came_in_its_second_and_is_never_repeated() -> None:
    pushed = Pushed()
    pushed.native(
        *({"name": "wait", "value": n / 100, "kind": "distribution", "unit": "s"} for n in range(1, 101))
    )
    found = {text.split('stat="')[1][:-2]: value for text, value in pushed.tick().items()}
    assert found["count"] == 100
    assert found["sum"] == pytest.approx(50.5)
    for stat, exact in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
        assert found[stat] == pytest.approx(exact, rel=0.0101)
    assert pushed.tick() == {}


def test_within_a_second_nothing_is_told_however_often_the_recorder_asks() -> None:
    pushed = Pushed()
    pushed.native({"name": "x", "value": 1})
    assert pushed.intake.collect(pushed.at).samples == []
    pushed.intake.end()
    assert any(item.value == 1 for item in pushed.intake.collect(pushed.at).samples)


# ---- names, units, kinds


def test_every_known_field_is_a_metric_of_the_catalogue_in_its_unit() -> None:
    for name, known in FIELDS.items():
        pushed = Pushed()
        reply = pushed.say(source="model:m", data={name: 40})
        assert reply == {"accepted": 1, "rejected": []}, name
        metric = names.METRICS[known.metric]
        found = {column.series.text: column for column in _columns(pushed)}
        assert {column.series.name for column in found.values()} == {metric.name}
        for column in found.values():
            assert (column.unit, column.kind, column.group) == (metric.unit, metric.kind, metric.group)
            assert column.series.label("source") == "model:m"
            assert column.series.label("model") == "m"
            if not column.series.stat or column.series.stat in ("sum", "max"):
                assert pushed.tick()[column.series.text] == pytest.approx(40 * known.factor)
                break


def _columns(pushed: Pushed) -> list[Any]:
    pushed.accumulator.close(1, 0, 0, 1, so_far=True)
    columns = pushed.accumulator.layout.columns
    return [column for column in columns if not column.series.name.startswith("wftop.")]


def test_seconds_and_milliseconds_of_one_metric_are_one_series() -> None:
    pushed = Pushed()
    pushed.say(source="a", data={"ttft_ms": 250})
    pushed.native({"name": "gen_ai.client.operation.time_to_first_chunk", "value": 0.75}, source="a")
    found = pushed.tick()
    text = 'gen_ai.client.operation.time_to_first_chunk{source="a",stat="%s"}'
    assert found[text % "count"] == 2
    assert found[text % "sum"] == pytest.approx(1.0)


def test_a_programs_own_name_is_no_field_of_an_event() -> None:
    pushed = Pushed()
    for _ in range(2):
        assert pushed.native({"name": "energy", "value": 40, "unit": "J"})["accepted"] == 1
        assert pushed.say(source="t", data={"energy": 0.5})["accepted"] == 1
    assert pushed.tick() == {'custom.t.energy{source="t"}': 40.0, 'ux.energy.level{source="t"}': 0.5}


def test_other_names_are_the_pushers_own_with_a_unit_by_their_ending() -> None:
    pushed = Pushed()
    pushed.say(source="my app-1", data={"load_ms": 3, "disk_bytes": 4, "plain": 5})
    assert {(column.series.text, column.unit) for column in _columns(pushed)} == {
        ('custom.my_app_1.load_ms{source="my app-1"}', "ms"),
        ('custom.my_app_1.disk_bytes{source="my app-1"}', "By"),
        ('custom.my_app_1.plain{source="my app-1"}', "{value}"),
    }
    assert pushed.native({"name": "custom.my_app_1.plain", "value": 7}, source="custom:my app-1")["accepted"] == 1
    assert pushed.tick()['custom.my_app_1.plain{source="my app-1"}'] == 6.0


def test_what_wftop_measures_itself_is_not_taken_from_others() -> None:
    reply = Pushed().native({"name": "wftop.cpu.utilization", "value": 1}, {"name": "system.disk.io", "value": 1})
    assert reply["accepted"] == 0
    assert all("under a name of your own" in item["reason"] for item in reply["rejected"])


def test_unit_and_kind_are_fixed_by_the_first_push_of_a_name() -> None:
    pushed = Pushed()
    first = {"name": "x", "value": 1, "unit": "By", "kind": "gauge"}
    assert pushed.native(first, {"name": "x", "value": 1}, {**first, "labels": {"model": "b"}})["accepted"] == 3
    reply = pushed.native(
        {**first, "unit": "s"},
        {**first, "kind": "counter"},
        {**first, "unit": "s", "labels": {"model": "c"}},
        {"name": "x", "value": 2, "labels": {"model": "d"}},
    )
    assert reply["accepted"] == 1
    assert [item["index"] for item in reply["rejected"]] == [0, 1, 2]
    assert "fixed the unit as 'By', not 's'" in reply["rejected"][0]["reason"]
    assert "fixed the kind as 'gauge', not 'counter'" in reply["rejected"][1]["reason"]
    assert pushed.native({**first, "unit": "s"}, source="other")["accepted"] == 1
    reply = pushed.native({"name": "ux.frame.duration", "value": 1, "unit": "ms"})
    assert "its unit is 's', not 'ms'" in reply["rejected"][0]["reason"]


def test_labels_of_samples_are_checked_and_tags_of_events_are_sorted_out() -> None:
    pushed = Pushed()
    reply = pushed.native(
        {"name": "x", "value": 1, "labels": {"session": "1"}},
        {"name": "x", "value": 1, "labels": {"source": "b"}},
        {"name": "x", "value": 1, "labels": {"model": ""}},
        {"name": "x", "value": 1, "labels": {"model": "a" * 257}},
        {"name": "x", "value": 1, "labels": {"model": 5}},
        {"name": "x", "value": 1, "labels": {f"k{n}": "v" for n in range(17)}},
        {"name": "x", "value": 1, "labels": {"model": "m", "view": "v"}},
        {"name": "x", "value": 3, "labels": {"view": "v", "model": "m"}},
        {"name": "x y", "value": 1},
        {"name": "x" * 65, "value": 1},
    )
    assert reply["accepted"] == 2
    assert [item["index"] for item in reply["rejected"]] == [0, 1, 2, 3, 4, 5, 8, 9]
    assert pushed.tick() == {'custom.t.x{model="m",source="t",view="v"}': 2.0}
    for _ in range(2):
        reply = pushed.say(
            source="t", data={"y": 1}, tags={"session": "s", "model": "m", "source": "evil", "view": ""}
        )
        assert reply == {"accepted": 1, "rejected": [], "ignored": ["tags.session", "tags.source", "tags.view"]}
    assert pushed.tick()['custom.t.y{model="m",source="t"}'] == 1.0


def test_text_from_outside_is_made_safe() -> None:
    pushed = Pushed()
    assert pushed.native({"name": "x", "value": 1, "labels": {"model": "\x1b[2J\u202e"}})["accepted"] == 1
    [column] = _columns(pushed)
    assert column.series.text.isprintable()
    reply = pushed.native({"name": "\x1b[2J", "value": 1})
    assert reply["rejected"][0]["name"].isprintable()
    assert pushed.say(source="\x1b]0;x", data={"x": 1})["accepted"] == 0
    assert pushed.line(b'{"source":"\\ud800","samples":[{"name":"x","value":1},{}]}')["accepted"] == 0


# ---- limits


def test_a_number_that_a_ring_cannot_hold_is_refused_and_sums_stay_finite() -> None:
    pushed = Pushed()
    many = [{"name": name, "value": value} for name in "xy" for value in (1e308, -1e308, 2.9e38, 2.9e38)]
    assert pushed.native(*many)["accepted"] == 4
    assert all(math.isfinite(value) for value in pushed.tick().values())
    counter = {"name": "n", "value": 2.9e38, "kind": "counter"}
    assert pushed.native(counter, counter)["accepted"] == 1


def test_a_time_that_is_not_now_is_refused() -> None:
    pushed = Pushed()
    now_ms = pushed.second * 1000
    assert pushed.say(source="t", timestamp=now_ms - 59_000, data={"x": 1})["accepted"] == 1
    for wrong in (now_ms - 61_000, now_ms + 61_000, pushed.second, 1e300):
        reply = pushed.say(source="t", timestamp=wrong, data={"x": 1})
        assert reply["accepted"] == 0
        assert "timestamp" in reply["rejected"][0]["reason"]


def test_more_series_than_the_limit_are_refused_counted_and_shown_and_cost_nobody_else() -> None:
    pushed = Pushed()
    pushed.native({"name": "good", "value": 1}, source="other")
    replies = [
        pushed.native(
            *({"name": "x", "value": 1, "labels": {"model": f"m{n}"}} for n in range(start, start + 1000))
        )
        for start in range(0, 5000, 1000)
    ]
    assert [reply["accepted"] for reply in replies] == [1000, 1000, 0, 0, 0]
    assert len(replies[2]["rejected"]) == pushes.TOLD
    assert replies[2]["more"] == 1000 - pushes.TOLD
    assert pushed.accumulator.rejected == {"push:t": 3000}
    found = pushed.health()
    assert (found.state, found.failures) == (health.DENIED, 3000)
    assert "3000 new series refused, 2000 are kept" in found.reason
    # Those that are there go on, others too.
    assert pushed.native({"name": "x", "value": 5, "labels": {"model": "m7"}})["accepted"] == 1
    pushed.native({"name": "good", "value": 2}, {"name": "new", "value": 2}, source="other")
    ticked = pushed.tick()
    assert ticked['custom.other.new{source="other"}'] == 2.0
    assert ticked['custom.t.x{model="m7",source="t"}'] == 3.0
    assert pushed.health("other").state == health.OK
    assert sum(text.startswith("custom.t.") for text in ticked) == MAX_PER_SOURCE
    pushed.tick(40)
    assert pushed.health().state == health.ABSENT


def test_a_distribution_comes_with_all_its_statistics_or_not_at_all() -> None:
    pushed = Pushed()
    pushed.native(*({"name": f"x{n}", "value": 1} for n in range(MAX_PER_SOURCE - 5)))
    assert pushed.native({"name": "d", "value": 1, "kind": "distribution"})["accepted"] == 0
    assert len(pushed.tick()) == MAX_PER_SOURCE - 5
    assert pushed.native({"name": "y", "value": 1})["accepted"] == 1


def test_pushes_leave_room_for_what_is_measured() -> None:
    pushed = Pushed()
    for source in range(6):
        for start in (0, 1000):
            pushed.native(
                *({"name": f"x{n}", "value": 1} for n in range(start, start + 1000)), source=f"s{source}"
            )
    assert MAX_SERIES - RESERVED - 10 <= len(pushed.accumulator) <= MAX_SERIES - RESERVED


def test_more_programs_than_the_limit_are_refused_until_one_is_quiet() -> None:
    pushed = Pushed()
    for number in range(pushes.MAX_PUSHERS):
        # A value that is refused: the program has no series.
        pushed.native({"name": "x", "value": 1, "unit": "no unit"}, source=f"s{number}")
    assert "64 sources push already" in pushed.native({"name": "x", "value": 1})["rejected"][0]["reason"]
    pushed.tick(125)
    assert pushed.native({"name": "x", "value": 1})["accepted"] == 1


def test_what_is_not_pushed_any_more_is_forgotten_and_may_come_back_as_something_else() -> None:
    pushed = Pushed()
    pushed.native({"name": "x", "value": 1, "unit": "s"})
    pushed.tick()
    pushed.second += gathering.KEPT_NS // NS_PER_S // 60 * 60 + 120
    pushed.second -= pushed.second % 60
    pushed.collect()
    assert list(pushed.intake.health(pushed.at)) == []
    assert pushed.native({"name": "x", "value": 1, "unit": "By"})["accepted"] == 1


def test_ways_of_writing_a_series_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_CACHED", 20_000)
    pushed = Pushed()
    for number in range(500):
        line = b'{"source":"t","samples":[{"name":"x","value":1,"labels":{%s"model":"m"}}]}' % (b" " * number)
        assert pushed.line(line)["accepted"] == 1
        assert pushed.say(source="t", data={"x": 1}, tags={"session": str(number), "model": "m"})["accepted"] == 1
    [places] = pushed.intake._pushers.values()
    ways = [table for tables in places._tables for table in tables.values()]
    assert sum(map(len, ways)) + len(places._ignored) <= 120
    assert pushed.tick() == {'custom.t.x{model="m",source="t"}': 1.0}


def test_many_different_values_of_distributions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_BUCKETS", 100)
    pushed = Pushed()
    samples = [{"name": f"d{n % 4}", "value": 1.5**n, "kind": "distribution"} for n in range(200)]
    reply = pushed.native(*samples)
    assert reply["accepted"] == 100
    assert "too many different values" in reply["rejected"][0]["reason"]
    pushed.tick()
    assert pushed.native(*samples[:50])["accepted"] == 50


# ---- switching


def test_switched_off_nothing_is_counted_and_switched_on_it_begins_anew() -> None:
    pushed = Pushed()
    pushed.native({"name": "n", "value": 1, "kind": "counter"})
    assert pushed.intake.switch(on=False) == ["push:t"]
    reply = pushed.native({"name": "n", "value": 1})
    assert reply == {
        "accepted": 0, "rejected": [{"reason": "pushes are switched off; wftop sources on push"}],
    }  # fmt: skip
    assert pushed.tick() == {}
    pushed.intake.switch(on=True)
    pushed.native({"name": "n", "value": 3, "kind": "counter"})
    assert pushed.tick() == {'custom.t.n{source="t"}': 3.0}


def test_a_group_that_is_off_is_refused_by_name() -> None:
    pushed = Pushed()
    pushed.native({"name": "x", "value": 1}, {"name": "ux.entropy", "value": 1})
    pushed.accumulator.mute(["custom"])
    pushed.intake.muted("custom")
    reply = pushed.native({"name": "x", "value": 1}, {"name": "ux.entropy", "value": 1})
    assert reply["accepted"] == 1
    assert reply["rejected"] == [{"index": 0, "name": "x", "reason": "the group custom is switched off"}]
    assert pushed.tick() == {'ux.entropy{source="t"}': 1.0}


# ---- anything


def test_counting_stops_when_its_time_is_over_and_goes_on_where_it_was() -> None:
    pushed = Pushed()
    counting = pushed.intake.begin(
        say(source="t", samples=[{"name": "n", "value": 1, "kind": "counter"}] * 100), pushed.at
    )
    assert isinstance(counting, Counting)
    turns = 1
    while not counting.go_on(0):
        turns += 1
    assert turns == 100 // 32 + 1
    assert json.loads(counting.finish(0)) == {"accepted": 100, "rejected": []}
    assert pushed.tick() == {'custom.t.n{source="t"}': 100.0}


good = st.fixed_dictionaries(
    {"name": st.sampled_from(("x", "y.z", "ttft_ms", "ux.entropy", "x y")), "value": numbers},
    optional={
        "unit": st.sampled_from(("s", "By", "", "no unit")),
        "kind": st.sampled_from(("gauge", "counter", "distribution", "other")),
        "labels": st.dictionaries(st.sampled_from(("model", "view", "other")), anything, max_size=2),
    },
)
lines = st.one_of(
    st.binary(max_size=60),
    nearly.map(lambda item: json.dumps(item).encode()),
    st.fixed_dictionaries(
        {"source": st.sampled_from(("a", "model:b", "")), "samples": st.lists(good | sample, max_size=5)}
    ).map(lambda item: json.dumps(item).encode()),
    st.fixed_dictionaries(
        {"source": st.text(max_size=6), "data": st.dictionaries(st.sampled_from([*FIELDS]), numbers | anything)},
        optional={"tags": anything, "timestamp": anything},
    ).map(lambda item: json.dumps(item).encode()),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(lines, max_size=8))
def test_whatever_comes_every_line_has_one_reply_and_every_tick_is_finite(said: list[bytes]) -> None:
    pushed = Pushed()
    accepted = 0
    for line in said:
        reply = pushed.line(line.replace(b"\n", b" "))
        assert set(reply) <= {"accepted", "rejected", "more", "ignored"}
        accepted += reply["accepted"]
    pushed.second += 1
    scrape = pushed.intake.collect(pushed.at)
    samples = [*scrape.samples, *(item for reading in scrape.readings for item in reading.samples)]
    assert all(math.isfinite(item.value) for item in samples)
    told = {item.column.series.text: item.value for item in samples}
    counted = sum(value for text, value in told.items() if text.startswith("wftop.push.samples"))
    assert counted == accepted
