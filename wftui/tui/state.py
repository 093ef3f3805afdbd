"""The view's model: what the recorder said last, and enough of the past for the graphs.

Plain data and arithmetic, no toolkit. Unknown is NaN. Rates of counters are made here, from two consecutive
ticks only: across a gap, a reset, a restart or another boot they are unknown.
"""

from __future__ import annotations

from array import array
from collections import deque
from functools import lru_cache
from typing import Final

from wftui.model import table as tables
from wftui.model import tick as ticks
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.sample import Column
from wftui.model.series import Series, matches, series
from wftui.model.table import Row
from wftui.render.graph import Lines
from wftui.tui.far import Far
from wftui.tui.history import NAN, STATISTICS, History
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

LIVE: Final = "live"
CONNECTING: Final = "connecting"
LOST: Final = "lost"

GRAPHED: Final = frozenset(
    {
        "system.cpu.utilization",
        "system.memory.utilization",
        "system.pressure.utilization",
        "system.disk.io",
        "system.disk.utilization",
        "system.network.throughput",
        "hw.temperature",
        "hw.gpu.utilization",
        "hw.gpu.memory.io.utilization",
        "hw.gpu.memory.utilization",
        "hw.gpu.power",
        "hw.gpu.temperature",
        "inference.tokens.rate",
        "inference.requests",
        "inference.kv_cache.utilization",
        "inference.prefix_cache.hit_ratio",
        "inference.energy.per_token",
        "inference.progress",
        "gen_ai.server.time_to_first_token",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.operation.time_per_output_chunk",
        "gen_ai.server.time_per_output_token",
        "inference.inter_token_latency",
        "ux.stream.rate",
        "ux.stream.energy",
        "ux.ensemble.energy",
        "ux.frame.longest",
        "wftop.fidelity.lag",
        "wftop.fidelity.ratio",
    }
)
"""Metrics whose plain series keep a history; counters among them as rates."""
EVENED: Final = frozenset({"inference.tokens.rate"})
"""Metrics of which a single sample between two ticks says little."""
EVENTS: Final = 1000
"""Events kept."""
_COUNTER: Final = "counter"


@lru_cache(maxsize=4096)
def text_of(name: str, *labels: tuple[str, str]) -> str:
    """Canonical text of a series; empty, which is none's, for labels that no series can have: those of a row in a
    recording from elsewhere may be anything."""
    try:
        return series(name, dict(labels)).text
    except ValueError:
        return ""


def shows(pattern: str, item: Series) -> bool:
    """Whether a pattern of a layout means a series: a name without labels means all its plain series."""
    if pattern == item.text or (pattern == item.name and not item.stat):
        return True
    return any(sign in pattern for sign in "*?[") and not item.stat and matches(pattern, item)


