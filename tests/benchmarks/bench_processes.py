"""What the host collectors cost: one collection each, and process scans of many sizes, beside psutil.

CPU time of this thread, user and system together. Fake processes are folders with the text of a real ``stat``: the
kernel's own cost of making that text is not in them, so the real machine's row stands beside them. ``--real
5000`` starts that many sleepers instead of 300.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from wftui.clock import SystemClock
from wftui.collectors.base import Collector
from wftui.collectors.process import Processes
from wftui.collectors.registry import host_collectors
from wftui.errors import SourceError

CLOCK = SystemClock()
BUDGET = 0.003
"""Share of a core that one source may cost."""
ATTRIBUTES = ["pid", "ppid", "username", "name", "status", "cpu_times", "memory_info", "num_threads"]


def cost_us(call: Callable[[], object], rounds: int) -> float:
    """Mean CPU (µs) of a call."""
    start = time.thread_time_ns()
    for _ in range(rounds):
        call()
    return (time.thread_time_ns() - start) / rounds / 1000


def once(collector: Collector) -> None:
    """Collect; a source that this machine lacks costs what its refusal costs."""
    try:
        collector.collect(CLOCK.now())
    except SourceError:
        return


def collectors() -> None:
    print(f"{'source':<12} {'interval':>9} {'first µs':>9} {'then µs':>9} {'of a core':>10}")
    whole = 0.0
    for collector in host_collectors():
        first = cost_us(partial(once, collector), 1)
        then = cost_us(partial(once, collector), 20 if collector.name == "processes" else 300)
        share = then / 1e6 / collector.interval_s
        whole += share
        print(f"{collector.name:<12} {collector.interval_s:>7.1f} s {first:>9.0f} {then:>9.1f} {share:>10.4%}")
        collector.close()
    print(f"{'all':<12} {'':>9} {'':>9} {'':>9} {whole:>10.4%}")


def fake(root: Path, count: int, busy: int) -> Callable[[], None]:
    """Plant ``count`` processes; the returned call makes ``busy`` of them use CPU."""
    before, _, after = Path("/proc/self/stat").read_text().rpartition(") ")[2].partition(" ")
    fields = (before + " " + after).split()

    def write(pid: int, ticks: int) -> None:
        fields[11] = str(ticks)
        (root / str(pid) / "stat").write_text(f"{pid} (worker) {' '.join(fields)}\n")

    for pid in range(1, count + 1):
        folder = root / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes(b"worker\0--number\0" + str(pid).encode() + b"\0")
        (folder / "cgroup").write_text("0::/system.slice/worker.service\n")
        (folder / "io").write_text("rchar: 1\nread_bytes: 1\nwrite_bytes: 1\n")
        write(pid, 1)
    ticks = iter(range(2, 1_000_000))

    def move() -> None:
        now = next(ticks)
        for pid in range(1, busy + 1):
            write(pid, now)

    return move


def scan(title: str, source: Processes, move: Callable[[], None], rounds: int) -> None:
    first = cost_us(lambda: once(source), 1)
    once(source)  # the second scan describes each process again
    spent = 0.0
    for _ in range(rounds):
        move()
        spent += cost_us(lambda: once(source), 1)
    each = spent / rounds
    interval = max(2.0, each / 1e6 / BUDGET)
    count = len(source.collect(CLOCK.now()).tables[0].rows)
    print(
        f"{title:<34} {count:>6} {first / 1000:>9.2f} {each / 1000:>9.2f} {interval:>7.1f} s"
        f" {each / 1e6 / interval:>9.3%}"
    )


def psutil_scan(title: str) -> None:
    def call() -> None:
        for _ in psutil.process_iter(ATTRIBUTES):
            pass

    first = cost_us(call, 1)
    each = cost_us(call, 5)
    print(f"{title:<34} {len(psutil.pids()):>6} {first / 1000:>9.2f} {each / 1000:>9.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=int, default=300, help="sleeping processes to start (default 300)")
    real: int = parser.parse_args().real
    collectors()
    print()
    print(f"{'process scan':<34} {'rows':>6} {'first ms':>9} {'then ms':>9} {'interval':>9} {'of a core':>9}")
    sleepers = [subprocess.Popen(["sleep", "600"]) for _ in range(real)]
    try:
        scan(f"real, {real} sleepers more", Processes(), lambda: None, 20)
        psutil_scan("the same by psutil")
    finally:
        for child in sleepers:
            child.kill()
        for child in sleepers:
            child.wait()
    for count, busy in ((300, 30), (300, 300), (5000, 100), (5000, 5000)):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            scan(f"folders, {busy} of {count} busy", Processes(root), fake(root, count, busy), 5)


if __name__ == "__main__":
    main()
