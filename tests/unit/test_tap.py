"""The tap: JSON lines of ticks and events, rotated, and nothing of processes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import msgspec

from tests.records import LAYOUT, fact, tick
from wftui.recorder.tap import Tap


def lines(path: Path) -> list[dict[str, object]]:
    """What was written."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_ticks_and_events(tmp_path: Path) -> None:
    tap = Tap(tmp_path / "deep" / "tap.jsonl", 1 << 20, 3, 30)
    tap.put((tick(7, 1_790_000_000, (1.5, math.nan)), LAYOUT))
    tap.put(fact(3, 1_790_000_001 * 10**9))
    tap.close()
    first, second = lines(tap.path)
    assert first == {
        "type": "tick",
        "time": "2026-09-21T14:13:20Z",
        "time_ns": 1_790_000_000_000_000_000,
        "seq": 7,
        "values": {
            "system.memory.usage": 1.5,
            'system.network.io{device="eth0",direction="receive"}': None,
        },
    }
    assert (second["type"], second["event"], second["seq"]) == ("event", "recorder.started", 3)
    assert tap.path.stat().st_mode & 0o777 == 0o600
    assert tap.dropped == 0


def test_what_happened_to_a_process_is_told_in_numbers(tmp_path: Path) -> None:
    tap = Tap(tmp_path / "tap.jsonl", 1 << 20, 3, 30)
    about = msgspec.structs.replace(
        fact(1, kind="process.oom_killed"),
        aggregate_type="process",
        aggregate_id="12:34",
        payload={"count": 1, "likely": "canary-name", "pid": 12},
    )
    tap.put(about)
    tap.close()
    assert lines(tap.path)[0]["payload"] == {"count": 1, "pid": 12}
    assert "canary" not in tap.path.read_text()


def test_files_are_rotated(tmp_path: Path) -> None:
    folder = tmp_path / "taps"
    tap = Tap(folder / "tap.jsonl", 1_000, 3, 30)
    for number in range(40):
        tap.put((tick(number, number), LAYOUT))
    tap.close()
    files = sorted(path.name for path in folder.iterdir())
    assert files == ["tap.jsonl", "tap.jsonl.1", "tap.jsonl.2"]
    assert all(path.stat().st_size <= 1_000 for path in folder.iterdir())
    assert lines(tap.path)[-1]["seq"] == 39


def test_a_folder_that_cannot_be_written_costs_lines_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    tap = Tap(tmp_path / "file" / "tap.jsonl", 1_000, 3, 30)
    tap.put(fact(1))
    tap.close()
    assert tap.dropped == 1


def test_a_disk_that_hangs_never_holds_the_recorder_up(tmp_path: Path) -> None:
    tap = Tap(tmp_path / "tap.jsonl", 1_000, 3, 30)
    tap.close()
    for _ in range(500):  # nobody takes them any more
        tap.put(fact(1))
    assert tap.dropped >= 300
