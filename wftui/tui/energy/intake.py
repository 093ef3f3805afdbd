"""From the counters of streams to what the field is fed: so many more tokens and EU, between two moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.energy import stream
from wftui.model.streams import COUNTERS
from wftui.tui.energy.flows import Flow, flows
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from wftui.tui.energy.field import Field
    from wftui.tui.state import State

SLOWEST: Final = 3.0
FASTEST: Final = 30.0
PER_TOKEN: Final = 0.4
"""Cells a second: of a stream next to nothing, at most, and for each token a second."""
DRIFT: Final = 12.0
"""The same of what is left of an answer that has ended."""
_OLDEST_S: Final = 5.0
_BEHIND_S: Final = 0.5
"""A tick counts as of its second's end, and has a reading that may be so much older: what samples have told since
is not told again."""
_APART_S: Final = 1.5
"""Between two readings of a counter at most."""
_DENSEST_S: Final = 0.1
"""And at least: nobody looks more often."""
_SETTLED: Final = 2
"""Ticks after which a stream that was not there before has begun now."""
_THICKER_S: Final = (0.5, 1.5, 4.0)
"""Times to the first token from which on its bolt is a cell thicker."""


class _Known(NamedTuple):
    tokens: float
    units: float
    at_s: float
    first_token_s: float
    grew_s: float
    """When there were more tokens than before."""


class Intake:
    """Of one field. Nothing is taken of the time in which nobody looked."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self._known: dict[str, _Known] = {}
        self._ticks = 0
        self._only: frozenset[str] | None = None

    def narrow(self, only: frozenset[str] | None) -> None:
        """Take nothing but these streams from now on; None: all. With others somebody just began to look."""
        if only != self._only:
            self._only = only
            self.forget()

    def forget(self) -> None:
        """Nobody looks any more."""
        self._known.clear()
        self._ticks = 0

    def take(self, state: State, message: wire.Message, now_s: float, wall_ns: int) -> None:
        """A message that the state has taken in.

        Args:
            state: The newest values.
            message: A tick or samples; others tell nothing.
            now_s: Of the field's clock.
            wall_ns: The same moment, UTC.
        """
        times: dict[int, int] = {}
        at_ns = wall_ns
        if isinstance(message, wire.TickArrived):
            self._ticks += 1
            at_ns = (message.time_s + 1) * NS_PER_S
        elif isinstance(message, wire.Samples):
            times = dict(zip(message.places, message.time_ns, strict=False))
        else:
            return
        for flow in flows(state):
            if self._only is not None and flow.key not in self._only:
                continue
            if times:
                at_ns = times.get(flow.counted, 0)
                if not at_ns:
                    continue
            ago_s = min(_OLDEST_S, max(0.0, (wall_ns - at_ns) / NS_PER_S))
            self._one(flow, now_s - ago_s)

    def _one(self, flow: Flow, at_s: float) -> None:
        belt = self.field.belt(flow.key)
        belt.speed = speed(flow)
        if flow.tokens != flow.tokens:
            return
        units = flow.units if flow.units == flow.units else 0.0
        now = _Known(flow.tokens, units, at_s, flow.first_token_s, at_s)
        before = self._known.get(flow.key)
        if before is None:
            # Of a stream that just began all is new; of one that was there, what comes from now on.
            self._known[flow.key] = now
            if self._ticks < _SETTLED:
                return
            before = _Known(0.0, 0.0, at_s, float("nan"), at_s)
        tokens, more = now.tokens - before.tokens, now.units - before.units
        if tokens < 0 or more < 0:
            if at_s > before.at_s + _BEHIND_S:  # a counter that began anew
                self._known[flow.key] = now
            return
        at_s = max(at_s, before.at_s)
        self._known[flow.key] = now._replace(at_s=at_s, grew_s=at_s if tokens else before.grew_s)
        self._strike(flow, before)
        if tokens or more:
            # A counter is read now and then: what it tells came at any time since it was read before.
            since_s, rate = before.at_s, flow.rate
            if flow.told_by == COUNTERS:
                since_s = max(before.grew_s, at_s - _APART_S)
                # Of a server that is looked at seldom more come at once than its rate says: they share particles.
                rate = max(rate, tokens / max(_DENSEST_S, at_s - since_s))
            self.field.feed(
                flow.key, since_s, at_s, round(tokens), more,
                certainty=flow.certainty, rate=rate,
            )  # fmt: skip

    def _strike(self, flow: Flow, before: _Known) -> None:
        """An answer's first token came: the time to it is another one than before."""
        wait_s = flow.first_token_s
        if wait_s == wait_s and wait_s != before.first_token_s:
            self.field.bolt(flow.key, bolt(wait_s))


def bolt(wait_s: float) -> int:
    """Cells that the bolt of a first token is thick: slower is thicker."""
    return 1 + sum(wait_s >= limit for limit in _THICKER_S)


def speed(flow: Flow) -> float:
    """Cells a second that a stream's belt travels: a stalled one stands still, an ended one runs empty."""
    if flow.state == stream.STALLING:
        return 0.0
    if flow.rate > 0:
        return min(FASTEST, SLOWEST + PER_TOKEN * flow.rate)
    return DRIFT if flow.state in (stream.DRAINED, stream.IDLE, stream.CHARGING) else 0.0
