"""All about the selected alert: what it says, since when, the graph, evidence, who looks after it, its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import rule_changes, text
from wftui.tui.alerts_screen import evidence, seen
from wftui.tui.alerts_screen.listing import age, said, sign
from wftui.tui.alerts_screen.telling import ACTION, carried_out
from wftui.tui.frame import Row, fit_row, join, outside, plain, row_width
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.scene import gap
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.event import Event
    from wftui.tui.alerts_screen.model import AlertsScreen
    from wftui.tui.alerts_screen.seen import Alert
    from wftui.tui.scene import Scene

FIRED: Final = "alert.fired"
_TALLEST: Final = 16
"""Lines of the graph: more make it no clearer."""
_WORDS: Final = {
    "alert.pending": ("holds, not yet long enough", "dim"),
    "alert.fired": ("fired", "warn"),
    "alert.escalated": ("became worse", "bad"),
    "alert.over": ("is over, waits to be resolved", "dim"),
    "alert.resolved": ("resolved", "good"),
    "alert.acknowledged": ("acknowledged", "mark"),
    ACTION: ("action", "dim"),
    rule_changes.EVENT: ("the rule was changed", "mark"),
}


def fired_ns(alert: Alert, history: Sequence[Event]) -> int:
    """When it fired (ns, UTC); 0: it did not."""
    found = next((item.time_ns for item in history if item.event_id == alert.event), 0) if alert.event else 0
    return found or (alert.since_ns if alert.state == seen.FIRING else 0)


def draw(scene: Scene, screen: AlertsScreen, alert: Alert, width: int, height: int) -> list[Row]:
    """At most ``height`` lines; where the details fill the screen they scroll."""
    state = scene.state
    until_ns = scene.now.time_ns if scene.replay is not None else 1 << 62
    history = screen.history(state, until_ns)
    mine = [item for item in history if item.aggregate_id == alert.key]
    head = _head(scene, alert, width, roomy=height >= 12)
    held = _held(scene, alert, width)
    evidence_rows = _figures(scene, alert, width)
    least = len(head) + len(held) + len(evidence_rows)
    roomy = height - least >= 12
    past = _advice(scene, alert, mine, width) + _history(scene, alert, mine, history, width)
    left = height - least - 2 * roomy
    # The graph takes two thirds of what is left, the history the rest.
    lines = min(_TALLEST, left if len(past) < 2 else max(left * 2 // 3, left - len(past) - 1))
    graph = evidence.draw(scene, screen, alert, fired_ns(alert, history), width, lines)
    blank: list[Row] = [[gap(width)]] if roomy else []
    rows = [*head, *evidence_rows, *held, *blank]
    if graph:
        rows += [*graph, *blank]
    elif not alert.series and height - len(rows) >= 2:
        rows += [fit_row([("it looks at a state, which has no graph", "faint")], width), *blank]
    if screen.inside:
        rows += past
        top = screen.scrolled(len(rows), height)
        return rows[top : top + height]
    room = height - len(rows)
    return [*rows, *(past[:room] if room >= 2 else [])][:height]


def _head(scene: Scene, alert: Alert, width: int, *, roomy: bool) -> list[Row]:
    """Severity, name and since when; what it says; when it fires."""
    glyphs = scene.glyphs
    role = alert.role if alert.role != "dim" else "text"
    # Acknowledged and silenced ones fire nevertheless: what the time belongs to is the state.
    since = f"{alert.state} for {age(scene, alert.since_ns)}" if alert.since_ns else alert.status
    if width >= 76 and alert.since_ns:
        held = f"{alert.status}, " if alert.status != alert.state else ""
        stamp = text.clock(alert.since_ns / NS_PER_S)
        since = f"{held}{alert.state} since {stamp}, {age(scene, alert.since_ns)}"
    right: Row = [(since, "dim" if alert.status != seen.FIRING else "text")]
    left: Row = [(f"{sign(scene, alert.status)} {alert.severity.upper()}", role), gap(2)]
    things = seen.things(scene.state, alert.labels)
    room = width - row_width(left) - row_width(right) - 2
    name = f"{alert.name}  {things}" if things else alert.name
    left.append((outside(name, max(0, room), glyphs).rstrip(), "strong"))
    rows = [join(left, right, width)]
    rows += folded(seen.spoken(scene.state, alert), width, glyphs, "text", 2 if roomy else 1)
    rule = seen.rules(scene.state).get(alert.rule)
    if rule is not None and rule.condition:
        rows += [
            fit_row([("when ", "faint"), *row], width) for row in _condition(scene, rule.condition, width, roomy)
        ]
    if alert.reason:
        rows += folded(f"not known now: {alert.reason}", width, glyphs, "warn", 1)
    return rows


def _condition(scene: Scene, condition: str, width: int, roomy: bool) -> list[Row]:
    return folded(condition, max(8, width - 5), scene.glyphs, "dim", 2 if roomy else 1)


def _figures(scene: Scene, alert: Alert, width: int) -> list[Row]:
    """The numbers side by side: at firing, the farthest since, now, the limit."""
    known = [
        ("now", alert.value, "strong"),
        ("limit", alert.threshold, "text"),
        ("at firing", alert.fired_value, "text"),
        ("worst", alert.worst, "text"),
    ]
    row: Row = []
    for label, value, role in known:
        if value != value:
            continue
        words = said(scene, value, alert.unit)
        piece: Row = [(f"{label} ", "dim"), (words, role), gap(3)]
        if row_width(row) + row_width(piece) - 3 <= width:
            row += piece
    if alert.fired > 1 and row_width(row) + 24 <= width:
        row.append((f"{alert.fired} times within an hour", "dim"))
    return [fit_row(row, width)] if row else []


def _held(scene: Scene, alert: Alert, width: int) -> list[Row]:
    """Who looks after it, what keeps it quiet."""
    glyphs, out = scene.glyphs, []
    if alert.acked_ns:
        by = f" by {alert.acked_by}" if alert.acked_by else ""
        note = f": {alert.note}" if alert.note else ""
        words = f"acknowledged{by} at {text.clock(alert.acked_ns / NS_PER_S)}{note}"
        out += folded(words, width, glyphs, "mark", 2)
    if alert.silence:
        held = seen.silences(scene.state).get(alert.silence)
        words = "silenced"
        if held is not None:
            by = f" by {held.by}" if held.by else ""
            reason = f": {held.reason}" if held.reason else ""
            words = f"silenced until {text.clock(held.until_ns / NS_PER_S)[:5]}{by}{reason}"
        out += folded(words, width, glyphs, "mark", 2)
    if alert.inhibited:
        other = next((item for item in seen.alerts(scene.state) if item.key == alert.inhibited), None)
        name = f"{other.name} {seen.things(scene.state, other.labels)}".strip() if other else alert.inhibited
        out += folded(f"not told, because {name} fires", width, glyphs, "mark", 1)
    if alert.state == seen.OVER:
        out += folded("it does not hold any more; R resolves it", width, glyphs, "mark", 1)
    return out


def _advice(scene: Scene, alert: Alert, mine: Sequence[Event], width: int) -> list[Row]:
    """What its rule suggests to do; wftop does none of it."""
    event = next((item for item in mine if item.event_id == alert.event), None) if alert.event else None
    told = event.payload.get("suggestions") if event is not None else None
    rows: list[Row] = []
    for item in told if isinstance(told, list) else []:
        if not isinstance(item, dict):
            continue
        steps = item.get("actions")
        said = [item.get("message"), item.get("details"), *(steps if isinstance(steps, list) else [])]
        for words in (seen.renamed(scene.state, alert.labels, str(each)) for each in said if each):
            first: Row = [(f"{scene.glyphs.right} ", "mark")]
            for row in folded(words, max(8, width - 2), scene.glyphs, "text", 2):
                rows.append(fit_row([*first, *row], width))
                first = [gap(2)]
    return [fit_row([("what helps", "events.title")], width), *rows] if rows else []


def _history(scene: Scene, alert: Alert, mine: Sequence[Event], history: Sequence[Event], width: int) -> list[Row]:
    """A title and what befell it, newest first; then the same rule's other alerts."""
    others = [
        item for item in history if item.payload.get("rule") == alert.rule and item.aggregate_id != alert.key
    ]
    if not mine and not others:
        return []
    rows: list[Row] = [[("history", "events.title")]]
    rows += [event_line(scene, item, width) for item in mine]
    if others:
        rows += [[("of the same rule", "events.title")]]
        rows += [event_line(scene, item, width, which=True) for item in others]
    return [fit_row(row, width) for row in rows]


