"""A view of a recording that is over: where it begins, what it says of itself, what it refuses; never live."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from tests.tui.fake import NOW_S
from tests.tui.fake_past import FIRST_S, GAP, NS, Memory, remembered
from tests.tui.test_keys import PALETTE, press, screen_text
from tests.tui.test_past import keys, settled
from wftui import config, paths, when
from wftui.clock import Instant
from wftui.errors import UsageError
from wftui.model.health import Health
from wftui.tui import clipboard, recorded, transport
from wftui.tui.app import WftopApp
from wftui.tui.frame import row_width
from wftui.tui.glyphs import UTF8
from wftui.tui.past import ENDS, RECORDED
from wftui.tui.state import LOST
from wftui.tui.ui import PALETTE as SEARCH
from wftui.wire import messages as wire

LAST_S = FIRST_S + 600
ALERT_S = FIRST_S + 400
SIZE = (120, 40)
ABOUT = wire.Recording(
    "incident.wftop", "host-3f", "Asia/Tokyo", "full", FIRST_S + 1, LAST_S, "gpu-hot", ALERT_S * NS, "wftop 0.9.0"
)
ORDERS = (
    wire.Mark, wire.Signal, wire.Renice, wire.SetSource, wire.SetQuality, wire.Acknowledge, wire.ResolveAlert,
    wire.SetSilence, wire.EndSilence, wire.ChangeRule, wire.RuleNumbers, wire.PreviewRule,
)  # fmt: skip


class Over:
    """The clock of a recording that is over; boottime stands as well."""

    def now(self) -> Instant:
        return Instant((LAST_S + 1) * NS, 600 * NS)


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    """Back to this machine's time afterwards."""
    yield
    when.use_zone("local")


def make(about: wire.Recording = ABOUT, *, ascii_only: bool = False) -> tuple[WftopApp, Memory]:
    """A view that a reader of a bundle has told of its end."""
    state, memory = remembered()
    assert state.hello is not None
    state.hello = msgspec.structs.replace(state.hello, hostname=about.host, recording=about)
    state.hostname = about.host
    app = WftopApp(
        PALETTE, state=state, link=lambda _: memory, clock=Over(), ascii_only=ascii_only  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    )  # fmt: skip
    app.zone = "origin Asia/Tokyo"
    return app, memory


async def entered(pilot: Pilot[int], app: WftopApp) -> None:
    """What the link does once the recording's last second was told."""
    app.past.enter()
    await settled(pilot, app)


async def test_it_begins_at_its_alert() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        assert not app.past.live
        assert app.past.cursor_ns == ALERT_S * NS
        assert app.seen.tick is not None
        assert app.seen.tick.time_s == ALERT_S


@pytest.mark.parametrize("alert_ns", [None, (LAST_S + 1) * NS])
async def test_without_an_alert_inside_it_begins_at_its_end(alert_ns: int | None) -> None:
    app, _ = make(msgspec.structs.replace(ABOUT, alert_ns=alert_ns))
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        assert (app.past.live, app.past.cursor_ns) == (False, LAST_S * NS)


async def test_where_it_was_told_to_begin_comes_first() -> None:
    app, _ = make()
    app.begin_ns = (FIRST_S + 100) * NS
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        assert app.past.cursor_ns == (FIRST_S + 100) * NS


@pytest.mark.parametrize("size", [(40, 12), (60, 20), (80, 24), (120, 40), (200, 50)])
async def test_it_is_never_live(size: tuple[int, int]) -> None:
    app, _ = make()
    async with app.run_test(size=size) as pilot:
        assert "LIVE" not in screen_text(app), "not even before the first moment came"
        await entered(pilot, app)
        for key in ("end", "grave_accent", "right", "shift+right", "pagedown", "escape", "5", "enter", "1"):
            await keys(pilot, app, key)
            assert not app.past.live, key
            assert "LIVE" not in screen_text(app), key
            assert screen_text(app).startswith("  REPLAY "), key


