"""Processes that compute through ROCm: the compute driver knows their memory, of all users.

Source: drivers/gpu/drm/amd/amdkfd/kfd_process.c, kfd_topology.c.
"""

import os
from typing import Final

from wftui.collectors.files import read_number
from wftui.collectors.gpu_reading import MOST_BYTES, word

_MOST: Final = 1024
"""Processes looked at."""


class Kfd:
    """``/sys/class/kfd``; nothing in it wakes a card."""

    def __init__(self, sys: str) -> None:
        self._folder = f"{sys}/class/kfd/kfd"

    def nodes(self) -> dict[str, str]:
        """Its number of each GPU to the PCI address; several numbers of one card are its partitions."""
        found = {}
        for node in _names(f"{self._folder}/topology/nodes"):
            base = f"{self._folder}/topology/nodes/{node}"
            number = word(f"{base}/gpu_id", 32)
            if number in ("", "0"):  # a CPU
                continue
            facts = dict(
                line.split(" ", 1) for line in word(f"{base}/properties", 8192).splitlines() if " " in line
            )
            try:
                place, domain = int(facts["location_id"]), int(facts.get("domain", "0"))
            except (KeyError, ValueError):
                continue
            found[number] = f"{domain:04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 7:x}"
        return found

    def memory(self, nodes: dict[str, str]) -> dict[str, dict[int, int]]:
        """PCI address to pid to bytes of the card's memory.

        Args:
            nodes: As of ``nodes``; what is not in it is left out.
        """
        found: dict[str, dict[int, int]] = {}
        if not nodes:
            return found
        for name in _names(f"{self._folder}/proc")[:_MOST]:
            if not name.isdecimal():
                continue
            for number, bus in nodes.items():
                size = read_number(f"{self._folder}/proc/{name}/vram_{number}")
                if size is not None and 0 <= size <= MOST_BYTES:
                    held = found.setdefault(bus, {})
                    held[int(name)] = held.get(int(name), 0) + size
        return found


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  names, no paths
    except OSError:
        return []
