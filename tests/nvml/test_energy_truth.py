"""Energy from the driver's word to the command's figure, beside the truth of the scene."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Running, command, environment, until
from tests.nvml import box
from wftui.energy.meter import AVERAGE, INSTANT, WORDS

SAW = "saw:60000:300000:1.03"
"""mW; not in step with the readings, as no load is (in step, the phase decides on up to 7 %)."""
NO_COUNTER = ("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetFieldValues.83")
NO_INSTANT = ("nvmlDeviceGetFieldValues.186",)
NO_POWER = ("nvmlDeviceGetPowerUsage", "nvmlDeviceGetFieldValues.185")


def energy(*more: str) -> dict[str, Any]:  # Any: JSON values
    done = subprocess.run(
        command("energy", "--json", *more), env=environment(), capture_output=True, text=True, check=False
    )
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def at_5_hz(found: dict[str, Any]) -> bool:
    """Whether the second GPU's power is read often, and all have been seen."""
    devices = found.get("devices", [])
    return len(devices) >= 4 and [part["call"] for part in devices[1]["parts"]] == [WORDS[INSTANT]]


@pytest.mark.alone
def test_joules_are_near_the_truth_and_say_how_they_are_known(nvml: Path, tmp_path: Path) -> None:
    scene = box.Scene(tmp_path / "scene", 4).power(box.ALL, SAW)
    scene.unsupported(1, *NO_COUNTER)
    scene.unsupported(2, *NO_COUNTER, *NO_INSTANT)
    scene.unsupported(3, *NO_COUNTER, *NO_INSTANT, *NO_POWER).save()
    with Running(env=box.environment(nvml, scene.path)).ready() as recorder:
        # A worker that just began reads seldom until it knows its own cost.
        begin = until(lambda: recorder.status().ticks if at_5_hz(energy("--since", "3s")) else 0, 30, "5 Hz")
        recorder.ticks(begin + 12, 30)
        found = energy("--since", "11s")
    counted, instant, averaged, silent = found["devices"][:4]
    assert counted["quality"] == "measured"
    span_s, end = counted["known_s"], found["until_s"] - time.time() + box.boottime() - scene.start
    # The ends of a range of eleven seconds may be off by most of one. The meter itself is better:
    # test_meter_truth.py.
    assert counted["joules"] == pytest.approx(box.integral(SAW, end - span_s, end) / 1000, rel=0.1)
    assert instant["quality"] == "estimated"
    assert [part["call"] for part in instant["parts"]] == [WORDS[INSTANT]]
    assert instant["joules"] == pytest.approx(counted["joules"], rel=0.07)
    assert averaged["quality"] == "estimated"
    assert [part["call"] for part in averaged["parts"]] == [WORDS[AVERAGE]]
    assert averaged["joules"] == pytest.approx(counted["joules"], rel=0.1)
    assert silent["joules"] is None
    assert (found["sums"]["gpu"]["with_reading"], found["sums"]["gpu"]["devices"]) == (3, 4)
