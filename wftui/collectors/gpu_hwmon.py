"""The hwmon chip of a GPU: temperatures, power, energy, fans, alike for all drivers.

Source: Documentation/hwmon/sysfs-interface.rst; Documentation/gpu/amdgpu/thermal.rst;
Documentation/ABI/testing/sysfs-driver-intel-{i915,xe}-hwmon.
"""

import os
from typing import Final

from wftui.collectors.gpu_reading import HOTTEST, MOST_W, Told, scaled, word

_MILLI: Final = 1e-3
_MICRO: Final = 1e-6
_SENSORS: Final = {
    "": "gpu", "edge": "gpu", "pkg": "gpu", "junction": "hotspot", "mem": "memory", "vram": "memory",
}  # fmt: skip
"""Labels of the drivers to ours; others are parts that nobody else tells of, and are left out."""
_CHANNELS: Final = (1, 2)
"""Of power and energy: the first is the whole card, the second the package where the card tells nothing."""
_LIMITS: Final = {
    # Intel's sustained limit is `max`, its `cap` that of milliseconds; AMD has no `power1_max`.
    "enforced": ("power1_max", "power2_max", "power1_cap"),
    "default": ("power1_cap_default", "power1_rated_max", "power2_rated_max"),
    "minimum": ("power1_cap_min",),
    "maximum": ("power1_cap_max",),
}
_FANS: Final = 4
_PWM_MOST: Final = 255


class Hwmon:
    """Found once; read again and again."""

    def __init__(self, device: str) -> None:
        """``device``: folder of the PCI device. Only names and labels are read here."""
        self.folder = _chip(f"{device}/hwmon")
        self._temperatures: list[tuple[str, str]] = []
        """(path without ``_input``, sensor)."""
        if not self.folder:
            return
        try:
            files = sorted(os.listdir(self.folder))  # noqa: PTH208  names, no paths
        except OSError:
            files = []
        taken = set()
        for file in files:
            if not (file.startswith("temp") and file.endswith("_input")):
                continue
            base = f"{self.folder}/{file.removesuffix('_input')}"
            sensor = _SENSORS.get(word(f"{base}_label"))
            if sensor is not None and sensor not in taken:
                taken.add(sensor)
                self._temperatures.append((base, sensor))

    def read(self, told: Told) -> None:
        """What moves."""
        if not self.folder:
            return
        for base, sensor in self._temperatures:
            told.add("temperature", sensor, scaled(f"{base}_input", _MILLI), HOTTEST, _call(f"{base}_input"))
        self._power(told)
        for channel in _CHANNELS:
            path = f"{self.folder}/energy{channel}_input"
            if (joules := scaled(path, _MICRO)) is not None and joules >= 0:
                told.joules = joules
                break
        for fan in range(_FANS):
            pwm = scaled(f"{self.folder}/pwm{fan + 1}", 1)
            if pwm is None:
                break
            most = scaled(f"{self.folder}/pwm{fan + 1}_max", 1) or _PWM_MOST
            told.add("fan.speed_ratio", f"fan{fan}", pwm / most, 1, f"hwmon pwm{fan + 1}")

    def _power(self, told: Told) -> None:
        for channel in _CHANNELS:
            base = f"{self.folder}/power{channel}"
            instant, average = scaled(f"{base}_input", _MICRO), scaled(f"{base}_average", _MICRO)
            if average is not None:
                told.add("power.average", "", average, MOST_W, f"hwmon power{channel}_average")
            watts, name = (instant, "input") if instant is not None else (average, "average")
            if told.add("power", "", watts, MOST_W, f"hwmon power{channel}_{name}") is not None:
                told.watts, told.averaged = watts, instant is None
                return

    def read_limits(self, told: Told) -> None:
        """What hardly ever changes."""
        if not self.folder:
            return
        for base, sensor in self._temperatures:
            limits = {
                "gpu": (("crit", "slowdown"), ("emergency", "shutdown")),
                "memory": (("crit", "memory"),),
            }.get(sensor, ())
            for file, mode in limits:
                limit = scaled(f"{base}_{file}", _MILLI)
                if limit:  # 0: the sensor has none
                    told.add("temperature.limit", mode, limit, HOTTEST, _call(f"{base}_{file}"))
        for mode, files in _LIMITS.items():
            for file in files:
                limit = scaled(f"{self.folder}/{file}", _MICRO)
                if limit:  # 0: there is no limit
                    told.add("power.limit", mode, limit, MOST_W, f"hwmon {file}")
                    break


def _chip(folder: str) -> str:
    """The chip of the whole card; i915 has further ones for parts of it (``i915_gt0``)."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  names, no paths
    except OSError:
        return ""
    chips = [f"{folder}/{name}" for name in names if name.startswith("hwmon")]
    whole = [chip for chip in chips if "_gt" not in word(f"{chip}/name")]
    return (whole or chips or [""])[0]


def _call(path: str) -> str:
    return f"hwmon {path.rpartition('/')[2]}"
