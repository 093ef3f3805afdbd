"""Numbers of a rule through a real recorder: told, tried over what was recorded, written, in force, in history."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.alerted import alone, rule, rule_row, wftop, write
from tests.harness import View, events, recorder, until
from tests.recording import CPU, Recording
from wftui.alerts import store
from wftui.errors import ProtocolError
from wftui.model import alerts as cells
from wftui.paths import places
from wftui.wire import messages as m

CONDITION, FILE = cells.RULES.index("rule.condition"), cells.RULES.index("rule.file")
VALUE = ("conditions", "when_all", 0, "value")


def busy(value: float = 0.5) -> dict[str, object]:
    condition = {"metric": CPU.series.name, "operator": ">", "value": value, "_why": "half of it"}
    return {**rule("busy", conditions={"when_all": [condition]}), "for": "10s"}


def recorded(hours: float = 2) -> int:
    """A past in which the load is 0.9 for a minute of each quarter of an hour, and 0.6 for another; its begin."""
    now_s = int(time.time())
    begin = now_s - int(hours * 3600)
    with Recording(places().data_dir) as past:
        for second in range(begin, now_s):
            at = (second - begin) % 900
            past.tick(second, {CPU: 0.9 if at < 60 else 0.6 if 300 <= at < 360 else 0.1})
    return begin


def test_numbers_are_told_tried_and_written() -> None:
    alone()
    write(busy(), rule("other"))
    [path] = store.own_folder(places()).iterdir()
    recorded()
    with recorder() as running, View(running.where) as view, running.ask() as connection:
        until(lambda: rule_row(running.where, "busy")[CONDITION], 20, "the rule")
        told = connection.ask(m.RuleNumbers("rule.busy"), m.RuleNumbersReply)
        assert [(item.field, item.text, item.shipped) for item in told.numbers] == [
            ("value", "0.5", None),
            ("for", "10s", None),
        ]
        assert (told.file, told.builtin, told.replaces) == (str(path), False, False)
        higher = [m.NewNumber(VALUE, "0.8")]
        tried = connection.ask(m.PreviewRule("rule.busy", higher), m.ReplayRulesReply)
        now, then = tried.rules
        assert tried.until_s - tried.since_s == 86_400
        assert (now.count, then.count) in ((16, 8), (17, 9)), "each quarter of an hour twice, and once"
        assert now.firing_s > 1.9 * then.firing_s > 0
        assert tried.gaps[0][0] == tried.since_s, "before the recording"
        assert 7100 <= then.seconds <= 7300
        assert all(until_s - since_s == 50 for since_s, until_s in then.spans[1:-1])
        for text, words in (("high", "value: expected a number, got 'high'"), ("", "got ''")):
            with pytest.raises(ProtocolError, match=words):
                connection.ask(m.PreviewRule("rule.busy", [m.NewNumber(VALUE, text)]), m.ReplayRulesReply)
        with pytest.raises(ProtocolError, match="there is none of that id"):
            connection.ask(m.ChangeRule("rule.nobody", higher), m.ChangeRuleReply)
        with pytest.raises(ProtocolError, match="no number is another"):
            connection.ask(m.ChangeRule("rule.busy", []), m.ChangeRuleReply)
        before = path.read_text()
        done = connection.ask(m.ChangeRule("rule.busy", higher, "ana"), m.ChangeRuleReply)
        assert done == m.ChangeRuleReply(str(path), created=False, removed=False)
        assert path.read_text() == before.replace("0.5", "0.8"), "nothing else is another"
        until(lambda: "> 80 %" in str(rule_row(running.where, "busy")[CONDITION]), 4, "the new number in force")
        heard = next(
            item.event
            for item in view.messages()
            if isinstance(item, m.EventArrived) and item.event.type == "rule.changed"
        )
        assert heard.aggregate_id == "rule.busy"
        assert heard.payload["by"] == "ana"
        assert (heard.payload["before"], heard.payload["after"]) == (
            "system.cpu.utilization > 50 % for 10s",
            "system.cpu.utilization > 80 % for 10s",
        )
        assert heard.payload["changes"] == [
            {"field": "conditions.when_all[0].value", "before": "0.5", "after": "0.8", "unit": ""}
        ]
        assert running.stop() == 0
        assert running.errors() == ""
    [stored] = json.loads(wftop("alerts", "history", "--rule", "busy", "--json"))["events"]
    assert stored["type"] == "rule.changed"


def test_a_built_in_rule_is_copied_and_comes_back() -> None:
    name = "rule.memory-low"
    alone(name)
    with recorder() as running, running.ask() as connection:
        until(lambda: rule_row(running.where, "memory-low")[CONDITION], 20, "the rule")
        copy = store.own_folder(running.where) / "memory-low.json"
        change = m.ChangeRule(name, [m.NewNumber(VALUE, "97"), m.NewNumber(("for",), "5m")])
        done = connection.ask(change, m.ChangeRuleReply)
        assert done == m.ChangeRuleReply(str(copy), created=True, removed=False)
        until(lambda: rule_row(running.where, "memory-low")[FILE] == str(copy), 4, "the copy in force")
        condition = str(rule_row(running.where, "memory-low")[CONDITION])
        assert "> 97 %" in condition
        assert condition.endswith(" for 5m")
        told = connection.ask(m.RuleNumbers(name), m.RuleNumbersReply)
        assert told.replaces
        shipped = [m.NewNumber(item.path, str(item.shipped)) for item in told.numbers]
        assert connection.ask(m.ChangeRule(name, shipped), m.ChangeRuleReply).removed
        assert not copy.exists()
        until(lambda: rule_row(running.where, "memory-low")[FILE] != str(copy), 4, "what ships")
        assert len(events(running.where, "rule.changed")) == 2
        folder = copy.parent
        folder.chmod(0o500)
        try:
            if not _writes(folder):
                with pytest.raises(ProtocolError, match=r"memory-low\.json: cannot be written: Permission denied"):
                    connection.ask(change, m.ChangeRuleReply)
        finally:
            folder.chmod(0o700)
        assert not copy.exists()
        assert running.stop() == 0
        assert running.errors() == ""


def _writes(folder: Path) -> bool:
    """Whether the folder's mode keeps nobody out: root."""
    try:
        (folder / ".try").touch()
    except PermissionError:
        return False
    (folder / ".try").unlink()
    return True
