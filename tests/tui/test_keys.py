"""Keys through the real application, without a terminal."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.tui.fake import NOW_S, full, scene
from wftui import paths
from wftui.clock import Instant
from wftui.errors import ProtocolError
from wftui.render.palette import TRUECOLOR, load
from wftui.tui import help as helping
from wftui.tui.actions import ACTIONS, ON_SCREEN, SECTIONS
from wftui.tui.app import WftopApp
from wftui.tui.arrange.model import Arranger
from wftui.tui.commands import Commands
from wftui.tui.layout import DEFAULT
from wftui.tui.ui import CONFIRM, DETAILS, HELP, MENU, REFRESHES, Ui
from wftui.wire import messages as wire

PALETTE = load(paths.resources("themes") / "default.toml", TRUECOLOR)


class Still:
    """A clock that stands."""

    def now(self) -> Instant:
        return Instant(NOW_S * 10**9, 600 * 10**9)


class FakeLink:
    """Records what would be asked of the recorder."""

    def __init__(self, answer: str = "") -> None:
        self.answer = answer
        self.sent: list[tuple[int, int, int]] = []
        self.rates = 0

    async def follow(self) -> None:
        return

    async def signal(self, pid: int, start_time: int, number: int) -> str:
        self.sent.append((pid, start_time, number))
        return self.answer

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:  # noqa: ARG002  as the link has it
        raise ProtocolError("this recorder answers nothing")

    def report_soon(self) -> None:
        """Nobody reads reports."""

    def by_clock(self, *, wanted: bool) -> None:
        """Nothing comes, however it is read."""

    def read(self) -> None:
        """As above."""

    def rate_changed(self) -> None:
        self.rates += 1


def make(*, readonly: bool = False, answer: str = "") -> tuple[WftopApp, FakeLink]:
    link = FakeLink(answer)
    app = WftopApp(PALETTE, state=full(), link=lambda _: link, clock=Still(), readonly=readonly)  # type: ignore[arg-type,return-value]  # the fake has the three methods that the app calls
    return app, link


async def press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def screen_text(app: WftopApp) -> str:
    width, height = app.size
    return "\n".join("".join(text for text, _ in row) for row in app.current(width, height).rows)


async def test_every_screen_has_its_digit() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        for key, screen in (
            ("2", "processes"),
            ("3", "events"),
            ("4", "sources"),
            ("7", "model"),
            ("8", "alert"),
            ("9", "energy"),
            ("1", "overview"),
        ):
            await press(pilot, key)
            assert app.ui.screen == screen
        await press(pilot, "A")
        assert app.ui.screen == "alert"


async def test_escape_closes_one_thing_at_a_time() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "slash", "o", "l", "enter", "enter")
        assert app.ui.overlay == DETAILS
        await press(pilot, "escape")
        assert app.ui.overlay == ""
        assert app.ui.wanted["processes"] == "ol"
        await press(pilot, "escape")
        assert app.ui.wanted["processes"] == ""
        assert app.ui.screen == "processes"
        await press(pilot, "escape")
        assert app.ui.screen == "overview"
        await press(pilot, "escape", "escape")
        assert app.is_running


async def test_tab_focuses_and_e_expands_and_shrinks() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "tab")
        assert app.ui.focus == "cpu"
        await press(pilot, "tab", "e")
        assert app.ui.expanded == "memory"
        await press(pilot, "tab")
        assert app.ui.expanded == "disks"
        await press(pilot, "e")
        assert app.ui.expanded == ""
        await press(pilot, "shift+tab")
        assert app.ui.focus == "memory"


async def test_the_cursor_stays_with_its_process_when_the_order_changes() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "down", "j", "j", "k")
        found = app.ui.process(app.state)
        assert found is not None
        key = found[0]
        await press(pilot, "s", "r")
        again = app.ui.process(app.state)
        assert again is not None
        assert again[0] == key
        await press(pilot, "G")
        last = app.ui.process(app.state)
        assert last is not None
        assert last[0] == app.ui.processes(app.state)[-1][0]
        await press(pilot, "g")
        assert app.ui.places["processes"] == 0


async def test_a_filter_takes_letters_that_are_actions_elsewhere() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "slash", *"rsyncq", "backspace")
        assert app.is_running
        assert app.ui.wanted["processes"] == "rsync"
        assert len(app.ui.processes(app.state)) == 5
        assert "rsync" in screen_text(app)
        await press(pilot, *"zzz")
        assert "no process matches the filter" in screen_text(app)


async def test_a_signal_needs_a_choice_and_a_yes() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "K")
        assert app.ui.overlay == MENU
        await press(pilot, "down", "down", "enter")
        assert app.ui.overlay == CONFIRM
        assert "Send SIGHUP (1) to 812 python3?" in screen_text(app)
        await press(pilot, "n")
        assert link.sent == []
        await press(pilot, "enter", "y")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert link.sent == [(812, 1000, 1)]
        assert "SIGHUP sent to 812" in screen_text(app)


async def test_a_refused_signal_says_why() -> None:
    app, _ = make(answer="signals are off ([recorder] signals = false)")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "f9", "enter", "y")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "signals are off" in screen_text(app)


async def test_readonly_sends_nothing() -> None:
    app, link = make(readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "K")
        assert app.ui.overlay == ""
        assert "read-only" in screen_text(app)
        await press(pilot, "enter", "y")
        assert link.sent == []


async def test_help_names_every_action_of_its_sections() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 60)) as pilot:
        for key in ("question_mark", "h", "f1"):
            await press(pilot, key)
            assert app.ui.overlay == HELP
            for action in ACTIONS:
                if action.section in SECTIONS and not action.screen:
                    assert action.title in screen_text(app)
            await press(pilot, key)
            assert app.ui.overlay == ""


@pytest.mark.parametrize("shown", sorted(ON_SCREEN))
def test_help_of_a_screen_names_its_own_actions_first(shown: str) -> None:
    ui = Ui()
    if shown == "arrange":
        ui.arrange = Arranger(DEFAULT, 80, 24, 0, quiet=True)
    else:
        ui.screen = shown
    rows, _, _ = helping.content(scene(full()), ui, 80, 24)
    said = "\n".join("".join(text for text, _ in row).rstrip() for row in rows)
    titles = [action.title for action in ACTIONS if action.screen == shown]
    assert all(title in said for title in titles)
    assert said.index(titles[0]) < said.index("Overview")


async def test_refresh_rates_and_their_ends() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "plus", "plus")
        assert app.refresh_s == REFRESHES[0]
        await press(pilot, *["minus"] * 9)
        assert app.refresh_s == REFRESHES[-1]
        assert "refresh every 10 s" in screen_text(app)
        assert link.rates == 11


async def test_the_screen_of_model_servers_is_followed_closely_while_it_is_live(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, link = make()
    app.motion.mode = "auto"
    monkeypatch.setattr(app.flow, "is_deaf", lambda _: False)  # the stand-in of a terminal answers nothing

    def followed() -> tuple[tuple[str, ...], float, int]:
        return app.motion.follows, app.motion.rate_hz, link.rates

    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "7")
        assert followed() == (("servers",), 10, 1)
        await press(pilot, "question_mark")
        assert followed() == ((), 0, 2), "nobody sees it"
        await press(pilot, "escape")
        assert followed() == (("servers",), 10, 3)
        await press(pilot, "1")
        assert followed() == ((), 0, 4)
        app.motion.mode = "reduced"
        await press(pilot, "7")
        assert link.rates == 4


async def test_pasted_text_runs_no_action() -> None:
    from textual.events import Paste

    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        app.screen.post_message(Paste("qK\ny"))
        await pilot.pause()
        assert app.is_running
        assert app.ui.overlay == ""
        assert link.sent == []


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_quit(key: str) -> None:
    app, _ = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, key)
    assert app.return_code == 0


def test_every_action_exists_once() -> None:
    ids = [action.id for action in ACTIONS]
    keys = [(action.screen, key) for action in ACTIONS for key in action.keys]
    assert len(set(ids)) == len(ids)
    assert len(set(keys)) == len(keys)
    assert all(callable(getattr(Commands, action.run)) for action in ACTIONS)


async def test_resizing_redraws_at_the_new_size() -> None:
    app, _ = make()
    async with app.run_test(size=(200, 50)) as pilot:
        for size in ((80, 24), (40, 12), (1, 1), (300, 100)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            app.paint()
            await pilot.pause()
            drawn = app.current(*size)
            assert (drawn.width, drawn.height) == size


@pytest.mark.parametrize(
    ("keys", "wide"),
    [(("tab",), 100), (("tab", "e"), 80), (("3",), 80), (("4",), 80), (("9",), 80), (("2",), 200), (("6",), 200)],
    ids=str,
)
async def test_the_footer_tells_what_copies_and_where_numbers_come_from(keys: tuple[str, ...], wide: int) -> None:
    app, _ = make()
    async with app.run_test(size=(wide, 24)) as pilot:
        await press(pilot, *keys)
        last = screen_text(app).splitlines()[-1]
        assert "i origin" in last
        assert "y Y copy" in last
        assert last.rstrip().endswith("? help  q quit") or last.rstrip().endswith("? help   q quit")


@pytest.mark.parametrize("screen", ["1", "2", "3", "4", "5", "6", "9"])
async def test_a_narrow_footer_ends_with_help_and_quit(screen: str) -> None:
    app, _ = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, screen)
        assert screen_text(app).splitlines()[-1].split()[-4:] == ["?", "help", "q", "quit"]


async def test_the_view_says_while_it_gives_something_up() -> None:
    app, _ = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "1")
        assert "fewer" not in screen_text(app).splitlines()[0]
        for shed, word in ((1, "fewer frames"), (2, "fewer frames"), (3, "fewer colours"), (4, "data every 2 s")):
            app.flow.shed = shed
            app.paint()
            assert word in screen_text(app).splitlines()[0]
        app.flow.shed = 0
        app.paint()
        assert "every" not in screen_text(app).splitlines()[0]


async def test_the_footer_offers_no_copy_where_copying_is_off() -> None:
    app, _ = make()
    app.copies = False
    async with app.run_test(size=(120, 24)) as pilot:
        await press(pilot, "3")
        last = screen_text(app).splitlines()[-1]
        assert "i origin" in last
        assert "copy" not in last
