"""Screen 9: what is drawn of each device, and the frames between those of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tui.fake import full
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_gpus import Card
from tests.tui.test_snapshots import THEME, Still
from wftui.render.palette import TRUECOLOR, load
from wftui.tui import compose, layout
from wftui.tui.app import WftopApp
from wftui.tui.energy.lanes import lanes
from wftui.tui.energy.power import PowerPage, trace
from wftui.tui.energy.screen import POWER, EnergyScreen
from wftui.tui.glyphs import UTF8
from wftui.tui.scene import Scene
from wftui.tui.state import State
from wftui.tui.ui import Ui

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.tui.drift import Line

WATTS = (690.0, 640.0, 71.0, 430.0, 250.0, 698.0, 30.0, 560.0)


def cards() -> list[Card]:
    return [Card(place, power=watts, load=min(1.0, watts / 700)) for place, watts in enumerate(WATTS)]


def app(state: State, depth: str = TRUECOLOR, *, ascii_only: bool = False) -> WftopApp:
    view = WftopApp(load(THEME, depth), state=state, clock=Still(), ascii_only=ascii_only, motion="reduced")
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    return view


def test_eight(snap_compare) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(told(cards())), terminal_size=(120, 40), press=["9"])


def test_without_any_power(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(full()), terminal_size=(80, 24), press=["9"])


def pictured(state: State, page: PowerPage, size: tuple[int, int]) -> tuple[compose.Picture, Scene]:
    ui = Ui()
    ui.show("energy")
    ui.energy = EnergyScreen(POWER)
    ui.energy._pages[POWER] = page
    scene = Scene(state, Still().now(), UTF8)
    return compose.picture(scene, ui, *size), scene


def _below(changed: Mapping[int, Line]) -> dict[int, Line]:
    """Lines of the page as lines of the screen: its first one names the pages."""
    return {line + 1: row for line, row in changed.items()}


def test_lanes_tell_power_limit_and_how_it_is_known() -> None:
    found = lanes(told(cards()))
    assert [lane.watts for lane in found] == list(WATTS)
    assert {lane.limit for lane in found} == {700.0}
    assert {lane.how for lane in found} == {"measured"}
    assert found[2].share == pytest.approx(0.1, abs=0.01)


def test_a_silent_card_is_unknown_and_not_zero() -> None:
    there = cards()
    there[3] = Card(3, silent=True, without=("power",))
    found = [lane for lane in lanes(told(there)) if lane.name == "gpu 3"]
    assert all(lane.watts != lane.watts and not lane.how for lane in found)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 50)], ids=str)
def test_a_frame_in_between_is_what_a_whole_frame_would_be(size: tuple[int, int]) -> None:
    state, screen = told(cards()), PowerPage()
    before, scene = pictured(state, screen, size)
    place = layout.whole("energy", *size)
    picture = before
    for frame in range(1, 90):
        if frame % 6 == 0:
            screen.note(state)
        picture = compose.moved(picture, place, _below(screen.moved(100 + frame / 62, scene, 62.0)))
    while (left := screen.moved(200.0, scene, 0.0)) or screen._stale:
        picture = compose.moved(picture, place, _below(left))
        if not screen._stale:
            break
    whole, _ = pictured(state, screen, size)
    assert ["".join(text for text, _ in row) for row in picture.rows] == [
        "".join(text for text, _ in row) for row in whole.rows
    ]
    assert picture.rows != before.rows


def test_a_frame_in_between_changes_few_lines_and_all_of_them_in_turn() -> None:
    state, screen = told(cards()), PowerPage()
    before, scene = pictured(state, screen, (200, 50))
    touched: set[int] = set()
    most = 0
    for frame in range(1, 200):
        changed = screen.moved(100 + frame / 62, scene, 62.0)
        most = max(most, len(changed))
        touched |= set(changed)
    lines = sum(lane.height for lane in screen._drawn)
    assert len(screen._drawn) == len(WATTS)
    assert most < lines, "never all lanes in one frame"
    assert len(touched) == lines
    assert len(before.rows) == 50


def test_faster_streams_move_more() -> None:
    screen = PowerPage()
    _, scene = pictured(told(cards()), screen, (200, 50))
    began = {lane.key: screen.travelled(lane.key) for lane in lanes(scene.state)}
    for frame in range(1, 63):
        screen.moved(100 + frame / 62, scene, 62.0)
    ways = {lane.watts: screen.travelled(lane.key) - began[lane.key] for lane in lanes(scene.state)}
    assert [ways[watts] for watts in sorted(WATTS)] == sorted(ways.values())


def test_before_any_reading_the_right_shows_the_last_seconds() -> None:
    state, screen = told(cards()), PowerPage()
    before, scene = pictured(state, screen, (200, 50))
    lane = next(iter(lanes(state)))
    assert "".join(text for row in trace(scene, screen, lane, 30, 3) for text, _ in row).strip("\u2800 ")
    screen.note(state)
    (line,) = trace(scene, screen, lane, 30, 1)
    assert len(line[0][0].rstrip("\u2800 ")) == 30
    assert not line[0][0][:-1].strip("\u2800 ")
    assert before.height == 50
