"""What you compute is what you see: a real recorder, a real view in a PTY, tokens pushed, and the bytes that came.

Each frame that arrived is drawn by pyte, an emulator that knows nothing of the program, and held against what the
program says that it shows (``tests/pty/truth.py``; pyte's own limits are told in ``tests/pty/link.py``).
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Running, environment, recorder, until
from tests.pty import truth
from tests.pty.link import Link
from tests.pty.speaking import SOURCE, speaking
from tests.pty.terminal import WFTOP
from wftui.clock import NS_PER_S
from wftui.model.series import Series
from wftui.model.tick import unpack
from wftui.wire import messages as m

pytestmark = pytest.mark.timeout(240)

BIG, SMALL = (120, 40), (80, 24)
STEADY = {"WFTOP_ALERTS_ADAPT": "false"}
"""A machine that is busy with other tests is no reason to draw less."""
LOCAL = {"SSH_CONNECTION": "", "SSH_TTY": ""}


@contextmanager
def shown(size: tuple[int, int], claims: Path, seconds: float = 300.0) -> Iterator[tuple[Running, Link]]:
    """Three models that speak for a while, and the page of streams in full motion."""
    with recorder(env=STEADY) as running, speaking(seconds=seconds):
        until(lambda: totals(running)[0] > 0, what="the first token")
        with Link(WFTOP, size, {"WFTOP_CLAIMS": str(claims), **LOCAL}) as link:
            link.live()
            link.send("9")
            link.until(lambda: bool(truth.claims(claims)), what="a first claim")
            link.send("f")
            yield running, link


def told(running: Running) -> list[tuple[Series, float]]:
    """Series and values of a second that has just ended; none in the first two."""
    with running.ask() as connection:
        found = connection.ask(m.At(time.time_ns() - 2 * NS_PER_S), m.AtReply)
    if found.layout is None or found.tick is None:
        return []
    values = zip(found.layout.columns, unpack(found.tick.values), strict=False)
    return [(column.series, value) for column, value in values if value == value]


def totals(running: Running) -> tuple[float, float, dict[str, float]]:
    """(EU that the recorder computed, EU that the view said to have shown, cause to EU that it missed)."""
    computed = seen = 0.0
    missed: dict[str, float] = {}
    for series, value in told(running):
        labels = dict(series.labels)
        if series.name == "ux.stream.units" and labels["source"] == SOURCE:
            computed += value
        elif series.name == "wftop.fidelity.seen":
            seen += value
        elif series.name == "wftop.fidelity.missed":
            missed[labels["mode"]] = missed.get(labels["mode"], 0.0) + value
    return computed, seen, missed


def drawn(link: Link, claims: Path, count: int, seconds: float = 60.0) -> list[dict[str, Any]]:
    """Read until so many more frames were claimed, and all of them have arrived; their claims."""
    before = len(truth.claims(claims))
    link.until(lambda: len(truth.claims(claims)) >= before + count, seconds, f"{count} frames")
    found = truth.claims(claims)
    link.read_for(1.0)
    return found


@pytest.mark.parametrize(
    ("rate_bps", "delay_s", "size", "count"),
    [(0, 0, BIG, 240), (0, 0, SMALL, 240), (1_000_000, 0.1, BIG, 40), (200_000, 0.1, SMALL, 20)],
    ids=["local", "small", "1 Mbit/s and 100 ms", "0.2 Mbit/s and 100 ms"],
)
def test_what_is_claimed_is_on_the_terminal(
    tmp_path: Path, rate_bps: float, delay_s: float, size: tuple[int, int], count: int
) -> None:
    claims = tmp_path / "claims"
    with shown(size, claims) as (_, link):
        link.slow_down(rate_bps, delay_s)
        claimed = drawn(link, claims, count)
        verdict = truth.compare(bytes(link.output), size, claimed)
    assert not verdict.wrong, verdict.wrong[:5]
    # What is still under way is no more than the window and the link's buffer hold.
    assert verdict.compared > count
    assert verdict.compared + verdict.waiting == len(claimed)
    assert verdict.waiting <= 16
    assert verdict.particles >= 20


def test_a_false_claim_is_found(tmp_path: Path) -> None:
    claims = tmp_path / "claims"
    with shown(SMALL, claims) as (_, link):
        claimed = drawn(link, claims, 60)
    output = bytes(link.output)
    assert not truth.compare(output, SMALL, claimed).wrong
    lie = claimed[-20]
    lane = max(lie["lanes"], key=lambda item: len(item["particles"]))
    lane["particles"] = lane["particles"][1:]
    assert len(truth.compare(output, SMALL, claimed).wrong) == 1
    lane["ribbon"][0] += 1
    assert len(truth.compare(output, SMALL, claimed).wrong) == 2


def quiet(running: Running, link: Link) -> tuple[float, float, dict[str, float]]:
    """The totals, once nothing is computed or seen any more."""
    found = totals(running)
    while True:
        link.read_for(3.0)
        before, found = found, totals(running)
        if found == before:
            return found


def test_energy_computed_in_a_minute_is_seen_or_missed(tmp_path: Path) -> None:
    with shown(BIG, tmp_path / "claims", 6.0) as (running, link):
        before = quiet(running, link)
        with speaking(seconds=60.0) as speaker:
            while speaker.poll() is None:
                link.send("k")  # full motion ends some time after the last key
                link.read_for(2.0)
        after = quiet(running, link)
    computed = after[0] - before[0]
    seen, lost = after[1] - before[1], sum(after[2].values()) - sum(before[2].values())
    assert computed > 600
    assert seen + lost == pytest.approx(computed, rel=0.05)
    assert seen > 0


def test_a_lower_quality_shows_and_nothing_corrects_it(tmp_path: Path) -> None:
    claims = tmp_path / "claims"
    with shown(BIG, claims) as (running, link):
        drawn(link, claims, 120)
        full = truth.claims(claims)[-1]
        command = [*WFTOP, "quality", "3"]
        lower = subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=30)
        assert lower.returncode == 0, lower.stderr
        enough = full["missed"].get("adaptation", 0.0) + 60
        link.until(lambda: truth.claims(claims)[-1]["missed"].get("adaptation", 0.0) > enough, 90.0, "loss")
        link.until_shows("lower quality")
        claimed = truth.claims(claims)
        link.read_for(1.0)
        low = claimed[-1]
        [ratio] = [value for series, value in told(running) if series.name == "wftop.fidelity.ratio"]
        verdict = truth.compare(bytes(link.output), BIG, claimed)
    assert low["seen"] + sum(low["missed"].values()) + low["waiting"] == pytest.approx(low["computed"], rel=1e-6)
    # Of the tokens 36 of 100 are drawn, once a second, and those are seen: the terminal answers at once.
    assert 0.1 < (low["seen"] - full["seen"]) / (low["computed"] - full["computed"]) < 0.8
    assert ratio < 0.95
    assert not verdict.wrong, verdict.wrong[:5]


def test_what_a_slow_link_loses_is_lost_to_the_link(tmp_path: Path) -> None:
    claims = tmp_path / "claims"
    with shown(BIG, claims) as (running, link):
        link.slow_down(12_000, 0.1)
        link.until(lambda: totals(running)[2].get("link", 0.0) > 60, 90.0, "loss by the link")
        _, _, missed = totals(running)
    # A busy machine may be late for some of it; nothing is said to be lost to a quality that was not lowered.
    assert missed["link"] > 0.8 * sum(missed.values())
    assert "adaptation" not in missed or not missed["adaptation"]
