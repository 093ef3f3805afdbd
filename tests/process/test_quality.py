"""wftop's own quality with a real recorder: a rule lowers it, its end brings it back, a person decides."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.alerted import alone, wftop, write
from tests.harness import Running, events, recorder, until
from wftui.client.queries import Connection
from wftui.errors import ProtocolError
from wftui.model.quality import CHOSEN, KEY, LEVEL, QUALITY, REASON, RULE, UNTIL
from wftui.model.table import Row
from wftui.paths import Places, places
from wftui.store import read
from wftui.wire import messages as m

CALM_S = 2
_SOON = (
    sys.executable,
    "-c",
    f"import sys; from wftui.recorder.alerting import quality; quality.CALM_S = {CALM_S}; "
    "from wftui.__main__ import main; sys.exit(main())",
)
"""``wftop`` whose quality comes back by one after two seconds of calm, not after sixty."""


def holds(name: str, level: int) -> dict[str, object]:
    """A rule that holds always."""
    condition = {"metric": "system.memory.utilization", "operator": ">", "value": 0}
    return {
        "id": f"rule.{name}",
        "version": "1.0",
        "name": name,
        "severity": "info",
        "category": "system",
        "conditions": {"when_all": [condition]},
        "adaptation": level,
    }


def row(where: Places) -> Row:
    with Connection(str(where.socket)) as connection:
        return connection.tables([QUALITY.name])[QUALITY.name][1][KEY]


def interval_s(running: Running, source: str) -> float:
    return next(item.interval_s for item in running.status().sources if item.source == source)


def firing(where: Places) -> set[str]:
    with Connection(str(where.socket)) as connection:
        return set(connection.tables(["alerts"])["alerts"][1])


@contextmanager
def quick() -> Iterator[Running]:
    with Running(program=_SOON) as running:
        yield running.ready()


def test_a_rule_that_holds_lowers_it_and_its_end_brings_it_back_by_steps() -> None:
    alone()
    write(holds("always", 1))
    with quick() as running:
        usual_s = interval_s(running, "sensors")
        found = until(lambda: held if (held := row(running.where))[LEVEL] == 1 else None, 20, "the least")
        assert (found[RULE], found[REASON], found[CHOSEN]) == ("rule.always", "rule.always fires", None)
        until(lambda: interval_s(running, "sensors") == 2 * usual_s, 5, "the slower source")
        assert interval_s(running, "cpu") <= 1.0, "what is quick stays quick"
        wftop("rules", "disable", "rule.always")
        until(lambda: row(running.where)[LEVEL] == 5, 30, "everything")
        assert interval_s(running, "sensors") == usual_s
        assert running.stop() == 0
        assert running.errors() == ""
    told = events(running.where, "quality.changed")
    assert [(item["before"], item["after"]) for item in told] == [(5, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    with read.open_reader(running.where.data_dir) as reader:
        assert "wftop.quality.level" in {item.series.text for item in reader.columns()}


def test_it_goes_on_after_a_kill_and_the_rule_is_not_told_again() -> None:
    alone()
    write(holds("always", 2))
    with recorder() as running:
        until(lambda: row(running.where)[LEVEL] == 2, 20, "the level")
        running.ticks(running.status().ticks + 4)  # a kill takes the last two seconds along
        running.process.kill()
    with recorder() as running:
        assert row(running.where)[LEVEL] == 2
        running.ticks(8)
        assert row(running.where)[LEVEL] == 2
        assert running.stop() == 0
    assert len(events(running.where, "quality.changed")) == 1


def test_a_person_chooses_over_the_wire_and_a_restart_keeps_the_choice() -> None:
    alone()
    write(holds("always", 3))
    with recorder() as running:
        until(lambda: row(running.where)[LEVEL] == 3, 20, "the level")
        with running.ask() as connection:
            with pytest.raises(ProtocolError, match="expected a level from 1 to 5, got 9"):
                connection.ask(m.SetQuality(9), m.Ok)
            connection.ask(m.SetQuality(5, 3600 * 10**9, "ann"), m.Ok)
        kept = row(running.where)
        assert (kept[LEVEL], kept[CHOSEN]) == (5, 5)
        assert running.stop() == 0
    with recorder() as running:
        assert row(running.where)[UNTIL] == kept[UNTIL]
        running.ticks(6)
        assert row(running.where)[LEVEL] == 5, "the rule fires and is passed over"
        with running.ask() as connection:
            connection.ask(m.SetQuality(None), m.Ok)
        assert row(running.where)[LEVEL] == 3
        assert running.stop() == 0
    told = events(running.where, "quality.changed")
    assert [(item["after"], item["reason"], item.get("by", "")) for item in told] == [
        (3, "rule.always fires", ""),
        (5, "chosen", "ann"),
        (3, "left to the alerts", ""),
    ]


def test_the_setting_switches_it_off() -> None:
    alone()
    where = places()
    where.config_file.write_text(where.config_file.read_text() + "adapt = false\n")
    write(holds("always", 1))
    with recorder() as running:
        until(lambda: "rule.always" in firing(where), 20, "the alert")
        running.ticks(running.status().ticks + 2)
        assert row(where)[LEVEL] == 5
        assert running.stop() == 0
    assert events(where, "quality.changed") == []


def test_the_command_says_what_is_so_and_takes_a_persons_word() -> None:
    alone()
    write(holds("always", 3))
    assert "no recorder answers" in wftop("quality", code=6)
    with recorder() as running:
        until(lambda: row(running.where)[LEVEL] == 3, 20, "the level")
        assert wftop("quality").startswith("quality 3/5, since 20")
        assert wftop("quality").endswith(", rule.always fires\n")
        for words, wrong in (
            (["6"], "from 1 to 5"),
            (["all"], "expected auto"),
            (["--for", "1h"], "--for goes with"),
            (["auto", "--for", "1h"], "--for goes with"),
            (["5", "--for", "0s"], "more than nothing"),
            (["5", "--for", "9000d"], "at most a year"),
        ):
            assert wrong in wftop("quality", *words, code=2)
        held = wftop("quality", "5", "--for", "2h")
        assert held.startswith("quality 5/5, chosen by ")
        assert ", alerts ask for 3" in held
        now = row(running.where)
        assert 7190e9 < float(now[UNTIL] or 0) - running.status().started_ns < 7260e9
        assert wftop("quality", "2").rstrip().endswith("until wftop quality auto, alerts ask for 3")
        assert "left to the alerts" in wftop("quality", "auto")
        assert "the alerts decide already" in wftop("quality", "auto", code=6)
        assert row(running.where)[LEVEL] == 3
        assert running.stop() == 0
