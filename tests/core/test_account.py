"""What a core told, added up: times, frames that are missing, answers, levels, events that are told seldom."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_protocol import ENERGY, FIELD, INTERFERENCE, RESONANCE, REWARD, STARTUP, TOKENS, TROUBLE
from wftui import names
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.core import account as accounts
from wftui.collectors.core import answers, protocol
from wftui.collectors.core.account import Account
from wftui.collectors.core.numbers import BACK, MOST, Numbers
from wftui.collectors.core.progression import Progression
from wftui.energy.sink import Key, Token

START_MS = 1_790_000_000_000
BOOT_S = 1000.0
KEY = Key("core", "", "m")


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        """Any: each call has arguments of its own."""

    def prompt(self, key: Key, at_s: float) -> None:
        self.calls.append(("prompt", key, at_s))

    def tokens(
        self,
        key: Key,
        at_s: float,
        count: int,
        *,
        certainty: float = math.nan,
        weight: float = 1.0,
        top: Mapping[bytes, float] | None = None,
    ) -> None:
        assert math.isnan(certainty)
        assert top is None
        self.calls.append(("tokens", key, at_s, count, weight))

    def run(self, key: Key, told: Sequence[Token]) -> None:
        self.calls += [("tokens", key, at_s, 1, weight) for at_s, _, weight in told]

    def end(self, key: Key, at_s: float, how: str = "finished") -> None:
        self.calls.append(("end", key, at_s) if how == "finished" else (how, key, at_s))

    def left(self, key: Key, at_s: float, count: int) -> None:
        self.calls.append(("left", key, at_s, count))

    def counted(self, key: Key, since_s: float, at_s: float, count: int) -> None:
        self.calls.append(("counted", key, since_s, at_s, count))

    def frame(self, program: str, at_s: float, took_s: float, stages: Mapping[str, float] | None = None) -> None:
        assert not stages
        self.calls.append(("frame", program, at_s, took_s))

    def lost(self, program: str, at_s: float, count: int) -> None:
        self.calls.append(("lost", program, at_s, count))

    def of(self, *kinds: str) -> list[tuple[Any, ...]]:
        return [call for call in self.calls if call[0] in kinds]


class Told:
    """An account that hears events at moments."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.quick: list[tuple[int, list[tuple[str, float]]]] = []
        self.account = Account(self.heard, self._tell)

    def _tell(self, time_ns: int, samples: list[Any]) -> None:
        self.quick.append((time_ns, [(item.column.series.text, item.value) for item in samples]))

    def at(self, seconds: float) -> Instant:
        ns = round(seconds * NS_PER_S)
        return Instant(START_MS * 1_000_000 + ns, round(BOOT_S * NS_PER_S) + ns)

    def say(
        self, seconds: float, kind: str, payload: dict[str, object], *, ago_ms: float | None = 0.0, **more: object
    ) -> int:
        """An event that arrives at a moment, made so long before."""
        said = {"type": kind, "payload": payload, **more}
        if ago_ms is not None:
            said["timestamp"] = START_MS + seconds * 1000 - ago_ms
        return self.account.take([json.dumps(said).encode()], self.at(seconds))

    def values(self, seconds: float = 100.0, *, up: bool = True) -> dict[str, float]:
        found = {}
        for item in self.account.samples(up, self.at(seconds)):
            metric = names.METRICS[item.column.series.name]
            assert {key for key, _ in item.column.series.labels} <= set(metric.labels)
            found[item.column.series.text] = item.value
        return found


@pytest.fixture
def told() -> Told:
    return Told()


# ---- times


def test_the_core_says_when_it_was(told: Told) -> None:
    told.say(1.0, protocol.ENERGY, ENERGY, ago_ms=250)
    told.say(2.0, protocol.ENERGY, ENERGY, ago_ms=1999)
    assert [call[2] for call in told.heard.of("frame")] == [
        pytest.approx(BOOT_S + 0.75),
        pytest.approx(BOOT_S + 0.001),
    ]
    readings, _ = told.account.harvest()
    assert readings[0].at == Instant(START_MS * 1_000_000 + 750_000_000, 1_000_750_000_000)
    assert not told.account.apart


