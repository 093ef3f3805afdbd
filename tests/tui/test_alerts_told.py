"""Who sees an alert: the banner, the count on every screen, the frame of a panel, the terminal itself."""

from __future__ import annotations

import pytest

from tests.tui import alerts_seen as fake
from tests.tui.alerts_seen import alarmed, put
from tests.tui.fake import HOSTILE, NOW_S, full, scene
from tests.tui.fake_gpus import NS
from tests.tui.test_alerts_screen import ALL, GPU, HOT, app
from tests.tui.test_compose import SIZES, check, lines
from tests.tui.test_keys import press, screen_text
from tests.tui.test_snapshots import THEME
from wftui.model import alerts as cells
from wftui.model.alerts import ALERTS
from wftui.model.event import Event, event
from wftui.model.sample import JsonValue
from wftui.render.palette import ANSI, INDEXED, MONO, TRUECOLOR, load
from wftui.text import clean
from wftui.tui import notify
from wftui.tui.alerts_screen import seen
from wftui.tui.banner import SHOWN_S, Banner
from wftui.tui.compose import picture
from wftui.tui.footer import footer
from wftui.tui.frame import row_width
from wftui.tui.notify import GIVE_TITLE_BACK, KEEP_TITLE, Notices, notification
from wftui.tui.panels import alerts as panel
from wftui.tui.panels import events
from wftui.tui.plain.answers import answer
from wftui.tui.plain.news import News
from wftui.tui.ui import Ui

BEGAN_NS = 600 * NS
TOAST: JsonValue = {"type": "notify.toast"}


