"""The energy screen in full motion beside real work: a recorder with all its collectors, 300 processes, 8 GPUs.

The GPUs are the C stand-in for NVML, played to a real worker, each with a power that rises and falls; the
processes are real ones that sleep. A view in a terminal of ours (200x50, it answers at once) shows screen 9 at
60 FPS. Beside it a bare loop waits for the same beat: what it misses is the machine's, not the view's.

    python tests/benchmarks/bench_motion.py [--rounds 3] [--seconds 20] [--streams 3]

With ``--streams`` so many streams of 60 tokens a second are pushed, and the page of streams is shown instead of
that of power.

On a busy machine the view's figures are to be read beside those of the bare loop. Ends with 77 where there is no
gcc.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.benchmarks.bench_gpu import worker_of
from tests.benchmarks.bench_stack import POPULATION, WFTOP, Environment, private_folders, processes
from tests.benchmarks.bench_view import Watched, reported
from tests.nvml import box, samples

if TYPE_CHECKING:
    from collections.abc import Iterator

GPUS = 8
WARM_S = 20.0
"""Until the worker reads ten times a second and the view reports itself."""
REPORT_S = 5.0
BARE = """
import sys, time
seconds, step = float(sys.argv[1]), 1 / 62.5
begun = due = last = time.monotonic()
gaps = []
while last < begun + seconds:
    due += step
    time.sleep(max(0.0, due - time.monotonic()))
    now = time.monotonic()
    if now - due > step:
        due = now
    gaps.append(now - last)
    last = now
gaps.sort()
print(gaps[int(0.95 * len(gaps))], gaps[-1], sum(gap > 0.025 for gap in gaps))
"""
"""The beat of the view's clock and nothing else."""
_TARGETS = (
    # Figure, words, target (at most; negative: at least; NaN: none).
    ("frames_s", "frames a second", -58.0),
    ("p95_ms", "interval, p95, ms", 16.67),
    ("bare_p95_ms", "the same of a bare loop", float("nan")),
    ("longest_ms", "longest interval, ms", 25.0),
    ("bare_longest_ms", "the same of a bare loop", float("nan")),
    ("late", "intervals over 25 ms", float("nan")),
    ("bare_late", "the same of a bare loop", float("nan")),
    ("work_ms", "work of a frame, p95, ms", 3.0),
    ("view_pct", "CPU of the view, % of a core", 9.0),
    ("recorder_pct", "CPU of the recorder, % of a core", float("nan")),
    ("worker_pct", "CPU of the GPU worker, % of a core", float("nan")),
    ("bytes_s", "to the terminal, KB/s", 200.0),
    ("lag_ms", "token to acknowledged frame, p95, ms", 50.0),
    ("seen_pct", "energy seen, %", -90.0),
)


