"""Sealing as a process of its own: CPU, wall and peak memory, bytes per sample, merges, projected sizes.

    python tests/benchmarks/bench_seal.py [--hours 3] [--runs 3]

The same hours of 400 series stand beside in a SQLite table and in a DuckDB table, a row per sample.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.fill import Filler, fill  # noqa: E402  the path has to be set first
from wftui.model.tick import unpack  # noqa: E402  as above
from wftui.store import manifest  # noqa: E402  as above
from wftui.store.read import open_reader  # noqa: E402  as above

END_S = 1_790_020_800
"""A whole hour: 2026-09-21T20:00:00Z."""
HOUR_S = 3600
CPU_S = 1.5
RSS_MB = 180.0
SAMPLE_BYTES = 1.1
CAP_MB = 1000.0
_SEAL = """
from pathlib import Path
from wftui.store import seal
with seal.lock(Path({0!r})):
    seal.run(Path({0!r}), 1)
"""
_MERGE = """
from pathlib import Path
from wftui.store import merge, seal
with seal.lock(Path({0!r})):
    merge.run(Path({0!r}))
"""
_PEAK = """
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(line.split()[1])
"""
"""Not ``ru_maxrss``: that remembers the size of the process that it was forked from."""


class Cost(NamedTuple):
    """Of one process."""

    wall_s: float
    cpu_s: float
    rss_mb: float


def cost(script: str) -> Cost:
    """Run a script in a fresh interpreter."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", script + _PEAK], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    peak = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {script}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, int(peak) * 1024 / 1e6)


def row(what: str, figure: str, target: str = "", met: bool | None = None) -> bool:
    """One line of the table; whether a target was missed."""
    print(f"{what:<46} {figure:>26}   {target:<18} {'' if met is None else 'ok' if met else 'MISSED'}")
    return met is False


def sealing(base: Path, series: int, runs: int) -> bool:
    """An hour, sealed by a fresh process."""
    template = base / f"one-{series}"
    with Filler(template, series, END_S - HOUR_S) as filler:
        filler.write(HOUR_S + 1)
    found: list[Cost] = []
    for number in range(runs):
        folder = base / f"run-{series}-{number}"
        shutil.copytree(template, folder)
        found.append(cost(_SEAL.format(str(folder))))
        shutil.rmtree(folder)
    cpu_s = statistics.median(item.cpu_s for item in found)
    rss_mb = max(item.rss_mb for item in found)
    wall_s = statistics.median(item.wall_s for item in found)
    cpu_met = cpu_s <= CPU_S if series == 400 else None
    missed = row(f"seal of {series} series x 1 h, CPU", f"{cpu_s:.2f} s", f"<= {CPU_S} s (400)", cpu_met)
    row("  wall", f"{wall_s:.2f} s")
    return row("  peak RSS", f"{rss_mb:.0f} MB", f"<= {RSS_MB:.0f} MB", rss_mb <= RSS_MB) or missed


def days(base: Path, series: int) -> bool:
    """A day and its merge; what the levels come to."""
    folder = base / f"day-{series}"
    midnight_s = END_S - END_S % 86_400
    with Filler(folder, series, midnight_s) as filler:
        for _ in range(24):
            filler.write(HOUR_S)
            filler.seal()
        filler.write(HOUR_S + 1)
        cost(_SEAL.format(str(folder)))  # the first hour of the next day: the one before is over
        merging = cost(_MERGE.format(str(folder)))
    row(f"merge of a day of {series} series, CPU", f"{merging.cpu_s:.2f} s")
    row("  peak RSS", f"{merging.rss_mb:.0f} MB", f"<= {RSS_MB:.0f} MB", merging.rss_mb <= RSS_MB)
    seen = manifest.load(folder)
    ended_s = midnight_s + 86_400
    kinds = (*manifest.LEVELS, manifest.TABLE, manifest.EVENT)
    sizes = {kind: sum(item.size for item in seen.of(kind) if item.since_s < ended_s) / 1e6 for kind in kinds}
    samples = sum(
        item.rows * len(manifest.numbers(item.columns)) for item in seen.of(manifest.RAW) if item.since_s < ended_s
    )
    each = sizes[manifest.RAW] * 1e6 / samples
    missed = row("  bytes per raw sample", f"{each:.3f}", f"<= {SAMPLE_BYTES}", each <= SAMPLE_BYTES)
    for kind, size in sizes.items():
        row(f"  a day of {kind}", f"{size:.2f} MB")
    totals = {
        "48 h raw": 2 * sizes[manifest.RAW],
        "14 d of 10 s": 14 * sizes[manifest.R10],
        "400 d of 5 min": 400 * sizes[manifest.R300],
        "30 d of 5 min": 30 * sizes[manifest.R300],
    }
    for name, size in totals.items():
        row(f"  {name}", f"{size:.0f} MB")
    if series == 400:
        total = sum(size for name, size in totals.items() if name != "30 d of 5 min")
        missed |= row("  all three", f"{total:.0f} MB", f"<= {CAP_MB:.0f} MB", total <= CAP_MB)
    return missed


def beside(base: Path, hours: int) -> None:
    """The same samples as rows of (series, time, value)."""
    folder = base / "beside"
    filled = fill(folder, hours, 400, end_s=END_S, processes=0, everything=True)
    whole = base / "whole"
    with Filler(whole, 400, END_S - hours * HOUR_S, processes=0) as filler:
        filler.write(hours * HOUR_S)
    row(f"{hours} h of 400 series: segments", f"{filled.bytes_per_sample:.2f} B a sample")
    count = hours * HOUR_S * 400
    path = base / "narrow.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE s(series INT, ts INT, v REAL, PRIMARY KEY(series, ts)) WITHOUT ROWID")
        connection.executemany("INSERT INTO s VALUES (?,?,?)", _samples(whole))
    connection.close()
    row("  SQLite, WITHOUT ROWID", f"{path.stat().st_size / count:.2f} B a sample")
    native = base / "narrow.duckdb"
    with duckdb.connect(str(native)) as target:
        target.execute("CREATE TABLE s(series INTEGER, ts BIGINT, v DOUBLE)")
        for item in manifest.load(folder).of(manifest.RAW):
            _copy(target, folder / manifest.FOLDER / item.file)
        target.execute("CHECKPOINT")
    row("  DuckDB, sorted by series and time", f"{native.stat().st_size / count:.2f} B a sample")


def _copy(target: duckdb.DuckDBPyConnection, file: Path) -> None:
    target.execute(
        "INSERT INTO s SELECT dense_rank() OVER (ORDER BY name), time_s, value FROM (UNPIVOT"  # noqa: S608  a path of our own
        f" (SELECT time_s, COLUMNS(* EXCLUDE (seq, time_s, boottime_ns, boot))::DOUBLE FROM '{file}')"
        " ON COLUMNS(* EXCLUDE (time_s))) ORDER BY 1, 2"
    )


def _samples(folder: Path) -> Iterator[tuple[int, int, float | None]]:
    with open_reader(folder) as reader:
        bounds = reader.bounds() or (0, 0)
        for tick in reader.ticks(bounds[0], bounds[1] + 1):
            for number, value in enumerate(unpack(tick.values)):
                yield number, tick.time_s, None if value != value else value


def main() -> int:
    """Print the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=3, help="of the tables beside")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory(prefix="wftop-bench-") as name:
        base = Path(name)
        for series in (400, 2000):
            missed |= sealing(base, series, arguments.runs)
            missed |= days(base, series)
        beside(base, arguments.hours)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
