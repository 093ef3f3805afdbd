"""history.duckdb: cost of the hourly refresh and of making it anew. Each run is a process of its own.

Usage: ``python tests/benchmarks/bench_derived.py [--series N] [--days D]``; segments come from SQL.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from wftui.model.sample import column  # noqa: E402  after the path of the checkout
from wftui.store import derived, manifest  # noqa: E402  as above
from wftui.store.manifest import Manifest  # noqa: E402  as above
from wftui.store.segments import Label, Shelf  # noqa: E402  as above
from wftui.store.sql import name as quoted  # noqa: E402  as above

START_S = 1_790_000_000 // 86_400 * 86_400
NOW_NS = 1_800_000_000_000_000_000


def fill(folder: Path, series: int, days: int, hours: int) -> None:
    """``days`` of r300, a file a day, and 48 hours of raw, up to ``hours`` after the last day."""
    made = manifest.load(folder)
    items = [column("test", "system.disk.io", {"device": f"d{n}"}, call="test") for n in range(series)]
    made, stored = manifest.with_columns(made, items)
    shelf = Shelf(folder)
    last_s = days * 86_400 + hours * 3600
    there = {item.file for item in made.segments}

    def put(kind: str, stat: str, low_s: int, high_s: int) -> None:
        step = manifest.LEVELS[kind]
        label = Label(kind, "system", stat, low_s + 1, high_s, START_S + low_s, START_S + high_s)
        if label.file() in there:
            return
        cells = ", ".join(
            f"{'round(random() * 1000)::BIGINT' if n % 3 else 'round(random(), 3)::FLOAT'} AS {quoted(item.name)}"
            for n, item in enumerate(stored)
        )
        lead = f"(range + 1)::BIGINT AS seq, (range + {START_S})::BIGINT AS time_s, "
        lead += (
            "range * 1000000000 AS boottime_ns, 1::BIGINT AS boot" if kind == "raw" else f"{step}::BIGINT AS count"
        )
        shelf.put(label, f"SELECT {lead}, {cells} FROM range({low_s}, {high_s}, {step})", columns=stored)  # noqa: S608  test data

    for low_s in range(max(0, last_s - 48 * 3600), last_s, 3600):
        put("raw", "", low_s, low_s + 3600)
    for low_s in range(0, last_s, 86_400):
        for stat in ("min", "mean", "max"):
            put("r300", stat, low_s, min(last_s, low_s + 86_400))
    kept = [item for item in made.segments if item.last_seq > last_s - 48 * 3600 or item.kind == "r300"]
    kept = [item for item in kept if item.kind != "r300" or item.first_seq <= days * 86_400]
    shelf.commit(msgspec.structs.replace(made, sealed_seq=last_s, segments=tuple(kept) + tuple(shelf.added)))


def child(folder: Path) -> None:
    """One refresh, measured."""
    began, cpu = time.perf_counter(), time.process_time()
    derived.refresh(folder, NOW_NS)
    # Not ru_maxrss: it goes on counting from what the process was before it became this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    size = (folder / derived.NAME).stat().st_size / 1e6
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"cpu {cpu:.3f} s, wall {wall:.3f} s, peak RSS {peak:.0f} MB, file {size:.1f} MB")


def main() -> None:
    """Anew, then three hours."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--child")
    arguments = parser.parse_args()
    if arguments.child:
        child(Path(arguments.child))
        return
    with tempfile.TemporaryDirectory(prefix="wftop-bench-") as name:
        folder = Path(name)
        (folder / manifest.FOLDER).mkdir()
        manifest.save(folder, Manifest())
        for hours in range(4):
            fill(folder, arguments.series, arguments.days, hours)
            sys.stdout.write(f"{'anew:    ' if not hours else f'hour {hours}:  '} ")
            sys.stdout.flush()
            subprocess.run([sys.executable, __file__, "--child", name], check=True)


if __name__ == "__main__":
    main()
