"""The page of streams: lanes, particles, what is claimed of a frame, and what was seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tui.fake import scene
from tests.tui.fake_streams import ENERGY, KEYS, RATES, Streaming, streaming
from tests.tui.test_snapshots import THEME, Still
from wftui.energy.fidelity import LINK, ROOM
from wftui.render.palette import MONO, TRUECOLOR, load
from wftui.tui import compose, layout
from wftui.tui.app import WftopApp
from wftui.tui.energy import weave
from wftui.tui.energy.claims import VARIABLE
from wftui.tui.energy.flows import flows
from wftui.tui.energy.intake import bolt, speed
from wftui.tui.energy.screen import EnergyScreen
from wftui.tui.energy.streams import StreamsPage
from wftui.tui.flow import Flow
from wftui.tui.state import State
from wftui.tui.ui import Ui

SIZE = (120, 40)
PARTICLES = frozenset("•◦◊")


class Looked:
    """The page on a terminal that answers when it is told to, one frame after the other."""

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        self.fed = Streaming()
        self.fed.run()
        self.fed.table()
        self.second = 600
        self.size = size
        self.ui = Ui()
        self.ui.show("energy")
        self.screen = self.ui.energy = EnergyScreen()
        self.control = Flow()
        self.control.watched = True
        self.now_s = 1000.0
        self.picture = self.draw()

    @property
    def page(self) -> StreamsPage:
        found = self.screen.streams
        assert found is not None
        return found

    def tick(self) -> None:
        """A second of data, and its whole frame."""
        self.second += 1
        self.now_s += 1.0
        message = self.fed.tick(self.second)
        self.fed.state.on(message)
        self.page.take(self.fed.state, message, self.now_s, (message.time_s + 1) * 10**9)
        self.draw()

    def draw(self) -> compose.Picture:
        self.picture = compose.picture(scene(self.fed.state), self.ui, *self.size)
        return self.picture

    def move(self, seconds: float) -> None:
        """A frame of the clock."""
        self.now_s += seconds
        changed = self.screen.moved(self.now_s, scene(self.fed.state), 1 / seconds)
        self.picture = compose.moved(self.picture, layout.whole("energy", *self.size), changed)

    def send(self, *, owed: bool = False) -> None:
        """The frame goes to the terminal, or has no room there."""
        if not owed:
            self.control.question(*self.size, int(self.now_s * 1e9))
        line = 2 + self.screen.above
        self.page.drew(self.control, self.now_s, owed=owed, line=line, column=2)

    def answer(self, after_s: float = 0.01) -> None:
        """The terminal acknowledges the newest frame."""
        sent = self.control._flying[-1]
        self.control.answered(sent.column, int((self.now_s + after_s) * 1e9))
        self.page.hear(self.control, self.now_s + after_s)

    def lines(self) -> list[str]:
        return ["".join(text for text, _ in row) for row in self.picture.rows]


def shown(lines: list[str]) -> int:
    return sum(char in PARTICLES for line in lines for char in line)


def test_a_stream_is_what_series_and_table_say() -> None:
    found = {flow.key: flow for flow in flows(streaming())}
    assert set(found) == set(KEYS)
    first = found[KEYS[0]]
    assert (first.rate, first.energy, first.first_token_s) == (RATES[0], ENERGY[0], 0.21)
    assert first.own
    assert first.baseline == pytest.approx(RATES[0])
    assert first.share == pytest.approx(1.0)
    gemma = found[KEYS[2]]
    assert gemma.certainty != gemma.certainty
    assert speed(found[KEYS[1]]) == 0.0, "it stalls"
    assert speed(gemma) > speed(first) > 0.0
    assert [bolt(wait_s) for wait_s in (0.1, 0.5, 2.0, 9.0)] == [1, 2, 3, 4]


def test_nothing_is_drawn_of_what_came_before_somebody_looked() -> None:
    looked = Looked()
    looked.tick()
    assert looked.page.field.computed == 0.0
    assert shown(looked.lines()) == 0


def test_tokens_become_particles_and_all_their_energy_is_seen() -> None:
    looked = Looked()
    for _ in range(4):
        looked.tick()
        looked.send()
        looked.answer()
    field = looked.page.field
    expected = 3 * sum(rate * energy for rate, energy in zip(RATES, ENERGY, strict=True))
    assert field.computed == pytest.approx(expected)
    assert field.fidelity.seen + field.waiting == pytest.approx(field.computed)
    assert field.fidelity.seen > 0.9 * field.computed
    assert shown(looked.lines()) == field.particles > 0
    picture = looked.page.picture(looked.now_s)
    assert picture.particles == field.particles
    assert picture.ratio == 1.0
    assert picture.lag_s == pytest.approx(0.01, abs=0.005)


def test_what_the_terminal_does_not_take_is_missed_by_the_link() -> None:
    looked = Looked()
    for _ in range(3):
        looked.tick()
        looked.send(owed=True)
    looked.now_s += 2.0
    looked.page.field.advance(looked.now_s, 0.0)
    field = looked.page.field
    assert field.fidelity.seen == 0.0
    assert field.missed[LINK] == pytest.approx(field.computed)


def test_lanes_that_do_not_fit_are_missed_for_want_of_room() -> None:
    looked = Looked((60, 3))
    for _ in range(3):
        looked.tick()
    hidden = len(KEYS) - len(looked.page._lanes)
    assert hidden > 0
    assert looked.page.field.missed[ROOM] > 0


def test_claims_are_the_cells_of_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "claims"
    monkeypatch.setenv(VARIABLE, str(file))
    looked = Looked()
    for number in range(90):
        if number % 30 == 0:
            looked.tick()
        else:
            looked.move(1 / 60)
        looked.send()
        lines = looked.lines()
        claimed = json.loads(file.read_text().splitlines()[-1])
        there = {(y, x): char for y, line in enumerate(lines) for x, char in enumerate(line) if char in PARTICLES}
        assert claimed["frame"] == looked.control.frames
        assert claimed["particles"] == len(there)
        assert {(y, x): char for lane in claimed["lanes"] for y, x, char in lane["particles"]} == there
        for lane in claimed["lanes"]:
            for row, count in enumerate(lane["ribbon"]):
                cells = lines[lane["line"] + row][lane["column"] :][: lane["width"]]
                others = [char for char in cells if char not in PARTICLES and char not in " ·\u2571"]
                assert len(others) == count
        total = claimed["seen"] + sum(claimed["missed"].values()) + claimed["waiting"]
        assert total == pytest.approx(claimed["computed"])
        looked.answer()
    assert looked.page.field.fidelity.seen > 0


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 50)], ids=str)
def test_a_frame_in_between_is_what_a_whole_frame_would_be(size: tuple[int, int]) -> None:
    looked = Looked(size)
    looked.tick()
    looked.tick()
    before = looked.lines()
    for _ in range(40):
        looked.move(1 / 60)
    # Numbers of lanes are written anew ten times a second, those below them once.
    between = looked.lines()
    looked.draw()
    assert [line for line in looked.lines() if "seen" not in line] == [
        line for line in between if "seen" not in line
    ]
    assert before != between


def test_a_stalled_lane_stands_still_and_the_others_move() -> None:
    looked = Looked()
    looked.tick()
    looked.tick()
    cells = {lane.key: [lane.belt.cells(row) for row in range(lane.belt.height)] for lane in looked.page._lanes}
    for _ in range(30):
        looked.move(1 / 60)
    for lane in looked.page._lanes:
        same = [lane.belt.cells(row) for row in range(lane.belt.height)] == cells[lane.key]
        assert same == (lane.key == KEYS[1])


def on_ux(size: tuple[int, int]) -> Looked:
    """Looked at through the strip of the other page for some seconds."""
    looked = Looked(size)
    looked.screen.name = "ux"
    looked.draw()
    for _ in range(4):
        looked.tick()
        looked.send()
        looked.answer()
    return looked


def test_the_strip_of_the_other_page_is_a_picture_whose_truth_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "claims"
    monkeypatch.setenv(VARIABLE, str(file))
    looked = on_ux(SIZE)
    assert looked.screen.flowing is looked.page
    told = looked.page.picture(looked.now_s)
    assert told.seen > 0
    assert told.particles == shown(looked.lines()) > 0
    looked.move(1 / 60)
    looked.move(1 / 60)
    looked.send()
    lines = looked.lines()
    there = {(y, x): char for y, line in enumerate(lines) for x, char in enumerate(line) if char in PARTICLES}
    claimed = json.loads(file.read_text().splitlines()[-1])
    assert {(y, x): char for lane in claimed["lanes"] for y, x, char in lane["particles"]} == there
    between = looked.lines()
    looked.draw()
    assert looked.lines() == between


def test_streams_without_a_line_of_the_strip_are_no_part_of_its_picture() -> None:
    looked = on_ux((80, 24))
    assert 0 < len(looked.page._lanes) < len(KEYS)
    hidden = [number for number, key in enumerate(KEYS) if key not in {lane.key for lane in looked.page._lanes}]
    shown_eu = sum(RATES[at] * ENERGY[at] for at in range(len(KEYS)) if at not in hidden)
    assert looked.page.field.computed == pytest.approx(3 * shown_eu)
    computed = looked.page.field.computed
    looked.screen.name = "power"
    looked.draw()
    assert looked.screen.flowing is None
    looked.screen.name = "streams"
    looked.draw()
    looked.tick()
    assert looked.page.field.computed == computed, "what nobody looked at is not counted late"


def test_a_page_nobody_looks_at_counts_nothing() -> None:
    looked = Looked()
    looked.tick()
    looked.tick()
    computed = looked.page.field.computed
    looked.page.hidden()
    looked.second += 30
    looked.tick()
    assert looked.page.field.computed == computed


def app(state: State, depth: str = TRUECOLOR, *, ascii_only: bool = False) -> WftopApp:
    view = WftopApp(load(THEME, depth), state=state, clock=Still(), ascii_only=ascii_only, motion="reduced")
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    return view


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_pictures(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(streaming()), terminal_size=size, press=["9"])


def test_evidence(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(streaming()), terminal_size=(120, 40), press=["9", "v"])


def test_in_ascii_and_without_colours(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(streaming(), MONO, ascii_only=True), terminal_size=(40, 12), press=["9"])


async def test_tab_goes_through_the_pages_and_v_shows_the_evidence() -> None:
    view = app(streaming())
    async with view.run_test(size=SIZE) as pilot:
        await pilot.press("9")
        screen = view.ui.energy
        assert screen is not None
        assert screen.name == "streams"
        await pilot.press("v")
        assert screen.page.moves is False
        await pilot.press("v", "tab")
        assert screen.name == "power"
        await pilot.press("tab", "tab")
        assert screen.name == "streams"
        await pilot.press("shift+tab")
        assert screen.name == "ux"


async def test_over_ssh_nothing_moves_until_it_is_asked_for() -> None:
    view = WftopApp(load(THEME, TRUECOLOR), state=streaming(), clock=Still(), motion="auto", remote=True)
    async with view.run_test(size=SIZE) as pilot:
        await pilot.press("9")
        screen = view.ui.energy
        assert screen is not None
        view.flow.answered(0, 0)
        for key in ("enter", "f"):
            view.motion.follow()
            assert view.motion.state == "data"
            assert "over SSH drawn once a second, f moves it" in drawn(view)
            await pilot.press(key)
            view.motion.follow()
            assert view.motion.state == "full"
            assert "over SSH" not in drawn(view)
            await pilot.press(key)


def drawn(view: WftopApp) -> str:
    """The whole screen as it is now."""
    picture = compose.picture(view.scene(), view.ui, *SIZE)
    return "\n".join("".join(text for text, _ in row) for row in picture.rows[:4])


def test_a_stream_of_which_nothing_is_known_yet_is_drawn_as_such() -> None:
    looked = Looked()
    for place in range(len(looked.fed.state.values)):
        looked.fed.state.values[place] = float("nan")
    looked.fed.state.version += 1
    looked.draw()
    assert any(" - " in line for line in looked.lines()), "unknown is a dash"


def test_brightness_is_energy() -> None:
    looked = Looked()
    roles = {lane.key: {role for row in range(lane.belt.height) for _, role in lane.flow.row(row)}
             for lane in looked.page._lanes}  # fmt: skip
    for key, energy in zip(KEYS, ENERGY, strict=True):
        assert weave.glow(energy) in roles[key]
