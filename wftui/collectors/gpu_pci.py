"""Graphics processors on the PCI bus: by what driver, under what name, behind what link. Nothing here wakes one.

But for the link: its files are asked only of a card that is awake.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from wftui import text
from wftui.collectors.gpu_reading import Told, word

VENDORS: Final = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
TITLES: Final = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}
DISPLAY: Final = "0x03"
"""PCI base class of display controllers. Source: PCI code and ID assignment specification."""
ACCELERATOR: Final = "0x1200"
"""Processing accelerators: AMD's Instinct without a display."""
NAMES: Final = ("/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids")
_BRIDGE: Final = "0x0604"
_ADDRESS: Final = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]\Z")
_GENERATIONS: Final = {"2.5": 1, "5.0": 2, "5": 2, "8.0": 3, "8": 3, "16.0": 4, "32.0": 5, "64.0": 6}
"""GT/s to the generation of PCI Express."""
_LANES: Final = 32


class Device(NamedTuple):
    """One of them, as the kernel lists it."""

    bus: str
    folder: str
    """Of the PCI device."""
    vendor: str
    """``nvidia``, ``amd``, ``intel``."""
    driver: str
    """Empty: none is bound."""
    card: str
    """``card0``: its name among the DRM devices; empty: it has none."""
    render: str
    """``renderD128``; empty: none."""

    @property
    def number(self) -> int | None:
        """Of the DRM card."""
        return int(self.card.removeprefix("card")) if self.card else None

    @property
    def card_folder(self) -> str:
        """Of the DRM card, below the device."""
        return f"{self.folder}/drm/{self.card}"

    @property
    def status(self) -> str:
        """``active``, ``suspended``, ``suspending``, ``unsupported``…; empty: it is gone."""
        return word(f"{self.folder}/power/runtime_status", 32)

    @property
    def may_sleep(self) -> bool:
        """Whether the kernel would suspend it when nobody uses it: no screen hangs on it."""
        if word(f"{self.folder}/power/control", 16) != "auto":
            return False
        return not any(
            word(f"{self.card_folder}/{name}/enabled", 16) == "enabled"
            for name in _names(self.card_folder)
            if name.startswith(f"{self.card}-")
        )


def devices(sys: str) -> Iterator[Device]:
    """All display controllers and accelerators of the three vendors."""
    root = f"{sys}/bus/pci/devices"
    for bus in _names(root):
        folder = f"{root}/{bus}"
        vendor = VENDORS.get(word(f"{folder}/vendor", 16))
        if vendor is None or not is_gpu(vendor, word(f"{folder}/class", 16)):
            continue
        drm = _names(f"{folder}/drm")
        card = next((name for name in drm if re.fullmatch(r"card\d+", name)), "")
        render = next((name for name in drm if re.fullmatch(r"renderD\d+", name)), "")
        yield Device(bus, folder, vendor, driver(folder), card, render)


def is_gpu(vendor: str, kind: str) -> bool:
    """Whether a device of this PCI class is a GPU."""
    return kind.startswith(DISPLAY) or (vendor == "amd" and kind.startswith(ACCELERATOR))


def driver(folder: str) -> str:
    """Name of the driver that is bound to a PCI device; empty: none."""
    try:
        return os.readlink(f"{folder}/driver").rpartition("/")[2]  # noqa: PTH115  a text is wanted, not a path
    except OSError:
        return ""


def product(device: Device) -> str:
    """What a card that is awake calls itself; empty: nothing (most do not)."""
    return text.clean(word(f"{device.folder}/product_name"), 64).strip()


def name(device: Device, files: tuple[str, ...] = NAMES) -> str:
    """What a person calls it, by the list of PCI numbers where one is installed; asks the card nothing."""
    vendor, number = (word(f"{device.folder}/{file}", 16).removeprefix("0x") for file in ("vendor", "device"))
    listed = next((found for file in files if (found := _listed(file, vendor, number))), "")
    title = TITLES[device.vendor]
    if listed:
        inner = re.search(r"\[([^]]+)\]", listed)
        return text.clean(f"{title} {inner[1] if inner else listed}", 64)
    return text.clean(f"{title} GPU {vendor}:{number}", 64)


def _listed(file: str, vendor: str, number: str) -> str:
    try:
        with Path(file).open(encoding="utf-8", errors="replace") as lines:
            ours = False
            for line in lines:
                if line.startswith("\t"):
                    if ours and line.startswith(f"\t{number}  "):
                        return line[7:].strip()
                elif ours and line[:1].isalnum():
                    return ""
                else:
                    ours = line.startswith(f"{vendor}  ")
    except OSError:
        return ""
    return ""


def link(device: Device, told: Told) -> None:
    """PCI Express as the machine's side has it.

    Cards of AMD and Intel carry a switch of their own, and tell only of the link behind that, which is always
    the widest: the switch's upper port tells of the slot.
    """
    port = _port(os.path.realpath(device.folder))
    for mode, file in (("current", "current"), ("maximum", "max")):
        speed = word(f"{port}/{file}_link_speed", 64).split(" ")[0]
        told.add("pcie.generation", mode, _GENERATIONS.get(speed), 6, f"{file}_link_speed")
        lanes = word(f"{port}/{file}_link_width", 16)
        if lanes.isdecimal() and 0 < int(lanes) <= _LANES:  # 0, 63, 255: no link
            told.add("pcie.width", mode, int(lanes), _LANES, f"{file}_link_width")


def _port(folder: str) -> str:
    vendor = word(f"{folder}/vendor", 16)
    while True:
        above = folder.rpartition("/")[0]
        root = above.rpartition("/")[0]
        # The topmost bridge is the machine's own port, even if its maker is the card's.
        if not _ADDRESS.match(above.rpartition("/")[2]) or not _ADDRESS.match(root.rpartition("/")[2]):
            return folder
        if word(f"{above}/vendor", 16) != vendor or not word(f"{above}/class", 16).startswith(_BRIDGE):
            return folder
        folder = above


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  names, no paths
    except OSError:
        return []
