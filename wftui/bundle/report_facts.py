"""What the reports of a bundle say, before it is drawn: alerts, what was different, tables, what is missing.

Everything that came from outside passed the redactor and is a ``Said``; what is not one are words of ours.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from wftui.bundle import report_alerts
from wftui.bundle.aggregate import generalised
from wftui.bundle.charts import Chart, Span
from wftui.bundle.format import AGGREGATE, Facts, Manifest
from wftui.bundle.report_alerts import Alert
from wftui.bundle.report_charts import Numbers, numbers
from wftui.bundle.report_words import Said, Sentence, said
from wftui.model import gpus, processes, servers
from wftui.model import health as states
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.table import Cell, TableSchema
from wftui.model.why import ENDED, STARTED, Answer
from wftui.render import text, why
from wftui.store import gaps
from wftui.store.archive import Archive
from wftui.units import NS_PER_S, quantity

if TYPE_CHECKING:
    from wftui.bundle.privacy import Redactor

EVENTS: Final = 20_000
"""Of a range that are looked at."""
_TOP: Final = 8
_MOVED: Final = 8
_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)")
_CHATTY: Final = ("view.", "alert.", "burst.", "provenance.", "stream.", "backup.", "rules.", "core.")
"""Types of events of which only how many is told; alerts have a table of their own."""
_GRAVE: Final = frozenset(
    {
        "gpu.lost", "gpu.stuck", "gpu.xid", "gpu.ecc", "process.oom_killed", "server.gone", "store.failed",
        "store.damaged", "machine.down", "recorder.unclean", "clock.suspended",
    }
)  # fmt: skip


class Table(NamedTuple):
    """A table of a report: cells are ready words."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""
    """Below it; alone, why there are no rows."""
    numeric: tuple[int, ...] = ()
    """Places of the columns that hold numbers."""


class Happened(NamedTuple):
    """An event of the range."""

    time_ns: int
    words: Said
    grave: bool
    mark: bool


class Report(NamedTuple):
    """All of it."""

    manifest: Manifest
    zone: "Zone"
    span: Span
    """The range, and what of it was not recorded."""
    recorded_s: int
    gaps: list[tuple[int, int, str]]
    """(from, until, why), UTC seconds."""
    summary: list[Sentence]
    alerts: list[Alert]
    """The worst first; they are numbered so."""
    different: list[Sentence]
    """What moved, the most telling first; empty: nothing did, or it was not asked."""
    before_s: int
    """Length of the time that it was compared with."""
    charts: list[tuple[str, Chart]]
    """Group and chart."""
    chart_span: Span
    worst_ns: int
    """The moment that tables show."""
    busy: list[Table]
    events: list[Happened]
    counted: list[tuple[str, int]]
    """Types of events that are not told one by one, and how many."""
    inventory: list[Table]
    sources: Table
    cost: list[tuple[str, str]]


class Zone:
    """The time zone of the machine; where that is not known here, UTC."""

    def __init__(self, name: str) -> None:
        """``name``: IANA, or an offset like ``+02:00``."""
        self.name = name
        self._zone: tzinfo
        found = _OFFSET.fullmatch(name)
        try:
            if found:
                east = timedelta(hours=int(found[2]), minutes=int(found[3]))
                self._zone = timezone(-east if found[1] == "-" else east)
            else:
                self._zone = ZoneInfo(name)
        except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
            self._zone, self.name = UTC, "UTC"
        except KeyError:
            self._zone, self.name = UTC, "UTC"

    def _at(self, time_s: float) -> datetime:
        return datetime.fromtimestamp(time_s, self._zone)

    def clock(self, time_s: float) -> str:
        """``14:03:20``."""
        return self._at(time_s).strftime("%H:%M:%S")

    def day(self, time_s: float) -> str:
        """``2026-11-22``."""
        return self._at(time_s).strftime("%Y-%m-%d")

    def moment(self, time_s: float) -> str:
        """Both."""
        return f"{self.day(time_s)} {self.clock(time_s)}"

    def label(self, time_s: int, day: bool) -> str:
        """Of an axis: ``14:03``, with seconds where it is no whole minute."""
        at = self._at(time_s)
        return at.strftime("%m-%d" if day else "%H:%M" if not at.second else "%H:%M:%S")