async def test_the_top_line_says_whose_and_when() -> None:
    app, _ = make()
    when.use_zone("+09:00")
    async with app.run_test(size=(200, 50)) as pilot:
        await entered(pilot, app)
        top = screen_text(app).splitlines()[0]
        begin, end = (time.strftime("%H:%M:%S", time.gmtime(s + 9 * 3600)) for s in (FIRST_S + 1, LAST_S + 1))
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(ALERT_S + 9 * 3600))
        assert top.startswith("  REPLAY  host-3f ")
        assert f"{moment}+09:00 origin Asia/Tokyo · of {begin}-{end}" in top
        assert "ago" not in top


@pytest.mark.parametrize(
    ("width", "hours", "words"),
    [
        (120, 1, "+09:00 origin Asia/Tokyo · 21:52-22:52"),
        (80, 1, "+09:00 · 21:52-22:52"),
        (120, 30, "+09:00 · 11-20 16:52-11-21 22:52"),
        (40, 30, "+09:00"),
    ],
)
def test_the_top_line_says_less_where_there_is_less_room(width: int, hours: int, words: str) -> None:
    when.use_zone("+09:00")
    about = msgspec.structs.replace(ABOUT, first_s=LAST_S + 1 - hours * 3600)
    replay = transport.Replay(
        LAST_S, LAST_S, False, 1.0, LAST_S - 60, LAST_S, [], None, [], recording=about, zone="origin Asia/Tokyo"
    )
    said = "".join(piece for piece, _ in transport.headline(replay, UTF8, width))
    assert said.strip().partition("+")[2] == words[1:]
    assert row_width(transport.headline(replay, UTF8, width)) <= width // 2


async def test_its_ends() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        await keys(pilot, app, "end")
        assert app.past.cursor_ns == LAST_S * NS
        assert ENDS in screen_text(app)
        for key in ("right", "shift+right", "grave_accent", "pagedown"):
            await keys(pilot, app, key)
            assert app.past.cursor_ns == LAST_S * NS, key
            assert ENDS in screen_text(app), key
        await keys(pilot, app, "left")
        assert app.past.cursor_ns == (LAST_S - 1) * NS
        assert ENDS not in screen_text(app)
        await keys(pilot, app, "home")
        assert app.past.cursor_ns == (FIRST_S + 1) * NS
        await keys(pilot, app, "left")
        assert app.past.cursor_ns == (FIRST_S + 1) * NS
        assert "the recording begins here" in screen_text(app)


async def test_playing_ends_at_its_end() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        app.past.go((LAST_S - 1) * NS)
        await settled(pilot, app)
        await press(pilot, "space")
        assert app.past.player.playing
        app.past._play(1)
        await settled(pilot, app)
        app.past._play(1)
        await settled(pilot, app)
        assert (app.past.cursor_ns, app.past.player.playing) == (LAST_S * NS, False)
        assert ENDS in screen_text(app)


async def test_escape_stays_where_it_is() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        await keys(pilot, app, "3", "escape", "escape", "escape")
        assert app.past.cursor_ns == ALERT_S * NS


@pytest.mark.parametrize(
    "pressed",
    [("m",), ("Q",), ("2", "K"), ("2", "f9"), ("4", "o"), ("8", "a"), ("8", "S"), ("8", "R")],
    ids=lambda pressed: "-".join(pressed),
)
async def test_what_changes_something_is_refused_with_words(pressed: tuple[str, ...]) -> None:
    app, memory = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        await keys(pilot, app, *pressed)
        assert app.ui.notice == RECORDED
        assert not app.ui.overlay
        assert not [message for kind in ORDERS for message in memory.of(kind)]


async def test_a_bundle_of_a_bundle_is_refused() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        await keys(pilot, app, "x")
        assert "this is a recording already" in app.ui.notice
        assert not app.ui.overlay


