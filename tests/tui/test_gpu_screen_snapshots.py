"""Pictures of screen 6: one to sixteen GPUs, those that are not well, its panes, few colours, the past."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.tui import fake_gpus as boxes
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_gpus import NS, Card
from tests.tui.test_gpu_screen_past import THEN_S, remembered
from tests.tui.test_past import keys, settled
from tests.tui.test_snapshots import THEME, Still
from wftui.render.palette import MONO, TRUECOLOR, load
from wftui.tui.app import WftopApp

LOST, STUCK, HOT, ASLEEP = 3, 4, 6, 7
SIZES = [(80, 24), (120, 40), (200, 50)]


def app(cards: list[Card], depth: str = TRUECOLOR, *, ascii_only: bool = False) -> WftopApp:
    view = WftopApp(load(THEME, depth), state=told(cards), clock=Still(), ascii_only=ascii_only)
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    return view


def uneven() -> list[Card]:
    """Eight at one job, one of them behind."""
    cards = boxes.box(8)
    cards[5] = Card(5, heat=86.0, load=0.6, clock=1.2e9, throttle="sw_thermal", throttled_s=300, power=430.0)
    return cards


@pytest.mark.parametrize("count", [1, 8, 16])
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x50"])
def test_boxes(snap_compare, count: int, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(boxes.box(count)), terminal_size=size, press=["6", "home"])


@pytest.mark.parametrize("place", [LOST, STUCK, HOT, ASLEEP], ids=["lost", "stuck", "hot", "asleep"])
@pytest.mark.parametrize("size", SIZES[:2], ids=["80x24", "120x40"])
def test_trouble(snap_compare, place: int, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(boxes.trouble()), terminal_size=size, press=["6", "home", *["down"] * place])


@pytest.mark.parametrize(
    ("pane", "pressed"),
    [
        ("inside", ["home", "enter", "down"]),
        ("health", ["tab"]),
        ("fields", ["tab", "tab", "g"]),
        ("topology", ["tab", "tab", "tab"]),
        ("holders", ["home", "w", "w"]),
        ("siblings", ["home", "shift+tab"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_panes(snap_compare, pane: str, pressed: list[str]) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(uneven()), terminal_size=(120, 40), press=["6", *pressed]), pane


def test_instances_of_a_card(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(boxes.partitioned()), terminal_size=(120, 40), press=["6", "home", "down"])


def test_memory_of_the_system(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(boxes.unified()), terminal_size=(80, 24), press=["6"])


def test_without_colours(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(uneven(), MONO, ascii_only=True), terminal_size=(80, 24), press=["6", "tab"])


def test_help_has_its_keys_first(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(boxes.box(2)), terminal_size=(120, 40), press=["6", "question_mark"])


def test_in_the_past(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    view = remembered()

    async def travel(pilot: Pilot[int]) -> None:
        await keys(pilot, view, "6", "home", "down", "down", "down")
        view.past.go(THEN_S * NS)
        await settled(pilot, view)

    assert snap_compare(view, terminal_size=(120, 40), run_before=travel)
