"""Two readings of everything, for a command that finds no recorder: nothing is written, nothing stays."""

import threading
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from wftui import clock
from wftui.clock import NS_PER_S, Clock, Instant
from wftui.collectors.base import Collector
from wftui.model import health
from wftui.model.health import Health
from wftui.model.sample import Scrape
from wftui.model.table import TableSnapshot
from wftui.model.tick import Layout, Tick
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.source import Source

PAUSE_S: Final = 0.5
DEADLINE_S: Final = 3.0


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
    tables: dict[str, TableSnapshot] = {}
    at = clk.now()
    _round(sources, at, accumulator, tables)
    first = accumulator.close(1, at.time_ns // NS_PER_S, at.boottime_ns, boot=1)
    first_layout = accumulator.layout
    clock.sleep(pause_s)
    at = clk.now()
    _round(sources, at, accumulator, tables)
    second = accumulator.close(2, at.time_ns // NS_PER_S, at.boottime_ns, boot=1)
    for source in sources:
        if source.state != health.STUCK:
            source.collector.close()
    found = [source.health() for source in sources]
    return Brief(first_layout, first, accumulator.layout, second, list(tables.values()), found)


def _round(sources: list[Source], at: Instant, accumulator: Accumulator, tables: dict[str, TableSnapshot]) -> None:
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
        accumulator.add(result.samples, at, source.interval_s)
        tables.update({snapshot.schema.name: snapshot for snapshot in result.tables})
