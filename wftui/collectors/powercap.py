"""Energy of CPU packages, their cores and their memory, from the counters that the kernel shows (RAPL).

Source: Documentation/power/powercap/powercap.rst; Documentation/ABI/testing/sysfs-class-powercap;
drivers/hwmon/amd_energy.c (its labels).
"""

import errno
import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from wftui import text
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import THREAD
from wftui.collectors.files import label, read_once
from wftui.errors import SourceUnavailableError
from wftui.model.health import ABSENT, DENIED, FAILED
from wftui.model.sample import DERIVED, Column, Note, Sample, Scrape, column

SEARCH_S: Final = 60.0
"""Between two looks for counters: drivers are loaded late."""
MOST_W: Final = 5_000.0
"""No package draws more: a counter that grew faster has begun anew."""
CLOSED: Final = (
    "the CPU's energy counters are for root only: other users' secrets can be read off them (CVE-2020-8694)"
)
_ZONE: Final = re.compile(r"intel-rapl(:\d+){1,2}\Z")
"""AMD's are called so, too; `intel-rapl-mmio` counts the same packages once more."""
_SUBZONE: Final = re.compile(r"(intel-rapl:\d+):\d+\Z")
_DIE: Final = re.compile(r"(package-\d+)-die-\d+\Z")
_SOCKET: Final = re.compile(r"Esocket(\d+)\Z")


class Zone(NamedTuple):
    """One counter."""

    path: str
    """Of its file, in microjoules."""
    device: str
    """``package-0``; ``core-0``, ``uncore-0``, ``dram-0`` of package 0; ``psys``: the whole machine."""
    wraps: int | None
    """Where it begins anew, in microjoules; None: it does not say."""
    call: str


def find_zones(sys: str) -> list[Zone]:
    """All counters; empty: there are none, or a container hides them."""
    root = f"{sys}/class/powercap"
    names = {folder: _word(f"{root}/{folder}/name") for folder in _listed(root) if _ZONE.match(folder)}
    found = []
    for folder, name in names.items():
        if not name:
            continue
        parent = _SUBZONE.match(folder)
        if parent is not None:
            above = _whole_package(names.get(parent[1], ""))
            number = above.removeprefix("package-")
            device = f"{name}-{number}" if number != above else f"{name} of {above}"
        else:
            device = _whole_package(name)
        most = _number(f"{root}/{folder}/max_energy_range_uj")
        path = f"{root}/{folder}/energy_uj"
        found.append(
            Zone(path, label(device), most if isinstance(most, int) and most > 0 else None, "powercap energy_uj")
        )
    if any(zone.device.startswith("package-") for zone in found):
        return found
    return found + _amd(sys)


def _amd(sys: str) -> list[Zone]:
    """The hwmon driver amd_energy, of kernels whose powercap does not know the processor."""
    found = []
    for chip in _listed(f"{sys}/class/hwmon"):
        folder = f"{sys}/class/hwmon/{chip}"
        if _word(f"{folder}/name") != "amd_energy":
            continue
        for file in _listed(folder):
            if not (file.startswith("energy") and file.endswith("_label")):
                continue
            socket = _SOCKET.match(_word(f"{folder}/{file}"))
            if socket is not None:
                path = f"{folder}/{file.removesuffix('_label')}_input"
                found.append(Zone(path, f"package-{int(socket[1])}", None, "hwmon amd_energy"))
    return found


def _whole_package(name: str) -> str:
    """A package of several dies has a counter for each: together they are the package."""
    die = _DIE.match(name)
    return die[1] if die else name


