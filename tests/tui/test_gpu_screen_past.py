"""Screen 6 at a moment in the past: its GPUs, its processes, its graphs, and nothing of now."""

from __future__ import annotations

import msgspec

from tests.tui import fake_gpus as boxes
from tests.tui.fake import NOW_S, events
from tests.tui.fake_gpu_screen import ScreenFed, full_row, processes
from tests.tui.fake_gpus import NS
from tests.tui.fake_past import FIRST_S, GAP, Memory
from tests.tui.test_keys import screen_text
from tests.tui.test_past import keys, settled
from tests.tui.test_snapshots import THEME, Still
from wftui.model.gpus import GPU_PROCESSES, GPUS
from wftui.model.table import keyframe
from wftui.render.palette import TRUECOLOR, load
from wftui.tui.app import WftopApp
from wftui.wire import messages as wire

THEN_S = FIRST_S + 500


class GpuMemory(Memory):
    """A recorder that remembers when a GPU was lost: until ``THEN_S`` and no longer."""

    def _at(self, question: wire.At) -> wire.AtReply:
        reply = super()._at(question)
        if reply.tick is None:
            return reply
        cards = boxes.trouble() if reply.tick.time_s <= THEN_S else boxes.box(8)
        when = reply.tick.time_s * NS
        more = [
            wire.TableArrived(keyframe(GPUS, when, {card.uuid: full_row(card) for card in cards}), GPUS),
            wire.TableArrived(keyframe(GPU_PROCESSES, when, processes(cards)), GPU_PROCESSES),
        ]
        return msgspec.structs.replace(reply, tables=[*reply.tables, *more])


def remembered() -> WftopApp:
    """A view of eight well GPUs, and a recorder that knows what was."""
    fed = ScreenFed(boxes.box(8))
    seconds = [second for second in range(301, 601) if second not in GAP]
    ticks = [fed.tick(second, seq=place) for place, second in enumerate(seconds, 1)]
    for tick in ticks:
        fed.state.on(tick)
    fed.furnish()
    memory = GpuMemory(fed, ticks, events())
    return WftopApp(load(THEME, TRUECOLOR), state=fed.state, link=lambda _: memory, clock=Still())  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls


async def test_the_screen_follows_the_cursor() -> None:
    app = remembered()
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, app, "6", "home", "down", "down", "down")
        assert app.ui.gpu is not None
        assert app.ui.gpu.uuid == boxes.lost(3).uuid
        assert "lost" not in screen_text(app)
        app.past.go(THEN_S * NS)
        await settled(pilot, app)
        then = screen_text(app)
        assert "fell off the bus" in then
        assert "not known while it does not answer" in then
        await keys(pilot, app, "grave_accent")
        assert "lost" not in screen_text(app)
        assert "slurm:4711 #3" in screen_text(app)


async def test_graphs_of_the_past_are_of_the_past() -> None:
    app = remembered()
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, app, "6", "home")
        app.past.go((NOW_S - 30) * NS)
        await settled(pilot, app)
        drawn = screen_text(app)
        assert "▒" in drawn
        uuid = boxes.box(8)[0].uuid
        past = app.seen.past(20, "hw.gpu.utilization", ("gpu", uuid))
        assert sum(value == value for value in past) >= 18
        assert "nothing was recorded" not in drawn


async def test_a_gap_is_said_and_nobody_is_signalled_in_the_past() -> None:
    app = remembered()
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, app, "6", "home", "enter")
        app.past.go((FIRST_S + GAP[4]) * NS)
        await settled(pilot, app)
        assert "nothing was recorded at this moment" in screen_text(app)
        app.past.go((NOW_S - 30) * NS)
        await settled(pilot, app)
        await keys(pilot, app, "K")
        assert app.ui.overlay == ""
        assert "no signals in the past" in screen_text(app)


async def test_graphs_of_the_overview_come_with_the_block_that_holds_them() -> None:
    app = remembered()
    async with app.run_test(size=(200, 50)) as pilot:
        await keys(pilot, app, "space")
        await settled(pilot, app)
        shown = screen_text(app)
        app.past.state.kept.clear()
        app.paint()
        await pilot.pause()
        assert screen_text(app) == shown, "nothing on the screen was made before its past was there"
