"""The page: programs that make frames, one of them in full, how true wftop's own picture is, core and quality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render.palette import HEAT_STEPS
from wftui.tui.energy.flows import flows
from wftui.tui.frame import Row, fit_row
from wftui.tui.scene import Body, Scene, gap
from wftui.tui.ux_screen import details, programs, seen, story, truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.tui.drift import Line
    from wftui.tui.energy.streams import StreamsPage
    from wftui.tui.state import State

_SMALL: Final = 12
"""Lines below which each subject is a line."""
_SPACED: Final = 26
"""Lines from which on there are blank ones between subjects."""
_LANE: Final = 8
"""Lines of the page for one stream of the strip."""
_LANES: Final = 3
"""Streams on a small page at most."""
_EVIDENCE: Final = (
    "frames ux.frame.rate|p50|p95|p99|longest|jitter|low|jank|stability{mode}",
    "ux.frames.over|lost; parts, bottleneck and input: table frames, of ux.stage.duration",
    "fidelity wftop.fidelity.ratio|lag|coherence|seen|missed{mode}|particles|tokens{view}",
    "core ux.progression.level|points|rate|session, ux.core.up; quality: events quality.changed",
)


class UxPage:
    """Where the page stands. Plain data, no toolkit."""

    def __init__(self, streams: StreamsPage | None = None) -> None:
        """``streams``: whose flows are drawn as a strip, so that there is a picture whose truth can be told; None:
        there is no strip."""
        self._streams = streams
        self._strip = -1
        """Its first line; -1: there is none."""
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
        self._strip = -1
        right: Row = [(f"{len(found)} program{'' if len(found) == 1 else 's'}", "dim")] if found else []
        rows = (
            self._small(scene, width, height) if height < _SMALL else self._full(scene, width, height, len(views))
        )
        return Body(rows[:height], right)

    def _place(self) -> int:
        return self._listed.index(self.chosen) if self.chosen in self._listed else 0

    def _small(self, scene: Scene, width: int, height: int) -> list[Row]:
        found = seen.programs(scene.state)
        lanes = min(self._streaming(scene), max(0, height - 3 - max(1, len(found))), _LANES)
        room = max(1, height - 3 - lanes)
        first = max(0, min(self._place(), len(found) - room))
        rows = [programs.brief(scene, program, width) for program in found[first : first + room]]
        rows = rows or programs.nothing(scene, width)[:room]
        rows.append(truth.brief(scene, width))
        rows += self._flowing(scene, width, lanes, len(rows))
        return [*rows, story.core(scene, width), *story.adaptation(scene, width, 1)]

    def _full(self, scene: Scene, width: int, height: int, views: int) -> list[Row]:
        found = seen.programs(scene.state)
        spaced = height >= _SPACED
        told = 1 + (3 if height >= _SPACED else 2) * max(1, min(views, height // 12))
        log = 1 + (min(4, height // 10) if spaced else 0)
        listed = min(len(found), max(2, height // 5))
        lanes = min(self._streaming(scene), height // _LANE)
        bottom = lanes + told + 1 + log + 2 * spaced + len(_EVIDENCE) * self.evidence
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
        spare = max(0, height - bottom - len(rows)) if found else 0
        more = min(spare, self._streaming(scene) - lanes)
        lanes += more
        rows += [[gap(width)]] * (spare - more) if found else blank
        rows += [*blank, truth.heading(width), *truth.lines(scene, width, told - 1)]
        seen_until = height - len(_EVIDENCE) * self.evidence
        rows += self._flowing(scene, width, min(lanes, seen_until - len(rows)), len(rows))
        rows += [*blank, story.core(scene, width), *story.adaptation(scene, width, log)]
        if self.evidence:
            rows = rows[: height - len(_EVIDENCE)]
            rows += [fit_row([(words[:width], "faint")], width) for words in _EVIDENCE]
        return rows

    @property
    def moves(self) -> bool:
        """Whether streams flow on it."""
        return self._strip >= 0

    @property
    def above(self) -> int:
        """Lines before the strip."""
        return max(0, self._strip)

    def note(self, state: State) -> None:
        """All is told to the page of streams."""

    def moved(self, at_s: float, scene: Scene, hz: float) -> Mapping[int, Line]:
        """Lines of the strip."""
        if self._strip < 0 or self._streams is None:
            return {}
        return {line + self._strip: row for line, row in self._streams.moved(at_s, scene, hz).items()}

    def travelling(self) -> Mapping[int, Line]:
        """The same, as they stand."""
        if self._strip < 0 or self._streams is None:
            return {}
        return {line + self._strip: row for line, row in self._streams.travelling().items()}

    def _streaming(self, scene: Scene) -> int:
        """Streams that the strip could show."""
        return len(flows(scene.state)) if self._streams is not None else 0

    def _flowing(self, scene: Scene, width: int, height: int, line: int) -> list[Row]:
        """The strip, which begins at ``line``."""
        rows = self._streams.strip(scene, width, height) if self._streams is not None else []
        self._strip = line if rows else -1
        return rows

    def scroll(self, step: int) -> None:
        """Another program in full."""
        if self._listed:
            self.chosen = self._listed[max(0, min(len(self._listed) - 1, self._place() + step))]

    def do(self, what: str) -> str:
        """``evidence``: which series each number is of."""
        if what == "evidence":
            self.evidence = not self.evidence
        return ""
