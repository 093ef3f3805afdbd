"""The view alone, beside the recorder of the demo: bytes and cost of each way to draw, a slow link, wake-ups.

200x50, eight GPUs of the demo, about 300 processes on the machine. Measured from outside by ttybench; intervals
between frames, times of keys and wake-ups by this program's own terminal and by what the view reports to the
recorder. The screen of model servers is measured beside ten stand-ins for vLLM and an ordinary recorder, the
overview beside the same ones for comparison.

    python tests/benchmarks/bench_view.py [--seconds 20]
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.bench_servers import LOOKING, servers
from tests.benchmarks.bench_stack import POPULATION, WARMUP_S, WFTOP, Environment, private_folders, processes

if TYPE_CHECKING:
    from collections.abc import Sequence

VIEW = f"{WFTOP} --demo"
SLOW = ["--rate", "1e6", "--rtt", "0.1", "--buffer", "1048576"]
FULL = ["-k", "3:9", "-k", "4:f"]
_SERVERS = 10
_FRAME_END = re.compile(rb"\x1b\[\?2026l")
_QUESTION = re.compile(rb"\x1b\[(\d+);(\d+)H\x1b\[6n")
_TARGETS = (
    # Scenario, figure of it, words, factor, target (at most; negative: at least).
    ("scroll", "bytes_s", "scrolling graphs, KB/s", 1e-3, 8.0),
    ("sweep", "bytes_s", "sweep graphs, KB/s", 1e-3, 4.0),
    ("full", "sync_frames_s", "60 FPS: frames a second", 1.0, -58.0),
    ("full", "gap_ms_p95", "60 FPS: interval, p95, ms", 1.0, 16.67),
    ("full", "cpu_total_pct", "60 FPS: % of a core", 1.0, 9.0),
    ("full", "bytes_s", "60 FPS: KB/s", 1e-3, 200.0),
    ("stall", "longest_ms", "60 FPS: longest interval, ms", 1.0, 25.0),
    ("stall", "work_ms", "60 FPS: work of a frame, p95, ms", 1.0, 3.0),
    ("slow", "queue_delay_ms_p95", "1 Mbit/s, 100 ms: stale output, p95, ms", 1.0, 200.0),
    ("slow", "sync_frames_s", "1 Mbit/s, 100 ms: frames a second", 1.0, -5.0),
    ("slow keys", "key_ms", "1 Mbit/s, 100 ms: longest time of a key, ms", 1.0, 10.0),
    ("servers", "bytes_s", "ten model servers, overview: KB/s", 1e-3, 8.0),
    ("servers", "cpu_total_pct", "ten model servers, overview: % of a core", 1.0, float("nan")),
    ("screen 7", "bytes_s", "ten model servers, screen 7: KB/s", 1e-3, 8.0),
    ("screen 7", "cpu_total_pct", "ten model servers, screen 7: % of a core", 1.0, float("nan")),
    ("screen 7", "sync_frames_s", "ten model servers, screen 7: frames a second", 1.0, float("nan")),
    ("screen 7", "work_ms", "ten model servers, screen 7: work of a frame, median, ms", 1.0, 3.0),
    ("still", "wakes_s", "1 Hz: wake-ups of the main thread a second", 1.0, float("nan")),
    ("still", "feed_s", "1 Hz: messages of the feed a second", 1.0, float("nan")),
)

Figures = dict[str, Any]  # Any: the fields of the harness


def harness(extra: list[str], seconds: float, environment: Environment, command: str = VIEW) -> Figures:
    """Run one program in the harness; its medians."""
    report = Path(environment["HOME"]) / "figures.json"
    arguments = [sys.executable, str(Path(__file__).with_name("ttybench.py")), "--quiet", "--size", "200x50"]
    arguments += ["--ballast", str(max(0, POPULATION - processes())), "--json", str(report)]
    arguments += ["--time", str(seconds + WARMUP_S), "--warmup", str(WARMUP_S), *extra, f"view={command}"]
    subprocess.run(arguments, check=True, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    found: Figures = json.loads(report.read_text())["medians"][0]
    return found


class Watched:
    """A view in a terminal of ours, which answers after ``delay_s`` and takes ``rate`` bytes a second."""

    def __init__(
        self,
        environment: Environment,
        *,
        delay_s: float = 0.0,
        rate: float = 1e9,
        arguments: Sequence[str] = ("--demo",),
        size: tuple[int, int] = (200, 50),
    ) -> None:
        """``size``: columns and lines."""
        self.delay_s, self.rate = delay_s, rate
        self.ends: list[float] = []
        """When frames ended."""
        self.taken = 0
        """Bytes."""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            variables = {**os.environ, **environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execve(WFTOP, [str(WFTOP), *arguments], variables)  # noqa: S606  ours
        self._tail = b""
        self._free = 0.0
        self._waiting: list[tuple[float, bytes]] = []

    def type(self, keys: str) -> None:
        """Keys."""
        os.write(self._terminal, keys.encode())

    def run(self, seconds: float) -> None:
        """Read, answer, and note when frames ended."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            while self._waiting and self._waiting[0][0] <= now:
                os.write(self._terminal, self._waiting.pop(0)[1])
            wait = min(end, self._waiting[0][0]) - now if self._waiting else end - now
            if not select.select([self._terminal], [], [], max(0.0, wait))[0]:
                continue
            data = os.read(self._terminal, 65536)
            now = time.monotonic()
            self.taken += len(data)
            self._free = max(self._free, now) + len(data) / self.rate
            self.ends += [now] * len(_FRAME_END.findall(data))
            data = self._tail + data
            last = 0
            for found in _QUESTION.finditer(data):
                last = found.end()
                answer = b"\x1b[%s;%sR" % (found[1], found[2])
                self._waiting.append((max(now, self._free) + self.delay_s, answer))
            if b"\x1b[?2026$p" in data[last:]:
                os.write(self._terminal, b"\x1b[?2026;2$y")
            self._tail = data[last:][-24:]

    def close(self) -> None:
        """End it."""
        self.delay_s, self.rate = 0.0, 1e9
        self.type("q")
        end = time.monotonic() + 3
        try:
            while time.monotonic() < end:
                self.run(0.2)
        except OSError:
            pass
        os.close(self._terminal)
        os.waitpid(self.pid, 0)


