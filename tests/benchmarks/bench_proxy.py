"""What `wftop proxy` adds: time to the first text and per chunk at 50 streams, CPU per 1,000 chunks, memory.

50 clients keep a stream of server-sent events open each: straight to a server, through a bare pump of asyncio and
through the proxy, in turn in one run, so that all meet the same machine. Server, pump, proxy, clients and the
recorder that is told are processes of their own; all clocks are the kernel's one.

Run: python -m tests.benchmarks.bench_proxy [--streams 50] [--rounds 10] [--seconds 1.5]. Ends with 1 when the
limit is missed. On a machine where others work, too: ``chrt --rr 1 python -m …``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.benchmarks.streams import CHUNKS, PACE_S, Clients, Seen, Server, pump

ROOT = Path(__file__).resolve().parents[2]
LIMIT_MS = 1.0
QUIET = 0.3
"""Share of one CPU that others may take in a round."""
_BURSTS = 3
FEWEST = 50
"""Times that a percentile needs."""


def cpu_ns(pid: int) -> int:
    """CPU time of a process."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def memory(pid: int) -> tuple[float, float]:
    """RSS and PSS, MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = {line.split()[0]: int(line.split()[1]) / 1024 for line in text.splitlines()[1:] if line.endswith("kB")}
    return found["Rss:"], found["Pss:"]


def quantiles(values: list[int]) -> list[float]:
    """p50, p95, p99 in ms."""
    cuts = statistics.quantiles(values, n=100)
    return [cuts[at] / 1e6 for at in (49, 94, 98)]


class Others:
    """CPU time of all programs but these: what they take is missing to what is measured."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = list(pids)
        self._at = self._now()

    def share(self) -> float:
        """Of one CPU, since the last call."""
        began, self._at = self._at, self._now()
        return (self._at[1] - began[1]) / (self._at[0] - began[0])

    def _now(self) -> tuple[int, int]:
        user, nice, system, _, _, hard, soft, steal = Path("/proc/stat").read_text().split()[1:9]
        busy_ns = sum(map(int, (user, nice, system, hard, soft, steal))) * 10**9 // os.sysconf("SC_CLK_TCK")
        own_ns = time.process_time_ns() + sum(map(cpu_ns, self._pids))
        return time.monotonic_ns(), busy_ns - own_ns


def spread(clients: Clients, seconds: float) -> None:
    """Requests at any moment, each stream in its own time."""
    clients.spread(seconds, steps=False)


def in_steps(clients: Clients, seconds: float) -> None:
    """Requests at any moment, all streams in one time."""
    clients.spread(seconds, steps=True)


def bursts(clients: Clients, _: float) -> None:
    """All at once, on new connections."""
    clients.bursts(_BURSTS)


PATTERNS: tuple[tuple[str, Callable[[Clients, float], None]], ...] = (
    ("arrivals spread, each stream in its own time", spread),
    ("arrivals spread, all streams in step, as a server that batches sends", in_steps),
    ("all clients connect in the same instant", bursts),
)


