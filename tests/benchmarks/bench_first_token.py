"""From a new stream's first token to a follower: when its layout, its row and its first sample are there.

    python -m tests.benchmarks.bench_first_token [--streams 40]

A real recorder, a program that pushes a prompt and, a moment later, a token of a stream that nobody knew, and a
feed that follows at 60 Hz. Times are from the token's sending to the arrival of what it says at the other end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.bench_stack import private_folders
from tests.harness import View, recorder
from tests.process.test_push import Program
from wftui.model import streams as cells
from wftui.model.tick import unpack
from wftui.wire import messages as m

PROMPT_S = 0.05
"""From the prompt to the first token."""
APART_S = 0.237
"""Between two streams: they begin at any time of a second."""
MOST_S = 5.0


def first(view: View, program: Program, texts: list[str], number: int) -> dict[str, float]:
    """One stream; what was there how long (s) after its first token was sent."""
    model = f"model-{number}"

    def say(do: str) -> None:
        program.send(json.dumps({"source": "bench", "tokens": [{"do": do, "model": model}]}).encode() + b"\n")
        program.reply()

    say("prompt")
    end = time.monotonic() + PROMPT_S
    while time.monotonic() < end:
        time.sleep(0.001)
    sent = time.monotonic()
    say("token")
    found: dict[str, float] = {}
    while len(found) < 3 and time.monotonic() < sent + MOST_S:
        message = view.next()
        now = time.monotonic() - sent
        if isinstance(message, m.LayoutChanged):
            texts[:] = [column.series.text for column in message.columns]
            if any(model in text for text in texts):
                found.setdefault("layout", now)
        elif isinstance(message, m.TableArrived) and message.change.name == cells.STREAMS.name:
            if any(row[cells.MODEL] == model and row[cells.FIRST_TOKEN] for row in message.change.rows.values()):
                found.setdefault("row with the time to the first token", now)
        elif isinstance(message, m.Samples):
            for place, value in zip(message.places, unpack(message.values), strict=True):
                if texts[place].startswith("ux.stream.tokens{") and model in texts[place] and value >= 1:
                    found.setdefault("sample", now)
    say("end")
    return found


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=40, help="64 at most")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="wffirst") as name:
        os.environ.update(private_folders(Path(name)))
        with recorder() as running, View(running.where, 60.0) as view, Program() as program:
            texts: list[str] = []
            while not texts:
                message = view.next()
                if isinstance(message, m.LayoutChanged):
                    texts = [column.series.text for column in message.columns]
            found = []
            for number in range(options.streams):
                found.append(first(view, program, texts, number))
                time.sleep(APART_S)
    print("| ms after the first token, of a new stream | median | 95 % | most |\n|---|---|---|---|")
    for what in ("sample", "row with the time to the first token", "layout"):
        times = sorted(1000 * item.get(what, MOST_S) for item in found)
        cells_of = statistics.median(times), times[int(0.95 * (len(times) - 1))], times[-1]
        print(f"| {what} | " + " | ".join(f"{cell:.1f}" for cell in cells_of) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
