"""A theme of one's own in a real terminal: one that is broken is said, and the view runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal
from wftui import paths

pytestmark = pytest.mark.pty


def test_a_broken_theme_falls_back_until_it_is_mended() -> None:
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "wftop"
    themes = config / "themes"
    themes.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text('[view]\ntheme = "mine"\n')
    good = (paths.resources("themes") / "ember.toml").read_text()
    broken = good.replace("dim = ", "dimm = ", 1)
    line = next(number for number, line in enumerate(broken.split("\n"), 1) if line.startswith("dimm"))
    (themes / "mine.toml").write_text(broken)
    with Terminal(size=(120, 30)) as terminal:
        terminal.live()
        terminal.until_shows(f"mine.toml:{line}: colors.dimm: no such colour; did you mean dim?; this is default")
        (themes / "mine.toml").write_text(good)
        terminal.until_shows("the theme was read again")
        terminal.send("q")
        assert terminal.until_gone() == 0
