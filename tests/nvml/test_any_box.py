"""Any box, however it lies, fails, hangs and changes: the worker lives, and no nonsense gets in."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.harness import ROOT, environment
from tests.nvml import box, samples
from tests.nvml.box import ALL, Scene
from wftui import names
from wftui.clock import Instant
from wftui.collectors.gpu_owners import Owners
from wftui.collectors.nvml import frames
from wftui.collectors.nvml.card import Card
from wftui.collectors.nvml.fields import FIELDS
from wftui.collectors.nvml.owners import ProcessRows
from wftui.model import gpus as cells
from wftui.model.sample import Sample

BOUNDS = {
    field.metric: (
        min(f.low * f.scale for f in FIELDS.values() if f.metric == field.metric),
        max(f.high * f.scale for f in FIELDS.values() if f.metric == field.metric),
    )
    for field in FIELDS.values()
}


@contextmanager
def worker(library: Path, scene: Scene) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "wftui.collectors.nvml.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(box.environment(library, scene.path)),
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def sane(sample: Sample) -> bool:
    """Whether a value is in the bounds of its metric."""
    name = sample.column.series.name
    if not math.isfinite(sample.value) or name not in names.METRICS:
        return False
    low, high = BOUNDS.get(name, (0.0, math.inf))
    return low <= sample.value <= high


class Reading:
    """The recorder's side, as far as numbers go."""

    def __init__(self) -> None:
        self.cards: dict[str, Card] = {}
        self.rows = ProcessRows(Owners(wait=True))
        self.kept = 0
        self.statuses = 0

    def take(self, line: bytes) -> None:
        frame = frames.DECODER.decode(line)
        match frame:
            case frames.Box():
                for facts in frame.gpus:
                    self.cards.setdefault(facts.uuid, Card(facts.uuid)).described(facts)
            case frames.Values():
                for uuid, values in frame.gpus.items():
                    got = self.cards[uuid].samples(values, Instant(frame.time_ns, frame.boottime_ns))
                    assert [item for item in got if not sane(item)] == []
                    self.kept += len(got)
            case frames.Processes():
                for row in self.rows.take(frame).values():
                    for place in (cells.P_UTILIZATION, cells.P_MEMORY_IO):
                        share = row[place]
                        assert share is None or (isinstance(share, int | float) and 0 <= share <= 1)
                    memory = row[cells.P_MEMORY]
                    assert memory is None or (isinstance(memory, int) and 0 <= memory <= 2**50)
            case frames.Status():
                self.statuses += 1


def changed(path: Path, seed: int) -> Scene:
    """A box of garbage in which calls also hang, cards go and come, and the driver is loaded anew."""
    draw = Random(seed)  # noqa: S311  a test's dice
    scene = samples.garbage(path, seed, 4)
    for _ in range(draw.randrange(3)):
        call = draw.choice(["nvmlDeviceGetUtilizationRates", "nvmlDeviceGetFanSpeed_v2", "nvmlDeviceGetName"])
        scene.set(draw.randrange(1, 4), call, hang=draw.choice([0.05, 0.2, 0.4]))
    if draw.random() < 0.3:
        scene.set(draw.randrange(1, 4), ALL, code=draw.choice([15, 4, 999, 3, 6]))
    draw.shuffle(scene.cards)
    scene.cards = scene.cards[: draw.randrange(1, 5)]
    if draw.random() < 0.2:
        scene.boot = seed
    return scene


@pytest.mark.parametrize("seeds", [12, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_no_box_is_too_strange(nvml: Path, tmp_path: Path, seeds: int) -> None:
    scene = samples.box(tmp_path / "scene", 4)
    scene.save()
    reading = Reading()
    with worker(nvml, scene) as process:
        assert process.stdout is not None
        for seed in range(seeds):
            changed(tmp_path / "scene", seed).save()
            until, told = time.monotonic() + 1.2, reading.statuses
            while time.monotonic() < until or reading.statuses == told:
                reading.take(process.stdout.readline())
                assert time.monotonic() < until + 20, f"no word for 20 s, seed {seed}"
            assert process.poll() is None, seed
        # And when all is well again, all is read again.
        samples.box(tmp_path / "scene", 4).save()
        wanted, well = {box.uuid(card) for card in range(4)}, time.monotonic() + 40
        while True:
            line = process.stdout.readline()
            reading.take(line)
            frame = frames.DECODER.decode(line)
            if isinstance(frame, frames.Values) and frame.cadence == "fast":
                whole = {
                    uuid for uuid, values in frame.gpus.items() if {"util", "mem_used", "power"} <= set(values)
                }
                if whole >= wanted:
                    break
            assert time.monotonic() < well, "not all cards came back"
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
    assert reading.kept > 100
