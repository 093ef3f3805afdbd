"""Whole-process time, size and stages of `wftop bundle`: one hour of 400 series, with and without 100 processes.

Run: python -m tests.benchmarks.bench_bundle [--runs 5] [--series 400]. Prints two tables and ends with 1 when a
limit is missed. The series are those of ``recording.realistic`` (a quarter with all digits) and of ``fill``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.benchmarks.fill import Filler
from tests.recording import START_S, Recording, realistic

SECONDS = 3600
LIMIT_S = 3.0
LIMIT_BYTES = 3_000_000
STAGES = """
import sys, time
from pathlib import Path
from wftui.bundle import collect, format
data, target, since, screens = sys.argv[1:]
times, begun = {}, ["start", time.perf_counter()]
def tell(what):
    now = time.perf_counter()
    times[begun[0]] = now - begun[1]
    begun[:] = what, now
consent = format.Consent("--yes", 1, "plain")
span = int(since), int(since) + 3600
request = collect.Request(Path(data), Path(target), *span, format.FULL, consent)
collect.make(request._replace(screens=screens == "1", replace=True), tell)
tell("end")
print(*(f"{what} {taken:.3f}" for what, taken in times.items()), sep=", ")
"""


def one(data: Path, target: Path, since_s: int, *, screens: bool) -> tuple[float, float, float]:
    """Seconds of wall clock, seconds of CPU (children too) and peak RSS (MiB) of one bundle."""
    command = [sys.executable, "-m", "wftui", "bundle", "--data-dir", str(data), "--since", str(since_s)]
    command += ["--until", str(since_s + SECONDS), "--plain", "--yes", "--force", "-o", str(target)]
    command += [] if screens else ["--no-screens"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {said.decode()}")
    return elapsed_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> int:
    """Measure and print; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--series", type=int, default=400)
    arguments = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory(prefix="wftop-bench-") as folder:
        plain, busy = Path(folder, "series"), Path(folder, "processes")
        columns, rows = realistic(arguments.series)
        with Recording(plain) as recording:
            recording.many(columns, rows, SECONDS)
        hour_s = START_S - START_S % SECONDS
        with Filler(busy, arguments.series, hour_s) as filler:
            filler.write(SECONDS)
        print(f"bundle of {SECONDS} s of {arguments.series} series, whole process, {arguments.runs} runs")
        print(f"{'what':28} {'median s':>9} {'min s':>7} {'CPU s':>7} {'RSS MiB':>8} {'MB':>6}")
        stages = []
        for what, data, since_s, screens in (
            ("series", plain, START_S, False),
            ("series, processes", busy, hour_s, False),
            ("series, processes, screens", busy, hour_s, True),
        ):
            target = Path(folder, "x.wftop")
            found = [one(data, target, since_s, screens=screens) for _ in range(arguments.runs)]
            times, cpus, peaks = zip(*found, strict=True)
            median, size = statistics.median(times), target.stat().st_size
            late = median > LIMIT_S or size > LIMIT_BYTES
            missed |= late
            print(
                f"{what:28} {median:9.3f} {min(times):7.3f} {statistics.median(cpus):7.3f} {max(peaks):8.0f}"
                f" {size / 1e6:6.2f}{' MISSED' if late else ''}"
            )
            command = [sys.executable, "-c", STAGES, str(data), str(target), str(since_s), str(int(screens))]
            told = subprocess.run(command, check=True, capture_output=True, text=True)
            stages.append(f"{what}: {told.stdout.strip()}")
        print(f"limits: {LIMIT_S:g} s, {LIMIT_BYTES / 1e6:g} MB; stages in s:")
        print(*stages, sep="\n")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
