"""A journal on disk, written by the real store code, for tests and benchmarks of what reads it."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wftui.model.sample import Column, column
from wftui.model.tick import Layout, Tick, pack
from wftui.store.journal import NAME, Journal

START_S = 1_790_000_000
"""2026-09-21T14:13:20Z."""
S = 1_000_000_000

CPU = column("cpu", "system.cpu.utilization", call="/proc/stat")
PEAK = column("cpu", "system.cpu.utilization", call="/proc/stat", stat="max")
BYTES = column("disks", "system.disk.io", {"device": "sda", "direction": "read"}, call="/proc/diskstats")


def mount(path: str) -> Column:
    """Size of a file system."""
    return column("mounts", "system.filesystem.limit", {"mount": path}, call="statvfs")


class Recording:
    """A journal under construction; a context manager."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.folder = folder
        self._journal = Journal(folder / NAME)
        self.boot = self._journal.begin("boot-1", "test", "record", 1, START_S * S, 0).boot
        self._layouts: dict[tuple[Column, ...], Layout] = {}
        self._seq = 0

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    def reboot(self) -> None:
        """The next ticks belong to another boot."""
        self.boot = self._journal.begin("boot-2", "test", "record", 1, START_S * S, 0).boot

    def tick(
        self, time_s: int, values: Mapping[Column, float], boottime_s: float | None = None, skip: int = 0
    ) -> int:
        """Write one tick; ``boottime_s`` follows ``time_s`` unless given, ``skip`` loses numbers before it."""
        columns = tuple(values)
        layout = self._layouts.get(columns)
        if layout is None:
            layout = self._layouts[columns] = Layout(len(self._layouts) + 1, columns)
        self._seq += 1 + skip
        at_ns = round((time_s - START_S + 100 if boottime_s is None else boottime_s) * S)
        row = Tick(self._seq, time_s, at_ns, self.boot, layout.id, pack(array("d", values.values())))
        self._journal.write([(row, layout)])
        return self._seq

    def many(self, columns: Sequence[Column], rows: Iterator[Sequence[float]], seconds: int) -> None:
        """Write ticks in bulk."""
        layout = Layout(1, tuple(columns))
        batch = []
        for second, values in zip(range(seconds), rows, strict=False):
            self._seq += 1
            at_ns = (100 + second) * S + second * 7919 % 2_000_000  # a tick closes within 2 ms of its second
            batch.append(
                (Tick(self._seq, START_S + second, at_ns, self.boot, 1, pack(array("d", values))), layout)
            )
        self._journal.write(batch)


def realistic(width: int, seed: int = 7) -> tuple[list[Column], Iterator[list[float]]]:
    """Columns and endless rows: a fifth counters, a fifth gauges (a quarter of them with all digits), 15 % steps,
    a fifth almost constant, a quarter percentages of which 1 % are missing."""
    chance = random.Random(seed)  # noqa: S311  test data, the same in each run
    columns: list[Column] = []
    for number in range(width):
        name, label = (
            ("system.disk.io", "device"), ("system.memory.usage", "mode"), ("system.process.count", "mode"),
            ("system.filesystem.limit", "mount"), ("system.cpu.logical.utilization", "cpu"),
        )[_kind(number)]  # fmt: skip
        columns.append(column("test", name, {label: str(number)}, call="test"))

    def rows() -> Iterator[list[float]]:
        now = [float(chance.randrange(10**9)) for _ in range(width)]
        shares = [0.3] * width
        while True:
            for number in range(width):
                kind = _kind(number)
                if kind == 0 and chance.random() < 0.6:
                    now[number] += int(chance.expovariate(1e-5))
                elif kind == 1:
                    moved = abs(now[number] + chance.gauss(0, 1e6))
                    now[number] = moved if number % 4 == 0 else float(int(moved))
                elif (kind == 2 and chance.random() < 0.05) or (kind == 3 and chance.random() < 0.001):
                    now[number] = float(chance.randrange(100))
                elif kind == 4:
                    shares[number] = min(1.0, max(0.0, shares[number] + chance.gauss(0, 0.02)))
                    now[number] = round(shares[number], 3) if chance.random() < 0.99 else math.nan
            yield list(now)

    return columns, rows()


def _kind(number: int) -> int:
    place = number % 20
    return 0 if place < 4 else 1 if place < 8 else 2 if place < 11 else 3 if place < 15 else 4
