"""How much of the past a panel shows: by option, key and wheel, from the view's own seconds and the recorder's."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.tui.fake import NOW_S, full, scene
from tests.tui.fake_past import FIRST_S, NS, Memory, remembered
from tests.tui.test_arrange import fresh
from tests.tui.test_past import settled
from tests.tui.test_pointer import turn
from tests.tui.test_snapshots import THEME, Still
from wftui.errors import ProtocolError
from wftui.model.tick import pack
from wftui.render.palette import TRUECOLOR, load
from wftui.tui import compose, far, layout
from wftui.tui.app import WftopApp
from wftui.tui.history import CAPACITY
from wftui.tui.layouts.default import DEFAULT
from wftui.tui.layouts.grammar import build, tree
from wftui.tui.layouts.plan import LENGTH, LENGTHS, OPTIONS
from wftui.tui.panels.window import Window
from wftui.tui.scene import Scene
from wftui.tui.state import State
from wftui.tui.zoom import neighbour
from wftui.wire import messages as wire

BUSY = "system.cpu.utilization"
LONG = [panel for panel, options in OPTIONS.items() if LENGTH in options]
STATE = full()


def lengthened(seconds: int, *panels: str) -> Scene:
    plan = build("x", tree(DEFAULT))
    for panel in panels or LONG:
        plan.lengthen(panel, seconds)
    return scene(STATE)._replace(plan=plan)


# ---- the order of lengths


@given(st.integers(2, 600), st.sampled_from([*LENGTHS, 900]))
def test_each_step_shows_more_or_less(own: int, now: int) -> None:
    for step in (1, -1):
        found = neighbour(now, own, step)
        if found is not None:
            assert ((found or own) - (now or own)) * step > 0
    assert neighbour(LENGTHS[-1], own, 1) is None
    longest = now
    for _ in range(len(LENGTHS) + 2):
        following = neighbour(longest, own, 1)
        longest = longest if following is None else following
    assert longest == LENGTHS[-1]


# ---- values


@given(st.integers(1, 140), st.sampled_from(LENGTHS[1:]), st.integers(0, 700))
def test_a_window_covers_at_least_its_length_and_ends_with_now(width: int, seconds: int, more: int) -> None:
    state = State()
    state.slot = NOW_S + more
    window = Window(state, width, seconds)
    assert window.span >= min(seconds, 600)
    sampled = window.sampled(BUSY)
    assert len(sampled.mean) == len(sampled.low) == len(sampled.high) == 2 * width


def counted(question: wire.Range, step: int = 0) -> wire.RangeReply:
    """An answer in which each second's value is its own number; ``step``: buckets of so many seconds."""
    since, until = question.since_ns // NS, question.until_ns // NS
    step = step or (until - since) // question.points
    begins = range(since - since % step, until, step)
    low = [float(begin) for begin in begins]
    high = [float(begin + step - 1) for begin in begins]
    mean = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    column = next(column for column in STATE.columns if column.series.text == BUSY)
    packed = [pack(array("d", values)) for values in (low, mean, high)]
    return wire.RangeReply(
        begins[0] * NS, step * NS, len(low), [1] * len(low), [wire.RangeSeries(column, *packed)]
    )


