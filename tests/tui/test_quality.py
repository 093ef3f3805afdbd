"""How the view follows wftop's own quality: less motion, fewer frames, a word on every screen, a key back."""

from __future__ import annotations

import asyncio

import pytest

from tests.tui.fake import NOW_S, full, scene
from tests.tui.test_keys import PALETTE, FakeLink, Still, press, screen_text
from wftui import paths
from wftui.errors import ProtocolError
from wftui.model.quality import KEY, QUALITY
from wftui.model.table import Row, TableChange
from wftui.render.palette import INDEXED, load
from wftui.tui import frames, quality
from wftui.tui.app import WftopApp
from wftui.tui.topline import top_line
from wftui.wire import messages as wire

BUSY = "rule.recorder-busy"


def told(level: object, rule: str = BUSY, chosen: int | None = None) -> wire.TableArrived:
    row: Row = (level, 3, rule, "fires", NOW_S * 10**9, chosen, "", None, 1)  # type: ignore[assignment]  # also what cannot be a level
    change = TableChange(QUALITY.name, NOW_S * 10**9, keyframe=True, rows={KEY: row})
    return wire.TableArrived(change, QUALITY)


class Recorder(FakeLink):
    """Takes orders about quality, and tells what came of them."""

    def __init__(self, *, refuses: str = "") -> None:
        super().__init__()
        self.orders: list[wire.SetQuality] = []
        self.refuses = refuses

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:
        if not isinstance(message, wire.SetQuality):
            return await super().ask(message, timeout_s)
        if self.refuses:
            raise ProtocolError(self.refuses)
        self.orders.append(message)
        return wire.Ok()


def make(
    level: int = 3, *, chosen: int | None = None, readonly: bool = False, refuses: str = "", motion: str = "auto"
) -> tuple[WftopApp, Recorder]:
    state, link = full(), Recorder(refuses=refuses)
    state.on(told(level, chosen=chosen))
    app = WftopApp(
        PALETTE,
        state=state,
        link=lambda _: link,  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
        clock=Still(),
        readonly=readonly,
        motion=motion,
    )
    return app, link


def line(width: int, level: object = 3, rule: str = BUSY, chosen: int | None = None) -> str:
    state = full()
    state.on(told(level, rule, chosen))
    return "".join(text for text, _ in top_line(scene(state)._replace(quality=quality.now(state)), width))


def test_the_top_line_says_it_and_why() -> None:
    assert "  quality 3/5: recorder-busy   " in line(120)
    assert "quality 2/5: chosen" in line(140, 2, "", chosen=2)
    assert "quality 3/5   " in line(119)
    assert "recorder-busy" not in line(119)
    assert "Q3/5" in line(60)
    assert "Q1/5" in line(40, 1)
    for width in range(1, 160):
        assert len(line(width)) == width


def test_labels_and_long_names_leave_room() -> None:
    assert "quality 3/5: gpu-hot   " in line(120, rule='rule.gpu-hot{gpu="GPU-5d"}')
    assert "x" * 21 not in line(200, rule="rule." + "x" * 100)


@pytest.mark.parametrize("level", [5, 0, 6, None, "3"])
def test_everything_needs_no_words_and_a_level_that_is_none_is_everything(level: object) -> None:
    state = full()
    state.on(told(level))
    assert quality.level(state) == 5
    assert "uality" not in "".join(
        text for text, _ in top_line(scene(state)._replace(quality=quality.now(state)), 140)
    )


def test_what_each_level_leaves() -> None:
    levels = (5, 4, 3, 2, 1)
    for mode in frames.MOTIONS:
        left = [quality.motion(mode, level) for level in levels]
        assert left == [mode, mode, frames.REDUCED, frames.REDUCED, frames.REDUCED]
    assert [min(quality.most_hz(level), frames.HZ[frames.FULL]) for level in levels] == [
        62.5,
        12.0,
        12.0,
        12.0,
        12.0,
    ]
    assert [quality.pace_s(0.25, level) for level in levels] == [0.25, 0.25, 1.0, 2.0, 5.0]
    assert [quality.pace_s(10.0, level) for level in levels] == [10.0] * 5


