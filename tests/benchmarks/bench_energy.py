"""What `wftop energy` and `wftop gpus --who` cost: 16 GPUs with 64 processes over a day, sealed and live.

Run: python tests/benchmarks/bench_energy.py [--hours 24] [--each 60]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from tests.recording import START_S, S
from tests.stored import recorded
from wftui.model.gpus import GPU_PROCESSES, GPUS
from wftui.model.sample import Column, column
from wftui.model.table import Row, TableChange
from wftui.model.tick import Layout, Tick, pack
from wftui.store import seal
from wftui.store.archive import open_archive
from wftui.store.energy import GPU, energy, total
from wftui.store.gpu_usage import usage
from wftui.store.journal import StoredChange

CARDS, PROCESSES = 16, 64
_BATCH = 3_600


def _row(number: int, seconds: float, busy: float) -> Row:
    known: dict[str, str | float] = {
        "gpu.uuid": f"GPU-{number % CARDS}", "process.pid": 1000 + number, "process.start_time": 7,
        "process.user": f"user{number % 5}", "process.name": "trainer", "process.gpu.memory.usage": 2.0**30,
        "process.gpu.utilization": busy, "process.gpu.time": seconds * 0.4, "process.gpu.energy": seconds * 90.0,
    }  # fmt: skip
    return tuple(known.get(item.name, "" if item.kind == "text" else None) for item in GPU_PROCESSES.columns)


def _write(folder: Path, seconds: int, each_s: int) -> None:
    """Counters each second, a card's row once, all processes changed each ``each_s`` seconds."""
    chance = random.Random(7)  # noqa: S311  test data, the same in each run
    columns: list[Column] = []
    for number in range(CARDS):
        for metric in ("energy", "up"):
            columns.append(column("gpu", f"hw.gpu.{metric}", {"gpu": f"GPU-{number}"}, call="bench"))  # noqa: PERF401  two nested loops read better
    layout = Layout(1, tuple(columns))
    cards: dict[str, Row] = {
        f"GPU-{n}": tuple(f"GPU-{n}" if place == 0 else n if place == 1 else "" if item.kind == "text" else None
                          for place, item in enumerate(GPUS.columns))
        for n in range(CARDS)
    }  # fmt: skip
    with recorded(folder) as made:
        made.write(changes=[StoredChange(1, GPUS, TableChange("gpus", START_S * S, True, cards))])
        for begin in range(0, seconds, _BATCH):
            ticks, changes = [], []
            for second in range(begin, min(seconds, begin + _BATCH)):
                values = array("d", [item for n in range(CARDS) for item in (second * (300.0 + n), 1.0)])
                ticks.append(
                    (Tick(second + 1, START_S + second, (100 + second) * S, made.boot, 1, pack(values)), layout)
                )
                if second % each_s == 0:
                    rows = {f"{n}": _row(n, second, round(chance.random(), 2)) for n in range(PROCESSES)}
                    change = TableChange("gpu_processes", (START_S + second) * S, second % 60 == 0, rows)
                    changes.append(StoredChange(second + 1, GPU_PROCESSES, change))
            made.journal.write(ticks, changes)


def _timed(what: str, ask: Callable[[], str]) -> None:
    begin = time.perf_counter()
    said = ask()
    print(f"{what:44} {time.perf_counter() - begin:8.2f} s   {said}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--each", type=int, default=5, help="seconds between two changes of all processes")
    given = parser.parse_args()
    seconds = given.hours * 3600
    until_s = START_S + seconds
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where) / "data"
        _write(folder, seconds, given.each)
        for level in ("journal", "sealed"):
            if level == "sealed":
                _timed("seal", lambda: str(bool(seal.run(folder, (until_s + 90_000) * S))))
            with open_archive(folder) as archive:
                _timed(
                    f"{level}: energy of {CARDS} GPUs, {given.hours} h",
                    lambda: f"{total(energy(archive, START_S, until_s).of(GPU)).joules:.6g} J",
                )
                _timed(
                    f"{level}: who, {PROCESSES} processes, {given.hours} h",
                    lambda: f"{sum(item.gpu_s or 0 for item in usage(archive, START_S, until_s).uses):.6g} s",
                )


if __name__ == "__main__":
    main()
