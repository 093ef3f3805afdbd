"""The editor of a rule's numbers on screen 8: keys, orders, what it says of the last day, at any size."""

from __future__ import annotations

import asyncio

import pytest
from textual.worker import WorkerCancelled

from tests.tui import alerts_seen as fake
from tests.tui.alerts_seen import alarmed
from tests.tui.editor_seen import CLEAR, LASTS, VALUE, Rules, numbers, preview
from tests.tui.fake import HOSTILE, scene
from tests.tui.test_alerts_screen import ALL, HOT, PALETTE, body
from tests.tui.test_compose import SIZES, check, lines
from tests.tui.test_keys import Still, screen_text
from wftui.tui.alerts_screen.editor import Editor
from wftui.tui.alerts_screen.model import RULES, AlertsScreen
from wftui.tui.app import WftopApp
from wftui.tui.compose import Picture, picture
from wftui.tui.ui import Ui
from wftui.wire import messages as wire
from wftui.wire.rules import RuleFirings


def app(link: Rules | None = None, *, readonly: bool = False) -> tuple[WftopApp, Rules]:
    rules = link or Rules()
    view = WftopApp(PALETTE, state=alarmed(), link=lambda _: rules, clock=Still(), readonly=readonly)  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    return view, rules


def editor(view: WftopApp) -> Editor:
    assert view.ui.alerts is not None
    assert view.ui.alerts.editor is not None
    return view.ui.alerts.editor


def show(size: tuple[int, int], *, value: str = "91", asked: bool = True, ascii_only: bool = False) -> Picture:
    ui = Ui()
    ui.alerts = screen = AlertsScreen()
    ui.show("alert")
    screen.editor = opened = Editor(fake.HOT, "A GPU is hot", HOT)
    opened.take(numbers())
    opened.typed[0] = value
    if asked:
        opened.preview, opened.previewed = preview(float(value)), tuple(opened.typed)
    return picture(scene(ALL, ascii_only=ascii_only), ui, *size)


async def press(view: WftopApp, *keys: str) -> None:
    """Press keys, and wait for what they ask."""
    for key in keys:
        view.commands.key(key, key if len(key) == 1 else {"plus": "+", "minus": "-"}.get(key))
        if key == "E":
            await rest(view)
    await rest(view)
    view.paint()


async def rest(view: WftopApp) -> None:
    """Wait until nothing is asked any more."""
    while True:
        try:
            await view.workers.wait_for_complete()
        except WorkerCancelled:
            continue  # a newer question took its place
        return


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_row_is_exactly_as_wide_as_the_terminal(size: tuple[int, int]) -> None:
    for asked in (True, False):
        for ascii_only in (True, False):
            drawn = show(size, asked=asked, ascii_only=ascii_only)
            check(drawn, *size)
            if ascii_only:
                assert all(line.isascii() for line in lines(drawn))


def test_it_says_how_often_it_fired_and_would_have_fired() -> None:
    said = body(show((80, 24)))
    assert "as it is  fired 8 times, 40 min in all" in said
    assert "with 91 °C  would have fired 4 times, 12 min in all" in said
    assert "21 h of 24 h are known; 3 h were not recorded" in said
    assert "was 85" in said
    strips = [line for line in lines(show((80, 24))) if "█" in line]
    now, then = (line.count("█") for line in strips)
    assert now > then > 0
    assert all("▒" in line for line in strips), "the gap is shown as one"
    assert " for 3 min" in said, "the times of the firings"
    assert "would never have fired" in body(show((80, 24), value="100"))
    assert "91 °C" in body(show((120, 40))).partition("the last 24 h")[0].rpartition("╌")[2], (
        "the line of the limit"
    )
    assert "asking how often" in body(show((80, 24), asked=False))


def test_texts_from_outside_stay_texts() -> None:
    ui = Ui()
    ui.alerts = screen = AlertsScreen()
    ui.show("alert")
    screen.editor = opened = Editor(HOSTILE, HOSTILE)
    opened.take(numbers())
    opened.error = opened.trouble = HOSTILE
    opened.typed[0] = HOSTILE[:20]
    for size in ((80, 24), (40, 12)):
        drawn = picture(scene(ALL), ui, *size)
        check(drawn, *size)
        assert "\x1b" not in body(drawn)


async def test_a_person_breaks_no_rule_by_looking_and_changes_it_by_enter() -> None:
    view, link = app()
    async with view.run_test(size=(120, 40)) as pilot:
        await press(view, "8", "E")
        await pilot.pause()
        assert editor(view).typed == ["85", "80", "10s"]
        assert "as it is  fired 8 times" in screen_text(view)
        await press(view, "9", "1")
        assert editor(view).typed[0] == "91"
        assert "with 91 °C  would have fired 4 times" in screen_text(view)
        await press(view, "escape")
        assert view.ui.alerts is not None
        assert view.ui.alerts.editor is None
        assert link.orders() == [], "Escape changes nothing"
        await press(view, "E", "9", "1", "down", "8", "6", "down", "3", "0", "s", "enter")
        [order] = link.orders()
        assert order.rule == fake.HOT
        assert {item.path: item.text for item in order.numbers} == {VALUE: "91", CLEAR: "86", LASTS: "30s"}
        assert view.ui.alerts.editor is None
        assert view.ui.notice.startswith("written to /home/ana/.config/wftop/rules/gpu-hot.json; E, u, Enter undo")


