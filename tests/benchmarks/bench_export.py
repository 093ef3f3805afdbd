"""Whole-process time of `wftop export`: one hour of 400 series, in every format.

Run: python -m tests.benchmarks.bench_export [--runs 7]. Prints a table and ends with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.recording import START_S, Recording, realistic

SERIES = 400
SECONDS = 3600
LIMITS_S = {"csv": 0.5, "parquet": 0.5}
FORMS = ("csv", "json", "jsonl", "parquet")


def one(data: Path, target: Path, form: str) -> tuple[float, float, float]:
    """Seconds of wall clock, seconds of CPU and peak RSS (MiB) of one export."""
    command = [sys.executable, "-m", "wftui", "export", "--data-dir", str(data), "--since", str(START_S)]
    command += ["--force", "--format", form, "-o", str(target)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{form}: exit code {process.returncode}")
    return elapsed_s, usage.ru_utime + usage.ru_stime, _mib(usage)


def _mib(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1024


def main() -> int:
    """Measure and print; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory(prefix="wftop-bench-") as folder:
        data = Path(folder, "data")
        columns, rows = realistic(SERIES)
        with Recording(data) as recording:
            recording.many(columns, rows, SECONDS)
        print(f"export of {SECONDS} s of {SERIES} series, whole process, {arguments.runs} runs")
        print(f"{'format':8} {'median s':>9} {'min s':>7} {'CPU s':>7} {'RSS MiB':>8} {'MB':>6}  limit s")
        for form in FORMS:
            target = Path(folder, f"x.{form}")
            times, cpus, peaks = zip(*(one(data, target, form) for _ in range(arguments.runs)), strict=True)
            median = statistics.median(times)
            limit = LIMITS_S.get(form)
            missed |= limit is not None and median > limit
            verdict = "-" if limit is None else f"{limit} MISSED" if median > limit else str(limit)
            print(
                f"{form:8} {median:9.3f} {min(times):7.3f} {statistics.median(cpus):7.3f} {max(peaks):8.0f}"
                f" {target.stat().st_size / 1e6:6.1f}  {verdict}"
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
