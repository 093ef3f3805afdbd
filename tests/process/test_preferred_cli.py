"""Units and time zone of the settings, in what commands say; JSON and files stay in base units and UTC."""

from __future__ import annotations

import json
import subprocess
from array import array
from pathlib import Path

import pytest

from tests.harness import command, environment
from tests.recording import START_S, S
from tests.stored import recorded
from tests.unit.test_render_gpus import card
from wftui import when
from wftui.model import gpus as cells
from wftui.model.sample import column
from wftui.model.table import TableChange
from wftui.model.tick import Layout, Tick, pack
from wftui.store.journal import StoredChange

SECONDS = 120
RANGE = ("--since", str(START_S), "--until", str(START_S + SECONDS))
HERE = {
    "WFTOP_VIEW_TEMPERATURE": "fahrenheit",
    "WFTOP_VIEW_BYTES": "decimal",
    "WFTOP_VIEW_TIME_ZONE": "Asia/Tokyo",
}
COLUMNS = (
    column("sensors", "hw.temperature", {"sensor": "k10temp Tctl"}, call="hwmon"),
    column("gpu", "hw.gpu.up", {"gpu": "GPU-a"}, call="nvml"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not when.is_zone("Asia/Tokyo"):
        pytest.skip("this machine has no time zones")
    folder = tmp_path_factory.mktemp("data")
    layout = Layout(1, COLUMNS)
    tables = [
        StoredChange(1, cells.GPUS, TableChange("gpus", START_S * S, True, {"GPU-a": card(uuid="GPU-a", index=0)}))
    ]
    with recorded(folder) as made:
        made.journal.write(
            [
                (
                    Tick(n + 1, START_S + n, (100 + n) * S, made.boot, 1, pack(array("d", [100.0, 1.0]))),
                    layout,
                )
                for n in range(SECONDS)
            ],
            tables,
        )
    return folder


def run(folder: Path, *arguments: str, **extra: str) -> str:
    line = command(*arguments, "--data-dir", str(folder))
    done = subprocess.run(line, env=environment(extra), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_report(data: Path) -> None:
    before, after = run(data, "report", *RANGE), run(data, "report", *RANGE, **HERE)
    assert " KiB" in before
    assert "100 °C" in before
    assert " kB" in after
    assert "iB" not in after
    assert "212 °F" in after
    assert "(UTC+09:00)" in after
    assert "°C" not in after
    # 14:13:20 UTC is the next evening's 23:13:20 in Tokyo; a time that is typed is of that place too.
    assert "2026-09-21 23:13:20 to 2026-09-21 23:15:20" in after
    assert run(data, "report", "--since", "2026-09-21 23:13:20", "--until", "2026-09-21 23:15:20", **HERE) == after


def test_who_held_gpus(data: Path) -> None:
    said = run(data, "gpus", "--who", *RANGE, **HERE)
    assert "2026-09-21 23:13:20" in said
    plain, chosen = (json.loads(run(data, "gpus", "--who", *RANGE, "--json", **extra)) for extra in ({}, HERE))
    assert plain == chosen
    assert plain["since_s"] == START_S
    assert "2026-09-21 23:13:20" in run(data, "energy", *RANGE, **HERE)


def test_an_export_stays_in_utc(data: Path) -> None:
    typed = ("--since", "2026-09-21 23:13:20", "--until", "2026-09-21 23:15:20")
    assert run(data, "export", *typed, **HERE) == run(data, "export", *RANGE)


def test_what_a_purge_asks(data: Path) -> None:
    line = command("purge", "--before", "2026-09-21 23:14:20", "--data-dir", str(data))
    done = subprocess.run(
        line, env=environment(HERE), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert "before 2026-09-21 23:14:20+09:00" in done.stdout
    assert "60 ticks of the journal" in done.stdout
    assert "--yes" in done.stderr
