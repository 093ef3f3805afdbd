"""Screen 8 at any size, its lists, keys and orders, and what it says of an alert."""

from __future__ import annotations

import pytest

from tests.tui import alerts_seen as fake
from tests.tui.alerts_seen import alarmed, put
from tests.tui.fake import HOSTILE, full, scene
from tests.tui.fake_gpus import NS
from tests.tui.test_compose import SIZES, check, lines
from tests.tui.test_keys import Still, press, screen_text
from wftui import paths
from wftui.errors import ProtocolError
from wftui.model.alerts import ALERTS
from wftui.render.palette import TRUECOLOR, load
from wftui.tui import clipboard
from wftui.tui.alerts_screen import control, seen
from wftui.tui.alerts_screen.model import ALERT_SORTS, GROUPS, RULE_SORTS, TABS, AlertsScreen, Head
from wftui.tui.app import WftopApp
from wftui.tui.compose import Picture, picture
from wftui.tui.mouse import Mouse
from wftui.tui.state import State
from wftui.tui.ui import ASK, PROMPT, Ui
from wftui.wire import messages as wire

PALETTE = load(paths.resources("themes") / "default.toml", TRUECOLOR)
ALL = alarmed()
STATES = {
    "all": ALL,
    "quiet": alarmed(quiet=True),
    "hostile": alarmed(hostile=True),
    "unknown": full(),
    "nothing": State(),
}
GPU = fake.hottest(ALL)
HOT = f'{fake.HOT}{{gpu="{GPU}",sensor="gpu"}}'


class Recorder:
    """Takes every order; ``refusal``: what it says instead."""

    def __init__(self, refusal: str = "") -> None:
        self.asked: list[wire.Message] = []
        self.refusal = refusal

    async def follow(self) -> None:
        return

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:  # noqa: ARG002  as the link has it
        self.asked.append(message)
        if isinstance(message, wire.Events):
            return wire.EventsReply([], more=False)
        if self.refusal:
            raise ProtocolError(self.refusal)
        return wire.SilenceReply("01J") if isinstance(message, wire.SetSilence) else wire.Ok()

    def report_soon(self) -> None:
        """Nobody reads reports."""

    def rate_changed(self) -> None:
        return

    def graphs_changed(self) -> None:
        return

    def by_clock(self, *, wanted: bool) -> None:
        """Nothing comes, however it is read."""

    def read(self) -> None:
        """As above."""

    @property
    def orders(self) -> list[wire.Message]:
        return [item for item in self.asked if not isinstance(item, wire.Events | wire.Range)]


def show(
    state: State, size: tuple[int, int], tab: str = "alerts", *, inside: bool = False, ascii_only: bool = False,
    key: str = "", group: str = "", wanted: str = "",
) -> tuple[Picture, AlertsScreen]:  # fmt: skip
    """The screen without an application."""
    ui = Ui()
    ui.alerts = screen = AlertsScreen()
    screen.tab, screen.inside, screen.group = tab, inside, group
    screen.keys[tab] = key
    ui.wanted["alert"] = wanted
    ui.show("alert")
    return picture(scene(state, ascii_only=ascii_only), ui, *size), screen


def body(drawn: Picture) -> str:
    return "\n".join(lines(drawn)[1:])


def app(state: State | None = None, *, refusal: str = "", readonly: bool = False) -> tuple[WftopApp, Recorder]:
    link = Recorder(refusal)
    view = WftopApp(PALETTE, state=state or alarmed(), link=lambda _: link, clock=Still(), readonly=readonly)  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    return view, link


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", STATES)
def test_every_row_is_exactly_as_wide_as_the_terminal(size: tuple[int, int], name: str) -> None:
    for tab in TABS:
        for inside in (False, True):
            for ascii_only in (False, True):
                drawn, _ = show(STATES[name], size, tab, inside=inside, ascii_only=ascii_only)
                check(drawn, *size)
                if ascii_only:
                    assert all(line.isascii() for line in lines(drawn)), (tab, inside)
                assert "\x1b" not in body(drawn)


def test_what_waits_for_somebody_stands_first_and_what_is_silenced_last() -> None:
    found = AlertsScreen().listed(ALL)
    assert [item.status for item in found if isinstance(item, seen.Alert)] == [
        "firing", "acked", "over", "pending", "silenced",
    ]  # fmt: skip
    assert AlertsScreen().listed(ALL, "srv/models") == [found[-1]]


@pytest.mark.parametrize("group", GROUPS[1:])
def test_groups_hold_all_alerts_under_their_heads(group: str) -> None:
    screen = AlertsScreen()
    screen.group = group
    found = screen.listed(ALL)
    heads = [item for item in found if isinstance(item, Head)]
    assert sum(item.members for item in heads) == len(found) - len(heads) == 5
    assert isinstance(found[0], Head)
    assert screen.selected(found) is found[1]
    shown = body(show(ALL, (120, 40), group=group)[0])
    assert all(head.words in shown for head in heads)


