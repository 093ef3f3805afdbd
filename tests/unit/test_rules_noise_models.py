"""Built-in rules of GPUs and model servers: quiet under hard work and where a person acts, loud on faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.unit.alerts.builtin import Watched, fired
from wftui.alerts.signals import Labels
from wftui.model import health
from wftui.model.gpus import LOST

MINUTE, HOUR = 60, 3600
GPUS = "abcdefgh"


# ---- GPUs


def training(seconds: int, **changed: float) -> dict[str, str]:
    """Eight GPUs that train at full load; ``changed``: series of the first, ``name__mode``, that differ."""
    values = {
        "hw.gpu.utilization": 1.0,
        "hw.gpu.memory.utilization": 0.9985,
        'hw.gpu.temperature{sensor="gpu"}': 78,
        'hw.gpu.temperature{sensor="memory"}': 90,
        'hw.gpu.temperature.limit{mode="slowdown"}': 87,
        'hw.gpu.temperature.limit{mode="memory"}': 95,
        'hw.gpu.pcie.width{mode="current"}': 16,
        'hw.gpu.pcie.width{mode="maximum"}': 16,
        'hw.gpu.throttled{mode="power_cap"}': 0.99,
        'hw.gpu.throttled{mode="sw_thermal"}': 0.0,
        'hw.gpu.throttled{mode="hw_thermal"}': 0.0,
        'hw.gpu.throttled{mode="hw_slowdown"}': 0.0,
        'hw.gpu.throttled{mode="hw_power_brake"}': 0.0,
    }
    found = {}
    for name, value in values.items():
        for gpu in GPUS:
            metric, _, label = name.partition("{")
            labels = f'{{gpu="{gpu}",{label}' if label else f'{{gpu="{gpu}"}}'
            short = metric.removeprefix("hw.gpu.").replace(".", "_") + (
                "__" + label.split('"')[1] if label else ""
            )
            now = changed.get(short, value) if gpu == "a" else value
            found[metric + labels] = f"{now}x{seconds}"
    counters = {"pcie.replays": 0.02, 'ecc.errors{mode="uncorrected"}': 0.0}
    for name, rate in counters.items():
        for gpu in GPUS:
            metric, _, label = name.partition("{")
            labels = f'{{gpu="{gpu}",{label}' if label else f'{{gpu="{gpu}"}}'
            found[f"hw.gpu.{metric}{labels}"] = f"0+{rate}x{seconds}"
    return found


def test_eight_gpus_that_train_at_their_power_limit() -> None:
    """Their memory is full of what the allocator keeps: that is told, and nobody is called for it."""
    told = fired("gpu-*", training(45 * MINUTE))
    assert told == {f'gpu-memory-full{{gpu="{gpu}"}}' for gpu in GPUS}
    assert fired("gpu-*", training(45 * MINUTE, memory_utilization=0.99)) == {
        f'gpu-memory-full{{gpu="{gpu}"}}' for gpu in GPUS[1:]
    }


@pytest.mark.parametrize(
    ("changed", "value", "rule"),
    [
        ("throttled__sw_thermal", 0.9, "gpu-throttled-hot"),
        ("throttled__hw_power_brake", 0.9, "gpu-power-brake"),
        ("throttled__hw_slowdown", 0.9, "gpu-slowed"),
        ("temperature__gpu", 86, "gpu-hot"),
        ("temperature__memory", 94, "gpu-memory-hot"),
        ("pcie_width__current", 8, "gpu-pcie-narrow"),
    ],
)
def test_one_of_eight_gpus_has_a_fault(changed: str, value: float, rule: str) -> None:
    found = fired("gpu-*", training(30 * MINUTE, **{changed: value, "memory_utilization": 0.9}))
    assert {key for key in found if not key.startswith("gpu-memory-full")} == {f'{rule}{{gpu="a"}}'}


@pytest.mark.parametrize(
    "state", ["busy", "idle", health.ASLEEP, health.DENIED, health.UNSUPPORTED, health.ABSENT]
)
def test_a_gpu_that_sleeps_or_may_not_be_asked_is_not_gone(state: str) -> None:
    """The second GPU of a laptop sleeps most of the time."""
    assert fired("gpu-lost gpu-stuck", {"system.cpu.utilization": "0.1x300"}, texts=says("gpu", state)) == set()


@pytest.mark.parametrize(("state", "rule"), [(LOST, "gpu-lost"), (health.STUCK, "gpu-stuck")])
def test_a_gpu_that_is_gone(state: str, rule: str) -> None:
    found = fired("gpu-lost gpu-stuck", {"system.cpu.utilization": "0.1x300"}, texts=says("gpu", state))
    assert found == {f'{rule}{{gpu="a"}}'}


# ---- model servers


def says(what: str, state: str | Callable[[], str | None]) -> Callable[[str], Iterable[tuple[Labels, str]]]:
    """Texts: the state of one thing; None: it is not there."""

    def texts(name: str) -> Iterable[tuple[Labels, str]]:
        now = state() if callable(state) else state
        return [(((what, "a"),), now)] if name == f"{what}.state" and now is not None else []

    return texts


def server(states: list[tuple[str | None, int]], restarts: list[float | None] | None = None) -> set[str]:
    """What fires while a server goes through states for so many seconds each; None: it is not there."""
    now: list[str | None] = [states[0][0]]
    series = {"system.cpu.utilization": 0.1, 'inference.server.restarts{server="a"}': 0.0}
    machine = Watched("server-down server-restarts", series, texts=says("server", lambda: now[0]))
    seconds = 0
    for state, count in states:
        now[0] = state
        for _ in range(count):
            counted = restarts[min(seconds, len(restarts) - 1)] if restarts is not None else 0.0
            machine.step({**series, 'inference.server.restarts{server="a"}': counted})
            seconds += 1
    return machine.fired


@pytest.mark.parametrize(
    "states",
    [
        pytest.param([(health.OK, 60), (None, 600)], id="it is stopped"),
        pytest.param([(health.OK, 60), (health.FAILED, 25), (None, 600)], id="it takes its time to end"),
        pytest.param(
            [(health.OK, 60), (health.FAILED, 20), (None, 5), ("loading", 600), (health.OK, 60)], id="deployed"
        ),
        pytest.param([(health.OK, 60), (health.ASLEEP, 3600), (health.OK, 60)], id="it sleeps"),
        pytest.param([(health.DENIED, 600)], id="it wants a key"),
    ],
)
def test_a_server_that_is_stopped_on_purpose_is_not_down(states: list[tuple[str | None, int]]) -> None:
    assert server(states) == set()


@pytest.mark.parametrize("state", [health.FAILED, health.STUCK])
def test_a_server_that_does_not_answer(state: str) -> None:
    assert server([(health.OK, 60), (state, 60)]) == {'server-down{server="a"}'}


def test_options_that_are_tried_are_no_crash_loop() -> None:
    tried: list[float | None] = [float(second // 470) for second in range(HOUR)]
    assert server([(health.OK, HOUR)], tried) == set()
    crashed: list[float | None] = [float(second // 200) for second in range(HOUR)]
    assert server([(health.OK, HOUR)], crashed) == {'server-restarts{server="a"}'}


def requests(seconds: int, *, utilization: tuple[float, ...], model: str = "") -> dict[str, str]:
    """Requests that run all the time, beside GPUs."""
    labels = f'mode="running",model="{model}",server="a"' if model else 'mode="running",server="a"'
    return {
        f"inference.requests{{{labels}}}": f"2x{seconds}",
        'inference.server.memory{mode="vram",server="a"}': f"8e9x{seconds}",
    } | {
        f'hw.gpu.utilization{{gpu="{gpu}"}}': f"{use}x{seconds}"
        for gpu, use in zip(GPUS, utilization, strict=False)
    }


@pytest.mark.parametrize("model", ["", "m"])
def test_a_second_gpu_that_idles_beside_the_one_that_works(model: str) -> None:
    assert fired("gpu-idle-requests", requests(15 * MINUTE, utilization=(0.9, 0.0), model=model)) == set()
    (found,) = fired("gpu-idle-requests", requests(15 * MINUTE, utilization=(0.01, 0.0), model=model))
    assert 'server="a"' in found


def running(seconds: int, prompt: float, generation: float) -> dict[str, str]:
    return {
        'inference.requests{mode="running",server="a"}': f"1x{seconds}",
        'inference.tokens.rate{mode="prompt",server="a"}': f"{prompt}x{seconds}",
        'inference.tokens.rate{mode="generation",server="a"}': f"{generation}x{seconds}",
    }


def test_a_long_prompt_is_no_stall() -> None:
    assert fired("server-stalled", running(HOUR, prompt=12, generation=0)) == set()
    assert fired("server-stalled", running(HOUR, prompt=0, generation=1.5)) == set()
    assert fired("server-stalled", running(HOUR, prompt=0, generation=0)) == {'server-stalled{server="a"}'}


@pytest.mark.parametrize(("each", "told"), [(2, False), (20, True)])
def test_a_prefix_cache_by_a_few_requests_at_night(each: float, told: bool) -> None:
    """A day of hits, then two hours without; ``each``: requests in a minute."""
    day = 24 * 60
    series = {
        'inference.prefix_cache.hit_ratio{server="a"}': "",
        'inference.request.count{mode="finished",server="a"}': "",
    }
    hits, ended = series
    machine = Watched("prefix-cache-*", series)
    # A minute of each is enough for the mean of a day: the others are told as they were read back.
    for second in range(day * 60):
        machine.read_back({hits: 0.7, ended: 2.0 * second})
    before = 2.0 * day * 60
    for second in range(HOUR):
        machine.step({hits: 0.05, ended: before + each / 60 * second})
    assert bool(machine.fired) is told


def test_requests_that_a_client_gives_up_are_no_failures() -> None:
    ended = 'inference.request.count{mode="finished",server="a"}'
    failed = 'inference.request.count{mode="failed",server="a"}'
    gone = 'inference.request.count{mode="aborted",server="a"}'
    aborts = {ended: f"0+1x{HOUR}", failed: f"0x{HOUR}", gone: f"0+1x{HOUR}"}
    assert fired("requests-failing", aborts) == set()
    few = {ended: f"0+2x{HOUR}", failed: f"0+0.005x{HOUR}"}
    assert fired("requests-failing", few) == set()
    many = {ended: f"0+1x{HOUR}", failed: f"0+0.2x{HOUR}"}
    assert fired("requests-failing", many) == {'requests-failing{server="a"}'}
