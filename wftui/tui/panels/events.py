"""Events: what happened, newest first, in words."""

from __future__ import annotations

from typing import Any, Final

from wftui.model.event import Event
from wftui.model.gpus import REASONS
from wftui.model.servers import SERVERS
from wftui.render import rule_changes, stream_words, text
from wftui.tui.alerts_screen import seen, telling
from wftui.tui.frame import Row, cells, fit_row, outside, plain
from wftui.tui.gpus import boxes
from wftui.tui.panels import parts
from wftui.tui.scene import Body, Scene, empty, gap, keep

_BAD: Final = frozenset(
    {
        "recorder.unclean",
        "machine.down",
        "process.oom_killed",
        "store.damaged",
        "store.failed",
        "signal.refused",
        "gpu.lost",
        "gpu.stuck",
        "gpu.xid",
        "gpu.ecc",
    }
)
_WARN: Final = frozenset(
    {
        "source.state",
        "clock.stepped",
        "clock.suspended",
        "series.limited",
        "provenance.changed",
        "gpu.throttled",
        "gpu.driver",
        "gpu.worker_restarted",
        "server.gone",
        "server.preempting",
        "server.queueing",
        "server.restarted",
        "model.verdict",
        "core.lost",
        "stream.abandoned",
    }
)
_GPU: Final = "gpu"
_SERVER: Final = "server"
_TOLD: Final = frozenset({telling.ALERT, telling.SILENCE})
_STATES: Final = frozenset({"source.state", "server.state"})


def role(event: Event) -> str:
    """How much an event matters."""
    if event.type in _STATES:
        return (
            "warn"
            if (event.payload.get("after") or event.payload.get("state")) in ("failed", "stuck", "late")
            else "text"
        )
    if event.type == "mark.set":
        return "mark"
    if event.type == "core.error":
        return {"critical": "bad", "error": "warn"}.get(str(event.payload.get("severity")), "text")
    if event.aggregate_type in _TOLD:
        return telling.role(event)
    return "bad" if event.type in _BAD else "warn" if event.type in _WARN else "text"


def glyph(scene: Scene, event: Event) -> str:
    """The same without colour."""
    kind = role(event)
    if event.aggregate_type in _TOLD:
        return scene.glyphs.alert if kind in ("bad", "warn") else scene.glyphs.bullet
    if kind == "bad":
        return scene.glyphs.lost
    if kind == "mark":
        return "m"
    return scene.glyphs.alert if kind == "warn" else scene.glyphs.bullet


def words(payload: dict[str, Any]) -> str:  # Any: JSON values, fixed by the event type
    """A payload as ``key value, key value``; nested values as their text."""
    said = []
    for key, value in payload.items():
        if value is None or value == "" or (key == "dropped" and not value):
            continue
        shown = f"{value:g}" if isinstance(value, float) else _joined(value)
        said.append(f"{key.replace('_', ' ')} {shown}")
    return ", ".join(said)


def _joined(value: Any) -> str:  # Any: as above
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def said(event: Event) -> str:
    """What happened, in words; other types say their payload."""
    payload = event.payload
    if isinstance(last := payload.get("last_second"), int | float):
        return _broken_off(last, payload)
    if event.type in _STATES:
        state = payload.get("after") or "?"
        reason = payload.get("reason")
        return f"now {state}" + (f": {reason}" if reason else "")
    if event.type == "clock.stepped" and isinstance(payload.get("by_s"), int | float):
        return f"by {payload['by_s']:+g} s"
    if event.type == "gpu.throttled" and isinstance(reasons := payload.get("reasons"), list):
        return ", ".join(REASONS.get(str(reason), str(reason)) for reason in reasons)
    if event.aggregate_type == _GPU:
        return _of_gpu(event.type, payload)
    if event.aggregate_type == _SERVER:
        return _of_server(event.type, payload)
    if event.aggregate_type in stream_words.KINDS and (shown := stream_words.said(event.type, payload)):
        return shown
    if event.aggregate_type == telling.SILENCE or (event.aggregate_type == telling.ALERT and payload.get("rule")):
        return telling.said(event)
    if event.type == rule_changes.EVENT:
        return f"{payload.get('name') or payload.get('rule')}: {rule_changes.changed(payload)}"
    if event.type == "quality.changed":
        by = f" by {payload['by']}" if payload.get("by") else ""
        return f"{payload.get('before')} to {payload.get('after')}: {payload.get('reason')}{by}"
    if event.type == "backup.ready":
        return _of_backup(payload)
    if event.type == "mark.set":
        at = payload.get("at_ns")
        elsewhere = isinstance(at, int) and abs(at - event.time_ns) > 2_000_000_000
        return f"{payload.get('name', '')}" + (f" (at {text.clock(float(at or 0) / 1e9)})" if elsewhere else "")
    return words(payload)


def _of_backup(payload: dict[str, Any]) -> str:  # Any: as above
    """Whether now is a good time, and what speaks against it."""
    if payload.get("ready"):
        return "a good time for one"
    against = payload.get("why_not")
    return f"not now: {_joined(against)}" if against else "not now"


def _broken_off(last_s: float, payload: dict[str, Any]) -> str:  # Any: as above
    """A recording that ended without an end: when, and for how long nothing was recorded."""
    down_s = payload.get("down_s")
    dark = f", down for {text.duration(down_s).strip()}" if isinstance(down_s, int | float) else ""
    return f"recorded until {text.day(last_s)} {text.clock(last_s)}{dark}"