def fired(key: str = HOT, kind: str = "alert.fired", age_s: float = 0.0, **more: JsonValue) -> Event:
    """Somebody is to be told of it."""
    payload: dict[str, JsonValue] = {
        "rule": fake.HOT, "labels": {"gpu": GPU, "sensor": "gpu"}, "name": "A GPU is hot", "severity": "critical",
        "message": f"GPU {GPU} is at 91 °C", "told": True, "show": [TOAST],
    }  # fmt: skip
    at_ns = int((NOW_S - age_s) * NS)
    return Event(at_ns // NS, f"e{age_s}{key}", at_ns, kind, "alert", key, payload={**payload, **more})


def test_it_stays_as_long_as_its_rule_says_or_eight_seconds() -> None:
    banner = Banner()
    assert banner.hear(fired(), BEGAN_NS)
    assert banner.shown(BEGAN_NS + int(SHOWN_S * NS) - 1)
    assert not banner.shown(BEGAN_NS + int(SHOWN_S * NS))
    assert banner.hear(fired(show=[{"type": "notify.toast", "duration_s": 20.0}]), BEGAN_NS)
    assert banner.shown(BEGAN_NS + 20 * NS - 1)
    assert not banner.shown(BEGAN_NS + 20 * NS)


@pytest.mark.parametrize(
    "event",
    [
        fired(told=False),
        fired(told="yes"),
        fired(kind="alert.pending"),
        fired(show=[{"type": "notify.sound"}]),
        fired(show="notify.toast"),
    ],
)
def test_what_is_not_to_be_told_is_not_shown(event: Event) -> None:
    banner = Banner()
    assert not banner.hear(event, BEGAN_NS)
    assert not banner.shown(BEGAN_NS)


def test_the_worst_stands_first_and_what_is_over_goes() -> None:
    banner = Banner()
    banner.hear(fired("rule.b", age_s=3, severity="warning"), BEGAN_NS)
    banner.hear(fired("rule.a", age_s=5), BEGAN_NS)
    banner.hear(fired("rule.c", age_s=1), BEGAN_NS)
    assert [item.aggregate_id for item in banner.shown(BEGAN_NS)] == ["rule.c", "rule.a", "rule.b"]
    banner.hear(fired("rule.c", "alert.resolved"), BEGAN_NS)
    banner.hear(fired("rule.a", "alert.acknowledged"), BEGAN_NS)
    assert [item.aggregate_id for item in banner.shown(BEGAN_NS)] == ["rule.b"]
    assert banner.dismiss(BEGAN_NS)
    assert not banner.dismiss(BEGAN_NS)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_one_line_of_any_width(size: tuple[int, int]) -> None:
    for ascii_only in (False, True):
        for message in ("", HOSTILE):
            ui = Ui()
            ui.banner.hear(fired(message=message, name=message or "A GPU is hot"), BEGAN_NS)
            ui.banner.hear(fired("rule.b"), BEGAN_NS)
            drawn = picture(scene(ALL, ascii_only=ascii_only), ui, *size)
            check(drawn, *size)
            assert not ascii_only or lines(drawn)[0].isascii()


async def test_it_is_on_every_screen_until_escape() -> None:
    view, _ = app()
    async with view.run_test(size=(120, 40)) as pilot:
        assert view.heard(fired())
        for key in "123456789":
            await press(pilot, key)
            first = screen_text(view).splitlines()[0]
            assert "▲ CRITICAL  A GPU is hot: GPU 6 is at 91 °C" in first
            assert "13:52:05" in first
        screen = view.ui.screen
        await press(pilot, "escape")
        assert view.ui.screen == screen
        assert "CRITICAL" not in screen_text(view).splitlines()[0]
        await press(pilot, "escape")
        assert view.ui.screen == "overview"


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_every_screen_counts_what_waits_for_somebody(width: int) -> None:
    state = alarmed()
    key, row = fake.alert(fake.WAITING, 'server="a"', 9)
    put(state, ALERTS, {**fake.rows(GPU), key: row})
    for shown in ("", "events"):
        ui = Ui()
        ui.show(shown or "overview")
        first = lines(picture(scene(state), ui, width, 24))[0]
        # Neither the one that somebody looks after nor the silenced one.
        assert ("▲ 1 critical +1" if width >= 50 else "▲ 1 crit +1") in first
    assert "crit" not in lines(picture(scene(full()), Ui(), width, 24))[0]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_while_something_waits_its_key_stays_in_the_last_line(width: int) -> None:
    last = "".join(words for words, _ in footer(scene(alarmed()), Ui(), width))
    assert "8 alerts" in last
    assert "? help  q quit" in last
    assert "8 alerts" not in "".join(words for words, _ in footer(scene(full()), Ui(), width))


def test_a_panel_has_the_colour_of_the_alert_that_is_about_it() -> None:
    state = full()
    before = picture(scene(state), Ui(), 120, 40)
    put(
        state,
        ALERTS,
        dict([fake.alert(fake.FULL, 'mount="/"', 9, series='system.filesystem.utilization{mount="/"}')]),
    )
    drawn = picture(scene(state), Ui(), 120, 40)
    assert lines(drawn)[1:] == lines(before)[1:]
    framed = [(words, role) for row in drawn.rows for words, role in row if role == "bad" and "─" in words]
    assert framed
    assert not any(role == "bad" and "─" in words for row in before.rows for words, role in row)


def test_a_panel_that_its_rule_names_has_the_colour_instead() -> None:
    state = full()
    series = 'system.filesystem.utilization{mount="/"}'
    put(state, ALERTS, dict([fake.alert(fake.FULL, 'mount="/"', 9, series=series, panels="gpus models")]))
    assert seen.panels(state) == {"gpus": "bad", "models": "bad"}
    put(state, ALERTS, dict([fake.alert(fake.FULL, 'mount="/"', 9, series=series, panels="gpus", silence="x")]))
    assert seen.panels(state) == {}
    key, row = fake.alert(fake.FULL, 'mount="/"', 9, series=series)
    put(state, ALERTS, {key: row[: cells.PANELS]})  # of an older recording
    assert seen.panels(state) == {"disks": "bad"}


@pytest.mark.parametrize("depth", [TRUECOLOR, INDEXED, ANSI, MONO])
def test_its_ground_is_seen_at_any_depth(depth: str) -> None:
    palette = load(THEME, depth)
    for name in ("bad", "warn", "mark"):
        ink = palette.live[f"banner.{name}"]
        assert ink.reverse
        assert ink.sgr.startswith("1;7")
        assert palette.stale[f"banner.{name}"] == ink


@pytest.mark.parametrize("kind", notify.KINDS)
def test_no_text_from_elsewhere_can_be_read_as_a_code(kind: str) -> None:
    for words in (HOSTILE, "a;b\x1b\\c\x07d\x9ce", "x" * 5000):
        data = notification(kind, words, words)
        left = data
        for ours in ("\x1b]9;", "\x1b]777;", "\x1b]99;", "\x1b\\"):
            left = left.replace(ours, "")
        if kind != notify.BELL:
            assert left == clean(left, 10_000)
        assert len(data) < 1000
        if kind == notify.OSC777:
            assert data.count(";") == 3


def test_what_each_kind_of_terminal_is_sent() -> None:
    assert notification("none", "a", "b") == ""
    assert notification("bell", "a", "b") == "\x07"
    assert notification("osc9", "a", "b") == "\x1b]9;a: b\x1b\\"
    assert notification("osc777", "a", "b") == "\x1b]777;notify;a;b\x1b\\"
    assert notification("osc99", "a", "b") == "\x1b]99;i=wftop:d=0;a\x1b\\\x1b]99;i=wftop:p=body;b\x1b\\"


def test_the_title_is_the_terminals_own_again_at_the_end() -> None:
    sent: list[str] = []
    parting: list[str] = []
    notices = Notices(sent.append, parting.append)
    notices.name("▲ 2 critical wftop box")
    notices.name("▲ 2 critical wftop box")
    notices.name("wftop box\x1b]0;own\x07")
    assert sent[0] == KEEP_TITLE
    assert sent[1:] == [
        "\x1b]2;▲ 2 critical wftop box\x1b\\",
        f"\x1b]2;{clean('wftop box' + chr(27) + ']0;own' + chr(7), 200)}\x1b\\",
    ]
    assert parting == [GIVE_TITLE_BACK]
    notices.name("")
    assert sent[-1] == GIVE_TITLE_BACK
    assert parting[-1] == ""


async def test_the_terminal_is_told_only_where_that_was_chosen() -> None:
    view, _ = app()
    async with view.run_test(size=(80, 24)) as pilot:
        sent: list[str] = []
        view.notices = Notices(sent.append, lambda _: None)
        view.heard(fired())
        view.paint()
        assert sent == []
        view.notifies, view.titled = notify.OSC9, True
        view.heard(fired())
        view.heard(fired(show=[{"type": "notify.sound"}]))
        view.heard(fired(told=False))
        view.paint()
        assert sent[:2] == ["\x1b]9;wftop critical: A GPU is hot: GPU 6 is at 91 °C\x1b\\"] * 2
        assert sent[2:] == [KEEP_TITLE, "\x1b]2;▲ 1 critical wftop gpu-box-3\x1b\\"]
        await press(pilot, "escape")


def test_events_about_alerts_are_sentences() -> None:
    shown = scene(ALL)
    event = fired()
    assert events.role(event) == "bad"
    assert events.about(shown, event) == "GPU 6"
    assert events.summary(shown, event) == "A GPU is hot: GPU 6 is at 91 °C"
    quiet = fired(told=False, why_not="quiet hours")
    assert events.role(quiet) == "text"
    assert "nobody told: quiet hours" in events.summary(shown, quiet)
    claimed = fired(kind="alert.acknowledged", by="ana", note="on it", message="")
    assert (events.role(claimed), events.said(claimed)) == ("mark", "A GPU is hot: by ana, on it")


def test_a_silence_is_a_sentence_too() -> None:
    until_ns = int(NOW_S * 1e9)
    whom = {"alert": 'rule.gpu-hot{gpu="x"}'}
    payload = {"matchers": whom, "until_ns": until_ns, "by": "ana", "reason": "a fan"}
    assert (
        events.said(event(until_ns, "silence.set", ("silence", "1"), payload))
        == 'rule.gpu-hot{gpu="x"}, until 13:52, by ana, a fan'
    )
    ended = {"matchers": {"severity": "warning", "mount": "/"}, "by": ""}
    assert events.said(event(until_ns, "silence.ended", ("silence", "1"), ended)) == "severity=warning, mount=/"


def test_plain_words_about_alerts() -> None:
    state = alarmed()
    lines_ = answer("alerts", state, News(30))
    assert lines_[0] == "1 alert waits for somebody: 1 critical."
    assert lines_[1] == (
        "critical: A GPU is hot GPU 6 fires, for 1 minutes, now 88 degrees Celsius, limit 85 degrees Celsius."
    )
    assert lines_[2].startswith("warning: Programs wait for disks fires, acknowledged")
    assert answer("alerts", alarmed(quiet=True), News(30)) == [
        "No alert fires; 6 of 8 rules have something to look at."
    ]
    news = News(30)
    news.everything(state)
    state.add_events([fired(age_s=-1)])
    assert any("alert fired, critical: A GPU is hot: GPU 6 is at 91" in line for line in news.since(state))
    for line in answer("alerts", alarmed(hostile=True), News(30)):
        assert line == clean(line, 10_000)


@pytest.mark.parametrize("size", [(20, 3), (60, 4), (120, 10)], ids=str)
def test_a_panel_of_alerts_for_layouts(size: tuple[int, int]) -> None:
    width, height = size
    for state in (ALL, alarmed(hostile=True)):
        body = panel.draw(scene(state), width, height)
        assert all(row_width(row) == width for row in body.rows)
        assert len(body.rows) == min(5, height)
        assert row_width(panel.line(scene(state), width)) == width
    first = "".join(words for words, _ in panel.draw(scene(ALL), width, height).rows[0])
    assert "critical" in first
    assert "1 critical" in "".join(words for words, _ in panel.line(scene(ALL), width))
    calm = scene(alarmed(quiet=True))
    assert panel.draw(calm, width, height).rows[0] == [("nothing fires", "dim")]
    assert "nothing fires" in "".join(words for words, _ in panel.line(calm, width))