async def test_commands_that_are_told_work_when_the_view_is_gone() -> None:
    app, _ = make()
    when.use_zone("+09:00")
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        found = clipboard.command(app)
        assert found is not None
        *words, at = found.text.split()
        assert words == ["wftop", "replay", "incident.wftop", "--at"]
        assert recorded.begin_ns(at, ABOUT) == ALERT_S * NS
        await keys(pilot, app, "X")
        assert "export" in screen_text(app)
        assert "--data-dir" not in screen_text(app)
        assert "from a shell" not in screen_text(app)


async def test_the_keys_that_are_shown_do_something() -> None:
    app, _ = make()
    async with app.run_test(size=(200, 50)) as pilot:
        await entered(pilot, app)
        await keys(pilot, app, "left")
        line = screen_text(app).splitlines()[-1]
        assert " play" in line
        assert " live" not in line
        assert " mark" not in line
        assert " bundle" not in line
        await keys(pilot, app, "colon")
        assert app.ui.overlay == SEARCH
        for char in "mark":
            await press(pilot, char)
        assert "not in a recording" in screen_text(app)


async def test_a_gap_is_a_gap() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        app.past.go((FIRST_S + GAP.start + 5) * NS)
        await settled(pilot, app)
        assert "nothing was recorded at this moment" in screen_text(app)


async def test_the_reader_went_away() -> None:
    app, memory = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        memory.gone = "no recorder is connected"
        app.past.trouble = "the recorder closed the connection"
        app.state.now_linked(LOST, 0, "gone")
        app.paint()
        assert "its reader ended: only what was fetched" in screen_text(app)
        assert "DISCONNECTED" not in screen_text(app)
        assert not app.seen.stale


async def test_sources_were_as_the_bundle_says_when_they_had_been_so_for_long() -> None:
    app, memory = make()
    memory.told.clear()
    app.state.events.clear()
    app.state.sources = [
        Health("disks", "late", "took 6 s", since_ns=(ALERT_S - 10) * NS),
        Health("network", "failed", "gone", since_ns=(ALERT_S + 10) * NS),
    ]
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        told = {item.source: (item.state, item.reason) for item in app.seen.sources}
        assert told["disks"] == ("late", "took 6 s")
        assert told["network"] == ("unknown", "its state then was not recorded")


async def test_what_a_bundle_lacks_is_told_with_its_sources() -> None:
    app, _ = make(msgspec.structs.replace(ABOUT, left_out=["Bursts of 2 marks: they were too many.\x1b[31m"]))
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        await keys(pilot, app, "4")
        shown = screen_text(app)
        assert "not in this bundle: Bursts of 2 marks: they were too many." in shown
        assert "\x1b" not in shown


async def test_it_says_first_what_it_is() -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        assert "incident.wftop of wftop 0.9.0, level full, made for gpu-hot" in screen_text(app)
        await keys(pilot, app, "left")
        assert "incident.wftop" not in screen_text(app)


async def test_without_a_word_of_sources_that_is_said() -> None:
    app, memory = make()
    memory.told.clear()
    app.state.events.clear()
    app.state.sources = []
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        await keys(pilot, app, "4")
        if not app.seen.sources:
            assert "this recording tells nothing of its sources at this moment" in screen_text(app)


async def test_the_timeline_has_an_end_and_no_now() -> None:
    app, _ = make(msgspec.structs.replace(ABOUT, alert_ns=None))
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        await keys(pilot, app, "5", "end")
        shown = screen_text(app)
        assert " to its end" in shown
        assert " now" not in shown


async def test_times_that_are_typed_are_those_of_the_recording() -> None:
    app, _ = make()
    when.use_zone("+09:00")
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        await press(pilot, "at")
        for char in time.strftime("%H:%M:%S", time.gmtime(FIRST_S + 200 + 9 * 3600)):
            await press(pilot, "colon" if char == ":" else char)
        await keys(pilot, app, "enter")
        assert app.past.cursor_ns == (FIRST_S + 200) * NS
        await press(pilot, "at")
        for char in "2m":
            await press(pilot, char)
        await keys(pilot, app, "enter")
        assert app.past.cursor_ns == (LAST_S + 1 - 120) * NS, "before its end, not before the present"


