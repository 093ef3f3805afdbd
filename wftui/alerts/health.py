"""The health score, 0 to 100: what a machine lacks, each point with its reason.

``score = max(0, 100 - sum of points)``. Points of a measured part grow in a straight line between two limits
(``PRESSURES``, ``HEADROOM``, ``ROOM``); an alert takes ``ALERT_POINTS`` by its severity, half of them once
somebody looks after it or has silenced it, none while another alert inhibits it. An alert about a part that is
measured here as well counts once: the part takes off only what the alerts about it do not. What is not known takes
nothing off and is named.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from wftui.model import health
from wftui.model.gpus import HARMLESS, LOST, REASONS
from wftui.units import quantity

FULL: Final = 100
ALERT, PRESSURE, MEMORY, DISK, GPU, SOURCES, SERVERS = (
    "alert", "pressure", "memory", "disk", "gpu", "sources", "servers",
)  # fmt: skip
PARTS: Final = (ALERT, PRESSURE, MEMORY, DISK, GPU, SOURCES, SERVERS)

ALERT_POINTS: Final = {"critical": 30.0, "error": 20.0, "warning": 8.0, "info": 1.0}
ATTENDED: Final = 0.5
"""Share of an alert's points that is left once it is acknowledged or silenced."""
ALERTS_AT_MOST: Final = 70.0
"""Of all alerts together: 40 warnings are not worse than what they warn of."""


class Ramp(NamedTuple):
    """Points between two limits; a ratio outside them takes off none, or all."""

    begin: float
    end: float
    points: float

    def at(self, ratio: float) -> float:
        """Points of a ratio; NaN: 0."""
        share = (ratio - self.begin) / (self.end - self.begin)
        return self.points * min(1.0, share) if share > 0 else 0.0


PRESSURES: Final = {
    ("memory", "full"): Ramp(0.05, 0.50, 20.0),
    ("io", "full"): Ramp(0.20, 0.80, 12.0),
    ("cpu", "some"): Ramp(0.40, 0.90, 8.0),
}
"""Share of the time stalled (PSI), mean of about 30 s: busy for a moment is not ill."""
HEADROOM: Final = Ramp(-0.10, -0.02, 20.0)
"""Memory that programs could still get without swapping, as a share of the limit; negative: less is worse."""
ROOM: Final = Ramp(0.90, 0.99, 15.0)
"""Used share of the fullest file system, or of its inodes: a third of a full one stops all that writes."""
GPU_POINTS: Final = {LOST: 30.0, health.STUCK: 20.0, health.FAILED: 20.0}
THROTTLED: Final = 8.0
"""A GPU held back by heat or by its supply. At its power limit a busy GPU is at work, not ill."""
_WORKING: Final = HARMLESS | {"power_cap", "sync_boost"}
SOURCE_POINTS: Final = {health.LATE: 2.0, health.STUCK: 5.0, health.FAILED: 5.0}
SOURCES_AT_MOST: Final = 15.0
SERVER_POINTS: Final = {health.FAILED: 15.0, health.STUCK: 10.0}
SUBJECTS: Final = (
    ("system.pressure.", PRESSURE), ("system.memory.", MEMORY), ("container.memory.", MEMORY),
    ("system.filesystem.", DISK), ("hw.gpu.", GPU), ("gpu.", GPU), ("wftop.source.", SOURCES),
    ("inference.", SERVERS), ("server.", SERVERS),
)  # fmt: skip
"""Begin of a metric's name to the part that an alert about it is about."""


class Firing(NamedTuple):
    """An alert that fires."""

    key: str
    name: str
    severity: str
    metrics: tuple[str, ...]
    """Names of what it looks at."""
    attended: bool = False
    """Acknowledged or silenced."""
    inhibited: bool = False


class Device(NamedTuple):
    """A GPU or a model server."""

    id: str
    name: str
    state: str
    reason: str = ""
    throttle: str = ""
    """Of GPUs: reasons with commas, as in table ``gpus``."""


class Facts(NamedTuple):
    """What is known of a second; NaN or None: not known."""

    alerts: Sequence[Firing] = ()
    pressures: Mapping[tuple[str, str], float] = {}
    """(resource, some|full) to the share of the time stalled, 0 to 1."""
    available: float = float("nan")
    """By."""
    limit: float = float("nan")
    """By."""
    room: Mapping[tuple[str, str], float] = {}
    """(mount, "" or "inodes") to the share in use."""
    gpus: Sequence[Device] = ()
    sources: Sequence[Device] = ()
    servers: Sequence[Device] = ()


class Deduction(NamedTuple):
    """What takes points off, or is not known."""

    part: str
    what: str
    """Which of its kind: mount, resource, UUID, …; with the part the key of a row."""
    reason: str
    points: float | None
    """None: the part is not known."""
    evidence: str

    @property
    def key(self) -> str:
        """Unique within a score."""
        return f"{self.part}:{self.what}" if self.what else self.part


class Score(NamedTuple):
    """The sum, and what it is made of: the most points first, what is not known last."""

    value: float
    deductions: tuple[Deduction, ...]


