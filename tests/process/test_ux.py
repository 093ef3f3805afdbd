"""Frames of a program, from a push to its figures, its alert and the end of that, with a real recorder."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.alerted import alone, told
from tests.harness import ROOT, View, environment, recorder
from wftui.client.push import Pusher

KEY = 'rule.fps-critical{source="canvas"}'
STAGES = {"token": 0.004, "energy": 0.002, "render": 0.018, "overhead": 0.001}


@contextmanager
def drawing(source: str, hz: float, took_s: float) -> Iterator[None]:
    """A program that draws at a steady rate until it is left."""
    ends = threading.Event()

    def run(pusher: Pusher) -> None:
        while not ends.wait(1 / hz):
            pusher.frame(took_s, stages=STAGES)

    with Pusher(source) as pusher:
        thread = threading.Thread(target=run, args=(pusher,), name="drawing")
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()


def test_a_slow_program_is_told_with_its_bottleneck_and_its_pause_ends_the_alert() -> None:
    alone("rule.fps-critical")
    with recorder() as running, View(running.where) as view:
        running.ticks(2)
        with drawing("canvas", 25, 0.025):
            event = told(view, "alert.fired", KEY)
            assert event.payload["rule"] == "rule.fps-critical"
            assert event.payload["labels"] == {"source": "canvas"}
            assert 15 < event.payload["value"] < 30
            once = subprocess.run(
                [sys.executable, "-m", "wftui", "--once"],
                cwd=ROOT, env=environment(), capture_output=True, text=True, check=True, timeout=60,
            ).stdout  # fmt: skip
            (line,) = [line for line in once.splitlines() if "canvas" in line and "frames/s" in line]
            assert "p95 25." in line or "p95 24." in line
            assert line.endswith("slow part: render")
        over = told(view, "alert.resolved", KEY)
        assert over.payload["rule"] == "rule.fps-critical"
        assert running.stop() == 0
        assert running.errors() == ""
