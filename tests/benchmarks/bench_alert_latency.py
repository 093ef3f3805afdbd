"""From a pushed step to the alert: at a follower of the recorder, and as bytes on a terminal with the real view.

    python -m tests.benchmarks.bench_alert_latency [--steps 12] [--no-view] [way…]

Ways: ``each second`` (a script's figure, one push a second, the step at any moment of it), ``ten a second`` (a
step from 0 to 1000 over a limit of 50), ``half`` (the same over a limit of 500: a second counts by its mean, so a
step in the later half of one passes the limit in the next). The terminal is 120x40, with the real view.
Two notifications a step and ten a minute at most: a step takes 12.5 s. The recorder runs in folders of its own.
"""

from __future__ import annotations

import argparse
import random
import statistics
import threading
import time
from typing import Final

from tests.alerted import Pusher, alone, rule, write
from tests.benchmarks.bench_push import fresh
from tests.harness import Running, View, until
from tests.process.test_push import Program
from tests.pty.terminal import WFTOP, Terminal
from wftui.wire import messages as m

PACE_S: Final = 12.5
LIMITS: Final = {"half": 500.0}
LIMIT: Final = 50.0
TARGET_S: Final = 1.2
WAYS: Final = ("each second", "ten a second", "half")
_WORDS: Final = "stepped to"


class Follower:
    """Notes when each firing of the rule arrived."""

    def __init__(self, running: Running) -> None:
        self.fired: list[float] = []
        self.resolved = 0
        self._view = View(running.where)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for message in self._view.messages():
            if isinstance(message, m.EventArrived) and message.event.payload.get("rule") == "rule.step":
                if message.event.type == "alert.fired":
                    if not message.event.payload["told"]:
                        raise AssertionError(message.event.payload["why_not"])
                    self.fired.append(time.monotonic())
                self.resolved += message.event.type == "alert.resolved"


class Figure:
    """A figure that steps and falls back, pushed in one of the ways."""

    def __init__(self, way: str) -> None:
        self._pusher = Pusher() if way != "each second" else None
        self._script = Program() if way == "each second" else None
        self._script_at = time.monotonic()
        self._number = 0

    def __enter__(self) -> Figure:
        if self._pusher is not None:
            self._pusher.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._pusher is not None:
            self._pusher.__exit__()
        if self._script is not None:
            self._script.__exit__()

    def calm(self) -> None:
        """Say that all is well, as often as its way says."""
        self._say(0.0)

    def step(self) -> float:
        """Step; returns when."""
        self._number += 1
        began = time.monotonic()
        self._say(1000.0 + self._number)
        return began

    def _say(self, level: float) -> None:
        if self._pusher is not None:
            self._pusher.level = level
        elif self._script is not None:
            self._script.native({"name": "level", "value": level})


def measured(way: str, steps: int, words: str) -> tuple[list[float], list[float]]:
    """Seconds from each step to the follower, and to these words on the terminal; empty: without one."""
    dice = random.Random(5)  # noqa: S311  moments within a second, the same each run
    heard, shown = [], []
    with fresh() as running:
        alone()
        metric = {"metric": "custom.t.level", "operator": ">", "value": LIMITS.get(way, LIMIT)}
        write(
            rule(
                "step",
                conditions={"when_all": [metric]},
                message=f"{_WORDS} {{value}}",
                debounce={"cooldown_ms": 1000},
                actions=[{"type": "notify.toast", "duration_ms": 3000}],
            )
        )
        follower = Follower(running)
        terminal = Terminal(WFTOP, (120, 40)) if words else None
        with Figure(way) as figure:
            try:
                if terminal is not None:
                    terminal.live()
                _wait(8.0, terminal, figure)  # the recorder has read the rules
                for _ in range(steps):
                    began = time.monotonic()
                    _wait(1.0 + dice.random(), terminal, figure)
                    seen = len(terminal.output) if terminal is not None else 0
                    count = len(follower.fired)
                    stepped = figure.step()
                    if terminal is not None:
                        terminal.until_writes(words.encode(), seen)
                        shown.append(time.monotonic() - stepped)
                    until(lambda count=count: len(follower.fired) > count, 10, "the alert")  # type: ignore[misc]  # mypy sees no default there
                    heard.append(follower.fired[count] - stepped)
                    over = follower.resolved
                    figure.calm()
                    until(lambda over=over: _calmed(follower, over, figure, terminal), 10, "the end")  # type: ignore[misc]  # as above
                    _wait(PACE_S - (time.monotonic() - began), terminal, figure)
            finally:
                if terminal is not None:
                    terminal.close()
        running.stop()
    return heard, shown


def _wait(seconds: float, terminal: Terminal | None, figure: Figure) -> None:
    """Let time pass; a script goes on to push each second, the terminal is read."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        figure.calm()
        if terminal is not None:
            terminal.read_for(min(1.0, left))
        else:
            time.sleep(min(1.0, left))


def _calmed(follower: Follower, over: int, figure: Figure, terminal: Terminal | None) -> bool:
    if follower.resolved > over:
        return True
    _wait(0.5, terminal, figure)
    return False


def _line(where: str, values: list[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    late = sum(value > TARGET_S for value in ordered)
    return (
        f"  {where:10} median {statistics.median(ordered):5.2f} s, p95 {p95:5.2f} s, slowest {ordered[-1]:5.2f} s"
        f"; {late} of {len(ordered)} beyond {TARGET_S:g} s"
    )


def main() -> None:
    """Measure the ways that are asked for, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="*", choices=[*WAYS, []], default=[], metavar="way")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--no-view", action="store_true")
    parser.add_argument("--words", default=_WORDS, help="what is waited for on the terminal")
    arguments = parser.parse_args()
    for way in arguments.ways or WAYS:
        heard, shown = measured(way, arguments.steps, "" if arguments.no_view else arguments.words)
        print(f"{way}: {len(heard)} steps")
        print(_line("follower", heard))
        if shown:
            print(_line("terminal", shown))


if __name__ == "__main__":
    main()
