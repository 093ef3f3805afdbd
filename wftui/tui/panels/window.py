"""The half columns of a graph: which seconds each of them stands for, and the values of a series there.

Up to ten minutes come second by second from what the view keeps (in the past from the blocks around the cursor);
what is older comes from the recorder in columns: ``wftui.tui.far``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from wftui.render import text as words
from wftui.render.graph import BLANK, GAP
from wftui.tui.far import fresh, step_for
from wftui.tui.frame import row_width
from wftui.tui.history import CAPACITY, NAN, Sampled
from wftui.tui.layout import TITLES
from wftui.tui.panels import parts
from wftui.tui.scene import keep
from wftui.tui.state import text_of
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.frame import Row
    from wftui.tui.scene import Scene
    from wftui.tui.state import State

_STAMPS: Final = (60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400)
"""Seconds between two times of day on an axis."""
_APART: Final = 8
"""Cells between them at least."""
_NARROW: Final = 12
"""Below it an axis has no room for them."""
_QUIET: Final = frozenset({"view.attached", "view.detached"})


class Window:
    """How many seconds a half column stands for, or how many of them a second takes."""

    def __init__(self, state: State, width: int, seconds: int) -> None:
        """``width``: columns; ``seconds``: at least so much of the past, 0: a second a half column."""
        self._state = state
        self._halves = halves = 2 * width
        wanted = seconds or halves
        self.step = step_for(wanted) if seconds else 1
        """Seconds of one value."""
        values = -(-wanted // self.step)
        many = max(1, -(-values // halves))
        self.each = many * self.step
        """Seconds that a half column covers."""
        self.repeat = max(1, halves // values) if many == 1 else 1
        self.span = halves * self.each // self.repeat
        if self.step == 1:
            self.span = min(self.span, CAPACITY)
        self.ahead = state.ahead * self.repeat if self.each == 1 else 0
        """Half columns at the right that are still to come."""
        self.zoomed = not self.each == self.repeat == 1
        """Whether a cell stands for anything but two seconds."""
        self._sampled: dict[str, Sampled] = {}

    @property
    def cell_s(self) -> float:
        """Seconds of a column."""
        return 2 * self.each / self.repeat

    def past(self, name: str, *labels: tuple[str, str]) -> list[float]:
        """The mean of each half column; NaN = gap."""
        text = text_of(name, *labels) if labels else name
        if not self.zoomed:
            return self._state.seconds(text, self._halves, self._state.ahead)
        return self.sampled(text).mean

    def sampled(self, text: str, _: Sequence[int] = ()) -> Sampled:
        """Lowest, mean and highest value of each half column."""
        found = self._sampled.get(text)
        if found is None:
            found = self._sampled[text] = self._far(text) if self.step > 1 else self._near(text)
        return found

    def _near(self, text: str) -> Sampled:
        """From the seconds that the view keeps."""
        halves, each = self._halves, self.each
        if each == 1:
            values = self._state.seconds(text, -(-halves // self.repeat), self._state.ahead)
            shown = [value for value in values for _ in range(self.repeat)][-halves:]
            return Sampled(shown, shown, shown)
        # Columns begin on whole multiples: a value stays in its column while that wanders to the left.
        state = self._state
        last = state.slot % each + 1

        def whole() -> Sampled:
            return _gathered(state.seconds(text, (halves - 1) * each + last)[:-last], each)

        # One of a series is kept, whatever sizes the terminal goes through.
        made_of = halves, each, state.slot // each, id(state.histories.get(text))
        return _joined(keep(state, f"past of {text}", made_of, whole), self._newest(text, last))

    def _far(self, text: str) -> Sampled:
        """Older values from the recorder, the newest from the seconds that the view keeps."""
        state, each = self._state, self.each
        end = state.tick.time_s if state.tick is not None else state.slot
        count = -(-self._halves // self.repeat)
        now = end // each

        def whole() -> Sampled:
            return self._told(text, end, now - count + 1, now)

        made_of = count, each, now, id(state.histories.get(text)), state.far.version
        done = keep(state, f"past of {text}", made_of, whole)
        last = end % each + 1
        newest = self._newest(text, last) if each <= CAPACITY else self._told(text, end, now, now + 1)
        shown = _joined(done, newest)
        if self.repeat == 1:
            return shown
        return Sampled(*([value for value in part for _ in range(self.repeat)][-self._halves :] for part in shown))

    def _newest(self, text: str, seconds: int) -> Sampled:
        """The last column, so far."""
        return _gathered(self._state.seconds(text, seconds), seconds)

    def _told(self, text: str, end: int, first: int, until: int) -> Sampled:
        """The columns [first, until), the graph ending with ``end`` (seconds of UTC)."""
        state, step = self._state, self.step
        many = self.each // step
        begin, beyond = first * many, until * many
        kept = min(beyond, max(begin, fresh(end, step)))
        far = state.far.told(text, step, begin, kept - begin)
        seconds = state.seconds(text, end - kept * step + 1)
        near = _gathered(seconds[: (beyond - kept) * step], step)
        if any(value != value for value in near.mean):
            # The view runs for a shorter time than the recorder, or was cut off from it.
            also = state.far.held(text, step, kept, len(near.mean))
            near = Sampled(
                *([b if a != a else a for a, b in zip(*two, strict=True)] for two in zip(near, also, strict=True))
            )
        found = _joined(far, near)
        if many == 1:
            return found
        low, mean, high = (_pieces(part, many) for part in found)
        return Sampled(
            [min(piece, default=NAN) for piece in low],
            [sum(piece) / len(piece) if piece else NAN for piece in mean],
            [max(piece, default=NAN) for piece in high],
        )

    # ---- drawn

    def area(
        self,
        scene: Scene,
        values: list[float],
        maximum: float,
        height: int,
        roles: Sequence[str] | str | None = None,
        *,
        down: bool = False,
        scale: str = "",
    ) -> list[Row]:
        """``parts.area`` of these half columns."""
        return parts.area(
            self.scene(scene), values, maximum, height, roles, down=down, scale=scale, ahead=self.ahead
        )

    def spark(self, scene: Scene, values: Sequence[float], width: int, maximum: float, role: str) -> Row:
        """``parts.spark`` of these half columns."""
        return parts.spark(scene, values, width, maximum, role, self.ahead)

    def ruler(self, scene: Scene, columns: int) -> Row:
        """Times of day under the graph, with marks where events were."""
        if not self.zoomed:
            return parts.ruler(scene, columns)
        state = scene.state
        if state.tick is None or columns < _NARROW:
            return [(" " * columns, "faint")]
        begin = self.end() - columns * self.cell_s
        line = [" "] * columns
        marks = set()
        for event in reversed(state.events):
            cell = int((event.time_ns / NS_PER_S - begin) // self.cell_s)
            if cell < 0:
                break
            if cell < columns and event.type not in _QUIET:
                marks.add(cell)
        between = next((step for step in _STAMPS if step >= _APART * self.cell_s), _STAMPS[-1])
        east = time.localtime(state.tick.time_s).tm_gmtoff
        stamp = -(-(begin + east) // between) * between - east
        while (cell := int((stamp - begin) // self.cell_s)) < columns:
            said = scene.glyphs.tick + words.clock(stamp)[:5]
            # A time with a mark in it would read as another one: the tick alone says where it is.
            if marks.intersection(range(cell, cell + len(said))):
                said = scene.glyphs.tick
            if cell + len(said) <= columns:
                line[cell : cell + len(said)] = said
            stamp += between
        return parts.marked(scene, line, marks)

    def end(self) -> int:
        """Where the last column ends, in seconds of UTC."""
        state = self._state
        newest = state.tick.time_s if state.tick is not None else state.slot
        if self.each == 1:
            return newest + state.ahead + 1
        now = newest if self.step > 1 else state.slot
        return newest + self.each - now % self.each

    def scene(self, scene: Scene) -> Scene:
        """A graph is written over in place only where a cell is two seconds."""
        return scene._replace(sweep=False) if self.zoomed and scene.sweep else scene

    def holes(self, sampled: Sequence[Sampled]) -> list[int]:
        """0, ``GAP`` where nothing was recorded inside what is known, ``BLANK`` before and after it."""
        out, hole = [], BLANK
        for place in range(self._halves):
            known = any(item.mean[place] == item.mean[place] for item in sampled)
            hole = GAP if known else hole
            out.append(0 if known else hole)
        if self.ahead:
            out[-self.ahead :] = [BLANK] * self.ahead
        return out


def _gathered(values: list[float], each: int) -> Sampled:
    low, mean, high = [], [], []
    for place in range(0, len(values), each):
        part = values[place : place + each]
        total = sum(part)
        if total != total:
            part = [value for value in part if value == value]
            total = sum(part)
        low.append(min(part, default=NAN))
        mean.append(total / len(part) if part else NAN)
        high.append(max(part, default=NAN))
    return Sampled(low, mean, high)


def _joined(first: Sampled, then: Sampled) -> Sampled:
    return Sampled(*([*old, *new] for old, new in zip(first, then, strict=True)))


def _pieces(values: list[float], many: int) -> list[list[float]]:
    """The known ones of each ``many`` values."""
    return [
        [value for value in values[place : place + many] if value == value]
        for place in range(0, len(values), many)
    ]


def window(scene: Scene, panel: str, width: int) -> Window:
    """The past on a panel of its own name, over ``width`` columns."""
    state = scene.state
    # Keys go on from what was drawn last.
    state.spans[panel] = 2 * width
    return Window(state, width, scene.plan.length(panel))


def said(scene: Scene, panel: str, right: Row, width: int) -> Row:
    """What stands in the frame of a panel that is ``width`` columns inside.

    How long the past is, where a length was chosen; then ``right``, if both fit.
    """
    seconds = scene.plan.length(panel)
    if not seconds:
        return right
    from wftui.tui.timeline.figures import step_words  # here: few choose one

    length: Row = [(step_words(seconds), "text")]
    both: Row = [*length, (f" {scene.glyphs.separator} ", "dim"), *right]
    # The title with its key and the line beside it.
    return both if right and row_width(both) <= width - len(TITLES[panel]) - 5 else length
