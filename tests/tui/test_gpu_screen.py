"""Screen 6 at any size, its keys, and what it says of GPUs that are not well."""

from __future__ import annotations

import pytest

from tests.tui import fake_gpus as boxes
from tests.tui.fake import full, scene
from tests.tui.fake_gpu_screen import ScreenFed, told
from tests.tui.test_compose import SIZES, check, lines
from tests.tui.test_keys import FakeLink, Still, press, screen_text
from wftui import paths
from wftui.model import gpus as cells
from wftui.model.gpus import GPU_PROCESSES
from wftui.render.palette import TRUECOLOR, load
from wftui.tui.app import WftopApp
from wftui.tui.compose import Picture, picture
from wftui.tui.gpu_screen.model import PANES, GpuScreen
from wftui.tui.state import State
from wftui.tui.ui import DETAILS, MENU, Ui

PALETTE = load(paths.resources("themes") / "default.toml", TRUECOLOR)
EIGHT = told(boxes.box(8))
BOXES = {
    "one": told(boxes.box(1)),
    "eight": EIGHT,
    "sixteen": told(boxes.box(16)),
    "trouble": told(boxes.trouble()),
    "mig": told(boxes.partitioned()),
    "unified": told(boxes.unified()),
    "hostile": boxes.with_gpus(boxes.box(4), hostile=True),
    "none": full(),
    "nothing": State(),
}


def show(
    state: State, size: tuple[int, int], *, uuid: str = "", pane: str = "processes", ascii_only: bool = False
) -> tuple[Picture, GpuScreen]:
    """The screen without an application."""
    ui = Ui()
    ui.gpu = screen = GpuScreen()
    screen.uuid, screen.pane = uuid, pane
    ui.show("gpu")
    return picture(scene(state, ascii_only=ascii_only), ui, *size), screen


def body(drawn: Picture) -> str:
    return "\n".join(lines(drawn)[1:])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", BOXES)
def test_every_row_is_exactly_as_wide_as_the_terminal(size: tuple[int, int], name: str) -> None:
    state = BOXES[name]
    uuids = list(state.tables.get("gpus", {})) if name in ("trouble", "mig") else [""]
    for uuid in uuids:
        for pane in PANES:
            for ascii_only in (False, True):
                drawn, _ = show(state, size, uuid=uuid, pane=pane, ascii_only=ascii_only)
                check(drawn, *size)
                if ascii_only:
                    assert all(line.isascii() for line in lines(drawn)), (uuid, pane)


def test_it_opens_at_the_gpu_in_trouble_and_stays_there() -> None:
    state = told(boxes.trouble())
    _, screen = show(state, (120, 40))
    lost = boxes.lost(3)
    assert screen.uuid == lost.uuid
    # The card comes back as another number: identity is the UUID.
    fed = ScreenFed(boxes.box(8)).run(560, 600).furnish()
    assert screen.selected(fed.state) is not None
    assert screen.uuid == lost.uuid


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (3, ["lost", "fell off the bus", "nvidia-smi -r", "Xid 79", "since 13:47"]),
        (4, ["no answer", "has not come back"]),
        (7, ["asleep", "left alone"]),
        (6, ["overheated", "more air"]),
    ],
    ids=["lost", "stuck", "asleep", "hot"],
)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_what_is_wrong_is_said_with_its_step(size: tuple[int, int], place: int, said: list[str]) -> None:
    state = BOXES["trouble"]
    uuid = boxes.trouble()[place].uuid
    shown = body(show(state, size, uuid=uuid)[0])
    if place == 6:
        said = [said[0]]  # its step is that of its hardware, told below
    for words in said[:3] if size[0] == 80 else said:
        assert words in shown, words


def test_a_gpu_that_does_not_answer_has_no_numbers() -> None:
    for place in (3, 4, 7):
        uuid = boxes.trouble()[place].uuid
        drawn, _ = show(BOXES["trouble"], (120, 40), uuid=uuid, pane="fields")
        shown = body(drawn)
        assert "utilisation" in shown
        assert " 0 %" not in shown.split("utilisation")[1].splitlines()[0]
        assert " 0 W" not in shown


def test_mig_says_what_it_cannot_tell() -> None:
    state = BOXES["mig"]
    card, first = boxes.partitioned()[:2]
    shown = body(show(state, (120, 40), uuid=card.uuid)[0])
    assert "MIG is on" in shown
    assert "0.0" in shown
    assert "3g.40gb" in body(show(state, (120, 40), uuid=first.uuid)[0])


def test_other_users_processes_are_named_as_such() -> None:
    first = boxes.box(8)[0].uuid
    shown = body(show(EIGHT, (190, 40), uuid=first)[0])
    assert "other users' process: host pid namespace" in shown
    assert "slurm:4711 #0" in shown
    idle = boxes.box(8)[2].uuid
    assert "12h 22m" in body(show(EIGHT, (160, 40), uuid=idle)[0])


