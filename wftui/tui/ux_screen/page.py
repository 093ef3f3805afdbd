"""The page: what programs that make frames say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.render.palette import HEAT_STEPS
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.scene import Body, Scene, empty

if TYPE_CHECKING:
    from wftui.tui.state import State


class UxPage:
    """Where the page stands. Plain data, no toolkit."""

    moves = False

    def __init__(self) -> None:
        self.shades = HEAT_STEPS

    def draw(self, scene: Scene, width: int, height: int) -> Body:  # noqa: ARG002  the list is cut below
        """A line for each program: frames a second over 1 s, 10 s, 5 min."""
        state = scene.state
        found = [source for source in state.labels("ux.frame.rate", "source") if source]
        if not found:
            return empty("no program tells its frames", "Pusher.frame() of wftui.client tells them")
        rows: list[Row] = []
        for source in found:
            row: Row = [(outside(source, 24, scene.glyphs), "text")]
            for mode in ("1s", "10s", "5m"):
                value = state.value("ux.frame.rate", ("mode", mode), ("source", source))
                row.append((f" {f'{value:.1f}' if value == value else '-':>8} fps {mode}", "strong"))
            rows.append(fit_row(row, width))
        return Body(rows)

    def note(self, state: State) -> None:
        """Nothing moves between two ticks."""

    def moved(self, at_s: float, scene: Scene, hz: float) -> dict[int, Row]:  # noqa: ARG002  as above
        """Nothing moves between two ticks."""
        return {}

    def scroll(self, step: int) -> None:
        """All lines are shown."""

    def do(self, what: str) -> str:  # noqa: ARG002  no key means anything here
        """No action is its own."""
        return ""
