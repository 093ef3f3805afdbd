"""Models that speak: token events pushed at their times, as a program of a user would.

    python -m tests.pty.speaking [--seconds 30] [--models 3] [--rate 25]

Sends to the recorder of the environment's folders, ends after the time or at a signal, and says on stdout how many
tokens it told.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen

from tests.harness import ROOT, environment
from wftui.paths import places

SOURCE = "speaker"
STEP_S = 1 / 120
"""Between two looks at what is due."""
TURN_S = 8.0
"""Of an answer; the last second of it is silent."""
_BITS = (0.3, 1.6, 3.4)
"""Entropy of each model's tokens, of at most log2 20."""


class _Model:
    """One that speaks."""

    def __init__(self, number: int, rate: float, ahead_s: float) -> None:
        self.name = f"model-{number}"
        self.told = 0
        self._bits = _BITS[number % len(_BITS)]
        self._rate = rate
        self._ahead_s = ahead_s
        self._turn = -1
        self._said = 0
        """Tokens of this answer."""

    def due(self, at_s: float) -> list[dict[str, object]]:
        """What it has done by now."""
        turn, into_s = divmod(at_s + self._ahead_s, TURN_S)
        found: list[dict[str, object]] = []
        if turn != self._turn:
            if self._turn >= 0:
                found.append({"do": "end", "model": self.name})
            found.append({"do": "prompt", "model": self.name})
            self._turn, self._said = int(turn), int(self._rate * into_s) if self._turn < 0 else 0
        count = int(self._rate * min(into_s, TURN_S - 1)) - self._said
        if count > 0:
            found.append({"do": "token", "model": self.name, "count": count, "bits": self._bits, "of": 20})
            self._said += count
            self.told += count
        return found


def speak(models: int, rate: float, seconds: float) -> int:
    """Push until the time is over; returns the tokens told."""
    all_of_them = [_Model(number, rate * 0.6**number, number * TURN_S / models) for number in range(models)]
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(str(places().push_socket))
        began = due = time.monotonic()
        while (now := time.monotonic()) < began + seconds:
            events = [event for model in all_of_them for event in model.due(now - began)]
            if events:
                door.sendall(json.dumps({"source": SOURCE, "tokens": events}).encode() + b"\n")
                reply = json.loads(door.recv(65536))
                if reply["rejected"]:
                    raise SystemExit(f"refused: {reply['rejected']}")
            due = max(due + STEP_S, now)
            time.sleep(max(0.0, due - time.monotonic()))
    return sum(model.told for model in all_of_them)


@contextmanager
def speaking(*, models: int = 3, rate: float = 25.0, seconds: float = 300.0) -> Iterator[Popen[str]]:
    """The same as a process."""
    words = ["--models", str(models), "--rate", str(rate), "--seconds", str(seconds)]
    process = Popen(
        [sys.executable, "-m", "tests.pty.speaking", *words], env=environment(), stdout=PIPE, text=True, cwd=ROOT
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=10)


def main() -> int:
    """Speak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument(
        "--rate", type=float, default=25.0, help="tokens a second of the fastest; each other has 60 %%"
    )
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    print(speak(options.models, options.rate, options.seconds))  # noqa: T201  what it is run for
    return 0


if __name__ == "__main__":
    sys.exit(main())
