"""One program that pushes is switched off and on, as any source, with a real recorder."""

from __future__ import annotations

import json
import subprocess

from tests.harness import ROOT, command, environment, events, recorder, until
from tests.process.test_push import Program, done, told
from wftui.model.health import Health
from wftui.wire import messages as m

LOUD, CALM = 'custom.loud.x{source="loud"}', 'custom.calm.x{source="calm"}'
GAUGE = {"name": "x", "value": 3}


def wftop(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )


def listed() -> dict[str, str]:
    found = json.loads(wftop("sources", "list", "--json").stdout)["sources"]
    return {item["source"]: f"{item['state']}: {item['reason']} {item['fix']}".strip() for item in found}


def test_off_is_refused_by_name_silent_at_once_and_off_after_the_next_start() -> None:
    with recorder() as running, Program() as program:
        for source in ("loud", "calm"):
            assert program.native(GAUGE, done(), source=source)["accepted"] == 2
        assert listed()["push:loud"].startswith("ok:")
        switched = wftop("sources", "off", "push:loud")
        assert (switched.returncode, switched.stderr) == (0, "")
        assert listed()["push:loud"] == "off: switched off by wftop sources wftop sources on push:loud"
        seen = running.status().ticks
        reply = program.native(GAUGE, done(), source="loud")
        why = "push:loud is switched off; wftop sources on push:loud"
        assert reply == {"accepted": 0, "rejected": [{"reason": why}]}
        refused = wftop("push", "x", "4", "--source", "loud")
        assert refused.returncode == 1
        assert why in refused.stderr
        for _ in range(2):
            assert program.native(GAUGE, source="calm")["accepted"] == 1
            seen = running.ticks(seen + 1).ticks
        running.ticks(seen + 1)
        assert running.stop() == 0
        assert events(running.where, "source.state")[-1]["after"] == "off"
        *before, last = told(running.where)
        assert CALM in last
        assert LOUD not in last
        assert 'custom.loud.done{source="loud"}' not in last
        assert last['wftop.push.rejected{source="push:loud"}'] == 3
    assert listed()["push:loud"].startswith("off: switched off by the setting sources.disabled")
    with recorder() as running, Program() as program:
        assert listed()["push:loud"].startswith("off: switched off by the setting sources.disabled")
        assert program.native(GAUGE, source="loud")["accepted"] == 0
        assert program.native(GAUGE, source="calm")["accepted"] == 1
        assert wftop("sources", "on", "push:loud").returncode == 0
        assert program.native(GAUGE, source="loud")["accepted"] == 1
        assert listed()["push:loud"].startswith("ok:")
        running.ticks(running.status().ticks + 2)
        assert running.stop() == 0
        assert any(LOUD in tick for tick in told(running.where)[len(before) + 1 :])
    with recorder(), Program() as program:
        assert program.native(GAUGE, source="loud")["accepted"] == 1


def test_without_a_recorder_it_is_written_down_for_the_next() -> None:
    assert wftop("sources", "off", "push:model:a b").returncode == 0
    assert listed()["push:model:a b"].endswith("wftop sources on 'push:model:a b'")
    wrong = wftop("sources", "off", "push:custom:x")
    assert wrong.returncode != 0
    assert "did you mean push:x?" in wrong.stderr
    with recorder(), Program() as program:
        assert program.native(GAUGE, source="model:a b")["accepted"] == 0
        assert program.native(GAUGE, source="a b")["accepted"] == 1


def test_a_view_switches_it_as_any_source() -> None:
    with recorder() as running, Program() as program:
        program.native(GAUGE, source="loud")

        def row() -> Health:
            [found] = [item for item in running.status().sources if item.source == "push:loud"]
            return found

        with running.ask() as connection:
            connection.ask(m.SetSource("push:loud", False), m.Ok)
            assert (row().state, row().fix) == ("off", "wftop sources on push:loud")
            connection.ask(m.SetSource("push:loud", True), m.Ok)
        until(lambda: row().state != "off", what="its being on")
        assert program.native(GAUGE, source="loud")["accepted"] == 1
