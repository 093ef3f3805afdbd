"""This machine, watched with default settings: which built-in rules fire, and which have nothing to look at.

    python -m tests.benchmarks.alert_quiet --minutes 60 [--load none|busy] [--link 100ms] [--keep FOLDER]

A real recorder in folders of its own, and a real view in a terminal of 120x40 that nobody touches, drawn once a
second. With ``--link`` the terminal is at the far end of a line of 1 Mbit/s with that delay each way. ``--load
busy`` adds honest load (``tests/benchmarks/busy.py``). The recorder sees the whole machine: what else runs counts.
At the end: each alert that fired (``wftop alerts history``) or was pending (from the recording), with values; each
rule that had nothing to look at, and why. Exit code 1 when something fired.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.bench_stack import WFTOP, private_folders
from tests.benchmarks.bench_view import Watched
from tests.benchmarks.busy import busy
from tests.harness import until
from wftui.client.queries import Connection
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.model import alerts as cells
from wftui.model.table import Row
from wftui.paths import Places, places
from wftui.store.archive import open_archive
from wftui.when import duration

RATE: Final = 125_000
"""Bytes a second on the line."""
LOOK_S: Final = 60
Environment = Mapping[str, str]


class Looks:
    """What was seen of the machine and the view, once a minute."""

    def __init__(self) -> None:
        self.loads: list[float] = []
        self.frames = 0
        self.bytes = 0

    def look(self, view: Watched) -> None:
        """Note the load, take the frames of the view."""
        self.loads.append(os.getloadavg()[0])
        self.frames += len(view.ends)
        view.ends.clear()
        self.bytes = view.taken


def watch(seconds: float, link_s: float, environment: Environment) -> Looks:
    """Keep a view open for so long.

    Raises:
        OSError: The view ended.
    """
    view = Watched(
        dict(environment), delay_s=2 * link_s, rate=RATE if link_s else 1e9, arguments=(), size=(120, 40)
    )
    looks = Looks()
    end = time.monotonic() + seconds
    try:
        while (left := end - time.monotonic()) > 0:
            view.run(min(LOOK_S, left))
            looks.look(view)
    finally:
        view.close()
    return looks


def answers(where: Places) -> bool:
    """Whether the recorder answers."""
    try:
        with Connection(str(where.socket)):
            return True
    except ProtocolError:
        return False


def told(environment: Environment, since_ns: int) -> list[dict[str, Any]]:  # Any: JSON
    """The events of alerts since the start, as ``wftop alerts history`` gives them."""
    since_s = -(-(time.time_ns() - since_ns) // NS_PER_S)
    command = [str(WFTOP), "alerts", "history", "--since", f"{since_s}s", "--json"]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["events"]
    return found


class Seen:
    """One alert over the whole time, as table ``alerts`` recorded it."""

    def __init__(self) -> None:
        self.began: set[tuple[str, int]] = set()
        """(state, when it came into it)."""
        self.worst = self.threshold = float("nan")
        self.unit = self.message = ""
        self.reasons: set[str] = set()

    def take(self, row: Row) -> None:
        """A row of the table."""
        state, since, value, limit = (
            row[place] for place in (cells.STATE, cells.SINCE, cells.VALUE, cells.THRESHOLD)
        )
        self.began.add((str(state), int(since or 0)))
        if isinstance(value, int | float) and isinstance(limit, int | float):
            if not abs(value - limit) <= abs(self.worst - self.threshold):  # the first is farther than nan, too
                self.worst = value
            self.threshold = limit
        self.unit, self.message = str(row[cells.UNIT] or ""), str(row[cells.MESSAGE] or "")
        if row[cells.REASON]:
            self.reasons.add(str(row[cells.REASON]))

    def times(self, state: str) -> list[str]:
        """When it came into a state, UTC."""
        return [
            datetime.fromtimestamp(since / NS_PER_S, UTC).strftime("%H:%M:%S")
            for name, since in sorted(self.began, key=lambda item: item[1])
            if name == state
        ]


def seen(where: Places, since_ns: int) -> dict[str, Seen]:
    """All alerts that were not inactive since then, from the recording."""
    found: dict[str, Seen] = defaultdict(Seen)
    with open_archive(where.data_dir) as archive:
        for _, change in archive.changes(cells.ALERTS.name, since_ns, time.time_ns() + 60 * NS_PER_S):
            for key, row in change.rows.items():
                found[key].take(row)
    return dict(found)


def blind(rows: Mapping[str, Row]) -> dict[str, list[str]]:
    """Why rules that are on do not look, to their ids."""
    found: dict[str, list[str]] = defaultdict(list)
    for rule, row in sorted(rows.items()):
        state, reason = (str(row[place] or "") for place in (4, 5))
        if state in ("waiting", "warming") or (reason and state != "off"):
            found[f"{state}: {reason}"].append(rule.removeprefix("rule."))
    return dict(found)


def report(found: Mapping[str, Seen], events: list[dict[str, Any]], rows: Mapping[str, Row]) -> int:
    """Print what happened; the number of firings."""
    fired = [item for item in events if item["type"] == "alert.fired"]
    print(f"\nfired: {len(fired)}")
    for event in fired:
        clock = datetime.fromtimestamp(event["time_ns"] / NS_PER_S, UTC).strftime("%H:%M:%S")
        print(f"  {clock} {event['severity']:8} {event['alert']}: {event['message']}")
        print(f"           value {event['value']}, threshold {event['threshold']} {event['unit']}")
    pended = {key: item for key, item in found.items() if item.times(cells.PENDING)}
    print(f"\npending: {sum(len(item.times(cells.PENDING)) for item in pended.values())} times")
    for key, item in sorted(pended.items()):
        times = item.times(cells.PENDING)
        print(
            f"  {key}: {len(times)} times, {times[0]} to {times[-1]}; "
            f"farthest {item.worst:.4g}, threshold {item.threshold:.4g} {item.unit}"
        )
    reasons = {key: item.reasons for key, item in found.items() if item.reasons}
    for key, texts in sorted(reasons.items()):
        print(f"  {key} was not known: {'; '.join(sorted(texts))}")
    off = sum(str(row[4]) == "off" for row in rows.values())
    print(f"\n{len(rows)} rules, {off} off; those that do not look at anything now:")
    for why, names in blind(rows).items():
        print(f"  {why}: {', '.join(names)}")
    return len(fired)


def main() -> int:
    """Command line; 1 when something fired."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--load", choices=("none", "busy"), default="none")
    parser.add_argument("--link", default="0s", metavar="TIME", help="delay each way between view and terminal")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="record there, and leave it")
    options = parser.parse_args()
    link_s = 0.0 if options.link in ("0", "0s") else _delay(options.link)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with ExitStack() as stack:
        base = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wfquiet")))
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = private_folders(base)
        os.environ.update(environment)
        where = places()
        recorder = subprocess.Popen([WFTOP, "record"], stdout=subprocess.DEVNULL)
        stack.callback(recorder.wait, 30)
        stack.callback(recorder.terminate)
        until(lambda: answers(where), 60, "the recorder")
        began_ns = time.time_ns()
        if options.load == "busy":
            work = base / "work"
            work.mkdir(exist_ok=True)
            stack.enter_context(busy(work))
        looks = watch(options.minutes * 60, link_s, environment)
        with Connection(str(where.socket)) as connection:
            rows = connection.tables([cells.RULES.name])[cells.RULES.name][1]
        events, found = told(environment, began_ns), seen(where, began_ns)
        if recorder.poll() is not None:
            print(f"the recorder ended with {recorder.returncode}")
            return 1
        loads = looks.loads
        print(
            f"{options.minutes:g} minutes, load {options.load}, link {options.link}, {os.cpu_count()} cores; "
            f"load averages {min(loads):.1f} to {max(loads):.1f}, mean {sum(loads) / len(loads):.1f}; "
            f"the view: {looks.frames / options.minutes / 60:.2f} frames and "
            f"{looks.bytes / options.minutes / 60:.0f} bytes a second"
        )
        return 1 if report(found, events, rows) else 0


def _delay(text: str) -> float:
    """Seconds of a delay like ``100ms``; ``wftui.when`` knows seconds and more only."""
    return float(text[:-2]) / 1000 if text.endswith("ms") else duration(text)


if __name__ == "__main__":
    sys.exit(main())
