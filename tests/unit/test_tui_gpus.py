"""The view's model of the GPUs: order, trouble, who holds them, which are ours."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fake import GIB, NOW_S
from tests.tui.fake_gpus import (
    Card,
    GpuFed,
    asleep,
    box,
    capped,
    holder,
    idle,
    lost,
    overheated,
    partitioned,
    stuck,
    trouble,
    unified,
    with_gpus,
)
from wftui.model import gpus as cells
from wftui.tui.gpu_ours import mine
from wftui.tui.gpu_trouble import findings
from wftui.tui.gpus import BAD, GOOD, QUIET, WARN, boxes, held_by, holders, short_name, summed_power
from wftui.tui.state import State


def short(*given_cards: Card) -> State:
    """A state of a few seconds."""
    return GpuFed(list(given_cards)).run(595, 600).furnish().state


def test_without_gpus_there_are_none() -> None:
    assert boxes(State()) == ()


def test_they_are_in_the_order_of_their_numbers_and_a_lost_one_keeps_its_place() -> None:
    state = short(Card(10), lost(3), Card(2), Card(0), Card(4), Card(1))
    assert [gpu.title for gpu in boxes(state)] == ["0", "1", "2", "-", "4", "10"]
    gone = boxes(state)[3]
    assert gone.label == "at 13:00.0"
    assert gone.short == "H200"
    assert gone.number is None


def test_instances_stand_after_their_card() -> None:
    gpus = boxes(short(*reversed(partitioned()), Card(1)))
    assert [gpu.title for gpu in gpus] == ["0", "0.0", "0.1", "0.2", "1"]
    assert [gpu.short for gpu in gpus][1:4] == ["3g.40gb", "2g.20gb", "1g.10gb"]
    assert gpus[1].memory_used == pytest.approx(0.71 * 39.5 * GIB)
    assert math.isnan(gpus[1].utilization)
    assert "util" in gpus[1].unavailable


def test_an_instance_whose_card_is_gone_is_still_there() -> None:
    _, part, *_ = partitioned()
    assert [gpu.short for gpu in boxes(short(part))] == ["3g.40gb"]


def test_unknown_is_nan_and_the_same_when_nothing_changed() -> None:
    state = short(stuck(0))
    (gpu,) = boxes(state)
    assert math.isnan(gpu.utilization)
    assert math.isnan(gpu.power)
    state.version += 1
    assert boxes(state) == (gpu,)


def test_average_power_stands_in_for_the_present_one() -> None:
    (gpu,) = boxes(short(Card(0, without=("gpu.power",))))
    assert gpu.power == pytest.approx(0.98 * 690)
    (silent,) = boxes(short(Card(0, without=("gpu.power", "power.average"))))
    assert math.isnan(silent.power)
    assert summed_power((gpu, silent))[1:] == (1, 2)


@pytest.mark.parametrize(
    ("card", "level", "word", "age_s"),
    [
        (Card(0), GOOD, "", None),
        (idle(0), GOOD, "", None),
        (lost(0), BAD, "lost", 252),
        (stuck(0), BAD, "no answer", 12),
        (Card(0, state="failed", since_s=5), BAD, "failed", 5),
        (Card(0, state="denied", since_s=5, silent=True), WARN, "no permission", 5),
        (Card(0, state="unsupported", since_s=5, silent=True), QUIET, "not supported", 5),
        (asleep(0), QUIET, "asleep", 8000),
        (capped(0), WARN, "power-capped", 12),
        (overheated(0), WARN, "overheated", 75),
        (Card(0, throttle="app_clocks,display", throttled_s=9), GOOD, "", None),
        (Card(0, throttle="power_cap,hw_power_brake", throttled_s=9), WARN, "power brake", 9),
        (Card(0, heat=90.0), WARN, "hot", None),
        (Card(0, heat=92.0), BAD, "too hot", None),
        (Card(0, xid=79, xid_s=240), BAD, "Xid 79", 240),
        (Card(0, xid=79, xid_s=601), GOOD, "", None),
        (Card(0, xid=31, xid_s=30), WARN, "Xid 31", 30),
        (Card(0, xid=31, xid_s=30, throttle="power_cap", throttled_s=3), WARN, "Xid 31", 30),
        (Card(0, used=0.985), WARN, "memory full", None),
        (unified()[0]._replace(used=0.99), GOOD, "", None),
    ],
)  # fmt: skip
def test_trouble_is_the_worst_that_is_true(card: Card, level: str, word: str, age_s: float | None) -> None:
    (gpu,) = boxes(short(card))
    assert (gpu.level, gpu.trouble) == (level, word)
    assert gpu.trouble_ns == (None if age_s is None else (NOW_S - age_s) * 10**9)


def test_findings_say_each_trouble_once_the_worst_first() -> None:
    found = findings(boxes(short(capped(0), capped(1)._replace(throttled_s=99), overheated(2), lost(3), idle(4))))
    assert [(item.level, item.word, item.labels) for item in found] == [
        (BAD, "lost", ("at 13:00.0",)),
        (WARN, "power-capped", ("0", "1")),
        (WARN, "overheated", ("2",)),
    ]
    assert found[1].since_ns == (NOW_S - 99) * 10**9


def test_power_is_summed_over_cards_and_says_of_how_many() -> None:
    power, told, count = summed_power(boxes(short(*trouble())))
    assert (told, count) == (5, 8)
    assert power == pytest.approx(690 * 3 + 700 + 71)
    assert summed_power(boxes(short(*partitioned())))[1:] == (1, 1)
    assert math.isnan(summed_power(boxes(short(stuck(0))))[0])


def test_a_process_is_what_it_has_of_all_gpus_together() -> None:
    state = with_gpus(box(4))
    held = holders(state)
    assert held["812:1000"].utilization == pytest.approx(0.99 + 0.96 + 0.90)
    assert len(held["812:1000"].rows) == 3
    assert held["909:1001"].utilization is None
    assert held["909:1001"].memory == pytest.approx(0.4 * GIB)
    assert [row[cells.P_PID] for row in held_by(state, Card(0).uuid)] == [812, 909]


def test_a_process_that_cannot_be_seen_is_nobody_in_the_process_table() -> None:
    fed = GpuFed([Card(0)]).run(599, 600).furnish()
    fed.table(cells.GPU_PROCESSES, dict([holder(Card(0), 812, None, 1.0 * GIB, 0.5)]))
    assert holders(fed.state) == {}
    assert len(held_by(fed.state, Card(0).uuid)) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("NVIDIA H200", "H200"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("Tesla V100-SXM2-32GB", "V100-SXM2-32GB"),
        ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", "3g.40gb"),
        ("AMD Instinct MI300X", "MI300X"),
        ("AMD Radeon RX 7900 XTX", "RX 7900 XTX"),
        ("Intel Arc A770 Graphics", "Arc A770"),
        ("NVIDIA ", "NVIDIA"),
        ("", ""),
    ],
)
def test_short_names(name: str, shown: str) -> None:
    assert short_name(name) == shown


EIGHT = boxes(short(*box(8)))
DIVIDED = boxes(short(*partitioned(), Card(1)))


@pytest.mark.parametrize(
    ("environment", "ours"),
    [
        ({}, None),
        ({"CUDA_VISIBLE_DEVICES": "1,3"}, {1, 3}),
        ({"CUDA_VISIBLE_DEVICES": " 1 , 3 "}, {1, 3}),
        ({"CUDA_VISIBLE_DEVICES": ""}, set()),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, set()),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,2"}, {1}),
        ({"CUDA_VISIBLE_DEVICES": "2,99,1"}, {2}),
        ({"CUDA_VISIBLE_DEVICES": "GPU-00000004"}, {4}),
        ({"CUDA_VISIBLE_DEVICES": "gpu-00000004-4d3a,GPU-00000005"}, {4, 5}),
        ({"CUDA_VISIBLE_DEVICES": "GPU-0000000"}, None),
        ({"CUDA_VISIBLE_DEVICES": "nonsense"}, None),
        ({"SLURM_JOB_GPUS": "0,2-4"}, {0, 2, 3, 4}),
        ({"SLURM_JOB_GPUS": "0-3", "SLURM_STEP_GPUS": "2"}, {2}),
        ({"SLURM_JOB_GPUS": "4,5", "CUDA_VISIBLE_DEVICES": "0,1"}, {4, 5}),
        ({"SLURM_JOB_GPUS": "4,5", "CUDA_VISIBLE_DEVICES": "1"}, {5}),
        ({"SLURM_JOB_GPUS": "4,5", "CUDA_VISIBLE_DEVICES": "4"}, {4}),
        ({"SLURM_JOB_GPUS": "40,50", "CUDA_VISIBLE_DEVICES": "0,1"}, {0, 1}),
        ({"SLURM_JOB_GPUS": "4", "CUDA_VISIBLE_DEVICES": "no"}, {4}),
        ({"SLURM_JOB_GPUS": "tesla:2"}, None),
        ({"SLURM_JOB_GPUS": "0-999999999"}, None),
    ],
)
def test_the_gpus_of_a_job(environment: dict[str, str], ours: set[int] | None) -> None:
    found = mine(EIGHT, environment)
    if ours is None:
        assert found is None
    else:
        assert found is not None
        assert {gpu.number for gpu in EIGHT if gpu.uuid in found.uuids} == ours
        assert found.said_by.split("=")[0] in environment


def test_the_instance_of_a_job() -> None:
    uuid = DIVIDED[2].uuid
    found = mine(DIVIDED, {"CUDA_VISIBLE_DEVICES": uuid})
    assert found is not None
    assert found.uuids == {uuid}
    old = mine(DIVIDED, {"CUDA_VISIBLE_DEVICES": f"MIG-{DIVIDED[0].uuid}/3/0"})
    assert old is not None
    assert old.uuids == {DIVIDED[0].uuid}


@given(st.dictionaries(st.sampled_from(["CUDA_VISIBLE_DEVICES", "SLURM_JOB_GPUS", "SLURM_STEP_GPUS"]), st.text()))
def test_any_environment_is_answered(environment: dict[str, str]) -> None:
    found = mine(EIGHT, environment)
    assert found is None or found.uuids <= {gpu.uuid for gpu in EIGHT}
