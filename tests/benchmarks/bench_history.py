"""Reading back what was sealed: ranges, moments, comparison, beside narrow tables of SQLite and DuckDB.

    python -m tests.benchmarks.bench_history [DIR] [--hours 24] [--series 400] [--peer-series 20] [--runs 20]

DIR is a data dir as `tests/benchmarks/fill.py` makes it; without one it is made (3 s an hour of 400 series). The
narrow tables hold some of the series, sorted by series and time: read times and bytes a sample, not their sizes,
compare. A question that the data dir is too short for is left out. Ends with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from wftui.clock import NS_PER_S
from wftui.history.compare import compare
from wftui.model.tick import unpack
from wftui.store import manifest, query
from wftui.store.answers import answer_at
from wftui.store.archive import Archive, open_archive
from wftui.wire import codec
from wftui.wire import messages as m

FOUR = (
    "system.cpu.utilization",
    'system.disk.io{device="sda",direction="read"}',
    'system.network.io{direction="receive",interface="eth0"}',
    'system.memory.usage{mode="used"}',
)
"""A text with a brace names one series; the first one names its ``max`` besides."""
DAY_S = 86_400
RSS_MB = 110
COLD = """
import os
import sys
from pathlib import Path
from wftui.history.service import Service
from wftui.wire import messages as m
service = Service(Path(sys.argv[1]))
reply = service.answer(m.Range(sys.argv[4:], int(sys.argv[2]), int(sys.argv[3]), 400))
assert isinstance(reply, m.RangeReply), reply
os._exit(0)
"""


def measure(what: str, ask: Callable[[], object], runs: int, limit_ms: float | None = None) -> bool:
    """Print p50 and p95 of a question, asked once before; whether it kept its limit."""
    ask()
    times = []
    for _ in range(runs):
        started = time.perf_counter_ns()
        ask()
        times.append((time.perf_counter_ns() - started) / 1e6)
    times.sort()
    median = statistics.median(times)
    late = limit_ms is not None and median > limit_ms
    verdict = "-" if limit_ms is None else f"{limit_ms:g}{' MISSED' if late else ''}"
    print(f"{what:58} {median:8.1f} {times[int(len(times) * 0.95)]:8.1f}  {verdict}")
    return not late


class Child:
    """The history service as a recorder starts it."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wftui.history", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._read()

    def _read(self) -> m.Message:
        assert self._process.stdout is not None
        length = codec.frame_length(self._process.stdout.read(codec.HEADER))
        return codec.decode(self._process.stdout.read(length))[0]

    def ask(self, question: m.Message) -> None:
        """Ask and forget the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(codec.encode(question, 1))
        self._process.stdin.flush()
        reply = self._read()
        assert not isinstance(reply, m.Error), reply

    def memory_mb(self) -> tuple[int, int]:
        """RSS now, and the most there was."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        found = {name: text.split()[0] for name, text in (line.split(":", 1) for line in lines if "kB" in line)}
        return int(found["VmRSS"]) // 1024, int(found["VmHWM"]) // 1024

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def memory(folder: Path, questions: dict[str, list[m.Message]]) -> bool:
    """Print what the service holds after each kind of question; whether it kept its limit."""
    child = Child(folder)
    good = True
    for what, asked in questions.items():
        for question in asked:
            child.ask(question)
        held, most = child.memory_mb()
        late = held > RSS_MB
        good &= not late
        print(
            f"{f'RSS of the service after {what}, and its peak, MB':58} {held:8} {most:8}"
            f"  {RSS_MB}{' MISSED' if late else ''}"
        )
    child.close()
    return good


def ours(folder: Path, archive: Archive, runs: int) -> bool:
    """Questions to the archive."""
    bounds, extent = archive.bounds(), archive.extent()
    assert bounds is not None
    assert extent is not None
    low, high = bounds[0], bounds[1] + 1
    middle = (low + high) // 2

    def span(seconds: int, points: int, *selectors: str) -> m.Range:
        return m.Range(list(selectors), (high - seconds) * NS_PER_S, high * NS_PER_S, points)

    day = span(DAY_S, 400, *FOUR)
    cold = [sys.executable, "-c", COLD, str(folder), str(day.since_ns), str(day.until_ns), *FOUR]
    good = measure("24 h of 4 series, 400 points", lambda: query.range_(archive, day), runs, 50)
    good &= measure("  the same, from a cold process", lambda: subprocess.run(cold, check=True), 7, 200)
    if extent[1] - extent[0] >= 6.9 * DAY_S:
        week = span(7 * DAY_S, 400, FOUR[1])
        good &= measure("a week of one series", lambda: query.range_(archive, week), runs, 100)
    good &= measure(
        "last 60 s of all series, without DuckDB", lambda: query.range_(archive, span(60, 60, "*")), runs, 2
    )
    chance = random.Random(5)  # noqa: S311  the same moments in each run
    seconds = iter(range(middle, high))
    good &= measure(
        "a moment, second by second", lambda: answer_at(archive, m.At(next(seconds) * NS_PER_S)), 50, 5
    )
    good &= measure(
        "a moment, anywhere",
        lambda: answer_at(archive, m.At(chance.randrange(low, high - 4000) * NS_PER_S)),
        runs,
        50,
    )
    times = [(middle + second) * NS_PER_S for second in (0, 600, 7200, 7800)]
    good &= measure(
        "comparison of all series, 2 x 10 min", lambda: compare(archive, m.Compare(["*"], *times), 5.0), runs, 300
    )
    steps = [m.At((middle + second) * NS_PER_S) for second in range(50)]
    jumps = [m.At(chance.randrange(low, high - 4000) * NS_PER_S) for _ in range(20)]
    good &= memory(
        folder,
        {"ranges": [day] * 10, "moments": [*steps, *jumps], "comparisons": [m.Compare(["*"], *times)] * 5},
    )
    return good


