"""The page: programs that make frames, one of them in full, how true wftop's own picture is, core and quality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render.palette import HEAT_STEPS
from wftui.tui.frame import Row, fit_row
from wftui.tui.scene import Body, Scene, gap
from wftui.tui.ux_screen import details, programs, seen, story, truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.tui.drift import Line
    from wftui.tui.state import State

_SMALL: Final = 12
"""Lines below which each subject is a line."""
_SPACED: Final = 26
"""Lines from which on there are blank ones between subjects."""
_EVIDENCE: Final = (
    "frames ux.frame.rate|p50|p95|p99|longest|jitter|low|jank|stability{mode}",
    "ux.frames.over|lost; parts, bottleneck and input: table frames, of ux.stage.duration",
    "fidelity wftop.fidelity.ratio|lag|coherence|seen|missed{mode}|particles|tokens{view}",
    "core ux.progression.level|points|rate|session, ux.core.up; quality: events quality.changed",
)


class UxPage:
    """Where the page stands. Plain data, no toolkit."""

    moves = False

    def __init__(self) -> None:
        self.shades = HEAT_STEPS
        self.chosen: tuple[str, str] = ("", "")
        """Label of the program that is shown in full; of none that is there: the first."""
        self.evidence = False
        self._listed: tuple[tuple[str, str], ...] = ()

    def draw(self, scene: Scene, width: int, height: int) -> Body:
        """The inside of the page."""
        found = seen.programs(scene.state)
        self._listed = tuple(program.label for program in found)
        views = seen.views(scene.state)
        right: Row = [(f"{len(found)} program{'' if len(found) == 1 else 's'}", "dim")] if found else []
        rows = (
            self._small(scene, width, height) if height < _SMALL else self._full(scene, width, height, len(views))
        )
        return Body(rows[:height], right)

    def _place(self) -> int:
        return self._listed.index(self.chosen) if self.chosen in self._listed else 0

    def _small(self, scene: Scene, width: int, height: int) -> list[Row]:
        found = seen.programs(scene.state)
        room = max(1, height - 3)
        first = max(0, min(self._place(), len(found) - room))
        rows = [programs.brief(scene, program, width) for program in found[first : first + room]]
        rows = rows or programs.nothing(scene, width)[:room]
        return [*rows, truth.brief(scene, width), story.core(scene, width), *story.adaptation(scene, width, 1)]

    def _full(self, scene: Scene, width: int, height: int, views: int) -> list[Row]:
        found = seen.programs(scene.state)
        spaced = height >= _SPACED
        told = 1 + (3 if height >= _SPACED else 2) * max(1, min(views, height // 12))
        log = 1 + (min(4, height // 10) if spaced else 0)
        listed = min(len(found), max(2, height // 5))
        bottom = told + 1 + log + 2 * spaced + len(_EVIDENCE) * self.evidence
        rows: list[Row] = []
        if found:
            place = self._place()
            first = max(0, min(place - listed + 1, len(found) - listed))
            rows.append(programs.heading(width))
            rows += [
                programs.line(scene, program, width, chosen=len(found) > 1 and at == place)
                for at, program in enumerate(found[first : first + listed], first)
            ]
            rows += [[gap(width)]] if spaced else []
            rows += details.draw(scene, found[place], width, height - len(rows) - bottom)
        else:
            rows += programs.nothing(scene, width)
        blank: list[Row] = [[gap(width)]] if spaced else []
        rows += [[gap(width)]] * max(0, height - bottom - len(rows)) if found else blank
        rows += [*blank, truth.heading(width), *truth.lines(scene, width, told - 1)]
        rows += [*blank, story.core(scene, width), *story.adaptation(scene, width, log)]
        if self.evidence:
            rows = rows[: height - len(_EVIDENCE)]
            rows += [fit_row([(words[:width], "faint")], width) for words in _EVIDENCE]
        return rows

    def note(self, state: State) -> None:
        """Nothing moves between two ticks."""

    def moved(self, at_s: float, scene: Scene, hz: float) -> Mapping[int, Line]:  # noqa: ARG002  as above
        """Nothing moves between two ticks."""
        return {}

    def scroll(self, step: int) -> None:
        """Another program in full."""
        if self._listed:
            self.chosen = self._listed[max(0, min(len(self._listed) - 1, self._place() + step))]

    def do(self, what: str) -> str:
        """``evidence``: which series each number is of."""
        if what == "evidence":
            self.evidence = not self.evidence
        return ""
