"""The page of streams: a lane for each stream of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.render.palette import HEAT_STEPS
from wftui.tui.energy.flows import Flow, flows
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.scene import Body, Scene

if TYPE_CHECKING:
    from wftui.tui.state import State


class StreamsPage:
    """What moves on the page, and where it stands. Plain data, no toolkit."""

    moves = False

    def __init__(self) -> None:
        self.shades = HEAT_STEPS
        self.top = 0

    def draw(self, scene: Scene, width: int, height: int) -> Body:
        """The inside of the page."""
        found = flows(scene.state)
        if not found:
            return _nothing(scene)
        self.top = max(0, min(self.top, len(found) - height))
        return Body([_line(scene, flow, width) for flow in found[self.top : self.top + height]])

    def note(self, state: State) -> None:
        """Readings came."""

    def moved(self, at_s: float, scene: Scene, hz: float) -> dict[int, Row]:  # noqa: ARG002  nothing moves
        """Nothing moves between two ticks."""
        return {}

    def scroll(self, step: int) -> None:
        """Other lanes, where not all fit; drawing keeps it in bounds."""
        self.top = max(0, self.top + step)

    def do(self, what: str) -> str:  # noqa: ARG002  no key is its own
        """No action is its own."""
        return ""


def _nothing(scene: Scene) -> Body:
    if scene.replay is not None:
        return Body([[("no stream of tokens was known at this moment", "dim")]])
    return Body(
        [
            [("no stream of tokens is known", "dim")],
            [("a program tells its tokens: TokenStream of wftui.client, or JSON lines (docs/push.md);", "dim")],
            [
                (
                    "wftop proxy sees what passes through it; a WIRTHFORGE core tells its own (wftop doctor)",
                    "dim",
                )
            ],
        ]
    )


def _line(scene: Scene, flow: Flow, width: int) -> Row:
    row: Row = [(outside(flow.name, 24, scene.glyphs, middle=True), "text"), (f" {flow.state:<9}", "dim")]
    row.append((f" E {flow.energy:4.2f}" if flow.energy == flow.energy else " E    -", "strong"))
    row.append((f" {flow.rate:6.1f} tok/s" if flow.rate == flow.rate else "      - tok/s", "text"))
    return fit_row(row, width)
