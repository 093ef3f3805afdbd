"""Pictures of screens that hold still: a fixed machine at a fixed moment."""

from __future__ import annotations

import pytest

from tests.tui.fake import NOW_S, full
from wftui import paths
from wftui.clock import Instant
from wftui.render.palette import ANSI, INDEXED, MONO, TRUECOLOR, load
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


@pytest.mark.parametrize(
    "size", [(40, 12), (80, 24), (120, 40), (200, 50)], ids=["40x12", "80x24", "120x40", "200x50"]
)
def test_overview(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(), terminal_size=size)


@pytest.mark.parametrize("depth", [INDEXED, ANSI, MONO])
def test_overview_in_fewer_colours(snap_compare, depth: str) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(depth), terminal_size=(80, 24))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_overview_in_ascii(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(MONO, ascii_only=True), terminal_size=size)


def test_overview_when_the_recorder_is_gone(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(lost=True), terminal_size=(120, 40))


@pytest.mark.parametrize("key", ["2", "3", "4"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_screens(snap_compare, key: str, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(), terminal_size=size, press=[key])


@pytest.mark.parametrize(
    "keys",
    [["question_mark"], ["2", "enter"], ["2", "K"], ["2", "K", "enter"], ["2", "slash", "o", "l"]],
    ids=["help", "details", "signals", "confirm", "filter"],
)
def test_dialogs(snap_compare, keys: list[str]) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(), terminal_size=(120, 40), press=keys)


def test_hostile_names(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(hostile=True), terminal_size=(120, 40))