def reported(
    metric: str, environment: Environment, arguments: Sequence[str] = ("--demo",), since: str = "15s"
) -> list[float]:
    """What the newest view told the recorder of itself in the last seconds, newest last."""
    command = [str(WFTOP), "export", *arguments, "--since", since, "-m", metric, "--format", "jsonl", "-o", "-"]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    head, *lines = [json.loads(line) for line in done.stdout.splitlines()] or [{"series": []}]
    views = [int(series["labels"]["view"]) for series in head["series"]]
    if not views:
        return []
    place = 1 + views.index(max(views))
    return [row[place] for row in lines if row[place] is not None]


def stalls(seconds: float, environment: Environment) -> Figures:
    """Intervals between the frames of the energy screen in full motion, and the work of one."""
    view = Watched(environment)
    view.run(4.0)
    view.type("9")
    view.run(1.0)
    view.type("f")
    view.run(4.0)
    view.ends.clear()
    view.run(seconds)
    gaps = sorted(b - a for a, b in zip(view.ends, view.ends[1:], strict=False))
    work = reported("wftop.view.frame.duration", environment)
    intervals = reported("wftop.view.frame.interval", environment)
    view.close()
    return {
        # Of the clock: a frame in which no cell is another one is not sent.
        "longest_ms": 1000 * max(intervals[-3:]) if intervals else None,
        "longest_seen_ms": 1000 * gaps[-1],
        "work_ms": 1000 * statistics.median(work[-10:]) if work else None,
    }