class Tables:
    """Rows of tables at a moment, redacted, by column name."""

    def __init__(self, archive: Archive, redactor: "Redactor") -> None:
        self._archive, self._redactor = archive, redactor
        self._schemas = {item.name: item for item in archive.tables()}

    def at(self, name: str, time_ns: int) -> list[dict[str, Cell]]:
        """Empty: there was no such table then, or it is not to be told."""
        found = self._archive.table_at(name, time_ns)
        if found is None:
            return []
        told: TableSchema | None = self._redactor.schema(found.schema)
        if told is None:
            return []
        kept = [item.name for item in told.columns]
        return [dict(zip(kept, self._redactor.row(found.schema, row), strict=True)) for row in found.rows.values()]


def gather(
    archive: Archive,
    manifest: Manifest,
    redactor: "Redactor",
    facts: Facts | None = None,
    answer: Answer | None = None,
) -> Report:
    """Find everything that the reports say.

    Args:
        archive: What was recorded, as it is.
        manifest: Of the bundle, members or not.
        redactor: What everything passes.
        facts: What the bundle says beside the recording, redacted already.
        answer: What was different around the moment, over redacted data; None: not known.

    Raises:
        StoreError: The recording cannot be read.
        TooLargeError: It took too long.
    """
    zone = Zone(manifest.origin.time_zone)
    if manifest.level == AGGREGATE:
        return _aggregate(generalised(manifest), zone)
    since_s, until_s = manifest.since_ns // NS_PER_S, -(-manifest.until_ns // NS_PER_S)
    raw_events, _ = archive.events(
        since_ns=manifest.since_ns, until_ns=manifest.until_ns, limit=EVENTS, newest=True
    )
    tables = Tables(archive, redactor)
    missing, recorded_s = _gaps(archive, since_s, until_s, raw_events)
    alerts = report_alerts.alerts(archive, manifest, raw_events, redactor)
    last_ns = _last_ns(archive, manifest)
    worst_ns = report_alerts.moment_ns(alerts, manifest.alert, last_ns)
    cards = tables.at(gpus.GPUS.name, last_ns)
    numbered = {
        str(item.get("gpu.uuid")): f"{item['gpu.index']:g}"
        for item in cards
        if _number(item, "gpu.index") is not None
    }
    found = numbers(archive, (since_s, until_s), redactor, alerts, numbered)
    happened, counted = _events(raw_events, redactor, numbered)
    report = Report(
        manifest=manifest,
        zone=zone,
        span=Span(since_s, until_s, [(item[0], item[1]) for item in missing]),
        recorded_s=recorded_s,
        gaps=missing,
        summary=[],
        alerts=alerts,
        different=_different(answer, zone),
        before_s=0 if answer is None else answer.from_s - answer.since_s,
        charts=found.charts,
        chart_span=Span(*found.span, [(item[0], item[1]) for item in missing]),
        worst_ns=worst_ns,
        busy=_busy(tables, worst_ns, numbered),
        events=happened,
        counted=counted,
        inventory=_inventory(manifest, facts or Facts(), tables, last_ns, found, numbered),
        sources=_sources(facts or Facts(), found, happened_health(raw_events, redactor)),
        cost=found.cost,
    )
    return report._replace(summary=_summary(report, answer, found))


