"""Crews and lanes: one call that hangs keeps one target, and nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from wftui.collectors.nvml.binding import Binding, _Cost
from wftui.collectors.nvml.box import cpu_list
from wftui.collectors.nvml.lanes import Crew
from wftui.collectors.nvml.xids import Doubles, bus_name


class Box:
    """Targets of which some hang until they are let go."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gates: dict[str, threading.Event] = {}

    def work(self, target: str) -> None:
        gate = self.gates.get(target)
        if gate is not None:
            gate.wait(20)
        self.done.append(target)


@pytest.fixture
def box() -> Iterator[Box]:
    made = Box()
    yield made
    for gate in made.gates.values():
        gate.set()


def crew_of(box: Box, deadline_s: float = 0.05) -> Crew[str]:
    return Crew(f"test {id(box)}", Binding(), box.work, deadline_s)


def lanes(box: Box) -> int:
    return sum(thread.name == f"wftop-test {id(box)}" for thread in threading.enumerate())


def test_targets_are_done_in_turn(box: Box) -> None:
    crew = crew_of(box)
    assert crew.begin("abc")
    assert crew.wait(5)
    assert box.done == ["a", "b", "c"]
    assert crew.begin("ab")
    assert crew.wait(5)
    assert lanes(box) == 1


def test_the_others_go_on_without_the_one_that_hangs(box: Box) -> None:
    box.gates["b"] = threading.Event()
    crew = crew_of(box)
    crew.begin("abcd")
    assert crew.wait(5)
    assert box.done == ["a", "c", "d"]
    assert set(crew.waiting()) == {"b"}
    for _ in range(5):
        assert crew.begin("abcd")
        assert crew.wait(5)
    assert box.done == ["a", "c", "d"] * 6
    assert lanes(box) == 2


def test_what_comes_back_is_asked_again(box: Box) -> None:
    box.gates["b"] = threading.Event()
    crew = crew_of(box)
    crew.begin("ab")
    assert crew.wait(5)
    box.gates.pop("b").set()
    deadline = time.monotonic() + 5
    while crew.waiting():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    box.done.clear()
    crew.begin("ab")
    assert crew.wait(5)
    assert box.done == ["a", "b"]
    deadline = time.monotonic() + 5
    while lanes(box) > 1:  # the lane that was left has ended
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_all_may_hang_and_a_round_is_over_all_the_same(box: Box) -> None:
    for target in "abc":
        box.gates[target] = threading.Event()
    crew = crew_of(box)
    crew.begin("abc")
    assert crew.wait(5)
    assert set(crew.waiting()) == set("abc")
    assert crew.begin("abc")  # nothing to do for anybody
    assert not crew.busy


def test_a_round_that_is_not_over_is_not_begun_again(box: Box) -> None:
    box.gates["a"] = threading.Event()
    crew = crew_of(box, deadline_s=30)
    crew.begin("a")
    assert not crew.wait(0.05)
    assert not crew.begin("ab")
    assert crew.waiting() == {}


@pytest.mark.parametrize("took_us", [0.1, 3, 7, 45, 999, 20_000, 3_000_000])
def test_a_quantile_is_near_what_was_measured(took_us: float) -> None:
    cost = _Cost()
    for _ in range(100):
        cost.add(int(took_us * 1000), failed=False)
    assert cost.quantile(0.5) == pytest.approx(took_us / 1e6, rel=0.13, abs=6e-7)
    assert cost.quantile(0.99) <= cost.longest_ns / 1e9


@pytest.mark.parametrize(
    ("words", "wanted"),
    [([0xFFFFFFFF], "0-31"), ([0b1011], "0-1,3"), ([0, 1], "64"), ([], ""), ([1 << 63, 1], "63-64")],
)
def test_cpu_list(words: list[int], wanted: str) -> None:
    assert cpu_list(words) == wanted


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("00000000:3B:00.0", "0000:3b:00.0"),
        ("0000:3b:00", "0000:3b:00.0"),
        ("0000:3b:00.1", "0000:3b:00.1"),
        ("nonsense", "nonsense"),
    ],
)
def test_bus_name(said: str, wanted: str) -> None:
    assert bus_name(said) == wanted


def test_an_xid_that_comes_both_ways_is_told_once() -> None:
    seen = Doubles()
    assert seen.new("GPU-1", 79, "nvml")
    assert not seen.new("GPU-1", 79, "kernel")
    assert seen.new("GPU-1", 13, "kernel")
    assert seen.new("GPU-2", 79, "kernel")
    assert seen.new("GPU-1", 13, "kernel")  # the same way again is another one


def test_work_that_raises_costs_its_target_only(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    def work(target: str) -> None:
        if target == "b":
            raise ValueError("b is broken")
        box.done.append(target)

    crew: Crew[str] = Crew("broken", Binding(), work, 5.0)
    for _ in range(3):
        assert crew.begin("abc")
        assert crew.wait(5)
    assert box.done == ["a", "c"] * 3
    assert crew.waiting() == {}
    assert capsys.readouterr().err.count("ValueError: b is broken") == 1
