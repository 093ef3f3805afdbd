"""Alerts, rules and silences as rows of their tables, and back."""

import math
from collections.abc import Iterable, Mapping

from wftui.alerts import panels
from wftui.alerts.engine import Engine
from wftui.alerts.rule import Rule
from wftui.alerts.signals import Labels
from wftui.alerts.silences import Silence
from wftui.alerts.states import Alert
from wftui.alerts.words import condition_text, message_text
from wftui.clock import NS_PER_S, Instant
from wftui.model import alerts as cells
from wftui.model.series import pairs
from wftui.model.table import Cell, Row
from wftui.model.tick import Tick

WARMING = "warming"
WAITING = "waiting"
OFF = "off"


def number(value: float) -> Cell:
    """A cell of a number; None: unknown."""
    return value if math.isfinite(value) else None


def alert_row(alert: Alert, silence: str, inhibited: str, now: Instant) -> Row:
    """An alert that is not inactive; ``silence``, ``inhibited``: what holds it, empty: nothing."""
    ceased_ns = alert.ceased_ns
    judge, rule = alert.judge, alert.rule
    who, note, when = alert.acknowledged or ("", "", 0)
    return (
        rule.id,
        alert.key.removeprefix(rule.id).strip("{}"),
        rule.name,
        alert.severity,
        rule.category,
        alert.state,
        alert.since.time_ns if alert.since is not None else 0,
        number(judge.value),
        number(judge.threshold),
        judge.unit,
        " ".join(dict.fromkeys(signal.column.series.text for signal in judge.signals())),
        number(alert.fired_value),
        number(alert.worst),
        alert.why,
        len(alert.fired),
        alert.event,
        who,
        when or None,
        note,
        silence,
        inhibited,
        message_text(alert),
        None if ceased_ns is None else now.time_ns - (now.boottime_ns - ceased_ns),
        " ".join(panels.wanted(rule.actions)),
    )


def labels_of(text: str) -> Labels:
    """The labels of a row's cell."""
    return tuple(sorted(pairs(text).items()))


def resume(alert: Alert, row: Row, last: Tick | None, now: Instant) -> bool:
    """Put an alert where its row says that it was.

    Args:
        alert: A new one.
        row: Of the session before.
        last: The last second of that session; None: it was before this boot, or cannot be read.
        now: When it is looked at again.

    Returns:
        Whether it goes on; what was pending does only after a short outage.
    """
    since_ns = _time_ns(row[cells.SINCE]) or now.time_ns
    if row[cells.STATE] == cells.PENDING:
        if last is None or alert.active:
            return False
        pended_ns = max(0, (last.time_s + 1) * NS_PER_S - since_ns)
        return alert.resume_pending(pended_ns, now.boottime_ns - last.boottime_ns, now)
    ago_ns = max(0, now.time_ns - since_ns)  # a clock that was set back meanwhile makes it no younger than new
    since = Instant(time_ns=since_ns, boottime_ns=now.boottime_ns - ago_ns)
    ceased_ns = _time_ns(row[cells.CEASED]) if len(row) > cells.CEASED else 0
    if ceased_ns:
        held_ns = now.boottime_ns - max(0, now.time_ns - ceased_ns)
    else:
        held_ns = now.boottime_ns if last is None else last.boottime_ns
    alert.resume(str(row[cells.STATE]), since, held_ns, now, str(row[cells.EVENT]))
    alert.fired_value, alert.worst = _float(row[cells.FIRED_VALUE]), _float(row[cells.WORST])
    severity = row[cells.SEVERITY]
    if severity in ("info", "warning", "error", "critical"):
        alert.severity = severity  # type: ignore[assignment]  # one of the four, as was just asked
    if row[cells.ACK_AT]:
        alert.acknowledged = str(row[cells.ACK_BY]), str(row[cells.NOTE]), _time_ns(row[cells.ACK_AT])
    return True


def _float(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else math.nan


def _time_ns(cell: Cell) -> int:
    """A time; 0: unknown. Never by way of a float, which holds ns since 1970 to 256 of them only."""
    return int(cell) if isinstance(cell, int | float) and math.isfinite(cell) else 0


def rule_rows(rules: Iterable[Rule], engine: Engine) -> dict[str, Row]:
    """Of all rules, also those that are off."""
    return {rule.id: _rule_row(rule, engine) for rule in rules}


def _rule_row(rule: Rule, engine: Engine) -> Row:
    running = engine.running.get(rule.id)
    alerts = list(running.alerts.values()) if running is not None else []
    state, reason = _state(alerts) if running is not None else (OFF, "")
    return (
        rule.name,
        rule.severity,
        rule.category,
        int(running is not None),
        state,
        reason,
        sum(alert.active for alert in alerts),
        len(alerts),
        engine.cost_s.get(rule.id),
        condition_text(rule),
        rule.origin.file,
        int(rule.origin.builtin),
    )


def _state(alerts: Iterable[Alert]) -> tuple[str, str]:
    """The state that matters most of a rule's alerts, and why it is unknown."""
    found = list(alerts)
    if not found:
        return WAITING, "no series that it looks at is there"
    for state in (cells.FIRING, cells.OVER, cells.PENDING):
        if any(alert.state == state for alert in found):
            return state, ""
    reasons = [alert.why for alert in found if alert.why]
    if len(reasons) == len(found):
        return WARMING if reasons[0].startswith(WARMING) else WAITING, reasons[0]
    return cells.INACTIVE, ""


def silence_rows(silences: Iterable[Silence]) -> dict[str, Row]:
    """Of those that hold."""
    return {item.id: (item.text, item.reason, item.by, item.created_ns, item.until_ns) for item in silences}


def silences_of(rows: Mapping[str, Row]) -> list[Silence]:
    """What the rows of the table say; what is none is left out."""
    found = []
    for name, (text, reason, by, created, until) in rows.items():
        matchers = tuple(pairs(str(text)).items())
        if matchers:
            found.append(Silence(name, matchers, _time_ns(until), _time_ns(created), str(by), str(reason)))
    return found
