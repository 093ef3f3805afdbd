"""Rules about lag and fidelity over links: which alarm, while streams are watched in full motion.

    python -m tests.benchmarks.bench_links [--minutes 10] [--size 120x40] [--only idle,delay,narrow,worse]

One real recorder with default settings, three models that speak, and a real view in a terminal for each link:

    idle    on this machine, nobody touches it
    delay   100 ms from a question to its answer
    narrow  1 Mbit/s and 100 ms
    worse   100 ms, and 600 ms from the middle on

All but the first are kept in full motion by a key every two seconds. Printed for each: what lag, fidelity and
coherence were, and each alert about that view with its time and value. Exit code 1 when one of the first three
alarms about lag, fidelity or coherence, or the last does not. What else runs on the machine counts.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.benchmarks.alert_quiet import told
from tests.benchmarks.bench_stack import private_folders
from tests.benchmarks.bench_truth import reported
from tests.harness import Running, recorder, until
from tests.pty.link import Link
from tests.pty.speaking import speaking
from tests.pty.terminal import WFTOP
from wftui.clock import NS_PER_S
from wftui.wire import messages as m

JUDGED: Final = frozenset(
    {"rule.view-link", "rule.visual-lag", "rule.fidelity", "rule.fidelity-critical", "rule.coherence"}
)
"""These are to be silent on a link that is as it always was."""
FIGURES: Final = {"lag, ms": ("lag", 1000.0), "seen, %": ("ratio", 100.0), "coherence": ("coherence", 1.0)}
_HELD: Final = 1 << 20
"""Bytes of output that are kept at most."""


class Way(NamedTuple):
    """A link, and who sits at it."""

    rate_bps: float
    delay_s: float
    later_s: float
    """Delay from the middle on."""
    touched: bool
    """Whether somebody keeps the view in full motion."""


WAYS: Final = {
    "idle": Way(0, 0, 0, touched=False),
    "delay": Way(0, 0.1, 0.1, touched=True),
    "narrow": Way(1_000_000, 0.1, 0.1, touched=True),
    "worse": Way(0, 0.1, 0.6, touched=True),
}


class Kept(Link):
    """A link that does not keep what arrived long ago."""

    def forget(self) -> None:
        """Drop what is old."""
        if len(self.output) > _HELD:
            del self.output[:-64]
            self._answered = len(self.output)


def sit(way: Way, size: tuple[int, int], seconds: float, over: Event) -> None:
    """Watch the page of streams over a link for so long."""
    with Kept(WFTOP, size, {"SSH_CONNECTION": "", "SSH_TTY": ""}) as link:
        link.live()
        link.send("9")
        link.until_shows("E 0.")
        if way.touched:
            link.send("f")
        link.slow_down(way.rate_bps, way.delay_s)
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds and not over.is_set():
            if passed > seconds / 2 and link.delay_s != way.later_s:
                link.slow_down(way.rate_bps, way.later_s)
            if way.touched:
                link.send("k")
            link.read_for(2.0)
            link.forget()
        link.slow_down(0, 0)


def views(running: Running) -> set[str]:
    """Labels of the views that tell a lag."""
    with running.ask() as connection:
        found = connection.ask(m.At(time.time_ns() - 2 * NS_PER_S), m.AtReply)
    if found.layout is None:
        return set()
    return {
        dict(column.series.labels)["view"]
        for column in found.layout.columns
        if column.series.name == "wftop.view.motion"
    }


def _new(running: Running, before: set[str]) -> set[str]:
    return views(running) - before


@contextmanager
def sitting(running: Running, names: list[str], size: tuple[int, int], seconds: float) -> Iterator[dict[str, str]]:
    """Views over these links, by the label of the recorder."""
    over = multiprocessing.Event()
    started: list[multiprocessing.Process] = []
    found: dict[str, str] = {}
    try:
        for name in names:
            before = views(running)
            process = multiprocessing.Process(target=sit, args=(WAYS[name], size, seconds, over), daemon=True)
            process.start()
            started.append(process)
            [view] = until(partial(_new, running, before), 60, f"the view of {name}")
            found[view] = name
        yield found
    finally:
        over.set()
        for process in started:
            process.join(30)


def middle(values: list[float]) -> str:
    """5th percentile, median and 95th."""
    if len(values) < 2:
        return "-"
    ends = statistics.quantiles(values, n=20)
    return f"{ends[0]:.0f} / {statistics.median(values):.0f} / {ends[-1]:.0f}"


def report(running: Running, found: dict[str, str], events: list[dict[str, Any]], since_ns: int) -> int:
    """Print the tables; how many links did not do what they are to."""
    half_ns = (since_ns + time.time_ns()) // 2
    print("| 5 % / median / 95 % | " + " | ".join(FIGURES) + " |\n|" + "---|" * (1 + len(FIGURES)))
    wrong = 0
    for view, name in found.items():
        for part, begin_ns in (("", since_ns), (", from the middle on", half_ns)):
            if part and WAYS[name].later_s == WAYS[name].delay_s:
                continue
            cells = []
            for what, factor in FIGURES.values():
                told_of = reported(running, f'wftop.fidelity.{what}{{view="{view}"}}', begin_ns)
                cells.append(middle([factor * value for value in told_of]))
            print(f"| {name}{part} | " + " | ".join(cells) + " |")
    for view, name in found.items():
        mine = [event for event in events if f'view="{view}"' in event["alert"] and event["type"] == "alert.fired"]
        print(f"\n{name}: {len(mine)} fired")
        for event in mine:
            at_s = (event["time_ns"] - since_ns) / NS_PER_S
            limit = f"{event['threshold']} {event['unit']}"
            print(f"  {at_s:6.0f} s  {event['alert']}: {event['message']} (limit {limit})")
        judged = [event for event in mine if event["alert"].partition("{")[0] in JUDGED]
        if name == "worse":
            early = [event for event in judged if event["time_ns"] < half_ns - 5 * NS_PER_S]
            wrong += bool(early) or not judged
        else:
            wrong += bool(judged)
    return wrong


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--only", default=",".join(WAYS), help="links, with commas")
    options = parser.parse_args()
    width, _, height = options.size.partition("x")
    names = options.only.split(",")
    if unknown := set(names) - set(WAYS):
        parser.error(f"--only: expected some of {', '.join(WAYS)}, got {', '.join(sorted(unknown))}")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    loads: list[float] = []
    with ExitStack() as stack:
        os.environ.update(
            private_folders(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wflinks"))))
        )
        running = stack.enter_context(recorder())
        stack.enter_context(speaking(seconds=3600.0 * 24))
        seconds = options.minutes * 60
        found = stack.enter_context(sitting(running, names, (int(width), int(height)), seconds))
        since_ns = time.time_ns()
        end = time.monotonic() + seconds - 5.0
        while time.monotonic() < end:
            time.sleep(min(10.0, max(0.0, end - time.monotonic())))
            loads.append(os.getloadavg()[0])
        wrong = report(running, found, told({}, since_ns), since_ns)
    print(f"\n{options.minutes:g} minutes, {os.cpu_count()} cores, load {min(loads):.1f} to {max(loads):.1f}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
