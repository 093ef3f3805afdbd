"""One of several GPUs that do the same work slower, hotter or throttled against the others; pure.

Siblings are GPUs of one model with processes of one job. Without a job they are busy GPUs of one model with the
same program of the same user: what these have to do may differ, so only what the card itself is to blame for is
compared: clocks, heat, throttling.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model.series import series
from wftui.model.table import Row
from wftui.windows.median import median

CLOCK: Final = "hw.gpu.clock.frequency"
UTILIZATION: Final = "hw.gpu.utilization"
POWER: Final = "hw.gpu.power"
TEMPERATURE: Final = "hw.gpu.temperature"
THROTTLED: Final = "hw.gpu.throttled"

SPAN_S: Final = 10.0
"""Seconds over which the numbers should be means: a single second of a training step says nothing."""
_BUSY: Final = 0.1
"""Utilisation below which a GPU without a job does no work that could be compared."""
_MOST: Final = 1e15
"""Beyond any value in these units; NaN is not below it either."""
_STAY: Final = 0.6
"""Part of each threshold that keeps one a straggler that was one: nothing flickers around a limit."""
_SPREADS: Final = 3.0
_SIGMA: Final = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""


class Member(NamedTuple):
    """One GPU; NaN: unknown, that measure is left out."""

    uuid: str
    model: str
    job: str = ""
    rank: int | None = None
    work: str = ""
    """What runs on it, for those without a job; empty: nothing that could be compared."""
    clock: float = math.nan
    """Of the SMs, Hz."""
    utilization: float = math.nan
    power: float = math.nan
    temperature: float = math.nan
    throttle: tuple[str, ...] = ()
    """Reasons of ``model.gpus.REASONS`` that hold it back now."""


class Evidence(NamedTuple):
    """One measure in which it differs."""

    metric: str
    value: float
    """In the metric's unit; of a throttle reason 1."""
    others: float
    """Median of the others; of a throttle reason the share of them that it holds back too."""
    words: str
    """Without units to format: ``clock 39 % lower``."""


class Straggler(NamedTuple):
    """One that is behind, and what shows it, the weightiest first."""

    uuid: str
    job: str
    rank: int | None
    siblings: tuple[str, ...]
    """UUIDs of the others."""
    evidence: tuple[Evidence, ...]


class _Measure(NamedTuple):
    metric: str
    words: str
    least: float
    """Distance from the median from which on it counts."""
    relative: bool
    sign: float
    """-1: lower is worse."""
    own: bool
    """Whether the card is to blame for it whatever it has to do."""
    value: Callable[[Member], float]


_MEASURES: Final = (
    _Measure(CLOCK, "clock {:.0f} % lower", 0.07, relative=True, sign=-1, own=True, value=lambda m: m.clock),
    _Measure(
        UTILIZATION, "utilisation {:.0f} points lower", 0.15, relative=False, sign=-1, own=False,
        value=lambda m: m.utilization,
    ),
    _Measure(POWER, "power {:.0f} % lower", 0.15, relative=True, sign=-1, own=False, value=lambda m: m.power),
    _Measure(
        TEMPERATURE, "{:.0f} °C hotter", 8.0, relative=False, sign=1, own=True, value=lambda m: m.temperature
    ),
)  # fmt: skip


def stragglers(members: Iterable[Member], before: Collection[str] = ()) -> list[Straggler]:
    """Those that are behind their siblings, the job's first.

    A measure counts when it is further from the median of the others than its threshold and than three times
    their own spread. It takes two others to have a median; of two siblings one is a straggler only when it is
    throttled and the other is not.

    Args:
        members: All GPUs that may be compared; a UUID that comes twice is taken once.
        before: UUIDs of the stragglers a moment ago: they stay until they are well within the thresholds.
    """
    groups: dict[tuple[str, str, bool], dict[str, Member]] = {}
    for member in members:
        key = member.job or member.work
        if key:
            groups.setdefault((member.model, key, bool(member.job)), {})[member.uuid] = member
    found = []
    for (_, _, of_job), group in sorted(groups.items(), key=lambda item: (not item[0][2], item[0][:2])):
        for uuid in sorted(group):
            others = [other for other in group.values() if other.uuid != uuid]
            member = group[uuid]
            evidence = _evidence(member, others, of_job, _STAY if uuid in before else 1.0) if others else []
            if evidence:
                names = tuple(sorted(other.uuid for other in others))
                found.append(Straggler(uuid, member.job, member.rank, names, tuple(evidence)))
    return found


