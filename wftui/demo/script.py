"""The scripted machine as a whole: its parts by source, second by second, in one order for past and present."""

from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

from wftui import names
from wftui.clock import NS_PER_S, Instant
from wftui.demo import cards, host, people, servers, serving, session, story
from wftui.demo.council import CORE
from wftui.demo.holders import TABLE_S, Holders, gpus, links
from wftui.demo.part import CALL, Part
from wftui.model.gpus import GPU_LINKS, GPU_PROCESSES, GPUS
from wftui.model.health import OK
from wftui.model.processes import PROCESSES
from wftui.model.sample import DERIVED, Column, JsonValue, Occurrence, Sample, column
from wftui.model.servers import KIND, MODELS, REQUESTS, SERVERS, STATE, VERSION
from wftui.model.servers import SOURCE as SERVERS_SOURCE
from wftui.model.table import TableSnapshot

GPU: Final = cards.SOURCE
PEOPLE: Final = "processes"
SERVING: Final = SERVERS_SOURCE
TABLED: Final = frozenset({GPU, PEOPLE, SERVING})
"""Sources with tables."""
PEOPLE_S: Final = 2
"""Between two scans of the processes."""
SPARSE_S: Final = 6
"""The same in the past, which has to be written while somebody waits."""
TABLES: Final = "nvidia"
"""The part of the tables about GPUs that is filled, as by the source that reads NVIDIA's."""


class Told(NamedTuple):
    """Tables of one second, each by its source."""

    source: str
    table: TableSnapshot


