"""Command hooks as real processes: their input, output, end, deadline and environment."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from tests.harness import until
from wftui.alerts import load
from wftui.recorder.alerting.actions_command import OUTPUT, Command, environment
from wftui.recorder.alerting.actions_outcome import Outcome


def run(*argv: str, body: bytes = b"{}", deadline_s: float = 20.0) -> tuple[Outcome, bytes]:
    command = Command(argv, body, deadline_s)
    outcome = command.carry_out()
    return outcome, command.output


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def pid_in(file: Path) -> int:
    return until(lambda: int(file.read_text() or 0) if file.exists() else 0, what="the pid")


def test_its_input_arrives_unchanged(tmp_path: Path) -> None:
    said = json.dumps({"labels": {"model": "$(touch x) `touch y`; \u00e9 \0 ' \""}, "pad": "p" * 300_000}).encode()
    outcome, _ = run("sh", "-c", f"cat > {tmp_path}/got", body=said)
    assert not outcome.reason
    assert (tmp_path / "got").read_bytes() == said


def test_nothing_is_expanded_in_arguments() -> None:
    odd = ("$(touch x)", "{value}", "*", ";touch y", "a b", "${HOME}")
    told = run(sys.executable, "-c", "import sys; print(sys.argv[1:])", *odd)
    assert told == (Outcome("", "code 0", 1), f"{list(odd)}\n".encode())
    assert not {"x", "y"} & set(os.listdir(os.environ["HOME"]))  # noqa: PTH208  names are all that matters


def test_a_rule_gives_its_arguments_as_they_stand() -> None:
    argv = ["sh", "-c", "printf 'a\tb\n' # \u202e\nexit 5", "\x1b"]
    condition = {"metric": "system.cpu.utilization", "operator": ">", "value": 0.9}
    rule: dict[str, object] = {"id": "rule.x", "conditions": {"when_all": [condition]}}
    rule["actions"] = [{"type": "command", "command": argv}]
    found = load.examine(json.dumps(rule).encode(), "x.json")
    assert found.mistakes == ()
    assert list(found.rules[0].actions[0].command) == argv
    assert run(*argv) == (Outcome("ended with code 5", tries=1), b"a\tb\n")


def test_how_it_ended() -> None:
    assert run("true")[0] == Outcome("", "code 0", 1)
    assert run("sh", "-c", "exit 7")[0].reason == "ended with code 7"
    assert run("sh", "-c", "kill -9 $$")[0].reason == "ended by signal 9"


def test_one_that_is_not_there_or_may_not_be_run(tmp_path: Path) -> None:
    assert "No such file" in run(str(tmp_path / "none"))[0].reason
    plain = tmp_path / "plain"
    plain.write_text("echo hi")
    assert "could not be started: Permission denied" in run(str(plain))[0].reason
    assert "could not be started" in run("a\0b")[0].reason


def test_one_that_does_not_read_does_no_harm() -> None:
    assert run("true", body=b"x" * 1_000_000)[0].detail == "code 0"


def test_of_a_flood_little_is_kept_and_it_ends_in_time() -> None:
    began, cpu = time.monotonic(), time.process_time()
    outcome, output = run("yes", deadline_s=1.0)
    assert outcome.reason == "not done within 1 s, killed"
    assert output == b"y\n" * (OUTPUT // 2)
    assert time.monotonic() - began < 5
    assert time.process_time() - cpu < 0.5


def test_one_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    # Both ignore what could be ignored.
    script = f"trap '' TERM INT HUP; sh -c \"trap '' TERM; sleep 100\" & echo $! > {file}; wait"
    outcome, _ = run("sh", "-c", script, deadline_s=0.5)
    assert outcome.reason == "not done within 0.5 s, killed"
    child = pid_in(file)
    until(lambda: not alive(child), what="the end of what it had started")


def test_what_it_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    began = time.monotonic()
    outcome, output = run("sh", "-c", f"sleep 100 & echo $! > {file}; echo done")
    assert (outcome.detail, output) == ("code 0", b"done\n")
    assert time.monotonic() - began < 10
    until(lambda: not alive(pid_in(file)), what="the end of what it left behind")


def test_one_that_closes_its_pipes_is_waited_for() -> None:
    began = time.monotonic()
    assert run("sh", "-c", "exec <&- >&- 2>&-; sleep 0.4; exit 3")[0].reason == "ended with code 3"
    assert time.monotonic() - began >= 0.4


def test_it_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "canary-1")
    monkeypatch.setenv("SOMETHING_ELSE", "canary-2")
    monkeypatch.setenv("LC_TIME", "C")
    _, output = run("env")
    assert b"canary" not in output
    assert b"LC_TIME=C" in output
    assert b"PATH=" in output
    assert environment({"OPENAI_API_KEY": "x", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_it_has_a_session_of_its_own_and_none_of_our_files(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        script = "import os; print(os.getsid(0) == os.getpid(), sorted(os.listdir('/proc/self/fd'))[:4])"
        _, output = run(sys.executable, "-c", script)
    assert output.startswith(b"True ['0', '1', '2', '3']")  # 3 is the folder that it lists


def test_where_a_process_cannot_be_looked_at_without_reaping_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "waitid")
    assert run("sh", "-c", "cat; exit 4", body=b"hi") == (Outcome("ended with code 4", tries=1), b"hi")


def test_cancelled_it_is_killed_at_once(tmp_path: Path) -> None:
    file = tmp_path / "pid"

    async def cancelled() -> float:
        task = asyncio.create_task(Command(("sh", "-c", f"echo $$ > {file}; exec sleep 100"), b"").run())
        await asyncio.to_thread(pid_in, file)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(cancelled()) < 5
    until(lambda: not alive(pid_in(file)), what="its end")


def test_the_loop_goes_on_meanwhile() -> None:
    async def both() -> tuple[Outcome, int]:
        task = asyncio.create_task(Command(("sh", "-c", "cat; sleep 0.5"), b"{}").run())
        turns = 0
        while not task.done():
            await asyncio.sleep(0.01)
            turns += 1
        return task.result(), turns

    outcome, turns = asyncio.run(both())
    assert outcome.detail == "code 0"
    assert turns > 10
