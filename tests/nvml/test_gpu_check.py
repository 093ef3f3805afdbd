"""The check for real machines, against the stand-in: what agrees, what does not, and where it cannot look."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nvml import box, samples

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu_check.py"
FAIR = {
    "utilization.gpu": "50", "memory.total": "81920", "memory.used": "20480", "temperature.gpu": "55",
    "power.draw.instant": "300.00", "power.draw.average": "300.00", "clocks.sm": "1980", "clocks.mem": "2619",
    "pcie.link.gen.current": "5", "pcie.link.width.current": "16",
}  # fmt: skip


def look(
    nvml: Path, scene: box.Scene, folder: Path, smi: dict[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    """Run the check on a scene, beside an ``nvidia-smi`` that answers so."""
    programs = folder / "bin"
    programs.mkdir()
    program = programs / "nvidia-smi"
    row = ", ".join((box.uuid(0), *smi.values()))
    program.write_text(f"#!/bin/sh\necho '{row}'\n")
    program.chmod(0o755)
    (folder / "sys").mkdir()
    env = {
        **os.environ, **box.environment(nvml, scene.path), "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(SCRIPT.parents[2]),
    }  # fmt: skip
    # The machine that runs the tests may be busy: what is late is not what they are about.
    command = [sys.executable, str(SCRIPT), "--minutes", "0", "--late", "5", "--sys", str(folder / "sys"), *words]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=50, check=False)


def one(path: Path) -> box.Scene:
    return samples.h100(path, 1).power(0, 300_000).save()


def test_all_agrees(nvml: Path, tmp_path: Path) -> None:
    done = look(nvml, one(tmp_path / "scene"), tmp_path, FAIR, "--no-load")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "all agrees"
    assert any(line.startswith("✓ GPU 0    utilization.gpu") for line in lines)
    assert any("hw.gpu.fan.speed_ratio fan0" in line and " n/a " in line for line in lines)
    assert any(line.startswith("✓ meter by the counter: ") for line in lines)
    # Which calls are told depends on the moment: the worker tells them as it starts, then every 10 s.
    assert any(line.startswith("  nvml") for line in lines) or "no figures" in done.stdout


def test_what_disagrees_is_named_and_fails(nvml: Path, tmp_path: Path) -> None:
    scene = one(tmp_path / "scene").set(0, "nvmlDeviceGetTemperatureV", 4294967295).save()
    done = look(
        nvml, scene, tmp_path, {**FAIR, "utilization.gpu": "3", "power.draw.instant": "[N/A]"}, "--no-load"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    wrong = done.stdout.partition("Verdict")[2]
    assert "utilization.gpu" in wrong
    assert "hw.gpu.temperature gpu" in wrong
    assert "rejected" in wrong
    assert "memory.total" not in wrong
    assert "power.draw.instant" not in wrong


def test_a_load_that_cannot_run_is_said(nvml: Path, tmp_path: Path) -> None:
    done = look(nvml, one(tmp_path / "scene"), tmp_path, FAIR, "--seconds", "1")
    assert "n/a: bf16 matrix multiplication: " in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("code", [box.NOT_LOADED, box.MISMATCH])
def test_without_a_gpu_it_says_why(nvml: Path, tmp_path: Path, code: int) -> None:
    scene = box.Scene(tmp_path / "scene", 1).set(box.ALL, "nvmlInit_v2", code=code).save()
    done = look(nvml, scene, tmp_path, FAIR)
    assert done.returncode == 77, done.stdout + done.stderr
    assert str(code) in done.stdout
