"""A replay of rules that takes nothing for granted: what a faster one must find, and is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from wftui.alerts.backfill import Filling
from wftui.alerts.replay import Outcome, Replay, longest_window_s
from wftui.alerts.rule import Rule
from wftui.store.archive import Archive
from wftui.store.query import range_

HOUR_S = 3600


def by_every_tick(archive: Archive, rules: Sequence[Rule], since_s: int, until_s: int) -> list[Outcome]:
    """All series of all ticks through the engine, one by one; what is usual is asked for each hour."""
    replay = Replay(rules)
    time_s = 0
    filling = Filling(replay.engine, lambda: time_s + 1)
    hour = -1
    for tick in archive.ticks(since_s - longest_window_s(rules), until_s):
        time_s = tick.time_s
        (replay.second if time_s >= since_s else replay.warm)(tick, archive.layout(tick.layout))
        if time_s // HOUR_S != hour:
            hour = time_s // HOUR_S
            while (asked := filling.next()) is not None:
                assert filling.answered(asked, range_(archive, asked.question))
    replay.finish()
    return list(replay.outcomes.values())