@contextmanager
def started(*words: str, folder: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process and its first line."""
    private = {"XDG_RUNTIME_DIR": folder, "XDG_STATE_HOME": folder, "XDG_DATA_HOME": folder}
    env = {**os.environ, **private, "PYTHONPATH": str(ROOT), "WFTOP_SERVERS_DISCOVER": "false"}
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def main() -> int:
    """Measure and print; 1 when the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--pump", type=int)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.5)
    arguments = parser.parse_args()
    if arguments.serve:
        Server().run()
    if arguments.pump:
        asyncio.run(pump(arguments.pump))
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wftop-bench-"))

        def start(*words: str) -> tuple[subprocess.Popen[str], str]:
            return stack.enter_context(started(*words, folder=folder))

        server, told = start(__file__, "--serve")
        port = int(told)
        pumping, pump_port = start(__file__, "--pump", str(port))
        recorder, _ = start("-m", "wftui", "record")
        upstream = f"http://127.0.0.1:{port}"
        proxy, told = start("-m", "wftui", "proxy", "--upstream", upstream, "--listen", "127.0.0.1:0")
        ports = {"straight": port, "pump": int(pump_port), "proxy": int(told.partition(",")[0].rpartition(":")[2])}
        others = Others(one.pid for one in (server, pumping, recorder, proxy))
        return measure(arguments, ports, {"pump": pumping.pid, "proxy": proxy.pid}, others)


def measure(arguments: argparse.Namespace, ports: dict[str, int], pids: dict[str, int], others: Others) -> int:
    """The rounds, and the tables."""
    print(
        f"{arguments.streams} streams of {CHUNKS} tokens, one each {PACE_S * 1000:g} ms; "
        f"{arguments.rounds} rounds; ms, and what the way adds"
    )
    Clients(ports["proxy"], Seen(), arguments.streams).spread(1.0, steps=False)
    first = memory(pids["proxy"])[0]
    added = 0.0
    for number, (title, pattern) in enumerate(PATTERNS):
        seen, spent, left_out = played(arguments, ports, pids, others, pattern)
        print(f"\n{title}")
        for name in TITLES:
            grown = rows(name, {way: getattr(one, name) for way, one in seen.items()})
            if number == 0 and name != "chunk":
                added = max(added, grown)
        chunks = {way: len(seen[way].fresh + seen[way].kept + seen[way].chunk) for way in pids}
        costs = ", ".join(f"{way} {spent[way] / max(1, chunks[way]) / 1e3:.1f} ms" for way in pids)
        print(f"  CPU of 1,000 chunks: {costs}; rounds left out, since others were busy: {left_out}")
    rss, pss = memory(pids["proxy"])
    print(f"\nmemory of the proxy: RSS {first:.1f} MB after a second, {rss:.1f} MB at the end, PSS {pss:.1f} MB")
    missed = added > LIMIT_MS
    print(f"target: first text, arrivals spread, p50 added <= {LIMIT_MS:g} ms: {'MISSED' if missed else 'met'}")
    return int(missed)


def played(
    arguments: argparse.Namespace,
    ports: dict[str, int],
    pids: dict[str, int],
    others: Others,
    pattern: Callable[[Clients, float], None],
) -> tuple[dict[str, Seen], dict[str, int], int]:
    """What the clients of each way saw, CPU of the ways (ns), and how many rounds were left out.

    A round in which other programs took much is played again, up to twice as many in all; what comes after that
    counts as it is.
    """
    seen = {way: Seen() for way in ports}
    spent = dict.fromkeys(ports, 0)
    left_out = 0
    for _ in range(arguments.rounds):
        for way, port in ports.items():
            while True:
                found = Seen()
                others.share()
                before = cpu_ns(pids[way]) if way in pids else 0
                pattern(Clients(port, found, arguments.streams), arguments.seconds)
                cost = cpu_ns(pids[way]) - before if way in pids else 0
                if others.share() <= QUIET or left_out >= arguments.rounds * len(ports):
                    break
                left_out += 1
            seen[way].add(found)
            spent[way] += cost
    return seen, spent, left_out


TITLES = {
    "fresh": "first text, new connection",
    "kept": "first text, kept connection",
    "chunk": "a chunk",
}


def rows(name: str, values: dict[str, list[int]]) -> float:
    """A line for each way; what the proxy adds to p50 (ms)."""
    if min(map(len, values.values())) < FEWEST:
        return 0.0
    print(f"  {TITLES[name]:38} {'p50':>13} {'p95':>13} {'p99':>13}")
    straight = quantiles(values["straight"])
    grown = 0.0
    for way, times in values.items():
        found = quantiles(times)
        added = [there - here for there, here in zip(found, straight, strict=True)]
        cells = [
            f"{at:6.2f} {f'{by:+6.2f}' if way != 'straight' else '':6}"
            for at, by in zip(found, added, strict=True)
        ]
        print(f"    {way:10} {len(times):8} times          {' '.join(cells)}")
        grown = added[0]
    return grown


if __name__ == "__main__":
    sys.exit(main())
