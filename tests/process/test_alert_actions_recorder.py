"""Actions of a real recorder: from a pushed figure with an odd name to a program's standard input and a socket."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.alerted import Pusher, alone, rule, told, write
from tests.harness import View, environment, events, recorder, until
from tests.process.test_alert_actions_command import alive, pid_in
from tests.process.test_alert_actions_webhook import hook
from tests.process.test_push import Program

ODD = "$(touch x) `touch y`; {value} \u20ac"
KEY = f'rule.level{{model="{ODD}",source="t"}}'
SWITCHED_ON = {"WFTOP_ALERTS_COMMANDS": "true", "HF_TOKEN": "canary-in-the-environment"}
OWN = {"type", "event_id", "time_ns"}
"""What bodies say beside the payload."""


class Odd(Pusher):
    """Pushes it with a label that a shell would like."""

    def _run(self) -> None:
        # The recorder may end first.
        with suppress(OSError, AssertionError), Program() as program:
            while not self._ends.wait(0.1):
                program.native({"name": "level", "value": self.level, "labels": {"model": ODD}})


def acted(where: Any, count: int) -> list[dict[str, Any]]:
    """Payloads of the first so many events about actions."""
    found: list[dict[str, Any]] = until(
        lambda: kept if len(kept := events(where, "alert.action")) >= count else None,
        15,
        "what became of the actions",
    )
    return found


def test_what_fires_reaches_program_and_socket_unchanged_and_nothing_is_executed(tmp_path: Path) -> None:
    alone()
    out = tmp_path / "out"
    script = "cat > $0; env >&2; echo run"
    with hook(200) as server:
        hooked = {"type": "webhook.local", "url": server.url}
        program = {"type": "command", "command": ["sh", "-c", script, str(out)]}
        advice = {"type": "suggest.mitigation", "message": "rest {model}"}
        write(rule(actions=[{"type": "log.audit"}, hooked, program, advice]))
        with recorder(env=SWITCHED_ON) as running, View(running.where) as view, Odd() as pusher:
            pusher.level = 80.0
            event = told(view, "alert.fired", KEY)
            actions = {item["action"]: item for item in acted(running.where, 3)}
            pusher.level = 0.0
            over = told(view, "alert.resolved", KEY)
            acted(running.where, 5)
            assert running.stop() == 0
            assert running.errors() == ""
    assert event.payload["labels"]["model"] == ODD
    assert event.payload["suggestions"] == [{"type": "suggest.mitigation", "message": f"rest {ODD}"}]
    assert [item["done"] for item in actions.values()] == [True] * 3
    assert {item["event"] for item in actions.values()} == {event.event_id}
    said = json.loads(out.read_bytes())
    assert {key: said[key] for key in said.keys() - OWN} == event.payload
    assert (said["type"], said["event_id"]) == ("alert.fired", event.event_id)
    bodies = [json.loads(body) for _, _, body in server.got]
    assert bodies[0] == said
    assert [body["type"] for body in bodies] == ["alert.fired", "alert.resolved"]
    assert bodies[1]["event_id"] == over.event_id
    kept = events(running.where, "alert.action")
    assert [item["action"] for item in kept].count("command") == 1, "not when it is over"
    log = running.where.state_dir / "wftop.log"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    [heard] = [line for line in lines if line["message"] == "a command said something"]
    assert heard["output"].endswith("run\\x0a")
    assert "PATH=" in heard["output"]
    assert "canary" not in log.read_text()
    places = [tmp_path, Path(environment()["HOME"]), Path.cwd()]
    assert not [place / name for place in places for name in ("x", "y") if (place / name).exists()]


def test_a_command_is_not_run_unless_it_is_switched_on(tmp_path: Path) -> None:
    alone()
    write(rule(actions=[{"type": "command", "command": ["touch", str(tmp_path / "ran")]}]))
    with recorder() as running, View(running.where) as view, Pusher() as pusher:
        pusher.level = 80.0
        told(view, "alert.fired")
        [item] = acted(running.where, 1)
        assert item["reason"] == "commands are switched off (alerts.commands)"
        assert running.stop() == 0
    assert not (tmp_path / "ran").exists()


def test_a_recorder_that_ends_waits_for_no_action(tmp_path: Path) -> None:
    alone()
    file = tmp_path / "pid"
    hanging = {"type": "command", "command": ["sh", "-c", f"echo $$ > {file}; exec sleep 100"]}
    with hook(0) as server:
        write(rule(actions=[hanging, {"type": "webhook.local", "url": server.url}]))
        with recorder(env=SWITCHED_ON) as running, View(running.where) as view, Pusher() as pusher:
            pusher.level = 80.0
            told(view, "alert.fired")
            pid = pid_in(file)
            until(lambda: server.got, 5, "the webhook")
            began = time.monotonic()
            assert running.stop() == 0
            assert time.monotonic() - began < 2
            until(lambda: not alive(pid), what="the command's end")
            assert running.errors() == ""


def test_seconds_go_on_while_actions_hang() -> None:
    alone()
    hangs = {"type": "command", "command": ["sh", "-c", "exec yes"]}
    with hook(0) as server:
        names = [f"level{number}" for number in range(6)]
        hooked = {"type": "webhook.local", "url": server.url}
        write(*(rule(name, actions=[hangs, hooked]) for name in names))
        with recorder(env=SWITCHED_ON) as running, View(running.where) as view, Pusher() as pusher:
            running.ticks(2)
            pusher.level = 80.0
            told(view, "alert.fired", 'rule.level5{source="t"}')
            until(lambda: len(server.got) >= len(names), 10, "the webhooks")
            began, before = time.monotonic(), running.status().ticks
            running.ticks(before + 4)
            assert time.monotonic() - began < 6
            assert running.stop() == 0
