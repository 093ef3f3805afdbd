"""The health score: what takes points off, how many, and what is only named."""

import math
import struct
import time
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.alerts import health as h
from wftui.alerts.engine import SourceState
from wftui.alerts.health_facts import Reader, firing
from wftui.alerts.logic import Unbound
from wftui.alerts.rule import Query, Rule, Threshold
from wftui.alerts.signals import Signal
from wftui.alerts.states import Alert
from wftui.clock import NS_PER_S, Instant
from wftui.model import gpus, servers
from wftui.model.alerts import FIRING, OVER
from wftui.model.sample import Column, column
from wftui.model.score import EVIDENCE, POINTS, REASON, SCORE
from wftui.model.table import Row, TableSnapshot
from wftui.model.tick import Layout, Tick
from wftui.recorder.alerting.scoring import Scoring

GIB = 1024.0**3
CALM = h.Facts(
    pressures={("memory", "full"): 0.0, ("io", "full"): 0.1, ("cpu", "some"): 0.3},
    available=40 * GIB,
    limit=64 * GIB,
    room={("/", ""): 0.5, ("/", "inodes"): 0.1},
)


def parts(found: h.Score) -> dict[str, float | None]:
    return {item.key: item.points for item in found.deductions}


def test_a_calm_machine_lacks_nothing() -> None:
    assert h.score(CALM) == h.Score(100.0, ())


def test_what_is_not_known_is_named_and_takes_nothing_off() -> None:
    found = h.score(h.Facts())
    assert found.value == 100.0
    assert parts(found) == {"pressure": None, "memory": None, "disk": None}


@pytest.mark.parametrize(
    ("facts", "key", "points"),
    [
        (CALM._replace(pressures={("memory", "full"): 0.275}), "pressure:memory/full", 10.0),
        (CALM._replace(pressures={("memory", "full"): 0.9}), "pressure:memory/full", 20.0),
        (CALM._replace(pressures={("io", "full"): 0.5}), "pressure:io/full", 6.0),
        (CALM._replace(available=0.06 * 64 * GIB), "memory:available", 10.0),
        (CALM._replace(available=0.0), "memory:available", 20.0),
        (CALM._replace(room={("/", ""): 0.5, ("/data", ""): 0.945}), "disk:/data", 7.5),
        (CALM._replace(room={("/", ""): 0.5, ("/", "inodes"): 1.0}), "disk:/", 15.0),
        (CALM._replace(gpus=[h.Device("GPU-a", "GPU 0", "lost")]), "gpu:GPU-a", 30.0),
        (
            CALM._replace(gpus=[h.Device("GPU-a", "GPU 0", "ok", throttle="power_cap,hw_thermal")]),
            "gpu:GPU-a",
            8.0,
        ),
        (CALM._replace(sources=[h.Device("disk", "disk", "stuck")]), "sources:disk", 5.0),
        (CALM._replace(servers=[h.Device("127.0.0.1:8000", "vllm", "failed")]), "servers:127.0.0.1:8000", 15.0),
    ],
)
def test_each_part_takes_its_points(facts: h.Facts, key: str, points: float) -> None:
    found = h.score(facts)
    assert parts(found) == {key: pytest.approx(points)}
    assert found.value == pytest.approx(100.0 - points)
    assert found.deductions[0].evidence


def test_a_gpu_at_its_power_limit_or_idle_is_well() -> None:
    busy = h.Device("GPU-a", "GPU 0", "ok", throttle="power_cap")
    assert (
        h.score(CALM._replace(gpus=[busy, busy._replace(throttle="idle"), busy._replace(state="asleep")])).value
        == 100
    )


def alert(severity: str, name: str = "x", *metrics: str, **more: bool) -> h.Firing:
    return h.Firing(f"rule.{name}", name, severity, metrics, **more)


@pytest.mark.parametrize(("severity", "points"), [("critical", 30), ("error", 20), ("warning", 8), ("info", 1)])
def test_an_alert_that_somebody_looks_after_counts_half(severity: str, points: float) -> None:
    assert h.score(CALM._replace(alerts=[alert(severity)])).value == 100 - points
    assert h.score(CALM._replace(alerts=[alert(severity, attended=True)])).value == 100 - points / 2
    assert h.score(CALM._replace(alerts=[alert(severity, inhibited=True)])).value == 100


