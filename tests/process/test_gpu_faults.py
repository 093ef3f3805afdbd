"""Fault after fault under one live recorder: what screen, journal and doctor say of each, and that it heals."""

from __future__ import annotations

import math
from pathlib import Path

from tests.gpu_seen import Seen, seen
from tests.harness import Running, events
from tests.nvml import samples
from tests.nvml.box import ALL, MISMATCH, NO_PERMISSION, NOT_LOADED, NOT_SUPPORTED, UNKNOWN, Scene, uuid
from wftui.model import gpus as cells
from wftui.model.tick import unpack
from wftui.store import read


def test_one_bad_gpu_costs_one_gpu(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 3)
    with seen(nvml, scene) as look:
        look.until(lambda: look.value("hw.gpu.utilization", 2) >= 0, "all three speak")
        assert "Stub 80GB" in look.screen()

        scene.set(1, ALL, code=NO_PERMISSION).save()
        look.until(lambda: look.card(1, cells.STATE) == "denied", "no permission")
        # Together: between a new layout and its first tick everything is unknown.
        use = "hw.gpu.utilization"
        look.until(lambda: look.value(use, 0) == 0.5 and math.isnan(look.value(use, 1)), "unknown, not 0")
        assert "permission" in look.screen()
        assert look.doctor_says(GPU_1="permission")["GPU 1"]["fix"]

        scene.clear(1, ALL).lose(2).save()
        look.until(lambda: look.card(2, cells.STATE) == "lost", "lost")
        assert "fell off the bus" in str(look.card(2, cells.REASON))
        look.until(lambda: look.card(1, cells.STATE) == "ok", "permission is back")
        assert "lost" in look.screen().lower()
        report = look.doctor_says(NVIDIA="fell off the bus")
        assert any("lost" in item["text"] and item["fix"] for item in report.values())

        scene.clear(2, ALL).save()
        look.until(lambda: look.card(2, cells.STATE) == "ok", "it returned")
        # Cards change their places, one goes: what belongs to a card stays with it.
        scene.power(0, 111_000).power(1, 222_000)
        scene.cards = [1, 0]
        scene.save()
        look.until(lambda: look.card(1, cells.INDEX) == 0 and look.card(0, cells.INDEX) == 1, "other places")
        look.until(
            lambda: look.value("hw.gpu.power", 0) == 111 and look.value("hw.gpu.power", 1) == 222, "its own"
        )
        look.until(lambda: look.card(2, cells.STATE) == "lost", "unplugged")
        scene.cards = [0, 1, 2]
        scene.reload().save()
        look.until(lambda: all(look.card(card, cells.STATE) == "ok" for card in range(3)), "the driver is back")
        where = look.running.where
    kinds = {kind: len(events(where, kind)) for kind in ("gpu.found", "gpu.lost", "gpu.returned")}
    assert kinds["gpu.found"] == 3
    assert kinds["gpu.lost"] == kinds["gpu.returned"] >= 2
    assert kinds["gpu.lost"] <= 8, "one event each, not one a second"


def test_what_is_not_offered_is_unknown_and_what_lies_is_left_out(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 3)
    scene.unsupported(1, "nvmlDeviceGetFanSpeed_v2", "nvmlDeviceGetNumFans", "nvmlDeviceGetEnforcedPowerLimit")
    scene.set(1, "nvmlDeviceGetMemoryInfo", code=NOT_SUPPORTED).set(1, "memory.total", code=NOT_SUPPORTED)
    scene.set(2, "nvmlDeviceGetUtilizationRates.gpu", 4294967295).set(2, "nvmlDeviceGetTemperatureV", 4294967295)
    scene.set(2, "nvmlDeviceGetName", text=b"bad \xff name \x1b[31m")
    with seen(nvml, scene) as look:
        look.until(lambda: look.value("hw.gpu.fan.speed_ratio", 0, ("sensor", "fan0")) >= 0, "slow readings")
        look.until(lambda: look.value("wftop.gpu.rejected", 2) > 3, "lies are counted")
        look.until(lambda: look.value("hw.gpu.power", 2) > 0, "the rest of a card that lies is whole")
        assert math.isnan(look.value("hw.gpu.fan.speed_ratio", 1, ("sensor", "fan0")))
        assert math.isnan(look.value("hw.gpu.utilization", 2))
        screen = look.screen()
        assert "\x1b" not in screen
        assert "4294967295" not in screen
        where = look.running.where
    with read.open_reader(where.data_dir) as reader:
        names = set()
        for tick in reader.ticks(0, 2**40):
            for column, value in zip(reader.layout(tick.layout).columns, unpack(tick.values), strict=True):
                if column.series.name.startswith("hw.gpu.") and not math.isnan(value):
                    names.add(column.series.text)
                    assert -50 <= value < 2**50, column.series.text
    assert f'hw.gpu.utilization{{gpu="{uuid(2)}"}}' not in names


def test_states_of_the_library(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 2).set(ALL, "nvmlInit_v2", code=MISMATCH)
    with seen(nvml, scene) as look:
        look.until(lambda: "updated" in look.source().reason, "the driver was updated")
        assert "reboot" in look.source().fix
        assert "updated" in look.screen()
    scene = Scene(tmp_path / "scene", 2).set(ALL, "nvmlInit_v2", code=NOT_LOADED)
    with seen(nvml, scene) as look:
        look.until(lambda: "not loaded" in look.source().reason, "no driver")
        scene.clear(ALL, "nvmlInit_v2").save()
        look.until(lambda: look.value("hw.gpu.utilization", 1) >= 0, "the driver was loaded under us")
        # A container that loses its GPUs while it runs, and gets them again.
        scene.set(ALL, ALL, code=UNKNOWN).save()
        look.until(lambda: look.card(0, cells.STATE) not in ("ok", None), "access is gone")
        assert math.isnan(look.value("hw.gpu.utilization", 0)) or look.card(0, cells.STATE) != "ok"
        scene.clear(ALL, ALL).save()
        look.until(lambda: look.card(0, cells.STATE) == "ok", "it is back")


def test_mig_and_memory_of_the_system(nvml: Path, tmp_path: Path) -> None:
    with seen(nvml, samples.mig(tmp_path / "scene")) as look:
        look.until(lambda: any(row[cells.PARENT] for row in look.rows.values()), "instances")
        look.until(lambda: "MIG" in str(next(iter(look.rows.values()))[cells.REASON]), "what MIG does not tell")
        assert "MIG" in look.screen()
        look.doctor_says(GPU_0="MIG: per-GPU utilisation is not offered")
    with seen(nvml, samples.gb10(tmp_path / "scene")) as look:
        look.until(lambda: look.value("hw.gpu.memory.limit", 0) > 0, "the system's memory")
        assert look.card(0, cells.MEMORY_KIND) == "unified"
        look.until(lambda: look.value("hw.gpu.memory.utilization", 0) > 0, "its share")


def test_without_a_library_there_is_no_worker() -> None:
    with Running() as running:
        look = Seen(running.ready(), {})
        try:
            look.until(lambda: look.state.source("gpu") is not None and look.state.tick is not None, "a word")
            assert Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text() == ""
        finally:
            look.close()
        assert running.stop() == 0