@pytest.mark.parametrize("ago_ms", [2001, 1e9, -2001, None])
def test_a_clock_that_is_wrong_is_not_believed(told: Told, ago_ms: float | None) -> None:
    told.say(5.0, protocol.ENERGY, ENERGY, ago_ms=ago_ms)
    assert [call[2] for call in told.heard.of("frame")] == [BOOT_S + 5.0]
    assert told.account.apart


def test_nothing_is_of_later_than_it_came(told: Told) -> None:
    told.say(5.0, protocol.ENERGY, ENERGY, ago_ms=-1500)
    assert [call[2] for call in told.heard.of("frame")] == [BOOT_S + 5.0]
    assert not told.account.apart


# ---- frames


def test_gaps_are_frames_that_the_core_lost(told: Told) -> None:
    for place, number in enumerate((10, 11, 15, 15, 16)):
        told.say(place / 10, protocol.ENERGY, ENERGY, frameNumber=number)
    told.say(1.0, protocol.FIELD, FIELD, frameNumber=18)
    told.say(1.1, protocol.ENERGY, ENERGY, frameNumber=18)
    assert [call[3] for call in told.heard.of("lost")] == [3, 1]
    assert len(told.heard.of("frame")) == 5
    assert told.account.numbers.lost == 4
    assert told.values()['ux.core.events{mode="energy_update",source="core"}'] == 6


def test_frames_of_a_lost_connection_are_lost(told: Told) -> None:
    told.say(0.0, protocol.ENERGY, ENERGY, frameNumber=100)
    told.account.lost_connection(told.at(0.1))
    told.say(1.0, protocol.ENERGY, ENERGY, frameNumber=161)
    assert [call[3] for call in told.heard.of("lost")] == [60]


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=60))
def test_each_number_is_there_or_lost(steps: list[tuple[int, bool]]) -> None:
    numbers = Numbers()
    newest = 5
    came = 1
    assert numbers.take(newest) == 0
    for step, again in steps:
        lost = numbers.take(newest + step)
        assert lost == max(0, step - 1)
        newest += step
        came += step > 0
        if again:
            assert numbers.take(newest) == 0
    assert came + numbers.lost == newest - 5 + 1
    assert numbers.begun == 0


def test_another_numbering_is_no_loss() -> None:
    numbers = Numbers()
    for number in (50, 50 + MOST + 1, 7, 8, 0, 1, 5):
        numbers.take(number)
    assert numbers.lost == 3
    assert numbers.begun == 3
    numbers.take(3)
    numbers.take(6)
    assert numbers.lost == 3
    assert BACK > 60


def test_what_is_shed_is_counted_and_not_the_cores_loss(told: Told) -> None:
    room = accounts.ROOM
    messages = [
        json.dumps({"type": "energy_update", "frameNumber": number, "payload": ENERGY}).encode()
        for number in range(room + 500)
    ]
    told.account.take(messages, told.at(10))
    told.say(10.5, protocol.ENERGY, ENERGY, frameNumber=room + 500 + 2)
    values = told.values()
    assert values['ux.core.refused{mode="shed",source="core"}'] == 500
    assert values['ux.core.events{mode="energy_update",source="core"}'] == room + 1
    assert [call[3] for call in told.heard.of("lost")] == [2]
    assert told.account.numbers.lost == 2


def test_tokens_and_heartbeats_are_read_when_frames_are_shed(told: Told) -> None:
    def message(kind: str, payload: object) -> bytes:
        return json.dumps({"type": kind, "payload": payload}).encode()

    frame, beat = message(protocol.ENERGY, ENERGY), message(protocol.HEARTBEAT, {"sequence": 1})
    token = message(protocol.TOKENS, TOKENS)
    assert told.account.take([frame] * accounts.ROOM + [beat, frame, token, beat], told.at(10)) == 2
    assert [call[3] for call in told.heard.of("tokens")] == [3]
    assert told.account.refused == {protocol.SHED: 1}
    flood = [beat] * (2 * accounts.OVERDRAFT)
    assert told.account.take(flood, told.at(10)) < accounts.OVERDRAFT + 1
    assert told.account.refused[protocol.SHED] > accounts.OVERDRAFT


