"""The page of power: a lane for each device that tells its power: its numbers, flow and last readings."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from wftui.render import graph, text
from wftui.render.palette import HEAT_STEPS, heat
from wftui.tui.drift import Drift, Line
from wftui.tui.energy import ribbon
from wftui.tui.energy.lanes import Lane, lanes
from wftui.tui.energy.places import places
from wftui.tui.frame import Row, fit_row, row_width
from wftui.tui.history import NAN
from wftui.tui.panels import parts
from wftui.tui.scene import Body, Scene, gap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wftui.tui.state import State

_HEIGHTS: Final = (5, 4, 3, 2)
"""Lines of a lane."""
_READINGS: Final = 120
"""Kept of each lane: 12 s at ten a second."""
_PHASE: Final = 0.618
_STAGGER_HZ: Final = 10.0
_LONGEST_S: Final = 0.5
"""After a longer pause the streams do not jump."""
UNLIMITED: Final = "cpu"
"""The colour of a device of which nobody says how much it may draw: it says nothing of much or little."""
FEW_SHADES: Final = 5
"""Of the colour scale, where the terminal does not keep up."""
_FLOW: Final = "f"


class PowerPage:
    """What moves on the page, and where it stands. Plain data, no toolkit."""

    moves = True
    above = 0

    def __init__(self) -> None:
        self.top = 0
        """First lane shown."""
        self.shades = HEAT_STEPS
        self._travelled: dict[str, float] = {}
        self._readings: dict[str, deque[float]] = {}
        self._stale: deque[str] = deque()
        self._at_s = NAN
        self._drawn: list[_Drawn] = []

    # ---- readings

    def note(self, state: State) -> None:
        """Take the newest power of every lane: its graph at the right grows by one reading."""
        waiting = set(self._stale)
        for lane in lanes(state):
            readings = self._readings.setdefault(lane.key, deque(maxlen=_READINGS))
            readings.append(lane.watts)
            if lane.key not in waiting:
                self._stale.append(lane.key)

    def readings(self, key: str, count: int) -> list[float]:
        """The last ``count`` readings; NaN before the first."""
        known = list(self._readings.get(key, ()))[-count:]
        return [NAN] * (count - len(known)) + known

    def travelled(self, key: str) -> float:
        """Cells that a stream has flowed. Each begins at another part of a cell: of equal ones, too, every frame
        moves a few and none moves all."""
        return self._travelled.setdefault(key, _PHASE * len(self._travelled))

    # ---- what keys do

    def do(self, what: str) -> str:  # noqa: ARG002  keys of other pages mean nothing here
        """An action of screen 9; what to say of it."""
        return ""

    def scroll(self, step: int) -> None:
        """Other lanes, where not all fit; drawing keeps it in bounds."""
        self.top = max(0, self.top + step)

    # ---- frames

    def draw(self, scene: Scene, width: int, height: int) -> Body:
        """The inside of the page."""
        return draw(scene, self, width, height)

    def drawn(self, placed: list[_Drawn]) -> None:
        """Remember where each lane stands."""
        self._drawn = placed

    def moved(self, at_s: float, scene: Scene, hz: float) -> Mapping[int, Line]:
        """Lines that are another at this moment, by their place in the body. A part of the graphs in each frame.

        Args:
            at_s: Seconds of a steady clock.
            scene: As the last whole frame had it, with newer values.
            hz: Frames a second.
        """
        passed = at_s - self._at_s
        self._at_s = at_s
        if not 0 < passed < _LONGEST_S:
            passed = 1.0 / hz if hz else 0.0
        known = {lane.key: lane for lane in lanes(scene.state)}
        turn = max(1, round(len(self._drawn) * _STAGGER_HZ / hz + 0.49)) if hz else len(self._drawn)
        fresh = {self._stale.popleft() for _ in range(min(turn, len(self._stale)))}
        out: dict[int, Line] = {}
        for place in self._drawn:
            lane = known.get(place.key)
            if lane is None:
                continue
            self._travelled[place.key] = self.travelled(place.key) + passed * ribbon.speed(lane.share)
            if place.key in fresh:
                place.right = trace(scene, self, lane, place.right_width, place.height)
            if place.flows(scene, self, lane) or place.key in fresh:
                out.update(place.lines())
        return out

    def travelling(self) -> Mapping[int, Line]:
        """The lines of the lanes as they stand, by their place in the body."""
        return {line: row for place in self._drawn for line, row in place.lines()}


class _Drawn:
    """A lane as it stands on the screen."""

    def __init__(self, key: str, line: int, width: int, height: int, right_width: int) -> None:
        self.key = key
        self.line = line
        self.width = width
        self.height = height
        self.right_width = right_width
        self.left: list[Row] = []
        self.texts: tuple[str, ...] = ()
        self.ink = ""
        self.travelled = 0
        self.right: list[Row] = []

    def flows(self, scene: Scene, screen: PowerPage, lane: Lane) -> bool:
        """Bring its flow to where it is now; whether that looks otherwise than before."""
        at, before = screen.travelled(self.key), (self.texts, self.ink)
        self.texts = ribbon.texts(
            lane.share, self.width, self.height, at, ascii_only=scene.glyphs.ascii_only
        )  # fmt: skip
        self.ink = ribbon.ink(lane.share, shades=screen.shades, role=role_of(lane))
        self.travelled = int(at)
        return self.texts is not before[0] or self.ink != before[1]

    def lines(self) -> list[tuple[int, Drift]]:
        """Its lines in the body."""
        roles = {_FLOW: self.ink}
        inks = _FLOW * self.width
        return [
            (
                self.line + at,
                Drift(
                    self.left[at], words, inks, [gap(2), *self.right[at]] if self.right_width else [],
                    roles=roles, travelled=self.travelled,
                ),
            )
            for at, words in enumerate(self.texts)
        ]  # fmt: skip


def draw(scene: Scene, screen: PowerPage, width: int, height: int) -> Body:
    """The inside of the page."""
    found = lanes(scene.state)
    if not found:
        return _nothing(scene)
    ruled = height >= 8
    room = height - 2 * ruled - (1 if height >= 5 else 0)
    fit = places(room, len(found), _HEIGHTS)
    flow_height, tall, shown = fit.height, fit.height + fit.gap, fit.shown
    screen.top = max(0, min(screen.top, len(found) - shown))
    left = 31 if width >= 100 else 25 if width >= 66 else min(width, 18)
    right = 30 if width >= 130 else 18 if width >= 100 else 0
    middle = max(0, width - left - (right + 2 if right else 0))
    rows: list[Row] = []
    if height >= 5:
        rows.append(_total(found, width))
    if ruled:
        rows.append(_heads(left, middle, right))
    placed = []
    for lane in found[screen.top : screen.top + shown]:
        place = _Drawn(lane.key, len(rows), middle, flow_height, right)
        place.left = _words(scene, lane, left, flow_height)
        place.flows(scene, screen, lane)
        place.right = trace(scene, screen, lane, right, flow_height)
        placed.append(place)
        rows += [list(line) for _, line in place.lines()]
        rows += [[] for _ in range(tall - flow_height)]
    rows = rows[: len(rows) - fit.gap]
    screen.drawn(placed)
    if ruled:
        while len(rows) < height - 1:
            rows.append([])
        rows.append(_evidence(scene, width))
    more = len(found) - shown
    note: Row = [(f"{shown} of {len(found)} shown", "dim")] if more else [(f"{len(found)} devices", "dim")]
    return Body(rows, note)


def role_of(lane: Lane) -> str:
    """The one colour of a lane without a limit; empty: that of its share."""
    return "" if lane.limit > 0 else UNLIMITED


def trace(scene: Scene, screen: PowerPage, lane: Lane, width: int, height: int) -> list[Row]:
    """The last readings of a lane as a graph, two a cell."""
    state = scene.state
    if not width:
        return []
    values = screen.readings(lane.key, 2 * width)
    if not any(value == value for value in values):
        # Nothing came since the screen was opened, or it shows the past: then the last seconds of that.
        values = state.seconds(lane.key, 2 * width)
    lines = graph.rows(graph.levels(values, lane.top, height), height, ascii_only=scene.glyphs.ascii_only)
    if role := role_of(lane) or (heat(lane.share, "power") if height == 1 else ""):
        # A single line has no height that a colour could be of.
        return [[(line, role)] for line in lines]
    return [[(line, heat((height - 1 - at + 0.7) / height, "power"))] for at, line in enumerate(lines)]


def _nothing(scene: Scene) -> Body:
    if scene.replay is not None:
        return Body([[("no device told its power at this moment", "dim")]])
    return Body(
        [
            [("no device on this machine tells its power", "dim")],
            [("GPUs tell it through their driver, CPU packages through powercap; wftop doctor says what", "dim")],
            [("is missing and why. wftop --demo shows this screen with eight GPUs", "dim")],
        ]
    )


def _total(found: Sequence[Lane], width: int) -> Row:
    row: Row = []
    for label, prefix in (("gpus", "gpu "), ("cpus", "cpu")):
        those = [lane for lane in found if lane.name.startswith(prefix)]
        told = [lane.watts for lane in those if lane.watts == lane.watts]
        if not those:
            continue
        limits = [lane.limit for lane in those]
        row += [(f"{label} ", "dim"), (text.watts(sum(told) if told else NAN).strip(), "strong")]
        if told and all(limit == limit for limit in limits):
            row.append((f" of {text.watts(sum(limits)).strip()}", "dim"))
        if len(told) < len(those):
            row.append((f" ({len(told)} of {len(those)} tell)", "warn"))
        row.append(gap(4))
    return fit_row(row, width)


def _heads(left: int, middle: int, right: int) -> Row:
    row: Row = [(f"{'device':<{left}}", "faint"), (f"{'flow':<{middle}.{middle}}", "faint")]
    if right:
        row += [gap(2), (f"{'last readings':<{right}.{right}}", "faint")]
    return row


def _words(scene: Scene, lane: Lane, width: int, lines: int) -> list[Row]:
    """A lane's numbers, ``width`` cells with the gap behind them."""
    watts = parts.figure(text.watts(lane.watts))
    if lines == 1 or width < 25:
        room = width - len(watts[0]) - 2
        share: Row = (
            [parts.percent(lane.share, heat(lane.share, "power")), gap(1)] if room >= 14 and lane.limit > 0 else []
        )
        room -= row_width(share)
        name = lane.name if len(lane.name) <= room else lane.name.removeprefix("gpu ")
        rows: list[Row] = [[(f"{name:<{room}.{room}} ", "text"), *share, watts, gap(1)]]
    else:
        rows = [[(f"{lane.name:<7.7}", "strong"), (f"{lane.what:<{width - 8}.{width - 8}}", "dim"), gap(1)]]
        limited = lane.limit > 0
        limit = f" of {text.watts(lane.limit).strip()}" if limited else " no limit known"
        shown: Row = [watts, (limit, "dim" if limited else "faint")]
        if limited:
            share_words = text.percent(lane.share).strip()
            shown.append((f"{share_words:>{max(1, width - 2 - row_width(shown))}}", heat(lane.share, "power")))
        rows.append([*fit_row(shown, width - 1), gap(1)])
        how = f"{scene.glyphs.about}{lane.how}" if lane.how in ("average", "from energy") else lane.how
        last: Row = [("busy ", "dim"), parts.percent(lane.busy, "text"), gap(2)]
        last.append((lane.trouble, "warn") if lane.trouble else (how, "faint"))
        rows.append(last)
    rows += [[] for _ in range(lines - len(rows))]
    return [fit_row(row, width) for row in rows[:lines]]


def _evidence(scene: Scene, width: int) -> Row:
    said = "thickness, speed and colour: power of its limit (hw.gpu.power, hw.power)"
    if len(said) > width:
        said = "thickness, speed, colour: power"
    more = " · streaks only mark the flow · f full motion"
    if len(said) + len(more) <= width:
        said += more.replace("·", scene.glyphs.separator)
    return [(said[:width], "faint")]
