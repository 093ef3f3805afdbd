"""Rules over a range of what was recorded: when each would have fired, and where that is not known."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from wftui.alerts.backfill import Filling
from wftui.alerts.replay import Outcome, Replay, longest_window_s
from wftui.alerts.rule import Rule
from wftui.errors import WftopError
from wftui.history.judged import Judged, judgeable
from wftui.history.moments import Timeline
from wftui.history.past import HOUR_S, Past
from wftui.model.tick import Tick
from wftui.store.archive import Archive
from wftui.store.cuts import Cut
from wftui.store.query import range_

DAY_S: Final = 86_400
MOST_S: Final = 31 * DAY_S
"""Of which a replay is asked for at most."""
_MISSED_S: Final = 1
"""Seconds that may lie between two ticks without being a gap; a clock that is set steps over one."""
_BEGUN_S: Final = 3
"""The same at both ends."""


class Gap(NamedTuple):
    """Seconds without a tick."""

    since_s: int
    until_s: int


class Replayed(NamedTuple):
    """What a replay found."""

    since_s: int
    until_s: int
    outcomes: list[Outcome]
    gaps: list[Gap]
    past: Past
    """What was read: for the next replay of the same series and range."""


def replayed(
    archive: Archive, rules: Sequence[Rule], since_s: int, until_s: int, past: Past | None = None
) -> Replayed:
    """Replay [since, until), a second after the other; windows and baselines know what came before.

    Args:
        archive: What was recorded.
        rules: On or off.
        since_s: UTC.
        until_s: UTC, not included.
        past: Of a replay before, of rules that looked at the same series at least: what is in it is not read
            again when the range is the same.

    Raises:
        StoreError: The store cannot be read.
    """
    past = past if past is not None and past.serves(rules) else Past(archive, rules)
    judged = {rule.id: Judged(rule) for rule in rules if judgeable(rule)}
    replay = Replay([rule for rule in rules if rule.id not in judged], past.texts)
    stepped = _Stepped(archive, replay, past, since_s) if replay.outcomes else None
    timeline = Timeline(since_s)
    gaps = _Gaps(since_s)
    for cut in past.cuts(since_s - longest_window_s(rules), until_s):
        gaps.note(cut)
        for part in timeline.parts(cut.lead) if judged else ():
            moments = timeline.take(cut.lead.part(part))
            for item in judged.values():
                item.take(cut.layout, cut.values[part], moments)
        if stepped is not None:
            stepped.take(cut)
    replay.finish()
    outcomes = {**replay.outcomes, **{name: item.finish() for name, item in judged.items()}}
    found = [outcomes[rule.id] for rule in rules]
    return Replayed(since_s, until_s, found, gaps.until(until_s), past)


class _Stepped:
    """Ticks through the recorder's engine, one by one."""

    def __init__(self, archive: Archive, replay: Replay, past: Past, since_s: int) -> None:
        self._archive = archive
        self._replay = replay
        self._past = past
        self._since_s = since_s
        self._now_s = 0
        self._hour = -1
        self._filling = Filling(replay.engine, lambda: self._now_s)

    def take(self, cut: Cut) -> None:
        """Look at its seconds; those before the first that counts fill windows."""
        layout, width, data = cut.layout, 8 * cut.values.shape[1], cut.values.tobytes()
        replay, past, since_s = self._replay, self._past, self._since_s
        heads = zip(*(item.tolist() for item in cut.lead), strict=True)
        for row, (seq, time_s, boottime_ns, boot) in enumerate(heads):
            tick = Tick(seq, time_s, boottime_ns, boot, layout.id, data[row * width : (row + 1) * width])
            past.tell(time_s)
            if time_s >= since_s:
                replay.second(tick, layout)
            else:
                replay.warm(tick, layout)
            if time_s // HOUR_S != self._hour:
                self._fill(time_s)

    def _fill(self, time_s: int) -> None:
        """What is usual for series that are new, out of the same recording."""
        self._hour, self._now_s = time_s // HOUR_S, time_s + 1
        while (asked := self._filling.next()) is not None:
            try:
                filled = self._filling.answered(asked, range_(self._archive, asked.question))
            except WftopError as error:
                filled = self._filling.failed(asked, str(error))
            if not filled:
                break


class _Gaps:
    """Where ticks are missing; a clock that was set back leaves nothing out."""

    def __init__(self, since_s: int) -> None:
        self._since_s = since_s
        self._last_s: int | None = None
        self._found: list[Gap] = []

    def note(self, cut: Cut) -> None:
        """Look between its ticks, and before the first of them."""
        times = cut.lead.time_s[cut.lead.time_s >= self._since_s]
        if not len(times):
            return
        first_s = int(times[0])
        if self._last_s is None:
            if first_s - self._since_s > _BEGUN_S:
                self._found.append(Gap(self._since_s, first_s))
        elif first_s - self._last_s - 1 > _MISSED_S:
            self._found.append(Gap(self._last_s + 1, first_s))
        for place in np.flatnonzero(np.diff(times) - 1 > _MISSED_S).tolist():
            self._found.append(Gap(int(times[place]) + 1, int(times[place + 1])))
        self._last_s = int(times[-1])

    def until(self, until_s: int) -> list[Gap]:
        """All of them, when there are no more ticks."""
        if self._last_s is not None and until_s - self._last_s > _BEGUN_S:
            self._found.append(Gap(self._last_s + 1, until_s))
        return self._found