class State:
    """Everything the panels show. One writer (``on``), any number of readers, one thread."""

    def __init__(self) -> None:
        self.link = CONNECTING
        self.link_since_ns = 0
        """Boottime since which the link is as it is."""
        self.link_reason = ""
        self.hostname = ""
        self.hello: wire.Hello | None = None
        self.columns: list[Column] = []
        self.places: dict[str, int] = {}
        self.by_name: dict[str, list[Series]] = {}
        self.values = array("d")
        self.tick: wire.TickArrived | None = None
        self.slot = 0
        """Number of the newest second; differences are seconds of CLOCK_BOOTTIME."""
        self.histories: dict[str, History] = {}
        self.tables: dict[str, dict[str, Row]] = {}
        self.table_times: dict[str, int] = {}
        self.events: deque[Event] = deque(maxlen=EVENTS)
        self.event_slots: deque[tuple[int, Event]] = deque(maxlen=100)
        self.sources: list[Health] = []
        self.drawn: dict[tuple[str, int], tuple[object, ...]] = {}
        """Rows of the process table as last drawn: most of them are the same from one frame to the next."""
        self.lines = Lines()
        """Graphs as they were drawn last."""
        self.kept: dict[str, tuple[object, object]] = {}
        """What was made last under a name, with all that it was made of: ``scene.keep``."""
        self.table_version = 0
        """Another number as soon as a table is another."""
        self.version = 0
        """Another number as soon as a value may be another."""
        self.second = 0
        """The same of a second's values: samples between two ticks do not count."""
        self.dropped = 0
        self.far = Far()
        """What is older than the histories, for graphs that reach so far."""
        self.spans: dict[str, int] = {}
        """Seconds that a panel's graph shows by itself, as last drawn."""
        self.wanted: frozenset[str] = frozenset()
        """Patterns of series that keep a history too: those on a layout's graphs."""
        self._layout_id = -1
        self._rates: dict[str, float] = {}
        self._counters: list[tuple[str, int]] = []
        self._graphed: list[tuple[str, int, bool]] = []
        self._before: dict[str, float] = {}
        self._event_seqs: set[int] = set()
        self._labels: dict[tuple[str, str], list[str]] = {}
        self._evened: dict[int, deque[tuple[int, float]]] = {}
        """Place of a series that is evened out to its samples of the last second: when, and what."""

    # ---- what arrives

    def on(self, message: wire.Message) -> None:
        """Take in one message of the feed; others are not for us."""
        if isinstance(message, wire.TickArrived):
            self._on_tick(message)
        elif isinstance(message, wire.TableArrived):
            change = message.change
            tables.apply(self.tables.setdefault(change.name, {}), change)
            self.table_times[change.name] = change.time_ns
            self.table_version += 1
        elif isinstance(message, wire.LayoutChanged):
            self._on_layout(message)
        elif isinstance(message, wire.Samples):
            self._on_samples(message)
        elif isinstance(message, wire.EventArrived):
            self.add_events([message.event])
        elif isinstance(message, wire.HealthArrived):
            self.sources = message.sources
        elif isinstance(message, wire.Dropped):
            self.dropped += message.count

    def attached(self, hello: wire.Hello) -> None:
        """A recorder answered: forget what belonged to another one, keep the past that was drawn."""
        if self.hello is not None and (hello.data_dir, hello.boot_id) != (self.hello.data_dir, self.hello.boot_id):
            self.histories.clear()
            self.far = Far()
            self.events.clear()
            self.event_slots.clear()
            self._event_seqs.clear()
        if self.hello is not None and hello.session != self.hello.session:
            self.tick = None
        self.hello = hello
        self.hostname = hello.hostname or self.hostname
        self._layout_id = -1
        self.values = array("d")
        self._before = {}
        self._rates = {}
        self.tables.clear()
        self.table_version += 1

    def now_linked(self, link: str, boottime_ns: int, reason: str = "") -> None:
        """Set the link's state; ``since`` moves only when it changes."""
        if link != self.link:
            self.link_since_ns = boottime_ns
        self.link = link
        self.link_reason = reason

    def add_events(self, events: list[Event]) -> None:
        """Add events, oldest first; those already here are left out."""
        for item in events:
            if item.seq and item.seq in self._event_seqs:
                continue
            self._event_seqs.add(item.seq)
            self.events.append(item)
            if self.tick is not None:
                age = self.tick.time_s - item.time_ns // 1_000_000_000
                if 0 <= age < 600:
                    self.event_slots.append((self.slot - age, item))
                elif age < 0:
                    self.event_slots.append((self.slot + 1, item))
        if len(self._event_seqs) > 4 * EVENTS:
            self._event_seqs = {item.seq for item in self.events}

    def prefill(self, reply: wire.RangeReply) -> None:
        """Fill the histories from before the attach. Needs a tick first: it ties wall time to slots."""
        if self.tick is None or reply.step_ns <= 0:
            return
        step = max(1, round(reply.step_ns / 1_000_000_000))
        first = self.slot - (self.tick.time_s - reply.start_ns // 1_000_000_000)
        for item in reply.series:
            if not self.keeps(item.column.series):
                continue
            history = self.histories.setdefault(item.column.series.text, History())
            newest = self.slot
            fresh = History()
            for place, value in enumerate(ticks.unpack(item.mean)):
                for second in range(step):
                    slot = first + place * step + second
                    if slot <= newest:
                        fresh.put(slot, value)
            # What came as ticks since is exact: it stays. The first tick knows no rates, the journal does.
            for slot, value in zip(range(newest - 30, newest + 1), history.last(newest, 31), strict=True):
                if value == value:
                    fresh.put(slot, value)
            self.histories[item.column.series.text] = fresh

    def _on_layout(self, message: wire.LayoutChanged) -> None:
        self._layout_id = message.id
        # A series that began within a second changes the layout: what is known of the others goes on.
        known = {text: self.values[place] for text, place in self.places.items() if place < len(self.values)}
        evened = {self.columns[place].series.text: kept for place, kept in self._evened.items()}
        self.columns = message.columns
        self.places = {column.series.text: place for place, column in enumerate(message.columns)}
        self.by_name = {}
        self._labels = {}
        self._counters = []
        self._graphed = []
        self._evened = {}
        for place, column in enumerate(message.columns):
            item = column.series
            self.by_name.setdefault(item.name, []).append(item)
            counter = column.kind == _COUNTER
            if counter:
                self._counters.append((item.text, place))
            if item.name in EVENED and not item.stat:
                self._evened[place] = evened.get(item.text) or deque()
            if self.keeps(item):
                self._graphed.append((item.text, place, counter))
                self.histories.setdefault(item.text, History())
        self.values = array("d", [known.get(column.series.text, NAN) for column in message.columns])
        self._changed()

    def _on_tick(self, message: wire.TickArrived) -> None:
        if message.layout != self._layout_id:
            return
        values = ticks.unpack(message.values)
        if len(values) != len(self.columns):
            return
        before = self.tick
        elapsed_s = NAN
        if before is None:
            self.slot = message.time_s
        else:
            elapsed_s = (message.boottime_ns - before.boottime_ns) / 1e9
            # Whole seconds, so that a tick closed a little late does not leave a hole.
            same = message.boot == before.boot and elapsed_s > 0
            # The same number again is a second that was shown while it was still open.
            if not (same and message.seq == before.seq):
                self.slot += (
                    max(1, round(elapsed_s)) if same else max(1, min(3600, message.time_s - before.time_s))
                )
            if not same or message.seq != before.seq + 1 or elapsed_s > 1.5:
                elapsed_s = NAN
        self._rated(values, elapsed_s)
        self.tick = message
        rates = self._rates
        slot = self.slot
        for text, place, counter in self._graphed:
            self.histories[text].put(slot, rates[text] if counter else values[place])

    def _rated(self, values: array[float], elapsed_s: float) -> None:
        """Take the values of a tick, and the rates of its counters since the readings that are there."""
        old = self._before
        now: dict[str, float] = {}
        rates: dict[str, float] = {}
        for text, place in self._counters:
            value = values[place]
            now[text] = value
            change = value - old.get(text, NAN)
            # A smaller reading is a counter that began anew.
            rates[text] = change / elapsed_s if change >= 0 else NAN
        self._before = now
        self._rates = rates
        self.values = values
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self.second += 1

    def _on_samples(self, message: wire.Samples) -> None:
        if message.layout != self._layout_id:
            return
        values = ticks.unpack(message.values)
        for time_ns, place, value in zip(message.time_ns, message.places, values, strict=False):
            if place < len(self.values):
                self.values[place] = self._even(place, time_ns, value) if place in self._evened else value
        self.version += 1

    def _even(self, place: int, time_ns: int, value: float) -> float:
        """Mean of the last second: in a tenth of one four tokens are made or five, which nobody can read."""
        kept = self._evened[place]
        kept.append((time_ns, value))
        while kept[0][0] <= time_ns - NS_PER_S:
            kept.popleft()
        return sum(item for _, item in kept) / len(kept)

    def want(self, patterns: frozenset[str]) -> bool:
        """Keep the history of these series too; True: of some it was not kept yet."""
        more = not patterns <= self.wanted
        if patterns != self.wanted:
            self.wanted = patterns
            self._graphed = [
                (column.series.text, place, column.kind == _COUNTER)
                for place, column in enumerate(self.columns)
                if self.keeps(column.series)
            ]
            kept = {text for text, _, _ in self._graphed}
            self.histories = {text: held for text, held in self.histories.items() if text in kept}
            for text in kept:
                self.histories.setdefault(text, History())
        return more

    def keeps(self, item: Series) -> bool:
        """Whether a series has a history."""
        if item.name in GRAPHED and (not item.stat or item.stat in STATISTICS):
            return True
        return bool(self.wanted) and any(shows(pattern, item) for pattern in self.wanted)

    @property
    def selectors(self) -> list[str]:
        """What asks for the past of all series with a history."""
        return sorted(GRAPHED | self.wanted)

    # ---- what panels ask

    def value(self, name: str, *labels: tuple[str, str]) -> float:
        """The newest value of a series; NaN when unknown."""
        place = self.places.get(text_of(name, *labels) if labels else name)
        return self.values[place] if place is not None and place < len(self.values) else NAN

    def rate(self, name: str, *labels: tuple[str, str]) -> float:
        """A counter's increase per second between the last two ticks; NaN when unknown."""
        return self._rates.get(text_of(name, *labels) if labels else name, NAN)

    def newest(self, text: str, *, counter: bool) -> float:
        """The newest value of a series by its text, a counter's as its rate; NaN when unknown."""
        if counter:
            return self._rates.get(text, NAN)
        place = self.places.get(text)
        return self.values[place] if place is not None and place < len(self.values) else NAN

    def past(self, count: int, name: str, *labels: tuple[str, str]) -> list[float]:
        """The last ``count`` seconds of a graphed series; NaN = gap."""
        return self.seconds(text_of(name, *labels) if labels else name, count, self.ahead)

    def seconds(self, text: str, count: int, ahead: int = 0) -> list[float]:
        """The last ``count`` seconds of a series by its text, the last ``ahead`` of them still to come."""
        history = self.histories.get(text)
        return history.last(self.slot + ahead, count) if history else [NAN] * count

    @property
    def ahead(self) -> int:
        """Seconds at the right edge of a graph that are still to come: it moves by whole cells of two seconds."""
        return 1 - self.slot % 2

    def recent(self, seconds: int, name: str, *labels: tuple[str, str]) -> float:
        """Mean of the known values of the last seconds; NaN when there is none."""
        history = self.histories.get(text_of(name, *labels) if labels else name)
        known = [v for v in history.last(self.slot, seconds) if v == v] if history else []
        return sum(known) / len(known) if known else NAN

    def labels(self, name: str, key: str) -> list[str]:
        """Values that a label takes among the plain series of a metric, in layout order; not to be changed."""
        found = self._labels.get((name, key))
        if found is None:
            seen: dict[str, None] = {}
            for item in self.by_name.get(name, ()):
                if not item.stat and (value := item.label(key)):
                    seen[value] = None
            found = self._labels[name, key] = list(seen)
        return found

    def source(self, name: str) -> Health | None:
        """Health of one source; None when the recorder did not speak of it."""
        return next((item for item in self.sources if item.source == name), None)

    def processes(self) -> dict[str, Row]:
        """Rows of the process table."""
        return self.tables.get("processes", {})

    @property
    def stale(self) -> bool:
        """Whether what is shown is no longer so."""
        return self.link != LIVE
