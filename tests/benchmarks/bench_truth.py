"""The page of streams in full motion: what it costs, how late it is, whether the terminal shows what is claimed.

Three models speak (60, 36 and 22 tokens a second, pushed one by one); a view in a terminal of ours shows them, at
full rate and behind a link of 1 Mbit/s with 100 ms. Costs are measured without claims being written; a short round
after it writes them and holds them against what pyte draws of the bytes.

    python tests/benchmarks/bench_truth.py [--seconds 20] [--size 200x50]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.harness import Running, recorder
from tests.pty import truth
from tests.pty.link import Link
from tests.pty.speaking import speaking
from tests.pty.terminal import WFTOP
from wftui.model.tick import unpack
from wftui.wire import messages as m

WARM_S = 6.0
CLAIMED_S = 6.0
LINKS = {"local": (0.0, 0.0), "1 Mbit/s, 100 ms": (1_000_000.0, 0.1)}
_END = b"\x1b[?2026l"
_REPORTED = {"work, p95, ms": "wftop.view.frame.duration", "sample to acknowledged, p95, ms": "wftop.fidelity.lag"}


def spent(pid: int) -> float:
    """CPU seconds of a process, by its own clock."""
    return time.clock_gettime((~pid << 3) | 2)


def resident(pid: int) -> float:
    """MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def reported(running: Running, name: str, since_ns: int) -> list[float]:
    """Values of a series of the view, one a second."""
    until_ns = time.time_ns() - 10**9
    count = max(1, (until_ns - since_ns) // 10**9)
    with running.ask() as connection:
        reply = connection.ask(m.Range([name], since_ns, until_ns, count), m.RangeReply)
    return [value for item in reply.series for value in unpack(item.mean) if value == value]


def view(size: tuple[int, int], claims: Path | None, how: tuple[float, float]) -> Link:
    """A view on the page of streams, in full motion, behind its link from the first byte on."""
    variables = {"SSH_CONNECTION": "", "SSH_TTY": ""} | ({"WFTOP_CLAIMS": str(claims)} if claims else {})
    link = Link(WFTOP, size, variables)
    link.slow_down(*how)
    link.live()
    link.send("9")
    link.until_shows("E 0.")
    link.send("f")
    return link


def measure(running: Running, size: tuple[int, int], how: tuple[float, float], seconds: float) -> dict[str, float]:
    """One stretch."""
    with view(size, None, how) as link:
        link.read_for(WARM_S)
        since_ns, began, taken = time.time_ns(), time.monotonic(), len(link.output)
        before = spent(link.pid), spent(running.pid)
        link.read_for(seconds)
        took = time.monotonic() - began
        after = spent(link.pid), spent(running.pid)
        arrived = bytes(link.output[taken:])
        found = {
            "frames a second": arrived.count(_END) / took,
            "to the terminal, KB/s": len(arrived) / took / 1000,
            "CPU of the view, %": 100 * (after[0] - before[0]) / took,
            "CPU of the recorder, %": 100 * (after[1] - before[1]) / took,
            "RSS of the view, MB": resident(link.pid),
        }
        for words, name in _REPORTED.items():
            values = reported(running, name, since_ns)
            found[words] = 1000 * statistics.median(values) if values else float("nan")
        ratio = reported(running, "wftop.fidelity.ratio", since_ns)
        found["seen of computed, %"] = 100 * ratio[-1] if ratio else float("nan")
    return found


def hold(size: tuple[int, int], how: tuple[float, float], folder: Path) -> dict[str, float]:
    """Frames whose claims were compared, and how many differ."""
    claims = folder / f"claims-{how[0]:g}"
    with view(size, claims, how) as link:
        link.read_for(CLAIMED_S)
        claimed = truth.claims(claims)
        link.read_for(1.0)
        verdict = truth.compare(bytes(link.output), size, claimed)
    return {
        "frames held against claims": verdict.compared,
        "differences": len(verdict.wrong),
        "particles, most": verdict.particles,
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each link")
    parser.add_argument("--size", default="200x50")
    options = parser.parse_args()
    width, _, height = options.size.partition("x")
    size = int(width), int(height)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="wfbench") as name:
        folder = Path(name)
        for kind in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR"):
            (folder / kind).mkdir(mode=0o700)
            os.environ[f"XDG_{kind}"] = str(folder / kind)
        with recorder(env={"WFTOP_ALERTS_ADAPT": "false"}) as running, speaking(rate=60.0, seconds=3600.0):
            time.sleep(2.0)
            found = {
                words: measure(running, size, how, options.seconds) | hold(size, how, folder)
                for words, how in LINKS.items()
            }
    print(f"| streams, f, {options.size} | " + " | ".join(found) + " |\n|" + "---|" * (1 + len(found)))
    for figure in next(iter(found.values())):
        print(f"| {figure} | " + " | ".join(f"{values[figure]:.2f}" for values in found.values()) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
