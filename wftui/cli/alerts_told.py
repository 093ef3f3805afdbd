"""Alerts, silences and their past as lines and as JSON."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

from wftui import units
from wftui.alerts.rule import SEVERITIES
from wftui.cli.alerts_state import Known
from wftui.client.queries import Connection
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.model import alerts as cells
from wftui.model.alerts import ALERTS, FIRING, OVER, SILENCES
from wftui.model.event import Event
from wftui.model.series import pairs
from wftui.model.table import Cell, Row, TableSchema
from wftui.paths import Places
from wftui.render import rule_changes
from wftui.render.text import clock, day, duration
from wftui.text import clean
from wftui.wire import messages as m

_KINDS: Final = (
    "alert.fired",
    "alert.escalated",
    "alert.over",
    "alert.resolved",
    "alert.acknowledged",
    "silence.*",
    rule_changes.EVENT,
)
_PAGE: Final = 1000
"""Events asked for at once."""
_BY, _CREATED, _UNTIL, _REASON = 2, 3, 4, 1
"""Places of the cells in a row of ``SILENCES``."""
_STATES: Final = {FIRING: 0, OVER: 1, cells.PENDING: 2}


def when(time_ns: float) -> str:
    """Local date and time of day."""
    return f"{day(time_ns / NS_PER_S)} {clock(time_ns / NS_PER_S)}"


def chosen(state: Known, severity: str) -> list[tuple[str, Row]]:
    """Alerts that are so severe or worse: what fires first, then the worst first, then the oldest first."""
    least = SEVERITIES.index(severity)
    rows = [item for item in state.rows(ALERTS).items() if _severity(item[1]) >= least]
    return sorted(
        rows,
        key=lambda item: (
            _STATES.get(str(item[1][cells.STATE]), 9),
            -_severity(item[1]),
            _number(item[1][cells.SINCE]),
            item[0],
        ),
    )


def firing(state: Known, severity: str) -> list[str]:
    """Keys of those that fire, silenced ones too: nobody is told of them, and they fire nevertheless."""
    return [key for key, row in chosen(state, severity) if row[cells.STATE] == FIRING]


def _severity(row: Row) -> int:
    name = row[cells.SEVERITY]
    return SEVERITIES.index(name) if name in SEVERITIES else 0


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0


def lines(state: Known, severity: str, now_ns: int) -> Iterator[str]:
    """What ``list`` prints."""
    if state.as_of_ns is not None:
        yield f"as of {when(state.as_of_ns)}, no recorder runs"
    found = chosen(state, severity)
    silences = state.rows(SILENCES)
    if not found:
        yield "nothing fires" if severity == "info" else f"nothing fires that is {severity} or worse"
    wide = max((len(clean(key)) for key, _ in found), default=0)
    for key, row in found:
        age = duration((state.as_of_ns or now_ns) / NS_PER_S - _number(row[cells.SINCE]) / NS_PER_S)
        head = f"{row[cells.SEVERITY]!s:8}  {row[cells.STATE]!s:7}  {age:>7}  {clean(key):<{wide}}"
        yield f"{head}  {_about(row, silences)}".rstrip()
    for name, row in sorted(silences.items(), key=lambda item: _number(item[1][_UNTIL])):
        parts = [f"silence   until {when(_number(row[_UNTIL]))}  {clean(str(row[0]))}", f"({name})"]
        parts += [f"by {clean(str(row[_BY]))}"] if row[_BY] else []
        parts += [f"- {clean(str(row[_REASON]))}"] if row[_REASON] else []
        yield "  ".join(parts)


def _about(row: Row, silences: dict[str, Row]) -> str:
    parts = [clean(str(row[cells.MESSAGE] or row[cells.NAME] or ""), 200)]
    unit = str(row[cells.UNIT] or "")
    value, limit = row[cells.VALUE], row[cells.THRESHOLD]
    if isinstance(value, int | float) and isinstance(limit, int | float):
        parts.append(f"now {units.quantity(value, unit)}, limit {units.quantity(limit, unit)}")
    if row[cells.REASON]:
        parts.append(f"not known: {clean(str(row[cells.REASON]))}")
    if row[cells.STATE] == OVER:
        parts.append("over, waits to be resolved")
    if row[cells.ACK_BY]:
        note = f": {clean(str(row[cells.NOTE]))}" if row[cells.NOTE] else ""
        parts.append(f"acknowledged by {clean(str(row[cells.ACK_BY]))}{note}")
    if row[cells.SILENCE]:
        silence = silences.get(str(row[cells.SILENCE]))
        parts.append(f"silenced until {when(_number(silence[_UNTIL]))}" if silence is not None else "silenced")
    if row[cells.INHIBITED]:
        parts.append(f"inhibited by {clean(str(row[cells.INHIBITED]))}")
    return "; ".join(part for part in parts if part)


def as_json(state: Known, severity: str, now_ns: int) -> dict[str, Any]:  # Any: JSON
    """What ``list --json`` prints: times in ns (UTC), numbers in the unit beside them, null: unknown."""
    return {
        "schema_version": 1,
        "as_of_ns": state.as_of_ns or now_ns,
        "recorder": state.as_of_ns is None,
        "alerts": [
            {"key": key, **_cells(ALERTS, row), "labels": pairs(str(row[cells.LABELS] or ""))}
            for key, row in chosen(state, severity)
        ],
        "silences": [
            {"id": key, **_cells(SILENCES, row), "matchers": pairs(str(row[0]))}
            for key, row in state.rows(SILENCES).items()
        ],
    }


def _cells(schema: TableSchema, row: Row) -> dict[str, Cell]:
    names = (item.name.partition(".")[2] + ("_ns" if item.kind == "time" else "") for item in schema.columns)
    return dict(zip(names, row, strict=True))


def put_json(document: Any) -> int:  # Any: JSON
    """Print it on stdout."""
    import msgspec

    from wftui.cli.once import put

    return put(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def history(where: Places, since_ns: int, rule: str) -> Iterator[Event]:
    """What befell alerts and silences since then, oldest first; ``rule``: its alerts only; empty: all.

    Raises:
        NoDataError: No recorder runs, and nothing was recorded yet.
        ProtocolError, StoreError: It cannot be asked, or read.
    """
    with ExitStack() as opened:
        ask = _asker(where, since_ns, opened)
        after, more = 0, True
        while more:
            events, more = ask(after)
            for item in events:
                if not rule or item.payload.get("rule") == rule:
                    yield item
            after = events[-1].seq if events else after
            more = more and bool(events)


def _asker(where: Places, since_ns: int, opened: ExitStack) -> Callable[[int], tuple[list[Event], bool]]:
    """Asks a recorder, else the store, for events after a number; both are closed by ``opened``."""
    try:
        connection = opened.enter_context(Connection(str(where.socket)))
    except ProtocolError:
        from wftui.store.archive import open_archive

        archive = opened.enter_context(open_archive(where.data_dir))
        return lambda after: archive.events(after, since_ns, None, list(_KINDS), _PAGE)

    def ask(after: int) -> tuple[list[Event], bool]:
        reply = connection.ask(m.Events(after, since_ns, None, list(_KINDS), _PAGE), m.EventsReply)
        return reply.events, reply.more

    return ask


def event_json(item: Event) -> dict[str, Any]:  # Any: JSON
    """What ``history --json`` prints of one event."""
    return {
        "event_id": item.event_id,
        "time_ns": item.time_ns,
        "type": item.type,
        "alert": item.aggregate_id if item.aggregate_type == "alert" else None,
        **item.payload,
    }


def event_line(item: Event, fired: dict[str, int]) -> str:
    """One line of ``history``.

    Args:
        item: The event.
        fired: Alert to when it fired (ns, UTC), which this brings up to date.
    """
    payload = item.payload
    what = item.type.partition(".")[2]
    if item.type == rule_changes.EVENT:
        words = f"{item.aggregate_id}; {rule_changes.changed(payload)}"
        return f"{when(item.time_ns)}  {'rule':8}  {what:12}  {clean(words, 400)}"
    if item.aggregate_type != "alert":
        words = ",".join(f"{key}={clean(str(value))}" for key, value in dict(payload.get("matchers", {})).items())
        parts = [f"{when(item.time_ns)}  {'silence':8}  {what:12}  {words}"]
        if "until_ns" in payload:
            parts.append(f"until {when(payload['until_ns'])}")
    else:
        key = item.aggregate_id
        parts = [f"{when(item.time_ns)}  {payload.get('severity', '')!s:8}  {what:12}  {clean(key)}"]
        if item.type == "alert.fired":
            fired[key] = item.time_ns
            parts.append(clean(str(payload.get("message", "")), 200))
        elif item.type == "alert.resolved" and key in fired:
            parts.append(f"after {duration((item.time_ns - fired.pop(key)) / NS_PER_S)}")
    by = f"by {clean(str(payload['by']))}" if payload.get("by") else ""
    words = payload.get("note") or payload.get("reason") or ""
    parts += [by, clean(str(words), 200) if words != f"resolved {by}" else ""]
    if item.type in ("alert.fired", "alert.escalated") and payload.get("why_not"):
        parts.append(f"nobody was told: {clean(str(payload['why_not']))}")
    return "; ".join(part for part in parts if part)
