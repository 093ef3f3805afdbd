"""What is done when somebody is to be told of an alert. docs/alerts.md has the table of all actions.

What views show goes to them in the alert's event. What is done here is bounded: so many actions at once, so many
commands a minute, deadlines for all; whatever fails is one event and one line in the log.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final

import msgspec

from wftui import log
from wftui.alerts.engine import Change
from wftui.alerts.rule import Action
from wftui.alerts.states import ESCALATED, FIRED, Alert
from wftui.alerts.words import condition_text, message_text
from wftui.clock import NS_PER_S, Clock, Instant
from wftui.model.alerts import SOURCE
from wftui.model.event import Event
from wftui.model.sample import Sample, column
from wftui.model.tick import Layout, Tick
from wftui.recorder.alerting.actions_backup import EVENT as BACKUP
from wftui.recorder.alerting.actions_backup import Readiness
from wftui.recorder.alerting.actions_outcome import Outcome
from wftui.recorder.emitter import Emit

MOST: Final = 32
"""Actions under way at once."""
COMMANDS: Final = 10
"""Within a minute."""
_MINUTE_NS: Final = 60 * NS_PER_S
_NOTES: Final = 200
"""Notifications on the desktop whose place a later one can take."""
_URGENCY: Final = {"info": 0, "warning": 1, "error": 1, "critical": 2}
EVENT: Final = "alert.action"


class Actions:
    """Carries actions out in the recorder's loop. ``run`` owns what takes time; without it nothing does."""

    def __init__(
        self,
        clock: Clock,
        emit: Emit,
        *,
        commands: bool = False,
        desktop: bool = False,
        demo: bool = False,
    ) -> None:
        """
        Args:
            clock: Of the recorder.
            emit: Tells what became of an action.
            commands: Whether commands may be run (``alerts.commands``).
            desktop: Whether the desktop is told (``alerts.desktop``).
            demo: What is recorded is a script: nobody outside is told of it.
        """
        self._clock = clock
        self._emit = emit
        self._commands, self._desktop, self._demo = commands, desktop, demo
        self._tasks: asyncio.TaskGroup | None = None
        self._under_way = 0
        self.dropped = 0
        """Because too many were under way."""
        self._started: deque[int] = deque()
        """CLOCK_BOOTTIME of the commands of the last minute."""
        self._notes: dict[str, int] = {}
        """Alert to its notification on the desktop."""
        self._readiness = Readiness(emit)
        self._dropped = column(SOURCE, "wftop.alerts.actions.dropped", call="actions over the limit")

    async def run(self) -> None:
        """Until cancelled: what is under way then ends, too."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await asyncio.get_running_loop().create_future()
        finally:
            self._tasks = None

    def second(self, tick: Tick, layout: Layout, alerts: Iterable[Alert], at: Instant) -> list[Sample]:
        """What is told each second, of a closed tick.

        Args:
            tick: The second.
            layout: Of it.
            alerts: All that are active.
            at: The end of the second.
        """
        return [Sample(self._dropped, self.dropped), *self._readiness.second(tick, layout, alerts, at)]

    def carry_out(self, change: Change, event: Event) -> None:
        """Do what the rule says; ``event``: the change's, whose payload webhooks and commands are given."""
        alert = change.alert
        text = message_text(alert)
        log.info("alert", f"{change.kind} {alert.key}: {text}", severity=alert.severity, event=event.event_id)
        toasted = not alert.rule.actions
        for action in alert.rule.actions:
            match action.type:
                case "log.audit":
                    self._audit(change, event, action)
                case "log.debug":
                    said = condition_text(alert.rule)
                    log.debug("alert", f"{change.kind} {alert.key}: {text}", condition=said, **_numbers(event))
                case "signal.backup" if change.kind == FIRED:
                    self._emit(BACKUP, ("backup", "ready"), {**self._readiness.evidence(), "asked_by": alert.key})
                case "webhook.local":
                    self._outside(alert, event, action, partial(self._post, action, event))
                case "command" if change.kind in (FIRED, ESCALATED):
                    self._outside(alert, event, action, partial(self._command, action, event))
                case "notify.toast" | "notify.desktop":
                    toasted = True
                case _:
                    pass  # what views show, what is advice, and bursts, which are stored of every firing
        if toasted and self._desktop:
            self._outside(alert, event, Action("notify.desktop"), partial(self._note, change, event))

    def _audit(self, change: Change, event: Event, action: Action) -> None:
        alert = change.alert
        text, severity = message_text(alert, action.message), alert.severity
        line = f"{change.kind} {alert.key}: {text}"
        log.info("audit", line, severity=severity, event=event.event_id, **_numbers(event))
        said = {"change": change.kind, "message": text, "severity": severity}
        self._told(alert, event, action, Outcome("", tries=1), said)

    # ---- what takes time

    def _outside(
        self, alert: Alert, event: Event, action: Action, start: Callable[[], Coroutine[Any, Any, Outcome]]
    ) -> None:  # Any: what a coroutine yields and is sent is asyncio's
        """Begin what reaches beyond the recorder, or say why not."""
        why_not = ""
        if self._demo:
            why_not = "nothing of a demo is told outside"
        elif action.type == "command" and not self._commands:
            why_not = "commands are switched off (alerts.commands)"
        elif action.type == "command" and not self._may_start():
            why_not = f"{COMMANDS} commands within a minute already"
        elif self._tasks is None:
            why_not = "the recorder ends"
        elif self._under_way >= MOST:
            self.dropped += 1
            why_not = f"dropped: {MOST} actions are under way"
        if why_not or self._tasks is None:
            self._told(alert, event, action, Outcome(why_not))
            return
        if action.type == "command":
            self._started.append(self._clock.now().boottime_ns)
        self._under_way += 1
        self._tasks.create_task(self._carried(alert, event, action, start))

    def _may_start(self) -> bool:
        now_ns = self._clock.now().boottime_ns
        while self._started and self._started[0] <= now_ns - _MINUTE_NS:
            self._started.popleft()
        return len(self._started) < COMMANDS

    async def _carried(
        self, alert: Alert, event: Event, action: Action, start: Callable[[], Coroutine[Any, Any, Outcome]]
    ) -> None:  # Any: as above
        began = time.monotonic()
        try:
            outcome = await start()
        except Exception as error:  # noqa: BLE001  an action that fails must not end the recorder
            log.error("alert", f"{action.type} of {alert.key} failed", exc=error)
            outcome = Outcome(f"a fault of wftop: {type(error).__name__}")
        finally:
            self._under_way -= 1
        self._told(alert, event, action, outcome, {"duration_s": round(time.monotonic() - began, 3)})

    # What most rules do not ask for is imported where it is asked for: 2 ms of a start.

    async def _post(self, action: Action, event: Event) -> Outcome:
        from wftui.recorder.alerting import actions_webhook

        return await actions_webhook.post(action.target, body(event))

    async def _command(self, action: Action, event: Event) -> Outcome:
        from wftui.recorder.alerting.actions_command import Command

        command = Command(action.command, body(event))
        outcome = await command.run()
        if command.output:
            said = command.output.decode("utf-8", "replace")
            log.info("alert", "a command said something", program=action.command[0], output=said)
        return outcome

    async def _note(self, change: Change, event: Event) -> Outcome:
        from wftui.recorder.alerting.actions_desktop import DesktopError, Note, notify

        alert = change.alert
        begins = change.kind in (FIRED, ESCALATED)
        word = alert.severity if begins else change.kind.rpartition(".")[2]
        note = Note(
            f"{word}: {alert.rule.name or alert.rule.id}",
            str(event.payload["message"]),
            _URGENCY[alert.severity] if begins else 0,
            replaces=self._notes.pop(alert.key, 0),
        )
        try:
            self._notes[alert.key] = await notify(note)
        except DesktopError as error:
            return Outcome(str(error), tries=1)
        if len(self._notes) > _NOTES:
            del self._notes[next(iter(self._notes))]
        return Outcome("", tries=1)

    def _told(
        self,
        alert: Alert,
        event: Event,
        action: Action,
        outcome: Outcome,
        more: dict[str, Any] | None = None,  # Any: JSON values
    ) -> None:
        """Say what became of an action: never the arguments of a command nor the path of an address."""
        payload: dict[str, Any] = {  # Any: JSON values
            "rule": alert.rule.id,
            "labels": dict(alert.labels),
            "event": event.event_id,
            "action": action.type,
            "done": not outcome.reason,
        }
        if action.type == "webhook.local":
            from wftui.recorder.alerting.actions_webhook import target

            payload["target"] = where.name if (where := target(action.target)) is not None else ""
        if action.type == "command":
            payload["program"] = action.command[0]
        how = {"reason": outcome.reason, "detail": outcome.detail, "tries": outcome.tries}
        payload |= {key: value for key, value in how.items() if value}
        self._emit(EVENT, ("alert", alert.key), {**payload, **(more or {})})
        if outcome.reason:
            log.warning("alert", f"{action.type} of {alert.key}: {outcome.reason}", event=event.event_id)


def body(event: Event) -> bytes:
    """JSON for webhooks and commands: the payload of the alert's event, with what tells it from others."""
    return msgspec.json.encode(
        {"type": event.type, "event_id": event.event_id, "time_ns": event.time_ns, **event.payload}
    )


def _numbers(event: Event) -> dict[str, object]:
    return {key: event.payload.get(key) for key in ("value", "threshold", "unit")}