@pytest.mark.parametrize("why", ["it ended, yet the driver lists it", "another user's process: not ours to read"])
def test_a_reason_that_says_it_all_stands_alone(why: str) -> None:
    fed = ScreenFed(boxes.box(1)).run(590, 600).furnish()
    fed.table(
        GPU_PROCESSES, dict([boxes.holder(boxes.box(1)[0], 77, None, 1.0, None, **{"process.gpu.unseen": why})])
    )
    shown = body(show(fed.state, (120, 40))[0])
    assert why in shown
    assert "other users' process" not in shown


def test_the_past_is_drawn_from_its_own_state() -> None:
    """Whatever state the scene holds is what is shown."""
    before = told(boxes.box(2))
    assert "8 H200" in body(show(EIGHT, (120, 40))[0])
    assert "2 H200" in body(show(before, (120, 40))[0])


def make(*, readonly: bool = False) -> tuple[WftopApp, FakeLink]:
    link = FakeLink()
    app = WftopApp(PALETTE, state=told(boxes.box(8)), link=lambda _: link, clock=Still(), readonly=readonly)  # type: ignore[arg-type,return-value]  # the fake has the three methods that the app calls
    return app, link


async def test_keys_choose_a_gpu_and_a_pane() -> None:
    app, _ = make()
    cards = boxes.box(8)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6")
        screen = app.ui.gpu
        assert screen is not None
        assert screen.uuid == cards[1].uuid  # the one that is held back
        await press(pilot, "down", "j")
        assert screen.uuid == cards[3].uuid
        await press(pilot, "home", "up")
        assert screen.uuid == cards[0].uuid
        await press(pilot, "end", "down")
        assert screen.uuid == cards[7].uuid
        await press(pilot, "left_square_bracket")
        assert screen.uuid == cards[6].uuid
        for pane in (*PANES[1:], PANES[0]):
            await press(pilot, "tab")
            assert screen.pane == pane
        await press(pilot, "shift+tab")
        assert screen.pane == PANES[-1]
        await press(pilot, "w")
        assert (screen.pane, screen.whose) == ("holders", "user")
        await press(pilot, "w")
        assert (screen.pane, screen.whose) == ("holders", "job")
        await press(pilot, "p", "g")
        assert screen.pane == "processes"
        assert "temperature" in screen_text(app)
        await press(pilot, "1", "6")
        assert screen.uuid == cards[6].uuid


async def test_only_the_gpus_of_this_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS", "SLURM_JOB_GPUS"):
        monkeypatch.delenv(name, raising=False)
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6", "v")
        assert "neither CUDA_VISIBLE_DEVICES nor a SLURM job" in screen_text(app)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,6")
        await press(pilot, "v")
        assert app.ui.gpu is not None
        assert [gpu.title for gpu in app.ui.gpu.listed(app.state)] == ["5", "6"]
        assert "2 of 8" in screen_text(app)
        await press(pilot, "v")
        assert len(app.ui.gpu.listed(app.state)) == 8


async def test_escape_leaves_the_list_then_the_screen() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6", "enter")
        assert app.ui.gpu is not None
        assert app.ui.gpu.inside
        await press(pilot, "escape")
        assert not app.ui.gpu.inside
        assert app.ui.screen == "gpu"
        await press(pilot, "escape")
        assert app.ui.screen == "overview"


async def test_a_process_of_the_gpu_is_opened_and_signalled() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6", "home", "enter", "enter")
        assert app.ui.overlay == DETAILS
        assert "process 812" in screen_text(app)
        await press(pilot, "escape", "K")
        assert app.ui.overlay == MENU
        await press(pilot, "enter", "y")
        assert [(pid, start) for pid, start, _ in link.sent] == [(812, 1000)]


async def test_a_process_that_is_not_ours_is_not_signalled() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6", "home", "enter", "down", "f9")
        assert app.ui.overlay == ""
        assert "not ours to see: host pid namespace" in screen_text(app)
        assert link.sent == []


async def test_export_is_of_the_gpus() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6", "X")
        assert "-m 'hw.gpu.*'" in screen_text(app)


async def test_a_readonly_view_signals_nobody() -> None:
    app, link = make(readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6", "home", "enter", "K")
        assert app.ui.overlay == ""
        assert link.sent == []


async def test_the_cursor_stays_with_its_process() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6", "home", "enter", "end")
        screen = app.ui.gpu
        assert screen is not None
        key = screen.process
        assert screen.place == 2
        # The first one grows small: the order changes, the selection does not.
        table = app.state.tables["gpu_processes"]
        first, row = next((key, row) for key, row in table.items() if row[cells.P_PID] == 812)
        table[first] = (*row[: cells.P_MEMORY], 1.0, *row[cells.P_MEMORY + 1 :])
        app.state.table_version += 1
        assert [key for key, _ in screen.rows(app.state)].index(key) == screen.place == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (40, 12)], ids=str)
def test_nothing_is_said_twice(size: tuple[int, int]) -> None:
    """A picture of a well machine does not repeat the name or a heading."""
    shown = body(show(EIGHT, size, uuid=boxes.box(8)[0].uuid)[0])
    for words in ("NVIDIA H200", "utilisation ", "every call comes back"):
        assert shown.count(words) <= 1 + (size[0] == 200 and words == "utilisation "), words
