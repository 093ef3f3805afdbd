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


def read_often(found: dict[str, Any]) -> bool:
    """Whether the second GPU's power was read five times a second nearly all the time."""
    instant = found["devices"][1]
    return [part["call"] for part in instant["parts"]] == [WORDS[INSTANT]] and instant["known_s"] > 8


def watts(device: dict[str, Any]) -> float:
    """The mean over what is known."""
    mean: float = device["joules"] / device["known_s"]
    return mean


@pytest.mark.quiet
@pytest.mark.timeout(150)  # several tries where the machine is busy
def test_joules_are_near_the_truth_and_say_how_they_are_known(nvml: Path, tmp_path: Path) -> None:
    scene = box.Scene(tmp_path / "scene", 4).power(box.ALL, SAW)
    scene.unsupported(1, *NO_COUNTER)
    scene.unsupported(2, *NO_COUNTER, *NO_INSTANT)
    scene.unsupported(3, *NO_COUNTER, *NO_INSTANT, *NO_POWER).save()
    with Running(env=box.environment(nvml, scene.path), program=box.UNBOUNDED_RECORDER).ready() as recorder:
        # A worker that just began reads seldom until it knows its own cost.
        until(lambda: len(energy("--since", "3s").get("devices", [])) >= 4, 30, "GPUs")
        begin = recorder.status().ticks
        for end in range(begin + 16, begin + 71, 11):
            recorder.ticks(end, 30)
            found = energy("--since", "11s")
            if read_often(found):
                break
        else:
            pytest.skip("the machine is too busy to read power five times a second for eleven seconds")
    counted, instant, averaged, silent = found["devices"][:4]
    assert counted["quality"] == "measured"
    span_s, end = counted["known_s"], found["until_s"] - time.time() + box.boottime() - scene.start
    # The ends of a range of eleven seconds may be off by most of one. The meter itself is better:
    # test_meter_truth.py.
    assert counted["joules"] == pytest.approx(box.integral(SAW, end - span_s, end) / 1000, rel=0.1)
    assert instant["quality"] == "estimated"
    assert [part["call"] for part in instant["parts"]] == [WORDS[INSTANT]]
    # A busy machine takes some readings late. Of such a gap nothing is known, so that watts are compared.
    assert watts(instant) == pytest.approx(watts(counted), rel=0.07)
    assert averaged["quality"] == "estimated"
    assert [part["call"] for part in averaged["parts"]] == [WORDS[AVERAGE]]
    assert watts(averaged) == pytest.approx(watts(counted), rel=0.1)
    assert silent["joules"] is None
    assert (found["sums"]["gpu"]["with_reading"], found["sums"]["gpu"]["devices"]) == (3, 4)
