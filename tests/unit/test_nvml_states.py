"""What a code of NVML means for a person, and which turns of a GPU's life are events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui import names
from wftui.clock import NS_PER_S
from wftui.collectors.nvml import states
from wftui.collectors.nvml.episodes import Episodes
from wftui.collectors.nvml.frames import NO_LIBRARY
from wftui.model import gpus, health

CODES = [NO_LIBRARY, 1, 3, 4, 6, 9, 12, 15, 16, 17, 18, 999, 12345]


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("code", CODES)
def test_each_code_has_a_state_a_reason_and_a_fix(code: int, container: bool) -> None:
    whole = states.library(code, container=container)
    assert whole.state in health.STATES
    assert whole.state != health.OK
    assert whole.reason
    assert whole.fix
    one = states.gpu(code, container=container)
    assert one.state in gpus.STATES
    assert one.state != health.OK
    assert one.reason
    assert one.fix


@pytest.mark.parametrize(
    ("code", "state", "says", "mends"),
    [
        (18, health.FAILED, "driver was updated", "reboot"),
        (9, health.ABSENT, "not loaded", "modprobe nvidia"),
        (4, health.DENIED, "permission", "/dev/nvidia"),
        (17, health.DENIED, "permission", "/dev/nvidia"),
        (NO_LIBRARY, health.ABSENT, "cannot be loaded", "driver"),
    ],
)
def test_the_library(code: int, state: str, says: str, mends: str) -> None:
    found = states.library(code)
    assert found.state == state
    assert says in found.reason
    assert mends in found.fix


def test_a_container_that_lost_its_gpus_is_told_to_restart() -> None:
    assert "restart the container" in states.library(999, container=True).fix
    assert "restart the container" in states.gpu(999, container=True).fix
    assert "container" not in states.library(999).reason


def test_a_lost_gpu_names_its_xid() -> None:
    lost = states.gpu(15, 79)
    assert lost.state == gpus.LOST
    assert "after Xid 79" in lost.reason
    assert "Xid" not in states.gpu(15).reason


def test_a_stuck_one_says_for_how_long_and_in_what() -> None:
    found = states.stuck("nvmlDeviceGetPowerUsage", 12.3)
    assert found.state == health.STUCK
    assert found.reason.startswith("no answer for 12 s")
    assert "nvmlDeviceGetPowerUsage" in found.reason


def kinds(*wanted: str) -> list[list[str]]:
    life = Episodes()
    return [[turn.kind for turn in life.enter(state, second * 10**9)] for second, state in enumerate(wanted)]


def test_each_turn_is_told_once() -> None:
    assert kinds("ok", "stuck", "stuck", "ok", "ok") == [[], ["gpu.stuck"], [], ["gpu.answered"], []]
    assert kinds("ok", "lost", "lost", "ok") == [[], ["gpu.lost"], [], ["gpu.returned"]]
    assert kinds("asleep", "asleep", "ok") == [["gpu.asleep"], [], ["gpu.awake"]]


def test_one_that_is_refused_or_hangs_is_not_back() -> None:
    assert kinds("lost", "failed", "lost", "denied") == [["gpu.lost"], [], [], []]
    assert kinds("lost", "stuck", "ok")[1:] == [["gpu.stuck"], ["gpu.returned", "gpu.answered"]]


def test_one_that_vanished_in_its_sleep_never_woke() -> None:
    assert kinds("asleep", "lost", "ok") == [["gpu.asleep"], ["gpu.lost"], ["gpu.returned"]]


def test_an_end_says_how_long_it_was() -> None:
    life = Episodes()
    life.enter("stuck", 0)
    assert [turn.for_s for turn in life.enter("ok", 12_300_000_000)] == [12.3]


def test_what_hangs_again_and_again_is_told_once_a_minute() -> None:
    life = Episodes()
    told = []
    for second in range(0, 600, 8):
        told += life.enter("stuck", second * NS_PER_S)
        told += life.enter("ok", (second + 2) * NS_PER_S)
    assert [turn.kind for turn in told] == ["gpu.stuck", "gpu.answered"] * 10
    assert {turn.left_out for turn in told[2::2]} == {7}, "those between are counted"
    told = []
    for second in range(602, 700):
        told += life.enter("stuck", second * NS_PER_S)
    assert [turn.kind for turn in told] == ["gpu.stuck"], "one that lasts is told, when its minute is over"
    assert [turn.for_s for turn in life.enter("ok", 702 * NS_PER_S)] == [100.0]


@given(st.lists(st.sampled_from(gpus.STATES), max_size=40))
def test_no_end_without_its_beginning_and_none_twice(life: list[str]) -> None:
    pairs = {"gpu.lost": "gpu.returned", "gpu.stuck": "gpu.answered", "gpu.asleep": "gpu.awake"}
    told = [kind for turns in kinds(*life) for kind in turns]
    assert set(told) <= names.EVENT_TYPES.keys()
    for begins, ends in pairs.items():
        turns = [kind for kind in told if kind in (begins, ends)]
        if begins != "gpu.asleep":  # a sleep may end without a word
            assert turns == [begins, ends] * (len(turns) // 2) + [begins] * (len(turns) % 2)
        assert turns.count(ends) <= turns.count(begins)
