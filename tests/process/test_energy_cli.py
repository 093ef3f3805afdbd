"""`wftop energy`, `wftop gpus` and the report's section, as a person calls them."""

from __future__ import annotations

import json
import subprocess
from array import array
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.harness import command, environment
from tests.recording import START_S, S
from tests.stored import recorded
from wftui.model import gpus as cells
from wftui.model.sample import ESTIMATED, Column, column
from wftui.model.table import Row, TableChange, TableSchema
from wftui.model.tick import Layout, Tick, pack
from wftui.store.journal import StoredChange

SECONDS = 1_800
RANGE = ("--since", str(START_S), "--until", str(START_S + SECONDS))
GIB = 2.0**30


def gpu(metric: str, uuid: str, quality: str = "measured", call: str = "counter") -> Column:
    return column("gpu", f"hw.gpu.{metric}", {"gpu": uuid}, call=call, quality=quality)


COLUMNS = (
    gpu("energy", "GPU-a"),
    gpu("energy", "GPU-b", ESTIMATED, "estimated from power at 5 Hz or more"),
    *(gpu("up", uuid) for uuid in ("GPU-a", "GPU-b", "GPU-c")),
    column("energy", "hw.energy", {"device": "package-0"}, call="/sys/class/powercap"),
)


def row(schema: TableSchema, known: Mapping[str, str | float | None]) -> Row:
    return tuple(known.get(item.name, "" if item.kind == "text" else None) for item in schema.columns)


def card(uuid: str, number: int, state: str = "ok") -> Row:
    known: dict[str, str | float | None]
    known = {"gpu.uuid": uuid, "gpu.index": number, "gpu.name": "NVIDIA H200", "gpu.state": state}
    return row(cells.GPUS, known)


