"""`wftop rules test`: recorded seconds through the engine, from journal, segments and steps."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.every_tick import by_every_tick
from tests.past import close_hours, fill
from tests.recording import BYTES, CPU, PEAK, START_S, Recording
from wftui.alerts.rule import Absent, Action, All, Baseline, Condition, Query, Rule, Text, Threshold
from wftui.cli import rules, rules_test
from wftui.clock import NS_PER_S
from wftui.errors import NoDataError, UsageError
from wftui.history.replayed import Gap, Replayed, replayed
from wftui.model import servers
from wftui.model.table import keyframe
from wftui.store import journal, manifest
from wftui.store.archive import open_archive
from wftui.store.journal import Journal, StoredChange

HOUR = 3600


def rule(condition: Condition, **more: Any) -> Rule:
    return Rule("rule.it", condition, actions=(Action("command", command=("/bin/false",)),), **more)


def above(value: float, selector: str = CPU.series.name, **more: Any) -> Threshold:
    return Threshold(Query(selector, **more), ">", value)


def write(folder: Path, level: Callable[[int], float | None], seconds: int) -> None:
    """A journal of so many seconds; None: the second is missing."""
    with Recording(folder) as past:
        for second in range(seconds):
            value = level(second)
            if value is not None:
                past.tick(START_S + second, {CPU: value, BYTES: 500.0 * second})


def tried(folder: Path, *found: Rule, since: int = 0, until: int = 600) -> Replayed:
    with open_archive(folder) as archive:
        return replayed(archive, found, START_S + since, START_S + until)


def times(found: Replayed) -> list[tuple[int, int | None]]:
    """Of each firing of the one rule: seconds from the start to its begin and end."""
    [outcome] = found.outcomes
    return [
        (
            item.fired_ns // NS_PER_S - START_S,
            None if item.ended_ns is None else item.ended_ns // NS_PER_S - START_S,
        )
        for item in outcome.firings
    ]


def test_it_fires_when_it_would_have_fired(tmp_path: Path) -> None:
    write(tmp_path / "d", lambda second: 0.9 if 100 <= second < 160 or second >= 580 else 0.1, 600)
    found = tried(tmp_path / "d", rule(above(0.5), for_s=10, keep_firing_s=5))
    assert times(found) == [(111, 165), (591, None)]
    [outcome] = found.outcomes
    assert outcome.seconds == 600
    assert outcome.firing_s == 165 - 111 + 600 - 591 + 1
    assert [(item.value, item.threshold, item.labels) for item in outcome.firings] == [(0.9, 0.5, {})] * 2
    assert outcome.unknown == {}
    assert found.gaps == []


def test_windows_and_baselines_know_what_came_before(tmp_path: Path) -> None:
    write(tmp_path / "d", lambda second: 0.2 if second < 2 * HOUR else 0.6, 2 * HOUR + 600)
    window = rule(above(0.15, window_s=600, aggregation="avg"))
    assert times(tried(tmp_path / "d", window, since=HOUR, until=HOUR + 60)) == [(HOUR + 1, None)]
    unusual = rule(Baseline(Query(CPU.series.name), ">", 100, HOUR))
    found = tried(tmp_path / "d", unusual, since=2 * HOUR - 10, until=2 * HOUR + 60)
    assert times(found) == [(2 * HOUR + 1, None)]
    assert found.outcomes[0].unknown == {"warming up": 1}, "only until the past was asked"


def test_gaps_are_told_and_break_what_lasts(tmp_path: Path) -> None:
    write(tmp_path / "d", lambda second: None if 200 <= second < 260 else 0.9, 400)
    found = tried(tmp_path / "d", rule(above(0.5), for_s=30), since=190, until=600)
    assert times(found) == [(291, None)], "not across the gap"
    assert found.gaps == [Gap(START_S + 200, START_S + 260), Gap(START_S + 400, START_S + 600)]


def test_what_has_no_value_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "d", lambda second: math.nan if second < 50 else 0.9, 100)
    found = tried(tmp_path / "d", rule(above(0.5)), until=100)
    assert found.outcomes[0].unknown == {"no value": 50}
    none = tried(tmp_path / "d", rule(above(1, "hw.gpu.temperature")), until=100)
    assert none.outcomes[0].unknown == {"no series that it looks at is there": 100}
    assert times(none) == []


def test_states_of_servers_come_from_their_table(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    write(folder, lambda _: 0.1, 300)
    cells: list[Any] = [None] * len(servers.SERVERS.columns)
    cells[servers.ENDPOINT] = "http://127.0.0.1:1"
    made = Journal(folder / journal.NAME)
    for second, state in ((0, "ok"), (100, "failed"), (200, "ok")):
        cells[servers.STATE] = state
        change = keyframe(servers.SERVERS, (START_S + second) * NS_PER_S, {"http://127.0.0.1:1": tuple(cells)})
        made.write(changes=[StoredChange(second + 1, servers.SERVERS, change)])
    made.close()
    found = tried(folder, rule(Text("server.state", "==", "failed"), for_s=5), until=300)
    assert times(found) == [(106, 201)]
    assert found.outcomes[0].firings[0].labels == {"server": "http://127.0.0.1:1"}
    untold = tried(folder, rule(All((Text("source.state", "==", "failed"), above(0.0)))), until=300)
    assert untold.past.untold == ["source.state"]
    assert times(untold) == []


def test_sealed_hours_and_steps_of_ten_seconds(tmp_path: Path) -> None:
    """The load of the recording goes from 0 to 1 every 50 s: over 0.9 in five seconds of each."""
    folder = tmp_path / "d"
    folder.mkdir(mode=0o700)
    fill(folder)
    close_hours(folder)
    sharp = rule(above(0.89))
    whole = tried(folder, sharp, until=9000)
    assert times(whole) == [*((50 * lap + 46, 50 * lap + 51) for lap in range(179)), (8996, None)]
    assert whole.past.levels == []
    rates = tried(folder, rule(above(999.0, BYTES.series.text)), until=9000)
    assert rates.outcomes[0].firing_s >= 8990, "counters are rates"
    # The raw files go, as retention lets them go.
    known = manifest.load(folder)
    gone = [item for item in known.segments if item.kind == manifest.RAW and item.until_s <= START_S + 6400]
    assert gone
    kept = tuple(item for item in known.segments if item not in gone)
    manifest.save(folder, msgspec.structs.replace(known, segments=kept))
    coarse = tried(folder, rule(above(0.85)), until=9000)
    [level] = coarse.past.levels
    assert level.step_s == 10
    assert level.until_s - START_S >= 2800
    seams = range(level.until_s - START_S - 60, level.until_s - START_S + 60)
    for begin, end in times(coarse):
        if begin not in seams:
            first = 41 if START_S + begin < level.until_s else 44  # the step of 40 to 50 s has a mean of 0.89
            assert (begin % 50, (end or 1) % 50) == (first, 1)
    assert len(times(coarse)) in (179, 180, 181)
    assert coarse.outcomes[0].seconds == pytest.approx(9000, abs=10)


@pytest.mark.parametrize("closed", [False, True])
def test_reading_some_series_finds_what_reading_all_of_them_finds(tmp_path: Path, *, closed: bool) -> None:
    """In the journal and in segments: windows, rates, several labels, what is usual, and what is asked twice."""
    folder = tmp_path / "d"
    folder.mkdir(mode=0o700)
    fill(folder)
    if closed:
        close_hours(folder)
    tried = [
        rule(above(0.89), for_s=2),
        rule(above(0.5, window_s=60, aggregation="avg")),
        rule(above(0.9, window_s=30, aggregation="p95")),
        rule(above(999.0, BYTES.series.name)),
        rule(above(0.5, "system.*"), for_s=3),
        rule(Baseline(Query(CPU.series.name), ">", 90, HOUR), for_s=2),
        rule(All((above(0.5), Threshold(Query(PEAK.series.text), ">", 0.5)))),
        rule(Absent(BYTES.series.text, 1)),
    ]
    tried = [msgspec.structs.replace(item, id=f"rule.{place}") for place, item in enumerate(tried)]
    since_s, until_s = START_S + 600, START_S + 8900
    with open_archive(folder) as archive:
        fired = 0
        for some in (tried[:1], tried[1:3], tried):
            found = replayed(archive, some, since_s, until_s)
            expected = by_every_tick(archive, some, since_s, until_s)
            assert repr(found.outcomes) == repr(expected)
            again = replayed(archive, some, since_s, until_s, found.past)
            assert again.past is found.past
            assert repr(again.outcomes) == repr(expected)
            fired += sum(len(item.firings) for item in expected)
        assert fired > 500


def test_what_was_read_serves_other_numbers_of_the_same_series_only(tmp_path: Path) -> None:
    write(tmp_path / "d", lambda second: second / 600, 600)
    with open_archive(tmp_path / "d") as archive:
        first = replayed(archive, [rule(above(0.5))], START_S, START_S + 600)
        assert first.past.serves([rule(above(0.7, window_s=60), for_s=5)])
        assert not first.past.serves([rule(above(0.7, BYTES.series.name))])
        other = replayed(archive, [rule(above(0.25))], START_S, START_S + 600, first.past)
        assert times(other) == [(151 + 1, None)]
        wider = replayed(archive, [rule(above(400.0, BYTES.series.text))], START_S, START_S + 600, first.past)
        assert wider.past is not first.past
        assert times(wider) == [(2, None)]
    # Nothing is read any more: the files are closed.
    closed = replayed(archive, [rule(above(0.75))], START_S, START_S + 600, first.past)
    assert times(closed) == [(451 + 1, None)]


def test_the_command_tells_it_in_words_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now_s = int(time.time())
    folder = tmp_path / "d"
    with Recording(folder) as past:
        for second in range(now_s - 300, now_s):
            past.tick(second, {CPU: 0.9 if now_s - 200 <= second < now_s - 100 else 0.1})
    condition = {"metric": CPU.series.name, "operator": ">", "value": 50, "unit": "%"}
    document = {"id": "rule.own", "version": "1.0", "name": "Busy", "conditions": {"when_all": [condition]}}
    file = tmp_path / "own.json"
    file.write_text(json.dumps(document | {"enabled": False, "for": "10s"}))
    file.chmod(0o600)

    def run(*words: str, json: bool = False, since: str | None = None) -> tuple[int, str]:
        code = rules.main("test", list(words), since=since, json=json, data_dir=str(folder))
        return code, capsys.readouterr().out

    code, out = run(str(file), since="290s")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "rule.own  warning  Busy"
    assert "for 1 min" in lines[2]
    assert "90 %, limit 50 %" in lines[2]
    assert lines[3].startswith("    fired once in 4 min of recorded time, ")
    code, out = run(str(file), json=True, since="290s")
    [found] = json.loads(out)["rules"]
    assert (code, found["id"], len(found["firings"]), found["firing_s"]) == (0, "rule.own", 1, 90)
    assert found["firings"][0]["ended_ns"] - found["firings"][0]["fired_ns"] == 90 * NS_PER_S
    code, out = run("cpu-pressure")
    assert code == 0
    assert "not known for 5 min: no series that it looks at is there" in out
    file.write_text('{"id": "rule.own"')
    code, out = run(str(file))
    assert code == 1
    assert "own.json" in out
    for wrong in ("40d", "then"):
        with pytest.raises(UsageError):
            run("cpu-pressure", since=wrong)
    with pytest.raises(UsageError, match="goes with test"):
        rules.main("list", [], since="1h", data_dir=str(folder))
    with pytest.raises(NoDataError):
        rules_test.main(["cpu-pressure"], data_dir=str(tmp_path / "none"))
