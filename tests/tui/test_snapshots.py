"""Pictures of screens that hold still: a fixed machine at a fixed moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from tests.tui.fake import NOW_S, full
from tests.tui.fake_past import NS, remembered
from tests.tui.test_past import keys, settled
from wftui import paths
from wftui.clock import Instant
from wftui.model.event import Event
from wftui.render.palette import INDEXED, TRUECOLOR, load
from wftui.tui.app import WftopApp
from wftui.tui.state import LOST

THEME = paths.resources("themes") / "default.toml"


class Still:
    """A clock that stands, 12 s after the link was lost where it is."""

    def now(self) -> Instant:
        return Instant(NOW_S * 10**9, 600 * 10**9)


def app(
    depth: str = TRUECOLOR, *, ascii_only: bool = False, hostile: bool = False, lost: bool = False
) -> WftopApp:
    state = full(hostile=hostile)
    if lost:
        state.now_linked(LOST, 588 * 10**9)
    view = WftopApp(load(THEME, depth), state=state, clock=Still(), ascii_only=ascii_only)
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    return view


def test_overview_in_256_colours(snap_compare) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(INDEXED), terminal_size=(80, 24))


def test_overview_when_the_recorder_is_gone(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(lost=True), terminal_size=(120, 40))


@pytest.mark.parametrize(
    "keys",
    [["2", "K"], ["2", "K", "enter"], ["2", "slash", "o", "l"]],
    ids=["signals", "confirm", "filter"],
)
def test_dialogs(snap_compare, keys: list[str]) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(), terminal_size=(120, 40), press=keys)


def test_hostile_names(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(hostile=True), terminal_size=(120, 40))


def rewound(place: int, *names: str) -> tuple[WftopApp, Callable[[Pilot[int]], Awaitable[None]]]:
    """A view that went ``place`` seconds from now, and keys pressed there."""
    state, memory = remembered()
    about = (NOW_S - 40) * NS
    memory.told.append(
        Event(2000, "m", NOW_S * NS, "mark.set", "mark", "", payload={"name": "spike", "at_ns": about})
    )
    view = WftopApp(load(THEME, TRUECOLOR), state=state, link=lambda _: memory, clock=Still())  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls

    async def travel(pilot: Pilot[int]) -> None:
        view.past.go((NOW_S + place) * NS)
        await settled(pilot, view)
        await keys(pilot, view, *names)

    return view, travel


@pytest.mark.parametrize(
    ("place", "names"),
    [(-57, ()), (-25, ("at", "2", "5")), (-25, ("X",)), (-25, ("2",)), (-25, ("4",)), (-7200, ())],
    ids=["gap", "go to", "export", "processes", "sources", "before"],
)
def test_places_in_the_past(snap_compare, place: int, names: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]  # as above
    view, travel = rewound(place, *names)
    assert snap_compare(view, terminal_size=(120, 40), run_before=travel)
