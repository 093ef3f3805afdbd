"""Bundles of incidents: which alerts ask for one, when it is written, what is told of it, how many stay."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fakeclock import FakeClock
from wftui.alerts.engine import Change
from wftui.alerts.logic import Unbound
from wftui.alerts.rule import Action, Query, Rule, Severity, Threshold
from wftui.alerts.states import ESCALATED, FIRED, RESOLVED, Alert
from wftui.bundle import unasked
from wftui.clock import NS_PER_S
from wftui.model.alerts import FIRING, INACTIVE
from wftui.model.event import Event
from wftui.recorder.bundles import BURST_S, FIRST_S, LONGEST_S, Asked, Bundles, chosen

ANSWER = '{"file": "bundles/a.wftop", "bytes": 1200}'


def alert(name: str = "rule.hot", severity: Severity = "warning", *actions: Action) -> Alert:
    rule = Rule(name, Threshold(Query("hw.gpu.temperature"), ">", 80.0), severity=severity, actions=actions)
    return Alert(rule, (("gpu", "GPU-a"),), Unbound())


class Recorder:
    """Bundles, with a child that says what is wanted of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *on: str, off: str = "", in_memory: bool = False) -> None:
        self.clock = FakeClock()
        self.told: list[dict[str, Any]] = []
        self.orders: list[dict[str, Any]] = []
        self.child = f"print({ANSWER!r})"
        self.bundles = Bundles(
            Asked(on, Path("/data"), "", off),
            lambda kind, about, payload: self.told.append({"kind": kind, "about": about[1], **payload}),
            lambda: in_memory,
        )
        real = Bundles._command

        def command(*arguments: Any) -> list[str]:  # Any: as of the method
            self.orders.append(msgspec.json.decode(real(*arguments)[-1]))
            return [sys.executable, "-S", "-c", self.child]

        monkeypatch.setattr(Bundles, "_command", command)

    def befell(self, one: Alert, kind: str = FIRED, *, told: bool = True) -> None:
        one.state = FIRING if kind in (FIRED, ESCALATED) else INACTIVE
        now = self.clock.now()
        event = Event(1, f"e{now.boottime_ns}", now.time_ns, kind, "alert", one.key)
        self.bundles.changed(Change(kind, one), event, now, told=told)

    async def after(self, seconds: float) -> None:
        """So much later, every second looked at, what was begun ended."""
        for _ in range(int(seconds)):
            self.clock.advance(NS_PER_S)
            self.bundles.second_ended(self.clock.now())
            async with asyncio.timeout(20):
                while self.bundles.pid is not None:  # noqa: ASYNC110  the child is no part of the test
                    await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("on", "one", "wanted"),
    [
        ((), alert(), False),
        (("rule.hot",), alert(), True),
        (("rule.cold",), alert(), False),
        (("severity>=warning",), alert(), True),
        (("severity>=error",), alert(), False),
        (("severity>=critical", "severity>=error"), alert(severity="error"), True),
        ((), alert("rule.hot", "info", Action("bundle")), True),
        ((), alert("rule.hot", "info", Action("capture")), False),
    ],
)
def test_which_alerts_ask_for_one(on: tuple[str, ...], one: Alert, wanted: bool) -> None:
    assert chosen(one, on) is wanted


async def test_written_when_it_fired_and_again_when_all_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, one = Recorder(monkeypatch, "rule.hot"), alert()
    recorder.befell(one)
    fired_s = recorder.clock.now().time_ns // NS_PER_S
    await recorder.after(FIRST_S - 1)
    assert not recorder.orders
    await recorder.after(1)
    assert len(recorder.orders) == 1
    await recorder.after(15)
    recorder.befell(one, RESOLVED)
    await recorder.after(BURST_S - 21)
    assert len(recorder.orders) == 1, "what is around it at full rate is not stored yet"
    await recorder.after(2)
    assert len(recorder.orders) == 2
    first, last = recorder.orders
    assert first["since_s"] == last["since_s"] == fired_s - 300
    assert first["at_s"] == last["at_s"] == fired_s
    assert first["until_s"] == fired_s + FIRST_S + 1
    assert last["until_s"] == fired_s + BURST_S + 1
    assert first["rule"] == "rule.hot"
    assert [item["done"] for item in recorder.told] == [True, True]
    assert recorder.told[0] | {"kind": "alert.action", "action": "bundle", "bytes": 1200} == recorder.told[0]
    await recorder.after(LONGEST_S)
    assert len(recorder.orders) == 2


async def test_one_that_lasts_is_written_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(monkeypatch, "rule.hot")
    recorder.befell(alert())
    await recorder.after(LONGEST_S + 30)
    assert len(recorder.orders) == 2
    assert recorder.orders[1]["until_s"] - recorder.orders[1]["at_s"] == LONGEST_S + 1


