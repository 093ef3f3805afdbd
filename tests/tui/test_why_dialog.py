"""The dialogs of W and H: whose moment is asked about, what is said, where Enter goes."""

from __future__ import annotations

from array import array

import pytest

from tests.records import fact
from tests.tui.alerts_seen import alarmed
from tests.tui.fake import NOW_S, Fed, column_of
from tests.tui.test_keys import PALETTE, FakeLink, Still, press, screen_text
from wftui.errors import ProtocolError
from wftui.model.score import SCORE
from wftui.model.table import keyframe
from wftui.model.tick import pack
from wftui.model.why import ROSE, Answer, Moved
from wftui.tui.alerts_screen.seen import Alert
from wftui.tui.app import WftopApp
from wftui.tui.state import State
from wftui.tui.ui import WHY
from wftui.wire import messages as wire

NS = 10**9
MOVED = Moved(
    column_of("gpu", "hw.gpu.power", {"gpu": "GPU-a"}), "W", ROSE, 120.0, 340.0, NOW_S - 300, None, 30.0, 20.0,
    ["hw.gpu.temperature{gpu=\"GPU-a\"}"],
)  # fmt: skip


def reply(moved: list[Moved]) -> wire.WhyReply:
    at_s = NOW_S - 290
    return wire.WhyReply(
        Answer(
            at_s,
            at_s - 630,
            at_s - 30,
            at_s + 30,
            600,
            60,
            412,
            moved,
            [],
            [fact(1, at_s * NS)],
            None,
            {"GPU-a": "0"},
        )
    )


class Recorder(FakeLink):
    """Answers why."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[wire.Why] = []
        self.moved = [MOVED]
        self.gone = ""

    def graphs_changed(self) -> None:
        return

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:
        if not isinstance(message, wire.Why):
            return await super().ask(message, timeout_s)
        if self.gone:
            raise ProtocolError(self.gone)
        self.questions.append(message)
        return reply(self.moved)


def make(state: State, colors: str = "") -> tuple[WftopApp, Recorder]:
    link = Recorder()
    app = WftopApp(PALETTE, state=state, link=lambda _: link, clock=Still(), ascii_only=bool(colors))  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    app.own_cpu, app.own_memory = 0.004, 38.0 * 1024**2
    return app, link


def fed() -> State:
    from tests.tui.fake import full

    return full()


async def test_now_is_asked_about_and_told() -> None:
    app, link = make(fed())
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "W")
        assert app.ui.overlay == WHY
        said = screen_text(app)
        assert "GPU 0 power 120 → 340 W (x2.8) at " in said
        assert "30 or more times the usual spread" in said
        assert "with it GPU 0 temperature" in said
        assert link.questions == [wire.Why(app.clock.now().time_ns)]
        await press(pilot, "escape")
        assert not app.ui.overlay


async def test_the_key_closes_what_it_opened() -> None:
    app, _ = make(fed())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "W")
        await press(pilot, "W")
        assert not app.ui.overlay


async def test_an_event_is_asked_about_at_its_time() -> None:
    app, link = make(fed())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        await press(pilot, "W")
        times = [item.time_ns for item in app.state.events]
        assert link.questions[0].at_ns in times


async def test_nothing_and_no_answer_are_said() -> None:
    app, link = make(fed())
    link.moved = []
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "W")
        assert "Nothing stands out: none of 412 series" in screen_text(app)
        await press(pilot, "escape")
        link.gone = "no recorder is connected"
        await press(pilot, "W")
        assert "no answer: no recorder is connected" in screen_text(app)
        await press(pilot, "enter")
        assert not app.ui.overlay


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (40, 12)])
async def test_it_fits_and_scrolls(size: tuple[int, int]) -> None:
    app, link = make(fed(), "ascii")
    link.moved = [MOVED] * 8
    async with app.run_test(size=size) as pilot:
        await press(pilot, "W")
        said = screen_text(app)
        assert said.isascii()
        assert "120 ->" in said
        first = said
        await press(pilot, "G")
        assert screen_text(app) != first
        assert "scroll" in screen_text(app)


def scored(value: float, rows: dict[str, tuple[str, str, float | None, str]]) -> State:
    made = Fed()
    made.furnish()
    state = made.state
    column = column_of("alerts", "wftop.health.score")
    state.on(wire.LayoutChanged(9, [column]))
    state.on(wire.TickArrived(900, NOW_S - 1, 10**15, 1, 9, pack(array("d", [value]))))
    state.on(wire.TableArrived(keyframe(SCORE, NOW_S * NS, dict(rows)), SCORE))
    return state


ROWS: dict[str, tuple[str, str, float | None, str]] = {
    "disk:/": ("disk", "/ is nearly full", 7.5, "94.5 % of its room used"),
    "alert:rule.x": ("alert", "GPU hot", 30.0, "critical, nobody looks after it"),
    "pressure": ("pressure", "pressure is not known", None, "no readings of PSI"),
}


async def test_the_score_and_each_point_that_is_missing() -> None:
    app, _ = make(scored(62.5, ROWS))
    async with app.run_test(size=(100, 30)) as pilot:
        assert "health 62" in screen_text(app).splitlines()[0]
        await press(pilot, "H")
        said = screen_text(app)
        assert "62 of 100: what is missing" in said
        assert said.index("-30.0  GPU hot") < said.index("-7.5  / is nearly full")
        assert "pressure is not known: no readings of PSI" in said


@pytest.mark.parametrize(
    ("width", "value", "there"), [(100, 100.0, True), (80, 100.0, False), (80, 62.0, True), (60, 62.0, False)]
)
async def test_the_top_line_has_the_score_where_there_is_room(width: int, value: float, there: bool) -> None:
    app, _ = make(scored(value, {}))
    async with app.run_test(size=(width, 24)):
        assert (f"health {value:.0f}" in screen_text(app).splitlines()[0]) is there


async def test_without_a_score_it_says_so() -> None:
    app, _ = make(fed())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "H")
        assert "the recorder tells no health score" in screen_text(app)


async def test_an_alert_is_asked_about_when_it_began() -> None:
    app, link = make(alarmed())
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "8", "W")
        screen = app.ui.alerts
        assert screen is not None
        chosen = screen.selected(screen.listed(app.state))
        assert isinstance(chosen, Alert)
        assert chosen.since_ns > 0
        assert link.questions == [wire.Why(chosen.since_ns)]
