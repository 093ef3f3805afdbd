"""Pictures of every screen in true colours: what ``test_matrix`` holds as text, to look at."""

from __future__ import annotations

import pytest

from tests.tui.screens import SCREENS


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
@pytest.mark.parametrize("name", SCREENS)
def test_screen(snap_compare, name: str, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    screen = SCREENS[name]
    view = screen.make()
    assert snap_compare(view, terminal_size=size, run_before=lambda pilot: screen.open(pilot, view))
