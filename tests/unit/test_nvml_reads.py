"""What a binding that is older or newer than the worker costs: the value that it lacks, and no other."""

from __future__ import annotations

import pynvml
import pytest

from wftui.collectors.nvml.binding import NO_FUNCTION, Binding
from wftui.collectors.nvml.fields import SECOND
from wftui.collectors.nvml.reads import Reader
from wftui.collectors.nvml.target import Target


def test_a_function_that_the_binding_lacks_has_an_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(pynvml, "nvmlDeviceGetTemperatureV")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTemperature", lambda _handle, _sensor: 47)
    target = Target("GPU-0", None)
    Reader(Binding()).read(target, SECOND)
    assert target.values[SECOND] == {"temp_gpu": 47}


def test_a_function_that_the_binding_lacks_costs_its_value_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"):
        monkeypatch.delattr(pynvml, name)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPerformanceState", lambda _handle: 8)
    target = Target("GPU-0", None)
    Reader(Binding()).read(target, SECOND)
    assert target.values[SECOND] == {"pstate": 8}
    assert target.codes["temp_gpu"] == NO_FUNCTION
