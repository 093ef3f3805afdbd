"""Pictures of the overview on machines with GPUs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.tui.fake_gpus import Card, asleep, box, lost, partitioned, stuck, trouble, unified, with_gpus
from tests.tui.test_snapshots import THEME, Still
from wftui.render.palette import MONO, TRUECOLOR, load
from wftui.tui.app import WftopApp

SIZES = [(80, 24), (120, 40), (200, 50)]
NAMES = ["80x24", "120x40", "200x50"]


def app(cards: Sequence[Card], depth: str = TRUECOLOR, *, ascii_only: bool = False) -> WftopApp:
    view = WftopApp(load(THEME, depth), state=with_gpus(cards), clock=Still(), ascii_only=ascii_only)
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    return view


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
@pytest.mark.parametrize("count", [1, 2, 4, 8, 16])
def test_count(snap_compare, count: int, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(box(count)), terminal_size=size)


def test_trouble_in_a_narrow_terminal(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(trouble()), terminal_size=(40, 20))


@pytest.mark.parametrize(
    ("cards", "size"),
    [
        (partitioned(), (120, 40)),
        (partitioned(), (80, 24)),
        (unified(), (80, 24)),
        ([asleep(0)], (80, 24)),
        ([stuck(0), Card(1)], (200, 50)),
        ([*box(13), lost(13), stuck(14), asleep(15)], (120, 40)),
        (box(64), (120, 40)),
    ],
    ids=["divided", "divided-80", "unified", "asleep", "one-stuck", "strip-in-trouble", "64"],
)
def test_kinds(snap_compare, cards: list[Card], size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(cards), terminal_size=size)


@pytest.mark.parametrize("count", [1, 16])
def test_ascii(snap_compare, count: int) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(box(count), MONO, ascii_only=True), terminal_size=(80, 24))


@pytest.mark.parametrize(("count", "size"), [(2, (120, 40)), (8, (200, 50)), (16, (200, 50))])
def test_expanded(snap_compare, count: int, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # as above
    view = app(trouble() if count == 8 else box(count))
    view.ui.focus = "gpus"
    assert snap_compare(view, terminal_size=size, press=["e"])


@pytest.mark.parametrize("keys", [["2", "s", "s"], ["2", "enter"]], ids=["sorted", "details"])
def test_processes(snap_compare, keys: list[str]) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(box(4)), terminal_size=(120, 40), press=keys)