def slow_keys(environment: Environment) -> Figures:
    """Keys on a slow link: the longest from its bytes to its frame, as the view tells."""
    view = Watched(environment, delay_s=0.1, rate=125_000)
    view.run(6.0)
    view.type("9")
    view.run(1.0)
    view.type("f")
    # The first time a screen is opened, what draws it is loaded.
    for key in "29161" + 4 * "2916":
        view.type(key)
        view.run(0.8)
    found = reported("wftop.view.key.duration", environment)
    lag = reported("wftop.view.lag", environment)
    view.close()
    return {
        "key_ms": 1000 * max(found[-3:]) if found else None,
        "lag_ms": 1000 * statistics.median(lag) if lag else None,
    }


def beside_servers(seconds: float, environment: Environment) -> dict[str, Figures]:
    """Overview and screen 7 beside ten busy model servers that an ordinary recorder watches."""
    surroundings = {**os.environ, **environment, **LOOKING}
    silent = subprocess.DEVNULL
    with servers(_SERVERS):
        recorder = subprocess.Popen([WFTOP, "record"], env=surroundings, stdout=silent, stderr=silent)
        try:
            time.sleep(2 * WARMUP_S)  # the servers are found, and asked for their models
            found = {
                name: harness(keys, seconds, environment, str(WFTOP))
                for name, keys in (("servers", []), ("screen 7", ["-k", "3:7"]))
            }
            view = Watched(environment, arguments=())
            view.run(4.0)
            view.type("7")
            view.run(seconds)
            work = reported("wftop.view.frame.duration", environment, ())
            view.close()
        finally:
            recorder.terminate()
            recorder.wait(timeout=10)
    found["screen 7"]["work_ms"] = 1000 * statistics.median(work) if work else None
    return found


def wakes(seconds: float, environment: Environment) -> Figures:
    """Voluntary context switches of the view's threads on a screen at rest, and the messages that it was sent."""

    def switches() -> dict[str, int]:
        found = {}
        for task in Path(f"/proc/{view.pid}/task").iterdir():
            words = re.search(r"voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text())
            found[task.name] = int(words[1]) if words else 0
        return found

    view = Watched(environment)
    view.run(6.0)
    view.ends.clear()
    before = switches()
    view.run(seconds)
    after = switches()
    view.close()
    main = str(view.pid)
    others = sum(count - before.get(name, 0) for name, count in after.items() if name != main)
    return {
        "wakes_s": (after[main] - before[main]) / seconds,
        "others_s": others / seconds,
        "feed_s": len(view.ends) / seconds,
    }


def main() -> None:
    """Print a line for each figure with its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="steady state per scenario")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="wfbench") as folder:
        environment = private_folders(Path(folder))
        # The recorder of the demo belongs to none of the runs: it is there before them.
        keeper = Watched(environment)
        keeper.run(WARMUP_S)
        seconds = options.seconds
        figures = {
            "scroll": harness([], seconds, {**environment, "WFTOP_VIEW_GRAPHS": "scroll"}),
            "sweep": harness([], seconds, {**environment, "WFTOP_VIEW_GRAPHS": "sweep"}),
            "still": wakes(seconds, environment),
            "full": harness(FULL, seconds, environment),
            "stall": stalls(seconds, environment),
            "slow": harness([*SLOW, *FULL], seconds, environment),
            "slow keys": slow_keys(environment),
        }
        keeper.close()
        figures |= beside_servers(seconds, environment)
    print("| the view | measured | target |\n|---|---|---|")
    for scenario, name, words, factor, target in _TARGETS:
        value = figures[scenario].get(name)
        shown = "-" if value is None else f"{value * factor:.2f}"
        wanted = "" if target != target else f"≥ {-target:g}" if target < 0 else f"≤ {target:g}"
        print(f"| {words} | {shown} | {wanted} |")
    rest = {key: value for name in ("still", "stall", "slow keys") for key, value in figures[name].items()}
    print(", ".join(f"{key} {value:.3g}" for key, value in rest.items() if value is not None))


if __name__ == "__main__":
    main()
