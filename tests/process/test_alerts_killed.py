"""kill -9 while an alert fires: it fires on after the next start, since the same moment."""

from __future__ import annotations

import random
import signal
import time
from typing import NamedTuple

import pytest

from tests.alerted import KEY, Pusher, alone, rule, told, wftop, write
from tests.harness import Running, View, events
from wftui.clock import NS_PER_S
from wftui.model import alerts as cells
from wftui.model.table import Row
from wftui.paths import places
from wftui.store import read
from wftui.wire import messages as m


class Restored(NamedTuple):
    """What a follower was told of the alert first."""

    row: Row
    ticks: int
    """Seconds that had been closed by then."""
    took_s: float
    """Since the process was started."""


def restored(running: Running, view: View) -> Restored:
    """The row of the alert as soon as there is one that fires."""
    first = running.status().ticks
    seconds: set[int] = set()
    for message in view.messages():
        if isinstance(message, m.TickArrived):
            seconds.add(message.seq)
        if isinstance(message, m.TableArrived) and message.change.name == cells.ALERTS.name:
            row = message.change.rows.get(KEY)
            if row is not None and row[cells.STATE] == cells.FIRING:
                return Restored(row, first + len(seconds), time.monotonic() - running.started)
        assert len(seconds) < 20, "the alert is lost"
    raise AssertionError("the recorder went away")


def ceased(view: View) -> int:
    """When the condition of the alert held last (ns UTC), as soon as it fires on without it."""
    for message in view.messages():
        if isinstance(message, m.TableArrived) and message.change.name == cells.ALERTS.name:
            row = message.change.rows.get(KEY)
            if row is not None and (found := int(row[cells.CEASED] or 0)):
                return found
    raise AssertionError("the recorder went away")


def killed(running: Running) -> None:
    running.signal(signal.SIGKILL)
    assert running.ended() == -signal.SIGKILL


@pytest.mark.quiet
@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(4, marks=pytest.mark.timeout(120)),
        pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
def test_no_alert_is_lost(rounds: int) -> None:
    alone()
    write(rule(debounce={"cooldown_ms": 1000}))
    dice = random.Random(11)  # noqa: S311  when to kill, the same each run
    most_ticks, slowest_s, since = 0, 0.0, 0
    with Pusher() as pusher:
        pusher.level = 80.0
        with Running() as running:
            with View(running.ready().where) as view:
                told(view, "alert.fired")
                since = int(restored(running, view).row[cells.SINCE] or 0)
            assert wftop("alerts", "ack", "level", "--note", "mine")
            killed(running)
        for _ in range(rounds):
            with Running() as running, View(running.ready().where) as view:
                found = restored(running, view)
                assert found.row[cells.SINCE] == since
                assert found.row[cells.NOTE] == "mine"
                most_ticks, slowest_s = max(most_ticks, found.ticks), max(slowest_s, found.took_s)
                time.sleep(dice.uniform(0, 1.2))
                killed(running)
        with Running() as running:
            running.ready().ticks(2)
            assert len(events(running.where, "alert.fired")) == 1, "it never fired anew"
            assert events(running.where, "alert.resolved") == []
            assert running.stop() == 0
    with read.open_reader(places().data_dir) as reader:
        found_at = [
            reader.table_of(cells.ALERTS.name, tick.seq + 1)  # what a second's end tells belongs to the next one
            for tick in reader.ticks(since // NS_PER_S + 1, 2**40)
        ]
    assert len(found_at) >= rounds
    # In each second, the first one after a start too.
    assert all(item is not None and item.rows[KEY][cells.STATE] == cells.FIRING for item in found_at), (
        "each second"
    )
    print(f"\n{rounds} kills: told after {most_ticks} ticks, {slowest_s:.2f} s after the start at the latest")  # noqa: T201  the figures, shown by pytest -s


@pytest.mark.quiet
@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(2, marks=pytest.mark.timeout(120)),
        pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(1200)]),
    ],
)
def test_killed_in_the_moment_of_firing(rounds: int) -> None:
    """The event may have been on its way to the journal still: then it fires anew, and is not lost either."""
    alone()
    write(rule(debounce={"cooldown_ms": 1000}))
    kept = 0
    with Pusher() as pusher:
        for _ in range(rounds):
            with Running() as running, View(running.ready().where) as view:
                pusher.level = 80.0
                event = told(view, "alert.fired")
                killed(running)
            with Running() as running:
                with View(running.ready().where) as view:
                    row = restored(running, view).row
                    kept += row[cells.EVENT] == event.event_id
                    pusher.level = 0.0
                    told(view, "alert.resolved")
                assert running.stop() == 0
    print(f"\n{rounds} kills as it fired: {kept} had reached the journal")  # noqa: T201  the figure, shown by pytest -s


@pytest.mark.quiet
@pytest.mark.timeout(120)
@pytest.mark.parametrize("window", ["instant", "10s"])
def test_what_pends_fires_when_its_time_is_over(window: str) -> None:
    """Killed at second 9 of 15: 6 seconds are left, not 15; a window is as full as it was."""
    alone()
    own = rule()
    own["for"] = "15s"
    own["conditions"]["when_all"][0] |= {"window": window, "aggregation": "avg"}
    write(own)
    with Pusher() as pusher:
        pusher.level = 80.0
        with Running() as running, View(running.ready().where) as view:
            pended = told(view, "alert.pending", timeout_s=40)
            seen = running.status().ticks
            while running.status().ticks < seen + 9:
                time.sleep(0.1)
            killed(running)
        with Running() as running, View(running.ready().where) as view:
            fired = told(view, "alert.fired", timeout_s=60)
            ticks = running.status().ticks
            assert len(events(running.where, "alert.pending")) == 1, "it never began anew"
            took_s = (fired.time_ns - pended.time_ns) / NS_PER_S
            print(f"\nfired {took_s:.1f} s after it pended, {ticks} ticks after the start")  # noqa: T201  the figures, shown by pytest -s
            assert took_s >= 15
            assert ticks <= 12, "seconds until the program pushes again are not known, and do not count"


@pytest.mark.quiet
@pytest.mark.timeout(120)
def test_what_is_left_of_keep_firing_for_goes_on() -> None:
    alone()
    write(rule(keep_firing_for="15s"))
    with Pusher() as pusher:
        pusher.level = 80.0
        with Running() as running, View(running.ready().where) as view:
            told(view, "alert.fired")
            pusher.level = 0.0
            ceased_ns = ceased(view)
            seen = running.status().ticks
            while running.status().ticks < seen + 4:
                time.sleep(0.1)
            killed(running)
        with Running() as running, View(running.ready().where) as view:
            over = told(view, "alert.resolved", timeout_s=60)
            kept_s = (over.time_ns - ceased_ns) / NS_PER_S
            print(f"\nfired on for {kept_s:.1f} s")  # noqa: T201  the figure, shown by pytest -s
            assert 14.5 <= kept_s < 19, "15 s more would be 19 and the start"
