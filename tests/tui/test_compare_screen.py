"""Two ranges side by side: order, noise, warnings, widths; and the timeline on the running application."""

from __future__ import annotations

import asyncio

import pytest
from textual.pilot import Pilot

from tests.tui import fake_history as history
from tests.tui.fake import NOW_S, full
from wftui import paths
from wftui.clock import Instant
from wftui.errors import ProtocolError
from wftui.model.sample import column
from wftui.render.palette import TRUECOLOR, load
from wftui.tui.app import WftopApp
from wftui.tui.frame import row_width
from wftui.tui.glyphs import ASCII, UTF8
from wftui.tui.timeline.compare import LESS, MORE, NOISE, UNSURE, Comparison, draw, ordered
from wftui.wire import messages as wire

NS = 10**9
NAN = float("nan")
PALETTE = load(paths.resources("themes") / "default.toml", TRUECOLOR)
A, B = ((NOW_S - 7200) * NS, (NOW_S - 5400) * NS), ((NOW_S - 3600) * NS, (NOW_S - 1800) * NS)


def stats(mean: float, count: int = 100) -> wire.RangeStats:
    return wire.RangeStats(count, mean, mean / 2, mean * 2, mean * 0.9, mean * 1.7, mean / 10)


def pair(name: str, a: float | None, b: float | None, noise: float) -> wire.Difference:
    item = column("test", name, call="test")
    return wire.Difference(item, None if a is None else stats(a), None if b is None else stats(b, count=80), noise)


PAIRS = [
    pair("system.cpu.utilization", 0.2, 0.21, 0.05),
    pair("system.memory.utilization", 0.5, 0.4, 0.01),
    pair("system.memory.available", 2.0**34, 2.0**34 * 1.02, 2.0**26),
    pair("system.uptime", None, 100.0, NAN),
    pair("system.cpu.run_queue", 2.0, 3.0, NAN),
    pair("system.paging.utilization", 0.0, 0.0, 0.0),
    pair("system.cpu.load_average.1m", 0.001, 5.0, 0.1),
]


def table(*, levels: tuple[int, int] = (1, 1)) -> Comparison:
    found = Comparison(A, B, everything=True)
    found.take(wire.CompareReply(PAIRS, *levels))
    return found


def text_of(found: Comparison, width: int, height: int = 30, *, ascii_only: bool = False) -> list[str]:
    rows = draw(found, width, height, ASCII if ascii_only else UTF8, NOW_S * NS)
    return ["".join(words for words, _ in row) for row in rows]


def test_what_differs_most_beyond_its_noise_comes_first() -> None:
    lines = ordered(PAIRS)
    assert [(line.name, line.verdict) for line in lines] == [
        ("cpu.load_average.1m", MORE),
        ("memory", LESS),
        ("memory.available", MORE),
        ("cpu", NOISE),
        ("paging", NOISE),
        ("cpu.run_queue", UNSURE),
        ("uptime", UNSURE),
    ]


def test_changes_are_shares_of_a_and_unknown_where_a_is_nothing() -> None:
    found = {line.name: line for line in ordered(PAIRS)}
    assert found["memory"].share == pytest.approx(-0.2)
    assert found["paging"].share != found["paging"].share
    shown = text_of(table(), 80)
    assert any("-20.0 %" in line and "▼ memory" in line for line in shown)
    assert any(">999 %" in line and "▲ cpu.load" in line for line in shown)


def test_noise_is_dim_and_says_so_without_colour() -> None:
    rows = draw(table(), 120, 30, UTF8, NOW_S * NS)
    shown = {"".join(words for words, _ in row)[:12].strip(): row for row in rows}
    quiet = next(row for name, row in shown.items() if name.startswith("≈ cpu"))
    assert {role for words, role in quiet if words.strip()} == {"dim"}
    assert "= cpu" in "\n".join(text_of(table(), 120, ascii_only=True))


