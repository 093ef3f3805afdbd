"""What a panel is given to draw: the model, the moment, the characters."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from wftui.clock import Instant
from wftui.tui.frame import Row, Segment
from wftui.tui.glyphs import Glyphs
from wftui.tui.state import State


class Scene(NamedTuple):
    """One moment of the view."""

    state: State
    now: Instant
    glyphs: Glyphs
    own_cpu: float = float("nan")
    """CPU of this view; 1 = one core."""
    own_memory: float = float("nan")
    refresh_s: float = 1.0
    readonly: bool = False


class Body(NamedTuple):
    """Inside of a panel: its lines, and what stands at the right of its upper border."""

    rows: list[Row]
    right: Row = []


class Draw(Protocol):
    """A panel: the inside of ``width`` by ``height`` cells. Lines beyond ``height`` are dropped."""

    def __call__(self, scene: Scene, width: int, height: int) -> Body: ...


def empty(what: str, step: str) -> Body:
    """An empty panel: what is missing, and the exact step to see it."""
    return Body([[(what, "dim")], [(step, "dim")]])


def gap(columns: int) -> Segment:
    """Blank cells."""
    return (" " * columns, "text")