def peers(base: Path, archive: Archive, count: int, runs: int) -> None:
    """The same data and questions in narrow tables."""
    bounds = archive.bounds()
    assert bounds is not None
    high = bounds[1] + 1
    low = max(bounds[0], high - DAY_S)
    texts = sorted({*FOUR, *(item.series.text for item in archive.columns()[:count])})
    wanted = [texts.index(text) for text in FOUR]

    def samples() -> Iterator[tuple[int, int, float | None]]:
        for tick in archive.ticks(low, high):
            places = archive.layout(tick.layout).places()
            values = unpack(tick.values)
            for number, text in enumerate(texts):
                place = places.get(text)
                if place is not None and values[place] == values[place]:
                    yield number, tick.time_s, values[place]

    path = base / "narrow.sqlite"
    with sqlite3.connect(path) as target:
        target.execute("CREATE TABLE s(series INT, ts INT, v REAL, PRIMARY KEY(series, ts)) WITHOUT ROWID")
        target.executemany("INSERT OR REPLACE INTO s VALUES (?,?,?)", samples())
        (rows,) = target.execute("SELECT count(*) FROM s").fetchone()
    native = base / "narrow.duckdb"
    other = duckdb.connect(str(native), config={"threads": 1})
    other.execute("CREATE TABLE s(series INTEGER, ts BIGINT, v DOUBLE)")
    csv = base / "narrow.csv"
    with csv.open("w") as out:
        out.writelines(f"{series},{ts},{v!r}\n" for series, ts, v in target.execute("SELECT * FROM s"))
    other.execute(f"INSERT INTO s SELECT * FROM read_csv('{csv}', header = false)")  # noqa: S608  our own file
    other.execute("CHECKPOINT")
    sizes = {"SQLite": path.stat().st_size, "DuckDB": native.stat().st_size}
    step_s = (high - low) // 400
    ranged = (
        f"SELECT series, (ts - {low}) // {step_s}, min(v), avg(v), max(v) FROM s"  # noqa: S608  numbers only
        f" WHERE series IN ({', '.join(map(str, wanted))}) GROUP BY 1, 2"
    )
    moment = f"SELECT series, v FROM s WHERE ts = {(low + high) // 2}"  # noqa: S608  a number

    def asked(name: str, sql: str) -> Callable[[], object]:
        if name == "SQLite":
            return lambda: target.execute(sql.replace("//", "/")).fetchall()
        return lambda: other.execute(sql).fetchall()

    for name in ("SQLite", "DuckDB"):
        print(f"{f'{name} narrow table of {len(texts)} series, bytes a sample':58} {sizes[name] / rows:8.1f}")
        measure(f"  {name}: day of 4 series, 400 points, no rates", asked(name, ranged), min(runs, 7))
        measure(f"  {name}: a moment of {len(texts)} series", asked(name, moment), min(runs, 7))
    target.close()
    other.close()


def main() -> int:
    """Measure and print; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR")
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--peer-series", type=int, default=20)
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wftop-bench-") as name:
        folder = arguments.folder or Path(name, "data")
        if arguments.folder is None:
            fill = Path(__file__).with_name("fill.py")
            wanted = ["--hours", str(arguments.hours), "--series", str(arguments.series)]
            subprocess.run([sys.executable, fill, folder, *wanted], check=True, stdout=subprocess.DEVNULL)
        with open_archive(folder) as archive:
            archive.boundary()
            raw = archive.sealed.manifest.of(manifest.RAW)
            cells = sum(item.rows * len(manifest.numbers(item.columns)) for item in raw)
            print(f"{'question':58} {'p50 ms':>8} {'p95 ms':>8}  limit")
            good = ours(folder, archive, arguments.runs)
            print(f"{'raw segments, bytes a sample':58} {sum(item.size for item in raw) / max(1, cells):8.2f}")
            if arguments.peer_series:
                peers(Path(name), archive, arguments.peer_series, arguments.runs)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
