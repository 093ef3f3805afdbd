"""Pictures of the process list at work: tree, folds, tags, filter, following."""

from __future__ import annotations

import pytest

from tests.tui.fake_tree import grown
from tests.tui.test_snapshots import THEME, Still
from wftui.render.palette import MONO, TRUECOLOR, load
from wftui.tui.app import WftopApp

TAGS = ["2", "c", "c", "c", "up"]
FOLDED = ["2", "t", "left_curly_bracket", "down", "down"]
WRONG = ["2", "t", "F", "slash", *"rsync", "space", *"cpu", "greater_than_sign", "x"]


def app(depth: str = TRUECOLOR, *, ascii_only: bool = False) -> WftopApp:
    view = WftopApp(load(THEME, depth), state=grown(), clock=Still(), ascii_only=ascii_only)
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    return view


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize(
    "keys",
    [FOLDED, TAGS, [*TAGS, "K", "enter"], WRONG, ["2", "S", "r"]],
    ids=["folded", "tagged", "confirm", "wrong filter", "sorted by state"],
)
def test_the_process_list(snap_compare, size: tuple[int, int], keys: list[str]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(), terminal_size=size, press=keys)


def test_the_tree_in_ascii(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(MONO, ascii_only=True), terminal_size=(80, 24), press=[*FOLDED, "c"])
