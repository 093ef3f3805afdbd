"""Which processes hold a GPU, and how much of it each uses."""

import ctypes
from typing import Any, Final

import pynvml

from wftui import clock
from wftui.collectors.nvml import binding as b
from wftui.collectors.nvml.binding import Binding
from wftui.collectors.nvml.fields import HOUR_S
from wftui.collectors.nvml.target import Target

_ROOM: Final = 128
_MOST: Final = 16_384
_TRIES: Final = 3
_NO_WORD: Final = 2**64 - 1
_LISTS: Final = (
    ("C", "nvmlDeviceGetComputeRunningProcesses"),
    ("G", "nvmlDeviceGetGraphicsRunningProcesses"),
    ("M", "nvmlDeviceGetMPSComputeRunningProcesses"),
)
_VERSIONS: Final = ("_v3", "_v2")


class Listed:
    """One GPU's processes, as the frame wants them."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.partial = False
        self.code = 0


class ProcessLists:
    """Asks for lists. The binding's own functions believe whatever size a driver claims, so buffers are ours."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._version = 0
        self._samples_us: dict[str, int] = {}
        """UUID to the newest time stamp (µs of the driver's clock) of its utilisation samples."""

    def read(self, target: Target, instances: dict[int, str]) -> Listed:
        """All processes of a GPU; ``instances``: GPU instance id to UUID."""
        listed = Listed()
        found: dict[int, dict[str, object]] = {}
        codes = []
        for kind, name in _LISTS:
            code, rows, partial = self._list(target, name)
            codes.append(code)
            listed.partial |= partial
            for row in rows:
                pid, memory, instance = row
                entry = found.setdefault(pid, {"pid": pid, "kind": kind})
                if entry["kind"] != kind:
                    entry["kind"] = "C+G"
                if memory != _NO_WORD:
                    # Compute and graphics of one process are told with the same sum.
                    known = entry.get("memory")
                    entry["memory"] = max(memory, known) if isinstance(known, int) else memory
                if instance in instances:
                    entry["instance"] = instances[instance]
        if all(codes):
            listed.code = codes[0]
            return listed
        self._utilization(target, found)
        listed.rows = list(found.values())
        target.held = bool(found)
        return listed

    def _list(self, target: Target, name: str) -> tuple[int, list[tuple[int, int, int]], bool]:
        now = clock.perf_ns()
        if target.blocked.get(name, 0) > now:
            return target.codes.get(name, b.NOT_SUPPORTED), [], False
        room = _ROOM
        kind = pynvml.c_nvmlProcessInfo_v2_t if self._version else pynvml.c_nvmlProcessInfo_v3_t
        buffer, count = (kind * room)(), ctypes.c_uint(room)
        code, tries = b.OK, 0
        while tries < _TRIES:
            kind = pynvml.c_nvmlProcessInfo_v2_t if self._version else pynvml.c_nvmlProcessInfo_v3_t
            buffer, count = (kind * room)(), ctypes.c_uint(room)
            code = self._binding.raw(name + _VERSIONS[self._version], target.handle, ctypes.byref(count), buffer)
            if code == b.NO_FUNCTION and self._version + 1 < len(_VERSIONS):
                self._version += 1
                continue
            if code != b.INSUFFICIENT_SIZE:
                break
            tries += 1
            room = min(_MOST, max(2 * room, count.value + 16))
        else:
            # It grows each time it is asked for: what fits is better than nothing.
            rows = [_row(item) for item in buffer[: count.value] if item.pid]
            return b.OK, rows, True
        if code:
            if code in b.NEVER:
                target.blocked[name] = now + int(HOUR_S * 1e9)
            target.codes[name] = code
            return code, [], False
        target.codes.pop(name, None)
        return b.OK, [_row(item) for item in buffer[: count.value]], False

    def _utilization(self, target: Target, found: dict[int, dict[str, object]]) -> None:
        name = "nvmlDeviceGetProcessUtilization"
        now = clock.perf_ns()
        if target.blocked.get(name, 0) > now:
            return
        room = _ROOM
        since = self._samples_us.get(target.uuid, 0)
        kind = pynvml.c_nvmlProcessUtilizationSample_t
        buffer, count, code = (kind * 0)(), ctypes.c_uint(0), b.INSUFFICIENT_SIZE
        for _ in range(_TRIES):
            buffer, count = (kind * room)(), ctypes.c_uint(room)
            code = self._binding.raw(name, target.handle, buffer, ctypes.byref(count), ctypes.c_ulonglong(since))
            if code != b.INSUFFICIENT_SIZE:
                break
            room = min(_MOST, max(2 * room, count.value + 16))
        if code in b.NEVER:
            target.blocked[name] = now + int(HOUR_S * 1e9)
        if code not in (b.OK, b.NOT_FOUND):
            return
        # Asked and not named means idle; NOT_FOUND means that all are.
        for entry in found.values():
            entry.update(sm=0, mem=0, enc=0, dec=0)
        if code == b.NOT_FOUND:
            return
        newest = since
        last: dict[int, Any] = {}  # Any: the binding's sample
        for place in range(min(room, count.value)):
            sample = buffer[place]
            newest = max(newest, sample.timeStamp)
            known = last.get(sample.pid)
            if sample.timeStamp > since and (known is None or sample.timeStamp >= known.timeStamp):
                last[sample.pid] = sample
        for pid, sample in last.items():
            used = found.get(pid)
            if used is not None:
                used.update(sm=sample.smUtil, mem=sample.memUtil, enc=sample.encUtil, dec=sample.decUtil)
        # A stamp from the year 2500 must not silence the samples of the next centuries.
        if newest - since < 3_600_000_000 or since == 0:
            self._samples_us[target.uuid] = newest if newest < 2**62 else 0


def _row(item: Any) -> tuple[int, int, int]:  # Any: one of the binding's structs
    return int(item.pid), int(item.usedGpuMemory), int(item.gpuInstanceId)
