"""The alerts of a bundle's range, told from their events and what the table of alerts says of them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.bundle.charts import amount
from wftui.bundle.format import Manifest
from wftui.bundle.report_words import Said, said, unit
from wftui.model import alerts as cells
from wftui.model.event import Event
from wftui.store.archive import Archive
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.bundle.privacy import Redactor

SEVERITIES: Final = ("critical", "error", "warning", "info")
"""The worst first."""
_ENDED: Final = frozenset({"alert.resolved", "alert.over"})
_TOLD: Final = frozenset({"alert.fired", "alert.escalated", "alert.acknowledged", "alert.resolved", "alert.over"})


class Alert(NamedTuple):
    """One alert, however often it fired."""

    number: int
    """From 1: the worst first, then the earliest."""
    rule: str
    """As it is, for a comparison; not to be shown."""
    name: Said
    severity: str
    """One of ``SEVERITIES``."""
    periods: list[tuple[int, int | None]]
    """(fired, over), UTC seconds; None: it still fired at the end of the range."""
    message: Said
    condition: Said
    figures: str
    """``85 % at firing, 92 % at worst, limit 80 %``; empty: not known."""
    threshold: float | None
    unit: str
    notes: list[Said]
    """What people said when they took it on."""
    series: frozenset[str]
    """That it looks at, as they are recorded; for a comparison."""


class _Seen:
    """What is found of one alert."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.severity = ""
        self.name = self.message = self.condition = Said("")
        self.periods: list[tuple[int, int | None]] = []
        self.fired: float | None = None
        self.worst: float | None = None
        self.threshold: float | None = None
        self.unit = ""
        self.notes: list[Said] = []
        self.series: set[str] = set()

    def figures(self) -> str:
        told = [("at firing", self.fired), ("at worst", self.worst), ("limit", self.threshold)]
        if self.worst == self.fired:
            told.pop(1)
        return ", ".join(
            f"limit {amount(value, self.unit)}" if what == "limit" else f"{amount(value, self.unit)} {what}"
            for what, value in told
            if value is not None and value == value
        )


def alerts(archive: Archive, manifest: Manifest, events: Iterable[Event], redactor: "Redactor") -> list[Alert]:
    """Those that fired in the range, or when it began, the worst first."""
    found: dict[str, _Seen] = {}
    since_s, until_s = manifest.since_ns // NS_PER_S, -(-manifest.until_ns // NS_PER_S)
    _rows(archive, found, redactor, since_s, first=True)
    for raw in events:
        if raw.type in _TOLD and raw.aggregate_type == "alert":
            item = redactor.event(raw)
            if item is not None:
                _take(found.setdefault(raw.aggregate_id, _Seen(str(raw.payload.get("rule", "")))), raw, item)
    span = archive.span(since_s, until_s)
    if span is not None:
        last = next(archive.sequence(span.last_seq, span.last_seq), None)
        if last is not None:
            _rows(archive, found, redactor, last.time_s, first=False)
    fired = [item for item in found.values() if item.periods]
    fired.sort(key=lambda item: (_rank(item.severity), item.periods[0][0]))
    return [
        Alert(
            number, item.rule, item.name, _known(item.severity), item.periods, item.message, item.condition,
            item.figures(), item.threshold, item.unit, item.notes, frozenset(item.series),
        )
        for number, item in enumerate(fired, 1)
    ]  # fmt: skip


def moment_ns(found: Iterable[Alert], rule: str, last_ns: int) -> int:
    """The moment that a bundle is about: the last firing of its rule, else the first one of the worst alert, else
    the end of what was recorded."""
    listed = list(found)
    fired = [item.periods[-1][0] for item in listed if item.rule == rule]
    if fired:
        return min(last_ns, max(fired) * NS_PER_S)
    return min(last_ns, listed[0].periods[-1][0] * NS_PER_S) if listed else last_ns


def _known(severity: str) -> str:
    """One of ``SEVERITIES``: a recording may hold anything."""
    return severity if severity in SEVERITIES else "info"


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _take(seen: _Seen, raw: Event, item: Event) -> None:
    """``raw`` is the event as it was recorded, ``item`` what may be told of it."""
    at_s = raw.time_ns // NS_PER_S
    payload = item.payload
    severity = str(raw.payload.get("severity", ""))
    seen.severity = severity if severity in SEVERITIES else seen.severity
    seen.name = said(str(payload.get("name") or seen.name))
    if raw.type in ("alert.fired", "alert.escalated"):
        seen.message = said(str(payload.get("message") or seen.message))
        seen.condition = said(str(payload.get("condition") or seen.condition))
    if raw.type == "alert.fired":
        seen.periods.append((at_s, None))
        seen.fired = _number(payload.get("value"))
        seen.threshold = _number(payload.get("threshold"))
        seen.unit = unit(str(payload.get("unit", "")))
    elif raw.type in _ENDED and seen.periods and seen.periods[-1][1] is None:
        seen.periods[-1] = seen.periods[-1][0], at_s
    if note := payload.get("note"):
        seen.notes.append(said(str(note)))


def _rows(archive: Archive, found: dict[str, _Seen], redactor: "Redactor", time_s: int, *, first: bool) -> None:
    """What the table says: of those that fired already when the range began, and how bad the others became."""
    table = archive.table_at(cells.ALERTS.name, time_s * NS_PER_S)
    told = None if table is None else redactor.schema(table.schema)
    if table is None or told is None:
        return
    kept = [item.name for item in told.columns]
    names = [item.name for item in table.schema.columns]
    for key, row in table.rows.items():
        raw = dict(zip(names, row, strict=True))
        if raw["alert.state"] not in (cells.FIRING, cells.OVER) or (not first and key not in found):
            continue
        item = dict(zip(kept, redactor.row(table.schema, row), strict=True))
        seen = found.setdefault(key, _Seen(str(raw["alert.rule"])))
        seen.series.update(str(raw.get("alert.series") or "").split(" "))
        seen.worst = _number(item.get("alert.worst_value"))
        seen.severity = seen.severity or str(raw["alert.severity"])
        if first:
            since = _number(raw.get("alert.since"))
            seen.periods.append((time_s if since is None else int(since // NS_PER_S), None))
            seen.fired, seen.threshold = (
                _number(item.get("alert.fired_value")),
                _number(item.get("alert.threshold")),
            )
            seen.unit = unit(str(item.get("alert.unit") or ""))
            seen.name, seen.message = (said(str(item.get(f"alert.{what}") or "")) for what in ("name", "message"))
            seen.notes += [said(str(item["alert.note"]))] if item.get("alert.note") else []


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