def _aggregate(manifest: Manifest, zone: Zone) -> Report:
    """Of statistics: they are in the bundle, by the hour; here is neither a moment nor an event nor a name."""
    said_so = "This bundle holds statistics by the hour only: no moments, no events and no names."
    span = Span(manifest.since_ns // NS_PER_S, manifest.until_ns // NS_PER_S)
    nothing = Table("Sources", (), [])
    return Report(
        manifest,
        zone,
        span,
        0,
        [],
        [(said_so,)],
        [],
        [],
        0,
        [],
        span,
        manifest.since_ns,
        [],
        [],
        [],
        [],
        nothing,
        [],
    )


def _last_ns(archive: Archive, manifest: Manifest) -> int:
    """End of the last second of the range that has a tick."""
    second = -(-manifest.until_ns // NS_PER_S) - 1
    if archive.at(second) is None:
        before, _ = archive.neighbours(second)
        second = second if before is None else before
    return second * NS_PER_S + NS_PER_S - 1


def _gaps(
    archive: Archive, since_s: int, until_s: int, events: Sequence[Event]
) -> tuple[list[tuple[int, int, str]], int]:
    found, recorded_s = gaps.gaps(archive, since_s, until_s)
    span = archive.span(since_s, until_s)
    if span is None:
        return [(since_s, until_s, "nothing was recorded")], 0
    ticks = archive.sequence(span.first_seq, span.first_seq), archive.sequence(span.last_seq, span.last_seq)
    first, last = (next(item, None) for item in ticks)
    if first is not None and first.time_s - since_s >= gaps.SHORT_S:
        found.insert(0, gaps.Gap(since_s, first.time_s, first.time_s - since_s))
    if last is not None and until_s - last.time_s - 1 >= gaps.SHORT_S:
        found.append(gaps.Gap(last.time_s + 1, until_s, until_s - last.time_s - 1))
    return [(item.since_s, item.until_s, gaps.reason(item, events)) for item in found], recorded_s


# ---- in sentences


def _summary(report: Report, answer: Answer | None, found: Numbers) -> list[Sentence]:
    return [_what(report), _numbers_then(report, answer, found), _known(report)]


def _what(report: Report) -> Sentence:
    zone, alerts = report.zone, report.alerts
    length = text.duration(report.span.until_s - report.span.since_s).strip()
    if not alerts:
        return (f"No alert fired in these {length}.",)
    firing = sum(item.periods[-1][1] is None for item in alerts)
    count = f"{len(alerts)} alerts" if len(alerts) > 1 else "One alert"
    ended = "all ended within it" if not firing else f"{firing} still fired at its end" if len(alerts) > 1 else ""
    if len(alerts) == 1:
        ended = "it still fired at the end" if firing else "it ended within it"
    worst = alerts[0]
    began = worst.periods[0][0]
    since = "before the range" if began < report.span.since_s else f"at {zone.clock(began)}"
    return (
        f"{count} fired in these {length}, {ended}; the worst is {worst.severity}, ", worst.name,
        f", since {since}" if began < report.span.since_s else f", {since}", ".",
    )  # fmt: skip


def _numbers_then(report: Report, answer: Answer | None, found: Numbers) -> Sentence:
    """What was different at the moment: of the comparison, else the alert's own numbers, else the peaks."""
    if report.different and answer is not None:
        first = [part for item in report.different[:3] for part in ("; ", *item)][1:]
        return (f"Against the {text.duration(report.before_s).strip()} before: ", *first, ".")
    if report.alerts:
        worst = report.alerts[0]
        numbers_said = f" ({worst.figures})" if worst.figures else ""
        return ("Its words: ", worst.message or worst.name, f"{numbers_said}.")
    peaks = ", ".join(found.peaks)
    return (f"The peaks: {peaks}." if peaks else "No value is known of it.",)


def _known(report: Report) -> Sentence:
    asked = max(1, report.span.until_s - report.span.since_s)
    known = f"{text.duration(report.recorded_s).strip()} of {text.duration(asked).strip()} were recorded"
    if report.gaps:
        longest = max(report.gaps, key=lambda item: item[1] - item[0])
        count = f"{len(report.gaps)} gaps, the longest" if len(report.gaps) > 1 else "one gap,"
        span = f"from {report.zone.clock(longest[0])} to {report.zone.clock(longest[1])}"
        known += f", with {count} {span} ({longest[2]})"
    else:
        known += " without a gap"
    bad = [row[0] for row in report.sources.rows if row[1] in states.TROUBLE]
    if bad:
        known += f"; {len(bad)} sources had trouble" if len(bad) > 1 else "; one source had trouble"
    return (f"{known}.",)


def _different(answer: Answer | None, zone: Zone) -> list[Sentence]:
    if answer is None:
        return []
    found: list[Sentence] = [
        (said(why.moved(item, answer.gpus)), f" at {zone.clock(item.began_s)}") for item in answer.moved[:_MOVED]
    ]
    for item in answer.processes[:_TOP]:
        who = said(f"{item.name or '-'} ({item.pid})")
        where = f" on {why.gpu_named(item.gpu, answer.gpus)}" if item.gpu else ""
        if item.kind == STARTED:
            what = f" started: {item.what} {why.amount(item.after, item.unit)}"
        elif item.kind == ENDED:
            what = f" ended: {item.what} {why.amount(item.before, item.unit)} before"
        else:
            what = f" {item.what} {why.step(item.before, item.after, item.unit)}"
        found.append((who, f"{what}{where} at {zone.clock(item.at_s)}"))
    return found


# ---- in tables


def _number(row: Mapping[str, Cell], name: str) -> float | None:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) and value == value else None


def _shown(row: Mapping[str, Cell], name: str, unit: str) -> str:
    value = _number(row, name)
    return text.UNKNOWN if value is None else quantity(value, unit)


def _percent(row: Mapping[str, Cell], name: str) -> str:
    """Of cores: may be more than a thousand."""
    return text.percent(_number(row, name)).strip()


def _text(row: Mapping[str, Cell], name: str) -> Said:
    value = row.get(name)
    return said(text.UNKNOWN if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value))


