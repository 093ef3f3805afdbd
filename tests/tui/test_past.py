"""Travelling through time with the real application, without a terminal and without a recorder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from textual.pilot import Pilot

from tests.tui.fake import NOW_S, Fed
from tests.tui.fake_past import FIRST_S, GAP, NS, Memory, busy, remembered
from tests.tui.test_keys import PALETTE, Still, press, screen_text
from wftui.model.event import Event
from wftui.tui import player
from wftui.tui.app import WftopApp
from wftui.tui.frame import row_width
from wftui.tui.past import Past
from wftui.tui.player import SPEEDS
from wftui.tui.state import LOST
from wftui.tui.ui import ASK, PROMPT
from wftui.wire import messages as wire

NEWEST_S = FIRST_S + 600
SIZE = (120, 40)


def make(*, repeated: bool = False, readonly: bool = False) -> tuple[WftopApp, Memory]:
    state, memory = remembered(repeated=repeated)
    app = WftopApp(PALETTE, state=state, link=lambda _: memory, clock=Still(), readonly=readonly)  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    return app, memory


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    """Give the loop turns until something holds."""
    for _ in range(400):
        if condition():
            break
        await asyncio.sleep(0.005)
    await pilot.pause()
    assert condition()


async def settled(pilot: Pilot[int], app: WftopApp) -> None:
    """Wait until nothing is asked any more."""
    await until(pilot, lambda: not app.past._working)
    app.paint()
    await pilot.pause()


async def keys(pilot: Pilot[int], app: WftopApp, *names: str) -> None:
    for name in names:
        await press(pilot, name)
        await settled(pilot, app)


async def test_live_asks_nothing() -> None:
    app, memory = make()
    async with app.run_test(size=SIZE) as pilot:
        for key in ("2", "3", "4", "1", "tab", "e", "escape"):
            await press(pilot, key)
        assert memory.asked == []
        assert app.past.live
        assert app.seen is app.state


async def test_space_leaves_live_at_now_and_shows_the_same() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        before = screen_text(app)
        await keys(pilot, app, "space")
        after = screen_text(app)
        assert not app.past.live
        assert app.past.cursor_ns == NEWEST_S * NS
        assert app.seen.value("system.cpu.utilization") == app.state.value("system.cpu.utilization")
        assert app.seen.rate("system.cpu.context_switches") == app.state.rate("system.cpu.context_switches")
        assert "REPLAY" in after
        assert "LIVE" in before
        assert "LIVE" not in after
        assert "╭╌ cpu" in after
        assert "╭─ cpu" in before
        was = app.state.past(88, "system.cpu.utilization")
        assert str(app.seen.past(88, "system.cpu.utilization")) == str(was)
        await keys(pilot, app, "grave_accent")
        assert app.past.live
        assert screen_text(app) == before


async def test_stepping_shows_each_second_as_it_was() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        for number in range(1, 6):
            await keys(pilot, app, "left")
            assert app.past.cursor_ns == (NEWEST_S - number) * NS
            assert app.seen.value("system.cpu.utilization") == busy(600 - number)
        assert app.seen.rate("system.cpu.context_switches") == pytest.approx(18_300.0)
        await keys(pilot, app, "right")
        assert app.past.cursor_ns == (NEWEST_S - 4) * NS
        await keys(pilot, app, "right", "right", "right", "right")
        assert app.past.cursor_ns == NEWEST_S * NS
        await keys(pilot, app, "right")
        assert app.past.live


async def test_the_feed_goes_on_behind_the_past() -> None:
    app, memory = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "left")
        shown = screen_text(app)
        app.state.on(memory.fed.tick(601, seq=589))
        app.paint()
        assert app.past.cursor_ns == (NEWEST_S - 1) * NS
        assert "2 s ago" in screen_text(app)
        assert screen_text(app).replace("2 s ago", "1 s ago").splitlines()[1:-2] == shown.splitlines()[1:-2]


async def test_keys_held_down_skip_what_nobody_would_see() -> None:
    app, memory = make()
    async with app.run_test(size=SIZE) as pilot:
        memory.gate.clear()
        for _ in range(30):
            await press(pilot, "left")
        assert len(memory.of(wire.At)) == 1
        assert app.past.cursor_ns == (NEWEST_S - 30) * NS
        memory.gate.set()
        await until(pilot, lambda: app.seen is not app.state and app.seen.slot == NEWEST_S - 30)
        first, second = memory.of(wire.At)[:2]
        assert isinstance(first, wire.At)
        assert isinstance(second, wire.At)
        assert first.time_ns == (NEWEST_S - 1) * NS
        assert second.time_ns == (NEWEST_S - 30) * NS


async def test_the_next_steps_are_there_before_they_are_asked_for() -> None:
    app, memory = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "left", "left")
        asked = len(memory.of(wire.At))
        memory.gate.clear()
        for number in range(3, 9):
            await press(pilot, "left")
            assert app.seen.slot == NEWEST_S - number
        memory.gate.set()
        await settled(pilot, app)
        assert len(memory.of(wire.At)) > asked


async def test_a_gap_is_a_gap_and_steps_go_over_it() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        app.past.go((FIRST_S + GAP.stop) * NS)
        await settled(pilot, app)
        assert app.seen.slot == FIRST_S + GAP.stop
        assert app.seen.rate("system.cpu.context_switches") != app.seen.rate("system.cpu.context_switches")
        await keys(pilot, app, "left")
        assert app.seen.slot == FIRST_S + GAP.start - 1
        await keys(pilot, app, "right")
        assert app.seen.slot == FIRST_S + GAP.stop
        app.past.go((FIRST_S + GAP.start + 4) * NS)
        await settled(pilot, app)
        shown = screen_text(app)
        assert app.seen.value("system.cpu.utilization") != app.seen.value("system.cpu.utilization")
        assert "gap 13:52:04-13:52:16" in shown or "gap " in shown
        assert "nothing was recorded at this moment" in shown
        await keys(pilot, app, "right")
        assert app.seen.slot == FIRST_S + GAP.stop
        app.past.go((FIRST_S + GAP.start + 4) * NS)
        await settled(pilot, app)
        await keys(pilot, app, "left")
        assert app.seen.slot == FIRST_S + GAP.start - 1


async def test_both_passes_of_a_repeated_time_are_reachable() -> None:
    app, memory = make(repeated=True)
    async with app.run_test(size=SIZE):
        newest = max(memory.ticks)
        seen = []
        for seq in range(newest, 290, -1):
            app.past.step(-1) if not app.past.live else app.past.pause()
            while (tick := app.seen.tick) is None or app.seen is app.state or tick.seq != seq:  # noqa: ASYNC110  no event for it
                await asyncio.sleep(0)
            seen.append(tick.time_s)
        twice = {second for second in seen if seen.count(second) == 2}
        assert len(twice) >= 90
        assert app.seen.value("system.cpu.utilization") == pytest.approx(busy(291))


async def test_before_the_recording_there_is_a_clear_word() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "home")
        assert app.past.cursor_ns == (FIRST_S + 1) * NS
        await keys(pilot, app, "left")
        assert app.past.cursor_ns == (FIRST_S + 1) * NS
        assert "the recording begins here" in screen_text(app)
        await keys(pilot, app, "shift+left")
        assert "before the recording" in screen_text(app)
        await keys(pilot, app, "end")
        assert app.past.live


async def test_pages_and_minutes() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "shift+left", "shift+left")
        assert app.past.cursor_ns == (NEWEST_S - 120) * NS
        await keys(pilot, app, "shift+right")
        assert app.past.cursor_ns == (NEWEST_S - 60) * NS
        await keys(pilot, app, "pageup")
        assert app.past.cursor_ns == (NEWEST_S - 60 - app.past.span) * NS
        await keys(pilot, app, "2", "pagedown")
        assert app.past.cursor_ns == (NEWEST_S - 60 - app.past.span) * NS
        assert app.ui.places["processes"] > 0
        await keys(pilot, app, "1", "pagedown", "pagedown")
        assert app.past.live


async def test_escape_pops_one_thing_and_at_last_the_past() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "left", "2", "question_mark", "escape")
        assert not app.past.live
        await keys(pilot, app, "escape")
        assert app.ui.screen == "overview"
        assert not app.past.live
        await keys(pilot, app, "escape")
        assert app.past.live


async def test_every_panel_follows_the_cursor() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "left")
        rows = {len(app.seen.processes())}
        for _ in range(4):
            await keys(pilot, app, "left")
            rows.add(len(app.seen.processes()))
        assert rows == {3, 4, 5, 6, 7}
        app.past.go((NOW_S - 100) * NS)
        await settled(pilot, app)
        assert [item.type for item in app.seen.events][-1] == "clock.stepped"
        assert {item.source: item.state for item in app.seen.sources}["sensors"] == "ok"
        assert {item.source: item.state for item in app.seen.sources}["gpu"] == "unknown"
        app.past.go((NOW_S - 65) * NS)
        await settled(pilot, app)
        told = {item.source: item for item in app.seen.sources}["sensors"]
        assert (told.state, told.reason) == ("late", "took 6.1 s")
        await keys(pilot, app, "2", "enter")
        assert "command" in screen_text(app)


async def test_go_to_a_time_keeps_what_was_typed_when_it_is_wrong() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "at", *"25:99", "enter")
        assert app.ui.overlay == PROMPT
        assert app.ui.prompt is not None
        assert app.ui.prompt.value == "25:99"
        assert "25:99" in screen_text(app)
        assert "no such time" in screen_text(app)
        assert app.past.live
        await keys(pilot, app, "ctrl+u", *"2m ago", "enter")
        assert app.ui.overlay == ""
        assert app.past.cursor_ns // NS == NOW_S - 120
        await keys(pilot, app, "at", *"now", "enter")
        assert app.past.live


async def test_a_bare_clock_time_is_on_the_day_in_view() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        app.past.go((NOW_S - 86_400) * NS)
        await settled(pilot, app)
        from wftui.render import text

        stamp = text.clock(NOW_S - 86_400 - 30)
        await keys(pilot, app, "at", *stamp, "enter")
        assert app.past.cursor_ns == (NOW_S - 86_400 - 30) * NS


async def test_time_still_to_come_is_refused() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "at", *str(NOW_S + 3600), "enter")
        assert "still to come" in screen_text(app)


async def test_events_are_stations() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "N")
        await app.workers.wait_for_complete()
        assert app.past.cursor_ns // NS == NOW_S - 12
        assert "signal.sent" in screen_text(app)
        stations = [app.past.cursor_ns // NS]
        for _ in range(3):
            await keys(pilot, app, "N")
            await app.workers.wait_for_complete()
            stations.append(app.past.cursor_ns // NS)
        # The recorder's start lies before its first tick; views that come and go are no stations.
        assert stations == [NOW_S - 12, NOW_S - 70, NOW_S - 200, NOW_S - 500]
        await keys(pilot, app, "n")
        await app.workers.wait_for_complete()
        assert app.past.cursor_ns // NS == NOW_S - 200


async def test_enter_on_an_event_goes_to_its_time() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "3", "down", "enter")
        assert app.past.cursor_ns // NS == NOW_S - 70
        assert app.ui.screen == "overview"


async def test_a_mark_has_the_time_of_the_cursor() -> None:
    app, memory = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "left", "m", *"spike n", "enter")
        await app.workers.wait_for_complete()
        await keys(pilot, app, "grave_accent", "m", "enter")
        await app.workers.wait_for_complete()
        sent = memory.of(wire.Mark)
        assert sent == [wire.Mark((NEWEST_S - 1) * NS, "spike n"), wire.Mark(NOW_S * NS, "")]
        assert "mark set at" in screen_text(app)


async def test_marks_stand_at_the_moment_that_they_mark() -> None:
    app, memory = make()
    about = (FIRST_S + 300) * NS
    async with app.run_test(size=SIZE) as pilot:
        memory.told.append(
            Event(2000, "m", NOW_S * NS, "mark.set", "mark", "", payload={"name": "x", "at_ns": about})
        )
        app.past.go(about + 20 * NS)
        await settled(pilot, app)
        assert "m" in screen_text(app).splitlines()[-2]
        await keys(pilot, app, "N")
        await app.workers.wait_for_complete()
        assert app.past.cursor_ns == about


async def test_signals_are_off_in_the_past_and_the_key_says_why() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "left", "2", "K")
        assert app.ui.overlay == ""
        assert "no signals in the past" in screen_text(app)


async def test_playing_goes_on_and_ends_at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "FRAME_S", 0.01)
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        app.past.go((NEWEST_S - 20) * NS)
        await settled(pilot, app)
        await keys(pilot, app, *["greater_than_sign"] * 6)
        assert app.past.player.speed == SPEEDS[-1]
        await press(pilot, "space")
        assert app.past.player.playing
        await until(pilot, lambda: app.past.cursor_ns > (NEWEST_S - 17) * NS)
        await press(pilot, "space")
        assert not app.past.player.playing
        stands = app.past.cursor_ns
        await asyncio.sleep(0.15)
        assert app.past.cursor_ns == stands
        await press(pilot, "space")
        await until(pilot, lambda: app.past.live)
        assert "back at now" in screen_text(app)
        await keys(pilot, app, "left", *["less_than_sign"] * 9)
        assert app.past.player.speed == SPEEDS[0]
        assert "½x" in screen_text(app)


async def test_a_recorder_that_goes_away_leaves_what_was_fetched() -> None:
    app, memory = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "left", "left")
        memory.gone = "the recorder closed the connection"
        app.state.now_linked(LOST, 0)
        await keys(pilot, app, "left")
        assert app.seen.slot == NEWEST_S - 3
        app.past.go((NEWEST_S - 300) * NS)
        await settled(pilot, app)
        assert app.seen.slot == NEWEST_S - 3
        assert "the recorder closed the connection" in screen_text(app)
        asked = len(memory.asked)
        app.paint()
        await pilot.pause()
        assert len(memory.asked) == asked
        memory.gone = ""
        app.past.wake()
        await settled(pilot, app)
        assert app.seen.slot == NEWEST_S - 300
        await keys(pilot, app, "grave_accent", "space")
        assert app.past.live
        assert "no recorder is connected" in screen_text(app)


async def test_a_crash_before_this_session_is_one_key_away() -> None:
    app, memory = make()
    crash = Event(
        3000, "c", (NOW_S - 480) * NS, "recorder.unclean", "recorder", "1", payload={"last_second": FIRST_S + 90}
    )
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "b")
        assert "no crash is known" in screen_text(app)
        app.state.events.append(crash)
        memory.told.append(crash)
        await keys(pilot, app, "b")
        assert app.past.cursor_ns == (FIRST_S + 30) * NS
        assert "Space plays it" in screen_text(app)


async def test_a_source_is_switched_after_a_yes() -> None:
    app, memory = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "4", "down", "o")
        assert app.ui.overlay == ASK
        assert "Switch" in screen_text(app)
        await keys(pilot, app, "n")
        assert memory.of(wire.SetSource) == []
        await keys(pilot, app, "o", "y")
        await app.workers.wait_for_complete()
        assert len(memory.of(wire.SetSource)) == 1
        sent = memory.of(wire.SetSource)[0]
        assert isinstance(sent, wire.SetSource)
        assert not sent.on
        assert f"{sent.name} is off" in screen_text(app)
        # The selection stays with the source when it is sorted to another place.
        app.state.sources = [
            msgspec.structs.replace(item, state="off") if item.source == sent.name else item
            for item in app.state.sources
        ]
        app.paint()
        await keys(pilot, app, "o", "y")
        await app.workers.wait_for_complete()
        assert memory.of(wire.SetSource)[1:] == [wire.SetSource(sent.name, on=True)]
        await keys(pilot, app, "1", "left", "4", "o")
        assert app.ui.overlay == ""


async def test_readonly_switches_nothing() -> None:
    app, memory = make(readonly=True)
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "4", "o")
        assert "read-only" in screen_text(app)
        await keys(pilot, app, "y")
        assert memory.of(wire.SetSource) == []


async def test_export_asks_for_a_file_and_shows_the_command() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "left", "X")
        shown = screen_text(app)
        assert "wftop export --since" in shown
        assert ".csv" in shown
        await keys(pilot, app, "ctrl+u", *"/nowhere/x.csv", "enter")
        assert "is no folder" in screen_text(app)
        await keys(pilot, app, "ctrl+u", *"/", "enter")
        assert "nothing is overwritten" in screen_text(app)


async def test_a_filter_takes_the_keys_of_time_as_letters() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await keys(pilot, app, "2", "slash", *"nmx", "space", "b")
        assert app.ui.wanted["processes"] == "nmx b"
        assert app.past.live


@pytest.mark.parametrize(
    "size", [(1, 1), (8, 3), (20, 6), (40, 12), (60, 18), (72, 20), (80, 24), (200, 50), (300, 90)]
)
async def test_frames_of_the_past_fit_every_size(size: tuple[int, int]) -> None:
    app, _ = make()
    async with app.run_test(size=size) as pilot:
        for jump in (-1, -45, -55, -700):
            app.past.go((NEWEST_S + jump) * NS)
            await settled(pilot, app)
            picture = app.current(*size)
            assert {row_width(row) for row in picture.rows} == {size[0]}
            roles = {role for row in picture.rows for _, role in row}
            assert roles <= set(app.inks.live)


async def test_the_smallest_framed_screen_stays_framed() -> None:
    app, _ = make()
    async with app.run_test(size=(80, 20)) as pilot:
        await keys(pilot, app, "left")
        lines = screen_text(app).splitlines()
        assert lines[1].startswith("╭╌ cpu")
        assert "┃" in lines[-1]
        await keys(pilot, app, "K")
        assert "no signals" in screen_text(app).splitlines()[-1]


async def test_frames_of_the_past_are_ascii_where_that_is_wanted() -> None:
    app, _ = make()
    app.ascii_only = True
    async with app.run_test(size=SIZE) as pilot:
        for jump in (-1, -55, -700):
            app.past.go((NEWEST_S + jump) * NS)
            await settled(pilot, app)
            for key in ("1", "2", "3", "4", "at"):
                await keys(pilot, app, key)
                assert screen_text(app).isascii()
            await keys(pilot, app, "escape")


def test_past_is_live_before_anything_is_known() -> None:
    app = WftopApp(PALETTE, clock=Still())
    past = Past(app, lambda: None)
    past.step(-1)
    assert past.live
    assert "nothing was recorded yet" in app.ui.notice


def test_the_moment_knows_no_rates_without_the_tick_before() -> None:
    from wftui.tui.blocks import Blocks
    from wftui.tui.moment import Moment

    fed = Fed().run(1, 3)
    moment = Moment(Blocks(), fed.state)
    reply = wire.AtReply(fed.tick(3), fed.layout, [])
    moment.show(reply, None)
    assert moment.rate("system.cpu.context_switches") != moment.rate("system.cpu.context_switches")
    moment.show(reply, fed.tick(2))
    assert moment.rate("system.cpu.context_switches") == pytest.approx(18_300.0)
    moment.show(reply, fed.tick(1))
    assert moment.rate("system.cpu.context_switches") != moment.rate("system.cpu.context_switches")
