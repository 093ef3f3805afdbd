"""The model: rates, gaps, histories, and what a reconnect keeps."""

from __future__ import annotations

import math
from array import array

from tests.tui.fake import NOW_S, Fed, machine
from tests.tui.servers_seen import VLLM, ServersFed
from wftui.model import tick as ticks
from wftui.model.sample import column
from wftui.tui.history import CAPACITY, History
from wftui.tui.state import GRAPHED, State
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

READ = ("system.disk.io", ("device", "nvme0n1"), ("direction", "read"))


def known(values: list[float]) -> list[bool]:
    return [value == value for value in values]


def test_rates_come_from_two_consecutive_ticks() -> None:
    fed = Fed().run(1, 1)
    assert math.isnan(fed.state.rate(*READ))
    fed.run(2, 2)
    assert fed.state.rate(*READ) > 0
    assert fed.state.rate("system.network.loopback.io") == 2.1e5


def test_no_rate_across_a_gap() -> None:
    fed = Fed().run(1, 5)
    fed.state.on(fed.tick(9))
    assert math.isnan(fed.state.rate("system.network.loopback.io"))
    fed.state.on(fed.tick(10))
    assert fed.state.rate("system.network.loopback.io") == 2.1e5


def test_no_rate_across_a_lost_tick_of_the_same_second_span() -> None:
    fed = Fed().run(1, 5)
    fed.state.on(fed.tick(6, seq=7))
    assert math.isnan(fed.state.rate("system.network.loopback.io"))


def test_a_counter_that_fell_is_unknown_and_never_negative() -> None:
    fed = Fed().run(1, 5)
    fed.state.on(fed.tick(6, {"system.network.loopback.io": 3.0}))
    assert math.isnan(fed.state.rate("system.network.loopback.io"))
    fed.state.on(fed.tick(7, {"system.network.loopback.io": 8.0}))
    assert fed.state.rate("system.network.loopback.io") == 5.0


def test_another_boot_has_no_rate() -> None:
    fed = Fed().run(1, 5)
    fed.state.on(wire.TickArrived(6, NOW_S, 6 * 10**9, 2, 1, fed.tick(6).values))
    assert math.isnan(fed.state.rate("system.network.loopback.io"))


def test_a_gap_stays_a_gap_in_the_history() -> None:
    state = Fed().run(1, 40, without=range(20, 26)).state
    past = state.past(30, "system.cpu.utilization")
    end = 30 - state.ahead
    missing = [place for place, there in enumerate(known(past[:end])) if not there]
    assert len(missing) == 6
    assert missing == list(range(missing[0], missing[0] + 6))


def test_a_wall_clock_that_steps_does_not_tear_the_graphs() -> None:
    fed = Fed().run(1, 10)
    fed.state.on(wire.TickArrived(11, NOW_S - 3600, 11 * 10**9, 1, 1, fed.tick(11).values))
    fed.state.on(wire.TickArrived(12, NOW_S - 3599, 12 * 10**9, 1, 1, fed.tick(12).values))
    past = fed.state.past(12, "system.cpu.utilization")
    assert all(known(past[: 12 - fed.state.ahead]))


def test_a_tick_closed_a_little_late_leaves_no_hole() -> None:
    fed = Fed().run(1, 3)
    late = fed.tick(4)
    fed.state.on(wire.TickArrived(4, late.time_s, 4 * 10**9 + 49_000_000, 1, 1, late.values))
    next_ = fed.tick(5)
    fed.state.on(wire.TickArrived(5, next_.time_s, 5 * 10**9 + 1_000_000, 1, 1, next_.values))
    past = fed.state.past(6, "system.cpu.utilization")
    assert all(known(past[1 : 6 - fed.state.ahead]))


def test_the_past_from_the_journal_meets_the_ticks_without_overwriting_them() -> None:
    fed = Fed().run(600, 601)
    state = fed.state
    column = next(item for item, _ in machine(0) if item.series.text == "system.cpu.utilization")
    points = 100
    start = (NOW_S - 1 - points + 2) * 10**9
    values = array("d", [0.25] * points)
    values[50] = float("nan")
    packed = ticks.pack(values)
    exact = state.value("system.cpu.utilization")
    reply = wire.RangeReply(start, 10**9, points, [1] * points, [wire.RangeSeries(column, packed, packed, packed)])
    state.prefill(reply)
    past = state.past(100, "system.cpu.utilization")
    end = len(past) - state.ahead
    assert past[end - 1] == exact
    assert past[end - 10] == 0.25
    assert known(past[-90:end]).count(False) == 1