@contextmanager
def recorder(library: Path, folder: Path, environment: Environment) -> Iterator[int]:
    """A recorder beside the stand-in; its pid."""
    scene = samples.h100(folder / "scene", GPUS)
    for card in range(GPUS):
        # Not in step with each other, nor so little that a frame passes in which no stream moves by a cell.
        scene.power(card, f"saw:{350_000 + 15_000 * card}:{690_000 - 20_000 * card}:{5 + card}")
    scene.save()
    variables = {**os.environ, **environment, **box.environment(library, folder / "scene")}
    process = subprocess.Popen([WFTOP, "record"], env=variables, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def population(wanted: int) -> Iterator[None]:
    """So many processes on this machine."""
    idle = [subprocess.Popen(["sleep", "86400"], stdin=subprocess.DEVNULL) for _ in range(wanted - processes())]
    try:
        yield
    finally:
        for process in idle:
            process.kill()
        for process in idle:
            process.wait()


@contextmanager
def pushed(streams: int, seconds: float, environment: Environment) -> Iterator[None]:
    """So many streams of 60 tokens a second; none: nothing is pushed."""
    if not streams:
        yield
        return
    command = [sys.executable, "-m", "tests.streams_push", "--streams", str(streams), "--seconds", str(seconds)]
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(command, cwd=root, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


def spent(pid: int) -> float:
    """CPU seconds of a process, by its own clock: /proc counts in hundredths."""
    return time.clock_gettime((~pid << 3) | 2)


def measure(seconds: float, recorder_pid: int, environment: Environment) -> dict[str, float]:
    """One stretch of full motion."""
    view = Watched(environment, arguments=())
    view.run(3.0)
    view.type("9")
    view.run(1.0)
    view.type("f")
    # The stretch that a report of the view is about begins in here.
    view.run(2 * REPORT_S)
    pids = {"view": view.pid, "recorder": recorder_pid}
    if (worker := worker_of(recorder_pid)) is not None:
        pids["worker"] = worker
    bare = subprocess.Popen([sys.executable, "-c", BARE, str(seconds)], stdout=subprocess.PIPE, text=True)
    before = {name: spent(pid) for name, pid in pids.items()}
    view.ends.clear()
    view.taken = 0
    began = time.monotonic()
    view.run(seconds)
    took = time.monotonic() - began
    cpu = {f"{name}_pct": 100 * (spent(pid) - before[name]) / took for name, pid in pids.items()}
    gaps = sorted(b - a for a, b in zip(view.ends, view.ends[1:], strict=False))
    bare_p95, bare_longest, bare_late = map(float, bare.communicate()[0].split())
    since = f"{seconds - REPORT_S:.0f}s"
    lags = [lag for lag in reported("wftop.fidelity.lag", environment, (), since) if lag == lag]
    ratios = reported("wftop.fidelity.ratio", environment, (), since)
    work = reported("wftop.view.frame.duration", environment, (), since)
    longest = reported("wftop.view.frame.interval", environment, (), since)
    view.close()
    return {
        **cpu,
        "frames_s": len(view.ends) / took,
        "p95_ms": 1000 * gaps[int(0.95 * len(gaps))],
        "longest_ms": 1000 * max(longest, default=float("nan")),
        "seen_longest_ms": 1000 * gaps[-1],
        "late": sum(gap > 0.025 for gap in gaps),
        "work_ms": 1000 * statistics.median(work) if work else float("nan"),
        "lag_ms": 1000 * statistics.median(lags) if lags else float("nan"),
        "seen_pct": 100 * statistics.median(ratios) if ratios else float("nan"),
        "bare_p95_ms": 1000 * bare_p95,
        "bare_longest_ms": 1000 * bare_longest,
        "bare_late": bare_late,
        "bytes_s": view.taken / took / 1000,
    }


def main() -> int:
    """Print the table of the medians, a column for each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="full motion per round")
    parser.add_argument("--streams", type=int, default=0, help="of 60 tokens a second, shown instead of power")
    options = parser.parse_args()
    if box.compiler() is None:
        print("no gcc: the library that stands for NVML cannot be made")
        return 77
    # Byte code is what an installed program starts from.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="wfbench") as name:
        folder = Path(name)
        environment = private_folders(folder)
        library = box.build(folder / "library")
        with population(POPULATION), recorder(library, folder, environment) as pid:
            time.sleep(WARM_S)
            every_s = options.seconds + 2 * REPORT_S + WARM_S
            rounds = []
            for _ in range(options.rounds):
                with pushed(options.streams, every_s, environment):
                    rounds.append(measure(options.seconds, pid, environment))
    shown = f"{options.streams} streams" if options.streams else "power"
    print(
        f"| screen 9, f, {shown}: {GPUS} GPUs, {POPULATION} processes | "
        + " | ".join(map(str, range(1, 1 + len(rounds)))),
        end="",
    )
    print(" | median | target |\n|" + "---|" * (len(rounds) + 3))
    for figure, words, target in _TARGETS:
        values = [found.get(figure, float("nan")) for found in rounds]
        middle = statistics.median(values)
        wanted = "" if target != target else f"≥ {-target:g}" if target < 0 else f"≤ {target:g}"
        print(f"| {words} | " + " | ".join(f"{value:.2f}" for value in [*values, middle]) + f" | {wanted} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