def test_the_columns_by_room() -> None:
    for width, wanted in (
        (76, ["mean A", "mean B", "change", "noise"]),
        (130, ["mean A", "mean B", "B - A", "change", "noise", "p95 A", "p95 B"]),
        (196, ["B - A", "noise", "p50 A", "p50 B", "p95 A", "p95 B", "n A", "n B"]),
    ):
        heads = next(line for line in text_of(table(), width) if "series" in line)
        assert all(title in heads for title in wanted)
    memory = next(line for line in text_of(table(), 196) if "memory " in line)
    shown = " ".join(memory.split())
    assert shown == ("▼ memory 50.0 % 40.0 % -10.0 % -20.0 % 1.00 % 45.0 % 36.0 % 85.0 % 68.0 % 100 80")


def test_different_levels_are_warned_of() -> None:
    assert not any("flatter" in line for line in text_of(table(), 120))
    said = "\n".join(text_of(table(levels=(1, 300)), 120))
    assert "A has values of 1 s, B of 5 min" in said
    assert "values of 5 min" in said


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [8, 30, 49, 50, 76, 116, 169, 196, 300])
def test_no_line_is_wider_or_narrower(width: int, ascii_only: bool) -> None:
    found = table(levels=(1, 10))
    rows = draw(found, width, 9, ASCII if ascii_only else UTF8, NOW_S * NS)
    assert len(rows) <= 9
    assert all(row_width(row) <= width for row in rows)
    assert all(row_width(row) == width for row in rows[4:])


def test_the_cursor_stays_in_the_table() -> None:
    found = table()
    found.move(100)
    assert found.place == len(PAIRS) - 1
    shown = text_of(found, 80, 8)
    assert "uptime" in shown[-1]
    found.move(-100)
    assert found.place == 0


# ---- on the application


class Still:
    """A clock that stands until it is set on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> Instant:
        return Instant(int((NOW_S + self.ahead_s) * NS), int((600 + self.ahead_s) * NS))


class Slow(history.HistoryLink):
    """Answers ranges only when told to, or with an error."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.go.set()
        self.error = ""

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:
        answer = await super().ask(message, timeout_s)
        if isinstance(message, wire.Range):
            await self.go.wait()
            if self.error:
                raise ProtocolError(self.error)
        return answer

    def ranges(self) -> list[wire.Range]:
        return [message for message in self.asked if isinstance(message, wire.Range)]


def make() -> tuple[WftopApp, Slow, Still]:
    link, clock = Slow(), Still()
    app = WftopApp(PALETTE, state=full(), link=lambda _: link, clock=clock)  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    return app, link, clock


async def press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)


async def settle(pilot: Pilot[int]) -> None:
    """Let answers come, and what they lead to."""
    for _ in range(6):
        await pilot.pause()


def screen_text(app: WftopApp) -> str:
    width, height = app.size
    return "\n".join("".join(text for text, _ in row) for row in app.current(width, height).rows)


async def test_the_timeline_asks_once_a_change_and_nothing_while_it_is_not_shown() -> None:
    app, link, clock = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert not link.asked
        await press(pilot, "5")
        assert "1 cpu" in screen_text(app)
        assert [type(message).__name__ for message in link.asked] == ["Catalogue", "Range", "Events"]
        app.paint()
        await press(pilot, "left", "right", "question_mark", "escape")
        assert len(link.ranges()) == 1
        await press(pilot, "z")
        assert len(link.ranges()) == 2
        await press(pilot, "1")
        clock.ahead_s = 60
        app.paint()
        await settle(pilot)
        assert len(link.ranges()) == 2


async def test_live_it_asks_for_the_end_once_a_bucket() -> None:
    app, link, clock = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5")
        step = link.ranges()[0]
        for second in range(1, 61):
            clock.ahead_s = second
            app.paint()
            await settle(pilot)
        found = link.ranges()[1:]
        seconds = (step.until_ns - step.since_ns) // step.points // NS
        assert 60 // seconds <= len(found) <= 60 // seconds + 1
        assert all(question.until_ns - question.since_ns <= 4 * seconds * NS for question in found)
        assert "asking" not in screen_text(app)