class Script:
    """The machine. Seconds are asked for once each and in order: counters grow by what happened since."""

    def __init__(self, epoch_s: int) -> None:
        self.epoch_s = epoch_s
        """UTC second of second 0 of the script."""
        self.parts = [*host.parts(), people.part(), *cards.parts(), *serving.parts(), session.part()]
        self.joins = serving.joins()
        """What the recorder tells by itself once it runs."""
        self.parts += self.joins
        self._holders = Holders()
        self._held: list[list[float]] = [[] for _ in self.parts]
        self._peaks = [
            [place for place, item in enumerate(part.columns) if "max" in _statistics(item)]
            if part.interval_s < 1.0
            else []
            for part in self.parts
        ]

    def sources(self) -> dict[str, list[Part]]:
        """Source to its parts, as its collector tells them."""
        found: dict[str, list[Part]] = {}
        for part in self.parts:
            if part in self.joins:
                continue
            found.setdefault(part.source, []).append(part)
        return found

    def columns(self) -> tuple[Column, ...]:
        """Of a second of the past: every series, then the highest values of the fast ones."""
        plain = [item for part in self.parts for item in part.columns]
        return (*plain, *(_peak(part.columns[place]) for part, places in self._each() for place in places))

    def second(self, second: int) -> "array[float]":
        """Values of all ``columns`` in a second."""
        out = array("d")
        tops = array("d")
        for number, (part, places) in enumerate(self._each()):
            if part.interval_s < 1.0:
                # The end of one second is the beginning of the next: one question a second gives mean and peak.
                last = part.values(second + 1.0)
                first = self._held[number] or last
                self._held[number] = last
                out.extend([(one + other) / 2 for one, other in zip(first, last, strict=True)])
                tops.extend([max(first[place], last[place]) for place in places])
                continue
            if due(part, second) or not self._held[number]:
                self._held[number] = part.values(second)
            out.extend(self._held[number])
        out.extend(tops)
        return out

    def _each(self) -> Iterator[tuple[Part, list[int]]]:
        return zip(self.parts, self._peaks, strict=True)

    def tables(
        self, second: int, people_s: int = PEOPLE_S, *, everything: bool = False, source: str = ""
    ) -> list[Told]:
        """Tables that are told in a second, each second and source once and in order: what is used adds up.

        ``everything``: those too that are not due; ``source``: of this one only, empty: of all.
        """
        time_ns = (self.epoch_s + second) * NS_PER_S + NS_PER_S // 2
        told = []
        if source in ("", PEOPLE) and (everything or second % people_s == 0):
            rows = people.rows(second, self.epoch_s)
            told.append(Told(PEOPLE, TableSnapshot(PROCESSES, time_ns, rows)))
        if source in ("", GPU) and (everything or second % TABLE_S == 0):
            rows = gpus(second, self.epoch_s)
            told.append(Told(GPU, TableSnapshot(GPUS, time_ns, rows, TABLES)))
            rows = self._holders.rows(second, self.epoch_s)
            told.append(Told(GPU, TableSnapshot(GPU_PROCESSES, time_ns, rows, TABLES)))
        if source in ("", SERVING) and (everything or second % (people_s // PEOPLE_S) == 0):
            told.append(Told(SERVING, TableSnapshot(SERVERS, time_ns, servers.servers(second, self.epoch_s))))
            told.append(Told(SERVING, TableSnapshot(MODELS, time_ns, servers.models(second, self.epoch_s))))
            told.append(Told(SERVING, TableSnapshot(REQUESTS, time_ns, servers.requests(second, self.epoch_s))))
        if source in ("", GPU) and everything:
            told.append(Told(GPU, TableSnapshot(GPU_LINKS, time_ns, links())))
        return told

    def events(self, since: float, until: float) -> list[Occurrence]:
        """What happened in [since, until), seconds of the script."""
        found = []
        if since <= 0.0 < until:
            found = [self._about("gpu.found", gpu, 0.2, {}) for gpu in range(cards.COUNT)]
            found += [
                self._happened(
                    "server.found", endpoint, 0.4, {"kind": str(row[KIND]), "version": str(row[VERSION])}
                )
                for endpoint, row in servers.servers(0, self.epoch_s).items()
                if row[STATE] == OK
            ]
        found += [self._about(item.kind, item.gpu, item.at, item.payload) for item in story.happened(since, until)]
        found += [
            self._happened(kind, endpoint, at, payload)
            for at, (kind, endpoint, payload) in story.between(since, until, servers.happened())
        ]
        found += [
            Occurrence(kind, (CORE, CORE), payload, self._moment(at))
            for at, kind, payload in session.happened(since, until)
        ]
        return sorted(found, key=_moment)

    def _happened(self, kind: str, endpoint: str, at: float, payload: dict[str, JsonValue]) -> Occurrence:
        return Occurrence(kind, ("server", endpoint), payload, self._moment(at))

    def _about(self, kind: str, gpu: int, at: float, payload: dict[str, JsonValue]) -> Occurrence:
        words: dict[str, JsonValue] = {"name": cards.NAME, "index": gpu, "reason": "", **payload}
        return Occurrence(kind, ("gpu", cards.uuid(gpu)), words, self._moment(at))

    def _moment(self, at: float) -> Instant:
        return Instant(int((self.epoch_s + at) * NS_PER_S), 0)

    def instant(self, t: float, now: Instant) -> Instant:
        """A second of the script on the clocks, as they are ``now``."""
        time_ns = int(round((self.epoch_s + t) * 10) * NS_PER_S // 10)
        return Instant(time_ns, now.boottime_ns - (now.time_ns - time_ns))


def _moment(item: Occurrence) -> int:
    return item.at.time_ns if item.at is not None else 0


def due(part: Part, second: int) -> bool:
    """Whether a part of 1 s and slower is asked in a second."""
    return second % int(part.interval_s) == 0


def samples(part: Part, t: float) -> list[Sample]:
    """What a part tells at a time."""
    told = zip(part.columns, part.values(t), strict=True)
    return [Sample(item, value) for item, value in told if value == value]


def _statistics(item: Column) -> tuple[str, ...]:
    return names.METRICS[item.series.name].statistics


def _peak(item: Column) -> Column:
    found = item.series
    return column(item.source, found.name, dict(found.labels), call=CALL, quality=DERIVED, stat="max")
