"""What was different around a moment: series, processes and events, as the history service finds them."""

from typing import Final

import msgspec

from wftui.model.event import Event
from wftui.model.sample import Column

ROSE: Final = "rose"
FELL: Final = "fell"
APPEARED: Final = "appeared"
"""There was no value before."""
VANISHED: Final = "vanished"
"""There is no value since."""

STARTED: Final = "started"
ENDED: Final = "ended"


class Moved(msgspec.Struct, frozen=True):
    """A series that is not as it was, and those that move with it."""

    column: Column
    unit: str
    """Of the numbers: a counter's are per second."""
    kind: str
    """``rose``, ``fell``, ``appeared`` or ``vanished``."""
    before: float
    """Median of the time before; NaN: there was no value."""
    after: float
    """Farthest mean of 5 s within the window; NaN: there is no value."""
    began_s: int
    """UTC second in which it was half the way."""
    ended_s: int | None
    """UTC second in which it was half the way back; None: it lasts beyond the window."""
    deviation: float
    """Times the usual spread (median absolute deviation, scaled as a standard deviation); at most ``MOST``."""
    score: float
    """What it is ranked by."""
    members: list[str] = []
    """Series of the same unit that move with it, the strongest first."""
    repeats: int = 0
    """Times that it went as far within the time before."""
    usual_days: int = 0
    """Earlier days on which it was as far at this time of the day; its score is lower for that."""
    days: int = 0
    """Earlier days that are known at this time of the day."""


class Process(msgspec.Struct, frozen=True):
    """A process that uses more, or less, than before."""

    key: str
    """``pid:start_time``."""
    pid: int
    name: str
    kind: str
    """``started``, ``ended``, ``rose`` or ``fell``."""
    what: str
    """``cpu``, ``memory``, ``disk``, ``gpu`` or ``gpu memory``."""
    unit: str
    before: float
    after: float
    at_s: int
    """UTC second of the scan that showed it."""
    score: float
    gpu: str = ""
    """UUID; empty: none."""


class Episode(msgspec.Struct, frozen=True):
    """An earlier time at which the same went as far."""

    since_s: int
    until_s: int
    peak: float
    """Of the first series."""
    together: int
    """How many of the first series went as far as now."""


class Past(msgspec.Struct, frozen=True):
    """What is known of such times."""

    series: str
    """The first of the series."""
    since_s: int
    """How far back was looked."""
    step_s: int
    of: int
    """How many series make the sign."""
    share: float
    """Of the time since then in which it was as far; more than a third is its usual state, no episode."""
    episodes: list[Episode] = []
    """The newest first."""
    more: int = 0
    """Older ones that are not told."""
    alerts: list[tuple[str, int, int]] = []
    """Rule that fired within the window, how often it fired before, when last (UTC second)."""


class Answer(msgspec.Struct, frozen=True):
    """All of it."""

    at_s: int
    """The moment asked about, UTC."""
    since_s: int
    """The time before begins."""
    from_s: int
    """The window begins, and the time before ends."""
    until_s: int
    before_known_s: int
    """Seconds of the time before that were recorded."""
    window_known_s: int
    judged: int
    """Series that could be compared."""
    moved: list[Moved]
    """The most telling first."""
    processes: list[Process]
    """As above."""
    events: list[Event]
    """By time."""
    past: Past | None = None
    """None: nothing moved, or nothing older is known."""
    gpus: dict[str, str] = {}
    """UUID to number."""
