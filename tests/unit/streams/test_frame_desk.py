"""Frames of programs and views at their desk."""

from __future__ import annotations

import pytest

from tests.unit.streams.running import Moved
from wftui.model.sample import Scrape
from wftui.recorder.frames import MOST, FrameDesk
from wftui.wire.reports import Frames, Report


class Watched:
    """A desk with a clock."""

    def __init__(self) -> None:
        self.clock = Moved()
        self.desk = FrameDesk()

    def paint(self, seconds: float, took_s: float = 0.01, hz: float = 60.0, late_s: float = 0.0) -> None:
        """Frames of ``app`` up to now + seconds, each told so late."""
        first_s = self.clock.s
        for number in range(1, round(seconds * hz) + 1):
            self.clock.s = first_s + number / hz
            self.desk.frame("app", self.clock.s - late_s, took_s)

    def values(self) -> dict[str, float]:
        """What is known, of the second that ends."""
        found = self.scrape()
        return {item.column.series.text: item.value for item in found.samples if item.value == item.value}

    def scrape(self) -> Scrape:
        return self.desk.collect(self.clock.now()) or Scrape([])


def test_a_second_of_frames_is_whole_though_they_are_told_late() -> None:
    watched = Watched()
    watched.paint(5.1, late_s=0.2)
    found = watched.values()
    assert found['ux.frame.rate{mode="1s",source="app"}'] == pytest.approx(60, abs=1)
    assert found['ux.frame.rate{mode="10s",source="app"}'] == pytest.approx(60, abs=13)
    assert found['ux.frame.p95{mode="1s",source="app"}'] == pytest.approx(0.01, rel=0.01)
    assert found['ux.frame.stability{mode="1s",source="app"}'] > 98
    assert found['ux.frames.over{source="app"}'] == 0


def test_a_pause_is_a_rate_of_nothing_without_times_and_then_nothing() -> None:
    watched = Watched()
    watched.paint(3.0)
    watched.clock.s += 4.0
    found = watched.values()
    assert found['ux.frame.rate{mode="1s",source="app"}'] == 0
    assert 'ux.frame.p95{mode="1s",source="app"}' not in found
    watched.clock.s += 10.0
    assert watched.values() == {}
    assert watched.desk.programs == 1
    watched.clock.s += 700.0
    [table] = watched.scrape().tables
    assert table.rows == {}
    assert watched.desk.collect(watched.clock.now()) is None


def test_parts_told_before_a_frame_are_its_own_and_the_worst_is_named() -> None:
    watched = Watched()
    for number in range(60):
        at_s = watched.clock.s + number / 60
        watched.desk.stage("app", at_s, "render", 0.006)
        watched.desk.stage("app", at_s, "token", 0.002)
        watched.desk.stage("app", at_s, "nonsense", 1.0)
        watched.desk.frame("app", at_s, 0.02)
        watched.desk.input("app", at_s, number / 1000)
    watched.desk.lost("app", watched.clock.s + 1.0, 3)
    watched.clock.s += 2.5
    found = watched.scrape()
    [table] = found.tables
    name, bottleneck, token, energy, render, overhead, waited = table.rows["source:app"]
    assert (name, bottleneck, energy, overhead) == ("app", "render", None, None)
    assert token == pytest.approx(0.002)
    assert render == pytest.approx(0.006)
    assert waited == pytest.approx(0.057)
    values = {item.column.series.text: item.value for item in found.samples}
    assert values['ux.frames.over{source="app"}'] == 60
    assert values['ux.frames.lost{source="app"}'] == 3


def report(motion: str = "full", frames: Frames | None = None) -> Report:
    return Report(0.01, 1, 2, 3, motion=motion, frames_drawn=frames, key_s=0.02)


def test_a_view_counts_while_it_moves_fully() -> None:
    watched = Watched()
    drawn = Frames([0.008] * 60, [number / 60 for number in reversed(range(60))], {"render": 0.3})
    for motion in ("smooth", "data"):
        watched.desk.view("1", report(motion, drawn), watched.clock.s)
    watched.desk.view("1", report("full", None), watched.clock.s)
    assert watched.desk.programs == 0
    for _ in range(4):
        watched.clock.s += 1.0
        watched.desk.view("1", report("full", drawn), watched.clock.s)
    found = watched.scrape()
    values = {item.column.series.text: item.value for item in found.samples}
    assert values['ux.frame.rate{mode="1s",view="1"}'] == pytest.approx(60, abs=2)
    [table] = found.tables
    assert table.rows["view:1"][4] == pytest.approx(0.005)
    watched.clock.s += 5.0  # it looks at something else
    assert watched.values() == {}


def test_five_minutes_are_told_every_ten_seconds() -> None:
    watched = Watched()
    told = 0
    for _ in range(30):
        watched.paint(1.0)
        readings = watched.scrape().readings
        told += len(readings)
        assert all(item.interval_s == 10.0 for item in readings)
    assert told == 3


def test_of_too_many_programs_the_first_are_kept() -> None:
    watched = Watched()
    for number in range(MOST + 5):
        watched.desk.frame(f"p{number}", watched.clock.s, 0.01)
    assert watched.desk.programs == MOST
