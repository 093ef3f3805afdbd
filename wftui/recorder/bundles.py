"""A bundle of an incident by itself: kept in the data folder, where alerts that a person chose ask for it.

Written once when such an alert has fired, in case nothing comes after that, and again over it when all is over or
after ten minutes, so that it holds the incident. A child does it, at the lowest priority; nothing of what makes a
bundle is loaded here.
"""

import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from wftui import log
from wftui.alerts.engine import Change
from wftui.alerts.rule import SEVERITIES
from wftui.alerts.states import ESCALATED, FIRED, Alert
from wftui.clock import NS_PER_S, Instant
from wftui.model.alerts import FIRING
from wftui.model.event import Event
from wftui.recorder.alerting.actions import EVENT
from wftui.recorder.emitter import Emit
from wftui.recorder.errand import Errand, Usage
from wftui.recorder.options import Options

ACTION: Final = "bundle"
"""The action of a rule, and what events about it say."""
BEFORE_S: Final = 300
"""Of the bundle, before the alert fired."""
FIRST_S: Final = 5.0
"""After it fired: the journal has the second by then."""
BURST_S: Final = 70.0
"""After it fired the full-rate samples around it are stored."""
LONGEST_S: Final = 600.0
"""An incident that lasts longer is written as far as it came; no other begins before."""
CLOSE_S: Final = 1.0
_SEVERITY: Final = "severity>="


class Asked(NamedTuple):
    """What the recorder was told about bundles."""

    on: tuple[str, ...] = ()
    """``rule.gpu-hot``, ``severity>=critical``; rules may ask by themselves, too."""
    data_dir: Path = Path()
    config: str = ""
    """The configuration file, where one was named."""
    off: str = ""
    """Why none is written, whatever is asked; empty: they are."""


def asked(options: Options) -> Asked:
    """The same, of a recorder's options."""
    where = options.places
    config = str(where.config_file) if where.config_named else ""
    off = "nothing of a demo is written elsewhere" if options.demo else ""
    return Asked(options.bundle_on, where.data_dir, config, off)


class _Incident:
    """From the first alert on; alerts that fire meanwhile are part of it."""

    def __init__(self, alert: Alert, event: Event, now: Instant) -> None:
        self.rule = alert.rule.id
        self.about = ("alert", alert.key)
        self.payload: dict[str, Any] = {  # Any: JSON values
            "rule": alert.rule.id,
            "labels": dict(alert.labels),
            "event": event.event_id,
            "action": ACTION,
        }
        self.began = now
        self.open = {alert.key}
        self.over_ns: int | None = None
        """CLOCK_BOOTTIME of the end of the last alert; None: one is not over."""
        self.written = False

    def due(self, at: Instant) -> bool:
        """Whether a bundle is to be written now."""
        since_s = (at.boottime_ns - self.began.boottime_ns) / NS_PER_S
        return self.last(at) or (not self.written and since_s >= FIRST_S)

    def last(self, at: Instant) -> bool:
        """Whether that one holds all of it."""
        since_s = (at.boottime_ns - self.began.boottime_ns) / NS_PER_S
        if self.over_ns is None:
            return since_s >= LONGEST_S
        return since_s >= BURST_S and at.boottime_ns - self.over_ns >= FIRST_S * NS_PER_S


