"""A layout of one's own in a real terminal: from the first frame, while it is edited, and at the next start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal
from wftui.tui import skeleton

pytestmark = pytest.mark.pty

MINE = """
rows = [
    { height = "40%", panels = ["memory", "load"] },
    { panels = ["processes"] },
]
[[graphs]]
name = "load"
title = "busy minutes"
series = ["system.cpu.load_average.1m"]
"""


def test_a_layout_of_ones_own() -> None:
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "wftop"
    layouts = config / "layouts"
    layouts.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text('[view]\nlayout = "mine"\n')
    (layouts / "mine.toml").write_text(MINE)
    with Terminal(size=(100, 30)) as terminal:
        terminal.live()
        terminal.until_shows("busy minutes")
        assert not any("pressure & heat" in line for line in terminal.screen())
        (layouts / "mine.toml").write_text(MINE.replace('["processes"]', '["processes", "events"]'))
        terminal.until_shows("─3 events")
        (layouts / "mine.toml").write_text(MINE.replace('"memory"', '"memroy"'))
        terminal.until_shows("there is no panel 'memroy'")
        assert any("─3 events" in line for line in terminal.screen()), "the last good layout stays"
        terminal.send("q")
        assert terminal.until_gone() == 0
    kept = skeleton.remembered(skeleton.read(os.environ), 100, 30)
    assert kept is not None
    assert [title for _, _, title in kept[1]] == ["memory", "busy minutes", "processes", "events"]
