"""What to take from a metrics page, declared: names on the page → our figures.

An adapter of a server with a page is mostly a table of these. ``Reader`` turns a page into figures by a plan.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isnan, nan
from operator import itemgetter
from typing import Final, NamedTuple

from wftui.collectors.servers.exposition import Sample, number, parse
from wftui.collectors.servers.figures import WHOLE, Histogram, Key, Look, named
from wftui.collectors.servers.lines import Lines
from wftui.model.sample import DERIVED, MEASURED

GAUGE: Final = "gauge"
COUNTER: Final = "counter"
HISTOGRAM: Final = "histogram"
SUMMARY: Final = "summary"
"""A sum and a count beside it: a distribution of which only the mean is known."""

SUM: Final = "sum"
MEAN: Final = "mean"
"""Of shares: engines side by side have the mean of what each has."""
MAX: Final = "max"

_INFINITE: Final = float("inf")


class Take(NamedTuple):
    """One figure and where it stands on the page."""

    metric: str
    """Of the catalogue."""
    names: tuple[str, ...]
    """Of the samples, of the family for a histogram; today's name first. Only the first that is there is read."""
    kind: str = GAUGE
    mode: str = ""
    fold: str = SUM
    """How samples that differ only in labels that we do not keep become one."""
    scale: float = 1.0
    by: tuple[str, Mapping[str, str]] | None = None
    """(label, its value → mode): the mode comes from a label; ``*`` for all other values; without it they are left
    out."""
    only: tuple[str, str] | None = None
    """(label, value): only samples that carry it."""
    unknown: frozenset[float] = frozenset()
    """Values that mean "unknown" (-1)."""
    coarse: bool = False
    """A counter that no rate may be made of."""
    counter: str = ""
    """Of a summary: the sample that counts what ``names`` sum up; empty: the name with ``_count`` for ``_sum``."""


class _Single(NamedTuple):
    key: Key
    take: Take
    places: list[int]
    """Lines, then places among the plan's values."""


class _Spread(NamedTuple):
    key: Key
    take: Take
    bounds: tuple[float, ...]
    parts: list[list[int]]
    """Of each of the histograms that are added up: the places of its counts, by bound."""
    sums: list[int]
    picks: list[Callable[[Sequence[float]], Sequence[float]]] = []  # noqa: RUF012  set when all places are known
    """What takes the parts out of the plan's values."""


