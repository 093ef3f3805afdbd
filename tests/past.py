"""Two and a half hours of the past in a data dir, and their sealing: for tests of what reads segments."""

from __future__ import annotations

import math
from array import array
from pathlib import Path

from tests.recording import BYTES, CPU, PEAK, START_S, S, mount
from tests.records import fact
from wftui.model.processes import PROCESSES
from wftui.model.table import Row, TableChange, keyframe
from wftui.model.tick import Layout, Tick, pack
from wftui.store import journal, manifest, seal
from wftui.store.journal import Journal, StoredChange

SECONDS = 9_000
COLUMNS = (CPU, PEAK, BYTES, mount("/home/alice"))


def process(pid: int, busy: float) -> Row:
    """A row of ``PROCESSES``."""
    names = ("alice", "trainer", "trainer --name=bob")
    return (pid, 5, 1, *names, "R", busy, 2**30, 4, None, None, START_S * S, "job")


def values(second: int) -> tuple[float, ...]:
    """Of ``COLUMNS`` in one second."""
    return (second % 50 / 50, second % 60 / 60, math.nan if second == 30 else second * 1000.0, 16777216000.0 + 1)


def fill(folder: Path) -> None:
    """A journal with all of it, nothing sealed: an event each 100 s, process 7 and 8 in turn each 30 s."""
    made = Journal(folder / journal.NAME)
    made.begin("boot", "0.1", "record", 1, START_S * S, 0)
    layout = Layout(1, COLUMNS)
    made.write(
        [
            (Tick(n + 1, START_S + n, (100 + n) * S, 1, 1, pack(array("d", values(n)))), layout)
            for n in range(SECONDS)
        ],
        [
            StoredChange(n + 1, PROCESSES, change)
            for n in range(0, SECONDS, 30)
            for change in [
                keyframe(PROCESSES, (START_S + n) * S, {"7:5": process(7, 0.1)})
                if n % 60 == 0
                else TableChange("processes", (START_S + n) * S, False, {"8:5": process(8, 0.9)}, ["7:5"])
            ]
        ],
        [fact(n // 100 + 1, (START_S + n) * S) for n in range(0, SECONDS, 100)],
    )
    made.close()


def close_hours(folder: Path) -> None:
    """Seal the complete hours and take from the journal what is sealed and older than an hour."""
    with seal.lock(folder):
        seal.run(folder, (START_S + SECONDS) * S)
    made = Journal(folder / journal.NAME)
    assert made.trim(10**9, 10**12, sealed_seq=manifest.load(folder).sealed_seq) > 3600
    made.close()
