"""What the redactor of bundles takes: an hour of 300 processes, what it learns beforehand, texts made to be slow.

Run: python -m tests.benchmarks.bench_redactor [--runs 5]. CPU time of this process, the median of the runs; ends
with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.recording import START_S, S, realistic
from tests.stored import recorded
from wftui.bundle.format import FULL
from wftui.bundle.privacy import Redactor
from wftui.model.processes import PROCESSES, row_key
from wftui.model.table import Row, TableChange
from wftui.store.archive import open_archive
from wftui.store.journal import StoredChange

SECONDS = 3600
PROCESSES_COUNT = 300
CHANGED = 90
"""Of them in a scan; scans are 2 s apart, each 30th has all."""
ROWS_S, LEARN_S, TEXT_S = 0.5, 0.5, 0.1
HARD = ("a.", "1.", "_", "a-", "[::", "'a ", "/a", "a@", "password ", "0:")


def rows(chance: random.Random) -> list[list[Row]]:
    """Of each scan."""
    users = ["claire", "bob", "root"]
    found: list[Row] = [
        (
            pid, pid * 7, 1, users[pid % 3], f"program{pid}",
            f"/home/claire/.venv/bin/python3 -m vllm.serve --model org/M-{pid}B --port {8000 + pid} /srv/d{pid}",
            "S", 0.1, 1000, 4, None, None, START_S * S, f"app-{pid}.scope",
        )
        for pid in range(1, PROCESSES_COUNT + 1)
    ]  # fmt: skip
    scans = []
    for scan in range(SECONDS // 2):
        chosen = found if scan % 30 == 0 else chance.sample(found, CHANGED)
        scans.append([(*row[:7], chance.random(), chance.randrange(10**9), *row[9:]) for row in chosen])
    return scans


def key(row: Row) -> str:
    pid, start = row[:2]
    assert isinstance(pid, int)
    assert isinstance(start, int)
    return row_key(pid, start)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    chance = random.Random(7)  # noqa: S311  test data
    scans = rows(chance)
    passed, learned = [], []
    with tempfile.TemporaryDirectory() as root:
        with recorded(Path(root, "data")) as made:
            columns, values = realistic(100)
            made.many(columns, values, SECONDS)
            changes = [
                TableChange(
                    PROCESSES.name, (START_S + 2 * at) * S + 1, at % 30 == 0, {key(row): row for row in scan}
                )
                for at, scan in enumerate(scans)
            ]
            made.write([StoredChange(2 * at + 1, PROCESSES, change) for at, change in enumerate(changes)])
        for _ in range(runs):
            redactor = Redactor(FULL, me="claire")
            with open_archive(Path(root, "data")) as archive:
                begun = time.process_time()
                redactor.learn(archive, START_S, START_S + SECONDS)
                learned.append(time.process_time() - begun)
            begun = time.process_time()
            for scan in scans:
                for row in scan:
                    redactor.key(PROCESSES, key(row))
                    redactor.row(PROCESSES, row)
            passed.append(time.process_time() - begun)
    redactor, slowest = Redactor(FULL, me="claire"), 0.0
    for piece in HARD:
        begun = time.process_time()
        redactor.text(piece * 4096)
        slowest = max(slowest, time.process_time() - begun)
    missed = 0
    count = sum(map(len, scans))
    for what, took, limit in (
        (f"{count} rows of {PROCESSES_COUNT} processes", statistics.median(passed), ROWS_S),
        ("what is learned beforehand", statistics.median(learned), LEARN_S),
        ("the slowest text of 4,096 characters", slowest, TEXT_S),
    ):
        missed += took > limit
        print(f"{what:40} {took:6.3f} s  limit {limit} s  {'MISSED' if took > limit else 'ok'}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
