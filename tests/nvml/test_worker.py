"""The worker alone, with the stand-in for NVML: what hangs, goes and comes costs as little as it can."""

from __future__ import annotations

import itertools
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.harness import ROOT, environment
from tests.nvml import box
from tests.nvml.box import ALL, Scene, uuid
from wftui.collectors.nvml import frames
from wftui.collectors.nvml.binding import LOST, MISMATCH, UNKNOWN

READ = "nvmlDeviceGetUtilizationRates"
Frame = (
    frames.Hello | frames.Library | frames.Box | frames.Values | frames.Status
    | frames.Processes | frames.Xid | frames.Calls
)  # fmt: skip
F = TypeVar("F", bound=Frame)


class Worker:
    """A worker process and what it says."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.said: list[tuple[float, Frame]] = []
        """(``time.monotonic`` when it came, frame)."""
        self._buffer = b""

    def listen(self, seconds: float) -> list[tuple[float, Frame]]:
        """What it says meanwhile."""
        until, before = time.monotonic() + seconds, len(self.said)
        while (left := until - time.monotonic()) > 0:
            self._take(left)
        return self.said[before:]

    def _take(self, seconds: float) -> None:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return
        data = self.process.stdout.read1(1 << 16)  # type: ignore[attr-defined]  # it is a BufferedReader
        assert data, "the worker is gone"
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self.said += [(time.monotonic(), frames.DECODER.decode(line)) for line in lines]

    def next(self, kind: type[F], timeout_s: float = 10.0, **holds: object) -> F:
        """The next frame of a kind whose attributes are these."""
        until, place = time.monotonic() + timeout_s, len(self.said)
        while True:
            for _, frame in self.said[place:]:
                if isinstance(frame, kind) and all(getattr(frame, key) == it for key, it in holds.items()):
                    return frame
            place = len(self.said)
            assert time.monotonic() < until, f"no {kind.__name__} {holds} in {timeout_s:g} s"
            self._take(0.1)

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def reads(self, cards: list[int]) -> None:
        """Wait until all of these are read."""
        wanted = {uuid(card) for card in cards}
        while not wanted <= {
            name for name, values in self.next(frames.Values, cadence="fast").gpus.items() if "util" in values
        }:
            pass


@contextmanager
def worker(
    library: Path, scene: Scene, log: Path | None = None, sys_root: Path | None = None, kmsg: Path | None = None
) -> Iterator[Worker]:
    options = [] if sys_root is None else ["--sys", str(sys_root)]
    options += [] if kmsg is None else ["--kmsg", str(kmsg)]
    process = subprocess.Popen(
        [sys.executable, "-m", "wftui.collectors.nvml.worker", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(box.environment(library, scene.path, log)),
        cwd=ROOT,
    )
    try:
        yield Worker(process)
    finally:
        process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def lateness(said: list[tuple[float, Frame]], card: int) -> list[float]:
    """Seconds between one reading of a card and the next."""
    times = [
        frame.boottime_ns / 1e9
        for _, frame in said
        if isinstance(frame, frames.Values)
        and frame.cadence == "fast"
        and "util" in frame.gpus.get(uuid(card), ())
    ]
    return [after - before for before, after in itertools.pairwise(times)]


@pytest.mark.quiet
def test_a_call_that_hangs_delays_no_other_gpu(nvml: Path, scene: Scene) -> None:
    with worker(nvml, scene) as it:
        it.reads([0, 1, 2, 3])
        it.listen(4)
        scene.set(1, READ, hang=30).save()
        said = it.listen(5)
        rate = max(frame.rate_hz for _, frame in said if isinstance(frame, frames.Status))
        for card in (0, 2, 3):
            gaps = sorted(lateness(said, card))
            assert len(gaps) >= 4, "it is read all the time"
            assert gaps[int(0.99 * len(gaps))] <= 1 / min(rate, 5) + 0.3, gaps


@pytest.mark.quiet
def test_a_call_that_hangs_a_little_in_each_reading_leaves_no_second_out(nvml: Path, scene: Scene) -> None:
    scene.set(0, READ, hang=0.4).set(1, READ, hang=0.03).save()
    with worker(nvml, scene) as it:
        assert it.process.stdin is not None
        it.process.stdin.write(b"rate 1\n")  # what is late must not wait for the next second
        it.process.stdin.flush()
        it.reads([1, 2, 3])
        it.listen(3)
        said = it.listen(7)
        assert it.next(frames.Status).rate_hz == 1
        for card in (1, 2, 3):
            gaps = lateness(said, card)
            assert len(gaps) >= 5
            assert max(gaps) < 1.5
        for watts in (111, 222, 333):
            it.reads([1, 2, 3])
            it.listen(0.5)
            scene.power(2, watts * 1000).save()
            it.reads([1, 2, 3])
            told = [
                f.gpus[uuid(2)].get("power")
                for _, f in it.said
                if isinstance(f, frames.Values) and f.cadence == "fast" and uuid(2) in f.gpus
            ]
            assert told[-1] == watts * 1000, "what is sent was read in its own second"


def test_one_thread_waits_for_a_gpu_of_which_every_call_hangs(nvml: Path, scene: Scene) -> None:
    with worker(nvml, scene) as it:
        it.reads([0, 1, 2, 3])
        it.listen(4)
        before = it.threads()
        scene.set(1, ALL, hang=60).save()
        it.listen(22)
        assert it.next(frames.Status).waiting.keys() == {uuid(1)}
        assert it.threads() <= before + 2, "one for the fast readings, one that was under way"
        scene.set(1, ALL, hang=0).save()
        it.reads([0, 1, 2, 3])


def test_a_count_that_hangs_stops_nobody(nvml: Path, scene: Scene) -> None:
    with worker(nvml, scene) as it:
        it.reads([0, 1, 2, 3])
        scene.set(ALL, "nvmlDeviceGetCount", hang=40).set(ALL, "nvmlDeviceGetCount_v2", hang=40).save()
        it.listen(11)
        said = it.listen(3)
        assert sum(isinstance(frame, frames.Status) for _, frame in said) >= 2
        assert len(lateness(said, 0)) >= 2
        scene.set(ALL, "nvmlDeviceGetCount", hang=0).set(ALL, "nvmlDeviceGetCount_v2", hang=0).save()
        it.listen(1)
        scene.cards = [0, 1]
        scene.save()
        while len(it.next(frames.Box, 25).gpus) != 2:
            pass


def test_an_xid_of_a_gpu_that_is_gone_has_its_name(nvml: Path, scene: Scene) -> None:
    with worker(nvml, scene) as it:
        it.reads([0, 1, 2, 3])
        it.listen(1)
        scene.set(2, "nvmlDeviceGetUUID", code=LOST).xid(2, 79).save()
        assert it.next(frames.Xid, xid=79).uuid == uuid(2)


def test_xids_are_heard_after_a_wait_that_failed(nvml: Path, scene: Scene) -> None:
    with worker(nvml, scene) as it:
        it.reads([0, 1, 2, 3])
        it.listen(1)
        scene.set(ALL, "nvmlEventSetWait_v2", code=UNKNOWN, times=1).save()
        it.listen(14)
        scene.xid(1, 31).save()
        assert it.next(frames.Xid, xid=31).uuid == uuid(1)


def test_it_is_said_whose_xids_are_heard(nvml: Path, scene: Scene, tmp_path: Path) -> None:
    scene.unsupported(3, "nvmlDeviceRegisterEvents").save()
    with worker(nvml, scene, kmsg=tmp_path / "none") as it:
        heard = [uuid(card) for card in (0, 1, 2)]
        it.next(frames.Status, heard=heard, events=None)
        scene.set(ALL, "nvmlEventSetWait_v2", hang=60).save()
        told = it.next(frames.Status, heard=[])
        assert told.events is not None
        assert told.events[0] == "nvmlEventSetWait_v2"
        assert told.events[1] > 1
        it.reads([0, 1, 2, 3])
        scene.set(ALL, "nvmlEventSetWait_v2", hang=0).save()
        it.next(frames.Status, heard=heard, events=None)


def test_an_event_wait_that_hangs_is_one_thread_and_no_shutdown_under_it(nvml: Path, scene: Scene) -> None:
    log = scene.path.with_name("log")
    with worker(nvml, scene, log) as it:
        it.reads([0, 1, 2, 3])
        scene.set(ALL, "nvmlEventSetWait_v2", hang=60).save()
        it.listen(2)
        before = it.threads()
        for cards in ([0, 1, 2], [0, 1, 2, 3]):
            scene.cards = cards
            scene.save()
            it.listen(11)
        assert it.threads() <= before + 1
        it.reads([0, 1, 2, 3])
        assert it.process.stdin is not None
        it.process.stdin.close()
        time.sleep(2)
        scene.set(ALL, "nvmlEventSetWait_v2", hang=0).save()
        assert it.process.wait(10) == 0
    assert "busy" not in {call.code for call in box.calls(log)}, "shut down while a call was under way"
    assert box.calls(log)[-1].function == "nvmlShutdown"


def test_a_gpu_that_is_alone_and_lost_comes_back(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 1).save()
    log = tmp_path / "log"
    with worker(nvml, scene, log) as it:
        it.reads([0])
        scene.lose(0).save()
        it.listen(12)
        inits = sum(call.function.startswith("nvmlInit") for call in box.calls(log))
        assert 2 <= inits <= 6, "a reset card is only seen by a library that begins anew, but not each second"
        scene.clear(0, ALL).save()
        it.next(frames.Values, 25, cadence="fast")


def test_it_leaves_at_once_and_shuts_the_library_down(nvml: Path, scene: Scene) -> None:
    log = scene.path.with_name("log")
    with worker(nvml, scene, log) as it:
        it.reads([0, 1, 2, 3])
        began = time.monotonic()
        it.process.send_signal(signal.SIGTERM)
        assert it.process.wait(10) == 0
        assert time.monotonic() - began < 3  # the recorder does not wait for it
    assert box.calls(log)[-1].function == "nvmlShutdown"
    assert "busy" not in {call.code for call in box.calls(log)}


def test_a_library_of_an_old_driver_is_loaded_anew(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 1).set(ALL, "nvmlInit_v2", code=MISMATCH)
    scene.set(ALL, "nvmlInitWithFlags", code=MISMATCH).save()
    folder = tmp_path / "library"
    folder.mkdir()
    shutil.copy(nvml / box.SONAME, folder / "old")
    (folder / box.SONAME).symlink_to("old")
    with worker(folder, scene) as it:
        it.next(frames.Library, code=MISMATCH)
        shutil.copy(nvml / box.SONAME, folder / "new")
        (folder / box.SONAME).unlink()
        (folder / box.SONAME).symlink_to("new")
        scene.set(ALL, "nvmlInit_v2", code=0).set(ALL, "nvmlInitWithFlags", code=0).save()
        assert it.process.stdin is not None
        it.process.stdin.write(b"again\n")
        it.process.stdin.flush()
        assert it.next(frames.Hello).pid == it.process.pid
        it.reads([0])
        maps = Path(f"/proc/{it.process.pid}/maps").read_text()
        assert str(folder / "new") in maps
        assert str(folder / "old") not in maps


def test_no_call_for_a_card_that_sleeps(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 2).save()
    log = tmp_path / "log"
    devices = tmp_path / "sys" / "bus" / "pci" / "devices"
    for card, status in ((0, "active"), (1, "suspended")):
        folder = devices / box.bus_id(card)
        (folder / "power").mkdir(parents=True)
        (folder / "vendor").write_text("0x10de\n")
        (folder / "class").write_text("0x030200\n")
        (folder / "power" / "runtime_status").write_text(status + "\n")
        (folder / "power" / "control").write_text("on\n")
    with worker(nvml, scene, log, tmp_path / "sys") as it:
        it.reads([0])
        it.listen(12)
        told = [frame for _, frame in it.said if isinstance(frame, frames.Box)][-1]
        assert {gpu.bus_id: gpu.asleep for gpu in told.gpus} == {box.bus_id(0): False, box.bus_id(1): True}
        assert {call.gpu for call in box.calls(log)} <= {"0", "-"}
        (devices / box.bus_id(1) / "power" / "runtime_status").write_text("active\n")
        it.reads([0, 1])
