"""Pictures of the timeline and of two ranges side by side, over a fixed history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from tests.tui.fake import NOW_S, full
from tests.tui.fake_history import HistoryLink
from wftui import paths
from wftui.clock import Instant
from wftui.render.palette import TRUECOLOR, load
from wftui.tui.app import WftopApp

THEME = paths.resources("themes") / "default.toml"
RANGES = ("Z", "shift+left", "shift+left", "a", "shift+left", "a", "shift+left", "left", "b", "shift+left", "b")


class Still:
    """A clock that stands."""

    def now(self) -> Instant:
        return Instant(NOW_S * 10**9, 600 * 10**9)


def app(depth: str = TRUECOLOR, *, ascii_only: bool = False) -> WftopApp:
    link = HistoryLink()
    view = WftopApp(load(THEME, depth), state=full(), link=lambda _: link, clock=Still(), ascii_only=ascii_only)  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    return view


def keys(*pressed: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Press them one by one, and wait for each answer."""

    async def press(pilot: Pilot[int]) -> None:
        for key in ("5", *pressed):
            await pilot.press(key)
            for _ in range(6):
                await pilot.pause()

    return press


def test_live(snap_compare) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(), terminal_size=(120, 40), run_before=keys())


def test_at_an_event_in_three_hours(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(), terminal_size=(200, 50), run_before=keys(*RANGES, "n"))


def test_the_list_of_series(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(), terminal_size=(120, 40), run_before=keys("slash", *"disk", "down", "enter"))
