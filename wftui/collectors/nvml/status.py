"""What the worker says of itself each second: what it waits for, what failed, what it costs."""

from typing import Final, NamedTuple

from wftui import clock
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.nvml.box import Box, Item
from wftui.collectors.nvml.lanes import Crew
from wftui.collectors.nvml.output import Out, resident
from wftui.collectors.nvml.pace import Pace
from wftui.collectors.nvml.session import CLOSING, OPEN
from wftui.collectors.nvml.xids import KernelLog, XidWatches

TELL_WAITING_S: Final = 1.0
"""A call that takes longer is told of."""
_EARLY_NS: Final = 50_000_000


class Crews(NamedTuple):
    """Who calls the library for the worker."""

    fast: Crew[str]
    slow: Crew[str]
    look: Crew[Item]
    opening: Crew[str]
    closing: Crew[str]

    @property
    def asking(self) -> tuple[Crew[str] | Crew[Item], ...]:
        """All but the one that shuts the library down."""
        return self[:-1]


class Status:
    """Written by the main thread."""

    def __init__(self, out: Out, crews: Crews, box: Box, xids: XidWatches, kernel: KernelLog, pace: Pace) -> None:
        self.due_ns = 0
        """CLOCK_BOOTTIME; 0: at the next look."""
        self._out = out
        self._crews = crews
        self._box = box
        self._xids = xids
        self._kernel = kernel
        self._pace = pace
        self._late: set[tuple[str, object]] = set()
        """What has been told to wait."""
        self._waits = False
        """It was told that a call about the library as a whole hangs."""

    def due(self, now: int) -> bool:
        """Whether it is time: once a second, and at once when a call has waited for too long or came back."""
        late: set[tuple[str, object]] = {
            (crew.name, target)
            for crew in self._crews.asking
            for target, call in crew.waiting().items()
            if _waited_s(call) > TELL_WAITING_S
        }
        if now < self.due_ns and late == self._late:
            return False
        self._late = late
        self.due_ns = now + NS_PER_S - _EARLY_NS
        return True

    def tell(self, now: Instant, state: str, library: dict[str, object], lost: dict[str, int]) -> None:
        """Write it.

        Args:
            now: Both clocks.
            state: Of the library: only of an open one events are heard.
            library: The frame about it that was written last.
            lost: GPUs that fail, with the code.
        """
        waiting, stuck = self._waiting()
        if state == CLOSING and (hangs := self._xids.hangs) is not None:
            stuck.append(hangs)
        self._tell_library(library, stuck)
        heard = None if self._kernel.readable else sorted(self._xids.heard()) if state == OPEN else []
        events = self._xids.hangs if state == OPEN else None
        self._out.write(
            {
                "t": "status", "time_ns": now.time_ns, "boottime_ns": now.boottime_ns, "waiting": waiting,
                "errors": self._errors(),
                "lost": lost,
                "heard": heard, "events": events and (events[0], _tenths(events)),
                "rate_hz": self._pace.rate, "cpu_utilization": self._pace.cost(now.boottime_ns),
                "memory_bytes": resident(),
            }
        )  # fmt: skip

    def _waiting(self) -> tuple[dict[str, tuple[str, float]], list[tuple[str, int]]]:
        """Of GPUs the call that hangs and for how long (s); calls that hang and are about none that is known."""
        crews = self._crews
        waiting: dict[str, tuple[str, float]] = {}
        for crew in (crews.slow, crews.fast):
            for uuid, call in crew.waiting().items():
                if _waited_s(call) > TELL_WAITING_S:
                    waiting[uuid] = call.call, _tenths(call)
        stuck: list[tuple[str, int]] = []
        for item, call in crews.look.waiting().items():
            known = self._box.found.get(item)
            if known is not None:
                waiting.setdefault(known.uuid, (call.call, _tenths(call)))
            else:
                stuck.append(call)
        stuck += (crews.opening.waiting() | crews.closing.waiting()).values()
        return waiting, stuck

    def _tell_library(self, library: dict[str, object], stuck: list[tuple[str, int]]) -> None:
        """What hangs of the library as a whole, each second; and once that nothing does any more."""
        if stuck:
            longest = min(stuck, key=lambda one: one[1])
            self._out.write({**library, "call": longest[0], "waiting_s": _tenths(longest)})
        elif self._waits:
            self._out.write(library)
        self._waits = bool(stuck)

    def _errors(self) -> dict[str, dict[str, int]]:
        """Of GPUs the fields whose code is another than was told, 0: it is read now."""
        errors = {}
        for uuid, target in list(self._box.targets.items()):
            codes = dict(target.codes)
            if codes != target.told:
                changed = {key: code for key, code in codes.items() if target.told.get(key) != code}
                changed |= dict.fromkeys((key for key in target.told if key not in codes), 0)
                target.told = codes
                errors[uuid] = changed
        return errors


def _waited_s(call: tuple[str, int]) -> float:
    return (clock.perf_ns() - call[1]) / 1e9


def _tenths(call: tuple[str, int]) -> float:
    return round(_waited_s(call), 1)