def held(pid: int, user: str, hours: float, joules: float, idle_since: float | None = None) -> Row:
    known: dict[str, str | float | None] = {
        "gpu.uuid": "GPU-a", "process.pid": pid, "process.start_time": 7, "process.user": user,
        "process.name": "trainer", "process.gpu.memory.usage": 4 * GIB, "process.gpu.time": hours * 3600,
        "process.gpu.energy": joules, "process.gpu.idle_since": idle_since,
    }  # fmt: skip
    return row(cells.GPU_PROCESSES, known)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour: 720 W measured, 360 W estimated, a GPU that says nothing, a package of 100 W; two users."""
    folder = tmp_path_factory.mktemp("data")
    cards = {uuid: card(uuid, number) for number, uuid in enumerate(("GPU-a", "GPU-b"))}
    cards["GPU-c"] = card("GPU-c", 2, "denied")
    layout = Layout(1, COLUMNS)
    tables = [
        StoredChange(1, cells.GPUS, TableChange("gpus", START_S * S, True, cards)),
        StoredChange(1, cells.GPU_PROCESSES, TableChange("gpu_processes", START_S * S, True, {})),
    ]
    rows = {"GPU-a/1:7": held(1, "alice", 0, 0), "GPU-a/2:7": held(2, "bob", 0, 0, float(START_S * S))}
    tables.append(
        StoredChange(2, cells.GPU_PROCESSES, TableChange("gpu_processes", (START_S + 1) * S, False, rows))
    )
    rows = {"GPU-a/1:7": held(1, "alice", 0.25, 900_000.0)}
    tables.append(
        StoredChange(1_700, cells.GPU_PROCESSES, TableChange("gpu_processes", (START_S + 1_699) * S, False, rows))
    )
    with recorded(folder) as made:
        made.journal.write(
            [
                (
                    Tick(
                        n + 1, START_S + n, (100 + n) * S, made.boot, 1,
                        pack(array("d", [720.0 * n, 360.0 * n, 1.0, 1.0, 1.0, 100.0 * n])),
                    ),
                    layout,
                )
                for n in range(SECONDS)
            ],
            tables,
        )  # fmt: skip
    return folder


def run(*arguments: str, price: str = "", code: int = 0) -> str:
    extra = {"WFTOP_ENERGY_PRICE_PER_KWH": price} if price else {}
    done = subprocess.run(command(*arguments), env=environment(extra), capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_energy_says_how_each_figure_is_known_and_what_is_missing(data: Path) -> None:
    said = run("energy", *RANGE, "--data-dir", str(data), price="0.5")
    lines = {line.split("  ")[1]: line for line in said.splitlines() if line.startswith("  ")}
    assert "360 Wh" in lines["GPU 0 H200"]
    assert "measured ±5 %" in lines["GPU 0 H200"]
    assert "0.180 EUR" in lines["GPU 0 H200"]
    assert "180 Wh" in lines["GPU 1 H200"]
    assert lines["GPU 1 H200"].endswith("estimated")
    assert lines["GPU 2 H200"].split() == ["GPU", "2", "H200", "-", "no", "reading", "(denied)"]
    assert "540 Wh" in lines["= GPUs"]
    assert "2 of 3 told" in lines["= GPUs"]
    assert "50.0 Wh" in lines["= CPU package"]
    assert "they told nothing: GPU 2 H200." in said
    assert "Estimated from power at 5 Hz or more." in said
    assert "At 0.5 EUR per kWh" in said


def test_without_a_price_there_is_no_cost(data: Path) -> None:
    said = run("energy", *RANGE, "--data-dir", str(data))
    assert "EUR" not in said
    found = json.loads(run("energy", *RANGE, "--data-dir", str(data), "--json"))
    assert found["price_per_kwh"] is None
    assert found["devices"][0]["cost"] is None
    assert found["devices"][0]["joules"] == pytest.approx(720 * (SECONDS - 1))
    assert found["devices"][2]["joules"] is None
    sums = found["sums"]["gpu"]
    assert (sums["with_reading"], sums["devices"]) == (2, 3)
    assert sums["watt_hours"] == pytest.approx(540, rel=0.01)


def test_who_used_the_gpus(data: Path) -> None:
    found = json.loads(run("gpus", "--who", *RANGE, "--json", "--data-dir", str(data), price="1"))
    alice, bob = found["uses"]
    assert (alice["who"], bob["who"]) == ("alice", "bob")
    assert (alice["gpu_s"], alice["watt_hours"], alice["cost"]) == (900.0, 250.0, 0.25)
    assert bob["gpu_s"] == 0.0
    assert bob["idle_s"] == pytest.approx(SECONDS - 1)
    assert bob["idle_byte_s"] == pytest.approx(4 * GIB * (SECONDS - 1))
    assert found["rule"].startswith("apportioned")
    said = run("gpus", "--who", *RANGE, "--data-dir", str(data))
    assert "Wh of 540 Wh went to nobody (2 of 3 GPUs have readings)." in said
    assert "trainer (1)" in run("gpus", "--who", "--by", "process", *RANGE, "--data-dir", str(data))


def test_the_gpus_of_now_are_never_nothing_at_all(data: Path) -> None:
    said = run("gpus", "--data-dir", str(data))
    assert said.startswith("GPUs, ")
    assert len(said.splitlines()) > 1, "a line for each GPU, or why there is none"
    assert isinstance(json.loads(run("gpus", "--json", "--data-dir", str(data)))["gpus"], list)


def test_the_report_has_the_energy_and_no_uuid(data: Path) -> None:
    said = run("report", *RANGE, "--data-dir", str(data))
    section = said.partition("\nEnergy\n")[2].partition("\n\n")[0]
    assert "2 of 3 told" in section
    assert "GPU-a" not in said


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("energy", "--since", "1h", "--until", "2h"), 2, "not before"),
        (("energy", "--since", str(START_S - 9000), "--until", str(START_S - 8000)), 7, "no data"),
        (("gpus", "--who", "--by", "host"), 2, "--by: expected one of user, job, container, process"),
        (("gpus", "--by", "job"), 2, "expect --who"),
    ],
)
def test_what_cannot_be_answered_is_said(data: Path, words: tuple[str, ...], code: int, reason: str) -> None:
    assert reason in run(*words, "--data-dir", str(data), code=code)
