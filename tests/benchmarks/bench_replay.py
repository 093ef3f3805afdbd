"""Opening a bundle: an hour of 400 series until its first useful frame, then moments and steps.

The bundle is made of the same random walks as in bench_history. Times to the first output and the first useful
frame are of the whole command in a terminal (200x50), measured from outside by ttybench; the moments are asked of
the process that reads the bundle, warm, over its socket. Medians, and the best run beside them: on a machine with
other work that one tells more.

    python tests/benchmarks/bench_replay.py [--runs 7]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tests.benchmarks.bench_stack import WFTOP, private_folders
from tests.recording import START_S, realistic
from tests.replayed import reading, write
from tests.tui.fake import machine
from wftui.client.bundled import Bundled
from wftui.wire import messages as m

SERIES = 400
SECONDS = 3600
MOMENTS = 200
_S = 1_000_000_000


def hour(path: Path) -> Path:
    """An hour of 400 series, those that the overview draws among them."""
    columns, rows = realistic(SERIES)
    known = [column for column, _ in machine(0)]
    made = [
        [*(value for _, value in machine(second)), *row[len(known) :]]
        for second, row in enumerate(islice(rows, SECONDS))
    ]
    return write(path, [*known, *columns[len(known) :]], made, START_S)


def frames(path: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds to the first output and to the first useful frame of one run."""
    report = path.parent / "figures.json"
    arguments = [sys.executable, str(Path(__file__).with_name("ttybench.py")), "--quiet", "--size", "200x50"]
    arguments += ["--json", str(report), "--time", "4", "--warmup", "3", f"view={WFTOP} replay {path}"]
    subprocess.run(arguments, check=True, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    found = json.loads(report.read_text())["medians"][0]
    return found["t_first"], found["t_useful"]


def opening(path: Path) -> float:
    """Seconds until the process that reads it has opened it."""
    began = time.perf_counter()
    reader = Bundled(path)
    try:
        reader.greeting()
        return time.perf_counter() - began
    finally:
        reader.close()


def moments(path: Path) -> list[float]:
    """Seconds of each of some questions about any moment."""
    chance = random.Random(9)  # noqa: S311  the same moments in each run
    took = []
    with reading(path) as (_, connection):
        for _ in range(MOMENTS):
            second = START_S + chance.randrange(SECONDS)
            began = time.perf_counter()
            connection.ask(m.At(second * _S), m.AtReply)
            took.append(time.perf_counter() - began)
    return took


def tell(what: str, took: Sequence[float], target_s: float | None = None) -> None:
    """Print median, best and worst of some times."""
    words = f"{what:<28} {statistics.median(took):7.4f} s   best {min(took):7.4f} s   worst {max(took):7.4f} s"
    print(words + (f"   target {target_s:g} s" if target_s is not None else ""))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        environment = private_folders(Path(folder))
        path = hour(Path(folder) / "hour.wftop")
        print(f"{SECONDS} s x {SERIES} series: {path.stat().st_size / 1e6:.2f} MB")
        tell("opened by its reader", [opening(path) for _ in range(runs)])
        first, useful = zip(*(frames(path, environment) for _ in range(runs)), strict=True)
        tell("first output", first)
        tell("first useful frame", useful, 0.6)
        tell(f"at(time), {MOMENTS} moments", moments(path), 0.05)


if __name__ == "__main__":
    main()
