"""Which graphics processors there are, without touching one: only what the PCI core remembers."""

import os
from pathlib import Path
from typing import Final

from wftui.clock import Instant
from wftui.collectors.base import THREAD
from wftui.collectors.files import label, read_once
from wftui.model.health import ABSENT, UNSUPPORTED
from wftui.model.sample import Column, Note, Sample, Scrape, column

_VENDORS: Final = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
_TITLES: Final = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}
_DISPLAY: Final = "0x03"
"""PCI base class of display controllers. Source: PCI code and ID assignment specification."""


def _listed(folder: str) -> list[str] | None:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  names, no paths
    except OSError:
        return None


def _word(path: str) -> str:
    try:
        return read_once(path, 64).decode("ascii", "replace").strip()
    except OSError:
        return ""


class GpuPresence:
    """``hw.gpu.count`` by vendor, once a minute.

    ``class`` and ``vendor`` are answered from the kernel's memory: a sleeping GPU is not woken.
    """

    name = "gpu.presence"
    interval_s = 60.0
    where = THREAD
    timeout_s = 5.0

    def __init__(self, proc: str | Path = "/proc", sys: str | Path = "/sys") -> None:
        self._pci = f"{sys}/bus/pci/devices"
        self._nvidia = f"{proc}/driver/nvidia/gpus"
        self._columns: dict[str, Column] = {}

    def collect(self, at: Instant) -> Scrape:  # noqa: ARG002  nothing here is a rate
        """Count; the note says what was found or why nothing was.

        A vendor that had GPUs and has none left keeps its series, at 0: one that fell off the bus must show.
        """
        devices = _listed(self._pci)
        counts: dict[str, int] = {}
        others: set[str] = set()
        for name in devices or ():
            if not _word(f"{self._pci}/{name}/class").startswith(_DISPLAY):
                continue
            identity = _word(f"{self._pci}/{name}/vendor")
            vendor = _VENDORS.get(identity)
            if vendor is None:
                others.add(identity)
            else:
                counts[vendor] = counts.get(vendor, 0) + 1
        driven = len(_listed(self._nvidia) or ())
        if driven > counts.get("nvidia", 0):  # a container that sees the driver but not the whole bus
            counts["nvidia"] = driven
        for vendor in counts:
            if vendor not in self._columns:
                call = "/sys/bus/pci/devices/*/class"
                self._columns[vendor] = column(self.name, "hw.gpu.count", {"device": vendor}, call=call)
        samples = [Sample(item, counts.get(vendor, 0)) for vendor, item in self._columns.items()]
        return Scrape(samples, note=_note(counts, others, bus=devices is not None))

    def close(self) -> None:
        """Nothing is kept open."""


def _note(counts: dict[str, int], others: set[str], *, bus: bool) -> Note:
    if counts:
        seen = ", ".join(
            f"{count} {_TITLES[vendor]} device{'s' if count > 1 else ''}" for vendor, count in counts.items()
        )
        return Note(UNSUPPORTED, f"no GPU panel yet: {seen} seen")
    if not bus:
        return Note(ABSENT, "no GPU found: this machine shows no PCI bus (usual in small virtual machines)")
    if others:
        names = ", ".join(label(name) for name in sorted(others))
        return Note(ABSENT, f"no GPU found: only display controllers of other vendors on the PCI bus ({names})")
    return Note(ABSENT, "no GPU found: no display controller of NVIDIA, AMD or Intel on the PCI bus")
