"""What pushes cost the recorder, and what it takes: `python -m tests.benchmarks.bench_push [part…]`.

Parts: ``rates`` (CPU of the recorder by schedstat, beyond that of the same recorder without pushes), ``burst``
(100,000 samples a second for 10 s: what was acknowledged against what the ticks hold), ``fuzz`` (a million spoilt
lines: one answer each, nothing on stderr, lag of the recorder's loop), ``labels`` (a million distinct labels),
``client`` (what a call costs the program). Without a part: all. The recorder runs in folders of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.bare import echo, idle
from tests.harness import Running, events
from tests.process.test_push import Program, line, told
from tests.spoilt import spoilt

SAMPLES = 10_000
BURST = 100_000
BURST_S = 10
MESSAGES = 1_000_000
LABELS = 1_000_000
WATCHED = """
import asyncio, json, os, sys, time
from wftui.recorder.service import Recorder
run, late = Recorder.run, []

async def watch():
    while True:
        due, mine, all_ = time.monotonic() + 0.005, time.thread_time(), time.process_time()
        await asyncio.sleep(0.005)
        now = time.monotonic()
        late_s = now - due
        late.append((now, late_s, min(late_s, time.thread_time() - mine), min(late_s, time.process_time() - all_)))

async def watched(self):
    task = asyncio.ensure_future(watch())
    try:
        return await run(self)
    finally:
        task.cancel()
        with open(os.environ["LAG_FILE"], "w") as file:
            json.dump(late, file)

Recorder.run = watched
from wftui.__main__ import main
sys.exit(main())
"""
"""``wftop`` whose recorder notes how late a timer of 5 ms is, and how much of that its loop and all its threads
computed: on a machine whose cores are all busy with the benchmark itself the rest is other programs' time."""


def cpu_s(pid: int) -> float:
    """CPU seconds of all threads of a process."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


def rss_mb(pid: int) -> float:
    """RSS (MB) of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def share(pid: int, during: Callable[[], object]) -> float:
    """CPU (% of a core) of a process while something is done."""
    before, start = cpu_s(pid), time.monotonic()
    during()
    return (cpu_s(pid) - before) / (time.monotonic() - start) * 100


@contextmanager
def fresh(program: Iterable[str] = ()) -> Iterator[Running]:
    """A recorder in folders of its own, settled."""
    with tempfile.TemporaryDirectory(prefix="wfbench") as folder:
        for name in ("DATA_HOME", "STATE_HOME", "CONFIG_HOME", "RUNTIME_DIR"):
            path = Path(folder, name.lower())
            path.mkdir(mode=0o700)
            os.environ[f"XDG_{name}"] = str(path)
        os.environ["LAG_FILE"] = str(Path(folder, "lag"))
        with Running(program=tuple(program)) as running:
            running.ready().ticks(8)
            yield running


