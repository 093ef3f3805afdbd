"""What befell a GPU and is not over: each beginning and each end is one event."""

from typing import Final, NamedTuple

from wftui.clock import NS_PER_S
from wftui.model import health
from wftui.model.gpus import LOST
from wftui.model.sample import JsonValue
from wftui.windows.flaps import PAUSE_NS


class Turn(NamedTuple):
    """An event that is due."""

    kind: str
    """An event type of the catalogue."""
    for_s: float | None = None
    """How long it was so; None: it begins."""
    left_out: int = 0
    """Of its kind since the last that was told."""

    def payload(self) -> dict[str, JsonValue]:
        """What the event says of it."""
        said: dict[str, JsonValue] = {} if self.for_s is None else {"for_s": self.for_s}
        return said | {"left_out": self.left_out} if self.left_out else said


_BEGINS: Final = {LOST: "gpu.lost", health.STUCK: "gpu.stuck", health.ASLEEP: "gpu.asleep"}
_ENDS: Final = {LOST: "gpu.returned", health.STUCK: "gpu.answered", health.ASLEEP: "gpu.awake"}
_WELL: Final = frozenset({health.OK, health.UNSUPPORTED})
_OVER: Final = {
    # A lost GPU is back when it works or sleeps: one whose calls hang or are refused is not.
    LOST: _WELL | {health.ASLEEP},
    # Its call came back, whatever it said.
    health.STUCK: _WELL | {LOST, health.FAILED, health.DENIED, health.ASLEEP},
    health.ASLEEP: _WELL | {health.STUCK, health.FAILED, health.DENIED},
}
"""What begun to the states that end it."""


_DAMPED: Final = frozenset({health.STUCK, health.ASLEEP})
"""A call that hangs in each slow reading would be a thousand events an hour: told once a minute each. Lost is told
each time."""


class Episodes:
    """Of one GPU. Only what is known of itself belongs here: a worker that is silent says nothing of it."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        """State to boottime (ns) of its beginning."""
        self._told_ns: dict[str, int] = {}
        """State to boottime (ns) of the last beginning that was told."""
        self._left_out: dict[str, int] = {}
        self._quiet: set[str] = set()
        """States that are so, and were not told."""

    def enter(self, state: str, boottime_ns: int) -> list[Turn]:
        """The events of coming into a state, or of staying in it: none then, but for what was left out before."""
        turns = []
        for begun, since_ns in list(self._open.items()):
            if state in _OVER[begun]:
                del self._open[begun]
                if begun in self._quiet:
                    self._quiet.discard(begun)
                    self._left_out[begun] = self._left_out.get(begun, 0) + 1
                else:
                    turns.append(Turn(_ENDS[begun], round((boottime_ns - since_ns) / NS_PER_S, 1)))
            elif begun == health.ASLEEP and state == LOST:
                del self._open[begun]  # one that vanished while it slept never woke: no word of its end
                self._quiet.discard(begun)
        if state in _BEGINS and state not in self._open:
            self._open[state] = boottime_ns
            self._quiet.add(state)
        for begun in sorted(self._quiet):
            told_ns = self._told_ns.get(begun) if begun in _DAMPED else None
            if told_ns is None or boottime_ns - told_ns >= PAUSE_NS:
                self._quiet.discard(begun)
                self._told_ns[begun] = boottime_ns
                turns.append(Turn(_BEGINS[begun], left_out=self._left_out.pop(begun, 0)))
        return turns
