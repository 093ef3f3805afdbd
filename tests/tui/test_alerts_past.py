"""Screen 8 at a moment in the past: what fired then, and nothing of now; Enter goes to the moment of firing."""

from __future__ import annotations

import msgspec

from tests.tui.alerts_seen import HOT, alert, happened, put, rows
from tests.tui.fake import Fed, events
from tests.tui.fake_gpus import NS
from tests.tui.fake_past import FIRST_S, GAP, Memory
from tests.tui.test_keys import screen_text
from tests.tui.test_past import keys, settled
from tests.tui.test_snapshots import THEME, Still
from wftui.model.alerts import ALERTS
from wftui.model.table import keyframe
from wftui.render.palette import TRUECOLOR, load
from wftui.tui.app import WftopApp
from wftui.wire import messages as wire

THEN_S = FIRST_S + 480
GPU = "GPU-1"
PRESSURE = 'system.pressure.utilization{device="io",mode="some"}'


class AlertsMemory(Memory):
    """A recorder that remembers: until ``THEN_S`` one other alert fired and none of those of now."""

    def _at(self, question: wire.At) -> wire.AtReply:
        reply = super()._at(question)
        if reply.tick is None:
            return reply
        when = reply.tick.time_s * NS
        found = rows(GPU)
        if reply.tick.time_s <= THEN_S:
            found = dict([alert("rule.swap", "", 0, since=(THEN_S - 20) * NS, series=PRESSURE)])
        return msgspec.structs.replace(
            reply, tables=[*reply.tables, wire.TableArrived(keyframe(ALERTS, when, found), ALERTS)]
        )


def remembered() -> WftopApp:
    """A view of the alerts of now, and a recorder that knows what was."""
    fed = Fed()
    seconds = [second for second in range(301, 601) if second not in GAP]
    ticks = [fed.tick(second, seq=place) for place, second in enumerate(seconds, 1)]
    for tick in ticks:
        fed.state.on(tick)
    fed.furnish()
    put(fed.state, ALERTS, rows(GPU))
    told = sorted([*events(), *happened(GPU, "GPU-2")], key=lambda item: item.time_ns)
    fed.state.add_events(told)
    memory = AlertsMemory(fed, ticks, told)
    return WftopApp(load(THEME, TRUECOLOR), state=fed.state, link=lambda _: memory, clock=Still())  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls


async def test_the_screen_shows_the_alerts_of_then() -> None:
    app = remembered()
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, app, "8")
        assert "A GPU is hot" in screen_text(app)
        app.past.go(THEN_S * NS)
        await settled(pilot, app)
        then = screen_text(app)
        assert "Much is swapped" in then
        assert "A GPU is hot" not in then
        assert "▲ 1 info" in then.splitlines()[0]
        assert "firing since" in then
        assert "21 s" in then
        # The graph is that of then: it was asked for.
        assert "pressure io some" in then
        assert any("⣀" in line or "⣿" in line for line in then.splitlines())
        await keys(pilot, app, "a")
        assert "in the past: ` goes back to live" in screen_text(app)
        assert not app.ui.overlay
        await keys(pilot, app, "grave_accent")
        await settled(pilot, app)
        assert "A GPU is hot" in screen_text(app)


async def test_where_nothing_was_recorded_the_screen_says_so() -> None:
    app = remembered()
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, app, "8")
        app.past.go((FIRST_S + 545) * NS)
        await settled(pilot, app)
        assert "nothing was recorded at this moment" in screen_text(app)


async def test_enter_goes_to_the_moment_of_firing_on_every_screen() -> None:
    app = remembered()
    fired = next(item for item in app.state.events if item.event_id == "fired-hot")
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, app, "8", "enter")
        await settled(pilot, app)
        assert not app.past.live
        assert app.past.cursor_ns // NS == fired.time_ns // NS
        assert app.ui.screen == "overview"
        assert "A GPU is hot" in app.ui.notice
        assert HOT in fired.aggregate_id
