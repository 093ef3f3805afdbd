"""Xid errors: from NVML's event set, and from the kernel's log where that may be read."""

import ctypes
import os
import re
import threading
from collections.abc import Callable, Mapping
from typing import Final

from wftui import clock
from wftui.collectors.nvml import binding as b
from wftui.collectors.nvml.binding import Binding
from wftui.collectors.nvml.fields import HOUR_S
from wftui.collectors.nvml.target import Target

XID_TYPE: Final = 0x8
"""Source: nvml.h, nvmlEventTypeXidCriticalError."""
WAIT_MS: Final = 1000
"""A wait that nobody can end; short, because shutting down waits for it."""
_LINE: Final = re.compile(rb"NVRM: Xid \(PCI:([0-9a-fA-F:.]+)\): (\d+),? ?(.*)")
_SAME_NS: Final = 5_000_000_000
"""An Xid that comes both ways within this time is one."""
_AGAIN_NS: Final = 10_000_000_000
"""After a wait that failed."""
_UNOFFERED_NS: Final = int(HOUR_S * 1e9)
"""Where no GPU reports such events."""
_LATE_NS: Final = 2 * WAIT_MS * 1_000_000
_TIMEOUT: Final = 10
"""Source: nvml.h, NVML_ERROR_TIMEOUT: nothing happened."""

Tell = Callable[[str, int, str, str], None]
"""(UUID, number, origin, words)."""


class XidWatch:
    """A thread that waits for events of the GPUs that there were when it began."""

    def __init__(self, binding: Binding, targets: Mapping[str, Target], tell: Tell) -> None:
        self.uuids = set(targets)
        self.began_ns = clock.perf_ns()
        self.registered: set[str] = set()
        """GPUs that report such events."""
        self.call: tuple[str, int] | None = None
        """(name, ``clock.perf_ns``) of what is under way."""
        self._binding = binding
        self._targets = {uuid: target for uuid, target in targets.items() if not target.instance}
        # A GPU that fell off the bus, which is what an Xid is often about, does not tell its UUID any more.
        self._names = {_address(target.handle): uuid for uuid, target in self._targets.items()}
        self._tell = tell
        self._end = False
        self._thread = threading.Thread(target=self._run, name="wftop-xids", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the wait that is under way."""
        self._end = True

    @property
    def over(self) -> bool:
        """Whether the thread has ended."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._binding.under_way.track = self
        while not self._end and not self._wait():
            pass

    def _wait(self) -> bool:
        """One event set's life; whether it was the last."""
        binding = self._binding
        code, events = binding.ask("nvmlEventSetCreate")
        if code:
            return True
        self.registered = set()
        for uuid, target in list(self._targets.items()):
            code, _ = binding.ask("nvmlDeviceRegisterEvents", target.handle, XID_TYPE, events)
            if code == b.UNKNOWN:
                # The header: the set is undefined then. Begin again without this GPU.
                binding.ask("nvmlEventSetFree", events)
                del self._targets[uuid]
                return False
            if not code:
                self.registered.add(uuid)
        while self.registered and not self._end:
            code, data = binding.ask("nvmlEventSetWait_v2", events, WAIT_MS)
            if code == _TIMEOUT:
                continue
            if code in b.NEVER:
                self.registered = set()  # an old driver cannot tell what it has registered
            if code:
                break
            if int(data.eventType) & XID_TYPE:
                self._tell(self._whose(data.device), int(data.eventData), "nvml", "")
        binding.ask("nvmlEventSetFree", events)
        return True

    def _whose(self, handle: object) -> str:
        known = self._names.get(_address(handle))
        if known is not None:
            return known
        code, uuid = self._binding.ask("nvmlDeviceGetUUID", handle)
        return "" if code else b.text(uuid)


class XidWatches:
    """One watch at a time: the next begins when the one before has come back from its wait."""

    def __init__(self, binding: Binding, tell: Tell) -> None:
        self._binding = binding
        self._tell = tell
        self._watch: XidWatch | None = None

    def keep(self, targets: Mapping[str, Target]) -> None:
        """Watch these, and go on after a wait that failed."""
        watch = self._watch
        if watch is not None:
            same = watch.uuids == targets.keys()
            if not watch.over:
                if not same:
                    watch.stop()
                return
            pause_ns = _AGAIN_NS if watch.registered else _UNOFFERED_NS
            if same and clock.perf_ns() - watch.began_ns < pause_ns:
                return
        self._watch = XidWatch(self._binding, targets, self._tell) if targets else None

    def stop(self) -> None:
        """End after the wait that is under way."""
        if self._watch is not None:
            self._watch.stop()

    @property
    def over(self) -> bool:
        """Whether nothing is under way, so that the library may be shut down."""
        return self._watch is None or self._watch.over

    @property
    def hangs(self) -> tuple[str, int] | None:
        """(call, ``clock.perf_ns``) of a wait that should have ended."""
        call = None if self.over or self._watch is None else self._watch.call
        return call if call is not None and clock.perf_ns() - call[1] > _LATE_NS else None

    def heard(self) -> set[str]:
        """GPUs whose errors would be told."""
        watch = self._watch
        return set() if watch is None or watch.over or self.hangs is not None else watch.registered

    def forget(self) -> None:
        """The library was given up."""
        self._watch = None


def _address(handle: object) -> int | None:
    """Where a handle points to: the library gives the same for the same GPU."""
    return ctypes.cast(handle, ctypes.c_void_p).value  # type: ignore[arg-type]  # the binding's handles are pointers


class KernelLog:
    """``/dev/kmsg`` from now on, without waiting."""

    def __init__(self, path: str = "/dev/kmsg") -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._file, 0, os.SEEK_END)
        except OSError:
            self._file = -1

    @property
    def readable(self) -> bool:
        """Whether it may be read."""
        return self._file >= 0

    def xids(self) -> list[tuple[str, int, str]]:
        """(bus id as in sysfs, number, words) of new lines."""
        found = []
        for _ in range(64):  # at most so many lines a look
            if self._file < 0:
                break
            try:
                record = os.read(self._file, 8192)
            except BlockingIOError:
                break
            except BrokenPipeError:
                continue  # lines were lost: the next read goes on behind them
            except OSError:
                os.close(self._file)
                self._file = -1
                break
            match = _LINE.search(record)
            if match is not None:
                words = match[3].decode("utf-8", "replace").split("\n", 1)[0][:200]
                found.append((bus_name(match[1].decode("ascii", "replace")), int(match[2]) % 2**32, words))
        return found

    def close(self) -> None:
        """Twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def bus_name(said: str) -> str:
    """``0000:3b:00.0`` of what the driver writes: ``00000000:3B:00.0``, ``0000:3b:00``."""
    parts = said.strip().lower().split(":")
    if len(parts) != 3:
        return said.lower()
    domain, bus, device = parts
    return f"{domain[-4:]:0>4}:{bus}:{device if '.' in device else device + '.0'}"


class Doubles:
    """An Xid is told once, whichever way it comes first."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], tuple[str, int]] = {}

    def new(self, uuid: str, xid: int, origin: str) -> bool:
        """Whether it was not told the other way just now."""
        now = clock.perf_ns()
        before = self._seen.get((uuid, xid))
        self._seen[uuid, xid] = (origin, now)
        if len(self._seen) > 256:
            self._seen.clear()
        return before is None or before[0] == origin or now - before[1] > _SAME_NS
