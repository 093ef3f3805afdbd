"""Whether what moved is usual at this time of the day, and when the same went as far before."""

import math
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from wftui.clock import NS_PER_S
from wftui.history.deviation import TELLING
from wftui.model.why import APPEARED, FELL, VANISHED, Episode, Moved, Past
from wftui.store import query
from wftui.store.answers import TooLargeError
from wftui.store.archive import Archive
from wftui.wire import messages as m

LOOKED_S: Final = 7 * 86_400
DAY_S: Final = 86_400
_STEP_S: Final = 300
_FINE_S: Final = 10
_POINTS: Final = 2016
_SIDE_S: Final = 900
"""Around the same time on another day."""
_SIGN: Final = 3
"""Series that make the sign of an episode."""
_FAR: Final = 0.6
"""Of the step: so far counts as the same."""
_USUAL: Final = 1 / 3
_TOLD: Final = 5
_APART: Final = 2
"""Steps between two episodes, at least."""
_LESS: Final = 0.3
"""What is left of the score of something that happens each day."""
_BACK: Final = 0.5
"""The same, of something that is as far for much of the time: it went back to its usual state."""


def past(
    archive: Archive, moved: list[Moved], window: tuple[int, int], left_s: float
) -> tuple[list[Moved], Past | None]:
    """The series that moved, ranked anew by what is usual for them, and such times before.

    ``window``: UTC seconds [from, until). Without an older recording, or without time left, all stays as it is.
    """
    known = [item for item in moved if item.kind not in (APPEARED, VANISHED)]
    extent = archive.extent()
    if not known or extent is None or left_s <= 0:
        return moved, None
    since_s = max(extent[0], window[0] - LOOKED_S)
    since_s -= since_s % _STEP_S
    step_s = _FINE_S if window[1] - since_s <= _FINE_S * _POINTS else _STEP_S
    points = max(1, -(-(window[1] - since_s) // step_s))
    names = [item.column.series.text.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]") for item in known]
    question = m.Range(names, since_s * NS_PER_S, (since_s + points * step_s) * NS_PER_S, points)
    try:
        reply = query.range_(archive, question, left_s)
    except TooLargeError:
        return moved, None
    bands = {item.column.series.text: item for item in reply.series}
    step_s, begin_s = reply.step_ns // NS_PER_S, reply.start_ns // NS_PER_S
    times = begin_s + step_s * np.arange(reply.points)
    far = {}
    for item in known:
        band = bands.get(item.column.series.text)
        if band is not None:
            far[item.column.series.text] = _beyond(item, band)
    ranked = [_by_day(item, far.get(item.column.series.text), times, window) for item in moved]
    ranked = [item for item in ranked if item.score >= TELLING]
    ranked.sort(key=lambda item: -item.score)
    sign = [item for item in ranked if item.column.series.text in far][:_SIGN]
    if not sign:
        return ranked, None
    return ranked, _episodes(sign, far, bands[sign[0].column.series.text], times, window, step_s)


Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.int64]


def _extremes(item: Moved, band: m.RangeSeries) -> npt.NDArray[np.float64]:
    return np.frombuffer(band.minimum if item.kind == FELL else band.maximum, dtype="<f8")


def _beyond(item: Moved, band: m.RangeSeries) -> tuple[Flags, Flags]:
    """Of each step: whether it went as far, and whether anything is known."""
    values = _extremes(item, band)
    limit = item.before + _FAR * (item.after - item.before)
    with np.errstate(invalid="ignore"):
        return (values <= limit) if item.kind == FELL else (values >= limit), ~np.isnan(values)


def _by_day(item: Moved, far: tuple[Flags, Flags] | None, times: Times, window: tuple[int, int]) -> Moved:
    if far is None:
        return item
    beyond, known = far
    earlier = known & (times < window[0])
    if int((beyond & earlier).sum()) > _USUAL * max(1, int(earlier.sum())):
        item = msgspec.structs.replace(item, score=item.score * _BACK)
    usual = days = 0
    day = 1
    while window[1] - day * DAY_S > times[0]:
        middle = (window[0] + window[1]) // 2 - day * DAY_S
        near = np.abs(times - middle) <= _SIDE_S
        if np.any(known & near):
            days += 1
            usual += bool(np.any(beyond & near))
        day += 1
    if not days:
        return item
    often = usual * 2 >= days and usual >= 1
    return msgspec.structs.replace(item, days=days, usual_days=usual, score=item.score * (_LESS if often else 1.0))


def _episodes(
    sign: list[Moved],
    far: dict[str, tuple[Flags, Flags]],
    band: m.RangeSeries,
    times: Times,
    window: tuple[int, int],
    step_s: int,
) -> Past:
    leader = sign[0]
    earlier = times + step_s <= min([window[0], *(item.began_s for item in sign)]) - step_s
    beyond, known = far[leader.column.series.text]
    here = beyond & known & earlier
    share = float(here.sum() / max(1, (known & earlier).sum()))
    found: list[Episode] = []
    if share < _USUAL:
        rows = np.flatnonzero(here)
        runs = np.split(rows, np.flatnonzero(np.diff(rows) > _APART) + 1) if len(rows) else []
        values = _extremes(leader, band)
        for run in runs:
            first, last = int(run[0]), int(run[-1])
            around = slice(max(0, first - 1), last + 2)
            together = sum(bool(np.any(far[item.column.series.text][0][around])) for item in sign)
            peak = values[run].min() if leader.kind == FELL else values[run].max()
            # Most of the sign: that one series was as far once says little.
            if together * 2 > len(sign):
                found.append(Episode(int(times[first]), int(times[last]) + step_s, float(peak), together))
    found.reverse()
    first_s = int(times[np.argmax(known)]) if known.any() else int(times[0])
    return Past(
        leader.column.series.text,
        first_s,
        step_s,
        len(sign),
        share if math.isfinite(share) else 0.0,
        found[:_TOLD],
        max(0, len(found) - _TOLD),
    )
