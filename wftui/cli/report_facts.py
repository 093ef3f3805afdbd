"""The numbers of `wftop report`, from journal and segments; which names may be in it is decided here."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from wftui import names
from wftui.model.event import Event
from wftui.model.sample import Column
from wftui.model.series import Series, series
from wftui.model.tick import unpack
from wftui.render import energy as drawn
from wftui.render import text
from wftui.render.digest import Busy, Covered, Digest, Gap, Happened, Kept
from wftui.store import gaps, query, retention
from wftui.store.archive import Archive
from wftui.store.energy import energy
from wftui.units import NS_PER_S
from wftui.wire import messages as m

_POINTS: Final = 288
_DEADLINE_S: Final = 30.0
_EVENTS: Final = 1_000_000
_FINEST_S: Final = 600
"""A peak is looked for second by second within so long a bucket."""
_OPEN_LABELS: Final = frozenset({"cpu", "device", "interface", "direction", "mode", "sensor"})
"""Values that the kernel gave; all others (mounts, servers, models, who pushed it) may name something."""
_PERSONAL: Final = ("hw.battery.", "custom.")
"""Metrics whose labels, too, bear what a person called something."""
_MOUNTS: Final = frozenset(
    {"boot", "data", "etc", "home", "media", "mnt", "nix", "opt", "root", "run", "srv", "tmp", "usr", "var"}
)


class _Wanted(NamedTuple):
    """One line, or some, of the report."""

    title: str
    metric: str
    keep: int = 1
    """Series that are shown, those with the highest mean first."""
    labels: tuple[tuple[str, str], ...] = ()
    """What a series must carry."""


_FAMILIES: Final = {
    "CPU": (
        _Wanted("all cores", "system.cpu.utilization"),
        _Wanted("core", "system.cpu.logical.utilization", 3),
        _Wanted("threads that run or could", "system.cpu.run_queue"),
        _Wanted("load, 5 minutes", "system.cpu.load_average.5m"),
        _Wanted("held back by a limit", "container.cpu.throttled.time"),
    ),
    "Memory": (
        _Wanted("in use", "system.memory.utilization"),
        _Wanted("swap in use", "system.paging.utilization"),
        _Wanted("pages swapped", "system.paging.operations", 2),
        _Wanted("huge pages", "system.memory.huge_pages.usage", 1, (("mode", "used"),)),
    ),
    "Pressure (time stalled)": (_Wanted("", "system.pressure.utilization", 8),),
    "Disks": (
        _Wanted("busy", "system.disk.utilization", 5),
        _Wanted("bytes", "system.disk.io", 6),
        _Wanted("full", "system.filesystem.utilization", 5),
    ),
    "Network": (
        _Wanted("bytes", "system.network.io", 6),
        _Wanted("errors", "system.network.errors", 2),
        _Wanted("dropped", "system.network.dropped", 2),
    ),
    "Temperatures": (_Wanted("", "hw.temperature", 5),),
}
_GROUPS: Final = {"gpu": "GPU", "models": "Models", "ux": "UX", "custom": "Custom"}
_PER_GROUP: Final = 12
_COST: Final = (
    _Wanted("recorder and views, CPU", "wftop.cpu.utilization", 3),
    _Wanted("recorder and views, memory", "wftop.memory.usage", 3),
    _Wanted("sealer, time of one run", "wftop.seal.duration"),
    _Wanted("sealer, memory", "wftop.seal.memory.usage"),
    _Wanted("journal", "wftop.store.size"),
    _Wanted("segments", "wftop.store.segments.size"),
)
_ZERO_IS_NOTHING: Final = frozenset(
    {"errors", "dropped", "pages swapped", "swap in use", "huge pages", "held back by a limit"}
)
_LEVELS: Final = {"raw": "every second", "r10": "10 s steps", "r300": "5 min steps", "table": "tables",
                  "burst": "bursts", "event": "events"}  # fmt: skip
_COVERAGE: Final = "wftop.source.coverage"


def digest(archive: Archive, since_s: int, until_s: int) -> Digest | None:
    """Everything about the seconds [since, until); None: nothing was recorded in them.

    Raises:
        TooLargeError: It took too long.
        StoreError: The recording cannot be read.
    """
    found, recorded_s = gaps.gaps(archive, since_s, until_s)
    if not recorded_s:
        return None
    numbers = _Numbers(archive, since_s, until_s)
    events, _ = archive.events(since_ns=since_s * NS_PER_S, until_ns=until_s * NS_PER_S, limit=_EVENTS)
    made = archive.sealed.manifest
    kept = []
    for kind, title in _LEVELS.items():
        items = made.of(kind)
        if items:
            kept.append(Kept(title, sum(item.size for item in items), min(item.since_s for item in items)))
    size = sum(retention.other_files(archive.data_dir).values()) + sum(item.size for item in made.segments)
    return Digest(
        since_s=since_s,
        until_s=until_s,
        recorded_s=recorded_s,
        first_s=numbers.first_s,
        level_s=numbers.level_s,
        busy=[(title, rows) for title, rows in numbers.families() if rows],
        energy=drawn.report(energy(archive, since_s, until_s)),
        gaps=[Gap(*item, gaps.reason(item, events)) for item in found],
        events=_counted(events),
        coverage=numbers.coverage(),
        cost=[row for wanted in _COST for row in numbers.rows(wanted)],
        store=kept,
        store_size=size,
        damaged=archive.damaged,
    )


def _counted(events: Iterable[Event]) -> list[Happened]:
    found: dict[str, Happened] = {}
    for item in events:
        at = item.time_ns / NS_PER_S
        old = found.get(item.type, Happened(item.type, 0, at, at))
        found[item.type] = Happened(item.type, old.times + 1, min(old.first_s, at), max(old.last_s, at))
    return sorted(found.values(), key=lambda item: (-item.times, item.kind))


def _pushed(column: Column) -> bool:
    """Whether a program says it of what wftop measures itself: never told in its place."""
    measured = column.group in ("system", "gpu") and not column.series.name.startswith("wftop.")
    return measured and column.series.label("source") != ""


class _Numbers:
    """Means and peaks of the series that the report shows."""

    def __init__(self, archive: Archive, since_s: int, until_s: int) -> None:
        self._archive = archive
        self._until_s = until_s
        columns = archive.columns()
        wanted = {item.metric for items in _FAMILIES.values() for item in items} | {item.metric for item in _COST}
        others = {
            column.series.name for column in columns if column.group in _GROUPS and column.kind == names.GAUGE
        }
        selectors = sorted(wanted | others | {_COVERAGE})
        self._reply = self._ask(selectors, since_s, until_s, _POINTS)
        self.level_s = self._reply.level_s
        self._series = {item.column.series.text: item for item in self._reply.series}
        self._numbered: dict[tuple[str, str], int] = {}
        first = next(place for place, count in enumerate(self._reply.counts) if count)
        self.first_s = self._at(first)
        if first:
            bucket = self._ask(["system.uptime"], self.first_s, self.first_s + self._step_s, self._step_s)
            place = next((place for place, count in enumerate(bucket.counts) if count), 0)
            self.first_s = (bucket.start_ns + place * bucket.step_ns) // NS_PER_S

    def _ask(self, selectors: list[str], since_s: int, until_s: int, points: int) -> m.RangeReply:
        points = max(1, min(points, until_s - since_s, 10_000))
        question = m.Range(selectors, since_s * NS_PER_S, until_s * NS_PER_S, points)
        return query.range_(self._archive, question, _DEADLINE_S)

    @property
    def _step_s(self) -> int:
        return max(1, self._reply.step_ns // NS_PER_S)

    def _at(self, place: int) -> int:
        return (self._reply.start_ns + place * self._reply.step_ns) // NS_PER_S

    # ---- rows

    def families(self) -> Iterable[tuple[str, list[Busy]]]:
        """Title to rows, of every family that has a value."""
        for title, family in _FAMILIES.items():
            rows = []
            for wanted in family:
                rows += self.rows(wanted)
            yield title, rows
        for group, title in _GROUPS.items():
            there = {item.column.series.name for item in self._series.values() if item.column.group == group}
            rows = []
            for number, metric in enumerate(sorted(there), 1):
                rows += self.rows(self._other(group, metric, number))
            yield title, rows[:_PER_GROUP]

    @staticmethod
    def _other(group: str, metric: str, number: int) -> _Wanted:
        # A pushed name may be anybody's.
        return _Wanted(f"pushed series {number}" if group == "custom" else metric, metric, 2)

    def rows(self, wanted: _Wanted) -> list[Busy]:
        """The busiest series of one metric."""
        found = []
        for item in self._series.values():
            labels = item.column.series
            if labels.name != wanted.metric or labels.stat or _pushed(item.column):
                continue
            if any(labels.label(key) != value for key, value in wanted.labels):
                continue
            mean, known_s = self._mean(item)
            if known_s and not (mean == 0 and wanted.title in _ZERO_IS_NOTHING):
                found.append((mean, labels.text, item, known_s))
        found.sort(key=lambda row: (-row[0], row[1]))
        rows: dict[str, Busy] = {}
        for mean, _, item, known_s in found:
            if len(rows) == wanted.keep:
                break
            shown = self._named(wanted.title, item.column.series)
            if shown not in rows:  # mounts under one folder are one line, the fullest
                rows[shown] = self._row(shown, item, mean, known_s)
        return list(rows.values())

    def _mean(self, item: m.RangeSeries) -> tuple[float, float]:
        """Mean, and the recorded seconds in which the series had a value; none: it never had one."""
        total = weight = 0.0
        for value, count in zip(unpack(item.mean), self._reply.counts, strict=True):
            if value == value and count:
                total += value * count
                weight += count
        return (total / weight if weight else 0.0), weight

    def _row(self, shown: str, item: m.RangeSeries, mean: float, known_s: float) -> Busy:
        column = item.column
        peak = self._series.get(series(column.series.name, dict(column.series.labels), stat="max").text, item)
        high, place = max(
            ((value, -place) for place, value in enumerate(unpack(peak.maximum)) if value == value),
            default=(mean, 0),
        )
        at_s = self._at(-place)
        unit = f"{column.unit}/s" if column.kind == names.COUNTER else column.unit
        if unit == "s/s":
            unit = "1"
        # Not over the whole range: a disk that was there for a minute has written for a minute.
        total = mean * known_s if unit == "By/s" and column.series.name.endswith(".io") else None
        return Busy(shown, unit, mean, high, self._moment(peak.column, at_s, high), total)

    def _moment(self, column: Column, at_s: int, high: float) -> float:
        """The second of a peak, as far as it is kept."""
        if not 1 < self._step_s <= _FINEST_S * 6:
            return at_s
        # A second before: the first rate needs it.
        fine = self._ask([column.series.text], at_s - 1, min(self._until_s, at_s + self._step_s), self._step_s + 1)
        for item in fine.series:
            if item.column.series.text == column.series.text:
                for place, value in enumerate(unpack(item.maximum)):
                    if value == high:
                        return (fine.start_ns + place * fine.step_ns) // NS_PER_S
        return at_s

    def coverage(self) -> list[Covered]:
        """Each source, the worst first."""
        found = []
        for item in self._series.values():
            if item.column.series.name == _COVERAGE:
                mean, known_s = self._mean(item)
                worst = [value for value in unpack(item.minimum) if value == value]
                if known_s:
                    found.append(Covered(item.column.series.label("source"), mean, min(worst, default=mean)))
        return sorted(found, key=lambda item: (item.mean, item.worst, item.source))

    def _named(self, title: str, item: Series) -> str:
        """What a line is called: the metric's title and those labels that name nothing of a person's."""
        parts = [title] if title else []
        for key, value in item.labels:
            if key == "mount":
                parts.append(_mount(value))
            elif (key in _OPEN_LABELS and not item.name.startswith(_PERSONAL)) or item.name.startswith("wftop."):
                parts.append(value)
            else:
                before = sum(1 for seen, _ in self._numbered if seen == key)
                parts.append(f"{key} {self._numbered.setdefault((key, value), before + 1)}")
        return " ".join(parts) or text.UNKNOWN


def _mount(path: str) -> str:
    """A mount by its first folder, where that is a usual one: ``/``, ``/home``."""
    first = path.strip("/").partition("/")[0]
    return f"/{first}" if not first or first in _MOUNTS else "another mount"
