"""Which GPUs there are: looked at a little at a time, told when something changed."""

from collections.abc import Callable, Set
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.nvml.box import COUNT, TOPOLOGY, Box, Item
from wftui.collectors.nvml.fields import HOUR_S
from wftui.collectors.nvml.lanes import Crew
from wftui.collectors.nvml.output import Out

LOOK_S: Final = 10.0
"""Between two enumerations."""


class Survey:
    """Enumeration by a crew of its own. All methods belong to the main thread; times are CLOCK_BOOTTIME in ns."""

    def __init__(self, box: Box, crew: Crew[Item], out: Out, hanging: Callable[[], Set[str]]) -> None:
        """``hanging``: UUIDs that must not be asked now."""
        self.due_ns = 0
        """When it begins next."""
        self._box = box
        self._crew = crew
        self._out = out
        self._hanging = hanging
        self.under_way = False
        """Whether one has begun that is not over."""
        self._counting = self._topology = False
        self._told: object = None
        self._told_ns = 0

    @property
    def told(self) -> bool:
        """Whether anything was told since the library was opened."""
        return self._told is not None

    def forget(self) -> None:
        """The library is closed: what was found is not known any more."""
        self.under_way = self._counting = False
        self._told = None

    def step(self, now: int) -> bool:
        """Go on as far as nothing has to be waited for; whether there is something to tell."""
        if self.under_way:
            if self._crew.busy:
                self._crew.look()
            if self._crew.busy:
                return False
            self.under_way = False
            if self._counting:
                self._counting = False
                if self._box.counted is not None:  # it hangs: those that are known will do
                    self._look_at(list(range(self._box.counted)))
                    return False
            self._box.settle()
            targets = self._box.targets
            names = tuple(sorted(target.uuid for target in targets.values() if not target.instance))
            if names != self._box.linked and len(names) > 1 and not self._topology:
                self._topology = True
                self.under_way = self._crew.begin([TOPOLOGY])
            else:
                self._topology = False
            return True
        if now >= self.due_ns:
            self.due_ns = now + int(LOOK_S * NS_PER_S)
            items = self._box.items()
            if items is not None:
                self._look_at(items)
            else:
                self._box.counted = None
                self._counting = self.under_way = self._crew.begin([COUNT])
        return False

    def _look_at(self, items: list[Item]) -> None:
        self._box.gone(items)
        hanging, known = self._hanging(), self._box.found
        self.under_way = self._crew.begin(
            item for item in items if item not in known or known[item].uuid not in hanging
        )

    def tell(self, now: Instant) -> None:
        """Say what there is, when it is not what was said last, or an hour has passed."""
        rows = self._box.described()
        box = (rows, self._box.links)
        if box != self._told or now.boottime_ns - self._told_ns > HOUR_S * NS_PER_S:
            self._told = ([dict(row) for row in rows], list(self._box.links))
            self._told_ns = now.boottime_ns
            self._out.write({"t": "box", "time_ns": now.time_ns, "gpus": rows, "links": self._box.links})
