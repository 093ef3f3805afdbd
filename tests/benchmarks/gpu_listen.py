"""The real GPU worker on its own, and all that it writes, for ``gpu_check.py``."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Self

import msgspec

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.nvml import frames

LEAVE_S = 5.0


class Value(NamedTuple):
    """One reading of one field of one GPU, in NVML's unit."""

    at: Instant
    number: float


class Listener:
    """Starts the worker; frames are taken in by a thread as they come."""

    def __init__(self, sys_root: str = "/sys") -> None:
        self._command = [sys.executable, "-m", "wftui.collectors.nvml.worker", "--sys", sys_root]
        self.library: frames.Library | None = None
        self.box: frames.Box | None = None
        self.status: frames.Status | None = None
        self.processes: frames.Processes | None = None
        self.calls: dict[str, tuple[int, float, float, float, float, int]] = {}
        """The last figures of each call."""
        self.values: dict[tuple[str, str], list[Value]] = {}
        """(UUID, field key) to all readings."""
        self.codes: dict[tuple[str, str], int] = {}
        """(UUID, field key) to the code of those that do not answer."""
        self.fast: list[tuple[int, float]] = []
        """Times (boottime, ns) of the fast readings, and the seconds to the next that were promised."""
        self.waiting: dict[str, tuple[str, float]] = {}
        """UUID to the worst call that did not come back in time."""
        self.lost: dict[str, int] = {}
        self.xids: list[frames.Xid] = []
        self.cpu: list[float] = []
        self.memory = 0
        self.broken: list[str] = []
        """Lines that are no frame."""
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            # A call hangs. SIGKILL would be worse for the driver than a process that leaves later.
            self._process.terminate()

    def until(self, told: Callable[[Self], object], seconds: float) -> bool:
        """Wait until something was told."""
        end = time.monotonic() + seconds
        with self._changed:
            while not told(self):
                if self._process.poll() is not None or not self._changed.wait(max(0.0, end - time.monotonic())):
                    return bool(told(self))
        return True

    @property
    def ended(self) -> bool:
        """Whether the worker is gone."""
        return self._process.poll() is not None

    def between(self, uuid: str, key: str, since: Instant, until: Instant, margin_s: float = 0.0) -> list[float]:
        """The readings of a field in a time, in NVML's unit."""
        margin = int(margin_s * NS_PER_S)
        low, high = since.boottime_ns - margin, until.boottime_ns + margin
        with self._changed:
            readings = list(self.values.get((uuid, key), ()))
        return [value.number for value in readings if low <= value.at.boottime_ns <= high]

    def readings(self, uuid: str, key: str, since: Instant, until: Instant) -> list[Value]:
        """As ``between``, with their times."""
        with self._changed:
            found = list(self.values.get((uuid, key), ()))
        return [value for value in found if since.boottime_ns <= value.at.boottime_ns <= until.boottime_ns]

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                try:
                    self._take(frames.DECODER.decode(line))
                except msgspec.DecodeError as error:
                    self.broken.append(f"{error}: {line[:120]!r}")
                self._changed.notify_all()

    def _take(self, frame: frames.Frame) -> None:
        match frame:
            case frames.Library():
                self.library = frame
            case frames.Box():
                self.box = frame
            case frames.Values():
                at = Instant(frame.time_ns, frame.boottime_ns)
                for uuid, fields in frame.gpus.items():
                    for key, number in fields.items():
                        self.values.setdefault((uuid, key), []).append(Value(at, number))
                if frame.cadence == "fast":
                    self.fast.append((frame.boottime_ns, frame.interval_s))
            case frames.Status():
                self.status = frame
                if frame.cpu_utilization is not None:
                    self.cpu.append(frame.cpu_utilization)
                self.memory = max(self.memory, frame.memory_bytes)
                self.lost.update(frame.lost)
                for uuid, waits in frame.waiting.items():
                    self.waiting[uuid] = max(waits, self.waiting.get(uuid, waits), key=lambda item: item[1])
                for uuid, codes in frame.errors.items():
                    for key, code in codes.items():
                        self.codes[uuid, key] = code
            case frames.Processes():
                self.processes = frame
            case frames.Xid():
                self.xids.append(frame)
            case frames.Calls():
                self.calls.update(frame.calls)
