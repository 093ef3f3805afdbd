"""The model of one moment in the past: the same panels draw it, fed from history instead of the feed."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from wftui.model import health
from wftui.model import table as tables
from wftui.model import tick as ticks
from wftui.model.health import Health
from wftui.tui.history import NAN
from wftui.tui.state import GRAPHED, LIVE, State, text_of
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.event import Event
    from wftui.tui.blocks import Blocks

UNTOLD = "unknown"
"""State of a source that no record tells of."""
_SOURCE = "source"
_STORE = "store"


class Moment(State):
    """A state that jumps. Graphs come from blocks by wall second; a gap shows nothing but unknowns."""

    def __init__(self, blocks: Blocks, live: State) -> None:
        """``live``: whose machine it is."""
        super().__init__()
        self._blocks = blocks
        self.wanted = live.wanted
        self.far = live.far
        self._layout: wire.LayoutChanged | None = None
        self._shown_events: tuple[int, int] = (-1, -1)
        # The machine of now is the shape of what nobody recorded: panels with unknowns, not without rows.
        self._on_layout(wire.LayoutChanged(-1, live.columns))
        self.link = LIVE
        self.hello = live.hello
        self.hostname = live.hostname

    def show(self, reply: wire.AtReply, before: wire.TickArrived | None) -> None:
        """Show a moment that was recorded; ``before``: the tick before it under the same layout."""
        tick, layout = reply.tick, reply.layout
        if tick is None or layout is None:
            return
        if layout is not self._layout:
            self._on_layout(layout)
            self._layout = layout
        values = ticks.unpack(tick.values)
        if len(values) != len(self.columns):
            return
        elapsed_s = NAN
        self._before = {}
        if before is not None and (before.boot, before.seq) == (tick.boot, tick.seq - 1):
            old = ticks.unpack(before.values)
            elapsed_s = (tick.boottime_ns - before.boottime_ns) / 1e9
            if len(old) == len(values) and 0 < elapsed_s <= 1.5:
                self._before = {text: old[place] for text, place in self._counters}
        self._rated(values, elapsed_s)
        self.tick = tick
        self.slot = tick.time_s
        self._blocks.note(
            tick.time_s,
            {text: self._rates[text] if counter else values[place] for text, place, counter in self._graphed},
        )
        self._show_tables(reply.tables)

    def blank(self, second: int) -> None:
        """Show a second without a tick."""
        self.values = array("d", [NAN]) * len(self.columns)
        self._rates = {}
        self._changed()
        self.tick = wire.TickArrived(0, second, 0, 0, self._layout_id, b"")
        self.slot = second
        self._show_tables([])

    def _show_tables(self, arrived: Sequence[wire.TableArrived]) -> None:
        times = {item.change.name: item.change.time_ns for item in arrived}
        if times == self.table_times:
            return
        self.tables = {}
        self.table_times = times
        self.table_version += 1
        for item in arrived:
            tables.apply(self.tables.setdefault(item.change.name, {}), item.change)

    def show_events(self, known: Sequence[Event], upto: int, version: int) -> None:
        """Show the first ``upto`` of the events around the cursor; ``version``: another one for other events."""
        if self._shown_events == (version, upto):
            return
        self._shown_events = (version, upto)
        self.events.clear()
        self.events.extend(known[max(0, upto - (self.events.maxlen or upto)) : upto])
        self.event_slots.clear()
        self.event_slots.extend((item.time_ns // 1_000_000_000, item) for item in known[max(0, upto - 100) : upto])

    def show_sources(self, told: Sequence[Event], later: Sequence[Health]) -> None:
        """Health of the sources then: figures from the tick, the state from the last word before it.

        ``told``: changes of state and starts of recorders before the moment, oldest first. A recorder begins with
        every source well, so what did not change since is; where no start is known either, neither is the state.
        ``later``: how sources were later; who has been so since before the moment was so then.
        """
        after = {item.source: item for item in later}
        known = dict.fromkeys((*self.labels("wftop.source.interval", _SOURCE), *after))
        said: dict[str, Event] = {}
        began: Event | None = None
        for item in told:
            if item.type == "recorder.started":
                began = item
                said.clear()
            elif item.type == "source.state":
                said[item.aggregate_id] = item
            else:
                said[_STORE] = item
        names = (*known, *(said.keys() - known))
        self.sources = [self._health(name, said.get(name), began, after.get(name)) for name in names]

    def _health(self, name: str, word: Event | None, began: Event | None, later: Health | None) -> Health:
        label = (_SOURCE, name)
        coverage = self.value("wftop.source.coverage", label)
        duration = self.value("wftop.source.duration", label)
        interval = self.value("wftop.source.interval", label)
        state, reason, since = UNTOLD, "its state then was not recorded", 0
        if word is not None:
            state, since = str(word.payload.get("after") or UNTOLD), word.time_ns
            reason = str(word.payload.get("reason") or "")
            if name == _STORE:
                state = health.FAILED if word.type == "store.failed" else health.OK
        elif began is not None and (interval == interval or name == _STORE):
            state, reason, since = health.OK, "", began.time_ns
        elif later is not None and 0 < later.since_ns <= self.slot * NS_PER_S:
            state, reason, since = later.state, later.reason, later.since_ns
        return Health(
            name,
            state,
            reason,
            since_ns=since,
            interval_s=interval if interval == interval else 0.0,
            duration_s=duration if duration == duration else None,
            coverage=coverage if coverage == coverage else None,
            late=_whole(self.value("wftop.source.late", label)),
            failures=_whole(self.value("wftop.source.failures", label)),
        )

    # ---- what panels ask

    def past(self, count: int, name: str, *labels: tuple[str, str]) -> list[float]:
        """The seconds up to the cursor of a graphed series; NaN = gap."""
        if name not in GRAPHED:
            return [NAN] * max(0, count)
        return self.seconds(text_of(name, *labels) if labels else name, count, self.ahead)

    def seconds(self, text: str, count: int, ahead: int = 0) -> list[float]:
        """The last seconds before the cursor, from blocks."""
        return self._blocks.values(text, self.slot + ahead, count) if count > 0 else []

    def recent(self, seconds: int, name: str, *labels: tuple[str, str]) -> float:
        """Mean of the known values of the last seconds; NaN when there is none."""
        if name not in GRAPHED:
            return NAN
        found = self._blocks.values(text_of(name, *labels) if labels else name, self.slot, seconds)
        known = [value for value in found if value == value]
        return sum(known) / len(known) if known else NAN


def _whole(value: float) -> int:
    """Negative: unknown."""
    return int(value) if value == value else -1