def test_orders_of_both_lists() -> None:
    for name, key in ALERT_SORTS.items():
        screen = AlertsScreen()
        screen.sorts["alerts"] = name
        values = [key(item) for item in screen.listed(ALL) if isinstance(item, seen.Alert)]
        assert values == sorted(values), name
    for name, order in RULE_SORTS.items():
        screen = AlertsScreen()
        screen.tab, screen.sorts["rules"] = "rules", name
        told = [order(item) for item in screen.listed(ALL) if isinstance(item, seen.Rule)]
        assert told == sorted(told), name
        assert len(told) == 8


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (HOT, ["CRITICAL", "GPU 6", "firing since", "> 85 °C for 10s", "at firing 86 °C", "worst 88 °C", "85 °C",
               "3 times within an hour", "what helps", "see that its fans turn", "of the same rule", "GPU 1"]),
        (fake.PRESSURE, ["acknowledged by ana", "the backup runs until noon", "20 %", "pressure io some"]),
        (fake.DISK, ["silenced until", "by bo: new disks come on Monday", "/srv/models is 87 % full"]),
        (f'{fake.FULL}{{mount="/"}}', ["it does not hold any more; R resolves it"]),
        (f'{fake.LATE}{{source="sensors"}}', ["pending", "it looks at a state, which has no graph"]),
    ],
)  # fmt: skip
def test_an_alert_says_why_it_fires_and_who_looks_after_it(key: str, said: list[str]) -> None:
    shown = body(show(ALL, (200, 50), key=key)[0])
    for words in said:
        assert words in shown, words
    assert GPU not in shown


def test_the_threshold_and_the_moment_of_firing_are_on_the_graph() -> None:
    drawn, screen = show(ALL, (120, 40), key=fake.PRESSURE)
    assert screen.shown == ('system.pressure.utilization{device="io",mode="some"}',)
    inside = lines(drawn)
    threshold = next(line for line in inside if "╌╌╌╌" in line[2:-2] and "20 %" in line)
    assert threshold.index("20 %") > 100
    # Fired 95 s ago: in the cell of that second, at two seconds a cell, on each line of the graph.
    drawn, _ = show(ALL, (120, 40), key=HOT)
    ruler = next(line for line in lines(drawn) if "╵" in line and "▲" in line)
    assert 2 + (120 - 4 - 10) - ruler.index("▲") == pytest.approx(95 / 2, abs=1)
    column = ruler.index("▲")
    assert sum(line[column] == "╎" for line in lines(drawn)) >= 2


def test_a_threshold_in_another_unit_is_no_line_on_the_graph() -> None:
    state = alarmed()
    key, row = fake.alert(fake.PRESSURE, "", 60, value=3.5, threshold=3.0, unit="standard deviations",
                          series='system.pressure.utilization{device="io",mode="some"}')  # fmt: skip
    put(state, ALERTS, {key: row})
    drawn, screen = show(state, (120, 40), key=key)
    assert screen.shown
    assert not any("╌╌╌╌" in line[2:-2] for line in lines(drawn)[2:-2])


def test_a_long_unit_costs_no_digit_of_a_value() -> None:
    state = alarmed()
    key, row = fake.alert(fake.PRESSURE, "", 60, value=306.0, unit="{replay_event}/s")
    put(state, ALERTS, {key: row})
    shown = lines(show(state, (80, 24))[0])[4]
    assert shown.rstrip(" │").endswith(" 306")


def test_nothing_fires_says_how_many_rules_watch_what_and_what_to_do() -> None:
    shown = body(show(STATES["quiet"], (80, 24))[0])
    for words in ("nothing fires", "6 of 8 rules watch 26 things", "1 is off", "wftop rules new", "Tab"):
        assert words in shown
    assert "no word of any rule yet" in body(show(full(), (80, 24))[0])
    assert "S on an alert or a rule" in body(show(STATES["quiet"], (80, 24), "silences")[0])
    assert "nothing matches the filter" in body(show(ALL, (80, 24), wanted="zzz")[0])


def test_rules_say_their_state_reason_and_cost() -> None:
    shown = body(show(ALL, (200, 50), "rules", key="rule.tokens-slow")[0])
    for words in ("warming up, 812 of 3600", "44 µs each second", "~/rules/mine.json", "-30 % off its mean of 1h",
                  "wftop rules edit tokens-slow", "off       info     Much is swapped"):  # fmt: skip
        assert words in shown, words


def test_hostile_texts_are_cleaned() -> None:
    for tab in TABS:
        shown = body(show(STATES["hostile"], (200, 50), tab)[0])
        assert HOSTILE[:10] not in shown
        assert "\u202e" not in shown