def _busy(tables: Tables, at_ns: int, numbered: Mapping[str, str]) -> list[Table]:
    """Who used most at the moment."""
    rows = tables.at(processes.PROCESSES.name, at_ns)
    found = []
    heads = ("process", "pid", "user", "CPU", "memory", "read", "written")
    for title, by in (("CPU", "process.cpu.utilization"), ("memory", "process.memory.usage")):
        first = sorted(rows, key=lambda row: -(_number(row, by) or 0.0))[:_TOP]
        cells: list[tuple[str, ...]] = [
            (
                _text(row, "process.name"), _text(row, "process.pid"), _text(row, "process.user"),
                _percent(row, "process.cpu.utilization"), _shown(row, "process.memory.usage", "By"),
                _shown(row, "process.disk.read", "By/s"), _shown(row, "process.disk.write", "By/s"),
            )
            for row in first
            if _number(row, by)
        ]  # fmt: skip
        none = "" if cells else "No process is known at this moment."
        found.append(Table(f"Most {title}", heads, cells, none, (1, 3, 4, 5, 6)))
    on_gpus = [
        row for row in tables.at(gpus.GPU_PROCESSES.name, at_ns) if _number(row, "process.gpu.memory.usage")
    ]
    on_gpus.sort(key=lambda row: -(_number(row, "process.gpu.memory.usage") or 0.0))
    if on_gpus:
        used: list[tuple[str, ...]] = [
            (
                said(f"GPU {numbered.get(str(row.get('gpu.uuid')), row.get('gpu.uuid'))}"),
                _text(row, "process.name"), _text(row, "process.pid"), _text(row, "process.user"),
                _percent(row, "process.gpu.utilization"), _shown(row, "process.gpu.memory.usage", "By"),
            )
            for row in on_gpus[:_TOP]
        ]  # fmt: skip
        found.append(
            Table("Most GPU memory", ("GPU", "process", "pid", "user", "busy", "memory"), used, "", (2, 4, 5))
        )
    return found


def _events(
    events: Iterable[Event], redactor: "Redactor", numbered: dict[str, str]
) -> tuple[list[Happened], list[tuple[str, int]]]:
    found: list[Happened] = []
    counted: dict[str, int] = {}
    for raw in events:
        item = redactor.event(raw)
        if item is None:
            continue
        if item.type.startswith(_CHATTY):
            if not item.type.startswith("alert."):
                counted[item.type] = counted.get(item.type, 0) + 1
            continue
        words = said(why.happened(item, numbered))
        found.append(Happened(item.time_ns, words, item.type in _GRAVE, item.type == "mark.set"))
    return found, sorted(counted.items())