def event_line(scene: Scene, event: Event, width: int, *, which: bool = False) -> Row:
    """When, what, and with which number; ``which``: of which thing, too."""
    payload = event.payload
    words, role = _WORDS.get(event.type, (event.type, "text"))
    if event.type == FIRED:
        role = seen.ROLES.get(str(payload.get("severity")), "warn")
    parts = []
    labels = payload.get("labels")
    if which and isinstance(labels, dict):
        parts.append(seen.things(scene.state, {str(key): str(value) for key, value in labels.items()}))
    value, unit = payload.get("value"), payload.get("unit")
    if isinstance(value, int | float) and isinstance(unit, str):
        parts.append(said(scene, float(value), unit))
    if action := carried_out(event):
        parts.append(action)
    if event.type == rule_changes.EVENT:
        parts.append(rule_changes.changed(payload))
    for key, form in (("by", "by {}"), ("note", "{}"), ("reason", "{}"), ("why_not", "nobody was told: {}")):
        if payload.get(key) and event.type not in ("alert.pending", rule_changes.EVENT):
            parts.append(form.format(payload[key]))
    when = event.time_ns / NS_PER_S
    today = text.day(when) == text.day(scene.now.time_ns / NS_PER_S)
    stamp = text.clock(when) if today else f"{text.day(when)[5:]} {text.clock(when)[:5]}"
    tail = plain(", ".join(part for part in parts if part), scene.glyphs)
    row: Row = [(stamp, "dim"), gap(2), (own(words, scene.glyphs), role), gap(2)]
    return [*row, (outside(tail, max(0, width - row_width(row)), scene.glyphs), "dim")]
