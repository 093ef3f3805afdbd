"""What is usual, from what was recorded before the start."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from tests.recording import BYTES, CPU, START_S, Recording
from wftui.alerts.backfill import TRIES
from wftui.alerts.engine import Engine
from wftui.alerts.rule import Anomaly, Baseline, Condition, Query, Rule
from wftui.clock import NS_PER_S, Instant
from wftui.errors import StoreError
from wftui.model.sample import Column
from wftui.model.tick import Layout, Tick, pack
from wftui.recorder.alerting.backfill import Backfill
from wftui.store import answers, read
from wftui.windows.coarse import Usual
from wftui.wire import messages as m

HOURS = 3
COLUMNS = (CPU, BYTES)


def level(second: int) -> float:
    """A load that rises slowly, with a hole of an hour."""
    return math.nan if 3600 <= second < 7200 else second / 86_400


def rows(second: int) -> dict[Column, float]:
    return {CPU: level(second), BYTES: 1000.0 * second}


@contextmanager
def recorded(folder: Path) -> Iterator[read.Reader]:
    with Recording(folder) as item:
        item.many(COLUMNS, (tuple(rows(second).values()) for second in range(HOURS * 3600)), HOURS * 3600)
    with read.open_reader(folder) as reader:
        yield reader


class Machine:
    """An engine that begins where the recording ends, and a backfill that asks the recording."""

    def __init__(self, reader: read.Reader, *conditions: Condition) -> None:
        self.engine = Engine()
        self.second = HOURS * 3600
        self.clock = FakeClock((START_S + self.second) * NS_PER_S)
        rules = [Rule(f"rule.r{number}", item) for number, item in enumerate(conditions)]
        self.engine.use(rules, self.clock.now())
        self.questions: list[m.Range] = []
        self.error: Exception | None = None
        self.answers: list[m.Message] = []

        async def ask(question: m.Range) -> m.Message:
            self.questions.append(question)
            if self.error is not None:
                raise self.error
            return self.answers.pop(0) if self.answers else answers.answer_range(reader, question)

        self.backfill = Backfill(self.engine, self.clock.now, ask)
        self.tick()

    def tick(self) -> None:
        values = array("d", rows(self.second).values())
        at_ns = (100 + self.second) * NS_PER_S
        tick = Tick(self.second, START_S + self.second, at_ns, 1, 1, pack(values))
        self.engine.second(tick, Layout(1, COLUMNS), {}, Instant(tick.time_s * NS_PER_S, at_ns))
        self.second += 1

    def fill(self) -> int:
        return asyncio.run(self.backfill.fill())

    def usuals(self) -> dict[str, Usual]:
        return {
            signal.column.series.name: usual
            for signal in self.engine.signals()
            for usual in [*signal.usuals.values(), *(pair[0] for pair in signal.shares.values())]
        }


def baseline(name: str, over_s: int, per: str = "") -> Baseline:
    return Baseline(Query(name, per=per), ">", 50, over_s)


@pytest.mark.parametrize(("over_s", "step_s"), [(3600, 10), (2 * 3600, 300)])
def test_means_are_those_that_were_recorded(tmp_path: Path, over_s: int, step_s: int) -> None:
    with recorded(tmp_path / "data") as reader:
        machine = Machine(reader, baseline(CPU.series.name, over_s), baseline(BYTES.series.name, over_s))
        assert machine.fill() == 2
        assert machine.fill() == 0, "once"
    [question] = machine.questions
    assert question.selectors == sorted(item.series.text.replace("[", "[[]") for item in COLUMNS)
    found = machine.usuals()
    cpu, usual = found[CPU.series.name].values(), found[CPU.series.name]
    for place, value in enumerate(cpu):
        middle_s = (usual.newest - usual.steps + place) * step_s - usual.phase_s + step_s / 2 - START_S
        if min(abs(middle_s - 3600), abs(middle_s - 7200)) > step_s:
            assert (value != value) is (3600 < middle_s < 7200), middle_s
        if value == value:
            assert abs(value - middle_s / 86_400) <= step_s / 86_400
    rates = [value for value in found[BYTES.series.name].values() if value == value]
    assert len(rates) >= over_s // step_s - 1
    assert all(value == pytest.approx(1000, rel=0.01) for value in rates), "counters are rates"


def test_a_share_is_one_of_means(tmp_path: Path) -> None:
    with recorded(tmp_path / "data") as reader:
        machine = Machine(reader, baseline(CPU.series.name, 1800, per=BYTES.series.name))
        assert machine.fill() == 1
    usual = machine.usuals()[CPU.series.name]
    mean, _, known = usual.mean()
    assert known >= usual.steps - 1
    assert mean == pytest.approx((HOURS * 3600 - 900) / 86_400 / 1000, rel=0.02)


def test_a_rule_is_warm_after_it(tmp_path: Path) -> None:
    rule = Anomaly(Query(CPU.series.name), 3.0, over_s=3600)
    with recorded(tmp_path / "data") as reader:
        machine = Machine(reader, rule)
        [alert] = machine.engine.running["rule.r0"].alerts.values()
        assert alert.why.startswith("warming up, 0 of")
        assert machine.fill() == 1
        machine.tick()
    assert alert.why == ""


def test_what_cannot_be_asked_is_learnt_instead(tmp_path: Path) -> None:
    with recorded(tmp_path / "data") as reader:
        machine = Machine(reader, baseline(CPU.series.name, 3600))
        machine.error = StoreError("the disk is gone")
        machine.answers = [m.Error("deadline", "too long"), m.Error("deadline", "too long")]
        assert machine.fill() == 0
        machine.error = None
        assert machine.fill() == 0, "asked again later"
        assert machine.fill() == 1
        assert machine.fill() == 0, "not for ever"
    assert len(machine.questions) == TRIES
    assert machine.usuals()[CPU.series.name].known == 0


seconds = st.lists(st.one_of(st.floats(0, 1e6), st.just(math.nan)), min_size=0, max_size=120)


@given(seconds, seconds, st.integers(0, 9), st.integers(0, 6))
def test_filled_is_as_if_seen(before: list[float], since: list[float], phase_s: int, late: int) -> None:
    """The past put in later, also after steps were closed, gives what it gives put in as it came."""
    start_s = 1_000_000 - phase_s  # a step begins here
    whole, filled, past = (Usual(10, 6, phase_s) for _ in range(3))
    before = before[: len(before) // 10 * 10]
    for second, value in enumerate(before, start_s - len(before)):
        whole.put(second, value)
        past.put(second, value)
    past.put(start_s, math.nan)
    means = array("d", [*[math.nan] * late, *past.values()])[late:] if before else array("d")
    for second, value in enumerate([math.nan, *since], start_s):
        whole.put(second, value)
        filled.put(second, value)
    filled.fill(start_s, means)
    assert filled.newest == whole.newest
    assert list(map(repr, filled.values())) == list(map(repr, whole.values()))
    assert filled.mean()[2] == whole.mean()[2]