def test_an_alert_about_a_part_counts_once() -> None:
    full = CALM._replace(room={("/", ""): 1.0})
    warned = full._replace(alerts=[alert("warning", "disk", "system.filesystem.utilization")])
    assert h.score(full).value == 85
    assert h.score(warned).value == 85
    assert parts(h.score(warned)) == {"alert:rule.disk": 8.0, "disk:/": 7.0}
    other = full._replace(alerts=[alert("warning", "cpu", "system.cpu.utilization")])
    assert h.score(other).value == 77


def test_many_warnings_are_no_end_of_the_world() -> None:
    many = [alert("warning", f"r{number}") for number in range(40)]
    found = h.score(CALM._replace(alerts=many))
    assert found.value == pytest.approx(30)
    assert sum(item.points or 0 for item in found.deductions) == pytest.approx(70)


ratios = st.one_of(st.just(math.nan), st.floats(0, 1))


@given(
    st.lists(st.sampled_from(["critical", "error", "warning", "info"]), max_size=8),
    ratios, ratios, ratios,
    st.lists(st.sampled_from(["ok", "lost", "stuck", "asleep"]), max_size=4),
)  # fmt: skip
def test_the_score_is_what_its_deductions_leave(
    severities: list[str], stall: float, free: float, used: float, states: list[str]
) -> None:
    facts = h.Facts(
        [alert(severity, str(number)) for number, severity in enumerate(severities)],
        {("memory", "full"): stall},
        free * GIB,
        GIB,
        {("/", ""): used},
        [h.Device(str(number), "GPU", state) for number, state in enumerate(states)],
    )
    found = h.score(facts)
    lost = sum(item.points or 0.0 for item in found.deductions)
    assert 0 <= found.value <= 100
    assert found.value == pytest.approx(max(0.0, 100 - lost))
    assert len({item.key for item in found.deductions}) == len(found.deductions)
    worse = facts._replace(alerts=[*facts.alerts, alert("critical", "more")])
    assert h.score(worse).value <= found.value + 1e-9


# ---- off a tick

COLUMNS: tuple[Column, ...] = (
    column("pressure", "system.pressure.utilization", {"device": "memory", "mode": "full"}, call="x"),
    column("pressure", "system.pressure.utilization", {"device": "memory", "mode": "full"}, call="x", stat="max"),
    column("memory", "system.memory.available", call="x"),
    column("memory", "system.memory.limit", call="x"),
    column("disk", "system.filesystem.utilization", {"mount": "/"}, call="x"),
    column("disk", "system.filesystem.inodes.utilization", {"mount": "/"}, call="x"),
)
LAYOUT = Layout(7, COLUMNS)


def tick(*values: float) -> Tick:
    return Tick(1, 1_800_000_000, 5 * NS_PER_S, 1, 7, struct.pack(f"<{len(values)}d", *values))


def nothing(_: str) -> Mapping[str, Row]:
    return {}


def test_the_facts_are_those_of_the_tick_the_tables_and_the_sources() -> None:
    gpu = ["-"] * len(gpus.GPUS.columns)
    gpu[gpus.UUID], gpu[gpus.STATE], gpu[gpus.REASON], gpu[gpus.THROTTLED] = "GPU-a", "lost", "off the bus", ""
    server = ["-"] * len(servers.SERVERS.columns)
    server[servers.ENDPOINT], server[servers.KIND], server[servers.STATE] = "127.0.0.1:1", "vllm", "failed"
    tables: dict[str, dict[str, Row]] = {
        "gpus": {"GPU-a": (*gpu[: gpus.INDEX], 3, *gpu[gpus.INDEX + 1 :])},
        "servers": {"127.0.0.1:1": tuple(server)},
    }
    facts = Reader().second(
        tick(0.2, 0.9, 5.0, 10.0, 0.7, math.nan), LAYOUT, {"cpu": "ok", "disk": "late"}, tables.__getitem__, ()
    )
    assert facts.pressures == {("memory", "full"): 0.2}
    assert (facts.available, facts.limit) == (5.0, 10.0)
    assert facts.room["/", ""] == 0.7
    assert math.isnan(facts.room["/", "inodes"])
    assert [(item.name, item.state) for item in facts.gpus] == [("GPU 3", "lost")]
    assert [item.name for item in facts.sources] == ["disk"]
    assert [item.state for item in facts.servers] == ["failed"]


