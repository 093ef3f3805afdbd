"""Temperatures, fans and batteries from hwmon, thermal zones and power supplies."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from wftui import text
from wftui.clock import Instant
from wftui.collectors.base import THREAD
from wftui.collectors.files import label, read_number, read_once
from wftui.errors import SourceUnavailableError
from wftui.model.sample import DERIVED, Column, Sample, Scrape, column
from wftui.units import NS_PER_S

_SEARCH_NS: Final = 60 * NS_PER_S
"""Sensors come and go with modules and plugs: the folders are searched anew this often."""
_MILLI: Final = 1000
_COLDEST: Final = -100_000
_HOTTEST: Final = 250_000
"""Milli-degrees Celsius; what lies beyond is a missing probe, not a temperature."""


class Reading(NamedTuple):
    """One value to read."""

    path: str
    metric: str
    sensor: str
    limit: float | None
    """Celsius; None: the sensor names none, or it is no temperature."""

    @property
    def folder(self) -> str:
        """The chip or zone it belongs to."""
        return self.path.rpartition("/")[0]


def _names(folder: str, prefix: str) -> list[str]:
    try:
        found = [n for n in os.listdir(folder) if n.startswith(prefix)]  # noqa: PTH208  names, no paths
    except OSError:
        return []
    return sorted(found, key=lambda name: (len(name), name))


def _word(path: str) -> str:
    try:
        return text.clean(read_once(path, 256).rstrip(b"\n\0"), 80).strip()
    except OSError:
        return ""


def _asleep(folder: str) -> bool:
    """A sleeping device (GPU, NVMe) would be woken by the question, an idle GPU kept from falling asleep.

    The source ``gpu.sysfs`` tells a GPU's sensors, and leaves it alone from time to time.
    """
    if _word(f"{folder}/device/power/runtime_status") == "suspended":
        return True
    return _word(f"{folder}/device/power/control") == "auto" and bool(_names(f"{folder}/device/drm", "card"))


def _critical(path: str) -> float | None:
    value = read_number(path)
    return value / _MILLI if value is not None and 0 < value < _HOTTEST else None


def chip_names(root: str) -> dict[str, str]:
    """Folder of each hwmon chip to a name that is unique and survives a reboot (hwmonN does not).

    The chip's own name; where several share it, or it is an NVMe drive, that of the device behind it.
    """
    chips = {folder: _word(f"{root}/{folder}/name") or folder for folder in _names(root, "hwmon")}
    used: set[str] = set()
    result = {}
    for folder, name in chips.items():
        shown = name
        if name == "nvme" or list(chips.values()).count(name) > 1:
            device = text.clean(os.path.realpath(f"{root}/{folder}/device").rpartition("/")[2], 80)
            shown = device if device.startswith(name) else f"{name} {device}"
        if shown in used:
            shown = f"{shown} {folder}"
        used.add(shown)
        result[f"{root}/{folder}"] = shown
    return result


def find_hwmon(sys: str) -> list[Reading]:
    """Temperatures and fans of all hwmon chips. Source: Documentation/hwmon/sysfs-interface.rst."""
    found = []
    for folder, chip in chip_names(f"{sys}/class/hwmon").items():
        for kind, metric in (("temp", "hw.temperature"), ("fan", "hw.fan.speed")):
            for file in _names(folder, kind):
                if not file.endswith("_input"):
                    continue
                base = f"{folder}/{file.removesuffix('_input')}"
                shown = _word(f"{base}_label") or file.removesuffix("_input")
                limit = _critical(f"{base}_crit") if kind == "temp" else None
                found.append(Reading(f"{folder}/{file}", metric, f"{chip} {shown}", limit))
    return found


def find_zones(sys: str) -> list[Reading]:
    """Thermal zones. Source: Documentation/driver-api/thermal/sysfs-api.rst."""
    found = []
    zones = {f"{sys}/class/thermal/{name}": name for name in _names(f"{sys}/class/thermal", "thermal_zone")}
    kinds = {folder: _word(f"{folder}/type") or name for folder, name in zones.items()}
    for folder, kind in kinds.items():
        shown = kind
        if list(kinds.values()).count(kind) > 1:
            shown = f"{kind} zone{zones[folder].removeprefix('thermal_zone')}"
        limit = None
        for trip in _names(folder, "trip_point_"):
            if trip.endswith("_type") and _word(f"{folder}/{trip}") == "critical":
                limit = _critical(f"{folder}/{trip.removesuffix('_type')}_temp")
        found.append(Reading(f"{folder}/temp", "hw.temperature", shown, limit))
    return found


def find_batteries(sys: str) -> dict[str, str]:
    """Name to folder of the machine's own batteries; those of mice and keyboards are left out.

    Source: Documentation/ABI/testing/sysfs-class-power.
    """
    root = f"{sys}/class/power_supply"
    return {
        name: f"{root}/{name}"
        for name in _names(root, "")
        if _word(f"{root}/{name}/type") == "Battery" and _word(f"{root}/{name}/scope") != "Device"
    }


def battery_power(folder: str) -> float | None:
    """Watts drawn from the battery (positive) or put into it; None when it does not say which."""
    direction = {"Discharging": 1, "Charging": -1, "Full": 0, "Not charging": 0}.get(_word(f"{folder}/status"))
    if direction is None:
        return None
    if direction == 0:
        return 0.0
    microwatts = read_number(f"{folder}/power_now")
    if microwatts is not None:
        return direction * abs(microwatts) / 1e6
    microvolts, microamperes = read_number(f"{folder}/voltage_now"), read_number(f"{folder}/current_now")
    if microvolts is None or microamperes is None:
        return None
    return direction * abs(microamperes) / 1e6 * microvolts / 1e6  # some drivers sign the current, some do not


class Sensors:
    """Every sensor every 5 s, in a thread: a value may come over a slow bus. One that fails costs only itself."""

    name = "sensors"
    interval_s = 5.0
    where = THREAD
    timeout_s = 5.0

    def __init__(self, sys: str | Path = "/sys") -> None:
        self._sys = str(sys)
        self._readings: list[Reading] = []
        self._batteries: dict[str, str] = {}
        self._columns: dict[tuple[str, str], Column] = {}
        self._due_ns = 0

    def collect(self, at: Instant) -> Scrape:
        """Read all.

        Raises:
            SourceUnavailableError: There is none.
        """
        if at.boottime_ns >= self._due_ns:
            self._due_ns = at.boottime_ns + _SEARCH_NS
            self._search()
        if not self._readings and not self._batteries:
            self._due_ns = 0
            raise SourceUnavailableError(
                "no hwmon sensors, thermal zones or batteries: usual in a virtual machine", state="absent"
            )
        samples = []
        asleep = {folder: _asleep(folder) for folder in {item.folder for item in self._readings}}
        for item in self._readings:
            if asleep[item.folder]:
                continue
            value = read_number(item.path)
            if value is None:
                continue
            if item.metric == "hw.fan.speed":
                if value >= 0:
                    samples.append(Sample(self._column(item.metric, item.sensor, "hwmon"), value))
            elif _COLDEST < value < _HOTTEST:
                call = "hwmon" if "/hwmon/" in item.path else "thermal zone"
                samples.append(Sample(self._column(item.metric, item.sensor, call), value / _MILLI))
                if item.limit is not None:
                    samples.append(Sample(self._column("hw.temperature.limit", item.sensor, call), item.limit))
        for name, folder in self._batteries.items():
            charge, power = read_number(f"{folder}/capacity"), battery_power(folder)
            if charge is not None and 0 <= charge <= 100:
                samples.append(Sample(self._column("hw.battery.charge", name, "power_supply"), charge / 100))
            if power is not None:
                samples.append(Sample(self._column("hw.battery.power", name, "power_supply"), power))
        return Scrape(samples)

    def _search(self) -> None:
        found = find_hwmon(self._sys)
        if not any(item.metric == "hw.temperature" for item in found):
            found += find_zones(self._sys)
        seen: dict[tuple[str, str], int] = {}
        self._readings = []
        for item in found:  # two probes with one label: the order of their files tells them apart
            count = seen[item.metric, item.sensor] = seen.get((item.metric, item.sensor), 0) + 1
            self._readings.append(item if count == 1 else item._replace(sensor=f"{item.sensor} #{count}"))
        self._batteries = find_batteries(self._sys)

    def _column(self, metric: str, sensor: str, call: str) -> Column:
        item = self._columns.get((metric, sensor))
        if item is None:
            quality = DERIVED if metric == "hw.battery.power" else "measured"
            item = column(self.name, metric, {"sensor": label(sensor)}, call=call, quality=quality)
            self._columns[metric, sensor] = item
        return item

    def close(self) -> None:
        """Nothing is kept open."""