class Reader:
    """Reads the pages of one server."""

    def __init__(self, takes: Sequence[Take], path: str, models: Sequence[str] = ("model_name", "model")) -> None:
        """``path``: of the page, for provenance and errors; ``models``: labels that may name the model.

        Where two takes bring the same figure of the same model, that of the first one counts.
        """
        self._takes = takes
        self._wanted = frozenset(name for take in takes for name in _samples(take))
        self._path = path
        self._models = models
        self._lines: Lines | None = None
        self._starts: dict[int, int] = {}
        """Of the plan that is being made: each line that is wanted, and where in it the value begins."""
        self._singles: list[_Single] = []
        self._spreads: list[_Spread] = []
        self._last: dict[Key, tuple[float, Histogram]] = {}
        self._had: set[tuple[str, str, str]] = set()
        """Metric, model and mode of what earlier takes brought."""
        self._before: Sequence[float] = ()
        """The values that the figures below were made of."""
        self._figures = Look()
        self._coarse: frozenset[Key] = frozenset()
        self._spelling: Mapping[str, str] = {}
        self.renamed: tuple[tuple[str, str], ...] = ()
        """(name on the page, today's name)."""
        self.families: frozenset[str] = frozenset()
        """Names of all samples on the page that was parsed last."""

    def read(self, page: bytes, look: Look) -> None:
        """Put the page's figures into a look.

        Raises:
            SourceFormatError: The page is not in the format.
        """
        values: Sequence[float] | None = self._lines.values(page) if self._lines is not None else None
        if values is None:
            values = self._plan(page)
        found = self._figures
        if values is not self._before:
            found = self._figures = self._understood(values)
            self._before = values
        look.gauges |= found.gauges
        look.counters |= found.counters
        look.histograms |= found.histograms
        if self._coarse:
            look.coarse |= self._coarse
        look.renamed += self.renamed

    def spell(self, names: Mapping[str, str]) -> None:
        """Models whose names the page writes otherwise: as on the page → as they are called."""
        if names != self._spelling:
            self._spelling, self._lines = names, None

    def _understood(self, values: Sequence[float]) -> Look:
        look = Look()
        gauges, counters = look.gauges, look.counters
        for key, take, places in self._singles:
            alone = len(places) == 1 and not take.unknown
            value = values[places[0]] if alone else _folded([values[place] for place in places], take)
            if value is not None and not isnan(value):
                (gauges if take.kind == GAUGE else counters)[key] = value * take.scale
        for spread in self._spreads:
            look.histograms[spread.key] = self._histogram(spread, values)
        return look

    def _histogram(self, spread: _Spread, values: Sequence[float]) -> Histogram:
        parts = [pick(values) for pick in spread.picks]
        count = sum([part[-1] for part in parts])
        last = self._last.get(spread.key)
        if last is not None and last[0] == count and last[1].bounds == spread.bounds:
            return last[1]  # nothing came: the same object tells so
        counts = parts[0] if len(parts) == 1 else tuple(map(sum, zip(*parts, strict=True)))
        total = sum([values[place] for place in spread.sums]) * spread.take.scale if spread.sums else nan
        found = Histogram(spread.bounds, array("d", counts), total)
        self._last[spread.key] = (count, found)
        return found

    def _plan(self, page: bytes) -> Sequence[float]:
        """Find out what is where; returns the values that are wanted."""
        by_name: dict[str, list[Sample]] = {}
        by_line: dict[int, float] = {}
        families = set()
        for sample in parse(page, self._path, wanted=self._wanted):
            families.add(sample.name)
            if sample.name in self._wanted:
                by_name.setdefault(sample.name, []).append(sample)
                by_line[sample.line] = sample.value
        self._starts, self._singles, self._spreads = {}, [], []
        self._had.clear()
        renamed = []
        for take in self._takes:
            ending = "_bucket" if take.kind == HISTOGRAM else ""
            name = next((item for item in take.names if item + ending in by_name), None)
            if name is None:
                continue
            if name != take.names[0]:
                renamed.append((name, take.names[0]))
            if take.kind == HISTOGRAM:
                self._plan_spread(take, name, by_name)
            elif take.kind == SUMMARY:
                self._plan_summary(take, name, by_name)
            else:
                self._plan_single(take, name, by_name[name])
            planned: list[_Single | _Spread] = [*self._singles, *self._spreads]
            for item in planned:
                self._had.add((item.key.metric, item.key.model, item.key.mode))
        wanted = sorted(self._starts)
        self._place({line: place for place, line in enumerate(wanted)})
        lines = Lines(page, page.split(b"\n"), self._starts)
        self._lines = lines if lines.useful else None
        self._starts = {}
        there = {spread.key for spread in self._spreads}
        self._last = {key: item for key, item in self._last.items() if key in there}
        self._coarse = frozenset(single.key for single in self._singles if single.take.coarse)
        self.renamed = tuple(renamed)
        self.families = frozenset(families)
        return array("d", [by_line[line] for line in wanted])

    def _place(self, places: Mapping[int, int]) -> None:
        """Lines of the page become places among the values."""
        self._singles = [item._replace(places=[places[line] for line in item.places]) for item in self._singles]
        spreads, self._spreads = self._spreads, []
        for item in spreads:
            parts = [[places[line] for line in part] for part in item.parts]
            sums = [places[line] for line in item.sums]
            self._spreads.append(item._replace(parts=parts, sums=sums, picks=[_picker(part) for part in parts]))

    def _key(self, take: Take, name: str, labels: Mapping[str, str]) -> Key | None:
        if take.only is not None and labels.get(take.only[0]) != take.only[1]:
            return None
        mode = take.mode
        if take.by is not None:
            label, modes = take.by
            found = modes.get(labels.get(label, ""), modes.get("*"))
            if found is None:
                return None
            mode = found
        said = next((labels[item] for item in self._models if labels.get(item)), WHOLE)
        model = named(self._spelling.get(said, said))
        if (take.metric, model, mode) in self._had:
            return None
        quality = MEASURED if take.scale == 1.0 and take.fold == SUM else DERIVED
        return Key(take.metric, model, mode, quality, f"{self._path} {name}")

    def _put(self, sample: Sample) -> int:
        self._starts[sample.line] = sample.start
        return sample.line

    def _plan_single(self, take: Take, name: str, samples: Sequence[Sample]) -> None:
        grouped: dict[Key, list[int]] = {}
        for sample in samples:
            key = self._key(take, name, sample.labels)
            if key is not None:
                grouped.setdefault(key, []).append(self._put(sample))
        self._singles += [_Single(key, take, places) for key, places in grouped.items()]

    def _plan_summary(self, take: Take, name: str, by_name: Mapping[str, list[Sample]]) -> None:
        counted = by_name.get(take.counter or f"{name.removesuffix('_sum')}_count", ())
        grouped: dict[Key, tuple[list[int], list[int]]] = {}
        for place, samples in enumerate((counted, by_name[name])):
            for sample in samples:
                key = self._key(take, name, sample.labels)
                if key is not None:
                    grouped.setdefault(key, ([], []))[place].append(self._put(sample))
        self._spreads += [
            _Spread(key, take, (_INFINITE,), [[line] for line in counts], sums)
            for key, (counts, sums) in grouped.items()
            if counts and sums
        ]

    def _plan_spread(self, take: Take, name: str, by_name: Mapping[str, list[Sample]]) -> None:
        grouped: dict[Key, dict[frozenset[tuple[str, str]], list[tuple[float, Sample]]]] = {}
        for sample in by_name[f"{name}_bucket"]:
            key = self._key(take, name, sample.labels)
            try:
                bound = number(sample.labels.get("le", "").encode()) * take.scale
            except ValueError:
                continue
            if key is not None:
                rest = frozenset(item for item in sample.labels.items() if item[0] != "le")
                grouped.setdefault(key, {}).setdefault(rest, []).append((bound, sample))
        for key, parts in grouped.items():
            first: tuple[float, ...] | None = None
            found: list[list[int]] = []
            sums = []
            for rest, buckets in parts.items():
                buckets.sort(key=lambda item: item[0])
                bounds = tuple(bound for bound, _ in buckets)
                if not bounds or bounds[-1] != _INFINITE or (first is not None and bounds != first):
                    continue  # buckets of different bounds cannot be added
                first = bounds
                found.append([self._put(sample) for _, sample in buckets])
                for ending in ("_sum", "_count"):
                    for sample in by_name.get(name + ending, ()):
                        if frozenset(sample.labels.items()) == rest:
                            line = self._put(sample)  # the count, too: it stands between, where a gap costs more
                            if ending == "_sum":
                                sums.append(line)
            if first is not None:
                self._spreads.append(_Spread(key, take, first, found, sums))


def _samples(take: Take) -> Iterator[str]:
    """Names of the samples that a take may read."""
    for name in take.names:
        if take.kind == HISTOGRAM:
            yield from (f"{name}_bucket", f"{name}_sum", f"{name}_count")
        else:
            yield name
        if take.kind == SUMMARY:
            yield take.counter or f"{name.removesuffix('_sum')}_count"


def _picker(places: Sequence[int]) -> Callable[[Sequence[float]], Sequence[float]]:
    """What takes the values at these places."""
    first, behind = places[0], places[0] + len(places)
    if list(places) == list(range(first, behind)):
        return itemgetter(slice(first, behind))
    return itemgetter(*places)


def _folded(values: Sequence[float], take: Take) -> float | None:
    known = [value for value in values if not isnan(value) and value not in take.unknown]
    if not known:
        return None
    if take.fold == MAX:
        return max(known)
    total = sum(known)
    return total / len(known) if take.fold == MEAN else total
