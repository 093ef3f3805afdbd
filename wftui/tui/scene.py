"""What a panel is given to draw: the model, the moment, the characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar, cast

from wftui.clock import Instant
from wftui.model.quality import EVERYTHING
from wftui.tui.frame import Row, Segment
from wftui.tui.glyphs import Glyphs
from wftui.tui.layouts.default import DEFAULT
from wftui.tui.layouts.plan import Plan
from wftui.tui.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wftui.tui.drift import Line
    from wftui.tui.transport import Replay

_Made = TypeVar("_Made")


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
    replay: Replay | None = None
    """The place in time, when it is not now."""
    lag_s: float = float("nan")
    """How far the terminal is behind; NaN: it does not tell."""
    sweep: bool = False
    """Graphs are written over in place, behind a moving gap, and do not scroll."""
    plan: Plan = DEFAULT
    """Which panels stand where, and what was chosen about them."""
    given_up: str = ""
    """What the terminal gets less of because it does not keep up; empty: nothing."""
    copies: bool = True
    """Whether anything may go to the clipboard."""
    quality: tuple[int, str] = (EVERYTHING, "")
    """wftop's own quality now, 1 to 5, and for whose sake it is lower than 5."""


class Body(NamedTuple):
    """Inside of a panel: its lines, and what stands at the right of its upper border."""

    rows: list[Row]
    right: Row = []
    drifts: Mapping[int, Line] = {}
    """Lines of which a part travels, by their place in ``rows``: the same once more, and cheaper to follow."""


class Draw(Protocol):
    """A panel: the inside of ``width`` by ``height`` cells. Lines beyond ``height`` are dropped."""

    def __call__(self, scene: Scene, width: int, height: int) -> Body: ...


def empty(what: str, step: str) -> Body:
    """An empty panel: what is missing, and the exact step to see it."""
    return Body([[(what, "dim")], [(step, "dim")]])


def keep(state: State, name: str, made_of: object, make: Callable[[], _Made]) -> _Made:
    """What was made last under this name, while ``made_of`` is the same; else made anew.

    ``made_of`` has to hold all that the result depends on. Most panels change less often than each second, and
    drawing is most of what the view costs.
    """
    held = state.kept.get(name)
    if held is not None and held[0] == made_of:
        return cast("_Made", held[1])
    made = make()
    state.kept[name] = (made_of, made)
    return made


def gap(columns: int) -> Segment:
    """Blank cells."""
    return (" " * columns, "text")