def test_the_first_rate_after_the_attach_comes_from_the_journal() -> None:
    fed = Fed().run(600, 600)
    column = next(item for item, _ in machine(0) if item.series.text.startswith("system.disk.io"))
    packed = ticks.pack(array("d", [7.0] * 20))
    fed.state.prefill(
        wire.RangeReply(
            (NOW_S - 20) * 10**9, 10**9, 20, [1] * 20, [wire.RangeSeries(column, packed, packed, packed)]
        )
    )
    fed.run(601, 610)
    past = fed.state.past(29, *READ)
    assert all(known(past[: 29 - fed.state.ahead]))


def test_values_of_an_unknown_layout_are_left_alone() -> None:
    fed = Fed().run(1, 2)
    before = fed.state.value("system.cpu.utilization")
    fed.state.on(wire.TickArrived(3, NOW_S, 3 * 10**9, 1, 99, b""))
    assert fed.state.value("system.cpu.utilization") == before


def test_unknown_series_are_nan() -> None:
    state = State()
    assert math.isnan(state.value("system.cpu.utilization"))
    assert math.isnan(state.recent(5, "system.cpu.utilization"))
    assert all(math.isnan(value) for value in state.past(10, "system.cpu.utilization"))


def test_another_recorder_of_the_same_folder_keeps_the_past_and_drops_the_tables() -> None:
    fed = Fed().run(1, 30).furnish()
    fed.state.attached(wire.Hello(wire.VERSION, "recorder", session=2, boot_id="b", data_dir="/d"))
    assert fed.state.processes() == {}
    assert any(known(fed.state.past(20, "system.cpu.utilization")))
    assert fed.state.hostname == "gpu-box-3"


def test_events_come_once() -> None:
    fed = Fed().run(1, 2).furnish()
    count = len(fed.state.events)
    fed.furnish()
    assert len(fed.state.events) == count > 0


def test_history_holds_its_capacity_and_no_more() -> None:
    history = History()
    for slot in range(2 * CAPACITY):
        history.put(slot, float(slot))
    assert history.last(2 * CAPACITY - 1, CAPACITY) == [float(slot) for slot in range(CAPACITY, 2 * CAPACITY)]
    assert math.isnan(history.last(2 * CAPACITY - 1, CAPACITY + 1)[0])
    history.put(5 * CAPACITY, 1.0)
    assert known(history.last(5 * CAPACITY, CAPACITY)) == [False] * (CAPACITY - 1) + [True]


def test_graphed_metrics_exist() -> None:
    from wftui import names

    assert set(names.METRICS) >= GRAPHED


def test_tokens_between_two_ticks_are_those_of_the_last_second() -> None:
    fed = ServersFed((VLLM,)).run(301, 310)
    state = fed.state
    text = next(item for item in state.places if item.startswith("inference.tokens.rate{"))
    other = next(item for item in state.places if item.startswith("hw.gpu.power{") and "stat=" not in item)
    layout = state._layout_id
    assert state.tick is not None
    for tenth in range(25):
        at = (state.tick.time_s + 1) * NS_PER_S + tenth * NS_PER_S // 10
        values = array("d", [40.0 if tenth % 2 else 50.0, float(tenth)])
        state.on(wire.Samples(layout, [at, at], [state.places[text], state.places[other]], ticks.pack(values)))
        assert state.newest(other, counter=False) == tenth
    assert state.newest(text, counter=False) == 45
    state.on(fed.tick(311))
    assert state.newest(text, counter=False) != 45, "a tick is the whole second"


def test_a_layout_of_the_open_second_leaves_what_is_known() -> None:
    state = State()
    one, other = (column("host", name, call="a test") for name in ("system.memory.utilization", "system.uptime"))
    a, b = one.series.text, other.series.text
    state.on(wire.LayoutChanged(1, [one]))
    state.on(wire.TickArrived(1, 1000, 10**9, 1, 1, ticks.pack(array("d", [7.0]))))
    state.on(wire.LayoutChanged(2, [other, one]))
    assert state.value(a) == 7.0
    assert state.value(b) != state.value(b)
    state.on(wire.Samples(2, [10**9], [0], ticks.pack(array("d", [3.0]))))
    assert (state.value(a), state.value(b)) == (7.0, 3.0)
    state.attached(wire.Hello((1, 0), "recorder"))
    state.on(wire.LayoutChanged(3, [one]))
    assert state.value(a) != state.value(a)  # of another recorder
