"""What the parts of screen 6 are given to draw: the moment, what was chosen, the selected GPU and its health."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.table import Row as Cells
    from wftui.tui.gpu_screen.health import Check
    from wftui.tui.gpu_screen.model import GpuScreen
    from wftui.tui.gpus import Gpu
    from wftui.tui.scene import Scene


class Shown(NamedTuple):
    """One moment of the screen."""

    scene: Scene
    screen: GpuScreen
    found: Sequence[Gpu]
    """All GPUs to choose from."""
    gpu: Gpu
    """The selected one."""
    row: Cells
    """Its row of the table ``gpus``."""
    checks: Sequence[Check]
    """Its health."""
