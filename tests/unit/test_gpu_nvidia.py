"""The collector of NVIDIA GPUs, fed with the worker's frames: what becomes samples, states and events."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

import pytest

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.gpu_nvidia import NvidiaGpus
from wftui.collectors.gpu_owners import Owners
from wftui.collectors.nvml import child as children
from wftui.collectors.nvml.owners import ProcessRows
from wftui.model import gpus as cells
from wftui.model.sample import Scrape
from wftui.model.table import Row
from wftui.model.tick import unpack
from wftui.recorder.accumulator import Accumulator

Frame = dict[str, Any]  # Any: JSON, as the worker writes it


class Spoken:
    """A worker that says what the test puts in its mouth."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.status: int | None = None
        self.ended = False
        self.terminated_ns: int | None = None
        self.heard_ns = 0
        self.complaint = ""

    def read(self, at: Instant) -> list[bytes]:
        said, self.frames = self.frames, []
        if said:
            self.heard_ns = at.boottime_ns
        return [json.dumps(frame).encode() for frame in said]

    def silent_s(self, at: Instant) -> float:
        return (at.boottime_ns - self.heard_ns) / NS_PER_S

    def look(self, at: Instant) -> None:
        """It is never reaped by itself."""

    def close(self, at: Instant) -> None:
        self.terminated_ns = at.boottime_ns


class Box:
    """A collector and its worker, a second at a time."""

    def __init__(self, gpus: int = 2) -> None:
        self.worker = Spoken()
        self.collector = NvidiaGpus("/nonexistent")
        self.collector._child = self.worker  # type: ignore[assignment]  # a worker without a process
        self.second = 0
        listed = [{"uuid": f"GPU-{n}", "index": n, "name": "H100"} for n in range(gpus)]
        self.happened: list[tuple[str, str]] = []
        self.says(
            {"t": "hello", "version": 1, "pid": 1},
            {"t": "library", "code": 0, "driver": "595.1", "cuda": "13.0"},
            {"t": "box", "time_ns": 0, "gpus": listed, "links": []},
        )

    def says(self, *frames: Frame) -> Scrape:
        """The worker says something in the next second."""
        self.worker.frames += [*frames, {"t": "status", "time_ns": 0, "boottime_ns": 0, **self.status()}]
        return self.passes(1)

    def status(self) -> Frame:
        return {}

    def passes(self, seconds: int) -> Scrape:
        self.second += seconds
        scrape = self.collector.collect(self.now)
        self.happened = [(item.kind, item.about[1]) for item in scrape.events]
        return scrape

    @property
    def now(self) -> Instant:
        return Instant(self.second * NS_PER_S, self.second * NS_PER_S)


class Losing(Box):
    """GPU-1 is lost from the second second on."""

    def status(self) -> Frame:
        return {"lost": {"GPU-1": 15}} if self.second >= 1 else {}


def values(scrape: Scrape) -> dict[str, float]:
    """Every sample by its series."""
    found = [sample for reading in scrape.readings for sample in reading.samples] + scrape.samples
    return {sample.column.series.text: sample.value for sample in found}


def gpu_processes(scrape: Scrape) -> Mapping[str, Row]:
    """Rows of the processes, when they were told."""
    found = [item.rows for item in scrape.tables if item.schema is cells.GPU_PROCESSES]
    return found[-1] if found else {}


def reading(second: int, **keys: float) -> Frame:
    at = second * NS_PER_S
    gpus = {"GPU-0": keys}
    return {"t": "v", "time_ns": at, "boottime_ns": at, "cadence": "second", "interval_s": 1.0, "gpus": gpus}


def test_each_gpu_is_found_once_and_lost_once() -> None:
    box = Losing()
    assert box.happened == [("gpu.found", "GPU-0"), ("gpu.found", "GPU-1")]
    box.says()
    assert box.happened == [("gpu.lost", "GPU-1")]
    for _ in range(5):
        box.says()
        assert box.happened == []


def test_a_silent_worker_brings_no_lost_gpu_back() -> None:
    box = Losing()
    box.says()
    box.passes(6)
    assert box.happened == [], "nothing is known of any GPU"
    box.says()
    assert box.happened == [], "it was lost all the time"


def test_a_worker_that_ended_brings_no_lost_gpu_back_and_says_nothing_of_the_others() -> None:
    box = Losing()
    box.says()
    box.worker.ended = True
    scrape = box.passes(1)
    assert box.happened == []
    assert not [name for name in values(scrape) if name.startswith("hw.gpu.up")], "unknown is not 0"
    assert scrape.note is not None
    assert "ended" in scrape.note.reason


@pytest.mark.parametrize("how", ["silent", "ended", "no driver"])
def test_what_a_process_uses_is_unknown_when_nobody_says_it(how: str) -> None:
    box, pid = Box(), os.getpid()
    listed = {"GPU-0": [{"pid": pid, "memory": 2**30, "sm": 50.0}], "GPU-1": []}
    box.collector._rows = ProcessRows(Owners("/proc"))
    told = box.says({"t": "processes", "time_ns": 0, "boottime_ns": 0, "interval_s": 5.0, "gpus": listed})
    assert [row[cells.P_MEMORY] for row in gpu_processes(told).values()] == [2**30]
    assert gpu_processes(box.says()) == {}, "not told again before there is news"
    match how:
        case "silent":
            scrape = box.passes(4)
        case "ended":
            box.worker.ended = True
            scrape = box.passes(1)
        case _:
            scrape = box.says({"t": "library", "code": 9})
    (row,) = gpu_processes(scrape).values()
    assert (row[cells.P_PID], row[cells.P_MEMORY], row[cells.P_UTILIZATION]) == (pid, None, None), "it still lives"
    assert gpu_processes(box.passes(1)) == {}, "once"


