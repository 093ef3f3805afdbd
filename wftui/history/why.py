"""What changed around a moment: series, processes and events that were different from the time before."""

import math
from typing import Final

import msgspec
import numpy as np

from wftui import clock
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.history import deviation, episodes
from wftui.history.seconds import Matrix, seconds
from wftui.history.why_processes import processes
from wftui.model import gpus
from wftui.model.event import Event
from wftui.model.why import Answer, Moved
from wftui.store.answers import TooLargeError
from wftui.store.archive import Archive
from wftui.wire import messages as m

MOST_WINDOW_S: Final = 3600
MOST_BEFORE_S: Final = 6 * 3600
_CANDIDATES: Final = 12
"""Groups whose past is looked at; so many are told."""
_EVENTS: Final = 40
_LEAD_S: Final = 60
"""Events so long before the window are causes as well."""
_PASSING: Final = frozenset(
    {
        "view.attached", "view.detached", "provenance.changed", "alert.action", "alert.pending", "burst.stored",
        "rules.changed", "source.state", "backup.ready", "quality.changed",
    }
)  # fmt: skip


def why(archive: Archive, question: m.Why, deadline_s: float) -> Answer:
    """Find it.

    Raises:
        ProtocolError: The question makes no sense.
        TooLargeError: Too many series, or the deadline passed.
        StoreError: The store cannot be read.
    """
    if not (2 <= question.window_s <= MOST_WINDOW_S and 1 <= question.before_s <= MOST_BEFORE_S):
        raise ProtocolError(f"why: expected a window of 2 to {MOST_WINDOW_S} s and up to {MOST_BEFORE_S} s before")
    deadline_ns = clock.perf_ns() + int(deadline_s * NS_PER_S)
    at_s = question.at_ns // NS_PER_S
    extent = archive.extent()
    until_s = at_s + question.window_s - question.window_s // 2
    if extent is not None and extent[1] < at_s <= extent[1] + question.window_s:
        at_s = extent[1]  # now: what was recorded last
    if extent is not None:
        until_s = min(until_s, max(extent[1] + 1, at_s + 1))
    # Near the end of the recording the window is as long as ever, and ends there.
    from_s = min(at_s - question.window_s // 2, until_s - question.window_s)
    since_s = from_s - question.before_s
    try:
        scene = _scene(archive, since_s, from_s, until_s, deadline_ns)
    except TooLargeError as error:
        raise TooLargeError(f"why: {error}") from error
    moved, judged = deviation.judge(scene)
    past = None
    if moved:
        left_s = (deadline_ns - clock.perf_ns()) / NS_PER_S
        moved, past = episodes.past(archive, moved[:_CANDIDATES], (from_s, until_s), left_s)
    events = _events(archive, min([from_s - _LEAD_S, *(_cause_s(item, from_s) for item in moved[:5])]), until_s)
    if past is not None:
        past = msgspec.structs.replace(past, alerts=_earlier(archive, events))
    recorded = np.any(~np.isnan(scene.values), axis=1) if scene.values.size else np.zeros(0, dtype=np.bool_)
    return Answer(
        at_s,
        since_s,
        from_s,
        until_s,
        int(recorded[: scene.split].sum()),
        int(recorded[scene.split :].sum()),
        judged,
        moved,
        processes(archive, from_s, until_s),
        events,
        past,
        _gpus(archive, until_s),
    )


def _gpus(archive: Archive, until_s: int) -> dict[str, str]:
    found = archive.table_at(gpus.GPUS.name, until_s * NS_PER_S - 1)
    if found is None:
        return {}
    return {
        str(row[gpus.UUID]): f"{index:g}"
        for row in found.rows.values()
        if isinstance(index := row[gpus.INDEX], int | float)
    }


def _cause_s(item: Moved, from_s: int) -> int:
    """What led to a step may lie a little before it; not minutes."""
    return max(item.began_s - 10, from_s - 5 * _LEAD_S)


def _scene(archive: Archive, since_s: int, from_s: int, until_s: int, deadline_ns: int) -> deviation.Scene:
    found = seconds(archive, ["*"], since_s, until_s, deadline_ns)
    if found is None:
        return deviation.Scene([], since_s, from_s - since_s, np.zeros((until_s - since_s, 0)))
    places = [place for place, column in enumerate(found.columns) if deviation.wanted(column)]
    values: Matrix = np.full((until_s - since_s, len(places)), math.nan)
    whole = found.part(slice(None))[0]
    inside = (found.times >= since_s) & (found.times < until_s)
    values[found.times[inside] - since_s] = whole[inside][:, places]
    return deviation.Scene([found.columns[place] for place in places], since_s, from_s - since_s, values)


def _events(archive: Archive, since_s: int, until_s: int) -> list[Event]:
    found, _ = archive.events(since_ns=since_s * NS_PER_S, until_ns=until_s * NS_PER_S, limit=2000, newest=True)
    kept = [item for item in found if item.type not in _PASSING]
    return kept[-_EVENTS:]


def _earlier(archive: Archive, events: list[Event]) -> list[tuple[str, int, int]]:
    """Of the rules that fired: how often before, and when last."""
    fired = {str(item.payload.get("rule", "")): item for item in events if item.type == "alert.fired"}
    if not fired:
        return []
    first_ns = min(item.time_ns for item in fired.values())
    older, _ = archive.events(until_ns=first_ns, types=["alert.fired"], limit=5000, newest=True)
    found = []
    for rule in fired:
        times = [item.time_ns // NS_PER_S for item in older if item.payload.get("rule") == rule]
        found.append((rule, len(times), max(times, default=0)))
    return found