async def test_every_screen_says_it() -> None:
    app, _ = make(2)
    async with app.run_test(size=(100, 30)) as pilot:
        for key in "123456789":
            await press(pilot, key)
            assert "quality 2/5" in screen_text(app).splitlines()[0], key


async def test_another_level_is_another_feed_and_stops_what_moves() -> None:
    app, link = make(5, motion=frames.FULL)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "9")
        assert app.motion.state == frames.FULL
        assert app.motion.follows
        before = link.rates
        app.state.on(told(4))
        app.paint()
        assert app.motion.state == frames.SMOOTH, "at 4 it moves yet, calmly"
        assert app.motion._clock is not None
        assert app.motion._clock.hz == frames.HZ[frames.SMOOTH]
        app.state.on(told(3))
        app.paint()
        assert (app.motion.state, len(app.motion.follows)) == (frames.DATA, 0)
        assert link.rates == before + 2
        assert app.motion.words() == "nothing moves: quality is 3/5, Q brings all of it back"
        app.state.on(told(5))
        app.paint()
        assert app.motion.state == frames.FULL


async def test_a_model_is_not_looked_at_closely_below_4() -> None:
    app, link = make(4)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "7")
        assert len(app.motion.follows) == 1
        before = link.rates
        app.state.on(told(3))
        app.paint()
        assert not app.motion.follows
        assert link.rates == before + 1


async def test_the_key_keeps_everything_for_an_hour_and_leaves_it_again() -> None:
    app, link = make(3)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "Q")
        await app.workers.wait_for_complete()
        [order] = link.orders
        assert (order.level, order.duration_ns) == (5, 3600 * 10**9)
        assert order.by
        assert app.ui.notice == "quality 5/5 for an hour; Q leaves it to the alerts"
        app.state.on(told(5, chosen=5))
        await press(pilot, "Q")
        await app.workers.wait_for_complete()
        assert link.orders[1].level is None
        assert app.ui.notice == "quality is left to the alerts again"


@pytest.mark.parametrize(
    ("level", "readonly", "refuses", "words"),
    [
        (5, False, "", "quality 5/5: no alert asks wftop for less"),
        (3, True, "", "nothing is done: the view is read-only (--readonly or view.readonly)"),
        (3, False, "no recorder is connected", "no recorder is connected"),
    ],
)
async def test_the_key_says_why_nothing_is_done(level: int, readonly: bool, refuses: str, words: str) -> None:
    app, link = make(level, readonly=readonly, refuses=refuses)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "Q")
        await app.workers.wait_for_complete()
        assert (link.orders, app.ui.notice) == ([], words)


async def test_escape_leaves_the_quality_alone() -> None:
    app, link = make(3)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "escape", "escape")
        assert link.orders == []


async def test_an_alert_is_seen_at_once_though_frames_are_seldom() -> None:
    app, _ = make(1)
    async with app.run_test(size=(120, 40)) as pilot:
        app.settled()
        app.paint()
        await pilot.pause()
        shown = app.picture
        app.data_arrived()
        await pilot.pause(0.1)
        assert app.picture is shown, "at 1 a frame of data waits for up to five seconds"
        app.data_arrived(tick=False, urgent=True)
        async with asyncio.timeout(3):
            while app.picture is shown:
                await pilot.pause(0.005)
        seen = app.picture
        app.data_arrived()
        await pilot.pause(0.1)
        assert app.picture is seen


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40)], ids=["40x12", "80x24", "120x40"])
def test_pictures(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    state = full()
    state.on(told(3))
    view = WftopApp(load(paths.resources("themes") / "default.toml", INDEXED), state=state, clock=Still())
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    assert snap_compare(view, terminal_size=size)
