"""What the reports of a bundle say, before it is drawn: alerts, what was different, tables, what is missing.

Everything that came from outside passed the redactor and is a ``Said``; what is not one are words of ours.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from wftui.bundle import report_alerts, report_tables
from wftui.bundle.aggregate import generalised
from wftui.bundle.charts import Chart, Span
from wftui.bundle.format import AGGREGATE, Facts, Manifest
from wftui.bundle.report_alerts import Alert
from wftui.bundle.report_charts import Numbers, numbers
from wftui.bundle.report_tables import Table, Tables, number
from wftui.bundle.report_words import Said, Sentence, said
from wftui.model import gpus
from wftui.model import health as states
from wftui.model.event import Event
from wftui.model.why import ENDED, STARTED, Answer
from wftui.render import text, why
from wftui.store import gaps
from wftui.store.archive import Archive
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.bundle.privacy import Redactor

EVENTS: Final = 20_000
"""Of a range that are looked at."""
_PROCESSES: Final = 8
_SHORT_S: Final = 600
_CHAIN: Final = 3
_MOVED: Final = 8
"""Of what was different: in the sentence, and in the list."""
_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)")
_CHATTY: Final = ("view.", "alert.", "burst.", "provenance.", "stream.", "backup.", "rules.", "core.")
"""Types of events of which only how many is told; alerts have a table of their own."""
_GRAVE: Final = frozenset(
    {
        "gpu.lost", "gpu.stuck", "gpu.xid", "gpu.ecc", "process.oom_killed", "server.gone", "store.failed",
        "store.damaged", "machine.down", "recorder.unclean", "clock.suspended",
    }
)  # fmt: skip


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
    different_s: int
    """UTC second of that moment."""
    before_s: int
    """Seconds that it was compared with."""
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
        except (ValueError, OSError, KeyError):  # the last: no such zone here
            self._zone, self.name = UTC, "UTC"

    def _at(self, time_s: float) -> datetime:
        return datetime.fromtimestamp(time_s, self._zone)

    def east_s(self, time_s: float) -> int:
        """What it is ahead of UTC."""
        ahead = self._at(time_s).utcoffset()
        return int(ahead.total_seconds()) if ahead is not None else 0

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
        StoreError: The recording cannot be read, or it is too much.
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
    cards = tables.at(gpus.GPUS.name, last_ns)
    numbered = {
        str(item.get("gpu.uuid")): f"{item['gpu.index']:g}"
        for item in cards
        if number(item, "gpu.index") is not None
    }
    found = numbers(archive, (since_s, until_s), redactor, alerts, numbered)
    happened, counted = _events(raw_events, redactor, numbered)
    worst_ns = report_alerts.moment_ns(alerts, manifest.alert, last_ns)
    if not alerts and found.busiest_s is not None:
        worst_ns = min(last_ns, found.busiest_s * NS_PER_S)
    report = Report(
        manifest=manifest,
        zone=zone,
        span=Span(since_s, until_s, [(item[0], item[1]) for item in missing], zone.east_s(since_s)),
        recorded_s=recorded_s,
        gaps=missing,
        summary=[],
        alerts=alerts,
        different=_different(answer, zone),
        different_s=0 if answer is None else answer.at_s,
        before_s=0 if answer is None else answer.before_known_s,
        charts=found.charts,
        chart_span=Span(*found.span, [(item[0], item[1]) for item in missing], zone.east_s(since_s)),
        worst_ns=worst_ns,
        busy=report_tables.busy(tables, worst_ns, numbered),
        events=happened,
        counted=counted,
        inventory=report_tables.inventory(manifest, facts or Facts(), tables, last_ns, found, numbered),
        sources=report_tables.sources(facts or Facts(), found, _health(raw_events, redactor)),
        cost=found.cost,
    )
    return report._replace(summary=_summary(report, answer, found))


def _aggregate(manifest: Manifest, zone: Zone) -> Report:
    """Of statistics: they are in the bundle, by the hour; here is neither a moment nor an event nor a name."""
    said_so = "This bundle holds statistics by the hour only: no moments, no events and no names."
    span = Span(manifest.since_ns // NS_PER_S, manifest.until_ns // NS_PER_S)
    nothing = Table("Sources", (), [])
    return Report(
        manifest=manifest, zone=zone, span=span, recorded_s=0, gaps=[], summary=[(said_so,)], alerts=[],
        different=[], different_s=0, before_s=0, charts=[], chart_span=span, worst_ns=manifest.since_ns, busy=[],
        events=[], counted=[], inventory=[], sources=nothing, cost=[],
    )  # fmt: skip


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


def _length(seconds: int) -> str:
    """Of a time: to the second where that says something."""
    return f"{seconds} s" if seconds < _SHORT_S else text.duration(seconds).strip()


def _what(report: Report) -> Sentence:
    zone, alerts = report.zone, report.alerts
    length = _length(report.span.until_s - report.span.since_s)
    if not alerts:
        return (f"No alert fired in these {length}.",)
    firing = sum(item.periods[-1][1] is None for item in alerts)
    count = f"{len(alerts)} alerts" if len(alerts) > 1 else "One alert"
    ended = "all ended within it" if not firing else f"{firing} still fired at its end" if len(alerts) > 1 else ""
    if len(alerts) == 1:
        ended = "it still fired at the end" if firing else "it ended within it"
    worst = alerts[0]
    last = worst.periods[-1][0]
    times = f"{len(worst.periods)} times, last " if len(worst.periods) > 1 else ""
    since = "since before" if last < report.span.since_s else f"at {zone.clock(last)}"
    return (
        f"{count} fired in these {length}, {ended}; the worst is {worst.severity}, ",
        worst.name,
        f", {times}{since}.",
    )


def _numbers_then(report: Report, answer: Answer | None, found: Numbers) -> Sentence:
    """What was different at the moment: of the comparison, else the alert's own numbers, else the peaks."""
    if answer is not None and answer.moved:
        # Causes before effects, as far as the first three tell.
        moved = sorted(
            zip(answer.moved[:_CHAIN], report.different, strict=False), key=lambda item: item[0].began_s
        )
        first = [part for _, item in moved for part in ("; ", *item)][1:]
        return (f"Against the {_length(report.before_s)} before: ", *first, ".")
    if report.alerts:
        worst = report.alerts[0]
        numbers_said = f" ({worst.figures})" if worst.figures else ""
        return ("Its words: ", worst.message or worst.name, f"{numbers_said}.")
    peaks = ", ".join(found.peaks)
    return (f"The peaks: {peaks}." if peaks else "No value is known of it.",)


def _known(report: Report) -> Sentence:
    asked = max(1, report.span.until_s - report.span.since_s)
    known = f"{_length(report.recorded_s)} of {_length(asked)} were recorded"
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
    for item in answer.processes[:_PROCESSES]:
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


# ---- events


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


def _health(events: Iterable[Event], redactor: "Redactor") -> dict[str, tuple[str, str]]:
    """The last that events say of each source: name to (state, why)."""
    found = {}
    for raw in events:
        item = redactor.event(raw) if raw.type == "source.state" else None
        if item is not None:
            found[item.aggregate_id] = str(item.payload.get("after", "")), str(item.payload.get("reason", ""))
    return found
