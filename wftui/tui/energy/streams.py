"""The page of streams: a lane for each stream of tokens, drawn from what the recorder computed of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from wftui.render import graph, text
from wftui.render.palette import GLOW_STEPS, HEAT_STEPS
from wftui.tui.drift import Drift, Line
from wftui.tui.energy import evidence, weave, words
from wftui.tui.energy.belt import Belt
from wftui.tui.energy.claims import Claims, Shown
from wftui.tui.energy.field import Field
from wftui.tui.energy.flows import Flow, flows
from wftui.tui.energy.intake import Intake, speed
from wftui.tui.energy.places import places
from wftui.tui.frame import Row, fit_row
from wftui.tui.history import NAN
from wftui.tui.panels import parts
from wftui.tui.panels.window import Window
from wftui.tui.scene import Body, Scene, gap
from wftui.tui.state import text_of
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.tui.flow import Flow as Control
    from wftui.tui.state import State

_HEIGHTS: Final = (5, 3)
"""Lines of a lane: an odd number has a middle one."""
_GRAPH: Final = 3
_HIGHEST: Final = 10
"""Lines of the graph below the lanes, at least and at most."""
_WORDS_S: Final = 0.1
"""So often the numbers of a lane that moves are written anew …"""
_TURNS: Final = 6
"""… in one of so many frames."""
_STILL_S: Final = 0.1
"""After so long without a frame of the clock, time passes by what is told."""
_LONGEST_S: Final = 1.5
"""After a longer pause belts do not jump."""
_SECONDS: Final = 60


class _Lane:
    """A lane as it stands on the screen."""

    def __init__(self, key: str, line: int, flow: weave.Woven, left: int, right: list[Row]) -> None:
        self.key = key
        self.line = line
        self.belt = flow.belt
        self.left_width = left
        self.left: list[Row] = []
        self.flow = flow
        self.right = right
        self.worded_s = -math.inf

    def line_of(self, row: int) -> Drift:
        """One of its lines."""
        flow, right = self.flow, self.right
        return Drift(
            self.left[row], flow.texts[row], flow.inks[row], [gap(2), *right[row]] if right else [],
            roles=flow.roles, travelled=flow.travelled, column=self.left_width,
        )  # fmt: skip

    def follow(self, flow: Flow, glows: int) -> list[int]:
        """Bring what flows to where it is now; the rows that look otherwise than before."""
        # A stream that goes as it is used to has half of the height.
        return self.flow.follow(flow.share / 2, flow.energy, glows)


class StreamsPage:
    """What moves on the page, and where it stands. Plain data, no toolkit."""

    def __init__(self) -> None:
        self.shades = HEAT_STEPS
        self.top = 0
        """First lane shown; first line of the evidence."""
        self.evidence = False
        self.heard = True
        """Whether the terminal acknowledges frames."""
        self.field = Field()
        self._intake = Intake(self.field)
        self._claims = Claims.asked()
        self._lanes: list[_Lane] = []
        self._at_s = NAN
        self._frame = 0
        self._ascii = False
        self._moving = False

    above = 0

    @property
    def moves(self) -> bool:
        """Whether there is a flow on it."""
        return not self.evidence

    # ---- readings

    def take(self, state: State, message: wire.Message, at_s: float, wall_ns: int) -> None:
        """A message of the feed that ``state`` has taken in, while the page is looked at."""
        self._intake.take(state, message, at_s, wall_ns)
        if not at_s - self._at_s < _STILL_S:
            self._advance(at_s)

    def note(self, state: State) -> None:
        """All is told by ``take``."""

    def hidden(self) -> None:
        """Nobody looks at the page: what is computed meanwhile is not its picture's."""
        self._intake.forget()

    # ---- what keys do

    def scroll(self, step: int) -> None:
        """Other lanes, where not all fit; drawing keeps it in bounds."""
        self.top = max(0, self.top + step)

    def do(self, what: str) -> str:
        """An action of screen 9; what to say of it."""
        if what == "evidence":
            self.evidence = not self.evidence
            self.top = 0
        return ""

    # ---- frames

    def draw(self, scene: Scene, width: int, height: int) -> Body:
        """The inside of the page."""
        found = flows(scene.state)
        self._ascii = scene.glyphs.ascii_only
        past = scene.replay is not None
        self._intake.narrow(None)
        if not found:
            self._leave(past=past)
            return _nothing(scene, width)
        count: Row = [(f"{len(found)} stream{'s' if len(found) > 1 else ''}", "dim")]
        if self.evidence:
            self._leave(past=past)
            rows = evidence.rows(scene, found, self.field, width, moving=self._moving)
            self.top = max(0, min(self.top, len(rows) - height))
            return Body(rows[self.top : self.top + height], count)
        return self._flows(scene, found, width, height, count, past=past)

    def strip(self, scene: Scene, width: int, height: int) -> list[Row]:
        """A line for each stream, on another page; those for which there is none are no part of the picture."""
        found = flows(scene.state)
        self._ascii = scene.glyphs.ascii_only
        past = scene.replay is not None
        visible = found[: max(0, height)]
        self._intake.narrow(frozenset(flow.key for flow in visible) if len(visible) < len(found) else None)
        if not visible:
            self._leave(past=past)
            return []
        columns = words.columns(visible, width, 1)._replace(right=0)
        columns = columns._replace(flow=max(0, width - columns.left))
        before = self._woven()
        self._lanes = []
        self._place(visible, found, columns.flow, 1, past=past)
        return [
            row
            for at, flow in enumerate(visible)
            for row in self._lane(scene, flow, columns, 1, at, before, past=past)
        ]

    def _flows(
        self, scene: Scene, found: tuple[Flow, ...], width: int, height: int, count: Row, *, past: bool
    ) -> Body:
        ruled = height >= 9
        summed = 2 if height >= 6 else 0
        room = height - summed - 2 * ruled
        place = places(room, len(found), _HEIGHTS)
        flow_height, tall, shown = place.height, place.height + place.gap, place.shown
        self.top = max(0, min(self.top, len(found) - shown))
        visible = found[self.top : self.top + shown]
        columns = words.columns(visible, width, flow_height)
        left, middle, _ = columns
        rows: list[Row] = [words.heads(columns, brief=flow_height == 1)] if ruled else []
        before = self._woven()
        self._lanes = []
        self._place(visible, found, middle, flow_height, past=past)
        for at, flow in enumerate(visible):
            rows += self._lane(scene, flow, columns, flow_height, len(rows), before, past=past)
            spare: list[Row] = [[] for _ in range(tall - flow_height)]
            if spare and at + 1 < len(visible):
                spare[-1] = words.between(
                    scene, flow, visible[at + 1], left, middle, self.field.quality, self._glows
                )
            rows += spare
        rows = rows[: ruled + place.lines]
        if summed:
            below = [
                words.ensemble(scene, width),
                *_together(scene, columns, room - place.lines - 2),
                self._account(width, past=past),
            ]
            while len(rows) + len(below) < height - ruled:
                rows.append([])
            rows += below
        if ruled:
            rows.append(words.legend(scene, width))
        if shown < len(found):
            count = [(f"{shown} of {len(found)} streams", "dim")]
        return Body(rows, count)

    def _woven(self) -> dict[Belt, weave.Woven]:
        """The flows of the lanes as they were drawn last."""
        return {lane.belt: lane.flow for lane in self._lanes if lane.flow.ascii_only == self._ascii}

    def _lane(
        self, scene: Scene, flow: Flow, columns: words.Columns, height: int, line: int,
        before: Mapping[Belt, weave.Woven], *, past: bool,
    ) -> list[Row]:  # fmt: skip
        """A lane that begins at ``line``; ``before``: what the lanes' flows were."""
        belt = self._belt(flow, columns.flow, height, past=past)
        trace = _trace(scene, flow, columns.right, height) if columns.right else []
        woven = before.get(belt) or weave.Woven(belt, ascii_only=self._ascii)
        lane = _Lane(flow.key, line, woven, columns.left, trace)
        self._words(scene, lane, flow)
        # Not all in one frame: each takes its turn.
        lane.worded_s = self._at_s - _WORDS_S * (len(self._lanes) % _TURNS) / _TURNS
        lane.follow(flow, self._glows)
        self._lanes.append(lane)
        return [list(lane.line_of(row)) for row in range(height)]

    def moved(self, at_s: float, scene: Scene, hz: float) -> Mapping[int, Line]:  # noqa: ARG002  time is told
        """Lines that are another at this moment, by their place in what ``draw`` returned."""
        self._moving = True
        self._advance(at_s)
        known = {flow.key: flow for flow in flows(scene.state)}
        glows = self._glows
        out: dict[int, Line] = {}
        for lane in self._lanes:
            flow = known.get(lane.key)
            if flow is None:
                continue
            others = lane.follow(flow, glows)
            if at_s - lane.worded_s >= _WORDS_S:
                lane.worded_s = at_s
                left = lane.left
                self._words(scene, lane, flow)
                others += [row for row, words in enumerate(lane.left) if words != left[row]]
            for row in others:
                out[lane.line + row] = lane.line_of(row)
        return out

    def travelling(self) -> Mapping[int, Line]:
        """The lines of the lanes as they stand, by their place in what ``draw`` returned."""
        return {lane.line + row: lane.line_of(row) for lane in self._lanes for row in range(lane.belt.height)}

    def hear(self, control: Control, at_s: float) -> None:
        """Take over what the terminal has acknowledged."""
        for frame, at_ns in control.take_taken():
            self.field.acknowledged(frame, at_ns / NS_PER_S)
        self.field.void(control.void, at_s)

    def drew(self, control: Control, at_s: float, *, owed: bool, line: int, column: int) -> None:
        """A frame with the page was made.

        Args:
            control: Of the terminal; a frame that was given to it has a new number.
            at_s: When.
            owed: The terminal had no room for it.
            line: Of the terminal, from 0, where the page begins.
            column: The same.
        """
        if owed:
            self.field.refused(at_s)
        elif control.frames != self._frame:
            self._frame = control.frames
            first = self.field.sent(control.frames)
            if self._claims is not None:
                lanes = [
                    Shown(lane.key, line + lane.line, column + lane.left_width, lane.belt, lane.flow.share)
                    for lane in self._lanes
                ]
                self._claims.write(control.frames, at_s, self.field, first, lanes, ascii_only=self._ascii)

    def picture(self, at_s: float) -> wire.Picture:
        """What the recorder is told once a second."""
        field = self.field
        look = field.fidelity.look(at_s)
        return wire.Picture(
            seen=field.fidelity.seen,
            missed=dict(field.missed),
            ratio=_known(look.ratio),
            coherence=_known(look.coherence),
            lag_s=_known(field.lag_s()),
            particles=field.particles,
            tokens=field.per_particle,
            lost={cause: units / look.computed for cause, units in look.missed.items()},
        )

    # ---- inside

    @property
    def _glows(self) -> int:
        """Steps of brightness: fewer where the terminal or wftop itself has to spare."""
        shades = GLOW_STEPS if self.shades >= HEAT_STEPS else GLOW_STEPS // 2
        return max(2, round(shades * math.sqrt(self.field.quality)))

    def _advance(self, at_s: float) -> None:
        passed = at_s - self._at_s
        self._at_s = at_s
        self.field.advance(at_s, passed if 0 < passed < _LONGEST_S else 0.0)

    def _place(
        self, visible: tuple[Flow, ...], found: tuple[Flow, ...], width: int, height: int, *, past: bool
    ) -> None:
        """Give the lanes that are shown their room on the field, and those that are not none."""
        if past:
            return
        field = self.field
        field.keep(flow.key for flow in found)
        for flow in found:
            if flow not in visible:
                field.fit(flow.key, 0, 0, (0,))
                continue
            rows = weave.covered(flow.share / 2, height)
            belt = field.belt(flow.key)
            belt.rows, belt.speed = rows, speed(flow)
            if belt.per_particle(flow.rate) > 1:
                rows = weave.covered(1.0, height)
            field.fit(flow.key, width, height, rows)
        if self._at_s == self._at_s:
            field.advance(self._at_s, 0.0)

    def _belt(self, flow: Flow, width: int, height: int, *, past: bool) -> Belt:
        if not past:
            return self.field.belt(flow.key)
        # Particles of the past are not kept, and none are invented.
        belt = Belt()
        belt.fit(width, height)
        return belt

    def _leave(self, *, past: bool) -> None:
        """No lane is shown."""
        self._lanes = []
        if not past:
            for key in self.field.keys:
                self.field.fit(key, 0, 0, (0,))

    def _words(self, scene: Scene, lane: _Lane, flow: Flow) -> None:
        per = self.field.per(flow.key) if scene.replay is None else 0
        lane.left = words.lane(scene, flow, per, lane.left_width, lane.belt.height)

    def _account(self, width: int, *, past: bool) -> Row:
        if past:
            said = "the past is kept once a second: ribbons are those of then, particles are not kept"
            said = said if len(said) <= width else "ribbons of then; particles are not kept"
            return fit_row([(said, "dim")], width)
        at_s = self._at_s if self._at_s == self._at_s else 0.0
        return words.account(self.field, at_s, width, heard=self.heard)


