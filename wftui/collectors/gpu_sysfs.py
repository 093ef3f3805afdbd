"""GPUs of AMD and Intel, by what the kernel's graphics drivers tell in sysfs and in open files.

NVIDIA's are left to NVML; one that its driver does not have is listed here, with the reason.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui.clock import NS_PER_S, Instant
from wftui.collectors import gpu_pci
from wftui.collectors.base import THREAD
from wftui.collectors.gpu_drivers import SOURCE
from wftui.errors import SourceUnavailableError
from wftui.model.sample import Scrape

if TYPE_CHECKING:
    from wftui.collectors.gpu_cards import Cards

LOOK_S: Final = 5.0
"""Between two looks for cards that came or went."""


class SysfsGpus:
    """Every second, in a thread: a driver may take its time over a question to the card's firmware."""

    name = SOURCE
    interval_s = 1.0
    where = THREAD
    timeout_s = 5.0

    def __init__(
        self,
        proc: str | Path = "/proc",
        sys: str | Path = "/sys",
        *,
        read_ranks: bool = True,
        ids: tuple[str, ...] = gpu_pci.NAMES,
        sees_all: bool | None = None,
    ) -> None:
        """``ids``: lists of PCI numbers; ``sees_all``: whether no process hides from us, None: find out."""
        self._proc, self._sys, self._ids = str(proc), str(sys), ids
        self._read_ranks, self._sees_all = read_ranks, sees_all
        self._cards: Cards | None = None
        self._look_ns = 0

    def collect(self, at: Instant) -> Scrape:
        """Read all cards that are awake.

        Raises:
            SourceUnavailableError: There is none, and there never was.
        """
        if at.boottime_ns >= self._look_ns:
            self._look_ns = at.boottime_ns + int(LOOK_S * NS_PER_S)
            self._look()
        if not self._cards:
            self._look_ns = 0
            raise SourceUnavailableError("no GPU of AMD or Intel on the PCI bus", state="absent")
        return self._cards.read(at)

    def close(self) -> None:
        """Nothing is kept open."""

    def _look(self) -> None:
        found = {device.bus: device for device in gpu_pci.devices(self._sys)}
        if self._cards is None and any(device.driver != "nvidia" for device in found.values()):
            from wftui.collectors.gpu_cards import Cards  # only where there is something to read

            self._cards = Cards(
                self._proc, self._sys, self._ids, read_ranks=self._read_ranks, sees_all=self._sees_all
            )
        if self._cards is not None:
            self._cards.listed(found)
