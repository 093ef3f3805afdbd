"""Moments that history told of, kept for a while: stepping to and fro asks nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from wftui.model.table import Row

KEPT: Final = 120
"""Moments kept: two minutes of ticks."""


class Spot(NamedTuple):
    """A place in time."""

    second: int
    """UTC."""
    seq: int | None = None
    """The tick there, when it is known or counted from one that is: both passes of a repeated hour have some."""
    snap: int = 0
    """Where to go when nothing was recorded there: 0 stays in the gap, 1 the next tick, -1 the one before, 2 the
    next or else the one before."""

    def question(self) -> wire.At:
        """What asks for it."""
        return wire.At(self.second * NS_PER_S, self.seq)


class Replies:
    """Answers by the number of their tick, the oldest ones dropped."""

    def __init__(self) -> None:
        self._kept: dict[int, wire.AtReply] = {}
        self._by_second: dict[int, int] = {}
        self._empty: set[tuple[int, int | None]] = set()
        self._last: wire.AtReply | None = None

    def find(self, spot: Spot) -> wire.AtReply | None:
        """The answer for a place; None: it is not here."""
        return self._kept.get(spot.seq if spot.seq is not None else self._by_second.get(spot.second, -1))

    def known(self, spot: Spot) -> bool:
        """Whether asking for this place again would tell nothing new."""
        return self.find(spot) is not None or (spot.second, spot.seq) in self._empty

    def keep(self, spot: Spot, reply: wire.AtReply) -> wire.AtReply:
        """Keep an answer, and hand it out as kept: what it shares with the one before it is there once."""
        tick, layout, last = reply.tick, reply.layout, self._last
        if tick is None or layout is None:
            self._empty.add((spot.second, spot.seq))
            return reply
        if last is not None and last.layout is not None:
            if last.layout.id == layout.id and last.layout.columns == layout.columns:
                reply = msgspec.structs.replace(reply, layout=last.layout)
            before = {item.change.name: item.change.rows for item in last.tables}
            for item in reply.tables:
                _share(item.change.rows, before.get(item.change.name, {}))
        self._last = reply
        self._kept.pop(tick.seq, None)
        self._kept[tick.seq] = reply
        if spot.seq is None:
            self._by_second[spot.second] = tick.seq
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        while len(self._by_second) > KEPT:
            del self._by_second[next(iter(self._by_second))]
        return reply

    def before(self, reply: wire.AtReply) -> wire.TickArrived | None:
        """The tick before that of an answer, under the same layout; None: it is not known."""
        if reply.before is not None or reply.tick is None:
            return reply.before
        kept = self._kept.get(reply.tick.seq - 1)
        return kept.tick if kept is not None and kept.layout is reply.layout else None

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._by_second.clear()
        self._empty.clear()
        self._last = None


def _share(rows: dict[str, Row], before: dict[str, Row]) -> None:
    """Equal rows become the same ones: a table at two moments is kept for what differs."""
    for key, row in rows.items():
        old = before.get(key)
        if old is not None and old == row:
            rows[key] = old
