"""Which graphics processors there are, without touching one: only what the PCI core remembers."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wftui.clock import Instant
from wftui.collectors import gpu_pci
from wftui.collectors.base import THREAD
from wftui.collectors.files import label
from wftui.collectors.gpu_drivers import judge
from wftui.collectors.gpu_pci import DISPLAY, TITLES, VENDORS, Device
from wftui.collectors.gpu_reading import word
from wftui.collectors.nvml import library, states
from wftui.collectors.nvml.frames import NO_LIBRARY
from wftui.collectors.nvml.states import State
from wftui.model.health import ABSENT, OK
from wftui.model.sample import Column, Note, Sample, Scrape, column

_CALL: Final = "/sys/bus/pci/devices/*/class"
_NVIDIA: Final = "nvidia"


class GpuPresence:
    """``hw.gpu.count`` by vendor, once a minute; and why there is a count, but nothing more.

    ``class`` and ``vendor`` are answered from the kernel's memory: a sleeping GPU is not woken.
    """

    name = "gpu.presence"
    interval_s = 60.0
    where = THREAD
    timeout_s = 5.0

    def __init__(
        self,
        proc: str | Path = "/proc",
        sys: str | Path = "/sys",
        *,
        environ: Mapping[str, str] | None = None,
        root: str = "/",
    ) -> None:
        """``root`` is where NVIDIA's library and the signs of a container are looked for."""
        self._sys = str(sys)
        self._driven = f"{proc}/driver/nvidia/gpus"
        self._environ = os.environ if environ is None else environ
        self._root = root
        self._columns: dict[str, Column] = {}

    def collect(self, at: Instant) -> Scrape:  # noqa: ARG002  nothing here is a rate
        """Count; the note says which of them tells nothing, or why there is none.

        A vendor that had GPUs and has none left keeps its series, at 0: one that fell off the bus must show.
        """
        found = list(gpu_pci.devices(self._sys))
        counts: dict[str, int] = {}
        for device in found:
            counts[device.vendor] = counts.get(device.vendor, 0) + 1
        try:
            driven = len(os.listdir(self._driven))  # noqa: PTH208  names, no paths
        except OSError:
            driven = 0
        if driven > counts.get(_NVIDIA, 0):  # a container that sees the driver but not the whole bus
            counts[_NVIDIA] = driven
        for vendor in counts:
            if vendor not in self._columns:
                self._columns[vendor] = column(self.name, "hw.gpu.count", {"device": vendor}, call=_CALL)
        samples = [Sample(item, counts.get(vendor, 0)) for vendor, item in self._columns.items()]
        note = self._silent(found, driven) if counts else self._none()
        return Scrape(samples, note=note)

    def close(self) -> None:
        """Nothing is kept open."""

    def _silent(self, found: list[Device], driven: int) -> Note | None:
        """The word on those that no source can read; None: all of them can be."""
        state = OK
        said: dict[str, tuple[int, str]] = {}
        """Reason to (devices, fix)."""
        for device in found:
            why = self._nvml() if device.vendor == _NVIDIA and device.driver == _NVIDIA else judge(device)
            if why.state == OK:
                continue
            state = why.state
            reason = f"{TITLES[device.vendor]}: {why.reason}"
            said[reason] = said.get(reason, (0, ""))[0] + 1, why.fix
        if driven and not any(device.vendor == _NVIDIA for device in found) and (why := self._nvml()).state != OK:
            state = why.state
            said[f"{TITLES[_NVIDIA]}: {why.reason}"] = driven, why.fix
        if not said:
            return None
        reason = "; ".join(
            f"{words} ({count} cards)" if count > 1 else words for words, (count, _) in said.items()
        )
        return Note(state, reason, "; ".join(dict.fromkeys(fix for _, fix in said.values() if fix)))

    def _nvml(self) -> State:
        root = self._root.rstrip("/")
        if library.present(self._environ, root):
            return states.OK
        return states.library(NO_LIBRARY, container=states.in_container(f"{root}/"))

    def _none(self) -> Note:
        folder = f"{self._sys}/bus/pci/devices"
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208  names, no paths
        except OSError:
            return Note(ABSENT, "no GPU found: this machine shows no PCI bus (usual in small virtual machines)")
        vendors = {
            word(f"{folder}/{name}/vendor", 16)
            for name in names
            if word(f"{folder}/{name}/class", 16).startswith(DISPLAY)
        }
        others = ", ".join(label(vendor) for vendor in sorted(vendors - VENDORS.keys()))
        if others:
            return Note(
                ABSENT, f"no GPU found: only display controllers of other vendors on the PCI bus ({others})"
            )
        return Note(ABSENT, "no GPU found: no display controller of NVIDIA, AMD or Intel on the PCI bus")
