"""`wftop --once`: a calm report of what is known, JSON of all of it, from our own readings or a recorder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from wftui.model.health import Health
from wftui.model.processes import PROCESSES
from wftui.model.sample import Column, column
from wftui.model.streams import FRAMES, STREAMS
from wftui.render.report import State, plain, rates, report

HOSTILE = "\x1b]0;own\x07\u202eevil\n[red]" + "x" * 300


def state(**changes: Any) -> State:  # Any: fields of State
    """A state in which nothing is known, but for what is given."""
    empty = State(
        time_ns=1_790_000_000 * 10**9, host="box", program="1.2.3", recorder=None, values={}, rates={}, tables={},
        health=[], events=[],
    )  # fmt: skip
    return empty._replace(**changes)


def known(*pairs: tuple[Column, float]) -> dict[str, tuple[Column, float]]:
    return {item.series.text: (item, value) for item, value in pairs}


def lines(shown: State, width: int = 80) -> list[str]:
    return [line for section in report(shown, width) for line in section.lines]


def section(shown: State, title: str, width: int = 80) -> str:
    (found,) = [item for item in report(shown, width) if item.title.startswith(title)]
    return "\n".join(found.lines)


def test_nothing_known_is_never_zero() -> None:
    said = [line for item in report(state(), 80) if item.title != "wftop 1.2.3 on box" for line in item.lines]
    assert said
    assert not any(letter in "0123456789" for line in said for letter in line)
    assert all("-" in line for line in said if "PID" not in line)


def test_an_empty_section_says_why() -> None:
    shown = state(health=[Health("sensors", "absent", "no hwmon sensors", "modprobe coretemp")])
    assert section(shown, "Sensors") == "- no hwmon sensors"
    assert "sensors absent: no hwmon sensors; fix: modprobe coretemp" in section(shown, "Sources")


def test_numbers_come_as_text() -> None:
    cpu = column("cpu", "system.cpu.utilization", call="x")
    peak = column("cpu", "system.cpu.utilization", call="x", stat="max")
    user = column("cpu", "system.cpu.time", {"mode": "user"}, call="x")
    idle = column("cpu", "system.cpu.time", {"mode": "idle"}, call="x")
    limit = column("memory", "system.memory.limit", call="x")
    shown = state(
        values=known((cpu, 0.25), (peak, 0.75), (user, 9.0), (idle, 9.0), (limit, 2.0**34)),
        rates={user.series.text: 0.5, idle.series.text: 1.5},
    )
    assert "busy 25 % (peak 75 %)" in section(shown, "CPU")
    assert "idle 75 %, user 25 %" in section(shown, "CPU")
    assert "of 16.0 GiB" in section(shown, "Memory")


def test_rates_need_two_readings_and_no_reset() -> None:
    first, second = (column("d", "system.disk.io", {"device": name}, call="x") for name in ("a", "b"))
    gauge = column("c", "system.cpu.utilization", call="x")
    before = known((first, 100.0), (second, 100.0), (gauge, 1.0))
    assert rates(before, known((first, 150.0), (second, 20.0), (gauge, 2.0)).values(), 0.5) == {
        first.series.text: 100.0
    }
    assert rates(before, known((first, 150.0)).values(), 0.0) == {}
    assert rates({}, known((first, 150.0)).values(), 1.0) == {}


@pytest.mark.parametrize("width", [40, 80, 200])
def test_hostile_names_stay_in_their_line(width: int) -> None:
    row = (7, 1, 1, HOSTILE, HOSTILE, HOSTILE, "R", 0.5, 1024, 1, None, None, 0, HOSTILE)
    mount = column("mounts", "system.filesystem.limit", {"mount": "/" + HOSTILE[:80]}, call="x")
    shown = state(
        tables={"processes": (PROCESSES, {"7:1": row})}, values=known((mount, 5.0)), host=HOSTILE,
        health=[Health("x", "failed", HOSTILE, HOSTILE)],
    )  # fmt: skip
    for item in report(shown, width):
        assert item.title.isprintable()
        assert all(line.isprintable() for line in item.lines)
        assert all(plain(line).isascii() for line in item.lines)
    assert "evil" in section(shown, "Processes", 80)
    assert max(map(len, section(shown, "Processes", 80).splitlines())) <= 76


def run(*words: str, data: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "wftui", "--once", "--data-dir", str(data), *words]
    return subprocess.run(command, capture_output=True, timeout=30, check=False)


def test_without_a_recorder_nothing_is_written(tmp_path: Path) -> None:
    done = run(data=tmp_path / "fresh")
    assert done.returncode == 0, done.stderr
    shown = done.stdout.decode()
    assert "no recorder runs" in shown
    assert all(
        title in shown for title in ("CPU", "Memory", "Pressure", "Disks", "Network", "Processes", "Sources")
    )
    assert b"\x1b" not in done.stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert not (tmp_path / "fresh").exists()


def test_ascii_where_there_is_no_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    done = run(data=tmp_path / "fresh")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_json_holds_everything(tmp_path: Path) -> None:
    done = run("--json", data=tmp_path / "fresh")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1
    assert document["recorder"] is None
    series = {item["id"]: item for item in document["series"]}
    assert series["system.uptime"]["unit"] == "s"
    assert series["system.uptime"]["value"] > 0
    assert series['system.cpu.time{mode="user"}']["kind"] == "counter"
    assert any(item["rate"] is not None for item in series.values())
    names = [item["name"] for item in document["tables"]["processes"]["columns"]]
    assert names == [item.name for item in PROCESSES.columns]
    assert {item["source"] for item in document["health"]} >= {"cpu", "memory", "processes"}


def test_from_a_running_recorder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "wftui", "record", "--for", "25s", "--data-dir", str(data)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as recorder:
        try:
            document: dict[str, Any] = {"recorder": None}  # Any: JSON
            for _ in range(20):
                done = run("--json", data=data)
                assert done.returncode == 0, done.stderr
                document = json.loads(done.stdout)
                if document["recorder"] is not None and any(
                    item["rate"] is not None for item in document["series"]
                ):
                    break
                time.sleep(0.2)
            assert document["recorder"]["pid"] == recorder.pid
            assert any(item["rate"] is not None for item in document["series"])
            assert document["events"][0]["type"] == "recorder.started"
            assert b"recorder pid" in run(data=data).stdout
        finally:
            recorder.terminate()


def test_programs_that_draw_and_the_fidelity_of_views_have_their_lines() -> None:
    def told(name: str, value: float, **labels: str) -> tuple[Column, float]:
        return column("energy", name, labels, call="test"), value

    values = known(
        told("ux.frame.rate", 47.44, source="canvas", mode="10s"),
        told("ux.frame.p95", 0.0241, source="canvas", mode="10s"),
        told("ux.frame.rate", 0.0, source="editor", mode="10s"),
        told("wftop.fidelity.ratio", 0.62, view="2"),
        told("wftop.fidelity.lag", 0.18, view="2"),
    )
    frames = {"source:canvas": ("source:canvas", "render", None, None, 0.0102, None, None)}
    assert section(state(values=values, tables={"frames": (FRAMES, frames)}), "Frames").splitlines() == [
        "canvas       47.4 frames/s, p95 24.1 ms, jitter -, slow part: render",
        "editor       does not draw",
        "view 2       62 % of the energy seen, lag 180 ms",
    ]
    assert not [item for item in report(state(), 80) if item.title.startswith("Frames")]


def test_streams_of_tokens_have_their_lines() -> None:
    def told(name: str, value: float, **labels: str) -> tuple[Column, float]:
        return column("streams", name, labels, call="test"), value

    llama = {"source": "app", "model": "llama3"}
    values = known(
        told("ux.stream.energy", 0.914, **llama),
        told("ux.stream.rate", 24.02, **llama),
        told("ux.stream.certainty", 0.42, **llama),
        told("ux.stream.units", 1812.33, **llama),
        told("ux.stream.tokens", 2100, **llama),
        told("ux.stream.units", 12.0, server="127.0.0.1:8000"),
        told("ux.ensemble.energy", 0.914),
        told("ux.ensemble.disagreement", 0.31, mode="timing"),
    )
    rest = (None,) * 9
    rows = {
        "app||llama3": ("app", "", "llama3", "flowing", 0, "tokens", *rest),
        "|127.0.0.1:8000|": ("", "127.0.0.1:8000", "", "drained", 0, "counters", *rest),
    }
    assert section(state(values=values, tables={"streams": (STREAMS, rows)}), "Streams").splitlines() == [
        "llama3         flowing, E 0.91, 24.0 tok/s, 42 % sure, 1,812 EU, 2,100 tokens (app)",
        "127.0.0.1:8000 drained, 12.0 EU, - tokens, estimated from the server's counters",
        "together       E of those under way 0.91, disagreement by timing, estimated 0.31",
    ]
    assert not [item for item in report(state(), 80) if item.title.startswith("Streams")]
