"""What the process list costs the view: 2,000 processes at 200x50, flat, as a tree, folded and filtered.

Each round a scan comes in that changed a tenth of the rows: CPU ms of taking it in, of the first frame after it,
of a frame in which only the clock went on, and of one after the cursor moved by a line. Medians of 40 rounds.
"""

import gc
import statistics
import time
from collections.abc import Callable
from functools import partial

from tests.tui.fake import NOW_S, Fed, scene
from wftui.model.processes import CPU, PROCESSES
from wftui.model.table import Row, TableChange
from wftui.tui.compose import picture
from wftui.tui.start import _THRESHOLDS
from wftui.tui.ui import Ui
from wftui.wire import messages as wire

ROUNDS = 40
BUDGET_MS = 5.0
"""Of one frame."""
FILTER = "user=user1,user2 mem>1m !idle | cpu>1 name~^wo"


def spent(call: Callable[[], object]) -> float:
    """CPU (ms) of a call."""
    start = time.thread_time_ns()
    call()
    return (time.thread_time_ns() - start) / 1e6


def machine(count: int) -> dict[str, Row]:
    """Processes under init, five to a parent, so that the tree is some levels deep."""
    rows: dict[str, Row] = {}
    for pid in range(1, count + 1):
        rows[f"{pid}:{pid}"] = (
            pid, pid, pid // 5, f"user{pid % 7}", f"worker-{pid % 31}",
            f"/usr/bin/worker-{pid % 31} --number {pid} --in /srv/data/{pid % 13}", "R" if pid % 9 == 0 else "S",
            (pid * 7919 % 1000) / 1000 if pid % 3 == 0 else 0.0, float(pid * 104_729 % 4_000_000_000), pid % 64,
            None if pid % 2 else float(pid % 100), None if pid % 2 else 0.0, (NOW_S - pid) * 10**9, "",
        )  # fmt: skip
    return rows


def main() -> None:
    # As the view has it: the collector goes through all objects seldom.
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    print(f"{'processes':>9} {'list':<20} {'table':>8} {'frame':>8} {'same':>8} {'moved':>8}   ms")
    for count in (300, 2000):
        for name in ("flat", "filtered", "tree", "tree folded", "tree all folded", "tree filtered"):
            fed = Fed().run(last=120)
            rows = machine(count)
            fed.state.on(wire.TableArrived(TableChange("processes", NOW_S * 10**9, True, rows), PROCESSES))
            ui = Ui()
            ui.show("processes")
            ui.work.tree = name.startswith("tree")
            if name == "tree folded":
                ui.work.folded = frozenset(f"{pid}:{pid}" for pid in range(40, 60))
            elif name == "tree all folded":
                ui.work.fold_all(fed.state)
            if name.endswith("filtered"):
                ui.wanted["processes"] = FILTER
            found: list[tuple[float, ...]] = []
            for step in range(ROUNDS):
                changed = {}
                for pid in range(1 + step % 10, count + 1, 10):
                    row = list(rows[f"{pid}:{pid}"])
                    row[CPU] = (pid * (step + 3) % 997) / 997
                    changed[f"{pid}:{pid}"] = tuple(row)
                change = wire.TableArrived(
                    TableChange("processes", (NOW_S + step) * 10**9, False, changed), PROCESSES
                )
                now = scene(fed.state, age_s=float(step))
                table = spent(partial(fed.state.on, change))
                draw = partial(picture, now, ui, 200, 50)
                first, same = spent(draw), spent(draw)
                ui.move(fed.state, 1)
                found.append((table, first, same, spent(draw)))
            medians = [statistics.median(column) for column in zip(*found, strict=True)]
            over = "   over the budget" if medians[1] > BUDGET_MS else ""
            print(f"{count:>9} {name:<20} " + " ".join(f"{value:8.3f}" for value in medians) + over)


if __name__ == "__main__":
    main()
