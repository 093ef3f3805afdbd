"""Whether now is a good time for a backup: the machine has little to do, is steady, and its disks have room.

Told as the series ``wftop.backup.ready`` (0, 1; left out while it is not known) and, when it turns, as an event
with its evidence. wftop starts no backup.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

from wftui.alerts.states import Alert
from wftui.clock import NS_PER_S, Instant
from wftui.model.alerts import FIRING, SOURCE
from wftui.model.sample import DERIVED, Sample, column
from wftui.model.tick import Layout, Tick, unpack
from wftui.recorder.emitter import Emit
from wftui.windows.sliding import Sliding

EVENT: Final = "backup.ready"
SPAN_S: Final = 300
KNOWN: Final = 0.9
"""Share of the span's seconds that must have a value."""
CPU: Final = 0.20
"""Mean over the span, less than this; ``CPU_LEFT`` ends it, so that it does not come and go."""
CPU_LEFT: Final = 0.25
CPU_PEAK: Final = 0.50
"""95th percentile over the span: steady."""
DISK: Final = 0.50
"""Mean over the span of the busiest disk's share of time in use."""
FULL: Final = 0.95
"""Of the fullest file system."""
STEADY_NS: Final = 60 * NS_PER_S
"""It must hold for so long before it is told that it is a good time; that it is none any more is told at once."""
_GRAVE: Final = frozenset({"error", "critical"})
_NAN: Final = math.nan
_CPU: Final = "system.cpu.utilization"
_DISKS: Final = "system.disk.utilization"
_MOUNTS: Final = "system.filesystem.utilization"


class Readiness:
    """Looks at each closed second; 5 kB, some microseconds."""

    def __init__(self, emit: Emit) -> None:
        self.ready: bool | None = None
        """None: not known."""
        self._emit = emit
        self._cpu = Sliding(SPAN_S)
        self._disk = Sliding(SPAN_S)
        self._layout = -1
        self._places: dict[str, tuple[tuple[int, str], ...]] = {}
        self._at_ns = 0
        self._good_ns = 0
        """CLOCK_BOOTTIME since when all holds; 0: it does not."""
        self._fullest = (_NAN, "")
        self._alerts = 0
        self._column = column(
            SOURCE, "wftop.backup.ready", call="CPU, disks, file systems and alerts of 5 minutes", quality=DERIVED
        )

    def second(self, tick: Tick, layout: Layout, alerts: Iterable[Alert], at: Instant) -> list[Sample]:
        """Take a closed second in; ``alerts``: all that are active."""
        if layout.id != self._layout:
            self._bind(layout)
        values = unpack(tick.values)
        passed = round((at.boottime_ns - self._at_ns) / NS_PER_S) if self._at_ns else 1
        self._at_ns = at.boottime_ns
        for window in (self._cpu, self._disk):
            window.skip(passed - 1)
        self._cpu.put(max((values[place] for place, _ in self._places[_CPU]), default=_NAN))
        busy = [values[place] for place, _ in self._places[_DISKS] if values[place] == values[place]]
        self._disk.put(max(busy, default=_NAN))
        full = [(values[place], mount) for place, mount in self._places[_MOUNTS] if values[place] == values[place]]
        self._fullest = max(full, default=(_NAN, ""))
        self._alerts = sum(alert.state == FIRING and alert.severity in _GRAVE for alert in alerts)
        self._judge(at)
        return [] if self.ready is None else [Sample(self._column, float(self.ready))]

    def evidence(self) -> dict[str, Any]:  # Any: JSON values
        """Payload of the event: what is known, and what speaks against it."""
        against, unknown = self._against(), self._unknown()
        known: dict[str, Any] = {  # Any: JSON values
            "ready": self.ready,
            "cpu": _known(self._cpu.mean),
            "cpu_p95": _known(self._cpu.quantile(0.95)),
            "disk_busy": _known(self._disk.mean),
            "fullest": _known(self._fullest[0]),
            "mount": self._fullest[1],
            "alerts": self._alerts,
            "over_s": SPAN_S,
        }
        if against or unknown or not self.ready:
            known["why_not"] = against or unknown or [f"it has to hold for {STEADY_NS // NS_PER_S} s"]
        return known

    def _bind(self, layout: Layout) -> None:
        self._layout = layout.id
        found: dict[str, list[tuple[int, str]]] = {_CPU: [], _DISKS: [], _MOUNTS: []}
        for place, item in enumerate(layout.columns):
            labels = dict(item.series.labels)
            if item.series.name in found and "stat" not in labels:
                found[item.series.name].append((place, labels.get("mount", "")))
        self._places = {name: tuple(places) for name, places in found.items()}

    def _judge(self, at: Instant) -> None:
        before = self.ready
        if self._against():
            self.ready, self._good_ns = False, 0
        elif self._unknown():
            self.ready, self._good_ns = None, 0
        else:
            self._good_ns = self._good_ns or at.boottime_ns
            self.ready = self.ready is True or at.boottime_ns - self._good_ns >= STEADY_NS
        if self.ready is not None and self.ready is not before:
            self._emit(EVENT, ("backup", "ready"), self.evidence())

    def _against(self) -> list[str]:
        """What speaks against it, a text each; what is not known does not."""
        found = []
        limit, share = CPU_LEFT if self.ready else CPU, self._cpu.mean
        if _whole(self._cpu) and share >= limit:
            found.append(f"CPU {share:.0%} over 5 min")
        if _whole(self._cpu) and self._cpu.quantile(0.95) >= CPU_PEAK:
            found.append(f"CPU up to {self._cpu.quantile(0.95):.0%}")
        if _whole(self._disk) and self._disk.mean >= DISK:
            found.append(f"a disk busy {self._disk.mean:.0%} of the time")
        if self._fullest[0] >= FULL:
            found.append(f"{self._fullest[1]} is {self._fullest[0]:.0%} full")
        if self._alerts:
            found.append("an alert fires" if self._alerts == 1 else f"{self._alerts} alerts fire")
        return found

    def _unknown(self) -> list[str]:
        found = []
        if not _whole(self._cpu):
            found.append(f"CPU is known for {self._cpu.count} s of {SPAN_S}")
        if self._places.get(_DISKS) and not _whole(self._disk):
            found.append(f"disks are known for {self._disk.count} s of {SPAN_S}")
        if self._fullest[0] != self._fullest[0]:
            found.append("no file system is known")
        return found


def _whole(window: Sliding) -> bool:
    return window.covered and window.count >= KNOWN * SPAN_S


def _known(value: float) -> float | None:
    return round(value, 4) if value == value else None
