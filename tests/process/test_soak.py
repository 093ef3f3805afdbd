"""Simulated days of a real recorder: see ``tests/benchmarks/soak.py``, which says what must hold."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.harness import ROOT

SOAK = ROOT / "tests" / "benchmarks" / "soak.py"


def soak(*arguments: str, timeout_s: float) -> str:
    """Run it in a process of its own, so that memory and descriptors are only its own; what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(SOAK), *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(240)
def test_a_day() -> None:
    """With a midnight, a mark, a reboot, a suspend and steps of the clock, as in any number of days."""
    said = soak("--days", "1", "--series", "8", timeout_s=220)
    assert "ok  all days were recorded: 1 days" in said
    assert "ok  no tick was lost: 0" in said


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_thirty_days() -> None:
    said = soak(timeout_s=3600)
    assert "ok  files at or under the cap" in said
    assert "ok  RSS slope" in said
