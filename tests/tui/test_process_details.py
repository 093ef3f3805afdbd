"""Details of a process: facts, its last minutes as the recorder tells them, and as scans come in."""

from __future__ import annotations

import math

import pytest

from tests.tui.fake import GIB, NOW_S, scene
from tests.tui.fake_tree import arrive, grown, key, rows
from tests.tui.test_keys import PALETTE, FakeLink, Still, press, screen_text
from wftui.errors import ProtocolError
from wftui.model import processes as cells
from wftui.model.table import Row, TableChange
from wftui.tui.app import WftopApp
from wftui.tui.compose import picture
from wftui.tui.frame import cells as columns
from wftui.tui.process import commands
from wftui.tui.process.trail import STEP_NS, Trail
from wftui.tui.ui import DETAILS
from wftui.wire import messages as wire

NS = 10**9
GAP = 8 * NS


def at(pid: int, cpu: float | None, memory: float | None) -> Row:
    row = list(rows()[key(pid)])
    row[cells.CPU], row[cells.MEMORY] = cpu, memory
    return tuple(row)


class Recorder(FakeLink):
    """Knows five minutes of 1835, 20 s of them not recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[wire.Tables] = []
        self.looks = 0
        self.nice: list[tuple[int, int, int]] = []
        self.closer: wire.InspectReply | None = wire.InspectReply(
            113, 41, 1024, 0, "/system.slice/docker-3f2a9c11d0e4f8b2aa.scope"
        )

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:
        if isinstance(message, wire.Inspect):
            self.looks += 1
            if self.closer is None:
                raise ProtocolError(f"process {message.pid} is gone")
            return self.closer
        if isinstance(message, wire.Renice):
            self.nice.append((message.pid, message.start_time, message.nice))
            if message.pid % 2 == 0:
                raise ProtocolError(f"process {message.pid}: it is not ours")
            return wire.Ok()
        if not isinstance(message, wire.Tables):
            return await super().ask(message, timeout_s)
        self.asked.append(message)
        changes = []
        for age in range(300, 0, -2):
            if 60 <= age < 80:
                continue
            row = at(1835, 0.31 + 0.3 * math.sin(age / 11) ** 2, (4 + 2 * (300 - age) / 300) * GIB)
            changes.append(TableChange("processes", (NOW_S - age) * NS, age % 60 == 0, {key(1835): row}))
        return wire.TablesReply(None, changes)


def make() -> tuple[WftopApp, Recorder]:
    link = Recorder()
    app = WftopApp(PALETTE, state=grown(), link=lambda _: link, clock=Still())  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    app.own_cpu, app.own_memory = 0.004, 38.0 * 1024**2
    return app, link


OPEN = ["2", "slash", *"vllm.entry", "enter", "enter"]


async def test_they_show_facts_and_what_the_recorder_knows() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, *OPEN)
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.ui.overlay == DETAILS
        said = screen_text(app)
        for words in ("parent     1810 containerd-shim", "state      S sleeping", "container  3f2a9c11d0e4"):
            assert words in said
        assert "61 %" in said, "the peak of CPU"
        assert "6.20G" in said
        assert "▒" in said, "what was not recorded is a gap"
        for words in ("files      113 of 1024", "sockets    41", "nice       0", "e4f8b2aa.scope"):
            assert words in said
        (question,) = link.asked
        assert (question.name, question.keys, question.until_ns) == ("processes", [key(1835)], NOW_S * NS + 1)


async def test_scans_that_come_go_on_the_graph_and_its_end_is_told() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, *OPEN)
        await app.workers.wait_for_complete()
        table = rows()
        table[key(1835)] = at(1835, 1.0, 6 * GIB)
        arrive(app.state, table, (NOW_S + 2) * NS)
        app.paint()
        assert "100 %" in screen_text(app)
        del table[key(1835)]
        arrive(app.state, table, (NOW_S + 4) * NS)
        app.paint()
        assert "python3 has ended" in screen_text(app)


async def test_the_closer_look_is_taken_again_while_they_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_CLOSER_S", 0.02)
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, *OPEN)
        while link.looks < 3:
            await pilot.pause(0.01)
        await press(pilot, "escape")
        before = link.looks
        await pilot.pause(0.1)
        assert link.looks <= before + 1
        link.closer = wire.InspectReply(None, None, None, 5, "", "its open files are not ours to see")
        await press(pilot, "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "files      not ours " in screen_text(app)
        link.closer = None
        while "files      -" not in screen_text(app):
            await pilot.pause(0.01)


async def test_niceness_is_asked_for_confirmed_and_told() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, *OPEN[:-1], "f8", *"25", "enter")
        assert "expected a whole number from -20 to 19, got '25'" in screen_text(app)
        await press(pilot, "backspace", "backspace", *"5", "enter")
        assert "Set nice 5 for 1835 python3?" in screen_text(app)
        await press(pilot, "n")
        assert link.nice == []
        await press(pilot, "f8", "5", "enter", "y")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert link.nice == [(1835, 1935, 5)]
        assert "nice 5 set for 1835 python3" in screen_text(app)
        await press(pilot, "escape", "home", "c", "c", "f8", *"10", "enter", "y")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "nice 10 set for 1 process " in screen_text(app)
        assert "1902 VLLM::Worker_TP1: process 1902: it is not ours" in screen_text(app)


async def test_readonly_changes_no_niceness() -> None:
    app, link = make()
    app.readonly = True
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "f8")
        assert "no changes of priority: the view is read-only" in screen_text(app)
        await press(pilot, "5", "enter", "y")
        assert link.nice == []


def test_a_trail_holds_a_scan_until_the_next_and_gaps_are_unknown() -> None:
    trail = Trail(key(1835))
    trail.look(at(1835, 0.5, None), 100 * STEP_NS)
    mine = {key(1835): at(1835, 0.25, 3.0)}
    trail.fill(
        [
            TableChange("processes", 80 * STEP_NS, True, {}),
            TableChange("processes", 90 * STEP_NS, True, mine),
            TableChange("processes", 91 * STEP_NS, False, {}),
            TableChange("processes", 92 * STEP_NS, False, {}, [key(1835)]),
            TableChange("processes", 93 * STEP_NS, False, mine),
            TableChange("processes", 100 * STEP_NS, False, mine),
        ]
    )
    cpu, memory = trail.samples(101 * STEP_NS, 14, GAP)
    shown = ["-" if value != value else f"{value:g}" for value in cpu]
    # 88 to 101: unknown, there in two, gone, there in four, unknown, what was seen.
    assert " ".join(shown) == "- - 0.25 0.25 - 0.25 0.25 0.25 0.25 - - - 0.5 0.5"
    assert memory[-1] != memory[-1], "unknown stays unknown"


def test_an_older_scan_adds_nothing_and_the_trail_stays_short() -> None:
    trail = Trail(key(1835))
    for step in range(5000):
        trail.look(at(1835, 0.5, 1.0), step * STEP_NS)
        trail.look(at(1835, 0.9, 1.0), (step - 1) * STEP_NS)
    cpu, _ = trail.samples(4999 * STEP_NS, 180, GAP)
    assert cpu == [0.5] * 180
    assert len(trail._times) <= 1000


@pytest.mark.parametrize("width", [200, 120, 80, 60, 40, 20])
@pytest.mark.parametrize("pid", [1835, 17, 4242])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_they_fit_any_width(width: int, pid: int, ascii_only: bool) -> None:
    state = grown()
    app = WftopApp(PALETTE, state=state, clock=Still())
    ui = app.ui
    ui.show("processes")
    ui.selected = key(pid)
    assert ui.aim(state)
    app.commands.details()
    drawn = picture(scene(state, ascii_only=ascii_only), ui, width, 30)
    for row in drawn.rows:
        assert sum(columns(text) for text, _ in row) == width
        assert not ascii_only or all(text.isascii() for text, _ in row)
