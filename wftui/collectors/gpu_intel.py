"""Graphics processors of Intel, by the files of i915 and xe.

Source: drivers/gpu/drm/i915/gt/intel_gt_sysfs_pm.c; drivers/gpu/drm/xe/xe_gt_{freq,idle,throttle}.c.
"""

import os
from typing import Final

from wftui.clock import Instant
from wftui.collectors.gpu_hwmon import Hwmon
from wftui.collectors.gpu_reading import MOST_BYTES, MOST_HZ, Told, scaled
from wftui.collectors.nvml.unified import system_memory
from wftui.model.sample import ESTIMATED

_MEGA: Final = 1e6
_REASONS: Final = {
    "pl1": "power_cap", "pl2": "power_cap", "pl4": "power_cap", "thermal": "hw_thermal", "ratl": "sw_thermal",
    "vr_thermalert": "hw_thermal", "vr_tdc": "hw_slowdown", "prochot": "hw_slowdown",
    "soc_thermal": "hw_thermal", "mem_thermal": "hw_thermal", "vr_thermal": "hw_thermal",
}  # fmt: skip
"""Power limits; temperature, its running average, the regulator's; the regulator's current; a pin of the board."""
_ASLEEP_CALL: Final = "time outside of RC6: a share in which it was powered, not only in which it worked"
_SLACK_MS: Final = 100
"""The driver adds up when a part wakes, not all the time."""
_LONGEST_MS: Final = 5_000
"""Between two readings; a longer pause tells nothing of now."""


def integrated(bus: str) -> bool:
    """Whether it is the one in the processor: that always has this place on the bus, and no other ever."""
    return bus.endswith(":00:02.0")


class Intel:
    """One of them: its parts (gt), and the counters of the reading before."""

    def __init__(self, device: str, card: str, bus: str, proc: str) -> None:
        """``device``, ``card``: folders of the PCI device and of the DRM card."""
        self._device, self._card, self._proc = device, card, proc
        self._integrated = integrated(bus)
        self._parts = _parts(card, device)
        self._before: dict[str, tuple[float, int]] = {}
        """Part to (ms asleep, boottime in ns)."""

    def read(self, hwmon: Hwmon, told: Told, at: Instant) -> None:
        """What moves."""
        hwmon.read(told)
        xe = bool(self._parts) and "/tile" in self._parts[0]
        clocks = [scaled(_act(part), _MEGA) for part in self._parts] or [
            scaled(f"{self._card}/gt_act_freq_mhz", _MEGA)
        ]
        known = [clock for clock in clocks if clock is not None]
        if known:
            told.add("clock.frequency", "graphics", max(known), MOST_HZ, "act_freq" if xe else "rps_act_freq_mhz")
        self._busy(told, at)
        self._throttle(told)
        if self._integrated:
            told.unified = True
            memory = system_memory(self._proc)
            if memory is not None:
                told.memory(*memory, "/proc/meminfo: unified memory", "derived")

    def _busy(self, told: Told, at: Instant) -> None:
        shares = []
        places = [(part, _idle(part)) for part in self._parts] or [("", f"{self._card}/power/rc6_residency_ms")]
        for part, path in places:
            asleep = scaled(path, 1)
            if asleep is None:
                continue
            before = self._before.get(part)
            self._before[part] = asleep, at.boottime_ns
            if before is None:
                continue
            elapsed_ms = (at.boottime_ns - before[1]) / 1e6
            slept_ms = asleep - before[0]
            # Less than before: a 32-bit counter began anew; more than time went by: it was set.
            if 0 < elapsed_ms <= _LONGEST_MS and 0 <= slept_ms <= elapsed_ms + _SLACK_MS:
                shares.append(max(0.0, 1 - slept_ms / elapsed_ms))
        if shares:
            told.busy = told.add("utilization", "", max(shares), 1, _ASLEEP_CALL, ESTIMATED)

    def _throttle(self, told: Told) -> None:
        answered = False
        reasons = set()
        for part in self._parts:
            for name, reason in _REASONS.items():
                said = scaled(_reason(part, name), 1)
                if said is not None:
                    answered = True
                    if said > 0:
                        reasons.add(reason)
        if answered:
            told.reasons, told.throttle_call = frozenset(reasons), "throttle_reason_*"

    def read_rare(self, hwmon: Hwmon, told: Told) -> None:
        """What hardly ever changes."""
        hwmon.read_limits(told)
        limits = [scaled(_most(part), _MEGA) for part in self._parts] or [
            scaled(f"{self._card}/gt_RP0_freq_mhz", _MEGA)
        ]
        known = [limit for limit in limits if limit is not None]
        if known:
            told.add("clock.limit", "graphics", max(known), MOST_HZ, "RP0")
        sizes = [scaled(f"{tile}/physical_vram_size_bytes", 1) for tile in _tiles(self._device)]
        sizes = sizes or [scaled(f"{self._card}/lmem_total_bytes", 1)]
        total = sum(size for size in sizes if size is not None)
        if total and not self._integrated:
            told.add("memory.limit", "", total, MOST_BYTES, "physical_vram_size_bytes, lmem_total_bytes")


def _tiles(device: str) -> list[str]:
    return [f"{device}/{name}" for name in _listed(device, "tile")]


def _parts(card: str, device: str) -> list[str]:
    """Folders of its gts: below the card (i915), or below the device's tiles (xe)."""
    ours = [f"{card}/gt/{name}" for name in _listed(f"{card}/gt", "gt")]
    return ours or [f"{tile}/{name}" for tile in _tiles(device) for name in _listed(tile, "gt")]


def _listed(folder: str, prefix: str) -> list[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208  names, no paths
    except OSError:
        return []
    return sorted(name for name in names if name.startswith(prefix) and name[len(prefix) :].isdigit())


def _is_xe(part: str) -> bool:
    return "/tile" in part


def _act(part: str) -> str:
    return f"{part}/freq0/act_freq" if _is_xe(part) else f"{part}/rps_act_freq_mhz"


def _most(part: str) -> str:
    return f"{part}/freq0/rp0_freq" if _is_xe(part) else f"{part}/rps_RP0_freq_mhz"


def _idle(part: str) -> str:
    return f"{part}/gtidle/idle_residency_ms" if _is_xe(part) else f"{part}/rc6_residency_ms"


def _reason(part: str, name: str) -> str:
    return f"{part}/freq0/throttle/reason_{name}" if _is_xe(part) else f"{part}/throttle_reason_{name}"