@pytest.mark.parametrize("theirs", [0, 1, 300])
@pytest.mark.parametrize("seconds", LENGTHS[5:])
def test_older_columns_come_from_the_recorder(seconds: int, theirs: int) -> None:
    """Asked once, then only for what leaves the seconds that the view keeps."""
    state = full()
    step = far.step_for(seconds)
    window = Window(state, 60, seconds)
    before = window.sampled(BUSY).mean
    assert state.tick is not None
    end = state.tick.time_s
    wanted = state.far.question(end, end)
    assert wanted is not None
    assert wanted[0] == step
    asked = wanted[1]
    assert asked.selectors == [BUSY]
    assert asked.until_ns <= end * NS
    state.far.take(*wanted, counted(asked, theirs))
    assert state.far.question(end, end) is None
    shown = Window(state, 60, seconds).sampled(BUSY)
    known = sum(value != value for value in before)
    assert known > 0
    assert not any(value != value for value in shown.mean), "all of it is here"
    # The fake machine's own values are below 1, the recorder's are the numbers of their seconds.
    told = [(low, mean, high) for low, mean, high in zip(*shown, strict=True) if low > 1]
    assert all(low <= mean <= high for low, mean, high in told)
    if theirs <= step and step <= window.each:
        begin = (end // window.each - len(shown.mean) // window.repeat + 1) * window.each
        assert told[0][0] == begin
        assert told[0][2] == begin + window.each - 1
    # Ten minutes later.
    later = end + CAPACITY
    more = state.far.question(later, later)
    assert more is not None
    assert more[1].since_ns == asked.until_ns, "only what came since"
    state.far.take(*more, counted(more[1], theirs))
    assert state.far.question(later, later) is None


def test_series_that_are_wished_for_meanwhile_are_asked_for_as_well() -> None:
    state = full()
    Window(state, 60, 3600).sampled(BUSY)
    assert state.tick is not None
    end = state.tick.time_s
    wanted = state.far.question(end, end)
    assert wanted is not None
    Window(state, 60, 3600).sampled("system.memory.utilization")
    state.far.take(*wanted, counted(wanted[1]))
    more = state.far.question(end, end)
    assert more is not None
    assert more[1].selectors == [BUSY, "system.memory.utilization"]
    assert more[1].since_ns == wanted[1].since_ns
    state.far.take(*more, counted(more[1]))
    assert state.far.question(end, end) is None


def test_an_answer_that_nobody_waits_for_any_more_does_no_harm() -> None:
    state = full()
    Window(state, 60, 3600).sampled(BUSY)
    assert state.tick is not None
    end = state.tick.time_s
    wanted = state.far.question(end, end)
    assert wanted is not None
    state.far.take(*wanted, counted(wanted[1]))
    later = end + CAPACITY
    tail = state.far.question(later, later)
    assert tail is not None
    state.far.forget_wishes()
    state.far.take(*tail, counted(tail[1]))
    place = tail[1].since_ns // NS // 10
    assert state.far.held(BUSY, 10, place, 2).low == [10.0 * place, 10.0 * place + 10]


def test_without_an_answer_it_is_asked_again_later_only() -> None:
    state = full()
    Window(state, 60, 3600).sampled(BUSY)
    assert state.tick is not None
    end = state.tick.time_s
    wanted = state.far.question(end, end)
    assert wanted is not None
    state.far.failed(wanted[0], end)
    assert state.far.question(end + 5, end + 5) is None
    assert state.far.question(end + 20, end + 20) is not None
    state.far.forget_wishes()
    assert state.far.question(end + 20, end + 20) is None, "nobody needs it any more"


def test_columns_of_a_length_that_is_no_more_are_let_go() -> None:
    state = full()
    Window(state, 60, 3600).sampled(BUSY)
    assert state.tick is not None
    end = state.tick.time_s
    wanted = state.far.question(end, end)
    assert wanted is not None
    state.far.take(*wanted, counted(wanted[1]))
    state.far.forget_wishes()
    assert state.far.question(end, end) is None
    Window(state, 60, 3600).sampled(BUSY)
    assert state.far.question(end, end) is not None, "asked anew"


# ---- panels


@pytest.mark.parametrize("panel", LONG)
@pytest.mark.parametrize("seconds", LENGTHS)
def test_panels_of_any_length_fit_any_size(panel: str, seconds: int) -> None:
    shown = lengthened(seconds)
    for width, height in ((20, 3), (34, 6), (70, 9), (100, 14), (180, 30)):
        body = compose.DRAW[panel](shown, width, height)
        assert len(body.rows) <= max(height, 6)
        for row in body.rows[:height]:
            assert sum(len(words) for words, _ in row) <= width


@pytest.mark.parametrize("panel", ["cpu", "memory", "disks", "network", "pressure"])
def test_the_frame_and_the_axis_say_how_long_it_is(panel: str) -> None:
    body = compose.DRAW[panel](lengthened(3600), 100, 20)
    assert "60 min" in "".join(words for words, _ in body.right)
    plain = compose.DRAW[panel](scene(STATE), 100, 20)
    assert "min" not in "".join(words for words, _ in plain.right)
    if panel != "pressure":  # has no axis
        stamps = "".join(words for words, _ in body.rows[-1])
        assert stamps.count(":") >= 2
        assert stamps.count("0") >= 2, "round times"


def test_what_is_kept_of_columns_does_not_grow_with_sizes() -> None:
    made = lengthened(3600)
    for width in range(40, 60):
        compose.DRAW["cpu"](made, width, 9)
    kept = len(made.state.kept)
    for width in range(60, 160):
        compose.DRAW["cpu"](made, width, 9)
    assert len(made.state.kept) == kept


def test_what_is_still_to_come_is_no_gap() -> None:
    """Also where a second takes several half columns."""
    state = full()
    for slot in (state.slot, state.slot - 1):
        state.slot = slot
        window = Window(state, 100, 60)
        assert window.repeat == 3
        rows = window.area(scene(state), window.past(BUSY), 1.0, 3)
        for row in rows:
            line = "".join(words for words, _ in row)
            assert "▒" not in line[-4:]
            assert len(line) == 100


# ---- by key and wheel


async def test_keys_give_a_panel_more_and_less_of_the_past(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("tab", "Z")
        assert view.ui.focus == "cpu"
        assert view.plan.length("cpu") == 120
        assert "cpu: 120 s" in view.ui.notice
        assert DEFAULT.length("cpu") == 0, "the one that ships stays as it is"
        await pilot.press("z", "z")
        assert view.plan.length("cpu") == 60
        await pilot.press("z")
        assert "no less than 60 s" in view.ui.notice
        await pilot.press("e")
        assert view.ui.expanded == "cpu"
        assert view.picture is not None
        assert "z Z zoom" in "".join(words for words, _ in view.picture.rows[-1])
        await pilot.press("Z", "Z", "Z")
        assert view.plan.length("cpu") == 300, "over 60 s and 120 s and what the whole screen shows"
        await pilot.press("e", "tab", "Z")
        assert view.plan.length("memory") > 0
        # What was zoomed is written with the layout.
        await pilot.press("L", "w", "enter", "escape")
    assert "[options.cpu]\nlength = " in (tmp_path / "layouts" / "mine.toml").read_text()


async def test_processes_have_no_length_and_lead_to_the_timeline(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    async with view.run_test(size=(120, 40)) as pilot:
        view.ui.focus = "events"
        await pilot.press("Z")
        assert "for panels with a past" in view.ui.notice
        assert view.ui.screen == "overview"
        view.ui.focus = "cpu"
        await pilot.press(*["Z"] * (len(LENGTHS) + 1))
        assert view.ui.screen == "timeline", "beyond the longest"


async def test_the_wheel_over_a_panel_gives_it_more_and_less() -> None:
    state, memory = remembered()
    view = WftopApp(load(THEME, TRUECOLOR), state=state, link=lambda _: memory, clock=Still())  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    async with view.run_test(size=(120, 40)) as pilot:
        place = layout.overview(120, 40).place("memory")
        assert place is not None
        await turn(pilot, view, place.x + 4, place.y + 3, 1)
        assert view.ui.focus == "memory"
        first = view.plan.length("memory")
        assert first > 0
        for _ in range(12):
            await turn(pilot, view, place.x + 4, place.y + 3, 1)
        assert view.plan.length("memory") == LENGTHS[-1]
        assert view.ui.screen == "overview", "no wheel leads to another screen"
        await turn(pilot, view, place.x + 4, place.y + 3, -1)
        assert view.plan.length("memory") == LENGTHS[-2]
        assert view.past.live


# ---- the recorder is asked


class Deep(Memory):
    """A recorder that knows more than ten minutes: its CPU was half busy before."""

    def _range(self, question: wire.Range) -> wire.RangeReply:
        step = (question.until_ns - question.since_ns) // NS // question.points
        if step == 1:
            return super()._range(question)
        columns = [item for item in self.fed.layout.columns if item.series.text in question.selectors]
        half = pack(array("d", [0.5]) * question.points)
        found = [wire.RangeSeries(item, half, half, half) for item in columns]
        return wire.RangeReply(question.since_ns, step * NS, question.points, [step] * question.points, found)


def deep() -> tuple[WftopApp, Deep]:
    state, memory = remembered()
    memory = Deep(memory.fed, memory.ticks.values(), memory.told)
    return WftopApp(load(THEME, TRUECOLOR), state=state, link=lambda _: memory, clock=Still()), memory  # type: ignore[arg-type,return-value]  # as above


def far_questions(memory: Deep) -> list[wire.Range]:
    return [
        message
        for message in memory.asked
        if isinstance(message, wire.Range) and message.points * NS < message.until_ns - message.since_ns
    ]


async def test_a_panel_that_is_longer_than_what_the_view_keeps_asks_the_recorder() -> None:
    view, memory = deep()
    async with view.run_test(size=(120, 40)) as pilot:
        view.ui.focus = "cpu"
        while view.plan.length("cpu") < 3600:
            await pilot.press("Z")
        await pilot.pause()
        asked = far_questions(memory)
        assert [message.selectors for message in asked][-1] == [BUSY]
        count = len(asked)
        view.paint()
        await pilot.pause()
        assert len(far_questions(memory)) == count, "nothing is asked twice"
        values = Window(view.seen, 40, 3600).past(BUSY)
        assert values[0] == 0.5
        assert values[-1] != 0.5


def test_picture_of_lengths(snap_compare) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    view, _ = deep()
    view.plan = build("x", tree(DEFAULT))
    for panel, seconds in zip(LONG, (3600, 300, 1800, 86_400, 60), strict=False):
        view.plan.lengthen(panel, seconds)

    async def there(pilot: Pilot[int]) -> None:
        for _ in range(8):
            view.paint()
            await pilot.pause()

    assert snap_compare(view, terminal_size=(120, 40), run_before=there)


async def test_in_the_past_as_well() -> None:
    view, memory = deep()
    async with view.run_test(size=(120, 40)) as pilot:
        view.past.go((NOW_S - 300) * NS)
        await settled(pilot, view)
        view.ui.focus = "cpu"
        while view.plan.length("cpu") < 1800:
            await pilot.press("Z")
        await settled(pilot, view)
        assert not view.past.live
        assert far_questions(memory)
        values = Window(view.seen, 40, 1800).past(BUSY)
        assert values[0] == 0.5
        assert values[-1] == values[-1] != 0.5
        assert not any(value != value for value in values)
        # The seconds that the graph's newest columns are made of are fetched however short the bar of time is.
        assert all(value == value for value in view.seen.seconds(BUSY, NOW_S - 300 - FIRST_S - 1))


async def test_a_recorder_that_refuses_leaves_the_graph_empty_there() -> None:
    view, memory = deep()
    async with view.run_test(size=(120, 40)) as pilot:
        memory.gone = "too much"
        view.ui.focus = "cpu"
        while view.plan.length("cpu") < 3600:
            await pilot.press("Z")
        await pilot.pause()
        assert len(far_questions(memory)) >= 1
        assert Window(view.seen, 40, 3600).past(BUSY)[0] != 0.5
        with pytest.raises(ProtocolError):
            await view.past.ask(wire.At(0), wire.AtReply)
