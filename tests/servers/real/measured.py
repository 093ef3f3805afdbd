"""What wftop told of a real server beside what its client saw."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from tests.servers.real.client import Run
from tests.servers.test_poller import Seen
from wftui.clock import NS_PER_S

TOLERANCE = 0.05


def series(metric: str, server: str, model: str = "", mode: str = "") -> str:
    """A series as it is written."""
    labels = {"mode": mode, "model": model, "server": server}
    said = ",".join(f'{name}="{value}"' for name, value in labels.items() if value)
    return f"inference.{metric}{{{said}}}"


def points(seen: Seen, name: str) -> list[tuple[int, float]]:
    """Moments (CLOCK_BOOTTIME) and values of a series."""
    return [
        (reading.at.boottime_ns, sample.value)
        for reading in seen.readings
        for sample in reading.samples
        if sample.column.series.text == name
    ]


class Compared(NamedTuple):
    """Over the readings that touch the client's run."""

    seconds: float
    tokens: float
    """Rate times time."""
    true: int
    """That the client got in the same time."""

    @property
    def off(self) -> float:
        """Share by which the mean rate is wrong."""
        return self.tokens / self.true - 1


def compared(rates: Sequence[tuple[int, float]], run: Run) -> Compared:
    """The mean rate of generated tokens that was told, and that the client saw, over the same readings."""
    begun, ended = min(one.begun_ns for one in run.got), max(one.ended_ns for one in run.got)
    spans = [
        (before, now, value) for (before, _), (now, value) in pairwise(rates) if now > begun and before < ended
    ]
    # The reading after the end has what came since the one before.
    more = [(before, now, value) for (before, _), (now, value) in pairwise(rates) if before >= ended][:1]
    spans += more
    assert len(spans) > 3, "the run was too short to be measured"
    start, end = spans[0][0], spans[-1][1]
    tokens = sum(value * (now - before) / NS_PER_S for before, now, value in spans)
    return Compared((end - start) / NS_PER_S, tokens, run.until(end) - run.until(start))


def say(title: str, run: Run, *lines: tuple[str, float, float]) -> None:
    """Print a table: what, the client's figure, wftop's figure (`make test-servers` shows it)."""
    sys.stdout.write(f"{title}: {len(run.got)} requests in {run.seconds:.1f} s\n")
    sys.stdout.write(f"  {'':32}{'client':>12}{'wftop':>12}{'off':>9}\n")
    for what, true, told in lines:
        sys.stdout.write(f"  {what:32}{true:12.7g}{told:12.7g}{told / true - 1 if true else 0:9.2%}\n")
