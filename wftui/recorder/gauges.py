"""Series about the recorder's own parts: sources, views, store, bus, events."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from wftui import names
from wftui.energy.fidelity import CAUSES
from wftui.model.sample import Column, Sample, column
from wftui.recorder.history import Usage
from wftui.recorder.keeper import Keeper
from wftui.recorder.own import SOURCE
from wftui.recorder.sealing import Sealing
from wftui.recorder.source import Source
from wftui.wire.messages import Report
from wftui.wire.reports import Picture

_MOTIONS: Final = {"data": 0, "smooth": 1, "full": 2}
"""As ``wftop.view.motion`` has them."""


class Gauges:
    """Makes the columns once and the samples each second."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, str, str, str], Column] = {}
        self._events = {name: self._column(kind.counter) for name, kind in names.EVENT_TYPES.items()}

    def _column(self, name: str, key: str = "", value: str = "", mode: str = "") -> Column:
        found = self._columns.get((name, key, value, mode))
        if found is None:
            labels = ({key: value} if key else {}) | ({"mode": mode} if mode else {})
            found = self._columns[name, key, value, mode] = column(SOURCE, name, labels, call="wftop itself")
        return found

    def sources(self, sources: Iterable[Source]) -> Iterator[Sample]:
        """Cost and coverage of each source."""
        for source in sources:
            if source.off:
                continue
            name = source.name
            if source.duration_s is not None:
                yield Sample(self._column("wftop.source.duration", "source", name), source.tick_duration_s)
                source.tick_duration_s = source.duration_s
                cost = source.cost_s / source.interval_s
                yield Sample(self._column("wftop.source.cpu.utilization", "source", name), cost)
            coverage = source.coverage
            if coverage is not None:
                yield Sample(self._column("wftop.source.coverage", "source", name), coverage)
            yield Sample(self._column("wftop.source.interval", "source", name), source.interval_s)

    def counters(
        self, sources: Iterable[Source], rejected: Mapping[str, int], events: Mapping[str, int]
    ) -> Iterator[Sample]:
        """Everything that only grows: each second, or its rate would be nothing, nothing and then a leap.

        Args:
            sources: Their lateness and failures.
            rejected: Source to series that its limit kept out.
            events: Type to events of this session.
        """
        for source in sources:
            if not source.off:
                yield Sample(self._column("wftop.source.late", "source", source.name), source.late)
                yield Sample(self._column("wftop.source.failures", "source", source.name), source.failures)
        for name, count in rejected.items():
            yield Sample(self._column("wftop.series.rejected", "source", name), count)
        for name, count in events.items():
            yield Sample(self._events[name], count)

    def store(self, keeper: Keeper) -> Iterator[Sample]:
        """The journal."""
        if keeper.write_s:
            yield Sample(self._column("wftop.store.write.duration"), keeper.write_s)
            keeper.write_s = 0.0
        if keeper.size is not None:
            yield Sample(self._column("wftop.store.size"), keeper.size)
        yield Sample(self._column("wftop.store.pending"), keeper.pending)
        yield Sample(self._column("wftop.store.lost"), keeper.lost)

    def history(self, usage: Usage) -> Iterator[Sample]:
        """The history service, once there was one."""
        if usage.cpu_s or usage.memory_bytes is not None:
            yield Sample(self._column("wftop.history.cpu.time"), usage.cpu_s)
        if usage.memory_bytes is not None:
            yield Sample(self._column("wftop.history.memory.usage"), usage.memory_bytes)

    def seals(self, sealing: Sealing, keeper: Keeper) -> Iterator[Sample]:
        """CPU time of the sealers, and what was set aside: they only grow, so each second."""
        yield Sample(self._column("wftop.store.damaged"), keeper.damaged + sealing.damaged)
        yield Sample(self._column("wftop.seal.cpu.time"), sealing.cpu_s)

    def sealed(self, sealing: Sealing, keeper: Keeper, newest_seq: int) -> Iterator[Sample]:
        """The segments, and the sealer that ran last."""
        if keeper.segments_bytes is not None:
            yield Sample(self._column("wftop.store.segments.size"), keeper.segments_bytes)
        if not keeper.in_memory:
            yield Sample(self._column("wftop.store.unsealed"), max(0, newest_seq - keeper.sealed_seq))
        if sealing.duration_s is not None:
            yield Sample(self._column("wftop.seal.duration"), sealing.duration_s)
            yield Sample(self._column("wftop.seal.memory.usage"), sealing.peak_bytes)

    def tick(self, late_s: float, series: int, views: int, ring_s: float, ring_bytes: int) -> Iterator[Sample]:
        """The metronome and the rings."""
        yield Sample(self._column("wftop.tick.lateness"), late_s)
        yield Sample(self._column("wftop.tick.series"), series)
        yield Sample(self._column("wftop.view.count"), views)
        yield Sample(self._column("wftop.ring.capacity"), ring_s)
        yield Sample(self._column("wftop.ring.memory"), ring_bytes)

    def view(self, label: str, report: Report | None, dropped: int) -> Iterator[Sample]:
        """What a view says of itself."""
        yield Sample(self._column("wftop.bus.dropped", "view", label), dropped)
        if report is not None:
            yield Sample(self._column("wftop.cpu.utilization", "view", label), report.cpu_utilization)
            yield Sample(self._column("wftop.memory.usage", "view", label), report.memory_bytes)
            yield Sample(self._column("wftop.view.output", "view", label), report.output_bytes)
            yield Sample(self._column("wftop.view.frames", "view", label), report.frames)
            for name, value in (
                ("wftop.view.lag", report.lag_s),
                ("wftop.view.frame.duration", report.frame_s),
                ("wftop.view.key.duration", report.key_s),
                ("wftop.view.frame.interval", report.interval_s),
            ):
                if value is not None:
                    yield Sample(self._column(name, "view", label), value)
            yield Sample(self._column("wftop.view.motion", "view", label), _MOTIONS.get(report.motion, 0))
            if report.picture is not None:
                yield from self._picture(label, report.picture)

    def _picture(self, label: str, picture: Picture) -> Iterator[Sample]:
        """How true a view's picture of energy is."""
        for name, value in (
            ("wftop.fidelity.ratio", picture.ratio),
            ("wftop.fidelity.coherence", picture.coherence),
            ("wftop.fidelity.lag", picture.lag_s),
            ("wftop.fidelity.seen", picture.seen),
            ("wftop.fidelity.particles", picture.particles),
            ("wftop.fidelity.tokens", picture.tokens),
        ):
            if value is not None:
                yield Sample(self._column(name, "view", label), value)
        for cause, units in picture.missed.items():
            if cause in CAUSES:
                yield Sample(self._column("wftop.fidelity.missed", "view", label, cause), units)
        if picture.ratio is not None:
            for cause in CAUSES:
                share = picture.lost.get(cause, 0.0)
                yield Sample(self._column("wftop.fidelity.lost", "view", label, cause), share)