def score(facts: Facts) -> Score:
    """Judge a second."""
    alerts = _alerts(facts.alerts)
    counted: dict[str, float] = {}
    for item, points in zip(facts.alerts, alerts, strict=True):
        for part in {_subject(name) for name in item.metrics} - {""}:
            counted[part] = counted.get(part, 0.0) + (points.points or 0.0)
    found = [*alerts]
    for part, items in (
        (PRESSURE, _pressure(facts)),
        (MEMORY, _memory(facts)),
        (DISK, _disk(facts)),
        (GPU, _gpus(facts.gpus)),
        (SOURCES, _sources(facts.sources)),
        (SERVERS, _servers(facts.servers)),
    ):
        found += _beyond(items, counted.get(part, 0.0))
    lost = sum(item.points or 0.0 for item in found)
    shown = [item for item in found if item.points is None or item.points > 0]
    shown.sort(key=lambda item: (item.points is None, -(item.points or 0.0), item.key))
    return Score(max(0.0, FULL - lost), tuple(shown))


def _subject(name: str) -> str:
    return next((part for begin, part in SUBJECTS if name.startswith(begin)), "")


def _beyond(items: Iterable[Deduction], counted: float) -> list[Deduction]:
    """What a part takes off beyond what the alerts about it took already."""
    found = []
    for item in items:
        if item.points is None:
            found.append(item)
            continue
        taken = min(item.points, counted)
        counted -= taken
        found.append(item._replace(points=item.points - taken))
    return found


def _capped(items: list[Deduction], most: float) -> list[Deduction]:
    total = sum(item.points or 0.0 for item in items)
    if total <= most:
        return items
    return [item._replace(points=(item.points or 0.0) * most / total) for item in items]


def _alerts(firing: Sequence[Firing]) -> list[Deduction]:
    found = []
    for item in firing:
        points = ALERT_POINTS.get(item.severity, 0.0) * (ATTENDED if item.attended else 1.0)
        words = f"{item.severity}, {'looked after or silenced' if item.attended else 'nobody looks after it'}"
        if item.inhibited:
            points, words = 0.0, f"{item.severity}, inhibited"
        found.append(Deduction(ALERT, item.key, item.name or item.key, points, words))
    return _capped(found, ALERTS_AT_MOST)


def _pressure(facts: Facts) -> Iterable[Deduction]:
    if not facts.pressures:
        yield Deduction(PRESSURE, "", "pressure is not known", None, "no readings of PSI")
    for (resource, mode), ramp in PRESSURES.items():
        ratio = facts.pressures.get((resource, mode), float("nan"))
        whom = "everything waits" if mode == "full" else "something waits"
        words = f"{whom} for {resource} {quantity(ratio, '1')} of the time, mean of 30 s"
        yield Deduction(PRESSURE, f"{resource}/{mode}", f"pressure: {resource}", ramp.at(ratio), words)


def _memory(facts: Facts) -> Iterable[Deduction]:
    ratio = facts.available / facts.limit if facts.limit > 0 else float("nan")
    if ratio != ratio:
        yield Deduction(MEMORY, "", "memory is not known", None, "no readings of it")
        return
    words = f"{quantity(facts.available, 'By')} of {quantity(facts.limit, 'By')} can still be had"
    yield Deduction(MEMORY, "available", "memory is nearly used up", HEADROOM.at(-ratio), words)


def _disk(facts: Facts) -> Iterable[Deduction]:
    """The fullest one only: one disk that is full is no worse under two names."""
    known = {key: ratio for key, ratio in facts.room.items() if ratio == ratio}
    if not known:
        yield Deduction(DISK, "", "room on disks is not known", None, "no readings of it")
        return
    (mount, what), ratio = max(known.items(), key=lambda item: item[1])
    words = f"{quantity(ratio, '1')} of {what or 'its room'} used"
    yield Deduction(DISK, mount, f"{mount} is nearly full", ROOM.at(ratio), words)


def _gpus(devices: Sequence[Device]) -> Iterable[Deduction]:
    for item in devices:
        points = GPU_POINTS.get(item.state, 0.0)
        if points:
            yield Deduction(GPU, item.id, f"{item.name} is {item.state}", points, item.reason or item.state)
            continue
        reasons = [name for name in item.throttle.split(",") if name and name not in _WORKING]
        if reasons:
            words = ", ".join(REASONS.get(name, name) for name in reasons)
            yield Deduction(GPU, item.id, f"{item.name} is held back", THROTTLED, words)


def _sources(devices: Sequence[Device]) -> Iterable[Deduction]:
    found = [
        Deduction(SOURCES, item.id, f"source {item.name} is {item.state}", points, item.reason or item.state)
        for item in devices
        if (points := SOURCE_POINTS.get(item.state, 0.0))
    ]
    return _capped(found, SOURCES_AT_MOST)


def _servers(devices: Sequence[Device]) -> Iterable[Deduction]:
    for item in devices:
        points = SERVER_POINTS.get(item.state, 0.0)
        if points:
            yield Deduction(SERVERS, item.id, f"{item.name} is {item.state}", points, item.reason or item.state)