# ---- levels


def test_a_level_is_told_as_the_core_states_it(told: Told) -> None:
    told.say(1.0, protocol.ENERGY, ENERGY | {"modelId": "m"})
    told.say(1.005, protocol.ENERGY, ENERGY | {"modelId": "m", "totalEnergy": 0.9})
    told.say(1.017, protocol.ENERGY, ENERGY | {"modelId": "m", "totalEnergy": 0.6})
    level = 'ux.energy.level{model="m",source="core"}'
    assert [samples for _, samples in told.quick] == [[(level, 0.5)], [(level, 0.6)]]
    readings, _ = told.account.harvest()
    assert [reading.at.time_ns for reading in readings] == [at for at, _ in told.quick]
    assert told.account.harvest() == ([], [])


def test_energy_above_one_is_no_level(told: Told) -> None:
    for place, total in enumerate((0.5, 17.0, 0.5)):
        told.say(1.0 + place, protocol.ENERGY, ENERGY | {"modelId": "m", "totalEnergy": total})
        assert told.values(1.0 + place)['ux.core.energy{model="m",source="core"}'] == total
    assert [samples[0][1] for _, samples in told.quick] == [0.5]
    assert not any("ux.core.energy" in name for name in told.values(5.0))


def test_models_without_end_are_bounded(told: Told) -> None:
    for number in range(500):
        told.say(1.0 + number / 100, protocol.ENERGY, ENERGY | {"modelId": f"m{number}"})
    assert len({samples[0][0] for _, samples in told.quick}) == accounts.MOST_MODELS


# ---- answers


def spoken(count: int = 1, session: str = "s", *, complete: bool = False, **more: object) -> dict[str, object]:
    payload = TOKENS | {"tokens": ["x"] * count, "sessionId": session, "isComplete": complete, "modelId": "m"}
    del payload["energyCost"]
    return payload | more


def test_an_answer(told: Told) -> None:
    told.say(1.0, protocol.TOKENS, spoken(2, energyCost=3.0))
    told.say(1.1, protocol.TOKENS, spoken(1))
    told.say(1.2, protocol.TOKENS, spoken(0, complete=True))
    assert told.heard.calls == [
        ("tokens", KEY, BOOT_S + 1.0, 2, 1.5),
        ("tokens", KEY, BOOT_S + 1.1, 1, 1.0),
        ("end", KEY, BOOT_S + 1.2),
    ]
    told.say(1.3, protocol.TOKENS, spoken(0, complete=True))
    assert len(told.heard.calls) == 3


def test_answers_side_by_side(told: Told) -> None:
    told.say(1.0, protocol.TOKENS, spoken(1, "a"))
    told.say(1.1, protocol.TOKENS, spoken(1, "b"))
    told.say(1.2, protocol.TOKENS, spoken(1, "a", complete=True))
    told.say(1.3, protocol.TOKENS, spoken(1, "b", complete=True))
    kinds = [call[0] for call in told.heard.calls]
    assert kinds == ["tokens", "prompt", "tokens", "tokens", "end", "tokens", "end"]


def test_answers_that_never_end_are_bounded(told: Told) -> None:
    for number in range(answers.MOST + 10):
        told.say(1.0 + number / 1000, protocol.TOKENS, spoken(1, f"s{number}"))
    assert len(told.heard.of("abandoned")) == 10
    told.values(2.0 + answers.QUIET_S)
    assert len(told.heard.of("abandoned")) == answers.MOST + 10


def test_of_a_lost_connection_nobody_tells_the_answers(told: Told) -> None:
    told.say(1.0, protocol.TOKENS, spoken(1, "a"))
    told.say(1.1, protocol.TOKENS, spoken(1, "b"))
    told.account.lost_connection(told.at(1.5))
    assert told.heard.of("left", "end", "abandoned") == [("left", KEY, BOOT_S + 1.5, 2)]


