"""`wftop rules test` over a day: each tick of all series through the engine, beside what wftop does instead.

    python -m tests.benchmarks.bench_rules_test [DIR] [--hours 25] [--series 400] [--only CASE] [--quick]

DIR is a data dir as `tests/benchmarks/fill.py` makes it; without one it is made (3 s an hour of 400 series). Each
way runs in a process of its own, with the memory of the history service: the first time with files unread and
DuckDB to be loaded, then again with other numbers over what was read. Ends with 1 when the two ways find different
firings, or a limit is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.every_tick import by_every_tick
from wftui.alerts import store
from wftui.alerts.replay import Outcome
from wftui.alerts.rule import Aggregation, Baseline, Condition, Query, Rule, Threshold
from wftui.history.replayed import DAY_S, replayed
from wftui.history.service import MEMORY_MB
from wftui.paths import resources
from wftui.store.archive import Archive

FIRST_S = 3.0
"""A usual rule, asked for the first time. Of CPU time: a machine that has other work takes longer."""
AGAIN_S = 1.0
"""Asked again with another number."""
RSS_MB = 130
"""Peak of the process; with the answer it is back under the 110 of the history service."""
CPU = "system.cpu.utilization"
CORES = "system.cpu.logical.utilization"


class Found(msgspec.Struct):
    """What one process measured."""

    first_s: float
    """Of wall clock."""
    first_cpu_s: float
    again_s: float
    again_cpu_s: float
    peak_mb: int
    before_mb: int
    """Peak before anything was read: Python and its imports."""
    firings: int
    digest: str


def above(value: float, selector: str, aggregation: Aggregation = "last", window_s: int = 0) -> Condition:
    return Threshold(Query(selector, aggregation, window_s), ">", value)


def one(condition: Condition) -> list[Rule]:
    return [Rule("rule.it", condition, for_s=5, keep_firing_s=10)]


def built_in() -> list[Rule]:
    """All rules that ship with wftop."""
    found = [store.read_file(path, builtin=True) for path in sorted(resources("rules").glob("*.json"))]
    return [rule for loaded in found for rule in loaded.rules]


CASES: dict[str, Callable[[float], list[Rule]]] = {
    "threshold": lambda limit: one(above(limit, CPU)),
    "average of 5 min": lambda limit: one(above(0.6 * limit, CPU, "avg", 300)),
    "p95 of 5 min": lambda limit: one(above(limit, CPU, "p95", 300)),
    "70 labels": lambda limit: one(above(limit, f'{CORES}{{cpu="share-[!3]*"}}')),
    "a baseline": lambda limit: one(Baseline(Query(CPU), ">", 100 * limit, 3600)),
    "all built in": lambda _: built_in(),
}
_USUAL = ("threshold", "average of 5 min", "70 labels")


def measured(folder: Path, case: str, way: str) -> Found:
    """Replay a case in this process."""
    rules, other = CASES[case](0.7), CASES[case](0.8)
    before_mb = _peak_mb()
    with Archive(folder, MEMORY_MB[0]) as archive:
        first = _Watch()
        archive.refresh()
        bounds = archive.bounds()
        assert bounds is not None
        until_s = bounds[1] + 1
        since_s = max(bounds[0], until_s - DAY_S)
        if way == "each tick":
            outcomes = by_every_tick(archive, rules, since_s, until_s)
            spent = [*first.spent(), 0.0, 0.0]
        else:
            found = replayed(archive, rules, since_s, until_s)
            outcomes, spent = found.outcomes, first.spent()
            again = _Watch()
            replayed(archive, other, since_s, until_s, found.past)
            spent += again.spent()
    firings = sum(len(item.firings) for item in outcomes)
    return Found(spent[0], spent[1], spent[2], spent[3], _peak_mb(), before_mb, firings, _digest(outcomes))


class _Watch:
    """Seconds of the wall clock and of the processor from now on."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def spent(self) -> list[float]:
        return [time.perf_counter() - self._began[0], time.process_time() - self._began[1]]


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _digest(outcomes: list[Outcome]) -> str:
    return hashlib.sha256(repr(outcomes).encode()).hexdigest()


def asked(folder: Path, case: str, way: str) -> Found:
    """The same in a process of its own."""
    words = [sys.executable, "-m", "tests.benchmarks.bench_rules_test", str(folder), "--only", case, "--way", way]
    done = subprocess.run(words, check=True, capture_output=True, cwd=Path(__file__).parents[2])
    return msgspec.json.decode(done.stdout, type=Found)


def compare(folder: Path, cases: list[str]) -> bool:
    """Print each case both ways; whether all is well."""
    good = True
    print(f"{'s (of them CPU)':18}{'each tick':>24}{'now, first':>24}{'again':>16}{'firings':>9}")
    for case in cases:
        old, new = asked(folder, case, "each tick"), asked(folder, case, "now")
        same = old.digest == new.digest
        quick = new.first_cpu_s <= FIRST_S and new.again_cpu_s <= AGAIN_S
        kept = (quick and new.peak_mb <= RSS_MB) or case not in _USUAL
        good = good and same and kept
        print(
            f"{case:18}{old.first_s:7.2f} ({old.first_cpu_s:5.2f}) {old.peak_mb:5} MB"
            f"{new.first_s:7.2f} ({new.first_cpu_s:5.2f}) {new.peak_mb:5} MB"
            f"{new.again_s:7.2f} ({new.again_cpu_s:5.2f}){new.firings:10}"
            f"{'' if same else '  DIFFERENT'}{'' if kept else '  MISSED'}",
            flush=True,
        )
    print(f"limits of {', '.join(_USUAL)}: {FIRST_S:.0f} s and {AGAIN_S:.0f} s of CPU, {RSS_MB} MB")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", metavar="DIR")
    parser.add_argument("--hours", type=float, default=25.0)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--way", choices=("each tick", "now"), help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="two hours")
    arguments = parser.parse_args()
    if arguments.way is not None:
        sys.stdout.buffer.write(msgspec.json.encode(measured(arguments.folder, arguments.only, arguments.way)))
        return 0
    cases = [arguments.only] if arguments.only else list(CASES)
    if arguments.folder is not None:
        return 0 if compare(arguments.folder, cases) else 1
    from tests.benchmarks import fill  # it loads what seals: no part of what is measured

    with tempfile.TemporaryDirectory() as made:
        fill.fill(Path(made) / "d", 2.0 if arguments.quick else arguments.hours, arguments.series)
        return 0 if compare(Path(made) / "d", cases) else 1


if __name__ == "__main__":
    sys.exit(main())
