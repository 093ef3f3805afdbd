"""Pushed samples as they come: told at once to whoever follows, kept at their own times where there is room."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from wftui.clock import Instant
from wftui.model.sample import Reading, Sample
from wftui.recorder.push.place import KEPT, MOST, Place

ROOM: Final = 600.0
"""Samples a second that are kept one by one, of all series together: ten of 60 Hz, some 1 MB of the rings."""
ROOM_OF_OWN: Final = 300.0
"""As long as no more than this is taken, names of a program's own have room, too: UX goes before them."""
FINEST_NS: Final = 12_000_000
"""Of a series one sample at most is told in this time: 60 Hz, of whoever is a little unsteady. Nor are those who
follow woken more often, whoever pushes how many lines."""
MOMENTS: Final = 16
"""Told at once at most, of lines that say when they were made; of more the oldest are not."""
LEAST: Final = 3
"""Samples in a second that have times of their own: who pushes once a second has two in some."""
PACES_S: Final = (0.2, 0.1, 0.05, 1 / 30, 1 / 60)
MOMENT_NS: Final = 3_000_000_000
"""A series that comes more often for so long only, to catch up, keeps its pace."""
STAYS_NS: Final = 60_000_000_000
"""A series keeps its pace for so long after it came at it last: its past would go with the pace."""

Tell = Callable[[int, list[Sample]], None]
"""Takes samples of one moment (UTC ns) to those who follow."""


def pace(count: int) -> float:
    """The interval (s) of a series that came so often in a second."""
    return next((step for step in PACES_S if step <= 1.2 / count), PACES_S[-1])


class Quick:
    """Of all that push."""

    def __init__(self, tell: Tell) -> None:
        self.every_ns = 0
        """Between two samples of a series that are told; 0: nobody follows."""
        self._tell = tell
        self._waiting: deque[tuple[int, list[Sample]]] = deque(maxlen=MOMENTS)
        """To be told, with their times (UTC ns)."""
        self._told_ns = 0
        """CLOCK_BOOTTIME of when something was."""
        self._taken = 0.0
        """Samples a second."""
        self._kept: dict[int, Place] = {}
        """By ``id``: of a place nothing else is the same."""
        self._readings: list[Reading] = []

    def follow(self, rate_hz: float) -> None:
        """Who follows fastest does so at that rate; 0: nobody does."""
        self.every_ns = max(FINEST_NS, int(0.9e9 / rate_hz)) if rate_hz else 0

    def hand_over(self, at: Instant, told: list[Sample], kept: dict[float, list[Sample]]) -> None:
        """What was taken at one moment."""
        if told:
            waiting = self._waiting
            if waiting and abs(at.time_ns - waiting[-1][0]) < FINEST_NS:
                waiting[-1][1].extend(told)
            else:
                waiting.append((at.time_ns, told))
        for pace_s, samples in kept.items():
            self._readings.append(Reading(at, pace_s, samples))

    def tell(self, boottime_ns: int) -> None:
        """All of a line that arrived then was handed over."""
        if self._waiting and boottime_ns - self._told_ns >= FINEST_NS:
            self._told_ns = boottime_ns
            self._tell_waiting()

    def _tell_waiting(self) -> None:
        while self._waiting:
            self._tell(*self._waiting.popleft())

    def take(self) -> list[Reading]:
        """What is to be kept and came since the last call. What is still to be told, is."""
        self._tell_waiting()
        readings, self._readings = self._readings, []
        return readings

    def look(self, place: Place, count: int, moments: int, boottime_ns: int) -> None:
        """At the end of a second in which the place was pushed to ``count`` times, its pusher at ``moments``."""
        if count > MOST:
            if boottime_ns - place.paced_ns > MOMENT_NS:
                self.release(place)
            return
        if count < LEAST or count > 2 * moments or place.live is None:
            return  # of what comes together the times are not known
        pace_s = pace(count)
        if pace_s != place.pace_s:
            if place.pace_s and pace_s > place.pace_s and boottime_ns - place.paced_ns < STAYS_NS:
                return  # slower for a moment
            more = 1 / pace_s - (1 / place.pace_s if place.pace_s else 0.0)
            if self._taken + more > (ROOM_OF_OWN if place.live.group == "custom" else ROOM):
                return
            self._taken += more
            self._kept[id(place)] = place
            place.pace_s = pace_s
            place.tells |= KEPT
        place.paced_ns = boottime_ns

    def release(self, place: Place) -> None:
        """It is kept once a second from now on. Twice is harmless."""
        if self._kept.pop(id(place), None) is not None:
            self._taken -= 1 / place.pace_s
            place.pace_s = 0.0
            place.tells &= ~KEPT

    def forget(self, places: Iterable[Place]) -> None:
        """These are gone, and what is still to be kept or told of them."""
        gone = set()
        for place in places:
            gone.add(id(place.live))
            self.release(place)
        readings, self._readings = self._readings, []
        for item in readings:
            samples = [sample for sample in item.samples if id(sample.column) not in gone]
            self._readings.append(Reading(item.at, item.interval_s, samples))
        for _, told in self._waiting:
            told[:] = [sample for sample in told if id(sample.column) not in gone]

    def tidy(self, boottime_ns: int) -> None:
        """Make room: some have come slowly, or not at all, for long."""
        for place in list(self._kept.values()):
            if boottime_ns - place.paced_ns > 2 * STAYS_NS:
                self.release(place)
