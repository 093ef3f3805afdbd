"""Two sides side by side: which series differ by more than noise, and what else is not the same.

A difference counts when it lies outside of the band that noise stays within, for all series together (see
``windows.noise``); what counts is ranked by how much the step matters (``windows.effect``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from wftui.bundle import differing, sides
from wftui.bundle.differing import Facet
from wftui.bundle.format import AGGREGATE, FULL
from wftui.bundle.sides import Joined, Side, Usage
from wftui.model.sample import Column
from wftui.model.series import Series, series
from wftui.render import text
from wftui.windows.effect import effect, unit_of, weight
from wftui.windows.noise import band
from wftui.wire.messages import RangeStats

LEAST: Final = 0.01
"""A series whose step weighs less is counted, not listed: 3 points of a share, 50 MB of 1 GB of memory."""
_PARTS: Final = frozenset({"cpu", "stat"})
"""Series that differ in these labels alone, and moved the same way, are one finding."""
_TOTALS: Final = {"system.cpu.logical.utilization": "system.cpu.utilization"}
"""Metric of parts to that of the whole."""
NAMELESS: Final = "programs not well known"
_EXACT: Final = 1e-12
"""A smaller share of a mean is rounding."""
_COVERED: Final = 0.9
"""A range of which less was recorded is warned of."""
_LENGTH: Final = 1.1


class Moved(NamedTuple):
    """A series that differs by more than noise."""

    series: Series
    """With the names that both sides have in common."""
    column: Column
    unit: str
    a: RangeStats
    b: RangeStats
    noise: float
    """Half width of the band of b.mean - a.mean; 0: none of its values ever differed."""
    weight: float
    """0 to 1: how much it matters."""
    members: tuple[str, ...] = ()
    """Others that tell the same: further cores, further statistics."""

    @property
    def change(self) -> float:
        """Of the mean, in its unit."""
        return self.b.mean - self.a.mean


class Program(NamedTuple):
    """What the processes of one name use otherwise."""

    name: str
    what: str
    unit: str
    a: float
    """0: it did not run."""
    b: float
    weight: float


class Counts(NamedTuple):
    """How often something happened."""

    what: str
    a: int
    b: int


class Comparison(NamedTuple):
    """All that was found."""

    a: Side
    b: Side
    moved: list[Moved]
    """What matters most first."""
    little: int
    """Series that differ by more than noise, and hardly."""
    same: int
    """Series whose difference is noise."""
    unsure: int
    """Series with too few values on a side for a band."""
    only_a: list[tuple[str, int]]
    """Metrics of series that B has no value of, and how many series."""
    only_b: list[tuple[str, int]]
    programs: list[Program]
    alerts: list[Counts]
    events: list[Counts]
    """Every type that happened on a side."""
    facets: list[Facet]
    warnings: list[str]
    """Sentences: what keeps the sides from being comparable."""

    @property
    def judged(self) -> int:
        """Series that could be judged, each on its own."""
        return sum(1 + len(item.members) for item in self.moved) + self.little + self.same


def compare(a: Side, b: Side) -> Comparison:
    """Lay them side by side."""
    joined = sides.join(a, b)
    stats = _common(a, joined.a), _common(b, joined.b)
    both = [text_ for text_ in stats[0] if text_ in stats[1]]
    known = [name for name in both if _band(a, b, stats[0][name], stats[1][name], 1) is not None]
    moved: list[Moved] = []
    same = little = 0
    for name in known:
        one, other = stats[0][name], stats[1][name]
        item = _moved(joined.names[name], a, b, one, other, _band(a, b, one, other, len(known)) or 0.0)
        if abs(item.change) <= item.noise or not item.change:
            same += 1
        elif item.weight < LEAST:
            little += 1
        else:
            moved.append(item)
    return Comparison(
        a=a,
        b=b,
        moved=_grouped(moved),
        little=little,
        same=same,
        unsure=len(both) - len(known),
        only_a=_metrics(joined, stats[0].keys() - stats[1].keys()),
        only_b=_metrics(joined, stats[1].keys() - stats[0].keys()),
        programs=_programs(a, b),
        alerts=_counts(a.alerts, b.alerts),
        events=_counts(a.events, b.events),
        facets=differing.facets(a, b),
        warnings=list(_warnings(a, b, joined)),
    )


# ---- series


def _common(side: Side, names: dict[str, str]) -> dict[str, str]:
    """Common text to the side's own, of series with a value."""
    return {names[text_]: text_ for text_ in side.stats if text_ in names}


def _band(a: Side, b: Side, one: str, other: str, among: int) -> float | None:
    """None: it cannot be told."""
    found = band(a.variances.get(one), b.variances.get(other), among)
    return None if found != found else found


def _moved(name: Series, a: Side, b: Side, one: str, other: str, noise: float) -> Moved:
    column = a.columns[one]
    before, after = a.stats[one], b.stats[other]
    rounding = _EXACT * max(abs(before.mean), abs(after.mean))
    noise = noise if noise > rounding else 0.0
    # How many, not how long: the column's unit is that of what was counted.
    unit = "" if name.stat == "count" else unit_of(column)
    return Moved(name, column, unit, before, after, noise, effect(column, before.mean, after.mean))


