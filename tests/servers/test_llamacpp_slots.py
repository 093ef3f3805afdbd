"""Slots: what they say, and the tokens a second that follow from them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from tests.servers.fake import Asked, sample
from tests.servers.fake_llamacpp import Llama, Seat
from wftui.clock import NS_PER_S
from wftui.collectors.servers.figures import RequestInfo
from wftui.collectors.servers.llamacpp_slots import Pace, Slot, fullest, requests

ASKED = Asked("GET", "/slots", {}, {})


def slots(body: bytes) -> list[Slot]:
    """What ``/slots`` said."""
    return msgspec.json.decode(body, type=list[Slot], strict=False)


class Watched:
    """A server and its pace, looked at once a second: the page before the slots."""

    def __init__(self, *, counters: bool = True, count: int = 4) -> None:
        self.llama = Llama(slots=count)
        self.clock = FakeClock()
        self.pace = Pace()
        self.counters = counters

    def look(self, seconds: float = 1.0) -> tuple[float, float] | None:
        """Tokens a second, of prompts and answers, rounded."""
        self.clock.advance(int(seconds * NS_PER_S))
        found = slots(self.llama.say_slots(ASKED).body)
        known = (self.llama.prompt, self.llama.predicted) if self.counters else (None, None)
        told = self.pace.look(found, self.clock.boottime_ns, *known)
        return told and (round(told[0], 6), round(told[1], 6))


def test_the_sample() -> None:
    found = slots(sample("llamacpp_slots.json"))
    assert [slot.is_processing for slot in found] == [True, True, False, False]
    assert requests(found, "m") == (
        RequestInfo(
            key="m#0", model="m", slot=0, id="4112", state="generating", prompt=1164, processed=1164, cached=128,
            generated=126, context=8192, detail="at most 386 more",
        ),
        RequestInfo(
            key="m#1", model="m", slot=1, id="4120", state="prefill", processed=0, cached=0, generated=0,
            context=8192,
        ),
    )  # fmt: skip
    assert fullest(found) == pytest.approx(2210 / 8192)
    assert fullest(found[3:]) == 0
    assert fullest([Slot(id=0)]) is None


def test_an_object_instead_of_an_array() -> None:
    """Builds before mid-2026."""
    (found,) = slots(b'[{"id": 0, "is_processing": true, "id_task": 1, "next_token": {"n_decoded": 7}}]')
    assert found.next.n_decoded == 7


def test_nothing_of_what_was_asked_is_decoded() -> None:
    llama = Llama()
    llama.decode(llama.begin(), 1)
    body = llama.say_slots(ASKED).body
    assert b"canary" in body
    found = slots(body)
    assert "canary" not in repr(found) + repr(requests(found, "m"))


@pytest.mark.parametrize("counters", [True, False])
def test_a_long_answer(counters: bool) -> None:
    watched = Watched(counters=counters)
    assert watched.look() is None
    seat = watched.llama.begin()
    watched.llama.read(seat, 500)
    assert watched.look() == (500, 0)
    watched.llama.read(seat, 250)
    watched.llama.decode(seat, 10)
    assert watched.look() == (250, 10)
    for _ in range(5):
        watched.llama.decode(seat, 40)
        assert watched.look(0.5) == (0, 80)
    watched.llama.decode(seat, 5)
    watched.llama.finish(seat)
    assert watched.look() == (0, 5), "the counter knows the last five, and the slot as long as it is idle"
    assert watched.look() == (0, 0)


def test_slots_that_keep_the_figures_of_what_ended() -> None:
    watched = Watched(counters=False)
    seat = watched.llama.begin()
    watched.look()
    watched.llama.decode(seat, 30)
    assert watched.look() == (0, 30)
    watched.llama.decode(seat, 12)
    watched.llama.finish(seat, keeps=True)
    assert watched.look() == (0, 12)
    assert watched.look() == (0, 0)


def test_short_requests_between_two_looks() -> None:
    """No slot shows them; the counters do."""
    watched = Watched()
    watched.look()
    for _ in range(3):
        seat = watched.llama.begin()
        watched.llama.read(seat, 100)
        watched.llama.decode(seat, 20)
        watched.llama.finish(seat)
    assert watched.look() == (300, 60)


def test_another_task_in_the_same_slot() -> None:
    watched = Watched(counters=False)
    seat = watched.llama.begin(seat=0)
    watched.llama.decode(seat, 100)
    watched.look()
    watched.llama.finish(seat)
    watched.llama.decode(watched.llama.begin(seat=0), 30)
    assert watched.look() == (0, 30)


def test_what_ran_before_the_first_look_does_not_count() -> None:
    watched = Watched()
    seat = watched.llama.begin()
    watched.llama.read(seat, 1000)
    watched.llama.decode(seat, 5000)
    assert watched.look() is None
    watched.llama.decode(seat, 10)
    assert watched.look() == (0, 10)
    watched.llama.finish(seat)
    assert watched.look() == (0, 0), "the counter's step of 5010 was seen in the slots"


def test_a_restart() -> None:
    watched = Watched()
    seat = watched.llama.begin()
    watched.llama.decode(seat, 100)
    watched.llama.finish(seat)
    watched.look()
    watched.llama.restart()
    seat = watched.llama.begin()
    watched.llama.decode(seat, 7)
    assert watched.look() == (0, 7)


def test_a_counter_past_a_million_is_not_trusted() -> None:
    watched = Watched()
    watched.llama.predicted = 1_234_567
    watched.look()
    watched.llama.predicted += 100
    assert watched.look() == (0, 0)


def test_a_counter_that_moves_while_a_prompt_is_read() -> None:
    """Newer servers count prompts as they read them: the slots show them, too."""
    watched = Watched()
    watched.look()
    seat = watched.llama.begin()
    for _ in range(5):
        watched.llama.read(seat, 400)
        watched.llama.prompt += 400
        assert watched.look() == (400, 0)


@given(st.data())
def test_no_token_is_lost_and_none_is_counted_twice(data: st.DataObject) -> None:
    """Any order of requests in four slots; with the counters, all that was made is told in the end."""
    watched = Watched()
    watched.look()
    llama, running = watched.llama, list[Seat]()
    told = 0.0
    for _ in range(data.draw(st.integers(1, 12))):
        for _ in range(data.draw(st.integers(0, 5))):
            what = data.draw(st.sampled_from("bdf"))
            if what == "b" and len(running) < 4:
                running.append(llama.begin())
                llama.read(running[-1], 3)
                llama.decode(running[-1], 1)
            elif running:
                seat = running[data.draw(st.integers(0, len(running) - 1))]
                llama.decode(seat, data.draw(st.integers(0, 50)))
                if what == "f":
                    llama.finish(seat)
                    running.remove(seat)
        pace = watched.look()
        assert pace is not None
        assert pace[1] >= 0
        told += pace[1]
        assert told == llama.predicted + sum(item.decoded for item in llama.seats)


@given(st.lists(st.lists(st.builds(
    Slot, id=st.integers(0, 2), is_processing=st.booleans(), id_task=st.integers(-1, 3),
    n_prompt_tokens_processed=st.integers(-5, 50), n_ctx=st.integers(-1, 9), n_prompt_tokens=st.integers(-9, 99),
    next_token=st.just([]),
), max_size=4), max_size=6), st.lists(st.floats(0, 2e6), min_size=6, max_size=6))  # fmt: skip
def test_nonsense_gives_numbers(looks: list[list[Slot]], counters: list[float]) -> None:
    pace = Pace()
    for place, (look, counter) in enumerate(zip(looks, counters, strict=False)):
        told = pace.look(look, place * NS_PER_S, counter, counter)
        assert told is None or all(isinstance(value, float) for value in told)
        requests(look, "")
        share = fullest(look)
        assert share is None or share <= 1
