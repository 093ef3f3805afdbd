"""Rules over many seconds at once find what the engine finds that looks at each: over random pasts."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterator
from itertools import groupby

import numpy as np
import pytest

from tests.unit.alerts.machine import column
from wftui.alerts import rule as rules
from wftui.alerts.replay import Outcome, Replay
from wftui.alerts.rule import Aggregation, All, Condition, Escalation, Not, Operator, Query, Rule, Threshold
from wftui.clock import NS_PER_S
from wftui.history.judged import Judged, judgeable
from wftui.history.moments import Timeline
from wftui.model.sample import Column
from wftui.model.tick import Layout, Tick, pack
from wftui.names import COUNTER
from wftui.store.cuts import Cut, Lead

START_S = 1_700_000_000
LOAD = column("system.cpu.utilization")
CORES = [column(f'system.cpu.logical.utilization{{cpu="{number}"}}') for number in range(3)]
READ = [column(f'system.disk.io{{device="{name}",direction="read"}}', COUNTER) for name in ("a", "b")]
SPREAD = [column(f'gen_ai.server.request.duration{{stat="{stat}"}}') for stat in ("count", "sum")]
COLUMNS = (LOAD, *CORES, *READ, *SPREAD)
Ticks = list[tuple[Tick, Layout]]

OPERATORS: tuple[Operator, ...] = (">", ">=", "<", "<=", "==", "!=")
AGGREGATIONS: tuple[Aggregation, ...] = ("avg", "sum", "count", "last")
SELECTORS = (
    LOAD.series.name,
    CORES[0].series.name,
    READ[0].series.name,
    "system.cpu*",
    'system.disk.io{device="a",direction="read"}',
    SPREAD[0].series.text,
    "hw.temperature",
)
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
WORSE = (Escalation("critical", after_s=4),), (Escalation("error", after_count=2),)


def a_past(chance: random.Random) -> Ticks:
    """Minutes with all that befalls a recording: values that stay, jump and are missing, counters that begin anew,
    other layouts, gaps, restarts, a clock that is set."""
    found: Ticks = []
    layouts: dict[tuple[Column, ...], Layout] = {}
    time_s, at_ns, boot = START_S, chance.randint(1, 10**6) * NS_PER_S, 1
    values = dict.fromkeys(COLUMNS, 0.0)
    there = COLUMNS
    restless = chance.choice([0.02, 0.1, 0.4])
    for _ in range(chance.randint(1, 12)):
        what = chance.choice(["on", "gap", "boot", "step", "layout", "layout"])
        if what == "gap":
            seconds = chance.choice([1, 2, 15, 60, 400])
            time_s, at_ns = time_s + seconds, at_ns + seconds * NS_PER_S
        elif what == "boot":
            time_s, at_ns, boot = time_s + chance.randint(-5, 60), chance.randint(1, 100) * NS_PER_S, boot + 1
        elif what == "step":
            time_s += chance.randint(-20, 20)
        elif what == "layout":
            there = tuple(item for item in COLUMNS if chance.random() < 0.8)
        layout = layouts.setdefault(there, Layout(len(layouts) + 1, there))
        for _ in range(chance.choice([1, 5, 60, 200])):
            for item in COLUMNS:
                if chance.random() < restless:
                    values[item] = chance.choice(LEVELS) + chance.choice([0.0, 0.0, 0.01, 1e-9])
                    if chance.random() < 0.1:
                        values[item] = chance.choice([math.nan, math.nan, math.inf, 1e101])
                elif item.kind == COUNTER:
                    values[item] += chance.choice([0.0, 0.25, 0.5, 0.1, 1.0])
            row = array("d", [values[item] for item in there])
            found.append((Tick(len(found) + 1, time_s, at_ns, boot, layout.id, pack(row)), layout))
            time_s += 1
            at_ns += (
                NS_PER_S // 2 if chance.random() < 0.01 else NS_PER_S + chance.choice([0, -(10**6), 15 * 10**5])
            )
    return found


def a_threshold(chance: random.Random) -> Threshold:
    per = chance.choice(["", "", "", LOAD.series.name, SPREAD[1].series.text])
    query = Query(chance.choice(SELECTORS), "last", 0, per)
    if chance.random() < 0.4:
        query = Query(query.selector, chance.choice(AGGREGATIONS), chance.choice([1, 2, 7, 60]), per)
    value = chance.choice(LEVELS)
    operator = chance.choice(OPERATORS)
    clear = value + chance.choice([0.25, 0.5]) * (1 if operator in ("<", "<=") else -1)
    return Threshold(query, operator, value, chance.choice([None, clear]))


def a_condition(chance: random.Random) -> Condition:
    if chance.random() < 0.4:
        return a_threshold(chance)
    parts = tuple(a_threshold(chance) for _ in range(chance.randint(1, 3)))
    joined: Condition = chance.choice((All(parts), rules.Any(parts), rules.Any(parts), Not(parts[0])))
    deeper: Condition = chance.choice((All((joined, a_threshold(chance))), rules.Any((joined, parts[0]))))
    return joined if chance.random() < 0.5 else deeper


def a_rule(chance: random.Random) -> Rule:
    return Rule(
        "rule.it",
        a_condition(chance),
        for_s=chance.choice([0.0, 0.0, 2.0, 15.0]),
        keep_firing_s=chance.choice([0.0, 0.0, 3.0]),
        manual=chance.random() < 0.2,
        escalations=chance.choice([(), (), (), *WORSE]),
    )


def stepped(past: Ticks, rule: Rule, since_s: int) -> Outcome:
    """The engine, second by second."""
    replay = Replay([rule])
    for tick, layout in past:
        (replay.second if tick.time_s >= since_s else replay.warm)(tick, layout)
    replay.finish()
    return replay.outcomes[rule.id]


def cuts(past: Ticks, longest: int) -> Iterator[Cut]:
    """The same as matrices of at most so many ticks."""
    for _, group in groupby(enumerate(past), key=lambda item: (item[1][0].layout, item[0] // longest)):
        found = [item for _, item in group]
        layout = found[0][1]
        lead = np.array(
            [(tick.seq, tick.time_s, tick.boottime_ns, tick.boot) for tick, _ in found], dtype=np.int64
        )
        values = np.frombuffer(b"".join(tick.values for tick, _ in found)).reshape(len(found), len(layout.columns))
        yield Cut(layout, Lead(*lead.T), values)


def at_once(past: Ticks, rule: Rule, since_s: int, longest: int) -> Outcome:
    judged, timeline = Judged(rule), Timeline(since_s)
    for cut in cuts(past, longest):
        for part in timeline.parts(cut.lead):
            judged.take(cut.layout, cut.values[part], timeline.take(cut.lead.part(part)))
    return judged.finish()


def same(one: Outcome, other: Outcome) -> None:
    """Equal, NaN included."""
    assert repr(one) == repr(other)


@pytest.mark.parametrize("seed", range(40))
def test_it_finds_what_the_engine_finds(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  the same in each run
    fired = 0
    for _ in range(5):
        past = a_past(chance)
        since_s = START_S + chance.choice([-5, 0, 30, 200])
        longest = chance.choice([1, 3, 50, 5000])
        for _ in range(5):
            rule = a_rule(chance)
            assert judgeable(rule)
            found = stepped(past, rule, since_s)
            fired += len(found.firings)
            same(at_once(past, rule, since_s, longest), found)
    assert fired


def test_what_remembers_more_is_left_to_the_engine() -> None:
    query = Query(LOAD.series.name)
    assert not judgeable(Rule("rule.it", Threshold(query, ">", 0.5, often=(3, 60))))
    assert not judgeable(Rule("rule.it", Threshold(Query(LOAD.series.name, "p95", 60), ">", 0.5)))
    assert not judgeable(Rule("rule.it", All((Threshold(query, ">", 0.5), rules.Absent(LOAD.series.name, 60)))))
    assert not judgeable(Rule("rule.it", Not(rules.Text("server.state", "==", "ok"))))
    assert not judgeable(Rule("rule.it", rules.Baseline(query, ">", 50, 3600)))
