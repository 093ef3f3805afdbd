"""Which series a report draws, and what it says of them in numbers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui import names
from wftui.bundle.charts import Chart, Line, Threshold
from wftui.bundle.report_alerts import Alert
from wftui.bundle.report_words import said, unit
from wftui.errors import StoreError
from wftui.model.sample import Column
from wftui.model.series import series
from wftui.model.tick import unpack
from wftui.store import query
from wftui.store.answers import TooLargeError
from wftui.store.archive import Archive
from wftui.units import NS_PER_S, quantity
from wftui.wire import messages as m

if TYPE_CHECKING:
    from wftui.bundle.privacy import Redactor

_POINTS: Final = 240
_TOGETHER: Final = 300
_FEWEST: Final = 48
"""Steps of all lines of a chart together, and of one at least: the page is to stay small."""
_LINES: Final = 8
_ALERTED: Final = 6
"""Charts of series that only alerts look at."""
_DEADLINE_S: Final = 10.0


class _Wanted(NamedTuple):
    """A chart."""

    group: str
    title: str
    metrics: tuple[str, ...]
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Label and which of its values; others are left out."""
    stat: str = ""
    most: float = 0.0
    lines: int = _LINES


MACHINE, GPUS, SERVERS, ENERGY, UX, OTHERS = (
    "Machine", "GPUs", "Model servers", "Energy", "Frames and streams", "Alerts look at"
)  # fmt: skip
_CHARTS: Final = (
    _Wanted(MACHINE, "CPU", ("system.cpu.utilization",), most=1.0),
    _Wanted(MACHINE, "Memory and swap", ("system.memory.utilization", "system.paging.utilization"), most=1.0),
    _Wanted(MACHINE, "Pressure (time stalled)", ("system.pressure.utilization",), lines=5),
    _Wanted(MACHINE, "Disks busy", ("system.disk.utilization",), most=1.0, lines=6),
    _Wanted(MACHINE, "Disks, bytes", ("system.disk.io",), lines=6),
    _Wanted(MACHINE, "Network", ("system.network.io",), lines=6),
    _Wanted(MACHINE, "File systems full", ("system.filesystem.utilization",), most=1.0, lines=6),
    _Wanted(MACHINE, "Temperatures", ("hw.temperature",), lines=6),
    _Wanted(GPUS, "GPUs busy", ("hw.gpu.utilization",), most=1.0),
    _Wanted(GPUS, "GPU memory", ("hw.gpu.memory.utilization",), most=1.0),
    _Wanted(GPUS, "GPU power", ("hw.gpu.power",)),
    _Wanted(GPUS, "GPU temperature", ("hw.gpu.temperature",), (("sensor", ("gpu",)),)),
    _Wanted(GPUS, "GPU clock", ("hw.gpu.clock.frequency",), (("mode", ("graphics",)),)),
    _Wanted(SERVERS, "Requests running", ("inference.requests",), (("mode", ("running",)),), lines=6),
    _Wanted(SERVERS, "Requests waiting", ("inference.requests",), (("mode", ("waiting",)),), lines=6),
    _Wanted(
        SERVERS, "Tokens generated a second", ("inference.tokens.rate",), (("mode", ("generation",)),), lines=6
    ),
    _Wanted(SERVERS, "Time to first token, p95", ("gen_ai.server.time_to_first_token",), stat="p95", lines=6),
    _Wanted(SERVERS, "Time between tokens, p95", ("inference.inter_token_latency",), stat="p95", lines=6),
    _Wanted(SERVERS, "KV cache used", ("inference.kv_cache.utilization",), most=1.0, lines=6),
    _Wanted(ENERGY, "Power of the processors", ("hw.power",), lines=4),
    _Wanted(ENERGY, "Energy of a token", ("inference.energy.per_token",), lines=4),
    _Wanted(UX, "Frame time, p95", ("ux.frame.p95",), (("mode", ("10s",)),), lines=6),
    _Wanted(UX, "Input latency, p95", ("ux.input.latency",), stat="p95", lines=6),
    _Wanted(UX, "Tokens of streams a second", ("ux.stream.rate",), lines=6),
)
_COVERAGE: Final = "wftop.source.coverage"
_COSTS: Final = ("wftop.cpu.utilization", "wftop.memory.usage")
_SIZES: Final = (
    ("CPUs", "system.cpu.logical.count"),
    ("memory", "system.memory.limit"),
    ("wftop, health score at the end", "wftop.health.score"),
)
_PEAKS: Final = (("CPU", "system.cpu.utilization"), ("memory", "system.memory.utilization"))