def test_a_gpu_that_is_refused_or_hangs_after_it_was_lost_is_not_back() -> None:
    box = Losing()
    box.says()
    box.status = lambda: {"waiting": {"GPU-1": ("nvmlDeviceGetPowerUsage", 12.0)}}  # type: ignore[method-assign]  # the next scene
    box.says()
    assert box.happened == [("gpu.stuck", "GPU-1")]
    box.status = dict  # type: ignore[method-assign]  # all is well
    box.says()
    assert sorted(box.happened) == [("gpu.answered", "GPU-1"), ("gpu.returned", "GPU-1")]


@pytest.mark.parametrize("mask", [4294967295, 2**64 - 1, -1, 0.5])
def test_a_mask_that_cannot_be_true_throttles_nothing(mask: float) -> None:
    box = Box()
    found = values(box.says(reading(1, throttle=mask)))
    assert not [name for name in found if name.startswith("hw.gpu.throttled")]
    assert box.collector._cards["GPU-0"].rejected == 1


def test_reasons_of_a_mask_are_series_of_their_own() -> None:
    found = values(Box().says(reading(1, throttle=0x4)))
    mode = 'hw.gpu.throttled{{gpu="GPU-0",mode="{}"}}'
    assert found[mode.format("any")] == found[mode.format("power_cap")] == 1.0
    assert mode.format("hw_thermal") not in found, "never seen"


def test_only_what_a_card_does_not_have_is_unavailable() -> None:
    box = Box()
    box.status = lambda: {"errors": {"GPU-0": {"fan_fan0": 3, "power": 4, "util": 999}}}  # type: ignore[method-assign]  # the next scene
    scrape = box.says()
    (table,) = [table for table in scrape.tables if table.schema.name == "gpus"]
    assert table.rows["GPU-0"][cells.UNAVAILABLE] == "fan_fan0", "power is refused, utilisation fails: it has both"


def test_a_worker_let_go_has_its_minute() -> None:
    box = Box()
    for _ in range(200):
        box.says()
    box.collector.close()
    assert box.worker.terminated_ns is not None
    assert (box.now.boottime_ns - box.worker.terminated_ns) / NS_PER_S < children.KILL_S, "or it is killed at once"


def test_a_storm_of_errors_is_one_event_a_minute_and_all_are_counted() -> None:
    box, told = Box(), []
    error = {"t": "xid", "time_ns": 0, "uuid": "GPU-0", "xid": 13}
    for _ in range(61):
        scrape = box.says(*[error] * 50)
        told += [event.payload.get("left_out", 0) for event in scrape.events if event.kind == "gpu.xid"]
    assert told == [0, 60 * 50 - 1]
    assert box.collector._cards["GPU-0"].xids == 61 * 50
    other = box.says({**error, "xid": 79})
    assert [event.payload["xid"] for event in other.events] == [79], "another number is told at once"


def recorded(box: Box, accumulator: Accumulator, scrape: Scrape) -> dict[str, float]:
    """The tick that a recorder would close now."""
    for item in scrape.readings:
        accumulator.add(item.samples, item.at, item.interval_s)
    accumulator.add(scrape.samples, box.now, 1.0)
    tick = accumulator.close(box.second, box.second, box.now.boottime_ns, 1)
    names = [column.series.text for column in accumulator.layout.columns]
    return dict(zip(names, unpack(tick.values), strict=True))


def test_limits_stay_while_a_gpu_answers_and_go_with_it() -> None:
    box, accumulator = Box(), Accumulator()
    limit = 'hw.gpu.clock.limit{gpu="GPU-0",mode="sm"}'
    hourly = {**reading(1, clock_limit_sm=1980), "cadence": "hourly", "interval_s": 3600.0}
    assert recorded(box, accumulator, box.says(hourly))[limit] == 1.98e9, "told at once"
    for _ in range(60):
        assert recorded(box, accumulator, box.says())[limit] == 1.98e9
    box.status = lambda: {"lost": {"GPU-0": 15}}  # type: ignore[method-assign]  # the next scene
    found = [recorded(box, accumulator, box.says()) for _ in range(16)][-1]
    assert math.isnan(found[limit]), "of a lost GPU nothing is known"


def test_costs_of_calls_add_up_while_their_quantiles_are_held() -> None:
    box, accumulator = Box(), Accumulator()
    calls = {"t": "calls", "time_ns": 0, "calls": {"nvmlX": [500, 0.5, 0.001, 0.002, 0.003, 2]}}
    name = 'wftop.gpu.call.duration{{source="nvmlX",stat="{}"}}'
    ticks = [
        recorded(box, accumulator, box.says(calls) if second % 10 == 0 else box.says()) for second in range(20)
    ]
    for stat, whole in (("count", 1000), ("sum", 1.0)):
        counted = [tick[name.format(stat)] for tick in ticks]
        assert sum(value for value in counted if not math.isnan(value)) == pytest.approx(whole)
    assert {tick[name.format("p99")] for tick in ticks} == {0.002}
    assert ticks[-1]['wftop.gpu.call.errors{source="nvmlX"}'] == 4