def _of_gpu(kind: str, payload: dict[str, Any]) -> str:  # Any: as above
    """What befell a GPU; its number and name stand beside it."""
    number, for_s = payload.get("xid"), payload.get("for_s")
    if kind == "gpu.xid" and isinstance(number, int):
        from wftui.tui.gpu_screen.xids import meaning  # here: few machines ever have one

        return f"Xid {number}: {meaning(number).words}"
    if kind == "gpu.unthrottled":
        return "clocks are free again" + (
            f", after {text.duration(for_s)}" if isinstance(for_s, int | float) else ""
        )
    if kind == "gpu.found":
        return str(payload.get("name") or words(payload))
    return words({key: value for key, value in payload.items() if key not in ("name", "index", "uuid")})


def _of_server(kind: str, payload: dict[str, Any]) -> str:  # Any: as above
    """What befell a model server; which one stands beside it."""
    if kind == "model.verdict" and payload.get("verdict"):
        return ": ".join(str(payload[key]) for key in ("verdict", "evidence") if payload.get(key))
    if kind.startswith("model.") and (model := payload.get("model")):
        return " ".join(
            [str(model), words({key: value for key, value in payload.items() if key != "model"})]
        ).strip()
    if kind in ("server.found", "server.gone", "server.restarted"):
        return " ".join(str(payload[key]) for key in ("kind", "version") if payload.get(key))
    return words(payload)


def about(scene: Scene, event: Event) -> str:
    """What it is about; a GPU by its number of now, which says more than its UUID."""
    if event.aggregate_type == _GPU and event.aggregate_id:
        label = dict(_gpus(scene)).get(event.aggregate_id)
        return f"GPU {label}" if label else event.aggregate_id
    if event.aggregate_type == _SERVER and event.aggregate_id:
        return dict(_servers(scene)).get(event.aggregate_id, event.aggregate_id)
    if event.aggregate_type == telling.ALERT and event.payload.get("rule"):
        return telling.about(scene.state, event)
    if event.aggregate_type == stream_words.STREAM and (name := stream_words.named(event.payload)):
        return name
    if event.aggregate_type == event.aggregate_id:  # the core
        return event.aggregate_type
    # Random numbers tell a person nothing.
    named = event.aggregate_id and event.aggregate_type not in ("mark", "machine", "silence")
    return f"{event.aggregate_type} {event.aggregate_id}" if named else event.aggregate_type


def _gpus(scene: Scene) -> tuple[tuple[str, str], ...]:
    return tuple((gpu.uuid, gpu.label) for gpu in boxes(scene.state))


def _servers(scene: Scene) -> tuple[tuple[str, str], ...]:
    # A server that is gone is known by its endpoint.
    if not scene.state.tables.get(SERVERS.name):
        return ()
    from wftui.tui.panels.model_parts import known  # here: few machines have one

    return known(scene.state)


def summary(scene: Scene, event: Event) -> str:
    """What it is about and what it says, cleaned."""
    name = event.aggregate_id if event.aggregate_type in ("source", "process", "series") else ""
    if event.aggregate_type in (_GPU, _SERVER):
        name = about(scene, event)
    if event.aggregate_type == telling.ALERT:
        labels = event.payload.get("labels")
        known = {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}
        return plain(seen.renamed(scene.state, known, said(event)), scene.glyphs)
    return plain(" ".join(part for part in (name, said(event)) if part), scene.glyphs)


def line(scene: Scene, width: int) -> Row:
    """The subject in one line: the last event."""
    row: Row = [parts.label("evt", 5)]
    if not scene.state.events:
        return fit_row([*row, ("none yet", "dim")], width)
    event = scene.state.events[-1]
    row.append((text.clock(event.time_ns / 1e9)[:5] + " ", "dim"))
    row.append((outside(event.type, max(0, width - 11), scene.glyphs), role(event)))
    return fit_row(row, width)


def draw(scene: Scene, width: int, height: int) -> Body:
    """One line an event: time, glyph, type, what it says."""
    events = scene.state.events
    if not events:
        return empty("no events yet", "they come as sources change, clocks step, signals are sent")
    made_of = (len(events), events[-1], events[0], _gpus(scene), _servers(scene), width, height, scene.glyphs)
    return keep(scene.state, "events", made_of, lambda: _listing(scene, width, height))


def _listing(scene: Scene, width: int, height: int) -> Body:
    events = scene.state.events
    rows: list[Row] = []
    short = width < 50
    kind = max(8, min(16, width - 8)) if short else 18
    for event in list(events)[-height:][::-1]:
        stamp = text.clock(event.time_ns / 1e9)[: 5 if short else 8]
        row: Row = [(stamp, "dim"), gap(1), (glyph(scene, event), role(event)), gap(1)]
        wide = min(kind, cells(plain(event.type, scene.glyphs))) if short else kind
        row.append((outside(event.type, wide, scene.glyphs), role(event)))
        room = width - len(stamp) - 3 - wide - 1
        if room > 4:
            row += [gap(1), (outside(summary(scene, event), room, scene.glyphs), "dim")]
        rows.append(fit_row(row, width))
    return Body(rows, [(f"{len(events)}", "dim")])
