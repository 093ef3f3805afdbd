"""Our joules beside what a scripted box really drew: a real worker, 1 Hz saw-teeth, all three ways of knowing."""

from __future__ import annotations

import subprocess
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.harness import ROOT, environment
from tests.nvml import box
from tests.nvml.box import Scene
from wftui.clock import Instant
from wftui.collectors.nvml import frames
from wftui.collectors.nvml.card import Card

SAW = "saw:50000:650000:1.03"
"""mW: from 50 to 650 W about once a second; in step with the readings the phase alone would decide on some %."""
STEPS = "square:100000:700000:1:0.3"
ENERGY = ("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetFieldValues.83")
SECONDS = 8.0


LATE_S = 0.3
"""Readings further apart are a gap, which the meter leaves out and the truth of the scene does not."""
TRIES = 3


def watch(library: Path, scene: Scene) -> list[frames.Frame]:
    """What a worker sends until it has read often for a while."""
    found: list[frames.Frame] = []
    often_since = 0.0
    deadline = time.monotonic() + 45
    with subprocess.Popen(
        box.UNBOUNDED,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(box.environment(library, scene.path)),
        cwd=ROOT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            frame = frames.DECODER.decode(line)
            found.append(frame)
            if isinstance(frame, frames.Status):
                often = frame.rate_hz >= 5
                often_since = (often_since or time.monotonic()) if often else 0.0
                if often_since and time.monotonic() - often_since > SECONDS:
                    break
            if time.monotonic() > deadline:
                process.kill()
                pytest.fail("the worker does not come to 5 readings a second")
        process.stdin.close()
        process.stdout.close()
        assert process.wait(10) == 0
    return found


def on_time(found: list[frames.Frame]) -> bool:
    """Whether no reading came so late that a meter by power knows nothing of the time before it."""
    times = [
        frame.boottime_ns
        for frame in found
        if isinstance(frame, frames.Values) and frame.cadence == "fast" and frame.interval_s <= 0.2
    ]
    return max(after - before for before, after in pairwise(times)) < LATE_S * 1e9


@pytest.mark.quiet
@pytest.mark.timeout(180)  # several tries where the machine is busy
def test_joules_beside_the_truth(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 3)
    scene.power(0, SAW).power(1, SAW).power(2, STEPS)
    for number in (1, 2):
        scene.unsupported(number, *ENERGY)
    scene.unsupported(2, "nvmlDeviceGetFieldValues.186").set(2, "nvmlDeviceGetArchitecture", 8)
    scene.set(2, "nvmlDeviceGetPowerUsage", "power_average")
    scene.save()
    cards = {box.uuid(number): Card(box.uuid(number)) for number in range(3)}
    first: dict[str, tuple[float, float]] = {}
    last: dict[str, tuple[float, float]] = {}
    often = False
    for _ in range(TRIES):
        found = watch(nvml, scene)
        if on_time(found):
            break
    else:
        pytest.skip(f"the machine is too busy: in {TRIES} tries readings came more than {LATE_S} s apart")
    for frame in found:
        if isinstance(frame, frames.Box):
            for facts in frame.gpus:
                cards[facts.uuid].described(facts)
        if not isinstance(frame, frames.Values) or frame.cadence != "fast":
            continue
        often = often or frame.interval_s <= 0.2
        for uuid, values in frame.gpus.items():
            card = cards[uuid]
            card.samples(values, Instant(frame.time_ns, frame.boottime_ns))
            if often and card.meter.source:
                at = frame.boottime_ns / 1e9 - scene.start, card.meter.joules
                first.setdefault(uuid, at)
                last[uuid] = at
    errors, sources = [], []
    for place, power in enumerate((SAW, SAW, STEPS)):
        uuid = box.uuid(place)
        (since, before), (until, after) = first[uuid], last[uuid]
        assert until - since > SECONDS * 0.7
        truth = box.integral(power, since, until) / 1000
        errors.append(abs(after - before - truth) / truth)
        sources.append((cards[uuid].meter.source, cards[uuid].meter.quality))
    assert sources == [("counter", "measured"), ("instant", "estimated"), ("average", "estimated")]
    assert errors[0] < 0.01
    # 5 % at 5 Hz where readings come on time; a busy machine takes some of them late.
    assert errors[1] < 0.08
    # A second's average lags by half a second: over eight seconds the ends differ by that much at most.
    assert errors[2] < 0.10