async def test_its_panels_are_not_the_skeleton_of_the_next_start(tmp_path: Path) -> None:
    state_dir = tmp_path / "none"
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        app.remember(state_dir)
    assert not state_dir.exists()


# ---- time zones


def settings(zone: str | None = None) -> config.Config:
    """Settings of somebody who chose a zone, or did not."""
    where = paths.places()
    where.config_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if zone is not None:
        where.config_file.write_text(f'[view]\ntime_zone = "{zone}"\n')
    return config.load(where)


def east() -> int:
    """Seconds that local time is ahead of UTC."""
    return time.localtime(FIRST_S).tm_gmtoff


@pytest.mark.parametrize(
    ("chosen", "origin", "hours", "words"),
    [
        (None, "+02:00", 2.0, "origin +02:00"),
        (None, "-03:30", -3.5, "origin -03:30"),
        (None, "UTC", 0.0, "origin UTC"),
        (None, "Mars/Olympus", 0.0, "UTC (Mars/Olympus is not known here)"),
        (None, "../../etc/passwd", 0.0, "UTC (../../etc/passwd is not known here)"),
        (None, "local", 0.0, "UTC (local is not known here)"),
        (None, "", 0.0, "UTC (its zone was not told)"),
        ("utc", "+02:00", 0.0, "UTC"),
        ("+05:00", "+02:00", 5.0, "+05:00"),
    ],
)
def test_times_are_the_origins_unless_chosen(chosen: str | None, origin: str, hours: float, words: str) -> None:
    about = msgspec.structs.replace(ABOUT, time_zone=origin)
    assert recorded.prefer(settings(chosen), about) == words
    assert east() == hours * 3600


def test_a_live_view_says_nothing_of_zones() -> None:
    assert recorded.prefer(settings("+05:00"), None) == ""
    assert east() == 5 * 3600


@pytest.mark.parametrize(
    ("typed", "second"), [("1m", LAST_S + 1 - 60), (str(FIRST_S + 50), FIRST_S + 50), ("now", LAST_S + 1)]
)
def test_where_to_begin(typed: str, second: int) -> None:
    assert recorded.begin_ns(typed, ABOUT) == second * NS


@pytest.mark.parametrize("typed", ["2h", "2020-01-01", str(NOW_S + 100), "noon", ""])
def test_where_not_to_begin(typed: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]+$"):
        recorded.begin_ns(typed, ABOUT)


# ---- pictures


def opened(*, ascii_only: bool = False) -> tuple[WftopApp, Callable[[Pilot[int]], Awaitable[None]]]:
    """A view of a bundle, and what brings it to where it begins."""
    app, _ = make(ascii_only=ascii_only)
    when.use_zone("+09:00")
    return app, lambda pilot: entered(pilot, app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_overview_of_a_bundle(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    app, enter = opened()
    assert snap_compare(app, terminal_size=size, run_before=enter)


def test_overview_of_a_bundle_in_ascii(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    app, enter = opened(ascii_only=True)
    assert snap_compare(app, terminal_size=(80, 24), run_before=enter)


async def test_what_cannot_be_drawn_is_said_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = make()
    async with app.run_test(size=SIZE) as pilot:
        await entered(pilot, app)
        whole = app.picture
        with monkeypatch.context() as broken:

            def bug(*_: object) -> None:
                raise TypeError("an unknown \x1b]0;number")

            broken.setattr("wftui.tui.compose.picture", bug)
            app.paint()
            said = screen_text(app)
            assert "cannot be drawn" in said
            assert "TypeError: an unknown" in said
            assert "\x1b" not in said
        app.paint()
        assert whole is not None
        assert "REPLAY" in screen_text(app)
        assert "cannot be drawn" not in screen_text(app)
