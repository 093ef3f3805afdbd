"""Letting a GPU sleep: an open library keeps a laptop's card awake, however little it is asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wftui.collectors.nvml.box import Pci
from wftui.collectors.nvml.target import Target

if TYPE_CHECKING:
    from wftui.collectors.nvml.box import Box

IDLE_S: Final = 60.0
"""So long nothing may have run on any of them."""
TRY_S: Final = 30.0
"""So long the kernel gets to suspend what nobody uses."""
LONGEST_S: Final = 600.0
_S: Final = 1_000_000_000


class Rest:
    """Whether NVML should be let go of so that cards can sleep, and until when."""

    def __init__(self, pci: Pci) -> None:
        self._pci = pci
        self.wanted = False
        self._idle_ns = 0
        self._until_ns = 0
        self._pause_s = IDLE_S
        self._slept = False

    def idle(self, targets: Sequence[Target], box: "Box", now: int) -> bool:
        """Whether all GPUs may sleep, and have had nothing to do for long enough."""
        self.wanted = False
        buses = [str(found.facts.get("bus_id", "")) for found in box.found.values() if found.target is not None]
        if not buses or not all(self._pci.may_sleep(bus) for bus in buses):
            self._idle_ns = 0
            return False
        if any(target.busy for target in targets):
            self._idle_ns = 0
            self._pause_s = IDLE_S
            return False
        self._idle_ns = self._idle_ns or now
        self.wanted = now - self._idle_ns > self._pause_s * _S
        return self.wanted

    def begin(self, now: int) -> None:
        """The library is shut down."""
        self._until_ns = now + int(TRY_S * _S)
        self._idle_ns = 0
        self._slept = False

    def over(self, now: int) -> bool:
        """Whether to open the library again: somebody woke a card, or none can be brought to sleep."""
        buses = self._pci.list()
        asleep = [bus for bus in buses if self._pci.suspended(bus)]
        if buses and len(asleep) == len(buses):
            self._slept = True
            self._pause_s = IDLE_S
            return False
        if self._slept:
            return True
        if now < self._until_ns:
            return False
        self._pause_s = min(LONGEST_S, 2 * self._pause_s)
        return True
