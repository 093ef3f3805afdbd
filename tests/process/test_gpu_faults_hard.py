"""Faults that a driver keeps silent about: calls that never answer, lists that grow, empty answers, sleep."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from pathlib import Path

from tests.gpu_seen import Seen, seen
from tests.harness import events, until
from tests.nvml import box, samples
from tests.nvml.box import ALL, Scene, bus_id, uuid
from wftui.collectors.nvml import states
from wftui.collectors.nvml.xids import KernelLog
from wftui.model import gpus as cells
from wftui.model import health
from wftui.model.tick import unpack
from wftui.paths import Places
from wftui.store import read
from wftui.tui.gpu_screen.model import FIELDS
from wftui.tui.gpus import held_by

USE = "hw.gpu.utilization"
COMPUTE = "nvmlDeviceGetComputeRunningProcesses_v3"
WAIT = "nvmlEventSetWait_v2"
OLD = (
    COMPUTE, "nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetMPSComputeRunningProcesses_v3",
    "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetTemperatureV", "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetSupportedClocksEventReasons", "nvmlDeviceGetFieldValues", "nvmlDeviceGetJpgUtilization",
    "nvmlDeviceGetOfaUtilization", "nvmlGpmQueryDeviceSupport", "nvmlGpmSampleAlloc", "nvmlGpmSampleGet",
    "nvmlGpmMetricsGet", "nvmlDeviceGetNumaNodeId", "nvmlSystemGetCudaDriverVersion_v2", WAIT,
)  # fmt: skip
"""What a driver of 2019 does not have yet."""


def all_ok(look: Seen, cards: int) -> bool:
    return all(look.card(card, cells.STATE) == "ok" and look.value(USE, card) >= 0 for card in range(cards))


def worker_of(look: Seen) -> int:
    pid = look.running.pid
    (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(worker)


def stored(where: Places) -> dict[str, list[float]]:
    """Series of GPUs to the values in the journal, gaps left out."""
    found: dict[str, list[float]] = {}
    with read.open_reader(where.data_dir) as reader:
        for tick in reader.ticks(0, 2**40):
            for column, value in zip(reader.layout(tick.layout).columns, unpack(tick.values), strict=True):
                if column.series.name.startswith("hw.gpu.") and not math.isnan(value):
                    found.setdefault(column.series.text, []).append(value)
    return found


def plug(sys_root: Path, card: int, status: str) -> Path:
    """Put a card on the PCI bus of a folder for /sys; the file with its power status."""
    folder = sys_root / "bus" / "pci" / "devices" / bus_id(card)
    (folder / "power").mkdir(parents=True)
    (folder / "vendor").write_text("0x10de\n")
    (folder / "class").write_text("0x030200\n")
    (folder / "driver").symlink_to("../../drivers/nvidia")
    (folder / "power" / "control").write_text("auto\n")
    (folder / "power" / "runtime_status").write_text(f"{status}\n")
    return folder / "power" / "runtime_status"


def test_a_library_that_never_answers(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 2).set(ALL, "nvmlInit_v2", hang=300)
    with seen(nvml, scene) as look:
        look.until(lambda: "no answer for" in look.source().reason, "a stuck init")
        assert time.monotonic() - look.running.started < 20
        assert "nvmlInit" in look.source().reason
        assert look.source().state == health.STUCK
        for _ in range(3):
            look.tick()
            assert look.state.value("system.cpu.utilization") >= 0, "the host is read meanwhile"
        assert "no answer for" in look.screen()
        assert look.doctor_says(NVIDIA="no answer for")["NVIDIA"]["state"] == "bad"

        scene.set(ALL, "nvmlInit_v2", hang=0).save()
        look.until(lambda: all_ok(look, 2), "it answers")
        assert not look.source().reason
        maps = Path(f"/proc/{look.running.pid}/maps").read_text()
        assert "libnvidia-ml" not in maps, "the library is in a process of its own, not in a fork of this one"
        worker = worker_of(look)
        assert str(nvml) in Path(f"/proc/{worker}/maps").read_text()

        # The driver is loaded anew and hangs: what was known is not true any more, and nothing is 0.
        scene.reload().set(ALL, "nvmlInit_v2", hang=300).save()
        look.until(
            lambda: all(
                look.card(card, cells.STATE) == "stuck" and math.isnan(look.value(USE, card)) for card in range(2)
            ),
            "all wait for the library",
        )
        assert "no answer" in look.screen()
        assert "nvmlInit" in look.gpu_screen(1)
        where = look.running.where
        began = time.monotonic()
        assert look.running.stop() == 0
        assert time.monotonic() - began < 2
        scene.set(ALL, "nvmlInit_v2", hang=0).save()
        until(lambda: not Path(f"/proc/{worker}").exists(), 15, "the worker's end")
    assert len(events(where, "gpu.found")) == 2
    assert len(events(where, "gpu.stuck")) == 2
    assert not events(where, "gpu.answered")
    assert not events(where, "gpu.driver"), "it was the same driver all the time"


def test_lists_that_grow_and_answers_that_are_empty(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 4).set(ALL, WAIT, hang=300)
    # Card 0: there are more processes each time it is asked.
    scene.process(0, os.getpid(), 3 << 30, sm=40).set(0, COMPUTE, code=7)
    # Card 1: success, but nothing is written, and all that is written is 0.
    scene.process(1, os.getpid(), 2 << 30, sm=40).set(1, "nvmlDeviceGetProcessUtilization", 0)
    scene.set(1, "nvmlDeviceGetFieldValues", 0)
    for part in ("total", "used", "reserved", "free"):
        scene.set(1, f"memory.{part}", 0)
    # Card 2: a GPU without a name that says 101 %, counts backwards, and holds processes that cannot be.
    scene.set(2, "nvmlDeviceGetName", text="").set(2, "nvmlDeviceGetUtilizationRates.gpu", 101)
    scene.set(2, "nvmlDeviceGetPowerUsage", -1).set(2, "nvmlDeviceGetFieldValues.186", -1)
    scene.set(2, "nvmlDeviceGetFieldValues.83", "cycle:9000000:4000000:2000000:8000000", kind=3)
    scene.set(2, "memory.used", 2**64 - 1).process(2, 2**31, 1 << 30)
    with seen(nvml, scene) as look:
        look.until(lambda: "nvmlEventSetWait_v2" in look.source().reason, "a wait for errors hangs")
        assert "Xid" in look.source().reason
        look.until(lambda: all(look.value("hw.gpu.power", card) > 0 for card in (0, 1, 3)), "readings go on")
        look.until(lambda: look.card(0, cells.REASON) == states.PARTIAL, "a list that lacks some")
        assert [row[cells.P_MEMORY] for row in held_by(look.state, uuid(0))] == [3 << 30], "what came is shown"
        assert states.PARTIAL in look.gpu_screen(0)
        assert look.card(3, cells.REASON) == "", "the others' lists are whole"
        look.until(lambda: look.value("wftop.gpu.rejected", 1) > 0, "memory of 0 bytes is counted as a lie")
        (row,) = held_by(look.state, uuid(1))
        assert (row[cells.P_MEMORY], row[cells.P_UTILIZATION]) == (2 << 30, 0), "no sample: it did nothing"
        assert held_by(look.state, uuid(2)) == [], "no process has that number"
        heard = KernelLog().readable
        look.until(
            lambda: math.isnan(look.value("hw.gpu.xid", 0)) != heard, "that there was none is known or it is not"
        )
        assert ("no word on driver errors" in look.gpu_screen(0)) != heard
        report = look.doctor_says(GPU_0=states.PARTIAL, NVIDIA="Xid")
        assert report["NVIDIA"]["fix"]
        assert report["GPU 3"]["state"] == "ok"

        scene.set(3, "nvmlDeviceGetUtilizationRates", hang=300).save()
        look.until(lambda: look.card(3, cells.STATE) == "stuck", "stuck")
        # Together: between a new layout and its first tick everything is unknown.
        look.until(lambda: look.value(USE, 0) == 0.5 and math.isnan(look.value(USE, 3)), "the others answer")
        assert "no answer" in look.screen()
        assert "nvmlDeviceGetUtilizationRates" in look.gpu_screen(3)
        assert look.doctor_says(GPU_3="stuck: no answer for")["GPU 3"]["state"] == "bad"

        scene.set(3, "nvmlDeviceGetUtilizationRates", hang=0)
        scene.set(ALL, WAIT, hang=0).clear(0, COMPUTE).save()
        look.until(lambda: not look.source().reason, "the wait came back")
        scene.xid(3, 31).save()
        look.until(lambda: look.card(3, cells.LAST_XID) == 31 and look.value("hw.gpu.xid", 3) == 1, "an Xid")
        look.until(lambda: look.card(0, cells.REASON) == "", "the list stands still")
        where = look.running.where
    values = stored(where)
    assert not [
        name
        for name in values
        if name.startswith(("hw.gpu.memory.usage", "hw.gpu.memory.limit", "hw.gpu.memory.utilization"))
        and uuid(1) in name
    ], "not 0 of 0"
    assert f'{USE}{{gpu="{uuid(2)}"}}' not in values
    assert f'hw.gpu.power{{gpu="{uuid(2)}"}}' not in values
    for name, numbers in values.items():
        assert all(-50 <= number < 2**50 for number in numbers), name
        if name.startswith("hw.gpu.energy{"):
            assert sorted(numbers) == numbers, "joules only grow"
    assert [item["xid"] for item in events(where, "gpu.xid")] == [31]


def _asked(log: Path) -> Counter[str]:
    """How often each function was called."""
    return Counter(call.function for call in box.calls(log))


def test_a_laptop_is_not_asked_again_for_what_it_has_not(nvml: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with seen(nvml, samples.laptop(tmp_path / "scene"), log) as look:
        missing = {"fan_fan0", "power_limit_enforced", "ecc_corrected", "nvlink_links_active", "pcie_receive"}
        look.until(lambda: missing <= set(str(look.card(0, cells.UNAVAILABLE)).split(",")), "what it has not")
        look.until(lambda: look.card(0, cells.ENERGY_SOURCE) == "average", "energy of averaged power")
        for _ in range(2):
            look.tick()
        assert "n/a" in look.gpu_screen(0, FIELDS)
        assert "not told by this card" in look.gpu_screen(0)
        assert "fan_fan0" in look.doctor_says(GPU_0="not offered: ")["GPU 0"]["text"]
        look.until(lambda: _asked(log)["nvmlDeviceGetUtilizationRates"] >= 4, "readings, one a second at least")
        where = look.running.where
    none = ("hw.gpu.fan", "hw.gpu.power.limit", "hw.gpu.ecc", "hw.gpu.nvlink", "hw.gpu.io{")
    assert not [name for name in stored(where) if name.startswith(none)]
    asked = _asked(log)
    assert asked["nvmlGpmQueryDeviceSupport"] + asked["nvmlGpmSampleGet"] <= 2
    assert asked["nvmlDeviceGetTotalEnergyConsumption"] <= 3, "once to look, once to read"
    lines = [path.read_text() for path in where.state_dir.glob("wftop.log*")]
    assert "".join(lines).count("gpu") <= 1, "no line a second"


def test_a_card_without_its_library(tmp_path: Path) -> None:
    plug(tmp_path / "sys", 0, "active")
    with seen(tmp_path, Scene(tmp_path / "scene", 1), sys_root=tmp_path / "sys") as look:
        look.until(lambda: "NVML cannot be loaded" in look.source().reason, "no library")
        assert ("--gpus all" if states.in_container() else "install") in look.source().fix
        look.tick()
        assert "NVML cannot be" in look.screen()
        assert "NVML cannot be loaded" in look.gpu_screen(0)
        report = look.doctor_says(NVIDIA="NVML cannot be loaded")
        assert report["NVIDIA"]["state"] == "warn", "there is one, and nothing reads it"
        where = look.running.where
    assert not [name for name in stored(where) if not name.startswith("hw.gpu.count")]


def test_a_driver_without_the_newer_functions(nvml: Path, tmp_path: Path) -> None:
    old = box.build(tmp_path / "old", OLD) if nvml else nvml
    scene = Scene(tmp_path / "scene", 2).process(1, os.getpid(), 5 << 30, sm=40)
    scene.set(0, "nvmlDeviceGetCurrentClocksThrottleReasons", 0x40)
    with seen(old, scene) as look:
        look.until(lambda: all_ok(look, 2), "it speaks")
        look.until(lambda: look.value("hw.gpu.temperature", 0, ("sensor", "gpu")) == 55, "the old question")
        assert look.value("hw.gpu.memory.usage", 0, ("mode", "used")) == 21474836480 + 536870912
        assert math.isnan(look.value("hw.gpu.memory.usage", 0, ("mode", "reserved"))), "not told by the old one"
        assert look.value("hw.gpu.power", 0) == 300
        look.until(lambda: look.value("hw.gpu.energy", 0) >= 0, "the counter by its own call")
        look.until(lambda: look.card(0, cells.THROTTLED) == "hw_thermal", "why it is slow")
        look.until(lambda: [row[cells.P_MEMORY] for row in held_by(look.state, uuid(1))] == [5 << 30], "a holder")
        look.until(
            lambda: look.value("hw.gpu.io.throughput", 0, ("direction", "receive")) > 0, "no counter of bytes"
        )
        assert "overheated" in look.screen()
        text = look.doctor_says(GPU_1="not offered: ")["GPU 1"]["text"]
        assert "gpm_sm" in text
        assert "temp_memory" in text
        where = look.running.where
    values = stored(where)
    assert not [name for name in values if name.startswith("hw.gpu.activity")]
    assert not [name for name in values if 'sensor="memory"' in name]
    assert all(0 <= number < 2**50 for numbers in values.values() for number in numbers)


def test_a_gpu_that_sleeps_is_not_touched(nvml: Path, tmp_path: Path) -> None:
    sys_root = tmp_path / "sys"
    scene = samples.laptop(tmp_path / "scene")
    scene.cards = [0, 1]
    status = [plug(sys_root, card, "suspended") for card in (0, 1)]
    for card in (0, 1):
        scene.set(card, ALL, wake=status[card])
    log = tmp_path / "log"
    with seen(nvml, scene, log, sys_root) as look:
        look.until(lambda: [row[cells.STATE] for row in look.rows.values()] == ["asleep"] * 2, "both sleep")
        look.until(lambda: look.source().state == health.ASLEEP, "the source, too")
        assert "asleep" in look.screen()
        report = look.doctor_says(NVIDIA="asleep", **{f"GPU at {bus_id(card)}": "asleep" for card in (0, 1)})
        assert {report[f"GPU at {bus_id(card)}"]["state"] for card in (0, 1)} == {"ok"}
        assert box.calls(log) == [], "not even the library is opened"
        status[0].write_text("active\n")
        look.until(lambda: look.card(0, cells.STATE) == "ok" and look.value(USE, 0) >= 0, "one woke up")
        states_now = {key: str(row[cells.STATE]) for key, row in look.rows.items()}
        assert states_now == {uuid(0): "ok", f"pci-{bus_id(1)}": "asleep"}
        assert "asleep" in look.screen()
        assert {call.gpu for call in box.calls(log)} == {"0", "-"}
        assert not events(look.running.where, "gpu.lost"), "it got a name of its own, and is no other"

        # The only one that is awake is lost: the library is opened anew, which changes nothing for it.
        scene.lose(0).save()
        look.until(lambda: look.card(0, cells.STATE) == "lost", "lost")
        for _ in range(5):
            look.tick()
            assert look.card(0, cells.STATE) == "lost"
        assert status[1].read_text() == "suspended\n"
        where = look.running.where
    assert {call.gpu for call in box.calls(log)} == {"0", "-"}
    assert len(events(where, "gpu.asleep")) == 2
    assert len(events(where, "gpu.lost")) == 1
    assert not events(where, "gpu.returned")
    told = [name for name in stored(where) if uuid(1) in name or bus_id(1) in name]
    assert told == [name for name in told if name.startswith("hw.gpu.xid{") and KernelLog().readable], "no number"


def test_eight_six_none_and_eight_again(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 8)
    for card in range(8):
        scene.power(card, 100_000 + 1000 * card)
    with seen(nvml, scene) as look:
        look.until(lambda: all_ok(look, 8), "eight")
        scene.cards = [0, 2, 3, 4, 5, 7]
        scene.save()
        look.until(lambda: look.card(1, cells.STATE) == look.card(6, cells.STATE) == "lost", "two are gone")
        assert look.card(1, cells.NAME) == "NVIDIA Stub 80GB"
        look.until(lambda: look.card(7, cells.INDEX) == 5 and look.value("hw.gpu.power", 7) == 107, "its own")
        assert math.isnan(look.value("hw.gpu.power", 1))
        report = look.doctor_says(NVIDIA="not there any more")
        assert sum("lost" in item["text"] for item in report.values() if item["name"].startswith("GPU")) == 2
        assert "lost" in look.screen()

        # A driver in trouble: every question is answered with success, and there is no GPU.
        scene.cards = []
        scene.save()
        look.until(lambda: all(look.card(card, cells.STATE) == "lost" for card in range(8)), "none is left")
        look.until(lambda: all(math.isnan(look.value(USE, card)) for card in range(8)), "unknown, not 0")
        assert look.source().state == health.FAILED
        assert look.source().fix
        scene.cards = list(range(8))
        scene.save()
        look.until(lambda: all_ok(look, 8), "eight again")
        look.until(
            lambda: all(look.value("hw.gpu.power", card) == 100 + card for card in range(8)), "each its own"
        )
        assert len(look.rows) == 8
        where = look.running.where
    kinds = {kind: len(events(where, kind)) for kind in ("gpu.found", "gpu.lost", "gpu.returned")}
    assert kinds == {"gpu.found": 8, "gpu.lost": 8, "gpu.returned": 8}, "one event each"
    for card in range(8):
        assert set(stored(where)[f'hw.gpu.power{{gpu="{uuid(card)}"}}']) == {100 + card}, "history stays attached"
