"""The journal and its recorder: a tick of 400 series, an event from put to commit, late ticks, CPU and memory.

Everything is the real thing: the keeper's thread on a file of the temporary folder, and a recorder process with
all collectors of this machine, measured from outside.

    python tests/benchmarks/bench_journal.py [--seconds 60]
"""

from __future__ import annotations

import argparse
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.harness import command, environment  # noqa: E402  the path has to be set first
from wftui.client.queries import Connection  # noqa: E402
from wftui.clock import SystemClock  # noqa: E402
from wftui.errors import ProtocolError  # noqa: E402
from wftui.model.event import Event, event  # noqa: E402
from wftui.model.sample import column  # noqa: E402
from wftui.model.tick import Layout, Tick, pack, unpack  # noqa: E402
from wftui.paths import places  # noqa: E402
from wftui.recorder.keeper import Caps, Keeper  # noqa: E402
from wftui.store import journal, read  # noqa: E402
from wftui.store.journal import Journal  # noqa: E402
from wftui.wire import messages as m  # noqa: E402

SERIES = 400
TICKS = 600
EVENTS = 1_000


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def row(what: str, figure: str, target: str, met: bool | None = None) -> None:
    """One line of the table."""
    mark = "" if met is None else ("ok" if met else "MISSED")
    print(f"{what:<44} {figure:>22}   {target:<26} {mark}")


def ticks(folder: Path) -> None:
    """Cost of a tick, written by itself as the recorder does."""
    dice = random.Random(1)  # noqa: S311  the same numbers each run
    columns = tuple(column("bench", "system.disk.io", {"device": f"d{n}"}, call="bench") for n in range(SERIES))
    layout = Layout(1, columns)
    made = Journal(folder / journal.NAME)
    made.begin("boot", "0", "record", 1, 1, 1)
    cpu, wall = [], []
    for seq in range(1, TICKS + 1):
        values = pack(array("d", [dice.random() * 1e9 for _ in range(SERIES)]))
        tick = Tick(seq, 1_700_000_000 + seq, seq * 10**9, 1, 1, values)
        cpu_ns, wall_ns = time.thread_time_ns(), time.perf_counter_ns()
        made.write([(tick, layout)])
        cpu.append((time.thread_time_ns() - cpu_ns) / 1e6)
        wall.append((time.perf_counter_ns() - wall_ns) / 1e6)
    size = made.size()
    started = time.perf_counter_ns()
    made.checkpoint()
    checkpoint_ms = (time.perf_counter_ns() - started) / 1e6
    made.close()
    row(f"tick of {SERIES} series, CPU", f"{statistics.mean(cpu[1:]):.3f} ms", "")
    row("  wall p50 / p99", f"{quantile(wall, 0.5):.3f} / {quantile(wall, 0.99):.3f} ms", "")
    row(f"  checkpoint of {TICKS} ticks", f"{checkpoint_ms:.1f} ms", "")
    row("  bytes a sample in the journal", f"{size / TICKS / SERIES:.2f}", "(8 before sealing)")


def events(folder: Path) -> None:
    """An event through the keeper's thread, from put to committed."""
    keeper = Keeper(
        folder / journal.NAME, Caps(10**6, 1 << 40, 0, 0.0), SystemClock(), lambda _: None, lambda _: None
    )
    keeper.open("boot", "0", "record")
    keeper.start()

    def put(seq: int) -> None:
        now = time.time_ns()
        item = event(now, "source.state", ("source", "cpu"), {"before": "ok", "after": "late", "reason": "slow"})
        keeper.put(Event(seq, *(getattr(item, name) for name in Event.__struct_fields__[1:])))

    def committed() -> None:
        done = threading.Event()
        keeper.put(lambda _: done.set())  # a job runs after what came before it is committed
        done.wait(30)

    took = []
    began = time.perf_counter()
    for seq in range(1, EVENTS + 1):
        started = time.perf_counter_ns()
        put(seq)
        committed()
        took.append((time.perf_counter_ns() - started) / 1e6)
    one_by_one = EVENTS / (time.perf_counter() - began)
    began = time.perf_counter()
    for seq in range(EVENTS + 1, 2 * EVENTS + 1):
        put(seq)
    committed()
    burst = EVENTS / (time.perf_counter() - began)
    keeper.stop("stopped", 10)
    with read.open_reader(folder) as reader:
        found = len(reader.events(limit=10 * EVENTS)[0])
    row("event write p50", f"{quantile(took, 0.5):.3f} ms", "<= 5 ms", quantile(took, 0.5) <= 5)
    row("event write p99", f"{quantile(took, 0.99):.3f} ms", "<= 5 ms", quantile(took, 0.99) <= 5)
    row("events, each committed by itself", f"{one_by_one:.0f}/s", ">= 500/s", one_by_one >= 500)
    row(f"events, a burst of {EVENTS}", f"{burst:.0f}/s", ">= 500/s", burst >= 500)
    row("events stored of those put", f"{found} of {2 * EVENTS}", "all", found == 2 * EVENTS)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 1024


def recorder(seconds: float) -> None:
    """A real recorder: how late it closes its ticks, and what it costs."""
    process = subprocess.Popen(command("record"), env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        where = places()
        began = time.monotonic()
        while True:
            try:
                Connection(str(where.socket)).close()
                break
            except ProtocolError:
                time.sleep(0.01)
        row("recorder answers after", f"{time.monotonic() - began:.2f} s", "")
        time.sleep(5)  # what starting cost is not what running costs
        cpu_s, started = _cpu_s(process.pid), time.monotonic()
        time.sleep(seconds)
        share = (_cpu_s(process.pid) - cpu_s) / (time.monotonic() - started)
        rss, pss = _memory(process.pid, "Rss"), _memory(process.pid, "Pss")
        with Connection(str(where.socket)) as connection:
            status = connection.ask(m.Status(), m.StatusReply)
        process.send_signal(signal.SIGTERM)
        stopping = time.monotonic()
        code = process.wait(10)
        stopped_s = time.monotonic() - stopping
    finally:
        process.kill()
        process.wait()
    late = []
    with read.open_reader(where.data_dir) as reader:
        for tick in reader.ticks(0, 2**40):
            place = reader.layout(tick.layout).places().get("wftop.tick.lateness")
            if place is not None and (value := unpack(tick.values)[place]) == value:
                late.append(value * 1e3)
        stored = reader.bounds()
    row(f"recorder over {seconds:.0f} s, {status.series} series, CPU", f"{share:.2%}", "")
    row("  RSS / PSS", f"{rss:.1f} / {pss:.1f} MiB", "RSS <= 32 MB", rss * 1.048576 <= 32)
    row("  tick closes late, p50", f"{quantile(late, 0.5):.1f} ms", "")
    row("  tick closes late, p99", f"{quantile(late, 0.99):.1f} ms", "<= 50 ms", quantile(late, 0.99) <= 50)
    row("  ends on SIGTERM", f"{stopped_s:.2f} s, exit {code}", "<= 3 s, exit 0", stopped_s <= 3 and code == 0)
    span = (stored[1] - stored[0] + 1) if stored else 0
    row("  seconds with a tick", f"{len(late) + 1} of {span}", "all")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
            folder = Path(base, name.lower())
            folder.mkdir(mode=0o700)
            os.environ[name] = str(folder)
        for step in (ticks, events):
            folder = Path(base, step.__name__)
            folder.mkdir(mode=0o700)
            step(folder)
        recorder(arguments.seconds)


if __name__ == "__main__":
    main()
