"""Terminal size to panel places, and what panels are called.

Light to import: the skeleton is painted before anything else is loaded. Which panel stands where is data:
``layouts.plan`` holds it, ``layouts.solve`` makes places of it.
"""

from __future__ import annotations

from wftui.tui.layouts.default import DEFAULT
from wftui.tui.layouts.places import Layout, Place
from wftui.tui.layouts.plan import PANELS
from wftui.tui.layouts.solve import MIN_HEIGHT, MIN_WIDTH, gpu_lines, solve

__all__ = ["DEFAULT", "MIN_HEIGHT", "MIN_WIDTH", "Layout", "Place", "gpu_lines"]

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from wftui.tui.layouts.plan import Plan

ORDER = PANELS
"""All panels of their own name, as Tab goes through them."""
TITLES = {
    "cpu": "cpu",
    "memory": "memory",
    "disks": "disks",
    "network": "network",
    "pressure": "pressure & heat",
    "processes": "processes",
    "gpus": "gpus",
    "models": "models",
    "events": "events",
    "sources": "sources",
    "timeline": "timeline",
    "gpu": "gpus",
    "model": "models",
    "alert": "alerts",
    "alerts": "alerts",
    "energy": "energy & UX",
    "ux": "ux & fidelity",
    "settings": "settings",
}
ACCENTS = {
    "gpu": "gpus",
    "model": "models",
    "alert": "events",
    "alerts": "events",
    "energy": "gpus",
    "ux": "gpus",
    "settings": "sources",
}
"""Screens that have the colour of a panel."""
SHORT = {
    "cpu": "cpu",
    "memory": "mem",
    "disks": "disk",
    "network": "net",
    "pressure": "psi",
    "processes": "proc",
    "gpus": "gpu",
    "models": "llm",
    "events": "evt",
    "alerts": "alrt",
    "sources": "src",
    "ux": "ux",
}
"""Labels where a subject is one line."""
SCREEN_KEYS = {
    "processes": "2",
    "events": "3",
    "sources": "4",
    "timeline": "5",
    "gpus": "6",
    "gpu": "6",
    "model": "7",
    "models": "7",
    "alert": "8",
    "alerts": "8",
    "energy": "9",
    "ux": "9",
}
"""Panels that have a screen of their own, and its key."""


def overview(
    width: int,
    height: int,
    gpus: int = 0,
    *,
    quiet: bool = False,
    models: int = 0,
    ux: int = 0,
    plan: Plan = DEFAULT,
) -> Layout:
    """The overview of any size from 1 x 1 on. Line 0 is the top line; framed ones end with a line of keys.

    ``gpus``: how many there are, instances of divided ones with them; they are what a box with GPUs is about.
    ``quiet``: none of them has anything to tell (a laptop's that sleeps): a line each is enough.
    ``models``: lines about what serves models; 0: nobody does. ``ux``: the same about what draws and streams.
    """
    return solve(plan, width, height, gpus, quiet=quiet, models=models, ux=ux)


def titles(plan: Plan) -> dict[str, str]:
    """Titles of all panels, those of a layout's graphs with them."""
    return {**TITLES, **{graph.name: graph.title for graph in plan.graphs.values()}}


def whole(name: str, width: int, height: int) -> Layout:
    """One panel over the whole screen (expanded panels and screens 2 to 4)."""
    if width < 50 or height < 6:
        return Layout(width, height, [Place(name, 0, 1, width, max(0, height - 1))], framed=False)
    return Layout(width, height, [Place(name, 0, 1, width, height - 2)], framed=True)