class Bundles:
    """Runs in the recorder's loop."""

    def __init__(self, asked: Asked, emit: Emit, in_memory: Callable[[], bool]) -> None:
        """``in_memory``: whether the recorder keeps nothing on disk."""
        self._asked = asked
        self._emit = emit
        self._in_memory = in_memory
        self._incident: _Incident | None = None
        self._began_ns: int | None = None
        """CLOCK_BOOTTIME of the newest incident."""
        self._run: Errand | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the child that writes."""
        return None if self._run is None else self._run.pid

    def changed(self, change: Change, event: Event, now: Instant, *, told: bool) -> None:
        """Something befell an alert. ``told``: nothing keeps it from people (a silence, another alert)."""
        alert, incident = change.alert, self._incident
        if change.kind not in (FIRED, ESCALATED):
            if incident is not None and alert.key in incident.open and alert.state != FIRING:
                incident.open.discard(alert.key)
                incident.over_ns = now.boottime_ns if not incident.open else None
            return
        if not told or not chosen(alert, self._asked.on):
            return
        if incident is not None:
            incident.open.add(alert.key)
            incident.over_ns = None
            return
        new = _Incident(alert, event, now)
        if why_not := self._why_not(now):
            self._tell(new, why_not)
            return
        self._incident, self._began_ns = new, now.boottime_ns

    def _why_not(self, now: Instant) -> str:
        if self._asked.off:
            return self._asked.off
        if self._in_memory():
            return "the recorder keeps nothing on disk"
        if self._began_ns is not None and now.boottime_ns - self._began_ns < LONGEST_S * NS_PER_S:
            return f"at most one in {LONGEST_S / 60:g} minutes"
        return ""

    def second_ended(self, at: Instant) -> None:
        """Look whether one is due."""
        incident = self._incident
        if incident is None or self._run is not None or not incident.due(at):
            return
        incident.written = True
        if incident.last(at):
            self._incident = None
        try:
            self._run = Errand(ACTION, self._command(incident, at), lambda *done: self._ended(incident, *done))
        except OSError as error:
            self._tell(incident, f"cannot be started: {error.strerror or error}")

    def _command(self, incident: _Incident, at: Instant) -> list[str]:
        """The child reads level, recipients and limits from the settings itself."""
        began_s = incident.began.time_ns // NS_PER_S
        order = {
            "data_dir": str(self._asked.data_dir),
            "config": self._asked.config,
            "since_s": began_s - BEFORE_S,
            "until_s": at.time_ns // NS_PER_S + 1,
            "rule": incident.rule,
            "at_s": began_s,
        }
        return [sys.executable, "-m", "wftui.bundle.unasked", msgspec.json.encode(order).decode()]

    def _ended(self, incident: _Incident, code: int, output: str, usage: Usage) -> None:
        self._run = None
        if self._closed:
            return
        said, reason = _read(output)
        if code or said is None:
            how = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
            self._tell(incident, reason or how)
        else:
            self._tell(incident, "", {**said, "duration_s": round(usage.wall_s, 3)})

    def _tell(self, incident: _Incident, why_not: str, more: dict[str, Any] | None = None) -> None:  # Any: JSON
        payload = {**incident.payload, "done": not why_not, **(more or {})}
        if why_not:
            payload["reason"] = why_not
            log.warning("bundle", f"none of {incident.about[1]}", reason=why_not)
        self._emit(EVENT, incident.about, payload)

    async def close(self) -> None:
        """End the child that writes; twice is harmless."""
        self._closed, self._incident = True, None
        if self._run is not None:
            await self._run.end(CLOSE_S)


def chosen(alert: Alert, on: Collection[str]) -> bool:
    """Whether a bundle of this alert is wanted: by its rule, or by the setting ``bundle.on``."""
    if alert.rule.id in on or any(action.type == ACTION for action in alert.rule.actions):
        return True
    least = [SEVERITIES.index(item.removeprefix(_SEVERITY)) for item in on if item.startswith(_SEVERITY)]
    return bool(least) and SEVERITIES.index(alert.severity) >= min(least)


def _read(output: str) -> tuple[dict[str, Any] | None, str]:  # Any: JSON values
    """What the child says it wrote, and its last other line as the reason of a failure."""
    said, reason = None, ""
    for line in output.splitlines():
        if line.startswith("{"):
            with suppress(msgspec.MsgspecError):
                said = msgspec.json.decode(line, type=dict[str, Any])
                continue
        if line.strip():
            reason = line.strip().removeprefix("wftop: ")
    return said, reason