def _together(scene: Scene, columns: words.Columns, spare: int) -> list[Row]:
    """E of all together over the last minutes, in the lines that the lanes leave."""
    if spare < _GRAPH:
        return []
    height = min(_HIGHEST, spare)
    room = columns.flow + (columns.right and columns.right + 2)
    window = Window(scene.state, room, 0)
    values = window.past("ux.ensemble.energy")
    recorded = window.past("system.cpu.utilization")
    levels = graph.levels(values, 1.0, height, window.ahead)
    for at, (value, known) in enumerate(zip(values, recorded, strict=True)):
        if value != value and known == known:
            levels[at] = graph.BLANK  # no answer was under way: not unknown as in a gap
    lines = graph.rows(levels, height, ascii_only=scene.glyphs.ascii_only)
    rows = [
        parts.swept(scene, [(line, weave.glow((height - at - 0.5) / height))], room)
        for at, line in enumerate(lines)
    ]
    marks = {0: "1", height // 2: f"E of all, {text.duration(window.span)}", height - 1: "0"}
    return [
        [(f"{marks.get(at, ''):>{columns.left - 1}.{columns.left - 1}} ", "faint"), *row]
        for at, row in enumerate(rows)
    ]


def _trace(scene: Scene, flow: Flow, width: int, height: int) -> list[Row]:
    """E of the last minute, by brightness."""
    values = scene.state.seconds(text_of("ux.stream.energy", *flow.labels), min(_SECONDS, 2 * width))
    lines = graph.rows(graph.levels(values, 1.0, height), height, ascii_only=scene.glyphs.ascii_only)
    return [[(line, weave.glow((height - at - 0.5) / height))] for at, line in enumerate(lines)]


def _nothing(scene: Scene, width: int) -> Body:
    if scene.replay is not None:
        return Body([[("no stream of tokens was known at this moment", "dim")]])
    wide = width >= 76
    lines = (
        "no stream of tokens is known" + (": nothing flows where nobody tells" if wide else ""),
        "",
        "tokens are told by",
        "  a program     TokenStream of wftui.client, or JSON lines on push.sock (docs/push.md)",
        "  wftop proxy   whatever passes through it, from any client (docs/proxy.md)",
        "  a core        of WIRTHFORGE, once [core] names its address (docs/core.md)",
        "  a server      that counts its tokens and is found: screen 7 says which are (an estimate)",
    )
    return Body([[(line, "dim" if at else "text")] for at, line in enumerate(lines)])


def _known(value: float) -> float | None:
    return value if value == value else None
