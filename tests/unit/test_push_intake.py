"""A second of pushed samples: how it is told, switching off, and that whatever comes nothing breaks."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pushed import Pushed
from tests.pushed import line as say
from tests.unit.test_push_lines import anything, nearly, numbers, sample
from wftui.errors import ProtocolError
from wftui.model import health
from wftui.model.health import Health
from wftui.recorder.push.counting import Counting
from wftui.recorder.push.intake import MAX_PUSHERS
from wftui.recorder.push.known import FIELDS


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


def test_one_that_is_switched_off_is_refused_and_the_others_go_on() -> None:
    pushed = Pushed()
    off = Health("push:t", health.OFF, "switched off by a person", "wftop sources on push:t")
    pushed.native({"name": "n", "value": 1, "kind": "counter"})
    assert pushed.intake.switch_one("push:t", off)
    assert not pushed.intake.switch_one("push:t", off)
    reply = pushed.native({"name": "n", "value": 1}, {"name": "m", "value": 1})
    why = "push:t is switched off; wftop sources on push:t"
    assert reply == {"accepted": 0, "rejected": [{"reason": why}]}
    assert pushed.native({"name": "n", "value": 1}, source="u")["accepted"] == 1
    assert pushed.health() == off
    assert pushed.tick() == {'custom.u.n{source="u"}': 1.0}
    # Off and on as a whole it stays off.
    pushed.intake.switch(on=False)
    pushed.intake.switch(on=True)
    assert pushed.native({"name": "n", "value": 1})["accepted"] == 0
    assert pushed.intake.switch_one("push:t", None)
    assert pushed.native({"name": "n", "value": 3, "kind": "counter"})["accepted"] == 1
    assert pushed.tick()['custom.t.n{source="t"}'] == 3.0


def test_of_a_line_that_is_being_counted_nothing_more_is_taken_once_it_is_off() -> None:
    pushed = Pushed()
    counting = pushed.intake.begin(say(source="t", samples=[{"name": "n", "value": 1}] * 100), pushed.at)
    assert isinstance(counting, Counting)
    assert not counting.go_on(0)
    pushed.intake.switch_one("push:t", Health("push:t", health.OFF, "", "the fix"))
    assert counting.go_on(1 << 62)
    reply = json.loads(counting.finish(0))
    assert reply["accepted"] == 32
    assert reply["rejected"][0]["reason"] == "push:t is switched off; the fix"
    assert pushed.tick() == {}


def test_so_many_may_be_off_and_no_more() -> None:
    pushed = Pushed()
    for number in range(MAX_PUSHERS):
        pushed.intake.switch_one(f"push:{number}", Health(f"push:{number}", health.OFF))
    with pytest.raises(ProtocolError, match="already"):
        pushed.intake.switch_one("push:more", Health("push:more", health.OFF))
    assert pushed.intake.switch_one("push:0", None)
    assert pushed.intake.switch_one("push:more", Health("push:more", health.OFF))


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