async def test_acknowledge_sends_who_and_the_note() -> None:
    view, link = app()
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "A", "a")
        assert view.ui.overlay == PROMPT
        await press(pilot, *"on it", "enter")
        await view.workers.wait_for_complete()
        await pilot.pause()
        assert link.orders == [wire.Acknowledge(HOT, control.who(), "on it")]
        assert "acknowledged: A GPU is hot" in screen_text(view)


async def test_silence_takes_how_long_and_why() -> None:
    view, link = app()
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "8", "S", "ctrl+u", *"soon", "enter")
        assert "expected a duration like" in screen_text(view)
        await press(pilot, "ctrl+u", *"30m fan is replaced", "enter")
        await view.workers.wait_for_complete()
        await press(pilot, "S", "enter")
        await view.workers.wait_for_complete()
        assert link.orders == [
            wire.SetSilence([HOT], 1800 * NS, control.who(), "fan is replaced"),
            wire.SetSilence([HOT], 3600 * NS, control.who(), ""),
        ]
        # Of a rule all of it.
        await press(pilot, "tab", "end", "S", "enter")
        await view.workers.wait_for_complete()
        assert isinstance(link.orders[-1], wire.SetSilence)
        assert link.orders[-1].matchers == ["rule.swap"]


async def test_resolve_and_the_end_of_a_silence_are_asked_first() -> None:
    view, link = app()
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "8", "R")
        assert view.ui.overlay == ASK
        await press(pilot, "n")
        assert link.orders == []
        await press(pilot, "R", "y")
        await view.workers.wait_for_complete()
        await press(pilot, "tab", "tab", "U", "y")
        await view.workers.wait_for_complete()
        assert link.orders == [wire.ResolveAlert(HOT, control.who()), wire.EndSilence(fake.SILENCE, control.who())]


@pytest.mark.parametrize(("key", "said"), [("a", "it does not fire yet"), ("R", "it does not fire yet")])
async def test_what_is_only_pending_has_nothing_to_be_done(key: str, said: str) -> None:
    view, link = app()
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "8", "down", "down", "down", key)
        assert said in screen_text(view)
        assert link.orders == []


async def test_a_refusal_is_said_and_a_view_that_only_reads_asks_nothing() -> None:
    view, link = app(refusal="alert gone: it does not fire")
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "8", "a", "enter")
        await view.workers.wait_for_complete()
        await pilot.pause()
        assert view.ui.notice_role == "bad"
        assert len(link.orders) == 1
    view, link = app(readonly=True)
    async with view.run_test(size=(120, 40)) as pilot:
        for key in ("a", "S", "R", "U"):
            await press(pilot, "8", key)
            assert "the view is read-only" in screen_text(view)
            assert not view.ui.overlay
        assert link.orders == []


async def test_lists_details_filter_and_escape() -> None:
    view, _ = app()
    async with view.run_test(size=(80, 24)) as pilot:
        await press(pilot, "8")
        screen = view.ui.alerts
        assert screen is not None
        await press(pilot, "down", "e")
        assert screen.inside
        assert screen.keys["alerts"] == fake.PRESSURE
        await press(pilot, "escape")
        assert not screen.inside
        await press(pilot, "slash", *"srv", "enter")
        assert "/srv" in lines(view.current(80, 24))[1]
        assert screen.selected(screen.listed(view.seen, "srv")) is not None
        await press(pilot, "escape")
        assert view.ui.wanted["alert"] == ""
        await press(pilot, "s", "r", "w")
        assert (screen.sorts["alerts"], screen.reverse, screen.group) == ("age", True, "severity")
        await press(pilot, "tab")
        assert screen.tab == "rules"
        await press(pilot, "enter")
        assert screen.inside
        await press(pilot, "escape", "shift+tab", "escape")
        assert view.ui.screen == "overview"


async def test_series_of_alerts_keep_their_past_while_they_are_looked_at() -> None:
    view, _ = app()
    series = 'system.filesystem.utilization{mount="/srv/models"}'
    async with view.run_test(size=(120, 40)) as pilot:
        assert series not in view.state.wanted
        await press(pilot, "8", "end")
        assert series in view.state.wanted
        await press(pilot, "z")
        await press(pilot, "Z", "Z", "Z")
        assert view.ui.alerts is not None
        assert view.ui.alerts.seconds > 0
        assert view.commands.in_view()[2] == [series]


async def test_clicks_choose_and_rows_are_copied() -> None:
    view, _ = app()
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "8")
        assert view.ui.alerts is not None
        place = next(y for y, line in enumerate(lines(view.current(120, 40))) if "Programs wait" in line)
        mouse = Mouse(view)
        mouse.press(10, place, 1.0)
        assert view.ui.alerts.keys["alerts"] == fake.PRESSURE
        copied = clipboard.row(view)
        assert copied is not None
        assert copied.what == f"alert {fake.PRESSURE}"
        assert "the backup runs until noon" in copied.text
        mouse.press(10, place, 1.2)
        assert view.ui.alerts.inside
