"""The timeline's numbers at its cursor: their values then, and how they were known then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.errors import ProtocolError
from wftui.tui.history import NAN
from wftui.tui.provenance.cells import ASKING
from wftui.tui.timeline.window import Grid
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from wftui.model.sample import Column
    from wftui.tui.timeline.asker import Ask
    from wftui.tui.timeline.model import Timeline


class AtCursor:
    """One column of the timeline, held while the dialog about it is open.

    The buckets tell its values; how a number was known then is asked for, because a range tells that of one of its
    moments only.
    """

    def __init__(self, timeline: Timeline) -> None:
        grid = timeline.grid(timeline.now_ns)
        self._timeline = timeline
        self._newest = timeline.window.cursor_ns is None
        self._grid = Grid(grid.begin(timeline.window.cursor(grid)), grid.column_ns, 1)
        self._then: dict[str, Column] | None = None
        """Text to column as recorded then; None: not told."""
        self.doubt = ASKING
        """Why qualities may not be those of then; empty: they are."""

    @property
    def begin_ns(self) -> int:
        """Where the column begins (UTC)."""
        return self._grid.start_ns

    def column(self, text: str) -> Column | None:
        """What is known of a series, of then before of now; None: nobody ever told of it."""
        if self._then is not None and text in self._then:
            return self._then[text]
        answer = self._timeline.answer
        if answer is not None and text in answer.traces:
            return answer.traces[text].column
        return self._timeline.columns.get(text)

    def values(self, text: str) -> tuple[float, float, float]:
        """Lowest, mean and highest, as the screen shows them; NaN: unknown."""
        answer = self._timeline.answer
        if answer is None:
            return NAN, NAN, NAN
        if self._newest:
            return NAN, answer.newest(text), NAN
        return answer.at(text, sorted(set(answer.places(self._grid))))

    @property
    def ticks(self) -> tuple[int, int]:
        """Seconds recorded in the buckets of the column, and seconds that they have."""
        answer = self._timeline.answer
        held = {place for place in answer.places(self._grid) if place >= 0} if answer is not None else set()
        if answer is None or not held:
            return 0, 0
        return sum(answer.counts[place] for place in held), len(held) * answer.step_ns // NS_PER_S

    async def ask(self, ask: Ask, paint: Callable[[], None]) -> None:
        """Find out how the numbers were known then; ``paint`` shows what came."""
        try:
            reply = await self._last_tick(ask)
        except ProtocolError as error:
            self.doubt = str(error)
        else:
            if reply is None or reply.layout is None:
                self.doubt = "no second of then is kept"
            else:
                self._then = {column.series.text: column for column in reply.layout.columns}
                self.doubt = ""
        paint()

    async def _last_tick(self, ask: Ask) -> wire.AtReply | None:
        """The last second of the column that was recorded."""
        second = (self._grid.end_ns - 1) // NS_PER_S
        reply = await ask(wire.At(second * NS_PER_S), wire.AtReply)
        before = reply.previous_s
        if reply.tick is None and before is not None and before * NS_PER_S >= self.begin_ns:
            reply = await ask(wire.At(before * NS_PER_S), wire.AtReply)
        return reply if reply.tick is not None else None
