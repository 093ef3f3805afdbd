"""Which tests run beside which, where workers run them side by side."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

Kind = Literal["any", "quiet", "alone"]
"""``any``: beside any other; ``quiet``: measures time and takes little itself, so beside others of its kind;
``alone``: beside none."""
PAUSE_S = 0.02


class Turns:
    """Files that the workers share, by who holds them: ``quiet`` the quiet tests, ``busy`` the others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def taken(self, kind: Kind) -> Iterator[None]:
        """Wait for a turn, have it, and give it back."""
        with (
            (self._folder / "gate").open("w") as gate,
            (self._folder / "busy").open("w") as busy,
            (self._folder / "quiet").open("w") as quiet,
        ):
            while not _entered(kind, gate, busy, quiet):
                time.sleep(PAUSE_S)
            try:
                yield
            finally:  # not by closing: a process that a test forked has them open, too
                fcntl.flock(busy, fcntl.LOCK_UN)
                fcntl.flock(quiet, fcntl.LOCK_UN)


def _entered(kind: Kind, gate: TextIO, busy: TextIO, quiet: TextIO) -> bool:
    """Take what the kind holds; False: quiet ones are under way, come again.

    Who waits holds the gate, so that nobody passes a test that waits for the others to end. A test of any kind
    leaves it open: quiet ones go first, while there are some.
    """
    fcntl.flock(gate, fcntl.LOCK_EX)
    try:
        if kind == "any":
            fcntl.flock(quiet, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(quiet, fcntl.LOCK_UN)
            fcntl.flock(busy, fcntl.LOCK_SH)
        elif kind == "quiet":
            fcntl.flock(busy, fcntl.LOCK_EX)
            fcntl.flock(busy, fcntl.LOCK_UN)
            fcntl.flock(quiet, fcntl.LOCK_SH)
        else:
            fcntl.flock(busy, fcntl.LOCK_EX)
            fcntl.flock(quiet, fcntl.LOCK_EX)
    except BlockingIOError:
        return False
    finally:
        fcntl.flock(gate, fcntl.LOCK_UN)
    return True


def in_order(kinds: Sequence[Kind], workers: int) -> list[int]:
    """Places of tests in the order in which they are handed out, a row of equal length to each worker.

    Each row begins with its share of the quiet ones, so that they run beside one another, and the first row goes
    on with those that run alone.
    """
    quiet = [place for place, kind in enumerate(kinds) if kind == "quiet"]
    alone = [place for place, kind in enumerate(kinds) if kind == "alone"]
    rest = [place for place, kind in enumerate(kinds) if kind == "any"]
    found: list[int] = []
    for worker in range(workers):
        length = (len(kinds) - len(found)) // (workers - worker)
        row = [*quiet[worker::workers], *([] if worker else alone)]
        take = max(0, length - len(row))
        found += [*row, *rest[:take]]
        del rest[:take]
    return [*found, *rest]