async def test_steps_signs_and_the_way_back_to_what_ships() -> None:
    view, link = app(Rules(builtin=False, value="90"))
    async with view.run_test(size=(120, 40)):
        await press(view, "8", "E", "plus", "plus", "minus")
        assert editor(view).typed[0] == "91"
        await press(view, "backspace", "backspace", "minus", "4", "0")
        assert editor(view).typed[0] == "-40", "a sign where nothing stands before it"
        await press(view, "down", "down", "plus", "right", "left")
        assert editor(view).typed[2] == "15s"
        await press(view, "u", "enter")
        [order] = link.orders()
        assert [(item.path, item.text) for item in order.numbers] == [(VALUE, "85")]
        assert "as it ships with wftop again" in view.ui.notice


async def test_what_is_wrong_is_one_line_and_nothing_is_lost() -> None:
    view, link = app()
    async with view.run_test(size=(80, 24)):
        await press(view, "8", "E", "9", "x", "q", "enter")
        assert editor(view).typed[0] == "9xq", "no key of the screen is one of the editor"
        assert "value: expected a number, got '9xq'" in screen_text(view)
        assert link.orders() == []
        link.refusal = "clear: expected at most the value: it holds until then, got 80"
        await press(view, "backspace", "backspace", "backspace", "7", "0")
        assert "clear: expected at most the value" in screen_text(view)
        await press(view, "enter")
        assert editor(view).typed[0] == "70"
        assert "clear: expected at most the value" in screen_text(view)
        link.refusal = ""
        await press(view, "backspace", "5", "enter")
        assert len(link.orders()) == 2
        assert view.ui.alerts is not None
        assert view.ui.alerts.editor is None


async def test_it_is_for_now_and_for_who_may_write() -> None:
    view, link = app(readonly=True)
    async with view.run_test(size=(80, 24)):
        await press(view, "8", "E", "9", "1", "enter")
        assert "the view is read-only" in screen_text(view)
        assert link.orders() == []
        await press(view, "escape")
        view.past.live = False
        await press(view, "E")
        assert "what is past cannot be changed" in view.ui.notice
        assert view.ui.alerts is not None
        assert view.ui.alerts.editor is None


async def test_without_a_past_it_says_why_and_still_writes() -> None:
    view, link = app(Rules("needs a recording on disk"))
    async with view.run_test(size=(80, 24)):
        await press(view, "8", "tab", "E")
        assert "no preview: needs a recording on disk" in screen_text(view)
        link.refusal = ""
        await press(view, "plus", "enter")
        assert len(link.orders()) == 1


async def test_who_types_on_asks_once() -> None:
    view, link = app()
    async with view.run_test(size=(80, 24)):
        await press(view, "8", "E")
        before = sum(isinstance(item, wire.PreviewRule) for item in link.asked)
        await press(view, "9", "2", ".", "5")
        tried = [item for item in link.asked if isinstance(item, wire.PreviewRule)][before:]
        assert [item.numbers[0].text for item in tried] == ["92.5"]
        await asyncio.sleep(0)
        assert not editor(view).asking


def test_durations_and_numbers_go_by_steps_that_fit() -> None:
    opened = Editor("rule.x", "X")
    opened.take(numbers())
    for text, more, less in (
        ("85", "86", "84"),
        ("0.95", "0.96", "0.94"),
        ("20000", "20100", "19900"),
        ("0", "1", "-1"),
    ):
        for direction, expected in ((1, more), (-1, less)):
            opened.typed[0] = text
            opened.step(direction)
            assert opened.typed[0] == expected
    opened.place = 2
    for text, more, less in (("10s", "15s", "5s"), ("1h", "2h", "30m"), ("24h", "24h", "8h"), ("", "5s", "")):
        for direction, expected in ((1, more), (-1, less)):
            opened.typed[2] = text
            opened.step(direction)
            assert opened.typed[2] == expected


def test_what_is_not_known_is_told_with_its_reason() -> None:
    ui = Ui()
    ui.alerts = screen = AlertsScreen()
    screen.tab = RULES
    ui.show("alert")
    screen.editor = opened = Editor(fake.HOT, "A GPU is hot")
    opened.take(numbers())
    found = RuleFirings(0, 0, 86_400, 7200, "no value", [])
    opened.preview = wire.ReplayRulesReply(0, 86_400, [found, found], [], [(0, 43_200, 10)])
    opened.previewed = tuple(opened.typed)
    said = body(picture(scene(ALL), ui, 80, 24))
    assert "22 h of 24 h are known; for 2 h no value" in said
    assert "of 12 h only means of 10 s are left: what was shorter is not seen" in said
    assert "as it is  fired never" in said
    empty = RuleFirings(0, 0, 0, 0, "", [])
    opened.preview = wire.ReplayRulesReply(0, 86_400, [empty, empty], [], [])
    assert "nothing of it was recorded" in body(picture(scene(ALL), ui, 80, 24))
