"""What streams of tokens cost the recorder: `python -m tests.benchmarks.bench_streams [seconds]`.

CPU (schedstat, beyond that of the same recorder at rest) and RSS: of three models at 60 tokens a second each,
alone, with a view that follows at 60 Hz, and with the top 20 of each token; of 10,000 tokens a second; and at
rest afterwards. The recorder runs in folders of its own.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.benchmarks.bench_push import fresh, rss_mb, share
from tests.harness import Running, View
from tests.process.test_push import Program

ROW = "{:<44} {:>9.0f} {:>12.2f} {:>8.1f}"


def line(models: int, count: int, *, top: int = 0) -> bytes:
    """A line of so many tokens, of the models in turn."""
    more: dict[str, Any] = {"top": {f"token{n}": 1 / top for n in range(top)}} if top else {}
    tokens = [{"do": "token", "model": f"m{number % models}", "ago": 0.001, **more} for number in range(count)]
    return json.dumps({"source": "bench", "tokens": tokens}).encode() + b"\n"


def push(said: bytes, lines_per_s: float, seconds: float) -> int:
    """Push a line at a rate; tokens that were acknowledged."""
    acknowledged = sent = 0
    with Program() as program:
        start = time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            if sent + 1 > passed * lines_per_s:
                time.sleep((sent + 1) / lines_per_s - passed)
            program.send(said)
            sent += 1
            acknowledged += program.reply()["accepted"]
    return acknowledged


@contextmanager
def followed(running: Running) -> Iterator[None]:
    """A view that takes everything at 60 Hz."""
    with View(running.where, 60) as view:
        thread = threading.Thread(target=lambda: [None for _ in view.messages()], daemon=True)
        thread.start()
        yield
        view.connection._socket.shutdown(2)
        thread.join()


def told(words: str, running: Running, idle: float, said: bytes, rate: float, seconds: float) -> None:
    """Measure and print one line."""
    found: list[int] = []
    cost = share(running.pid, lambda: found.append(push(said, rate, seconds)))
    print(ROW.format(words, found[0] / seconds, cost - idle, rss_mb(running.pid)), flush=True)


def main(seconds: float) -> None:
    """All of it."""
    print("{:<44} {:>9} {:>12} {:>8}".format("", "tokens/s", "% of a core", "RSS MB"))
    with fresh() as running:
        idle = share(running.pid, lambda: time.sleep(seconds))
        print(ROW.format("all else", 0, idle, rss_mb(running.pid)))
        told("three models, 60/s each, a line each frame", running, idle, line(3, 3), 60, seconds)
        with followed(running):
            watched = share(running.pid, lambda: time.sleep(seconds))
            print(ROW.format("followed at 60 Hz, no tokens", 0, watched - idle, rss_mb(running.pid)), flush=True)
            told("the same, beyond that, followed at 60 Hz", running, watched, line(3, 3), 60, seconds)
        told("three models, 60/s each, with their top 20", running, idle, line(3, 3, top=20), 60, seconds)
        told("10,000/s of ten models, 100 a line", running, idle, line(10, 100), 100, seconds)
        told("10,000/s of one model, 1,000 a line", running, idle, line(1, 1000), 10, seconds)
        time.sleep(3)
        rest = share(running.pid, lambda: time.sleep(seconds))
        print(ROW.format("at rest, eleven streams known", 0, rest - idle, rss_mb(running.pid)))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 8.0)
