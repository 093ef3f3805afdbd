"""A recorder on a machine full of GPUs: what it and its worker cost, beside a library that stands for NVML.

    python tests/benchmarks/bench_gpu.py [--gpus 1 8 16] [--processes 64] [--seconds 30]

Each box is recorded by a real recorder with a real worker; CPU and memory come from /proc, lateness of ticks from
the recorder itself. What calls of a real driver cost comes on top: ``gpu_check.py`` measures it. Ends with 1 when
a limit is missed, with 77 where there is no gcc.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.harness import Running, until
from tests.nvml import box, samples
from wftui.model.tick import unpack
from wftui.store import read

WARM_S = 25.0
"""Until the rate of the fast readings has settled."""
CORE = 0.02
LATE_S = 0.25
MIB = 2**20


def resident(pid: int) -> float:
    """RSS in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


def spent(pid: int) -> float:
    """CPU seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def worker_of(pid: int) -> int | None:
    """The recorder's GPU worker."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if b"nvml.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    return None


def lateness(folder: Path, since_s: int) -> list[float]:
    """How late each tick since then was closed (s)."""
    found = []
    with read.open_reader(folder) as reader:
        for tick in reader.ticks(since_s, 2**40):
            columns = reader.layout(tick.layout).columns
            place = next((n for n, c in enumerate(columns) if c.series.text == "wftop.tick.lateness"), None)
            if place is not None and (value := unpack(tick.values)[place]) == value:
                found.append(value)
    return sorted(found)


def measure(library: Path, gpus: int, processes: int, seconds: float) -> bool:
    """One box; prints a line; whether it kept the limits."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("DATA", "STATE", "CONFIG", "RUNTIME"):
            os.environ[f"XDG_{name}_{'DIR' if name == 'RUNTIME' else 'HOME'}"] = f"{folder}/{name.lower()}"
        Path(f"{folder}/runtime").mkdir(mode=0o700)
        scene = samples.box(Path(folder) / "scene", gpus, processes)
        scene.save()
        with Running(env=box.environment(library, Path(folder) / "scene")) as running:
            running.ready()
            worker = until(lambda: worker_of(running.pid), 15, "the worker")
            time.sleep(WARM_S)
            began, since_s = time.monotonic(), int(time.time())
            before = spent(running.pid), spent(worker)
            time.sleep(seconds)
            elapsed = time.monotonic() - began
            recorder, gpu = (
                (after - then) / elapsed
                for after, then in zip((spent(running.pid), spent(worker)), before, strict=True)
            )
            memory = resident(running.pid), resident(worker)
            series = running.status().series
            running.stop()
            late = lateness(running.where.data_dir, since_s)
    p99 = late[int(0.99 * (len(late) - 1))] if late else float("nan")
    kept = recorder + gpu <= CORE and p99 <= LATE_S
    print(
        f"{gpus:4} {processes:9} {series:6}   {recorder:8.2%} {gpu:7.2%} {recorder + gpu:7.2%}   "
        f"{memory[0]:8.1f} {memory[1]:6.1f}   {p99 * 1e3:8.1f}   {'' if kept else 'MISSED'}",
        flush=True,
    )
    return kept


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--processes", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    if box.compiler() is None:
        print("no gcc: the library that stands for NVML cannot be made")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        library = box.build(Path(folder))
        print("gpus processes series   recorder  worker     sum   RSS MiB worker   late p99 ms")
        kept = [measure(library, count, options.processes, options.seconds) for count in options.gpus]
    print(f"limits: {CORE:.0%} of a core together, p99 {LATE_S * 1e3:.0f} ms")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