def _grouped(found: list[Moved]) -> list[Moved]:
    """The weightiest of each group, with the others as its members, what matters most first.

    A total speaks for its parts: where there is a series without the label of a part, it leads.
    """
    groups: dict[tuple[str, bool], list[Moved]] = {}
    for item in found:
        labels = {key: value for key, value in item.series.labels if key not in _PARTS}
        name = _TOTALS.get(item.series.name, item.series.name)
        groups.setdefault((series(name, labels).text, item.change > 0), []).append(item)
    kept = []
    for group in groups.values():
        group.sort(key=lambda item: (len(item.series.labels), -item.weight, item.series.text))
        lead, rest = group[0], group[1:]
        most = max(item.weight for item in group)
        kept.append(lead._replace(weight=most, members=tuple(item.series.text for item in rest)))
    return sorted(kept, key=lambda item: (-item.weight, item.series.text))


def _metrics(joined: Joined, texts: set[str]) -> list[tuple[str, int]]:
    return sorted(Counter(joined.names[name].name for name in texts).items())


# ---- what else


def _programs(a: Side, b: Side) -> list[Program]:
    """The most telling number of each program, what matters most first; those with made-up names together."""
    if not a.programs or not b.programs:
        return []
    found = []
    left, right = _named(a), _named(b)
    for name in left.keys() | right.keys():
        one, other = left.get(name), right.get(name)
        most: Program | None = None
        for place, (what, unit) in enumerate(sides.USAGES):
            # What did not run used nothing.
            before, after = (0.0 if item is None else item[place] for item in (one, other))
            if before != before or after != after:
                continue
            item = Program(name, what, unit, before, after, weight(unit, before, after))
            if item.weight >= LEAST and (most is None or item.weight > most.weight):
                most = item
        found += [] if most is None else [most]
    return sorted(found, key=lambda item: (-item.weight, item.name))


def _named(side: Side) -> dict[str, Usage]:
    """Those that are not well known as one: what the others are called means nothing on the other side."""
    found: dict[str, Usage] = {}
    for name, usage in side.programs.items():
        called = NAMELESS if sides.made_up(name) else name
        before = found.get(called)
        pairs = zip(before, usage, strict=True) if before is not None else ()
        summed = [one if other != other else other if one != one else one + other for one, other in pairs]
        found[called] = Usage(*summed) if summed else usage
    return found


def _counts(a: Mapping[str, int], b: Mapping[str, int]) -> list[Counts]:
    found = [Counts(what, a.get(what, 0), b.get(what, 0)) for what in a.keys() | b.keys()]
    return sorted(found, key=lambda item: (-abs(item.b - item.a), item.what))


# ---- what keeps them from being comparable


def _warnings(a: Side, b: Side, joined: Joined) -> Iterator[str]:
    for letter, side in (("A", a), ("B", b)):
        whole = side.until_s - side.since_s
        if not side.recorded_s:
            yield f"{letter} holds no second of its range: nothing of it can be compared."
        elif side.recorded_s < whole * _COVERED:
            yield f"Of {letter} only {length(side.recorded_s)} of {length(whole)} were recorded."
        if side.manifest is not None and side.manifest.level == AGGREGATE:
            yield f"{letter} is a bundle of statistics only (level aggregate): it holds no seconds to compare."
    shared = min(a.until_s, b.until_s) - max(a.since_s, b.since_s)
    if a.recording == b.recording and shared > 0:
        yield f"A and B have {length(shared)} in common: what lies in both can differ in neither."
    lengths = sorted((a.until_s - a.since_s, b.until_s - b.since_s))
    if lengths[1] > lengths[0] * _LENGTH:
        yield (
            f"The ranges are not of one length: A is {length(a.until_s - a.since_s)}, B is"
            f" {length(b.until_s - b.since_s)}; counts of events are those of each as a whole."
        )
    if a.level_s != b.level_s:
        yield (
            f"A has values of {length(a.level_s)}, B of {length(b.level_s)}: peaks and percentiles of the longer"
            " ones are flatter."
        )
    if a.manifest is None or b.manifest is None:
        yield "What is of the own recording is told with its own names (mounts, interfaces, programs)."
    yield from _redacted(a, b)
    for key, left, right in joined.apart:
        yield (
            f"{_plural(left, key)} of A and {right} of B cannot be told to be the same or not (names are made up"
            " in each bundle anew); their series stand under those that only one has."
        )


def _redacted(a: Side, b: Side) -> Iterator[str]:
    levels = [side.manifest.level if side.manifest is not None else "" for side in (a, b)]
    if a.recording == b.recording or levels == ["", ""]:
        return
    if levels[0] != levels[1] and "" not in levels:
        yield f"The bundles are of other levels: A {levels[0]}, B {levels[1]}."
    if any(level not in ("", FULL) for level in levels):
        yield "Programs that are not well known are compared together: their names are made up in each bundle."


def length(seconds: int) -> str:
    """A length of time, to the second below an hour: ``2 min 25 s``."""
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return text.duration(seconds).strip()


def _plural(count: int, key: str) -> str:
    return f"{count} {key}{'' if count == 1 else 's'}"