def _evidence(member: Member, others: Sequence[Member], of_job: bool, part: float) -> list[Evidence]:
    found = []
    for reason in member.throttle:
        share = sum(reason in other.throttle for other in others) / len(others)
        if reason not in cells.HARMLESS and share < 0.5:
            words = cells.REASONS.get(reason, reason)
            found.append(Evidence(THROTTLED, 1.0, share, f"throttled: {words}"))
    if len(others) < 2 and not found:
        return []
    weighed: list[tuple[float, Evidence]] = []
    for measure in _MEASURES:
        if not (of_job or measure.own):
            continue
        value = measure.value(member)
        theirs = [number for other in others if abs(number := measure.value(other)) < _MOST]
        if not abs(value) < _MOST or not theirs or (len(theirs) < 2 and not found):
            continue
        middle = median(theirs)
        distance = (value - middle) * measure.sign
        if measure.relative and middle < 1:  # no clock or power to be compared with
            continue
        spread = _SPREADS * _SIGMA * median(abs(number - middle) for number in theirs)
        limit = max(measure.least * (middle if measure.relative else 1.0), spread) * part
        if distance > limit > 0:
            shown = distance / middle * 100 if measure.relative else distance * _scale(measure)
            weighed.append(
                (distance / limit, Evidence(measure.metric, value, middle, measure.words.format(shown)))
            )
    weighed.sort(key=lambda item: -item[0])
    return found + [evidence for _, evidence in weighed]


def _scale(measure: _Measure) -> float:
    return 100.0 if measure.metric == UTILIZATION else 1.0


def members(
    rows: Mapping[str, Row], processes: Mapping[str, Row], value: Callable[[str], float | None]
) -> list[Member]:
    """What ``stragglers`` compares, from what is known of the GPUs.

    Args:
        rows: Of table ``gpus``.
        processes: Of table ``gpu_processes``. The GPU belongs to the job of the process that uses most of it.
        value: Canonical text of a series to its mean over the last ``SPAN_S``; None or NaN: unknown.
    """
    first: dict[str, Row] = {}
    for row in processes.values():
        uuid = str(row[cells.P_UUID])
        if uuid not in first or _weight(row) > _weight(first[uuid]):
            first[uuid] = row
    found = []
    for uuid, row in rows.items():
        process = first.get(uuid)
        if process is None or row[cells.STATE] != "ok":
            continue
        utilization = _number(value, UTILIZATION, uuid)
        rank = process[cells.P_RANK]
        busy = utilization >= _BUSY  # not of NaN
        throttle = str(row[cells.THROTTLED] or "")
        found.append(
            Member(
                uuid,
                str(row[cells.NAME] or ""),
                str(process[cells.P_JOB] or ""),
                int(rank) if isinstance(rank, int | float) else None,
                f"{process[cells.P_USER]}: {process[cells.P_NAME]}" if busy and process[cells.P_NAME] else "",
                _number(value, CLOCK, uuid, mode="sm"),
                utilization,
                _number(value, POWER, uuid),
                _number(value, TEMPERATURE, uuid, sensor="gpu"),
                tuple(reason for reason in throttle.split(",") if reason),
            )
        )
    return found


def _weight(row: Row) -> tuple[bool, float, float]:
    shares = [row[place] for place in (cells.P_UTILIZATION, cells.P_MEMORY)]
    share, memory = (float(cell) if isinstance(cell, int | float) else 0.0 for cell in shares)
    return bool(row[cells.P_JOB]), share, memory


def _number(value: Callable[[str], float | None], metric: str, uuid: str, **labels: str) -> float:
    found = value(series(metric, {"gpu": uuid, **labels}).text)
    return math.nan if found is None else found