class Counter:
    """One zone's joules, grown across its wraps."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.joules: float | None = None
        """None: not read yet, or it does not answer."""
        self.anew = False
        """The last reading began anew: nothing is known of the time before it."""
        self._raw = 0
        self._wrapped = 0
        self._ns = 0

    def take(self, raw: int, at: Instant) -> None:
        """A reading, in microjoules."""
        zone = self.zone
        elapsed_s = (at.boottime_ns - self._ns) / NS_PER_S
        most = MOST_W * max(elapsed_s, 1.0) * 1e6
        grown = raw - self._raw
        self.anew = self.joules is None
        if not self.anew and grown < 0 and zone.wraps is not None and grown + zone.wraps <= most:
            self._wrapped += zone.wraps
        elif not self.anew and not 0 <= grown <= most:
            # A sleep of the machine, or so long a pause that it may have come round twice.
            self.anew = True
            self._wrapped = 0
        self._raw, self._ns = raw, at.boottime_ns
        self.joules = (raw + self._wrapped) / 1e6


class Powercap:
    """Every second, in a thread: some counters are asked of the firmware, or of another core."""

    name = "energy"
    interval_s = 1.0
    where = THREAD
    timeout_s = 5.0

    def __init__(self, sys: str | Path = "/sys") -> None:
        self._sys = str(sys)
        self._counters: list[Counter] = []
        self._due_ns = 0
        self._before: dict[str, tuple[float, int]] = {}
        """Device to (joules, boottime) of its last reading."""
        self._columns: dict[tuple[str, str, str], Column] = {}

    def collect(self, at: Instant) -> Scrape:
        """Read all counters.

        Raises:
            SourceUnavailableError: There are none, or not one may be read.
        """
        if at.boottime_ns >= self._due_ns:
            self._due_ns = at.boottime_ns + int(SEARCH_S * NS_PER_S)
            self._search()
        if not self._counters:
            self._due_ns = 0
            raise SourceUnavailableError(
                "no energy counter of the CPU (RAPL): usual in virtual machines and containers",
                state=ABSENT,
                fix="on the machine itself: modprobe intel_rapl_msr",
            )
        refused: OSError | None = None
        whole: dict[str, list[Counter]] = {}
        for counter in self._counters:
            whole.setdefault(counter.zone.device, []).append(counter)
            raw = _number(counter.zone.path)
            if isinstance(raw, int):
                counter.take(raw, at)
            else:
                counter.joules = None
                refused = refused or raw
        samples: list[Sample] = []
        for device, counters in whole.items():
            samples += self._device(device, counters, at)
        if refused is None:
            return Scrape(samples)
        note = _refusal(refused)
        if not samples:
            self._due_ns = 0
            raise SourceUnavailableError(
                note.reason, state=DENIED if note.state == DENIED else FAILED, fix=note.fix
            )
        return Scrape(samples, note=note)

    def close(self) -> None:
        """Nothing is kept open."""

    def _search(self) -> None:
        known = {counter.zone.path: counter for counter in self._counters}
        zones = find_zones(self._sys)
        self._counters = [
            known[zone.path] if zone.path in known and known[zone.path].zone == zone else Counter(zone)
            for zone in zones
        ]

    def _device(self, device: str, counters: list[Counter], at: Instant) -> list[Sample]:
        parts = [counter.joules for counter in counters if counter.joules is not None]
        if len(parts) < len(counters):  # the dies that answer are not the package
            self._before.pop(device, None)
            return []
        joules = sum(parts)
        before = self._before.get(device)
        self._before[device] = joules, at.boottime_ns
        call = counters[0].zone.call
        samples = [Sample(self._column("hw.energy", device, call), joules)]
        if before is None or any(counter.anew for counter in counters):
            return samples
        elapsed_s = (at.boottime_ns - before[1]) / NS_PER_S
        if elapsed_s > 0 and joules >= before[0]:
            samples.append(Sample(self._column("hw.power", device, call), (joules - before[0]) / elapsed_s))
        return samples

    def _column(self, metric: str, device: str, call: str) -> Column:
        key = (metric, device, call)
        found = self._columns.get(key)
        if found is None:
            quality = DERIVED if metric == "hw.power" else "measured"
            found = column(self.name, metric, {"device": device}, call=call, quality=quality)
            self._columns[key] = found
        return found


def _refusal(error: OSError) -> Note:
    if error.errno in (errno.EACCES, errno.EPERM):
        return Note(DENIED, CLOSED, opening(_group()))
    return Note(FAILED, f"an energy counter cannot be read: {error.strerror or type(error).__name__}")


def opening(group: str) -> str:
    """What root has to do so that a group, and nobody else, may read the counters."""
    files = "/sys/class/powercap/*/energy_uj"
    rule = (
        f'SUBSYSTEM=="powercap", ACTION=="add", RUN+="/bin/chgrp {group} /sys%p/energy_uj", '
        'RUN+="/bin/chmod g+r /sys%p/energy_uj"'
    )
    return (
        f"until the next boot: sudo chgrp {group} {files} && sudo chmod g+r {files}; for good: put this line into "
        f"/etc/udev/rules.d/70-wftop-energy.rules: {rule}"
    )


def _group() -> str:
    import grp  # not on every platform that imports this package

    try:
        return text.clean(grp.getgrgid(os.getegid()).gr_name, 32)
    except (KeyError, OverflowError):
        return str(os.getegid())


def _number(path: str) -> int | OSError:
    """The whole number in a file, or why there is none."""
    try:
        return int(read_once(path, 64))
    except OSError as error:
        return error
    except ValueError:
        return OSError(errno.EIO, "no whole number")


def _word(path: str) -> str:
    try:
        return text.clean(read_once(path, 128).rstrip(b"\n\0"), 64).strip()
    except OSError:
        return ""


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  names, no paths
    except OSError:
        return []