class Numbers(NamedTuple):
    """What the recording says in numbers."""

    charts: list[tuple[str, Chart]]
    """Group and chart."""
    span: tuple[int, int]
    """UTC seconds that the steps of the charts cover."""
    peaks: list[str]
    busiest_s: int | None
    """UTC second of the step in which the processors had most to do; None: not known."""
    coverage: dict[str, tuple[float, float]]
    """Source to (mean, worst) share of its collections that came."""
    cost: list[tuple[str, str]]
    sizes: list[tuple[str, str]]


class _Found(NamedTuple):
    """A series of the answer."""

    raw: Column
    told: Column
    low: Sequence[float]
    mean: Sequence[float]
    high: Sequence[float]

    def most(self) -> float:
        return max((value for value in self.high if value == value), default=-math.inf)


def numbers(
    archive: Archive,
    seconds: tuple[int, int],
    redactor: "Redactor",
    alerts: Sequence[Alert],
    numbered: Mapping[str, str],
) -> Numbers:
    """Read them.

    Args:
        archive: What was recorded.
        seconds: [since, until), UTC.
        redactor: Which series may be told, and under which names.
        alerts: Their series are drawn, with their limits.
        numbered: GPU, as the redactor names it, to its number.

    Raises:
        StoreError: The recording cannot be read, or it is too much.
    """
    alerted = {text for item in alerts for text in item.series if text}
    wanted = {metric for item in _CHARTS for metric in item.metrics}
    wanted |= {_COVERAGE, *_COSTS, *(metric for _, metric in _SIZES)}
    listed = sorted(wanted | {text.partition("{")[0] for text in alerted})
    reply = _asked(archive, listed, seconds)
    every: dict[str, m.RangeSeries] = {item.column.series.text: item for item in reply.series}
    found = [made for item in reply.series if (made := _found(item, every, redactor)) is not None]
    drawn: set[str] = set()
    charts = []
    for spec in _CHARTS:
        chart = _chart(spec, found, alerts, numbered, drawn)
        if chart is not None:
            charts.append((spec.group, chart))
    rest = [item for item in found if item.raw.series.text in alerted - drawn][:_ALERTED]
    for item in rest:
        alone = _Wanted(OTHERS, said(item.told.series.name), (item.told.series.name,))
        chart = _drawn(alone, [item], alerts, numbered, 0)
        charts.append((OTHERS, chart))
    start_s, step_s = reply.start_ns // NS_PER_S, max(1, reply.step_ns // NS_PER_S)
    return Numbers(
        charts,
        (start_s, start_s + reply.points * step_s),
        list(_peaks(found)),
        _busiest_s(found, start_s, step_s),
        _coverage(found),
        list(_cost(found)),
        list(_sizes(found)),
    )


def _asked(archive: Archive, selectors: list[str], seconds: tuple[int, int]) -> m.RangeReply:
    """Of a machine with a thousand series in coarser steps."""
    since_ns, until_ns = seconds[0] * NS_PER_S, seconds[1] * NS_PER_S
    try:
        return query.range_(archive, m.Range(selectors, since_ns, until_ns, _POINTS), _DEADLINE_S)
    except TooLargeError:
        try:
            return query.range_(archive, m.Range(selectors, since_ns, until_ns, _FEWEST), _DEADLINE_S)
        except TooLargeError as error:
            raise StoreError(f"charts: {error}") from error


def _found(item: m.RangeSeries, every: Mapping[str, m.RangeSeries], redactor: "Redactor") -> _Found | None:
    column = item.column
    if column.series.stat == "max" or (column.group in ("system", "gpu") and _pushed(column)):
        return None
    told = redactor.column(column)
    if told is None:
        return None
    low, mean, high = unpack(item.minimum), unpack(item.mean), unpack(item.maximum)
    labels = dict(column.series.labels)
    peak = every.get(series(column.series.name, labels, "max").text) if not column.series.stat else None
    if peak is not None:  # of ten readings a second: farther than the mean of any second
        high = unpack(peak.maximum)
    return _Found(column, told, low, mean, high)


def _pushed(column: Column) -> bool:
    """Whether a program says it of what wftop measures itself."""
    return bool(column.series.label("source")) and not column.series.name.startswith("wftop.")


def _chart(
    spec: _Wanted, found: Iterable[_Found], alerts: Sequence[Alert], numbered: Mapping[str, str], drawn: set[str]
) -> Chart | None:
    fits = [
        item
        for item in found
        if item.raw.series.name in spec.metrics
        and item.raw.series.stat == spec.stat
        and all(item.raw.series.label(key) in values for key, values in spec.labels)
        and item.most() > -math.inf
    ]
    if not fits:
        return None
    alerted = {text for item in alerts for text in item.series}
    # What an alert looks at is there even if it is not among the highest.
    ranked = sorted(fits, key=lambda item: (item.raw.series.text not in alerted, -item.most()))[: spec.lines]
    kept = [item for item in fits if item in ranked]
    drawn.update(item.raw.series.text for item in kept)
    return _drawn(spec, kept, alerts, numbered, len(fits) - len(kept))