def happened_health(events: Iterable[Event], redactor: "Redactor") -> dict[str, tuple[str, str]]:
    """The last that events say of each source: name to (state, why)."""
    found = {}
    for raw in events:
        item = redactor.event(raw) if raw.type == "source.state" else None
        if item is not None:
            found[item.aggregate_id] = str(item.payload.get("after", "")), str(item.payload.get("reason", ""))
    return found


def _sources(facts: Facts, found: Numbers, events: Mapping[str, tuple[str, str]]) -> Table:
    heads = ("source", "state", "coverage", "worst", "why", "how to mend it")
    told: dict[str, Health] = {} if facts.health is None else {item.source: item for item in facts.health.sources}
    rows: list[tuple[str, ...]] = []
    for name in sorted({*told, *found.coverage, *events}):
        health = told.get(name)
        state, reason = (health.state, health.reason) if health else events.get(name, ("", ""))
        mean, worst = found.coverage.get(name, (None, None))
        rows.append(
            (
                said(name), state if state in states.STATES else text.UNKNOWN,
                text.UNKNOWN if mean is None else quantity(mean, "1"),
                text.UNKNOWN if worst is None else quantity(worst, "1"),
                said(reason), said(health.fix if health else ""),
            )
        )  # fmt: skip
    return Table("Sources", heads, rows, "" if rows else "Nothing is known of the sources in this range.", (2, 3))


def _inventory(
    manifest: Manifest,
    facts: Facts,
    tables: Tables,
    at_ns: int,
    found: Numbers,
    numbered: Mapping[str, str],
) -> list[Table]:
    origin, known = manifest.origin, facts.inventory
    rows: list[tuple[str, str]] = [("machine", said(origin.host))]
    rows += [("operating system", said(origin.os))] if origin.os else []
    rows += [("kernel", said(origin.kernel))] if origin.kernel else []
    if known is not None:
        rows += [("processor", said(f"{known.cpu} ({known.architecture})".strip()))] if known.cpu else []
    rows += found.sizes
    rows.append(("wftop", said(manifest.program)))
    if known is not None and known.libraries:
        rows.append(
            ("libraries", said(", ".join(f"{name} {version}" for name, version in known.libraries.items())))
        )
    made: list[tuple[str, ...]] = list(rows)
    return [
        Table("The machine", ("what", "which"), made),
        *_cards(tables, at_ns, numbered),
        *_served(tables, at_ns),
    ]


def _cards(tables: Tables, at_ns: int, numbered: Mapping[str, str]) -> list[Table]:
    cards = tables.at(gpus.GPUS.name, at_ns)
    rows: list[tuple[str, ...]] = [
        (
            said(numbered.get(str(row.get("gpu.uuid")), str(row.get("gpu.uuid")))), _text(row, "gpu.name"),
            _text(row, "gpu.state"), _text(row, "gpu.driver"), _text(row, "gpu.cuda"), _text(row, "gpu.throttle"),
        )
        for row in cards
    ]  # fmt: skip
    return [Table("GPUs", ("GPU", "model", "state", "driver", "CUDA", "held back by"), rows)] if rows else []


def _served(tables: Tables, at_ns: int) -> list[Table]:
    loaded: dict[str, list[str]] = {}
    for row in tables.at(servers.MODELS.name, at_ns):
        if row.get("model.state") == servers.LOADED:
            loaded.setdefault(str(row.get("server.endpoint")), []).append(str(row.get("model.name")))
    rows: list[tuple[str, ...]] = [
        (
            _text(row, "server.endpoint"), _text(row, "server.kind"), _text(row, "server.version"),
            _text(row, "server.state"), said(", ".join(loaded.get(str(row.get("server.endpoint")), []))),
            _text(row, "server.verdict"),
        )
        for row in tables.at(servers.SERVERS.name, at_ns)
    ]  # fmt: skip
    heads = ("server", "kind", "version", "state", "models loaded", "claim and reality")
    return [Table("Model servers", heads, rows)] if rows else []
