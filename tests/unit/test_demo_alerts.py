"""Alerts in the demo's past: found by the rules in what the script tells, and handed on to its recorder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wftui.clock import Instant
from wftui.demo import cards, story
from wftui.demo.beside import Beside
from wftui.demo.past import Past
from wftui.demo.past_alerts import DEEDS
from wftui.demo.script import Script
from wftui.errors import StoreError
from wftui.model import alerts as cells
from wftui.model.event import Event
from wftui.model.score import SCORE
from wftui.model.table import Row
from wftui.model.tick import unpack
from wftui.recorder.sealed import answer
from wftui.store.journal import NAME, open_reader
from wftui.store.read import Reader
from wftui.wire import messages as wire

EPOCH_S = 1_790_000_000
S = 1_000_000_000
NOW = Instant((EPOCH_S + story.PAST_S) * S, 9_000 * S)
XID = f'rule.gpu-xid{{gpu="{cards.uuid(story.LEAKING)}"}}'


def written(folder: Path, until_s: int, kind: type[Past | Beside] = Past) -> Reader:
    """The past up to a second."""
    folder.mkdir(mode=0o700)
    if kind is Beside:
        with Beside(folder, Script(EPOCH_S), NOW) as other:
            other.write(until_s // 2)
            other.write(until_s)
    else:
        past = Past(folder, Script(EPOCH_S), NOW)
        past.write(until_s)
        past.close()
    return Reader(open_reader(folder / NAME))


def events(reader: Reader) -> list[Event]:
    found = answer(reader, None, wire.Events(limit=10_000))
    assert isinstance(found, wire.EventsReply)
    return found.events


def rows(reader: Reader, name: str) -> dict[str, Row]:
    found = reader.table_of(name, story.PAST_S + 1)
    assert found is not None
    return dict(found.rows)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return written(tmp_path_factory.mktemp("whole") / "data", story.PAST_S)


def test_the_rules_find_each_incident_and_each_alert_that_fired_ends_or_fires_still(whole: Reader) -> None:
    told = [item for item in events(whole) if item.aggregate_type == "alert"]
    fired = [item for item in told if item.type == "alert.fired"]
    xids = [item for item in fired if item.aggregate_id == XID]
    assert [round(item.time_ns / S - EPOCH_S - story.FIRST_S) // story.CYCLE_S for item in xids] == [0, 1]
    for item in xids:
        assert 0 < story.phase(item.time_ns / S - EPOCH_S) - story.FAULT_S < 15
    assert {item.payload["rule"] for item in fired} >= {"rule.gpu-throttled-hot", "rule.preemptions"}
    for key in {item.aggregate_id for item in fired}:
        kinds = [item.type for item in told if item.aggregate_id == key]
        begun, ended = kinds.count("alert.fired"), kinds.count("alert.resolved")
        fires = rows(whole, cells.ALERTS.name).get(key, [""] * 9)[cells.STATE] == cells.FIRING
        assert begun - ended == int(fires), key


def test_at_its_end_something_waits_for_somebody_and_something_is_silenced(whole: Reader) -> None:
    found = rows(whole, cells.ALERTS.name)
    since_ns = found[XID][cells.SINCE]
    assert found[XID][cells.STATE] == cells.FIRING
    assert isinstance(since_ns, int)
    assert 60 < story.PAST_S - (since_ns / S - EPOCH_S) < 600
    assert not found[XID][cells.ACK_BY]
    silenced = [row for row in found.values() if row[cells.SILENCE]]
    assert [row[cells.SILENCE] for row in silenced] == list(rows(whole, cells.SILENCES.name))


def test_what_people_did_was_about_alerts_that_fired(whole: Reader) -> None:
    told = events(whole)
    for deed in DEEDS:
        at_ns = (EPOCH_S + deed.second + 1) * S
        (done,) = [item for item in told if item.payload.get("by") == deed.by and item.time_ns == at_ns]
        assert done.type == ("silence.set" if deed.silence_s else "alert.acknowledged")
        before = [item.type for item in told if item.aggregate_id == deed.alert and item.time_ns < at_ns]
        assert [kind for kind in before if kind in ("alert.fired", "alert.resolved")][-1] == "alert.fired"


def test_the_score_falls_with_what_fires_and_is_in_the_ticks(whole: Reader) -> None:
    question = wire.Range(["wftop.health.score"], EPOCH_S * S, NOW.time_ns, story.PAST_S)
    reply = answer(whole, None, question)
    assert isinstance(reply, wire.RangeReply)
    score = unpack(reply.series[0].mean)
    start = story.FIRST_S + story.CYCLE_S
    assert score[start - 60] > score[start + story.FAULT_S + 20]
    assert rows(whole, SCORE.name)
    cost = answer(whole, None, wire.Range(["wftop.alerts.evaluation.duration"], 0, NOW.time_ns, 5))
    assert not isinstance(cost, wire.RangeReply) or not cost.series
    assert {row[cells.RULES.index("rule.cost")] for row in rows(whole, cells.RULES.name).values()} == {None}


def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    until_s = story.FIRST_S + 400
    one, other = written(tmp_path / "one", until_s), written(tmp_path / "other", until_s, Beside)

    def seen(reader: Reader) -> list[tuple[object, ...]]:
        return [(item.seq, item.time_ns, item.type, item.payload.get("message")) for item in events(reader)]

    assert seen(one) == seen(other)
    question = wire.Range(["hw.gpu.power", "wftop.health.score"], EPOCH_S * S, (EPOCH_S + until_s) * S, until_s)
    assert answer(one, None, question) == answer(other, None, question)
    for name in ("processes", "gpus", "servers", cells.RULES.name):
        left, right = one.table_of(name, until_s + 1), other.table_of(name, until_s + 1)
        assert left is not None
        assert right is not None
        assert left.rows == right.rows


def test_a_past_that_cannot_be_written_is_told_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / NAME).write_text("this is no journal" * 100, encoding="ascii")
    with pytest.raises(StoreError, match="past of the demo"), Beside(tmp_path, Script(EPOCH_S), NOW) as past:
        past.write(story.PAST_S)
    assert NAME in capfd.readouterr().err


def test_one_that_is_ended_midway_leaves_no_process(tmp_path: Path) -> None:
    past = Beside(tmp_path, Script(EPOCH_S), NOW)
    past.write(10)
    past.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with pytest.raises(ChildProcessError):
        os.waitpid(past._child, 0)
