"""Every screen of the view on the fake machines, with what has to be pressed to get there."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from textual.pilot import Pilot

from tests.tui import fake_gpus as boxes
from tests.tui.alerts_seen import alarmed
from tests.tui.editor_seen import Rules
from tests.tui.fake import NOW_S, full
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_history import HistoryLink
from tests.tui.fake_past import NS, remembered
from tests.tui.fake_tree import grown
from tests.tui.servers_seen import serving
from tests.tui.test_process_details import OPEN, Recorder
from tests.tui.test_settings_screen import configured
from tests.tui.test_snapshots import THEME, Still
from wftui import paths
from wftui.render.palette import TRUECOLOR, load
from wftui.tui.app import WftopApp
from wftui.tui.state import State

RANGES = ("Z", "shift+left", "shift+left", "a", "shift+left", "a", "shift+left", "left", "b", "shift+left", "b")
_TURNS = 3
"""How often a key asks the recorder: an answer may lead to another question."""


class Screen(NamedTuple):
    """How to come to a screen."""

    make: Callable[[], WftopApp]
    keys: tuple[str, ...] = ()
    asks: bool = False
    """Its keys ask the recorder: the next one waits for the answer."""
    second: int | None = None
    """Seconds from now: in the past."""

    async def open(self, pilot: Pilot[int], view: WftopApp) -> None:
        """Press the keys and wait for what they bring."""
        if self.second is not None:
            view.past.go((NOW_S + self.second) * NS)
        for key in self.keys:
            await pilot.press(key)
            if self.asks:
                await self.rest(pilot)
        await self.rest(pilot)

    async def rest(self, pilot: Pilot[int]) -> None:
        """Wait until the screen holds still: nothing is asked any more."""
        await pilot.pause()
        for _ in range(_TURNS if self.asks else 0):
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()


def _view(state: State, link: object | None = None) -> WftopApp:
    view = WftopApp(
        load(THEME, TRUECOLOR),
        state=state,
        link=None if link is None else lambda _: link,  # type: ignore[arg-type,return-value]  # the fakes have the methods that the app calls
        clock=Still(),
        motion="reduced",
    )
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    return view


def _recorded() -> WftopApp:
    state, memory = remembered()
    return _view(state, memory)


def _well() -> WftopApp:
    return _view(full())


def _set() -> WftopApp:
    where = paths.places()
    where.config_dir.mkdir(mode=0o700, parents=True)
    where.config_file.write_text("[view]\nrefresh_s = 2\n\n[store]\nmax_bytes = '4 GiB'\n")
    return configured()


def _gpus() -> WftopApp:
    return _view(told(boxes.trouble()))


def _serving() -> WftopApp:
    return _view(serving())


def _alarmed() -> WftopApp:
    return _view(alarmed())


def _edited() -> WftopApp:
    return _view(alarmed(), Rules())


def _calm() -> WftopApp:
    return _view(alarmed(quiet=True))


def _told() -> WftopApp:
    view = _view(alarmed())
    view.heard(next(item for item in reversed(view.state.events) if item.type == "alert.fired"))
    return view


def _tree() -> WftopApp:
    return _view(grown(), Recorder())


def _remembering() -> WftopApp:
    return _view(full(), HistoryLink())


SCREENS = {
    "overview": Screen(_well),
    "overview of eight GPUs": Screen(_gpus),
    "overview of model servers": Screen(_serving),
    "expanded": Screen(_well, ("tab", "e")),
    "past": Screen(_recorded, asks=True, second=-25),
    "processes": Screen(_gpus, ("2",)),
    "tree": Screen(_tree, ("2", "t")),
    "details": Screen(_tree, tuple(OPEN), asks=True),
    "events": Screen(_well, ("3",)),
    "sources": Screen(_well, ("4",)),
    "timeline": Screen(_remembering, ("5", *RANGES), asks=True),
    "compare": Screen(_remembering, ("5", *RANGES, "D"), asks=True),
    "gpus": Screen(_gpus, ("6", "home")),
    "models": Screen(_serving, ("7",)),
    "model": Screen(_serving, ("7", "end", "up", "enter")),
    "models unseen": Screen(_well, ("7",)),
    "alerts": Screen(_alarmed, ("8",)),
    "alert": Screen(_alarmed, ("8", "e")),
    "alerts grouped": Screen(_alarmed, ("8", "w", "end")),
    "alert rules": Screen(_alarmed, ("8", "tab")),
    "rule editor": Screen(_edited, ("8", "E", "9", "1"), asks=True),
    "no alerts": Screen(_calm, ("8",)),
    "overview with alerts": Screen(_alarmed),
    "banner": Screen(_told, ("3",)),
    "energy": Screen(_gpus, ("9",)),
    "help": Screen(_well, ("question_mark",)),
    "palette": Screen(_well, ("colon",)),
    "settings": Screen(_set, ("f2", "down", "enter", "up")),
    "provenance": Screen(_well, ("tab", "i", "down", "down")),
    "arrange": Screen(_well, ("L", "right", "o")),
}
