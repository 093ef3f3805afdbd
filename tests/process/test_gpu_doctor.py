"""`wftop doctor` on boxes with NVIDIA GPUs, through the real worker and the stand-in for NVML."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.harness import environment
from tests.nvml import box, samples

TRIES = 3
"""So often it is asked again: on a busy machine not every GPU's energy was read when the look is over."""


def gpus(nvml: Path, scene: box.Scene, folder: Path) -> dict[str, dict[str, str]]:
    """Checks of the area ``gpu`` by name, without a recorder."""
    extra = box.environment(nvml, scene.path)
    done = subprocess.run(
        [sys.executable, "-m", "wftui", "doctor", "--json", "--data-dir", str(folder / "data")],
        env=environment(extra), capture_output=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)["checks"]
    return {item["name"]: item for item in found if item["area"] == "gpu"}


def test_a_healthy_box(nvml: Path, tmp_path: Path) -> None:
    scene = samples.h100(tmp_path / "scene", 2).process(1, os.getpid(), 2**30, sm=50).save()
    found = gpus(nvml, scene, tmp_path)
    for _ in range(TRIES):
        if "no energy reading" in str(found):
            found = gpus(nvml, scene, tmp_path)
    assert found["NVIDIA"]["state"] == "ok"
    assert "driver 580.65.06, CUDA 13.0" in found["NVIDIA"]["text"]
    for name in ("GPU 0", "GPU 1"):
        assert found[name]["state"] == "ok"
        assert found[name]["text"].startswith("NVIDIA H100 80GB HBM3 ok, energy measured, ±5 %")
    assert found["worker"]["state"] == "ok"


def test_a_library_of_another_driver(nvml: Path, tmp_path: Path) -> None:
    scene = box.Scene(tmp_path / "scene", 2).set(box.ALL, "nvmlInit_v2", code=box.MISMATCH).save()
    found = gpus(nvml, scene, tmp_path)
    assert found["NVIDIA"]["state"] == "bad"
    assert "reboot" in found["NVIDIA"]["fix"]
    assert "GPU 0" not in found


def test_a_driver_that_is_not_loaded(nvml: Path, tmp_path: Path) -> None:
    scene = box.Scene(tmp_path / "scene", 2).set(box.ALL, "nvmlInit_v2", code=box.NOT_LOADED).save()
    found = gpus(nvml, scene, tmp_path)
    assert found["NVIDIA"]["text"].startswith("absent: ")
    assert "modprobe nvidia" in found["NVIDIA"]["fix"]
    assert "GPU 0" not in found


def test_unified_memory_and_what_is_not_offered(nvml: Path, tmp_path: Path) -> None:
    found = gpus(nvml, samples.gb10(tmp_path / "scene").save(), tmp_path)
    assert found["GPU 0"]["state"] == "ok"
    assert "uses the system's memory" in found["GPU 0"]["text"]
    assert "not offered: " in found["GPU 0"]["text"]
