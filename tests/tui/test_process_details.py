"""Details of a process: facts, its last minutes as the recorder tells them, and as scans come in."""

from __future__ import annotations

import math

import pytest

from tests.tui.fake import GIB, NOW_S, scene
from tests.tui.fake_tree import arrive, grown, key, rows
from tests.tui.test_keys import PALETTE, FakeLink, Still, press, screen_text
from wftui.model import processes as cells
from wftui.model.table import Row, TableChange
from wftui.tui.app import WftopApp
from wftui.tui.compose import picture
from wftui.tui.frame import cells as columns
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

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:
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


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_the_details(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    app, _ = make()
    assert snap_compare(app, terminal_size=size, press=[*OPEN, "down", "up"])