@pytest.mark.parametrize(("back_s", "again"), [(2.5, 1), (5.0, 0)])
def test_a_core_that_is_back_at_once_goes_on_with_its_answers(told: Told, back_s: float, again: int) -> None:
    told.say(1.0, protocol.TOKENS, spoken(1, "a"))
    told.say(1.1, protocol.TOKENS, spoken(1, "b"))
    told.account.lost_connection(told.at(1.5))
    del told.heard.calls[:]
    told.say(back_s, protocol.TOKENS, spoken(1, "b"))
    told.say(back_s + 0.1, protocol.TOKENS, spoken(1, "a"))
    # Those that were abandoned meanwhile are new ones: the second is announced.
    assert len(told.heard.of("prompt")) == 1 - again


def test_tokens_told_twice_count_once(told: Told) -> None:
    told.say(1.0, protocol.ENERGY, ENERGY | {"modelId": "m", "tokensGenerated": 2}, frameNumber=1)
    told.say(1.0, protocol.TOKENS, spoken(2))
    for place in range(200):
        told.say(1.1 + place / 60, protocol.ENERGY, ENERGY | {"modelId": "m"}, frameNumber=2 + place)
    assert [call[3] for call in told.heard.of("tokens", "counted")] == [2]


def test_a_core_without_token_events_is_heard_by_its_frames(told: Told) -> None:
    for place in range(241):
        payload = ENERGY | {"modelId": "m", "tokensGenerated": place % 2}
        told.say(1.0 + place / 60, protocol.ENERGY, payload, frameNumber=place)
    [first] = told.heard.of("counted")
    assert first[2:4] == (pytest.approx(BOOT_S + 1 + 1 / 60), pytest.approx(BOOT_S + 3 + 1 / 60, abs=0.02))
    later = [call[3] for call in told.heard.of("tokens")]
    assert first[4] + sum(later) == 120
    assert set(later) == {1}


# ---- everything else


def test_gauges_counts_and_heartbeats(told: Told) -> None:
    assert told.say(1.0, protocol.HEARTBEAT, {"sequence": 1, "frameRate": 59.5}) == 1
    told.say(1.0, protocol.FIELD, FIELD)
    told.say(1.0, protocol.INTERFERENCE, INTERFERENCE)
    told.say(1.0, protocol.RESONANCE, RESONANCE)
    told.say(1.0, protocol.ERROR, TROUBLE)
    told.say(1.0, protocol.STARTUP, STARTUP)
    told.say(1.0, "unheard_of", {})
    told.say(1.0, protocol.HEARTBEAT, {"sequence": "x"})
    told.account.passed_over(protocol.OVERSIZED, 2, told.at(1))
    told.account.passed_over(protocol.MALFORMED, 0, told.at(1))
    found = told.values(1.5)
    short = {name.removeprefix("ux.core.").replace(',source="core"', ""): value for name, value in found.items()}
    assert short.pop('ux.progression.session{source="core"}') == 0.5
    assert short == {
        'up{source="core"}': 1, 'connects{source="core"}': 0, 'heartbeat.age{source="core"}': 0.5,
        'events{mode="heartbeat"}': 1, 'events{mode="energy_field"}': 1, 'events{mode="interference_event"}': 1,
        'events{mode="resonance_event"}': 1, 'events{mode="error_event"}': 1, 'events{mode="startup_complete"}': 1,
        'refused{mode="unknown"}': 1, 'refused{mode="malformed"}': 1, 'refused{mode="oversized"}': 2,
        'errors{mode="error"}': 1, 'frame.rate{source="core"}': 59.5, 'field{mode="lightning"}': 0.25,
        'interference{mode="neutral"}': 1, 'coherence{source="core"}': 0, 'resonance{mode="harmonic"}': 0.4,
        'resonance.frequency{mode="harmonic"}': 2.5,
    }  # fmt: skip
    assert 'ux.core.field{mode="lightning",source="core"}' not in told.values(2.5)
    told.account.lost_connection(told.at(3))
    after = told.values(3.5, up=False)
    assert after['ux.core.up{source="core"}'] == 0
    assert not any("heartbeat.age" in name or "session" in name for name in after)


