"""Clocks that are held back: samples, and events once it has lasted."""

from collections.abc import Iterator
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.model.gpus import HARMLESS
from wftui.model.sample import JsonValue

HOLD_S: Final = 3.0
"""So long clocks have to be held back, or free, before it is an event: flapping makes no storm."""


class Throttle:
    """Of one GPU."""

    def __init__(self) -> None:
        self.reasons: frozenset[str] = frozenset()
        """Now, as in ``model.gpus.REASONS``."""
        self.since_ns = 0
        """UTC; since when it was told as an event."""
        self.told = False
        """Whether that it is held back was told as an event."""
        self._held = False
        self._held_ns = self._begun_ns = 0
        self._held_time_ns = 0
        self._why: frozenset[str] = frozenset()
        self._seen: set[str] = set()

    def take(self, reasons: frozenset[str], at: Instant) -> Iterator[tuple[str, float]]:
        """Take a reading in; gives (mode, 1 or 0) of the series, ``any`` first."""
        self.reasons = reasons
        trouble = reasons - HARMLESS
        self._seen |= trouble
        if bool(trouble) != self._held or not self._held_ns:
            self._held, self._held_ns, self._held_time_ns = bool(trouble), at.boottime_ns, at.time_ns
        if self._held and self.told:
            self._why |= trouble
        yield "any", float(bool(trouble))
        for reason in sorted(self._seen):
            yield reason, float(reason in trouble)

    def forget(self) -> None:
        """It is not asked any more: what holds it back is not known."""
        self.reasons = frozenset()
        self._held, self._held_ns = False, 0

    def event(self, at: Instant) -> tuple[str, dict[str, JsonValue]] | None:
        """The event that is due: (type, payload)."""
        if self._held == self.told or not self._held_ns:
            return None
        if at.boottime_ns - self._held_ns < HOLD_S * NS_PER_S:
            return None
        self.told = self._held
        if self._held:
            self.since_ns, self._begun_ns = self._held_time_ns, self._held_ns
            self._why = self.reasons - HARMLESS
            return "gpu.throttled", {"reasons": list[JsonValue](sorted(self._why))}
        seconds = round((self._held_ns - self._begun_ns) / NS_PER_S, 1)
        return "gpu.unthrottled", {"reasons": list[JsonValue](sorted(self._why)), "for_s": seconds}
