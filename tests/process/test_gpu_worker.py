"""Real recorder, real worker, stand-in for NVML: what a call, a GPU or a worker that fails costs the others."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness import Running, View, events, until
from tests.nvml import box
from tests.nvml.box import Scene, uuid
from wftui.client.queries import Connection
from wftui.model import gpus as cells
from wftui.model.table import Row, apply
from wftui.model.tick import unpack
from wftui.wire import messages as m

READ = "nvmlDeviceGetUtilizationRates"


class Watch:
    """What a view of the recorder knows."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.values: dict[str, float] = {}
        self.gpus: dict[str, Row] = {}
        self.ticks = 0
        self._view = View(running.where)
        self._columns: list[str] = []

    def close(self) -> None:
        self._view.connection.close()

    def take(self) -> None:
        """The next message."""
        match self._view.next():
            case m.LayoutChanged(columns=columns):
                self._columns = [column.series.text for column in columns]
            case m.TickArrived(values=values):
                self.values = dict(zip(self._columns, unpack(values), strict=True))
                self.ticks += 1
            case m.TableArrived(change=change) if change.name == cells.GPUS.name:
                apply(self.gpus, change)
            case None:
                raise AssertionError("the recorder went away")

    def until(self, holds: Callable[[], bool], timeout_s: float = 10.0) -> float:
        """Seconds until it holds."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < timeout_s, {key: row[cells.REASON] for key, row in self.gpus.items()}
            self.take()
        return time.monotonic() - began

    def state(self, card: int) -> object:
        row = self.gpus.get(uuid(card))
        return None if row is None else row[cells.STATE]

    def number(self, name: str, card: int) -> float:
        """Its newest value; NaN where there is none."""
        return self.values.get(f'{name}{{gpu="{uuid(card)}"}}', float("nan"))


@contextmanager
def watched(library: Path, scene: Scene) -> Iterator[Watch]:
    """A recorder whose GPUs all work."""
    scene.save()
    with Running(env=box.environment(library, scene.path)) as running:
        watch = Watch(running.ready())
        try:
            watch.until(lambda: len(watch.gpus) == len(scene.cards) and all_speak(watch, scene.cards), 15)
            yield watch
        finally:
            watch.close()


def all_speak(watch: Watch, cards: list[int]) -> bool:
    return all(watch.number("hw.gpu.utilization", card) >= 0 for card in cards)


def worker_of(running: Running) -> int:
    """Pid of the recorder's only child."""
    text = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text()
    (pid,) = [int(word) for word in text.split()]
    return pid


def quits(watch: Watch) -> float:
    began = time.monotonic()
    assert watch.running.stop() == 0
    return time.monotonic() - began


def test_a_stuck_call_costs_one_gpu(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 4)
    with watched(nvml, scene) as watch:
        scene.set(2, READ, hang=30).save()
        assert watch.until(lambda: watch.state(2) == "stuck", 6) < 3.5, "said within 3 s, and a tick to see it"
        assert "no answer for" in str(watch.gpus[uuid(2)][cells.REASON])
        seen = watch.ticks
        while watch.ticks < seen + 4:
            before = watch.ticks
            watch.until(lambda before=before: watch.ticks > before)  # type: ignore[misc]  # bound at once
            assert all_speak(watch, [0, 1, 3]), "the others are there in each tick"
            assert watch.number("hw.gpu.utilization", 2) != watch.number("hw.gpu.utilization", 2), "unknown, not 0"
        assert watch.number("hw.gpu.up", 2) == 0
        scene.set(2, READ, hang=0).save()
        assert watch.until(lambda: watch.state(2) == "ok", 10) < 5
        where = watch.running.where
        assert quits(watch) < 2
    assert len(events(where, "gpu.stuck")) == len(events(where, "gpu.answered")) == 1, "one event each"


@pytest.mark.quiet
def test_quitting_waits_for_no_call(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 2)
    with watched(nvml, scene) as watch:
        worker = worker_of(watch.running)
        scene.set(0, READ, hang=60).save()
        watch.until(lambda: watch.state(0) == "stuck")
        assert quits(watch) < 2
        os.kill(worker, 0)  # it waits for its call, by itself: nobody has killed it
        scene.set(0, READ, hang=0).save()
        until(lambda: not Path(f"/proc/{worker}").exists(), 10, "the worker's end")


@pytest.mark.quiet
def test_a_stopped_worker_is_stuck_and_quitting_is_as_quick(nvml: Path, tmp_path: Path) -> None:
    with watched(nvml, Scene(tmp_path / "scene", 2)) as watch:
        worker = worker_of(watch.running)
        os.kill(worker, signal.SIGSTOP)
        try:
            watch.until(lambda: watch.state(0) == watch.state(1) == "stuck", 8)
            health = {item.source: item for item in watch.running.status().sources}
            assert health["cpu"].state == "ok"
            assert quits(watch) < 2
        finally:
            os.kill(worker, signal.SIGCONT)
        until(lambda: not Path(f"/proc/{worker}").exists(), 10, "the worker's end")


def test_a_killed_worker_is_started_again(nvml: Path, tmp_path: Path) -> None:
    with watched(nvml, Scene(tmp_path / "scene", 2)) as watch:
        first = worker_of(watch.running)
        os.kill(first, signal.SIGKILL)
        watch.until(lambda: watch.state(0) == "failed", 5)
        watch.until(lambda: watch.state(0) == watch.state(1) == "ok", 10)
        assert worker_of(watch.running) != first
        where = watch.running.where
        assert quits(watch) < 2
    assert len(events(where, "gpu.worker_restarted")) == 1
    assert not events(where, "gpu.lost"), "the GPUs were there all the time"
    assert len(events(where, "gpu.found")) == 2


def test_a_source_that_is_switched_off_leaves_no_worker_and_no_rows(nvml: Path, tmp_path: Path) -> None:
    with watched(nvml, Scene(tmp_path / "scene", 2)) as watch:
        first = worker_of(watch.running)
        with Connection(str(watch.running.where.socket)) as connection:
            connection.ask(m.SetSource("gpu", on=False), m.Ok)
            watch.until(lambda: not watch.gpus, 5)
            until(lambda: not Path(f"/proc/{first}").exists(), 10, "it ended, and was reaped")
            connection.ask(m.SetSource("gpu", on=True), m.Ok)
        watch.until(lambda: len(watch.gpus) == 2 and watch.state(0) == watch.state(1) == "ok", 10)
        assert quits(watch) < 2


def test_a_lost_gpu_keeps_its_name_and_comes_back(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 3)
    with watched(nvml, scene) as watch:
        name = watch.gpus[uuid(1)][cells.NAME]
        assert name
        scene.lose(1).save()
        watch.until(lambda: watch.state(1) == "lost", 15)
        assert watch.gpus[uuid(1)][cells.NAME] == name
        assert watch.gpus[uuid(1)][cells.FIX]
        watch.until(lambda: all_speak(watch, [0, 2]) and watch.number("hw.gpu.up", 1) == 0)
        scene.clear(1, box.ALL).save()
        watch.until(lambda: watch.state(1) == "ok", 25)
        where = watch.running.where
        assert quits(watch) < 2
    assert len(events(where, "gpu.lost")) == len(events(where, "gpu.returned")) == 1
