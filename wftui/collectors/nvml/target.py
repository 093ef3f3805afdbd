"""One GPU that can be asked, and what asking it has shown."""

from typing import Any

from wftui.collectors.nvml import binding as b

Numbers = dict[str, int | float]
"""Field key (``fields.py``) to what was read, in the library's units."""


class Target:
    """One GPU (or MIG instance) that has a handle, and what was found out about it."""

    def __init__(self, uuid: str, handle: object, *, instance: bool = False) -> None:
        self.uuid = uuid
        self.handle = handle
        self.instance = instance
        """A MIG instance: most readings are not offered."""
        self.blocked: dict[str, int] = {}
        """Reading to ``clock.perf_ns`` (ns) until which it is not asked again."""
        self.codes: dict[str, int] = {}
        """Field key to the code of its last answer, where that is not 0."""
        self.told: dict[str, int] = {}
        """What the recorder knows of ``codes``."""
        self.failing = 0
        """Code that all calls of the last round gave; 0: some answered."""
        self.asked: set[str] = set()
        """Cadences of which it was read once."""
        self.memory_v1 = False
        self.links: list[int] | None = None
        """NVLinks that exist; None: not looked yet."""
        self.samples: list[Any] = []  # Any: the binding's GPM samples
        self.sampled = False
        self.metrics: Any = None  # Any: the binding's request for GPM metrics
        self.rooms: dict[tuple[int | tuple[int, int], ...], b.Wanted] = {}
        """Field values asked for together, to the room for their answers."""
        self.busy = True
        """Something ran on it in the last reading, or a process holds it; so until it is known."""
        self.held = True
        """A process is listed on it."""
        self.values: dict[str, Numbers] = {}
        """Cadence to what was read last and not sent yet."""


def forgive(target: Target) -> None:
    """Ask again for everything that was given up."""
    target.blocked.clear()
    target.links = None
