"""What is done of a change, what of it is told, and the limits; nothing here leaves the process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fakeclock import FakeClock
from wftui import log
from wftui.alerts.engine import Change
from wftui.alerts.logic import Unbound
from wftui.alerts.reading_actions import TYPES
from wftui.alerts.rule import Action, Query, Rule, Threshold
from wftui.alerts.states import ENDED, ESCALATED, FIRED, RESOLVED, Alert
from wftui.clock import NS_PER_S
from wftui.model.alerts import FIRING
from wftui.model.event import Event, event
from wftui.recorder.alerting import actions_desktop, actions_webhook
from wftui.recorder.alerting.actions import COMMANDS, MOST, Actions, body
from wftui.recorder.alerting.actions_advice import ADVICE, SHOWN, shown
from wftui.recorder.alerting.actions_desktop import DesktopError, Note
from wftui.recorder.alerting.actions_outcome import Outcome

Emitted = list[tuple[str, tuple[str, str], dict[str, Any]]]


def alert(*actions: Action, labels: tuple[tuple[str, str], ...] = (("gpu", "a"),), **more: Any) -> Alert:
    found = Alert(Rule("rule.x", Threshold(Query("q"), ">", 1.0), actions=actions, **more), labels, Unbound())
    found.state = FIRING
    return found


def change(one: Alert, kind: str = FIRED, **more: object) -> tuple[Change, Event]:
    payload = {"rule": one.rule.id, "labels": dict(one.labels), "message": "it is hot", "value": 2.0, **more}
    return Change(kind, one), event(7, kind, ("alert", one.key), payload)


class Made:
    """Actions with a list of what they emitted."""

    def __init__(self, **settings: bool) -> None:
        self.clock = FakeClock()
        self.emitted: Emitted = []
        self.actions = Actions(self.clock, lambda *item: self.emitted.append(item), **settings)

    def do(self, one: Alert, kind: str = FIRED) -> list[dict[str, Any]]:
        """Payloads of the ``alert.action`` events of one change."""
        before = len(self.emitted)
        self.actions.carry_out(*change(one, kind))
        return self.told()[before:]

    def told(self) -> list[dict[str, Any]]:
        return [payload for kind, _, payload in self.emitted if kind == "alert.action"]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.actions.run())
        await asyncio.sleep(0)
        yield
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def until(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            while len(self.told()) < count:  # noqa: ASYNC110  what emits is no part of the test
                await asyncio.sleep(0.005)
        return self.told()


def test_every_type_of_action_has_its_place() -> None:
    done = {"log.audit", "log.debug", "signal.backup", "signal.performance", "webhook.local", "command", "capture"}
    done |= {"bundle"}
    assert done | SHOWN | ADVICE == set(TYPES)


def test_an_audit_is_a_line_and_an_event_of_every_change(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[str, str]] = []
    monkeypatch.setattr(log, "info", lambda area, message, **_: lines.append((area, message)))
    made, one = Made(), alert(Action("log.audit", message="{gpu} again"))
    for kind in (FIRED, ESCALATED, ENDED, RESOLVED):
        told = made.do(one, kind)
        assert [(item["change"], item["message"], item["done"]) for item in told] == [(kind, "a again", True)]
    assert made.emitted[0][:2] == ("alert.action", ("alert", 'rule.x{gpu="a"}'))
    assert next(message for area, message in lines if area == "audit") == 'alert.fired rule.x{gpu="a"}: a again'


def test_a_debug_action_is_a_line_only(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(log, "debug", lambda area, message, **fields: lines.append(f"{area} {message} {fields}"))
    assert not Made().do(alert(Action("log.debug")))
    assert "it is hot" not in lines[0]  # the rule has no message
    assert "q > 1" in lines[0]


def test_what_is_shown_and_advised_goes_into_the_event() -> None:
    one = alert(
        Action("notify.toast", message="{gpu}: {value}", level="error", duration_s=8.0, panel="gpus"),
        Action("notify.sound", sound="bell", volume=0.0),
        Action("suggest.mitigation", message="do $(touch x) {gpu}", suggestions=("a", "b")),
        Action("suggest.diagnostic", details="look"),
        Action("log.audit"),
    )
    assert shown(one) == {
        "show": [
            {"type": "notify.toast", "message": "a: -", "level": "error", "duration_s": 8.0, "panel": "gpus"},
            {"type": "notify.sound", "sound": "bell", "volume": 0.0},
        ],
        "suggestions": [
            {"type": "suggest.mitigation", "message": "do $(touch x) a", "actions": ["a", "b"]},
            {"type": "suggest.diagnostic", "details": "look"},
        ],
    }
    assert shown(alert()) == {"show": [{"type": "notify.toast"}, {"type": "notify.dashboard"}]}
    assert shown(alert(Action("capture"))) == {}
    assert not Made().do(one)[1:]  # the audit alone is an action of the recorder


def test_what_goes_into_an_event_is_bounded() -> None:
    long = Action("suggest.mitigation", suggestions=("s" * 200,) * 100, details="d" * 1000)
    told = shown(alert(*(long,) * 30, *(Action("notify.toast"),) * 30))
    assert (len(told["show"]), len(told["suggestions"]), len(told["suggestions"][0]["actions"])) == (8, 8, 20)


def test_commands_are_off_unless_they_are_switched_on() -> None:
    told = Made().do(alert(Action("command", command=("touch", "x"))))
    assert told == [
        {
            "rule": "rule.x",
            "labels": {"gpu": "a"},
            "event": told[0]["event"],
            "action": "command",
            "program": "touch",
            "done": False,
            "reason": "commands are switched off (alerts.commands)",
        }
    ]


def test_nothing_of_a_demo_is_told_outside() -> None:
    made = Made(commands=True, desktop=True, demo=True)
    url = "http://127.0.0.1:9/"
    one = alert(Action("command", command=("true",)), Action("webhook.local", target=url), Action("notify.toast"))
    assert {item["reason"] for item in made.do(one)} == {"nothing of a demo is told outside"}
    assert len(made.told()) == 3


def test_before_and_after_the_recorder_runs_nothing_is_begun() -> None:
    made, one = Made(commands=True), alert(Action("command", command=("true",)))
    assert made.do(one)[0]["reason"] == "the recorder ends"

    async def life() -> None:
        async with made.running():
            made.do(one)
            assert (await made.until(2))[1]["done"]

    asyncio.run(life())
    assert made.do(one)[-1]["reason"] == "the recorder ends"


def test_ten_commands_a_minute() -> None:
    made, one = Made(commands=True), alert(Action("command", command=("true",)))

    async def life() -> None:
        async with made.running():
            for _ in range(COMMANDS + 2):
                made.do(one)
            told = await made.until(COMMANDS + 2)
            late = [item for item in told if not item["done"]]
            assert [item["reason"] for item in late] == ["10 commands within a minute already"] * 2
            made.clock.step(3600 * NS_PER_S)  # the wall clock has no say
            made.do(one)
            assert not (await made.until(COMMANDS + 3))[-1]["done"]
            made.clock.advance(60 * NS_PER_S)
            made.do(one)
            assert (await made.until(COMMANDS + 4))[-1]["done"]

    asyncio.run(life())


@pytest.mark.parametrize(("kind", "count"), [(FIRED, 1), (ESCALATED, 1), (RESOLVED, 0), (ENDED, 0)])
def test_a_command_runs_when_it_fires_or_gets_worse(kind: str, count: int) -> None:
    assert len(Made().do(alert(Action("command", command=("true",))), kind)) == count


def test_more_than_so_many_at_once_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    made, one = Made(), alert(Action("webhook.local", target="http://127.0.0.1:9/secret"))
    release = asyncio.Event()

    async def held(*_: object) -> Outcome:
        await release.wait()
        return Outcome("", "status 200", 1)

    monkeypatch.setattr(actions_webhook, "post", held)

    async def life() -> None:
        async with made.running():
            for _ in range(MOST + 3):
                made.do(one)
            assert [item["reason"] for item in made.told()] == ["dropped: 32 actions are under way"] * 3
            release.set()
            told = await made.until(MOST + 3)
            assert sum(item["done"] for item in told) == MOST
            assert {item["target"] for item in told} == {"127.0.0.1:9"}  # a path may be a key
            made.do(one)
            assert (await made.until(MOST + 4))[-1]["done"]

    asyncio.run(life())
    assert made.actions.dropped == 3


def test_a_fault_of_an_action_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made, one = Made(), alert(Action("webhook.local", target="http://127.0.0.1:9/"))

    async def broken(*_: object) -> Outcome:
        raise ZeroDivisionError

    monkeypatch.setattr(actions_webhook, "post", broken)

    async def life() -> None:
        async with made.running():
            made.do(one)
            made.do(one)
            told = await made.until(2)
            assert [item["reason"] for item in told] == ["a fault of wftop: ZeroDivisionError"] * 2

    asyncio.run(life())


def test_what_is_under_way_ends_with_the_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    made, one = Made(), alert(Action("webhook.local", target="http://127.0.0.1:9/"))
    ended: list[bool] = []

    async def held(*_: object) -> Outcome:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)
        return Outcome("")

    monkeypatch.setattr(actions_webhook, "post", held)

    async def life() -> None:
        async with made.running():
            made.do(one)
            await asyncio.sleep(0)

    asyncio.run(life())
    assert ended == [True]


def test_the_desktop_is_told_once_and_its_notes_take_each_others_place(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[Note] = []

    async def notify(note: Note) -> int:
        notes.append(note)
        if len(notes) == 4:
            raise DesktopError("nobody shows notifications on this session bus")
        return 40 + len(notes)

    monkeypatch.setattr(actions_desktop, "notify", notify)
    made = Made(desktop=True)
    one = alert(Action("notify.toast"), Action("notify.desktop"), severity="critical", name="Hot")
    plain = alert(labels=())  # no actions: shown only

    async def life() -> None:
        async with made.running():
            for count, (item, kind) in enumerate([(one, FIRED), (one, RESOLVED), (plain, FIRED), (one, FIRED)]):
                made.do(item, kind)
                await made.until(count + 1)

    asyncio.run(life())
    assert [(note.title, note.urgency, note.replaces) for note in notes] == [
        ("critical: Hot", 2, 0),
        ("resolved: Hot", 0, 41),
        ("warning: rule.x", 1, 0),
        ("critical: Hot", 2, 42),
    ]
    assert [item.get("reason") for item in made.told()] == [
        None, None, None, "nobody shows notifications on this session bus",
    ]  # fmt: skip
    assert not Made().do(one)  # it is off unless switched on


def test_what_is_sent_is_the_payload_and_what_tells_it_from_others() -> None:
    _, item = change(alert(), labels={"model": "$(touch x) \u00e9\n"}, value=None)
    assert json.loads(body(item)) == {
        "type": "alert.fired", "event_id": item.event_id, "time_ns": 7, **item.payload,
    }  # fmt: skip


def test_a_rule_may_ask_whether_now_is_a_good_time_for_a_backup() -> None:
    made, one = Made(), alert(Action("signal.backup"))
    made.do(one)
    made.do(one, RESOLVED)
    kind, about, payload = made.emitted[0]
    assert len(made.emitted) == 1
    assert (kind, about, payload["ready"], payload["asked_by"]) == (
        "backup.ready", ("backup", "ready"), None, one.key,
    )  # fmt: skip
    assert payload["why_not"]