def test_events_are_told_seldom(told: Told) -> None:
    for place in range(25):
        told.say(1.0 + place, protocol.ERROR, TROUBLE)
    told.say(26.0, protocol.ERROR, TROUBLE | {"code": "OTHER"})
    _, events = told.account.harvest()
    assert [(item.kind, item.payload["code"], item.payload.get("more")) for item in events] == [
        ("core.error", "MODEL_GONE", None),
        ("core.error", "MODEL_GONE", 9),
        ("core.error", "MODEL_GONE", 9),
        ("core.error", "OTHER", None),
    ]
    assert all("message" not in item.payload for item in events)
    assert told.values()['ux.core.errors{mode="error",source="core"}'] == 26


def test_council_is_told_once_a_minute_and_every_reward(told: Told) -> None:
    for place in range(60):
        told.say(1.0 + place, protocol.INTERFERENCE, INTERFERENCE)
        told.say(1.0 + place, protocol.INTERFERENCE, INTERFERENCE | {"patternType": "destructive"})
    told.say(61.0, protocol.INTERFERENCE, INTERFERENCE)
    for title in ("a", "b", "b"):
        told.say(62.0, protocol.REWARD, REWARD | {"title": title})
    _, events = told.account.harvest()
    seen = [(item.payload.get("pattern") or item.payload["title"], item.payload.get("more")) for item in events]
    assert seen == [("neutral", None), ("destructive", None), ("neutral", 59), ("a", None), ("b", None)]


def test_codes_without_end_are_bounded(told: Told) -> None:
    for number in range(5000):
        told.say(1.0 + number / 1e6, protocol.ERROR, TROUBLE | {"code": f"E{number}"})
        if number % 400 == 0:
            told.account._room = float(accounts.ROOM)
    _, events = told.account.harvest()
    assert len(events) <= 257
    assert len(told.account._told) <= 257


def test_council_and_rewards_are_events(told: Told) -> None:
    told.say(1.0, protocol.INTERFERENCE, INTERFERENCE)
    told.say(1.0, protocol.RESONANCE, RESONANCE)
    told.say(1.0, protocol.REWARD, REWARD)
    _, events = told.account.harvest()
    assert {item.kind for item in events} <= set(names.EVENT_TYPES)
    assert [item.payload for item in events] == [
        {"pattern": "neutral", "models": ["a", "b"], "intensity": 1.0, "coherence": 0.0},
        {"kind": "harmonic", "models": ["a", "b"], "frequency_hz": 2.5, "amplitude": 0.4},
        {"kind": "level_up", "title": "Blitz\\x1b[31m", "points": 50.0, "level": 2},
    ]


def test_progression(told: Told) -> None:
    told.say(0.0, protocol.ENERGY, ENERGY, frameNumber=1000)
    assert not any(name.startswith("ux.progression.") for name in told.values(0.0)) or told.values(0.0)[
        'ux.progression.session{source="core"}'
    ] == pytest.approx(0.0)
    told.say(1.0, protocol.REWARD, REWARD | {"level": 2})
    told.say(2.0, protocol.REWARD, REWARD | {"level": 4})
    told.say(3.0, protocol.REWARD, REWARD | {"rewardType": "feedback", "level": None, "points": 5})
    early, late = told.values(300.0), told.values(1800.0)
    assert late['ux.progression.level{source="core"}'] == 4
    assert late['ux.progression.points{source="core"}'] == 105
    assert 'ux.progression.rate{source="core"}' not in early
    assert late['ux.progression.rate{source="core"}'] == pytest.approx(6.0)
    told.say(1900.0, protocol.ENERGY, ENERGY, frameNumber=0)
    again = told.values(1910.0)
    assert again['ux.progression.session{source="core"}'] == pytest.approx(10.0)
    assert 'ux.progression.rate{source="core"}' not in again


def test_nothing_told_of_levels_is_no_rate() -> None:
    progression = Progression()
    assert progression.session_s(5.0) is None
    progression.event(0.0)
    assert progression.rate(7200.0) is None
    assert (progression.level, progression.points) == (None, None)
