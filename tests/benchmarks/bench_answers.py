"""What the recorder answers by itself, without DuckDB: ranges of the last minute and hour, a moment, in ms.

Run: python -m tests.benchmarks.bench_answers [--series 400] [--runs 30]. Prints a table; ends with 1 when a limit
is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.recording import START_S, Recording, realistic
from wftui.clock import NS_PER_S
from wftui.store.answers import answer_at, answer_range
from wftui.store.read import open_reader
from wftui.wire import codec
from wftui.wire import messages as m

SECONDS = 3600
LIMITS_MS = {"last 60 s, all series, 60 points": 2.0, "at": 50.0}


def main() -> int:
    """Measure and print; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--runs", type=int, default=30)
    arguments = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory(prefix="wftop-bench-") as folder:
        data = Path(folder, "data")
        columns, rows = realistic(arguments.series)
        with Recording(data) as recording:
            recording.many(columns, rows, SECONDS)
        end = START_S + SECONDS

        def span(seconds: int, points: int, *selectors: str) -> m.Range:
            return m.Range(list(selectors), (end - seconds) * NS_PER_S, end * NS_PER_S, points)

        four = [columns[place].series.text for place in (0, 5, 9, 16)]
        with open_reader(data) as reader:
            asked: dict[str, Callable[[], object]] = {
                "last 60 s, all series, ticks alone": lambda: list(reader.ticks(end - 60, end)),
                "last 60 s, all series, 60 points": lambda: answer_range(reader, span(60, 60, "*")),
                "last 60 s, all series, one point": lambda: answer_range(reader, span(60, 1, "*")),
                "last 60 s, 4 series, 60 points": lambda: answer_range(reader, span(60, 60, *four)),
                "last hour, 4 series, 400 points": lambda: answer_range(reader, span(3600, 400, *four)),
                "last hour, all series, 60 points": lambda: answer_range(reader, span(3600, 60, "*")),
                "at": lambda: answer_at(reader, m.At((end - 1800) * NS_PER_S)),
                "to a frame: last 60 s, 60 points": lambda: codec.encode(answer_range(reader, span(60, 60, "*"))),
            }
            print(f"{arguments.series} series, {SECONDS} s in the journal, {arguments.runs} runs, warm")
            print(f"{'question':36} {'median ms':>10} {'min ms':>8}  limit ms")
            for name, ask in asked.items():
                ask()
                times = []
                for _ in range(arguments.runs):
                    started = time.perf_counter_ns()
                    ask()
                    times.append((time.perf_counter_ns() - started) / 1e6)
                median, limit = statistics.median(times), LIMITS_MS.get(name)
                late = limit is not None and median > limit
                missed |= late
                verdict = "-" if limit is None else f"{limit:g} MISSED" if late else f"{limit:g}"
                print(f"{name:36} {median:10.2f} {min(times):8.2f}  {verdict}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