async def test_a_slow_answer_keeps_the_picture_and_the_newest_wish_wins() -> None:
    app, link, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5")
        before = len(link.ranges())
        link.go.clear()
        await press(pilot, "Z", "Z", "Z", "Z")
        assert "asking…" in screen_text(app)
        drawn = [(words, role) for row in app.current(*app.size).rows[2:20] for words, role in row]
        kept = {role for words, role in drawn if any("⠀" < char <= "⣿" for char in words)}
        assert kept == {"faint"}
        link.go.set()
        await settle(pilot)
        assert "asking" not in screen_text(app)
        # The one under way, and the last of the four wishes.
        assert len(link.ranges()) == before + 2
        assert app.ui.timeline is not None
        assert app.ui.timeline.covered(app.ui.timeline.wish(NOW_S * NS))


async def test_an_error_is_one_line_and_is_not_asked_again_at_once() -> None:
    app, link, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5")
        link.error = "range: not done within 4 s"
        await press(pilot, "Z")
        count = len(link.ranges())
        assert "range: not done within 4 s" in screen_text(app)
        app.paint()
        await settle(pilot)
        assert len(link.ranges()) == count
        link.error = ""
        await press(pilot, "z")
        assert "not done" not in screen_text(app)


async def test_two_ranges_and_their_table() -> None:
    app, link, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5", "shift+left", "a", "shift+left", "a", "b", "shift+left", "b", "d")
        asked = [message for message in link.asked if isinstance(message, wire.Compare)]
        assert len(asked) == 1
        shown = screen_text(app)
        assert "mean A" in shown
        assert "load_average" not in shown
        await press(pilot, "D")
        assert "load_average" in screen_text(app)
        await press(pilot, "d", "escape")
        assert "mean A" not in screen_text(app)
        assert app.ui.screen == "timeline"
        await press(pilot, "escape", "escape")
        assert app.ui.screen == "overview"


async def test_letters_in_the_picker_run_no_actions() -> None:
    app, _, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5", "slash", *"qabd")
        assert app.is_running
        assert "no series matches" in screen_text(app)
        await press(pilot, *["backspace"] * 4, *"temp", "enter", "escape")
        assert "temperature k10temp Tctl" in screen_text(app)
        await press(pilot, "1", "5")
        assert "temperature k10temp Tctl" in screen_text(app)


async def test_n_travels_beyond_the_window() -> None:
    app, link, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5", "z", "z")
        for _ in range(12):
            await press(pilot, "N")
        assert app.timeline is not None
        assert app.timeline.timeline.window.cursor_ns == history.FIRST_S * NS
        assert any(isinstance(message, wire.Events) and message.limit == 1 for message in link.asked)
        await press(pilot, "N")
        assert "no earlier event" in screen_text(app)


async def test_enter_looks_at_the_event_under_the_cursor() -> None:
    app, _, _ = make()
    gone: list[int] = []
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5", "N", "N", "N", "N", "N")
        app.past.visit = lambda event: gone.append(event.seq)  # type: ignore[method-assign]  # where it leads is tested elsewhere
        await press(pilot, "enter")
        assert app.ui.screen == "overview"
        assert len(gone) == 1


async def test_marks_times_and_exports_belong_to_the_cursor_and_the_window() -> None:
    app, link, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5", "shift+left", "m", *"spike", "enter")
        assert app.timeline is not None
        at_ns = app.timeline.cursor_ns
        assert at_ns < NOW_S * NS
        assert [message for message in link.asked if isinstance(message, wire.Mark)] == [wire.Mark(at_ns, "spike")]
        await press(pilot, "at", *"2h", "enter")
        assert app.ui.screen == "timeline"
        assert app.past.live
        assert app.timeline.timeline.window.cursor_ns == (NOW_S - 7200) * NS
        begin, end, patterns = app.timeline.view()
        assert begin < NOW_S - 7200 < end
        assert patterns[0] == "system.cpu.utilization"
        await press(pilot, "X")
        assert "-m system.cpu.utilization" in " ".join(screen_text(app).split())


async def test_help_begins_with_the_keys_of_this_screen() -> None:
    app, _, _ = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "5", "question_mark")
        assert "Zoom in around the cursor" in screen_text(app)
        await press(pilot, "escape", "1", "question_mark")
        assert "Zoom in around the cursor" not in screen_text(app)
