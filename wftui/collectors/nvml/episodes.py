"""What befell a GPU and is not over: each beginning and each end is one event."""

from typing import Final, NamedTuple

from wftui.clock import NS_PER_S
from wftui.model import health
from wftui.model.gpus import LOST


class Turn(NamedTuple):
    """An event that is due."""

    kind: str
    """An event type of the catalogue."""
    for_s: float | None = None
    """How long it was so; None: it begins."""


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


class Episodes:
    """Of one GPU. Only what is known of itself belongs here: a worker that is silent says nothing of it."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        """State to boottime (ns) of its beginning."""

    def enter(self, state: str, boottime_ns: int) -> list[Turn]:
        """The events of coming into a state, or of staying in it: none then."""
        turns = [
            Turn(_ENDS[begun], round((boottime_ns - since_ns) / NS_PER_S, 1))
            for begun, since_ns in self._open.items()
            if state in _OVER[begun]
        ]
        # One that vanished while it slept never woke: its sleep ends without a word.
        self._open = {
            begun: since_ns
            for begun, since_ns in self._open.items()
            if state not in _OVER[begun] and not (begun == health.ASLEEP and state == LOST)
        }
        if state in _BEGINS and state not in self._open:
            self._open[state] = boottime_ns
            turns.append(Turn(_BEGINS[state]))
        return turns