async def test_alerts_that_fire_meanwhile_are_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, one, other = Recorder(monkeypatch, "severity>=warning"), alert(), alert("rule.other")
    recorder.befell(one)
    await recorder.after(60)
    recorder.befell(other)
    recorder.befell(one, RESOLVED)
    await recorder.after(60)
    assert len(recorder.orders) == 1
    recorder.befell(other, RESOLVED)
    await recorder.after(FIRST_S)
    assert len(recorder.orders) == 2
    assert {item["rule"] for item in recorder.orders} == {"rule.hot"}


async def test_at_most_one_in_ten_minutes_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, one = Recorder(monkeypatch, "rule.hot"), alert()
    recorder.befell(one)
    recorder.befell(one, RESOLVED)
    await recorder.after(BURST_S)
    assert len(recorder.orders) == 2
    recorder.befell(one)
    await recorder.after(30)
    assert len(recorder.orders) == 2
    assert recorder.told[-1]["reason"] == "at most one in 10 minutes"
    recorder.befell(one, RESOLVED)
    await recorder.after(LONGEST_S - BURST_S - 30)
    recorder.befell(one)
    await recorder.after(FIRST_S)
    assert len(recorder.orders) == 3


async def test_what_people_are_not_told_of_makes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(monkeypatch, "rule.hot")
    recorder.befell(alert(), told=False)
    await recorder.after(FIRST_S + 1)
    assert not recorder.orders
    assert not recorder.told


async def test_one_that_grows_bad_enough_later(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, one = Recorder(monkeypatch, "severity>=critical"), alert()
    recorder.befell(one)
    await recorder.after(10)
    assert not recorder.orders
    one.severity = "critical"
    recorder.befell(one, ESCALATED)
    await recorder.after(FIRST_S)
    assert len(recorder.orders) == 1


@pytest.mark.parametrize(
    ("off", "in_memory", "reason"),
    [
        ("nothing of a demo", False, "nothing of a demo"),
        ("", True, "the recorder keeps nothing"),
    ],
)
async def test_why_there_is_none(monkeypatch: pytest.MonkeyPatch, off: str, in_memory: bool, reason: str) -> None:
    recorder = Recorder(monkeypatch, "rule.hot", off=off, in_memory=in_memory)
    recorder.befell(alert())
    await recorder.after(FIRST_S + 1)
    assert not recorder.orders
    assert [(item["done"], item["reason"].startswith(reason)) for item in recorder.told] == [(False, True)]


@pytest.mark.parametrize(
    ("child", "reason"),
    [
        ("import sys; sys.exit('wftop: the disk is full')", "the disk is full"),
        ("import sys; sys.exit(5)", "ended with code 5"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("print('{half')", "{half"),
        ("pass", "ended with code 0"),
    ],
)
async def test_a_child_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, child: str, reason: str) -> None:
    recorder = Recorder(monkeypatch, "rule.hot")
    recorder.child = child
    recorder.befell(alert())
    await recorder.after(FIRST_S)
    assert [(item["done"], item["reason"]) for item in recorder.told] == [(False, reason)]


async def test_the_end_of_the_recorder_ends_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(monkeypatch, "rule.hot")
    recorder.child = "import time; time.sleep(600)"
    recorder.befell(alert())
    recorder.clock.advance(int(FIRST_S) * NS_PER_S)
    recorder.bundles.second_ended(recorder.clock.now())
    assert recorder.bundles.pid is not None
    await recorder.bundles.close()
    await recorder.bundles.close()
    assert recorder.bundles.pid is None
    assert not recorder.told


# ---- what stays in the folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "bundles"
    path.mkdir()
    return path


def files(folder: Path, *sizes: int) -> list[str]:
    names = [f"wftop-20261122-{place:06}.wftop{'.age' if place % 2 else ''}" for place in range(len(sizes))]
    for name, size in zip(names, sizes, strict=True):
        (folder / name).write_bytes(b"x" * size)
    return names


def test_the_oldest_go_by_count_and_by_size(folder: Path) -> None:
    names = files(folder, *[10] * 7)
    (folder / "notes.txt").write_text("mine")
    assert unasked.make_room(folder, 5, 1000) == names[:2]
    assert unasked.make_room(folder, 5, 35) == names[2:4]
    assert {item.name for item in folder.iterdir()} == {*names[4:], "notes.txt"}


def test_the_newest_stays_whatever_its_size_and_remains_go(folder: Path) -> None:
    names = files(folder, 10, 5000)
    (folder / ".wftop-20261122-000000.wftop.part").write_bytes(b"half")
    assert unasked.make_room(folder, 5, 100) == names[:1]
    assert [item.name for item in folder.iterdir()] == names[1:]


@pytest.mark.parametrize("words", [[], ["{"], ['{"data_dir": 1}'], ["[]"]])
def test_an_order_that_is_none(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nice: list[int] = []
    monkeypatch.setattr("os.nice", nice.append)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert unasked.main(words) == 2
    assert nice == [19]
    assert capsys.readouterr().err.startswith("wftop: expected an order as JSON")
