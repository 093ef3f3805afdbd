"""Cost of the rules a second: 100 of them over 400 series, thresholds alone and everything at once.

Usage: ``python tests/benchmarks/bench_alerts.py [--rules N] [--series N] [--seconds N]``. Each mix is a process of
its own; its windows are an hour old before anything is measured. Milliseconds are CPU time, other processes
apart; the first second, which counts what is in the windows, is told by itself. With 4000 seconds each window ends
a round. Target: p99 <= 2 ms, <= 3 MB.
"""

from __future__ import annotations

import argparse
import gc
import random
import subprocess
import sys
import time
import tracemalloc
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from wftui.alerts.engine import Engine  # noqa: E402  after the path of the checkout
from wftui.alerts.rule import (  # noqa: E402  as above
    Aggregation,
    All,
    Anomaly,
    Any,
    Baseline,
    Condition,
    Forecast,
    Query,
    Rule,
    Threshold,
)
from wftui.clock import NS_PER_S, Instant  # noqa: E402  as above
from wftui.model import health  # noqa: E402  as above
from wftui.model.health import Health  # noqa: E402  as above
from wftui.model.sample import MEASURED, Column  # noqa: E402  as above
from wftui.model.series import series  # noqa: E402  as above
from wftui.model.tick import Layout, Tick, pack  # noqa: E402  as above
from wftui.names import GAUGE, METRICS  # noqa: E402  as above

START_S: Final = 1_790_000_000
MIXES: Final = ("now", "windows", "typical", "widest")
PER_RULE: Final = 4
"""Series that a rule looks at."""
NAMES: Final = [name for name, metric in METRICS.items() if metric.kind == GAUGE][:20]
SOURCES: Final = {name: Health(name, health.OK, interval_s=1.0) for name in ("cpu", *map(str, range(25)))}


def query(number: int, aggregation: Aggregation, window_s: int) -> Query:
    """Of four series of one name: ``cpu="12-*"``."""
    return Query(f'{NAMES[number % 20]}{{cpu="{number}-*"}}', aggregation, window_s)


def condition(mix: str, place: int, rng: random.Random, groups: int) -> Condition:
    """The rule at a place of a mix."""
    number = place % groups
    simple = Threshold(query(number, "last", 0), ">", 0.9)
    averaged = Threshold(query(number, "avg", rng.choice((30, 60, 300))), ">", 0.9)
    ranked = Threshold(query(number, "p95", 3600 if mix == "widest" else 60), ">", 0.9)
    usual = Baseline(query(number, "avg", 60), ">", 50, rng.choice((3600, 86_400)), "standard_deviation")
    odd = Anomaly(query(number, "avg", 60), 5, season="hour" if place % 2 else "off")
    line = Forecast(query(number, "last", 3600), ">", 1, 4 * 3600)
    if mix == "now":
        return simple
    if mix == "windows":
        return (simple, averaged, Threshold(query(number, "max", 60), ">", 0.99))[place % 3]
    if mix == "typical":
        kinds = (simple,) * 8 + (averaged,) * 7 + (ranked,) * 2 + (usual, odd, line)
        return kinds[place % 20]
    every = (ranked, usual, odd, line, All((simple, averaged)), Any((simple, Threshold(ranked.query, "<", 0.01))))
    return every[place % len(every)]


def begin(mix: str, rules: int, count: int) -> tuple[Engine, Callable[[int], Tick], Layout]:
    """An engine with its rules bound, and with weeks of what is usual, as a start reads it back."""
    rng = random.Random(1)  # noqa: S311  numbers for a benchmark
    columns = tuple(
        Column(
            series(NAMES[n // PER_RULE % 20], {"cpu": f"{n // PER_RULE}-{n % PER_RULE}"}),
            "1",
            "gauge",
            "system",
            MEASURED,
            "cpu",
            "x",
        )
        for n in range(count)
    )
    ticks = [pack(array("d", [round(rng.random() * 0.5, 4) for _ in range(count)])) for _ in range(97)]

    def tick(second: int) -> Tick:
        return Tick(second, START_S + second, (second + 1) * NS_PER_S, 1, 1, ticks[second % 97])

    gc.collect()
    if tracemalloc.is_tracing():
        tracemalloc.reset_peak()
        tracemalloc.clear_traces()
    engine = Engine()
    made = [Rule(f"rule.r{n}", condition(mix, n, rng, count // PER_RULE), for_s=30) for n in range(rules)]
    engine.use(made, Instant(START_S * NS_PER_S, NS_PER_S))
    layout = Layout(1, columns)
    engine.past(tick(0), layout, SOURCES)
    for signal in engine.signals():
        for usual in signal.usuals.values():
            if usual.step_s > 60:
                usual.fill(START_S, array("d", [rng.random() * 0.5 for _ in range(usual.steps)]))
    return engine, tick, layout


def weigh(mix: str, rules: int, count: int) -> None:
    """Bytes of an engine: rings have their size from the start, what is kept in order grows for an hour."""
    tracemalloc.start()
    engine, tick, layout = begin(mix, rules, count)
    for second in range(1, 3700):
        engine.past(tick(second), layout, SOURCES)
        if second == 30:
            engine.second(tick(31), layout, SOURCES, Instant(START_S * NS_PER_S, 32 * NS_PER_S))
    gc.collect()
    print(f"memory {tracemalloc.get_traced_memory()[0] / 1e6:5.2f} MB")


def child(mix: str, rules: int, count: int, seconds: int) -> None:
    """One mix: an hour is read back, then each second is measured by itself."""
    engine, tick, layout = begin(mix, rules, count)
    began = time.thread_time()
    for second in range(1, 3700):
        engine.past(tick(second), layout, SOURCES)
    past = (time.thread_time() - began) / 3700
    spent = []
    for second in range(3700, 3700 + seconds):
        one, now = tick(second), Instant((START_S + second + 1) * NS_PER_S, (second + 1) * NS_PER_S)
        began_ns = time.thread_time_ns()
        engine.second(one, layout, SOURCES, now)
        spent.append((time.thread_time_ns() - began_ns) / 1e6)
    other = Layout(2, layout.columns)
    began_ns = time.thread_time_ns()
    engine.past(tick(3700 + seconds), other, SOURCES)
    bound = (time.thread_time_ns() - began_ns) / 1e6
    first = spent.pop(0)
    spent.sort()
    print(
        f"{mix:8} p50 {spent[len(spent) // 2]:6.2f} ms  p99 {spent[len(spent) * 99 // 100]:6.2f} ms  "
        f"most {spent[-1]:6.2f} ms  first {first:5.1f} ms  read back {past * 1e3:5.2f} ms/s  "
        f"new layout {bound:6.1f} ms  ",
        end="",
        flush=True,
    )


def main() -> None:
    """Each mix."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--seconds", type=int, default=1200)
    parser.add_argument("--child", choices=MIXES)
    parser.add_argument("--weigh", choices=MIXES)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.rules, given.series, given.seconds)
        return
    if given.weigh:
        weigh(given.weigh, given.rules, given.series)
        return
    print(f"{given.rules} rules, {given.series} series, {PER_RULE} a rule, {given.seconds} s")
    passed = ["--rules", str(given.rules), "--series", str(given.series), "--seconds", str(given.seconds)]
    for mix in MIXES:
        subprocess.run([sys.executable, __file__, "--child", mix, *passed], check=True)
        subprocess.run([sys.executable, __file__, "--weigh", mix, *passed], check=True)


if __name__ == "__main__":
    main()
