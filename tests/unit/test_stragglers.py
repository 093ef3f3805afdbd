"""The straggler lens: one GPU against its siblings."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.model import gpus as cells
from wftui.model.table import Cell, Row
from wftui.windows.stragglers import (
    CLOCK,
    POWER,
    TEMPERATURE,
    THROTTLED,
    UTILIZATION,
    Member,
    members,
    stragglers,
)

NAN = math.nan


def rank(number: int, **changes: object) -> Member:
    fair = Member(
        f"GPU-{number}", "H200", "torchrun:812", number, "", 1.98e9, 0.97, 600.0 + number, 60.0 + number % 3
    )
    return fair._replace(**changes)  # type: ignore[arg-type]  # fields by name


def eight(**changes: object) -> list[Member]:
    return [*(rank(number) for number in range(7)), rank(7, **changes)]


def test_equal_siblings_have_none() -> None:
    assert stragglers(eight()) == []


@pytest.mark.parametrize(
    ("changes", "metric", "words"),
    [
        ({"clock": 1.2e9}, CLOCK, "clock 39 % lower"),
        ({"utilization": 0.47}, UTILIZATION, "utilisation 50 points lower"),
        ({"power": 301.5}, POWER, "power 50 % lower"),
        ({"temperature": 81.0}, TEMPERATURE, "20 °C hotter"),
        ({"throttle": ("idle", "hw_thermal")}, THROTTLED, "throttled: hot: hardware lowers clocks"),
    ],
)
def test_each_measure(changes: dict[str, object], metric: str, words: str) -> None:
    (found,) = stragglers(eight(**changes))
    assert (found.uuid, found.job, found.rank, len(found.siblings)) == ("GPU-7", "torchrun:812", 7, 7)
    (evidence,) = found.evidence
    assert (evidence.metric, evidence.words) == (metric, words)


def test_evidence_comes_with_both_numbers_the_weightiest_first() -> None:
    (found,) = stragglers(eight(clock=0.99e9, temperature=72.0, throttle=("sw_thermal",)))
    assert [item.metric for item in found.evidence] == [THROTTLED, CLOCK, TEMPERATURE]
    assert found.evidence[1][1:3] == (0.99e9, 1.98e9)
    assert found.evidence[2][1:3] == (72.0, 61.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"clock": 2.5e9, "power": 700.0, "temperature": 30.0, "utilization": 1.0},  # better in all
        {"clock": 1.9e9, "power": 560.0, "temperature": 66.0, "utilization": 0.9},  # within the thresholds
        {"throttle": ("idle", "app_clocks", "display")},
        {"clock": NAN, "power": NAN, "temperature": NAN, "utilization": NAN},
    ],
)
def test_what_is_no_straggler(changes: dict[str, object]) -> None:
    assert stragglers(eight(**changes)) == []


def test_what_holds_all_back_singles_nobody_out() -> None:
    assert stragglers([rank(number, throttle=("power_cap",)) for number in range(8)]) == []


def test_a_wide_spread_among_the_others_is_no_evidence() -> None:
    uneven = [rank(number, power=power) for number, power in enumerate((300, 420, 500, 610, 700))]
    assert stragglers(uneven) == []


def test_two_siblings_need_a_throttle_reason() -> None:
    assert stragglers([rank(0), rank(1, clock=1e9)]) == []
    (found,) = stragglers([rank(0), rank(1, clock=1e9, throttle=("hw_power_brake",))])
    assert [item.metric for item in found.evidence] == [THROTTLED, CLOCK]
    assert stragglers([rank(0, clock=1e9, throttle=("hw_thermal",))]) == []


def test_other_models_and_jobs_are_no_siblings() -> None:
    slow = rank(7, clock=1e9, job="slurm:5")
    assert stragglers([*(rank(number) for number in range(7)), slow]) == []
    assert (
        stragglers([*(rank(number) for number in range(7)), slow._replace(job="torchrun:812", model="A100")]) == []
    )


def test_without_a_job_only_the_card_is_compared() -> None:
    work = {"job": "", "rank": None, "work": "alice: python"}
    group = [rank(number, **work) for number in range(3)]
    assert stragglers([*group, rank(7, **work, utilization=0.2, power=100.0)]) == []
    (found,) = stragglers([*group, rank(7, **work, clock=1e9)])
    assert (found.job, found.rank) == ("", None)
    assert stragglers([*group, rank(7, job="", work="", clock=1e9)]) == []


def test_it_stays_until_it_is_well_within() -> None:
    near = eight(clock=1.98e9 * 0.945)
    assert stragglers(near) == []
    assert [item.uuid for item in stragglers(near, {"GPU-7"})] == ["GPU-7"]
    assert stragglers(eight(clock=1.98e9 * 0.97), {"GPU-7"}) == []


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 2e9)
any_member = st.builds(
    Member,
    st.sampled_from([f"GPU-{number}" for number in range(6)]),
    st.sampled_from(["A", "B"]),
    st.sampled_from(["", "slurm:1"]),
    st.none() | st.integers(0, 7),
    st.sampled_from(["", "alice: python"]),
    numbers,
    numbers,
    numbers,
    numbers,
    st.lists(st.sampled_from([*cells.REASONS, "of a later driver"]), max_size=3).map(tuple),
)


@given(st.lists(any_member, max_size=10), st.sets(st.sampled_from([f"GPU-{number}" for number in range(6)])))
def test_any_numbers(group: list[Member], before: set[str]) -> None:
    for found in stragglers(group, before):
        assert found.evidence
        assert found.siblings
        assert found.uuid not in found.siblings
        assert len(found.siblings) > 1 or found.evidence[0].metric == THROTTLED
        for item in found.evidence:
            assert math.isfinite(item.value)
            assert math.isfinite(item.others)
            assert "nan" not in item.words
            assert "inf" not in item.words


@given(st.lists(any_member, max_size=10))
def test_who_was_one_finds_no_fewer_and_the_order_does_not_matter(group: list[Member]) -> None:
    once = {member.uuid: member for member in group}
    found = stragglers(once.values())
    assert found == stragglers(reversed(once.values()))
    assert {item.uuid for item in found} <= {item.uuid for item in stragglers(once.values(), set(once))}


def gpu(uuid: str, state: str = "ok", throttle: str = "") -> Row:
    row: list[Cell] = [None] * len(cells.GPUS.columns)
    row[cells.UUID], row[cells.NAME], row[cells.STATE], row[cells.THROTTLED] = uuid, "H200", state, throttle
    return tuple(row)


def process(uuid: str, pid: int, **changes: Cell) -> Row:
    row: list[Cell] = [None] * len(cells.GPU_PROCESSES.columns)
    row[cells.P_UUID], row[cells.P_PID], row[cells.P_USER], row[cells.P_NAME] = uuid, pid, "alice", "python"
    for name, value in changes.items():
        row[getattr(cells, f"P_{name.upper()}")] = value
    return tuple(row)


def lookup(known: dict[str, float]) -> Callable[[str], float | None]:
    return known.get


def test_members_from_the_tables() -> None:
    rows = {"A": gpu("A", throttle="idle,sw_thermal"), "B": gpu("B"), "C": gpu("C", "stuck"), "D": gpu("D")}
    listed = {
        "1": process("A", 1, memory=9e9),
        "2": process("A", 2, job="slurm:5", rank=3, memory=1e9),
        "3": process("B", 3, utilization=0.5),
        "4": process("C", 4),
    }
    known = {
        'hw.gpu.clock.frequency{gpu="A",mode="sm"}': 1.9e9,
        'hw.gpu.temperature{gpu="A",sensor="gpu"}': 55.0,
        'hw.gpu.utilization{gpu="B"}': 0.5,
        'hw.gpu.power{gpu="B"}': 300.0,
    }
    one, two = members(rows, listed, lookup(known))
    assert (one.uuid, one.model, one.job, one.rank, one.work) == ("A", "H200", "slurm:5", 3, "")
    assert (one.clock, one.temperature, one.throttle) == (1.9e9, 55.0, ("idle", "sw_thermal"))
    assert math.isnan(one.utilization)
    assert (two.uuid, two.job, two.work, two.power) == ("B", "", "alice: python", 300.0)