def _drawn(
    spec: _Wanted, kept: Sequence[_Found], alerts: Sequence[Alert], numbered: Mapping[str, str], left: int
) -> Chart:
    column = kept[0].told
    shown = unit(f"{column.unit}/s" if column.kind == names.COUNTER else column.unit)
    lines = []
    for item in kept:
        name = _name(item.told, spec, numbered)
        every = -(-len(item.mean) // max(_FEWEST, _TOGETHER // len(kept)))
        lines.append(_fewer(Line(name, item.low, item.mean, item.high), every))
    if len({line.name for line in lines}) < len(lines):
        lines = [line._replace(name=f"{line.name} ({place})") for place, line in enumerate(lines, 1)]
    limits = [
        Threshold(alert.threshold, alert.number)
        for alert in alerts
        if alert.threshold is not None
        and alert.unit == shown
        and any(item.raw.series.text in alert.series for item in kept)
    ]
    more = f"and {left} more, all of them lower" if left else ""
    return Chart(spec.title, shown, lines, sorted(set(limits)), spec.most, more)


def _fewer(line: Line, every: int) -> Line:
    """So many steps in one."""
    low, mean, high = [], [], []
    for place in range(0, len(line.mean), every):
        part = slice(place, place + every)
        means = [value for value in line.mean[part] if value == value]
        low.append(min((value for value in line.low[part] if value == value), default=math.nan))
        mean.append(sum(means) / len(means) if means else math.nan)
        high.append(max((value for value in line.high[part] if value == value), default=math.nan))
    return Line(line.name, low, mean, high)


def _name(column: Column, spec: _Wanted, numbered: Mapping[str, str]) -> str:
    """Labels in words; of a chart of several metrics the metric as well."""
    fixed = {key for key, values in spec.labels if len(values) == 1}
    parts = []
    if len(spec.metrics) > 1:
        parts.append("swap" if "paging" in column.series.name else column.series.name.split(".")[1])
    for key, value in column.series.labels:
        if key == "stat" or key in fixed:
            continue
        parts.append(f"GPU {numbered.get(value, value)}" if key == "gpu" else value)
    return said(" ".join(parts) or spec.title)


def _peaks(found: Iterable[_Found]) -> Iterable[str]:
    listed = list(found)
    for words, metric in (*_PEAKS, ("a GPU", "hw.gpu.utilization"), ("a disk", "system.disk.utilization")):
        most = max((item.most() for item in listed if item.raw.series.name == metric), default=-math.inf)
        if most > -math.inf:
            yield f"{words} {quantity(most, '1')}"


def _busiest_s(found: Iterable[_Found], start_s: int, step_s: int) -> int | None:
    """The last second of that step: who made it busy is known by then."""
    listed = list(found)
    for metric in ("system.cpu.utilization", "hw.gpu.utilization"):
        steps = [
            (value, place)
            for item in listed
            if item.raw.series.name == metric and not item.raw.series.stat
            for place, value in enumerate(item.mean)
            if value == value
        ]
        if steps:
            return start_s + max(steps)[1] * step_s + step_s - 1
    return None


def _coverage(found: Iterable[_Found]) -> dict[str, tuple[float, float]]:
    shares = {}
    for item in found:
        known = [value for value in item.mean if value == value]
        if item.raw.series.name == _COVERAGE and known:
            lows = [value for value in item.low if value == value]
            shares[item.told.series.label("source")] = sum(known) / len(known), min(lows)
    return shares


def _cost(found: Iterable[_Found]) -> Iterable[tuple[str, str]]:
    for item in found:
        known = [value for value in item.mean if value == value]
        if item.raw.series.name in _COSTS and known:
            what = "CPU" if item.raw.unit == "1" else "memory"
            who = item.told.series.label("source") or item.told.series.label("view") or "wftop"
            mean, most = quantity(sum(known) / len(known), item.raw.unit), quantity(item.most(), item.raw.unit)
            yield said(f"{who}, {what}"), f"{mean}, at most {most}"


def _sizes(found: Iterable[_Found]) -> Iterable[tuple[str, str]]:
    listed = list(found)
    for words, metric in _SIZES:
        last = next((item for item in listed if item.raw.series.text == metric), None)
        value = next((value for value in reversed(last.mean) if value == value), None) if last else None
        if last is not None and value is not None:
            yield words, quantity(value, last.raw.unit)