def paced(
    per_s: int, batch: int, seconds: float, sample: Callable[[int], dict[str, Any]], together: int = 1
) -> tuple[int, float]:
    """Push at a rate, so many lines at once before their answers; returns (acknowledged, reached a second)."""
    each = batch * together
    lines = [
        line(*(sample(first + place) for place in range(batch)), source="p")
        for first in range(0, 50 * each, batch)
    ]
    said = [b"".join(lines[first : first + together]) for first in range(0, len(lines), together)]
    acknowledged = sent = 0
    with Program() as program:
        start = time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            if sent + each > passed * per_s:
                time.sleep((sent + each) / per_s - passed)
            program.send(said[sent // each % 50])
            sent += each
            acknowledged += sum(program.reply()["accepted"] for _ in range(together))
        return acknowledged, acknowledged / (time.monotonic() - start)


ROW = "{:>10} {:>7} {:<13} {:>6} {:>10.0f} {:>12.2f} {:>7.1f}"


def rates() -> None:
    """CPU at 10,000 samples a second, in lines of several lengths."""
    heads = ("samples/s", "a line", "kind", "series", "reached/s", "% of a core", "RSS MB")
    print("{:>10} {:>7} {:<13} {:>6} {:>10} {:>12} {:>7}".format(*heads))
    with fresh() as running:
        idle = share(running.pid, lambda: time.sleep(8))
        print(ROW.format(0, "-", "-", "-", 0, idle, rss_mb(running.pid)), " (all else)")
        for per_s, batch, kind, series, together in (
            (SAMPLES, 1000, "gauge", 500, 1),
            (SAMPLES, 100, "gauge", 500, 1),
            (SAMPLES, 10, "gauge", 500, 1),
            (SAMPLES, 1, "gauge", 500, 100),
            (SAMPLES, 100, "counter", 100, 1),
            (SAMPLES, 100, "distribution", 20, 1),
            (BURST, 1000, "gauge", 500, 1),
        ):
            push = partial(paced, per_s, batch, 8, partial(sample, kind, series), together)
            cost, reached = cost_of(running.pid, push)
            words = f" ({together} lines at once)" if together > 1 else ""
            print(ROW.format(per_s, batch, kind, series, reached, cost - idle, rss_mb(running.pid)) + words)
            if batch == 10:
                bare = echo(line(*(sample(kind, series, n) for n in range(batch))), per_s // batch, 8)
                print(ROW.format(per_s, batch, "a bare echo", "-", per_s, bare, 0.0), " (understands nothing)")
        cost, reached = cost_of(running.pid, partial(events_of, SAMPLES, 8))
        print(ROW.format(SAMPLES, 8, "event fields", 8, reached, cost - idle, rss_mb(running.pid)))
        running.stop()


def sample(kind: str, series: int, number: int) -> dict[str, Any]:
    """One of some series."""
    return {"name": f"{kind}{number % series}", "value": number % 97 * 0.013 + 0.1, "kind": kind}


def cost_of(pid: int, push: Callable[[], tuple[int, float]]) -> tuple[float, float]:
    """CPU (% of a core) while something is pushed, and how many a second were acknowledged."""
    found: list[tuple[int, float]] = []
    cost = share(pid, lambda: found.append(push()))
    return cost, found[0][1]


def events_of(per_s: int, seconds: float) -> tuple[int, float]:
    """Metrics events of eight fields at a rate, sent by fifties; returns as ``paced``."""
    event = {"source": "ui", "type": "performance", "tags": {"view": "main"}}
    said = json.dumps({**event, "data": {f"field{n}": n * 0.5 for n in range(8)}}).encode() + b"\n"
    acknowledged = sent = 0
    with Program() as program:
        start = time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            if sent + 400 > passed * per_s:
                time.sleep((sent + 400) / per_s - passed)
            program.send(said * 50)
            sent += 400
            acknowledged += sum(program.reply()["accepted"] for _ in range(50))
        return acknowledged, acknowledged / (time.monotonic() - start)


def burst() -> None:
    """100,000 a second for 10 s: nothing acknowledged may be lost."""
    with fresh() as running:
        acknowledged, reached = paced(
            BURST, 1000, BURST_S, lambda n: {"name": f"n{n % 1000}", "value": 1, "kind": "counter"}
        )
        running.stop()
        last = told(running.where)[-1]
        stored = sum(value for text, value in last.items() if text.startswith("custom.p.n"))
        lost = acknowledged - stored
        answered = f"{acknowledged:,} acknowledged, {stored:,.0f} stored, {lost:,.0f} lost"
        print(f"burst: {reached:,.0f} samples/s, {answered}")


def lag(since: float, until: float) -> str:
    """Lag of the loop in [since, until) (CLOCK_MONOTONIC), in words."""
    found = [item for item in json.loads(Path(os.environ["LAG_FILE"]).read_text()) if since <= item[0] < until]
    said = []
    for what, place in (("late", 1), ("its own", 2), ("its process's", 3)):
        said.append(f"{what} {spread([item[place] for item in found])}")
    return f"{', '.join(said)} ms (p50 / p99 / most of {len(found)})"


def spread(late_s: list[float]) -> str:
    """p50, p99 and most (ms)."""
    late = sorted(item * 1000 for item in late_s)
    return f"{late[len(late) // 2]:.1f} / {late[int(len(late) * 0.99)]:.1f} / {late[-1]:.1f}"


def fuzz() -> None:
    """A million spoilt lines."""
    with fresh((sys.executable, "-c", WATCHED)) as running, idle() as beside:
        quiet = time.monotonic()
        time.sleep(5)
        start, answered, accepted, rejected = time.monotonic(), 0, 0, 0
        with Program() as program:
            batch: list[bytes] = []
            for said in spoilt(MESSAGES):
                batch.append(said)
                if len(batch) == 500:
                    program.send(b"\n".join(batch) + b"\n")
                    for _ in batch:
                        reply = program.reply()
                        answered += 1
                        accepted += reply["accepted"]
                        rejected += len(reply["rejected"]) + reply.get("more", 0)
                    batch.clear()
        ended = time.monotonic()
        memory = rss_mb(running.pid)
        running.stop()
        said_on_stderr = [item for item in running.errors().splitlines() if "rror" in item or "Traceback" in item]
        print(
            f"fuzz: {answered:,} of {MESSAGES:,} lines answered in {ended - start:.0f} s, {accepted:,} samples",
            end="",
        )
        print(f" accepted, {rejected:,} refused; {len(said_on_stderr)} errors on stderr; RSS {memory:.1f} MB")
        print(f"      the loop: {lag(start, ended)}")
        print(f"      before:   {lag(quiet, start)}")
        for item in said_on_stderr[:5]:
            print("     ", item)
    for what, since, until in (("meanwhile", start, ended), ("before", quiet, start)):
        late_s = [late for at, late in beside if since <= at < until]
        print(f"      an idle loop in another process {what}: late {spread(late_s)} ms of {len(late_s)}")
    print(f"      load average now: {os.getloadavg()[0]:.1f}")


def labels() -> None:
    """A million distinct labels."""
    with fresh((sys.executable, "-c", WATCHED)) as running, Program() as other:
        before = rss_mb(running.pid)
        most = before
        ends = threading.Event()
        sent = [0]

        def go_on() -> None:
            while not ends.wait(0.25):
                other.native({"name": "steady", "value": 1, "kind": "counter"}, source="other")
                sent[0] += 1

        thread = threading.Thread(target=go_on)
        thread.start()
        accepted, start = 0, time.monotonic()
        with Program() as program:
            for first in range(0, LABELS, 500):
                batch = (
                    {"name": "x", "value": 1, "labels": {"model": f"m{n}"}} for n in range(first, first + 500)
                )
                accepted += program.native(*batch, source="flood")["accepted"]
                most = max(most, rss_mb(running.pid))
        ended = time.monotonic()
        ends.set()
        thread.join()
        running.ticks(running.status().ticks + 3)
        most = max(most, rss_mb(running.pid))
        states = {item.source: item for item in running.status().sources}
        running.stop()
        ticks = told(running.where)
        last = ticks[-1]
        steady = [tick for tick in ticks if STEADY in tick]
        rejected = last['wftop.series.rejected{source="push:flood"}']
        count = len(events(running.where, "series.limited"))
        print(
            f"labels: {LABELS:,} in {ended - start:.0f} s, {accepted:,} series kept, {rejected:,.0f} refused",
            end="",
        )
        print(f" and counted, {count} event")
        print(f"      RSS {before:.1f} -> at most {most:.1f} MB ({most - before:+.1f})")
        print(f"      the loop: {lag(start, ended)}")
        print(f"      push:flood is {states['push:flood'].state}: {states['push:flood'].reason}")
        since = len(ticks) - next(number for number, tick in enumerate(ticks) if STEADY in tick)
        print(
            f"      the other source: {last[STEADY]:.0f} of {sent[0]} counted, in {len(steady)} of {since} ticks"
        )


STEADY = 'custom.other.steady{source="other"}'

CLIENT = """
import sys, time
start = time.perf_counter()
from wftui.client.push import Pusher
imported = time.perf_counter() - start
push = Pusher("bench", room=1_000_000)
push.gauge("x", 1); push.flush()
labels = {"model": "m"}
for what, call in (("gauge", lambda n: push.gauge("x", n)),
                   ("gauge with a label", lambda n: push.gauge("x", n, labels)),
                   ("timing", lambda n: push.timing("t", 0.001)), ("frame", lambda n: push.frame(0.001))):
    time.sleep(0.5)
    start = time.perf_counter()
    for n in range(20_000): call(n)
    print(f"client: {what:<20} {(time.perf_counter() - start) / 20_000 * 1e6:6.2f} us a call")
    push.flush(30)
rss = int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
print(f"client: import {imported * 1e3:.1f} ms; accepted {push.accepted}, dropped {push.dropped}; ", end="")
print(f"RSS of the program {rss:.1f} MB")
"""


def client() -> None:
    """What the client costs its program."""
    with fresh() as running:
        subprocess.run([sys.executable, "-c", CLIENT], check=True)
        running.stop()


PARTS = {"rates": rates, "burst": burst, "fuzz": fuzz, "labels": labels, "client": client}


def main() -> None:
    """Run the parts that are asked for."""
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