def test_one_second_of_pressure_is_smoothed_and_a_gap_is_no_calm() -> None:
    reader = Reader()

    def stall(value: float) -> Mapping[tuple[str, str], float]:
        return reader.second(tick(value, 0, 1, 1, 0, 0), LAYOUT, {}, nothing, ()).pressures

    stall(0.0)
    assert stall(1.0)["memory", "full"] == pytest.approx(1 / 30)
    held = [stall(1.0) for _ in range(90)][-1]
    assert held["memory", "full"] > 0.94
    assert stall(math.nan) == {}
    assert stall(0.5)["memory", "full"] == 0.5


def test_an_alert_counts_while_it_fires() -> None:
    item = Alert(Rule("rule.cpu", Threshold(Query("system.cpu.utilization"), ">", 0.9)), (), Unbound())
    item.state = OVER
    assert firing(item, silenced=False, inhibited=False) is None
    item.state = FIRING
    found = firing(item, silenced=True, inhibited=False)
    assert found is not None
    assert (found.key, found.attended) == ("rule.cpu", True)


class Looking(Unbound):
    """A judge that looks at one series."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._signal = Signal(column("alerts", name, call="x"))

    def signals(self) -> Iterable[Signal]:
        return [self._signal]


def test_an_alert_about_the_score_does_not_hold_it_down() -> None:
    for name, counts in (("wftop.health.score", False), ("system.cpu.utilization", True)):
        item = Alert(Rule("rule.x", Threshold(Query(name), "<", 50)), (), Looking(name))
        item.state = FIRING
        assert (firing(item, silenced=False, inhibited=False) is not None) is counts


class Told:
    def __init__(self) -> None:
        self.tables: list[TableSnapshot] = []

    def __call__(self, snapshot: TableSnapshot, _at: Instant, _source: str) -> None:
        self.tables.append(snapshot)


def at(second: int) -> Instant:
    return Instant(time_ns=second * NS_PER_S, boottime_ns=second * NS_PER_S)


def test_the_table_is_told_when_a_reason_comes_and_every_ten_seconds() -> None:
    told = Told()
    scoring = Scoring(nothing, told)
    full = tick(0.0, 0, 1, 10, 1.0, 0)
    calm = tick(0.0, 0, 9, 10, 0.1, 0)
    values = [scoring.second(calm, LAYOUT, {}, (), at(second)).value for second in range(1, 6)]
    assert values == [100.0] * 5
    assert len(told.tables) == 1
    sample = scoring.second(full, LAYOUT, {}, (), at(6))
    assert sample.column.series.text == "wftop.health.score"
    assert sample.value == 85
    assert len(told.tables) == 2
    row = told.tables[-1].rows["disk:/"]
    assert (row[REASON], row[POINTS], row[EVIDENCE]) == ("/ is nearly full", 15.0, "100 % of its room used")
    assert all(len(row) == len(SCORE.columns) for row in told.tables[-1].rows.values())
    for second in range(7, 17):
        scoring.second(full, LAYOUT, {}, (), at(second))
    assert len(told.tables) == 3


def test_a_second_costs_little() -> None:
    filler = tuple(column("cpu", "system.cpu.logical.utilization", {"cpu": str(n)}, call="x") for n in range(400))
    layout = Layout(8, (*COLUMNS, *filler))
    values = struct.pack(f"<{len(layout.columns)}d", *([0.3] * len(layout.columns)))
    scoring = Scoring(nothing, Told())
    alerts = [alert("warning", str(number), "system.cpu.utilization") for number in range(10)]
    sources: dict[str, SourceState] = {}
    best = math.inf
    for round_ in range(30):
        began = time.perf_counter()
        for second in range(20):
            found = Tick(1, 1, 1, 1, 8, values)
            scoring.second(found, layout, sources, alerts, at(100 + round_ * 20 + second))
        best = min(best, (time.perf_counter() - began) / 20)
    assert best < 0.0005, f"{best * 1e6:.0f} µs"
