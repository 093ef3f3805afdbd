"""Alerts of one recorder: each second's changes become events, rows of tables, and word to who asked for it."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from wftui.alerts.desk import Desk, inhibitor
from wftui.alerts.engine import Change, Engine, SourceState
from wftui.alerts.health import Firing
from wftui.alerts.health_facts import firing
from wftui.alerts.replay import longest_window_s
from wftui.alerts.rule import Rule
from wftui.alerts.signals import Labels
from wftui.alerts.silences import Silence, holding, matchers
from wftui.alerts.states import FIRED, RESOLVED, Alert
from wftui.alerts.words import condition_text, message_text
from wftui.clock import NS_PER_S, Clock, Instant
from wftui.errors import ConfigError, ProtocolError
from wftui.model import alerts as cells
from wftui.model.alert_texts import PLACES
from wftui.model.alerts import ALERTS, FIRING, OVER, RULES, SILENCES, SOURCE
from wftui.model.sample import Sample, column
from wftui.model.table import Row, TableSnapshot
from wftui.model.tick import Layout, Tick
from wftui.recorder.alerting import rows
from wftui.recorder.alerting.actions import Actions
from wftui.recorder.alerting.actions_advice import shown
from wftui.recorder.alerting.past import Breaks, Past
from wftui.recorder.alerting.quality import Quality
from wftui.recorder.alerting.scoring import Scoring
from wftui.recorder.bundles import Bundles
from wftui.recorder.emitter import Emitter
from wftui.wire import messages as m

TABLE_NS: Final = 10 * NS_PER_S
"""The tables are told at least so often, and when something befell an alert."""
MAX_SILENCE_NS: Final = 366 * 86_400 * NS_PER_S
_MOST_SILENCES: Final = 500
_MOST_HELD: Final = 15
"""Seconds that wait for what was before the start."""
_NONE: Final[Mapping[int, float]] = {}
Standing = dict[str, tuple[str, bool]]
"""Alert to its state, and whether it fires on without its condition: what the next start goes on with."""


class Second(NamedTuple):
    """One that was closed."""

    tick: Tick
    layout: Layout
    at: Instant
    latest: Mapping[int, float]
    """As the engine takes it."""


class Alerting:
    """Runs in the recorder's loop; a second of 100 rules over 400 series takes 0.3 ms."""

    def __init__(
        self,
        clock: Clock,
        emit: Emitter,
        table: Callable[[str], Mapping[str, Row]],
        publish: Callable[[TableSnapshot, Instant, str], None],
        keep: Callable[[str, int, Instant], object],
        actions: Actions,
        quality: Quality,
        bundles: Bundles | None = None,
    ) -> None:
        """
        Args:
            clock: Of the recorder.
            emit: Makes events.
            table: Rows of a table now.
            publish: Tells and stores a table: snapshot, when, whose.
            keep: Keeps what is around a moment at full rate: event_id, the moment (ns, UTC), now.
            actions: Carries out those of a change of which somebody is to be told.
            quality: Follows what fires.
            bundles: Writes one of an incident; None: nobody does.
        """
        self._clock = clock
        self._emit = emit
        self._table = table
        self._publish = publish
        self._keep = keep
        self._actions = actions
        self._quality = quality
        self._bundles = bundles
        self._scoring = Scoring(table, publish)
        self._engine = Engine(self._texts)
        self._desk = Desk()
        self._rules: tuple[Rule, ...] = ()
        self._silences: dict[str, Silence] = {}
        self._waiting: dict[str, Row] = {}
        """What fired or was pending before the start and has no rule yet."""
        self._last: Tick | None = None
        """Of the session before; None: not of this boot, or not known."""
        self._held: deque[Second] | None = None
        """Seconds that wait until the windows know what was before the start; None: none has to wait."""
        self._ruled = asyncio.Event()
        self._standing: Standing = {}
        """As it was told last."""
        self._told_ns = 0
        self._changed = True
        self._broken_files = 0
        self._broken = column(SOURCE, "wftop.rules.broken", call="files of rules")
        self._duration = column(SOURCE, "wftop.alerts.evaluation.duration", call="clock around the rules")
        self._counts = {
            severity: column(SOURCE, "wftop.alerts.firing", {"mode": severity}, call="the alerts' states")
            for severity in ("info", "warning", "error", "critical")
        }
        self._held_back = column(SOURCE, "wftop.alerts.held_back", call="notifications over the limit")

    @property
    def engine(self) -> Engine:
        """For who fills in what was before the start."""
        return self._engine

    # ---- rules

    def use(self, found: Iterable[Rule], broken: int) -> None:
        """Go on with these rules; ``broken``: files of rules that are wrong."""
        now = self._clock.now()
        self._broken_files = broken
        self._rules = tuple(found)
        for change in self._engine.use(self._rules, now):
            self._tell(change, now)
        for key, row in list(self._waiting.items()):
            if self._resume(row, now):
                del self._waiting[key]
        if not broken:
            self._end_waiting(now)
        self._changed = True
        self._ruled.set()

    def restore(self, stored: Mapping[str, Mapping[str, Row]], last: Tick | None = None) -> None:
        """What the tables said when the session before ended; before the first rules.

        Args:
            stored: Table to its rows.
            last: The last second of that session; None: it was before this boot, or there is none.
        """
        self._last = last
        now_ns = self._clock.now().time_ns
        known = rows.silences_of(stored.get(SILENCES.name, {}))
        self._silences = {item.id: item for item in known if now_ns < item.until_ns}
        self._waiting = {
            key: row
            for key, row in stored.get(ALERTS.name, {}).items()
            if row[cells.STATE] in (FIRING, OVER, cells.PENDING)
        }

    def _end_waiting(self, now: Instant) -> None:
        """What fired before the start and whose rule went meanwhile would fire for ever."""
        for key, row in self._waiting.items():
            if row[cells.STATE] == cells.PENDING:
                continue  # nobody was told of it
            payload = {
                "rule": row[cells.RULE],
                "labels": dict(rows.labels_of(str(row[cells.LABELS]))),
                "name": row[cells.NAME],
                "severity": row[cells.SEVERITY],
                "reason": "the rule is gone or off",
                "told": False,
            }
            self._emit(RESOLVED, ("alert", key), payload, now)
        self._waiting = {}

    def _resume(self, row: Row, now: Instant) -> bool:
        alert = self._engine.restore(str(row[cells.RULE]), rows.labels_of(str(row[cells.LABELS])))
        if alert is not None and rows.resume(alert, row, self._last, now) and alert.state != cells.PENDING:
            self._desk.resume(alert.key)
        return alert is not None

    # ---- what was before the start

    def hold(self) -> None:
        """Judge no second until ``catch_up`` is done, or until ``_MOST_HELD`` wait."""
        self._held = deque()

    async def catch_up(self, past: Past, sources: Mapping[str, SourceState]) -> None:
        """Fill the windows with what was before the start, then judge the seconds since."""
        await self._ruled.wait()
        window_s = longest_window_s(rule for rule in self._rules if rule.enabled)
        breaks = Breaks()
        async for tick, layout in past.seconds(window_s, self._clock.now().time_ns // NS_PER_S):
            if self._held is None:
                return  # it took too long
            self._engine.past(tick, layout, sources)
            await breaks()
        self._let_go(sources)

    def _let_go(self, sources: Mapping[str, SourceState]) -> list[Change]:
        """Judge the seconds that were held; returns what they brought."""
        held, self._held = self._held or (), None
        found = []
        for tick, layout, at, latest in held:
            for change in self._engine.second(tick, layout, sources, at, latest):
                self._tell(change, at)
                found.append(change)
        return found

    # ---- each second

    def second(
        self,
        tick: Tick,
        layout: Layout,
        sources: Mapping[str, SourceState],
        at: Instant,
        latest: Mapping[int, float] = _NONE,
    ) -> list[Sample]:
        """Look at a second that was closed; returns what it tells of itself. ``latest``: as for the engine."""
        began = time.perf_counter_ns()
        changes = self._judge(Second(tick, layout, at, latest), sources)
        spent_s = (time.perf_counter_ns() - began) / 1e9
        self._end_silences(at)
        active = list(self._engine.alerts())  # once: it looks at every alert that could be
        moved = self._changed or _standing(active) != self._standing
        if changes or moved or at.boottime_ns >= self._told_ns + TABLE_NS:
            self._publish_all(at, active)
        counts = dict.fromkeys(self._counts, 0)
        for alert in active:
            if alert.state in (FIRING, OVER):
                counts[alert.severity] += 1
        return [
            Sample(self._duration, spent_s),
            Sample(self._held_back, self._desk.held),
            Sample(self._broken, self._broken_files),
            *(Sample(self._counts[severity], count) for severity, count in counts.items()),
            *self._actions.second(tick, layout, active, at),
            *self._quality.second(active, self._hushed(active, at), at),
            self._scoring.second(tick, layout, sources, self._firings(active, at), at),
        ]

    def _judge(self, second: Second, sources: Mapping[str, SourceState]) -> list[Change]:
        if self._held is not None:
            self._held.append(second)
            return self._let_go(sources) if len(self._held) >= _MOST_HELD else []
        changes = self._engine.second(second.tick, second.layout, sources, second.at, second.latest)
        for change in changes:
            self._tell(change, second.at)
        return changes

    def _firings(self, active: Sequence[Alert], at: Instant) -> list[Firing]:
        """What fires, as the health score sees it."""
        found = []
        for alert in active:
            silenced = holding(self._silences.values(), alert, at.time_ns) is not None
            item = firing(alert, silenced=silenced, inhibited=bool(inhibitor(alert, active)))
            if item is not None:
                found.append(item)
        return found

    def _hushed(self, active: Sequence[Alert], at: Instant) -> Callable[[Alert], bool]:
        """Whether nobody is to hear of an alert."""
        return lambda alert: bool(holding(self._silences.values(), alert, at.time_ns) or inhibitor(alert, active))

    def _texts(self, name: str) -> Iterable[tuple[Labels, str]]:
        place = PLACES.get(name)
        return () if place is None else place.texts(self._table(place.table))

    def _tell(self, change: Change, now: Instant) -> None:
        kind, alert = change
        silence = holding(self._silences.values(), alert, now.time_ns)
        inhibited = inhibitor(alert, self._engine.alerts())
        why_not = self._desk.why_not(kind, alert, now, silence.id if silence else "", inhibited)
        payload: dict[str, Any] = {  # Any: JSON values
            "rule": alert.rule.id,
            "labels": dict(alert.labels),
            "name": alert.rule.name,
            "severity": alert.severity,
            "message": message_text(alert),
            "condition": condition_text(alert.rule),
            "value": rows.number(alert.judge.value),
            "threshold": rows.number(alert.judge.threshold),
            "unit": alert.judge.unit,
        }
        if kind == RESOLVED and alert.reason:
            payload["reason"] = alert.reason
        payload["told"] = not why_not
        if why_not:
            payload["why_not"] = why_not
        payload |= shown(alert)
        item = self._emit(kind, ("alert", alert.key), payload, now)
        if kind == FIRED:
            alert.event = item.event_id
            self._keep(item.event_id, now.time_ns, now)
        if self._bundles is not None:
            self._bundles.changed(change, item, now, told=not why_not)
        if not why_not:
            self._actions.carry_out(change, item)
        self._changed = True

    def _publish_all(self, at: Instant, active: Sequence[Alert] = ()) -> None:
        """Tell all tables; ``active``: the alerts, where they were just gathered."""
        active = active or list(self._engine.alerts())
        self._changed = False
        self._standing = _standing(active)
        self._told_ns = at.boottime_ns
        found = {alert.key: self._row(alert, active, at) for alert in active}
        self._publish(TableSnapshot(ALERTS, at.time_ns, {**self._waiting, **found}), at, SOURCE)
        self._publish(TableSnapshot(SILENCES, at.time_ns, rows.silence_rows(self._silences.values())), at, SOURCE)
        # Each time: a rule that is said to wait for its series while its alert fires is not true.
        self._publish(TableSnapshot(RULES, at.time_ns, rows.rule_rows(self._rules, self._engine)), at, SOURCE)
        self._desk.forget(alert.key for item in self._engine.running.values() for alert in item.alerts.values())

    def _row(self, alert: Alert, active: Iterable[Alert], at: Instant) -> Row:
        silence = holding(self._silences.values(), alert, at.time_ns)
        return rows.alert_row(alert, silence.id if silence else "", inhibitor(alert, active), at)

    # ---- what a person has done

    def acknowledge(self, order: m.Acknowledge) -> None:
        """Somebody looks after it.

        Raises:
            ProtocolError: There is no such alert, or it does not fire.
        """
        now = self._clock.now()
        alert = self._firing(order.alert)
        alert.acknowledged = order.by, order.note, now.time_ns
        self._did("alert.acknowledged", alert, {"by": order.by, "note": order.note})

    def resolve(self, order: m.ResolveAlert) -> None:
        """Say that it is over.

        Raises:
            ProtocolError: There is no such alert, or it does not fire.
        """
        alert = self._firing(order.alert)
        alert.resolve(self._clock.now(), f"resolved by {order.by}" if order.by else "resolved by hand")
        self._engine.forget(alert)
        self._did(RESOLVED, alert, {"by": order.by, "note": order.note, "reason": alert.reason})

    def silence(self, order: m.SetSilence) -> str:
        """Tell nobody of some alerts for a while; returns the silence's id.

        Raises:
            ProtocolError: Its matchers or its duration are none.
        """
        now = self._clock.now()
        try:
            wanted = matchers(order.matchers)
        except ConfigError as error:
            raise ProtocolError(str(error)) from error
        if not 0 < order.duration_ns <= MAX_SILENCE_NS:
            raise ProtocolError("silence: expected a duration of more than nothing and at most a year")
        if len(self._silences) >= _MOST_SILENCES:
            raise ProtocolError(f"silence: {_MOST_SILENCES} silences hold already; end one first")
        until_ns = now.time_ns + order.duration_ns
        item = self._emit(
            "silence.set",
            ("silence", ""),
            {"matchers": dict(wanted), "until_ns": until_ns, "by": order.by, "reason": order.reason},
        )
        found = Silence(item.event_id, wanted, until_ns, now.time_ns, order.by, order.reason)
        self._silences[found.id] = found
        self._publish_all(now)
        return found.id

    def end_silence(self, order: m.EndSilence) -> None:
        """Tell of them again.

        Raises:
            ProtocolError: There is no such silence.
        """
        item = self._silences.pop(order.id, None)
        if item is None:
            raise ProtocolError(f"silence: there is none called {order.id}")
        self._emit("silence.ended", ("silence", item.id), {"matchers": dict(item.matchers), "by": order.by})
        self._publish_all(self._clock.now())

    def _end_silences(self, at: Instant) -> None:
        for item in [item for item in self._silences.values() if at.time_ns >= item.until_ns]:
            del self._silences[item.id]
            self._emit("silence.ended", ("silence", item.id), {"matchers": dict(item.matchers), "by": ""})
            self._changed = True

    def _firing(self, key: str) -> Alert:
        alert = self._engine.find(key)
        if alert is None or alert.state not in (FIRING, OVER):
            firing = [item.key for item in self._engine.alerts() if item.state in (FIRING, OVER)]
            raise ProtocolError(f"alert {key}: it does not fire; these do: {', '.join(firing) or 'none'}")
        return alert

    def _did(self, kind: str, alert: Alert, payload: dict[str, Any]) -> None:  # Any: JSON values
        told = {"rule": alert.rule.id, "labels": dict(alert.labels), "name": alert.rule.name, "told": False}
        self._emit(kind, ("alert", alert.key), {**told, "severity": alert.severity, **payload})
        self._publish_all(self._clock.now())


def _standing(active: Iterable[Alert]) -> Standing:
    return {alert.key: (alert.state, alert.ceased_ns is not None) for alert in active}
