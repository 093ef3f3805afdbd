"""All collectors together: what they emit is in the catalogue, nothing touches what it should not."""

import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.kernel_files import PROC, at, values
from wftui import names
from wftui.clock import SystemClock
from wftui.collectors import portable
from wftui.collectors.base import INLINE, STREAM, THREAD, Collector
from wftui.collectors.registry import host_collectors
from wftui.errors import SourceError
from wftui.model.health import STATES
from wftui.model.processes import PROCESSES
from wftui.model.sample import Scrape

PORTABLE = {
    "system.cpu.utilization", "system.cpu.logical.utilization", "system.cpu.time", "system.memory.usage",
    "system.memory.utilization", "system.paging.usage", "system.disk.io", "system.network.io",
    "system.process.count",
}  # fmt: skip


def scrapes(collectors: list[Collector], pause_s: float = 0.0) -> list[tuple[Collector, Scrape]]:
    """Three rounds 0.1 s apart on the boottime clock; sources that refuse give nothing.

    ``pause_s``: real time between two readings of a real machine, whose clock ticks every 10 ms.
    """
    found = []
    refusals = []
    for call, collector in itertools.product(range(3), collectors):
        if collector is collectors[0]:
            time.sleep(pause_s)
        try:
            found.append((collector, collector.collect(at(call / 10))))
        except SourceError as error:
            refusals.append(error)
    assert all(error.reason and error.state in STATES for error in refusals)
    for collector in collectors:
        collector.close()
        collector.close()
    return found


def check(found: list[tuple[Collector, Scrape]]) -> set[str]:
    """Names that came; asserts that each series is as the catalogue has it."""
    seen = set()
    for collector, scrape in found:
        values(scrape)
        for sample in scrape.samples:
            item = sample.column
            metric = names.METRICS[item.series.name]
            assert {key for key, _ in item.series.labels} <= set(metric.labels), item.series.text
            assert (item.unit, item.kind, item.group) == (metric.unit, metric.kind, metric.group)
            assert item.source == collector.name
            assert sample.value == sample.value, item.series.text  # no NaN
            if metric.unit == "1":
                assert 0 <= sample.value <= 1, item.series.text
            elif metric.kind == names.COUNTER:
                assert sample.value >= 0
            seen.add(metric.name)
        for table in scrape.tables:
            assert table.schema is PROCESSES
            assert table.rows
            for key, row in table.rows.items():
                assert len(row) == len(PROCESSES.columns)
                assert key == f"{row[0]}:{row[1]}"
    return seen


def test_this_machine_is_in_the_catalogue() -> None:
    assert check(scrapes(host_collectors(discover=False), 0.05)) >= PORTABLE - {"system.disk.io"}


def test_the_fixtures_are_in_the_catalogue(tmp_path: Path) -> None:
    seen = check(scrapes(host_collectors(PROC, tmp_path)))
    assert {"system.disk.io", "system.network.io", "system.pressure.time", "system.paging.faults"} <= seen


def test_psutil_uses_the_same_names() -> None:
    ours = {collector.name for collector in host_collectors()}
    collectors = portable.collectors()
    assert {collector.name for collector in collectors} <= ours
    assert check(scrapes(collectors, 0.05)) >= PORTABLE - {"system.disk.io"}


def test_psutil_agrees_with_our_own_reading() -> None:
    def read(collectors: list[Collector]) -> dict[str, float]:
        return {k: v for _, scrape in scrapes(collectors) for k, v in values(scrape).items()}

    wanted = ("memory", "paging", "network", "cores")
    ours = read([c for c in host_collectors() if c.name in wanted])
    theirs = read([c for c in portable.collectors() if c.name in wanted])
    for name in ("system.memory.limit", 'system.paging.usage{mode="used"}', "system.cpu.logical.count"):
        if name != "system.memory.limit" or ours[name] == ours["system.memory.physical"]:
            assert ours[name] == theirs[name]
    for name in ("system.cpu.context_switches", 'system.cpu.time{mode="user"}'):
        assert ours[name] == pytest.approx(theirs[name], rel=0.05)


def test_names_places_and_rates() -> None:
    collectors = host_collectors()
    assert len({collector.name for collector in collectors}) == len(collectors)
    for collector in collectors:
        assert collector.where in (INLINE, STREAM, THREAD)
        assert collector.interval_s > 0
        assert collector.timeout_s > 0
    rates = {collector.name: collector.interval_s for collector in collectors}
    assert [rates[name] for name in ("cpu", "memory", "pressure")] == [0.1] * 3
    assert [rates[name] for name in ("cores", "disks", "network", "cgroup", "paging")] == [1.0] * 5


def test_inline_collectors_are_quick() -> None:
    """They run in the recorder's event loop. Generous: the benchmark has the real figures."""
    clock = SystemClock()
    for collector in host_collectors():
        if collector.where == INLINE:
            best = float("inf")
            for _ in range(5):
                start = clock.now().boottime_ns
                try:
                    collector.collect(clock.now())
                except SourceError:
                    break
                best = min(best, clock.now().boottime_ns - start)
            else:
                assert best < 20e6, collector.name
            collector.close()


def test_linux_never_loads_psutil_or_heavy_modules() -> None:
    program = (
        "import sys; from wftui.collectors.registry import host_collectors\n"
        "host_collectors()\n"
        "print(sorted({'psutil', 'logging', 'hashlib', 'subprocess', 'tempfile', 'random',"
        " 'asyncio', 'textual', 'duckdb', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
