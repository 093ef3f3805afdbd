"""Bounded queues: who is slow loses, is told how much, and nobody else notices."""

from __future__ import annotations

import asyncio

from tests.records import LAYOUT, tick
from wftui.model.sample import Sample
from wftui.recorder.bus import QUEUE, Bus, Closed, Scraped


async def test_the_slow_lose_and_the_fast_do_not() -> None:
    bus = Bus()
    slow, fast = bus.subscribe("slow"), bus.subscribe("fast")
    got = []
    for seq in range(1, 201):
        bus.publish(Closed(tick(seq, seq), LAYOUT))
        got.append(await fast.take())
    assert [item.tick.seq for item in got if isinstance(item, Closed)] == list(range(1, 201))
    assert (fast.dropped_total, fast.take_dropped()) == (0, 0)
    assert slow.dropped_total == 200 // QUEUE * QUEUE
    assert slow.take_dropped() == slow.dropped_total
    assert slow.take_dropped() == 0
    first = await slow.take()
    assert isinstance(first, Closed)
    assert first.tick.seq == slow.dropped_total + 1, "what is left follows what was dropped without a hole"


async def test_take_waits_for_the_next() -> None:
    bus = Bus()
    subscription = bus.subscribe("x")
    waiting = asyncio.create_task(subscription.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    bus.publish(Closed(tick(1, 1), LAYOUT))
    assert isinstance(await waiting, Closed)
    bus.unsubscribe(subscription)
    bus.unsubscribe(subscription)
    assert bus.subscriptions() == []


async def test_samples_go_to_those_who_want_full_rate() -> None:
    bus = Bus()
    calm, eager = bus.subscribe("calm"), bus.subscribe("eager", 10)
    named = bus.subscribe("named", 10, ["other"])
    samples = [Sample(LAYOUT.columns[0], 1.0)]
    bus.publish_samples("cpu", 5, samples)
    bus.publish_samples("other", 6, samples)
    bus.publish(Closed(tick(1, 1), LAYOUT))
    assert await eager.take() == Scraped(5, samples)
    assert await eager.take() == Scraped(6, samples)
    assert await named.take() == Scraped(6, samples)
    assert isinstance(await calm.take(), Closed)


def test_who_looks_closely_at_what() -> None:
    changes: list[float] = []
    bus = Bus(lambda: changes.append(bus.rate_hz("servers")))
    assert not bus.full_rate
    calm, everything = bus.subscribe("calm"), bus.subscribe("everything", 5)
    closely = bus.subscribe("closely", 10, ["servers"])
    assert (bus.wanted("servers"), bus.wanted("cpu"), bus.rate_hz("cpu")) == (True, True, 1)
    assert (bus.followed_hz("servers"), bus.followed_hz("cpu")) == (10, 5)
    bus.unsubscribe(everything)
    assert (bus.wanted("servers"), bus.wanted("cpu"), bus.full_rate) == (True, False, True)
    assert bus.followed_hz("cpu") == 0
    for item in (closely, closely, calm):
        bus.unsubscribe(item)
    assert changes == [1, 10, 10, 1]
    assert not bus.full_rate
