"""Leaves behind where the panels stood, for the skeleton of the next start."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wftui import paths
from wftui.errors import ConfigError
from wftui.tui import skeleton

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wftui.tui.layouts.places import Layout


def keep(state_dir: Path, screen: Layout, titles: Mapping[str, str]) -> bool:
    """Write it when it is not what is there; False: it could not be, which costs the next start a wrong frame."""
    before = skeleton.read(os.environ)
    after = skeleton.remember(before, screen, titles)
    if not screen.places or after == before:
        return True
    try:
        paths.private_dir(state_dir)
        path = state_dir / skeleton.FILE
        file = paths.open_private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.write(file, after.encode())
        finally:
            os.close(file)
    except (OSError, ConfigError):
        return False
    return True
