"""Two readings of everything, for a command that finds no recorder: nothing is written, nothing stays."""

import threading
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from wftui import clock
from wftui.clock import NS_PER_S, Clock, Instant
from wftui.collectors.base import STREAM, Collector
from wftui.model import health
from wftui.model.health import Health
from wftui.model.sample import Scrape
from wftui.model.table import TableSnapshot
from wftui.model.tick import Layout, Tick
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.source import Source
from wftui.recorder.tables import Tables

PAUSE_S: Final = 0.5
DEADLINE_S: Final = 3.0
SELDOM_S: Final = 10.0
FIRST_S: Final = 5.0
"""A vendor's library takes a second or two to open without its persistence daemon."""
AGAIN_S: Final = 1.2
"""Within it, what is read once a second is read twice."""
_STREAM_S: Final = 0.1
"""Between two questions to a source that gathers on its own."""


class Brief(NamedTuple):
    """Two ticks, so that counters have a rate, and what came with them."""

    first_layout: Layout
    first: Tick
    layout: Layout
    """Of the second tick; the first one's columns stand at the same places in it."""
    second: Tick
    tables: Sequence[TableSnapshot]
    health: Sequence[Health]


def sample_twice(collectors: Iterable[Collector], clk: Clock, pause_s: float = PAUSE_S) -> Brief:
    """Collect everything twice, each source in a thread under a deadline.

    A source that does not answer is stuck, and left alone: its thread ends with the process.
    """
    sources = [Source(item, off=False) for item in collectors]
    for source in sources:
        source.since_ns = clk.now().time_ns
    accumulator = Accumulator()
    tables = Tables()
    at = clk.now()
    _round(sources, at, accumulator, tables)
    first = accumulator.close(1, at.time_ns // NS_PER_S, at.boottime_ns, boot=1)
    first_layout = accumulator.layout
    _stream(sources, clk, pause_s, accumulator, tables)
    at = clk.now()
    _round(sources, at, accumulator, tables)
    second = accumulator.close(2, at.time_ns // NS_PER_S, at.boottime_ns, boot=1)
    for source in sources:
        if source.state != health.STUCK:
            source.collector.close()
    found = [source.health() for source in sources]
    return Brief(first_layout, first, accumulator.layout, second, tables.snapshots(), found)


def _round(sources: list[Source], at: Instant, accumulator: Accumulator, tables: Tables) -> set[str]:
    """Names of the sources that brought readings of their own."""
    read: set[str] = set()
    answers: dict[str, tuple[Scrape | Exception, float, float]] = {}

    def ask(source: Source) -> None:
        started, cpu = clock.perf_ns(), clock.thread_cpu_ns()
        result: Scrape | Exception
        try:
            result = source.collector.collect(at)
        except Exception as error:  # noqa: BLE001  the collector loop: this source becomes `failed`, others go on
            result = error
        answers[source.name] = (result, (clock.thread_cpu_ns() - cpu) / 1e9, (clock.perf_ns() - started) / 1e9)

    waiting = [source for source in sources if source.state != health.STUCK]
    threads = [threading.Thread(target=ask, args=(source,), daemon=True) for source in waiting]
    for thread in threads:
        thread.start()
    deadline = clock.perf_ns() + int(DEADLINE_S * 1e9)
    for thread in threads:
        thread.join(max(0.0, (deadline - clock.perf_ns()) / 1e9))
    for source in waiting:
        answer = answers.get(source.name)
        if answer is None:
            source.enter(health.STUCK, f"no answer for {DEADLINE_S:g} s", "", at.time_ns)
            continue
        result, cost_s, duration_s = answer
        if isinstance(result, Exception):
            source.enter(*source.failed(at, result), at.time_ns)
            continue
        source.succeeded(at, cost_s, duration_s)
        note = result.note
        source.enter(*((note.state, note.reason, note.fix) if note else (health.OK, "", "")), at.time_ns)
        for reading in result.readings:
            accumulator.add(reading.samples, reading.at, reading.interval_s)
        accumulator.add(result.samples, at, source.interval_s)
        for snapshot in result.tables:
            tables.scanned(snapshot, at.boottime_ns, source.name)
        # What comes seldom comes last: then everything was there once.
        if any(reading.samples and reading.interval_s >= SELDOM_S for reading in result.readings):
            read.add(source.name)
    return read


def _stream(sources: list[Source], clk: Clock, pause_s: float, accumulator: Accumulator, tables: Tables) -> None:
    """Spend the pause; before it, wait for the first readings of what gathers on its own, up to ``FIRST_S``."""
    begun_ns = clk.now().boottime_ns
    streams = [source for source in sources if source.collector.where == STREAM]
    # One that said why it brings nothing is not waited for.
    while streams := [source for source in streams if source.state == health.OK]:
        clock.sleep(_STREAM_S)
        read = _round(streams, clk.now(), accumulator, tables)
        streams = [source for source in streams if source.name not in read]
        if read:
            pause_s = max(pause_s, AGAIN_S)
        if clk.now().boottime_ns - begun_ns > FIRST_S * NS_PER_S:
            break
    clock.sleep(pause_s)
