"""Streams of tokens as a program would push them, each token the moment it is made.

    python -m tests.streams_push [--streams 3] [--rate 60] [--seconds 60]

One stream is sure, one unsure, one tells nothing of it, and so on; every eight seconds each begins a new answer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import time

from wftui import paths

ANSWER_S = 8.0
PAUSE_S = 0.4
_SURE: tuple[dict[str, float], ...] = ({"bits": 0.3, "of": 20}, {"bits": 3.1, "of": 20}, {})


def push(streams: int, rate: float, seconds: float, address: str) -> int:
    """Push to a socket; returns the tokens that were pushed."""
    sent = 0
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(address)
        link.setblocking(False)
        began = time.monotonic()
        due = [began + number / (rate * streams) for number in range(streams)]
        spoken = [-1] * streams
        while (now := time.monotonic()) < began + seconds:
            tokens: list[dict[str, str | float]] = []
            for number in range(streams):
                model = f"model-{number}:{(8, 70, 3)[number % 3]}b"
                answer, place = divmod(now - began + number * 1.3, ANSWER_S)
                if spoken[number] != answer and place < ANSWER_S - PAUSE_S:
                    tokens.append({"do": "prompt", "model": model})
                    spoken[number] = int(answer)
                    due[number] = now + 0.1 + 0.6 * number
                if now >= due[number] and place < ANSWER_S - PAUSE_S:
                    tokens.append({"do": "token", "model": model, **_SURE[number % 3]})
                    due[number] = max(due[number] + 1 / rate, now - 0.05)
                    sent += 1
                elif place >= ANSWER_S - PAUSE_S and due[number] < now + 1e6:
                    tokens.append({"do": "end", "model": model})
                    due[number] = now + 1e9
            if tokens:
                link.sendall(json.dumps({"source": "bench", "tokens": tokens}).encode() + b"\n")
                with contextlib.suppress(BlockingIOError):
                    link.recv(1 << 16)
            time.sleep(max(0.0, min(min(due) - time.monotonic(), 0.02)))
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=3)
    parser.add_argument("--rate", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    wanted = parser.parse_args()
    sent = push(wanted.streams, wanted.rate, wanted.seconds, str(paths.places().push_socket))
    print(f"{sent} tokens pushed")  # noqa: T201  what it is for


if __name__ == "__main__":
    main()
