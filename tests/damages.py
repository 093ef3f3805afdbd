"""A journal of two hours and what may happen to its files, for tests of what becomes of both."""

from __future__ import annotations

import random
import shutil
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.recording import S, realistic
from tests.stored import change, events
from wftui.model.tick import Layout, Tick, pack
from wftui.store.entries import Burst
from wftui.store.journal import NAME, Journal

TICKS = 7_200
WAL_TICKS = 40
"""The last ones are in the WAL only, as after a kill."""
WIDTH = 40
SINCE_S = 1_790_000_000


class Damage(NamedTuple):
    """What is done to one file."""

    what: str
    """cut, flip, zero, empty, folder or garbage."""
    file: str = NAME
    place: float = 0.0
    """Share of the file."""

    def __str__(self) -> str:
        return f"{self.file.removeprefix(NAME) or 'main'}-{self.what}-{self.place:.4f}"

    def do(self, folder: Path) -> None:
        """Damage it."""
        path = folder / self.file
        data = path.read_bytes()
        at = int(self.place * len(data))
        if self.what == "folder":
            path.unlink()
            path.mkdir()
            return
        path.write_bytes({
            "cut": data[:at],
            "flip": data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :] if self.what == "flip" else b"",
            "zero": bytes(len(data)),
            "empty": b"",
            "garbage": random.Random(5).randbytes(len(data)),  # noqa: S311  the same in each run
        }[self.what])  # fmt: skip


def damages(count: int = 100) -> list[Damage]:
    """Everything; ``count`` lengths, and as many places of both files."""
    dice = random.Random(11)  # noqa: S311  the same places in each run
    wal, shm = NAME + "-wal", NAME + "-shm"
    found = [Damage("cut", NAME, dice.random()) for _ in range(count)]
    found += [Damage("flip", file, dice.random()) for file in (NAME, wal) for _ in range(count)]
    # The first page is where little things matter most.
    found += [Damage("flip", NAME, dice.random() * 100 / (TICKS * 500)) for _ in range(count // 4)]
    found += [Damage(what, file) for what in ("zero", "empty", "folder", "garbage") for file in (NAME, wal)]
    found += [Damage("cut", wal, dice.random()) for _ in range(count // 4)]
    return [*found, Damage("garbage", shm), Damage("zero", shm), Damage("flip", shm, 0.0004)]


def make(folder: Path) -> dict[int, Tick]:
    """Write the journal; every tick by its number."""
    (folder / "made").mkdir()
    made = Journal(folder / "made" / NAME)
    made.begin("boot", "0.1", "record", 1, SINCE_S * S, 0)
    columns, rows = realistic(WIDTH)
    layout = Layout(1, tuple(columns))
    ticks = [Tick(n + 1, SINCE_S + n, (100 + n) * S, 1, 1, pack(array("d", next(rows)))) for n in range(TICKS)]
    changes = [
        change(n, {f"{n % 7}:5": ("trainer", n / TICKS)}, keyframe=n % 60 == 1) for n in range(1, TICKS, 10)
    ]
    bursts = [Burst(n, "mark", columns[0], array("q", [n, n + 1]), array("d", [1.0, 2.0])) for n in (50, 7000)]
    first = TICKS - WAL_TICKS
    made.write([(tick, layout) for tick in ticks[:first]], changes, events(300, SINCE_S * S), bursts)
    made.checkpoint()
    for tick in ticks[first:]:
        made.write([(tick, layout)])
    for item in sorted((folder / "made").glob(NAME + "*")):
        shutil.copy(item, folder)
    made.close()
    shutil.rmtree(folder / "made")
    return {tick.seq: tick for tick in ticks}


def copies(made: Path, where: Path, cases: list[Damage]) -> Iterator[tuple[Damage, Path]]:
    """A damaged copy for each case."""
    for number, case in enumerate(cases):
        folder = where / str(number)
        folder.mkdir(mode=0o700)
        for item in made.iterdir():
            shutil.copy(item, folder)
        case.do(folder)
        yield case, folder
        shutil.rmtree(folder)
